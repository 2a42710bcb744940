package geo

import (
	"errors"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

var somewhere = orb.Point{117.0, 36.8}

// The distances were measured with gcoord 1.0.7 (notes/geo.md section 3): a
// wrong datum moves a position by more than a village grid.
func TestWrongDatumMovesByHundredsOfMetres(t *testing.T) {
	for _, c := range []struct {
		datum  Datum
		metres float64
	}{{WGS84, 0}, {GCJ02, 523}, {BD09, 1319}} {
		p, err := c.datum.FromWGS84(somewhere)
		if err != nil {
			t.Fatal(err)
		}
		if d := Metres(somewhere, p); math.Abs(d-c.metres) > 2 {
			t.Errorf("%s is %.1f m away, want %.0f", c.datum, d, c.metres)
		}
		q, err := c.datum.ToWGS84(somewhere)
		if err != nil {
			t.Fatal(err)
		}
		if d := Metres(somewhere, q); c.datum != WGS84 && d < 500 {
			t.Errorf("taken for %s, the position moves only %.1f m", c.datum, d)
		}
	}
}

func TestDatumRoundTripIsUnderAMillimetre(t *testing.T) {
	rapid.Check(t, func(q *rapid.T) {
		p := orb.Point{rapid.Float64Range(73, 135).Draw(q, "lon"), rapid.Float64Range(3, 54).Draw(q, "lat")}
		d := rapid.SampledFrom(Datums).Draw(q, "datum")
		there, err := d.FromWGS84(p)
		if err != nil {
			q.Fatal(err)
		}
		back, err := d.ToWGS84(there)
		if err != nil {
			q.Fatal(err)
		}
		if m := Metres(p, back); m > 0.001 {
			q.Fatalf("%s: %v came back %.4f m away", d, p, m)
		}
		if d != WGS84 && Metres(p, there) < 5 {
			q.Fatalf("%s did not move %v", d, p)
		}
	})
}

func TestGCJ02DoesNotMoveTheRestOfTheWorld(t *testing.T) {
	for _, p := range []orb.Point{{-71.06, 42.36}, {2.35, 48.86}, {151.2, -33.9}} {
		if q, err := GCJ02.FromWGS84(p); err != nil || q != p {
			t.Errorf("%v became %v, %v", p, q, err)
		}
	}
}

func TestDatumIsAskedNeverGuessed(t *testing.T) {
	for text, want := range map[string]Datum{
		"wgs84": WGS84, "WGS-84": WGS84, "CGCS2000": WGS84, "EPSG:4490": WGS84,
		"GCJ-02": GCJ02, "gcj02": GCJ02, "BD_09": BD09,
	} {
		if d, err := ParseDatum(text); err != nil || d != want {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "wgs", "mars", "bd"} {
		if _, err := ParseDatum(text); !errors.Is(err, ErrDatum) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var none Datum
	if _, err := none.ToWGS84(somewhere); !errors.Is(err, ErrDatum) {
		t.Errorf("no datum converts: %v", err)
	}
	if _, err := none.FromWGS84(somewhere); !errors.Is(err, ErrDatum) {
		t.Errorf("no datum converts: %v", err)
	}
	if _, err := none.MarshalText(); !errors.Is(err, ErrDatum) {
		t.Errorf("no datum is written: %v", err)
	}
}

func TestPositionsOffTheEarthAreRefused(t *testing.T) {
	for _, p := range []orb.Point{{180.1, 0}, {0, 90.1}, {-181, 0}, {0, -91}, {math.NaN(), 0}, {0, math.NaN()}, {math.Inf(1), 0}} {
		if _, err := GCJ02.ToWGS84(p); !errors.Is(err, ErrPosition) {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, p := range []orb.Point{{180, 90}, {-180, -90}, {0, 0}} {
		if err := Check(p); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		if q := Round(p); q != p {
			t.Errorf("%v rounds to %v", p, q)
		}
	}
}

func TestMetres(t *testing.T) {
	for _, c := range []struct {
		a, b orb.Point
		want float64
	}{
		{orb.Point{0, 0}, orb.Point{1, 0}, 111195},
		{orb.Point{0, 0}, orb.Point{0, 1}, 111195},
		{orb.Point{0, 60}, orb.Point{1, 60}, 55597},
		{orb.Point{179.5, 0}, orb.Point{-179.5, 0}, 111195},
		{orb.Point{0, 90}, orb.Point{0, -90}, 20015115},
	} {
		if got := Metres(c.a, c.b); math.Abs(got-c.want) > 1+c.want*1e-5 {
			t.Errorf("%v to %v: %.0f, want %.0f", c.a, c.b, got, c.want)
		}
	}
}
