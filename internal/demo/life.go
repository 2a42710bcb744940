package demo

import (
	"container/heap"
	"context"
	"log/slog"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// A happening is the next thing that is to happen to one request: it comes in,
// or somebody makes the next move on its case.
type happening struct {
	at      time.Time
	request Request
	arrived bool
	caseID  id.ID
	tries   int
}

type agenda []*happening

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(*happening)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

// Life carries requests through the district: first those that lie in the past,
// under a clock that stands at each one's moment, then the others as they come,
// faster than in reality.
type Life struct {
	app    *app.App
	staff  *Staff
	clock  *Clock
	log    *slog.Logger
	agenda agenda
	speed  float64
	failed int
}

// NewLife puts requests on the agenda; their times are taken as they are.
func NewLife(a *app.App, clock *Clock, requests []Request, speed float64, log *slog.Logger) *Life {
	l := &Life{app: a, staff: NewStaff(a), clock: clock, speed: speed, log: log}
	l.staff.Story = true
	for _, q := range requests {
		l.agenda = append(l.agenda, &happening{at: q.Opened, request: q})
	}
	heap.Init(&l.agenda)
	return l
}

const (
	sweepEvery = time.Hour       // how often deadlines are looked at while the past is told
	closeBy    = 6 * time.Minute // what happens within this time is told in one transaction
	atOnce     = 120             // and at most so much of it
)

// Past tells what happened up to an instant.
func (l *Life) Past(ctx context.Context, until time.Time) error {
	if err := l.staff.photos.prepare(ctx, l.app); err != nil {
		return err
	}
	var swept time.Time
	for l.agenda.Len() > 0 && l.agenda[0].at.Before(until) {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := l.agenda[0].at
		var some []*happening
		for l.agenda.Len() > 0 && len(some) < atOnce && l.agenda[0].at.Before(now.Add(closeBy)) && l.agenda[0].at.Before(until) {
			some = append(some, heap.Pop(&l.agenda).(*happening))
		}
		l.clock.Set(now)
		if now.Sub(swept) >= sweepEvery {
			if _, err := l.app.Cases.Sweep(ctx, l.app.DB); err != nil {
				return err
			}
			swept = now
		}
		l.together(ctx, some)
	}
	l.clock.Set(until)
	_, err := l.app.Cases.Sweep(ctx, l.app.DB)
	return err
}

// together lets several things happen in one transaction, and one by one when
// one of them is refused.
func (l *Life) together(ctx context.Context, some []*happening) {
	next := make([]*happening, len(some))
	err := l.app.DB.Write(ctx, func(tx *db.Tx) error {
		for i, h := range some {
			var err error
			if next[i], err = l.happens(tx, h); err != nil {
				return err
			}
		}
		return nil
	})
	for i, h := range some {
		if err != nil {
			next[i] = l.alone(ctx, h)
		}
		if next[i] != nil {
			heap.Push(&l.agenda, next[i])
		}
	}
}

// alone lets one thing happen. What is refused, because a visitor was faster or
// a rule forbids it, is left to the visitors.
func (l *Life) alone(ctx context.Context, h *happening) (next *happening) {
	err := l.app.DB.Write(ctx, func(tx *db.Tx) (err error) {
		next, err = l.happens(tx, h)
		return err
	})
	if err == nil {
		return next
	}
	l.failed++
	level := slog.LevelDebug
	if fault.Of(err).Kind == fault.Internal {
		level = slog.LevelError
	}
	l.log.Log(ctx, level, "the demo's people could not go on", "request", h.request.Number, "code", fault.Of(err).Code, "cause", err)
	return nil
}

// happens does what is next and says what comes after it; nil when nothing does.
func (l *Life) happens(tx *db.Tx, h *happening) (*happening, error) {
	next := *h
	if !h.arrived {
		c, err := l.staff.Reports(tx, h.request)
		if err != nil {
			return nil, err
		}
		next.arrived, next.caseID = true, c.ID
		next.at = l.afterwards(tx.Now(), pause(h.request, 0))
		return &next, nil
	}
	ready := h.request.Closed
	c, moved, err := l.staff.Moves(tx, h.caseID, ready)
	if err != nil {
		return nil, err
	}
	next.tries++
	switch {
	case !open(c):
		return nil, nil
	case moved:
		next.at = l.afterwards(tx.Now(), pause(h.request, next.tries))
	case ready.IsZero(), next.tries > 60:
		return nil, nil // still open when the sample was taken; or nobody is there who could
	case tx.Now().Before(ready):
		next.at = ready
	default:
		next.at = tx.Now().Add(30 * time.Minute)
	}
	return &next, nil
}

// pause is how long people take for the next move: some minutes, and for every
// tenth request much longer, so that the desk has something to press for.
func pause(q Request, move int) time.Duration {
	d := 2*time.Minute + time.Duration((q.Number*7919+int64(move)*104729)%11)*time.Minute
	if q.Number%10 == 3 && move < 2 {
		d += 3 * time.Hour
	}
	if move >= 3 {
		d *= 3
	}
	return d
}

// afterwards is when the next move comes: people work between eight and six.
func (l *Life) afterwards(now time.Time, d time.Duration) time.Time {
	t := now.Add(d).In(l.app.Zone)
	morning := time.Date(t.Year(), t.Month(), t.Day(), 8, 35, 0, 0, l.app.Zone)
	switch h := t.Hour(); {
	case h < 8:
		return morning.Add(d)
	case h >= 18:
		return morning.AddDate(0, 0, 1).Add(d)
	}
	return t
}

// Present goes on from an instant of the agenda that is now, until ctx ends or
// nothing is left: all spans of the agenda are shortened by the life's speed.
func (l *Life) Present(ctx context.Context, from time.Time) {
	began := time.Now()
	if err := l.staff.photos.prepare(ctx, l.app); err != nil {
		l.log.Error("the demo's photos", "cause", err)
		return
	}
	for l.agenda.Len() > 0 {
		wait := time.Duration(float64(l.agenda[0].at.Sub(from))/l.speed) - time.Since(began)
		timer := time.NewTimer(max(wait, 20*time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		h := heap.Pop(&l.agenda).(*happening)
		// The real clock is not the agenda's: on it the request's own times
		// lie as far ahead as they do on the agenda, shortened alike.
		now, real := h.at, time.Now()
		here := *h
		if !h.request.Closed.IsZero() {
			here.request.Closed = real.Add(time.Duration(float64(h.request.Closed.Sub(now)) / l.speed))
		}
		if !h.request.Due.IsZero() {
			here.request.Due = real.Add(h.request.Due.Sub(now))
		}
		next := l.alone(ctx, &here)
		if next == nil {
			continue
		}
		if next.arrived && next.at.Equal(here.request.Closed) {
			next.at = h.request.Closed
		} else {
			next.at = now.Add(next.at.Sub(real))
		}
		next.request = h.request
		heap.Push(&l.agenda, next)
	}
}
