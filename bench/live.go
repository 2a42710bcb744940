package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// live: how long after an act was acknowledged the screens that may see it are
// told, with thousands of listeners of a district's scopes; whether readers that
// stop reading and a storm in which all come back at once miss anything.
//
// Every listener has a session and a connection of its own and keeps the numbers
// of all events it was told. At the end its sequence must be what the journal tells a
// fresh reader of the same scope from the start on, and readers of the whole
// district must have every single act that was acknowledged.

const (
	liveRate   = 20     // acts a second while arrival is measured
	slowOnes   = 8      // readers that stop reading
	slowEvents = 12_000 // well above the ring of internal/kit/live and what the kernel holds of a connection
)

// crowd in a district of some thousand screens: one in 25 sees the whole district,
// one in 12 a street, a few a department; all others a village or a grid.
var liveAccounts = []struct {
	account string
	share   int
}{
	{"hub", 2}, {"hub2", 1}, {"hub-leader", 1}, {"street", 3}, {"street2", 3}, {"street-leader", 2}, {"department", 1}, {"department2", 1},
	{"village", 20}, {"officer", 20}, {"grid-head", 16}, {"stand-in", 10}, {"part-officer", 10}, {"guide", 10},
}

// liveDetails are what only this scenario tells.
type liveDetails struct {
	Acts         int     `json:"acts"`
	Deliveries   int     `json:"deliveries"`
	Before       int     `json:"before_acknowledged"` // told before the client had the answer; counted as 0 ms
	SentP50      float64 `json:"sent_p50_ms"`         // from sending the act to the arrival
	SentP99      float64 `json:"sent_p99_ms"`
	Gaps         int     `json:"gaps"`
	Doubled      int     `json:"doubled"`
	ProgramCores float64 `json:"program_cores"` // that the program used meanwhile
	OwnCores     float64 `json:"generator_cores"`
	Memory       int     `json:"peak_mib"` // of the program
	Refused      int     `json:"refused,omitempty"`
	Cut          int     `json:"cut,omitempty"`
}

// live is `bench live`; sizes are listeners.
func live(ctx context.Context, o options) error {
	if err := moreHandles(); err != nil {
		return err
	}
	sizes := o.sizesOr(1000, 5000, 10_000)
	return onEach(ctx, o, func(ctx context.Context, p *process, engine string, length time.Duration) error {
		return liveOn(ctx, p, engine, o, sizes)
	})
}

// moreHandles lets this process and those it starts have as many connections as
// the system allows.
func moreHandles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	if l.Max < 65536 { // only root may
		if more := (syscall.Rlimit{Cur: 65536, Max: 65536}); syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more) == nil {
			return nil
		}
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

func liveOn(ctx context.Context, p *process, engine string, o options, sizes []int) (err error) {
	length := o.length
	w, err := newWorld(ctx, p.url, 16)
	if err != nil {
		return err
	}
	a := &acts{world: w, known: map[string]acted{}}
	if err := a.near(ctx, p.url, "officer"); err != nil {
		return err
	}
	few, err := newHall(ctx, p)
	if err != nil {
		return err
	}
	if err := errors.Join(few.slow(ctx, a, engine, length), few.close()); err != nil {
		return fmt.Errorf("slow readers: %w", err)
	}
	a.forget()
	h, err := newHall(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	for _, size := range sizes {
		if err := h.grow(ctx, size); err != nil {
			return fmt.Errorf("%d listeners: %w", size, err)
		}
		var profiling sync.WaitGroup
		if o.profile != "" {
			profiling.Go(func() {
				if err := saveProfile(p.url, filepath.Join(o.profile, fmt.Sprintf("live-%s-%d", engine, size)), length/2); err != nil {
					fmt.Fprintln(os.Stderr, "bench: no profile:", err)
				}
			})
		}
		err := h.arrivals(ctx, a, engine, "arrival", length)
		profiling.Wait()
		if err != nil {
			return err
		}
	}
	if err := h.storm(ctx, a, engine); err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	return nil
}

// newHall is nobody yet; whoever listens from now on is compared from where the
// feed stands now.
func newHall(ctx context.Context, p *process) (h *hall, err error) {
	h = &hall{url: p.url, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 30 * time.Second}, program: p.cmd.Process.Pid}
	h.start, err = h.head(ctx)
	return h, err
}

// acts are what happens while others listen: lifecycles, a command at a time.
type acts struct {
	*world
	close []([2]float64) // places in the grid that many listen to

	mu    sync.Mutex
	known map[string]acted // by case and version
	order []string
}

type acted struct{ sent, acknowledged time.Time }

// near finds the places of an officer's grid.
func (a *acts) near(ctx context.Context, base, account string) error {
	c, err := signIn(ctx, &http.Transport{}, base, account)
	if err != nil {
		return err
	}
	var me struct {
		Posts []struct {
			Node string `json:"node_id"`
		} `json:"posts"`
	}
	if err := c.send(ctx, http.MethodGet, "/api/session", nil, &me); err != nil {
		return err
	}
	if len(me.Posts) == 0 {
		return fmt.Errorf("%s holds no post", account)
	}
	node := me.Posts[0].Node
	var drawn struct {
		Geometry struct {
			Coordinates [][][][2]float64 `json:"coordinates"`
		} `json:"geometry"`
	}
	if err := c.send(ctx, http.MethodGet, "/api/grids/"+node, nil, &drawn); err != nil {
		return err
	}
	// Half-way between corners that are two apart a place lies inside more often
	// than not.
	ring := drawn.Geometry.Coordinates[0][0]
	for i := 2; i < len(ring) && len(a.close) < 3; i++ {
		at := [2]float64{(ring[i-2][0] + ring[i][0]) / 2, (ring[i-2][1] + ring[i][1]) / 2}
		in, err := gridOf(ctx, c, at)
		if err != nil {
			return err
		}
		if in == node {
			a.close = append(a.close, at)
		}
	}
	if len(a.close) == 0 {
		return fmt.Errorf("no place was found in the grid of %s", account)
	}
	return nil
}

// place is any in the district, and every fourth time one that many listen to.
func (a *acts) place(n int) [2]float64 {
	if n%4 == 0 {
		return a.close[mathrand.IntN(len(a.close))]
	}
	return a.places[mathrand.IntN(len(a.places))]
}

// run lets workers act until the time is over, each act when a token comes; nil
// tokens: as fast as they can, several moves in one command.
func (a *acts) run(ctx context.Context, workers int, tokens <-chan time.Time) error {
	var all sync.WaitGroup
	faults := make(chan error, workers)
	for i := range workers {
		all.Go(func() {
			desk, handler := a.desks[i%len(a.desks)], a.handlers[i%len(a.handlers)]
			for n := i; ctx.Err() == nil; n++ {
				if err := a.once(ctx, desk, handler, n, tokens); err != nil && ctx.Err() == nil {
					faults <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-faults:
		return err
	default:
		return nil
	}
}

// once is one lifecycle, each act noted with when it was sent and acknowledged.
func (a *acts) once(ctx context.Context, desk, handler *client, n int, tokens <-chan time.Time) error {
	at := a.place(n)
	one := caseOf{ID: newID()}
	act := func(by *client, path string, body map[string]any) error {
		if tokens != nil {
			select {
			case <-tokens:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		sent := time.Now()
		// An act is not broken off at the end of the time: it may have happened.
		for {
			err := by.sendVersion(context.WithoutCancel(ctx), http.MethodPost, path, one.Version, body, &one)
			if err == nil {
				break
			}
			if !isBusy(err) || ctx.Err() != nil {
				return err
			}
			wait(ctx, time.Second) // as it says
		}
		now := time.Now()
		key := fmt.Sprintf("%s/%d", one.ID, one.Version)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.known[key] = acted{sent, now}
		a.order = append(a.order, key)
		return nil
	}
	if err := act(desk, "/api/cases", map[string]any{
		"id": one.ID, "item": item, "text": "路灯不亮，晚上看不见路", "channel": "desk",
		"place": map[string]any{"lon": at[0], "lat": at[1], "datum": "wgs84", "words": "村口东侧"},
	}); err != nil {
		return err
	}
	moves := func(by *client, all ...map[string]any) error {
		path := "/api/cases/" + one.ID + "/moves"
		if tokens == nil {
			together := maps.Clone(all[0])
			together["then"] = all[1:]
			return act(by, path, together)
		}
		for _, m := range all {
			if err := act(by, path, m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := moves(desk, map[string]any{"move": "accept"}, map[string]any{"move": "file"}, map[string]any{"move": "dispatch", "post_id": handler.post}); err != nil {
		return err
	}
	return moves(handler, map[string]any{"move": "take"}, map[string]any{"move": "handle"},
		map[string]any{"move": "done", "note": "已换灯泡", "resident_text": "灯已修好"})
}

// forget lets go of what has happened so far.
func (a *acts) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known, a.order = map[string]acted{}, nil
}

// count is how many acts were acknowledged so far.
func (a *acts) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.order)
}

// since lists the acts from the n-th on.
func (a *acts) since(n int) map[string]acted {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]acted{}
	for _, key := range a.order[n:] {
		out[key] = a.known[key]
	}
	return out
}

// arrivals lets acts happen at a steady rate and measures when listeners learn of
// them.
func (h *hall) arrivals(ctx context.Context, a *acts, engine, what string, length time.Duration) error {
	d := liveDetails{}
	tick := time.NewTicker(time.Second / liveRate)
	defer tick.Stop()
	timed, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	h.refused.Store(0)
	var before, after usage
	before.take([]int{h.program}, 0)
	begin, first := time.Now(), a.count()
	if err := a.run(timed, 4, tick.C); err != nil {
		return err
	}
	took := time.Since(begin)
	after.take([]int{h.program}, 0)
	d.ProgramCores = (after.program - before.program).Seconds() / took.Seconds()
	d.OwnCores = (after.own - before.own).Seconds() / took.Seconds()
	h.settle(ctx)
	known := h.numbered(a.since(first))
	d.Acts = len(known)
	var waits, whole []time.Duration
	for _, l := range h.all {
		l.mu.Lock()
		for i, n := range l.numbers {
			if l.when[i].Before(begin) {
				continue
			}
			act, ok := known[n]
			if !ok {
				continue // what the program did by itself
			}
			wait := l.when[i].Sub(act.acknowledged)
			if wait < 0 {
				d.Before++
				wait = 0
			}
			waits, whole = append(waits, wait), append(whole, l.when[i].Sub(act.sent))
		}
		l.mu.Unlock()
	}
	d.Deliveries = len(waits)
	d.SentP50, d.SentP99 = quantiles(whole)
	d.Memory = peakMiB(h.program)
	m := measured{rate: float64(len(waits)) / took.Seconds(), details: d}
	m.p50, m.p99 = quantiles(waits)
	if err := h.compare(ctx, a, &d); err != nil {
		return err
	}
	m.details = d
	r := summed("live", engine, "deliveries/s", len(h.all), []measured{m})
	r.What = what
	fmt.Printf("\nlive on %s, %d listeners: %d acts, %d deliveries; from the acknowledged act to the listener p50 %.1f ms, p99 %.1f ms (from sending it: %.1f and %.1f); no gap\n",
		engine, len(h.all), d.Acts, d.Deliveries, r.P50, r.P99, d.SentP50, d.SentP99)
	fmt.Printf("  program %.2f cores and %d MiB at the most, generator %.2f cores, load average %.1f\n", d.ProgramCores, d.Memory, d.OwnCores, r.Load)
	r.print()
	return nil
}

// numbered gives acts by the number of their event: the first one that has their
// case and version, since what the program does afterwards by itself may leave
// the version as it is.
func (h *hall) numbered(acts map[string]acted) map[int64]acted {
	first := map[string]int64{}
	h.what.Range(func(number, key any) bool {
		n, k := number.(int64), key.(string)
		if had, ok := first[k]; !ok || n < had {
			first[k] = n
		}
		return true
	})
	out := map[int64]acted{}
	for key, act := range acts {
		if n, ok := first[key]; ok {
			out[n] = act
		}
	}
	return out
}

// total is how many events all were told so far.
func (h *hall) total() int {
	n := 0
	for _, l := range h.all {
		l.mu.Lock()
		n += len(l.numbers)
		l.mu.Unlock()
	}
	return n
}

// told is how many events the best-informed listener of an account has.
func (h *hall) told(account string) int {
	n := 0
	for _, l := range h.all {
		if l.account == account {
			l.mu.Lock()
			n = max(n, len(l.numbers))
			l.mu.Unlock()
		}
	}
	return n
}

// settle waits until nobody is told anything any more.
func (h *hall) settle(ctx context.Context) {
	for last, still := h.total(), 0; still < 8 && ctx.Err() == nil; {
		wait(ctx, 200*time.Millisecond)
		if now := h.total(); now == last {
			still++
		} else {
			last, still = now, 0
		}
	}
}

// compare looks for gaps. What a listener was told must be what a fresh reader of
// the same scope is told by the journal from the same event on; and the readers
// of the whole district, and of the whole only, must have every act.
func (h *hall) compare(ctx context.Context, a *acts, d *liveDetails) error {
	fresh := map[string][]int64{}
	for _, l := range h.all {
		fresh[l.account] = nil
	}
	var mu sync.Mutex
	var faults []error
	var all sync.WaitGroup
	for _, account := range slices.Collect(maps.Keys(fresh)) {
		all.Go(func() {
			numbers, err := h.reread(ctx, account)
			mu.Lock()
			defer mu.Unlock()
			fresh[account], faults = numbers, append(faults, err)
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		return err
	}
	var first string
	for _, l := range h.all {
		l.mu.Lock()
		want := fresh[l.account]
		gaps, doubled := differ(want, l.numbers)
		d.Gaps, d.Doubled = d.Gaps+gaps, d.Doubled+doubled
		if gaps+doubled > 0 && first == "" {
			first = fmt.Sprintf("a listener as %s was told %d events of %d, %d of them twice or out of order", l.account, len(l.numbers), len(want), doubled)
		}
		l.mu.Unlock()
	}
	if first != "" {
		return fmt.Errorf("%d gaps, %d doubled: %s", d.Gaps, d.Doubled, first)
	}
	had := map[string]bool{}
	for _, n := range fresh["hub"] {
		if key, ok := h.what.Load(n); ok {
			had[key.(string)] = true
		}
	}
	acts := slices.Collect(maps.Keys(a.since(0)))
	missing := slices.DeleteFunc(acts, func(key string) bool { return had[key] })
	if len(missing) > 0 {
		return fmt.Errorf("%d acknowledged acts reached nobody, for example %s", len(missing), missing[0])
	}
	return nil
}

// reread is what a reader that comes now is told from the start on. It has
// everything when for half a second nothing more comes.
func (h *hall) reread(ctx context.Context, account string) ([]int64, error) {
	cookie, err := h.signIn(ctx, account)
	if err != nil {
		return nil, err
	}
	l := h.listener(account, cookie)
	l.last = h.start
	l.begin(ctx)
	err = l.isBack(ctx)
	for last, still := -1, 0; still < 5 && err == nil && ctx.Err() == nil; {
		wait(ctx, 100*time.Millisecond)
		l.mu.Lock()
		if len(l.numbers) == last {
			still++
		} else {
			last, still = len(l.numbers), 0
		}
		l.mu.Unlock()
	}
	l.end()
	return l.numbers, errors.Join(err, ctx.Err())
}

// caughtUp waits until some readers of the whole district stand where the others
// do.
func (h *hall) caughtUp(ctx context.Context, some []*listener) error {
	var newest int64
	for _, l := range h.all {
		l.mu.Lock()
		if l.account == "hub" && len(l.numbers) > 0 {
			newest = max(newest, l.numbers[len(l.numbers)-1])
		}
		l.mu.Unlock()
	}
	for begin := time.Now(); time.Since(begin) < time.Minute && ctx.Err() == nil; wait(ctx, 20*time.Millisecond) {
		behind := 0
		for _, l := range some {
			l.mu.Lock()
			if l.last < newest {
				behind++
			}
			l.mu.Unlock()
		}
		if behind == 0 {
			return nil
		}
	}
	return errors.Join(errors.New("slow readers have not caught up within a minute"), ctx.Err())
}

// differ says how many of the events in want are missing in got, and how many of
// got are there twice, out of order or not wanted.
func differ(want, got []int64) (gaps, doubled int) {
	i := 0
	for _, n := range got {
		for i < len(want) && want[i] < n {
			i++
			gaps++
		}
		if i < len(want) && want[i] == n {
			i++
			continue
		}
		doubled++
	}
	return gaps + len(want) - i, doubled
}

// storm breaks every line at the same moment, while acts go on, and measures how
// long it takes until each listener is back.
func (h *hall) storm(ctx context.Context, a *acts, engine string) error {
	busy, stop := context.WithCancel(ctx)
	tick := time.NewTicker(time.Second / liveRate)
	defer tick.Stop()
	done := make(chan error, 1)
	go func() { done <- a.run(busy, 4, tick.C) }()
	wait(ctx, time.Second)
	h.refused.Store(0)
	h.faults.Store(0)
	for _, l := range h.all {
		select {
		case <-l.back: // of its first coming
		default:
		}
	}
	begin := time.Now()
	var mu sync.Mutex
	var waits []time.Duration
	var faults []error
	var all sync.WaitGroup
	for _, l := range h.all {
		l.drop()
		all.Go(func() {
			err := l.isBack(ctx)
			mu.Lock()
			defer mu.Unlock()
			waits, faults = append(waits, time.Since(begin)), append(faults, err)
		})
	}
	all.Wait()
	took := time.Since(begin)
	stop()
	if err := errors.Join(append(faults, <-done)...); err != nil {
		return err
	}
	h.settle(ctx)
	d := liveDetails{Refused: int(h.refused.Load()), Memory: peakMiB(h.program)}
	if err := h.compare(ctx, a, &d); err != nil {
		return err
	}
	m := measured{rate: float64(len(h.all)) / took.Seconds(), details: d}
	m.p50, m.p99 = quantiles(waits)
	r := summed("live", engine, "listeners back/s", len(h.all), []measured{m})
	r.What = "storm"
	fmt.Printf("  all %d lines broke at once: all back after %.1f s (p50 %.0f ms, p99 %.0f ms; %d times sent away with 503), no gap\n",
		len(h.all), took.Seconds(), r.P50, r.P99, d.Refused)
	r.print()
	return nil
}

// slow lets readers stop reading until the program gives them up, and read again.
// In a run that is too short for so many events they only come late.
func (h *hall) slow(ctx context.Context, a *acts, engine string, length time.Duration) error {
	if err := h.grow(ctx, 1); err != nil { // of the whole district, who reads all the time
		return err
	}
	var slow []*listener
	for range slowOnes {
		cookie, err := h.signIn(ctx, "hub")
		if err != nil {
			return err
		}
		l := h.listener("hub", cookie)
		l.last, l.from, l.slow = h.start, h.start, true
		l.begin(ctx)
		if err := l.isBack(ctx); err != nil {
			return err
		}
		slow = append(slow, l)
	}
	h.all = append(h.all, slow...)
	d := liveDetails{}
	first := a.count()
	// Until they have missed more than the program keeps in memory for them.
	timed, cancel := context.WithTimeout(ctx, 3*length)
	defer cancel()
	told := h.told("hub")
	go func() {
		for timed.Err() == nil && h.told("hub")-told < slowEvents {
			wait(timed, 50*time.Millisecond)
		}
		cancel()
	}()
	if err := a.run(timed, 16, nil); err != nil {
		return err
	}
	missed := h.told("hub") - told
	begin := time.Now()
	d.Acts = a.count() - first
	for _, l := range slow {
		l.mu.Lock()
		l.slow = false
		l.mu.Unlock()
	}
	if err := h.caughtUp(ctx, slow); err != nil {
		return err
	}
	took := time.Since(begin)
	h.settle(ctx)
	var cut int
	told = 0
	for _, l := range slow {
		l.mu.Lock()
		told += len(l.numbers)
		if l.comings > 1 {
			cut++
		}
		l.mu.Unlock()
	}
	d.Cut = cut
	if missed >= slowEvents && cut < len(slow) {
		return fmt.Errorf("%d of %d readers missed %d events and were not cut off", len(slow)-cut, len(slow), missed)
	}
	if err := h.compare(ctx, a, &d); err != nil {
		return err
	}
	d.Deliveries = told
	r := summed("live", engine, "events/s", slowOnes, []measured{{rate: float64(told) / took.Seconds(), details: d}})
	r.What = "slow readers"
	fmt.Printf("  %d readers stopped reading for %d events: %d were cut off; reading again, they have all %d, no gap\n", slowOnes, missed, cut, told/slowOnes)
	r.print()
	return nil
}
