// Package calendar owns working time (工作时间): when a district and its
// departments work, which days the State Council gives off or has worked, and
// when a limit that began at some instant is due. Every deadline of OneGrid is
// computed here, and every deadline can explain itself as data and as one
// sentence in both languages.
//
// The engine is pure: a Calendar is an immutable value made from schedules and
// a holiday table, and Due, Running and Explain touch no database and no
// clock. They run inside the write path, so a Calendar keeps the working time
// of each year as running sums and finds a deadline by binary search.
//
// Rules: DESIGN.md section 7; where they come from: notes/domain.md 2c and 4c.
//
//   - A day is worked when the holiday table says so; any other day follows
//     the weekdays of the schedule in force. A schedule may ignore the table.
//   - A make-up day uses Monday's periods.
//   - Due is the earliest instant t ≥ start at which the running time since
//     start, pauses left out, equals the limit.
//   - A working day as a unit is the nominal day of the schedule in force on
//     the day the clock starts.
//   - The earliest schedule also serves all dates before its first day, so that
//     an imported old case has a deadline.
package calendar

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
	_ "time/tzdata" // a small server has no zone files of its own

	"onegrid/internal/kit/fault"
)

// What can be wrong with a calendar.
var (
	ErrNoSchedule    = fault.New(fault.Invalid, "calendar.no_schedule")
	ErrScheduleTwice = fault.New(fault.Invalid, "calendar.schedule_twice")
	ErrNoWeekday     = fault.New(fault.Invalid, "calendar.no_weekday")
	ErrBadWeekday    = fault.New(fault.Invalid, "calendar.bad_weekday")
	ErrNoPeriod      = fault.New(fault.Invalid, "calendar.no_period")
	ErrPeriodOrder   = fault.New(fault.Invalid, "calendar.period_order")
	ErrPeriodOverlap = fault.New(fault.Invalid, "calendar.period_overlap")
	ErrNominalDay    = fault.New(fault.Invalid, "calendar.bad_nominal_day")
	ErrTimeOfDay     = fault.New(fault.Invalid, "calendar.bad_time_of_day")
	ErrDate          = fault.New(fault.Invalid, "calendar.bad_date")
	ErrTimeZone      = fault.New(fault.Invalid, "calendar.bad_time_zone")
	ErrOutOfRange    = fault.New(fault.Invalid, "calendar.out_of_range")
)

// The engine counts nanoseconds in 64 bits and answers for these years only.
const (
	firstYear = 1900
	lastYear  = 2200
)

// TimeOfDay is a time on the wall clock in minutes since midnight, written
// "08:30". "24:00" is the end of the day and allowed where a period ends.
type TimeOfDay int

// ParseTimeOfDay reads "HH:MM".
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	bad := ErrTimeOfDay.With("time", clip(s))
	if len(s) != 5 || s[2] != ':' {
		return 0, bad
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, bad
		}
	}
	h := int(s[0]-'0')*10 + int(s[1]-'0')
	m := int(s[3]-'0')*10 + int(s[4]-'0')
	if m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, bad
	}
	return TimeOfDay(h*60 + m), nil
}

func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText writes "HH:MM".
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads "HH:MM".
func (t *TimeOfDay) UnmarshalText(b []byte) error {
	v, err := ParseTimeOfDay(string(b))
	*t = v
	return err
}

// Period is one span of work within a day (工作时段), from inclusive, to
// exclusive. Work through midnight is two periods of two days.
type Period struct {
	From TimeOfDay `json:"from"`
	To   TimeOfDay `json:"to"`
}

// Schedule is the working hours of a calendar from a day on (作息时间):
// summer and winter hours are two schedules.
type Schedule struct {
	ValidFrom Date     `json:"valid_from"`
	Weekdays  []int    `json:"weekdays" doc:"days that are worked, 1 = Monday to 7 = Sunday"`
	Periods   []Period `json:"periods"`
	// PeriodsByWeekday gives other hours to single weekdays, "1" to "7".
	PeriodsByWeekday map[string][]Period `json:"periods_by_weekday,omitempty"`
	// NominalDayMinutes is the length of one working day as a unit of a limit
	// (标准工作日时长); 0 means the sum of Periods.
	NominalDayMinutes int `json:"nominal_day_minutes,omitempty" minimum:"0" maximum:"1440"`
	// FollowsHolidays is false for a duty desk that works by weekday alone.
	FollowsHolidays bool `json:"follows_holidays"`
}

// Calendar answers when somebody works (工作日历). It is immutable to its
// callers and safe for use by many at once.
type Calendar struct {
	zone      *time.Location
	schedules []*hours // by first day
	holidays  *Holidays
	years     [lastYear - firstYear + 1]atomic.Pointer[year]
}

// hours is a schedule made ready for counting.
type hours struct {
	from    Date
	works   [8]bool   // by weekday 1 to 7
	spans   [8][]span // by weekday, whether worked or not
	nominal int64     // nanoseconds of one working day as a unit
	follows bool
}

// span is a part of a day in nanoseconds after the day's first instant.
type span struct{ from, to int64 }

const (
	minute = int64(time.Minute)
	oneDay = 24 * int64(time.Hour)
)

// New makes a calendar from its schedules. Their order does not matter; no two
// may begin on the same day. holidays may be nil: then weekdays alone decide
// and nothing is provisional.
func New(zone *time.Location, schedules []Schedule, holidays *Holidays) (*Calendar, error) {
	if zone == nil {
		return nil, ErrTimeZone
	}
	if len(schedules) == 0 {
		return nil, ErrNoSchedule
	}
	c := &Calendar{zone: zone, holidays: holidays}
	for _, s := range schedules {
		h, err := s.ready()
		if err != nil {
			return nil, err
		}
		c.schedules = append(c.schedules, h)
	}
	slices.SortFunc(c.schedules, func(a, b *hours) int { return int(a.from) - int(b.from) })
	for i := 1; i < len(c.schedules); i++ {
		if c.schedules[i].from == c.schedules[i-1].from {
			return nil, ErrScheduleTwice.With("date", c.schedules[i].from.String())
		}
	}
	return c, nil
}

// Zone is the time zone in which the calendar reads its hours.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Validate says what is wrong with a schedule, or nil.
func (s Schedule) Validate() error {
	_, err := s.ready()
	return err
}

func (s Schedule) ready() (*hours, error) {
	h := &hours{from: s.ValidFrom, follows: s.FollowsHolidays}
	if len(s.Weekdays) == 0 {
		return nil, ErrNoWeekday
	}
	for _, w := range s.Weekdays {
		if w < 1 || w > 7 || h.works[w] {
			return nil, ErrBadWeekday.With("weekday", w)
		}
		h.works[w] = true
	}
	base, sum, err := spansOf(s.Periods)
	if err != nil {
		return nil, err
	}
	for w := 1; w <= 7; w++ {
		h.spans[w] = base
	}
	for _, key := range slices.Sorted(maps.Keys(s.PeriodsByWeekday)) {
		w, err := strconv.Atoi(key)
		if err != nil || w < 1 || w > 7 || len(key) != 1 {
			return nil, ErrBadWeekday.With("weekday", clip(key))
		}
		if h.spans[w], _, err = spansOf(s.PeriodsByWeekday[key]); err != nil {
			return nil, err
		}
	}
	h.nominal = sum
	if s.NominalDayMinutes < 0 || s.NominalDayMinutes > 24*60 {
		return nil, ErrNominalDay.With("minutes", s.NominalDayMinutes)
	}
	if s.NominalDayMinutes > 0 {
		h.nominal = int64(s.NominalDayMinutes) * minute
	}
	return h, nil
}

// spansOf checks periods and gives them in order, touching ones joined, with
// their sum.
func spansOf(periods []Period) (spans []span, sum int64, err error) {
	if len(periods) == 0 {
		return nil, 0, ErrNoPeriod
	}
	in := slices.Clone(periods)
	slices.SortFunc(in, func(a, b Period) int { return int(a.From) - int(b.From) })
	for i, p := range in {
		if p.From < 0 || p.To > 24*60 || p.From >= p.To {
			return nil, 0, ErrPeriodOrder.With("from", p.From.String(), "to", p.To.String())
		}
		s := span{int64(p.From) * minute, int64(p.To) * minute}
		sum += s.to - s.from
		switch {
		case i > 0 && p.From < in[i-1].To:
			return nil, 0, ErrPeriodOverlap.With("from", p.From.String(), "to", p.To.String())
		case i > 0 && p.From == in[i-1].To:
			spans[len(spans)-1].to = s.to
		default:
			spans = append(spans, s)
		}
	}
	return spans, sum, nil
}

// on gives the hours in force on a day.
func (c *Calendar) on(d Date) *hours {
	for i := len(c.schedules) - 1; i > 0; i-- {
		if c.schedules[i].from <= d {
			return c.schedules[i]
		}
	}
	return c.schedules[0]
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
