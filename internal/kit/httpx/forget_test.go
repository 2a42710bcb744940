package httpx

import (
	"context"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// An erasure also empties the answers of commands in its own group, which are
// not written yet.
func TestForgetInTheSameGroup(t *testing.T) {
	dbtest.Each(t, []db.Room{Room()}, func(t *testing.T, d *db.DB) {
		type answer struct {
			ID      id.ID  `json:"id"`
			Version int64  `json:"version"`
			Words   string `json:"words"`
		}
		var subject, other, first, second id.ID
		if err := d.Write(context.Background(), func(tx *db.Tx) error {
			subject, other, first, second = tx.NewID(), tx.NewID(), tx.NewID(), tx.NewID()
			for key, about := range map[id.ID]id.ID{first: subject, second: other} {
				if _, err := keepReceipt(tx, key, receipt{op: "a.b", content: []byte("x")}, &struct{ Body answer }{answer{about, 3, "personal"}}, 0); err != nil {
					return err
				}
			}
			if r, ok, err := receiptOf(tx, first); err != nil || !ok || r.subject != subject || r.version != 3 || r.result == "" {
				t.Errorf("in its own group: %+v, %v, %v", r, ok, err)
			}
			return Forget(tx, subject)
		}); err != nil {
			t.Fatal(err)
		}
		if err := d.Read(context.Background(), func(tx *db.Tx) error {
			gone, _, err := readReceipt(tx, first)
			if err != nil {
				return err
			}
			kept, _, err := readReceipt(tx, second)
			if gone.result != "" || gone.subject != subject || gone.version != 3 || gone.status != 200 || kept.result == "" {
				t.Errorf("erased %+v, other %+v", gone, kept)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
