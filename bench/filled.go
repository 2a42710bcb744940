package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// largeOptions are those of what is measured on filled districts.
type largeOptions struct {
	folder string        // where filled districts are kept; empty: a temporary folder
	sizes  string        // numbers of cases, comma separated
	soak   time.Duration // how long the soak is
}

func (l *largeOptions) flags(f *flag.FlagSet) {
	f.StringVar(&l.folder, "data", "", "folder in which filled districts are kept and found again (ENGINE-CASES); empty: none is kept")
	f.StringVar(&l.sizes, "cases", "", "numbers of cases, comma separated; ENGINE:N for one engine only; empty: the scenario's own")
	f.DurationVar(&l.soak, "soak", 2*time.Minute, "how long the soak is, at most 12h")
}

// casesOr gives the numbers of cases for an engine.
func (l largeOptions) casesOr(engine, usual string) ([]int, error) {
	if l.sizes != "" {
		usual = l.sizes
	}
	var out []int
	for one := range strings.SplitSeq(usual, ",") {
		number := one
		if e, n, is := strings.Cut(one, ":"); is {
			if number = n; e != engine {
				continue
			}
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > 0 && n < 1000 || n > 20_000_000 {
			return nil, fmt.Errorf("no number of cases %q: 0, or 1,000 to 20,000,000", one)
		}
		out = append(out, n)
	}
	return out, nil
}

// site is a district on one engine with so many cases.
type site struct {
	engine   string
	cases    int
	dir      string // of everything
	data     string // the program's folder
	database string
	server   int // the process of PostgreSQL
	kept     bool
	filled   time.Duration // 0: it was there
	ends     []func()
}

// openSite takes up a district of the folder, or fills one.
func (o options) openSite(ctx context.Context, engine string, cases int) (s *site, err error) {
	s = &site{engine: engine, cases: cases, kept: o.large.folder != ""}
	if s.kept {
		s.dir = filepath.Join(o.large.folder, fmt.Sprintf("%s-%d", engine, cases))
		err = os.MkdirAll(s.dir, 0o755)
	} else {
		s.dir, err = os.MkdirTemp("", "onegrid-bench-")
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.data = filepath.Join(s.dir, "data")
	if engine == "postgres" {
		dsn, pid, stop, err := startPostgres(ctx, s.dir)
		if err != nil {
			return nil, err
		}
		s.database, s.server, s.ends = dsn, pid, append(s.ends, stop)
	}
	_, err = os.Stat(filepath.Join(s.data, "demo.json"))
	if err == nil || cases == 0 {
		return s, nil // an empty district is made by the first start
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	began := time.Now()
	if err := s.command(ctx, o, os.Stderr, "demo-fill", "--cases", strconv.Itoa(cases)); err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	s.filled = time.Since(began)
	return s, nil
}

// command runs one of the program's commands on the district.
func (s *site) command(ctx context.Context, o options, out *os.File, args ...string) error {
	cmd := exec.CommandContext(ctx, o.program, append(args, "--dir", s.data)...)
	cmd.Env = append(os.Environ(), "ONEGRID_LOG_LEVEL=warn")
	if s.database != "" {
		cmd.Env = append(cmd.Env, "ONEGRID_DATABASE="+s.database)
	}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

// start runs the program on the district.
func (s *site) start(ctx context.Context, o options) (*process, error) {
	return startProgram(ctx, o.program, s.dir, s.database)
}

func (s *site) close() {
	for _, end := range s.ends {
		end()
	}
	if !s.kept {
		_ = os.RemoveAll(s.dir)
	}
}

// bytes is how much the database takes on the disk.
func (s *site) bytes() (n int64) {
	root := filepath.Join(s.data, "onegrid.db")
	if s.engine == "postgres" {
		root = filepath.Join(s.dir, "cluster", "base")
	}
	_ = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
