package blob_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
	"time"

	"onegrid/internal/kit/blob"
)

// noise fills a picture with pixels that nothing can be guessed from.
func noise(w, h int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		if img.Pix[i] = uint8(r.UintN(256)); i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What was in a box can't be got back: two pictures that differ in every pixel
// of it, but not in the mean of its cells, give copies that are equal to the
// last byte, so the copy cannot know which of the two it was made of.
func TestObscuredPixelsAreGone(t *testing.T) {
	pictures := blob.NewPictures(blob.PictureOptions{})
	box := image.Rect(40, 30, 160, 150) // 120 across: cells of 20
	one := noise(240, 200, 1)
	two := image.NewRGBA(one.Rect)
	copy(two.Pix, one.Pix)
	r := rand.New(rand.NewPCG(2, 3))
	for y := box.Min.Y; y < box.Max.Y; y += 20 {
		for x := box.Min.X; x < box.Max.X; x += 20 {
			for i, to := range r.Perm(400) {
				two.SetRGBA(x+to%20, y+to/20, one.RGBAAt(x+i%20, y+i/20))
			}
		}
	}
	if bytes.Equal(one.Pix, two.Pix) {
		t.Fatal("the two are the same")
	}
	a, err := pictures.Obscure(context.Background(), asPNG(t, one), []image.Rectangle{box})
	if err != nil {
		t.Fatal(err)
	}
	b, err := pictures.Obscure(context.Background(), asPNG(t, two), []image.Rectangle{box})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.View, b.View) || !bytes.Equal(a.Thumb, b.Thumb) {
		t.Fatal("the copies tell which picture they were made of")
	}
	// The rest of the picture is as it was, and the box is flat within a cell.
	view := decoded(t, a.View)
	near := func(x, y int, c color.Color) bool {
		r1, g1, b1, _ := view.At(x, y).RGBA()
		r2, g2, b2, _ := c.RGBA()
		d := func(p, q uint32) int { return max(int(p>>8)-int(q>>8), int(q>>8)-int(p>>8)) }
		return d(r1, r2)+d(g1, g2)+d(b1, b2) < 60
	}
	for _, p := range []image.Point{{50, 40}, {90, 90}, {130, 110}} {
		cell := image.Pt(40+(p.X-40)/20*20, 30+(p.Y-30)/20*20)
		for _, q := range []image.Point{{8, 8}, {12, 9}, {9, 12}} {
			if !near(cell.X+q.X, cell.Y+q.Y, view.At(cell.X+10, cell.Y+10)) {
				t.Errorf("the cell at %v is not flat", cell)
			}
		}
	}
}

// The copy of a camera's photo carries nothing of the camera: no place, no time,
// no second picture.
func TestObscuredCopyHoldsNoHiddenData(t *testing.T) {
	taken := camera{orientation: 6, taken: "2026:11:20 10:00:00", latRef: "N", lonRef: "E", lat: [3]uint32{36, 40, 0}, lon: [3]uint32{117, 1, 0}}
	raw := taken.in(asJPEG(t, photo(300, 200)))
	raw = append(raw, asJPEG(t, photo(64, 64))...) // as cameras hang a preview behind it
	p, err := blob.NewPictures(blob.PictureOptions{}).Obscure(context.Background(), raw, []image.Rectangle{image.Rect(0, 0, 100, 100)})
	if err != nil {
		t.Fatal(err)
	}
	if p.Width != 200 || p.Height != 300 || !p.Taken.Equal(time.Time{}) || p.Position != nil {
		t.Fatalf("made %+v", p)
	}
	for name, out := range map[string][]byte{"view": p.View, "thumb": p.Thumb} {
		if bytes.Count(out, []byte{0xff, 0xd8, 0xff}) != 1 {
			t.Errorf("the %s holds a picture inside", name)
		}
		for _, mark := range []string{"Exif", "JFXX", "http://ns.adobe.com", "ICC_PROFILE", "Photoshop", "MPF\x00"} {
			if bytes.Contains(out, []byte(mark)) {
				t.Errorf("the %s carries %q", name, mark)
			}
		}
		for i := 0; i+3 < len(out) && out[i] == 0xff && out[i+1] != 0xda; { // the segments before the pixels
			if out[i+1] == 0xd8 {
				i += 2
				continue
			}
			if m := out[i+1]; m >= 0xe0 && m <= 0xef || m == 0xfe {
				t.Errorf("the %s has an application segment %x", name, m)
			}
			i += 2 + int(out[i+2])<<8 + int(out[i+3])
		}
	}
	// Shrinking it gives the same small picture: it was made after, not before.
	if got := decoded(t, p.Thumb).Bounds(); got.Dx() != 200 || got.Dy() != 300 {
		t.Errorf("the thumb is %v", got)
	}
}

// Boxes outside, empty ones and the whole picture are all right.
func TestObscureTakesAnyBox(t *testing.T) {
	pictures := blob.NewPictures(blob.PictureOptions{})
	raw := asJPEG(t, photo(90, 60))
	for _, boxes := range [][]image.Rectangle{nil, {image.Rect(0, 0, 90, 60)}, {image.Rect(-50, -50, 500, 500)}, {image.Rect(200, 200, 300, 300)}, {{}}, {image.Rect(89, 59, 90, 60)}} {
		if _, err := pictures.Obscure(context.Background(), raw, boxes); err != nil {
			t.Errorf("%v: %v", boxes, err)
		}
	}
	if _, err := pictures.Obscure(context.Background(), []byte("none"), nil); err == nil {
		t.Error("a text is obscured")
	}
}
