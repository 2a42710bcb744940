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
)

// cursor is how far the journal is folded.
type cursor struct {
	Number int64
	At     time.Time
}

// Behind is how many entries of the journal are not folded yet.
func (f *Figures) Behind(tx *db.Tx) (int64, error) {
	c, err := readCursor(tx)
	if err != nil {
		return 0, err
	}
	head, err := journal.Head(tx)
	return head - c.Number, err
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
		args := make([]any, 0, 7*len(chunk))
		for _, c := range chunk {
			args = append(args, int64(c.Cube), c.Node, c.Key, c.Day, int64(c.Secrecy), string(c.Measure), t.Counts[c])
		}
		_, err := tx.Exec(`INSERT INTO fig_count (cube, node, key, day, secrecy, measure, n) VALUES `+values(len(chunk), 7)+`
			ON CONFLICT (cube, node, day, key, secrecy, measure) DO UPDATE SET n = fig_count.n + excluded.n`, args...)
		if err != nil {
			return fmt.Errorf("store counts: %w", err)
		}
	}
	times := slices.SortedFunc(maps.Keys(t.Times), compareTimes)
	for chunk := range slices.Chunk(times, rowsAStatement) {
		args := make([]any, 0, 8*len(chunk))
		for _, c := range chunk {
			args = append(args, int64(c.Cube), c.Node, c.Item, c.Stage, c.Day, int64(c.Secrecy), c.Bucket, t.Times[c])
		}
		_, err := tx.Exec(`INSERT INTO fig_time (cube, node, item, stage, day, secrecy, bucket, n) VALUES `+values(len(chunk), 8)+`
			ON CONFLICT (cube, node, day, stage, item, secrecy, bucket) DO UPDATE SET n = fig_time.n + excluded.n`, args...)
		if err != nil {
			return fmt.Errorf("store stage times: %w", err)
		}
	}
	return storeActs(tx, t.Acts)
}

// storeActs writes the acts, and the places and matters that are new.
func storeActs(tx *db.Tx, acts map[int64]Act) error {
	places, whats := map[int64]journal.Nodes{}, map[int64]What{}
	numbers := slices.Sorted(maps.Keys(acts))
	for chunk := range slices.Chunk(numbers, rowsAStatement) {
		args := make([]any, 0, 6*len(chunk))
		for _, number := range chunk {
			a := acts[number]
			place, what := placeKey(a.Place), a.What.key()
			places[place], whats[what] = a.Place, a.What
			args = append(args, place, a.Day, a.Number, what, a.Measures, a.Case)
		}
		if _, err := tx.Exec(`INSERT INTO fig_act (place, day, number, what, measures, case_id) VALUES `+values(len(chunk), 6), args...); err != nil {
			return fmt.Errorf("store acts: %w", err)
		}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(places)), rowsAStatement) {
		args := make([]any, 0, 6*len(chunk))
		for _, key := range chunk {
			n := places[key]
			args = append(args, key, n.Hub, n.Street, n.Platform, n.Grid, n.Micro)
		}
		if _, err := tx.Exec(`INSERT INTO fig_place (id, hub, street, platform, grid, micro) VALUES `+values(len(chunk), 6)+` ON CONFLICT (id) DO NOTHING`, args...); err != nil {
			return fmt.Errorf("store places: %w", err)
		}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(whats)), rowsAStatement) {
		args := make([]any, 0, 7*len(chunk))
		for _, key := range chunk {
			w := whats[key]
			args = append(args, key, w.Item, w.Channel, w.Unit, w.Stage, w.Answers, int64(w.Secrecy))
		}
		if _, err := tx.Exec(`INSERT INTO fig_what (id, item, channel, unit, stage, answers, secrecy) VALUES `+values(len(chunk), 7)+` ON CONFLICT (id) DO NOTHING`, args...); err != nil {
			return fmt.Errorf("store what acts were about: %w", err)
		}
	}
	return nil
}

// places reads all places that acts had, by their key.
func places(tx *db.Tx) (map[int64]journal.Nodes, error) {
	rows, err := tx.Query(`SELECT id, hub, street, platform, grid, micro FROM fig_place`)
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	defer rows.Close()
	out := map[int64]journal.Nodes{}
	for rows.Next() {
		var key int64
		var n journal.Nodes
		if err := rows.Scan(&key, &n.Hub, &n.Street, &n.Platform, &n.Grid, &n.Micro); err != nil {
			return nil, fmt.Errorf("read places: %w", err)
		}
		out[key] = n
	}
	return out, rows.Err()
}

// whats reads all that acts were about, by its key.
func whats(tx *db.Tx) (map[int64]What, error) {
	rows, err := tx.Query(`SELECT id, item, channel, unit, stage, answers, secrecy FROM fig_what`)
	if err != nil {
		return nil, fmt.Errorf("read what acts were about: %w", err)
	}
	defer rows.Close()
	out := map[int64]What{}
	for rows.Next() {
		var key, secrecy int64
		var w What
		if err := rows.Scan(&key, &w.Item, &w.Channel, &w.Unit, &w.Stage, &w.Answers, &secrecy); err != nil {
			return nil, fmt.Errorf("read what acts were about: %w", err)
		}
		w.Secrecy = journal.Secrecy(secrecy)
		out[key] = w
	}
	return out, rows.Err()
}

// sum is what the acts of one place and day add up to: enough to find that one
// is missing, twice there, or another.
type sum struct{ n, numbers, whats, measures int64 }

type sumCell struct{ place, day int64 }

// small keeps sums of hashes far from the end of the numbers.
const small = 1_000_003

func addSums(to map[sumCell]sum, acts map[int64]Act) {
	for _, a := range acts {
		c := sumCell{placeKey(a.Place), a.Day}
		s := to[c]
		to[c] = sum{s.n + 1, s.numbers + a.Number, s.whats + a.What.key()%small, s.measures + a.Measures%small}
	}
}

func storedSums(tx *db.Tx) (map[sumCell]sum, error) {
	// An act whose place or matter is not in its table counts for nothing.
	rows, err := tx.Query(fmt.Sprintf(`SELECT a.place, a.day, COUNT(*), CAST(SUM(a.number) AS BIGINT), CAST(SUM(a.what %% %[1]d) AS BIGINT), CAST(SUM(a.measures %% %[1]d) AS BIGINT)
		FROM fig_act a JOIN fig_place p ON p.id = a.place JOIN fig_what w ON w.id = a.what GROUP BY a.place, a.day`, small))
	if err != nil {
		return nil, fmt.Errorf("add up acts: %w", err)
	}
	defer rows.Close()
	out := map[sumCell]sum{}
	for rows.Next() {
		var c sumCell
		var s sum
		if err := rows.Scan(&c.place, &c.day, &s.n, &s.numbers, &s.whats, &s.measures); err != nil {
			return nil, fmt.Errorf("add up acts: %w", err)
		}
		out[c] = s
	}
	return out, rows.Err()
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

// everyCell goes through the whole of the rollups.
func everyCell(tx *db.Tx, count func(Cell, int64), took func(TimeCell, int64)) error {
	rows, err := tx.Query(`SELECT ` + countColumns + ` FROM fig_count`)
	if err != nil {
		return fmt.Errorf("read counts: %w", err)
	}
	if err := eachCount(rows, count); err != nil {
		return err
	}
	rows, err = tx.Query(`SELECT cube, node, item, stage, day, secrecy, bucket, n FROM fig_time`)
	if err != nil {
		return fmt.Errorf("read stage times: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c TimeCell
		var cube, secrecy, n int64
		if err := rows.Scan(&cube, &c.Node, &c.Item, &c.Stage, &c.Day, &secrecy, &c.Bucket, &n); err != nil {
			return fmt.Errorf("read a stage time: %w", err)
		}
		c.Cube, c.Secrecy = Cube(cube), journal.Secrecy(secrecy)
		took(c, n)
	}
	return rows.Err()
}

const countColumns = `cube, node, key, day, secrecy, measure, n`

func eachCount(rows *db.Rows, take func(Cell, int64)) error {
	defer rows.Close()
	for rows.Next() {
		var c Cell
		var cube, secrecy, n int64
		var measure string
		if err := rows.Scan(&cube, &c.Node, &c.Key, &c.Day, &secrecy, &measure, &n); err != nil {
			return fmt.Errorf("read a count: %w", err)
		}
		c.Cube, c.Secrecy, c.Measure = Cube(cube), journal.Secrecy(secrecy), Measure(measure)
		take(c, n)
	}
	return rows.Err()
}

func compareCells(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.Cube, b.Cube), a.Node.Compare(b.Node), cmp.Compare(a.Day, b.Day),
		strings.Compare(a.Key, b.Key), cmp.Compare(a.Secrecy, b.Secrecy), strings.Compare(string(a.Measure), string(b.Measure)))
}

func compareTimes(a, b TimeCell) int {
	return cmp.Or(cmp.Compare(a.Cube, b.Cube), a.Node.Compare(b.Node), cmp.Compare(a.Day, b.Day), strings.Compare(a.Stage, b.Stage),
		strings.Compare(a.Item, b.Item), cmp.Compare(a.Secrecy, b.Secrecy), cmp.Compare(a.Bucket, b.Bucket))
}

// in is "($3,$4,…)" for these values, whose arguments are added.
func in[T any](args *[]any, list []T) string {
	var b strings.Builder
	for i, v := range list {
		if *args = append(*args, v); i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", len(*args))
	}
	return "(" + b.String() + ")"
}
