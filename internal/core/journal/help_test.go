package journal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

var ctx = context.Background()

var noon = time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)

func newID() id.ID {
	v, err := id.Make(noon, rand.Reader)
	if err != nil {
		panic(err)
	}
	return v
}

func open(t testing.TB, e db.Engine, set func(*db.Options)) *db.DB {
	t.Helper()
	return dbtest.Open(t, e, func(o *db.Options) {
		o.Ledger = journal.New()
		if set != nil {
			set(o)
		}
	}, []db.Room{journal.Room()})
}

func each(t *testing.T, run func(t *testing.T, d *db.DB)) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) { run(t, open(t, e, nil)) })
	}
}

// live writes a little story: three groups, with bodies, without, with a change
// of sight, all columns in use.
func live(t testing.TB, d *db.DB) (caseID id.ID, all []*journal.Entry) {
	t.Helper()
	caseID = newID()
	by := journal.By{Person: newID(), Post: newID(), For: newID(), Via: "desk"}
	sight := journal.Sight{Nodes: journal.Nodes{Hub: newID(), Street: newID(), Platform: newID(), Grid: newID(), Micro: newID()},
		Department: newID(), Posts: []id.ID{newID(), newID()}, Persons: []id.ID{newID()}, Secrecy: journal.Desk}
	moved := sight
	moved.Grid, moved.Public = newID(), true
	for group := range 3 {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			for i := range 4 {
				e := journal.Entry{Kind: fmt.Sprintf("case.act%d", i), Subject: caseID, Case: caseID, By: by, Sight: sight, Version: int64(i), Class: "case",
					Occurred: noon.Add(time.Duration(group) * time.Minute), Facts: map[string]int{"n": i}}
				if i > 0 {
					e.Body = map[string]string{"text": fmt.Sprintf("路灯不亮 %d/%d", group, i)}
				}
				if i == 2 {
					e.Before, e.Sight = &sight, moved
				}
				if i == 3 {
					e.Case, e.Subject, e.By = id.ID{}, newID(), journal.By{Via: "sweeper"}
				}
				all = append(all, journal.Add(tx, e))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return caseID, all
}

func verify(t testing.TB, d *db.DB, against ...journal.Checkpoint) journal.Report {
	t.Helper()
	r, err := journal.Verify(ctx, d, against, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw changes the tables behind the journal's back.
func raw(t testing.TB, d *db.DB, q string, args ...any) {
	t.Helper()
	if err := d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(q, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("touched nothing: %s", q)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func since(t testing.TB, d *db.DB, after int64) (all []journal.Entry) {
	t.Helper()
	if err := d.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = journal.Since(tx, after, 1_000_000)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
