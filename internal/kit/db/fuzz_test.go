package db

import (
	"strings"
	"testing"
)

// Whatever row a backup of PostgreSQL holds, it becomes as many values or an
// error.
func FuzzCopied(f *testing.F) {
	f.Add([]byte("7\t字\\n\\t\\\\\t\\\\x00ff\t1.5\t\\N"))
	f.Add([]byte("\\\t\\x\t\\xzz\tNaN\t"))
	kinds := []string{"BIGINT", "TEXT", "BYTEA", "DOUBLE PRECISION", "TEXT"}
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := copied(line, kinds)
		if err == nil && len(row) != len(kinds) {
			t.Fatalf("%q became %d values", line, len(row))
		}
	})
}

// Whatever a statement says, it is rewritten to one that asks for as many
// arguments as it names.
func FuzzOrdinal(f *testing.F) {
	f.Add(`SELECT '$1', "$2" FROM t WHERE a = $2 AND b = $1 -- $3`)
	f.Add(`'`)
	f.Add(`$99999999999999999999`)
	f.Fuzz(func(t *testing.T, q string) {
		sql, order := ordinal(q)
		if n := strings.Count(sql, "?"); n < len(order) {
			t.Fatalf("%q became %q with %d arguments", q, sql, len(order))
		}
	})
}
