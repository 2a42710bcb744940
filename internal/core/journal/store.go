package journal

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations
var migrations embed.FS

// Room is the journal's part of the schema.
func Room() db.Room { return db.RoomOf("journal", migrations) }

// Journal is the database's Ledger.
type Journal struct {
	hooks  []hook
	sights knownSights
}

// hook is called with the first entries of subjects or kinds; see OnNumbered.
type hook struct {
	kinds map[string]bool
	run   func(tx *db.Tx, entries []*Entry) error
}

// New makes the ledger to be handed to db.Open.
func New() *Journal { return &Journal{} }

// OnNumbered calls run once per group, after the group's entries were numbered
// and before the commit, with those of the given kinds in order: a room sets in
// one statement what follows from the number (a case's place in the order of
// arrival). Statements whose outcome is not needed go through tx.Last. It is
// called while the program is put together, before the database is opened.
func (j *Journal) OnNumbered(run func(tx *db.Tx, entries []*Entry) error, kinds ...string) {
	h := hook{kinds: map[string]bool{}, run: run}
	for _, k := range kinds {
		h.kinds[k] = true
	}
	j.hooks = append(j.hooks, h)
}

// Seal numbers what the group's commands added and writes it with its seal, as
// the last statements of the group.
func (j *Journal) Seal(tx *db.Tx, pended []any) error {
	entries := make([]*Entry, len(pended))
	for i, p := range pended {
		e, ok := p.(*Entry)
		if !ok {
			return fmt.Errorf("a %T was pended, the journal writes entries", p)
		}
		entries[i] = e
	}
	rows := make([]row, len(entries))
	leaves := make([][32]byte, len(entries))
	var scratch []byte
	for i, e := range entries {
		r := &rows[i]
		*r = row{id: e.ID, kind: e.Kind, subject: e.Subject, caseID: e.Case, person: e.By.Person, post: e.By.Post, for_: e.By.For,
			via: e.By.Via, occurred: e.Occurred.UnixMilli(), recorded: e.Recorded.UnixMilli(), version: e.Version, class: e.Class, facts: e.facts}
		r.sight, scratch = sightText(&e.Sight, scratch)
		if e.Before != nil {
			r.hasBefore = true
			r.before, scratch = sightText(e.Before, scratch)
		}
		if e.content != nil {
			e.digest = bodyDigest(e.salt, e.content)
			r.digest = e.digest
		}
		leaves[i], scratch = r.leaf(scratch)
	}
	root := merkle(leaves)

	// From here on the head is locked until the commit.
	var head int64
	var previous []byte
	if err := tx.Row(`UPDATE journal_head SET number = number + $1 WHERE one = 1 RETURNING number, hash`, len(entries)).Scan(&head, &previous); err != nil {
		return fmt.Errorf("lock the journal's head: %w", err)
	}
	first := head - int64(len(entries)) + 1
	for i := range rows {
		rows[i].number = first + int64(i)
		entries[i].Number = rows[i].number
	}
	for _, h := range j.hooks {
		var mine []*Entry
		for _, e := range entries {
			if h.kinds[e.Kind] {
				mine = append(mine, e)
			}
		}
		if len(mine) == 0 {
			continue
		}
		if err := h.run(tx, mine); err != nil {
			return err
		}
	}
	if err := j.insertEntries(tx, rows); err != nil {
		return err
	}
	if err := insertBodies(tx, entries); err != nil {
		return err
	}
	hash := sealHash(previous, first, int64(len(entries)), root[:])
	if err := tx.Last(`INSERT INTO journal_seal (first, count, root, hash) VALUES ($1, $2, $3, $4)`, first, len(entries), root[:], hash); err != nil {
		return fmt.Errorf("write the seal: %w", err)
	}
	if err := tx.Last(`UPDATE journal_head SET hash = $1 WHERE one = 1`, hash); err != nil {
		return fmt.Errorf("move the journal's head: %w", err)
	}
	return nil
}

var (
	entryTable = db.NewTable("journal_entry", "number", "id", "kind", "subject", "case_id", "person_id", "post_id", "for_id", "via",
		"occurred_at", "recorded_at", "version", "sight", "before", "class", "facts", "body_digest")
	bodyTable = db.NewTable("journal_body", "number", "class", "salt", "content")
)

func (j *Journal) insertEntries(tx *db.Tx, rows []row) error {
	texts := make([]string, 0, 2*len(rows))
	for i := range rows {
		if texts = append(texts, rows[i].sight); rows[i].hasBefore {
			texts = append(texts, rows[i].before)
		}
	}
	keys, err := j.sights.nameSights(tx, texts)
	if err != nil {
		return err
	}
	args := make([]any, 0, 17*len(rows))
	for i := range rows {
		r := &rows[i]
		var before any
		if r.hasBefore {
			before = keys[r.before]
		}
		args = append(args, r.number, r.id, r.kind, r.subject, r.caseID, r.person, r.post, r.for_, r.via,
			r.occurred, r.recorded, r.version, keys[r.sight], before, r.class, r.facts, r.digest)
	}
	if err := entryTable.Insert(tx, args); err != nil {
		return fmt.Errorf("write journal entries: %w", err)
	}
	return nil
}

func insertBodies(tx *db.Tx, entries []*Entry) error {
	args := make([]any, 0, 4*len(entries))
	for _, e := range entries {
		if e.content != nil {
			args = append(args, e.Number, e.Class, e.salt, e.content)
		}
	}
	if err := bodyTable.Insert(tx, args); err != nil {
		return fmt.Errorf("write journal bodies: %w", err)
	}
	return nil
}

// Head is the number of the newest entry, 0 in an empty journal.
func Head(tx *db.Tx) (int64, error) {
	var n int64
	if err := tx.Row(`SELECT number FROM journal_head WHERE one = 1`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read the journal's head: %w", err)
	}
	return n, nil
}

// HeadHash is the number of the newest sealed entry and the hash of its seal,
// which covers everything before it: what a paper can be held against later.
func HeadHash(tx *db.Tx) (number int64, hash []byte, err error) {
	if err := tx.Row(`SELECT number, hash FROM journal_head WHERE one = 1`).Scan(&number, &hash); err != nil {
		return 0, nil, fmt.Errorf("read the journal's head: %w", err)
	}
	return number, hash, nil
}

const selectEntry = `SELECT e.number, e.id, e.kind, e.subject, e.case_id, e.person_id, e.post_id, e.for_id, e.via,
	e.occurred_at, e.recorded_at, e.version, e.sight, e.before, e.class, e.facts, b.content
	FROM journal_entry e LEFT JOIN journal_body b ON b.number = e.number `

// Timeline is everything on a case's timeline, oldest first.
func Timeline(tx *db.Tx, caseID id.ID) ([]Entry, error) {
	return entries(tx, selectEntry+`WHERE e.case_id = $1 ORDER BY e.number`, caseID)
}

// Of is everything about a subject, oldest first.
func Of(tx *db.Tx, subject id.ID) ([]Entry, error) {
	return entries(tx, selectEntry+`WHERE e.subject = $1 ORDER BY e.number`, subject)
}

// Since is the entries after a number, in order, with their bodies.
func Since(tx *db.Tx, after int64, limit int) ([]Entry, error) {
	return entries(tx, selectEntry+`WHERE e.number > $1 ORDER BY e.number LIMIT $2`, after, limit)
}

// Feed is Since without bodies: what subscribers are told, which is never
// personal data.
func Feed(tx *db.Tx, after int64, limit int) ([]Entry, error) {
	return entries(tx, `SELECT e.number, e.id, e.kind, e.subject, e.case_id, e.person_id, e.post_id, e.for_id, e.via,
		e.occurred_at, e.recorded_at, e.version, e.sight, e.before, e.class, e.facts, NULL
		FROM journal_entry e WHERE e.number > $1 ORDER BY e.number LIMIT $2`, after, limit)
}

func entries(tx *db.Tx, q string, args ...any) ([]Entry, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer rows.Close()
	var all []Entry
	var stored []string // the sights of each entry, after and before
	for rows.Next() {
		var e Entry
		var sight, before, facts string
		var content []byte
		if err := rows.Scan(&e.Number, &e.ID, &e.Kind, &e.Subject, &e.Case, &e.By.Person, &e.By.Post, &e.By.For, &e.By.Via,
			db.Time(&e.Occurred), db.Time(&e.Recorded), &e.Version, &sight, db.Text(&before), &e.Class, &facts, &content); err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		if facts != "" {
			e.Facts = json.RawMessage(facts)
		}
		if content != nil {
			e.Body = json.RawMessage(content)
		}
		all, stored = append(all, e), append(stored, sight, before)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return all, readEntrySights(tx, all, stored)
}

// readEntrySights gives entries their sights, of which most share a few.
func readEntrySights(tx *db.Tx, all []Entry, stored []string) error {
	texts, err := readSights(tx, stored)
	if err != nil {
		return err
	}
	read := map[string]*Sight{}
	for i, text := range stored {
		e := &all[i/2]
		if text == "" {
			continue // nothing changed with this entry
		}
		s, ok := read[text]
		if !ok {
			parsed, err := readSight(sightOf(texts, text))
			if err != nil {
				return fmt.Errorf("sight of entry %d: %w", e.Number, err)
			}
			s = &parsed
			read[text] = s
		}
		if i%2 == 0 {
			e.Sight = s.clone()
		} else {
			before := s.clone()
			e.Before = &before
		}
	}
	return nil
}

// clone gives a sight whose lists nobody else has.
func (s *Sight) clone() Sight {
	c := *s
	c.Posts, c.Persons = slices.Clone(s.Posts), slices.Clone(s.Persons)
	return c
}
