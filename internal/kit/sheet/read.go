package sheet

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

// Reader gives the rows of the first sheet of a workbook.
type Reader struct {
	archive *archive
	part    *part
	xml     *xml.Decoder
	shared  []string
	dates   []Kind // by style: Day, Moment, or Empty where it is no date
	epoch   time.Time
	row     int64 // number of the last row
	given   int64
	failed  error
}

// NewReader opens a workbook of a size.
func NewReader(r io.ReaderAt, size int64, l Limits) (*Reader, error) {
	a, err := openArchive(r, size, l.or())
	if err != nil {
		return nil, err
	}
	out := &Reader{archive: a, epoch: epoch1900}
	name, err := out.readWorkbook()
	if err != nil {
		return nil, err
	}
	if err := out.noFormula(name); err != nil {
		return nil, err
	}
	if err := out.readShared(); err != nil {
		return nil, err
	}
	if err := out.readStyles(); err != nil {
		return nil, err
	}
	if out.part, err = a.part(name); err != nil {
		return nil, err
	}
	if out.part == nil {
		return nil, ErrNotXLSX
	}
	out.xml = xml.NewDecoder(out.part)
	return out, nil
}

// Close closes what was opened.
func (r *Reader) Close() error {
	var err error
	if r.part != nil {
		err = r.part.Close()
	}
	if r.archive.close != nil {
		err = errors.Join(err, r.archive.close.Close())
	}
	return err
}

// walk reads a part element by element.
func (r *Reader) walk(name string, bounded bool, on func(d *xml.Decoder, p *part, e xml.StartElement) error) error {
	p, err := r.archive.part(name)
	if err != nil || p == nil {
		return err
	}
	defer p.Close()
	if !bounded {
		p.budget = -1
	}
	d := xml.NewDecoder(p)
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := on(d, p, e); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// readWorkbook finds the part of the first sheet.
func (r *Reader) readWorkbook() (string, error) {
	sheet := ""
	found := false
	err := r.walk("xl/workbook.xml", true, func(_ *xml.Decoder, _ *part, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attr(e, "date1904"); v == "1" || v == "true" {
				r.epoch = epoch1904
			}
		case "sheet":
			if !found {
				found = true
				for _, a := range e.Attr {
					if a.Name.Local == "id" && a.Name.Space != "" {
						sheet = a.Value
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if !found {
		return "", ErrNotXLSX
	}
	target := ""
	err = r.walk("xl/_rels/workbook.xml.rels", true, func(_ *xml.Decoder, _ *part, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == sheet {
			target = attr(e, "Target")
		}
		return nil
	})
	if err != nil || target == "" {
		return "", errOr(err, ErrNotXLSX)
	}
	if !strings.HasPrefix(target, "/") {
		target = "/xl/" + target
	}
	return path.Clean(target)[1:], nil
}

// noFormula looks through the rows for a formula before the first one is given:
// a table is data, and what a formula would show depends on who opens it.
func (r *Reader) noFormula(name string) error {
	p, err := r.archive.part(name)
	if err != nil || p == nil {
		return errOr(err, ErrNotXLSX)
	}
	defer p.Close()
	p.budget = -1
	in := bufio.NewReaderSize(p, 64<<10)
	cell := ""
	var tag []byte
	for {
		if err := skipTo(in, '<'); err != nil {
			return notEnd(err)
		}
		tag = tag[:0]
		for {
			b, err := in.ReadByte()
			if err != nil {
				return notEnd(err)
			}
			if b == '>' {
				break
			}
			if len(tag) < 512 {
				tag = append(tag, b)
			}
		}
		element := string(tag)
		element, rest, _ := strings.Cut(strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(element), " ")
		element = strings.TrimSuffix(element, "/")
		end := strings.HasPrefix(element, "/")
		if i := strings.LastIndexByte(element, ':'); i >= 0 {
			element = element[i+1:]
		}
		switch {
		case end && strings.TrimPrefix(element, "/") == "sheetData":
			r.archive.left += p.read // it is read once more
			return nil
		case element == "c":
			if _, v, ok := strings.Cut(" "+rest, ` r="`); ok {
				cell, _, _ = strings.Cut(v, `"`)
			}
		case element == "f":
			return ErrFormula.With("cell", clip(cell))
		}
	}
}

func skipTo(in *bufio.Reader, b byte) error {
	for {
		_, err := in.ReadSlice(b)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// notEnd is nil at the end of a part, which may well come without a sheetData.
func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return broken(err)
}

func (r *Reader) readShared() error {
	total := int64(0)
	return r.walk("xl/sharedStrings.xml", false, func(d *xml.Decoder, _ *part, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := textOf(d, "si", r.archive.limits.MaxRow)
		if err != nil {
			return err
		}
		if total += int64(len(text)) + 16; total > r.archive.limits.MaxText {
			return ErrTooLarge.With("most", r.archive.limits.MaxText)
		}
		r.shared = append(r.shared, text)
		return nil
	})
}

// textOf joins the texts up to the end of an element; readings of Chinese
// characters (rPh) are no part of it.
func textOf(d *xml.Decoder, end string, most int64) (string, error) {
	var b strings.Builder
	in, phonetic := false, 0
	for {
		t, err := d.RawToken()
		if err != nil {
			return "", broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			in = t.Name.Local == "t"
			if t.Name.Local == "rPh" {
				phonetic++
			}
		case xml.CharData:
			if in && phonetic == 0 {
				b.Write(t)
			}
			if int64(b.Len()) > most {
				return "", ErrTooLarge.With("most", most)
			}
		case xml.EndElement:
			in = false
			switch t.Name.Local {
			case "rPh":
				phonetic--
			case end:
				return unescape(b.String()), nil
			}
		}
	}
}

// unescape reads the _xHHHH_ form in which workbooks hide control characters.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if i+7 <= len(s) && s[i] == '_' && s[i+1] == 'x' && s[i+6] == '_' {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil && utf8.ValidRune(rune(n)) {
				b.WriteRune(rune(n))
				i += 7
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func (r *Reader) readStyles() error {
	custom := map[string]string{}
	in := false // within cellXfs
	return r.walk("xl/styles.xml", false, func(_ *xml.Decoder, _ *part, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			custom[attr(e, "numFmtId")] = attr(e, "formatCode")
		case "cellXfs":
			in = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			in = false
		case "xf":
			if in {
				if len(r.dates) > 70_000 {
					return ErrTooLarge.With("most", 70_000)
				}
				r.dates = append(r.dates, dateKind(attr(e, "numFmtId"), custom))
			}
		}
		return nil
	})
}

// dateKind says whether a number format shows a date. The numbers are those
// that the norm fixes, Chinese and Japanese ones included.
func dateKind(number string, custom map[string]string) Kind {
	if code, ok := custom[number]; ok {
		return formatKind(code)
	}
	n, err := strconv.Atoi(number)
	switch {
	case err != nil:
		return Empty
	case n == 22:
		return Moment
	case n >= 14 && n <= 17, n >= 27 && n <= 31, n == 36, n >= 50 && n <= 54, n == 57 || n == 58:
		return Day
	case n >= 18 && n <= 21, n >= 32 && n <= 35, n >= 45 && n <= 47, n == 55 || n == 56:
		return Moment
	}
	return Empty
}

// formatKind reads a format code: letters outside quotes, brackets and escapes.
func formatKind(code string) Kind {
	code, _, _ = strings.Cut(code, ";")
	day, clock := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"':
			if j := strings.IndexByte(code[i+1:], '"'); j >= 0 {
				i += j + 1
			}
		case '[':
			j := strings.IndexByte(code[i:], ']')
			if j < 0 {
				return Empty
			}
			switch strings.ToLower(code[i+1 : i+j]) {
			case "h", "hh", "m", "mm", "s", "ss":
				return Number // a length of time is a number
			}
			i += j
		case '\\', '_', '*':
			i++
		case 'y', 'Y', 'd', 'D', 'e':
			day = true
		case 'h', 'H', 's', 'S':
			clock = true
		case 'G', 'g':
			if strings.HasPrefix(strings.ToLower(code[i:]), "general") {
				return Empty
			}
		}
	}
	switch {
	case clock:
		return Moment
	case day:
		return Day
	}
	return Empty
}

// Next gives the next row that has anything in it, with its number in the sheet;
// io.EOF at the end. Empty cells at the end of a row are left out.
func (r *Reader) Next() ([]Cell, int64, error) {
	if r.failed != nil {
		return nil, 0, r.failed
	}
	cells, err := r.next()
	if err != nil {
		r.failed = err
		return nil, 0, err
	}
	if r.given++; r.given > r.archive.limits.MaxRows {
		r.failed = ErrTooMany.With("most", r.archive.limits.MaxRows)
		return nil, 0, r.failed
	}
	return cells, r.row, nil
}

func (r *Reader) next() ([]Cell, error) {
	for {
		t, err := r.xml.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
			return nil, broken(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				return nil, io.EOF
			}
		case xml.StartElement:
			if t.Name.Local != "row" {
				r.part.refresh()
				continue
			}
			r.part.refresh()
			number := r.row + 1
			if v := attr(t, "r"); v != "" {
				if number, err = strconv.ParseInt(v, 10, 64); err != nil || number <= r.row || number > 1_048_576 {
					return nil, ErrBroken
				}
			}
			r.row = number
			cells, err := r.cells()
			if err != nil {
				return nil, err
			}
			if len(cells) > 0 {
				return cells, nil
			}
		}
	}
}

// cells reads the cells of the row that was begun.
func (r *Reader) cells() ([]Cell, error) {
	var out []Cell
	for {
		t, err := r.xml.RawToken()
		if err != nil {
			return nil, broken(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				for len(out) > 0 && out[len(out)-1].Kind == Empty {
					out = out[:len(out)-1]
				}
				return out, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			at := len(out)
			if ref := attr(t, "r"); ref != "" {
				var ok bool
				if at, ok = columnOf(ref); !ok || at < len(out) {
					return nil, ErrBroken
				}
			}
			if at >= r.archive.limits.MaxColumns {
				return nil, ErrColumns.With("most", r.archive.limits.MaxColumns)
			}
			kind, style := attr(t, "t"), attr(t, "s")
			raw, err := r.value()
			if err != nil {
				return nil, err
			}
			c, err := r.cell(kind, style, raw)
			if err != nil {
				return nil, err
			}
			for len(out) < at {
				out = append(out, Cell{})
			}
			out = append(out, c)
		}
	}
}

// value reads what a cell holds up to its end.
func (r *Reader) value() (string, error) {
	var b strings.Builder
	in := false
	for {
		t, err := r.xml.RawToken()
		if err != nil {
			return "", broken(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "is":
				text, err := textOf(r.xml, "is", r.archive.limits.MaxRow)
				if err != nil {
					return "", err
				}
				b.WriteString(text)
			case "v":
				in = true
			case "f":
				return "", ErrFormula
			}
		case xml.CharData:
			if in {
				b.Write(t)
			}
		case xml.EndElement:
			in = false
			switch t.Name.Local {
			case "c":
				return b.String(), nil
			case "row", "sheetData": // the cell never ended
				return "", ErrBroken
			}
		}
	}
}

func (r *Reader) cell(kind, style, raw string) (Cell, error) {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(raw))
		if err != nil || n < 0 || n >= len(r.shared) {
			return Cell{}, ErrBroken
		}
		return T(r.shared[n]), nil
	case "inlineStr":
		return T(raw), nil
	case "str":
		return T(unescape(raw)), nil
	case "b":
		return B(raw == "1" || raw == "true"), nil
	case "e":
		return T(raw), nil // the name of the error, such as #N/A
	case "d":
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", time.DateOnly} {
			if t, err := time.Parse(form, raw); err == nil {
				if form == time.DateOnly {
					return D(t), nil
				}
				return M(t), nil
			}
		}
		return Cell{}, ErrBroken
	}
	if raw = strings.TrimSpace(raw); raw == "" {
		return Cell{}, nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return Cell{}, ErrBroken
	}
	n, _ := strconv.Atoi(style)
	if n >= 0 && n < len(r.dates) && (r.dates[n] == Day || r.dates[n] == Moment) {
		if t, ok := fromSerial(f, r.epoch); ok {
			return dated(r.dates[n], t), nil
		}
	}
	return N(f), nil
}

// columnOf reads the column of a reference such as AB12, from 0.
func columnOf(ref string) (int, bool) {
	n, i := 0, 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 4; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n - 1, n > 0 && n <= 16384
}

// Table gives the rows as those of a table: the first row names the columns.
func (r *Reader) Table() (*table.Reader, error) {
	head, _, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, ErrHeader.With("why", "empty")
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(head))
	for i, c := range head {
		names[i] = c.String()
	}
	return table.FromCells(names, func() ([]string, int64, error) {
		cells, line, err := r.Next()
		if err != nil {
			return nil, 0, err
		}
		out := make([]string, max(len(cells), len(names)))
		for i, c := range cells {
			out[i] = c.String()
		}
		return out, line, nil
	}, r)
}

func broken(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return ErrBroken.Because(err)
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func clip(s string) string {
	if r := []rune(s); len(r) > 20 {
		return string(r[:20])
	}
	return s
}
