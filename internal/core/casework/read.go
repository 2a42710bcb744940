package casework

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Get is a case as it stands, without names and offers. Code: case.missing, also
// for what the actor may not see.
func (d *Desk) Get(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	return d.load(tx, by, caseID)
}

// Brief is as much of a case as a list of other things tells of it (案件摘要).
type Brief struct {
	ID     id.ID  `json:"id"`
	Number string `json:"number"`
	Title  string `json:"title"`
	Item   string `json:"item"`
	Flow   string `json:"flow"`
	State  string `json:"state"`
}

// Among gives those of some cases that the actor may see. Who may see a case is
// part of each query, as in a list.
func (d *Desk) Among(tx *db.Tx, by *access.Actor, cases []id.ID) (map[id.ID]Brief, error) {
	out := map[id.ID]Brief{}
	if len(cases) == 0 {
		return out, nil
	}
	marks, args := make([]string, len(cases)), make([]any, len(cases)+2)
	for i, v := range cases {
		marks[i], args[i+2] = fmt.Sprintf("$%d", i+3), v
	}
	for _, l := range lines(by.Walks("case.view")) {
		args[0], args[1] = l.node, int64(l.max)
		rows, err := tx.Query(`SELECT c.id, c.number, c.title, c.item, c.flow, c.state FROM cases c`+l.join()+` WHERE `+l.column+` = $1 AND c.secrecy <= $2`+
			l.also+` AND c.id IN (`+strings.Join(marks, ", ")+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("read some cases: %w", err)
		}
		for rows.Next() {
			var b Brief
			if err := rows.Scan(&b.ID, &b.Number, &b.Title, &b.Item, &b.Flow, &b.State); err != nil {
				rows.Close()
				return nil, fmt.Errorf("read some cases: %w", err)
			}
			out[b.ID] = b
		}
		if err := rows.Err(); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read some cases: %w", err)
		}
		rows.Close()
	}
	return out, nil
}

// AmongOrMain gives those of some cases that the actor may see, and of the others
// that were merged the main case, where he may see that: by the id of the report.
func (d *Desk) AmongOrMain(tx *db.Tx, by *access.Actor, cases []id.ID) (seen, mains map[id.ID]Brief, err error) {
	mains = map[id.ID]Brief{}
	if seen, err = d.Among(tx, by, cases); err != nil {
		return nil, nil, err
	}
	marks, args := []string{}, []any{}
	for _, v := range cases {
		if _, ok := seen[v]; !ok {
			args = append(args, v)
			marks = append(marks, fmt.Sprintf("$%d", len(args)))
		}
	}
	if len(args) == 0 {
		return seen, mains, nil
	}
	rows, err := tx.Query(`SELECT case_id, main_id FROM case_merge WHERE case_id IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("read main cases: %w", err)
	}
	main := map[id.ID]id.ID{}
	for rows.Next() {
		var one, into id.ID
		if err := rows.Scan(&one, &into); err != nil {
			rows.Close()
			return nil, nil, fmt.Errorf("read main cases: %w", err)
		}
		main[one] = into
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, nil, fmt.Errorf("read main cases: %w", err)
	}
	into := slices.SortedFunc(maps.Values(main), id.ID.Compare)
	known, err := d.Among(tx, by, slices.Compact(into))
	if err != nil {
		return nil, nil, err
	}
	for one, m := range main {
		if b, ok := known[m]; ok {
			mains[one] = b
		}
	}
	return seen, mains, nil
}
