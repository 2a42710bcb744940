// Command bench measures OneGrid from outside: it starts the real program on a
// data folder of its own and speaks nothing but the public API over loopback.
// What a figure is compared with (another program, the bare database) is measured
// in the same run, so that a ratio says the same on every machine.
//
// Every scenario prints a table for people and JSON lines for machines (Result).
// Runs are bounded in time and in the number of clients, and everything started
// is stopped. A new scenario is one file and one line in scenarios.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scenario is one question that bench answers by measuring.
type scenario struct {
	name, about string
	run         func(ctx context.Context, o options) error
}

var scenarios = []scenario{
	{"lifecycle", "create, assign, resolve, search over HTTP, against PocketBase and bare group commits", lifecycles},
	{"flood", "10,000 public reports a minute while staff keep working", flood},
	{"ceiling", "public reports under a ceiling of memory", ceiling},
	{"locate", "positions to grids, against PostGIS on the same polygons", locate},
	{"live", "from an acknowledged act to thousands of listeners; storms and slow readers without a gap", live},
	{"district", "import of cases, units and grids; on these tiles, search and figures", daily},
	{"worklist", "every list of desk and field on very many cases", worklists},
	{"growth", "what each thing costs at growing numbers of cases; start and memory too", growth},
	{"soak", "mixed load for long: memory, handles, log, drift", soak},
	{"large", "ten million cases: fill, verify and all of the above; writes docs/benchmarks-large.md", large},
}

// commands are what bench does besides measuring.
var commands = []scenario{
	{"all", "every scenario that has a plan; writes docs/benchmarks.md, or with --quick only shows", everything},
	{"page", "docs/benchmarks.md from what was measured last", writePage},
}

// options are what the command line says.
type options struct {
	program string
	engines []string
	workers int
	length  time.Duration
	runs    int
	peers   bool
	apart   bool
	profile string // folder; empty: none
	sizes   []int  // grids, listeners or cases; empty: the scenario's own
	quick   bool   // all: the quick run
	only    string // all: these scenarios; empty: every one
	large   largeOptions
}

// sizesOr gives the sizes to measure.
func (o options) sizesOr(usual ...int) []int {
	if len(o.sizes) > 0 {
		return o.sizes
	}
	return usual
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
	if len(args) == 2 && args[0] == peerCommand {
		return servePeer(ctx, args[1])
	}
	var chosen scenario
	if len(args) > 0 {
		all := slices.Concat(scenarios, commands)
		if i := slices.IndexFunc(all, func(s scenario) bool { return s.name == args[0] }); i >= 0 {
			chosen = all[i]
		}
	}
	if chosen.run == nil {
		list := "usage: bench SCENARIO [flags]; -h lists the flags. Scenarios:"
		for _, s := range slices.Concat(scenarios, commands) {
			list += fmt.Sprintf("\n  %-12s %s", s.name, s.about)
		}
		return errors.New(list)
	}
	flags := flag.NewFlagSet(chosen.name, flag.ExitOnError)
	o := options{}
	flags.StringVar(&o.program, "program", "../bin/onegrid", "the program to measure")
	engines := flags.String("engines", "sqlite,postgres", "engines, comma separated")
	flags.IntVar(&o.workers, "workers", 32, "clients at work at the same time")
	flags.DurationVar(&o.length, "time", 20*time.Second, "how long each thing is measured, at most 10m")
	flags.IntVar(&o.runs, "runs", 1, "how often each is measured; the median counts")
	flags.BoolVar(&o.peers, "references", true, "measure what the figures are compared with, too")
	flags.BoolVar(&o.apart, "apart", false, "lifecycle: every move a request of its own, as older programs need it")
	flags.StringVar(&o.profile, "profile", "", "folder for profiles of the program; empty: none")
	sizes := flags.String("sizes", "", "sizes to measure, comma separated: grids, listeners or cases; empty: the scenario's own")
	flags.BoolVar(&o.quick, "quick", false, "all: in under a minute, once and short")
	flags.StringVar(&o.only, "only", "", "all: only these scenarios, comma separated; the page keeps what was measured before of the others")
	o.large.flags(flags)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if o.length < time.Second || o.length > 10*time.Minute || o.workers > 512 || o.workers < 1 || o.runs < 1 || o.runs > 20 {
		return errors.New("1s to 10m, 1 to 512 workers, 1 to 20 runs")
	}
	for size := range strings.SplitSeq(*sizes, ",") {
		if size == "" {
			continue
		}
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > 10_000_000 {
			return fmt.Errorf("no size %q: 1 to 10,000,000", size)
		}
		o.sizes = append(o.sizes, n)
	}
	path, err := filepath.Abs(o.program)
	if err != nil {
		return err
	}
	o.program = path
	for engine := range strings.SplitSeq(*engines, ",") {
		if engine != "sqlite" && engine != "postgres" {
			return fmt.Errorf("no engine %q: sqlite or postgres", engine)
		}
		o.engines = append(o.engines, engine)
	}
	return chosen.run(ctx, o)
}
