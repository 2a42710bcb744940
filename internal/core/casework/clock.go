package casework

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// A case has at most one clock that runs, the clock of its state; its columns
// stand on the case. Every clock that ever ran has a row in case_clock with its
// pauses, from which its deadline can be explained. (DESIGN.md section 7)

// nearMost is the longest time before a deadline in which a case counts as due
// soon: less than a quarter of the limit or four hours of running time,
// whichever is shorter. (look/LOOK.md section 2)
const (
	nearMost  = 4 * time.Hour
	nearShare = 4
)

// Ran is how a clock ended (环节用时).
type Ran struct {
	Kind  ClockKind `json:"kind"`
	Used  int64     `json:"used_ms"`
	Limit int64     `json:"limit_ms,omitempty"`
	Late  bool      `json:"late"`
}

// run is one row of case_clock.
type run struct {
	ID          id.ID
	Case        id.ID
	Kind        ClockKind
	Limit       calendar.Limit
	Calendar    string
	Given       bool
	Start       time.Time
	Due         time.Time
	Provisional bool
	Pauses      []calendar.Pause
	Remaining   time.Duration
	Stopped     time.Time
	Used        time.Duration
	LateAt      time.Time
	Extensions  []Extension
}

const runColumns = `id, case_id, kind, limits, calendar, given, start_at, due_at, provisional, pauses, remaining, stopped_at, used_ms, late_at, extensions`

func scanRun(r scanner) (run, error) {
	var c run
	var remaining, used int64
	err := r.Scan(&c.ID, &c.Case, &c.Kind, db.ScanJSON(&c.Limit), &c.Calendar, &c.Given, db.Time(&c.Start), db.Time(&c.Due), &c.Provisional,
		db.ScanJSON(&c.Pauses), &remaining, db.Time(&c.Stopped), db.Int(&used), db.Time(&c.LateAt), db.ScanJSON(&c.Extensions))
	c.Remaining, c.Used = time.Duration(remaining)*time.Millisecond, time.Duration(used)*time.Millisecond
	return c, err
}

func getRun(tx *db.Tx, row id.ID) (run, error) {
	r, err := scanRun(tx.Row(`SELECT `+runColumns+` FROM case_clock WHERE id = $1`, row))
	if err != nil {
		return r, fmt.Errorf("read clock %s: %w", row, err)
	}
	return r, nil
}

// runsOf reads all clocks of a case, oldest first.
func runsOf(tx *db.Tx, caseID id.ID) ([]run, error) {
	rows, err := tx.Query(`SELECT `+runColumns+` FROM case_clock WHERE case_id = $1 ORDER BY start_at, id`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read clocks: %w", err)
	}
	defer rows.Close()
	var out []run
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, fmt.Errorf("read clocks: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// lastRun reads the newest clock of a kind.
func lastRun(tx *db.Tx, caseID id.ID, kind ClockKind) (run, bool, error) {
	r, err := scanRun(tx.Row(`SELECT `+runColumns+` FROM case_clock WHERE case_id = $1 AND kind = $2 ORDER BY start_at DESC, id DESC LIMIT 1`, caseID, kind))
	if errors.Is(err, db.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read clock: %w", err)
	}
	return r, true, nil
}

// clockOf is the kind of clock that a state has. A verification or check runs
// on its own clock from the first state to the last.
func (c Case) clockOf(s State) ClockKind {
	f, ok := FlowOf(c.Flow)
	if !ok {
		return clockStopped
	}
	k := f.About[s].Clock
	if c.Task == "home_check" && k != clockStopped {
		return ClockHandle // it has the time of the application
	}
	if c.Task == TaskCooperate && s == Doing {
		return clockStopped // agreed in time; the case's own clock goes on
	}
	if c.Task != "" && k != clockStopped && k != clockPaused {
		return ClockKind(c.Task)
	}
	return k
}

// limitOf is the limit of a kind of clock under a condition: its own, else the
// stage clock of the catalogue. Handling has none but its own.
func limitOf(cat *catalog.Snapshot, cond catalog.Condition, kind ClockKind) (calendar.Limit, bool) {
	var own *calendar.Limit
	switch kind {
	case ClockAccept:
		own = cond.Limits.Accept
	case ClockDispatch:
		own = cond.Limits.Dispatch
	case ClockHandle:
		own = cond.Limits.Handle
	case ClockCheck:
		own = cond.Limits.Check
	case ClockPublicise:
		own = cond.Limits.Publicise
	case ClockGive:
		own = cond.Limits.Give
	}
	if own != nil {
		return *own, true
	}
	stage := string(kind)
	switch kind {
	case ClockHandle, ClockPublicise, ClockGive:
		return calendar.Limit{}, false
	case ClockCooperate:
		stage = "coop_answer"
	case ClockSupervise:
		stage = "supervise_reply"
	}
	s, err := cat.StageClock(stage)
	if err != nil {
		return calendar.Limit{}, false
	}
	return s.For(cond.Priority), true
}

// calendarOf is the calendar a clock runs on: the handling unit's own for
// handling, the desk's duty calendar for the others.
func calendarOf(o *org.Snapshot, post id.ID, kind ClockKind) string {
	p, _ := o.Post(post)
	u, _ := o.Unit(p.Unit)
	key := u.DutyCalendar
	if kind == ClockHandle {
		key = u.Calendar
	}
	return key // none: the district's standard one
}

// start lets a clock run on the case. given is a deadline that came with the
// case and wins over the limit.
func (d *Desk) start(tx *db.Tx, c *Case, kind ClockKind, limit calendar.Limit, key string, at, given time.Time) error {
	r := run{ID: tx.NewID(), Case: c.ID, Kind: kind, Limit: limit, Calendar: key, Start: at}
	cal, err := d.calendars.For(tx, key)
	if err != nil {
		return err
	}
	var near time.Time
	if !given.IsZero() {
		r.Due, r.Given = given, true
		near = given.Add(-max(0, min(given.Sub(at)/nearShare, nearMost)))
	} else {
		due, err := cal.Due(limit, at, nil)
		if err != nil {
			return fmt.Errorf("deadline of %s: %w", kind, err)
		}
		r.Due, r.Provisional = due.At, due.Provisional
		near = nearOf(cal, limit, at, due.At)
	}
	err = tx.Send(`INSERT INTO case_clock (`+runColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, NULL, NULL, '[]')`,
		r.ID, r.Case, r.Kind, db.JSON(r.Limit), r.Calendar, r.Given, db.Millis(r.Start), db.Millis(r.Due), r.Provisional, `[]`, int64(0))
	if err != nil {
		return fmt.Errorf("write clock: %w", err)
	}
	c.Timed = c.Timed || kind == ClockHandle
	c.Clock = Clock{Kind: kind, Row: r.ID, Start: at, Limit: limit, Calendar: key, Due: r.Due, Near: near, Provisional: r.Provisional, Given: r.Given}
	return nil
}

// nearOf is when a deadline comes near. Where running time cannot be taken
// apart (statutory days), the last four hours count.
func nearOf(cal *calendar.Calendar, limit calendar.Limit, start, due time.Time) time.Time {
	length := cal.Length(limit, start)
	lead := min(length/nearShare, nearMost)
	if near, err := cal.Resume(limit.Clock, length-lead, start); err == nil {
		return near.At
	}
	if near, err := cal.Near(limit, start, nil); err == nil {
		return near // a statutory clock
	}
	return due.Add(-nearMost)
}

// stop ends the running clock and says how it ran. A clock that stands still
// has used what ran before its pause.
func (d *Desk) stop(tx *db.Tx, c *Case, at time.Time) (*Ran, error) {
	if c.Clock.Kind == "" {
		return nil, nil
	}
	r := run{Limit: c.Clock.Limit, Start: c.Clock.Start}
	if c.Stood && !c.Clock.Given {
		var err error
		if r, err = getRun(tx, c.Clock.Row); err != nil {
			return nil, err
		}
	}
	used, length, err := d.used(tx, c.Clock, at, r)
	if err != nil {
		return nil, err
	}
	late := c.Clock.Late(at)
	lateAt := c.Clock.LateAt
	if late && lateAt.IsZero() {
		lateAt = at
	}
	err = tx.Send(`UPDATE case_clock SET stopped_at = $1, used_ms = $2, late_at = $3 WHERE id = $4`,
		db.Millis(at), used.Milliseconds(), db.Millis(lateAt), c.Clock.Row)
	if err != nil {
		return nil, fmt.Errorf("stop clock: %w", err)
	}
	out := &Ran{Kind: c.Clock.Kind, Used: used.Milliseconds(), Limit: length.Milliseconds(), Late: late}
	if c.Clock.Kind == ClockHandle {
		c.Late = c.Late || late
	}
	c.Clock, c.Stood = Clock{}, false
	return out, nil
}

// used is the running time of a clock until an instant, and its limit.
func (d *Desk) used(tx *db.Tx, k Clock, at time.Time, r run) (used, length time.Duration, err error) {
	if k.Given {
		// A given deadline has no calendar: plain time between the two.
		return max(0, at.Sub(k.Start)), k.Due.Sub(k.Start), nil
	}
	cal, err := d.calendars.For(tx, k.Calendar)
	if err != nil {
		return 0, 0, err
	}
	used, length, err = ran(cal, r, at)
	if k.Paused {
		used = max(0, length-k.Remaining)
	}
	return used, length, err
}

// pause lets the running clock stand still: the due time is emptied and the
// remainder stored.
func (d *Desk) pause(tx *db.Tx, c *Case, at time.Time) error {
	if c.Clock.Kind == "" {
		return nil
	}
	r, err := getRun(tx, c.Clock.Row)
	if err != nil {
		return err
	}
	r.Pauses = append(r.Pauses, calendar.Pause{From: at})
	left := max(0, c.Clock.Due.Sub(at))
	if !c.Clock.Given {
		cal, err := d.calendars.For(tx, c.Clock.Calendar)
		if err != nil {
			return err
		}
		due, _, err := reckon(cal, r)
		if err != nil {
			return fmt.Errorf("pause clock: %w", err)
		}
		left = due.Remaining
	}
	late := c.Clock.Late(at)
	if late && c.Clock.LateAt.IsZero() {
		c.Clock.LateAt = at
	}
	if c.Clock.Kind == ClockHandle {
		c.Late = c.Late || late
	}
	c.Clock.Due, c.Clock.Near, c.Clock.Paused, c.Clock.Remaining = time.Time{}, time.Time{}, true, left
	c.Stood = true
	return d.keepRun(tx, c, r.Pauses)
}

// resume lets a clock that stood still run on.
func (d *Desk) resume(tx *db.Tx, c *Case, at time.Time) error {
	if c.Clock.Kind == "" || !c.Clock.Paused {
		return nil
	}
	r, err := getRun(tx, c.Clock.Row)
	if err != nil {
		return err
	}
	if n := len(r.Pauses); n > 0 && r.Pauses[n-1].Open() {
		r.Pauses[n-1].To = at
	}
	lead := min(c.Clock.Remaining/nearShare, nearMost)
	if c.Clock.Given {
		c.Clock.Due = at.Add(c.Clock.Remaining)
		c.Clock.Near = c.Clock.Due.Add(-lead)
	} else {
		cal, err := d.calendars.For(tx, c.Clock.Calendar)
		if err != nil {
			return err
		}
		due, last, err := reckon(cal, r)
		if err != nil {
			return fmt.Errorf("resume clock: %w", err)
		}
		c.Clock.Due, c.Clock.Provisional, c.Clock.Near = due.At, due.Provisional, last
		if near, err := cal.Resume(c.Clock.Limit.Clock, c.Clock.Remaining-lead, at); err == nil && len(r.Extensions) == 0 {
			c.Clock.Near = near.At
		}
	}
	c.Clock.Paused, c.Clock.Remaining = false, 0
	return d.keepRun(tx, c, r.Pauses)
}

// revive lets the handling clock run on after a failed check: the same due
// time, and the interval since counts in full.
func (d *Desk) revive(tx *db.Tx, c *Case) error {
	r, ok, err := lastRun(tx, c.ID, ClockHandle)
	if err != nil || !ok {
		return err
	}
	c.Clock = Clock{Kind: r.Kind, Row: r.ID, Start: r.Start, Limit: r.Limit, Calendar: r.Calendar, Due: r.Due, Near: r.Due, Provisional: r.Provisional, Given: r.Given, LateAt: r.LateAt}
	c.Stood = len(r.Pauses) > 0 || len(r.Extensions) > 0
	if cal, err := d.calendars.For(tx, r.Calendar); err == nil && !r.Given && !c.Stood {
		c.Clock.Near = nearOf(cal, r.Limit, r.Start, r.Due)
	}
	if err := tx.Send(`UPDATE case_clock SET stopped_at = NULL, used_ms = NULL WHERE id = $1`, r.ID); err != nil {
		return fmt.Errorf("revive clock: %w", err)
	}
	return nil
}

// keepRun writes the changed clock of a case to its row.
func (d *Desk) keepRun(tx *db.Tx, c *Case, pauses []calendar.Pause) error {
	err := tx.Send(`UPDATE case_clock SET due_at = $1, provisional = $2, pauses = $3, remaining = $4, late_at = $5 WHERE id = $6`,
		db.Millis(c.Clock.Due), c.Clock.Provisional, db.JSON(pauses), c.Clock.Remaining.Milliseconds(), db.Millis(c.Clock.LateAt), c.Clock.Row)
	if err != nil {
		return fmt.Errorf("write clock: %w", err)
	}
	return nil
}

// turn brings the clock of the case from the clock of one state to that of the
// state it is in now. It says how the clock that ended ran. fresh asks for a
// new clock although the kind stays (another desk, another unit).
func (d *Desk) turn(tx *db.Tx, env *env, c *Case, from State, at time.Time, fresh bool) (*Ran, error) {
	want := c.clockOf(c.State)
	switch {
	case want == clockPaused:
		return nil, d.pause(tx, c, at)
	case c.Clock.Paused && want == c.Clock.Kind:
		return nil, d.resume(tx, c, at)
	case want == c.Clock.Kind && !fresh && from != "":
		return nil, nil
	}
	ran, err := d.stop(tx, c, at)
	if err != nil || want == clockStopped {
		return ran, err
	}
	if want == ClockHandle && from == Done {
		return ran, d.revive(tx, c)
	}
	if want == ClockHandle && from == Publicised {
		return ran, d.goOn(tx, c, at)
	}
	limit, ok := c.limitFor(env, want)
	if !ok {
		return ran, nil
	}
	var given time.Time
	if want == ClockHandle {
		given = c.Given
	}
	return ran, d.start(tx, c, want, limit, calendarOf(env.org, c.Post, want), at, given)
}
