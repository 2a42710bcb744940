package town_test

import "onegrid/internal/work/figures"

// What the week adds up to, summed by hand from the plan in week_test.go. The
// first term of a sum is always the officers' rounds, the second the ordinary
// calls, then what is told of by name, and the flood.

// sum is what some part of the week adds up to; what is not named is 0.
type sum map[figures.Measure]int64

const (
	reported   = figures.Reported
	accepted   = figures.Accepted
	refused    = figures.Refused
	filed      = figures.Filed
	dispatched = figures.Dispatched
	settled    = figures.Settled
	finished   = figures.Done
	closed     = figures.Closed
	closedLate = figures.ClosedLate
	timed      = figures.Timed
	returned   = figures.Returned
	reworked   = figures.Reworked
	checked    = figures.Checked
	reopened   = figures.Reopened
	mergedIn   = figures.Merged
	rated      = figures.Rated
	stars      = figures.Stars
	overdue    = figures.Overdue
	onTime     = figures.OnTime
)

// Closed in time (按期结案) is what had a limit for the work and was done before it
// ran out; when it was closed does not matter. What is settled on the spot has no
// limit and is neither in time nor late. The 24 calls are done after 90 minutes of
// a working day or three. Of those told of by name that were closed, when done and
// due (week_due_test.go):
//
//	Wednesday  the manhole                   01:20, due 01:50
//	Thursday   the bin on the holiday        11:00, due 13:30
//	           the bin before lunch          14:00, due 17:00
//	           the dark street               16:00, due Friday 08:55
//	Friday     the flood                     01:00, due 04:14
//	           the walls                     10:00, due Monday 09:40
//	           the lamp of the wrong dep.    10:00, due Monday 14:10, of D2's own limit
//	           the objection                 11:00, due 14:20
//	           the bin done twice            15:00, due 14:00: late, the only one; that
//	                                         it was first done at 13:30 is no help
//	           the bin of the stand-in       16:00, due Saturday 09:20
//	Saturday   the pile before the evening   10:00, due 17:30
//	           the pile after work           11:00, due 17:30
//	           the pile in the rain          15:00, due Monday 10:00

// Of each day, for the whole street.
var byDay = []struct {
	day  string
	want sum
}{
	// The bin on the holiday is opened and dispatched.
	{monday, sum{reported: 13 + 0 + 1, accepted: 1, filed: 1, dispatched: 1, settled: 13, finished: 13, checked: 13, closed: 13}},
	// So is the manhole, before midnight.
	{tuesday, sum{reported: 13 + 0 + 1, accepted: 1, filed: 1, dispatched: 1, settled: 13, finished: 13, checked: 13, closed: 13}},
	// The manhole is done; the dark street is reported and not accepted in time.
	{wednesday, sum{reported: 14 + 0 + 1, settled: 14, finished: 14 + 0 + 1, checked: 14 + 0 + 1, closed: 14 + 0 + 1, timed: 1, onTime: 1, overdue: 1}},
	{thursday, sum{
		// By name: forgotten bin, lamp without a part, walls, pile in the rain,
		// objection, refused report, bin before lunch, lamp of the wrong department,
		// quarrel, road. The flood: the first, 150 at the door, 50 on the telephone.
		reported: 33 + 8 + 10 + 1 + 150 + 50,
		// Not the two that are refused, but the dark street of the day before.
		accepted: 0 + 8 + 10 - 2 + 1 + 1,
		refused:  2,
		filed:    0 + 8 + 10 - 2 + 1 + 1,
		// The lamp of the wrong department three times: hub, street, hub again.
		dispatched: 0 + 8 + 10 - 2 + 2 + 1 + 1,
		settled:    33,
		// By name: the bin on the holiday, the bin before lunch, the dark street.
		finished: 33 + 8 + 3, checked: 33 + 8 + 3, closed: 33 + 8 + 3, timed: 8 + 3, onTime: 8 + 3,
		returned: 2, // by the department, then by the street
		mergedIn: 150 + 50,
		overdue:  1, // the forgotten bin
	}},
	{friday, sum{
		// By name: bin done twice, bin of the stand-in, pile before the evening,
		// pile after work.
		reported: 33 + 8 + 4,
		accepted: 0 + 8 + 4 + 1, filed: 0 + 8 + 4 + 1, dispatched: 0 + 8 + 4 + 1, // and what was objected to
		settled: 33,
		// By name: bin done twice (twice), lamp of the wrong department, objection,
		// walls, bin of the stand-in; the flood.
		finished: 33 + 8 + 6 + 1,
		checked:  33 + 8 + 5 + 1, // one of the two failed
		reworked: 1,
		closed:   33 + 8 + 5 + 1, timed: 8 + 5 + 1, closedLate: 1, onTime: 8 + 4 + 1,
		// The objection reopens nothing: it is to a refusal, which nobody had closed.
		rated: 2, stars: 5 + 4,
		overdue: 1, // the bin done twice
	}},
	{saturday, sum{
		// By name: bin of the make-up day, pile on Saturday evening, of which only
		// the first is dispatched.
		reported: 32 + 8 + 2, accepted: 0 + 8 + 2, filed: 0 + 8 + 2, dispatched: 0 + 8 + 1, settled: 32,
		// By name: pile in the rain, pile before the evening, pile after work.
		finished: 32 + 8 + 3, checked: 32 + 8 + 3, closed: 32 + 8 + 3, timed: 8 + 3, onTime: 8 + 3,
	}},
	{sunday, sum{reported: 17 + 0 + 1, settled: 17, finished: 17, checked: 17, closed: 17}}, // the pile on Sunday waits
}

// Of the whole week, for the whole street: the columns of byDay.
var wholeWeek = sum{
	reported: 14 + 14 + 15 + 252 + 45 + 42 + 18, // 400
	accepted: 1 + 1 + 0 + 18 + 13 + 10 + 0, refused: 2, filed: 1 + 1 + 0 + 18 + 13 + 10 + 0,
	dispatched: 1 + 1 + 0 + 20 + 13 + 9 + 0,
	settled:    13 + 13 + 14 + 33 + 33 + 32 + 17, // 155
	finished:   13 + 13 + 15 + 44 + 48 + 43 + 17,
	checked:    13 + 13 + 15 + 44 + 47 + 43 + 17, closed: 13 + 13 + 15 + 44 + 47 + 43 + 17,
	timed: 0 + 0 + 1 + 11 + 14 + 11 + 0, closedLate: 1, onTime: 0 + 0 + 1 + 11 + 13 + 11 + 0,
	returned: 2, reworked: 1, mergedIn: 200, rated: 2, stars: 9, overdue: 1 + 1 + 1,
}

// How many times a stage was timed, for the street and the week.
var byStage = map[string]int64{
	"accept":   43 + 2 + 155, // accepted, refused, settled at once; a merge is timed as nothing
	"verify":   43,           // until filed
	"dispatch": 44 + 1,       // each dispatch, and the street's return
	"handle":   38 + 1,       // done but not settled at once, and the department's return
	"check":    192 + 1,      // closed, and the check that failed
}

// The same of each unit: a stage is timed for the unit that had the case.
var byStageOf = map[string]map[string]int64{
	"P1": {
		"accept":   17 + 15 - 1 + 2 + 44 + 40, // as byUnit: accepted, refused, settled
		"verify":   17 + 15 - 1,
		"dispatch": 16 + 15 - 1, // all of its two grids but the objection, to whomever
		"handle":   1,           // the walls
		"check":    57 + 54 - 1 + 1,
	},
	"P2":  {"accept": 10 + 42, "verify": 10, "dispatch": 13 - 3, "check": 52 - 1},  // without the lamp, which was the hub's
	"S1":  {"accept": 1 + 29, "verify": 1, "dispatch": 1 + 1 + 1, "check": 29 + 1}, // the objection; the lamp sent on, and back
	"hub": {"accept": 1, "verify": 1, "dispatch": 2, "check": 1},                   // the lamp, dispatched twice
	"D1":  {"handle": 24 + 11 + 1 + 1},                                             // done, and the one it returned
	"D2":  {"handle": 1},
}

// Of each item, for the street and the week.
var byItem = map[string]sum{
	"cleanliness": {
		// Rounds: the bins of G1 and the walls of G3. Calls: the piles, 3 × 4.
		// By name: the bins on the holiday, forgotten, before lunch, done twice, of
		// the stand-in, of the make-up day (6); the piles in the rain, before the
		// evening, after work, on Saturday evening, on Sunday (5); the walls, the
		// objection, the refused report (3).
		reported: 44 + 42 + 12 + 14,
		accepted: 12 + 14 - 2, filed: 12 + 14 - 2, // not the refused report, and not Sunday's pile
		refused:    2,           // that one, and the one that was objected to
		dispatched: 12 + 14 - 3, // nor Saturday evening's pile
		settled:    44 + 42,
		// By name: not the refused report, the piles on Sunday and on Saturday
		// evening, the bin of the make-up day and the forgotten one; one of the other
		// 9 was done twice.
		finished: 44 + 42 + 12 + 10, checked: 44 + 42 + 12 + 9, closed: 44 + 42 + 12 + 9, timed: 12 + 9, closedLate: 1, onTime: 12 + 8,
		reworked: 1, overdue: 2,
	},
	"public_facility": {
		// Rounds: the lamps of G2. Calls: lamps, 3 × 4. By name: manhole, dark
		// street, the lamps without a part and of the wrong department, road.
		reported: 40 + 12 + 5, accepted: 12 + 5, filed: 12 + 5, dispatched: 12 + 5 + 2, settled: 40,
		finished: 40 + 12 + 3, checked: 40 + 12 + 3, closed: 40 + 12 + 3, timed: 12 + 3, onTime: 12 + 3, // not the lamp without a part and the road
		returned: 2, overdue: 1,
	},
	"fire_hazard":       {reported: 29, settled: 29, finished: 29, checked: 29, closed: 29}, // the rounds of X8
	"neighbour_dispute": {reported: 1, accepted: 1, filed: 1, dispatched: 1},
	"flood_water": {
		reported: 1 + 200, accepted: 1, filed: 1, dispatched: 1, finished: 1, checked: 1, closed: 1, timed: 1, onTime: 1,
		mergedIn: 200, rated: 2, stars: 5 + 4,
	},
}

// Of each channel, for the street and the week.
var byChannel = map[string]sum{
	"field": {reported: 155, settled: 155, finished: 155, checked: 155, closed: 155},
	"phone": {
		// Calls; by name all 20 but the objection, the refused report, the lamp of
		// the wrong department and the quarrel; the flood: the first and 50 more.
		reported: 24 + 16 + 1 + 50,
		accepted: 24 + 15 + 1, filed: 24 + 15 + 1, dispatched: 24 + 14 + 1, // not Sunday's; nor Saturday evening's
		// Not in the end: the lamp without a part, the road, the forgotten bin, the
		// make-up day's: 10, one of them done twice.
		finished: 24 + 11 + 1, checked: 24 + 10 + 1, closed: 24 + 10 + 1, timed: 24 + 10 + 1, closedLate: 1, onTime: 24 + 9 + 1,
		reworked: 1, mergedIn: 50, rated: 1, stars: 4, overdue: 3,
	},
	"hotline": {reported: 1, accepted: 1, filed: 1, dispatched: 3, returned: 2, finished: 1, checked: 1, closed: 1, timed: 1, onTime: 1},
	"portal": {
		reported: 0 + 0 + 2 + 150, refused: 2, accepted: 1, filed: 1, dispatched: 1, finished: 1, checked: 1, closed: 1, timed: 1, onTime: 1, // the objection
		mergedIn: 150, rated: 1, stars: 5,
	},
	"desk": {reported: 1, accepted: 1, filed: 1, dispatched: 1}, // the quarrel
}

// Of each grid and village, for the week.
var byNode = map[string]sum{
	"G1": {
		// By name: bin on the holiday, manhole, forgotten bin, lamp without a part,
		// walls, objection, quarrel, pile before the evening, on Saturday evening, on
		// Sunday. The flood: 30 at the door, 50 on the telephone.
		reported: 44 + 8 + 10 + 30 + 50,
		accepted: 8 + 9, refused: 1, filed: 8 + 9, dispatched: 8 + 8, settled: 44,
		// By name: bin on the holiday, manhole, walls, objection, pile before the evening.
		finished: 44 + 8 + 5, checked: 44 + 8 + 5, closed: 44 + 8 + 5, timed: 8 + 5, onTime: 8 + 5,
		mergedIn: 30 + 50, rated: 1, stars: 4, overdue: 1,
	},
	"G2": {
		// By name: dark street, pile in the rain, refused report, bin before lunch,
		// bin done twice, pile after work, bin of the make-up day. The flood: the
		// first and 120 at the door.
		reported: 40 + 8 + 7 + 1 + 120,
		accepted: 8 + 6 + 1, refused: 1, filed: 8 + 6 + 1, dispatched: 8 + 6 + 1, settled: 40,
		finished: 40 + 8 + 6 + 1, checked: 40 + 8 + 5 + 1, closed: 40 + 8 + 5 + 1, timed: 8 + 5 + 1, closedLate: 1, onTime: 8 + 4 + 1, // not the make-up day's; one twice
		reworked: 1, mergedIn: 120, rated: 1, stars: 5, overdue: 2, // the dark street, the bin done twice
	},
	"G3": {
		// By name: lamp of the wrong department, road, bin of the stand-in.
		reported: 42 + 8 + 3, accepted: 8 + 3, filed: 8 + 3, dispatched: 8 + 3 + 2, settled: 42,
		finished: 42 + 8 + 2, checked: 42 + 8 + 2, closed: 42 + 8 + 2, timed: 8 + 2, onTime: 8 + 2, returned: 2,
	},
	"X8": {reported: 29, settled: 29, finished: 29, checked: 29, closed: 29},
	"P1": { // G1 + G2
		reported: 142 + 176, accepted: 17 + 15, refused: 1 + 1, filed: 17 + 15, dispatched: 16 + 15, settled: 44 + 40,
		finished: 57 + 55, checked: 57 + 54, closed: 57 + 54, timed: 13 + 14, closedLate: 0 + 1, onTime: 13 + 13,
		reworked: 0 + 1, mergedIn: 80 + 120, rated: 1 + 1, stars: 4 + 5, overdue: 1 + 2,
	},
	"P2": { // G3 alone
		reported: 53, accepted: 11, filed: 11, dispatched: 13, settled: 42, finished: 52, checked: 52, closed: 52, timed: 10, onTime: 10, returned: 2,
	},
	"S1": wholeWeek,
	"S2": {},
}

// Of each unit, for the week. Each act counts for one unit: what a desk does with
// a report (report, accept, refuse, file, merge) for the desk's; a dispatch for
// whom it went to; a return and work done for who did it; and check, closing and
// rating for who handled the case, although others press the button.
//
// Who handled what:
//
//	officers  what they settled on the spot: P1 44 + 40 (G1 and G2), P2 42, S1 29 (X8)
//	P1        the walls: dispatched to officer 4, done by the grid head who acts for
//	          him, both of P1. The quarrel, which the desk mediates itself, goes on
//	D2        the lamp of the wrong department, in the end
//	D1        the 24 calls, the flood, and by name 15. Of these 10 were closed: bin on the
//	          holiday, manhole, dark street, pile in the rain, objection, bin before
//	          lunch, bin done twice, bin of the stand-in, piles before the evening and
//	          after work. 4 are not done: forgotten bin, lamp without a part, road, bin
//	          of the make-up day. 1 it returned: the lamp of the wrong department
var byUnit = map[string]sum{
	"P1": { // the officers of G1 and G2 and the desk of the village
		reported: 142 + 176,                                   // what strangers report counts for the desk that has it
		accepted: 17 + 15 - 1, refused: 2, filed: 17 + 15 - 1, // but the objection was the street's
		dispatched: 0 + 0 + 2, // to itself: the walls and the quarrel
		settled:    44 + 40,
		finished:   44 + 40 + 1, checked: 44 + 40 + 1, closed: 44 + 40 + 1, timed: 1, onTime: 1, // the walls
		mergedIn: 200,
		overdue:  1, // the dark street was the desk's to accept
	},
	"P2": { // the officers of G3 and their desk, without the call that the hub took
		reported: 53 - 1, accepted: 11 - 1, filed: 11 - 1, // all of it dispatched to D1
		settled: 42, finished: 42, checked: 42, closed: 42,
	},
	"S1": { // the officers of X8 and the street's desk
		reported: 29, settled: 29, finished: 29, checked: 29, closed: 29,
		accepted: 1, filed: 1, // the objection, which D1 handled
		dispatched: 1, returned: 1, // the lamp came from the hub and went back there
	},
	"hub": {reported: 1, accepted: 1, filed: 1}, // the lamp; its dispatches went to the street and to D2
	"D1": {
		dispatched: 24 + 15 + 1, returned: 1,
		finished: 24 + 11 + 1, // the bin done twice, twice
		checked:  24 + 10 + 1, reworked: 1, closed: 24 + 10 + 1, timed: 24 + 10 + 1, closedLate: 1, onTime: 24 + 9 + 1,
		rated: 2, stars: 5 + 4, // the neighbours' reports were merged into the flood, which D1 pumped out
		overdue: 2, // the forgotten bin, the bin done twice
	},
	"D2": {dispatched: 1, finished: 1, checked: 1, closed: 1, timed: 1, onTime: 1},
}

// table reads the figures of a node or unit, as the hub does.
func (s *week) table(node, by, from, to string) (t figures.Table) {
	s.Helper()
	s.As(hub).Gets("/api/figures?node="+s.Nodes[node].String()+"&by="+by+"&from=2026-"+from+"&to=2026-"+to, &t)
	return t
}

// adds compares counts with a sum, measure by measure.
func (s *week) adds(what string, got map[figures.Measure]int64, want sum) {
	s.Helper()
	for _, m := range figures.Measures {
		s.figures++
		if got[m] != want[m] {
			s.Errorf("%s: %s is %d, by hand %d", what, m, got[m], want[m])
		}
	}
}

// summedByHand compares all figures of the week with the sums above.
func (s *week) summedByHand() {
	s.Helper()
	for _, d := range byDay {
		s.adds("on "+d.day, s.table("S1", "item", d.day, d.day).Totals, d.want)
	}
	for by, wants := range map[string]map[string]sum{"item": byItem, "channel": byChannel} {
		t := s.table("S1", by, monday, sunday)
		s.adds("the street by "+by, t.Totals, wholeWeek)
		if len(t.Rows) != len(wants) {
			s.Errorf("by %s there are %d rows, by hand %d", by, len(t.Rows), len(wants))
		}
		for _, r := range t.Rows {
			s.adds(r.Key, r.Counts, wants[r.Key])
		}
	}
	stages := s.table("S1", "item", monday, sunday).Stages
	if len(stages) != len(byStage) {
		s.Errorf("%d stages were timed: %+v", len(stages), stages)
	}
	for _, g := range stages {
		s.figures++
		if g.N != byStage[g.Stage] {
			s.Errorf("%s was timed %d times, by hand %d", g.Stage, g.N, byStage[g.Stage])
		}
	}
	for node, want := range byNode {
		s.adds(node, s.table(node, "item", monday, sunday).Totals, want)
	}
	t := s.table("S1", "unit", monday, sunday) // of what lies in the street, counted act by act
	s.adds("the street by unit", t.Totals, wholeWeek)
	if len(t.Rows) != len(byUnit) {
		s.Errorf("by unit there are %d rows, by hand %d", len(t.Rows), len(byUnit))
	}
	rows := map[string]map[figures.Measure]int64{}
	for _, r := range t.Rows {
		rows[r.Key] = r.Counts
	}
	for unit, want := range byUnit {
		node := s.Nodes[unit].String()
		s.adds("by "+unit, rows[node], want)
		// The same from the rollups of the unit: nothing happened outside of the street.
		only := s.table("hub", "item&unit="+node, monday, sunday)
		s.adds("only "+unit, only.Totals, want)
		if len(only.Stages) != len(byStageOf[unit]) {
			s.Errorf("of %s %d stages were timed: %+v", unit, len(only.Stages), only.Stages)
		}
		for _, g := range only.Stages {
			s.figures++
			if want := byStageOf[unit][g.Stage]; g.N != want {
				s.Errorf("%s of %s was timed %d times, by hand %d", g.Stage, unit, g.N, want)
			}
		}
	}
}
