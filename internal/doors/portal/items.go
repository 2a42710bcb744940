package portal

import (
	"net/http"
	"time"

	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
)

// The public list of work items (事项清单): what grid staff may be asked to do and
// for how long that was decided. What is not on it must not be handed to them,
// so everybody may read it. (notes/domain.md 2b)

type itemsPage struct{ Functions []functionLines }

type functionLines struct {
	Name, Text string
	Items      []itemLine
}

// itemLine is one work item in force.
type itemLine struct {
	Name, Text, Purpose string
	Resident            bool   // residents may raise it themselves
	Apply               string // the key by which it is applied for
	Limits              []limitLine
	Until               time.Time // end of the admission's term; zero: none
}

type limitLine struct{ When, Limit string }

func (p *Portal) getItems(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.items_title")
	d := itemsPage{}
	err := p.db.Read(r.Context(), func(tx *db.Tx) error {
		s, err := p.catalog.Snapshot(tx)
		if err != nil {
			return err
		}
		d.Functions = nil
		items := s.Items(tx.Now())
		for _, f := range s.Functions() {
			lines := functionLines{Name: f.Name.In(g.Lang), Text: f.Description.In(g.Lang)}
			for _, i := range items {
				if i.Function == f.Key {
					lines.Items = append(lines.Items, itemLineOf(i, g))
				}
			}
			if len(lines.Items) > 0 {
				d.Functions = append(d.Functions, lines)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.Data = d
	return p.show(w, g, "items", http.StatusOK)
}

func itemLineOf(i catalog.Item, g *page) itemLine {
	l := itemLine{Name: i.Name.In(g.Lang), Text: i.Description.In(g.Lang), Resident: i.Public, Until: i.Admission.Until}
	if offered(i) {
		l.Resident, l.Apply = false, i.Key
	}
	if i.Purpose != nil {
		l.Purpose = i.Purpose.In(g.Lang)
	}
	for _, c := range i.Conditions {
		if c.Limits.Handle != nil {
			l.Limits = append(l.Limits, limitLine{c.Name.In(g.Lang), c.Limits.Handle.Say(g.Lang)})
		}
	}
	return l
}

// Day writes a date as people say it.
func (g *page) Day(t time.Time) string {
	if g.Lang == "en" {
		return t.In(g.portal.zone).Format("2 January 2006")
	}
	return t.In(g.portal.zone).Format("2006年1月2日")
}
