package casework

import (
	"fmt"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// What asking for more time can be refused for.
var (
	ErrNotExtendable = fault.New(fault.Conflict, "case.not_extendable")
	ErrUnitsNeeded   = fault.New(fault.Invalid, "case.units_needed")
	ErrUnitsMany     = fault.New(fault.Invalid, "case.units_too_many")
)

// Extension is time that was granted on top of a limit (延期). It begins where
// the time before it ended, on the same calendar.
type Extension struct {
	Limit  calendar.Limit `json:"limit"`
	Reason string         `json:"reason"`
	Note   string         `json:"note,omitempty"`
	Post   id.ID          `json:"post"` // who granted it
	At     time.Time      `json:"at"`
}

// extendable demands a handling clock that runs and is not late, whose deadline
// is ours to move: more time is asked for before the time is over.
var extendable = refuse("extendable", ErrNotExtendable, func(f Facts) bool {
	k := f.Case.Clock
	return k.Kind != ClockHandle || k.Given || k.Paused || k.Due.IsZero() || k.Late(f.Now)
})

// unitsGiven bounds how much is asked for by what the reason allows.
var unitsGiven = Guard{Name: "units_given", Check: func(f Facts) error {
	most := f.Reason.Effect.MaxLength
	switch {
	case f.Given.Units < 1:
		return ErrUnitsNeeded
	case most != nil && float64(f.Given.Units) > most.Units:
		return ErrUnitsMany.With("most", most.Units)
	}
	return nil
}}

// extendAsked demands a request for more time that waits.
var extendAsked = refuse("extend_asked", ErrNotAsked, func(f Facts) bool {
	return f.Case.Ask == nil || f.Case.Ask.Kind != AskExtend
})

// reckon computes the deadline of a run: its limit, then what was granted on
// top, each on the calendar from where the one before ended.
func reckon(cal *calendar.Calendar, r run) (due calendar.Due, near time.Time, err error) {
	if due, err = cal.Due(r.Limit, r.Start, r.Pauses); err != nil {
		return due, near, err
	}
	last, from := r.Limit, r.Start
	for _, e := range r.Extensions {
		provisional := due.Provisional
		switch {
		case due.Paused && due.RanOut.IsZero():
			due.Remaining += cal.Length(e.Limit, r.Start)
			continue
		case due.Paused:
			from = due.RanOut
		default:
			from = due.At
		}
		if due, err = cal.Due(e.Limit, from, since(r.Pauses, from)); err != nil {
			return due, near, err
		}
		due.Provisional = due.Provisional || provisional
		last = e.Limit
	}
	if due.At.IsZero() {
		return due, near, nil
	}
	near, err = cal.Near(last, from, since(r.Pauses, from))
	return due, near, err
}

// since are the pauses that end after an instant.
func since(pauses []calendar.Pause, at time.Time) []calendar.Pause {
	var out []calendar.Pause
	for _, p := range pauses {
		if p.Open() || p.To.After(at) {
			out = append(out, p)
		}
	}
	return out
}

// ran is the running time of a run until an instant, and its whole limit.
func ran(cal *calendar.Calendar, r run, at time.Time) (used, length time.Duration, err error) {
	length = cal.Length(r.Limit, r.Start)
	legs := []Extension{{Limit: r.Limit}}
	for _, e := range r.Extensions {
		length += cal.Length(e.Limit, r.Start)
		legs = append(legs, e)
	}
	from := r.Start
	for i, e := range legs {
		pauses := since(r.Pauses, from)
		due, err := cal.Due(e.Limit, from, pauses)
		if err != nil {
			return 0, 0, err
		}
		end := due.At
		if end.IsZero() {
			end = due.RanOut
		}
		if i == len(legs)-1 || end.IsZero() || at.Before(end) {
			return used + cal.Elapsed(e.Limit.Clock, from, at, pauses), length, nil
		}
		used += cal.Length(e.Limit, from)
		from = end
	}
	return used, length, nil
}

// extend moves the deadline of the running clock by what was granted.
func (d *Desk) extend(env *env, me journal.By, c *Case, a Ask, note string) error {
	if c.Clock.Kind != ClockHandle || c.Clock.Given || a.Limit == nil {
		return ErrNotExtendable
	}
	r, err := getRun(env.tx, c.Clock.Row)
	if err != nil {
		return err
	}
	if note == "" {
		note = a.Note
	}
	r.Extensions = append(r.Extensions, Extension{Limit: *a.Limit, Reason: a.Reason, Note: note, Post: me.Post, At: env.at})
	cal, err := d.calendars.For(env.tx, r.Calendar)
	if err != nil {
		return err
	}
	due, near, err := reckon(cal, r)
	if err != nil {
		return fmt.Errorf("extend a deadline: %w", err)
	}
	c.Clock.Due, c.Clock.Near, c.Clock.Provisional, c.Stood = due.At, near, due.Provisional, true
	if due.At.After(env.at) {
		// The clock ran out while the request waited: it counts as in time.
		c.Clock.LateAt = time.Time{}
		if c.Late, err = lateBefore(env.tx, c.ID, r.ID); err != nil {
			return err
		}
	}
	_, err = env.tx.Exec(`UPDATE case_clock SET extensions = $1, escalate_at = NULL, escalate_step = 0 WHERE id = $2`, db.JSON(r.Extensions), r.ID)
	if err != nil {
		return fmt.Errorf("write extension: %w", err)
	}
	return d.keepRun(env.tx, c, r.Pauses)
}

// lateBefore says whether another handling clock of a case ran out.
func lateBefore(tx *db.Tx, caseID, but id.ID) (bool, error) {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM case_clock WHERE case_id = $1 AND kind = $2 AND id <> $3 AND late_at IS NOT NULL`, caseID, ClockHandle, but).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for late clocks: %w", err)
	}
	return n > 0, nil
}

// ExtensionView is one extension of a deadline with its own explanation.
type ExtensionView struct {
	Limit    calendar.Limit        `json:"limit"`
	Reason   words.Text            `json:"reason"`
	Note     string                `json:"note,omitempty"`
	Post     words.Text            `json:"post_name"`
	At       time.Time             `json:"granted_at"`
	From     time.Time             `json:"from"`
	Due      time.Time             `json:"due_at,omitzero"`
	Explains *calendar.Explanation `json:"explanation,omitempty"`
}

// extensionViews explains what was granted on top of a limit, leg by leg.
func extensionViews(env *env, cal *calendar.Calendar, r run, until time.Time) ([]ExtensionView, error) {
	out := []ExtensionView{}
	from, limit := r.Start, r.Limit
	for _, e := range r.Extensions {
		due, err := cal.Due(limit, from, since(r.Pauses, from))
		if err != nil {
			return nil, err
		}
		if from, limit = due.At, e.Limit; from.IsZero() {
			from = due.RanOut
		}
		v := ExtensionView{Limit: e.Limit, Reason: env.reasonName(e.Reason), Note: e.Note, Post: env.postName(e.Post), At: e.At, From: from}
		if from.IsZero() { // it has not begun, and the clock stands still
			return append(out, v), nil
		}
		x, err := cal.Explain(e.Limit, from, since(r.Pauses, from), until)
		if err != nil {
			return nil, err
		}
		v.Due, v.Explains = x.DueAt, &x
		out = append(out, v)
	}
	return out, nil
}
