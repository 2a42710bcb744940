package geo

import (
	"cmp"
	"math"
	"slices"
)

// Subdivision is the plane cut up by the borders of many shapes: its faces are
// the pieces of ground between borders, and each face knows which shapes cover
// it. Face 0 is the ground around everything. Its borders are noded: pieces of
// border meet at their ends only, so neighbours share theirs bit for bit.
type Subdivision struct {
	// Crossings are places where rings of one shape cross each other.
	Crossings []Crossing

	nodes  []Node
	pieces []piece
	// Half-edges: 2i runs along piece i from its western end, 2i+1 back.
	from  []int32   // node a half-edge starts at
	next  []int32   // next half-edge round the face on its left
	face  []int32   // face on its left
	fan   [][]int32 // half-edges that start at a node, against the clock
	place []int32   // place of a half-edge in its fan
	rims  [][]int32 // per face, one half-edge of each closed walk round it
	cover [][]int32 // per face, the shapes that cover it, ascending
}

// Subdivide cuts the plane by the borders of the shapes. Borders within reach
// (metres on the ground) of each other become one. ErrTangled is all it
// refuses.
func Subdivide(shapes []Shape, reach float64) (*Subdivision, error) {
	n, err := node(shapes, reach)
	if err != nil {
		return nil, err
	}
	s := &Subdivision{pieces: n.pieces}
	for c := range n.crossings {
		s.Crossings = append(s.Crossings, c)
	}
	slices.SortFunc(s.Crossings, func(a, b Crossing) int {
		return cmp.Or(cmp.Compare(a.Shape, b.Shape), compareNodes(a.At, b.At))
	})
	s.link()
	s.walk()
	s.spread()
	return s, nil
}

// link sorts the half-edges round each node and joins each to the next one
// round the face on its left.
func (s *Subdivision) link() {
	for _, p := range s.pieces {
		s.nodes = append(s.nodes, p.a, p.b)
	}
	slices.SortFunc(s.nodes, compareNodes)
	s.nodes = slices.Compact(s.nodes)
	number := func(n Node) int32 {
		i, _ := slices.BinarySearchFunc(s.nodes, n, compareNodes)
		return int32(i)
	}
	s.from = make([]int32, 2*len(s.pieces))
	s.fan = make([][]int32, len(s.nodes))
	for i, p := range s.pieces {
		a, b := number(p.a), number(p.b)
		s.from[2*i], s.from[2*i+1] = a, b
		s.fan[a] = append(s.fan[a], int32(2*i))
		s.fan[b] = append(s.fan[b], int32(2*i+1))
	}
	s.place = make([]int32, len(s.from))
	for v, fan := range s.fan {
		o := s.nodes[v]
		slices.SortFunc(fan, func(h, k int32) int { return turn(o, s.end(h), s.end(k)) })
		for i, h := range fan {
			s.place[h] = int32(i)
		}
	}
	s.next = make([]int32, len(s.from))
	for h := range s.from {
		s.next[h] = s.clockwise(int32(h) ^ 1)
	}
}

// end is the node a half-edge leads to.
func (s *Subdivision) end(h int32) Node { return s.nodes[s.from[h^1]] }

// begin is the node a half-edge starts at.
func (s *Subdivision) begin(h int32) Node { return s.nodes[s.from[h]] }

// clockwise is the half-edge that follows h with the clock round its start.
func (s *Subdivision) clockwise(h int32) int32 {
	fan := s.fan[s.from[h]]
	return fan[(int(s.place[h])+len(fan)-1)%len(fan)]
}

// turn orders the directions from o to a and to b against the clock, beginning
// in the east; it is exact.
func turn(o, a, b Node) int {
	lower := func(n Node) int {
		if n.Y > o.Y || n.Y == o.Y && n.X > o.X {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(lower(a), lower(b)), -side(o, a, b))
}

// walk finds the closed walks round the faces. A walk against the clock goes
// round a face from within; one with the clock goes round a group of connected
// borders from without, and belongs to the face that the group lies in.
func (s *Subdivision) walk() {
	s.face = make([]int32, len(s.from))
	for h := range s.face {
		s.face[h] = -1
	}
	s.rims = [][]int32{nil}
	type group struct{ start, west int32 } // a walk from without, its westernmost half-edge
	var groups []group
	const pending = int32(-2)
	for h := range s.from {
		if s.face[h] != -1 {
			continue
		}
		start := int32(h)
		west := start
		s.around(start, func(k int32) {
			s.face[k] = pending
			if s.begin(k).before(s.begin(west)) {
				west = k
			}
		})
		// At its westernmost node a walk from without has a corner that does
		// not turn left: the one that looks west.
		inner := true
		s.around(start, func(k int32) {
			if n := s.next[k]; s.from[n] == s.from[west] && side(s.begin(k), s.begin(n), s.end(n)) <= 0 {
				inner = false
			}
		})
		if !inner {
			groups = append(groups, group{start, west})
			continue
		}
		f := int32(len(s.rims))
		s.rims = append(s.rims, []int32{start})
		s.around(start, func(k int32) { s.face[k] = f })
	}
	var tree boxTree
	for i, p := range s.pieces {
		tree.add(BoxAt(p.a).With(p.b), int32(i))
	}
	// From west to east, so that the group below is settled before this one.
	slices.SortFunc(groups, func(a, b group) int { return compareNodes(s.begin(a.west), s.begin(b.west)) })
	for _, g := range groups {
		f := int32(0)
		if below := s.below(&tree, s.begin(g.west)); below >= 0 {
			f = s.face[2*below]
		}
		s.rims[f] = append(s.rims[f], g.start)
		s.around(g.start, func(k int32) { s.face[k] = f })
	}
}

// around calls f with every half-edge of a closed walk.
func (s *Subdivision) around(start int32, f func(h int32)) {
	h := start
	for {
		f(h)
		if h = s.next[h]; h == start {
			return
		}
	}
}

// below is the piece straight south of n and nearest to it, or -1. A piece is
// over the longitude of its western end, not over that of its eastern end.
func (s *Subdivision) below(tree *boxTree, n Node) int32 {
	best := int32(-1)
	tree.meeting(Box{Node{n.X, math.MinInt32}, n}, func(i int32) {
		p := s.pieces[i]
		if p.a.X > n.X || p.b.X <= n.X || side(p.a, p.b, n) <= 0 {
			return
		}
		if best < 0 || s.above(p, s.pieces[best]) {
			best = i
		}
	})
	return best
}

// above says whether p runs north of q where both pass one longitude.
func (s *Subdivision) above(p, q piece) bool {
	if p.a.before(q.a) {
		return !s.above(q, p)
	}
	if d := side(q.a, q.b, p.a); d != 0 {
		return d > 0
	}
	return side(q.a, q.b, p.b) > 0
}

// spread finds what covers each face, going from the open ground across one
// border after the other: a border changes exactly the shapes that own it.
func (s *Subdivision) spread() {
	s.cover = make([][]int32, len(s.rims))
	seen := make([]bool, len(s.rims))
	seen[0] = true
	queue := []int32{0}
	for len(queue) > 0 {
		f := queue[0]
		queue = queue[1:]
		for _, rim := range s.rims[f] {
			s.around(rim, func(h int32) {
				if g := s.face[h^1]; !seen[g] {
					seen[g] = true
					s.cover[g] = toggle(s.cover[f], s.pieces[h/2].shapes)
					queue = append(queue, g)
				}
			})
		}
	}
}

// toggle gives what is in one of two ascending lists but not in both.
func toggle(a, b []int32) []int32 {
	var out []int32
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Faces is the number of faces, the open ground (face 0) included.
func (s *Subdivision) Faces() int { return len(s.rims) }

// Cover names the shapes that cover a face, ascending.
func (s *Subdivision) Cover(face int) []int32 { return s.cover[face] }

// Borders calls f with every piece of border: its ends, and the faces on its
// left and right when one goes from a to b.
func (s *Subdivision) Borders(f func(a, b Node, left, right int)) {
	for i, p := range s.pieces {
		f(p.a, p.b, int(s.face[2*i]), int(s.face[2*i+1]))
	}
}

// Rim calls f with every piece of border round a face and the face across it;
// the face lies on the left. outer says that the piece belongs to the walk
// that encloses the face, not to an island within it.
func (s *Subdivision) Rim(face int, f func(a, b Node, across int, outer bool)) {
	for i, rim := range s.rims[face] {
		s.around(rim, func(h int32) {
			f(s.begin(h), s.end(h), int(s.face[h^1]), i == 0 && face != 0)
		})
	}
}

// FaceShape is the ground of one face; face 0 has none.
func (s *Subdivision) FaceShape(face int) Shape {
	if face == 0 {
		return nil
	}
	var rings []Ring
	for _, rim := range s.rims[face] {
		var line []Node
		s.around(rim, func(h int32) { line = append(line, s.begin(h)) })
		rings = append(rings, loops(line)...)
	}
	return assemble(rings)
}

// Merge joins the faces of each owner: owner[f] names who has face f, or is
// negative. The result has one shape for each of n owners, its borders noded;
// an owner without a face has a nil shape.
func (s *Subdivision) Merge(owner []int, n int) []Shape {
	rings := make([][]Ring, n)
	isBorder := func(h int32) bool {
		g := owner[s.face[h]]
		return g >= 0 && owner[s.face[h^1]] != g
	}
	done := make([]bool, len(s.from))
	for i := range s.from {
		start := int32(i)
		if done[start] || !isBorder(start) {
			continue
		}
		var line []Node
		for h := start; ; {
			done[h] = true
			line = append(line, s.begin(h))
			// Round the end with the clock, through this owner's ground, to
			// the next border: so rings touch themselves and never cross.
			h = s.next[h]
			for !isBorder(h) {
				h = s.clockwise(h)
			}
			if h == start {
				break
			}
		}
		g := owner[s.face[start]]
		rings[g] = append(rings[g], loops(line)...)
	}
	shapes := make([]Shape, n)
	for g := range rings {
		shapes[g] = assemble(rings[g])
	}
	return shapes
}

// loops cuts a closed line that comes back to nodes into rings that do not.
func loops(line []Node) []Ring {
	var rings []Ring
	var path []Node
	at := make(map[Node]int, len(line))
	for _, n := range line {
		if i, back := at[n]; back {
			rings = append(rings, slices.Clone(path[i:]))
			for _, m := range path[i+1:] {
				delete(at, m)
			}
			path = path[:i+1]
			continue
		}
		at[n] = len(path)
		path = append(path, n)
	}
	return append(rings, path)
}

// assemble puts holes (rings with the clock) into the smallest outer ring that
// goes round them.
func assemble(rings []Ring) Shape {
	var s Shape
	var holes []Ring
	for _, r := range rings {
		if len(r) < 3 {
			continue
		}
		if r.againstClock() {
			s = append(s, Polygon{r})
		} else {
			holes = append(holes, r)
		}
	}
	slices.SortStableFunc(s, func(a, b Polygon) int { return cmp.Compare(a[0].doubleArea(), b[0].doubleArea()) })
	for _, hole := range holes {
		for i := range s {
			if s[i][0].goesRound(hole) {
				s[i] = append(s[i], hole)
				break
			}
		}
	}
	return s
}

// goesRound says whether every corner of the inner ring lies in the ring or on
// its border.
func (r Ring) goesRound(inner Ring) bool {
	outer := Shape{{r}}
	box := outer.Box()
	for _, n := range inner {
		if !box.Contains(n) || !outer.Contains(n) && !r.passes(n) {
			return false
		}
	}
	return true
}

// passes says whether n lies exactly on a side of the ring.
func (r Ring) passes(n Node) bool {
	for i, b := range r {
		a := r[(i+len(r)-1)%len(r)]
		if side(a, b, n) == 0 && BoxAt(a).With(b).Contains(n) {
			return true
		}
	}
	return false
}
