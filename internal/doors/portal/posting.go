package portal

import (
	"net/http"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// What is posted before it is decided (公示): everybody may read it and say what
// speaks against it. The words are the reviewer's; who applied, the number and
// any number of hers are not in it (casework, onlyTheLeast).

type postingsPage struct{ Postings []postingLine }

// postingLine is one posting.
type postingLine struct {
	ID, Item, Text, From, Until string
}

// postingPage is one posting with the form to object to it.
type postingPage struct {
	postingLine
	Key, Words string
	Done       bool
}

func (g *page) postingLine(v casework.Posted) postingLine {
	return postingLine{ID: v.ID.String(), Item: v.Item.In(g.Lang), Text: v.Text, From: g.Moment(v.From), Until: g.Moment(v.Until)}
}

func (p *Portal) getPostings(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.postings_title")
	var some []casework.Posted
	err := p.db.Read(r.Context(), func(tx *db.Tx) (err error) {
		some, err = p.cases.Postings(tx)
		return err
	})
	if err != nil {
		return err
	}
	d := postingsPage{}
	for _, v := range some {
		d.Postings = append(d.Postings, g.postingLine(v))
	}
	g.Data = d
	return p.show(w, g, "postings", http.StatusOK)
}

// posting finds what is posted now. Code: case.no_posting.
func (p *Portal) posting(r *http.Request, g *page) (d *postingPage, posted id.ID, err error) {
	if posted, err = id.Parse(r.PathValue("id")); err != nil {
		return nil, posted, casework.ErrNoPosting
	}
	err = p.db.Read(r.Context(), func(tx *db.Tx) error {
		d = nil
		some, err := p.cases.Postings(tx)
		if err != nil {
			return err
		}
		for _, v := range some {
			if v.ID == posted {
				d = &postingPage{postingLine: g.postingLine(v)}
				return nil
			}
		}
		return casework.ErrNoPosting
	})
	return d, posted, err
}

func (p *Portal) getPosting(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.posting_title")
	p.knowBrowser(w, r)
	d, _, err := p.posting(r, g)
	if err != nil {
		return p.refuse(w, r, err)
	}
	d.Key, d.Done = p.newKey(), r.URL.Query().Get("done") != ""
	g.Data = d
	return p.show(w, g, "posting", http.StatusOK)
}

// postPosting takes what somebody has against a posting. Who writes it is not
// asked; pressing twice says it once.
func (p *Portal) postPosting(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.posting_title")
	from := p.senderOf(r)
	refused := p.limits.try(from)
	v, err := readForm(r, discardPhoto)
	if err != nil {
		return p.refuse(w, r, err)
	}
	d, posted, err := p.posting(r, g)
	if err != nil {
		return p.refuse(w, r, err)
	}
	d.Key, d.Words = field(v, "key"), field(v, "words")
	if _, err := reportID(d.Key); err != nil {
		d.Key = p.newKey()
	}
	switch {
	case refused != nil:
	case d.Words == "":
		refused = ErrCheck.At("form.words", "portal.need_objection")
	case tooLong(d.Words, maxComment):
		refused = ErrCheck.At("form.words", "portal.too_long", "most", maxComment)
	default:
		_, refused = p.repeats.once("posting "+posted.String()+" "+d.Key, func() (struct{}, error) {
			if err := p.limits.report(from); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, p.db.Write(r.Context(), func(tx *db.Tx) error { return p.cases.ObjectToPosting(tx, nobody, posted, d.Words) })
		})
	}
	if refused == nil {
		return p.goTo(w, r, "/postings/"+posted.String()+"?done=yes")
	}
	fl := fault.Of(refused)
	if fl.Kind == fault.Internal {
		return refused
	}
	g.blame(fl, map[string]string{"body.note": "words"})
	g.FaultTitle = g.Say("portal.fault_title_my")
	g.Data = d
	waitHeader(w, fl)
	return p.show(w, g, "posting", statusOf(fl))
}
