package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// checkEntry reads the new content of an entry as its kind demands and gives it
// back in our own writing.
func checkEntry(old Entry, content json.RawMessage, known Known) (json.RawMessage, error) {
	if len(content) > maxForm {
		return nil, ErrEntryInvalid.At("body.content", errFieldLong.Code, "most", maxForm)
	}
	c := &checker{ErrEntryInvalid}
	var v any
	var err error
	switch {
	case old.Kind == kindFunction:
		f, e := strict[Function](content)
		c.key(old, f.Key)
		c.text("content.name", f.Name, 60)
		c.text("content.description", f.Description, 500)
		v, err = f, e
	case old.Kind == kindReason:
		r, e := strict[Reason](content)
		c.key(old, r.Key)
		c.reason(r, known)
		before, e2 := strict[Reason](old.Content)
		if e2 == nil && (r.Kind != before.Kind || r.Effect.State != before.Effect.State) {
			// The program's moves rest on both.
			c.bad("content.kind", errFieldWrong)
		}
		v, err = r, e
	case old.Kind == kindStage:
		s, e := strict[Stage](content)
		c.key(old, s.Key)
		c.text("content.name", s.Name, 30)
		c.text("content.text", s.Text, 200)
		c.text("content.text_application", s.TextApplication, 200)
		v, err = s, e
	case old.Kind == kindFlow:
		f, e := strict[FlowWords](content)
		c.key(old, f.Key)
		c.flow(f, old.Content)
		v, err = f, e
	case old.Kind == kindStageClock:
		s, e := strict[StageClock](content)
		c.key(old, s.Key)
		c.text("content.name", s.Name, 60)
		c.limit("content.default", &s.Default)
		c.limit("content.urgent", &s.Urgent)
		v, err = s, e
	case old.Kind == kindWarn:
		w, e := strict[Warn](content)
		c.warn(w, known)
		v, err = w, e
	default: // terms of dictionaries, kinds of reasons, owners, effects on clocks
		t, e := strict[Term](content)
		c.key(old, t.Key)
		c.text("content.name", t.Name, 60)
		v, err = t, e
	}
	if err != nil {
		return nil, ErrEntryInvalid.At("body.content", errFieldWrong.Code).Because(err)
	}
	if err := c.done(); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func strict[T any](raw json.RawMessage) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	return v, err
}

func (c *checker) key(old Entry, key string) {
	if key != old.Key {
		c.bad("content.key", errFieldWrong)
	}
}

func (c *checker) reason(r Reason, known Known) {
	c.text("content.name", r.Name, 60)
	c.optional("content.resident_text", r.ResidentText, 300)
	if (r.Kind == ReasonRefuse || r.Kind == ReasonDecline) && r.ResidentText == nil {
		// A refusal to a resident has a reason. (DESIGN.md section 6)
		c.bad("content.resident_text", errFieldMissing)
	}
	c.limit("content.effect.max_length", r.Effect.MaxLength)
	if (r.Kind == ReasonSuspend || r.Kind == ReasonExtend) && r.Effect.MaxLength == nil {
		c.bad("content.effect.max_length", errFieldMissing)
	}
	if a := r.Effect.Approval; a != "" {
		c.refers("content.effect.approval", a, known.Role)
	}
	for n, t := range r.Effect.Tells {
		c.refers(fmt.Sprintf("content.effect.tells.%d", n), t, known.Role)
	}
}

// flow lets the words of a flow change and nothing else.
func (c *checker) flow(f FlowWords, old json.RawMessage) {
	c.text("content.name", f.Name, 60)
	c.text("content.for", f.For, 200)
	for n, s := range f.States {
		c.text(fmt.Sprintf("content.states.%d.name", n), s.Name, 30)
	}
	for n, t := range f.Tasks {
		c.text(fmt.Sprintf("content.tasks.%d.name", n), t.Name, 30)
	}
	before, err := strict[FlowWords](old)
	if err != nil || bare(before) != bare(f) {
		c.bad("content.states", errFieldWrong)
	}
}

// bare is a flow without its words.
func bare(f FlowWords) string {
	var b strings.Builder
	for _, s := range f.States {
		s.Name = words.Text{}
		fmt.Fprintf(&b, "%+v", s)
	}
	for _, t := range f.Tasks {
		t.Name = words.Text{}
		fmt.Fprintf(&b, "%+v", t)
	}
	return b.String()
}

func (c *checker) warn(w Warn, known Known) {
	if w.BeforeDueShare <= 0 || w.BeforeDueShare >= 1 {
		c.bad("content.before_due_share", errFieldWrong)
	}
	if !slices.IsSortedFunc(w.Escalate, func(a, b Escalate) int {
		if a.AfterShare < b.AfterShare {
			return -1
		}
		return 1
	}) {
		c.bad("content.escalate", errFieldWrong)
	}
	for n, e := range w.Escalate {
		c.refers(fmt.Sprintf("content.escalate.%d.to", n), e.To, known.Role)
		if e.AfterShare < 1 {
			c.bad(fmt.Sprintf("content.escalate.%d.after_share", n), &fault.Fault{Code: errFieldLow.Code}, "least", 1)
		}
	}
	if len(w.Colours) == 0 {
		c.bad("content.colours", errFieldMissing)
	}
}
