package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// taken is a report that was taken, with the link to it.
type taken struct {
	view *casework.PublicCase
	link fresh
}

// fresh is a new link: the secret that is shown once, and the token by which
// the browser at hand sees the report at once.
type fresh struct {
	number, secret, token string
	at                    time.Time // of a change
}

// send takes a report. The same form sent again is the same report, with a link
// of its own since the first answer may have been lost; sent again with other
// words it is refused, and the sender is told the number. Codes: portal.already,
// request.too_many and those of casework.
func (p *Portal) send(ctx context.Context, from sender, d draft, now []casework.File) (taken, error) {
	var out taken
	known := false
	err := p.db.Read(ctx, func(tx *db.Tx) (err error) {
		known, err = p.known(tx, d, nil)
		return err
	})
	if err != nil {
		return out, err
	}
	if !known {
		if err := p.limits.report(from); err != nil {
			return out, err
		}
	}
	err = p.db.WriteFor(ctx, d.id, func(tx *db.Tx) error {
		out = taken{}
		known, err := p.known(tx, d, &out.view)
		if err != nil {
			return err
		}
		if !known {
			in := d.report
			in.MadeUp = p.demo
			if in.Files, err = p.gather(tx, d.owner, nil, now); err != nil {
				return err
			}
			in.Files = append(append([]id.ID{}, d.files...), in.Files...)
			in.Owner = d.owner
			if _, err := p.cases.PublicReport(tx, nobody, in); err != nil {
				return err
			}
			if out.view, err = p.cases.PublicView(tx, d.id); err != nil {
				return err
			}
		}
		out.link, err = p.links(tx, d.id, out.view.Number)
		return err
	})
	return out, err
}

// known says whether a form was taken already.
func (p *Portal) known(tx *db.Tx, d draft, view **casework.PublicCase) (bool, error) {
	old, err := p.cases.PublicView(tx, d.id)
	if errors.Is(err, casework.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if old.Text != d.report.Text || old.Place != d.report.Place.Words {
		return false, ErrAlready.With("number", old.Number)
	}
	if d.report.Form != nil {
		same, err := p.cases.SameAnswers(tx, d.id, d.report.Item, d.report.Form)
		if err != nil {
			return false, err
		}
		if !same {
			return false, ErrAlready.With("number", old.Number)
		}
	}
	if view != nil {
		*view = old
	}
	return true, nil
}

// gather notes the photos that came with a form, beside those that an earlier
// try of it left.
func (p *Portal) gather(tx *db.Tx, owner string, before []string, now []casework.File) ([]id.ID, error) {
	var out []id.ID
	for _, s := range before {
		v, err := id.Parse(s)
		if err != nil {
			return nil, ErrForm.Because(err)
		}
		out = append(out, v)
	}
	for _, f := range now {
		if f.Kind == "" {
			f.Kind = "before"
		}
		kept, err := p.cases.AddFile(tx, nobody, f, owner)
		if err != nil {
			return nil, err
		}
		out = append(out, kept.ID)
	}
	return out, nil
}

// keepLoose notes photos of a form that was refused, so that they need not be
// sent again.
func (p *Portal) keepLoose(ctx context.Context, owner string, now []casework.File) (ids []id.ID, err error) {
	err = p.db.Write(ctx, func(tx *db.Tx) (err error) {
		ids, err = p.gather(tx, owner, nil, now)
		return err
	})
	return ids, err
}

// sentPage says that a report was taken.
type sentPage struct {
	Number, Promise, PromiseHint, Link, Path string
	Applied                                  *applied // of an application
}

// showSent shows number, promised time and the link, and lets this browser see
// the report.
func (p *Portal) showSent(w http.ResponseWriter, r *http.Request, g *page, t taken) error {
	p.setCookie(w, r, myCookie(t.link.number), t.link.token, year)
	g.Title = g.Say("portal.sent_title")
	s := sentPage{Number: t.view.Number, Link: p.linkOf(r, t.link.secret), Path: "/my/" + t.view.Number}
	if s.Promise, s.PromiseHint, _ = g.promise(t.view); t.view.Application != nil {
		s.Applied = g.applied(t.view)
		s.Promise, s.PromiseHint = s.Applied.Due, s.Applied.Why
	}
	g.Data, g.Back = s, "/my/"+t.view.Number
	return p.show(w, g, "sent", http.StatusOK)
}
