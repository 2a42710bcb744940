package grid

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onegrid/internal/kit/geo"
)

// The drawings below are made in degrees around 117.0, 36.8 and rounded to
// seven decimals only at the end, as a drawing program would do it.

func rounded(ring []orb.Point) orb.Ring {
	var out orb.Ring
	for _, p := range ring {
		out = append(out, orb.Point{math.Round(p[0]*1e7) / 1e7, math.Round(p[1]*1e7) / 1e7})
	}
	return append(out, out[0])
}

// lattice draws n by n cells of about 400 m. Every side is cut into pieces with
// random corners that both neighbours share, so cells are concave.
func lattice(r *rand.Rand, n, pieces int) [][]orb.Ring {
	const step = 0.004
	corner := map[[2]int]orb.Point{}
	for i := range n + 1 {
		for j := range n + 1 {
			corner[[2]int{i, j}] = orb.Point{
				117 + step*(float64(i)+0.4*(r.Float64()-0.5)),
				36.8 + step*(float64(j)+0.4*(r.Float64()-0.5)),
			}
		}
	}
	lines := map[[4]int][]orb.Point{}
	line := func(a, b [2]int) []orb.Point {
		key := [4]int{a[0], a[1], b[0], b[1]}
		if back, ok := lines[[4]int{b[0], b[1], a[0], a[1]}]; ok {
			out := slices.Clone(back)
			slices.Reverse(out)
			return out
		}
		if _, ok := lines[key]; !ok {
			p, q := corner[a], corner[b]
			out := []orb.Point{p}
			for k := 1; k < pieces; k++ {
				t := float64(k) / float64(pieces)
				out = append(out, orb.Point{
					p[0] + t*(q[0]-p[0]) + step*0.04*(r.Float64()-0.5),
					p[1] + t*(q[1]-p[1]) + step*0.04*(r.Float64()-0.5),
				})
			}
			lines[key] = append(out, q)
		}
		return lines[key]
	}
	cells := make([][]orb.Ring, 0, n*n)
	for i := range n {
		for j := range n {
			var ring []orb.Point
			c := [][2]int{{i, j}, {i + 1, j}, {i + 1, j + 1}, {i, j + 1}}
			for k := range c {
				l := line(c[k], c[(k+1)%4])
				ring = append(ring, l[:len(l)-1]...)
			}
			cells = append(cells, []orb.Ring{rounded(ring)})
		}
	}
	return cells
}

// splits cuts a rectangle of about 3 km by random straight lines, each through
// one piece only: the cut's ends are corners of the two new pieces and lie in
// the middle of the neighbours' sides, rounded off them.
func splits(r *rand.Rand, n int) [][]orb.Ring {
	pieces := [][]orb.Point{{{117, 36.8}, {117.0331, 36.8007}, {117.0329, 36.8281}, {117.0003, 36.8277}}}
	for len(pieces) < n {
		k := r.IntN(len(pieces))
		ring := pieces[k]
		i := r.IntN(len(ring))
		j := (i + 1 + r.IntN(len(ring)-1)) % len(ring)
		i, j = min(i, j), max(i, j)
		between := func(a int) orb.Point {
			p, q, t := ring[a], ring[(a+1)%len(ring)], 0.25+r.Float64()/2
			return orb.Point{p[0] + t*(q[0]-p[0]), p[1] + t*(q[1]-p[1])}
		}
		p, q := between(i), between(j)
		one := append([]orb.Point{p}, ring[i+1:j+1]...)
		one = append(one, q)
		two := append([]orb.Point{q}, ring[j+1:]...)
		two = append(append(two, ring[:i+1]...), p)
		if thin(one) || thin(two) {
			continue
		}
		pieces[k] = one
		pieces = append(pieces, two)
	}
	var out [][]orb.Ring
	for _, p := range pieces {
		out = append(out, []orb.Ring{rounded(p)})
	}
	return out
}

// thin says whether a piece has a corner or width of less than some metres.
func thin(ring []orb.Point) bool {
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		if geo.Metres(p, q) < 5 {
			return true
		}
		for k, c := range ring {
			if k == i || k == (i+1)%len(ring) {
				continue
			}
			dx, dy := q[0]-p[0], q[1]-p[1]
			if math.Abs((c[0]-p[0])*dy-(c[1]-p[1])*dx)/math.Hypot(dx, dy) < 3e-5 {
				return true
			}
		}
	}
	return false
}

// star is a ring around c with corners at changing distances.
func star(r *rand.Rand, c orb.Point, size float64) []orb.Point {
	n := 5 + r.IntN(9)
	var ring []orb.Point
	for k := range n {
		a, d := 2*math.Pi*(float64(k)+0.6*r.Float64())/float64(n), size*(0.3+0.7*r.Float64())
		ring = append(ring, orb.Point{c[0] + d*math.Cos(a), c[1] + d*math.Sin(a)})
	}
	return ring
}

// pierce makes holes into some cells; every other hole is filled by a grid of
// its own, the rest stay empty. It names a position in each empty one.
func pierce(r *rand.Rand, cells [][]orb.Ring) (out [][]orb.Ring, empty []orb.Point) {
	out = slices.Clone(cells)
	for k, cell := range cells {
		if k%3 != 0 {
			continue
		}
		s, err := geo.ShapeOf(orb.MultiPolygon{{cell[0]}})
		if err != nil {
			panic(err)
		}
		c := s.Label().Point()
		room := math.Inf(1)
		for i, p := range cell[0][1:] {
			q := cell[0][i]
			dx, dy := q[0]-p[0], q[1]-p[1]
			t := max(0, min(1, ((c[0]-p[0])*dx+(c[1]-p[1])*dy)/(dx*dx+dy*dy)))
			room = min(room, math.Hypot(p[0]+t*dx-c[0], p[1]+t*dy-c[1]))
		}
		hole := rounded(star(r, c, 0.7*room))
		out[k] = []orb.Ring{cell[0], hole}
		if k%2 == 0 {
			out = append(out, []orb.Ring{hole})
		} else {
			empty = append(empty, c)
		}
	}
	return out, empty
}

// draw gives every cell a code; glue joins pairs of cells to multipolygons.
func draw(t testing.TB, cells [][]orb.Ring, glue int) []Drawn {
	var drawn []Drawn
	for i := 0; i < len(cells); i++ {
		m := orb.MultiPolygon{orb.Polygon(cells[i])}
		if glue > 0 && i%glue == 0 && i+1 < len(cells) {
			i++
			m = append(m, orb.Polygon(cells[i]))
		}
		s, err := geo.ShapeOf(m)
		if err != nil {
			t.Fatalf("cell %d: %v", i, err)
		}
		drawn = append(drawn, Drawn{Code: fmt.Sprintf("g%03d", i), Shape: s})
	}
	return drawn
}

// oracle is an own test in floating point, by the angles under which the sides
// are seen; ok is false within a metre of a border, where it is not trusted.
func oracle(drawn []Drawn, p orb.Point) (grid int, ok bool) {
	grid = -1
	for i, d := range drawn {
		var sum float64
		for _, polygon := range d.Shape.Orb() {
			for k, ring := range polygon {
				var turn float64
				for n := range ring[1:] {
					a, b := ring[n], ring[n+1]
					ax, ay, bx, by := a[0]-p[0], a[1]-p[1], b[0]-p[0], b[1]-p[1]
					turn += math.Atan2(ax*by-ay*bx, ax*bx+ay*by)
					dx, dy := bx-ax, by-ay
					u := max(0, min(1, -(ax*dx+ay*dy)/(dx*dx+dy*dy)))
					if math.Hypot(ax+u*dx, ay+u*dy) < 1e-5 {
						return -1, false
					}
				}
				if math.Abs(turn) > math.Pi {
					if k == 0 {
						sum++
					} else {
						sum--
					}
				}
			}
		}
		if sum > 0 {
			grid = i
		}
	}
	return grid, true
}

// exactlyOne fails unless at most one, and for a position that must be inside
// exactly one, shape contains the node, and the locator says the same.
func exactlyOne(t testing.TB, p *Partition, n geo.Node, inside bool) int {
	t.Helper()
	in := -1
	for i, s := range p.Shapes {
		if s.Contains(n) {
			if in >= 0 {
				t.Fatalf("%v lies in shapes %d and %d", n.Point(), in, i)
			}
			in = i
		}
	}
	found := p.Find(n.Point())
	if in >= 0 && found != in {
		t.Fatalf("%v lies in shape %d, the locator says %d", n.Point(), in, found)
	}
	if inside && found < 0 {
		t.Fatalf("%v lies in no shape", n.Point())
	}
	return found
}

// checkPartition looks at random positions, and at every corner and points on
// every border of the drawing and of the result.
func checkPartition(t testing.TB, r *rand.Rand, drawn []Drawn, points int) {
	t.Helper()
	p, err := Build(drawn)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Flaws {
		t.Errorf("%s", f)
	}
	if t.Failed() {
		return
	}
	box := drawn[0].Shape.Box()
	for _, d := range drawn {
		box = box.Join(d.Shape.Box())
	}
	judged := 0
	for range points {
		at := orb.Point{
			(float64(box.Min.X) + r.Float64()*float64(box.Max.X-box.Min.X)) / geo.Scale,
			(float64(box.Min.Y) + r.Float64()*float64(box.Max.Y-box.Min.Y)) / geo.Scale,
		}
		found := exactlyOne(t, p, geo.NodeAt(at), false)
		if want, ok := oracle(drawn, at); ok {
			judged++
			if want != found {
				t.Fatalf("%v lies in %d, found %d", at, want, found)
			}
		}
	}
	if judged < points/2 {
		t.Fatalf("only %d of %d positions could be judged", judged, points)
	}
	border := func(a, b geo.Node) {
		exactlyOne(t, p, a, true)
		m := geo.Node{X: a.X + (b.X-a.X)/2, Y: a.Y + (b.Y-a.Y)/2}
		exactlyOne(t, p, m, true)
		k := r.Float64()
		exactlyOne(t, p, geo.Node{X: a.X + int32(k*float64(b.X-a.X)), Y: a.Y + int32(k*float64(b.Y-a.Y))}, true)
	}
	for _, d := range drawn {
		d.Shape.Sides(border)
	}
	for _, s := range p.Shapes {
		s.Sides(border)
		n := s.Label()
		if found := exactlyOne(t, p, n, true); !p.Shapes[found].Contains(n) {
			t.Fatalf("label %v is outside its shape", n.Point())
		}
	}
}

func TestRandomLatticesLieInExactlyOneGrid(t *testing.T) {
	for seed := range uint64(rounds(6)) {
		r := rand.New(rand.NewPCG(seed, 1))
		checkPartition(t, r, draw(t, lattice(r, 5, 1+r.IntN(12)), 4), 400)
	}
}

// Every cut leaves T-junctions whose corner is rounded off the side it stands
// on, by up to 1.57 cm.
func TestRandomSplitsWithTJunctions(t *testing.T) {
	for seed := range uint64(rounds(12)) {
		r := rand.New(rand.NewPCG(seed, 2))
		checkPartition(t, r, draw(t, splits(r, 30), 0), 300)
	}
}

func TestHolesFilledAndEmpty(t *testing.T) {
	for seed := range uint64(rounds(6)) {
		r := rand.New(rand.NewPCG(seed, 3))
		cells, empty := pierce(r, lattice(r, 4, 6))
		drawn := draw(t, cells, 0)
		checkPartition(t, r, drawn, 300)
		p, err := Build(drawn)
		if err != nil {
			t.Fatal(err)
		}
		if len(empty) == 0 {
			t.Fatal("no empty hole was drawn")
		}
		for _, c := range empty {
			if i := p.Find(c); i >= 0 {
				t.Errorf("the empty hole at %v lies in %s", c, drawn[i].Code)
			}
		}
	}
}

// rounds is how often a random test repeats; the long run is for make proof.
func rounds(n int) int {
	if os.Getenv("ONEGRID_PROOF") == "1" {
		return 40 * n
	}
	return n
}

func TestAnyPartitionByProperty(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(q, "seed"), 4))
		var cells [][]orb.Ring
		if rapid.Bool().Draw(q, "splits") {
			cells = splits(r, rapid.IntRange(2, 25).Draw(q, "pieces"))
		} else {
			cells = lattice(r, rapid.IntRange(1, 4).Draw(q, "cells"), rapid.IntRange(1, 15).Draw(q, "corners"))
		}
		if rapid.Bool().Draw(q, "holes") {
			cells, _ = pierce(r, cells)
		}
		p, err := Build(draw(t, cells, rapid.SampledFrom([]int{0, 2, 5}).Draw(q, "glue")))
		if err != nil || len(p.Flaws) > 0 {
			q.Fatalf("%v %v", err, p.Flaws)
		}
		for _, s := range p.Shapes {
			s.Sides(func(a, b geo.Node) {
				exactlyOne(t, p, a, true)
				exactlyOne(t, p, geo.Node{X: a.X + (b.X-a.X)/3, Y: a.Y + (b.Y-a.Y)/3}, true)
			})
		}
	})
}

// near fails unless exactly the wanted kind of flaw is reported, near a place
// and naming the grids.
func near(t *testing.T, p *Partition, kind FlawKind, at orb.Point, metres float64, codes ...string) Flaw {
	t.Helper()
	for _, f := range p.Flaws {
		if f.Kind == kind && geo.Metres(orb.Point{f.Lon, f.Lat}, at) <= metres {
			if len(codes) > 0 && !slices.Equal(f.Codes, codes) {
				t.Errorf("%s names %v, want %v", f, f.Codes, codes)
			}
			return f
		}
	}
	t.Fatalf("no %s within %.0f m of %v among %v", kind, metres, at, p.Flaws)
	return Flaw{}
}

func build(t testing.TB, drawn []Drawn) *Partition {
	t.Helper()
	p, err := Build(drawn)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rect(t testing.TB, code string, x0, y0, x1, y1 float64) Drawn {
	s, err := geo.ShapeOf(orb.MultiPolygon{{{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}}}})
	if err != nil {
		t.Fatal(err)
	}
	return Drawn{Code: code, Shape: s}
}

func TestMissingCellIsAGap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	drawn := draw(t, lattice(r, 3, 5), 0)
	hole := drawn[4].Shape
	p := build(t, slices.Delete(drawn, 4, 5))
	f := near(t, p, Gap, hole.Label().Point(), 30, "g001", "g003", "g005", "g007")
	if math.Abs(f.SquareMetres-hole.SquareMetres()) > 1 {
		t.Errorf("area %.1f, the cell has %.1f", f.SquareMetres, hole.SquareMetres())
	}
	if len(p.Flaws) != 1 {
		t.Errorf("flaws: %v", p.Flaws)
	}
}

// One cell is drawn smaller or larger by a little: a gap, or an overlap.
func TestMovedCornerIsFoundDownToCentimetres(t *testing.T) {
	for _, units := range []int32{4, 10, 100, 5000} { // 4 cm to 50 m
		r := rand.New(rand.NewPCG(uint64(units), 8))
		drawn := draw(t, lattice(r, 3, 2), 0)
		ring := drawn[4].Shape[0][0]
		middle := drawn[4].Shape.Label()
		for _, sign := range []int32{1, -1} {
			moved := slices.Clone(ring)
			k := 1 // a corner in the middle of the southern side
			if moved[k].Y < middle.Y {
				moved[k].Y += sign * units
			} else {
				moved[k].Y -= sign * units
			}
			changed := slices.Clone(drawn)
			changed[4].Shape = geo.Shape{{moved}}
			kind := Gap
			if sign < 0 {
				kind = Overlap
			}
			near(t, build(t, changed), kind, ring[k].Point(), 60, "g003", "g004")
		}
	}
}

func TestStripOpenToTheOutsideIsAGap(t *testing.T) {
	a := rect(t, "a", 117, 36.8, 117.01, 36.81)
	for _, c := range []struct {
		name string
		b    Drawn
		gap  bool
	}{
		{"shared border", rect(t, "b", 117.01, 36.8, 117.02, 36.81), false},
		{"one centimetre", rect(t, "b", 117.0100001, 36.8, 117.02, 36.81), false},
		{"ten centimetres", rect(t, "b", 117.0100011, 36.8, 117.02, 36.81), true},
		{"nine metres", rect(t, "b", 117.0101, 36.8, 117.02, 36.81), true},
		{"ninety metres", rect(t, "b", 117.011, 36.8, 117.02, 36.81), true},
		{"nine hundred metres", rect(t, "b", 117.02, 36.8, 117.03, 36.81), false},
		{"far away", rect(t, "b", 118, 37.8, 118.01, 37.81), false},
		{"corner to corner", rect(t, "b", 117.01, 36.81, 117.02, 36.82), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := build(t, []Drawn{a, c.b})
			if (len(p.Flaws) > 0) != c.gap {
				t.Fatalf("flaws: %v", p.Flaws)
			}
			if c.gap {
				f := near(t, p, Gap, orb.Point{117.01, 36.805}, 100, "a", "b")
				if f.Width <= 0 {
					t.Errorf("no width: %+v", f)
				}
			}
		})
	}
}

// Between grids as large as counties a strip may be wide and still be one.
func TestStripIsMeasuredAgainstTheSmallerGrid(t *testing.T) {
	large := rect(t, "a", 0, 0, 1, 1)
	for _, c := range []struct {
		x   float64
		gap bool
	}{{1, false}, {1.001, true}, {1.04, true}, {1.1, false}, {1.5, false}} {
		p := build(t, []Drawn{large, rect(t, "b", c.x, 0, 2, 1), rect(t, "c", 0, 1, 1, 2), rect(t, "d", 1, 1, 2, 2)})
		if (len(p.Flaws) > 0) != c.gap {
			t.Errorf("from %v: %v", c.x, p.Flaws)
		}
	}
	small := rect(t, "b", 1.01, 0.5, 1.02, 0.6)
	if p := build(t, []Drawn{large, small}); len(p.Flaws) > 0 {
		t.Errorf("beside a small grid: %v", p.Flaws)
	}
}

// A wedge: the outer end of a shared border differs.
func TestWedgeOpenToTheOutsideIsAGap(t *testing.T) {
	a := rect(t, "a", 117, 36.8, 117.01, 36.81)
	b := rect(t, "b", 117.01, 36.8, 117.02, 36.81)
	b.Shape[0][0][0].X += 2000 // 18 m
	near(t, build(t, []Drawn{a, b}), Gap, orb.Point{117.01, 36.805}, 400, "a", "b")
}

func TestGridInAnothersHole(t *testing.T) {
	ring := func(x0, y0, x1, y1 float64) orb.Ring {
		return orb.Ring{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}}
	}
	s, err := geo.ShapeOf(orb.MultiPolygon{{ring(117, 36.8, 117.03, 36.83), ring(117.01, 36.81, 117.02, 36.82)}})
	if err != nil {
		t.Fatal(err)
	}
	host := Drawn{Code: "host", Shape: s}
	if p := build(t, []Drawn{host, rect(t, "in", 117.01, 36.81, 117.02, 36.82)}); len(p.Flaws) > 0 {
		t.Errorf("filled exactly: %v", p.Flaws)
	}
	if p := build(t, []Drawn{host, rect(t, "in", 117.014, 36.814, 117.016, 36.816)}); len(p.Flaws) > 0 {
		t.Errorf("an island in a lake: %v", p.Flaws)
	}
	near(t, build(t, []Drawn{host, rect(t, "in", 117.01, 36.81, 117.0199, 36.82)}), Gap, orb.Point{117.01995, 36.815}, 50, "host", "in")
	near(t, build(t, []Drawn{host, rect(t, "in", 117.0101, 36.8101, 117.0199, 36.8199)}), Gap, orb.Point{117.015, 36.815}, 800, "host", "in")
	near(t, build(t, []Drawn{host, rect(t, "in", 117.009, 36.81, 117.02, 36.82)}), Overlap, orb.Point{117.0095, 36.815}, 50, "host", "in")
}

func TestOverlapsAreNamed(t *testing.T) {
	a, b := rect(t, "a", 117, 36.8, 117.01, 36.81), rect(t, "b", 117.009, 36.8, 117.02, 36.81)
	f := near(t, build(t, []Drawn{a, b}), Overlap, orb.Point{117.0095, 36.805}, 50, "a", "b")
	if want := 89.0 * 1112; math.Abs(f.SquareMetres-want) > 0.02*want {
		t.Errorf("area %.0f, want about %.0f", f.SquareMetres, want)
	}
	near(t, build(t, []Drawn{a, {Code: "same", Shape: a.Shape}}), Overlap, orb.Point{117.005, 36.805}, 50, "a", "same")
	twice := Drawn{Code: "twice", Shape: geo.Shape{a.Shape[0], b.Shape[0]}}
	near(t, build(t, []Drawn{twice}), Overlap, orb.Point{117.0095, 36.805}, 50, "twice")
	inner := rect(t, "inner", 117.004, 36.804, 117.006, 36.806)
	near(t, build(t, []Drawn{a, inner}), Overlap, orb.Point{117.005, 36.805}, 50, "a", "inner")
}

func TestRingThatCrossesItself(t *testing.T) {
	s, err := geo.ShapeOf(orb.MultiPolygon{{{{117, 36.8}, {117.01, 36.81}, {117.01, 36.8}, {117, 36.81}, {117, 36.8}}}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, build(t, []Drawn{{Code: "bow", Shape: s}}), Crossed, orb.Point{117.005, 36.805}, 1, "bow")
	a := rect(t, "a", 117, 36.8, 117.01, 36.81)
	a.Shape[0] = append(a.Shape[0], rect(t, "", 117.02, 36.8, 117.03, 36.81).Shape[0][0])
	near(t, build(t, []Drawn{a}), Crossed, orb.Point{117.02, 36.8}, 1, "a")
}

// A special grid may lie across any number of others: it gets the ground.
func TestSpecialGridIsCutOut(t *testing.T) {
	for seed := range uint64(rounds(6)) {
		r := rand.New(rand.NewPCG(seed, 9))
		drawn := draw(t, lattice(r, 3, 5), 0)
		s, err := geo.ShapeOf(orb.MultiPolygon{{rounded(star(r, orb.Point{117.006, 36.806}, 0.003))}})
		if err != nil {
			t.Fatal(err)
		}
		park := Drawn{Code: "park", Special: true, Shape: s}
		var before float64
		for _, d := range drawn {
			before += d.Shape.SquareMetres()
		}
		drawn = append(drawn, park)
		p := build(t, drawn)
		if len(p.Flaws) > 0 {
			t.Fatalf("flaws: %v", p.Flaws)
		}
		if i := p.Find(park.Shape.Label().Point()); i != 9 {
			t.Errorf("the park's middle lies in %d", i)
		}
		var after float64
		for _, s := range p.Shapes {
			after += s.SquareMetres()
		}
		if math.Abs(after-before) > 5 {
			t.Errorf("%.1f m2 before, %.1f after", before, after)
		}
		for _, s := range p.Shapes {
			s.Sides(func(a, b geo.Node) {
				exactlyOne(t, p, a, true)
				exactlyOne(t, p, geo.Node{X: a.X + (b.X-a.X)/2, Y: a.Y + (b.Y-a.Y)/2}, true)
			})
		}
	}
	a, b := rect(t, "a", 117, 36.8, 117.01, 36.81), rect(t, "b", 116.99, 36.79, 117.02, 36.82)
	b.Special = true
	near(t, build(t, []Drawn{a, b}), Swallowed, orb.Point{117.005, 36.805}, 50, "a")
	c := rect(t, "c", 117.005, 36.79, 117.03, 36.82)
	c.Special = true
	near(t, build(t, []Drawn{b, c}), Overlap, orb.Point{117.0125, 36.805}, 200, "b", "c")
}

// Building the result again changes nothing: what is stored is noded already.
func TestBuildingTwiceIsStable(t *testing.T) {
	for seed := range uint64(rounds(6)) {
		r := rand.New(rand.NewPCG(seed, 10))
		cells, _ := pierce(r, splits(r, 20))
		first := build(t, draw(t, cells, 0))
		var again []Drawn
		for i, s := range first.Shapes {
			again = append(again, Drawn{Code: fmt.Sprint(i), Shape: s})
		}
		second := build(t, again)
		if len(second.Flaws) > 0 {
			t.Fatalf("flaws: %v", second.Flaws)
		}
		for i := range first.Shapes {
			if a, b := corners(first.Shapes[i]), corners(second.Shapes[i]); !slices.Equal(a, b) {
				t.Errorf("shape %d: %d corners became %d", i, len(a), len(b))
			}
		}
	}
}

func corners(s geo.Shape) []string {
	var out []string
	s.Sides(func(a, b geo.Node) { out = append(out, fmt.Sprint(a, b)) })
	slices.Sort(out)
	return out
}

func TestMicroGridsLieInTheirBaseGrid(t *testing.T) {
	base := []Drawn{rect(t, "a", 117, 36.8, 117.01, 36.81), rect(t, "b", 117.01, 36.8, 117.02, 36.81)}
	good := []Drawn{rect(t, "a1", 117, 36.8, 117.01, 36.805), rect(t, "b1", 117.01, 36.803, 117.015, 36.807)}
	flaws, err := Inside(base, good, []int{0, 1})
	if err != nil || len(flaws) > 0 {
		t.Fatalf("%v %v", flaws, err)
	}
	bad := []Drawn{rect(t, "a1", 117.005, 36.803, 117.015, 36.807), rect(t, "b1", 117.015, 36.805, 117.016, 36.82)}
	flaws, err = Inside(base, bad, []int{0, 1})
	if err != nil || len(flaws) != 2 {
		t.Fatalf("%v %v", flaws, err)
	}
	p := &Partition{Flaws: flaws}
	near(t, p, Outside, orb.Point{117.0125, 36.805}, 50, "a1", "b")
	near(t, p, Outside, orb.Point{117.0155, 36.815}, 50, "b1")
	if s := flaws[0].String(); !strings.Contains(s, "outside at 117.0") {
		t.Errorf("said as %q", s)
	}
}
