package journal_test

import (
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// Bodies end by the term of their class, in batches; the chain still verifies,
// and a body that goes without an entry that says so does not.
func TestBodiesEndByClass(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := dbtest.NewClock(noon)
			d := open(t, engine, func(o *db.Options) { o.Now = clock.Now })
			write := func(fn func(tx *db.Tx) error) {
				t.Helper()
				if err := d.Write(ctx, fn); err != nil {
					t.Fatal(err)
				}
			}
			says := func(class string, caseID id.ID) {
				write(func(tx *db.Tx) error {
					journal.Add(tx, journal.Entry{Kind: "test.said", Subject: tx.NewID(), Case: caseID, Class: class, Body: "some words"})
					return nil
				})
			}
			one := newID()
			for range 5 {
				says("message", id.ID{})
				says("case_general", one)
			}
			clock.Add(24 * time.Hour)
			says("message", id.ID{})
			says("dispute", one)

			left := func(class string) (n int) {
				t.Helper()
				if err := d.Read(ctx, func(tx *db.Tx) (err error) {
					n, err = journal.CountClass(tx, class, clock.Now().Add(time.Hour))
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return n
			}
			yesterday := noon.Add(time.Hour)
			for _, want := range []int{3, 2, 0} {
				write(func(tx *db.Tx) error {
					n, err := journal.ExpireClass(tx, journal.By{Via: "system"}, "message", yesterday, 3)
					if n != want {
						t.Errorf("a batch ended %d, not %d", n, want)
					}
					return err
				})
			}
			write(func(tx *db.Tx) error {
				n, err := journal.ExpireCase(tx, journal.By{Via: "system"}, one, "case_general", journal.Sight{})
				if n != 5 {
					t.Errorf("the case's end ended %d", n)
				}
				return err
			})
			if left("message") != 1 || left("case_general") != 0 || left("dispute") != 1 {
				t.Errorf("left: %d messages, %d, %d", left("message"), left("case_general"), left("dispute"))
			}
			if err := d.Read(ctx, func(tx *db.Tx) error {
				all, err := journal.Classes(tx)
				if len(all) != 2 || all[0] != "dispute" || all[1] != "message" {
					t.Errorf("classes %v", all)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if r, err := journal.Verify(ctx, d, nil, nil); err != nil || !r.OK() || r.Erased != 10 {
				t.Fatalf("after the end: %+v, %v", r, err)
			}
			write(func(tx *db.Tx) error {
				_, err := tx.Exec(`DELETE FROM journal_body WHERE class = 'dispute'`)
				return err
			})
			if r, err := journal.Verify(ctx, d, nil, nil); err != nil || r.OK() || r.Problems[0].Code != journal.BodyMissing {
				t.Fatalf("a body that nobody ended: %+v, %v", r, err)
			}
		})
	}
}
