package grid

import (
	"onegrid/internal/kit/geo"

	"github.com/paulmach/orb"
)

// Drawing is one feature of a file of grids, read and brought to WGS84. Err
// says why it cannot be used.
type Drawing struct {
	Number  int // of the feature in its file, from 1
	Feature geo.Feature
	Code    string
	Kind    Kind
	Shape   geo.Shape
	Err     error
}

// Drawn is the drawing as Build wants it.
func (d Drawing) Drawn() Drawn {
	return Drawn{Code: d.Code, Special: d.Kind == Special, Shape: d.Shape}
}

// ReadDrawings reads the features of a GeoJSON file of grids whose coordinates
// are of the given datum. A feature needs a property "code", once in the file; "kind"
// may be "special". A file that is no GeoJSON or
// holds nothing is refused whole.
func ReadDrawings(text []byte, datum geo.Datum) ([]Drawing, error) {
	if datum.String() == "" {
		return nil, geo.ErrDatum.With("datum", "")
	}
	features, err := geo.ReadGeoJSON(text)
	if err != nil {
		return nil, err
	}
	if len(features) == 0 {
		return nil, ErrNoFeatures
	}
	drawings := make([]Drawing, len(features))
	first := map[string]int{}
	for i, f := range features {
		d := Drawing{Number: i + 1, Feature: f, Err: f.Err}
		d.Code, _ = f.Text("code")
		if d.Err == nil {
			d.Err = d.read(datum)
		}
		if d.Err == nil {
			if other := first[d.Code]; other > 0 {
				d.Err = ErrCodeTwice.With("code", d.Code, "first", other)
			} else {
				first[d.Code] = d.Number
			}
		}
		drawings[i] = d
	}
	return drawings, nil
}

func (d *Drawing) read(datum geo.Datum) (err error) {
	if d.Code == "" {
		return ErrNoCode.At("code", "grid.code_missing")
	}
	// A foreign file may mean something else by "kind"; only this word counts
	// here, an import checks it.
	d.Kind = Comprehensive
	if kind, _ := d.Feature.Text("kind"); Kind(kind) == Special {
		d.Kind = Special
	}
	d.Shape, err = shapeOf(d.Feature.Shape, datum)
	return err
}

// shapeOf brings a drawn shape to WGS84 and onto the lattice.
func shapeOf(m orb.MultiPolygon, datum geo.Datum) (geo.Shape, error) {
	if datum != geo.WGS84 {
		var err error
		if m, err = toWGS84(m, datum); err != nil {
			return nil, err
		}
	}
	return geo.ShapeOf(m)
}

func toWGS84(m orb.MultiPolygon, datum geo.Datum) (orb.MultiPolygon, error) {
	m = m.Clone()
	for _, polygon := range m {
		for _, ring := range polygon {
			for i, c := range ring {
				p, err := datum.ToWGS84(c)
				if err != nil {
					return nil, err
				}
				ring[i] = p
			}
		}
	}
	return m, nil
}
