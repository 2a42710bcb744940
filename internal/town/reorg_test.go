package town_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
	"onegrid/internal/work/figures"
)

// acted is what an act over HTTP answers.
type acted struct {
	ID     id.ID `json:"id"`
	Weight struct {
		Cases  int64 `json:"cases"`
		Posts  int64 `json:"posts"`
		Grants int64 `json:"grants"`
	} `json:"weight"`
	Heirs   []org.Heritage `json:"heirs"`
	Flaws   []grid.Flaw    `json:"flaws"`
	Refused *struct {
		Why string `json:"why"`
	} `json:"refused"`
}

func acts(w *town.Town, path string, body with) (out acted) {
	w.Helper()
	answers(w, w.As("grid clerk 1").Do("POST", path, body), &out)
	return out
}

// approved is an act on grids that the clerk draws and the leader approves.
func approved(w *town.Town, body with) acted {
	w.Helper()
	var drawn struct {
		ID      id.ID `json:"id"`
		Version int64 `json:"version"`
	}
	answers(w, w.As("grid clerk 1").Do("POST", "/api/grids/proposals", body), &drawn)
	decision := "/api/grids/proposals/" + drawn.ID.String() + "/decision"
	if a := w.As("grid clerk 1").Do("POST", decision, with{"version": drawn.Version, "approve": true}); a.Status != 403 {
		w.Fatalf("who drew it approves it: %s", a)
	}
	var did struct {
		Acted acted `json:"acted"`
	}
	answers(w, w.As("grid centre leader 1").Do("POST", decision, with{"version": drawn.Version, "approve": true}), &did)
	return did.Acted
}

func answers(w *town.Town, a town.Answer, into any) {
	w.Helper()
	if a.Status != 200 {
		w.Fatalf("%s %s", a, a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		w.Fatal(err)
	}
}

// The grid centre splits a grid: the look before says what would move, then the
// open case goes to the half it lies in, the closed one stays, posts and grants
// follow, and the heirs find and count what was before.
func TestAGridIsSplit(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		m := &matrix{Town: w}
		village := w.As("village desk 1")
		open := village.Reports("东边的垃圾")
		closed := m.caseIn(own, "closed", "", id.ID{})
		var volunteer id.ID
		w.Write(func(tx *db.Tx) error {
			p, err := w.App.Org.CreatePerson(tx, w.Operator(tx), org.PersonIn{Name: "演示志愿者"})
			volunteer = p.ID
			if err != nil {
				return err
			}
			_, err = w.App.Access.Give(tx, w.Operator(tx), access.GrantIn{Person: volunteer, Role: "grid_head", Level: org.AtGrid, Node: w.Nodes["G1"], Why: "试"})
			return err
		})
		old := w.Nodes["G1"]
		body := with{"kind": "split", "why": "户数太多", "grid_id": old, "line": [][2]float64{{117.011, 36.905}, {117.011, 36.915}},
			"parts": []with{{"name": "一号西"}, {"name": "一号东", "posts": []id.ID{w.Posts["part officer 1"]}}}, "dry_run": true}
		w.As("grid clerk 1")
		head := w.Head()
		look := acts(w, "/api/grids/acts", body)
		if look.Refused != nil || look.Weight.Cases != 1 || look.Weight.Grants != 1 || look.Weight.Posts < 3 || w.Head() != head {
			w.Fatalf("the look before: %+v, %d entries", look, w.Head()-head)
		}
		body["dry_run"] = false
		if a := w.As("grid clerk 1").Do("POST", "/api/grids/acts", body); a.String() != "409 grid.needs_approval" {
			w.Fatalf("a border is moved by one alone: %s", a)
		}
		did := approved(w, body)
		if err := w.App.Work(w.Context()); err != nil {
			w.Fatal(err)
		}
		var east, west grid.Place
		w.Read(func(tx *db.Tx) (err error) {
			if west, _, err = w.App.Grids.Locate(tx, orb.Point{117.005, 36.912}); err != nil {
				return err
			}
			lon, lat := town.Middle("G1")
			east, _, err = w.App.Grids.Locate(tx, orb.Point{lon, lat})
			return err
		})
		if east.Base.Name != "一号东" || west.Base.Name != "一号西" {
			w.Fatalf("%+v %+v", east.Base, west.Base)
		}
		type row struct {
			Grid id.ID `json:"grid_id"`
		}
		at := func(c town.Case) id.ID {
			var page struct{ Case row }
			w.As("hub officer 1").Gets("/api/cases/"+c.ID.String(), &page)
			return page.Case.Grid
		}
		if got := at(open); got != east.Base.ID {
			w.Errorf("the open case lies in %s", got)
		}
		if got := at(closed); got != old {
			w.Errorf("the closed case moved to %s", got)
		}
		for _, half := range []id.ID{east.Base.ID, west.Base.ID} {
			if !w.As("hub officer 1").Lists(closed, "view=all&grid="+half.String()) {
				w.Errorf("an heir does not find what was closed before")
			}
		}
		if w.As("hub officer 1").Lists(open, "view=all&grid="+west.Base.ID.String()) || !w.As("part officer 1").Lists(open, "view=all") {
			w.Error("the open case is listed in the wrong half, or its officer lost it")
		}
		w.Read(func(tx *db.Tx) error {
			s, err := w.App.Org.Snapshot(tx)
			if err != nil {
				return err
			}
			// Not chosen: the larger half, in which the micro grid lies too.
			if p, _ := s.Post(w.Posts["part officer 1"]); p.Node != east.Base.ID {
				w.Errorf("the chosen post stands at %s", p.Node)
			}
			if p, _ := s.Post(w.Posts["grid officer 1"]); p.Node != org.MainHeir(did.Heirs, old) {
				w.Errorf("the other post stands at %s", p.Node)
			}
			by, err := w.App.Access.Actor(tx, volunteer, id.ID{})
			if err != nil {
				return err
			}
			for _, half := range []grid.Place{east, west} {
				if !by.Sees("case.view", journal.Sight{Nodes: half.Nodes}) {
					w.Errorf("the grant at the old grid does not reach %s", half.Base.Name)
				}
			}
			at, _, err := w.App.Cases.RehomedBy(tx, did.ID)
			if err != nil || at.Moved != 1 || at.Ended.IsZero() {
				w.Errorf("the job: %+v %v", at, err)
			}
			return nil
		})
		var page struct {
			Acts []struct {
				Kind string `json:"kind"`
				Why  string `json:"why"`
			} `json:"acts"`
			Heirs []org.Heritage `json:"heirs"`
		}
		w.As("grid clerk 1").Gets("/api/grids/"+old.String(), &page)
		if len(page.Acts) != 1 || page.Acts[0].Why != "户数太多" || len(page.Heirs) != 2 {
			w.Errorf("what became of it: %+v", page)
		}
		// A border that leaves a gap is refused with the place.
		gap := with{"kind": "redraw", "why": "试", "dry_run": true, "borders": []with{{"grid_id": w.Nodes["G3"], "geometry": json.RawMessage(
			`{"type":"Polygon","coordinates":[[[117.04,36.90],[117.055,36.90],[117.06,36.92],[117.04,36.92],[117.04,36.90]]]}`)}}}
		if refused := acts(w, "/api/grids/acts", gap); refused.Refused == nil || len(refused.Flaws) == 0 || refused.Flaws[0].Lon < 117.05 {
			w.Errorf("a gap: %+v", refused)
		}
		if a := w.As("hub officer 1").Do("POST", "/api/grids/acts", body); a.Status != 403 {
			w.Errorf("the hub's officer reorganises: %s", a)
		}
		w.Verified()
	})
}

// A platform merges into another, a street's platform moves, a department takes
// over another: units below, posts, villages' grids and open cases follow.
func TestUnitsMergeAndMove(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		m := &matrix{Town: w}
		village := w.As("village desk 1")
		open := village.Reports("合并前的事")
		works := m.caseIn(own, "handling", "", id.ID{})
		closed := m.caseIn(own, "closed", "", id.ID{})
		look := acts(w, "/api/org/acts", with{"kind": "merge", "why": "村改居", "unit_ids": []id.ID{w.Nodes["P1"]}, "into_id": w.Nodes["P2"], "dry_run": true})
		if look.Weight.Cases != 2 || look.Weight.Posts < 3 {
			w.Errorf("the look before: %+v", look.Weight)
		}
		acts(w, "/api/org/acts", with{"kind": "merge", "why": "村改居", "unit_ids": []id.ID{w.Nodes["P1"]}, "into_id": w.Nodes["P2"]})
		acts(w, "/api/org/acts", with{"kind": "move", "why": "改隶", "unit_id": w.Nodes["P3"], "parent_id": w.Nodes["S1"]})
		acts(w, "/api/org/acts", with{"kind": "merge", "why": "大部门", "unit_ids": []id.ID{w.Nodes["D1"]}, "into_id": w.Nodes["D2"]})
		acts(w, "/api/org/acts", with{"kind": "recode", "why": "换码", "unit_id": w.Nodes["P2"], "code": "P2-NEW"})
		if err := w.App.Work(w.Context()); err != nil {
			w.Fatal(err)
		}
		type place struct {
			Case struct {
				Platform   id.ID `json:"platform_id"`
				Street     id.ID `json:"street_id"`
				Department id.ID `json:"department_id"`
			} `json:"case"`
		}
		at := func(c town.Case) (p place) {
			w.As("hub officer 1").Gets("/api/cases/"+c.ID.String(), &p)
			return p
		}
		if p := at(open); p.Case.Platform != w.Nodes["P2"] {
			w.Errorf("the open case: %+v", p)
		}
		if p := at(works); p.Case.Platform != w.Nodes["P2"] || p.Case.Department != w.Nodes["D2"] {
			w.Errorf("the case in work: %+v", p)
		}
		if p := at(closed); p.Case.Platform != w.Nodes["P1"] {
			w.Errorf("the closed case: %+v", p)
		}
		// The same people act on, at the heir.
		village.Does(open, "accept")
		if !village.Lists(closed, "view=all&platform="+w.Nodes["P2"].String()) {
			w.Error("the desk lost the closed case")
		}
		w.As("department handler 1").Does(works, "done", with{"note": "清完了", "file_ids": []id.ID{w.As("department handler 1").Photo("after")}})
		w.Read(func(tx *db.Tx) error {
			p, _, err := w.App.Grids.ByID(tx, w.Nodes["G4"])
			if err != nil || p.Street != w.Nodes["S1"] {
				w.Errorf("the grid of the moved platform: %+v %v", p, err)
			}
			s, err := w.App.Org.Snapshot(tx)
			if err != nil {
				return err
			}
			if u, ok := s.Department("urban_management"); !ok || u.ID != w.Nodes["D2"] {
				w.Errorf("the register's route leads to %+v", u)
			}
			for _, code := range []string{"P2", "P2-NEW"} {
				if u, ok := s.UnitByAnyCode(code); !ok || u.ID != w.Nodes["P2"] {
					w.Errorf("code %s: %+v", code, u)
				}
			}
			return nil
		})
		for name, bad := range map[string]struct {
			body with
			want string
		}{
			"into another kind":    {with{"kind": "merge", "unit_ids": []id.ID{w.Nodes["P2"]}, "into_id": w.Nodes["S1"]}, "422 org.act_unit"},
			"one that ended":       {with{"kind": "rename", "unit_id": w.Nodes["P1"], "name": named("新")}, "422 org.act_unit"},
			"under its own kind":   {with{"kind": "move", "unit_id": w.Nodes["P2"], "parent_id": w.Nodes["P4"]}, "422 org.bad_parent"},
			"closing what is used": {with{"kind": "close", "unit_id": w.Nodes["P4"]}, "409 org.not_empty"},
			"a code that was used": {with{"kind": "recode", "unit_id": w.Nodes["P4"], "code": "P2"}, "409 org.code_taken"},
			"the hub":              {with{"kind": "close", "unit_id": w.Nodes["hub"]}, "409 org.last_hub_desk"},
			"nothing":              {with{"kind": "move", "unit_id": w.Nodes["P4"], "parent_id": w.Nodes["S2"]}, "422 org.nothing_changes"},
			"split into nothing":   {with{"kind": "split", "unit_id": w.Nodes["P4"], "parts": []with{}}, "422 org.invalid"},
		} {
			head := w.Head()
			bad.body["why"] = "试"
			if a := w.As("grid clerk 1").Do("POST", "/api/org/acts", bad.body); a.String() != bad.want || w.Head() != head {
				w.Errorf("%s: %s, want %s", name, a, bad.want)
			}
		}
		w.Verified()
	})
}

// TestRandomReorganisations lets the grid centre and the hub reorganise at
// random between random cases. After each act no case, grant or figure is lost
// or counted twice, and every past day is still told as it was.
func TestRandomReorganisations(t *testing.T) {
	rounds := 14
	if os.Getenv("ONEGRID_PROOF") == "1" {
		rounds = 200
		if n, err := strconv.Atoi(os.Getenv("ONEGRID_PROOF_WALKS")); err == nil {
			rounds = n
		}
	}
	town.Each(t, func(w *town.Town) {
		c := &chaos{Town: w, r: rand.New(rand.NewPCG(20261127, 9)), did: map[string]int{}, refused: map[string]int{}}
		c.begin()
		for n := range rounds {
			c.live()
			c.reorganise()
			c.holds(n)
			if c.Failed() {
				c.Fatalf("in round %d after %s", n, c.last)
			}
		}
		w.Logf("%d rounds: acts %v, refused %v; %d cases, %d places told on %d days", rounds, c.did, c.refused, len(c.cases), len(c.spots), len(c.told))
		if len(c.did) < 6 {
			w.Errorf("too few kinds of acts: %v", c.did)
		}
		w.Verified()
	})
}

// chaos is one run of random reorganisations.
type chaos struct {
	*town.Town
	r            *rand.Rand
	cases        []id.ID
	closed       map[id.ID]journal.Nodes // as they were when they closed
	seen         map[id.ID]bool          // closed cases that the volunteer saw
	volunteer    id.ID
	spots        []orb.Point
	told         []dayTold
	did, refused map[string]int
	last         string
	made         int
}

// dayTold is what the locator said on a day.
type dayTold struct {
	at    time.Time
	nodes []journal.Nodes
	codes []string
}

func (c *chaos) begin() {
	c.closed, c.seen = map[id.ID]journal.Nodes{}, map[id.ID]bool{}
	c.Write(func(tx *db.Tx) error {
		p, err := c.App.Org.CreatePerson(tx, c.Operator(tx), org.PersonIn{Name: "演示志愿者"})
		if err != nil {
			return err
		}
		c.volunteer = p.ID
		for _, at := range []string{"G1", "G4"} {
			if _, err := c.App.Access.Give(tx, c.Operator(tx), access.GrantIn{Person: p.ID, Role: "grid_head", Level: org.AtGrid, Node: c.Nodes[at], Why: "试"}); err != nil {
				return err
			}
		}
		return nil
	})
	for range 25 {
		c.spots = append(c.spots, orb.Point{117 + 0.08*c.r.Float64(), 36.9 + 0.04*c.r.Float64()})
	}
}

// live reports some cases and carries some of them on their way.
func (c *chaos) live() {
	c.Helper()
	for range 3 {
		p := c.spots[c.r.IntN(len(c.spots))]
		c.Write(func(tx *db.Tx) error {
			made, err := c.App.Cases.Report(tx, c.Operator(tx), casework.Report{Item: "cleanliness", Condition: "pile", Text: "随机的事", Form: json.RawMessage(`{"problem":"exposed"}`),
				Place: casework.PlaceIn{Lon: &p[0], Lat: &p[1], Datum: "wgs84"}})
			if err == nil {
				c.cases = append(c.cases, made.ID)
			}
			return err
		})
		// As far as chance wants it.
		v := c.cases[c.r.IntN(len(c.cases))]
		for range c.r.IntN(9) {
			done := false
			err := c.App.DB.WriteFor(c.Context(), v, func(tx *db.Tx) error {
				by := c.Operator(tx)
				now, err := c.App.Cases.Get(tx, by, v)
				if err != nil {
					return err
				}
				step, ok, err := c.App.Cases.Ordinary(tx, by, now, nil)
				if err != nil || !ok {
					done = true
					return err
				}
				after, err := c.App.Cases.Move(tx, by, step.Case, step.Act, nil)
				if err == nil && step.Case == v && after.State == casework.Closed {
					c.closed[after.ID] = after.Nodes
				}
				return err
			})
			if err != nil && fault.Of(err).Kind == fault.Internal {
				c.Fatal(err)
			}
			if done || err != nil {
				break
			}
		}
	}
}

// reorganise does one act at random, and its job.
func (c *chaos) reorganise() {
	c.Helper()
	c.Clock.Add(time.Duration(1+c.r.IntN(40)) * time.Hour)
	pick := func(all []id.ID) id.ID { return all[c.r.IntN(len(all))] }
	var grids, platforms, streets, departments []id.ID
	var drawn map[id.ID]grid.Grid
	c.Read(func(tx *db.Tx) error {
		s, err := c.App.Grids.Snapshot(tx)
		if err != nil {
			return err
		}
		drawn = map[id.ID]grid.Grid{}
		for _, g := range s.Grids {
			if g.Layer == grid.Base && g.To.IsZero() && g.Kind == grid.Comprehensive {
				grids, drawn[g.ID] = append(grids, g.ID), g
			}
		}
		o, err := c.App.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		for _, u := range o.Units {
			if !u.To.IsZero() {
				continue
			}
			switch u.Kind {
			case org.Platform:
				platforms = append(platforms, u.ID)
			case org.Street:
				streets = append(streets, u.ID)
			case org.Department:
				departments = append(departments, u.ID)
			}
		}
		return nil
	})
	c.made++
	name := fmt.Sprintf("第%d次", c.made)
	unit := func(kind org.UnitKind, parent id.ID) *org.UnitIn {
		return &org.UnitIn{Kind: kind, Code: fmt.Sprintf("U%d", c.made), Name: text(name), Parent: parent, Calendar: "office", DutyCalendar: "office"}
	}
	var g *grid.ActIn
	var u *org.ReorganiseIn
	switch c.r.IntN(11) {
	case 0, 1:
		v := pick(grids)
		box := drawn[v].Shape.Box()
		low, high := box.Min.Point(), box.Max.Point()
		x := low[0] + (0.2+0.6*c.r.Float64())*(high[0]-low[0])
		g = &grid.ActIn{Kind: org.Split, Grid: v, Line: []orb.Point{{x, low[1]}, {x + 0.001*c.r.Float64(), high[1]}}, Keep: c.r.IntN(3) == 0,
			Parts: []grid.NewGrid{{Name: name + "甲"}, {Name: name + "乙"}}}
	case 2, 3:
		a, b := pick(grids), pick(grids)
		g = &grid.ActIn{Kind: org.Merge, Grids: []id.ID{a}, Into: b}
		if c.r.IntN(2) == 0 {
			g = &grid.ActIn{Kind: org.Merge, Grids: []id.ID{a, b}, New: &grid.NewGrid{Name: name}}
		}
	case 4:
		g = &grid.ActIn{Kind: org.Move, Grid: pick(grids), Platform: pick(platforms)}
	case 5:
		p := c.spots[c.r.IntN(len(c.spots))]
		area := fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%f,%f],[%f,%f],[%f,%f],[%f,%f]]]}`, p[0], p[1], p[0]+0.006, p[1], p[0]+0.004, p[1]+0.006, p[0], p[1])
		g = &grid.ActIn{Kind: org.Redraw, Into: pick(grids), Area: json.RawMessage(area)}
	case 6: // a special grid begins, or one closes
		var special []id.ID
		c.Read(func(tx *db.Tx) error {
			s, err := c.App.Grids.Snapshot(tx)
			for _, v := range s.Grids {
				if v.Kind == grid.Special && v.To.IsZero() {
					special = append(special, v.ID)
				}
			}
			return err
		})
		p := c.spots[c.r.IntN(len(c.spots))]
		g = &grid.ActIn{Kind: org.Found, New: &grid.NewGrid{Name: name, Kind: "special", Platform: pick(platforms), Code: fmt.Sprintf("370115003900%03d", 100+c.made%800),
			Geometry: json.RawMessage(fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%f,%f],[%f,%f],[%f,%f],[%f,%f]]]}`, p[0], p[1], p[0]+0.003, p[1], p[0], p[1]+0.003, p[0], p[1]))}}
		if len(special) > 1 && c.r.IntN(2) == 0 {
			g = &grid.ActIn{Kind: org.Close, Grid: pick(special)}
		}
	case 7:
		a, b := pick(platforms), pick(platforms)
		u = &org.ReorganiseIn{Kind: org.Merge, Units: []id.ID{a}, Into: b}
	case 8:
		u = &org.ReorganiseIn{Kind: org.Move, Unit: pick(platforms), Parent: pick(streets)}
	case 9:
		v := pick(platforms)
		var mine []id.ID
		for k, d := range drawn {
			if d.Platform == v {
				mine = append(mine, k)
			}
		}
		slices.SortFunc(mine, id.ID.Compare)
		u = &org.ReorganiseIn{Kind: org.Split, Unit: v, Keep: true, Parts: []org.UnitPart{{New: *unit(org.Platform, id.ID{}), Grids: mine[:len(mine)/2]}}}
	case 10:
		if len(departments) > 2 && c.r.IntN(2) == 0 {
			u = &org.ReorganiseIn{Kind: org.Merge, Units: []id.ID{pick(departments)}, Into: pick(departments)}
		} else if len(streets) > 2 && c.r.IntN(2) == 0 {
			u = &org.ReorganiseIn{Kind: org.Close, Unit: pick(streets), Into: pick(streets)}
		} else {
			u = &org.ReorganiseIn{Kind: org.Found, New: unit(org.Street, c.Nodes["hub"])}
		}
	}
	var kind string
	err := c.App.DB.Write(c.Context(), func(tx *db.Tx) error {
		if g != nil {
			g.Why, kind = "随机", "grid "+g.Kind
			_, err := c.App.Grids.Act(tx, c.Operator(tx), *g)
			return err
		}
		u.Why, kind = "随机", "unit "+u.Kind
		_, err := c.App.Org.Reorganise(tx, c.Operator(tx), *u)
		return err
	})
	c.last = kind
	if err != nil {
		if fault.Of(err).Kind == fault.Internal {
			c.Fatalf("%s: %v", kind, err)
		}
		c.refused[kind]++
		return
	}
	c.did[kind]++
	if err := c.App.Work(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// holds looks whether everything is where it must be.
func (c *chaos) holds(round int) {
	c.Helper()
	if _, err := c.App.Figures.Fold(c.Context()); err != nil {
		c.Fatal(err)
	}
	c.Read(func(tx *db.Tx) error {
		o, err := c.App.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		s, err := c.App.Grids.Snapshot(tx)
		if err != nil {
			return err
		}
		// Cases: each open one lies where its point lies, with posts that exist;
		// each closed one where it closed.
		for _, v := range c.cases {
			k, err := c.App.Cases.Get(tx, c.Operator(tx), v)
			if err != nil {
				return err
			}
			if was, shut := c.closed[v]; shut {
				if k.Nodes != was {
					c.Errorf("the closed case %s moved from %v to %v", k.Number, was, k.Nodes)
				}
				continue
			}
			at, _, err := c.App.Grids.Locate(tx, orb.Point{k.Lon, k.Lat})
			if err != nil {
				return err
			}
			if k.Nodes != at.Nodes {
				c.Errorf("case %s lies in %v, its place in %v", k.Number, k.Nodes, at.Nodes)
			}
			p, ok := o.Post(k.Post)
			if !ok || !p.Open(tx.Now()) {
				c.Errorf("case %s waits for a post that ended: %+v", k.Number, p)
			}
			if u, ok := o.Unit(p.Unit); !ok || !u.Open(tx.Now()) {
				c.Errorf("case %s waits for a unit that ended: %+v", k.Number, u)
			}
		}
		// Grants: what the volunteer once saw stays in sight.
		by, err := c.App.Access.Actor(tx, c.volunteer, id.ID{})
		if err != nil {
			return err
		}
		for v, nodes := range c.closed {
			sees := by.Sees("case.view", journal.Sight{Nodes: nodes})
			if c.seen[v] && !sees {
				c.Errorf("the volunteer lost the closed case %s", v)
			}
			c.seen[v] = c.seen[v] || sees
		}
		c.figuresAdd(tx, o, s)
		return c.daysAgree(tx, s)
	})
	if round%5 == 4 {
		differ, _, err := c.App.Figures.Recompute(c.Context(), false, nil)
		if err != nil || len(differ) > 0 {
			c.Errorf("recomputed: %v %v", differ, err)
		}
	}
}

// figuresAdd looks whether the district's cases are counted once at each level:
// over all nodes by themselves, and at each node with what it inherited.
func (c *chaos) figuresAdd(tx *db.Tx, o *org.Snapshot, s *grid.Snapshot) {
	c.Helper()
	today := c.Clock.Now().Unix() / 86400
	reported := func(node id.ID, taken []id.ID) int64 {
		table, err := c.App.Figures.Answer(tx, figures.Question{Node: node, Taken: taken, Cube: figures.ByItem, From: today - 3000, To: today + 1})
		if err != nil {
			c.Fatal(err)
		}
		return table.Totals[figures.Reported]
	}
	all := int64(len(c.cases))
	if got := reported(o.HubID(), nil); got != all {
		c.Errorf("the district counts %d of %d", got, all)
	}
	var streets, platforms, grids int64
	one := map[id.ID]int64{}
	for _, u := range o.Units {
		one[u.ID] = reported(u.ID, nil)
		switch u.Kind {
		case org.Street:
			streets += one[u.ID]
		case org.Platform:
			platforms += one[u.ID]
		}
	}
	special := int64(0) // directly under a street: no platform counts them
	for _, g := range s.Grids {
		if g.Layer != grid.Base {
			continue
		}
		one[g.ID] = reported(g.ID, nil)
		grids += one[g.ID]
		if g.Platform.IsZero() {
			special += one[g.ID]
		}
	}
	if streets != all || grids != all || platforms != all-special {
		c.Errorf("streets count %d, platforms %d (%d without), grids %d of %d", streets, platforms, special, grids, all)
	}
	for node, own := range one {
		taken := o.Inherited(node, tx.Now())
		want := own
		for _, v := range taken {
			want += one[v]
		}
		if len(taken) > 0 && reported(node, taken) != want {
			c.Errorf("node %s with what it inherited counts %d, not %d", node, reported(node, taken), want)
		}
	}
}

// daysAgree looks whether each past day is told as it was on that day, and by
// the history of the grids as by the locator.
func (c *chaos) daysAgree(tx *db.Tx, s *grid.Snapshot) error {
	c.Helper()
	if len(c.told) > 6 { // some of the past, the newest always
		i := c.r.IntN(len(c.told) - 1)
		c.told = slices.Delete(c.told, i, i+1)
	}
	now := dayTold{at: c.Clock.Now()}
	for _, p := range c.spots {
		at, _, err := c.App.Grids.Locate(tx, p)
		if err != nil {
			return err
		}
		now.nodes, now.codes = append(now.nodes, at.Nodes), append(now.codes, at.Base.Code)
	}
	for _, day := range append(c.told, now) {
		for i, p := range c.spots {
			at, _, err := c.App.Grids.LocateOn(tx, p, day.at)
			if err != nil {
				return err
			}
			if at.Nodes != day.nodes[i] || at.Base.Code != day.codes[i] {
				c.Errorf("%v on %s was in %s %v, now said to be in %s %v", p, day.at, day.codes[i], day.nodes[i], at.Base.Code, at.Nodes)
			}
			if at.Base.ID.IsZero() {
				continue
			}
			dated := slices.ContainsFunc(s.Codes(at.Base.ID), func(k grid.Code) bool {
				return k.Scheme == "grid" && k.Code == at.Base.Code && !k.From.After(day.at) && (k.To.IsZero() || k.To.After(day.at))
			})
			if !dated {
				c.Errorf("grid %s did not have its code %s on %s", at.Base.ID, at.Base.Code, day.at)
			}
		}
	}
	c.told = append(c.told, now)
	return nil
}

// The job goes on where it stopped, and goes through once more for what was on
// its way when the act was committed.
func TestRehomingGoesOnWhereItStopped(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		var cases []town.Case
		for n := range 6 {
			cases = append(cases, w.As("village desk 1").Reports(fmt.Sprintf("第%d件", n)))
		}
		slices.SortFunc(cases, func(a, b town.Case) int { return a.ID.Compare(b.ID) })
		did := acts(w, "/api/org/acts", with{"kind": "merge", "why": "试", "unit_ids": []id.ID{w.Nodes["P1"]}, "into_id": w.Nodes["P2"]})
		w.Write(func(tx *db.Tx) error {
			// Stopped at the third case of the first node of the act.
			a, err := w.App.Org.Act(tx, did.ID)
			if err != nil {
				return err
			}
			node := int64(-1)
			for _, p := range a.Parts {
				if p.Kind != org.Began {
					node++
				}
				if p.Node == w.Nodes["P1"] {
					break
				}
			}
			_, err = tx.Exec(`INSERT INTO case_rehome (act, node, last, looked, moved, began, passes) VALUES ($1, $2, $3, 3, 3, $4, 0)`, did.ID, node, cases[2].ID, db.Millis(tx.Now()))
			return err
		})
		platform := func(c town.Case) (v id.ID) {
			w.Read(func(tx *db.Tx) error {
				k, err := w.App.Cases.Get(tx, w.Operator(tx), c.ID)
				v = k.Platform
				return err
			})
			return v
		}
		at, err := w.App.Cases.Rehome(w.Context(), w.App.DB, did.ID)
		if err != nil {
			w.Fatal(err)
		}
		if platform(cases[5]) != w.Nodes["P2"] || at.Moved < 6 || at.Ended.IsZero() {
			w.Errorf("after it went on: %+v", at)
		}
		w.Later(2 * time.Minute)
		for n, c := range cases {
			if platform(c) != w.Nodes["P2"] {
				w.Errorf("case %d was left behind", n)
			}
		}
		if again, err := w.App.Cases.Rehome(w.Context(), w.App.DB, did.ID); err != nil || again.Moved != at.Moved && again.Looked != at.Looked {
			w.Errorf("done once more: %+v %v", again, err)
		}
	})
}
