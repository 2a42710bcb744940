package calendar

import (
	"testing"
	"time"
)

func BenchmarkDue180WorkingDays(b *testing.B) {
	c := testCalendar(b, officeHours())
	start := at(b, "2025-03-03 16:35:12")
	pauses := []Pause{{at(b, "2025-03-10 09:00:00"), at(b, "2025-03-12 09:00:00")}}
	for b.Loop() {
		if _, err := c.Due(Limit{Clock: WorkingDay, Units: 180}, start, pauses); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDue15Minutes(b *testing.B) {
	c := testCalendar(b, officeHours())
	start := at(b, "2026-11-23 17:20:00")
	for b.Loop() {
		if _, err := c.Due(Limit{Clock: WorkingHour, Minutes: 15}, start, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatutory180(b *testing.B) {
	c := testCalendar(b, officeHours())
	start := at(b, "2025-03-03 16:35:12")
	for b.Loop() {
		if _, err := c.Due(Limit{Clock: StatutoryWorkingDay, Units: 180}, start, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExplain5WorkingDays(b *testing.B) {
	c := testCalendar(b, officeHours())
	start := at(b, "2026-09-30 16:35:12")
	for b.Loop() {
		if _, err := c.Explain(Limit{Clock: WorkingDay, Units: 5}, start, nil, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewCalendarAndFirstDue(b *testing.B) {
	holidays, zone := shipped(b), shanghai(b)
	start := at(b, "2026-11-23 17:20:00")
	for b.Loop() {
		c, err := New(zone, []Schedule{officeHours()}, holidays)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Due(Limit{Clock: WorkingDay, Units: 5}, start, nil); err != nil {
			b.Fatal(err)
		}
	}
}
