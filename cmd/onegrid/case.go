package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

// caseCmd is `onegrid case`.
type caseCmd struct {
	Show  caseShowCmd  `cmd:"" help:"A case with its timeline, in the terminal."`
	Erase caseEraseCmd `cmd:"" help:"Erase a case's content for good; what is counted stays."`
}

// caseShowCmd is `onegrid case show`.
type caseShowCmd struct {
	Number string `arg:"" help:"The case's number."`
	JSON   bool   `name:"json" help:"Everything as one JSON object."`
}

// Help is shown under the command's flags.
func (caseShowCmd) Help() string {
	return `Shows state, owner, clocks with their explanation, and who did what when, oldest
first. The reporter stays masked: the command line opens no personal data.

Exit codes: 0 shown, 1 there is no such case.

Examples:
  onegrid case show 20261123-7K3QX9A-C --dir /var/lib/onegrid
  LANG=zh_CN.UTF-8 onegrid case show 20261123-7K3QX9A-C`
}

func (c *caseShowCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	var page *casework.Page
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, app.Operator())
		if err != nil {
			return err
		}
		page, err = a.Cases.ByNumber(tx, by, strings.TrimSpace(c.Number))
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(page)
	}
	printCase(s, page, a.Zone, languageOf(os.Getenv))
	return nil
}

func printCase(s streams, page *casework.Page, zone *time.Location, l words.Language) {
	v := page.Case
	say := func(zh, en string) string { return words.Text{Chinese: zh, English: en}.In(l) }
	when := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05") }
	fmt.Fprintf(s.out, "%s  %s\n", v.Number, v.Title)
	fmt.Fprintf(s.out, "%s: %s · %s: %s\n", say("事项", "item"), v.ItemName.In(l), say("状态", "state"), v.StateName.In(l))
	fmt.Fprintf(s.out, "%s: %s · %s: %s %s\n", say("责任岗位", "owner"), v.PostName.In(l), say("地点", "place"), v.Place.GridName, v.Place.Words)
	if page.Reporter != nil {
		fmt.Fprintf(s.out, "%s: %s %s\n", say("上报人", "reporter"), page.Reporter.Name, page.Reporter.Phone)
	}
	for _, clock := range page.Clocks {
		if clock.Explains != nil {
			fmt.Fprintf(s.out, "%s %s: %s\n", say("计时", "clock"), clock.Kind, clock.Explains.Sentence.In(l))
		}
	}
	fmt.Fprintln(s.out)
	for _, e := range page.Timeline {
		fmt.Fprintf(s.out, "%6d  %s  %s\n", e.Number, when(e.OccurredAt), e.Words.In(l))
		for _, text := range []string{e.Note, e.ResidentText} {
			if text != "" {
				fmt.Fprintf(s.out, "        │ %s\n", text)
			}
		}
	}
}

// caseEraseCmd is `onegrid case erase`.
type caseEraseCmd struct {
	Number string `arg:"" help:"The case's number."`
	Why    string `required:"" placeholder:"TEXT" help:"The request or rule that demands it; it is journaled."`
}

// Help is shown under the command's flags.
func (caseEraseCmd) Help() string {
	return `Erases words, reporter, place in words, remarks and photos of a case and its
tasks, from the tables, the search, the files and the journal's bodies. State,
times, item and node stay, so that figures and the journal still add up. The
erasure is noted in DIR/erasures.jsonl: keep a copy outside, a restore applies it
again. It can't be undone.

Exit codes: 0 erased, 1 there is no such case, or it failed.

Example:
  onegrid case erase 20261123-7K3QX9A-C --why "request of 2026-12-01, art. 47"`
}

func (c *caseEraseCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	var by *access.Actor
	var page *casework.Page
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		if by, err = a.Access.Operator(tx, app.Operator()); err != nil {
			return err
		}
		page, err = a.Cases.ByNumber(tx, by, strings.TrimSpace(c.Number))
		return err
	})
	if err != nil {
		return err
	}
	n, err := a.Cases.Erase(ctx, a.DB, a.Erasures(), by, page.Case.ID, c.Why)
	if err != nil {
		return err
	}
	// Files leave through a job; do it now, nobody else may be running.
	if err := a.Work(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d entries erased\n", n)
	return nil
}
