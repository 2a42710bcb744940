package portal

import (
	"bufio"
	"context"
	"errors"
	"io"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/fault"
)

// What can be wrong with the photos of a form.
var (
	ErrPhotoLarge  = fault.New(fault.TooLarge, "portal.photo_large")
	ErrPhotoMany   = fault.New(fault.Invalid, "portal.photo_too_many")
	ErrPhotoBad    = fault.New(fault.Invalid, "portal.photo_bad")
	ErrPhotoPixels = fault.New(fault.TooLarge, "portal.photo_pixels")
	ErrPaperBad    = fault.New(fault.Invalid, "portal.paper_bad")
	ErrPaperLocked = fault.New(fault.Invalid, "portal.paper_locked")
	ErrPaperRuns   = fault.New(fault.Invalid, "portal.paper_runs")
	ErrPhotosFull  = fault.New(fault.Busy, "portal.photos_full")
	ErrPhotosBusy  = fault.New(fault.Busy, "portal.photos_busy")
)

const (
	maxPhotos     = 3
	maxPhotoBytes = 15 << 20
)

// photos takes the photos of one form into the quarantine: bytes only; the rows
// come with the command. A photo that can't be taken is refused alone.
type photos struct {
	portal *Portal
	ctx    context.Context // of the request, which this value does not outlive
	most   int
	kind   string // of the files; photos of the place before the work unless it says otherwise
	kept   []casework.File
	refuse error // the first reason against one of them
}

// take reads one file of a form; it answers only what ends the reading.
func (s *photos) take(body io.Reader) error {
	from := &watched{Reader: body}
	in := bufio.NewReader(from)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil // a picker in which nothing was chosen
	}
	err := s.keep(in)
	switch {
	case from.err != nil:
		return formFault(from.err)
	case err == nil:
	case fault.Of(err).Kind == fault.Internal:
		return err
	case s.refuse == nil:
		s.refuse = err
	}
	_, err = io.Copy(io.Discard, in)
	return formFault(err)
}

// watched tells a sender who went away from a disk that broke.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

func (s *photos) keep(in io.Reader) error {
	if len(s.kept) >= s.most {
		return ErrPhotoMany.With("n", s.most)
	}
	keep := s.portal.cases.KeepPicture
	if s.kind == paperKind {
		keep = s.portal.cases.KeepPaper
	}
	f, err := s.portal.slots.keep(s.ctx, in, func(file io.Reader) (casework.File, error) { return keep(s.ctx, file, s.portal.quarantine) })
	if err != nil {
		return photoFault(err)
	}
	f.Kind = s.kind
	s.kept = append(s.kept, f)
	return nil
}

// photoFault says what is wrong with a photo in the words of this door.
func photoFault(err error) error {
	switch {
	case errors.Is(err, blob.ErrTooLarge):
		return ErrPhotoLarge.With("mb", maxPhotoBytes>>20)
	case errors.Is(err, blob.ErrTooManyPixels):
		return ErrPhotoPixels
	case errors.Is(err, blob.ErrNotPicture), errors.Is(err, blob.ErrPictureBroken), errors.Is(err, blob.ErrEmpty):
		return ErrPhotoBad
	case errors.Is(err, blob.ErrNotPaper):
		return ErrPaperBad
	case errors.Is(err, blob.ErrPaperLocked):
		return ErrPaperLocked
	case errors.Is(err, blob.ErrPaperRuns):
		return ErrPaperRuns
	case errors.Is(err, blob.ErrFull):
		return ErrPhotosFull
	}
	return err
}
