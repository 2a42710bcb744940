package geo

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
)

// Whatever position is named in whatever datum, it is refused or lies on the
// globe, and leads back to itself.
func FuzzDatum(f *testing.F) {
	f.Add("gcj02", 117.0, 36.9)
	f.Add("BD-09", 180.0, -90.0)
	f.Add("EPSG:4490", math.NaN(), math.Inf(1))
	f.Add("mars", 1e300, -1e300)
	f.Fuzz(func(t *testing.T, name string, lon, lat float64) {
		d, err := ParseDatum(name)
		if err != nil {
			return
		}
		p, err := d.ToWGS84(orb.Point{lon, lat})
		if err != nil {
			return
		}
		if math.IsNaN(p[0]) || math.IsNaN(p[1]) {
			t.Fatalf("%s %g %g leads to %v", name, lon, lat, p)
		}
		if lon < 73 || lon > 135 || lat < 3 || lat > 53 {
			return // at the edge of the shifted area there is no way back
		}
		back, err := d.FromWGS84(p)
		if err != nil || math.Abs(back[0]-lon) > 1e-8 || math.Abs(back[1]-lat) > 1e-8 {
			t.Fatalf("%s %g %g leads to %v and back to %v, %v", name, lon, lat, p, back, err)
		}
	})
}
