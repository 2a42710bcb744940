package notice

import (
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// A message goes with its deliveries when its term is over, a newer one stays;
// and whoever left the service can't be reached any more.
func TestMessagesAreForgotten(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.happens("case.dispatch", h.newCase(), "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.works()
		old := h.clock.Now().Add(time.Minute)
		h.later(48 * time.Hour)
		h.happens("case.dispatch", h.newCase(), "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.works()
		rows := func(table string) (n int) {
			h.read(func(tx *db.Tx) error { return tx.Row(`SELECT COUNT(*) FROM ` + table).Scan(&n) })
			return n
		}
		messages, deliveries := rows("notice"), rows("notice_delivery")
		if messages < 2 || deliveries < 2 {
			h.Fatalf("%d messages, %d deliveries before", messages, deliveries)
		}
		for class, tables := range Ended() {
			h.write(func(tx *db.Tx) error {
				before := old
				if class != "message" {
					before = morning.Add(-time.Hour)
				}
				counted, err := db.EndAll(tx, tables, before, 500, true)
				if err != nil {
					return err
				}
				ended, err := db.EndAll(tx, tables, before, 500, false)
				if ended != counted || class == "message" && ended == 0 {
					h.Errorf("%s: %d ended, %d counted", class, ended, counted)
				}
				return err
			})
		}
		if rows("notice") == 0 || rows("notice") == messages || rows("notice_push") != 1 {
			h.Errorf("%d messages of %d and %d browsers are left", rows("notice"), messages, rows("notice_push"))
		}
		h.write(func(tx *db.Tx) error {
			n, err := h.n.ForgetPeople(tx, []id.ID{h.who["village"]}, false)
			if n != 1 {
				h.Errorf("%d ways to reach somebody went", n)
			}
			return err
		})
		if rows("notice_push") != 0 {
			h.Error("whoever left is still pushed to")
		}
	})
}
