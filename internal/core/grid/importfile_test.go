package grid

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// A file as an operator imports it: one bad row is put aside with its reason,
// mended and imported again; a gap puts all aside.
func TestImportFileWithRefusedRows(t *testing.T) {
	each(t, func(o *office) {
		dir := o.TempDir()
		file := func(name string, rows []ImportRow) string {
			type feature map[string]any
			var features []feature
			for _, r := range rows {
				features = append(features, feature{"type": "Feature", "properties": feature{
					"code": r.Code, "name": r.Name, "platform": r.Platform, "households": 300, "made_up": true,
				}, "geometry": feature{"type": "MultiPolygon", "coordinates": r.Shape}})
			}
			raw, err := json.Marshal(feature{"type": "FeatureCollection", "features": features})
			if err != nil {
				o.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				o.Fatal(err)
			}
			return path
		}
		run := func(path string) (table.Report, Report) {
			rows, err := table.Open(path, table.Options{})
			if err != nil {
				o.Fatal(err)
			}
			defer rows.Close()
			var told Report
			job := table.Job{Rows: rows, Size: 1 << 30, Beside: path, Take: func(_ context.Context, rows []table.Row) ([]table.Outcome, error) {
				drawn := make([]ImportRow, len(rows))
				for i, row := range rows {
					drawn[i] = RowOf(row)
				}
				err := o.write(func(tx *db.Tx) (err error) {
					told, err = o.Import(tx, centre, drawn, ImportOptions{Datum: geo.WGS84})
					return err
				})
				if err != nil {
					return nil, err
				}
				out := make([]table.Outcome, len(rows))
				for i, v := range told.Verdicts {
					out[i] = v.Outcome
					out[i].Refused = v.Fault
				}
				return out, nil
			}}
			report, err := job.Run(context.Background())
			if err != nil {
				o.Fatal(err)
			}
			return report, told
		}
		gap := four()
		gap[1] = cell("370115003201002", "p4", 4.1, 0, 8, 4)
		if r, told := run(file("gap.geojson", gap)); r.Refused != 4 || r.Taken != 0 || told.Flaws[0].Kind != Gap || r.RefusedFile == "" {
			o.Fatalf("%+v %+v", r, told)
		}
		bad := append(four(), cell("370115003201003", "p9", 8, 0, 9, 4))
		r, _ := run(file("bad.geojson", bad))
		if r.Read != 5 || r.Taken != 4 || r.Refused != 1 {
			o.Fatalf("%+v", r)
		}
		text, err := os.ReadFile(r.RefusedFile)
		if err != nil || !strings.Contains(string(text), "grid.invalid") || !strings.Contains(string(text), `"platform"`) {
			o.Fatalf("%s %v", text, err)
		}
		mended := strings.Replace(string(text), `"p9"`, `"p4"`, 1)
		path := filepath.Join(dir, "mended.geojson")
		if err := os.WriteFile(path, []byte(mended), 0o600); err != nil {
			o.Fatal(err)
		}
		if r, _ := run(path); r.Taken != 1 || r.Refused != 0 {
			o.Errorf("mended: %+v", r)
		}
		bad[4].Platform = "p4"
		if r, _ := run(file("again.geojson", bad)); r.Repeated != 5 {
			o.Errorf("again: %+v", r)
		}
	})
}

// Every code this room and kit/geo can answer has a sentence in both languages.
func TestEveryCodeHasItsWords(t *testing.T) {
	texts, err := words.New(words.Source{Room: "grid", Files: Words}, words.Source{Room: "geo", Files: geo.Words})
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?:fault\.New\(fault\.\w+, |\.At\([^,\n]+, )"((?:grid|geo)\.[a-z_0-9]+)"`)
	found := 0
	for _, dir := range []string{".", "../../kit/geo"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range code.FindAllSubmatch(raw, -1) {
				found++
				if !texts.Has(string(m[1])) {
					t.Errorf("%s: %s has no sentence", name, m[1])
				}
			}
		}
	}
	for _, kind := range []FlawKind{Gap, Overlap, Crossed, Swallowed, Outside} {
		if !texts.Has("grid." + string(kind)) {
			t.Errorf("flaw %s has no sentence", kind)
		}
	}
	if found < 40 {
		t.Errorf("only %d codes were found", found)
	}
}
