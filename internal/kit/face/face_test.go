package face_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/kit/face"
)

func finder(t testing.TB) *face.Finder {
	t.Helper()
	raw, err := data.FS.ReadFile("faces/facefinder")
	if err != nil {
		t.Fatal(err)
	}
	f, err := face.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drawn paints a face: no person, only the light and dark that a face has.
func drawn(m *image.Gray, cx, cy, r float64) {
	b := m.Bounds()
	spot := func(x, y, dx, dy, rx, ry float64) float64 {
		u, v := (x-dx)/rx, (y-dy)/ry
		return math.Exp(-(u*u + v*v))
	}
	for py := b.Min.Y; py < b.Max.Y; py++ {
		for px := b.Min.X; px < b.Max.X; px++ {
			x, y := (float64(px)-cx)/r, (float64(py)-cy)/r
			in := x*x/0.72 + y*y/1.15
			if in > 1 {
				if x*x/0.95+(y+0.1)*(y+0.1)/1.5 < 1 && y < 0.35 {
					m.SetGray(px, py, color.Gray{45}) // hair
				}
				continue
			}
			v := 185 - 30*in
			for _, s := range []float64{-1, 1} {
				v -= 95 * spot(x, y, s*0.36, -0.18, 0.17, 0.085) // eyes
				v -= 60 * spot(x, y, s*0.38, -0.38, 0.24, 0.06)  // brows
				v += 18 * spot(x, y, s*0.42, 0.2, 0.22, 0.2)     // cheeks
				v -= 30 * spot(x, y, s*0.1, 0.26, 0.07, 0.05)    // nostrils
			}
			v += 22 * spot(x, y, 0, 0.05, 0.09, 0.25) // nose
			v -= 28 * spot(x, y, 0, -0.18, 0.1, 0.1)  // its root
			v -= 70 * spot(x, y, 0, 0.56, 0.3, 0.07)  // mouth
			v -= 22 * spot(x, y, 0, 0.72, 0.25, 0.06) // under the lip
			v += 14 * spot(x, y, 0, -0.68, 0.5, 0.2)  // forehead
			if y < -0.82 {
				v = 60 // hairline
			}
			m.SetGray(px, py, color.Gray{uint8(max(0, min(255, v)))})
		}
	}
}

// ground is a wall with a little texture.
func ground(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{uint8(120 + (x*7+y*13)%9 + y*30/h)})
		}
	}
	return m
}

// Drawn faces are found, also large and small ones and several; a wall has none.
func TestFindsDrawnFaces(t *testing.T) {
	f := finder(t)
	for name, spots := range map[string][][3]float64{
		"one": {{400, 300, 90}}, "large": {{500, 420, 300}}, "small": {{300, 300, 32}}, "three": {{160, 200, 60}, {420, 240, 70}, {700, 420, 80}},
	} {
		m := ground(1000, 800)
		for _, s := range spots {
			drawn(m, s[0], s[1], s[2])
		}
		boxes, err := f.Find(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		hit := 0
		for _, s := range spots {
			for _, b := range boxes {
				if image.Pt(int(s[0]), int(s[1])).In(b) && float64(b.Dx()) > s[2] && float64(b.Dx()) < 5*s[2] {
					hit++
					break
				}
			}
		}
		if hit != len(spots) {
			t.Errorf("%s: found %d of %d in %v", name, hit, len(spots), boxes)
		}
	}
	if boxes, err := f.Find(context.Background(), ground(800, 600)); err != nil || len(boxes) != 0 {
		t.Errorf("faces on a wall: %v %v", boxes, err)
	}
}

// A picture larger than what is searched gets boxes in its own pixels.
func TestBoxesAreInTheOwnPixels(t *testing.T) {
	m := ground(2400, 1800)
	drawn(m, 1500, 900, 260)
	boxes, err := finder(t).Find(context.Background(), m.SubImage(image.Rect(100, 50, 2400, 1800)))
	if err != nil || len(boxes) == 0 {
		t.Fatalf("%v %v", boxes, err)
	}
	if c := image.Pt(1500, 900); !c.In(boxes[0]) || !boxes[0].In(image.Rect(100, 50, 2400, 1800)) {
		t.Fatalf("the face is at %v, found %v", c, boxes)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if _, err := finder(t).Find(ctx, ground(1000, 1000)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

// Odd pictures and files are refused or searched, never a crash.
func TestOddInput(t *testing.T) {
	f := finder(t)
	for _, size := range []image.Point{{1, 1}, {1, 3000}, {3000, 1}, {19, 19}, {21, 20}} {
		if _, err := f.Find(context.Background(), image.NewRGBA(image.Rectangle{Max: size})); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	for _, raw := range [][]byte{nil, make([]byte, 20), append(make([]byte, 8), 6, 0, 0, 0, 9, 0, 0, 0)} {
		if _, err := face.New(raw); err == nil && len(raw) != 20 {
			t.Errorf("a cascade of %d bytes is taken", len(raw))
		}
	}
}
