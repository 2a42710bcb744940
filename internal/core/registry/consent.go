package registry

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Kinds of consent; each includes the one before.
const (
	ByPerson   = "consent"  // 同意
	Separate   = "separate" // 单独同意
	ByGuardian = "guardian" // 监护人同意
)

// Consent is a consent given for what a case holds (同意记录).
type Consent struct {
	ID        id.ID     `json:"id"`
	Kind      string    `json:"kind" enum:"consent,separate,guardian"`
	GivenBy   string    `json:"given_by" enum:"self,guardian"`
	Way       string    `json:"way" enum:"paper,spoken,form,portal"`
	At        time.Time `json:"at"`
	Withdrawn time.Time `json:"withdrawn_at,omitzero"`

	recorded journal.By
}

// ConsentState is how consent stands on a case.
type ConsentState struct {
	Any      bool      // at least one was ever recorded
	Stands   bool      // one is not withdrawn
	Guardian bool      // a guardian's stands
	Ended    time.Time // when the last one was withdrawn; only when none stands
}

// Consents lists the consents on a case, oldest first.
func (r *Registry) Consents(tx *db.Tx, caseID id.ID) ([]Consent, error) {
	out := []Consent{}
	err := each(tx, "consents", `SELECT id, kind, given_by, way, at, recorded, withdrawn_at FROM registry_consent WHERE case_id = $1 ORDER BY at, id`, []any{caseID},
		func(scan func(...any) error) error {
			var c Consent
			if err := scan(&c.ID, &c.Kind, &c.GivenBy, &c.Way, db.Time(&c.At), db.ScanJSON(&c.recorded), db.Time(&c.Withdrawn)); err != nil {
				return err
			}
			out = append(out, c)
			return nil
		})
	return out, err
}

// ConsentOf says how consent stands on a case.
func (r *Registry) ConsentOf(tx *db.Tx, caseID id.ID) (ConsentState, error) {
	var s ConsentState
	list, err := r.Consents(tx, caseID)
	for _, c := range list {
		s.Any = true
		if c.Withdrawn.IsZero() {
			s.Stands = true
			s.Guardian = s.Guardian || c.Kind == ByGuardian
		} else if c.Withdrawn.After(s.Ended) {
			s.Ended = c.Withdrawn
		}
	}
	if s.Stands {
		s.Ended = time.Time{}
	}
	return s, err
}

// Consented records a consent; the room that knows the case has asked for the
// right to. Code: registry.invalid.
func (r *Registry) Consented(tx *db.Tx, by journal.By, caseID id.ID, kind, way string) (Consent, error) {
	if !slices.Contains([]string{ByPerson, Separate, ByGuardian}, kind) {
		return Consent{}, ErrInvalid.At("body.kind", "field.wrong")
	}
	if !slices.Contains([]string{"paper", "spoken", "form", "portal"}, way) {
		return Consent{}, ErrInvalid.At("body.way", "field.wrong")
	}
	c := Consent{ID: tx.NewID(), Kind: kind, GivenBy: "self", Way: way, At: tx.Now()}
	if kind == ByGuardian {
		c.GivenBy = "guardian"
	}
	if _, err := tx.Exec(`INSERT INTO registry_consent (id, case_id, kind, given_by, way, at, recorded) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, caseID, c.Kind, c.GivenBy, c.Way, db.Millis(c.At), db.JSON(by)); err != nil {
		return c, fmt.Errorf("write consent: %w", err)
	}
	return c, nil
}

// Withdraw ends all consents on a case and says how many. What rested on them
// can't be opened any more, and its term of retention begins.
func (r *Registry) Withdraw(tx *db.Tx, caseID id.ID) (int64, error) {
	n, err := tx.Exec(`UPDATE registry_consent SET withdrawn_at = $1 WHERE case_id = $2 AND withdrawn_at IS NULL`, db.Millis(tx.Now()), caseID)
	if err != nil {
		return 0, fmt.Errorf("withdraw consent: %w", err)
	}
	return n, nil
}
