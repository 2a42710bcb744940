package notice

import (
	"context"
	"strings"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// Settling what an act makes needless reads what waits on its subject, never
// somebody's whole inbox.
func TestSettlingReadsOneIndex(t *testing.T) {
	d := dbtest.Open(t, db.SQLite, nil, []db.Room{Room()})
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		for _, q := range []string{
			`UPDATE notice SET state = 'acknowledged' WHERE subject = $1 AND entry < $2 AND person_id = $1 AND gather = 0 AND (state = 'open' OR state = 'delivered')`,
			`UPDATE notice SET state = 'superseded' WHERE subject = $1 AND entry < $2 AND person_id IS NOT NULL AND gather = 0 AND (state = 'open' OR state = 'delivered')`,
			`SELECT DISTINCT subject FROM notice WHERE person_id IS NOT NULL AND gather = 0 AND (state = 'open' OR state = 'delivered') AND subject IN ($1, $2)`,
		} {
			rows, err := tx.Query(`EXPLAIN QUERY PLAN `+q, []byte("x"), int64(1))
			if err != nil {
				return err
			}
			var plan []string
			for rows.Next() {
				var id, parent, unused int64
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				plan = append(plan, detail)
			}
			if err := rows.Close(); err != nil {
				return err
			}
			if all := strings.Join(plan, "; "); !strings.Contains(all, "USING INDEX notice_settle (subject=?") {
				t.Errorf("%s: %s", q, all)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
