package main

import (
	"context"
	"fmt"

	"onegrid/internal/work/figures"
)

// figuresCmd is `onegrid figures`.
type figuresCmd struct {
	Recompute figuresRecomputeCmd `cmd:"" help:"Fold the whole journal anew and compare."`
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
