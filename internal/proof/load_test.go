package proof_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	random "math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onegrid/internal/demo"
	"onegrid/internal/kit/id"
)

// write is one acknowledged command.
type write struct {
	key     id.ID
	what    string // as the journal tells it
	subject id.ID
	status  int
	path    string
	match   string
	body    []byte
	who     *person
}

// load is the clients and what they were told.
type load struct {
	p        *program
	requests []demo.Request
	people   []*person

	next                         atomic.Int64
	gone, resent, replayed, busy atomic.Int64
	repeated, refused            int

	mu    sync.Mutex
	acked []write
	moved *sync.Cond // acked grew, or somebody failed
	wrong error
	end   atomic.Bool
	done  sync.WaitGroup
}

func newLoad(p *program, requests []demo.Request) *load {
	l := &load{p: p, requests: requests}
	l.moved = sync.NewCond(&l.mu)
	for n := range clients {
		l.people = append(l.people, signIn(p, "hub", uint64(n)))
	}
	return l
}

func (l *load) start(ctx context.Context) {
	for _, who := range l.people {
		l.done.Go(func() {
			for !l.end.Load() {
				if err := l.oneCase(ctx, who); err != nil {
					l.mu.Lock()
					l.wrong = errors.Join(l.wrong, err)
					l.moved.Broadcast()
					l.mu.Unlock()
					return
				}
			}
		})
	}
}

// reaches waits until so many commands were acknowledged.
func (l *load) reaches(t *testing.T, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.acked) < n && l.wrong == nil {
		l.moved.Wait()
	}
	if l.wrong != nil {
		t.Fatal(l.wrong)
	}
}

// finish lets every client end what it has begun.
func (l *load) finish(t *testing.T) {
	t.Helper()
	l.end.Store(true)
	l.done.Wait()
	l.reaches(t, 0)
}

func (l *load) acknowledged() []write {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

func (l *load) reports() (n int) {
	for _, w := range l.acknowledged() {
		if w.what == "case.report" {
			n++
		}
	}
	return n
}

// oneCase reports a case, accepts it, and says something about it.
func (l *load) oneCase(ctx context.Context, who *person) error {
	q := l.requests[int(l.next.Add(1))%len(l.requests)]
	report := map[string]any{"item": "cleanliness", "condition": "pile", "text": q.Title, "channel": "phone",
		"place": map[string]any{"lon": q.Lon, "lat": q.Lat, "datum": "wgs84"}}
	var c struct {
		ID      id.ID
		Version int64
	}
	if err := l.send(ctx, who, write{what: "case.report", path: "/api/cases", body: jsonOf(report)}, &c); err != nil {
		return err
	}
	path := "/api/cases/" + c.ID.String()
	match := fmt.Sprintf("%q", strconv.FormatInt(c.Version, 10))
	if err := l.send(ctx, who, write{what: "case.accept", path: path + "/moves", body: jsonOf(map[string]any{"move": "accept"}), match: match, subject: c.ID}, &c); err != nil {
		return err
	}
	words := fmt.Sprintf("说明 %d", who.random.Int64())
	return l.send(ctx, who, write{what: "case.comment " + words, path: path + "/comments", body: jsonOf(map[string]any{"text": words, "internal": true}), subject: c.ID}, &c)
}

func jsonOf(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// send sends a command until its outcome is known: every fifth time the client
// goes away in the middle at first.
func (l *load) send(ctx context.Context, who *person, w write, out any) error {
	key, err := id.Make(time.Now(), rand.Reader)
	if err != nil {
		return err
	}
	w.key, w.who = key, who
	leaves := who.random.IntN(5) == 0
	for try := 0; ; try++ {
		if try > 0 {
			l.resent.Add(1)
		}
		if !l.p.works(ctx) {
			return ctx.Err()
		}
		answer, replayed, err := who.write(ctx, w, leaves && try == 0)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if leaves && try == 0 {
				l.gone.Add(1)
			}
			continue // the outcome is unknown
		case answer.status >= 500:
			l.busy.Add(1)
			continue
		case answer.status != 200 && answer.status != 201:
			return fmt.Errorf("%s answered %d: %s", w.what, answer.status, answer.body)
		}
		if replayed {
			l.replayed.Add(1)
		}
		if err := json.Unmarshal(answer.body, out); err != nil {
			return err
		}
		var about struct{ ID id.ID }
		if err := json.Unmarshal(answer.body, &about); err != nil {
			return err
		}
		if !w.subject.IsZero() && about.ID != w.subject {
			return fmt.Errorf("%s on %s answered about %s", w.what, w.subject, about.ID)
		}
		w.subject, w.status = about.ID, answer.status
		l.mu.Lock()
		l.acked = append(l.acked, w)
		l.moved.Broadcast()
		l.mu.Unlock()
		return nil
	}
}

// last says one more thing about a case and gives the number of its journal
// entry: when the feed has told that, it has told everything.
func (l *load) last(t *testing.T) int64 {
	t.Helper()
	done := l.acknowledged()
	on := done[len(done)-1].subject
	path := "/api/cases/" + on.String()
	if err := l.send(t.Context(), l.people[0], write{what: "case.comment 最后一条", path: path + "/comments", subject: on,
		body: jsonOf(map[string]any{"text": "最后一条", "internal": true})}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	var page struct{ Timeline []struct{ Number int64 } }
	if err := l.people[0].get(t, path, &page); err != nil {
		t.Fatal(err)
	}
	var number int64
	for _, e := range page.Timeline {
		number = max(number, e.Number)
	}
	return number
}

// again sends a part of all commands once more: each is answered as before, and
// with other content it is refused.
func (l *load) again(t *testing.T) {
	t.Helper()
	for n, w := range l.acknowledged() {
		if n%4 != 0 {
			continue
		}
		answer, replayed, err := w.who.write(t.Context(), w, false)
		var about struct{ ID id.ID }
		if err == nil {
			err = json.Unmarshal(answer.body, &about)
		}
		if err != nil || answer.status != w.status || about.ID != w.subject || !replayed {
			t.Errorf("%s sent again: %d about %s instead of %d about %s, replayed %v, %v", w.what, answer.status, about.ID, w.status, w.subject, replayed, err)
		}
		l.repeated++
		other := w
		other.body = bytes.Replace(w.body, []byte("{"), []byte(`{"note":"x",`), 1)
		if strings.HasSuffix(w.path, "/cases") || strings.HasSuffix(w.path, "/comments") {
			other.body = bytes.Replace(w.body, []byte(`"text":"`), []byte(`"text":"不同`), 1)
		}
		answer, _, err = w.who.write(t.Context(), other, false)
		if err != nil || answer.status != http.StatusConflict {
			t.Errorf("%s with other content: %d %s %v", w.what, answer.status, answer.body, err)
		}
		l.refused++
	}
}

var errGone = errors.New("the client is gone")

// person is one signed-in browser.
type person struct {
	p      *program
	client *http.Client
	random *random.Rand
}

type answer struct {
	status int
	body   []byte
}

func signIn(p *program, account string, seed uint64) *person {
	jar, _ := cookiejar.New(nil)
	who := &person{p: p, client: &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: time.Minute}, random: random.New(random.NewPCG(20261124, seed))}
	res, err := who.client.Post(p.url+"/api/demo/session", "application/json", strings.NewReader(`{"account":"`+account+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		p.t.Fatalf("sign in: %d %s", res.StatusCode, raw)
	}
	return who
}

// write sends one command. With leaves the client goes away in the middle: as
// soon as the request has been written, or when the answer begins to come.
func (who *person) write(ctx context.Context, w write, leaves bool) (a answer, replayed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if leaves {
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel() }}
		if who.random.IntN(2) == 0 {
			trace = &httptrace.ClientTrace{GotFirstResponseByte: cancel}
		}
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, who.p.url+w.path, bytes.NewReader(w.body))
	if err != nil {
		return a, false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", w.key.String())
	if w.match != "" {
		req.Header.Set("If-Match", w.match)
	}
	res, err := who.client.Do(req)
	if err != nil {
		return a, false, err
	}
	defer res.Body.Close()
	if leaves {
		return a, false, errGone // the answer was on its way; nobody reads it
	}
	a.status = res.StatusCode
	a.body, err = io.ReadAll(res.Body)
	return a, res.Header.Get("Idempotency-Replayed") == "true", err
}

func (who *person) get(t *testing.T, path string, out any) error {
	t.Helper()
	res, err := who.client.Get(who.p.url + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, res.StatusCode, raw)
	}
	return json.Unmarshal(raw, out)
}

// feed listens to the live stream, from the beginning of the journal, and goes
// on after the last event whenever the stream breaks.
type feed struct {
	mu    sync.Mutex
	moved *sync.Cond
	got   []int64
	last  int64
	times int
	wrong error
}

func newFeed(ctx context.Context, p *program) *feed {
	f := &feed{times: -1}
	f.moved = sync.NewCond(&f.mu)
	who := signIn(p, "hub", 1000)
	who.client.Timeout = 0
	go func() {
		for p.works(ctx) {
			if err := f.listen(ctx, who); err != nil && ctx.Err() == nil {
				f.mu.Lock()
				f.wrong = err
				f.moved.Broadcast()
				f.mu.Unlock()
				return
			}
		}
	}()
	return f
}

// listen reads one stream to its end. A broken stream is no error.
func (f *feed) listen(ctx context.Context, who *person) error {
	f.mu.Lock()
	last := f.last
	f.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, who.p.url+"/api/feed", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
	res, err := who.client.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	if res.StatusCode >= 500 {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the feed answered %d", res.StatusCode)
	}
	f.mu.Lock()
	f.times++
	f.mu.Unlock()
	lines := bufio.NewScanner(res.Body)
	var number int64
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			if number, err = strconv.ParseInt(text, 10, 64); err != nil {
				return err
			}
			continue
		}
		text, ok := strings.CutPrefix(line, "data: ")
		switch {
		case ok:
			var e struct{ Number int64 }
			if err := json.Unmarshal([]byte(text), &e); err != nil || e.Number != number {
				return fmt.Errorf("event %d says %s", number, text)
			}
			f.mu.Lock()
			f.got = append(f.got, number)
			f.mu.Unlock()
		case line == "":
			f.mu.Lock()
			f.last = max(f.last, number)
			f.moved.Broadcast()
			f.mu.Unlock()
		}
	}
	return nil
}

// reaches waits until the feed has told everything up to a number.
func (f *feed) reaches(t *testing.T, head int64) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.last < head && f.wrong == nil {
		f.moved.Wait()
	}
	if f.wrong != nil {
		t.Fatal(f.wrong)
	}
}

func (f *feed) numbers() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func (f *feed) resumed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.times
}
