package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/live"
	"onegrid/internal/kit/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feed is a source in memory. An event's After is what the test's filter
// answers.
type feed struct {
	mu     sync.Mutex
	events []live.Event
	base   int64
}

func (f *feed) add(views ...live.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range views {
		n := f.base + int64(len(f.events)) + 1
		f.events = append(f.events, live.Event{Number: n, Kind: "case.move", Subject: id.ID{1, byte(n)}, Version: n,
			Nodes: map[string]string{"hub_id": "h"}, After: v})
	}
}

func (f *feed) Since(_ context.Context, after int64, limit int) ([]live.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := int(after - f.base)
	return slices.Clone(f.events[from:min(from+limit, len(f.events))]), nil
}

func (f *feed) Head(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.base + int64(len(f.events)), nil
}

func byAfter(e *live.Event) live.View { return e.After.(live.View) }

// client is a browser: it remembers the last id and what it was told.
type client struct {
	lastID int64
	got    []string // "number name"
	last   string   // the name of the last event
	data   []byte
	hook   func(number int64, name string) error // before the client takes it
	after  func(number int64, name string) error // after it did
}

func (c *client) Event(number, name string, data []byte) error {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return err
	}
	if c.hook != nil {
		if err := c.hook(n, name); err != nil {
			return err
		}
	}
	c.lastID, c.last, c.data = n, name, data
	if name == "change" || name == "gone" {
		c.got = append(c.got, number+" "+name)
	}
	if c.after != nil {
		return c.after(n, name)
	}
	return nil
}

func start(t interface{ Fatal(...any) }, f *feed, o live.Options) *live.Hub {
	h := live.New(f, o)
	if err := h.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	return h
}

var errLine = errors.New("the line broke")

// However slowly somebody reads, however often the line breaks (before or after
// the browser took the event) and however far behind it falls, over all its
// connections it is told exactly what it may see: nothing twice, nothing left
// out, in order.
func TestNoGapNoDuplicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &feed{base: rapid.Int64Range(0, 3).Draw(t, "base")}
		h := start(t, f, live.Options{Ring: rapid.IntRange(1, 6).Draw(t, "ring")})
		view := rapid.SampledFrom([]live.View{live.Nothing, live.See, live.See, live.Gone})
		chunks := rapid.SliceOfN(rapid.SliceOfN(view, 1, 9), 1, 12).Draw(t, "chunks")
		publish := func() bool {
			if len(chunks) == 0 {
				return false
			}
			f.add(chunks[0]...)
			if chunks = chunks[1:]; len(chunks) == 0 {
				f.add(live.See) // the last is seen, so that the test knows the end
			}
			if err := h.Read(context.Background()); err != nil {
				t.Fatal(err)
			}
			return true
		}
		c := &client{lastID: -1}
		done, finish := context.WithCancel(context.Background())
		defer finish()
		trouble := func(where string) func(int64, string) error {
			return func(n int64, name string) error {
				if where == "after" && len(chunks) == 0 && name != "" && n == f.base+int64(len(f.events)) {
					finish()
					return nil
				}
				switch rapid.IntRange(0, 9).Draw(t, where) {
				case 0:
					return errLine
				case 1, 2: // slow: much happens meanwhile
					for publish() && rapid.Bool().Draw(t, "more") {
					}
				}
				return nil
			}
		}
		c.hook, c.after = trouble("before"), trouble("after")
		connections := 0
		for done.Err() == nil {
			if connections++; connections > 2000 {
				t.Fatal("never came to the end")
			}
			s := live.Subscription{After: c.lastID, Filter: byAfter, Alive: func(time.Time) bool { publish(); return true }}
			if c.lastID < 0 {
				s.After = f.base // what a client has that loaded its list before it connects
			}
			if err := h.Serve(done, s, c); err != nil && !errors.Is(err, errLine) {
				t.Fatal(err)
			}
		}
		var want []string
		for _, e := range f.events {
			switch e.After {
			case live.See:
				want = append(want, fmt.Sprint(e.Number, " change"))
			case live.Gone:
				want = append(want, fmt.Sprint(e.Number, " gone"))
			}
		}
		if !slices.Equal(c.got, want) {
			t.Fatalf("over %d connections\n got %v\nwant %v", connections, c.got, want)
		}
	})
}

// serve runs a subscription to its end.
func serve(t *testing.T, h *live.Hub, s live.Subscription, c *client) {
	t.Helper()
	if s.Filter == nil {
		s.Filter = byAfter
	}
	if err := h.Serve(context.Background(), s, c); err != nil {
		t.Fatal(err)
	}
}

// What somebody sees has place and version; what leaves their view says only
// which thing it was.
func TestForms(t *testing.T) {
	f := &feed{}
	h := start(t, f, live.Options{})
	f.add(live.See, live.Gone, live.Nothing)
	if err := h.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{}
	c := &client{}
	c.after = func(_ int64, name string) error {
		forms[name] = string(c.data)
		if name == "gone" {
			h.Kick()
		}
		return nil
	}
	asked := 0 // at the beginning, before each of the two, after the kick
	serve(t, h, live.Subscription{After: 0, Alive: func(time.Time) bool { asked++; return asked <= 3 }}, c)
	subject, _ := json.Marshal(id.ID{1, 1})
	if want := `{"number":1,"kind":"case.move","subject":` + string(subject) + `,"version":1,"nodes":{"hub_id":"h"},"type":"change"}`; forms["change"] != want {
		t.Errorf("%s", forms["change"])
	}
	subject, _ = json.Marshal(id.ID{1, 2})
	if want := `{"number":2,"subject":` + string(subject) + `,"type":"gone"}`; forms["gone"] != want {
		t.Errorf("%s", forms["gone"])
	}
	if c.last != "end" || c.lastID != 3 {
		t.Errorf("ended with %s at %d", c.last, c.lastID)
	}
}

// Nothing is told to somebody whose rights ended before it happened; an event that
// does not concern a subscriber costs no question about the rights, and one that
// concerns many asks each of them for the same moment.
func TestRightsAreAskedBeforeTelling(t *testing.T) {
	f := &feed{}
	h := start(t, f, live.Options{})
	f.add(live.Nothing, live.Nothing, live.See, live.See)
	if err := h.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	var moments [][]time.Time
	for range 2 {
		var asked []time.Time
		c := &client{}
		serve(t, h, live.Subscription{After: 0, Alive: func(since time.Time) bool {
			asked = append(asked, since)
			return len(asked) <= 2 // ended between the first and the second that it sees
		}}, c)
		if want := []string{"3 change"}; !slices.Equal(c.got, want) || c.last != "end" || c.lastID != 3 {
			t.Fatalf("told %v, then %s at %d", c.got, c.last, c.lastID)
		}
		if len(asked) != 3 {
			t.Fatalf("asked %d times", len(asked))
		}
		moments = append(moments, asked)
	}
	if !moments[0][1].Equal(moments[1][1]) || !moments[0][1].Before(moments[1][0]) {
		t.Errorf("two subscribers were asked for different moments of one event: %v", moments)
	}
}

// Somebody too slow is cut off and told so; the others are not held up.
func TestSlowReaderIsCutOff(t *testing.T) {
	f := &feed{}
	h := start(t, f, live.Options{Ring: 4})
	f.add(live.See)
	if err := h.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := &client{}
	c.after = func(n int64, name string) error {
		if n == 1 && name == "change" {
			f.add(slices.Repeat([]live.View{live.See}, 10)...)
			return h.Read(context.Background())
		}
		return nil
	}
	serve(t, h, live.Subscription{After: 0}, c)
	if c.last != "cut" || c.lastID != 1 || h.Cuts() != 1 {
		t.Fatalf("%s at %d, %d cuts", c.last, c.lastID, h.Cuts())
	}
}

// Who missed too much, or knows a number that never was (the database was
// restored), is told to load anew and from where to go on.
func TestReset(t *testing.T) {
	f := &feed{}
	f.add(slices.Repeat([]live.View{live.See}, 50)...)
	h := start(t, f, live.Options{Ring: 4, CatchUp: 20})
	for _, after := range []int64{3, 99} {
		c := &client{}
		serve(t, h, live.Subscription{After: after}, c)
		if c.last != "reset" || c.lastID != 50 || len(c.got) != 0 {
			t.Errorf("after %d: %s at %d, %v", after, c.last, c.lastID, c.got)
		}
	}
}

// A stream ends when its time is over, and at once when it was revoked; before
// that it goes on.
func TestEndOfRights(t *testing.T) {
	f := &feed{}
	clock := dbtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	h := start(t, f, live.Options{Now: clock.Now, Beat: time.Hour})
	begun, ended := make(chan bool), make(chan string)
	run := func(s live.Subscription) {
		c := &client{after: func(int64, string) error {
			select {
			case begun <- true:
			default:
			}
			return nil
		}}
		serve(t, h, s, c)
		ended <- c.last
	}
	go run(live.Subscription{After: -1, Until: clock.Now().Add(time.Hour)})
	<-begun
	h.Kick() // nothing has ended
	select {
	case last := <-ended:
		t.Fatalf("ended with %s", last)
	default:
	}
	clock.Add(time.Hour)
	h.Kick()
	if last := <-ended; last != "end" {
		t.Fatal(last)
	}
	var mu sync.Mutex
	alive := true
	go run(live.Subscription{After: -1, Alive: func(time.Time) bool { mu.Lock(); defer mu.Unlock(); return alive }})
	<-begun
	mu.Lock()
	alive = false
	mu.Unlock()
	h.Kick()
	if last := <-ended; last != "end" {
		t.Fatal(last)
	}
	// On the machine's own clock, without any kick.
	h = start(t, f, live.Options{Beat: time.Hour})
	go run(live.Subscription{After: -1, Until: time.Now().Add(20 * time.Millisecond)})
	if last := <-ended; last != "end" {
		t.Fatal(last)
	}
	if h.Listeners() != 0 {
		t.Fatalf("%d listeners left", h.Listeners())
	}
}

// Heartbeats tell the place, so that a quiet stream does not come back from far
// behind.
func TestHeartbeatTellsThePlace(t *testing.T) {
	f := &feed{}
	h := start(t, f, live.Options{Beat: time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	c := &client{after: func(n int64, name string) error {
		if n == 0 {
			f.add(live.Nothing, live.Nothing)
			return h.Read(context.Background())
		}
		stop()
		return nil
	}}
	if err := h.Serve(ctx, live.Subscription{After: -1, Filter: byAfter}, c); err != nil {
		t.Fatal(err)
	}
	if c.lastID != 2 || c.last != "" || len(c.got) != 0 {
		t.Fatalf("%d %q %v", c.lastID, c.last, c.got)
	}
}

// Two hundred screens on the running hub all see three thousand events; nobody
// is served before the hub knows where it stands.
func TestManyListeners(t *testing.T) {
	const screens, total = 200, 3000
	f := &feed{}
	h := live.New(f, live.Options{Poll: time.Hour})
	if err := h.Serve(context.Background(), live.Subscription{After: -1, Filter: byAfter}, &client{}); !errors.Is(err, live.ErrNotReady) {
		t.Fatal(err)
	}
	if err := h.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running, listening sync.WaitGroup
	listening.Add(screens)
	clients := make([]*client, screens)
	for i := range clients {
		mine, enough := context.WithCancel(ctx)
		c := &client{}
		c.after = func(n int64, name string) error {
			if name == "" {
				listening.Done()
			}
			if n == total {
				enough()
			}
			return nil
		}
		clients[i] = c
		running.Go(func() {
			if err := h.Serve(mine, live.Subscription{After: -1, Filter: byAfter}, c); err != nil {
				t.Error(err)
			}
		})
	}
	listening.Wait()
	looping := make(chan error)
	go func() { looping <- h.Run(ctx) }()
	for range total / 10 {
		f.add(slices.Repeat([]live.View{live.See}, 10)...)
		h.Wake()
	}
	running.Wait()
	stop()
	if err := <-looping; err != nil {
		t.Fatal(err)
	}
	for i, c := range clients {
		if len(c.got) != total {
			t.Fatalf("screen %d got %d", i, len(c.got))
		}
	}
	if h.Delivered() != screens*total {
		t.Fatalf("%d delivered", h.Delivered())
	}
}

// Every fault has a sentence in both languages.
func TestFaultsHaveWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "live", Files: live.Words})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Has(live.ErrNotReady.Code) {
		t.Error("no sentence")
	}
}

// What an event costs with a thousand listeners who all see it.
func BenchmarkThousandListeners(b *testing.B) {
	f := &feed{}
	h := live.New(f, live.Options{Poll: time.Hour})
	if err := h.Read(context.Background()); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running, got sync.WaitGroup
	for range 1000 {
		c := &client{}
		c.after = func(_ int64, name string) error {
			if name == "change" {
				c.got = c.got[:0]
				got.Done()
			}
			return nil
		}
		running.Go(func() { _ = h.Serve(ctx, live.Subscription{After: -1, Filter: byAfter}, c) })
	}
	for h.Listeners() < 1000 {
	}
	for b.Loop() {
		got.Add(1000)
		f.add(live.See)
		if err := h.Read(context.Background()); err != nil {
			b.Fatal(err)
		}
		got.Wait()
	}
	stop()
	running.Wait()
}
