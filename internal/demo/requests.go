package demo

import (
	"errors"
	"fmt"
	"io"
	"time"

	"onegrid/data"
	"onegrid/internal/kit/table"
)

// Request is one real service request of the sample, mapped to a work item and
// moved onto the area.
type Request struct {
	Number    int64 // row of the sample
	Item      string
	Condition string
	Title     string
	Form      []byte
	Channel   string
	Lon, Lat  float64
	Opened    time.Time
	Due       time.Time // zero: none was given
	Closed    time.Time // zero: still open when the sample was taken
	Untimed   bool      // closed before it was opened: kept out of time statistics
}

// Requests reads the sample through the shipped mapping, oldest first.
func Requests() ([]Request, error) {
	raw, err := data.FS.ReadFile("mappings/boston311.json")
	if err != nil {
		return nil, err
	}
	mapping, err := table.ParseMapping(raw)
	if err != nil {
		return nil, err
	}
	f, err := data.FS.Open("demo/requests-5000.csv.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadRequests(f, "requests-5000.csv.gz", mapping)
}

// ReadRequests reads a table of requests through a mapping; a row that can't be
// read is an error.
func ReadRequests(r io.Reader, name string, mapping *table.Mapping) ([]Request, error) {
	rows, err := table.NewReader(r, name, table.Options{})
	if err != nil {
		return nil, err
	}
	if err := mapping.Fits(rows.Header()); err != nil {
		return nil, err
	}
	var list []Request
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rec, err := mapping.Read(row)
		if err != nil {
			return nil, fmt.Errorf("%s row %d: %w", name, row.Number, err)
		}
		lon, _ := rec.Float("lon")
		lat, _ := rec.Float("lat")
		list = append(list, Request{
			Number: rec.Number, Item: rec.Text("item"), Condition: rec.Text("condition"), Title: rec.Text("title"), Form: rec.JSON("form"),
			Channel: rec.Text("channel"), Lon: lon, Lat: lat,
			Opened: rec.Time("opened_at"), Due: rec.Time("due_at"), Closed: rec.Time("closed_at"), Untimed: rec.Text("untimed") == "true",
		})
	}
}
