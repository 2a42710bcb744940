// Command bench measures OneGrid from outside: it starts the real program on a
// data folder of its own and speaks nothing but the public API over loopback.
//
// Every scenario prints a table for people and one JSON line for machines. Runs
// are bounded in time and in the number of clients, and everything started is
// stopped.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Result is the JSON line of a run.
type Result struct {
	Scenario  string             `json:"scenario"`
	Engine    string             `json:"engine"`
	Workers   int                `json:"workers"`
	Seconds   float64            `json:"seconds"`
	Done      int                `json:"done"`
	Failed    int                `json:"failed"`
	Rate      float64            `json:"rate"`
	Unit      string             `json:"unit"`
	Requests  float64            `json:"requests_per_second"`
	Bare      float64            `json:"bare_requests_per_second"` // of /healthz, just before, on the same machine
	P50       float64            `json:"p50_ms"`
	P99       float64            `json:"p99_ms"`
	CPU       float64            `json:"cpu_ms"`        // of the program, for one lifecycle
	ServerCPU float64            `json:"server_cpu_ms"` // of PostgreSQL, for one lifecycle
	Steps     map[string]Latency `json:"steps"`
	Events    int                `json:"events_seen"`
	Load      float64            `json:"load"` // average of the machine's last minute, at the start
	Commit    string             `json:"commit"`
	Machine   string             `json:"machine"`
}

// Latency is how long one step took.
type Latency struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// options are what the command line says.
type options struct {
	program string
	workers int
	length  time.Duration
	profile string // folder; empty: none
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
	if len(args) > 0 && (args[0] == "flood" || args[0] == "ceiling") {
		return abuseCommand(ctx, args[0], args[1:])
	}
	if len(args) == 0 || args[0] != "lifecycle" {
		return fmt.Errorf("usage: bench lifecycle [flags]; bench lifecycle -h lists them")
	}
	flags := flag.NewFlagSet("lifecycle", flag.ExitOnError)
	program := flags.String("program", "../bin/onegrid", "the program to measure")
	engines := flags.String("engines", "sqlite,postgres", "engines, comma separated")
	workers := flags.Int("workers", 32, "clients at work at the same time")
	length := flags.Duration("time", 20*time.Second, "how long each engine is measured, at most 10m")
	profile := flags.String("profile", "", "folder for profiles of the program; empty: none")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *length < time.Second || *length > 10*time.Minute || *workers > 512 || *workers < 1 {
		return fmt.Errorf("1s to 10m and 1 to 512 workers")
	}
	path, err := filepath.Abs(*program)
	if err != nil {
		return err
	}
	for engine := range strings.SplitSeq(*engines, ",") {
		if engine != "sqlite" && engine != "postgres" {
			return fmt.Errorf("no engine %q: sqlite or postgres", engine)
		}
		result, err := lifecycle(ctx, options{path, *workers, *length, *profile}, engine)
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
	fmt.Printf("  a lifecycle took %.2f ms of the program's processor time and %.2f ms of the database server's\n", r.CPU, r.ServerCPU)
	fmt.Printf("  bare requests %.0f/s just before, load average %.1f, %s, commit %s\n", r.Bare, r.Load, r.Machine, r.Commit)
	fmt.Printf("  %-10s %8s %10s %10s\n", "step", "n", "p50 ms", "p99 ms")
	for _, step := range steps {
		l := r.Steps[step]
		fmt.Printf("  %-10s %8d %10.1f %10.1f\n", step, l.N, l.P50, l.P99)
	}
	fmt.Printf("  %-10s %8d %10.1f %10.1f\n", "all", r.Done, r.P50, r.P99)
	line, _ := json.Marshal(r) // numbers and texts always can
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
