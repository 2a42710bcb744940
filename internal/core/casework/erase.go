package casework

import (
	"context"
	"fmt"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// Erase erases the content of a case and its tasks for good: words, reporter,
// place in words, remarks, photos, search, the stored answers of commands, and
// the bodies of its journal entries, which are put on the erasure list that a
// restore applies again. What is counted stays: item, times, states, node; the
// journal still verifies. Permission privacy.erase_approve. Codes: case.missing,
// case.note_needed, access.denied. (DESIGN.md section 5)
func (d *Desk) Erase(ctx context.Context, store *db.DB, list *journal.Erasures, by *access.Actor, caseID id.ID, why string) (int, error) {
	if blank(why) || utf8.RuneCountInString(why) > maxNote {
		return 0, ErrNoteNeeded
	}
	var entries []id.ID
	err := store.Read(ctx, func(tx *db.Tx) error {
		entries = nil
		c, err := get(tx, caseID)
		if err != nil {
			return err
		}
		if err := by.Check("privacy.erase_approve", c.Sight()); err != nil {
			return err
		}
		all, err := journal.Timeline(tx, caseID)
		for _, e := range all {
			entries = append(entries, e.ID)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return list.Erase(ctx, store, by.By(), why, entries, func(tx *db.Tx) error { return d.Forget(tx, by.By(), caseID) })
}

// Forget empties this room's own copies of a case's content; a restore calls it
// again for what was erased since the backup.
func (d *Desk) Forget(tx *db.Tx, by journal.By, caseID id.ID) error {
	c, err := get(tx, caseID)
	if err != nil {
		return err
	}
	return d.forget(tx, by, c, "case.erase")
}

// forget is Forget, and what retention does; kind is what the timeline says.
func (d *Desk) forget(tx *db.Tx, by journal.By, c Case, kind string) error {
	tasks, err := tasksOf(tx, c.ID)
	if err != nil {
		return err
	}
	cat, err := d.catalog.Snapshot(tx)
	if err != nil {
		return err
	}
	for _, one := range append([]Case{c}, tasks...) {
		item, err := cat.ItemVersion(one.Item, one.ItemVersion)
		if err != nil {
			return err
		}
		one.Facets.empty()
		one.Version++
		// The point goes with the words: it may be somebody's door. The grid stays.
		if _, err := tx.Exec(`UPDATE cases SET title = $1, text = '', place = '', lon = NULL, lat = NULL, cell = NULL, spot = NULL, facets = $2, version = $3, erased_at = $4 WHERE id = $5`,
			item.Name.Chinese, db.JSON(one.Facets), one.Version, db.Millis(tx.Now()), one.ID); err != nil {
			return fmt.Errorf("erase case: %w", err)
		}
		if err := httpx.Forget(tx, one.ID); err != nil {
			return err
		}
		if err := unindex(tx, one.ID); err != nil {
			return err
		}
		if err := d.forgetFiles(tx, one.ID); err != nil {
			return err
		}
		journal.Add(tx, journal.Entry{Kind: kind, Subject: one.ID, Case: one.timeline(), By: by, Version: one.Version, Sight: one.Sight(), Class: "journal"})
	}
	// What is posted of it ends too, and its words go.
	if _, err := tx.Exec(`UPDATE case_posting SET text = '', ended_at = COALESCE(ended_at, $1) WHERE case_id = $2`, db.Millis(tx.Now()), c.ID); err != nil {
		return fmt.Errorf("erase posting: %w", err)
	}
	for _, table := range []string{"case_party", "case_link"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE case_id = $1`, c.ID); err != nil {
			return fmt.Errorf("erase %s: %w", table, err)
		}
	}
	if d.registry == nil {
		return nil
	}
	return d.registry.ForgetCase(tx, c.ID)
}

// forgetFiles discards the files of a case; a job removes their bytes.
func (d *Desk) forgetFiles(tx *db.Tx, caseID id.ID) error {
	files, err := filesOf(tx, caseID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE case_file SET state = $1, lon = NULL, lat = NULL, taken_at = NULL, owner = NULL WHERE case_id = $2`, FileDiscarded, caseID); err != nil {
		return fmt.Errorf("erase files: %w", err)
	}
	if err := forgetCopies(tx, caseID); err != nil {
		return err
	}
	for _, f := range files {
		if err := httpx.Forget(tx, f.ID); err != nil {
			return err
		}
		if _, err := jobs.Enqueue(tx, fileJob, f.ID, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// ForgetErased empties this room's copies of the cases whose report was erased
// but whose rows an older copy brought back: a restored backup is brought up to
// the erasure list in this way. It says how many cases that were.
func (d *Desk) ForgetErased(ctx context.Context, store *db.DB) (int, error) {
	var back []id.ID
	err := store.Read(ctx, func(tx *db.Tx) (err error) {
		back, err = journal.Erased(tx, "case.report", "case.erase")
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, one := range back {
		if err := store.WriteFor(ctx, one, func(tx *db.Tx) error { return d.Forget(tx, journal.By{Via: "system"}, one) }); err != nil {
			return 0, err
		}
	}
	return len(back), nil
}

// empty takes every word out of the facets and leaves what is counted.
func (f *Facets) empty() {
	f.Form, f.Resident, f.Reporter = nil, "", false
	if f.Returned != nil {
		f.Returned = &Returned{Post: f.Returned.Post, Reason: f.Returned.Reason}
	}
	if f.Ask != nil {
		a := *f.Ask
		a.Note = ""
		f.Ask = &a
	}
	if f.Hold != nil {
		h := *f.Hold
		h.Note = ""
		f.Hold = &h
	}
	if f.Rating != nil {
		f.Rating = &Rating{Score: f.Rating.Score}
	}
}
