package town

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Person is somebody at a browser: with a name and posts, or a stranger.
type Person struct {
	w       *Town
	Name    string
	address string
	cookies map[string]string
}

// As is somebody of the district, signed in. The name is that of the post:
// "village desk 1".
func (w *Town) As(name string) *Person {
	w.Helper()
	if p, ok := w.people[name]; ok {
		return p
	}
	p := w.Stranger(name)
	if a := p.Do("POST", "/api/demo/session", map[string]any{"account": strings.ReplaceAll(name, " ", ".")}); a.Status != 200 {
		w.Fatalf("%s signs in: %s", name, a)
	}
	w.people[name] = p
	return p
}

// SignInAnew forgets all sessions; whoever does something next signs in again.
func (w *Town) SignInAnew() { clear(w.people) }

// Stranger is somebody without an account, at an address of his own.
func (w *Town) Stranger(name string) *Person {
	strangers++
	return &Person{w: w, Name: name, address: fmt.Sprintf("10.%d.%d.7", strangers/250, strangers%250), cookies: map[string]string{}}
}

var strangers int

// Cookies are those that the browser has.
func (p *Person) Cookies() map[string]string { return maps.Clone(p.cookies) }

// Answer is what the front door answered.
type Answer struct {
	Status int
	Code   string // of a problem
	Body   []byte
	Header http.Header
}

// String is "200", or "409 case.check_first".
func (a Answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, a.Code))
}

// Raw is a body that is sent as it is.
type Raw struct {
	Type string
	Body []byte
}

// Do sends a request. headers are pairs; a nil body sends none, Raw is sent as
// it is, url.Values as a form and anything else as JSON. What is no GET carries
// an id of its own unless the headers name one.
func (p *Person) Do(method, path string, body any, headers ...string) Answer {
	p.w.Helper()
	r := p.request(method, path, body, headers)
	res, err := client.Do(r) //nolint:bodyclose // answer closes it
	p.w.must(err)
	return p.answer(res)
}

// answer reads what came and keeps the cookies.
func (p *Person) answer(res *http.Response) Answer {
	p.w.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	p.w.must(err)
	for _, c := range res.Cookies() {
		p.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(p.cookies, c.Name)
		}
	}
	a := Answer{Status: res.StatusCode, Body: raw, Header: res.Header}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
		var problem struct{ Code string }
		p.w.must(json.Unmarshal(raw, &problem))
		a.Code = problem.Code
	}
	return a
}

// client goes where a page sends it only when it is told to.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (p *Person) request(method, path string, body any, headers []string) *http.Request {
	p.w.Helper()
	media := ""
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case Raw:
		media, content = b.Type, bytes.NewReader(b.Body)
	case url.Values:
		media, content = "application/x-www-form-urlencoded", strings.NewReader(b.Encode())
	default:
		raw, err := json.Marshal(body)
		p.w.must(err)
		media, content = "application/json", bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(p.w.ctx, method, p.w.URL+path, content)
	p.w.must(err)
	r.Header.Set("X-Forwarded-For", p.address)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// Gets reads something into a value; it must be there.
func (p *Person) Gets(path string, into any) {
	p.w.Helper()
	a := p.Do("GET", path, nil)
	if a.Status != 200 {
		p.w.Fatalf("%s GET %s: %s %s", p.Name, path, a, a.Body)
	}
	p.w.must(json.Unmarshal(a.Body, into))
}

// Case is what stories look at of a case.
type Case struct {
	ID       id.ID  `json:"id"`
	Number   string `json:"number"`
	Parent   id.ID  `json:"parent_id"`
	Task     string `json:"task"`
	State    string `json:"state"`
	Stage    string `json:"stage"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	Post     id.ID  `json:"post_id"`
	PostName struct {
		English string `json:"en"`
	} `json:"post_name"`
	Late    bool  `json:"late"`
	Version int64 `json:"version"`
}

// Page is a case with what stands around it.
type Page struct {
	Case  Case   `json:"case"`
	Tasks []Case `json:"tasks"`
	Files []struct {
		ID id.ID `json:"id"`
	} `json:"files"`
	Moves []struct {
		Move    string `json:"move"`
		Allowed bool   `json:"allowed"`
	} `json:"moves"`
	Timeline []struct {
		Kind string `json:"kind"`
	} `json:"timeline"`
}

// With is what comes along with a report or a move.
type With map[string]any

// Report is a report about rubbish in the grid G1, changed by with.
func Report(text string, with ...With) With {
	body := With{"item": "cleanliness", "condition": "pile", "text": text, "form": With{"problem": "exposed"}, "place": At("G1")}
	for _, more := range with {
		for k, v := range more {
			body[k] = v
		}
	}
	return body
}

// At is a place in the middle of a grid.
func At(grid string) With {
	lon, lat := Middle(grid)
	return With{"lon": lon, "lat": lat, "datum": "wgs84"}
}

// Reports sends a report that is taken.
func (p *Person) Reports(text string, with ...With) Case {
	p.w.Helper()
	return p.took(p.Do("POST", "/api/cases", Report(text, with...)), 201, "reports "+text)
}

// Does makes a move that is taken.
func (p *Person) Does(c Case, move string, with ...With) Case {
	p.w.Helper()
	return p.took(p.Tries(c, move, with...), 200, move+" on "+c.State)
}

// Refused makes a move that is refused: "409 case.check_first".
func (p *Person) Refused(c Case, move, want string, with ...With) {
	p.w.Helper()
	if a := p.Tries(c, move, with...); a.String() != want {
		p.w.Fatalf("%s %s: %s, want %s: %s", p.Name, move, a, want, a.Body)
	}
}

// Tries makes a move, whatever comes of it.
func (p *Person) Tries(c Case, move string, with ...With) Answer {
	p.w.Helper()
	body := With{"move": move}
	for _, more := range with {
		for k, v := range more {
			body[k] = v
		}
	}
	return p.Do("POST", "/api/cases/"+c.ID.String()+"/moves", body)
}

func (p *Person) took(a Answer, status int, what string) (c Case) {
	p.w.Helper()
	if a.Status != status {
		p.w.Fatalf("%s %s: %s %s", p.Name, what, a, a.Body)
	}
	p.w.must(json.Unmarshal(a.Body, &c))
	return c
}

// Page is a case as the person sees it.
func (p *Person) Page(c Case) (page Page) {
	p.w.Helper()
	p.Gets("/api/cases/"+c.ID.String(), &page)
	return page
}

// Now is the case as it is now, seen by the hub.
func (w *Town) Now(c Case) Case {
	w.Helper()
	return w.As("hub officer 1").Page(c).Case
}

// Task is the newest task of a case.
func (w *Town) Task(c Case) Case {
	w.Helper()
	tasks := w.As("hub officer 1").Page(c).Tasks
	if len(tasks) == 0 {
		w.Fatalf("case %s has no task", c.Number)
	}
	return tasks[len(tasks)-1]
}

// Lists says whether the person's list or search has the case.
func (p *Person) Lists(c Case, query string) bool {
	p.w.Helper()
	var page struct {
		Items []Case `json:"items"`
	}
	p.Gets("/api/cases?limit=200&"+query, &page)
	for _, x := range page.Items {
		if x.ID == c.ID {
			return true
		}
	}
	return false
}

// Picture is a small photo.
func Picture() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 32, 24)), nil); err != nil {
		panic(err) // into memory
	}
	return b.Bytes()
}

// Form is a form with text fields and one file.
func Form(file []byte, fields ...string) Raw {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = m.WriteField(fields[i], fields[i+1])
	}
	part, _ := m.CreateFormFile("file", "photo.jpg")
	_, _ = part.Write(file)
	_ = m.Close() // all of it into memory
	return Raw{m.FormDataContentType(), b.Bytes()}
}

// Photo uploads a photo: "before" or "after".
func (p *Person) Photo(kind string) id.ID {
	p.w.Helper()
	var f struct {
		ID id.ID `json:"id"`
	}
	a := p.Do("POST", "/api/files", Form(Picture(), "kind", kind))
	if a.Status != 201 {
		p.w.Fatalf("%s uploads a photo: %s %s", p.Name, a, a.Body)
	}
	p.w.must(json.Unmarshal(a.Body, &f))
	return f.ID
}

// Erases erases the content of a case, as the data protection officer who
// approved it.
func (w *Town) Erases(c Case, why string, list *journal.Erasures) {
	w.Helper()
	var by *access.Actor
	w.Read(func(tx *db.Tx) (err error) {
		by, err = w.App.Access.Actor(tx, w.Persons["data protection officer 1"], w.Posts["data protection officer 1"])
		return err
	})
	n, err := w.App.Cases.Erase(w.ctx, w.App.DB, list, by, c.ID, why)
	w.must(err)
	if n == 0 {
		w.Fatalf("nothing of %s was erased", c.Number)
	}
}
