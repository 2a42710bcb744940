package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
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
	ErrPurpose = fault.New(fault.Invalid, "case.purpose_needed")
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

// maskName leaves the first character; maskPhone the first three and last four.
// (look/LOOK.md section 5, masking)
func maskName(s string) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) == 0 {
		return ""
	}
	return string(r[:1]) + "**"
}

func maskPhone(s string) string {
	if len(s) < 8 {
		if len(s) < 3 {
			return s
		}
		return strings.Repeat("*", len(s)-2) + s[len(s)-2:]
	}
	return s[:3] + "****" + s[len(s)-4:]
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
		c.ID, name, number, index, none(maskName(in.Name)), none(maskPhone(phone)), form, db.Millis(tx.Now()))
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

// Purposes are what a reporter's contact may be opened for.
var Purposes = []string{"contact", "visit", "verify", "correct", "emergency"}

// Reveal opens the reporter's name and phone for a stated purpose. It is a
// command: the journal notes who opened what and why before the answer is
// given, and the person can see it. Permission case.reveal.
// Codes: case.missing, case.purpose_needed, case.no_reporter, access.denied.
func (d *Desk) Reveal(tx *db.Tx, by *access.Actor, caseID id.ID, purpose, why string) (Revealed, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return Revealed{}, err
	}
	if !slices.Contains(Purposes, purpose) {
		return Revealed{}, ErrPurpose.At("body.purpose", "field.wrong")
	}
	if blank(why) || utf8.RuneCountInString(why) > maxNote {
		return Revealed{}, ErrPurpose.At("body.why", "field.required")
	}
	on := c
	if !c.Parent.IsZero() {
		// A task shows the reporter of its case to whoever does it.
		if on, err = get(tx, c.Parent); err != nil {
			return Revealed{}, err
		}
	}
	if err := mayReveal(by, c); err != nil {
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
	fields := "name,phone"
	if r.Form != nil {
		fields += ",form"
	}
	note(env, by.By(), on, nil, "case.reveal", 0, &Body{Purpose: purpose, Note: why, Fields: fields})
	return r, nil
}

// reveals are the permissions that rest on what an applicant wrote: whoever has
// one of them and the application may open it.
var reveals = []string{"apply.review", "apply.home_check", "apply.approve", "apply.give", "apply.appeal_decide"}

// mayReveal asks for case.reveal or, of an application or a task of one, for a
// permission that cannot be used without it. Those go by the post that has it in
// hand, not by scope.
func mayReveal(by *access.Actor, c Case) error {
	err := by.Check("case.reveal", c.Sight())
	if err == nil || c.Flow != catalog.Approval && c.Task != "home_check" || by.Post != c.Post && by.Post != c.Acting {
		return err
	}
	for _, p := range reveals {
		if by.Check(p, c.Sight()) == nil {
			return nil
		}
	}
	return err
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
	_, err := tx.Exec(`INSERT INTO case_named (person_id, case_id) VALUES ($1, $2) ON CONFLICT (person_id, case_id) DO NOTHING`, person, caseID)
	if err != nil {
		return fmt.Errorf("name a person on a case: %w", err)
	}
	return nil
}
