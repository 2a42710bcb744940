// Package dbtest gives tests fresh databases on both engines and a clock that
// stands still. PostgreSQL must be installed: where it is missing the test
// fails, it does not skip.
package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"onegrid/internal/kit/db"
)

// Engines are the database programs every store test runs on.
var Engines = []db.Engine{db.SQLite, db.Postgres}

// Each runs a subtest on a fresh database of each engine.
func Each(t *testing.T, rooms []db.Room, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachWith(t, nil, rooms, run)
}

// EachWith is Each with options: a clock, a ledger, more writers.
func EachWith(t *testing.T, set func(*db.Options), rooms []db.Room, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, e := range Engines {
		t.Run(string(e), func(t *testing.T) { run(t, Open(t, e, set, rooms)) })
	}
}

// Open opens a fresh database that is gone after the test.
func Open(t testing.TB, e db.Engine, set func(*db.Options), rooms []db.Room) *db.DB {
	t.Helper()
	var o db.Options
	if set != nil {
		set(&o)
	}
	if o.DSN == "" {
		o.DSN = Migrated(t, e, rooms)
	}
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open %s: %v", e, err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(context.Background(), rooms); err != nil {
		t.Fatalf("migrate %s: %v", e, err)
	}
	return d
}

// Durable is Open on storage that really waits for the disk: for measurements
// and crash tests. PostgreSQL gets a server of its own that ends with the test.
func Durable(t testing.TB, e db.Engine, set func(*db.Options), rooms []db.Room) *db.DB {
	t.Helper()
	return Open(t, e, func(o *db.Options) {
		if e == db.Postgres {
			o.DSN = Own(t).DSN("postgres")
		}
		if set != nil {
			set(o)
		}
	}, rooms)
}

// Own starts a PostgreSQL server for this test alone, with its usual
// durability; it may be killed.
func Own(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir: the path must be short and open to the server's user.
	dir, err := os.MkdirTemp("", "onegrid-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Init(filepath.Join(dir, "server"))
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	t.Cleanup(func() { s.Stop("immediate") })
	return s
}

// DSN is the address of an empty database that is gone after the test.
func DSN(t testing.TB, e db.Engine) string {
	t.Helper()
	if e == db.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	server, err := shared()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	return copied(t, server, "template0")
}

// copied makes a database of a server after another; it is gone after the test.
func copied(t testing.TB, s *Server, of string) string {
	t.Helper()
	suffix := make([]byte, 8)
	if _, err := rand.Read(suffix); err != nil {
		t.Fatal(err)
	}
	name := "test_" + hex.EncodeToString(suffix)
	exec := func(q string) {
		t.Helper()
		if err := s.admin(func(ctx context.Context, c *pgx.Conn) error { _, err := c.Exec(ctx, q); return err }); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + of)
	t.Cleanup(func() { exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`) })
	return s.DSN(name)
}

// Clock is a clock that moves only when it is told to.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock is a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set puts the clock to a time.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
