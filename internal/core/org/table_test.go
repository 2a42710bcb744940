package org_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/table"
)

// plot is the grids of the house, for who looks them up by code.
type plot []org.Ground

func (p plot) Grounds(*db.Tx, time.Time) ([]org.Ground, error) { return p, nil }
func (p plot) GroundByCode(_ *db.Tx, code string) (org.Ground, bool, error) {
	for _, g := range p {
		if g.Code == code {
			return g, true, nil
		}
	}
	return org.Ground{}, false, nil
}

// exported writes a table as a workbook and opens it as a table again.
func (h *house) exported(name string) *table.Reader {
	h.Helper()
	var b bytes.Buffer
	h.must(func(tx *db.Tx) error {
		columns, rows, err := h.org.Export(tx, operator{}, name)
		if err != nil {
			return err
		}
		b.Reset()
		out, err := sheet.NewOut(sheet.XLSX, &b, name, columns)
		for _, r := range rows {
			err = errors.Join(err, out.Write(r))
		}
		return errors.Join(err, out.Close())
	})
	book, err := sheet.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()), sheet.Limits{})
	if err != nil {
		h.Fatal(err)
	}
	r, err := book.Table()
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// takes runs an import as `onegrid import` does.
func (h *house) takes(name string, r *table.Reader) (table.Report, []string) {
	h.Helper()
	take, err := h.org.Take(name)
	if err != nil {
		h.Fatal(err)
	}
	var refused []string
	report, err := table.Job{Rows: r, Take: table.Each(h.db.Write, func(tx *db.Tx, row table.Row) (table.Outcome, error) { return take(tx, operator{}, row) }),
		Refuse: func(_ table.Row, f *fault.Fault) { refused = append(refused, f.Code) }}.Run(context.Background())
	if err != nil {
		h.Fatal(err)
	}
	return report, refused
}

func cells(t testing.TB, head []string, rows ...[]string) *table.Reader {
	t.Helper()
	r, err := table.FromCells(head, func() ([]string, int64, error) {
		if len(rows) == 0 {
			return nil, 0, io.EOF
		}
		row := rows[0]
		rows = rows[1:]
		return row, 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What was taken out as a workbook is there already when it is brought in again,
// whole and in each table; a second house would take all of it.
func TestTablesOutAndIn(t *testing.T) {
	each(t, func(h *house) {
		ground, _, _ := h.grounds()
		h.org.Over(plot{ground})
		h.assign(h.officer, h.an, time.Time{})
		h.assign(h.villageDesk, h.bo, h.clock.Now().AddDate(1, 0, 0))
		for name, rows := range map[string]int64{org.TableUnits: 2, org.TablePosts: 5, org.TablePeople: 2} {
			if report, refused := h.takes(name, h.exported(name)); report.Read != rows || report.Repeated != rows {
				h.Fatalf("%s: %s %v", name, report.Line(), refused)
			}
		}
		h.refuses(org.ErrTable, func(tx *db.Tx) error { _, _, err := h.org.Export(tx, operator{}, "secrets"); return err })
		if _, err := h.org.Take("secrets"); !errors.Is(err, org.ErrTable) {
			h.Fatal(err)
		}
		// Who sees the team of one street gets no other rows.
		h.must(func(tx *db.Tx) error {
			_, rows, err := h.org.Export(tx, keeper{street: h.street, may: []string{"org.team_view"}}, org.TablePosts)
			if len(rows) != 4 { // all but the hub's desk
				h.Errorf("a street takes out %d posts", len(rows))
			}
			return err
		})
	})
}

// New posts and people come in by their codes and names; each wrong row is
// refused with its reason, and nothing else with it.
func TestPostsAndPeopleComeIn(t *testing.T) {
	each(t, func(h *house) {
		ground, _, _ := h.grounds()
		h.org.Over(plot{ground})
		posts := []string{"role", "name_zh", "name_en", "unit_code", "level", "node_code"}
		report, refused := h.takes(org.TablePosts, cells(t, posts,
			[]string{"part_officer", "兼职一", "Part 1", "DQ-01", "grid", "A"}, []string{"mediator", "调解员", "Mediator", "DQ-01", "village", "DQ-01"},
			[]string{"part_officer", "兼职一", "Part 1", "DQ-01", "grid", "A"}, // again
			[]string{"part_officer", "兼职一", "Another", "DQ-01", "grid", "A"}, []string{"emperor", "皇帝", "Emperor", "DQ-01", "grid", "A"},
			[]string{"part_officer", "兼职二", "Part 2", "DQ-01", "grid", "nowhere"}, []string{"part_officer", "", "Part 2", "DQ-01", "grid", "A"}))
		if report.Taken != 2 || report.Repeated != 1 || report.Refused != 4 {
			h.Fatalf("posts: %s %v", report.Line(), refused)
		}
		people := []string{"name", "role", "node_code", "post_name", "kind", "to"}
		report, refused = h.takes(org.TablePeople, cells(t, people,
			[]string{"新人", "part_officer", "A", "兼职一", "", ""}, []string{"新人", "mediator", "DQ-01", "", "holder", ""}, // the same person
			[]string{"新人", "part_officer", "A", "兼职一", "", ""},      // again
			[]string{"别人", "part_officer", "A", "兼职一", "", ""},      // taken
			[]string{"新人", "grid_officer", "A", "", "stand_in", ""}, // no end
			[]string{"代班人", "grid_officer", "A", "", "stand_in", "2026-12-01"}, []string{"", "mediator", "DQ-01", "", "", ""},
			[]string{"某人", "mediator", "nowhere", "", "", ""}, []string{"某人", "mediator", "DQ-01", "", "king", ""}, []string{"某人", "mediator", "DQ-01", "", "", "someday"}))
		if report.Taken != 3 || report.Repeated != 1 || report.Refused != 6 {
			h.Fatalf("people: %s %v", report.Line(), refused)
		}
		s, now := h.snapshot(), h.clock.Now()
		names := map[string]int{}
		for _, p := range s.Persons {
			names[p.Name]++
		}
		if names["新人"] != 1 || names["别人"] != 0 || names["代班人"] != 1 || names["某人"] != 0 {
			h.Fatalf("people after the import: %v", names)
		}
		if _, standIn, ok := s.Occupant(h.officer.ID, now); !ok || !standIn {
			h.Fatal("the stand-in did not come in")
		}
		// Whoever may not appoint learns nothing about who has which name.
		take, _ := h.org.Take(org.TablePeople)
		h.refuses(errDenied, func(tx *db.Tx) error {
			_, err := take(tx, keeper{by: journal.By{Person: h.an.ID}, street: h.street}, table.Row{Fields: map[string]string{"name": "新人", "role": "mediator", "node_code": "DQ-01"}})
			return err
		})
	})
}
