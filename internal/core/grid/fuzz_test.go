package grid

import (
	"encoding/json"
	"testing"

	"onegrid/internal/kit/fault"
)

// Whatever rule for codes is written, it is refused or gives codes that follow
// it, and no code that does not is taken.
func FuzzTemplate(f *testing.F) {
	f.Add([]byte(`{"check":"mod11-10","segments":[{"source":"community","length":12},{"source":"fixed","length":1,"text":"9"},{"source":"sequence","length":3}]}`), "370115003201", "370115003201900", int64(7))
	f.Add([]byte(`{"check":"none","segments":[{"source":"parent","length":15},{"source":"sequence","length":9}]}`), "", "x", int64(1)<<62)
	f.Add([]byte(`{"segments":[{"source":"sequence","length":1,"start":-1}]}`), "字", "字", int64(0))
	f.Fuzz(func(t *testing.T, rule []byte, from, code string, number int64) {
		var tp Template
		if json.Unmarshal(rule, &tp) != nil || tp.Verify() != nil {
			return
		}
		sources := Sources{Community: from, Parent: from}
		if err := tp.Validate(code, sources); err != nil && fault.Of(err).Kind == fault.Internal {
			t.Fatal(err)
		}
		prefix, err := tp.Prefix(sources)
		if err != nil {
			return
		}
		made, err := tp.Make(prefix, number)
		if err != nil {
			return
		}
		if err := tp.Validate(made, sources); err != nil {
			t.Fatalf("%s makes %q, which it refuses: %v", rule, made, err)
		}
		if n := tp.Number(prefix, made); n != number {
			t.Fatalf("%q is number %d, made of %d", made, n, number)
		}
	})
}
