package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"onegrid/internal/kit/id"
)

// Tx is one command's part of a transaction. It is good for one goroutine and
// until its function returns.
type Tx struct {
	db     *DB
	conn   conn
	ctx    context.Context // of a reader; nil in the writer
	now    time.Time
	write  bool
	group  *group
	live   atomic.Bool
	failed error
	rows   *Rows
	depth  int // of savepoints
	pended []any
	later  []late
	after  []func()
	bumped []bumped // the rooms whose version this command changed
}

// Engine says which database program is underneath.
func (t *Tx) Engine() Engine { return t.db.engine }

// Writable says whether this transaction may write.
func (t *Tx) Writable() bool { return t.write }

// Now is the transaction's clock: fixed for this try, UTC, whole milliseconds.
func (t *Tx) Now() time.Time { return t.now }

// NewID makes an id for a record that the server creates.
func (t *Tx) NewID() id.ID {
	v, err := id.Make(t.now, t.db.options.Random)
	if err != nil {
		t.Fail(err)
	}
	return v
}

// Random gives n random bytes.
func (t *Tx) Random(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(t.db.options.Random, b); err != nil {
		t.Fail(fmt.Errorf("random bytes: %w", err))
	}
	return b
}

// After runs f once the change is durable. It may only wake somebody up: it is
// lost in a crash and dropped when the command fails.
func (t *Tx) After(f func()) { t.after = append(t.after, f) }

// Pend hands v to the Ledger at the end of the group; it is dropped when this
// command fails.
func (t *Tx) Pend(v any) {
	if !t.write || t.db.options.Ledger == nil {
		t.Fail(ErrMisuse.Because(errors.New("something was pended where no ledger writes it")))
		return
	}
	t.pended = append(t.pended, v)
}

// Fail makes the command fail with err whatever its function returns. It is for
// functions that have no error result.
func (t *Tx) Fail(err error) {
	if t.failed == nil {
		t.failed = err
	}
}

// Exec runs a statement and says how many rows it touched.
func (t *Tx) Exec(q string, args ...any) (int64, error) {
	if err := t.ready(args); err != nil {
		return 0, err
	}
	if !t.write {
		return 0, t.broke(ErrMisuse.Because(errors.New("write in a reading transaction")))
	}
	begun := time.Now()
	n, err := t.conn.exec(q, args)
	t.db.took(q, begun)
	if err != nil {
		return 0, t.broke(err)
	}
	return n, nil
}

// Send runs a statement that only has to succeed. On PostgreSQL it travels with
// the next one that somebody waits for, at the latest at the end of the command;
// if it fails, so does the command, by way of whatever it does next.
func (t *Tx) Send(q string, args ...any) error { return t.send(nil, q, args) }

// SendOne is Send for a statement that must touch a row; wrong is the failure of
// one that does not.
func (t *Tx) SendOne(wrong error, q string, args ...any) error { return t.send(wrong, q, args) }

func (t *Tx) send(wrong error, q string, args []any) error {
	if err := t.ready(args); err != nil {
		return err
	}
	if !t.write {
		return t.broke(ErrMisuse.Because(errors.New("write in a reading transaction")))
	}
	if err := t.conn.send(q, args, wrong); err != nil {
		return t.broke(err)
	}
	return nil
}

// Sync waits for what was sent. It says why the command has failed so far.
func (t *Tx) Sync() error {
	if t.failed == nil && !t.group.lost {
		if t.rows != nil {
			if err := t.rows.Close(); err != nil {
				return err
			}
		}
		if err := t.conn.sync(); err != nil {
			return t.broke(err)
		}
	}
	return t.failed
}

// Last runs a statement whose outcome nobody needs before the commit; on
// PostgreSQL it travels together with it. If it fails the group is lost. It is
// meant for a Ledger and what hangs on it.
func (t *Tx) Last(q string, args ...any) error {
	if err := t.ready(args); err != nil {
		return err
	}
	if err := t.conn.last(q, args); err != nil {
		return t.broke(err)
	}
	return nil
}

// Query opens a row set; it must be read to its end or closed before the next
// statement.
func (t *Tx) Query(q string, args ...any) (*Rows, error) {
	if err := t.ready(args); err != nil {
		return nil, err
	}
	begun := time.Now()
	c, err := t.conn.query(q, args)
	if err != nil {
		return nil, t.broke(err)
	}
	r := &Rows{tx: t, cursor: c, statement: q, begun: begun}
	if n := c.columns(); n <= len(r.few) {
		r.values = r.few[:n]
	} else {
		r.values = make([]any, n)
	}
	t.rows = r
	return r, nil
}

// Row runs a query for its first row.
func (t *Tx) Row(q string, args ...any) Row {
	r, err := t.Query(q, args...)
	return Row{rows: r, err: err}
}

// Try runs fn so that a failure undoes only what fn did: for one row of many
// that may be refused. The error is fn's.
func (t *Tx) Try(fn func(*Tx) error) error {
	if err := t.ready(nil); err != nil {
		return err
	}
	t.depth++
	depth := t.depth
	if err := t.conn.savepoint(depth); err != nil {
		t.depth--
		return t.broke(err)
	}
	pended, later, after, bumped := len(t.pended), len(t.later), len(t.after), len(t.bumped)
	err := t.call(func(t *Tx) error {
		if err := fn(t); err != nil {
			return err
		}
		return t.Sync()
	})
	t.depth--
	if err == nil {
		if err := t.conn.release(depth); err != nil {
			return t.broke(err)
		}
		return nil
	}
	if t.group.lost {
		return err
	}
	t.pended, t.later, t.after = t.pended[:pended], t.later[:later], t.after[:after]
	t.unbump(bumped)
	t.failed = nil
	if e := t.conn.rollbackTo(depth); e != nil {
		t.group.lost = true
		t.failed = e
	}
	return err
}

// call runs fn, turns a panic into a fault and closes what fn left open.
func (t *Tx) call(fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = ErrPanic.Because(fmt.Errorf("%v\n%s", p, bytes.TrimSpace(debug.Stack())))
		}
		if t.rows != nil {
			if e := t.rows.Close(); err == nil {
				err = e
			}
		}
		if t.failed != nil && (err == nil || t.group.lost) {
			err = t.failed
		}
	}()
	return fn(t)
}

// ready refuses a statement at the wrong time and makes args plain.
func (t *Tx) ready(args []any) error {
	switch {
	case !t.live.Load():
		return ErrMisuse.Because(errors.New("transaction used after its function returned"))
	case t.failed != nil:
		return t.failed
	case t.rows != nil:
		t.Fail(ErrMisuse.Because(errors.New("statement while a row set is open")))
		return t.failed
	case t.ctx != nil && t.ctx.Err() != nil:
		return t.ctx.Err()
	}
	for i, a := range args {
		p, err := plain(a)
		if err != nil {
			return t.broke(fmt.Errorf("argument $%d: %w", i+1, err))
		}
		args[i] = p
	}
	return nil
}

// broke notes that a statement failed, and whether the group went with it.
func (t *Tx) broke(err error) error {
	if t.conn.lost(err) {
		t.group.lost = true
	}
	t.Fail(err)
	return err
}

// Rows is an open row set.
type Rows struct {
	tx     *Tx
	cursor cursor
	values []any
	few    [16]any
	err    error
	closed bool

	statement string
	begun     time.Time
}

// Next reads the next row; false at the end (the set is closed then) or on an
// error, see Err.
func (r *Rows) Next() bool {
	if r.closed {
		return false
	}
	if !r.tx.live.Load() {
		r.err = ErrMisuse.Because(errors.New("row set used after its transaction"))
		return false
	}
	ok, err := r.cursor.next(r.values)
	if err != nil {
		r.err = r.tx.broke(err)
	}
	if !ok || err != nil {
		r.shut()
		return false
	}
	return true
}

// Scan copies the current row into pointers.
func (r *Rows) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return ErrMisuse.Because(fmt.Errorf("%d destinations for %d columns", len(dest), len(r.values)))
	}
	for i, d := range dest {
		if err := assign(d, r.values[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// Err is the error that ended the rows, if any.
func (r *Rows) Err() error { return r.err }

// Close closes the set; closing twice is harmless.
func (r *Rows) Close() error {
	if r.closed {
		return r.err
	}
	r.shut()
	return r.err
}

func (r *Rows) shut() {
	r.closed = true
	if r.tx.rows == r {
		r.tx.rows = nil
	}
	if err := r.cursor.close(); err != nil && r.err == nil {
		r.err = r.tx.broke(err)
	}
	r.tx.db.took(r.statement, r.begun)
}

// Row is the first row of a query.
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the row into pointers; ErrNoRows when there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	err := r.rows.Scan(dest...)
	if e := r.rows.Close(); err == nil {
		err = e
	}
	return err
}
