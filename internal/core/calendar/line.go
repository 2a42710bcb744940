package calendar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
)

// What can be wrong with a line of `onegrid worktime due`.
var (
	ErrLine         = fault.New(fault.Invalid, "worktime.bad_json")
	ErrLineLong     = fault.New(fault.TooLarge, "worktime.line_too_long")
	ErrUnknownKey   = fault.New(fault.Invalid, "worktime.unknown_key")
	ErrRepeatedKey  = fault.New(fault.Invalid, "worktime.repeated_key")
	ErrMissingKey   = fault.New(fault.Invalid, "worktime.missing_key")
	ErrValue        = fault.New(fault.Invalid, "worktime.bad_value")
	ErrLineTime     = fault.New(fault.Invalid, "worktime.bad_time")
	ErrTwoCalendars = fault.New(fault.Invalid, "worktime.periods_and_calendar")
)

var (
	mondayToFriday   = []int{1, 2, 3, 4, 5}
	alwaysFrom       = civil(firstYear, 1, 1)
	unusedWholeDay   = []Period{{0, 24 * 60}}
	worktimeKeys     = []string{"clock", "limit", "start", "periods", "pauses", "calendar"}
	worktimeCalendar = []string{"from", "periods", "weekdays", "periods_by_weekday", "nominal_day_minutes", "follows_holidays"}
)

// MaxLine is the longest line that is read.
const MaxLine = 1 << 20

// Question is one line of `onegrid worktime due`: when is a limit due that
// began at start? Schedules come from "periods" (Monday to Friday, with the
// holiday table) or from "calendar" (seasonal hours).
type Question struct {
	Limit     Limit
	Start     time.Time
	Schedules []Schedule
	Pauses    []Pause
}

// ParseQuestion reads a line. Keys are exact and stand once; what is not known
// is refused rather than passed over. "limit" is a number of the clock's units
// and may be a fraction; "pauses" are pairs [from, to], to null or left out
// while the pause is open. Clocks that look at no working period need neither
// "periods" nor "calendar".
func ParseQuestion(line []byte) (Question, error) {
	var q Question
	if len(line) > MaxLine {
		return q, ErrLineLong.With("bytes", MaxLine)
	}
	if !utf8.Valid(line) {
		return q, ErrLine
	}
	keys, err := object(line, worktimeKeys, "")
	if err != nil {
		return q, err
	}
	for _, k := range []string{"clock", "limit", "start"} {
		if _, ok := keys[k]; !ok {
			return q, ErrMissingKey.With("key", k)
		}
	}
	if err := value(keys["clock"], &q.Limit.Clock, "clock"); err != nil {
		return q, err
	}
	if !q.Limit.Clock.valid() {
		return q, ErrClock.With("clock", clip(string(q.Limit.Clock)))
	}
	if err := value(keys["limit"], &q.Limit.Units, "limit"); err != nil {
		return q, err
	}
	if err := q.Limit.Validate(); err != nil {
		return q, err
	}
	if q.Start, err = instant(keys["start"], "start"); err != nil {
		return q, err
	}
	if q.Schedules, err = schedules(keys, q.Limit.Clock); err != nil {
		return q, err
	}
	if q.Pauses, err = pauses(keys["pauses"]); err != nil {
		return q, err
	}
	_, err = ordered(q.Pauses)
	return q, err
}

// object reads one JSON object with none but the allowed keys, each once.
func object(raw []byte, allowed []string, where string) (map[string]json.RawMessage, error) {
	bad := ErrLine
	if where != "" {
		bad = ErrValue.With("key", where)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	out := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, bad
		}
		key, ok := t.(string)
		if !ok {
			return nil, bad
		}
		known := false
		for _, a := range allowed {
			known = known || a == key
		}
		if !known {
			return nil, ErrUnknownKey.With("key", clip(join(where, key)))
		}
		if _, twice := out[key]; twice {
			return nil, ErrRepeatedKey.With("key", join(where, key))
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, bad
		}
		out[key] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	return out, nil
}

func join(where, key string) string {
	if where == "" {
		return key
	}
	return where + "." + key
}

func null(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

// value reads one value; null is no value.
func value(raw json.RawMessage, into any, key string) error {
	if null(raw) {
		return ErrValue.With("key", key)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		if f := fault.Of(err); f.Kind == fault.Invalid {
			return f
		}
		return ErrValue.With("key", key).Because(err)
	}
	return nil
}

// instant reads an RFC 3339 time with its offset.
func instant(raw json.RawMessage, key string) (time.Time, error) {
	var s string
	if err := value(raw, &s, key); err != nil {
		return time.Time{}, err
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(strings.ToUpper(s))); err != nil {
		return time.Time{}, ErrLineTime.With("key", key)
	}
	if !inRange(t) {
		return time.Time{}, ErrOutOfRange
	}
	return t, nil
}

// periods reads [["09:00","12:00"],…].
func periods(raw json.RawMessage, key string) ([]Period, error) {
	var pairs [][]*string
	if err := value(raw, &pairs, key); err != nil {
		return nil, err
	}
	out := make([]Period, 0, len(pairs))
	for _, pair := range pairs {
		if len(pair) != 2 || pair[0] == nil || pair[1] == nil {
			return nil, ErrValue.With("key", key)
		}
		from, err := ParseTimeOfDay(*pair[0])
		if err != nil {
			return nil, err
		}
		to, err := ParseTimeOfDay(*pair[1])
		if err != nil {
			return nil, err
		}
		out = append(out, Period{from, to})
	}
	_, _, err := spansOf(out)
	return out, err
}

func schedules(keys map[string]json.RawMessage, k Clock) ([]Schedule, error) {
	plain, seasonal := keys["periods"], keys["calendar"]
	switch {
	case plain != nil && seasonal != nil:
		return nil, ErrTwoCalendars
	case seasonal != nil:
		return seasons(seasonal)
	}
	s := Schedule{ValidFrom: alwaysFrom, Weekdays: mondayToFriday, FollowsHolidays: true}
	var err error
	switch {
	case plain != nil:
		s.Periods, err = periods(plain, "periods")
	case k.everyMinute() || k == StatutoryDay:
		s.Periods = unusedWholeDay
	default:
		err = ErrMissingKey.With("key", "periods")
	}
	return []Schedule{s}, err
}

// seasons reads "calendar", the hours from a date on.
func seasons(raw json.RawMessage) ([]Schedule, error) {
	var entries []json.RawMessage
	if err := value(raw, &entries, "calendar"); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, ErrNoSchedule
	}
	seen := map[Date]bool{}
	out := make([]Schedule, 0, len(entries))
	for _, entry := range entries {
		keys, err := object(entry, worktimeCalendar, "calendar")
		if err != nil {
			return nil, err
		}
		s, err := season(keys)
		if err != nil {
			return nil, err
		}
		if seen[s.ValidFrom] {
			return nil, ErrScheduleTwice.With("date", s.ValidFrom.String())
		}
		seen[s.ValidFrom] = true
		out = append(out, s)
	}
	return out, nil
}

func season(keys map[string]json.RawMessage) (Schedule, error) {
	s := Schedule{Weekdays: mondayToFriday, FollowsHolidays: true}
	for _, k := range []string{"from", "periods"} {
		if keys[k] == nil {
			return s, ErrMissingKey.With("key", "calendar."+k)
		}
	}
	if err := value(keys["from"], &s.ValidFrom, "calendar.from"); err != nil {
		return s, err
	}
	var err error
	if s.Periods, err = periods(keys["periods"], "calendar.periods"); err != nil {
		return s, err
	}
	if raw := keys["weekdays"]; raw != nil {
		s.Weekdays = nil
		if err := value(raw, &s.Weekdays, "calendar.weekdays"); err != nil {
			return s, err
		}
	}
	if raw := keys["periods_by_weekday"]; raw != nil {
		days, err := object(raw, []string{"1", "2", "3", "4", "5", "6", "7"}, "calendar.periods_by_weekday")
		if err != nil {
			return s, err
		}
		s.PeriodsByWeekday = map[string][]Period{}
		for day, raw := range days {
			if s.PeriodsByWeekday[day], err = periods(raw, "calendar.periods_by_weekday."+day); err != nil {
				return s, err
			}
		}
	}
	if raw := keys["nominal_day_minutes"]; raw != nil {
		if err := value(raw, &s.NominalDayMinutes, "calendar.nominal_day_minutes"); err != nil {
			return s, err
		}
		if s.NominalDayMinutes == 0 {
			return s, ErrNominalDay.With("minutes", 0)
		}
	}
	if raw := keys["follows_holidays"]; raw != nil {
		if err := value(raw, &s.FollowsHolidays, "calendar.follows_holidays"); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}

// pauses reads [[from, to],…]; null or nothing is none.
func pauses(raw json.RawMessage) ([]Pause, error) {
	if null(raw) {
		return nil, nil
	}
	var pairs [][]json.RawMessage
	if err := value(raw, &pairs, "pauses"); err != nil {
		return nil, err
	}
	out := make([]Pause, 0, len(pairs))
	for _, pair := range pairs {
		if len(pair) < 1 || len(pair) > 2 {
			return nil, ErrValue.With("key", "pauses")
		}
		var p Pause
		var err error
		if p.From, err = instant(pair[0], "pauses"); err != nil {
			return nil, err
		}
		if len(pair) == 2 && !null(pair[1]) {
			if p.To, err = instant(pair[1], "pauses"); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// Answer is what `onegrid worktime due` prints for a question.
type Answer struct {
	Due         *string `json:"due"` // RFC 3339 in the district's zone; null while a pause is open
	Provisional bool    `json:"provisional"`
}

// Responder answers questions in a zone with a holiday table. It keeps the
// calendars of the last schedules asked for, because their tables of years are
// worth more than the answer. It serves one caller at a time.
type Responder struct {
	Zone     *time.Location
	Holidays *Holidays
	kept     map[string]*Calendar
}

const keptCalendars = 64

// Answer answers a question.
func (r *Responder) Answer(q Question) (Answer, error) {
	key := fmt.Sprint(q.Schedules)
	c := r.kept[key]
	if c == nil {
		var err error
		if c, err = New(r.Zone, q.Schedules, r.Holidays); err != nil {
			return Answer{}, err
		}
		if r.kept == nil || len(r.kept) >= keptCalendars {
			r.kept = map[string]*Calendar{}
		}
		r.kept[key] = c
	}
	due, err := c.Due(q.Limit, q.Start, q.Pauses)
	if err != nil || due.At.IsZero() {
		return Answer{}, err
	}
	at := due.At.Format(time.RFC3339Nano)
	return Answer{Due: &at, Provisional: due.Provisional}, nil
}
