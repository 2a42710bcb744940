package access_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// office is the real edge with the organisation and the rights behind it.
type office struct {
	*testing.T
	url    string
	db     *db.DB
	org    *org.Org
	access *access.Access
	clock  *dbtest.Clock

	hub, street, platform id.ID
	links                 []access.Link
}

func each(t *testing.T, set func(*access.Options), story func(o *office)) {
	t.Helper()
	clock := dbtest.NewClock(noon)
	rooms := []db.Room{httpx.Room(), journal.Room(), org.Room(), access.Room()}
	dbtest.EachWith(t, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, rooms, func(t *testing.T, d *db.DB) {
		clock.Set(noon)
		keys := filepath.Join(t.TempDir(), "fields.json")
		if err := seal.Create(keys); err != nil {
			t.Fatal(err)
		}
		box, err := seal.Load(keys)
		if err != nil {
			t.Fatal(err)
		}
		o := &office{T: t, db: d, org: org.New(rulesOf(t)), clock: clock}
		options := access.Options{Org: o.org, Roles: book(t), Sealer: seal.AEAD{Box: box}, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}}
		if set != nil {
			set(&options)
		}
		if o.access, err = access.New(options); err != nil {
			t.Fatal(err)
		}
		o.org.Guarded(o.access)
		catalogue, err := words.New(words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: "org", Files: org.Words},
			words.Source{Room: "access", Files: access.Words})
		if err != nil {
			t.Fatal(err)
		}
		edge, err := httpx.New(httpx.Options{
			DB: d, Now: clock.Now, Words: catalogue, Who: o.access.Who(d), Refused: o.access.Denied(d),
			Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.access.Routes(edge)
		o.org.Routes(edge)
		server := httptest.NewServer(edge.Handler())
		t.Cleanup(server.Close)
		o.url = server.URL
		o.build()
		story(o)
	})
}

func (o *office) write(fn func(tx *db.Tx) error) {
	o.Helper()
	if err := o.db.Write(context.Background(), fn); err != nil {
		o.Fatal(err)
	}
}

func (o *office) build() {
	o.Helper()
	operator := access.Operator("cli:test", id.ID{})
	both := func(s string) words.Text { return words.Text{Chinese: s, English: s} }
	o.write(func(tx *db.Tx) error {
		for _, u := range []struct {
			kind org.UnitKind
			code string
			up   *id.ID
			into *id.ID
		}{{org.Hub, "H", &id.ID{}, &o.hub}, {org.Street, "S", &o.hub, &o.street}, {org.Platform, "P", &o.street, &o.platform}} {
			v, err := o.org.CreateUnit(tx, operator, org.UnitIn{Kind: u.kind, Code: u.code, Name: both(u.code), Parent: *u.up})
			if err != nil {
				return err
			}
			*u.into = v.ID
		}
		return nil
	})
	o.write(func(tx *db.Tx) (err error) {
		o.links, err = o.access.Found(tx, operator)
		return err
	})
}

// person adds somebody with a post, by the operator.
func (o *office) person(name string) id.ID {
	o.Helper()
	var p org.Person
	o.write(func(tx *db.Tx) (err error) {
		p, err = o.org.CreatePerson(tx, access.Operator("cli:test", o.hub), org.PersonIn{Name: name})
		return err
	})
	return p.ID
}

func (o *office) post(role string, level org.Level, unit, node id.ID) id.ID {
	o.Helper()
	var p org.Post
	o.write(func(tx *db.Tx) (err error) {
		p, err = o.org.CreatePost(tx, access.Operator("cli:test", o.hub),
			org.PostIn{Role: role, Name: words.Text{Chinese: role, English: role}, Unit: unit, Level: level, Node: node})
		return err
	})
	return p.ID
}

func (o *office) holds(person, post id.ID, kind org.HoldingKind, to time.Time) (org.Holding, error) {
	var h org.Holding
	err := o.db.Write(context.Background(), func(tx *db.Tx) (err error) {
		in := org.HoldingIn{Post: post, Person: person, To: to}
		if kind == org.StandIn {
			h, err = o.org.Deputise(tx, access.Operator("cli:test", o.hub), in)
		} else {
			h, err = o.org.Assign(tx, access.Operator("cli:test", o.hub), in)
		}
		return err
	})
	return h, err
}

// entries lists the journal's entries of a kind.
func (o *office) entries(kind string) []journal.Entry {
	o.Helper()
	var out []journal.Entry
	if err := o.db.Read(context.Background(), func(tx *db.Tx) error {
		all, err := journal.Since(tx, 0, 100000)
		for _, e := range all {
			if e.Kind == kind {
				out = append(out, e)
			}
		}
		return err
	}); err != nil {
		o.Fatal(err)
	}
	return out
}

// browser is one browser at one address, with its cookies.
type browser struct {
	*office
	client  *http.Client
	address string
	post    id.ID
	me      access.Me
	secret  string // of the second factor
}

func (o *office) browser(address string) *browser {
	o.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.Fatal(err)
	}
	return &browser{office: o, client: &http.Client{Jar: plainJar{jar}}, address: address}
}

// plainJar sends cookies marked Secure over the test's plain HTTP too: the
// browser it stands for speaks TLS to a proxy.
type plainJar struct{ *cookiejar.Jar }

func (j plainJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		c.Secure = false
	}
	j.Jar.SetCookies(u, cookies)
}

// asks sends a request and gives "status code" of a problem or "status", and
// the body.
func (b *browser) asks(method, path string, body any) (string, []byte) {
	b.Helper()
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		send = bytes.NewReader(raw)
	}
	r, err := http.NewRequest(method, b.url+path, send)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", b.address)
	r.Header.Set("Idempotency-Key", uuid.NewString())
	if !b.post.IsZero() {
		r.Header.Set(access.PostHeader, b.post.String())
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(raw, &problem); err != nil || problem.Detail == "" || problem.Detail == problem.Code {
			b.Fatalf("%s %s: %d without words: %s", method, path, res.StatusCode, raw)
		}
		return fmt.Sprintf("%d %s", res.StatusCode, problem.Code), raw
	}
	return fmt.Sprint(res.StatusCode), raw
}

// gets demands an outcome and decodes the body into v.
func (b *browser) gets(want, method, path string, body, v any) {
	b.Helper()
	got, raw := b.asks(method, path, body)
	if got != want {
		b.Fatalf("%s %s: got %s, want %s: %s", method, path, got, want, raw)
	}
	if v != nil {
		if err := json.Unmarshal(raw, v); err != nil {
			b.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

type m = map[string]any

const goodPassword = "渡口的石狮子 4217"

// code is what the authenticator shows now.
func (b *browser) code() string {
	b.Helper()
	c, err := totp.GenerateCode(b.secret, b.clock.Now())
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// enrols follows a link to its end and returns the recovery codes.
func (b *browser) enrols(token string) []string {
	b.Helper()
	var e access.Enrolment
	b.gets("200", "POST", "/api/enrol", m{"token": token, "password": goodPassword}, &e)
	if !e.NewFactor || e.Secret == "" || !strings.HasPrefix(e.QR, "data:image/png;base64,") || !strings.HasPrefix(e.URL, "otpauth://totp/") {
		b.Fatalf("enrolment: %+v", e)
	}
	b.secret = e.Secret
	var done struct {
		Codes []string `json:"recovery_codes"`
	}
	b.gets("200", "POST", "/api/enrol/confirm", m{"token": token, "totp": b.code()}, &done)
	b.clock.Add(time.Minute)
	return done.Codes
}

func (b *browser) signsIn(name string) {
	b.Helper()
	b.gets("200", "POST", "/api/session", m{"name": name, "password": goodPassword, "totp": b.code()}, &b.me)
	b.clock.Add(time.Minute)
}

// admin enrols one of the three founders and signs in.
func (o *office) admin(n int) *browser {
	o.Helper()
	b := o.browser(fmt.Sprintf("198.51.100.%d", n+1))
	b.enrols(o.links[n].Token)
	b.signsIn(o.links[n].Name)
	return b
}

// staff gives somebody an account with everything it needs to sign in.
func (o *office) staff(system, security *browser, name string, person id.ID) *browser {
	o.Helper()
	var acc access.Account
	system.gets("201", "POST", "/api/accounts", m{"name": name, "person_id": person}, &acc)
	var link access.Link
	system.gets("201", "POST", "/api/accounts/"+acc.ID.String()+"/link", nil, &link)
	b := o.browser("203.0.113." + fmt.Sprint(10+len(name)))
	b.enrols(link.Token)
	b.gets("403 access.not_released", "POST", "/api/session", m{"name": name, "password": goodPassword, "totp": b.code()}, nil)
	security.gets("200", "POST", "/api/accounts/"+acc.ID.String()+"/release", nil, nil)
	b.signsIn(name)
	return b
}

// An installation begins with three one-time links and no password. A link
// serves once, weak passwords are refused, nobody signs in without the second
// factor, and a code of it serves once.
func TestFounding(t *testing.T) {
	each(t, nil, func(o *office) {
		if len(o.links) != 3 || o.links[0].Role != "system_admin" || o.links[1].Role != "security_admin" || o.links[2].Role != "auditor" {
			t.Fatalf("links: %+v", o.links)
		}
		if err := o.db.Write(context.Background(), func(tx *db.Tx) error {
			_, err := o.access.Found(tx, access.Operator("cli:test", o.hub))
			return err
		}); err == nil || !strings.Contains(err.Error(), "access.founded") {
			t.Fatalf("founded twice: %v", err)
		}
		b := o.browser("198.51.100.1")
		token := o.links[0].Token
		for _, weak := range []string{"short", "1234567890", "aaaaaaaaaaaa", "password1234", "systemsystem!!x", "abcdefghijklmn", strings.Repeat("长", 80)} {
			b.gets("422 access.weak_password", "POST", "/api/enrol", m{"token": token, "password": weak}, nil)
		}
		b.gets("404 access.enrolment_over", "POST", "/api/enrol", m{"token": "nothing", "password": goodPassword}, nil)
		b.gets("404 access.enrolment_over", "POST", "/api/enrol/confirm", m{"token": token, "totp": "000000"}, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "system", "password": goodPassword}, nil)
		recovery := b.enrols(token)
		if len(recovery) != 8 {
			t.Fatalf("%d recovery codes", len(recovery))
		}
		b.gets("404 access.enrolment_over", "POST", "/api/enrol", m{"token": token, "password": goodPassword}, nil)

		var me access.Me
		b.gets("200", "POST", "/api/session", m{"name": "system", "password": goodPassword}, &me)
		if !me.NeedsTOTP || !me.Person.ID.IsZero() || len(me.Permissions) != 0 {
			t.Fatalf("before the code: %+v", me)
		}
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		code := b.code()
		in := m{"name": " System ", "password": goodPassword, "totp": code}
		b.gets("200", "POST", "/api/session", in, &me)
		if me.Person.Name != "系统管理员" || !slices.Contains(me.Permissions, "system.account_create") || slices.Contains(me.Permissions, "access.grant") {
			t.Fatalf("signed in as %+v", me)
		}
		other := o.browser("198.51.100.9")
		other.gets("401 access.wrong_credentials", "POST", "/api/session", in, nil)
		o.clock.Add(30 * time.Second)
		other.gets("401 access.wrong_credentials", "POST", "/api/session", in, nil) // still within its drift
		other.gets("200", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": b.code()}, nil)
		lost := m{"name": "system", "password": goodPassword, "totp": strings.ToLower(recovery[3])}
		other.gets("200", "POST", "/api/session", lost, nil)
		other.gets("401 access.wrong_credentials", "POST", "/api/session", lost, nil)

		// An expired link is over.
		o.clock.Add(73 * time.Hour)
		b.gets("404 access.enrolment_over", "POST", "/api/enrol", m{"token": o.links[1].Token, "password": goodPassword}, nil)
	})
}

// A secret that the browser had before the sign-in is never taken over, and
// every way of ending a session ends it.
func TestSessions(t *testing.T) {
	each(t, nil, func(o *office) {
		b := o.admin(0)
		u, _ := url.Parse(o.url)
		value := func(b *browser) string {
			for _, c := range b.client.Jar.Cookies(u) {
				if c.Name == access.SessionCookie {
					return c.Value
				}
			}
			return ""
		}
		// Fixation: an attacker plants a cookie of his own making, then one of a
		// real session.
		victim := o.browser("198.51.100.1")
		planted := strings.Repeat("A", 43)
		victim.client.Jar.SetCookies(u, []*http.Cookie{{Name: access.SessionCookie, Value: planted, Path: "/"}})
		victim.secret = b.secret
		victim.signsIn("system")
		if value(victim) == planted || value(victim) == "" {
			t.Fatal("the planted secret became a session")
		}
		attacker := o.browser("203.0.113.66")
		attacker.client.Jar.SetCookies(u, []*http.Cookie{{Name: access.SessionCookie, Value: planted, Path: "/"}})
		attacker.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		first := value(victim)
		victim.signsIn("system")
		if value(victim) == first {
			t.Fatal("the session was not renewed at sign-in")
		}
		attacker.client.Jar.SetCookies(u, []*http.Cookie{{Name: access.SessionCookie, Value: first, Path: "/"}})
		attacker.gets("401 access.sign_in", "GET", "/api/session", nil, nil)

		// Sign out here, then everywhere.
		b.gets("200", "GET", "/api/session", nil, nil)
		b.gets("204", "DELETE", "/api/session", nil, nil)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.signsIn("system")
		victim.gets("204", "DELETE", "/api/session/all", nil, nil)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)

		// Idle: use keeps it alive across the sweep, silence ends it.
		b.signsIn("system")
		for range 3 {
			o.clock.Add(50 * time.Minute)
			b.gets("200", "GET", "/api/session", nil, nil)
			if err := o.access.Sweep(context.Background(), o.db); err != nil {
				t.Fatal(err)
			}
		}
		o.clock.Add(61 * time.Minute)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		// The absolute limit ends it however busy.
		b.signsIn("system")
		for range 14 {
			o.clock.Add(50 * time.Minute)
			b.gets("200", "GET", "/api/session", nil, nil)
		}
		o.clock.Add(20 * time.Minute)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)

		// A new password ends the other sessions.
		b.signsIn("system")
		victim.signsIn("system")
		b.gets("401 access.wrong_credentials", "PUT", "/api/session/password", m{"old": "not it at all", "new": "另一个长密码 7788"}, nil)
		b.gets("422 access.weak_password", "PUT", "/api/session/password", m{"old": goodPassword, "new": "short"}, nil)
		b.gets("204", "PUT", "/api/session/password", m{"old": goodPassword, "new": "另一个长密码 7788"}, nil)
		b.gets("200", "GET", "/api/session", nil, nil)
		victim.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		victim.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": b.code()}, nil)
	})
}

// Whoever guesses an account elsewhere waits himself, even with the right
// password; the owner signs in from a known browser and from a new one alike. A
// name that does not exist is treated the same.
func TestNobodyLocksAnotherOut(t *testing.T) {
	each(t, nil, func(o *office) {
		owner := o.admin(0)
		attacker := o.browser("203.0.113.66")
		guess := func(b *browser, name string) string {
			b.Helper()
			got, _ := b.asks("POST", "/api/session", m{"name": name, "password": "wrong guess", "totp": "000000"})
			return got
		}
		story := func(name string) (out []string) {
			for range 40 {
				out = append(out, guess(attacker, name))
				o.clock.Add(time.Second)
			}
			return out
		}
		known, unknown := story("system"), story("nobody-here")
		if !slices.Equal(known, unknown) {
			t.Fatalf("an unknown name answers differently:\n%v\n%v", known, unknown)
		}
		if known[4] != "401 access.wrong_credentials" || !slices.Contains(known, "429 access.wait") {
			t.Fatalf("the attacker was not slowed: %v", known)
		}
		// One more wrong guess, and even the right password must wait there.
		for tries := 0; guess(attacker, "system") != "401 access.wrong_credentials"; tries++ {
			if tries > 900 {
				t.Fatal("the wait never ends")
			}
			o.clock.Add(time.Second)
		}
		attacker.secret = owner.secret
		attacker.gets("429 access.wait", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": attacker.code()}, nil)

		owner.signsIn("system")             // known browser
		fresh := o.browser("198.51.100.77") // new browser, other address
		fresh.secret = owner.secret
		fresh.signsIn("system")
		// A known browser at the attacker's own address does not wait either.
		owner.address = "203.0.113.66"
		owner.signsIn("system")
		// Its own failures count for it.
		for range 6 {
			guess(owner, "system")
		}
		if got := guess(owner, "system"); got != "429 access.wait" {
			t.Fatalf("the known browser guesses freely: %s", got)
		}
		o.clock.Add(16 * time.Minute)
		owner.signsIn("system")
		// The wait of the attacker ends by itself, and the journal told of it.
		attacker.signsIn("system")
		if n := len(o.entries("access.sign_in_slowed")); n == 0 || n > 20 {
			t.Fatalf("%d entries about slowed attempts", n)
		}
		// Trying one password on many names from one address is slowed too.
		spray := o.browser("203.0.113.99")
		slowed := false
		for i := range 70 {
			if guess(spray, fmt.Sprint("name-", i)) == "429 access.wait" {
				slowed = true
			}
		}
		if !slowed {
			t.Fatal("one address tried seventy names freely")
		}
	})
}

// None of the three administrators can do another's work, alone or through a
// post or a stand-in.
func TestThreeAdministrators(t *testing.T) {
	each(t, nil, func(o *office) {
		system, security, auditor := o.admin(0), o.admin(1), o.admin(2)
		grant := func(person id.ID, role, level string) m {
			return m{"person_id": person, "role": role, "level": level, "why": "test"}
		}
		someone := o.person("某人")
		system.gets("403 access.denied", "POST", "/api/grants", grant(someone, "hub_officer", "district"), nil)
		auditor.gets("403 access.denied", "POST", "/api/grants", grant(someone, "hub_officer", "district"), nil)
		security.gets("403 access.denied", "POST", "/api/accounts", m{"name": "someone", "person_id": someone}, nil)
		security.gets("403 access.same_hand", "POST", "/api/grants", grant(security.me.Person.ID, "hub_leader", "district"), nil)
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(system.me.Person.ID, "auditor", "system"), nil)
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(auditor.me.Person.ID, "system_admin", "system"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", grant(someone, "hub_officer", "street"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", grant(someone, "king", "district"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", m{"person_id": someone, "role": "street_desk", "level": "street", "node_id": o.platform, "why": "x"}, nil)

		// Through a post, held or stood in for.
		post := o.post("auditor", org.AtSystem, o.hub, o.hub)
		if _, err := o.holds(system.me.Person.ID, post, org.Holder, time.Time{}); err == nil || !strings.Contains(err.Error(), "access.incompatible_roles") {
			t.Fatalf("an administrator holds the auditor's post: %v", err)
		}
		if _, err := o.holds(security.me.Person.ID, post, org.StandIn, o.clock.Now().AddDate(0, 0, 7)); err == nil || !strings.Contains(err.Error(), "access.incompatible_roles") {
			t.Fatalf("an administrator stands in for the auditor: %v", err)
		}
		if _, err := o.holds(someone, post, org.StandIn, o.clock.Now().AddDate(0, 0, 7)); err != nil {
			t.Fatal(err)
		}
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(someone, "system_admin", "system"), nil)
		later := grant(someone, "system_admin", "system")
		later["from"] = o.clock.Now().AddDate(0, 0, 8)
		security.gets("201", "POST", "/api/grants", later, nil)

		// Nobody removes the last of a kind; all three read what they must.
		var grants struct{ Items []access.GrantView }
		auditor.gets("200", "GET", "/api/grants", nil, &grants)
		system.gets("403 access.denied", "GET", "/api/grants", nil, nil)
		for _, g := range grants.Items {
			if g.Role == "security_admin" {
				security.gets("409 access.last_administrator", "DELETE", "/api/grants/"+g.ID.String(), nil, nil)
			}
		}
		var list struct{ Items []access.Account }
		auditor.gets("200", "GET", "/api/accounts", nil, &list)
		for _, acc := range list.Items {
			system.gets("409 access.last_administrator", "POST", "/api/accounts/"+acc.ID.String()+"/disable", nil, nil)
			auditor.gets("403 access.denied", "POST", "/api/accounts/"+acc.ID.String()+"/disable", nil, nil)
		}
		// A system administrator's link alone takes no account over: it keeps
		// the second factor.
		i := slices.IndexFunc(list.Items, func(a access.Account) bool { return a.Name == "security" })
		var link access.Link
		system.gets("201", "POST", "/api/accounts/"+list.Items[i].ID.String()+"/link", nil, &link)
		var e access.Enrolment
		system.gets("200", "POST", "/api/enrol", m{"token": link.Token, "password": "劫持的密码 9911"}, &e)
		if e.NewFactor || e.Secret != "" {
			t.Fatalf("the link offers a new second factor: %+v", e)
		}
		system.gets("422 access.wrong_code", "POST", "/api/enrol/confirm", m{"token": link.Token, "totp": system.code()}, nil)
		security.gets("200", "GET", "/api/session", nil, nil)
		security.gets("403 access.same_hand", "POST", "/api/accounts/"+list.Items[i].ID.String()+"/factor-reset", nil, nil)

		// Roles: only the security administrator edits, never his own, and no
		// administrator gets to see content.
		system.gets("403 access.denied", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.report"}}, nil)
		security.gets("403 access.same_hand", "PUT", "/api/roles/security_admin", m{"permissions": []string{"access.grant"}}, nil)
		security.gets("422 access.invalid", "PUT", "/api/roles/auditor", m{"permissions": []string{"audit.read", "case.view"}}, nil)
		security.gets("422 access.invalid", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.fly"}}, nil)
		security.gets("200", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.report"}}, nil)
	})
}

// A person acts through the post named in the request or chosen in the session;
// a stand-in is named for whom; what ends, ends the live connection.
func TestActingPost(t *testing.T) {
	each(t, nil, func(o *office) {
		system, security := o.admin(0), o.admin(1)
		officer := o.post("grid_officer", org.AtGrid, o.platform, nid(900))
		head := o.post("grid_head", org.AtGrid, o.platform, nid(900))
		foreign := o.post("village_desk", org.AtVillage, o.platform, o.platform)
		an, bo := o.person("安"), o.person("博")
		for _, h := range []struct {
			person, post id.ID
		}{{an, officer}, {bo, head}} {
			if _, err := o.holds(h.person, h.post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		b := o.staff(system, security, "an.officer", an)
		if b.me.PostID != officer || len(b.me.Posts) != 1 || b.me.Posts[0].Unit.Chinese != "P" || slices.Contains(b.me.Permissions, "org.stand_in") {
			t.Fatalf("me: %+v", b.me)
		}
		stand, err := o.holds(an, head, org.StandIn, o.clock.Now().Add(10*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b.post = head
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != head || !slices.Contains(b.me.Permissions, "org.stand_in") || len(b.me.Posts) != 2 {
			t.Fatalf("acting as head: %+v", b.me)
		}
		for _, p := range b.me.Posts {
			if (p.ID == head) != (p.StandInFor == "博") {
				t.Fatalf("stands in for: %+v", p)
			}
		}
		if !b.me.Until.Equal(o.clock.Now().Add(10*time.Hour).Truncate(time.Millisecond)) && !b.me.Until.Equal(stand.To) {
			t.Fatalf("until %v, the stand-in ends %v", b.me.Until, stand.To)
		}
		b.post = foreign
		b.gets("403 access.not_your_post", "GET", "/api/session", nil, nil)
		b.post = id.ID{}
		b.gets("403 access.not_your_post", "PUT", "/api/session/post", m{"post_id": foreign}, nil)
		b.gets("200", "PUT", "/api/session/post", m{"post_id": head}, &b.me)
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != head {
			t.Fatalf("the choice was not kept: %+v", b.me)
		}
		b.gets("204", "PUT", "/api/session/language", m{"language": "en"}, nil)
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.Person.Language != words.English {
			t.Fatalf("language %s", b.me.Person.Language)
		}
		b.gets("200", "GET", "/api/org/posts?vacant=true", nil, nil)

		// The live connection hears of the end; the same actor is no longer
		// valid for a machine that only asks.
		var actor *access.Actor
		if err := o.db.Read(context.Background(), func(tx *db.Tx) (err error) {
			actor, err = o.access.Actor(tx, an, head)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		ended, stop := o.access.Watch(actor)
		defer stop()
		select {
		case <-ended:
			t.Fatal("ended too early")
		default:
		}
		bystander, stop2 := o.access.Watch(&access.Actor{Person: bo})
		defer stop2()
		b.gets("200", "DELETE", "/api/org/holdings/"+stand.ID.String(), nil, nil)
		<-ended
		select {
		case <-bystander:
			t.Fatal("somebody else's connection ended")
		default:
		}
		if err := o.db.Read(context.Background(), func(tx *db.Tx) error { return o.access.Valid(tx, actor) }); err == nil {
			t.Fatal("the actor is still valid")
		}
		// The lost post falls back to the one that is left.
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != officer {
			t.Fatalf("acts as %s after the end", b.me.PostID)
		}
		b.gets("403 access.denied", "GET", "/api/org/posts", nil, nil)

		// A stopped account is out at once, and needs both administrators to
		// come back.
		var list struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &list)
		i := slices.IndexFunc(list.Items, func(a access.Account) bool { return a.Person == an })
		path := "/api/accounts/" + list.Items[i].ID.String()
		system.gets("200", "POST", path+"/disable", nil, nil)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "an.officer", "password": goodPassword, "totp": b.code()}, nil)
		system.gets("200", "POST", path+"/enable", nil, nil)
		b.gets("403 access.not_released", "POST", "/api/session", m{"name": "an.officer", "password": goodPassword, "totp": b.code()}, nil)
		system.gets("403 access.denied", "POST", path+"/release", nil, nil)
		security.gets("200", "POST", path+"/release", nil, nil)
		b.signsIn("an.officer")
		// A lost phone: the security administrator allows it, the system
		// administrator makes the link.
		security.gets("200", "POST", path+"/factor-reset", nil, nil)
		var link access.Link
		system.gets("201", "POST", path+"/link", nil, &link)
		b.enrols(link.Token)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.signsIn("an.officer")
	})
}

// Refused commands of staff stand in the journal, up to a number a minute;
// strangers are only counted.
func TestRefusalsAreNoted(t *testing.T) {
	each(t, nil, func(o *office) {
		auditor := o.admin(2)
		before := o.access.Stats.Refusals.Load()
		for range 25 {
			auditor.gets("403 access.denied", "POST", "/api/grants", m{"person_id": nid(5), "role": "x", "level": "system", "why": "x"}, nil)
		}
		o.browser("203.0.113.5").gets("401 access.sign_in", "POST", "/api/grants", m{"person_id": nid(5), "role": "x", "level": "system", "why": "x"}, nil)
		noted := o.entries("access.refused")
		if len(noted) != 20 || o.access.Stats.Refusals.Load()-before != 25 {
			t.Fatalf("%d noted, %d counted", len(noted), o.access.Stats.Refusals.Load()-before)
		}
		var body map[string]string
		if ok, err := noted[0].Decode(&body); !ok || err != nil || body["operation"] != "access.grant" || noted[0].By.Person != auditor.me.Person.ID {
			t.Fatalf("%+v %v", noted[0], body)
		}
		o.clock.Add(time.Minute)
		auditor.gets("403 access.denied", "GET", "/api/org/persons", nil, nil)
		if n := len(o.entries("access.refused")); n != 21 {
			t.Fatalf("%d noted in the next minute", n)
		}
	})
}

// The demo's sign-in exists only in the demo, and only for accounts made for it.
func TestDemo(t *testing.T) {
	each(t, nil, func(o *office) {
		b := o.browser("127.0.0.1")
		b.gets("404 access.no_demo", "GET", "/api/demo/accounts", nil, nil)
		b.gets("404 access.no_demo", "POST", "/api/demo/session", m{"account": "system"}, nil)
	})
	each(t, func(o *access.Options) { o.Demo = true }, func(o *office) {
		post := o.post("street_desk", org.AtStreet, o.street, o.street)
		an := o.person("街道值班员（演示）")
		if _, err := o.holds(an, post, org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		o.write(func(tx *db.Tx) error {
			_, err := o.access.CreateDemoAccount(tx, access.Operator("system", o.hub), "demo.street", an)
			return err
		})
		b := o.browser("127.0.0.1")
		var list struct{ Items []access.DemoAccount }
		b.gets("200", "GET", "/api/demo/accounts", nil, &list)
		if len(list.Items) != 1 || list.Items[0].Account != "demo.street" || list.Items[0].Role.English != "Street dispatcher" {
			t.Fatalf("%+v", list)
		}
		b.gets("401 access.wrong_credentials", "POST", "/api/demo/session", m{"account": "system"}, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "demo.street", "password": goodPassword}, nil)
		b.gets("200", "POST", "/api/demo/session", m{"account": "demo.street"}, &b.me)
		if !b.me.Demo || b.me.PostID != post {
			t.Fatalf("%+v", b.me)
		}
		b.gets("200", "GET", "/api/org/units", nil, nil)
	})
}

// Two sign-ins with one code at the same moment: exactly one succeeds.
func TestOneCodeOneSession(t *testing.T) {
	each(t, nil, func(o *office) {
		owner := o.admin(0)
		in := access.SignInIn{Name: "system", Password: goodPassword, Code: owner.code(), Via: "desk"}
		const n = 6
		results := make(chan error, n)
		for i := range n {
			in := in
			in.Address = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			go func() {
				_, err := o.access.SignIn(context.Background(), o.db, in)
				results <- err
			}()
		}
		right := 0
		for range n {
			if err := <-results; err == nil {
				right++
			} else if !strings.Contains(err.Error(), "access.wrong_credentials") {
				t.Fatal(err)
			}
		}
		if right != 1 {
			t.Fatalf("one code began %d sessions", right)
		}
	})
}

// Posts and people are told only within the reader's scope, over the real edge:
// a village leader assigns in her village and learns nothing of the next one.
func TestTeamWithinScope(t *testing.T) {
	each(t, func(o *access.Options) { o.Demo = true }, func(o *office) {
		operator := access.Operator("cli:test", o.hub)
		var second org.Unit
		o.write(func(tx *db.Tx) (err error) {
			second, err = o.org.CreateUnit(tx, operator, org.UnitIn{Kind: org.Platform, Code: "P2", Name: words.Text{Chinese: "乙", English: "B"}, Parent: o.street})
			return err
		})
		mine := o.post("grid_officer", org.AtGrid, o.platform, nid(901))
		theirs := o.post("grid_officer", org.AtGrid, second.ID, nid(902))
		leader := o.post("village_leader", org.AtVillage, o.platform, o.platform)
		an, bo, cai := o.person("安"), o.person("博"), o.person("蔡")
		for person, post := range map[id.ID]id.ID{an: leader, bo: theirs} {
			if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		o.write(func(tx *db.Tx) error {
			_, err := o.access.CreateDemoAccount(tx, operator, "leader", an)
			return err
		})
		b := o.browser("127.0.0.1")
		b.gets("200", "POST", "/api/demo/session", m{"account": "leader"}, &b.me)
		var posts struct{ Items []org.PostView }
		b.gets("200", "GET", "/api/org/posts", nil, &posts)
		if len(posts.Items) != 2 {
			t.Fatalf("sees %d posts: %+v", len(posts.Items), posts.Items)
		}
		for _, p := range posts.Items {
			if p.ID == theirs || p.ID == mine && !p.Vacant {
				t.Fatalf("%+v", p)
			}
		}
		var people struct{ Items []org.PersonView }
		b.gets("200", "GET", "/api/org/persons", nil, &people)
		if len(people.Items) != 1 || people.Items[0].ID != an {
			t.Fatalf("sees %+v", people.Items)
		}
		var page struct {
			Items []org.PostView
			Next  string
		}
		b.gets("200", "GET", "/api/org/posts?limit=1", nil, &page)
		if len(page.Items) != 1 || page.Next == "" {
			t.Fatalf("first page: %+v", page)
		}
		first := page.Items[0].ID
		b.gets("200", "GET", "/api/org/posts?limit=1&cursor="+page.Next, nil, &page)
		if len(page.Items) != 1 || page.Items[0].ID == first {
			t.Fatalf("second page: %+v", page)
		}
		b.gets("403 access.denied", "POST", "/api/org/posts/"+theirs.String()+"/holder", m{"person_id": cai}, nil)
		b.gets("403 access.denied", "POST", "/api/org/units", m{"kind": "street", "code": "X", "name": m{"zh-CN": "x", "en": "x"}}, nil)
		var held org.Holding
		b.gets("201", "POST", "/api/org/posts/"+mine.String()+"/holder", m{"person_id": cai}, &held)
		b.gets("409 org.post_taken", "POST", "/api/org/posts/"+mine.String()+"/holder", m{"person_id": bo}, nil)
		b.gets("422 org.invalid", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": an}, nil)
		b.gets("201", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": an, "to": o.clock.Now().AddDate(0, 0, 5)}, nil)
		b.gets("200", "DELETE", "/api/org/holdings/"+held.ID.String(), nil, nil)
		b.gets("404 org.missing", "DELETE", "/api/org/holdings/"+nid(1).String(), nil, nil)
		// Standing in now, by an own word, she acts as the officer but cannot
		// name another for it.
		b.post = mine
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if len(b.me.Posts) != 2 || b.me.PostID != mine {
			t.Fatalf("%+v", b.me)
		}
		b.post = leader
		b.gets("403 org.stand_in_hands_on", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": cai, "to": o.clock.Now().AddDate(0, 0, 5)}, nil)
		if n := len(o.entries("org.hold")); n != 3 {
			t.Fatalf("%d holdings in the journal", n)
		}
	})
}
