package geo

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func subdivide(t *testing.T, shapes ...Shape) *Subdivision {
	t.Helper()
	s, err := Subdivide(shapes, 0.016)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// covers counts the faces by what covers them.
func covers(s *Subdivision) map[string]int {
	out := map[string]int{}
	for f := range s.Faces() {
		key := ""
		for _, c := range s.Cover(f) {
			key += string('a' + c)
		}
		out[key]++
	}
	return out
}

func TestFacesKnowWhatCoversThem(t *testing.T) {
	a, b := Shape{{square(0, 0, 1000, 1000)}}, Shape{{square(500, 500, 1500, 1500)}}
	far := Shape{{square(5000, 0, 6000, 1000), square(5200, 200, 5800, 800)}}
	in := Shape{{square(5400, 400, 5600, 600)}}
	got := covers(subdivide(t, a, b, far, in))
	for key, n := range map[string]int{"": 2, "a": 1, "ab": 1, "b": 1, "c": 1, "d": 1} {
		if got[key] != n {
			t.Errorf("%d faces covered by %q, want %d: %v", got[key], key, n, got)
		}
	}
}

func TestTJunctionIsPutOntoTheNeighboursBorder(t *testing.T) {
	a := Shape{{square(0, 0, 1000, 1000)}}
	b := Shape{{Ring{{1000, 0}, {2000, 0}, {2000, 500}, {1001, 500}}}} // a corner 9 mm off a's side
	c := Shape{{Ring{{1001, 500}, {2000, 500}, {2000, 1000}, {1000, 1000}}}}
	s := subdivide(t, a, b, c)
	if got := covers(s); got[""] != 1 || len(got) != 4 {
		t.Errorf("faces: %v", got)
	}
	merged := s.Merge([]int{-1, 0, 1, 2}, 3)
	corner := false
	for _, shape := range merged {
		if len(shape[0][0]) == 5 {
			corner = slices.Contains(shape[0][0], Node{1001, 500})
		}
	}
	if !corner {
		t.Errorf("nobody got the corner: %v", merged)
	}
}

func TestRingsThatTouchThemselvesComeOutSimple(t *testing.T) {
	// Two squares that touch at a corner, and one with a hole that touches its
	// border: each is one owner.
	lobes := subdivide(t, Shape{{square(0, 0, 1000, 1000)}, {square(1000, 1000, 2000, 2000)}})
	m := lobes.Merge([]int{-1, 0, 0}, 1)[0]
	if len(m) != 2 || len(m[0]) != 1 || len(m[1]) != 1 {
		t.Errorf("lobes: %v", m)
	}
	holed := subdivide(t, Shape{{square(0, 0, 1000, 1000), Ring{{0, 0}, {500, 300}, {300, 500}}}})
	owner := make([]int, holed.Faces())
	for f := range owner {
		owner[f] = len(holed.Cover(f)) - 1
	}
	m = holed.Merge(owner, 1)[0]
	if len(m) != 1 || len(m[0]) != 2 {
		t.Errorf("holed: %v", m)
	}
}

// Faces of one owner become one shape without a line between them, also where
// four of them meet at a node.
func TestMergedFacesHaveNoInnerBorder(t *testing.T) {
	s := subdivide(t, Shape{{square(0, 0, 1000, 1000)}}, Shape{{square(1000, 0, 2000, 1000)}},
		Shape{{square(0, 1000, 1000, 2000)}}, Shape{{square(1000, 1000, 2000, 2000)}})
	owner := func(mine ...int32) []int {
		out := make([]int, s.Faces())
		for f := range out {
			out[f] = -1
			if c := s.Cover(f); len(c) == 1 && slices.Contains(mine, c[0]) {
				out[f] = 0
			}
		}
		return out
	}
	for _, c := range []struct {
		mine            []int32
		polygons, sides int
	}{{[]int32{0, 1}, 1, 6}, {[]int32{0, 1, 2, 3}, 1, 8}, {[]int32{0, 3}, 2, 8}, {[]int32{0, 1, 3}, 1, 8}} {
		m := s.Merge(owner(c.mine...), 1)[0]
		sides := 0
		m.Sides(func(_, _ Node) { sides++ })
		if len(m) != c.polygons || sides != c.sides || m.SquareMetres() == 0 {
			t.Errorf("%v: %d polygons, %d sides: %v", c.mine, len(m), sides, m)
		}
	}
}

func TestCrossingOfOnesOwnBorderIsNoted(t *testing.T) {
	s := subdivide(t, Shape{{Ring{{0, 0}, {1000, 1000}, {1000, 0}, {0, 1000}}}})
	if len(s.Crossings) != 1 || s.Crossings[0] != (Crossing{0, Node{500, 500}}) {
		t.Errorf("crossings: %v", s.Crossings)
	}
	if s := subdivide(t, Shape{{square(0, 0, 1000, 1000)}}, Shape{{square(500, 500, 1500, 1500)}}); len(s.Crossings) != 0 {
		t.Errorf("two shapes may cross: %v", s.Crossings)
	}
}

// Whatever is thrown in, a face's cover is what its nodes lie in, no two
// pieces cross, no node lies on a piece, and the faces' areas add up.
func TestSubdivisionOfAnything(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(q, "seed"), 0))
		size := rapid.SampledFrom([]int{40, 400, 100000}).Draw(q, "size")
		var shapes []Shape
		for range rapid.IntRange(1, 8).Draw(q, "shapes") {
			var ring Ring
			for range 3 + r.IntN(5) {
				ring = append(ring, Node{int32(r.IntN(size)), int32(r.IntN(size))})
			}
			shapes = append(shapes, Shape{{ring}})
		}
		s, err := Subdivide(shapes, 0.016)
		if err != nil {
			q.Fatal(err)
		}
		for i, p := range s.pieces {
			for j, o := range s.pieces[:i] {
				if side(p.a, p.b, o.a)*side(p.a, p.b, o.b) < 0 && side(o.a, o.b, p.a)*side(o.a, o.b, p.b) < 0 {
					q.Fatalf("pieces %d and %d cross", i, j)
				}
			}
			for _, n := range s.nodes {
				if n != p.a && n != p.b && side(p.a, p.b, n) == 0 && BoxAt(p.a).With(p.b).Contains(n) {
					q.Fatalf("node %v lies on a piece %v-%v", n, p.a, p.b)
				}
			}
		}
		// Euler: faces = pieces - nodes + 1 + groups of connected borders.
		groups := 0
		for f := range s.Faces() {
			groups += len(s.rims[f])
		}
		groups -= s.Faces() - 1 // each bounded face has one walk of its own
		if got, want := s.Faces(), len(s.pieces)-len(s.nodes)+1+groups; got != want {
			q.Fatalf("%d faces, Euler says %d", got, want)
		}
		for f := 1; f < s.Faces(); f++ {
			face := s.FaceShape(f)
			n := face.Label()
			if !face.Contains(n) || face.ToBorder(n) < 0.05 {
				continue // too small to judge by a node
			}
			for i, shape := range shapes {
				if shape.ToBorder(n) < 0.05 {
					continue
				}
				if slices.Contains(s.Cover(f), int32(i)) != shape.Contains(n) {
					q.Fatalf("face %d at %v: shape %d covers it: %v", f, n, i, shape.Contains(n))
				}
			}
		}
	})
}
