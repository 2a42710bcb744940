package blob_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/blob/s3test"
	"onegrid/internal/kit/db/dbtest"
)

var ctx = context.Background()

// ground is a place where a store can stand; each test runs on every one.
type ground struct {
	clock *dbtest.Clock
	// open opens the store, as after a restart.
	open func() *blob.Store
	// path is the file in which the place keeps a stored file.
	path func(area string, h blob.Hash) string
	dirs []string // all that it writes
}

func each(t *testing.T, run func(t *testing.T, g *ground)) {
	// A bucket's server has a clock of its own: ours begins where that stands.
	clock := func() *dbtest.Clock { return dbtest.NewClock(time.Now().Truncate(time.Second)) }
	t.Run("folder", func(t *testing.T) {
		g, dir := &ground{clock: clock()}, t.TempDir()
		g.dirs = []string{dir}
		g.path = func(area string, h blob.Hash) string {
			return filepath.Join(dir, area, h.String()[:2], h.String()[2:4], h.String())
		}
		g.open = func() *blob.Store {
			s, err := blob.Open(dir, blob.Options{Now: g.clock.Now, From: []string{"quarantine"}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		run(t, g)
	})
	t.Run("bucket", func(t *testing.T) {
		server, temp := s3test.Start(t), t.TempDir()
		g := &ground{clock: clock(), dirs: []string{server.Dir, temp}}
		g.path = func(area string, h blob.Hash) string {
			return filepath.Join(server.Dir, "one", area, h.String())
		}
		g.open = func() *blob.Store {
			o := at(server)
			o.Prefix, o.Temp = "one", temp
			s, err := blob.OpenBucket(ctx, o, blob.Options{Now: g.clock.Now, From: []string{"quarantine"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s
		}
		run(t, g)
	})
}

func at(s *s3test.Server) blob.BucketOptions {
	return blob.BucketOptions{Endpoint: s.Endpoint, Bucket: s.Bucket, Region: "us-east-1", Key: s.Key, Secret: s.Secret, PathStyle: true, Timeout: 10 * time.Second}
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
	r, err := a.Put(ctx, strings.NewReader(content), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	if r.Size != int64(len(content)) || r.Hash != sha256.Sum256([]byte(content)) {
		t.Fatalf("%+v", r)
	}
	return r.Hash
}

func has(t *testing.T, a *blob.Area, h blob.Hash) bool {
	t.Helper()
	there, err := a.Has(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

func content(t *testing.T, a *blob.Area, h blob.Hash) string {
	t.Helper()
	f, err := a.Open(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// files counts what lies in the place, half or whole.
func (g *ground) files(t *testing.T) int {
	t.Helper()
	n := 0
	for _, dir := range g.dirs {
		err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// The same content from sixteen senders is stored once, comes back whole, and a
// changed byte in the store is noticed and never given out.
func TestContentIsTheName(t *testing.T) {
	each(t, func(t *testing.T, g *ground) {
		a := area(t, g.open(), "cases", 1<<20)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { put(t, a, "pothole") })
		}
		wg.Wait()
		h := put(t, a, "pothole")
		if n := g.files(t); n != 1 || a.Used() != 7 {
			t.Fatalf("%d files, %d bytes", n, a.Used())
		}
		if got := content(t, a, h); got != "pothole" {
			t.Fatalf("%q", got)
		}
		if err := a.Verify(ctx, h); err != nil {
			t.Fatal(err)
		}
		for _, damage := range []string{"patched", "cut", "longer than it was"} {
			if err := os.WriteFile(g.path("cases", h), []byte(damage), 0o600); err != nil {
				t.Fatal(err)
			}
			if f, err := a.Open(ctx, h); !errors.Is(err, blob.ErrBroken) || f != nil {
				t.Fatalf("changed to %q: %v", damage, err)
			}
			if err := a.Verify(ctx, h); !errors.Is(err, blob.ErrBroken) {
				t.Fatalf("changed to %q was not noticed: %v", damage, err)
			}
		}
		a = area(t, g.open(), "cases", 1<<20)
		put(t, a, "pothole") // sent again: mended
		if err := a.Verify(ctx, h); err != nil || a.Used() != 7 {
			t.Fatalf("%v, %d bytes", err, a.Used())
		}
		for range 2 { // a repeated job
			if err := a.Remove(ctx, h); err != nil || has(t, a, h) || a.Used() != 0 {
				t.Fatalf("%v, %d bytes", err, a.Used())
			}
		}
		if _, err := a.Open(ctx, h); !errors.Is(err, blob.ErrMissing) {
			t.Fatal(err)
		}
	})
}

// A file larger than what is kept in memory, and than one part of a transfer,
// comes back whole, can be read from anywhere, and leaves nothing behind.
func TestLargeFiles(t *testing.T) {
	each(t, func(t *testing.T, g *ground) {
		a := area(t, g.open(), "cases", 0)
		large := strings.Repeat("0123456789abcdef", 20<<20/16)
		h := put(t, a, large)
		before := g.files(t)
		f, err := a.Open(ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(17<<20, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || string(rest) != large[17<<20:] {
			t.Fatalf("%d bytes, %v", len(rest), err)
		}
		if now := g.files(t); now != before {
			t.Errorf("%d files, there were %d", now, before)
		}
	})
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
	each(t, func(t *testing.T, g *ground) {
		s := g.open()
		a := area(t, s, "cases", 0)
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
		if n := g.files(t); n != 0 || a.Used() != 0 {
			t.Errorf("%d files, %d bytes stayed", n, a.Used())
		}
		temp := g.dirs[len(g.dirs)-1]
		if len(g.dirs) == 1 {
			temp = filepath.Join(temp, "tmp")
		}
		if err := os.WriteFile(filepath.Join(temp, "put-1"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if g.open(); g.files(t) != 0 {
			t.Errorf("a crash left %d files", g.files(t))
		}
		for _, name := range []string{"", "tmp", "../x", "A", "a/b"} {
			if _, err := s.Area(name, 0); err == nil {
				t.Errorf("area %q was taken", name)
			}
			if err := s.Restore(ctx, name, blob.Hash{}, strings.NewReader("x")); err == nil {
				t.Errorf("restored into area %q", name)
			}
		}
	})
}

// A full quarantine refuses and leaves the others their room; what is taken out
// makes room again, and the count survives a restart and what other machines do.
func TestQuarantineHasACap(t *testing.T) {
	each(t, func(t *testing.T, g *ground) {
		s := g.open()
		q, a := area(t, s, "quarantine", 10), area(t, s, "cases", 0)
		h := put(t, q, "1234567")
		if _, err := q.Put(ctx, strings.NewReader("abcd"), 100); !errors.Is(err, blob.ErrFull) {
			t.Fatal(err)
		}
		put(t, q, "1234567") // there already: needs no room
		put(t, a, "much more than ten bytes")
		other := area(t, g.open(), "quarantine", 10)
		if other.Used() != 7 {
			t.Fatalf("%d bytes after a restart", other.Used())
		}
		for range 2 { // twice: a job may run again
			if err := q.Move(ctx, h, a); err != nil {
				t.Fatal(err)
			}
		}
		if has(t, q, h) || !has(t, a, h) || q.Used() != 0 {
			t.Fatal("not moved")
		}
		if err := a.Verify(ctx, h); err != nil {
			t.Fatal(err)
		}
		keepAll := func(context.Context, []blob.Hash) (map[blob.Hash]bool, error) { return nil, nil }
		if _, _, err := other.Sweep(ctx, time.Hour, keepAll); err != nil || other.Used() != 0 {
			t.Fatalf("the other machine still counts %d bytes, %v", other.Used(), err)
		}
		put(t, q, "abcd")
		if err := q.Move(ctx, blob.Hash{1}, a); !errors.Is(err, blob.ErrMissing) {
			t.Fatal(err)
		}
	})
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
	each(t, func(t *testing.T, g *ground) {
		a := area(t, g.open(), "cases", 1<<20)
		kept, orphan, again := put(t, a, "kept"), put(t, a, "orphan"), put(t, a, "again")
		g.clock.Add(23 * time.Hour)
		young := put(t, a, "young")
		sweep := func() (int, int64) {
			n, size, err := a.Sweep(ctx, 24*time.Hour, func(context.Context, []blob.Hash) (map[blob.Hash]bool, error) {
				put(t, a, "again") // comes back just now
				return map[blob.Hash]bool{kept: true}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n, size
		}
		if n, _ := sweep(); n != 0 {
			t.Fatalf("%d went too early", n)
		}
		g.clock.Add(2 * time.Hour)
		if n, size := sweep(); n != 1 || size != 6 {
			t.Fatalf("%d files, %d bytes went", n, size)
		}
		if !has(t, a, kept) || has(t, a, orphan) || !has(t, a, again) || !has(t, a, young) {
			t.Fatal("the wrong file went")
		}
		if a.Used() != int64(len("kept")+len("again")+len("young")) {
			t.Errorf("%d bytes are counted", a.Used())
		}
		boom := errors.New("no database")
		nobody := func(context.Context, []blob.Hash) (map[blob.Hash]bool, error) { return nil, boom }
		g.clock.Add(48 * time.Hour)
		if n, _, err := a.Sweep(ctx, time.Hour, nobody); !errors.Is(err, boom) || n != 0 || !has(t, a, kept) {
			t.Fatalf("%d went though nobody could say what is referred to: %v", n, err)
		}
	})
}

// Whoever reads all files meets each, those of the quarantine first; what is put
// back must have the content of its name.
func TestEachAndRestore(t *testing.T) {
	each(t, func(t *testing.T, g *ground) {
		s := g.open()
		want := map[string]int64{}
		var order []string
		for i, name := range []string{"cases", "papers", "quarantine", "cases"} {
			h := sha256.Sum256([]byte{byte(i)})
			if err := s.Restore(ctx, name, h, strings.NewReader(string([]byte{byte(i)}))); err != nil {
				t.Fatal(err)
			}
			want[name+"/"+blob.Hash(h).String()] = 1
		}
		if err := s.Restore(ctx, "cases", blob.Hash{1}, strings.NewReader("other")); !errors.Is(err, blob.ErrBroken) {
			t.Errorf("other content: %v", err)
		}
		got := map[string]int64{}
		if err := s.Each(ctx, func(area string, h blob.Hash, size int64) error {
			got[area+"/"+h.String()] = size
			order = append(order, area)
			f, err := s.Read(ctx, area, h)
			if err != nil {
				return err
			}
			return f.Close()
		}); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, want) || order[0] != "quarantine" {
			t.Errorf("met %v in the order %v", got, order)
		}
		stop := errors.New("enough")
		if err := s.Each(ctx, func(string, blob.Hash, int64) error { return stop }); !errors.Is(err, stop) {
			t.Error(err)
		}
		for name := range want {
			area, hash, _ := strings.Cut(name, "/")
			h, err := blob.ParseHash(hash)
			if err := errors.Join(err, s.Remove(ctx, area, h)); err != nil {
				t.Error(err)
			}
		}
		if n := g.files(t); n != 0 {
			t.Errorf("%d files are left", n)
		}
	})
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
