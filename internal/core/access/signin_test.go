package access_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
)

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
