// Package dbtest gives tests fresh databases on both engines and a clock that
// stands still. PostgreSQL must be installed: where it is missing the test
// fails, it does not skip.
package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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
	o := db.Options{DSN: DSN(t, e)}
	if set != nil {
		set(&o)
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
	suffix := make([]byte, 8)
	if _, err := rand.Read(suffix); err != nil {
		t.Fatal(err)
	}
	name := "test_" + hex.EncodeToString(suffix)
	admin(t, server, `CREATE DATABASE `+name+` TEMPLATE template0`)
	t.Cleanup(func() { admin(t, server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) })
	return server.DSN(name)
}

func admin(t testing.TB, s *Server, q string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
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
