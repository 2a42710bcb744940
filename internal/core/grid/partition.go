package grid

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"onegrid/internal/kit/geo"
)

// Reach is how far apart, in metres on the ground, two borders may be drawn and
// still be one. The rule is 1 cm (DESIGN.md section 10); rounding a corner to
// seven decimals moves it by up to 0.79 cm, and a T-junction is off by twice
// that when both it and the border it stands on were rounded, so borders that
// were the same before rounding are always joined.
const Reach = 0.016

// A strip of open ground between two grids is a gap even where it is open to
// the outside, when it is at least stripRatio times as long as wide and at most
// stripWidth metres wide, or stripShare of the smaller grid's diagonal where
// that is more: nobody leaves such a strip out on purpose. Wider or shorter
// open ground lies outside the area.
const (
	stripRatio = 8.0
	stripWidth = 250.0
	stripShare = 0.05
)

// widest is how wide a strip beside a grid may be and still be a gap.
func widest(s geo.Shape) float64 {
	b := s.Box()
	return max(stripWidth, stripShare*geo.Metres(b.Min.Point(), b.Max.Point()))
}

// FlawKind says what is wrong with a drawn layer.
type FlawKind string

const (
	// Gap is ground enclosed by two or more grids that none of them has, or a
	// strip between two. A hole in one grid's own rings is no gap.
	Gap FlawKind = "gap"
	// Overlap is ground that two grids have, or one grid has twice.
	Overlap FlawKind = "overlap"
	// Crossed is a place where one grid's border crosses itself, or a hole
	// that lies outside its grid.
	Crossed FlawKind = "crossed"
	// Swallowed is a grid of which special grids leave nothing.
	Swallowed FlawKind = "swallowed"
	// Outside is ground of a micro grid that its base grid does not have.
	Outside FlawKind = "outside"
)

// Flaw is one thing that is wrong with a drawn layer, and where.
type Flaw struct {
	Kind         FlawKind `json:"kind" enum:"gap,overlap,crossed,swallowed,outside"`
	Lon          float64  `json:"lon"`
	Lat          float64  `json:"lat"`
	SquareMetres float64  `json:"square_metres"`
	Width        float64  `json:"width_metres,omitzero" doc:"Mean width of a strip between two grids"`
	Codes        []string `json:"codes" doc:"The grids involved"`
}

func flawAt(kind FlawKind, at geo.Node, area float64, codes ...string) Flaw {
	p := at.Point()
	slices.Sort(codes)
	return Flaw{
		Kind: kind, Lon: p[0], Lat: p[1],
		SquareMetres: math.Round(area*100) / 100, Codes: slices.Compact(codes),
	}
}

// Drawn is one grid as somebody drew it.
type Drawn struct {
	Code    string
	Special bool // cut out of the others (专属网格)
	Shape   geo.Shape
}

// Partition is a layer whose borders have been brought together, special grids
// cut out. When it has no flaw, every position in the area lies in exactly one
// shape, and it never changes: any number of readers may use it.
type Partition struct {
	Shapes []geo.Shape // in the order of the drawn grids; nil when nothing is left of one
	Flaws  []Flaw      // largest first

	locator *geo.Index
	plane   *geo.Subdivision
	faces   []int // per face of the plane, the grid that has it, or -1
}

// Build brings the borders of a layer together and looks for what is wrong:
// every corner within Reach of another grid's border is put onto it, so that
// T-junctions are shared. It fails only on borders so dense that this does not
// come to an end; flaws are for the caller to refuse.
func Build(drawn []Drawn) (*Partition, error) {
	b := builder{drawn: drawn}
	for i, d := range drawn {
		for _, polygon := range d.Shape {
			b.parts = append(b.parts, geo.Shape{polygon})
			b.owner = append(b.owner, i)
			if at, stray := polygon.StrayHole(); stray {
				b.flaws = append(b.flaws, flawAt(Crossed, at, 0, d.Code))
			}
		}
	}
	var err error
	if b.plane, err = geo.Subdivide(b.parts, Reach); err != nil {
		return nil, err
	}
	for _, c := range b.plane.Crossings {
		b.flaws = append(b.flaws, flawAt(Crossed, c.At, 0, b.code(b.owner[c.Shape])))
	}
	b.assign()
	b.gaps()
	p := &Partition{Shapes: b.plane.Merge(b.faces, len(drawn)), plane: b.plane, faces: b.faces}
	p.locator = geo.NewIndex(p.Shapes)
	for i, s := range p.Shapes {
		if s == nil {
			b.flaws = append(b.flaws, flawAt(Swallowed, drawn[i].Shape.Label(), 0, drawn[i].Code))
		}
	}
	b.strips(p)
	slices.SortStableFunc(b.flaws, func(x, y Flaw) int { return cmp.Compare(y.SquareMetres, x.SquareMetres) })
	p.Flaws = b.flaws
	return p, nil
}

// Find gives the place in the drawn list of the grid that a position lies in,
// or -1. The position is rounded to seven decimals first. One that lies in no
// grid but within Reach of a border belongs to the grid of that border, so that
// the outer border of the area belongs to it.
func (p *Partition) Find(at orb.Point) int {
	n := geo.NodeAt(at)
	if i := p.locator.Find(n); i >= 0 {
		return i
	}
	return p.locator.Near(n, Reach, nil)
}

// Outlines joins the grids of each group (a street, a platform): group[i] is
// that of the i-th grid, from 0 to n-1, or negative. A group without ground has
// a nil shape.
func (p *Partition) Outlines(group []int, n int) []geo.Shape {
	owner := make([]int, len(p.faces))
	for f, g := range p.faces {
		owner[f] = -1
		if g >= 0 {
			owner[f] = group[g]
		}
	}
	return p.plane.Merge(owner, n)
}

// builder holds what Build knows while it works.
type builder struct {
	drawn []Drawn
	parts []geo.Shape // every polygon by itself
	owner []int       // per part, the grid
	plane *geo.Subdivision
	faces []int  // per face, the grid that gets it, or -1
	isGap []bool // per face, already reported
	flaws []Flaw
}

func (b *builder) code(grid int) string { return b.drawn[grid].Code }

// assign gives each face to a grid: the only one that covers it, or the only
// special one. Everything else is an overlap.
func (b *builder) assign() {
	b.faces = make([]int, b.plane.Faces())
	for f := range b.faces {
		b.faces[f] = -1
		cover := b.plane.Cover(f)
		if len(cover) == 0 {
			continue
		}
		var plain, special []string
		b.faces[f] = b.owner[cover[0]]
		for _, part := range cover {
			g := b.owner[part]
			if b.drawn[g].Special {
				special = append(special, b.code(g))
				b.faces[f] = g
			} else {
				plain = append(plain, b.code(g))
			}
		}
		fault := special
		if len(special) == 0 {
			fault = plain
		}
		if len(fault) < 2 && (len(special) == 0 || len(plain) < 2) {
			continue
		}
		if len(fault) < 2 {
			fault = plain // a special grid over two that overlap beneath it
		}
		if at, area, wide := measure(b.plane, f); wide {
			b.flaws = append(b.flaws, flawAt(Overlap, at, area, fault...))
		}
	}
}

// measure gives a place in a face and its area. wide says that it is somewhere
// wider than Reach; a narrower one is what is left of borders that are the same
// within the tolerance, and whoever has it keeps it.
func measure(plane *geo.Subdivision, face int) (at geo.Node, area float64, wide bool) {
	s := plane.FaceShape(face)
	at = s.Label()
	return at, s.SquareMetres(), s.ToBorder(at) > Reach/2
}

// gaps reports enclosed ground that no grid has, unless one grid alone encloses
// it: that is a hole in its own rings.
func (b *builder) gaps() {
	b.isGap = make([]bool, len(b.faces))
	for f := 1; f < len(b.faces); f++ {
		if b.faces[f] >= 0 {
			continue
		}
		around := map[int]bool{}
		b.plane.Rim(f, func(_, _ geo.Node, across int, outer bool) {
			if outer && b.faces[across] >= 0 {
				around[b.faces[across]] = true
			}
		})
		if len(around) < 2 {
			continue
		}
		at, area, wide := measure(b.plane, f)
		if !wide {
			b.faces[f] = slices.Min(slices.Collect(maps.Keys(around)))
			continue
		}
		b.isGap[f] = true
		var codes []string
		for g := range around {
			codes = append(codes, b.code(g))
		}
		b.flaws = append(b.flaws, flawAt(Gap, at, area, codes...))
	}
}

// strips reports narrow open ground between two grids that gaps did not find
// because it is open at an end, or goes all round a grid that lies in another
// one's hole.
func (b *builder) strips(p *Partition) {
	var edges geo.Edges
	var all []geo.Edge
	var grids []int
	b.plane.Borders(func(x, y geo.Node, left, right int) {
		switch {
		case b.faces[left] < 0 && b.faces[right] >= 0 && !b.isGap[left]:
			all, grids = append(all, geo.Edge{A: x, B: y}), append(grids, b.faces[right])
		case b.faces[right] < 0 && b.faces[left] >= 0 && !b.isGap[right]:
			all, grids = append(all, geo.Edge{A: y, B: x}), append(grids, b.faces[left])
		}
	})
	limit := make([]float64, len(b.drawn))
	for i, e := range all {
		edges.Add(e)
		if g := grids[i]; limit[g] == 0 {
			limit[g] = widest(b.drawn[g].Shape)
		}
	}
	type strip struct {
		length, area, longest float64
		middle                geo.Node
	}
	found := map[[2]int]*strip{}
	for i, e := range all {
		edges.Facing(e, limit[grids[i]], func(j int, how geo.Facing) {
			if grids[i] >= grids[j] || how.Width > limit[grids[j]] || p.locator.Find(how.Middle) >= 0 {
				return
			}
			pair := [2]int{grids[i], grids[j]}
			s := found[pair]
			if s == nil {
				s = &strip{}
				found[pair] = s
			}
			s.length += how.Length
			s.area += how.Length * how.Width
			if how.Length > s.longest {
				s.longest, s.middle = how.Length, how.Middle
			}
		})
	}
	for pair, s := range found {
		width := s.area / s.length
		if s.length < stripRatio*width {
			continue
		}
		flaw := flawAt(Gap, s.middle, s.area, b.code(pair[0]), b.code(pair[1]))
		flaw.Width = math.Round(width*100) / 100
		b.flaws = append(b.flaws, flaw)
	}
	slices.SortFunc(b.flaws, func(x, y Flaw) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), slices.Compare(x.Codes, y.Codes), cmp.Compare(x.Lon, y.Lon))
	})
}

// Inside looks whether each micro grid lies in one base grid, parents[i] being
// the base grid of the i-th: ground elsewhere is a flaw.
func Inside(base, micro []Drawn, parents []int) ([]Flaw, error) {
	var parts []geo.Shape
	var owner []int // base grids first, then micro grids from len(base) on
	for i, d := range slices.Concat(base, micro) {
		for _, polygon := range d.Shape {
			parts, owner = append(parts, geo.Shape{polygon}), append(owner, i)
		}
	}
	plane, err := geo.Subdivide(parts, Reach)
	if err != nil {
		return nil, err
	}
	var flaws []Flaw
	for f := 1; f < plane.Faces(); f++ {
		for _, part := range plane.Cover(f) {
			m := owner[part] - len(base)
			if m < 0 {
				continue
			}
			home, codes := false, []string{micro[m].Code}
			for _, other := range plane.Cover(f) {
				if b := owner[other]; b < len(base) {
					home = home || b == parents[m]
					codes = append(codes, base[b].Code)
				}
			}
			if home {
				continue
			}
			if at, area, wide := measure(plane, f); wide {
				flaws = append(flaws, flawAt(Outside, at, area, codes...))
			}
		}
	}
	return flaws, nil
}

// String says the flaw in one line for a terminal or a log.
func (f Flaw) String() string {
	where := fmt.Sprintf("at %.7f,%.7f", f.Lon, f.Lat)
	grids := strings.Join(f.Codes, ", ")
	switch f.Kind {
	case Gap:
		if f.Width > 0 {
			return fmt.Sprintf("gap %s: a strip of %.2f m2, %.2f m wide, between %s", where, f.SquareMetres, f.Width, grids)
		}
		return fmt.Sprintf("gap %s: %.2f m2 that no grid has, between %s", where, f.SquareMetres, grids)
	case Overlap:
		return fmt.Sprintf("overlap %s: %.2f m2 that belong to %s", where, f.SquareMetres, grids)
	case Crossed:
		return fmt.Sprintf("crossed %s: the border of %s crosses itself or has a hole outside", where, grids)
	case Swallowed:
		return fmt.Sprintf("swallowed %s: special grids leave nothing of %s", where, grids)
	}
	return fmt.Sprintf("outside %s: %.2f m2 of %s lie outside its base grid", where, f.SquareMetres, grids)
}
