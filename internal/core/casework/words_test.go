package casework

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/internal/kit/words"
)

var update = flag.Bool("update", false, "write the diagrams anew")

// The tables draw their own pages; a change of a table without them fails.
func TestDiagrams(t *testing.T) {
	for _, f := range Flows() {
		file := filepath.Join("../../../docs/flows", string(f.Key)+".md")
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(f.Diagram()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != f.Diagram() {
			t.Errorf("%s is not what the table draws; run go generate ./internal/core/casework", file)
		}
	}
}

// Every code, move and event has its words in both languages, and no sentence
// stands there that nothing says.
func TestWords(t *testing.T) {
	cat, err := words.New(words.Source{Room: "casework", Files: Words})
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{"casework.denied": true, "casework.event.other": true, "casework.purpose.none": true}
	for _, code := range codes(t) {
		if strings.HasPrefix(code, "case.") {
			wanted[code] = true
		}
	}
	for _, f := range Flows() {
		for _, m := range f.Moves {
			wanted["casework.move."+m.Key] = true
			wanted["casework.event."+m.Key] = true
			if m.Permission != "" && len(m.From) > 0 {
				wanted["casework.consequence."+m.Key] = true
			}
		}
		for _, a := range f.About {
			if a.Clock != clockStopped && a.Clock != clockPaused {
				wanted["casework.clock."+string(a.Clock)] = true
			}
		}
	}
	for key := range wanted {
		if !cat.Has(key) {
			t.Errorf("no words for %s", key)
		}
	}
	for _, key := range cat.Keys() {
		if strings.HasPrefix(key, "case.") && !wanted[key] {
			t.Errorf("nothing says %s", key)
		}
	}
}

// codes are the fault codes of this package's files.
func codes(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	var out []string
	for _, p := range files {
		ast.Inspect(p, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) < 2 || sel.Sel.Name != "New" && sel.Sel.Name != "At" {
				return true
			}
			if lit, ok := call.Args[1].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				code, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, code)
			}
			return true
		})
	}
	if len(out) < 50 {
		t.Fatalf("only %d codes found", len(out))
	}
	return out
}

// One wrong character or two neighbours swapped never give another number.
func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(rapid.IntRange(2014, 2099).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		n := numberOf(day, rapid.SliceOfN(rapid.Byte(), randomChars, randomChars).Draw(t, "random"))
		if got, err := ParseNumber(strings.ToLower(strings.ReplaceAll(n, "-", " "))); err != nil || got != n {
			t.Fatalf("%s is read as %q, %v", n, got, err)
		}
		for i := range n {
			for _, c := range "0123456789ABCDEFGHJKMNPQRSTUVWXYZILO" {
				if wrong := n[:i] + string(c) + n[i+1:]; wrong != n {
					if got, err := ParseNumber(wrong); err == nil {
						t.Fatalf("%s with %c at %d is taken as %s", n, c, i, got)
					}
				}
			}
		}
		plain := strings.ReplaceAll(n, "-", "")
		for i := range len(plain) - 1 {
			b := []byte(plain)
			b[i], b[i+1] = b[i+1], b[i]
			if got, err := ParseNumber(string(b)); err == nil && got != n {
				t.Fatalf("%s with %d and %d swapped is taken as %s", n, i, i+1, got)
			}
		}
	})
}

// Words are cut the same way for the index and for a query.
func TestCut(t *testing.T) {
	for text, want := range map[string]string{
		"路灯不亮":            "路灯 灯不 不亮",
		"3号楼LED灯":         "3 号楼 led 灯",
		"  ，。！":           "",
		"Broken lamp, A1": "broken lamp a1",
		"灯":               "灯",
	} {
		if got := strings.Join(cut(text), " "); got != want {
			t.Errorf("%q is cut into %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("路灯不亮东门外abcXYZ123 ，。\"'&|():*"))).Draw(t, "text")
		for _, term := range cut(text) {
			if strings.ContainsAny(term, `"'&|():* `) {
				t.Fatalf("the term %q could break a query", term)
			}
		}
	})
}
