package duty_test

import (
	"context"
	"testing"
	"time"

	"onegrid/internal/core/duty"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// What a week of duty leaves about people goes when its term is over; that the
// desk was manned is still known.
func TestDutyIsForgotten(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		r := h.roster(h.dayAndNight())
		h.plan(r, "2026-09-14", "2026-09-20")
		h.clock.Set(at(9, 14, 9, 0))
		turn := h.turn(h.bo, at(9, 14, 21, 0))
		h.must(func(tx *db.Tx) error {
			_, err := h.duty.AskSwap(tx, h.as(h.bo), turn.ID, duty.SwapIn{Other: h.cai, Why: "孩子家长会"})
			return err
		})
		end := func(before time.Time, count bool) (n int) {
			h.must(func(tx *db.Tx) (err error) { n, err = db.EndAll(tx, duty.Ended(), before, 500, count); return err })
			return n
		}
		rows := func(table string) (n int) {
			if err := h.db.Read(context.Background(), func(tx *db.Tx) error { return tx.Row(`SELECT COUNT(*) FROM ` + table).Scan(&n) }); err != nil {
				h.Fatal(err)
			}
			return n
		}
		// Up to Wednesday morning: four turns are over, and the swap was asked.
		if n := end(at(9, 16, 8, 1), true); n != 5 {
			h.Errorf("%d are counted, want 5", n)
		}
		if n := end(at(9, 16, 8, 1), false); n != 5 || rows("duty_turn") != 10 || rows("duty_swap") != 0 || rows("duty_shift") != 14 {
			h.Errorf("%d ended; %d turns, %d swaps, %d shifts are left", n, rows("duty_turn"), rows("duty_swap"), rows("duty_shift"))
		}
		if n := end(at(9, 16, 8, 1), false); n != 0 {
			h.Errorf("%d ended again", n)
		}
		h.must(func(tx *db.Tx) error { _, err := h.duty.Now(tx, id.ID{}, at(9, 16, 9, 0)); return err })
	})
}
