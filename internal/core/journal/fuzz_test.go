package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"onegrid/internal/kit/id"
)

// Whatever is called a file of checkpoints, only what our key signed is read out
// of it, as it was signed.
func FuzzCheckpoints(f *testing.F) {
	dir := f.TempDir()
	key, err := LoadKey(filepath.Join(dir, "journal.key"), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	v, err := ReadVerifier(filepath.Join(dir, "journal.key.pub"))
	if err != nil {
		f.Fatal(err)
	}
	c := Checkpoint{Origin: v.Name(), Number: 7, Hash: bytes.Repeat([]byte{7}, 32), At: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)}
	signed, err := note.Sign(&note.Note{Text: c.text()}, key.signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(append(append(slices.Clone(signed), '\n'), signed[:40]...))
	f.Add(bytes.Replace(signed, []byte("\n7\n"), []byte("\n8\n"), 1))
	f.Add([]byte("a\n1\nAAAA\n2026\n\n— a AAAA\n"))
	f.Fuzz(func(t *testing.T, notes []byte) {
		all, err := ReadCheckpoints(notes, v)
		if err != nil {
			if !errors.Is(err, ErrCheckpoint) {
				t.Fatal(err)
			}
			return
		}
		for _, got := range all {
			if got.text() != c.text() {
				t.Fatalf("a checkpoint nobody signed: %+v", got)
			}
		}
		if c, err := parseCheckpoint(string(notes)); err == nil && (c.Number < 1 || len(c.Hash) != 32) {
			t.Fatalf("%+v", c)
		}
	})
}

// Whatever stands in the list of erasures, it is read whole or refused; only
// half a line, which a crash leaves, is passed over.
func FuzzErasures(f *testing.F) {
	line, err := json.Marshal(erasure{Entry: id.ID{7}, At: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC), Why: "art. 47"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add(append(slices.Concat(line, []byte{'\n'}), line[:20]...))
	f.Add([]byte("{}\n\n[]\n"))
	file := filepath.Join(f.TempDir(), "erasures.jsonl")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := OpenErasures(file).read()
		if err != nil {
			return
		}
		for _, one := range all {
			if one.Entry.IsZero() {
				t.Fatalf("%q names no entry", raw)
			}
		}
	})
}

// Whatever place an entry is stored with, our own writing of it is read back as
// the same, and is what the standard library would write.
func FuzzSight(f *testing.F) {
	f.Add(`{"hub_id":"01a20b48-0900-7000-8000-000000000001","posts":["01a20b48-0900-7000-8000-000000000003","01a20b48-0900-7000-8000-000000000002"],"secrecy":2,"public":true}`)
	f.Add(`{"posts":[""],"secrecy":-9}`)
	f.Fuzz(func(t *testing.T, stored string) {
		s, err := readSight(stored)
		if err != nil {
			return
		}
		written, _ := sightText(&s, nil)
		again, err := readSight(written)
		if err != nil {
			t.Fatalf("%s was written as %s: %v", stored, written, err)
		}
		if twice, _ := sightText(&again, nil); twice != written {
			t.Fatalf("%s, then %s", written, twice)
		}
		raw, err := json.Marshal(again)
		if err != nil || string(raw) != written {
			t.Fatalf("%s is written by the library as %s, %v", written, raw, err)
		}
		expired(stored)
	})
}
