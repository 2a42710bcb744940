// Package archive keeps what SQLite wrote in a second folder, second by second,
// so that the database can be restored as it was at any moment of the last days
// (时间点恢复). Litestream does the work, as a library inside the program; the
// folder can also be read by its own tool.
//
// It owns no tables of the rooms; Litestream keeps two of its own in the database
// (_litestream_seq, _litestream_lock), which dumps and backups leave out.
//
// A moment of the last Fine is found to the second, an older one to half a
// minute. Stored files are not in it: they never change, and the folder of files
// holds them longer than they are referred to.
package archive

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"

	"onegrid/internal/kit/fault"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The faults of this package.
var (
	// ErrNone says that a folder is no archive, or an empty one.
	ErrNone = fault.New(fault.Invalid, "archive.none")
	// ErrOutside says that an archive does not reach to the moment that was asked
	// for.
	ErrOutside = fault.New(fault.Invalid, "archive.outside")
	// ErrThere says that there is a database where one is to be made.
	ErrThere = fault.New(fault.Conflict, "archive.in_use")
	// ErrBroken says that a part of the archive is missing or damaged.
	ErrBroken = fault.New(fault.Invalid, "archive.broken")
	// ErrSQLiteOnly says that an archive is restored into a SQLite file; a backup
	// of that moves on to PostgreSQL.
	ErrSQLiteOnly = fault.New(fault.Invalid, "archive.sqlite_only")
)

// Fine is how far back every second can be found.
const Fine = time.Hour

// Options are what app decides.
type Options struct {
	Database string        // path of the SQLite file
	Dir      string        // the archive; best on another disk or machine
	Keep     time.Duration // how far back one can go
	Log      *slog.Logger
}

// Archive is an archive that is being written.
type Archive struct {
	store *litestream.Store
	db    *litestream.DB
}

// Open begins to write the archive, in the background, until Close. What happened
// while nobody wrote it, or it can't go on from, is taken in whole.
func Open(ctx context.Context, o Options) (*Archive, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the archive: %w", err)
	}
	db := litestream.NewDB(o.Database)
	client := file.NewReplicaClient(o.Dir)
	db.Replica = litestream.NewReplicaWithClient(db, client)
	client.Replica = db.Replica
	store := litestream.NewStore([]*litestream.DB{db}, litestream.CompactionLevels{
		{Level: 0}, {Level: 1, Interval: 30 * time.Second}, {Level: 2, Interval: time.Hour},
	})
	store.SnapshotRetention = o.Keep
	store.SetL0Retention(Fine)
	store.Logger = slog.New(warnings{o.Log.Handler()}).With("part", "archive")
	db.SetLogger(store.Logger)
	if err := store.Open(ctx); err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	return &Archive{store, db}, nil
}

// warnings leaves out what Litestream says of its everyday work.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(g string) slog.Handler      { return warnings{w.Handler.WithGroup(g)} }

// Sync brings everything that is committed into the archive.
func (a *Archive) Sync(ctx context.Context) error {
	if err := a.db.SyncAndWait(ctx); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}

// Age is how long ago the archive was last known to hold everything.
func (a *Archive) Age() time.Duration {
	at := a.db.LastSuccessfulSyncAt()
	if at.IsZero() {
		return time.Duration(1<<63 - 1)
	}
	return time.Since(at)
}

// Close takes in the last changes and ends the writing.
func (a *Archive) Close(ctx context.Context) error {
	if err := a.store.Close(ctx); err != nil {
		return fmt.Errorf("close the archive: %w", err)
	}
	return nil
}

// Bounds are the moments that an archive reaches to. Code: archive.none.
func Bounds(ctx context.Context, dir string) (from, to time.Time, err error) {
	if _, err := os.Stat(dir); err != nil {
		return from, to, ErrNone.With("folder", filepath.Base(dir)).Because(err)
	}
	r := reader(dir)
	if from, to, err = r.TimeBounds(ctx); err != nil {
		return from, to, ErrBroken.Because(err)
	}
	if from.IsZero() {
		return from, to, ErrNone.With("folder", filepath.Base(dir))
	}
	return from, to, nil
}

func reader(dir string) *litestream.Replica {
	client := file.NewReplicaClient(dir)
	client.SetLogger(slog.New(slog.DiscardHandler))
	return litestream.NewReplicaWithClient(nil, client)
}

// Restore makes a database file from an archive, as it was at a moment; the zero
// time means the newest. Codes: archive.none, archive.outside, archive.broken,
// archive.in_use.
func Restore(ctx context.Context, dir, to string, at time.Time) error {
	from, until, err := Bounds(ctx, dir)
	if err != nil {
		return err
	}
	// After the last change the database was what the last change made it.
	if !at.IsZero() && at.Before(from) {
		return ErrOutside.With("from", from.UTC().Format(time.RFC3339), "to", until.UTC().Format(time.RFC3339))
	}
	for _, suffix := range []string{"", "-wal"} {
		if _, err := os.Stat(to + suffix); err == nil {
			return ErrThere
		}
	}
	o := litestream.NewRestoreOptions()
	o.OutputPath, o.IntegrityCheck = to, litestream.IntegrityCheckQuick
	if !at.IsZero() && at.Before(until) {
		o.Timestamp = at
	}
	switch err := reader(dir).Restore(ctx, o); {
	case errors.Is(err, litestream.ErrTxNotAvailable), errors.Is(err, litestream.ErrNoSnapshots):
		return ErrOutside.With("from", from.UTC().Format(time.RFC3339), "to", until.UTC().Format(time.RFC3339)).Because(err)
	case err != nil:
		return ErrBroken.Because(err)
	}
	return forget(ctx, to)
}

// forget takes Litestream's own tables out of a restored database: it begins
// another history.
func forget(ctx context.Context, path string) error {
	d, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	for _, q := range []string{`DROP TABLE IF EXISTS _litestream_seq`, `DROP TABLE IF EXISTS _litestream_lock`} {
		if _, err := d.ExecContext(ctx, q); err != nil {
			return errors.Join(ErrBroken.Because(err), d.Close())
		}
	}
	return d.Close()
}
