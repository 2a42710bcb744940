package casework

import (
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// BenchmarkLifecycle carries cases from report to close, one command after the
// other, each in its own transaction: what the room's own statements cost.
func BenchmarkLifecycle(b *testing.B) {
	for _, engine := range dbtest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			h := newHouse(b, engine)
			acts := []Act{{Move: "accept"}, {Move: "file"}, {Move: "dispatch", Post: h.posts["works"]}, {Move: "take"}, {Move: "handle"},
				{Move: "done", Note: "done"}, {Move: "check", Result: Pass, Note: "seen"}, {Move: "close"}}
			b.ResetTimer()
			for range b.N {
				var c Case
				if err := h.db.Write(h.ctx, func(tx *db.Tx) (err error) {
					by := access.Operator("import", h.units["H"])
					if c, err = h.desk.Report(tx, by, Report{Item: "cleanliness", Text: "东门外垃圾堆了三天", Place: inG1}); err != nil {
						return err
					}
					for _, a := range acts {
						if c, err = h.desk.Move(tx, by, c.ID, a, nil); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
