package grid

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// ledger is a book that only remembers.
type ledger struct{ acts []org.Act }

func (l *ledger) Record(tx *db.Tx, _ journal.Who, a org.Act, _ map[id.ID]id.ID, _ ...org.Transfer) (org.Act, error) {
	a.Recorded = tx.Now()
	l.acts = append(l.acts, a)
	return a, nil
}
func (l *ledger) ActsOn(*db.Tx, id.ID) ([]org.Act, error)      { return nil, nil }
func (l *ledger) WeighAct(*db.Tx, org.Act) (org.Weight, error) { return org.Weight{}, nil }

var clerkOfAll = &clerk{may: []string{permView, permDraw, permIssue, permRetire, permSplit}}

func (o *office) acts(in ActIn) Acted {
	o.Helper()
	out, err := o.tryAct(clerkOfAll, in)
	if err != nil {
		o.Fatalf("%s: %v", in.Kind, err)
	}
	return out
}

func (o *office) tryAct(by journal.Who, in ActIn) (out Acted, err error) {
	if in.Why == "" {
		in.Why = "试"
	}
	err = o.write(func(tx *db.Tx) error { out, err = o.Act(tx, by, in); return err })
	return out, err
}

// on is the code of the base grid at a place on a day.
func (o *office) on(day time.Time, lon, lat float64) string {
	o.Helper()
	var p Place
	o.read(func(tx *db.Tx) (err error) { p, _, err = o.LocateOn(tx, orb.Point{lon, lat}, day); return err })
	return p.Base.Code
}

func box(x0, y0, x1, y1 float64) []byte {
	p := func(x, y float64) string { return fmt.Sprintf("[%.7f,%.7f]", 117+x/1000, 36.8+y/1000) }
	return []byte(`{"type":"Polygon","coordinates":[[` + strings.Join([]string{p(x0, y0), p(x1, y0), p(x1, y1), p(x0, y1), p(x0, y0)}, ",") + `]]}`)
}

// One place through the years: every act shows on its day, and no day changes
// afterwards.
func TestAPlaceThroughTheYears(t *testing.T) {
	each(t, func(o *office) {
		book := &ledger{}
		o.Recorded(book)
		o.draws(centre, ImportOptions{}, four()...)
		grid := func(lon, lat float64) id.ID { p, _ := o.at(lon, lat); return p.Base.ID }
		day := o.clock.Now()
		told := map[time.Time]map[[2]float64]string{}
		spots := [][2]float64{{117.001, 36.801}, {117.003, 36.801}, {117.005, 36.801}, {117.001, 36.806}, {117.006, 36.806}}
		remember := func() {
			o.Helper()
			for at, was := range told {
				for s, code := range was {
					if got := o.on(at, s[0], s[1]); got != code {
						o.Errorf("%v on %s is now said to have been in %s, was %s", s, at.Format(time.DateOnly), got, code)
					}
				}
			}
			now := map[[2]float64]string{}
			for _, s := range spots {
				now[s] = o.code(s[0], s[1])
			}
			told[o.clock.Now()] = now
			day = day.AddDate(0, 1, 0)
			o.clock.Set(day)
		}
		remember()

		// Split along a line; the left half is the west one for a line going north.
		a := grid(117.001, 36.801)
		split := o.acts(ActIn{Kind: org.Split, Grid: a, Line: []orb.Point{{117.002, 36.801}, {117.002, 36.803}},
			Parts: []NewGrid{{Name: "西"}, {Name: "东"}}})
		if west, east := o.code(117.001, 36.801), o.code(117.003, 36.801); west != "370115003201003" || east != "370115003201004" {
			o.Fatalf("after the split: %s %s", west, east)
		}
		if len(split.Heirs) != 2 || len(split.Grids) != 2 || split.Parts[0].Kind == "" {
			o.Fatalf("%+v", split)
		}
		remember()

		// Recoded: the same grid under another code, found under both.
		west := grid(117.001, 36.801)
		o.acts(ActIn{Kind: org.Recode, Grid: west, Code: "370115003201077"})
		if got := o.code(117.001, 36.801); got != "370115003201077" || grid(117.001, 36.801) != west {
			o.Fatalf("after the recoding: %s", got)
		}
		o.read(func(tx *db.Tx) error {
			for _, code := range []string{"370115003201003", "370115003201077"} {
				if g, ok, err := o.ByCode(tx, code); err != nil || !ok || g.ID != west {
					o.Errorf("%s: %v %v", code, g.Code, err)
				}
			}
			return nil
		})
		remember()

		// Ground handed over: a strip of the eastern half to the grid beside it.
		o.acts(ActIn{Kind: org.Redraw, Area: box(3, 0, 4, 4), Into: grid(117.005, 36.801)})
		if got := o.code(117.0035, 36.801); got != "370115003201002" {
			o.Fatalf("after the hand-over: %s", got)
		}
		remember()

		// A special grid cut out of two, directly under the street.
		o.acts(ActIn{Kind: org.Found, New: &NewGrid{Name: "市场", Kind: "special", Street: unit(2), Code: "370115003900001", Geometry: box(5, 1, 6, 2)}})
		if got := o.code(117.0055, 36.8015); got != "370115003900001" {
			o.Fatalf("in the market: %s", got)
		}
		remember()

		// It closes: the ground falls back, and who inherits is said.
		closed := o.acts(ActIn{Kind: org.Close, Grid: grid(117.0055, 36.8015)})
		if len(closed.Heirs) != 1 || closed.Heirs[0].Share < 0.99 || o.code(117.0055, 36.8015) != "370115003201002" {
			o.Fatalf("%+v", closed)
		}
		remember()

		// Moved to another platform and renamed.
		b := grid(117.005, 36.801)
		o.acts(ActIn{Kind: org.Move, Grid: b, Platform: unit(5)})
		o.acts(ActIn{Kind: org.Rename, Grid: b, Name: "东街"})
		if p, _ := o.at(117.005, 36.801); p.Nodes.Platform != unit(5) || p.Base.Name != "东街" {
			o.Fatalf("%+v", p)
		}
		remember()

		// Merged into one that goes on.
		merged := o.acts(ActIn{Kind: org.Merge, Grids: []id.ID{west, grid(117.0025, 36.801)}, Into: b})
		if len(merged.Heirs) != 2 || o.code(117.001, 36.801) != "370115003201002" {
			o.Fatalf("%+v", merged)
		}
		remember()
		remember()
		if len(book.acts) != 8 {
			o.Errorf("%d acts kept", len(book.acts))
		}
		var past Place
		o.read(func(tx *db.Tx) (err error) {
			past, _, err = o.LocateOn(tx, orb.Point{117.005, 36.801}, book.acts[5].At.Add(-time.Millisecond))
			return err
		})
		if past.Base.Name == "东街" || past.Nodes.Platform != unit(4) {
			o.Errorf("before the move: %+v", past)
		}
	})
}

// What would not be a partition, or is not what it says, is refused, and a dry
// run says why without leaving anything.
func TestActsThatAreRefused(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		place := func(lon, lat float64) id.ID { p, _ := o.at(lon, lat); return p.Base.ID }
		a, b, c := place(117.001, 36.801), place(117.005, 36.801), place(117.006, 36.806)
		head := o.head()
		parts := []NewGrid{{Name: "一"}, {Name: "二"}}
		line := []orb.Point{{117.002, 36.801}, {117.002, 36.803}}
		for name, bad := range map[string]struct {
			in   ActIn
			want error
		}{
			"no such act":      {ActIn{Kind: "blow up"}, ErrActKind},
			"no reason":        {ActIn{Kind: org.Close, Grid: a, Why: " "}, org.ErrWhy},
			"unknown grid":     {ActIn{Kind: org.Close, Grid: unit(77)}, ErrMissing},
			"same name":        {ActIn{Kind: org.Rename, Grid: a, Name: "网格370115003201001"}, ErrNothing},
			"no name":          {ActIn{Kind: org.Rename, Grid: a, Name: " "}, ErrInvalid},
			"used code":        {ActIn{Kind: org.Recode, Grid: a, Code: "370115003201002"}, ErrCodeUsed},
			"short code":       {ActIn{Kind: org.Recode, Grid: a, Code: "1"}, errCodeLength},
			"no platform":      {ActIn{Kind: org.Move, Grid: a, Platform: unit(2)}, ErrInvalid},
			"one part":         {ActIn{Kind: org.Split, Grid: a, Line: line, Parts: parts[:1]}, ErrInvalid},
			"line beside":      {ActIn{Kind: org.Split, Grid: a, Line: []orb.Point{{117.02, 36.801}, {117.02, 36.803}}, Parts: parts}, ErrCut},
			"line of a point":  {ActIn{Kind: org.Split, Grid: a, Line: line[:1], Parts: parts}, ErrCut},
			"parts overlap":    {ActIn{Kind: org.Split, Grid: a, Parts: []NewGrid{{Name: "一", Geometry: box(0, 0, 3, 4)}, {Name: "二", Geometry: box(2, 0, 4, 4)}}}, ErrPartition},
			"parts leave gap":  {ActIn{Kind: org.Split, Grid: a, Parts: []NewGrid{{Name: "一", Geometry: box(0, 0, 1, 4)}, {Name: "二", Geometry: box(2, 0, 4, 4)}}}, ErrPartition},
			"merge of one":     {ActIn{Kind: org.Merge, Grids: []id.ID{a}, New: &NewGrid{Name: "一"}}, ErrInvalid},
			"merge with self":  {ActIn{Kind: org.Merge, Grids: []id.ID{a}, Into: a}, ErrMergeKinds},
			"closing a middle": {ActIn{Kind: org.Redraw, Borders: []Border{{Grid: a, Geometry: box(0, 0, 3, 4)}}}, ErrPartition},
			"all the ground":   {ActIn{Kind: org.Redraw, Area: box(-1, -1, 5, 5), Into: b}, ErrNothingLeft},
			"own ground":       {ActIn{Kind: org.Redraw, Area: box(5, 1, 6, 2), Into: b}, ErrNothing},
			"dated back":       {ActIn{Kind: org.Split, Grid: a, Line: line, Parts: parts, From: o.clock.Now().Add(-time.Hour)}, ErrPast},
			"ground of none":   {ActIn{Kind: org.Close, Grid: a}, ErrPartition},
			"somebody's post":  {ActIn{Kind: org.Split, Grid: a, Line: line, Parts: []NewGrid{{Name: "一", Posts: []id.ID{unit(88)}}, {Name: "二"}}}, ErrInvalid},
			"no ring":          {ActIn{Kind: org.Found, New: &NewGrid{Name: "一", Platform: unit(4), Geometry: []byte(`{"type":"Point","coordinates":[1,2]}`)}}, nil},
		} {
			why := bad.in.Why
			if why == "" {
				bad.in.Why = "试"
			}
			if _, err := o.tryAct(clerkOfAll, bad.in); err == nil || bad.want != nil && !errors.Is(err, bad.want) {
				o.Errorf("%s: %v, want %v", name, err, bad.want)
			}
			bad.in.DryRun = true
			if out, err := o.tryAct(clerkOfAll, bad.in); err == nil && (out.Refuse == nil || errors.Is(bad.want, ErrPartition) && len(out.Flaws) == 0) {
				o.Errorf("%s, only tried: %+v", name, out)
			}
		}
		for _, may := range []string{permSplit, permRetire, permIssue} {
			left := &clerk{}
			for _, p := range clerkOfAll.may {
				if p != may {
					left.may = append(left.may, p)
				}
			}
			if _, err := o.tryAct(left, ActIn{Kind: org.Split, Grid: a, Line: line, Parts: parts}); !errors.Is(err, errDenied) {
				o.Errorf("without %s: %v", may, err)
			}
		}
		elsewhere := *clerkOfAll
		elsewhere.street = unit(3)
		if _, err := o.tryAct(&elsewhere, ActIn{Kind: org.Rename, Grid: c, Name: "新名"}); err != nil {
			o.Errorf("in the own street: %v", err)
		}
		if _, err := o.tryAct(&elsewhere, ActIn{Kind: org.Rename, Grid: a, Name: "新名"}); !errors.Is(err, errDenied) {
			o.Errorf("in another street: %v", err)
		}
		if got := o.head(); got != head+1 {
			o.Errorf("refused acts left %d entries", got-head-1)
		}
		// A dry run of a good one tells and leaves nothing.
		out := o.acts(ActIn{Kind: org.Split, Grid: a, Line: line, Parts: parts, DryRun: true})
		if out.Refuse != nil || len(out.Grids) != 2 || !out.DryRun || o.code(117.001, 36.801) != "370115003201001" || o.head() != head+1 {
			o.Errorf("%+v", out)
		}
	})
}

// The micro grids of a grid that is split find their new base grid by place; one
// that lies across the line is in the way.
func TestMicroGridsFollowTheSplit(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		micro := func(code string, x0, x1 float64) ImportRow {
			r := cell(code, "", x0, 0, x1, 1)
			r.Layer = "micro"
			return r
		}
		if r := o.draws(centre, ImportOptions{}, micro("37011500320100101", 0, 1), micro("37011500320100102", 2.5, 4)); r.Refused > 0 {
			o.Fatalf("%+v", r.Verdicts)
		}
		base, _ := o.at(117.0005, 36.8005)
		across := ActIn{Kind: org.Split, Grid: base.Base.ID, Line: []orb.Point{{117.003, 36.801}, {117.003, 36.803}}, Parts: []NewGrid{{Name: "西"}, {Name: "东"}}}
		if _, err := o.tryAct(clerkOfAll, across); err == nil {
			o.Error("a micro grid across the line was not in the way")
		}
		across.Line = []orb.Point{{117.002, 36.801}, {117.002, 36.803}}
		o.acts(across)
		west, _ := o.at(117.0005, 36.8005)
		east, _ := o.at(117.003, 36.8005)
		if west.Micro.Code != "37011500320100101" || west.Micro.Parent != west.Base.ID || east.Micro.Parent != east.Base.ID || east.Base.ID == west.Base.ID {
			o.Errorf("%+v %+v", west, east)
		}
		past := o.on(o.clock.Now().Add(-time.Millisecond), 117.0005, 36.8005)
		if past != "" {
			o.Errorf("before the first drawing: %q", past)
		}
	})
}
