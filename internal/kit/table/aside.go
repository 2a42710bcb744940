package table

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"onegrid/internal/kit/fault"
)

// aside is a file of rows that were put aside, beside the imported one.
type aside struct {
	path   string
	file   *os.File
	out    *bufio.Writer
	csv    *csv.Writer
	format Format
	rows   int
}

// newAside makes FILE.refused.csv; when somebody's earlier one is there, perhaps
// half mended, FILE.refused-2.csv.
func newAside(beside, what string, format Format, header []string) (*aside, error) {
	ext := map[Format]string{CSV: ".csv", Cells: ".csv", JSON: ".json", NDJSON: ".ndjson", GeoJSON: ".geojson"}[format]
	for n := 1; n < 10_000; n++ {
		path := beside + "." + what + ext
		if n > 1 {
			path = fmt.Sprintf("%s.%s-%d%s", beside, what, n, ext)
		}
		// Refused rows may hold personal data: for the operator alone.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("file of %s rows: %w", what, err)
		}
		a := &aside{path: path, file: f, out: bufio.NewWriter(f), format: format}
		if format == CSV || format == Cells {
			// Spreadsheets take a file with this mark for UTF-8.
			if _, err := a.out.WriteString("\ufeff"); err != nil {
				return nil, err
			}
			a.csv = csv.NewWriter(a.out)
			return a, a.csv.Write(header)
		}
		return a, nil
	}
	return nil, fmt.Errorf("file of %s rows: too many beside %s", what, beside)
}

// row writes a refused row with what is wrong with it.
func (a *aside) row(r Row, f *fault.Fault, why string) error {
	fields := make([]string, 0, len(f.Where))
	for _, w := range f.Where {
		fields = append(fields, w.Path)
	}
	field := strings.Join(fields, " ")
	if a.csv != nil {
		return a.csv.Write(append([]string{fmt.Sprint(r.Number), field, f.Code, why, r.text}, r.cells...))
	}
	mark := map[string]any{"number": r.Number, "field": field, "code": f.Code, "reason": why}
	if r.text != "" {
		mark["text"] = r.text
	}
	values := map[string]any{}
	if r.Raw != nil {
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(r.Raw, &raw); err != nil {
			return err
		}
		for k, v := range raw {
			values[k] = v
		}
	}
	values[objectKey] = mark
	line, err := json.Marshal(values)
	if err != nil {
		return err
	}
	a.rows++
	lead := ""
	switch {
	case a.format == NDJSON:
	case a.rows > 1:
		lead = ",\n"
	case a.format == GeoJSON:
		lead = "{\"type\":\"FeatureCollection\",\"features\":[\n"
	default:
		lead = "[\n"
	}
	if a.format == NDJSON {
		line = append(line, '\n')
	}
	_, err = a.out.WriteString(lead + string(line))
	return err
}

func (a *aside) close() error {
	if a == nil {
		return nil
	}
	var err error
	if a.csv != nil {
		a.csv.Flush()
		err = a.csv.Error()
	} else if a.format == GeoJSON {
		_, err = a.out.WriteString("\n]}\n")
	} else if a.format == JSON {
		_, err = a.out.WriteString("\n]\n")
	}
	return errors.Join(err, a.out.Flush(), a.file.Close())
}
