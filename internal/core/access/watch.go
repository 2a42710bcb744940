package access

import (
	"context"
	"sync"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// watchers are the live connections of this process that must hear at once when
// a session ends or rights change.
type watchers struct {
	mu   sync.Mutex
	next int
	all  map[int]watcher
}

type watcher struct {
	session, person id.ID
	ended           chan struct{}
}

// Watch tells a live connection that its session ended or that the rights of
// its person changed before the foreseen time (Until): the channel is closed.
// Whoever is still signed in connects again and has the new rights. Call stop
// when the connection ends. Another machine's changes are not heard here; see
// Valid.
func (a *Access) Watch(by *Actor) (ended <-chan struct{}, stop func()) {
	w := &a.watch
	c := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[int]watcher{}
	}
	n := w.next
	w.next++
	w.all[n] = watcher{by.Session, by.Person, c}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, n)
	}
}

func (w *watchers) end(tx *db.Tx, which func(watcher) bool) {
	tx.After(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for n, x := range w.all {
			if which(x) {
				close(x.ended)
				delete(w.all, n)
			}
		}
	})
}

func (w *watchers) endSession(tx *db.Tx, session id.ID) {
	w.end(tx, func(x watcher) bool { return x.session == session })
}

func (w *watchers) endPerson(tx *db.Tx, person id.ID) {
	w.end(tx, func(x watcher) bool { return x.person == person })
}

func (w *watchers) endAll(tx *db.Tx) { w.end(tx, func(watcher) bool { return true }) }

// refusalsNoted is how many refusals of one person go into the journal in a
// minute; further ones are only counted, and the count stands in the next.
const refusalsNoted = 20

// notes remember how many refusals were written for whom in this minute.
type notes struct {
	mu     sync.Mutex
	minute time.Time
	counts map[id.ID]int
}

// Refused writes a refused command of a staff member into the journal: who
// tried what, never what it was about. Refusals of people without an account
// are only counted (DESIGN.md section 5, the journal). The edge calls it after
// the refused command's transaction is over.
func (a *Access) Refused(ctx context.Context, d *db.DB, by *Actor, op, code string) {
	a.Stats.Refusals.Add(1)
	if by == nil || by.Anonymous || by.Person.IsZero() {
		return
	}
	now := d.Now().Truncate(time.Minute)
	a.noted.mu.Lock()
	if !a.noted.minute.Equal(now) || a.noted.counts == nil {
		a.noted.minute, a.noted.counts = now, map[id.ID]int{}
	}
	a.noted.counts[by.Person]++
	n := a.noted.counts[by.Person]
	a.noted.mu.Unlock()
	if n > refusalsNoted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// A refusal that cannot be written is still a refusal; the database's own
	// trouble shows elsewhere.
	_ = d.Write(ctx, func(tx *db.Tx) error {
		journal.Add(tx, journal.Entry{Kind: "access.refused", Subject: by.Person, By: by.By(), Sight: unseen, Class: classAccess,
			Body: map[string]string{"operation": op, "code": code}})
		return nil
	})
}
