// Command onegrid is the whole of OneGrid: the server, the demo, importers and
// the tools of operators and auditors, in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"onegrid/internal/app"
	"onegrid/internal/kit/fault"
)

// version is set when the program is built.
var version = "dev"

// cli is every command. Each has its own help with examples and exit codes.
type cli struct {
	Dir string            `help:"Data folder." default:"./onegrid-data" placeholder:"DIR" env:"ONEGRID_DIR"`
	Set map[string]string `help:"A setting for this run, for example --set log-level=debug; onegrid config lists all." placeholder:"NAME=VALUE"`

	Serve     serveCmd     `cmd:"" help:"Run the server on a data folder."`
	Init      initCmd      `cmd:"" help:"Make a data folder and print three one-time links for the administrators."`
	Demo      demoCmd      `cmd:"" help:"Run a made-up district with real requests, on this machine only."`
	DemoFill  demoFillCmd  `cmd:"" hidden:"" help:"Make a demo with very many cases, to measure on."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the tables of a data folder up to this program."`
	Backup    backupCmd    `cmd:"" help:"Write everything into one file while the server runs."`
	Restore   restoreCmd   `cmd:"" help:"Make a data folder from a backup."`
	Config    configCmd    `cmd:"" help:"Show every setting, its meaning and where its value came from."`
	Import    importCmd    `cmd:"" help:"Read divisions, units, posts, people, grids, items or cases from a file."`
	Export    exportCmd    `cmd:"" help:"Write units, posts or people as a spreadsheet, CSV or JSON."`
	Case      caseCmd      `cmd:"" help:"Look at one case."`
	Person    personCmd    `cmd:"" help:"What is kept about one person: export it, erase it."`
	Retention retentionCmd `cmd:"" help:"End data whose term is over."`
	Journal   journalCmd   `cmd:"" help:"Verify the journal."`
	Diagnose  diagnoseCmd  `cmd:"" help:"Write what somebody who helps needs to know; nothing about anybody is in it."`
	Figures   figuresCmd   `cmd:"" help:"Recompute the figures from the journal."`
	Worktime  worktimeCmd  `cmd:"" help:"Questions about working time; needs no data folder."`
	Grid      gridCmd      `cmd:"" help:"Find the grid of positions in a file of grids; needs no data folder."`
	API       apiCmd       `cmd:"" name:"api" help:"Print the OpenAPI document or the texts of all rooms."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// settings are what every command knows: the data folder and its settings.
type settings struct {
	dir string
	set map[string]string
}

// load reads the settings of the data folder.
func (s settings) load() (app.Config, error) {
	return app.LoadConfig(s.dir, s.set, os.Environ())
}

// open opens the data folder for a command; the caller closes it.
func (s settings) open(ctx context.Context, std streams) (*app.App, error) {
	config, err := s.load()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, config, app.Ports{Log: newLog(config, std), Version: version})
}

type versionCmd struct{}

func (versionCmd) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, version)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run is main without the process around it: it gives the exit code.
func run(ctx context.Context, args []string, s streams) int {
	var c cli
	ended := -1
	parser, err := kong.New(&c,
		kong.Name("onegrid"),
		kong.Description("OneGrid (一张网): grid-based community governance. Exit codes: 0 done, 1 failed, 2 the input or the command line is wrong, 3 some rows were refused."),
		kong.UsageOnError(),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { ended = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(s),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(s.err, "onegrid:", err)
		return 1
	}
	if len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if ended >= 0 {
		return ended
	}
	if err != nil {
		fmt.Fprintln(s.err, "onegrid:", err)
		return 2
	}
	err = parsed.Run(settings{c.Dir, c.Set})
	if err == nil {
		return 0
	}
	if text := explain(err); text != "" {
		fmt.Fprintln(s.err, "onegrid:", text)
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	if fault.Of(err).Kind == fault.Invalid {
		return 2
	}
	return 1
}

// explain says an error to the person at the terminal, in the language of the
// terminal, with the code small at the end. The cause is told too: who may run
// the program on its host may see it.
func explain(err error) string {
	f := fault.Of(err)
	if f.Kind == fault.Internal && f.Code == "internal" {
		return err.Error()
	}
	catalogue, werr := app.Words()
	if werr != nil {
		return err.Error()
	}
	text := catalogue.Say(languageOf(os.Getenv), f.Code, f.Args)
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return fmt.Sprintf("%s (%s)", text, f.Code)
}
