package blob

import (
	"context"
	"image"
	"image/color"
	"image/draw"
)

// cellsAcross is how many cells remain across the longer side of what is made
// unrecognisable, and cellLeast how many pixels one has at least.
const (
	cellsAcross = 6
	cellLeast   = 12
)

// Look decodes a picture under the same limits as Make and shows it to whoever
// only reads it. Codes: as of Make.
func (p *Pictures) Look(ctx context.Context, raw []byte, look func(image.Image) error) error {
	_, err := p.edit(ctx, raw, func(img *image.RGBA) error { return look(img) }, false)
	return err
}

// Obscure makes a copy of a picture in which what lies in the boxes can't be
// made out any more (打码): each is cut into few cells, and a cell keeps nothing
// but its mean colour. The copy is encoded anew from those pixels, so it holds
// no trace of the others: no hidden data, no small picture inside. The boxes are
// in pixels of the upright picture as View has it. Codes: as of Make.
func (p *Pictures) Obscure(ctx context.Context, raw []byte, boxes []image.Rectangle) (Picture, error) {
	return p.edit(ctx, raw, func(img *image.RGBA) error {
		for _, b := range boxes {
			pixelate(img, b.Intersect(img.Rect))
		}
		return nil
	}, true)
}

// edit decodes, lets somebody change the pixels, and encodes if asked.
func (p *Pictures) edit(ctx context.Context, raw []byte, change func(*image.RGBA) error, again bool) (Picture, error) {
	return p.decoded(ctx, raw, func(h header, img image.Image) (Picture, error) {
		view := upright(shrink(img, p.o.View), readExif(h.exif, p.o.Zone).orientation)
		err := change(view)
		if err != nil || !again {
			return Picture{}, err
		}
		out := Picture{Format: "jpeg", Width: view.Rect.Dx(), Height: view.Rect.Dy()}
		if out.View, err = encode(view, 82); err != nil {
			return Picture{}, err
		}
		out.Thumb, err = encode(shrink(view, p.o.Thumb), 76) // of what was changed, never of what came
		return out, err
	})
}

// pixelate gives every cell of a box its mean colour.
func pixelate(img *image.RGBA, box image.Rectangle) {
	if box.Empty() {
		return
	}
	cell := max(cellLeast, (max(box.Dx(), box.Dy())+cellsAcross-1)/cellsAcross)
	for y := box.Min.Y; y < box.Max.Y; y += cell {
		for x := box.Min.X; x < box.Max.X; x += cell {
			c := image.Rect(x, y, x+cell, y+cell).Intersect(box)
			draw.Draw(img, c, image.NewUniform(mean(img, c)), image.Point{}, draw.Src)
		}
	}
}

func mean(img *image.RGBA, r image.Rectangle) color.RGBA {
	var red, green, blue, n uint64
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := 0; i+3 < len(row); i += 4 {
			red, green, blue, n = red+uint64(row[i]), green+uint64(row[i+1]), blue+uint64(row[i+2]), n+1
		}
	}
	return color.RGBA{uint8(red / n), uint8(green / n), uint8(blue / n), 255} //nolint:gosec // a mean of bytes is a byte
}
