package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// What may not grow in a soak: the last fifth against the first after the warm-up.
const (
	mostMemory  = 1.5 // times, beside memorySlack
	memorySlack = 64  // MB
	mostOthers  = 1.2 // goroutines and handles, beside otherSlack
	otherSlack  = 50
	mostLog     = 256 << 20 // bytes of SQLite's write-ahead log at any time
	mostDrift   = 1.5       // times, of p50
)

// soakFifth is what a fifth of the time looked like.
type soakFifth struct {
	Memory     float64 `json:"memory_mb"`
	Goroutines float64 `json:"goroutines"`
	Handles    float64 `json:"handles"`
	Log        int64   `json:"wal_bytes"`
	Done       int     `json:"lifecycles"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
}

type soakDetails struct {
	Minutes float64     `json:"minutes"`
	Failed  int         `json:"failed"`
	Fifths  []soakFifth `json:"fifths"`
	Broken  []string    `json:"broken,omitempty"` // bounds that did not hold
	Load    float64     `json:"load"`
}

// soak puts filled districts under mixed load.
func soak(ctx context.Context, o options) error {
	for _, engine := range o.engines {
		sizes, err := o.large.casesOr(engine, "100000")
		if err != nil {
			return err
		}
		s, err := o.openSite(ctx, engine, sizes[0])
		if err != nil {
			return err
		}
		_, err = s.soak(ctx, o)
		s.close()
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

// soak lets workers go through lifecycles and readers through lists, and watches
// the program. It fails when something has grown that should not.
func (s *site) soak(ctx context.Context, o options) (r Result, err error) {
	if o.large.soak < 10*time.Second || o.large.soak > 12*time.Hour {
		return r, errors.New("a soak of 10s to 12h")
	}
	p, err := s.start(ctx, o)
	if err != nil {
		return r, err
	}
	defer p.stop()
	const workers = 8 // half of what the program can do: a queue is not what is asked
	w, err := newWorld(ctx, p.url, workers)
	if err != nil {
		return r, err
	}
	_, endFeed := w.listen(ctx)
	defer endFeed()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		all := lists()
		for i := 0; reading.Err() == nil; i++ {
			_ = w.desks[i%workers].send(reading, http.MethodGet, all[i%len(all)].query, nil, nil) // some lists are not this desk's
			time.Sleep(50 * time.Millisecond)
		}
	}()
	d := soakDetails{Minutes: o.large.soak.Minutes(), Load: loadAverage()}
	once := func(i int) (map[string]time.Duration, int, error) { return w.once(ctx, w.desks[i], w.handlers[i]) }
	goThrough(ctx, workers, warmUp, once)
	total := 0
	var whole []time.Duration
	began := time.Now()
	for range 5 {
		run := goThrough(ctx, workers, o.large.soak/5, once)
		f := soakFifth{Done: len(run.whole), Memory: resident(p.cmd.Process.Pid), Handles: handles(p.cmd.Process.Pid), Goroutines: metric(p.url, "go_goroutines")}
		if info, err := os.Stat(filepath.Join(s.data, "onegrid.db-wal")); err == nil {
			f.Log = info.Size()
		}
		whole = append(whole, run.whole...)
		f.P50, f.P99 = quantiles(run.whole)
		d.Fifths, d.Failed, total = append(d.Fifths, f), d.Failed+run.failed, total+len(run.whole)
		if run.fault != nil {
			fmt.Fprintln(os.Stderr, "bench: first failure:", run.fault)
		}
		fmt.Printf("  soak on %s: %6d lifecycles, p50 %.1f p99 %.1f ms, %.0f MB, %.0f goroutines, %.0f handles, log %d MB\n",
			s.engine, f.Done, f.P50, f.P99, f.Memory, f.Goroutines, f.Handles, f.Log>>20)
	}
	first, last := d.Fifths[0], d.Fifths[4]
	check := func(ok bool, text string, args ...any) {
		if !ok {
			d.Broken = append(d.Broken, fmt.Sprintf(text, args...))
		}
	}
	check(last.Memory <= first.Memory*mostMemory+memorySlack, "memory grew from %.0f to %.0f MB", first.Memory, last.Memory)
	check(last.Goroutines <= first.Goroutines*mostOthers+otherSlack, "goroutines grew from %.0f to %.0f", first.Goroutines, last.Goroutines)
	check(last.Handles <= first.Handles*mostOthers+otherSlack, "handles grew from %.0f to %.0f", first.Handles, last.Handles)
	check(last.P50 <= math.Max(first.P50*mostDrift, first.P50+2), "p50 drifted from %.1f to %.1f ms", first.P50, last.P50)
	for _, f := range d.Fifths {
		check(f.Log <= mostLog, "the log had %d MB", f.Log>>20)
	}
	m := measured{rate: float64(total) / time.Since(began).Seconds(), details: d}
	slices.Sort(whole)
	m.p50, m.p99 = quantiles(whole)
	r = summed("soak", s.engine, lifecycleUnit, s.cases, []measured{m})
	r.print()
	if len(d.Broken) > 0 {
		return r, fmt.Errorf("the soak found: %v", d.Broken)
	}
	return r, nil
}

// handles is how many files and sockets a process has open.
func handles(pid int) float64 {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return float64(len(list))
}

// metric is one of the program's own figures, 0 where it does not tell.
func metric(base, name string) float64 {
	answer, err := http.Get(base + "/metrics")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`(?m)^` + name + ` ([0-9.e+]+)$`).FindSubmatch(text)
	if found == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(string(found[1]), 64)
	return v
}
