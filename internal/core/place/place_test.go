package place

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// clerk is somebody with permissions in one street, or everywhere, at a desk or
// in the grid.
type clerk struct {
	may    []string
	street id.ID
	inGrid bool
}

var errDenied = fault.New(fault.Forbidden, "clerk.denied")

func (c *clerk) By() journal.By { return journal.By{Person: numbered(99), Via: "desk"} }

func (c *clerk) Check(p string, at journal.Sight) error {
	if slices.Contains(c.may, p) && (c.street.IsZero() || at.Street == c.street) && !(c.inGrid && at.Secrecy > journal.Open) {
		return nil
	}
	return errDenied.With("permission", p)
}

func (c *clerk) Sees(p string, at journal.Sight) bool { return c.Check(p, at) == nil }

var (
	centre  = &clerk{may: []string{permView, permEdit, "grid.draw", "grid.retire_code", "grid.view"}}
	street2 = &clerk{may: []string{permView, permEdit}, street: numbered(2)}
	street3 = &clerk{may: []string{permView, permEdit}, street: numbered(3)}
	officer = &clerk{may: []string{permView}, inGrid: true}
)

// district is a fixed organisation: hub 1, streets 2 and 3, platforms 4 and 5 in
// street 2, 6 in street 3.
type district struct{}

var fixed = func() *org.Snapshot {
	u := func(n int, kind org.UnitKind, code, name string, parent int) org.Unit {
		v := org.Unit{ID: numbered(n), Kind: kind, Code: code, Name: words.Text{Chinese: name, English: name}}
		if parent > 0 {
			v.Parent = numbered(parent)
		}
		return v
	}
	return org.NewSnapshot(org.Rules{},
		[]org.Unit{u(1, org.Hub, "hub", "中枢", 0), u(2, org.Street, "s2", "崔寨街道", 1), u(3, org.Street, "s3", "太平街道", 1),
			u(4, org.Platform, "p4", "马店平台", 2), u(5, org.Platform, "p5", "大刘平台", 2), u(6, org.Platform, "p6", "孙耿平台", 3)},
		nil, nil, []org.Post{{ID: numbered(50), Role: "venue_keeper", Name: words.Text{Chinese: "场地管理员", English: "Venue keeper"}, Unit: numbered(4), Node: numbered(4), Level: org.AtVillage}}, nil, nil, nil)
}()

func (district) Snapshot(*db.Tx) (*org.Snapshot, error) { return fixed, nil }

// house is the places on one engine, with real grids and a clock that stands
// still.
type house struct {
	*testing.T
	db    *db.DB
	clock *dbtest.Clock
	grids *grid.Grids
	*Places
}

// Four grids: two of platform 4 below, one of 5 and one of 6 above.
func eachHouse(t *testing.T, story func(h *house)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := dbtest.NewClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
			d := dbtest.Open(t, engine, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() },
				[]db.Room{journal.Room(), grid.Room(), calendar.Tables(), Room()})
			ships, err := LoadKinds(data.FS)
			if err != nil {
				t.Fatal(err)
			}
			h := &house{T: t, db: d, clock: clock, grids: grid.New(district{})}
			calendars := calendar.NewCalendars()
			h.Places = New(Options{Org: district{}, Grids: h.grids, Calendars: calendars, Kinds: ships})
			h.write(func(tx *db.Tx) error { return calendars.Seed(tx, journal.By{Via: "system"}, data.FS) })
			h.draw(cell("370115003201001", "p4", 0, 0, 4, 4), cell("370115003201002", "p4", 4, 0, 8, 4), cell("370115003202001", "p5", 0, 4, 4, 8), cell("370115004201001", "p6", 4, 4, 8, 8))
			story(h)
		})
	}
}

func cell(code, platform string, x0, y0, x1, y1 float64) grid.ImportRow {
	p := func(x, y float64) orb.Point { return orb.Point{117 + x/1000, 36.8 + y/1000} }
	return grid.ImportRow{Code: code, Name: "网格" + code[len(code)-6:], Platform: platform, Shape: orb.MultiPolygon{{{p(x0, y0), p(x1, y0), p(x1, y1), p(x0, y1), p(x0, y0)}}}}
}

func (h *house) draw(rows ...grid.ImportRow) {
	h.Helper()
	for i := range rows {
		rows[i].Number = int64(i + 1)
	}
	h.write(func(tx *db.Tx) error {
		r, err := h.grids.Import(tx, centre, rows, grid.ImportOptions{Datum: geo.WGS84, Whole: true})
		if err == nil && r.Refused > 0 {
			return fmt.Errorf("%+v %v", r, r.Verdicts)
		}
		return err
	})
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Read(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

// at is a position in thousandths of a degree from 117, 36.8.
func at(in In, x, y float64) In {
	lon, lat := 117+x/1000, 36.8+y/1000
	in.Lon, in.Lat, in.Datum = &lon, &lat, "wgs84"
	return in
}

func (h *house) creates(by journal.Who, in In) (p Place) {
	h.Helper()
	h.write(func(tx *db.Tx) (err error) { p, err = h.Create(tx, by, in); return err })
	return p
}

func (h *house) tries(fn func(tx *db.Tx) error) error {
	return h.db.Write(context.Background(), fn)
}

func (h *house) changes(by journal.Who, v id.ID, in In) (p Place) {
	h.Helper()
	h.write(func(tx *db.Tx) (err error) { p, err = h.Change(tx, by, v, 0, in); return err })
	return p
}

// finds gives the labels of what a search finds.
func (h *house) finds(by journal.Who, q string) []string {
	h.Helper()
	var out []string
	h.read(func(tx *db.Tx) error {
		hits, err := h.Search(tx, by, Ask{Query: q})
		for _, x := range hits {
			out = append(out, x.Label)
		}
		return err
	})
	return out
}

func (h *house) gridOf(p Place) string {
	h.Helper()
	var code string
	h.read(func(tx *db.Tx) error {
		now, err := get(tx, p.ID)
		if err != nil {
			return err
		}
		g, _, err := h.grids.ByID(tx, now.Grid)
		code = g.Code
		return err
	})
	if len(code) > 6 {
		code = code[len(code)-6:]
	}
	return code
}

func (h *house) refused(err error, code string) {
	h.Helper()
	f := fault.Of(err)
	if err == nil || f.Code != code && !slices.ContainsFunc(f.Where, func(w fault.Where) bool { return w.Code == code }) {
		h.Errorf("%v, want %s", err, code)
	}
}

// madian is a village with two grids, a road and a house in one of them.
func (h *house) madian() (village, road, one Place) {
	h.Helper()
	village = h.creates(centre, In{Kind: "village", Name: "马店村", Home: numbered(4), Codes: []CodeIn{{"division", "370115003201"}}})
	road = h.creates(centre, at(In{Kind: "road", Name: "幸福路", Parent: village.ID}, 3, 1))
	one = h.creates(street2, at(In{Kind: "building", Name: "12号", Parent: road.ID}, 5, 1))
	return village, road, one
}

// A road says nothing about the grid of what lies along it; a house does for
// its rooms; a village whose platform has one grid lies in that one.
func TestGridsComeFromWhatIsNarrow(t *testing.T) {
	eachHouse(t, func(h *house) {
		village, road, one := h.madian()
		unnumbered := h.creates(street2, In{Kind: "building", Name: "14号", Parent: road.ID})
		flat := h.creates(street2, In{Kind: "room", Name: "501室", Parent: one.ID})
		small := h.creates(centre, In{Kind: "village", Name: "大刘村", Home: numbered(5)})
		shed := h.creates(centre, In{Kind: "pump", Name: "大刘排灌站", Parent: small.ID})
		for _, c := range []struct {
			of   Place
			want string
		}{{village, ""}, {road, ""}, {one, "201002"}, {unnumbered, ""}, {flat, "201002"}, {small, "202001"}, {shed, "202001"}} {
			if got := h.gridOf(c.of); got != c.want || c.of.Street.IsZero() {
				t.Errorf("%s lies in %q, want %q", c.of.Name, got, c.want)
			}
		}
		h.read(func(tx *db.Tx) error {
			spot, err := h.Spot(tx, flat.ID)
			if spot.Label != "马店村幸福路12号501室" || !spot.Located || math.Abs(spot.Lon-117.005) > 1e-9 || spot.Nodes.Grid != one.Grid {
				t.Errorf("%+v", spot)
			}
			if err != nil {
				return err
			}
			if spot, err = h.Spot(tx, road.ID); spot.Located || !spot.Nodes.Grid.IsZero() || spot.Nodes.Platform != numbered(4) {
				t.Errorf("a road is no point: %+v", spot)
			}
			return err
		})
	})
}

// The grids are drawn anew: places follow, whatever they stand under, and who
// watches is told from where to where.
func TestPlacesFollowTheGrids(t *testing.T) {
	eachHouse(t, func(h *house) {
		village, _, one := h.madian()
		flat := h.creates(street2, In{Kind: "room", Name: "501室", Parent: one.ID})
		settle := func(want int) {
			t.Helper()
			if n, err := h.Settle(context.Background(), h.db); err != nil || n != want {
				t.Fatalf("%d moved, %v; want %d", n, err, want)
			}
		}
		settle(0)
		h.clock.Add(24 * time.Hour)
		// The two grids of platform 4 become one.
		h.draw(cell("370115003201003", "p4", 0, 0, 8, 4), cell("370115003202001", "p5", 0, 4, 4, 8), cell("370115004201001", "p6", 4, 4, 8, 8))
		settle(4) // the village and its road too: its platform has one grid now
		settle(0)
		for _, p := range []Place{village, one, flat} {
			if got := h.gridOf(p); got != "201003" {
				t.Errorf("%s lies in %q", p.Name, got)
			}
		}
		var told []journal.Entry
		h.read(func(tx *db.Tx) (err error) { told, err = journal.Of(tx, flat.ID); return err })
		last := told[len(told)-1]
		if last.Kind != "place.settle" || last.Before == nil || last.Before.Grid == last.Sight.Grid {
			t.Errorf("%+v", last)
		}
	})
}

// Names are dated: what a place was called is found, and said to be so. What
// lies under it is called by the new name at once.
func TestNamesAndCodesAreDated(t *testing.T) {
	eachHouse(t, func(h *house) {
		village, road, one := h.madian()
		h.clock.Add(time.Hour)
		h.changes(street2, road.ID, at(In{Kind: "road", Name: "振兴路", Parent: village.ID, Aliases: []string{"老官道"}, Codes: []CodeIn{{"local", "R1"}}}, 3, 1))
		if got := h.finds(street2, "振兴路12号"); !slices.Equal(got, []string{"马店村振兴路12号"}) {
			t.Errorf("%v", got)
		}
		for _, q := range []string{"幸福路", "老官道", "laoguandao", "lgd"} {
			if got := h.finds(street2, q); len(got) == 0 || got[0] != "马店村振兴路" {
				t.Errorf("%s: %v", q, got)
			}
		}
		h.clock.Add(time.Hour)
		h.changes(street2, road.ID, at(In{Kind: "road", Name: "振兴路", Parent: village.ID}, 3, 1))
		if got := h.finds(street2, "老官道"); len(got) != 0 {
			t.Errorf("an alias that ended is found: %v", got)
		}
		// The code stays with the place for ever.
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Create(tx, centre, In{Kind: "road", Name: "别的路", Parent: village.ID, Codes: []CodeIn{{"local", "R1"}}})
			return err
		}), "place.code_used")
		h.read(func(tx *db.Tx) error {
			names, err := namesOf(tx, road.ID)
			if len(names) != 2 || names[0].Usage != Alias || names[0].To.IsZero() || names[1].Name != "幸福路" || names[1].To.Sub(names[1].From) != time.Hour {
				t.Errorf("%+v", names)
			}
			return err
		})
		h.refused(h.tries(func(tx *db.Tx) error { _, err := h.End(tx, centre, road.ID, 0); return err }), "place.has_parts")
		h.write(func(tx *db.Tx) error { _, err := h.End(tx, centre, one.ID, 0); return err })
		h.refused(h.tries(func(tx *db.Tx) error { _, err := h.End(tx, centre, one.ID, 0); return err }), "place.ended")
		if got := h.finds(street2, "振兴路12号"); len(got) != 0 {
			t.Errorf("what is no more is found: %v", got)
		}
	})
}

// Homes are for staff in scope; camera sites for desks; the public finds
// villages, roads and public facilities, and a home only where an office showed
// it, and then coarsely.
func TestWhoFindsWhat(t *testing.T) {
	eachHouse(t, func(h *house) {
		_, road, one := h.madian()
		h.creates(street2, at(In{Kind: "camera_site", Name: "幸福路口监控"}, 1, 1))
		h.creates(street2, at(In{Kind: "clinic", Name: "马店村卫生室"}, 1, 2))
		shown := h.creates(street2, at(In{Kind: "building", Name: "16号", Parent: road.ID, Shown: ShownYes}, 2, 1))
		public := func(q string) (out []Hit) {
			h.read(func(tx *db.Tx) (err error) { out, err = h.SearchPublic(tx, Ask{Query: q}); return err })
			return out
		}
		for _, c := range []struct {
			by   journal.Who
			q    string
			want int
		}{
			{street2, "幸福路12号", 1}, {street3, "幸福路12号", 0}, {street3, "幸福路", 1}, {officer, "幸福路12号", 1},
			{street2, "幸福路口监控", 1}, {officer, "幸福路口监控", 0}, {officer, "卫生室", 1}, {street3, "卫生室", 1},
		} {
			if got := h.finds(c.by, c.q); len(got) != c.want {
				t.Errorf("%s: %v, want %d", c.q, got, c.want)
			}
		}
		if len(public("幸福路12号")) != 0 || len(public("幸福路")) != 1 || len(public("卫生室")) != 1 || len(public("路口监控")) != 0 {
			t.Error("the public finds what it should not, or not what it should")
		}
		if got := public("幸福路16号"); len(got) != 1 || got[0].ID != shown.ID || got[0].Lon == shown.Lon || math.Abs(got[0].Lon-shown.Lon) > coarseStep {
			t.Errorf("%+v", got)
		}
		// Out of scope is missing, for reading and for changing.
		h.read(func(tx *db.Tx) error {
			_, err := h.getOne(tx, street3, &oneIn{one.ID})
			h.refused(err, "place.missing")
			return nil
		})
		h.refused(h.tries(func(tx *db.Tx) error { _, err := h.End(tx, street3, one.ID, 0); return err }), "place.missing")
		h.refused(h.tries(func(tx *db.Tx) error { _, err := h.End(tx, street3, road.ID, 0); return err }), "clerk.denied")
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Create(tx, street3, at(In{Kind: "clinic", Name: "越界"}, 1, 1))
			return err
		}), "clerk.denied")
	})
}

// Every bad input is refused with a code and changes nothing.
func TestBadInput(t *testing.T) {
	eachHouse(t, func(h *house) {
		village, road, one := h.madian()
		big, out, nan := 200.0, 10.0, math.NaN()
		good := func(change func(in *In)) In {
			in := at(In{Kind: "hall", Name: "礼堂", Parent: village.ID}, 1, 1)
			change(&in)
			return in
		}
		var before int64
		h.read(func(tx *db.Tx) (err error) { before, err = journal.Head(tx); return err })
		for code, change := range map[string]func(in *In){
			"place.kind_missing":   func(in *In) { in.Kind = "castle" },
			"place.bad_name":       func(in *In) { in.Name = " ？ " },
			"field.required":       func(in *In) { in.Lat = nil },
			"geo.unknown_datum":    func(in *In) { in.Datum = "" },
			"geo.bad_position":     func(in *In) { in.Lon = &big },
			"place.outside":        func(in *In) { in.Lon = &out },
			"place.bad_parent":     func(in *In) { in.Parent = numbered(77) },
			"place.bad_home":       func(in *In) { in.Home = numbered(1) },
			"place.nowhere":        func(in *In) { in.Lon, in.Lat, in.Parent = nil, nil, id.ID{} },
			"place.bad_phone":      func(in *In) { in.Details.Phone = "问老王" },
			"place.bad_capacity":   func(in *In) { in.Details.Capacity = -1 },
			"place.too_many_lines": func(in *In) { in.Details.Equipment = make([]Equipment, 101) },
			"place.bad_equipment":  func(in *In) { in.Details.Equipment = []Equipment{{Count: 3}} },
			"place.no_calendar":    func(in *In) { in.Details.Calendar = "moon" },
			"place.no_post":        func(in *In) { in.Details.Keeper = numbered(78) },
			"place.too_long":       func(in *In) { in.Details.Note = strings.Repeat("长", 301) },
			"place.bad_code":       func(in *In) { in.Codes = []CodeIn{{"Local", "1"}} },
			"place.facility_only":  func(in *In) { in.Kind, in.Details.Phone = "estate", "0531-1" },
			"place.twice":          func(in *In) { *in = at(In{Kind: "building", Name: "12号", Parent: road.ID}, 5, 1) },
			"field.wrong":          func(in *In) { in.Shown = "perhaps" },
		} {
			h.refused(h.tries(func(tx *db.Tx) error { _, err := h.Create(tx, centre, good(change)); return err }), code)
		}
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Create(tx, centre, good(func(in *In) { in.Lon = &nan }))
			return err
		}), "geo.bad_position")
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Change(tx, centre, one.ID, 0, at(In{Kind: "road", Name: "12号", Parent: village.ID}, 5, 1))
			return err
		}), "place.kind_stays")
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Change(tx, centre, one.ID, 9, at(In{Kind: "building", Name: "13号", Parent: road.ID}, 5, 1))
			return err
		}), "place.changed")
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.SetKind(tx, centre, "Big", 0, KindEdit{Name: words.Text{Chinese: "大", English: ""}})
			return err
		}), "place.bad_key")
		h.read(func(tx *db.Tx) error {
			for _, q := range []string{"", "  ", strings.Repeat("路", 61), "\xff"} {
				_, err := h.Search(tx, centre, Ask{Query: q})
				h.refused(err, "place.query")
			}
			after, err := journal.Head(tx)
			if after != before {
				t.Errorf("%d entries of what was refused", after-before)
			}
			return err
		})
	})
}

// Kinds of facilities are data: the office adds one and changes what ships.
func TestKindsAreData(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.madian()
		h.write(func(tx *db.Tx) error {
			_, err := h.SetKind(tx, centre, "tea_house", 0, KindEdit{Name: words.Text{Chinese: "茶馆", English: "Tea house"}, Public: true})
			return err
		})
		tea := h.creates(street2, at(In{Kind: "tea_house", Name: "马店茶馆", Details: Details{Calendar: "office", Keeper: numbered(50), Capacity: 40, Phone: "0531-88880000", Equipment: []Equipment{{Name: "方桌", Count: 10}}}}, 1, 1))
		if got := h.finds(officer, "茶馆"); !slices.Equal(got, []string{"马店茶馆"}) {
			t.Errorf("%v", got)
		}
		h.read(func(tx *db.Tx) error {
			out, err := h.getOne(tx, street2, &oneIn{tea.ID})
			if err != nil {
				return err
			}
			v := out.Body
			if v.OpenNow == nil || !*v.OpenNow || v.KeeperName == nil || v.Details.Capacity != 40 || !v.CanEdit || v.KindName.English != "Tea house" {
				t.Errorf("%+v", v)
			}
			return nil
		})
		// It ends as a kind: none is added, the old one stays.
		h.write(func(tx *db.Tx) error {
			_, err := h.SetKind(tx, centre, "tea_house", 1, KindEdit{Name: words.Text{Chinese: "茶馆", English: "Tea house"}, Ended: true})
			return err
		})
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.Create(tx, street2, at(In{Kind: "tea_house", Name: "又一家"}, 1, 1))
			return err
		}), "place.kind_missing")
		if got := h.finds(street3, "茶馆"); len(got) != 0 {
			t.Errorf("it is not public any more: %v", got)
		}
		h.refused(h.tries(func(tx *db.Tx) error {
			_, err := h.SetKind(tx, street2, "hall", 0, KindEdit{Name: words.Text{Chinese: "礼堂", English: "Hall"}})
			return err
		}), "clerk.denied")
	})
}

// Every row is accounted for, in Chinese headings too; repeating takes nothing
// twice; a row with a known code changes that place.
func TestImportAccountsForEveryRow(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.madian()
		run := func(name, text string, o ImportOptions) (table.Report, map[int64]string) {
			t.Helper()
			why := map[int64]string{}
			rows, err := table.NewReader(strings.NewReader(text), name, table.Options{})
			if err != nil {
				t.Fatal(err)
			}
			report, err := table.Job{Rows: rows, Size: 3, Take: table.Each(h.db.Write, func(tx *db.Tx, r table.Row) (table.Outcome, error) {
				return h.Import(tx, centre, r, o)
			}), Refuse: func(r table.Row, f *fault.Fault) {
				why[r.Number] = f.Code
				if len(f.Where) > 0 {
					why[r.Number] = f.Where[0].Path + " " + f.Where[0].Code
				}
			}}.Run(t.Context())
			if err != nil || report.Read != report.Taken+report.Repeated+report.Refused {
				t.Fatalf("%+v %v", report, err)
			}
			return report, why
		}
		file := `编码,类型,名称,上级编码,平台编码,经度,纬度,别名,公开
R9,道路街巷,黄河大道,370115003201,,117.002,36.801,大道,
H1,楼栋门牌,1号,R9,,117.0055,36.802,,
H2,building,2号,R9,,,,,是
X1,城堡,3号,R9,,,,,
X2,building,4号,R0,,,,,
X3,building,5号,R9,,10,36.8,,
X4,building,6号,R9,,,,,也许
,estate,锦绣花园,370115003201,,117.001,36.801,,
`
		o := ImportOptions{Datum: geo.WGS84}
		r, why := run("a.csv", file, o)
		if r.Taken != 4 || r.Refused != 4 || why[4] != "kind place.kind_missing" || why[5] != "parent place.no_parent" || why[6] != "lon place.outside" || why[7] != "public place.bad_flag" {
			t.Fatalf("%+v %v", r, why)
		}
		if r, _ := run("a.csv", file, o); r.Repeated != 4 || r.Taken != 0 || r.Refused != 4 {
			t.Errorf("again: %+v", r)
		}
		if got := h.finds(street3, "黄河大道2号"); !slices.Equal(got, []string{"马店村黄河大道2号"}) {
			t.Errorf("%v", got)
		}
		// The same code under another name: renamed, and moved into another grid.
		if r, why := run("b.csv", "code,kind,name,parent,lon,lat\nH1,building,1号院,R9,117.001,36.802\n", o); r.Taken != 1 {
			t.Errorf("%+v %v", r, why)
		}
		if got := h.finds(street2, "黄河大道1号"); len(got) == 0 || got[0] != "马店村黄河大道1号院" {
			t.Errorf("%v", got)
		}
		// A facility as a point of GeoJSON; the shifted datum of public maps lies
		// half a kilometre off, in another grid.
		point := `{"type":"FeatureCollection","features":[
			{"type":"Feature","properties":{"code":"F1","kind":"文化礼堂","name":"马店礼堂","capacity":"120","phone":"0531-88881234","equipment":"折叠椅×100；投影仪","calendar":"office"},"geometry":{"type":"Point","coordinates":[117.0065,36.8015]}},
			{"type":"Feature","properties":{"code":"F2","kind":"hall","name":"画错的"},"geometry":{"type":"LineString","coordinates":[[117.006,36.801],[117.007,36.801]]}}]}`
		r, why = run("f.geojson", point, ImportOptions{Datum: geo.GCJ02, Scheme: "city"})
		if r.Taken != 1 || why[2] != "geometry place.no_point" {
			t.Fatalf("%+v %v", r, why)
		}
		h.read(func(tx *db.Tx) error {
			v, ok, err := byCode(tx, "city", "F1")
			if err != nil || !ok {
				t.Fatalf("%v %v", ok, err)
			}
			p, err := get(tx, v)
			if len(p.Details.Equipment) != 2 || p.Details.Equipment[0] != (Equipment{Name: "折叠椅", Count: 100}) || math.Abs(p.Lon-117.0065) < 0.003 || p.Details.Capacity != 120 {
				t.Errorf("%+v", p)
			}
			return err
		})
		h.refused(h.tries(func(tx *db.Tx) error { _, err := h.Import(tx, centre, table.Row{}, ImportOptions{}); return err }), "geo.unknown_datum")
	})
}

// A search never shows what is not committed, and shows what is at once.
func TestTheIndexIsAsNewAsTheReader(t *testing.T) {
	eachHouse(t, func(h *house) {
		village, _, _ := h.madian()
		if got := h.finds(centre, "新修路"); len(got) != 0 {
			t.Fatal(got)
		}
		undone := errors.New("undone")
		err := h.tries(func(tx *db.Tx) error {
			if _, err := h.Create(tx, centre, at(In{Kind: "road", Name: "新修路", Parent: village.ID}, 1, 1)); err != nil {
				return err
			}
			if _, err := h.Search(tx, centre, Ask{Query: "新修路"}); !errors.Is(err, db.ErrMisuse) {
				t.Errorf("searched while writing: %v", err)
			}
			return undone
		})
		if err == nil {
			t.Fatal("committed")
		}
		if got := h.finds(centre, "新修路"); len(got) != 0 {
			t.Errorf("what was rolled back is found: %v", got)
		}
		road := h.creates(centre, at(In{Kind: "road", Name: "新修路", Parent: village.ID}, 1, 1))
		for i := range 3 {
			h.creates(centre, In{Kind: "building", Name: fmt.Sprintf("%d号", i+1), Parent: road.ID})
		}
		if got := h.finds(centre, "新修路2号"); !slices.Equal(got, []string{"马店村新修路2号"}) {
			t.Errorf("%v", got)
		}
		h.changes(centre, village.ID, In{Kind: "village", Name: "马店社区", Home: numbered(4)})
		if got := h.finds(centre, "马店社区新修路2号"); !slices.Equal(got, []string{"马店社区新修路2号"}) {
			t.Errorf("%v", got)
		}
	})
}
