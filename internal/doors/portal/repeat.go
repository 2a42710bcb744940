package portal

import (
	"container/list"
	"sync"
)

// repeats remembers what was carried out, so that a button pressed twice does
// its act once and shows its outcome both times: a browser shows the answer to
// the last press only. It keeps the last ones of this process; what it forgot is
// caught by the rules of the case, only in less friendly words.
type repeats[T any] struct {
	mu    sync.Mutex
	max   int
	known map[string]*list.Element
	order *list.List // of *turn[T], the newest first
}

type turn[T any] struct {
	key     string
	over    chan struct{}
	done    bool
	outcome T
}

func newRepeats[T any](max int) *repeats[T] {
	return &repeats[T]{max: max, known: map[string]*list.Element{}, order: list.New()}
}

// once runs act unless it was done under this key before; then it gives the
// outcome of that time. Whoever comes while it runs waits for it; an act that
// failed may be tried again.
func (s *repeats[T]) once(key string, act func() (T, error)) (outcome T, err error) {
	for {
		s.mu.Lock()
		e, ok := s.known[key]
		if !ok {
			break
		}
		t := e.Value.(*turn[T])
		s.mu.Unlock()
		<-t.over
		if t.done {
			return t.outcome, nil
		}
	}
	t := &turn[T]{key: key, over: make(chan struct{})}
	s.known[key] = s.order.PushFront(t)
	for s.order.Len() > s.max {
		s.drop(s.order.Back())
	}
	s.mu.Unlock()
	defer func() { // also when act panics: nobody may wait for ever
		s.mu.Lock()
		defer s.mu.Unlock()
		if e, ok := s.known[key]; ok && e.Value.(*turn[T]) == t && !t.done {
			s.drop(e)
		}
		close(t.over)
	}()
	outcome, err = act()
	t.outcome, t.done = outcome, err == nil
	return outcome, err
}

func (s *repeats[T]) drop(e *list.Element) {
	delete(s.known, e.Value.(*turn[T]).key)
	s.order.Remove(e)
}
