package httpx

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Whatever is sent as a cursor, it is refused or is something that both
// databases can look for.
func FuzzPaging(f *testing.F) {
	for _, v := range []any{"370115003201001", int64(7), id.ID{7}, map[string]any{"at": 7, "text": "字\u0000"}} {
		s, err := Cursor(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s)
	}
	f.Add("dragons")
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		p := Paging{Cursor: s}
		var text string
		var number int64
		var of id.ID
		var row struct {
			At   int64
			Text string
			ID   id.ID
		}
		for _, v := range []any{&text, &number, &of, &row} {
			if err := p.Read(v); err != nil && !errors.Is(err, ErrCursor) {
				t.Fatal(err)
			}
		}
		for _, s := range []string{text, row.Text} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Fatalf("a cursor gave %q", s)
			}
		}
	})
}

// Whatever stands in the headers that a command is told apart by, it is a
// version, an address and an id of the request, or none.
func FuzzHeaders(f *testing.F) {
	f.Add(`W/"7"`, "10.0.0.1, 192.0.2.7", "gzip;q=0", "req-12345678")
	f.Add(`"-1"`, ",,::1%eth0,", "gzip, br", "a\r\nb")
	f.Add(`"99999999999999999999"`, "127.0.0.1", ";", "")
	e := &Edge{o: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, match, hops, packing, requestID string) {
		p := Precondition{IfMatch: match}
		if errs := p.Resolve(nil); len(errs) == 0 && p.Match < 0 {
			t.Fatalf("If-Match %q is version %d", match, p.Match)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "127.0.0.1:1000"
		r.Header["X-Forwarded-For"] = []string{hops}
		r.Header["Accept-Encoding"] = []string{packing}
		r.Header["X-Request-Id"] = []string{requestID}
		if a := e.ClientAddress(r); !a.IsValid() {
			t.Fatalf("%q leads to no address", hops)
		}
		acceptsGzip(r)
		if v := newRequestID(r); v == "" || strings.ContainsAny(v, "\r\n \x00") || len(v) > 64 {
			t.Fatalf("the request is called %q", v)
		}
	})
}

// Whatever comes as a form, it is refused by a fault of the sender, and what
// stood before the file is within its bounds.
func FuzzForm(f *testing.F) {
	const media = "multipart/form-data; boundary=b"
	f.Add(media, []byte("--b\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nbefore\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a/../b.jpg\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add(media, []byte("--b--\r\n"))
	f.Add("multipart/mixed", []byte("--\r\n\r\n"))
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{media}
		rq := &request{r: r}
		p, err := rq.part()
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		if strings.ContainsAny(p.Name, "/\\") && strings.Contains(p.Name, "/") {
			t.Fatalf("a file called %q", p.Name)
		}
		for name, values := range p.Values {
			for _, v := range values {
				if len(v) > maxField || !utf8.ValidString(v) || strings.ContainsRune(v, 0) || !utf8.ValidString(name) {
					t.Fatalf("field %q is %q", name, v)
				}
			}
		}
		_, _ = io.Copy(io.Discard, p.Body) // a form that breaks off here is told by whoever reads it
	})
}
