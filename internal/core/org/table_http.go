package org

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/table"
)

const (
	// mostBytes and mostRows bound a file that is brought in from the desk, in one
	// transaction; the command line takes any number.
	mostBytes = 8 << 20
	mostRows  = 2000
	// mostTold is how many refused rows an answer names.
	mostTold = 100
)

type exportIn struct {
	Table  string       `path:"table" enum:"units,posts,people"`
	Format sheet.Format `query:"format" enum:"xlsx,csv,json" default:"xlsx"`
}

type importIn struct {
	Table string `path:"table" enum:"units,posts,people"`
}

// Brought accounts for every row of a file: Read = Taken + Repeated + Refused.
type Brought struct {
	Checked  bool         `json:"checked,omitempty" doc:"only tried: nothing was changed"`
	Read     int64        `json:"read"`
	Taken    int64        `json:"taken"`
	Repeated int64        `json:"repeated"`
	Refused  int64        `json:"refused"`
	Rows     []RefusedRow `json:"rows" doc:"the first refused ones"`
}

// RefusedRow is a row that was not taken, and why.
type RefusedRow struct {
	Row    int64  `json:"row"`
	Line   int64  `json:"line,omitempty"`
	Field  string `json:"field,omitempty"`
	Code   string `json:"code"`
	Detail string `json:"detail" doc:"the reason in the reader's language"`
}

type broughtOut struct{ Body Brought }

// brought are the rows of an uploaded file; a row that can't be read has its
// fault.
type brought struct {
	rows  []table.Row
	wrong map[int64]*fault.Fault
	say   func(code string, args map[string]any) string
}

func (o *Org) tableRoutes(e *httpx.Edge) {
	tags := []string{"org"}
	// Signed in only: units are known to everybody; posts and people are written
	// as far as the reader sees the team.
	httpx.Issue(e, httpx.Op{ID: "org.export", Method: http.MethodPost, Path: "/api/org/tables/{table}/file", SignedIn: true, Tags: tags,
		Summary: "Units, posts or people as a spreadsheet, CSV or JSON"},
		func(tx *db.Tx, by journal.Who, in *exportIn) (*httpx.Content, error) {
			columns, rows, err := o.Export(tx, by, in.Table)
			if err != nil {
				return nil, err
			}
			journal.Add(tx, journal.Entry{Kind: "org.export", Subject: by.By().Person, By: by.By(), Sight: journal.Sight{Secrecy: journal.Named},
				Class: "access_log", Body: map[string]any{"table": in.Table, "rows": len(rows), "format": in.Format}})
			return &httpx.Content{Type: in.Format.ContentType(), Name: in.Table + "." + string(in.Format), Write: func(w io.Writer) error {
				out, err := sheet.NewOut(in.Format, w, in.Table, columns)
				if err != nil {
					return err
				}
				for _, row := range rows {
					if err := out.Write(row); err != nil {
						return err
					}
				}
				return out.Close()
			}}, nil
		})
	httpx.Upload(e, httpx.Op{ID: "org.import", Path: "/api/org/tables/{table}", SignedIn: true, MaxBody: mostBytes + 1<<20, Tags: tags,
		Summary: "Bring in units, posts or people; with check=true only try"},
		func(ctx context.Context, _ journal.Who, _ *importIn, p *httpx.Part) (*brought, error) {
			kept, err := readTable(p.Name, p.Body)
			if kept != nil {
				kept.say = func(code string, args map[string]any) string { return e.Say(ctx, code, args) }
			}
			return kept, err
		},
		func(tx *db.Tx, by journal.Who, in *importIn, kept *brought, values url.Values) (*broughtOut, error) {
			out, err := o.bring(tx, by, in.Table, kept, values.Get("check") == "true")
			return &broughtOut{out}, err
		})
}

// readTable reads a file of at most so many rows. It runs outside of any
// transaction.
func readTable(name string, body io.Reader) (*brought, error) {
	raw, err := io.ReadAll(io.LimitReader(body, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > mostBytes {
		return nil, sheet.ErrTooLarge.With("most", mostBytes)
	}
	var r *table.Reader
	if sheet.IsXLSX(name) {
		s, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), sheet.Limits{MaxUnpacked: 128 << 20, MaxText: 32 << 20})
		if err != nil {
			return nil, err
		}
		if r, err = s.Table(); err != nil {
			return nil, err
		}
	} else if r, err = table.NewReader(bytes.NewReader(raw), name, table.Options{MaxBytes: 4 * mostBytes}); err != nil {
		return nil, err
	}
	defer r.Close()
	out := &brought{wrong: map[int64]*fault.Fault{}}
	for {
		row, err := r.Next()
		var bad *table.RowFault
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.As(err, &bad):
			out.wrong[bad.Row.Number] = bad.Fault
			row = bad.Row
		case err != nil:
			return nil, err
		}
		if out.rows = append(out.rows, row); len(out.rows) > mostRows {
			return nil, table.ErrTooMany.With("most", mostRows)
		}
	}
}

// errChecked rolls a try back.
var errChecked = errors.New("only checked")

// bring takes the rows of a file one by one: one bad row costs no other.
func (o *Org) bring(tx *db.Tx, by journal.Who, name string, in *brought, check bool) (Brought, error) {
	out := Brought{Checked: check, Rows: []RefusedRow{}}
	take, err := o.Take(name)
	if err != nil {
		return out, err
	}
	all := func(tx *db.Tx) error {
		for _, row := range in.rows {
			out.Read++
			f := in.wrong[row.Number]
			var o table.Outcome
			if f == nil {
				err := tx.Try(func(tx *db.Tx) (err error) { o, err = take(tx, by, row); return err })
				if kind := fault.Of(err); err != nil && (kind.Kind == fault.Internal || kind.Kind == fault.Busy) {
					return err
				} else if err != nil {
					f = kind
				}
			}
			switch {
			case f != nil:
				out.refuse(row, f, in.say)
			case o.Result == table.Taken:
				out.Taken++
			default:
				out.Repeated++
			}
		}
		return nil
	}
	if !check {
		return out, all(tx)
	}
	err = tx.Try(func(tx *db.Tx) error { return errOr(all(tx), errChecked) })
	if errors.Is(err, errChecked) {
		err = nil
	}
	return out, err
}

func (b *Brought) refuse(row table.Row, f *fault.Fault, say func(string, map[string]any) string) {
	if b.Refused++; len(b.Rows) == mostTold {
		return
	}
	r := RefusedRow{Row: row.Number, Line: row.Line, Code: f.Code, Detail: say(f.Code, f.Args)}
	if len(f.Where) > 0 {
		w := f.Where[0]
		r.Field, r.Code, r.Detail = w.Path, w.Code, say(w.Code, w.Args)
	}
	b.Rows = append(b.Rows, r)
}
