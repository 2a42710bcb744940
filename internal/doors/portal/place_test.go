package portal

import (
	"net/url"
	"strings"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// gazetteer knows one road, which the public finds, and one house, which it does
// not.
type gazetteer struct{ road, house place.Spot }

func (g *gazetteer) SearchPublic(_ *db.Tx, a place.Ask) ([]place.Hit, error) {
	if !strings.Contains(g.road.Label, a.Query) {
		return nil, nil
	}
	street := words.Text{Chinese: "S1", English: "S1"}
	return []place.Hit{{ID: g.road.ID, Label: g.road.Label, KindName: words.Text{Chinese: "道路街巷", English: "Road or lane"}, StreetName: &street}}, nil
}

func (g *gazetteer) PublicOne(_ *db.Tx, v id.ID) (place.Spot, bool, error) {
	return g.road, v == g.road.ID, nil
}

func (g *gazetteer) Spot(_ *db.Tx, v id.ID) (place.Spot, error) {
	for _, s := range []place.Spot{g.road, g.house} {
		if s.ID == v {
			return s, nil
		}
	}
	return place.Spot{}, place.ErrMissing
}

// A resident looks for a road on the form itself, without a script, and reports
// there; what was typed stays. A home that is sent by its id, as a stranger
// might, counts as nothing.
func TestResidentReportsByAddress(t *testing.T) {
	g := &gazetteer{}
	each(t, plan{known: g}, func(h *house) {
		nodes := journal.Nodes{Hub: h.units["H"], Street: h.units["S1"], Platform: h.units["P1"]}
		g.road = place.Spot{ID: id.Must("0190163d-8694-739b-aea5-966c26f8ad02"), Label: "马店村幸福路", Nodes: nodes}
		g.house = place.Spot{ID: id.Must("0190163d-8694-739b-aea5-966c26f8ad03"), Label: "马店村幸福路12号", Nodes: nodes}
		b := h.browser()
		form := b.report(url.Values{"village": {""}, "find": {"幸福路"}, "text": {"路灯不亮"}})
		form.Set("look", "yes")
		found := b.upload("/report", form, photo(t, 1))
		b.shows(found, 200, "马店村幸福路", "道路街巷", "都不是", "路灯不亮", "已经收到 1 张")
		form.Set("find", "没有的路")
		b.shows(b.upload("/report", form), 200, "没有查到")
		form.Del("look")
		form.Set("place", g.road.ID.String())
		form.Set("near", "西头")
		sent := b.upload("/report", form)
		b.shows(sent, 200, "收到了")
		c := h.page(sent.number())
		if c.Case.Place.Words != "马店村幸福路 · 西头" || c.Case.Platform != h.units["P1"] {
			t.Errorf("%+v", c.Case.Place)
		}
		// A home by its id alone: asked for the village, the name is not told.
		form = b.report(url.Values{"village": {""}, "place": {g.house.ID.String()}, "text": {"路灯又不亮"}})
		refused := b.upload("/report", form)
		b.shows(refused, 422, "请选村或社区")
		b.hides(refused, "12号")
	})
}
