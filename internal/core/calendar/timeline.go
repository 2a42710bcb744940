package calendar

import (
	"sort"
	"time"
)

// DayKind says why a day is worked or not.
type DayKind string

const (
	Workday   DayKind = "workday"     // 工作日
	MakeUpDay DayKind = "make_up_day" // 调休上班日
	OffDay    DayKind = "off_day"     // 休息日
	Holiday   DayKind = "holiday"     // 节假日
)

func (k DayKind) worked() bool { return k == Workday || k == MakeUpDay }

// day is one date as the calendar works it.
type day struct {
	date    Date
	start   int64 // first instant of the date
	spans   []span
	kind    DayKind
	holiday string // name of the holiday or of the one it makes up for
	// unknown says that the day follows the holiday table and that the table
	// does not reach it yet.
	unknown bool
}

// lastInstant is the end of the day's last period; only for a worked day.
func (d *day) lastInstant() int64 { return d.start + d.spans[len(d.spans)-1].to }

// year holds the working time of each day as running sums.
type year struct {
	days    []day
	end     int64   // first instant of the next year
	before  []int64 // working time of the year before day i; one more for its end
	unknown bool    // some day is unknown
}

func (y *year) sum() int64 { return y.before[len(y.days)] }

// dayEnd is the first instant of the following day.
func (y *year) dayEnd(i int) int64 {
	if i+1 < len(y.days) {
		return y.days[i+1].start
	}
	return y.end
}

// year gives the table of a year and makes it when first asked. Two callers may
// make the same one; the tables are equal.
func (c *Calendar) year(n int) *year {
	slot := &c.years[n-firstYear]
	if y := slot.Load(); y != nil {
		return y
	}
	y := c.makeYear(n)
	slot.Store(y)
	return y
}

func (c *Calendar) makeYear(n int) *year {
	first, next := civil(n, 1, 1), civil(n+1, 1, 1)
	y := &year{
		days:   make([]day, 0, next-first),
		end:    next.in(c.zone, 0).UnixNano(),
		before: make([]int64, 1, next-first+1),
	}
	announced := c.holidays.announced(n)
	begin := first.in(c.zone, 0).UnixNano()
	for d := first; d < next; d++ {
		end := (d + 1).in(c.zone, 0).UnixNano()
		it := c.makeDay(d, begin, end, announced)
		sum := y.before[len(y.before)-1]
		for _, s := range it.spans {
			sum += s.to - s.from
		}
		y.unknown = y.unknown || it.unknown
		y.days = append(y.days, it)
		y.before = append(y.before, sum)
		begin = end
	}
	return y
}

func (c *Calendar) makeDay(d Date, begin, end int64, announced bool) day {
	h := c.on(d)
	w := d.Weekday()
	it := day{date: d, start: begin, kind: OffDay}
	if h.works[w] {
		it.kind = Workday
	}
	if h.follows {
		listed, ok := c.holidays.Day(d)
		switch {
		case ok && listed.IsOffDay:
			it.kind, it.holiday = Holiday, listed.Name
		case ok:
			// A make-up day uses Monday's periods (DESIGN.md section 7).
			it.kind, it.holiday, w = MakeUpDay, listed.Name, 1
		default:
			it.unknown = !announced
		}
	}
	if !it.kind.worked() {
		return it
	}
	it.spans = h.spans[w]
	if end-begin != oneDay {
		it.spans = c.shifted(d, begin, end, it.spans)
	}
	return it
}

// shifted reads periods on a day on which the zone changes its offset.
func (c *Calendar) shifted(d Date, begin, end int64, in []span) []span {
	out := make([]span, 0, len(in))
	last := int64(0)
	for _, s := range in {
		from := d.in(c.zone, int(s.from/minute)).UnixNano() - begin
		to := d.in(c.zone, int(s.to/minute)).UnixNano() - begin
		from, to = max(from, last), min(to, end-begin)
		to = max(from, to)
		out = append(out, span{from, to})
		last = to
	}
	return out
}

// at gives the year and the index of the day in which an instant lies.
func (c *Calendar) at(t int64) (n int, y *year, i int) {
	wall := time.Unix(0, t).In(c.zone)
	n = wall.Year()
	y = c.year(n)
	i = wall.YearDay() - 1
	return n, y, i
}

// done is the working time of the day before an offset into it.
func (d *day) done(offset int64) int64 {
	sum := int64(0)
	for _, s := range d.spans {
		if offset <= s.from {
			break
		}
		sum += min(offset, s.to) - s.from
	}
	return sum
}

// work is the working time from a to b.
func (c *Calendar) work(a, b int64) int64 {
	if b <= a {
		return 0
	}
	an, ay, ai := c.at(a)
	bn, by, bi := c.at(b)
	sum := by.before[bi] + by.days[bi].done(b-by.days[bi].start)
	sum -= ay.before[ai] + ay.days[ai].done(a-ay.days[ai].start)
	for n := an; n < bn; n++ {
		sum += c.year(n).sum()
	}
	return sum
}

// advance is the earliest instant at which the working time since t is amount,
// which is more than 0. ok is false when the calendar ends before.
func (c *Calendar) advance(t, amount int64) (due int64, ok bool) {
	n, y, i := c.at(t)
	goal := y.before[i] + y.days[i].done(t-y.days[i].start) + amount
	for goal > y.sum() {
		goal -= y.sum()
		if n++; n >= lastYear {
			return 0, false
		}
		y = c.year(n)
	}
	i = sort.Search(len(y.days), func(i int) bool { return y.before[i+1] >= goal })
	d := &y.days[i]
	left := goal - y.before[i]
	for _, s := range d.spans {
		if length := s.to - s.from; left > length {
			left -= length
			continue
		}
		return d.start + s.from + left, true
	}
	// Not reached: the day's working time is the sum of its spans.
	return 0, false
}

// DayInfo is what a date is to a calendar.
type DayInfo struct {
	Date        Date    `json:"date"`
	Kind        DayKind `json:"kind"`
	Holiday     string  `json:"holiday,omitempty" doc:"the holiday, or the one that a make-up day belongs to"`
	Provisional bool    `json:"provisional,omitempty" doc:"the year's holidays are not announced yet"`
}

// Day says whether a date is worked and why. Dates outside the years that the
// engine answers for are days off.
func (c *Calendar) Day(d Date) DayInfo {
	n := d.Year()
	if n < firstYear || n > lastYear {
		return DayInfo{Date: d, Kind: OffDay}
	}
	it := c.year(n).days[d.utc().YearDay()-1]
	return DayInfo{Date: d, Kind: it.kind, Holiday: it.holiday, Provisional: it.unknown}
}

// Instant is when the clock of the calendar's zone shows a time of day on a
// date.
func (c *Calendar) Instant(d Date, t TimeOfDay) time.Time { return d.in(c.zone, int(t)) }

// DateOn is the date that the clock of the calendar's zone shows at an instant.
func (c *Calendar) DateOn(at time.Time) Date { return DateOf(at.In(c.zone)) }
