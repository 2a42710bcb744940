package db_test

import (
	"errors"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// Who reads while the server goes away is told to come again; the next one reads
// over a new connection.
func TestLostReadIsToldToComeAgain(t *testing.T) {
	d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.Readers = 1 }, nil)
	err := d.Read(ctx, func(tx *db.Tx) error {
		var gone bool
		return tx.Row(`SELECT pg_terminate_backend(pg_backend_pid())`).Scan(&gone)
	})
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("the reader heard %v", err)
	}
	if err := d.Read(ctx, func(tx *db.Tx) error {
		var n int64
		return tx.Row(`SELECT 1`).Scan(&n)
	}); err != nil {
		t.Errorf("the next one heard %v", err)
	}
}

// While the database is held nothing is written and all can be read.
func TestHeldDatabaseIsRead(t *testing.T) {
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		d.Hold(db.ErrFull)
		if err := d.Write(ctx, func(tx *db.Tx) error { return put(tx, "a") }); !errors.Is(err, db.ErrFull) {
			t.Errorf("got %v", err)
		}
		wants(t, d, `SELECT name FROM note`)
		d.Hold(nil)
		if err := d.Write(ctx, func(tx *db.Tx) error { return put(tx, "a") }); err != nil {
			t.Error(err)
		}
		wants(t, d, `SELECT name FROM note`, "a")
	})
}
