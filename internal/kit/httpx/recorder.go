package httpx

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gzipFrom is the size from which packing an answer pays. What is smaller leaves
// in the first few packets anyway, which a connection may send without waiting.
const gzipFrom = 4 << 10

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid constant
	return w
}}

// recorder stands between a handler and the connection: it knows the status and
// size for the log, packs large texts, and can still take back an answer of
// which nothing has left.
type recorder struct {
	http.ResponseWriter
	edge   *Edge
	status int
	bytes  int64 // as written by the handler
	wrote  bool  // the handler has begun its answer
	sent   bool  // the header has left
	gzip   bool  // the reader takes gzip
	head   bool
	timed  bool // the time in which the answer must leave is set
	wait   bool // the beginning is held back until its size is known
	held   bytes.Buffer
	packer *gzip.Writer
	answer []byte // of a command, as JSON: its receipt has it too
}

func acceptsGzip(r *http.Request) bool {
	if r.Header.Get("Range") != "" {
		return false
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}

// packable are texts; pictures and archives are packed already.
func packable(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return t != "text/event-stream" && (strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "json") ||
		strings.HasSuffix(t, "xml") || strings.HasSuffix(t, "javascript") || t == "application/wasm")
}

// WriteHeader notes the status; the header leaves when it is known whether the
// answer is packed.
func (w *recorder) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.wrote {
		return
	}
	w.wrote, w.status = true, status
	h := w.Header()
	if packable(h.Get("Content-Type")) && status != http.StatusPartialContent && h.Get("Content-Encoding") == "" {
		h.Add("Vary", "Accept-Encoding")
	} else {
		w.gzip = false
	}
	w.wait = status != http.StatusNoContent && status != http.StatusNotModified && !w.head &&
		!strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") && (w.gzip || h.Get("Content-Length") == "")
	if !w.wait {
		w.send()
	}
}

func (w *recorder) send() {
	w.sent = true
	if !w.timed {
		w.setTime(answerWait)
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// setTime sets the time in which the rest of the answer must leave.
func (w *recorder) setTime(d time.Duration) {
	w.timed = true
	// A connection without deadlines (in a test) has none to keep.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(d))
}

// Write takes a piece of the answer.
func (w *recorder) Write(p []byte) (int, error) {
	if !w.wrote {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	w.bytes += int64(len(p))
	if w.wait {
		w.held.Write(p)
		if w.held.Len() < gzipFrom {
			return len(p), nil
		}
		return len(p), w.release()
	}
	if w.packer != nil {
		return w.packer.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// release sends what was held back: the answer is large.
func (w *recorder) release() error {
	w.wait = false
	if w.gzip {
		h := w.Header()
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
		w.packer = packers.Get().(*gzip.Writer)
		w.packer.Reset(w.ResponseWriter)
	}
	w.send()
	var err error
	if w.packer != nil {
		_, err = w.packer.Write(w.held.Bytes())
	} else {
		_, err = w.ResponseWriter.Write(w.held.Bytes())
	}
	w.held.Reset()
	if err != nil {
		return fmt.Errorf("send the beginning of an answer: %w", err)
	}
	return nil
}

// FlushError sends everything written so far.
func (w *recorder) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.wait {
		w.gzip = false
		if err := w.release(); err != nil {
			return err
		}
	}
	if w.packer != nil {
		if err := w.packer.Flush(); err != nil {
			return fmt.Errorf("flush an answer: %w", err)
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush satisfies http.Flusher for older handlers.
func (w *recorder) Flush() { _ = w.FlushError() } // the next write tells

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// reset takes back an answer of which nothing has left; it says whether it could.
func (w *recorder) reset() bool {
	if w.sent {
		return false
	}
	w.wrote, w.wait, w.status, w.bytes, w.answer = false, false, 0, 0, nil
	w.held.Reset()
	for _, k := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Cache-Control", "ETag"} {
		w.Header().Del(k)
	}
	return true
}

// finish sends the rest.
func (w *recorder) finish() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.wait { // a small answer: whole and plain
		w.wait = false
		w.Header().Set("Content-Length", strconv.Itoa(w.held.Len()))
		w.send()
		if _, err := w.ResponseWriter.Write(w.held.Bytes()); err != nil && err != http.ErrBodyNotAllowed { //nolint:errorlint // the very value
			return fmt.Errorf("send an answer: %w", err)
		}
	}
	if w.packer == nil {
		return nil
	}
	err := w.packer.Close()
	w.packer.Reset(nil)
	packers.Put(w.packer)
	w.packer = nil
	if err != nil {
		return fmt.Errorf("send the end of an answer: %w", err)
	}
	return nil
}
