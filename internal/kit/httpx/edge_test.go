package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// person is who asks in these tests: the value of the header Person.
type person struct{ name string }

type lamp struct {
	ID      id.ID    `json:"id"`
	Title   string   `json:"title"`
	Colour  colour   `json:"colour"`
	Version int64    `json:"version"`
	Tags    []string `json:"tags,omitempty"`
}

type colour string

func (colour) Enum() []string { return []string{"red", "green"} }

type lampIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Title  string `json:"title" minLength:"1" maxLength:"20"`
		Colour colour `json:"colour"`
		At     *struct {
			Lon float64 `json:"lon" minimum:"-180" maximum:"180"`
		} `json:"at,omitempty"`
	}
}

type dimIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body struct {
		Colour colour `json:"colour"`
	}
}

type lampOut struct{ Body lamp }

var (
	errNoLamp = fault.New(fault.Missing, "lamp.missing")
	errBroken = fault.New(fault.Conflict, "lamp.broken")
)

// front is the real edge over a real database, with one small room behind it.
type front struct {
	testing.TB
	*httptest.Server
	edge  *httpx.Edge
	clock *dbtest.Clock
	db    *db.DB
	log   *lockedBuffer
	runs  *atomic.Int64 // how often the command's function ran
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const lampTable = `-- +goose Up
CREATE TABLE lamp (id BYTEA NOT NULL PRIMARY KEY, title TEXT NOT NULL, colour TEXT NOT NULL, version BIGINT NOT NULL);
`

// each opens the front once for each engine.
func each(t *testing.T, set func(*httpx.Options), story func(f *front)) {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	rooms := []db.Room{httpx.Room(), {Name: "lamp", Migrations: oneFile("0001_lamp.sql", lampTable)}}
	dbtest.EachWith(t, func(o *db.Options) { o.Now = clock.Now }, rooms, func(t *testing.T, d *db.DB) {
		story(open(t, d, clock, set))
	})
}

func open(t testing.TB, d *db.DB, clock *dbtest.Clock, set func(*httpx.Options)) *front {
	t.Helper()
	f := &front{TB: t, clock: clock, db: d, log: &lockedBuffer{}, runs: new(atomic.Int64)}
	catalogue, err := words.New(
		words.Source{Room: "httpx", Files: httpx.Words},
		words.Source{Room: "lamp", Files: twoFiles(
			`{"lamp.missing":"没有这盏灯。","lamp.broken":"这盏灯坏了 {count} 次。"}`,
			`{"lamp.missing":"There is no such lamp.","lamp.broken":"This lamp broke {count} times."}`)},
	)
	if err != nil {
		t.Fatal(err)
	}
	o := httpx.Options{
		Title: "Lamps", Version: "1", DB: d, Words: catalogue, Now: clock.Now,
		Log: slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Who: func(r *http.Request, op httpx.Op) (httpx.Caller, error) {
			name := r.Header.Get("Person")
			if name == "" && !op.Public {
				return httpx.Caller{}, fault.New(fault.SignIn, "lamp.missing")
			}
			return httpx.Caller{By: &person{name}, Key: name}, nil
		},
	}
	if set != nil {
		set(&o)
	}
	if f.edge, err = httpx.New(o); err != nil {
		t.Fatal(err)
	}
	f.routes()
	f.Server = httptest.NewServer(f.edge.Handler())
	t.Cleanup(f.Close)
	return f
}

func read(tx *db.Tx, lampID id.ID) (lamp, error) {
	l := lamp{ID: lampID}
	err := tx.Row(`SELECT title, colour, version FROM lamp WHERE id = $1`, lampID).Scan(&l.Title, &l.Colour, &l.Version)
	if errors.Is(err, db.ErrNoRows) {
		return l, errNoLamp
	}
	return l, err
}

func (f *front) routes() {
	op := func(name, method, path string) httpx.Op {
		return httpx.Op{ID: "lamp." + name, Method: method, Path: path, Permission: "lamp." + name, Summary: name}
	}
	httpx.Read(f.edge, op("get", "GET", "/api/lamps/{id}"), func(tx *db.Tx, _ *person, in *struct {
		ID id.ID `path:"id"`
	}) (*lampOut, error) {
		l, err := read(tx, in.ID)
		return &lampOut{l}, err
	})
	httpx.Read(f.edge, op("list", "GET", "/api/lamps"), func(tx *db.Tx, _ *person, in *struct {
		httpx.Paging
		Q string `query:"q"`
	}) (*struct{ Body httpx.List[lamp] }, error) {
		after := ""
		if err := in.Read(&after); err != nil {
			return nil, err
		}
		var list httpx.List[lamp]
		rows, err := tx.Query(`SELECT id, title, colour, version FROM lamp WHERE title > $1 ORDER BY title LIMIT $2`, after, in.Limit)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var l lamp
			if err := rows.Scan(&l.ID, &l.Title, &l.Colour, &l.Version); err != nil {
				return nil, err
			}
			list.Items = append(list.Items, l)
		}
		if len(list.Items) == in.Limit {
			list.Next, err = httpx.Cursor(list.Items[in.Limit-1].Title)
		}
		return &struct{ Body httpx.List[lamp] }{list}, errors.Join(err, rows.Err())
	})
	httpx.Write(f.edge, op("put", "PUT", "/api/lamps/{id}"), func(tx *db.Tx, by *person, in *lampIn) (*lampOut, error) {
		f.runs.Add(1)
		l := lamp{ID: in.ID, Title: in.Body.Title, Colour: in.Body.Colour, Version: 1}
		if l.Title == "boom" {
			panic("password=hunter2")
		}
		if l.Title == "leak" {
			return nil, fmt.Errorf("password=hunter2")
		}
		if l.Title == "broken" {
			return nil, errBroken.With("count", 1234).Because(errors.New("password=hunter2"))
		}
		_, err := tx.Exec(`INSERT INTO lamp (id, title, colour, version) VALUES ($1, $2, $3, 1)`, l.ID, l.Title, string(l.Colour))
		return &lampOut{l}, err
	})
	httpx.WriteFor(f.edge, op("dim", "POST", "/api/lamps/{id}/moves"), func(in *dimIn) id.ID { return in.ID },
		func(tx *db.Tx, by *person, in *dimIn) (*lampOut, error) {
			f.runs.Add(1)
			l, err := read(tx, in.ID)
			if err != nil {
				return nil, err
			}
			if err := in.Check(tx, l.ID, l.Version); err != nil {
				return nil, err
			}
			l.Colour, l.Version = in.Body.Colour, l.Version+1
			_, err = tx.Exec(`UPDATE lamp SET colour = $1, version = $2 WHERE id = $3`, string(l.Colour), l.Version, l.ID)
			return &lampOut{l}, err
		})
	httpx.Page(f.edge, httpx.Op{ID: "lamp.page", Method: "GET", Path: "/lamps/{secret}", Public: true},
		func(w http.ResponseWriter, r *http.Request, by *person) error {
			switch r.PathValue("secret") {
			case "gone":
				return errNoLamp
			case "panic":
				panic("password=hunter2")
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, err := io.WriteString(w, `<script nonce="`+httpx.Nonce(r.Context())+`">1</script>`)
			return err
		})
	httpx.Upload(f.edge, httpx.Op{ID: "lamp.photo", Method: "POST", Path: "/api/photos", SignedIn: true, MaxBody: 4 << 10},
		func(_ context.Context, _ *person, _ *struct{}, p *httpx.Part) (int64, error) {
			return io.Copy(io.Discard, p.Body)
		},
		func(tx *db.Tx, _ *person, _ *struct{}, size int64, values url.Values) (*photoOut, error) {
			f.runs.Add(1)
			out := &photoOut{}
			out.Body.Size, out.Body.Kind = size, strings.Join(values["kind"], ",")
			return out, nil
		})
	httpx.Download(f.edge, httpx.Op{ID: "lamp.file", Method: "GET", Path: "/api/photos/{name}", SignedIn: true},
		func(_ *db.Tx, _ *person, in *struct {
			Name string `path:"name"`
		}) (*httpx.Content, error) {
			if in.Name == "none" {
				return nil, errNoLamp
			}
			return &httpx.Content{Type: "text/html", Name: "灯.html", Inline: true, ETag: `"x"`, Write: func(w io.Writer) error {
				_, err := io.WriteString(w, strings.Repeat("<script>alert(1)</script>", 200))
				return err
			}}, nil
		})
}

type photoOut struct {
	Body struct {
		Size int64  `json:"size"`
		Kind string `json:"kind"`
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) problem(t testing.TB) httpx.Problem {
	t.Helper()
	var p httpx.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem but %s %q: %s", a.Status, a.Header.Get("Content-Type"), a.body)
	}
	return p
}

// asks sends a request; headers are pairs of name and value.
func (f *front) asks(method, path, body string, headers ...string) answer {
	f.Helper()
	r, err := http.NewRequest(method, f.URL+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Person", "li")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := f.Client().Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return answer{res, raw}
}

// refuses demands a status and code, and gives the problem.
func (f *front) refuses(want string, a answer) httpx.Problem {
	f.Helper()
	p := a.problem(f.TB)
	if got := fmt.Sprintf("%d %s", a.StatusCode, p.Code); got != want {
		f.Fatalf("got %s, want %s: %s", got, want, a.body)
	}
	if p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		f.Fatalf("request id %q, header %q", p.RequestID, a.Header.Get("X-Request-Id"))
	}
	if strings.Contains(string(a.body), "hunter2") {
		f.Fatalf("an internal text reached the caller: %s", a.body)
	}
	return p
}

func (f *front) lamps() int {
	f.Helper()
	n := 0
	err := f.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM lamp`).Scan(&n)
	})
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
