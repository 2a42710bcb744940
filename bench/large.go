package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// largeSizes are what bench large measures: ten million cases on the default
// engine, a million on the other, and smaller ones to see how costs grow.
const largeSizes = "0,10000,100000,1000000,sqlite:10000000"

const largePage = "../docs/benchmarks-large.md"

// largeIntro says how the districts are made; whoever changes the mix in
// internal/demo/fill.go says so here.
const largeIntro = `## How a filled district is made

` + "`onegrid demo-fill --cases N --dir DIR`" + ` carries up to 1,000 real service requests to their ends through the same
services as everybody's, under a clock two years ago, and repeats their rows with other ids, numbers, times,
places and words. Journal digests, seals and figures are made by the rooms' own functions; the journal and the
figures of what comes out verify. Of a hundred cases 72 are answered at once (three entries), 23 refused
(two), 2.5 carried through every desk (about eleven), and 2.5 open in all states; they are spread over 100
weeks, weekdays kept. Receipts and notices, which end by themselves, are left out, photos too, and deadlines of
open cases count as given.

Bytes of a case on SQLite, measured with a million: journal entries 1,280 and their bodies 620, the indexes of
both 440, the case's row 730, its indexes 650, clocks 370, the acts that figures count 230, counts and times 210
(a cell is a day, a node and an item: fewer a case the more cases a day), search 120, all else 50: 4,700, so ten
million are some 45 GB. What grows most is the journal, 3.1 entries a case. The text of who may see an entry
stood in each until it was kept once; that was another 1,150.

What is measured: every list of desk and field by one client (the goal is 5 ms at p99); costs at growing
sizes with their exponent; the lifecycle beside the same on an empty district; thirty minutes of mixed load.
`

// large fills districts, proves them sound, measures them and writes the page.
func large(ctx context.Context, o options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks with very many cases\n\nMade by `make bench-large` on %s: %s, load average %.1f at the start, commit %s.\n\n%s",
		time.Now().Format("2 January 2006"), machine(), loadAverage(), commit(), largeIntro)
	var points []grown
	for _, engine := range o.engines {
		sizes, err := o.large.casesOr(engine, largeSizes)
		if err != nil {
			return err
		}
		var of []grown
		for _, cases := range sizes {
			g, err := o.largeSite(ctx, engine, cases, cases == slices.Max(sizes), slices.Max(sizes), &b)
			if err != nil {
				return fmt.Errorf("%s, %d cases: %w", engine, cases, err)
			}
			of = append(of, g)
		}
		fmt.Fprintf(&b, "\n## Growth on %s\n\n%s\n![costs by number of cases](growth-%s.svg)\n", engine, growthTable(engine, of), engine)
		points = append(points, of...)
	}
	if err := showGrowth(points, "../docs"); err != nil {
		return err
	}
	return os.WriteFile(largePage, []byte(b.String()), 0o644)
}

// largeSite measures one district; the largest of an engine in everything.
func (o options) largeSite(ctx context.Context, engine string, cases int, whole bool, largest int, b *strings.Builder) (g grown, err error) {
	s, err := o.openSite(ctx, engine, cases)
	if err != nil {
		return g, err
	}
	defer s.close()
	if whole {
		fmt.Fprintf(b, "\n## %s, %s cases\n\n", engine, grouped(float64(largest)))
		if s.filled > 0 {
			fmt.Fprintf(b, "Filled in %s (%s cases/s, indexes and originals included); %.1f GB, %.0f bytes a case.\n", s.filled.Round(time.Second),
				grouped(float64(cases)/s.filled.Seconds()), float64(s.bytes())/1e9, float64(s.bytes())/float64(max(cases, 1)))
		}
		for _, args := range [][]string{{"journal", "verify"}, {"figures", "recompute", "--check"}} {
			began := time.Now()
			out, err := os.Create(filepath.Join(s.dir, "check.log"))
			if err != nil {
				return g, err
			}
			err = errors.Join(s.command(ctx, o, out, args...), out.Close())
			text := tail(out.Name())
			if err != nil {
				return g, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, text)
			}
			lines := strings.Split(strings.TrimSpace(text), "\n")
			fmt.Fprintf(b, "- `onegrid %s`: %s (%s)\n", strings.Join(args, " "), lines[len(lines)-1], time.Since(began).Round(time.Second))
		}
		lists, err := s.worklist(ctx, o)
		if err != nil {
			return g, err
		}
		b.WriteString("\n### Lists, one client, p50 / p99 in ms\n\n" + listTable(lists))
	}
	if g, err = s.grown(ctx, o); err != nil {
		return g, err
	}
	if !whole {
		return g, nil
	}
	r, err := s.lifecycle(ctx, o)
	if err != nil {
		return g, err
	}
	empty, err := o.emptyLifecycle(ctx, engine)
	if err != nil {
		return g, err
	}
	r = r.against("the same on an empty district", empty)
	r.print()
	fmt.Fprintf(b, "\n### Lifecycle\n\n%.0f/s (p50 %.1f, p99 %.1f ms), empty %.0f/s in the same run: %.0f %%.\n", r.Rate, r.P50, r.P99, empty.Rate, 100*r.Ratio)
	k, err := s.soak(ctx, o)
	if d, ok := k.Details.(soakDetails); ok {
		fmt.Fprintf(b, "\n### Soak, %.0f minutes\n\n| fifth | lifecycles | p50 ms | p99 ms | memory MB | goroutines | handles | log MB |\n|---|---:|---:|---:|---:|---:|---:|---:|\n", d.Minutes)
		for i, f := range d.Fifths {
			fmt.Fprintf(b, "| %d | %d | %.1f | %.1f | %.0f | %.0f | %.0f | %d |\n", i+1, f.Done, f.P50, f.P99, f.Memory, f.Goroutines, f.Handles, f.Log>>20)
		}
	}
	return g, err
}

// lifecycle is the lifecycle scenario on a filled district.
func (s *site) lifecycle(ctx context.Context, o options) (Result, error) {
	var runs []measured
	for range o.runs {
		m, err := s.lifecycleOnce(ctx, o)
		if err != nil {
			return Result{}, err
		}
		runs = append(runs, m)
	}
	r := summed("lifecycle", s.engine, lifecycleUnit, s.cases, runs)
	showLifecycle(r)
	return r, nil
}

func (s *site) lifecycleOnce(ctx context.Context, o options) (m measured, err error) {
	p, err := s.start(ctx, o)
	if err != nil {
		return m, err
	}
	defer p.stop()
	w, err := newWorld(ctx, p.url, o.workers)
	if err != nil {
		return m, err
	}
	w.apart = o.apart
	bareRequests, err := bare(ctx, p.url, o.workers)
	if err != nil {
		return m, err
	}
	return load(o, []int{p.cmd.Process.Pid}, s.server, func() (*atomic.Int64, func()) { return w.listen(ctx) }, func(length time.Duration) outcome {
		return goThrough(ctx, o.workers, length, func(i int) (map[string]time.Duration, int, error) { return w.once(ctx, w.desks[i], w.handlers[i]) })
	}, bareRequests)
}

// emptyLifecycle is the same without any case, just after.
func (o options) emptyLifecycle(ctx context.Context, engine string) (Result, error) {
	o.large.folder = ""
	s, err := o.openSite(ctx, engine, 0)
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	return s.lifecycle(ctx, o)
}

// listTable is the lists as a table: a row a list, a column a reader.
func listTable(all []Result) string {
	cells := map[string]map[string]string{}
	var names []string
	over := 0
	for _, r := range all {
		d, ok := r.Details.(listDetails)
		if !ok {
			continue
		}
		if cells[d.List] == nil {
			cells[d.List] = map[string]string{}
			names = append(names, d.List)
		}
		cells[d.List][d.Reader] = fmt.Sprintf("%.1f / %.1f", r.P50, r.P99)
		if d.Over {
			cells[d.List][d.Reader] = "**" + cells[d.List][d.Reader] + "**"
			over++
		}
	}
	var b strings.Builder
	b.WriteString("| list | " + strings.Join(readers, " | ") + " |\n|---" + strings.Repeat("|---:", len(readers)) + "|\n")
	for _, name := range names {
		fmt.Fprintf(&b, "| %s |", name)
		for _, reader := range readers {
			fmt.Fprintf(&b, " %s |", cells[name][reader])
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d of %d over %.0f ms at p99 (bold).\n", over, len(all), listGoal)
	return b.String()
}
