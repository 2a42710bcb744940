package db_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

func total(tx *db.Tx) (n int64, err error) {
	return n, tx.Row(`SELECT coalesce(sum(n), 0) FROM note`).Scan(&n)
}

func bumpPut(tx *db.Tx, name string) error {
	if err := db.Bump(tx, "notes"); err != nil {
		return err
	}
	return put(tx, name)
}

// A value is computed once per version; what is rolled back or not committed
// yet is seen by nobody else.
func TestCached(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		loads := 0
		c := db.NewCached("notes", func(tx *db.Tx) (int64, error) { loads++; return total(tx) })
		see := func(tx *db.Tx, want int64) {
			t.Helper()
			if got, err := c.Get(tx); err != nil || got != want {
				t.Errorf("got %d, %v, want %d", got, err, want)
			}
		}
		outside := func(want int64) {
			t.Helper()
			if err := d.Read(ctx, func(tx *db.Tx) error { see(tx, want); see(tx, want); return nil }); err != nil {
				t.Error(err)
			}
		}
		outside(0)
		outside(0)
		if loads != 1 {
			t.Errorf("%d loads", loads)
		}
		no := errors.New("no")
		errs := together(t, d,
			func(tx *db.Tx) error { see(tx, 0); return nil },
			func(tx *db.Tx) error {
				if err := bumpPut(tx, "a"); err != nil {
					return err
				}
				see(tx, 1)
				outside(0)
				return nil
			},
			func(tx *db.Tx) error {
				see(tx, 1)
				if err := bumpPut(tx, "bb"); err != nil {
					return err
				}
				see(tx, 3)
				if err := tx.Try(func(tx *db.Tx) error {
					if err := bumpPut(tx, "ccc"); err != nil {
						return err
					}
					see(tx, 6)
					return no
				}); err != no {
					t.Error(err)
				}
				see(tx, 3)
				return no
			},
			func(tx *db.Tx) error { see(tx, 1); return nil },
		)
		if errs[1] != nil || errs[2] != no {
			t.Errorf("got %v", errs)
		}
		outside(1)
		if err := d.Write(ctx, func(tx *db.Tx) error {
			see(tx, 1)
			if err := bumpPut(tx, "dd"); err != nil {
				return err
			}
			see(tx, 3)
			return no
		}); err != no {
			t.Error(err)
		}
		outside(1)
		was := loads
		outside(1)
		if loads != was {
			t.Error("computed again without need")
		}
	})
}

// Whatever commands do, together and alone, committed, rolled back and in
// parts, a cached value equals the value computed on the spot. Only a
// PostgreSQL writer that did not touch the room itself may see it as it was
// before a change that another writer is just committing; never as it was
// before a change that was acknowledged.
func TestCachedIsNeverStale(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			d := dbtest.Open(t, e, func(o *db.Options) { o.Writers = 3 }, []db.Room{notes})
			c := db.NewCached("notes", total)
			var acknowledged atomic.Int64 // the largest total that a caller knows of; it only grows
			check := func(tx *db.Tx, exact bool, known int64) error {
				got, err := c.Get(tx)
				if err != nil {
					return err
				}
				want, err := total(tx)
				if err != nil {
					return err
				}
				if exact && got != want || got < known || got > want {
					return fmt.Errorf("cached %d, computed %d, known %d", got, want, known)
				}
				return nil
			}
			read := func() error {
				known := acknowledged.Load()
				return d.Read(ctx, func(tx *db.Tx) error { return check(tx, true, known) })
			}
			var name atomic.Int64
			rapid.Check(t, func(t *rapid.T) {
				type step struct{ bump, try, fail, check bool }
				plans := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
					return step{rapid.Bool().Draw(t, "bump"), rapid.Bool().Draw(t, "try"), rapid.Bool().Draw(t, "fail"), rapid.Bool().Draw(t, "check")}
				}), 1, 4), 1, 8).Draw(t, "plans")
				no := errors.New("no")
				var mu sync.Mutex
				var wrong error
				note := func(err error) {
					if err != nil && !errors.Is(err, no) {
						mu.Lock()
						wrong = err
						mu.Unlock()
					}
				}
				var callers sync.WaitGroup
				for _, plan := range plans {
					callers.Go(func() {
						known := acknowledged.Load()
						var after int64
						err := d.WriteFor(ctx, newID(nil), func(tx *db.Tx) error {
							exact := tx.Engine() == db.SQLite
							for _, s := range plan {
								act := func(tx *db.Tx) error {
									if s.bump {
										if err := bumpPut(tx, fmt.Sprint("n", name.Add(1))); err != nil {
											return err
										}
									}
									if s.check {
										if err := check(tx, exact || s.bump, known); err != nil {
											return err
										}
									}
									if s.fail {
										return no
									}
									return nil
								}
								var err error
								if s.try {
									if err = tx.Try(act); errors.Is(err, no) {
										err = nil
									}
								} else {
									err = act(tx)
								}
								if err != nil {
									return err
								}
								exact = exact || s.bump && !s.fail
							}
							var err error
							after, err = total(tx)
							return err
						})
						note(err)
						if err == nil {
							for was := acknowledged.Load(); after > was && !acknowledged.CompareAndSwap(was, after); was = acknowledged.Load() {
							}
						}
					})
					callers.Go(func() { note(read()) })
				}
				callers.Wait()
				note(read())
				if wrong != nil {
					t.Fatal(wrong)
				}
			})
		})
	}
}
