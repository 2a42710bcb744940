package casework

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/httpx"
)

// maxUpload is the largest photo that is taken.
const maxUpload = 15 << 20

// KeepPicture stores an upload in an area, outside of any transaction: the
// original as it came, which is evidence, and what is shown of it, made anew
// without its hidden data. Codes: those of blob.
func (d *Desk) KeepPicture(ctx context.Context, r io.Reader, area *blob.Area) (File, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxUpload+1))
	if err != nil {
		return File{}, err
	}
	if len(raw) > maxUpload {
		return File{}, blob.ErrTooLarge.With("limit", maxUpload)
	}
	p, err := d.pictures.Make(ctx, raw)
	if err != nil {
		return File{}, err
	}
	f := File{Media: "image/jpeg", Bytes: int64(len(raw)), Width: int64(p.Width), Height: int64(p.Height), Taken: p.Taken}
	if p.Position != nil {
		f.Lon, f.Lat = &p.Position.Lon, &p.Position.Lat
	}
	for _, one := range []struct {
		into *string
		data []byte
	}{{&f.Blob, raw}, {&f.View, p.View}, {&f.Thumb, p.Thumb}} {
		if *one.into, err = d.keep(ctx, area, one.data); err != nil {
			return File{}, err
		}
	}
	return f, nil
}

// maxPaper is the largest paper that is taken.
const maxPaper = 10 << 20

// KeepPaper stores a paper by the reporter: a PDF as it came, if it is a harmless
// one as far as can be told, else a picture. Codes: those of blob.
func (d *Desk) KeepPaper(ctx context.Context, r io.Reader, area *blob.Area) (File, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(5); !blob.IsPaper(head) { // too short for either: the picture says so
		return d.KeepPicture(ctx, in, area)
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPaper+1))
	if err != nil {
		return File{}, err
	}
	if len(raw) > maxPaper {
		return File{}, blob.ErrTooLarge.With("limit", maxPaper)
	}
	if err := blob.CheckPaper(raw); err != nil {
		return File{}, err
	}
	f := File{Media: blob.PaperType, Bytes: int64(len(raw))}
	f.Blob, err = d.keep(ctx, area, raw)
	return f, err
}

// keep stores bytes in an area and gives the name they have there.
func (d *Desk) keep(ctx context.Context, area *blob.Area, data []byte) (string, error) {
	ref, err := area.Put(ctx, bytes.NewReader(data), maxUpload)
	if err != nil {
		return "", err
	}
	return ref.Hash.String(), nil
}

// giveWait bounds how long a file is fetched before it is given out.
const giveWait = 2 * time.Minute

// fetch opens a stored file, from where it lies.
func (d *Desk) fetch(h blob.Hash) (io.ReadSeekCloser, error) {
	ctx, cancel := context.WithTimeout(context.Background(), giveWait)
	defer cancel()
	for _, open := range []func(*blob.Area, context.Context, blob.Hash) (io.ReadSeekCloser, error){(*blob.Area).OpenHere, (*blob.Area).Open} {
		for _, a := range []*blob.Area{d.files, d.strange} {
			if a == nil {
				continue
			}
			if f, err := open(a, ctx, h); !errors.Is(err, blob.ErrMissing) {
				return f, err
			}
		}
	}
	return nil, blob.ErrMissing
}

// content gives out what is shown of a file: of a paper the paper itself, to be
// saved and never shown in a page.
func (d *Desk) content(f File, size string) (*httpx.Content, error) {
	name := f.View
	switch {
	case f.Media == blob.PaperType:
		name = f.Blob
	case size == "thumb":
		name = f.Thumb
	}
	h, err := blob.ParseHash(name)
	if err != nil {
		return nil, err
	}
	if f.Media == blob.PaperType {
		return &httpx.Content{
			Type: blob.PaperType, Name: "paper-" + name[:8] + ".pdf", Modified: f.At, ETag: `"` + name[:16] + `"`, Cache: "private, max-age=3600",
			Open: func() (io.ReadSeekCloser, error) { return d.fetch(h) },
		}, nil
	}
	return &httpx.Content{
		Type: "image/jpeg", Inline: true, Modified: f.At, ETag: `"` + name[:16] + `"`, Cache: "private, max-age=3600",
		Open: func() (io.ReadSeekCloser, error) { return d.fetch(h) },
	}, nil
}
