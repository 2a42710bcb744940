package blob_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/words"
)

// photo draws a picture whose upper left corner is red and whose lower right
// corner is blue.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{90, 120, 90, 255}
			switch {
			case x < w/3 && y < h/3:
				c = color.RGBA{220, 20, 20, 255}
			case x > w*2/3 && y > h*2/3:
				c = color.RGBA{20, 20, 220, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// camera is what a camera writes: big endian, like most phones.
type camera struct {
	orientation uint16
	taken, zone string
	latRef      string
	lonRef      string
	lat, lon    [3]uint32
	noGPS       bool
}

// block builds an EXIF block by hand.
func (c camera) block() []byte {
	be := binary.BigEndian
	var heap []byte
	const heapAt = 512
	add := func(b []byte) uint32 {
		at := heapAt + len(heap)
		heap = append(heap, b...)
		return uint32(at)
	}
	field := func(tag, kind uint16, count uint32, value uint32) []byte {
		e := be.AppendUint16(nil, tag)
		e = be.AppendUint16(e, kind)
		e = be.AppendUint32(e, count)
		return be.AppendUint32(e, value)
	}
	str := func(tag uint16, s string) []byte {
		s += "\x00"
		if len(s) <= 4 {
			return append(field(tag, 2, uint32(len(s)), 0)[:8], append([]byte(s), 0, 0, 0, 0)[:4]...)
		}
		return field(tag, 2, uint32(len(s)), add([]byte(s)))
	}
	frac := func(tag uint16, v [3]uint32) []byte {
		var b []byte
		for _, n := range v {
			b = be.AppendUint32(be.AppendUint32(b, n), 100)
		}
		return field(tag, 5, 3, add(b))
	}
	dir := func(fields ...[]byte) []byte {
		b := be.AppendUint16(nil, uint16(len(fields)))
		for _, f := range fields {
			b = append(b, f...)
		}
		return be.AppendUint32(b, 0)
	}
	const exifAt, gpsAt = 100, 300
	mainDir := dir(field(0x0112, 3, 1, uint32(c.orientation)<<16), str(0x010f, "SECRETPHONE"), field(0x8769, 4, 1, exifAt), field(0x8825, 4, 1, gpsAt))
	if c.noGPS {
		mainDir = dir(field(0x0112, 3, 1, uint32(c.orientation)<<16), field(0x8769, 4, 1, exifAt))
	}
	exifDir := dir(str(0x9003, c.taken), str(0x9011, c.zone))
	gpsDir := dir(str(1, c.latRef), frac(2, c.lat), str(3, c.lonRef), frac(4, c.lon))
	b := make([]byte, heapAt)
	copy(b, "MM\x00*\x00\x00\x00\x08")
	copy(b[8:], mainDir)
	copy(b[exifAt:], exifDir)
	copy(b[gpsAt:], gpsDir)
	return append([]byte("Exif\x00\x00"), append(b, heap...)...)
}

// in puts the block into a JPEG, directly after its start.
func (c camera) in(jpg []byte) []byte {
	block := c.block()
	out := []byte{0xff, 0xd8, 0xff, 0xe1}
	out = binary.BigEndian.AppendUint16(out, uint16(len(block)+2))
	out = append(out, block...)
	return append(out, jpg[2:]...)
}

var shot = camera{orientation: 6, taken: "2026:11:20 09:30:00", zone: "+08:00",
	latRef: "N", lonRef: "E", lat: [3]uint32{3000, 1500, 3600}, lon: [3]uint32{12200, 3000, 0}}

func make1(t testing.TB, raw []byte) (blob.Picture, error) {
	t.Helper()
	return blob.NewPictures(blob.PictureOptions{}).Make(context.Background(), raw)
}

func decoded(t testing.TB, jpg []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(jpg))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A phone's photo comes out upright and within the sizes; its time and place are
// told to staff and are in no byte that goes out.
func TestPhoto(t *testing.T) {
	raw := shot.in(asJPEG(t, photo(3000, 1500)))
	p, err := make1(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	if p.Format != "jpeg" || p.Width != 1500 || p.Height != 3000 {
		t.Errorf("%s %d×%d", p.Format, p.Width, p.Height)
	}
	view, thumb := decoded(t, p.View), decoded(t, p.Thumb)
	if view.Bounds().Dx() != 1024 || view.Bounds().Dy() != 2048 || thumb.Bounds().Dx() != 160 || thumb.Bounds().Dy() != 320 {
		t.Errorf("view %v, thumb %v", view.Bounds(), thumb.Bounds())
	}
	// Held turned by 90°: red is now in the upper right corner.
	if r, _, b, _ := view.At(1000, 20).RGBA(); r < 0xa000 || b > 0x6000 {
		t.Error("not upright")
	}
	if want := time.Date(2026, 11, 20, 1, 30, 0, 0, time.UTC); !p.Taken.Equal(want) {
		t.Errorf("taken %s", p.Taken)
	}
	if p.Position == nil || math.Abs(p.Position.Lat-30.26) > 1e-9 || math.Abs(p.Position.Lon-122.5) > 1e-9 {
		t.Errorf("position %+v", p.Position)
	}
	for _, out := range [][]byte{p.View, p.Thumb} {
		if bytes.Contains(out, []byte("Exif")) || bytes.Contains(out, []byte("SECRETPHONE")) || bytes.Contains(out, []byte("2026:11")) {
			t.Error("the camera's facts went out")
		}
	}
}

// All eight ways to hold a camera end upright.
func TestOrientations(t *testing.T) {
	for o, corner := range map[uint16]image.Point{1: {5, 5}, 2: {294, 5}, 3: {294, 144}, 4: {5, 144}, 5: {5, 5}, 6: {144, 5}, 7: {144, 294}, 8: {5, 294}} {
		p, err := make1(t, camera{orientation: o, taken: "x", noGPS: true}.in(asJPEG(t, photo(300, 150))))
		if err != nil {
			t.Fatal(err)
		}
		if r, _, b, _ := decoded(t, p.View).At(corner.X, corner.Y).RGBA(); r < 0xa000 || b > 0x6000 {
			t.Errorf("orientation %d: red is not at %v", o, corner)
		}
		if !p.Taken.IsZero() || p.Position != nil {
			t.Errorf("orientation %d: %s, %+v", o, p.Taken, p.Position)
		}
	}
}

// A camera without a fix, with nonsense, or that names no zone.
func TestCameraFacts(t *testing.T) {
	jpg := asJPEG(t, photo(60, 30))
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	maker := blob.NewPictures(blob.PictureOptions{Zone: shanghai})
	for name, c := range map[string]struct {
		change func(*camera)
		lat    float64
		taken  string
	}{
		"south":         {func(c *camera) { c.latRef = "S" }, -30.26, "2026-11-20T09:30:00+08:00"},
		"no fix":        {func(c *camera) { c.lat, c.lon = [3]uint32{}, [3]uint32{} }, 0, "2026-11-20T09:30:00+08:00"},
		"100° north":    {func(c *camera) { c.lat[0] = 10000 }, 0, "2026-11-20T09:30:00+08:00"},
		"no hemisphere": {func(c *camera) { c.latRef = "?" }, 0, "2026-11-20T09:30:00+08:00"},
		"no zone":       {func(c *camera) { c.zone = "" }, 30.26, "2026-11-20T09:30:00+08:00"},
		"no time":       {func(c *camera) { c.taken = "0000:00:00 00:00:00" }, 30.26, "0001-01-01T00:00:00Z"},
	} {
		cam := shot
		c.change(&cam)
		p, err := maker.Make(context.Background(), cam.in(jpg))
		if err != nil {
			t.Fatal(err)
		}
		lat := 0.0
		if p.Position != nil {
			lat = p.Position.Lat
		}
		if math.Abs(lat-c.lat) > 1e-9 || p.Taken.Format(time.RFC3339) != c.taken {
			t.Errorf("%s: %f %s", name, lat, p.Taken.Format(time.RFC3339))
		}
	}
}

// pngOf builds a PNG that claims a size; its pixels are missing.
func pngOf(w, h uint32, depth, interlaced byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	head = append(head, depth, 2, 0, 0, interlaced)
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func webpOf(kind string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	chunk = append(chunk, body...)
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunk)+4))
	return append(append(b, "WEBP"...), chunk...)
}

// What only pretends to be a picture, or would eat the machine, is refused
// before a pixel of it is decoded, and without the memory it asks for.
func TestBadPictures(t *testing.T) {
	good := asJPEG(t, photo(600, 300))
	bigJPEG := bytes.Clone(good)
	i := bytes.Index(bigJPEG, []byte{0xff, 0xc0})
	copy(bigJPEG[i+5:], []byte{0xff, 0xff, 0xff, 0xff})
	progressive := bytes.Clone(bigJPEG)
	progressive[i+1] = 0xc2
	copy(progressive[i+5:], []byte{0x17, 0x70, 0x17, 0x70}) // 6000×6000: fine as pixels, too much as coefficients
	lying := append(webpOf("VP8X", make([]byte, 10)), 0)[:30]
	lossless := binary.LittleEndian.AppendUint32([]byte{0x2f}, 0x3fff|0x3fff<<14)
	chunk := binary.LittleEndian.AppendUint32([]byte("VP8L"), uint32(len(lossless)))
	lying = append(append(lying, chunk...), lossless...)
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"text":                       {[]byte("hello, I am a photo.jpg"), blob.ErrNotPicture},
		"nothing":                    {nil, blob.ErrNotPicture},
		"page named jpg":             {[]byte("<html><script>alert(1)</script></html>"), blob.ErrNotPicture},
		"SVG":                        {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), blob.ErrNotPicture},
		"PDF":                        {[]byte("%PDF-1.7"), blob.ErrNotPicture},
		"only the magic":             {[]byte{0xff, 0xd8, 0xff}, blob.ErrPictureBroken},
		"PNG bomb":                   {pngOf(60_000, 60_000, 8, 0), blob.ErrTooManyPixels},
		"PNG of 4 billion":           {pngOf(math.MaxUint32, math.MaxUint32, 8, 0), blob.ErrTooManyPixels},
		"PNG of no pixels":           {pngOf(0, 10, 8, 0), blob.ErrPictureBroken},
		"deep interlaced":            {pngOf(6000, 6000, 16, 1), blob.ErrTooManyPixels},
		"JPEG bomb":                  {bigJPEG, blob.ErrTooManyPixels},
		"progressive":                {progressive, blob.ErrTooManyPixels},
		"WebP canvas bomb":           {webpOf("VP8X", []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), blob.ErrTooManyPixels},
		"WebP small canvas, big one": {lying, blob.ErrTooManyPixels},
		"GIF bomb":                   {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), blob.ErrTooManyPixels},
		"cut PNG":                    {pngOf(10, 10, 8, 0), blob.ErrPictureBroken},
		"cut JPEG":                   {good[:len(good)/2], blob.ErrPictureBroken},
		"cut in the header":          {good[:20], blob.ErrPictureBroken},
	} {
		if _, err := make1(t, c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("refusing took %d MiB", used>>20)
	}
}

// A picture that is a page or an archive as well comes out as a picture only.
func TestPolyglot(t *testing.T) {
	script := []byte("<script>alert(document.cookie)</script>PK\x03\x04")
	raw := append(asJPEG(t, photo(100, 50)), script...)
	comment := append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, byte(len(script) + 2)}, script...)
	raw = append(comment, raw[2:]...)
	p, err := make1(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range [][]byte{p.View, p.Thumb} {
		if bytes.Contains(out, []byte("script")) || bytes.Contains(out, []byte("PK\x03\x04")) {
			t.Error("the second file came through")
		}
	}
}

// PNG with transparency, WebP and GIF become JPEG on white.
func TestOtherFormats(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 40, 20))
	var p1, g1 bytes.Buffer
	if err := png.Encode(&p1, clear); err != nil {
		t.Fatal(err)
	}
	pal := image.NewPaletted(image.Rect(0, 0, 40, 20), color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&g1, &gif.GIF{Image: []*image.Paletted{pal, pal}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	w1, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	for format, raw := range map[string][]byte{"png": p1.Bytes(), "gif": g1.Bytes(), "webp": w1} {
		p, err := make1(t, raw)
		if err != nil || p.Format != format {
			t.Errorf("%s: %s, %v", format, p.Format, err)
			continue
		}
		if r, _, _, _ := decoded(t, p.View).At(0, 0).RGBA(); format != "webp" && r < 0xf000 {
			t.Errorf("%s is not on white", format)
		}
	}
}

// Pictures wait for memory instead of taking it, and stop waiting when nobody
// waits for them any more.
func TestMemoryIsShared(t *testing.T) {
	maker := blob.NewPictures(blob.PictureOptions{Memory: 40 << 20})
	raw := asJPEG(t, photo(2000, 1500))
	done := make(chan error)
	for range 6 {
		go func() {
			_, err := maker.Make(context.Background(), raw)
			done <- err
		}()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := maker.Make(ctx, raw); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Whatever bytes come, the answer is a picture within its sizes or one of the
// three refusals; the facts are in their ranges.
func FuzzPicture(f *testing.F) {
	f.Add(shot.in(asJPEG(f, photo(64, 32))))
	f.Add(pngOf(10, 10, 8, 0))
	f.Add(webpOf("VP8X", make([]byte, 10)))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"))
	maker := blob.NewPictures(blob.PictureOptions{MaxPixels: 1 << 16, View: 64, Thumb: 16})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := maker.Make(context.Background(), raw)
		if err != nil {
			if !errors.Is(err, blob.ErrNotPicture) && !errors.Is(err, blob.ErrPictureBroken) && !errors.Is(err, blob.ErrTooManyPixels) {
				t.Fatal(err)
			}
			return
		}
		if b := decoded(t, p.View).Bounds(); b.Dx() > 64 || b.Dy() > 64 {
			t.Fatal(b)
		}
		if q := p.Position; q != nil && (math.Abs(q.Lat) > 90 || math.Abs(q.Lon) > 180) {
			t.Fatal(q)
		}
	})
}

// The display copy of a photo of 12 million pixels, as phones make them.
func BenchmarkPhoto12MP(b *testing.B) {
	raw := asJPEG(b, photo(4000, 3000))
	maker := blob.NewPictures(blob.PictureOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := maker.Make(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
	}
}

// Every fault has a sentence in both languages.
func TestFaultsHaveWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "blob", Files: blob.Words})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []error{blob.ErrBadHash, blob.ErrMissing, blob.ErrTooLarge, blob.ErrEmpty, blob.ErrFull, blob.ErrBroken,
		blob.ErrNotPicture, blob.ErrPictureBroken, blob.ErrTooManyPixels} {
		if !c.Has(f.Error()) {
			t.Errorf("%v has no sentence", f)
		}
	}
	if s := c.Say(words.Chinese, "blob.too_many_pixels", map[string]any{"width": 60000, "height": 60000}); !strings.Contains(s, "60,000 × 60,000") {
		t.Error(s)
	}
}
