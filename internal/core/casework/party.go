package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
)

// PartyIn is who reported, as told (报事人).
type PartyIn struct {
	Name  string `json:"name,omitempty" maxLength:"40"`
	Phone string `json:"phone,omitempty" maxLength:"20" doc:"with or without +86, spaces and hyphens"`
}

func (p *PartyIn) empty() bool {
	return p == nil || strings.TrimSpace(p.Name) == "" && strings.TrimSpace(p.Phone) == ""
}

// Party is the reporter as lists and views show it: masked.
type Party struct {
	Name      string `json:"name_masked,omitempty"`
	Phone     string `json:"phone_masked,omitempty"`
	CanReveal bool   `json:"can_reveal"`
}

// Revealed is a reporter opened for a purpose.
type Revealed struct {
	Name  string          `json:"name,omitempty"`
	Phone string          `json:"phone,omitempty"`
	Form  json.RawMessage `json:"form,omitempty"` // personal answers to the item's form
}

var (
	ErrPhone   = fault.New(fault.Invalid, "case.bad_phone")
	ErrNoParty = fault.New(fault.Missing, "case.no_reporter")
)

var phoneForm = regexp.MustCompile(`^\+?[0-9]{5,15}$`)

// tidyPhone gives a phone number one form: digits, mainland numbers without
// their country code.
func tidyPhone(s string) (string, error) {
	p := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "（", "", "）", "", "－", "").Replace(strings.TrimSpace(s))
	if p == "" {
		return "", nil
	}
	if !phoneForm.MatchString(p) {
		return "", ErrPhone.At("body.reporter.phone", "case.bad_phone")
	}
	p = strings.TrimPrefix(p, "+")
	if len(p) == 13 && strings.HasPrefix(p, "861") {
		p = p[2:]
	}
	return p, nil
}

const (
	partyTable = "case_party"
	phoneKind  = "phone" // of the blind index
)

// putParty stores who reported, sealed: each value is bound to its row.
func (d *Desk) putParty(tx *db.Tx, c Case, p *PartyIn) error {
	var in PartyIn
	if p != nil {
		in = *p
	}
	in.Name = strings.TrimSpace(in.Name)
	if utf8.RuneCountInString(in.Name) > 40 {
		return ErrInvalid.At("body.reporter.name", "case.too_long", "most", 40)
	}
	phone, err := tidyPhone(in.Phone)
	if err != nil {
		return err
	}
	var name, number, index, form []byte
	if in.Name != "" {
		name = d.seal.SealText(in.Name, seal.Place(partyTable, "name", c.ID))
	}
	if phone != "" {
		number = d.seal.SealText(phone, seal.Place(partyTable, "phone", c.ID))
		index = d.seal.Index(phoneKind, phone)
	}
	if c.secret != nil {
		form = d.seal.Seal(c.secret, seal.Place(partyTable, "form", c.ID))
	}
	_, err = tx.Exec(`INSERT INTO case_party (case_id, name, phone, phone_index, name_mask, phone_mask, form, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, name, number, index, none(registry.MaskName(in.Name)), none(registry.MaskPhone(phone)), form, db.Millis(tx.Now()))
	if db.Unique(err) {
		return ErrTaken.With("id", c.ID.String())
	}
	if err != nil {
		return fmt.Errorf("write reporter: %w", err)
	}
	return nil
}

// partyOf reads the masked reporter; none when nobody gave a name or a phone.
func partyOf(tx *db.Tx, caseID id.ID) (*Party, error) {
	var p Party
	err := tx.Row(`SELECT name_mask, phone_mask FROM case_party WHERE case_id = $1`, caseID).Scan(db.Text(&p.Name), db.Text(&p.Phone))
	if errors.Is(err, db.ErrNoRows) || err == nil && p.Name == "" && p.Phone == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read reporter: %w", err)
	}
	return &p, nil
}

// Reveal opens the reporter's name and phone, and the personal answers of the
// form, for a registered purpose: those fields that the purpose covers, or those
// asked for. It is a command: the journal notes who opened what and why before
// the answer is given, and the person can see it. Permission case.reveal.
// Codes: case.missing, case.no_reporter and those of registry.Reveal.
func (d *Desk) Reveal(tx *db.Tx, by *access.Actor, caseID id.ID, purpose, why string, fields ...string) (Revealed, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return Revealed{}, err
	}
	return d.reveal(tx, by, c, "case.reveal", "case.reveal", purpose, why, fields)
}

// reveal is Reveal and the export of what is kept about a person.
func (d *Desk) reveal(tx *db.Tx, by *access.Actor, c Case, kind, permission, purpose, why string, fields []string) (Revealed, error) {
	on := c
	var err error
	if !c.Parent.IsZero() {
		// A task shows the reporter of its case to whoever does it.
		if on, err = get(tx, c.Parent); err != nil {
			return Revealed{}, err
		}
	}
	if permission, err = revealedBy(by, c, permission); err != nil {
		return Revealed{}, err
	}
	r, err := d.open(tx, on.ID)
	if err != nil {
		return r, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return r, err
	}
	if err := env.of(on); err != nil {
		return r, err
	}
	there, answers, err := r.fields(on.Item)
	if err != nil {
		return Revealed{}, err
	}
	consent := env.item.Consent.Kind
	open, err := d.registry.Reveal(tx, by, registry.Look{
		Kind: kind, Permission: permission, Subject: on.ID, Case: on.timeline(), Sight: c.Sight(), At: on.Sight(), Class: env.item.Retention,
		Purpose: purpose, Why: why, There: there, Fields: fields,
		Basis: registry.Basis{Case: on.ID, Consent: consent != "none" && r.Form != nil, Child: consent == "guardian" && aboutChild(answers)},
	})
	if err != nil {
		return Revealed{}, err
	}
	return r.only(on.Item, open, answers)
}

// fields lists what is there, by the keys of the register.
func (r Revealed) fields(item string) (there []string, answers map[string]json.RawMessage, err error) {
	if r.Name != "" {
		there = append(there, partyTable+".name")
	}
	if r.Phone != "" {
		there = append(there, partyTable+".phone")
	}
	if r.Form != nil {
		if err := json.Unmarshal(r.Form, &answers); err != nil {
			return nil, nil, fmt.Errorf("personal answers: %w", err)
		}
		for _, name := range slices.Sorted(maps.Keys(answers)) {
			there = append(there, "form."+item+"."+name)
		}
	}
	return there, answers, nil
}

// only keeps the fields that may be opened.
func (r Revealed) only(item string, open []string, answers map[string]json.RawMessage) (Revealed, error) {
	var out Revealed
	kept := map[string]json.RawMessage{}
	for _, f := range open {
		switch {
		case f == partyTable+".name":
			out.Name = r.Name
		case f == partyTable+".phone":
			out.Phone = r.Phone
		default:
			name := strings.TrimPrefix(f, "form."+item+".")
			kept[name] = answers[name]
		}
	}
	if len(kept) > 0 {
		var err error
		if out.Form, err = json.Marshal(kept); err != nil {
			return Revealed{}, err
		}
	}
	return out, nil
}

// aboutChild says whether answers are about somebody under 14: the form says the
// guardian agreed, names a child, or counts some.
func aboutChild(answers map[string]json.RawMessage) bool {
	for name, v := range answers {
		switch said := string(v); {
		case name == "guardian_consent" && said == "true", name == "age_group" && said == `"under_14"`,
			name == "child_name", name == "children_under_14" && said != "0":
			return true
		}
	}
	return false
}

// reveals are the permissions that rest on what an applicant wrote: whoever has
// one of them and the application may open it.
var reveals = []string{"apply.review", "apply.home_check", "apply.approve", "apply.give", "apply.appeal_decide"}

// revealedBy is the permission that opens a case's reporter to the actor: the
// one asked for or, of an application or a task of one, a permission that cannot
// be used without it. Those go by the post that has it in hand, not by scope.
func revealedBy(by *access.Actor, c Case, asked string) (string, error) {
	err := by.Check(asked, c.Sight())
	if err == nil || asked != "case.reveal" || c.Flow != catalog.Approval && c.Task != "home_check" || by.Post != c.Post && by.Post != c.Acting {
		return asked, err
	}
	for _, p := range reveals {
		if by.Check(p, c.Sight()) == nil {
			return p, nil
		}
	}
	return asked, err
}

// open unseals a party row.
func (d *Desk) open(tx *db.Tx, caseID id.ID) (Revealed, error) {
	var name, phone, form []byte
	err := tx.Row(`SELECT name, phone, form FROM case_party WHERE case_id = $1`, caseID).Scan(&name, &phone, &form)
	if errors.Is(err, db.ErrNoRows) {
		return Revealed{}, ErrNoParty
	}
	if err != nil {
		return Revealed{}, fmt.Errorf("read reporter: %w", err)
	}
	var r Revealed
	if name != nil {
		if r.Name, err = d.seal.OpenText(name, seal.Place(partyTable, "name", caseID)); err != nil {
			return r, err
		}
	}
	if phone != nil {
		if r.Phone, err = d.seal.OpenText(phone, seal.Place(partyTable, "phone", caseID)); err != nil {
			return r, err
		}
	}
	if form != nil {
		if r.Form, err = d.seal.Open(form, seal.Place(partyTable, "form", caseID)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// addNamed names a person on a case, so that lists find it by the person.
func addNamed(tx *db.Tx, caseID, person id.ID) error {
	err := tx.Send(`INSERT INTO case_named (person_id, case_id, state, list_at) VALUES ($1, $2, `+standing+`) ON CONFLICT (person_id, case_id) DO NOTHING`, person, caseID)
	if err != nil {
		return fmt.Errorf("name a person on a case: %w", err)
	}
	return nil
}

// SameAnswers says whether an application was made with these answers to the
// item's form: sent again because its answer was lost it is the same
// application, with other answers it is not. Nobody gets to read them.
func (d *Desk) SameAnswers(tx *db.Tx, caseID id.ID, item string, raw json.RawMessage) (bool, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return false, err
	}
	r, err := d.open(tx, caseID)
	if err != nil && !errors.Is(err, ErrNoParty) {
		return false, err
	}
	kept := map[string]any{}
	for _, part := range []json.RawMessage{c.Form, r.Form} {
		if len(part) == 0 {
			continue
		}
		if err := json.Unmarshal(part, &kept); err != nil {
			return false, fmt.Errorf("answers of %s: %w", c.Number, err)
		}
	}
	sent := map[string]any{}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return false, ErrInvalid.At("body.form", "field.wrong").Because(err)
	}
	return c.Item == item && reflect.DeepEqual(kept, sent), nil
}
