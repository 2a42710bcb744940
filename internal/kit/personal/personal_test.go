package personal

import "testing"

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, field string
		want           bool
	}{
		{"*", "case_party.name", true},
		{"case_party.name", "case_party.name", true},
		{"case_party.name", "case_party.phone", false},
		{"case_party.*", "case_party.phone", true},
		{"case_party.*", "case_party", false},
		{"form.*", "form.moving.name", true},
		{"form.*.phone", "form.moving.phone", true},
		{"form.*.phone", "form.moving.name", false},
		{"form.moving.*", "form.allowance.name", false},
		{"form.*.phone", "form.moving", false},
		{"case_party.name.first", "case_party.name", false},
	} {
		if got := Covers(c.pattern, c.field); got != c.want {
			t.Errorf("%q covers %q: %v", c.pattern, c.field, got)
		}
	}
}

func TestRoomKnowsWhatItDeclared(t *testing.T) {
	r := Room{Fields: []Field{{Key: "a.name"}}, Plain: []string{"b", "a.kind"}}
	for column, want := range map[[2]string]bool{{"a", "name"}: true, {"a", "kind"}: true, {"b", "any"}: true, {"a", "other"}: false, {"c", "name"}: false} {
		if r.Knows(column[0], column[1]) != want {
			t.Errorf("%v: %v", column, !want)
		}
	}
}
