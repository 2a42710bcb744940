package casework

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Original is a case of a made-up district that was carried on for real, with
// all that stands beside it: the pattern of many others. Its copies differ in ids,
// number, times, place and words; who did what stays. Photos, which are large,
// are not copied.
type Original struct {
	Case    Case
	Tasks   int
	Entries []journal.Original
	own     []id.ID // ids that a copy makes anew: the case, its tasks, clocks, dispatches, entries
	rows    []patternRow
	bodies  []pattern // of the entries
	subject []int     // of the entries, by place in own
	entry   []int     // their own ids
}

// Tables that copies are written into, in this order.
var copiedTables = []struct {
	name, columns, of string
	task              bool // rows of tasks too
}{
	{"cases", `id, number, arrived, parent_id, task, flow, item, item_version, condition, title, text, lon, lat, cell, place,
		hub_id, street_id, platform_id, grid_id, micro_id, department_id, state, priority, secrecy, channel,
		post_id, acting_post_id, intake_post_id, handler_post_id, person_id, ask_post_id,
		clock_kind, clock_row, clock_start, clock_limit, clock_calendar, clock_given, due_at, near_at, provisional, paused, remaining, clock_late_at,
		late, verify_state, check_state, resume_at, occurred_at, recorded_at, closed_at, list_at, version, made_up, facets, spot`, "id", true},
	{"case_clock", `id, case_id, kind, limits, calendar, given, start_at, due_at, provisional, pauses, remaining, stopped_at, used_ms, late_at,
		extensions, escalate_at, escalate_step`, "case_id", true},
	{"case_dispatch", `id, case_id, seq, from_post, to_post, at, ended_at, ended`, "case_id", false},
	{"case_named", `person_id, case_id, state, list_at`, "case_id", true},
	{"case_side", `post_id, case_id, kind, state, list_at`, "case_id", true},
}

// CopiedTables are the names of the tables that copies are written into.
func CopiedTables() (names []string) {
	for _, t := range copiedTables {
		names = append(names, t.name)
	}
	return names
}

// What a value of a copy is made of.
const (
	valueFixed = iota
	valueID
	valueTime
	valueList // list_at: a time, a time backwards, or none
	valuePattern
	valueText
	valueLon
	valueLat
	valueCell
	valueSpot
	valueArrived
)

type patternRow struct {
	table  int
	values []patternValue
}

type patternValue struct {
	kind  int
	fixed any
	own   int // place in own
	text  pattern
}

// pattern is a text with holes for what each copy has of its own.
type pattern []piece

type piece struct {
	text string // what stands before the hole
	hole int    // place in own, or one of the following
}

const (
	holeNone   = -1
	holeNumber = -2
	holeWords  = -3
)

// columnKinds are the columns that are not simply repeated.
var columnKinds = map[string]int{"occurred_at": valueTime, "recorded_at": valueTime, "closed_at": valueTime, "clock_start": valueTime, "due_at": valueTime,
	"near_at": valueTime, "clock_late_at": valueTime, "start_at": valueTime, "stopped_at": valueTime, "late_at": valueTime, "escalate_at": valueTime,
	"resume_at": valueTime, "at": valueTime, "ended_at": valueTime, "list_at": valueList, "number": valuePattern, "facets": valuePattern, "text": valueText,
	"lon": valueLon, "lat": valueLat, "cell": valueCell, "spot": valueSpot, "arrived": valueArrived}

// ReadOriginal reads a case as a pattern. ok is false for one that cannot be
// moved in time as a whole: its clock stood still, or a date stands in its words.
func ReadOriginal(tx *db.Tx, caseID id.ID) (o *Original, ok bool, err error) {
	o = &Original{}
	if o.Case, err = get(tx, caseID); err != nil {
		return nil, false, err
	}
	if o.Case.Hold != nil || o.Case.Ask != nil || !o.Case.Given.IsZero() || o.Case.Clock.Paused || o.Case.Text == "" {
		return nil, false, nil
	}
	tasks, err := tasksOf(tx, caseID)
	if err != nil {
		return nil, false, err
	}
	o.Tasks = len(tasks)
	cases := []id.ID{caseID}
	for _, t := range tasks {
		cases = append(cases, t.ID)
	}
	o.own = slices.Clone(cases)
	type raw struct {
		table  int
		values []any
	}
	var rows []raw
	for i, t := range copiedTables {
		columns := columnsOf(t.columns)
		for _, c := range cases {
			if c != caseID && !t.task {
				continue
			}
			some, err := anything(tx, `SELECT `+t.columns+` FROM `+t.name+` WHERE `+t.of+` = $1`, len(columns), c)
			if err != nil {
				return nil, false, err
			}
			for _, values := range some {
				rows = append(rows, raw{i, values})
				if t.of == "case_id" && columns[0] == "id" {
					o.own = append(o.own, asID(values[0]))
				}
				if p := slices.Index(columns, "pauses"); p >= 0 && values[p] != "[]" || slices.Contains(columns, "extensions") && values[slices.Index(columns, "extensions")] != "[]" {
					return nil, false, nil
				}
			}
		}
	}
	if o.Entries, err = journal.Originals(tx, caseID); err != nil {
		return nil, false, err
	}
	for _, e := range o.Entries {
		o.entry = append(o.entry, len(o.own))
		o.own = append(o.own, e.ID)
	}
	for _, e := range o.Entries {
		at := slices.Index(o.own, e.Subject)
		if at < 0 || strings.Contains(string(e.Facts), caseID.String()) {
			return nil, false, nil // it speaks of something else, too
		}
		o.subject = append(o.subject, at)
		o.bodies = append(o.bodies, o.pattern(string(e.Content)))
	}
	for _, r := range rows {
		t := copiedTables[r.table]
		p := patternRow{table: r.table}
		columns := columnsOf(t.columns)
		for i, v := range r.values {
			p.values = append(p.values, o.value(t.name, columns[i], v))
		}
		o.rows = append(o.rows, p)
	}
	return o, true, nil
}

// anything reads rows as the driver gives them.
func anything(tx *db.Tx, q string, columns int, args ...any) ([][]any, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read an original: %w", err)
	}
	defer rows.Close()
	var out [][]any
	for rows.Next() {
		one, into := make([]any, columns), make([]any, columns)
		for i := range one {
			into[i] = &one[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("read an original: %w", err)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

func asID(v any) (out id.ID) {
	if b, ok := v.([]byte); ok && len(b) == len(out) {
		copy(out[:], b)
	}
	return out
}

func (o *Original) value(table, column string, v any) patternValue {
	if v == nil {
		return patternValue{kind: valueFixed}
	}
	if own := asID(v); !own.IsZero() {
		if at := slices.Index(o.own, own); at >= 0 {
			return patternValue{kind: valueID, own: at}
		}
		return patternValue{kind: valueFixed, fixed: v}
	}
	kind, ok := columnKinds[column]
	switch {
	case !ok || column == "text" && table != "cases":
		return patternValue{kind: valueFixed, fixed: v}
	case kind == valuePattern:
		return patternValue{kind: kind, text: o.pattern(fmt.Sprint(v))}
	}
	return patternValue{kind: kind, fixed: v}
}

// pattern finds in a text what a copy has of its own.
func (o *Original) pattern(text string) (p pattern) {
	words, err := json.Marshal(o.Case.Text)
	if err != nil {
		return pattern{{text, holeNone}}
	}
	marks := map[string]int{o.Case.Number: holeNumber, `"text":` + string(words): holeWords}
	for i, v := range o.own {
		marks[v.String()] = i
	}
	from := 0
	for at := 0; at < len(text); at++ {
		for mark, hole := range marks {
			if strings.HasPrefix(text[at:], mark) {
				p, from = append(p, piece{text[from:at], hole}), at+len(mark)
				at = from - 1
				break
			}
		}
	}
	return append(p, piece{text[from:], holeNone})
}

// Copied is one case made after an original.
type Copied struct {
	Of       *Original
	Shift    int64 // milliseconds by which it is later
	Number   string
	Text     string
	Lon, Lat float64

	own  []id.ID
	json []byte // the words as they stand in a body
}

// Prepare makes the ids: those of the original, later, and otherwise of chance.
func (c *Copied) Prepare(random io.Reader) error {
	c.own = make([]id.ID, len(c.Of.own))
	chance := make([]byte, 10*len(c.own))
	if _, err := io.ReadFull(random, chance); err != nil {
		return err
	}
	for i, v := range c.Of.own {
		ms := c.Shift + int64(v[0])<<40 + int64(v[1])<<32 + int64(v[2])<<24 + int64(v[3])<<16 + int64(v[4])<<8 + int64(v[5])
		n := &c.own[i]
		for b := range 6 {
			n[b] = byte(ms >> (40 - 8*b))
		}
		copy(n[6:], chance[10*i:])
		n[6], n[8] = n[6]&0x0f|0x70, n[8]&0x3f|0x80
	}
	words, err := json.Marshal(c.Text)
	c.json = append([]byte(`"text":`), words...)
	return err
}

// ID is the copy's own.
func (c *Copied) ID() id.ID { return c.own[0] }

func (c *Copied) fill(p pattern) []byte {
	var b []byte
	for _, part := range p {
		b = append(b, part.text...)
		switch part.hole {
		case holeNone:
		case holeNumber:
			b = append(b, c.Number...)
		case holeWords:
			b = append(b, c.json...)
		default:
			b = append(b, c.own[part.hole].String()...)
		}
	}
	return b
}

// Entries are the copy's entries, oldest first.
func (c *Copied) Entries() []journal.Copy {
	out := make([]journal.Copy, len(c.Of.Entries))
	for i := range c.Of.Entries {
		e := &c.Of.Entries[i]
		out[i] = journal.Copy{Of: e, ID: c.own[c.Of.entry[i]], Subject: c.own[c.Of.subject[i]], Case: c.own[0], Occurred: e.Occurred + c.Shift, Recorded: e.Recorded + c.Shift}
		if e.Content != nil {
			out[i].Content = c.fill(c.Of.bodies[i])
		}
	}
	return out
}

// CopyLots are empty lots for CopiedTables, and one for the index of words.
func CopyLots(e db.Engine) []db.Lot {
	var out []db.Lot
	for _, t := range copiedTables {
		out = append(out, db.Lot{Table: t.name, Columns: columnsOf(t.columns)})
	}
	if e == db.Postgres {
		return append(out, db.Lot{Table: "case_search", Columns: []string{"id", "terms"}})
	}
	return append(out, db.Lot{Table: "case_search_key", Columns: []string{"n", "id"}}, db.Lot{Table: "case_search", Columns: []string{"rowid", "terms"}})
}

// Rows adds the copy's rows to lots of CopyLots. arrived gives the number of the
// first entry about a case or task of it; serial is the copy's place in SQLite's
// index of words.
func (c *Copied) Rows(lots []db.Lot, serial int64, arrived func(subject id.ID) int64) {
	for _, r := range c.Of.rows {
		lot := &lots[r.table]
		var subject id.ID
		for _, v := range r.values {
			var out any
			switch v.kind {
			case valueFixed:
				out = v.fixed
			case valueID:
				if subject.IsZero() {
					subject = c.own[v.own]
				}
				out = slices.Clone(c.own[v.own][:])
			case valueTime:
				out = v.fixed.(int64) + c.Shift
			case valueList:
				switch at := v.fixed.(int64); {
				case at == farFuture:
					out = at
				case at < 0:
					out = at - c.Shift
				default:
					out = at + c.Shift
				}
			case valuePattern:
				out = string(c.fill(v.text))
			case valueText:
				out = c.Text
			case valueLon:
				out = c.Lon
			case valueLat:
				out = c.Lat
			case valueCell:
				out = cellOf(c.Lon, c.Lat)
			case valueSpot:
				out = spotOf(c.Lon, c.Lat)
			case valueArrived:
				out = arrived(subject)
			}
			lot.Values = append(lot.Values, out)
		}
	}
	k := c.Of.Case
	k.Number, k.Text = c.Number, c.Text
	terms := strings.Join(termsOf(k), " ")
	caseID := slices.Clone(c.own[0][:])
	if len(lots) == len(copiedTables)+1 {
		lots[len(copiedTables)].Add(caseID, "'"+strings.ReplaceAll(terms, " ", "' '")+"'")
		return
	}
	lots[len(copiedTables)].Add(serial, caseID)
	lots[len(copiedTables)+1].Add(serial, terms)
}

// NextSerial is the next free place in SQLite's index of words; 1 on PostgreSQL,
// which counts by itself.
func NextSerial(tx *db.Tx) (n int64, err error) {
	if tx.Engine() == db.Postgres {
		return 1, nil
	}
	err = tx.Row(`SELECT COALESCE(MAX(n), 0) + 1 FROM case_search_key`).Scan(&n)
	return n, err
}

// PrepareSearch gives the index of words room for many cases at a time; after
// them it is put into order. Only SQLite needs it.
func PrepareSearch(tx *db.Tx, begin bool) error {
	if tx.Engine() == db.Postgres {
		return nil
	}
	q := []string{`INSERT INTO case_search (case_search, rank) VALUES ('automerge', 0)`, `INSERT INTO case_search (case_search, rank) VALUES ('hashsize', 268435456)`}
	if !begin {
		q = []string{`INSERT INTO case_search (case_search) VALUES ('optimize')`, `INSERT INTO case_search (case_search, rank) VALUES ('automerge', 4)`,
			`INSERT INTO case_search (case_search, rank) VALUES ('hashsize', 1048576)`}
	}
	for _, s := range q {
		if _, err := tx.Exec(s); err != nil {
			return fmt.Errorf("index of words: %w", err)
		}
	}
	return nil
}

// NumberOf is the number of a day's n-th case: numbers of one day differ. For
// copies only: real ones can't be counted.
func NumberOf(day string, n uint64) string {
	const all = 27_512_614_111 // 31^7
	n = (n*9_973_333_331 + 5_021_987_654) % all
	b := []byte(day)
	for range randomChars {
		b = append(b, alphabet[n%uint64(len(alphabet))])
		n /= uint64(len(alphabet))
	}
	body := string(b)
	return body[:dateDigits] + "-" + body[dateDigits:] + "-" + string(alphabet[checkOf(body)])
}

// Stirs says whether something happens to the original by itself before a time:
// a clock runs out, or is due to be raised.
func (o *Original) Stirs(before time.Time) bool {
	for _, r := range o.rows {
		t := copiedTables[r.table]
		if t.name != "case_clock" {
			continue
		}
		at := func(column string) (int64, bool) {
			for i, c := range columnsOf(t.columns) {
				if c == column {
					ms, ok := r.values[i].fixed.(int64)
					return ms, ok
				}
			}
			return 0, false
		}
		if _, stopped := at("stopped_at"); stopped {
			continue
		}
		_, late := at("late_at")
		if due, ok := at("due_at"); ok && !late && due < before.UnixMilli() {
			return true
		}
		if raise, ok := at("escalate_at"); ok && raise < before.UnixMilli() {
			return true
		}
	}
	return false
}

// columnsOf are the names in a list of columns.
func columnsOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \n\t", r) })
}
