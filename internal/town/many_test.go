package town_test

import (
	"encoding/json"
	"testing"

	"onegrid/internal/kit/id"
	"onegrid/internal/town"
	"onegrid/internal/work/figures"
)

// Three reports of one matter, dealt with once: the figures say three reported,
// two merged, one closed, and are what the journal adds up to.
func TestMergedReportsAreClosedOnce(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, works := w.As("village desk 1"), w.As("department handler 1")
		main := village.Reports("东门外垃圾堆了三天")
		dups := []town.Case{village.Reports("东门垃圾没人管"), village.Reports("东门口臭死了")}
		var out struct {
			Main   town.Case
			Merged []struct{ ID id.ID }
		}
		a := village.Do("POST", "/api/cases/"+main.ID.String()+"/merges", town.With{"case_ids": []id.ID{dups[0].ID, dups[1].ID}, "reason": "merge_same_place", "note": "同一处"})
		if a.Status != 200 {
			t.Fatalf("merge: %s %s", a, a.Body)
		}
		if err := json.Unmarshal(a.Body, &out); err != nil {
			t.Fatal(err)
		}
		if len(out.Merged) != 2 || w.Now(dups[0]).State != "merged" {
			t.Fatalf("merged as %s", a.Body)
		}
		village.Does(main, "accept")
		village.Does(main, "file")
		village.Does(main, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
		works.Does(main, "take")
		works.Does(main, "handle")
		works.Does(main, "done", town.With{"note": "清完了", "file_ids": []id.ID{works.Photo("after")}})
		w.As("grid officer 1").Does(w.Task(main), "check", town.With{"result": "pass"})
		village.Does(main, "close")
		if _, err := w.App.Figures.Fold(w.Context()); err != nil {
			t.Fatal(err)
		}
		var table figures.Table
		w.As("hub officer 1").Gets("/api/figures", &table)
		for measure, want := range map[figures.Measure]int64{figures.Reported: 3, figures.Merged: 2, figures.Closed: 1, figures.Done: 1} {
			if got := table.Totals[measure]; got != want {
				t.Errorf("%s is %d, want %d", measure, got, want)
			}
		}
		if differences, _, err := w.App.Figures.Recompute(w.Context(), false, nil); err != nil || len(differences) > 0 {
			t.Errorf("the figures differ: %v %v", differences, err)
		}
		w.Verified()
	})
}
