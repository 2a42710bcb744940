package org

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The statistical list is somebody else's: it is not edited, it changes by acts.
// A division that gets another code ends and another one begins in its place
// (换码); which platform covers it goes along. Units and grids keep their own
// codes until acts of their own change them: the trees stay apart.

// ErrDivision names a division that cannot take part in an act.
var ErrDivision = fault.New(fault.Invalid, "org.act_division")

// DivisionIn is a division that begins.
type DivisionIn struct {
	Code   string `json:"code" maxLength:"12"`
	Name   string `json:"name" maxLength:"60"`
	Level  string `json:"level,omitempty" maxLength:"10" doc:"Of one that is recoded: the old one's when left out"`
	Parent string `json:"parent,omitempty" maxLength:"12" doc:"Code; the old one's parent when left out"`
}

// RecodeIn is an act on the statistical list: found (only new), close (only
// old), recode or rename (one of each), merge (several old).
type RecodeIn struct {
	Kind   string      `json:"kind" enum:"found,recode,rename,merge,close"`
	Why    string      `json:"why" minLength:"1" maxLength:"500"`
	Old    []string    `json:"old,omitempty" maxItems:"100" doc:"Codes of divisions that end"`
	New    *DivisionIn `json:"new,omitempty"`
	DryRun bool        `json:"dry_run,omitempty"`
}

// Recode carries out an act on the statistical list. Permission org.edit for
// the whole district. Codes: org.unknown_act, org.act_division, org.why_needed,
// org.invalid, org.code_taken, org.bad_parent.
func (o *Org) Recode(tx *db.Tx, by journal.Who, in RecodeIn) (Reorganised, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Reorganised{}, err
	}
	if _, err := Reason(in.Why); err != nil {
		return Reorganised{}, err
	}
	var out Reorganised
	do := func(tx *db.Tx) (err error) {
		out.Act, err = o.recode(tx, by, in)
		return err
	}
	if in.DryRun {
		out.DryRun = true
		return out, Trial(tx, do, func(*db.Tx) error { return nil })
	}
	return out, do(tx)
}

func (o *Org) recode(tx *db.Tx, by journal.Who, in RecodeIn) (Act, error) {
	a := Act{Tree: Divisions, Kind: in.Kind, Why: in.Why, At: tx.Now()}
	want := map[string][2]int{Found: {0, 0}, Close: {1, 1}, Recode: {1, 1}, Rename: {1, 1}, Merge: {2, 100}}
	bounds, ok := want[in.Kind]
	if !ok {
		return a, ErrActKind.At("body.kind", "org.unknown_act")
	}
	if n := len(in.Old); n < bounds[0] || n > bounds[1] {
		return a, ErrInvalid.At("body.old", "org.act_division_count")
	}
	if (in.New == nil) != (in.Kind == Close) {
		return a, ErrInvalid.At("body.new", "org.act_division_count")
	}
	var old []Division
	for i, code := range in.Old {
		d, ok, err := divisionByCode(tx, code)
		if err != nil {
			return a, err
		}
		if !ok || !d.To.IsZero() || slices.ContainsFunc(old, func(x Division) bool { return x.ID == d.ID || x.Level != d.Level }) {
			return a, ErrDivision.With("code", code).At(fmt.Sprintf("body.old[%d]", i), "org.act_division", "code", code)
		}
		old = append(old, d)
	}
	if in.Kind == Rename {
		return o.renameDivision(tx, by, a, old[0], *in.New)
	}
	var heir Division
	if in.New != nil {
		var err error
		if heir, err = o.beginDivision(tx, *in.New, old); err != nil {
			return a, err
		}
		a.Parts = append(a.Parts, Part{Node: heir.ID, Kind: Began, Now: divisionFace(heir)})
	}
	for _, d := range old {
		if err := o.endDivision(tx, d, heir); err != nil {
			return a, err
		}
		a.Parts = append(a.Parts, Part{Node: d.ID, Kind: Ended, Was: divisionFace(d)})
		if !heir.ID.IsZero() {
			a.Heirs = append(a.Heirs, Heritage{Old: d.ID, Heir: heir.ID, Share: 1})
		}
	}
	if err := db.Bump(tx, room); err != nil {
		return a, err
	}
	return o.Record(tx, by, a, nil)
}

func divisionFace(d Division) *Face {
	return &Face{Code: d.Code, Name: words.Text{Chinese: d.Name, English: d.Name}, Parent: d.Parent}
}

func divisionName(name, path string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 {
		return name, ErrInvalid.At(path, "org.bad_name")
	}
	return name, nil
}

// beginDivision adds the division that begins.
func (o *Org) beginDivision(tx *db.Tx, in DivisionIn, old []Division) (Division, error) {
	d := Division{ID: tx.NewID(), Code: strings.TrimSpace(in.Code), Level: in.Level, From: tx.Now()}
	if !divisionCode.MatchString(d.Code) {
		return d, ErrInvalid.At("body.new.code", "org.bad_division_code")
	}
	var err error
	if d.Name, err = divisionName(in.Name, "body.new.name"); err != nil {
		return d, err
	}
	if len(old) > 0 {
		if d.Level == "" {
			d.Level = old[0].Level
		}
		d.Parent = old[0].Parent
	}
	level := slices.Index(DivisionLevels, d.Level)
	if level < 0 {
		return d, ErrInvalid.At("body.new.level", "org.unknown_level")
	}
	if _, taken, err := divisionByCode(tx, d.Code); err != nil || taken {
		return d, errOr(err, ErrCodeTaken.With("code", d.Code).At("body.new.code", "org.code_taken", "code", d.Code))
	}
	if in.Parent != "" {
		p, ok, err := divisionByCode(tx, in.Parent)
		if err != nil {
			return d, err
		}
		if !ok || !p.To.IsZero() {
			return d, ErrParent.At("body.new.parent", "org.unknown_parent", "code", in.Parent)
		}
		d.Parent = p.ID
	}
	if level == 0 {
		return d, insertDivision(tx, d)
	}
	parent, err := all(tx, `SELECT `+divisionColumns+` FROM org_division WHERE id = $1`, divisionFields, d.Parent)
	if err != nil {
		return d, err
	}
	if len(parent) == 0 || slices.Index(DivisionLevels, parent[0].Level) != level-1 {
		return d, ErrParent.At("body.new.parent", "org.parent_level", "level", d.Level)
	}
	return d, insertDivision(tx, d)
}

// endDivision ends a division; what lies under it and who covers it goes to the
// heir.
func (o *Org) endDivision(tx *db.Tx, d, heir Division) error {
	now := tx.Now()
	if heir.ID.IsZero() {
		below, err := exists(tx, `SELECT 1 FROM org_division WHERE parent = $1 AND valid_to IS NULL`, d.ID)
		if err != nil || below {
			return errOr(err, ErrDivision.With("code", d.Code).At("body.old[0]", "org.divisions_below", "code", d.Code))
		}
	}
	if _, err := tx.Exec(`UPDATE org_division SET valid_to = $1 WHERE id = $2`, db.Millis(now), d.ID); err != nil {
		return fmt.Errorf("end division %s: %w", d.ID, err)
	}
	if !heir.ID.IsZero() {
		if _, err := tx.Exec(`UPDATE org_division SET parent = $1 WHERE parent = $2 AND valid_to IS NULL`, heir.ID, d.ID); err != nil {
			return fmt.Errorf("divisions under %s: %w", d.ID, err)
		}
	}
	platforms, err := all(tx, `SELECT platform FROM org_platform_village WHERE village = $1 AND valid_to IS NULL`, func(v *id.ID) []any { return []any{v} }, d.ID)
	if err != nil {
		return err
	}
	for _, p := range platforms {
		if err := endVillage(tx, p, d.ID, now); err != nil {
			return err
		}
		if heir.ID.IsZero() {
			continue
		}
		// Merged villages may have had two platforms; the first keeps the new one.
		taken, err := exists(tx, `SELECT 1 FROM org_platform_village WHERE village = $1 AND valid_to IS NULL`, heir.ID)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		if err := insertVillage(tx, PlatformVillage{Platform: p, Village: heir.ID, From: now}); err != nil {
			return err
		}
	}
	return nil
}

// renameDivision changes the name of a division that keeps its code.
func (o *Org) renameDivision(tx *db.Tx, by journal.Who, a Act, old Division, in DivisionIn) (Act, error) {
	if in.Code != "" && in.Code != old.Code {
		return a, ErrInvalid.At("body.new.code", "org.act_division_count")
	}
	next := old
	var err error
	if next.Name, err = divisionName(in.Name, "body.new.name"); err != nil {
		return a, err
	}
	if next.Name == old.Name {
		return a, ErrNothing
	}
	if _, err := tx.Exec(`UPDATE org_division SET name = $1 WHERE id = $2`, next.Name, next.ID); err != nil {
		return a, fmt.Errorf("rename division %s: %w", next.ID, err)
	}
	a.Parts = []Part{{Node: next.ID, Kind: Changed, Was: divisionFace(old), Now: divisionFace(next)}}
	return o.Record(tx, by, a, nil)
}
