package db

import (
	"context"
	"sync"
	"time"
)

// looks let all who ask for the versions at the same time share one look at the
// database. A look answers only those who asked before it began, so nobody is
// told something older than the question.
type looks struct {
	mu      sync.Mutex
	running bool
	next    *look // has not begun: whoever asks now is answered by it
	last    *look // the newest that has begun
}

type look struct {
	began    time.Time // of this machine's running time, whatever clock the program has
	done     chan struct{}
	versions *RoomVersions
	err      error
}

// RoomVersions says which versions the rooms' tables have, at an instant after the
// call: one statement without a transaction, on SQLite as on PostgreSQL, so what
// another process has committed is seen. Whoever holds values of these versions
// (Cached.At) knows that they still hold.
func (d *DB) RoomVersions(ctx context.Context) (*RoomVersions, error) {
	l := &d.looks
	l.mu.Lock()
	if l.next == nil {
		l.next = &look{done: make(chan struct{})}
	}
	mine, first := l.next, !l.running
	if first {
		l.running, l.next = true, nil
		l.begin(mine)
	}
	l.mu.Unlock()
	if first {
		d.look(mine)
		if next := l.following(); next != nil {
			go func() {
				for ; next != nil; next = l.following() {
					d.look(next)
				}
			}()
		}
	}
	return mine.wait(ctx)
}

// RoomVersionsSince is the same at an instant after some past one (of time.Now):
// thousands who were woken by one event and ask one after the other share a look
// that began after it.
func (d *DB) RoomVersionsSince(ctx context.Context, past time.Time) (*RoomVersions, error) {
	l := &d.looks
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last != nil && last.began.After(past) {
		if v, err := last.wait(ctx); err == nil {
			return v, nil
		}
	}
	return d.RoomVersions(ctx)
}

func (l *look) wait(ctx context.Context) (*RoomVersions, error) {
	select {
	case <-l.done:
		return l.versions, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin notes that a look begins; mu is held.
func (l *looks) begin(next *look) { next.began, l.last = time.Now(), next }

// following is the look that others wait for; nil when nobody does.
func (l *looks) following() *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.next
	l.next, l.running = nil, next != nil
	if next != nil {
		l.begin(next)
	}
	return next
}

func (d *DB) look(l *look) {
	defer close(l.done)
	c, err := d.readers.take(d.life)
	if err != nil {
		l.err = ErrClosed
		if d.life.Err() == nil {
			l.err = ErrUnavailable.Because(err)
		}
		return
	}
	text, err := onlyText(c, readVersions[d.engine])
	if err != nil {
		c.close()
		d.readers.give(nil)
		l.err = ErrUnavailable.Because(err)
		return
	}
	d.readers.give(c)
	l.versions, l.err = d.versionsOf(text)
}

// onlyText is the one text that a query gives, outside any transaction; "" for
// none.
func onlyText(c conn, q string) (string, error) {
	cur, err := c.query(q, nil)
	if err != nil {
		return "", err
	}
	row := make([]any, 1)
	_, err = cur.next(row)
	if e := cur.close(); err == nil {
		err = e
	}
	text, _ := row[0].(string)
	return text, err
}
