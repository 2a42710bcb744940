package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

func box(t *testing.T) (*seal.Box, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys", "fields.json")
	if err := seal.Create(path); err != nil {
		t.Fatal(err)
	}
	b, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return b, path
}

var row, other = id.Must("0190163d-8694-739b-aea5-966c26f8ad91"), id.Must("0190163d-8694-739b-aea5-966c26f8ad92")

// A value opens at its place and nowhere else, and no flipped bit goes unseen.
func TestValueOpensOnlyInItsPlace(t *testing.T) {
	b, _ := box(t)
	place := seal.Place("case_party", "phone", row)
	rapid.Check(t, func(t *rapid.T) {
		plain := []byte(rapid.String().Draw(t, "plain"))
		sealed := b.Seal(plain, place)
		if len(plain) > 3 && bytes.Contains(sealed, plain) {
			t.Fatal("the value can be read")
		}
		if got, err := b.Open(sealed, place); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%q, %v", got, err)
		}
		for _, elsewhere := range []string{seal.Place("case_party", "phone", other), seal.Place("case_party", "name", row), ""} {
			if _, err := b.Open(sealed, elsewhere); !errors.Is(err, seal.ErrBroken) {
				t.Fatalf("opened at %q: %v", elsewhere, err)
			}
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "i")
		sealed[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := b.Open(sealed, place); !errors.Is(err, seal.ErrBroken) {
			t.Fatalf("a flipped bit was not seen: %v", err)
		}
	})
}

// The same value sealed twice looks different; its blind index is the same, and
// another kind of value or another box has another one.
func TestBlindIndex(t *testing.T) {
	b, _ := box(t)
	c, _ := box(t)
	if bytes.Equal(b.Seal([]byte("13800000000"), ""), b.Seal([]byte("13800000000"), "")) {
		t.Error("equal values look equal")
	}
	i := b.Index("phone", "13800000000")
	if !bytes.Equal(i, b.Index("phone", " 13800000000 ")) || len(i) != 16 {
		t.Error("the index does not find the value")
	}
	if bytes.Equal(i, b.Index("phone", "13800000001")) || bytes.Equal(i, b.Index("name", "13800000000")) || bytes.Equal(i, c.Index("phone", "13800000000")) {
		t.Error("different things have the same index")
	}
}

// After a rotation old values still open, new ones carry the new key, and the
// index is unchanged.
func TestRotation(t *testing.T) {
	b, path := box(t)
	old := b.SealText("演示人", "p")
	if b.Stale(old) {
		t.Error("a fresh value is stale")
	}
	if err := seal.Rotate(path); err != nil {
		t.Fatal(err)
	}
	after, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.OpenText(old, "p"); got != "演示人" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	fresh := after.SealText("演示人", "p")
	if !after.Stale(old) || after.Stale(fresh) {
		t.Error("the wrong value is stale")
	}
	if _, err := b.OpenText(fresh, "p"); !errors.Is(err, seal.ErrBroken) {
		t.Error("the old box opens what the new key sealed")
	}
	if !bytes.Equal(b.Index("k", "v"), after.Index("k", "v")) {
		t.Error("the index changed")
	}
	if b.SealText("", "p") != nil {
		t.Error("nothing was sealed into something")
	}
}

// A missing, damaged or open key file is refused, and one that is there is never
// written over.
func TestKeyFile(t *testing.T) {
	_, path := box(t)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	if err := seal.Create(path); !errors.Is(err, seal.ErrExists) {
		t.Errorf("written over: %v", err)
	}
	if _, err := seal.Load(path + "x"); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("missing: %v", err)
	}
	if err := seal.Rotate(path + "x"); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("missing: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Load(path); !errors.Is(err, seal.ErrBadKey) {
		t.Errorf("readable by all: %v", err)
	}
	for _, text := range []string{"", "{}", `{"fields":{},"index":"AAAA"}`, `{"fields":{"key":[]},"index":"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="}`} {
		bad := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Load(bad); !errors.Is(err, seal.ErrBadKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Every fault has a sentence in both languages.
func TestFaultsHaveWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "seal", Files: seal.Words})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []error{seal.ErrNoKey, seal.ErrBadKey, seal.ErrExists, seal.ErrBroken} {
		if !c.Has(f.Error()) {
			t.Errorf("%v has no sentence", f)
		}
	}
}
