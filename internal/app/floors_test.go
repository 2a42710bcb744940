package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors lists the rooms, lowest floor first. A room may import rooms of lower
// floors and nothing else of the house; siblings never import each other.
// (DESIGN: the house; core is one floor after the other in the order written
// there.)
var floors = [][]string{
	{"data", "internal/kit/fault", "internal/kit/disk"},
	{"internal/kit/geo", "internal/kit/id", "internal/kit/words", "internal/kit/table", "internal/kit/metrics", "internal/kit/pinyin", "internal/kit/pdf", "internal/kit/face", "internal/wire/smpp"},
	{"internal/kit/personal"},
	{"internal/kit/db", "internal/kit/seal", "internal/kit/blob", "internal/kit/sheet"},
	{"internal/kit/jobs", "internal/kit/live", "internal/kit/httpx", "internal/kit/backup", "internal/kit/archive"},
	{"internal/core/journal"},
	{"internal/core/org"},
	{"internal/core/grid", "internal/core/calendar"},
	{"internal/core/duty", "internal/core/place"},
	{"internal/core/access"},
	{"internal/core/catalog", "internal/core/registry", "internal/core/device", "internal/core/notice"},
	{"internal/core/casework"},
	{"internal/work/figures"},
	{"internal/doors/portal"},
	{"web", "internal/demo/area"},
	{"internal/app"},
	{"internal/demo"},
	{"internal/town"},
	{"internal/proof"},
	{"cmd/onegrid"},
}

// testOnly rooms may be imported by tests and by the town alone.
var testOnly = []string{"internal/kit/db/dbtest", "internal/kit/blob/s3test"}

// The files themselves are parsed: a list from the go command is cached by the
// test runner and misses a package that was just added.
func TestFloors(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	floor := map[string]int{}
	for n, rooms := range floors {
		for _, room := range rooms {
			floor[room] = n
		}
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") || name == "bench" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		room := path.Dir(filepath.ToSlash(rel))
		isTest := strings.HasSuffix(file, "_test.go")
		if slices.Contains(testOnly, room) {
			return nil
		}
		own, known := floor[room]
		if !known {
			t.Errorf("%s: room %s stands on no floor: add it to the list", rel, room)
			return nil
		}
		seen[room] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			other, ours := strings.CutPrefix(imported, "onegrid/")
			if !ours || other == room {
				continue
			}
			if slices.Contains(testOnly, other) {
				if !isTest && room != "internal/town" {
					t.Errorf("%s imports %s, which is for tests", rel, other)
				}
				continue
			}
			at, known := floor[other]
			switch {
			case !known:
				t.Errorf("%s imports %s, which stands on no floor", rel, other)
			case at >= own && !isTest:
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only", rel, own, other, at)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range floor {
		if !seen[room] {
			t.Errorf("%s is on a floor but has no Go files", room)
		}
	}
}
