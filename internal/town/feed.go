package town

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"onegrid/internal/kit/id"
)

// Event is one event of the live feed.
type Event struct {
	Number  int64  `json:"number"`
	Kind    string `json:"kind"`
	Subject id.ID  `json:"subject"`
	Case    id.ID  `json:"case"`
	Type    string `json:"type"` // change, gone, end, cut, reset
	Raw     string `json:"-"`
}

// Feed is an open live stream of somebody.
type Feed struct {
	p      *Person
	events chan Event // closed when the stream ends
	stop   func()
	Seen   []Event
}

// feedWait is how long a story waits for what must come; it comes in
// milliseconds.
const feedWait = 10 * time.Second

// Listens opens the person's live stream; it hears what happens from now on.
func (p *Person) Listens(headers ...string) *Feed {
	p.w.Helper()
	ctx, cancel := context.WithCancel(p.w.ctx)
	r := p.request("GET", "/api/feed", nil, headers).WithContext(ctx)
	res, err := client.Do(r)
	p.w.must(err)
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		res.Body.Close()
		cancel()
		p.w.Fatalf("%s listens: %d %s", p.Name, res.StatusCode, raw)
	}
	f := &Feed{p: p, events: make(chan Event, 1000), stop: cancel}
	ready := make(chan struct{})
	go func() {
		defer close(f.events)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			text := lines.Text()
			if ready != nil && strings.HasPrefix(text, "id:") {
				close(ready) // it is told where it stands before anything else
				ready = nil
			}
			data, ok := strings.CutPrefix(text, "data: ")
			if !ok {
				continue
			}
			e := Event{Raw: data}
			if json.Unmarshal([]byte(data), &e) == nil {
				f.events <- e
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(feedWait):
		cancel()
		p.w.Fatalf("%s listens, and hears nothing", p.Name)
	}
	p.w.Cleanup(cancel)
	return f
}

// Hears waits for an event of a type about a case; what comes before it is kept
// in Seen.
func (f *Feed) Hears(c Case, what string) Event {
	f.p.w.Helper()
	late := time.After(feedWait)
	for {
		select {
		case e, open := <-f.events:
			if !open {
				f.p.w.Fatalf("%s heard the stream end before %q of %s; heard %+v", f.p.Name, what, c.Number, f.Seen)
			}
			f.Seen = append(f.Seen, e)
			if e.Type == what && (e.Subject == c.ID || e.Case == c.ID) {
				return e
			}
		case <-late:
			f.p.w.Fatalf("%s did not hear %q of %s; heard %+v", f.p.Name, what, c.Number, f.Seen)
		}
	}
}

// Heard says whether anything about the case was heard so far.
func (f *Feed) Heard(c Case) bool {
	for _, e := range f.Seen {
		if e.Subject == c.ID || e.Case == c.ID {
			return true
		}
	}
	return false
}

// Ends waits for the end of the stream and gives the type of the last event.
func (f *Feed) Ends() (last string) {
	f.p.w.Helper()
	late := time.After(feedWait)
	for {
		select {
		case e, open := <-f.events:
			if !open {
				return last
			}
			f.Seen = append(f.Seen, e)
			last = e.Type
		case <-late:
			f.p.w.Fatalf("the stream of %s goes on; heard %+v", f.p.Name, f.Seen)
		}
	}
}
