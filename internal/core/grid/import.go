package grid

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
)

// ImportRow is one drawn grid of a file, its values still as texts.
type ImportRow struct {
	Number     int64
	Code       string
	Name       string
	Layer      string // base when empty
	Kind       string // comprehensive when empty
	Platform   string // code of the unit
	Street     string // code of the unit; for special grids without a platform
	Parent     string // code of the base grid; found by place when empty
	Households string
	MadeUp     string // true or false
	Shape      orb.MultiPolygon
	Err        error // why it cannot be read
}

// RowOf reads a feature of a GeoJSON table.
func RowOf(r table.Row) ImportRow {
	row := ImportRow{
		Number: r.Number, Code: r.Get("code"), Name: r.Get("name"), Layer: r.Get("layer"), Kind: r.Get("kind"),
		Platform: r.Get("platform"), Street: r.Get("street"), Parent: r.Get("parent"),
		Households: r.Get("households"), MadeUp: r.Get("made_up"),
	}
	row.Shape, row.Err = geo.ReadGeometry(r.Geometry)
	return row
}

// rowOfFeature reads a feature of a GeoJSON text.
func rowOfFeature(number int, f geo.Feature) ImportRow {
	text := func(name string) string { s, _ := f.Text(name); return s }
	row := ImportRow{
		Number: int64(number), Code: text("code"), Name: text("name"), Layer: text("layer"), Kind: text("kind"),
		Platform: text("platform"), Street: text("street"), Parent: text("parent"),
		Households: text("households"), MadeUp: text("made_up"), Shape: f.Shape, Err: f.Err,
	}
	if b, ok := f.Properties["made_up"].(bool); ok {
		row.MadeUp = strconv.FormatBool(b)
	}
	return row
}

// ImportOptions say how a file of grids is meant.
type ImportOptions struct {
	Datum    geo.Datum // of the file; must be given
	From     time.Time // when it comes into force; zero is now
	Whole    bool      // grids of the file's layers that are not in it end then
	Replaces []string  // codes of grids that end then, whose ground the file gives to others
	Why      string    // of the act that is recorded when grids in force change or end
	DryRun   bool      // only say what would happen
}

// Verdict is what became of one row.
type Verdict struct {
	Number  int64
	Code    string
	Outcome table.Outcome
	Fault   *fault.Fault // nil when it was taken or repeated
}

// Report accounts for every row of an import.
type Report struct {
	Read     int64     `json:"read"`
	Taken    int64     `json:"taken"`
	Repeated int64     `json:"repeated"`
	Refused  int64     `json:"refused"`
	Ended    []Ended   `json:"ended,omitempty"` // grids that end
	Flaws    []Flaw    `json:"flaws,omitempty"` // why a layer was refused, largest first; at most 200
	Found    int       `json:"flaws_found,omitempty"`
	Verdicts []Verdict `json:"-"`
}

// Ended is a grid that ends, and how much of its ground nobody takes over.
type Ended struct {
	Code string  `json:"code"`
	Lost float64 `json:"lost,omitempty" doc:"Share of its ground that no grid has afterwards"`
}

// maxFlaws is how many flaws a report lists.
const maxFlaws = 200

// candidate is a row on its way in.
type candidate struct {
	row   ImportRow
	grid  Grid
	old   *Grid // the same code, in force
	fault *fault.Fault
}

func (c *candidate) refuse(err error) { c.fault = fault.Of(err) }

// fresh says that the row brings something new.
func (c *candidate) fresh() bool { return c.fault == nil && (c.old == nil || !same(*c.old, c.grid)) }

// Import takes a drawing of grids. A row that is wrong by itself is refused; of
// the others, a layer is taken as a whole or, when it would not be a partition,
// refused as a whole with the places of its gaps and overlaps. Repeating an
// import takes nothing twice. Permission grid.draw for each row's unit, and
// grid.retire_code for grids that end. Whole faults: geo.unknown_datum,
// grid.dated_back, grid.missing (Replaces).
func (g *Grids) Import(tx *db.Tx, by journal.Who, rows []ImportRow, o ImportOptions) (Report, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return Report{}, err
	}
	if o.Datum.String() == "" {
		return Report{}, geo.ErrDatum.With("datum", "")
	}
	m := &importing{grids: g, tx: tx, by: by, units: units, known: s, o: o, from: o.From}
	if m.from.IsZero() {
		m.from = tx.Now()
	}
	if m.from.Before(tx.Now()) && len(s.Grids) > 0 {
		return Report{}, ErrPast.At("from", "grid.dated_back")
	}
	if err := m.ending(rows); err != nil {
		return Report{}, err
	}
	m.read(rows)
	for _, l := range Layers {
		if err := m.judge(l); err != nil {
			return Report{}, err
		}
	}
	report, err := m.report()
	if err != nil || o.DryRun {
		return report, err
	}
	if err := m.inheritStanding(); err != nil {
		return report, err
	}
	if err := m.write(); err != nil {
		return report, err
	}
	return report, m.record()
}

// record keeps a drawing that changes or ends grids in force as an act, so that
// posts, rights and open cases follow. A first drawing only begins grids.
func (m *importing) record() error {
	home := map[id.ID]id.ID{}
	parts, heirs := m.parts(home)
	if m.grids.book == nil || !slices.ContainsFunc(parts, func(p org.Part) bool { return p.Kind != org.Began }) {
		return nil
	}
	if m.o.Why == "" {
		m.o.Why = "按图纸调整 / as drawn"
	}
	_, err := m.grids.book.Record(m.tx, m.by, org.Act{Tree: org.Grids, Kind: org.Redraw, Why: m.o.Why, At: m.from, Parts: parts, Heirs: heirs}, home)
	return err
}

// importing is one import while it runs.
type importing struct {
	grids *Grids
	tx    *db.Tx
	by    journal.Who
	units *org.Snapshot
	known *Snapshot
	o     ImportOptions
	from  time.Time

	rows  []*candidate
	ends  []Grid
	flaws []Flaw
	heirs []heir
}

// heir is a row that takes over a share of a grid that ends.
type heir struct {
	old   id.ID
	row   *candidate
	share float64
	known Grid // instead of a row: one that stands already
}

func (h heir) heir() Grid {
	if h.row == nil {
		return h.known
	}
	return h.row.grid
}

// ending finds the grids that end: those named, and with Whole those of the
// file's layers that it does not have.
func (m *importing) ending(rows []ImportRow) error {
	named := map[string]bool{}
	for _, code := range m.o.Replaces {
		g, ok := m.known.ByCode(code)
		if !ok || !g.To.IsZero() {
			return ErrMissing.At("replaces", "grid.missing", "code", clip(code))
		}
		named[g.Code] = true
	}
	layers, codes := map[Layer]bool{}, map[string]bool{}
	for _, r := range rows {
		l := Layer(r.Layer)
		if l == "" {
			l = Base
		}
		layers[l], codes[r.Code] = true, true
	}
	for _, g := range m.known.Grids {
		if !g.To.IsZero() || !(named[g.Code] || m.o.Whole && layers[g.Layer] && !codes[g.Code]) {
			continue
		}
		if err := m.by.Check(permRetire, sight(m.units, g)); err != nil {
			return err
		}
		m.ends = append(m.ends, g)
	}
	return nil
}

func (m *importing) isEnding(v id.ID) bool {
	return slices.ContainsFunc(m.ends, func(g Grid) bool { return g.ID == v })
}

// read checks each row by itself.
func (m *importing) read(rows []ImportRow) {
	first := map[string]int64{}
	for _, r := range rows {
		c := &candidate{row: r}
		m.rows = append(m.rows, c)
		if err := m.readOne(c); err != nil {
			c.refuse(err)
			continue
		}
		if n, twice := first[c.grid.Code]; twice {
			c.refuse(ErrCodeTwice.With("code", c.grid.Code, "first", n).At("code", "grid.code_twice", "first", n, "code", c.grid.Code))
			continue
		}
		first[c.grid.Code] = r.Number
	}
}

func (m *importing) readOne(c *candidate) error {
	r := c.row
	if r.Err != nil {
		return fault.Of(r.Err).At("geometry", fault.Of(r.Err).Code)
	}
	g := Grid{Layer: Layer(r.Layer), Kind: Kind(r.Kind), Code: r.Code, Name: r.Name, From: m.from, Version: 1}
	if g.Layer == "" {
		g.Layer = Base
	}
	if g.Kind == "" {
		g.Kind = Comprehensive
	}
	f := ErrInvalid
	if !g.Layer.known() {
		f = f.At("layer", "grid.unknown_layer")
	}
	if !g.Kind.known() || g.Layer == Micro && g.Kind == Special {
		f = f.At("kind", "grid.unknown_kind")
	}
	if r.Households != "" {
		n, err := strconv.ParseInt(r.Households, 10, 64)
		if err != nil {
			f = f.At("households", "grid.bad_households", "most", maxHouseholds)
		}
		g.Households = n
	}
	switch strings.ToLower(r.MadeUp) {
	case "", "false", "0":
	case "true", "1":
		g.MadeUp = true
	default:
		f = f.At("made_up", "grid.bad_flag")
	}
	if g.Code == "" {
		f = f.At("code", "grid.code_missing")
	}
	unit := func(code, field string, into *id.ID) {
		if code == "" {
			return
		}
		u, ok := m.units.UnitByCode(code)
		if !ok {
			f = f.At(field, "grid.unknown_unit", "code", clip(code))
			return
		}
		*into = u.ID
	}
	unit(r.Platform, "platform", &g.Platform)
	unit(r.Street, "street", &g.Street)
	if len(f.Where) > 0 {
		return f
	}
	var err error
	if g.Shape, err = shapeOf(r.Shape, m.o.Datum); err != nil {
		return fault.Of(err).At("geometry", fault.Of(err).Code)
	}
	c.grid = g
	if g.Layer == Micro {
		return nil // its unit and the rest follow from its base grid, see adopt
	}
	return m.settle(c, "")
}

// settle checks what depends on the unit, and finds the grid in force with the
// same code. parent is the code of a micro grid's base grid.
func (m *importing) settle(c *candidate, parent string) error {
	g := &c.grid
	if err := checkGrid(g, m.units, ErrInvalid, ""); err != nil {
		return columns(err)
	}
	if err := m.by.Check(permDraw, sight(m.units, *g)); err != nil {
		return err
	}
	if old, ok := m.known.ByCode(g.Code); ok && old.Code == g.Code {
		if !old.To.IsZero() || old.Layer != g.Layer || m.isEnding(old.ID) {
			return ErrCodeUsed.With("code", g.Code).At("code", "grid.code_used", "code", g.Code)
		}
		g.ID, g.From, g.To, g.Version = old.ID, old.From, old.To, old.Version
		c.old = &old
		if !same(old, *g) && m.from.After(m.tx.Now()) {
			return ErrFuture.With("code", g.Code).At("code", "grid.change_is_now", "code", g.Code)
		}
		return nil
	}
	if l := m.known.given[g.Code]; l != "" && (!m.known.reserved[g.Code] || l != g.Layer) {
		return ErrCodeUsed.With("code", g.Code).At("code", "grid.code_used", "code", g.Code)
	}
	if err := m.known.Template(g.Layer).Validate(g.Code, Sources{Parent: parent}); err != nil {
		return fault.Of(err).At("code", fault.Of(err).Code)
	}
	return m.community(*g)
}

// community refuses a code whose community is not one that the grid's platform
// covers, where the statistical list and the links to it are known.
func (m *importing) community(g Grid) error {
	if g.Layer != Base || g.Platform.IsZero() {
		return nil
	}
	t := m.known.Template(Base)
	covered, fits := 0, false
	for _, v := range m.units.Villages {
		if v.Platform != g.Platform || !v.To.IsZero() && !m.from.Before(v.To) {
			continue
		}
		i := slices.IndexFunc(m.units.Divisions, func(d org.Division) bool { return d.ID == v.Village })
		if i < 0 {
			continue
		}
		covered++
		fits = fits || t.Validate(g.Code, Sources{Community: m.units.Divisions[i].Code}) == nil
	}
	if covered > 0 && !fits {
		return ErrInvalid.At("code", "grid.other_community", "code", g.Code)
	}
	return nil
}

// columns renames the fields of a grid to the properties of a file.
func columns(err error) error {
	f := *fault.Of(err)
	f.Where = slices.Clone(f.Where)
	for i, w := range f.Where {
		f.Where[i].Path = strings.TrimSuffix(w.Path, "_id")
	}
	return &f
}

// same says that a row brings nothing new.
func same(a, b Grid) bool {
	return a.Layer == b.Layer && a.Kind == b.Kind && a.Name == b.Name && a.Platform == b.Platform && a.Street == b.Street &&
		a.Parent == b.Parent && a.Households == b.Households && a.MadeUp == b.MadeUp && a.Shape.Same(b.Shape)
}

// standing is the layer as it will be at an instant: what is known, what ends
// left out, the sound rows put in.
func (m *importing) standing(l Layer, at time.Time) []Grid {
	rows := map[id.ID]Grid{}
	var out []Grid
	for _, c := range m.rows {
		if c.fault != nil || c.grid.Layer != l || !c.grid.Open(at) {
			continue
		}
		if c.old != nil {
			rows[c.old.ID] = c.grid
		} else {
			out = append(out, c.grid)
		}
	}
	for _, g := range m.known.open(l, at) {
		if m.isEnding(g.ID) && !at.Before(m.from) {
			continue
		}
		if row, ok := rows[g.ID]; ok {
			g = row
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Grid) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// instants are when the layer must be a partition: when the file comes into
// force and at every change known for later.
func (m *importing) instants() []time.Time {
	out := []time.Time{m.from}
	for _, t := range m.known.changes {
		if t.After(m.from) {
			out = append(out, t)
		}
	}
	return out
}

// judge looks whether a layer is a partition with the rows in it; if not, all
// that would change it are refused.
func (m *importing) judge(l Layer) error {
	if l == Micro {
		if err := m.adopt(); err != nil {
			return err
		}
	}
	if !m.changes(l) && !(l == Micro && m.changes(Base)) {
		return nil
	}
	flaws, err := m.flawsOf(l)
	if errors.Is(err, geo.ErrTangled) {
		for _, c := range m.rows {
			if c.fresh() && (c.grid.Layer == l || l == Micro) {
				c.refuse(fault.Of(err).At("geometry", "geo.tangled"))
			}
		}
		m.ends = nil
		return nil
	}
	if err != nil {
		return err
	}
	if len(flaws) == 0 {
		return nil
	}
	m.flaws = append(m.flaws, flaws...)
	guilty := map[string]Flaw{}
	for _, f := range flaws {
		for _, code := range f.Codes {
			if _, ok := guilty[code]; !ok {
				guilty[code] = f
			}
		}
	}
	for _, c := range m.rows {
		// Micro grids that no longer fit the base grids are a reason to refuse
		// those too: half of a change is none.
		if !c.fresh() || c.grid.Layer != l && l != Micro {
			continue
		}
		if f, ok := guilty[c.grid.Code]; ok {
			c.refuse(ErrPartition.With("flaw", f.Kind, "lon", f.Lon, "lat", f.Lat, "square_metres", f.SquareMetres, "codes", strings.Join(f.Codes, " ")).At("geometry", "grid."+string(f.Kind)))
		} else {
			c.refuse(ErrLayerRefused.With("flaws", len(flaws), "first", flaws[0].String()).At("geometry", "grid.layer_refused"))
		}
	}
	m.ends = nil
	return nil
}

// flawsOf builds a layer as it will be, for each instant, and says what is
// wrong at the first that has flaws.
func (m *importing) flawsOf(l Layer) ([]Flaw, error) {
	for _, at := range m.instants() {
		grids := m.standing(l, at)
		p, err := Build(drawnOf(grids))
		if err != nil {
			return nil, err
		}
		flaws := p.Flaws
		if l == Micro {
			outside, err := m.outside(grids, m.standing(Base, at))
			if err != nil {
				return nil, err
			}
			flaws = append(flaws, outside...)
		}
		if len(flaws) > 0 {
			return flaws, nil
		}
	}
	return nil, nil
}

// changes says whether the import would change a layer at all.
func (m *importing) changes(l Layer) bool {
	return slices.ContainsFunc(m.rows, func(c *candidate) bool { return c.fresh() && c.grid.Layer == l }) ||
		slices.ContainsFunc(m.ends, func(g Grid) bool { return g.Layer == l })
}

// adopt gives each micro grid of the file to its base grid: the one named, or
// the one that it lies in.
func (m *importing) adopt() error {
	base := m.standing(Base, m.from)
	p, err := Build(drawnOf(base))
	if err != nil {
		return err
	}
	for _, c := range m.rows {
		if c.fault != nil || c.grid.Layer != Micro {
			continue
		}
		var i int
		if c.row.Parent != "" {
			i = slices.IndexFunc(base, func(g Grid) bool { return g.Code == c.row.Parent })
		} else {
			i = p.Find(c.grid.Shape.Label().Point())
		}
		if i < 0 {
			c.refuse(ErrInvalid.At("parent", "grid.no_base"))
			continue
		}
		if base[i].ID.IsZero() {
			base[i].ID = m.idOf(base[i].Code)
		}
		c.grid.Parent, c.grid.Platform, c.grid.Street = base[i].ID, base[i].Platform, base[i].Street
		if err := m.settle(c, base[i].Code); err != nil {
			c.refuse(err)
		}
	}
	return nil
}

// idOf gives a new base grid of the file its id, before it is written, so that
// micro grids can name it.
func (m *importing) idOf(code string) id.ID {
	for _, c := range m.rows {
		if c.grid.Code == code && c.grid.Layer == Base && c.fault == nil {
			if c.grid.ID.IsZero() {
				c.grid.ID = m.tx.NewID()
			}
			return c.grid.ID
		}
	}
	return id.ID{}
}

// outside looks whether every micro grid lies in its base grid.
func (m *importing) outside(micro, base []Grid) ([]Flaw, error) {
	parents := make([]int, len(micro))
	for i, g := range micro {
		parents[i] = slices.IndexFunc(base, func(b Grid) bool { return b.ID == g.Parent })
	}
	p, err := Build(drawnOf(base))
	if err != nil {
		return nil, err
	}
	cut := drawnOf(base)
	for i := range cut {
		cut[i].Shape = p.Shapes[i]
	}
	return Inside(cut, drawnOf(micro), parents)
}

func (m *importing) report() (Report, error) {
	r := Report{Read: int64(len(m.rows)), Found: len(m.flaws), Flaws: m.flaws[:min(len(m.flaws), maxFlaws)]}
	for _, c := range m.rows {
		v := Verdict{Number: c.row.Number, Code: c.row.Code, Fault: c.fault}
		switch {
		case c.fault != nil:
			r.Refused++
		case c.fresh():
			r.Taken++
		default:
			r.Repeated++
			v.Outcome.Result = table.Repeated
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	for _, g := range m.ends {
		lost, err := m.inherit(g)
		if err != nil {
			return r, err
		}
		r.Ended = append(r.Ended, Ended{g.Code, lost})
	}
	return r, nil
}

// write stores what was taken.
func (m *importing) write() error {
	changed := len(m.ends) > 0
	for _, old := range m.ends {
		if err := m.grids.end(m.tx, m.by, m.units, old, m.from); err != nil {
			return err
		}
	}
	for _, c := range m.rows {
		if !c.fresh() {
			continue
		}
		changed = true
		if c.old != nil {
			if _, err := m.grids.change(m.tx, m.by, m.units, *c.old, c.grid); err != nil {
				return err
			}
			continue
		}
		if c.grid.ID.IsZero() {
			c.grid.ID = m.tx.NewID()
		}
		if err := insertGrid(m.tx, c.grid); err != nil {
			return err
		}
		if err := takeCode(m.tx, Code{Scheme: ownScheme, Code: c.grid.Code, Layer: c.grid.Layer, Grid: c.grid.ID, From: m.from}); err != nil {
			return err
		}
		journal.Add(m.tx, journal.Entry{
			Kind: "grid.create", Subject: c.grid.ID, By: m.by.By(), Version: 1, Sight: sight(m.units, c.grid), Class: class, Body: c.grid,
		})
	}
	if !changed {
		return nil
	}
	for _, h := range m.heirs {
		if err := insertSuccession(m.tx, Succession{Old: h.old, Heir: h.heir().ID, Share: h.share, At: m.from}); err != nil {
			return err
		}
	}
	return db.Bump(m.tx, room)
}
