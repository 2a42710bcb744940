package httpx_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

// Clients go away at any moment of their commands; each sends its command again
// with the same id until it has an answer. In the end every command was done
// exactly once and has one receipt.
func TestClientsGoAway(t *testing.T) {
	each(t, nil, func(f *front) {
		const clients, each = 8, 15
		var wg sync.WaitGroup
		for c := range clients {
			r := rand.New(rand.NewPCG(uint64(c), 7)) //nolint:gosec // a test's moments
			wg.Go(func() {
				for i := range each {
					path, key := f.URL+"/api/lamps/"+newID(), newID()
					for try := 0; ; try++ {
						ctx, cancel := context.WithCancel(context.Background())
						if try < 2 { // the third time it stays
							gone := time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, cancel)
							defer gone.Stop()
						}
						req, _ := http.NewRequestWithContext(ctx, "PUT", path, strings.NewReader(fmt.Sprintf(`{"title":"%d %d","colour":"red"}`, c, i)))
						req.Header.Set("Idempotency-Key", key)
						req.Header.Set("Person", "li")
						res, err := f.Client().Do(req)
						if err == nil {
							_, err = io.Copy(io.Discard, res.Body)
							res.Body.Close()
							if err == nil && res.StatusCode != 200 {
								f.Errorf("%s", res.Status)
							}
						}
						cancel()
						if err == nil {
							break
						}
						if try > 5 {
							f.Error(err)
							break
						}
					}
				}
			})
		}
		wg.Wait()
		var receipts int
		err := f.db.Read(context.Background(), func(tx *db.Tx) error {
			return tx.Row(`SELECT count(*) FROM http_receipt`).Scan(&receipts)
		})
		if err != nil || receipts != clients*each || f.lamps() != clients*each {
			f.Fatalf("%d receipts, %d lamps, want %d, %v", receipts, f.lamps(), clients*each, err)
		}
	})
}

// A reader that takes nothing any more is cut off instead of holding its place
// for ever.
func TestStuckReaderIsCutOff(t *testing.T) {
	f := one(t, func(o *httpx.Options) { o.StreamWait = 30 * time.Millisecond })
	ended := make(chan error, 1)
	httpx.Stream(f.edge, httpx.Op{ID: "lamp.flood", Method: "GET", Path: "/api/flood", Public: true},
		func(ctx context.Context, _ *person, _ *struct{}, w *httpx.EventWriter) error {
			for {
				if err := w.Event("1", "lamp", bytes.Repeat([]byte("x"), 1<<20)); err != nil {
					ended <- err
					return err
				}
			}
		})
	c, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /api/flood HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !strings.Contains(err.Error(), "timeout") {
		t.Fatal(err)
	}
}

// A body that ends before its announced length is malformed and changes nothing.
func TestHalfABody(t *testing.T) {
	f := one(t, nil)
	c, err := net.Dial("tcp", f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The announced length never comes: the sender closes its side.
	io.WriteString(c, "PUT /api/lamps/"+newID()+" HTTP/1.1\r\nHost: x\r\nPerson: li\r\nContent-Length: 100\r\n\r\n{\"title\":")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("got %s", res.Status)
	}
	if f.lamps() != 0 {
		t.Error("half a body made a lamp")
	}
}
