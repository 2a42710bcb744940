package httpx

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// What a request may take of the memory is set aside before it is let in, so
// that many large ones at once are answered 503 with Retry-After instead of
// bringing the program down. The rest of the ceiling is for what is kept between
// requests, for pictures and passwords, which have bounds of their own, and for
// the collector to work in.
const (
	requestCost = 64 << 10 // bytes of a request without its content
	contentCost = 4        // bytes for each byte of content: the text, what is decoded of it, what is written of that
	streamCost  = 2        // of a form with files, which are read one at a time
	shareOfAll  = 4        // requests get a fourth of the ceiling

	// fullAt is the part of the ceiling from which what is alive leaves no room
	// to work in. lookEvery is how often that is looked at.
	fullAt    = 0.85
	lookEvery = 100 * time.Millisecond
)

// memory is the ceiling.
type memory struct {
	ceiling int64 // bytes; 0: none
	size    int64 // bytes for requests
	room    *semaphore.Weighted
	taken   atomic.Int64
	alive   func() int64 // bytes that outlived the last collection
	now     func() time.Time

	looked atomic.Int64 // when, in milliseconds
	full   atomic.Bool
}

func newMemory(ceiling int64, alive func() int64, now func() time.Time) *memory {
	if alive == nil {
		alive = liveHeap
	}
	m := &memory{ceiling: ceiling, alive: alive, now: now}
	if ceiling > 0 {
		m.size = max(ceiling/shareOfAll, 1<<20)
		m.room = semaphore.NewWeighted(m.size)
	}
	return m
}

// cost is what a request with so much content may take of an operation; content
// is -1 when its length was not announced. However large, one request alone
// always fits.
func (m *memory) cost(content int64, op Op) int64 {
	if content < 0 || content > op.MaxBody {
		content = op.MaxBody
	}
	each := int64(contentCost)
	if op.Kind == "upload" || op.Kind == "page" {
		each = streamCost
	}
	return min(requestCost+each*content, m.size)
}

// take sets memory aside; it says for how many seconds whoever is refused should
// wait, and 0 when there was room.
func (m *memory) take(cost int64) (wait int) {
	switch {
	case m.ceiling == 0:
		return 0
	case m.pressed():
		return 5
	case !m.room.TryAcquire(cost):
		return 2
	}
	m.taken.Add(cost)
	return 0
}

func (m *memory) leave(cost int64) {
	if m.ceiling > 0 {
		m.taken.Add(-cost)
		m.room.Release(cost)
	}
}

// pressed says whether what is alive has come too near to the ceiling. While it
// has, nothing is let in that would make the collector run, so it is sent.
func (m *memory) pressed() bool {
	now := m.now().UnixMilli()
	was := m.looked.Load()
	if now-was < lookEvery.Milliseconds() && now >= was || !m.looked.CompareAndSwap(was, now) {
		return m.full.Load()
	}
	full := float64(m.alive()) > fullAt*float64(m.ceiling)
	if full && m.full.Load() {
		runtime.GC()
		full = float64(m.alive()) > fullAt*float64(m.ceiling)
	}
	m.full.Store(full)
	return full
}

// liveHeap is what the last collection found alive.
func liveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
