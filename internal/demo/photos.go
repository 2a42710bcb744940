package demo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"sync"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// photos are drawn pictures in the place of real ones: a street with a heap, and
// the same street without it. They go through the same store as any photo.
type photos struct {
	mu   sync.Mutex
	made map[string]casework.File
}

// prepare stores the pictures; it must run before files are asked for, since a
// transaction can't write files.
func (p *photos) prepare(ctx context.Context, a *app.App) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made != nil {
		return nil
	}
	made := map[string]casework.File{}
	for _, kind := range []string{"before", "after"} {
		var b bytes.Buffer
		if err := png.Encode(&b, scene(kind == "before")); err != nil {
			return err
		}
		f, err := a.Cases.KeepPicture(ctx, &b, a.Files)
		if err != nil {
			return err
		}
		f.Kind = kind
		made[kind] = f
	}
	p.made = made
	return nil
}

// file notes one of the pictures as an upload of the actor's.
func (p *photos) file(a *app.App, tx *db.Tx, by *access.Actor, kind string) (id.ID, error) {
	p.mu.Lock()
	f := p.made[kind]
	p.mu.Unlock()
	f, err := a.Cases.AddFile(tx, by, f, "")
	return f.ID, err
}

// scene draws a wall, a street and, before the work, a heap of rubbish on it.
func scene(heap bool) image.Image {
	const w, h = 480, 360
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill := func(x0, y0, x1, y1 int, c color.Color) {
		draw.Draw(img, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(0, 0, w, 70, color.RGBA{214, 226, 232, 255})
	fill(0, 70, w, 220, color.RGBA{216, 201, 176, 255})
	fill(0, 60, w, 76, color.RGBA{140, 92, 78, 255})
	fill(300, 110, 360, 220, color.RGBA{120, 104, 88, 255})
	fill(0, 220, w, h, color.RGBA{160, 158, 152, 255})
	fill(0, 214, w, 222, color.RGBA{120, 118, 112, 255})
	if heap {
		for y := 190; y < 300; y++ {
			half := (y - 180) * 2 / 3
			shade := uint8(70 + (y*37)%40)
			fill(150-half, y, 150+half, y+1, color.RGBA{shade, shade + 10, shade - 10, 255})
		}
		fill(120, 240, 150, 275, color.RGBA{60, 70, 80, 255})
		fill(160, 255, 195, 285, color.RGBA{196, 190, 176, 255})
	}
	return img
}
