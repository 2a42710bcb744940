package portal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/httpx"
)

// Rates are how often the public door may be used (限速). Behind one mobile
// carrier's address stand thousands of people, so an address gets much and a
// browser little; the last bound is what the whole door takes.
type Rates struct {
	// Every form that is sent, also one that is refused.
	TryBrowser, TryAddress, TryAll httpx.Rate
	// Reports that were taken.
	ReportBrowser, ReportAddress, ReportAll httpx.Rate
	// Secrets that were tried.
	OpenAddress, OpenAll httpx.Rate
	// Attempts to get a link back, for each number.
	RecoverNumber httpx.Rate
}

// DefaultRates are the rates of a district of some hundred thousand people.
var DefaultRates = Rates{
	TryBrowser: httpx.Rate{Burst: 20, Every: 10 * time.Second},
	TryAddress: httpx.Rate{Burst: 120, Every: time.Second},
	TryAll:     httpx.Rate{Burst: 600, Every: 50 * time.Millisecond},

	ReportBrowser: httpx.Rate{Burst: 5, Every: 2 * time.Minute},
	ReportAddress: httpx.Rate{Burst: 60, Every: 5 * time.Second},
	ReportAll:     httpx.Rate{Burst: 300, Every: 200 * time.Millisecond},

	OpenAddress: httpx.Rate{Burst: 60, Every: 5 * time.Second},
	OpenAll:     httpx.Rate{Burst: 600, Every: 50 * time.Millisecond},

	RecoverNumber: httpx.Rate{Burst: recoverTries, Every: time.Hour / recoverTries},
}

// recoverTries is how often a number may be tried with a phone number in an
// hour: enough for a slip of the finger, too few to try numbers out.
const recoverTries = 5

// keysKept is how many keys a limiter remembers; 64 bytes and the key each.
const keysKept = 100_000

type limits struct {
	tryBrowser, tryAddress, tryAll          *httpx.Limiter
	reportBrowser, reportAddress, reportAll *httpx.Limiter
	openAddress, openAll                    *httpx.Limiter
	recoverNumber                           *httpx.Limiter
}

func newLimits(r Rates, now func() time.Time) *limits {
	many := func(r httpx.Rate) *httpx.Limiter { return httpx.NewLimiter(r, keysKept, now) }
	one := func(r httpx.Rate) *httpx.Limiter { return httpx.NewLimiter(r, 1, now) }
	return &limits{
		tryBrowser: many(r.TryBrowser), tryAddress: many(r.TryAddress), tryAll: one(r.TryAll),
		reportBrowser: many(r.ReportBrowser), reportAddress: many(r.ReportAddress), reportAll: one(r.ReportAll),
		openAddress: many(r.OpenAddress), openAll: one(r.OpenAll),
		recoverNumber: many(r.RecoverNumber),
	}
}

// sender is from where something is sent, as far as limits care.
type sender struct {
	browser string // of its cookie; "" when it keeps none
	address string
}

// key is the bucket of the browser. One that keeps no cookie shares a bucket
// with all others at its address that keep none.
func (s sender) key() string {
	if s.browser == "" {
		return "no cookie " + s.address
	}
	return s.browser
}

func (l *limits) try(s sender) error {
	return httpx.AllowAll(
		httpx.Ask{Limiter: l.tryBrowser, Key: s.key()},
		httpx.Ask{Limiter: l.tryAddress, Key: s.address},
		httpx.Ask{Limiter: l.tryAll})
}

func (l *limits) report(s sender) error {
	return httpx.AllowAll(
		httpx.Ask{Limiter: l.reportBrowser, Key: s.key()},
		httpx.Ask{Limiter: l.reportAddress, Key: s.address},
		httpx.Ask{Limiter: l.reportAll})
}

func (l *limits) open(s sender) error {
	return httpx.AllowAll(httpx.Ask{Limiter: l.openAddress, Key: s.address}, httpx.Ask{Limiter: l.openAll})
}

func (l *limits) recover(s sender, number string) error {
	return httpx.AllowAll(
		httpx.Ask{Limiter: l.recoverNumber, Key: number},
		httpx.Ask{Limiter: l.openAddress, Key: s.address},
		httpx.Ask{Limiter: l.openAll})
}

// addressKey is what counts as one address: in IPv6 the network of a
// subscriber, since one phone has as many addresses as it likes.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// browserCookie tells browsers apart for the limits, and for nothing else.
const browserCookie = "onegrid_browser"

// secretLength is that of 16 bytes in base64.
const secretLength = 22

func goodSecret(s string) bool {
	if len(s) != secretLength {
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}

func newSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// senderOf finds out where a request comes from.
func (p *Portal) senderOf(r *http.Request) sender {
	s := sender{address: addressKey(p.edge.ClientAddress(r))}
	if c, err := r.Cookie(browserCookie); err == nil && goodSecret(c.Value) {
		s.browser = c.Value
	}
	return s
}

// knowBrowser gives a browser its cookie, if it has none.
func (p *Portal) knowBrowser(w http.ResponseWriter, r *http.Request) {
	if p.senderOf(r).browser == "" {
		p.setCookie(w, r, browserCookie, newSecret(), year)
	}
}

// photoSlots is how many photos are read into memory at a time, and photoWait
// how long one waits for its turn.
const (
	photoSlots = 12
	photoWait  = 10 * time.Second
)

// slots bounds the photos that are in memory at a time, and those that are worked
// on to half of the processors, so that staff always have the others. A photo
// that gets no place is refused alone; the report without it is still taken.
type slots struct {
	all, work *semaphore.Weighted
}

func newSlots() *slots {
	return &slots{all: semaphore.NewWeighted(photoSlots), work: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2)))}
}

func (s *slots) take(ctx context.Context) (leave func(), err error) { return await(ctx, s.all) }

func await(ctx context.Context, s *semaphore.Weighted) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, photoWait)
	defer cancel()
	if err := s.Acquire(ctx, 1); err != nil {
		return nil, ErrPhotosBusy.Because(err)
	}
	return func() { s.Release(1) }, nil
}

// keep reads a photo, at the speed of its sender, and hands it to do when its
// turn has come.
func (s *slots) keep(ctx context.Context, in io.Reader, do func(photo io.Reader) (casework.File, error)) (casework.File, error) {
	leave, err := s.take(ctx)
	if err != nil {
		return casework.File{}, err
	}
	defer leave()
	raw, err := io.ReadAll(io.LimitReader(in, maxPhotoBytes+1))
	if err != nil {
		return casework.File{}, err
	}
	done, err := await(ctx, s.work)
	if err != nil {
		return casework.File{}, err
	}
	defer done()
	return do(bytes.NewReader(raw))
}
