// Package backup writes an installation into one file while it is being used,
// and makes a data folder from such a file.
//
// A backup is a zip archive: data/ holds the database's dump (one moment), files/
// the stored files, keys/ the keys if they were asked for, and last comes
// manifest.json with the size and SHA-256 of every part. A file is written under
// another name and renamed when it is whole; one that ends early, or of which a
// byte differs, is refused before anything is restored.
//
// Where the files stand (a folder, a bucket) and which database there is does not
// matter: a backup of one is restored into the other.
//
// Never in a backup: the list of erasures and the journal's checkpoints. They
// must outlive the restoring of an older copy. Keys are left out by default: a
// backup without them can be stored where resident data may not be read, and
// keys change rarely enough to be kept by hand.
package backup

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/fault"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The faults of this package.
var (
	ErrExists = fault.New(fault.Conflict, "backup.exists")     // the file is there already
	ErrBroken = fault.New(fault.Invalid, "backup.broken")      // half-written, changed or no backup
	ErrNewer  = fault.New(fault.Conflict, "backup.newer")      // in a form that this program does not know
	ErrInUse  = fault.New(fault.Conflict, "backup.dir_in_use") // the data folder or file store already holds something
	// ErrOneMoment says that a backup can't be restored as it was at another time.
	ErrOneMoment = fault.New(fault.Invalid, "backup.one_moment")
	// ErrDamaged says that the backup is written and whole, but that stored files
	// were damaged before and are not in it.
	ErrDamaged = fault.New(fault.Internal, "backup.files_damaged")
)

const (
	form         = "onegrid backup 1"
	manifestName = "manifest.json"
	dataPrefix   = "data/"
	filesPrefix  = "files/"
	keysPrefix   = "keys/"
)

// Manifest says what a backup holds.
type Manifest struct {
	Form     string           `json:"form"`
	Made     time.Time        `json:"made_at"`
	Engine   db.Engine        `json:"engine"`
	Versions map[string]int64 `json:"versions"` // of the rooms' tables
	Parts    []Part           `json:"parts"`
	// Damaged are stored files that no longer had the content of their name.
	Damaged []string `json:"damaged,omitempty"`
}

// Part is one file in a backup.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Keys says whether the keys are in it.
func (m *Manifest) Keys() bool {
	return slices.ContainsFunc(m.Parts, func(p Part) bool { return strings.HasPrefix(p.Name, keysPrefix) })
}

// Bytes is the size of everything in it, unpacked.
func (m *Manifest) Bytes() (n int64) {
	for _, p := range m.Parts {
		n += p.Size
	}
	return n
}

// Write writes a backup of the database, of the stored files and, with keys, of
// dir's keys to file. progress (may be nil) is told each part before it is
// written. Files that are damaged are left out and named in the manifest, and the
// fault backup.files_damaged comes with a backup that is whole but for them.
func Write(ctx context.Context, file string, d *db.DB, files *blob.Store, dir string, keys bool, progress func(part string)) (m Manifest, err error) {
	if _, err := os.Lstat(file); err == nil {
		return m, ErrExists.With("file", filepath.Base(file))
	}
	f, err := os.OpenFile(file+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	defer func() {
		f.Close()
		if err != nil && !errors.Is(err, ErrDamaged) {
			os.Remove(file + ".part")
		}
	}()
	w := &archive{Writer: zip.NewWriter(f), progress: progress}
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	m = Manifest{Form: form, Made: d.Now(), Engine: d.Engine()}
	// The database first: every file that its rows refer to is there by then.
	if m.Versions, err = d.Dump(ctx, func(part string) (io.Writer, error) { return w.create(dataPrefix+part, zip.Deflate) }); err != nil {
		return m, err
	}
	if m.Damaged, err = w.stored(ctx, files); err != nil {
		return m, err
	}
	if keys {
		if err := w.folder(ctx, dir, keysPrefix, zip.Deflate); err != nil {
			return m, err
		}
	}
	w.end()
	m.Parts = w.parts
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	last, err := w.Create(manifestName)
	if err != nil {
		return m, err
	}
	if _, err := last.Write(text); err != nil {
		return m, err
	}
	if err := w.Close(); err != nil {
		return m, err
	}
	if err := f.Sync(); err != nil {
		return m, err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return m, err
	}
	if err := disk.SyncDir(filepath.Dir(file)); err != nil {
		return m, err
	}
	if len(m.Damaged) > 0 {
		return m, ErrDamaged.With("files", int64(len(m.Damaged)), "first", m.Damaged[0])
	}
	return m, nil
}

// archive is a zip that notes the size and digest of each part.
type archive struct {
	*zip.Writer
	progress func(part string)
	parts    []Part
	size     counter
	sum      hash.Hash
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func (a *archive) create(name string, method uint16) (io.Writer, error) {
	a.end()
	if a.progress != nil {
		a.progress(name)
	}
	w, err := a.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err != nil {
		return nil, err
	}
	a.parts = append(a.parts, Part{Name: name})
	a.size, a.sum = 0, sha256.New()
	return io.MultiWriter(w, a.sum, &a.size), nil
}

// end fills in what is known of the part that was written last.
func (a *archive) end() {
	if a.sum == nil {
		return
	}
	p := &a.parts[len(a.parts)-1]
	p.Size, p.SHA256 = int64(a.size), hex.EncodeToString(a.sum.Sum(nil))
	a.sum = nil
}

// partOf is the name of a stored file in a backup: as it lies in a folder.
func partOf(area string, h blob.Hash) string {
	n := h.String()
	return filesPrefix + area + "/" + n[:2] + "/" + n[2:4] + "/" + n
}

// fileOf is the stored file that a part is.
func fileOf(part string) (area string, h blob.Hash, err error) {
	rest, _ := strings.CutPrefix(part, filesPrefix)
	area, _, _ = strings.Cut(rest, "/")
	h, err = blob.ParseHash(path.Base(rest))
	if err != nil || partOf(area, h) != part {
		return "", h, ErrBroken.Because(fmt.Errorf("part %q is no stored file", part))
	}
	return area, h, nil
}

// halfWritten says of a part that it was being taken in when an older program made
// the backup.
func halfWritten(part string) bool { return strings.HasPrefix(part, filesPrefix+"tmp/") }

// stored writes the stored files. What is removed meanwhile was an orphan, or
// moved to an area that is still to come.
func (a *archive) stored(ctx context.Context, files *blob.Store) (damaged []string, err error) {
	err = files.Each(ctx, func(area string, h blob.Hash, _ int64) error {
		f, err := files.Read(ctx, area, h)
		switch {
		case errors.Is(err, blob.ErrMissing):
			return nil
		case errors.Is(err, blob.ErrBroken):
			damaged = append(damaged, area+"/"+h.String())
			return nil
		case err != nil:
			return err
		}
		w, err := a.create(partOf(area, h), zip.Store)
		if err == nil {
			_, err = io.Copy(w, f)
		}
		return errors.Join(err, f.Close())
	})
	return damaged, err
}

// folder writes the files under one folder of dir. What is being written right
// now has a name that begins with a dot.
func (a *archive) folder(ctx context.Context, dir, prefix string, method uint16) error {
	root := filepath.Join(dir, strings.TrimSuffix(prefix, "/"))
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case strings.HasPrefix(e.Name(), ".") && e.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(e.Name(), ".") || !e.Type().IsRegular():
			return nil
		}
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		w, err := a.create(prefix+filepath.ToSlash(rel), method)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return err
	})
}

// Check reads a whole backup and compares every part with the manifest.
func Check(ctx context.Context, file string) (Manifest, error) {
	z, m, err := open(file)
	if err != nil {
		return m, err
	}
	defer z.Close()
	return m, check(ctx, z, m)
}

func open(file string) (*zip.ReadCloser, Manifest, error) {
	var m Manifest
	z, err := zip.OpenReader(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, m, err
	}
	bad := func(err error) (*zip.ReadCloser, Manifest, error) {
		if z != nil {
			z.Close()
		}
		return nil, m, ErrBroken.With("file", filepath.Base(file)).Because(err)
	}
	if err != nil {
		return bad(err)
	}
	text, err := fs.ReadFile(z, manifestName)
	if err != nil {
		return bad(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return bad(err)
	}
	if m.Form != form {
		z.Close()
		return nil, m, ErrNewer.With("form", m.Form)
	}
	return z, m, nil
}

func check(ctx context.Context, z *zip.ReadCloser, m Manifest) error {
	wanted := map[string]Part{}
	for _, p := range m.Parts {
		if !fs.ValidPath(p.Name) || path.Clean(p.Name) != p.Name || !strings.HasPrefix(p.Name, dataPrefix) && !strings.HasPrefix(p.Name, filesPrefix) && !strings.HasPrefix(p.Name, keysPrefix) {
			return ErrBroken.Because(fmt.Errorf("part %q", p.Name))
		}
		if strings.HasPrefix(p.Name, filesPrefix) {
			if _, _, err := fileOf(p.Name); err != nil && !halfWritten(p.Name) {
				return err
			}
		}
		wanted[p.Name] = p
	}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Name == manifestName {
			continue
		}
		p, known := wanted[f.Name]
		if !known {
			return ErrBroken.Because(fmt.Errorf("part %q is not in the manifest, or there twice", f.Name))
		}
		delete(wanted, f.Name)
		r, err := f.Open()
		if err != nil {
			return ErrBroken.Because(err)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, io.LimitReader(r, p.Size+1))
		r.Close()
		if err != nil || n != p.Size || hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
			return ErrBroken.Because(fmt.Errorf("part %q differs from the manifest: %w", f.Name, err))
		}
	}
	for name := range wanted {
		return ErrBroken.Because(fmt.Errorf("part %q is missing", name))
	}
	return nil
}

// unfinished is the file that stands in a data folder while it is being filled. A
// restore that was killed may be begun again: stored files have the names of
// their content, so that filling twice changes nothing.
const unfinished = ".restoring"

// Restore makes a data folder, its stored files and its database from a backup,
// after having checked the whole of it. Anything that is already there is refused:
// a database with data, stored files, and keys when the backup has some. rooms
// must hold every room of the backup. The caller opens the database then, which
// migrates it, applies the list of erasures and, where the engine is another one,
// has indexes of words made anew.
func Restore(ctx context.Context, file, dsn string, files *blob.Store, dir string, rooms []db.Room, progress func(part string)) (m Manifest, err error) {
	z, m, err := open(file)
	if err != nil {
		return m, err
	}
	defer z.Close()
	if err := check(ctx, z, m); err != nil {
		return m, err
	}
	marker := filepath.Join(dir, unfinished)
	if _, err := os.Stat(marker); errors.Is(err, fs.ErrNotExist) {
		if taken, err := anyStored(ctx, files); err != nil || taken {
			return m, errors.Join(ErrInUse.With("folder", "files"), err)
		}
	} else if err != nil {
		return m, err
	}
	if m.Keys() {
		if taken, err := holds(filepath.Join(dir, keysPrefix)); err != nil || taken {
			return m, errors.Join(ErrInUse.With("folder", "keys"), err)
		}
	}
	if err := disk.Write(marker, nil, 0o600); err != nil {
		return m, err
	}
	var parts []string
	for _, p := range m.Parts {
		if part, is := strings.CutPrefix(p.Name, dataPrefix); is {
			parts = append(parts, part)
		}
	}
	staged := filepath.Join(dir, ".restore")
	if err := os.RemoveAll(staged); err != nil {
		return m, err
	}
	defer os.RemoveAll(staged)
	var done []Part // stored files
	keys := false   // have found their place
	defer func() {
		if err != nil {
			err = errors.Join(err, takeBack(context.WithoutCancel(ctx), files, done))
			if keys {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, keysPrefix)))
			}
		}
		err = errors.Join(err, os.Remove(marker))
	}()
	// Files before rows: a database never stands there without what its rows
	// refer to.
	for _, p := range m.Parts {
		if strings.HasPrefix(p.Name, dataPrefix) {
			continue
		}
		if progress != nil {
			progress(p.Name)
		}
		if strings.HasPrefix(p.Name, keysPrefix) {
			if err := unpack(z, p.Name, filepath.Join(staged, filepath.FromSlash(p.Name))); err != nil {
				return m, err
			}
			continue
		}
		if halfWritten(p.Name) {
			continue
		}
		area, h, err := fileOf(p.Name)
		if err != nil {
			return m, err
		}
		if h.String() != p.SHA256 { // was damaged when an older program backed it up
			m.Damaged = append(m.Damaged, area+"/"+h.String())
			continue
		}
		if err := store(ctx, z, p.Name, files); err != nil {
			return m, err
		}
		done = append(done, p)
	}
	if m.Keys() {
		to := filepath.Join(dir, keysPrefix)
		if err := os.RemoveAll(to); err != nil { // empty, as was seen above
			return m, err
		}
		if err := os.Rename(filepath.Join(staged, keysPrefix), to); err != nil {
			return m, err
		}
		keys = true
	}
	if err := disk.SyncDir(dir); err != nil {
		return m, err
	}
	if progress != nil {
		progress(dataPrefix)
	}
	return m, db.Load(ctx, dsn, dir, rooms, m.Versions, parts, func(part string) (io.ReadCloser, error) {
		f, err := z.Open(dataPrefix + part)
		return f, err
	})
}

// anyStored says whether a store holds any file.
func anyStored(ctx context.Context, files *blob.Store) (bool, error) {
	found := errors.New("found one")
	err := files.Each(ctx, func(string, blob.Hash, int64) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// store puts one stored file back.
func store(ctx context.Context, z *zip.ReadCloser, part string, files *blob.Store) error {
	area, h, err := fileOf(part)
	if err != nil {
		return err
	}
	r, err := z.Open(part)
	if err != nil {
		return ErrBroken.Because(err)
	}
	return errors.Join(files.Restore(ctx, area, h, r), r.Close())
}

// takeBack removes what a restore that failed had stored.
func takeBack(ctx context.Context, files *blob.Store, done []Part) error {
	for _, p := range done {
		area, h, err := fileOf(p.Name)
		if err == nil {
			err = files.Remove(ctx, area, h)
		}
		if err != nil {
			return fmt.Errorf("take back %s: %w", p.Name, err)
		}
	}
	return nil
}

// holds says whether there is any file under a folder.
func holds(root string) (bool, error) {
	found := false
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			found = true
			return fs.SkipAll
		}
		return err
	})
	return found, err
}

func unpack(z *zip.ReadCloser, name, to string) error {
	r, err := z.Open(name)
	if err != nil {
		return ErrBroken.Because(err)
	}
	defer r.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
