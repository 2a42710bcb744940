package httpx_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/words"
)

// one opens the front on SQLite only: for what does not touch the store.
func one(t testing.TB, set func(*httpx.Options)) *front {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	rooms := []db.Room{httpx.Room(), {Name: "lamp", Migrations: oneFile("0001_lamp.sql", lampTable)}}
	return open(t, dbtest.Open(t, "sqlite", func(o *db.Options) { o.Now = clock.Now }, rooms), clock, set)
}

// Everything malformed is refused with a stable code and the wrong field, and
// changes nothing.
func TestBadInput(t *testing.T) {
	f := one(t, nil)
	path := "/api/lamps/" + newID()
	for _, c := range []struct {
		name, method, path, body, want, where string
		headers                               []string
	}{
		{name: "no JSON", body: `{"title":`, want: "400 request.malformed"},
		{name: "two values", body: red + red, want: "400 request.malformed"},
		{name: "NUL", body: `{"title":"a\u0000b","colour":"red"}`, want: "400 request.malformed"},
		{name: "empty body", method: "PUT", body: " ", want: "400 request.malformed"},
		{name: "unknown field", body: `{"title":"a","colour":"red","admin":true}`, want: "422 request.invalid", where: "body.admin field.unknown"},
		{name: "missing field", body: `{"colour":"red"}`, want: "422 request.invalid", where: "body.title field.required"},
		{name: "wrong type", body: `{"title":7,"colour":"red"}`, want: "422 request.invalid", where: "body.title field.type"},
		{name: "too short", body: `{"title":"","colour":"red"}`, want: "422 request.invalid", where: "body.title field.min_length"},
		{name: "too long", body: `{"title":"` + strings.Repeat("灯", 21) + `","colour":"red"}`, want: "422 request.invalid", where: "body.title field.max_length"},
		{name: "no such colour", body: `{"title":"a","colour":"blue"}`, want: "422 request.invalid", where: "body.colour field.one_of"},
		{name: "deep field", body: `{"title":"a","colour":"red","at":{"lon":200}}`, want: "422 request.invalid", where: "body.at.lon field.maximum"},
		{name: "deep unknown", body: `{"title":"a","colour":"red","at":{"lon":1,"x":2}}`, want: "422 request.invalid", where: "body.at.x field.unknown"},
		{name: "bad id", path: "/api/lamps/nothing", body: red, want: "422 request.invalid", where: "path.id field.id"},
		{name: "bad number", method: "GET", path: "/api/lamps?limit=many", want: "422 request.invalid", where: "query.limit field.wrong"},
		{name: "large page", method: "GET", path: "/api/lamps?limit=1000", want: "422 request.invalid", where: "query.limit field.maximum"},
		{name: "unknown filter", method: "GET", path: "/api/lamps?stat=open", want: "422 request.invalid", where: "query.stat field.unknown"},
		{name: "made-up cursor", method: "GET", path: "/api/lamps?cursor=%21%21", want: "422 request.cursor"},
		{name: "NUL in the query", method: "GET", path: "/api/lamps?q=%00", want: "400 request.malformed"},
		{name: "NUL in the path", method: "GET", path: "/api/photos/%00", want: "400 request.malformed"},
		{name: "XML", body: `<lamp/>`, want: "415 request.media_type", headers: []string{"Content-Type", "application/xml"}},
		{name: "form", body: `title=a`, want: "415 request.media_type", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{name: "too large", body: `{"title":"` + strings.Repeat("a", 2<<20) + `"}`, want: "413 request.too_large"},
		{name: "other origin", body: red, want: "403 request.cross_origin", headers: []string{"Origin", "https://evil.example"}},
		{name: "other site", body: red, want: "403 request.cross_origin", headers: []string{"Sec-Fetch-Site", "cross-site"}},
		{name: "nobody", body: red, want: "401 lamp.missing", headers: []string{"Person", ""}},
		{name: "no such path", method: "GET", path: "/api/moon", want: "404 request.no_such_page"},
		{name: "no such method", method: "DELETE", want: "405 request.method"},
		{name: "refused by the room", body: `{"title":"broken","colour":"red"}`, want: "409 lamp.broken"},
		{name: "panic", body: `{"title":"boom","colour":"red"}`, want: "500 internal"},
		{name: "private error", body: `{"title":"leak","colour":"red"}`, want: "500 internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := *f
			g.TB = t
			method, at := c.method, c.path
			if method == "" {
				method = "PUT"
			}
			if at == "" {
				at = path
			}
			p := g.refuses(c.want, g.asks(method, at, c.body, c.headers...))
			if c.where == "" {
				return
			}
			if len(p.Where) != 1 || p.Where[0].Path+" "+p.Where[0].Code != c.where || p.Where[0].Detail == p.Where[0].Code {
				t.Fatalf("where %+v, want %s", p.Where, c.where)
			}
		})
	}
	if f.lamps() != 0 {
		t.Fatalf("%d lamps were made", f.lamps())
	}
	log := f.log.String()
	if !strings.Contains(log, "hunter2") {
		t.Error("the log does not know the private cause")
	}
	if strings.Contains(log, path) || strings.Contains(log, "limit=many") {
		t.Error("the log has paths or queries")
	}
}

// The sentence is in the reader's language, with its arguments.
func TestProblemSpeaksTheReadersLanguage(t *testing.T) {
	f := one(t, nil)
	body := `{"title":"broken","colour":"red"}`
	for header, want := range map[string]string{
		"":                                "这盏灯坏了 1,234 次。",
		"en-GB,en;q=0.9":                  "This lamp broke 1,234 times.",
		"fr, zh-TW;q=0.5, en;q=0":         "这盏灯坏了 1,234 次。",
		"de;q=1, en;q=0.3":                "This lamp broke 1,234 times.",
		strings.Repeat("xx,", 999) + "en": "这盏灯坏了 1,234 次。",
	} {
		p := f.refuses("409 lamp.broken", f.asks("PUT", "/api/lamps/"+newID(), body, "Accept-Language", header))
		if p.Detail != want || p.Args["count"] != 1234.0 {
			t.Errorf("%.30s: %s %v", header, p.Detail, p.Args)
		}
	}
	f2 := one(t, func(o *httpx.Options) {
		o.Who = func(*http.Request, httpx.Op) (httpx.Caller, error) {
			return httpx.Caller{By: &person{"li"}, Language: words.English}, nil
		}
	})
	if p := f2.refuses("409 lamp.broken", f2.asks("PUT", "/api/lamps/"+newID(), body, "Accept-Language", "zh")); p.Detail != "This lamp broke 1,234 times." {
		t.Errorf("the account's language does not win: %s", p.Detail)
	}
}

// Pages carry the headers that protect them; the nonce in the page is the one
// in the policy and differs each time. Errors come as pages to people.
func TestPagesAndHeaders(t *testing.T) {
	f := one(t, func(o *httpx.Options) { o.Secure = true })
	nonces := map[string]bool{}
	for range 3 {
		a := f.asks("GET", "/lamps/x", "", "Accept", "text/html")
		n := regexp.MustCompile(`nonce="([^"]+)"`).FindStringSubmatch(string(a.body))
		csp := a.Header.Get("Content-Security-Policy")
		if n == nil || !strings.Contains(csp, "script-src 'self' 'nonce-"+n[1]+"'") || strings.Contains(csp, "script-src 'self' 'unsafe") {
			t.Fatalf("%s / %s", a.body, csp)
		}
		nonces[n[1]] = true
		for h, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Strict-Transport-Security": "max-age=31536000", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if a.Header.Get(h) != want {
				t.Errorf("%s is %q", h, a.Header.Get(h))
			}
		}
	}
	if len(nonces) != 3 {
		t.Error("a nonce came twice")
	}
	for path, status := range map[string]int{"/lamps/gone": 404, "/lamps/panic": 500, "/nowhere": 404} {
		a := f.asks("GET", path, "", "Accept", "text/html,*/*", "Accept-Language", "en")
		if a.StatusCode != status || !strings.Contains(string(a.body), `<html lang="en">`) || strings.Contains(string(a.body), "hunter2") ||
			!strings.Contains(string(a.body), a.Header.Get("X-Request-Id")) {
			t.Errorf("%s: %s %s", path, a.Status, a.body)
		}
	}
	f.refuses("404 lamp.missing", f.asks("GET", "/lamps/gone", "", "Accept", "application/json"))
	if strings.Contains(f.log.String(), "/lamps/gone") {
		t.Error("the log has a path, which may be a secret link")
	}
}

// A file goes out with a policy under which it can't run, and under its name.
func TestDownload(t *testing.T) {
	f := one(t, nil)
	a := f.asks("GET", "/api/photos/x", "")
	if a.StatusCode != 200 || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") || a.Header.Get("ETag") != `"x"` ||
		a.Header.Get("Content-Disposition") != "inline; filename*=utf-8''%E7%81%AF.html" {
		t.Fatalf("%v", a.Header)
	}
	f.refuses("404 lamp.missing", f.asks("GET", "/api/photos/none", ""))
}

// Large texts are packed for readers who take it, small ones are not, and both
// arrive as they were.
func TestGzip(t *testing.T) {
	f := one(t, nil)
	plain := f.asks("GET", "/api/photos/x", "", "Accept-Encoding", "identity")
	packed := f.asks("GET", "/api/photos/x", "", "Accept-Encoding", "br, gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" || len(packed.body) >= len(plain.body) {
		t.Fatalf("%v", packed.Header)
	}
	z, err := gzip.NewReader(strings.NewReader(string(packed.body)))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(z); err != nil || string(raw) != string(plain.body) {
		t.Fatalf("%v: %d and %d bytes", err, len(raw), len(plain.body))
	}
	small := f.asks("GET", "/api/lamps", "", "Accept-Encoding", "gzip")
	if small.Header.Get("Content-Encoding") != "" || string(small.body) != `{"items":[]}`+"\n" || small.ContentLength != int64(len(small.body)) {
		t.Fatalf("%v %s", small.Header, small.body)
	}
	if refused := f.asks("GET", "/api/photos/x", "", "Accept-Encoding", "gzip;q=0"); refused.Header.Get("Content-Encoding") != "" {
		t.Fatal("packed for somebody who refused it")
	}
}

// Pages of a list join without a gap.
func TestCursor(t *testing.T) {
	each(t, nil, func(f *front) {
		for i := range 7 {
			f.asks("PUT", "/api/lamps/"+newID(), fmt.Sprintf(`{"title":"lamp %d","colour":"red"}`, i))
		}
		var titles []string
		cursor := ""
		for range 4 {
			var l httpx.List[lamp]
			if err := json.Unmarshal(f.asks("GET", "/api/lamps?limit=3&cursor="+cursor, "").body, &l); err != nil {
				f.Fatal(err)
			}
			for _, i := range l.Items {
				titles = append(titles, i.Title)
			}
			if cursor = l.Next; cursor == "" {
				break
			}
		}
		if got := strings.Join(titles, ","); got != "lamp 0,lamp 1,lamp 2,lamp 3,lamp 4,lamp 5,lamp 6" {
			f.Fatal(got)
		}
	})
}

// More requests than allowed at a time are told to come back; probes and
// streams do not count.
func TestLoadIsShed(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	f := one(t, func(o *httpx.Options) { o.MaxRequests = 1; o.MaxStreams = 1 })
	httpx.Page(f.edge, httpx.Op{ID: "lamp.slow", Method: "GET", Path: "/slow", Public: true}, func(w http.ResponseWriter, _ *http.Request, _ any) error {
		inside <- true
		<-leave
		return nil
	})
	streamUntilLeft(f, inside)
	stream := f.streams()
	<-inside
	f.refuses("503 request.busy", f.asks("GET", "/api/stream", ""))
	go f.Client().Get(f.URL + "/slow") //nolint:errcheck,bodyclose // only there to be inside
	<-inside
	a := f.asks("GET", "/api/lamps", "")
	f.refuses("503 request.busy", a)
	if a.Header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	if p := f.asks("GET", "/healthz", ""); p.StatusCode != 200 {
		t.Error(p.Status)
	}
	leave <- true
	stream.Body.Close()
}

func streamUntilLeft(f *front, inside chan bool) {
	httpx.Stream(f.edge, httpx.Op{ID: "lamp.stream", Method: "GET", Path: "/api/stream", Public: true},
		func(ctx context.Context, _ *person, in *struct{ httpx.LastEvent }, w *httpx.EventWriter) error {
			after, err := in.After()
			if err != nil {
				return err
			}
			if after == 404 {
				return errNoLamp
			}
			if err := w.Retry(time.Second); err != nil {
				return err
			}
			if err := w.Event(fmt.Sprint(after+1), "lamp", []byte("{\"a\":\n1}")); err != nil {
				return err
			}
			if err := w.Comment("still\nhere"); err != nil {
				return err
			}
			if inside != nil {
				inside <- true
			}
			<-ctx.Done()
			return errors.New("password=hunter2")
		})
}

func (f *front) streams(headers ...string) *http.Response {
	f.Helper()
	r, _ := http.NewRequest("GET", f.URL+"/api/stream", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := f.Client().Do(r)
	if err != nil {
		f.Fatal(err)
	}
	return res
}

// A stream starts after the reader's last event, says what went wrong before
// its first event as a problem, and ends when the program stops.
func TestStream(t *testing.T) {
	f := one(t, nil)
	streamUntilLeft(f, nil)
	f.refuses("404 lamp.missing", f.asks("GET", "/api/stream", "", "Last-Event-ID", "404"))
	f.refuses("422 request.invalid", f.asks("GET", "/api/stream", "", "Last-Event-ID", "yesterday"))
	res := f.streams("Last-Event-ID", "41", "Accept-Encoding", "gzip")
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "text/event-stream; charset=utf-8" || res.Header.Get("Content-Encoding") != "" {
		t.Fatal(res.Header)
	}
	want := "retry: 1000\n\nid: 42\nevent: lamp\ndata: {\"a\":\ndata: 1}\n\n: still here\n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(bufio.NewReader(res.Body), got); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
	f.edge.Stop()
	if rest, err := io.ReadAll(res.Body); len(rest) != 0 || err != nil {
		t.Fatalf("%q, %v", rest, err)
	}
	if a := f.asks("GET", "/readyz", ""); a.StatusCode != 503 {
		t.Errorf("ready while stopping: %s", a.Status)
	}
}

// A graceful stop lets a running request finish and takes no new one.
func TestStopFinishesWhatRuns(t *testing.T) {
	f := one(t, nil)
	inside, leave := make(chan bool), make(chan bool)
	httpx.Page(f.edge, httpx.Op{ID: "lamp.slow", Method: "GET", Path: "/slow", Public: true}, func(w http.ResponseWriter, _ *http.Request, _ any) error {
		inside <- true
		<-leave
		_, err := io.WriteString(w, "finished")
		return err
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served, answered := make(chan error, 1), make(chan string, 1)
	go func() { served <- f.edge.Serve(ctx, l, 10*time.Second) }()
	go func() {
		res, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		answered <- string(raw)
	}()
	<-inside
	stop()
	for { // the listener closes a moment later
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	leave <- true
	if got := <-answered; got != "finished" {
		t.Fatal(got)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

// Profiles are there only where they are switched on, and then for this machine.
func TestProfilesAreOffUnlessAskedFor(t *testing.T) {
	f := one(t, nil)
	f.refuses("404 request.no_such_page", f.asks("GET", "/debug/pprof/heap", ""))
	f = one(t, func(o *httpx.Options) { o.Profile = true })
	if a := f.asks("GET", "/debug/pprof/heap", ""); a.StatusCode != 200 || len(a.body) == 0 {
		t.Errorf("%s, %d bytes", a.Status, len(a.body))
	}
	f.refuses("404 request.no_such_page", f.asks("GET", "/debug/pprof/heap", "", "X-Forwarded-For", "8.8.8.8"))
}

// What only machines ask: figures from this machine only, readiness by what app
// checks, a foreign name for this machine refused.
func TestProbesAndHosts(t *testing.T) {
	reg := prometheus.NewRegistry()
	ready := error(nil)
	f := one(t, func(o *httpx.Options) {
		o.Registerer, o.Metrics = reg, promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
		o.Ready = func(context.Context) error { return ready }
		o.Hosts = []string{"127.0.0.1", "localhost"}
	})
	f.asks("GET", "/api/lamps", "")
	a := f.asks("GET", "/metrics", "")
	if a.StatusCode != 200 || !strings.Contains(string(a.body), `http_requests_total{route="GET /api/lamps",status="2xx"} 1`) {
		t.Errorf("%s %s", a.Status, a.body)
	}
	f.refuses("404 request.no_such_page", f.asks("GET", "/metrics", "", "X-Forwarded-For", "8.8.8.8"))
	if a := f.asks("GET", "/readyz", ""); a.StatusCode != 200 {
		t.Error(a.Status)
	}
	ready = errors.New("password=hunter2")
	if a := f.asks("GET", "/readyz", ""); a.StatusCode != 503 || strings.Contains(string(a.body), "hunter2") {
		t.Errorf("%s %s", a.Status, a.body)
	}
	r, _ := http.NewRequest("GET", f.URL+"/api/lamps", nil)
	r.Host = "evil.example"
	res, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("a foreign name got %s", res.Status)
	}
}

// The client's address is believed only from our own proxies.
func TestClientAddress(t *testing.T) {
	f := one(t, func(o *httpx.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.9:1", "1.2.3.4", "203.0.113.9"},
		{"10.0.0.1:1", "1.2.3.4, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1", "2001:db8::1", "2001:db8::1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": {c.forwarded}}}
		if got := f.edge.ClientAddress(r).String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A web app's files: kept for a year when their name has a hash, its own routes
// answered with its first page, the rest missing.
func TestAssets(t *testing.T) {
	f := one(t, nil)
	httpx.Assets(f.edge, httpx.Op{ID: "app.desk", Path: "/desk/{path...}", Public: true}, fstest.MapFS{
		"index.html":       {Data: []byte("<!doctype html>desk")},
		"assets/a-1234.js": {Data: []byte("1")},
	}, "index.html")
	for path, want := range map[string]string{
		"/desk/": "<!doctype html>desk no-cache text/html; charset=utf-8", "/desk/cases/7": "<!doctype html>desk no-cache text/html; charset=utf-8",
		"/desk/assets/a-1234.js": "1 public, max-age=31536000, immutable text/javascript; charset=utf-8",
	} {
		a := f.asks("GET", path, "")
		if got := string(a.body) + " " + a.Header.Get("Cache-Control") + " " + a.Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %s", path, got)
		}
		if b := f.asks("GET", path, "", "If-None-Match", a.Header.Get("ETag")); b.StatusCode != 304 || len(b.body) != 0 {
			t.Errorf("%s again: %s", path, b.Status)
		}
	}
	f.refuses("404 request.no_such_page", f.asks("GET", "/desk/assets/b.js", ""))
	f.refuses("404 request.no_such_page", f.asks("GET", "/desk/..%2f..%2fetc/passwd.txt", ""))
}

// The specification names types by their rooms, knows the values of an enum,
// says who may call, and is the same bytes each time.
func TestSpecification(t *testing.T) {
	f, g := one(t, nil), one(t, nil)
	a, err := f.edge.OpenAPI()
	b, err2 := g.edge.OpenAPI()
	if err != nil || err2 != nil || string(a) != string(b) {
		t.Fatalf("%v %v: specifications differ", err, err2)
	}
	var spec struct {
		OpenAPI    string
		Paths      map[string]map[string]map[string]any
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	if err := json.Unmarshal(a, &spec); err != nil || spec.OpenAPI != "3.1.0" {
		t.Fatal(err, spec.OpenAPI)
	}
	if got := spec.Components.Schemas["HttpxTestColour"].Enum; !slices.Equal(got, []string{"red", "green"}) {
		t.Errorf("enum %v", got)
	}
	for _, name := range []string{"Problem", "Where", "HttpxTestLamp", "ListHttpxTestLamp"} {
		if _, ok := spec.Components.Schemas[name]; !ok {
			t.Errorf("no schema %s", name)
		}
	}
	put := spec.Paths["/api/lamps/{id}"]["put"]
	if put["x-permission"] != "lamp.put" || put["x-kind"] != "write" || !strings.Contains(fmt.Sprint(put["parameters"]), "Idempotency-Key") {
		t.Errorf("%v", put)
	}
	if strings.Contains(string(a), "$schema") || strings.Contains(string(a), `"null"`) {
		t.Error("$schema or nullable lists in the specification")
	}
	if _, ok := spec.Paths["/api/photos"]["post"]["requestBody"]; !ok {
		t.Error("the upload has no body")
	}
	if got := f.asks("GET", "/api/openapi.json", ""); string(got.body) != string(a) {
		t.Error("another specification is served")
	}
	ids := []string{}
	for _, op := range f.edge.Ops() {
		ids = append(ids, op.ID+" "+op.Kind)
	}
	if got := strings.Join(ids, ", "); got != "lamp.dim write, lamp.file download, lamp.get read, lamp.list read, lamp.page page, lamp.photo upload, lamp.put write" {
		t.Error(got)
	}
}

// An operation without a say on who may call it does not start.
func TestOpNeedsAnAnswerToWho(t *testing.T) {
	f := one(t, nil)
	for _, op := range []httpx.Op{
		{ID: "lamp.a", Method: "GET", Path: "/a"},
		{ID: "lamp.b", Method: "GET", Path: "/b", Public: true, Permission: "lamp.b"},
		{ID: "lamp", Method: "GET", Path: "/c", Public: true},
		{ID: "lamp.get", Method: "GET", Path: "/d", Public: true},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", op)
				}
			}()
			httpx.Page(f.edge, op, func(http.ResponseWriter, *http.Request, any) error { return nil })
		}()
	}
}

// All faults of the edge have a sentence in both languages.
func TestFaultsHaveWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "httpx", Files: httpx.Words})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*fault.Fault{httpx.ErrInvalid, httpx.ErrMalformed, httpx.ErrMediaType, httpx.ErrTimeout, httpx.ErrTooLarge, httpx.ErrNoSuchPage,
		httpx.ErrMethod, httpx.ErrCrossOrigin, httpx.ErrHost, httpx.ErrTooMany, httpx.ErrBusy, httpx.ErrOtherContent, httpx.ErrChanged,
		httpx.ErrNotAccepted, httpx.ErrCursor} {
		if !c.Has(f.Code) {
			t.Errorf("%s has no sentence", f.Code)
		}
	}
}
