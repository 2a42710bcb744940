// Package face finds faces in a picture so that they can be blurred, and does
// nothing else: it gives boxes, no features, so nobody can be told from anybody.
// (DESIGN.md section 9)
//
// It owns no table. A Finder may be used by many at once; Find obeys its
// context between one size of face and the next, and never looks at more than a
// reduced copy of the picture, so its time and memory are bounded whatever comes.
//
// It misses faces: turned away, small, dark, covered ones. What it finds is a
// proposal for a person, never a decision.
package face

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	pigo "github.com/esimov/pigo/core"
	"golang.org/x/image/draw"
)

// What is searched, and for what. The bounds lean towards too many boxes: one
// too many is a click, one too few is somebody's face.
const (
	longest  = 1024 // pixels of the longer side of the copy that is searched
	smallest = 20   // pixels of a face in that copy
	shift    = 0.1  // of the size of a face, from one place to the next
	growth   = 1.1  // from one size of face to the next
	overlap  = 0.2  // of two hits that are one face
	sure     = 3    // sum of the scores of the hits on one face
	margin   = 0.25 // of its size around a face: hair, chin, ears
	most     = 60   // boxes; a picture with more faces is a person's to look at whole
)

// ErrCascade says that the file faces are found with is none.
var ErrCascade = errors.New("face: not a cascade")

// Finder finds faces (人脸定位, only for blurring).
type Finder struct {
	cascade *pigo.Pigo
}

// New reads the cascade (data/faces/facefinder).
func New(cascade []byte) (f *Finder, err error) {
	defer func() {
		if p := recover(); p != nil { // it indexes without looking
			f, err = nil, fmt.Errorf("%w: %v", ErrCascade, p)
		}
	}()
	c, err := pigo.NewPigo().Unpack(cascade)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCascade, err)
	}
	return &Finder{cascade: c}, nil
}

// Find gives a box around each face, in the picture's own pixels, from top to
// bottom. It ends early with the error of its context.
func (f *Finder) Find(ctx context.Context, img image.Image) (boxes []image.Rectangle, err error) {
	defer func() {
		if p := recover(); p != nil {
			boxes, err = nil, fmt.Errorf("face: the search panicked: %v", p)
		}
	}()
	gray, scale := reduced(img)
	size := gray.Bounds().Size()
	params := pigo.CascadeParams{ShiftFactor: shift, ScaleFactor: growth,
		ImageParams: pigo.ImageParams{Pixels: gray.Pix, Rows: size.Y, Cols: size.X, Dim: gray.Stride}}
	var hits []pigo.Detection
	for s := smallest; s <= min(size.X, size.Y); s = max(s+1, int(float64(s)*growth)) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("face: %w", err)
		}
		params.MinSize, params.MaxSize = s, s // one size a run, so that it can be ended
		hits = append(hits, f.cascade.RunCascade(params, 0)...)
	}
	found := slices.DeleteFunc(f.cascade.ClusterDetections(hits, overlap), func(d pigo.Detection) bool { return d.Q < sure })
	slices.SortFunc(found, func(a, b pigo.Detection) int { return int(b.Q*1000) - int(a.Q*1000) })
	found = found[:min(len(found), most)]
	at := img.Bounds()
	for _, d := range found {
		half := float64(d.Scale) * (0.5 + margin)
		box := image.Rect(
			at.Min.X+int((float64(d.Col)-half)*scale), at.Min.Y+int((float64(d.Row)-half)*scale),
			at.Min.X+int((float64(d.Col)+half)*scale), at.Min.Y+int((float64(d.Row)+half)*scale)).Intersect(at)
		if !box.Empty() {
			boxes = append(boxes, box)
		}
	}
	slices.SortFunc(boxes, func(a, b image.Rectangle) int {
		if a.Min.Y != b.Min.Y {
			return a.Min.Y - b.Min.Y
		}
		return a.Min.X - b.Min.X
	})
	return boxes, nil
}

// reduced is a grey copy that is small enough, and how much larger the picture is.
func reduced(img image.Image) (*image.Gray, float64) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	scale := 1.0
	if long := max(w, h); long > longest {
		scale = float64(long) / longest
		w, h = max(1, int(float64(w)/scale)), max(1, int(float64(h)/scale))
	}
	gray := image.NewGray(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(gray, gray.Bounds(), img, img.Bounds(), draw.Src, nil)
	return gray, scale
}
