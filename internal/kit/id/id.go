// Package id makes and reads the identifiers of OneGrid: UUID version 7, made
// by whoever creates the record, phones included. An id is identity only and
// never an order: lists and cursors use the server's running number.
package id

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"onegrid/internal/kit/fault"
)

// ErrBad says that a text is no identifier.
var ErrBad = fault.New(fault.Invalid, "id.bad")

// ID is a UUID. The zero ID means "none" and is NULL in the database and left
// out of JSON with omitzero.
type ID [16]byte

// Make builds a version 7 UUID from a time and 10 random bytes read from r.
// It is for callers that own their randomness (a transaction, a test).
func Make(at time.Time, r io.Reader) (ID, error) {
	var v ID
	if _, err := io.ReadFull(r, v[6:]); err != nil {
		return ID{}, fmt.Errorf("random bytes for an id: %w", err)
	}
	ms := at.UnixMilli()
	for i := range 6 {
		v[i] = byte(ms >> (40 - 8*i))
	}
	v[6] = v[6]&0x0f | 0x70
	v[8] = v[8]&0x3f | 0x80
	return v, nil
}

// Parse reads the 36 character form. Any version is taken; only the shape and
// the zero value are refused.
func Parse(s string) (ID, error) {
	var v ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return v, ErrBad.With("id", clip(s))
	}
	packed := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(v[:], []byte(packed)); err != nil {
		return ID{}, ErrBad.With("id", clip(s))
	}
	if v.IsZero() {
		return v, ErrBad.With("id", s)
	}
	return v, nil
}

// Must is Parse for constants; it panics on a bad text.
func Must(s string) ID {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// IsZero says whether this is no id at all.
func (v ID) IsZero() bool { return v == ID{} }

// String is the 36 character form, or "" for none.
func (v ID) String() string {
	if v.IsZero() {
		return ""
	}
	var b [36]byte
	hex.Encode(b[:8], v[:4])
	b[8] = '-'
	hex.Encode(b[9:13], v[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], v[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], v[8:10])
	b[23] = '-'
	hex.Encode(b[24:], v[10:])
	return string(b[:])
}

// Compare orders ids by their bytes; the order has no meaning but is the same
// everywhere (locks are taken in it).
func (v ID) Compare(w ID) int {
	for i := range v {
		if v[i] != w[i] {
			return int(v[i]) - int(w[i])
		}
	}
	return 0
}

// MarshalText writes the 36 character form.
func (v ID) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the 36 character form; "" is none.
func (v *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*v = ID{}
		return nil
	}
	p, err := Parse(string(b))
	if err != nil {
		return err
	}
	*v = p
	return nil
}

// Value stores 16 bytes, or NULL for none.
func (v ID) Value() (driver.Value, error) {
	if v.IsZero() {
		return nil, nil
	}
	return v[:], nil
}

// Scan reads 16 bytes or NULL.
func (v *ID) Scan(src any) error {
	switch s := src.(type) {
	case nil:
		*v = ID{}
		return nil
	case []byte:
		if len(s) != 16 {
			return fmt.Errorf("id of %d bytes in the database", len(s))
		}
		copy(v[:], s)
		return nil
	default:
		return fmt.Errorf("id of type %T in the database", src)
	}
}
