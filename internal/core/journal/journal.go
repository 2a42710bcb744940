// Package journal is the one append-only record of everything that happened:
// the timeline of a case, the audit trail, the source of the live feed, of
// every figure and of what other nodes are told.
//
// It owns the tables journal_entry, journal_body, journal_seal and
// journal_head. It is the database's Ledger: commands only Add entries in
// memory; at the end of a group of commands the writer numbers them and writes
// them together with one seal. So numbers have no gaps and follow the order of
// the commits, and nobody holds the head of the journal while thinking.
//
// A seal covers the seal before it, its first number, its count and the Merkle
// root of its entries. An entry covers the digest of its body, not the body:
// body and salt can be erased together (the law asks for it), and the chain
// still verifies. Checkpoints, signed with a key outside the database, tell a
// later verification what the journal was. (DESIGN.md section 5)
package journal

import (
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The faults of this package.
var (
	ErrDamaged    = fault.New(fault.Conflict, "journal.damaged")        // the journal does not verify
	ErrCheckpoint = fault.New(fault.Invalid, "journal.bad_checkpoint")  // not a checkpoint, or not signed by this journal's key
	ErrNoEntry    = fault.New(fault.Missing, "journal.entry_missing")   // no such entry
	ErrBehind     = fault.New(fault.Conflict, "journal.behind")         // the journal is older than its own signed checkpoint
	ErrKey        = fault.New(fault.Conflict, "journal.key_unreadable") // the signing key can't be read
)

// By is who acted (行为人): the person, the post that acted and, for a stand-in,
// the post it acted for.
type By struct {
	Person id.ID  `json:"person_id,omitzero"`
	Post   id.ID  `json:"post_id,omitzero"`
	For    id.ID  `json:"for_id,omitzero"`
	Via    string `json:"via,omitempty"` // desk, field, portal, cli:user@host, import, system, sweeper
}

// SameHand says whether two acts count as one hand's for a two-person rule: the
// same person, the same post, or one standing in for the other. (DESIGN.md
// section 8)
func (b By) SameHand(o By) bool {
	same := func(x, y id.ID) bool { return !x.IsZero() && x == y }
	return same(b.Person, o.Person) || same(b.Post, o.Post) || same(b.For, o.Person) || same(b.Person, o.For) || same(b.For, o.For)
}

// Nodes are the responsible node at each level (责任层级): hub, street, village
// platform, grid and micro grid.
type Nodes struct {
	Hub      id.ID `json:"hub_id,omitzero"`
	Street   id.ID `json:"street_id,omitzero"`
	Platform id.ID `json:"platform_id,omitzero"`
	Grid     id.ID `json:"grid_id,omitzero"`
	Micro    id.ID `json:"micro_id,omitzero"`
}

// Secrecy is how confidential a subject is (保密级别).
type Secrecy int8

const (
	Open  Secrecy = 0 // whoever has the place in scope
	Desk  Secrecy = 1 // desks, not the grid
	Named Secrecy = 2 // the named persons and posts only
)

// Sight is what decides who may see a thing (可见范围); feed events carry it.
type Sight struct {
	Nodes
	Department id.ID   `json:"department_id,omitzero"`
	Posts      []id.ID `json:"posts,omitempty"`   // the owner and the posts on its route
	Persons    []id.ID `json:"persons,omitempty"` // named
	Secrecy    Secrecy `json:"secrecy,omitempty"`
	Public     bool    `json:"public,omitempty"`
}

// Who is who asks. access.Actor is one; rooms below access use this.
type Who interface {
	By() By
	// Check says why the acting post may not do this there (access.denied).
	Check(permission string, at Sight) error
	// Sees says whether any of the person's grants permits it there.
	Sees(permission string, at Sight) bool
}

// Entry is one thing that happened (日志条目).
type Entry struct {
	Number   int64     `json:"number"`           // running number, set at the end of the group: no gaps, order of the commits
	ID       id.ID     `json:"id"`               // made by Add when zero
	Kind     string    `json:"kind"`             // "case.report": room.act
	Subject  id.ID     `json:"subject"`          // what it is about
	Case     id.ID     `json:"case,omitzero"`    // stands on this case's timeline
	By       By        `json:"by"`               //
	Occurred time.Time `json:"occurred_at"`      // claimed; now when zero
	Recorded time.Time `json:"recorded_at"`      // ours
	Version  int64     `json:"version,omitzero"` // of the subject after the act; 0 when the act does not change it
	Sight    Sight     `json:"sight"`            // after the act
	Before   *Sight    `json:"before,omitempty"` // when the act changed it
	Class    string    `json:"class,omitempty"`  // retention class of the body
	Facts    any       `json:"facts,omitempty"`  // what figures count of the act: never personal, kept with the entry when the body is erased. When read: json.RawMessage
	Body     any       `json:"body,omitempty"`   // content; the only part that can be erased. When read: json.RawMessage, nil when erased

	content []byte // Body as it is stored
	facts   string // Facts as they are stored
	salt    []byte
	digest  []byte // of the body
}

// Decode reads an entry's body into p. False when it has none (any more).
func (e *Entry) Decode(p any) (bool, error) {
	raw, ok := e.Body.(json.RawMessage)
	if !ok || raw == nil {
		return false, nil
	}
	if err := json.Unmarshal(raw, p); err != nil {
		return false, fmt.Errorf("body of entry %d: %w", e.Number, err)
	}
	return true, nil
}

// Add notes an entry; it is written at the end of the group, together with what
// the command changed, or not at all. Number is set by then, see OnNumbered.
func Add(tx *db.Tx, e Entry) *Entry {
	p := &e
	if p.ID.IsZero() {
		p.ID = tx.NewID()
	}
	p.Recorded = tx.Now()
	if p.Occurred.IsZero() {
		p.Occurred = p.Recorded
	}
	p.Occurred = p.Occurred.UTC().Truncate(time.Millisecond)
	if p.Kind == "" || p.Subject.IsZero() {
		tx.Fail(db.ErrMisuse.Because(fmt.Errorf("journal entry without kind or subject: %q", p.Kind)))
		return p
	}
	if p.Body != nil {
		content, err := json.Marshal(p.Body)
		if err != nil {
			tx.Fail(fmt.Errorf("body of %s: %w", p.Kind, err))
			return p
		}
		p.content, p.salt = content, tx.Random(32)
	}
	if p.Facts != nil {
		facts, err := json.Marshal(p.Facts)
		if err != nil {
			tx.Fail(fmt.Errorf("facts of %s: %w", p.Kind, err))
			return p
		}
		p.facts = string(facts)
	}
	tx.Pend(p)
	return p
}
