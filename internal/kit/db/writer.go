package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

const groupLimit = 256 // commands committed together at most

// Whose turn a command is.
const (
	waiting int32 = iota
	running
	cancelled
)

// command is one caller's function on its way through a writer.
type command struct {
	fn   func(*Tx) error
	look *Lookup // asked about key before any command of the group runs; may be nil
	key  id.ID
	turn atomic.Int32
	done chan error
	span trace.SpanContext // of its caller

	// the outcome of the current try
	err   error
	after []func()
}

// group is what the commands of one database transaction share.
type group struct {
	lost  bool             // the transaction is gone
	rooms *RoomVersions    // of the rooms' tables, nil when not read
	bumps int64            // DB.bumps when rooms was read
	dirty map[string]id.ID // versions that this group set and has not committed
	local map[any]any      // values computed from uncommitted versions
}

// writer runs commands on one connection, in groups.
type writer struct {
	db     *DB
	number int
	conn   conn
	queue  chan *command
	taken  []*command
	pended []any
	later  []late
}

// run takes what waits, commits it together, and answers.
func (w *writer) run() {
	defer w.db.done.Done()
	limit := groupLimit
	if w.db.engine == Postgres {
		limit = 60 // PostgreSQL keeps 64 subtransactions of a backend in its fast list
	}
	for first := range w.queue {
		w.taken = append(w.taken[:0], first)
	fill:
		for len(w.taken) < limit {
			select {
			case c, ok := <-w.queue:
				if !ok {
					break fill
				}
				w.taken = append(w.taken, c)
			default:
				break fill
			}
		}
		turn := w.taken[:0]
		for _, c := range w.taken {
			if c.turn.CompareAndSwap(waiting, running) {
				turn = append(turn, c)
			}
		}
		if len(turn) > 0 {
			w.together(turn)
		}
		clear(w.taken)
	}
	if w.conn != nil {
		w.conn.close()
	}
}

// together commits the commands as one group; when that is lost, each is tried
// alone once, and then nobody else's accident can touch it.
func (w *writer) together(cs []*command) {
	w.db.stats.Commands.Add(int64(len(cs)))
	lost, unknown := w.try(cs)
	if lost == nil {
		w.answer(cs)
		return
	}
	w.db.stats.Lost.Add(1)
	w.db.options.Log.Warn("a group of commands was lost; each is tried alone", "writer", w.number, "commands", len(cs), "cause", lost)
	for i := range cs {
		one := cs[i : i+1]
		if unknown {
			// Whether it was committed could not be found out: only the caller
			// can ask again, with the same id and its receipt.
			cs[i].err, cs[i].after = ErrUnknown.Because(lost), nil
			w.answer(one)
			continue
		}
		w.db.stats.Alone.Add(1)
		again, unknown := w.try(one)
		switch {
		case again == nil:
		case unknown:
			cs[i].err, cs[i].after = ErrUnknown.Because(again), nil
		default:
			cs[i].err, cs[i].after = hopeless(again), nil
		}
		w.answer(one)
	}
}

// hopeless is what a caller hears whose command was lost even alone: to try
// again later, unless it was the program's own mistake.
func hopeless(err error) error {
	var own mistake
	if f := fault.Of(err); f.Kind != fault.Internal || errors.As(err, &own) {
		return err
	}
	return ErrUnavailable.Because(err)
}

// mistake is a failed statement of the ledger, or one that failed in the
// commit, where neither the connection nor the disk is to blame.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// blame says whose fault a lost group was.
func (w *writer) blame(err error) error {
	if w.conn.lost(err) {
		return err
	}
	return mistake{err}
}

// try runs one group. A nil result means that it is committed and each
// command's err says how it went.
func (w *writer) try(cs []*command) (lost error, unknown bool) {
	ctx, span := w.spanOf(cs)
	defer func() { ended(span, lost) }()
	if w.conn == nil {
		c, err := w.db.open(true)
		if err != nil {
			return err, false
		}
		w.conn = c
	}
	if err := w.conn.begin(true); err != nil {
		w.drop()
		return err, false
	}
	g := &group{}
	if err := w.lookUp(g, cs); err != nil {
		w.undo()
		return err, false
	}
	w.pended, w.later = w.pended[:0], w.later[:0]
	kept := 0
	for _, c := range cs {
		tx, err := w.one(g, c, len(cs) > 1)
		if g.lost {
			w.undo()
			return err, false
		}
		if c.err == nil {
			kept++
			w.pended = append(w.pended, tx.pended...)
			w.later = append(w.later, tx.later...)
		}
	}
	if kept == 0 {
		w.undo()
		return nil, false
	}
	if len(w.pended)+len(w.later) > 0 {
		tx := w.begin(g)
		err := tx.call(func(tx *Tx) error {
			if err := insertLater(tx, w.later); err != nil || len(w.pended) == 0 {
				return err
			}
			return w.db.options.Ledger.Seal(tx, w.pended)
		})
		tx.live.Store(false)
		if err != nil {
			err = w.blame(err)
			w.undo()
			return fmt.Errorf("write the ledger: %w", err), false
		}
	}
	_, commit := w.db.span(ctx, "db.commit")
	unknown, err := w.conn.commit()
	ended(commit, err)
	if err != nil {
		err = w.blame(err)
		w.drop()
		return fmt.Errorf("commit: %w", err), unknown
	}
	if len(w.pended) > 0 && w.db.options.Sealed != nil {
		w.wake(w.db.options.Sealed)
	}
	w.forget()
	w.db.stats.Groups.Add(1)
	if len(g.dirty) > 0 {
		w.db.bumps.Add(1)
	}
	return nil, false
}

// lookUp asks what the commands of a group want to know before they run, all
// questions of a kind at once.
func (w *writer) lookUp(g *group, cs []*command) error {
	var asked []*Lookup
	for _, c := range cs {
		if c.look == nil || slices.Contains(asked, c.look) {
			continue
		}
		asked = append(asked, c.look)
		var keys []id.ID
		for _, d := range cs {
			if d.look == c.look {
				keys = append(keys, d.key)
			}
		}
		tx := w.begin(g)
		err := tx.call(func(tx *Tx) error { return c.look.Ask(tx, keys) })
		tx.live.Store(false)
		if err != nil {
			return fmt.Errorf("look before a group of commands: %w", w.blame(err))
		}
	}
	return nil
}

func (w *writer) begin(g *group) *Tx {
	tx := &Tx{db: w.db, conn: w.conn, now: w.db.Now(), write: true, group: g}
	tx.live.Store(true)
	return tx
}

// one runs one command of a group in its savepoint.
func (w *writer) one(g *group, c *command, shared bool) (*Tx, error) {
	c.err, c.after = nil, nil
	tx := w.begin(g)
	defer tx.live.Store(false)
	if shared {
		if err := w.conn.savepoint(0); err != nil {
			g.lost = true
			return tx, err
		}
	}
	c.err = tx.call(func(tx *Tx) error {
		if err := c.fn(tx); err != nil {
			return err
		}
		return tx.Sync()
	})
	if g.lost {
		return tx, c.err
	}
	if c.err != nil {
		tx.unbump(0)
		if shared {
			if err := w.conn.rollbackTo(0); err != nil {
				g.lost = true
				return tx, err
			}
		}
		return tx, nil
	}
	c.after = tx.after
	if shared {
		if err := w.conn.release(0); err != nil {
			g.lost = true
			return tx, err
		}
	}
	return tx, nil
}

// forget lets go of what the group's commands left to be written.
func (w *writer) forget() {
	clear(w.pended)
	clear(w.later)
}

// undo rolls the transaction back, or throws the connection away.
func (w *writer) undo() {
	w.forget()
	if err := w.conn.rollback(); err != nil {
		w.drop()
	}
}

func (w *writer) drop() {
	w.forget()
	w.conn.close()
	w.conn = nil
}

// answer wakes up who waits, after what the commands wanted to wake up.
func (w *writer) answer(cs []*command) {
	for _, c := range cs {
		if c.err != nil {
			continue
		}
		for _, f := range c.after {
			w.wake(f)
		}
	}
	for _, c := range cs {
		c.done <- c.err
	}
}

func (w *writer) wake(f func()) {
	defer func() {
		if p := recover(); p != nil {
			w.db.options.Log.LogAttrs(context.Background(), slogError, "panic after a commit", panicAttr(p))
		}
	}()
	f()
}
