package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"onegrid/internal/app"
	"onegrid/internal/kit/fault"
)

// errDiagnosisExists says that a file is there that a diagnosis would overwrite.
var errDiagnosisExists = fault.New(fault.Conflict, "diagnose.exists")

// diagnoseCmd is `onegrid diagnose`.
type diagnoseCmd struct {
	File string `arg:"" help:"File to write (ZIP); one that is there already is not overwritten."`
}

// Help is shown under the command's flags.
func (diagnoseCmd) Help() string {
	return `Writes what somebody who helps needs to know: the program and its machine, the
settings as far as they are numbers and choices, the figures, goroutines, memory
and last log lines of the running server, the versions and sizes of the tables,
and how the database runs the statements that took long.

Nothing about anybody is in it: no row, no word, no name, no address, no secret.
It changes nothing. Run it as the server's user while the server runs; without
one, what only the server knows is left out and named.

Exit codes: 0 written, 1 failed.

Examples:
  onegrid diagnose --dir /var/lib/onegrid /tmp/onegrid-diagnosis.zip`
}

func (c *diagnoseCmd) Run(ctx context.Context, set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errDiagnosisExists.With("file", c.File)
	}
	if err != nil {
		return err
	}
	d, err := app.Diagnose(ctx, config, version, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	for _, name := range d.Files {
		if _, missing := d.Missing[name]; !missing {
			fmt.Fprintln(s.out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Missing)) {
		fmt.Fprintf(s.out, "%s is missing: %s\n", name, d.Missing[name])
	}
	return nil
}
