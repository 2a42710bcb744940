package calendar

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// shipped reads the holidays that ship inside the program.
func shipped(tb testing.TB) *Holidays {
	tb.Helper()
	years, err := ReadHolidays(os.DirFS("../../../data/holidays"))
	if err != nil {
		tb.Fatal(err)
	}
	h, err := NewHolidays(years)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func shanghai(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

const (
	office = `"periods":[["08:30","12:00"],["13:00","17:30"]]` // 8 h
	winter = `{"from":"2025-10-01","periods":[["08:30","12:00"],["13:30","17:30"]]}`
	summer = `{"from":"2026-05-01","periods":[["08:30","12:00"],["14:30","18:00"]]}`
	// The village service centre of the defaults: Saturday mornings, 390 minutes a day.
	village = `"calendar":[{"from":"2014-01-01","weekdays":[1,2,3,4,5,6],"periods":[["08:30","12:00"],["14:00","17:00"]],` +
		`"periods_by_weekday":{"6":[["08:30","12:00"]]},"nominal_day_minutes":390}]`
	duty = `"calendar":[{"from":"2014-01-01","weekdays":[1,2,3,4,5,6,7],"periods":[["00:00","24:00"]],"follows_holidays":false}]`
	// A night shift is two periods of two days.
	night = `"periods":[["22:00","24:00"],["00:00","06:00"]]`
)

// handWorked are lines worked out by hand, the working beside each. Days in
// 2026: off Jan 1–3, Feb 15–23, Apr 4–6, May 1–5, Jun 19–21, Sep 25–27,
// Oct 1–7; worked Sun Jan 4, Sat Feb 14 and 28, Sat May 9, Sun Sep 20, Sat
// Oct 10. Nov 23 is a Monday. due "" is null.
var handWorked = []struct {
	line        string
	due         string
	provisional bool
	why         string
}{
	{`{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00",` + office + `}`, "2026-11-24T16:35:00+08:00", false,
		"Mon 16:35–17:30 is 55 min; 7:05 left; Tue morning 3:30, 3:35 left; 13:00 + 3:35"},
	{`{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00",` + office + `,"pauses":[["2026-11-23T17:05:00+08:00","2026-11-23T17:25:00+08:00"]]}`, "2026-11-24T16:55:00+08:00", false,
		"the case of look/mocks/desk-work.html: 30 + 5 min on Monday, 7:25 left; Tue morning 3:30; 13:00 + 3:55"},
	{`{"clock":"working-day","limit":0,"start":"2026-11-22T10:15:30+08:00",` + office + `}`, "2026-11-22T10:15:30+08:00", false,
		"a limit of 0 is due at once, on a Sunday too"},
	{`{"clock":"working-hour","limit":0,"start":"2026-11-23T10:00:00+08:00",` + office + `,"pauses":[["2026-11-23T09:00:00+08:00","2026-11-23T11:00:00+08:00"]]}`, "2026-11-23T10:00:00+08:00", false,
		"limit 0 inside a pause: the running time is 0 at the start already"},
	{`{"clock":"statutory-day","limit":0,"start":"2026-11-23T10:00:00+08:00"}`, "2026-11-23T10:00:00+08:00", false,
		"limit 0 of a statutory clock is due at once as well"},
	{`{"clock":"working-hour","limit":1,"start":"2026-11-23T12:00:00+08:00",` + office + `}`, "2026-11-23T14:00:00+08:00", false,
		"starts at the morning's end, nothing runs until 13:00; 13:00 + 1 h"},
	{`{"clock":"working-hour","limit":1,"start":"2026-11-23T11:00:00+08:00",` + office + `}`, "2026-11-23T12:00:00+08:00", false,
		"ends at the end of a period, not at 13:00 where the next begins"},
	{`{"clock":"working-hour","limit":1,"start":"2026-11-27T17:30:00+08:00",` + office + `}`, "2026-11-30T09:30:00+08:00", false,
		"starts at Friday's last end: Monday 08:30 + 1 h"},
	{`{"clock":"working-hour","limit":0.05,"start":"2026-11-23T17:29:30+08:00",` + office + `}`, "2026-11-24T08:32:30+08:00", false,
		"0.05 h is 3 min; 30 s on Monday, 2 min 30 s from Tuesday 08:30"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-11-23T16:35:00.250+08:00"}`, "2026-11-23T18:35:00.25+08:00", false,
		"every minute counts, milliseconds are kept"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-11-27T23:30:00+08:00"}`, "2026-11-28T01:30:00+08:00", false,
		"runs through the night into Saturday"},
	{`{"clock":"natural-day","limit":7,"start":"2026-09-30T18:00:00+08:00"}`, "2026-10-07T18:00:00+08:00", false,
		"7 × 24 h through National Day"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-11-23T10:00:00+08:00","pauses":[["2026-11-23T11:30:00+08:00","2026-11-23T13:00:00+08:00"]]}`, "2026-11-23T13:30:00+08:00", false,
		"the pause lies over 12:00, when it would be due: 1:30 ran, 0:30 left after 13:00"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-11-23T10:00:00+08:00","pauses":[["2026-11-23T12:00:00+08:00","2026-11-23T13:00:00+08:00"]]}`, "2026-11-23T12:00:00+08:00", false,
		"at 12:00 two hours have run; the pause that begins then changes nothing"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-11-23T10:00:00+08:00","pauses":[["2026-11-23T11:59:59+08:00","2026-11-23T13:00:00+08:00"]]}`, "2026-11-23T13:00:01+08:00", false,
		"one second was left when the pause began"},
	{`{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00",` + office + `,"pauses":[["2026-11-23T17:00:00+08:00",null]]}`, "", false,
		"an open pause: no due"},
	{`{"clock":"working-hour","limit":1,"start":"2026-11-23T09:00:00+08:00",` + office + `,"pauses":[["2026-11-23T17:00:00+08:00"]]}`, "", false,
		"while a clock is paused due is empty, even when the limit ran out (10:00) before the pause"},
	{`{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00",` + office + `,"pauses":[["2026-11-23T17:30:00+08:00","2026-11-24T08:30:00+08:00"]]}`, "2026-11-24T16:35:00+08:00", false,
		"a pause over the night takes no working time: as without it"},
	{`{"clock":"working-hour","limit":2,"start":"2026-11-23T09:00:00+08:00",` + office + `,"pauses":[["2026-11-23T10:00:00+08:00","2026-11-23T10:20:00+08:00"],["2026-11-23T09:30:00+08:00","2026-11-23T10:00:00+08:00"]]}`, "2026-11-23T11:50:00+08:00", false,
		"two pauses that touch, in any order: 09:30–10:20 stands; 30 min before, 90 min after 10:20"},
	{`{"clock":"working-hour","limit":2,"start":"2026-11-23T09:00:00+08:00",` + office + `,"pauses":[["2026-11-23T08:30:00+08:00","2026-11-23T08:45:00+08:00"]]}`, "2026-11-23T11:00:00+08:00", false,
		"a pause before the start takes nothing"},
	{`{"clock":"working-hour","limit":2,"start":"2026-11-23T09:00:00+08:00",` + office + `,"pauses":[["2026-11-23T08:30:00+08:00","2026-11-23T13:15:00+08:00"]]}`, "2026-11-23T15:15:00+08:00", false,
		"the start lies in a pause: runs from 13:15"},
	{`{"clock":"working-day","limit":1,"start":"2026-09-30T16:30:00+08:00",` + office + `}`, "2026-10-08T16:30:00+08:00", false,
		"1 h on Wed; Oct 1–7 off; Thu Oct 8: 3:30 in the morning, 13:00 + 3:30"},
	{`{"clock":"working-day","limit":3,"start":"2026-10-07T10:00:00+08:00",` + office + `}`, "2026-10-10T17:30:00+08:00", false,
		"starts on a holiday; Thu 8, Fri 9 and the make-up Saturday 10 in full"},
	{`{"clock":"working-hour","limit":4,"start":"2026-09-20T08:00:00+08:00",` + office + `}`, "2026-09-20T13:30:00+08:00", false,
		"a make-up Sunday has Monday's periods: 3:30 in the morning, 13:00 + 0:30"},
	{`{"clock":"working-day","limit":2,"start":"2026-02-13T13:00:00+08:00",` + office + `}`, "2026-02-24T12:00:00+08:00", false,
		"4:30 on Fri, 8 h on the make-up Sat Feb 14, Feb 15–23 off, 3:30 left: Tue Feb 24 at the morning's end"},
	{`{"clock":"working-day","limit":1,"start":"2026-12-31T16:00:00+08:00",` + office + `}`, "2027-01-01T16:00:00+08:00", true,
		"2027 is not announced: Fri Jan 1 counts by weekday, so 1:30 + 3:30 + 3 h, and the due is provisional"},
	{`{"clock":"urgent-hour","limit":2,"start":"2026-12-31T23:00:00+08:00"}`, "2027-01-01T01:00:00+08:00", false,
		"a clock that counts every minute needs no holidays: not provisional"},
	{`{"clock":"working-day","limit":1,"start":"2026-12-31T08:30:00+08:00",` + office + `}`, "2026-12-31T17:30:00+08:00", false,
		"the last announced day in full: not provisional"},
	{`{"clock":"working-hour","limit":1,"start":"2026-12-31T23:00:00+08:00","periods":[["00:00","24:00"]]}`, "2027-01-01T00:00:00+08:00", false,
		"24:00 of Dec 31 is written as Jan 1 but belongs to the announced year"},
	{`{"clock":"working-hour","limit":1.5,"start":"2026-12-31T23:00:00+08:00","periods":[["00:00","24:00"]]}`, "2027-01-01T00:30:00+08:00", true,
		"half an hour further it rests on a day of 2027"},
	{`{"clock":"statutory-day","limit":5,"start":"2026-11-23T10:00:00+08:00"}`, "2026-12-01T00:00:00+08:00", false,
		"first day Nov 23 not counted; 24, 25, 26, 27, 28; Sat 28 is off, moves to Mon 30, 24:00"},
	{`{"clock":"statutory-working-day","limit":5,"start":"2026-11-23T10:00:00+08:00",` + office + `}`, "2026-11-30T17:30:00+08:00", false,
		"24, 25, 26, 27, then Mon 30, at the end of the last period"},
	{`{"clock":"statutory-day","limit":7,"start":"2026-09-24T08:00:00+08:00"}`, "2026-10-09T00:00:00+08:00", false,
		"Sep 25 … Oct 1 are 7 days; Oct 1 is off; next working day Thu Oct 8, 24:00"},
	{`{"clock":"statutory-day","limit":5,"start":"2026-10-05T23:59:59+08:00"}`, "2026-10-11T00:00:00+08:00", false,
		"6, 7, 8, 9, 10: the last is a make-up Saturday, so it is not off"},
	{`{"clock":"statutory-working-day","limit":1,"start":"2026-12-31T09:00:00+08:00",` + office + `}`, "2027-01-01T17:30:00+08:00", true,
		"the first counted day is Jan 1 2027, worked by the weekday rule until announced"},
	{`{"clock":"statutory-working-day","limit":3,"start":"2026-11-23T10:00:00+08:00",` + office + `,"pauses":[["2026-11-24T10:00:00+08:00","2026-11-26T09:00:00+08:00"]]}`, "2026-11-30T17:30:00+08:00", false,
		"paused at the ends of the 24th and 25th: 26, 27, Mon 30 count"},
	{`{"clock":"statutory-day","limit":2,"start":"2026-11-23T10:00:00+08:00","pauses":[["2026-11-24T10:00:00+08:00","2026-11-24T16:00:00+08:00"]]}`, "2026-11-26T00:00:00+08:00", false,
		"a stop within one day costs no day: 24 and 25"},
	{`{"clock":"statutory-day","limit":1,"start":"2026-11-23T10:00:00+08:00","pauses":[["2026-11-24T23:00:00+08:00","2026-11-25T01:00:00+08:00"]]}`, "2026-11-26T00:00:00+08:00", false,
		"the pause lies over the due instant (24th, 24:00): the 25th is the day"},
	{`{"clock":"working-day","limit":1,"start":"2026-04-30T16:30:00+08:00","calendar":[` + winter + `,` + summer + `]}`, "2026-05-06T17:30:00+08:00", false,
		"a unit is the winter day of the start, 7:30: 1 h in winter; May 1–5 off; in summer 3:30, then 14:30 + 3 h"},
	{`{"clock":"working-hour","limit":2,"start":"2026-04-30T17:00:00+08:00","calendar":[` + summer + `,` + winter + `]}`, "2026-05-06T10:00:00+08:00", false,
		"the order of entries does not matter: 0:30 in winter, 1:30 from 08:30 in summer"},
	{`{"clock":"working-hour","limit":1,"start":"2025-09-29T08:30:00+08:00","calendar":[` + winter + `,` + summer + `]}`, "2025-09-29T09:30:00+08:00", false,
		"before the first entry its hours hold already"},
	{`{"clock":"working-hour","limit":3,"start":"2026-11-27T16:00:00+08:00",` + village + `}`, "2026-11-28T10:30:00+08:00", false,
		"1 h on Fri, 2 h on Saturday morning"},
	{`{"clock":"working-hour","limit":5,"start":"2026-11-28T08:30:00+08:00",` + village + `}`, "2026-11-30T10:00:00+08:00", false,
		"Saturday has 3:30 and no afternoon; 1:30 on Monday"},
	{`{"clock":"working-hour","limit":1,"start":"2026-10-10T11:30:00+08:00",` + village + `}`, "2026-10-10T14:30:00+08:00", false,
		"a make-up Saturday has Monday's afternoon: 0:30 before noon, 14:00 + 0:30"},
	{`{"clock":"working-hour","limit":2,"start":"2026-09-19T11:00:00+08:00",` + village + `}`, "2026-09-20T09:30:00+08:00", false,
		"1 h on the ordinary Saturday, 1 h on the make-up Sunday from 08:30"},
	{`{"clock":"working-day","limit":2,"start":"2026-11-30T08:30:00+08:00",` + village + `}`, "2026-12-01T17:00:00+08:00", false,
		"390 minutes a unit: Monday and Tuesday in full"},
	{`{"clock":"working-day","limit":1,"start":"2026-10-01T08:00:00+08:00",` + duty + `}`, "2026-10-02T08:00:00+08:00", false,
		"a duty desk ignores the list: 1,440 minutes"},
	{`{"clock":"working-day","limit":1,"start":"2027-03-06T08:00:00+08:00",` + duty + `}`, "2027-03-07T08:00:00+08:00", false,
		"nothing to announce for a calendar that ignores the list: not provisional"},
	{`{"clock":"working-hour","limit":3,"start":"2026-11-23T23:00:00+08:00",` + night + `}`, "2026-11-24T02:00:00+08:00", false,
		"22:00–24:00 and 00:00–06:00: 1 h on Mon, 2 h on Tue"},
	{`{"clock":"working-hour","limit":3,"start":"2026-11-27T23:00:00+08:00",` + night + `}`, "2026-11-30T02:00:00+08:00", false,
		"Saturday is off from midnight: 1 h on Fri, 2 h on Mon"},
	{`{"clock":"working-day","limit":1,"start":"2026-11-23T08:35:00Z",` + office + `}`, "2026-11-24T16:35:00+08:00", false,
		"08:35 UTC is 16:35 in the district"},
	{`{"clock":"working-hour","limit":9,"start":"2018-12-29T08:30:00+08:00",` + office + `}`, "2019-01-02T09:30:00+08:00", false,
		"Sat 2018-12-29 is worked (announced with 2019): 8 h; Dec 30 – Jan 1 off; 1 h on Wed"},
	{`{"clock":"working-day","limit":1,"start":"2022-12-30T17:00:00+08:00",` + office + `}`, "2023-01-03T17:00:00+08:00", false,
		"0:30 on Fri; Dec 31 – Jan 2 off; Tue: 3:30, then 13:00 + 4 h"},
	{`{"clock":"working-hour","limit":1,"start":"2015-09-02T17:00:00+08:00",` + office + `}`, "2015-09-06T09:00:00+08:00", false,
		"Victory Day Sep 3–5 off, Sun Sep 6 worked: 0:30 + 0:30"},
	{`{"clock":"working-hour","limit":1,"start":"2020-01-31T10:00:00+08:00",` + office + `}`, "2020-02-03T09:30:00+08:00", false,
		"the prolonged Spring Festival of 2020: off until Feb 2, Mon Feb 3 worked"},
	{`{"clock":"working-day","limit":0.5,"start":"2026-11-23T08:30:00+08:00",` + office + `}`, "2026-11-23T13:30:00+08:00", false,
		"half of 8 h: 3:30, then 13:00 + 0:30"},
	{`{"clock":"working-hour","limit":1,"start":"2013-10-01T08:30:00+08:00",` + office + `}`, "2013-10-01T09:30:00+08:00", false,
		"before the first list the weekday rule serves, and nothing will be announced: not provisional"},
	{`{"clock":"working-hour","limit":1,"start":"2026-11-23T10:00:00+08:00","calendar":[{"from":"2026-01-01","weekdays":[2,3,4,5,6,7],"periods":[["09:00","12:00"]]}]}`, "2026-11-24T10:00:00+08:00", false,
		"closed on Mondays: Tue 09:00 + 1 h"},
}

func TestHandWorkedLines(t *testing.T) {
	if len(handWorked) < 40 {
		t.Fatalf("%d lines, want 40 or more", len(handWorked))
	}
	responder := &Responder{Zone: shanghai(t), Holidays: shipped(t)}
	for _, c := range handWorked {
		q, err := ParseQuestion([]byte(c.line))
		if err != nil {
			t.Errorf("%s\n refused: %v", c.line, err)
			continue
		}
		a, err := responder.Answer(q)
		if err != nil {
			t.Errorf("%s\n refused: %v", c.line, err)
			continue
		}
		got := ""
		if a.Due != nil {
			got = *a.Due
		}
		if got != c.due || a.Provisional != c.provisional {
			t.Errorf("%s\n got  %q provisional %v\n want %q provisional %v\n because %s", c.line, got, a.Provisional, c.due, c.provisional, c.why)
		}
		if b, err := json.Marshal(a); err != nil || (c.due == "" && string(b) != `{"due":null,"provisional":false}`) {
			t.Errorf("%s: answer %s, %v", c.line, b, err)
		}
	}
}
