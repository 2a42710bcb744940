package casework

import (
	"fmt"
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
		rows, err := tx.Query(`SELECT c.id, c.number, c.title, c.item, c.flow, c.state FROM cases c`+l.join+` WHERE `+l.column+` = $1 AND c.secrecy <= $2`+
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
