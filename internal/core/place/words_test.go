package place_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"onegrid/internal/core/place"
	"onegrid/internal/kit/words"
)

var (
	declared = regexp.MustCompile(`fault\.New\(fault\.\w+, "([a-z_.]+)"\)`)
	atField  = regexp.MustCompile(`\.At\([^,]+, "(place\.[a-z_]+)"`)
)

// Every fault and every field's code of this room has a sentence in both
// languages, and no sentence is left over.
func TestWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "place", Files: place.Words})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []*regexp.Regexp{declared, atField} {
			for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = true
			}
		}
	}
	for code := range used {
		if !c.Has(code) {
			t.Errorf("%s has no words", code)
		}
	}
	for _, key := range c.Keys() {
		if !used[key] {
			t.Errorf("nobody says %s", key)
		}
	}
}
