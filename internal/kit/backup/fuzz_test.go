package backup

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever file is called a backup, it is checked or refused, and no part of it
// lies outside the folders that a backup fills.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"form":"onegrid backup 1","engine":"sqlite","parts":[{"name":"data/a","size":1,"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}]}`), "data/a", []byte("x"), false)
	f.Add([]byte(`{"form":"onegrid backup 1","parts":[{"name":"keys/../../etc/passwd"}]}`), "keys/../../etc/passwd", []byte(""), false)
	f.Add([]byte(`{"form":"onegrid backup 2"}`), "", []byte(""), false)
	f.Add([]byte(`{"form":"onegrid backup 1","parts":[{"name":"files/cases/00/00/00","size":-1}]}`), "files/cases/00/00/00", []byte(""), false)
	f.Add([]byte("PK\x05\x06"+strings.Repeat("\x00", 18)), "", []byte(""), true)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, manifest []byte, name string, content []byte, bare bool) {
		raw := manifest
		if !bare {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			for part, text := range map[string][]byte{name: content, manifestName: manifest} {
				if part == "" {
					continue
				}
				w, err := z.Create(part)
				if err != nil {
					return // too long a name
				}
				_, _ = w.Write(text) // into memory
			}
			if z.Close() != nil {
				return
			}
			raw = b.Bytes()
		}
		file := filepath.Join(dir, "b.onegrid")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Check(context.Background(), file)
		if err != nil {
			if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		for _, p := range m.Parts {
			if !filepath.IsLocal(p.Name) || p.Size < 0 {
				t.Fatalf("part %q of %d bytes", p.Name, p.Size)
			}
		}
	})
}
