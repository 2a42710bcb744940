package blob_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db/dbtest"
)

var ctx = context.Background()

func store(t *testing.T) (*blob.Store, string, *dbtest.Clock) {
	t.Helper()
	dir := t.TempDir()
	clock := dbtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	s, err := blob.Open(dir, blob.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir, clock
}

func area(t *testing.T, s *blob.Store, name string, limit int64) *blob.Area {
	t.Helper()
	a, err := s.Area(name, limit)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func put(t *testing.T, a *blob.Area, content string) blob.Hash {
	t.Helper()
	r, err := a.Put(ctx, strings.NewReader(content), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if r.Size != int64(len(content)) || r.Hash != sha256.Sum256([]byte(content)) {
		t.Fatalf("%+v", r)
	}
	return r.Hash
}

func reopen(t *testing.T, dir string) *blob.Store {
	t.Helper()
	s, err := blob.Open(dir, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files counts what lies in the folder.
func files(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The same content from sixteen senders is stored once, comes back whole, and a
// changed byte on the disk is noticed.
func TestContentIsTheName(t *testing.T) {
	s, dir, _ := store(t)
	a := area(t, s, "files", 0)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { put(t, a, "pothole") })
	}
	wg.Wait()
	h := put(t, a, "pothole")
	if n := files(t, dir); n != 1 || a.Used() != 7 {
		t.Fatalf("%d files, %d bytes", n, a.Used())
	}
	f, err := a.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(f)
	f.Close()
	if string(raw) != "pothole" {
		t.Fatalf("%q", raw)
	}
	if err := a.Verify(h); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "files", h.String()[:2], h.String()[2:4], h.String())
	if err := os.WriteFile(path, []byte("patched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Verify(h); !errors.Is(err, blob.ErrBroken) {
		t.Fatalf("a changed file was not noticed: %v", err)
	}
	if err := os.WriteFile(path, []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	a = area(t, reopen(t, dir), "files", 0)
	put(t, a, "pothole") // sent again: mended
	if err := a.Verify(h); err != nil || a.Used() != 7 {
		t.Fatalf("%v, %d bytes", err, a.Used())
	}
	if err := a.Remove(h); err != nil || a.Has(h) || a.Used() != 0 {
		t.Fatalf("%v, %d bytes", err, a.Used())
	}
	if _, err := a.Open(h); !errors.Is(err, blob.ErrMissing) {
		t.Fatal(err)
	}
}

type torn struct{ io.Reader }

func (r torn) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("connection reset")
	}
	return n, err
}

// What is refused or torn leaves nothing behind, and neither does a crash.
func TestNothingHalfWritten(t *testing.T) {
	s, dir, _ := store(t)
	a := area(t, s, "files", 0)
	if _, err := a.Put(ctx, strings.NewReader("12345"), 4); !errors.Is(err, blob.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := a.Put(ctx, strings.NewReader(""), 4); !errors.Is(err, blob.ErrEmpty) {
		t.Error(err)
	}
	if _, err := a.Put(ctx, torn{strings.NewReader("123")}, 4); err == nil {
		t.Error("a torn upload was taken")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := a.Put(gone, strings.NewReader("123"), 4); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := files(t, dir); n != 0 || a.Used() != 0 {
		t.Errorf("%d files, %d bytes stayed", n, a.Used())
	}
	if err := os.WriteFile(filepath.Join(dir, "tmp", "put-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.Open(dir, blob.Options{}); err != nil || files(t, dir) != 0 {
		t.Errorf("a crash left %d files, %v", files(t, dir), err)
	}
	for _, name := range []string{"", "tmp", "../x", "A", "a/b"} {
		if _, err := s.Area(name, 0); err == nil {
			t.Errorf("area %q was taken", name)
		}
	}
}

// A full quarantine refuses and leaves the others their room; what is taken out
// makes room again, and the count survives a restart.
func TestQuarantineHasACap(t *testing.T) {
	s, dir, _ := store(t)
	q, a := area(t, s, "quarantine", 10), area(t, s, "files", 0)
	h := put(t, q, "1234567")
	if _, err := q.Put(ctx, strings.NewReader("abcd"), 100); !errors.Is(err, blob.ErrFull) {
		t.Fatal(err)
	}
	put(t, q, "1234567") // there already: needs no room
	put(t, a, "much more than ten bytes")
	again, err := blob.Open(dir, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if q2 := area(t, again, "quarantine", 10); q2.Used() != 7 {
		t.Fatalf("%d bytes after a restart", q2.Used())
	}
	for range 2 { // twice: a job may run again
		if err := q.Move(h, a); err != nil {
			t.Fatal(err)
		}
	}
	if q.Has(h) || !a.Has(h) || q.Used() != 0 {
		t.Fatal("not moved")
	}
	if err := a.Verify(h); err != nil {
		t.Fatal(err)
	}
	put(t, q, "abcd")
	if err := q.Move(blob.Hash{1}, a); !errors.Is(err, blob.ErrMissing) {
		t.Fatal(err)
	}
}

// A disk that is nearly full is refused as full, not filled.
func TestDiskKeepsSomeRoom(t *testing.T) {
	s, err := blob.Open(t.TempDir(), blob.Options{MinFree: math.MaxInt64})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := area(t, s, "files", 0).Put(ctx, strings.NewReader("1"), 4); !errors.Is(err, blob.ErrFull) {
		t.Fatal(err)
	}
}

// Orphans go after their time, what is referred to stays, and content that is
// put again while it is swept stays too.
func TestSweep(t *testing.T) {
	s, _, clock := store(t)
	a := area(t, s, "files", 0)
	kept, orphan, again := put(t, a, "kept"), put(t, a, "orphan"), put(t, a, "again")
	clock.Add(23 * time.Hour)
	young := put(t, a, "young")
	asked := map[blob.Hash]bool{}
	sweep := func() (int, int64) {
		n, size, err := a.Sweep(ctx, 24*time.Hour, func(_ context.Context, some []blob.Hash) (map[blob.Hash]bool, error) {
			for _, h := range some {
				asked[h] = true
			}
			put(t, a, "again") // comes back just now
			return map[blob.Hash]bool{kept: true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, size
	}
	if n, _ := sweep(); n != 0 || len(asked) != 0 {
		t.Fatalf("%d went too early, %d asked", n, len(asked))
	}
	clock.Add(2 * time.Hour)
	if n, size := sweep(); n != 1 || size != 6 {
		t.Fatalf("%d files, %d bytes went", n, size)
	}
	if !a.Has(kept) || a.Has(orphan) || !a.Has(again) || !a.Has(young) || asked[young] {
		t.Fatal("the wrong file went")
	}
	boom := errors.New("no database")
	if _, _, err := a.Sweep(ctx, 0, func(context.Context, []blob.Hash) (map[blob.Hash]bool, error) { return nil, boom }); err != nil && !errors.Is(err, boom) {
		t.Fatal(err)
	}
	clock.Add(48 * time.Hour)
	if n, _, err := a.Sweep(ctx, time.Hour, func(context.Context, []blob.Hash) (map[blob.Hash]bool, error) { return nil, boom }); !errors.Is(err, boom) || n != 0 || !a.Has(kept) {
		t.Fatalf("%d went though nobody could say what is referred to: %v", n, err)
	}
}

// Names come back from their text and nothing else is a name.
func TestHash(t *testing.T) {
	h := blob.Hash(sha256.Sum256([]byte("x")))
	if got, err := blob.ParseHash(h.String()); err != nil || got != h {
		t.Fatal(got, err)
	}
	for _, s := range []string{"", "../../etc/passwd", strings.ToUpper(h.String()), h.String() + "0", strings.Repeat("g", 64)} {
		if _, err := blob.ParseHash(s); !errors.Is(err, blob.ErrBadHash) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if h.IsZero() || !(blob.Hash{}).IsZero() {
		t.Fatal("zero")
	}
}
