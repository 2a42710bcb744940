package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/disk"
)

var watchRoom = db.Room{Name: "watched", Migrations: fstest.MapFS{
	"0001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE watched (n BIGINT);")},
}}

// watched is a machine on a database of its own.
func watched(t *testing.T, e db.Engine, dsn string) (*watch, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	a := &App{Config: Config{DiskWarn: 15, DiskLeast: 256}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	a.DB = dbtest.Open(t, e, func(o *db.Options) { o.DSN = dsn }, []db.Room{watchRoom})
	w := newWatch(a)
	w.rooms, w.room = []db.Room{watchRoom}, func() (disk.Room, error) { return disk.Room{Size: 100 << 30, Free: 50 << 30}, nil }
	return w, &log
}

func writes(d *db.DB) error {
	return d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO watched (n) VALUES (1)`)
		return err
	})
}

func reads(d *db.DB) error {
	return d.Read(context.Background(), func(tx *db.Tx) error {
		var n int64
		return tx.Row(`SELECT count(*) FROM watched`).Scan(&n)
	})
}

// A disk that fills up is told early and once; before it is full nothing is
// written any more, what is there can be read, and room brings all back.
func TestDiskIsWatched(t *testing.T) {
	w, log := watched(t, db.SQLite, "")
	free := int64(50 << 30)
	w.room = func() (disk.Room, error) { return disk.Room{Size: 100 << 30, Free: free}, nil }
	looks := func(now int64) { free = now; w.look(t.Context()) }

	looks(50 << 30)
	if err := writes(w.a.DB); err != nil || log.Len() > 0 {
		t.Errorf("with room: %v, %s", err, log)
	}
	looks(14 << 30)
	looks(13 << 30)
	if err := writes(w.a.DB); err != nil || strings.Count(log.String(), "the disk fills up") != 1 {
		t.Errorf("below the warning: %v, %s", err, log)
	}
	looks(255 << 20)
	if err := writes(w.a.DB); !errors.Is(err, db.ErrFull) || w.a.held() != 1 {
		t.Errorf("nearly full: %v", err)
	}
	if err := reads(w.a.DB); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	if w.free() != 255<<20 || w.size() != 100<<30 {
		t.Errorf("the figures say %v of %v", w.free(), w.size())
	}
	looks(40 << 30)
	if err := writes(w.a.DB); err != nil || w.a.held() != 0 || !strings.Contains(log.String(), "writing goes on") {
		t.Errorf("with room again: %v, %s", err, log)
	}
}

// Two machines on one database are brought up one after the other: as soon as the
// newer program has migrated the tables, the older one writes nothing and says
// that it is not ready, so that requests go to the other. It can still read.
func TestOlderProgramStepsAside(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dsn := dbtest.DSN(t, e)
			w, _ := watched(t, e, dsn)
			w.look(t.Context())
			if err := errors.Join(writes(w.a.DB), reads(w.a.DB)); err != nil {
				t.Fatal(err)
			}
			newer := watchRoom
			newer.Migrations = fstest.MapFS{
				"0001_a.sql": watchRoom.Migrations.(fstest.MapFS)["0001_a.sql"],
				"0002_b.sql": {Data: []byte("-- +goose Up\nALTER TABLE watched ADD COLUMN m BIGINT;")},
			}
			other := dbtest.Open(t, e, func(o *db.Options) { o.DSN = dsn }, []db.Room{newer})
			w.look(t.Context())
			if err := writes(w.a.DB); !errors.Is(err, db.ErrOutdated) {
				t.Errorf("the older program writes: %v", err)
			}
			if err := w.a.ready(t.Context()); !errors.Is(err, db.ErrOutdated) {
				t.Errorf("the older program is ready: %v", err)
			}
			if err := errors.Join(reads(w.a.DB), writes(other), reads(other)); err != nil {
				t.Error(err)
			}
		})
	}
}
