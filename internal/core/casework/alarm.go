package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Machine sources (设备来源) send rows; a storm of them is one case. A row is
// known by (source, external id) and never taken twice. Rows with the same
// suppression key (压制键) are counted on one case as long as work on it goes on;
// the first one after its end opens another, a follow-up of the old one. Every
// row is opened, counted, repeated or refused, and the four add up.

// What a row or a whole message can be refused for.
var (
	ErrSource      = fault.New(fault.Invalid, "case.bad_source")
	ErrSourceTaken = fault.New(fault.Conflict, "case.source_taken")
	ErrAlarms      = fault.New(fault.Invalid, "case.alarms_many")
	ErrAlarmID     = fault.New(fault.Invalid, "case.alarm_id")
	ErrAlarmKey    = fault.New(fault.Invalid, "case.alarm_key")
)

// maxAlarms is how many rows one message has.
const maxAlarms = 500

var sourceForm = regexp.MustCompile(`^[a-z][a-z0-9_.-]{1,59}$`)

// Alarm is one row of a machine source (告警).
type Alarm struct {
	ExternalID string          `json:"external_id" maxLength:"100" doc:"what the source calls this row; the same one is never taken twice"`
	Key        string          `json:"suppress_key" maxLength:"100" doc:"rows with the same key are one matter, such as device and kind of alarm"`
	Item       string          `json:"item" maxLength:"60"`
	Condition  string          `json:"condition,omitempty" maxLength:"60"`
	Title      string          `json:"title,omitempty" maxLength:"60"`
	Text       string          `json:"text,omitempty" maxLength:"4000"`
	Place      PlaceIn         `json:"place"`
	Form       json.RawMessage `json:"form,omitempty"`
	Occurred   time.Time       `json:"occurred_at,omitzero"`
}

// AlarmsIn is what a source sends at once.
type AlarmsIn struct {
	Source string  `json:"source" maxLength:"60" doc:"the source's own name; it belongs to the account that used it first"`
	Alarms []Alarm `json:"alarms" minItems:"1" maxItems:"500"`
}

// Outcomes of a row.
const (
	AlarmOpened   = "opened"   // a new case
	AlarmCounted  = "counted"  // one more on a case in work
	AlarmRepeated = "repeated" // taken before
	AlarmRefused  = "refused"
)

// AlarmDone is what became of one row.
type AlarmDone struct {
	ExternalID string      `json:"external_id"`
	Outcome    string      `json:"outcome" enum:"opened,counted,repeated,refused"`
	Case       id.ID       `json:"case_id,omitzero"`
	Number     string      `json:"number,omitempty"`
	Code       string      `json:"code,omitempty"`
	Why        *words.Text `json:"why,omitempty"`
}

// AlarmsOut accounts for every row of a message.
type AlarmsOut struct {
	Rows     int         `json:"rows"`
	Opened   int         `json:"opened"`
	Counted  int         `json:"counted"`
	Repeated int         `json:"repeated"`
	Refused  int         `json:"refused"`
	Items    []AlarmDone `json:"items"`
}

// storm is a row of case_storm.
type storm struct {
	Case        id.ID
	Count       int64
	First, Last time.Time
	Noted       int64
	NotedAt     time.Time
}

// Alarms takes the rows of a machine source, each on its own: one that is
// refused hinders no other. Permission exchange.send. Codes: case.bad_source,
// case.source_taken, case.alarms_many, access.denied; of a row: case.alarm_id,
// case.alarm_key and those of Report.
func (d *Desk) Alarms(tx *db.Tx, by *access.Actor, in AlarmsIn) (AlarmsOut, error) {
	out := AlarmsOut{Rows: len(in.Alarms), Items: make([]AlarmDone, 0, len(in.Alarms))}
	if err := by.Check("exchange.send", journal.Sight{Posts: []id.ID{by.Post}}); err != nil {
		return out, err
	}
	switch {
	case !sourceForm.MatchString(in.Source):
		return out, ErrSource.At("body.source", "case.bad_source")
	case len(in.Alarms) == 0 || len(in.Alarms) > maxAlarms:
		return out, ErrAlarms.With("most", maxAlarms).At("body.alarms", "case.alarms_many", "most", maxAlarms)
	}
	if err := ownSource(tx, in.Source, by.Post); err != nil {
		return out, err
	}
	machine := *by
	machine.Via = "sensor"
	counted := map[id.ID]*storm{}
	for _, a := range in.Alarms {
		done, err := d.alarm(tx, &machine, in.Source, a, counted)
		if err != nil {
			return out, err
		}
		switch done.Outcome {
		case AlarmOpened:
			out.Opened++
		case AlarmCounted:
			out.Counted++
		case AlarmRepeated:
			out.Repeated++
		default:
			out.Refused++
		}
		out.Items = append(out.Items, done)
	}
	if err := d.keepStorms(tx, &machine, counted); err != nil {
		return out, err
	}
	_, err := tx.Exec(`UPDATE case_source SET opened = opened + $1, counted = counted + $2, repeated = repeated + $3, refused = refused + $4, last_at = $5 WHERE source = $6`,
		out.Opened, out.Counted, out.Repeated, out.Refused, db.Millis(tx.Now()), in.Source)
	if err != nil {
		return out, fmt.Errorf("count rows of a source: %w", err)
	}
	return out, nil
}

// ownSource makes sure that a source's name is used by one account only: rows of
// another one must neither be hidden behind it nor counted on its cases.
func ownSource(tx *db.Tx, source string, post id.ID) error {
	if _, err := tx.Exec(`INSERT INTO case_source (source, post_id, opened, counted, repeated, refused, first_at, last_at) VALUES ($1, $2, 0, 0, 0, 0, $3, $3)
		ON CONFLICT (source) DO NOTHING`, source, post, db.Millis(tx.Now())); err != nil {
		return fmt.Errorf("write source: %w", err)
	}
	var owner id.ID
	if err := tx.Row(`SELECT post_id FROM case_source WHERE source = $1`, source).Scan(&owner); err != nil {
		return fmt.Errorf("read source: %w", err)
	}
	if owner != post {
		return ErrSourceTaken.With("source", source).At("body.source", "case.source_taken")
	}
	return nil
}

// alarm takes one row. What it counts stands in counted until all rows are
// taken. The error is one that ends the whole message.
func (d *Desk) alarm(tx *db.Tx, by *access.Actor, source string, a Alarm, counted map[id.ID]*storm) (AlarmDone, error) {
	done := AlarmDone{ExternalID: clip(a.ExternalID, 100)}
	var on Case
	take := func(tx *db.Tx) (err error) {
		done.Outcome, on, err = d.takeAlarm(tx, by, source, a, counted)
		return err
	}
	err := tx.Try(take)
	if err != nil && db.Unique(err) {
		err = tx.Try(take) // another machine of ours was faster
	}
	if err != nil {
		f := fault.Of(err)
		if f.Kind == fault.Internal {
			return done, err
		}
		why := d.say(f)
		done.Outcome, done.Code, done.Why = AlarmRefused, f.Code, &why
		return done, nil
	}
	done.Case, done.Number = on.ID, on.Number
	if done.Outcome == AlarmCounted {
		s, at := counted[on.ID], happened(a, tx.Now())
		s.Count++
		s.First, s.Last = firstOf(s.First, at), lastOf(s.Last, at)
	}
	return done, nil
}

func (d *Desk) takeAlarm(tx *db.Tx, by *access.Actor, source string, a Alarm, counted map[id.ID]*storm) (string, Case, error) {
	switch {
	case a.ExternalID == "" || utf8.RuneCountInString(a.ExternalID) > 100 || !utf8.ValidString(a.ExternalID):
		return "", Case{}, ErrAlarmID
	case a.Key == "" || utf8.RuneCountInString(a.Key) > 100 || !utf8.ValidString(a.Key):
		return "", Case{}, ErrAlarmKey
	case a.Occurred.After(tx.Now().Add(skew)):
		return "", Case{}, ErrFuture
	}
	var known id.ID
	err := tx.Row(`SELECT case_id FROM case_external WHERE source = $1 AND external_id = $2`, source, a.ExternalID).Scan(&known)
	if err == nil {
		c, err := get(tx, known)
		return AlarmRepeated, c, err
	}
	if !errors.Is(err, db.ErrNoRows) {
		return "", Case{}, fmt.Errorf("look for an alarm: %w", err)
	}
	old, s, err := d.stormOf(tx, source, a.Key, counted)
	if err != nil {
		return "", Case{}, err
	}
	if s != nil {
		goes, err := goesOn(tx, old)
		if err != nil {
			return "", Case{}, err
		}
		if goes {
			counted[old.ID] = s
			return AlarmCounted, old, keepExternal(tx, source, a.ExternalID, old.ID)
		}
	}
	c, err := d.Report(tx, by, Report{Item: a.Item, Condition: a.Condition, Title: a.Title, Text: a.Text, Place: a.Place, Form: a.Form,
		Channel: "sensor", Occurred: a.Occurred})
	if err != nil {
		return "", Case{}, err
	}
	if err := keepExternal(tx, source, a.ExternalID, c.ID); err != nil {
		return "", Case{}, err
	}
	at := db.Millis(happened(a, tx.Now()))
	if s != nil {
		if _, err := tx.Exec(`UPDATE case_storm SET current = 0 WHERE case_id = $1`, old.ID); err != nil {
			return "", Case{}, fmt.Errorf("end storm: %w", err)
		}
	}
	if _, err := tx.Exec(`INSERT INTO case_storm (case_id, source, alarm, current, n, first_at, last_at, noted, noted_at) VALUES ($1, $2, $3, 1, 1, $4, $4, 1, $5)`,
		c.ID, source, a.Key, at, db.Millis(tx.Now())); err != nil {
		return "", Case{}, fmt.Errorf("write storm: %w", err)
	}
	if s == nil {
		return AlarmOpened, c, nil
	}
	return AlarmOpened, c, d.relate(tx, by, c, old, RelationFollowUp)
}

func keepExternal(tx *db.Tx, source, external string, caseID id.ID) error {
	if _, err := tx.Exec(`INSERT INTO case_external (source, external_id, case_id) VALUES ($1, $2, $3)`, source, external, caseID); err != nil {
		return fmt.Errorf("note an alarm: %w", err)
	}
	return nil
}

// stormOf finds the case that a key was counted on last, with what this message
// has counted already.
func (d *Desk) stormOf(tx *db.Tx, source, key string, counted map[id.ID]*storm) (Case, *storm, error) {
	var s storm
	err := tx.Row(`SELECT case_id, n, first_at, last_at, noted, noted_at FROM case_storm WHERE source = $1 AND alarm = $2 AND current = 1`, source, key).
		Scan(&s.Case, &s.Count, db.Time(&s.First), db.Time(&s.Last), &s.Noted, db.Time(&s.NotedAt))
	if errors.Is(err, db.ErrNoRows) {
		return Case{}, nil, nil
	}
	if err != nil {
		return Case{}, nil, fmt.Errorf("read storm: %w", err)
	}
	c, err := get(tx, s.Case)
	if known := counted[s.Case]; known != nil {
		return c, known, err
	}
	return c, &s, err
}

// goesOn says whether work on a case goes on: on itself or, when it was merged,
// on its main case.
func goesOn(tx *db.Tx, c Case) (bool, error) {
	if c.State != Merged {
		return c.open(), nil
	}
	main, err := get(tx, c.Main)
	return err == nil && main.open(), err
}

// noteEvery is after what time a storm that goes on is noted again although its
// count grew little.
const noteEvery = time.Hour

// keepStorms stores the counts of a message, one statement a case. The timeline
// is told at 2, 5, 10, 20, 50, … alarms and once an hour: every row is
// accounted for in case_external, a timeline of ten thousand lines helps
// nobody.
func (d *Desk) keepStorms(tx *db.Tx, by *access.Actor, counted map[id.ID]*storm) error {
	if len(counted) == 0 {
		return nil
	}
	env, err := d.env(tx, by)
	if err != nil {
		return err
	}
	var on []id.ID
	for v := range counted {
		on = append(on, v)
	}
	for _, v := range slices.SortedFunc(slices.Values(on), id.ID.Compare) {
		s := counted[v]
		tell := milestone(s.Count) > milestone(s.Noted) || !tx.Now().Before(s.NotedAt.Add(noteEvery))
		if tell {
			s.Noted, s.NotedAt = s.Count, tx.Now()
		}
		if _, err := tx.Exec(`UPDATE case_storm SET n = $1, first_at = $2, last_at = $3, noted = $4, noted_at = $5 WHERE case_id = $6`,
			s.Count, db.Millis(s.First), db.Millis(s.Last), s.Noted, db.Millis(s.NotedAt), v); err != nil {
			return fmt.Errorf("write storm: %w", err)
		}
		if !tell {
			continue
		}
		c, err := get(tx, v)
		if err != nil {
			return err
		}
		if err := env.of(c); err != nil {
			return err
		}
		note(env, by.By(), c, nil, "case.alarm", 0, &Body{Count: int(s.Count), Internal: true})
	}
	return nil
}

// milestone is the largest of 1, 2, 5, 10, 20, 50, … that is not above n.
func milestone(n int64) int64 {
	if n < 1 {
		return 0
	}
	for p := int64(1); ; p *= 10 {
		for _, m := range []int64{1, 2, 5} {
			next := map[int64]int64{1: 2, 2: 5, 5: 10}[m] * p
			if n < next {
				return m * p
			}
		}
	}
}

func happened(a Alarm, now time.Time) time.Time {
	if a.Occurred.IsZero() {
		return now
	}
	return a.Occurred.UTC().Truncate(time.Millisecond)
}

func firstOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func lastOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// AlarmsView is how often a machine source told of a case (告警次数).
type AlarmsView struct {
	Source string    `json:"source"`
	Key    string    `json:"suppress_key"`
	Count  int64     `json:"count"`
	First  time.Time `json:"first_at"`
	Last   time.Time `json:"last_at"`
}

// alarmsOn reads the storm of a case; none when no machine told of it.
func alarmsOn(tx *db.Tx, caseID id.ID) (*AlarmsView, error) {
	var v AlarmsView
	err := tx.Row(`SELECT source, alarm, n, first_at, last_at FROM case_storm WHERE case_id = $1`, caseID).
		Scan(&v.Source, &v.Key, &v.Count, db.Time(&v.First), db.Time(&v.Last))
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read storm: %w", err)
	}
	return &v, nil
}

// SourceView is what one machine source has sent so far. The four counts add up
// to its rows.
type SourceView struct {
	Source   string     `json:"source"`
	PostName words.Text `json:"post_name"`
	Rows     int64      `json:"rows"`
	Opened   int64      `json:"opened"`
	Counted  int64      `json:"counted"`
	Repeated int64      `json:"repeated"`
	Refused  int64      `json:"refused"`
	First    time.Time  `json:"first_at"`
	Last     time.Time  `json:"last_at"`
}

// Sources lists the machine sources and accounts for their rows.
func (d *Desk) Sources(tx *db.Tx, by *access.Actor) ([]SourceView, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT source, post_id, opened, counted, repeated, refused, first_at, last_at FROM case_source ORDER BY source LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	defer rows.Close()
	out := []SourceView{}
	for rows.Next() {
		var v SourceView
		var post id.ID
		if err := rows.Scan(&v.Source, &post, &v.Opened, &v.Counted, &v.Repeated, &v.Refused, db.Time(&v.First), db.Time(&v.Last)); err != nil {
			return nil, fmt.Errorf("read sources: %w", err)
		}
		v.PostName, v.Rows = env.postName(post), v.Opened+v.Counted+v.Repeated+v.Refused
		out = append(out, v)
	}
	return out, rows.Err()
}
