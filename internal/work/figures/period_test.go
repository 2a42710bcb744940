package figures

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func days(from, to string) Period {
	read := func(s string) int64 {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			panic(err)
		}
		return dayOf(t)
	}
	return Period{read(from), read(to)}
}

// What people compare with: whole months with months, a month so far with the
// same days of the month before, anything else with the days just before.
func TestEarlierPeriods(t *testing.T) {
	for _, c := range []struct{ from, to, before0, before1, year0, year1 string }{
		{"2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28", "2025-03-01", "2025-03-31"},
		{"2026-02-01", "2026-02-28", "2026-01-01", "2026-01-31", "2025-02-01", "2025-02-28"},
		{"2024-02-01", "2024-02-29", "2024-01-01", "2024-01-31", "2023-02-01", "2023-02-28"},
		{"2026-03-01", "2026-03-30", "2026-02-01", "2026-02-28", "2025-03-01", "2025-03-30"},
		{"2026-05-01", "2026-05-12", "2026-04-01", "2026-04-12", "2025-05-01", "2025-05-12"},
		{"2026-01-01", "2026-03-31", "2025-10-01", "2025-12-31", "2025-01-01", "2025-03-31"},
		{"2026-01-01", "2026-12-31", "2025-01-01", "2025-12-31", "2025-01-01", "2025-12-31"},
		{"2026-11-03", "2026-11-30", "2026-10-06", "2026-11-02", "2025-11-03", "2025-11-30"},
		{"2024-02-29", "2024-02-29", "2024-02-28", "2024-02-28", "2023-02-28", "2023-02-28"},
	} {
		p := days(c.from, c.to)
		if got, want := p.Before(), days(c.before0, c.before1); got != want {
			t.Errorf("before %s–%s is %s–%s", c.from, c.to, Date(got.From), Date(got.To))
		}
		if got, want := p.YearBefore(), days(c.year0, c.year1); got != want {
			t.Errorf("a year before %s–%s is %s–%s", c.from, c.to, Date(got.From), Date(got.To))
		}
	}
}

// The period before ends before the period begins, whatever is chosen, and is a
// period itself.
func TestThePeriodBeforeIsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(15000, 24000).Draw(t, "from")
		p := Period{from, from + rapid.Int64Range(0, 800).Draw(t, "days")}
		for _, e := range []Period{p.Before(), p.YearBefore()} {
			if e.To < e.From || e.From >= p.From {
				t.Fatalf("%s–%s: %s–%s", Date(p.From), Date(p.To), Date(e.From), Date(e.To))
			}
		}
		if p.Before().To >= p.From {
			t.Fatalf("%s–%s overlaps with the period before", Date(p.From), Date(p.To))
		}
	})
}

// An earlier period is comparable as far as there are records of it.
func TestEarlierPeriodWithoutRecords(t *testing.T) {
	p := days("2026-03-01", "2026-03-31")
	for _, c := range []struct {
		begins string
		any    bool
		want   Known
	}{{"2026-03-01", true, Whole}, {"2026-03-02", true, Part}, {"2026-03-31", true, Part}, {"2026-04-01", true, None}, {"2026-01-01", false, None}} {
		if got := p.known(days(c.begins, c.begins).From, c.any); got != c.want {
			t.Errorf("records from %s (%v): %s", c.begins, c.any, got)
		}
	}
}

// A share without a base is no figure.
func TestNoShareWithoutABase(t *testing.T) {
	for _, r := range Rates {
		if v := r.Of(map[Measure]int64{}); v.Value != nil {
			t.Errorf("%s of nothing is %v", r.Key, *v.Value)
		}
	}
	r, _ := RateOf("on_time")
	if v := r.Of(map[Measure]int64{OnTime: 3, Timed: 4, ClosedLate: 1}); v.Value == nil || *v.Value != 0.75 {
		t.Errorf("on time: %+v", v)
	}
	if v := r.Of(map[Measure]int64{Timed: 4, ClosedLate: 4}); v.Value == nil || *v.Value != 0 {
		t.Errorf("none on time is 0, not nothing: %+v", v)
	}
}

// The measures of an act survive being one number, the score of a rating too.
func TestMeasuresAsOneNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := map[Measure]int64{}
		for _, m := range bits {
			if rapid.Bool().Draw(t, string(m)) {
				counts[m] = 1
			}
		}
		if n := rapid.Int64Range(0, 5).Draw(t, "stars"); n > 0 {
			counts[Stars] = n
		}
		a := Act{Measures: maskOf(counts)}
		for _, m := range Measures {
			if a.has(m) != counts[m] {
				t.Fatalf("%s: %d of %v", m, a.has(m), counts)
			}
		}
	})
}
