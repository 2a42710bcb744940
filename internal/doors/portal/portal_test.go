package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
)

// The id of a report comes from the key of its form: the same key, the same
// id; another key, another id; anything that is no key is refused.
func TestKeyOfAFormMakesTheID(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	p := &Portal{now: func() time.Time { return at }}
	one, two := p.newKey(), p.newKey()
	a, err := reportID(one)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := reportID(one)
	b, _ := reportID(two)
	if a != again || a == b {
		t.Fatalf("%s %s %s", a, again, b)
	}
	if s := a.String(); s[14] != '7' || strings.Contains(s, one[:6]) {
		t.Fatalf("%s is no version 7 id", s)
	}
	if ms := int64(a[0])<<40 | int64(a[1])<<32 | int64(a[2])<<24 | int64(a[3])<<16 | int64(a[4])<<8 | int64(a[5]); ms != at.UnixMilli() {
		t.Fatalf("the id is of %s", time.UnixMilli(ms))
	}
	if ownerOf(one) == ownerOf(two) || strings.Contains(ownerOf(one), one) {
		t.Fatal("an owner gives the key away or is shared")
	}
	for _, bad := range []string{"", "x", one + "A", one[1:], strings.Repeat("!", len(one)), a.String()} {
		if _, err := reportID(bad); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The way back of the display settings never leaves this door.
func TestWayBackStaysHere(t *testing.T) {
	for in, want := range map[string]string{
		"/":                             "/",
		"/report":                       "/report",
		"/report?lon=117.1&lat=36.9":    "/report?lat=36.9&lon=117.1",
		"/report?lang=en&lon=1&evil=x":  "/report?lon=1",
		"/my/20261124-K7P2M9X-R":        "/my/20261124-K7P2M9X-R",
		"/my/20261124-K7P2M9X-R?done=x": "/my/20261124-K7P2M9X-R",
		"//evil.example/report":         "/",
		"/\\evil.example":               "/",
		"https://evil.example/report":   "/",
		"javascript:alert(1)":           "/",
		"/my/../api/session":            "/",
		"/r/abcdefghijklmnopqrstuv":     "/",
		"":                              "/",
		"%zz":                           "/",
	} {
		if got := safeBack(in); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

// A button pressed twice does its act once, also at the same instant; an act
// that failed can be tried again; what is forgotten is done anew.
func TestPressedTwice(t *testing.T) {
	s := newRepeats[int](2)
	var n atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := s.once("a", func() (int, error) { n.Add(1); return 7, nil }); err != nil || got != 7 {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	if n.Load() != 1 {
		t.Fatalf("done %d times", n.Load())
	}
	boom := errors.New("boom")
	if _, err := s.once("b", func() (int, error) { return 0, boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if _, err := s.once("b", func() (int, error) { n.Add(1); return 1, nil }); err != nil || n.Load() != 2 {
		t.Fatalf("a failed act could not be tried again: %v", err)
	}
	for _, k := range []string{"c", "d"} {
		if _, err := s.once(k, func() (int, error) { return 1, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.once("a", func() (int, error) { n.Add(1); return 1, nil }); err != nil {
		t.Fatal(err)
	}
	if n.Load() != 3 || len(s.known) != 2 || s.order.Len() != 2 {
		t.Fatalf("%d acts, %d known", n.Load(), len(s.known))
	}
}

// Many phones behind one carrier's address report at the same time; one browser
// that floods is stopped and does not use up what the others share.
func TestSharedAddressIsNotPunished(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	l := newLimits(DefaultRates, func() time.Time { return at })
	flood := sender{browser: "flood", address: "100.64.0.1"}
	refused := 0
	for range 500 {
		if l.report(flood) != nil {
			refused++
		}
	}
	if refused != 495 {
		t.Fatalf("%d of 500 were refused", refused)
	}
	for i := range 50 {
		if err := l.report(sender{browser: fmt.Sprint("phone ", i), address: "100.64.0.1"}); err != nil {
			t.Fatalf("phone %d: %v", i, err)
		}
	}
	// Throwing the cookie away does not help: such senders share one bucket.
	refused = 0
	for range 20 {
		if l.report(sender{address: "203.0.113.9"}) != nil {
			refused++
		}
	}
	if refused != 15 {
		t.Fatalf("%d of 20 without a cookie were refused", refused)
	}
	// Nor does a new cookie each time, beyond what the address has.
	refused = 0
	for i := range 200 {
		if err := l.report(sender{browser: fmt.Sprint("new ", i), address: "203.0.113.9"}); err != nil {
			refused++
			if f := fault.Of(err); f.Args["retry_after"].(int64) < 1 {
				t.Fatalf("no time to wait: %v", err)
			}
		}
	}
	if refused < 140 {
		t.Fatalf("only %d of 200 were refused", refused)
	}
}

// One subscriber's IPv6 network counts as one address.
func TestAddressKey(t *testing.T) {
	key := func(s string) string { return addressKey(netip.MustParseAddr(s)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("2001:db8:1:2::1") == key("2001:db8:1:3::1") || key("203.0.113.1") == key("203.0.113.2") {
		t.Fatal("addresses are told apart wrongly")
	}
}

// A form is read to its end whatever is wrong with it, and never into memory
// without a bound.
func TestFormsThatAreBroken(t *testing.T) {
	read := func(kind, body string) error {
		r := httptest.NewRequest(http.MethodPost, "/report", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		_, err := readForm(r, discardPhoto)
		return err
	}
	part := func(n int, name, value string) string {
		return strings.Repeat("--B\r\nContent-Disposition: form-data; name=\""+name+"\"\r\n\r\n"+value+"\r\n", n)
	}
	for name, c := range map[string]struct {
		kind, body string
		want       *fault.Fault
	}{
		"no type":          {"", "a=b", httpx.ErrMediaType},
		"json":             {"application/json", "{}", httpx.ErrMediaType},
		"no boundary":      {"multipart/form-data", "x", ErrForm},
		"cut off":          {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf", ErrForm},
		"endless field":    {"multipart/form-data; boundary=B", part(1, "a", strings.Repeat("x", maxFieldBytes+1)) + "--B--\r\n", httpx.ErrTooLarge},
		"too many fields":  {"multipart/form-data; boundary=B", part(maxFields+1, "a", "x") + "--B--\r\n", ErrForm},
		"large plain form": {"application/x-www-form-urlencoded", "a=" + strings.Repeat("x", maxPlainBytes), httpx.ErrTooLarge},
		"bad escape":       {"application/x-www-form-urlencoded", "a=%zz", ErrForm},
	} {
		if err := read(c.kind, c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want.Code)
		}
	}
	if err := read("multipart/form-data; boundary=B", part(2, "a", "x")+"--B--\r\n"); err != nil {
		t.Fatal(err)
	}
}

// A photo that gets no turn is refused in words of its own, and its place is
// free again afterwards.
func TestPhotosTakeTurns(t *testing.T) {
	s := newSlots()
	var leave []func()
	for range photoSlots {
		l, err := s.take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.take(gone); !errors.Is(err, ErrPhotosBusy) {
		t.Fatal(err)
	}
	leave[0]()
	if _, err := s.take(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Photos of the public are worked on one after the other, so that the rest of
// the machine is left to staff; one whose turn does not come is refused, and
// what is read of it is within its bound.
func TestPublicPhotosLeaveTheMachineToStaff(t *testing.T) {
	s := newSlots()
	busy := semaphore.NewWeighted(1)
	s.work = busy
	if !busy.TryAcquire(1) {
		t.Fatal("nobody works, and there is no turn")
	}
	gone, cancel := context.WithCancel(context.Background())
	reading := strings.NewReader("a photo")
	ended := make(chan error, 1)
	go func() {
		_, err := s.keep(gone, reading, func(io.Reader) (casework.File, error) {
			t.Error("two are worked on at a time")
			return casework.File{}, nil
		})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, ErrPhotosBusy) {
		t.Fatal(err)
	}
	busy.Release(1)
	f, err := s.keep(context.Background(), io.LimitReader(zeros{}, maxPhotoBytes+100), func(photo io.Reader) (casework.File, error) {
		n, err := io.Copy(io.Discard, photo)
		return casework.File{Bytes: n}, err
	})
	if err != nil || f.Bytes != maxPhotoBytes+1 {
		t.Fatalf("%d bytes, %v", f.Bytes, err)
	}
	if !busy.TryAcquire(1) || !s.all.TryAcquire(photoSlots) {
		t.Error("a turn was not given back")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

var sayKey = regexp.MustCompile(`\.Say "(portal\.[a-z_]+)"`)

// keysInPages are the sentences that the templates ask for.
func keysInPages(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	all, err := pageFiles.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		raw, err := pageFiles.ReadFile("pages/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sayKey.FindAllStringSubmatch(string(raw), -1) {
			keys[m[1]] = true
		}
		// The one script that is offered is a file of its own.
		if s := strings.Replace(strings.ToLower(string(raw)), `<script src="/portal/news.js" defer></script>`, "", 1); strings.Contains(s, "<script") || strings.Contains(s, " onclick") || strings.Contains(s, "javascript:") || strings.Contains(s, "style=") {
			t.Errorf("%s has script or style in it", f.Name())
		}
	}
	return keys
}
