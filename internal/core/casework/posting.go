package casework

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// ErrNoPosting says that nothing of that id is posted now.
var ErrNoPosting = fault.New(fault.Missing, "case.no_posting")

// postingsMost bounds the public list.
const postingsMost = 200

// Posted is what everybody may read of an application (公示): the words that the
// reviewer put out and what it is about; never its number or who applied.
type Posted struct {
	ID    id.ID      `json:"id"`
	Item  words.Text `json:"item_name"`
	Text  string     `json:"text"`
	From  time.Time  `json:"from"`
	Until time.Time  `json:"until"`
}

// Postings lists what is posted now, the one that ends soonest first.
func (d *Desk) Postings(tx *db.Tx) ([]Posted, error) {
	rows, err := tx.Query(`SELECT p.id, c.item, c.item_version, p.text, p.from_at, p.until_at FROM case_posting p JOIN cases c ON c.id = p.case_id
		WHERE p.ended_at IS NULL ORDER BY p.until_at, p.id LIMIT $1`, postingsMost)
	if err != nil {
		return nil, fmt.Errorf("read postings: %w", err)
	}
	type row struct {
		Posted
		item    string
		version int64
	}
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.ID, &r.item, &r.version, &r.Text, db.Time(&r.From), db.Time(&r.Until)); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read postings: %w", err)
		}
		found = append(found, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read postings: %w", err)
	}
	cat, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []Posted{}
	for _, r := range found {
		item, err := cat.ItemVersion(r.item, r.version)
		if err != nil {
			return nil, err
		}
		r.Item = item.Name
		out = append(out, r.Posted)
	}
	return out, nil
}

// ObjectToPosting takes what anybody has against a posting (公示异议). Who wrote
// it is not asked. Codes: case.no_posting and those of the move object.
func (d *Desk) ObjectToPosting(tx *db.Tx, by *access.Actor, posting id.ID, text string) error {
	var on id.ID
	err := tx.Row(`SELECT case_id FROM case_posting WHERE id = $1 AND ended_at IS NULL`, posting).Scan(&on)
	if errors.Is(err, db.ErrNoRows) {
		return ErrNoPosting
	}
	if err != nil {
		return fmt.Errorf("read posting: %w", err)
	}
	c, err := get(tx, on)
	if err != nil {
		return err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return err
	}
	env.anybody = true
	_, err = d.act(env, by, c, Act{Move: "object", Note: strings.TrimSpace(text)}, false)
	return err
}
