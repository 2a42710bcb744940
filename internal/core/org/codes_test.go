package org_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	declared = regexp.MustCompile(`fault\.New\(fault\.\w+, "([a-z_.]+)"\)`)
	atField  = regexp.MustCompile(`\.At\([^,]+, "([a-z_]+\.[a-z_]+)"`)
)

// codesOf lists the fault codes that a source file of this package names.
func codesOf(t *testing.T, name string) []string {
	t.Helper()
	if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, pattern := range []*regexp.Regexp{declared, atField} {
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	return out
}
