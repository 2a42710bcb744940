package place

import (
	"strings"
	"testing"
)

// Whatever name or list somebody writes, tidying it once is enough, and the list
// counts no less than nothing.
func FuzzTidy(f *testing.F) {
	for _, s := range []string{"　马店村１２号 ", "折叠椅×40；投影仪", "a*9223372036854775807", "x*-1", "\u00a0\u2003", "ＡＢ～"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tidy := Tidy(s)
		if again := Tidy(tidy); again != tidy {
			t.Fatalf("%q became %q and then %q", s, tidy, again)
		}
		if stem := Stem(tidy); !strings.HasPrefix(tidy, stem) {
			t.Fatalf("%q has the stem %q", tidy, stem)
		}
		list, _ := equipmentOf(s)
		for _, e := range list {
			if e.Count < 0 {
				t.Fatalf("%q counts %d", s, e.Count)
			}
		}
		if tidy != "" { // nothing is looked up for nothing
			tokenOf(tidy)
		}
	})
}
