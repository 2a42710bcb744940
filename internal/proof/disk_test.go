package proof_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	fuse "github.com/hanwen/go-fuse/v2/fs"
	wire "github.com/hanwen/go-fuse/v2/fuse"
)

// disk is a disk that fails when it is told to: a file system of this process
// (FUSE) above a folder. The program and PostgreSQL use it as they would any
// other, so nothing in them knows that they are being tested.
//
// What was written since the last fsync is remembered with what stood there
// before. A power cut takes such writes back, page by page, all of them or a
// part by chance, and the newest changes of directories. As on ext4 and XFS the
// fsync of a file keeps its name too; a rename or removal is kept by the fsync
// of its directory.
//
// The test itself must not map files of the mount: while a page is fetched the
// process that has to fetch it would wait for itself.
type disk struct {
	t      *testing.T
	back   string // where the files really lie
	dir    string // where they are mounted
	trash  string // what was removed and may come back
	server *wire.Server
	chance *rand.Rand

	mu       sync.Mutex
	dead     bool
	refuse   syscall.Errno // of every write: ENOSPC (that needs room), EROFS
	unsynced map[uint64]*unsynced
	names    []*renamed
	removed  int

	slow time.Duration // of every fsync; guarded by mu
}

const page = 4096

// unsynced is one file and what stood in it at its last fsync.
type unsynced struct {
	f     *os.File
	size  int64
	pages map[int64][]byte
}

// renamed is one change of a directory that is not yet kept.
type renamed struct {
	dirs map[uint64]bool // that must be synced still
	made uint64          // the file that appeared: its own fsync keeps the name
	undo func() error
	kept func()
}

// newDisk mounts a disk, or says why this machine can't.
func newDisk(t *testing.T) (*disk, error) {
	t.Helper()
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		return nil, err
	} else if err := f.Close(); err != nil {
		return nil, err
	}
	// In memory: what the disk keeps is ours to say, so nothing waits for a real one.
	root, err := os.MkdirTemp("/dev/shm", "onegrid-disk-")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	d := &disk{t: t, back: filepath.Join(root, "back"), dir: filepath.Join(root, "disk"), trash: filepath.Join(root, "trash"),
		chance: rand.New(rand.NewPCG(20261127, 1)), unsynced: map[uint64]*unsynced{}}
	for _, dir := range []string{root, d.back, d.dir, d.trash} {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil { //nolint:gosec // PostgreSQL runs as another user
			return nil, err
		}
	}
	if err := d.mount(); err != nil {
		return nil, err
	}
	t.Cleanup(d.unmount)
	return d, nil
}

func (d *disk) mount() error {
	var st syscall.Stat_t
	if err := syscall.Stat(d.back, &st); err != nil {
		return err
	}
	root := &fuse.LoopbackRoot{Path: d.back, Dev: st.Dev}
	first := &node{LoopbackNode: fuse.LoopbackNode{RootData: root}, d: d}
	root.RootNode = first
	var err error
	d.server, err = fuse.Mount(d.dir, first, &fuse.Options{MountOptions: wire.MountOptions{
		AllowOther: true, DirectMountStrict: true, DisableXAttrs: true, FsName: "onegrid-test", Name: "fails", Options: []string{"default_permissions"},
	}})
	return err
}

// WrapChild makes what lies below a node of the same kind.
func (n *node) WrapChild(context.Context, fuse.InodeEmbedder) fuse.InodeEmbedder {
	return &node{LoopbackNode: fuse.LoopbackNode{RootData: n.RootData}, d: n.d}
}

func (d *disk) unmount() {
	if d.server == nil {
		return
	}
	if err := d.server.Unmount(); err != nil { // somebody still looks at it
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH)
	}
	d.server = nil
}

// full lets every write that needs room fail until it is called with false.
func (d *disk) full(yes bool) { d.refuses(yes, syscall.ENOSPC) }

// readOnly lets every change fail until it is called with false.
func (d *disk) readOnly(yes bool) { d.refuses(yes, syscall.EROFS) }

func (d *disk) refuses(yes bool, why syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = 0
	if yes {
		d.refuse = why
	}
}

// waits makes every fsync take so long.
func (d *disk) waits(each time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = each
}

// cut is the moment at which the power goes: from here on nothing is kept. Kill
// what uses the disk, then call comesBack.
func (d *disk) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
}

// comesBack takes back what was not synced and mounts the disk again. It says how
// many pages and names were lost.
func (d *disk) comesBack() (pages, names int) {
	d.t.Helper()
	d.unmount()
	d.mu.Lock()
	defer d.mu.Unlock()
	survive := []float64{0, 0.5, 0.9}[d.chance.IntN(3)]
	for ino, u := range d.unsynced {
		n, err := u.back(func() bool { return d.chance.Float64() < survive })
		if err != nil {
			d.t.Fatalf("take back what was written to inode %d: %v", ino, err)
		}
		pages += n
	}
	// Directories are kept in order, so that the newest changes are lost.
	keep := 0
	if survive > 0 && len(d.names) > 0 {
		keep = d.chance.IntN(len(d.names) + 1)
	}
	for n := len(d.names) - 1; n >= 0; n-- {
		if n < keep {
			d.names[n].done()
			continue
		}
		if err := d.names[n].undo(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.t.Fatalf("take back a change of a directory: %v", err)
		}
		names++
	}
	d.unsynced, d.names, d.dead = map[uint64]*unsynced{}, nil, false
	if err := d.mount(); err != nil {
		d.t.Fatal(err)
	}
	return pages, names
}

// back takes back what was not synced, but for what survives by chance.
func (u *unsynced) back(survives func() bool) (lost int, err error) {
	defer u.f.Close()
	info, err := u.f.Stat()
	if err != nil {
		return 0, err
	}
	now, size := info.Size(), u.size
	if now > u.size && survives() {
		size = now // the room was given already
	}
	if err := u.f.Truncate(size); err != nil {
		return 0, err
	}
	for n, old := range u.pages {
		if n*page < now && survives() {
			continue
		}
		lost++
		if _, err := u.f.WriteAt(old, n*page); err != nil {
			return lost, err
		}
	}
	for at := (u.size + page - 1) / page * page; at < size; at += page {
		if survives() {
			continue
		}
		lost++
		if _, err := u.f.WriteAt(make([]byte, min(page, size-at)), at); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// before remembers what stands in a part of a file that is about to change; to is
// -1 when it is cut off at from.
func (d *disk) before(ino uint64, f *os.File, from, to int64) error {
	u := d.unsynced[ino]
	if u == nil {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		own, err := syscall.Dup(int(f.Fd()))
		if err != nil {
			return err
		}
		u = &unsynced{f: os.NewFile(uintptr(own), ""), size: info.Size(), pages: map[int64][]byte{}}
		d.unsynced[ino] = u
	}
	if to < 0 || to > u.size {
		to = u.size
	}
	for n := from / page; n*page < to; n++ {
		if _, known := u.pages[n]; known {
			continue
		}
		old := make([]byte, min(page, u.size-n*page))
		if _, err := f.ReadAt(old, n*page); err != nil {
			return fmt.Errorf("remember page %d of inode %d: %w", n, ino, err)
		}
		u.pages[n] = old
	}
	return nil
}

// allowed says whether a change may be made now; room says that it needs some.
func (d *disk) allowed(room bool) syscall.Errno {
	switch {
	case d.dead:
		return syscall.EIO
	case d.refuse == syscall.ENOSPC && !room:
		return 0
	}
	return d.refuse
}

func (d *disk) sync(ino uint64) syscall.Errno {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return syscall.EIO
	}
	if u := d.unsynced[ino]; u != nil {
		u.f.Close()
		delete(d.unsynced, ino)
	}
	left := d.names[:0]
	for _, n := range d.names {
		delete(n.dirs, ino)
		if len(n.dirs) == 0 || n.made == ino && ino != 0 {
			n.done()
			continue
		}
		left = append(left, n)
	}
	clear(d.names[len(left):])
	d.names = left
	return 0
}

func (r *renamed) done() {
	if r.kept != nil {
		r.kept()
	}
}

// aside keeps a name that is about to go, so that it can come back.
func (d *disk) aside(path string) (kept string, err error) {
	d.removed++
	kept = filepath.Join(d.trash, fmt.Sprint(d.removed))
	return kept, os.Link(path, kept)
}

func (d *disk) changed(made uint64, undo func() error, kept func(), dirs ...*node) {
	r := &renamed{dirs: map[uint64]bool{}, made: made, undo: undo, kept: kept}
	for _, dir := range dirs {
		r.dirs[inode(dir.path())] = true
	}
	d.names = append(d.names, r)
}

func inode(path string) uint64 {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return 0
	}
	return st.Ino
}

// node is a file or folder of the disk.
type node struct {
	fuse.LoopbackNode
	d *disk
}

func (n *node) path() string { return filepath.Join(n.d.back, n.Path(n.Root())) }

func (n *node) Statfs(ctx context.Context, out *wire.StatfsOut) syscall.Errno {
	e := n.LoopbackNode.Statfs(ctx, out)
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if n.d.refuse == syscall.ENOSPC {
		out.Bavail, out.Bfree = 0, 0
	}
	return e
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *wire.EntryOut) (*fuse.Inode, fuse.FileHandle, uint32, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(true); e != 0 {
		return nil, nil, 0, e
	}
	made, raw, _, e := n.LoopbackNode.Create(ctx, name, readable(flags), mode, out)
	if e != 0 {
		return nil, nil, 0, e
	}
	path := filepath.Join(n.path(), name)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if closer, ok := raw.(fuse.FileReleaser); ok {
		closer.Release(ctx)
	}
	if err != nil {
		return nil, nil, 0, fuse.ToErrno(err)
	}
	h := &handle{d: n.d, f: f, ino: inode(path)}
	n.d.changed(h.ino, func() error { return os.Remove(path) }, nil, n)
	return made, h, 0, 0
}

// readable opens for reading too: what is overwritten is read first.
func readable(flags uint32) uint32 {
	if flags&syscall.O_ACCMODE == syscall.O_WRONLY {
		flags = flags&^syscall.O_ACCMODE | syscall.O_RDWR
	}
	return flags &^ (syscall.O_APPEND | syscall.O_TRUNC | wire.FMODE_EXEC)
}

func (n *node) Open(_ context.Context, flags uint32) (fuse.FileHandle, uint32, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if n.d.dead && flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EIO
	}
	if n.d.refuse == syscall.EROFS && flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	path := n.path()
	f, err := os.OpenFile(path, int(readable(flags)), 0)
	if err != nil {
		return nil, 0, fuse.ToErrno(err)
	}
	h := &handle{d: n.d, f: f, ino: inode(path)}
	if flags&syscall.O_TRUNC != 0 {
		if e := h.truncate(0); e != 0 {
			f.Close()
			return nil, 0, e
		}
	}
	return h, 0, 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *wire.EntryOut) (*fuse.Inode, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(true); e != 0 {
		return nil, e
	}
	made, e := n.LoopbackNode.Mkdir(ctx, name, mode, out)
	if e == 0 {
		path := filepath.Join(n.path(), name)
		n.d.changed(inode(path), func() error { return os.RemoveAll(path) }, nil, n)
	}
	return made, e
}

func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(false); e != 0 {
		return e
	}
	path := filepath.Join(n.path(), name)
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		return fuse.ToErrno(err)
	}
	e := n.LoopbackNode.Rmdir(ctx, name)
	if e == 0 {
		n.d.changed(0, func() error {
			return errors.Join(os.Mkdir(path, os.FileMode(st.Mode&0o777)), os.Lchown(path, int(st.Uid), int(st.Gid)))
		}, nil, n)
	}
	return e
}

func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(false); e != 0 {
		return e
	}
	path := filepath.Join(n.path(), name)
	kept, err := n.d.aside(path)
	if err != nil {
		return fuse.ToErrno(err)
	}
	e := n.LoopbackNode.Unlink(ctx, name)
	if e != 0 {
		os.Remove(kept)
		return e
	}
	n.d.changed(0, func() error { return os.Rename(kept, path) }, func() { os.Remove(kept) }, n)
	return 0
}

func (n *node) Rename(ctx context.Context, name string, to fuse.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(false); e != 0 {
		return e
	}
	other, ok := to.(*node)
	if !ok || flags != 0 {
		return syscall.EINVAL
	}
	from, into, kept := filepath.Join(n.path(), name), filepath.Join(other.path(), newName), ""
	if info, err := os.Lstat(into); err == nil && info.Mode().IsRegular() {
		if kept, err = n.d.aside(into); err != nil {
			return fuse.ToErrno(err)
		}
	}
	if e := n.LoopbackNode.Rename(ctx, name, to, newName, flags); e != 0 {
		if kept != "" {
			os.Remove(kept)
		}
		return e
	}
	n.d.changed(0, func() error {
		err := os.Rename(into, from)
		if kept != "" {
			err = errors.Join(err, os.Rename(kept, into))
		}
		return err
	}, func() {
		if kept != "" {
			os.Remove(kept)
		}
	}, other) // the folder it came to keeps it; one log of the file system holds both
	return 0
}

func (n *node) Link(ctx context.Context, target fuse.InodeEmbedder, name string, out *wire.EntryOut) (*fuse.Inode, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(true); e != 0 {
		return nil, e
	}
	made, e := n.LoopbackNode.Link(ctx, target, name, out)
	if e == 0 {
		path := filepath.Join(n.path(), name)
		n.d.changed(0, func() error { return os.Remove(path) }, nil, n)
	}
	return made, e
}

func (n *node) Symlink(ctx context.Context, target, name string, out *wire.EntryOut) (*fuse.Inode, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if e := n.d.allowed(true); e != 0 {
		return nil, e
	}
	made, e := n.LoopbackNode.Symlink(ctx, target, name, out)
	if e == 0 {
		path := filepath.Join(n.path(), name)
		n.d.changed(0, func() error { return os.Remove(path) }, nil, n)
	}
	return made, e
}

func (n *node) Setattr(ctx context.Context, f fuse.FileHandle, in *wire.SetAttrIn, out *wire.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		n.d.mu.Lock()
		h, open := f.(*handle)
		if !open {
			path := n.path()
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				n.d.mu.Unlock()
				return fuse.ToErrno(err)
			}
			defer file.Close()
			h = &handle{d: n.d, f: file, ino: inode(path)}
		}
		e := h.truncate(int64(size))
		n.d.mu.Unlock()
		if e != 0 {
			return e
		}
	} else {
		n.d.mu.Lock()
		e := n.d.allowed(false)
		n.d.mu.Unlock()
		if e != 0 {
			return e
		}
	}
	rest := *in
	rest.Valid &^= wire.FATTR_SIZE
	return n.LoopbackNode.Setattr(ctx, nil, &rest, out)
}

func (n *node) Fsync(_ context.Context, f fuse.FileHandle, _ uint32) syscall.Errno {
	if h, ok := f.(*handle); ok {
		return n.d.sync(h.ino)
	}
	return n.d.sync(inode(n.path()))
}

// OpendirHandle hides the handle of the loopback, which would sync past us.
func (n *node) OpendirHandle(_ context.Context, _ uint32) (fuse.FileHandle, uint32, syscall.Errno) {
	s, e := fuse.NewLoopbackDirStream(n.path())
	if e != 0 {
		return nil, 0, e
	}
	return listing{s}, 0, 0
}

// listing is an open folder.
type listing struct{ fuse.DirStream }

func (l listing) Readdirent(ctx context.Context) (*wire.DirEntry, syscall.Errno) {
	if r, ok := l.DirStream.(fuse.FileReaddirenter); ok {
		return r.Readdirent(ctx)
	}
	if !l.HasNext() {
		return nil, 0
	}
	e, errno := l.Next()
	return &e, errno
}

func (l listing) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if s, ok := l.DirStream.(fuse.FileSeekdirer); ok {
		return s.Seekdir(ctx, off)
	}
	return syscall.ENOTSUP
}

func (l listing) Releasedir(context.Context, uint32) { l.Close() }

// handle is an open file.
type handle struct {
	d   *disk
	f   *os.File
	ino uint64
}

func (h *handle) Read(_ context.Context, buf []byte, off int64) (wire.ReadResult, syscall.Errno) {
	n, err := syscall.Pread(int(h.f.Fd()), buf, off)
	if err != nil {
		return nil, fuse.ToErrno(err)
	}
	return wire.ReadResultData(buf[:n]), 0
}

func (h *handle) Write(_ context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	info, err := h.f.Stat()
	if err != nil {
		return 0, fuse.ToErrno(err)
	}
	if e := h.d.allowed(off+int64(len(data)) > info.Size()); e != 0 {
		return 0, e
	}
	if err := h.d.before(h.ino, h.f, off, off+int64(len(data))); err != nil {
		return 0, fuse.ToErrno(err)
	}
	n, err := syscall.Pwrite(int(h.f.Fd()), data, off)
	return uint32(max(n, 0)), fuse.ToErrno(err)
}

// truncate is called with the disk locked.
func (h *handle) truncate(size int64) syscall.Errno {
	if e := h.d.allowed(false); e != 0 {
		return e
	}
	if err := h.d.before(h.ino, h.f, size, -1); err != nil {
		return fuse.ToErrno(err)
	}
	return fuse.ToErrno(h.f.Truncate(size))
}

func (h *handle) Allocate(_ context.Context, off, size uint64, mode uint32) syscall.Errno {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if e := h.d.allowed(true); e != 0 {
		return e
	}
	if mode != 0 {
		return syscall.ENOTSUP
	}
	if err := h.d.before(h.ino, h.f, int64(off), int64(off+size)); err != nil {
		return fuse.ToErrno(err)
	}
	return fuse.ToErrno(syscall.Fallocate(int(h.f.Fd()), 0, int64(off), int64(size)))
}

func (h *handle) Getattr(_ context.Context, out *wire.AttrOut) syscall.Errno {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(h.f.Fd()), &st); err != nil {
		return fuse.ToErrno(err)
	}
	out.FromStat(&st)
	return 0
}

func (h *handle) Flush(context.Context) syscall.Errno { return 0 }

func (h *handle) Release(context.Context) syscall.Errno { return fuse.ToErrno(h.f.Close()) }
