package pinyin

import "testing"

// Whatever text comes, there is one list of readings for each character, and
// each reading can be spelt.
func FuzzOf(f *testing.F) {
	for _, s := range []string{"长清区", "银行", "a1 马店村", "㐀𠀀", "\xff\xfe", "会计会计"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := []rune(s)
		read := Of(text)
		if len(read) != len(text) {
			t.Fatalf("%d readings for %d characters", len(read), len(text))
		}
		for _, list := range read {
			for _, one := range list {
				if spelt := one.String(); spelt == "" || len(spelt) > Longest() {
					t.Fatalf("%q is read %q", s, spelt)
				}
				one.Class()
			}
		}
	})
}
