package main

import (
	"context"
	"fmt"
	"os"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/words"
)

// retentionCmd is `onegrid retention`.
type retentionCmd struct {
	Run retentionRunCmd `cmd:"" help:"End data whose term is over."`
}

// retentionRunCmd is `onegrid retention run`.
type retentionRunCmd struct {
	DryRun bool `help:"Only count what would end; nothing is changed but the report of the run."`
	JSON   bool `name:"json" help:"The report as one JSON object."`
}

// Help is shown under the command's flags.
func (retentionRunCmd) Help() string {
	return `Ends what is kept longer than its retention class says: content of closed cases
with their reporters, photos, search rows and journal bodies, originals of photos,
photos nobody looked at, receipts, devices, disabled accounts. State, times, item
and node of a case stay, so that figures and the journal still add up. What is
under a legal hold stays, and what goes to the archive stays until it was taken.

The server does the same once a day. It works in small batches: break it off at
any time, the next run goes on. Progress goes to the error stream, one line for
each kind of data. A restored backup is brought up to date in the same way.

Exit codes: 0 done, 1 failed or broken off.

Examples:
  onegrid retention run --dry-run --dir /var/lib/onegrid
  onegrid retention run --json`
}

func (c *retentionRunCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	l := languageOf(os.Getenv)
	row := func(l1 registry.Line) string {
		return fmt.Sprintf("%s (%s): %s %d, %s %d, %s %d", l1.Name.In(l), l1.Class,
			words.Text{Chinese: "到期", English: "over"}.In(l), l1.Ended, words.Text{Chinese: "保留", English: "held"}.In(l), l1.Held,
			words.Text{Chinese: "待归档", English: "for the archive"}.In(l), l1.Kept)
	}
	run, err := a.Retain(ctx, journal.By{Via: app.Operator()}, c.DryRun, func(one registry.Line) { fmt.Fprintln(s.err, row(one)) })
	if err != nil {
		return err
	}
	if !c.DryRun {
		// Files leave through a job; do it now, nobody else may be running.
		if err := a.Work(ctx); err != nil {
			return err
		}
	}
	text := words.Text{Chinese: "已到期处理 %d 项\n", English: "%d ended\n"}
	if c.DryRun {
		text = words.Text{Chinese: "将到期处理 %d 项（未改动）\n", English: "%d would end (nothing was changed)\n"}
	}
	return tell(s, c.JSON, run, text, run.Total())
}
