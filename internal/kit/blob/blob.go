// Package blob keeps files by their content. A file's name is its SHA-256, so
// the same content is stored once and a changed file is noticed. It also turns
// pictures from strangers into harmless ones (picture.go).
//
// It owns a folder or a bucket and no tables: which file belongs to what, and who
// may see it, is the business of the room that refers to it. A file that no room
// refers to after a while is an orphan (an upload whose command never came) and is
// swept: put aside first, and gone some days later if nobody refers to it still
// (aside.go).
//
// The bytes stand in a Backend: a folder of this machine (folder.go) or a bucket
// of an S3 service that several machines share (bucket.go). Everything else is
// the same for both, and one test runs on both.
//
// What callers rely on:
//   - Put returns when the content is stored for good, under its name or not at all;
//   - Open gives only content that was compared with its name;
//   - storing is no part of any database transaction: first the file, then the
//     row that refers to it; erasing goes the other way;
//   - an area with a cap (the quarantine of public uploads) refuses when full
//     and never takes room from the others.
package blob

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onegrid/internal/kit/disk"
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
	// ErrUnavailable says that the file service does not answer, or only with
	// errors of its own.
	ErrUnavailable = fault.New(fault.Busy, "blob.unavailable")
	// ErrRefused says that the file service does not take our key, or that the
	// key may not do what is needed.
	ErrRefused = fault.New(fault.Internal, "blob.refused")
	// ErrNoBucket says that the bucket does not exist; it is never made by us.
	ErrNoBucket = fault.New(fault.Internal, "blob.no_bucket")
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

// Backend is where the bytes of a store stand (存储后端). It knows areas and
// names; sizes, caps and the comparing of content are the store's. Folder and
// bucket are the two there are.
type Backend interface {
	// Keep stores the whole file at path for good under its name, in place of
	// what may be there; at counts as the time it was put. The file at path may
	// be taken.
	Keep(ctx context.Context, area string, ref Ref, path string, at time.Time) error
	// Look says how large a file is and when it was put. Code: blob.missing.
	Look(ctx context.Context, area string, h Hash) (Info, error)
	// Read opens a file as it lies there. Code: blob.missing.
	Read(ctx context.Context, area string, h Hash) (io.ReadCloser, error)
	// Copy stores the file of one area in another, too; at counts as the time it
	// was put there. Code: blob.missing.
	Copy(ctx context.Context, from, to string, h Hash, at time.Time) error
	// Drop removes a file; one that is not there is no error.
	Drop(ctx context.Context, area string, h Hash) error
	// List visits the files of one area, in any order. At may be later than the
	// time of Look, never earlier by more than the clocks differ.
	List(ctx context.Context, area string, visit func(Hash, Info) error) error
	// Tidy removes what an area that holds nothing leaves behind.
	Tidy(area string)
	// Areas are the names of the areas that hold something.
	Areas(ctx context.Context) ([]string, error)
	// Free is how many bytes can still be written.
	Free() (int64, error)
	// Answers says whether files can be stored and read now.
	Answers(ctx context.Context) error
	// Close lets go of connections.
	Close()
}

// Info is what is known of a file without reading it.
type Info struct {
	Size int64
	At   time.Time // when it was put last
}

// Options are what app decides about a store.
type Options struct {
	Now     func() time.Time
	MinFree int64 // bytes of the disk that stay free; default 256 MiB
	// From names areas that files are moved out of. Whoever reads all areas
	// begins with them, so that a file that moves meanwhile is met once at least.
	From []string
	// Beside says that another process may have the store open: what it is taking
	// in is left alone.
	Beside bool
}

// Store is a number of files in named areas.
type Store struct {
	back  Backend
	temp  string // what is being taken in; emptied when the store is opened
	o     Options
	mu    sync.Mutex
	all   map[string]*Area
	locks [64]sync.Mutex // between putting a file into its place and sweeping it
}

// Open opens a store in a folder, made if needed, and removes what a crash left
// half written.
func Open(dir string, o Options) (*Store, error) {
	s, err := open(filepath.Join(dir, tempName), o)
	if err != nil {
		return nil, err
	}
	s.back = &folder{dir: dir}
	return s, nil
}

// tempName is the part of a folder where files are taken in.
const tempName = "tmp"

func open(temp string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	if !o.Beside {
		if err := os.RemoveAll(temp); err != nil {
			return nil, fmt.Errorf("clean the file store: %w", err)
		}
	}
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, fmt.Errorf("make the file store: %w", err)
	}
	return &Store{temp: temp, o: o, all: map[string]*Area{}}, nil
}

// Answers says whether files can be stored and read now. Codes:
// blob.unavailable, blob.refused, blob.no_bucket.
func (s *Store) Answers(ctx context.Context) error { return s.back.Answers(ctx) }

// Close lets go of connections.
func (s *Store) Close() { s.back.Close() }

// lock keeps others from the same file until it is released.
func (s *Store) lock(h Hash) func() {
	m := &s.locks[int(h[0])%len(s.locks)]
	m.Lock()
	return m.Unlock
}

// Area is a part of the store with its own cap.
type Area struct {
	s    *Store
	name string
	cap  int64
	used atomic.Int64
}

func goodArea(name string) bool {
	return name != "" && name != tempName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Area opens a part of the store; cap is the most bytes it may hold, 0 for as
// many as there is room for.
func (s *Store) Area(name string, cap int64) (*Area, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !goodArea(name) {
		return nil, fmt.Errorf("blob: bad area name %q", name)
	}
	if _, twice := s.all[name]; twice {
		return nil, fmt.Errorf("blob: area %q opened twice", name)
	}
	a := &Area{s: s, name: name, cap: cap}
	if cap > 0 {
		if err := s.back.List(context.Background(), name, func(_ Hash, i Info) error {
			a.used.Add(i.Size)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	s.all[name] = a
	return a, nil
}

// Used is how many bytes an area with a cap holds. Where several machines share
// the store, what the others put is counted at the next sweep.
func (a *Area) Used() int64 { return a.used.Load() }

// Put stores what r gives, at most limit bytes. Content that is there already
// counts as new for the sweep. Codes: blob.empty, blob.too_large, blob.full,
// blob.unavailable.
func (a *Area) Put(ctx context.Context, r io.Reader, limit int64) (Ref, error) {
	if a.cap > 0 {
		limit = min(limit, a.cap)
	}
	if err := a.room(0); err != nil {
		return Ref{}, err
	}
	path, ref, err := a.s.take(ctx, r, limit)
	if err != nil {
		return Ref{}, err
	}
	defer func() { _ = os.Remove(path) }() // gone already when it found its place
	return ref, a.keep(ctx, ref, path)
}

// take writes what comes in to the disk and finds its name.
func (s *Store) take(ctx context.Context, r io.Reader, limit int64) (path string, ref Ref, err error) {
	t, err := os.CreateTemp(s.temp, "put-*") // 0600
	if err != nil {
		return "", Ref{}, full(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(t.Name())
		}
	}()
	sum := sha256.New()
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
		return "", Ref{}, full(err)
	}
	ref.Size = n
	sum.Sum(ref.Hash[:0])
	return t.Name(), ref, nil
}

// keep gives a whole file its name.
func (a *Area) keep(ctx context.Context, ref Ref, path string) error {
	defer a.s.lock(ref.Hash)()
	grows := ref.Size
	if a.cap > 0 {
		switch was, err := a.s.back.Look(ctx, a.name, ref.Hash); {
		case err == nil:
			grows -= was.Size
		case !errors.Is(err, ErrMissing):
			return err
		}
	}
	if err := a.reserve(grows); err != nil {
		return err
	}
	if err := a.s.back.Keep(ctx, a.name, ref, path, a.s.o.Now()); err != nil {
		a.count(-grows)
		return full(err)
	}
	return nil
}

// reserve takes room for a file before it is stored.
func (a *Area) reserve(size int64) error {
	if err := a.room(size); err != nil {
		return err
	}
	for a.cap > 0 {
		used := a.used.Load()
		if used+size > a.cap {
			return ErrFull.With("area", a.name)
		}
		if a.used.CompareAndSwap(used, used+size) {
			break
		}
	}
	return nil
}

func (a *Area) count(change int64) {
	if a.cap > 0 {
		a.used.Add(change)
	}
}

func (a *Area) room(size int64) error {
	if a.cap > 0 && a.used.Load()+size > a.cap {
		return ErrFull.With("area", a.name)
	}
	free, err := a.s.back.Free()
	if err != nil {
		return fmt.Errorf("free room of the file store: %w", err)
	}
	if free < a.s.o.MinFree || free-a.s.o.MinFree < size { // size may be less than 0
		return ErrFull.With("area", a.name)
	}
	return nil
}

// full turns what the disk refuses into its fault; all else stays.
func full(err error) error {
	if disk.Refuses(err) {
		return ErrUnavailable.Because(err)
	}
	if disk.Full(err) {
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

// Open opens a file for reading, after its whole content was compared with its
// name. Codes: blob.missing, blob.broken, blob.unavailable.
func (a *Area) Open(ctx context.Context, h Hash) (io.ReadSeekCloser, error) {
	return a.s.read(ctx, a.name, h)
}

// OpenHere is Open without what is put aside, for who looks in several areas
// before that.
func (a *Area) OpenHere(ctx context.Context, h Hash) (io.ReadSeekCloser, error) {
	return a.s.readFrom(ctx, a.name, h)
}

// inMemory is up to which size a file that can't be read twice is kept in memory
// while it is given out.
const inMemory = 4 << 20

// readTries is how often a transfer that broke off, or came damaged, is begun.
const readTries = 3

// read opens a file of an area; one that was put aside is still there.
func (s *Store) read(ctx context.Context, area string, h Hash) (io.ReadSeekCloser, error) {
	f, err := s.readFrom(ctx, area, h)
	if !errors.Is(err, ErrMissing) {
		return f, err
	}
	for _, aside := range asideNow(area, s.o.Now()) {
		if f, err = s.readFrom(ctx, aside, h); !errors.Is(err, ErrMissing) {
			return f, err
		}
	}
	return nil, err
}

func (s *Store) readFrom(ctx context.Context, area string, h Hash) (f io.ReadSeekCloser, err error) {
	for range readTries {
		f, err = s.readOnce(ctx, area, h)
		if err == nil || errors.Is(err, ErrMissing) || ctx.Err() != nil {
			return f, err
		}
		if _, local := s.back.(*folder); local {
			return nil, err // reading the same disk again tells nothing new
		}
	}
	return nil, err
}

func (s *Store) readOnce(ctx context.Context, area string, h Hash) (io.ReadSeekCloser, error) {
	r, err := s.back.Read(ctx, area, h)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if f, ok := r.(io.ReadSeekCloser); ok {
		_, err := io.Copy(sum, reader{ctx, f})
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err == nil && Hash(sum.Sum(nil)) != h {
			err = ErrBroken.With("hash", h.String())
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	defer r.Close()
	var held spool
	_, err = io.Copy(io.MultiWriter(&held, sum), io.LimitReader(reader{ctx, r}, inMemory))
	if err == nil && held.Len() == inMemory {
		err = held.onto(s.temp)
		if err == nil {
			_, err = io.Copy(io.MultiWriter(&held, sum), reader{ctx, r})
		}
	}
	switch {
	case err != nil && ctx.Err() == nil && !disk.Full(err):
		err = ErrUnavailable.Because(fmt.Errorf("read %s: %w", h, err))
	case err != nil:
		err = full(err)
	case Hash(sum.Sum(nil)) != h:
		err = ErrBroken.With("hash", h.String())
	}
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held.open()
}

// Has says whether a file is there.
func (a *Area) Has(ctx context.Context, h Hash) (bool, error) {
	_, err := a.s.back.Look(ctx, a.name, h)
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// Verify reads a file and compares it with its name. Codes: blob.missing,
// blob.broken, blob.unavailable.
func (a *Area) Verify(ctx context.Context, h Hash) error {
	f, err := a.Open(ctx, h)
	if err != nil {
		return err
	}
	return f.Close()
}

// Move gives a file to another area of the store, as when a person takes it out
// of the quarantine. Codes: blob.missing, blob.full, blob.broken.
func (a *Area) Move(ctx context.Context, h Hash, to *Area) error {
	f, err := a.Open(ctx, h)
	if errors.Is(err, ErrMissing) {
		switch there, err := to.Has(ctx, h); {
		case err != nil:
			return err
		case there: // moved already: a repeated job
			return nil
		}
	}
	if err != nil {
		return err
	}
	_, err = to.Put(ctx, f, maxSize)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return a.Remove(ctx, h)
}

// maxSize bounds what is copied from one of our own places to another.
const maxSize = int64(1) << 40

// Remove erases a file; one that is not there is no error.
func (a *Area) Remove(ctx context.Context, h Hash) error {
	defer a.s.lock(h)()
	if err := a.s.dropAside(ctx, a.name, h); err != nil {
		return err
	}
	var size int64
	if a.cap > 0 {
		switch was, err := a.s.back.Look(ctx, a.name, h); {
		case errors.Is(err, ErrMissing):
			return nil
		case err != nil:
			return err
		default:
			size = was.Size
		}
	}
	if err := a.s.back.Drop(ctx, a.name, h); err != nil {
		return err
	}
	a.count(-size)
	return nil
}

// Each visits every file of every area, as for a backup. What is put aside counts
// for its area as long as that has nothing of the name.
func (s *Store) Each(ctx context.Context, visit func(area string, h Hash, size int64) error) error {
	areas, err := s.back.Areas(ctx)
	if err != nil {
		return err
	}
	late := func(name string) int {
		if of, _, aside := asideOf(name); aside || !slices.Contains(s.o.From, of) {
			return 1
		}
		return 0
	}
	slices.SortFunc(areas, func(x, y string) int { return cmp.Or(cmp.Compare(late(x), late(y)), cmp.Compare(x, y)) })
	seen := map[Hash]string{} // put aside already, on an earlier day
	for _, name := range areas {
		of, _, aside := asideOf(name)
		if err := s.back.List(ctx, name, func(h Hash, i Info) error {
			if aside {
				_, err := s.back.Look(ctx, of, h)
				if err == nil || seen[h] == of {
					return nil
				}
				if !errors.Is(err, ErrMissing) {
					return err
				}
				seen[h] = of
			}
			return visit(of, h, i.Size)
		}); err != nil {
			return err
		}
	}
	return nil
}

// Read opens a file of any area, compared with its name. Codes: blob.missing,
// blob.broken, blob.unavailable.
func (s *Store) Read(ctx context.Context, area string, h Hash) (io.ReadSeekCloser, error) {
	return s.read(ctx, area, h)
}

// Restore puts a file whose name is known into any area, as from a backup.
// Content that does not have the name is refused with blob.broken.
func (s *Store) Restore(ctx context.Context, area string, h Hash, r io.Reader) error {
	if !goodArea(area) {
		return fmt.Errorf("blob: bad area name %q", area)
	}
	path, ref, err := s.take(ctx, r, maxSize)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }() // as in Put
	if ref.Hash != h {
		return ErrBroken.With("hash", h.String())
	}
	defer s.lock(h)()
	return full(s.back.Keep(ctx, area, ref, path, s.o.Now()))
}

// Remove erases a file of any area; one that is not there is no error.
func (s *Store) Remove(ctx context.Context, area string, h Hash) error {
	defer s.lock(h)()
	if err := s.dropAside(ctx, area, h); err != nil {
		return err
	}
	return s.back.Drop(ctx, area, h)
}
