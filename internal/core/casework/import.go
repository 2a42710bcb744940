package casework

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// What an import can be refused for.
var (
	ErrNotImporter = fault.New(fault.Forbidden, "case.not_importer")
	ErrNoExternal  = fault.New(fault.Invalid, "case.no_external_id")
	ErrStuck       = fault.New(fault.Conflict, "case.import_stuck")
)

// Imported is a case of another system with what became of it there (导入的案件).
type Imported struct {
	Source, ExternalID string
	Report             Report    // Occurred is when it was opened there
	Shut               bool      // it is closed there
	Closed             time.Time // when
}

// importSteps bounds the way of one case.
const importSteps = 20

// Import takes a case of another system: reported, filed and dispatched when it
// was opened there and, if it is shut there, handled, checked and closed when it
// was closed there. Every step is an ordinary move by the post that must make
// it, recorded now and claimed for then; its clocks run on the claimed times. A
// case that was taken before gives again is true and nothing is changed. Only
// the program's operator imports. Codes: case.not_importer, case.no_external_id,
// case.import_stuck and those of Report and Move.
func (d *Desk) Import(tx *db.Tx, by *access.Actor, in Imported) (c Case, again bool, err error) {
	if !by.Trusted() {
		return c, false, ErrNotImporter
	}
	if in.Source == "" || in.ExternalID == "" || len(in.Source) > 60 || len(in.ExternalID) > 100 {
		return c, false, ErrNoExternal.At("external_id", "case.no_external_id")
	}
	var known id.ID
	err = tx.Row(`SELECT case_id FROM case_external WHERE source = $1 AND external_id = $2`, in.Source, in.ExternalID).Scan(&known)
	switch {
	case err == nil:
		c, err = d.load(tx, by, known)
		return c, true, err
	case !errors.Is(err, db.ErrNoRows):
		return c, false, fmt.Errorf("look for an imported case: %w", err)
	}
	importer := *by
	importer.AsOf = in.Report.Occurred
	if c, err = d.Report(tx, &importer, in.Report); err != nil {
		return c, false, err
	}
	if _, err := tx.Exec(`INSERT INTO case_external (source, external_id, case_id) VALUES ($1, $2, $3)`, in.Source, in.ExternalID, c.ID); err != nil {
		return c, false, fmt.Errorf("note an imported case: %w", err)
	}
	for range importSteps {
		if c.State == Closed || c.State == Dispatched && !in.Shut {
			return c, false, nil
		}
		if c.State == Handling || c.State == Done {
			importer.AsOf = in.Closed
		}
		step, ok, err := d.Ordinary(tx, &importer, c, nil)
		if err != nil {
			return c, false, err
		}
		if !ok {
			break
		}
		importer.Post = step.Post
		if _, err := d.Move(tx, &importer, step.Case, step.Act, nil); err != nil {
			return c, false, err
		}
		if c, err = d.load(tx, by, c.ID); err != nil {
			return c, false, err
		}
	}
	return c, false, ErrStuck.With("state", string(c.State))
}
