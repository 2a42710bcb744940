package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// Result is the JSON line of one figure beside one reference. Every scenario
// prints the same keys; what only one scenario knows stands in details.
type Result struct {
	Scenario      string  `json:"scenario"`
	Engine        string  `json:"engine"`
	What          string  `json:"what,omitempty"` // which part of the scenario, where it has several
	Size          int     `json:"size"`           // cases that were there before; grids; listeners
	Rate          float64 `json:"rate"`           // the median of the runs
	Unit          string  `json:"unit"`
	P50           float64 `json:"p50_ms"` // of the run with the median rate
	P99           float64 `json:"p99_ms"`
	Reference     string  `json:"reference,omitempty"` // what it is compared with; empty: it is a reference itself
	ReferenceRate float64 `json:"reference_rate,omitempty"`
	Ratio         float64 `json:"ratio,omitempty"` // rate / reference rate, in this run
	Runs          int     `json:"runs"`
	Min           float64 `json:"min"` // of the rates
	Median        float64 `json:"median"`
	Max           float64 `json:"max"`
	Commit        string  `json:"commit"`
	Machine       string  `json:"machine"`
	At            string  `json:"at"`             // when it was measured
	Load          float64 `json:"load,omitempty"` // average of the machine's last minute
	Details       any     `json:"details,omitempty"`
}

// Latency is how long one step took.
type Latency struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// measured is one run of one thing.
type measured struct {
	rate, p50, p99 float64
	details        any
}

// summed makes one result of the runs of a thing: the run with the median rate,
// and the range.
func summed(scenario, engine, unit string, size int, runs []measured) Result {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b measured) int {
		switch {
		case a.rate < b.rate:
			return -1
		case a.rate > b.rate:
			return 1
		}
		return 0
	})
	m := sorted[len(sorted)/2]
	return Result{Scenario: scenario, Engine: engine, Size: size, Rate: m.rate, Unit: unit, P50: m.p50, P99: m.p99, Runs: len(runs),
		Min: sorted[0].rate, Median: m.rate, Max: sorted[len(sorted)-1].rate, Commit: commit(), Machine: machine(), At: time.Now().UTC().Format("2006-01-02 15:04"), Load: loadAverage(), Details: m.details}
}

// against compares a result with a reference.
func (r Result) against(name string, reference Result) Result {
	r.Reference, r.ReferenceRate = name, reference.Rate
	if reference.Rate > 0 {
		r.Ratio = r.Rate / reference.Rate
	}
	return r
}

// print writes the JSON line.
func (r Result) print() {
	line, err := json.Marshal(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return
	}
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
