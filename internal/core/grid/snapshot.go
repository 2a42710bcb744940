package grid

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// Units tells the organisation as a transaction sees it; *org.Org does.
type Units interface {
	Snapshot(tx *db.Tx) (*org.Snapshot, error)
}

// Grids is the grids of one installation. Its acts run in the caller's
// transaction, on the first writer.
type Grids struct {
	units Units
	cache *db.Cached[*Snapshot]
	book  Book
}

// New is the grids of an organisation.
func New(units Units) *Grids {
	return &Grids{units: units, cache: db.NewCached(room, load)}
}

// Snapshot is all grids as this transaction sees them.
func (g *Grids) Snapshot(tx *db.Tx) (*Snapshot, error) { return g.cache.Get(tx) }

// Snapshot is all grids, ended and future ones too, at one version of their
// tables (网格快照). It is shared by all readers and must not be changed.
type Snapshot struct {
	Grids []Grid // by code

	byID      map[id.ID]int
	past      map[id.ID][]Grid   // what a grid was before its changes, oldest first
	byCode    map[string]id.ID   // own codes, and aliases that mean one grid only
	codes     map[id.ID][]Code   // all a grid has or had
	given     map[string]Layer   // own codes ever given out
	reserved  map[string]bool    // of these, those no grid has yet
	heirs     []Succession       //
	templates map[Layer]Template //
	changes   []time.Time        // instants at which a grid begins or ends, ascending
	periods   []*Period          // one more: before the first change, between them, after the last
	stamp     string
}

func load(tx *db.Tx) (*Snapshot, error) {
	s := &Snapshot{
		byID: map[id.ID]int{}, byCode: map[string]id.ID{}, codes: map[id.ID][]Code{},
		given: map[string]Layer{}, reserved: map[string]bool{}, templates: map[Layer]Template{},
	}
	var err error
	if s.Grids, err = readGrids(tx); err != nil {
		return nil, err
	}
	codes, err := readCodes(tx)
	if err != nil {
		return nil, err
	}
	if s.heirs, err = readSuccessions(tx); err != nil {
		return nil, err
	}
	templates, err := readTemplates(tx)
	if err != nil {
		return nil, err
	}
	for _, l := range Layers {
		s.templates[l] = DefaultTemplate(l)
	}
	for _, t := range templates {
		t.body.Version = t.version
		s.templates[Layer(t.layer)] = t.body
	}
	today := make(map[id.ID]Grid, len(s.Grids))
	for _, g := range s.Grids {
		today[g.ID] = g
	}
	if s.past, err = readPast(tx, today); err != nil {
		return nil, err
	}
	hash := sha256.New()
	for i, g := range s.Grids {
		s.byID[g.ID] = i
		for _, p := range s.past[g.ID] {
			s.changes = append(s.changes, p.To)
		}
		s.changes = append(s.changes, g.From)
		if !g.To.IsZero() {
			s.changes = append(s.changes, g.To)
		}
		fmt.Fprintln(hash, g.ID, g.Version)
	}
	s.stamp = hex.EncodeToString(hash.Sum(nil)[:8])
	for _, c := range codes {
		s.codes[c.Grid] = append(s.codes[c.Grid], c)
		switch other, twice := s.byCode[c.Code]; {
		case c.Scheme == ownScheme:
			s.given[c.Code] = c.Layer
			if c.Grid.IsZero() {
				s.reserved[c.Code] = true
			} else {
				s.byCode[c.Code] = c.Grid
			}
		case s.given[c.Code] != "":
			// Our own code goes before an alias that looks like it; codes of
			// our scheme may still follow and do the same.
		case twice && other != c.Grid:
			delete(s.byCode, c.Code)
		case !c.Grid.IsZero():
			s.byCode[c.Code] = c.Grid
		}
	}
	slices.SortFunc(s.changes, time.Time.Compare)
	s.changes = slices.CompactFunc(s.changes, time.Time.Equal)
	for i := range len(s.changes) + 1 {
		at := time.Time{}
		if i > 0 {
			at = s.changes[i-1]
		}
		s.periods = append(s.periods, &Period{at: at, of: s})
	}
	return s, nil
}

// ByID finds a grid, also one that ended.
func (s *Snapshot) ByID(v id.ID) (Grid, bool) {
	if i, ok := s.byID[v]; ok {
		return s.Grids[i], true
	}
	return Grid{}, false
}

// ByCode finds a grid by a code that it has or had, in our scheme or another.
func (s *Snapshot) ByCode(code string) (Grid, bool) { return s.ByID(s.byCode[code]) }

// Codes lists every code that a grid has or had.
func (s *Snapshot) Codes(v id.ID) []Code { return s.codes[v] }

// Successions lists who took over from a grid and whom it took over from.
func (s *Snapshot) Successions(v id.ID) (heirs, forebears []Succession) {
	for _, h := range s.heirs {
		if h.Old == v {
			heirs = append(heirs, h)
		}
		if h.Heir == v {
			forebears = append(forebears, h)
		}
	}
	return heirs, forebears
}

// Template is how the codes of a layer are made up.
func (s *Snapshot) Template(l Layer) Template { return s.templates[l] }

// Stamp changes whenever a grid does.
func (s *Snapshot) Stamp() string { return s.stamp }

// StampAt changes whenever a grid does, and when one begins or ends with time.
func (s *Snapshot) StampAt(at time.Time) string {
	i, _ := slices.BinarySearchFunc(s.changes, at.Add(1), time.Time.Compare)
	return fmt.Sprint(s.stamp, "/", i)
}

// At is the grids in force at an instant.
func (s *Snapshot) At(at time.Time) (*Period, error) {
	i, found := slices.BinarySearchFunc(s.changes, at, time.Time.Compare)
	if found {
		i++
	}
	p := s.periods[i]
	p.once.Do(p.build)
	return p, p.err
}

// Period is the grids between two changes, with the locator over them. It
// never changes once it is built.
type Period struct {
	at    time.Time
	of    *Snapshot
	once  sync.Once
	err   error
	base  layerMap
	micro layerMap
	lines outlines
}

// layerMap is one layer in force.
type layerMap struct {
	grids     []Grid
	partition *Partition
}

func (p *Period) build() {
	for _, l := range Layers {
		m := layerMap{grids: p.of.open(l, p.at)}
		if m.partition, p.err = Build(drawnOf(m.grids)); p.err != nil {
			return
		}
		if l == Base {
			p.base = m
		} else {
			p.micro = m
		}
	}
}

func openGrids(grids []Grid, l Layer, at time.Time) []Grid {
	var out []Grid
	for _, g := range grids {
		if g.Layer == l && g.Open(at) {
			out = append(out, g)
		}
	}
	return out
}

// open lists the grids of a layer at an instant as they were then, by code.
func (s *Snapshot) open(l Layer, at time.Time) []Grid {
	out := openGrids(s.Grids, l, at)
	moved := false
	for i, g := range out {
		out[i] = s.asOf(g, at)
		moved = moved || out[i].Code != g.Code
	}
	if moved {
		slices.SortFunc(out, func(a, b Grid) int { return strings.Compare(a.Code, b.Code) })
	}
	return out
}

// asOf is a grid as it was at an instant; from and to stay those of the grid.
func (s *Snapshot) asOf(g Grid, at time.Time) Grid {
	for _, p := range s.past[g.ID] {
		if at.Before(p.To) {
			p.From, p.To = g.From, g.To
			return p
		}
	}
	return g
}

// Past lists what a grid was before its changes, oldest first; from and to are
// those of each state.
func (s *Snapshot) Past(v id.ID) []Grid { return s.past[v] }

// Changes lists the instants at which any grid began, changed or ended.
func (s *Snapshot) Changes() []time.Time { return s.changes }

func drawnOf(grids []Grid) []Drawn {
	out := make([]Drawn, len(grids))
	for i, g := range grids {
		out[i] = Drawn{Code: g.Code, Special: g.Kind == Special, Shape: g.Shape}
	}
	return out
}

func (p *Period) layer(l Layer) *layerMap {
	if l == Micro {
		return &p.micro
	}
	return &p.base
}

// Grids lists the grids of a layer, by code, and the ground of each: special
// ones cut out, borders shared.
func (p *Period) Grids(l Layer) ([]Grid, []geo.Shape) {
	m := p.layer(l)
	return m.grids, m.partition.Shapes
}

// Find gives the base grid and, where there is one, the micro grid in which a
// WGS84 position lies.
func (p *Period) Find(at orb.Point) (base, micro Grid, ok bool) {
	i := p.base.partition.Find(at)
	if i < 0 {
		return Grid{}, Grid{}, false
	}
	base = p.base.grids[i]
	// On a border that both layers share, the micro grid must be one of this
	// base grid, also when its own border was drawn a centimetre off.
	n := geo.NodeAt(at)
	j := p.micro.partition.locator.Find(n)
	if j < 0 || p.micro.grids[j].Parent != base.ID {
		j = p.micro.partition.locator.Near(n, Reach, func(k int) bool { return p.micro.grids[k].Parent == base.ID })
	}
	if j >= 0 {
		micro = p.micro.grids[j]
	}
	return base, micro, true
}

// Locate says where a WGS84 position lies now, and false when it lies in no
// grid. It refuses what is no position.
func (g *Grids) Locate(tx *db.Tx, at orb.Point) (Place, bool, error) {
	return g.LocateOn(tx, at, tx.Now())
}

// LocateOn says where a position lay at an instant: in which grids, with their
// codes, names and units of that time.
func (g *Grids) LocateOn(tx *db.Tx, at orb.Point, when time.Time) (Place, bool, error) {
	if err := geo.Check(at); err != nil {
		return Place{}, false, err
	}
	s, err := g.Snapshot(tx)
	if err != nil {
		return Place{}, false, err
	}
	period, err := s.At(when)
	if err != nil {
		return Place{}, false, err
	}
	base, micro, ok := period.Find(at)
	if !ok {
		return Place{}, false, nil
	}
	place := Place{Base: base, Micro: micro}
	inner := base
	if !micro.ID.IsZero() {
		inner = micro
	}
	if when.Before(tx.Now()) {
		units, err := g.units.Snapshot(tx)
		if err != nil {
			return Place{}, false, err
		}
		place.Nodes = pastNodes(units, inner)
		return place, true, nil
	}
	place.Nodes, err = g.nodes(tx, inner)
	return place, err == nil, err
}

// Only gives the base grid of a platform that has exactly one in force (一村一格),
// and how many it has. Where there are several, words alone can't say which.
func (g *Grids) Only(tx *db.Tx, platform id.ID) (only Grid, count int, err error) {
	if platform.IsZero() {
		return Grid{}, 0, nil
	}
	s, err := g.Snapshot(tx)
	if err != nil {
		return Grid{}, 0, err
	}
	for _, found := range s.Grids {
		if found.Layer == Base && found.Platform == platform && found.Open(tx.Now()) {
			only = found
			count++
		}
	}
	if count != 1 {
		only = Grid{}
	}
	return only, count, nil
}

// ByID finds a grid, also one that ended.
func (g *Grids) ByID(tx *db.Tx, v id.ID) (Grid, bool, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return Grid{}, false, err
	}
	found, ok := s.ByID(v)
	return found, ok, nil
}

// ByCode finds a grid by a code that it has or had, in our scheme or another.
func (g *Grids) ByCode(tx *db.Tx, code string) (Grid, bool, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return Grid{}, false, err
	}
	found, ok := s.ByCode(code)
	return found, ok, nil
}

// NodesOf gives the responsible node at each level for a grid. Codes:
// grid.missing.
func (g *Grids) NodesOf(tx *db.Tx, v id.ID) (journal.Nodes, error) {
	found, ok, err := g.ByID(tx, v)
	if err != nil {
		return journal.Nodes{}, err
	}
	if !ok {
		return journal.Nodes{}, ErrMissing.With("grid", v.String())
	}
	return g.nodes(tx, found)
}

func (g *Grids) nodes(tx *db.Tx, of Grid) (journal.Nodes, error) {
	units, err := g.units.Snapshot(tx)
	if err != nil {
		return journal.Nodes{}, err
	}
	return nodesIn(units, of), nil
}

// nodesIn reads the levels off the grid's unit: its platform, or the street of
// a special grid that belongs to none.
func nodesIn(units *org.Snapshot, g Grid) journal.Nodes {
	unit := g.Platform
	if unit.IsZero() {
		unit = g.Street
	}
	n := units.Nodes(unit)
	n.Grid = g.ID
	if g.Layer == Micro {
		n.Grid, n.Micro = g.Parent, g.ID
	}
	return n
}

// pastNodes reads the levels off a grid as it was: its units are those of that
// time, wherever they stand today.
func pastNodes(units *org.Snapshot, g Grid) journal.Nodes {
	n := journal.Nodes{Hub: units.HubID(), Street: g.Street, Platform: g.Platform, Grid: g.ID}
	if g.Layer == Micro {
		n.Grid, n.Micro = g.Parent, g.ID
	}
	return n
}

// sight decides who may see a grid.
func sight(units *org.Snapshot, g Grid) journal.Sight { return journal.Sight{Nodes: nodesIn(units, g)} }
