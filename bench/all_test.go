package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each scenario runs once and short against the real program: what it checks of
// the answers must hold. How fast it was says nothing here.
func TestEveryScenarioAnswersRightly(t *testing.T) {
	program, err := filepath.Abs("../bin/onegrid")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the program is not built (make build): %v", err)
	}
	for _, p := range plans {
		if p.short == nil {
			continue
		}
		t.Run(p.scenario, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := run(ctx, append([]string{p.scenario, "--program", program}, p.short...)); err != nil {
				t.Error(err)
			}
		})
	}
}

// What has a plan is a scenario, and the everyday run ends in time.
func TestTheEverydayRunIsBounded(t *testing.T) {
	known := map[string]bool{}
	for _, s := range scenarios {
		known[s.name] = true
	}
	var sum time.Duration
	for _, p := range plans {
		if !known[p.scenario] {
			t.Errorf("%s is no scenario", p.scenario)
		}
		if p.args != nil {
			sum += p.budget
		}
		if p.args != nil && p.short == nil {
			t.Errorf("%s is measured every day and never tested", p.scenario)
		}
	}
	if sum == 0 || sum > everydayLimit {
		t.Errorf("the everyday run may take %s", sum)
	}
}

// The page has a table for each scenario that was measured, where its note wants
// it, and says of each goal whether it was reached.
func TestThePageJoinsResultsAndNotes(t *testing.T) {
	lines := []Result{
		{Scenario: "locate", Engine: "postgis", Size: 1024, Rate: 20_000, Unit: "positions/s", Runs: 3, Min: 19_000, Median: 20_000, Max: 21_000, Commit: "abc", Machine: "2 cores"},
		{Scenario: "locate", Engine: "onegrid", Size: 100_489, Rate: 1_700_000, Unit: "positions/s", Runs: 3, Reference: "postgis", ReferenceRate: 20_000, Ratio: 85, Commit: "abc", Machine: "2 cores"},
		{Scenario: "growth", Engine: "sqlite", P50: 412, P99: 412, Unit: "start/s", Details: map[string]any{"memory_mb": 152.0}},
		{Scenario: "lifecycle", Engine: "sqlite", Rate: 812.4, Unit: "lifecycles/s", P50: 12, P99: 40, Commit: "abd", Machine: "2 cores"},
	}
	notes := map[string]string{"intro": "# B\n\n{{table}}\n", "locate": "## Locate\n\nbefore\n\n{{table}}\n\nafter\n", "outro": "end\n", "flood": "## Flood\n\n{{table}}\n"}
	text, err := page(lines, func(name string) (string, error) { return notes[name], nil })
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"# B", "| goal", "1,500/s on two cores, load generator included | 812 lifecycles/s | **no** |", "at 10 million cases: p99 under 5 ms | – | not measured yet |",
		"at least 1,000,000/s a core with 100,000 grids | 1,700,000 positions/s | yes |", "## Lifecycle", "| sqlite | – | 812 lifecycles/s | 12.0 | 40.0 |", "commit abd",
		"## Flood", "Not measured yet.", "## Locate", "before", "| postgis | 1,024 | 20,000 positions/s |", "postgis: 20,000 | 85.0 |", "commit abc", "after", "## Growth", "end"}
	at := 0
	for _, want := range order {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("%q is not there, or not in its place:\n%s", want, text)
		}
		at += i + len(want)
	}
}
