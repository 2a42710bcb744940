package httpx

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patient is a connection that notes how long it would wait for more.
type patient struct {
	http.ResponseWriter
	until []time.Time
}

func (p *patient) SetReadDeadline(t time.Time) error {
	p.until = append(p.until, t)
	return nil
}

// A body has its grace and then must keep coming: whoever sends a byte now and
// then is cut off after twenty seconds, a photo over a slow line may take its
// minutes, and once it is whole nothing hurries the answer.
func TestSlowBodyIsGivenItsTimeAndNoMore(t *testing.T) {
	const chunk = 16 << 10 // four seconds' worth
	p := &patient{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 5*chunk)))
	begun := time.Now() //nolint:forbidigo // the connection's own clock
	b := newBody(p, r, 1<<20, sha256.New())
	buf := make([]byte, chunk)
	for n := range 5 {
		if _, err := io.ReadFull(b, buf); err != nil {
			t.Fatal(err)
		}
		want := bodyGrace + time.Duration(n)*4*time.Second
		if got := p.until[n].Sub(begun); got < want || got > want+5*time.Second {
			t.Errorf("after %d kB the next must come within %s, got %s", n*chunk>>10, want, got)
		}
	}
	if _, err := b.Read(buf); err != io.EOF { //nolint:errorlint // the very value
		t.Fatal(err)
	}
	if last := p.until[len(p.until)-1]; !last.IsZero() {
		t.Errorf("the answer is still hurried: %s", last)
	}
}
