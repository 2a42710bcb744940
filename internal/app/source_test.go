package app_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/kit/words"
)

// source is one Go file of the house that is no test.
type source struct {
	room, file string
	tree       *ast.File
}

// sources parses what is compiled into the program.
func sources(t *testing.T) (out []source) {
	t.Helper()
	root := filepath.Join("..", "..")
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			rel, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			out = append(out, source{path.Dir(filepath.ToSlash(rel)), rel, tree})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// text is a string literal's value.
func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// calls visits the calls of a function or method of a name.
func calls(s source, visit func(name string, call *ast.CallExpr)) {
	ast.Inspect(s.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
			visit(selector.Sel.Name, call)
		}
		return true
	})
}

// Whatever can go wrong is said in both languages: every code of a fault, and
// every code that a field is found wrong with.
func TestFaultCodesHaveWords(t *testing.T) {
	catalogue, err := app.Words()
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	codes := 0
	for _, s := range sources(t) {
		if s.room == "internal/town" {
			continue
		}
		check := func(c string) {
			codes++
			if c == "words.texts" { // the sentences themselves can't be read
				return
			}
			line, ok := catalogue.Raw(c)
			if !ok || line.In(words.Chinese) == "" || line.In(words.English) == "" {
				t.Errorf("%s: code %q is not said in both languages: %+v", s.file, c, line)
			}
		}
		calls(s, func(name string, call *ast.CallExpr) {
			of, _ := call.Fun.(*ast.SelectorExpr).X.(*ast.Ident)
			switch {
			case name == "New" && of != nil && of.Name == "fault" && len(call.Args) == 2:
				if c, ok := text(call.Args[1]); !ok {
					t.Errorf("%s: a fault whose code is no literal can't be looked up", s.file)
				} else if c != "" { // only a carrier of arguments
					check(c)
				}
			case name == "At" && len(call.Args) >= 2:
				if c, ok := text(call.Args[1]); ok && code.MatchString(c) {
					check(c)
				}
			}
		})
	}
	if codes < 300 {
		t.Errorf("only %d codes were found: the test looks in the wrong place", codes)
	}
}

// Every permission that the program asks for stands in the role book, so that
// somebody can have it.
func TestPermissionsAreInTheRoleBook(t *testing.T) {
	raw, err := data.FS.ReadFile("defaults/roles.json")
	if err != nil {
		t.Fatal(err)
	}
	var book struct {
		Permissions []struct{ Key string } `json:"permissions"`
		Roles       []struct{ Permissions []string }
	}
	if err := json.Unmarshal(raw, &book); err != nil {
		t.Fatal(err)
	}
	known, held := map[string]bool{}, map[string]bool{}
	for _, p := range book.Permissions {
		known[p.Key] = true
	}
	for _, r := range book.Roles {
		for _, p := range r.Permissions {
			held[p] = true
		}
	}
	all := sources(t)
	// Constants by room and name: a room names its permissions once.
	constants := map[string]string{}
	for _, s := range all {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					if c, ok := text(v.Values[i]); ok {
						constants[s.room+"."+name.Name] = c
					}
				}
			}
			return true
		})
	}
	asked := 0
	for _, s := range all {
		check := func(e ast.Expr) {
			p, ok := text(e)
			if name, isName := e.(*ast.Ident); isName {
				p, ok = constants[s.room+"."+name.Name]
			}
			if !ok || p == "" {
				return
			}
			asked++
			if !known[p] || !held[p] {
				t.Errorf("%s asks for %q, which no role has", s.file, p)
			}
		}
		calls(s, func(name string, call *ast.CallExpr) {
			if (name == "Check" || name == "Sees") && len(call.Args) == 2 || (name == "Has" || name == "Walks") && len(call.Args) == 1 {
				if strings.HasPrefix(s.room, "internal/core") || strings.HasPrefix(s.room, "internal/work") || s.room == "internal/app" {
					check(call.Args[0])
				}
			}
		})
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Permission" {
					check(kv.Value)
				}
			}
			return true
		})
	}
	if asked < 80 {
		t.Errorf("only %d permissions were found: the test looks in the wrong place", asked)
	}
}

// owners are the rooms that own tables, by how the tables' names begin. A room
// reads and writes its own tables only; figures reads others' through views
// that the owners ship. (STYLE.md section 5)
var owners = map[string]string{
	"journal_": "internal/core/journal", "org_": "internal/core/org", "grid_": "internal/core/grid", "cal_": "internal/core/calendar", "duty_": "internal/core/duty",
	"access_": "internal/core/access", "catalog_": "internal/core/catalog", "registry_": "internal/core/registry", "case_": "internal/core/casework", "cases": "internal/core/casework",
	"device": "internal/core/device", "notice": "internal/core/notice", "notice_": "internal/core/notice", "place_": "internal/core/place",
	"fig_": "internal/work/figures", "http_": "internal/kit/httpx", "job": "internal/kit/jobs", "db_": "internal/kit/db",
}

func ownerOf(table string) (room string, ok bool) {
	for prefix, room := range owners {
		if table == prefix || strings.HasSuffix(prefix, "_") && strings.HasPrefix(table, prefix) || prefix == "job" && strings.HasPrefix(table, "job_") {
			return room, true
		}
	}
	return "", false
}

func TestTablesHaveOneOwner(t *testing.T) {
	named := regexp.MustCompile(`\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+"?([a-z][a-z0-9_]*)`)
	found := 0
	for _, s := range sources(t) {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok {
				return true
			}
			sql, _ := text(lit)
			for _, m := range named.FindAllStringSubmatch(sql, -1) {
				owner, ours := ownerOf(m[1])
				if !ours {
					continue
				}
				found++
				if owner != s.room && !strings.HasPrefix(s.room, owner+"/") {
					t.Errorf("%s names the table %s of %s", s.file, m[1], owner)
				}
			}
			return true
		})
	}
	if found < 150 {
		t.Errorf("only %d tables were found in SQL: the test looks in the wrong place", found)
	}
	made := regexp.MustCompile(`(?i)CREATE (?:TABLE|VIEW|VIRTUAL TABLE)(?: IF NOT EXISTS)? ([a-z_0-9]+)`)
	files, err := filepath.Glob(filepath.Join("..", "*", "*", "migrations", "*.sql"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		room := path.Join("internal", filepath.ToSlash(strings.TrimPrefix(filepath.Dir(filepath.Dir(file)), ".."+string(filepath.Separator))))
		for _, m := range made.FindAllStringSubmatch(string(raw), -1) {
			if owner, ok := ownerOf(m[1]); !ok || owner != room {
				t.Errorf("%s makes the table %s, which by its name is of %q", file, m[1], owner)
			}
		}
	}
}

// Every table of the house belongs to a room that app knows, so that backups
// and restores have it.
func TestAllTablesAreKnown(t *testing.T) {
	var rooms []string
	for _, r := range app.Tables() {
		rooms = append(rooms, r.Name)
	}
	files, err := filepath.Glob(filepath.Join("..", "*", "*", "migrations"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range files {
		name := filepath.Base(filepath.Dir(dir))
		if !slices.Contains(rooms, name) && name != "db" {
			t.Errorf("%s has tables that app.Tables does not list", name)
		}
	}
}
