package calendar

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"onegrid/internal/kit/fault"
)

// What can be wrong with a year of holidays.
var (
	ErrHolidayYear  = fault.New(fault.Invalid, "calendar.bad_holiday_year")
	ErrHolidayTwice = fault.New(fault.Invalid, "calendar.holiday_twice")
	ErrHolidayFar   = fault.New(fault.Invalid, "calendar.holiday_other_year")
	ErrHolidayFile  = fault.New(fault.Invalid, "calendar.bad_holiday_file")
)

// HolidayYear is what the State Council announced for a year (节假日安排), in
// the shape of the shipped files (data/holidays). A date at the end of the year
// before may stand in it: 2018-12-29 to 31 were announced with 2019.
type HolidayYear struct {
	Year   int          `json:"year"`
	Papers []string     `json:"papers" doc:"addresses of the notices"`
	Days   []HolidayDay `json:"days"`
}

// HolidayDay is one listed date: off, or a make-up day that is worked (调休上班).
type HolidayDay struct {
	Name     string `json:"name"`
	Date     Date   `json:"date"`
	IsOffDay bool   `json:"isOffDay"`
}

// Validate says what is wrong with an announced year, or nil. An announcement
// without a single day is refused: it would end "provisional" wrongly (the
// source keeps an empty file for a year that is not announced yet).
func (y HolidayYear) Validate() error {
	if y.Year < firstYear || y.Year > lastYear || len(y.Days) == 0 || len(y.Days) > 366 {
		return ErrHolidayYear.With("year", strconv.Itoa(y.Year), "days", len(y.Days))
	}
	seen := map[Date]bool{}
	for _, d := range y.Days {
		if seen[d.Date] {
			return ErrHolidayTwice.With("date", d.Date.String())
		}
		seen[d.Date] = true
		december := civil(y.Year-1, 12, 1)
		january := civil(y.Year+1, 1, 31)
		if d.Date < december || d.Date > january {
			return ErrHolidayFar.With("date", d.Date.String(), "year", strconv.Itoa(y.Year))
		}
	}
	return nil
}

// Holidays is the table of all announced years (节假日表). It is immutable.
type Holidays struct {
	days  map[Date]HolidayDay
	years map[int]bool
	first int
}

// NewHolidays joins announced years. Where two years list the same date, the
// later announcement decides.
func NewHolidays(years []HolidayYear) (*Holidays, error) {
	h := &Holidays{days: map[Date]HolidayDay{}, years: map[int]bool{}}
	in := slices.Clone(years)
	slices.SortFunc(in, func(a, b HolidayYear) int { return a.Year - b.Year })
	for i, y := range in {
		if err := y.Validate(); err != nil {
			return nil, err
		}
		if i == 0 {
			h.first = y.Year
		}
		h.years[y.Year] = true
		for _, d := range y.Days {
			h.days[d.Date] = d
		}
	}
	return h, nil
}

// ReadHolidayYear reads one year in the shape of the shipped files.
func ReadHolidayYear(b []byte) (HolidayYear, error) {
	var y HolidayYear
	if err := json.Unmarshal(b, &y); err != nil {
		if f := fault.Of(err); f.Kind == fault.Invalid {
			return y, f
		}
		return y, ErrHolidayFile.Because(err)
	}
	return y, y.Validate()
}

// ReadHolidays reads every "<year>.json" of a folder.
func ReadHolidays(folder fs.FS) ([]HolidayYear, error) {
	names, err := fs.Glob(folder, "[12][0-9][0-9][0-9].json")
	if err != nil {
		return nil, fmt.Errorf("list holiday files: %w", err)
	}
	var years []HolidayYear
	for _, name := range names {
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("read holidays: %w", err)
		}
		y, err := ReadHolidayYear(b)
		if err != nil {
			return nil, fmt.Errorf("holidays %s: %w", name, err)
		}
		if strconv.Itoa(y.Year)+".json" != path.Base(name) {
			return nil, fmt.Errorf("holidays %s: %w", name, ErrHolidayYear.With("year", strconv.Itoa(y.Year)))
		}
		years = append(years, y)
	}
	return years, nil
}

// Day gives the listed day, if the date is listed.
func (h *Holidays) Day(d Date) (HolidayDay, bool) {
	if h == nil {
		return HolidayDay{}, false
	}
	day, ok := h.days[d]
	return day, ok
}

// LastYear is the last announced year, 0 when there is none.
func (h *Holidays) LastYear() int {
	last := 0
	if h != nil {
		for y := range h.years {
			last = max(last, y)
		}
	}
	return last
}

// announced says whether the year's holidays are known, or will never be
// because the table begins later. A year left out in the middle is not known.
func (h *Holidays) announced(year int) bool {
	return h == nil || h.years[year] || year < h.first
}
