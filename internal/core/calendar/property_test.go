package calendar

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func officeHours() Schedule {
	return Schedule{
		ValidFrom: civil(2014, 1, 1), Weekdays: []int{1, 2, 3, 4, 5}, FollowsHolidays: true,
		Periods: []Period{{8*60 + 30, 12 * 60}, {13 * 60, 17*60 + 30}},
	}
}

func testCalendar(tb testing.TB, schedules ...Schedule) *Calendar {
	tb.Helper()
	c, err := New(shanghai(tb), schedules, shipped(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// GoString keeps a drawn calendar readable in a failure.
func (c *Calendar) GoString() string {
	out := c.zone.String()
	for _, h := range c.schedules {
		out += fmt.Sprintf(" %+v", *h)
	}
	return out
}

// drawCalendar makes calendars with odd periods, several schedules and zones
// that change their offset.
func drawCalendar(tb testing.TB, holidays *Holidays) *rapid.Generator[*Calendar] {
	return rapid.Custom(func(t *rapid.T) *Calendar {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"}).Draw(t, "zone"))
		if err != nil {
			tb.Fatal(err)
		}
		var schedules []Schedule
		day := civil(2014, 1, 1)
		for range rapid.IntRange(1, 3).Draw(t, "schedules") {
			s := Schedule{ValidFrom: day, FollowsHolidays: rapid.Bool().Draw(t, "follows")}
			for w := 1; w <= 7; w++ {
				if rapid.IntRange(0, 2).Draw(t, "worked") > 0 {
					s.Weekdays = append(s.Weekdays, w)
				}
			}
			if s.Weekdays == nil {
				s.Weekdays = []int{rapid.IntRange(1, 7).Draw(t, "weekday")}
			}
			s.Periods = drawPeriods(t)
			if rapid.Bool().Draw(t, "other hours") {
				s.PeriodsByWeekday = map[string][]Period{rapid.SampledFrom([]string{"1", "6", "7"}).Draw(t, "on"): drawPeriods(t)}
			}
			schedules = append(schedules, s)
			day += Date(rapid.IntRange(1, 900).Draw(t, "next"))
		}
		c, err := New(zone, schedules, holidays)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func drawPeriods(t *rapid.T) []Period {
	var out []Period
	at := 0
	for range rapid.IntRange(1, 3).Draw(t, "periods") {
		from := at + rapid.IntRange(0, 300).Draw(t, "from")
		to := from + rapid.IntRange(1, 300).Draw(t, "length")
		if to > 24*60 {
			break
		}
		out = append(out, Period{TimeOfDay(from), TimeOfDay(to)})
		at = to
	}
	if out == nil {
		out = []Period{{0, 24 * 60}}
	}
	return out
}

func drawStart(t *rapid.T) time.Time {
	ms := rapid.Int64Range(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC).UnixMilli()).Draw(t, "start")
	return time.UnixMilli(ms).UTC()
}

func drawPauses(t *rapid.T, start time.Time) []Pause {
	var out []Pause
	at := start
	for range rapid.IntRange(0, 3).Draw(t, "pauses") {
		from := at.Add(time.Duration(rapid.Int64Range(0, 4*86400_000).Draw(t, "after")) * time.Millisecond)
		at = from.Add(time.Duration(rapid.Int64Range(0, 4*86400_000).Draw(t, "for")) * time.Millisecond)
		out = append(out, Pause{from, at})
	}
	return out
}

func drawLimit(t *rapid.T, clocks ...Clock) Limit {
	l := Limit{Clock: rapid.SampledFrom(clocks).Draw(t, "clock")}
	if l.Clock.statutory() {
		l.Units = float64(rapid.IntRange(0, 30).Draw(t, "days"))
	} else {
		l.Units = float64(rapid.IntRange(0, 2000).Draw(t, "hundredths")) / 100
	}
	return l
}

var runningClocks = []Clock{UrgentHour, NaturalDay, WorkingHour, WorkingDay}

// A deadline is not before its start, and exactly the limit has run by then,
// not a millisecond sooner.
func TestDueIsWhenTheLimitHasRun(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		pauses := drawPauses(t2, start)
		l := drawLimit(t2, runningClocks...)
		due, err := c.Due(l, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		if due.At.Before(start) {
			t2.Fatalf("due %v before start %v", due.At, start)
		}
		length := c.Length(l, start)
		if ran := c.Elapsed(l.Clock, start, due.At, pauses); ran != length {
			t2.Fatalf("%v ran until %v, want %v", ran, due.At, length)
		}
		if length == 0 {
			if !due.At.Equal(start) {
				t2.Fatalf("limit 0 due %v, want %v", due.At, start)
			}
			return
		}
		if ran := c.Elapsed(l.Clock, start, due.At.Add(-time.Millisecond), pauses); ran != length-time.Millisecond {
			t2.Fatalf("%v ran a millisecond before %v, want %v", ran, due.At, length-time.Millisecond)
		}
	})
}

// More time is never due sooner, and a later start never either.
func TestDueIsMonotone(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		pauses := drawPauses(t2, start)
		l := drawLimit(t2, Clocks...)
		due, err := c.Due(l, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		more := l
		more.Units += float64(rapid.IntRange(0, 5).Draw(t2, "more"))
		longer, err := c.Due(more, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		if longer.At.Before(due.At) {
			t2.Fatalf("%v is due %v, but %v is due %v", l, due.At, more, longer.At)
		}
		next := start.Add(time.Duration(rapid.Int64Range(0, 3*86400_000).Draw(t2, "later")) * time.Millisecond)
		if l.Clock == WorkingDay && c.Length(l, start) > c.Length(l, next) {
			return // the unit itself is shorter under the later schedule
		}
		later, err := c.Due(l, next, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		if later.At.Before(due.At) {
			t2.Fatalf("start %v is due %v, but start %v is due %v", start, due.At, next, later.At)
		}
	})
}

// A clock that was paused at any moment and resumed with its remainder ends
// where the whole account with all pauses ends.
func TestResumeAgreesWithTheWholeAccount(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		l := drawLimit(t2, runningClocks...)
		stop := start.Add(time.Duration(rapid.Int64Range(0, 10*86400_000).Draw(t2, "stop")) * time.Millisecond)
		again := stop.Add(time.Duration(rapid.Int64Range(0, 10*86400_000).Draw(t2, "again")) * time.Millisecond)
		held, err := c.Due(l, start, []Pause{{From: stop}})
		if err != nil {
			t2.Fatal(err)
		}
		if !held.Paused || !held.At.IsZero() {
			t2.Fatalf("open pause gives %+v", held)
		}
		whole, err := c.Due(l, start, []Pause{{stop, again}})
		if err != nil {
			t2.Fatal(err)
		}
		if !held.RanOut.IsZero() {
			if !held.RanOut.Equal(whole.At) || held.RanOut.After(stop) {
				t2.Fatalf("ran out %v, due %v, stopped %v", held.RanOut, whole.At, stop)
			}
			return
		}
		if ran := c.Elapsed(l.Clock, start, stop, nil); ran+held.Remaining != c.Length(l, start) {
			t2.Fatalf("ran %v and %v left of %v", ran, held.Remaining, c.Length(l, start))
		}
		resumed, err := c.Resume(l.Clock, held.Remaining, again)
		if err != nil {
			t2.Fatal(err)
		}
		if !resumed.At.Equal(whole.At) {
			t2.Fatalf("resumed is due %v, the whole account %v", resumed.At, whole.At)
		}
	})
}

// Time adds up: what runs from a to c is what runs from a to b and b to c.
func TestElapsedSplits(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		a := drawStart(t2)
		pauses := drawPauses(t2, a)
		k := rapid.SampledFrom(runningClocks).Draw(t2, "clock")
		b := a.Add(time.Duration(rapid.Int64Range(0, 30*86400_000).Draw(t2, "b")) * time.Millisecond)
		d := b.Add(time.Duration(rapid.Int64Range(0, 500*86400_000).Draw(t2, "c")) * time.Millisecond)
		whole := c.Elapsed(k, a, d, pauses)
		if parts := c.Elapsed(k, a, b, pauses) + c.Elapsed(k, b, d, pauses); whole != parts {
			t2.Fatalf("%v in one piece, %v in two", whole, parts)
		}
	})
}

// Statutory deadlines end a day; at least the limit was counted by then; and the
// day they end is worked.
func TestStatutoryEndsAWorkedDay(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		pauses := drawPauses(t2, start)
		l := drawLimit(t2, StatutoryDay, StatutoryWorkingDay)
		due, err := c.Due(l, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		if l.Units == 0 {
			if !due.At.Equal(start) {
				t2.Fatalf("limit 0 due %v", due.At)
			}
			return
		}
		_, y, i := c.at(due.At.UnixNano() - 1)
		d := y.days[i]
		if !d.kind.worked() || d.date <= DateOf(start.In(c.Zone())) {
			t2.Fatalf("due %v on %v, a %s; start %v", due.At, d.date, d.kind, start)
		}
		counted := c.Elapsed(l.Clock, start, due.At, pauses)
		if l.Clock == StatutoryWorkingDay && counted != c.Length(l, start) || counted < c.Length(l, start) {
			t2.Fatalf("counted %v by %v, limit %v", counted, due.At, c.Length(l, start))
		}
	})
}

// The explanation's days add up to the limit, its segments leave no gap, and
// the counted ones last as long as the limit.
func TestExplanationAddsUp(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		pauses := drawPauses(t2, start)
		l := drawLimit(t2, Clocks...)
		e, err := c.Explain(l, start, pauses, time.Time{})
		if err != nil {
			t2.Fatal(err)
		}
		if e.Sentence.Chinese == "" || e.Sentence.English == "" {
			t2.Fatalf("no sentence: %+v", e.Sentence)
		}
		sum := int64(0)
		for _, d := range e.Days {
			sum += d.Counted
		}
		if e.Shortened { // a minute a week
			if len(e.Days) != longestExplanation || sum > e.Length {
				t2.Fatalf("shortened after %d days and %d of %d ms", len(e.Days), sum, e.Length)
			}
			return
		}
		if sum != e.Length {
			t2.Fatalf("days add up to %d of %d ms", sum, e.Length)
		}
		at, ran := start, time.Duration(0)
		for _, s := range e.Segments {
			if !s.From.Equal(at) || !s.From.Before(s.To) {
				t2.Fatalf("segment %v–%v after %v", s.From, s.To, at)
			}
			if at = s.To; s.Counted {
				ran += s.To.Sub(s.From)
			}
		}
		if !at.Equal(e.DueAt) {
			t2.Fatalf("segments end %v, due %v", at, e.DueAt)
		}
		if !l.Clock.statutory() && ran.Milliseconds() != e.Length {
			t2.Fatalf("counted segments last %v of %d ms", ran, e.Length)
		}
	})
}

// Due soon lies between start and due, with a quarter or four hours left.
func TestNear(t *testing.T) {
	h := shipped(t)
	rapid.Check(t, func(t2 *rapid.T) {
		c := drawCalendar(t, h).Draw(t2, "calendar")
		start := drawStart(t2)
		pauses := drawPauses(t2, start)
		l := drawLimit(t2, Clocks...)
		due, err := c.Due(l, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		near, err := c.Near(l, start, pauses)
		if err != nil {
			t2.Fatal(err)
		}
		if near.Before(start) || near.After(due.At) {
			t2.Fatalf("near %v, start %v, due %v", near, start, due.At)
		}
		if l.Clock.statutory() || l.zero() {
			return
		}
		left := c.Elapsed(l.Clock, near, due.At, pauses)
		if want := min(c.Length(l, start)/4, 4*time.Hour); left != want {
			t2.Fatalf("%v left at %v, want %v", left, near, want)
		}
	})
}
