package geo

import (
	"math"
	"strings"

	"github.com/paulmach/orb"
)

// Datum says what a source means by its longitudes and latitudes (坐标系). Its
// zero value is no datum at all and is refused everywhere: 500 m are more than
// a village grid, so it is asked, never guessed. (notes/geo.md section 3)
type Datum uint8

const (
	// WGS84 is the datum of satellite positions and of everything stored here.
	// CGCS2000 (EPSG:4490) is read as the same: they differ by centimetres.
	WGS84 Datum = iota + 1
	// GCJ02 is the shifted datum of public Chinese maps (火星坐标), used by
	// WeChat and Amap.
	GCJ02
	// BD09 is GCJ02 shifted once more, used by Baidu.
	BD09
)

// Datums lists what a source can choose from.
var Datums = []Datum{WGS84, GCJ02, BD09}

// String is the name used in files and in the API.
func (d Datum) String() string {
	switch d {
	case WGS84:
		return "wgs84"
	case GCJ02:
		return "gcj02"
	case BD09:
		return "bd09"
	}
	return ""
}

// ParseDatum reads a name of a datum, with or without hyphens and in any case.
// A missing or unknown one is ErrDatum.
func ParseDatum(s string) (Datum, error) {
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s)) {
	case "wgs84", "cgcs2000", "epsg:4326", "epsg:4490":
		return WGS84, nil
	case "gcj02":
		return GCJ02, nil
	case "bd09", "bd09ll":
		return BD09, nil
	}
	return 0, ErrDatum.With("datum", clip(s))
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// MarshalText writes the name.
func (d Datum) MarshalText() ([]byte, error) {
	if d.String() == "" {
		return nil, ErrDatum
	}
	return []byte(d.String()), nil
}

// UnmarshalText is ParseDatum.
func (d *Datum) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDatum(string(b))
	return err
}

// ToWGS84 gives the WGS84 position that a source with this datum meant by p.
// It refuses an unknown datum and a position that is none.
func (d Datum) ToWGS84(p orb.Point) (orb.Point, error) {
	if err := Check(p); err != nil {
		return orb.Point{}, err
	}
	switch d {
	case WGS84:
		return p, nil
	case GCJ02:
		return backwards(gcjFromWGS, p), nil
	case BD09:
		return backwards(gcjFromWGS, backwards(bdFromGCJ, p)), nil
	}
	return orb.Point{}, ErrDatum.With("datum", "")
}

// FromWGS84 gives what a map with this datum calls the WGS84 position p.
func (d Datum) FromWGS84(p orb.Point) (orb.Point, error) {
	if err := Check(p); err != nil {
		return orb.Point{}, err
	}
	switch d {
	case WGS84:
		return p, nil
	case GCJ02:
		return gcjFromWGS(p), nil
	case BD09:
		return bdFromGCJ(gcjFromWGS(p)), nil
	}
	return orb.Point{}, ErrDatum.With("datum", "")
}

// backwards undoes a shift f by repeated correction. The shifts change by less
// than a thousandth of the distance moved, so few rounds reach a micrometre.
func backwards(f func(orb.Point) orb.Point, want orb.Point) orb.Point {
	p := want
	for range 12 {
		q := f(p)
		dx, dy := want[0]-q[0], want[1]-q[1]
		p[0], p[1] = p[0]+dx, p[1]+dy
		if math.Abs(dx) < 1e-12 && math.Abs(dy) < 1e-12 {
			break
		}
	}
	return p
}

// inShiftedArea is the rectangle in which public Chinese maps shift positions;
// outside it GCJ-02 equals WGS84.
func inShiftedArea(p orb.Point) bool {
	return p[0] >= 72.004 && p[0] <= 137.8347 && p[1] >= 0.8293 && p[1] <= 55.8271
}

// gcjFromWGS is the well known shift on the Krasovsky ellipsoid; the constants
// are those that gcoord 1.0.7 uses. (notes/geo.md section 3)
func gcjFromWGS(p orb.Point) orb.Point {
	if !inShiftedArea(p) {
		return p
	}
	const a, ee = 6378245.0, 0.006693421622965823
	x, y := p[0]-105, p[1]-35
	wave := func(v, long, middle, short, lm, ls float64) float64 {
		return (long*math.Sin(v*math.Pi/lm) + middle*math.Sin(v*math.Pi/ls)) * 2 / 3 * short
	}
	shared := wave(x*6, 20, 20, 1, 1, 3)
	dLat := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) +
		shared + wave(y, 20, 40, 1, 1, 3) + wave(y, 160, 320, 1, 12, 30)
	dLon := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) +
		shared + wave(x, 20, 40, 1, 1, 3) + wave(x, 150, 300, 1, 12, 30)
	rad := p[1] * math.Pi / 180
	m := 1 - ee*math.Sin(rad)*math.Sin(rad)
	dLat = dLat * 180 / (a * (1 - ee) / (m * math.Sqrt(m)) * math.Pi)
	dLon = dLon * 180 / (a / math.Sqrt(m) * math.Cos(rad) * math.Pi)
	return orb.Point{p[0] + dLon, p[1] + dLat}
}

// bdFromGCJ is the second shift of BD-09.
func bdFromGCJ(p orb.Point) orb.Point {
	const k = math.Pi * 3000 / 180
	z := math.Hypot(p[0], p[1]) + 0.00002*math.Sin(p[1]*k)
	theta := math.Atan2(p[1], p[0]) + 0.000003*math.Cos(p[0]*k)
	return orb.Point{z*math.Cos(theta) + 0.0065, z*math.Sin(theta) + 0.006}
}
