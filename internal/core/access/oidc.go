package access

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Signing in at a department's own identity provider (统一身份认证登录): OpenID
// Connect, authorization code with PKCE, state and nonce.
//
//   - The provider says who somebody is, never what he may do: of its token only
//     issuer, subject, audience, times, nonce and acr are read. No claim becomes
//     a grant, and an equal mail address links nothing.
//   - The subject must have been linked to the account by one administrator and
//     released by another (identity.go).
//   - Administrators sign in here and nowhere else: a provider that fails must
//     not lock them out, and one that is taken over must not become one of them.
//   - The browser that began is the one that ends: state is compared with what
//     stands behind a cookie, and serves once.
const (
	kindOIDC = "oidc"
	// OIDCCookie carries the secret of a sign-in that was begun at a provider.
	OIDCCookie = "onegrid_oidc"

	oidcKept    = 15 * time.Minute // whoever must fetch a second factor there has time for it
	oidcSkew    = time.Minute      // how far the provider's clock may stand off ours
	oidcFresh   = time.Hour        // how long its discovery document is used
	oidcPause   = 15 * time.Second // before one that did not answer is asked again
	oidcTimeout = 10 * time.Second
	oidcAnswer  = 1 << 20 // bytes
	subjectMax  = 255     // OpenID Connect Core 2
)

// Provider is an identity provider of a department (身份提供方), as the settings
// name it.
type Provider struct {
	Key      string     `json:"key"`
	Name     words.Text `json:"name"`
	Issuer   string     `json:"issuer"`
	ClientID string     `json:"client_id"`
	Scopes   []string   `json:"scopes,omitempty"`     // beside openid
	ACR      []string   `json:"acr_values,omitempty"` // asked for, and one of them demanded
	Secret   string     `json:"-"`                    // none: a public client, PKCE alone
}

// check refuses a provider that cannot work or must not be talked to.
func (p Provider) check() error {
	u, err := url.Parse(p.Issuer)
	switch {
	case p.Key == "" || len(p.Key) > 40 || p.Name == (words.Text{}) || p.ClientID == "":
		return fmt.Errorf("identity provider %q: key, name and client_id are needed", p.Key)
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("identity provider %q: the issuer is no address", p.Key)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return fmt.Errorf("identity provider %q: the issuer must be https", p.Key)
	}
	return nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// provider is one with what it told about itself.
type provider struct {
	Provider
	mu     sync.Mutex
	read   time.Time
	failed time.Time
	told   *oidc.Provider
	more   discovered
}

// discovered is what we use of the discovery document beside the library.
type discovered struct {
	EndSession  string `json:"end_session_endpoint"`
	NamesIssuer bool   `json:"authorization_response_iss_parameter_supported"`
}

// discover asks the provider about itself, at most once an hour; an old answer
// serves on while it does not answer, and one without an answer is left alone for
// a moment, so that those who wait do not queue behind it. Whoever hangs up early
// does not make it count as failed. Keys are fetched by the library when a token
// names one it does not know.
func (p *provider) discover(ctx context.Context, client *http.Client, now time.Time) (*oidc.Provider, discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told != nil && now.Sub(p.read) < oidcFresh {
		return p.told, p.more, nil
	}
	away := func(err error) (*oidc.Provider, discovered, error) {
		if p.told != nil {
			return p.told, p.more, nil
		}
		return nil, discovered{}, ErrProviderAway.With("provider", p.Name).Because(err)
	}
	if !p.failed.IsZero() && now.Sub(p.failed) < oidcPause {
		return away(errors.New("it did not answer a moment ago"))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oidcTimeout)
	defer cancel()
	told, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.Issuer)
	var more discovered
	if err == nil {
		err = told.Claims(&more)
	}
	if err != nil {
		p.failed = now
		return away(err)
	}
	p.told, p.more, p.read, p.failed = told, more, now, time.Time{}
	return told, more, nil
}

// limited keeps an answer of a provider from filling the memory.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, oidcAnswer), res.Body}
	}
	return res, err
}

// newProviders prepares what the settings name.
func newProviders(list []Provider, base http.RoundTripper) ([]*provider, *http.Client, error) {
	if base == nil {
		base = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: oidcTimeout}).DialContext,
			TLSHandshakeTimeout: oidcTimeout, ForceAttemptHTTP2: true, MaxIdleConns: 10, IdleConnTimeout: time.Minute,
		}
	}
	client := &http.Client{Transport: limited{base}, Timeout: oidcTimeout}
	var out []*provider
	for _, p := range list {
		if err := p.check(); err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(out, func(x *provider) bool { return x.Key == p.Key || x.Issuer == p.Issuer }) {
			return nil, nil, fmt.Errorf("identity provider %q is named twice", p.Key)
		}
		out = append(out, &provider{Provider: p})
	}
	return out, client, nil
}

func (a *Access) provider(key string) *provider {
	if i := slices.IndexFunc(a.providers, func(p *provider) bool { return p.Key == key }); i >= 0 {
		return a.providers[i]
	}
	return nil
}

func (a *Access) issuer(issuer string) *provider {
	if i := slices.IndexFunc(a.providers, func(p *provider) bool { return p.Issuer == issuer }); i >= 0 {
		return a.providers[i]
	}
	return nil
}

// ProviderView is a provider as the sign-in page offers it.
type ProviderView struct {
	Key  string     `json:"key"`
	Name words.Text `json:"name"`
}

// Providers lists the providers one can sign in with.
func (a *Access) Providers() []ProviderView {
	out := []ProviderView{}
	for _, p := range a.providers {
		out = append(out, ProviderView{p.Key, p.Name})
	}
	return out
}

// site is the address of this installation as people type it, or of this very
// machine for whoever tries it there; "" when nobody knows it.
func (a *Access) site(ctx context.Context) string {
	if a.o.Site != "" {
		return strings.TrimRight(a.o.Site, "/")
	}
	host := httpx.Host(ctx)
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if loopback(strings.Trim(name, "[]")) {
		return "http://" + host
	}
	return ""
}

const oidcBack = "/api/session/oidc/callback"

// client is how we talk to a provider.
func (p *provider) client(told *oidc.Provider, site string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: told.Endpoint(), RedirectURL: site + oidcBack,
		Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...)}
}

// oidcAsk is what is begun at a provider.
type oidcAsk struct {
	Issuer   string `json:"issuer"`
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	App      string `json:"app,omitempty"`
	To       string `json:"to,omitempty"`
	Link     []byte `json:"link,omitempty"` // hash of the enrolment link that is used
}

// OIDCIn begins a sign-in at a provider.
type OIDCIn struct {
	Provider string `json:"provider" maxLength:"40"`
	App      string `json:"app,omitempty" enum:"desk,field,portal,wall"`
	To       string `json:"to,omitempty" maxLength:"300" doc:"where in the app to go afterwards"`
	Token    string `json:"token,omitempty" maxLength:"100" doc:"of a one-time link: the provider is linked to its account instead of signing in"`
}

// AskProvider begins a sign-in at a provider: the address to send the browser
// to, and the secret of the cookie that must come back with it. Codes:
// access.no_provider, access.provider_away, access.no_site,
// access.enrolment_over, access.local_only.
func (a *Access) AskProvider(ctx context.Context, d *db.DB, in OIDCIn) (address, cookie string, err error) {
	p := a.provider(in.Provider)
	if p == nil {
		return "", "", ErrNoProvider
	}
	site := a.site(ctx)
	if site == "" {
		return "", "", ErrNoSite
	}
	ask := oidcAsk{Issuer: p.Issuer, Verifier: oauth2.GenerateVerifier(), App: in.App, To: inside(in.To)}
	if in.Token != "" {
		ask.Link = tokenHash(in.Token)
		err := d.Read(ctx, func(tx *db.Tx) error {
			_, acc, err := readEnrolment(tx, in.Token)
			if err != nil {
				return err
			}
			return a.mayLink(tx, acc)
		})
		if err != nil {
			return "", "", err
		}
	}
	told, _, err := p.discover(ctx, a.away, d.Now())
	if err != nil {
		return "", "", err
	}
	for _, into := range []*string{&ask.State, &ask.Nonce} {
		b, err := secret(32)
		if err != nil {
			return "", "", err
		}
		*into = base64.RawURLEncoding.EncodeToString(b)
	}
	if err := d.Write(ctx, func(tx *db.Tx) (err error) {
		cookie, err = begunFor(tx, kindOIDC, id.ID{}, ask, oidcKept)
		return err
	}); err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(ask.Nonce), oauth2.S256ChallengeOption(ask.Verifier)}
	if len(p.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACR, " ")))
	}
	return p.client(told, site).AuthCodeURL(ask.State, options...), cookie, nil
}

// inside keeps a way back inside our own app. Browsers leave out tabs and line
// ends and take a backslash for a slash, so none of them may stand in it.
func inside(to string) string {
	bad := func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, bad) {
		return ""
	}
	return to
}

// OIDCBack is what comes back from a provider.
type OIDCBack struct {
	Cookie                     string
	State, Code, Error, Issuer string
	Entrance
}

// OIDCOut is what it leads to: somebody signed in, or somebody's identity there
// linked to his account.
type OIDCOut struct {
	SignInOut
	Linked   bool
	Provider *Provider // that answered; nil when nobody knows
	Subject  string    // who the person is there
	To       string    // where in the app he wanted to go
}

// Answered ends a sign-in at a provider. What was begun is used up whatever
// comes of it. Codes: access.begin_again, access.provider_waved,
// access.provider_failed, access.provider_away, access.unknown_identity,
// access.identity_waits, access.local_only, access.wrong_credentials,
// access.not_released, access.enrolment_over, access.identity_taken.
func (a *Access) Answered(ctx context.Context, d *db.DB, in OIDCBack) (OIDCOut, error) {
	var ask oidcAsk
	err := d.Write(ctx, func(tx *db.Tx) error {
		ask = oidcAsk{}
		return taken(tx, kindOIDC, in.Cookie, id.ID{}, &ask)
	})
	if err != nil {
		return OIDCOut{}, err
	}
	if subtle.ConstantTimeCompare([]byte(in.State), []byte(ask.State)) != 1 {
		return OIDCOut{}, ErrCeremony
	}
	p := a.issuer(ask.Issuer)
	if p == nil {
		return OIDCOut{}, ErrNoProvider
	}
	out := OIDCOut{Provider: &p.Provider, To: ask.To}
	token, err := a.fetch(ctx, d, p, ask, in)
	if err != nil {
		a.Stats.Failures.Add(1)
		return out, err
	}
	out.Subject = token.Subject
	in.Via = via(ask.App)
	err = d.Write(ctx, func(tx *db.Tx) (err error) {
		out.SignInOut, out.Linked = SignInOut{}, false
		if ask.Link != nil {
			out.Linked = true
			return a.linkByToken(tx, ask.Link, p, token.Subject)
		}
		out.SignInOut, err = a.enterBy(ctx, tx, p, token.Subject, in.Entrance)
		return err
	})
	switch {
	case err != nil:
		a.Stats.Failures.Add(1)
	case !out.Linked:
		a.Stats.SignIns.Add(1)
	}
	return out, err
}

// fetch turns the code into a token and believes it only when all of it is
// right.
func (a *Access) fetch(ctx context.Context, d *db.DB, p *provider, ask oidcAsk, in OIDCBack) (*oidc.IDToken, error) {
	failed := func(why error) error { return ErrProviderFailed.With("provider", p.Name).Because(why) }
	switch {
	case in.Issuer != "" && in.Issuer != p.Issuer: // RFC 9207: another provider's answer
		return nil, failed(fmt.Errorf("answer of %q", in.Issuer))
	case in.Error == "access_denied":
		return nil, ErrProviderWaved.With("provider", p.Name)
	case in.Error != "" || in.Code == "":
		return nil, failed(fmt.Errorf("it says %q", in.Error))
	}
	told, more, err := p.discover(ctx, a.away, d.Now())
	if err != nil {
		return nil, err
	}
	if more.NamesIssuer && in.Issuer == "" {
		return nil, failed(errors.New("the answer does not name its issuer"))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, a.away), oidcTimeout)
	defer cancel()
	got, err := p.client(told, a.site(ctx)).Exchange(ctx, in.Code, oauth2.VerifierOption(ask.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) {
			return nil, failed(err)
		}
		return nil, ErrProviderAway.With("provider", p.Name).Because(err)
	}
	raw, ok := got.Extra("id_token").(string)
	if !ok {
		return nil, failed(errors.New("no id_token"))
	}
	// A clock that stands a little off is forgiven on both sides.
	now := d.Now()
	token, err := told.VerifierContext(ctx, &oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return now.Add(-oidcSkew) }}).Verify(ctx, raw)
	if err != nil {
		return nil, failed(err)
	}
	var claims struct {
		AuthorizedParty string `json:"azp"`
		ACR             string `json:"acr"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, failed(err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(ask.Nonce)) != 1:
		err = errors.New("another nonce")
	case token.Subject == "" || len(token.Subject) > subjectMax:
		err = errors.New("no subject")
	case len(token.Audience) > 1 && claims.AuthorizedParty == "", claims.AuthorizedParty != "" && claims.AuthorizedParty != p.ClientID:
		err = fmt.Errorf("made for %q", claims.AuthorizedParty)
	case token.IssuedAt.After(now.Add(oidcSkew)):
		err = fmt.Errorf("issued in the future, %s", token.IssuedAt)
	case len(p.ACR) > 0 && !slices.Contains(p.ACR, claims.ACR):
		err = fmt.Errorf("acr %q is not enough", claims.ACR)
	case token.AccessTokenHash != "":
		err = token.VerifyAccessToken(got.AccessToken)
	}
	if err != nil {
		return nil, failed(err)
	}
	return token, nil
}

// signOutAt is where the session is ended at the provider too; "" when it
// offers no such page. No token of the provider's is kept for it: it knows us
// by our name and asks the person.
func (a *Access) signOutAt(ctx context.Context, p *provider) string {
	p.mu.Lock()
	more := p.more
	p.mu.Unlock()
	u, err := url.Parse(more.EndSession)
	if more.EndSession == "" || err != nil || u.Scheme != "https" && !loopback(u.Hostname()) {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", a.site(ctx)+a.o.Desk)
	u.RawQuery = q.Encode()
	return u.String()
}
