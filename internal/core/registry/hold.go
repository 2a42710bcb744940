package registry

import (
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Hold is a legal hold (保留): what it names does not end before its day.
type Hold struct {
	ID      id.ID     `json:"id"`
	Case    id.ID     `json:"case_id,omitzero"`
	Number  string    `json:"case_number,omitempty"`
	Class   string    `json:"class,omitempty"`
	Why     string    `json:"why"`
	Placed  *Named    `json:"placed_by,omitempty"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"`
	Ended   time.Time `json:"ended_at,omitzero"`
	InForce bool      `json:"in_force"`
	Version int64     `json:"version"`

	placed journal.By
}

// HoldIn places one, on a case or on a whole class.
type HoldIn struct {
	Number string    `json:"case_number,omitempty" maxLength:"40"`
	Class  string    `json:"class,omitempty" maxLength:"60"`
	Why    string    `json:"why" minLength:"2" maxLength:"500"`
	Until  time.Time `json:"until"`
}

// ErrHold says that a class can't be held.
var ErrHold = fault.New(fault.Invalid, "registry.no_hold_possible")

// longestHold is how long a hold may run; it can be placed again.
const longestHold = 3 * 366 * 24 * time.Hour

// PlaceHold keeps a case or a class beyond its term. Permission privacy.hold.
// Codes: registry.invalid, registry.bad_period, registry.no_hold_possible,
// case.missing, access.denied.
func (r *Registry) PlaceHold(tx *db.Tx, by *access.Actor, in HoldIn) (Hold, error) {
	if err := by.Check("privacy.hold", all); err != nil {
		return Hold{}, err
	}
	if err := clean(&in.Why, "body.why", 2, maxWhy); err != nil {
		return Hold{}, err
	}
	in.Until = in.Until.UTC().Truncate(time.Millisecond)
	if !in.Until.After(tx.Now()) || in.Until.Sub(tx.Now()) > longestHold {
		return Hold{}, ErrPeriod.At("body.until", "registry.bad_period")
	}
	if (in.Number == "") == (in.Class == "") {
		return Hold{}, ErrInvalid.At("body.case_number", "field.required")
	}
	var on id.ID
	if in.Class != "" {
		c, ok, err := r.class(tx, in.Class)
		if err != nil {
			return Hold{}, err
		}
		if !ok || !c.HoldPossible {
			return Hold{}, ErrHold.At("body.class", "registry.no_hold_possible")
		}
	} else {
		s, err := r.people.SubjectByNumber(tx, in.Number)
		if err != nil {
			return Hold{}, err
		}
		on = s.ID
	}
	v := tx.NewID()
	if _, err := tx.Exec(`INSERT INTO registry_hold (id, case_id, class, why, placed, at, until_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 1)`,
		v, on, null(in.Class), in.Why, db.JSON(by.By()), db.Millis(tx.Now()), db.Millis(in.Until)); err != nil {
		return Hold{}, fmt.Errorf("write hold: %w", err)
	}
	note(tx, by, "registry.hold", v, 1, "impact_assessment", map[string]string{"class": in.Class}, in)
	return r.hold(tx, v)
}

// EndHold ends a hold before its day. Permission privacy.hold. Codes:
// registry.missing, registry.wrong_state, access.denied.
func (r *Registry) EndHold(tx *db.Tx, by *access.Actor, v id.ID, why string) (Hold, error) {
	if err := by.Check("privacy.hold", all); err != nil {
		return Hold{}, err
	}
	if err := clean(&why, "body.why", 2, maxWhy); err != nil {
		return Hold{}, err
	}
	h, err := r.hold(tx, v)
	if err != nil {
		return h, err
	}
	if !h.InForce {
		return h, ErrState.With("state", Ended)
	}
	if _, err := tx.Exec(`UPDATE registry_hold SET ended_at = $1, version = version + 1 WHERE id = $2`, db.Millis(tx.Now()), v); err != nil {
		return h, fmt.Errorf("end hold: %w", err)
	}
	note(tx, by, "registry.hold_end", v, h.Version+1, "impact_assessment", nil, map[string]string{"why": why})
	return r.hold(tx, v)
}

// Holds lists the holds, those in force first. Permission privacy.hold.
func (r *Registry) Holds(tx *db.Tx, by *access.Actor) ([]Hold, error) {
	if err := by.Check("privacy.hold", all); err != nil {
		return nil, err
	}
	return r.holds(tx, `ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, until_at DESC, id LIMIT 500`)
}

func (r *Registry) hold(tx *db.Tx, v id.ID) (Hold, error) {
	found, err := r.holds(tx, `WHERE id = $1`, v)
	if err != nil {
		return Hold{}, err
	}
	if len(found) == 0 {
		return Hold{}, ErrMissing
	}
	return found[0], nil
}

func (r *Registry) holds(tx *db.Tx, where string, args ...any) ([]Hold, error) {
	out := []Hold{}
	err := each(tx, "holds", `SELECT id, case_id, class, why, placed, at, until_at, ended_at, version FROM registry_hold `+where, args,
		func(scan func(...any) error) error {
			var h Hold
			if err := scan(&h.ID, &h.Case, db.Text(&h.Class), &h.Why, db.ScanJSON(&h.placed), db.Time(&h.At), db.Time(&h.Until), db.Time(&h.Ended), &h.Version); err != nil {
				return err
			}
			h.InForce = h.Ended.IsZero() && tx.Now().Before(h.Until)
			out = append(out, h)
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
		out[i].Placed = named(s, out[i].placed)
		if !out[i].Case.IsZero() {
			on, err := r.people.Subject(tx, out[i].Case)
			if err != nil && fault.Of(err).Kind != fault.Missing {
				return nil, err
			}
			out[i].Number = on.Number
		}
	}
	return out, nil
}

// held is what no run may end now.
type held struct {
	cases   map[id.ID]bool
	classes map[string]bool
}

func (r *Registry) heldNow(tx *db.Tx) (held, error) {
	h := held{map[id.ID]bool{}, map[string]bool{}}
	err := each(tx, "holds", `SELECT case_id, class FROM registry_hold WHERE ended_at IS NULL AND until_at > $1`, []any{db.Millis(tx.Now())},
		func(scan func(...any) error) error {
			var on id.ID
			var class string
			if err := scan(&on, db.Text(&class)); err != nil {
				return err
			}
			if class != "" {
				h.classes[class] = true
			} else {
				h.cases[on] = true
			}
			return nil
		})
	return h, err
}

// has says whether something is held.
func (h held) has(class string, caseID id.ID) bool { return h.classes[class] || h.cases[caseID] }

// null stores an empty text as none.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
