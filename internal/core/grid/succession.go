package grid

import "onegrid/internal/kit/geo"

// inherit notes which rows take over how much of a grid that ends, the list by
// which its posts and open cases follow, and gives the share that nobody takes.
// A hundredth is a border moved a little.
func (m *importing) inherit(old Grid) (lost float64, err error) {
	var rows []*candidate
	var near []Grid
	for _, c := range m.rows {
		if c.fault == nil && c.grid.Layer == old.Layer && c.grid.Shape.Box().Meets(old.Shape.Box()) {
			rows, near = append(rows, c), append(near, c.grid)
		}
	}
	shares, err := shares(old, near)
	if err != nil {
		return 0, err
	}
	lost = 1
	for i, share := range shares {
		lost -= share
		if share >= 0.01 {
			m.heirs = append(m.heirs, heir{old: old.ID, row: rows[i], share: share})
		}
	}
	if lost < 0.01 {
		lost = 0
	}
	return lost, nil
}

// shares measures which part of a grid's ground each other one covers.
func shares(old Grid, heirs []Grid) ([]float64, error) {
	var parts []geo.Shape
	var owner []int
	for i, g := range append([]Grid{old}, heirs...) {
		for _, polygon := range g.Shape {
			parts, owner = append(parts, geo.Shape{polygon}), append(owner, i)
		}
	}
	plane, err := geo.Subdivide(parts, Reach)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(heirs))
	whole := old.Shape.SquareMetres()
	for f := 1; f < plane.Faces(); f++ {
		covered, heir := false, -1
		for _, part := range plane.Cover(f) {
			if owner[part] == 0 {
				covered = true
			} else if heir < 0 || heirs[owner[part]-1].Kind == Special {
				heir = owner[part] - 1
			}
		}
		if covered && heir >= 0 {
			out[heir] += plane.FaceShape(f).SquareMetres() / whole
		}
	}
	return out, nil
}
