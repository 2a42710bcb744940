package town_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The permission matrix: every operation, asked by every role, for something
// within its scope and for something outside, by real requests. What came out
// is committed as testdata/permissions.golden and read in review: a change of a
// role, a guard or a query shows there. An operation without a sample fails.

const (
	own   = "own"   // lies in M1, G1, P1, S1, and where it matters with D1: in the scope of every "… 1"
	other = "other" // lies in G4, P3, S2, and with D2
	all   = "-"     // has no place
)

// ask is one request.
type ask struct {
	method, path string
	body         any
	headers      []string
	as           *town.Person      // instead of the one who is asked about
	shows        func([]byte) bool // of a list: whether the thing is in it
}

// sample is how one operation is asked.
type sample struct {
	op, what string
	scopes   []string
	// make prepares something fresh and the request about it. It is called
	// again after each request that was taken.
	make func(m *matrix, scope, actor string) ask
	// each wants something fresh for every actor: its own post, or session.
	each bool
}

func (s sample) name() string {
	if s.what == "" {
		return s.op
	}
	return s.op + " (" + s.what + ")"
}

// matrix is one run over a town.
type matrix struct {
	*town.Town
	ops    map[string]httpx.Op
	actors []string
	photo  casework.File
	n      int
	rows   map[string]map[string]string // "operation scope" -> actor -> outcome
	used   map[string]bool
	may    map[string][]string // permissions of a role
}

// Who is asked about beside the roles.
const (
	resident  = "resident"  // no account, but the cookie of the own report
	nobody    = "nobody"    // an account without a post
	anonymous = "anonymous" // nothing at all
)

func newMatrix(w *town.Town) *matrix {
	m := &matrix{Town: w, ops: map[string]httpx.Op{}, rows: map[string]map[string]string{}, used: map[string]bool{}, may: map[string][]string{}}
	for _, op := range w.App.Edge.Ops() {
		m.ops[op.ID] = op
	}
	for _, r := range w.Roles {
		if r != resident {
			m.actors = append(m.actors, r)
		}
	}
	m.actors = append(m.actors, resident, nobody, anonymous)
	var err error
	if m.photo, err = w.App.Cases.KeepPicture(w.Context(), bytes.NewReader(town.Picture()), w.App.Files); err != nil {
		w.Fatal(err)
	}
	var book struct {
		Roles []struct {
			Key         string   `json:"key"`
			Permissions []string `json:"permissions"`
		} `json:"roles"`
	}
	w.As("hub officer 1").Gets("/api/roles", &book)
	for _, r := range book.Roles {
		m.may[r.Key] = r.Permissions
	}
	return m
}

// name is the person of a role: "village desk 1".
func name(role string) string { return strings.ReplaceAll(role, "_", " ") + " 1" }

// person is whoever asks.
func (m *matrix) person(actor string) *town.Person {
	switch actor {
	case resident, anonymous:
		return m.Stranger(actor)
	case nobody:
		return m.As(nobody)
	}
	return m.As(name(actor))
}

// run asks everything of these actors.
func (m *matrix) run(samples []sample, actors []string) {
	m.Helper()
	for _, s := range samples {
		if _, ok := m.ops[s.op]; !ok {
			m.Errorf("sample %s is for no operation", s.name())
			continue
		}
		m.used[s.op] = true
		for _, scope := range s.scopes {
			row := map[string]string{}
			m.rows[s.name()+" "+scope] = row
			var fresh *ask
			for _, actor := range actors {
				if fresh == nil || s.each || actor == resident {
					a := s.make(m, scope, actor)
					fresh = &a
				}
				outcome, taken := m.ask(s, *fresh, actor)
				row[actor] = outcome
				if taken && m.ops[s.op].Kind != "read" || actor == resident {
					fresh = nil
				}
			}
		}
	}
}

// ask sends one request and says what came of it.
func (m *matrix) ask(s sample, a ask, actor string) (outcome string, taken bool) {
	m.Helper()
	p := a.as
	if p == nil {
		p = m.person(actor)
	}
	op := m.ops[s.op]
	if a.method == "" {
		a.method = op.Method
	}
	got := p.Do(a.method, a.path, a.body, a.headers...)
	switch {
	case got.Status >= 500:
		m.Errorf("%s asks %s: %s %s", actor, s.name(), got, got.Body)
	case got.Status < 400 && a.shows != nil && !a.shows(got.Body):
		return "not in it", true
	case got.Status < 400:
		return "allowed", true
	}
	return got.String(), false
}

// text is the matrix as it is committed.
func (m *matrix) text() string {
	var b strings.Builder
	b.WriteString("# Who may do what: made by real requests (go test ./internal/town -run Matrix -update).\n")
	b.WriteString("# own: the thing lies in the asker's scope; other: in the other street, with the other department;\n")
	b.WriteString("# -: it has no place. resident: no account, but the cookie of the own report.\n")
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		by := map[string][]string{}
		for _, actor := range m.actors {
			if outcome, asked := m.rows[key][actor]; asked {
				by[outcome] = append(by[outcome], actor)
			}
		}
		fmt.Fprintf(&b, "\n%s\n", key)
		outcomes := slices.Sorted(maps.Keys(by))
		if i := slices.Index(outcomes, "allowed"); i > 0 {
			outcomes = slices.Insert(slices.Delete(outcomes, i, i+1), 0, "allowed")
		}
		for _, outcome := range outcomes {
			fmt.Fprintf(&b, "  %-28s %s\n", outcome, m.set(by[outcome]))
		}
	}
	return b.String()
}

// set names a set of actors; a large one by who is not in it.
func (m *matrix) set(some []string) string {
	var rest []string
	for _, a := range m.actors {
		if !slices.Contains(some, a) {
			rest = append(rest, a)
		}
	}
	switch {
	case len(rest) == 0:
		return "all"
	case len(rest) <= 8 && len(rest) < len(some):
		return "all but " + strings.Join(rest, ", ")
	}
	return strings.Join(some, ", ")
}

// parse reads a committed matrix back.
func (m *matrix) parse(text string) map[string]map[string]string {
	rows := map[string]map[string]string{}
	key := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, " "):
			key = line
			rows[key] = map[string]string{}
		default:
			outcome, set := strings.TrimSpace(line[:30]), strings.TrimSpace(line[30:])
			rest, but := strings.CutPrefix(set, "all but ")
			for _, actor := range m.actors {
				in := slices.Contains(strings.Split(rest, ", "), actor)
				if set == "all" || in != but {
					rows[key][actor] = outcome
				}
			}
		}
	}
	return rows
}

// leftOut are operations without a row: what is static and depends on whether
// the web was built.
var leftOut = []string{"desk.app"}

const golden = "testdata/permissions.golden"

func TestPermissionMatrix(t *testing.T) {
	m := newMatrix(town.New(t, db.SQLite))
	m.run(samples(), m.actors)
	m.feed(m.actors)
	for op := range m.ops {
		if !m.used[op] && !slices.Contains(leftOut, op) {
			t.Errorf("operation %s has no sample request: add one in samples_test.go", op)
		}
	}
	got := m.text()
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	m.compare(string(want), m.actors)
	if string(want) != got && !t.Failed() {
		t.Errorf("%s is written differently; run with -update", golden)
	}
	m.Verified()
}

// On PostgreSQL the same for some of the roles, one of each kind of scope.
func TestPermissionMatrixPostgres(t *testing.T) {
	m := newMatrix(town.New(t, db.Postgres))
	some := []string{"grid_officer", "village_desk", "street_leader", "hub_officer", "department_handler", "grid_clerk", "security_admin", resident, nobody, anonymous}
	m.run(samples(), some)
	m.feed(some)
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	m.compare(string(want), some)
}

// compare tells each difference by its row and role.
func (m *matrix) compare(text string, actors []string) {
	m.Helper()
	want := m.parse(text)
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		if want[key] == nil {
			m.Errorf("%s is not in %s; run with -update and read the difference", key, golden)
			continue
		}
		for _, actor := range actors {
			if got := m.rows[key][actor]; got != want[key][actor] {
				m.Errorf("%s: %s gets %q, the golden file says %q", key, actor, got, want[key][actor])
			}
		}
	}
	for key := range want {
		if m.rows[key] == nil {
			m.Errorf("%s is in %s but was not asked", key, golden)
		}
	}
}

// feed asks who hears of a case in its scope, and of one outside.
func (m *matrix) feed(actors []string) {
	m.Helper()
	m.used["feed.listen"] = true
	m.SignInAnew()
	rows := map[string]map[string]string{own: {}, other: {}}
	feeds := map[string]*town.Feed{}
	for _, actor := range actors {
		p := m.person(actor)
		f, refused := p.TriesToListen()
		if f == nil {
			for _, row := range rows {
				row[actor] = refused.String()
			}
			continue
		}
		feeds[actor] = f
	}
	cases := map[string]town.Case{}
	for scope := range rows {
		cases[scope] = m.caseIn(scope, "dispatched", "", id.ID{})
	}
	head := m.Head()
	for actor, f := range feeds {
		f.Looked(head)
		for scope, row := range rows {
			row[actor] = "not in it"
			if f.Heard(cases[scope]) {
				row[actor] = "allowed"
			}
		}
	}
	for scope, row := range rows {
		m.rows["feed.listen "+scope] = row
	}
}

// tile is the path of the tile of zoom 14 in which the middle of a grid lies.
func tile(grid string) string {
	lon, lat := town.Middle(grid)
	t := maptile.At(orb.Point{lon, lat}, 14)
	return fmt.Sprintf("/api/map/grids/%d/%d/%d", t.Z, t.X, t.Y)
}

// caseTile is the tile of cases in the middle of a grid, so near that each is a
// point.
func caseTile(grid, more string) string {
	lon, lat := town.Middle(grid)
	t := maptile.At(orb.Point{lon, lat}, 18)
	return fmt.Sprintf("/api/map/cases/%d/%d/%d%s", t.Z, t.X, t.Y, more)
}
