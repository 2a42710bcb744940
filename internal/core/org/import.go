package org

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// ImportDivision takes one row of the statistical list: columns code, name,
// level, parent, as in data/divisions. Parents come before their children. The
// same row again is repeated; a known code with another name, level or parent
// is refused, because lists are replaced knowingly, not by accident. Permission
// org.edit. Codes: org.invalid, org.bad_parent, org.differs.
func (o *Org) ImportDivision(tx *db.Tx, by journal.Who, row table.Row) (table.Outcome, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return table.Outcome{}, err
	}
	d := Division{Code: row.Get("code"), Name: row.Get("name"), Level: row.Get("level")}
	f := ErrInvalid
	if !divisionCode.MatchString(d.Code) {
		f = f.At("code", "org.bad_division_code")
	}
	if n := len([]rune(d.Name)); n < 1 || n > 60 {
		f = f.At("name", "org.bad_name")
	}
	level := slices.Index(DivisionLevels, d.Level)
	if level < 0 {
		f = f.At("level", "org.unknown_level")
	}
	if err := orNil(f); err != nil {
		return table.Outcome{}, err
	}
	if code := row.Get("parent"); code != "" || level > 0 {
		parent, ok, err := divisionByCode(tx, code)
		if err != nil {
			return table.Outcome{}, err
		}
		if !ok {
			return table.Outcome{}, ErrParent.At("parent", "org.unknown_parent", "code", code)
		}
		if slices.Index(DivisionLevels, parent.Level) != level-1 {
			return table.Outcome{}, ErrParent.At("parent", "org.parent_level", "level", parent.Level)
		}
		d.Parent = parent.ID
	}
	old, known, err := divisionByCode(tx, d.Code)
	if err != nil {
		return table.Outcome{}, err
	}
	if known {
		for _, c := range []struct {
			column string
			same   bool
		}{{"name", old.Name == d.Name}, {"level", old.Level == d.Level}, {"parent", old.Parent == d.Parent}} {
			if !c.same {
				return table.Outcome{}, ErrDiffers.At(c.column, "org.differs")
			}
		}
		return table.Outcome{Result: table.Repeated}, nil
	}
	d.ID = tx.NewID()
	if err := insertDivision(tx, d); err != nil {
		return table.Outcome{}, err
	}
	return table.Outcome{Result: table.Taken}, o.wrote(tx, by, "org.division_create", d.ID, 1, journal.Sight{}, d)
}

func divisionByCode(tx *db.Tx, code string) (Division, bool, error) {
	var d Division
	err := tx.Row(`SELECT `+divisionColumns+` FROM org_division WHERE code = $1`, code).Scan(divisionFields(&d)...)
	if errors.Is(err, db.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("read division %s: %w", code, err)
	}
	return d, true, nil
}

// ImportUnit takes one unit: columns kind, code, name_zh, name_en, parent_code,
// and optionally key, calendar, duty_calendar, made_up (true) and villages (the
// codes of the divisions a platform covers, parted by spaces or semicolons).
// Parents come before their children. Permission org.edit. Codes: org.invalid,
// org.bad_parent, org.differs, org.second_hub.
func (o *Org) ImportUnit(tx *db.Tx, by journal.Who, row table.Row) (table.Outcome, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return table.Outcome{}, err
	}
	in := UnitIn{
		Kind: UnitKind(row.Get("kind")), Key: row.Get("key"), Code: row.Get("code"),
		Name:     words.Text{Chinese: row.Get("name_zh"), English: row.Get("name_en")},
		Calendar: row.Get("calendar"), DutyCalendar: row.Get("duty_calendar"), MadeUp: strings.EqualFold(row.Get("made_up"), "true"),
		Villages: strings.FieldsFunc(row.Get("villages"), func(r rune) bool { return strings.ContainsRune(" ;；,，", r) }),
	}
	if code := row.Get("parent_code"); code != "" {
		parent, ok, err := unitByCode(tx, code)
		if err != nil {
			return table.Outcome{}, err
		}
		if !ok {
			return table.Outcome{}, ErrParent.At("parent_code", "org.unknown_parent", "code", code)
		}
		in.Parent = parent.ID
	}
	old, known, err := unitByCode(tx, in.Code)
	if err != nil {
		return table.Outcome{}, err
	}
	if !known {
		_, err := o.CreateUnit(tx, by, in)
		return table.Outcome{Result: table.Taken}, columns(err)
	}
	covered, err := coveredBy(tx, old.ID)
	if err != nil {
		return table.Outcome{}, err
	}
	in.tidy()
	slices.Sort(in.Villages)
	sameParent := old.Parent == in.Parent || in.Parent.IsZero() && old.Kind != Platform
	for _, c := range []struct {
		column string
		same   bool
	}{
		{"kind", old.Kind == in.Kind}, {"key", old.Key == in.Key}, {"name_zh", old.Name.Chinese == in.Name.Chinese},
		{"name_en", old.Name.English == in.Name.English}, {"parent_code", sameParent},
		{"calendar", old.Calendar == in.Calendar}, {"duty_calendar", old.DutyCalendar == in.DutyCalendar},
		{"villages", slices.Equal(covered, in.Villages)},
	} {
		if !c.same {
			return table.Outcome{}, ErrDiffers.At(c.column, "org.differs")
		}
	}
	return table.Outcome{Result: table.Repeated}, nil
}

func unitByCode(tx *db.Tx, code string) (Unit, bool, error) {
	var u Unit
	err := tx.Row(`SELECT `+unitColumns+` FROM org_unit WHERE code = $1`, code).Scan(unitFields(&u)...)
	if errors.Is(err, db.ErrNoRows) {
		return u, false, nil
	}
	if err != nil {
		return u, false, fmt.Errorf("read unit %s: %w", code, err)
	}
	return u, true, nil
}

func coveredBy(tx *db.Tx, platform id.ID) ([]string, error) {
	return all(tx, `SELECT d.code FROM org_platform_village v JOIN org_division d ON d.id = v.village WHERE v.platform = $1 ORDER BY d.code`,
		func(code *string) []any { return []any{code} }, platform)
}

// columns renames the fields of a refused unit to the columns of its row.
func columns(err error) error {
	f := asFault(err)
	if f == nil {
		return err
	}
	c := *f
	c.Where = slices.Clone(f.Where)
	for i, w := range c.Where {
		if name, ok := columnOfField[w.Path]; ok {
			c.Where[i].Path = name
		}
	}
	return &c
}

var columnOfField = map[string]string{
	"body.kind": "kind", "body.key": "key", "body.code": "code", "body.name.zh-CN": "name_zh", "body.name.en": "name_en",
	"body.parent_id": "parent_code", "body.villages": "villages", "body.to": "to",
}
