// Package blob keeps files by their content. A file's name is its SHA-256, so
// the same content is stored once and a changed file is noticed. It also turns
// pictures from strangers into harmless ones (picture.go).
//
// It owns a folder and no tables: which file belongs to what, and who may see
// it, is the business of the room that refers to it. A file that no room refers
// to after a while is an orphan (an upload whose command never came) and is
// swept.
//
// What callers rely on:
//   - Put returns when the content is on the disk, under its name or not at all;
//   - storing is no part of any database transaction: first the file, then the
//     row that refers to it; erasing goes the other way;
//   - an area with a cap (the quarantine of public uploads) refuses when full
//     and never takes room from the others.
package blob

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onegrid/internal/kit/fault"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

var (
	// ErrBadHash says that a text is no name of a file.
	ErrBadHash = fault.New(fault.Invalid, "blob.bad_hash")
	// ErrMissing says that the file is not (or no longer) there.
	ErrMissing = fault.New(fault.Missing, "blob.missing")
	// ErrTooLarge says that a file is larger than the caller takes.
	ErrTooLarge = fault.New(fault.TooLarge, "blob.too_large")
	// ErrEmpty says that a file has no content.
	ErrEmpty = fault.New(fault.Invalid, "blob.empty")
	// ErrFull says that the area, or the disk, has no room.
	ErrFull = fault.New(fault.Busy, "blob.full")
	// ErrBroken says that a file no longer has the content of its name.
	ErrBroken = fault.New(fault.Internal, "blob.broken")
)

// Hash names a file by its content.
type Hash [sha256.Size]byte

// ParseHash reads the 64 character form. Code: blob.bad_hash.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) || strings.ToLower(s) != s {
		return h, ErrBadHash
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, ErrBadHash
	}
	return h, nil
}

// String is the 64 character form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero says whether this names no file.
func (h Hash) IsZero() bool { return h == Hash{} }

// Ref is a stored file.
type Ref struct {
	Hash Hash
	Size int64
}

// Options are what app decides about a store.
type Options struct {
	Now     func() time.Time
	MinFree int64 // bytes of the disk that stay free; default 256 MiB
}

// Store is a folder of files, in named areas.
type Store struct {
	dir string
	o   Options
	mu  sync.Mutex // between putting a file into its place and sweeping it
	all map[string]*Area
}

// Open opens a store, made if needed, and removes what a crash left half
// written.
func Open(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	s := &Store{dir: dir, o: o, all: map[string]*Area{}}
	if err := os.RemoveAll(s.temp()); err != nil {
		return nil, fmt.Errorf("clean the file store: %w", err)
	}
	if err := os.MkdirAll(s.temp(), 0o700); err != nil {
		return nil, fmt.Errorf("make the file store: %w", err)
	}
	return s, nil
}

func (s *Store) temp() string { return filepath.Join(s.dir, "tmp") }

// Area is a part of the store with its own cap.
type Area struct {
	s    *Store
	name string
	cap  int64
	used atomic.Int64
}

// Area opens a part of the store; cap is the most bytes it may hold, 0 for as
// many as the disk has.
func (s *Store) Area(name string, cap int64) (*Area, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" || name == "tmp" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("blob: bad area name %q", name)
	}
	if _, twice := s.all[name]; twice {
		return nil, fmt.Errorf("blob: area %q opened twice", name)
	}
	a := &Area{s: s, name: name, cap: cap}
	if err := os.MkdirAll(a.dir(), 0o700); err != nil {
		return nil, fmt.Errorf("make the area %s: %w", name, err)
	}
	err := a.walk(func(_ Hash, info fs.FileInfo) error {
		a.used.Add(info.Size())
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.all[name] = a
	return a, nil
}

func (a *Area) dir() string { return filepath.Join(a.s.dir, a.name) }

// path spreads files over 65,536 folders.
func (a *Area) path(h Hash) string {
	n := h.String()
	return filepath.Join(a.dir(), n[:2], n[2:4], n)
}

// Used is how many bytes the area holds.
func (a *Area) Used() int64 { return a.used.Load() }

// Put stores what r gives, at most limit bytes. Content that is there already is
// not written again but counts as new for the sweep. Codes: blob.empty,
// blob.too_large, blob.full.
func (a *Area) Put(ctx context.Context, r io.Reader, limit int64) (Ref, error) {
	if err := a.room(0); err != nil {
		return Ref{}, err
	}
	t, err := os.CreateTemp(a.s.temp(), "put-*") // 0600
	if err != nil {
		return Ref{}, full(err)
	}
	defer func() { _ = os.Remove(t.Name()) }() // gone already when it found its place
	sum := sha256.New()
	if a.cap > 0 {
		limit = min(limit, a.cap)
	}
	n, err := io.Copy(io.MultiWriter(t, sum), io.LimitReader(reader{ctx, r}, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge.With("limit", limit)
	}
	if err == nil && n == 0 {
		err = ErrEmpty
	}
	if err == nil {
		err = t.Sync()
	}
	if closed := t.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Ref{}, full(err)
	}
	ref := Ref{Size: n}
	sum.Sum(ref.Hash[:0])
	return ref, a.place(t.Name(), ref)
}

// place moves a whole file to its name and makes the move durable.
func (a *Area) place(temp string, ref Ref) error {
	path := a.path(ref.Hash)
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	now := a.s.o.Now()
	before := int64(0)
	if info, err := os.Stat(path); err == nil {
		if info.Size() == ref.Size {
			if err := os.Chtimes(path, now, now); err != nil {
				return fmt.Errorf("touch %s: %w", ref.Hash, err)
			}
			return nil
		}
		before = info.Size() // damaged: the right content replaces it
	}
	if err := a.room(ref.Size - before); err != nil {
		return err
	}
	first, second := filepath.Dir(filepath.Dir(path)), filepath.Dir(path)
	if err := os.MkdirAll(second, 0o700); err != nil {
		return full(err)
	}
	if err := os.Chtimes(temp, now, now); err != nil {
		return full(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return full(err)
	}
	a.used.Add(ref.Size - before)
	for _, dir := range []string{second, first, a.dir()} {
		if err := syncDir(dir); err != nil {
			return full(err)
		}
	}
	return nil
}

func (a *Area) room(size int64) error {
	if a.cap > 0 && a.used.Load()+size > a.cap {
		return ErrFull.With("area", a.name)
	}
	free, err := freeBytes(a.s.dir)
	if err != nil {
		return fmt.Errorf("free room of the file store: %w", err)
	}
	if free-size < a.s.o.MinFree {
		return ErrFull.With("area", a.name)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// full turns "no room on the disk" into its fault; all else stays.
func full(err error) error {
	if outOfRoom(err) {
		return ErrFull.Because(err)
	}
	return err
}

// reader ends a copy when the sender has gone.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// Open opens a file for reading. Code: blob.missing.
func (a *Area) Open(h Hash) (*os.File, error) {
	f, err := os.Open(a.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	return f, err
}

// Has says whether a file is there.
func (a *Area) Has(h Hash) bool {
	_, err := os.Stat(a.path(h))
	return err == nil
}

// Verify reads a file and compares it with its name. Codes: blob.missing,
// blob.broken.
func (a *Area) Verify(h Hash) error {
	f, err := a.Open(h)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read %s: %w", h, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != h {
		return ErrBroken.With("hash", h.String())
	}
	return nil
}

// Move gives a file to another area of the store, as when a person takes it out
// of the quarantine. Codes: blob.missing, blob.full.
func (a *Area) Move(h Hash, to *Area) error {
	info, err := os.Stat(a.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		if to.Has(h) { // moved already: a repeated job
			return nil
		}
		return ErrMissing
	}
	if err != nil {
		return fmt.Errorf("move %s: %w", h, err)
	}
	t := filepath.Join(a.s.temp(), "move-"+h.String())
	if err := os.Link(a.path(h), t); err != nil && !errors.Is(err, fs.ErrExist) {
		return full(err)
	}
	defer func() { _ = os.Remove(t) }() // as in Put
	if err := to.place(t, Ref{h, info.Size()}); err != nil {
		return err
	}
	return a.Remove(h)
}

// Remove erases a file; one that is not there is no error.
func (a *Area) Remove(h Hash) error {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	return a.remove(h)
}

func (a *Area) remove(h Hash) error {
	path := a.path(h)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", h, err)
	}
	a.used.Add(-info.Size())
	return syncDir(filepath.Dir(path))
}

// Sweep removes files that were put more than age ago and that nothing refers
// to; wanted says, for a number of files at a time, which of them are referred
// to. It says how many files and bytes went.
func (a *Area) Sweep(ctx context.Context, age time.Duration, wanted func(ctx context.Context, some []Hash) (map[Hash]bool, error)) (files int, bytes int64, err error) {
	const step = 200
	var some []Hash
	limit := a.s.o.Now().Add(-age)
	sweep := func() error {
		if len(some) == 0 {
			return nil
		}
		keep, err := wanted(ctx, some)
		if err != nil {
			return err
		}
		for _, h := range some {
			if keep[h] {
				continue
			}
			n, err := a.sweepOne(h, limit)
			if err != nil {
				return err
			}
			if n > 0 {
				files, bytes = files+1, bytes+n
			}
		}
		some = some[:0]
		return ctx.Err()
	}
	err = a.walk(func(h Hash, info fs.FileInfo) error {
		if !info.ModTime().Before(limit) {
			return nil
		}
		if some = append(some, h); len(some) < step {
			return nil
		}
		return sweep()
	})
	if err == nil {
		err = sweep()
	}
	return files, bytes, err
}

// sweepOne removes an orphan unless it was put again since it was looked at.
func (a *Area) sweepOne(h Hash, limit time.Time) (int64, error) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	info, err := os.Stat(a.path(h))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweep %s: %w", h, err)
	}
	if !info.ModTime().Before(limit) {
		return 0, nil
	}
	return info.Size(), a.remove(h)
}

// walk visits all files of the area; foreign names are left alone.
func (a *Area) walk(visit func(Hash, fs.FileInfo) error) error {
	err := filepath.WalkDir(a.dir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // went while we walked
		}
		if err != nil || d.IsDir() {
			return err
		}
		h, err := ParseHash(d.Name())
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(h, info)
	})
	if err != nil {
		return fmt.Errorf("walk the area %s: %w", a.name, err)
	}
	return nil
}
