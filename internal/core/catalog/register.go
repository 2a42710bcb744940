package catalog

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// What can be missing in the register.
var (
	ErrItem        = fault.New(fault.Missing, "catalog.item_missing")
	ErrNotAdmitted = fault.New(fault.Conflict, "catalog.item_not_admitted")
	ErrReason      = fault.New(fault.Missing, "catalog.reason_missing")
	ErrClock       = fault.New(fault.Missing, "catalog.clock_missing")
	ErrItemInvalid = fault.New(fault.Invalid, "catalog.item_invalid")
)

// Snapshot is the whole register as it stands, in memory. It never changes; an
// edit leads to a new one.
type Snapshot struct {
	items   map[string][]*version // by key, oldest version first
	shared  Shared
	reasons map[string]Reason
	clocks  map[string]StageClock
	states  map[Flow]map[string]State
	stages  map[string]Stage
	terms   map[string]map[string]words.Text
}

// Shared is what all items share: everything but the items themselves.
type Shared struct {
	Functions    []Function        `json:"functions"`
	Kinds        []Term            `json:"kinds"` // of reasons
	ClockEffects []Term            `json:"clock_effects"`
	Reasons      []Reason          `json:"reasons"`
	Stages       []Stage           `json:"stages"`
	Flows        []FlowWords       `json:"flows"`
	Owners       []Term            `json:"owners"`
	StageClocks  []StageClock      `json:"stage_clocks"`
	Warn         Warn              `json:"warn"`
	Dictionaries map[string][]Term `json:"dictionaries"`
}

// version is one item with its form, compiled when first asked for.
type version struct {
	item    Item
	once    sync.Once
	form    *form
	formErr error
}

func (v *version) compiled() (*form, error) {
	v.once.Do(func() { v.form, v.formErr = compile(v.item.Form) })
	return v.form, v.formErr
}

// NewSnapshot builds a register from its parts. Items may stand in it in
// several versions.
func NewSnapshot(items []Item, shared Shared) *Snapshot {
	s := &Snapshot{
		items: map[string][]*version{}, shared: shared,
		reasons: map[string]Reason{}, clocks: map[string]StageClock{},
		states: map[Flow]map[string]State{}, stages: map[string]Stage{}, terms: map[string]map[string]words.Text{},
	}
	for _, i := range items {
		s.items[i.Key] = append(s.items[i.Key], &version{item: i})
	}
	for _, vs := range s.items {
		slices.SortFunc(vs, func(a, b *version) int {
			return cmp.Compare(a.item.Admission.Version, b.item.Admission.Version)
		})
	}
	for _, r := range shared.Reasons {
		s.reasons[r.Key] = r
	}
	for _, c := range shared.StageClocks {
		s.clocks[c.Key] = c
	}
	for _, st := range shared.Stages {
		s.stages[st.Key] = st
	}
	for _, f := range shared.Flows {
		m := map[string]State{}
		for _, st := range f.States {
			m[st.Key] = st
		}
		s.states[Flow(f.Key)] = m
	}
	for name, terms := range shared.Dictionaries {
		m := map[string]words.Text{}
		for _, t := range terms {
			m[t.Key] = t.Name
		}
		s.terms[name] = m
	}
	return s
}

// Item gives the version in force at a time: the newest that is admitted then.
// An item of which no version is admitted answers ErrNotAdmitted.
func (s *Snapshot) Item(key string, at time.Time) (Item, error) {
	v, err := s.current(key, at)
	if err != nil {
		return Item{}, err
	}
	return v.item, nil
}

func (s *Snapshot) current(key string, at time.Time) (*version, error) {
	vs := s.items[key]
	if len(vs) == 0 {
		return nil, ErrItem.With("item", clip(key))
	}
	for _, v := range slices.Backward(vs) {
		if v.item.Admitted(at) {
			return v, nil
		}
		// An item that was ended, or whose term is over, is not revived by an
		// older version; an urgent admission only stood in front of it, and a
		// proposal or a refusal changes nothing.
		a := v.item.Admission
		begun := !at.Before(a.From)
		over := (a.Status == StatusAdmitted || a.Status == StatusDefault) && !a.Until.IsZero() && !at.Before(a.Until)
		if begun && (a.Status == StatusEnded || over && !a.Urgent) {
			break
		}
	}
	return nil, ErrNotAdmitted.With("item", key)
}

// ItemVersion gives exactly one version, in force or not: a case keeps the one
// under which it was reported.
func (s *Snapshot) ItemVersion(key string, number int64) (Item, error) {
	v, err := s.exact(key, number)
	if err != nil {
		return Item{}, err
	}
	return v.item, nil
}

func (s *Snapshot) exact(key string, number int64) (*version, error) {
	for _, v := range s.items[key] {
		if v.item.Admission.Version == number {
			return v, nil
		}
	}
	return nil, ErrItem.With("item", clip(key), "version", number)
}

// Versions gives all versions of an item, oldest first.
func (s *Snapshot) Versions(key string) []Item {
	var out []Item
	for _, v := range s.items[key] {
		out = append(out, v.item)
	}
	return out
}

// Retained lists the items of which a version is kept in a retention class.
func (s *Snapshot) Retained(class string) []string {
	var out []string
	for key, vs := range s.items {
		if slices.ContainsFunc(vs, func(v *version) bool { return v.item.Retention == class }) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// RetentionClasses are the classes that a version of an item has.
func (s *Snapshot) RetentionClasses() map[string]bool {
	out := map[string]bool{}
	for _, vs := range s.items {
		for _, v := range vs {
			out[v.item.Retention] = true
		}
	}
	return out
}

// Items lists the items in force at a time, by their code.
func (s *Snapshot) Items(at time.Time) []Item {
	out := make([]Item, 0, len(s.items))
	for key := range s.items {
		if i, err := s.Item(key, at); err == nil {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// ValidateForm judges a whole answer to an item's form. The fault names every
// field that is wrong as body.form.<field>.
func (s *Snapshot) ValidateForm(item Item, raw json.RawMessage) error {
	return s.validate(item, raw, false)
}

// ValidatePart judges an answer that may still lack fields; what is there must
// be right.
func (s *Snapshot) ValidatePart(item Item, raw json.RawMessage) error {
	return s.validate(item, raw, true)
}

func (s *Snapshot) validate(item Item, raw json.RawMessage, part bool) error {
	v, err := s.exact(item.Key, item.Admission.Version)
	if err != nil {
		return err
	}
	f, err := v.compiled()
	if err != nil {
		return err
	}
	return f.check(raw, part)
}

// Personal says for each field of an item's form how personal it is: none,
// basic or sensitive. It drives masking and field encryption.
func (s *Snapshot) Personal(item Item) (map[string]string, error) {
	v, err := s.exact(item.Key, item.Admission.Version)
	if err != nil {
		return nil, err
	}
	f, err := v.compiled()
	if err != nil {
		return nil, err
	}
	return maps.Clone(f.personal), nil
}

// Shared gives everything that is not an item.
func (s *Snapshot) Shared() Shared { return s.shared }

// Functions lists the functions in their order.
func (s *Snapshot) Functions() []Function { return s.shared.Functions }

// Reason finds a reason by its key.
func (s *Snapshot) Reason(key string) (Reason, error) {
	r, ok := s.reasons[key]
	if !ok {
		return Reason{}, ErrReason.With("reason", clip(key))
	}
	return r, nil
}

// Reasons lists the reasons of a kind, in their order; all when kind is empty.
func (s *Snapshot) Reasons(kind string) []Reason {
	out := []Reason{}
	for _, r := range s.shared.Reasons {
		if kind == "" || r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// Stages lists the stages that residents see, in their order.
func (s *Snapshot) Stages() []Stage { return s.shared.Stages }

// Stage finds a stage by its key.
func (s *Snapshot) Stage(key string) (Stage, bool) {
	v, ok := s.stages[key]
	return v, ok
}

// State gives a state of a flow its words, stage and kind of owner.
func (s *Snapshot) State(f Flow, key string) (State, bool) {
	v, ok := s.states[f][key]
	return v, ok
}

// StageClock gives the default time of a step.
func (s *Snapshot) StageClock(key string) (StageClock, error) {
	c, ok := s.clocks[key]
	if !ok {
		return StageClock{}, ErrClock.With("clock", clip(key))
	}
	return c, nil
}

// Warn says when a case counts as due soon and to whom a late one goes.
func (s *Snapshot) Warn() Warn { return s.shared.Warn }

// Word gives the words for a key of a closed list, such as ("levels", "street").
func (s *Snapshot) Word(dictionary, key string) words.Text {
	return s.terms[dictionary][key]
}
