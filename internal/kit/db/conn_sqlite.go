package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// applicationID marks a SQLite file as OneGrid's ("1Grd").
const applicationID = 0x31477264

const statementLimit = 1000 // prepared statements kept per connection

// sqliteConn is one connection to a SQLite file, through the driver's own
// interface: database/sql would lock and convert for every statement.
type sqliteConn struct {
	driver.Conn
	exec_      driver.ExecerContext
	statements map[string]*sqliteStatement
	values     []driver.NamedValue
	active     bool
	write      bool
	bulk       bool
}

type sqliteStatement struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	order []int
}

// sqliteURI is the driver's name of a file.
func sqliteURI(path string) string {
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func openSQLite(path string, write, bulk bool) (conn, error) {
	pragmas := "?_pragma=busy_timeout(10000)&_pragma=secure_delete(1)&_pragma=synchronous(FULL)&_pragma=temp_store(MEMORY)&_pragma=trusted_schema(0)&_dqs=0"
	switch {
	case bulk:
		pragmas = "?_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)&_pragma=locking_mode(EXCLUSIVE)&_pragma=secure_delete(0)&_pragma=temp_store(FILE)&_pragma=cache_size(-524288)&_dqs=0"
	case !write:
		pragmas += "&_pragma=query_only(1)&_pragma=cache_size(-8192)"
	default:
		pragmas += "&_pragma=cache_size(-32768)&_pragma=journal_size_limit(67108864)"
	}
	raw, err := (&sqlite.Driver{}).Open(sqliteURI(path) + pragmas)
	if err != nil {
		return nil, sqliteFault(fmt.Errorf("open %s: %w", filepath.Base(path), err))
	}
	c := &sqliteConn{Conn: raw, exec_: raw.(driver.ExecerContext), statements: map[string]*sqliteStatement{}, write: write, bulk: bulk}
	return c, nil
}

// checkSQLiteFile refuses what is surely no sound SQLite file, before the
// driver may touch it.
func checkSQLiteFile(path string, exists bool) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if exists {
			return ErrMissing.With("file", filepath.Base(path))
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil
	}
	head := make([]byte, 100)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return ErrBroken.With("file", filepath.Base(path)).Because(errors.New("no SQLite header"))
	}
	number := func(at int) int64 {
		return int64(head[at])<<24 | int64(head[at+1])<<16 | int64(head[at+2])<<8 | int64(head[at+3])
	}
	size := int64(head[16])<<8 | int64(head[17])
	if size == 1 {
		size = 65536
	}
	// A file that ends early is broken, unless its log still holds the rest.
	log, err := os.Stat(path + "-wal")
	if (err != nil || log.Size() == 0) && number(24) == number(92) && info.Size() < number(28)*size {
		return ErrBroken.With("file", filepath.Base(path)).Because(fmt.Errorf("%d bytes of %d pages of %d", info.Size(), number(28), size))
	}
	return nil
}

func (c *sqliteConn) claim(exists bool) error {
	var application, tables int64
	if err := c.number(`PRAGMA application_id`, &application); err != nil {
		return sqliteFault(err)
	}
	if err := c.number(`SELECT count(*) FROM sqlite_schema`, &tables); err != nil {
		return sqliteFault(err)
	}
	switch {
	case application == applicationID:
	case application == 0 && tables == 0 && exists:
		return ErrMissing
	case application != 0 || tables != 0:
		return ErrForeign.Because(fmt.Errorf("application id %#x, %d tables", application, tables))
	}
	mode := `PRAGMA journal_mode = WAL`
	if c.bulk {
		mode = `PRAGMA journal_mode = OFF`
	}
	for _, q := range []string{
		mode,
		fmt.Sprintf(`PRAGMA application_id = %d`, applicationID),
		roomTable,
	} {
		if application == applicationID && strings.Contains(q, "application_id") {
			continue
		}
		if _, err := c.exec_.ExecContext(context.Background(), q, nil); err != nil {
			return sqliteFault(err)
		}
	}
	return nil
}

// roomTable says which version each room's tables have; see Cached.
const roomTable = `CREATE TABLE IF NOT EXISTS db_room (name TEXT PRIMARY KEY, version BYTEA NOT NULL)`

func (c *sqliteConn) number(q string, n *int64) error {
	cur, err := c.query(q, nil)
	if err != nil {
		return err
	}
	defer cur.close()
	row := make([]any, 1)
	if ok, err := cur.next(row); err != nil || !ok {
		return fmt.Errorf("%s: no answer: %w", q, err)
	}
	v, ok := row[0].(int64)
	if !ok {
		return fmt.Errorf("%s: %T", q, row[0])
	}
	*n = v
	return nil
}

// sqliteFault names the error of a damaged file.
func sqliteFault(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case 11, 26: // CORRUPT, NOTADB
			return ErrBroken.Because(err)
		}
	}
	return err
}

func (c *sqliteConn) statement(q string) (*sqliteStatement, error) {
	if s, ok := c.statements[q]; ok {
		return s, nil
	}
	sql, order := ordinal(q)
	raw, err := c.Conn.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, q)
	}
	s := &sqliteStatement{Stmt: raw, exec: raw.(driver.StmtExecContext), query: raw.(driver.StmtQueryContext), order: order}
	c.statements[q] = s
	return s, nil
}

func (c *sqliteConn) bind(s *sqliteStatement, args []any) ([]driver.NamedValue, error) {
	c.values = c.values[:0]
	for i, n := range s.order {
		if n >= len(args) {
			return nil, ErrMisuse.Because(fmt.Errorf("no argument $%d", n+1))
		}
		c.values = append(c.values, driver.NamedValue{Ordinal: i + 1, Value: args[n]})
	}
	return c.values, nil
}

func (c *sqliteConn) begin(write bool) error {
	if len(c.statements) > statementLimit {
		for _, s := range c.statements {
			s.Close()
		}
		clear(c.statements)
	}
	q := `BEGIN`
	if write {
		q = `BEGIN IMMEDIATE`
	}
	_, err := c.exec(q, nil)
	c.active = err == nil
	return err
}

func (c *sqliteConn) exec(q string, args []any) (int64, error) {
	s, err := c.statement(q)
	if err != nil {
		return 0, err
	}
	values, err := c.bind(s, args)
	if err != nil {
		return 0, err
	}
	r, err := s.exec.ExecContext(context.Background(), values)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *sqliteConn) send(q string, args []any, wrong error) error {
	n, err := c.exec(q, args)
	if err == nil && n == 0 {
		err = wrong
	}
	return err
}

func (c *sqliteConn) sync() error { return nil }

func (c *sqliteConn) last(q string, args []any) error {
	_, err := c.exec(q, args)
	return err
}

func (c *sqliteConn) query(q string, args []any) (cursor, error) {
	s, err := c.statement(q)
	if err != nil {
		return nil, err
	}
	values, err := c.bind(s, args)
	if err != nil {
		return nil, err
	}
	rows, err := s.query.QueryContext(context.Background(), values)
	if err != nil {
		return nil, err
	}
	return &sqliteCursor{rows: rows, row: make([]driver.Value, len(rows.Columns()))}, nil
}

var (
	savepoints  = names("SAVEPOINT s")
	releases    = names("RELEASE SAVEPOINT s")
	rollbacksTo = names("ROLLBACK TO SAVEPOINT s")
)

func names(prefix string) (n [16]string) {
	for i := range n {
		n[i] = fmt.Sprint(prefix, i)
	}
	return n
}

func tooDeep(depth int) error {
	if depth >= len(savepoints) {
		return ErrMisuse.Because(errors.New("savepoints nested too deeply"))
	}
	return nil
}

func (c *sqliteConn) savepoint(depth int) error {
	if err := tooDeep(depth); err != nil {
		return err
	}
	_, err := c.exec(savepoints[depth], nil)
	return err
}

func (c *sqliteConn) release(depth int) error {
	_, err := c.exec(releases[depth], nil)
	return err
}

func (c *sqliteConn) rollbackTo(depth int) error {
	if _, err := c.exec(rollbacksTo[depth], nil); err != nil {
		return err
	}
	_, err := c.exec(releases[depth], nil)
	return err
}

func (c *sqliteConn) commit() (bool, error) {
	_, err := c.exec(`COMMIT`, nil)
	if err == nil {
		c.active = false
	}
	return false, err
}

func (c *sqliteConn) rollback() error {
	if !c.active {
		return nil
	}
	c.active = false
	_, err := c.exec(`ROLLBACK`, nil)
	return err
}

// lost knows the errors after which SQLite may have rolled back by itself, or
// after which nothing written in this transaction should be trusted.
func (c *sqliteConn) lost(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case 5, 6, 7, 9, 10, 11, 13, 15, 26: // BUSY LOCKED NOMEM INTERRUPT IOERR CORRUPT FULL PROTOCOL NOTADB
		return true
	}
	return false
}

func (c *sqliteConn) close() {
	for _, s := range c.statements {
		s.Close()
	}
	c.Conn.Close()
}

type sqliteCursor struct {
	rows driver.Rows
	row  []driver.Value
}

func (c *sqliteCursor) columns() int { return len(c.row) }

func (c *sqliteCursor) next(dest []any) (bool, error) {
	switch err := c.rows.Next(c.row); {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, err
	}
	for i, v := range c.row {
		dest[i] = v
	}
	return true, nil
}

func (c *sqliteCursor) close() error { return c.rows.Close() }
