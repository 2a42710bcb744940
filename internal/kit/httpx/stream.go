package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LastEvent is where a resuming reader of a stream stopped; embed it in the
// input. The query form serves readers that can't set the header on their first
// connection.
type LastEvent struct {
	LastEventID string `header:"Last-Event-ID" json:"-" maxLength:"40"`
	Since       string `query:"last_event_id" json:"-" maxLength:"40"`
}

// After is the number of the last event the reader has; -1 when it has none.
func (l LastEvent) After() (int64, error) {
	s := l.LastEventID
	if s == "" {
		s = l.Since
	}
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, ErrInvalid.At("header.Last-Event-ID", "field.wrong")
	}
	return n, nil
}

// EventWriter writes server-sent events to one reader. It is used by one
// goroutine at a time.
type EventWriter struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	wait    time.Duration // how long one event may take to leave
	buf     bytes.Buffer
	started bool
}

// Event sends one event at once. id and name may be empty; data may have
// several lines. An error means that the reader is gone or stuck.
func (w *EventWriter) Event(id, name string, data []byte) error {
	w.buf.Reset()
	if id != "" {
		line(&w.buf, "id", id)
	}
	if name != "" {
		line(&w.buf, "event", name)
	}
	for l := range bytes.Lines(data) {
		w.buf.WriteString("data: ")
		w.buf.Write(bytes.TrimRight(l, "\r\n"))
		w.buf.WriteByte('\n')
	}
	w.buf.WriteByte('\n')
	return w.send()
}

// Comment keeps the connection alive; readers don't see it.
func (w *EventWriter) Comment(text string) error {
	w.buf.Reset()
	fmt.Fprintf(&w.buf, ": %s\n\n", strings.ReplaceAll(text, "\n", " "))
	return w.send()
}

// Retry tells the reader how long to wait before it comes back.
func (w *EventWriter) Retry(d time.Duration) error {
	w.buf.Reset()
	fmt.Fprintf(&w.buf, "retry: %d\n\n", d.Milliseconds())
	return w.send()
}

func line(b *bytes.Buffer, field, value string) {
	b.WriteString(field)
	b.WriteString(": ")
	b.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(value))
	b.WriteByte('\n')
}

func (w *EventWriter) send() error {
	if err := w.rc.SetWriteDeadline(time.Now().Add(w.wait)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("deadline of an event: %w", err)
	}
	if !w.started {
		w.started = true
		h := w.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // a proxy in front must not collect events
		w.w.WriteHeader(http.StatusOK)
	}
	if _, err := w.w.Write(w.buf.Bytes()); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	if err := w.rc.Flush(); err != nil {
		return fmt.Errorf("flush an event: %w", err)
	}
	return nil
}

// stream runs fn with a writer; it ends when the client goes or the program
// stops.
func (e *Edge) stream(rq *request, fn func(context.Context, *EventWriter) error) {
	rq.stream, rq.w.timed = true, true
	rq.leave() // streams have their own limit
	ctx, cancel := context.WithCancel(rq.r.Context())
	defer cancel()
	go func() {
		select {
		case <-e.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	w := &EventWriter{w: rq.w, rc: http.NewResponseController(rq.w), wait: e.o.StreamWait}
	// The server's read deadline would end the stream from below: after it the
	// connection's background read fails and the request counts as gone.
	if err := w.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		rq.cause = err
		return
	}
	err := fn(ctx, w)
	if err == nil || ctx.Err() != nil {
		return
	}
	if !w.started {
		e.fail(rq.w, rq.r, err)
		return
	}
	rq.cause = err
}
