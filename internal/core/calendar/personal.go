package calendar

import (
	"onegrid/internal/kit/personal"
)

// Personal declares what this room stores about people: nothing.
func Personal() personal.Room {
	return personal.Room{Name: "calendar", Plain: []string{"cal_calendar", "cal_schedule", "cal_holiday_year", "cal_holiday"}}
}
