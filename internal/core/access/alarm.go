package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// An alarm (异常使用提醒) is a fact about how rights were used: what happened how
// often, the rule it met, and the journal's entries behind it, for the security
// administrator and the auditor to look at. It is no score of anybody, adds up to
// none, and by itself takes nobody's rights away.
//
// A worker follows the journal with a cursor and counts by the hour; nothing is
// counted while a request waits.

// The rules. Their numbers are settings (AlarmRule).
const (
	ruleRefusals  = "refusals"   // refused again and again
	ruleReveals   = "reveals"    // opened more personal data than usual
	ruleExports   = "exports"    // took many files out
	ruleOddHour   = "odd_hour"   // signed in at a time of day that is unusual for the person
	ruleNewDevice = "new_device" // signed in from browsers never used before
	ruleAbsence   = "absence"    // signed in after a long time
	ruleFailures  = "failures"   // wrong passwords over many accounts
)

// AlarmRule is one rule with its numbers (提醒规则). Which of them a rule reads,
// its comment says; the others are zero.
type AlarmRule struct {
	Rule  string `json:"rule"`
	On    bool   `json:"on"`
	Limit int64  `json:"limit,omitempty" minimum:"0" maximum:"100000"` // how often before it is told: in an hour, devices in a day, accounts in an hour
	Times int64  `json:"times,omitempty" minimum:"0" maximum:"100"`    // reveals: how many times the person's own median hour
	Days  int64  `json:"days,omitempty" minimum:"0" maximum:"3650"`    // absence
	From  string `json:"from,omitempty" maxLength:"5"`                 // odd_hour: from this time of day …
	To    string `json:"to,omitempty" maxLength:"5"`                   // … to this one
}

// alarmRules are as shipped, in the order in which they are shown.
var alarmRules = []AlarmRule{
	{Rule: ruleReveals, On: true, Limit: 30, Times: 4},
	{Rule: ruleExports, On: true, Limit: 10},
	{Rule: ruleRefusals, On: true, Limit: 30},
	{Rule: ruleFailures, On: true, Limit: 5},
	{Rule: ruleOddHour, On: true, Limit: 3, From: "23:00", To: "05:30"},
	{Rule: ruleNewDevice, On: true, Limit: 2},
	{Rule: ruleAbsence, On: true, Days: 90},
}

const (
	alarmBatch   = 500
	alarmHistory = 30 * 24 * time.Hour // what counts as the person's own habit
	alarmHabit   = 5                   // hours of it before a median means something
	alarmEntries = 50                  // numbers kept with an alarm
	useKept      = 40 * 24 * time.Hour
	noteMost     = 500
)

// What is counted by the hour beside what the rules name.
const useSlowed = "slowed"

// Alarm is one unusual use (异常使用).
type Alarm struct {
	ID         id.ID     `json:"id"`
	Rule       string    `json:"rule"`
	Person     id.ID     `json:"person_id,omitzero"` // absent: over many accounts
	PersonName string    `json:"person_name,omitempty"`
	At         time.Time `json:"at"` // the hour, or the moment
	Opened     time.Time `json:"opened_at"`
	Value      int64     `json:"value"`           // how often, or after how many days
	Limit      int64     `json:"limit"`           // from when it is told
	Usual      int64     `json:"usual,omitempty"` // the person's own median
	Entries    []int64   `json:"entries"`         // of the journal
	Done       time.Time `json:"acknowledged_at,omitzero"`
	DoneBy     id.ID     `json:"acknowledged_by,omitzero"`
	DoneByName string    `json:"acknowledged_by_name,omitempty"`
	Note       string    `json:"note,omitempty"`
}

// rules are as they are now.
func alarmRulesNow(tx *db.Tx) ([]AlarmRule, error) {
	rows, err := tx.Query(`SELECT rule, body FROM access_alarm_rule`)
	if err != nil {
		return nil, fmt.Errorf("read alarm rules: %w", err)
	}
	out := slices.Clone(alarmRules)
	for rows.Next() {
		var key string
		var r AlarmRule
		if err := rows.Scan(&key, db.ScanJSON(&r)); err != nil {
			return nil, fmt.Errorf("read alarm rules: %w", err)
		}
		if i := slices.IndexFunc(out, func(x AlarmRule) bool { return x.Rule == key }); i >= 0 {
			r.Rule = key
			out[i] = r
		}
	}
	return out, rows.Close()
}

// AlarmRules lists the rules. For security administrators and the auditor.
func (a *Access) AlarmRules(tx *db.Tx, by journal.Who) ([]AlarmRule, error) {
	if err := anyOf(by, permPolicy, permAudit); err != nil {
		return nil, err
	}
	return alarmRulesNow(tx)
}

// SetAlarmRule changes a rule's numbers or switches it off. Permission
// access.policy. Codes: access.missing, access.invalid.
func (a *Access) SetAlarmRule(tx *db.Tx, by *Actor, r AlarmRule) (AlarmRule, error) {
	if err := by.Check(permPolicy, journal.Sight{}); err != nil {
		return r, err
	}
	i := slices.IndexFunc(alarmRules, func(x AlarmRule) bool { return x.Rule == r.Rule })
	if i < 0 {
		return r, ErrMissing
	}
	f, shipped := ErrInvalid, alarmRules[i]
	if (shipped.Limit > 0) != (r.Limit > 0) {
		f = f.At("body.limit", "access.bad_limit")
	}
	if (shipped.Days > 0) != (r.Days > 0) {
		f = f.At("body.days", "access.bad_limit")
	}
	if shipped.Times == 0 && r.Times != 0 {
		f = f.At("body.times", "access.bad_limit")
	}
	for field, v := range map[string]string{"body.from": r.From, "body.to": r.To} {
		if _, err := time.Parse("15:04", v); (shipped.From != "") != (err == nil) {
			f = f.At(field, "access.bad_hour")
		}
	}
	if len(f.Where) > 0 {
		return r, f
	}
	if _, err := tx.Exec(`INSERT INTO access_alarm_rule (rule, body, version) VALUES ($1, $2, 1)
		ON CONFLICT (rule) DO UPDATE SET body = excluded.body, version = access_alarm_rule.version + 1`, r.Rule, db.JSON(r)); err != nil {
		return r, fmt.Errorf("write alarm rule %s: %w", r.Rule, err)
	}
	// A rule has no id of its own; its journal subject is the account of whoever
	// changed it.
	return r, a.wrote(tx, by, "access.alarm_rule", by.Account, 0, r)
}

// FollowAlarms reads what the journal got since last time and opens the alarms
// that the rules find in it. It says how many it opened.
func (a *Access) FollowAlarms(ctx context.Context, d *db.DB) (opened int, err error) {
	for {
		read, made := 0, 0
		if idle, err := alarmsIdle(ctx, d); err != nil || idle {
			return opened, err
		}
		err := d.Write(ctx, func(tx *db.Tx) error {
			read, made = 0, 0
			at, began, err := alarmCursor(tx)
			if err != nil {
				return err
			}
			if !began { // a new installation begins with today, not with its past
				if at, err = journal.Head(tx); err != nil {
					return err
				}
				_, err = tx.Exec(`INSERT INTO access_alarm_cursor (one, number) VALUES (1, $1) ON CONFLICT (one) DO NOTHING`, at)
				return err
			}
			list, err := journal.Feed(tx, at, alarmBatch)
			if err != nil || len(list) == 0 {
				return err
			}
			n, err := tx.Exec(`UPDATE access_alarm_cursor SET number = $1 WHERE one = 1 AND number = $2`, list[len(list)-1].Number, at)
			if err != nil || n == 0 {
				return err // another machine was faster
			}
			read = len(list)
			rules, err := alarmRulesNow(tx)
			if err != nil {
				return err
			}
			w := watchman{a: a, tx: tx, rules: rules}
			for i := range list {
				if err := w.sees(&list[i]); err != nil {
					return err
				}
			}
			made = w.opened
			return nil
		})
		opened += made
		if err != nil || read < alarmBatch {
			return opened, err
		}
	}
}

func alarmCursor(tx *db.Tx) (at int64, began bool, err error) {
	err = tx.Row(`SELECT number FROM access_alarm_cursor WHERE one = 1`).Scan(&at)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read the cursor of the alarms: %w", err)
	}
	return at, true, nil
}

func alarmsIdle(ctx context.Context, d *db.DB) (idle bool, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		at, began, err := alarmCursor(tx)
		if err != nil || !began {
			return err
		}
		head, err := journal.Head(tx)
		idle = head <= at
		return err
	})
	return idle, err
}

// watchman looks at the entries of one batch.
type watchman struct {
	a      *Access
	tx     *db.Tx
	rules  []AlarmRule
	opened int
}

func (w *watchman) rule(key string) (AlarmRule, bool) {
	i := slices.IndexFunc(w.rules, func(r AlarmRule) bool { return r.Rule == key })
	return w.rules[i], w.rules[i].On
}

func (w *watchman) sees(e *journal.Entry) error {
	who := e.By.Person
	switch {
	case e.Kind == "access.sign_in" && !who.IsZero():
		return w.signIn(e)
	case e.Kind == "access.sign_in_slowed":
		return w.slowed(e)
	case who.IsZero() || strings.HasPrefix(e.By.Via, "cli:"):
		return nil
	case e.Kind == "access.refused":
		return w.hourly(ruleRefusals, e)
	case strings.HasSuffix(e.Kind, ".reveal"):
		return w.hourly(ruleReveals, e)
	case strings.HasSuffix(e.Kind, ".export"), strings.HasSuffix(e.Kind, ".print"):
		return w.hourly(ruleExports, e)
	}
	return nil
}

// count adds one to an hour and says what it comes to.
func (w *watchman) count(who id.ID, kind string, hour time.Time) (n int64, err error) {
	err = w.tx.Row(`INSERT INTO access_use (person, kind, hour, n) VALUES ($1, $2, $3, 1)
		ON CONFLICT (person, kind, hour) DO UPDATE SET n = access_use.n + 1 RETURNING n`, who, kind, db.Millis(hour)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count use: %w", err)
	}
	return n, nil
}

// hourly is for rules that count within an hour.
func (w *watchman) hourly(key string, e *journal.Entry) error {
	hour := e.Recorded.Truncate(time.Hour)
	n, err := w.count(e.By.Person, key, hour)
	if err != nil {
		return err
	}
	r, on := w.rule(key)
	if !on || n < r.Limit {
		return nil
	}
	bound, usual := r.Limit, int64(0)
	if r.Times > 0 {
		if usual, err = w.median(e.By.Person, key, hour); err != nil {
			return err
		}
		if bound = max(bound, usual*r.Times); n < bound {
			return nil
		}
	}
	return w.open(Alarm{Rule: key, Person: e.By.Person, At: hour, Value: n, Limit: bound, Usual: usual}, e)
}

// median is the person's own usual hour: the middle of those in which the thing
// was done at all, over the past month. Nought while there are too few of them.
func (w *watchman) median(who id.ID, kind string, hour time.Time) (int64, error) {
	rows, err := w.tx.Query(`SELECT n FROM access_use WHERE person = $1 AND kind = $2 AND hour < $3 AND hour >= $4`,
		who, kind, db.Millis(hour), db.Millis(hour.Add(-alarmHistory)))
	if err != nil {
		return 0, fmt.Errorf("read use: %w", err)
	}
	var all []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, fmt.Errorf("read use: %w", err)
		}
		all = append(all, n)
	}
	if err := rows.Close(); err != nil || len(all) < alarmHabit {
		return 0, err
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// signIn looks at the time of day, the browser and the time since the last one.
func (w *watchman) signIn(e *journal.Entry) error {
	var f signedIn
	if raw, ok := e.Facts.(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil // an entry from before these facts
		}
	}
	who, hour := e.By.Person, e.Recorded.Truncate(time.Hour)
	if r, on := w.rule(ruleOddHour); r.odd(e.Recorded.In(w.a.o.Zone)) {
		n, err := w.count(who, ruleOddHour, hour)
		if err != nil {
			return err
		}
		// Who works nights signs in at night.
		before, err := w.hours(who, ruleOddHour, hour, alarmHistory)
		if err != nil {
			return err
		}
		if on && n == 1 && before < r.Limit {
			if err := w.open(Alarm{Rule: ruleOddHour, Person: who, At: e.Recorded, Value: before + 1, Limit: r.Limit}, e); err != nil {
				return err
			}
		}
	}
	if f.NewDevice {
		if _, err := w.count(who, ruleNewDevice, hour); err != nil {
			return err
		}
		n, err := w.sum(who, ruleNewDevice, hour, 24*time.Hour)
		if err != nil {
			return err
		}
		if r, on := w.rule(ruleNewDevice); on && n >= r.Limit {
			if err := w.open(Alarm{Rule: ruleNewDevice, Person: who, At: e.Recorded, Value: n, Limit: r.Limit}, e); err != nil {
				return err
			}
		}
	}
	if r, on := w.rule(ruleAbsence); on && f.Away >= r.Days {
		return w.open(Alarm{Rule: ruleAbsence, Person: who, At: e.Recorded, Value: f.Away, Limit: r.Days}, e)
	}
	return nil
}

// odd says whether a time of day lies in the rule's span, over midnight too.
func (r AlarmRule) odd(at time.Time) bool {
	now := at.Format("15:04")
	if r.From <= r.To {
		return now >= r.From && now < r.To
	}
	return now >= r.From || now < r.To
}

// hours counts the hours in which a thing was done at all.
func (w *watchman) hours(who id.ID, kind string, until time.Time, back time.Duration) (n int64, err error) {
	err = w.tx.Row(`SELECT COUNT(*) FROM access_use WHERE person = $1 AND kind = $2 AND hour < $3 AND hour >= $4`,
		who, kind, db.Millis(until), db.Millis(until.Add(-back))).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read use: %w", err)
	}
	return n, nil
}

// sum adds up what was done, the present hour included.
func (w *watchman) sum(who id.ID, kind string, until time.Time, back time.Duration) (n int64, err error) {
	err = w.tx.Row(`SELECT COALESCE(SUM(n), 0) FROM access_use WHERE person = $1 AND kind = $2 AND hour <= $3 AND hour > $4`,
		who, kind, db.Millis(until), db.Millis(until.Add(-back))).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read use: %w", err)
	}
	return n, nil
}

// slowed counts the accounts on which passwords are tried within an hour.
func (w *watchman) slowed(e *journal.Entry) error {
	hour := e.Recorded.Truncate(time.Hour)
	if _, err := w.count(e.Subject, useSlowed, hour); err != nil {
		return err
	}
	r, on := w.rule(ruleFailures)
	if !on {
		return nil
	}
	var n int64
	if err := w.tx.Row(`SELECT COUNT(*) FROM access_use WHERE kind = $1 AND hour = $2`, useSlowed, db.Millis(hour)).Scan(&n); err != nil {
		return fmt.Errorf("read use: %w", err)
	}
	if n < r.Limit {
		return nil
	}
	return w.open(Alarm{Rule: ruleFailures, At: hour, Value: n, Limit: r.Limit}, e)
}

// open opens an alarm, or adds to the one that is open for the same hour.
func (w *watchman) open(v Alarm, e *journal.Entry) error {
	v.At = v.At.UTC().Truncate(time.Millisecond)
	var there id.ID
	var entries []int64
	var done time.Time
	err := w.tx.Row(`SELECT id, entries, acknowledged FROM access_alarm WHERE rule = $1 AND person = $2 AND at = $3`, v.Rule, v.Person[:], db.Millis(v.At)).
		Scan(&there, db.ScanJSON(&entries), db.Time(&done))
	if err == nil {
		if !done.IsZero() {
			return nil // looked at already
		}
		if len(entries) < alarmEntries {
			entries = append(entries, e.Number)
		}
		_, err = w.tx.Exec(`UPDATE access_alarm SET value = $1, entries = $2 WHERE id = $3`, v.Value, db.JSON(entries), there)
		if err != nil {
			return fmt.Errorf("write alarm: %w", err)
		}
		return nil
	}
	if !errors.Is(err, db.ErrNoRows) {
		return fmt.Errorf("read alarm: %w", err)
	}
	v.ID, v.Opened = w.tx.NewID(), w.tx.Now()
	if v.Entries, err = behind(w.tx, v, e); err != nil {
		return err
	}
	if _, err := w.tx.Exec(`INSERT INTO access_alarm (id, rule, person, at, opened, value, bound, usual, entries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		v.ID, v.Rule, v.Person[:], db.Millis(v.At), db.Millis(v.Opened), v.Value, v.Limit, v.Usual, db.JSON(v.Entries)); err != nil {
		return fmt.Errorf("write alarm: %w", err)
	}
	w.opened++
	persons, err := w.a.whoLooks(w.tx, v.Person)
	if err != nil {
		return err
	}
	journal.Add(w.tx, journal.Entry{Kind: "access.alarm", Subject: v.ID, By: journal.By{Via: "system"}, Sight: unseen, Class: classAccess,
		Facts: map[string]any{"rule": v.Rule, "tell": map[string]any{"persons": persons}}})
	return nil
}

// behind finds the entries that an alarm counted before it opened.
func behind(tx *db.Tx, v Alarm, e *journal.Entry) ([]int64, error) {
	out := []int64{e.Number}
	if slices.Contains([]string{ruleOddHour, ruleNewDevice, ruleAbsence}, v.Rule) {
		return out, nil // it rests on this one entry
	}
	list, err := journal.Feed(tx, max(0, e.Number-20*alarmBatch), 20*alarmBatch)
	if err != nil {
		return out, err
	}
	for i := len(list) - 1; i >= 0 && len(out) < alarmEntries; i-- {
		x := &list[i]
		if x.Number < e.Number && !x.Recorded.Before(v.At) && x.Kind == e.Kind && (v.Person.IsZero() || x.By.Person == v.Person) {
			out = append(out, x.Number)
		}
	}
	slices.Sort(out)
	return out, nil
}

// whoLooks lists who is told of an alarm: security administrators and auditors,
// but not the one it is about.
func (a *Access) whoLooks(tx *db.Tx, about id.ID) ([]id.ID, error) {
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	looks := func(role string) bool {
		r := st.book.role[role]
		return r != nil && (r.set[permPolicy] || r.set[permAudit])
	}
	out := []id.ID{}
	for person, list := range st.direct {
		if person != about && slices.ContainsFunc(list, func(g Grant) bool {
			return looks(g.Role) && !now.Before(g.From) && (g.To.IsZero() || now.Before(g.To))
		}) {
			out = append(out, person)
		}
	}
	for _, p := range o.Posts {
		if person, _, ok := o.Occupant(p.ID, now); ok && looks(p.Role) && p.Open(now) && person != about {
			out = append(out, person)
		}
	}
	slices.SortFunc(out, id.ID.Compare)
	return slices.Compact(out), nil
}

const alarmColumns = `id, rule, person, at, opened, value, bound, usual, entries, acknowledged, by_person, note`

func (a *Access) alarms(tx *db.Tx, where string, args ...any) ([]Alarm, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT `+alarmColumns+` FROM access_alarm WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	out := []Alarm{}
	for rows.Next() {
		var v Alarm
		if err := rows.Scan(&v.ID, &v.Rule, &v.Person, db.Time(&v.At), db.Time(&v.Opened), &v.Value, &v.Limit, &v.Usual, db.ScanJSON(&v.Entries),
			db.Time(&v.Done), &v.DoneBy, db.Text(&v.Note)); err != nil {
			return nil, fmt.Errorf("read alarms: %w", err)
		}
		about, _ := o.Person(v.Person)
		looked, _ := o.Person(v.DoneBy)
		v.PersonName, v.DoneByName = about.Name, looked.Name
		out = append(out, v)
	}
	return out, rows.Close()
}

// Alarms lists alarms, newest first: those nobody looked at, or all. For security
// administrators and the auditor.
func (a *Access) Alarms(tx *db.Tx, by journal.Who, all bool, before time.Time, limit int) ([]Alarm, error) {
	if err := anyOf(by, permPolicy, permAudit); err != nil {
		return nil, err
	}
	where, args := `1 = 1`, []any{}
	if !all {
		where = `acknowledged IS NULL`
	}
	if !before.IsZero() {
		args = append(args, db.Millis(before))
		where += ` AND opened < $1`
	}
	args = append(args, limit)
	return a.alarms(tx, where+fmt.Sprintf(` ORDER BY opened DESC, id DESC LIMIT $%d`, len(args)), args...)
}

// AlarmEntry is one entry of the journal behind an alarm: what kind of act, when
// and through which post. What it was about stays where it is.
type AlarmEntry struct {
	Number int64      `json:"number"`
	Kind   string     `json:"kind"`
	At     time.Time  `json:"at"`
	Post   words.Text `json:"post,omitzero"`
	Via    string     `json:"via,omitempty"`
}

// AlarmEntries lists the entries behind an alarm. For security administrators and
// the auditor. Code: access.missing.
func (a *Access) AlarmEntries(tx *db.Tx, by journal.Who, v id.ID) ([]AlarmEntry, error) {
	if err := anyOf(by, permPolicy, permAudit); err != nil {
		return nil, err
	}
	found, err := a.alarms(tx, `id = $1`, v)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrMissing
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []AlarmEntry{}
	for _, n := range found[0].Entries {
		list, err := journal.Feed(tx, n-1, 1)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			post, _ := o.Post(e.By.Post)
			out = append(out, AlarmEntry{Number: e.Number, Kind: e.Kind, At: e.Recorded, Post: post.Name, Via: e.By.Via})
		}
	}
	slices.SortFunc(out, func(x, y AlarmEntry) int { return cmp.Compare(y.Number, x.Number) })
	return out, nil
}

// AcknowledgeAlarm says that somebody looked, and what he found. Permission
// access.policy; never of an alarm about oneself. Codes: access.missing,
// access.same_hand, access.ended, access.invalid.
func (a *Access) AcknowledgeAlarm(tx *db.Tx, by journal.Who, v id.ID, note string) (Alarm, error) {
	if err := by.Check(permPolicy, journal.Sight{}); err != nil {
		return Alarm{}, err
	}
	found, err := a.alarms(tx, `id = $1`, v)
	if err != nil {
		return Alarm{}, err
	}
	if len(found) == 0 {
		return Alarm{}, ErrMissing
	}
	one, who := found[0], by.By()
	if !one.Person.IsZero() && SameHand(who, journal.By{Person: one.Person}) {
		return Alarm{}, ErrSameHand
	}
	if !one.Done.IsZero() {
		return Alarm{}, ErrEnded
	}
	note = strings.TrimSpace(note)
	if n := utf8.RuneCountInString(note); n < 1 || n > noteMost {
		return Alarm{}, ErrInvalid.At("body.note", "access.note_needed", "most", noteMost)
	}
	if _, err := tx.Exec(`UPDATE access_alarm SET acknowledged = $1, by_person = $2, note = $3 WHERE id = $4`, db.Millis(tx.Now()), who.Person, note, v); err != nil {
		return Alarm{}, fmt.Errorf("write alarm: %w", err)
	}
	if err := a.wrote(tx, by, "access.alarm_seen", v, 0, map[string]string{"note": note}); err != nil {
		return Alarm{}, err
	}
	found, err = a.alarms(tx, `id = $1`, v)
	if err != nil {
		return Alarm{}, err
	}
	return found[0], nil
}

// EndAlarms forgets alarms from before a time, up to limit, and says how many.
// With count it only counts.
func (a *Access) EndAlarms(tx *db.Tx, before time.Time, limit int, count bool) (int, error) {
	const over = ` FROM access_alarm WHERE opened < $1`
	if count {
		var n int
		if err := tx.Row(`SELECT COUNT(*)`+over, db.Millis(before)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count alarms: %w", err)
		}
		return n, nil
	}
	n, err := tx.Exec(`DELETE FROM access_alarm WHERE id IN (SELECT id`+over+` ORDER BY opened, id LIMIT $2)`, db.Millis(before), limit)
	if err != nil {
		return 0, fmt.Errorf("end alarms: %w", err)
	}
	return int(n), nil
}

type alarmsIn struct {
	All    bool      `query:"all" doc:"also those that somebody looked at"`
	Before time.Time `query:"before" doc:"only those opened before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"100"`
}
type alarmsOut struct {
	Body struct {
		Items []Alarm `json:"items"`
	}
}
type alarmEntriesOut struct {
	Body struct {
		Items []AlarmEntry `json:"items"`
	}
}
type alarmSeenIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Note string `json:"note" maxLength:"2000"`
	}
}
type alarmOut struct{ Body Alarm }
type alarmRulesOut struct {
	Body struct {
		Items []AlarmRule `json:"items"`
	}
}
type alarmRuleIn struct {
	Rule string `path:"rule" maxLength:"40"`
	Body AlarmRuleIn
}

// AlarmRuleIn are the numbers of a rule as they are set.
type AlarmRuleIn struct {
	On    bool   `json:"on"`
	Limit int64  `json:"limit,omitempty" minimum:"0" maximum:"100000"`
	Times int64  `json:"times,omitempty" minimum:"0" maximum:"100"`
	Days  int64  `json:"days,omitempty" minimum:"0" maximum:"3650"`
	From  string `json:"from,omitempty" maxLength:"5"`
	To    string `json:"to,omitempty" maxLength:"5"`
}
type alarmRuleOut struct{ Body AlarmRule }

func (a *Access) alarmRoutes(e *httpx.Edge) {
	tags := []string{"access"}
	httpx.Read(e, httpx.Op{ID: "access.alarms", Method: http.MethodGet, Path: "/api/alarms", SignedIn: true, Tags: tags,
		Summary: "Unusual use of rights; for security administrators and the auditor"},
		func(tx *db.Tx, by *Actor, in *alarmsIn) (*alarmsOut, error) {
			list, err := a.Alarms(tx, by, in.All, in.Before, in.Limit)
			out := &alarmsOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "access.alarm_entries", Method: http.MethodGet, Path: "/api/alarms/{id}/entries", SignedIn: true, Tags: tags,
		Summary: "The journal's entries behind an alarm"},
		func(tx *db.Tx, by *Actor, in *idIn) (*alarmEntriesOut, error) {
			list, err := a.AlarmEntries(tx, by, in.ID)
			out := &alarmEntriesOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.alarm_seen", Method: http.MethodPost, Path: "/api/alarms/{id}/acknowledge", Permission: permPolicy, Tags: tags,
		Summary: "Say that one looked at an alarm, and what one found"},
		func(tx *db.Tx, by *Actor, in *alarmSeenIn) (*alarmOut, error) {
			v, err := a.AcknowledgeAlarm(tx, by, in.ID, in.Body.Note)
			return &alarmOut{v}, err
		})
	httpx.Read(e, httpx.Op{ID: "access.alarm_rules", Method: http.MethodGet, Path: "/api/alarm-rules", SignedIn: true, Tags: tags,
		Summary: "The rules of the alarms and their numbers"},
		func(tx *db.Tx, by *Actor, _ *none) (*alarmRulesOut, error) {
			list, err := a.AlarmRules(tx, by)
			out := &alarmRulesOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.alarm_rule", Method: http.MethodPut, Path: "/api/alarm-rules/{rule}", Permission: permPolicy, Tags: tags,
		Summary: "Change the numbers of a rule, or switch it off"},
		func(tx *db.Tx, by *Actor, in *alarmRuleIn) (*alarmRuleOut, error) {
			b := in.Body
			r, err := a.SetAlarmRule(tx, by, AlarmRule{Rule: in.Rule, On: b.On, Limit: b.Limit, Times: b.Times, Days: b.Days, From: b.From, To: b.To})
			return &alarmRuleOut{r}, err
		})
}
