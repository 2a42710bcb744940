package casework

import (
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
)

// An importer carries old cases to their end through the same acts, at the
// times they claim, with the deadlines they came with; the sweeper marks them
// late under the moving clock. One whose times contradict each other is marked
// and kept out of time statistics.
func TestImportedCase(t *testing.T) {
	eachHouse(t, func(h *house) {
		opened := morning
		carry := func(due, closed time.Time, untimed bool) Case {
			h.Helper()
			var c Case
			at := func(when time.Time, fn func(tx *db.Tx, by *access.Actor) (Case, error)) {
				h.Helper()
				if when.After(h.clock.Now()) {
					h.clock.Set(when)
				}
				h.sweeps()
				h.write(func(tx *db.Tx) (err error) {
					by := access.Operator("import", h.units["H"])
					by.AsOf = when
					c, err = fn(tx, by)
					return err
				})
			}
			at(opened, func(tx *db.Tx, by *access.Actor) (Case, error) {
				return h.desk.Report(tx, by, Report{Item: "cleanliness", Text: "imported", Place: inG1, Occurred: opened, Due: due, Untimed: untimed})
			})
			moves := []Act{{Move: "accept"}, {Move: "file"}, {Move: "dispatch", Post: h.posts["works"]}, {Move: "take"}, {Move: "handle"}}
			for _, a := range moves {
				at(opened, func(tx *db.Tx, by *access.Actor) (Case, error) { return h.desk.Move(tx, by, c.ID, a, nil) })
			}
			for _, a := range []Act{{Move: "done", Note: "imported"}, {Move: "check", Result: Pass, Note: "imported"}, {Move: "close"}} {
				at(closed, func(tx *db.Tx, by *access.Actor) (Case, error) { return h.desk.Move(tx, by, c.ID, a, nil) })
			}
			return h.now(c)
		}
		inTime := carry(opened.Add(48*time.Hour), opened.Add(24*time.Hour), false)
		if inTime.State != Closed || inTime.Late || !inTime.Closed.Equal(opened.Add(24*time.Hour)) || !inTime.Occurred.Equal(opened) {
			h.Fatalf("closed in time as %+v", inTime)
		}
		opened = h.clock.Now()
		late := carry(opened.Add(48*time.Hour), opened.Add(72*time.Hour), false)
		if late.State != Closed || !late.Late {
			h.Fatalf("closed late as %+v", late)
		}
		marked := 0
		for _, e := range h.timeline(late) {
			if e.Kind == "case.late" {
				marked++
			}
		}
		if marked == 0 {
			h.Error("the sweeper did not find it late before it was done")
		}
		opened = h.clock.Now()
		odd := carry(opened.Add(time.Hour), opened, true)
		if odd.State != Closed || odd.Times == nil || !odd.Closed.Equal(opened) || odd.Late {
			h.Fatalf("closed before it was opened as %+v", odd)
		}
		h.agrees(inTime, "imported")
		h.agrees(late, "imported")
		h.agrees(odd, "imported")
	})
}
