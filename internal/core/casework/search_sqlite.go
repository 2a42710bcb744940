package casework

import (
	"errors"
	"fmt"
	"strings"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

func indexSQLite(tx *db.Tx, caseID id.ID, terms []string) error {
	var n int64
	if err := tx.Row(`INSERT INTO case_search_key (id) VALUES ($1) RETURNING n`, caseID).Scan(&n); err != nil {
		return fmt.Errorf("index case: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO case_search (rowid, terms) VALUES ($1, $2)`, n, strings.Join(terms, " ")); err != nil {
		return fmt.Errorf("index case: %w", err)
	}
	return nil
}

// reindexSQLite gives a case other terms; it keeps its number.
func reindexSQLite(tx *db.Tx, caseID id.ID, terms []string) error {
	var n int64
	err := tx.Row(`SELECT n FROM case_search_key WHERE id = $1`, caseID).Scan(&n)
	if errors.Is(err, db.ErrNoRows) {
		return indexSQLite(tx, caseID, terms)
	}
	if err != nil {
		return fmt.Errorf("index case anew: %w", err)
	}
	if _, err := tx.Exec(`INSERT OR REPLACE INTO case_search (rowid, terms) VALUES ($1, $2)`, n, strings.Join(terms, " ")); err != nil {
		return fmt.Errorf("index case anew: %w", err)
	}
	return nil
}

func unindexSQLite(tx *db.Tx, caseID id.ID) error {
	if _, err := tx.Exec(`DELETE FROM case_search WHERE rowid = (SELECT n FROM case_search_key WHERE id = $1)`, caseID); err != nil {
		return fmt.Errorf("unindex case: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM case_search_key WHERE id = $1`, caseID); err != nil {
		return fmt.Errorf("unindex case: %w", err)
	}
	return nil
}

// sqliteSearch is the query for cases that have all terms and one of the ranks,
// if there are any.
func sqliteSearch(terms, ranks []string, before int64) (string, []any) {
	quoted := make([]string, len(terms))
	for i, t := range terms {
		quoted[i] = `"` + t + `"`
	}
	q := strings.Join(quoted, " AND ")
	if len(ranks) > 0 {
		q += ` AND ("` + strings.Join(ranks, `" OR "`) + `")`
	}
	return `SELECT k.id, k.n FROM case_search JOIN case_search_key k ON k.n = case_search.rowid
		WHERE case_search MATCH $1 AND case_search.rowid < $2 ORDER BY case_search.rowid DESC LIMIT $3`, []any{q, before, maxHits}
}

func foundSQLite(tx *db.Tx, terms, ranks []string, before int64) ([]hit, error) {
	q, args := sqliteSearch(terms, ranks, before)
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return readHits(rows)
}
