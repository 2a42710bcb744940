package geo

import (
	"cmp"
	"math"
	"slices"

	"onegrid/internal/kit/fault"
)

// ErrTangled says that borders lie on each other so densely that putting
// corners onto them does not come to an end.
var ErrTangled = fault.New(fault.Invalid, "geo.tangled")

// Crossing is a place where the rings of one shape cross each other.
type Crossing struct {
	Shape int
	At    Node
}

// maxRounds bounds the noding; two or three rounds are usual.
const maxRounds = 60

// fragment is one straight piece of one shape's border, western end first.
type fragment struct {
	a, b  Node
	shape int32
	old   bool // its piece was compared with every other old piece before
}

// piece is a straight piece of border that every shape in shapes shares.
type piece struct {
	a, b   Node
	shapes []int32
	old    bool
}

// noder brings borders together until no node lies within reach of a piece
// that it does not end, and no two pieces cross.
type noder struct {
	reach     float64
	grid      map[Node][]Node // nodes by square of the lattice, reach wide at least
	square    int32
	fragments []fragment
	pieces    []piece
	crossings map[Crossing]bool
}

// node takes the borders of all shapes apart into pieces that meet at their
// ends only. Corners nearer to each other than reach become one corner; a
// corner within reach of somebody's border is put onto it; borders that cross
// get a common corner there. A piece that a shape has twice is not its border
// and vanishes.
func node(shapes []Shape, reach float64) (*noder, error) {
	n := &noder{
		reach: reach, grid: map[Node][]Node{}, crossings: map[Crossing]bool{},
		square: int32(max(1, math.Ceil(reach/unitMetres))),
	}
	var all []Node
	for _, s := range shapes {
		s.Sides(func(a, _ Node) { all = append(all, a) })
	}
	// The same corners become one whatever the order of the shapes.
	slices.SortFunc(all, compareNodes)
	home := make(map[Node]Node, len(all))
	for _, c := range slices.Compact(all) {
		home[c] = n.settle(c)
	}
	for i, s := range shapes {
		s.Sides(func(a, b Node) { n.add(home[a], home[b], int32(i)) })
	}
	for range maxRounds {
		n.collect()
		if !n.split() {
			return n, nil
		}
	}
	at := n.fragments[0].a.Point()
	for _, f := range n.fragments {
		if !f.old {
			at = f.a.Point()
		}
	}
	return nil, ErrTangled.With("lon", at[0], "lat", at[1])
}

func compareNodes(a, b Node) int {
	return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y))
}

// settle gives the known node within reach of c that is nearest, or makes c
// known.
func (n *noder) settle(c Node) Node {
	best, dist := c, math.Inf(1)
	// Squares are reach high; eastwards a unit is shorter, so look further.
	wide := int32(math.Ceil(1 / max(0.05, math.Cos(float64(c.Y)/Scale*math.Pi/180))))
	q := Node{floorDiv(c.X, n.square), floorDiv(c.Y, n.square)}
	for y := q.Y - 1; y <= q.Y+1; y++ {
		for x := q.X - wide; x <= q.X+wide; x++ {
			for _, k := range n.grid[Node{x, y}] {
				if d := nodeMetres(c, k); d <= n.reach && d < dist {
					best, dist = k, d
				}
			}
		}
	}
	if math.IsInf(dist, 1) {
		n.grid[q] = append(n.grid[q], c)
	}
	return best
}

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (n *noder) add(a, b Node, shape int32) {
	if a == b {
		return
	}
	if b.before(a) {
		a, b = b, a
	}
	n.fragments = append(n.fragments, fragment{a: a, b: b, shape: shape})
}

// collect sorts the fragments into pieces and drops what a shape has twice.
func (n *noder) collect() {
	slices.SortFunc(n.fragments, func(p, q fragment) int {
		return cmp.Or(compareNodes(p.a, q.a), compareNodes(p.b, q.b), cmp.Compare(p.shape, q.shape))
	})
	n.pieces = n.pieces[:0]
	kept := n.fragments[:0]
	for i := 0; i < len(n.fragments); {
		j, from := i, len(kept)
		old := false
		for j < len(n.fragments) && n.fragments[j].a == n.fragments[i].a && n.fragments[j].b == n.fragments[i].b {
			f := n.fragments[j]
			old = old || f.old
			if len(kept) > from && kept[len(kept)-1].shape == f.shape {
				kept = kept[:len(kept)-1]
			} else {
				kept = append(kept, f)
			}
			j++
		}
		i = j
		if len(kept) == from {
			continue
		}
		p := piece{a: kept[from].a, b: kept[from].b, old: old}
		for k := from; k < len(kept); k++ {
			kept[k].old = true
			p.shapes = append(p.shapes, kept[k].shape)
		}
		n.pieces = append(n.pieces, p)
	}
	n.fragments = kept
}

// split looks at every new piece beside all others, cuts what must be cut, and
// says whether anything was.
func (n *noder) split() bool {
	var tree boxTree
	for i, p := range n.pieces {
		tree.add(BoxAt(p.a).With(p.b), int32(i))
	}
	cuts := map[int32][]Node{}
	for i := range n.pieces {
		p := &n.pieces[i]
		if p.old {
			continue
		}
		tree.meeting(BoxAt(p.a).With(p.b).Grow(n.reach), func(j int32) {
			q := &n.pieces[j]
			if int(j) == i || !q.old && int(j) < i {
				return // itself, or a pair already compared
			}
			n.compare(p, q, int32(i), j, cuts)
		})
	}
	if len(cuts) == 0 {
		return false
	}

	n.cut(cuts)
	return true
}

// compare notes where two pieces must be cut: at an end of the other that lies
// within reach, and else where they cross.
func (n *noder) compare(p, q *piece, i, j int32, cuts map[int32][]Node) {
	near := func(c Node, r *piece, k int32) bool {
		if c == r.a || c == r.b {
			return false
		}
		d, along := segmentMetres(c, r.a, r.b)
		if d > n.reach {
			return false
		}
		// Nodes are never within reach of each other, so an end of r that is
		// the nearest point of it means that c lies beyond that end. Both
		// halves must be shorter than the whole, or pieces hardly longer than
		// reach could be bent to and fro for ever; a node that lies exactly on
		// r always passes.
		if along <= 0 || along >= 1 || !shortens(r, c) {
			return false
		}
		cuts[k] = append(cuts[k], c)
		return true
	}
	close := near(q.a, p, i)
	close = near(q.b, p, i) || close
	close = near(p.a, q, j) || close
	close = near(p.b, q, j) || close
	if side(p.a, p.b, q.a)*side(p.a, p.b, q.b) >= 0 || side(q.a, q.b, p.a)*side(q.a, q.b, p.b) >= 0 {
		return
	}
	if close {
		return // cut there first; what then still crosses is new and looked at again
	}
	// Prefer a known node nearby, unless the detour to it would make one of the
	// halves longer than the whole: see near.
	at := meeting(p, q)
	if known := n.settle(at); shortens(p, known) && shortens(q, known) {
		at = known
	}
	for _, s := range p.shapes {
		if slices.Contains(q.shapes, s) {
			n.crossings[Crossing{int(s), at}] = true
		}
	}
	if at != p.a && at != p.b {
		cuts[i] = append(cuts[i], at)
	}
	if at != q.a && at != q.b {
		cuts[j] = append(cuts[j], at)
	}
}

// shortens says whether both ways from c to the ends of p are shorter than p,
// or c is an end.
func shortens(p *piece, c Node) bool {
	whole := length2(p.a, p.b)
	return c == p.a || c == p.b || length2(p.a, c) < whole && length2(c, p.b) < whole
}

// firm drops the cuts that would make a part as long as the whole piece; they
// are found again in the next round if they are still needed.
func firm(p piece, chain []Node) []Node {
	whole := length2(p.a, p.b)
	kept, from := chain[:0], p.a
	for _, c := range chain {
		if c != from && length2(from, c) < whole {
			kept, from = append(kept, c), c
		}
	}
	for len(kept) > 1 && length2(kept[len(kept)-1], p.b) >= whole {
		kept = kept[:len(kept)-1]
	}
	return kept
}

// length2 is the square of a length in lattice units.
func length2(a, b Node) uint64 {
	dx, dy := int64(a.X)-int64(b.X), int64(a.Y)-int64(b.Y)
	return uint64(dx*dx) + uint64(dy*dy)
}

// meeting is the node nearest to where two crossing pieces meet.
func meeting(p, q *piece) Node {
	ox, oy := float64(p.a.X), float64(p.a.Y)
	dx, dy := float64(p.b.X)-ox, float64(p.b.Y)-oy
	ex, ey := float64(q.b.X)-float64(q.a.X), float64(q.b.Y)-float64(q.a.Y)
	fx, fy := float64(q.a.X)-ox, float64(q.a.Y)-oy
	t := (fx*ey - fy*ex) / (dx*ey - dy*ex)
	return Node{int32(math.Round(ox + t*dx)), int32(math.Round(oy + t*dy))}
}

// cut replaces the fragments of the cut pieces by chains through the cuts.
func (n *noder) cut(cuts map[int32][]Node) {
	var out []fragment
	f := 0
	for i, p := range n.pieces {
		chain, isCut := cuts[int32(i)]
		if isCut {
			c := planeAt(p.a)
			bx, by := c.xy(p.b)
			along := func(m Node) float64 {
				x, y := c.xy(m)
				return x*bx + y*by
			}
			slices.SortFunc(chain, func(k, m Node) int {
				return cmp.Or(cmp.Compare(along(k), along(m)), compareNodes(k, m))
			})
			chain = append(firm(p, chain), p.b)
		}
		for range p.shapes {
			if !isCut {
				out = append(out, n.fragments[f])
			} else {
				from := p.a
				for _, to := range chain {
					a, b := from, to
					if b.before(a) {
						a, b = b, a
					}
					if a != b {
						out = append(out, fragment{a: a, b: b, shape: n.fragments[f].shape})
					}
					from = to
				}
			}
			f++
		}
	}
	n.fragments = out
}
