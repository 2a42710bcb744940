package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/words"
)

// States of an erasure.
const (
	Proposed = "proposed" // 待第二人决定
	Approved = "approved" // 已批准，正在删除
	Done     = "done"     // 已删除
)

// Stays is a report that an erasure leaves, and what demands it.
type Stays struct {
	Case   id.ID      `json:"case_id"`
	Number string     `json:"case_number"`
	Class  string     `json:"class"`
	Held   bool       `json:"held,omitempty"`
	Why    words.Text `json:"why"`
}

// Erasure is the erasure of one person (删除个人数据): all reports left with the
// same phone, decided by two people.
type Erasure struct {
	ID         id.ID     `json:"id"`
	Case       id.ID     `json:"case_id"`
	Request    id.ID     `json:"request_id,omitzero"`
	Why        string    `json:"why"`
	Goes       []Subject `json:"goes"`
	Stays      []Stays   `json:"stays"`
	State      string    `json:"state" enum:"proposed,approved,declined,done"`
	Proposed   *Named    `json:"proposed_by,omitempty"`
	ProposedAt time.Time `json:"proposed_at"`
	Decided    *Named    `json:"decided_by,omitempty"`
	DecidedAt  time.Time `json:"decided_at,omitzero"`
	DoneAt     time.Time `json:"done_at,omitzero"`
	Bodies     int64     `json:"bodies,omitempty"` // entries of the journal that lost their content
	Version    int64     `json:"version"`

	proposed, decided journal.By
}

// ErasureIn proposes one.
type ErasureIn struct {
	Number  string `json:"case_number" maxLength:"40"`
	Request id.ID  `json:"request_id,omitzero"`
	Why     string `json:"why" minLength:"2" maxLength:"500" doc:"the request or rule; nobody's name"`
}

// ErrAllStays says that the law keeps everything there is.
var ErrAllStays = fault.New(fault.Conflict, "registry.all_stays")

const erasureJob = "registry.erase"

const erasureColumns = `id, case_id, request, why, goes, stays, state, proposed, proposed_at, decided, decided_at, done_at, bodies, version`

func (r *Registry) erasures(tx *db.Tx, where string, args ...any) ([]Erasure, error) {
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []Erasure{}
	err = each(tx, "erasures", `SELECT `+erasureColumns+` FROM registry_erasure `+where, args, func(scan func(...any) error) error {
		e := Erasure{Goes: []Subject{}, Stays: []Stays{}}
		if err := scan(&e.ID, &e.Case, &e.Request, &e.Why, db.ScanJSON(&e.Goes), db.ScanJSON(&e.Stays), &e.State, db.ScanJSON(&e.proposed), db.Time(&e.ProposedAt),
			db.ScanJSON(&e.decided), db.Time(&e.DecidedAt), db.Time(&e.DoneAt), &e.Bodies, &e.Version); err != nil {
			return err
		}
		e.Proposed, e.Decided = named(s, e.proposed), named(s, e.decided)
		out = append(out, e)
		return nil
	})
	return out, err
}

func (r *Registry) erasure(tx *db.Tx, v id.ID) (Erasure, error) {
	found, err := r.erasures(tx, `WHERE id = $1`, v)
	if err != nil {
		return Erasure{}, err
	}
	if len(found) == 0 {
		return Erasure{}, ErrMissing
	}
	return found[0], nil
}

// Erasures lists erasures, those that wait first. Permission privacy.answer or
// privacy.erase_approve.
func (r *Registry) Erasures(tx *db.Tx, by *access.Actor) ([]Erasure, error) {
	if err := by.Check("privacy.answer", all); err != nil && by.Check("privacy.erase_approve", all) != nil {
		return nil, err
	}
	return r.erasures(tx, `ORDER BY CASE state WHEN 'proposed' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, proposed_at DESC, id LIMIT 500`)
}

// Plan says what an erasure of the person behind a report would take and what
// would stay by law: what goes to the archive at the end of its term, and what
// is held.
func (r *Registry) Plan(tx *db.Tx, caseID id.ID) (goes []Subject, stays []Stays, err error) {
	found, err := r.people.SamePerson(tx, caseID)
	if err != nil {
		return nil, nil, err
	}
	h, err := r.heldNow(tx)
	if err != nil {
		return nil, nil, err
	}
	goes, stays = []Subject{}, []Stays{}
	for _, s := range found {
		c, _, err := r.class(tx, s.Class)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case h.has(s.Class, s.ID):
			stays = append(stays, Stays{s.ID, s.Number, s.Class, true, heldWords})
		case c.Then == "archive":
			stays = append(stays, Stays{s.ID, s.Number, s.Class, false, c.Reason})
		default:
			goes = append(goes, s)
		}
	}
	return goes, stays, nil
}

var heldWords = words.Text{Chinese: "设有保留，到期或解除后可以删除。", English: "Held; it can be erased once the hold ends."}

// Propose proposes the erasure of the person behind a report. Permission
// privacy.answer. Codes: case.missing, registry.all_stays, registry.invalid,
// access.denied.
func (r *Registry) Propose(tx *db.Tx, by *access.Actor, in ErasureIn) (Erasure, error) {
	if err := by.Check("privacy.answer", all); err != nil {
		return Erasure{}, err
	}
	if err := clean(&in.Why, "body.why", 2, maxWhy); err != nil {
		return Erasure{}, err
	}
	on, err := r.people.SubjectByNumber(tx, in.Number)
	if err != nil {
		return Erasure{}, err
	}
	goes, stays, err := r.Plan(tx, on.ID)
	if err != nil {
		return Erasure{}, err
	}
	if len(goes) == 0 {
		return Erasure{}, ErrAllStays
	}
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM registry_erasure WHERE case_id = $1 AND state IN ($2, $3)`, on.ID, Proposed, Approved).Scan(&n); err != nil {
		return Erasure{}, fmt.Errorf("look for an earlier erasure: %w", err)
	}
	if n > 0 {
		return Erasure{}, ErrAsked
	}
	v := tx.NewID()
	if _, err := tx.Exec(`INSERT INTO registry_erasure (`+erasureColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL, NULL, 0, 1)`,
		v, on.ID, in.Request, in.Why, db.JSON(goes), db.JSON(stays), Proposed, db.JSON(by.By()), db.Millis(tx.Now())); err != nil {
		return Erasure{}, fmt.Errorf("write erasure: %w", err)
	}
	note(tx, by, "registry.erasure_propose", v, 1, "personal_request", map[string]int{"goes": len(goes), "stays": len(stays)}, map[string]string{"why": in.Why})
	return r.erasure(tx, v)
}

// Settle approves or declines an erasure. The second person is another hand than
// the first; what was proposed is planned anew, since a hold may have come. It
// is carried out by a job. Permission privacy.erase_approve. Codes:
// registry.missing, registry.wrong_state, registry.same_hand, registry.changed,
// registry.all_stays, access.denied.
func (r *Registry) Settle(tx *db.Tx, by *access.Actor, v id.ID, approve bool, seen int64) (Erasure, error) {
	if err := by.Check("privacy.erase_approve", all); err != nil {
		return Erasure{}, err
	}
	e, err := r.erasure(tx, v)
	if err != nil {
		return e, err
	}
	switch err := version(seen, e.Version); {
	case err != nil:
		return e, err
	case e.State != Proposed:
		return e, ErrState.With("state", e.State)
	case access.SameHand(e.proposed, hand(by)):
		return e, ErrSameHand
	}
	state := Declined
	if approve {
		state = Approved
		if e.Goes, e.Stays, err = r.Plan(tx, e.Case); err != nil {
			return e, err
		}
		if len(e.Goes) == 0 {
			return e, ErrAllStays
		}
		if _, err := jobs.Enqueue(tx, erasureJob, v, tx.Now()); err != nil {
			return e, err
		}
	}
	if _, err := tx.Exec(`UPDATE registry_erasure SET state = $1, goes = $2, stays = $3, decided = $4, decided_at = $5, version = version + 1 WHERE id = $6`,
		state, db.JSON(e.Goes), db.JSON(e.Stays), db.JSON(by.By()), db.Millis(tx.Now()), v); err != nil {
		return e, fmt.Errorf("decide erasure: %w", err)
	}
	note(tx, by, "registry.erasure_decide", v, e.Version+1, "personal_request", map[string]string{"state": state}, nil)
	return r.erasure(tx, v)
}

// ErrTwo says that not two people who may have decided.
var ErrTwo = fault.New(fault.Invalid, "registry.two_needed")

// EraseNow is Propose and Settle by the operator, in the name of two people: the
// first may answer requests, the second approve erasures, and they are two
// hands. Codes: registry.two_needed and those of Propose.
func (r *Registry) EraseNow(tx *db.Tx, by, first, second *access.Actor, number, why string) (Erasure, error) {
	if !by.Trusted() {
		return Erasure{}, access.ErrDenied.With("permission", "privacy.erase_approve")
	}
	if !first.Has("privacy.answer") || !second.Has("privacy.erase_approve") || access.SameHand(hand(first), hand(second)) {
		return Erasure{}, ErrTwo
	}
	e, err := r.Propose(tx, by, ErasureIn{Number: number, Why: why})
	if err != nil {
		return e, err
	}
	if _, err := tx.Exec(`UPDATE registry_erasure SET proposed = $1 WHERE id = $2`, db.JSON(first.By()), e.ID); err != nil {
		return e, fmt.Errorf("write erasure: %w", err)
	}
	if e, err = r.Settle(tx, by, e.ID, true, 0); err != nil {
		return e, err
	}
	if _, err := tx.Exec(`UPDATE registry_erasure SET decided = $1 WHERE id = $2`, db.JSON(second.By()), e.ID); err != nil {
		return e, fmt.Errorf("write erasure: %w", err)
	}
	return r.erasure(tx, e.ID)
}

// ErasureByID finds one, for the operator. Code: registry.missing.
func (r *Registry) ErasureByID(tx *db.Tx, v id.ID) (Erasure, error) { return r.erasure(tx, v) }

// Jobs tells the runner what this room's jobs do.
func (r *Registry) Jobs(run *jobs.Runner, d *db.DB) {
	run.Handle(erasureJob, func(ctx context.Context, j jobs.Job) error {
		var v id.ID
		if err := j.Decode(&v); err != nil {
			return err
		}
		return r.carryOut(ctx, d, v)
	})
}

// ground is what the list of erasures says: never what a person wrote.
const ground = "erasure of a person, decided by two"

// carryOut erases what an approved erasure names; doing it again changes
// nothing.
func (r *Registry) carryOut(ctx context.Context, d *db.DB, v id.ID) error {
	var e Erasure
	err := d.Read(ctx, func(tx *db.Tx) (err error) { e, err = r.erasure(tx, v); return err })
	if errors.Is(err, ErrMissing) || err == nil && e.State != Approved {
		return nil
	}
	if err != nil {
		return err
	}
	cases := make([]id.ID, len(e.Goes))
	for i, s := range e.Goes {
		cases[i] = s.ID
	}
	n, err := r.people.ErasePerson(ctx, e.decided, cases, ground)
	if err != nil {
		return err
	}
	for _, tidy := range r.tidy {
		if err := tidy(ctx); err != nil {
			return err
		}
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE registry_erasure SET state = $1, done_at = $2, bodies = $3, version = version + 1 WHERE id = $4 AND state = $5`,
			Done, db.Millis(tx.Now()), n, v, Approved); err != nil {
			return fmt.Errorf("close erasure: %w", err)
		}
		journal.Add(tx, journal.Entry{Kind: "registry.erasure_done", Subject: v, By: e.decided, Version: e.Version + 1, Class: "personal_request", Facts: map[string]any{"bodies": n, "cases": len(cases)}})
		return nil
	})
}
