package casework

import (
	"fmt"
	"strings"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The terms hold letters, digits and Chinese characters only (see cut), so they
// can stand in quotes as lexemes; PostgreSQL's own parser is not asked.

func indexPostgres(tx *db.Tx, caseID id.ID, terms []string) error {
	err := tx.Send(`INSERT INTO case_search (id, terms) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))`, caseID, strings.Join(terms, " "))
	if err != nil {
		return fmt.Errorf("index case: %w", err)
	}
	return nil
}

// reindexPostgres gives a case other terms; it keeps its number.
func reindexPostgres(tx *db.Tx, caseID id.ID, terms []string) error {
	err := tx.Send(`INSERT INTO case_search (id, terms) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))
		ON CONFLICT (id) DO UPDATE SET terms = excluded.terms`, caseID, strings.Join(terms, " "))
	if err != nil {
		return fmt.Errorf("index case anew: %w", err)
	}
	return nil
}

func unindexPostgres(tx *db.Tx, caseID id.ID) error {
	if err := tx.Send(`DELETE FROM case_search WHERE id = $1`, caseID); err != nil {
		return fmt.Errorf("unindex case: %w", err)
	}
	return nil
}

// postgresSearch is the query for cases that have all terms and one of the ranks,
// if there are any.
func postgresSearch(terms, ranks []string, before int64) (string, []any) {
	quoted := make([]string, len(terms))
	for i, t := range terms {
		quoted[i] = `'` + t + `'`
	}
	q := strings.Join(quoted, " & ")
	if len(ranks) > 0 {
		q += ` & ('` + strings.Join(ranks, `' | '`) + `')`
	}
	return `SELECT id, n FROM case_search WHERE terms @@ CAST($1 AS tsquery) AND n < $2 ORDER BY n DESC LIMIT $3`, []any{q, before, maxHits}
}

func foundPostgres(tx *db.Tx, terms, ranks []string, before int64) ([]hit, error) {
	q, args := postgresSearch(terms, ranks, before)
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return readHits(rows)
}
