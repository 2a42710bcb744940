package registry

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
)

// Kinds of requests about one's own data.
var RequestKinds = []string{"copy", "correct", "erase", "withdraw", "complain"}

// States of a request.
const (
	Waiting = "waiting" // 待答复
	Granted = "granted" // 已办
	Refused = "refused" // 不办，说明理由
)

// Request is what a person asks about the own data (个人请求).
type Request struct {
	ID       id.ID     `json:"id"`
	Case     id.ID     `json:"case_id,omitzero"`
	Number   string    `json:"case_number,omitempty"`
	Account  id.ID     `json:"account_id,omitzero"`
	Kind     string    `json:"kind" enum:"copy,correct,erase,withdraw,complain"`
	Words    string    `json:"words,omitempty"` // the person's own; for those who answer
	At       time.Time `json:"at"`
	Due      time.Time `json:"due_at"`
	Late     bool      `json:"late"`
	State    string    `json:"state" enum:"waiting,granted,refused"`
	Answer   string    `json:"answer,omitempty"`
	Answered *Named    `json:"answered_by,omitempty"`
	AnswerAt time.Time `json:"answered_at,omitzero"`
	Version  int64     `json:"version"`

	sealed   []byte
	answered journal.By
}

var (
	ErrAsked = fault.New(fault.Conflict, "registry.already_asked")
	ErrKind  = fault.New(fault.Invalid, "registry.request_kind")
)

const (
	maxWords     = 1000
	requestTable = "registry_request"
)

// Ask takes a request of a person about the own report or account; whoever calls
// it has made sure that it is the person. A consent that is withdrawn ends at
// once. One of a kind waits at a time. Codes: registry.request_kind,
// registry.already_asked, registry.invalid.
func (r *Registry) Ask(tx *db.Tx, by *access.Actor, caseID, account id.ID, kind, said string, at journal.Sight) (Request, error) {
	if !slices.Contains(RequestKinds, kind) {
		return Request{}, ErrKind.At("body.kind", "field.wrong")
	}
	least := 0
	if kind == "correct" || kind == "complain" {
		least = 2
	}
	if err := clean(&said, "body.words", least, maxWords); err != nil {
		return Request{}, err
	}
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM registry_request WHERE state = $1 AND kind = $2 AND (case_id = $3 OR account = $4)`, Waiting, kind, caseID, account).Scan(&n); err != nil {
		return Request{}, fmt.Errorf("look for an earlier request: %w", err)
	}
	if n > 0 {
		return Request{}, ErrAsked
	}
	q := Request{ID: tx.NewID(), Case: caseID, Account: account, Kind: kind, At: tx.Now(), Due: r.shipped.answerIn.After(tx.Now()), State: Waiting, Version: 1}
	var sealed []byte
	if said != "" {
		sealed = r.seal.SealText(said, seal.Place(requestTable, "words", q.ID))
	}
	if _, err := tx.Exec(`INSERT INTO registry_request (id, case_id, account, kind, words, at, due_at, state, answer, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 1)`,
		q.ID, caseID, account, kind, sealed, db.Millis(q.At), db.Millis(q.Due), Waiting); err != nil {
		return q, fmt.Errorf("write request: %w", err)
	}
	if kind == "withdraw" && !caseID.IsZero() {
		if _, err := r.Withdraw(tx, caseID); err != nil {
			return q, err
		}
	}
	journal.Add(tx, journal.Entry{Kind: "registry.request", Subject: q.ID, Case: caseID, By: by.By(), Version: 1, Sight: at, Class: "personal_request", Facts: map[string]string{"kind": kind}})
	return q, nil
}

func (r *Registry) requests(tx *db.Tx, open bool, where string, args ...any) ([]Request, error) {
	out := []Request{}
	err := each(tx, "requests", `SELECT id, case_id, account, kind, words, at, due_at, state, answer, answered, answered_at, version FROM registry_request `+where, args,
		func(scan func(...any) error) error {
			var q Request
			if err := scan(&q.ID, &q.Case, &q.Account, &q.Kind, &q.sealed, db.Time(&q.At), db.Time(&q.Due), &q.State, db.Text(&q.Answer),
				db.ScanJSON(&q.answered), db.Time(&q.AnswerAt), &q.Version); err != nil {
				return err
			}
			q.Late = q.State == Waiting && tx.Now().After(q.Due)
			out = append(out, q)
			return nil
		})
	if err != nil {
		return nil, err
	}
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		q := &out[i]
		q.Answered = named(s, q.answered)
		if open && q.sealed != nil {
			if q.Words, err = r.seal.OpenText(q.sealed, seal.Place(requestTable, "words", q.ID)); err != nil {
				return nil, err
			}
		}
		if !q.Case.IsZero() && r.people != nil {
			on, err := r.people.Subject(tx, q.Case)
			if err != nil && fault.Of(err).Kind != fault.Missing {
				return nil, err
			}
			q.Number = on.Number
		}
	}
	return out, nil
}

// Requests lists requests, those that wait first, the most urgent on top. Their
// words are for whoever answers. Permission privacy.answer.
func (r *Registry) Requests(tx *db.Tx, by *access.Actor) ([]Request, error) {
	if err := by.Check("privacy.answer", all); err != nil {
		return nil, err
	}
	return r.requests(tx, true, `ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, due_at, id LIMIT 500`)
}

// RequestsOf lists the requests on a report or an account as their author sees
// them.
func (r *Registry) RequestsOf(tx *db.Tx, caseID, account id.ID) ([]Request, error) {
	var out []Request
	var err error
	if caseID.IsZero() {
		out, err = r.requests(tx, true, `WHERE account = $1 ORDER BY at DESC, id LIMIT 100`, account)
	} else {
		out, err = r.requests(tx, true, `WHERE case_id = $1 ORDER BY at DESC, id LIMIT 100`, caseID)
	}
	for i := range out {
		out[i].Answered = nil // a person is told what and why, not who
	}
	return out, err
}

// Answer answers a request. Permission privacy.answer. Codes: registry.missing,
// registry.wrong_state, registry.changed, registry.invalid, access.denied.
func (r *Registry) Answer(tx *db.Tx, by *access.Actor, v id.ID, grant bool, answer string, seen int64) (Request, error) {
	if err := by.Check("privacy.answer", all); err != nil {
		return Request{}, err
	}
	found, err := r.requests(tx, false, `WHERE id = $1`, v)
	if err != nil {
		return Request{}, err
	}
	if len(found) == 0 {
		return Request{}, ErrMissing
	}
	q := found[0]
	if err := clean(&answer, "body.answer", 2, maxWords); err != nil {
		return q, err
	}
	if err := version(seen, q.Version); err != nil {
		return q, err
	}
	if q.State != Waiting {
		return q, ErrState.With("state", q.State)
	}
	state := Refused
	if grant {
		state = Granted
	}
	if _, err := tx.Exec(`UPDATE registry_request SET state = $1, answer = $2, answered = $3, answered_at = $4, version = version + 1 WHERE id = $5`,
		state, answer, db.JSON(by.By()), db.Millis(tx.Now()), v); err != nil {
		return q, fmt.Errorf("answer request: %w", err)
	}
	journal.Add(tx, journal.Entry{Kind: "registry.answer", Subject: v, By: by.By(), Version: q.Version + 1, Class: "personal_request", Facts: map[string]string{"kind": q.Kind, "state": state}})
	found, err = r.requests(tx, true, `WHERE id = $1`, v)
	if err != nil {
		return q, err
	}
	return found[0], nil
}

// ForgetCase empties what this room keeps of the words of a report's author; the
// room that keeps reports calls it when it erases one.
func (r *Registry) ForgetCase(tx *db.Tx, caseID id.ID) error {
	if _, err := tx.Exec(`UPDATE registry_request SET words = NULL, answer = '' WHERE case_id = $1`, caseID); err != nil {
		return fmt.Errorf("forget the words of requests: %w", err)
	}
	return nil
}
