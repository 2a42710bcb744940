package town

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
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
	Type    string `json:"type"` // change, gone, end, cut, reset; "" is a mark: so far was looked
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
	f, refused := p.TriesToListen(headers...)
	if f == nil {
		p.w.Fatalf("%s listens: %s %s", p.Name, refused, refused.Body)
	}
	return f
}

// TriesToListen is Listens for who may be refused.
func (p *Person) TriesToListen(headers ...string) (*Feed, Answer) {
	p.w.Helper()
	ctx, cancel := context.WithCancel(p.w.ctx)
	res, err := client.Do(p.request("GET", "/api/feed", nil, headers).WithContext(ctx)) //nolint:bodyclose // read closes it
	p.w.must(err)
	if res.StatusCode != http.StatusOK {
		a := p.answer(res)
		cancel()
		return nil, a
	}
	f := &Feed{p: p, events: make(chan Event, 1000), stop: cancel}
	go f.read(res.Body)
	p.w.Cleanup(cancel)
	f.Looked(0) // it is told where it stands before anything else
	return f, Answer{Status: res.StatusCode}
}

// read takes the stream apart.
func (f *Feed) read(body io.ReadCloser) {
	defer close(f.events)
	defer body.Close()
	var number int64
	var e *Event
	for lines := bufio.NewScanner(body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			number, _ = strconv.ParseInt(value, 10, 64)
			if e == nil {
				e = &Event{}
			}
		case "data":
			e = &Event{Raw: value}
			_ = json.Unmarshal([]byte(value), e) // what is no JSON stays raw
		case "":
			if e != nil {
				e.Number = number
				f.events <- *e
			}
			e = nil
		}
	}
}

// Looked waits until the stream has looked at everything up to a journal entry,
// whether it concerned the person or not.
func (f *Feed) Looked(number int64) {
	f.p.w.Helper()
	late := time.After(feedWait)
	for {
		select {
		case e, open := <-f.events:
			if !open {
				f.p.w.Fatalf("%s heard the stream end before %d; heard %+v", f.p.Name, number, f.Seen)
			}
			if e.Type != "" {
				f.Seen = append(f.Seen, e)
			}
			if e.Number >= number {
				return
			}
		case <-late:
			f.p.w.Fatalf("the stream of %s did not come to %d; heard %+v", f.p.Name, number, f.Seen)
		}
	}
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
			if e.Type != "" {
				f.Seen = append(f.Seen, e)
			}
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
			if e.Type != "" {
				f.Seen, last = append(f.Seen, e), e.Type
			}
		case <-late:
			f.p.w.Fatalf("the stream of %s goes on; heard %+v", f.p.Name, f.Seen)
		}
	}
}
