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
