package httpx

import (
	"container/list"
	"math"
	"sync"
	"time"
)

// Rate is how often something may happen: Burst at once, then one each Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// Limiter counts acts by key in token buckets. It keeps a bounded number of
// keys and forgets the one used longest ago; a forgotten key starts anew, so
// the bound should be well above the keys in use.
//
// An address is shared by many people behind a mobile carrier, so a caller
// takes a generous limit for the address and a strict one for the browser; see
// AllowAll.
type Limiter struct {
	rate Rate
	max  int
	now  func() time.Time

	mu      sync.Mutex
	buckets map[string]*list.Element
	order   *list.List // of *bucket, the last used first
}

type bucket struct {
	key    string
	tokens float64
	at     time.Time
}

// NewLimiter keeps at most max keys.
func NewLimiter(rate Rate, max int, now func() time.Time) *Limiter {
	return &Limiter{rate: rate, max: max, now: now, buckets: map[string]*list.Element{}, order: list.New()}
}

// Allow takes one act from the key's bucket; it answers how long to wait when
// there is none, and 0 when there was.
func (l *Limiter) Allow(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.fill(key)
	if b.tokens < 1 {
		return l.wait(b)
	}
	b.tokens--
	return 0
}

// fill gives the key's bucket with what has flowed in since it was last used.
func (l *Limiter) fill(key string) *bucket {
	now := l.now()
	if e, ok := l.buckets[key]; ok {
		l.order.MoveToFront(e)
		b := e.Value.(*bucket)
		if past := now.Sub(b.at); past > 0 { // a clock set back takes nothing away
			b.tokens = math.Min(float64(l.rate.Burst), b.tokens+float64(past)/float64(l.rate.Every))
		}
		b.at = now
		return b
	}
	if l.order.Len() >= l.max {
		last := l.order.Back()
		delete(l.buckets, last.Value.(*bucket).key)
		l.order.Remove(last)
	}
	b := &bucket{key: key, tokens: float64(l.rate.Burst), at: now}
	l.buckets[key] = l.order.PushFront(b)
	return b
}

func (l *Limiter) wait(b *bucket) time.Duration {
	return max(time.Duration((1-b.tokens)*float64(l.rate.Every)), time.Millisecond)
}

// Keys is how many keys are remembered.
func (l *Limiter) Keys() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}

// Ask is one key at one limiter.
type Ask struct {
	Limiter *Limiter
	Key     string
}

// AllowAll takes one act from each or from none, so that being refused by the
// strict limit does not use up the one that others share. Code:
// request.too_many, with the seconds to wait.
func AllowAll(asks ...Ask) error {
	var wait time.Duration
	for i, a := range asks {
		if wait = a.Limiter.Allow(a.Key); wait == 0 {
			continue
		}
		for _, taken := range asks[:i] {
			taken.Limiter.back(taken.Key)
		}
		return ErrTooMany.With("retry_after", int64(math.Ceil(wait.Seconds())))
	}
	return nil
}

// back returns an act that was taken.
func (l *Limiter) back(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.fill(key)
	b.tokens = math.Min(float64(l.rate.Burst), b.tokens+1)
}
