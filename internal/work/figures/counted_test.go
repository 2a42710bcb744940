package figures

import (
	"maps"
	"testing"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// What each act counts as; the same word means different things in the flows.
func TestWhatActsCountAs(t *testing.T) {
	approval, handling := "approval", "handling"
	for name, c := range map[string]struct {
		kind  string
		facts casework.ActFacts
		want  map[Measure]int64
	}{
		"closed in time":           {"case.close", casework.ActFacts{Comparable: true}, map[Measure]int64{Closed: 1, Timed: 1, OnTime: 1}},
		"closed late":              {"case.close", casework.ActFacts{Comparable: true, Late: true}, map[Measure]int64{Closed: 1, Timed: 1, ClosedLate: 1}},
		"closed without a limit":   {"case.close", casework.ActFacts{}, map[Measure]int64{Closed: 1}},
		"closed, times contradict": {"case.close", casework.ActFacts{Comparable: true, Untimed: true}, map[Measure]int64{Closed: 1}},
		"settled":                  {"case.settle", casework.ActFacts{}, map[Measure]int64{Settled: 1, Done: 1}},
		"accepted once more":       {"case.accept", casework.ActFacts{From: "accepted"}, nil},
		"failed check":             {"case.check", casework.ActFacts{Result: "fail"}, map[Measure]int64{Reworked: 1}},
		"not solved":               {"case.object", casework.ActFacts{Flow: handling, From: "closed"}, map[Measure]int64{Reopened: 1}},
		"objection to a refusal":   {"case.object", casework.ActFacts{Flow: handling, From: "refused"}, nil},
		"reopened":                 {"case.reopen", casework.ActFacts{Flow: handling, From: "closed"}, map[Measure]int64{Reopened: 1}},
		"refusal judged anew":      {"case.reopen", casework.ActFacts{Flow: handling, From: "refused"}, nil},
		"objection to a posting":   {"case.object", casework.ActFacts{Flow: approval}, map[Measure]int64{Objected: 1}},
		"approved":                 {"case.approve", casework.ActFacts{Flow: approval, To: "approved"}, map[Measure]int64{Approved: 1}},
		"declined":                 {"case.approve", casework.ActFacts{Flow: approval, To: "declined"}, map[Measure]int64{Declined: 1}},
		"papers asked for":         {"case.correct", casework.ActFacts{Flow: approval}, map[Measure]int64{Corrected: 1}},
		"given":                    {"case.give", casework.ActFacts{Flow: approval}, map[Measure]int64{Given: 1}},
		"appealed":                 {"case.appeal", casework.ActFacts{Flow: approval}, map[Measure]int64{Appealed: 1}},
		"granted on appeal":        {"case.appeal_decide", casework.ActFacts{Flow: approval, To: "approved"}, map[Measure]int64{Granted: 1}},
		"upheld on appeal":         {"case.appeal_decide", casework.ActFacts{Flow: approval, To: "declined"}, map[Measure]int64{Upheld: 1}},
		"taken back":               {"case.withdraw", casework.ActFacts{To: "withdrawn"}, map[Measure]int64{Withdrawn: 1}},
		"dispatch taken back":      {"case.withdraw", casework.ActFacts{To: "filed"}, nil},
		"rated":                    {"case.rate", casework.ActFacts{Score: 4}, map[Measure]int64{Rated: 1, Stars: 4}},
		"said something":           {"case.comment", casework.ActFacts{}, nil},
	} {
		if got := counted(c.kind, c.facts); !maps.Equal(got, c.want) {
			t.Errorf("%s counts as %v, want %v", name, got, c.want)
		}
	}
}

// A check counts for who handled the case, not for who checked; an act of a task
// counts for nothing; and what only ends a stage is kept as its source.
func TestWhomAnActCountsFor(t *testing.T) {
	z := Zone{time.UTC}
	checker, handler := id.ID{15: 1}, id.ID{15: 2}
	entry := journal.Entry{Number: 7, Occurred: time.Unix(0, 0), Kind: "case.check", Subject: id.ID{15: 9}, Sight: journal.Sight{Nodes: journal.Nodes{Hub: id.ID{15: 3}}, Secrecy: journal.Desk}}
	tally := NewTally()
	tally.Fold(z, entry, casework.ActFacts{Item: "a", Unit: checker, Handler: handler, Result: "pass", Stage: "check", UsedMS: 5000})
	if n := tally.Counts[Cell{ByUnit, handler, "a", 0, journal.Desk, Checked}]; n != 1 {
		t.Errorf("the handler's unit has %d: %v", n, tally.Counts)
	}
	if n := tally.Counts[Cell{ByUnit, checker, "a", 0, journal.Desk, Checked}]; n != 0 {
		t.Errorf("the checker's unit has %d", n)
	}
	if a := tally.Acts[7]; a.What.Stage != "check" || a.What.Unit != handler || a.What.Answers != checker || a.has(Checked) != 1 {
		t.Errorf("the act is kept as %+v", a)
	}
	// The time it took is the checker's, not the handler's.
	if n, other := tally.Times[TimeCell{ByUnit, checker, "a", "check", 0, journal.Desk, Bucket(5 * time.Second)}], tally.Times[TimeCell{ByUnit, handler, "a", "check", 0, journal.Desk, Bucket(5 * time.Second)}]; n != 1 || other != 0 {
		t.Errorf("timed for the checker %d, for the handler %d", n, other)
	}
	// Taken back by who sent it, the time is that of who had it.
	tally.Fold(z, journal.Entry{Number: 6, Kind: "case.withdraw", Sight: entry.Sight}, casework.ActFacts{Item: "a", Unit: checker, Answers: handler, To: "filed", Stage: "handle"})
	if a := tally.Acts[6]; a.What.Unit != checker || a.What.Answers != handler {
		t.Errorf("taken back: %+v", a)
	}
	tally.Fold(z, journal.Entry{Number: 8, Kind: "case.take", Sight: entry.Sight}, casework.ActFacts{Item: "a", Stage: "handle"})
	if a, ok := tally.Acts[8]; !ok || a.Measures != 0 || a.What.Stage != "handle" {
		t.Errorf("an act that only ends a stage: %+v %v", a, ok)
	}
	before := len(tally.Acts)
	tally.Fold(z, journal.Entry{Number: 9, Kind: "case.check", Sight: entry.Sight}, casework.ActFacts{Task: "check", Result: "pass"})
	if len(tally.Acts) != before {
		t.Error("an act on a task is counted")
	}
}
