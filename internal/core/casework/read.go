package casework

import (
	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Get is a case as it stands, without names and offers. Code: case.missing, also
// for what the actor may not see.
func (d *Desk) Get(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	return d.load(tx, by, caseID)
}
