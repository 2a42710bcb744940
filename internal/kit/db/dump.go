package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"onegrid/internal/kit/disk"
)

// The parts of a dump: on SQLite the database file, on PostgreSQL one part a
// table in the server's own text form.
const (
	dumpFile  = "onegrid.db"
	dumpTable = ".copy"
)

// Dump writes the whole database as it is at one moment, while it goes on being
// used: create opens each part by its name. It gives the versions of the rooms'
// tables. A dump is read by Load, on either engine.
func (d *DB) Dump(ctx context.Context, create func(part string) (io.Writer, error)) (versions map[string]int64, err error) {
	if d.engine == SQLite {
		return d.dumpSQLite(ctx, create)
	}
	return d.dumpPostgres(ctx, create)
}

func (d *DB) dumpSQLite(ctx context.Context, create func(part string) (io.Writer, error)) (map[string]int64, error) {
	path := strings.TrimPrefix(d.options.DSN, "sqlite:")
	dir, err := os.MkdirTemp(filepath.Dir(path), ".dump-") // beside it: there is room for a database
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, dumpFile)
	// A connection of its own: the copy is one long read that stops no writer.
	plain, _, err := d.plain()
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	if _, err := plain.ExecContext(ctx, `VACUUM INTO $1`, copied); err != nil {
		return nil, fmt.Errorf("copy the database: %w", sqliteFault(err))
	}
	c, err := Open(ctx, Options{DSN: "sqlite:" + copied, Exists: true, Readers: 1})
	if err != nil {
		return nil, err
	}
	var versions map[string]int64
	err = c.Read(ctx, func(tx *Tx) error {
		var sound string
		if err := tx.Row(`PRAGMA quick_check(1)`).Scan(&sound); err != nil || sound != "ok" {
			return ErrBroken.Because(fmt.Errorf("%s %w", sound, err))
		}
		versions, err = Versions(tx)
		return err
	})
	if e := c.Close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	w, err := create(dumpFile)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(copied)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return versions, err
}

func (d *DB) dumpPostgres(ctx context.Context, create func(part string) (io.Writer, error)) (map[string]int64, error) {
	pg, err := d.session(ctx)
	if err != nil {
		return nil, err
	}
	defer pg.Close(context.WithoutCancel(ctx))
	if _, err := pg.Exec(ctx, beginRead); err != nil {
		return nil, err
	}
	tables, err := postgresTables(ctx, pg)
	if err != nil {
		return nil, err
	}
	versions := map[string]int64{}
	for _, t := range tables {
		if room, is := strings.CutPrefix(t.name, "migration_"); is {
			var v int64
			if err := pg.QueryRow(ctx, `SELECT max(version_id) FROM `+t.quoted()).Scan(&v); err != nil {
				return nil, err
			}
			versions[room] = v
			continue
		}
		w, err := create(t.name + dumpTable)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintln(w, strings.Join(t.columns, ",")); err != nil {
			return nil, err
		}
		if _, err := pg.PgConn().CopyTo(ctx, w, `COPY `+t.quoted()+t.list()+` TO STDOUT`); err != nil {
			return nil, fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	return versions, nil
}

// session is a connection without the limits of the working ones.
func (d *DB) session(ctx context.Context) (*pgx.Conn, error) {
	config, err := postgresConfig(d.options.DSN, false)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	pg, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, ErrUnavailable.Because(err)
	}
	return pg, nil
}

type postgresTable struct {
	name    string
	columns []string
	needs   []string // tables that its rows refer to
}

func (t postgresTable) quoted() string { return pgx.Identifier{t.name}.Sanitize() }

func (t postgresTable) list() string {
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	return " (" + strings.Join(quoted, ", ") + ")"
}

// postgresTables lists the tables that are worth keeping, with those that others
// refer to first.
func postgresTables(ctx context.Context, pg *pgx.Conn) ([]postgresTable, error) {
	rows, err := pg.Query(ctx, `
		SELECT c.relname,
			array_agg(a.attname::text ORDER BY a.attnum),
			coalesce((SELECT array_agg(f.relname::text) FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
				WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid), '{}')
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'db_writer'
		GROUP BY c.oid, c.relname ORDER BY c.relname`)
	if err != nil {
		return nil, err
	}
	left, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t postgresTable, err error) {
		return t, r.Scan(&t.name, &t.columns, &t.needs)
	})
	if err != nil {
		return nil, err
	}
	var ordered []postgresTable
	done := map[string]bool{}
	for len(left) > 0 {
		var later []postgresTable
		for _, t := range left {
			if slices.ContainsFunc(t.needs, func(n string) bool { return !done[n] }) {
				later = append(later, t)
				continue
			}
			ordered = append(ordered, t)
			done[t.name] = true
		}
		if len(later) == len(left) {
			return nil, fmt.Errorf("tables refer to each other in a circle: %s", left[0].name)
		}
		left = later
	}
	return ordered, nil
}

// Load fills a new database from a dump of either engine: the tables are made by
// the rooms' migrations up to the versions of the dump. open gives a part by its
// name; scratch is a folder with room for a copy of the database. A database that
// holds anything is refused (db.in_use). The caller opens the database afterwards
// and migrates it the rest of the way. What only one engine has (its indexes of
// words) does not cross over: DumpedBy says of which engine a dump is, and the
// caller has such indexes made anew when it is the other one.
func Load(ctx context.Context, dsn, scratch string, rooms []Room, versions map[string]int64, parts []string, open func(part string) (io.ReadCloser, error)) error {
	for room := range versions {
		if !slices.ContainsFunc(rooms, func(r Room) bool { return r.Name == room }) {
			return ErrNewer.With("room", room)
		}
	}
	from := DumpedBy(parts)
	if path, is := strings.CutPrefix(dsn, "sqlite:"); is {
		return loadSQLite(ctx, path, from, rooms, versions, parts, open)
	}
	d, err := Open(ctx, Options{DSN: dsn, Writers: 1, Readers: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	var has []string
	if err := d.Read(ctx, func(tx *Tx) (err error) { has, err = migrationTables(tx); return err }); err != nil {
		return err
	}
	if len(has) > 0 {
		return ErrInUse
	}
	pg, err := d.session(ctx)
	if err != nil {
		return err
	}
	defer pg.Close(context.WithoutCancel(ctx))
	if err := d.migrateTo(ctx, rooms, versions); err != nil {
		return errors.Join(err, empty(context.WithoutCancel(ctx), pg))
	}
	if err := fillPostgres(ctx, pg, from, scratch, parts, open); err != nil {
		return errors.Join(err, empty(context.WithoutCancel(ctx), pg))
	}
	return nil
}

// empty takes back the tables of a load that failed: the database held none
// before, and the next attempt must find it so.
func empty(ctx context.Context, pg *pgx.Conn) error {
	rows, err := pg.Query(ctx, `SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename <> 'db_writer'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		q := `DROP TABLE ` + pgx.Identifier{name}.Sanitize() + ` CASCADE`
		if name == "db_room" { // marks the database as ours
			q = `DELETE FROM db_room`
		}
		if _, err := pg.Exec(ctx, q); err != nil {
			return fmt.Errorf("take back %s: %w", name, err)
		}
	}
	return nil
}

// fillPostgres fills the tables that the migrations made, in one transaction.
func fillPostgres(ctx context.Context, pg *pgx.Conn, from Engine, scratch string, parts []string, open func(part string) (io.ReadCloser, error)) error {
	tx, err := pg.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	tables, err := postgresTables(ctx, pg)
	if err != nil {
		return err
	}
	if from == SQLite {
		err = crossToPostgres(ctx, pg, tables, scratch, open)
	} else {
		err = loadTables(ctx, pg, tables, parts, open)
	}
	if err == nil {
		err = wind(ctx, pg)
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// DumpedBy says of which engine the parts of a dump are.
func DumpedBy(parts []string) Engine {
	if slices.Contains(parts, dumpFile) {
		return SQLite
	}
	return Postgres
}

// loadTables copies every part into its table.
func loadTables(ctx context.Context, pg *pgx.Conn, tables []postgresTable, parts []string, open func(part string) (io.ReadCloser, error)) error {
	// Migrations may have written rows of their own; the dump has them too.
	left := map[string]bool{}
	for _, p := range parts {
		left[p] = true
	}
	for _, t := range slices.Backward(tables) {
		if left[t.name+dumpTable] {
			if _, err := pg.Exec(ctx, `DELETE FROM `+t.quoted()); err != nil {
				return err
			}
		}
	}
	for _, t := range tables {
		if part := t.name + dumpTable; left[part] {
			if err := loadTable(ctx, pg, t, part, open); err != nil {
				return fmt.Errorf("load %s: %w", t.name, err)
			}
			delete(left, part)
		}
	}
	for part := range left {
		return ErrNewer.With("room", strings.TrimSuffix(part, dumpTable))
	}
	return nil
}

// wind puts the counters that number new rows behind the rows that came.
func wind(ctx context.Context, pg *pgx.Conn) error {
	rows, err := pg.Query(ctx, `
		SELECT pg_get_serial_sequence(quote_ident(c.relname), a.attname), c.relname::text, a.attname::text
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL`)
	if err != nil {
		return err
	}
	type counter struct{ sequence, table, column string }
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c counter, err error) {
		return c, r.Scan(&c.sequence, &c.table, &c.column)
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		q := fmt.Sprintf(`SELECT setval($1::regclass, coalesce(max(%s), 0) + 1, false) FROM %s`, pgx.Identifier{c.column}.Sanitize(), pgx.Identifier{c.table}.Sanitize())
		if _, err := pg.Exec(ctx, q, c.sequence); err != nil {
			return fmt.Errorf("count on in %s: %w", c.table, err)
		}
	}
	return nil
}

// loadTable copies one part into its table, by the columns named in its first
// line.
func loadTable(ctx context.Context, pg *pgx.Conn, t postgresTable, part string, open func(string) (io.ReadCloser, error)) error {
	r, err := open(part)
	if err != nil {
		return err
	}
	defer r.Close()
	var first strings.Builder
	for one := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, one); err != nil {
			return fmt.Errorf("first line: %w", err)
		}
		if one[0] == '\n' {
			break
		}
		first.WriteByte(one[0])
	}
	for _, c := range strings.Split(first.String(), ",") {
		if !slices.Contains(t.columns, c) {
			return fmt.Errorf("there is no column %q", c)
		}
	}
	t.columns = strings.Split(first.String(), ",")
	_, err = pg.PgConn().CopyFrom(ctx, r, `COPY `+t.quoted()+t.list()+` FROM STDIN`)
	return err
}

func loadSQLite(ctx context.Context, path string, from Engine, rooms []Room, versions map[string]int64, parts []string, open func(part string) (io.ReadCloser, error)) error {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			return ErrInUse
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, dumpFile)
	if from == SQLite {
		err = unpackSQLite(made, open)
	} else {
		err = crossToSQLite(ctx, made, rooms, versions, parts, open)
	}
	if err == nil {
		err = checkSQLiteFile(made, true)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}

// unpackSQLite writes the file of a dump.
func unpackSQLite(path string, open func(part string) (io.ReadCloser, error)) error {
	r, err := open(dumpFile)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
