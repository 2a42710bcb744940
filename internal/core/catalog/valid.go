package catalog

import (
	"fmt"
	"slices"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// Known answers for what other rooms own, so that an item can't refer to a role
// or a department that is not there. A function left nil is not asked.
type Known struct {
	Role       func(key string) bool
	Department func(key string) bool
	Retentions []Term // classes of retention, with their words; none is not asked
}

func (k Known) retention() func(string) bool {
	if k.Retentions == nil {
		return nil
	}
	return func(key string) bool {
		return slices.ContainsFunc(k.Retentions, func(t Term) bool { return t.Key == key })
	}
}

// checker collects what is wrong, by field.
type checker struct{ out *fault.Fault }

func (c *checker) bad(path string, code *fault.Fault, pairs ...any) {
	if len(c.out.Where) < 50 {
		c.out = c.out.At("body."+path, code.Code, pairs...)
	}
}

func (c *checker) text(path string, t words.Text, most int) {
	if t.Chinese == "" || t.English == "" {
		c.bad(path, errFieldLanguage)
	}
	if len([]rune(t.Chinese)) > most || len([]rune(t.English)) > 3*most {
		c.bad(path, errFieldLong, "most", most)
	}
}

func (c *checker) optional(path string, t *words.Text, most int) {
	if t != nil {
		c.text(path, *t, most)
	}
}

func (c *checker) refers(path, key string, known func(string) bool) {
	if known != nil && !known(key) {
		c.bad(path, errFieldReference, "value", clip(key))
	}
}

func (c *checker) limit(path string, l *calendar.Limit) {
	if l != nil && l.Validate() != nil {
		c.bad(path, errFieldLimit)
	}
}

func (c *checker) done() error {
	if len(c.out.Where) > 0 {
		return c.out
	}
	return nil
}

// terms says whether a key stands in a dictionary; a dictionary that is not
// there refuses nothing.
func (s *Snapshot) knows(dictionary string) func(string) bool {
	d, ok := s.terms[dictionary]
	if !ok {
		return nil
	}
	return func(key string) bool { _, ok := d[key]; return ok }
}

// Validate says everything that is wrong with an item in this register. Code:
// catalog.item_invalid, with the fields.
func (s *Snapshot) Validate(i Item, known Known) error {
	c := &checker{ErrItemInvalid}
	c.text("name", i.Name, 60)
	c.text("description", i.Description, 1000)
	c.text("closing", i.Closing, 1000)
	c.optional("note", i.Note, 1000)
	c.optional("purpose", i.Purpose, 1000)
	c.optional("legal_basis", i.LegalBasis, 1000)
	if i.Key == "" {
		c.bad("key", errFieldMissing)
	}
	if i.Code == "" {
		c.bad("code", errFieldMissing)
	}
	c.refers("function", i.Function, func(k string) bool {
		return slices.ContainsFunc(s.shared.Functions, func(f Function) bool { return f.Key == k })
	})
	c.refers("flow", string(i.Flow), func(k string) bool { _, ok := s.states[Flow(k)]; return ok })
	c.refers("priority", string(i.Priority), s.knows("priorities"))
	c.refers("resident_visible", i.ResidentVisible, s.knows("resident_visible"))
	c.refers("retention", i.Retention, known.retention())
	if !slices.Contains([]Confidentiality{Open, Desk, Named}, i.Confidentiality.Kind()) {
		c.bad("confidentiality", errFieldChoice)
	}
	if len(i.RaisedBy) == 0 {
		c.bad("raised_by", errFieldMissing)
	}
	for n, v := range i.RaisedBy {
		c.refers(fmt.Sprintf("raised_by.%d", n), string(v), s.knows("raised_by"))
	}
	if i.Public != i.MayRaise(FromResident) {
		c.bad("public", errFieldWrong)
	}
	s.validRoute(c, i, known)
	s.validConditions(c, i)
	for n, e := range i.Evidence {
		c.refers(fmt.Sprintf("evidence.%d.kind", n), e.Kind, s.knows("evidence_kinds"))
		if e.When != "" {
			c.refers(fmt.Sprintf("evidence.%d.when", n), e.When, s.knows("evidence_when"))
		}
		if e.Min < 1 {
			c.bad(fmt.Sprintf("evidence.%d.min", n), errFieldLow, "least", 1)
		}
	}
	s.validForm(c, i)
	return c.done()
}

func (s *Snapshot) validRoute(c *checker, i Item, known Known) {
	if len(i.Route) == 0 {
		c.bad("route", errFieldMissing)
	}
	for n, r := range i.Route {
		at := fmt.Sprintf("route.%d.", n)
		c.refers(at+"level", r.Level, s.knows("levels"))
		c.refers(at+"role", r.Role, known.Role)
		switch {
		case r.Department != "":
			c.refers(at+"department", r.Department, known.Department)
		case r.Level == "department":
			c.bad(at+"department", errFieldMissing)
		}
	}
	for at, v := range map[string]Inspection{"verify": i.Verify, "check": i.Check} {
		c.refers(at+".required", v.Required, s.knows("required"))
		if (v.Required == Never) != (len(v.By) == 0) {
			c.bad(at+".by", errFieldWrong)
		}
		if v.NeverBy != "handler" {
			// Nobody checks his own work. (DESIGN.md section 6)
			c.bad(at+".never_by", errFieldWrong)
		}
		for n, r := range v.By {
			c.refers(fmt.Sprintf("%s.by.%d", at, n), r, known.Role)
		}
	}
}

func (s *Snapshot) validConditions(c *checker, i Item) {
	if len(i.Conditions) == 0 {
		c.bad("conditions", errFieldMissing)
	}
	seen := map[string]bool{}
	for n, cond := range i.Conditions {
		at := fmt.Sprintf("conditions.%d.", n)
		if cond.Key == "" || seen[cond.Key] {
			c.bad(at+"key", errFieldTwice)
		}
		seen[cond.Key] = true
		c.text(at+"name", cond.Name, 60)
		c.text(at+"when", cond.When, 500)
		c.refers(at+"priority", string(cond.Priority), s.knows("priorities"))
		l := cond.Limits
		for name, v := range map[string]*calendar.Limit{
			"accept": l.Accept, "dispatch": l.Dispatch, "handle": l.Handle, "check": l.Check, "publicise": l.Publicise, "give": l.Give,
		} {
			c.limit(at+"limits."+name, v)
		}
		if l.Handle == nil {
			c.bad(at+"limits.handle", errFieldMissing)
		} else if cond.Priority == Urgent && l.Handle.Clock != calendar.UrgentHour {
			c.bad(at+"limits.handle", errFieldLimit) // what is urgent does not wait for Monday
		}
	}
}

// validForm looks at the form itself: it compiles, is closed, asks for consent
// as its fields demand, and duplicates are compared by fields it has.
func (s *Snapshot) validForm(c *checker, i Item) {
	f, err := compile(i.Form)
	if err != nil {
		c.bad("form", ErrFormSchema, "why", fmt.Sprint(fault.Of(err).Args["why"]))
		return
	}
	levels := map[string]bool{}
	for _, p := range f.personal {
		levels[p] = true
	}
	switch k := i.Consent.Kind; {
	case levels["sensitive"] && k != "separate" && k != "guardian", levels["basic"] && k == "none":
		c.bad("consent.kind", errFieldConsent)
	}
	if levels["sensitive"] || levels["basic"] {
		// What is asked about a person needs a purpose and a basis.
		if i.Purpose == nil {
			c.bad("purpose", errFieldMissing)
		}
		if i.LegalBasis == nil {
			c.bad("legal_basis", errFieldMissing)
		}
	}
	c.refers("consent.kind", i.Consent.Kind, s.knows("consent_kinds"))
	c.text("consent.text", i.Consent.Text, 1000)
	d := i.Duplicates
	c.refers("duplicates.by", d.By, s.knows("duplicates_by"))
	if (d.By == "place") != (d.RadiusM > 0) {
		c.bad("duplicates.radius_m", errFieldWrong)
	}
	if (d.By == "none") != (d.WindowH == 0) {
		c.bad("duplicates.window_h", errFieldWrong)
	}
	for n, k := range d.Same {
		if _, ok := f.personal[k]; !ok && k != "item" {
			c.bad(fmt.Sprintf("duplicates.same.%d", n), errFieldReference, "value", clip(k))
		}
	}
}
