package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"onegrid/internal/app"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/sheet"
)

// exportCmd is `onegrid export`.
type exportCmd struct {
	Table  string `arg:"" help:"What to write: units, posts or people." enum:"units,posts,people"`
	File   string `arg:"" help:"Where to; - writes to standard output."`
	Format string `help:"xlsx, csv or json; by the file's name when absent." enum:"xlsx,csv,json," default:""`
}

// Help is shown under the command's flags.
func (exportCmd) Help() string {
	return `What is written can be imported elsewhere: onegrid import units, posts, people, in
this order. The file holds names of staff: only you may read it. Text that looks
like a formula stays text, in CSV by an apostrophe before it.

Exit codes: 0 written, 1 failed, 2 the format is unknown.

Examples:
  onegrid export people people.xlsx --dir /var/lib/onegrid
  onegrid export units - --format csv`
}

func (c *exportCmd) Run(ctx context.Context, set settings, s streams) (err error) {
	format := sheet.Format(c.Format)
	if format == "" {
		format = sheet.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(c.File)), "."))
	}
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var columns []string
	var rows [][]sheet.Cell
	err = a.DB.Read(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, app.Operator())
		if err != nil {
			return err
		}
		columns, rows, err = a.Org.Export(tx, by, c.Table)
		return err
	})
	if err != nil {
		return err
	}
	if c.File == "-" {
		return writeTable(s.out, format, c.Table, columns, rows)
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	if err := errors.Join(writeTable(buffered, format, c.Table, columns, rows), buffered.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	_, err = fmt.Fprintf(s.err, "%d rows in %s\n", len(rows), c.File)
	return err
}

func writeTable(w io.Writer, format sheet.Format, name string, columns []string, rows [][]sheet.Cell) error {
	out, err := sheet.NewOut(format, w, name, columns)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := out.Write(row); err != nil {
			return err
		}
	}
	return out.Close()
}
