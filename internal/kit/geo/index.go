package geo

import (
	"cmp"
	"math"
	"slices"
)

// cellsPerShape is how finely the raster is cut: between a quarter of this and
// this many cells for each shape. notes/geo.md section 1 measured 16 and 64.
const cellsPerShape = 64

// maxCells bounds the raster whatever its extent: 64 MiB.
const maxCells = 1 << 24

// Index answers in which of many shapes a node lies. It is a raster of cells:
// a cell wholly inside one shape is the answer, a cell on a border names the
// shapes to ask. An Index never changes and may be used by many at once.
type Index struct {
	box    Box
	shift  uint // a cell is 2^shift lattice units wide and high
	nx, ny int
	cells  []int32 // outside, or a shape, or firstList-k: lists[k] is a length, then entries
	lists  []int32 // entry: shape<<1, +1 when the cell lies wholly inside it
	start  []int32 // sides of shape i: sides[start[i]:start[i+1]]
	sides  []span
}

// span is one side, southern end first.
type span struct{ lo, hi Node }

const (
	outside   = int32(-1)
	firstList = int32(-2)
)

// NewIndex builds the index. Shapes are named by their place in the slice;
// where shapes overlap, the first one wins, and an empty one is never found.
func NewIndex(shapes []Shape) *Index {
	x := &Index{start: make([]int32, 1, len(shapes)+1)}
	boxes := make([]Box, len(shapes))
	first := true
	for i, s := range shapes {
		if len(s) > 0 {
			boxes[i] = s.Box()
			if first {
				x.box, first = boxes[i], false
			}
			x.box = x.box.Join(boxes[i])
		}
		s.Sides(func(a, b Node) {
			if b.Y < a.Y {
				a, b = b, a
			}
			x.sides = append(x.sides, span{a, b})
		})
		x.start = append(x.start, int32(len(x.sides)))
	}
	if first {
		return x
	}
	most := min(maxCells, cellsPerShape*len(shapes))
	w, h := int64(x.box.Max.X)-int64(x.box.Min.X)+1, int64(x.box.Max.Y)-int64(x.box.Min.Y)+1
	for ((w>>x.shift)+1)*((h>>x.shift)+1) > int64(most) {
		x.shift++
	}
	x.nx, x.ny = int(w>>x.shift)+1, int(h>>x.shift)+1
	x.fill(boxes)
	return x
}

// mark is one shape's hold on one cell.
type mark struct {
	cell  int32
	entry int32
}

// fill finds for each shape the cells that its sides touch and those that lie
// wholly inside it.
func (x *Index) fill(boxes []Box) {
	var marks []mark
	touched := make([]int32, x.nx*x.ny) // last shape, +1, whose side touches the cell
	for i := range boxes {
		if x.start[i] == x.start[i+1] {
			continue
		}
		for _, s := range x.sides[x.start[i]:x.start[i+1]] {
			x.touch(s, func(c int) {
				if touched[c] != int32(i)+1 {
					touched[c] = int32(i) + 1
					marks = append(marks, mark{int32(c), int32(i) << 1})
				}
			})
		}
		c0, r0 := x.cellOf(boxes[i].Min)
		c1, r1 := x.cellOf(boxes[i].Max)
		for r := r0; r <= r1; r++ {
			known, in := false, false // what holds since the last touched cell
			for c := c0; c <= c1; c++ {
				k := r*x.nx + c
				if touched[k] == int32(i)+1 {
					known = false
					continue
				}
				if !known {
					corner := Node{
						int32(int64(x.box.Min.X) + int64(c)<<x.shift),
						int32(int64(x.box.Min.Y) + int64(r)<<x.shift),
					}
					known, in = true, x.within(i, corner)
				}
				if in {
					marks = append(marks, mark{int32(k), int32(i)<<1 | 1})
				}
			}
		}
	}
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.entry, b.entry))
	})
	x.cells = touched
	for i := range x.cells {
		x.cells[i] = outside
	}
	for i := 0; i < len(marks); {
		j := i
		for j < len(marks) && marks[j].cell == marks[i].cell {
			j++
		}
		if j == i+1 && marks[i].entry&1 == 1 {
			x.cells[marks[i].cell] = marks[i].entry >> 1
		} else {
			x.cells[marks[i].cell] = firstList - int32(len(x.lists))
			x.lists = append(x.lists, int32(j-i))
			for _, m := range marks[i:j] {
				x.lists = append(x.lists, m.entry)
			}
		}
		i = j
	}
}

// cellOf gives column and row of a node within the box.
func (x *Index) cellOf(n Node) (c, r int) {
	return int((int64(n.X) - int64(x.box.Min.X)) >> x.shift), int((int64(n.Y) - int64(x.box.Min.Y)) >> x.shift)
}

// touch names every cell that a side passes, and at most some more beside it:
// the margin of one unit is far above the error of the division.
func (x *Index) touch(s span, f func(cell int)) {
	_, r0 := x.cellOf(s.lo)
	_, r1 := x.cellOf(s.hi)
	lx, ly := float64(s.lo.X), float64(s.lo.Y)
	dx, dy := float64(s.hi.X)-lx, float64(s.hi.Y)-ly
	for r := r0; r <= r1; r++ {
		from, to := lx, lx+dx
		if dy > 0 {
			bottom := float64(x.box.Min.Y) + float64(int64(r)<<x.shift)
			top := bottom + float64(int64(1)<<x.shift)
			from = lx + dx*max(0, min(1, (bottom-1-ly)/dy))
			to = lx + dx*max(0, min(1, (top+1-ly)/dy))
		}
		if from > to {
			from, to = to, from
		}
		c0 := max(0, int(math.Floor(from-1-float64(x.box.Min.X)))>>x.shift)
		c1 := min(x.nx-1, int(math.Ceil(to+1-float64(x.box.Min.X)))>>x.shift)
		for c := c0; c <= c1; c++ {
			f(r*x.nx + c)
		}
	}
}

// within is Shape.Contains on the flat copy of the sides.
func (x *Index) within(i int, p Node) bool {
	in := false
	for _, s := range x.sides[x.start[i]:x.start[i+1]] {
		if s.lo.Y <= p.Y && p.Y < s.hi.Y && side(s.lo, s.hi, p) > 0 {
			in = !in
		}
	}
	return in
}

// Find gives the shape that contains n, or -1.
func (x *Index) Find(n Node) int {
	if len(x.cells) == 0 || !x.box.Contains(n) {
		return -1
	}
	c, r := x.cellOf(n)
	v := x.cells[r*x.nx+c]
	if v >= outside {
		return int(v)
	}
	k := firstList - v
	for _, e := range x.lists[k+1 : k+1+x.lists[k]] {
		if e&1 == 1 || x.within(int(e>>1), n) {
			return int(e >> 1)
		}
	}
	return -1
}

// Near gives the shape whose border is nearest to n and at most reach metres
// away, among those that accept lets through (nil: all), or -1. Of several
// equally near the first wins. It is meant for reaches of centimetres.
func (x *Index) Near(n Node, reach float64, accept func(shape int) bool) int {
	if len(x.cells) == 0 {
		return -1
	}
	around := BoxAt(n).Grow(reach)
	if !around.Meets(x.box) {
		return -1
	}
	clamp := func(m Node) Node {
		return Node{min(max(m.X, x.box.Min.X), x.box.Max.X), min(max(m.Y, x.box.Min.Y), x.box.Max.Y)}
	}
	c0, r0 := x.cellOf(clamp(around.Min))
	c1, r1 := x.cellOf(clamp(around.Max))
	best, found := math.Inf(1), -1
	look := func(i int) {
		if i == found || accept != nil && !accept(i) {
			return
		}
		for _, s := range x.sides[x.start[i]:x.start[i+1]] {
			if d, _ := segmentMetres(n, s.lo, s.hi); d <= reach && (d < best || d == best && i < found) {
				best, found = d, i
			}
		}
	}
	for r := r0; r <= r1; r++ {
		for c := c0; c <= c1; c++ {
			v := x.cells[r*x.nx+c]
			if v >= 0 {
				look(int(v))
			}
			if v > firstList {
				continue
			}
			k := firstList - v
			for _, e := range x.lists[k+1 : k+1+x.lists[k]] {
				look(int(e >> 1))
			}
		}
	}
	return found
}

// Len is the number of shapes.
func (x *Index) Len() int { return len(x.start) - 1 }
