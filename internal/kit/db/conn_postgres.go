package db

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresConn is one connection to PostgreSQL. Statements that only steer the
// transaction, and those whose outcome nobody waits for (send), wait in ahead and
// travel with the next one: a command costs as many round trips as it has
// questions.
type postgresConn struct {
	pg       *pgx.Conn
	dsn      string
	prepared map[string]string // SQL -> name on the server
	ahead    []waitingStatement
	behind   pgx.Batch // what travels with the commit
	active   bool
	write    bool
	writer   []byte // names this connection in db_writer
	groups   int64  // that were committed, or tried to be
}

// waitingStatement is one that travels with the next.
type waitingStatement struct {
	sql   string // of a steering statement; else its prepared name
	steer bool
	args  []any
	wrong error // the failure of one that touches no row; nil: that is fine
}

func postgresConfig(dsn string, write bool) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the database address can't be read") // the cause may show a password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	set := func(name, value string) {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	set("application_name", "onegrid")
	set("timezone", "UTC")
	set("statement_timeout", "120000")
	set("jit", "off") // our statements are short; compiling one takes longer than it does
	if write {
		// A machine that stands still in the middle of a group holds rows that all
		// others wait for. It loses them before the others lose their patience.
		set("idle_in_transaction_session_timeout", "10000")
		set("lock_timeout", "20000")
	} else {
		set("idle_in_transaction_session_timeout", "120000")
	}
	return config, nil
}

func openPostgres(dsn string, write, bulk bool) (conn, error) {
	config, err := postgresConfig(dsn, write)
	if err != nil {
		return nil, err
	}
	if bulk { // an index of millions of rows takes its time
		for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"} {
			config.RuntimeParams[name] = "0"
		}
		config.RuntimeParams["synchronous_commit"], config.RuntimeParams["maintenance_work_mem"] = "off", "512MB"
	}
	ctx, cancel := context.WithTimeout(context.Background(), config.ConnectTimeout)
	defer cancel()
	pg, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, ErrUnavailable.Because(err)
	}
	c := &postgresConn{pg: pg, dsn: dsn, prepared: map[string]string{}, write: write}
	if err := c.prepareSteering(); err != nil {
		c.close()
		return nil, ErrUnavailable.Because(err)
	}
	return c, nil
}

const (
	beginWrite = `BEGIN`
	beginRead  = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	markGroup  = `UPDATE db_writer SET groups = $1 WHERE id = $2`

	// writerTable says how many groups each writer committed. When a connection
	// breaks in a commit, its row tells what became of it. (The server's own
	// transaction numbers can't: after a crash they may be given out again.)
	writerTable = `CREATE TABLE IF NOT EXISTS db_writer (id BYTEA PRIMARY KEY, groups BIGINT NOT NULL, opened_at BIGINT NOT NULL)`
)

// prepareSteering prepares what begins, divides and ends transactions, while
// there is none: in a broken one nothing could be parsed.
func (c *postgresConn) prepareSteering() error {
	steer := []string{beginRead}
	if c.write {
		steer = []string{beginWrite, `COMMIT`, savepoints[0], releases[0], savepoints[1], releases[1]}
	}
	for _, q := range steer {
		if _, err := c.prepare(q); err != nil {
			return err
		}
	}
	return nil
}

// steered queues a steering statement by its prepared name, if it has one.
func (c *postgresConn) steered(b *pgx.Batch, q string) {
	if name, ok := c.prepared[q]; ok {
		q = name
	}
	b.Queue(q)
}

func (c *postgresConn) claim(exists bool) error {
	ctx := context.Background()
	var ours, tables int64
	err := c.pg.QueryRow(ctx, `SELECT count(*) FILTER (WHERE tablename = 'db_room'), count(*)
		FROM pg_catalog.pg_tables WHERE schemaname = current_schema()`).Scan(&ours, &tables)
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if ours == 0 && tables != 0 {
		return ErrForeign.Because(fmt.Errorf("%d tables, none of them db_room", tables))
	}
	if ours == 0 {
		if exists {
			return ErrMissing
		}
		for _, q := range []string{roomTable, writerTable} {
			if _, err := c.pg.Exec(ctx, q); err != nil {
				return fmt.Errorf("claim the database: %w", err)
			}
		}
	}
	return nil
}

// enrol gives this writer its row; rows that crashed programs left are cleared
// away.
func (c *postgresConn) enrol() error {
	ctx := context.Background()
	name := make([]byte, 16)
	if _, err := rand.Read(name); err != nil {
		return err
	}
	now := time.Now()
	if _, err := c.pg.Exec(ctx, `DELETE FROM db_writer WHERE opened_at < $1`, now.AddDate(-1, 0, 0).UnixMilli()); err != nil {
		return err
	}
	if _, err := c.pg.Exec(ctx, `INSERT INTO db_writer (id, groups, opened_at) VALUES ($1, 0, $2)`, name, now.UnixMilli()); err != nil {
		return err
	}
	if _, err := c.prepare(markGroup); err != nil {
		return err
	}
	c.writer = name
	return nil
}

func (c *postgresConn) begin(write bool) error {
	if len(c.prepared) > statementLimit {
		if err := c.pg.DeallocateAll(context.Background()); err != nil {
			return err
		}
		clear(c.prepared)
		if err := c.prepareSteering(); err != nil {
			return err
		}
	}
	q := beginWrite
	if !write {
		q = beginRead
	}
	if write && c.writer == nil {
		if err := c.enrol(); err != nil {
			return err
		}
	}
	c.ahead, c.active = append(c.ahead[:0], steer(q)), false
	return nil
}

// prepare makes sure that the server knows the statement. A new one is parsed
// after what waits ahead was sent: parsing fails in a broken transaction.
func (c *postgresConn) prepare(q string) (string, error) {
	if name, ok := c.prepared[q]; ok {
		return name, nil
	}
	if err := c.flush(); err != nil {
		return "", err
	}
	name := "s" + strconv.Itoa(len(c.prepared))
	if _, err := c.pg.Prepare(context.Background(), name, q); err != nil {
		return "", fmt.Errorf("%w in %s", err, q)
	}
	c.prepared[q] = name
	return name, nil
}

// flush sends what waits ahead on its own.
func (c *postgresConn) flush() error {
	if len(c.ahead) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	c.queueAhead(b)
	r := c.pg.SendBatch(context.Background(), b)
	if err := c.readAhead(r); err != nil {
		r.Close()
		return err
	}
	return r.Close()
}

func steer(q string) waitingStatement { return waitingStatement{sql: q, steer: true} }

// queueAhead puts what waits before the real one.
func (c *postgresConn) queueAhead(b *pgx.Batch) {
	for _, q := range c.ahead {
		if q.steer {
			c.steered(b, q.sql)
		} else {
			b.Queue(q.sql, q.args...)
		}
	}
}

// readAhead reads the outcomes of what waited. Where a statement failed, those
// after it did not run.
func (c *postgresConn) readAhead(r pgx.BatchResults) error {
	ahead := c.ahead
	c.ahead = c.ahead[:0]
	var wrong error
	for i, q := range ahead {
		tag, err := r.Exec()
		if err != nil {
			c.active = c.active || i > 0
			if q.steer {
				return steering{err}
			}
			return err
		}
		c.active = true
		if wrong == nil && tag.RowsAffected() == 0 {
			wrong = q.wrong
		}
	}
	return wrong
}

// sync sends what waits that is more than steering.
func (c *postgresConn) sync() error {
	for _, q := range c.ahead {
		if !q.steer {
			return c.flush()
		}
	}
	return nil
}

func (c *postgresConn) send(q string, args []any, wrong error) error {
	name, err := c.prepare(q)
	if err != nil {
		return err
	}
	c.ahead = append(c.ahead, waitingStatement{sql: name, args: append([]any(nil), args...), wrong: wrong})
	return nil
}

// steering is the failure of a BEGIN or SAVEPOINT: nothing of the transaction
// can be trusted after it.
type steering struct{ error }

func (s steering) Unwrap() error { return s.error }

func (c *postgresConn) exec(q string, args []any) (int64, error) {
	name, err := c.prepare(q)
	if err != nil {
		return 0, err
	}
	ctx := context.Background()
	if len(c.ahead) == 0 {
		tag, err := c.pg.Exec(ctx, name, args...)
		return tag.RowsAffected(), err
	}
	b := &pgx.Batch{}
	c.queueAhead(b)
	b.Queue(name, args...)
	r := c.pg.SendBatch(ctx, b)
	if err := c.readAhead(r); err != nil {
		r.Close()
		return 0, err
	}
	tag, err := r.Exec()
	if e := r.Close(); err == nil {
		err = e
	}
	return tag.RowsAffected(), err
}

func (c *postgresConn) query(q string, args []any) (cursor, error) {
	name, err := c.prepare(q)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if len(c.ahead) == 0 {
		rows, err := c.pg.Query(ctx, name, args...)
		if err != nil {
			return nil, err
		}
		return &postgresCursor{rows: rows, fields: rows.FieldDescriptions(), types: c.pg.TypeMap()}, nil
	}
	b := &pgx.Batch{}
	c.queueAhead(b)
	b.Queue(name, args...)
	r := c.pg.SendBatch(ctx, b)
	if err := c.readAhead(r); err != nil {
		r.Close()
		return nil, err
	}
	rows, err := r.Query()
	if err != nil {
		r.Close()
		return nil, err
	}
	return &postgresCursor{rows: rows, batch: r, fields: rows.FieldDescriptions(), types: c.pg.TypeMap()}, nil
}

func (c *postgresConn) last(q string, args []any) error {
	name, err := c.prepare(q)
	if err != nil {
		return err
	}
	c.behind.Queue(name, append([]any(nil), args...)...)
	return nil
}

func (c *postgresConn) savepoint(depth int) error {
	if err := tooDeep(depth); err != nil {
		return err
	}
	if err := c.sync(); err != nil { // what fails there is not this part's fault
		return err
	}
	c.ahead = append(c.ahead, steer(savepoints[depth]))
	return nil
}

func (c *postgresConn) release(depth int) error {
	if n := len(c.ahead); n > 0 && c.ahead[n-1].steer && c.ahead[n-1].sql == savepoints[depth] {
		c.ahead = c.ahead[:n-1] // nothing ran in it
		return nil
	}
	c.ahead = append(c.ahead, steer(releases[depth]))
	return nil
}

func (c *postgresConn) rollbackTo(depth int) error {
	for i, q := range c.ahead {
		if q.steer && q.sql == savepoints[depth] {
			c.ahead = c.ahead[:i]
			return nil
		}
	}
	c.ahead = c.ahead[:0] // releases of inner savepoints, which this one takes along
	ctx := context.Background()
	if _, err := c.pg.Exec(ctx, rollbacksTo[depth], pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	c.ahead = append(c.ahead, steer(releases[depth]))
	return nil
}

func (c *postgresConn) commit() (unknown bool, err error) {
	if !c.active && c.behind.Len() == 0 {
		c.ahead = c.ahead[:0]
		return false, nil
	}
	b := &pgx.Batch{}
	c.queueAhead(b)
	b.QueuedQueries = append(b.QueuedQueries, c.behind.QueuedQueries...)
	c.behind = pgx.Batch{}
	c.groups++
	b.Queue(c.prepared[markGroup], c.groups, c.writer)
	c.steered(b, `COMMIT`)
	ahead := len(c.ahead)
	r := c.pg.SendBatch(context.Background(), b)
	err = c.readAhead(r)
	var tag pgconn.CommandTag
	for range b.Len() - ahead {
		if err == nil {
			tag, err = r.Exec()
		}
	}
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("the server answered the commit with %s", tag)
	}
	if e := r.Close(); err == nil {
		err = e
	}
	if err == nil {
		c.active = false
		return false, nil
	}
	if !c.pg.IsClosed() {
		return false, err // an answer came: the transaction failed
	}
	return c.fate(err)
}

// patience is how long a writer asks for the fate of a commit.
var patience = 30 * time.Second

// fate finds out, over a new connection, what became of a commit whose answer
// was lost with the old one.
func (c *postgresConn) fate(cause error) (unknown bool, err error) {
	deadline := time.Now().Add(patience)
	for wait := 50 * time.Millisecond; time.Now().Before(deadline); wait = min(2*wait, time.Second) {
		groups, err := c.committed()
		if err == nil {
			if groups >= c.groups {
				return false, nil
			}
			return false, cause
		}
		<-time.After(wait) // the server is starting again
	}
	return true, cause
}

// committed asks how many groups of this writer were committed. The lock waits
// for the old session to end.
func (c *postgresConn) committed() (groups int64, err error) {
	fresh, err := openPostgres(c.dsn, true, false)
	if err != nil {
		return 0, err
	}
	defer fresh.close()
	return groups, fresh.(*postgresConn).pg.QueryRow(context.Background(), `SELECT groups FROM db_writer WHERE id = $1 FOR UPDATE`, c.writer).Scan(&groups)
}

func (c *postgresConn) rollback() error {
	c.ahead, c.behind = c.ahead[:0], pgx.Batch{}
	if !c.active {
		if c.pg.IsClosed() {
			return errors.New("connection lost")
		}
		if c.pg.PgConn().TxStatus() == 'I' {
			return nil
		}
	}
	c.active = false
	_, err := c.pg.Exec(context.Background(), `ROLLBACK`, pgx.QueryExecModeSimpleProtocol)
	return err
}

// lost knows the errors that take the transaction along: a broken connection, a
// deadlock, a server that stops, is full or may not write its own files (42501:
// that is how it tells of a disk that is read-only).
func (c *postgresConn) lost(err error) bool {
	if c.pg.IsClosed() {
		return true
	}
	var s steering
	if errors.As(err, &s) {
		return true
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	for _, class := range []string{"08", "25", "40", "42501", "53", "55P03", "57", "58", "XX"} {
		if strings.HasPrefix(e.Code, class) {
			return true
		}
	}
	return false
}

func (c *postgresConn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if c.writer != nil && !c.pg.IsClosed() && c.pg.PgConn().TxStatus() == 'I' {
		c.pg.Exec(ctx, `DELETE FROM db_writer WHERE id = $1`, c.writer)
	}
	c.pg.Close(ctx)
}

// postgresCursor reads rows in the server's binary form.
type postgresCursor struct {
	rows   pgx.Rows
	batch  pgx.BatchResults
	fields []pgconn.FieldDescription
	types  *pgtype.Map
}

func (c *postgresCursor) columns() int { return len(c.fields) }

func (c *postgresCursor) next(dest []any) (bool, error) {
	if !c.rows.Next() {
		return false, c.rows.Err()
	}
	for i, raw := range c.rows.RawValues() {
		v, err := c.value(&c.fields[i], raw)
		if err != nil {
			return false, err
		}
		dest[i] = v
	}
	return true, nil
}

func (c *postgresCursor) value(f *pgconn.FieldDescription, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	binaryForm := f.Format == pgtype.BinaryFormatCode
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID, pgtype.BPCharOID:
		return string(raw), nil
	case pgtype.Int8OID:
		if binaryForm {
			return int64(binary.BigEndian.Uint64(raw)), nil
		}
	case pgtype.Int4OID:
		if binaryForm {
			return int64(int32(binary.BigEndian.Uint32(raw))), nil
		}
	case pgtype.Int2OID:
		if binaryForm {
			return int64(int16(binary.BigEndian.Uint16(raw))), nil
		}
	case pgtype.Float8OID:
		if binaryForm {
			return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
		}
	case pgtype.BoolOID:
		if binaryForm {
			return int64(raw[0]), nil
		}
	case pgtype.ByteaOID:
		if binaryForm {
			if len(raw) == 0 {
				return nil, nil // as the other engine's driver gives it
			}
			return append([]byte(nil), raw...), nil
		}
	case pgtype.NumericOID: // sums and averages of whole numbers
		var n pgtype.Numeric
		if err := c.types.Scan(f.DataTypeOID, f.Format, raw, &n); err != nil {
			return nil, err
		}
		if whole, err := n.Int64Value(); err == nil && whole.Valid {
			return whole.Int64, nil
		}
		float, err := n.Float64Value()
		return float.Float64, err
	}
	return nil, fmt.Errorf("column %s has a type that isn't used here (%d)", f.Name, f.DataTypeOID)
}

func (c *postgresCursor) close() error {
	c.rows.Close()
	err := c.rows.Err()
	if c.batch != nil {
		if e := c.batch.Close(); err == nil {
			err = e
		}
	}
	return err
}
