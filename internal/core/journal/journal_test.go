package journal_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// What is added comes back as it was: on the timeline, by subject, after a
// number, and without its body in the feed.
func TestEntriesComeBack(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		caseID, added := live(t, d)
		if err := d.Read(ctx, func(tx *db.Tx) error {
			all, err := journal.Since(tx, 0, 100)
			if err != nil {
				return err
			}
			if len(all) != len(added) {
				t.Fatalf("%d entries, added %d", len(all), len(added))
			}
			for i, got := range all {
				want := *added[i]
				if got.Number != int64(i+1) || got.Number != want.Number || got.ID != want.ID || got.Kind != want.Kind || got.Subject != want.Subject || got.Case != want.Case ||
					got.By != want.By || !got.Occurred.Equal(want.Occurred) || !got.Recorded.Equal(want.Recorded) || got.Version != want.Version || got.Class != want.Class {
					t.Errorf("entry %d: got %+v, want %+v", i+1, got, want)
				}
				if !sameSight(&got.Sight, &want.Sight) || !sameSight(got.Before, want.Before) {
					t.Errorf("entry %d: sight %+v before %+v", i+1, got.Sight, got.Before)
				}
				var body map[string]string
				has, err := got.Decode(&body)
				if err != nil || has != (want.Body != nil) || has && !reflect.DeepEqual(body, want.Body) {
					t.Errorf("entry %d: body %v, %v", i+1, body, err)
				}
				if string(got.Facts.(json.RawMessage)) != fmt.Sprintf(`{"n":%d}`, i%4) {
					t.Errorf("entry %d: facts %s", i+1, got.Facts)
				}
			}
			line, err := journal.Timeline(tx, caseID)
			if err != nil || len(line) != 9 {
				t.Errorf("timeline of %d, %v", len(line), err)
			}
			of, err := journal.Of(tx, added[3].Subject)
			if err != nil || len(of) != 1 || of[0].ID != added[3].ID {
				t.Errorf("of the subject: %+v, %v", of, err)
			}
			feed, err := journal.Feed(tx, 5, 3)
			if err != nil || len(feed) != 3 || feed[0].Number != 6 || feed[0].Body != nil {
				t.Errorf("feed: %+v, %v", feed, err)
			}
			head, err := journal.Head(tx)
			if err != nil || head != 12 {
				t.Errorf("head %d, %v", head, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, d); !r.OK() || r.Entries != 12 || r.Groups != 3 || r.Bodies != 9 || r.Head != 12 {
			t.Errorf("report %+v", r)
		}
	})
}

func sameSight(a, b *journal.Sight) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	order := func(v, w id.ID) int { return v.Compare(w) }
	x.Posts, y.Posts = slices.SortedFunc(slices.Values(x.Posts), order), slices.SortedFunc(slices.Values(y.Posts), order)
	x.Persons, y.Persons = slices.SortedFunc(slices.Values(x.Persons), order), slices.SortedFunc(slices.Values(y.Persons), order)
	return reflect.DeepEqual(x, y)
}

// A command that fails leaves no entry; one that can't be an entry fails its
// command; nothing can be added while reading.
func TestOnlyWhatHappenedIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		no := errors.New("no")
		for name, act := range map[string]func(tx *db.Tx) error{
			"refused": func(tx *db.Tx) error { journal.Add(tx, journal.Entry{Kind: "a.b", Subject: newID()}); return no },
			"panics":  func(tx *db.Tx) error { journal.Add(tx, journal.Entry{Kind: "a.b", Subject: newID()}); panic(no) },
			"bad body": func(tx *db.Tx) error {
				journal.Add(tx, journal.Entry{Kind: "a.b", Subject: newID(), Body: func() {}})
				return nil
			},
			"no kind":    func(tx *db.Tx) error { journal.Add(tx, journal.Entry{Subject: newID()}); return nil },
			"no subject": func(tx *db.Tx) error { journal.Add(tx, journal.Entry{Kind: "a.b"}); return nil },
		} {
			if err := d.Write(ctx, act); err == nil {
				t.Errorf("%s: went through", name)
			}
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { journal.Add(tx, journal.Entry{Kind: "a.b", Subject: newID()}); return nil }); !errors.Is(err, db.ErrMisuse) {
			t.Errorf("while reading: %v", err)
		}
		if all := since(t, d, 0); len(all) != 0 {
			t.Errorf("recorded %+v", all)
		}
		same := newID()
		twice := func(tx *db.Tx) error {
			journal.Add(tx, journal.Entry{ID: same, Kind: "a.b", Subject: same})
			return nil
		}
		if err := d.Write(ctx, twice); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(ctx, twice); err == nil {
			t.Error("one id was taken twice")
		}
		if r := verify(t, d); !r.OK() || r.Entries != 1 {
			t.Errorf("report %+v", r)
		}
	})
}

// A room learns the numbers of its entries before the commit, once per group.
func TestOnNumbered(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			var calls [][]int64
			d := open(t, e, func(o *db.Options) {
				j := journal.New()
				j.OnNumbered(func(tx *db.Tx, entries []*journal.Entry) error {
					var numbers []int64
					for _, e := range entries {
						numbers = append(numbers, e.Number)
						if err := tx.Last(`UPDATE db_room SET version = $1 WHERE name = 'nobody'`, e.ID); err != nil {
							return err
						}
					}
					calls = append(calls, numbers)
					return nil
				}, "case.act1", "case.act3")
				o.Ledger = j
			})
			live(t, d)
			if want := [][]int64{{2, 4}, {6, 8}, {10, 12}}; !reflect.DeepEqual(calls, want) {
				t.Errorf("called with %v", calls)
			}
		})
	}
}

// Whatever many callers do at once, on several writers, with commands that
// fail and panic: the numbers have no gap, a reader that polls meets each entry
// once and in order, entries of one command stay together, and the journal
// verifies.
func TestNumbersHaveNoGaps(t *testing.T) {
	rounds := 1
	if os.Getenv("ONEGRID_PROOF") != "" {
		rounds = 30
	}
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			d := open(t, e, func(o *db.Options) { o.Writers = 4 })
			acknowledged := map[id.ID]int{} // command -> entries
			walk := func(t *rapid.T) {
				plan := rapid.SliceOfN(rapid.IntRange(-3, 5), 20, 120).Draw(t, "plan") // entries of each command; below 0: it fails
				var mu sync.Mutex
				var callers, reader sync.WaitGroup
				var finished atomic.Bool
				var start int64
				if err := d.Read(ctx, func(tx *db.Tx) (err error) { start, err = journal.Head(tx); return err }); err != nil {
					t.Fatal(err)
				}
				var polled []journal.Entry
				reader.Go(func() {
					at := start
					for last := false; ; {
						var some []journal.Entry
						if err := d.Read(ctx, func(tx *db.Tx) (err error) { some, err = journal.Feed(tx, at, 50); return err }); err != nil {
							panic(err)
						}
						for _, e := range some {
							at = e.Number
						}
						polled = append(polled, some...)
						if len(some) == 0 {
							if last {
								return
							}
							last = finished.Load()
						}
					}
				})
				for _, n := range plan {
					callers.Go(func() {
						subject := newID()
						err := d.WriteFor(ctx, subject, func(tx *db.Tx) error {
							for i := range max(n, 1) {
								journal.Add(tx, journal.Entry{Kind: "case.act", Subject: subject, Version: int64(i)})
							}
							switch n {
							case -1:
								return errors.New("refused")
							case -2:
								panic("a bug")
							case -3:
								_, err := tx.Exec(`INSERT INTO journal_head (one, number) VALUES (2, 0)`)
								return err
							}
							return nil
						})
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							acknowledged[subject] = max(n, 1)
						} else if n >= 0 {
							panic(err)
						}
					})
				}
				callers.Wait()
				finished.Store(true)
				reader.Wait()
				var before *journal.Entry
				for i := range polled {
					e := &polled[i]
					if e.Number != start+int64(i)+1 {
						t.Fatalf("the reader met %d as entry %d after %d", e.Number, i+1, start)
					}
					if e.Version > 0 && (before == nil || before.Subject != e.Subject || before.Version != e.Version-1) {
						t.Fatalf("entry %d stands apart from its command", e.Number)
					}
					before = e
				}
			}
			for range rounds {
				rapid.Check(t, walk)
			}
			met := map[id.ID]int{}
			for i, e := range since(t, d, 0) {
				if e.Number != int64(i+1) {
					t.Fatalf("entry %d has number %d", i+1, e.Number)
				}
				met[e.Subject]++
			}
			if !reflect.DeepEqual(met, acknowledged) {
				t.Errorf("%d commands in the journal, %d acknowledged", len(met), len(acknowledged))
			}
			if r := verify(t, d); !r.OK() {
				t.Errorf("does not verify: %+v", r.Problems)
			}
			t.Logf("%d commands, %d groups", len(met), d.Stats().Groups.Load())
		})
	}
}

// The sight that is written by hand reads as encoding/json would write it.
func TestSightText(t *testing.T) {
	one := rapid.Custom(func(t *rapid.T) id.ID {
		var v id.ID
		binary.BigEndian.PutUint64(v[8:], rapid.Uint64().Draw(t, "id")) // 0 is none
		return v
	})
	some := rapid.SliceOfN(one.Filter(func(v id.ID) bool { return !v.IsZero() }), 0, 4)
	d := open(t, db.SQLite, nil)
	rapid.Check(t, func(t *rapid.T) {
		s := journal.Sight{Nodes: journal.Nodes{Hub: one.Draw(t, "hub"), Street: one.Draw(t, "street"), Platform: one.Draw(t, "platform"), Grid: one.Draw(t, "grid"), Micro: one.Draw(t, "micro")},
			Department: one.Draw(t, "department"), Posts: some.Draw(t, "posts"), Persons: some.Draw(t, "persons"),
			Secrecy: journal.Secrecy(rapid.IntRange(0, 2).Draw(t, "secrecy")), Public: rapid.Bool().Draw(t, "public")}
		slices.SortFunc(s.Posts, func(v, w id.ID) int { return v.Compare(w) })
		slices.SortFunc(s.Persons, func(v, w id.ID) int { return v.Compare(w) })
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			journal.Add(tx, journal.Entry{Kind: "a.b", Subject: newID(), Sight: s})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT s.sight FROM journal_entry e JOIN journal_sight s ON s.key = e.sight ORDER BY e.number DESC LIMIT 1`).Scan(&got)
		}); err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Fatalf("wrote %s, want %s", got, want)
		}
		// And it is read back as it was.
		var read []byte
		if err := d.Read(ctx, func(tx *db.Tx) error {
			head, err := journal.Head(tx)
			if err != nil {
				return err
			}
			list, err := journal.Feed(tx, head-1, 1)
			if err == nil {
				read, err = json.Marshal(list[0].Sight)
			}
			return err
		}); err != nil || string(read) != string(want) {
			t.Fatalf("read %s, want %s: %v", read, want, err)
		}
	})
}
