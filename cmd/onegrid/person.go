package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// personCmd is `onegrid person`.
type personCmd struct {
	Export personExportCmd `cmd:"" help:"What is kept about the author of a report."`
	Erase  personEraseCmd  `cmd:"" help:"Erase the author of a report, decided by two people."`
}

// whose says which person is meant.
type whose struct {
	Case  string `placeholder:"NUMBER" help:"A report of the person." xor:"whose" required:""`
	Phone string `placeholder:"PHONE" help:"The phone that was left with the reports." xor:"whose" required:""`
}

// reports finds the person's reports.
func (p whose) reports(a *app.App, tx *db.Tx) ([]registry.Subject, error) {
	if p.Phone != "" {
		return a.Cases.ReportsByPhone(tx, p.Phone)
	}
	one, err := a.Cases.SubjectByNumber(tx, strings.TrimSpace(p.Case))
	if err != nil {
		return nil, err
	}
	return a.Cases.SamePerson(tx, one.ID)
}

// personExportCmd is `onegrid person export`.
type personExportCmd struct {
	whose
	Purpose string `placeholder:"KEY" help:"Open name, phone and answers for this purpose; without it they stay masked."`
	Why     string `placeholder:"TEXT" help:"Why they are opened; it is journaled and the person can see it."`
}

// Help is shown under the command's flags.
func (personExportCmd) Help() string {
	return `Prints everything that is kept about one person as JSON: the reports left with the
same phone, who opened their data for what, consents and requests. Name, phone and
personal answers are masked unless a purpose is stated; then the journal notes
operator, host, purpose and reason before anything is printed.

Exit codes: 0 printed, 1 nobody found or refused, 2 the command line is wrong.

Examples:
  onegrid person export --case 20261123-7K3QX9A-C
  onegrid person export --phone 13800000000 --purpose answer_request --why "request of 2026-12-01"`
}

func (c *personExportCmd) Run(ctx context.Context, set settings, s streams) error {
	if (c.Purpose == "") != (c.Why == "") {
		return registry.ErrPurpose
	}
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	var out []*casework.Kept
	work := func(tx *db.Tx) error {
		out = nil
		by, err := a.Access.Operator(tx, app.Operator())
		if err != nil {
			return err
		}
		found, err := c.reports(a, tx)
		if err != nil {
			return err
		}
		for _, one := range found {
			k, err := a.Cases.ExportFor(tx, by, one.ID, c.Purpose, c.Why)
			if err != nil {
				return err
			}
			out = append(out, k)
		}
		return nil
	}
	if c.Purpose == "" {
		err = a.DB.Read(ctx, work)
	} else {
		err = a.DB.Write(ctx, work)
	}
	if err != nil {
		return err
	}
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// personEraseCmd is `onegrid person erase`.
type personEraseCmd struct {
	whose
	Why    string   `placeholder:"TEXT" help:"The request or rule that demands it; nobody's name." required:""`
	By     []string `placeholder:"ACCOUNT" help:"Sign-in names of the two people who decided: --by one --by two."`
	DryRun bool     `help:"Only say what would go and what must stay."`
}

// Help is shown under the command's flags.
func (personEraseCmd) Help() string {
	return `Erases the content of all reports left with the same phone: words, reporter,
photos, remarks, search and the bodies of the journal. What must stay by law is
named and stays. Two people decide; their accounts must exist, may be used and
belong to different persons, and stand in the journal beside the operator. It can't
be undone and is noted in DIR/erasures.jsonl: keep a copy outside, a restore applies
it again.

Exit codes: 0 erased, 1 nobody found, refused or failed, 2 the command line is wrong.

Examples:
  onegrid person erase --case 20261123-7K3QX9A-C --why "art. 47" --dry-run
  onegrid person erase --case 20261123-7K3QX9A-C --why "art. 47" --by zhang.officer --by li.leader`
}

func (c *personEraseCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	var goes []registry.Subject
	var stays []registry.Stays
	var erasure registry.Erasure
	var by *access.Actor
	plan := func(tx *db.Tx) error {
		if by, err = a.Access.Operator(tx, app.Operator()); err != nil {
			return err
		}
		found, err := c.reports(a, tx)
		if err != nil {
			return err
		}
		if goes, stays, err = a.Registry.Plan(tx, found[0].ID); err != nil || c.DryRun {
			return err
		}
		first, second, err := c.deciders(a, tx)
		if err != nil {
			return err
		}
		erasure, err = a.Registry.EraseNow(tx, by, first, second, found[0].Number, c.Why)
		return err
	}
	if c.DryRun {
		err = a.DB.Read(ctx, plan)
	} else {
		err = a.DB.Write(ctx, plan)
	}
	if err != nil {
		return err
	}
	l := languageOf(os.Getenv)
	for _, one := range goes {
		fmt.Fprintf(s.out, "%s  %s  %s\n", words.Text{Chinese: "删除", English: "goes "}.In(l), one.Number, one.ItemName.In(l))
	}
	for _, one := range stays {
		fmt.Fprintf(s.out, "%s  %s  %s\n", words.Text{Chinese: "保存", English: "stays"}.In(l), one.Number, one.Why.In(l))
	}
	if c.DryRun {
		return nil
	}
	// The erasure and the bytes of files are jobs; nobody else may be running.
	if err := a.Work(ctx); err != nil {
		return err
	}
	if err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		erasure, err = a.Registry.ErasureByID(tx, erasure.ID)
		return err
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, words.Text{Chinese: "%s：%d 条日志内容已删除\n", English: "%s: the content of %d entries erased\n"}.In(l), erasure.State, erasure.Bodies)
	return err
}

// deciders finds the two people who decided, as they may act now.
func (c *personEraseCmd) deciders(a *app.App, tx *db.Tx) (first, second *access.Actor, err error) {
	if len(c.By) != 2 {
		return nil, nil, registry.ErrTwo
	}
	var both [2]*access.Actor
	for i, name := range c.By {
		account, err := a.Access.AccountNamed(tx, name)
		if err != nil {
			return nil, nil, err
		}
		if both[i], err = a.Access.Actor(tx, account.Person, id.ID{}); err != nil {
			return nil, nil, err
		}
	}
	return both[0], both[1], nil
}
