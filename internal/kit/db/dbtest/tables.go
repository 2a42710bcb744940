package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"onegrid/internal/kit/db"
)

// Making the tables of all rooms takes longer than most tests do. So they are
// made once, and each test gets a copy.

// Migrated is the address of a database that holds the rooms' tables, as Migrate
// makes them in an empty one, and is gone after the test.
func Migrated(t testing.TB, e db.Engine, rooms []db.Room) string {
	t.Helper()
	of, err := fingerprint(e, rooms)
	if err != nil {
		t.Fatalf("read the migrations: %v", err)
	}
	if e == db.SQLite {
		raw, err := tablesOnce(of, func() ([]byte, error) {
			path := filepath.Join(t.TempDir(), "tables.db")
			if err := migrate("sqlite:"+path, rooms); err != nil {
				return nil, err
			}
			return os.ReadFile(path)
		})
		path := filepath.Join(t.TempDir(), "test.db")
		if err = errors.Join(err, os.WriteFile(path, raw, 0o600)); err != nil {
			t.Fatalf("make the tables: %v", err)
		}
		return "sqlite:" + path
	}
	server, err := shared()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	name := "tables_" + hex.EncodeToString(of[:8])
	if _, err := tablesOnce(of, func() ([]byte, error) { return nil, server.tables(name, of, rooms) }); err != nil {
		t.Fatalf("make the tables: %v", err)
	}
	return copied(t, server, name)
}

type once struct {
	sync.Once
	raw []byte
	err error
}

var known sync.Map // *once by fingerprint

// tablesOnce makes the tables of a fingerprint once in this test binary.
func tablesOnce(of [sha256.Size]byte, make func() ([]byte, error)) ([]byte, error) {
	v, _ := known.LoadOrStore(of, &once{})
	o := v.(*once)
	o.Do(func() { o.raw, o.err = make() })
	return o.raw, o.err
}

// tables makes a database that others are copied from, unless another test
// binary did.
func (s *Server) tables(name string, of [sha256.Size]byte, rooms []db.Room) error {
	return s.admin(func(ctx context.Context, c *pgx.Conn) error {
		// Ends with the connection.
		if _, err := c.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(binary.BigEndian.Uint64(of[:]))); err != nil {
			return err
		}
		var there bool
		if err := c.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil || there {
			return err
		}
		making := "making_" + name
		for _, q := range []string{`DROP DATABASE IF EXISTS ` + making + ` WITH (FORCE)`, `CREATE DATABASE ` + making + ` TEMPLATE template0`} {
			if _, err := c.Exec(ctx, q); err != nil {
				return err
			}
		}
		if err := migrate(s.DSN(making), rooms); err != nil {
			return err
		}
		// The name says that it is whole.
		_, err := c.Exec(ctx, `ALTER DATABASE `+making+` RENAME TO `+name)
		return err
	})
}

// migrate makes the rooms' tables in an empty database.
func migrate(dsn string, rooms []db.Room) error {
	d, err := db.Open(context.Background(), db.Options{DSN: dsn})
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(context.Background(), rooms), d.Close())
}

// fingerprint tells sets of migrations and engines apart.
func fingerprint(e db.Engine, rooms []db.Room) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	h.Write([]byte(e))
	for _, r := range rooms {
		h.Write([]byte(r.Name + "\x00"))
		if r.Migrations == nil {
			continue
		}
		err = errors.Join(err, fs.WalkDir(r.Migrations, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(r.Migrations, path)
			h.Write([]byte(path + "\x00"))
			h.Write(raw)
			return err
		}))
	}
	h.Sum(sum[:0])
	return sum, err
}
