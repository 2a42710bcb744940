package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// hall is everybody who listens.
type hall struct {
	url     string
	http    *http.Client
	program int
	start   int64 // the newest event before anybody listened

	all     []*listener
	refused atomic.Int64
	faults  atomic.Int64
	what    sync.Map // number of an event -> "case/version"
}

// listener is one screen.
type listener struct {
	hall    *hall
	account string
	cookie  string
	from    int64 // what it had when it first came

	mu      sync.Mutex
	conn    net.Conn
	last    int64   // Last-Event-ID
	numbers []int64 // of all events that it was told
	when    []time.Time
	slow    bool // it does not read now
	comings int  // connections that were streams

	back chan struct{} // gets a value whenever it was told where it stands
	over chan struct{} // closed when its loop has ended
	stop context.CancelFunc
}

// head asks where the feed stands: the first thing a listener is told.
func (h *hall) head(ctx context.Context) (int64, error) {
	cookie, err := h.signIn(ctx, "hub")
	if err != nil {
		return 0, err
	}
	l := h.listener("hub", cookie)
	l.last = -1
	l.begin(ctx)
	defer l.end()
	if err := l.isBack(ctx); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

// signIn gives the cookie of a new session.
func (h *hall) signIn(ctx context.Context, account string) (string, error) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/api/demo/session", strings.NewReader(`{"account":"`+account+`"}`))
	if err != nil {
		return "", err
	}
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("Idempotency-Key", newID())
	answer, err := h.http.Do(rq)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return "", err
	}
	var pairs []string
	for _, c := range answer.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if answer.StatusCode >= 300 || len(pairs) == 0 {
		return "", fmt.Errorf("sign in as %s: status %d", account, answer.StatusCode)
	}
	return strings.Join(pairs, "; "), nil
}

func (h *hall) listener(account, cookie string) *listener {
	return &listener{hall: h, account: account, cookie: cookie, back: make(chan struct{}, 1)}
}

// grow lets more come until there are so many.
func (h *hall) grow(ctx context.Context, size int) error {
	var accounts []string
	for _, a := range liveAccounts {
		accounts = append(accounts, slices.Repeat([]string{a.account}, a.share)...)
	}
	var mu sync.Mutex
	var fault error
	var all sync.WaitGroup
	begin := len(h.all)
	more := make([]*listener, max(0, size-begin))
	next := atomic.Int64{}
	for range 16 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(more) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				// 41 and the sum of shares have no common divisor: every size has the same mixture.
				account := accounts[(begin+i)*41%len(accounts)]
				cookie, err := h.signIn(ctx, account)
				if err == nil {
					l := h.listener(account, cookie)
					l.last, l.from = h.start, h.start
					l.begin(ctx)
					more[i], err = l, l.isBack(ctx)
				}
				if err != nil {
					mu.Lock()
					fault = errors.Join(fault, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
	h.all = append(h.all, slices.DeleteFunc(more, func(l *listener) bool { return l == nil })...)
	return errors.Join(fault, ctx.Err())
}

// close ends everybody; each still comes back by itself until then.
func (h *hall) close() error {
	var all sync.WaitGroup
	for _, l := range h.all {
		all.Go(l.end)
	}
	all.Wait()
	if n := h.faults.Load(); n > int64(len(h.all)) {
		return fmt.Errorf("%d times a line failed that nobody broke", n)
	}
	return nil
}

// begin lets a listener come and come back until it is ended.
func (l *listener) begin(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	l.over = make(chan struct{})
	go func() {
		defer close(l.over)
		for attempt := 0; ctx.Err() == nil; {
			told, err := l.listen(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case told:
				attempt = 0 // at once
				continue
			case err != nil:
				l.hall.faults.Add(1)
			}
			// As the desk does: a second, two, four; not all at the same moment.
			pause := time.Second << min(attempt, 5)
			attempt++
			wait(ctx, pause/2+time.Duration(mathrand.Int64N(int64(pause))))
		}
	}()
}

func (l *listener) end() {
	l.stop()
	l.drop()
	<-l.over
}

// drop closes the connection as a line that breaks.
func (l *listener) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// isBack waits until the listener was told where it stands.
func (l *listener) isBack(ctx context.Context) error {
	select {
	case <-l.back:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(3 * time.Minute):
		return fmt.Errorf("a listener as %s was not let in within three minutes", l.account)
	}
}

// listen is one connection; told says that it was a stream.
func (l *listener) listen(ctx context.Context) (told bool, err error) {
	at, err := url.Parse(l.hall.url)
	if err != nil {
		return false, err
	}
	dial := net.Dialer{Timeout: 30 * time.Second}
	l.mu.Lock()
	if l.slow {
		dial.Control = narrow
	}
	l.mu.Unlock()
	conn, err := dial.DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	l.mu.Lock()
	l.conn = conn
	last := l.last
	l.mu.Unlock()
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	request := "GET /api/feed HTTP/1.1\r\nHost: " + at.Host + "\r\nAccept: text/event-stream\r\nCookie: " + l.cookie + "\r\n"
	if last >= 0 {
		request += "Last-Event-ID: " + strconv.FormatInt(last, 10) + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return false, err
	}
	in := bufio.NewReaderSize(conn, 1024)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		if answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusTooManyRequests {
			l.hall.refused.Add(1)
			return false, nil
		}
		return false, fmt.Errorf("the feed answers %s", answer.Status)
	}
	l.mu.Lock()
	l.comings++
	l.mu.Unlock()
	return true, l.read(bufio.NewReaderSize(answer.Body, 2048))
}

// narrow makes a line like a phone's: packets of 1,400 bytes and little room, so
// that both kernels together hold some hundred kilobytes for a reader that does
// not read, and not the megabytes of the loopback.
func narrow(_, _ string, c syscall.RawConn) error {
	var fault error
	err := c.Control(func(fd uintptr) {
		fault = errors.Join(syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1400),
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10))
	})
	return errors.Join(err, fault)
}

// read takes events until the stream ends.
func (l *listener) read(in *bufio.Reader) error {
	var id int64
	var name string
	var key string
	for first := true; ; {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case len(line) == 0:
			now := time.Now()
			l.mu.Lock()
			l.last = id
			if name == "change" || name == "gone" {
				l.numbers, l.when = append(l.numbers, id), append(l.when, now)
			}
			slow := l.slow
			l.mu.Unlock()
			if key != "" {
				l.hall.what.LoadOrStore(id, key)
			}
			if name == "reset" || name == "end" {
				return fmt.Errorf("the feed says %s", name)
			}
			if first {
				first = false
				select {
				case l.back <- struct{}{}:
				default:
				}
			}
			name, key = "", ""
			for slow {
				time.Sleep(50 * time.Millisecond)
				l.mu.Lock()
				slow = l.slow
				l.mu.Unlock()
			}
		case bytes.HasPrefix(line, []byte("id: ")):
			if id, err = strconv.ParseInt(string(line[4:]), 10, 64); err != nil {
				return err
			}
		case bytes.HasPrefix(line, []byte("event: ")):
			name = string(line[7:])
		case bytes.HasPrefix(line, []byte("data: ")):
			if _, known := l.hall.what.Load(id); !known {
				key = eventKey(line)
			}
		}
	}
}

// eventKey is "case/version" of an act on a case, as far as an event has both.
func eventKey(data []byte) string {
	_, rest, ok := bytes.Cut(data, []byte(`"case":"`))
	if !ok || len(rest) < 36 {
		return ""
	}
	_, version, ok := bytes.Cut(data, []byte(`"version":`))
	if !ok {
		return ""
	}
	n := 0
	for n < len(version) && version[n] >= '0' && version[n] <= '9' {
		n++
	}
	return string(rest[:36]) + "/" + string(version[:n])
}
