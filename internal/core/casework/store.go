package casework

import (
	"embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

//go:embed migrations
var migrations embed.FS

// Room is casework's part of the schema.
func Room() db.Room { return db.RoomOf("casework", migrations) }

// ErrMissing says that there is no such case, or none that the actor may see.
var ErrMissing = fault.New(fault.Missing, "case.missing")

// ErrChanged says that somebody changed the case since it was read.
var ErrChanged = fault.New(fault.Changed, "case.changed")

const caseColumns = `id, number, arrived, parent_id, task, flow, item, item_version, condition, title, text, lon, lat, place,
	hub_id, street_id, platform_id, grid_id, micro_id, department_id, state, priority, secrecy, channel,
	post_id, acting_post_id, intake_post_id, handler_post_id, person_id, ask_post_id,
	clock_kind, clock_row, clock_start, clock_limit, clock_calendar, clock_given, due_at, near_at, provisional, paused, remaining, clock_late_at,
	late, verify_state, check_state, occurred_at, recorded_at, closed_at, version, made_up, facets`

// scanner is a row or a row set.
type scanner interface{ Scan(dest ...any) error }

// scanCase reads a case's columns, and more that follow them.
func scanCase(r scanner, more ...any) (Case, error) {
	var c Case
	var lon, lat *float64
	var secrecy, remaining int64
	err := r.Scan(append([]any{&c.ID, &c.Number, db.Int(&c.Arrived), &c.Parent, db.Text(&c.Task), &c.Flow, &c.Item, &c.ItemVersion, &c.Condition, &c.Title, &c.Text,
		floatPointer{&lon}, floatPointer{&lat}, &c.Where,
		&c.Hub, &c.Street, &c.Platform, &c.Grid, &c.Micro, &c.Department, &c.State, &c.Priority, &secrecy, &c.Channel,
		&c.Post, &c.Acting, &c.Intake, &c.Handler, &c.Person, &c.AskPost,
		db.Text((*string)(&c.Clock.Kind)), &c.Clock.Row, db.Time(&c.Clock.Start), db.ScanJSON(&c.Clock.Limit), db.Text(&c.Clock.Calendar), &c.Clock.Given,
		db.Time(&c.Clock.Due), db.Time(&c.Clock.Near), &c.Clock.Provisional, &c.Clock.Paused, &remaining, db.Time(&c.Clock.LateAt),
		&c.Late, &c.Verify, &c.Check, db.Time(&c.Occurred), db.Time(&c.Recorded), db.Time(&c.Closed), &c.Version, &c.MadeUp, db.ScanJSON(&c.Facets)}, more...)...)
	if err != nil {
		return c, err
	}
	c.Secrecy = journal.Secrecy(secrecy)
	c.Clock.Remaining = time.Duration(remaining) * time.Millisecond
	if lon != nil && lat != nil {
		c.Lon, c.Lat, c.Located = *lon, *lat, true
	}
	c.stored = c.keyed()
	return c, nil
}

// floatPointer scans a number that may be missing.
type floatPointer struct{ p **float64 }

func (f floatPointer) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*f.p = nil
	case float64:
		*f.p = &v
	case int64:
		w := float64(v)
		*f.p = &w
	default:
		return fmt.Errorf("%T is no number", src)
	}
	return nil
}

// get reads one case with its claim.
func get(tx *db.Tx, caseID id.ID) (Case, error) {
	var k claim
	c, err := scanCase(tx.Row(`SELECT `+prefixed+`, k.person_id, k.post_id, k.until_at FROM cases c LEFT JOIN case_claim k ON k.case_id = c.id WHERE c.id = $1`, caseID),
		&k.Person, &k.Post, db.Time(&k.Until))
	c.claim = &k
	return missing(c, err)
}

// byNumber reads one case by its number.
func byNumber(tx *db.Tx, number string) (Case, error) {
	return one(tx.Row(`SELECT `+caseColumns+` FROM cases WHERE number = $1`, number))
}

func one(r db.Row) (Case, error) {
	return missing(scanCase(r))
}

func missing(c Case, err error) (Case, error) {
	if errors.Is(err, db.ErrNoRows) {
		return c, ErrMissing
	}
	if err != nil {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// many reads the cases of a query.
func many(tx *db.Tx, q string, args ...any) ([]Case, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	defer rows.Close()
	var out []Case
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, fmt.Errorf("read cases: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return out, nil
}

// tasksOf reads the tasks of a case, oldest first.
func tasksOf(tx *db.Tx, parent id.ID) ([]Case, error) {
	return many(tx, `SELECT `+caseColumns+` FROM cases WHERE parent_id = $1 ORDER BY recorded_at, LENGTH(number), number`, parent)
}

func (c Case) lonLat() (lon, lat, cell, spot any) {
	if !c.Located {
		return nil, nil, nil, nil
	}
	return c.Lon, c.Lat, cellOf(c.Lon, c.Lat), spotOf(c.Lon, c.Lat)
}

// clockValues are the columns of the clock.
func (c Case) clockValues() []any {
	var limit any
	if c.Clock.Kind != "" {
		limit = db.JSON(c.Clock.Limit)
	}
	return []any{none(string(c.Clock.Kind)), c.Clock.Row, db.Millis(c.Clock.Start), limit, none(c.Clock.Calendar), c.Clock.Given,
		db.Millis(c.Clock.Due), db.Millis(c.Clock.Near), c.Clock.Provisional, c.Clock.Paused, c.Clock.Remaining.Milliseconds(), db.Millis(c.Clock.LateAt)}
}

func none(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// resumeAt is when the sweeper ends a suspension, a wait for papers or a posting
// that nobody objected to.
func (c Case) resumeAt() any {
	switch {
	case (c.State == Suspended || c.State == Correcting) && c.Hold != nil && !c.Hold.Until.IsZero():
		return db.Millis(c.Hold.Until)
	case c.State == Publicised && c.Posting != nil && c.Posting.Objections == 0:
		return db.Millis(c.Posting.Until)
	}
	return nil
}

// insert stores a new case.
func insert(tx *db.Tx, c Case) error {
	lon, lat, cell, spot := c.lonLat()
	args := append([]any{c.ID, c.Number, c.Parent, none(c.Task), c.Flow, c.Item, c.ItemVersion, c.Condition, c.Title, c.Text, lon, lat, cell, c.Where,
		c.Hub, c.Street, c.Platform, c.Grid, c.Micro, c.Department, c.State, c.Priority, int64(c.Secrecy), c.Channel,
		c.Post, c.Acting, c.Intake, c.Handler, c.Person, c.AskPost}, c.clockValues()...)
	args = append(args, c.Late, c.Verify, c.Check, c.resumeAt(), db.Millis(c.Occurred), db.Millis(c.Recorded), db.Millis(c.Closed), c.listAt(), c.Version, c.MadeUp, db.JSON(c.Facets), spot)
	_, err := tx.Exec(`INSERT INTO cases (id, number, parent_id, task, flow, item, item_version, condition, title, text, lon, lat, cell, place,
		hub_id, street_id, platform_id, grid_id, micro_id, department_id, state, priority, secrecy, channel,
		post_id, acting_post_id, intake_post_id, handler_post_id, person_id, ask_post_id,
		clock_kind, clock_row, clock_start, clock_limit, clock_calendar, clock_given, due_at, near_at, provisional, paused, remaining, clock_late_at,
		late, verify_state, check_state, resume_at, occurred_at, recorded_at, closed_at, list_at, version, made_up, facets, spot)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
		$31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54)`, args...)
	if db.Unique(err) {
		return ErrTaken.With("id", c.ID.String())
	}
	if err != nil {
		return fmt.Errorf("write case %s: %w", c.ID, err)
	}
	return alongside(tx, c)
}

// standing is the state of case $2 and its place in the order, for rows beside it
// that lists walk; nothing yet where the case is about to be inserted.
const standing = `COALESCE((SELECT c.state FROM cases c WHERE c.id = $2), ''), COALESCE((SELECT c.list_at FROM cases c WHERE c.id = $2), 0)`

// alongside lets the rows beside a case that lists walk follow it.
func alongside(tx *db.Tx, c Case) error {
	for table, is := range map[string]bool{"case_named": len(c.Named) > 0 || c.Secrecy == journal.Named, "case_side": len(c.takesPart()) > 0} {
		if !is {
			continue
		}
		if err := tx.Send(`UPDATE `+table+` SET state = $2, list_at = $3 WHERE case_id = $1`, c.ID, c.State, c.listAt()); err != nil {
			return fmt.Errorf("write beside case %s: %w", c.ID, err)
		}
	}
	return nil
}

// ErrTaken says that a case with this id exists already and the request is not
// a repetition of the one that made it.
var ErrTaken = fault.New(fault.Conflict, "case.id_taken")

// put stores c with the next version if nobody changed it since it was read.
func put(tx *db.Tx, c Case) (Case, error) {
	c.Version++
	if err := store(tx, c, c.Version-1); err != nil {
		return c, err
	}
	c.stored = c.keyed()
	return c, nil
}

// keys are the values of a case in columns that indexes begin with or rest on and
// that most moves leave alone. Writing one anew costs each of its indexes, the
// same value too, so store leaves out what has not changed.
type keys struct {
	known                                  bool // the row has these values
	item                                   string
	department, post, acting, handler, ask id.ID
	resume                                 any
	closed                                 time.Time
	state                                  State
	at                                     int64
}

func (c Case) keyed() keys {
	return keys{true, c.Item, c.Department, c.Post, c.Acting, c.Handler, c.AskPost, c.resumeAt(), c.Closed, c.State, c.listAt()}
}

// storeTexts are the statements of store by which keys they write.
var storeTexts sync.Map // int -> string

var keyColumns = []string{"item", "department_id", "post_id", "acting_post_id", "handler_post_id", "ask_post_id", "resume_at", "closed_at"}

func storeText(which int) string {
	if q, ok := storeTexts.Load(which); ok {
		return q.(string)
	}
	q := `UPDATE cases SET item_version = $3, condition = $4, priority = $5, secrecy = $6, state = $7, intake_post_id = $8, person_id = $9,
		clock_kind = $10, clock_row = $11, clock_start = $12, clock_limit = $13, clock_calendar = $14, clock_given = $15, due_at = $16, near_at = $17,
		provisional = $18, paused = $19, remaining = $20, clock_late_at = $21,
		late = $22, verify_state = $23, check_state = $24, list_at = $25, version = $26, facets = $27`
	at := 28
	for i, column := range keyColumns {
		if which&(1<<i) != 0 {
			q += fmt.Sprintf(", %s = $%d", column, at)
			at++
		}
	}
	q += ` WHERE id = $1 AND version = $2`
	storeTexts.Store(which, q)
	return q
}

// store writes what moves may change. What a report fixed (number, place, words)
// is not touched.
func store(tx *db.Tx, c Case, was int64) error {
	args := append([]any{c.ID, was, c.ItemVersion, c.Condition, c.Priority, int64(c.Secrecy), c.State, c.Intake, c.Person}, c.clockValues()...)
	args = append(args, c.Late, c.Verify, c.Check, c.listAt(), c.Version, db.JSON(c.Facets))
	now, which := c.keyed(), 0
	for i, k := range []struct {
		changed bool
		value   any
	}{
		{now.item != c.stored.item, c.Item},
		{now.department != c.stored.department, c.Department},
		{now.post != c.stored.post, c.Post},
		{now.acting != c.stored.acting, c.Acting},
		{now.handler != c.stored.handler, c.Handler},
		{now.ask != c.stored.ask, c.AskPost},
		{now.resume != c.stored.resume, now.resume},
		{!now.closed.Equal(c.stored.closed), db.Millis(c.Closed)},
	} {
		if k.changed || !c.stored.known {
			which |= 1 << i
			args = append(args, k.value)
		}
	}
	if err := tx.SendOne(ErrChanged, storeText(which), args...); err != nil {
		return fmt.Errorf("write case %s: %w", c.ID, err)
	}
	if c.stored.known && c.stored.state == c.State && c.stored.at == c.listAt() {
		return nil // rows that were added beside it know where it stands
	}
	return alongside(tx, c)
}

// Arrive sets the order of arrival of the cases that a group of commands made,
// in one statement. It is meant for journal.OnNumbered with ArriveKinds.
func Arrive(tx *db.Tx, entries []*journal.Entry) error {
	const most = 64
	for len(entries) > 0 {
		n := min(most, len(entries))
		args := make([]any, 0, 2*n)
		q := `UPDATE cases SET arrived = CASE id`
		in := ` END WHERE id IN (`
		for i, e := range entries[:n] {
			args = append(args, e.Subject, e.Number)
			q += fmt.Sprintf(` WHEN $%d THEN CAST($%d AS BIGINT)`, 2*i+1, 2*i+2)
			if i > 0 {
				in += `, `
			}
			in += fmt.Sprintf(`$%d`, 2*i+1)
		}
		if err := tx.Last(q+in+`)`, args...); err != nil {
			return fmt.Errorf("set the order of arrival: %w", err)
		}
		entries = entries[n:]
	}
	return nil
}

// ArriveKinds are the entries that begin a case.
var ArriveKinds = []string{"case.report", "task.open"}

// A dispatch is one sending of a case from one post to another (派遣).
type dispatch struct {
	ID       id.ID
	Seq      int64
	From, To id.ID
}

// openDispatches reads the dispatches that a return can go back along, the last
// one first.
func openDispatches(tx *db.Tx, caseID id.ID) ([]dispatch, error) {
	rows, err := tx.Query(`SELECT id, seq, from_post, to_post FROM case_dispatch WHERE case_id = $1 AND ended_at IS NULL ORDER BY seq DESC`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read dispatches: %w", err)
	}
	defer rows.Close()
	var out []dispatch
	for rows.Next() {
		var d dispatch
		if err := rows.Scan(&d.ID, &d.Seq, &d.From, &d.To); err != nil {
			return nil, fmt.Errorf("read dispatches: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func addDispatch(tx *db.Tx, caseID id.ID, seq int64, from, to id.ID, at time.Time) error {
	err := tx.Send(`INSERT INTO case_dispatch (id, case_id, seq, from_post, to_post, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		tx.NewID(), caseID, seq, from, to, db.Millis(at))
	if err != nil {
		return fmt.Errorf("write dispatch: %w", err)
	}
	return nil
}

// endDispatches ends one dispatch or, with a zero id, all open ones of a case.
func endDispatches(tx *db.Tx, caseID, one id.ID, how string, at time.Time) error {
	q, args := `UPDATE case_dispatch SET ended_at = $1, ended = $2 WHERE case_id = $3 AND ended_at IS NULL`, []any{db.Millis(at), how, caseID}
	if !one.IsZero() {
		q, args = `UPDATE case_dispatch SET ended_at = $1, ended = $2 WHERE id = $3`, []any{db.Millis(at), how, one}
	}
	if err := tx.Send(q, args...); err != nil {
		return fmt.Errorf("end dispatch: %w", err)
	}
	return nil
}
