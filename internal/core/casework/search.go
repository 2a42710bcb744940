package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Search cuts text into bigrams here, the same on both engines: most Chinese
// words have two characters, which a trigram index cannot find. The places a
// case belongs to stand among its terms, so that scope and confidentiality are
// part of the query and a narrow scope still finds its newest cases. What the
// index yields is compared with the words once more, since bigrams may come
// from different places of a text. (DESIGN.md section 5, search)

// ErrQuery says that there is nothing in a query to look for.
var ErrQuery = fault.New(fault.Invalid, "case.query")

const (
	maxQuery = 60  // characters
	maxHits  = 200 // of one walk
)

// cut gives the terms of a text: bigrams of runs of Chinese, whole words of
// letters and digits with their prefixes left to the comparison, single
// characters that stand alone.
func cut(text string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(t string) {
		if t != "" && !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	var run []rune
	var han bool
	flush := func() {
		switch {
		case len(run) == 0:
		case !han:
			add(clipRunes(run, 32))
		case len(run) == 1:
			add(string(run))
		default:
			for i := 0; i+1 < len(run); i++ {
				add(string(run[i : i+2]))
			}
		}
		run = run[:0]
	}
	for _, r := range strings.ToLower(text) {
		isHan := unicode.In(r, unicode.Han)
		if !isHan && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if len(run) > 0 && isHan != han {
			flush()
		}
		han = isHan
		run = append(run, r)
	}
	flush()
	return out
}

func clipRunes(r []rune, n int) string {
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}

// characters are the single characters of Chinese runs, so that a query of one
// character finds something too.
func characters(text string) []string {
	var out []string
	seen := map[rune]bool{}
	for _, r := range text {
		if unicode.In(r, unicode.Han) && !seen[r] {
			seen[r] = true
			out = append(out, "1"+string(r))
		}
	}
	return out
}

// queryTerms are the terms that a query demands.
func queryTerms(q string) ([]string, error) {
	q = strings.TrimSpace(q)
	if q == "" || len([]rune(q)) > maxQuery {
		return nil, ErrQuery
	}
	if n, err := ParseNumber(q); err == nil {
		return []string{numberTerm(n)}, nil
	}
	var out []string
	for _, t := range cut(q) {
		if r := []rune(t); len(r) == 1 && unicode.In(r[0], unicode.Han) {
			t = "1" + t
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, ErrQuery
	}
	return out, nil
}

// numberTerm is a case number as one term.
func numberTerm(number string) string {
	return "n" + strings.ToLower(strings.NewReplacer("-", "", "/", "").Replace(number))
}

// scopeTerm is a node as a term: the column and the id in hexadecimal.
func scopeTerm(column string, node id.ID) string {
	return "x" + column[:2] + strings.ReplaceAll(node.String(), "-", "")
}

// secrecyTerm is a rank of secrecy as a term.
func secrecyTerm(rank int) string { return fmt.Sprintf("xsec%d", rank) }

// termsOf are all terms of a case.
func termsOf(c Case) []string {
	text := c.Title + "\n" + c.Text + "\n" + c.Where
	out := append(cut(text), characters(text)...)
	out = append(out, numberTerm(c.Number), secrecyTerm(int(c.Secrecy)))
	for column, node := range map[string]id.ID{
		access.HubColumn: c.Hub, access.StreetColumn: c.Street, access.PlatformColumn: c.Platform,
		access.GridColumn: c.Grid, access.MicroColumn: c.Micro, access.DepartmentColumn: c.Department,
	} {
		if !node.IsZero() {
			out = append(out, scopeTerm(column, node))
		}
	}
	return out
}

// index makes a new case findable. Tasks are found through their case.
func (d *Desk) index(tx *db.Tx, c Case) error { return index(tx, c) }

func index(tx *db.Tx, c Case) error {
	if tx.Engine() == db.Postgres {
		return indexPostgres(tx, c.ID, termsOf(c))
	}
	return indexSQLite(tx, c.ID, termsOf(c))
}

// reindex follows a case to another department, item or secrecy.
func (d *Desk) reindex(tx *db.Tx, c Case) error {
	if !c.Parent.IsZero() {
		return nil
	}
	if tx.Engine() == db.Postgres {
		return reindexPostgres(tx, c.ID, termsOf(c))
	}
	return reindexSQLite(tx, c.ID, termsOf(c))
}

// unindex makes a case unfindable.
func unindex(tx *db.Tx, caseID id.ID) error {
	if tx.Engine() == db.Postgres {
		return unindexPostgres(tx, caseID)
	}
	return unindexSQLite(tx, caseID)
}

// indexStep is how many cases are made findable in one transaction.
const indexStep = 200

// IndexAll makes the index of words anew, oldest case first: each engine has an
// index of its own, which a backup does not carry to the other. Erased cases stay
// unfindable. It says how many cases there are.
func IndexAll(ctx context.Context, store *db.DB) (int, error) {
	var all []id.ID
	if err := store.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT id FROM cases WHERE parent_id IS NULL AND erased_at IS NULL ORDER BY arrived, id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v id.ID
			if err := rows.Scan(&v); err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	}); err != nil {
		return 0, fmt.Errorf("index cases: %w", err)
	}
	if err := store.Write(ctx, unindexAll); err != nil {
		return 0, err
	}
	for some := range slices.Chunk(all, indexStep) {
		if err := store.Write(ctx, func(tx *db.Tx) error {
			for _, v := range some {
				c, err := get(tx, v)
				if err == nil {
					err = index(tx, c)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

func unindexAll(tx *db.Tx) error {
	clear := []string{`DELETE FROM case_search`}
	if tx.Engine() == db.SQLite {
		clear = []string{`INSERT INTO case_search (case_search) VALUES ('delete-all')`, `DELETE FROM case_search_key`}
	}
	for _, q := range clear {
		if _, err := tx.Exec(q); err != nil {
			return fmt.Errorf("empty the index of words: %w", err)
		}
	}
	return nil
}

// contains says whether a case really has every word of a query.
func contains(c Case, q string) bool {
	if n, err := ParseNumber(q); err == nil {
		return c.Number == n
	}
	text := strings.ToLower(c.Title + "\n" + c.Text + "\n" + c.Where)
	for _, w := range strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// found lists the ids of cases on one walk that have all terms, newest first,
// below a serial number.
func found(tx *db.Tx, w access.Walk, terms []string, before int64) ([]hit, error) {
	return lookUp(tx, append([]string{scopeTerm(w.Column, w.Node)}, terms...), w.MaxSecrecy, before)
}

// foundAnywhere lists the newest cases that have all terms, whoever may see
// them, below a serial number: the caller must ask for each.
func foundAnywhere(tx *db.Tx, terms []string, before int64) ([]hit, error) {
	return lookUp(tx, terms, journal.Named, before)
}

func lookUp(tx *db.Tx, terms []string, most journal.Secrecy, before int64) ([]hit, error) {
	var ranks []string
	for r := range int(most) + 1 {
		if most == journal.Named {
			break // every case has one of them
		}
		ranks = append(ranks, secrecyTerm(r))
	}
	if tx.Engine() == db.Postgres {
		return foundPostgres(tx, terms, ranks, before)
	}
	return foundSQLite(tx, terms, ranks, before)
}

// hit is a found case with its serial number in the index.
type hit struct {
	id     id.ID
	serial int64
}

func readHits(rows *db.Rows) ([]hit, error) {
	defer rows.Close()
	var out []hit
	for rows.Next() {
		var h hit
		if err := rows.Scan(&h.id, &h.serial); err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
