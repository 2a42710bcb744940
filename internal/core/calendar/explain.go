package calendar

import (
	"time"

	"onegrid/internal/kit/words"
)

// Reason says why a segment counts or not.
type Reason string

const (
	ReasonWork      Reason = "work"          // counted
	ReasonMakeUp    Reason = "make_up_day"   // counted, on a weekend day that is worked
	ReasonFirstDay  Reason = "first_day"     // the first day of a statutory clock
	ReasonNight     Reason = "night"         // before the first or after the last period
	ReasonLunch     Reason = "lunch"         // the noon gap between two periods
	ReasonOutside   Reason = "outside_hours" // any other gap
	ReasonOffDay    Reason = "off_day"       // a weekday that the schedule does not work
	ReasonHoliday   Reason = "holiday"       // listed as off
	ReasonPause     Reason = "pause"         // the clock stood still
	ReasonMovedLast Reason = "moved"         // after a statutory last day that was off
)

// Segment is a stretch of time that counts as a whole or not at all. An open
// pause has no end.
type Segment struct {
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to,omitzero"`
	Counted bool       `json:"counted"`
	Reason  Reason     `json:"reason"`
	Holiday words.Text `json:"holiday,omitzero" doc:"name of the holiday that is off or made up for"`
}

// DayTotal is what one date adds to a clock.
type DayTotal struct {
	Date    Date       `json:"date"`
	Kind    DayKind    `json:"kind"`
	Holiday words.Text `json:"holiday,omitzero"`
	// Counted is the running time of the date, Stopped what a pause took from it.
	Counted int64 `json:"counted_ms"`
	Stopped int64 `json:"stopped_ms,omitempty"`
	// Provisional says that the holiday table does not reach the date yet.
	Provisional bool `json:"provisional,omitempty"`
}

// Explanation is why a deadline is when it is (为什么是这个时间), as data for the
// strip on screen and as a sentence of sums in both languages.
type Explanation struct {
	Limit       Limit     `json:"limit"`
	Length      int64     `json:"limit_ms" doc:"the limit as running time"`
	Start       time.Time `json:"start"`
	DueAt       time.Time `json:"due_at,omitzero"`
	Provisional bool      `json:"provisional"`
	Paused      bool      `json:"paused"`
	RanOut      time.Time `json:"ran_out,omitzero" doc:"when the limit ran out before the open pause"`
	// AsOf is the moment Used and Remaining are told for; none for the whole.
	AsOf      time.Time `json:"as_of,omitzero"`
	Used      int64     `json:"used_ms"`
	Remaining int64     `json:"remaining_ms" doc:"running time left; below 0 once overdue"`
	Stopped   int64     `json:"stopped_ms" doc:"running time that pauses left out"`
	Segments  []Segment `json:"segments"`
	// Days has one row a date, off days too; the counted times add up to the
	// limit, or to what ran before an open pause.
	Days []DayTotal `json:"days"`
	// Shortened says that the deadline lies so far away that segments and days
	// stop at the first 1,200 dates.
	Shortened bool       `json:"shortened,omitempty"`
	Sentence  words.Text `json:"sentence"`
}

const longestExplanation = 1200 // dates

// Explain tells how the deadline of a limit came about. now may be zero: then
// the whole way to the deadline is told. Codes are those of Due.
func (c *Calendar) Explain(l Limit, start time.Time, pauses []Pause, now time.Time) (Explanation, error) {
	due, err := c.Due(l, start, pauses)
	if err != nil {
		return Explanation{}, err
	}
	stops, err := ordered(pauses)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{
		Limit: l, Start: start.In(c.zone), AsOf: now,
		DueAt: due.At, Provisional: due.Provisional, Paused: due.Paused, RanOut: due.RanOut,
		Length:   int64(c.Length(l, start)) / int64(time.Millisecond),
		Segments: []Segment{}, Days: []DayTotal{},
	}
	a := &account{c: c, e: &e, stops: stops, from: start.UnixNano(), need: int64(l.Units)}
	a.until = a.from
	switch {
	case due.Paused && !due.RanOut.IsZero():
		a.until = due.RanOut.UnixNano()
	case due.Paused:
		a.until = max(a.from, stops[len(stops)-1].from)
	default:
		a.until = due.At.UnixNano()
	}
	a.walk(l.Clock)
	if due.Paused {
		open := time.Unix(0, stops[len(stops)-1].from).In(c.zone)
		if open.Before(e.Start) {
			open = e.Start
		}
		e.Segments = append(e.Segments, Segment{From: open, Reason: ReasonPause})
	}
	e.use(c, due, pauses, now)
	e.Sentence = e.say(c)
	return e, nil
}

// use fills in what has run. A clock that stands in an open pause has used what
// ran before it, whatever the hour.
func (e *Explanation) use(c *Calendar, due Due, pauses []Pause, now time.Time) {
	switch {
	case due.Paused && due.RanOut.IsZero():
		e.Remaining = due.Remaining.Milliseconds()
		e.Used = e.Length - e.Remaining
	case now.IsZero():
		e.Used, e.Remaining = e.Length, 0
	default:
		e.Used = c.Elapsed(e.Limit.Clock, e.Start, now, pauses).Milliseconds()
		e.Remaining = e.Length - e.Used
	}
}

// account walks the dates from start to the deadline and writes what each adds.
type account struct {
	c           *Calendar
	e           *Explanation
	stops       []span
	from, until int64
	need        int64 // whole days a statutory clock still counts
}

func (a *account) walk(k Clock) {
	if a.until == a.from {
		return
	}
	n, y, i := a.c.at(a.from)
	for first := true; ; first = false {
		if len(a.e.Days) == longestExplanation {
			a.e.Shortened = true
			return
		}
		d, end := &y.days[i], y.dayEnd(i)
		if d.start >= a.until {
			return
		}
		a.e.Days = append(a.e.Days, DayTotal{Date: d.date, Kind: d.kind, Holiday: HolidayName(d.holiday), Provisional: d.unknown && !k.everyMinute()})
		switch {
		case k.everyMinute():
			a.part(d.start, end, ReasonWork, "")
		case k.statutory():
			a.wholeDay(k, d, end, first)
		default:
			a.workingDay(d, end)
		}
		if i++; i == len(y.days) {
			n++
			y, i = a.c.year(n), 0
		}
	}
}

// workingDay writes the periods of a date and the gaps between them.
func (a *account) workingDay(d *day, end int64) {
	if !d.kind.worked() {
		a.part(d.start, end, offReason(d), d.holiday)
		return
	}
	at := int64(0)
	for i, s := range d.spans {
		a.part(d.start+at, d.start+s.from, gap(d.spans, i), "")
		if d.kind == MakeUpDay {
			a.part(d.start+s.from, d.start+s.to, ReasonMakeUp, d.holiday)
		} else {
			a.part(d.start+s.from, d.start+s.to, ReasonWork, "")
		}
		at = s.to
	}
	a.part(d.start+at, end, gap(d.spans, len(d.spans)), "")
}

func offReason(d *day) Reason {
	if d.kind == Holiday {
		return ReasonHoliday
	}
	return ReasonOffDay
}

// gap names the time before period i, or after the last one, as people do.
func gap(spans []span, i int) Reason {
	hour := int64(time.Hour)
	switch {
	case i == 0 && spans[0].from <= 11*hour, i == len(spans) && spans[i-1].to >= 15*hour:
		return ReasonNight
	case i == 0 || i == len(spans):
		return ReasonOutside
	}
	from, to := spans[i-1].to, spans[i].from
	if from <= 13*hour && to >= 12*hour && to-from <= 4*hour {
		return ReasonLunch
	}
	return ReasonOutside
}

// wholeDay writes a date of a statutory clock.
func (a *account) wholeDay(k Clock, d *day, end int64, first bool) {
	last := end
	if k == StatutoryWorkingDay && d.kind.worked() {
		last = d.lastInstant()
	}
	switch _, _, running := stopped(a.stops, last); {
	case first:
		a.write(d.start, end, ReasonFirstDay, "", false)
	case k == StatutoryWorkingDay && !d.kind.worked():
		a.write(d.start, end, offReason(d), d.holiday, false)
	case !running:
		a.write(d.start, end, ReasonPause, "", false)
		a.e.Days[len(a.e.Days)-1].Stopped = a.unitMS(k)
		a.e.Stopped += a.unitMS(k)
	case a.need == 0:
		a.write(d.start, end, ReasonMovedLast, "", false)
	default:
		a.need--
		reason, holiday := ReasonWork, ""
		if k == StatutoryWorkingDay && d.kind == MakeUpDay {
			reason, holiday = ReasonMakeUp, d.holiday
		}
		a.write(d.start, end, reason, holiday, true)
		a.e.Days[len(a.e.Days)-1].Counted = a.unitMS(k)
	}
}

func (a *account) unitMS(k Clock) int64 {
	return a.c.unit(k, DateOf(a.e.Start)) / int64(time.Millisecond)
}

// part writes a stretch of a date, cut by the pauses that lie in it.
func (a *account) part(from, to int64, r Reason, holiday string) {
	from, to = max(from, a.from), min(to, a.until)
	counts := r == ReasonWork || r == ReasonMakeUp
	for _, s := range a.stops {
		if s.to <= from || s.from >= to || s.from == s.to {
			continue
		}
		a.tally(from, s.from, r, holiday, counts)
		cut := min(s.to, to)
		if counts {
			lost := (cut - max(from, s.from)) / int64(time.Millisecond)
			a.e.Days[len(a.e.Days)-1].Stopped += lost
			a.e.Stopped += lost
		}
		a.write(max(from, s.from), cut, ReasonPause, "", false)
		from = cut
	}
	a.tally(from, to, r, holiday, counts)
}

func (a *account) tally(from, to int64, r Reason, holiday string, counts bool) {
	if from >= to {
		return
	}
	if counts {
		a.e.Days[len(a.e.Days)-1].Counted += (to - from) / int64(time.Millisecond)
	}
	a.write(from, to, r, holiday, counts)
}

// write adds a segment, or makes the last one longer when it says the same.
func (a *account) write(from, to int64, r Reason, holiday string, counted bool) {
	from, to = max(from, a.from), min(to, a.until)
	if from >= to {
		return
	}
	s := Segment{From: time.Unix(0, from).In(a.c.zone), To: time.Unix(0, to).In(a.c.zone), Counted: counted, Reason: r, Holiday: HolidayName(holiday)}
	if n := len(a.e.Segments); n > 0 {
		last := &a.e.Segments[n-1]
		if last.Reason == r && last.Counted == counted && last.Holiday == s.Holiday && last.To.Equal(s.From) {
			last.To = s.To
			return
		}
	}
	a.e.Segments = append(a.e.Segments, s)
}
