package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Scrub makes sure that rows which were deleted from the tables are not left in
// the database's files, as far as the engine can: SQLite overwrites deleted rows
// and here empties its log; PostgreSQL frees the rows' space (its own log keeps
// what was written until it is recycled).
func (d *DB) Scrub(ctx context.Context, tables ...string) error {
	if d.engine == Postgres {
		plain, _, err := d.plain()
		if err != nil {
			return err
		}
		defer plain.Close()
		_, err = plain.ExecContext(ctx, `VACUUM `+strings.Join(tables, ", "))
		return err
	}
	c, err := d.open(true)
	if err != nil {
		return err
	}
	defer c.close()
	for range 5 { // each waits for the readers of the moment
		cur, err := c.query(`PRAGMA wal_checkpoint(TRUNCATE)`, nil)
		if err != nil {
			return err
		}
		row := make([]any, 3)
		_, err = cur.next(row)
		if e := cur.close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("empty the log: %w", err)
		}
		if row[0] == int64(0) {
			return nil
		}
	}
	return ErrUnavailable.Because(errors.New("the log can't be emptied while it is being read"))
}
