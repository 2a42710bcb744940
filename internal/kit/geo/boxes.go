package geo

import "github.com/tidwall/rtree"

// boxTree finds numbered rectangles that meet another one. The tree works in
// float64, which holds every lattice unit: areas of int32 would overflow in it
// and make it slow.
type boxTree struct{ tree rtree.RTreeG[int32] }

func corner64(n Node) [2]float64 { return [2]float64{float64(n.X), float64(n.Y)} }

func (t *boxTree) add(b Box, number int32) {
	t.tree.Insert(corner64(b.Min), corner64(b.Max), number)
}

// meeting calls f with the number of every rectangle that meets b.
func (t *boxTree) meeting(b Box, f func(number int32)) {
	t.tree.Search(corner64(b.Min), corner64(b.Max), func(_, _ [2]float64, number int32) bool {
		f(number)
		return true
	})
}
