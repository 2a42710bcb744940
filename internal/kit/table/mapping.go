package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
)

// What can be wrong with a mapping, and with a row read through one.
var (
	ErrMapping    = fault.New(fault.Invalid, "table.mapping")
	ErrRow        = fault.New(fault.Invalid, "table.row")
	errNeeded     = fault.New(fault.Invalid, "table.value_missing")
	errNoColumn   = fault.New(fault.Invalid, "table.column_missing")
	errUnknown    = fault.New(fault.Invalid, "table.value_unknown")
	errNoTime     = fault.New(fault.Invalid, "table.not_a_time")
	errNoNumber   = fault.New(fault.Invalid, "table.not_a_number")
	errNoObject   = fault.New(fault.Invalid, "table.not_an_object")
	errOutOfRange = fault.New(fault.Invalid, "table.out_of_range")
	errLong       = fault.New(fault.Invalid, "table.value_long")
	errTimeOrder  = fault.New(fault.Invalid, "table.time_order")
)

// Mapping says how somebody's table is read as ours: which column is which
// field, which of their values is which of our words, in which zone their times
// are. It is data; a new source needs no new code.
type Mapping struct {
	Name     string            `json:"name"`
	Title    map[string]string `json:"title"` // by language
	Note     map[string]string `json:"note,omitempty"`
	Source   string            `json:"source,omitempty"`
	Licence  string            `json:"licence,omitempty"`
	TimeZone string            `json:"time_zone"`         // IANA name; for times that carry no zone
	Layouts  []string          `json:"layouts,omitempty"` // of times, in Go's notation; default RFC 3339 and the usual ones
	Fields   map[string]Field  `json:"fields"`
	Lookups  []Lookup          `json:"lookups,omitempty"`
	Orders   []Order           `json:"orders,omitempty"`
	Moves    *Move             `json:"move,omitempty"`

	zone    *time.Location
	columns []string
}

// Kind is what a field holds.
type Kind string

const (
	KindText   Kind = "text"
	KindTime   Kind = "time"
	KindNumber Kind = "number"
	KindJSON   Kind = "json" // an object
)

// Field is one field of ours and where it comes from.
type Field struct {
	Column   string            `json:"column,omitempty"`
	Kind     Kind              `json:"kind,omitempty"`  // text when empty
	Const    string            `json:"const,omitempty"` // always this
	Default  string            `json:"default,omitempty"`
	Required bool              `json:"required,omitempty"`
	Values   map[string]string `json:"values,omitempty"`  // theirs to ours
	Unknown  string            `json:"unknown,omitempty"` // "refuse" (default) or "default" for values that are not listed
	Min      *float64          `json:"min,omitempty"`
	Max      *float64          `json:"max,omitempty"`
	Longest  int               `json:"longest,omitempty"` // characters; default 2,000
}

// Lookup gives several fields at once by one column's value.
type Lookup struct {
	Column  string                                `json:"column"`
	Rows    map[string]map[string]json.RawMessage `json:"rows"`
	Default map[string]json.RawMessage            `json:"default,omitempty"` // for values that are not listed; absent refuses them
}

// Order is a rule that one time may not lie before another. A row that breaks it
// is refused, or set right, remarked on and marked.
type Order struct {
	Field     string            `json:"field"`
	NotBefore string            `json:"not_before"`
	Else      string            `json:"else"` // "refuse" or "equal"
	Note      string            `json:"note,omitempty"`
	Set       map[string]string `json:"set,omitempty"`
}

// Move carries positions linearly from one box onto another, each west, south,
// east, north: the demo shows a real spatial pattern in another place.
type Move struct {
	From [4]float64 `json:"from"`
	To   [4]float64 `json:"to"`
}

// Record is one row read through a mapping.
type Record struct {
	Number int64
	Notes  []Note

	texts   map[string]string
	times   map[string]time.Time
	numbers map[string]float64
	objects map[string]json.RawMessage
}

// Text gives a text field, or "".
func (r Record) Text(field string) string { return r.texts[field] }

// Time gives a time field in UTC, or the zero time.
func (r Record) Time(field string) time.Time { return r.times[field] }

// Float gives a number field and whether it is there.
func (r Record) Float(field string) (float64, bool) { v, ok := r.numbers[field]; return v, ok }

// JSON gives an object field, or nil.
func (r Record) JSON(field string) json.RawMessage { return r.objects[field] }

var usualLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006/01/02 15:04:05", "2006/1/2 15:04", "2006-01-02",
}

// ParseMapping reads a mapping file and refuses one that cannot work.
func ParseMapping(raw []byte) (*Mapping, error) {
	var m Mapping
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, ErrMapping.With("why", plain(err)).Because(err)
	}
	bad := func(format string, args ...any) (*Mapping, error) {
		return nil, ErrMapping.With("why", fmt.Sprintf(format, args...))
	}
	if m.TimeZone == "" {
		return bad("time_zone is missing")
	}
	var err error
	if m.zone, err = time.LoadLocation(m.TimeZone); err != nil || m.TimeZone == "Local" {
		return bad("time_zone %s is not known", m.TimeZone)
	}
	if len(m.Fields) == 0 {
		return bad("fields is empty")
	}
	if len(m.Layouts) == 0 {
		m.Layouts = usualLayouts
	}
	kinds := map[string]Kind{}
	seen := map[string]bool{}
	column := func(c string) {
		if c != "" && !seen[c] {
			seen[c] = true
			m.columns = append(m.columns, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		f := m.Fields[name]
		if f.Kind == "" {
			f.Kind = KindText
		}
		if f.Longest == 0 {
			f.Longest = 2000
		}
		switch {
		case f.Kind != KindText && f.Kind != KindTime && f.Kind != KindNumber && f.Kind != KindJSON:
			return bad("field %s has the unknown kind %s", name, f.Kind)
		case (f.Column == "") == (f.Const == ""):
			return bad("field %s needs a column or a constant, not both", name)
		case f.Unknown != "" && f.Unknown != "refuse" && f.Unknown != "default":
			return bad("field %s: unknown is refuse or default", name)
		case f.Values != nil && f.Kind != KindText:
			return bad("field %s: only texts have a list of values", name)
		}
		m.Fields[name] = f
		kinds[name] = f.Kind
		column(f.Column)
	}
	for _, l := range m.Lookups {
		if l.Column == "" || len(l.Rows) == 0 {
			return bad("a lookup needs a column and rows")
		}
		column(l.Column)
		rows := slices.Collect(maps.Values(l.Rows))
		if l.Default != nil {
			rows = append(rows, l.Default)
		}
		for _, row := range rows {
			for name, v := range row {
				if _, own := m.Fields[name]; own {
					return bad("field %s comes from a lookup and from a column", name)
				}
				k := KindText
				if v = bytes.TrimSpace(v); len(v) == 0 || v[0] != '"' {
					k = KindJSON
				}
				if old, ok := kinds[name]; ok && old != k {
					return bad("field %s is now text, now object", name)
				}
				kinds[name] = k
			}
		}
	}
	for _, o := range m.Orders {
		if kinds[o.Field] != KindTime || kinds[o.NotBefore] != KindTime {
			return bad("an order compares two times: %s, %s", o.Field, o.NotBefore)
		}
		if o.Else != "refuse" && o.Else != "equal" {
			return bad("an order's else is refuse or equal")
		}
	}
	if v := m.Moves; v != nil {
		if kinds["lon"] != KindNumber || kinds["lat"] != KindNumber {
			return bad("a move needs the numbers lon and lat")
		}
		for _, b := range [][4]float64{v.From, v.To} {
			if !(b[0] < b[2] && b[1] < b[3]) {
				return bad("a box is west, south, east, north")
			}
		}
	}
	return &m, nil
}

// Columns lists the columns a mapping reads.
func (m *Mapping) Columns() []string { return slices.Clone(m.columns) }

// Fits says whether a table with these columns can be read through the mapping;
// the fault names every column that is missing.
func (m *Mapping) Fits(header []string) error {
	out := ErrHeader.With("why", "columns")
	for _, c := range m.columns {
		if !slices.Contains(header, c) {
			out = out.At(c, errNoColumn.Code)
		}
	}
	if len(out.Where) > 0 {
		return out
	}
	return nil
}

// Read reads one row. The fault names every column that is wrong.
func (m *Mapping) Read(row Row) (Record, error) {
	rec := Record{
		Number: row.Number, texts: map[string]string{}, times: map[string]time.Time{},
		numbers: map[string]float64{}, objects: map[string]json.RawMessage{},
	}
	out := ErrRow
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		if f := m.field(&rec, name, row); f != nil {
			out = out.At(m.at(name), f.Code, pairs(f.Args)...)
		}
	}
	for _, l := range m.Lookups {
		v := row.Get(l.Column)
		found, ok := l.Rows[v]
		if !ok {
			if found = l.Default; found == nil {
				out = out.At(l.Column, errUnknown.Code, "value", short(v))
				continue
			}
		}
		for name, value := range found {
			if s, ok := scalar(value); ok && bytes.HasPrefix(bytes.TrimSpace(value), []byte(`"`)) {
				rec.texts[name] = s
			} else {
				rec.objects[name] = value
			}
		}
	}
	for _, o := range m.Orders {
		a, b := rec.times[o.Field], rec.times[o.NotBefore]
		if a.IsZero() || b.IsZero() || !a.Before(b) {
			continue
		}
		if o.Else == "refuse" {
			out = out.At(m.at(o.Field), errTimeOrder.Code, "than", m.at(o.NotBefore))
			continue
		}
		code := o.Note
		if code == "" {
			code = errTimeOrder.Code
		}
		rec.Notes = append(rec.Notes, Note{Field: m.at(o.Field), Code: code, Args: map[string]any{
			"given": row.Get(m.at(o.Field)), "than": row.Get(m.at(o.NotBefore)),
		}})
		rec.times[o.Field] = b
		for k, v := range o.Set {
			rec.texts[k] = v
		}
	}
	if len(out.Where) > 0 {
		return rec, out
	}
	if v := m.Moves; v != nil {
		if lon, ok := rec.numbers["lon"]; ok {
			rec.numbers["lon"] = carry(lon, v.From[0], v.From[2], v.To[0], v.To[2])
		}
		if lat, ok := rec.numbers["lat"]; ok {
			rec.numbers["lat"] = carry(lat, v.From[1], v.From[3], v.To[1], v.To[3])
		}
	}
	return rec, nil
}

// carry moves v from one span onto another, to 7 decimals.
func carry(v, from, to, newFrom, newTo float64) float64 {
	w := newFrom + (v-from)/(to-from)*(newTo-newFrom)
	return math.Round(w*1e7) / 1e7
}

// at is the name by which the operator finds a field: his own column.
func (m *Mapping) at(field string) string {
	if c := m.Fields[field].Column; c != "" {
		return c
	}
	return field
}

// field reads one field into the record.
func (m *Mapping) field(rec *Record, name string, row Row) *fault.Fault {
	f := m.Fields[name]
	v := f.Const
	if f.Column != "" {
		v = row.Get(f.Column)
	}
	if f.Values != nil && v != "" {
		ours, ok := f.Values[v]
		if !ok && f.Unknown != "default" {
			return errUnknown.With("value", short(v))
		}
		v = ours // none when not listed: the default
	}
	if v == "" {
		v = f.Default
	}
	if v == "" {
		if f.Required {
			return errNeeded
		}
		return nil
	}
	switch f.Kind {
	case KindTime:
		t, err := m.time(v)
		if err != nil {
			return errNoTime.With("value", short(v))
		}
		rec.times[name] = t
	case KindNumber:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return errNoNumber.With("value", short(v))
		}
		if f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
			return errOutOfRange.With("value", short(v))
		}
		rec.numbers[name] = n
	case KindJSON:
		var o map[string]json.RawMessage
		if json.Unmarshal([]byte(v), &o) != nil || o == nil {
			return errNoObject.With("value", short(v))
		}
		rec.objects[name] = json.RawMessage(v)
	default:
		if utf8.RuneCountInString(v) > f.Longest {
			return errLong.With("most", f.Longest)
		}
		rec.texts[name] = v
	}
	return nil
}

// time reads a time in the mapping's zone, unless it carries its own.
func (m *Mapping) time(v string) (time.Time, error) {
	var first error
	for _, l := range m.Layouts {
		t, err := time.ParseInLocation(l, v, m.zone)
		if err == nil {
			if y := t.Year(); y < 1900 || y > 2200 {
				return t, fmt.Errorf("year %d", y)
			}
			return t.UTC().Truncate(time.Millisecond), nil
		}
		if first == nil {
			first = err
		}
	}
	return time.Time{}, first
}

func pairs(args map[string]any) []any {
	var out []any
	for k, v := range args {
		out = append(out, k, v)
	}
	return out
}

func short(s string) string {
	r := []rune(strings.ToValidUTF8(s, "�"))
	if len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return string(r)
}
