package casework

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// File is a photo or a paper on a case (附件) as staff see it. The picture that
// is shown was made anew from the one that came, without its hidden data; where
// and when it was taken is told apart.
type File struct {
	ID     id.ID     `json:"id"`
	Kind   string    `json:"kind" enum:"before,after,signature,consent,measurement,record,track_summary,other"`
	Media  string    `json:"media"`
	Bytes  int64     `json:"bytes"`
	Width  int64     `json:"width,omitempty"`
	Height int64     `json:"height,omitempty"`
	Taken  time.Time `json:"taken_at,omitzero"`
	Lon    *float64  `json:"lon,omitempty"`
	Lat    *float64  `json:"lat,omitempty"`
	State  string    `json:"state" enum:"loose,attached,quarantine,discarded"`
	At     time.Time `json:"at"`
	By     string    `json:"person_name,omitempty"`
	Leaves bool      `json:"may_leave,omitempty"` // a copy of it can be released to the reporter
	Copy   *Copy     `json:"copy,omitempty"`      // for outside; none when nobody asked for one

	Case   id.ID  `json:"-"`
	Blob   string `json:"-"` // the original, sealed off: evidence
	View   string `json:"-"`
	Thumb  string `json:"-"`
	Person id.ID  `json:"-"`
	Post   id.ID  `json:"-"`
	Owner  string `json:"-"` // the browser of a public upload
}

// States of a file.
const (
	FileLoose      = "loose"      // uploaded, not yet used
	FileAttached   = "attached"   // on a case
	FileQuarantine = "quarantine" // a public photo nobody of the staff has looked at
	FileDiscarded  = "discarded"  // thrown away at the look
)

// FileKinds are what a file can be.
var FileKinds = []string{"before", "after", "signature", "consent", "measurement", "record", "track_summary", "other"}

// What can be wrong with a file.
var (
	ErrFileMissing = fault.New(fault.Missing, "case.file_missing")
	ErrFileKind    = fault.New(fault.Invalid, "case.file_kind")
)

const fileColumns = `id, case_id, blob, view, thumb, kind, media, bytes, width, height, taken_at, lon, lat, person_id, post_id, owner, state, at`

func scanFile(r scanner) (File, error) {
	var f File
	err := r.Scan(&f.ID, &f.Case, &f.Blob, db.Text(&f.View), db.Text(&f.Thumb), &f.Kind, &f.Media, &f.Bytes, &f.Width, &f.Height,
		db.Time(&f.Taken), floatPointer{&f.Lon}, floatPointer{&f.Lat}, &f.Person, &f.Post, db.Text(&f.Owner), &f.State, db.Time(&f.At))
	return f, err
}

// AddFile notes an upload whose bytes the store has already. The file is loose
// until a report, move or comment takes it. owner names the browser of somebody
// without an account; such a photo is in quarantine until staff looked at it.
func (d *Desk) AddFile(tx *db.Tx, by *access.Actor, f File, owner string) (File, error) {
	if f.Kind == "" {
		f.Kind = "other"
	}
	if !slices.Contains(FileKinds, f.Kind) {
		return f, ErrFileKind.At("body.kind", "field.wrong")
	}
	f.ID, f.At, f.State, f.Person, f.Post, f.Owner = tx.NewID(), tx.Now(), FileLoose, by.Person, by.Post, owner
	_, err := tx.Exec(`INSERT INTO case_file (`+fileColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		f.ID, f.Case, f.Blob, none(f.View), none(f.Thumb), f.Kind, f.Media, f.Bytes, f.Width, f.Height,
		db.Millis(f.Taken), f.Lon, f.Lat, f.Person, f.Post, none(f.Owner), f.State, db.Millis(f.At))
	if err != nil {
		return f, fmt.Errorf("write file: %w", err)
	}
	return f, nil
}

// attach puts the actor's own loose uploads on the case; a task's photos stand
// on its case.
func (d *Desk) attach(env *env, by *access.Actor, c *Case, files []id.ID) error {
	for _, f := range files {
		state := FileAttached
		if by.Anonymous {
			state = FileQuarantine
		}
		var n int64
		var err error
		if by.Anonymous {
			n, err = env.tx.Exec(`UPDATE case_file SET case_id = $1, state = $2 WHERE id = $3 AND case_id IS NULL AND person_id IS NULL AND owner = $4`, c.timeline(), state, f, env.owner)
		} else {
			n, err = env.tx.Exec(`UPDATE case_file SET case_id = $1, state = $2 WHERE id = $3 AND case_id IS NULL AND person_id = $4`, c.timeline(), state, f, by.Person)
		}
		if err != nil {
			return fmt.Errorf("attach file: %w", err)
		}
		if n == 0 {
			return ErrBadFiles.With("file", f.String()).At("body.file_ids", "case.file_unknown")
		}
		if !by.Anonymous {
			if err := d.propose(env, *c, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileKinds counts the files on a case by kind, with those that come along.
func fileKinds(tx *db.Tx, caseID id.ID, coming []id.ID) (map[string]int, error) {
	rows, err := tx.Query(`SELECT kind, COUNT(*) FROM case_file WHERE case_id = $1 AND state <> $2 GROUP BY kind`, caseID, FileDiscarded)
	if err != nil {
		return nil, fmt.Errorf("count files: %w", err)
	}
	n := map[string]int{}
	for rows.Next() {
		var kind string
		var count int64
		if err := rows.Scan(&kind, &count); err != nil {
			rows.Close()
			return nil, fmt.Errorf("count files: %w", err)
		}
		n[kind] = int(count)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("count files: %w", err)
	}
	for _, f := range coming {
		var kind string
		err := tx.Row(`SELECT kind FROM case_file WHERE id = $1 AND case_id IS NULL`, f).Scan(&kind)
		if errors.Is(err, db.ErrNoRows) {
			continue // attach will say so
		}
		if err != nil {
			return nil, fmt.Errorf("read file: %w", err)
		}
		n[kind]++
	}
	return n, nil
}

// fileKind is the kind of file that a kind of evidence is.
func fileKind(evidence string) string {
	switch evidence {
	case "photo_before":
		return "before"
	case "photo_after":
		return "after"
	}
	return evidence
}

// filesOf reads the files on a case, oldest first.
func filesOf(tx *db.Tx, caseID id.ID) ([]File, error) {
	rows, err := tx.Query(`SELECT `+fileColumns+` FROM case_file WHERE case_id = $1 ORDER BY at, id`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	defer rows.Close()
	var out []File
	for rows.Next() {
		f, err := scanFile(rows)
		if err != nil {
			return nil, fmt.Errorf("read files: %w", err)
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// FileFor gives a file to somebody who may see its case, or to whoever has just
// uploaded it. A file in quarantine is shown only to those who sort them.
// Code: case.file_missing.
func (d *Desk) FileFor(tx *db.Tx, by *access.Actor, fileID id.ID) (File, error) {
	f, err := scanFile(tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1`, fileID))
	if errors.Is(err, db.ErrNoRows) {
		return f, ErrFileMissing
	}
	if err != nil {
		return f, fmt.Errorf("read file: %w", err)
	}
	if f.Case.IsZero() {
		if by.Person.IsZero() || f.Person != by.Person {
			return File{}, ErrFileMissing
		}
		return f, nil
	}
	c, err := get(tx, f.Case)
	if err != nil {
		return File{}, err
	}
	switch {
	case !sees(by, c), f.State == FileDiscarded:
		return File{}, ErrFileMissing
	case f.State == FileQuarantine && !sorts(by, c):
		return File{}, ErrFileMissing
	}
	return f, nil
}

// sorts says whether the actor may see what the public sent and nobody has looked
// at: who sorts it, and of an application whoever has it in hand to review,
// decide or give: its papers are meant for them.
func sorts(by *access.Actor, c Case) bool {
	if by.Sees("case.quarantine", c.Sight()) {
		return true
	}
	if c.Flow != catalog.Approval || by.Post != c.Post && by.Post != c.Acting {
		return false
	}
	return slices.ContainsFunc(reveals, func(p string) bool { return by.Check(p, c.Sight()) == nil })
}

// Review lets a public photo onto the case, or throws it away. Permission
// case.quarantine. Codes: case.file_missing, case.wrong_state.
func (d *Desk) Review(tx *db.Tx, by *access.Actor, fileID id.ID, accept bool) (File, error) {
	f, err := d.FileFor(tx, by, fileID)
	if err != nil {
		return f, err
	}
	if f.State != FileQuarantine {
		return f, ErrWrongState.With("state", f.State, "move", "review")
	}
	c, err := get(tx, f.Case)
	if err != nil {
		return f, err
	}
	if err := by.Check("case.quarantine", c.Sight()); err != nil {
		return f, err
	}
	kind := "case.file_discard"
	if f.State = FileDiscarded; accept {
		f.State, kind = FileAttached, "case.file_accept"
	}
	if _, err := tx.Exec(`UPDATE case_file SET state = $1 WHERE id = $2`, f.State, f.ID); err != nil {
		return f, fmt.Errorf("review file: %w", err)
	}
	if _, err := jobs.Enqueue(tx, fileJob, f.ID, tx.Now()); err != nil {
		return f, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return f, err
	}
	if err := env.of(c); err != nil {
		return f, err
	}
	note(env, by.By(), c, nil, kind, 0, &Body{Files: []id.ID{f.ID}, Internal: true})
	return f, nil
}

// Quarantine lists public photos that wait for a look, oldest first, within the
// actor's scope.
func (d *Desk) Quarantine(tx *db.Tx, by *access.Actor, limit int) ([]File, error) {
	rows, err := tx.Query(`SELECT ` + fileColumns + ` FROM case_file WHERE state = 'quarantine' ORDER BY at, id LIMIT 2000`)
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	var all []File
	for rows.Next() {
		f, err := scanFile(rows)
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("read quarantine: %w", err)
		}
		all = append(all, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	var out []File
	for _, f := range all {
		c, err := get(tx, f.Case)
		if err != nil {
			return nil, err
		}
		if by.Sees("case.quarantine", c.Sight()) && sees(by, c) {
			if out = append(out, f); len(out) == limit {
				break
			}
		}
	}
	return out, nil
}

// looseTime is how long an upload may wait to be used.
const looseTime = 24 * time.Hour

// dropLoose forgets uploads that nobody used; the store sweeps their bytes.
func dropLoose(tx *db.Tx, limit int) (int64, error) {
	n, err := tx.Exec(`DELETE FROM case_file WHERE id IN (SELECT id FROM case_file WHERE case_id IS NULL AND at < $1 ORDER BY at LIMIT $2)`,
		db.Millis(tx.Now().Add(-looseTime)), limit)
	if err != nil {
		return 0, fmt.Errorf("drop loose files: %w", err)
	}
	return n, nil
}
