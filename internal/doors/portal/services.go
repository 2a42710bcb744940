package portal

import (
	"net/http"
	"slices"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// What a resident can apply for (办事服务): the public items of the register that
// go through the approval flow, each with what is needed, how long it may take
// by law and what happens on the way.

// ErrNoService says that there is nothing of that name to apply for.
var ErrNoService = fault.New(fault.Missing, "portal.no_service")

type servicesPage struct{ Functions []functionServices }

type functionServices struct {
	Name     string
	Services []serviceLine
}

type serviceLine struct{ Key, Name, Text string }

// servicePage is what there is to know before one applies.
type servicePage struct {
	Key, Name, Text, Purpose, Basis string
	Conditions                      []serviceCondition
	Needed, Sometimes, Papers       []string
	Consent                         string
	Online                          bool // the form can be filled in here
}

// serviceCondition is one kind of a service with its times in plain words.
type serviceCondition struct {
	Key, Name, When string
	Times           []string
}

// offered says whether a resident can apply for an item.
func offered(i catalog.Item) bool { return i.Flow == catalog.Approval && i.Public }

// service finds an item one can apply for. Code: portal.no_service.
func (p *Portal) service(tx *db.Tx, key string) (catalog.Item, error) {
	s, err := p.catalog.Snapshot(tx)
	if err != nil {
		return catalog.Item{}, err
	}
	i, err := s.Item(key, tx.Now())
	if err != nil || !offered(i) {
		return catalog.Item{}, ErrNoService
	}
	return i, nil
}

// servicesOf lists what a resident can apply for, by function.
func servicesOf(s *catalog.Snapshot, at time.Time, l words.Language) (out []functionServices) {
	items := s.Items(at)
	for _, f := range s.Functions() {
		some := functionServices{Name: f.Name.In(l)}
		for _, i := range items {
			if i.Function == f.Key && offered(i) {
				some.Services = append(some.Services, serviceLine{i.Key, i.Name.In(l), i.Description.In(l)})
			}
		}
		if len(some.Services) > 0 {
			out = append(out, some)
		}
	}
	return out
}

func (p *Portal) getServices(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.services_title")
	d := servicesPage{}
	err := p.db.Read(r.Context(), func(tx *db.Tx) error {
		s, err := p.catalog.Snapshot(tx)
		if err == nil {
			d.Functions = servicesOf(s, tx.Now(), g.Lang)
		}
		return err
	})
	if err != nil {
		return err
	}
	g.Data = d
	return p.show(w, g, "services", http.StatusOK)
}

func (p *Portal) getService(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.services_title")
	var d servicePage
	err := p.db.Read(r.Context(), func(tx *db.Tx) error {
		i, err := p.service(tx, r.PathValue("item"))
		if err != nil {
			return err
		}
		s, err := p.catalog.Snapshot(tx)
		if err != nil {
			return err
		}
		d, err = g.servicePage(i, s)
		return err
	})
	if err != nil {
		return p.refuse(w, r, err)
	}
	g.Title, g.Data = d.Name, d
	return p.show(w, g, "service", http.StatusOK)
}

func (g *page) servicePage(i catalog.Item, s *catalog.Snapshot) (servicePage, error) {
	d := servicePage{Key: i.Key, Name: i.Name.In(g.Lang), Text: i.Description.In(g.Lang)}
	if i.Purpose != nil {
		d.Purpose = i.Purpose.In(g.Lang)
	}
	if i.LegalBasis != nil {
		d.Basis = i.LegalBasis.In(g.Lang)
	}
	some, online, err := questionsOf(i.Form, g.Lang)
	if err != nil {
		return d, err
	}
	d.Online = online
	for _, q := range some {
		switch {
		case q.Required:
			d.Needed = append(d.Needed, q.Title)
		case q.Sometimes:
			d.Sometimes = append(d.Sometimes, q.Title)
		}
	}
	for _, e := range i.Evidence {
		if e.By == "resident" {
			d.Papers = append(d.Papers, g.Say("portal.paper_"+e.Kind))
		}
	}
	if asksConsent(i) {
		d.Consent = i.Consent.Text.In(g.Lang)
	}
	for _, c := range i.Conditions {
		if !c.Staff {
			d.Conditions = append(d.Conditions, serviceCondition{c.Key, c.Name.In(g.Lang), c.When.In(g.Lang), g.times(c, s)})
		}
	}
	return d, nil
}

// times says how long each step of an application may take, and how it is
// reckoned.
func (g *page) times(c catalog.Condition, s *catalog.Snapshot) []string {
	var out []string
	accept := c.Limits.Accept
	if accept == nil {
		if k, err := s.StageClock("accept"); err == nil {
			l := k.For(c.Priority)
			accept = &l
		}
	}
	say := func(key string, l *calendar.Limit) {
		if l != nil {
			out = append(out, g.Say(key, "limit", l.Say(g.Lang)))
		}
	}
	say("portal.time_accept", accept)
	say("portal.time_handle", c.Limits.Handle)
	say("portal.time_publicise", c.Limits.Publicise)
	say("portal.time_give", c.Limits.Give)
	if h := c.Limits.Handle; h != nil {
		out = append(out, g.reckoned(h.Clock))
	}
	return out
}

// reckoned says how a kind of clock counts, in plain words.
func (g *page) reckoned(c calendar.Clock) string {
	switch c {
	case calendar.StatutoryWorkingDay, calendar.StatutoryDay, calendar.WorkingDay, calendar.WorkingHour:
		return g.Say("portal.reckon_" + string(c))
	}
	return g.Say("portal.reckon_running")
}

// asksConsent says whether an item is not taken without consent.
func asksConsent(i catalog.Item) bool { return i.Consent.Kind != "" && i.Consent.Kind != "none" }

// streetsFor are the villages to choose from.
func (p *Portal) streetsFor(tx *db.Tx, l words.Language) ([]Street, error) {
	o, err := p.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return streetsOf(o, l, tx.Now()), nil
}

// conditionsOf are the kinds of a service to choose from.
func conditionsOf(i catalog.Item, l words.Language) (out []serviceCondition) {
	for _, c := range i.Conditions {
		if !c.Staff {
			out = append(out, serviceCondition{Key: c.Key, Name: c.Name.In(l), When: c.When.In(l)})
		}
	}
	return out
}

// chosen says whether a condition can be chosen here.
func chosen(some []serviceCondition, key string) bool {
	return slices.ContainsFunc(some, func(c serviceCondition) bool { return c.Key == key })
}
