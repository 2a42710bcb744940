package figures

import "testing"

// Whatever days are asked for, they are refused or make periods that can be
// compared with: as long, and before.
func FuzzPeriod(f *testing.F) {
	for _, s := range [][2]string{{"2026-11-01", "2026-11-30"}, {"2024-02-29", "2024-02-29"}, {"0001-01-01", "9999-12-31"}, {"2026-11-31", ""}, {"1969-12-31", "1970-01-01"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		a, err := parseDay(from, 20_000)
		if err != nil {
			return
		}
		b, err := parseDay(to, 20_000)
		if err != nil || a > b {
			return
		}
		p := Period{a, b}
		for _, q := range []Period{p.Before(), p.YearBefore()} {
			if q.From > q.To || q.To >= p.To {
				t.Fatalf("%s to %s is compared with %s to %s", dateOf(a), dateOf(b), dateOf(q.From), dateOf(q.To))
			}
		}
		if q := p.Before(); q.To >= p.From {
			t.Fatalf("%s to %s overlaps what it is compared with: %s to %s", dateOf(a), dateOf(b), dateOf(q.From), dateOf(q.To))
		}
	})
}
