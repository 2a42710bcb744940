// Package geo is plane and earth geometry without a word of government:
// positions and their datum, polygons on a lattice of seven decimals, the test
// whether a point lies in a polygon, the index that finds the polygon, planar
// subdivisions (who shares which border, where is a gap) and GeoJSON.
//
// Promises callers rely on:
//   - Geometry is computed on whole numbers of 1e-7 degree (about 1.1 cm), so
//     that every test of sides is exact and two neighbours that share an edge
//     always agree about a point beside it. No epsilon is hidden anywhere.
//   - Contains is half open: of two areas that share an edge or a vertex,
//     exactly one has a point lying on it.
//   - Everything here is WGS84 (CGCS2000 differs by centimetres at most);
//     other datums are converted at the edges of the program (Datum).
//
// It owns no tables, reads no clock and keeps nothing between two calls.
package geo

import (
	"math"

	"github.com/paulmach/orb"

	"onegrid/internal/kit/fault"
)

var (
	// ErrPosition says that a longitude or latitude is no number or lies
	// outside -180…180, -90…90.
	ErrPosition = fault.New(fault.Invalid, "geo.bad_position")
	// ErrDatum says that a datum is missing or unknown.
	ErrDatum = fault.New(fault.Invalid, "geo.unknown_datum")
)

// Scale is the number of lattice units in one degree.
const Scale = 1e7

// earthRadius is the mean radius in metres (IUGG R1).
const earthRadius = 6371008.8

// unitMetres is the length of one lattice unit along a meridian.
const unitMetres = earthRadius * math.Pi / 180 / Scale

// Check refuses what cannot be a position on the earth: longitude first, then
// latitude, in degrees.
func Check(p orb.Point) error {
	// Written so that NaN fails too.
	if !(p[0] >= -180 && p[0] <= 180) || !(p[1] >= -90 && p[1] <= 90) {
		return ErrPosition.With("lon", p[0], "lat", p[1])
	}
	return nil
}

// Round gives the position with seven decimals, the precision that is kept.
// The position must have passed Check.
func Round(p orb.Point) orb.Point { return NodeAt(p).Point() }

// NodeAt gives the nearest point of the lattice. The position must have passed
// Check.
func NodeAt(p orb.Point) Node {
	return Node{int32(math.Round(p[0] * Scale)), int32(math.Round(p[1] * Scale))}
}

// Node is a point of the lattice: longitude and latitude in 1e-7 degree. 180
// degrees fit an int32, and the product of two differences fits an int64.
type Node struct{ X, Y int32 }

// Point gives the position in degrees.
func (n Node) Point() orb.Point { return orb.Point{float64(n.X) / Scale, float64(n.Y) / Scale} }

// before orders nodes from west to east, then from south to north.
func (n Node) before(m Node) bool { return n.X < m.X || n.X == m.X && n.Y < m.Y }

// side says on which side of the line from a to b the node p lies: 1 left,
// -1 right, 0 exactly on it. Differences are below 2^32 in X and 2^31 in Y, so
// each product fits an int64; they are compared, never subtracted.
func side(a, b, p Node) int {
	l := (int64(b.X) - int64(a.X)) * (int64(p.Y) - int64(a.Y))
	r := (int64(b.Y) - int64(a.Y)) * (int64(p.X) - int64(a.X))
	switch {
	case l > r:
		return 1
	case l < r:
		return -1
	}
	return 0
}

// Metres is the distance between two positions along the surface of the earth.
func Metres(a, b orb.Point) float64 {
	la, lb := a[1]*math.Pi/180, b[1]*math.Pi/180
	s := math.Sin((lb - la) / 2)
	t := math.Sin((b[0] - a[0]) * math.Pi / 360)
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, s*s+math.Cos(la)*math.Cos(lb)*t*t)))
}

// plane is a flat chart in metres around a node, good to a few millionths
// within some kilometres: enough for tolerances and widths.
type plane struct {
	o      Node
	mx, my float64 // metres per lattice unit, eastwards and northwards
}

func planeAt(o Node) plane {
	return plane{o, unitMetres * math.Cos(float64(o.Y)/Scale*math.Pi/180), unitMetres}
}

func (c plane) xy(n Node) (x, y float64) {
	return (float64(n.X) - float64(c.o.X)) * c.mx, (float64(n.Y) - float64(c.o.Y)) * c.my
}

// nodeMetres is the flat distance of two nodes that are near each other.
func nodeMetres(a, b Node) float64 {
	x, y := planeAt(a).xy(b)
	return math.Hypot(x, y)
}

// segmentMetres gives the flat distance from p to the segment a-b, and where
// along it (0 at a, 1 at b) the nearest point lies. Both neighbours of a border
// get the same distance, bit for bit.
func segmentMetres(p, a, b Node) (dist, along float64) {
	if b.before(a) {
		dist, along = segmentMetres(p, b, a)
		return dist, 1 - along
	}
	c := planeAt(p)
	ax, ay := c.xy(a)
	bx, by := c.xy(b)
	dx, dy := bx-ax, by-ay
	if d2 := dx*dx + dy*dy; d2 > 0 {
		along = max(0, min(1, -(ax*dx+ay*dy)/d2))
	}
	return math.Hypot(ax+along*dx, ay+along*dy), along
}

// Box is a rectangle of the lattice, its borders included.
type Box struct{ Min, Max Node }

// BoxAt is the rectangle that holds nothing but n.
func BoxAt(n Node) Box { return Box{n, n} }

// With gives the smallest rectangle that also holds n.
func (b Box) With(n Node) Box {
	return Box{
		Node{min(b.Min.X, n.X), min(b.Min.Y, n.Y)},
		Node{max(b.Max.X, n.X), max(b.Max.Y, n.Y)},
	}
}

// Join gives the smallest rectangle that holds both.
func (b Box) Join(c Box) Box { return b.With(c.Min).With(c.Max) }

// Contains says whether n lies in the rectangle or on its border.
func (b Box) Contains(n Node) bool {
	return n.X >= b.Min.X && n.X <= b.Max.X && n.Y >= b.Min.Y && n.Y <= b.Max.Y
}

// Meets says whether the two rectangles share at least a point; one that runs
// from east to west holds none.
func (b Box) Meets(c Box) bool {
	return b.Min.X <= c.Max.X && c.Min.X <= b.Max.X && b.Min.Y <= c.Max.Y && c.Min.Y <= b.Max.Y &&
		b.Min.X <= b.Max.X && c.Min.X <= c.Max.X
}

// Grow gives the rectangle made larger by at least the given metres on every
// side.
func (b Box) Grow(metres float64) Box {
	far := max(math.Abs(float64(b.Min.Y)), math.Abs(float64(b.Max.Y)))
	scale := max(0.01, math.Cos(min(89.4, far/Scale)*math.Pi/180))
	dy := math.Ceil(metres / unitMetres)
	dx := math.Ceil(metres / unitMetres / scale)
	const limX, limY = 180 * Scale, 90 * Scale
	return Box{
		Node{int32(max(-limX, float64(b.Min.X)-dx)), int32(max(-limY, float64(b.Min.Y)-dy))},
		Node{int32(min(limX, float64(b.Max.X)+dx)), int32(min(limY, float64(b.Max.Y)+dy))},
	}
}
