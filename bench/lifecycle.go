package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The four steps of a lifecycle, as other systems are measured: somebody reports
// (create); the desk accepts, files and dispatches (assign); the handler takes
// it, handles it and reports it done (resolve); somebody looks it up by its words
// (search). Each step is one request; with --apart every move is one of its own,
// which makes eight.
var steps = []string{"create", "assign", "resolve", "search"}

// item needs nothing of its handler but words, and asks nobody to verify, so
// that a lifecycle is these requests and no photo is decoded.
const item = "opinion"

// desks report, accept, file and dispatch; handlers take, handle and report
// done, wherever in the district it is. All are accounts that the demo offers.
var (
	desks    = []string{"hub", "hub2"}
	handlers = []string{"department", "department2"}
)

// district is a box around the demo's area: west, south, east, north.
const district = "west=116.5&south=36.5&east=117.6&north=37.4"

// lifecycles measures OneGrid on each engine, and beside it what bounds it and
// who does the like.
func lifecycles(ctx context.Context, o options) error {
	for _, engine := range o.engines {
		var ours, peer, bare []measured
		for i := range o.runs {
			m, b, err := lifecycle(ctx, o, engine, i == 0)
			if err != nil {
				return fmt.Errorf("%s: %w", engine, err)
			}
			ours = append(ours, m)
			if b != nil {
				bare = append(bare, *b)
			}
			if o.peers && engine == "sqlite" {
				if m, err = peerLifecycle(ctx, o); err != nil {
					return fmt.Errorf("PocketBase: %w", err)
				}
				peer = append(peer, m)
			}
		}
		result := summed("lifecycle", engine, lifecycleUnit, 0, ours)
		showLifecycle(result)
		if !o.peers {
			result.print()
			continue
		}
		limit := summed("lifecycle", "bare "+engine, lifecycleUnit, 0, bare)
		b, _ := limit.Details.(bareDetails)
		fmt.Printf("  bare group commits of the same rows: %.0f/s (%.2f ms of processor time, %.2f of the server's); OneGrid reaches %.0f %%\n",
			limit.Rate, b.OwnCPU, b.ServerCPU, 100*result.against("", limit).Ratio)
		results := []Result{limit, result.against("bare group commits", limit)}
		if len(peer) > 0 {
			other := summed("lifecycle", "pocketbase", lifecycleUnit, 0, peer)
			showLifecycle(other)
			fmt.Printf("  OneGrid does %.2f times as many\n", result.against("", other).Ratio)
			results = append(results, other, result.against("pocketbase", other))
		}
		for _, r := range results {
			r.print()
		}
	}
	return nil
}

const lifecycleUnit = "lifecycles/s"

// lifecycleDetails are what only this scenario tells.
type lifecycleDetails struct {
	Workers   int                `json:"workers"`
	Apart     bool               `json:"moves_apart"` // every move a request of its own
	Seconds   float64            `json:"seconds"`
	Done      int                `json:"done"`
	Failed    int                `json:"failed"`
	Requests  float64            `json:"requests_per_second"`
	Bare      float64            `json:"bare_requests_per_second,omitempty"` // of /healthz, just before, by as many clients
	CPU       float64            `json:"cpu_ms"`                             // of the program, for one lifecycle
	ServerCPU float64            `json:"server_cpu_ms,omitempty"`            // of PostgreSQL
	OwnCPU    float64            `json:"generator_cpu_ms"`                   // of the load generator
	Steps     map[string]Latency `json:"steps"`
	Events    int                `json:"events_seen"`
	Load      float64            `json:"load"` // average of the machine's last minute, at the start
}

// lifecycle measures the program once; limit is the bare group commits of the
// rows that it wrote.
func lifecycle(ctx context.Context, o options, engine string, profiled bool) (m measured, limit *measured, err error) {
	dir, err := os.MkdirTemp("", "onegrid-bench-")
	if err != nil {
		return m, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, server := "", 0
	if engine == "postgres" {
		dsn, pid, stop, err := startPostgres(ctx, dir)
		if err != nil {
			return m, nil, err
		}
		defer stop()
		database, server = dsn, pid
	}
	p, err := startProgram(ctx, o.program, dir, database)
	if err != nil {
		return m, nil, err
	}
	defer p.stop()
	w, err := newWorld(ctx, p.url, o.workers)
	if err != nil {
		return m, nil, err
	}
	w.apart = o.apart
	bareRequests, err := bare(ctx, p.url, o.workers)
	if err != nil {
		return m, nil, err
	}
	var profiles sync.WaitGroup
	if o.profile != "" && profiled {
		profiles.Go(func() {
			time.Sleep(warmUp)
			if err := saveProfile(p.url, filepath.Join(o.profile, engine), o.length/2); err != nil {
				fmt.Fprintln(os.Stderr, "bench: no profile:", err)
			}
		})
	}
	m, err = load(o, []int{p.cmd.Process.Pid}, server, func() (*atomic.Int64, func()) { return w.listen(ctx) }, func(length time.Duration) outcome {
		return goThrough(ctx, o.workers, length, func(i int) (map[string]time.Duration, int, error) { return w.once(ctx, w.desks[i], w.handlers[i]) })
	}, bareRequests)
	profiles.Wait()
	if err != nil || !o.peers {
		return m, nil, err
	}
	p.stop()
	b, err := bareCommits(ctx, o, engine, dir, database, server)
	if err != nil {
		return m, nil, fmt.Errorf("bare group commits: %w", err)
	}
	return m, &b, nil
}

// warmUp is how long the workers go before anything is measured: what a program
// does once after its start, and what it keeps from then on, is not a lifecycle's.
const warmUp = 3 * time.Second

// load measures workers that go through lifecycles against some programs, with
// listeners on the live feed.
func load(o options, programs []int, server int, listen func() (*atomic.Int64, func()), work func(length time.Duration) outcome, bareRequests float64) (measured, error) {
	d := lifecycleDetails{Workers: o.workers, Apart: o.apart, Steps: map[string]Latency{}, Load: loadAverage(), Bare: bareRequests}
	events, endFeed := listen()
	if warm := work(warmUp); len(warm.whole) == 0 {
		return measured{}, fmt.Errorf("no lifecycle was finished: %w", warm.fault)
	}
	events.Store(0)
	var before, after usage
	before.take(programs, server)
	run := work(o.length)
	after.take(programs, server)
	endFeed()
	d.Seconds, d.Events = run.took.Seconds(), int(events.Load())
	d.Done, d.Failed = len(run.whole), run.failed
	if run.fault != nil {
		fmt.Fprintln(os.Stderr, "bench: first failure:", run.fault)
	}
	if d.Done == 0 {
		return measured{}, errors.New("no lifecycle was finished")
	}
	each := func(t time.Duration) float64 { return t.Seconds() * 1000 / float64(d.Done) }
	d.Requests = float64(run.requests) / d.Seconds
	d.CPU, d.ServerCPU, d.OwnCPU = each(after.program-before.program), each(after.server-before.server), each(after.own-before.own)
	for _, step := range steps {
		p50, p99 := quantiles(run.times[step])
		d.Steps[step] = Latency{N: len(run.times[step]), P50: p50, P99: p99}
	}
	m := measured{rate: float64(d.Done) / d.Seconds, details: d}
	m.p50, m.p99 = quantiles(run.whole)
	return m, nil
}

// showLifecycle prints the table for people.
func showLifecycle(r Result) {
	d, ok := r.Details.(lifecycleDetails)
	if !ok {
		return
	}
	fmt.Printf("\n%s on %s: %.0f/s (%.0f to %.0f in %d runs; %d in %.1f s, %d failed), %.0f requests/s, %d workers, %d live events\n",
		r.Scenario, r.Engine, r.Rate, r.Min, r.Max, r.Runs, d.Done, d.Seconds, d.Failed, d.Requests, d.Workers, d.Events)
	fmt.Printf("  a lifecycle took %.2f ms of the program's processor time, %.2f ms of the database server's, %.2f ms of the load generator's\n", d.CPU, d.ServerCPU, d.OwnCPU)
	fmt.Printf("  load average %.1f, %s, commit %s\n", d.Load, r.Machine, r.Commit)
	fmt.Printf("  %-10s %8s %10s %10s\n", "step", "n", "p50 ms", "p99 ms")
	for _, step := range steps {
		l := d.Steps[step]
		fmt.Printf("  %-10s %8d %10.1f %10.1f\n", step, l.N, l.P50, l.P99)
	}
	fmt.Printf("  %-10s %8d %10.1f %10.1f\n", "all", d.Done, r.P50, r.P99)
}

// outcome is what the workers measured.
type outcome struct {
	took     time.Duration
	times    map[string][]time.Duration
	whole    []time.Duration
	requests int
	failed   int
	fault    error // the first one
}

// goThrough lets workers go through lifecycles until the time is over. A worker
// whose lifecycles fail again and again gives up.
func goThrough(ctx context.Context, workers int, length time.Duration, once func(worker int) (took map[string]time.Duration, requests int, err error)) outcome {
	out := outcome{times: map[string][]time.Duration{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for i := range workers {
		all.Go(func() {
			for bad := 0; bad < 10 && time.Since(begin) < length && ctx.Err() == nil; {
				took, n, err := once(i)
				mu.Lock()
				out.requests += n
				if err != nil {
					bad++
					out.failed++
					if out.fault == nil {
						out.fault = err
					}
					mu.Unlock()
					continue
				}
				bad = 0
				var sum time.Duration
				for step, t := range took {
					out.times[step] = append(out.times[step], t)
					sum += t
				}
				out.whole = append(out.whole, sum)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	out.took = time.Since(begin)
	return out
}

// bare is the rate of the cheapest answer that the program gives, asked for by
// as many workers for two seconds: what this machine can do at this moment.
func bare(ctx context.Context, base string, workers int) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var n atomic.Int64
	var all sync.WaitGroup
	faults := make(chan error, workers)
	begin := time.Now()
	for range workers {
		all.Go(func() {
			for time.Since(begin) < 2*time.Second && ctx.Err() == nil {
				answer, err := client.Get(base + "/healthz")
				if err != nil {
					faults <- err
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				if err = errors.Join(err, answer.Body.Close()); err != nil {
					faults <- err
					return
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	select {
	case err := <-faults:
		return 0, fmt.Errorf("the bare limit: %w", err)
	default:
		return float64(n.Load()) / time.Since(begin).Seconds(), nil
	}
}

// world is what the load needs to know of the district: one desk and one handler
// signed in for each worker, and places.
type world struct {
	url             string
	desks, handlers []*client
	places          [][2]float64
	apart           bool // each move is a command of its own
}

func newWorld(ctx context.Context, base string, workers int) (*world, error) {
	w := &world{url: base}
	transport := &http.Transport{MaxIdleConnsPerHost: 2*workers + 8}
	for i := range workers {
		desk, err := signIn(ctx, transport, base, desks[i%len(desks)])
		if err != nil {
			return nil, err
		}
		handler, err := signIn(ctx, transport, base, handlers[i%len(handlers)])
		if err != nil {
			return nil, err
		}
		w.desks, w.handlers = append(w.desks, desk), append(w.handlers, handler)
	}
	if err := w.findPlaces(ctx); err != nil {
		return nil, fmt.Errorf("places: %w", err)
	}
	return w, nil
}

// findPlaces takes the middle of each grid's outline, as far as it lies in a grid.
func (w *world) findPlaces(ctx context.Context) error {
	var grids struct {
		Features []struct {
			Geometry struct {
				Coordinates [][][][2]float64 `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	desk := w.desks[0]
	if err := desk.send(ctx, http.MethodGet, "/api/map/grids?layer=base&"+district, nil, &grids); err != nil {
		return err
	}
	for _, f := range grids.Features {
		var middle [2]float64
		outline := f.Geometry.Coordinates[0][0]
		for _, p := range outline {
			middle[0] += p[0] / float64(len(outline))
			middle[1] += p[1] / float64(len(outline))
		}
		in, err := gridOf(ctx, desk, middle)
		if err != nil {
			return err
		}
		if in != "" {
			w.places = append(w.places, middle)
		}
	}
	if len(w.places) < 100 {
		return fmt.Errorf("only %d grids were found", len(w.places))
	}
	return nil
}

// gridOf is the id of the base grid that a place lies in, or nothing.
func gridOf(ctx context.Context, c *client, at [2]float64) (string, error) {
	var found struct {
		Base struct {
			ID string `json:"id"`
		} `json:"base"`
	}
	err := c.send(ctx, http.MethodGet, fmt.Sprintf("/api/grids/locate?datum=wgs84&lon=%f&lat=%f", at[0], at[1]), nil, &found)
	return found.Base.ID, err
}

type caseOf struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Version int64  `json:"version"`
}

// once runs one lifecycle and says how long each step took.
func (w *world) once(ctx context.Context, desk, handler *client) (took map[string]time.Duration, requests int, err error) {
	place := w.places[mathrand.IntN(len(w.places))]
	word := fmt.Sprintf("路灯%06d", mathrand.IntN(1_000_000))
	var one caseOf
	var run stepper
	// moves are one command, or one each.
	moves := func(by *client, all ...map[string]any) []func() error {
		var calls []func() error
		send := func(body map[string]any) {
			calls = append(calls, func() error {
				return by.sendVersion(ctx, http.MethodPost, "/api/cases/"+one.ID+"/moves", one.Version, body, &one)
			})
		}
		if w.apart {
			for _, m := range all {
				send(m)
			}
			return calls
		}
		together := maps.Clone(all[0])
		together["then"] = all[1:]
		send(together)
		return calls
	}
	run.step("create", func() error {
		return desk.send(ctx, http.MethodPost, "/api/cases", map[string]any{
			"id": newID(), "item": item, "text": word + "不亮，晚上看不见路", "channel": "desk",
			"place": map[string]any{"lon": place[0], "lat": place[1], "datum": "wgs84", "words": "村口东侧"},
		}, &one)
	})
	run.step("assign", moves(desk, map[string]any{"move": "accept"}, map[string]any{"move": "file"},
		map[string]any{"move": "dispatch", "post_id": handler.post})...)
	run.step("resolve", moves(handler, map[string]any{"move": "take"}, map[string]any{"move": "handle"},
		map[string]any{"move": "done", "note": "已换灯泡", "resident_text": "灯已修好"})...)
	if run.err == nil && one.State != "done" {
		run.err = fmt.Errorf("the case is %s after done", one.State)
	}
	run.step("search", func() error {
		var found struct {
			Items []caseOf `json:"items"`
		}
		err := desk.send(ctx, http.MethodGet, "/api/cases?view=all&q="+url.QueryEscape(word), nil, &found)
		if err != nil {
			return err
		}
		for _, c := range found.Items {
			if c.ID == one.ID {
				return nil
			}
		}
		return fmt.Errorf("%s is not among the %d found", word, len(found.Items))
	})
	return run.took, run.requests, run.err
}

// stepper goes through the steps of a lifecycle until one fails, and notes how
// long each took.
type stepper struct {
	took     map[string]time.Duration
	requests int
	err      error
}

func (s *stepper) step(name string, calls ...func() error) {
	begin := time.Now()
	for _, call := range calls {
		if s.err != nil {
			return
		}
		s.requests++
		if err := call(); err != nil {
			s.err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.took == nil {
		s.took = map[string]time.Duration{}
	}
	s.took[name] = time.Since(begin)
}

// listeners is how many desks watch the feed during a run.
const listeners = 4

// listen keeps live feeds open, as desks do, and counts their events.
func (w *world) listen(ctx context.Context) (*atomic.Int64, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var events atomic.Int64
	var all sync.WaitGroup
	for i := range min(listeners, len(w.desks)) {
		all.Go(func() {
			readEvents(ctx, &http.Client{Jar: w.desks[i].http.Jar}, w.url+"/api/feed", func(line string) {
				if strings.HasPrefix(line, "data:") {
					events.Add(1)
				}
			})
		})
	}
	return &events, func() { cancel(); all.Wait() }
}

// readEvents reads a stream of server-sent events line by line until ctx ends.
func readEvents(ctx context.Context, from *http.Client, url string, line func(string)) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	answer, err := from.Do(rq)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line(lines.Text())
	}
}
