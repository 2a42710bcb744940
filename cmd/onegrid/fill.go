package main

import (
	"context"
	"fmt"
	"time"

	"onegrid/internal/demo"
	"onegrid/internal/kit/fault"
)

// demoFillCmd is `onegrid demo-fill`.
type demoFillCmd struct {
	Cases int `default:"100000" placeholder:"N" help:"How many cases, 1,000 to 20,000,000."`
}

// Help is shown under the command's flags.
func (demoFillCmd) Help() string {
	return `Makes the demo district in an empty folder (or an empty database) and fills it
with N cases, for measuring: some hundred requests are carried to their ends by
the same services as everybody's, and their rows are repeated with other ids,
numbers, times, places and words. Figures, search and journal are as if everything
had happened; "onegrid journal verify" and "onegrid figures recompute --check" say
so. Receipts and notices, which end after a while, and photos are left out.

A million cases take some 4 GB on SQLite. Stopped early, it leaves a folder that
is no demo: delete it.

Examples:
  onegrid demo-fill --cases 1000000 --dir /var/tmp/million
  onegrid demo --requests 0 --dir /var/tmp/million`
}

func (c *demoFillCmd) Run(ctx context.Context, set settings, s streams) error {
	if c.Cases < 1000 || c.Cases > 20_000_000 {
		return fault.New(fault.Invalid, "demo.bad_cases").With("cases", c.Cases)
	}
	config, err := set.load()
	if err != nil {
		return err
	}
	f, err := demo.Fill(ctx, config, demo.FillOptions{Log: newLog(config, s), Version: version, Cases: c.Cases,
		Progress: func(text string) { fmt.Fprintln(s.err, text) }})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d cases (%d open, %d tasks), %d entries, made after %d originals in %s\n", f.Cases, f.Open, f.Tasks, f.Entries, f.Originals, f.Took.Round(time.Second))
	return nil
}
