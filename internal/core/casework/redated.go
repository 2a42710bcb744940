package casework

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Why a deadline moved.
const (
	WhyYear     = "year"     // a year of holidays was loaded
	WhyCalendar = "calendar" // an office changed its hours
)

// Redated is one deadline that was computed anew and moved (期限变动).
type Redated struct {
	ID       id.ID      `json:"id"`
	Case     id.ID      `json:"case_id"`
	Number   string     `json:"number"`
	Title    string     `json:"title"`
	Kind     ClockKind  `json:"clock" enum:"accept,verify,dispatch,handle,check,publicise,give,cooperate,supervise"`
	Calendar string     `json:"calendar,omitempty"`
	Name     words.Text `json:"calendar_name"`
	Before   time.Time  `json:"before"`
	After    time.Time  `json:"after"`
	Why      string     `json:"why" enum:"year,calendar"`
	At       time.Time  `json:"at"`
}

// noteRedated keeps that a deadline moved.
func noteRedated(tx *db.Tx, c Case, before, after time.Time, why string) error {
	_, err := tx.Exec(`INSERT INTO case_redated (id, case_id, kind, calendar, before_at, after_at, why, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tx.NewID(), c.ID, c.Clock.Kind, c.Clock.Calendar, db.Millis(before), db.Millis(after), why, db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("note a moved deadline: %w", err)
	}
	return nil
}

// Redated lists the deadlines that moved, of cases that the actor may see, the
// newest first.
func (d *Desk) Redated(tx *db.Tx, by *access.Actor, after *Cursor, limit int) ([]Redated, *Cursor, error) {
	var out []Redated
	for _, l := range lines(by.Walks("case.view")) {
		some, err := redatedOn(tx, l, after, limit+1)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, some...)
	}
	slices.SortFunc(out, func(a, b Redated) int {
		return cmp.Or(b.At.Compare(a.At), b.ID.Compare(a.ID))
	})
	out = slices.CompactFunc(out, func(a, b Redated) bool { return a.ID == b.ID })
	sheets, err := d.calendars.List(tx)
	if err != nil {
		return nil, nil, err
	}
	for i := range out {
		for _, s := range sheets {
			if s.Key == out[i].Calendar {
				out[i].Name = s.Name
			}
		}
		if out[i].Calendar == "" {
			out[i].Name = d.words.Text("casework.calendar.standard", nil)
		}
	}
	if len(out) <= limit {
		return out, nil, nil
	}
	out = out[:limit]
	last := out[limit-1]
	return out, &Cursor{At: last.At.UnixMilli(), ID: last.ID}, nil
}

// redatedOn reads one line of the actor's scope.
func redatedOn(tx *db.Tx, l line, after *Cursor, limit int) ([]Redated, error) {
	at, last := int64(1)<<62, id.ID{}
	if after != nil {
		at, last = after.At, after.ID
	}
	rows, err := tx.Query(`SELECT r.id, r.case_id, c.number, c.title, r.kind, r.calendar, r.before_at, r.after_at, r.why, r.at
		FROM case_redated r JOIN cases c ON c.id = r.case_id`+l.join()+` WHERE `+l.column+` = $1 AND c.secrecy <= $2 AND (r.at, r.id) < ($3, $4)`+l.also+
		fmt.Sprintf(` ORDER BY r.at DESC, r.id DESC LIMIT %d`, limit), l.node, int64(l.max), at, last[:])
	if err != nil {
		return nil, fmt.Errorf("read moved deadlines: %w", err)
	}
	var out []Redated
	for rows.Next() {
		var r Redated
		if err := rows.Scan(&r.ID, &r.Case, &r.Number, &r.Title, &r.Kind, &r.Calendar, db.Time(&r.Before), db.Time(&r.After), &r.Why, db.Time(&r.At)); err != nil {
			return nil, errors.Join(fmt.Errorf("read moved deadlines: %w", err), rows.Close())
		}
		out = append(out, r)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
