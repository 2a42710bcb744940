package httpx_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"onegrid/internal/kit/httpx"
)

// What the edge itself costs: a read and a write that do next to nothing,
// without a network. The difference of the write to its database command is the
// receipt.
func BenchmarkEdge(b *testing.B) {
	for _, c := range []struct{ name, method string }{{"read", "GET"}, {"write", "PUT"}} {
		b.Run(c.name, func(b *testing.B) {
			f := one(b, func(o *httpx.Options) { o.Log = nil })
			h := f.edge.Handler()
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					path, body := "/api/lamps", ""
					if c.method == "PUT" {
						path, body = "/api/lamps/"+newID(), red
					}
					r := httptest.NewRequest(c.method, path, strings.NewReader(body))
					r.Header.Set("Person", "li")
					if body != "" {
						r.Header.Set("Idempotency-Key", newID())
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if w.Code != 200 {
						b.Errorf("%d %s", w.Code, w.Body)
					}
				}
			})
		})
	}
}
