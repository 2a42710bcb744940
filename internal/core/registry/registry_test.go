package registry

import (
	"encoding/json"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/personal"
)

// A term counts whole days, months and years back from today.
func TestTermsCountBack(t *testing.T) {
	at := time.Date(2028, 2, 29, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		term   Term
		before string
	}{
		{Term{30, "day"}, "2028-01-30"}, {Term{6, "month"}, "2027-08-29"}, {Term{3, "year"}, "2025-03-01"}, {Term{1, "day"}, "2028-02-28"},
	} {
		if got := c.term.Before(at).Format(time.DateOnly); got != c.before {
			t.Errorf("%+v before %s: %s, not %s", c.term, at, got, c.before)
		}
		if c.term.After(c.term.Before(at)).Before(at.AddDate(0, 0, -3)) {
			t.Errorf("%+v does not come back", c.term)
		}
	}
}

// What shipped is whole: each purpose names what it opens, for whom and on what
// basis, and each class says what happens at its end.
func TestWhatShips(t *testing.T) {
	r, err := New(Options{Files: data.FS})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range r.shipped.purposes {
		if seen[p.Key] || p.Name.Chinese == "" || p.Name.English == "" || p.Basis.Chinese == "" || p.Basis.English == "" {
			t.Errorf("purpose %+v", p)
		}
		seen[p.Key] = true
		if open := len(p.Fields) > 0 && len(p.Roles) > 0; open != (p.Use == Open) {
			t.Errorf("purpose %s is for %s with %v for %v", p.Key, p.Use, p.Fields, p.Roles)
		}
	}
	if r.shipped.answerIn.Value == 0 || len(r.shipped.classes) < 30 {
		t.Errorf("%+v, %d classes", r.shipped.answerIn, len(r.shipped.classes))
	}
}

// A purpose opens what its patterns cover and nothing more sensitive than its
// level; one that ended, or is for keeping, opens nothing.
func TestPurposeOpensWhatItCovers(t *testing.T) {
	phone := personal.Field{Key: "form.moving.phone", Level: personal.Basic}
	illness := personal.Field{Key: "form.care.illness", Level: personal.Sensitive}
	for _, c := range []struct {
		p    Purpose
		f    personal.Field
		want bool
	}{
		{Purpose{Use: Open, Fields: []string{"form.*.phone"}, Level: personal.Basic}, phone, true},
		{Purpose{Use: Open, Fields: []string{"form.*.phone"}}, illness, false},
		{Purpose{Use: Open, Fields: []string{"form.*"}, Level: personal.Basic}, illness, false},
		{Purpose{Use: Open, Fields: []string{"form.*"}, Level: personal.Sensitive}, illness, true},
		{Purpose{Use: Open, Fields: []string{"form.*"}, Level: personal.Sensitive, Ended: true}, illness, false},
		{Purpose{Use: Keep, Fields: []string{"form.*"}, Level: personal.Sensitive}, phone, false},
	} {
		if got := c.p.opens(c.f); got != c.want {
			t.Errorf("%+v opens %s: %v", c.p, c.f.Key, got)
		}
	}
}

// A look is read from its facts, which outlive the content; older ones from what
// was said. Anything else is no look.
func TestLooksAreReadFromTheJournal(t *testing.T) {
	raw := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		e    journal.Entry
		want string
	}{
		{journal.Entry{Kind: "case.reveal", Facts: raw(seen{"visit", []string{"case_party.phone"}})}, "visit"},
		{journal.Entry{Kind: "case.reveal", Facts: raw(map[string]string{"item": "x"}), Body: raw(said{"contact", "回电", "name,phone"})}, "contact"},
		{journal.Entry{Kind: "case.reveal", Facts: raw(map[string]string{"item": "x"})}, ""},
		{journal.Entry{Kind: "case.close", Facts: raw(seen{"visit", nil})}, ""},
	} {
		if got, ok := lookOf(c.e); got.Purpose != c.want || ok != (c.want != "") {
			t.Errorf("%s: %+v %v", c.e.Kind, got, ok)
		}
	}
	if h := (held{map[id.ID]bool{{1}: true}, map[string]bool{"hazard": true}}); !h.has("hazard", id.ID{}) || !h.has("x", id.ID{1}) || h.has("x", id.ID{2}) {
		t.Error("holds name cases and classes")
	}
}

func TestMasks(t *testing.T) {
	for in, want := range map[string]string{"13800130021": "138****0021", "12": "12", "12345": "***45", "": ""} {
		if got := MaskPhone(in); got != want {
			t.Errorf("%q is masked %q", in, got)
		}
	}
	if MaskName(" 欧阳修 ") != "欧**" || MaskName("") != "" || Mask("x") != "x**" {
		t.Error("names are not masked")
	}
}
