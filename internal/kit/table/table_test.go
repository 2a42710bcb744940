package table_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

// rows reads a table to its end; a refused row is shown by its code.
func rows(t *testing.T, name string, content []byte, o table.Options) ([]string, error) {
	t.Helper()
	r, err := table.NewReader(bytes.NewReader(content), name, o)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		row, err := r.Next()
		var bad *table.RowFault
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.As(err, &bad):
			out = append(out, fmt.Sprintf("%d:%s", bad.Row.Number, bad.Fault.Code))
		case err != nil:
			return out, err
		default:
			out = append(out, fmt.Sprintf("%d:%s", row.Number, row.Get("name")))
		}
	}
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// The same three rows are read from every format, with a byte order mark, other
// separators, other line ends, another encoding and gzipped.
func TestEveryFormatGivesTheSameRows(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte("code,name\n1,大桥\n2,崔寨\n3,孙耿\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1:大桥", "2:崔寨", "3:孙耿"}
	csv := "code,name\n1,大桥\n2,崔寨\n3,孙耿\n"
	object := `{"name":"大桥","n":1},{"name":"崔寨"},{"name":"孙耿"}`
	feature := `{"type":"Feature","geometry":null,"properties":{"name":"大桥"}},{"type":"Feature","geometry":null,"properties":{"name":"崔寨"}},{"type":"Feature","geometry":null,"properties":{"name":"孙耿"}}`
	for name, c := range map[string]struct {
		file    string
		content []byte
		o       table.Options
	}{
		"csv":              {"a.csv", []byte(csv), table.Options{}},
		"mark":             {"a.csv", []byte("\ufeff" + csv), table.Options{}},
		"crlf":             {"a.csv", []byte(strings.ReplaceAll(csv, "\n", "\r\n")), table.Options{}},
		"no last line end": {"a.csv", []byte(strings.TrimSpace(csv)), table.Options{}},
		"semicolon":        {"a.csv", []byte(strings.ReplaceAll(csv, ",", ";")), table.Options{}},
		"tab":              {"a.tsv", []byte(strings.ReplaceAll(csv, ",", "\t")), table.Options{}},
		"gb18030":          {"a.csv", gb, table.Options{Encoding: "gb18030"}},
		"gzip":             {"a.csv.gz", zipped([]byte(csv)), table.Options{}},
		"gzip by content":  {"a.csv", zipped([]byte(csv)), table.Options{}},
		"no name":          {"stdin", []byte(csv), table.Options{}},
		"json array":       {"a.json", []byte("[" + object + "]"), table.Options{}},
		"json object":      {"a.json", []byte(`{"version":1,"items":[` + object + `],"after":[1]}`), table.Options{}},
		"ndjson":           {"a.ndjson", []byte(strings.ReplaceAll(object, "},{", "}\n\n{")), table.Options{}},
		"geojson":          {"a.geojson", []byte(`{"type":"FeatureCollection","features":[` + feature + `]}`), table.Options{}},
		"geojson as json":  {"a.json", []byte(`{"features":[` + feature + `],"type":"FeatureCollection"}`), table.Options{}},
		"mended csv":       {"a.csv", []byte("refused_number,refused_reason,name\n7,bad,大桥\n8,bad,崔寨\n9,bad,孙耿\n"), table.Options{}},
		"mended json":      {"a.json", []byte(strings.ReplaceAll("["+object+"]", `{"name"`, `{"refused":{"number":3},"name"`)), table.Options{}},
	} {
		got, err := rows(t, c.file, c.content, c.o)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// A file that breaks off, is too large, too long or no table at all is refused
// in plain codes, after the rows before the break.
func TestBrokenFilesSaySo(t *testing.T) {
	csv := []byte("name\n" + strings.Repeat("abcdefghij\n", 20_000))
	z := zipped(csv)
	for name, c := range map[string]struct {
		file    string
		content []byte
		o       table.Options
		want    *fault.Fault
		least   int // rows before the break
	}{
		"gzip cut off":     {"a.csv.gz", z[:len(z)-20], table.Options{}, table.ErrTruncated, 1000},
		"gzip header":      {"a.csv.gz", []byte{0x1f, 0x8b, 8}, table.Options{}, table.ErrTruncated, 0},
		"gzip damaged":     {"a.csv.gz", append(bytes.Clone(z[:len(z)-8]), 1, 2, 3, 4, 5, 6, 7, 8), table.Options{}, table.ErrBroken, 1000},
		"json cut off":     {"a.json", []byte(`[{"name":"a"},{"name":"b"},{"na`), table.Options{}, table.ErrTruncated, 2},
		"json not closed":  {"a.json", []byte(`[{"name":"a"}`), table.Options{}, table.ErrTruncated, 1},
		"json more behind": {"a.json", []byte(`[{"name":"a"}] x`), table.Options{}, table.ErrBroken, 1},
		"json broken":      {"a.json", []byte(`[{"name":"a"},{"name":]`), table.Options{}, table.ErrBroken, 1},
		"geojson cut off":  {"a.geojson", []byte(`{"type":"FeatureCollection","features":[`), table.Options{}, table.ErrTruncated, 0},
		"no rows":          {"a.json", []byte(`{"a":1}`), table.Options{}, table.ErrFormat, 0},
		"empty":            {"a.csv", nil, table.Options{}, table.ErrHeader, 0},
		"column twice":     {"a.csv", []byte("a,a\n"), table.Options{}, table.ErrHeader, 0},
		"column no name":   {"a.csv", []byte("a,\n"), table.Options{}, table.ErrHeader, 0},
		"utf-16":           {"a.csv", []byte{0xff, 0xfe, 'a', 0}, table.Options{}, table.ErrEncoding, 0},
		"picture":          {"a", []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\xfe\xfe\xfe"), table.Options{}, table.ErrFormat, 0},
		"too many":         {"a.csv", csv, table.Options{MaxRows: 3}, table.ErrTooMany, 3},
		"too large":        {"a.csv", csv, table.Options{MaxBytes: 1000}, table.ErrTooLarge, 0},
		"row too large":    {"a.csv", []byte("name\n" + strings.Repeat("x", 100_000)), table.Options{MaxRow: 10_000}, table.ErrRowLarge, 0},
		"json row large":   {"a.json", []byte(`[{"name":"` + strings.Repeat("x", 100_000)), table.Options{MaxRow: 10_000}, table.ErrRowLarge, 0},
		"line too large":   {"a.ndjson", []byte(`{"name":"` + strings.Repeat("x", 200_000)), table.Options{MaxRow: 10_000}, table.ErrRowLarge, 0},
	} {
		got, err := rows(t, c.file, c.content, c.o)
		if !errors.Is(err, c.want) || len(got) < c.least {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
	}
}

// A row that cannot be read is refused alone; the rows after it are read.
func TestBadRowsAreRefusedAlone(t *testing.T) {
	for name, c := range map[string]struct {
		file, content string
		want          []string
	}{
		"columns":   {"a.csv", "name,b\na,1\nb\nc,1,2\nd,1\n", []string{"1:a", "2:table.column_count", "3:table.column_count", "4:d"}},
		"quote":     {"a.csv", "name,b\na,1\n\"b\"x,1\nc,1\n", []string{"1:a", "2:table.quote", "3:c"}},
		"encoding":  {"a.csv", "name,b\na,1\n\xff\xfe,1\nc,1\n", []string{"1:a", "2:table.row_encoding", "3:c"}},
		"no object": {"a.json", `[{"name":"a"},5,{"name":"c"}]`, []string{"1:a", "2:table.no_object", "3:c"}},
		"line":      {"a.ndjson", "{\"name\":\"a\"}\n{bad\n{\"name\":\"c\"}\n{\"na", []string{"1:a", "2:table.row_json", "3:c", "4:table.truncated"}},
		"feature":   {"a.geojson", `{"features":[{"type":"Point"},{"type":"Feature","properties":{"name":"b"}}]}`, []string{"1:table.no_object", "2:b"}},
	} {
		got, err := rows(t, c.file, []byte(c.content), table.Options{})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// shop is somewhere that takes rows by their name, in transactions.
type shop struct {
	has    map[string]bool
	lost   error // what every batch answers from now on
	writes int
}

var (
	errBad  = fault.New(fault.Invalid, "shop.bad")
	errDisk = errors.New("disk full")
)

func (s *shop) batch() table.Batch {
	write := func(_ context.Context, fn func(map[string]bool) error) error {
		s.writes++
		for range 2 { // a write function may run twice
			tx := map[string]bool{}
			for k := range s.has {
				tx[k] = true
			}
			if err := fn(tx); err != nil {
				return err
			}
			if s.lost != nil {
				return s.lost
			}
			if s.writes%2 == 0 {
				s.has = tx
				return nil
			}
			s.writes++
		}
		return nil
	}
	return table.Each(write, func(tx map[string]bool, r table.Row) (table.Outcome, error) {
		name := r.Get("name")
		switch {
		case strings.HasPrefix(name, "bad"):
			return table.Outcome{}, errBad.At("name", "shop.no_bad")
		case tx[name]:
			return table.Outcome{Result: table.Repeated}, nil
		}
		tx[name] = true
		o := table.Outcome{}
		if strings.HasPrefix(name, "odd") {
			o.Notes = []table.Note{{Field: "name", Code: "shop.odd"}}
		}
		return o, nil
	})
}

func run(t *testing.T, s *shop, path string) (table.Report, error) {
	t.Helper()
	r, err := table.Open(path, table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return table.Job{Rows: r, Take: s.batch(), Size: 7, Beside: path}.Run(t.Context())
}

// Every row is accounted for; the refused ones can be mended where they stand
// and imported again; an import repeated takes nothing twice.
func TestRefusedRowsAreMendedAndImportedAgain(t *testing.T) {
	for _, f := range []struct{ ext, lead, row, between, end string }{
		{".csv", "name,price\n", "%s,5", "\n", "\n"},
		{".json", "[", `{"name":"%s","price":5}`, ",", "]"},
		{".ndjson", "", `{"name":"%s","price":5}`, "\n", ""},
		{".geojson", `{"type":"FeatureCollection","features":[`, `{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"name":"%s","price":5}}`, ",", "]}"},
	} {
		path := filepath.Join(t.TempDir(), "goods"+f.ext)
		var all []string
		for i := range 40 {
			name := fmt.Sprint("good", i)
			switch {
			case i%11 == 3:
				name = fmt.Sprint("bad", i)
			case i%11 == 5:
				name = fmt.Sprint("odd", i)
			case i == 20:
				name = "good1" // repeats an earlier row
			}
			all = append(all, fmt.Sprintf(f.row, name))
		}
		if err := os.WriteFile(path, []byte(f.lead+strings.Join(all, f.between)+f.end), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &shop{has: map[string]bool{}}
		rep, err := run(t, s, path)
		if err != nil || rep.Read != 40 || rep.Taken != 35 || rep.Repeated != 1 || rep.Refused != 4 || rep.Noted != 4 || len(s.has) != 35 {
			t.Fatalf("%s: %+v, %d there, %v", f.ext, rep, len(s.has), err)
		}
		noted, _ := os.ReadFile(rep.NotedFile)
		if !strings.Contains(string(noted), "6,name,shop.odd") {
			t.Errorf("%s: noted: %s", f.ext, noted)
		}
		refused, _ := os.ReadFile(rep.RefusedFile)
		for _, want := range []string{"shop.bad", "name", "15", "bad14"} {
			if !bytes.Contains(refused, []byte(want)) {
				t.Errorf("%s: the refused rows lack %s: %s", f.ext, want, refused)
			}
		}
		mended := strings.ReplaceAll(string(refused), "bad", "mended")
		if err := os.WriteFile(rep.RefusedFile, []byte(mended), 0o600); err != nil {
			t.Fatal(err)
		}
		second, err := run(t, s, rep.RefusedFile)
		if err != nil || second.Read != 4 || second.Taken != 4 || second.RefusedFile != "" {
			t.Fatalf("%s: mended rows: %+v, %v", f.ext, second, err)
		}
		// The original again: nothing twice, and the mended file is not written over.
		third, err := run(t, s, path)
		if err != nil || third.Taken != 0 || third.Repeated != 36 || third.Refused != 4 || third.RefusedFile == rep.RefusedFile {
			t.Fatalf("%s: again: %+v, %v", f.ext, third, err)
		}
		if kept, _ := os.ReadFile(rep.RefusedFile); string(kept) != mended {
			t.Errorf("%s: the mended file was written over", f.ext)
		}
	}
}

// A row with too many or too few cells stands in the refused file as it was, and
// is refused again until somebody mends it.
func TestRaggedRowsComeBackAsTheyWere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("name,b\nx,1,2\ny\nz,1\n\"q\"q,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shop{has: map[string]bool{}}
	rep, err := run(t, s, path)
	if err != nil || rep.Taken != 1 || rep.Refused != 3 {
		t.Fatalf("%+v, %v", rep, err)
	}
	raw, _ := os.ReadFile(rep.RefusedFile)
	for _, want := range []string{",x,1,2\n", ",y\n", `"""q""q,1"`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("lacks %s: %s", want, raw)
		}
	}
	if again, err := run(t, s, rep.RefusedFile); err != nil || again.Refused != 3 {
		t.Fatalf("%+v, %v", again, err)
	}
}

// What is no row's fault ends the import; the sums still agree and nothing that
// was not taken is counted.
func TestAnImportThatIsStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("name\n"+strings.Repeat("x\ny\n", 50)), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() *table.Reader {
		r, err := table.Open(path, table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	s := &shop{has: map[string]bool{}, lost: errDisk}
	rep, err := table.Job{Rows: open(), Take: s.batch(), Size: 10}.Run(t.Context())
	if !errors.Is(err, errDisk) || rep != (table.Report{}) {
		t.Fatalf("%+v, %v", rep, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.lost = nil
	take := s.batch()
	rep, err = table.Job{Rows: open(), Size: 10, Take: func(ctx context.Context, rows []table.Row) ([]table.Outcome, error) {
		out, err := take(ctx, rows)
		cancel()
		return out, err
	}}.Run(ctx)
	if !errors.Is(err, table.ErrStopped) || rep.Read != 10 || rep.Taken != 2 || rep.Repeated != 8 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if _, err := table.Open(path+".none", table.Options{}); !errors.Is(err, table.ErrOpen) {
		t.Fatal(err)
	}
}

// Progress is told by the clock it is given, not more often than every two
// seconds.
func TestProgressIsTold(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := table.NewReader(strings.NewReader("name\n"+strings.Repeat("x\n", 100)), "a.csv", table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	s := &shop{has: map[string]bool{}}
	_, err = table.Job{Rows: r, Take: s.batch(), Size: 10, Progress: &told, Now: func() time.Time { now = now.Add(time.Second / 2); return now }}.Run(t.Context())
	if lines := strings.Count(told.String(), "\n"); err != nil || lines != 2 {
		t.Fatalf("%d lines: %s, %v", lines, &told, err)
	}
}

// However good, bad, odd and repeated rows are mixed and cut into batches: the
// sums agree and exactly the good ones are there.
func TestSumsAlwaysAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "bad1", "bad2", "odd1"}), 0, 60).Draw(t, "names")
		r, err := table.NewReader(strings.NewReader("name\n"+strings.Join(append(names, ""), "\n")), "a.csv", table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &shop{has: map[string]bool{}}
		var refused []int64
		rep, err := table.Job{
			Rows: r, Take: s.batch(), Size: rapid.IntRange(1, 20).Draw(t, "size"),
			Refuse: func(row table.Row, _ *fault.Fault) { refused = append(refused, row.Number) },
		}.Run(context.Background())
		want := map[string]bool{}
		var bad []int64
		for i, n := range names {
			if strings.HasPrefix(n, "bad") {
				bad = append(bad, int64(i+1))
			} else {
				want[n] = true
			}
		}
		if err != nil || rep.Read != int64(len(names)) || rep.Read != rep.Taken+rep.Repeated+rep.Refused ||
			rep.Taken != int64(len(want)) || len(s.has) != len(want) || !slices.Equal(refused, bad) {
			t.Fatalf("%+v, %d there, refused %v, %v", rep, len(s.has), refused, err)
		}
	})
}

// FuzzReader: whatever the bytes, reading ends, rows are numbered from 1 without
// gaps and nothing panics.
func FuzzReader(f *testing.F) {
	f.Add("a.csv", []byte("name,b\n1,2\n\"x\n"))
	f.Add("a.json", []byte(`{"items":[{"name":"a"},{}]}`))
	f.Add("a.ndjson", []byte("{\"name\":1}\n{"))
	f.Add("a.geojson", []byte(`{"features":[{"type":"Feature","properties":{"name":null}}]}`))
	f.Add("x", zipped([]byte("a\n1\n")))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		r, err := table.NewReader(bytes.NewReader(content), name, table.Options{MaxBytes: 1 << 20, MaxRow: 64 << 10, MaxRows: 5000})
		if err != nil {
			return
		}
		for n := int64(1); n < 10_000; n++ {
			row, err := r.Next()
			var bad *table.RowFault
			if err != nil && !errors.As(err, &bad) {
				return
			}
			if row.Number != n {
				t.Fatalf("row %d is numbered %d", n, row.Number)
			}
		}
		t.Fatal("does not end")
	})
}
