// Package table reads tables that other systems wrote and accounts for every
// row of them: taken, repeated, or refused with a reason. It reads CSV, JSON,
// newline-delimited JSON and GeoJSON, plain or gzipped, as numbered rows under
// limits; it can read any of them through a mapping (columns to fields, values
// to words); and it runs an import so that the sums agree, one bad row loses no
// other, and what was refused can be mended and imported again.
//
// It knows nothing of what the rows mean and opens no database.
package table

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/kit/fault"
)

// Words holds the texts this package says itself.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// What can be wrong with a file. After one of these nothing more can be read
// from it.
var (
	ErrOpen      = fault.New(fault.Missing, "table.cannot_open")
	ErrFormat    = fault.New(fault.Invalid, "table.unknown_format")
	ErrEncoding  = fault.New(fault.Invalid, "table.encoding")
	ErrHeader    = fault.New(fault.Invalid, "table.header")
	ErrTruncated = fault.New(fault.Invalid, "table.truncated")
	ErrBroken    = fault.New(fault.Invalid, "table.broken")
	ErrTooLarge  = fault.New(fault.TooLarge, "table.too_large")
	ErrTooMany   = fault.New(fault.TooLarge, "table.too_many_rows")
)

// What can be wrong with one row; the rows after it can still be read.
var (
	ErrColumns  = fault.New(fault.Invalid, "table.column_count")
	ErrQuote    = fault.New(fault.Invalid, "table.quote")
	ErrRowText  = fault.New(fault.Invalid, "table.row_encoding")
	ErrRowLarge = fault.New(fault.TooLarge, "table.row_too_large")
	ErrNoObject = fault.New(fault.Invalid, "table.no_object")
	ErrRowJSON  = fault.New(fault.Invalid, "table.row_json")
)

// Format is how a table is written.
type Format string

const (
	CSV     Format = "csv"
	JSON    Format = "json"    // an array of objects, or an object that holds one
	NDJSON  Format = "ndjson"  // one object a line
	GeoJSON Format = "geojson" // a FeatureCollection; a row is a feature
	Cells   Format = "cells"   // rows of cells that somebody else reads (FromCells)
)

// Row is one row of a table.
type Row struct {
	Number   int64             // from 1, the header not counted
	Line     int64             // line in the file where it begins; 0 when not known
	Fields   map[string]string // by column; of GeoJSON the properties; an object or list as JSON text
	Raw      json.RawMessage   // the object of a JSON row
	Geometry json.RawMessage   // the geometry of a GeoJSON feature

	cells []string // a CSV row as it stood
	text  string   // what could not be read as a row
}

// Get gives a column's value without the blanks around it, or "".
func (r Row) Get(column string) string { return strings.TrimSpace(r.Fields[column]) }

// Decode reads a JSON row into v and refuses fields that v does not know.
func (r Row) Decode(v any) error {
	if r.Raw == nil {
		return ErrNoObject
	}
	d := json.NewDecoder(strings.NewReader(string(r.Raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return ErrRowJSON.With("why", plain(err)).Because(err)
	}
	return nil
}

// RowFault is one row that cannot be read. Reading can go on after it.
type RowFault struct {
	Row   Row
	Fault *fault.Fault
}

func (e *RowFault) Error() string { return fmt.Sprintf("row %d: %v", e.Row.Number, e.Fault) }

// Unwrap gives the fault itself.
func (e *RowFault) Unwrap() error { return e.Fault }

// The columns that a file of refused rows carries beside the original ones. A
// reader leaves them out, so that the mended file is imported as it is.
const (
	columnNumber = "refused_number"
	columnField  = "refused_field"
	columnCode   = "refused_code"
	columnReason = "refused_reason"
	columnText   = "refused_text"
	objectKey    = "refused" // the same as an object, in JSON rows
)

var extraColumns = []string{columnNumber, columnField, columnCode, columnReason, columnText}

func extra(column string) bool { return slices.Contains(extraColumns, column) }

// plain is an error of the standard JSON reader without the Go names in it.
func plain(err error) string {
	s := strings.TrimPrefix(err.Error(), "json: ")
	s, _, _ = strings.Cut(s, " of type ")
	return strings.Replace(s, "Go value", "value", 1)
}
