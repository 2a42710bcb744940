package geo

import (
	"math"
)

// Edge is a directed piece of border.
type Edge struct{ A, B Node }

// Facing is how two edges look at each other across the ground on the left of
// both.
type Facing struct {
	Length float64 // metres along which they face each other
	Width  float64 // metres between them, in the middle of that stretch
	Middle Node    // half way between them there
}

// facingAngle is how far two edges may be from parallel and still face each
// other: 30 degrees.
var facingAngle = math.Cos(30 * math.Pi / 180)

// Face says whether and how f faces e: it runs the other way, lies on e's left,
// and is at most width metres away.
func (e Edge) Face(f Edge, width float64) (Facing, bool) {
	c := planeAt(e.A)
	ux, uy := c.xy(e.B)
	length := math.Hypot(ux, uy)
	if length == 0 {
		return Facing{}, false
	}
	ux, uy = ux/length, uy/length
	ax, ay := c.xy(f.A)
	bx, by := c.xy(f.B)
	vx, vy := bx-ax, by-ay
	if other := math.Hypot(vx, vy); other == 0 || -(ux*vx+uy*vy) < other*facingAngle {
		return Facing{}, false
	}
	// Along e (t) and away from it to the left (d), for both ends of f.
	ta, tb := ax*ux+ay*uy, bx*ux+by*uy
	da, db := ay*ux-ax*uy, by*ux-bx*uy
	from, to := max(0, tb), min(length, ta)
	if to <= from {
		return Facing{}, false
	}
	t := (from + to) / 2
	d := da + (db-da)*(t-ta)/(tb-ta)
	if d <= 0 || d > width {
		return Facing{}, false
	}
	x, y := t*ux-d/2*uy, t*uy+d/2*ux
	return Facing{
		Length: to - from, Width: d,
		Middle: Node{
			int32(math.Round(float64(e.A.X) + x/c.mx)),
			int32(math.Round(float64(e.A.Y) + y/c.my)),
		},
	}, true
}

// Edges finds edges near another.
type Edges struct {
	tree boxTree
	all  []Edge
}

// Add keeps an edge under the next number, beginning with 0.
func (s *Edges) Add(e Edge) {
	s.tree.add(BoxAt(e.A).With(e.B), int32(len(s.all)))
	s.all = append(s.all, e)
}

// Facing calls f with every kept edge that faces e within width metres.
func (s *Edges) Facing(e Edge, width float64, f func(number int, how Facing)) {
	s.tree.meeting(BoxAt(e.A).With(e.B).Grow(width), func(i int32) {
		if how, ok := e.Face(s.all[i], width); ok {
			f(int(i), how)
		}
	})
}
