package archive_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"onegrid/internal/kit/archive"
	"onegrid/internal/kit/db"
)

var room = db.Room{Name: "kept", Migrations: fstest.MapFS{
	"0001_kept.sql": {Data: []byte("-- +goose Up\nCREATE TABLE kept (n BIGINT);")},
}}

func open(t *testing.T, path string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{DSN: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), []db.Room{room}); err != nil {
		t.Fatal(err)
	}
	return d
}

func count(t *testing.T, path string) (n int64) {
	t.Helper()
	d := open(t, path)
	defer d.Close()
	if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.Row(`SELECT count(*) FROM kept`).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// The database is restored as it was at a moment; the program may have been
// stopped and started in between.
func TestAnyMomentIsRestored(t *testing.T) {
	dir := t.TempDir()
	source, kept := filepath.Join(dir, "onegrid.db"), filepath.Join(dir, "archive")
	d := open(t, source)
	var moments []time.Time
	for round := range 3 {
		a, err := archive.Open(t.Context(), archive.Options{Database: source, Dir: kept, Keep: time.Hour, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`INSERT INTO kept (n) VALUES ($1)`, round)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a.Age() > time.Minute {
			t.Errorf("just synced and %s old", a.Age())
		}
		moments = append(moments, time.Now())
		if err := a.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	for n, at := range moments {
		to := filepath.Join(t.TempDir(), "restored.db")
		if err := archive.Restore(t.Context(), kept, to, at); err != nil {
			t.Fatalf("moment %d: %v", n, err)
		}
		if got := count(t, to); got != int64(10*(n+1)) {
			t.Errorf("at moment %d there were %d rows, restored are %d", n, 10*(n+1), got)
		}
	}
	newest := filepath.Join(t.TempDir(), "restored.db")
	if err := archive.Restore(t.Context(), kept, newest, time.Time{}); err != nil || count(t, newest) != 30 {
		t.Errorf("the newest: %v", err)
	}
	if err := archive.Restore(t.Context(), kept, newest, time.Time{}); !errors.Is(err, archive.ErrThere) {
		t.Errorf("over a database: %v", err)
	}
	nowhere := filepath.Join(t.TempDir(), "restored.db")
	if err := archive.Restore(t.Context(), kept, nowhere, moments[0].Add(-time.Hour)); !errors.Is(err, archive.ErrOutside) {
		t.Errorf("before the archive began: %v", err)
	}
	if err := archive.Restore(t.Context(), filepath.Join(dir, "none"), nowhere, time.Time{}); !errors.Is(err, archive.ErrNone) {
		t.Errorf("no archive: %v", err)
	}
	// A damaged part is found, and nothing is made of it.
	hurt := 0
	if err := filepath.WalkDir(kept, func(name string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			hurt++
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			raw[len(raw)/2] ^= 0x40
			return os.WriteFile(name, raw, 0o600)
		}
		return err
	}); err != nil || hurt == 0 {
		t.Fatal(hurt, err)
	}
	if err := archive.Restore(t.Context(), kept, nowhere, time.Time{}); !errors.Is(err, archive.ErrBroken) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := os.Stat(nowhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made of a damaged archive: %v", err)
	}
}
