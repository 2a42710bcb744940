package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"onegrid/data"
	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

// keys reads a list of keyed rows out of a default file.
func keys(t *testing.T, file, list string) func(string) bool {
	t.Helper()
	raw, err := data.FS.ReadFile("defaults/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]json.RawMessage
	var rows []struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(top[list], &rows); err != nil || len(rows) == 0 {
		t.Fatalf("%s.%s: %d rows, %v", file, list, len(rows), err)
	}
	return func(k string) bool {
		for _, r := range rows {
			if r.Key == k {
				return true
			}
		}
		return false
	}
}

// shipped is the register as a new installation has it, and what it refers to.
func shipped(t *testing.T) (*Snapshot, []Item, Known) {
	t.Helper()
	items, shared, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	var retention struct{ Classes []Term }
	raw, err := data.FS.ReadFile("defaults/retention.json")
	if err == nil {
		err = json.Unmarshal(raw, &retention)
	}
	if err != nil {
		t.Fatal(err)
	}
	return NewSnapshot(items, shared), items, Known{
		Role:       keys(t, "roles", "roles"),
		Department: keys(t, "departments", "departments"),
		Retentions: retention.Classes,
	}
}

// The 27 default items pass the same judgement as an edited one, so an office
// that saves one unchanged is never refused; and they keep what the product
// promised: their number, their ten functions, their bounds.
func TestShippedItemsAreValid(t *testing.T) {
	s, items, known := shipped(t)
	if len(items) != 27 {
		t.Errorf("%d items", len(items))
	}
	share := map[string]int{"party": 2, "information": 3, "service": 4, "city": 4, "dispute": 2, "hazard": 4, "prevention": 2, "registry": 2, "policy": 2, "counselling": 2}
	codes := map[string]bool{}
	for _, i := range items {
		if err := s.Validate(i, known); err != nil {
			t.Errorf("%s: %v", i.Key, err)
		}
		share[i.Function]--
		if codes[i.Code] {
			t.Errorf("%s: code %s twice", i.Key, i.Code)
		}
		codes[i.Code] = true
		f := s.Functions()[slices.IndexFunc(s.Functions(), func(f Function) bool { return f.Key == i.Function })]
		if !strings.HasPrefix(i.Code, f.Code+"-") {
			t.Errorf("%s: code %s is not of function %s", i.Key, i.Code, f.Code)
		}
		if len(i.Route) < 2 || len(i.Conditions) < 2 || len(i.Evidence) < 1 || len(i.Indices) < 1 {
			t.Errorf("%s lacks a route, conditions, evidence or indices", i.Key)
		}
		for _, c := range i.Conditions {
			checkLimits(t, i, c)
		}
		if _, ok := i.Ordinary(); !ok {
			t.Errorf("%s has no ordinary condition", i.Key)
		}
	}
	for f, n := range share {
		if n != 0 {
			t.Errorf("function %s is %d items off", f, n)
		}
	}
	if len(s.Functions()) != 10 || len(s.Stages()) != 6 {
		t.Errorf("%d functions, %d stages", len(s.Functions()), len(s.Stages()))
	}
}

// minutes is a limit on a day of 480 minutes.
func minutes(l *calendar.Limit) float64 {
	unit := map[calendar.Clock]float64{calendar.UrgentHour: 60, calendar.WorkingHour: 60, calendar.WorkingDay: 480, calendar.NaturalDay: 1440, calendar.StatutoryDay: 1440, calendar.StatutoryWorkingDay: 480}
	if l.Minutes > 0 {
		return float64(l.Minutes)
	}
	return l.Units * unit[l.Clock]
}

// checkLimits holds the bounds that data alone could break.
func checkLimits(t *testing.T, i Item, c Condition) {
	t.Helper()
	at := i.Key + " " + c.Key
	l := c.Limits
	if l.Accept == nil || l.Handle == nil || (i.Flow == Handling) != (l.Dispatch != nil) && i.Flow != Approval {
		t.Errorf("%s: a limit too many or too few", at)
		return
	}
	most := map[calendar.Clock]float64{calendar.UrgentHour: 72, calendar.WorkingHour: 40, calendar.WorkingDay: 60, calendar.NaturalDay: 180, calendar.StatutoryDay: 60, calendar.StatutoryWorkingDay: 60}
	for name, v := range map[string]*calendar.Limit{"accept": l.Accept, "dispatch": l.Dispatch, "handle": l.Handle, "check": l.Check, "publicise": l.Publicise, "give": l.Give} {
		switch {
		case v == nil:
		case (v.Units > 0) == (v.Minutes > 0), v.Units > most[v.Clock], v.Minutes > 0 && (v.Minutes < 5 || v.Minutes >= 60):
			t.Errorf("%s: %s out of bounds: %+v", at, name, v)
		}
	}
	if minutes(l.Accept) > minutes(l.Handle) {
		t.Errorf("%s: accepting takes longer than handling", at)
	}
	if c.Priority == Urgent && (l.Accept.Clock != calendar.UrgentHour || minutes(l.Handle) > 1440) {
		t.Errorf("%s is urgent and slow", at)
	}
	if i.Check.Required == Always && l.Check == nil && !slices.Equal(i.Check.By, []string{"resident"}) {
		t.Errorf("%s needs a check limit", at)
	}
	if l.Publicise != nil && minutes(l.Publicise) < 7*1440 {
		t.Errorf("%s is posted for less than 7 days", at)
	}
}

// property is one field of a form, enough to make an answer.
type property struct {
	Type    string
	Const   any
	Enum    []any
	Minimum *float64
	Max     int `json:"maxLength"`
	Format  string
	Pattern string
	Items   *property
	Title   string
	Words   struct {
		Title map[string]string
		Enum  map[string]map[string]string
	} `json:"x-i18n"`
}

// answer gives the smallest value a field takes.
func (p *property) answer() any {
	switch {
	case p.Const != nil:
		return p.Const
	case p.Enum != nil:
		return p.Enum[0]
	case p.Type == "boolean":
		return true
	case p.Type == "integer", p.Type == "number":
		if p.Minimum != nil {
			return *p.Minimum
		}
		return 0
	case p.Type == "array":
		return []any{p.Items.answer()}
	case p.Format == "date":
		return "2026-03-02"
	case p.Format == "date-time":
		return "2026-03-02T09:00:00+08:00"
	case p.Pattern != "" && p.Max == 4:
		return "1234"
	case p.Pattern != "":
		return "0531-12345"
	}
	return "示例"
}

type formShape struct {
	Properties map[string]*property
	Required   []string
	AllOf      []struct {
		If struct {
			Properties map[string]*property
		}
		Then struct {
			Required   []string
			Properties map[string]*property
		}
	}
}

// smallest is the smallest answer a form takes.
func (f *formShape) smallest() map[string]any {
	a := map[string]any{}
	for _, r := range f.Required {
		a[r] = f.Properties[r].answer()
	}
	for range 3 { // one rule may call for a field that another looks at
		for _, rule := range f.AllOf {
			hit := true
			for name, c := range rule.If.Properties {
				v, ok := a[name]
				hit = hit && ok && (c.Const == v || slices.Contains(c.Enum, v))
			}
			for _, r := range rule.Then.Required {
				if _, ok := a[r]; hit && !ok {
					p := f.Properties[r]
					if q := rule.Then.Properties[r]; q != nil && q.Const != nil {
						p = q
					}
					a[r] = p.answer()
				}
			}
		}
	}
	return a
}

// Every form takes its smallest answer and one with every field; it refuses the
// smallest without any required field and one with a field nobody asked for, and
// names that field.
func TestShippedFormsTakeAnswers(t *testing.T) {
	s, items, _ := shipped(t)
	for _, i := range items {
		var f formShape
		if err := json.Unmarshal(i.Form, &f); err != nil {
			t.Fatalf("%s: %v", i.Key, err)
		}
		judge := func(a map[string]any) error {
			raw, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			return s.ValidateForm(i, raw)
		}
		small := f.smallest()
		if err := judge(small); err != nil {
			t.Errorf("%s refuses its smallest answer %v: %v", i.Key, small, err)
		}
		full := map[string]any{}
		for name, p := range f.Properties {
			full[name] = p.answer()
			if p.Words.Title["zh-CN"] != p.Title || p.Words.Title["en"] == "" {
				t.Errorf("%s.%s lacks titles", i.Key, name)
			}
			values := p.Enum
			if p.Items != nil {
				values = p.Items.Enum
			}
			for _, v := range values {
				if w := p.Words.Enum[fmt.Sprint(v)]; w["zh-CN"] == "" || w["en"] == "" {
					t.Errorf("%s.%s: %v has no words", i.Key, name, v)
				}
			}
		}
		if err := judge(full); err != nil {
			t.Errorf("%s refuses a full answer: %v", i.Key, err)
		}
		for _, r := range f.Required {
			less := maps.Clone(small)
			delete(less, r)
			err := judge(less)
			if !slices.ContainsFunc(fault.Of(err).Where, func(w fault.Where) bool {
				return w.Path == "body.form."+r && w.Code == errFieldMissing.Code
			}) {
				t.Errorf("%s without %s: %v", i.Key, r, err)
			}
			raw, _ := json.Marshal(less)
			if err := s.ValidatePart(i, raw); err != nil {
				t.Errorf("%s refuses a part without %s: %v", i.Key, r, err)
			}
		}
		more := maps.Clone(small)
		more["not_asked"] = 1
		if w := fault.Of(judge(more)).Where; len(w) != 1 || w[0].Path != "body.form.not_asked" || w[0].Code != errFieldUnknown.Code {
			t.Errorf("%s accepts a field that was not asked: %v", i.Key, w)
		}
	}
}

// The rights line in data: no form collects what must not be collected, and the
// help with the anti-fraud app records consent, help and date only. (DESIGN.md
// section 9)
func TestFormsKeepTheRightsLine(t *testing.T) {
	_, items, _ := shipped(t)
	banned := []string{
		"重点人", "前科", "吸毒", "社区矫正", "精神病", "信访人", "宗教", "民族", "政治面貌", "人脸", "指纹", "黑名单", "信用分",
		"watch list", "religion", "ethnic", "criminal", "biometric", "face id", "credit score",
	}
	for _, i := range items {
		low := strings.ToLower(string(i.Form))
		for _, b := range banned {
			if strings.Contains(low, b) {
				t.Errorf("%s collects %s", i.Key, b)
			}
		}
		if i.Key == "anti_fraud_help" {
			var f formShape
			if err := json.Unmarshal(i.Form, &f); err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(f.Properties)); !slices.Equal(got, []string{"consented", "help", "helped_on"}) {
				t.Errorf("anti-fraud help records %v", got)
			}
		}
	}
}

// Every reason leads to a state of some flow, is approved where it must be, and
// a refusal has words for the resident.
func TestShippedReasons(t *testing.T) {
	s, _, known := shipped(t)
	sh := s.Shared()
	if len(sh.Reasons) != 55 || len(sh.Kinds) != 14 {
		t.Errorf("%d reasons of %d kinds", len(sh.Reasons), len(sh.Kinds))
	}
	states := map[string]bool{"": true}
	for _, f := range sh.Flows {
		final := false
		for _, st := range f.States {
			states[st.Key] = true
			final = final || st.Final
			if _, ok := s.Stage(st.Stage); !ok && st.Key != "draft" {
				t.Errorf("%s.%s has no stage", f.Key, st.Key)
			}
			if !slices.ContainsFunc(sh.Owners, func(o Term) bool { return o.Key == st.Owner }) {
				t.Errorf("%s.%s has no owner", f.Key, st.Key)
			}
			if st.Final && st.Clock != "stopped" {
				t.Errorf("%s.%s ends with a running clock", f.Key, st.Key)
			}
		}
		if !final {
			t.Errorf("flow %s has no end", f.Key)
		}
		for _, task := range f.Tasks {
			if _, ok := s.State(Flow(f.Key), task.During); !ok {
				t.Errorf("task %s.%s has no state", f.Key, task.Key)
			}
		}
	}
	has := func(list []Term, key string) bool {
		return slices.ContainsFunc(list, func(x Term) bool { return x.Key == key })
	}
	for _, r := range sh.Reasons {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := checkEntry(Entry{Kind: kindReason, Key: r.Key, Content: raw}, raw, known); err != nil {
			t.Errorf("%s: %v", r.Key, err)
		}
		e := r.Effect
		if !has(sh.Kinds, r.Kind) || !states[e.State] || !has(sh.ClockEffects, e.Clock) ||
			!has(sh.Owners, e.Owner) && !slices.Contains([]string{"unchanged", "sender", "next_level"}, e.Owner) {
			t.Errorf("%s refers to what is not there: %+v", r.Key, e)
		}
		decided := r.Kind == ReasonSuspend || r.Kind == ReasonExtend || r.Kind == ReasonVoid
		if decided && e.Approval == "" && e.State != "withdrawn" {
			t.Errorf("%s needs an approval", r.Key)
		}
		if (r.Kind == ReasonRefuse || r.Kind == ReasonDecline) && !slices.Contains(e.Tells, "resident") {
			t.Errorf("%s does not tell the resident", r.Key)
		}
	}
	for _, k := range []string{"accept", "verify", "dispatch", "check"} {
		if c, err := s.StageClock(k); err != nil || c.For(Urgent).Clock != calendar.UrgentHour || c.For(Normal).Validate() != nil {
			t.Errorf("stage clock %s: %+v, %v", k, c, err)
		}
	}
}

// Every text in every default file is in both languages, each in its own.
func TestDefaultsSpeakBothLanguages(t *testing.T) {
	files, err := data.FS.ReadDir("defaults")
	if err != nil {
		t.Fatal(err)
	}
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x3400 && r <= 0x9fff })
	}
	texts := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for n, x := range v {
				walk(fmt.Sprintf("%s[%d]", at, n), x)
			}
		case map[string]any:
			zh, hasZh := v["zh-CN"].(string)
			en, hasEn := v["en"].(string)
			if hasZh || hasEn {
				texts++
				if zh == "" || en == "" || strings.TrimSpace(zh) != zh || strings.TrimSpace(en) != en || !han(zh) || han(en) {
					t.Errorf("%s: %q, %q", at, zh, en)
				}
			}
			for k, x := range v {
				walk(at+"."+k, x)
			}
		}
	}
	for _, f := range files {
		name, isJSON := strings.CutSuffix(f.Name(), ".json")
		if !isJSON {
			continue
		}
		raw, err := data.FS.ReadFile("defaults/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		walk(name, v)
	}
	if texts < 1500 {
		t.Errorf("only %d texts were looked at", texts)
	}
}

// The real sample reads through its mapping without a refusal, every one of the
// 158 types leads to an item in force with a complete answer to its form, and
// the facts of the sample are as its README states.
func TestRealRequestsReadThroughTheirMapping(t *testing.T) {
	s, items, _ := shipped(t)
	raw, err := data.FS.ReadFile("mappings/boston311.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := table.ParseMapping(raw)
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]Item{}
	for _, i := range items {
		byKey[i.Key] = i
	}
	rows := m.Lookups[0].Rows
	if len(rows) != 158 {
		t.Errorf("%d types", len(rows))
	}
	for name, r := range rows {
		text := func(k string) string {
			var v string
			_ = json.Unmarshal(r[k], &v)
			return v
		}
		i, ok := byKey[text("item")]
		if !ok || i.Flow != Handling {
			t.Errorf("%s: no item to handle: %s", name, text("item"))
			continue
		}
		if _, ok := i.Condition(text("condition")); !ok || text("condition") == "" {
			t.Errorf("%s: no condition %s", name, text("condition"))
		}
		if err := s.ValidateForm(i, r["form"]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text("title") == "" {
			t.Errorf("%s has no title", name)
		}
	}
	sample, err := data.FS.Open("demo/requests-5000.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer sample.Close()
	r, err := table.NewReader(sample, "requests-5000.csv.gz", table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Fits(r.Header()); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	rep, err := table.Job{Rows: r, Take: func(_ context.Context, rows []table.Row) ([]table.Outcome, error) {
		out := make([]table.Outcome, len(rows))
		for n, row := range rows {
			rec, err := m.Read(row)
			if err != nil {
				return nil, err
			}
			count(got, rec)
			out[n].Notes = rec.Notes
		}
		return out, nil
	}}.Run(t.Context())
	want := map[string]int{"open": 618, "no deadline": 1030, "late": 1054, "untimed": 26}
	if err != nil || rep.Read != 5000 || rep.Taken != 5000 || rep.Noted != 26 || !maps.Equal(got, want) {
		t.Errorf("%+v, %v, %v", rep, got, err)
	}
}

func count(got map[string]int, rec table.Record) {
	for what, is := range map[string]bool{
		"open": rec.Text("state") == "open", "no deadline": rec.Time("due_at").IsZero(),
		"late": rec.Text("given_late") == "late", "untimed": rec.Text("untimed") == "true",
		"outside": rec.Time("closed_at").Before(rec.Time("opened_at")) && !rec.Time("closed_at").IsZero(),
	} {
		if is {
			got[what]++
		}
	}
}
