package portal

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/work/figures"
)

// homeMost is how many of the own reports the first page lists.
const homeMost = 20

type homePage struct {
	Mine      []mineLine
	CSV, JSON string // of the open data, where the district publishes them
}

// mineLine is one own report on the first page.
type mineLine struct{ Number, Title, Stage, Promise string }

// getHome shows the first page, with the reports that this browser may see.
func (p *Portal) getHome(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.home_title")
	d := homePage{}
	if p.openData {
		d.CSV, d.JSON = figures.OpenCSV, figures.OpenJSON
	}
	views, err := p.allMine(r.Context(), r.Cookies())
	if err != nil {
		return err
	}
	for _, v := range views {
		l := mineLine{Number: v.Number, Title: titleOf(v, g)}
		for _, s := range g.steps(v) {
			if s.Class == "now" {
				l.Stage = s.Name
			}
		}
		if l.Promise, _, _ = g.promise(v); v.Paused {
			l.Promise = ""
		}
		if a := g.applied(v); a != nil {
			l.Stage, l.Promise = a.Step, ""
			if a.CanSupplement {
				l.Promise = g.Say("portal.app_needs_you", "when", a.MissingBy)
			}
		}
		d.Mine = append(d.Mine, l)
	}
	g.Data = d
	return p.show(w, g, "home", http.StatusOK)
}

// allMine finds the reports whose cookies a browser holds, the newest first.
func (p *Portal) allMine(ctx context.Context, cookies []*http.Cookie) ([]*casework.PublicCase, error) {
	type held struct{ number, token string }
	var some []held
	for _, c := range cookies {
		if n, ok := strings.CutPrefix(c.Name, myCookie("")); ok {
			if number, err := casework.ParseNumber(n); err == nil {
				some = append(some, held{number, c.Value})
			}
		}
	}
	if len(some) == 0 {
		return nil, nil
	}
	slices.SortFunc(some, func(a, b held) int { return cmp.Compare(b.number, a.number) })
	some = some[:min(len(some), homeMost)]
	var out []*casework.PublicCase
	err := p.db.Read(ctx, func(tx *db.Tx) error {
		out = nil
		for _, h := range some {
			o, err := p.holder(tx, h.number, h.token)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			v, err := p.cases.PublicView(tx, o.id)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b *casework.PublicCase) int { return b.Reported.Compare(a.Reported) })
	return out, err
}
