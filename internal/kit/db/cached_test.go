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

// A version that was read while a bump stood in the transaction is forgotten
// with the bump.
func TestCachedAfterRolledBackBump(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		c := db.NewCached("notes", total)
		other := db.NewCached("other", total)
		get := func(tx *db.Tx) error {
			_, err := c.Get(tx)
			return err
		}
		if err := d.Read(ctx, get); err != nil { // as it is before anything was written
			t.Fatal(err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { return bumpPut(tx, "a") }); err != nil {
			t.Fatal(err)
		}
		no := errors.New("no")
		if err := d.Write(ctx, func(tx *db.Tx) error {
			if err := tx.Try(func(tx *db.Tx) error {
				if err := bumpPut(tx, "b"); err != nil {
					return err
				}
				if _, err := other.Get(tx); err != nil {
					return err
				}
				return no
			}); err != no {
				return err
			}
			if got, err := c.Get(tx); err != nil || got != 1 {
				t.Errorf("got %d, %v", got, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A long read keeps its own value while others go on with a newer one.
func TestCachedInAnOldSnapshot(t *testing.T) {
	dbtest.Each(t, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		loads := 0
		c := db.NewCached("notes", func(tx *db.Tx) (int64, error) { loads++; return total(tx) })
		if err := d.Read(ctx, func(tx *db.Tx) error {
			old, err := c.Get(tx)
			if err != nil || old != 0 {
				t.Errorf("old: %d, %v", old, err)
			}
			if err := d.Write(ctx, func(tx *db.Tx) error {
				if err := bumpPut(tx, "a"); err != nil {
					return err
				}
				_, err := c.Get(tx)
				return err
			}); err != nil {
				return err
			}
			if err := d.Write(ctx, func(tx *db.Tx) error {
				now, err := c.Get(tx)
				if err != nil || now != 1 {
					t.Errorf("new: %d, %v", now, err)
				}
				return nil
			}); err != nil {
				return err
			}
			was := loads
			if old, err := c.Get(tx); err != nil || old != 0 || loads != was {
				t.Errorf("old again: %d, %v, %d loads", old, err, loads-was)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// On PostgreSQL another writer commits in the middle of a group: later commands
// of the group see what was acknowledged, and a value that is computed in
// several statements is never half old, half new.
func TestCachedBesideAnotherWriter(t *testing.T) {
	d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.Writers = 2 }, []db.Room{notes})
	key := newID(t)
	for d.FirstWriter(key) {
		key = newID(t)
	}
	beside := func(name string) {
		if err := d.WriteFor(ctx, key, func(tx *db.Tx) error { return bumpPut(tx, name) }); err != nil {
			t.Error(err)
		}
	}
	c := db.NewCached("notes", total)
	errs := together(t, d,
		func(tx *db.Tx) error {
			if got, err := c.Get(tx); err != nil || got != 0 {
				t.Errorf("before: %d, %v", got, err)
			}
			beside("a")
			return nil
		},
		func(tx *db.Tx) error {
			if got, err := c.Get(tx); err != nil || got != 1 {
				t.Errorf("after: %d, %v", got, err)
			}
			return nil
		})
	if errs[0] != nil || errs[1] != nil {
		t.Error(errs)
	}
	interrupted := false
	pair := db.NewCached("notes", func(tx *db.Tx) (two [2]int64, err error) {
		if two[0], err = total(tx); err != nil {
			return two, err
		}
		if !interrupted {
			interrupted = true
			beside("bb")
		}
		two[1], err = total(tx)
		return two, err
	})
	if err := d.Write(ctx, func(tx *db.Tx) error {
		if got, err := pair.Get(tx); err != nil || got != [2]int64{3, 3} {
			t.Errorf("computed %v, %v", got, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
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
