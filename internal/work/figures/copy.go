package figures

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
)

// Copies folds the entries of cases that were made after others
// (casework.Original) into the figures, a day of reports at a time. What one
// original adds up to is found once and then moved. Days must come in order.
type Copies struct {
	zone    Zone
	known   map[*casework.Original]*copied
	pending Tally
	acts    db.Lot
}

// copied is what one original adds up to.
type copied struct {
	tally Tally
	acts  []*Act // by place of the entry; nil where no figure counts it
	place []int64
	what  []int64
}

// Copies begins after everything that is in the journal was folded: all places
// and matters of the copies are known then, being those of their originals.
func (f *Figures) Copies() *Copies {
	return &Copies{zone: f.zone, known: map[*casework.Original]*copied{}, pending: NewTally(),
		acts: db.Lot{Table: "fig_act", Columns: []string{"place", "day", "number", "what", "measures", "case_id"}}}
}

func (c *Copies) of(o *casework.Original) (*copied, error) {
	if k, ok := c.known[o]; ok {
		return k, nil
	}
	k := &copied{tally: NewTally(), acts: make([]*Act, len(o.Entries)), place: make([]int64, len(o.Entries)), what: make([]int64, len(o.Entries))}
	for i := range o.Entries {
		e, facts, err := entryOf(&o.Entries[i])
		if err != nil {
			return nil, err
		}
		t := NewTally()
		t.Fold(c.zone, e, facts)
		for _, a := range t.Acts {
			k.acts[i], k.place[i], k.what[i] = &a, placeKey(a.Place), a.What.key()
		}
		clear(t.Acts)
		k.tally.Add(t)
	}
	c.known[o] = k
	return k, nil
}

func entryOf(o *journal.Original) (e journal.Entry, f casework.ActFacts, err error) {
	e = journal.Entry{Number: o.Number, Kind: o.Kind, Subject: o.Subject, Case: o.Case, Occurred: time.UnixMilli(o.Occurred).UTC(), Sight: o.Sight, Facts: json.RawMessage(o.Facts)}
	f, err = factsOf(e)
	return e, f, err
}

// Add counts one copy: entries are those of the original as they were numbered,
// days by how many its acts are later.
func (c *Copies) Add(o *casework.Original, entries []journal.Copy, days int64) error {
	k, err := c.of(o)
	if err != nil {
		return err
	}
	for i, a := range k.acts {
		if a != nil {
			subject := entries[i].Subject
			c.acts.Add(k.place[i], a.Day+days, entries[i].Number, k.what[i], a.Measures, subject[:])
		}
	}
	return nil
}

// Count adds what n copies of an original add up to.
func (c *Copies) Count(o *casework.Original, n, days int64) error {
	k, err := c.of(o)
	if err != nil {
		return err
	}
	for cell, m := range k.tally.Counts {
		cell.Day += days
		c.pending.Counts[cell] += m * n
	}
	for cell, m := range k.tally.Times {
		cell.Day += days
		c.pending.Times[cell] += m * n
	}
	return nil
}

// Take gives the acts that were added since it was last asked, and the counts of
// all days before one.
func (c *Copies) Take(before int64) []db.Lot {
	counts := db.Lot{Table: "fig_count", Columns: []string{"cube", "node", "day", "key", "secrecy", "measure", "n"}}
	for _, cell := range slices.SortedFunc(maps.Keys(c.pending.Counts), compareCells) {
		if cell.Day < before {
			counts.Add(int64(cell.Cube), slices.Clone(cell.Node[:]), cell.Day, cell.Key, int64(cell.Secrecy), string(cell.Measure), c.pending.Counts[cell])
			delete(c.pending.Counts, cell)
		}
	}
	times := db.Lot{Table: "fig_time", Columns: []string{"cube", "node", "day", "stage", "item", "secrecy", "bucket", "n"}}
	for _, cell := range slices.SortedFunc(maps.Keys(c.pending.Times), compareTimes) {
		if cell.Day < before {
			times.Add(int64(cell.Cube), slices.Clone(cell.Node[:]), cell.Day, cell.Stage, cell.Item, int64(cell.Secrecy), cell.Bucket, c.pending.Times[cell])
			delete(c.pending.Times, cell)
		}
	}
	acts := c.acts
	c.acts.Values = nil
	return []db.Lot{acts, counts, times}
}

// FoldedTo notes that the figures hold the journal up to a number.
func FoldedTo(tx *db.Tx, number int64) error {
	_, err := tx.Exec(`UPDATE fig_cursor SET number = $1, at = $2 WHERE id = 1`, number, db.Millis(tx.Now()))
	return err
}
