package httpx_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// No handler reaches HTTP but through this package: huma's own registration and
// net/http's are called nowhere else in the program (STYLE.md 3.6).
func TestNoHandlerOutsideTheEdge(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]string{
		"github.com/danielgtaylor/huma/v2": {"Register", "Get", "Post", "Put", "Patch", "Delete", "Head", "AutoRegister", "NewAPI"},
		"net/http":                         {"Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "DefaultServeMux", "NewServeMux", "Server"},
	}
	files := 0
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, filepath.Join("kit", "httpx")) {
				return err
			}
			files++
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, found := range forbidden(t, path, src, bad) {
				t.Errorf("%s: use httpx.Read, Write, Stream or Page", found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 20 {
		t.Fatalf("only %d files were looked at", files)
	}
	// The test itself can fail.
	src := "package x\nimport h \"net/http\"\nfunc f() { h.HandleFunc(\"/\", nil) }\n"
	if len(forbidden(t, "x.go", []byte(src), bad)) != 1 {
		t.Fatal("a bare handler was not found")
	}
}

// forbidden lists the uses of names that a file may not use.
func forbidden(t *testing.T, path string, src []byte, bad map[string][]string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil // does not compile: the compiler says so better
	}
	names := map[string][]string{}
	for _, i := range file.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		if bad[p] == nil {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(p), "/v2")
		if filepath.Base(p) == "v2" {
			name = filepath.Base(filepath.Dir(p))
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = bad[p]
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && slices.Contains(names[x.Name], s.Sel.Name) {
			found = append(found, fmt.Sprintf("%s: %s.%s", set.Position(s.Pos()), x.Name, s.Sel.Name))
		}
		return true
	})
	return found
}
