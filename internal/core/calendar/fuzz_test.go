package calendar

import (
	"testing"

	"onegrid/internal/kit/fault"
)

// Whatever is called a date or a time of day, it is refused or written back as
// it stood.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-11-27", "2026-02-29", "0000-00-00", "9999-12-31", "24:00", "08:60", "-1:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDate(s); err == nil && d.String() != s {
			t.Fatalf("%q became %s", s, d)
		}
		if c, err := ParseTimeOfDay(s); err == nil && c.String() != s {
			t.Fatalf("%q became %s", s, c)
		}
	})
}

// Whatever file is called a year of holidays, it is refused by name or can be
// counted with.
func FuzzHolidayYear(f *testing.F) {
	f.Add([]byte(`{"year":2027,"days":[{"date":"2027-01-01","name":"元旦","off":true},{"date":"2026-12-31"}]}`))
	f.Add([]byte(`{"year":9223372036854775807,"days":[{"date":"0001-01-01"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		y, err := ReadHolidayYear(raw)
		if err == nil {
			_, err = NewHolidays([]HolidayYear{y})
		}
		if err != nil && fault.Of(err).Kind != fault.Invalid {
			t.Fatal(err)
		}
	})
}
