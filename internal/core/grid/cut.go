package grid

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
)

// ErrCut says that a line does not part a grid in two.
var ErrCut = fault.New(fault.Invalid, "grid.no_cut")

// cut parts a shape by a line. What lies left of the line, seen along it, is
// first. The line goes on straight beyond its ends, so it need not reach the
// border. Code: grid.no_cut.
func cut(s geo.Shape, line []orb.Point) (left, right geo.Shape, err error) {
	ring, ok := cutter(s.Box(), line)
	if !ok {
		return nil, nil, ErrCut
	}
	knife, err := geo.ShapeOf(orb.MultiPolygon{{ring}})
	if err != nil {
		return nil, nil, ErrCut.Because(err)
	}
	parts, _ := polygons(s)
	plane, err := geo.Subdivide(append(parts, knife), Reach)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range plane.Crossings {
		if c.Shape == len(parts) {
			at := c.At.Point()
			return nil, nil, ErrCut.With("lon", at[0], "lat", at[1])
		}
	}
	owner := make([]int, plane.Faces())
	for f := range owner {
		ground, under := false, false
		for _, p := range plane.Cover(f) {
			if int(p) == len(parts) {
				under = true
			} else {
				ground = true
			}
		}
		switch {
		case !ground:
			owner[f] = -1
		case under:
			owner[f] = 0
		default:
			owner[f] = 1
		}
	}
	halves := plane.Merge(owner, 2)
	if halves[0] == nil || halves[1] == nil {
		return nil, nil, ErrCut
	}
	return halves[0], halves[1], nil
}

// polygons lists every polygon of some shapes by itself, and whose it is.
func polygons(shapes ...geo.Shape) (parts []geo.Shape, owner []int) {
	for i, s := range shapes {
		for _, p := range s {
			parts, owner = append(parts, geo.Shape{p}), append(owner, i)
		}
	}
	return parts, owner
}

// cutter is a ring along a line, drawn out to the edge of a wide box, and back
// round the box on the left of the line.
func cutter(b geo.Box, line []orb.Point) (orb.Ring, bool) {
	if len(line) < 2 {
		return nil, false
	}
	for _, p := range line {
		if geo.Check(p) != nil {
			return nil, false
		}
		b = b.With(geo.NodeAt(p))
	}
	b = b.Grow(100)
	west, south, east, north := b.Min.Point()[0], b.Min.Point()[1], b.Max.Point()[0], b.Max.Point()[1]
	n := len(line)
	begin, ok1 := leave(line[1], line[0], west, south, east, north)
	end, ok2 := leave(line[n-2], line[n-1], west, south, east, north)
	if !ok1 || !ok2 {
		return nil, false
	}
	ring := orb.Ring{begin}
	ring = append(append(ring, line...), end)
	// Against the clock along the edge of the box: the left of the line.
	round := func(p orb.Point) float64 { // 0..4 along the edge from the south-west corner
		switch {
		case p[1] == south:
			return (p[0] - west) / (east - west)
		case p[0] == east:
			return 1 + (p[1]-south)/(north-south)
		case p[1] == north:
			return 2 + (east-p[0])/(east-west)
		}
		return 3 + (north-p[1])/(north-south)
	}
	corners := []orb.Point{{west, south}, {east, south}, {east, north}, {west, north}}
	from, to := round(end), round(begin)
	if to <= from {
		to += 4
	}
	for k := math.Floor(from) + 1; k < to; k++ {
		ring = append(ring, corners[int(k)%4])
	}
	return append(ring, begin), true
}

// leave is where the ray from a through b leaves a box that holds both.
func leave(a, b orb.Point, west, south, east, north float64) (orb.Point, bool) {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := math.Inf(1)
	var out orb.Point
	try := func(s float64, p orb.Point) {
		if s > 0 && s < t {
			t, out = s, p
		}
	}
	if dx > 0 {
		s := (east - b[0]) / dx
		try(s, orb.Point{east, b[1] + s*dy})
	} else if dx < 0 {
		s := (west - b[0]) / dx
		try(s, orb.Point{west, b[1] + s*dy})
	}
	if dy > 0 {
		s := (north - b[1]) / dy
		try(s, orb.Point{b[0] + s*dx, north})
	} else if dy < 0 {
		s := (south - b[1]) / dy
		try(s, orb.Point{b[0] + s*dx, south})
	}
	return out, !math.IsInf(t, 1)
}

// union is the ground of several shapes as one.
func union(shapes ...geo.Shape) (geo.Shape, error) {
	parts, _ := polygons(shapes...)
	plane, err := geo.Subdivide(parts, Reach)
	if err != nil {
		return nil, err
	}
	owner := make([]int, plane.Faces())
	for f := range owner {
		owner[f] = 0
		if len(plane.Cover(f)) == 0 {
			owner[f] = -1
		}
	}
	return plane.Merge(owner, 1)[0], nil
}

// handOver gives the ground of an area, as far as the shapes have it, to one of
// them. A shape that would be left with nothing is nil.
func handOver(shapes []geo.Shape, area geo.Shape, to int) ([]geo.Shape, error) {
	parts, whose := polygons(append(append([]geo.Shape{}, shapes...), area)...)
	plane, err := geo.Subdivide(parts, Reach)
	if err != nil {
		return nil, err
	}
	owner := make([]int, plane.Faces())
	for f := range owner {
		owner[f] = -1
		inside := false
		for _, p := range plane.Cover(f) {
			if whose[p] == len(shapes) {
				inside = true
			} else if owner[f] < 0 || whose[p] == to {
				owner[f] = whose[p]
			}
		}
		if inside && owner[f] >= 0 {
			owner[f] = to
		}
	}
	return plane.Merge(owner, len(shapes)), nil
}

// whole refuses new borders that leave out ground of the grids they come from
// which nobody else has: where it is open to the outside, it would pass for
// ground outside the area.
func (a *acting) whole(old []Grid, parts []orb.MultiPolygon, path string) error {
	var shapes []geo.Shape
	for _, g := range old {
		shapes = append(shapes, g.Shape)
	}
	for i, m := range parts {
		s, err := geo.ShapeOf(m)
		if err != nil {
			at := fmt.Sprintf("%s[%d].geometry", path, i)
			return fault.Of(err).At(at, fault.Of(err).Code)
		}
		shapes = append(shapes, s)
	}
	for _, g := range a.known.open(old[0].Layer, a.tx.Now()) {
		if !slices.ContainsFunc(old, func(o Grid) bool { return o.ID == g.ID || !o.Shape.Box().Meets(g.Shape.Box()) }) {
			shapes = append(shapes, g.Shape)
		}
	}
	all, whose := polygons(shapes...)
	plane, err := geo.Subdivide(all, Reach)
	if err != nil {
		return err
	}
	for f := 1; f < plane.Faces(); f++ {
		from, given := -1, false
		for _, p := range plane.Cover(f) {
			if whose[p] < len(old) {
				from = whose[p]
			} else {
				given = true
			}
		}
		if from < 0 || given {
			continue
		}
		if at, area, wide := measure(plane, f); wide {
			a.flaws = append(a.flaws, flawAt(Gap, at, area, old[from].Code))
		}
	}
	if len(a.flaws) == 0 {
		return nil
	}
	f := a.flaws[0]
	return ErrPartition.With("flaw", f.Kind, "lon", f.Lon, "lat", f.Lat, "square_metres", f.SquareMetres, "codes", f.Codes).At(path, "grid.gap")
}
