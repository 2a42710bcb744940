package blob

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"onegrid/internal/kit/fault"
)

var (
	// ErrNotPicture says that a file is no picture of a kind we read.
	ErrNotPicture = fault.New(fault.Invalid, "blob.not_a_picture")
	// ErrPictureBroken says that a picture ends early or is damaged.
	ErrPictureBroken = fault.New(fault.Invalid, "blob.picture_broken")
	// ErrTooManyPixels says that a picture would need more memory than we give.
	ErrTooManyPixels = fault.New(fault.TooLarge, "blob.too_many_pixels")
)

// PictureOptions are the limits for pictures. The zero value has sensible ones.
type PictureOptions struct {
	MaxPixels int64          // default 50 million
	Memory    int64          // bytes for all pictures decoded at a time; default 400 MiB
	View      int            // longest side for display; default 2048
	Thumb     int            // longest side of the small one; default 320
	Zone      *time.Location // of cameras that name none; default UTC
}

// Pictures makes harmless pictures of what strangers send. What comes out is
// freshly encoded from pixels: no location, no device, no hidden second file.
type Pictures struct {
	o   PictureOptions
	sem *semaphore.Weighted
}

// NewPictures makes a maker; one serves the whole program, so that its memory
// limit does.
func NewPictures(o PictureOptions) *Pictures {
	if o.MaxPixels == 0 {
		o.MaxPixels = 50_000_000
	}
	if o.Memory == 0 {
		o.Memory = 400 << 20
	}
	if o.View == 0 {
		o.View = 2048
	}
	if o.Thumb == 0 {
		o.Thumb = 320
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Pictures{o: o, sem: semaphore.NewWeighted(o.Memory)}
}

// Picture is what became of a file. View and Thumb are JPEG. Taken and Position
// are what the camera said: they are for staff and are not in View or Thumb.
type Picture struct {
	Format        string // of the original
	Width, Height int    // of the original, upright
	View, Thumb   []byte
	Taken         time.Time // zero: not known
	Position      *Position // nil: not known
}

// Make reads a picture (JPEG, PNG, WebP, the first frame of a GIF) and makes the
// display forms, upright. Its memory is claimed beforehand; it waits for its
// turn as long as ctx lives. Codes: blob.not_a_picture, blob.too_many_pixels,
// blob.picture_broken.
func (p *Pictures) Make(ctx context.Context, raw []byte) (Picture, error) {
	return p.decoded(ctx, raw, func(h header, img image.Image) (Picture, error) {
		facts := readExif(h.exif, p.o.Zone)
		out := Picture{Format: h.format, Taken: facts.taken, Position: facts.position,
			Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
		if facts.orientation >= 5 {
			out.Width, out.Height = out.Height, out.Width
		}
		view := upright(shrink(img, p.o.View), facts.orientation)
		img = nil //nolint:ineffassign // lets go of the large one before the small ones are made
		var err error
		if out.View, err = encode(view, 82); err != nil {
			return Picture{}, err
		}
		out.Thumb, err = encode(shrink(view, p.o.Thumb), 76)
		return out, err
	})
}

// decoded decodes a picture for use, with its memory claimed for so long.
func (p *Pictures) decoded(ctx context.Context, raw []byte, use func(h header, img image.Image) (Picture, error)) (Picture, error) {
	h, need, err := p.claim(raw)
	if err != nil {
		return Picture{}, err
	}
	if err := p.sem.Acquire(ctx, need); err != nil {
		return Picture{}, err
	}
	defer p.sem.Release(need)
	img, err := decode(h.format, raw)
	if err != nil {
		return Picture{}, ErrPictureBroken.Because(err)
	}
	return use(h, img)
}

// claim reads the header and says how much memory the picture needs.
func (p *Pictures) claim(raw []byte) (h header, need int64, err error) {
	h = readHeader(raw)
	if h.format == "" {
		return h, 0, ErrNotPicture
	}
	if h.width <= 0 || h.height <= 0 {
		return h, 0, ErrPictureBroken
	}
	pixels := h.width * h.height // both have at most 32 bits
	if pixels < 0 || pixels > p.o.MaxPixels || pixels*h.cost > p.o.Memory {
		return h, 0, ErrTooManyPixels.With("width", h.width, "height", h.height, "limit", p.o.MaxPixels)
	}
	// The finished copies need memory too, whatever the original is.
	return h, min(pixels*h.cost+int64(p.o.View*p.o.View)*4, p.o.Memory), nil
}

// decode calls the decoder of the format that the file really has. A decoder
// that panics on a malicious file is a broken file.
func decode(format string, raw []byte) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the %s decoder panicked: %v", format, p)
		}
	}()
	r := bytes.NewReader(raw)
	switch format {
	case "jpeg":
		img, err = jpeg.Decode(r)
	case "png":
		img, err = png.Decode(r)
	case "webp":
		img, err = webp.Decode(r)
	case "gif":
		img, err = gif.Decode(r)
	}
	if err == nil && img.Bounds().Empty() {
		err = fmt.Errorf("no pixels")
	}
	return img, err
}

// shrink scales a picture so that its longest side has at most limit pixels, on
// white where it is transparent. It halves first: each halving averages four
// pixels, so nothing is skipped and no large buffer is needed.
func shrink(img image.Image, limit int) *image.RGBA {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for max(w, h) > 2*limit {
		w, h = max(w/2, 1), max(h/2, 1)
		img = scale(img, w, h)
	}
	if long := max(w, h); long > limit {
		w, h = max(w*limit/long, 1), max(h*limit/long, 1)
	}
	return scale(img, w, h)
}

func scale(img image.Image, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.ApproxBiLinear.Scale(dst, dst.Bounds(), img, img.Bounds(), draw.Over, nil)
		return dst
	}
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), img, img.Bounds(), draw.Src, nil)
	return dst
}

// upright turns and mirrors a picture as its camera was held (EXIF orientation
// 1 to 8).
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch orientation {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}

func encode(img image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode a picture: %w", err)
	}
	return b.Bytes(), nil
}
