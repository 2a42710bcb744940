package db

import (
	"fmt"
	"time"
)

// Ended names rows that end some time after a moment in their column (保存期限):
// names from code, never from outside. Key is a column, or several, that tells
// the rows apart; Where narrows them and may be empty.
type Ended struct{ Table, Key, At, Where string }

// Before deletes the rows whose moment lies before a time, the oldest first and
// limit at most, and says how many. With count it only counts all there are.
func (e Ended) Before(tx *Tx, before time.Time, limit int, count bool) (int, error) {
	over := ` FROM ` + e.Table + ` WHERE ` + e.At + ` < $1`
	if e.Where != "" {
		over += ` AND ` + e.Where
	}
	if count {
		var n int
		if err := tx.Row(`SELECT COUNT(*)`+over, Millis(before)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count ended rows of %s: %w", e.Table, err)
		}
		return n, nil
	}
	n, err := tx.Exec(`DELETE FROM `+e.Table+` WHERE (`+e.Key+`) IN (SELECT `+e.Key+over+` ORDER BY `+e.At+` LIMIT $2)`, Millis(before), limit)
	if err != nil {
		return 0, fmt.Errorf("end rows of %s: %w", e.Table, err)
	}
	return int(n), nil
}

// EndAll is Before for several tables, limit for each.
func EndAll(tx *Tx, tables []Ended, before time.Time, limit int, count bool) (int, error) {
	total := 0
	for _, e := range tables {
		n, err := e.Before(tx, before, limit, count)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
