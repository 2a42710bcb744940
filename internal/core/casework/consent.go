package casework

import (
	"encoding/json"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// consented notes the consent that came with a report whose item needs one: the
// guardian's where the form says so, the person's otherwise.
func (d *Desk) consented(env *env, by *access.Actor, c Case) error {
	kind := env.item.Consent.Kind
	if kind == "none" || kind == "" || d.registry == nil || c.secret == nil {
		return nil
	}
	var answers map[string]json.RawMessage
	if err := json.Unmarshal(c.secret, &answers); err != nil {
		return err
	}
	if kind == registry.ByGuardian && string(answers["guardian_consent"]) != "true" {
		kind = registry.Separate
	}
	_, err := d.registry.Consented(env.tx, by.By(), c.ID, kind, "form")
	return err
}

// Consents lists the consents on a case. Permission case.view.
func (d *Desk) Consents(tx *db.Tx, by *access.Actor, caseID id.ID) ([]registry.Consent, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return nil, err
	}
	return d.registry.Consents(tx, c.timeline())
}

// RecordConsent notes that the person, or the guardian, has consented. Permission
// resident.consent_record. Codes: case.missing, registry.invalid, access.denied.
func (d *Desk) RecordConsent(tx *db.Tx, by *access.Actor, caseID id.ID, kind, way string) (registry.Consent, error) {
	c, err := d.consentOn(tx, by, caseID)
	if err != nil {
		return registry.Consent{}, err
	}
	given, err := d.registry.Consented(tx, by.By(), c.ID, kind, way)
	if err != nil {
		return given, err
	}
	d.noteConsent(tx, by, c, "case.consent", kind)
	return given, nil
}

// WithdrawConsent notes that consent was withdrawn; from then on what rests on
// it can't be opened, and its term begins. Permission resident.consent_record.
// Codes: case.missing, registry.missing, access.denied.
func (d *Desk) WithdrawConsent(tx *db.Tx, by *access.Actor, caseID id.ID) error {
	c, err := d.consentOn(tx, by, caseID)
	if err != nil {
		return err
	}
	n, err := d.registry.Withdraw(tx, c.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return registry.ErrMissing
	}
	d.noteConsent(tx, by, c, "case.consent_end", "")
	return nil
}

// consentOn is the case that a consent stands on: a task's is its case's.
func (d *Desk) consentOn(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	if err := by.Check("resident.consent_record", c.Sight()); err != nil {
		return c, err
	}
	if !c.Parent.IsZero() {
		return get(tx, c.Parent)
	}
	return c, nil
}

func (d *Desk) noteConsent(tx *db.Tx, by *access.Actor, c Case, kind, of string) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: c.ID, Case: c.timeline(), By: by.By(), Sight: c.Sight(), Class: "consent_record", Facts: map[string]string{"consent": of}})
}

type consentIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Kind string `json:"kind" enum:"consent,separate,guardian"`
		Way  string `json:"way" enum:"paper,spoken"`
	}
}

type consentsOut struct {
	Body struct {
		Items []registry.Consent `json:"items"`
	}
}

func (d *Desk) consentRoutes(e *httpx.Edge, tags []string) {
	list := func(tx *db.Tx, by *access.Actor, caseID id.ID, err error) (*consentsOut, error) {
		if err != nil {
			return nil, err
		}
		var out consentsOut
		out.Body.Items, err = d.Consents(tx, by, caseID)
		return &out, err
	}
	httpx.Read(e, httpx.Op{ID: "case.consents", Method: "GET", Path: "/api/cases/{id}/consents", Permission: "case.view", Summary: "Consents on a case", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *caseIn) (*consentsOut, error) { return list(tx, by, in.ID, nil) })
	httpx.WriteFor(e, httpx.Op{ID: "case.consent", Method: "POST", Path: "/api/cases/{id}/consents", Permission: "resident.consent_record", Summary: "Record a consent", Tags: tags},
		func(in *consentIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *consentIn) (*consentsOut, error) {
			_, err := d.RecordConsent(tx, by, in.ID, in.Body.Kind, in.Body.Way)
			return list(tx, by, in.ID, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.consent_end", Method: "DELETE", Path: "/api/cases/{id}/consents", Permission: "resident.consent_record", Summary: "Note that consent was withdrawn", Tags: tags},
		func(in *caseIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *caseIn) (*consentsOut, error) {
			return list(tx, by, in.ID, d.WithdrawConsent(tx, by, in.ID))
		})
}
