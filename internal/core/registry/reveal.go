package registry

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Why a look is refused.
var (
	ErrPurpose   = fault.New(fault.Invalid, "registry.purpose_needed")    // none, or not one of the register
	ErrRole      = fault.New(fault.Forbidden, "registry.purpose_role")    // not for the role that acts
	ErrMixed     = fault.New(fault.Forbidden, "registry.purpose_mixed")   // a field is not registered for it
	ErrAgreement = fault.New(fault.Forbidden, "registry.no_agreement")    // a department without one in force
	ErrGuardian  = fault.New(fault.Forbidden, "registry.guardian_needed") // under 14 and no guardian's consent
	ErrWithdrawn = fault.New(fault.Forbidden, "registry.consent_over")    // consent was the basis and is withdrawn
	ErrNothing   = fault.New(fault.Missing, "registry.nothing_there")     // the purpose covers nothing of what is there
)

const maxWhy = 500

// Look is somebody's wish to see personal data in clear (按用途查看明文).
type Look struct {
	Kind       string // of the journal entry: "case.reveal"
	Permission string // needed at the place
	Subject    id.ID
	Case       id.ID // on whose timeline it stands
	Sight      journal.Sight
	At         journal.Sight // of what the entry is about; Sight when empty
	Class      string        // retention class of the reason given
	Purpose    string
	Why        string
	There      []string // fields that are there
	Fields     []string // fields that are asked for; none: all that the purpose covers
	Facts      map[string]any
	// Basis says whether consent is the basis, and for whom it must stand.
	Basis Basis
}

// Basis is whether what is opened rests on a consent.
type Basis struct {
	Case    id.ID
	Consent bool // of the person
	Child   bool // under 14: the guardian's
}

// seen are the facts of a look: who is in the entry, these say for what. They
// stay when the content is erased.
type seen struct {
	Purpose string   `json:"purpose"`
	Fields  []string `json:"fields"`
}

// said is the erasable part: the reason in the person's own words.
type said struct {
	Purpose string `json:"purpose"`
	Note    string `json:"note"`
	Fields  string `json:"fields"`
}

// Reveal decides whether the acting post may open personal data, notes it in the
// journal, and gives the fields that may be opened. It is the one way: every
// room calls it in the transaction that opens the values. Codes: access.denied,
// registry.purpose_needed, registry.purpose_role, registry.purpose_mixed,
// registry.no_agreement, registry.guardian_needed, registry.consent_over,
// registry.nothing_there.
func (r *Registry) Reveal(tx *db.Tx, by *access.Actor, l Look) ([]string, error) {
	p, ok, err := r.purpose(tx, l.Purpose)
	if err != nil {
		return nil, err
	}
	if !ok || p.Use != Open || p.Ended {
		return nil, ErrPurpose.At("body.purpose", "field.wrong")
	}
	if err := clean(&l.Why, "body.why", 2, maxWhy); err != nil {
		return nil, ErrPurpose.At("body.why", "field.required")
	}
	if err := by.Check(l.Permission, l.Sight); err != nil {
		return nil, err
	}
	grants := by.Reaching(l.Permission, l.Sight)
	if !by.Trusted() && !slices.ContainsFunc(grants, func(g access.Grant) bool { return slices.Contains(p.Roles, g.Role) }) {
		return nil, ErrRole.With("purpose", p.Name)
	}
	open, err := r.covered(tx, p, l)
	if err != nil {
		return nil, err
	}
	if err := r.basis(tx, p, l.Basis); err != nil {
		return nil, err
	}
	if err := r.shared(tx, p, grants, open); err != nil {
		return nil, err
	}
	at := l.At
	if at.Nodes == (journal.Nodes{}) {
		at = l.Sight
	}
	facts := map[string]any{"purpose": p.Key, "fields": open}
	for k, v := range l.Facts {
		facts[k] = v
	}
	journal.Add(tx, journal.Entry{Kind: l.Kind, Subject: l.Subject, Case: l.Case, By: by.By(), Sight: at, Class: l.Class,
		Facts: facts, Body: said{p.Key, l.Why, strings.Join(open, ",")}})
	return open, nil
}

// covered are the fields that the purpose opens. A field asked for that it does
// not open refuses the whole look: one purpose, one look.
func (r *Registry) covered(tx *db.Tx, p Purpose, l Look) ([]string, error) {
	fields, err := r.Fields(tx)
	if err != nil {
		return nil, err
	}
	opens := map[string]bool{}
	for _, f := range fields {
		opens[f.Key] = p.opens(f)
	}
	if len(l.Fields) > 0 {
		for _, f := range l.Fields {
			may, known := opens[f]
			if !known {
				return nil, ErrField.With("field", clip(f)).At("body.fields", "registry.field_unknown")
			}
			if !may {
				return nil, ErrMixed.With("purpose", p.Name, "field", f)
			}
		}
	}
	var out []string
	for _, f := range l.There {
		if opens[f] && (len(l.Fields) == 0 || slices.Contains(l.Fields, f)) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, ErrNothing
	}
	return out, nil
}

// basis asks for the consent that the data rests on.
func (r *Registry) basis(tx *db.Tx, p Purpose, b Basis) error {
	if p.WithoutConsent || !b.Consent && !b.Child {
		return nil
	}
	state, err := r.ConsentOf(tx, b.Case)
	if err != nil {
		return err
	}
	switch {
	case b.Child && !state.Guardian:
		return ErrGuardian
	case b.Consent && state.Any && !state.Stands:
		return ErrWithdrawn
	}
	return nil
}

// shared asks for a sharing agreement when only a department's grant reaches.
func (r *Registry) shared(tx *db.Tx, p Purpose, grants []access.Grant, fields []string) error {
	var department id.ID
	for _, g := range grants {
		if !slices.Contains(p.Roles, g.Role) {
			continue
		}
		if g.Level != org.AtDepartment {
			return nil
		}
		department = g.Node
	}
	if department.IsZero() {
		return nil
	}
	may, err := r.Shared(tx, department, p.Key)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if !matches(may, f) {
			return ErrAgreement.With("field", f)
		}
	}
	return nil
}

// MayState lists the purposes that the acting post may state where a permission
// is needed: for screens that offer a choice.
func (r *Registry) MayState(tx *db.Tx, by *access.Actor, permission string) ([]Purpose, error) {
	every, err := r.Purposes(tx)
	if err != nil {
		return nil, err
	}
	return mayState(every, by.RolesWith(permission)), nil
}

// Read is one look at personal data, as the person concerned sees it: post,
// purpose, fields and time, never a name.
type Read struct {
	At      time.Time    `json:"at"`
	Post    words.Text   `json:"post_name"`
	Purpose words.Text   `json:"purpose"`
	Fields  []words.Text `json:"fields"`
	Via     string       `json:"via" enum:"desk,field,portal,cli,system,other"`
}

// ReadsOf lists who opened personal data on a case's timeline, newest first.
func (r *Registry) ReadsOf(tx *db.Tx, entries []journal.Entry) ([]Read, error) {
	purposes, err := r.Purposes(tx)
	if err != nil {
		return nil, err
	}
	fields, err := r.Fields(tx)
	if err != nil {
		return nil, err
	}
	names := map[string]words.Text{}
	for _, f := range fields {
		names[f.Key] = f.Name
	}
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []Read{}
	for _, e := range slices.Backward(entries) {
		look, ok := lookOf(e)
		if !ok {
			continue
		}
		one := Read{At: e.Recorded, Fields: []words.Text{}, Via: viaOf(e.By.Via)}
		if p, ok := s.Post(e.By.Post); ok {
			one.Post = p.Name
		} else {
			one.Post = operatorName
		}
		if i := slices.IndexFunc(purposes, func(p Purpose) bool { return p.Key == look.Purpose }); i >= 0 {
			one.Purpose = purposes[i].Name
		}
		for _, f := range look.Fields {
			if n, ok := names[f]; ok {
				one.Fields = append(one.Fields, n)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// operatorName is what a person reads of the command line.
var operatorName = words.Text{Chinese: "系统运维人员", English: "System operator"}

// lookOf reads the facts of a look from an entry, whichever room wrote it.
func lookOf(e journal.Entry) (seen, bool) {
	var s seen
	raw, ok := e.Facts.(json.RawMessage)
	if !ok || !strings.HasSuffix(e.Kind, ".reveal") && !strings.HasSuffix(e.Kind, ".export") || json.Unmarshal(raw, &s) != nil {
		return s, false
	}
	if s.Purpose == "" { // written before looks had facts
		var b said
		if had, err := e.Decode(&b); err != nil || !had || b.Purpose == "" {
			return s, false
		}
		s.Purpose = b.Purpose
		for _, f := range strings.Split(b.Fields, ",") {
			s.Fields = append(s.Fields, "case_party."+f)
		}
	}
	return s, true
}

func viaOf(via string) string {
	via, _, _ = strings.Cut(via, ":")
	if slices.Contains([]string{"desk", "field", "portal", "cli", "system"}, via) {
		return via
	}
	return "other"
}

// MaskName leaves the first character; MaskPhone the first three and last four.
// Whoever shows personal data outside of Reveal shows it like this.
// (look/LOOK.md section 5, masking)
func MaskName(s string) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) == 0 {
		return ""
	}
	return string(r[:1]) + "**"
}

// MaskPhone masks a telephone number.
func MaskPhone(s string) string {
	if len(s) < 8 {
		if len(s) < 3 {
			return s
		}
		return strings.Repeat("*", len(s)-2) + s[len(s)-2:]
	}
	return s[:3] + "****" + s[len(s)-4:]
}

// Mask masks any other value: the first character, and no hint of the length.
func Mask(s string) string { return MaskName(s) }
