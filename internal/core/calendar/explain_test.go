package calendar

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, shanghai(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func explain(t *testing.T, c *Calendar, l Limit, start string, now string, pauses ...Pause) Explanation {
	t.Helper()
	var moment time.Time
	if now != "" {
		moment = at(t, now)
	}
	e, err := c.Explain(l, at(t, start), pauses, moment)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The sentences as a person reads them; the first is the case of
// look/mocks/desk-work.html.
func TestSentences(t *testing.T) {
	c := testCalendar(t, officeHours())
	pause := Pause{at(t, "2026-11-23 17:05:00"), at(t, "2026-11-23 17:25:00")}
	cases := []struct {
		name       string
		limit      Limit
		start, now string
		pauses     []Pause
		zh, en     string
	}{
		{"the desk's case", Limit{Clock: WorkingDay, Units: 1}, "2026-11-23 16:35:00", "2026-11-24 09:42:00", []Pause{pause},
			"时限 1 个工作日（8 小时）。已用 1 小时 47 分，停表 20 分，夜里和午休不计。",
			"Limit: 1 working day (8 h). Used 1 h 47 min; stopped 20 min; not counted: nights and lunch."},
		{"the whole way", Limit{Clock: WorkingDay, Units: 3}, "2026-09-30 16:30:00", "", nil,
			"时限 3 个工作日（24 小时）。到 10月10日 16:30 计满，国庆节 7 天、夜里和午休不计，10月10日调休上班，照计。",
			"Limit: 3 working days (24 h). Runs out 16:30 on 10 October; not counted: 7 days of National Day, nights and lunch; 10 October counts as a make-up day."},
		{"a weekend", Limit{Clock: WorkingHour, Units: 2}, "2026-11-27 16:30:00", "", nil,
			"时限 2 个工作小时。到 11月30日 09:30 计满，休息日 2 天和夜里不计。",
			"Limit: 2 working hours. Runs out 09:30 on 30 November; not counted: 2 days off and nights."},
		{"day and night", Limit{Clock: UrgentHour, Minutes: 15}, "2026-11-27 23:50:00", "", nil,
			"时限 15 分钟（昼夜连续计）。到 11月28日 00:05 计满。",
			"Limit: 15 minutes, day and night. Runs out 00:05 on 28 November."},
		{"days and hours", Limit{Clock: NaturalDay, Units: 7}, "2026-11-20 08:00:00", "2026-11-23 10:30:00", nil,
			"时限 7 个自然日。已用 3 天 2 小时。",
			"Limit: 7 calendar days. Used 3 days 2 h."},
		{"provisional", Limit{Clock: WorkingDay, Units: 1}, "2026-12-31 16:00:00", "", nil,
			"时限 1 个工作日（8 小时）。到 2027年1月1日 16:00 计满，夜里和午休不计。暂定，2027 年假日公布后重算。",
			"Limit: 1 working day (8 h). Runs out 16:00 on 1 January 2027; not counted: nights and lunch. Provisional until the holidays of 2027 are announced."},
		{"stopped", Limit{Clock: WorkingDay, Units: 1}, "2026-11-23 16:35:00", "2026-11-25 10:00:00", []Pause{{From: at(t, "2026-11-24 08:40:30")}},
			"时限 1 个工作日（8 小时）。已用 1 小时 5 分，夜里不计。正在停表，还剩 6 小时 54 分，恢复后重新算出到期时间。",
			"Limit: 1 working day (8 h). Used 1 h 5 min; not counted: nights. The clock is stopped with 6 h 54 min left; the due time is worked out when it runs again."},
		{"late before it was stopped", Limit{Clock: UrgentHour, Units: 1}, "2026-11-23 09:00:00", "", []Pause{{From: at(t, "2026-11-23 11:00:00")}},
			"时限 1 小时（昼夜连续计）。已用 1 小时。正在停表；停表前已在 11月23日 10:00 到期。",
			"Limit: 1 hour, day and night. Used 1 h. The clock is stopped; it had run out before, 10:00 on 23 November."},
		{"statutory, last day moved", Limit{Clock: StatutoryDay, Units: 5}, "2026-11-23 10:00:00", "", nil,
			"时限 5 日（法定期限）。到 11月30日 24:00 计满，首日不计，末日遇休，顺延到下一个工作日。",
			"Limit: 5 days by law. Runs out 24:00 on 30 November; not counted: the first day; the last day was off, so it moved to the next working day."},
		{"statutory working days", Limit{Clock: StatutoryWorkingDay, Units: 5}, "2026-11-23 10:00:00", "2026-11-25 18:00:00", []Pause{{at(t, "2026-11-24 10:00:00"), at(t, "2026-11-25 09:00:00")}},
			"时限 5 个工作日（法定期限）。已用 1 天，停表 1 天，首日和休息日 2 天不计。",
			"Limit: 5 working days by law. Used 1 day; stopped 1 day; not counted: the first day and 2 days off."},
		{"at once", Limit{Clock: WorkingDay}, "2026-11-23 10:00:00", "", nil,
			"时限为 0，起算就到期。",
			"The limit is 0: due as soon as it starts."},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			e := explain(t, c, k.limit, k.start, k.now, k.pauses...)
			if e.Sentence.Chinese != k.zh {
				t.Errorf("got  %s\nwant %s", e.Sentence.Chinese, k.zh)
			}
			if e.Sentence.English != k.en {
				t.Errorf("got  %s\nwant %s", e.Sentence.English, k.en)
			}
		})
	}
}

// brief writes segments as "16:35 work", without the dates.
func brief(e Explanation) []string {
	var out []string
	for _, s := range e.Segments {
		line := s.From.Format("02 15:04 ") + string(s.Reason)
		if s.Counted {
			line += " +"
		}
		if s.Holiday.English != "" {
			line += " " + s.Holiday.English
		}
		out = append(out, line)
	}
	return out
}

func TestSegments(t *testing.T) {
	c := testCalendar(t, officeHours())
	e := explain(t, c, Limit{Clock: WorkingDay, Units: 3}, "2026-09-30 16:30:00", "",
		Pause{at(t, "2026-10-08 11:00:00"), at(t, "2026-10-08 14:00:00")})
	want := []string{
		"30 16:30 work +", "30 17:30 night", "01 00:00 holiday National Day", "08 00:00 night", "08 08:30 work +",
		"08 11:00 pause", "08 14:00 work +", "08 17:30 night", "09 08:30 work +", "09 12:00 lunch", "09 13:00 work +", "09 17:30 night",
		"10 08:30 make_up_day + National Day", "10 12:00 lunch", "10 13:00 make_up_day + National Day", "10 17:30 night",
		"11 00:00 off_day", "12 00:00 night", "12 08:30 work +",
	}
	if d := cmp.Diff(want, brief(e)); d != "" {
		t.Errorf("segments (-want +got)\n%s", d)
	}
	// 1 + 6 + 8 + 8 + 1 = 24 hours; the pause took 1 h before noon and 1 after.
	if e.Stopped != 2*3600_000 || e.Length != 24*3600_000 || !e.DueAt.Equal(at(t, "2026-10-12 09:30:00")) {
		t.Errorf("stopped %d, length %d, due %v", e.Stopped, e.Length, e.DueAt)
	}
	last := e.Days[len(e.Days)-1]
	if len(e.Days) != 13 || last.Counted != 3600_000 || e.Days[8].Stopped != 2*3600_000 || e.Days[10].Kind != MakeUpDay {
		t.Errorf("days %+v", e.Days)
	}

	village := Schedule{ValidFrom: 0, Weekdays: []int{1, 2, 3, 4, 5, 6}, FollowsHolidays: true,
		Periods:          []Period{{510, 720}, {840, 1020}},
		PeriodsByWeekday: map[string][]Period{"6": {{510, 720}}}}
	e = explain(t, testCalendar(t, village), Limit{Clock: WorkingHour, Units: 4}, "2026-11-28 11:00:00", "")
	if d := cmp.Diff([]string{"28 11:00 work +", "28 12:00 outside_hours", "29 00:00 off_day", "30 00:00 night", "30 08:30 work +"}, brief(e)); d != "" {
		t.Errorf("Saturday afternoon (-want +got)\n%s", d)
	}

	e = explain(t, c, Limit{Clock: StatutoryDay, Units: 3}, "2026-11-25 10:00:00", "",
		Pause{at(t, "2026-11-26 23:00:00"), at(t, "2026-11-27 01:00:00")})
	if d := cmp.Diff([]string{"25 10:00 first_day", "26 00:00 pause", "27 00:00 work +", "30 00:00 moved"}, brief(e)); d != "" {
		t.Errorf("statutory (-want +got)\n%s", d)
	}

	e = explain(t, c, Limit{Clock: WorkingDay, Units: 1}, "2026-11-23 16:35:00", "2026-11-25 10:00:00", Pause{From: at(t, "2026-11-24 08:40:00")})
	last2 := e.Segments[len(e.Segments)-1]
	if last2.Reason != ReasonPause || !last2.To.IsZero() || !last2.From.Equal(at(t, "2026-11-24 08:40:00")) {
		t.Errorf("open pause is not the last segment: %+v", last2)
	}
	if e.Used != 65*60_000 || e.Remaining != (8*60-65)*60_000 || !e.DueAt.IsZero() {
		t.Errorf("used %d, remaining %d, due %v", e.Used, e.Remaining, e.DueAt)
	}
}

// A deadline far away is told only as far as its first dates, and says so.
func TestExplanationIsBounded(t *testing.T) {
	c := testCalendar(t, officeHours())
	e := explain(t, c, Limit{Clock: WorkingDay, Units: 40_000}, "2026-11-23 16:35:00", "")
	if !e.Shortened || len(e.Days) != longestExplanation || e.DueAt.Year() < 2170 {
		t.Fatalf("shortened %v, %d days, due %v", e.Shortened, len(e.Days), e.DueAt)
	}
}

func TestHolidayNames(t *testing.T) {
	years := shipped(t)
	for _, d := range years.days {
		name := HolidayName(d.Name)
		if name.Chinese != d.Name || name.English == d.Name || strings.ContainsAny(name.English, "、节") {
			t.Errorf("%s is %q in English", d.Name, name.English)
		}
	}
	if got := HolidayName("龙山节"); got.English != "龙山节" {
		t.Errorf("an unknown name became %q", got.English)
	}
}
