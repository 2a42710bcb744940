package httpx

import (
	"hash"
	"io"
	"net/http"
	"time"
)

// A body has bodyGrace and then must arrive at bodyRate or faster. So a photo
// may take its minutes over a slow line, and nobody holds a place among the
// running requests by sending one byte now and then.
const (
	bodyGrace = 20 * time.Second
	bodyRate  = 4 << 10 // bytes a second
)

// body reads a request's content: at a lowest speed, and noting its digest for
// the receipt.
type body struct {
	io.ReadCloser
	rc    *http.ResponseController
	h     hash.Hash
	begun time.Time
	read  int64
	over  bool
}

func newBody(w http.ResponseWriter, r *http.Request, limit int64, h hash.Hash) io.ReadCloser {
	return &body{ReadCloser: http.MaxBytesReader(w, r.Body, limit), rc: http.NewResponseController(w), h: h, begun: time.Now()}
}

func (b *body) Read(p []byte) (int, error) {
	if !b.over {
		// A connection without deadlines (in a test) has none to keep.
		_ = b.rc.SetReadDeadline(b.begun.Add(bodyGrace + time.Duration(b.read)*time.Second/bodyRate))
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	b.h.Write(p[:n])
	if err != nil && !b.over {
		// With the deadline left on, the server would take a long answer for a
		// client that has gone.
		b.over = true
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}
