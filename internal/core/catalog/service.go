package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
)

// What can go wrong when the register is edited.
var (
	ErrItemChanged  = fault.New(fault.Changed, "catalog.item_changed")
	ErrNotProposed  = fault.New(fault.Conflict, "catalog.not_proposed")
	ErrWaits        = fault.New(fault.Conflict, "catalog.proposal_waits")
	ErrUnsaid       = fault.New(fault.Invalid, "catalog.unsaid")
	ErrSameHand     = fault.New(fault.Forbidden, "catalog.same_hand")
	ErrTerm         = fault.New(fault.Invalid, "catalog.term")
	ErrEntry        = fault.New(fault.Missing, "catalog.entry_missing")
	ErrEntryChanged = fault.New(fault.Changed, "catalog.entry_changed")
	ErrEntryInvalid = fault.New(fault.Invalid, "catalog.entry_invalid")
	ErrRowInvalid   = fault.New(fault.Invalid, "catalog.row_invalid")
	ErrRowDiffers   = fault.New(fault.Conflict, "catalog.row_differs")
)

// Catalog is the register over its tables.
type Catalog struct {
	cache *db.Cached[*Snapshot]
	known Known
}

// New makes the catalogue. What it is not told about in known it does not check.
func New(known Known) *Catalog {
	return &Catalog{cache: db.NewCached(room, load), known: known}
}

// Snapshot is the register as this transaction sees it.
func (c *Catalog) Snapshot(tx *db.Tx) (*Snapshot, error) { return c.cache.Get(tx) }

// Item gives the version of an item in force now. Codes: catalog.item_missing,
// catalog.item_not_admitted.
func (c *Catalog) Item(tx *db.Tx, key string) (Item, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return Item{}, err
	}
	return s.Item(key, tx.Now())
}

// ItemVersion gives exactly one version of an item.
func (c *Catalog) ItemVersion(tx *db.Tx, key string, version int64) (Item, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return Item{}, err
	}
	return s.ItemVersion(key, version)
}

// Items lists the items in force now, by code.
func (c *Catalog) Items(tx *db.Tx) ([]Item, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return s.Items(tx.Now()), nil
}

// Reason finds a reason. Code: catalog.reason_missing.
func (c *Catalog) Reason(tx *db.Tx, key string) (Reason, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return Reason{}, err
	}
	return s.Reason(key)
}

// Seed puts the default data into an empty register, and on a later start what
// newer defaults bring in addition. What is there is never touched: it may have
// been edited.
func (c *Catalog) Seed(tx *db.Tx, by journal.Who) error {
	items, shared, err := Defaults()
	if err != nil {
		return err
	}
	entries, err := split(shared)
	if err != nil {
		return err
	}
	there, err := readEntries(tx)
	if err != nil {
		return err
	}
	have := map[[2]string]bool{}
	for _, e := range there {
		have[[2]string{e.Kind, e.Key}] = true
	}
	for _, e := range entries {
		if have[[2]string{e.Kind, e.Key}] {
			continue
		}
		e.id = tx.NewID()
		if err := insertEntry(tx, e); err != nil {
			return err
		}
	}
	for _, i := range items {
		if _, err := newest(tx, i.Key); err == nil {
			continue
		} else if !errors.Is(err, ErrItem) {
			return err
		}
		if i.Admission.Version < 1 {
			i.Admission.Version = 1
		}
		if err := c.put(tx, by, "item.seed", stored{id: tx.NewID(), item: i}); err != nil {
			return err
		}
	}
	return nil
}

// put writes a version and its journal entry.
func (c *Catalog) put(tx *db.Tx, by journal.Who, kind string, s stored) error {
	s.acted = by.By()
	if err := insertItem(tx, s); err != nil {
		return err
	}
	a := s.item.Admission
	journal.Add(tx, journal.Entry{
		Kind: kind, Subject: s.id, By: s.acted, Version: a.Version,
		Class: "register",
		Facts: map[string]any{"item": s.item.Key, "version": a.Version, "status": a.Status},
		Body:  s.item,
	})
	return nil
}

// valid checks an item against the register as it stands.
func (c *Catalog) valid(tx *db.Tx, i Item) error {
	s, err := c.Snapshot(tx)
	if err != nil {
		return err
	}
	return s.Validate(i, c.known)
}

// compact takes the blanks out of a form, so that equal forms are equal bytes.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// Edit changes an item: a new version in force from now on, admitted as the one
// before. known is the newest version the editor saw; 0 does not compare.
// Permission item.edit. Codes: catalog.item_missing, catalog.item_not_admitted,
// catalog.item_changed, catalog.proposal_waits, catalog.item_invalid.
func (c *Catalog) Edit(tx *db.Tx, by journal.Who, key string, known int64, i Item) (Item, error) {
	if err := by.Check("item.edit", journal.Sight{}); err != nil {
		return i, err
	}
	old, err := newest(tx, key)
	if err != nil {
		return i, err
	}
	if known != 0 && known != old.item.Admission.Version {
		return i, ErrItemChanged.With("item", key)
	}
	if old.item.Admission.Status == StatusProposed {
		return i, ErrWaits.With("item", key)
	}
	// Editing must not admit what nobody decided: it stands on the version in
	// force, which a declined proposal may lie above.
	current, err := c.Item(tx, key)
	if err != nil {
		return i, err
	}
	a := current.Admission
	i.Key, i.Form = key, compact(i.Form)
	if err := c.valid(tx, i); err != nil {
		return i, err
	}
	a.Version, a.From = old.item.Admission.Version+1, tx.Now()
	i.Admission = a
	return i, c.put(tx, by, "item.edit", stored{id: old.id, item: i})
}

// Propose applies for the admission of a new item or a changed one (准入申请).
// Permission item.propose at one's own post: a department applies, and its posts
// reach no further than the department. Codes: catalog.item_invalid.
func (c *Catalog) Propose(tx *db.Tx, by journal.Who, i Item) (Item, error) {
	me := by.By()
	if err := by.Check("item.propose", journal.Sight{Posts: []id.ID{me.Post}, Persons: []id.ID{me.Person}}); err != nil {
		return i, err
	}
	i.Form = compact(i.Form)
	if err := c.valid(tx, i); err != nil {
		return i, err
	}
	why, err := said(i.Admission.Why, true, "body.admission.why")
	if err != nil {
		return i, err
	}
	s := stored{item: i}
	next := int64(1)
	switch old, err := newest(tx, i.Key); {
	case err == nil && old.item.Admission.Status == StatusProposed && !old.acted.SameHand(me):
		return i, ErrWaits.With("item", i.Key)
	case err == nil:
		s.id, next = old.id, old.item.Admission.Version+1
	case errors.Is(err, ErrItem):
		s.id = tx.NewID()
	default:
		return i, err
	}
	s.item.Admission = Admission{Status: StatusProposed, Version: next, TermMonths: i.Admission.TermMonths, ProposedBy: i.Admission.ProposedBy, From: tx.Now(), Why: why}
	return s.item, c.put(tx, by, "item.propose", s)
}

// said trims what somebody gives as a reason, at most 500 characters.
func said(text string, needed bool, path string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case needed && text == "":
		return "", ErrUnsaid.At(path, errFieldMissing.Code)
	case utf8.RuneCountInString(text) > 500 || !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", ErrUnsaid.At(path, errFieldLong.Code, "most", 500)
	}
	return text, nil
}

// Decision is what the grid centre says to a proposal (准入决定).
type Decision struct {
	Version    int64     `json:"version" minimum:"1"`
	Admit      bool      `json:"admit"`
	TermMonths int       `json:"term_months,omitempty" minimum:"0" maximum:"120"`
	Urgent     bool      `json:"urgent,omitempty"`
	Until      time.Time `json:"until,omitzero"`                 // needed for an urgent admission
	Note       string    `json:"note,omitempty" maxLength:"500"` // needed when declining
}

// Decide admits or declines a proposal: a new version with the same content.
// Whoever proposed may not decide; who declines says why. Permission
// item.decide. Codes: catalog.not_proposed, catalog.item_changed,
// catalog.same_hand, catalog.term, catalog.unsaid.
func (c *Catalog) Decide(tx *db.Tx, by journal.Who, key string, d Decision) (Item, error) {
	if err := by.Check("item.decide", journal.Sight{}); err != nil {
		return Item{}, err
	}
	s, err := newest(tx, key)
	if err != nil {
		return Item{}, err
	}
	a := s.item.Admission
	switch {
	case a.Version != d.Version:
		return Item{}, ErrItemChanged.With("item", key)
	case a.Status != StatusProposed:
		return Item{}, ErrNotProposed.With("item", key)
	case s.acted.SameHand(by.By()):
		return Item{}, ErrSameHand
	}
	if a.Answer, err = said(d.Note, !d.Admit, "body.note"); err != nil {
		return Item{}, err
	}
	now := tx.Now()
	a.Version, a.From, a.Status = a.Version+1, now, StatusDeclined
	if d.Admit {
		a.Status, a.Urgent, a.TermMonths = StatusAdmitted, d.Urgent, d.TermMonths
		switch {
		case d.Urgent && !d.Until.After(now):
			return Item{}, ErrTerm.At("body.until", errFieldMissing.Code)
		case d.Urgent:
			a.Until = d.Until.UTC().Truncate(time.Millisecond)
		case d.TermMonths < 1:
			return Item{}, ErrTerm.At("body.term_months", errFieldMissing.Code)
		default:
			a.Until = now.AddDate(0, d.TermMonths, 0)
		}
	}
	s.item.Admission = a
	return s.item, c.put(tx, by, "item.decide", s)
}

// End withdraws an item (退出) with a reason: no new case of it from now on; open
// cases go on under their version. Permission item.end. Codes:
// catalog.item_changed, catalog.item_not_admitted, catalog.unsaid.
func (c *Catalog) End(tx *db.Tx, by journal.Who, key string, known int64, why string) (Item, error) {
	if err := by.Check("item.end", journal.Sight{}); err != nil {
		return Item{}, err
	}
	why, err := said(why, true, "body.note")
	if err != nil {
		return Item{}, err
	}
	s, err := newest(tx, key)
	if err != nil {
		return Item{}, err
	}
	a := s.item.Admission
	if known != 0 && known != a.Version {
		return Item{}, ErrItemChanged.With("item", key)
	}
	if a.Status == StatusEnded {
		return Item{}, ErrNotAdmitted.With("item", key)
	}
	s.item.Admission = Admission{Status: StatusEnded, Version: a.Version + 1, ProposedBy: a.ProposedBy, From: tx.Now(), Answer: why}
	return s.item, c.put(tx, by, "item.end", s)
}

// Entries lists what items share, of one kind or all, for those who edit it.
func (c *Catalog) Entries(tx *db.Tx, kind string) ([]Entry, error) {
	all, err := readEntries(tx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e Entry) bool { return kind != "" && e.Kind != kind }), nil
}

// EditEntry changes one function, reason, stage, clock or word. Its key stays;
// flows keep their states, because the program's moves rest on them. Permission
// item.edit. Codes: catalog.entry_missing, catalog.entry_changed,
// catalog.entry_invalid.
func (c *Catalog) EditEntry(tx *db.Tx, by journal.Who, kind, key string, known int64, content json.RawMessage) (Entry, error) {
	if err := by.Check("item.edit", journal.Sight{}); err != nil {
		return Entry{}, err
	}
	all, err := readEntries(tx)
	if err != nil {
		return Entry{}, err
	}
	n := slices.IndexFunc(all, func(e Entry) bool { return e.Kind == kind && e.Key == key })
	if n < 0 {
		return Entry{}, ErrEntry.With("key", clip(kind+" "+key))
	}
	e := all[n]
	if known != 0 && known != e.Version {
		return e, ErrEntryChanged.With("key", key)
	}
	clean, err := checkEntry(e, content, c.known)
	if err != nil {
		return e, err
	}
	e.Content = clean
	if err := updateEntry(tx, e); err != nil {
		return e, err
	}
	e.Version++
	journal.Add(tx, journal.Entry{
		Kind: "catalog.edit", Subject: e.id, By: by.By(), Version: e.Version, Class: "register",
		Facts: map[string]any{"kind": e.Kind, "key": e.Key, "version": e.Version}, Body: e,
	})
	return e, nil
}

// ImportItem takes one row of an items file: an item as data/defaults/items.json
// has it. A new item is taken as admitted; an item that is there with the same
// content is repeated; other content is refused, for the register itself is the
// place to change it. Permission item.edit. Codes: catalog.row_invalid,
// catalog.item_invalid, catalog.row_differs.
func (c *Catalog) ImportItem(tx *db.Tx, by journal.Who, row table.Row) (table.Outcome, error) {
	var none table.Outcome
	if err := by.Check("item.edit", journal.Sight{}); err != nil {
		return none, err
	}
	var i Item
	if err := row.Decode(&i); err != nil {
		return none, ErrRowInvalid.Because(err).At("row", fault.Of(err).Code, "why", fault.Of(err).Args["why"])
	}
	i.Form = compact(i.Form)
	if err := c.valid(tx, i); err != nil {
		return none, rowFields(err)
	}
	switch old, err := newest(tx, i.Key); {
	case errors.Is(err, ErrItem):
	case err != nil:
		return none, err
	default:
		if same, err := sameItem(old.item, i); err != nil || !same {
			return none, errors.Join(ErrRowDiffers.With("item", i.Key).At("key", ErrRowDiffers.Code), err)
		}
		return table.Outcome{Result: table.Repeated}, nil
	}
	i.Admission = Admission{Status: StatusAdmitted, Version: 1, TermMonths: i.Admission.TermMonths, ProposedBy: i.Admission.ProposedBy, From: tx.Now()}
	if m := i.Admission.TermMonths; m > 0 {
		i.Admission.Until = tx.Now().AddDate(0, m, 0)
	}
	return none, c.put(tx, by, "item.import", stored{id: tx.NewID(), item: i})
}

// sameItem compares two items without their admission. The order of keys, also
// of those in a form, is no difference.
func sameItem(a, b Item) (bool, error) {
	a.Admission, b.Admission = Admission{}, Admission{}
	x, err := sorted(a)
	if err != nil {
		return false, err
	}
	y, err := sorted(b)
	return bytes.Equal(x, y), err
}

// sorted is an item as JSON with all keys in order.
func sorted(i Item) ([]byte, error) {
	raw, err := json.Marshal(i)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// rowFields names the fields of a row as its file does.
func rowFields(err error) error {
	f := *fault.Of(err)
	f.Where = slices.Clone(f.Where)
	for n := range f.Where {
		f.Where[n].Path = f.Where[n].Path[len("body."):]
	}
	return &f
}
