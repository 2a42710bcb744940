package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"onegrid/internal/kit/disk"
)

// folder is a backend on a disk of this machine: dir/area/ab/cd/abcd….
type folder struct{ dir string }

// path spreads files over 65,536 folders.
func (f *folder) path(area string, h Hash) string {
	n := h.String()
	return filepath.Join(f.dir, area, n[:2], n[2:4], n)
}

// Keep moves the file to its name and makes the move durable.
func (f *folder) Keep(_ context.Context, area string, ref Ref, temp string, at time.Time) error {
	path := f.path(area, ref.Hash)
	first, second := filepath.Dir(filepath.Dir(path)), filepath.Dir(path)
	if err := os.MkdirAll(second, 0o700); err != nil {
		return err
	}
	if err := os.Chtimes(temp, at, at); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	for _, dir := range []string{second, first, filepath.Dir(first), f.dir} {
		if err := disk.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) Look(_ context.Context, area string, h Hash) (Info, error) {
	info, err := os.Stat(f.path(area, h))
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, ErrMissing
	}
	if err != nil {
		return Info{}, fmt.Errorf("look at %s: %w", h, err)
	}
	return Info{info.Size(), info.ModTime()}, nil
}

func (f *folder) Read(_ context.Context, area string, h Hash) (io.ReadCloser, error) {
	file, err := os.Open(f.path(area, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err // not file: an interface that holds nil is not nil
	}
	return file, nil
}

// Copy gives the file a second name: it is never written again.
func (f *folder) Copy(_ context.Context, from, to string, h Hash, at time.Time) error {
	source, path := f.path(from, h), f.path(to, h)
	first, second := filepath.Dir(filepath.Dir(path)), filepath.Dir(path)
	if err := os.MkdirAll(second, 0o700); err != nil {
		return err
	}
	err := os.Link(source, path)
	switch {
	case errors.Is(err, fs.ErrExist):
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	case err != nil:
		return fmt.Errorf("copy %s: %w", h, err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		return err
	}
	for _, dir := range []string{second, first, filepath.Dir(first), f.dir} {
		if err := disk.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) Drop(_ context.Context, area string, h Hash) error {
	path := f.path(area, h)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", h, err)
	}
	return disk.SyncDir(filepath.Dir(path))
}

// List leaves foreign names alone.
func (f *folder) List(ctx context.Context, area string, visit func(Hash, Info) error) error {
	err := filepath.WalkDir(filepath.Join(f.dir, area), func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // went while we walked
		}
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
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
		return visit(h, Info{info.Size(), info.ModTime()})
	})
	if err != nil {
		return fmt.Errorf("walk the area %s: %w", area, err)
	}
	return nil
}

// Tidy removes folders that are empty, the innermost first.
func (f *folder) Tidy(area string) {
	var dirs []string
	_ = filepath.WalkDir(filepath.Join(f.dir, area), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = os.Remove(dirs[i]) // one that holds something stays
	}
}

func (f *folder) Areas(context.Context) ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("read the file store: %w", err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && goodArea(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

func (f *folder) Free() (int64, error) {
	room, err := disk.Of(f.dir)
	return room.Free, err
}

func (f *folder) Answers(context.Context) error {
	if _, err := os.Stat(filepath.Join(f.dir, tempName)); err != nil {
		return ErrUnavailable.Because(err)
	}
	return nil
}

func (f *folder) Close() {}
