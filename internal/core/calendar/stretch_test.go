package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What a screen counts down is what the clock counts: the stretches are in
// order, apart, and add up to the running time.
func TestStretchesAddUp(t *testing.T) {
	calendars := drawCalendar(t, shipped(t))
	rapid.Check(t, func(t *rapid.T) {
		c := calendars.Draw(t, "calendar")
		k := rapid.SampledFrom([]Clock{UrgentHour, NaturalDay, WorkingHour, WorkingDay}).Draw(t, "clock")
		from := time.Date(2025, 12, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 60*24*60).Draw(t, "minutes")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(1, 20*24*3600).Draw(t, "seconds")) * time.Second)
		var sum time.Duration
		last := from
		for _, s := range c.Stretches(k, from, to) {
			if s.From.Before(last) || !s.From.Before(s.To) || s.To.After(to) {
				t.Fatalf("%v to %v after %v", s.From, s.To, last)
			}
			sum, last = sum+s.To.Sub(s.From), s.To
		}
		if want := c.Elapsed(k, from, to, nil); sum != want {
			t.Fatalf("%v in stretches, %v by the clock, from %v to %v", sum, want, from, to)
		}
	})
}

func TestStretchesOverLunch(t *testing.T) {
	c := testCalendar(t, officeHours())
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, c.Zone()) }
	got := c.Stretches(WorkingHour, at(11, 0), at(14, 0))
	if len(got) != 2 || !got[0].From.Equal(at(11, 0)) || got[0].To.After(got[1].From) || !got[1].To.Equal(at(14, 0)) {
		t.Errorf("%v", got)
	}
	if c.Stretches(StatutoryWorkingDay, at(11, 0), at(14, 0)) != nil {
		t.Error("days are counted as minutes")
	}
}
