package access

import (
	"context"
	"encoding/base32"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pquerna/otp/totp"

	"onegrid/data"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

var cheap = Cost{Time: 1, Memory: 64, Threads: 1}

// A password matches its stored form and nothing else does; no password at all
// never matches, also not the stand-in for unknown accounts.
func TestPasswordForm(t *testing.T) {
	ctx := context.Background()
	h, err := newHasher(cheap)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := h.hash(ctx, "渡口的石狮子 4217")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%q %v", stored, err)
	}
	again, err := h.hash(ctx, "渡口的石狮子 4217")
	if err != nil || again == stored {
		t.Fatal("two hashes of one password are the same")
	}
	for password, want := range map[string]bool{
		"渡口的石狮子 4217": true, "渡口的石狮子 4218": false, "": false,
		"渡口的石狮子 4217" + strings.Repeat("x", maxPassword): false,
	} {
		if got, err := h.matches(ctx, h.strangers, stored, password); err != nil || got != want {
			t.Errorf("%.30q: %v %v", password, got, err)
		}
	}
	if got, err := h.matches(ctx, h.strangers, "", "anything"); err != nil || got {
		t.Errorf("nothing stored: %v %v", got, err)
	}
	for _, broken := range []string{"plain", "$argon2i$v=19$m=64,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=99999999,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=64,t=1,p=1$YQ$"} {
		if got, err := h.matches(ctx, h.strangers, broken, "anything"); err == nil || got {
			t.Errorf("%s: %v %v", broken, got, err)
		}
	}
}

// Only so many may wait for a hash; whoever hangs up gives the place back.
func TestHashingIsBounded(t *testing.T) {
	h, err := newHasher(cheap)
	if err != nil {
		t.Fatal(err)
	}
	var release []func()
	for range atOnce {
		r, err := h.strangers.take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	outcomes := make(chan error, waiting)
	for range waiting {
		wait.Go(func() { _, err := h.strangers.take(ctx); outcomes <- err })
	}
	// All others find the queue full; two of the 64 did too, since two hash.
	for range atOnce {
		if err := <-outcomes; !errors.Is(err, ErrBusy) {
			t.Fatalf("got %v, want busy", err)
		}
	}
	if _, err := h.strangers.take(context.Background()); !errors.Is(err, ErrBusy) {
		t.Fatalf("got %v, want busy", err)
	}
	// An owner at a known browser does not stand in that queue.
	if right, err := h.matches(context.Background(), h.known, h.dummy, "no"); err != nil || right {
		t.Fatalf("a known browser: %v %v", right, err)
	}
	cancel()
	wait.Wait()
	for _, r := range release {
		r()
	}
	if _, err := h.hash(context.Background(), "still works"); err != nil {
		t.Fatal(err)
	}
}

// A code serves in its own period and the ones beside it, once, and no older
// code after it. The reference is the library that authenticator apps follow.
func TestCodeServesOnce(t *testing.T) {
	secret := []byte("12345678901234567890")
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	now := time.Date(2026, 11, 23, 12, 0, 15, 0, time.UTC)
	at := func(d time.Duration) string {
		c, err := totp.GenerateCode(text, now.Add(d))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	present := now.Unix() / codePeriod
	for _, c := range []struct {
		what string
		code string
		used int64
		ok   bool
	}{
		{"now", at(0), 0, true}, {"a period behind", at(-30 * time.Second), 0, true}, {"a period ahead", at(30 * time.Second), 0, true},
		{"two behind", at(-60 * time.Second), 0, false}, {"two ahead", at(60 * time.Second), 0, false},
		{"used", at(0), present, false}, {"older than the used one", at(-30 * time.Second), present, false},
		{"newer than the used one", at(30 * time.Second), present, true}, {"with a space", at(0)[:3] + " " + at(0)[3:], 0, true},
		{"empty", "", 0, false}, {"too long", at(0) + "0", 0, false}, {"letters", "abcdef", 0, false},
	} {
		if _, ok := codeStep(secret, c.code, now, c.used); ok != c.ok {
			t.Errorf("%s: %v", c.what, ok)
		}
	}
	// RFC 6238, appendix B, cut to six digits: 59 s gives 94287082.
	if step, ok := codeStep(secret, "287082", time.Unix(59, 0), 0); !ok || step != 1 {
		t.Errorf("RFC 6238: %d %v", step, ok)
	}
}

// Recovery codes differ, are found again however they are typed, and their
// hashes tell nothing of each other.
func TestRecoveryCodes(t *testing.T) {
	random := make([]byte, recoveryCodes*recoverySize)
	for i := range random {
		random[i] = byte(i * 7)
	}
	codes, hashes := newRecoveryCodes(random)
	seen := map[string]bool{}
	for i, c := range codes {
		if seen[c] || len(c) != 14 || strings.ContainsAny(c, "01IO") {
			t.Errorf("code %q", c)
		}
		seen[c] = true
		for _, typed := range []string{c, strings.ToLower(c), strings.ReplaceAll(c, "-", ""), " " + c + " "} {
			if recoveryHash(typed) != hashes[i] {
				t.Errorf("%q is not found again", typed)
			}
		}
	}
}

// The wait grows from nothing to its limit and never falls.
func TestWaits(t *testing.T) {
	k := keyOf(freeFailures, longestWait, "x")
	last := time.Duration(0)
	for n := int64(0); n < 200; n++ {
		w := k.waitFor(n)
		if w < last || w > longestWait || n < freeFailures && w != 0 || n >= freeFailures && w < firstWait {
			t.Fatalf("after %d failures: %v", n, w)
		}
		last = w
	}
	if last != longestWait {
		t.Fatalf("ends at %v", last)
	}
}

// One line of IPv6 is one address; parts of a key cannot be shifted into each
// other.
func TestAttemptKeys(t *testing.T) {
	key := func(name, address, device string) [32]byte {
		return attemptKeys(name, netip.MustParseAddr(address), device)[0].hash
	}
	if key("a", "2001:db8::1", "") != key("a", "2001:db8::ffff:1", "") || key("a", "2001:db8::1", "") == key("a", "2001:db8:0:1::1", "") {
		t.Error("IPv6 is not counted by /64")
	}
	if key("a", "198.51.100.1", "") != key("a", "::ffff:198.51.100.1", "") || key("a", "198.51.100.1", "") == key("a", "198.51.100.2", "") {
		t.Error("IPv4 is not counted by address")
	}
	if key("a", "198.51.100.1", "d") != key("a", "203.0.113.9", "d") {
		t.Error("a known device is counted by address")
	}
	if keyOf(1, 1, "ab", "c").hash == keyOf(1, 1, "a", "bc").hash {
		t.Error("parts of a key run together")
	}
}

// A book of roles that contradicts itself is refused.
func TestRoleBookRefuses(t *testing.T) {
	good := `{"permissions":[{"key":"case.view","group":"case"},{"key":"audit.read","group":"audit"}],
		"roles":[{"key":"a","scope_kinds":["grid"],"permissions":["case.view"]}],"incompatibilities":[],"two_person_rules":[]}`
	for what, change := range map[string][2]string{
		"unknown permission":    {`"permissions":["case.view"]`, `"permissions":["case.fly"]`},
		"unknown level":         {`["grid"]`, `["moon"]`},
		"content at the system": {`["grid"]`, `["system"]`},
		"unknown exclusion":     {`"incompatibilities":[]`, `"incompatibilities":[{"roles":["a","b"]}]`},
		"unknown rule":          {`"two_person_rules":[]`, `"two_person_rules":[{"key":"x","first":"case.view","second":"none"}]`},
		"twice":                 {`"roles":[`, `"roles":[{"key":"a","scope_kinds":[],"permissions":[]},`},
		"no JSON":               {`{"permissions"`, `{permissions`},
		"administrators at one": {`"roles":[`, `"roles":[{"key":"auditor","scope_kinds":["system"],"permissions":[]},{"key":"system_admin","scope_kinds":["system"],"permissions":[]},`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing changed", what)
		}
		if _, err := LoadRoleBook(fstest.MapFS{"defaults/roles.json": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if _, err := LoadRoleBook(fstest.MapFS{"defaults/roles.json": {Data: []byte(good)}}); err != nil {
		t.Error(err)
	}
}

// Until is the earliest of the session's end, a grant's end and a grant's
// beginning; a person who left holds nothing.
func TestUntil(t *testing.T) {
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadRoleBook(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
	hub, post, later, person, left := id.ID{1}, id.ID{2}, id.ID{3}, id.ID{4}, id.ID{5}
	s := org.NewSnapshot(rules, []org.Unit{{ID: hub, Kind: org.Hub}}, nil, nil,
		[]org.Post{{ID: post, Role: "hub_officer", Unit: hub, Level: org.AtDistrict, Node: hub, To: hour(9)}, {ID: later, Role: "hub_leader", Unit: hub, Level: org.AtDistrict, Node: hub}},
		[]org.Person{{ID: person}, {ID: left, To: at}},
		[]org.Holding{
			{ID: id.ID{6}, Post: post, Person: person, Kind: org.Holder, From: at, Accepted: at},
			{ID: id.ID{7}, Post: later, Person: person, Kind: org.Holder, From: hour(7), Accepted: hour(7)},
			{ID: id.ID{8}, Post: post, Person: left, Kind: org.Holder, From: at.Add(-time.Hour), Accepted: at.Add(-time.Hour)},
		}, nil)
	direct := []Grant{{ID: id.ID{9}, Person: person, Role: "wall_viewer", Level: org.AtDistrict, Node: hub, From: at, To: hour(8)}}
	a, err := b.Act(s, direct, person, post, at)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Until().Equal(hour(7)) {
		t.Errorf("until the next grant begins: %v", a.Until())
	}
	a.ends = hour(6)
	if !a.Until().Equal(hour(6)) {
		t.Errorf("until the session ends: %v", a.Until())
	}
	if a, err = b.Act(s, direct, person, post, hour(7)); err != nil || !a.Until().Equal(hour(8)) {
		t.Errorf("until the direct grant ends: %v %v", a.Until(), err)
	}
	if a, err = b.Act(s, direct, person, post, hour(8)); err != nil || !a.Until().Equal(hour(9)) {
		t.Errorf("until the post ends: %v %v", a.Until(), err)
	}
	if _, err := b.Act(s, nil, left, post, at); !errors.Is(err, ErrNotYourPost) {
		t.Errorf("somebody who left acts: %v", err)
	}
}

func BenchmarkAct(b *testing.B) {
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		b.Fatal(err)
	}
	book, err := LoadRoleBook(data.FS)
	if err != nil {
		b.Fatal(err)
	}
	hub, at := id.ID{1}, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var posts []org.Post
	var persons []org.Person
	var holdings []org.Holding
	for i := range 1500 {
		v := id.ID{2, byte(i >> 8), byte(i)}
		posts = append(posts, org.Post{ID: v, Role: "grid_officer", Unit: hub, Level: org.AtGrid, Node: v})
		persons = append(persons, org.Person{ID: v})
		holdings = append(holdings, org.Holding{ID: v, Post: v, Person: v, Kind: org.Holder, From: at, Accepted: at})
	}
	s := org.NewSnapshot(rules, []org.Unit{{ID: hub, Kind: org.Hub}}, nil, nil, posts, persons, holdings, nil)
	b.ReportAllocs()
	for b.Loop() {
		a, err := book.Act(s, nil, posts[700].ID, posts[700].ID, at)
		if err != nil || len(a.Walks("case.view")) != 3 {
			b.Fatal(err)
		}
	}
}
