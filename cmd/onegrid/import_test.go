package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

var errCrooked = fault.New(fault.Invalid, "shop.crooked")

// shelf is an importer without a program behind it: it takes rows by their first
// column and refuses crooked ones.
func shelf(t *testing.T) *importer {
	t.Helper()
	w, err := words.New(words.Source{Room: "table", Files: table.Words})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	put := func(name string) (table.Outcome, error) {
		switch {
		case strings.HasPrefix(name, "crooked"):
			return table.Outcome{}, errCrooked.At("name", "table.value_unknown", "value", name)
		case there[name]:
			return table.Outcome{Result: table.Repeated}, nil
		}
		there[name] = true
		return table.Outcome{}, nil
	}
	return &importer{
		words: w, close: func() error { return nil },
		units: func(_ context.Context, rows []table.Row) ([]table.Outcome, error) {
			if len(rows) != 1 {
				return nil, errCrooked // one by one then
			}
			o, err := put(rows[0].Get("name"))
			return []table.Outcome{o}, err
		},
		grids: func(_ context.Context, rows []table.Row, datum string) ([]table.Outcome, error) {
			out := make([]table.Outcome, len(rows))
			for n, r := range rows {
				o, err := put(r.Get("code") + datum)
				if err != nil {
					o.Refused = fault.Of(err)
				}
				out[n] = o
			}
			return out, nil
		},
		cases: func(_ context.Context, rows []table.Record) ([]table.Outcome, error) {
			var out []table.Outcome
			for _, c := range rows {
				o, err := put(c.Text("external_id"))
				if err != nil {
					return nil, err
				}
				out = append(out, o)
			}
			return out, nil
		},
	}
}

func file(t *testing.T, name, content string) importFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return importFile{File: path, Encoding: "utf-8", JSON: true}
}

// imported runs an import on the shelf and reads the object of the last line.
func imported(t *testing.T, f importFile, i *importer, job func(*importer, *table.Reader) (table.Job, error)) (table.Report, string, error) {
	t.Helper()
	var out, told bytes.Buffer
	s := streams{in: strings.NewReader(""), out: &out, err: &told}
	r, err := f.open(s)
	if err != nil {
		return table.Report{}, "", err
	}
	defer r.Close()
	err = f.take(t.Context(), s, i, r, job)
	var report table.Report
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		if jerr := json.Unmarshal([]byte(last), &report); jerr != nil {
			t.Fatalf("%v: %s", jerr, last)
		}
	}
	return report, told.String(), err
}

// The sums are told for people and as one object; refused rows end with exit code
// 3, stand in a file in words, and can be imported again once mended.
func TestImportTellsItsSums(t *testing.T) {
	i := shelf(t)
	units := func(i *importer, _ *table.Reader) (table.Job, error) { return table.Job{Take: i.units}, nil }
	f := file(t, "units.csv", "name\nstraight\ncrooked 1\nstraight\n")
	r, told, err := imported(t, f, i, units)
	var coded interface{ ExitCode() int }
	if !errors.As(err, &coded) || coded.ExitCode() != 3 || r.Read != 3 || r.Taken != 1 || r.Repeated != 1 || r.Refused != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if !strings.Contains(told, "read 3 / taken 1 / repeated 1 / refused 1\n") || !strings.Contains(told, f.File+".refused.csv") {
		t.Errorf("told: %s", told)
	}
	raw, err := os.ReadFile(r.RefusedFile)
	if err != nil || !strings.Contains(string(raw), "2,name,shop.crooked,") || !strings.Contains(string(raw), "crooked 1]") {
		t.Errorf("%s, %v", raw, err)
	}
	again := file(t, "again.csv", strings.ReplaceAll(string(raw), "crooked", "mended"))
	if r, _, err := imported(t, again, i, units); err != nil || r.Taken != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	f.JSON = false
	var out bytes.Buffer
	if err := f.tell(&out, io.Discard, table.Report{Read: 2, Taken: 2}); err != nil || out.String() != "read 2 / taken 2 / repeated 0 / refused 0\n" {
		t.Errorf("%q, %v", &out, err)
	}
}

// A file of grids is judged as a whole and refused row by row.
func TestImportGridsTogether(t *testing.T) {
	f := file(t, "g.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","geometry":null,"properties":{"code":"1"}},{"type":"Feature","geometry":null,"properties":{"code":"crooked"}}]}`)
	r, _, err := imported(t, f, shelf(t), func(i *importer, _ *table.Reader) (table.Job, error) {
		return table.Job{Size: mostGrids, Take: func(ctx context.Context, rows []table.Row) ([]table.Outcome, error) {
			return i.grids(ctx, rows, "wgs84")
		}}, nil
	})
	var refused someRefused
	if !errors.As(err, &refused) || refused != 1 || r.Taken != 1 || r.Read != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// The shipped sample runs through the shipped mapping: every row accounted for,
// the 26 that closed before they opened taken and remarked on.
func TestImportCasesThroughTheShippedMapping(t *testing.T) {
	m, err := loadMapping("boston311")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../data/demo/requests-5000.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	f := file(t, "requests.csv.gz", string(raw))
	i := shelf(t)
	job := func(i *importer, r *table.Reader) (table.Job, error) { return caseJob(i, m, r) }
	r, _, err := imported(t, f, i, job)
	if err != nil || r.Read != 5000 || r.Taken != 5000 || r.Noted != 26 {
		t.Fatalf("%+v, %v", r, err)
	}
	noted, err := os.ReadFile(r.NotedFile)
	if err != nil || strings.Count(string(noted), "table.closed_before_opened") != 26 {
		t.Errorf("%.300s, %v", noted, err)
	}
	if r, _, err := imported(t, f, i, job); err != nil || r.Repeated != 5000 || r.Noted != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
	// A file that broke off on its way is taken as far as it goes and says so.
	cut := file(t, "cut.csv.gz", string(raw[:len(raw)/2]))
	if r, _, err := imported(t, cut, shelf(t), job); !errors.Is(err, table.ErrTruncated) || r.Taken < 1000 || r.Read != r.Taken {
		t.Errorf("%+v, %v", r, err)
	}
	// Another table is refused before its first row.
	other := file(t, "other.csv", "a,b\n1,2\n")
	if r, _, err := imported(t, other, i, job); !errors.Is(err, table.ErrHeader) || r.Read != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := loadMapping(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, table.ErrOpen) {
		t.Error(err)
	}
}

// Every shipped mapping can be read; our own takes a table with our columns, an
// answer to a form as JSON within it.
func TestShippedMappingsWork(t *testing.T) {
	names := shippedMappings()
	for _, n := range names {
		if _, err := loadMapping(n); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	if strings.Join(names, " ") != "boston311 onegrid" {
		t.Errorf("%v", names)
	}
	m, err := loadMapping("onegrid")
	if err != nil {
		t.Fatal(err)
	}
	f := file(t, "cases.ndjson", `{"external_id":"A-1","item":"errand","opened_at":"2026-03-02 09:30","lon":117.01,"lat":36.9,"datum":"wgs84","form":{"errand":"medicine"}}
{"external_id":"A-2","item":"errand","opened_at":"2026-03-02 09:30","datum":"mars"}
`)
	i := shelf(t)
	var seen table.Record
	i.cases = func(_ context.Context, rows []table.Record) ([]table.Outcome, error) {
		seen = rows[0]
		return make([]table.Outcome, len(rows)), nil
	}
	r, _, err := imported(t, f, i, func(i *importer, r *table.Reader) (table.Job, error) { return caseJob(i, m, r) })
	if r.Taken != 1 || r.Refused != 1 || err == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	lon, _ := seen.Float("lon")
	if seen.Text("state") != "open" || seen.Text("source") != "import" || string(seen.JSON("form")) != `{"errand":"medicine"}` || lon != 117.01 ||
		seen.Time("opened_at").Format("2006-01-02T15:04Z07:00") != "2026-03-02T01:30Z" {
		t.Errorf("%+v", seen)
	}
}
