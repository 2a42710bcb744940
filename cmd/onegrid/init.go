package main

import (
	"context"
	"fmt"

	"onegrid/internal/app"
)

// initCmd is `onegrid init`.
type initCmd struct {
	Name   string `default:"本区" help:"Name of the district, in Chinese."`
	NameEn string `default:"The district" help:"Name of the district, in English."`
}

// Help is shown under the command's flags.
func (initCmd) Help() string {
	return `Makes the tables and the keys and loads the defaults (items, roles, calendars,
holidays). Prints three one-time links, valid for 72 hours: for the system, the
security and the audit administrator. They exclude each other, so hand them to
three people. There is no default password. A folder that is in use is refused.

The keys stand in DIR/keys, outside the database and outside backups: keep a copy
of them elsewhere.

Examples:
  onegrid init --dir /var/lib/onegrid --name 起步区 --name-en "Start-up area"`
}

func (c *initCmd) Run(ctx context.Context, set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	links, err := app.Init(ctx, config, c.Name, c.NameEn)
	if err != nil {
		return err
	}
	for _, link := range links {
		fmt.Fprintf(s.out, "%-16s %s\n", link.Role, link.URL)
	}
	return nil
}

// migrateCmd is `onegrid migrate`.
type migrateCmd struct{}

// Help is shown under the command's flags.
func (migrateCmd) Help() string {
	return `serve does the same at its start; this does it beforehand, with the server
stopped. Data written by a newer program is refused and left as it is.

Example:
  onegrid migrate --dir /var/lib/onegrid`
}

func (c *migrateCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Fprintln(s.out, "the tables are those of version", version)
	return nil
}
