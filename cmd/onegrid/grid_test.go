package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// feature is one square of GeoJSON, with a hole when inner is not empty.
func feature(code string, x0, y0, x1, y1 float64, inner ...float64) string {
	ring := func(x0, y0, x1, y1 float64) string {
		return fmt.Sprintf("[[%v,%v],[%v,%v],[%v,%v],[%v,%v],[%v,%v]]", x0, y0, x1, y0, x1, y1, x0, y1, x0, y0)
	}
	rings := ring(x0, y0, x1, y1)
	if len(inner) == 4 {
		rings += "," + ring(inner[0], inner[1], inner[2], inner[3])
	}
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q},"geometry":{"type":"Polygon","coordinates":[%s]}}`, code, rings)
}

// locate runs the command with a grid file and lines of positions.
func locate(t *testing.T, in, datum string, features ...string) (out string, code int, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "grids.geojson")
	text := `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	cmd := gridLocateCmd{Grids: file, Datum: datum}
	err = cmd.run(strings.NewReader(in), &b, io.Discard)
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		code = coded.ExitCode()
	case err != nil:
		code = 1
	}
	return b.String(), code, err
}

func TestGridLocateAnswersEveryLine(t *testing.T) {
	west := feature("370115003402001", 117, 36.8, 117.01, 36.81, 117.004, 36.804, 117.006, 36.806)
	east := feature("370115003402002", 117.01, 36.8, 117.02, 36.81)
	far := `{"type":"Feature","properties":{"code":7},"geometry":{"type":"MultiPolygon","coordinates":[[[[118,36],[118.1,36],[118,36.1],[118,36]]],[[[119,36],[119.1,36],[119,36.1],[119,36]]]]}}`
	in := "117.001,36.801\n 117.015 , 36.805\r\n117.005,36.805\n100,20\n119.01,36.01\n117.0,36.8\n117.01,36.805\n1.17015e2,36.805"
	out, code, err := locate(t, in, "wgs84", west, east, far)
	if err != nil || code != 0 {
		t.Fatal(err)
	}
	want := "370115003402001\n370115003402002\n\n\n7\n370115003402001\n370115003402002\n370115003402002\n"
	if out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if out, _, err = locate(t, "", "wgs84", west); err != nil || out != "" {
		t.Errorf("no lines: %q %v", out, err)
	}
}

// Whoever asks for times gets the same answers.
func TestGridLocateTellsItsTimes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grids.geojson")
	text := `{"type":"FeatureCollection","features":[` + feature("a", 117, 36.8, 117.01, 36.81) + `]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in := "117.001,36.801\n100,20\n117.01,36.805\n"
	var plain, out, times bytes.Buffer
	if err := (&gridLocateCmd{Grids: file, Datum: "wgs84"}).run(strings.NewReader(in), &plain, &times); err != nil || times.Len() > 0 {
		t.Fatalf("%v %q", err, &times)
	}
	if err := (&gridLocateCmd{Grids: file, Datum: "wgs84", Times: 2}).run(strings.NewReader(in), &out, &times); err != nil {
		t.Fatal(err)
	}
	var told gridTimes
	if err := json.Unmarshal(times.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	if told.Grids != 1 || told.Positions != 3 || told.Found != 2 || len(told.FindMS) != 2 || out.String() != plain.String() {
		t.Errorf("%+v, %q instead of %q", told, &out, &plain)
	}
}

// The same numbers of another datum mean a place more than 500 m away.
func TestGridLocateConvertsTheDatum(t *testing.T) {
	cells := []string{feature("home", 116.999, 36.799, 117.001, 36.801)}
	if out, _, err := locate(t, "117,36.8\n", "wgs84", cells...); err != nil || out != "home\n" {
		t.Errorf("%q %v", out, err)
	}
	// The file and the positions have the same datum, so both move together.
	if out, _, err := locate(t, "117,36.8\n117.002,36.8\n", "gcj02", cells...); err != nil || out != "home\n\n" {
		t.Errorf("%q %v", out, err)
	}
	if _, code, err := locate(t, "", "mars", cells...); err == nil || code != 2 {
		t.Errorf("an unknown datum: %d %v", code, err)
	}
}

func TestGridLocateNamesTheBadLine(t *testing.T) {
	cell := feature("a", 117, 36.8, 117.01, 36.81)
	for _, bad := range []string{"", "x", "117", "117;36.8", "117,36.8,3", "117,", "lon,lat", "NaN,36.8", "200,36.8", "36.8,117", strings.Repeat("9", 100000)} {
		out, code, err := locate(t, "117.001,36.801\n"+bad+"\n117.001,36.801\n", "wgs84", cell)
		if err == nil || code != 2 || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%.20q: exit %d, %v", bad, code, err)
		}
		if out != "a\n" {
			t.Errorf("%.20q: the good line before it gave %q", bad, out)
		}
	}
}

func TestGridLocateRefusesWhatIsNoPartition(t *testing.T) {
	a, b := feature("a", 117, 36.8, 117.01, 36.81), feature("b", 117.01, 36.8, 117.02, 36.81)
	for _, c := range []struct {
		name     string
		features []string
		says     []string
	}{
		{"gap", []string{a, feature("b", 117.0101, 36.8, 117.02, 36.81)}, []string{"gap at 117.0100500,36.805", "a, b"}},
		{"overlap", []string{a, feature("b", 117.009, 36.8, 117.02, 36.81)}, []string{"overlap at 117.009", "a, b"}},
		{"twice", []string{a, b, feature("b", 118, 36.8, 118.01, 36.81)}, []string{"feature 3 (code b)", "code_twice"}},
		{"no code", []string{`{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[[1,1],[2,1],[1,2],[1,1]]]}}`}, []string{"feature 1", "code_missing"}},
		{"point", []string{a, `{"type":"Feature","properties":{"code":"p"},"geometry":{"type":"Point","coordinates":[1,2]}}`}, []string{"feature 2 (code p)", "Point"}},
		{"projected", []string{`{"type":"Feature","properties":{"code":"p"},"geometry":{"type":"Polygon","coordinates":[[[500000,4000000],[500100,4000000],[500000,4000100],[500000,4000000]]]}}`}, []string{"feature 1", "position"}},
		{"nothing", nil, []string{"no_features"}},
		{"not JSON", []string{"{"}, []string{"line 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code, err := locate(t, "117.001,36.801\n", "wgs84", c.features...)
			if code != 2 || out != "" {
				t.Fatalf("exit %d, output %q, %v", code, out, err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v\ndoes not say %q", err, s)
				}
			}
		})
	}
	if _, code, err := locate(t, "", "wgs84", a, b); code != 0 || err != nil {
		t.Errorf("a sound pair: %d %v", code, err)
	}
	missing := gridLocateCmd{Grids: filepath.Join(t.TempDir(), "none"), Datum: "wgs84"}
	if err := missing.run(strings.NewReader(""), &bytes.Buffer{}, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
