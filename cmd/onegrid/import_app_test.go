package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/demo/area"
	"onegrid/internal/kit/table"
)

// unitsFile writes the demo's units without its hub, which a new folder has.
func unitsFile(t *testing.T) string {
	t.Helper()
	a, err := area.Build(data.FS, area.Seed)
	if err != nil {
		t.Fatal(err)
	}
	staff, err := a.Staff(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "units.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	rows := [][]string{{"kind", "code", "key", "name_zh", "name_en", "parent_code", "calendar", "duty_calendar", "villages", "made_up"}}
	for _, u := range staff.Units {
		if u.Kind == "hub" {
			continue
		}
		if u.Parent == area.HubCode {
			u.Parent = ""
		}
		rows = append(rows, []string{u.Kind, u.Code, u.Key, u.Name.Chinese, u.Name.English, u.Parent, u.Calendar, u.DutyCalendar, strings.Join(u.Villages, " "), "true"})
	}
	if err := errors.Join(w.WriteAll(rows), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// A new folder is filled from the shipped files through the command line: every
// row is taken, and all of it again is repeated.
func TestImportIntoANewFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	set := settings{dir: dir}
	config, err := set.load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Init(t.Context(), config, "演示区", "Demo district"); err != nil {
		t.Fatal(err)
	}
	units := unitsFile(t)
	ship := func(name string) importFile {
		raw, err := data.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return file(t, filepath.Base(name), string(raw))
	}
	divisions, grids, items := ship("divisions/qibuqu.csv"), ship("demo/area.geojson"), ship("defaults/items.json")
	for round := range 2 {
		for _, x := range []struct {
			name string
			rows int64
			run  func(s streams) error
		}{
			{"divisions", 312, func(s streams) error { return (&importDivisionsCmd{divisions}).Run(t.Context(), set, s) }},
			{"units", 180, func(s streams) error {
				return (&importUnitsCmd{importFile{File: units, Encoding: "utf-8", JSON: true}}).Run(t.Context(), set, s)
			}},
			{"grids", 253, func(s streams) error { return (&importGridsCmd{grids, "wgs84"}).Run(t.Context(), set, s) }},
			{"items", 27, func(s streams) error { return (&importItemsCmd{items}).Run(t.Context(), set, s) }},
		} {
			var out, told bytes.Buffer
			err := x.run(streams{in: strings.NewReader(""), out: &out, err: &told})
			var r table.Report
			if jerr := json.Unmarshal(out.Bytes(), &r); err != nil || jerr != nil {
				refused, _ := os.ReadFile(r.RefusedFile)
				t.Fatalf("%s: %v, %v, %s %.2000s", x.name, err, jerr, &told, refused)
			}
			want := table.Report{Read: x.rows, Taken: x.rows}
			if round > 0 || x.name == "items" { // a new folder has the items
				want = table.Report{Read: x.rows, Repeated: x.rows}
			}
			if r != want {
				t.Errorf("%s, round %d: %+v", x.name, round+1, r)
			}
		}
	}
}
