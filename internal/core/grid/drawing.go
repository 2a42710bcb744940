package grid

import (
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"

	"github.com/paulmach/orb"
)

var (
	// ErrNoCode says that a feature has no property "code".
	ErrNoCode = fault.New(fault.Invalid, "grid.code_missing")
	// ErrCodeTwice says that two features of one file have the same code.
	ErrCodeTwice = fault.New(fault.Invalid, "grid.code_twice")
	// ErrKind says that a kind is neither comprehensive nor special.
	ErrKind = fault.New(fault.Invalid, "grid.unknown_kind")
	// ErrNoFeatures says that a file holds no polygon at all.
	ErrNoFeatures = fault.New(fault.Invalid, "grid.no_features")
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
// are of the given datum. A feature needs a property "code", once in the file;
// "kind" is "comprehensive" when it is missing. A file that is no GeoJSON or
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
		return ErrNoCode
	}
	d.Kind = Comprehensive
	if kind, ok := d.Feature.Text("kind"); ok && kind != "" {
		if d.Kind = Kind(kind); !d.Kind.known() {
			return ErrKind.With("kind", kind)
		}
	}
	shape := d.Feature.Shape
	if datum != geo.WGS84 {
		shape, err = toWGS84(shape, datum)
		if err != nil {
			return err
		}
	}
	d.Shape, err = geo.ShapeOf(shape)
	return err
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
