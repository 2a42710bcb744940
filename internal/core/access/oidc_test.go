package access_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// idp is an identity provider whose answers a test can bend. The whole way with
// a provider that somebody else wrote is told in e2e/stories/oidc.spec.ts.
type idp struct {
	*httptest.Server
	t     *testing.T
	clock *dbtest.Clock

	mu      sync.Mutex
	keys    map[string]*rsa.PrivateKey // by their number, those it shows
	signs   string                     // the key it signs with
	codes   map[string]url.Values      // what was asked with each code
	bend    func(claims map[string]any)
	subject string
	silent  bool
	seen    []url.Values    // requests for a token
	forger  *rsa.PrivateKey // signs instead, under the number of the right one
}

const clientID, clientSecret = "onegrid", "a secret that no log may show"

func newIDP(t *testing.T, clock *dbtest.Clock) *idp {
	p := &idp{t: t, clock: clock, keys: map[string]*rsa.PrivateKey{}, codes: map[string]url.Values{}, subject: "u-1001"}
	p.turn("one")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		silent := p.silent
		p.mu.Unlock()
		if silent {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		p.tells(w, m{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"end_session_endpoint": p.URL + "/end", "id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"code"},
			"subject_types_supported": []string{"public"}, "authorization_response_iss_parameter_supported": true})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		list := []m{}
		for n, k := range p.keys {
			list = append(list, m{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": n,
				"n": b64.EncodeToString(k.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(k.E)).Bytes())})
		}
		p.tells(w, m{"keys": list})
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *idp) tells(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// turn shows and uses a new key, and the old ones no more.
func (p *idp) turn(number string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys, p.signs = map[string]*rsa.PrivateKey{number: key}, number
}

// agrees is somebody who signed in at the provider: what it sends back with the
// browser.
func (p *idp) agrees(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	code := fmt.Sprintf("code-%d", len(p.codes))
	p.codes[code] = q
	return url.Values{"state": {q.Get("state")}, "code": {code}, "iss": {p.URL}}
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.Form)
	asked, known := p.codes[r.Form.Get("code")]
	user, pass, _ := r.BasicAuth()
	verified := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	if !known || user != clientID || pass != url.QueryEscape(clientSecret) && pass != clientSecret || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != b64.EncodeToString(verified[:]) || r.Form.Get("redirect_uri") != asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		p.tells(w, m{"error": "invalid_grant"})
		return
	}
	delete(p.codes, r.Form.Get("code"))
	now := p.clock.Now()
	claims := map[string]any{"iss": p.URL, "sub": p.subject, "aud": clientID, "nonce": asked.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "email": "security@example.cn", "groups": []string{"security_admin"}}
	if p.bend != nil {
		p.bend(claims)
	}
	p.tells(w, m{"access_token": "opaque", "token_type": "Bearer", "id_token": p.sign(claims)})
}

func (p *idp) sign(claims map[string]any) string {
	part := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			p.t.Error(err)
		}
		return b64.EncodeToString(raw)
	}
	alg, _ := claims["test_alg"].(string)
	claims = maps.Clone(claims)
	delete(claims, "test_alg")
	if alg == "none" {
		return part(m{"alg": "none"}) + "." + part(claims) + "."
	}
	text := part(m{"alg": "RS256", "kid": p.signs}) + "." + part(claims)
	sum, key := sha256.Sum256([]byte(text)), p.keys[p.signs]
	if p.forger != nil {
		key = p.forger
	}
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + b64.EncodeToString(sig)
}

// begins presses the provider's button.
func (b *browser) begins(body m) string {
	b.Helper()
	var out struct{ Address string }
	b.gets("200", "POST", "/api/session/oidc", body, &out)
	return out.Address
}

// comesBack follows the provider's way back and gives what the app is told.
func (b *browser) comesBack(q url.Values) url.Values {
	b.Helper()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequest("GET", b.url+"/api/session/oidc/callback?"+q.Encode(), nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", b.address)
	res, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	to, err := res.Location()
	if res.StatusCode != http.StatusSeeOther || err != nil || !strings.HasPrefix(to.Path, "/desk/") {
		b.Fatalf("back from the provider: %d %v", res.StatusCode, to)
	}
	if to.Path == "/desk/sign-in" {
		return to.Query()
	}
	return url.Values{"entered": {"1"}, "to": {strings.TrimPrefix(to.RequestURI(), "/desk")}}
}

// eachWithIDP is each with one provider, which knows the test's clock.
func eachWithIDP(t *testing.T, story func(o *office, p *idp)) {
	t.Helper()
	clock := dbtest.NewClock(noon)
	p := newIDP(t, clock)
	each(t, func(options *access.Options) {
		options.Providers = []access.Provider{{Key: "city", Name: words.Text{Chinese: "市统一认证", English: "City sign-in"}, Issuer: p.URL, ClientID: clientID, Secret: clientSecret}}
		p.turn("one")
		p.mu.Lock()
		p.bend, p.subject, p.silent = nil, "u-1001", false
		p.mu.Unlock()
	}, func(o *office) {
		p.mu.Lock()
		p.clock = o.clock
		p.mu.Unlock()
		story(o, p)
	})
}

// Who somebody is at a provider opens his account once one administrator linked
// it and another released it. An equal name or mail address links nothing, and
// no claim becomes a right.
func TestSignInAtAProvider(t *testing.T) {
	eachWithIDP(t, func(o *office, p *idp) {
		system, security := o.admin(0), o.admin(1)
		person := o.person("演示经办")
		handler := o.staff(system, security, "handler", person)

		var offered struct{ Items []access.ProviderView }
		stranger := o.browser("203.0.113.77")
		stranger.gets("200", "GET", "/api/session/providers", nil, &offered)
		if len(offered.Items) != 1 || offered.Items[0].Key != "city" {
			t.Fatalf("%+v", offered)
		}
		stranger.gets("404 access.no_provider", "POST", "/api/session/oidc", m{"provider": "none"}, nil)

		// Nobody is linked yet: he is told his number there, so that it can be.
		told := stranger.comesBack(p.agrees(stranger.begins(m{"provider": "city"})))
		if told.Get("failed") != "access.unknown_identity" || told.Get("subject") != "u-1001" || told.Get("provider") != "city" {
			t.Fatal(told)
		}
		stranger.gets("401 access.sign_in", "GET", "/api/session", nil, nil)

		var accounts struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &accounts)
		of := func(name string) id.ID {
			i := slices.IndexFunc(accounts.Items, func(a access.Account) bool { return a.Name == name })
			return accounts.Items[i].ID
		}
		path := "/api/accounts/" + of("handler").String() + "/identities"
		security.gets("403 access.denied", "POST", path, m{"provider": "city", "subject": "u-1001"}, nil)
		system.gets("422 access.invalid", "POST", path, m{"provider": "city", "subject": "  "}, nil)
		system.gets("404 access.no_provider", "POST", path, m{"provider": "other", "subject": "u-1001"}, nil)
		var linked access.Identity
		system.gets("201", "POST", path, m{"provider": "city", "subject": "u-1001"}, &linked)
		system.gets("409 access.identity_taken", "POST", path, m{"provider": "city", "subject": "u-1001"}, nil)
		if told = stranger.comesBack(p.agrees(stranger.begins(m{"provider": "city"}))); told.Get("failed") != "access.identity_waits" {
			t.Fatal(told)
		}
		release := "/api/identities/" + linked.ID.String() + "/release"
		system.gets("403 access.denied", "POST", release, nil, nil)
		security.gets("200", "POST", release, nil, &linked)

		told = stranger.comesBack(p.agrees(stranger.begins(m{"provider": "city", "to": "/work?view=mine"})))
		if told.Get("entered") == "" || told.Get("to") != "/work?view=mine" {
			t.Fatal(told)
		}
		var me access.Me
		stranger.gets("200", "GET", "/api/session", nil, &me)
		if me.Person.Name != "演示经办" || len(me.Permissions) != 0 || me.Provider == nil {
			t.Fatalf("%+v", me)
		}
		end, err := url.Parse(me.Provider.SignOut)
		if err != nil || !strings.HasPrefix(me.Provider.SignOut, p.URL+"/end?") || end.Query().Get("client_id") != clientID ||
			!strings.HasSuffix(end.Query().Get("post_logout_redirect_uri"), "/desk/") {
			t.Fatal(me.Provider)
		}
		// Another's word is no proof for changing how one signs in here.
		stranger.gets("403 access.confirm_first", "POST", "/api/session/factor", nil, nil)
		// The same browser answers once: neither the code nor the state serves again.
		back := p.agrees(stranger.begins(m{"provider": "city"}))
		stranger.comesBack(back)
		if told = stranger.comesBack(back); told.Get("failed") != "access.begin_again" {
			t.Fatal(told)
		}
		// Somebody else's browser cannot finish what this one began.
		back = p.agrees(stranger.begins(m{"provider": "city"}))
		victim := o.browser("203.0.113.78")
		if told = victim.comesBack(back); told.Get("failed") != "access.begin_again" {
			t.Fatal(told)
		}
		victim.begins(m{"provider": "city"})
		if told = victim.comesBack(back); told.Get("failed") != "access.begin_again" {
			t.Fatal("another browser's state is taken:", told)
		}
		for _, to := range []string{"//elsewhere.example", "https://elsewhere.example", "/\\elsewhere"} {
			if told = victim.comesBack(p.agrees(victim.begins(m{"provider": "city", "to": to}))); told.Get("to") != "" && told.Get("to") != "/" {
				t.Fatal("sent elsewhere:", told)
			}
		}

		// Taken away, it opens nothing, and what was begun with it ends.
		system.gets("204", "DELETE", "/api/identities/"+linked.ID.String(), nil, nil)
		stranger.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		handler.gets("200", "GET", "/api/session", nil, nil)
		if told = stranger.comesBack(p.agrees(stranger.begins(m{"provider": "city"}))); told.Get("failed") != "access.unknown_identity" {
			t.Fatal(told)
		}
		for _, kind := range []string{"access.identity_link", "access.identity_release", "access.identity_end"} {
			if n := len(o.entries(kind)); n != 1 {
				t.Fatalf("%d entries %s", n, kind)
			}
		}
	})
}

// Whatever is wrong with what a provider sends back, nobody comes in.
func TestProviderIsNotBelievedBlindly(t *testing.T) {
	eachWithIDP(t, func(o *office, p *idp) {
		system, security := o.admin(0), o.admin(1)
		o.staff(system, security, "handler", o.person("演示经办"))
		var accounts struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &accounts)
		i := slices.IndexFunc(accounts.Items, func(a access.Account) bool { return a.Name == "handler" })
		var linked access.Identity
		system.gets("201", "POST", "/api/accounts/"+accounts.Items[i].ID.String()+"/identities", m{"provider": "city", "subject": "u-1001"}, &linked)
		security.gets("200", "POST", "/api/identities/"+linked.ID.String()+"/release", nil, nil)

		b := o.browser("203.0.113.77")
		comes := func(bend func(map[string]any), change func(url.Values)) url.Values {
			p.mu.Lock()
			p.bend = bend
			p.mu.Unlock()
			back := p.agrees(b.begins(m{"provider": "city"}))
			if change != nil {
				change(back)
			}
			told := b.comesBack(back)
			p.mu.Lock()
			p.bend = nil
			p.mu.Unlock()
			return told
		}
		now := func() time.Time { return o.clock.Now() }
		for name, bend := range map[string]func(map[string]any){
			"another audience":          func(c map[string]any) { c["aud"] = "somebody" },
			"two audiences, no party":   func(c map[string]any) { c["aud"] = []string{clientID, "somebody"} },
			"another party":             func(c map[string]any) { c["azp"] = "somebody" },
			"another issuer":            func(c map[string]any) { c["iss"] = "https://elsewhere.example" },
			"another nonce":             func(c map[string]any) { c["nonce"] = "another" },
			"no nonce":                  func(c map[string]any) { delete(c, "nonce") },
			"over for two minutes":      func(c map[string]any) { c["exp"] = now().Add(-2 * time.Minute).Unix() },
			"issued in five minutes":    func(c map[string]any) { c["iat"] = now().Add(5 * time.Minute).Unix() },
			"no subject":                func(c map[string]any) { c["sub"] = "" },
			"a subject without an end":  func(c map[string]any) { c["sub"] = strings.Repeat("x", 256) },
			"no signature":              func(c map[string]any) { c["test_alg"] = "none" },
			"a wrong access token hash": func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
		} {
			if told := comes(bend, nil); told.Get("failed") != "access.provider_failed" {
				t.Errorf("%s: %v", name, told)
			}
		}
		for name, x := range map[string]struct {
			change func(url.Values)
			code   string
		}{
			"given up":            {func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, "access.provider_waved"},
			"another error":       {func(q url.Values) { q.Del("code"); q.Set("error", "server_error") }, "access.provider_failed"},
			"no code":             {func(q url.Values) { q.Del("code") }, "access.provider_failed"},
			"a made-up code":      {func(q url.Values) { q.Set("code", "made up") }, "access.provider_failed"},
			"another issuer":      {func(q url.Values) { q.Set("iss", "https://elsewhere.example") }, "access.provider_failed"},
			"an issuer left out":  {func(q url.Values) { q.Del("iss") }, "access.provider_failed"},
			"a made-up state":     {func(q url.Values) { q.Set("state", "made up") }, "access.begin_again"},
			"a state that is out": {func(url.Values) { o.clock.Add(16 * time.Minute) }, "access.begin_again"},
		} {
			if told := comes(nil, x.change); told.Get("failed") != x.code {
				t.Errorf("%s: %v", name, told)
			}
		}
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)

		// A clock half a minute off is forgiven, to both sides.
		for _, bend := range []func(map[string]any){
			func(c map[string]any) { c["exp"] = now().Add(-30 * time.Second).Unix() },
			func(c map[string]any) { c["iat"] = now().Add(30 * time.Second).Unix() },
		} {
			if told := comes(bend, nil); told.Get("entered") == "" {
				t.Error(told)
			}
		}
		// New keys are fetched; a key that is shown no more signs nothing new.
		old := p.keys["one"]
		p.turn("two")
		if told := comes(nil, nil); told.Get("entered") == "" {
			t.Fatal("after the keys turned:", told)
		}
		if told := comes(func(map[string]any) { p.forger = old }, nil); told.Get("failed") != "access.provider_failed" {
			t.Error("a key that is shown no more still signs:", told)
		}
		p.mu.Lock()
		p.forger = nil
		p.mu.Unlock()

		// Without an answer there is a plain word, and a stranger's failures count.
		o.clock.Add(2 * time.Hour)
		p.mu.Lock()
		p.silent = true
		p.mu.Unlock()
		if told := comes(nil, nil); told.Get("entered") == "" {
			t.Error("an old discovery document does not serve on:", told)
		}
		if told := comes(nil, nil); told.Get("entered") == "" {
			t.Error("asked again at once:", told)
		}
		for _, form := range p.seen {
			if form.Get("client_secret") != "" && form.Get("client_secret") != clientSecret {
				t.Error("another secret is sent")
			}
		}
	})
}

// A one-time link lets its holder link who he is at a provider, to be released
// by a security administrator. Administrators sign in here and nowhere else.
func TestLinkingByAOneTimeLinkAndBreakGlass(t *testing.T) {
	eachWithIDP(t, func(o *office, p *idp) {
		system, security := o.admin(0), o.admin(1)
		var acc access.Account
		person := o.person("演示经办")
		system.gets("201", "POST", "/api/accounts", m{"name": "handler", "person_id": person}, &acc)
		security.gets("200", "POST", "/api/accounts/"+acc.ID.String()+"/release", nil, nil)
		var link access.Link
		system.gets("201", "POST", "/api/accounts/"+acc.ID.String()+"/link", nil, &link)

		b := o.browser("203.0.113.77")
		b.gets("404 access.enrolment_over", "POST", "/api/session/oidc", m{"provider": "city", "token": "made up"}, nil)
		told := b.comesBack(p.agrees(b.begins(m{"provider": "city", "token": link.Token})))
		if told.Get("linked") == "" {
			t.Fatal(told)
		}
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.gets("404 access.enrolment_over", "POST", "/api/session/oidc", m{"provider": "city", "token": link.Token}, nil)
		b.gets("404 access.enrolment_over", "POST", "/api/enrol", m{"token": link.Token, "password": goodPassword}, nil)
		var list struct{ Items []access.Identity }
		security.gets("200", "GET", "/api/accounts/"+acc.ID.String()+"/identities", nil, &list)
		if len(list.Items) != 1 || list.Items[0].Subject != "u-1001" || !list.Items[0].Released.IsZero() {
			t.Fatalf("%+v", list)
		}
		security.gets("200", "POST", "/api/identities/"+list.Items[0].ID.String()+"/release", nil, nil)
		if told = b.comesBack(p.agrees(b.begins(m{"provider": "city"}))); told.Get("entered") == "" {
			t.Fatal(told)
		}
		// The last way in stays.
		b.gets("409 access.last_way", "DELETE", "/api/identities/"+list.Items[0].ID.String(), nil, nil)

		// The three administrators are linked to nobody …
		var accounts struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &accounts)
		for _, name := range []string{"system", "security", "audit"} {
			i := slices.IndexFunc(accounts.Items, func(a access.Account) bool { return a.Name == name })
			system.gets("409 access.local_only", "POST", "/api/accounts/"+accounts.Items[i].ID.String()+"/identities", m{"provider": "city", "subject": "u-" + name}, nil)
		}
		// … and whoever becomes one loses the way through the provider.
		security.gets("201", "POST", "/api/grants", m{"person_id": person, "role": "system_admin", "level": "system", "why": "second system administrator"}, nil)
		if told = b.comesBack(p.agrees(b.begins(m{"provider": "city"}))); told.Get("failed") != "access.local_only" {
			t.Fatal(told)
		}
	})
}

// A provider that does not answer is told in plain words and left alone for a
// moment.
func TestProviderIsAway(t *testing.T) {
	eachWithIDP(t, func(o *office, p *idp) {
		set := func(silent bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.silent = silent
		}
		b := o.browser("203.0.113.77")
		set(true)
		b.gets("503 access.provider_away", "POST", "/api/session/oidc", m{"provider": "city"}, nil)
		set(false)
		b.gets("503 access.provider_away", "POST", "/api/session/oidc", m{"provider": "city"}, nil)
		o.clock.Add(20 * time.Second)
		b.gets("200", "POST", "/api/session/oidc", m{"provider": "city"}, nil)
	})
}

func TestProvidersThatCannotWorkAreRefused(t *testing.T) {
	name := words.Text{Chinese: "市统一认证", English: "City sign-in"}
	good := access.Provider{Key: "city", Name: name, Issuer: "https://id.example", ClientID: "x"}
	for what, list := range map[string][]access.Provider{
		"plain http":     {{Key: "city", Name: name, Issuer: "http://id.example", ClientID: "x"}},
		"no client":      {{Key: "city", Name: name, Issuer: "https://id.example"}},
		"no name":        {{Key: "city", Issuer: "https://id.example", ClientID: "x"}},
		"a query":        {{Key: "city", Name: name, Issuer: "https://id.example?tenant=1", ClientID: "x"}},
		"twice":          {good, good},
		"one issuer two": {good, {Key: "other", Name: name, Issuer: good.Issuer, ClientID: "y"}},
	} {
		if _, err := access.New(access.Options{Org: org.New(rulesOf(t)), Roles: book(t), Sealer: noSealer{}, Providers: list}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

type noSealer struct{}

func (noSealer) Seal(b, _ []byte) ([]byte, error) { return b, nil }
func (noSealer) Open(b, _ []byte) ([]byte, error) { return b, nil }
