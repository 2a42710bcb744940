package calendar

import (
	"sort"
	"time"
)

// Due is when a limit ends (到期时间).
type Due struct {
	// At is the deadline in the calendar's zone; none while the clock is paused.
	At time.Time `json:"at,omitzero"`
	// Provisional says that the deadline lies past the last announced year and
	// may move when that year is loaded (暂定).
	Provisional bool `json:"provisional"`
	// Paused says that an open pause stands.
	Paused bool `json:"paused,omitempty"`
	// Remaining is the running time left when the clock is paused; 0 when the
	// limit had run out before the pause began. Statutory clocks give whole days.
	Remaining time.Duration `json:"-"`
	// RanOut is the instant at which the limit ran out before the open pause
	// began; none when it did not. A pause cannot undo lateness.
	RanOut time.Time `json:"ran_out,omitzero"`
}

// Due computes the deadline of a limit that began at start. Codes:
// calendar.bad_clock, bad_limit, limit_not_whole, pause_order, pause_overlap,
// out_of_range.
func (c *Calendar) Due(l Limit, start time.Time, pauses []Pause) (Due, error) {
	if err := l.Validate(); err != nil {
		return Due{}, err
	}
	if !inRange(start) {
		return Due{}, ErrOutOfRange
	}
	stops, err := ordered(pauses)
	if err != nil {
		return Due{}, err
	}
	from := start.UnixNano()
	var (
		due  int64
		left int64
		ok   bool
	)
	switch {
	case l.zero():
		due, ok = from, true
	case l.Clock.statutory():
		due, left, ok = c.statutoryDue(l, from, stops)
	default:
		due, left, ok = c.runOut(l.Clock, c.amount(l, DateOf(start.In(c.zone))), from, stops)
	}
	open := len(stops) > 0 && stops[len(stops)-1].to == forever
	switch {
	case !ok && !open:
		return Due{}, ErrOutOfRange
	case !ok:
		return Due{Paused: true, Remaining: time.Duration(left)}, nil
	case open:
		// While a clock is paused, due_at is empty (DESIGN.md section 7).
		return Due{Paused: true, RanOut: time.Unix(0, due).In(c.zone)}, nil
	}
	return Due{At: time.Unix(0, due).In(c.zone), Provisional: c.provisional(l.Clock, from, due)}, nil
}

// Resume gives the deadline of a clock that runs again at an instant with a
// stored remainder. It agrees with Due over all pauses. Statutory clocks count
// days from their first, so they are computed with Due; Resume refuses them.
func (c *Calendar) Resume(k Clock, remaining time.Duration, at time.Time) (Due, error) {
	if !k.valid() || k.statutory() {
		return Due{}, ErrClock.With("clock", clip(string(k)))
	}
	if remaining < 0 {
		return Due{}, ErrLimit
	}
	if !inRange(at) {
		return Due{}, ErrOutOfRange
	}
	from := at.UnixNano()
	due, _, ok := c.runOut(k, int64(remaining), from, nil)
	if !ok {
		return Due{}, ErrOutOfRange
	}
	return Due{At: time.Unix(0, due).In(c.zone), Provisional: c.provisional(k, from, due)}, nil
}

// Elapsed is the running time of a clock from one instant to another, pauses
// left out. Statutory clocks give the whole days counted. Pauses that Due would
// refuse give 0.
func (c *Calendar) Elapsed(k Clock, from, to time.Time, pauses []Pause) time.Duration {
	stops, err := ordered(pauses)
	if err != nil || !k.valid() || !inRange(from) || !inRange(to) || !from.Before(to) {
		return 0
	}
	a, b := from.UnixNano(), to.UnixNano()
	if k.statutory() {
		n := c.countDays(k, a, b, stops)
		return time.Duration(int64(n) * c.unit(k, DateOf(from.In(c.zone))))
	}
	sum := int64(0)
	for _, s := range stops {
		if s.from > a {
			sum += c.run(k, a, min(s.from, b))
		}
		if a = max(a, s.to); a >= b {
			return time.Duration(sum)
		}
	}
	return time.Duration(sum + c.run(k, a, b))
}

// Stretch is a stretch of time in which a clock runs (计时段).
type Stretch struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Stretches are the stretches in which a clock runs between two instants, in
// order: what somebody who waits can count on a screen. Their sum is what Elapsed
// gives of a clock that counts minutes; statutory clocks count days and have
// none.
func (c *Calendar) Stretches(k Clock, from, to time.Time) []Stretch {
	if !k.valid() || k.statutory() || !inRange(from) || !inRange(to) || !from.Before(to) {
		return nil
	}
	if k.everyMinute() {
		return []Stretch{{from.In(c.zone), to.In(c.zone)}}
	}
	var out []Stretch
	a, b := from.UnixNano(), to.UnixNano()
	n, y, i := c.at(a)
	for {
		for ; i < len(y.days); i++ {
			d := &y.days[i]
			if d.start >= b {
				return out
			}
			for _, s := range d.spans {
				if begin, end := max(a, d.start+s.from), min(b, d.start+s.to); begin < end {
					out = append(out, Stretch{time.Unix(0, begin).In(c.zone), time.Unix(0, end).In(c.zone)})
				}
			}
		}
		n, i = n+1, 0
		y = c.year(n)
	}
}

// Length is a limit as running time on this calendar: the working-day unit is
// the nominal day in force at start.
func (c *Calendar) Length(l Limit, start time.Time) time.Duration {
	return time.Duration(c.amount(l, DateOf(start.In(c.zone))))
}

// run is the running time of a clock between two instants without a pause.
func (c *Calendar) run(k Clock, a, b int64) int64 {
	if k.everyMinute() {
		return max(b-a, 0)
	}
	return c.work(a, b)
}

// runOut finds the earliest instant at which the running time is amount. When
// an open pause comes first, or the calendar ends, ok is false and left says
// what remains.
func (c *Calendar) runOut(k Clock, amount, t int64, stops []span) (due, left int64, ok bool) {
	if amount == 0 {
		return t, 0, true
	}
	for _, s := range stops {
		if s.from > t {
			ran := c.run(k, t, s.from)
			if ran >= amount {
				break
			}
			amount -= ran
		}
		t = max(t, s.to)
		if s.to == forever {
			return 0, amount, false
		}
	}
	if k.everyMinute() {
		return t + amount, amount, amount < limitOfTime-t
	}
	due, ok = c.advance(t, amount)
	return due, amount, ok
}

// limitOfTime is the first instant the engine does not answer for.
var limitOfTime = time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// A statutory day is counted when it ends with the clock running: the first
// day does not count, and a pause costs as many days as there are day ends in
// it. So the days of a pause are the day it ends less the day it began, as days
// are counted in law, and a stop within one day costs nothing.

// statutoryDue finds the end of the last day. left is in nanoseconds of whole
// units.
func (c *Calendar) statutoryDue(l Limit, start int64, stops []span) (due, left int64, ok bool) {
	n, y, i := c.at(start)
	need := int64(l.Units)
	unit := c.unit(l.Clock, y.days[i].date)
	counted := false // the day at hand is one that the limit counts
	for {
		if i++; i == len(y.days) {
			if n++; n >= lastYear {
				return 0, 0, false
			}
			y, i = c.year(n), 0
		}
		d := &y.days[i]
		end := y.dayEnd(i)
		if l.Clock == StatutoryWorkingDay {
			if !d.kind.worked() {
				continue
			}
			end = d.lastInstant()
		}
		var open bool
		stops, open, counted = stopped(stops, end)
		if open {
			return 0, max(need, 1) * unit, false
		}
		if !counted {
			continue
		}
		if need > 0 {
			need--
		}
		// A last day that is off moves to the next working day.
		if need == 0 && d.kind.worked() {
			return end, 0, true
		}
	}
}

// stopped drops pauses that end before an instant and says whether the clock
// runs at that instant or stands in an open pause. A pause up to the very
// instant still covers it: the moment before was paused.
func stopped(stops []span, end int64) (rest []span, open, running bool) {
	for len(stops) > 0 && stops[0].to < end {
		stops = stops[1:]
	}
	for _, s := range stops {
		if s.from >= end {
			break
		}
		if s.to >= end && s.from < s.to {
			return stops, s.to == forever, false
		}
	}
	return stops, false, true
}

// countDays is the number of days a statutory clock has counted.
func (c *Calendar) countDays(k Clock, start, until int64, stops []span) int {
	n, y, i := c.at(start)
	count := 0
	for {
		if i++; i == len(y.days) {
			if n++; n >= lastYear {
				return count
			}
			y, i = c.year(n), 0
		}
		if y.days[i].start >= until {
			return count
		}
		end := y.dayEnd(i)
		if k == StatutoryWorkingDay {
			if !y.days[i].kind.worked() {
				continue
			}
			end = y.days[i].lastInstant()
		}
		var running bool
		if stops, _, running = stopped(stops, end); running && end <= until {
			count++
		}
	}
}

// provisional says whether a deadline rests on a day that the holiday table
// does not know yet. Clocks that count every minute never do.
func (c *Calendar) provisional(k Clock, start, due int64) bool {
	if k.everyMinute() {
		return false
	}
	last := due
	if due > start {
		last-- // the end of a period or of a day belongs to that day
	}
	n, _, i := c.at(start)
	m, _, j := c.at(last)
	for ; n <= m; n, i = n+1, 0 {
		y := c.year(n)
		if !y.unknown {
			continue
		}
		for ; i < len(y.days) && (n < m || i <= j); i++ {
			if y.days[i].unknown {
				return true
			}
		}
	}
	return false
}

// soonest is the share and the time at which a case counts as due soon: less
// than a quarter of its limit left, or less than four working hours, whichever
// is shorter (look/LOOK.md section 2).
const (
	soonShare = 4
	soonTime  = 4 * int64(time.Hour)
)

// Near is the instant from which a clock counts as due soon (快到期); none while
// it is paused. The four hours are the clock's own running time; a statutory
// clock uses working time.
func (c *Calendar) Near(l Limit, start time.Time, pauses []Pause) (time.Time, error) {
	due, err := c.Due(l, start, pauses)
	if err != nil || due.At.IsZero() || l.zero() {
		return due.At, err
	}
	from := start.UnixNano()
	if l.Clock.statutory() {
		end := due.At.UnixNano()
		short := min(c.work(from, end)/soonShare, soonTime)
		span := int(end - from)
		back := sort.Search(span, func(n int) bool { return c.work(end-int64(n), end) >= short })
		return time.Unix(0, end-int64(back)).In(c.zone), nil
	}
	stops, err := ordered(pauses)
	if err != nil {
		return time.Time{}, err
	}
	whole := c.amount(l, DateOf(start.In(c.zone)))
	near, _, _ := c.runOut(l.Clock, whole-min(whole/soonShare, soonTime), from, stops)
	return time.Unix(0, near).In(c.zone), nil
}
