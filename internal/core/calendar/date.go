package calendar

import "time"

// Date is a day of the calendar without a time zone (日期), counted from
// 1970-01-01 and written "2026-05-01".
type Date int32

// DateOf gives the date that an instant has on a wall clock in its own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return civil(y, m, d)
}

func civil(y int, m time.Month, d int) Date {
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDate reads "YYYY-MM-DD".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return 0, ErrDate.With("date", clip(s))
	}
	return DateOf(t), nil
}

func (d Date) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Year is the year of the date.
func (d Date) Year() int { return d.utc().Year() }

// Weekday is 1 for Monday to 7 for Sunday.
func (d Date) Weekday() int {
	// 1970-01-01 was a Thursday, weekday 4.
	w := (int(d) + 3) % 7
	if w < 0 {
		w += 7
	}
	return w + 1
}

func (d Date) String() string { return d.utc().Format(time.DateOnly) }

// MarshalText writes "YYYY-MM-DD".
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "YYYY-MM-DD".
func (d *Date) UnmarshalText(b []byte) error {
	v, err := ParseDate(string(b))
	*d = v
	return err
}

// in gives the instant at which a wall clock in the zone shows the date and
// the minutes since midnight (1440 is the next midnight). A wall time that a
// change of the zone skips is the instant of that change.
func (d Date) in(zone *time.Location, minutes int) time.Time {
	y, m, day := d.utc().Date()
	t := time.Date(y, m, day, 0, minutes, 0, 0, zone)
	want := time.Date(y, m, day, 0, minutes, 0, 0, time.UTC)
	_, offset := t.Zone()
	shown := t.Unix() + int64(offset)
	if shown == want.Unix() {
		return t
	}
	begins, ends := t.ZoneBounds()
	if shown > want.Unix() {
		return begins.In(zone)
	}
	return ends.In(zone)
}
