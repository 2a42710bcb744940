package db_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

var noteTable = db.NewTable("note", "name", "n")

// Rows for the end of the group are written together; those of a failed command
// or a failed part are not, and one that cannot be written is its own command's
// affair alone.
func TestLater(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		later := func(names ...string) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				for _, n := range names {
					if err := tx.Later(noteTable, n, int64(len(n))); err != nil {
						return err
					}
				}
				return nil
			}
		}
		no := errors.New("no")
		many := make([]string, 100)
		for i := range many {
			many[i] = fmt.Sprintf("m%03d", i)
		}
		errs := together(t, d, later("a"), later(many...),
			func(tx *db.Tx) error { return errors.Join(later("b")(tx), no) },
			func(tx *db.Tx) error {
				if err := tx.Try(func(tx *db.Tx) error { return errors.Join(later("c")(tx), no) }); err == nil {
					t.Error("the part did not fail")
				}
				return later("d")(tx)
			})
		if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], no) || errs[3] != nil {
			t.Errorf("%v", errs)
		}
		wants(t, d, `SELECT name FROM note WHERE name NOT LIKE 'm%' ORDER BY name`, "a", "d")
		if got := column(t, d, `SELECT name FROM note WHERE name LIKE 'm%' ORDER BY name`); !slices.Equal(got, many) {
			t.Errorf("%d of %d rows", len(got), len(many))
		}
		errs = together(t, d, later("e"), later("a"), later("f"))
		if errs[0] != nil || !db.Unique(errs[1]) || errs[2] != nil {
			t.Errorf("a row that is there: %v", errs)
		}
		wants(t, d, `SELECT name FROM note WHERE name NOT LIKE 'm%' ORDER BY name`, "a", "d", "e", "f")
	})
}

// A sent statement that fails, or touches no row where it must, fails its own
// command and nobody else's; what follows sees what it did.
func TestSend(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		send := func(tx *db.Tx, name string) error { return tx.Send(`INSERT INTO note (name, n) VALUES ($1, 1)`, name) }
		none := errors.New("no such note")
		touch := func(tx *db.Tx, name string) error {
			return tx.SendOne(none, `UPDATE note SET n = n + 1 WHERE name = $1`, name)
		}
		ignored := func(fn func(tx *db.Tx) error) func(*db.Tx) error { // PostgreSQL tells later
			return func(tx *db.Tx) error { _ = fn(tx); return nil }
		}
		errs := together(t, d,
			func(tx *db.Tx) error { return send(tx, "a") },
			ignored(func(tx *db.Tx) error { return send(tx, "a") }),
			func(tx *db.Tx) error {
				if err := errors.Join(send(tx, "b"), touch(tx, "b")); err != nil {
					return err
				}
				var n int64
				err := tx.Row(`SELECT n FROM note WHERE name = 'b'`).Scan(&n)
				if n != 2 {
					t.Errorf("n is %d", n)
				}
				return err
			},
			ignored(func(tx *db.Tx) error { return errors.Join(send(tx, "c"), touch(tx, "nobody")) }),
			func(tx *db.Tx) error {
				if err := send(tx, "d"); err != nil {
					return err
				}
				for _, part := range []struct {
					fn   func(tx *db.Tx) error
					want func(error) bool
				}{
					{func(tx *db.Tx) error { return send(tx, "d") }, db.Unique},
					{func(tx *db.Tx) error { return touch(tx, "nobody") }, func(err error) bool { return errors.Is(err, none) }},
					{func(tx *db.Tx) error { return send(tx, "e") }, func(err error) bool { return err == nil }},
				} {
					if err := tx.Try(part.fn); !part.want(err) {
						t.Errorf("a part: %v", err)
					}
				}
				return send(tx, "f")
			},
			func(tx *db.Tx) error { return errors.Join(send(tx, "g"), none) },
		)
		if errs[0] != nil || !db.Unique(errs[1]) || errs[2] != nil || !errors.Is(errs[3], none) || errs[4] != nil || !errors.Is(errs[5], none) {
			t.Errorf("%v", errs)
		}
		wants(t, d, `SELECT name FROM note ORDER BY name`, "a", "b", "d", "e", "f")
		if d.Stats().Lost.Load() != 0 {
			t.Error("a group was lost")
		}
	})
}

// What the commands of a group ask beforehand is asked once, with all their keys,
// and is there when they run.
func TestLookup(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		type key struct{}
		var asked [][]id.ID
		look := &db.Lookup{Ask: func(tx *db.Tx, keys []id.ID) error {
			asked = append(asked, slices.Clone(keys))
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM note`).Scan(&n); err != nil {
				return err
			}
			*db.Shared(tx, key{}, func() *int64 { return new(int64) }) = n + 7
			return nil
		}}
		started, release := make(chan bool), make(chan bool)
		var all sync.WaitGroup
		all.Go(func() {
			_ = d.Write(ctx, func(*db.Tx) error { started <- true; <-release; return errors.New("only to hold the writer") })
		})
		<-started
		keys := []id.ID{newID(t), newID(t), newID(t)}
		for i, k := range keys {
			all.Go(func() {
				err := d.WriteAsking(ctx, id.ID{}, look, k, func(tx *db.Tx) error {
					if n := *db.Shared(tx, key{}, func() *int64 { return new(int64) }); n != 7 {
						return fmt.Errorf("found %d", n)
					}
					return put(tx, fmt.Sprint("n", i))
				})
				if err != nil {
					t.Error(err)
				}
			})
			d.AwaitQueued(i + 1)
		}
		close(release)
		all.Wait()
		if len(asked) != 1 || !slices.Equal(asked[0], keys) {
			t.Errorf("asked %v", asked)
		}
	})
}

// A value in memory holds as long as the versions say so; what another process
// commits moves them.
func TestRoomVersions(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		other, err := db.Open(ctx, db.Options{DSN: d.DSN(), Exists: true})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		c := db.NewCached("notes", total)
		holds := func(want bool) *db.RoomVersions {
			t.Helper()
			v, err := d.RoomVersions(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := c.At(v); ok != want {
				t.Fatalf("the value holds: %v", ok)
			}
			return v
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { return bumpPut(tx, "a") }); err != nil {
			t.Fatal(err)
		}
		holds(false) // nobody has computed it
		load := func() {
			t.Helper()
			if err := d.Read(ctx, func(tx *db.Tx) error { _, err := c.Get(tx); return err }); err != nil {
				t.Fatal(err)
			}
		}
		load()
		if first := holds(true); first != holds(true) {
			t.Error("the same versions are not the same value")
		}
		if err := other.Write(ctx, func(tx *db.Tx) error { return bumpPut(tx, "b") }); err != nil {
			t.Fatal(err)
		}
		holds(false)
		load()
		holds(true)
		// All who ask at once are answered, from few looks.
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := d.RoomVersions(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		// Who asks for a past moment shares the look that began after it; what was
		// committed after that look is for those who ask for a later moment.
		since := func(past time.Time) *db.RoomVersions {
			t.Helper()
			v, err := d.RoomVersionsSince(ctx, past)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		past := time.Now()
		first := since(past)
		if err := other.Write(ctx, func(tx *db.Tx) error { return bumpPut(tx, "c") }); err != nil {
			t.Fatal(err)
		}
		if since(past) != first {
			t.Error("a look that began after the moment was not shared")
		}
		if since(time.Now()) == first {
			t.Error("a look from before the moment answered")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.RoomVersions(ctx); !errors.Is(err, db.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}
