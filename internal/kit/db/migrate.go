package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"
)

// Room is a room's part of the schema: files NNNN_what.sql in goose's format.
// Where the engines differ there are NNNN_what.sqlite.sql and
// NNNN_what.postgres.sql.
type Room struct {
	Name       string
	Migrations fs.FS
}

// RoomOf is the room whose migrations lie in the embedded folder migrations/.
func RoomOf(name string, files embed.FS) Room {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // only a bad path fails, and it stands here
	}
	return Room{Name: name, Migrations: migrations}
}

// Migrate brings every room's tables to the program's version, in the given
// order; each room has its own version table. It refuses data that a newer
// program wrote (db.newer). Only one process migrates at a time.
func (d *DB) Migrate(ctx context.Context, rooms []Room) error {
	return d.migrateTo(ctx, rooms, nil)
}

// Newer says whether a newer program migrated the tables beyond what these rooms
// know. Code: db.newer.
func (d *DB) Newer(ctx context.Context, rooms []Room) error {
	_, err := d.current(ctx, rooms)
	return err
}

// current says whether the tables are as these rooms want them. Code: db.newer.
func (d *DB) current(ctx context.Context, rooms []Room) (bool, error) {
	var has map[string]int64
	if err := d.Read(ctx, func(tx *Tx) (err error) {
		has, err = Versions(tx)
		return err
	}); err != nil {
		return false, err
	}
	all := true
	for _, r := range rooms {
		knows, err := r.newest(d.engine)
		if err != nil {
			return false, err
		}
		if has[r.Name] > knows {
			return false, ErrNewer.With("room", r.Name, "has", has[r.Name], "knows", knows)
		}
		all = all && has[r.Name] == knows
		delete(has, r.Name)
	}
	for room := range has {
		return false, ErrNewer.With("room", room)
	}
	return all, nil
}

// newest is the version of the room's last migration for an engine.
func (r Room) newest(e Engine) (n int64, err error) {
	entries, err := fs.ReadDir(engineFiles{r.Migrations, e}, ".")
	if err != nil {
		return 0, err
	}
	for _, f := range entries {
		number, err := goose.NumericComponent(f.Name())
		if err != nil {
			return 0, fmt.Errorf("migration %s of %s: %w", f.Name(), r.Name, err)
		}
		n = max(n, number)
	}
	return n, nil
}

// migrateTo brings the rooms named in versions to those versions; without it
// every room to the newest.
func (d *DB) migrateTo(ctx context.Context, rooms []Room, versions map[string]int64) error {
	current, err := d.current(ctx, rooms)
	if err != nil || (current && versions == nil) {
		return err // there is nothing to do at nearly every start
	}
	plain, dialect, err := d.plain()
	if err != nil {
		return err
	}
	defer plain.Close()
	unlock, err := d.migrationLock(ctx, plain)
	if err != nil {
		return err
	}
	defer unlock()
	for _, r := range rooms {
		version, named := versions[r.Name]
		if versions != nil && !named {
			continue
		}
		if err := d.migrate(ctx, plain, dialect, r, version); err != nil {
			return fmt.Errorf("migrate %s: %w", r.Name, err)
		}
	}
	return nil
}

// plain opens a connection in the form that goose takes.
func (d *DB) plain() (*sql.DB, goose.Dialect, error) {
	if d.engine == SQLite {
		path := strings.TrimPrefix(d.options.DSN, "sqlite:")
		p, err := sql.Open("sqlite", sqliteURI(path)+"?_pragma=busy_timeout(30000)&_pragma=synchronous(FULL)")
		if err == nil {
			p.SetMaxOpenConns(1)
		}
		return p, goose.DialectSQLite3, err
	}
	config, err := postgresConfig(d.options.DSN, false)
	if err != nil {
		return nil, "", err
	}
	config.RuntimeParams["statement_timeout"] = "0"
	return stdlib.OpenDB(*config), goose.DialectPostgres, nil
}

func (d *DB) migrate(ctx context.Context, plain *sql.DB, dialect goose.Dialect, r Room, version int64) error {
	p, err := goose.NewProvider(dialect, plain, engineFiles{r.Migrations, d.engine},
		goose.WithTableName("migration_"+r.Name), goose.WithDisableGlobalRegistry(true), goose.WithSlog(d.options.Log))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	has, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > want {
		return ErrNewer.With("room", r.Name, "has", has, "knows", want)
	}
	switch {
	case version == 0:
		_, err = p.Up(ctx)
	case version > want:
		return ErrNewer.With("room", r.Name, "has", version, "knows", want)
	default:
		_, err = p.UpTo(ctx, version)
	}
	return err
}

// Versions says which version each room's tables have.
func Versions(tx *Tx) (map[string]int64, error) {
	tables, err := migrationTables(tx)
	if err != nil {
		return nil, err
	}
	versions := map[string]int64{}
	for _, t := range tables {
		var v int64
		if err := tx.Row(`SELECT max(version_id) FROM ` + t).Scan(&v); err != nil {
			return nil, err
		}
		versions[strings.TrimPrefix(t, "migration_")] = v
	}
	return versions, nil
}

// engineFiles shows of a folder what one engine needs.
type engineFiles struct {
	fs.FS
	engine Engine
}

func (f engineFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, name)
	if err != nil {
		return nil, err
	}
	other := ".postgres.sql"
	if f.engine == Postgres {
		other = ".sqlite.sql"
	}
	kept := entries[:0:0]
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), other) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// migrationTables are the rooms' version tables in the database.
func migrationTables(tx *Tx) ([]string, error) {
	q := `SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'migration~_%' ESCAPE '~' ORDER BY name`
	if tx.Engine() == Postgres {
		q = `SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'migration~_%' ESCAPE '~' ORDER BY tablename`
	}
	rows, err := tx.Query(q)
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Close()
}

// migrationLock keeps a second process out on PostgreSQL until it is released;
// a SQLite file has one process.
func (d *DB) migrationLock(ctx context.Context, plain *sql.DB) (func(), error) {
	if d.engine == SQLite {
		return func() {}, nil
	}
	c, err := plain.Conn(ctx)
	if err != nil {
		return nil, ErrUnavailable.Because(err)
	}
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, applicationID); err != nil {
		c.Close()
		return nil, err
	}
	return func() {
		c.ExecContext(context.Background(), `SELECT pg_advisory_unlock($1)`, applicationID)
		c.Close()
	}, nil
}
