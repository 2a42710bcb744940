package db

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A dump of one engine is loaded into the other table by table and value by
// value: the rooms' tables are the same on both but for the engine's own indexes
// of words, which are left behind.

// crossToPostgres copies the rows of a SQLite file into the tables of a new
// database.
func crossToPostgres(ctx context.Context, pg *pgx.Conn, tables []postgresTable, scratch string, open func(part string) (io.ReadCloser, error)) error {
	dir, err := os.MkdirTemp(scratch, ".load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, dumpFile)
	if err := unpackSQLite(path, open); err != nil {
		return err
	}
	if err := checkSQLiteFile(path, true); err != nil {
		return err
	}
	lite, err := sql.Open("sqlite", sqliteURI(path)+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer lite.Close()
	there, own, err := sqliteTables(ctx, lite)
	if err != nil {
		return err
	}
	kept := tables[:0:0]
	for _, t := range tables {
		if !own(t.name) && !strings.HasPrefix(t.name, migrationPrefix) {
			kept = append(kept, t)
		}
	}
	for _, t := range slices.Backward(kept) { // what the migrations wrote
		if _, err := pg.Exec(ctx, `DELETE FROM `+t.quoted()); err != nil {
			return err
		}
	}
	for _, t := range kept {
		if !slices.Contains(there, t.name) {
			return ErrCross.With("table", t.name).Because(errors.New("the dump has no such table"))
		}
		if err := crossTable(ctx, lite, pg, t); err != nil {
			return ErrCross.With("table", t.name).Because(err)
		}
	}
	for _, name := range there {
		if !slices.ContainsFunc(tables, func(t postgresTable) bool { return t.name == name }) {
			return ErrNewer.With("room", name)
		}
	}
	return nil
}

const migrationPrefix = "migration_"

// sqliteTables are the rooms' tables of a SQLite file (those of the archive are
// not), and own says of a name
// whether it belongs to an index of words of the engine's own.
func sqliteTables(ctx context.Context, lite *sql.DB) (names []string, own func(name string) bool, err error) {
	rows, err := lite.QueryContext(ctx, `SELECT name, sql LIKE 'CREATE VIRTUAL TABLE%' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name NOT LIKE '~_litestream~_%' ESCAPE '~' ORDER BY name`)
	if err != nil {
		return nil, nil, sqliteFault(err)
	}
	defer rows.Close()
	var all, virtual []string
	for rows.Next() {
		var name string
		var is bool
		if err := rows.Scan(&name, &is); err != nil {
			return nil, nil, err
		}
		if is {
			virtual = append(virtual, name)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, sqliteFault(err)
	}
	own = func(name string) bool {
		return slices.ContainsFunc(virtual, func(v string) bool { return name == v || strings.HasPrefix(name, v+"_") })
	}
	for _, name := range all {
		if !own(name) && !strings.HasPrefix(name, migrationPrefix) {
			names = append(names, name)
		}
	}
	return names, own, nil
}

// crossTable copies one table's rows.
func crossTable(ctx context.Context, lite *sql.DB, pg *pgx.Conn, t postgresTable) error {
	types, err := postgresTypes(ctx, pg, t)
	if err != nil {
		return err
	}
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = `"` + c + `"`
	}
	rows, err := lite.QueryContext(ctx, `SELECT `+strings.Join(quoted, ", ")+` FROM "`+t.name+`"`) //nolint:sqlclosecheck // it is closed below; that a function reads it misleads the check
	if err != nil {
		return sqliteFault(err)
	}
	defer rows.Close()
	row := make([]any, len(t.columns))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	_, err = pg.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err() // nil, nil ends it
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out := make([]any, len(row))
		for i, v := range row {
			if out[i], err = as(types[i], v); err != nil {
				return nil, fmt.Errorf("column %s: %w", t.columns[i], err)
			}
		}
		return out, nil
	}))
	return err
}

func postgresTypes(ctx context.Context, pg *pgx.Conn, t postgresTable) ([]string, error) {
	rows, err := pg.Query(ctx, `SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, t.quoted())
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	var column, is string
	if _, err := pgx.ForEachRow(rows, []any{&column, &is}, func() error {
		types[column] = is
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = types[c]
	}
	return out, nil
}

// as gives a value of SQLite, which keeps what it was given, as the type that a
// column of PostgreSQL has.
func as(kind string, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case int64:
		switch kind {
		case "bigint":
			return v, nil
		case "double precision":
			return float64(v), nil
		}
	case float64:
		switch {
		case kind == "double precision":
			return v, nil
		case kind == "bigint" && v == math.Trunc(v) && math.Abs(v) < 1<<53:
			return int64(v), nil
		}
	case string:
		switch kind {
		case "text":
			return v, nil
		case "bytea":
			return []byte(v), nil
		}
	case []byte:
		switch kind {
		case "bytea":
			return v, nil
		case "text":
			return string(v), nil
		}
	}
	return nil, fmt.Errorf("%T is no %s", v, kind)
}

// crossToSQLite makes a SQLite file from the parts of a dump of PostgreSQL.
func crossToSQLite(ctx context.Context, path string, rooms []Room, versions map[string]int64, parts []string, open func(part string) (io.ReadCloser, error)) error {
	d, err := Open(ctx, Options{DSN: "sqlite:" + path, Readers: 1})
	if err != nil {
		return err
	}
	err = d.migrateTo(ctx, rooms, versions)
	lite, _, e := d.plain()
	if err = errors.Join(err, e, d.Close()); err != nil {
		return err
	}
	err = fillSQLite(ctx, lite, parts, open)
	if err == nil {
		// One file, without a log beside it, that can be moved into its place.
		var mode string
		if err = lite.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err == nil && mode != "delete" {
			err = fmt.Errorf("the new file stayed in mode %s", mode)
		}
	}
	return errors.Join(err, lite.Close())
}

func fillSQLite(ctx context.Context, lite *sql.DB, parts []string, open func(part string) (io.ReadCloser, error)) error {
	there, own, err := sqliteTables(ctx, lite)
	if err != nil {
		return err
	}
	tx, err := lite.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	for _, part := range parts {
		name := strings.TrimSuffix(part, dumpTable)
		switch {
		case own(name):
			continue
		case !slices.Contains(there, name):
			return ErrNewer.With("room", name)
		}
		if err := fillTable(ctx, tx, name, part, open); err != nil {
			return ErrCross.With("table", name).Because(err)
		}
	}
	return tx.Commit()
}

// fillTable reads one part: a line of column names, then PostgreSQL's text form.
func fillTable(ctx context.Context, tx *sql.Tx, name, part string, open func(part string) (io.ReadCloser, error)) error {
	raw, err := open(part)
	if err != nil {
		return err
	}
	defer raw.Close()
	r := bufio.NewReaderSize(raw, 1<<16)
	first, err := r.ReadString('\n')
	if err != nil {
		return fmt.Errorf("first line: %w", err)
	}
	columns := strings.Split(strings.TrimSuffix(first, "\n"), ",")
	kinds, err := sqliteTypes(ctx, tx, name, columns)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM "`+name+`"`); err != nil { // what the migrations wrote
		return err
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	put, err := tx.PrepareContext(ctx, `INSERT INTO "`+name+`" ("`+strings.Join(columns, `", "`)+`") VALUES (`+marks+`)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it ends within a row: %w", err)
		}
		row, err := copied(line[:len(line)-1], kinds)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, row...); err != nil {
			return sqliteFault(err)
		}
	}
}

func sqliteTypes(ctx context.Context, tx *sql.Tx, name string, columns []string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name, type FROM pragma_table_info(?)`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var column, is string
		if err := rows.Scan(&column, &is); err != nil {
			return nil, err
		}
		types[column] = strings.ToUpper(is)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := make([]string, len(columns))
	for i, c := range columns {
		is, known := types[c]
		if !known {
			return nil, fmt.Errorf("there is no column %q", c)
		}
		out[i] = is
	}
	return out, nil
}

// copied reads one row of PostgreSQL's text form.
func copied(line []byte, kinds []string) ([]any, error) {
	fields := bytes.Split(line, []byte{'\t'}) // tabs inside a value are escaped
	if len(fields) != len(kinds) {
		return nil, fmt.Errorf("%d values for %d columns", len(fields), len(kinds))
	}
	row := make([]any, len(fields))
	for i, f := range fields {
		if string(f) == `\N` {
			continue
		}
		text, err := unescaped(f)
		if err == nil {
			row[i], err = valueOf(kinds[i], text)
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

func valueOf(kind, text string) (any, error) {
	switch kind {
	case "BIGINT", "INTEGER":
		return strconv.ParseInt(text, 10, 64)
	case "DOUBLE PRECISION":
		return strconv.ParseFloat(text, 64)
	case "TEXT":
		return text, nil
	case "BYTEA":
		digits, is := strings.CutPrefix(text, `\x`)
		if !is {
			return nil, errors.New("bytes that are not in hexadecimal form")
		}
		return hex.DecodeString(digits)
	}
	return nil, fmt.Errorf("a column of type %q can't be filled from the other engine", kind)
}

// unescaped undoes the escapes of PostgreSQL's text form.
func unescaped(f []byte) (string, error) {
	if !bytes.ContainsRune(f, '\\') {
		return string(f), nil
	}
	out := make([]byte, 0, len(f))
	for i := 0; i < len(f); i++ {
		if f[i] != '\\' {
			out = append(out, f[i])
			continue
		}
		if i++; i == len(f) {
			return "", errors.New("a value that ends within an escape")
		}
		switch f[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'v':
			out = append(out, '\v')
		default:
			out = append(out, f[i])
		}
	}
	return string(out), nil
}
