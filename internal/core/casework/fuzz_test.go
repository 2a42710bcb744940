package casework

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/paulmach/orb/maptile"

	"onegrid/internal/kit/fault"
)

// Whatever is called a case number, it is refused or is one that is read the
// same again.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"20261124-K7P2M9X-R", " 20261124 k7p2m9x r", "20261124－AAAAAAA—A", "00000000-2222222-2", "ǅ0261124-K7P2M9X-R"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(strings.ToLower(n)); err != nil || again != n || len(n) != 18 {
			t.Fatalf("%q became %q and then %q, %v", s, n, again, err)
		}
	})
}

// Whatever is searched for, the terms are words of the text and nothing of the
// language of either index.
func FuzzTerms(f *testing.F) {
	for _, s := range []string{"东门外垃圾", "NEAR(a b) OR *", "\"a\" AND b", "20261124-K7P2M9X-R", "a:b ^c -d", "xsec0", "1东", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		terms, err := queryTerms(q)
		if err != nil {
			if fault.Of(err).Kind != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		for _, term := range terms {
			if term == "" || !utf8.ValidString(term) || strings.ContainsAny(term, " \"'*():^-\x00&|!<>\\") {
				t.Fatalf("%q asks for the term %q", q, term)
			}
		}
		contains(Case{Text: q}, q)
	})
}

// Whatever tile or position is asked for, it is one range of spots that lies
// within the world, and a position lies in its tile.
func FuzzSpot(f *testing.F) {
	f.Add(117.0, 36.9, uint8(14))
	f.Add(180.0, 90.0, uint8(20))
	f.Add(-180.0, -90.0, uint8(0))
	f.Fuzz(func(t *testing.T, lon, lat float64, z uint8) {
		if !(lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90) || z > maxZoom {
			return
		}
		spot := spotOf(lon, lat)
		tile := maptile.FromQuadkey(uint64(spot), spotZoom)
		for tile.Z > maptile.Zoom(z) {
			tile = tile.Parent()
		}
		if first, end := spots(tile); spot < first || spot >= end || first < 0 {
			t.Fatalf("%g %g is spot %d, its tile %d to %d", lon, lat, spot, first, end)
		}
	})
}

// Whatever is called a telephone number, it is refused or is digits alone, and
// stays so.
func FuzzPhone(f *testing.F) {
	for _, s := range []string{"138 0000 0021", "+86 138-0000-0021", "（0531）8888 0000", "１３８００００００２１", "+", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := tidyPhone(s)
		if err != nil {
			return
		}
		if again, err := tidyPhone(p); err != nil || again != p || strings.Trim(p, "0123456789") != "" {
			t.Fatalf("%q became %q and then %q, %v", s, p, again, err)
		}
	})
}
