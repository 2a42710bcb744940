package figures

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
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

// Options are what app passes in.
type Options struct {
	DB      *db.DB
	Zone    *time.Location // the district's time zone
	Org     *org.Org
	Grids   *grid.Grids
	Catalog *catalog.Catalog
	Cases   *casework.Desk
	Open    OpenOptions
}

// Figures is the room's service.
type Figures struct {
	db      *db.DB
	zone    Zone
	units   *org.Org
	grids   *grid.Grids
	catalog *catalog.Catalog
	cases   *casework.Desk
	open    OpenOptions
	words   *words.Catalogue
}

// New builds the room.
func New(o Options) (*Figures, error) {
	texts, err := words.New(words.Source{Room: "figures", Files: Words})
	if err != nil {
		return nil, err
	}
	return &Figures{db: o.DB, zone: Zone{o.Zone}, units: o.Org, grids: o.Grids, catalog: o.Catalog, cases: o.Cases, open: o.Open, words: texts}, nil
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
	trueSums := map[sumCell]sum{}
	var sums map[sumCell]sum
	err = f.db.Read(ctx, func(tx *db.Tx) error {
		differences, entries = nil, 0
		clear(trueSums)
		upTo, err := readCursor(tx)
		if err != nil {
			return err
		}
		truth, stored := newDaySums(), newDaySums()
		stored.seed = truth.seed
		entries, err = f.foldAll(tx, upTo.Number, progress, func(t Tally) {
			addSums(trueSums, t.Acts)
			truth.add(t)
		})
		if err != nil {
			return err
		}
		if err := everyCell(tx, stored.cell, stored.time); err != nil {
			return err
		}
		if days := truth.differ(stored); len(days) > 0 {
			if differences, err = f.differOn(tx, upTo.Number, days); err != nil {
				return err
			}
		}
		sums, err = storedSums(tx)
		return err
	})
	if err != nil {
		return nil, entries, err
	}
	differences = append(differences, compareSums(sums, trueSums)...)
	if len(differences) == 0 || !repair {
		return differences, entries, nil
	}
	err = f.db.Write(ctx, func(tx *db.Tx) error {
		for _, table := range []string{"fig_count", "fig_time", "fig_act", "fig_place", "fig_what"} {
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

// foldAll folds the journal up to a number, part by part, and says how many
// entries there were. progress may be nil.
func (f *Figures) foldAll(tx *db.Tx, upTo int64, progress func(done, of int64), take func(Tally)) (entries int64, err error) {
	for at := int64(0); at < upTo; {
		part, err := journal.Since(tx, at, foldBatch)
		if err != nil {
			return entries, err
		}
		if len(part) == 0 {
			break
		}
		at = part[len(part)-1].Number
		part = slices.DeleteFunc(part, func(e journal.Entry) bool { return e.Number > upTo })
		entries += int64(len(part))
		tally, err := tallyOf(f.zone, part)
		if err != nil {
			return entries, err
		}
		take(tally)
		if progress != nil {
			progress(entries, upTo)
		}
	}
	return entries, nil
}

// daySums are what the cells of each day add up to, each weighed by a hash of
// where it stands: days that agree have the same cells. All cells of a large
// district would not fit into memory, twice.
type daySums struct {
	seed maphash.Seed
	days map[int64]uint64
}

func newDaySums() *daySums { return &daySums{maphash.MakeSeed(), map[int64]uint64{}} }

func (d *daySums) cell(c Cell, n int64) {
	d.days[c.Day] += maphash.Comparable(d.seed, c) * uint64(n)
}

func (d *daySums) time(c TimeCell, n int64) {
	d.days[c.Day] += maphash.Comparable(d.seed, c) * uint64(n)
}

func (d *daySums) add(t Tally) {
	for c, n := range t.Counts {
		d.cell(c, n)
	}
	for c, n := range t.Times {
		d.time(c, n)
	}
}

// differ lists the days that are not the same, in order.
func (d *daySums) differ(other *daySums) (days []int64) {
	all := maps.Clone(d.days)
	maps.Copy(all, other.days)
	for _, day := range slices.Sorted(maps.Keys(all)) {
		if d.days[day] != other.days[day] {
			days = append(days, day)
		}
	}
	return days
}

// mostDays bounds the days whose cells are compared one by one.
const mostDays = 400

// differOn compares the cells of some days; of those beyond mostDays it says only
// that they differ.
func (f *Figures) differOn(tx *db.Tx, upTo int64, days []int64) (list []Difference, err error) {
	rest := days[min(len(days), mostDays):]
	days = days[:len(days)-len(rest)]
	on := map[int64]bool{}
	for _, day := range days {
		on[day] = true
	}
	truth, stored := NewTally(), NewTally()
	if _, err := f.foldAll(tx, upTo, nil, func(t Tally) {
		maps.DeleteFunc(t.Counts, func(c Cell, _ int64) bool { return !on[c.Day] })
		maps.DeleteFunc(t.Times, func(c TimeCell, _ int64) bool { return !on[c.Day] })
		clear(t.Acts)
		truth.Add(t)
	}); err != nil {
		return nil, err
	}
	if err := everyCell(tx, func(c Cell, n int64) {
		if on[c.Day] {
			stored.Counts[c] += n
		}
	}, func(c TimeCell, n int64) {
		if on[c.Day] {
			stored.Times[c] += n
		}
	}); err != nil {
		return nil, err
	}
	list = compare(stored, truth)
	for _, day := range rest {
		list = append(list, Difference{Cell: "all of " + Date(day)})
	}
	return list, nil
}

func compare(stored, truth Tally) []Difference {
	var list []Difference
	counts := maps.Clone(stored.Counts)
	maps.Copy(counts, truth.Counts)
	for _, c := range slices.SortedFunc(maps.Keys(counts), compareCells) {
		if stored.Counts[c] != truth.Counts[c] {
			name := fmt.Sprintf("cube %d node %s %s %s secrecy %d %s", c.Cube, c.Node, c.Key, Date(c.Day), c.Secrecy, c.Measure)
			list = append(list, Difference{name, stored.Counts[c], truth.Counts[c]})
		}
	}
	times := maps.Clone(stored.Times)
	maps.Copy(times, truth.Times)
	for _, c := range slices.SortedFunc(maps.Keys(times), compareTimes) {
		if stored.Times[c] != truth.Times[c] {
			name := fmt.Sprintf("time cube %d node %s %s %s %s secrecy %d bucket %d", c.Cube, c.Node, c.Item, c.Stage, Date(c.Day), c.Secrecy, c.Bucket)
			list = append(list, Difference{name, stored.Times[c], truth.Times[c]})
		}
	}
	return list
}

func compareSums(stored, truth map[sumCell]sum) []Difference {
	var list []Difference
	cells := maps.Clone(stored)
	maps.Copy(cells, truth)
	for _, c := range slices.SortedFunc(maps.Keys(cells), func(a, b sumCell) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.day, b.day))
	}) {
		if s, t := stored[c], truth[c]; s != t {
			list = append(list, Difference{fmt.Sprintf("acts of place %d on %s (%v, truly %v)", c.place, Date(c.day), s, t), s.n, t.n})
		}
	}
	return list
}
