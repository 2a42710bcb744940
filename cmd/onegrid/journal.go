package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

// journalCmd is `onegrid journal`.
type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Check that nothing in the journal was changed, cut or replaced."`
}

// journalVerifyCmd is `onegrid journal verify`.
type journalVerifyCmd struct {
	Checkpoint []string `placeholder:"FILE" help:"Signed checkpoints that were kept elsewhere; may be given several times."`
	Key        string   `placeholder:"FILE" help:"Public key of the journal that was kept elsewhere; DIR/keys/journal.key.pub by default."`
	JSON       bool     `name:"json" help:"The report as one JSON object."`
}

// Help is shown under the command's flags.
func (journalVerifyCmd) Help() string {
	return `Reads the whole journal in one snapshot, also while the server runs, and checks
every entry, every body, the chain of seals and the head, and compares them with
the signed checkpoints in DIR/checkpoints and those given.

A cut tail, a wholly recomputed chain or a restored older copy look sound by
themselves: they are found only against a checkpoint and a key that were kept
on another machine. Copy DIR/checkpoints and DIR/keys/journal.key.pub there.

Exit codes: 0 nothing is wrong, 1 something is, 2 a checkpoint or key is none.

Examples:
  onegrid journal verify --dir /var/lib/onegrid
  onegrid journal verify --checkpoint /mnt/audit/latest.txt --key /mnt/audit/journal.key.pub`
}

// journalKey is the file of the key that signs checkpoints; its public half
// stands beside it.
func journalKey(dir string) string { return filepath.Join(dir, "keys", "journal.key") }

func (c *journalVerifyCmd) Run(ctx context.Context, set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	against, err := c.checkpoints(config.Dir)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{DSN: config.DSN(), Exists: true, Log: newLog(config, s), Writers: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	report, err := journal.Verify(ctx, d, against, progressOf(s, "journal verify"))
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(report); err != nil {
			return err
		}
	} else if err := printReport(s.out, report); err != nil {
		return err
	}
	if !report.OK() {
		return journal.ErrDamaged.With("problems", int64(len(report.Problems))+report.More)
	}
	return nil
}

// checkpoints reads those that were given and those of the data folder.
func (c *journalVerifyCmd) checkpoints(dir string) ([]journal.Checkpoint, error) {
	own, err := filepath.Glob(filepath.Join(dir, "checkpoints", "journal-*.txt"))
	if err != nil {
		return nil, err
	}
	files := slices.Concat(c.Checkpoint, own)
	if len(files) == 0 {
		return nil, nil
	}
	key := c.Key
	if key == "" {
		key = journalKey(dir) + ".pub"
	}
	verifier, err := journal.ReadVerifier(key)
	if err != nil {
		return nil, err
	}
	return readCheckpoints(files, verifier)
}

func readCheckpoints(files []string, verifier note.Verifier) (all []journal.Checkpoint, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		some, err := journal.ReadCheckpoints(text, verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// printReport says a report to the person at the terminal.
func printReport(w io.Writer, r journal.Report) error {
	catalogue, err := app.Words()
	if err != nil {
		return err
	}
	language := languageOf(os.Getenv)
	for _, p := range r.Problems {
		line := catalogue.Say(language, "journal.problem."+p.Code, map[string]any{"number": p.Number})
		if p.Detail != "" {
			line += " (" + p.Detail + ")"
		}
		fmt.Fprintln(w, line)
	}
	sum := words.Text{
		Chinese: "日志 %d 条，%d 组，正文 %d 条，已依法删除正文 %d 条；比对检查点 %d 个；发现问题 %d 处\n",
		English: "%d entries in %d groups, %d bodies, %d erased bodies; %d checkpoints compared; %d problems\n",
	}
	_, err = fmt.Fprintf(w, sum.In(language), r.Entries, r.Groups, r.Bodies, r.Erased, r.Checkpoints, int64(len(r.Problems))+r.More)
	return err
}

// progressOf tells how far long work is, on the error stream, every few seconds.
func progressOf(s streams, what string) func(done, of int64) {
	last := time.Now()
	return func(done, of int64) {
		if now := time.Now(); now.Sub(last) >= 2*time.Second && of > 0 {
			last = now
			fmt.Fprintf(s.err, "%s: %d / %d (%d %%)\n", what, done, of, 100*done/of)
		}
	}
}
