package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
// (search). create and search are one request each, assign and resolve three.
var steps = []string{"create", "assign", "resolve", "search"}

// item needs nothing of its handler but words, and asks nobody to verify, so
// that a lifecycle is these eight requests and no photo is decoded.
const item = "opinion"

// desks report, accept, file and dispatch; handlers take, handle and report
// done. All are accounts that the demo offers.
var (
	desks    = []string{"hub", "hub2"}
	handlers = []string{"department", "department2", "officer"}
)

// district is a box around the demo's area: west, south, east, north.
const district = "west=116.5&south=36.5&east=117.6&north=37.4"

func lifecycle(ctx context.Context, o options, engine string) (r Result, err error) {
	r = Result{Scenario: "lifecycle", Engine: engine, Workers: o.workers, Unit: "lifecycles/s", Steps: map[string]Latency{}, Machine: machine(), Commit: commit()}
	dir, err := os.MkdirTemp("", "onegrid-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, server := "", 0
	if engine == "postgres" {
		dsn, pid, stop, err := startPostgres(ctx, dir)
		if err != nil {
			return r, err
		}
		defer stop()
		database, server = dsn, pid
	}
	p, err := startProgram(ctx, o.program, dir, database)
	if err != nil {
		return r, err
	}
	defer p.stop()
	w, err := newWorld(ctx, p.url, o.workers)
	if err != nil {
		return r, err
	}
	if r.Bare, err = bare(ctx, p.url, o.workers); err != nil {
		return r, err
	}
	r.Load = loadAverage()
	events, endFeed := w.listen(ctx)
	program, before := p.cmd.Process.Pid, usage{}
	before.take(program, server)
	var profiled sync.WaitGroup
	if o.profile != "" {
		profiled.Go(func() {
			if err := saveProfile(p.url, filepath.Join(o.profile, engine), o.length/2); err != nil {
				fmt.Fprintln(os.Stderr, "bench: no profile:", err)
			}
		})
	}
	run := w.run(ctx, o.workers, o.length)
	profiled.Wait()
	var after usage
	after.take(program, server)
	endFeed()

	r.Seconds = run.took.Seconds()
	r.Events = int(events.Load())
	r.Done, r.Failed = len(run.whole), run.failed
	if run.fault != nil {
		fmt.Fprintln(os.Stderr, "bench: first failure:", run.fault)
	}
	if r.Done == 0 {
		return r, errors.New("no lifecycle was finished")
	}
	r.Rate, r.Requests = float64(r.Done)/r.Seconds, float64(run.requests)/r.Seconds
	r.CPU = (after.program - before.program).Seconds() * 1000 / float64(r.Done)
	r.ServerCPU = (after.server - before.server).Seconds() * 1000 / float64(r.Done)
	r.P50, r.P99 = quantiles(run.whole)
	for _, step := range steps {
		p50, p99 := quantiles(run.times[step])
		r.Steps[step] = Latency{N: len(run.times[step]), P50: p50, P99: p99}
	}
	return r, nil
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

// run lets the workers go through lifecycles until the time is over. A worker
// whose lifecycles fail again and again gives up.
func (w *world) run(ctx context.Context, workers int, length time.Duration) outcome {
	out := outcome{times: map[string][]time.Duration{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for i := range workers {
		all.Go(func() {
			desk, handler := w.desks[i], w.handlers[i]
			for bad := 0; bad < 10 && time.Since(begin) < length && ctx.Err() == nil; {
				took, n, err := w.once(ctx, desk, handler)
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
		var found struct {
			Found bool `json:"found"`
		}
		err := desk.send(ctx, http.MethodGet, fmt.Sprintf("/api/grids/locate?datum=wgs84&lon=%f&lat=%f", middle[0], middle[1]), nil, &found)
		if err != nil {
			return err
		}
		if found.Found {
			w.places = append(w.places, middle)
		}
	}
	if len(w.places) < 100 {
		return fmt.Errorf("only %d grids were found", len(w.places))
	}
	return nil
}

type caseOf struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Version int64  `json:"version"`
}

// once runs one lifecycle and says how long each step took.
func (w *world) once(ctx context.Context, desk, handler *client) (took map[string]time.Duration, requests int, err error) {
	took = map[string]time.Duration{}
	place := w.places[mathrand.IntN(len(w.places))]
	word := fmt.Sprintf("路灯%06d", mathrand.IntN(1_000_000))
	var one caseOf
	step := func(name string, calls ...func() error) {
		begin := time.Now()
		for _, call := range calls {
			if err != nil {
				return
			}
			requests++
			if err = call(); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
		took[name] = time.Since(begin)
	}
	move := func(by *client, key string, more map[string]any) func() error {
		return func() error {
			body := map[string]any{"move": key}
			for k, v := range more {
				body[k] = v
			}
			return by.sendVersion(ctx, http.MethodPost, "/api/cases/"+one.ID+"/moves", one.Version, body, &one)
		}
	}
	step("create", func() error {
		return desk.send(ctx, http.MethodPost, "/api/cases", map[string]any{
			"id": newID(), "item": item, "text": word + "不亮，晚上看不见路", "channel": "desk",
			"place": map[string]any{"lon": place[0], "lat": place[1], "datum": "wgs84", "words": "村口东侧"},
		}, &one)
	})
	step("assign", move(desk, "accept", nil), move(desk, "file", nil),
		move(desk, "dispatch", map[string]any{"post_id": handler.post}))
	step("resolve", move(handler, "take", nil), move(handler, "handle", nil),
		move(handler, "done", map[string]any{"note": "已换灯泡", "resident_text": "灯已修好"}))
	if err == nil && one.State != "done" {
		err = fmt.Errorf("the case is %s after done", one.State)
	}
	step("search", func() error {
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
	return took, requests, err
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
			rq, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/feed", nil)
			if err != nil {
				return
			}
			feed := http.Client{Jar: w.desks[i].http.Jar}
			answer, err := feed.Do(rq)
			if err != nil {
				return
			}
			defer answer.Body.Close()
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "data:") {
					events.Add(1)
				}
			}
		})
	}
	return &events, func() { cancel(); all.Wait() }
}
