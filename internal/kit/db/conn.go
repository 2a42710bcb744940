package db

import (
	"context"
	"sync"
)

// conn is one connection of one engine. All its SQL runs without a caller's
// context. Statements use $1, $2, …; arguments are nil, int64, float64, string
// or []byte.
type conn interface {
	// claim marks an empty database as OneGrid's, unless it must exist, and
	// refuses a foreign one.
	claim(exists bool) error
	begin(write bool) error
	exec(q string, args []any) (int64, error)
	query(q string, args []any) (cursor, error)
	// send is exec whose outcome is looked at with the next statement, or by
	// sync. wrong is the failure of one that touched no row; nil: that is fine.
	send(q string, args []any, wrong error) error
	sync() error
	// last is exec whose result nobody waits for: it may be sent together with
	// the commit.
	last(q string, args []any) error
	savepoint(depth int) error
	release(depth int) error
	rollbackTo(depth int) error
	// commit ends the transaction. unknown says that the connection broke and
	// it could not be found out whether the commit took place.
	commit() (unknown bool, err error)
	rollback() error
	// lost says whether an error destroyed the whole transaction rather than
	// one statement.
	lost(err error) bool
	close()
}

// cursor is an open row set. next fills dest with nil, int64, float64, string,
// []byte (its own copy) or bool.
type cursor interface {
	columns() int
	next(dest []any) (bool, error)
	close() error
}

// pool hands out reading connections, each to one transaction at a time.
type pool struct {
	open  func() (conn, error)
	slots chan conn // nil: a connection that may still be opened
	once  sync.Once
}

func newPool(n int, open func() (conn, error)) *pool {
	p := &pool{open: open, slots: make(chan conn, n)}
	for range n {
		p.slots <- nil
	}
	return p
}

func (p *pool) take(ctx context.Context) (conn, error) {
	var c conn
	select {
	case c = <-p.slots:
	default:
		select {
		case c = <-p.slots:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if c != nil {
		return c, nil
	}
	c, err := p.open()
	if err != nil {
		p.slots <- nil
		return nil, err
	}
	return c, nil
}

func (p *pool) give(c conn) { p.slots <- c }

// close waits for every reader and closes the connections.
func (p *pool) close() {
	p.once.Do(func() {
		for range cap(p.slots) {
			if c := <-p.slots; c != nil {
				c.close()
			}
		}
	})
}
