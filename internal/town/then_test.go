package town_test

import (
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// A desk accepts, files and dispatches in one command. Each move has its own
// entry and version; where one is refused, none has happened; sent again, the
// command is not done twice.
func TestMovesInOneCommand(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, handler := w.As("village desk 1"), w.As("department handler 1")
		c := village.Reports("门口一堆垃圾")
		to := town.With{"move": "dispatch", "post_id": w.Posts["department handler 1"]}
		then := func(moves ...town.With) town.With { return town.With{"then": moves} }

		w.Now(c) // the hub's sign-in is an entry too
		head := w.Head()
		village.Refused(c, "accept", "409 case.wrong_state", then(town.With{"move": "file"}, to, town.With{"move": "file"}))
		village.Refused(c, "accept", "422 case.invalid", then(town.With{"move": "file", "then": []town.With{to}}))
		if now := w.Now(c); now.State != "reported" || now.Version != c.Version || w.Head() != head {
			t.Fatalf("after refused rows of moves: %+v, %d entries", now, w.Head()-head)
		}

		body := town.With{"move": "accept", "then": []town.With{{"move": "file"}, to}}
		key := []string{"Idempotency-Key", "01a20b48-0900-7000-8000-000000000077"}
		first := village.Do("POST", "/api/cases/"+c.ID.String()+"/moves", body, key...)
		again := village.Do("POST", "/api/cases/"+c.ID.String()+"/moves", body, key...)
		if first.Status != 200 || again.Status != 200 || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Fatalf("%s, then %s: %s", first, again, again.Body)
		}
		if now := w.Now(c); now.State != "dispatched" || now.Version != c.Version+3 {
			t.Fatalf("%+v", now)
		}
		var kinds []string
		for _, e := range village.Page(c).Timeline {
			kinds = append(kinds, e.Kind)
		}
		if len(kinds) != 4 {
			t.Errorf("the timeline has %v", kinds)
		}
		c = handler.Does(w.Now(c), "take", then(town.With{"move": "handle"}, town.With{"move": "done", "note": "清了", "file_ids": []id.ID{handler.Photo("after")}}))
		if c.State != "done" {
			t.Fatalf("%+v", c)
		}
		// Clocks of moves that followed at once ran for no time and add up.
		w.Read(func(tx *db.Tx) error {
			var open int64
			err := tx.Row(`SELECT COUNT(*) FROM case_clock WHERE case_id = $1 AND stopped_at IS NULL`, c.ID).Scan(&open)
			if open > 1 {
				t.Errorf("%d clocks run", open)
			}
			return err
		})
	})
}
