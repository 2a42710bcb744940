package figures

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf("figures", migrations) }

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

var (
	// ErrDiffers says that the stored figures are not what the journal adds up to.
	ErrDiffers = fault.New(fault.Internal, "figures.differ")
	// ErrSpan says that the days asked for are not a span of at most ten years.
	ErrSpan = fault.New(fault.Invalid, "figures.span")
)

// foldBatch is how many entries of the journal one transaction folds.
const foldBatch = 5000

// Figures is the room's service.
type Figures struct {
	db   *db.DB
	zone Zone
}

// New builds the room; zone is the district's time zone.
func New(d *db.DB, zone *time.Location) *Figures {
	return &Figures{db: d, zone: Zone{zone}}
}

// Fold folds what was added to the journal since the last time. It may be
// called by several nodes: the cursor is moved only by whoever still finds it
// where it was read.
func (f *Figures) Fold(ctx context.Context) (folded int, err error) {
	for {
		n := 0
		err := f.db.Write(ctx, func(tx *db.Tx) error {
			n = 0
			at, err := readCursor(tx)
			if err != nil {
				return err
			}
			entries, err := journal.Since(tx, at.Number, foldBatch)
			if err != nil || len(entries) == 0 {
				return err
			}
			tally, err := tallyOf(f.zone, entries)
			if err != nil {
				return err
			}
			last := entries[len(entries)-1].Number
			moved, err := tx.Exec(`UPDATE fig_cursor SET number = $1, at = $2 WHERE id = 1 AND number = $3`,
				last, db.Millis(tx.Now()), at.Number)
			if err != nil {
				return fmt.Errorf("move the cursor of the figures: %w", err)
			}
			if moved == 0 {
				return nil // another node was faster
			}
			n = len(entries)
			return store(tx, tally)
		})
		folded += n
		if err != nil || n < foldBatch {
			return folded, err
		}
	}
}

// Difference is one figure that is not what the journal adds up to.
type Difference struct {
	Cell         string
	Stored, True int64
}

// Recompute folds the whole journal anew up to the cursor and compares. With
// repair the stored figures are replaced. progress is told how many entries
// were read; it may be nil.
func (f *Figures) Recompute(ctx context.Context, repair bool, progress func(done, of int64)) (differences []Difference, entries int64, err error) {
	truth := NewTally()
	var stored Tally
	err = f.db.Read(ctx, func(tx *db.Tx) error {
		upTo, err := readCursor(tx)
		if err != nil {
			return err
		}
		for at := int64(0); at < upTo.Number; {
			part, err := journal.Since(tx, at, foldBatch)
			if err != nil {
				return err
			}
			if len(part) == 0 {
				break
			}
			at = part[len(part)-1].Number
			part = slices.DeleteFunc(part, func(e journal.Entry) bool { return e.Number > upTo.Number })
			entries += int64(len(part))
			tally, err := tallyOf(f.zone, part)
			if err != nil {
				return err
			}
			truth.Add(tally)
			if progress != nil {
				progress(entries, upTo.Number)
			}
		}
		stored, err = all(tx)
		return err
	})
	if err != nil {
		return nil, entries, err
	}
	differences = compare(stored, truth)
	if len(differences) == 0 || !repair {
		return differences, entries, nil
	}
	err = f.db.Write(ctx, func(tx *db.Tx) error {
		for _, table := range []string{"fig_count", "fig_time"} {
			if _, err := tx.Exec(`DELETE FROM ` + table); err != nil {
				return fmt.Errorf("empty %s: %w", table, err)
			}
		}
		if _, err := tx.Exec(`UPDATE fig_cursor SET number = 0 WHERE id = 1`); err != nil {
			return fmt.Errorf("reset the cursor of the figures: %w", err)
		}
		return nil
	})
	if err != nil {
		return differences, entries, err
	}
	_, err = f.Fold(ctx)
	return differences, entries, err
}

func compare(stored, truth Tally) []Difference {
	var list []Difference
	counts := maps.Clone(stored.Counts)
	maps.Copy(counts, truth.Counts)
	for _, c := range slices.SortedFunc(maps.Keys(counts), compareCells) {
		if stored.Counts[c] != truth.Counts[c] {
			name := fmt.Sprintf("cube %d node %s %s %s %s", c.Cube, c.Node, c.Key, Date(c.Day), c.Measure)
			list = append(list, Difference{name, stored.Counts[c], truth.Counts[c]})
		}
	}
	times := maps.Clone(stored.Times)
	maps.Copy(times, truth.Times)
	for _, c := range slices.SortedFunc(maps.Keys(times), compareTimes) {
		if stored.Times[c] != truth.Times[c] {
			name := fmt.Sprintf("time node %s %s %s %s bucket %d", c.Node, c.Item, c.Stage, Date(c.Day), c.Bucket)
			list = append(list, Difference{name, stored.Times[c], truth.Times[c]})
		}
	}
	return list
}

// Question asks for the figures of one node (or unit) over a span of days.
type Question struct {
	Node     id.ID
	Taken    []id.ID // what the node inherited: counted with it
	Cube     Cube
	From, To int64 // days, both included
}

// Table is the answer: totals, one row a key, the stage times, and how old it is.
type Table struct {
	From   string            `json:"from"`
	To     string            `json:"to"`
	AsOf   time.Time         `json:"as_of"`  // moment of the answer
	Folded time.Time         `json:"folded"` // up to here the rollups were complete
	Taken  []id.ID           `json:"inherited,omitempty" doc:"Nodes this one took over: their figures are in it"`
	Tail   int               `json:"tail"` // entries that were added to them for this answer
	Totals map[Measure]int64 `json:"totals"`
	Rows   []Row             `json:"rows"`
	Stages []StageTime       `json:"stages"`
}

// Row is one item, channel, or item of a unit.
type Row struct {
	Key    string            `json:"key"`
	Counts map[Measure]int64 `json:"counts"`
}

// StageTime is how long a stage took: median and 90th percentile of n cases,
// with the error of a bucket (at most 5 %).
type StageTime struct {
	Stage    string `json:"stage"`
	N        int64  `json:"n"`
	MedianMS int64  `json:"median_ms"`
	P90MS    int64  `json:"p90_ms"`
}

// tailLimit bounds what a read folds itself; a longer tail only shows as age.
const tailLimit = 2000

// Answer reads the figures and adds the part of the journal that is not folded.
func (f *Figures) Answer(tx *db.Tx, q Question) (Table, error) {
	if q.To < q.From || q.To-q.From > 3660 {
		return Table{}, ErrSpan
	}
	at, err := readCursor(tx)
	if err != nil {
		return Table{}, err
	}
	tally := NewTally()
	for _, node := range q.nodes() {
		part, err := span(tx, q.Cube, node, q.From, q.To)
		if err != nil {
			return Table{}, err
		}
		tally.Add(part)
	}
	tail, err := journal.Since(tx, at.Number, tailLimit)
	if err != nil {
		return Table{}, err
	}
	if len(tail) < tailLimit {
		late, err := tallyOf(f.zone, tail)
		if err != nil {
			return Table{}, err
		}
		tally.Add(late)
	}
	return tabulate(q, tally, at, len(tail), tx.Now()), nil
}

// nodes are the node asked for and what it inherited. An act counts at one node
// of each level, so none is counted twice.
func (q Question) nodes() []id.ID { return append([]id.ID{q.Node}, q.Taken...) }

func tabulate(q Question, tally Tally, at cursor, tail int, now time.Time) Table {
	t := Table{From: Date(q.From), To: Date(q.To), AsOf: now, Folded: at.At, Tail: tail, Taken: q.Taken, Totals: map[Measure]int64{}, Rows: []Row{}, Stages: []StageTime{}}
	rows, nodes := map[string]map[Measure]int64{}, q.nodes()
	for c, n := range tally.Counts {
		if c.Cube != q.Cube || !slices.Contains(nodes, c.Node) || c.Day < q.From || c.Day > q.To {
			continue
		}
		if rows[c.Key] == nil {
			rows[c.Key] = map[Measure]int64{}
		}
		rows[c.Key][c.Measure] += n
		t.Totals[c.Measure] += n
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		t.Rows = append(t.Rows, Row{key, rows[key]})
	}
	stages := map[string]map[int64]int64{}
	for c, n := range tally.Times {
		if !slices.Contains(nodes, c.Node) || c.Day < q.From || c.Day > q.To {
			continue
		}
		if stages[c.Stage] == nil {
			stages[c.Stage] = map[int64]int64{}
		}
		stages[c.Stage][c.Bucket] += n
	}
	for _, stage := range slices.Sorted(maps.Keys(stages)) {
		s := StageTime{Stage: stage}
		for _, n := range stages[stage] {
			s.N += n
		}
		median, _ := Quantile(stages[stage], 0.5)
		p90, _ := Quantile(stages[stage], 0.9)
		s.MedianMS, s.P90MS = median.Milliseconds(), p90.Milliseconds()
		t.Stages = append(t.Stages, s)
	}
	return t
}
