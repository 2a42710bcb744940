package casework

import (
	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
)

// PublicReport takes a report from somebody without an account. Its photos wait
// in quarantine until staff looked at them. Codes: those of Report, and
// case.not_public.
func (d *Desk) PublicReport(tx *db.Tx, by *access.Actor, in Report) (Case, error) {
	in.Channel, in.Priority, in.MadeUp, in.Untimed = "portal", "", false, false
	return d.report(tx, by, in, true)
}
