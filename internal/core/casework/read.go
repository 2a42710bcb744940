package casework

import (
	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Get is a case as it stands, without names and offers. Code: case.missing, also
// for what the actor may not see.
func (d *Desk) Get(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	return d.load(tx, by, caseID)
}

// OpenTasks are the verifications and checks of a case that are still to be
// done. Code: case.missing.
func (d *Desk) OpenTasks(tx *db.Tx, by *access.Actor, caseID id.ID) ([]Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return nil, err
	}
	return openTasks(tx, c.ID)
}

// Route lists the posts that the case's item names to handle it, nearest first
// (处置路径).
func (d *Desk) Route(tx *db.Tx, by *access.Actor, c Case) ([]org.Post, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	return d.route(env, c), nil
}
