package org_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// operator is the program itself: asked for nothing, may load the past.
type operator struct{}

func (operator) By() journal.By                    { return journal.By{Via: "import"} }
func (operator) Check(string, journal.Sight) error { return nil }
func (operator) Sees(string, journal.Sight) bool   { return true }
func (operator) Trusted() bool                     { return true }

var errDenied = fault.New(fault.Forbidden, "test.denied")

// keeper may do what stands in may, everywhere in one street.
type keeper struct {
	by     journal.By
	street id.ID
	may    []string
}

func (k keeper) By() journal.By { return k.by }
func (k keeper) Sees(p string, at journal.Sight) bool {
	return k.Check(p, at) == nil
}
func (k keeper) Check(p string, at journal.Sight) error {
	for _, m := range k.may {
		if m == p && at.Street == k.street {
			return nil
		}
	}
	return errDenied
}

// guard refuses one role and counts whose rights changed.
type guard struct {
	refuse  string
	changed map[id.ID]int
}

var errExcluded = fault.New(fault.Conflict, "test.excluded")

func (g *guard) MayHold(_ *db.Tx, _ id.ID, role string, _, _ time.Time) error {
	if role == g.refuse {
		return errExcluded
	}
	return nil
}
func (g *guard) Delegable(*db.Tx, string) ([]string, error) {
	return []string{"case.accept", "case.dispatch", "case.view"}, nil
}
func (g *guard) Changed(_ *db.Tx, person id.ID) { g.changed[person]++ }

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// house is one small organisation: a hub with two desks, one street, one
// platform, one grid.
type house struct {
	*testing.T
	db    *db.DB
	org   *org.Org
	clock *dbtest.Clock
	guard *guard

	hub, street, platform, grid            id.ID
	hubDesk, streetDesk, villageDesk, head org.Post
	officer                                org.Post
	an, bo, cai, da                        org.Person
}

func each(t *testing.T, story func(h *house)) {
	t.Helper()
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	clock := dbtest.NewClock(monday)
	dbtest.EachWith(t, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, []db.Room{journal.Room(), org.Room()},
		func(t *testing.T, d *db.DB) {
			clock.Set(monday)
			h := &house{T: t, db: d, org: org.New(rules), clock: clock, guard: &guard{changed: map[id.ID]int{}}}
			h.org.Guarded(h.guard)
			h.build()
			story(h)
		})
}

func (h *house) write(fn func(tx *db.Tx) error) error {
	h.Helper()
	return h.db.Write(context.Background(), fn)
}

func (h *house) must(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.write(fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) refuses(want error, fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.write(fn); !errors.Is(err, want) {
		h.Fatalf("got %v, want %v", err, want)
	}
}

func (h *house) snapshot() *org.Snapshot {
	h.Helper()
	var s *org.Snapshot
	if err := h.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		s, err = h.org.Snapshot(tx)
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return s
}

func both(s string) words.Text { return words.Text{Chinese: s, English: s} }

func (h *house) unit(kind org.UnitKind, code string, parent id.ID) id.ID {
	h.Helper()
	var u org.Unit
	h.must(func(tx *db.Tx) (err error) {
		u, err = h.org.CreateUnit(tx, operator{}, org.UnitIn{Kind: kind, Code: code, Name: both(code), Parent: parent})
		return err
	})
	return u.ID
}

func (h *house) post(role string, unit id.ID, level org.Level, node id.ID) org.Post {
	h.Helper()
	var p org.Post
	h.must(func(tx *db.Tx) (err error) {
		p, err = h.org.CreatePost(tx, operator{}, org.PostIn{Role: role, Name: both(role), Unit: unit, Level: level, Node: node})
		return err
	})
	return p
}

func (h *house) person(name string) org.Person {
	h.Helper()
	var p org.Person
	h.must(func(tx *db.Tx) (err error) {
		p, err = h.org.CreatePerson(tx, operator{}, org.PersonIn{Name: name})
		return err
	})
	return p
}

func (h *house) assign(post org.Post, person org.Person, to time.Time) org.Holding {
	h.Helper()
	var x org.Holding
	h.must(func(tx *db.Tx) (err error) {
		x, err = h.org.Assign(tx, operator{}, org.HoldingIn{Post: post.ID, Person: person.ID, To: to})
		return err
	})
	return x
}

func (h *house) build() {
	h.Helper()
	h.hub = h.unit(org.Hub, "QBQ", id.ID{})
	h.street = h.unit(org.Street, "DQ", h.hub)
	h.platform = h.unit(org.Platform, "DQ-01", h.street)
	h.grid = id.Must("019a0000-0000-7000-8000-000000000001")
	h.hubDesk = h.post("hub_officer", h.hub, org.AtDistrict, h.hub)
	h.streetDesk = h.post("street_desk", h.street, org.AtStreet, h.street)
	h.villageDesk = h.post("village_desk", h.platform, org.AtVillage, h.platform)
	h.head = h.post("grid_head", h.platform, org.AtGrid, h.grid)
	h.officer = h.post("grid_officer", h.platform, org.AtGrid, h.grid)
	h.an, h.bo, h.cai, h.da = h.person("安"), h.person("博"), h.person("蔡"), h.person("达")
}

// A vacant post falls to the next that is occupied, step by step up to the hub,
// which answers even when nobody is there. (staffing.json vacancy)
func TestVacancyFallsUpwards(t *testing.T) {
	each(t, func(h *house) {
		effective := func(want org.Post) {
			h.Helper()
			if got := h.snapshot().Effective(h.officer.ID, h.clock.Now()); got.ID != want.ID {
				h.Fatalf("the officer's post falls to %s, want %s", got.Role, want.Role)
			}
		}
		effective(h.hubDesk)
		h.assign(h.streetDesk, h.an, time.Time{})
		effective(h.streetDesk)
		h.assign(h.villageDesk, h.bo, time.Time{})
		effective(h.villageDesk)
		h.assign(h.head, h.cai, h.clock.Now().Add(time.Hour))
		effective(h.head)
		h.assign(h.officer, h.da, time.Time{})
		effective(h.officer)
		h.clock.Add(time.Hour)
		s := h.snapshot()
		if got := s.Effective(h.head.ID, h.clock.Now()); got.ID != h.villageDesk.ID {
			h.Fatalf("the head's ended post falls to %s", got.Role)
		}
		if v := s.View(h.head, h.clock.Now()); !v.Vacant || v.CoveredBy == nil || v.CoveredBy.English != "village_desk" || v.VacantTooLong {
			h.Fatalf("view of the vacant post: %+v", v)
		}
		if v := s.View(h.head, h.clock.Now().AddDate(0, 0, 8)); !v.VacantTooLong {
			h.Fatal("a week's vacancy is not marked")
		}
		if up, ok := s.Up(h.officer.ID, h.clock.Now()); !ok || up.ID != h.head.ID {
			h.Fatalf("the way up from the officer leads to %v", up.Role)
		}
		if near, ok := s.NearestPost("street_desk", journal.Nodes{Hub: h.hub, Street: h.street, Platform: h.platform, Grid: h.grid}, id.ID{}, h.clock.Now()); !ok || near.ID != h.streetDesk.ID {
			h.Fatalf("nearest street desk: %v %v", near, ok)
		}
	})
}

// A stand-in counts from his acceptance to the end of the period, for this one
// post; nobody stands in for himself, for a third post, without an end, or
// hands the post on. (roles.json stand_in, personas 3)
func TestStandIn(t *testing.T) {
	each(t, func(h *house) {
		h.assign(h.officer, h.an, time.Time{})
		now, week := h.clock.Now(), h.clock.Now().AddDate(0, 0, 7)
		leader := keeper{by: journal.By{Person: h.da.ID}, street: h.street, may: []string{"org.stand_in"}}
		ask := func(by journal.Who, post org.Post, person org.Person, to time.Time) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.Deputise(tx, by, org.HoldingIn{Post: post.ID, Person: person.ID, To: to})
				return err
			}
		}
		h.refuses(org.ErrOwnPost, ask(leader, h.officer, h.an, week))
		h.refuses(org.ErrInvalid, ask(leader, h.officer, h.bo, time.Time{}))
		h.refuses(org.ErrInvalid, ask(leader, h.officer, h.bo, now.AddDate(0, 0, 91)))
		h.refuses(errDenied, ask(keeper{street: h.street}, h.officer, h.bo, week))

		var asked org.Holding
		h.must(func(tx *db.Tx) (err error) {
			asked, err = h.org.Deputise(tx, leader, org.HoldingIn{Post: h.officer.ID, Person: h.bo.ID, To: week})
			return err
		})
		if who, standIn, _ := h.snapshot().Occupant(h.officer.ID, now); standIn || who != h.an.ID {
			h.Fatal("a stand-in counts before accepting")
		}
		h.refuses(org.ErrPostTaken, ask(leader, h.officer, h.cai, week))
		h.refuses(org.ErrNotYours, func(tx *db.Tx) error {
			_, err := h.org.Accept(tx, keeper{by: journal.By{Person: h.cai.ID}}, asked.ID)
			return err
		})
		bo := keeper{by: journal.By{Person: h.bo.ID, Post: h.officer.ID, For: h.an.ID}, street: h.street, may: []string{"org.stand_in"}}
		h.must(func(tx *db.Tx) error { _, err := h.org.Accept(tx, bo, asked.ID); return err })
		s := h.snapshot()
		if who, standIn, ok := s.Occupant(h.officer.ID, now); !ok || !standIn || who != h.bo.ID {
			h.Fatal("the stand-in does not act")
		}
		if hand := s.HandAt(h.officer.ID, now); hand.Person != h.bo.ID || hand.For != h.an.ID || hand.Post != h.officer.ID {
			h.Fatalf("hand: %+v", hand)
		}
		h.refuses(org.ErrHandsOn, ask(bo, h.officer, h.cai, week))

		h.must(ask(operator{}, h.head, h.bo, week))
		h.refuses(org.ErrTooManyPosts, ask(operator{}, h.villageDesk, h.bo, week))
		if n := len(h.snapshot().HoldingsOf(h.bo.ID, now)); n != 2 {
			h.Fatalf("%d posts, want 2", n)
		}
		if n := len(h.snapshot().HoldingsOf(h.bo.ID, week)); n != 0 {
			h.Fatalf("%d posts after the end", n)
		}
		// He lays one down; his connections are told.
		before := h.guard.changed[h.bo.ID]
		h.must(func(tx *db.Tx) error { _, err := h.org.End(tx, bo, asked.ID, 0, time.Time{}); return err })
		if h.guard.changed[h.bo.ID] == before {
			h.Fatal("nobody was told of the end")
		}
		h.refuses(org.ErrEnded, func(tx *db.Tx) error { _, err := h.org.End(tx, bo, asked.ID, 0, time.Time{}); return err })
		if who, standIn, _ := h.snapshot().Occupant(h.officer.ID, now); standIn || who != h.an.ID {
			h.Fatal("the holder did not come back")
		}
	})
}

// One post, one holder at a time; one full-time post a person; the guard of the
// rights is asked; a refused act leaves nothing behind.
func TestHolding(t *testing.T) {
	each(t, func(h *house) {
		assign := func(by journal.Who, post org.Post, person org.Person, from, to time.Time) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.Assign(tx, by, org.HoldingIn{Post: post.ID, Person: person.ID, From: from, To: to})
				return err
			}
		}
		now := h.clock.Now()
		h.must(assign(operator{}, h.officer, h.an, now, now.AddDate(0, 1, 0)))
		h.refuses(org.ErrPostTaken, assign(operator{}, h.officer, h.bo, now.AddDate(0, 0, 3), time.Time{}))
		h.must(assign(operator{}, h.officer, h.bo, now.AddDate(0, 1, 0), time.Time{}))
		second := h.post("grid_officer", h.platform, org.AtGrid, id.Must("019a0000-0000-7000-8000-000000000002"))
		h.refuses(org.ErrTooManyPosts, assign(operator{}, second, h.an, now, time.Time{}))
		h.must(assign(operator{}, second, h.an, now.AddDate(0, 1, 0), time.Time{}))
		h.refuses(errDenied, assign(keeper{street: h.street}, h.head, h.cai, now, time.Time{}))
		h.refuses(errDenied, assign(keeper{street: h.hub, may: []string{"org.post_assign"}}, h.head, h.cai, now, time.Time{}))
		h.refuses(org.ErrMissing, assign(operator{}, org.Post{ID: h.grid}, h.cai, now, time.Time{}))
		h.refuses(org.ErrInvalid, assign(operator{}, h.head, org.Person{ID: h.grid}, now, time.Time{}))
		h.refuses(org.ErrInvalid, assign(operator{}, h.head, h.cai, now, now))
		h.guard.refuse = "grid_head"
		h.refuses(errExcluded, assign(operator{}, h.head, h.cai, now, time.Time{}))
		if n := len(h.snapshot().HoldingsOf(h.cai.ID, now)); n != 0 {
			h.Fatal("a refused holding was kept")
		}
		// Somebody who leaves loses everything and can get nothing.
		h.must(func(tx *db.Tx) error { _, err := h.org.Leave(tx, operator{}, h.an.ID); return err })
		s := h.snapshot()
		if n := len(s.HoldingsOf(h.an.ID, now.AddDate(0, 2, 0))) + len(s.HoldingsOf(h.an.ID, now)); n != 0 {
			h.Fatalf("%d holdings after leaving", n)
		}
		h.refuses(org.ErrInvalid, assign(operator{}, h.villageDesk, h.an, now, time.Time{}))
	})
}

// The managing tree keeps its shape, and the hub never loses its last desk.
func TestUnitsAndPosts(t *testing.T) {
	each(t, func(h *house) {
		create := func(in org.UnitIn) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.org.CreateUnit(tx, operator{}, in); return err }
		}
		h.refuses(org.ErrSecondHub, create(org.UnitIn{Kind: org.Hub, Code: "X", Name: both("x")}))
		h.refuses(org.ErrCodeTaken, create(org.UnitIn{Kind: org.Street, Code: "DQ", Name: both("x"), Parent: h.hub}))
		h.refuses(org.ErrParent, create(org.UnitIn{Kind: org.Platform, Code: "P", Name: both("x"), Parent: h.hub}))
		h.refuses(org.ErrInvalid, create(org.UnitIn{Kind: org.Street, Code: "a b", Name: both("x"), Parent: h.hub}))
		h.refuses(org.ErrInvalid, create(org.UnitIn{Kind: org.Street, Code: "S", Name: words.Text{Chinese: "街"}, Parent: h.hub}))
		h.refuses(errDenied, func(tx *db.Tx) error {
			_, err := h.org.CreateUnit(tx, keeper{street: h.street, may: []string{"org.edit"}}, org.UnitIn{Kind: org.Street, Code: "S", Name: both("x")})
			return err
		})
		edit := func(version int64, to time.Time) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.EditUnit(tx, operator{}, h.street, version, org.UnitEdit{Code: "DQ2", Name: both("大桥"), To: to})
				return err
			}
		}
		h.must(edit(1, time.Time{}))
		h.refuses(org.ErrChanged, edit(1, time.Time{}))
		if u, ok := h.snapshot().UnitByCode("DQ2"); !ok || u.ID != h.street || u.Version != 2 {
			h.Fatalf("after the edit: %+v", u)
		}
		if n := h.snapshot().Nodes(h.platform); n != (journal.Nodes{Hub: h.hub, Street: h.street, Platform: h.platform}) {
			h.Fatalf("nodes of the platform: %+v", n)
		}
		for _, bad := range []org.PostIn{
			{Role: "nobody", Name: both("x"), Unit: h.platform, Level: org.AtVillage, Node: h.platform},
			{Role: "village_desk", Name: both("x"), Unit: h.street, Level: org.AtStreet, Node: h.street},
		} {
			h.refuses(org.ErrRole, func(tx *db.Tx) error { _, err := h.org.CreatePost(tx, operator{}, bad); return err })
		}
		h.refuses(org.ErrInvalid, func(tx *db.Tx) error {
			_, err := h.org.CreatePost(tx, operator{}, org.PostIn{Role: "village_desk", Name: both("x"), Unit: h.platform, Level: org.AtVillage, Node: h.street})
			return err
		})
		end := org.PostEdit{Name: both("x"), To: h.clock.Now().Add(time.Hour)}
		h.refuses(org.ErrLastDesk, func(tx *db.Tx) error { _, err := h.org.EditPost(tx, operator{}, h.hubDesk.ID, 0, end); return err })
		h.post("hub_officer", h.hub, org.AtDistrict, h.hub)
		h.must(func(tx *db.Tx) error { _, err := h.org.EditPost(tx, operator{}, h.hubDesk.ID, 0, end); return err })

		// A reorganisation: the heir reaches what it took over, through others too.
		second := h.unit(org.Platform, "DQ-02", h.street)
		third := h.unit(org.Platform, "DQ-03", h.street)
		h.must(func(tx *db.Tx) error { return h.org.Inherit(tx, operator{}, second, h.platform) })
		h.must(func(tx *db.Tx) error { return h.org.Inherit(tx, operator{}, third, second) })
		if got := h.snapshot().Inherited(third, h.clock.Now()); len(got) != 2 || got[0] != second || got[1] != h.platform {
			h.Fatalf("inherited: %v", got)
		}
	})
}

// The real list of divisions is taken once; the second time every row is
// repeated, a changed one is refused and changes nothing.
func TestImportDivisions(t *testing.T) {
	each(t, func(h *house) {
		load := func() table.Report {
			h.Helper()
			f, err := data.FS.Open("divisions/qibuqu.csv")
			if err != nil {
				h.Fatal(err)
			}
			defer f.Close()
			rows, err := table.NewReader(f, "qibuqu.csv", table.Options{})
			if err != nil {
				h.Fatal(err)
			}
			defer rows.Close()
			report, err := table.Job{Rows: rows, Take: table.Each(h.db.Write, func(tx *db.Tx, r table.Row) (table.Outcome, error) {
				return h.org.ImportDivision(tx, operator{}, r)
			})}.Run(context.Background())
			if err != nil {
				h.Fatal(err)
			}
			return report
		}
		if r := load(); r.Read != 312 || r.Taken != 312 {
			h.Fatalf("first: %s", r.Line())
		}
		if r := load(); r.Read != 312 || r.Repeated != 312 {
			h.Fatalf("second: %s", r.Line())
		}
		s := h.snapshot()
		village, ok := s.Division("370115006235")
		if !ok || village.Level != "village" || len(s.Divisions) != 312 {
			h.Fatalf("village: %+v of %d", village, len(s.Divisions))
		}
		row := func(fields map[string]string) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.ImportDivision(tx, operator{}, table.Row{Fields: fields})
				return err
			}
		}
		h.refuses(org.ErrDiffers, row(map[string]string{"code": "370115006235", "name": "别的村", "level": "village", "parent": "370115006000"}))
		h.refuses(org.ErrParent, row(map[string]string{"code": "370199000000", "name": "甲", "level": "county", "parent": "990000000000"}))
		h.refuses(org.ErrParent, row(map[string]string{"code": "370199001000", "name": "甲", "level": "street", "parent": "370000000000"}))
		h.refuses(org.ErrInvalid, row(map[string]string{"code": "3701", "name": "甲", "level": "county", "parent": "370100000000"}))

		unit := func(fields map[string]string) (out table.Outcome, err error) {
			err = h.write(func(tx *db.Tx) (err error) {
				out, err = h.org.ImportUnit(tx, operator{}, table.Row{Fields: fields})
				return err
			})
			return out, err
		}
		one := map[string]string{"kind": "platform", "code": "DQ-09", "name_zh": "后冯片区", "name_en": "Houfeng area", "parent_code": "DQ", "villages": "370115006235;370115006236"}
		if out, err := unit(one); err != nil || out.Result != table.Taken {
			h.Fatalf("%v %v", out, err)
		}
		if out, err := unit(one); err != nil || out.Result != table.Repeated {
			h.Fatalf("%v %v", out, err)
		}
		one["name_zh"] = "另一个"
		if _, err := unit(one); !errors.Is(err, org.ErrDiffers) {
			h.Fatalf("%v", err)
		}
		two := map[string]string{"kind": "platform", "code": "DQ-10", "name_zh": "乙", "name_en": "B", "parent_code": "DQ", "villages": "370115006235"}
		if _, err := unit(two); !errors.Is(err, org.ErrInvalid) || fault.Of(err).Where[0].Path != "villages" {
			h.Fatalf("a village under two platforms: %v", err)
		}
		if _, ok := h.snapshot().UnitByCode("DQ-10"); ok {
			h.Fatal("a refused unit was kept")
		}
		if n := len(h.snapshot().Villages); n != 2 {
			h.Fatalf("%d villages covered", n)
		}
	})
}

// Every fault and every field's code of this room has a sentence in both
// languages.
func TestWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "org", Files: org.Words})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range codesIn(t, ".") {
		if !c.Has(code) {
			t.Errorf("%s has no words", code)
		}
	}
}

func codesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, codesOf(t, e.Name())...)
	}
	if len(out) < 20 {
		t.Fatalf("only %d codes found", len(out))
	}
	return out
}
