package portal

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/words"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Words are the sentences of the public pages.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// pages are the templates, each with the layout around it.
type pages map[string]*template.Template

func readPages() pages {
	out := pages{}
	for _, name := range []string{"home", "report", "sent", "link", "my", "recover", "renewed", "items", "record", "services", "service", "apply", "postings", "posting", "error"} {
		out[name] = template.Must(template.New(name).Funcs(template.FuncMap{"mark": mark}).ParseFS(pageFiles, "pages/layout.html", "pages/fault.html", "pages/"+name+".html"))
	}
	return out
}

// Cookies that remember how somebody reads.
const (
	langCookie = "onegrid_portal_lang"
	sizeCookie = "onegrid_portal_size"
	year       = 365 * 24 * time.Hour
)

// policy is what a page of this door may load: its own style and pictures, and no
// script at all but where one is offered (news.js).
const (
	policy       = "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	scriptPolicy = "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// page is what a template shows: the frame around it and Data inside.
type page struct {
	Lang       words.Language
	Size       string // "normal" or "large"
	Title      string
	Back       string // where the display settings lead back to
	MadeUp     bool
	Home       bool // the first page needs no way back
	Fault      string
	FaultTitle string
	FaultCode  string
	RequestID  string
	Wrong      map[string]string // by the name of the field
	Listed     []listed          // the same, listed on top of a long form
	Data       any
	Script     bool // it may run this door's own

	portal *Portal
	now    time.Time
}

// Say gives a sentence of the catalogue; pairs are names and values.
func (g *page) Say(key string, pairs ...any) string {
	return g.portal.words.Say(g.Lang, key, fault.New(fault.Invalid, "").With(pairs...).Args)
}

// Moment writes a time as people say it: today 16:55.
func (g *page) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return words.DateTime(g.Lang, t.In(g.portal.zone), g.now)
}

// Other is the language that the page can be changed to.
func (g *page) Other() words.Language {
	if g.Lang == words.English {
		return words.Chinese
	}
	return words.English
}

// page prepares the frame: ?lang= and the cookies win over what the browser
// says about itself.
func (p *Portal) page(w http.ResponseWriter, r *http.Request, titleKey string) *page {
	g := &page{portal: p, Lang: httpx.Language(r.Context()), Size: "normal", MadeUp: p.demo, Wrong: map[string]string{},
		RequestID: httpx.RequestID(r.Context()), now: p.now(), Back: "/"}
	if c, err := r.Cookie(langCookie); err == nil {
		if l, ok := words.Parse(c.Value); ok {
			g.Lang = l
		}
	}
	if l, ok := words.Parse(r.URL.Query().Get("lang")); ok {
		g.Lang = l
		p.setCookie(w, r, langCookie, string(l), year)
	}
	if c, err := r.Cookie(sizeCookie); err == nil && c.Value == "large" {
		g.Size = "large"
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		g.Back = safeBack(r.URL.RequestURI())
	} else {
		g.Back = safeBack(r.URL.Path)
	}
	g.Title = g.Say(titleKey)
	return g
}

// show renders a page whole before anything leaves, so that a broken template
// never sends half of one.
func (p *Portal) show(w http.ResponseWriter, g *page, name string, status int) error {
	var b bytes.Buffer
	if err := p.pages[name].ExecuteTemplate(&b, "layout", g); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(g.Lang))
	h.Set("Content-Security-Policy", policy)
	if g.Script {
		h.Set("Content-Security-Policy", scriptPolicy)
	}
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader that went away is no fault
	return nil
}

// blame puts a fault on a page: one sentence on top, and one at each field that
// is wrong. fields maps the paths of the rooms below to the names on the form;
// it is nil on a page without a form.
func (g *page) blame(f *fault.Fault, fields map[string]string) {
	g.FaultTitle, g.FaultCode = g.Say("portal.fault_title"), f.Code
	g.Fault = g.portal.words.Say(g.Lang, f.Code, f.Args)
	if fields != nil && f.Is(httpx.ErrTooMany) {
		g.Fault = g.portal.words.Say(g.Lang, "portal.too_often", f.Args)
	}
	for _, w := range f.Where {
		name, ok := fields[w.Path]
		if !ok {
			name, ok = strings.CutPrefix(w.Path, "form.")
		}
		if ok && g.Wrong[name] == "" {
			g.Wrong[name] = g.portal.words.Say(g.Lang, w.Code, w.Args)
		}
	}
}

// refuse answers with a page that says what is wrong. What is no fault of the
// reader goes up to the edge, which logs it and answers itself.
func (p *Portal) refuse(w http.ResponseWriter, r *http.Request, err error) error {
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	g := p.page(w, r, "portal.fault_title_page")
	g.blame(f, nil)
	g.FaultTitle = g.Say("portal.fault_title_page")
	g.Back = "/"
	waitHeader(w, f)
	return p.show(w, g, "error", httpx.Status(f))
}

// waitHeader tells programs when to try again.
func waitHeader(w http.ResponseWriter, f *fault.Fault) {
	if f.Kind != fault.TooMany && f.Kind != fault.Busy {
		return
	}
	seconds := int64(1)
	if n, ok := f.Args["retry_after"].(int64); ok {
		seconds = n
	}
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
}

// local are the paths of this door that one may come back to after a change of
// the display.
var local = regexp.MustCompile(`^/(|report|recover|items|r|my/[0-9A-Za-z-]{1,30}|apply(/[a-z][a-z0-9_]{0,59}(/form)?)?|postings(/[0-9a-f-]{36})?)$`)

// safeBack keeps a way back on this door's own pages; anything else is the
// first page.
func safeBack(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !local.MatchString(u.Path) {
		return "/"
	}
	back := url.URL{Path: u.Path}
	q := url.Values{}
	for _, k := range []string{"lon", "lat", "datum"} {
		if v := u.Query().Get(k); v != "" && len(v) <= 24 {
			q.Set(k, v)
		}
	}
	back.RawQuery = q.Encode()
	return back.String()
}

// display sets language and size of type, and goes back.
func (p *Portal) display(w http.ResponseWriter, r *http.Request, _ any) error {
	q := r.URL.Query()
	if l, ok := words.Parse(q.Get("lang")); ok {
		p.setCookie(w, r, langCookie, string(l), year)
	}
	switch q.Get("size") {
	case "large":
		p.setCookie(w, r, sizeCookie, "large", year)
	case "normal":
		p.setCookie(w, r, sizeCookie, "", -time.Second)
	}
	return p.goTo(w, r, safeBack(q.Get("back")))
}

// goTo leads the browser on with a GET.
func (p *Portal) goTo(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// setCookie sets one of this door's cookies. Over plain HTTP only this machine
// itself is served.
func (p *Portal) setCookie(w http.ResponseWriter, r *http.Request, name, value string, lives time.Duration) {
	http.SetCookie(w, p.cookie(p.edge.ClientAddress(r).Unmap().IsLoopback(), name, value, lives))
}

func (p *Portal) cookie(loopback bool, name, value string, lives time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: !loopback,
		MaxAge: int(lives / time.Second),
	}
}

// assets serves the style and the mark.
func (p *Portal) assets(e *httpx.Edge) {
	files, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(errors.Join(errors.New("portal: assets are compiled in"), err))
	}
	httpx.Assets(e, httpx.Op{ID: "portal.assets", Path: "/portal/{path...}", Public: true, Summary: "Style of the public pages", Tags: tags}, files, "portal.css")
}
