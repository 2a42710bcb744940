package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Subject is a case as the register of personal data looks at it.
func (d *Desk) Subject(tx *db.Tx, caseID id.ID) (registry.Subject, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return registry.Subject{}, err
	}
	return d.subject(tx, c)
}

// SubjectByNumber is Subject by the number that people know.
func (d *Desk) SubjectByNumber(tx *db.Tx, number string) (registry.Subject, error) {
	n, err := ParseNumber(number)
	if err != nil {
		return registry.Subject{}, ErrMissing
	}
	c, err := byNumber(tx, n)
	if err != nil {
		return registry.Subject{}, err
	}
	return d.subject(tx, c)
}

func (d *Desk) subject(tx *db.Tx, c Case) (registry.Subject, error) {
	s, err := d.catalog.Snapshot(tx)
	if err != nil {
		return registry.Subject{}, err
	}
	item, err := s.ItemVersion(c.Item, c.ItemVersion)
	if err != nil {
		return registry.Subject{}, err
	}
	return registry.Subject{ID: c.ID, Number: c.Number, ItemName: item.Name, Class: item.Retention, Closed: c.Closed, Sight: c.Sight()}, nil
}

// mostReports bounds how many reports of one person are looked at.
const mostReports = 1000

// SamePerson lists the reports that were left with the same phone, the given one
// first. The phone is compared by its blind index; nothing is opened.
func (d *Desk) SamePerson(tx *db.Tx, caseID id.ID) ([]registry.Subject, error) {
	first, err := d.Subject(tx, caseID)
	if err != nil {
		return nil, err
	}
	out := []registry.Subject{first}
	var index []byte
	err = tx.Row(`SELECT phone_index FROM case_party WHERE case_id = $1`, caseID).Scan(&index)
	if errors.Is(err, db.ErrNoRows) || err == nil && index == nil {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read reporter: %w", err)
	}
	same, err := many(tx, `SELECT `+prefixed+` FROM cases c JOIN case_party p ON p.case_id = c.id WHERE p.phone_index = $1 AND c.id <> $2 ORDER BY p.at, c.id LIMIT $3`, index, caseID, mostReports)
	if err != nil {
		return nil, err
	}
	for _, c := range same {
		s, err := d.subject(tx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ReportsByPhone lists the reports left with a phone, newest first, for the
// operator. Code: case.phone_unknown.
func (d *Desk) ReportsByPhone(tx *db.Tx, phone string) ([]registry.Subject, error) {
	p, err := tidyPhone(phone)
	if err != nil || p == "" {
		return nil, ErrPhoneUnknown
	}
	found, err := many(tx, `SELECT `+prefixed+` FROM cases c JOIN case_party p ON p.case_id = c.id WHERE p.phone_index = $1 ORDER BY p.at DESC, c.id LIMIT $2`,
		d.seal.Index(phoneKind, p), mostReports)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrPhoneUnknown
	}
	var out []registry.Subject
	for _, c := range found {
		s, err := d.subject(tx, c)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// EraseAll erases the content of several cases, as Erase does for one; what was
// erased before is passed over. The right to was asked for by whoever decided.
func (d *Desk) EraseAll(ctx context.Context, store *db.DB, list *journal.Erasures, by journal.By, cases []id.ID, why string) (int, error) {
	total := 0
	for _, one := range cases {
		var entries []id.ID
		err := store.Read(ctx, func(tx *db.Tx) error {
			entries = nil
			all, err := journal.Timeline(tx, one)
			for _, e := range all {
				if e.Body != nil {
					entries = append(entries, e.ID)
				}
			}
			return err
		})
		if err != nil {
			return total, err
		}
		n, err := list.Erase(ctx, store, by, why, entries, func(tx *db.Tx) error { return d.Forget(tx, by, one) })
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// Kept is everything that is kept about the author of a report, ready to be
// handed out (本人数据副本). It is machine-readable and complete for its author;
// what staff wrote among themselves is not in it.
type Kept struct {
	Case     *PublicCase     `json:"case"`
	Reporter Revealed        `json:"reporter"`
	Form     json.RawMessage `json:"form,omitempty"` // answers that are not personal
	Record   registry.Record `json:"record"`
	At       time.Time       `json:"exported_at"`
	Masked   bool            `json:"masked,omitempty"`
}

// KeptFor gathers the copy for the author; whoever calls it has made sure who
// asks. It is noted in the journal as the author's own act.
func (d *Desk) KeptFor(tx *db.Tx, by *access.Actor, caseID id.ID) (*Kept, error) {
	k, c, err := d.kept(tx, caseID)
	if err != nil {
		return nil, err
	}
	if k.Reporter, err = d.open(tx, caseID); err != nil && !errors.Is(err, ErrNoParty) {
		return nil, err
	}
	journal.Add(tx, journal.Entry{Kind: "case.own_copy", Subject: c.ID, Case: c.timeline(), By: by.By(), Sight: c.Sight(), Class: "journal"})
	return k, nil
}

// ExportFor gathers the copy for the operator: masked, or opened for a purpose
// as Reveal does. Codes: those of Reveal.
func (d *Desk) ExportFor(tx *db.Tx, by *access.Actor, caseID id.ID, purpose, why string) (*Kept, error) {
	k, c, err := d.kept(tx, caseID)
	if err != nil {
		return nil, err
	}
	if purpose == "" {
		k.Masked = true
		p, err := partyOf(tx, caseID)
		if p != nil {
			k.Reporter = Revealed{Name: p.Name, Phone: p.Phone}
		}
		return k, err
	}
	k.Reporter, err = d.reveal(tx, by, c, "case.export", "privacy.answer", purpose, why, nil)
	if fault.Of(err) != nil && errors.Is(err, ErrNoParty) {
		err = nil
	}
	return k, err
}

func (d *Desk) kept(tx *db.Tx, caseID id.ID) (*Kept, Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return nil, c, err
	}
	k := &Kept{Form: c.Form, At: tx.Now()}
	if k.Case, err = d.PublicView(tx, caseID); err != nil {
		return nil, c, err
	}
	k.Record, err = d.RecordFor(tx, caseID)
	return k, c, err
}

// RecordFor is who read a report's personal data, which consents stand and what
// was asked, for its author.
func (d *Desk) RecordFor(tx *db.Tx, caseID id.ID) (registry.Record, error) {
	on, err := d.Subject(tx, caseID)
	if err != nil {
		return registry.Record{}, err
	}
	return d.registry.RecordOf(tx, on)
}

// AskAsReporter takes the author's request about the own data. Codes: those of
// registry.Ask.
func (d *Desk) AskAsReporter(tx *db.Tx, caseID id.ID, kind, said string) (registry.Request, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return registry.Request{}, err
	}
	return d.registry.Ask(tx, access.Nobody("portal", words.Chinese), caseID, id.ID{}, kind, said, c.Sight())
}
