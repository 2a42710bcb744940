package grid

import (
	"sync"
	"sync/atomic"

	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// outlines are the borders of the units that grids belong to, joined from the
// grids' ground, and where names are written. They are made when a map first
// asks for them.
type outlines struct {
	once      sync.Once
	streets   []outline
	platforms []outline

	boxes [2]sync.Once
	base  drawnLayer
	micro drawnLayer
}

// outline is the ground of one unit. It is shown to whoever may see one of its
// grids.
type outline struct {
	unit  id.ID
	grids []Grid
	shape geo.Shape
	box   geo.Box
	label geo.Node
}

// drawnLayer is what maps need of a layer beside its shapes.
type drawnLayer struct {
	boxes  []geo.Box
	labels []atomic.Pointer[geo.Node] // found when first asked for
}

// outlined gives the ground of each street and platform in force.
func (p *Period) outlined() *outlines {
	p.lines.once.Do(func() {
		p.lines.streets = p.join(func(g Grid) id.ID { return g.Street })
		p.lines.platforms = p.join(func(g Grid) id.ID { return g.Platform })
	})
	return &p.lines
}

func (p *Period) join(unit func(Grid) id.ID) []outline {
	var out []outline
	number := map[id.ID]int{}
	group := make([]int, len(p.base.grids))
	for i, g := range p.base.grids {
		group[i] = -1
		u := unit(g)
		if u.IsZero() {
			continue
		}
		k, known := number[u]
		if !known {
			k = len(out)
			number[u] = k
			out = append(out, outline{unit: u})
		}
		group[i] = k
		out[k].grids = append(out[k].grids, g)
	}
	joined := out[:0]
	for k, shape := range p.base.partition.Outlines(group, len(out)) {
		if o := out[k]; shape != nil {
			o.shape, o.box, o.label = shape, shape.Box(), shape.Label()
			joined = append(joined, o)
		}
	}
	return joined
}

// drawn gives the boxes and labels of a layer.
func (p *Period) drawn(l Layer) *drawnLayer {
	d, once := &p.lines.base, &p.lines.boxes[0]
	if l == Micro {
		d, once = &p.lines.micro, &p.lines.boxes[1]
	}
	once.Do(func() {
		shapes := p.layer(l).partition.Shapes
		d.labels = make([]atomic.Pointer[geo.Node], len(shapes))
		d.boxes = make([]geo.Box, len(shapes))
		for i, s := range shapes {
			if s == nil {
				d.boxes[i] = geo.Box{Min: geo.Node{X: 1}, Max: geo.Node{}} // meets nothing
				continue
			}
			d.boxes[i] = s.Box()
		}
	})
	return d
}

// label is where the name of the i-th grid of a layer is written.
func (p *Period) label(l Layer, i int) geo.Node {
	d := p.drawn(l)
	if n := d.labels[i].Load(); n != nil {
		return *n
	}
	n := p.layer(l).partition.Shapes[i].Label()
	d.labels[i].Store(&n)
	return n
}

// Within calls f with the grids of a layer that may meet a rectangle: each with
// its number in the layer and its ground.
func (p *Period) Within(l Layer, box geo.Box, f func(i int, g Grid, shape geo.Shape)) {
	boxes, m := p.drawn(l).boxes, p.layer(l)
	for i, b := range boxes {
		if b.Meets(box) {
			f(i, m.grids[i], m.partition.Shapes[i])
		}
	}
}
