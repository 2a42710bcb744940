package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Options bound what is read. The zero value is right for files of an office.
type Options struct {
	Format   Format // by the name and the first bytes when empty
	Encoding string // "utf-8" (default) or "gb18030", which spreadsheets in China still write
	MaxRow   int64  // bytes of one row; default 1 MiB, for GeoJSON 32 MiB
	MaxBytes int64  // bytes of the whole file after unpacking; default 4 GiB
	MaxRows  int64  // default 20 million
}

// Reader gives the rows of one table.
type Reader struct {
	format Format
	next   func() (Row, error)
	src    *source
	number int64
	max    int64
	close  []io.Closer
	header []string
	failed error
}

// Open opens a file. A name that ends in .gz, or content that begins like it, is
// unpacked on the way.
func Open(path string, o Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, ErrOpen.With("file", filepath.Base(path)).Because(err)
	}
	r, err := NewReader(f, path, o)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.close = append(r.close, f)
	return r, nil
}

// NewReader reads a table from r; name serves to guess the format.
func NewReader(r io.Reader, name string, o Options) (*Reader, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 30
	}
	if o.MaxRows == 0 {
		o.MaxRows = 20_000_000
	}
	out := &Reader{max: o.MaxRows}
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, broken(err, 0)
		}
		out.close = append(out.close, z)
		in = bufio.NewReaderSize(z, 64<<10)
	}
	head, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, broken(err, 0)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		if _, err := in.Discard(3); err != nil {
			return nil, broken(err, 0)
		}
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, ErrEncoding.With("found", "UTF-16")
	}
	switch strings.ToLower(o.Encoding) {
	case "", "utf-8", "utf8":
	case "gb18030", "gbk", "gb2312":
		in = bufio.NewReaderSize(simplifiedchinese.GB18030.NewDecoder().Reader(in), 64<<10)
	default:
		return nil, ErrEncoding.With("found", o.Encoding)
	}
	if out.format = o.Format; out.format == "" {
		if out.format, err = guess(name, in); err != nil {
			return nil, err
		}
	}
	if o.MaxRow == 0 {
		o.MaxRow = 1 << 20
		if out.format == GeoJSON {
			o.MaxRow = 32 << 20
		}
	}
	out.src = &source{in: in, row: o.MaxRow, left: o.MaxBytes}
	out.src.refresh()
	switch out.format {
	case CSV:
		err = out.openCSV()
	case JSON, GeoJSON:
		err = out.openJSON()
	case NDJSON:
		out.openLines(o.MaxRow)
	default:
		err = ErrFormat.With("format", string(out.format))
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Format says how the table is written.
func (r *Reader) Format() Format { return r.format }

// Header gives the columns of a CSV file, without those of a refused-rows file.
func (r *Reader) Header() []string {
	var out []string
	for _, c := range r.header {
		if !extra(c) {
			out = append(out, c)
		}
	}
	return out
}

// Close closes what was opened.
func (r *Reader) Close() error {
	var first error
	for _, c := range r.close {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Next gives the next row, io.EOF at the end, a *RowFault for a row that cannot
// be read, and any other fault when the file itself cannot be read further.
func (r *Reader) Next() (Row, error) {
	if r.failed != nil {
		return Row{}, r.failed
	}
	if r.number >= r.max {
		// One more look: a file of exactly the allowed length is fine.
		if _, err := r.next(); errors.Is(err, io.EOF) {
			r.failed = io.EOF
		} else {
			r.failed = ErrTooMany.With("most", r.max)
		}
		return Row{}, r.failed
	}
	row, err := r.next()
	if err != nil {
		var bad *RowFault
		if errors.As(err, &bad) {
			r.number++
			bad.Row.Number = r.number
			return bad.Row, bad
		}
		r.failed = err
		return Row{}, err
	}
	r.number++
	row.Number = r.number
	return row, nil
}

// guess finds the format by the file's name, else by its first character.
func guess(name string, in *bufio.Reader) (Format, error) {
	name = strings.TrimSuffix(strings.ToLower(filepath.Base(name)), ".gz")
	switch filepath.Ext(name) {
	case ".csv", ".tsv", ".txt":
		return CSV, nil
	case ".geojson":
		return GeoJSON, nil
	case ".ndjson", ".jsonl":
		return NDJSON, nil
	case ".json":
		return JSON, nil
	}
	head, _ := in.Peek(512)
	switch t := bytes.TrimSpace(head); {
	case len(t) == 0:
		return "", ErrFormat.With("format", "empty")
	case t[0] == '[' || t[0] == '{':
		return JSON, nil
	case utf8.Valid(t) || utf8.Valid(t[:len(t)-min(len(t), 3)]):
		return CSV, nil
	}
	return "", ErrFormat.With("format", "binary")
}

// broken names what ended a file too early.
func broken(err error, after int64) error {
	var big errRow
	switch {
	case errors.As(err, &big):
		return ErrRowLarge.With("most", int64(big), "after", after)
	case errors.Is(err, errBytes):
		return ErrTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated.With("after", after).Because(err)
	}
	return ErrBroken.With("after", after).Because(err)
}

var errBytes = errors.New("file too large")

// errRow says that a row is longer than this many bytes.
type errRow int64

func (e errRow) Error() string { return "row too large" }

// source counts what passes: so many bytes a row, so many a file. It keeps the
// bytes since the last row so that a broken row can be shown as it stood.
type source struct {
	in     io.Reader
	row    int64
	left   int64
	budget int64
	offset int64 // of kept[0] in the file
	kept   []byte
	keep   bool
}

// refresh gives the next row its whole budget; what a buffered reader read
// ahead belongs to it already.
func (s *source) refresh() { s.budget = s.row + 16<<10 }

func (s *source) Read(p []byte) (int, error) {
	if s.budget <= 0 {
		return 0, errRow(s.row)
	}
	if s.left <= 0 {
		return 0, errBytes
	}
	n, err := s.in.Read(p[:min(int64(len(p)), s.budget, s.left)])
	s.budget -= int64(n)
	s.left -= int64(n)
	if s.keep {
		s.kept = append(s.kept, p[:n]...)
	}
	return n, err
}

// since gives the bytes from one offset of the file to another and forgets all
// before the second.
func (s *source) since(from, to int64) []byte {
	a, b := max(0, from-s.offset), min(to-s.offset, int64(len(s.kept)))
	if a > b {
		return nil
	}
	out := bytes.Clone(s.kept[a:b])
	s.forget(to)
	return out
}

func (s *source) forget(to int64) {
	n := min(to-s.offset, int64(len(s.kept)))
	if n < 32<<10 { // moving the rest costs more than keeping a little
		return
	}
	s.kept = append(s.kept[:0], s.kept[n:]...)
	s.offset += n
}

func (r *Reader) openCSV() error {
	r.src.keep = true
	c := csv.NewReader(r.src)
	c.FieldsPerRecord = -1
	c.ReuseRecord = false
	first, _ := r.src.in.(*bufio.Reader).Peek(4096)
	c.Comma = separator(first)
	head, err := c.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return ErrHeader.With("why", "empty")
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return ErrHeader.With("why", "quote").Because(err)
		}
		return broken(err, 0)
	}
	if err := named(head); err != nil {
		return err
	}
	r.header = head
	at := c.InputOffset()
	r.next = func() (Row, error) {
		r.src.refresh()
		from := at
		cells, err := c.Read()
		at = c.InputOffset()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return Row{}, &RowFault{
				Row:   Row{Line: int64(parse.StartLine), text: clip(r.src.since(from, at))},
				Fault: ErrQuote.With("line", parse.StartLine),
			}
		}
		if err != nil {
			return Row{}, broken(err, r.number)
		}
		line, _ := c.FieldPos(0)
		row := Row{Line: int64(line), Fields: make(map[string]string, len(head))}
		r.src.forget(at)
		for i, v := range cells {
			if !utf8.ValidString(v) {
				row.text = strings.ToValidUTF8(clip([]byte(strings.Join(cells, string(c.Comma)))), "�")
				return row, &RowFault{Row: row, Fault: ErrRowText.With("line", line)}
			}
			if i < len(head) && !extra(head[i]) {
				row.Fields[head[i]] = v
			}
			if i >= len(head) || !extra(head[i]) {
				row.cells = append(row.cells, v)
			}
		}
		if len(cells) != len(head) {
			return row, &RowFault{Row: row, Fault: ErrColumns.With("line", line, "have", len(cells), "want", len(head))}
		}
		return row, nil
	}
	return nil
}

// named checks the names of columns and takes the blanks around them away.
func named(head []string) error {
	seen := map[string]bool{}
	for i, h := range head {
		h = strings.TrimSpace(h)
		head[i] = h
		if !utf8.ValidString(h) {
			return ErrEncoding.With("found", "not UTF-8")
		}
		if h == "" || seen[h] {
			return ErrHeader.With("why", "column "+h)
		}
		seen[h] = true
	}
	return nil
}

// FromCells is a table whose rows somebody else reads, such as a spreadsheet:
// next gives cells and the line they stand on, io.EOF at the end, and any other
// fault when the file can't be read further. Rows shorter than the header are
// filled up.
func FromCells(head []string, next func() (cells []string, line int64, err error), closers ...io.Closer) (*Reader, error) {
	head = slices.Clone(head)
	if err := named(head); err != nil {
		return nil, err
	}
	r := &Reader{format: Cells, header: head, max: 20_000_000, close: closers}
	r.next = func() (Row, error) {
		cells, line, err := next()
		if err != nil {
			return Row{}, err
		}
		row := Row{Line: line, Fields: make(map[string]string, len(head))}
		for i, v := range cells {
			if i < len(head) && !extra(head[i]) {
				row.Fields[head[i]] = v
			}
			if i >= len(head) || !extra(head[i]) {
				row.cells = append(row.cells, v)
			}
		}
		if len(cells) != len(head) {
			return row, &RowFault{Row: row, Fault: ErrColumns.With("line", line, "have", len(cells), "want", len(head))}
		}
		return row, nil
	}
	return r, nil
}

// separator is the one that the first line has most of.
func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best := ','
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(best))) {
			best = c
		}
	}
	return best
}

func clip(b []byte) string {
	const most = 4000
	s := strings.TrimRight(string(b), "\r\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func (r *Reader) openJSON() error {
	d := json.NewDecoder(r.src)
	d.UseNumber()
	fail := func(err error) error {
		var syntax *json.SyntaxError
		if errors.Is(err, io.EOF) || errors.As(err, &syntax) && strings.Contains(err.Error(), "unexpected end") {
			err = io.ErrUnexpectedEOF // within a value an end is always too early
		}
		return broken(err, r.number)
	}
	in := false // within the array of rows
	inTop := false
	begin := func() error {
		t, err := d.Token()
		if err != nil {
			return fail(err)
		}
		switch t {
		case json.Delim('['):
			in = true
			return nil
		case json.Delim('{'):
			inTop = true
		default:
			return ErrFormat.With("format", "json")
		}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return fail(err)
			}
			if k == "features" || k == "items" || k == "rows" {
				t, err := d.Token()
				if err != nil {
					return fail(err)
				}
				if t != json.Delim('[') {
					return ErrFormat.With("format", "json")
				}
				if k == "features" {
					r.format = GeoJSON
					r.src.row = max(r.src.row, 32<<20)
				}
				in = true
				return nil
			}
			r.src.refresh()
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return fail(err)
			}
		}
		return ErrFormat.With("format", "json without rows")
	}
	if err := begin(); err != nil {
		return err
	}
	r.next = func() (Row, error) {
		r.src.refresh()
		if !in {
			return Row{}, io.EOF
		}
		if !d.More() {
			if _, err := d.Token(); err != nil { // the end of the array
				return Row{}, fail(err)
			}
			in = false
			for inTop && d.More() {
				var skip json.RawMessage
				if _, err := d.Token(); err != nil {
					return Row{}, fail(err)
				}
				if err := d.Decode(&skip); err != nil {
					return Row{}, fail(err)
				}
			}
			if inTop {
				if _, err := d.Token(); err != nil {
					return Row{}, fail(err)
				}
			}
			if _, err := d.Token(); !errors.Is(err, io.EOF) {
				return Row{}, ErrBroken.With("after", r.number).Because(err)
			}
			return Row{}, io.EOF
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return Row{}, fail(err)
		}
		return object(raw, r.format)
	}
	return nil
}

func (r *Reader) openLines(most int64) {
	in := bufio.NewReaderSize(r.src, 64<<10)
	line := int64(0)
	r.next = func() (Row, error) {
		for {
			r.src.refresh()
			text, err := in.ReadBytes('\n')
			line++
			if err != nil && !errors.Is(err, io.EOF) {
				return Row{}, broken(err, r.number)
			}
			end := errors.Is(err, io.EOF)
			text = bytes.TrimSpace(text)
			if len(text) == 0 {
				if end {
					return Row{}, io.EOF
				}
				continue
			}
			if int64(len(text)) > most {
				return Row{}, broken(errRow(most), r.number)
			}
			if !json.Valid(text) {
				f := ErrRowJSON.With("line", line, "why", "not JSON")
				if end {
					f = ErrTruncated.With("after", r.number)
				}
				return Row{}, &RowFault{Row: Row{Line: line, text: clip(bytes.ToValidUTF8(text, []byte("�")))}, Fault: f}
			}
			row, err := object(text, NDJSON)
			row.Line = line
			return row, err
		}
	}
}

// object reads one JSON object as a row: its values become fields, of a GeoJSON
// feature those of its properties; an object or list becomes its JSON text.
func object(raw json.RawMessage, f Format) (Row, error) {
	row := Row{Raw: raw, Fields: map[string]string{}}
	if !utf8.Valid(raw) {
		row.Raw, row.text = nil, clip(bytes.ToValidUTF8(raw, []byte("�")))
		return row, &RowFault{Row: row, Fault: ErrRowText}
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil || values == nil {
		row.Raw, row.text = nil, clip(raw)
		return row, &RowFault{Row: row, Fault: ErrNoObject}
	}
	if _, ok := values[objectKey]; ok {
		delete(values, objectKey)
		row.Raw, _ = json.Marshal(values)
	}
	if f == GeoJSON {
		var feature struct {
			Type       string                     `json:"type"`
			Geometry   json.RawMessage            `json:"geometry"`
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal(row.Raw, &feature); err != nil || feature.Type != "Feature" {
			return row, &RowFault{Row: row, Fault: ErrNoObject}
		}
		row.Geometry, values = feature.Geometry, feature.Properties
	}
	for k, v := range values {
		if s, ok := scalar(v); ok {
			row.Fields[k] = s
		} else {
			row.Fields[k] = string(v)
		}
	}
	return row, nil
}

// scalar gives a string, number or boolean as text; null is an empty cell.
func scalar(v json.RawMessage) (string, bool) {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0 || v[0] == '{' || v[0] == '[':
		return "", false
	case string(v) == "null":
		return "", true
	case v[0] == '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return "", false
		}
		return s, true
	}
	return string(v), true
}
