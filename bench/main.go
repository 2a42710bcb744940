// Command bench measures OneGrid from outside: it starts the real program on a
// data folder of its own and speaks nothing but the public API over loopback.
//
// Every scenario prints a table for people and one JSON line for machines. Runs
// are bounded in time and in requests, and everything started is stopped.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Result is the JSON line of a run.
type Result struct {
	Scenario string             `json:"scenario"`
	Engine   string             `json:"engine"`
	Workers  int                `json:"workers"`
	Seconds  float64            `json:"seconds"`
	Done     int                `json:"done"`
	Failed   int                `json:"failed"`
	Rate     float64            `json:"rate"`
	Unit     string             `json:"unit"`
	Requests float64            `json:"requests_per_second"`
	P50      float64            `json:"p50_ms"`
	P99      float64            `json:"p99_ms"`
	Steps    map[string]Quarter `json:"steps"`
	Events   int                `json:"events_seen"`
	Commit   string             `json:"commit"`
	Machine  string             `json:"machine"`
}

// Quarter is the latency of one step.
type Quarter struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "lifecycle" {
		return fmt.Errorf("usage: bench lifecycle [flags]; bench lifecycle -h lists them")
	}
	flags := flag.NewFlagSet("lifecycle", flag.ExitOnError)
	program := flags.String("program", "../bin/onegrid", "the program to measure")
	engines := flags.String("engines", "sqlite,postgres", "engines, comma separated")
	workers := flags.Int("workers", 32, "clients at work at the same time")
	seconds := flags.Duration("time", 20*time.Second, "how long each engine is measured, at most 10m")
	profile := flags.String("profile", "", "folder for a CPU profile of the program; empty: none")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *seconds > 10*time.Minute || *workers > 512 || *workers < 1 {
		return fmt.Errorf("at most 10m and 1 to 512 workers")
	}
	path, err := filepath.Abs(*program)
	if err != nil {
		return err
	}
	for engine := range strings.SplitSeq(*engines, ",") {
		result, err := lifecycle(ctx, path, engine, *workers, *seconds, *profile)
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
		show(result)
	}
	return nil
}

func show(r Result) {
	fmt.Printf("\n%s on %s: %.0f lifecycles/s (%d in %.1f s, %d failed), %.0f requests/s, %d workers, %d live events\n",
		r.Scenario, r.Engine, r.Rate, r.Done, r.Seconds, r.Failed, r.Requests, r.Workers, r.Events)
	fmt.Printf("  %-10s %8s %10s %10s\n", "step", "n", "p50 ms", "p99 ms")
	for _, step := range steps {
		q := r.Steps[step]
		fmt.Printf("  %-10s %8d %10.1f %10.1f\n", step, q.N, q.P50, q.P99)
	}
	line, _ := json.Marshal(r)
	fmt.Println(string(line))
}

// quantiles gives p50 and p99 in milliseconds.
func quantiles(times []time.Duration) (p50, p99 float64) {
	if len(times) == 0 {
		return 0, 0
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[min(int(q*float64(len(times))), len(times)-1)].Microseconds()) / 1000
	}
	return at(0.5), at(0.99)
}

func machine() string {
	return fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())
}
