package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

func TestSmoke(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			d := dbtest.Open(t, e, func(o *db.Options) { o.Ledger = journal.New() }, []db.Room{journal.Room()})
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					err := d.Write(context.Background(), func(tx *db.Tx) error {
						s := tx.NewID()
						journal.Add(tx, journal.Entry{Kind: "case.report", Subject: s, Case: s, Body: map[string]any{"i": i}})
						if i%7 == 0 {
							return fmt.Errorf("no")
						}
						return nil
					})
					if (err != nil) != (i%7 == 0) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			err := d.Read(context.Background(), func(tx *db.Tx) error {
				es, err := journal.Since(tx, 0, 1000)
				if err != nil {
					return err
				}
				for i, e := range es {
					if e.Number != int64(i+1) {
						t.Errorf("%d is %d", i, e.Number)
					}
				}
				t.Log(len(es))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			t.Log(d.Stats().Groups.Load())
		})
	}
}
