package app

import (
	"errors"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

// ErrRecodeRow says that a row of a recoding names neither an old nor a new
// code.
var ErrRecodeRow = fault.New(fault.Invalid, "app.recode_row")

// Recode applies one row of a recoding of the statistical list, as in
// data/divisions/qibuqu-code-changes-2016-2022.csv: columns old_code, new_code,
// old_name, new_name (a year behind the code's column is fine). One division
// ends and another begins; the unit with the old code and the grids whose codes
// begin with it are recoded by acts of their own, and keep who they are. A row
// without a new code only ends a division, one without an old code only begins
// one. The same row again is repeated.
func (a *App) Recode(tx *db.Tx, by *access.Actor, row table.Row, why string) (table.Outcome, error) {
	column := func(names ...string) string {
		for _, n := range names {
			if v := row.Get(n); v != "" {
				return v
			}
		}
		return ""
	}
	old, next := column("old_code", "old_code_2016"), column("new_code", "new_code_2022")
	if old == "" && next == "" {
		return table.Outcome{}, ErrRecodeRow
	}
	s, err := a.Org.Snapshot(tx)
	if err != nil {
		return table.Outcome{}, err
	}
	was, known := s.Division(old)
	is, there := s.Division(next)
	if (old == "" || known && !was.To.IsZero()) && (next == "" || there && is.To.IsZero()) {
		return table.Outcome{Result: table.Repeated}, nil
	}
	in := org.RecodeIn{Kind: org.Recode, Why: why}
	if next != "" {
		parent, err := a.recodeAbove(tx, by, old, next, why)
		if err != nil {
			return table.Outcome{}, err
		}
		in.New = &org.DivisionIn{Code: next, Name: column("new_name", "old_name"), Level: "village", Parent: parent}
	}
	switch {
	case old == "":
		in.Kind = org.Found
	case next == "":
		in.Kind, in.Old = org.Close, []string{old}
	default:
		in.Old = []string{old}
	}
	if _, err := a.Org.Recode(tx, by, in); err != nil {
		return table.Outcome{}, err
	}
	if old == "" || next == "" {
		return table.Outcome{Result: table.Taken}, nil
	}
	if u, ok := s.UnitByCode(old); ok {
		if _, err := a.Org.Reorganise(tx, by, org.ReorganiseIn{Kind: org.Recode, Unit: u.ID, Code: next, Why: why}); err != nil {
			return table.Outcome{}, err
		}
	}
	return table.Outcome{Result: table.Taken}, a.recodeGrids(tx, by, old, next, why)
}

// recodeAbove makes sure that the street, and above it the county, of a new
// village code is there: where the old one still stands, it is recoded.
func (a *App) recodeAbove(tx *db.Tx, by *access.Actor, old, next, why string) (string, error) {
	above := func(code string, digits int) string {
		if len(code) != 12 {
			return ""
		}
		return code[:digits] + strings.Repeat("0", 12-digits)
	}
	for _, digits := range []int{6, 9} {
		s, err := a.Org.Snapshot(tx)
		if err != nil {
			return "", err
		}
		is := above(next, digits)
		if d, ok := s.Division(is); ok && d.To.IsZero() {
			continue
		}
		d, ok := s.Division(above(old, digits))
		if !ok || !d.To.IsZero() {
			return "", org.ErrParent.At("new_code", "org.unknown_parent", "code", is)
		}
		in := org.RecodeIn{Kind: org.Recode, Why: why, Old: []string{d.Code}, New: &org.DivisionIn{Code: is, Name: d.Name, Level: d.Level}}
		if digits == 9 {
			in.New.Parent = above(next, 6)
		}
		if _, err := a.Org.Recode(tx, by, in); err != nil {
			return "", err
		}
	}
	return above(next, 9), nil
}

// recodeGrids gives the grids of a village their new codes, where its code is
// the beginning of theirs.
func (a *App) recodeGrids(tx *db.Tx, by *access.Actor, old, next, why string) error {
	s, err := a.Grids.Snapshot(tx)
	if err != nil {
		return err
	}
	for _, g := range s.Grids {
		if g.Layer != grid.Base || !g.To.IsZero() || !strings.HasPrefix(g.Code, old) {
			continue
		}
		_, err := a.Grids.Act(tx, by, grid.ActIn{Kind: org.Recode, Grid: g.ID, Code: next + strings.TrimPrefix(g.Code, old), Why: why})
		if err != nil && !errors.Is(err, grid.ErrNothing) {
			return err
		}
	}
	return nil
}
