package duty

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/id"
)

// week knows no holidays: Saturday and Sunday are off, but for days that a draw
// made a holiday or a make-up day.
type week map[calendar.Date]calendar.DayKind

func (w week) Day(d calendar.Date) calendar.DayInfo {
	kind, listed := w[d]
	if !listed {
		if kind = calendar.Workday; d.Weekday() > 5 {
			kind = calendar.OffDay
		}
	}
	return calendar.DayInfo{Date: d, Kind: kind}
}

func (w week) Instant(d calendar.Date, t calendar.TimeOfDay) time.Time {
	return time.Unix(int64(d)*86400+int64(t)*60, 0).UTC()
}

// Whatever pattern and holidays: planning in two pieces gives what planning at
// once gives; every shift lies on a day of its kinds; crews follow each other in
// order without a gap, so that no crew has two turns more than another.
func TestPlanIsFairAndTheSameInPieces(t *testing.T) {
	kinds := []calendar.DayKind{calendar.Workday, calendar.MakeUpDay, calendar.OffDay, calendar.Holiday}
	rapid.Check(t, func(t *rapid.T) {
		days := week{}
		for range rapid.IntRange(0, 12).Draw(t, "listed") {
			days[calendar.Date(rapid.IntRange(20000, 20060).Draw(t, "day"))] = rapid.SampledFrom(kinds).Draw(t, "kind")
		}
		p := Pattern{Turn: rapid.SampledFrom([]Rotation{EachShift, EachDay, EachWeek}).Draw(t, "rotation"),
			Anchor: calendar.Date(rapid.IntRange(19990, 20010).Draw(t, "anchor"))}
		for n := range rapid.IntRange(1, 3).Draw(t, "kinds") {
			p.Kinds = append(p.Kinds, ShiftKind{Key: string(rune('a' + n)), Need: 1,
				From: calendar.TimeOfDay(rapid.IntRange(0, 1439).Draw(t, "from")), To: calendar.TimeOfDay(rapid.IntRange(0, 1440).Draw(t, "to")),
				Days: rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, 4, rapid.ID).Draw(t, "days")})
		}
		crews := rapid.IntRange(1, 5).Draw(t, "crews")
		for n := range crews {
			p.Crews = append(p.Crews, Crew{Persons: []id.ID{{15: byte(n + 1)}}})
		}
		from, cut, to := calendar.Date(20000), calendar.Date(rapid.IntRange(20000, 20060).Draw(t, "cut")), calendar.Date(20061)
		whole := p.plan(days, from, to)
		pieces := append(p.plan(days, from, cut), p.plan(days, cut, to)...)
		if len(whole) != len(pieces) {
			t.Fatalf("%d shifts at once, %d in pieces", len(whole), len(pieces))
		}
		last, before := -1, planned{}
		for i, s := range whole {
			if o := pieces[i]; s.Kind != o.Kind || !s.Starts.Equal(o.Starts) || len(s.crew) != len(o.crew) || len(s.crew) > 0 && s.crew[0] != o.crew[0] {
				t.Fatalf("shift %d differs: %+v %+v", i, s, o)
			}
			if !s.Ends.After(s.Starts) || s.Ends.Sub(s.Starts) > 24*time.Hour {
				t.Fatalf("shift %d lasts %v", i, s.Ends.Sub(s.Starts))
			}
			ok := false
			for _, k := range p.Kinds {
				for _, d := range k.Days {
					ok = ok || k.Key == s.Kind && d == days.Day(s.date).Kind
				}
			}
			if !ok {
				t.Fatalf("%s takes place on %s, a %s", s.Kind, s.date, days.Day(s.date).Kind)
			}
			if s.date < p.Anchor {
				if len(s.crew) > 0 {
					t.Fatalf("a crew before the first day: %s", s.date)
				}
				continue
			}
			crew := int(s.crew[0][15]) - 1
			if last >= 0 {
				same := p.Turn == EachDay && s.date == before.date ||
					p.Turn == EachWeek && s.date-calendar.Date(s.date.Weekday()) == before.date-calendar.Date(before.date.Weekday())
				want := (last + 1) % crews
				if same {
					want = last
				}
				if crew != want {
					t.Fatalf("%s on %s: crew %d after %d, want %d", s.Kind, s.date, crew, last, want)
				}
			}
			last, before = crew, s
		}
	})
}
