package httpx_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
)

// Over any stretch of time a key gets no more than its burst and what flowed in,
// and somebody who waits as long as told is let in.
func TestLimiterHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := dbtest.NewClock(time.Unix(1e9, 0))
		rate := httpx.Rate{Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Every: time.Duration(rapid.IntRange(1, 60).Draw(t, "s")) * time.Second}
		l := httpx.NewLimiter(rate, 10, clock.Now)
		begun, allowed := clock.Now(), 0
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 90), 1, 60).Draw(t, "steps") {
			clock.Add(time.Duration(step) * time.Second)
			wait := l.Allow("k")
			if wait == 0 {
				allowed++
			}
			if most := rate.Burst + int(clock.Now().Sub(begun)/rate.Every); allowed > most {
				t.Fatalf("%d allowed, at most %d", allowed, most)
			}
			if wait > 0 {
				clock.Add(wait)
				if again := l.Allow("k"); again > time.Millisecond {
					t.Fatalf("waited %s, now told to wait %s", wait, again)
				} else if again == 0 {
					allowed++
				}
			}
		}
	})
}

// A flood of keys does not fill the memory.
func TestLimiterForgetsOldKeys(t *testing.T) {
	clock := dbtest.NewClock(time.Unix(1e9, 0))
	l := httpx.NewLimiter(httpx.Rate{Burst: 1, Every: time.Hour}, 100, clock.Now)
	for i := range 10_000 {
		l.Allow(fmt.Sprint(i))
	}
	if l.Keys() != 100 {
		t.Fatalf("%d keys", l.Keys())
	}
	if l.Allow("9999") == 0 {
		t.Fatal("the newest key was forgotten")
	}
}

// One browser that floods is stopped by its own limit and leaves the address
// that it shares with its neighbours as it was.
func TestSharedAddressIsNotPunished(t *testing.T) {
	clock := dbtest.NewClock(time.Unix(1e9, 0))
	address := httpx.NewLimiter(httpx.Rate{Burst: 10, Every: time.Hour}, 100, clock.Now)
	browser := httpx.NewLimiter(httpx.Rate{Burst: 3, Every: time.Minute}, 100, clock.Now)
	report := func(who string) error {
		return httpx.AllowAll(httpx.Ask{Limiter: address, Key: "100.64.0.1"}, httpx.Ask{Limiter: browser, Key: who})
	}
	taken := 0
	for range 50 {
		if report("flood") == nil {
			taken++
		}
	}
	if taken != 3 {
		t.Fatalf("the flood got %d through", taken)
	}
	for i := range 7 {
		if err := report(fmt.Sprint("neighbour", i)); err != nil {
			t.Fatalf("neighbour %d: %v", i, err)
		}
	}
	err := report("one too many")
	if !errors.Is(err, httpx.ErrTooMany) || fault.Of(err).Args["retry_after"] != int64(3600) {
		t.Fatalf("got %v", err)
	}
}
