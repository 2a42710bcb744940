package grid

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// clerk is somebody with permissions in one street, or everywhere; without a
// person it is whoever runs the program, who draws alone.
type clerk struct {
	may    []string
	street id.ID
	person id.ID
}

var errDenied = fault.New(fault.Forbidden, "clerk.denied")

func (c *clerk) By() journal.By { return journal.By{Person: c.person, Via: "desk"} }

func (c *clerk) Check(p string, at journal.Sight) error {
	if slices.Contains(c.may, p) && (c.street.IsZero() || at.Street == c.street) {
		return nil
	}
	return errDenied.With("permission", p)
}

func (c *clerk) Sees(p string, at journal.Sight) bool { return c.Check(p, at) == nil }

var centre = &clerk{may: []string{permView, permDraw, permIssue, permRetire}}

func unit(n byte) id.ID {
	v := id.Must("0190163d-8694-739b-aea5-966c26f8ad00")
	v[15] = n
	return v
}

// district is a fixed organisation: hub 1, streets 2 and 3, platforms 4 and 5 in
// street 2, 6 in street 3, each covering one village.
type district struct{}

var snapshot = func() *org.Snapshot {
	u := func(n byte, kind org.UnitKind, code string, parent byte) org.Unit {
		v := org.Unit{ID: unit(n), Kind: kind, Code: code, Name: words.Text{Chinese: "单位" + code, English: "unit " + code}}
		if parent > 0 {
			v.Parent = unit(parent)
		}
		return v
	}
	village := func(n byte, code string) org.Division {
		return org.Division{ID: unit(n), Code: code, Name: code, Level: "village"}
	}
	return org.NewSnapshot(org.Rules{},
		[]org.Unit{u(1, org.Hub, "hub", 0), u(2, org.Street, "s2", 1), u(3, org.Street, "s3", 1),
			u(4, org.Platform, "p4", 2), u(5, org.Platform, "p5", 2), u(6, org.Platform, "p6", 3)},
		[]org.Division{village(14, "370115003201"), village(15, "370115003202"), village(16, "370115004201")},
		[]org.PlatformVillage{{Platform: unit(4), Village: unit(14)}, {Platform: unit(5), Village: unit(15)}, {Platform: unit(6), Village: unit(16)}},
		nil, nil, nil, nil)
}()

func (district) Snapshot(*db.Tx) (*org.Snapshot, error) { return snapshot, nil }

// office is the grids on one engine, with a clock that stands still.
type office struct {
	*testing.T
	db    *db.DB
	clock *dbtest.Clock
	*Grids
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := dbtest.NewClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
			d := dbtest.Open(t, engine, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, []db.Room{journal.Room(), Room()})
			story(&office{T: t, db: d, clock: clock, Grids: New(district{})})
		})
	}
}

func (o *office) write(fn func(tx *db.Tx) error) error { return o.db.Write(context.Background(), fn) }

func (o *office) read(fn func(tx *db.Tx) error) {
	o.Helper()
	if err := o.db.Read(context.Background(), fn); err != nil {
		o.Fatal(err)
	}
}

func (o *office) draws(by journal.Who, opt ImportOptions, rows ...ImportRow) Report {
	o.Helper()
	r, err := o.tries(by, opt, rows...)
	if err != nil {
		o.Fatal(err)
	}
	if r.Read != int64(len(rows)) || r.Taken+r.Repeated+r.Refused != r.Read {
		o.Fatalf("the sums do not agree: %+v", r)
	}
	return r
}

func (o *office) tries(by journal.Who, opt ImportOptions, rows ...ImportRow) (r Report, err error) {
	if opt.Datum == 0 {
		opt.Datum = geo.WGS84
	}
	for i := range rows {
		rows[i].Number = int64(i + 1)
	}
	err = o.write(func(tx *db.Tx) error { r, err = o.Import(tx, by, rows, opt); return err })
	return r, err
}

func (o *office) head() (n int64) {
	o.read(func(tx *db.Tx) (err error) { n, err = journal.Head(tx); return err })
	return n
}

func (o *office) at(lon, lat float64) (p Place, ok bool) {
	o.Helper()
	o.read(func(tx *db.Tx) (err error) { p, ok, err = o.Locate(tx, orb.Point{lon, lat}); return err })
	return p, ok
}

// code is the code of the base grid at a place, or "".
func (o *office) code(lon, lat float64) string { p, _ := o.at(lon, lat); return p.Base.Code }

func (o *office) refused(r Report, row int, want string, field string) {
	o.Helper()
	f := r.Verdicts[row].Fault
	if f == nil {
		o.Errorf("row %d was not refused", row+1)
		return
	}
	if f.Code != want && !slices.ContainsFunc(f.Where, func(w fault.Where) bool { return w.Code == want }) {
		o.Errorf("row %d: %v, want %s", row+1, f, want)
	}
	if !slices.ContainsFunc(f.Where, func(w fault.Where) bool { return w.Path == field }) {
		o.Errorf("row %d names %v, want field %s", row+1, f.Where, field)
	}
}

// cell is one row: a rectangle in thousandths of a degree from 117, 36.8.
func cell(code, platform string, x0, y0, x1, y1 float64) ImportRow {
	p := func(x, y float64) orb.Point { return orb.Point{117 + x/1000, 36.8 + y/1000} }
	return ImportRow{Code: code, Name: "网格" + code, Platform: platform, Households: "300", MadeUp: "true",
		Shape: orb.MultiPolygon{{{p(x0, y0), p(x1, y0), p(x1, y1), p(x0, y1), p(x0, y0)}}}}
}

// four is a sound base layer: two grids of platform 4, one of 5, one of 6.
func four() []ImportRow {
	return []ImportRow{
		cell("370115003201001", "p4", 0, 0, 4, 4), cell("370115003201002", "p4", 4, 0, 8, 4),
		cell("370115003202001", "p5", 0, 4, 4, 8), cell("370115004201001", "p6", 4, 4, 8, 8),
	}
}

func TestImportTakesADrawingOnce(t *testing.T) {
	each(t, func(o *office) {
		if r := o.draws(centre, ImportOptions{DryRun: true}, four()...); r.Taken != 4 {
			o.Fatalf("dry run: %+v", r)
		}
		if o.head() != 0 || o.code(117.001, 36.801) != "" {
			o.Fatal("a dry run changed something")
		}
		if r := o.draws(centre, ImportOptions{}, four()...); r.Taken != 4 {
			o.Fatalf("first: %+v", r)
		}
		if o.head() != 4 {
			o.Errorf("%d journal entries for 4 grids", o.head())
		}
		if r := o.draws(centre, ImportOptions{}, four()...); r.Repeated != 4 || o.head() != 4 {
			o.Errorf("again: %+v, %d entries", r, o.head())
		}
		rows := four()
		rows[2].Name, rows[2].Households = "新名", "280"
		if r := o.draws(centre, ImportOptions{}, rows...); r.Taken != 1 || r.Repeated != 3 || o.head() != 5 {
			o.Errorf("renamed: %+v, %d entries", r, o.head())
		}
		p, ok := o.at(117.001, 36.805)
		if !ok || p.Base.Name != "新名" || p.Base.Version != 2 || !p.Base.MadeUp || p.Base.Households != 280 {
			o.Errorf("%+v", p.Base)
		}
		if want := (journal.Nodes{Hub: unit(1), Street: unit(2), Platform: unit(5), Grid: p.Base.ID}); p.Nodes != want {
			o.Errorf("nodes %+v", p.Nodes)
		}
		if _, ok := o.at(116.9, 36.8); ok {
			o.Error("a place outside was located")
		}
		o.read(func(tx *db.Tx) error {
			if _, _, err := o.Locate(tx, orb.Point{300, 0}); !errors.Is(err, geo.ErrPosition) {
				o.Errorf("no position: %v", err)
			}
			n, err := o.NodesOf(tx, p.Base.ID)
			if err != nil || n != p.Nodes {
				o.Errorf("%+v %v", n, err)
			}
			if _, err := o.NodesOf(tx, unit(77)); !errors.Is(err, ErrMissing) {
				o.Errorf("an unknown grid: %v", err)
			}
			return nil
		})
	})
}

func TestImportRefusesGapsAndOverlapsAndSaysWhere(t *testing.T) {
	each(t, func(o *office) {
		overlap := four()
		overlap[1] = cell("370115003201002", "p4", 3.5, 0, 8, 4)
		r := o.draws(centre, ImportOptions{}, overlap...)
		if r.Refused != 4 || len(r.Flaws) != 1 || r.Flaws[0].Kind != Overlap {
			o.Fatalf("overlap: %+v", r)
		}
		if d := geo.Metres(orb.Point{r.Flaws[0].Lon, r.Flaws[0].Lat}, orb.Point{117.00375, 36.802}); d > 250 {
			o.Errorf("the overlap is said to be %.0f m away", d)
		}
		o.refused(r, 0, "grid.no_partition", "geometry")
		o.refused(r, 1, "grid.overlap", "geometry")
		o.refused(r, 2, "grid.layer_refused", "geometry")
		gap := four()
		gap[1] = cell("370115003201002", "p4", 4.1, 0, 8, 4)
		if r = o.draws(centre, ImportOptions{}, gap...); r.Refused != 4 || r.Flaws[0].Kind != Gap {
			o.Fatalf("gap: %+v", r)
		}
		if o.head() != 0 {
			o.Fatal("a refused drawing left something")
		}
		// A later addition is judged together with what is there.
		o.draws(centre, ImportOptions{}, four()...)
		r = o.draws(centre, ImportOptions{}, cell("370115004201002", "p6", 7, 7, 9, 9))
		o.refused(r, 0, "grid.overlap", "geometry")
		if r := o.draws(centre, ImportOptions{}, cell("370115004201002", "p6", 8, 4, 9, 8)); r.Taken != 1 {
			o.Errorf("a neighbour: %+v", r)
		}
		if o.code(117.0085, 36.805) != "370115004201002" {
			o.Error("the new neighbour is not found")
		}
	})
}

// One bad row costs no other, as long as the rest is a partition.
func TestBadRowsAreRefusedOneByOne(t *testing.T) {
	each(t, func(o *office) {
		far := func(n float64, code, platform string) ImportRow {
			return cell(code, platform, 100+10*n, 0, 104+10*n, 4)
		}
		rows := []ImportRow{
			cell("370115003201001", "p4", 0, 0, 4, 4),
			far(1, "", "p4"), far(2, "37011500320100", "p4"), far(3, "370115003201001", "p4"), far(4, "370115003202005", "p4"),
			far(5, "370115003201005", "p9"), far(6, "370115003201006", ""), far(7, "370115003201007", "p4"), far(8, "370115003201008", "p4"),
			far(9, "370115003201009", "p4"), far(10, "370115003201010", "p4"), far(11, "370115003201011", "p4"), far(12, "370115003201012", "p4"),
		}
		rows[7].Name = ""
		rows[8].Kind = "round"
		rows[9].Layer = "top"
		rows[10].Households = "-1"
		rows[11].Err = geo.ErrGeometry.With("why", "no polygon")
		rows[12].MadeUp = "perhaps"
		r := o.draws(centre, ImportOptions{}, rows...)
		if r.Taken != 1 || r.Refused != 12 {
			o.Fatalf("%+v", r)
		}
		for i, want := range []struct{ code, field string }{
			{"grid.code_missing", "code"}, {"grid.code_length", "code"}, {"grid.code_twice", "code"}, {"grid.other_community", "code"},
			{"grid.unknown_unit", "platform"}, {"grid.no_street", "street"}, {"grid.bad_name", "name"}, {"grid.unknown_kind", "kind"},
			{"grid.unknown_layer", "layer"}, {"grid.bad_households", "households"}, {"geo.bad_geometry", "geometry"}, {"grid.bad_flag", "made_up"},
		} {
			o.refused(r, i+1, want.code, want.field)
		}
		if _, err := o.tries(centre, ImportOptions{Datum: 9}, four()...); !errors.Is(err, geo.ErrDatum) {
			o.Errorf("no datum: %v", err)
		}
		viewer := &clerk{may: []string{permView}}
		r = o.draws(viewer, ImportOptions{}, four()...)
		if r.Taken != 0 || !errors.Is(r.Verdicts[1].Fault, errDenied) {
			o.Errorf("a viewer drew: %+v", r)
		}
	})
}

// A drawing in another datum lands elsewhere: more than a grid away.
func TestWrongDatumIsAnotherGrid(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{Datum: geo.GCJ02}, four()...)
		right, err := geo.GCJ02.ToWGS84(orb.Point{117.002, 36.802})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.code(right[0], right[1]); got != "370115003201001" {
			o.Errorf("rightly converted: %q", got)
		}
		if got := o.code(117.002, 36.802); got == "370115003201001" {
			o.Error("taken for WGS84, the place still lies in the same grid")
		}
	})
}

func TestSpecialGridIsCutOutOfItsNeighbours(t *testing.T) {
	each(t, func(o *office) {
		park := cell("370115003000001", "", 3, 3, 5, 5)
		park.Kind, park.Street, park.Name = "special", "s2", "公园"
		if r := o.draws(centre, ImportOptions{}, append(four(), park)...); r.Taken != 5 {
			o.Fatalf("%+v %v", r, r.Verdicts[4].Fault)
		}
		p, _ := o.at(117.004, 36.804)
		if p.Base.Code != park.Code || p.Nodes.Street != unit(2) || !p.Nodes.Platform.IsZero() {
			o.Errorf("in the park: %+v", p)
		}
		if o.code(117.001, 36.801) != "370115003201001" {
			o.Error("beside the park")
		}
		plain := cell("370115003000002", "", 8, 0, 9, 4)
		plain.Street = "s2"
		o.refused(o.draws(centre, ImportOptions{}, plain), 0, "grid.needs_platform", "platform")
	})
}

func TestMicroGridsBelongToTheirBaseGrid(t *testing.T) {
	each(t, func(o *office) {
		micro := func(code string, x0, y0, x1, y1 float64) ImportRow {
			m := cell(code, "", x0, y0, x1, y1)
			m.Layer = "micro"
			return m
		}
		rows := append(four(), micro("37011500320100101", 0, 0, 4, 2), micro("37011500320100102", 0, 2, 4, 4))
		if r := o.draws(centre, ImportOptions{}, rows...); r.Taken != 6 {
			o.Fatalf("%+v %v", r, r.Verdicts[4].Fault)
		}
		p, _ := o.at(117.001, 36.803)
		if p.Micro.Code != "37011500320100102" || p.Micro.Parent != p.Base.ID || p.Nodes.Micro != p.Micro.ID || p.Nodes.Platform != unit(4) {
			o.Errorf("%+v", p)
		}
		if p, _ := o.at(117.005, 36.801); !p.Micro.ID.IsZero() || !p.Nodes.Micro.IsZero() {
			o.Errorf("an undivided grid: %+v", p)
		}
		r := o.draws(centre, ImportOptions{}, micro("37011500320100201", 5, 1, 9, 2))
		o.refused(r, 0, "grid.outside", "geometry")
		o.refused(o.draws(centre, ImportOptions{}, micro("37011500320100301", 50, 50, 51, 51)), 0, "grid.no_base", "parent")
		o.refused(o.draws(centre, ImportOptions{}, micro("37011500320100901", 5, 1, 6, 2)), 0, "grid.code_source", "code")
		// A base grid cannot shrink away from under its micro grids.
		smaller := four()
		smaller[0] = cell("370115003201001", "p4", 0, 1, 4, 4)
		if r := o.draws(centre, ImportOptions{}, smaller...); r.Taken != 0 || r.Flaws[0].Kind != Outside {
			o.Errorf("%+v", r)
		}
		// Moving the base grid to another platform takes them along.
		err := o.write(func(tx *db.Tx) error {
			_, err := o.Edit(tx, centre, p.Base.ID, p.Base.Version, Edit{Name: "迁", Platform: unit(6), Households: 10})
			return err
		})
		if err != nil {
			o.Fatal(err)
		}
		p, _ = o.at(117.001, 36.803)
		if p.Base.Street != unit(3) || p.Micro.Platform != unit(6) || p.Nodes.Street != unit(3) {
			o.Errorf("moved: %+v", p)
		}
	})
}

// A grid is split from next month on: until then the old one is found, after it
// the new ones; its code is never used again, and its heirs are known.
func TestSplitOnADate(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		old, _ := o.at(117.001, 36.801)
		april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
		halves := []ImportRow{cell("370115003201003", "p4", 0, 0, 1, 4), cell("370115003201004", "p4", 1, 0, 4, 4)}
		r := o.draws(centre, ImportOptions{From: april, Replaces: []string{"370115003201001"}}, halves...)
		if r.Taken != 2 || !slices.Equal(r.Ended, []Ended{{"370115003201001", 0}}) {
			o.Fatalf("%+v %v", r, r.Flaws)
		}
		if got := o.code(117.0005, 36.801); got != "370115003201001" {
			o.Errorf("before the date: %q", got)
		}
		o.clock.Set(april.Add(-time.Millisecond))
		if got := o.code(117.0005, 36.801); got != "370115003201001" {
			o.Errorf("a moment before: %q", got)
		}
		o.clock.Set(april)
		if got := o.code(117.0005, 36.801); got != "370115003201003" {
			o.Errorf("from the date on: %q", got)
		}
		if got := o.code(117.0025, 36.801); got != "370115003201004" {
			o.Errorf("the other half: %q", got)
		}
		o.read(func(tx *db.Tx) error {
			s, err := o.Snapshot(tx)
			if err != nil {
				return err
			}
			heirs, _ := s.Successions(old.Base.ID)
			if len(heirs) != 2 || heirs[0].Share+heirs[1].Share < 0.99 || heirs[0].Share+heirs[1].Share > 1.01 {
				o.Errorf("heirs: %+v", heirs)
			}
			if g, ok := s.ByCode("370115003201001"); !ok || g.ID != old.Base.ID || !g.To.Equal(april) {
				o.Errorf("the old code: %+v", g)
			}
			return nil
		})
		again := o.draws(centre, ImportOptions{}, cell("370115003201001", "p4", 8, 0, 9, 4))
		o.refused(again, 0, "grid.code_used", "code")
		if _, err := o.tries(centre, ImportOptions{From: april.Add(-time.Hour)}, halves...); !errors.Is(err, ErrPast) {
			o.Errorf("dated back: %v", err)
		}
		if _, err := o.tries(centre, ImportOptions{Replaces: []string{"none"}}, halves...); !errors.Is(err, ErrMissing) {
			o.Errorf("replacing nothing: %v", err)
		}
		// What a drawing gives up at the edge of the area is said.
		r = o.draws(centre, ImportOptions{Replaces: []string{"370115003201002"}, DryRun: true}, cell("370115003201009", "p4", 4, 1, 8, 4))
		if len(r.Ended) != 1 || r.Ended[0].Lost < 0.24 || r.Ended[0].Lost > 0.26 {
			o.Errorf("%+v", r)
		}
	})
}

func TestWholeLayerIsDrawnAnew(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		r := o.draws(centre, ImportOptions{Whole: true}, cell("370115003201002", "p4", 4, 0, 8, 4), cell("370115003201008", "p4", 0, 0, 4, 8), cell("370115004201001", "p6", 4, 4, 8, 8))
		if r.Taken != 1 || r.Repeated != 2 || !slices.Equal(r.Ended, []Ended{{"370115003201001", 0}, {"370115003202001", 0}}) {
			o.Fatalf("%+v", r)
		}
		merged, _ := o.at(117.001, 36.807)
		o.read(func(tx *db.Tx) error {
			s, err := o.Snapshot(tx)
			if err != nil {
				return err
			}
			if _, forebears := s.Successions(merged.Base.ID); len(forebears) != 2 {
				o.Errorf("forebears: %+v", forebears)
			}
			return nil
		})
		keeper := &clerk{may: []string{permView, permDraw}}
		if _, err := o.tries(keeper, ImportOptions{Whole: true}, four()[0]); !errors.Is(err, errDenied) {
			o.Errorf("ended without the permission: %v", err)
		}
	})
}

func TestCodesAreGivenOutOnce(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		issue := func(in IssueIn) (c Code, err error) {
			err = o.write(func(tx *db.Tx) error { c, err = o.Issue(tx, centre, in); return err })
			return c, err
		}
		for _, want := range []string{"370115003201003", "370115003201004"} {
			if c, err := issue(IssueIn{Layer: Base, Community: "370115003201"}); err != nil || c.Code != want {
				o.Fatalf("%+v %v, want %s", c, err, want)
			}
		}
		if r := o.draws(centre, ImportOptions{}, cell("370115003201003", "p4", 8, 0, 9, 4)); r.Taken != 1 {
			o.Errorf("an issued code: %+v %v", r, r.Verdicts[0].Fault)
		}
		base, _ := o.at(117.001, 36.801)
		if c, err := issue(IssueIn{Layer: Micro, Parent: base.Base.ID}); err != nil || c.Code != "37011500320100101" {
			o.Errorf("%+v %v", c, err)
		}
		for _, bad := range []IssueIn{{Layer: Base, Community: "370115009999"}, {Layer: Micro}, {Layer: "top"}} {
			if _, err := issue(bad); !errors.Is(err, ErrInvalid) {
				o.Errorf("%+v: %v", bad, err)
			}
		}
		// Another scheme beside ours.
		alias := func(v id.ID, scheme, code string) error {
			return o.write(func(tx *db.Tx) error { _, err := o.Alias(tx, centre, v, scheme, code); return err })
		}
		if err := alias(base.Base.ID, "cjt349", "01000037011500320101"); err != nil {
			o.Fatal(err)
		}
		if err := alias(unit(77), "cjt349", "1"); !errors.Is(err, ErrMissing) {
			o.Errorf("an alias of nothing: %v", err)
		}
		other, _ := o.at(117.005, 36.801)
		if err := alias(other.Base.ID, "cjt349", "01000037011500320101"); !errors.Is(err, ErrCodeUsed) {
			o.Errorf("the same alias twice: %v", err)
		}
		if err := alias(other.Base.ID, "grid", "x y"); !errors.Is(err, ErrInvalid) {
			o.Errorf("our own scheme: %v", err)
		}
		o.read(func(tx *db.Tx) error {
			if g, ok, err := o.ByCode(tx, "01000037011500320101"); err != nil || !ok || g.ID != base.Base.ID {
				o.Errorf("by alias: %+v %v", g, err)
			}
			return nil
		})
		// A new rule holds from now on.
		rule := Template{Check: Mod1110, Segments: []Segment{{Source: FromCommunity, Length: 12}, {Source: FromSequence, Length: 4}}}
		set := func(match int64) error {
			return o.write(func(tx *db.Tx) error { _, err := o.SetTemplate(tx, centre, Base, match, rule); return err })
		}
		if err := set(0); err != nil {
			o.Fatal(err)
		}
		if err := set(0); err != nil {
			o.Fatal(err)
		}
		if err := set(1); !errors.Is(err, ErrChanged) {
			o.Errorf("an outdated rule: %v", err)
		}
		if c, err := issue(IssueIn{Layer: Base, Community: "370115003201"}); err != nil || len(c.Code) != 17 || c.Code[:16] != "3701150032010001" {
			o.Errorf("%+v %v", c, err)
		}
		o.refused(o.draws(centre, ImportOptions{}, cell("370115003201007", "p4", 8, 4, 9, 8)), 0, "grid.code_length", "code")
	})
}

func TestEditKnowsWhatItChanges(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		p, _ := o.at(117.001, 36.801)
		edit := func(by journal.Who, match int64, in Edit) error {
			return o.write(func(tx *db.Tx) error { _, err := o.Edit(tx, by, p.Base.ID, match, in); return err })
		}
		good := Edit{Name: " 东街 ", Platform: unit(5), Households: 12}
		if err := edit(centre, 7, good); !errors.Is(err, ErrChanged) {
			o.Errorf("an outdated version: %v", err)
		}
		if err := edit(&clerk{may: []string{permDraw}, street: unit(3)}, 0, good); !errors.Is(err, errDenied) {
			o.Errorf("from another street: %v", err)
		}
		if err := edit(&clerk{may: []string{permDraw}, street: unit(2)}, 0, Edit{Name: "x", Platform: unit(6)}); !errors.Is(err, errDenied) {
			o.Errorf("into another street: %v", err)
		}
		for _, bad := range []Edit{{Platform: unit(5)}, {Name: "a"}, {Name: "a", Platform: unit(2)}, {Name: "a", Street: unit(2)},
			{Name: "a", Platform: unit(5), Street: unit(3)}, {Name: "a", Platform: unit(5), Households: -1}} {
			if err := edit(centre, 0, bad); !errors.Is(err, ErrInvalid) {
				o.Errorf("%+v: %v", bad, err)
			}
		}
		if err := edit(centre, 1, good); err != nil {
			o.Fatal(err)
		}
		p, _ = o.at(117.001, 36.801)
		if p.Base.Name != "东街" || p.Nodes.Platform != unit(5) || p.Base.Version != 2 {
			o.Errorf("%+v", p.Base)
		}
		o.read(func(tx *db.Tx) error {
			entries, err := journal.Of(tx, p.Base.ID)
			if err != nil || len(entries) != 2 {
				o.Fatalf("%d entries, %v", len(entries), err)
			}
			if last := entries[1]; last.Kind != "grid.change" || last.Before == nil || last.Before.Platform != unit(4) || last.Sight.Platform != unit(5) {
				o.Errorf("%+v", last)
			}
			return nil
		})
		// A moved border keeps the old one.
		moved := four()
		moved[2], moved[3] = cell("370115003202001", "p5", 0, 4, 5, 8), cell("370115004201001", "p6", 5, 4, 8, 8)
		if r := o.draws(centre, ImportOptions{}, moved[2:]...); r.Taken != 2 {
			o.Fatalf("%+v", r)
		}
		o.read(func(tx *db.Tx) error {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM grid_past WHERE shape IS NOT NULL`).Scan(&n); err != nil || n != 2 {
				o.Errorf("%d borders kept, %v", n, err)
			}
			return nil
		})
	})
}

// What was stored comes back the same, and locates the same on both engines.
func TestStoredPartitionLocatesAsDrawn(t *testing.T) {
	each(t, func(o *office) {
		r := rand.New(rand.NewPCG(3, 3))
		cells, _ := pierce(r, splits(r, 15))
		var rows []ImportRow
		for i, c := range cells {
			row := cell(fmt.Sprintf("370115003201%03d", i+1), "p4", 0, 0, 1, 1)
			row.Shape = orb.MultiPolygon{orb.Polygon(c)}
			rows = append(rows, row)
		}
		if got := o.draws(centre, ImportOptions{}, rows...); got.Taken != int64(len(rows)) {
			o.Fatalf("%+v", got.Flaws)
		}
		drawn := draw(o, cells, 0)
		p := build(o, drawn)
		for range 300 {
			at := orb.Point{117 + 0.034*r.Float64(), 36.8 + 0.029*r.Float64()}
			want := ""
			if i := p.Find(at); i >= 0 {
				want = rows[i].Code
			}
			if got := o.code(at[0], at[1]); got != want {
				o.Fatalf("%v: %q, drawn %q", at, got, want)
			}
		}
	})
}
