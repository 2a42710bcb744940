package db

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Table is a table that rows are added to at the end of a group of commands,
// many in one statement.
type Table struct {
	head    string
	columns int
	texts   sync.Map // rows -> text
}

// NewTable names a table and the columns that are given.
func NewTable(name string, columns ...string) *Table {
	return &Table{head: "INSERT INTO " + name + " (" + strings.Join(columns, ", ") + ") VALUES ", columns: len(columns)}
}

// step is how many rows the next statement takes: powers of two, so that there
// are few statements to prepare.
func step(left int) int {
	n := 64
	for n > left {
		n /= 2
	}
	return n
}

func (s *Table) of(rows int) string {
	if q, ok := s.texts.Load(rows); ok {
		return q.(string)
	}
	var b strings.Builder
	b.WriteString(s.head)
	n := 1
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for c := range s.columns {
			if c > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", n)
			n++
		}
		b.WriteByte(')')
	}
	s.texts.Store(rows, b.String())
	return b.String()
}

// Insert adds rows, whose values follow each other in args, through Tx.Last: it
// is meant for a Ledger.
func (s *Table) Insert(tx *Tx, args []any) error {
	for len(args) > 0 {
		n := step(len(args)/s.columns) * s.columns
		if err := tx.Last(s.of(n/s.columns), args[:n:n]...); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

// late is a row that waits for the end of the group.
type late struct {
	table  *Table
	values []any
}

// Later adds a row at the end of the group, together with those of the other
// commands; until then no query finds it. If it cannot be written the group is
// lost, each command is tried alone, and the one to blame is told. The values
// must be what the engines take as they are: nil, int64, float64, string, []byte.
// They may be changed as long as the group lasts (see Shared).
func (t *Tx) Later(table *Table, values ...any) error {
	if err := t.ready(values); err != nil {
		return err
	}
	if !t.write || len(values) != table.columns {
		return t.broke(ErrMisuse.Because(errors.New("a row that cannot be written later")))
	}
	t.later = append(t.later, late{table, values})
	return nil
}

// insertLater writes what the commands of a group left, table by table.
func insertLater(tx *Tx, rows []late) error {
	for len(rows) > 0 {
		table := rows[0].table
		var args []any
		rest := rows[:0]
		for _, r := range rows {
			if r.table == table {
				args = append(args, r.values...)
			} else {
				rest = append(rest, r)
			}
		}
		if err := table.Insert(tx, args); err != nil {
			return err
		}
		rows = rest
	}
	return nil
}

// Shared is a value that the commands of one group share, made when it is first
// asked for. What a command leaves in it stays when the command is rolled back.
func Shared[T any](tx *Tx, key any, make func() T) T {
	if v, ok := tx.group.local[key].(T); ok {
		return v
	}
	v := make()
	tx.keep(key, v)
	return v
}
