package area

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// xy is a position on the drawing plane, in metres from the middle of the area.
type xy struct{ x, y float64 }

func (a xy) sub(b xy) xy        { return xy{a.x - b.x, a.y - b.y} }
func (a xy) add(b xy) xy        { return xy{a.x + b.x, a.y + b.y} }
func (a xy) scale(f float64) xy { return xy{a.x * f, a.y * f} }
func (a xy) dot(b xy) float64   { return a.x*b.x + a.y*b.y }
func (a xy) cross(b xy) float64 { return a.x*b.y - a.y*b.x }
func (a xy) length() float64    { return math.Hypot(a.x, a.y) }
func (a xy) to(b xy) float64    { return a.sub(b).length() }

// triangle names three sites, the smallest first, anticlockwise.
type triangle [3]int

// circle is the circumcentre and squared radius of three sites. The sites are
// taken in the order of their numbers, so the same three always give the same
// bits.
func circle(sites []xy, t triangle) (xy, float64) {
	slices.Sort(t[:])
	a := sites[t[0]]
	b, c := sites[t[1]].sub(a), sites[t[2]].sub(a)
	d := 2 * b.cross(c)
	u := xy{(c.y*b.dot(b) - b.y*c.dot(c)) / d, (b.x*c.dot(c) - c.x*b.dot(b)) / d}
	return a.add(u), u.dot(u)
}

// delaunay triangulates the sites (Bowyer and Watson). It is quadratic, which is
// enough for a few hundred sites.
func delaunay(sites []xy) []triangle {
	far := 0.0
	for _, s := range sites {
		far = max(far, math.Abs(s.x), math.Abs(s.y))
	}
	n := len(sites)
	all := append(slices.Clone(sites), xy{-20 * far, -20 * far}, xy{20 * far, -20 * far}, xy{0, 30 * far})
	live := []triangle{{n, n + 1, n + 2}}
	for i := range sites {
		edges := map[[2]int]int{}
		keep := live[:0:0]
		for _, t := range live {
			if at, r := circle(all, t); at.sub(sites[i]).dot(at.sub(sites[i])) >= r {
				keep = append(keep, t)
				continue
			}
			for k := range t {
				a, b := t[k], t[(k+1)%3]
				edges[[2]int{min(a, b), max(a, b)}]++
			}
		}
		border := make([][2]int, 0, len(edges))
		for e, times := range edges {
			if times == 1 {
				border = append(border, e)
			}
		}
		slices.SortFunc(border, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		for _, e := range border {
			t := triangle{e[0], e[1], i}
			if all[t[1]].sub(all[t[0]]).cross(all[t[2]].sub(all[t[0]])) < 0 {
				t[0], t[1] = t[1], t[0]
			}
			keep = append(keep, t)
		}
		live = keep
	}
	return slices.DeleteFunc(live, func(t triangle) bool { return max(t[0], t[1], t[2]) >= n })
}

// border is what two neighbouring cells share: the same points for both.
type border struct {
	a, b int  // sites, the smaller first
	line []xy // from one corner to the other
}

// voronoi gives the borders between the cells of the sites, straight, from corner
// to corner. Sites at the rim have open cells and some borders missing.
func voronoi(sites []xy) []border {
	corners := map[[2]int][]xy{}
	tri := delaunay(sites)
	slices.SortFunc(tri, func(s, t triangle) int {
		slices.Sort(s[:])
		slices.Sort(t[:])
		return cmp.Or(cmp.Compare(s[0], t[0]), cmp.Compare(s[1], t[1]), cmp.Compare(s[2], t[2]))
	})
	for _, t := range tri {
		at, _ := circle(sites, t)
		for k := range t {
			a, b := t[k], t[(k+1)%3]
			e := [2]int{min(a, b), max(a, b)}
			corners[e] = append(corners[e], at)
		}
	}
	var out []border
	for e, c := range corners {
		if len(c) == 2 {
			out = append(out, border{e[0], e[1], c})
		}
	}
	slices.SortFunc(out, func(x, y border) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return out
}

// roughen turns a straight border into one that looks as if fields and ditches
// had drawn it. Every new point stays within the two triangles that the border
// makes with its sites, so no two borders ever cross.
func roughen(b border, sites []xy, random *rand.Rand) border {
	from, to := b.line[0], b.line[1]
	length := from.to(to)
	steps := int(length / 190)
	// The random numbers are drawn whatever the length, so that one border does
	// not change the next.
	p1, p2, p3 := random.Float64()*2*math.Pi, random.Float64()*2*math.Pi, random.Float64()
	if steps < 2 {
		return b
	}
	along := to.sub(from).scale(1 / length)
	across := xy{-along.y, along.x}
	line := []xy{from}
	for i := 1; i < steps; i++ {
		t := float64(i) / float64(steps)
		at := t * length
		wish := length * 0.16 * (math.Sin(2*math.Pi*t*(0.7+p3)+p1) + 0.5*math.Sin(2*math.Pi*t*(2.3+p3)+p2))
		site := sites[b.a]
		if across.dot(site.sub(from)) > 0 != (wish > 0) {
			site = sites[b.b]
		}
		foot, height := along.dot(site.sub(from)), math.Abs(across.dot(site.sub(from)))
		room := height
		if foot > 0 {
			room = min(room, height*at/foot)
		}
		if foot < length {
			room = min(room, height*(length-at)/(length-foot))
		}
		room *= 0.42
		line = append(line, from.add(along.scale(at)).add(across.scale(max(-room, min(room, wish)))))
	}
	b.line = append(line, to)
	return b
}

// ring joins the borders around a set of cells to one closed line, anticlockwise,
// without the closing point. It gives nothing when they do not make one line.
func ring(borders []border, in func(site int) bool) []xy {
	lines := map[xy][][]xy{} // by the corner they begin at
	total := 0
	var start xy
	for _, b := range borders {
		if in(b.a) == in(b.b) {
			continue
		}
		back := slices.Clone(b.line)
		slices.Reverse(back)
		for _, line := range [][]xy{b.line, back} {
			lines[line[0]] = append(lines[line[0]], line)
			if p := line[0]; total == 0 || p.x < start.x || p.x == start.x && p.y < start.y {
				start = p
			}
			total++
		}
	}
	if total == 0 {
		return nil
	}
	total /= 2
	// Each corner has two lines: one we came by, one to go on.
	var out []xy
	var came xy
	at, used := start, 0
	for used == 0 || at != start {
		choice := lines[at]
		if len(choice) != 2 || used == total {
			return nil
		}
		line := choice[0]
		if used > 0 && line[1] == came {
			line = choice[1]
		}
		out = append(out, line[:len(line)-1]...)
		came, at = line[len(line)-2], line[len(line)-1]
		used++
	}
	if used != total {
		return nil
	}
	if area(out) < 0 {
		slices.Reverse(out)
	}
	return out
}

// area is the signed area of a ring in square metres, positive anticlockwise.
func area(r []xy) float64 {
	sum := 0.0
	for i, p := range r {
		sum += p.cross(r[(i+1)%len(r)])
	}
	return sum / 2
}

// middle is the centre of gravity of a ring.
func middle(r []xy) xy {
	var c xy
	for i, p := range r {
		q := r[(i+1)%len(r)]
		c = c.add(p.add(q).scale(p.cross(q)))
	}
	return c.scale(1 / (6 * area(r)))
}

// clearance is how far a position is from a ring.
func clearance(at xy, r []xy) float64 {
	best := math.Inf(1)
	for i, p := range r {
		d := r[(i+1)%len(r)].sub(p)
		t := max(0, min(1, at.sub(p).dot(d)/d.dot(d)))
		best = min(best, at.to(p.add(d.scale(t))))
	}
	return best
}
