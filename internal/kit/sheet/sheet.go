// Package sheet reads and writes tables as spreadsheets (XLSX), row by row,
// under limits, and writes the same rows as CSV and JSON.
//
// Writing stands on excelize's stream writer. Reading is our own: the library
// takes a whole archive into memory and gives text as it would be shown, and we
// need neither more memory than a row nor dates that have turned into text. It
// reads the first sheet of a workbook: shared and inline text, numbers, truth
// values, dates as their format says.
//
// What it promises:
//   - A value comes back as the kind it had: text, number (15 digits), truth
//     value, day, moment. Text that looks like a formula, a number or a date is text, and
//     leading zeros of a code stay.
//   - A workbook with a formula in its rows, with macros or with links to other
//     files is refused before its first row is given.
//   - An archive that unpacks to far more than it weighs, has too many parts or
//     lies about its sizes is refused, having cost no more than the limits.
//   - What is written never begins a formula: not in XLSX, not in CSV.
package sheet

import (
	"embed"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
)

// Words are the sentences this package says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// What can be wrong with a file.
var (
	ErrNotXLSX  = fault.New(fault.Invalid, "sheet.not_xlsx")
	ErrBroken   = fault.New(fault.Invalid, "sheet.broken")
	ErrFormula  = fault.New(fault.Invalid, "sheet.formula")
	ErrActive   = fault.New(fault.Invalid, "sheet.active")
	ErrBomb     = fault.New(fault.TooLarge, "sheet.bomb")
	ErrTooLarge = fault.New(fault.TooLarge, "sheet.too_large")
	ErrTooMany  = fault.New(fault.TooLarge, "sheet.too_many_rows")
	ErrColumns  = fault.New(fault.TooLarge, "sheet.too_many_columns")
	ErrHeader   = fault.New(fault.Invalid, "sheet.header")
	ErrFormat   = fault.New(fault.Invalid, "sheet.unknown_format")
)

// Kind is what a cell holds.
type Kind int8

const (
	Empty Kind = iota
	Text
	Number
	Bool
	Day    // a date without a time
	Moment // a date with a time, on the wall clock of whoever wrote it
)

// Cell is one value of a row. Time is a wall clock: its zone means nothing.
type Cell struct {
	Kind   Kind
	Text   string
	Number float64
	Bool   bool
	Time   time.Time
}

// T is a text cell; empty text is an empty cell.
func T(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{Kind: Text, Text: s}
}

// N is a number, rounded to the 15 digits that spreadsheets keep; what needs more
// is better a text.
func N(f float64) Cell {
	if r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64); err == nil {
		f = r
	}
	return Cell{Kind: Number, Number: f}
}

// I is a whole number; beyond 15 digits it is text, for spreadsheets round.
func I(n int64) Cell {
	if n > 999_999_999_999_999 || n < -999_999_999_999_999 {
		return T(strconv.FormatInt(n, 10))
	}
	return N(float64(n))
}

// B is a truth value.
func B(b bool) Cell { return Cell{Kind: Bool, Bool: b} }

// D is the day that a time shows in its own zone; the zero time is empty.
func D(t time.Time) Cell { return dated(Day, t) }

// M is the moment that a time shows in its own zone, to the millisecond; the
// zero time is empty.
func M(t time.Time) Cell { return dated(Moment, t) }

func dated(k Kind, t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{Kind: k, Time: wallClock(k, t)}
}

func wallClock(k Kind, t time.Time) time.Time {
	w := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	if k == Day {
		return w.Truncate(24 * time.Hour)
	}
	return w.Truncate(time.Millisecond)
}

// String is the cell as one text, the form that importers of tables read: a day
// as 2026-11-27, a moment as 2026-11-27T09:00:00.
func (c Cell) String() string {
	switch c.Kind {
	case Text:
		return c.Text
	case Number:
		return strconv.FormatFloat(c.Number, 'f', -1, 64)
	case Bool:
		return strconv.FormatBool(c.Bool)
	case Day:
		return c.Time.Format(time.DateOnly)
	case Moment:
		return c.Time.Format("2006-01-02T15:04:05.999")
	}
	return ""
}

// Equal says whether two cells hold the same value of the same kind.
func (c Cell) Equal(o Cell) bool {
	if c.Kind != o.Kind {
		return false
	}
	switch c.Kind {
	case Text:
		return c.Text == o.Text
	case Number:
		return c.Number == o.Number
	case Bool:
		return c.Bool == o.Bool
	case Day, Moment:
		return c.Time.Equal(o.Time)
	}
	return true
}

// LooksLikeFormula says whether a spreadsheet that opens a plain text file would
// take the text for a formula or a command.
func LooksLikeFormula(s string) bool {
	// Blanks in front are passed over by some, and a Chinese or Japanese program
	// takes the wide signs for the narrow ones.
	t := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
	first, _ := utf8.DecodeRuneInString(t)
	if t == "" || !strings.ContainsRune("=+-@＝＋－＠", first) {
		return s != "" && strings.ContainsRune("\t\r\n", rune(s[0]))
	}
	// A signed number is a number, not a formula.
	if _, err := strconv.ParseFloat(t, 64); err == nil {
		return false
	}
	return true
}

// The first day of the 1900 calendar of spreadsheets, which knows a 29th of
// February 1900 that never was; whole days count from here from 1900-03-01 on.
var (
	epoch1900 = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	epoch1904 = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	firstDay  = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)
	lastDay   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// serial is a wall clock as days since the epoch; ok says that it has one.
func serial(t time.Time) (float64, bool) {
	if t.Before(firstDay) || t.After(lastDay) {
		return 0, false
	}
	days := math.Floor(t.Sub(epoch1900).Hours() / 24)
	rest := t.Sub(epoch1900.AddDate(0, 0, int(days)))
	return days + rest.Seconds()/86400, true
}

// fromSerial is the wall clock of a number of days, rounded to the millisecond.
func fromSerial(days float64, epoch time.Time) (time.Time, bool) {
	if days < 0 || days > 2_958_466 || math.IsNaN(days) {
		return time.Time{}, false
	}
	whole := math.Floor(days)
	return epoch.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round((days-whole)*86_400_000)) * time.Millisecond), true
}
