package portal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// An application form is the item's own JSON Schema, turned into fields that
// every browser has; an object in it is a group of fields under its title. What a
// schema can say and a plain form can't (lists of objects, one of several shapes)
// is not guessed at: such an item is applied for at the counter.

// question is one field of an application form.
type question struct {
	Name, ID     string // of the field; the id is what the list of errors leads to
	Title, Hint  string
	Kind         string // text, area, tel, number, date, choice, select, several, tick
	Autocomplete string
	Required     bool
	Sometimes    bool // needed only with some other answer; the check says when
	Most         int  // characters
	Options      []Choice
	Value        string
	Ticked       map[string]bool

	Opens  []string // titles of the groups that begin with this field
	Closes []string // as many as end with it

	path    []string // of the property in the answers
	contact string
	whole   bool // a whole number
}

// property is where the field's answer stands, as the check names it.
func (q question) property() string { return strings.Join(q.path, ".") }

// property is what a form's schema says of one field.
type property struct {
	Title   string          `json:"title"`
	Type    string          `json:"type"`
	Format  string          `json:"format"`
	Enum    []string        `json:"enum"`
	Most    int             `json:"maxLength"`
	Items   *property       `json:"items"`
	Const   json.RawMessage `json:"const"`
	Contact string          `json:"x-contact"`
	OneOf   json.RawMessage `json:"oneOf"`
	AnyOf   json.RawMessage `json:"anyOf"`
	I18n    struct {
		Title       words.Text            `json:"title"`
		Description words.Text            `json:"description"`
		Enum        map[string]words.Text `json:"enum"`
	} `json:"x-i18n"`
}

// Bounds of the fields.
const (
	prefix    = "a_" // of the names of the fields
	manyAsk   = 7    // from so many choices on they stand in a list
	longText  = 201  // from so many characters on a field has several lines
	plainMost = 500  // characters where the schema has no bound
	mostDeep  = 3    // objects in objects
)

// questionsOf makes the fields of a form in the order in which the schema has
// them. ok is false when the schema asks for something a plain form can't.
func questionsOf(raw json.RawMessage, l words.Language) (out []question, ok bool, err error) {
	return questionsIn(raw, l, nil, true)
}

// questionsIn makes the fields of one object; needed says that it has to be there.
func questionsIn(raw json.RawMessage, l words.Language, path []string, needed bool) (out []question, ok bool, err error) {
	var top struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
		AllOf      []struct {
			Then struct {
				Required []string `json:"required"`
			} `json:"then"`
		} `json:"allOf"`
		Dependent map[string]struct {
			Required []string `json:"required"`
		} `json:"dependentSchemas"`
		DependentRequired map[string][]string `json:"dependentRequired"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, false, fmt.Errorf("form of an item: %w", err)
	}
	sometimes := map[string]bool{}
	note := func(names []string) {
		for _, n := range names {
			sometimes[n] = true
		}
	}
	for _, a := range top.AllOf {
		note(a.Then.Required)
	}
	for _, d := range top.Dependent {
		note(d.Required)
	}
	for _, d := range top.DependentRequired {
		note(d)
	}
	if !needed { // what the object needs is needed once something of it is there
		note(top.Required)
		top.Required = nil
	}
	if len(top.Properties) == 0 {
		return nil, len(path) == 0, nil
	}
	in := json.NewDecoder(bytes.NewReader(top.Properties)) // a map would lose the order
	if _, err := in.Token(); err != nil {
		return nil, false, fmt.Errorf("form of an item: %w", err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, false, fmt.Errorf("form of an item: %w", err)
		}
		key, _ := name.(string)
		var one json.RawMessage
		if err := in.Decode(&one); err != nil {
			return nil, false, fmt.Errorf("form of an item: %w", err)
		}
		var p property
		if err := json.Unmarshal(one, &p); err != nil {
			return nil, false, nil // several types, numbers to choose from …
		}
		at, required := append(slices.Clone(path), key), slices.Contains(top.Required, key)
		if p.Type == "object" {
			group, ok, err := p.group(one, l, at, required)
			if err != nil || !ok {
				return nil, false, err
			}
			out = append(out, group...)
			continue
		}
		q, ok := p.question(at, l)
		if !ok {
			return nil, false, nil
		}
		q.Required, q.Sometimes = required, !required && sometimes[key]
		out = append(out, q)
	}
	return out, true, nil
}

// group makes the fields of an object in a form, under its title.
func (p property) group(raw json.RawMessage, l words.Language, at []string, required bool) ([]question, bool, error) {
	if len(at) > mostDeep || len(p.OneOf) > 0 || len(p.AnyOf) > 0 {
		return nil, false, nil
	}
	some, ok, err := questionsIn(raw, l, at, required)
	if err != nil || !ok || len(some) == 0 {
		return nil, false, err
	}
	title := cmp.Or(p.I18n.Title.In(l), p.Title, at[len(at)-1])
	last := len(some) - 1
	some[0].Opens = append([]string{title}, some[0].Opens...)
	some[last].Closes = append(some[last].Closes, title)
	return some, true, nil
}

// question makes the field of one property.
func (p property) question(path []string, l words.Language) (question, bool) {
	key, name := path[len(path)-1], strings.Join(path, ".")
	q := question{Name: prefix + name, ID: "q-" + strings.Join(path, "-"), Title: p.I18n.Title.In(l), Hint: p.I18n.Description.In(l), Most: p.Most, Ticked: map[string]bool{},
		path: path, contact: p.Contact}
	if q.Title == "" {
		q.Title = p.Title
	}
	switch p.Contact {
	case "name":
		q.Autocomplete = "name"
	case "phone":
		q.Autocomplete = "tel"
	}
	of := p
	switch {
	case p.Type == "array" && p.Items != nil && len(p.Items.Enum) > 0 && p.Items.Type == "string":
		q.Kind, of = "several", *p.Items
		if len(of.I18n.Enum) == 0 {
			of.I18n.Enum = p.I18n.Enum
		}
	case p.Type == "boolean":
		q.Kind = "tick"
	case p.Type == "integer", p.Type == "number":
		q.Kind, q.whole, q.Most = "number", p.Type == "integer", 20
	case p.Type != "string":
		return q, false
	case len(p.Enum) >= manyAsk:
		q.Kind = "select"
	case len(p.Enum) > 0:
		q.Kind = "choice"
	case p.Format == "date":
		q.Kind = "date"
	case p.Format != "" && p.Format != "email" && p.Format != "uri":
		return q, false
	case p.Contact == "phone" || key == "phone" || strings.HasSuffix(key, "_phone"):
		q.Kind = "tel"
	case p.Most >= longText:
		q.Kind = "area"
	default:
		q.Kind = "text"
	}
	if q.Most == 0 {
		q.Most = plainMost
	}
	for _, v := range of.Enum {
		c := Choice{Key: v, Name: v}
		if t, ok := of.I18n.Enum[v]; ok {
			c.Name = t.In(l)
		}
		q.Options = append(q.Options, c)
	}
	return q, true
}

// filled takes over what was typed.
func (q *question) filled(v url.Values) {
	q.Value = field(v, q.Name)
	for _, s := range v[q.Name] {
		q.Ticked[s] = true
	}
}

// answer is what was typed as JSON; ok is false when nothing was. A number that
// is none stays a text: the schema's own check then says what is wrong.
func (q question) answer() (v any, ok bool) {
	switch q.Kind {
	case "tick":
		return true, q.Value != ""
	case "several":
		some := []string{}
		for _, o := range q.Options {
			if q.Ticked[o.Key] {
				some = append(some, o.Key)
			}
		}
		return some, len(some) > 0
	case "number":
		if q.Value == "" {
			return nil, false
		}
		if n, err := strconv.ParseInt(q.Value, 10, 53); err == nil {
			return n, true
		}
		if x, err := strconv.ParseFloat(q.Value, 64); err == nil && !q.whole && x-x == 0 {
			return x, true
		}
		return q.Value, true
	}
	return q.Value, q.Value != ""
}

// answersOf joins the answers of a form. An object is there when something of it
// was answered, or has to be.
func answersOf(some []question) (json.RawMessage, error) {
	out := map[string]any{}
	for _, q := range some {
		v, ok := q.answer()
		if !ok && (!q.Required || len(q.path) == 1) {
			continue
		}
		in := out
		for _, name := range q.path[:len(q.path)-1] {
			inner, _ := in[name].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				in[name] = inner
			}
			in = inner
		}
		if ok {
			in[q.path[len(q.path)-1]] = v
		}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("answers of a form: %w", err)
	}
	return raw, nil
}

// plainer puts what the schema's check says of a field into words for whoever
// filled it in: patterns and types say nothing to a resident.
func plainer(f *fault.Fault, some []question) *fault.Fault {
	kinds := map[string]question{}
	for _, q := range some {
		kinds["body.form."+q.property()] = q
	}
	out := *f
	out.Where = slices.Clone(f.Where)
	for i, w := range out.Where {
		q, ok := kinds[w.Path]
		if !ok {
			continue
		}
		code := ""
		switch w.Code {
		case "catalog.field_missing":
			if code = "portal.need_answer"; q.Kind == "choice" || q.Kind == "select" || q.Kind == "several" {
				code = "portal.need_choice"
			} else if q.Kind == "tick" {
				code = "portal.need_tick"
			}
		case "catalog.field_choice":
			if code = "portal.need_choice"; q.Kind == "tick" {
				code = "portal.need_tick"
			}
		case "catalog.field_type":
			code = "portal.need_number"
		case "catalog.field_format":
			switch q.Kind {
			case "tel":
				code = "portal.bad_number_of_phone"
			case "date":
				code = "portal.need_date"
			default:
				code = "portal.bad_form_of"
			}
		case "catalog.field_long":
			code = "portal.too_long"
		case "catalog.field_low":
			code = "portal.too_low"
		case "catalog.field_high":
			code = "portal.too_high"
		}
		if code != "" {
			out.Where[i].Code = code
		}
	}
	return &out
}
