package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Kept is a furnished database that tests begin with copies of.
type Kept struct {
	raw    []byte // of SQLite
	server *Server
	name   string
}

var kept atomic.Int64

// Keep keeps what stands in a database that is closed. On PostgreSQL it moves to
// a name of this process, and goes when the next one keeps something.
func Keep(t testing.TB, dsn string) Kept {
	t.Helper()
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return Kept{raw: raw}
	}
	server, err := shared()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	k := Kept{server: server, name: fmt.Sprintf("kept_%d_%d", os.Getpid(), kept.Add(1))}
	config, err := pgx.ParseConfig(dsn)
	if err == nil {
		err = server.admin(func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, `ALTER DATABASE `+config.Database+` RENAME TO `+k.name)
			return errors.Join(err, dropForgotten(ctx, c))
		})
	}
	if err != nil {
		t.Fatalf("keep a database: %v", err)
	}
	return k
}

// dropForgotten drops what processes kept that have ended.
func dropForgotten(ctx context.Context, c *pgx.Conn) error {
	rows, err := c.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 'kept\_%'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		pid, wrong := strconv.Atoi(strings.Split(name, "_")[1])
		if wrong == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_, wrong = c.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
		}
		err = errors.Join(err, wrong)
	}
	return err
}

// Copy is the address of a database with the same in it; it is gone after the
// test.
func (k Kept) Copy(t testing.TB) string {
	t.Helper()
	if k.server != nil {
		return copied(t, k.server, k.name)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, k.raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}
