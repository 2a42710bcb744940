package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// A form carries a key that this door gave it and nobody else has seen: 48 bits
// of time and 128 random ones. The id of the report is made of the key and not
// the other way round, so whoever sends the key again is who reported: pressing
// the button twice, or again after a lost answer, gives the same report and its
// link once more, without an account, a cookie or a table of forms.

// keyBytes is the length of a key before it is written in base64.
const keyBytes = 6 + 16

// ErrKey says that a form carries no key of ours.
var ErrKey = fault.New(fault.Invalid, "portal.bad_key")

// newKey makes the key of a form.
func (p *Portal) newKey() string {
	var b [keyBytes]byte
	binary.BigEndian.PutUint64(b[:8], uint64(p.now().UnixMilli())<<16)
	raw, err := base64.RawURLEncoding.DecodeString(newSecret())
	if err != nil {
		panic(err) // written one line before
	}
	copy(b[6:], raw)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// reportID is the id of the report that a form with this key makes.
func reportID(key string) (id.ID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(raw) != keyBytes {
		return id.ID{}, ErrKey.At("body.key", "portal.bad_key")
	}
	ms := int64(binary.BigEndian.Uint64(raw[:8]) >> 16)
	sum := sha256.Sum256(append([]byte("onegrid report "), raw...))
	v, err := id.Make(time.UnixMilli(ms), bytes.NewReader(sum[:]))
	if err != nil {
		return id.ID{}, fmt.Errorf("id of a form: %w", err)
	}
	return v, nil
}

// ownerOf names the uploads of a form without giving its key away.
func ownerOf(key string) string {
	sum := sha256.Sum256([]byte("onegrid upload " + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Bounds of the forms.
const (
	maxFieldBytes = 16 << 10 // of all, one by one; the fields have smaller bounds in characters
	maxFields     = 80
	maxFormBytes  = 64 << 20 // larger photos are read to their end and refused alone
	maxPlainBytes = 64 << 10 // of a form without photos
)

// ErrForm says that a form came broken.
var ErrForm = fault.New(fault.Invalid, "portal.bad_form")

// readForm reads a form as it comes. Each file of it is handed to photo, which
// keeps it or notes why not and answers only what ends the reading, so that
// nothing that was typed is lost over a photo.
func readForm(r *http.Request, photo func(body io.Reader) error) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, httpx.ErrMediaType
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPlainBytes))
		if err != nil {
			return nil, formFault(err)
		}
		v, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, ErrForm.Because(err)
		}
		return v, nil
	case "multipart/form-data":
		return readParts(r, photo)
	}
	return nil, httpx.ErrMediaType
}

func readParts(r *http.Request, photo func(body io.Reader) error) (url.Values, error) {
	m, err := r.MultipartReader()
	if err != nil {
		return nil, ErrForm.Because(err)
	}
	v := url.Values{}
	for n := 0; ; n++ {
		part, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return v, nil
		}
		if err != nil {
			return v, formFault(err)
		}
		if n == maxFields {
			return v, ErrForm
		}
		if part.FileName() != "" {
			if err := photo(part); err != nil {
				return v, err
			}
			continue
		}
		raw, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
		if err != nil {
			return v, formFault(err)
		}
		if len(raw) > maxFieldBytes {
			return v, httpx.ErrTooLarge.With("limit", int64(maxFieldBytes))
		}
		if part.FormName() != "photos" { // the empty picker of a browser without files
			v.Add(part.FormName(), string(raw))
		}
	}
}

// formFault tells what reading a form can end with.
func formFault(err error) error {
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return httpx.ErrTooLarge.With("limit", large.Limit)
	}
	return ErrForm.Because(err)
}

// field gives one field of a form, trimmed and with one kind of line end.
func field(v url.Values, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(v.Get(name), "\r\n", "\n"))
}

// tooLong says that a text is longer than its bound or cannot be stored.
func tooLong(s string, most int) bool {
	return utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsRune(s, 0)
}
