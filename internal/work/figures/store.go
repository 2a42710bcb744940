package figures

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// cursor is how far the journal is folded.
type cursor struct {
	Number int64
	At     time.Time
}

func readCursor(tx *db.Tx) (c cursor, err error) {
	err = tx.Row(`SELECT number, at FROM fig_cursor WHERE id = 1`).Scan(&c.Number, db.Time(&c.At))
	if err != nil {
		return c, fmt.Errorf("read the cursor of the figures: %w", err)
	}
	return c, nil
}

// tallyOf folds a part of the journal in memory.
func tallyOf(z Zone, entries []journal.Entry) (Tally, error) {
	t := NewTally()
	for _, e := range entries {
		if !strings.HasPrefix(e.Kind, "case.") {
			continue
		}
		facts, err := factsOf(e)
		if err != nil {
			return t, err
		}
		t.Fold(z, e, facts)
	}
	return t, nil
}

func factsOf(e journal.Entry) (f casework.ActFacts, err error) {
	raw, _ := e.Facts.(json.RawMessage)
	if len(raw) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("facts of journal entry %d: %w", e.Number, err)
	}
	return f, nil
}

// rowsAStatement bounds the parameters of one statement.
const rowsAStatement = 40

// store adds a tally to the tables.
func store(tx *db.Tx, t Tally) error {
	counts := slices.SortedFunc(maps.Keys(t.Counts), compareCells)
	for chunk := range slices.Chunk(counts, rowsAStatement) {
		args := make([]any, 0, 6*len(chunk))
		for _, c := range chunk {
			args = append(args, int64(c.Cube), c.Node, c.Key, c.Day, string(c.Measure), t.Counts[c])
		}
		_, err := tx.Exec(`INSERT INTO fig_count (cube, node, key, day, measure, n) VALUES `+values(len(chunk), 6)+`
			ON CONFLICT (cube, node, day, key, measure) DO UPDATE SET n = fig_count.n + excluded.n`, args...)
		if err != nil {
			return fmt.Errorf("store counts: %w", err)
		}
	}
	times := slices.SortedFunc(maps.Keys(t.Times), compareTimes)
	for chunk := range slices.Chunk(times, rowsAStatement) {
		args := make([]any, 0, 6*len(chunk))
		for _, c := range chunk {
			args = append(args, c.Node, c.Item, c.Stage, c.Day, c.Bucket, t.Times[c])
		}
		_, err := tx.Exec(`INSERT INTO fig_time (node, item, stage, day, bucket, n) VALUES `+values(len(chunk), 6)+`
			ON CONFLICT (node, day, stage, item, bucket) DO UPDATE SET n = fig_time.n + excluded.n`, args...)
		if err != nil {
			return fmt.Errorf("store stage times: %w", err)
		}
	}
	return nil
}

// values is "($1,$2),($3,$4)…" for rows of columns.
func values(rows, columns int) string {
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "$%d", r*columns+c+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// all reads the whole of the tables.
func all(tx *db.Tx) (Tally, error) {
	t := NewTally()
	rows, err := tx.Query(`SELECT cube, node, key, day, measure, n FROM fig_count`)
	if err != nil {
		return t, fmt.Errorf("read counts: %w", err)
	}
	if err := scanCounts(rows, t); err != nil {
		return t, err
	}
	rows, err = tx.Query(`SELECT node, item, stage, day, bucket, n FROM fig_time`)
	if err != nil {
		return t, fmt.Errorf("read stage times: %w", err)
	}
	return t, scanTimes(rows, t)
}

// span reads what one cube counts at a node on days from..to, and the stage
// times there unless the cube is that of the units.
func span(tx *db.Tx, cube Cube, node id.ID, from, to int64) (Tally, error) {
	t := NewTally()
	rows, err := tx.Query(`SELECT cube, node, key, day, measure, n FROM fig_count
		WHERE cube = $1 AND node = $2 AND day >= $3 AND day <= $4`, int64(cube), node, from, to)
	if err != nil {
		return t, fmt.Errorf("read counts: %w", err)
	}
	if err := scanCounts(rows, t); err != nil {
		return t, err
	}
	rows, err = tx.Query(`SELECT node, item, stage, day, bucket, n FROM fig_time
		WHERE node = $1 AND day >= $2 AND day <= $3`, node, from, to)
	if err != nil {
		return t, fmt.Errorf("read stage times: %w", err)
	}
	return t, scanTimes(rows, t)
}

func scanCounts(rows *db.Rows, t Tally) error {
	defer rows.Close()
	for rows.Next() {
		var c Cell
		var cube, n int64
		var measure string
		if err := rows.Scan(&cube, &c.Node, &c.Key, &c.Day, &measure, &n); err != nil {
			return fmt.Errorf("read a count: %w", err)
		}
		c.Cube, c.Measure = Cube(cube), Measure(measure)
		t.Counts[c] += n
	}
	return rows.Err()
}

func scanTimes(rows *db.Rows, t Tally) error {
	defer rows.Close()
	for rows.Next() {
		var c TimeCell
		var n int64
		if err := rows.Scan(&c.Node, &c.Item, &c.Stage, &c.Day, &c.Bucket, &n); err != nil {
			return fmt.Errorf("read a stage time: %w", err)
		}
		t.Times[c] += n
	}
	return rows.Err()
}

func compareCells(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.Cube, b.Cube), a.Node.Compare(b.Node), cmp.Compare(a.Day, b.Day),
		strings.Compare(a.Key, b.Key), strings.Compare(string(a.Measure), string(b.Measure)))
}

func compareTimes(a, b TimeCell) int {
	return cmp.Or(a.Node.Compare(b.Node), cmp.Compare(a.Day, b.Day), strings.Compare(a.Stage, b.Stage),
		strings.Compare(a.Item, b.Item), cmp.Compare(a.Bucket, b.Bucket))
}
