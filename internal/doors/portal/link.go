package portal

import (
	"net/http"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
)

// A private link is /r/{secret}. Message apps and mail scanners fetch links to
// preview them, so a GET uses nothing up: it moves the secret out of the address
// into a cookie of ten minutes and asks; only the button's POST exchanges it for
// the cookie that lasts. (DESIGN.md section 11, portal)

const (
	linkCookie = "onegrid_link"
	linkLives  = 10 * time.Minute
)

// Faults of links. They do not tell whether a report exists.
var (
	ErrNotFound = fault.New(fault.Missing, "portal.not_found")
	ErrNoLink   = fault.New(fault.Missing, "portal.open_expired")
	ErrLinkUsed = fault.New(fault.Missing, "portal.link_used")
	ErrRecover  = fault.New(fault.Invalid, "portal.recover_wrong")
)

// getLink takes the secret out of the address.
func (p *Portal) getLink(w http.ResponseWriter, r *http.Request, _ any) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	secret := r.PathValue("secret")
	if !goodSecret(secret) {
		return p.refuse(w, r, ErrLinkUsed)
	}
	p.setCookie(w, r, linkCookie, secret, linkLives)
	return p.goTo(w, r, "/r")
}

// getOpen asks whether the link shall belong to this browser.
func (p *Portal) getOpen(w http.ResponseWriter, r *http.Request, _ any) error {
	if c, err := r.Cookie(linkCookie); err != nil || !goodSecret(c.Value) {
		return p.refuse(w, r, ErrNoLink)
	}
	p.knowBrowser(w, r)
	return p.show(w, p.page(w, r, "portal.open_title"), "link", http.StatusOK)
}

// postOpen exchanges the link for this browser's cookie.
func (p *Portal) postOpen(w http.ResponseWriter, r *http.Request, _ any) error {
	c, err := r.Cookie(linkCookie)
	if err != nil || !goodSecret(c.Value) {
		return p.refuse(w, r, ErrNoLink)
	}
	from := p.senderOf(r)
	if err := p.limits.open(from); err != nil {
		return p.refuse(w, r, err)
	}
	l, err := p.exchange(r.Context(), from, c.Value)
	if err != nil {
		return p.refuse(w, r, err)
	}
	p.setCookie(w, r, myCookie(l.number), l.token, year)
	p.setCookie(w, r, linkCookie, "", -time.Second)
	return p.goTo(w, r, "/my/"+l.number)
}

// recoverForm is the form to get a link back, as typed.
type recoverForm struct {
	Number string
}

func (p *Portal) getRecover(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.recover_short")
	g.Data = recoverForm{}
	return p.show(w, g, "recover", http.StatusOK)
}

// postRecover makes a new link for whoever knows the number and the phone that
// was left with it. The new link belongs to this browser at once; it is shown
// as well, to be kept.
func (p *Portal) postRecover(w http.ResponseWriter, r *http.Request, _ any) error {
	v, err := readForm(r, discardPhoto)
	if err != nil {
		return p.refuse(w, r, err)
	}
	typed := recoverForm{Number: field(v, "number")}
	l, err := p.recover(r.Context(), p.senderOf(r), typed.Number, field(v, "phone"))
	if err == nil {
		p.setCookie(w, r, myCookie(l.number), l.token, year)
		return p.showLink(w, r, "portal.recovered_title", l)
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	g := p.page(w, r, "portal.recover_short")
	g.blame(f, map[string]string{})
	g.FaultTitle, g.Data = g.Say("portal.fault_title_my"), typed
	waitHeader(w, f)
	return p.show(w, g, "recover", statusOf(f))
}

// postRevoke changes the link: the old one and every other browser lose the
// report, this one keeps it.
func (p *Portal) postRevoke(w http.ResponseWriter, r *http.Request, _ any) error {
	if _, err := readForm(r, discardPhoto); err != nil {
		return p.refuse(w, r, err)
	}
	from := p.senderOf(r)
	if err := p.limits.try(from); err != nil {
		return p.refuse(w, r, err)
	}
	number, token := p.cookieOf(r)
	l, err := p.change(r.Context(), from, number, token)
	if err != nil {
		return p.refuse(w, r, err)
	}
	p.setCookie(w, r, myCookie(l.number), l.token, year)
	return p.showLink(w, r, "portal.link_new_title", l)
}

// linkPage shows a link, once.
type linkPage struct {
	Link, Path string
}

func (p *Portal) showLink(w http.ResponseWriter, r *http.Request, title string, l fresh) error {
	g := p.page(w, r, title)
	g.Back = "/my/" + l.number
	g.Data = linkPage{Link: p.linkOf(r, l.secret), Path: "/my/" + l.number}
	return p.show(w, g, "renewed", http.StatusOK)
}

// linkOf is the whole address of a link, on the host that the reader uses.
func (p *Portal) linkOf(r *http.Request, secret string) string {
	scheme := "https"
	if r.TLS == nil && p.edge.ClientAddress(r).Unmap().IsLoopback() {
		scheme = "http"
	}
	return scheme + "://" + r.Host + "/r/" + secret
}

// statusOf is the status of a page that shows a form again.
func statusOf(f *fault.Fault) int { return httpx.Status(f) }
