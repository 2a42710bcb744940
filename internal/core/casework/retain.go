package casework

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/words"
)

// What retention ends of this room: whole cases by the class of their item,
// the sealed answers of declined applications, originals of photos, and photos
// of strangers that nobody looked at. (data/defaults/retention.json)

// originalJob removes the bytes of an original whose row no longer names it.
const originalJob = "casework.original"

// RetainedClasses are the retention classes that cases can have.
func (d *Desk) RetainedClasses(tx *db.Tx) (map[string]bool, error) {
	s, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return s.RetentionClasses(), nil
}

// Steps are what retention may end here.
func (d *Desk) Steps() []registry.Step {
	return []registry.Step{
		{Key: "case.content", Name: words.Text{Chinese: "事件内容", English: "Content of cases"}, OfCases: true, Find: d.findExpired, End: d.endExpired},
		{Key: "case.declined", Name: words.Text{Chinese: "未批准申请的材料", English: "Papers of declined applications"}, Classes: []string{"declined_papers"}, Find: d.findDeclined, End: d.endDeclined},
		{Key: "case.originals", Name: words.Text{Chinese: "照片原件", English: "Original photos"}, Classes: []string{"photo_original"}, Find: d.findOriginals, End: d.endOriginals},
		{Key: "case.quarantine", Name: words.Text{Chinese: "没有人看过的照片", English: "Photos nobody looked at"}, Classes: []string{"quarantine"}, Find: d.findUnseen, End: d.endUnseen},
	}
}

// findExpired lists closed cases of a class that still have content, by the end
// of each; where consent is what keeps the data, the term begins with its end.
func (d *Desk) findExpired(tx *db.Tx, class registry.Class, before time.Time, after registry.Over, limit int) ([]registry.Over, error) {
	s, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var all []registry.Over
	for _, item := range s.Retained(class.Key) {
		some, err := d.closedOf(tx, item, class, before, after, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b registry.Over) int {
		return cmp.Or(a.After.Compare(b.After), a.ID.Compare(b.ID))
	})
	return all[:min(len(all), limit)], nil
}

// closedOf reads one item's closed cases in order, until limit of them are over.
func (d *Desk) closedOf(tx *db.Tx, item string, class registry.Class, before time.Time, after registry.Over, limit int) ([]registry.Over, error) {
	s, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out []registry.Over
	mark, from := after.After, after.ID
	for len(out) < limit {
		type closed struct {
			id      id.ID
			version int64
			at      time.Time
		}
		var some []closed
		rows, err := tx.Query(`SELECT id, item_version, closed_at FROM cases WHERE item = $1 AND closed_at < $2
			AND closed_at IS NOT NULL AND parent_id IS NULL AND (erased_at IS NULL OR erased_at < closed_at)
			AND (closed_at > $3 OR closed_at = $3 AND id > $4) ORDER BY closed_at, id LIMIT $5`,
			item, db.Millis(before), millis(mark), from[:], limit)
		if err != nil {
			return nil, fmt.Errorf("read closed cases: %w", err)
		}
		for rows.Next() {
			var c closed
			if err := rows.Scan(&c.id, &c.version, db.Time(&c.at)); err != nil {
				rows.Close()
				return nil, fmt.Errorf("read closed cases: %w", err)
			}
			some = append(some, c)
		}
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("read closed cases: %w", err)
		}
		for _, c := range some {
			mark, from = c.at, c.id
			if v, err := s.ItemVersion(item, c.version); err != nil || v.Retention != class.Key {
				continue // reported under a version that is kept otherwise
			}
			start, over, err := d.begins(tx, c.id, class, c.at, before)
			if err != nil {
				return nil, err
			}
			if over {
				out = append(out, registry.Over{ID: c.id, Case: c.id, Start: start, After: c.at})
			}
		}
		if len(some) < limit {
			break
		}
	}
	return out, nil
}

// begins says when the term of a closed case began, and whether it is over.
func (d *Desk) begins(tx *db.Tx, caseID id.ID, class registry.Class, closed, before time.Time) (time.Time, bool, error) {
	if class.StartsAt != "consent_ended" {
		return closed, true, nil
	}
	state, err := d.registry.ConsentOf(tx, caseID)
	switch {
	case err != nil:
		return closed, false, err
	case !state.Any:
		return closed, true, nil
	case state.Stands:
		return closed, false, nil
	}
	return state.Ended, state.Ended.Before(before), nil
}

// millis is a time as it is stored; the beginning of time for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1 << 62
	}
	return t.UnixMilli()
}

// endExpired empties cases; what figures count of them stays.
func (d *Desk) endExpired(tx *db.Tx, by journal.By, class registry.Class, over []registry.Over) error {
	for _, o := range over {
		c, err := get(tx, o.ID)
		if err != nil {
			return err
		}
		if err := d.forget(tx, by, c, "case.expire"); err != nil {
			return err
		}
		if _, err := journal.ExpireCase(tx, by, c.ID, class.Key, c.Sight()); err != nil {
			return err
		}
	}
	return nil
}

// findDeclined lists refused applications whose sensitive answers still stand:
// the way back is over, and the term after it.
func (d *Desk) findDeclined(tx *db.Tx, _ registry.Class, before time.Time, after registry.Over, limit int) ([]registry.Over, error) {
	s, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var all []registry.Over
	for _, item := range s.Retained("benefit") {
		some, err := overs(tx, `SELECT c.id, c.id, c.closed_at FROM cases c JOIN case_party p ON p.case_id = c.id
			WHERE c.item = $1 AND c.closed_at < $2 AND c.closed_at IS NOT NULL AND c.parent_id IS NULL AND (c.erased_at IS NULL OR c.erased_at < c.closed_at)
			AND c.state = $3 AND p.form IS NOT NULL AND (c.closed_at > $4 OR c.closed_at = $4 AND c.id > $5) ORDER BY c.closed_at, c.id LIMIT $6`,
			item, db.Millis(before.Add(-d.term)), Declined, millis(after.After), after.ID[:], limit)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b registry.Over) int { return cmp.Or(a.After.Compare(b.After), a.ID.Compare(b.ID)) })
	return all[:min(len(all), limit)], nil
}

func (d *Desk) endDeclined(tx *db.Tx, by journal.By, _ registry.Class, over []registry.Over) error {
	for _, o := range over {
		c, err := get(tx, o.ID)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE case_party SET form = NULL WHERE case_id = $1`, c.ID); err != nil {
			return fmt.Errorf("end papers: %w", err)
		}
		journal.Add(tx, journal.Entry{Kind: "case.papers_end", Subject: c.ID, Case: c.timeline(), By: by, Sight: c.Sight(), Class: "journal"})
	}
	return nil
}

// findOriginals lists photos whose original is no longer needed.
func (d *Desk) findOriginals(tx *db.Tx, _ registry.Class, before time.Time, after registry.Over, limit int) ([]registry.Over, error) {
	return overs(tx, `SELECT f.id, f.case_id, f.at FROM case_file f JOIN cases c ON c.id = f.case_id
		WHERE f.state = 'attached' AND f.blob <> f.view AND f.at < $1 AND c.closed_at < $1
		AND (f.at > $2 OR f.at = $2 AND f.id > $3) ORDER BY f.at, f.id LIMIT $4`, db.Millis(before), millis(after.After), after.ID[:], limit)
}

// endOriginals keeps the copy for display, which has no hidden data.
func (d *Desk) endOriginals(tx *db.Tx, _ journal.By, _ registry.Class, over []registry.Over) error {
	for _, o := range over {
		var original string
		if err := tx.Row(`SELECT blob FROM case_file WHERE id = $1`, o.ID).Scan(&original); err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		if _, err := tx.Exec(`UPDATE case_file SET blob = view, lon = NULL, lat = NULL WHERE id = $1`, o.ID); err != nil {
			return fmt.Errorf("end original: %w", err)
		}
		if _, err := jobs.Enqueue(tx, originalJob, original, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// dropOriginal removes the bytes of an original that no row names any more.
func (d *Desk) dropOriginal(ctx context.Context, store *db.DB, name string) error {
	h, err := blob.ParseHash(name)
	if err != nil {
		return err
	}
	wanted, err := d.Wanted(ctx, store, []blob.Hash{h})
	if err != nil || wanted[h] {
		return err
	}
	return d.files.Remove(ctx, h)
}

// findUnseen lists photos of strangers on closed cases that nobody looked at.
func (d *Desk) findUnseen(tx *db.Tx, _ registry.Class, before time.Time, after registry.Over, limit int) ([]registry.Over, error) {
	return overs(tx, `SELECT f.id, f.case_id, f.at FROM case_file f JOIN cases c ON c.id = f.case_id
		WHERE f.state = 'quarantine' AND f.at < $1 AND c.closed_at < $1
		AND (f.at > $2 OR f.at = $2 AND f.id > $3) ORDER BY f.at, f.id LIMIT $4`, db.Millis(before), millis(after.After), after.ID[:], limit)
}

func (d *Desk) endUnseen(tx *db.Tx, _ journal.By, _ registry.Class, over []registry.Over) error {
	for _, o := range over {
		if _, err := tx.Exec(`UPDATE case_file SET state = $1, lon = NULL, lat = NULL, taken_at = NULL, owner = NULL WHERE id = $2`, FileDiscarded, o.ID); err != nil {
			return fmt.Errorf("discard file: %w", err)
		}
		if _, err := jobs.Enqueue(tx, fileJob, o.ID, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// overs reads what a query finds: id, case and place in the order.
func overs(tx *db.Tx, q string, args ...any) ([]registry.Over, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("find what is over: %w", err)
	}
	defer rows.Close()
	var out []registry.Over
	for rows.Next() {
		var o registry.Over
		if err := rows.Scan(&o.ID, &o.Case, db.Time(&o.After)); err != nil {
			return nil, fmt.Errorf("find what is over: %w", err)
		}
		o.Start = o.After
		out = append(out, o)
	}
	return out, rows.Err()
}

// ScrubSearch rewrites the search index after an erasure, so that words of
// erased cases don't linger in its old pages. On PostgreSQL vacuum does it.
func (d *Desk) ScrubSearch(ctx context.Context, store *db.DB) error {
	if store.Engine() != db.SQLite {
		return store.Scrub(ctx, "cases", "case_party", "case_file", "case_copy", "case_search", "http_receipt", "journal_body", "registry_request")
	}
	// Small steps: each merges some pages and lets others write in between.
	for pages := -mergePages; ; pages = mergePages {
		var was, is int64
		err := store.Write(ctx, func(tx *db.Tx) error {
			if err := tx.Row(`SELECT total_changes()`).Scan(&was); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO case_search (case_search, rank) VALUES ('merge', $1)`, pages); err != nil {
				return fmt.Errorf("merge the search index: %w", err)
			}
			return tx.Row(`SELECT total_changes()`).Scan(&is)
		})
		if err != nil {
			return err
		}
		if is-was < 2 {
			return store.Scrub(ctx)
		}
	}
}

const mergePages = 500
