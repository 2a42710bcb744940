package calendar

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

func TestRefusedLines(t *testing.T) {
	const start = `"start":"2026-11-23T10:00:00+08:00"`
	seasonal := func(entry string) string {
		return `{"clock":"working-hour","limit":1,` + start + `,"calendar":` + entry + `}`
	}
	plain := func(periods string) string {
		return `{"clock":"working-hour","limit":1,` + start + `,"periods":` + periods + `}`
	}
	urgent := func(rest string) string { return `{"clock":"urgent-hour","limit":1,` + start + rest + `}` }
	cases := []struct {
		line string
		want *fault.Fault
		arg  string
	}{
		{``, ErrLine, ""},
		{`null`, ErrLine, ""},
		{`[]`, ErrLine, ""},
		{`{"clock":"urgent-hour"`, ErrLine, ""},
		{urgent(``) + `{}`, ErrLine, ""},
		{urgent(``) + ` x`, ErrLine, ""},
		{"{\"clock\":\"\xff\"}", ErrLine, ""},
		{urgent(`,"colour":1`), ErrUnknownKey, "colour"},
		{urgent(`,"Pauses":[]`), ErrUnknownKey, "Pauses"},
		{urgent(`,"limit":2`), ErrRepeatedKey, "limit"},
		{`{"limit":1,` + start + `}`, ErrMissingKey, "clock"},
		{`{"clock":"urgent-hour",` + start + `}`, ErrMissingKey, "limit"},
		{`{"clock":"urgent-hour","limit":1}`, ErrMissingKey, "start"},
		{`{"clock":"working-hour","limit":1,` + start + `}`, ErrMissingKey, "periods"},
		{`{"clock":"hour","limit":1,` + start + `}`, ErrClock, ""},
		{`{"clock":7,"limit":1,` + start + `}`, ErrValue, "clock"},
		{`{"clock":"urgent-hour","limit":"1",` + start + `}`, ErrValue, "limit"},
		{`{"clock":"urgent-hour","limit":null,` + start + `}`, ErrValue, "limit"},
		{`{"clock":"urgent-hour","limit":-1,` + start + `}`, ErrLimit, ""},
		{`{"clock":"urgent-hour","limit":1e300,` + start + `}`, ErrLimit, ""},
		{`{"clock":"urgent-hour","limit":1e999,` + start + `}`, ErrValue, "limit"},
		{`{"clock":"statutory-day","limit":1.5,` + start + `}`, ErrLimitWhole, ""},
		{`{"clock":"urgent-hour","limit":1,"start":"2026-11-23T10:00:00"}`, ErrLineTime, "start"},
		{`{"clock":"urgent-hour","limit":1,"start":"2026-11-23 10:00:00+08:00"}`, ErrLineTime, "start"},
		{`{"clock":"urgent-hour","limit":1,"start":"2026-02-29T10:00:00+08:00"}`, ErrLineTime, "start"},
		{`{"clock":"urgent-hour","limit":1,"start":"2026-11-23T24:00:00+08:00"}`, ErrLineTime, "start"},
		{`{"clock":"urgent-hour","limit":1,"start":1795399200}`, ErrValue, "start"},
		{`{"clock":"urgent-hour","limit":1,"start":"9999-01-01T00:00:00Z"}`, ErrOutOfRange, ""},
		{plain(`[]`), ErrNoPeriod, ""},
		{plain(`null`), ErrValue, "periods"},
		{plain(`["09:00","12:00"]`), ErrValue, "periods"},
		{plain(`[["09:00"]]`), ErrValue, "periods"},
		{plain(`[["09:00",null]]`), ErrValue, "periods"},
		{plain(`[["09:00","12:00","13:00"]]`), ErrValue, "periods"},
		{plain(`[["9:00","12:00"]]`), ErrTimeOfDay, ""},
		{plain(`[["09:00","24:01"]]`), ErrTimeOfDay, ""},
		{plain(`[["09:60","12:00"]]`), ErrTimeOfDay, ""},
		{plain(`[["12:00","09:00"]]`), ErrPeriodOrder, ""},
		{plain(`[["22:00","06:00"]]`), ErrPeriodOrder, ""},
		{plain(`[["09:00","09:00"]]`), ErrPeriodOrder, ""},
		{plain(`[["24:00","24:00"]]`), ErrPeriodOrder, ""},
		{plain(`[["09:00","12:00"],["11:59","17:00"]]`), ErrPeriodOverlap, ""},
		{urgent(`,"periods":[["09:00","12:00"]],"calendar":[]`), ErrTwoCalendars, ""},
		{seasonal(`[]`), ErrNoSchedule, ""},
		{seasonal(`{}`), ErrValue, "calendar"},
		{seasonal(`[[]]`), ErrValue, "calendar"},
		{seasonal(`[{"periods":[["09:00","12:00"]]}]`), ErrMissingKey, "calendar.from"},
		{seasonal(`[{"from":"2026-05-01"}]`), ErrMissingKey, "calendar.periods"},
		{seasonal(`[{"from":"2026-5-1","periods":[["09:00","12:00"]]}]`), ErrDate, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"until":"2026-10-01"}]`), ErrUnknownKey, "calendar.until"},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"weekdays":[]}]`), ErrNoWeekday, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"weekdays":[0]}]`), ErrBadWeekday, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"weekdays":[1,1]}]`), ErrBadWeekday, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"weekdays":["1"]}]`), ErrValue, "calendar.weekdays"},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"nominal_day_minutes":0}]`), ErrNominalDay, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"nominal_day_minutes":1441}]`), ErrNominalDay, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"periods_by_weekday":{"8":[["09:00","12:00"]]}}]`), ErrUnknownKey, "calendar.periods_by_weekday.8"},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"periods_by_weekday":{"6":[]}}]`), ErrNoPeriod, ""},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]],"follows_holidays":"yes"}]`), ErrValue, "calendar.follows_holidays"},
		{seasonal(`[{"from":"2026-05-01","periods":[["09:00","12:00"]]},{"from":"2026-05-01","periods":[["09:00","12:00"]]}]`), ErrScheduleTwice, ""},
		{urgent(`,"pauses":{}`), ErrValue, "pauses"},
		{urgent(`,"pauses":[[]]`), ErrValue, "pauses"},
		{urgent(`,"pauses":[[null,null]]`), ErrValue, "pauses"},
		{urgent(`,"pauses":[["2026-11-23T11:00:00+08:00","2026-11-23T12:00:00+08:00","2026-11-23T13:00:00+08:00"]]`), ErrValue, "pauses"},
		{urgent(`,"pauses":[["yesterday",null]]`), ErrLineTime, "pauses"},
		{urgent(`,"pauses":[["2026-11-23T12:00:00+08:00","2026-11-23T11:00:00+08:00"]]`), ErrPauseOrder, ""},
		{urgent(`,"pauses":[["2026-11-23T11:00:00+08:00","2026-11-23T12:00:00+08:00"],["2026-11-23T11:59:59+08:00","2026-11-23T13:00:00+08:00"]]`), ErrPauseOverlap, ""},
		{urgent(`,"pauses":[["2026-11-23T11:00:00+08:00",null],["2026-11-23T13:00:00+08:00","2026-11-23T14:00:00+08:00"]]`), ErrPauseOverlap, ""},
		{urgent(`,"pauses":[["2026-11-23T11:00:00+08:00"],["2026-11-23T13:00:00+08:00"]]`), ErrPauseOverlap, ""},
		{`{"clock":"` + strings.Repeat("x", MaxLine) + `"}`, ErrLineLong, ""},
	}
	for _, c := range cases {
		_, err := ParseQuestion([]byte(c.line))
		if !errors.Is(err, c.want) {
			t.Errorf("%.200s\n got %v, want %v", c.line, err, c.want)
			continue
		}
		told := Say(words.English, fault.Of(err).Code, fault.Of(err).Args)
		if told == "" || strings.Contains(told, "–") && !errors.Is(err, ErrPeriodOrder) && !errors.Is(err, ErrPeriodOverlap) { // – stands for what is missing
			t.Errorf("%.200s\n is told as %q", c.line, told)
		}
		if got := fault.Of(err).Args["key"]; c.arg != "" && got != c.arg {
			t.Errorf("%s\n names %v, want %v", c.line, got, c.arg)
		}
	}
}

// What lies past the engine's years is refused, not computed wrongly.
func TestFarDeadlinesAreRefused(t *testing.T) {
	responder := &Responder{Zone: shanghai(t), Holidays: shipped(t)}
	for _, line := range []string{
		`{"clock":"natural-day","limit":40000,"start":"2198-01-01T00:00:00Z"}`,
		`{"clock":"working-day","limit":40000,"start":"2150-01-01T00:00:00Z","periods":[["09:00","10:00"]]}`,
		`{"clock":"statutory-working-day","limit":40000,"start":"2150-01-01T00:00:00Z","periods":[["09:00","10:00"]]}`,
		`{"clock":"statutory-day","limit":40000,"start":"2150-01-01T00:00:00Z"}`,
	} {
		q, err := ParseQuestion([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if a, err := responder.Answer(q); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("%s: %s, %v", line, show(a), err)
		}
	}
}

// FuzzQuestion: whatever a line says, it is refused with a fault of this room or
// answered with a due that is not before its start, and quickly.
func FuzzQuestion(f *testing.F) {
	for _, c := range handWorked {
		f.Add([]byte(c.line))
	}
	f.Add([]byte(`{"clock":"natural-day","limit":1e3,"start":"2026-12-31t23:59:59.999z","pauses":[["2027-01-01T00:00:00Z"]]}`))
	responder := &Responder{Zone: shanghai(f), Holidays: shipped(f)}
	f.Fuzz(func(t *testing.T, line []byte) {
		q, err := ParseQuestion(line)
		if err == nil {
			var a Answer
			if a, err = responder.Answer(q); err == nil {
				if a.Due == nil {
					return
				}
				due, err := time.Parse(time.RFC3339Nano, *a.Due)
				if err != nil || due.Before(q.Start) {
					t.Fatalf("%s: due %s, %v", line, *a.Due, err)
				}
				return
			}
		}
		f := fault.Of(err)
		if f.Kind == fault.Internal {
			t.Fatalf("%s: %v", line, err)
		}
		if texts()["en"][f.Code] == "" {
			t.Fatalf("no words for %s", f.Code)
		}
		if _, err := json.Marshal(f.Args); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	})
}
