package httpx_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"onegrid/internal/kit/httpx"
)

// Requests are let in as far as there is memory for what they carry; the others
// are told to come back, and can once there is room. However large one is, it
// gets its turn alone.
func TestMemoryIsSetAside(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	f := one(t, func(o *httpx.Options) {
		o.MaxMemory = 16 << 20 // 4 MiB for requests
		o.Alive = func() int64 { return 0 }
	})
	httpx.Page(f.edge, httpx.Op{ID: "lamp.large", Method: "POST", Path: "/large", Public: true, MaxBody: 64 << 20}, func(_ http.ResponseWriter, r *http.Request, _ any) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		inside <- true
		<-leave
		return nil
	})
	send := func(size int) chan int {
		got := make(chan int, 1)
		go func() {
			r, _ := http.NewRequestWithContext(context.Background(), "POST", f.URL+"/large", strings.NewReader(strings.Repeat("x", size)))
			res, err := f.Client().Do(r)
			if err != nil {
				got <- 0
				return
			}
			res.Body.Close()
			got <- res.StatusCode
		}()
		return got
	}
	enters := func(got chan int) chan int {
		t.Helper()
		select {
		case <-inside:
		case s := <-got:
			t.Fatalf("one that should get in got %d", s)
		}
		return got
	}
	// Four of 450 kB need nearly all of it, a fifth does not fit.
	var four []chan int
	for range 4 {
		four = append(four, enters(send(450<<10)))
	}
	a := f.asks("POST", "/large", strings.Repeat("x", 450<<10))
	f.refuses("503 request.busy", a)
	if a.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	// Small ones still do, and so do those who ask whether the program lives.
	if res := f.asks("GET", "/api/lamps", ""); res.StatusCode != 200 {
		t.Error(res.Status)
	}
	for range four {
		leave <- true
	}
	for _, got := range four {
		if s := <-got; s != 200 {
			t.Errorf("one that was inside got %d", s)
		}
	}
	large := enters(send(20 << 20))
	leave <- true
	if s := <-large; s != 200 {
		t.Errorf("a large one alone got %d", s)
	}
}

// When what is alive has come near to the ceiling nothing new is let in, and
// everything is again once it has gone.
func TestNothingIsLetInNearTheCeiling(t *testing.T) {
	var alive atomic.Int64
	f := one(t, func(o *httpx.Options) { o.MaxMemory, o.Alive = 100<<20, alive.Load })
	ask := func(want string) {
		t.Helper()
		f.clock.Add(200e6)
		a := f.asks("GET", "/api/lamps", "")
		if a.StatusCode == 503 {
			f.refuses("503 request.busy", a)
			if a.Header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
			}
		} else {
			a.Body.Close()
		}
		if !strings.HasPrefix(a.Status, want) {
			t.Errorf("with %d alive: %s", alive.Load(), a.Status)
		}
	}
	ask("200")
	alive.Store(86 << 20)
	ask("503")
	ask("503")
	if p := f.asks("GET", "/healthz", ""); p.StatusCode != 200 {
		t.Error(p.Status)
	}
	alive.Store(80 << 20)
	ask("200")
}

// However many strangers come at once, half of the places are left to those who
// work here.
func TestACrowdLeavesHalfOfThePlaces(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	f := one(t, func(o *httpx.Options) { o.MaxRequests = 2 })
	httpx.Page(f.edge, httpx.Op{ID: "lamp.crowd", Method: "GET", Path: "/crowd", Public: true, Crowd: true}, func(http.ResponseWriter, *http.Request, any) error {
		inside <- true
		<-leave
		return nil
	})
	go f.Client().Get(f.URL + "/crowd") //nolint:errcheck,bodyclose,noctx // only there to be inside
	<-inside
	f.refuses("503 request.busy", f.asks("GET", "/crowd", ""))
	if res := f.asks("GET", "/api/lamps", ""); res.StatusCode != 200 {
		t.Errorf("who works here got %s", res.Status)
	}
	leave <- true
}
