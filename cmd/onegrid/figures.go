package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onegrid/internal/kit/db"
	"onegrid/internal/work/figures"
)

// figuresCmd is `onegrid figures`.
type figuresCmd struct {
	Recompute figuresRecomputeCmd `cmd:"" help:"Fold the whole journal anew and compare."`
	OpenData  figuresOpenCmd      `cmd:"" name:"open-data" help:"Publish the months that are due and write the public file."`
}

// figuresRecomputeCmd is `onegrid figures recompute`.
type figuresRecomputeCmd struct {
	Check bool `help:"Only compare; do not replace what differs."`
}

// Help is shown under the command's flags.
func (figuresRecomputeCmd) Help() string {
	return `All figures are what the journal adds up to. This folds the journal from its
first entry, compares every stored count and replaces them when they differ.

Exit codes: 0 equal (or repaired), 1 different with --check.

Examples:
  onegrid figures recompute --check --dir /var/lib/onegrid
  onegrid figures recompute --dir /var/lib/onegrid`
}

// shownDifferences is how many differences are written out.
const shownDifferences = 20

func (c *figuresRecomputeCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err := a.Figures.Fold(ctx); err != nil {
		return err
	}
	differences, entries, err := a.Figures.Recompute(ctx, !c.Check, func(done, of int64) {
		fmt.Fprintf(s.err, "\r%d of %d entries", done, of)
	})
	fmt.Fprintln(s.err)
	if err != nil {
		return err
	}
	for i, d := range differences {
		if i == shownDifferences {
			fmt.Fprintf(s.out, "and %d more\n", len(differences)-i)
			break
		}
		fmt.Fprintf(s.out, "%s: stored %d, journal %d\n", d.Cell, d.Stored, d.True)
	}
	fmt.Fprintf(s.out, "%d entries folded, %d figures differ\n", entries, len(differences))
	if len(differences) > 0 && c.Check {
		return figures.ErrDiffers.With("count", len(differences))
	}
	return nil
}

// figuresOpenCmd is `onegrid figures open-data`.
type figuresOpenCmd struct {
	File string `arg:"" optional:"" help:"Where to write the file, .csv or .json; - writes CSV to standard output. None: only publish."`
}

// Help is shown under the command's flags.
func (figuresOpenCmd) Help() string {
	return `Open data are counts of reports by work item, street and month. Counts below
open-data-least are held back, and so many others that they can't be worked out
from the totals. Confidential items are never in it. A month is published five
days after its end and never changes after that. The running program does this by
itself and serves the files at /open/reports-by-month.csv and .json.

Needs the setting open-data = on. Exit codes: 0 done, 1 failed.

Examples:
  onegrid figures open-data --dir /var/lib/onegrid
  onegrid figures open-data reports.csv --dir /var/lib/onegrid`
}

func (c *figuresOpenCmd) Run(ctx context.Context, set settings, s streams) (err error) {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.Config.OpenData != "on" {
		return figures.ErrNoOpenData
	}
	months, err := a.Figures.Publish(ctx)
	if err != nil {
		return err
	}
	for _, m := range months {
		fmt.Fprintf(s.err, "%s published\n", m)
	}
	if c.File == "" {
		return nil
	}
	var rows []figures.OpenRow
	if err := a.DB.Read(ctx, func(tx *db.Tx) (err error) { rows, err = figures.OpenRows(tx); return err }); err != nil {
		return err
	}
	if c.File == "-" {
		return figures.OpenCSVTo(s.out, rows)
	}
	f, err := os.Create(c.File)
	if err != nil {
		return err
	}
	write := figures.OpenCSVTo
	if strings.EqualFold(filepath.Ext(c.File), ".json") {
		write = a.Figures.OpenJSONTo
	}
	return errors.Join(write(f, rows), f.Close())
}
