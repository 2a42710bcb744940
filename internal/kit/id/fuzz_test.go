package id

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever is called an id, it is refused or comes back as it was written.
func FuzzID(f *testing.F) {
	for _, s := range []string{"01a20b48-0900-7000-8000-000000000001", "01A20B48-0900-7000-8000-000000000001", "00000000-0000-0000-0000-000000000000", "", strings.Repeat("é", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err == nil && v.String() != strings.ToLower(s) {
			t.Fatalf("%q became %q", s, v)
		}
		var w ID
		if err := json.Unmarshal([]byte(s), &w); err == nil && !w.IsZero() {
			if u, err := Parse(w.String()); err != nil || u != w {
				t.Fatalf("%q: %v %v", s, u, err)
			}
		}
		if err := w.Scan([]byte(s)); (err == nil) != (len(s) == 16) {
			t.Fatalf("%d bytes: %v", len(s), err)
		}
	})
}
