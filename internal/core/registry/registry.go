// Package registry owns the register of personal data (个人信息登记): which stored
// fields are about people, for what purposes they are kept and may be opened, on
// what basis, how long they stay, with whom they are shared until when; and
// beside it consents, legal holds, the requests of people about their own data,
// erasures and the runs that end data whose term is over.
//
// Rooms declare their fields in code (kit/personal); a test walks all migrations
// and forms and fails while one is undeclared. Purposes and terms are data that
// an office may edit; data/defaults is what a new installation starts with.
//
// Promises callers rely on:
//   - Reveal is the one way to open personal data. The purpose must be
//     registered for every field and for the role that acts; a department needs
//     a sharing agreement in force; where consent is the basis it must stand,
//     a guardian's for data of a child under 14. Who opened what for what is in
//     the journal before the answer, in facts that outlive the content.
//   - One look has one purpose: fields of different purposes are never merged.
//   - Retention ends what its class says, in small batches that may be broken
//     off at any time; a hold keeps what it names; every run leaves a report.
//   - Two people decide: a sharing agreement, and the erasure of a person.
//
// Its tables are registry_purpose, registry_class, registry_agreement,
// registry_consent, registry_hold, registry_request, registry_erasure,
// registry_run and registry_run_line.
package registry

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

//go:embed migrations
var migrations embed.FS

// Room is the registry's part of the schema.
func Room() db.Room { return db.RoomOf("registry", migrations) }

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The faults that several nouns share.
var (
	ErrInvalid  = fault.New(fault.Invalid, "registry.invalid")
	ErrMissing  = fault.New(fault.Missing, "registry.missing")
	ErrChanged  = fault.New(fault.Changed, "registry.changed")
	ErrState    = fault.New(fault.Conflict, "registry.wrong_state")
	ErrSameHand = fault.New(fault.Forbidden, "registry.same_hand")
	ErrField    = fault.New(fault.Invalid, "registry.field_unknown")
	ErrHeld     = fault.New(fault.Conflict, "registry.held")
)

// Subject is one report as this room looks at it: what it is, never what it
// says.
type Subject struct {
	ID       id.ID         `json:"id"`
	Number   string        `json:"number"`
	ItemName words.Text    `json:"item_name"`
	Class    string        `json:"class"`
	Closed   time.Time     `json:"closed_at,omitzero"`
	Sight    journal.Sight `json:"-"`
}

// People is what this room needs of the room that keeps reports; app connects it.
type People interface {
	// Subject finds a report. Code: case.missing.
	Subject(tx *db.Tx, caseID id.ID) (Subject, error)
	SubjectByNumber(tx *db.Tx, number string) (Subject, error)
	// SamePerson lists the reports that were left with the same phone, the given
	// one first.
	SamePerson(tx *db.Tx, caseID id.ID) ([]Subject, error)
	// ErasePerson erases the content of reports for good and says how many
	// bodies of the journal went. Doing it again changes nothing.
	ErasePerson(ctx context.Context, by journal.By, cases []id.ID, why string) (int, error)
}

// Options are what app passes in.
type Options struct {
	Org   *org.Org
	Seal  *seal.Box
	Files fs.FS // with defaults/purposes.json and defaults/retention.json
	// Declared are the fields that all rooms store.
	Declared []personal.Room
	// Forms lists the personal fields of the forms in force.
	Forms func(tx *db.Tx) ([]personal.Field, error)
}

// Registry is the room's service.
type Registry struct {
	org      *org.Org
	seal     *seal.Box
	declared []personal.Room
	forms    func(tx *db.Tx) ([]personal.Field, error)
	shipped  shipped
	people   People
	steps    []Step
	tidy     []func(ctx context.Context) error
}

// shipped is what the two default files say.
type shipped struct {
	purposes []Purpose
	answerIn Term
	classes  []Class
}

// New puts the room together.
func New(o Options) (*Registry, error) {
	r := &Registry{org: o.Org, seal: o.Seal, declared: o.Declared, forms: o.Forms}
	var p struct {
		Purposes []Purpose `json:"purposes"`
		Requests struct {
			Term Term `json:"term"`
		} `json:"requests"`
	}
	if err := readFile(o.Files, "defaults/purposes.json", &p); err != nil {
		return nil, err
	}
	var c struct {
		Classes []Class `json:"classes"`
	}
	if err := readFile(o.Files, "defaults/retention.json", &c); err != nil {
		return nil, err
	}
	r.shipped = shipped{purposes: p.Purposes, answerIn: p.Requests.Term, classes: c.Classes}
	return r, nil
}

func readFile(files fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Join connects the rooms that stand above this one: who knows reports, what
// ends data, and what to do once a run ended something. It is called while the
// program is put together.
func (r *Registry) Join(people People, steps []Step, tidy ...func(ctx context.Context) error) {
	r.people, r.steps, r.tidy = people, append(r.steps, steps...), append(r.tidy, tidy...)
}

// Fields lists all fields about people, those of the forms in force last.
func (r *Registry) Fields(tx *db.Tx) ([]personal.Field, error) {
	var out []personal.Field
	for _, room := range r.declared {
		out = append(out, room.Fields...)
	}
	if r.forms != nil {
		more, err := r.forms(tx)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// clean trims a text and refuses one that is empty, too long or no text.
func clean(s *string, path string, least, most int) error {
	*s = strings.TrimSpace(*s)
	n := utf8.RuneCountInString(*s)
	if n < least {
		return ErrInvalid.At(path, "field.required")
	}
	if n > most || !utf8.ValidString(*s) || strings.ContainsRune(*s, 0) {
		return ErrInvalid.At(path, "field.max_length", "maximum", most)
	}
	return nil
}

// all is the whole district: what this room keeps has no place.
var all journal.Sight

// version compares what a caller last saw; zero means that he does not care.
func version(seen, now int64) error {
	if seen != 0 && seen != now {
		return ErrChanged
	}
	return nil
}

// hand is who acts, as a two-person rule compares it.
func hand(by *access.Actor) journal.By { return by.By() }

// Named is who acted, in words for staff.
type Named struct {
	Person string      `json:"person_name,omitempty"`
	Post   *words.Text `json:"post_name,omitempty"`
	Via    string      `json:"via,omitempty"`
}

func named(s *org.Snapshot, by journal.By) *Named {
	if by == (journal.By{}) {
		return nil
	}
	n := &Named{Via: by.Via}
	if p, ok := s.Person(by.Person); ok {
		n.Person = p.Name
	}
	if p, ok := s.Post(by.Post); ok {
		n.Post = &p.Name
	}
	return n
}

// each reads rows with scan until the end.
func each(tx *db.Tx, what, q string, args []any, scan func(s func(...any) error) error) error {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			rows.Close()
			return fmt.Errorf("read %s: %w", what, err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// note adds the journal entry of an act of this room; class is the retention
// class of its body.
func note(tx *db.Tx, by *access.Actor, kind string, subject id.ID, ver int64, class string, facts, body any) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: subject, By: by.By(), Version: ver, Class: class, Facts: facts, Body: body})
}

// matches says whether one of the patterns covers a field.
func matches(patterns []string, field string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return personal.Covers(p, field) })
}
