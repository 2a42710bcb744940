package org

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

var (
	// ErrActKind says that units know no such act, or not this kind of unit.
	ErrActKind = fault.New(fault.Invalid, "org.unknown_act")
	// ErrActUnit names a unit that cannot take part in the act.
	ErrActUnit = fault.New(fault.Invalid, "org.act_unit")
	// ErrNotEmpty says that something still belongs to a unit that shall close;
	// args: units, grids, cases.
	ErrNotEmpty = fault.New(fault.Conflict, "org.not_empty")
	// ErrNothing says that the act would change nothing.
	ErrNothing = fault.New(fault.Invalid, "org.nothing_changes")
)

// Territory is what this room asks of the one that knows the grids (core/grid).
type Territory interface {
	// Regroup brings grids to the units they belong to now: those picked by
	// name, those of a unit that another one took over, and the street of all
	// of them anew. It says what changed.
	Regroup(tx *db.Tx, by journal.Who, units, picked map[id.ID]id.ID) ([]Part, error)
	// GridsOf lists the grids that belong directly to a unit.
	GridsOf(tx *db.Tx, unit id.ID) ([]id.ID, error)
}

// Census counts what would follow from an act, for a look before.
type Census interface {
	// Weigh counts over the nodes of an act that stands in this transaction.
	Weigh(tx *db.Tx, a Act) (Weight, error)
	// OpenCases counts the open cases that lie in a node or wait for its posts.
	OpenCases(tx *db.Tx, node id.ID) (int64, error)
}

// Weight is what follows from an act.
type Weight struct {
	Cases  int64 `json:"cases" doc:"Open cases that get another place or another post"`
	Looked int64 `json:"cases_looked" doc:"Open cases that are looked at"`
	Posts  int64 `json:"posts" doc:"Posts that move"`
	Ending int64 `json:"posts_ending" doc:"Posts that end"`
	Grants int64 `json:"grants" doc:"Grants given to persons that reach the heir from now on"`
}

// Governing names who is asked about grids and about what follows.
func (o *Org) Governing(g Territory, c Census) { o.territory, o.census = g, c }

// UnitPart is one of the units that a split makes, and what goes there.
type UnitPart struct {
	New      UnitIn   `json:"new"`
	Children []id.ID  `json:"children,omitempty" maxItems:"1000" doc:"Units that come under it"`
	Grids    []id.ID  `json:"grids,omitempty" maxItems:"5000"`
	Villages []string `json:"villages,omitempty" maxItems:"200" doc:"Codes of divisions it covers"`
	Posts    []id.ID  `json:"posts,omitempty" maxItems:"1000" doc:"Posts of the old unit that go there"`
}

// ReorganiseIn is an act on units as somebody asks for it.
type ReorganiseIn struct {
	Kind   string      `json:"kind" enum:"found,rename,recode,move,merge,split,close"`
	Why    string      `json:"why" minLength:"1" maxLength:"500"`
	Unit   id.ID       `json:"unit_id,omitzero" doc:"That is renamed, recoded, moved, split or closed"`
	Units  []id.ID     `json:"unit_ids,omitempty" maxItems:"100" doc:"That are merged and end"`
	Into   id.ID       `json:"into_id,omitzero" doc:"Who takes over at a merge or a closing"`
	New    *UnitIn     `json:"new,omitempty" doc:"The unit that is founded, or that merged ones become"`
	Parts  []UnitPart  `json:"parts,omitempty" maxItems:"20"`
	Keep   bool        `json:"keep,omitempty" doc:"Of a split: the old unit goes on with what no part takes"`
	Name   *words.Text `json:"name,omitempty"`
	Code   string      `json:"code,omitempty" maxLength:"40"`
	Parent id.ID       `json:"parent_id,omitzero"`
	DryRun bool        `json:"dry_run,omitempty"`
}

// Reorganised is an act with what follows from it.
type Reorganised struct {
	Act
	Weight Weight `json:"weight"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// Reorganise carries out an act on units: found, rename, recode, move, merge,
// split or close. Permission org.edit at every unit it touches. With DryRun
// nothing stays. Codes: org.unknown_act, org.act_unit, org.not_empty,
// org.nothing_changes, org.why_needed, org.missing, those of a new unit.
func (o *Org) Reorganise(tx *db.Tx, by journal.Who, in ReorganiseIn) (Reorganised, error) {
	if _, err := Reason(in.Why); err != nil {
		return Reorganised{}, err
	}
	var out Reorganised
	do := func(tx *db.Tx) (err error) {
		out.Act, err = o.reorganise(tx, by, in)
		return err
	}
	look := func(tx *db.Tx) (err error) {
		out.Weight, err = o.weigh(tx, out.Act)
		return err
	}
	if in.DryRun {
		out.DryRun = true
		return out, Trial(tx, do, look)
	}
	if err := do(tx); err != nil {
		return out, err
	}
	return out, look(tx)
}

func (o *Org) weigh(tx *db.Tx, a Act) (w Weight, err error) {
	if o.census != nil {
		if w, err = o.census.Weigh(tx, a); err != nil {
			return w, err
		}
	}
	w.count(a)
	return w, nil
}

func (w *Weight) count(a Act) {
	for _, t := range a.transfers {
		if t.Node.IsZero() {
			w.Ending++
		} else {
			w.Posts++
		}
	}
}

// WeighAct says what follows from an act of another room that stands in this
// transaction.
func (o *Org) WeighAct(tx *db.Tx, a Act) (Weight, error) { return o.weigh(tx, a) }

// change is an act on units while it is done.
type change struct {
	*Org
	tx       *db.Tx
	by       journal.Who
	act      Act
	home     map[id.ID]id.ID // node -> unit of its posts
	units    map[id.ID]id.ID // what stood under one stands under the other
	picked   map[id.ID]id.ID // grid -> unit
	transfer []Transfer
}

func (o *Org) reorganise(tx *db.Tx, by journal.Who, in ReorganiseIn) (Act, error) {
	c := &change{Org: o, tx: tx, by: by, act: Act{Tree: Units, Kind: in.Kind, Why: in.Why, At: tx.Now()},
		home: map[id.ID]id.ID{}, units: map[id.ID]id.ID{}, picked: map[id.ID]id.ID{}}
	var err error
	switch in.Kind {
	case Found:
		err = c.found(in)
	case Rename, Recode, Move:
		err = c.alter(in)
	case Merge:
		err = c.merge(in)
	case Split:
		err = c.split(in)
	case Close:
		err = c.shut(in)
	default:
		err = ErrActKind.At("body.kind", "org.unknown_act")
	}
	if err != nil {
		return c.act, err
	}
	if err := db.Bump(tx, room); err != nil {
		return c.act, err
	}
	if o.territory != nil && in.Kind != Found && in.Kind != Rename && in.Kind != Recode {
		parts, err := o.territory.Regroup(tx, by, c.units, c.picked)
		if err != nil {
			return c.act, err
		}
		for _, p := range parts {
			c.act.Parts = append(c.act.Parts, p)
			if p.Now != nil {
				c.home[p.Node] = p.Now.Parent
			}
		}
	}
	return o.Record(tx, by, c.act, c.home, c.transfer...)
}

func faceOf(u Unit) *Face { return &Face{Code: u.Code, Name: u.Name, Parent: u.Parent} }

// unit reads a unit that takes part: it exists now and the actor may edit it.
func (c *change) unit(v id.ID, path string) (Unit, error) {
	u, err := unitByID(c.tx, v)
	if errors.Is(err, ErrMissing) {
		return u, ErrActUnit.At(path, "org.missing")
	}
	if err != nil {
		return u, err
	}
	if !u.Open(c.tx.Now()) {
		return u, ErrActUnit.With("code", u.Code).At(path, "org.ended")
	}
	at, err := unitSight(c.tx, u)
	if err != nil {
		return u, err
	}
	return u, c.by.Check(permEdit, at)
}

// add founds a unit.
func (c *change) add(in UnitIn) (Unit, error) {
	if in.From.IsZero() {
		in.From = c.tx.Now()
	}
	u, err := c.CreateUnit(c.tx, c.by, in)
	if err != nil {
		return u, err
	}
	c.act.Parts = append(c.act.Parts, Part{Node: u.ID, Kind: Began, Now: faceOf(u)})
	c.home[u.ID] = u.ID
	return u, nil
}

// put stores a changed unit with what it was.
func (c *change) put(old, u Unit) (Unit, error) {
	if err := keepPast(c.tx, old); err != nil {
		return u, err
	}
	if err := updateUnit(c.tx, u); err != nil {
		return u, err
	}
	u.Version++
	kind := Changed
	if !u.To.IsZero() {
		kind = Ended
	}
	p := Part{Node: u.ID, Kind: kind, Was: faceOf(old), Now: faceOf(u)}
	if kind == Ended {
		p.Now = nil
	}
	c.act.Parts = append(c.act.Parts, p)
	before, err := unitSight(c.tx, old)
	if err != nil {
		return u, err
	}
	at, err := unitSight(c.tx, u)
	if err != nil {
		return u, err
	}
	journal.Add(c.tx, journal.Entry{Kind: "org.unit_" + c.act.Kind, Subject: u.ID, By: c.by.By(), Version: u.Version, Sight: at, Before: &before, Class: classHolding, Body: u})
	return u, nil
}

func (c *change) found(in ReorganiseIn) error {
	if in.New == nil {
		return ErrInvalid.At("body.new", "org.required")
	}
	_, err := c.add(*in.New)
	return err
}

// alter renames, recodes or moves one unit, which stays the same unit.
func (c *change) alter(in ReorganiseIn) error {
	old, err := c.unit(in.Unit, "body.unit_id")
	if err != nil {
		return err
	}
	u := old
	switch in.Kind {
	case Rename:
		if in.Name == nil {
			return ErrInvalid.At("body.name", "org.required")
		}
		u.Name = tidyText(*in.Name)
	case Recode:
		u.Code = in.Code
	case Move:
		u.Parent = in.Parent
	}
	check := UnitIn{Kind: u.Kind, Key: u.Key, Code: u.Code, Name: u.Name, From: u.From}
	check.tidy()
	if err := check.check(); err != nil {
		return err
	}
	u.Code = check.Code
	if u == old {
		return ErrNothing
	}
	if u.Code != old.Code {
		if taken, err := codeWasOthers(c.tx, u.Code, u.ID); err != nil || taken {
			return errOr(err, ErrCodeTaken.With("code", u.Code).At("body.code", "org.code_taken", "code", u.Code))
		}
	}
	if u.Parent != old.Parent {
		if err := c.fits(u, "body.parent_id"); err != nil {
			return err
		}
	}
	_, err = c.put(old, u)
	return err
}

// fits says whether a unit may stand under its parent.
func (c *change) fits(u Unit, path string) error {
	parent, err := c.unit(u.Parent, path)
	if err != nil {
		return err
	}
	if !slices.Contains(parents[u.Kind], parent.Kind) {
		return ErrParent.At(path, "org.bad_parent")
	}
	for up := parent; ; {
		if up.ID == u.ID {
			return ErrParent.At(path, "org.bad_parent")
		}
		if up.Parent.IsZero() {
			return nil
		}
		if up, err = unitByID(c.tx, up.Parent); err != nil {
			return err
		}
	}
}

// heir is who takes over: an existing unit or a new one.
func (c *change) heir(in ReorganiseIn, kind UnitKind) (Unit, error) {
	if in.New != nil && in.Kind == Merge {
		n := *in.New
		n.Kind = kind
		return c.add(n)
	}
	u, err := c.unit(in.Into, "body.into_id")
	if err != nil {
		return u, err
	}
	if u.Kind != kind {
		return u, ErrActUnit.With("code", u.Code).At("body.into_id", "org.other_kind")
	}
	c.act.Parts = append(c.act.Parts, Part{Node: u.ID, Kind: Changed, Was: faceOf(u), Now: faceOf(u)})
	return u, nil
}

func (c *change) merge(in ReorganiseIn) error {
	if len(in.Units) == 0 || len(in.Units) < 2 && in.New != nil {
		return ErrInvalid.At("body.unit_ids", "org.merge_needs_two")
	}
	var old []Unit
	for i, v := range in.Units {
		path := fmt.Sprintf("body.unit_ids[%d]", i)
		u, err := c.unit(v, path)
		if err != nil {
			return err
		}
		if u.Kind == Hub || slices.Contains(in.Units[:i], v) || v == in.Into || i > 0 && u.Kind != old[0].Kind {
			return ErrActUnit.With("code", u.Code).At(path, "org.other_kind")
		}
		old = append(old, u)
	}
	heir, err := c.heir(in, old[0].Kind)
	if err != nil {
		return err
	}
	for _, u := range old {
		if err := c.takeOver(u, heir); err != nil {
			return err
		}
	}
	return nil
}

// takeOver ends a unit and gives all it had to its heir.
func (c *change) takeOver(old, heir Unit) error {
	now := c.tx.Now()
	c.units[old.ID], c.home[heir.ID] = heir.ID, heir.ID
	c.act.Heirs = append(c.act.Heirs, Heritage{Old: old.ID, Heir: heir.ID, Share: 1})
	if err := c.children(old, func(Unit) id.ID { return heir.ID }); err != nil {
		return err
	}
	if err := c.villages(old, heir, nil); err != nil {
		return err
	}
	if err := c.posts(old, heir.ID, nil); err != nil {
		return err
	}
	u := old
	u.To = now
	_, err := c.put(old, u)
	return err
}

// children brings the units under one to others.
func (c *change) children(old Unit, to func(Unit) id.ID) error {
	under, err := all(c.tx, `SELECT `+unitColumns+` FROM org_unit WHERE parent = $1 AND (valid_to IS NULL OR valid_to > $2) ORDER BY code`, unitFields, old.ID, db.Millis(c.tx.Now()))
	if err != nil {
		return err
	}
	for _, u := range under {
		next := u
		if next.Parent = to(u); next.Parent == u.Parent || next.Parent.IsZero() {
			continue
		}
		if err := c.fits(next, "body.into_id"); err != nil {
			return err
		}
		if _, err := c.put(u, next); err != nil {
			return err
		}
	}
	return nil
}

// villages brings the divisions a platform covers to another one: those named,
// or all.
func (c *change) villages(old, heir Unit, codes []string) error {
	if old.Kind != Platform {
		return nil
	}
	covered, err := all(c.tx, `SELECT v.village, d.code FROM org_platform_village v JOIN org_division d ON d.id = v.village WHERE v.platform = $1 AND v.valid_to IS NULL ORDER BY d.code`,
		func(d *Division) []any { return []any{&d.ID, &d.Code} }, old.ID)
	if err != nil {
		return err
	}
	for i, code := range codes {
		if !slices.ContainsFunc(covered, func(d Division) bool { return d.Code == code }) {
			return ErrInvalid.At(fmt.Sprintf("body.parts.villages[%d]", i), "org.unknown_village", "code", code)
		}
	}
	for _, d := range covered {
		if codes != nil && !slices.Contains(codes, d.Code) {
			continue
		}
		if err := endVillage(c.tx, old.ID, d.ID, c.tx.Now()); err != nil {
			return err
		}
		if heir.ID.IsZero() {
			continue
		}
		if err := insertVillage(c.tx, PlatformVillage{Platform: heir.ID, Village: d.ID, From: c.tx.Now()}); err != nil {
			return err
		}
	}
	return nil
}

func endVillage(tx *db.Tx, platform, village id.ID, at time.Time) error {
	_, err := tx.Exec(`UPDATE org_platform_village SET valid_to = $1 WHERE platform = $2 AND village = $3 AND valid_to IS NULL`, db.Millis(at), platform, village)
	return wrap(err, "end cover of village", village)
}

// posts sends the posts that stand in a unit to its heir: those named, or all
// that do not look after a grid, which go with their grid.
func (c *change) posts(old Unit, heir id.ID, named []id.ID) error {
	there, err := all(c.tx, `SELECT `+postColumns+` FROM org_post WHERE unit = $1 AND (valid_to IS NULL OR valid_to > $2) ORDER BY id`, postFields, old.ID, db.Millis(c.tx.Now()))
	if err != nil {
		return err
	}
	for _, v := range named {
		if !slices.ContainsFunc(there, func(p Post) bool { return p.ID == v }) {
			return ErrInvalid.At("body.parts.posts", "org.missing")
		}
	}
	for _, p := range there {
		if named != nil && !slices.Contains(named, p.ID) || named == nil && (p.Level == AtGrid || p.Level == AtMicroGrid) ||
			slices.ContainsFunc(c.transfer, func(t Transfer) bool { return t.Post == p.ID }) {
			continue
		}
		t := Transfer{Post: p.ID, Unit: heir, Node: p.Node}
		if p.Node == old.ID {
			t.Node = heir
		}
		c.transfer = append(c.transfer, t)
	}
	return nil
}

func (c *change) split(in ReorganiseIn) error {
	old, err := c.unit(in.Unit, "body.unit_id")
	if err != nil {
		return err
	}
	if old.Kind == Hub || len(in.Parts) == 0 || !in.Keep && len(in.Parts) < 2 {
		return ErrInvalid.At("body.parts", "org.split_needs_parts")
	}
	var grids []id.ID
	if c.territory != nil {
		if grids, err = c.territory.GridsOf(c.tx, old.ID); err != nil {
			return err
		}
	}
	rest := old
	taken := make([]int, len(in.Parts))
	child := map[id.ID]id.ID{}
	made := make([]Unit, len(in.Parts))
	for i, p := range in.Parts {
		n := p.New
		n.Kind = old.Kind
		if n.Parent.IsZero() {
			n.Parent = old.Parent
		}
		n.Calendar, n.DutyCalendar = cmp.Or(n.Calendar, old.Calendar), cmp.Or(n.DutyCalendar, old.DutyCalendar)
		if made[i], err = c.add(n); err != nil {
			return err
		}
		if i == 0 && !in.Keep {
			rest = made[0]
		}
		for _, v := range p.Children {
			child[v] = made[i].ID
		}
		for _, v := range p.Grids {
			if !slices.Contains(grids, v) {
				return ErrInvalid.At(fmt.Sprintf("body.parts[%d].grids", i), "org.not_of_unit")
			}
			c.picked[v] = made[i].ID
		}
		taken[i] = len(p.Grids) + len(p.Children)
		if err := c.villages(old, made[i], append([]string{}, p.Villages...)); err != nil {
			return err
		}
		if err := c.posts(old, made[i].ID, append([]id.ID{}, p.Posts...)); err != nil {
			return err
		}
	}
	below := 0
	if err := c.children(old, func(u Unit) id.ID {
		below++
		if to, ok := child[u.ID]; ok {
			delete(child, u.ID)
			return to
		}
		return rest.ID
	}); err != nil {
		return err
	}
	if len(child) > 0 {
		return ErrInvalid.At("body.parts", "org.not_of_unit")
	}
	if in.Keep {
		c.act.Parts = append(c.act.Parts, Part{Node: old.ID, Kind: Changed, Was: faceOf(old), Now: faceOf(old)})
		return nil
	}
	// What no part took goes to the first.
	sum := 0
	for _, n := range taken {
		sum += n
	}
	total := below + len(grids)
	taken[0] += total - sum
	c.units[old.ID] = rest.ID
	for i, u := range made {
		share := 1 / float64(len(made))
		if total > 0 {
			share = float64(taken[i]) / float64(total)
		}
		c.act.Heirs = append(c.act.Heirs, Heritage{Old: old.ID, Heir: u.ID, Share: share})
	}
	if err := c.villages(old, rest, nil); err != nil {
		return err
	}
	if err := c.posts(old, rest.ID, nil); err != nil {
		return err
	}
	ended := old
	ended.To = c.tx.Now()
	_, err = c.put(old, ended)
	return err
}

// shut closes a unit: with an heir as a merge, without one only when nothing
// belongs to it any more. Its posts end.
func (c *change) shut(in ReorganiseIn) error {
	old, err := c.unit(in.Unit, "body.unit_id")
	if err != nil {
		return err
	}
	if old.Kind == Hub {
		return ErrLastDesk
	}
	if !in.Into.IsZero() {
		heir, err := c.heir(in, old.Kind)
		if err != nil {
			return err
		}
		if heir.ID == old.ID {
			return ErrActUnit.With("code", old.Code).At("body.into_id", "org.other_kind")
		}
		return c.takeOver(old, heir)
	}
	if err := c.empty(old); err != nil {
		return err
	}
	there, err := all(c.tx, `SELECT `+postColumns+` FROM org_post WHERE (unit = $1 OR node = $1) AND (valid_to IS NULL OR valid_to > $2) ORDER BY id`, postFields, old.ID, db.Millis(c.tx.Now()))
	if err != nil {
		return err
	}
	for _, p := range there {
		c.transfer = append(c.transfer, Transfer{Post: p.ID})
	}
	if err := c.villages(old, Unit{}, nil); err != nil {
		return err
	}
	u := old
	u.To = c.tx.Now()
	_, err = c.put(old, u)
	return err
}

// empty refuses a unit to which something belongs.
func (c *change) empty(u Unit) error {
	var units, cases int64
	if err := c.tx.Row(`SELECT COUNT(*) FROM org_unit WHERE parent = $1 AND (valid_to IS NULL OR valid_to > $2)`, u.ID, db.Millis(c.tx.Now())).Scan(&units); err != nil {
		return fmt.Errorf("count units under %s: %w", u.ID, err)
	}
	var grids []id.ID
	var err error
	if c.territory != nil {
		if grids, err = c.territory.GridsOf(c.tx, u.ID); err != nil {
			return err
		}
	}
	if c.census != nil {
		if cases, err = c.census.OpenCases(c.tx, u.ID); err != nil {
			return err
		}
	}
	if units+cases+int64(len(grids)) > 0 {
		return ErrNotEmpty.With("units", units, "grids", len(grids), "cases", cases)
	}
	return nil
}
