package registry

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// States of a sharing agreement.
const (
	Applied  = "applied"  // 待批
	Admitted = "admitted" // 已批准
	Declined = "declined" // 未批准
	Ended    = "ended"    // 已终止
)

// Agreement is a sharing agreement (共享协议): a department may open these fields
// for these purposes from one day until another.
type Agreement struct {
	ID         id.ID      `json:"id"`
	Department id.ID      `json:"department_id"`
	Name       words.Text `json:"department_name"`
	Purposes   []string   `json:"purposes"`
	Fields     []string   `json:"fields"`
	Why        string     `json:"why"`
	Basis      string     `json:"basis"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
	State      string     `json:"state" enum:"applied,admitted,declined,ended"`
	InForce    bool       `json:"in_force"`
	Applied    *Named     `json:"applied_by,omitempty"`
	AppliedAt  time.Time  `json:"applied_at"`
	Decided    *Named     `json:"decided_by,omitempty"`
	DecidedAt  time.Time  `json:"decided_at,omitzero"`
	Decision   string     `json:"decision,omitempty"`
	EndedAt    time.Time  `json:"ended_at,omitzero"`
	Version    int64      `json:"version"`

	applied, decided journal.By
}

// AgreementIn is an application for one.
type AgreementIn struct {
	Department id.ID     `json:"department_id"`
	Purposes   []string  `json:"purposes" minItems:"1" maxItems:"20"`
	Fields     []string  `json:"fields" minItems:"1" maxItems:"50" doc:"keys of the register, or patterns with a star"`
	Why        string    `json:"why" minLength:"2" maxLength:"500"`
	Basis      string    `json:"basis" minLength:"2" maxLength:"500"`
	From       time.Time `json:"from,omitzero" doc:"now when absent"`
	To         time.Time `json:"to"`
}

// What can be wrong with one.
var (
	ErrDepartment = fault.New(fault.Invalid, "registry.not_a_department")
	ErrPeriod     = fault.New(fault.Invalid, "registry.bad_period")
)

// longest is how long an agreement may run before it is looked at anew.
const longest = 3 * 366 * 24 * time.Hour

const agreementColumns = `id, department, purposes, fields, why, basis, valid_from, valid_to, state, applied, applied_at, decided, decided_at, decision, ended_at, version`

func scanAgreement(scan func(...any) error) (a Agreement, err error) {
	err = scan(&a.ID, &a.Department, db.ScanJSON(&a.Purposes), db.ScanJSON(&a.Fields), &a.Why, &a.Basis, db.Time(&a.From), db.Time(&a.To), &a.State,
		db.ScanJSON(&a.applied), db.Time(&a.AppliedAt), db.ScanJSON(&a.decided), db.Time(&a.DecidedAt), db.Text(&a.Decision), db.Time(&a.EndedAt), &a.Version)
	return a, err
}

func (r *Registry) agreements(tx *db.Tx, where string, args ...any) ([]Agreement, error) {
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []Agreement{}
	err = each(tx, "agreements", `SELECT `+agreementColumns+` FROM registry_agreement `+where, args, func(scan func(...any) error) error {
		a, err := scanAgreement(scan)
		if err != nil {
			return err
		}
		now := tx.Now()
		a.InForce = a.State == Admitted && !now.Before(a.From) && now.Before(a.To)
		a.Applied, a.Decided = named(s, a.applied), named(s, a.decided)
		if u, ok := s.Unit(a.Department); ok {
			a.Name = u.Name
		}
		out = append(out, a)
		return nil
	})
	return out, err
}

// Agreements lists all agreements, those that wait first. They hold nothing of
// residents, so every member of staff may read with whom what is shared.
func (r *Registry) Agreements(tx *db.Tx) ([]Agreement, error) {
	return r.agreements(tx, `ORDER BY CASE state WHEN 'applied' THEN 0 WHEN 'admitted' THEN 1 ELSE 2 END, applied_at DESC, id LIMIT 500`)
}

func (r *Registry) agreement(tx *db.Tx, v id.ID) (Agreement, error) {
	found, err := r.agreements(tx, `WHERE id = $1`, v)
	if err != nil {
		return Agreement{}, err
	}
	if len(found) == 0 {
		return Agreement{}, ErrMissing
	}
	return found[0], nil
}

// Shared lists the field patterns that a department may open for a purpose now.
// What is not in force, or no longer, shares nothing.
func (r *Registry) Shared(tx *db.Tx, department id.ID, purpose string) ([]string, error) {
	found, err := r.agreements(tx, `WHERE department = $1 AND state = $2 AND valid_from <= $3 AND valid_to > $3`, department, Admitted, db.Millis(tx.Now()))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, a := range found {
		if slices.Contains(a.Purposes, purpose) {
			out = append(out, a.Fields...)
		}
	}
	return out, nil
}

// Apply asks for a sharing agreement. Every field must be registered for every
// purpose named: what was collected for one purpose is not shared for another.
// Permission privacy.share_propose, of a department for itself. Codes:
// registry.not_a_department, registry.bad_period, registry.field_unknown,
// registry.purpose_needed, registry.purpose_mixed, access.denied.
func (r *Registry) Apply(tx *db.Tx, by *access.Actor, in AgreementIn) (Agreement, error) {
	if err := by.Check("privacy.share_propose", journal.Sight{Department: in.Department}); err != nil && by.Check("privacy.share_propose", all) != nil {
		return Agreement{}, err
	}
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return Agreement{}, err
	}
	if u, ok := s.Unit(in.Department); !ok || u.Kind != org.Department {
		return Agreement{}, ErrDepartment.At("body.department_id", "registry.not_a_department")
	}
	for path, one := range map[string]*string{"body.why": &in.Why, "body.basis": &in.Basis} {
		if err := clean(one, path, 2, maxWhy); err != nil {
			return Agreement{}, err
		}
	}
	in.From, in.To = in.From.UTC().Truncate(time.Millisecond), in.To.UTC().Truncate(time.Millisecond)
	if in.From.IsZero() {
		in.From = tx.Now()
	}
	if !in.To.After(in.From) || !in.To.After(tx.Now()) || in.To.Sub(in.From) > longest {
		return Agreement{}, ErrPeriod.At("body.to", "registry.bad_period")
	}
	if err := r.fit(tx, in); err != nil {
		return Agreement{}, err
	}
	v := tx.NewID()
	if _, err := tx.Exec(`INSERT INTO registry_agreement (`+agreementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, NULL, '', NULL, 1)`,
		v, in.Department, db.JSON(in.Purposes), db.JSON(in.Fields), in.Why, in.Basis, db.Millis(in.From), db.Millis(in.To), Applied, db.JSON(by.By()), db.Millis(tx.Now())); err != nil {
		return Agreement{}, fmt.Errorf("write agreement: %w", err)
	}
	note(tx, by, "registry.agreement_apply", v, 1, "sharing_agreement", nil, in)
	return r.agreement(tx, v)
}

// fit refuses an agreement that would merge what was collected for different
// purposes.
func (r *Registry) fit(tx *db.Tx, in AgreementIn) error {
	if len(in.Purposes) == 0 || len(in.Purposes) > 20 || len(in.Fields) == 0 || len(in.Fields) > 50 {
		return ErrInvalid.At("body.fields", "field.required")
	}
	if err := r.known(tx, in.Fields); err != nil {
		return err
	}
	fields, err := r.Fields(tx)
	if err != nil {
		return err
	}
	for _, key := range in.Purposes {
		p, ok, err := r.purpose(tx, key)
		if err != nil {
			return err
		}
		if !ok || p.Use != Open || p.Ended {
			return ErrPurpose.At("body.purposes", "field.wrong")
		}
		for _, pattern := range in.Fields {
			if !slices.ContainsFunc(fields, func(f personal.Field) bool { return personal.Covers(pattern, f.Key) && p.opens(f) }) {
				return ErrMixed.With("purpose", p.Name, "field", pattern).At("body.fields", "registry.purpose_mixed")
			}
		}
	}
	return nil
}

// Decide admits or declines an application. Whoever applied does not decide.
// Permission privacy.share_decide. Codes: registry.missing,
// registry.wrong_state, registry.same_hand, registry.changed, access.denied.
func (r *Registry) Decide(tx *db.Tx, by *access.Actor, v id.ID, admit bool, why string, seen int64) (Agreement, error) {
	if err := by.Check("privacy.share_decide", all); err != nil {
		return Agreement{}, err
	}
	a, err := r.agreement(tx, v)
	if err != nil {
		return a, err
	}
	least := 2
	if admit {
		least = 0
	}
	if err := clean(&why, "body.why", least, maxWhy); err != nil {
		return a, err
	}
	switch err := version(seen, a.Version); {
	case err != nil:
		return a, err
	case a.State != Applied:
		return a, ErrState.With("state", a.State)
	case access.SameHand(a.applied, hand(by)):
		return a, ErrSameHand
	}
	state := Declined
	if admit {
		state = Admitted
	}
	if _, err := tx.Exec(`UPDATE registry_agreement SET state = $1, decided = $2, decided_at = $3, decision = $4, version = version + 1 WHERE id = $5`,
		state, db.JSON(by.By()), db.Millis(tx.Now()), why, v); err != nil {
		return a, fmt.Errorf("decide agreement: %w", err)
	}
	note(tx, by, "registry.agreement_decide", v, a.Version+1, "sharing_agreement", map[string]string{"state": state}, map[string]string{"why": why})
	return r.agreement(tx, v)
}

// End ends an agreement now; what it shared can no longer be opened. Permission
// privacy.share_decide, or privacy.share_propose of the department itself.
// Codes: as Decide.
func (r *Registry) End(tx *db.Tx, by *access.Actor, v id.ID, why string, seen int64) (Agreement, error) {
	a, err := r.agreement(tx, v)
	if err != nil {
		return a, err
	}
	if err := by.Check("privacy.share_decide", all); err != nil && by.Check("privacy.share_propose", journal.Sight{Department: a.Department}) != nil {
		return a, err
	}
	if err := clean(&why, "body.why", 2, maxWhy); err != nil {
		return a, err
	}
	if err := version(seen, a.Version); err != nil {
		return a, err
	}
	if a.State != Admitted && a.State != Applied {
		return a, ErrState.With("state", a.State)
	}
	if _, err := tx.Exec(`UPDATE registry_agreement SET state = $1, ended_at = $2, version = version + 1 WHERE id = $3`, Ended, db.Millis(tx.Now()), v); err != nil {
		return a, fmt.Errorf("end agreement: %w", err)
	}
	note(tx, by, "registry.agreement_end", v, a.Version+1, "sharing_agreement", map[string]string{"state": Ended}, map[string]string{"why": why})
	return r.agreement(tx, v)
}
