package area

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"

	"onegrid/internal/kit/words"
)

// The middle of the drawing, and metres in a degree there. The real area lies
// here, north of the Yellow River; its shape does not look like this one.
const (
	midLon, midLat = 117.025, 36.90
	metresLat      = 111_000.0
	metresLon      = 89_000.0
)

// cell is the ground of one village.
type cell struct {
	site   int
	street int
	group  int // platform
	half   int // 0 or 1: which grid of its platform
}

// plan is the area while it is drawn.
type plan struct {
	random  *rand.Rand
	sites   []xy // the villages' cells first, then those outside that bound them
	cells   []cell
	next    [][]int // neighbours of a cell
	borders []border
}

// Build draws the area.
func Build(files fs.FS, seed uint64) (*Area, error) {
	streets, villages, err := readDivisions(files)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(streets))
	for _, v := range villages {
		counts[slices.IndexFunc(streets, func(s Street) bool { return s.Code == v.Street })]++
	}
	for try := range uint64(50) {
		p := &plan{random: rand.New(rand.NewPCG(seed, try))}
		p.scatter(len(villages))
		if !p.share(counts) {
			continue
		}
		groups := make([]int, len(streets))
		left := Platforms
		for i := range streets {
			groups[i] = int(math.Round(float64(Platforms*counts[i]) / float64(len(villages))))
			left -= groups[i]
		}
		groups[len(groups)-1] += left
		if p.group(groups) && p.halve(BaseGrids-specials-Platforms) {
			return p.draw(streets, villages), nil
		}
	}
	return nil, fmt.Errorf("the demo's area cannot be drawn with seed %d", seed)
}

// reach is how far the area goes in a direction: a rounded square with a
// wandering edge, so that the whole box in its middle is covered.
func reach(angle float64) float64 {
	c, s := math.Abs(math.Cos(angle)), math.Abs(math.Sin(angle))
	return 14_500 / math.Pow(math.Pow(c, 6)+math.Pow(s, 6), 1.0/6) *
		(1 + 0.025*math.Sin(3*angle+1) + 0.02*math.Sin(7*angle+2) + 0.012*math.Sin(13*angle))
}

// scatter sets n sites into the area, as unevenly as villages lie, and a belt
// of others around it.
func (p *plan) scatter(n int) {
	in := func(at xy) bool { return at.length() < reach(math.Atan2(at.y, at.x)) }
	for len(p.sites) < n {
		// The best of a few tries: even, but not a lattice.
		var best xy
		far := -1.0
		for range 8 {
			at := xy{(p.random.Float64()*2 - 1) * 17_000, (p.random.Float64()*2 - 1) * 17_000}
			if !in(at) {
				continue
			}
			near := reach(math.Atan2(at.y, at.x)) - at.length() + 500
			for _, s := range p.sites {
				near = min(near, at.to(s))
			}
			if near > far {
				best, far = at, near
			}
		}
		if far > 0 {
			p.sites = append(p.sites, best)
		}
	}
	for belt := range 3 {
		count := 96
		for i := range count {
			angle := 2 * math.Pi * (float64(i) + 0.5*float64(belt%2) + 0.3*p.random.Float64()) / float64(count)
			r := reach(angle) + 700 + 1500*float64(belt) + 300*p.random.Float64()
			p.sites = append(p.sites, xy{r * math.Cos(angle), r * math.Sin(angle)})
		}
	}
	for range 3 { // a little evening out
		borders := voronoi(p.sites)
		moved := slices.Clone(p.sites)
		for i := range n {
			if r := ring(borders, func(s int) bool { return s == i }); r != nil {
				moved[i] = p.sites[i].scale(0.4).add(middle(r).scale(0.6))
			}
		}
		p.sites = moved
	}
	p.cells = make([]cell, n)
	p.next = make([][]int, n)
	for _, b := range voronoi(p.sites) {
		if b.b < n { // a is the smaller
			p.next[b.a] = append(p.next[b.a], b.b)
			p.next[b.b] = append(p.next[b.b], b.a)
		}
		p.borders = append(p.borders, roughen(b, p.sites, p.random))
	}
	for i := range p.cells {
		p.cells[i].site = i
	}
}

// share gives each street its number of cells, in one piece. The streets lie
// about as they really do: Daqiao in the south-west, Cuizhai in the south-east,
// Sungeng in the north-west, Taiping in the north-east.
func (p *plan) share(counts []int) bool {
	heart := []xy{{-7400, -3600}, {4200, -7600}, {-4200, 7600}, {7400, 3600}}
	weight := make([]float64, len(heart))
	step := 4e6
	for range 4000 {
		have := make([]int, len(heart))
		for i := range p.cells {
			best := math.Inf(1)
			for s, h := range heart {
				if d := p.sites[i].sub(h); d.dot(d)-weight[s] < best {
					best, p.cells[i].street = d.dot(d)-weight[s], s
				}
			}
			have[p.cells[i].street]++
		}
		if slices.Equal(have, counts) {
			for s := range heart {
				if !p.joined(p.where(func(c cell) bool { return c.street == s })) {
					return false
				}
			}
			return true
		}
		for s := range heart {
			weight[s] += step * float64(counts[s]-have[s]) / float64(counts[s])
		}
		step *= 0.997
	}
	return false
}

func (p *plan) where(is func(cell) bool) []int {
	var out []int
	for i, c := range p.cells {
		if is(c) {
			out = append(out, i)
		}
	}
	return out
}

// joined says whether cells make one piece.
func (p *plan) joined(cells []int) bool {
	if len(cells) == 0 {
		return false
	}
	seen := map[int]bool{cells[0]: true}
	for queue := cells[:1:1]; len(queue) > 0; queue = queue[1:] {
		for _, n := range p.next[queue[0]] {
			if !seen[n] && slices.Contains(cells, n) {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	return len(seen) == len(cells)
}

// group joins neighbouring villages of a street until it has its number of
// platforms, of one to four villages each.
func (p *plan) group(counts []int) bool {
	for i := range p.cells {
		p.cells[i].group = i
	}
	size := func(g int) int { return len(p.where(func(c cell) bool { return c.group == g })) }
	for s, want := range counts {
		mine := p.where(func(c cell) bool { return c.street == s })
		groups := len(mine)
		for tries := 0; groups > want; tries++ {
			if tries > 10_000 {
				return false
			}
			a := mine[p.random.IntN(len(mine))]
			b := p.next[a][p.random.IntN(len(p.next[a]))]
			ga, gb := p.cells[a].group, p.cells[b].group
			if p.cells[b].street != s || ga == gb || size(ga)+size(gb) > 2+p.random.IntN(3) {
				continue
			}
			for i := range p.cells {
				if p.cells[i].group == gb {
					p.cells[i].group = ga
				}
			}
			groups--
		}
	}
	return true
}

// halve divides some platforms of two or three villages into two grids.
func (p *plan) halve(n int) bool {
	var can []int
	for i := range p.cells {
		if g := p.where(func(c cell) bool { return c.group == i }); len(g) == 2 || len(g) == 3 {
			can = append(can, i)
		}
	}
	p.random.Shuffle(len(can), func(a, b int) { can[a], can[b] = can[b], can[a] })
	for _, g := range can {
		if n == 0 {
			break
		}
		cells := p.where(func(c cell) bool { return c.group == g })
		for k, alone := range cells {
			rest := slices.Delete(slices.Clone(cells), k, k+1)
			if p.joined(rest) {
				p.cells[alone].half = 1
				n--
				break
			}
		}
	}
	return n == 0
}

// point is a position of the plane on the map, rounded once: every ring that has
// the corner has the same bits.
func point(at xy) Point {
	round := func(v float64) float64 { return math.Round(v*1e7) / 1e7 }
	return Point{round(midLon + at.x/metresLon), round(midLat + at.y/metresLat)}
}

func closed(r []xy) Ring {
	out := make(Ring, 0, len(r)+1)
	for _, p := range r {
		out = append(out, point(p))
	}
	return append(out, out[0])
}

// outline is the ring around cells.
func (p *plan) outline(is func(cell) bool) []xy {
	return ring(p.borders, func(site int) bool { return site < len(p.cells) && is(p.cells[site]) })
}

// hilbert is a position's place on a curve that fills the plane, so that
// consecutive codes lie near each other.
func hilbert(at xy) int {
	const n = 1 << 10
	x, y := int((at.x+20_000)/40_000*n), int((at.y+20_000)/40_000*n)
	d := 0
	for s := n / 2; s > 0; s /= 2 {
		rx, ry := 0, 0
		if x&s > 0 {
			rx = 1
		}
		if y&s > 0 {
			ry = 1
		}
		d += s * s * ((3 * rx) ^ ry)
		if ry == 0 {
			if rx == 1 {
				x, y = n-1-x, n-1-y
			}
			x, y = y, x
		}
	}
	return d
}

// draw gives names and codes and makes the shapes.
func (p *plan) draw(streets []Street, villages []Village) *Area {
	a := &Area{Streets: streets, Villages: villages}
	village := make([]int, len(p.cells)) // of a cell
	for s := range streets {
		cells := p.where(func(c cell) bool { return c.street == s })
		slices.SortFunc(cells, func(i, j int) int { return cmp.Compare(hilbert(p.sites[i]), hilbert(p.sites[j])) })
		k := 0
		for v := range a.Villages {
			if a.Villages[v].Street == streets[s].Code {
				village[cells[k]] = v
				a.Villages[v].At = point(p.sites[cells[k]])
				k++
			}
		}
		a.Streets[s].Outline = closed(p.outline(func(c cell) bool { return c.street == s }))
	}
	holes, special := p.special(len(streets))
	for s := range streets {
		p.drawStreet(a, s, village, holes)
	}
	for i, g := range special {
		s := i % len(streets)
		number := 1 + i/len(streets)
		what := []words.Text{{Chinese: "产业园", English: "industrial park"}, {Chinese: "商贸市场", English: "market"}}[number-1]
		a.Grids = append(a.Grids, Grid{
			Code: fmt.Sprintf("%s%03d", streets[s].Code, 900+number), Layer: "base", Kind: "special", Street: streets[s].Code,
			Name: words.Text{
				Chinese: fmt.Sprintf("%s%s专属网格", streets[s].Name.Chinese, what.Chinese),
				English: fmt.Sprintf("%s %s (special grid)", streets[s].Name.English, what.English),
			},
			Shape: []Ring{closed(g)},
		})
	}
	p.micro(a, village, holes)
	slices.SortFunc(a.Platforms, func(x, y Platform) int { return cmp.Compare(x.Code, y.Code) })
	slices.SortFunc(a.Grids, func(x, y Grid) int { return cmp.Or(cmp.Compare(x.Layer, y.Layer), cmp.Compare(x.Code, y.Code)) })
	return a
}

// special cuts out the special grids: small shapes within one village's cell, two
// a street. It gives them by cell and in the order of the streets, twice over.
func (p *plan) special(streets int) (map[int][]xy, [][]xy) {
	holes := map[int][]xy{}
	shapes := make([][]xy, specials)
	for s := range streets {
		cells := p.where(func(c cell) bool { return c.street == s })
		room := func(i int) float64 {
			return clearance(p.sites[i], p.outline(func(c cell) bool { return c.site == i }))
		}
		slices.SortFunc(cells, func(i, j int) int { return cmp.Or(cmp.Compare(room(j), room(i)), cmp.Compare(i, j)) })
		for k := range specials / streets {
			i := cells[k*5] // roomy, but not both side by side
			r := room(i) * 0.62
			var shape []xy
			for n := range 11 {
				angle := 2 * math.Pi * float64(n) / 11
				shape = append(shape, p.sites[i].add(xy{math.Cos(angle), math.Sin(angle)}.scale(r*(0.72+0.28*p.random.Float64()))))
			}
			holes[i] = shape
			shapes[k*streets+s] = shape
		}
	}
	return holes, shapes
}

// drawStreet makes the platforms of a street and their grids.
func (p *plan) drawStreet(a *Area, s int, village []int, holes map[int][]xy) {
	number := 0
	done := map[int]bool{}
	cells := p.where(func(c cell) bool { return c.street == s })
	slices.SortFunc(cells, func(i, j int) int { return cmp.Compare(village[i], village[j]) })
	for _, first := range cells {
		g := p.cells[first].group
		if done[g] {
			continue
		}
		done[g] = true
		number++
		lead := a.Villages[village[first]]
		english := fmt.Sprintf("%s area %02d", a.Streets[s].Name.English, number)
		pf := Platform{Code: lead.Code, Street: lead.Street, Name: words.Text{Chinese: stem(lead.Name) + "片区", English: english}}
		mine := p.where(func(c cell) bool { return c.group == g })
		if len(mine) == 1 {
			pf.Name.Chinese = stem(lead.Name)
		}
		for _, i := range mine {
			a.Villages[village[i]].Platform = pf.Code
			pf.Villages = append(pf.Villages, a.Villages[village[i]].Code)
		}
		slices.Sort(pf.Villages)
		a.Platforms = append(a.Platforms, pf)
		halves := [][]int{
			p.where(func(c cell) bool { return c.group == g && c.half == 0 }),
			p.where(func(c cell) bool { return c.group == g && c.half == 1 }),
		}
		// Numbered west to east within a platform. (notes/domain.md 2a)
		if len(halves[1]) == 0 {
			halves = halves[:1]
		} else if p.sites[halves[1][0]].x < p.sites[halves[0][0]].x {
			halves[0], halves[1] = halves[1], halves[0]
		}
		for n, half := range halves {
			grid := Grid{
				Code: fmt.Sprintf("%s%03d", pf.Code, n+1), Layer: "base", Kind: "comprehensive", Platform: pf.Code, Street: pf.Street,
				Name:       words.Text{Chinese: pf.Name.Chinese + "网格", English: english + " grid"},
				Households: 260 + 60*len(half) + p.random.IntN(140),
				Shape:      []Ring{closed(p.outline(func(c cell) bool { return slices.Contains(half, c.site) }))},
			}
			if len(halves) > 1 {
				grid.Name = words.Text{Chinese: fmt.Sprintf("%s第%d网格", pf.Name.Chinese, n+1), English: fmt.Sprintf("%s grid %d", english, n+1)}
			}
			for _, i := range half {
				if hole, ok := holes[i]; ok {
					r := closed(hole)
					slices.Reverse(r)
					grid.Shape = append(grid.Shape, r)
				}
			}
			a.Grids = append(a.Grids, grid)
		}
	}
}

// micro divides some grids of three and more villages into micro grids, one a
// village. They lie apart, so that none enclose ground that has no micro grid.
func (p *plan) micro(a *Area, village []int, holes map[int][]xy) {
	made, taken := map[string]int{}, map[int]bool{}
	for _, base := range slices.Clone(a.Grids) {
		if base.Kind == "special" || len(base.Shape) > 1 || made[base.Street] == 3 {
			continue
		}
		cells := p.where(func(c cell) bool {
			_, cut := holes[c.site]
			return !cut && a.Villages[village[c.site]].Platform == base.Platform
		})
		if len(cells) < 3 || p.cells[cells[0]].half != 0 || slices.ContainsFunc(cells, func(i int) bool { return p.cells[i].half != 0 }) {
			continue
		}
		if slices.ContainsFunc(cells, func(i int) bool {
			return slices.ContainsFunc(p.next[i], func(n int) bool { return taken[n] })
		}) {
			continue
		}
		for _, i := range cells {
			taken[i] = true
		}
		made[base.Street]++
		slices.SortFunc(cells, func(i, j int) int { return cmp.Compare(p.sites[i].x, p.sites[j].x) })
		for n, i := range cells {
			a.Grids = append(a.Grids, Grid{
				Code: fmt.Sprintf("%s%02d", base.Code, n+1), Layer: "micro", Kind: "comprehensive", Platform: base.Platform, Street: base.Street, Parent: base.Code,
				Name: words.Text{
					Chinese: stem(a.Villages[village[i]].Name) + "微网格",
					English: fmt.Sprintf("%s micro grid %d", base.Name.English, n+1),
				},
				Households: base.Households / len(cells),
				Shape:      []Ring{closed(p.outline(func(c cell) bool { return c.site == i }))},
			})
		}
	}
}
