package db

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Lot is rows for one table that are written together.
type Lot struct {
	Table   string
	Columns []string
	Values  []any // row after row; nil, int64, float64, string, []byte
}

// Add adds one row.
func (l *Lot) Add(values ...any) { l.Values = append(l.Values, values...) }

// Rows is how many rows there are.
func (l *Lot) Rows() int { return len(l.Values) / len(l.Columns) }

// copyStep is how many rows one statement takes on SQLite.
const copyStep = 16

// Copy writes many rows the fastest way there is: COPY on PostgreSQL, long
// statements on SQLite. No row may be there already.
func (t *Tx) Copy(l *Lot) error {
	if len(l.Values) == 0 {
		return nil
	}
	if !t.write || len(l.Values)%len(l.Columns) != 0 {
		return t.broke(ErrMisuse.Because(errors.New("rows that cannot be copied")))
	}
	if err := t.Sync(); err != nil {
		return err
	}
	if pg, is := t.conn.(*postgresConn); is {
		if err := pg.copyIn(l); err != nil {
			return t.broke(fmt.Errorf("copy into %s: %w", l.Table, err))
		}
		return nil
	}
	table := NewTable(l.Table, l.Columns...)
	w := len(l.Columns)
	for at := 0; at < len(l.Values); {
		rows := min(copyStep, (len(l.Values)-at)/w)
		if rows < copyStep {
			rows = 1
		}
		if err := t.conn.last(table.of(rows), l.Values[at:at+rows*w]); err != nil {
			return t.broke(fmt.Errorf("write into %s: %w", l.Table, err))
		}
		at += rows * w
	}
	return nil
}

func (c *postgresConn) copyIn(l *Lot) error {
	if err := c.flush(); err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(l.text(w)) }()
	_, err := c.pg.PgConn().CopyFrom(context.Background(), r, `COPY `+l.Table+` (`+strings.Join(l.Columns, ", ")+`) FROM STDIN`)
	r.CloseWithError(err) // ends the other side where the server stopped early
	return err
}

var copyEscapes = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t")

// text writes the rows in the server's text form.
func (l *Lot) text(w io.Writer) error {
	b := make([]byte, 0, 1<<16)
	for i, v := range l.Values {
		switch v := v.(type) {
		case nil:
			b = append(b, `\N`...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case float64:
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		case string:
			b = append(b, copyEscapes.Replace(v)...)
		case []byte:
			b = hex.AppendEncode(append(b, `\\x`...), v)
		default:
			return fmt.Errorf("a %T cannot be copied", v)
		}
		if (i+1)%len(l.Columns) != 0 {
			b = append(b, '\t')
			continue
		}
		if b = append(b, '\n'); len(b) > 1<<15 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}

// DropIndexes drops the indexes of tables that no constraint rests on and gives
// the statements that make them again: one built at the end is faster and denser
// than one that grew.
func DropIndexes(tx *Tx, tables ...string) (again []string, err error) {
	q := `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = $1 ORDER BY name`
	if tx.Engine() == Postgres {
		q = `SELECT i.indexname, i.indexdef FROM pg_catalog.pg_indexes i WHERE i.schemaname = current_schema() AND i.tablename = $1
			AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conname = i.indexname) ORDER BY 1`
	}
	var names []string
	for _, table := range tables {
		rows, err := tx.Query(q, table)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var name, sql string
			if err := rows.Scan(&name, &sql); err != nil {
				rows.Close()
				return nil, err
			}
			names, again = append(names, name), append(again, sql)
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if _, err := tx.Exec(`DROP INDEX ` + name); err != nil {
			return nil, fmt.Errorf("drop index %s: %w", name, err)
		}
	}
	return again, nil
}
