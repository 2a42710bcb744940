package portal

import (
	"bytes"
	"context"
	"errors"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// morning is a Tuesday, 10:00 in the district.
var morning = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// house is a small district with the real rooms on a real database, and this
// door open before it.
type house struct {
	*testing.T
	ctx    context.Context
	db     *db.DB
	clock  *dbtest.Clock
	org    *org.Org
	access *access.Access
	desk   *casework.Desk
	items  *catalog.Catalog
	files  *blob.Area
	portal *Portal
	server *httptest.Server
	words  *words.Catalogue

	units, grids, posts, who map[string]id.ID
}

// plan is what a test changes about the house.
type plan struct {
	cap   int64
	rates *Rates
	demo  bool
	known *gazetteer // addresses that can be found
	news  News
}

func both(s string) words.Text { return words.Text{Chinese: s, English: s + " (en)"} }

// catalogue joins the words of all rooms that speak at this door.
func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(
		words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: "blob", Files: blob.Words}, words.Source{Room: "access", Files: access.Words},
		words.Source{Room: "catalog", Files: catalog.Words}, words.Source{Room: "registry", Files: registry.Words}, words.Source{Room: "casework", Files: casework.Words}, words.Source{Room: "portal", Files: Words})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// each tells a story on both engines.
func each(t *testing.T, p plan, story func(h *house)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { story(build(t, engine, p)) })
	}
}

func build(t *testing.T, engine db.Engine, plan plan) *house {
	t.Helper()
	h := &house{T: t, ctx: context.Background(), clock: dbtest.NewClock(morning), words: catalogue(t),
		units: map[string]id.ID{}, grids: map[string]id.ID{}, posts: map[string]id.ID{}, who: map[string]id.ID{}}
	log := journal.New()
	log.OnNumbered(casework.Arrive, casework.ArriveKinds...)
	rooms := []db.Room{httpx.Room(), jobs.Room(), journal.Room(), org.Room(), access.Room(), grid.Room(), calendar.Tables(), catalog.Room(), registry.Room(), casework.Room()}
	h.db = dbtest.Open(t, engine, func(o *db.Options) { o.Now, o.Ledger = h.clock.Now, log }, rooms)
	rules, err := org.LoadRules(data.FS)
	h.must(err)
	book, err := access.LoadRoleBook(data.FS)
	h.must(err)
	keys := filepath.Join(t.TempDir(), "fields.json")
	h.must(seal.Create(keys))
	box, err := seal.Load(keys)
	h.must(err)
	store, err := blob.Open(t.TempDir(), blob.Options{Now: h.clock.Now})
	h.must(err)
	h.files, err = store.Area("files", 0)
	h.must(err)
	quarantine, err := store.Area("quarantine", plan.cap)
	h.must(err)
	h.org = org.New(rules)
	h.access, err = access.New(access.Options{Org: h.org, Roles: book, Sealer: seal.AEAD{Box: box}, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}})
	h.must(err)
	h.org.Guarded(h.access)
	grids := grid.New(h.org)
	calendars := calendar.NewCalendars()
	register := catalog.New(catalog.Known{})
	h.items = register
	people, err := registry.New(registry.Options{Org: h.org, Seal: box, Files: data.FS, Declared: []personal.Room{casework.Personal()}})
	h.must(err)
	var known casework.Addresses
	var findable Places
	if plan.known != nil {
		known, findable = plan.known, plan.known
	}
	h.desk, err = casework.New(casework.Options{Registry: people, Places: known, Org: h.org, Grids: grids, Calendars: calendars, Catalog: register, Access: h.access, Seal: box,
		Files: h.files, Quarantine: quarantine, Pictures: blob.NewPictures(blob.PictureOptions{})})
	h.must(err)
	h.write(func(tx *db.Tx) error { return calendars.Seed(tx, journal.By{Via: "cli:test"}, data.FS) })
	h.write(func(tx *db.Tx) error { return register.Seed(tx, h.operator()) })
	h.found(grids)
	h.portal = New(Options{Places: findable, DB: h.db, Cases: h.desk, Catalog: register, Org: h.org, Quarantine: quarantine, Words: h.words,
		Now: h.clock.Now, Demo: plan.demo, Rates: plan.rates, News: plan.news})
	edge, err := httpx.New(httpx.Options{Title: "t", Version: "0", DB: h.db, Words: h.words, Who: h.access.Who(h.db), Now: h.clock.Now})
	h.must(err)
	h.portal.Routes(edge)
	h.server = httptest.NewServer(edge.Handler())
	t.Cleanup(h.server.Close)
	return h
}

func (h *house) operator() *access.Actor { return access.Operator("cli:test", h.units["H"]) }

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	h.must(h.db.Write(h.ctx, fn))
}

// found makes the organisation, draws two square grids and seats people.
func (h *house) found(grids *grid.Grids) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		for _, u := range []struct {
			kind                org.UnitKind
			code, name, up, key string
		}{
			{org.Hub, "H", "起步区中枢", "", ""}, {org.Street, "S1", "大桥街道", "H", ""}, {org.Street, "S2", "崔寨街道", "H", ""},
			{org.Platform, "P1", "鹊山东社区", "S1", ""}, {org.Platform, "P2", "付家村", "S2", ""},
			{org.Department, "UM", "城管", "H", "urban_management"},
		} {
			v, err := h.org.CreateUnit(tx, h.operator(), org.UnitIn{Kind: u.kind, Code: u.code, Key: u.key, Name: both(u.name), Parent: h.units[u.up], Calendar: "office", DutyCalendar: "office"})
			if err != nil {
				return err
			}
			h.units[u.code] = v.ID
		}
		return nil
	})
	h.write(func(tx *db.Tx) error {
		r, err := grids.Import(tx, h.operator(), []grid.ImportRow{
			{Number: 1, Code: "370115003201001", Name: "一号网格", Platform: "P1", Shape: square(117.00, 36.90)},
			{Number: 2, Code: "370115004201001", Name: "二号网格", Platform: "P2", Shape: square(117.02, 36.90)},
		}, grid.ImportOptions{Datum: geo.WGS84})
		if err == nil && r.Taken != 2 {
			err = errors.New("the grids were refused")
		}
		return err
	})
	h.must(h.db.Read(h.ctx, func(tx *db.Tx) error {
		for name, code := range map[string]string{"G1": "370115003201001", "G2": "370115004201001"} {
			g, _, err := grids.ByCode(tx, code)
			if err != nil {
				return err
			}
			h.grids[name] = g.ID
		}
		return nil
	}))
	for _, s := range []struct {
		name, role, unit string
		level            org.Level
		node             string
	}{
		{"officer", "grid_officer", "P1", org.AtGrid, "G1"}, {"head", "grid_head", "P1", org.AtGrid, "G1"},
		{"village", "village_desk", "P1", org.AtVillage, "P1"}, {"street", "street_desk", "S1", org.AtStreet, "S1"},
		{"hub", "hub_officer", "H", org.AtDistrict, "H"}, {"works", "department_handler", "UM", org.AtDepartment, "UM"},
		{"village2", "village_desk", "P2", org.AtVillage, "P2"},
	} {
		h.seat(s.name, s.role, s.unit, s.level, s.node)
	}
}

func (h *house) seat(name, role, unit string, level org.Level, node string) {
	h.Helper()
	at, ok := h.grids[node]
	if !ok {
		at = h.units[node]
	}
	h.write(func(tx *db.Tx) error {
		p, err := h.org.CreatePost(tx, h.operator(), org.PostIn{Role: role, Name: both("岗位" + name), Unit: h.units[unit], Level: level, Node: at})
		if err != nil {
			return err
		}
		w, err := h.org.CreatePerson(tx, h.operator(), org.PersonIn{Name: "演示-" + name})
		if err != nil {
			return err
		}
		h.posts[name], h.who[name] = p.ID, w.ID
		_, err = h.org.Assign(tx, h.operator(), org.HoldingIn{Post: p.ID, Person: w.ID, From: morning.Add(-time.Hour)})
		return err
	})
}

func square(lon, lat float64) orb.MultiPolygon {
	const w = 0.02
	return orb.MultiPolygon{{{{lon, lat}, {lon + w, lat}, {lon + w, lat + w}, {lon, lat + w}, {lon, lat}}}}
}

// does lets a member of staff make a move on the case with this number; "task"
// is whoever the open task was given to, on that task.
func (h *house) does(who, number string, act casework.Act) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		page, err := h.desk.ByNumber(tx, h.operator(), number)
		if err != nil {
			return err
		}
		on, name := page.Case.ID, who
		if who == "task" {
			for _, t := range page.Tasks {
				if t.State == casework.Open {
					on, name = t.ID, h.nameOf(t.Post)
				}
			}
		}
		_, err = h.desk.Move(tx, h.as(tx, name), on, act, nil)
		return err
	})
}

// nameOf is who sits at a post.
func (h *house) nameOf(post id.ID) string {
	h.Helper()
	for name, p := range h.posts {
		if p == post {
			return name
		}
	}
	h.Fatalf("nobody sits at %s", post)
	return ""
}

func (h *house) caseOf(tx *db.Tx, number string) id.ID {
	h.Helper()
	page, err := h.desk.ByNumber(tx, h.operator(), number)
	h.must(err)
	return page.Case.ID
}

// page reads a case as the operator sees it.
func (h *house) page(number string) (p *casework.Page) {
	h.Helper()
	h.must(h.db.Read(h.ctx, func(tx *db.Tx) (err error) {
		p, err = h.desk.ByNumber(tx, h.operator(), number)
		return err
	}))
	return p
}

// cases counts what was reported.
func (h *house) cases() (n int64) {
	h.Helper()
	h.must(h.db.Read(h.ctx, func(tx *db.Tx) error { return tx.Row(`SELECT COUNT(*) FROM cases WHERE parent_id IS NULL`).Scan(&n) }))
	return n
}

// browser is one resident's browser.
type browser struct {
	*house
	client *http.Client
	lang   string
}

func (h *house) browser() *browser {
	h.Helper()
	jar, err := cookiejar.New(nil)
	h.must(err)
	return &browser{house: h, client: &http.Client{Jar: jar}, lang: "zh-CN"}
}

// cookies are what the browser holds; takes puts them into another.
func (b *browser) cookies() []*http.Cookie {
	b.Helper()
	at, err := url.Parse(b.server.URL)
	b.must(err)
	return b.client.Jar.Cookies(at)
}

func (b *browser) takes(some []*http.Cookie) {
	b.Helper()
	at, err := url.Parse(b.server.URL)
	b.must(err)
	b.client.Jar.SetCookies(at, some)
}

// answer is a page as it came.
type answer struct {
	status int
	path   string // where the browser ended
	header http.Header
	body   string
}

func (b *browser) do(method, path, kind string, body io.Reader) answer {
	b.Helper()
	req, err := http.NewRequestWithContext(b.ctx, method, b.server.URL+path, body)
	b.must(err)
	req.Header.Set("Accept-Language", b.lang)
	req.Header.Set("Accept", "text/html")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return b.send(req)
}

func (b *browser) send(req *http.Request) answer {
	b.Helper()
	res, err := b.client.Do(req)
	b.must(err)
	raw, err := io.ReadAll(res.Body)
	b.must(errors.Join(err, res.Body.Close()))
	return answer{res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(raw)}
}

func (b *browser) get(path string) answer { b.Helper(); return b.do("GET", path, "", nil) }

func (b *browser) post(path string, v url.Values) answer {
	b.Helper()
	return b.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

// upload sends a form as a browser does that has files in it.
func (b *browser) upload(path string, v url.Values, photos ...[]byte) answer {
	b.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	if len(photos) == 0 {
		photos = [][]byte{nil} // an empty picker is sent too
	}
	for i, raw := range photos {
		name := "IMG_1.jpg"
		if raw == nil {
			name = ""
		}
		// Created by hand: an empty file name is left out by CreateFormFile.
		w, err := m.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="photos"; filename="` + name + `"`}, "Content-Type": {"image/jpeg"}})
		b.must(err)
		_, err = w.Write(photos[i])
		b.must(err)
	}
	for k, vs := range v {
		for _, s := range vs {
			b.must(m.WriteField(k, s))
		}
	}
	b.must(m.Close())
	return b.do("POST", path, m.FormDataContentType(), &buf)
}

// report fills in the form: it opens it first, as everybody does.
func (b *browser) report(set url.Values) url.Values {
	b.Helper()
	page := b.get("/report")
	v := url.Values{"key": {page.hidden("key")}, "what": {"rubbish"}, "village": {"P1"}, "near": {"东门外"}, "text": {"垃圾堆了三天。没有人来收。"}, "phone": {""}}
	if v.Get("key") == "" {
		b.Fatalf("the form has no key: %d %s", page.status, page.body)
	}
	for k, s := range set {
		v[k] = s
	}
	return v
}

var (
	numberForm = regexp.MustCompile(`\d{8}-[0-9A-Z]{7}-[0-9A-Z]`)
	linkForm   = regexp.MustCompile(`http://[^ <]+(/r/[A-Za-z0-9_-]{22})<`)
)

func (a answer) number() string { return numberForm.FindString(a.body) }

func (a answer) link() string {
	if m := linkForm.FindStringSubmatch(a.body); m != nil {
		return m[1]
	}
	return ""
}

// hidden gives the hidden fields of a name, joined.
func (a answer) hidden(name string) string {
	var out []string
	for _, m := range regexp.MustCompile(`<input type="hidden" name="`+name+`" value="([^"]*)">`).FindAllStringSubmatch(a.body, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	return strings.Join(out, " ")
}

func (a answer) has(parts ...string) string {
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			return p
		}
	}
	return ""
}

// shows expects a status and texts on a page.
func (b *browser) shows(a answer, status int, parts ...string) {
	b.Helper()
	if missing := a.has(parts...); a.status != status || missing != "" {
		b.Fatalf("%s answers %d, want %d with %q:\n%s", a.path, a.status, status, missing, a.body)
	}
}

func (b *browser) hides(a answer, parts ...string) {
	b.Helper()
	for _, p := range parts {
		if strings.Contains(a.body, p) {
			b.Fatalf("%s says %q:\n%s", a.path, p, a.body)
		}
	}
}

// photo is a picture whose content depends on n.
func photo(t testing.TB, n uint8) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 120, 90))
	for i := range 120 {
		m.Set(i, int(n)%90, color.RGBA{n, 200, uint8(i), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
