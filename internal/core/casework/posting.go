package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

var (
	// ErrNoPosting says that nothing of that id is posted now.
	ErrNoPosting = fault.New(fault.Missing, "case.no_posting")
	// ErrPostingPersonal says that words to be posted tell who applied.
	ErrPostingPersonal = fault.New(fault.Invalid, "case.posting_personal")
)

// longDigits are digits as long as a phone, identity or account number.
var longDigits = regexp.MustCompile(`[0-9]{7}`)

// onlyTheLeast refuses to post what the applicant wrote about herself: the whole
// name, a number or an address. What is posted is the surname, the village and
// the kind (data/defaults/items.json, consent of an allowance); the reviewer
// writes it and the program makes sure. Code: case.posting_personal.
func (d *Desk) onlyTheLeast(env *env, caseID id.ID, text string) error {
	bad := ErrPostingPersonal.At("body.note", "case.posting_personal")
	if longDigits.MatchString(text) {
		return bad
	}
	r, err := d.open(env.tx, caseID)
	if errors.Is(err, ErrNoParty) {
		return nil
	}
	if err != nil {
		return err
	}
	told := []string{r.Name, r.Phone}
	if r.Form != nil {
		var answers map[string]any
		if err := json.Unmarshal(r.Form, &answers); err != nil {
			return fmt.Errorf("personal answers: %w", err)
		}
		var form struct {
			Properties map[string]struct {
				Enum []any `json:"enum"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(env.item.Form, &form); err != nil {
			return fmt.Errorf("form of %s: %w", env.item.Key, err)
		}
		for name, v := range answers {
			if s, ok := v.(string); ok && len(form.Properties[name].Enum) == 0 {
				told = append(told, s)
			}
		}
	}
	for _, s := range told {
		// Two hanzi are a name; as few letters or digits stand in any text.
		if s = strings.TrimSpace(s); len(s) > 4 && strings.Contains(text, s) {
			return bad
		}
	}
	return nil
}

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
