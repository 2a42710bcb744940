package grid

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// The permissions of roles.json that this room asks for.
const (
	permView   = "grid.view"
	permDraw   = "grid.draw"
	permIssue  = "grid.issue_code"
	permRetire = "grid.retire_code"
)

// class is the retention class of what this room writes to the journal: a
// register of the office, without personal data.
const class = "register"

const (
	maxName       = 60
	maxHouseholds = 100_000
)

// Edit is what can be changed of a grid without drawing it anew.
type Edit struct {
	Name       string `json:"name" minLength:"1" maxLength:"60"`
	Platform   id.ID  `json:"platform_id,omitzero"`
	Street     id.ID  `json:"street_id,omitzero"`
	Households int64  `json:"households,omitempty" minimum:"0" maximum:"100000"`
	Why        string `json:"why,omitempty" maxLength:"500" doc:"Of the act that is kept when the name or the unit changes"`
}

// Edit changes a grid's name, size and the unit it belongs to. match is the
// version the caller knew, or 0. Permission grid.draw where the grid is and
// where it goes. Codes: grid.missing, grid.ended, grid.changed, grid.invalid.
func (g *Grids) Edit(tx *db.Tx, by journal.Who, v id.ID, match int64, in Edit) (Grid, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return Grid{}, err
	}
	old, ok := s.ByID(v)
	if !ok {
		return Grid{}, ErrMissing.With("grid", v.String())
	}
	if err := by.Check(permDraw, sight(units, old)); err != nil {
		return Grid{}, err
	}
	if !old.To.IsZero() && !tx.Now().Before(old.To) {
		return Grid{}, ErrEnded.With("code", old.Code)
	}
	if match != 0 && match != old.Version {
		return Grid{}, ErrChanged.With("version", old.Version)
	}
	next := old
	next.Name, next.Platform, next.Street, next.Households = strings.TrimSpace(in.Name), in.Platform, in.Street, in.Households
	f := ErrInvalid
	if old.Layer == Micro && (in.Platform != old.Platform || in.Street != old.Street) {
		f = f.At("body.platform_id", "grid.micro_follows_base")
	}
	if err := checkGrid(&next, units, f, "body."); err != nil {
		return Grid{}, err
	}
	if err := by.Check(permDraw, sight(units, next)); err != nil {
		return Grid{}, err
	}
	act := org.Act{Tree: org.Grids, Kind: org.Rename, Why: in.Why, Parts: []org.Part{{Node: v, Kind: org.Changed, Was: faceOf(old), Now: faceOf(next)}}}
	home := map[id.ID]id.ID{v: unitOf(next)}
	if next.Platform != old.Platform || next.Street != old.Street {
		act.Kind = org.Move
		// Micro grids belong to the units of their base grid.
		for _, m := range s.Grids {
			if m.Parent == v && m.To.IsZero() {
				moved := m
				moved.Platform, moved.Street = next.Platform, next.Street
				if _, err := g.change(tx, by, units, m, moved); err != nil {
					return Grid{}, err
				}
				act.Parts = append(act.Parts, org.Part{Node: m.ID, Kind: org.Changed, Was: faceOf(m), Now: faceOf(moved)})
				home[m.ID] = unitOf(moved)
			}
		}
	}
	if g.book != nil && (act.Kind == org.Move || next.Name != old.Name) {
		if act.Why == "" {
			act.Why = "改网格资料 / edited"
		}
		if _, err := g.book.Record(tx, by, act, home); err != nil {
			return Grid{}, err
		}
	}
	return g.change(tx, by, units, old, next)
}

// change stores a changed grid with its journal entry.
func (g *Grids) change(tx *db.Tx, by journal.Who, units *org.Snapshot, old, next Grid) (Grid, error) {
	if err := keepPast(tx, old, next); err != nil {
		return Grid{}, err
	}
	next, err := updateGrid(tx, next)
	if err != nil {
		return Grid{}, err
	}
	e := journal.Entry{Kind: "grid.change", Subject: next.ID, By: by.By(), Version: next.Version, Sight: sight(units, next), Class: class, Body: next}
	if before := sight(units, old); before.Nodes != e.Sight.Nodes {
		e.Before = &before
	}
	journal.Add(tx, e)
	return next, db.Bump(tx, room)
}

// checkGrid says what is wrong with a grid's attributes, beginning from f, and
// fills the street from the platform. Paths are named with a prefix.
func checkGrid(g *Grid, units *org.Snapshot, f *fault.Fault, path string) error {
	if n := utf8.RuneCountInString(g.Name); n < 1 || n > maxName || strings.ContainsFunc(g.Name, func(r rune) bool { return r < ' ' }) {
		f = f.At(path+"name", "grid.bad_name", "longest", maxName)
	}
	if g.Households < 0 || g.Households > maxHouseholds {
		f = f.At(path+"households", "grid.bad_households", "most", maxHouseholds)
	}
	if !g.Platform.IsZero() {
		u, ok := units.Unit(g.Platform)
		if !ok || u.Kind != org.Platform {
			f = f.At(path+"platform_id", "grid.no_platform")
		} else if street := units.Nodes(u.ID).Street; g.Street.IsZero() {
			g.Street = street
		} else if g.Street != street {
			f = f.At(path+"street_id", "grid.other_street")
		}
	} else if u, ok := units.Unit(g.Street); !ok || u.Kind != org.Street {
		f = f.At(path+"street_id", "grid.no_street")
	} else if g.Kind != Special && g.Layer == Base {
		// Only a special grid may belong directly to a street.
		f = f.At(path+"platform_id", "grid.needs_platform")
	}
	if len(f.Where) > 0 {
		return f
	}
	return nil
}

// both reads what nearly every act needs.
func (g *Grids) both(tx *db.Tx) (*Snapshot, *org.Snapshot, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return nil, nil, err
	}
	units, err := g.units.Snapshot(tx)
	return s, units, err
}

// IssueIn asks for a code.
type IssueIn struct {
	Layer     Layer  `json:"layer"`
	Community string `json:"community,omitempty" maxLength:"12" doc:"12-digit code of the village or community"`
	Parent    id.ID  `json:"parent_id,omitzero" doc:"For a micro grid: its base grid"`
}

// Issue gives out the next code of a layer (编发编码). It stays reserved until a
// grid with it is imported, and is never given out again. Permission
// grid.issue_code. Codes: grid.missing, grid.invalid, grid.code_source,
// grid.codes_exhausted.
func (g *Grids) Issue(tx *db.Tx, by journal.Who, in IssueIn) (Code, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return Code{}, err
	}
	at := journal.Sight{Nodes: units.Nodes(id.ID{})}
	from := Sources{Community: in.Community}
	switch {
	case !in.Layer.known():
		return Code{}, ErrInvalid.At("body.layer", "grid.unknown_layer")
	case in.Layer == Micro:
		parent, ok := s.ByID(in.Parent)
		if !ok || parent.Layer != Base || !parent.To.IsZero() {
			return Code{}, ErrInvalid.At("body.parent_id", "grid.no_base")
		}
		at = sight(units, parent)
		from.Parent = parent.Code
	case len(units.Divisions) > 0:
		if d, ok := units.Division(in.Community); !ok || !d.To.IsZero() {
			return Code{}, ErrInvalid.At("body.community", "grid.no_community", "code", clip(in.Community))
		}
	}
	if err := by.Check(permIssue, at); err != nil {
		return Code{}, err
	}
	t := s.Template(in.Layer)
	prefix, err := t.Prefix(from)
	if err != nil {
		return Code{}, err
	}
	var last int64
	for code, layer := range s.given {
		if layer == in.Layer && len(code) == t.Length() {
			last = max(last, t.Number(prefix, code))
		}
	}
	c := Code{Scheme: ownScheme, Layer: in.Layer, From: tx.Now()}
	if c.Code, err = t.Make(prefix, last+1); err != nil {
		return Code{}, err
	}
	if err := insertCode(tx, c); err != nil {
		return Code{}, err
	}
	journal.Add(tx, journal.Entry{
		Kind: "grid.issue_code", Subject: subjectOf(in.Parent, units), By: by.By(), Sight: at, Class: class,
		Body: map[string]any{"layer": in.Layer, "code": c.Code},
	})
	return c, db.Bump(tx, room)
}

// subjectOf is what a reserved code is about, which has no grid yet: the base
// grid it lies in, or the hub.
func subjectOf(parent id.ID, units *org.Snapshot) id.ID {
	if !parent.IsZero() {
		return parent
	}
	return units.HubID()
}

var schemeName = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,29}$`)
var aliasCode = regexp.MustCompile(`^[0-9A-Za-z._/-]{1,40}$`)

// Alias gives a grid its code in somebody else's scheme, in place of an earlier
// one there; an empty code only ends that. Permission grid.issue_code. Codes:
// grid.missing, grid.invalid, grid.code_used.
func (g *Grids) Alias(tx *db.Tx, by journal.Who, v id.ID, scheme, code string) (Grid, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return Grid{}, err
	}
	found, ok := s.ByID(v)
	if !ok {
		return Grid{}, ErrMissing.With("grid", v.String())
	}
	if err := by.Check(permIssue, sight(units, found)); err != nil {
		return Grid{}, err
	}
	f := ErrInvalid
	if !schemeName.MatchString(scheme) || scheme == ownScheme {
		f = f.At("path.scheme", "grid.bad_scheme")
	}
	if code != "" && !aliasCode.MatchString(code) {
		f = f.At("body.code", "grid.bad_alias")
	}
	if len(f.Where) > 0 {
		return Grid{}, f
	}
	if err := endCodes(tx, v, scheme, db.Millis(tx.Now())); err != nil {
		return Grid{}, err
	}
	if code != "" {
		err := insertCode(tx, Code{Scheme: scheme, Code: code, Layer: found.Layer, Grid: v, From: tx.Now()})
		if db.Unique(err) {
			return Grid{}, ErrCodeUsed.With("code", code)
		}
		if err != nil {
			return Grid{}, err
		}
	}
	journal.Add(tx, journal.Entry{
		Kind: "grid.alias", Subject: v, By: by.By(), Sight: sight(units, found), Class: class,
		Body: map[string]string{"scheme": scheme, "code": code},
	})
	return found, db.Bump(tx, room)
}

// SetTemplate changes how the codes of a layer are made up from now on; codes
// given out before stay. Permission grid.issue_code in the whole district.
// Codes: grid.invalid, grid.bad_template, grid.changed.
func (g *Grids) SetTemplate(tx *db.Tx, by journal.Who, l Layer, match int64, t Template) (Template, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return t, err
	}
	at := journal.Sight{Nodes: units.Nodes(id.ID{})}
	if err := by.Check(permIssue, at); err != nil {
		return t, err
	}
	if !l.known() {
		return t, ErrInvalid.At("path.layer", "grid.unknown_layer")
	}
	if err := t.Verify(); err != nil {
		return t, err
	}
	old := s.Template(l)
	if match != 0 && match != old.Version {
		return t, ErrChanged.With("version", old.Version)
	}
	rows, err := readTemplates(tx)
	if err != nil {
		return t, err
	}
	row := templateRow{id: tx.NewID(), layer: string(l)}
	if i := slices.IndexFunc(rows, func(r templateRow) bool { return r.layer == string(l) }); i >= 0 {
		row = rows[i]
	}
	row.version++
	row.body, t.Version = t, row.version
	if err := putTemplate(tx, row); err != nil {
		return t, err
	}
	journal.Add(tx, journal.Entry{
		Kind: "grid.template", Subject: row.id, By: by.By(), Version: row.version, Sight: at, Class: class,
		Body: map[string]any{"layer": l, "template": t},
	})
	return t, db.Bump(tx, room)
}

// end closes a grid and its codes.
func (g *Grids) end(tx *db.Tx, by journal.Who, units *org.Snapshot, old Grid, at time.Time) error {
	next := old
	next.To = at
	next, err := updateGrid(tx, next)
	if err != nil {
		return err
	}
	if err := endCodes(tx, old.ID, "", db.Millis(at)); err != nil {
		return fmt.Errorf("end grid %s: %w", old.Code, err)
	}
	journal.Add(tx, journal.Entry{
		Kind: "grid.end", Subject: old.ID, By: by.By(), Occurred: tx.Now(), Version: next.Version, Sight: sight(units, old), Class: class, Body: next,
	})
	return nil
}

// Grounds tells the organisation which grids exist at an instant, by code
// (org.Grounds).
func (g *Grids) Grounds(tx *db.Tx, at time.Time) ([]org.Ground, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	var out []org.Ground
	for _, x := range s.Grids {
		if !x.Open(at) {
			continue
		}
		out = append(out, org.Ground{ID: x.ID, Code: x.Code, Name: x.Name, Kind: x.staffedAs(), Parent: x.Parent,
			Households: x.Households, Nodes: sight(units, x).Nodes})
	}
	return out, nil
}

// staffedAs is the grid kind of the staffing rules.
func (g Grid) staffedAs() string {
	if g.Layer == Micro {
		return "micro"
	}
	return string(g.Kind)
}
