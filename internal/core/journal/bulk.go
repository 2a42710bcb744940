package journal

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Original is an entry that others are made after, in a district that is made up.
type Original struct {
	Number             int64
	ID, Subject, Case  id.ID
	Kind               string
	Occurred, Recorded int64  // milliseconds
	Facts              []byte // as they are stored
	Content            []byte // of the body; nil without one
	Sight              Sight
	row                row
	sight, before      any // as they are stored
}

// Originals are all entries on a case's timeline, oldest first.
func Originals(tx *db.Tx, caseID id.ID) ([]Original, error) {
	rows, err := tx.Query(`SELECT e.number, e.id, e.kind, e.subject, e.case_id, e.person_id, e.post_id, e.for_id, e.via,
		e.occurred_at, e.recorded_at, e.version, e.sight, e.before, e.class, e.facts, b.content
		FROM journal_entry e LEFT JOIN journal_body b ON b.number = e.number WHERE e.case_id = $1 ORDER BY e.number`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer rows.Close()
	var all []Original
	var keys []string
	for rows.Next() {
		var o Original
		r := &o.row
		var before string
		if err := rows.Scan(&o.Number, &o.ID, &o.Kind, &o.Subject, &o.Case, &r.person, &r.post, &r.for_, &r.via,
			&o.Occurred, &o.Recorded, &r.version, &r.sight, db.Text(&before), &r.class, &r.facts, &o.Content); err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		o.Facts, o.sight, r.kind = []byte(r.facts), r.sight, o.Kind
		keys = append(keys, r.sight)
		if before != "" {
			r.before, r.hasBefore, o.before = before, true, before
			keys = append(keys, before)
		}
		all = append(all, o)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	texts, err := readSights(tx, keys)
	if err != nil {
		return nil, err
	}
	for i := range all {
		o := &all[i]
		o.row.sight, o.row.before = sightOf(texts, o.row.sight), sightOf(texts, o.row.before)
		if o.Sight, err = readSight(o.row.sight); err != nil {
			return nil, fmt.Errorf("sight of entry %d: %w", o.Number, err)
		}
	}
	return all, nil
}

// Copy is an entry made after an original: of another subject, at another time,
// with other words.
type Copy struct {
	Of                 *Original
	ID, Subject, Case  id.ID
	Occurred, Recorded int64
	Content            []byte
	Number             int64 // set by Chain.Add
}

// Chain goes on with a journal that nobody else writes, many entries at a time:
// what it makes verifies like any other. Not safe for several goroutines.
type Chain struct {
	number          int64
	hash            []byte
	random          io.Reader
	Entries, Bodies db.Lot
	Seals           db.Lot
	scratch         []byte
	leaves          [][32]byte
}

// Continue takes up the journal's end. Salts come from random: where the content
// is made up, it needs no secret.
func Continue(tx *db.Tx, random io.Reader) (*Chain, error) {
	c := &Chain{random: random}
	if err := tx.Row(`SELECT number, hash FROM journal_head WHERE one = 1`).Scan(&c.number, &c.hash); err != nil {
		return nil, fmt.Errorf("read the journal's head: %w", err)
	}
	c.Entries = db.Lot{Table: "journal_entry", Columns: []string{"number", "id", "kind", "subject", "case_id", "person_id", "post_id", "for_id", "via",
		"occurred_at", "recorded_at", "version", "sight", "before", "class", "facts", "body_digest"}}
	c.Bodies = db.Lot{Table: "journal_body", Columns: []string{"number", "class", "salt", "content"}}
	c.Seals = db.Lot{Table: "journal_seal", Columns: []string{"first", "count", "root", "hash"}}
	return c, nil
}

func bytesOf(v id.ID) any {
	if v.IsZero() {
		return nil
	}
	return bytes.Clone(v[:])
}

// Add numbers the copies in their order and seals them as one group.
func (c *Chain) Add(group []Copy) error {
	if len(group) == 0 {
		return nil
	}
	c.leaves = slices.Grow(c.leaves[:0], len(group))
	salts := make([]byte, 32*len(group))
	if _, err := io.ReadFull(c.random, salts); err != nil {
		return err
	}
	first := c.number + 1
	for i := range group {
		e := &group[i]
		o := e.Of
		c.number++
		e.Number = c.number
		r := o.row
		r.number, r.id, r.subject, r.caseID, r.occurred, r.recorded = e.Number, e.ID, e.Subject, e.Case, e.Occurred, e.Recorded
		var digest any
		if e.Content != nil {
			salt := salts[32*i : 32*i+32 : 32*i+32]
			r.digest = bodyDigest(salt, e.Content)
			digest = r.digest
			c.Bodies.Add(e.Number, r.class, salt, e.Content)
		}
		var leaf [32]byte
		leaf, c.scratch = r.leaf(c.scratch)
		c.leaves = append(c.leaves, leaf)
		c.Entries.Add(e.Number, bytesOf(e.ID), r.kind, bytesOf(e.Subject), bytesOf(e.Case), bytesOf(r.person), bytesOf(r.post), bytesOf(r.for_), r.via,
			r.occurred, r.recorded, r.version, o.sight, o.before, r.class, r.facts, digest)
	}
	root := merkle(c.leaves)
	c.hash = sealHash(c.hash, first, int64(len(group)), root[:])
	c.Seals.Add(first, int64(len(group)), root[:], c.hash)
	return nil
}

// Take gives the rows that were added since it was last asked, and the journal's
// end behind them.
func (c *Chain) Take() (lots []db.Lot, end End) {
	lots = []db.Lot{c.Entries, c.Bodies, c.Seals}
	c.Entries.Values, c.Bodies.Values, c.Seals.Values = nil, nil, nil
	return lots, End{c.number, c.hash}
}

// End is where a journal ends.
type End struct {
	Number int64
	hash   []byte
}

// Write moves the journal's head there.
func (e End) Write(tx *db.Tx) error {
	if _, err := tx.Exec(`UPDATE journal_head SET number = $1, hash = $2 WHERE one = 1`, e.Number, e.hash); err != nil {
		return fmt.Errorf("move the journal's head: %w", err)
	}
	return nil
}

// End is where the journal ends by now.
func (c *Chain) End() End { return End{c.number, c.hash} }

// Number is that of the last entry.
func (c *Chain) Number() int64 { return c.number }
