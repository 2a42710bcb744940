package journal_test

import (
	"context"
	"crypto/rand"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// BenchmarkCommands measures durable commands of one entry each, 64 callers at
// a time: what the journal costs on top of a bare group commit.
func BenchmarkCommands(b *testing.B) {
	body := map[string]any{"title": "street lamp out at gate 3", "text": "dark since Monday, children pass here on their way to school"}
	for _, e := range dbtest.Engines {
		b.Run(string(e), func(b *testing.B) {
			d := dbtest.Durable(b, e, func(o *db.Options) { o.Ledger = journal.New() }, []db.Room{journal.Room()})
			ids := make([]id.ID, 8)
			for i := range ids {
				ids[i], _ = id.Make(d.Now(), rand.Reader)
			}
			sight := journal.Sight{Nodes: journal.Nodes{Hub: ids[0], Street: ids[1], Platform: ids[2], Grid: ids[3]}, Department: ids[4], Posts: ids[5:8]}
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					key, _ := id.Make(d.Now(), rand.Reader)
					if err := d.WriteFor(context.Background(), key, func(tx *db.Tx) error {
						journal.Add(tx, journal.Entry{Kind: "case.report", Subject: key, Case: key, Version: 1, Sight: sight,
							By: journal.By{Person: ids[6], Post: ids[5], Via: "desk"}, Class: "case", Body: body})
						return nil
					}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			b.ReportMetric(float64(b.N)/float64(d.Stats().Groups.Load()), "commands/group")
		})
	}
}

// BenchmarkVerify reads and checks a journal of ten thousand entries.
func BenchmarkVerify(b *testing.B) {
	for _, e := range dbtest.Engines {
		b.Run(string(e), func(b *testing.B) {
			d := open(b, e, nil)
			for range 100 {
				if err := d.Write(ctx, func(tx *db.Tx) error {
					for range 100 {
						journal.Add(tx, journal.Entry{Kind: "case.act", Subject: tx.NewID(), Case: tx.NewID(), Body: "street lamp out at gate 3"})
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if r := verify(b, d); !r.OK() || r.Entries != 10_000 {
					b.Fatal(r)
				}
			}
			b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
