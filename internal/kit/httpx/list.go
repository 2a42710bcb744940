package httpx

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// List is one page of a list. Next is the cursor of the following page, empty
// on the last.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// MarshalJSON writes an empty list as [], never as null.
func (l List[T]) MarshalJSON() ([]byte, error) {
	type plain List[T]
	if l.Items == nil {
		l.Items = []T{}
	}
	return json.Marshal(plain(l))
}

// Paging is what a list may be asked; embed it in the input.
type Paging struct {
	Cursor string `query:"cursor" json:"-" maxLength:"400" doc:"the next of the page before"`
	Limit  int    `query:"limit" json:"-" minimum:"1" maximum:"200" default:"50"`
}

// Read puts the cursor's content into v; without a cursor v stays as it is.
// Code: request.cursor.
func (p Paging) Read(v any) error {
	if p.Cursor == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = jsonFormat.Unmarshal(raw, v) // which refuses what a database can't hold
	}
	if err != nil {
		return ErrCursor.Because(err)
	}
	return nil
}

// Cursor makes an opaque cursor of v: the values of the order at the last row.
// It holds no secret and gives no right; a made-up one only starts elsewhere.
func Cursor(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}
