// Package town is the test town: the real program on a real database, in a
// small district with a clock that stands still, and people who do things
// through the front door and nowhere else. Every story in it is told over HTTP.
//
// It owns no tables and is imported by tests alone.
package town

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// Morning is when a story begins that names no other time: a Tuesday, 10:00 in
// the district.
var Morning = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// Town is one district on one machine (测试小镇).
type Town struct {
	testing.TB
	App    *app.App
	Engine db.Engine
	Dir    string
	URL    string
	Clock  *dbtest.Clock

	Roles    []string         // all roles, in the order of the role book
	Nodes    map[string]id.ID // units and grids: hub, S1, P1, D1, G1, M1 …
	Posts    map[string]id.ID // by the name of who sits there
	Persons  map[string]id.ID
	Accounts map[string]id.ID
	Holdings map[string]id.ID

	// Logged is what the program wrote into its log, a JSON object a line.
	Logged *Log

	ctx    context.Context
	stop   func()
	config app.Config
	people map[string]*Person
}

// Log keeps what is written to it.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write satisfies io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Each tells a story on both engines.
func Each(t *testing.T, story func(w *Town)) {
	t.Helper()
	EachAt(t, Morning, story)
}

// EachAt is Each for a story that begins at a time of its own.
func EachAt(t *testing.T, begins time.Time, story func(w *Town)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { story(NewAt(t, engine, begins)) })
	}
}

// New builds a town on an engine. It is gone after the test.
func New(t testing.TB, engine db.Engine) *Town {
	t.Helper()
	return NewAt(t, engine, Morning)
}

// NewAt is New for a story that begins at a time of its own.
func NewAt(t testing.TB, engine db.Engine, begins time.Time) *Town {
	t.Helper()
	return newTown(t, engine, begins, nil)
}

// NewWith is New with settings of its own.
func NewWith(t testing.TB, engine db.Engine, set map[string]string) *Town {
	t.Helper()
	return newTown(t, engine, Morning, set)
}

func newTown(t testing.TB, engine db.Engine, begins time.Time, set map[string]string) *Town {
	t.Helper()
	if !begins.Equal(Morning) {
		w := emptyTown(t, engine, begins, set)
		if engine == db.Postgres {
			w.config.Database = dbtest.Migrated(t, engine, app.Tables())
		}
		w.Start(true)
		t.Cleanup(w.Stop)
		w.build()
		w.must(w.App.Step(w.ctx))
		return w
	}
	f := ready[engine]
	f.once.Do(func() { f.furnish(t, engine) })
	if f.as == nil {
		t.Fatal("the town could not be built")
	}
	w := emptyTown(t, engine, begins, set)
	w.must(f.folder.to(w.Dir))
	if engine == db.Postgres {
		w.config.Database = f.of.Copy(t)
	}
	w.Roles = f.as.Roles
	for to, from := range map[*map[string]id.ID]map[string]id.ID{&w.Nodes: f.as.Nodes, &w.Posts: f.as.Posts, &w.Persons: f.as.Persons,
		&w.Accounts: f.as.Accounts, &w.Holdings: f.as.Holdings} {
		*to = maps.Clone(from)
	}
	w.Start(false)
	t.Cleanup(w.Stop)
	return w
}

func emptyTown(t testing.TB, engine db.Engine, begins time.Time, set map[string]string) *Town {
	t.Helper()
	w := &Town{TB: t, Engine: engine, Dir: filepath.Join(t.TempDir(), "data"), Clock: dbtest.NewClock(begins),
		Nodes: map[string]id.ID{}, Posts: map[string]id.ID{}, Persons: map[string]id.ID{}, Accounts: map[string]id.ID{}, Holdings: map[string]id.ID{},
		people: map[string]*Person{}, Logged: &Log{}}
	// Stories move the clock by days; nobody signs in again in between. The
	// people come through a proxy, each from an address of his own.
	all := map[string]string{"session-idle": "8760h", "session-max": "8760h", "trusted-proxy": "127.0.0.0/8"}
	maps.Copy(all, set)
	config, err := app.LoadConfig(w.Dir, all, nil)
	w.must(err)
	w.config = config
	return w
}

// furnished is the town as it stands in the Morning: built once on each engine,
// copied for each story.
type furnished struct {
	once   sync.Once
	of     dbtest.Kept // of PostgreSQL; SQLite's lies in the folder
	folder folder
	as     *Town
}

var ready = map[db.Engine]*furnished{db.SQLite: {}, db.Postgres: {}}

func (f *furnished) furnish(t testing.TB, engine db.Engine) {
	t.Helper()
	w := emptyTown(t, engine, Morning, nil)
	if engine == db.Postgres {
		w.config.Database = dbtest.Migrated(t, engine, app.Tables())
	}
	w.Start(true)
	w.build()
	w.must(w.App.Step(w.ctx))
	w.Stop()
	if engine == db.Postgres {
		f.of = dbtest.Keep(t, w.config.Database)
	}
	var err error
	f.folder, err = folderOf(w.Dir)
	w.must(err)
	f.as = w
}

// folder holds the files of a folder, by path.
type folder map[string][]byte

func folderOf(dir string) (folder, error) {
	f := folder{}
	return f, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		inside, err := filepath.Rel(dir, path)
		if err == nil {
			f[inside], err = os.ReadFile(path)
		}
		return err
	})
}

// to writes the files into a new folder.
func (f folder) to(dir string) error {
	for inside, raw := range f {
		path := filepath.Join(dir, inside)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, raw, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// Start puts the rooms together and opens the front door.
func (w *Town) Start(create bool) {
	w.Helper()
	var err error
	ctx, cancel := context.WithCancel(context.Background())
	w.ctx = ctx
	w.App, err = app.Open(ctx, w.config, app.Ports{Create: create, Log: slog.New(slog.NewJSONHandler(w.Logged, nil)), Demo: true, Now: w.Clock.Now, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}, Beat: 50 * time.Millisecond})
	if err != nil {
		cancel()
		w.Fatal(err)
	}
	server := httptest.NewServer(w.App.Edge.Handler())
	w.URL = server.URL
	live := make(chan struct{})
	go func() {
		defer close(live)
		_ = w.App.Live(ctx) // it ends with ctx
	}()
	w.stop = func() {
		cancel()
		<-live
		server.CloseClientConnections()
		server.Close()
		w.must(w.App.Close())
	}
}

// Stop closes the front door and the database.
func (w *Town) Stop() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// Moves goes on with other data, as after a restore onto another machine.
func (w *Town) Moves(c app.Config) {
	w.Helper()
	w.Stop()
	w.config, w.Dir, w.Engine = c, c.Dir, db.SQLite
	if c.Database != "" {
		w.Engine = db.Postgres
	}
	w.Start(false)
}

// Config is what the town's program was started with.
func (w *Town) Config() app.Config { return w.config }

// Context ends with the town.
func (w *Town) Context() context.Context { return w.ctx }

// Operator is whoever runs the program on its host.
func (w *Town) Operator(tx *db.Tx) *access.Actor { return w.operator(tx) }

func (w *Town) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// operator is whoever runs the program on its host.
func (w *Town) operator(tx *db.Tx) *access.Actor {
	w.Helper()
	by, err := w.App.Access.Operator(tx, "cli:town")
	w.must(err)
	return by
}

// Write runs something in a transaction behind the front door: how stories look
// at, or prepare, what no operation shows.
func (w *Town) Write(do func(tx *db.Tx) error) {
	w.Helper()
	w.must(w.App.DB.Write(w.ctx, do))
}

// Read is Write for looking only.
func (w *Town) Read(do func(tx *db.Tx) error) {
	w.Helper()
	w.must(w.App.DB.Read(w.ctx, do))
}

// Later lets time pass; whatever falls due is done then.
func (w *Town) Later(d time.Duration) {
	w.Helper()
	w.Clock.Add(d)
	w.must(w.App.Step(w.ctx))
	w.must(w.App.Work(w.ctx))
}

// Until lets time pass up to an instant; whatever falls due is done then.
func (w *Town) Until(at time.Time) {
	w.Helper()
	w.Later(at.Sub(w.Clock.Now()))
}

// Head is the number of the newest journal entry.
func (w *Town) Head() (head int64) {
	w.Helper()
	w.Read(func(tx *db.Tx) (err error) {
		head, err = journal.Head(tx)
		return err
	})
	return head
}

// Verified fails the story when the journal does not verify.
func (w *Town) Verified() {
	w.Helper()
	report, err := journal.Verify(w.ctx, w.App.DB, nil, nil)
	w.must(err)
	if !report.OK() {
		w.Fatalf("the journal does not verify: %+v", report.Problems)
	}
}

// Rows counts the rows of every table, for stories in which nothing may change;
// what the database notes of its writers is left out.
func (w *Town) Rows() map[string]int64 {
	w.Helper()
	rows := map[string]int64{}
	w.Read(func(tx *db.Tx) error {
		names, err := w.tables(tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM "` + name + `"`).Scan(&n); err != nil {
				return err
			}
			rows[name] = n
		}
		return nil
	})
	return rows
}

// Contents are the digests of all tables, whatever the order of their rows: two
// that are equal hold the same.
func (w *Town) Contents() map[string]string {
	w.Helper()
	out := map[string]string{}
	w.Read(func(tx *db.Tx) error {
		names, err := w.tables(tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			row, err := w.rowOf(tx, name)
			if err != nil {
				return err
			}
			found, err := tx.Query(`SELECT ` + row + ` FROM "` + name + `"`)
			if err != nil {
				return err
			}
			var n, sum uint64
			for found.Next() {
				var text string
				if err := found.Scan(&text); err != nil {
					return err
				}
				h := fnv.New64a()
				_, _ = h.Write([]byte(text)) // a hash never fails
				n, sum = n+1, sum+h.Sum64()
			}
			if err := found.Close(); err != nil {
				return err
			}
			out[name] = fmt.Sprintf("%d rows %x", n, sum)
		}
		return nil
	})
	return out
}

// rowOf is an expression for a whole row of a table as text.
func (w *Town) rowOf(tx *db.Tx, name string) (string, error) {
	if w.Engine == db.Postgres {
		return `"` + name + `"::text`, nil
	}
	found, err := tx.Query(`SELECT name FROM pragma_table_info($1)`, name)
	if err != nil {
		return "", err
	}
	defer found.Close()
	var parts []string
	for found.Next() {
		var column string
		if err := found.Scan(&column); err != nil {
			return "", err
		}
		parts = append(parts, `quote("`+column+`")`)
	}
	return strings.Join(parts, `||','||`), found.Err()
}

// tables are the names of all tables but what the database notes of its writers.
func (w *Town) tables(tx *db.Tx) (names []string, err error) {
	list := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	if w.Engine == db.Postgres {
		list = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
	}
	found, err := tx.Query(list)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return nil, err
		}
		if name != "db_writer" {
			names = append(names, name)
		}
	}
	return names, found.Err()
}
