package proof_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/demo"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/proof"
)

// Real service requests are carried to their final state by the people of the
// district, each through the service methods with that person's own rights,
// under a clock that moves through their year while the sweeper looks at the
// deadlines. Then every row is compared with the file.

// source is one row of the file as it stands there.
type source struct {
	request  demo.Request
	external string
	closed   bool
	flag     string // on_time, late or empty: what the file says itself
}

// comparable says whether lateness can be compared: there was a deadline and an
// end, and the end doesn't lie before the beginning.
func (s source) comparable() bool {
	return s.closed && !s.request.Untimed && !s.request.Due.IsZero()
}

// shared finds the folder of the full file: ONEGRID_SHARED, or beside the project.
func shared() string {
	if dir := os.Getenv("ONEGRID_SHARED"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared")
}

// sources reads a file of requests through the shipped mapping.
func sources(t *testing.T, open func() (io.ReadCloser, error), name string) []source {
	t.Helper()
	raw, err := data.FS.ReadFile("mappings/boston311.json")
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := table.ParseMapping(raw)
	if err != nil {
		t.Fatal(err)
	}
	f, err := open()
	if err != nil {
		t.Fatal(err)
	}
	requests, err := demo.ReadRequests(f, name, mapping)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err = open(); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := table.NewReader(f, name, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]source, 0, len(requests))
	for n := 0; ; n++ {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rec, err := mapping.Read(row)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, source{request: requests[n], external: rec.Text("external_id"), closed: rec.Text("state") == "closed", flag: rec.Text("given_late")})
	}
	if len(out) != len(requests) {
		t.Fatalf("%d rows, then %d", len(requests), len(out))
	}
	return out
}

// What is to happen to a request.
const (
	comesIn = iota
	desk    // the desks work through what came in
	ends
)

// deskEvery is how often the desks look at what came in.
const deskEvery = 10 * time.Minute

type event struct {
	at   time.Time
	what int
	row  int
}

// plan is all that is to happen, in the order of time. A request that ends
// before the desks look next goes all its way at once.
func plan(rows []source) []event {
	var out []event
	for n, s := range rows {
		q := s.request
		out = append(out, event{q.Opened, comesIn, n})
		next := q.Opened.Truncate(deskEvery).Add(deskEvery)
		if s.closed && next.After(q.Closed) {
			next = q.Opened
		}
		out = append(out, event{next, desk, n})
		if s.closed {
			out = append(out, event{q.Closed, ends, n})
		}
	}
	slices.SortStableFunc(out, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.row, b.row), cmp.Compare(a.what, b.what))
	})
	return out
}

// year is one run over a file.
type year struct {
	t     *testing.T
	ctx   context.Context
	app   *app.App
	clock *demo.Clock
	staff *demo.Staff
	rows  []source
	cases []id.ID

	commands, groups, sweeps, again int64
	swept                           casework.Swept
	stuck                           []string
	took                            time.Duration // of the carrying alone
}

// folder is where a run keeps its data: in memory where the machine has such a
// place, since nothing here is about surviving a power cut. The long run takes
// more than two gigabytes, so there it must be named.
func folder(t *testing.T) string {
	t.Helper()
	memory := os.Getenv("ONEGRID_PROOF_DIR")
	if memory == "" && !proof.Long() {
		memory = "/dev/shm"
	}
	if memory != "" {
		if dir, err := os.MkdirTemp(memory, "onegrid-year-"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			return dir
		}
	}
	return t.TempDir()
}

// newYear makes the district on an engine the day before the first request.
func newYear(t *testing.T, engine db.Engine, rows []source) *year {
	t.Helper()
	y := &year{t: t, ctx: t.Context(), clock: &demo.Clock{}, rows: rows, cases: make([]id.ID, len(rows))}
	dir := folder(t)
	c, err := app.LoadConfig(filepath.Join(dir, "data"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if engine == db.Postgres {
		c.Database = dbtest.Migrated(t, engine, app.Tables())
	}
	y.clock.Set(rows[0].request.Opened.Add(-24 * time.Hour))
	if y.app, err = app.Open(y.ctx, c, app.Ports{Now: y.clock.Now, Create: true, Demo: true, Cost: access.Cost{Time: 1, Memory: 8, Threads: 1}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { y.app.Close() })
	if err := demo.LoadDistrict(y.ctx, y.app); err != nil {
		t.Fatal(err)
	}
	y.staff = demo.NewStaff(y.app)
	if err := y.staff.Prepare(y.ctx); err != nil {
		t.Fatal(err)
	}
	return y
}

// atOnce is how many happenings of the same moment are told in one transaction.
const atOnce = 60

// sweepEvery is how often, in the year's own time, the sweeper looks at the
// deadlines; in the short runs it looks less often.
func (y *year) sweepEvery() time.Duration {
	switch {
	case proof.Long():
		return time.Hour
	case len(y.rows) < 1000:
		return 24 * time.Hour
	}
	return 6 * time.Hour
}

// carry lets everything happen.
func (y *year) carry() {
	y.t.Helper()
	began := time.Now()
	events := plan(y.rows)
	swept := events[0].at
	shown := began
	for n := 0; n < len(events); {
		at := events[n].at
		to := n + 1
		for to < len(events) && to-n < atOnce && events[to].at.Equal(at) {
			to++
		}
		for !swept.Add(y.sweepEvery()).After(at) {
			swept = swept.Add(y.sweepEvery())
			y.clock.Set(swept)
			y.sweep()
			if y.sweeps%24 == 0 {
				y.fold()
			}
		}
		y.clock.Set(at)
		y.happen(events[n:to])
		n = to
		if now := time.Now(); proof.Long() && now.Sub(shown) > 20*time.Second {
			shown = now
			fmt.Fprintf(os.Stderr, "%s: %d of %d happenings, %d commands, %.0f/s\n", at.Format(time.DateOnly), n, len(events), y.commands, float64(y.commands)/now.Sub(began).Seconds())
		}
	}
	y.clock.Set(y.end())
	y.sweep()
	y.fold()
	y.took = time.Since(began)
}

// end is when the file was taken, a day after the last thing that happens.
func (y *year) end() time.Time {
	var last time.Time
	for _, s := range y.rows {
		for _, at := range []time.Time{s.request.Opened, s.request.Closed} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last.Add(24 * time.Hour)
}

func (y *year) sweep() {
	y.t.Helper()
	s, err := y.app.Cases.Sweep(y.ctx, y.app.DB)
	if err != nil {
		y.t.Fatal(err)
	}
	y.sweeps++
	y.swept.Late += s.Late
	y.swept.Moved += s.Moved
	y.swept.Released += s.Released
	y.swept.Dropped += s.Dropped
}

func (y *year) fold() {
	y.t.Helper()
	if _, err := y.app.Figures.Fold(y.ctx); err != nil {
		y.t.Fatal(err)
	}
}

// happen lets several things of one moment happen in one transaction. What
// could not go on because a stand-in's time was over is tried again after the
// sweeper has found who acts now.
func (y *year) happen(events []event) {
	y.t.Helper()
	for try := range 2 {
		var waits []event
		var moves int64
		made := map[int]id.ID{}
		err := y.app.DB.Write(y.ctx, func(tx *db.Tx) error {
			moves, waits = 0, nil
			clear(made)
			for _, e := range events {
				n, arrived, err := y.happens(tx, e, made)
				if err != nil {
					return fmt.Errorf("row %d (%s): %w", e.row, y.rows[e.row].external, err)
				}
				moves += n
				if !arrived {
					waits = append(waits, e)
				}
			}
			return nil
		})
		if err != nil {
			y.t.Fatal(err)
		}
		y.groups++
		y.commands += moves
		for row, v := range made {
			y.cases[row] = v
		}
		if len(waits) == 0 {
			return
		}
		if try == 1 {
			for _, e := range waits {
				y.stuck = append(y.stuck, fmt.Sprintf("row %d (%s) at %s", e.row, y.rows[e.row].external, e.at.Format(time.RFC3339)))
			}
			return
		}
		y.again += int64(len(waits))
		y.sweep()
		events = waits
	}
}

// happens lets one thing happen, with all the moves that belong to it. arrived
// is false when the case did not get where it should.
func (y *year) happens(tx *db.Tx, e event, made map[int]id.ID) (moves int64, arrived bool, err error) {
	if e.what == comesIn {
		c, err := y.staff.Reports(tx, y.rows[e.row].request)
		made[e.row] = c.ID
		return 1, err == nil, err
	}
	caseID := y.cases[e.row]
	if v, ok := made[e.row]; ok {
		caseID = v
	}
	var ready time.Time
	if e.what == ends {
		ready = tx.Now()
	}
	for {
		c, moved, err := y.staff.Moves(tx, caseID, ready)
		if err != nil {
			return moves, false, err
		}
		if !moved {
			return moves, e.what == desk && c.State == casework.Handling || c.State == casework.Closed, nil
		}
		moves++
		if c.State == casework.Closed {
			return moves, true, nil
		}
	}
}

// TestRequests carries the sample on both engines, or in the long run the whole
// file on the embedded one.
func TestRequests(t *testing.T) {
	sample := func() (io.ReadCloser, error) { return data.FS.Open("demo/requests-5000.csv.gz") }
	if !proof.Long() {
		rows := sources(t, sample, "requests-5000.csv.gz")
		t.Run("sqlite", func(t *testing.T) { newYear(t, db.SQLite, rows).whole() })
		t.Run("postgres", func(t *testing.T) { newYear(t, db.Postgres, rows[:150]).whole() })
		return
	}
	file := filepath.Join(shared(), "data", "311", "boston-2015.csv.gz")
	rows := sources(t, func() (io.ReadCloser, error) { return os.Open(file) }, filepath.Base(file))
	newYear(t, db.SQLite, rows).whole()
}
