package db_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// A transaction used at the wrong time is a clear fault, never a crash, and
// fails the command even when its function hides it.
func TestMisuse(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		var kept *db.Tx
		var keptRows *db.Rows
		if err := d.Write(ctx, func(tx *db.Tx) error { kept = tx; return put(tx, "a") }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(`DELETE FROM note`); !errors.Is(err, db.ErrMisuse) {
			t.Errorf("after its function: %v", err)
		}
		if err := d.Read(ctx, func(tx *db.Tx) (err error) {
			keptRows, err = tx.Query(`SELECT name FROM note`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if keptRows.Next() {
			t.Error("rows outlived their transaction")
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { put(tx, "b"); return nil }); !errors.Is(err, db.ErrMisuse) {
			t.Errorf("write while reading: %v", err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Query(`SELECT name FROM note`); err != nil {
				return err
			}
			put(tx, "b")
			return nil
		}); !errors.Is(err, db.ErrMisuse) {
			t.Errorf("statement while rows are open: %v", err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { tx.Pend("x"); return put(tx, "b") }); !errors.Is(err, db.ErrMisuse) {
			t.Errorf("pended without a ledger: %v", err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`INSERT INTO nowhere VALUES (1)`); return err }); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("unknown table: %v", err)
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { panic("a bug") }); !errors.Is(err, db.ErrPanic) {
			t.Errorf("panic while reading: %v", err)
		}
		wants(t, d, `SELECT name FROM note`, "a")
	})
}

// Try undoes one part of a command and lets the rest go on, however deep.
func TestTry(t *testing.T) {
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		no := errors.New("no")
		step := func(tx *db.Tx, name string, then error) error {
			return tx.Try(func(tx *db.Tx) error {
				tx.Pend(name)
				if err := put(tx, name); err != nil {
					return err
				}
				return then
			})
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			if err := step(tx, "a", nil); err != nil {
				return err
			}
			if err := step(tx, "b", no); err != no {
				t.Errorf("b: %v", err)
			}
			if err := step(tx, "a", nil); !db.Unique(err) {
				t.Errorf("a again: %v", err)
			}
			if err := tx.Try(func(tx *db.Tx) error {
				if err := step(tx, "c", nil); err != nil {
					return err
				}
				return step(tx, "d", no)
			}); err != no {
				t.Errorf("c and d: %v", err)
			}
			if err := tx.Try(func(*db.Tx) error { panic("a bug") }); !errors.Is(err, db.ErrPanic) {
				t.Errorf("panic: %v", err)
			}
			return tx.Try(func(tx *db.Tx) error {
				if err := step(tx, "e", no); err != no {
					t.Errorf("e: %v", err)
				}
				return step(tx, "f", nil)
			})
		}); err != nil {
			t.Fatal(err)
		}
		wants(t, d, `SELECT name FROM note ORDER BY name`, "a", "f")
		wants(t, d, `SELECT what FROM ledger ORDER BY what`, "a", "f")
	})
}

// A Read sees one snapshot from its first statement to its end.
func TestReadIsOneSnapshot(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		count := func(tx *db.Tx) (n int) {
			if err := tx.Row(`SELECT count(*) FROM note`).Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		if err := d.Read(ctx, func(tx *db.Tx) error {
			before := count(tx)
			if err := d.Write(ctx, func(tx *db.Tx) error { return put(tx, "a") }); err != nil {
				return err
			}
			if after := count(tx); before != 0 || after != 0 {
				t.Errorf("saw %d, then %d", before, after)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		wants(t, d, `SELECT name FROM note`, "a")
	})
}

type state string
type level int8

// Every kind of value comes back as it was stored, on both engines alike.
func TestValuesComeBack(t *testing.T) {
	room := db.Room{Name: "values", Migrations: fstest.MapFS{"0001_v.sql": {Data: []byte("-- +goose Up\nCREATE TABLE v (b BYTEA, i BIGINT, t TEXT, f DOUBLE PRECISION);")}}}
	at := time.Date(2026, 5, 1, 8, 30, 0, 123e6, time.FixedZone("", 8*3600))
	dbtest.Each(t, []db.Room{room}, func(t *testing.T, d *db.DB) {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			one, other := newID(t), newID(t)
			place := map[string]float64{"lon": 121.47, "lat": 31.23}
			for _, in := range [][4]any{
				{one, db.Millis(at), state("reported"), 1.5},
				{[]byte{0, 1, 255}, true, json.RawMessage(`{"a":1}`), math.SmallestNonzeroFloat64},
				{&other, level(-3), db.JSON(place), -0.25},
				{id.ID{}, db.Millis(time.Time{}), nil, nil},
				{[]byte(nil), uint16(7), "路灯不亮 ' \" \\ $1 ?", 3},
				{nil, math.MaxInt64, "", math.MaxFloat64},
			} {
				if _, err := tx.Exec(`INSERT INTO v (b, i, t, f) VALUES ($1, $2, $3, CAST($4 AS DOUBLE PRECISION))`, in[0], in[1], in[2], in[3]); err != nil {
					return err
				}
			}
			rows, err := tx.Query(`SELECT b, i, t, f FROM v`)
			if err != nil {
				return err
			}
			next := func(dest ...any) {
				t.Helper()
				if !rows.Next() {
					t.Fatal("a row is missing", rows.Err())
				}
				if err := rows.Scan(dest...); err != nil {
					t.Error(err)
				}
			}
			same := func(pairs ...any) {
				t.Helper()
				for i := 0; i < len(pairs); i += 2 {
					if !reflect.DeepEqual(pairs[i], pairs[i+1]) {
						t.Errorf("got %#v, want %#v", pairs[i], pairs[i+1])
					}
				}
			}
			var (
				i, j id.ID
				when time.Time
				s    state
				text string
				f    float64
				raw  []byte
				yes  bool
				js   json.RawMessage
				l    level
				u    uint8
				back map[string]float64
				n    int64
			)
			next(&i, db.Time(&when), &s, &f)
			same(i, one, when, at.UTC(), s, state("reported"), f, 1.5)
			next(&raw, &yes, db.ScanJSON(&js), &f)
			same(raw, []byte{0, 1, 255}, yes, true, string(js), `{"a":1}`, f, math.SmallestNonzeroFloat64)
			next(&j, &l, db.ScanJSON(&back), &f)
			same(j, other, l, level(-3), back, place, f, -0.25)
			next(&i, db.Time(&when), db.Text(&text), db.Float(&f))
			same(i, id.ID{}, when, time.Time{}, text, "", f, 0.0)
			next(&raw, &u, &text, &f)
			same(raw, []byte(nil), u, uint8(7), text, "路灯不亮 ' \" \\ $1 ?", f, 3.0)
			next(&raw, &n, &text, &f)
			same(n, int64(math.MaxInt64), text, "", f, math.MaxFloat64)
			if rows.Next() {
				t.Error("a row too many")
			}
			var sum, count int64
			var mean float64
			if err := tx.Row(`SELECT sum(i), count(*), avg(f), i IS NULL FROM v WHERE i < 100 GROUP BY i IS NULL`).Scan(&sum, &count, &mean, db.ScanBool(&yes)); err != nil {
				return err
			}
			same(sum, int64(5), count, int64(3), yes, false)
			var tiny int8
			if err := tx.Row(`SELECT 1000`).Scan(&tiny); err == nil {
				t.Error("1000 fitted into an int8")
			}
			if err := tx.Row(`SELECT NULL`).Scan(&text); err == nil {
				t.Error("NULL became a string")
			}
			if err := tx.Row(`SELECT 1 WHERE 1 = 2`).Scan(&n); !errors.Is(err, db.ErrNoRows) {
				t.Errorf("no rows: %v", err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO v (i) VALUES ($1)`, at)
			return err
		}); err == nil {
			t.Error("a time was stored without saying how")
		}
	})
}

// $1 becomes ? with the right argument, also out of order and twice, but not
// inside texts and comments.
func TestOrdinal(t *testing.T) {
	for _, c := range []struct {
		in, out string
		order   []int
	}{
		{`SELECT 1`, `SELECT 1`, nil},
		{`VALUES ($1, $2, $10)`, `VALUES (?, ?, ?)`, []int{0, 1, 9}},
		{`UPDATE a SET b = $2 WHERE c = $1 OR d = $2`, `UPDATE a SET b = ? WHERE c = ? OR d = ?`, []int{1, 0, 1}},
		{`SELECT '$1', "$2", 'it''s $3', $1`, `SELECT '$1', "$2", 'it''s $3', ?`, []int{0}},
		{"SELECT $1 -- not $2\n, $3", "SELECT ? \n, ?", []int{0, 2}},
		{`SELECT '$.a'`, `SELECT '$.a'`, nil},
	} {
		out, order := db.Ordinal(c.in)
		if out != c.out || !reflect.DeepEqual(order, c.order) {
			t.Errorf("%s: got %s %v", c.in, out, order)
		}
	}
}

// The clock, ids and random bytes are the options', fixed for the transaction.
func TestTransactionHasItsClock(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 8, 0, 0, 999_999, time.Local))
	dbtest.EachWith(t, func(o *db.Options) { o.Now = clock.Now }, nil, func(t *testing.T, d *db.DB) {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			was := tx.Now()
			clock.Add(time.Hour)
			if tx.Now() != was || was.Location() != time.UTC || was.Nanosecond()%1e6 != 0 {
				t.Errorf("the clock moved or has the wrong form: %v", was)
			}
			if v := tx.NewID(); v.IsZero() || v == tx.NewID() || bytes.Equal(tx.Random(8), tx.Random(8)) {
				t.Error("ids or random bytes repeat")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Migrations run per engine, again without effect, and data of a newer program
// is refused.
func TestMigrate(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		wants(t, d, `SELECT name FROM engine`, string(d.Engine()))
		if err := d.Migrate(ctx, []db.Room{notes}); err != nil {
			t.Errorf("again: %v", err)
		}
		older := db.Room{Name: "notes", Migrations: fstest.MapFS{"0001_notes.sql": notes.Migrations.(fstest.MapFS)["0001_notes.sql"]}}
		if err := d.Migrate(ctx, []db.Room{older}); !errors.Is(err, db.ErrNewer) {
			t.Errorf("a newer version: %v", err)
		}
		if err := d.Migrate(ctx, nil); !errors.Is(err, db.ErrNewer) {
			t.Errorf("an unknown room: %v", err)
		}
		broken := db.Room{Name: "broken", Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (x BIGINT);\nCREATE TABLE a (x BIGINT);")}}}
		if err := d.Migrate(ctx, []db.Room{notes, broken}); err == nil {
			t.Error("a broken migration went through")
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(`SELECT x FROM a`).Scan(new(int)) }); err == nil || errors.Is(err, db.ErrNoRows) {
			t.Errorf("half a migration is left: %v", err)
		}
	})
}

// A file or schema that belongs to something else is left alone, and a damaged
// file is named as such.
func TestForeignAndBrokenDatabases(t *testing.T) {
	open := func(dsn string) error {
		d, err := db.Open(ctx, db.Options{DSN: dsn})
		if err == nil {
			d.Close()
		}
		return err
	}
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.db")
		d := dbtest.Open(t, db.SQLite, func(o *db.Options) { o.DSN = "sqlite:" + file }, []db.Room{notes})
		d.Close()
		sound, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		try := func(name string, content []byte, want error) {
			t.Helper()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := open("sqlite:" + path); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
			if after, _ := os.ReadFile(path); want != nil && !bytes.Equal(after, content) {
				t.Errorf("%s was changed", name)
			}
		}
		try("sound with spaces ? and %41 #.db", sound, nil)
		try("picture.jpg", []byte("\xff\xd8\xff\xe0 and so on, longer than a header would be, longer than a header would be, longer than one hundred bytes"), db.ErrBroken)
		try("short.db", sound[:50], db.ErrBroken)
		try("half.db", sound[:len(sound)/2], db.ErrBroken)
		torn := bytes.Clone(sound)
		clear(torn[100:4096])
		try("torn.db", torn, db.ErrBroken)
		foreign := bytes.Clone(sound)
		copy(foreign[68:72], "GPKG")
		try("foreign.db", foreign, db.ErrForeign)
		unnamed := bytes.Clone(sound)
		clear(unnamed[68:72])
		try("unnamed.db", unnamed, db.ErrForeign)
		try("empty.db", nil, nil)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := dbtest.DSN(t, db.Postgres)
		d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.DSN = dsn }, []db.Room{notes})
		if err := open(dsn); err != nil {
			t.Errorf("our own: %v", err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`DROP TABLE db_room`); return err }); err != nil {
			t.Fatal(err)
		}
		if err := open(dsn); !errors.Is(err, db.ErrForeign) {
			t.Errorf("foreign: %v", err)
		}
		if err := open("postgres://nobody:secret-word@127.0.0.1:1/none"); !errors.Is(err, db.ErrUnavailable) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("unreachable: %v", err)
		}
	})
	if err := open("mysql://x"); err == nil {
		t.Error("an unknown engine was opened")
	}
}
