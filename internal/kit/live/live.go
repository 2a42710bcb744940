// Package live tells open screens what has changed, from a source that numbers
// events in commit order without gaps (app connects the journal).
//
// It owns no tables. One loop reads new events and keeps the last of them in a
// ring in memory, each encoded once; every subscriber walks the ring at its own
// pace with nothing but a number, so a slow one costs no memory and holds up
// nobody. Who falls out of the ring is cut off with a last event "cut" and comes
// back with Last-Event-ID, from where it is caught up out of the source.
//
// What callers rely on:
//   - a subscriber gets every event that its filter lets it see, once, in order,
//     over as many connections as it needs;
//   - a filter is asked about the state before and after a change; what leaves
//     somebody's view is a "gone" that says nothing but which thing it was;
//   - a stream ends at its time, and when Alive says so after Kick.
package live

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// ErrNotReady says that the hub has not read its source yet.
var ErrNotReady = fault.New(fault.Busy, "live.not_ready")

// Event is one change. It carries ids, kinds and places, never personal data.
type Event struct {
	Number  int64  `json:"number"`
	Kind    string `json:"kind"`
	Subject id.ID  `json:"subject,omitzero"`
	Case    id.ID  `json:"case,omitzero"`
	Version int64  `json:"version,omitzero"`
	Nodes   any    `json:"nodes,omitempty"`

	// After and Before are what filters judge by: who may see the thing after
	// and before the change. Before is nil when the change did not touch that.
	After  any `json:"-"`
	Before any `json:"-"`
}

// View is what one subscriber is told of an event.
type View int8

const (
	Nothing View = iota // it does not concern them
	See                 // it is in their view
	Gone                // it was in their view and no longer is
)

// Filter decides for one subscriber. It is called from the subscriber's own
// goroutine and must not block.
type Filter func(*Event) View

// Source is where events come from: in order of their numbers, without gaps.
type Source interface {
	// Since gives up to limit events after a number.
	Since(ctx context.Context, after int64, limit int) ([]Event, error)
	// Head is the number of the newest event.
	Head(ctx context.Context) (int64, error)
}

// Writer is one subscriber's connection; httpx.EventWriter is one.
type Writer interface {
	Event(id, name string, data []byte) error
}

// Options are what app decides about a hub.
type Options struct {
	Now     func() time.Time
	Log     *slog.Logger
	Ring    int           // events kept in memory; default 8192
	Poll    time.Duration // how often the hub looks without being woken; default 500 ms
	Beat    time.Duration // heartbeat of a connection; default 15 s
	CatchUp int64         // events that are caught up one by one; beyond, the client must load anew; default 20,000
}

// Hub is the one loop and its ring.
type Hub struct {
	source Source
	o      Options
	wake   chan struct{}

	mu    sync.RWMutex
	ring  []*item // by number modulo its length
	first int64   // the oldest number in the ring
	head  int64   // the newest; first-1 when it is empty
	ready bool
	news  chan struct{} // closed and replaced whenever something is new
	kicks int64

	listeners atomic.Int64
	cuts      atomic.Int64
	delivered atomic.Int64
}

// item is an event with its two forms, each encoded when it is first needed.
type item struct {
	event  Event
	read   time.Time // when the hub had it, of this machine's running time
	change func() []byte
	gone   func() []byte
}

func newItem(e Event) *item {
	return &item{
		event: e, read: time.Now(),
		change: sync.OnceValue(func() []byte {
			return encode(struct {
				Event
				Type string `json:"type"`
			}{e, "change"})
		}),
		gone: sync.OnceValue(func() []byte {
			return encode(struct {
				Number  int64  `json:"number"`
				Subject id.ID  `json:"subject,omitzero"`
				Case    id.ID  `json:"case,omitzero"`
				Type    string `json:"type"`
			}{e.Number, e.Subject, e.Case, "gone"})
		}),
	}
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"type":"reset"}`) // a Nodes that is no JSON: a mistake; clients load anew
	}
	return raw
}

// New makes a hub; Run brings it to life.
func New(source Source, o Options) *Hub {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ring == 0 {
		o.Ring = 8192
	}
	if o.Poll == 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Beat == 0 {
		o.Beat = 15 * time.Second
	}
	if o.CatchUp == 0 {
		o.CatchUp = 20_000
	}
	return &Hub{source: source, o: o, wake: make(chan struct{}, 1), ring: make([]*item, o.Ring), news: make(chan struct{})}
}

// Wake says that the source has something new; it never blocks. On several
// nodes each is woken by its own commits and finds the others' by looking.
func (h *Hub) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Kick makes every subscriber ask Alive now: after a sign-out, a revocation, a
// changed grant.
func (h *Hub) Kick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kicks++
	h.announce()
}

// announce wakes all subscribers; mu is held.
func (h *Hub) announce() {
	close(h.news)
	h.news = make(chan struct{})
}

// Listeners is how many subscribers there are now.
func (h *Hub) Listeners() int64 { return h.listeners.Load() }

// Cuts is how many were cut off because they were too slow.
func (h *Hub) Cuts() int64 { return h.cuts.Load() }

// Delivered is how many events were written to subscribers.
func (h *Hub) Delivered() int64 { return h.delivered.Load() }

// Run reads the source until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	t := time.NewTicker(h.o.Poll)
	defer t.Stop()
	for ctx.Err() == nil {
		if err := h.read(ctx); err != nil && ctx.Err() == nil {
			h.o.Log.Error("read the feed", "cause", err)
		}
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-t.C:
		}
	}
	return nil
}

// Read reads what is new once; for tests with a stopped clock.
func (h *Hub) Read(ctx context.Context) error { return h.read(ctx) }

const batch = 500

func (h *Hub) read(ctx context.Context) error {
	if !h.ready { // only this loop writes it
		head, err := h.source.Head(ctx)
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.first, h.head, h.ready = head+1, head, true
		h.announce()
		h.mu.Unlock()
	}
	for {
		events, err := h.source.Since(ctx, h.head, batch)
		if err != nil || len(events) == 0 {
			return err
		}
		items := make([]*item, len(events))
		for i, e := range events {
			if e.Number != h.head+int64(i)+1 {
				return fmt.Errorf("the source has a gap: %d after %d", e.Number, h.head+int64(i))
			}
			items[i] = newItem(e)
		}
		h.mu.Lock()
		for _, it := range items {
			h.ring[it.event.Number%int64(len(h.ring))] = it
		}
		h.head += int64(len(items))
		h.first = max(h.first, h.head-int64(len(h.ring))+1)
		h.announce()
		h.mu.Unlock()
		if len(events) < batch {
			return nil
		}
	}
}

// Subscription says what one subscriber gets and until when.
type Subscription struct {
	After  int64     // the last event the subscriber has; negative: only what comes
	Filter Filter    // what it may see
	Until  time.Time // the end of its rights; zero: none is known

	// Alive says whether the rights still hold at an instant after since (of
	// time.Now). It is asked after Kick, at each heartbeat, and before anything is
	// told, for the moment at which the hub had it: so all who are told an
	// event may share one answer about their rights, and whom it does not
	// concern costs none. Nil: until Until.
	Alive func(since time.Time) bool
}

// stand is where the ring stands for one reader.
type stand struct {
	head  int64
	there bool            // what follows is still in the ring
	news  <-chan struct{} // what to wait for when nothing follows
	kicks int64           // how often Kick was called
}

// after looks at the ring from a number on: what follows (up to batch).
func (h *Hub) after(n int64, into []*item) ([]*item, stand) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	at := stand{h.head, n+1 >= h.first, h.news, h.kicks}
	if !at.there {
		return into, at
	}
	for ; n < h.head && len(into) < batch; n++ {
		into = append(into, h.ring[(n+1)%int64(len(h.ring))])
	}
	return into, at
}

var (
	cut   = []byte(`{"type":"cut"}`)
	reset = []byte(`{"type":"reset"}`)
	end   = []byte(`{"type":"end"}`)
)

// Serve writes to one subscriber until ctx ends, its rights end, or it is too
// slow. It begins by telling the subscriber where it stands: an event that has
// only an id. The last event is "end" when its rights ended (sign in anew),
// "cut" when it was too slow (come back at once), and "reset" when what it
// missed is too much to tell (load anew, then come back).
func (h *Hub) Serve(ctx context.Context, s Subscription, w Writer) error {
	h.listeners.Add(1)
	defer h.listeners.Add(-1)
	h.mu.RLock()
	ready, head := h.ready, h.head
	h.mu.RUnlock()
	if !ready {
		return ErrNotReady
	}
	r := &reader{h: h, s: s, w: w, at: s.After}
	if r.at < 0 {
		r.at = head
	}
	if r.at > head {
		// From a node that is a moment ahead of this one, or from before the
		// database was restored to an older state: the source knows.
		newest, err := h.source.Head(ctx)
		if err != nil {
			return err
		}
		if newest < r.at {
			r.at = newest
			return r.last("reset", reset)
		}
		h.Wake()
	}
	if err := r.mark(); err != nil {
		return err
	}
	return r.run(ctx)
}

// reader is one subscriber on its way through the events.
type reader struct {
	h   *Hub
	s   Subscription
	w   Writer
	at  int64 // the last event looked at
	buf []*item
}

func (r *reader) run(ctx context.Context) error {
	beat := time.NewTicker(r.h.o.Beat)
	defer beat.Stop()
	var over <-chan time.Time
	if !r.s.Until.IsZero() {
		t := time.NewTimer(max(r.s.Until.Sub(r.h.o.Now()), 0))
		defer t.Stop()
		over = t.C
	}
	if err := r.catchUp(ctx); err != nil {
		return ended(err)
	}
	kicks, ask := int64(0), true
	for ctx.Err() == nil {
		items, at := r.h.after(r.at, r.buf[:0])
		if ask || at.kicks != kicks {
			kicks, ask = at.kicks, false
			if !r.alive(time.Now()) {
				return r.last("end", end)
			}
		}
		if !at.there {
			r.h.cuts.Add(1)
			return r.last("cut", cut)
		}
		for _, it := range items {
			told, err := r.tell(it)
			if err != nil {
				return err
			}
			if !told {
				return r.last("end", end)
			}
		}
		clear(items)
		r.buf = items[:0]
		if len(items) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-at.news:
		case <-over:
			if !r.alive(time.Now()) {
				return r.last("end", end)
			}
			over = nil // the program's clock differs from the machine's: Alive decides at each beat
		case <-beat.C:
			ask = true
			if err := r.mark(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) alive(since time.Time) bool {
	if !r.s.Until.IsZero() && !r.h.o.Now().Before(r.s.Until) {
		return false
	}
	return r.s.Alive == nil || r.s.Alive(since)
}

// catchUp reads what the ring no longer has out of the source.
func (r *reader) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		_, at := r.h.after(r.at, nil)
		if at.there {
			return nil
		}
		if at.head-r.at > r.h.o.CatchUp {
			r.at = at.head // it loads anew, and comes back from here
			return errors.Join(errDone, r.last("reset", reset))
		}
		events, err := r.h.source.Since(ctx, r.at, batch)
		if err != nil {
			return fmt.Errorf("catch up a subscriber: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		for _, e := range events {
			told, err := r.tell(newItem(e))
			if err != nil {
				return err
			}
			if !told {
				return errors.Join(errDone, r.last("end", end))
			}
		}
	}
	return nil
}

// errDone ends a subscription that was told why.
var errDone = errors.New("told the subscriber")

func ended(err error) error {
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// tell writes one event if it concerns the subscriber; false when the
// subscriber's rights have ended before.
func (r *reader) tell(it *item) (bool, error) {
	view := r.s.Filter(&it.event)
	if view != Nothing && !r.alive(it.read) {
		return false, nil
	}
	r.at = it.event.Number
	var data []byte
	name := "change"
	switch view {
	case See:
		data = it.change()
	case Gone:
		name, data = "gone", it.gone()
	default:
		return true, nil
	}
	r.h.delivered.Add(1)
	return true, r.w.Event(strconv.FormatInt(r.at, 10), name, data)
}

// mark tells the subscriber where it stands without an event, so that it does
// not come back from far behind after hours in which nothing concerned it.
func (r *reader) mark() error {
	return r.w.Event(strconv.FormatInt(r.at, 10), "", nil)
}

// last writes the reason why the stream ends. The id stays that of the last
// event looked at, so that coming back continues there.
func (r *reader) last(name string, data []byte) error {
	return r.w.Event(strconv.FormatInt(r.at, 10), name, data)
}
