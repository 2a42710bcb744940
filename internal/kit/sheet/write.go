package sheet

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Format is a way to write a table.
type Format string

const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
	JSON Format = "json"
)

// Formats lists them.
var Formats = []Format{XLSX, CSV, JSON}

// ContentType is what a browser is told.
func (f Format) ContentType() string {
	switch f {
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case JSON:
		return "application/json"
	}
	return "text/csv; charset=utf-8"
}

// Out takes a table row by row. Close ends the file; without it the file is not
// whole.
type Out interface {
	Write(cells []Cell) error
	Close() error
}

// NewOut writes a table with these columns. Code: sheet.unknown_format.
func NewOut(f Format, w io.Writer, name string, columns []string) (Out, error) {
	switch f {
	case XLSX:
		return newXLSX(w, name, columns)
	case CSV:
		return newCSV(w, columns)
	case JSON:
		b := bufio.NewWriter(w)
		return &jsonOut{out: b, columns: columns}, nil
	}
	return nil, ErrFormat.With("format", string(f))
}

// longest is how many UTF-16 units a cell of a spreadsheet can hold.
const longest = 32767

type xlsxOut struct {
	to                     io.Writer
	file                   *excelize.File
	rows                   *excelize.StreamWriter
	row                    int
	text, day, moment, top int
	values                 []any
}

func newXLSX(w io.Writer, name string, columns []string) (Out, error) {
	f := excelize.NewFile()
	o := &xlsxOut{to: w, file: f}
	name = strings.NewReplacer(":", " ", `\`, " ", "/", " ", "?", " ", "*", " ", "[", " ", "]", " ").Replace(name)
	if utf8.RuneCountInString(name) > 31 {
		name = string([]rune(name)[:31])
	}
	if name != "" {
		if err := f.SetSheetName("Sheet1", name); err != nil {
			return nil, fmt.Errorf("name the sheet: %w", err)
		}
	}
	var err error
	style := func(s excelize.Style) (id int) {
		if err == nil {
			id, err = f.NewStyle(&s)
		}
		return id
	}
	day, moment := "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss.000"
	// Format 49 is text: a code keeps its zeros and a text its sign even after
	// somebody edits the cell.
	o.text = style(excelize.Style{NumFmt: 49})
	o.day, o.moment = style(excelize.Style{CustomNumFmt: &day}), style(excelize.Style{CustomNumFmt: &moment})
	o.top = style(excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, fmt.Errorf("styles: %w", err)
	}
	if o.rows, err = f.NewStreamWriter(f.GetSheetName(0)); err != nil {
		return nil, fmt.Errorf("write a sheet: %w", err)
	}
	if err := o.rows.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, fmt.Errorf("write a sheet: %w", err)
	}
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = excelize.Cell{StyleID: o.top, Value: c}
	}
	o.row = 1
	return o, o.set(head)
}

func (o *xlsxOut) set(values []any) error {
	ref, err := excelize.CoordinatesToCellName(1, o.row)
	if err == nil {
		err = o.rows.SetRow(ref, values)
	}
	if err != nil {
		return fmt.Errorf("write row %d: %w", o.row, err)
	}
	return nil
}

func (o *xlsxOut) Write(cells []Cell) error {
	if o.row++; o.row > excelize.TotalRows {
		return ErrTooMany.With("most", excelize.TotalRows-1)
	}
	o.values = o.values[:0]
	for _, c := range cells {
		v := excelize.Cell{}
		switch c.Kind {
		case Empty:
			o.values = append(o.values, nil)
			continue
		case Number:
			if math.IsNaN(c.Number) || math.IsInf(c.Number, 0) {
				v = excelize.Cell{StyleID: o.text, Value: c.String()}
			} else {
				v.Value = c.Number
			}
		case Bool:
			v.Value = c.Bool
		case Day, Moment:
			days, ok := serial(c.Time)
			switch {
			case !ok: // before spreadsheets begin to count
				v = excelize.Cell{StyleID: o.text, Value: c.String()}
			case c.Kind == Day:
				v = excelize.Cell{StyleID: o.day, Value: days}
			default:
				v = excelize.Cell{StyleID: o.moment, Value: days}
			}
		default:
			v = excelize.Cell{StyleID: o.text, Value: fitting(c.Text)}
		}
		o.values = append(o.values, v)
	}
	return o.set(o.values)
}

// fitting shortens what no cell can hold, and says so by three dots.
func fitting(s string) string {
	units := 0
	for i, r := range s {
		if units++; r > 0xffff {
			units++
		}
		if units > longest-1 {
			return s[:i] + "…"
		}
	}
	return s
}

func (o *xlsxOut) Close() error {
	err := o.rows.Flush()
	if err == nil {
		_, err = o.file.WriteTo(o.to)
	}
	if cerr := o.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write a workbook: %w", err)
	}
	return nil
}

type csvOut struct{ csv *csv.Writer }

func newCSV(w io.Writer, columns []string) (Out, error) {
	// Spreadsheets take a file with this mark for UTF-8.
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	o := csvOut{csv.NewWriter(w)}
	return o, o.csv.Write(columns)
}

func (o csvOut) Write(cells []Cell) error {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = c.String()
		// A text file has no kinds: an apostrophe keeps a spreadsheet from
		// reading a text as a formula.
		if c.Kind == Text && LooksLikeFormula(c.Text) {
			row[i] = "'" + row[i]
		}
	}
	return o.csv.Write(row)
}

func (o csvOut) Close() error {
	o.csv.Flush()
	return o.csv.Error()
}

type jsonOut struct {
	out     *bufio.Writer
	columns []string
	rows    int
}

func (o *jsonOut) Write(cells []Cell) error {
	lead := ",\n"
	if o.rows == 0 {
		lead = "[\n"
	}
	o.rows++
	var b strings.Builder
	b.WriteString(lead + "{")
	first := true
	for i, c := range cells {
		if c.Kind == Empty || i >= len(o.columns) {
			continue
		}
		var v any = c.String()
		switch c.Kind {
		case Number:
			v = c.Number
		case Bool:
			v = c.Bool
		}
		key, err := json.Marshal(o.columns[i])
		if err != nil {
			return err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	_, err := o.out.WriteString(b.String())
	return err
}

func (o *jsonOut) Close() error {
	end := "\n]\n"
	if o.rows == 0 {
		end = "[]\n"
	}
	if _, err := o.out.WriteString(end); err != nil {
		return err
	}
	return o.out.Flush()
}
