package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The four steps of a lifecycle, as other systems are measured: somebody reports
// (create); the desk accepts, files and dispatches (assign); the officer takes
// it, handles it and reports it done (resolve); somebody looks it up by its words
// (search). create and search are one request each, assign and resolve three.
var steps = []string{"create", "assign", "resolve", "search"}

func lifecycle(ctx context.Context, program, engine string, workers int, length time.Duration, profile string) (Result, error) {
	r := Result{Scenario: "lifecycle", Engine: engine, Workers: workers, Unit: "lifecycles/s", Steps: map[string]Quarter{}, Machine: machine(), Commit: commit()}
	dir, err := os.MkdirTemp("", "onegrid-bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	database := ""
	if engine == "postgres" {
		dsn, stop, err := startPostgres(ctx, dir)
		if err != nil {
			return r, err
		}
		defer stop()
		if err := openSocket(dir); err != nil {
			return r, err
		}
		database = dsn
	}
	p, err := startProgram(ctx, program, dir, database)
	if err != nil {
		return r, err
	}
	defer p.stop()

	w, err := newWorld(ctx, p.url, workers)
	if err != nil {
		return r, err
	}
	events, endFeed := w.listen(ctx)
	times := map[string][]time.Duration{}
	var whole []time.Duration
	var mu sync.Mutex
	var failed, requests atomic.Int64
	var firstFault atomic.Value
	begin := time.Now()
	deadline := begin.Add(length)
	var all sync.WaitGroup
	for i := range workers {
		all.Add(1)
		go func() {
			defer all.Done()
			client := w.clients[i%len(w.clients)]
			for time.Now().Before(deadline) && ctx.Err() == nil {
				took, n, err := w.once(ctx, client)
				requests.Add(int64(n))
				if err != nil {
					failed.Add(1)
					firstFault.CompareAndSwap(nil, err.Error())
					continue
				}
				mu.Lock()
				var sum time.Duration
				for step, t := range took {
					times[step] = append(times[step], t)
					sum += t
				}
				whole = append(whole, sum)
				mu.Unlock()
			}
		}()
	}
	if profile != "" {
		if err := saveProfile(p.url, filepath.Join(profile, engine+".cpu.pprof"), length/2); err != nil {
			fmt.Fprintln(os.Stderr, "bench: no profile:", err)
		}
	}
	all.Wait()
	r.Seconds = time.Since(begin).Seconds()
	endFeed()
	r.Events = int(events.Load())
	r.Done, r.Failed = len(whole), int(failed.Load())
	r.Rate, r.Requests = float64(r.Done)/r.Seconds, float64(requests.Load())/r.Seconds
	r.P50, r.P99 = quantiles(whole)
	for _, step := range steps {
		p50, p99 := quantiles(times[step])
		r.Steps[step] = Quarter{N: len(times[step]), P50: p50, P99: p99}
	}
	if fault := firstFault.Load(); fault != nil {
		fmt.Fprintln(os.Stderr, "bench: first failure:", fault)
	}
	if r.Done == 0 {
		return r, fmt.Errorf("no lifecycle was finished")
	}
	return r, nil
}

// world is what the load needs to know of the district.
type world struct {
	url     string
	clients []*client
	items   []string
	places  [][2]float64
}

// client is one signed-in browser.
type client struct {
	http *http.Client
	base string
}

func newWorld(ctx context.Context, base string, workers int) (*world, error) {
	w := &world{url: base, items: []string{"public_facility"}}
	transport := &http.Transport{MaxIdleConnsPerHost: workers + 8}
	for range workers {
		jar, _ := cookiejar.New(nil)
		c := &client{http: &http.Client{Jar: jar, Transport: transport, Timeout: 30 * time.Second}, base: base}
		// The whole district's desk does every step: this measures the program,
		// not a district's division of labour.
		if _, err := c.send(ctx, http.MethodPost, "/api/demo/session", map[string]any{"account": "bench"}, nil); err != nil {
			return nil, fmt.Errorf("sign in: %w", err)
		}
		w.clients = append(w.clients, c)
	}
	var grids struct {
		Features []struct {
			Properties struct {
				Label [2]float64 `json:"label"`
			} `json:"properties"`
		} `json:"features"`
	}
	if _, err := w.clients[0].send(ctx, http.MethodGet, "/api/grids.geojson", nil, &grids); err != nil {
		return nil, fmt.Errorf("grids: %w", err)
	}
	for _, f := range grids.Features {
		if f.Properties.Label != [2]float64{} {
			w.places = append(w.places, f.Properties.Label)
		}
	}
	if len(w.places) == 0 {
		return nil, fmt.Errorf("the district has no grids")
	}
	return w, nil
}

type caseOf struct {
	ID      string `json:"id"`
	Number  string `json:"number"`
	Version int64  `json:"version"`
}

// once runs one lifecycle and says how long each step took.
func (w *world) once(ctx context.Context, c *client) (took map[string]time.Duration, requests int, err error) {
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
	move := func(key string, more map[string]any) func() error {
		return func() error {
			body := map[string]any{"move": key}
			for k, v := range more {
				body[k] = v
			}
			_, err := c.sendVersion(ctx, http.MethodPost, "/api/cases/"+one.ID+"/moves", one.Version, body, &one)
			return err
		}
	}
	step("create", func() error {
		_, err := c.send(ctx, http.MethodPost, "/api/cases", map[string]any{
			"id": newID(), "item": w.items[0], "text": word + "不亮，晚上看不见路", "channel": "desk",
			"place": map[string]any{"lon": place[0], "lat": place[1], "datum": "wgs84", "words": "村口东侧"},
		}, &one)
		return err
	})
	step("assign", move("accept", nil), move("file", nil), move("dispatch", nil))
	step("resolve", move("take", nil), move("handle", nil), move("done", map[string]any{"note": "已换灯泡", "resident_text": "灯已修好"}))
	step("search", func() error {
		var found struct {
			Items []caseOf `json:"items"`
		}
		_, err := c.send(ctx, http.MethodGet, "/api/cases?view=all&q="+url.QueryEscape(word), nil, &found)
		if err == nil && len(found.Items) == 0 {
			err = fmt.Errorf("%s is not found", word)
		}
		return err
	})
	return took, requests, err
}

// listen keeps four live feeds open, as desks do, and counts their events.
func (w *world) listen(ctx context.Context) (*atomic.Int64, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var events atomic.Int64
	var all sync.WaitGroup
	for i := range min(4, len(w.clients)) {
		all.Add(1)
		go func() {
			defer all.Done()
			rq, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/feed", nil)
			if err != nil {
				return
			}
			feed := http.Client{Jar: w.clients[i].http.Jar}
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
		}()
	}
	return &events, func() { cancel(); all.Wait() }
}

func (c *client) send(ctx context.Context, method, path string, body, out any) (int, error) {
	return c.sendVersion(ctx, method, path, 0, body, out)
}

func (c *client) sendVersion(ctx context.Context, method, path string, version int64, body, out any) (int, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		reader = bytes.NewReader(text)
	}
	rq, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return 0, err
	}
	if body != nil {
		rq.Header.Set("Content-Type", "application/json")
		rq.Header.Set("Idempotency-Key", newID())
	}
	if version > 0 {
		rq.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(version)))
	}
	answer, err := c.http.Do(rq)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil {
		return answer.StatusCode, err
	}
	if answer.StatusCode >= 300 {
		return answer.StatusCode, fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text[:min(len(text), 300)])
	}
	if out != nil {
		return answer.StatusCode, json.Unmarshal(text, out)
	}
	return answer.StatusCode, nil
}

// newID is a UUID of version 7, as every client makes for what it creates.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[6:])
	ms := time.Now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func saveProfile(base, file string, length time.Duration) error {
	answer, err := http.Get(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", base, int(length.Seconds())))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
