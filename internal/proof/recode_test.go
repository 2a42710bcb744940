package proof_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
	"onegrid/internal/proof"
	"onegrid/internal/work/figures"
)

// The real recoding of the statistical list between 2016 and 2022 is applied as
// acts: every village's code ends and another one begins, its platform and its
// grid get the new code and stay who they are. Cases of both years open under
// both codes, and the figures of both years are what a recount finds.
func TestRecodingOf2016To2022(t *testing.T) {
	var runs []*recoding
	began := time.Now()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			r := newRecoding(t, engine)
			r.run()
			runs = append(runs, r)
		})
	}
	if t.Failed() {
		return
	}
	p := proof.NewPage("recoding", "The recoding of 2016 to 2022 as acts", time.Since(began))
	p.Say("`data/divisions/qibuqu-code-changes-2016-2022.csv`, row by row: a division ends and another begins; the platform and the grid of the village get the new code by acts of their own and stay who they are. Cases are reported in each village before and after.")
	header, rows := []string{""}, [][]string{{"rows of the file"}, {"taken"}, {"repeated when applied again"}, {"acts kept"}, {"divisions that ended"}, {"units found under both codes"}, {"grids found under both codes"}, {"cases before and after, found under both codes"}, {"figures of both years compared with a recount, node by node"}, {"duration"}}
	for _, r := range runs {
		header = append(header, string(r.app.DB.Engine()))
		for i, v := range []string{fmt.Sprint(len(r.rows)), fmt.Sprint(r.taken), fmt.Sprint(r.repeated), fmt.Sprint(r.acts), fmt.Sprint(r.ended), fmt.Sprint(r.units), fmt.Sprint(r.grids), fmt.Sprint(r.cases), fmt.Sprint(r.compared), r.took.Round(time.Millisecond).String()} {
			rows[i] = append(rows[i], v)
		}
	}
	p.Table(header, rows...)
	t.Log(p.Text())
	if proof.Long() {
		if err := p.Keep(); err != nil {
			t.Error(err)
		}
	}
}

type recoding struct {
	*testing.T
	app   *app.App
	clock *dbtest.Clock
	rows  []table.Row
	at    map[string]orb.Point // of a village, by its old or only code

	taken, repeated, ended, units, grids, cases, compared int
	acts                                                  int64
	took                                                  time.Duration
}

var in2016 = time.Date(2016, 8, 1, 1, 0, 0, 0, time.UTC)

func newRecoding(t *testing.T, engine db.Engine) *recoding {
	r := &recoding{T: t, clock: dbtest.NewClock(in2016), at: map[string]orb.Point{}}
	c, err := app.LoadConfig(filepath.Join(t.TempDir(), "data"), nil, nil)
	r.must(err)
	if engine == db.Postgres {
		c.Database = dbtest.Migrated(t, engine, app.Tables())
	}
	r.app, err = app.Open(t.Context(), c, app.Ports{Create: true, Now: r.clock.Now, Cost: access.Cost{Time: 1, Memory: 8, Threads: 1}})
	r.must(err)
	t.Cleanup(func() { r.must(r.app.Close()) })
	r.must(r.app.Seed(t.Context(), words.Text{Chinese: "起步区", English: "Start-up Area"}))
	f, err := data.FS.Open("divisions/qibuqu-code-changes-2016-2022.csv")
	r.must(err)
	defer f.Close()
	all, err := table.NewReader(f, "changes.csv", table.Options{})
	r.must(err)
	defer all.Close()
	for {
		row, err := all.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		r.must(err)
		r.rows = append(r.rows, row)
	}
	if !proof.Long() { // few of each street, and the two odd ones
		var few []table.Row
		in := map[string]int{}
		for _, row := range r.rows {
			street := street(row)
			if in[street]++; in[street] <= 6 || row.Get("old_code_2016") == "" || row.Get("new_code_2022") == "" {
				few = append(few, row)
			}
		}
		r.rows = few
	}
	return r
}

func street(row table.Row) string {
	if v := row.Get("old_code_2016"); v != "" {
		return v[:9]
	}
	return row.Get("new_code_2022")[:9]
}

func (r *recoding) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *recoding) write(do func(tx *db.Tx, by *access.Actor) error) {
	r.Helper()
	r.must(r.app.DB.Write(r.Context(), func(tx *db.Tx) error {
		by, err := r.app.Access.Operator(tx, "cli:proof")
		if err != nil {
			return err
		}
		return do(tx, by)
	}))
}

// settle makes the district as it was in 2016: the list, a street, a platform
// and a grid for each village.
func (r *recoding) settle() {
	r.write(func(tx *db.Tx, by *access.Actor) error {
		hub, err := r.app.Org.Hub(tx)
		if err != nil {
			return err
		}
		division := func(code, name, level, parent string) {
			_, err := r.app.Org.ImportDivision(tx, by, table.Row{Fields: map[string]string{"code": code, "name": name, "level": level, "parent": parent}})
			r.must(err)
		}
		division("370000000000", "山东省", "province", "")
		division("370100000000", "济南市", "city", "370000000000")
		division("370105000000", "天桥区", "county", "370100000000")
		division("370125000000", "济阳县", "county", "370100000000")
		streets := map[string]id.ID{}
		var drawn []grid.ImportRow
		for _, row := range r.rows {
			old, s := row.Get("old_code_2016"), street(row)
			if old == "" {
				continue
			}
			if streets[s].IsZero() {
				division(s+"000", "街道"+s, "street", s[:6]+"000000")
				u, err := r.app.Org.CreateUnit(tx, by, org.UnitIn{Kind: org.Street, Code: "S" + s, Name: words.Text{Chinese: "街道" + s, English: "Street " + s}, Parent: hub})
				r.must(err)
				streets[s] = u.ID
			}
			division(old, row.Get("old_name"), "village", s+"000")
			_, err := r.app.Org.CreateUnit(tx, by, org.UnitIn{Kind: org.Platform, Code: old, Name: words.Text{Chinese: row.Get("old_name"), English: old}, Parent: streets[s], Villages: []string{old}})
			r.must(err)
			n := len(drawn)
			x, y := 117+0.01*float64(n%20), 36.8+0.01*float64(n/20)
			r.at[old] = orb.Point{x + 0.005, y + 0.005}
			drawn = append(drawn, grid.ImportRow{Number: int64(n + 1), Code: old + "001", Name: row.Get("old_name"), Platform: old, MadeUp: "true",
				Shape: orb.MultiPolygon{{{{x, y}, {x + 0.01, y}, {x + 0.01, y + 0.01}, {x, y + 0.01}, {x, y}}}}})
		}
		report, err := r.app.Grids.Import(tx, by, drawn, grid.ImportOptions{Datum: geo.WGS84})
		if err == nil && report.Taken != int64(len(drawn)) {
			err = fmt.Errorf("grids: %+v", report)
		}
		return err
	})
}

// report makes some cases in each village.
func (r *recoding) report(year int) map[string][]id.ID {
	made := map[string][]id.ID{}
	r.write(func(tx *db.Tx, by *access.Actor) error {
		for n, row := range r.rows {
			old := row.Get("old_code_2016")
			p, ok := r.at[old]
			if !ok {
				continue
			}
			for k := range 1 + (n+year)%3 {
				c, err := r.app.Cases.Report(tx, by, casework.Report{Item: "cleanliness", Condition: "pile", Text: fmt.Sprintf("%d年第%d件", year, k+1),
					Place: casework.PlaceIn{Lon: &p[0], Lat: &p[1], Datum: "wgs84"}})
				if err != nil {
					return err
				}
				made[old] = append(made[old], c.ID)
			}
		}
		return nil
	})
	return made
}

func (r *recoding) run() {
	began := time.Now()
	r.settle()
	before := r.report(2016)
	r.clock.Set(time.Date(2022, 10, 31, 1, 0, 0, 0, time.UTC))
	for range 2 {
		for _, row := range r.rows {
			r.write(func(tx *db.Tx, by *access.Actor) error {
				out, err := r.app.Recode(tx, by, row, "统计区划代码变更")
				if err != nil {
					return fmt.Errorf("row %d: %w", row.Number, err)
				}
				if out.Result == table.Repeated {
					r.repeated++
				} else {
					r.taken++
				}
				return nil
			})
		}
	}
	r.must(r.app.Work(r.Context()))
	after := r.report(2022)
	_, err := r.app.Figures.Fold(r.Context())
	r.must(err)
	if r.taken != len(r.rows) || r.repeated != len(r.rows) {
		r.Errorf("%d rows taken, %d repeated, of %d", r.taken, r.repeated, len(r.rows))
	}
	r.must(r.app.DB.Read(r.Context(), func(tx *db.Tx) error { return r.look(tx, before, after) }))
	differ, _, err := r.app.Figures.Recompute(r.Context(), false, nil)
	r.must(err)
	if len(differ) > 0 {
		r.Errorf("recomputed: %v", differ)
	}
	r.took = time.Since(began)
}

func (r *recoding) look(tx *db.Tx, before, after map[string][]id.ID) error {
	o, err := r.app.Org.Snapshot(tx)
	if err != nil {
		return err
	}
	if err := tx.Row(`SELECT COUNT(*) FROM org_act`).Scan(&r.acts); err != nil {
		return err
	}
	by, err := r.app.Access.Operator(tx, "cli:proof")
	if err != nil {
		return err
	}
	for _, d := range o.Divisions {
		if !d.To.IsZero() {
			r.ended++
		}
	}
	for _, row := range r.rows {
		old, next := row.Get("old_code_2016"), row.Get("new_code_2022")
		was, ended := o.Division(old)
		is, begun := o.Division(next)
		switch {
		case old != "" && (!ended || was.To.IsZero()):
			r.Errorf("division %s has not ended: %+v", old, was)
		case next != "" && (!begun || !is.To.IsZero() || is.Name != row.Get("new_name")):
			r.Errorf("division %s has not begun: %+v", next, is)
		}
		if old == "" || next == "" {
			continue
		}
		if heirs, _ := o.Heirs(was.ID); len(heirs) != 1 || heirs[0].Heir != is.ID {
			r.Errorf("division %s was taken over by %v", old, heirs)
		}
		u, ok1 := o.UnitByAnyCode(old)
		v, ok2 := o.UnitByAnyCode(next)
		if !ok1 || !ok2 || u.ID != v.ID || u.Code != next {
			r.Errorf("unit %s: %+v, %s: %+v", old, u, next, v)
			continue
		}
		r.units++
		if day, ok := o.UnitAt(u.ID, in2016.AddDate(1, 0, 0)); !ok || day.Code != old {
			r.Errorf("in 2017 unit %s was %+v", old, day)
		}
		g, ok1, err1 := r.app.Grids.ByCode(tx, old+"001")
		h, ok2, err2 := r.app.Grids.ByCode(tx, next+"001")
		if err1 != nil || err2 != nil || !ok1 || !ok2 || g.ID != h.ID || g.Code != next+"001" {
			r.Errorf("grid %s: %+v, %s: %+v", old, g, next, h)
			continue
		}
		r.grids++
		if at, _, err := r.app.Grids.LocateOn(tx, r.at[old], in2016.AddDate(1, 0, 0)); err != nil || at.Base.Code != old+"001" {
			r.Errorf("in 2017 the place lay in %s: %v", at.Base.Code, err)
		}
		listed := map[id.ID]bool{}
		page, _, err := r.app.Cases.List(tx, by, casework.Filter{View: "all", Grid: g.ID}, nil, 200)
		if err != nil {
			return err
		}
		for _, c := range page {
			listed[c.ID] = true
		}
		for _, v := range append(before[old], after[old]...) {
			if !listed[v] {
				r.Errorf("a case of %s is not found under its grid", old)
			}
			r.cases++
		}
		for year, made := range map[int]int{2016: len(before[old]), 2022: len(after[old])} {
			for _, node := range []id.ID{u.ID, g.ID} {
				from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
				t, err := r.app.Figures.Answer(tx, figures.Question{Node: node, Taken: o.Inherited(node, tx.Now()), Cube: figures.ByItem, From: from, To: from + 365})
				if err != nil {
					return err
				}
				if got := t.Totals[figures.Reported]; got != int64(made) {
					r.Errorf("%s in %d: %d counted, %d reported", old, year, got, made)
				}
				r.compared++
			}
		}
	}
	if strings.Contains(r.Name(), "sqlite") && proof.Long() && r.units != 303 {
		r.Errorf("%d units kept who they are, not 303", r.units)
	}
	return nil
}
