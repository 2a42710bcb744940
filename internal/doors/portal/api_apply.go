package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Applications and postings as JSON, with the rules of the pages: what one can
// apply for, handing in, what is missing, another look, what is posted.

// ServiceLine is one thing to apply for (办事服务).
type ServiceLine struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	Text     string `json:"text,omitempty"`
	Function string `json:"function" doc:"name of the function that it belongs to"`
}

// Service is what there is to know before one applies.
type Service struct {
	Key        string             `json:"key"`
	Name       string             `json:"name"`
	Text       string             `json:"text,omitempty"`
	Purpose    string             `json:"purpose,omitempty" doc:"what the answers are asked for"`
	Basis      string             `json:"legal_basis,omitempty"`
	Conditions []ServiceCondition `json:"conditions" doc:"the kinds of it; with several, one has to be named"`
	Needed     []string           `json:"needed" doc:"what has to be answered"`
	Sometimes  []string           `json:"sometimes,omitempty" doc:"needed with some other answer only"`
	Papers     []string           `json:"papers,omitempty"`
	MostPapers int                `json:"most_papers"`
	Consent    string             `json:"consent,omitempty" doc:"the words one agrees to; absent: no consent is asked for"`
	Online     bool               `json:"online" doc:"the form can be handed in here"`
	Form       json.RawMessage    `json:"form,omitempty" doc:"JSON Schema of the answers"`
	Streets    []Street           `json:"streets" doc:"the villages to choose from"`
}

// ServiceCondition is one kind of a service.
type ServiceCondition struct {
	Key   string   `json:"key"`
	Name  string   `json:"name"`
	When  string   `json:"when,omitempty"`
	Times []string `json:"times" doc:"how long each step may take, in words"`
}

// ApplicationIn is an application by a resident.
type ApplicationIn struct {
	Key       string          `json:"key" minLength:"30" maxLength:"30" doc:"as of a report"`
	Item      string          `json:"item" maxLength:"60"`
	Condition string          `json:"condition,omitempty" maxLength:"60"`
	Form      json.RawMessage `json:"form" doc:"the answers, as the item's form asks for them"`
	Village   string          `json:"village" maxLength:"30"`
	Phone     string          `json:"phone,omitempty" maxLength:"20" doc:"where the form itself asks for none"`
	Agree     bool            `json:"agree,omitempty" doc:"to the words of the consent"`
	Files     []id.ID         `json:"file_ids,omitempty" maxItems:"6" doc:"papers, uploaded with the same key and kind=paper"`
}

// PostingView is what is posted before it is decided (公示).
type PostingView struct {
	ID    id.ID      `json:"id"`
	Item  words.Text `json:"item"`
	Text  string     `json:"text"`
	From  string     `json:"from" format:"date-time"`
	Until string     `json:"until" format:"date-time"`
}

type servicesOut struct {
	Body struct {
		Items []ServiceLine `json:"items"`
	}
}

type serviceIn struct {
	choicesIn
	Item string `path:"item" maxLength:"60"`
}

type serviceOut struct{ Body Service }

type applicationIn struct{ Body ApplicationIn }

type postingsOut struct {
	Body struct {
		Items []PostingView `json:"items"`
	}
}

type postingObjectIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"1000"`
	}
}

type papersIn struct {
	OwnReport
	Body struct {
		Text  string  `json:"text,omitempty" maxLength:"1000"`
		Key   string  `json:"key,omitempty" maxLength:"30" doc:"the key of the uploads"`
		Files []id.ID `json:"file_ids,omitempty" maxItems:"6"`
	}
}

func (p *Portal) applyAPI(e *httpx.Edge, op func(id, method, path, summary string) httpx.Op, own string) {
	httpx.Read(e, op("public.services", http.MethodGet, "/api/public/services", "What one can apply for"), p.apiServices)
	httpx.Read(e, op("public.service", http.MethodGet, "/api/public/services/{item}", "What is needed to apply for it, and its form"), p.apiService)
	apply := op("public.apply", http.MethodPost, "/api/public/applications", "Apply without an account")
	apply.NoReceipt = true // the answer holds the secret of the link
	httpx.Act(e, apply, p.apiApply)
	httpx.Read(e, op("public.postings", http.MethodGet, "/api/public/postings", "What is posted before it is decided"), func(tx *db.Tx, _ any, _ *struct{}) (*postingsOut, error) {
		some, err := p.cases.Postings(tx)
		out := &postingsOut{}
		out.Body.Items = []PostingView{}
		for _, v := range some {
			out.Body.Items = append(out.Body.Items, PostingView{v.ID, v.Item, v.Text, v.From.Format(time.RFC3339), v.Until.Format(time.RFC3339)})
		}
		return out, err
	})
	httpx.Act(e, op("public.posting_object", http.MethodPost, "/api/public/postings/{id}/objections", "Object to a posting; who writes it is not asked"), func(ctx context.Context, _ any, in *postingObjectIn) (*noBody, error) {
		from := p.senderIn(ctx)
		if err := p.limits.try(from); err != nil {
			return nil, err
		}
		if strings.TrimSpace(in.Body.Text) == "" || tooLong(in.Body.Text, maxComment) {
			return nil, ErrCheck.At("body.text", "portal.need_objection")
		}
		if err := p.limits.report(from); err != nil {
			return nil, err
		}
		return nil, p.db.Write(ctx, func(tx *db.Tx) error { return p.cases.ObjectToPosting(tx, nobody, in.ID, in.Body.Text) })
	})
	httpx.Write(e, op("public.supplement", http.MethodPost, own+"/supplement", "Hand in what was missing"), func(tx *db.Tx, _ any, in *papersIn) (*noBody, error) {
		note := strings.TrimSpace(in.Body.Text)
		if note == "" && len(in.Body.Files) == 0 {
			return nil, ErrCheck.At("body.text", "portal.need_comment")
		}
		if note == "" {
			note = p.words.Say(words.Chinese, "portal.supplement_note", map[string]any{"n": len(in.Body.Files)})
		}
		return p.apiPapers(tx, in, casework.Act{Move: "submit", Note: note, Files: in.Body.Files})
	})
	httpx.Write(e, op("public.appeal", http.MethodPost, own+"/appeal", "Ask for a decision to be looked at again"), func(tx *db.Tx, _ any, in *papersIn) (*noBody, error) {
		if strings.TrimSpace(in.Body.Text) == "" {
			return nil, ErrCheck.At("body.text", "portal.need_appeal")
		}
		return p.apiPapers(tx, in, casework.Act{Move: "appeal", Note: in.Body.Text, Files: in.Body.Files})
	})
}

// apiPapers makes a move of the applicant that brings papers along.
func (p *Portal) apiPapers(tx *db.Tx, in *papersIn, act casework.Act) (*noBody, error) {
	o, err := p.holder(tx, in.number, in.token)
	if err != nil {
		return nil, err
	}
	_, err = p.cases.ActAsReporter(tx, nobody, o.id, act, ownerOf(in.Body.Key))
	return nil, err
}

// speaks is a page for its words alone.
func (p *Portal) speaks(in choicesIn) *page {
	return &page{portal: p, Lang: words.Negotiate(in.Language), now: p.now()}
}

func (p *Portal) apiServices(tx *db.Tx, _ any, in *choicesIn) (*servicesOut, error) {
	g, out := p.speaks(*in), &servicesOut{}
	out.Body.Items = []ServiceLine{}
	s, err := p.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	for _, f := range servicesOf(s, tx.Now(), g.Lang) {
		for _, v := range f.Services {
			out.Body.Items = append(out.Body.Items, ServiceLine{v.Key, v.Name, v.Text, f.Name})
		}
	}
	return out, nil
}

func (p *Portal) apiService(tx *db.Tx, _ any, in *serviceIn) (*serviceOut, error) {
	g := p.speaks(in.choicesIn)
	i, err := p.service(tx, in.Item)
	if err != nil {
		return nil, err
	}
	s, err := p.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	d, err := g.servicePage(i, s)
	if err != nil {
		return nil, err
	}
	v := Service{Key: d.Key, Name: d.Name, Text: d.Text, Purpose: d.Purpose, Basis: d.Basis, Conditions: []ServiceCondition{}, Needed: append([]string{}, d.Needed...),
		Sometimes: d.Sometimes, Papers: d.Papers, MostPapers: maxPapers, Consent: d.Consent, Online: d.Online, Form: i.Form}
	if v.Consent == "" && asksConsent(i) {
		v.Consent = g.Say("portal.apply_consent")
	}
	for _, c := range d.Conditions {
		v.Conditions = append(v.Conditions, ServiceCondition{c.Key, c.Name, c.When, append([]string{}, c.Times...)})
	}
	streets, err := p.streetsFor(tx, g.Lang)
	v.Streets = append([]Street{}, streets...)
	return &serviceOut{v}, err
}

func (p *Portal) apiApply(ctx context.Context, _ any, in *applicationIn) (*sentOut, error) {
	from := p.senderIn(ctx)
	if err := p.limits.try(from); err != nil {
		return nil, err
	}
	b := in.Body
	f := &applyForm{Key: b.Key, Item: b.Item}
	g := &page{portal: p, Lang: words.Chinese, now: p.now()} // only the keys are looked at
	if err := p.db.Read(ctx, func(tx *db.Tx) error { return p.offerApplication(tx, g, f) }); err != nil {
		return nil, err
	}
	f.Condition, f.Village, f.Phone, f.Agree = b.Condition, b.Village, b.Phone, b.Agree
	for _, v := range b.Files {
		f.Kept = append(f.Kept, v.String())
	}
	if err := f.answered(b.Form); err != nil {
		return nil, err
	}
	d, refused := f.draft(b.Form)
	if err := p.db.Read(ctx, func(tx *db.Tx) error { refused = p.checked(tx, f, d.report.Form, refused); return nil }); err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, asBody(refused)
	}
	t, err := p.send(ctx, from, d, nil)
	if err != nil {
		return nil, asBody(err)
	}
	p.remember(ctx, t.link)
	out := &sentOut{}
	out.Body.Report, out.Body.Secret = t.view, t.link.secret
	return out, nil
}

// answered takes the texts over that the rules of this door look at: how long they
// are, and which are the applicant's name and number.
func (f *applyForm) answered(raw json.RawMessage) error {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return catalog.ErrForm.At("body.form", "catalog.field_type", "want", "object").Because(err)
	}
	for i, q := range f.Questions {
		var at any = all
		for _, name := range q.path {
			m, _ := at.(map[string]any)
			at = m[name]
		}
		if s, ok := at.(string); ok {
			f.Questions[i].Value = s
		}
	}
	return nil
}

// asBody names the fields of the pages as those of a body.
func asBody(err error) error {
	f := *fault.Of(err)
	f.Where = append([]fault.Where{}, f.Where...)
	for i, w := range f.Where {
		if name, ok := strings.CutPrefix(w.Path, "form."); ok {
			f.Where[i].Path = "body." + strings.Replace(name, prefix, "form.", 1)
		}
	}
	return &f
}
