package journal

import (
	"bytes"
	"context"
	"fmt"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Problem is one thing that is wrong with the journal.
type Problem struct {
	Code   string `json:"code"`             // what is wrong, one of the codes below
	Number int64  `json:"number,omitempty"` // where: an entry, or the first entry of a group
	Detail string `json:"detail,omitempty"`
}

// What can be wrong.
const (
	EntryMissing    = "entry_missing"     // a number that a seal covers is not there
	EntryUnsealed   = "entry_unsealed"    // an entry that no seal covers
	GroupChanged    = "group_changed"     // the group's entries are not the sealed ones
	SealBroken      = "seal_broken"       // a seal does not follow from the one before
	HeadWrong       = "head_wrong"        // the head is not the last seal
	BodyChanged     = "body_changed"      // the content is not the one of its entry
	BodyMissing     = "body_missing"      // gone, and no entry says that it was erased
	BodyStray       = "body_stray"        // a body that belongs to no entry
	BehindSigned    = "behind_checkpoint" // the journal ends before a signed checkpoint
	DiffersFromSign = "differs_from_checkpoint"
)

// Report is what a verification found.
type Report struct {
	Entries     int64     `json:"entries"`
	Groups      int64     `json:"groups"`
	Bodies      int64     `json:"bodies"`
	Erased      int64     `json:"erased"`
	Head        int64     `json:"head"`
	Hash        []byte    `json:"hash,omitempty"`
	Checkpoints int       `json:"checkpoints"` // that were compared
	Problems    []Problem `json:"problems"`
	More        int64     `json:"more_problems,omitempty"`
}

// OK says that nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

const problemLimit = 100

func (r *Report) add(code string, number int64, format string, args ...any) {
	if len(r.Problems) >= problemLimit {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{code, number, fmt.Sprintf(format, args...)})
}

// verification walks the chain once.
type verification struct {
	*Report
	tx       *db.Tx
	against  map[int64][]Checkpoint
	previous []byte
	next     int64 // the number that the next seal must begin with
	scratch  []byte
	leaves   [][32]byte
	missing  map[id.ID]int64 // bodies that are gone, by entry
	erased   map[id.ID]bool  // entries that an erasure names
	expired  map[int64]bool  // entries whose bodies ended by their term
	sights   map[string]string
}

type seal struct {
	first, count int64
	root, hash   []byte
}

// Verify reads the whole journal in one snapshot and checks it, against signed
// checkpoints too: without one that was kept elsewhere, a cut tail, a wholly
// recomputed chain and an older copy can't be found. progress (may be nil) is
// told how far it is. The error is about reading; what is wrong stands in the
// report.
func Verify(ctx context.Context, d *db.DB, against []Checkpoint, progress func(done, of int64)) (Report, error) {
	var report Report
	err := d.Read(ctx, func(tx *db.Tx) error {
		v := &verification{Report: &report, tx: tx, next: 1, against: map[int64][]Checkpoint{}, missing: map[id.ID]int64{}, erased: map[id.ID]bool{}, expired: map[int64]bool{}}
		report = Report{Checkpoints: len(against), Problems: []Problem{}}
		for _, c := range against {
			v.against[c.Number] = append(v.against[c.Number], c)
		}
		return v.run(ctx, progress)
	})
	return report, err
}

func (v *verification) run(ctx context.Context, progress func(done, of int64)) error {
	var head int64
	var headHash []byte
	if err := v.tx.Row(`SELECT number, hash FROM journal_head WHERE one = 1`).Scan(&head, &headHash); err != nil {
		v.add(HeadWrong, 0, "no readable head: %v", err)
	}
	if err := v.readSights(); err != nil {
		return err
	}
	for {
		seals, err := v.seals()
		if err != nil {
			return err
		}
		if len(seals) == 0 {
			break
		}
		if err := v.groups(ctx, seals); err != nil {
			return err
		}
		if progress != nil {
			progress(v.next-1, head)
		}
	}
	v.Head, v.Hash = v.next-1, v.previous
	if head != v.Head || !bytes.Equal(headHash, v.previous) {
		v.add(HeadWrong, head, "the head says %d, the last seal ends at %d", head, v.Head)
	}
	for number := range v.against { // those on the way were compared and deleted
		if number > v.Head {
			v.add(BehindSigned, number, "signed at %s", v.against[number][0].At)
		} else {
			v.add(DiffersFromSign, number, "no group ends where the checkpoint of %s was signed", v.against[number][0].At)
		}
	}
	if err := v.strays(); err != nil {
		return err
	}
	for entry, number := range v.missing {
		if !v.erased[entry] && !v.expired[number] {
			v.add(BodyMissing, number, "no entry says that it was erased")
		}
	}
	return nil
}

// readSights reads all sights: there are few, and the walk needs them by millions.
func (v *verification) readSights() error {
	rows, err := v.tx.Query(`SELECT key, sight FROM journal_sight`)
	if err != nil {
		return err
	}
	defer rows.Close()
	v.sights = map[string]string{}
	for rows.Next() {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			continue // unreadable: no digest will fit an entry that names it
		}
		v.sights[key] = text
	}
	return rows.Err()
}

// seals reads the next seals of the chain.
func (v *verification) seals() ([]seal, error) {
	rows, err := v.tx.Query(`SELECT first, count, root, hash FROM journal_seal WHERE first >= $1 ORDER BY first LIMIT 500`, v.next)
	if err != nil {
		return nil, err
	}
	var all []seal
	for rows.Next() {
		var s seal
		if err := rows.Scan(&s.first, &s.count, &s.root, &s.hash); err != nil {
			v.add(SealBroken, s.first, "unreadable: %v", err) // SQLite keeps anything in any column
		}
		s.first = max(s.first, v.next) // whatever stands there, the walk goes on
		all = append(all, s)
	}
	return all, rows.Close()
}

// groups checks the entries under some seals and the chain from seal to seal.
func (v *verification) groups(ctx context.Context, seals []seal) error {
	last := seals[len(seals)-1]
	rows, err := v.tx.Query(`SELECT e.number, e.id, e.kind, e.subject, e.case_id, e.person_id, e.post_id, e.for_id, e.via,
		e.occurred_at, e.recorded_at, e.version, e.sight, e.before, e.class, e.facts, e.body_digest,
		b.class, b.salt, b.content
		FROM journal_entry e LEFT JOIN journal_body b ON b.number = e.number
		WHERE e.number >= $1 AND e.number < $2 ORDER BY e.number`, v.next, last.first+max(last.count, 1))
	if err != nil {
		return err
	}
	defer rows.Close()
	more := rows.Next()
	var r row
	for _, s := range seals {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.first != v.next || s.count < 1 {
			v.add(SealBroken, s.first, "begins at %d with %d entries, expected to begin at %d", s.first, s.count, v.next)
		}
		v.leaves = v.leaves[:0]
		for more {
			number, err := v.entry(rows, &r, s)
			if err != nil {
				return err
			}
			if number >= s.first+s.count {
				break // belongs to the next seal; stays the current row
			}
			more = rows.Next()
		}
		if n := int64(len(v.leaves)); n < s.count {
			v.add(EntryMissing, s.first, "%d of %d entries are there", n, s.count)
		}
		root := merkle(v.leaves)
		if !bytes.Equal(root[:], s.root) {
			v.add(GroupChanged, s.first, "the entries %d to %d are not the sealed ones", s.first, s.first+s.count-1)
		}
		if hash := sealHash(v.previous, s.first, s.count, s.root); !bytes.Equal(hash, s.hash) {
			v.add(SealBroken, s.first, "does not follow from the seal before")
		}
		v.previous, v.next = s.hash, max(v.next, s.first+max(s.count, 1))
		v.Groups++
		for _, c := range v.against[v.next-1] {
			if !bytes.Equal(c.Hash, s.hash) {
				v.add(DiffersFromSign, c.Number, "signed at %s", c.At)
			}
		}
		delete(v.against, v.next-1)
	}
	return rows.Err()
}

// entry takes the current row, unless it belongs to a later seal, and gives its
// number.
func (v *verification) entry(rows *db.Rows, r *row, s seal) (int64, error) {
	*r = row{}
	var before, bodyClass *string
	var salt, content []byte
	if err := rows.Scan(&r.number, strictID{&r.id}, &r.kind, strictID{&r.subject}, strictID{&r.caseID}, strictID{&r.person}, strictID{&r.post}, strictID{&r.for_}, &r.via,
		&r.occurred, &r.recorded, &r.version, &r.sight, nullable{&before}, &r.class, &r.facts, &r.digest,
		nullable{&bodyClass}, &salt, &content); err != nil {
		v.add(GroupChanged, r.number, "unreadable: %v", err)
	}
	if r.number >= s.first+s.count {
		return r.number, nil
	}
	r.sight = sightOf(v.sights, r.sight)
	if before != nil {
		r.before, r.hasBefore = sightOf(v.sights, *before), true
	}
	if r.number < s.first {
		v.add(EntryUnsealed, r.number, "no seal covers it")
		return r.number, nil
	}
	leaf, scratch := r.leaf(v.scratch)
	v.scratch = scratch
	v.leaves = append(v.leaves, leaf)
	v.Entries++
	if r.kind == EraseKind {
		v.erased[r.subject] = true
	}
	if r.kind == ExpireKind {
		for _, n := range expired(r.facts) {
			v.expired[n] = true
		}
	}
	switch {
	case bodyClass != nil && r.digest != nil:
		v.Bodies++
		if !bytes.Equal(bodyDigest(salt, content), r.digest) || *bodyClass != r.class {
			v.add(BodyChanged, r.number, "")
		}
	case r.digest != nil:
		v.Erased++
		v.missing[r.id] = r.number
	}
	return r.number, nil
}

// strays finds rows that the walk along the seals does not meet.
func (v *verification) strays() error {
	for _, q := range []struct {
		code, sql string
		args      []any
	}{
		{EntryUnsealed, `SELECT number FROM journal_entry WHERE number < 1 OR number >= $1 ORDER BY number LIMIT 100`, []any{v.next}},
		{BodyStray, `SELECT b.number FROM journal_body b LEFT JOIN journal_entry e ON e.number = b.number
			WHERE e.body_digest IS NULL ORDER BY b.number LIMIT 100`, nil},
	} {
		rows, err := v.tx.Query(q.sql, q.args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var number int64
			if err := rows.Scan(&number); err != nil {
				return err
			}
			v.add(q.code, number, "")
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	var groups int64
	if err := v.tx.Row(`SELECT count(*) FROM journal_seal`).Scan(&groups); err != nil {
		return err
	}
	if groups != v.Groups {
		v.add(SealBroken, 0, "%d seals, %d of them on the chain", groups, v.Groups)
	}
	return nil
}

// strictID scans an id and refuses what only looks like none.
type strictID struct{ p *id.ID }

func (s strictID) Scan(src any) error {
	if err := s.p.Scan(src); err != nil {
		return err
	}
	if src != nil && s.p.IsZero() {
		return fmt.Errorf("an id of zeros")
	}
	return nil
}

// nullable scans a text that may be NULL.
type nullable struct{ p **string }

func (n nullable) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n.p = nil
	case string:
		*n.p = &v
	default:
		return fmt.Errorf("%T is no text", src)
	}
	return nil
}
