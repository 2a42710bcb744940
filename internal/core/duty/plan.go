package duty

import (
	"cmp"
	"slices"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/id"
)

// longestPlan is how many days are planned at once.
const longestPlan = 92

// oldestAnchor is how far back the counting of crews may begin, in days.
const oldestAnchor = 5 * 366

// Days tells a roster what kind a day is and when its hours are; a
// *calendar.Calendar does.
type Days interface {
	Day(d calendar.Date) calendar.DayInfo
	Instant(d calendar.Date, t calendar.TimeOfDay) time.Time
}

// planned is a shift as the pattern makes it, with the crew whose turn it is.
type planned struct {
	Shift
	date        calendar.Date
	crew        []id.ID
	provisional bool // past the last announced year
}

// plan lists the shifts that begin on the days from a date up to before another,
// in the order of time, each with its crew. The crews are counted from the
// anchor over the shifts, days or weeks that take place, so that a holiday
// without a shift costs nobody a turn and the same days always get the same
// crews, whatever was planned before.
func (p Pattern) plan(days Days, from, to calendar.Date) []planned {
	kinds := slices.Clone(p.Kinds)
	slices.SortStableFunc(kinds, func(a, b ShiftKind) int { return cmp.Compare(a.From, b.From) })
	var out []planned
	first := min(from, p.Anchor)
	count, lastWeek := -1, calendar.Date(0)
	for d := first; d < to; d++ {
		info := days.Day(d)
		counted := d >= p.Anchor
		fresh := true // the first shift of the day
		for _, k := range kinds {
			if !slices.Contains(k.Days, info.Kind) {
				continue
			}
			if counted {
				week := d - calendar.Date(d.Weekday())
				if p.Turn == EachShift || p.Turn == EachDay && fresh || p.Turn == EachWeek && (count < 0 || week != lastWeek) {
					count++
				}
				lastWeek, fresh = week, false
			}
			if d < from {
				continue
			}
			end := d
			if k.To <= k.From {
				end++
			}
			s := planned{date: d, provisional: info.Provisional, Shift: Shift{
				Kind: k.Key, Starts: days.Instant(d, k.From), Ends: days.Instant(end, k.To), Need: k.Need,
			}}
			if counted && len(p.Crews) > 0 {
				s.crew = p.Crews[count%len(p.Crews)].Persons
			}
			out = append(out, s)
		}
	}
	return out
}
