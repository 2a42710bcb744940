package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"onegrid/internal/kit/seal"
)

// Whatever bytes stand in a sealed column, they open where they were sealed or
// nowhere.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "fields.json")
	if err := seal.Create(path); err != nil {
		f.Fatal(err)
	}
	box, err := seal.Load(path)
	if err != nil {
		f.Fatal(err)
	}
	sealed := box.Seal([]byte("演示人"), "a|b|c")
	f.Add(sealed, "a|b|d")
	f.Add(sealed[:8], "a|b|c")
	f.Add([]byte{1}, "")
	f.Fuzz(func(t *testing.T, raw []byte, place string) {
		plain, err := box.Open(raw, place)
		if err == nil && !(bytes.Equal(raw, sealed) && place == "a|b|c") {
			t.Fatalf("%x opened at %q as %q", raw, place, plain)
		}
		if err != nil && !errors.Is(err, seal.ErrBroken) {
			t.Fatal(err)
		}
		box.Stale(raw)
	})
}

// Whatever is called a key file, it is refused or opens what it seals.
func FuzzKeyFile(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "fields.json")
	if err := seal.Create(path); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"fields":"","index":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file := filepath.Join(dir, "k.json")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		box, err := seal.Load(file)
		if err != nil {
			if !errors.Is(err, seal.ErrBadKey) {
				t.Fatal(err)
			}
			return
		}
		if plain, err := box.Open(box.Seal([]byte("x"), "p"), "p"); err != nil || string(plain) != "x" {
			t.Fatalf("a key file that does not open what it seals: %v", err)
		}
	})
}
