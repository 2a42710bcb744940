package db_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

var ctx = context.Background()

func newID(testing.TB) id.ID {
	v, err := id.Make(time.Now(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return v
}

// notes is a room with a unique name and what a ledger writes.
var notes = db.Room{Name: "notes", Migrations: fstest.MapFS{
	"0001_notes.sql":           {Data: []byte("-- +goose Up\nCREATE TABLE note (name TEXT PRIMARY KEY, n BIGINT NOT NULL, weight DOUBLE PRECISION, raw BYTEA);\nCREATE TABLE ledger (what TEXT NOT NULL);")},
	"0002_engine.sqlite.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE engine (name TEXT);\nINSERT INTO engine VALUES ('sqlite');")},
	"0002_engine.postgres.sql": {Data: []byte("-- +goose Up\nCREATE TABLE engine (name TEXT);\nINSERT INTO engine VALUES ('postgres');")},
}}

// ledger writes what was pended into its table.
type ledger struct{}

func (ledger) Seal(tx *db.Tx, pended []any) error {
	for _, p := range pended {
		if err := tx.Last(`INSERT INTO ledger (what) VALUES ($1)`, p); err != nil {
			return err
		}
	}
	return nil
}

func withLedger(o *db.Options) { o.Ledger = ledger{} }

func put(tx *db.Tx, name string) error {
	_, err := tx.Exec(`INSERT INTO note (name, n) VALUES ($1, $2)`, name, len(name))
	return err
}

// together runs the functions as one group on the first writer and gives each
// one's outcome.
func together(t *testing.T, d *db.DB, fns ...func(*db.Tx) error) []error {
	t.Helper()
	return togetherUnder(t, d, make([]context.Context, len(fns)), nil, fns...)
}

// togetherUnder is together with callers' contexts; queued is called when all
// wait for the writer.
func togetherUnder(t *testing.T, d *db.DB, contexts []context.Context, queued func(), fns ...func(*db.Tx) error) []error {
	t.Helper()
	var callers sync.WaitGroup
	started, release := make(chan bool), make(chan bool)
	callers.Go(func() {
		d.Write(ctx, func(tx *db.Tx) error {
			started <- true
			<-release
			return fmt.Errorf("only to hold the writer")
		})
	})
	<-started
	errs := make([]error, len(fns))
	for i, fn := range fns {
		c := contexts[i]
		if c == nil {
			c = ctx
		}
		callers.Go(func() { errs[i] = d.Write(c, fn) })
		d.AwaitQueued(i + 1) // in this order
	}
	if queued != nil {
		queued()
	}
	close(release)
	callers.Wait()
	return errs
}

func column(t *testing.T, d *db.DB, q string, args ...any) []string {
	t.Helper()
	var all []string
	if err := d.Read(ctx, func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(q, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			all = append(all, s)
		}
		return rows.Close()
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func wants(t *testing.T, d *db.DB, q string, want ...string) {
	t.Helper()
	if got := column(t, d, q); !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", q, got, want)
	}
}
