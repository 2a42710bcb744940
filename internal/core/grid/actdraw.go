package grid

import (
	"slices"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// draw carries out an act that changes borders: the same judge as for a drawing
// that is imported, but all or nothing.
func (a *acting) draw() (org.Act, error) {
	act := a.begin()
	a.alongMicro()
	m := &importing{grids: a.Grids, tx: a.tx, by: a.by, units: a.units, known: a.known, o: ImportOptions{Datum: geo.WGS84}, from: act.At, ends: a.ends}
	if act.At.Before(a.tx.Now()) {
		return act, ErrPast.At("body.from", "grid.dated_back")
	}
	m.read(a.rows)
	for _, l := range Layers {
		if err := m.judge(l); err != nil {
			return act, err
		}
	}
	// A layer that only loses grids has no rows that could be refused.
	if len(m.flaws) == 0 && len(a.ends) > 0 {
		for _, l := range Layers {
			flaws, err := m.flawsOf(l)
			if err != nil {
				return act, err
			}
			m.flaws = append(m.flaws, flaws...)
		}
	}
	a.flaws = m.flaws[:min(len(m.flaws), maxFlaws)]
	for _, c := range m.rows {
		if c.fault != nil && c.fault.Code != ErrLayerRefused.Code {
			return act, c.fault
		}
	}
	if len(m.flaws) > 0 {
		f := m.flaws[0]
		return act, ErrPartition.With("flaw", f.Kind, "lon", f.Lon, "lat", f.Lat, "square_metres", f.SquareMetres, "codes", f.Codes).At("body", "grid."+string(f.Kind))
	}
	m.ends = a.ends
	if _, err := m.report(); err != nil {
		return act, err
	}
	if err := m.inheritStanding(); err != nil {
		return act, err
	}
	if err := m.write(); err != nil {
		return act, err
	}
	home := map[id.ID]id.ID{}
	act.Parts, act.Heirs = m.parts(home)
	if len(act.Parts) == 0 {
		return act, ErrNothing
	}
	var chosen []org.Transfer
	for _, c := range m.rows {
		for _, p := range a.transfers[c.grid.Code] {
			chosen = append(chosen, org.Transfer{Post: p, Node: c.grid.ID, Unit: unitOf(c.grid)})
		}
	}
	if err := a.own(chosen); err != nil {
		return act, err
	}
	return a.record(act, home, chosen...)
}

// own refuses posts that do not look after the grids of the act.
func (a *acting) own(chosen []org.Transfer) error {
	for _, t := range chosen {
		p, ok := a.units.Post(t.Post)
		old := append([]id.ID{a.in.Grid}, a.in.Grids...)
		if !ok || !slices.Contains(old, p.Node) {
			return ErrInvalid.At("body.parts.posts", "grid.not_its_post")
		}
	}
	return nil
}

// alongMicro takes the micro grids of grids that end into the drawing, so that
// they find their new base grid by place.
func (a *acting) alongMicro() {
	for _, m := range a.known.Grids {
		if m.Layer != Micro || !m.To.IsZero() || !slices.ContainsFunc(a.ends, func(g Grid) bool { return g.ID == m.Parent }) ||
			slices.ContainsFunc(a.ends, func(g Grid) bool { return g.ID == m.ID }) {
			continue
		}
		r := a.row(m, m.Shape.Orb())
		r.Platform, r.Street, r.Number = "", "", int64(len(a.rows)+1)
		a.rows = append(a.rows, r)
	}
}

// inheritStanding finds who takes over the ground of a grid that ends among the
// grids that stand already: a special grid falls back to those beneath it.
func (m *importing) inheritStanding() error {
	for _, old := range m.ends {
		if slices.ContainsFunc(m.heirs, func(h heir) bool { return h.old == old.ID }) {
			continue
		}
		var near []Grid
		for _, g := range m.known.open(old.Layer, m.from) {
			if g.ID != old.ID && !m.isEnding(g.ID) && g.Shape.Box().Meets(old.Shape.Box()) {
				near = append(near, g)
			}
		}
		shares, err := shares(old, near)
		if err != nil {
			return err
		}
		for i, share := range shares {
			if share >= 0.01 {
				m.heirs = append(m.heirs, heir{old: old.ID, share: share, known: near[i]})
			}
		}
	}
	return nil
}

// parts tells what an import did to which grid, and who inherited; home gets the
// unit of each grid that goes on or begins.
func (m *importing) parts(home map[id.ID]id.ID) (parts []org.Part, heirs []org.Heritage) {
	has := map[id.ID]bool{}
	put := func(p org.Part, g Grid) {
		if !has[g.ID] {
			has[g.ID] = true
			parts = append(parts, p)
		}
	}
	var special []geo.Box
	for _, g := range m.ends {
		put(org.Part{Node: g.ID, Kind: org.Ended, Was: faceOf(g)}, g)
	}
	for _, c := range m.rows {
		if !c.fresh() {
			continue
		}
		home[c.grid.ID] = unitOf(c.grid)
		if c.grid.Kind == Special {
			special = append(special, c.grid.Shape.Box())
		}
		if c.old == nil {
			put(org.Part{Node: c.grid.ID, Kind: org.Began, Now: faceOf(c.grid)}, c.grid)
			continue
		}
		if c.old.Kind == Special {
			special = append(special, c.old.Shape.Box())
		}
		put(org.Part{Node: c.grid.ID, Kind: org.Changed, Was: faceOf(*c.old), Now: faceOf(c.grid)}, c.grid)
	}
	for _, h := range m.heirs {
		to := h.heir()
		home[to.ID] = unitOf(to)
		heirs = append(heirs, org.Heritage{Old: h.old, Heir: to.ID, Share: min(h.share, 1)})
		put(org.Part{Node: to.ID, Kind: org.Changed, Was: faceOf(to), Now: faceOf(to)}, to)
	}
	// A special grid is cut out of others, and a micro grid lies in one, that
	// are not in the drawing themselves: what lies there moves too.
	for _, g := range m.known.open(Base, m.from) {
		if g.Kind != Special && !m.isEnding(g.ID) && slices.ContainsFunc(special, func(b geo.Box) bool { return b.Meets(g.Shape.Box()) }) {
			put(org.Part{Node: g.ID, Kind: org.Changed, Was: faceOf(g), Now: faceOf(g)}, g)
		}
	}
	for _, c := range m.rows {
		if base, ok := m.known.ByID(c.grid.Parent); ok && c.fresh() && c.grid.Layer == Micro && !m.isEnding(base.ID) {
			put(org.Part{Node: base.ID, Kind: org.Changed, Was: faceOf(base), Now: faceOf(base)}, base)
		}
	}
	return parts, heirs
}

// Regroup brings grids to the units they belong to now; see org.Territory. What
// was picked by name goes first, then what another unit took over. The street
// of each grid follows its platform.
func (g *Grids) Regroup(tx *db.Tx, by journal.Who, to, picked map[id.ID]id.ID) ([]org.Part, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	into := func(unit id.ID) id.ID {
		if heir, ok := to[unit]; ok {
			return heir
		}
		return unit
	}
	var parts []org.Part
	for _, old := range s.Grids {
		if !old.To.IsZero() && !old.To.After(tx.Now()) {
			continue
		}
		next := old
		home := old
		if base, ok := s.ByID(old.Parent); ok && old.Layer == Micro {
			home = base // a micro grid follows its base grid
		}
		unit, chosen := picked[home.ID]
		switch {
		case !chosen && !home.Platform.IsZero():
			next.Platform = into(home.Platform)
		case !chosen:
			next.Street = into(home.Street)
		case home.Platform.IsZero():
			next.Street = unit
		default:
			next.Platform = unit
		}
		if !next.Platform.IsZero() {
			next.Street = units.Nodes(next.Platform).Street
		}
		if next.Platform == old.Platform && next.Street == old.Street {
			continue
		}
		if _, err := g.change(tx, by, units, old, next); err != nil {
			return nil, err
		}
		parts = append(parts, org.Part{Node: old.ID, Kind: org.Changed, Was: faceOf(old), Now: faceOf(next)})
	}
	return parts, nil
}

// GridsOf lists the grids in force that belong directly to a unit; see
// org.Territory. Micro grids go with their base grid.
func (g *Grids) GridsOf(tx *db.Tx, unit id.ID) ([]id.ID, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, v := range s.Grids {
		if v.Layer == Base && unitOf(v) == unit && (v.To.IsZero() || v.To.After(tx.Now())) {
			out = append(out, v.ID)
		}
	}
	return out, nil
}
