package grid

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// permSplit is the permission of roles.json for acts on grids.
const permSplit = "grid.split_merge"

var (
	// ErrActKind says that grids know no such act.
	ErrActKind = fault.New(fault.Invalid, "grid.unknown_act")
	// ErrNothing says that the act would change nothing.
	ErrNothing = fault.New(fault.Invalid, "grid.nothing_changes")
	// ErrMergeKinds says that the grids are of different layers or kinds.
	ErrMergeKinds = fault.New(fault.Invalid, "grid.merge_kinds")
	// ErrNothingLeft says that a grid would lose all its ground; that is a merge.
	ErrNothingLeft = fault.New(fault.Invalid, "grid.nothing_left")
)

// Book keeps the acts and does what follows from them; *org.Org does.
type Book interface {
	Record(tx *db.Tx, by journal.Who, a org.Act, home map[id.ID]id.ID, transfers ...org.Transfer) (org.Act, error)
	ActsOn(tx *db.Tx, node id.ID) ([]org.Act, error)
	WeighAct(tx *db.Tx, a org.Act) (org.Weight, error)
}

// Recorded names who keeps the acts. Without one, grids change and nobody is
// told.
func (g *Grids) Recorded(b Book) { g.book = b }

// NewGrid is a grid that an act begins. What is left out is taken from the grid
// it comes from: the units, the kind, the next code.
type NewGrid struct {
	Code       string          `json:"code,omitempty" maxLength:"40" doc:"The next one of its prefix when left out"`
	Name       string          `json:"name" maxLength:"60"`
	Layer      string          `json:"layer,omitempty" enum:"base,micro"`
	Kind       string          `json:"kind,omitempty" enum:"comprehensive,special"`
	Platform   id.ID           `json:"platform_id,omitzero"`
	Street     id.ID           `json:"street_id,omitzero"`
	Households int64           `json:"households,omitempty" minimum:"0" maximum:"100000"`
	Geometry   json.RawMessage `json:"geometry,omitempty" doc:"GeoJSON Polygon or MultiPolygon"`
	Posts      []id.ID         `json:"posts,omitempty" maxItems:"200" doc:"Posts of the old grid that go here; the others follow the largest part"`
}

// Border is the new border of a grid that goes on.
type Border struct {
	Grid     id.ID           `json:"grid_id"`
	Geometry json.RawMessage `json:"geometry" doc:"GeoJSON Polygon or MultiPolygon"`
}

// ActIn is an act on grids as somebody asks for it (网格调整).
type ActIn struct {
	Kind     string          `json:"kind" enum:"found,rename,recode,move,merge,split,close,redraw"`
	Why      string          `json:"why" minLength:"1" maxLength:"500"`
	Grid     id.ID           `json:"grid_id,omitzero" doc:"That is renamed, recoded, moved, split or closed"`
	Grids    []id.ID         `json:"grid_ids,omitempty" maxItems:"100" doc:"That are merged and end"`
	Into     id.ID           `json:"into_id,omitzero" doc:"The grid that takes over the merged ones and goes on; or that gets the area of a redraw"`
	New      *NewGrid        `json:"new,omitempty" doc:"The grid that is founded, or that merged ones become"`
	Parts    []NewGrid       `json:"parts,omitempty" maxItems:"20" doc:"What a grid is split into; with a line and without geometry: first what lies left of it"`
	Keep     bool            `json:"keep,omitempty" doc:"Of a split: the grid goes on with the first part, which gets no new code"`
	Line     []orb.Point     `json:"line,omitempty" maxItems:"500" doc:"WGS84 positions along which a grid is split"`
	Borders  []Border        `json:"borders,omitempty" maxItems:"100"`
	Area     json.RawMessage `json:"area,omitempty" doc:"Ground that goes to into_id from whoever has it"`
	Code     string          `json:"code,omitempty" maxLength:"40"`
	Name     string          `json:"name,omitempty" maxLength:"60"`
	Platform id.ID           `json:"platform_id,omitzero"`
	Street   id.ID           `json:"street_id,omitzero"`
	From     time.Time       `json:"from,omitzero" doc:"Of a founding, merge, split or closing: when it comes into force; now when left out"`
	DryRun   bool            `json:"dry_run,omitempty"`
}

// Acted is an act with what follows from it, or why it was refused.
type Acted struct {
	org.Act
	Weight org.Weight   `json:"weight"`
	Grids  []MapFeature `json:"grids" doc:"The grids that begin or change, with their ground"`
	Flaws  []Flaw       `json:"flaws,omitempty" doc:"Of a dry run: where the drawing is no partition"`
	Refuse *Refusal     `json:"refused,omitempty" doc:"Of a dry run: why the act would be refused"`
	DryRun bool         `json:"dry_run,omitempty"`
}

// Act carries out an act on grids: found, rename, recode, move, merge, split,
// close or redraw. It is refused where the grids would not be a partition, with
// the place. Permission grid.split_merge at every grid it touches, and
// grid.draw, grid.issue_code or grid.retire_code for what it does there. With
// DryRun nothing stays, and a refusal is part of the answer. What moves borders
// a person only tries; it is proposed and another approves it. Codes: grid.*,
// org.why_needed.
func (g *Grids) Act(tx *db.Tx, by journal.Who, in ActIn) (Acted, error) {
	if !in.DryRun && moves(in.Kind) {
		if err := alone(by); err != nil {
			return Acted{}, err
		}
	}
	return g.carryOut(tx, by, in)
}

func (g *Grids) carryOut(tx *db.Tx, by journal.Who, in ActIn) (Acted, error) {
	if _, err := org.Reason(in.Why); err != nil {
		return Acted{}, err
	}
	out := Acted{Grids: []MapFeature{}}
	var flaws []Flaw
	do := func(tx *db.Tx) error {
		a := &acting{Grids: g, tx: tx, by: by, in: in}
		act, err := a.do()
		flaws = a.flaws
		if err == nil {
			out.Act = act
		}
		return err
	}
	look := func(tx *db.Tx) (err error) {
		if g.book != nil {
			if out.Weight, err = g.book.WeighAct(tx, out.Act); err != nil {
				return err
			}
		}
		out.Grids, err = g.drawn(tx, out.Act)
		return err
	}
	if !in.DryRun {
		if err := do(tx); err != nil {
			return out, err
		}
		return out, look(tx)
	}
	out.DryRun = true
	err := org.Trial(tx, do, look)
	if f := fault.Of(err); err != nil && (f.Kind == fault.Invalid || f.Kind == fault.Conflict) {
		out.Flaws = flaws
		out.Refuse = &Refusal{Why: f.Code, Args: f.Args, Where: f.Where}
		return out, nil
	}
	return out, err
}

// drawn gives the grids of an act that exist after it, with their ground.
func (g *Grids) drawn(tx *db.Tx, a org.Act) ([]MapFeature, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	period, err := s.At(a.At)
	if err != nil {
		return nil, err
	}
	out := []MapFeature{}
	for _, l := range Layers {
		grids, shapes := period.Grids(l)
		for i, v := range grids {
			if slices.ContainsFunc(a.Parts, func(p org.Part) bool { return p.Node == v.ID && p.Kind != org.Ended }) && shapes[i] != nil {
				out = append(out, MapFeature{Type: "Feature", ID: v.ID, Geometry: geometry(shapes[i]), Properties: view(units, v)})
			}
		}
	}
	return out, nil
}

// acting is one act while it is done.
type acting struct {
	*Grids
	tx    *db.Tx
	by    journal.Who
	in    ActIn
	known *Snapshot
	units *org.Snapshot
	flaws []Flaw

	rows      []ImportRow
	ends      []Grid
	given     map[string]bool // codes this act gives out
	transfers map[string][]id.ID
}

func (a *acting) do() (org.Act, error) {
	var err error
	if a.known, a.units, err = a.both(a.tx); err != nil {
		return org.Act{}, err
	}
	a.given, a.transfers = map[string]bool{}, map[string][]id.ID{}
	switch a.in.Kind {
	case org.Rename, org.Recode, org.Move:
		return a.alter()
	case org.Found:
		err = a.found()
	case org.Merge:
		err = a.merge()
	case org.Split:
		err = a.split()
	case org.Close:
		err = a.shut()
	case org.Redraw:
		err = a.redraw()
	default:
		err = ErrActKind.At("body.kind", "grid.unknown_act")
	}
	if err != nil {
		return org.Act{}, err
	}
	return a.draw()
}

// grid reads a grid that takes part: in force, and the actor may reorganise it.
func (a *acting) grid(v id.ID, path string) (Grid, error) {
	found, ok := a.known.ByID(v)
	if !ok {
		return found, ErrMissing.With("grid", v.String()).At(path, "grid.missing")
	}
	if err := a.by.Check(permSplit, sight(a.units, found)); err != nil {
		return found, err
	}
	if !found.Open(a.tx.Now()) || !found.To.IsZero() {
		return found, ErrEnded.With("code", found.Code).At(path, "grid.ended")
	}
	return found, nil
}

func faceOf(g Grid) *org.Face {
	return &org.Face{Code: g.Code, Name: words.Text{Chinese: g.Name, English: g.Name}, Parent: unitOf(g)}
}

// unitOf is the unit that a grid's posts belong to.
func unitOf(g Grid) id.ID {
	if g.Platform.IsZero() {
		return g.Street
	}
	return g.Platform
}

// alter renames, recodes or moves one grid, which stays the same grid. Its micro
// grids go along.
func (a *acting) alter() (org.Act, error) {
	old, err := a.grid(a.in.Grid, "body.grid_id")
	if err != nil {
		return org.Act{}, err
	}
	next, permission := old, permDraw
	switch a.in.Kind {
	case org.Rename:
		next.Name = strings.TrimSpace(a.in.Name)
	case org.Recode:
		permission = permIssue
		if next.Code = strings.TrimSpace(a.in.Code); next.Code != old.Code {
			if err := a.codeFree(next, "body.code"); err != nil {
				return org.Act{}, err
			}
		}
	case org.Move:
		next.Platform, next.Street = a.in.Platform, a.in.Street
		if old.Layer == Micro {
			return org.Act{}, ErrInvalid.At("body.platform_id", "grid.micro_follows_base")
		}
	}
	if err := checkGrid(&next, a.units, ErrInvalid, "body."); err != nil {
		return org.Act{}, err
	}
	for _, at := range []Grid{old, next} {
		if err := a.by.Check(permission, sight(a.units, at)); err != nil {
			return org.Act{}, err
		}
	}
	if same(old, next) && old.Code == next.Code {
		return org.Act{}, ErrNothing
	}
	changes := [][2]Grid{{old, next}}
	for _, m := range a.known.Grids {
		if m.Parent != old.ID || !m.To.IsZero() || a.in.Kind == org.Rename {
			continue
		}
		moved := m
		moved.Platform, moved.Street = next.Platform, next.Street
		if rule := a.known.Template(Micro); a.in.Kind == org.Recode {
			was, err1 := rule.Prefix(Sources{Parent: old.Code, Community: old.Code})
			is, err2 := rule.Prefix(Sources{Parent: next.Code, Community: next.Code})
			if err1 != nil || err2 != nil || was == is {
				continue
			}
			if moved.Code, err = rule.Make(is, rule.Number(was, m.Code)); err != nil {
				return org.Act{}, err
			}
		}
		changes = append(changes, [2]Grid{m, moved})
	}
	act, home := a.begin(), map[id.ID]id.ID{}
	for _, c := range changes {
		if c[0].Code != c[1].Code {
			if err := a.recode(c[0], c[1].Code); err != nil {
				return org.Act{}, err
			}
		}
		if _, err := a.change(a.tx, a.by, a.units, c[0], c[1]); err != nil {
			return org.Act{}, err
		}
		act.Parts = append(act.Parts, org.Part{Node: c[0].ID, Kind: org.Changed, Was: faceOf(c[0]), Now: faceOf(c[1])})
		home[c[0].ID] = unitOf(c[1])
	}
	return a.record(act, home)
}

// codeFree refuses a code that is not one of the rule, or was ever given out.
func (a *acting) codeFree(g Grid, path string) error {
	if a.given[g.Code] {
		return ErrCodeTwice.With("code", g.Code, "first", 1).At(path, "grid.code_used", "code", g.Code)
	}
	if l := a.known.given[g.Code]; l != "" && (!a.known.reserved[g.Code] || l != g.Layer) {
		return ErrCodeUsed.With("code", g.Code).At(path, "grid.code_used", "code", g.Code)
	}
	from := Sources{}
	if base, ok := a.known.ByID(g.Parent); ok {
		from.Parent = base.Code
	}
	if err := a.known.Template(g.Layer).Validate(g.Code, from); err != nil {
		return fault.Of(err).At(path, fault.Of(err).Code)
	}
	a.given[g.Code] = true
	return nil
}

// recode ends the code of a grid in our scheme and gives it another one.
func (a *acting) recode(g Grid, code string) error {
	if err := endCodes(a.tx, g.ID, ownScheme, db.Millis(a.tx.Now())); err != nil {
		return err
	}
	err := takeCode(a.tx, Code{Scheme: ownScheme, Code: code, Layer: g.Layer, Grid: g.ID, From: a.tx.Now()})
	if db.Unique(err) {
		return ErrCodeUsed.With("code", code)
	}
	return err
}

func (a *acting) begin() org.Act {
	act := org.Act{ID: a.tx.NewID(), Tree: org.Grids, Kind: a.in.Kind, Why: a.in.Why, At: a.in.From}
	if act.At.IsZero() {
		act.At = a.tx.Now()
	}
	return act
}

func (a *acting) record(act org.Act, home map[id.ID]id.ID, transfers ...org.Transfer) (org.Act, error) {
	if a.book == nil {
		return act, nil
	}
	return a.book.Record(a.tx, a.by, act, home, transfers...)
}

// shapeAt reads a geometry of the request.
func shapeAt(raw json.RawMessage, path string) (orb.MultiPolygon, error) {
	if len(raw) == 0 {
		return nil, ErrInvalid.At(path, "field.required")
	}
	m, err := geo.ReadGeometry(raw)
	if err != nil {
		return nil, fault.Of(err).At(path, fault.Of(err).Code)
	}
	return m, nil
}

// row is the line of a drawing that stands for a grid in force.
func (a *acting) row(g Grid, shape orb.MultiPolygon) ImportRow {
	code := func(v id.ID) string { u, _ := a.units.Unit(v); return u.Code }
	r := ImportRow{Number: int64(len(a.rows) + 1), Code: g.Code, Name: g.Name, Layer: string(g.Layer), Kind: string(g.Kind),
		Platform: code(g.Platform), Households: fmt.Sprint(g.Households), MadeUp: fmt.Sprint(g.MadeUp), Shape: shape}
	if g.Platform.IsZero() {
		r.Street = code(g.Street)
	}
	return r
}

// add puts a grid that begins into the drawing; from is the grid it comes from.
func (a *acting) add(n NewGrid, from Grid, shape orb.MultiPolygon, path string) error {
	g := Grid{Layer: Layer(cmp.Or(n.Layer, string(from.Layer), string(Base))), Kind: Kind(cmp.Or(n.Kind, string(from.Kind), string(Comprehensive))),
		Name: strings.TrimSpace(n.Name), Platform: n.Platform, Street: n.Street, Households: n.Households, MadeUp: from.MadeUp, Code: strings.TrimSpace(n.Code)}
	if g.Platform.IsZero() && g.Street.IsZero() {
		g.Platform, g.Street = from.Platform, from.Street
	}
	parent := ""
	if g.Layer == Micro {
		base, err := a.baseOf(shape, path)
		if err != nil {
			return err
		}
		g.Parent, g.Platform, g.Street, parent = base.ID, base.Platform, base.Street, base.Code
	}
	if g.Code == "" {
		if err := a.by.Check(permIssue, sight(a.units, g)); err != nil {
			return err
		}
		var err error
		if g.Code, err = a.nextCode(g, from, parent); err != nil {
			return fault.Of(err).At(path+".code", fault.Of(err).Code)
		}
		a.given[g.Code] = true
	} else if err := a.codeFree(g, path+".code"); err != nil {
		return err
	}
	a.transfers[g.Code] = n.Posts
	r := a.row(g, shape)
	r.Parent = parent
	a.rows = append(a.rows, r)
	return nil
}

// baseOf is the base grid in which a micro grid is drawn.
func (a *acting) baseOf(shape orb.MultiPolygon, path string) (Grid, error) {
	s, err := geo.ShapeOf(shape)
	if err != nil {
		return Grid{}, fault.Of(err).At(path+".geometry", fault.Of(err).Code)
	}
	period, err := a.known.At(a.tx.Now())
	if err != nil {
		return Grid{}, err
	}
	base, _, ok := period.Find(s.Label().Point())
	if !ok {
		return Grid{}, ErrInvalid.At(path+".geometry", "grid.no_base")
	}
	return base, nil
}

// nextCode gives the next free code under the prefix that the grid's village or
// the grid it comes from has.
func (a *acting) nextCode(g, from Grid, parent string) (string, error) {
	rule := a.known.Template(g.Layer)
	var sources []Sources
	for _, v := range a.units.Villages {
		if v.Platform == g.Platform && v.To.IsZero() {
			for _, d := range a.units.Divisions {
				if d.ID == v.Village && d.To.IsZero() {
					sources = append(sources, Sources{Community: d.Code, Parent: parent})
				}
			}
		}
	}
	slices.SortFunc(sources, func(x, y Sources) int {
		// The village whose code the old grid has goes first.
		fits := func(s Sources) int {
			if rule.Validate(from.Code, s) == nil {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(fits(x), fits(y)), strings.Compare(x.Community, y.Community))
	})
	if len(sources) == 0 {
		// No list of villages: the old grid's own prefix.
		sources = append(sources, Sources{Community: from.Code, Parent: parent})
	}
	prefix, err := rule.Prefix(sources[0])
	if err != nil {
		return "", err
	}
	var last int64
	for code, layer := range a.known.given {
		if layer == g.Layer && len(code) == rule.Length() {
			last = max(last, rule.Number(prefix, code))
		}
	}
	for code := range a.given {
		if len(code) == rule.Length() {
			last = max(last, rule.Number(prefix, code))
		}
	}
	return rule.Make(prefix, last+1)
}

func (a *acting) end(g Grid) error {
	if err := a.by.Check(permRetire, sight(a.units, g)); err != nil {
		return err
	}
	a.ends = append(a.ends, g)
	return nil
}

func (a *acting) found() error {
	if a.in.New == nil {
		return ErrInvalid.At("body.new", "field.required")
	}
	shape, err := shapeAt(a.in.New.Geometry, "body.new.geometry")
	if err != nil {
		return err
	}
	return a.add(*a.in.New, Grid{}, shape, "body.new")
}

func (a *acting) merge() error {
	var old []Grid
	for i, v := range a.in.Grids {
		g, err := a.grid(v, fmt.Sprintf("body.grid_ids[%d]", i))
		if err != nil {
			return err
		}
		if slices.Contains(a.in.Grids[:i], v) || v == a.in.Into || len(old) > 0 && g.Layer != old[0].Layer {
			return ErrMergeKinds.At(fmt.Sprintf("body.grid_ids[%d]", i), "grid.merge_kinds")
		}
		old = append(old, g)
		if err := a.end(g); err != nil {
			return err
		}
	}
	if len(old) == 0 || a.in.New != nil && len(old) < 2 || (a.in.New == nil) == a.in.Into.IsZero() {
		return ErrInvalid.At("body.grid_ids", "grid.merge_needs_two")
	}
	shapes := make([]geo.Shape, len(old))
	for i, g := range old {
		shapes[i] = g.Shape
	}
	if a.in.New != nil {
		whole, err := union(shapes...)
		if err != nil {
			return err
		}
		return a.add(*a.in.New, old[0], whole.Orb(), "body.new")
	}
	heir, err := a.grid(a.in.Into, "body.into_id")
	if err != nil {
		return err
	}
	if heir.Layer != old[0].Layer {
		return ErrMergeKinds.At("body.into_id", "grid.merge_kinds")
	}
	whole, err := union(append(shapes, heir.Shape)...)
	if err != nil {
		return err
	}
	a.rows = append(a.rows, a.row(heir, whole.Orb()))
	return nil
}

func (a *acting) split() error {
	old, err := a.grid(a.in.Grid, "body.grid_id")
	if err != nil {
		return err
	}
	if len(a.in.Parts) < 2 {
		return ErrInvalid.At("body.parts", "grid.split_needs_parts")
	}
	shapes := make([]orb.MultiPolygon, len(a.in.Parts))
	if len(a.in.Line) > 0 {
		if len(a.in.Parts) != 2 {
			return ErrInvalid.At("body.parts", "grid.split_needs_parts")
		}
		left, right, err := cut(old.Shape, a.in.Line)
		if err != nil {
			return fault.Of(err).At("body.line", fault.Of(err).Code)
		}
		shapes[0], shapes[1] = left.Orb(), right.Orb()
	} else {
		for i, p := range a.in.Parts {
			if shapes[i], err = shapeAt(p.Geometry, fmt.Sprintf("body.parts[%d].geometry", i)); err != nil {
				return err
			}
		}
	}
	if err := a.whole([]Grid{old}, shapes, "body.parts"); err != nil {
		return err
	}
	if !a.in.Keep {
		if err := a.end(old); err != nil {
			return err
		}
	}
	for i, p := range a.in.Parts {
		if i == 0 && a.in.Keep {
			stays := old
			if name := strings.TrimSpace(p.Name); name != "" {
				stays.Name = name
			}
			if p.Households > 0 {
				stays.Households = p.Households
			}
			a.rows = append(a.rows, a.row(stays, shapes[0]))
			continue
		}
		if err := a.add(p, old, shapes[i], fmt.Sprintf("body.parts[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// shut ends a grid whose ground others have beneath it. A base grid that alone
// has its ground is merged into a neighbour instead: what lies there must lie in
// a grid tomorrow, too.
func (a *acting) shut() error {
	old, err := a.grid(a.in.Grid, "body.grid_id")
	if err != nil {
		return err
	}
	if old.Layer == Base {
		if err := a.whole([]Grid{old}, nil, ""); err != nil {
			return fault.Of(err).At("body.grid_id", "grid.sole_ground")
		}
	}
	return a.end(old)
}

// redraw gives grids new borders: each its own, or an area to one of them from
// whoever has it.
func (a *acting) redraw() error {
	if len(a.in.Area) > 0 {
		return a.handOver()
	}
	if len(a.in.Borders) == 0 {
		return ErrInvalid.At("body.borders", "field.required")
	}
	var old []Grid
	var shapes []orb.MultiPolygon
	for i, b := range a.in.Borders {
		path := fmt.Sprintf("body.borders[%d]", i)
		g, err := a.grid(b.Grid, path+".grid_id")
		if err != nil {
			return err
		}
		shape, err := shapeAt(b.Geometry, path+".geometry")
		if err != nil {
			return err
		}
		if len(old) > 0 && g.Layer != old[0].Layer {
			return ErrMergeKinds.At(path+".grid_id", "grid.merge_kinds")
		}
		old, shapes = append(old, g), append(shapes, shape)
		a.rows = append(a.rows, a.row(g, shape))
	}
	return a.whole(old, shapes, "body.borders")
}

func (a *acting) handOver() error {
	m, err := shapeAt(a.in.Area, "body.area")
	if err != nil {
		return err
	}
	area, err := geo.ShapeOf(m)
	if err != nil {
		return fault.Of(err).At("body.area", fault.Of(err).Code)
	}
	heir, err := a.grid(a.in.Into, "body.into_id")
	if err != nil {
		return err
	}
	grids := []Grid{heir}
	for _, g := range a.known.open(heir.Layer, a.tx.Now()) {
		if g.ID != heir.ID && g.Kind == heir.Kind && g.Shape.Box().Meets(area.Box()) {
			grids = append(grids, g)
		}
	}
	shapes := make([]geo.Shape, len(grids))
	for i, g := range grids {
		shapes[i] = g.Shape
	}
	next, err := handOver(shapes, area, 0)
	if err != nil {
		return err
	}
	for i, g := range grids {
		if next[i] == nil {
			return ErrNothingLeft.With("code", g.Code).At("body.area", "grid.nothing_left", "code", g.Code)
		}
		if next[i].Same(g.Shape) || i > 0 && next[i].SquareMetres() > g.Shape.SquareMetres()-0.5 {
			continue
		}
		if g, err = a.grid(g.ID, "body.area"); err != nil {
			return err
		}
		a.rows = append(a.rows, a.row(g, next[i].Orb()))
	}
	if len(a.rows) == 0 {
		return ErrNothing
	}
	return nil
}
