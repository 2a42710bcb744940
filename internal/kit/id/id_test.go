package id_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/internal/kit/id"
)

// Whatever bytes an id has, its text and its database form lead back to it.
func TestIDComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "seed")
		at := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "ms"))
		v, err := id.Make(at, bytes.NewReader(seed))
		if err != nil {
			t.Fatal(err)
		}
		if v[6]>>4 != 7 || v[8]>>6 != 2 {
			t.Fatalf("not a version 7 UUID: %s", v)
		}
		text, _ := json.Marshal(v)
		var back id.ID
		if err := json.Unmarshal(text, &back); err != nil || back != v {
			t.Fatalf("%s came back as %s, %v", v, back, err)
		}
		stored, _ := v.Value()
		var scanned id.ID
		if err := scanned.Scan(stored); err != nil || scanned != v {
			t.Fatalf("%s scanned as %s, %v", v, scanned, err)
		}
	})
}

// A text that is no id is refused with a code, and none is none everywhere.
func TestBadAndMissingIDs(t *testing.T) {
	for _, s := range []string{"x", "0190163d-8694-739b-aea5-966c26f8ad9", "0190163d-8694-739b-aea5-966c26f8ad9g",
		"00000000-0000-0000-0000-000000000000", "{0190163d8694739baea5966c26f8ad91}00"} {
		if _, err := id.Parse(s); !errors.Is(err, id.ErrBad) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if v, _ := (id.ID{}).Value(); v != nil {
		t.Error("none is not NULL")
	}
}
