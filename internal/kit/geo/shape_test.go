package geo

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// Differences of 180 degrees fit the products of side: no overflow at the ends
// of the lattice.
func TestSideIsExactAtTheEndsOfTheEarth(t *testing.T) {
	const x, y = 1800000000, 900000000
	a, b := Node{-x, -y}, Node{x, y}
	for _, c := range []struct {
		p    Node
		want int
	}{{Node{0, 0}, 0}, {Node{0, 1}, 1}, {Node{1, 0}, -1}, {Node{-x, y}, 1}, {Node{x, -y}, -1}, {Node{x - 2, y - 1}, 0}, {Node{x - 1, y - 1}, -1}} {
		if got := side(a, b, c.p); got != c.want {
			t.Errorf("side of %v is %d, want %d", c.p, got, c.want)
		}
		if got := side(b, a, c.p); got != -c.want {
			t.Errorf("side of %v from the other end is %d, want %d", c.p, got, -c.want)
		}
	}
}

func square(x0, y0, x1, y1 int32) Ring {
	return Ring{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
}

// Around one corner that four squares share, and along their borders, every
// node lies in exactly one.
func TestHalfOpenOnSharedCornersAndSides(t *testing.T) {
	squares := []Shape{{{square(0, 0, 4, 4)}}, {{square(4, 0, 8, 4)}}, {{square(0, 4, 4, 8)}}, {{square(4, 4, 8, 8)}}}
	for x := int32(1); x < 8; x++ {
		for y := int32(1); y < 8; y++ {
			n := 0
			for _, s := range squares {
				if s.Contains(Node{x, y}) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d,%d lies in %d squares", x, y, n)
			}
		}
	}
}

// Triangles from one middle node to a random ring share sides of every
// direction; whatever the direction in which a ring is written, exactly one
// has each node within, those on the sides included.
func TestHalfOpenOnSidesOfAnyDirection(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(q, "seed"), 0))
		k := rapid.IntRange(3, 12).Draw(q, "triangles")
		size := rapid.SampledFrom([]float64{10, 1000, 1e6, 4e8}).Draw(q, "size")
		middle := Node{int32(r.IntN(1000)), int32(r.IntN(1000))}
		var rim Ring
		for i := range k {
			a := 2 * math.Pi * (float64(i) + 0.3*r.Float64()) / float64(k)
			d := size * (0.3 + 0.7*r.Float64())
			rim = append(rim, Node{middle.X + int32(d*math.Cos(a)), middle.Y + int32(d*math.Sin(a))})
		}
		var parts []Shape
		for i, b := range rim {
			ring := Ring{rim[(i+k-1)%k], b, middle}
			if r.IntN(2) == 0 {
				ring = Ring{ring[1], ring[0], ring[2]}
			}
			parts = append(parts, Shape{{ring}})
		}
		whole := Shape{{rim}}
		index := NewIndex(parts)
		look := func(n Node) {
			in := 0
			for i, p := range parts {
				if p.Contains(n) {
					in++
					if f := index.Find(n); f != i {
						q.Fatalf("%v lies in %d, the index says %d", n, i, f)
					}
				}
			}
			if want := whole.Contains(n); want != (in == 1) || in > 1 {
				q.Fatalf("%v lies in %d parts; in the whole: %v", n, in, want)
			}
		}
		look(middle)
		for i, b := range rim {
			look(b)
			look(Node{(b.X + middle.X) / 2, (b.Y + middle.Y) / 2})
			a := rim[(i+k-1)%k]
			look(Node{a.X + (b.X-a.X)/2, a.Y + (b.Y-a.Y)/2})
		}
		for range 50 {
			look(Node{middle.X + int32((2*r.Float64()-1)*size), middle.Y + int32((2*r.Float64()-1)*size)})
		}
	})
}

func TestShapeOfRefusesWhatIsNoRing(t *testing.T) {
	for name, m := range map[string]orb.MultiPolygon{
		"nothing":       {},
		"no ring":       {{}},
		"empty ring":    {{{}}},
		"two corners":   {{{{1, 1}, {2, 2}, {1, 1}}}},
		"one spot":      {{{{1, 1}, {1, 1.00000001}, {1.00000001, 1}, {1, 1}}}},
		"off the earth": {{{{1, 1}, {200, 1}, {1, 2}, {1, 1}}}},
	} {
		if _, err := ShapeOf(m); !errors.Is(err, ErrRing) && !errors.Is(err, ErrPosition) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAreaLabelAndHoles(t *testing.T) {
	s, err := ShapeOf(orb.MultiPolygon{{
		{{117, 36.8}, {117.01, 36.8}, {117.01, 36.81}, {117, 36.81}, {117, 36.8}},
		{{117.004, 36.804}, {117.006, 36.804}, {117.006, 36.806}, {117.004, 36.806}, {117.004, 36.804}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Metres(orb.Point{117, 36.805}, orb.Point{117.01, 36.805}) * Metres(orb.Point{117, 36.8}, orb.Point{117, 36.81}) * (1 - 0.04)
	if got := s.SquareMetres(); math.Abs(got-want) > want*1e-4 {
		t.Errorf("area %.0f, want %.0f", got, want)
	}
	if s.Contains(NodeAt(orb.Point{117.005, 36.805})) {
		t.Error("the hole belongs to the shape")
	}
	if l := s.Label(); !s.Contains(l) || s.ToBorder(l) < 150 {
		t.Errorf("label %v is %.0f m deep", l.Point(), s.ToBorder(l))
	}
	if got, err := ShapeOf(s.Orb()); err != nil || got.SquareMetres() != s.SquareMetres() || len(got[0]) != 2 {
		t.Errorf("there and back: %v %v", got, err)
	}
	ring := s[0][1]
	s[0][1] = Ring{{ring[0].X + 1e6, ring[0].Y}, {ring[1].X + 1e6, ring[1].Y}, {ring[2].X + 1e6, ring[2].Y}}
	if _, stray := s[0].StrayHole(); !stray {
		t.Error("a hole outside its polygon was not noticed")
	}
}

// A label lies inside even the thinnest crescent that has a node inside.
func TestLabelLiesInside(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		n := rapid.IntRange(3, 30).Draw(q, "corners")
		size := rapid.SampledFrom([]float64{20, 3000, 1e6}).Draw(q, "size")
		thick := rapid.Float64Range(0.01, 0.9).Draw(q, "thickness")
		var ring Ring
		for i := range n {
			a := math.Pi * float64(i) / float64(n-1)
			ring = append(ring, Node{int32(size * math.Cos(a)), int32(size * math.Sin(a))})
		}
		for i := n - 1; i >= 0; i-- {
			a := math.Pi * float64(i) / float64(n-1)
			ring = append(ring, Node{int32(size * math.Cos(a)), int32(size * (1 - thick) * math.Sin(a))})
		}
		s := Shape{{ring}}
		if s.SquareMetres() == 0 {
			return
		}
		if l := s.Label(); !s.Contains(l) {
			q.Fatalf("%v is outside %v", l, ring)
		}
	})
}

func TestIndexAgreesWithAskingEveryShape(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(q, "seed"), 0))
		size := rapid.SampledFrom([]int{12, 500, 1e6, 1.7e9}).Draw(q, "extent")
		tall := min(size, 8e8)
		var shapes []Shape
		for range rapid.IntRange(0, 30).Draw(q, "shapes") {
			var ring Ring
			for range 3 + r.IntN(6) {
				ring = append(ring, Node{int32(r.IntN(2*size) - size), int32(r.IntN(2*tall) - tall)})
			}
			shapes = append(shapes, Shape{{ring}})
			if r.IntN(10) == 0 {
				shapes = append(shapes, nil)
			}
		}
		x := NewIndex(shapes)
		if x.Len() != len(shapes) {
			q.Fatalf("%d shapes became %d", len(shapes), x.Len())
		}
		for range 300 {
			n := Node{int32(r.IntN(2*size+4) - size - 2), int32(r.IntN(2*tall+4) - tall - 2)}
			if len(shapes) > 0 && r.IntN(4) == 0 {
				if s := shapes[r.IntN(len(shapes))]; s != nil {
					n = s[0][0][r.IntN(len(s[0][0]))]
				}
			}
			want, near := -1, -1
			best := 0.05
			for i, s := range shapes {
				if s == nil {
					continue
				}
				if want < 0 && s.Contains(n) {
					want = i
				}
				if d := s.ToBorder(n); d < best || near < 0 && d <= best {
					best, near = d, i
				}
			}
			if got := x.Find(n); got != want {
				q.Fatalf("%v: index says %d, asking all says %d", n, got, want)
			}
			if got := x.Near(n, 0.05, nil); (got < 0) != (near < 0) || got >= 0 && shapes[got].ToBorder(n) > best {
				q.Fatalf("%v: near %d, want %d", n, got, near)
			}
		}
	})
}
