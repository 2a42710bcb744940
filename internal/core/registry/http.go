package registry

import (
	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/personal"
)

// FieldView is a field with everything the register says about it.
type FieldView struct {
	personal.Field
	Opens  []string `json:"opens"`  // purposes that open it
	Shared []id.ID  `json:"shared"` // agreements in force that cover it
}

type fieldsOut struct {
	Body struct {
		Items      []FieldView `json:"items"`
		Agreements []Agreement `json:"agreements"` // in force
		Classes    []Class     `json:"classes"`
		Purposes   []Purpose   `json:"purposes"`
	}
}

type purposesIn struct {
	Permission string `query:"permission" maxLength:"60" doc:"only those that the acting post may state where this permission is needed"`
}

type purposesOut struct {
	Body struct {
		Items []Purpose `json:"items"`
	}
}

type purposeIn struct {
	Key string `path:"key" maxLength:"60"`
	httpx.Precondition
	Body Purpose
}

type purposeOut struct{ Body Purpose }

type agreementsOut struct {
	Body struct {
		Items []Agreement `json:"items"`
	}
}

type agreementIn struct{ Body AgreementIn }

type agreementOut struct{ Body Agreement }

// Verdict is a second person's word.
type Verdict struct {
	Version int64  `json:"version" minimum:"1"`
	Admit   bool   `json:"admit"`
	Why     string `json:"why,omitempty" maxLength:"500"`
}

type verdictIn struct {
	ID   id.ID `path:"id"`
	Body Verdict
}

// Reason is why something ends.
type Reason struct {
	Version int64  `json:"version,omitempty" minimum:"0"`
	Why     string `json:"why" minLength:"2" maxLength:"500"`
}

type reasonIn struct {
	ID   id.ID `path:"id"`
	Body Reason
}

type retentionOut struct {
	Body struct {
		Classes []Class `json:"classes"`
		Runs    []Run   `json:"runs"`
	}
}

type termIn struct {
	Class string `path:"class" maxLength:"60"`
	httpx.Precondition
	Body Term
}

type classOut struct{ Body Class }

type holdsOut struct {
	Body struct {
		Items []Hold `json:"items"`
	}
}

type holdIn struct{ Body HoldIn }

type holdOut struct{ Body Hold }

type requestsOut struct {
	Body struct {
		Items []Request `json:"items"`
	}
}

type answerIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Version int64  `json:"version" minimum:"1"`
		Grant   bool   `json:"grant"`
		Answer  string `json:"answer" minLength:"2" maxLength:"1000"`
	}
}

type requestOut struct{ Body Request }

type erasuresOut struct {
	Body struct {
		Items []Erasure `json:"items"`
	}
}

type erasureIn struct{ Body ErasureIn }

type erasureOut struct{ Body Erasure }

type recordOut struct{ Body StaffRecord }

// AskIn is what a person asks about the own data.
type AskIn struct {
	Kind  string `json:"kind" enum:"copy,correct,erase,withdraw,complain"`
	Words string `json:"words,omitempty" maxLength:"1000"`
}

type askIn struct{ Body AskIn }

// Routes mounts the operations of this room.
func (r *Registry) Routes(e *httpx.Edge) {
	op := func(id, method, path, permission, summary string) httpx.Op {
		return httpx.Op{ID: id, Method: method, Path: path, Permission: permission, SignedIn: permission == "", Summary: summary, Tags: []string{"registry"}}
	}
	httpx.Read(e, op("registry.fields", "GET", "/api/registry/fields", "", "Which fields about people there are, why, how long, shared with whom"), r.getFields)
	httpx.Read(e, op("registry.purposes", "GET", "/api/registry/purposes", "", "The register of purposes"), r.getPurposes)
	httpx.Write(e, op("registry.purpose_put", "PUT", "/api/registry/purposes/{key}", "privacy.assess", "Register, change or end a purpose"),
		func(tx *db.Tx, by *access.Actor, in *purposeIn) (*purposeOut, error) {
			in.Body.Key = in.Key
			p, err := r.PutPurpose(tx, by, in.Body, in.Body.Version)
			return &purposeOut{p}, err
		})
	r.agreementRoutes(e, op)
	httpx.Read(e, op("registry.retention", "GET", "/api/registry/retention", "", "Retention classes and the last runs"),
		func(tx *db.Tx, _ *access.Actor, _ *struct{}) (*retentionOut, error) {
			var out retentionOut
			var err error
			if out.Body.Classes, err = r.Classes(tx); err != nil {
				return nil, err
			}
			out.Body.Runs, err = r.Runs(tx, 20)
			return &out, err
		})
	httpx.Write(e, op("registry.term", "PUT", "/api/registry/retention/{class}", "access.retention_edit", "Change how long a class is kept"),
		func(tx *db.Tx, by *access.Actor, in *termIn) (*classOut, error) {
			c, err := r.SetTerm(tx, by, in.Class, in.Body, 0)
			return &classOut{c}, err
		})
	httpx.Read(e, op("registry.holds", "GET", "/api/registry/holds", "privacy.hold", "Legal holds"),
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*holdsOut, error) {
			var out holdsOut
			var err error
			out.Body.Items, err = r.Holds(tx, by)
			return &out, err
		})
	httpx.Write(e, op("registry.hold", "POST", "/api/registry/holds", "privacy.hold", "Place a hold on a case or a class"),
		func(tx *db.Tx, by *access.Actor, in *holdIn) (*holdOut, error) {
			h, err := r.PlaceHold(tx, by, in.Body)
			return &holdOut{h}, err
		})
	httpx.Write(e, op("registry.hold_end", "POST", "/api/registry/holds/{id}/end", "privacy.hold", "End a hold before its day"),
		func(tx *db.Tx, by *access.Actor, in *reasonIn) (*holdOut, error) {
			h, err := r.EndHold(tx, by, in.ID, in.Body.Why)
			return &holdOut{h}, err
		})
	r.personRoutes(e, op)
}

type opOf func(id, method, path, permission, summary string) httpx.Op

func (r *Registry) agreementRoutes(e *httpx.Edge, op opOf) {
	httpx.Read(e, op("registry.agreements", "GET", "/api/registry/agreements", "", "Sharing agreements"),
		func(tx *db.Tx, _ *access.Actor, _ *struct{}) (*agreementsOut, error) {
			var out agreementsOut
			var err error
			out.Body.Items, err = r.Agreements(tx)
			return &out, err
		})
	httpx.Write(e, op("registry.agreement_apply", "POST", "/api/registry/agreements", "privacy.share_propose", "Apply for a sharing agreement"),
		func(tx *db.Tx, by *access.Actor, in *agreementIn) (*agreementOut, error) {
			a, err := r.Apply(tx, by, in.Body)
			return &agreementOut{a}, err
		})
	httpx.Write(e, op("registry.agreement_decide", "POST", "/api/registry/agreements/{id}/decision", "privacy.share_decide", "Admit or decline a sharing agreement"),
		func(tx *db.Tx, by *access.Actor, in *verdictIn) (*agreementOut, error) {
			a, err := r.Decide(tx, by, in.ID, in.Body.Admit, in.Body.Why, in.Body.Version)
			return &agreementOut{a}, err
		})
	// The department that asked may end it too, so the act itself looks.
	httpx.Write(e, op("registry.agreement_end", "POST", "/api/registry/agreements/{id}/end", "", "End a sharing agreement"),
		func(tx *db.Tx, by *access.Actor, in *reasonIn) (*agreementOut, error) {
			a, err := r.End(tx, by, in.ID, in.Body.Why, in.Body.Version)
			return &agreementOut{a}, err
		})
}

func (r *Registry) personRoutes(e *httpx.Edge, op opOf) {
	httpx.Read(e, op("registry.requests", "GET", "/api/registry/requests", "privacy.answer", "What people ask about their own data"),
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*requestsOut, error) {
			var out requestsOut
			var err error
			out.Body.Items, err = r.Requests(tx, by)
			return &out, err
		})
	// An answer may quote the person; it is not kept with the receipt.
	answer := op("registry.answer", "POST", "/api/registry/requests/{id}/answer", "privacy.answer", "Answer a request")
	answer.NoReceipt = true
	httpx.Write(e, answer, func(tx *db.Tx, by *access.Actor, in *answerIn) (*requestOut, error) {
		q, err := r.Answer(tx, by, in.ID, in.Body.Grant, in.Body.Answer, in.Body.Version)
		return &requestOut{q}, err
	})
	httpx.Read(e, op("registry.erasures", "GET", "/api/registry/erasures", "", "Erasures of persons, proposed and done"),
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*erasuresOut, error) {
			var out erasuresOut
			var err error
			out.Body.Items, err = r.Erasures(tx, by)
			return &out, err
		})
	httpx.Write(e, op("registry.erasure_propose", "POST", "/api/registry/erasures", "privacy.answer", "Propose to erase a person's data"),
		func(tx *db.Tx, by *access.Actor, in *erasureIn) (*erasureOut, error) {
			x, err := r.Propose(tx, by, in.Body)
			return &erasureOut{x}, err
		})
	httpx.Write(e, op("registry.erasure_decide", "POST", "/api/registry/erasures/{id}/decision", "privacy.erase_approve", "Approve or decline an erasure"),
		func(tx *db.Tx, by *access.Actor, in *verdictIn) (*erasureOut, error) {
			x, err := r.Settle(tx, by, in.ID, in.Body.Admit, in.Body.Version)
			return &erasureOut{x}, err
		})
	httpx.Read(e, op("registry.own_record", "GET", "/api/session/record", "", "What was done with one's own account"),
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*recordOut, error) {
			rec, err := r.OwnRecord(tx, by)
			return &recordOut{rec}, err
		})
	own := op("registry.own_request", "POST", "/api/session/requests", "", "Ask about one's own data")
	own.NoReceipt = true
	httpx.Write(e, own, func(tx *db.Tx, by *access.Actor, in *askIn) (*requestOut, error) {
		if by.Account.IsZero() {
			return nil, access.ErrSignIn
		}
		q, err := r.Ask(tx, by, id.ID{}, by.Account, in.Body.Kind, in.Body.Words, all)
		return &requestOut{q}, err
	})
}

func (r *Registry) getFields(tx *db.Tx, _ *access.Actor, _ *struct{}) (*fieldsOut, error) {
	var out fieldsOut
	b := &out.Body
	fields, err := r.Fields(tx)
	if err != nil {
		return nil, err
	}
	if b.Purposes, err = r.Purposes(tx); err != nil {
		return nil, err
	}
	if b.Classes, err = r.Classes(tx); err != nil {
		return nil, err
	}
	every, err := r.Agreements(tx)
	if err != nil {
		return nil, err
	}
	b.Agreements, b.Items = []Agreement{}, []FieldView{}
	for _, a := range every {
		if a.InForce {
			b.Agreements = append(b.Agreements, a)
		}
	}
	for _, f := range fields {
		v := FieldView{Field: f, Opens: []string{}, Shared: []id.ID{}}
		for _, p := range b.Purposes {
			if p.opens(f) {
				v.Opens = append(v.Opens, p.Key)
			}
		}
		for _, a := range b.Agreements {
			if matches(a.Fields, f.Key) {
				v.Shared = append(v.Shared, a.ID)
			}
		}
		b.Items = append(b.Items, v)
	}
	return &out, nil
}

func (r *Registry) getPurposes(tx *db.Tx, by *access.Actor, in *purposesIn) (*purposesOut, error) {
	var out purposesOut
	var err error
	if in.Permission != "" {
		out.Body.Items, err = r.MayState(tx, by, in.Permission)
	} else {
		out.Body.Items, err = r.Purposes(tx)
	}
	if out.Body.Items == nil {
		out.Body.Items = []Purpose{}
	}
	return &out, err
}
