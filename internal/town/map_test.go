package town_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"

	"onegrid/internal/town"
)

// gdal has GDAL read a map of ours and write it as GeoJSON: the properties of the
// features of one layer.
func gdal(t testing.TB, content []byte, name, layer string) []map[string]any {
	t.Helper()
	program, err := exec.LookPath("ogr2ogr")
	if err != nil {
		t.Fatal("ogr2ogr is missing: run make setup-test (Debian: apt-get install gdal-bin)")
	}
	if len(content) == 0 {
		return nil
	}
	in := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(in, content, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "GeoJSON", "/vsistdout/", in}
	if layer != "" {
		args = append(args, layer)
	}
	var out, said bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil || said.Len() > 0 {
		t.Fatalf("ogr2ogr %s: %v %s", name, err, &said)
	}
	var read struct {
		Features []struct {
			ID         any
			Geometry   map[string]any
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for _, f := range read.Features {
		if f.Geometry == nil {
			t.Errorf("%s: a feature without a shape", name)
		}
		if f.Properties == nil {
			f.Properties = map[string]any{}
		}
		if f.ID != nil { // GDAL takes a property id for the feature's own
			f.Properties["id"] = f.ID
		}
		all = append(all, f.Properties)
	}
	return all
}

func unique(all []map[string]any, key string) (out []string) {
	for _, p := range all {
		if v, _ := p[key].(string); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// Show 7: GDAL, which is none of ours, reads our GeoJSON and our vector tiles and
// counts the same grids and cases in both as our lists do; each reader's own.
func TestGDALReadsTheSame(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, other := w.As("village desk 1"), w.As("village desk 2")
		for i := range 7 {
			village.Reports(fmt.Sprintf("第 %d 件", i), town.With{"place": town.At("G1")})
		}
		for range 2 {
			other.Reports("别处的", town.With{"place": town.At("G5")})
		}
		tiles := func(z maptile.Zoom) (all []maptile.Tile) {
			a, b := maptile.At(orb.Point{116.999, 36.941}, z), maptile.At(orb.Point{117.081, 36.899}, z) // the whole district
			for x := a.X; x <= b.X; x++ {
				for y := a.Y; y <= b.Y; y++ {
					all = append(all, maptile.New(x, y, z))
				}
			}
			return all
		}
		for _, p := range []*town.Person{village, other, w.As("hub officer 1")} {
			drawn := p.Do("GET", "/api/map/grids?west=116.9&south=36.8&east=117.2&north=37", nil)
			if drawn.Status != 200 {
				w.Fatalf("%s: %s", p.Name, drawn)
			}
			var base []map[string]any
			for _, g := range gdal(w, drawn.Body, "grids.geojson", "") {
				if g["layer"] == "base" {
					base = append(base, g)
				}
			}
			want := unique(base, "id")
			if len(want) == 0 {
				w.Fatalf("%s: GDAL reads no grid in %s", p.Name, drawn.Body)
			}
			var grids []map[string]any
			for _, tile := range tiles(13) {
				a := p.Do("GET", fmt.Sprintf("/api/map/grids/%d/%d/%d", tile.Z, tile.X, tile.Y), nil)
				if bytes.Contains(a.Body, []byte("grid")) {
					grids = append(grids, gdal(w, a.Body, "grids.mvt", "grid")...)
				}
			}
			if got := unique(grids, "id"); !slices.Equal(got, want) {
				w.Errorf("%s: GDAL reads the grids %v in the tiles, %v in the drawing", p.Name, got, want)
			}

			var whole struct {
				Total float64 `json:"total"`
				Items []any   `json:"items"`
			}
			p.Gets("/api/map/cases/0/0/0/list?limit=200", &whole)
			if int(whole.Total) != len(whole.Items) || whole.Total == 0 {
				w.Errorf("%s: %v cases, %d listed", p.Name, whole.Total, len(whole.Items))
			}
			for _, z := range []maptile.Zoom{9, 12, 16} {
				var n float64
				for _, tile := range tiles(z) {
					if z == 16 && !near(tile) {
						continue
					}
					path := fmt.Sprintf("/api/map/cases/%d/%d/%d", tile.Z, tile.X, tile.Y)
					a := p.Do("GET", path, nil)
					if a.Status != 200 || a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("ETag") == "" {
						w.Fatalf("%s: %s %v", path, a, a.Header)
					}
					var here float64
					for _, c := range gdal(w, a.Body, "cases.mvt", "case") {
						here += c["count"].(float64)
					}
					var listed struct {
						Total float64 `json:"total"`
					}
					if p.Gets(path+"/list?limit=1", &listed); listed.Total != here {
						w.Errorf("%s: %s has %v cases, its list %v", p.Name, path, here, listed.Total)
					}
					if again := p.Do("GET", path, nil, "If-None-Match", a.Header.Get("ETag")); again.Status != 304 || len(again.Body) != 0 {
						w.Errorf("%s asked again: %s", path, again)
					}
					n += here
				}
				if n != whole.Total {
					w.Errorf("%s: GDAL counts %v cases at zoom %d, the list %v", p.Name, n, z, whole.Total)
				}
			}
		}
		if a := w.Stranger("nobody").Do("GET", "/api/map/cases/0/0/0", nil); a.Status != 401 {
			w.Errorf("a stranger: %s", a)
		}
	})
}

// near says whether a tile is beside the middle of one of the two grids.
func near(t maptile.Tile) bool {
	for _, g := range []string{"G1", "G5"} {
		lon, lat := town.Middle(g)
		at := maptile.At(orb.Point{lon, lat}, t.Z)
		if at.X+1 >= t.X && t.X+1 >= at.X && at.Y+1 >= t.Y && t.Y+1 >= at.Y {
			return true
		}
	}
	return false
}
