package geo

import (
	"errors"
	"strings"
	"testing"
)

const twoFeatures = `{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"code":370115003402001,"name":" 一 "},
  "geometry":{"type":"Polygon","coordinates":[[[117,36.8,12],[117.01,36.8],[117.01,36.81],[117,36.8,12]]]}},
 {"type":"Feature","properties":{"code":"b"},
  "geometry":{"type":"MultiPolygon","coordinates":[[[[117,36.8],[117.01,36.8],[117.01,36.81],[117,36.8]]],[[[118,36.8],[118.01,36.8],[118.01,36.81],[118,36.8]]]]}}]}`

func TestReadGeoJSON(t *testing.T) {
	f, err := ReadGeoJSON([]byte("\xef\xbb\xbf" + twoFeatures))
	if err != nil || len(f) != 2 || f[0].Err != nil || f[1].Err != nil {
		t.Fatalf("%v %v", f, err)
	}
	if code, ok := f[0].Text("code"); !ok || code != "370115003402001" {
		t.Errorf("code %q", code)
	}
	if name, ok := f[0].Text("name"); !ok || name != "一" {
		t.Errorf("name %q", name)
	}
	if _, ok := f[0].Text("none"); ok {
		t.Error("a missing property was found")
	}
	if len(f[1].Shape) != 2 || f[1].Shape[1][0][0][0] != 118 {
		t.Errorf("shape %v", f[1].Shape)
	}
}

func TestBadGeoJSONIsRefusedWhole(t *testing.T) {
	for text, want := range map[string]error{
		``:                    ErrJSON,
		`nonsense`:            ErrJSON,
		`[]`:                  ErrJSON,
		`{"type":"Topology"}`: ErrJSON,
		`{"type":"Feature"`:   ErrJSON,
		"{\"type\":\n\"Featu": ErrJSON,
		`{"type":7}`:          ErrJSON,
		`{"type":"FeatureCollection","crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::4547"}},"features":[]}`: ErrCRS,
	} {
		if _, err := ReadGeoJSON([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := ReadGeoJSON([]byte("{\"type\":\n\n  oops}"))
	if err == nil || !strings.Contains(err.Error(), "line=3") {
		t.Errorf("the line is not named: %v", err)
	}
	for _, crs := range []string{"urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490"} {
		if _, err := ReadGeoJSON([]byte(`{"type":"FeatureCollection","crs":{"properties":{"name":"` + crs + `"}},"features":[]}`)); err != nil {
			t.Errorf("%s: %v", crs, err)
		}
	}
}

func TestBadFeatureCarriesItsOwnFault(t *testing.T) {
	for _, feature := range []string{
		`null`, `7`, `{}`, `{"type":"Feature"}`, `{"type":"Feature","geometry":null}`,
		`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon"}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1],[2],[3],[1]]]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,1],[2,2],[1,1]]]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,1],[2,2],[3,1],[1,2]]]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,1],[2e9,2],[3,1],[1,1]]]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[["1","1"]]]}}`,
		`{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[]}}`,
		`{"type":"Feature","properties":[],"geometry":{"type":"MultiPolygon","coordinates":[]}}`,
	} {
		f, err := ReadGeoJSON([]byte(`{"type":"FeatureCollection","features":[` + feature + `]}`))
		if err != nil || len(f) != 1 || f[0].Err == nil {
			t.Errorf("%s: %v %v", feature, f, err)
		}
	}
}

// Whatever a file holds, reading it ends, and what is taken is a shape.
func FuzzReadGeoJSON(f *testing.F) {
	f.Add([]byte(twoFeatures))
	f.Add([]byte(`{"type":"FeatureCollection","features":[null]}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,1],[1,1],[1,1],[1,1]]]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		features, err := ReadGeoJSON(text)
		if err != nil {
			return
		}
		for _, feature := range features {
			if feature.Err != nil {
				continue
			}
			shape, err := ShapeOf(feature.Shape)
			if err != nil {
				continue
			}
			shape.Label()
			if len(text) < 2000 {
				if _, err := Subdivide([]Shape{shape}, 0.016); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
