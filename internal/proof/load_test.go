package proof_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	random "math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onegrid/internal/demo"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/id"
)

// clients is how many send commands at the same time.
const clients = 8

// front is where the clients find the program: the addresses worth trying.
type front struct {
	mu   sync.Mutex
	urls []string
	up   chan struct{} // closed while there is one
}

func newFront() *front { return &front{up: make(chan struct{})} }

// opens says which addresses answer now; none shuts it.
func (f *front) opens(urls ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := len(f.urls) > 0
	f.urls = urls
	switch is := len(urls) > 0; {
	case is && !was:
		close(f.up)
	case !is && was:
		f.up = make(chan struct{})
	}
}

// url waits for an address; n chooses among several.
func (f *front) url(ctx context.Context, n int) (string, bool) {
	for {
		f.mu.Lock()
		up, urls := f.up, f.urls
		f.mu.Unlock()
		if len(urls) > 0 {
			return urls[n%len(urls)], true
		}
		select {
		case <-up:
		case <-ctx.Done():
			return "", false
		}
	}
}

// write is one acknowledged command.
type write struct {
	during  string // the fault that reigned when it was acknowledged
	key     id.ID
	what    string // as the journal tells it
	subject id.ID
	status  int
	path    string
	match   string
	kind    string // of the body; JSON by default
	body    []byte
	photo   blob.Hash // of an upload
	who     *person
}

// load is the clients and what they were told.
type load struct {
	front    *front
	requests []demo.Request
	people   []*person
	photos   atomic.Bool  // every fourth comment brings one
	leaves   atomic.Int64 // one client of so many goes away in the middle of a write

	next                                 atomic.Int64
	gone, resent, replayed, busy, turned atomic.Int64
	repeated, refused                    int

	mu     sync.Mutex
	during string
	acked  []write
	moved  *sync.Cond // acked or a counter grew, or somebody failed
	wrong  error
	end    atomic.Bool
	done   sync.WaitGroup
}

func newLoad(t *testing.T, f *front, requests []demo.Request) *load {
	t.Helper()
	l := &load{front: f, requests: requests}
	l.photos.Store(true)
	l.moved = sync.NewCond(&l.mu)
	l.leaves.Store(5)
	for n := range clients {
		l.people = append(l.people, newPerson(t, f, uint64(n)))
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

// under says which fault reigns from now on.
func (l *load) under(fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.during = fault
}

// goesOn waits until so many more commands were acknowledged.
func (l *load) goesOn(t *testing.T, n int) {
	t.Helper()
	want := len(l.acknowledged()) + n
	l.until(t, func() bool { return len(l.acked) >= want })
}

// lasts lets the load go on for a while.
func (l *load) lasts(t *testing.T, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		l.goesOn(t, clients)
	}
}

// until waits for something that is looked at under the lock whenever anything
// was counted.
func (l *load) until(t *testing.T, is func() bool) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for !is() && l.wrong == nil {
		l.moved.Wait()
	}
	if l.wrong != nil {
		t.Fatal(l.wrong)
	}
}

// refusedAgain waits until so many more commands were told to come again.
func (l *load) refusedAgain(t *testing.T, n int64) {
	t.Helper()
	want := l.busy.Load() + n
	l.until(t, func() bool { return l.busy.Load() >= want })
}

// leftAgain waits until so many more clients went away.
func (l *load) leftAgain(t *testing.T, n int64) {
	t.Helper()
	want := l.gone.Load() + n
	l.until(t, func() bool { return l.gone.Load() >= want })
}

func (l *load) count(n *atomic.Int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.Add(1)
	l.moved.Broadcast()
}

// finish lets every client end what it has begun.
func (l *load) finish(t *testing.T) {
	t.Helper()
	l.end.Store(true)
	l.done.Wait()
	l.goesOn(t, 0)
}

func (l *load) acknowledged() []write {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// oneCase reports a case, accepts it, and says something about it, sometimes with
// a photo.
func (l *load) oneCase(ctx context.Context, who *person) error {
	n := l.next.Add(1)
	q := l.requests[int(n)%len(l.requests)]
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
	comment := map[string]any{"text": words, "internal": true}
	if l.photos.Load() && n%4 == 0 {
		var photo struct{ ID id.ID }
		kind, body, sum := form(picture(who.random))
		if err := l.send(ctx, who, write{what: "case.file_add", path: "/api/files", kind: kind, body: body, photo: sum}, &photo); err != nil {
			return err
		}
		comment["file_ids"] = []id.ID{photo.ID}
	}
	return l.send(ctx, who, write{what: "case.comment " + words, path: path + "/comments", body: jsonOf(comment), subject: c.ID}, &c)
}

// picture is a small photo like no other.
func picture(r *random.Rand) []byte {
	img := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// form is an upload of a photo.
func form(photo []byte) (kind string, body []byte, sum blob.Hash) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	err := w.WriteField("kind", "before")
	part, e := w.CreateFormFile("file", "photo.jpg")
	if err = errors.Join(err, e); err == nil {
		_, err = part.Write(photo)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return w.FormDataContentType(), out.Bytes(), sha256.Sum256(photo)
}

func jsonOf(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// pause is how long a client waits before it tries again.
const pause = 20 * time.Millisecond

// send sends a command until its outcome is known: now and then the client goes
// away in the middle at first.
func (l *load) send(ctx context.Context, who *person, w write, out any) error {
	key, err := id.Make(time.Now(), rand.Reader)
	if err != nil {
		return err
	}
	w.key, w.who = key, who
	leaves := who.random.Int64N(l.leaves.Load()) == 0
	again := func() error {
		l.resent.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			return nil
		}
	}
	for try := 0; ; try++ {
		answer, replayed, err := who.write(ctx, w, leaves && try == 0)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // the outcome is unknown
			if leaves && try == 0 {
				l.count(&l.gone)
			}
			if errors.Is(err, syscall.ECONNREFUSED) {
				l.turned.Add(1)
			}
			who.at++
			if err := again(); err != nil {
				return err
			}
			continue
		case answer.status == http.StatusUnauthorized: // the clock jumped and the session is over
			if err := who.signsIn(ctx); err != nil && ctx.Err() != nil {
				return err
			}
			continue
		case answer.status >= 500:
			if answer.status != http.StatusServiceUnavailable {
				return fmt.Errorf("%s answered %d: %s", w.what, answer.status, answer.body)
			}
			l.count(&l.busy)
			if err := again(); err != nil {
				return err
			}
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
		w.during = l.during
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
	var on id.ID
	for _, w := range l.acknowledged() {
		if w.what == "case.report" {
			on = w.subject
		}
	}
	path := "/api/cases/" + on.String()
	if err := l.send(t.Context(), l.people[0], write{what: "case.comment 最后一条", path: path + "/comments", subject: on,
		body: jsonOf(map[string]any{"text": "最后一条", "internal": true})}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	var page struct{ Timeline []struct{ Number int64 } }
	if err := l.people[0].get(t.Context(), path, &page); err != nil {
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
		if n%4 != 0 || w.who == nil {
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
		if w.kind != "" {
			continue // a form has no words that could be others
		}
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
	front  *front
	at     int // which of several addresses it tries
	client *http.Client
	random *random.Rand
}

type answer struct {
	status int
	body   []byte
}

// patience is how long a client waits for an answer before it sends its command
// again, perhaps elsewhere.
const patience = 5 * time.Second

func newPerson(t *testing.T, f *front, seed uint64) *person {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	who := &person{front: f, at: int(seed), client: &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: patience}, random: random.New(random.NewPCG(20261124, seed))}
	t.Cleanup(who.client.CloseIdleConnections)
	if err := who.signsIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	return who
}

// signsIn begins a session at the hub's duty desk.
func (who *person) signsIn(ctx context.Context) error {
	url, ok := who.front.url(ctx, who.at)
	if !ok {
		return ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/demo/session", strings.NewReader(`{"account":"hub"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := who.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(res.Body)
		return fmt.Errorf("sign in: %d %s", res.StatusCode, raw)
	}
	return nil
}

// write sends one command. With leaves the client goes away in the middle: as
// soon as the request has been written, or when the answer begins to come.
func (who *person) write(ctx context.Context, w write, leaves bool) (a answer, replayed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	url, ok := who.front.url(ctx, who.at)
	if !ok {
		return a, false, ctx.Err()
	}
	if leaves {
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel() }}
		if who.random.IntN(2) == 0 {
			trace = &httptrace.ClientTrace{GotFirstResponseByte: cancel}
		}
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+w.path, bytes.NewReader(w.body))
	if err != nil {
		return a, false, err
	}
	req.Header.Set("Content-Type", cmp.Or(w.kind, "application/json"))
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

// get reads something, from whichever address answers.
func (who *person) get(ctx context.Context, path string, out any) error {
	url, ok := who.front.url(ctx, who.at)
	if !ok {
		return ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		return err
	}
	res, err := who.client.Do(req)
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
	leave func() // the stream that is open
	wrong error
}

func newFeed(ctx context.Context, t *testing.T, front *front) *feed {
	t.Helper()
	f := &feed{times: -1, leave: func() {}}
	f.moved = sync.NewCond(&f.mu)
	who := newPerson(t, front, 1000)
	who.client.Timeout = 0
	go func() {
		for ctx.Err() == nil {
			if err := f.listen(ctx, who); err != nil && ctx.Err() == nil {
				f.mu.Lock()
				f.wrong = err
				f.moved.Broadcast()
				f.mu.Unlock()
				return
			}
			who.at++
			<-time.After(pause)
		}
	}()
	return f
}

// elsewhere lets go of the open stream: a machine that is frozen never ends it.
func (f *feed) elsewhere() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave()
}

// listen reads one stream to its end. A broken stream is no error.
func (f *feed) listen(ctx context.Context, who *person) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	f.mu.Lock()
	last := f.last
	f.leave = leave
	f.mu.Unlock()
	url, ok := who.front.url(ctx, who.at)
	if !ok {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/feed", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
	res, err := who.client.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusUnauthorized {
		_ = who.signsIn(ctx) // the next look tells whether that worked
		return nil
	}
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
			var e struct {
				Number int64
				Kind   string
			}
			if err := json.Unmarshal([]byte(text), &e); err != nil || e.Number != number {
				return fmt.Errorf("event %d says %s", number, text)
			}
			f.mu.Lock()
			if strings.HasPrefix(e.Kind, "case.") || strings.HasPrefix(e.Kind, "task.") {
				f.got = append(f.got, number)
			}
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
