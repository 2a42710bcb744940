package casework

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// claimTime is how long a claim holds. (DESIGN.md section 6)
const claimTime = 10 * time.Minute

// claim is a lock on a case while somebody looks at it (领办): not a state.
type claim struct {
	Person, Post id.ID
	Until        time.Time
}

// claimOf is who holds a case; nobody when the time is over.
func claimOf(tx *db.Tx, c Case, now time.Time) (claim, error) {
	k := c.claim
	if k == nil {
		k = &claim{}
		err := tx.Row(`SELECT person_id, post_id, until_at FROM case_claim WHERE case_id = $1`, c.ID).Scan(&k.Person, &k.Post, db.Time(&k.Until))
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return claim{}, fmt.Errorf("read claim: %w", err)
		}
	}
	if !k.Until.After(now) {
		return claim{}, nil
	}
	return *k, nil
}

func endClaim(tx *db.Tx, caseID id.ID) error {
	if err := tx.Send(`DELETE FROM case_claim WHERE case_id = $1`, caseID); err != nil {
		return fmt.Errorf("end claim: %w", err)
	}
	return nil
}

// Claim locks a case for ten minutes, or longer by claiming again. The acting
// post must be able to go on with it: accept, file, dispatch or close.
// Codes: case.missing, case.claimed, access.denied.
func (d *Desk) Claim(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, time.Time, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, time.Time{}, err
	}
	permission, ok := map[State]string{Reported: "case.accept", Accepted: "case.file", Filed: "case.dispatch", Done: "case.close"}[c.State]
	if !ok || c.Task != "" {
		return c, time.Time{}, ErrWrongState.With("state", string(c.State), "move", "claim")
	}
	if err := by.Check(permission, c.Sight()); err != nil {
		return c, time.Time{}, err
	}
	now := tx.Now()
	old, err := claimOf(tx, c, now)
	if err != nil {
		return c, time.Time{}, err
	}
	if !old.Person.IsZero() && old.Person != by.Person {
		return c, time.Time{}, ErrClaimed
	}
	until := now.Add(claimTime)
	if _, err := tx.Exec(`INSERT INTO case_claim (case_id, person_id, post_id, until_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (case_id) DO UPDATE SET person_id = $2, post_id = $3, until_at = $4`, c.ID, by.Person, by.Post, db.Millis(until)); err != nil {
		return c, until, fmt.Errorf("write claim: %w", err)
	}
	c.claim = &claim{by.Person, by.Post, until}
	env, err := d.env(tx, by)
	if err != nil {
		return c, until, err
	}
	if err := env.of(c); err != nil {
		return c, until, err
	}
	note(env, by.By(), c, nil, "case.claim", 0, &Body{Until: until.Format(time.RFC3339)})
	return c, until, nil
}

// Release ends the actor's own claim; ending none is no mistake.
func (d *Desk) Release(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	old, err := claimOf(tx, c, tx.Now())
	if err != nil || old.Person.IsZero() {
		return c, err
	}
	if old.Person != by.Person {
		return c, ErrClaimed
	}
	if err := endClaim(tx, c.ID); err != nil {
		return c, err
	}
	c.claim = &claim{}
	env, err := d.env(tx, by)
	if err != nil {
		return c, err
	}
	if err := env.of(c); err != nil {
		return c, err
	}
	note(env, by.By(), c, nil, "case.release", 0, nil)
	return c, nil
}
