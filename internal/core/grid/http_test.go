package grid

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/maptile"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/words"
)

// front is the operations over real HTTP; the header Person says who asks.
type front struct {
	*testing.T
	url string
}

func open(t *testing.T) *front {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
	d := dbtest.Open(t, db.SQLite, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, []db.Room{httpx.Room(), journal.Room(), Room()})
	texts, err := words.New(words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: "grid", Files: Words}, words.Source{Room: "geo", Files: geo.Words})
	if err != nil {
		t.Fatal(err)
	}
	e, err := httpx.New(httpx.Options{
		Title: "grids", Version: "1", DB: d, Words: texts, Now: clock.Now,
		Who: func(r *http.Request, _ httpx.Op) (httpx.Caller, error) {
			by := centre
			if r.Header.Get("Person") == "street 3" {
				by = &clerk{may: []string{permView}, street: unit(3)}
			}
			return httpx.Caller{By: by, Key: r.Header.Get("Person")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	New(district{}).Routes(e)
	s := httptest.NewServer(e.Handler())
	t.Cleanup(s.Close)
	return &front{t, s.URL}
}

func (f *front) send(person, method, path, body string, header ...string) (int, string, http.Header) {
	f.Helper()
	r, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Person", person)
	r.Header.Set("Accept-Language", "en")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		f.Fatal(err)
	}
	return a.StatusCode, string(b), a.Header
}

func (f *front) get(person, path string, into any) {
	f.Helper()
	code, body, _ := f.send(person, "GET", path, "")
	if code != 200 {
		f.Fatalf("GET %s: %d %.400s", path, code, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		f.Fatalf("GET %s: %v %.400s", path, err, body)
	}
}

func (f *front) draw(datum string, dry bool, rows ...ImportRow) Imported {
	f.Helper()
	var features []string
	for _, r := range rows {
		raw, err := json.Marshal(r.Shape)
		if err != nil {
			f.Fatal(err)
		}
		features = append(features, fmt.Sprintf(`{"type":"Feature","properties":{"code":%q,"name":%q,"platform":%q,"layer":%q,"made_up":true},"geometry":{"type":"MultiPolygon","coordinates":%s}}`,
			r.Code, r.Name, r.Platform, r.Layer, raw))
	}
	code, body, _ := f.send("centre", "POST", "/api/grids/drawings", fmt.Sprintf(`{"datum":%q,"dry_run":%v,"drawing":{"type":"FeatureCollection","features":[%s]}}`, datum, dry, strings.Join(features, ",")))
	var out Imported
	if err := json.Unmarshal([]byte(body), &out); err != nil || code != 200 {
		f.Fatalf("%d %v %.600s", code, err, body)
	}
	return out
}

func TestGridsOverHTTP(t *testing.T) {
	f := open(t)
	bad := four()
	bad[1] = cell("370115003201002", "p4", 4.1, 0, 8, 4)
	if r := f.draw("wgs84", true, bad...); r.Refused != 4 || len(r.Flaws) != 1 || r.Flaws[0].Kind != Gap || r.Flaws[0].Lon < 117.003 || len(r.Rows) != 4 {
		t.Fatalf("%+v", r)
	}
	if r := f.draw("wgs84", false, four()...); r.Taken != 4 || len(r.Rows) != 0 {
		t.Fatalf("%+v", r)
	}
	var list httpx.List[View]
	f.get("centre", "/api/grids?limit=3", &list)
	if len(list.Items) != 3 || list.Next == "" || list.Items[0].PlatformName.English != "unit p4" || !list.Items[0].MadeUp {
		t.Fatalf("%+v", list)
	}
	next := list.Next
	list = httpx.List[View]{}
	f.get("centre", "/api/grids?limit=3&cursor="+next, &list)
	if len(list.Items) != 1 || list.Next != "" || list.Items[0].Code != "370115004201001" {
		t.Errorf("%+v", list)
	}
	mine := list.Items[0]
	for path, want := range map[string]int{
		"/api/grids?q=3701150032": 3, "/api/grids?q=网格370115003201001": 1, "/api/grids?layer=micro": 0, "/api/grids?street=" + unit(3).String(): 1,
		"/api/grids?platform=" + unit(4).String(): 2, "/api/grids?parent=" + mine.ID.String(): 0,
	} {
		list = httpx.List[View]{}
		f.get("centre", path, &list)
		if len(list.Items) != want {
			t.Errorf("%s: %d grids, want %d", path, len(list.Items), want)
		}
	}
	var one Detail
	f.get("centre", "/api/grids/"+mine.ID.String(), &one)
	if one.Geometry.Type != "MultiPolygon" || len(one.Geometry.Coordinates[0][0]) < 5 || one.SquareMetres < 100_000 || len(one.Codes) != 1 || one.Lon < 117.004 {
		t.Errorf("%+v", one)
	}
	put := func(match string) (int, string) {
		code, body, _ := f.send("centre", "PUT", "/api/grids/"+mine.ID.String(), fmt.Sprintf(`{"name":"新","platform_id":%q}`, unit(6)), "If-Match", match)
		return code, body
	}
	if code, body := put(`"1"`); code != 200 || !strings.Contains(body, `"version":2`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := put(`"1"`); code != 412 {
		t.Errorf("an outdated version: %d", code)
	}
	if code, body, _ := f.send("centre", "PUT", "/api/grids/"+mine.ID.String()+"/codes/old", `{"code":"A-1"}`); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	if code, body, _ := f.send("centre", "POST", "/api/grids/codes", `{"layer":"base","community":"370115003201"}`); code != 200 || !strings.Contains(body, "370115003201003") {
		t.Errorf("%d %s", code, body)
	}
	if code, body, _ := f.send("centre", "PUT", "/api/grids/templates/base", `{"check":"none","segments":[{"source":"sequence","length":4},{"source":"community","length":3}]}`); code != 422 || !strings.Contains(body, "grid.sequence_last") {
		t.Errorf("%d %s", code, body)
	}
	var rule Template
	f.get("centre", "/api/grids/templates/micro", &rule)
	if rule.Length() != 17 {
		t.Errorf("%+v", rule)
	}
	for _, body := range []string{
		`{"datum":"wgs84","drawing":{}}`, `{"datum":"wgs84","drawing":[]}`, `{"datum":"mars","drawing":{"type":"FeatureCollection","features":[]}}`,
		`{"drawing":{"type":"FeatureCollection","features":[]}}`, `{"datum":"wgs84","drawing":{"type":"FeatureCollection","features":[]}}`, `{"datum":"wgs84"}`,
	} {
		if code, answer, _ := f.send("centre", "POST", "/api/grids/drawings", body); code != 422 {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
}

func TestLocateOverHTTPNeedsTheDatum(t *testing.T) {
	f := open(t)
	f.draw("wgs84", false, four()...)
	var at Located
	f.get("centre", "/api/grids/locate?lon=117.001&lat=36.801&datum=wgs84", &at)
	if !at.Found || at.Base.Code != "370115003201001" || at.Micro != nil || at.Nodes.Platform != unit(4) {
		t.Errorf("%+v", at)
	}
	shifted, err := geo.GCJ02.FromWGS84(orb.Point{117.001, 36.801})
	if err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf("/api/grids/locate?lon=%.9f&lat=%.9f&datum=", shifted[0], shifted[1])
	f.get("centre", where+"gcj02", &at)
	if at.Base.Code != "370115003201001" || at.Lon != 117.001 || at.Lat != 36.801 {
		t.Errorf("%+v", at)
	}
	f.get("centre", where+"wgs84", &at)
	if at.Found && at.Base.Code == "370115003201001" {
		t.Errorf("a wrong datum was not noticed: %+v", at)
	}
	for _, path := range []string{"/api/grids/locate?lon=117.001&lat=36.801", "/api/grids/locate?lon=117&lat=36&datum=mars", "/api/grids/locate?lon=200&lat=36&datum=wgs84", "/api/grids/locate?datum=wgs84"} {
		if code, body, _ := f.send("centre", "GET", path, ""); code != 422 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// Whoever looks after one street sees its grids only, in every form.
func TestScopeHoldsForListsMapsAndTiles(t *testing.T) {
	f := open(t)
	f.draw("wgs84", false, four()...)
	var list httpx.List[View]
	f.get("street 3", "/api/grids", &list)
	if len(list.Items) != 1 || list.Items[0].Code != "370115004201001" {
		t.Fatalf("%+v", list)
	}
	var all httpx.List[View]
	f.get("centre", "/api/grids", &all)
	if code, _, _ := f.send("street 3", "GET", "/api/grids/"+all.Items[0].ID.String(), ""); code != 404 {
		t.Errorf("another street's grid: %d", code)
	}
	if code, _, _ := f.send("street 3", "PUT", "/api/grids/"+list.Items[0].ID.String(), fmt.Sprintf(`{"name":"x","platform_id":%q}`, unit(6))); code != 403 {
		t.Errorf("edited without the permission: %d", code)
	}
	var m Map
	box := "/api/map/grids?west=116.9&south=36.7&east=117.1&north=36.9"
	f.get("street 3", box, &m)
	if len(m.Features) != 1 || m.Features[0].Properties.Code != "370115004201001" {
		t.Errorf("%+v", m)
	}
	f.get("centre", box, &m)
	if len(m.Features) != 4 {
		t.Errorf("%d features", len(m.Features))
	}
	f.get("centre", "/api/map/grids?west=117.0005&south=36.8005&east=117.001&north=36.801", &m)
	if len(m.Features) != 1 {
		t.Errorf("%d features in one grid's middle", len(m.Features))
	}
	for _, c := range []struct {
		person string
		zoom   maptile.Zoom
		want   map[string]int
	}{
		{"centre", 15, map[string]int{"grid": 4, "grid_label": -1}},
		{"street 3", 15, map[string]int{"grid": 1, "grid_label": -1}},
		{"centre", 11, map[string]int{"street_outline": 2, "street_label": 2, "platform_outline": 3, "platform_label": 3}},
		{"street 3", 11, map[string]int{"street_outline": 1, "street_label": 1, "platform_outline": 1, "platform_label": 1}},
		{"centre", 8, map[string]int{"street_outline": 2, "street_label": 2}},
	} {
		got := f.tiles(c.person, c.zoom)
		for layer, n := range c.want {
			if n >= 0 && len(got[layer]) != n || n < 0 && len(got[layer]) != len(got["grid"]) {
				t.Errorf("%s at zoom %d: %d of %s, want %d: %v", c.person, c.zoom, len(got[layer]), layer, n, got)
			}
		}
		for layer := range got {
			if _, ok := c.want[layer]; !ok {
				t.Errorf("%s at zoom %d: unexpected layer %s", c.person, c.zoom, layer)
			}
		}
	}
	at := maptile.At(orb.Point{117.004, 36.804}, 14)
	path := fmt.Sprintf("/api/map/grids/14/%d/%d", at.X, at.Y)
	code, body, header := f.send("centre", "GET", path, "")
	if code != 200 || header.Get("Content-Type") != "application/vnd.mapbox-vector-tile" || header.Get("ETag") == "" {
		t.Fatalf("%d %v", code, header)
	}
	if layers, err := mvt.Unmarshal([]byte(body)); err != nil || layers[0].Version != 2 {
		t.Errorf("version of the tile: %v %v", layers, err)
	}
	if code, _, _ := f.send("centre", "GET", path, "", "If-None-Match", header.Get("ETag")); code != 304 {
		t.Errorf("asked again: %d", code)
	}
	if code, _, _ := f.send("centre", "GET", "/api/map/grids/3/9/9", ""); code != 404 {
		t.Errorf("a tile that is none: %d", code)
	}
}

// tiles gives, per layer, the ids of what the tiles over the test area show;
// a label must come once only.
func (f *front) tiles(person string, zoom maptile.Zoom) map[string][]string {
	f.Helper()
	out := map[string][]string{}
	lo, hi := maptile.At(orb.Point{117, 36.808}, zoom), maptile.At(orb.Point{117.008, 36.8}, zoom)
	for x := lo.X; x <= hi.X; x++ {
		for y := lo.Y; y <= hi.Y; y++ {
			code, body, _ := f.send(person, "GET", fmt.Sprintf("/api/map/grids/%d/%d/%d", zoom, x, y), "")
			if code != 200 {
				f.Fatalf("tile %d/%d/%d: %d %s", zoom, x, y, code, body)
			}
			layers, err := mvt.Unmarshal([]byte(body))
			if err != nil {
				f.Fatal(err)
			}
			for _, l := range layers {
				for _, feature := range l.Features {
					v := feature.Properties.MustString("id")
					if known := slices.Contains(out[l.Name], v); known && strings.HasSuffix(l.Name, "_label") {
						f.Errorf("%s %s is labelled twice at zoom %d", l.Name, v, zoom)
					} else if !known {
						out[l.Name] = append(out[l.Name], v)
					}
				}
			}
		}
	}
	return out
}
