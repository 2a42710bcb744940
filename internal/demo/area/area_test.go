package area_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/grid"
	"onegrid/internal/demo/area"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/table"
)

var update = flag.Bool("update", false, "write data/demo/area.geojson anew")

func build(t *testing.T) *area.Area {
	t.Helper()
	a, err := area.Build(data.FS, area.Seed)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The streets and villages are the real ones, each village once and in its own
// street; the rest has the numbers of the brief, is in one piece with its street
// and says that it is made up.
func TestAreaHasItsNumbers(t *testing.T) {
	a := build(t)
	perStreet := map[string]int{}
	platform := map[string]area.Platform{}
	for _, p := range a.Platforms {
		platform[p.Code] = p
	}
	for _, v := range a.Villages {
		perStreet[v.Street]++
		p := platform[v.Platform]
		if p.Street != v.Street || !slices.Contains(p.Villages, v.Code) {
			t.Errorf("%s is covered by %+v", v.Name, p)
		}
	}
	want := map[string]int{"370105017000": 72, "370115003000": 70, "370115004000": 71, "370115006000": 91}
	if !maps.Equal(perStreet, want) || len(platform) != area.Platforms {
		t.Errorf("%v, %d platforms", perStreet, len(platform))
	}
	for _, s := range a.Streets {
		if s.Name.English == "" || len(s.Outline) < 50 {
			t.Errorf("%+v", s.Name)
		}
	}
	kinds, codes, grids := map[string]int{}, map[string]bool{}, map[string]int{}
	code := map[string]*regexp.Regexp{"base": regexp.MustCompile(`^\d{15}$`), "micro": regexp.MustCompile(`^\d{17}$`)}
	for _, g := range a.Grids {
		kinds[g.Layer+" "+g.Kind]++
		if !code[g.Layer].MatchString(g.Code) || codes[g.Code] || g.Name.Chinese == "" || g.Name.English == "" {
			t.Errorf("%+v", g.Name)
		}
		codes[g.Code] = true
		if g.Layer == "base" {
			grids[g.Platform]++
		}
		if community := g.Code[:12]; g.Kind == "special" != (g.Platform == "") || g.Layer == "base" && community != max(g.Platform, "") && community != g.Street {
			t.Errorf("%s belongs to %q and %q", g.Code, g.Platform, g.Street)
		}
		if g.Households > 1000 || g.Kind == "comprehensive" && g.Layer == "base" && g.Households < 300 {
			t.Errorf("%s has %d households", g.Code, g.Households)
		}
		if g.Layer == "micro" && (!strings.HasPrefix(g.Code, g.Parent) || !codes[g.Parent]) {
			t.Errorf("%s lies in %s", g.Code, g.Parent)
		}
	}
	if kinds["base comprehensive"] != 200 || kinds["base special"] != 8 || kinds["micro comprehensive"] < 36 {
		t.Errorf("%v", kinds)
	}
	two := 0
	for p, n := range grids {
		if p != "" && n == 2 {
			two++
		}
	}
	if two != 34 {
		t.Errorf("%d platforms have two grids", two)
	}
}

// The shipped file is what the seed draws, byte for byte, and small.
func TestShippedAreaIsTheDrawnOne(t *testing.T) {
	drawn, err := build(t).GeoJSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../../../data/demo/area.geojson", drawn, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	shipped, err := data.FS.ReadFile("demo/area.geojson")
	if err != nil {
		t.Fatal(err)
	}
	// Other processors may round the last digit of a sine differently; there the
	// file stays as it is.
	if runtime.GOARCH == "amd64" && !bytes.Equal(drawn, shipped) {
		t.Error("data/demo/area.geojson is not what is drawn; run go generate ./internal/demo/area")
	}
	if len(shipped) > 1_200_000 {
		t.Errorf("%d bytes", len(shipped))
	}
	if other, err := area.Build(data.FS, area.Seed+1); err != nil || len(other.Grids) < area.BaseGrids {
		t.Errorf("another seed: %v", err)
	}
}

// partition builds a layer of the shipped file and refuses any gap or overlap.
func partition(t *testing.T, layer string) ([]string, *grid.Partition) {
	t.Helper()
	raw, err := data.FS.ReadFile("demo/area.geojson")
	if err != nil {
		t.Fatal(err)
	}
	all, err := grid.ReadDrawings(raw, geo.WGS84)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	var drawn []grid.Drawn
	for _, d := range all {
		if d.Err != nil {
			t.Fatalf("feature %d: %v", d.Number, d.Err)
		}
		if l, _ := d.Feature.Text("layer"); l == layer {
			drawn, codes = append(drawn, d.Drawn()), append(codes, d.Code)
		}
	}
	p, err := grid.Build(drawn)
	if err != nil || len(p.Flaws) > 0 {
		t.Fatalf("%s: %v, %+v", layer, err, p.Flaws)
	}
	return codes, p
}

// The drawn layers are partitions without gap or overlap, borders shared to the
// last digit.
func TestAreaIsAPartition(t *testing.T) {
	if codes, _ := partition(t, "base"); len(codes) != area.BaseGrids {
		t.Errorf("%d base grids", len(codes))
	}
	partition(t, "micro")
	// Every corner of a grid's border is a corner of its neighbour's or lies on
	// the rim: counted as directed edges, each inner one has its opposite.
	edges := map[[2]area.Point]int{}
	for _, g := range build(t).Grids {
		if g.Layer != "base" {
			continue
		}
		for _, r := range g.Shape {
			for i := 1; i < len(r); i++ {
				edges[[2]area.Point{r[i-1], r[i]}]++
			}
		}
	}
	rim := 0
	for e, n := range edges {
		if n != 1 {
			t.Fatalf("an edge is used %d times in one direction", n)
		}
		if edges[[2]area.Point{e[1], e[0]}] == 0 {
			rim++
		}
	}
	if rim < 300 || rim > 900 {
		t.Errorf("%d edges have no neighbour", rim)
	}
}

// Every real request of the sample, and the outermost ones of the whole file,
// lies in a grid after the mapping has moved it.
func TestRequestsLieInTheArea(t *testing.T) {
	_, p := partition(t, "base")
	raw, err := data.FS.ReadFile("mappings/boston311.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := table.ParseMapping(raw)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := data.FS.Open("demo/requests-5000.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer sample.Close()
	r, err := table.NewReader(sample, "requests.csv.gz", table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	used, rows := map[int]int{}, 0
	for {
		row, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rec, err := m.Read(row)
		if err != nil {
			t.Fatal(err)
		}
		lon, _ := rec.Float("lon")
		lat, _ := rec.Float("lat")
		i := p.Find(orb.Point{lon, lat})
		if i < 0 {
			t.Fatalf("row %d at %v, %v lies in no grid", row.Number, lon, lat)
		}
		used[i]++
		rows++
	}
	if rows != 5000 || len(used) < 80 {
		t.Errorf("%d requests in %d grids", rows, len(used))
	}
	for i, at := range hull {
		rec, err := m.Read(table.Row{Fields: map[string]string{
			"case_id": fmt.Sprint(i), "open_dt": "2015-06-01T08:00:00", "case_status": "Open", "source": "Twitter", "type": "Planting",
			"lon": fmt.Sprint(at[0]), "lat": fmt.Sprint(at[1]),
		}})
		if err != nil {
			t.Fatal(err)
		}
		lon, _ := rec.Float("lon")
		lat, _ := rec.Float("lat")
		if p.Find(orb.Point{lon, lat}) < 0 {
			t.Errorf("%v moves to %v, %v, outside the area", at, lon, lat)
		}
	}
}

// roles are the shipped roles with their scopes.
func roles(t *testing.T) (levels map[string][]string, apart map[string][]string) {
	t.Helper()
	raw, err := data.FS.ReadFile("defaults/roles.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Roles []struct {
			Key          string
			Scopes       []string `json:"scope_kinds"`
			Incompatible []string
		}
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	levels, apart = map[string][]string{}, map[string][]string{}
	for _, r := range f.Roles {
		levels[r.Key], apart[r.Key] = r.Scopes, r.Incompatible
	}
	return levels, apart
}

// The staff keeps the rules of staffing.json and roles.json: 186 officers for 208
// grids, neighbours who stand in, nobody with roles that exclude each other or
// with too many posts; nobody has the name of a person; every role that holds a
// post can be tried in the demo.
func TestStaff(t *testing.T) {
	a := build(t)
	s, err := a.Staff(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	levels, apart := roles(t)
	nodes, units := map[string]string{}, map[string]area.Unit{}
	for _, u := range s.Units {
		if _, ok := units[u.Parent]; u.Kind != "hub" && !ok {
			t.Errorf("%s stands before its parent", u.Code)
		}
		units[u.Code] = u
		nodes[u.Code] = map[string]string{"hub": "district", "platform": "village", "street": "street", "department": "department"}[u.Kind]
	}
	street := map[string]string{}
	for _, g := range a.Grids {
		nodes[g.Code] = map[string]string{"base": "grid", "micro": "micro_grid"}[g.Layer]
		street[g.Code] = g.Street
	}
	posts := map[string]area.Post{}
	for _, p := range s.Posts {
		if _, twice := posts[p.Key]; twice {
			t.Errorf("post %s twice", p.Key)
		}
		posts[p.Key] = p
		if _, ok := units[p.Unit]; !ok || !slices.Contains(levels[p.Role], p.Level) || nodes[p.Node] != p.Level && !(p.Level == "system" && p.Node == area.HubCode) {
			t.Errorf("%+v", p)
		}
	}
	persons := map[string]bool{}
	for _, p := range s.Persons {
		if persons[p.Key] || !strings.HasSuffix(p.Name, "（演示）") || !regexp.MustCompile(` \d{3}（`).MatchString(p.Name) {
			t.Errorf("%+v", p)
		}
		persons[p.Key] = true
	}
	held := map[string][]area.Holding{} // by person
	holder, deputy := map[string]string{}, map[string]string{}
	for _, h := range s.Holdings {
		if _, ok := posts[h.Post]; !ok || !persons[h.Person] {
			t.Errorf("%+v", h)
		}
		by := holder
		if h.StandIn {
			by = deputy
			if h.Days < 1 || h.Days > 90 {
				t.Errorf("%+v", h)
			}
		}
		if by[h.Post] != "" {
			t.Errorf("%s is held twice", h.Post)
		}
		by[h.Post] = h.Person
		held[h.Person] = append(held[h.Person], h)
	}
	for person, list := range held {
		count := map[string]int{}
		for _, h := range list {
			role := posts[h.Post].Role
			switch {
			case h.StandIn:
				count["stand-in"]++
			case role == "grid_officer":
				count["full"]++
			case slices.Contains([]string{"grid_head", "grid_guide", "part_officer", "group_leader", "building_head"}, role):
				count["part"]++
			}
			for _, other := range list {
				if slices.Contains(apart[role], posts[other.Post].Role) {
					t.Errorf("%s holds %s and %s", person, role, posts[other.Post].Role)
				}
			}
		}
		if count["stand-in"] > 2 || count["full"] > 1 || count["part"] > 3 {
			t.Errorf("%s holds %v", person, count)
		}
	}
	officers, vacant, stood := 0, 0, 0
	for key, p := range posts {
		switch {
		case p.Role != "grid_officer":
			if holder[key] == "" {
				t.Errorf("%s is vacant", key)
			}
		case holder[key] != "":
			officers++
		default:
			vacant++
			if d := deputy[key]; d != "" {
				stood++
				own := slices.IndexFunc(held[d], func(h area.Holding) bool { return !h.StandIn && posts[h.Post].Role == "grid_officer" })
				if own < 0 || street[posts[held[d][own].Post].Node] != street[p.Node] {
					t.Errorf("%s stands in for %s from elsewhere", d, key)
				}
			}
		}
	}
	if officers != 186 || vacant != area.Vacant || stood != 14 {
		t.Errorf("%d officers, %d vacant, %d stood in for", officers, vacant, stood)
	}
	offered := map[string]bool{}
	names := map[string]bool{}
	for _, x := range s.Accounts {
		if names[x.Name] || !persons[x.Person] || x.Label.Chinese == "" || x.Label.English == "" ||
			!slices.ContainsFunc(held[x.Person], func(h area.Holding) bool { return h.Post == x.Post }) {
			t.Errorf("%+v", x)
		}
		names[x.Name] = true
		offered[posts[x.Post].Role] = true
	}
	for role := range levels {
		// A resident has no account and a department's system no person.
		if !offered[role] && role != "resident" && role != "exchange_client" {
			t.Errorf("no account for %s", role)
		}
	}
	t.Logf("%d units, %d posts, %d persons, %d holdings, %d accounts", len(s.Units), len(s.Posts), len(s.Persons), len(s.Holdings), len(s.Accounts))
}
