package calendar

import (
	"math"
	"slices"
	"time"

	"onegrid/internal/kit/fault"
)

// What can be wrong with a clock, a limit or a pause.
var (
	ErrClock        = fault.New(fault.Invalid, "calendar.bad_clock")
	ErrLimit        = fault.New(fault.Invalid, "calendar.bad_limit")
	ErrLimitWhole   = fault.New(fault.Invalid, "calendar.limit_not_whole")
	ErrPauseOrder   = fault.New(fault.Invalid, "calendar.pause_order")
	ErrPauseOverlap = fault.New(fault.Invalid, "calendar.pause_overlap")
)

// Clock is what a limit counts (计时方式).
type Clock string

const (
	UrgentHour          Clock = "urgent-hour"           // 紧急工作时: every minute, 60 a unit
	NaturalDay          Clock = "natural-day"           // 自然日: every minute, 1,440 a unit
	WorkingHour         Clock = "working-hour"          // 工作时: working time, 60 minutes a unit
	WorkingDay          Clock = "working-day"           // 工作日: working time, the nominal day a unit
	StatutoryDay        Clock = "statutory-day"         // 法定日: whole days after the first
	StatutoryWorkingDay Clock = "statutory-working-day" // 法定工作日: whole working days after the first
)

// Clocks lists every kind.
var Clocks = []Clock{UrgentHour, NaturalDay, WorkingHour, WorkingDay, StatutoryDay, StatutoryWorkingDay}

func (k Clock) valid() bool { return slices.Contains(Clocks, k) }

// statutory clocks count whole days after the first (法定期限).
func (k Clock) statutory() bool { return k == StatutoryDay || k == StatutoryWorkingDay }

// everyMinute clocks never look at the calendar.
func (k Clock) everyMinute() bool { return k == UrgentHour || k == NaturalDay }

// Limit is how long something may take (时限): a number of the clock's units,
// or of minutes for the two hour clocks, never both. Units may be a fraction,
// counted to the nearest millisecond; statutory clocks take whole units.
type Limit struct {
	Clock   Clock   `json:"clock"`
	Units   float64 `json:"units,omitempty" minimum:"0" maximum:"40000"`
	Minutes int64   `json:"minutes,omitempty" minimum:"0" maximum:"2400000"`
}

// maxUnits bounds a limit: 40,000 days are 109 years.
const maxUnits = 40_000

// Validate says what is wrong with a limit, or nil.
func (l Limit) Validate() error {
	if !l.Clock.valid() {
		return ErrClock.With("clock", clip(string(l.Clock)))
	}
	if math.IsNaN(l.Units) || l.Units < 0 || l.Units > maxUnits || l.Minutes < 0 || l.Minutes > maxUnits*60 {
		return ErrLimit
	}
	if l.Minutes > 0 && (l.Units > 0 || l.Clock != UrgentHour && l.Clock != WorkingHour) {
		return ErrLimit
	}
	if l.Clock.statutory() && l.Units != math.Trunc(l.Units) {
		return ErrLimitWhole
	}
	return nil
}

func (l Limit) zero() bool { return l.Units == 0 && l.Minutes == 0 }

// unit is the length of one unit of a clock in nanoseconds.
func (c *Calendar) unit(k Clock, start Date) int64 {
	switch k {
	case UrgentHour, WorkingHour:
		return 60 * minute
	case NaturalDay, StatutoryDay:
		return oneDay
	default:
		return c.on(start).nominal
	}
}

// amount is a limit in nanoseconds of running time, to the nearest millisecond.
func (c *Calendar) amount(l Limit, start Date) int64 {
	if l.Minutes > 0 {
		return l.Minutes * minute
	}
	unit := c.unit(l.Clock, start) / int64(time.Millisecond)
	return int64(math.Round(l.Units*float64(unit))) * int64(time.Millisecond)
}

// Pause is a span in which a clock stands still (停表), from inclusive, to
// exclusive. An open pause has no end yet.
type Pause struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// Open says that the clock still stands.
func (p Pause) Open() bool { return p.To.IsZero() }

// forever stands for the end of an open pause.
const forever = math.MaxInt64

// ordered checks pauses and gives them as spans of absolute nanoseconds, by
// their begin. They may touch but not overlap; an open one is the last. One
// that lies before the start of a clock is allowed and counts nothing.
func ordered(pauses []Pause) ([]span, error) {
	if len(pauses) == 0 {
		return nil, nil
	}
	out := make([]span, 0, len(pauses))
	for _, p := range pauses {
		s := span{from: p.From.UnixNano(), to: forever}
		if !inRange(p.From) || !p.Open() && !inRange(p.To) {
			return nil, ErrOutOfRange
		}
		if !p.Open() {
			s.to = p.To.UnixNano()
		}
		if s.to < s.from {
			return nil, ErrPauseOrder.With("from", p.From.Format(time.RFC3339Nano), "to", p.To.Format(time.RFC3339Nano))
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b span) int {
		if a.from != b.from {
			return cmp64(a.from, b.from)
		}
		return cmp64(a.to, b.to)
	})
	for i := 1; i < len(out); i++ {
		if out[i].from < out[i-1].to {
			return nil, ErrPauseOverlap.With("from", time.Unix(0, out[i].from).UTC().Format(time.RFC3339Nano))
		}
	}
	return out, nil
}

func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func inRange(t time.Time) bool {
	y := t.UTC().Year()
	return y > firstYear && y < lastYear
}
