package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/words"
)

// The own record (谁看过我的信息): who opened the personal data of a report, for
// what, which fields and when; what was agreed to; a copy to take away; and
// requests to correct, erase or stop. It works without script and without an
// account, for whoever holds the cookie of the report.

// recordPage is what the page shows.
type recordPage struct {
	Number, Count, Kept, AskHint string
	Reads                        []readLine
	Consents                     []consentLine
	Shared                       []string
	Asked                        []askedLine
	Kinds                        []Choice
	Done, Key                    string
	Typed                        map[string]string
}

type readLine struct{ Post, When, Purpose, Fields string }

type consentLine struct{ What, When string }

type askedLine struct{ What, When, State, Words, Answer string }

// lately is the period that the headline counts.
const lately = 30 * 24 * time.Hour

func (p *Portal) getRecord(w http.ResponseWriter, r *http.Request, _ any) error {
	o, err := p.mine(r)
	if err != nil {
		return p.refuse(w, r, err)
	}
	g, d, err := p.record(w, r, o)
	if err != nil {
		return p.refuse(w, r, err)
	}
	if r.URL.Query().Get("done") == "ask" {
		d.Done = g.Say("portal.record_done")
	}
	return p.show(w, g, "record", http.StatusOK)
}

// record prepares the page.
func (p *Portal) record(w http.ResponseWriter, r *http.Request, o own) (*page, *recordPage, error) {
	g := p.page(w, r, "portal.record")
	var rec registry.Record
	err := p.db.Read(r.Context(), func(tx *db.Tx) (err error) {
		rec, err = p.cases.RecordFor(tx, o.id)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	d := &recordPage{Number: o.number, Key: p.newKey(), Typed: map[string]string{}}
	recent := 0
	for _, one := range rec.Reads {
		if g.now.Sub(one.At) <= lately {
			recent++
		}
		var fields []string
		for _, f := range one.Fields {
			fields = append(fields, f.In(g.Lang))
		}
		d.Reads = append(d.Reads, readLine{one.Post.In(g.Lang), g.Moment(one.At), one.Purpose.In(g.Lang), strings.Join(fields, g.Say("portal.comma"))})
	}
	d.Count = g.Say("portal.record_count", "n", recent)
	if len(rec.Reads) == 0 {
		d.Count = g.Say("portal.record_none")
	}
	for _, c := range rec.Consents {
		line := consentLine{g.Say("portal.record_consent_" + c.Kind), g.Moment(c.At)}
		if !c.Withdrawn.IsZero() {
			line.When = g.Say("portal.record_withdrawn", "at", g.Moment(c.Withdrawn))
		}
		d.Consents = append(d.Consents, line)
	}
	for _, s := range rec.Shared {
		d.Shared = append(d.Shared, g.Say("portal.record_shared", "department", s.Department.In(g.Lang), "to", words.Date(g.Lang, s.To.In(p.zone), g.now)))
	}
	d.Kept = g.kept(rec.Class)
	for _, q := range rec.Requests {
		line := askedLine{What: g.Say("portal.record_kind_" + q.Kind), When: g.Moment(q.At), Words: q.Words, Answer: q.Answer, State: g.Say("portal.record_state_" + q.State)}
		if q.State == registry.Waiting {
			line.State = g.Say("portal.record_waits", "by", words.Date(g.Lang, q.Due.In(p.zone), g.now))
		}
		d.Asked = append(d.Asked, line)
	}
	d.AskHint = g.Say("portal.record_ask_hint")
	for _, k := range registry.RequestKinds {
		if k == "withdraw" && !slices.ContainsFunc(rec.Consents, func(c registry.Consent) bool { return c.Withdrawn.IsZero() }) {
			continue // nothing rests on a consent
		}
		if k == "copy" {
			continue // it can be taken at once, above
		}
		d.Kinds = append(d.Kinds, Choice{Key: k, Name: g.Say("portal.record_kind_" + k)})
	}
	g.Data, g.Back = d, "/my/"+o.number+"/record"
	return g, d, nil
}

// kept says how long the data of a report stays.
func (g *page) kept(c *registry.Class) string {
	if c == nil || c.Term == nil {
		return g.Say("portal.record_keeps")
	}
	key := "portal.record_ends"
	if !c.Ends() {
		key = "portal.record_archive"
	}
	return g.Say(key, "term", g.Say("portal.term_"+c.Term.Unit, "n", c.Term.Value), "why", c.Reason.In(g.Lang))
}

// postRequest takes a request about the own data; what is refused shows the page
// with what was typed.
func (p *Portal) postRequest(w http.ResponseWriter, r *http.Request, _ any) error {
	o, err := p.mine(r)
	if err != nil {
		return p.refuse(w, r, err)
	}
	refused := p.limits.try(p.senderOf(r))
	v, err := readForm(r, discardPhoto)
	if err != nil {
		return p.refuse(w, r, err)
	}
	typed := map[string]string{"kind": field(v, "kind"), "words": field(v, "words")}
	if refused == nil {
		_, refused = p.repeats.once(o.number+" ask "+field(v, "key"), func() (struct{}, error) {
			return struct{}{}, p.db.WriteFor(r.Context(), o.id, func(tx *db.Tx) error {
				_, err := p.cases.AskAsReporter(tx, o.id, typed["kind"], typed["words"])
				return err
			})
		})
	}
	if refused == nil {
		return p.goTo(w, r, "/my/"+o.number+"/record?done=ask")
	}
	fl := fault.Of(refused)
	if fl.Kind == fault.Internal {
		return refused
	}
	g, d, err := p.record(w, r, o)
	if err != nil {
		return p.refuse(w, r, err)
	}
	g.blame(fl, map[string]string{"body.kind": "kind", "body.words": "words"})
	g.FaultTitle = g.Say("portal.fault_title_my")
	d.Typed = typed
	waitHeader(w, fl)
	return p.show(w, g, "record", httpx.Status(fl))
}

// postCopy hands out everything that is kept about the author of a report, as a
// file a machine can read. It is a command: the taking is noted.
func (p *Portal) postCopy(w http.ResponseWriter, r *http.Request, _ any) error {
	o, err := p.mine(r)
	if err != nil {
		return p.refuse(w, r, err)
	}
	if err := p.limits.try(p.senderOf(r)); err != nil {
		return p.refuse(w, r, err)
	}
	kept, err := p.copyOf(r.Context(), o)
	if err != nil {
		return p.refuse(w, r, err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="onegrid-`+o.number+`.json"`)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(kept)
}

func (p *Portal) copyOf(ctx context.Context, o own) (kept *casework.Kept, err error) {
	err = p.db.WriteFor(ctx, o.id, func(tx *db.Tx) (err error) {
		kept, err = p.cases.KeptFor(tx, nobody, o.id)
		return err
	})
	return kept, err
}

type recordOut struct{ Body registry.Record }

type requestIn struct {
	OwnReport
	Body registry.AskIn
}

type requestOut struct{ Body registry.Request }

// recordAPI is the same door as JSON.
func (p *Portal) recordAPI(e *httpx.Edge, op func(id, method, path, summary string) httpx.Op, own string) {
	httpx.Read(e, op("public.record", "GET", own+"/record", "Who opened one's own data, what was agreed to and asked"), func(tx *db.Tx, _ any, in *OwnReport) (*recordOut, error) {
		o, err := p.holder(tx, in.number, in.token)
		if err != nil {
			return nil, err
		}
		rec, err := p.cases.RecordFor(tx, o.id)
		return &recordOut{rec}, err
	})
	ask := op("public.request", "POST", own+"/requests", "Ask to correct, erase or stop")
	ask.NoReceipt = true // the person's words are not kept twice
	httpx.Write(e, ask, func(tx *db.Tx, _ any, in *requestIn) (*requestOut, error) {
		o, err := p.holder(tx, in.number, in.token)
		if err != nil {
			return nil, err
		}
		q, err := p.cases.AskAsReporter(tx, o.id, in.Body.Kind, in.Body.Words)
		return &requestOut{q}, err
	})
}
