package portal

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
)

// maxPapers is how many photos of papers come with an application.
const maxPapers = 6

// applyForm is an application form as it was filled in, and what there is to
// choose.
type applyForm struct {
	Key, Item, Name    string
	Condition          string
	Conditions         []serviceCondition
	Questions          []question
	Village            string
	Streets            []Street
	Phone              string
	AskPhone           bool // the form itself asks for no number of the applicant
	Agree              bool
	Consent            string
	Kept               []string
	Papers             []string
	PhotoMB, MostFiles int
	item               catalog.Item
}

// offerApplication fills in what there is to choose. Codes: portal.no_service, portal.counter_only.
func (p *Portal) offerApplication(tx *db.Tx, g *page, f *applyForm) error {
	i, err := p.service(tx, f.Item)
	if err != nil {
		return err
	}
	some, ok, err := questionsOf(i.Form, g.Lang)
	if err != nil {
		return err
	}
	if !ok {
		return ErrCounterOnly
	}
	f.item, f.Name, f.Questions, f.Conditions = i, i.Name.In(g.Lang), some, conditionsOf(i, g.Lang)
	f.AskPhone = true
	for _, q := range some {
		f.AskPhone = f.AskPhone && q.contact != "phone"
	}
	if asksConsent(i) {
		f.Consent = cmp.Or(i.Consent.Text.In(g.Lang), g.Say("portal.apply_consent"))
	}
	f.Papers = nil
	for _, e := range i.Evidence {
		if e.By == "resident" {
			f.Papers = append(f.Papers, g.Say("portal.paper_"+e.Kind))
		}
	}
	f.PhotoMB, f.MostFiles = maxPhotoBytes>>20, maxPapers
	f.Streets, err = p.streetsFor(tx, g.Lang)
	return err
}

// ErrCounterOnly says that a form can't be filled in here.
var ErrCounterOnly = fault.New(fault.Conflict, "portal.counter_only")

// typed takes over what was filled in; what there is to choose is there before.
func (f *applyForm) typed(v url.Values) {
	f.Condition, f.Village, f.Phone = field(v, "condition"), field(v, "village"), field(v, "phone")
	f.Agree = v.Get("agree") != ""
	for i := range f.Questions {
		f.Questions[i].filled(v)
	}
	f.Kept = keptFiles(v, maxPapers)
}

// understand checks the form and makes the application of it. Code:
// portal.check_fields, with every field that is wrong.
func (f *applyForm) understand() (draft, error) {
	raw, err := answersOf(f.Questions)
	if err != nil {
		return draft{}, err
	}
	return f.draft(raw)
}

// draft makes the application of the answers.
func (f *applyForm) draft(answers json.RawMessage) (draft, error) {
	var d draft
	var err error
	if d.id, err = reportID(f.Key); err != nil {
		return d, err
	}
	d.owner = ownerOf(f.Key)
	wrong := ErrCheck
	if len(f.Conditions) == 1 {
		f.Condition = f.Conditions[0].Key
	}
	if !chosen(f.Conditions, f.Condition) {
		wrong = wrong.At("form.condition", "portal.need_choice")
	}
	d.report = casework.Report{ID: d.id, Item: f.item.Key, Condition: f.Condition, Consent: f.Agree && f.Consent != "", Reporter: &casework.PartyIn{Phone: f.Phone}}
	d.report.Form = answers
	for _, q := range f.Questions {
		if tooLong(q.Value, q.Most) {
			wrong = wrong.At("form."+q.Name, "portal.too_long", "most", q.Most)
		}
		switch q.contact {
		case "name":
			d.report.Reporter.Name = firstRunes(q.Value, 40)
		case "phone":
			d.report.Reporter.Phone = q.Value
		}
	}
	if v, ok := villageOf(f.Streets, f.Village); ok {
		d.report.Place = casework.PlaceIn{Platform: v.platform, Words: v.Name}
	} else {
		wrong = wrong.At("form.village", "portal.need_village")
	}
	if f.AskPhone && f.Phone != "" && !phoneForm.MatchString(f.Phone) {
		wrong = wrong.At("form.phone", "portal.bad_phone")
	}
	if f.Consent != "" && !f.Agree {
		wrong = wrong.At("form.agree", "portal.need_agree")
	}
	if d.files, err = fileIDs(f.Kept); err != nil {
		return d, err
	}
	if len(wrong.Where) > 0 {
		return d, wrong
	}
	return d, nil
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// checked adds what the schema says of the answers to what is wrong already, so
// that everything is named at once.
func (p *Portal) checked(tx *db.Tx, f *applyForm, raw json.RawMessage, so error) error {
	s, err := p.catalog.Snapshot(tx)
	if err != nil {
		return err
	}
	bad := s.ValidateForm(f.item, raw)
	if bad == nil {
		return so
	}
	if !errors.Is(bad, catalog.ErrForm) {
		return bad
	}
	all := ErrCheck
	if so != nil {
		if !errors.Is(so, ErrCheck) {
			return so
		}
		all = fault.Of(so)
	}
	out := *all
	out.Where = append(append([]fault.Where{}, all.Where...), fault.Of(bad).Where...)
	return &out
}

// fields says which field of the form a path of the rooms below is.
func (f *applyForm) fields() map[string]string {
	out := map[string]string{
		"body.condition": "condition", "body.place": "village", "body.place.platform_id": "village", "body.place.words": "village",
		"body.reporter.phone": "phone", "body.file_ids": "photos",
	}
	for _, q := range f.Questions {
		out["body.form."+q.property()] = q.Name
		switch q.contact {
		case "phone":
			out["body.reporter.phone"] = q.Name
		case "name":
			out["body.reporter.name"] = q.Name
		}
	}
	return out
}

// order is the fields from top to bottom, with what they are called: the list
// of what is wrong follows it.
func (f *applyForm) order(g *page) []listed {
	var out []listed
	if len(f.Conditions) > 1 {
		out = append(out, listed{"condition", "condition", g.Say("portal.apply_kind"), ""})
	}
	for _, q := range f.Questions {
		out = append(out, listed{q.Name, q.ID, q.Title, ""})
	}
	return append(out, listed{"village", "village", g.Say("portal.apply_village"), ""}, listed{"phone", "phone", g.Say("portal.phone"), ""},
		listed{"photos", "photos", g.Say("portal.apply_papers"), ""}, listed{"agree", "agree", g.Say("portal.apply_consent"), ""})
}

func (p *Portal) getApply(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.apply")
	f := &applyForm{Key: p.newKey(), Item: r.PathValue("item")}
	p.knowBrowser(w, r)
	if err := p.db.Read(r.Context(), func(tx *db.Tx) error { return p.offerApplication(tx, g, f) }); err != nil {
		return p.refuse(w, r, err)
	}
	g.Title, g.Data = f.Name, f
	return p.show(w, g, "apply", http.StatusOK)
}

// postApply takes an application. Whatever is refused comes back with everything
// that was typed.
func (p *Portal) postApply(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.apply")
	from := p.senderOf(r)
	refused := p.limits.try(from)
	papers := &photos{portal: p, ctx: r.Context(), most: maxPapers, kind: paperKind}
	take := papers.take
	if refused != nil {
		take = discardPhoto
	}
	v, err := readForm(r, take)
	if err != nil {
		return p.refuse(w, r, err)
	}
	f := &applyForm{Key: field(v, "key"), Item: r.PathValue("item")}
	if err := p.db.Read(r.Context(), func(tx *db.Tx) error { return p.offerApplication(tx, g, f) }); err != nil {
		return p.refuse(w, r, err)
	}
	f.typed(v)
	if _, err := reportID(f.Key); err != nil {
		f.Key, f.Kept = p.newKey(), nil // an old or foreign page: what was typed still counts
	}
	if refused == nil {
		refused = papers.refuse
	}
	if refused == nil && len(papers.kept)+len(f.Kept) > maxPapers {
		refused = ErrPhotoMany.With("n", maxPapers)
		papers.kept = papers.kept[:max(0, maxPapers-len(f.Kept))]
	}
	var d draft
	if refused == nil {
		d, refused = f.understand()
		if refused == nil || errors.Is(refused, ErrCheck) {
			so := refused
			if err := p.db.Read(r.Context(), func(tx *db.Tx) error { refused = p.checked(tx, f, d.report.Form, so); return nil }); err != nil {
				return err
			}
		}
	}
	if refused == nil {
		sent, err := p.send(r.Context(), from, d, papers.kept)
		if err == nil {
			return p.showSent(w, r, g, sent)
		}
		refused = err
	}
	return p.applyAgain(w, r, g, f, papers, refused)
}

// applyAgain shows the form once more with what is wrong: listed on top and
// beside each field. Papers that came stay.
func (p *Portal) applyAgain(w http.ResponseWriter, r *http.Request, g *page, f *applyForm, papers *photos, refused error) error {
	fl := fault.Of(refused)
	if fl.Kind == fault.Internal {
		return refused
	}
	if err := p.keepFor(r.Context(), f.Key, &f.Kept, papers, refused); err != nil {
		return err
	}
	fl = plainer(fl, f.Questions)
	g.blame(fl, f.fields())
	if isPhotoFault(fl) {
		g.Wrong["photos"] = g.Fault
	}
	if len(g.Wrong) > 0 {
		g.Fault = g.Say("portal.check_fields")
	}
	if errors.Is(fl, ErrAlready) {
		g.Fault = g.Say("portal.already_applied", "number", fl.Args["number"])
	}
	g.FaultTitle = g.Say("portal.fault_title_apply")
	g.list(f.order(g))
	g.Title, g.Data = f.Name, f
	waitHeader(w, fl)
	return p.show(w, g, "apply", statusOf(fl))
}

// listed is one thing that is wrong, in the list on top of a form.
type listed struct{ name, ID, Label, Text string }

// list names what is wrong in the order of the form.
func (g *page) list(order []listed) {
	for _, l := range order {
		if l.Text = g.Wrong[l.name]; l.Text != "" {
			l.Text = strings.TrimSuffix(l.Text, "。")
			g.Listed = append(g.Listed, l)
		}
	}
}

// marked is a field with its page, for the small parts of the form's template.
type marked struct {
	Page  *page
	Q     question
	Wrong string
}

func mark(g *page, q question) marked { return marked{g, q, g.Wrong[q.Name]} }
