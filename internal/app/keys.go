package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/seal"
)

var (
	// ErrInUse says that a folder that is to be made holds data already.
	ErrInUse = fault.New(fault.Conflict, "app.in_use")
	// ErrNoKeys says that there is data without the keys that open it.
	ErrNoKeys = fault.New(fault.Conflict, "app.no_keys")
)

// fieldKeys is the file of the keys that seal personal fields. It lies outside
// the database and outside backups.
func fieldKeys(c Config) string { return filepath.Join(c.Dir, "keys", "fields.json") }

// prepare makes the data folder, or refuses one that init has not made.
func prepare(c Config, create bool) error {
	_, err := os.Stat(fieldKeys(c))
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if c.Database == "" {
		if _, err := os.Stat(filepath.Join(c.Dir, "onegrid.db")); err == nil {
			return ErrNoKeys.With("dir", c.Dir)
		}
	}
	if !create {
		return ErrNoFolder.With("dir", c.Dir)
	}
	return os.MkdirAll(c.Dir, 0o700)
}

// openKeys opens the keys of the folder and makes them where that was asked for.
func openKeys(c Config, create bool) (*seal.Box, error) {
	if create {
		if err := seal.Create(fieldKeys(c)); err != nil && !errors.Is(err, seal.ErrExists) {
			return nil, err
		}
	}
	return seal.Load(fieldKeys(c))
}

// restoredMarker stands in a data folder after a restore until the rooms have
// lost again what was erased since the backup was made.
func restoredMarker(dir string) string { return filepath.Join(dir, "restored") }

// MarkRestored notes that the data folder was filled from a backup.
func MarkRestored(dir string) error { return disk.Write(restoredMarker(dir), nil, 0o600) }
