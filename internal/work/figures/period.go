package figures

import "time"

// Period is a span of days, both included.
type Period struct{ From, To int64 }

func (p Period) days() int64 { return p.To - p.From + 1 }

func dateOf(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// back is a date some months earlier; the 31st becomes the last day of a shorter
// month.
func back(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// monthEnd says whether a date is the last of its month.
func monthEnd(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }

// shifted is the period some months earlier; what ended with a month still does.
func (p Period) shifted(months int) Period {
	from, to := dateOf(p.From), dateOf(p.To)
	end := back(to, months)
	if monthEnd(to) && from.Day() == 1 {
		end = time.Date(end.Year(), end.Month()+1, 0, 0, 0, 0, 0, time.UTC)
	}
	return Period{dayOf(back(from, months)), dayOf(end)}
}

// Before is the period that 环比 compares with: of whole months, or of a month so
// far, the same days of as many months earlier; of anything else the same number
// of days just before.
func (p Period) Before() Period {
	from, to := dateOf(p.From), dateOf(p.To)
	if from.Day() == 1 {
		months := (to.Year()-from.Year())*12 + int(to.Month()-from.Month()) + 1
		if months == 1 || monthEnd(to) {
			return p.shifted(months)
		}
	}
	return Period{p.From - p.days(), p.From - 1}
}

// YearBefore is the period that 同比 compares with: the same days a year earlier.
func (p Period) YearBefore() Period { return p.shifted(12) }

// Known says how much of a period the records cover (数据情况).
type Known string

// How much is known.
const (
	Whole Known = "whole" // all of it
	Part  Known = "part"  // the records begin within it
	None  Known = "none"  // they begin after it
)

func (p Period) known(begins int64, any bool) Known {
	switch {
	case !any || begins > p.To:
		return None
	case begins > p.From:
		return Part
	}
	return Whole
}
