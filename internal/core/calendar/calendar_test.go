package calendar

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

func TestShippedHolidays(t *testing.T) {
	h := shipped(t)
	if h.LastYear() != 2026 || h.first != 2014 || len(h.years) != 13 {
		t.Fatalf("years %v, first %d", h.years, h.first)
	}
	// notes/domain.md 4c: days off and make-up days of a year's announcement.
	for year, want := range map[int][2]int{2024: {28, 8}, 2025: {28, 5}, 2026: {33, 6}} {
		b, err := os.ReadFile(filepath.Join("../../../data/holidays", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")+".json"))
		if err != nil {
			t.Fatal(err)
		}
		y, err := ReadHolidayYear(b)
		if err != nil {
			t.Fatal(err)
		}
		off := 0
		for _, d := range y.Days {
			if d.IsOffDay {
				off++
			}
		}
		if off != want[0] || len(y.Days)-off != want[1] {
			t.Errorf("%d: %d off and %d worked, want %v", year, off, len(y.Days)-off, want)
		}
	}
	if d, ok := h.Day(civil(2018, 12, 29)); !ok || d.IsOffDay {
		t.Errorf("2018-12-29 is %+v, %v", d, ok)
	}
}

func TestHolidayYearIsChecked(t *testing.T) {
	day := func(d string) HolidayDay {
		date, err := ParseDate(d)
		if err != nil {
			t.Fatal(err)
		}
		return HolidayDay{Name: "元旦", Date: date, IsOffDay: true}
	}
	for name, c := range map[string]struct {
		year HolidayYear
		want *fault.Fault
	}{
		"empty":      {HolidayYear{Year: 2027}, ErrHolidayYear},
		"no year":    {HolidayYear{Days: []HolidayDay{day("2027-01-01")}}, ErrHolidayYear},
		"twice":      {HolidayYear{Year: 2027, Days: []HolidayDay{day("2027-01-01"), day("2027-01-01")}}, ErrHolidayTwice},
		"other year": {HolidayYear{Year: 2027, Days: []HolidayDay{day("2026-01-01")}}, ErrHolidayFar},
	} {
		if err := c.year.Validate(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ok := HolidayYear{Year: 2027, Days: []HolidayDay{day("2026-12-31"), day("2027-01-01")}}
	if err := ok.Validate(); err != nil {
		t.Errorf("a date at the end of the year before: %v", err)
	}
	for _, b := range []string{``, `[]`, `{"year":"x"}`, `{"year":2027,"days":[{"date":"2027-13-01"}]}`} {
		if _, err := ReadHolidayYear([]byte(b)); fault.Of(err) == nil || fault.Of(err).Kind != fault.Invalid {
			t.Errorf("%s: %v", b, err)
		}
	}
}

// When 2027 is loaded, a deadline that rested on its weekdays moves and is no
// longer provisional; a year that is missing in the middle stays unknown.
func TestLoadingAYearSettlesIt(t *testing.T) {
	years, err := ReadHolidays(os.DirFS("../../../data/holidays"))
	if err != nil {
		t.Fatal(err)
	}
	due := func(years ...HolidayYear) Due {
		h, err := NewHolidays(years)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(shanghai(t), []Schedule{officeHours()}, h)
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Due(Limit{Clock: WorkingHour, Units: 2}, at(t, "2026-12-31 16:30:00"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := due(years...)
	if !before.Provisional || !before.At.Equal(at(t, "2027-01-01 09:30:00")) {
		t.Errorf("before: %+v", before)
	}
	next := HolidayYear{Year: 2027, Days: []HolidayDay{{"元旦", civil(2027, 1, 1), true}, {"元旦", civil(2027, 1, 2), true}, {"元旦", civil(2027, 1, 3), false}}}
	after := due(append(slices.Clone(years), next)...)
	if after.Provisional || !after.At.Equal(at(t, "2027-01-03 09:30:00")) {
		t.Errorf("after: %+v", after)
	}
	later := HolidayYear{Year: 2028, Days: []HolidayDay{{"元旦", civil(2028, 1, 1), true}}}
	if gap := due(append(slices.Clone(years), later)...); !gap.Provisional {
		t.Errorf("2027 is missing but not provisional: %+v", gap)
	}
}

func TestSchedulesAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Schedule)
		want   *fault.Fault
	}{
		"no weekday":  {func(s *Schedule) { s.Weekdays = nil }, ErrNoWeekday},
		"weekday 8":   {func(s *Schedule) { s.Weekdays = []int{8} }, ErrBadWeekday},
		"no period":   {func(s *Schedule) { s.Periods = nil }, ErrNoPeriod},
		"past 24:00":  {func(s *Schedule) { s.Periods = []Period{{0, 1441}} }, ErrPeriodOrder},
		"overlap":     {func(s *Schedule) { s.Periods = []Period{{0, 61}, {60, 120}} }, ErrPeriodOverlap},
		"key 0":       {func(s *Schedule) { s.PeriodsByWeekday = map[string][]Period{"0": {{0, 60}}} }, ErrBadWeekday},
		"key 01":      {func(s *Schedule) { s.PeriodsByWeekday = map[string][]Period{"01": {{0, 60}}} }, ErrBadWeekday},
		"empty day":   {func(s *Schedule) { s.PeriodsByWeekday = map[string][]Period{"6": {}} }, ErrNoPeriod},
		"nominal day": {func(s *Schedule) { s.NominalDayMinutes = 1441 }, ErrNominalDay},
	} {
		s := officeHours()
		c.change(&s)
		if err := s.Validate(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := New(time.UTC, []Schedule{s}, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: New says %v", name, err)
		}
	}
	if _, err := New(time.UTC, []Schedule{officeHours(), officeHours()}, nil); !errors.Is(err, ErrScheduleTwice) {
		t.Errorf("two from one day: %v", err)
	}
	if _, err := New(time.UTC, nil, nil); !errors.Is(err, ErrNoSchedule) {
		t.Errorf("none: %v", err)
	}
	if _, err := New(nil, []Schedule{officeHours()}, nil); !errors.Is(err, ErrTimeZone) {
		t.Errorf("no zone: %v", err)
	}
}

// The shape of the defaults is the shape of the type.
func TestScheduleReadsTheDefaults(t *testing.T) {
	var s Schedule
	err := json.Unmarshal([]byte(`{"valid_from":"2014-01-01","weekdays":[1,2,3,4,5,6],"periods":[{"from":"08:30","to":"12:00"},{"from":"14:00","to":"24:00"}],
		"nominal_day_minutes":390,"follows_holidays":true,"periods_by_weekday":{"6":[{"from":"08:30","to":"12:00"}]}}`), &s)
	if err != nil || s.Validate() != nil {
		t.Fatalf("%v, %v", err, s.Validate())
	}
	if s.ValidFrom.String() != "2014-01-01" || s.Periods[1].To != 24*60 || s.PeriodsByWeekday["6"][0].From != 510 {
		t.Errorf("%+v", s)
	}
	b, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(b), `"to":"24:00"`) || !strings.Contains(string(b), `"valid_from":"2014-01-01"`) {
		t.Errorf("%s, %v", b, err)
	}
}

// On days on which the zone changes its offset, hours are wall clock hours.
func TestZonesThatChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	all := Schedule{Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, Periods: []Period{{0, 24 * 60}}}
	c, err := New(berlin, []Schedule{all}, nil)
	if err != nil {
		t.Fatal(err)
	}
	midnight := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, berlin) }
	if got := c.Elapsed(WorkingHour, midnight(2026, 3, 29), midnight(2026, 3, 30), nil); got != 23*time.Hour {
		t.Errorf("the short day has %v", got)
	}
	if got := c.Elapsed(WorkingHour, midnight(2026, 10, 25), midnight(2026, 10, 26), nil); got != 25*time.Hour {
		t.Errorf("the long day has %v", got)
	}
	morning := all
	morning.Periods = []Period{{2*60 + 30, 4 * 60}}
	if c, err = New(berlin, []Schedule{morning}, nil); err != nil {
		t.Fatal(err)
	}
	if got := c.Elapsed(WorkingHour, midnight(2026, 3, 29), midnight(2026, 3, 30), nil); got != time.Hour {
		t.Errorf("02:30–04:00 without the hour from 02:00 has %v", got)
	}
	beirut, err := time.LoadLocation("Asia/Beirut") // goes from 00:00 to 01:00
	if err != nil {
		t.Fatal(err)
	}
	if c, err = New(beirut, []Schedule{all}, nil); err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 28, 12, 0, 0, 0, beirut)
	if got := c.Elapsed(WorkingHour, from, time.Date(2026, 3, 29, 12, 0, 0, 0, beirut), nil); got != 23*time.Hour {
		t.Errorf("noon to noon over a midnight that is skipped has %v", got)
	}
}

func TestResumeRefuses(t *testing.T) {
	c := testCalendar(t, officeHours())
	now := at(t, "2026-11-23 10:00:00")
	if _, err := c.Resume(StatutoryDay, time.Hour, now); !errors.Is(err, ErrClock) {
		t.Errorf("statutory: %v", err)
	}
	if _, err := c.Resume(WorkingDay, -1, now); !errors.Is(err, ErrLimit) {
		t.Errorf("below 0: %v", err)
	}
	if _, err := c.Resume(WorkingDay, 1, time.Time{}); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("no time: %v", err)
	}
	if _, err := c.Due(Limit{Clock: WorkingDay, Units: 1, Minutes: 5}, now, nil); !errors.Is(err, ErrLimit) {
		t.Errorf("units and minutes: %v", err)
	}
	if _, err := c.Due(Limit{Clock: WorkingDay, Minutes: 5}, now, nil); !errors.Is(err, ErrLimit) {
		t.Errorf("minutes of a day clock: %v", err)
	}
}

// Every fault of the room, and every text the sentences use, is there in both
// languages, with the same arguments.
func TestWords(t *testing.T) {
	zh, en := texts()[words.Chinese], texts()[words.English]
	args := regexp.MustCompile(`\{[a-z_]+\}`)
	for key, text := range zh {
		other, ok := en[key]
		if !ok {
			t.Errorf("%s is missing in English", key)
		}
		a, b := args.FindAllString(text, -1), args.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s has %v in Chinese and %v in English", key, a, b)
		}
	}
	for key := range en {
		if _, ok := zh[key]; !ok {
			t.Errorf("%s is missing in Chinese", key)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || sel.Sel.Name != "New" {
				return true
			}
			code, ok := call.Args[1].(*ast.BasicLit)
			if !ok || code.Kind != token.STRING {
				return true
			}
			codes++
			if zh[strings.Trim(code.Value, `"`)] == "" {
				t.Errorf("%s has no words", code.Value)
			}
			return true
		})
	}
	if codes < 20 {
		t.Errorf("found only %d faults", codes)
	}
}
