package access_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/seal"
)

// Whoever signs out on one machine is refused by the other at once, although
// that one has the session in memory; so is a stream that it keeps open.
func TestSignedOutOnAnotherMachine(t *testing.T) {
	each(t, nil, func(o *office) {
		b := o.admin(0)
		second, err := db.Open(context.Background(), db.Options{DSN: o.db.DSN(), Now: o.clock.Now, Ledger: journal.New(), Exists: true})
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		keys := filepath.Join(o.TempDir(), "other.json")
		if err := seal.Create(keys); err != nil {
			t.Fatal(err)
		}
		box, err := seal.Load(keys)
		if err != nil {
			t.Fatal(err)
		}
		there, err := access.New(access.Options{Org: org.New(rulesOf(t)), Roles: book(t), Sealer: seal.AEAD{Box: box}, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(o.url)
		cookies := b.client.Jar.Cookies(u)
		asks := func() (*access.Actor, error) {
			r := httptest.NewRequest(http.MethodGet, "/api/session", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			c, err := there.Who(second)(r, httpx.Op{SignedIn: true})
			by, _ := c.By.(*access.Actor)
			return by, err
		}
		var by *access.Actor
		for range 3 { // read, then from memory
			if by, err = asks(); err != nil || by == nil {
				t.Fatal(err)
			}
		}
		standing := there.Standing(second, by)
		for range 3 {
			if err := standing(context.Background(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		b.gets("204", "DELETE", "/api/session", nil, nil)
		if _, err := asks(); !errors.Is(err, access.ErrSignIn) {
			t.Errorf("the other machine: %v", err)
		}
		if err := standing(context.Background(), time.Now()); !errors.Is(err, access.ErrSignIn) {
			t.Errorf("its stream: %v", err)
		}
	})
}
