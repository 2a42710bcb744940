package town_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/words"
	"onegrid/internal/town"
)

// poisons are texts that are something else to whoever does not treat them as
// text: markup, a formula, a header, a line of a log, a statement, a template.
var poisons = []string{
	`"><script>alert('evil')</script><img src=x onerror=evil()>`,
	`=HYPERLINK("http://evil.example","evil")`,
	"+evil|' /C calc'!A0",
	"evil\r\nSet-Cookie: evil=1\r\n\r\nevil",
	"evil\n{\"level\":\"ERROR\",\"msg\":\"evil\"}",
	`evil'; DROP TABLE cases; --`,
	`{{evil}} {evil} ${jndi:evil} %!s(evil)`,
	"evil) Tj /JavaScript (evil",
}

// typed is everything that one poison was typed into.
func typed(w *town.Town, poison string) (c town.Case, number string) {
	w.Helper()
	clerk := w.As("village desk 1")
	report := town.Report(poison, town.With{"place": town.With{"lon": 117.005, "lat": 36.905, "datum": "wgs84", "words": poison},
		"reporter": town.With{"name": string([]rune(poison)[:min(40, len([]rune(poison)))]), "phone": "13800000021"}})
	a := clerk.Do("POST", "/api/cases", report)
	if a.Status != 201 {
		w.Fatalf("%q is not taken as words: %s %s", poison, a, a.Body)
	}
	if err := json.Unmarshal(a.Body, &c); err != nil {
		w.Fatal(err)
	}
	if a := clerk.Do("POST", "/api/cases/"+c.ID.String()+"/comments", town.With{"text": poison, "internal": true}); a.Status >= 300 {
		w.Fatalf("a comment of %q: %s %s", poison, a, a.Body)
	}
	clerk.Does(c, "refuse", town.With{"reason": "refuse_empty", "note": poison, "resident_text": poison})
	f := town.Form(town.Picture(), "kind", "before")
	f.Body = bytes.Replace(f.Body, []byte(`filename="photo.jpg"`), []byte(`filename="`+strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22").Replace(poison)+`"`), 1)
	if a := clerk.Do("POST", "/api/files", f); a.Status != 201 {
		w.Fatalf("a photo called %q: %s %s", poison, a, a.Body)
	}
	// Names of people and posts are typed by clerks; line ends are refused there.
	w.Write(func(tx *db.Tx) error {
		name := strings.NewReplacer("\r", " ", "\n", " ").Replace(poison)
		p, err := w.App.Org.CreatePerson(tx, w.Operator(tx), org.PersonIn{Name: name})
		if err != nil {
			return fmt.Errorf("a person called %q: %w", name, err)
		}
		post, err := w.App.Org.CreatePost(tx, w.Operator(tx), org.PostIn{Role: "volunteer", Name: words.Text{Chinese: name, English: name}, Unit: w.Nodes["P1"], Level: org.AtVillage, Node: w.Nodes["P1"]})
		if err != nil {
			return fmt.Errorf("a post called %q: %w", name, err)
		}
		_, err = w.App.Org.Assign(tx, w.Operator(tx), org.HoldingIn{Post: post.ID, Person: p.ID, From: tx.Now()})
		return err
	})
	// The public door, in a form and in JSON.
	stranger := w.Stranger("resident")
	a = stranger.Do("POST", "/api/public/reports", with{"key": formKey(), "what": "rubbish", "village": "P1", "near": poison, "text": poison})
	if a.Status != 200 {
		w.Fatalf("a resident reports %q: %s %s", poison, a, a.Body)
	}
	var sent struct{ Report struct{ Number string } }
	if err := json.Unmarshal(a.Body, &sent); err != nil {
		w.Fatal(err)
	}
	page := stranger.Do("GET", "/my/"+sent.Report.Number, nil, "Accept", "text/html")
	if page.Status != 200 {
		w.Fatalf("the own page: %s", page)
	}
	inert(w, "the resident's page", page)
	return c, sent.Report.Number
}

// live is markup or script that a page would act on.
var live = regexp.MustCompile(`(?i)<script>alert|<img src=x|onerror=evil\(\)>|"><script`)

// inert demands that an answer shows what was typed as text and nothing else.
func inert(w *town.Town, what string, a town.Answer) {
	w.Helper()
	h := a.Header
	media := h.Get("Content-Type")
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" {
		w.Errorf("%s: a browser may take %s for something else", what, media)
	}
	if strings.HasPrefix(media, "text/html") && live.Match(a.Body) {
		w.Errorf("%s holds live markup: %.3000s", what, a.Body)
	}
	for name, values := range h {
		for _, v := range values {
			if strings.Contains(v, "evil=1") || strings.ContainsAny(v, "\r\n") {
				w.Errorf("%s: the header %s is %q", what, name, v)
			}
		}
	}
	if strings.HasPrefix(media, "application/json") && bytes.ContainsAny(a.Body, "<>") {
		w.Errorf("%s: JSON with open markup", what) // a page that embeds it would act on it
	}
}

// Whatever is typed into a field stays text: on pages, in JSON, in headers, in
// spreadsheets, in print, in the log and in the database.
func TestTypedTextStaysText(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		hub := w.As("hub officer 1")
		for _, poison := range poisons {
			c, number := typed(w, poison)
			inert(w, "the case", hub.Do("GET", "/api/cases/"+c.ID.String(), nil))
			inert(w, "the resident's case", hub.Do("GET", "/api/case-numbers/"+number, nil))
			inert(w, "the list", hub.Do("GET", "/api/cases?view=all", nil))
			inert(w, "a search", hub.Do("GET", "/api/cases?view=all&q="+url.QueryEscape(string([]rune(poison)[:min(60, len([]rune(poison)))])), nil))
			inert(w, "a search for people", hub.Do("GET", "/api/org/persons?q="+url.QueryEscape(poison[:10]), nil))
			inert(w, "a page that is none", w.Stranger("x").Do("GET", "/"+url.PathEscape(poison), nil, "Accept", "text/html"))
			print := hub.Do("POST", "/api/cases/"+c.ID.String()+"/print", nil)
			if print.Status != 200 || bytes.Contains(print.Body, []byte("/JavaScript")) || !bytes.HasPrefix(print.Body, []byte("%PDF")) {
				w.Errorf("in print %q is %s", poison, print)
			}
			inert(w, "the print", print)
		}
		for _, format := range []sheet.Format{sheet.CSV, sheet.XLSX, sheet.JSON} {
			for _, table := range []string{"people", "posts"} {
				a := hub.Do("POST", "/api/org/tables/"+table+"/file?format="+string(format), nil)
				if a.Status != 200 || format != sheet.XLSX && !bytes.Contains(a.Body, []byte("evil")) {
					w.Fatalf("%s as %s: %s %.300s", table, format, a, a.Body)
				}
				inert(w, table, town.Answer{Body: a.Body, Header: a.Header})
				harmless(w, table, format, a.Body)
			}
		}
		if log := w.Logged.String(); strings.Contains(log, "evil") || !strings.Contains(log, `"route":"POST /api/cases"`) {
			w.Errorf("what was typed stands in the log: %.2000s", log[max(0, strings.Index(log, "evil")-500):])
		}
		if n := w.Rows()["cases"]; n < int64(2*len(poisons)) {
			w.Errorf("%d cases are left", n)
		}
		w.Verified()
	})
}

// harmless demands that no cell of an export begins a formula.
func harmless(t testing.TB, what string, format sheet.Format, raw []byte) {
	t.Helper()
	switch format {
	case sheet.CSV:
		rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff")))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
					t.Errorf("%s: the cell %q begins a formula", what, cell)
				}
			}
		}
	case sheet.XLSX: // which refuses a formula when it is read
		r, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), sheet.Limits{})
		for err == nil {
			_, _, err = r.Next()
		}
		if err != io.EOF { //nolint:errorlint // the very value
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Requests as no browser writes them: what can't be meant honestly is refused,
// and nothing leads out of where it should.
func TestCraftedRequests(t *testing.T) {
	w := town.New(t, db.SQLite)
	hub := w.As("hub officer 1")
	var session string
	for name, value := range hub.Cookies() {
		session += name + "=" + value + "; "
	}
	if session == "" {
		t.Fatal("nobody is signed in")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.App.Edge.Serve(ctx, l, time.Second) }()
	defer func() { stop(); <-served }()
	send := func(text string) (int, http.Header, string) {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0, nil, "" // cut off
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body) // what came of it
		return res.StatusCode, res.Header, string(body)
	}
	head := w.Head()
	report := `{"item":"cleanliness","condition":"pile","text":"x","form":{"problem":"exposed"},"place":{"lon":117.005,"lat":36.905,"datum":"wgs84"}}`
	length := fmt.Sprint(len(report))
	for what, c := range map[string]struct {
		request string
		want    []int // 0: cut off without an answer
	}{
		"a path upwards":                     {"GET /desk/../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{200, 301, 307, 400, 404}},
		"a path upwards in disguise":         {"GET /desk/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{200, 301, 307, 400, 404}},
		"a path upwards by backslashes":      {"GET /desk/..\\..\\etc\\passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{200, 400, 404}},
		"a file upwards":                     {"GET /api/files/..%2f..%2fkeys%2ffields.json HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{404, 422}},
		"a table upwards":                    {"GET /api/org/tables/..%2fpeople?format=csv HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{404, 405, 422}},
		"bytes of nothing in a path":         {"GET /api/cases/%00 HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{400}},
		"a path that is no text":             {"GET /api/case-numbers/%ff%fe HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{400, 422}},
		"a query that is no text":            {"GET /api/cases?view=all&q=%ff%fe HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{400, 422}},
		"a line end in a path":               {"GET /api/%0d%0aSet-Cookie:evil=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{404}},
		"a line end in a way back":           {"GET /display?lang=en&back=%2Freport%0d%0aSet-Cookie:evil=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", []int{302, 303, 400, 404, 422}},
		"a foreign host":                     {"GET /api/session HTTP/1.1\r\nHost: evil.example\r\nCookie: " + session + "\r\n\r\n", []int{400}},
		"two hosts":                          {"GET /api/session HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", []int{400}},
		"a host in the line":                 {"GET http://evil.example/api/session HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{400}},
		"no host":                            {"GET /api/session HTTP/1.1\r\n\r\n", []int{400}},
		"two lengths":                        {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nContent-Length: 5\r\nContent-Length: " + length + "\r\n\r\n" + report, []int{400}},
		"a length and chunks":                {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", []int{0, 400, 422}},
		"chunks in disguise":                 {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", []int{400, 501}},
		"a header folded over two lines":     {"GET /api/session HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", []int{200, 400, 401}},
		"a blank before the colon":           {"GET /api/session HTTP/1.1\r\nHost : localhost\r\n\r\n", []int{400}},
		"a header of a hundred thousand":     {"GET /api/session HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 100_000) + "\r\n\r\n", []int{431, 0}},
		"a page of another site":             {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nOrigin: http://evil.example\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n" + report, []int{403}},
		"a page of another site, older":      {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nSec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n" + report, []int{403}},
		"a form of another site":             {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nOrigin: null\r\nContent-Type: text/plain\r\nContent-Length: " + length + "\r\n\r\n" + report, []int{403}},
		"a method in a header":               {"POST /api/cases HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\nX-HTTP-Method-Override: DELETE\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", []int{422}},
		"a path in a header":                 {"GET /api/session HTTP/1.1\r\nHost: localhost\r\nX-Original-URL: /api/accounts\r\nX-Rewrite-URL: /api/accounts\r\n\r\n", []int{401}},
		"TRACE":                              {"TRACE /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: " + session + "\r\n\r\n", []int{404, 405}},
		"the program's figures from outside": {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nForwarded: for=127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n\r\n", []int{403, 404}},
		"the session of a cookie made twice": {"GET /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: onegrid_session=x; " + session + "\r\n\r\n", []int{200, 401}},
	} {
		status, header, body := send(c.request)
		ok := false
		for _, s := range c.want {
			ok = ok || s == status
		}
		if !ok {
			t.Errorf("%s: %d, want %v: %.500s", what, status, c.want, body)
		}
		if strings.Contains(body, "root:") || strings.Contains(body, "primaryKeyId") || strings.Contains(fmt.Sprint(header), "evil") {
			t.Errorf("%s: %v %.500s", what, header, body)
		}
	}
	if w.Head() != head {
		t.Error("one of them wrote something")
	}
}
