package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plan is how one scenario takes part in the runs of everything: `bench all`
// measures, `bench all --quick` shows the same in under a minute, and the test of
// this package only asks whether the answers are right.
type plan struct {
	scenario string
	budget   time.Duration // of the everyday run; what takes longer is stopped
	args     []string      // of the everyday run; nil: it has a command of its own
	quick    []string      // of the quick run; nil: not part of it
	short    []string      // of the test; nil: not part of it
}

// plans are in the order in which they run. The budgets add up to less than 25
// minutes on two cores; see TestTheEverydayRunIsBounded.
var plans = []plan{
	{"lifecycle", 7 * time.Minute, words("--runs 3 --time 10s"), words("--time 1s --engines sqlite --references=false"),
		words("--time 1s --workers 4 --references=false --engines sqlite")},
	{"locate", 5 * time.Minute, words("--sizes 1000,10000,100000 --runs 3"), words("--sizes 300 --time 1s"), words("--sizes 100 --time 1s")},
	// The program holds 10,000 streams; those that compare are among them.
	{"live", 8 * time.Minute, words("--sizes 1000,5000,9900 --time 10s"), words("--sizes 300 --time 1s --engines sqlite"),
		words("--sizes 60 --time 1s --engines sqlite")},
	{"district", 4 * time.Minute, words("--sizes 2000 --time 10s"), words("--sizes 60 --time 1s --engines sqlite"), words("--sizes 60 --time 1s --engines postgres")},
}

func words(s string) []string { return strings.Fields(s) }

const (
	everydayLimit = 25 * time.Minute
	quickLimit    = 60 * time.Second
)

// everything runs every scenario that has a plan, each in a process of its own,
// so that none of them leaves anything behind for the next. The everyday run keeps the
// JSON lines in results/ and writes the page.
func everything(ctx context.Context, o options) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	limit := everydayLimit
	if o.quick {
		limit = quickLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var faults []error
	kept := map[string][]byte{}
	for _, p := range plans {
		args, budget := p.args, p.budget
		if o.quick {
			args, budget = p.quick, quickLimit
		}
		if args == nil || o.only != "" && !slices.Contains(strings.Split(o.only, ","), p.scenario) {
			continue
		}
		begin := time.Now()
		lines, err := runPlan(ctx, own, budget, append([]string{p.scenario, "--program", o.program}, args...))
		fmt.Printf("\n%s took %.0f s of %.0f\n", p.scenario, time.Since(begin).Seconds(), budget.Seconds())
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.scenario, err))
			continue
		}
		kept[p.scenario] = lines
	}
	if o.quick {
		return errors.Join(faults...)
	}
	// Only now, so that the tree is what it was while everything was measured.
	if err := os.MkdirAll(resultsFolder, 0o755); err != nil {
		return err
	}
	for name, lines := range kept {
		faults = append(faults, os.WriteFile(filepath.Join(resultsFolder, name+".jsonl"), lines, 0o644))
	}
	return errors.Join(append(faults, writePage(ctx, o))...)
}

// runPlan runs one scenario, shows what it says, and gives its JSON lines.
func runPlan(ctx context.Context, own string, budget time.Duration, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	cmd := exec.CommandContext(ctx, own, args...)
	// It stops what it has started before it ends.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &said), os.Stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped: it had %s: %w", budget, errors.Join(err, ctx.Err()))
	}
	var lines []byte
	for line := range bytes.Lines(said.Bytes()) {
		if bytes.HasPrefix(line, []byte("{")) {
			lines = append(lines, line...)
		}
	}
	if err == nil && len(lines) == 0 {
		err = errors.New("it printed no result")
	}
	return lines, err
}
