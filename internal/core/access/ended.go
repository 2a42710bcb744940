package access

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// EndedPeople are those all of whose accounts were disabled before a time.
func (a *Access) EndedPeople(tx *db.Tx, before time.Time) ([]id.ID, error) {
	rows, err := tx.Query(`SELECT person FROM access_account GROUP BY person
		HAVING MIN(CASE WHEN disabled IS NULL THEN 0 ELSE 1 END) = 1 AND MAX(disabled) < $1 ORDER BY person`, db.Millis(before))
	if err != nil {
		return nil, fmt.Errorf("people without an account: %w", err)
	}
	var out []id.ID
	for rows.Next() {
		var one id.ID
		if err := rows.Scan(&one); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, one)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
