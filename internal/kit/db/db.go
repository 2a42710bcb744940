// Package db is the one way to the database, SQLite or PostgreSQL, from the
// same hand-written SQL.
//
// It owns the connections, the group commit, the migrations' order and one
// table, db_room, that says which version each room's tables have. It knows no
// room's tables and no journal: whoever writes what a group's commands pended
// is handed in as a Ledger.
//
// What callers rely on:
//
//   - Write runs a function in a transaction that is committed together with
//     other callers' (group commit), each in its own savepoint. When Write
//     returns nil, the change is on the disk.
//   - The function may run twice, so it does SQL and nothing else; its clock,
//     ids and random bytes come from the Tx.
//   - The caller's context is looked at before its turn only: cancelling one
//     caller never hurts another. (DESIGN.md section 5)
//   - A statement that fails ends its command on both engines (PostgreSQL can't
//     go on, so SQLite doesn't either); Try makes a part that may fail.
//   - A row set is read to its end or closed before the next statement.
//   - Times are BIGINT epoch milliseconds, ids 16 bytes, booleans 0 or 1, JSON
//     text. Column types are BYTEA, BIGINT, TEXT and DOUBLE PRECISION.
package db

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Engine is the database program underneath.
type Engine string

const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The faults of this package.
var (
	ErrForeign     = fault.New(fault.Conflict, "db.foreign")     // a database that is not OneGrid's
	ErrBroken      = fault.New(fault.Conflict, "db.broken")      // a file that is damaged or no database
	ErrMissing     = fault.New(fault.Missing, "db.missing")      // no database there
	ErrInUse       = fault.New(fault.Conflict, "db.in_use")      // a database that already holds data
	ErrCross       = fault.New(fault.Conflict, "db.cross")       // rows of the other engine's dump that this one can't hold
	ErrNewer       = fault.New(fault.Conflict, "db.newer")       // written by a newer program
	ErrOutdated    = fault.New(fault.Busy, "db.outdated")        // a newer program took the data over while this one runs
	ErrClosed      = fault.New(fault.Busy, "db.closed")          // the program is stopping
	ErrUnavailable = fault.New(fault.Busy, "db.unavailable")     // not reachable, locked, full; nothing was changed
	ErrUnknown     = fault.New(fault.Busy, "db.outcome_unknown") // the connection was lost in the commit: ask again with the same id
	ErrFull        = fault.New(fault.Busy, "db.full")            // the disk has too little room left; nothing was changed
	ErrMisuse      = fault.New(fault.Internal, "db.misuse")      // a programming error around a Tx
	ErrPanic       = fault.New(fault.Internal, "db.panic")       // the command panicked; the stack is in the cause
)

// ErrNoRows says that Row found nothing.
var ErrNoRows = errors.New("no rows")

// Options say which database to open and how.
type Options struct {
	DSN     string           // "sqlite:/path/file.db" or "postgres://…"
	Now     func() time.Time // the clock; time.Now by default
	Random  io.Reader        // crypto/rand by default
	Log     *slog.Logger
	Writers int    // PostgreSQL: 1 to 4 (2 by default); SQLite always has one
	Readers int    // connections that read; 8 by default
	Ledger  Ledger // writes what a group's commands pended; nil: nothing may be pended
	// Sealed is told after the commit of every group whose ledger wrote
	// something. It may only wake somebody up.
	Sealed func()
	Tracer trace.Tracer // nil: no spans
	Exists bool         // refuse to make a new database (db.missing)
	// Bulk is for filling a database that nobody uses yet: on SQLite nothing is
	// safe before it is closed, and an error leaves a database to be thrown away.
	// Nothing may be read meanwhile but by the writer.
	Bulk bool
}

// Ledger writes, as the last statements of a group, what its commands pended.
type Ledger interface {
	Seal(tx *Tx, pended []any) error
}

// DB is an open database.
type DB struct {
	engine  Engine
	options Options
	open    func(write bool) (conn, error)
	readers *pool
	writers []*writer
	done    sync.WaitGroup

	mu     sync.RWMutex // guards closed against commands being queued
	closed bool

	held     atomic.Pointer[fault.Fault] // why nothing is written for now
	bumps    atomic.Int64                // moves whenever a group that changed a room's version was committed
	versions atomic.Pointer[RoomVersions]
	looks    looks
	life     context.Context // ends with the database
	end      context.CancelFunc
	stats    Stats
	slow     slowest
}

// Stats counts what the writers did since the database was opened.
type Stats struct {
	Commands, Groups, Lost, Alone atomic.Int64
	Slow                          atomic.Int64 // statements of 100 ms and more
}

// Open opens a database, or makes an empty one. It refuses a file or schema
// that belongs to something else (db.foreign) and a damaged file (db.broken).
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	d := &DB{options: o}
	d.life, d.end = context.WithCancel(context.WithoutCancel(ctx))
	switch {
	case strings.HasPrefix(o.DSN, "sqlite:"):
		d.engine, d.options.Writers = SQLite, 1
		path := strings.TrimPrefix(o.DSN, "sqlite:")
		if err := checkSQLiteFile(path, o.Exists); err != nil {
			return nil, err
		}
		d.open = func(write bool) (conn, error) { return openSQLite(path, write, o.Bulk) }
	case strings.HasPrefix(o.DSN, "postgres:"), strings.HasPrefix(o.DSN, "postgresql:"):
		d.engine = Postgres
		d.options.Writers = min(max(o.Writers, 0), 4)
		if d.options.Writers == 0 {
			d.options.Writers = 2
		}
		d.open = func(write bool) (conn, error) { return openPostgres(o.DSN, write, o.Bulk) }
	default:
		return nil, fmt.Errorf("database address must begin with sqlite: or postgres: (config database)")
	}
	first, err := d.open(true)
	if err != nil {
		return nil, err
	}
	if err := first.claim(o.Exists); err != nil {
		first.close()
		return nil, err
	}
	d.readers = newPool(d.options.Readers, func() (conn, error) { return d.open(false) })
	for i := range d.options.Writers {
		w := &writer{db: d, number: i, queue: make(chan *command, groupLimit)}
		if i == 0 {
			w.conn = first
		}
		d.writers = append(d.writers, w)
		d.done.Add(1)
		go w.run()
	}
	return d, nil
}

// Engine says which database program is underneath.
func (d *DB) Engine() Engine { return d.engine }

// DSN is the address the database was opened with.
func (d *DB) DSN() string { return d.options.DSN }

// Stats are the counters of the writers.
func (d *DB) Stats() *Stats { return &d.stats }

// Now is the database's clock, in UTC and whole milliseconds, as it is stored.
func (d *DB) Now() time.Time { return d.options.Now().UTC().Truncate(time.Millisecond) }

// Close finishes the commands that wait and closes every connection.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	for _, w := range d.writers {
		close(w.queue)
	}
	d.mu.Unlock()
	d.done.Wait()
	d.end()
	d.readers.close()
	return nil
}

// Write runs fn in a write transaction on the first writer: for commands on
// registers and on several cases. When it returns nil the change is durable.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return d.write(ctx, 0, &command{fn: fn})
}

// WriteFor is Write for a command on one case (or another single thing): on
// PostgreSQL commands with different keys may run on different writers.
func (d *DB) WriteFor(ctx context.Context, key id.ID, fn func(*Tx) error) error {
	return d.write(ctx, d.writerOf(key), &command{fn: fn})
}

// Lookup is a question that commands have before they run. Ask is called with the
// keys of all commands of a group that have it, before the first of them runs,
// and leaves what it found where they look for it (Shared).
type Lookup struct {
	Ask func(tx *Tx, keys []id.ID) error
}

// WriteAsking is WriteFor (Write for the zero shard) for a command that has a
// question about a key.
func (d *DB) WriteAsking(ctx context.Context, shard id.ID, look *Lookup, key id.ID, fn func(*Tx) error) error {
	writer := 0
	if !shard.IsZero() {
		writer = d.writerOf(shard)
	}
	return d.write(ctx, writer, &command{fn: fn, look: look, key: key})
}

// writerOf shares the keys among the writers.
func (d *DB) writerOf(key id.ID) int {
	var sum uint32 = 2166136261 // FNV-1a
	for _, b := range key {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return int(sum % uint32(len(d.writers)))
}

// Hold lets every Write answer with a fault instead of being done, until it is
// called with nil: while the disk has too little room, or the data belong to a
// newer program. Reading goes on.
func (d *DB) Hold(why *fault.Fault) { d.held.Store(why) }

// Held is why nothing is written for now; nil: everything is.
func (d *DB) Held() *fault.Fault { return d.held.Load() }

func (d *DB) write(ctx context.Context, writer int, c *command) (err error) {
	if why := d.Held(); why != nil {
		return why
	}
	ctx, span := d.span(ctx, "db.write")
	defer func() { ended(span, err) }()
	c.done, c.span = make(chan error, 1), span.SpanContext()
	d.mu.RLock()
	if d.closed {
		d.mu.RUnlock()
		return ErrClosed
	}
	select {
	case d.writers[writer].queue <- c:
		d.mu.RUnlock()
	case <-ctx.Done():
		d.mu.RUnlock()
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if c.turn.CompareAndSwap(waiting, cancelled) {
			return ctx.Err()
		}
		return <-c.done // its turn has come: the outcome is what counts
	}
}

// Read runs fn on one read-only snapshot of the database. The caller's context is
// looked at before each statement. A Read inside a Read takes a second
// connection of a few: don't.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.RLock()
	closed := d.closed
	d.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	c, err := d.readers.take(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{db: d, conn: c, ctx: ctx, now: d.Now(), group: &group{}}
	tx.live.Store(true)
	err = c.begin(false)
	if err == nil {
		err = tx.call(fn)
	}
	tx.live.Store(false)
	if err != nil && c.lost(err) {
		err = hopeless(err) // the database went away: come again, not our mistake
	}
	if e := c.rollback(); e != nil {
		c.close()
		d.readers.give(nil)
		if err == nil {
			err = ErrUnavailable.Because(e)
		}
		return err
	}
	d.readers.give(c)
	return err
}
