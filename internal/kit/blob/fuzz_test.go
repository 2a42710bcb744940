package blob

import (
	"math"
	"testing"
	"time"
)

// Whatever a camera wrote, what is believed of it is in its range.
func FuzzExif(f *testing.F) {
	f.Add([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00"))
	f.Add([]byte("II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e := readExif(raw, time.UTC)
		if e.orientation < 1 || e.orientation > 8 {
			t.Fatal(e.orientation)
		}
		if p := e.position; p != nil && !(math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180) {
			t.Fatal(*p)
		}
		if y := e.taken.Year(); !e.taken.IsZero() && (y < 1 || y > 9999) {
			t.Fatal(e.taken)
		}
	})
}

// Whatever the outside of a file says, it is read within the file, and what it
// claims is no negative size.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00\xff\xc0\x00\x08\x08\x00\x10\x00\x10\x03"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\x00\x00\x01\x00\x00\x00\x00"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("GIF89a\x01\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if h := readHeader(raw); h.width < 0 || h.height < 0 || h.cost < 0 || len(h.exif) > len(raw) {
			t.Fatalf("%+v", h)
		}
	})
}

// Whatever is called the name of a file, it is 32 bytes in hexadecimal or none:
// nothing that leads elsewhere.
func FuzzHash(f *testing.F) {
	f.Add("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
	f.Add("../../../../../../../../../../../../../../../../../../../etc/passwd")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseHash(s); err == nil && h.String() != s {
			t.Fatalf("%q became %q", s, h)
		}
	})
}
