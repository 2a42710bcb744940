package geo

import (
	"container/heap"
	"math"

	"github.com/paulmach/orb"

	"onegrid/internal/kit/fault"
)

// ErrRing says that a ring has fewer than three different corners.
var ErrRing = fault.New(fault.Invalid, "geo.bad_ring")

// Ring is a closed line on the lattice; its last node joins its first and is
// not repeated.
type Ring []Node

// Polygon is an outer ring, then the rings of its holes.
type Polygon []Ring

// Shape is an area: polygons that do not overlap each other. A node belongs to
// it when an odd number of its rings go round that node.
type Shape []Polygon

// ShapeOf puts polygons in degrees onto the lattice. Repeated corners are
// dropped; a ring that has fewer than three left, or a corner that is no
// position, is refused.
func ShapeOf(m orb.MultiPolygon) (Shape, error) {
	s := make(Shape, 0, len(m))
	for _, polygon := range m {
		if len(polygon) == 0 {
			return nil, ErrRing
		}
		p := make(Polygon, 0, len(polygon))
		for _, line := range polygon {
			r := make(Ring, 0, len(line))
			for _, c := range line {
				if err := Check(c); err != nil {
					return nil, err
				}
				if n := NodeAt(c); len(r) == 0 || r[len(r)-1] != n {
					r = append(r, n)
				}
			}
			for len(r) > 1 && r[len(r)-1] == r[0] {
				r = r[:len(r)-1]
			}
			if len(r) < 3 {
				at := orb.Point{}
				if len(line) > 0 {
					at = line[0]
				}
				return nil, ErrRing.With("lon", at[0], "lat", at[1])
			}
			p = append(p, r)
		}
		s = append(s, p)
	}
	if len(s) == 0 {
		return nil, ErrRing
	}
	return s, nil
}

// Orb gives the shape in degrees, rings closed, as the drawing and exchange
// formats want it.
func (s Shape) Orb() orb.MultiPolygon {
	m := make(orb.MultiPolygon, len(s))
	for i, p := range s {
		m[i] = make(orb.Polygon, len(p))
		for j, r := range p {
			line := make(orb.Ring, 0, len(r)+1)
			for _, n := range r {
				line = append(line, n.Point())
			}
			m[i][j] = append(line, line[0])
		}
	}
	return m
}

// Sides calls f with every side of every ring, in the direction of the ring.
func (s Shape) Sides(f func(a, b Node)) {
	for _, p := range s {
		for _, r := range p {
			for i, b := range r {
				f(r[(i+len(r)-1)%len(r)], b)
			}
		}
	}
}

// crosses says whether a line from p to the far east passes the side a-b. The
// side is always looked at from its southern end, so that both neighbours that
// share it compute the same; p on the side itself counts as east of it, and p
// level with a corner as north of it. That is the answer for a point moved a
// little east and far less north, which lies on no side at all: hence exactly
// one of two neighbours has it.
func crosses(a, b, p Node) bool {
	if (a.Y <= p.Y) == (b.Y <= p.Y) {
		return false
	}
	if a.Y > b.Y {
		a, b = b, a
	}
	return side(a, b, p) > 0
}

// Contains says whether n lies in the shape, half open: of shapes that share
// borders, exactly one contains a node on the shared border.
func (s Shape) Contains(n Node) bool {
	in := false
	s.Sides(func(a, b Node) {
		if crosses(a, b, n) {
			in = !in
		}
	})
	return in
}

// Box is the smallest rectangle around the shape.
func (s Shape) Box() Box {
	b := BoxAt(s[0][0][0])
	for _, p := range s {
		for _, n := range p[0] {
			b = b.With(n)
		}
	}
	return b
}

// doubleArea is twice the signed area in square lattice units, positive when
// the ring runs against the clock.
func (r Ring) doubleArea() float64 {
	var sum float64
	o := r[0]
	for i := 1; i+1 < len(r); i++ {
		ax, ay := float64(r[i].X)-float64(o.X), float64(r[i].Y)-float64(o.Y)
		bx, by := float64(r[i+1].X)-float64(o.X), float64(r[i+1].Y)-float64(o.Y)
		sum += ax*by - bx*ay
	}
	return sum
}

// againstClock says exactly whether a ring without self-crossings runs against
// the clock: it turns left at its westernmost corner.
func (r Ring) againstClock() bool {
	k := 0
	for i, n := range r {
		if n.before(r[k]) {
			k = i
		}
	}
	return side(r[(k+len(r)-1)%len(r)], r[k], r[(k+1)%len(r)]) > 0
}

// squareMetres is the area of a ring, good to some parts in ten thousand for
// areas up to a county.
func (r Ring) squareMetres() float64 {
	lo, hi := r[0].Y, r[0].Y
	for _, n := range r {
		lo, hi = min(lo, n.Y), max(hi, n.Y)
	}
	middle := (float64(lo) + float64(hi)) / 2 / Scale * math.Pi / 180
	return math.Abs(r.doubleArea()) / 2 * unitMetres * unitMetres * math.Cos(middle)
}

// SquareMetres is the area of the shape, holes left out.
func (s Shape) SquareMetres() float64 {
	var sum float64
	for _, p := range s {
		for i, r := range p {
			if i == 0 {
				sum += r.squareMetres()
			} else {
				sum -= r.squareMetres()
			}
		}
	}
	return sum
}

// ToBorder is the flat distance from n to the nearest side of the shape.
func (s Shape) ToBorder(n Node) float64 {
	best := math.Inf(1)
	s.Sides(func(a, b Node) {
		if d, _ := segmentMetres(n, a, b); d < best {
			best = d
		}
	})
	return best
}

// Label is a node well inside the shape, where its name can be written: about
// the one that is farthest from every side, in its largest polygon. It always
// lies in the shape.
func (s Shape) Label() Node {
	largest := s[:1]
	for i := range s {
		if s[i:i+1].SquareMetres() > largest.SquareMetres() {
			largest = s[i : i+1]
		}
	}
	return largest.deepest()
}

// spot is a square that may hold the deepest point of a shape.
type spot struct {
	at    Node
	half  float64 // half its side, in lattice units
	depth float64 // metres from at to the border, negative outside
	most  float64 // no point of the square is deeper
}

type spots []spot

func (s spots) Len() int           { return len(s) }
func (s spots) Less(i, j int) bool { return s[i].most > s[j].most }
func (s spots) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *spots) Push(x any)        { *s = append(*s, x.(spot)) }
func (s *spots) Pop() any {
	old := *s
	x := old[len(old)-1]
	*s = old[:len(old)-1]
	return x
}

// deepest searches by quartering squares, best hope first, and stops when no
// square can be deeper by more than a hundredth part, or after enough rounds
// for a label.
func (s Shape) deepest() Node {
	look := func(x, y, half float64) spot {
		sp := spot{at: Node{int32(math.Round(x)), int32(math.Round(y))}, half: half}
		sp.depth = s.ToBorder(sp.at)
		if !s.Contains(sp.at) {
			sp.depth = -sp.depth
		}
		sp.most = sp.depth + (half+1)*unitMetres*math.Sqrt2
		return sp
	}
	b := s.Box()
	w, h := float64(b.Max.X)-float64(b.Min.X), float64(b.Max.Y)-float64(b.Min.Y)
	best := look(float64(b.Min.X)+w/2, float64(b.Min.Y)+h/2, max(w, h)/2)
	queue := &spots{best}
	for range 2000 {
		if queue.Len() == 0 {
			break
		}
		sp := heap.Pop(queue).(spot)
		if sp.depth > best.depth {
			best = sp
		}
		if best.depth > 0 && sp.most < best.depth*1.01 || sp.half < 1 {
			continue
		}
		for _, dx := range []float64{-0.5, 0.5} {
			for _, dy := range []float64{-0.5, 0.5} {
				n := look(float64(sp.at.X)+dx*sp.half, float64(sp.at.Y)+dy*sp.half, sp.half/2)
				if n.most > best.depth {
					heap.Push(queue, n)
				}
			}
		}
	}
	if best.depth <= 0 && !s.Contains(best.at) {
		return s.firstInside()
	}
	return best.at
}

// firstInside finds a node that the shape contains near one of its corners; a
// shape so thin that no node lies inside gives a corner.
func (s Shape) firstInside() Node {
	for _, p := range s {
		for _, n := range p[0] {
			for _, d := range []Node{{0, 0}, {1, 0}, {0, -1}, {-1, 0}, {0, 1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}} {
				if m := (Node{n.X + d.X, n.Y + d.Y}); s.Contains(m) {
					return m
				}
			}
		}
	}
	return s[0][0][0]
}

// StrayHole finds a hole that lies outside its polygon's outer ring, and one of
// its corners.
func (p Polygon) StrayHole() (Node, bool) {
	outer := Shape{{p[0]}}
	for _, hole := range p[1:] {
		stray := true
		for _, n := range hole {
			if outer.Contains(n) || p[0].passes(n) {
				stray = false
				break
			}
		}
		if stray {
			return hole[0], true
		}
	}
	return Node{}, false
}

// Pack writes the shape as numbers only, for storage: polygons of rings of
// coordinates in lattice units, longitude and latitude in turn.
func (s Shape) Pack() [][][]int32 {
	out := make([][][]int32, len(s))
	for i, p := range s {
		for _, r := range p {
			flat := make([]int32, 0, 2*len(r))
			for _, n := range r {
				flat = append(flat, n.X, n.Y)
			}
			out[i] = append(out[i], flat)
		}
	}
	return out
}

// Unpack reads what Pack wrote, and refuses what it cannot have written.
func Unpack(in [][][]int32) (Shape, error) {
	var s Shape
	for _, polygon := range in {
		var p Polygon
		for _, flat := range polygon {
			if len(flat) < 6 || len(flat)%2 != 0 {
				return nil, ErrRing
			}
			r := make(Ring, 0, len(flat)/2)
			for i := 0; i < len(flat); i += 2 {
				r = append(r, Node{flat[i], flat[i+1]})
			}
			p = append(p, r)
		}
		if len(p) == 0 {
			return nil, ErrRing
		}
		s = append(s, p)
	}
	if len(s) == 0 {
		return nil, ErrRing
	}
	return s, nil
}

// Same says whether two shapes have the same sides, whatever the order of
// their rings and where each begins.
func (s Shape) Same(o Shape) bool {
	type span struct{ a, b Node }
	sides := map[span]int{}
	count := func(t Shape, by int) {
		t.Sides(func(a, b Node) {
			if b.before(a) {
				a, b = b, a
			}
			sides[span{a, b}] += by
		})
	}
	count(s, 1)
	count(o, -1)
	for _, n := range sides {
		if n != 0 {
			return false
		}
	}
	return true
}
