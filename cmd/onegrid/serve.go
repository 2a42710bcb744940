package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/lmittmann/tint"

	"onegrid/internal/app"
	"onegrid/internal/demo"
	"onegrid/internal/kit/fault"
)

// errNotLoopback says that the demo may only listen on this machine: it has no
// passwords.
var errNotLoopback = fault.New(fault.Invalid, "demo.not_loopback")

// serveCmd is `onegrid serve`.
type serveCmd struct{}

// Help is shown under the command's flags.
func (serveCmd) Help() string {
	return `Needs a data folder made by "onegrid init". Prints "ready http://…" when it
answers. SIGTERM and Ctrl-C stop it gracefully: what was acknowledged is
finished, what was not is refused.

Exit codes: 0 stopped on request, 1 failed, 2 a setting is wrong.

Examples:
  onegrid serve --dir /var/lib/onegrid
  onegrid serve --dir /var/lib/onegrid --set addr=0.0.0.0:8443 --set tls-cert=c.pem --set tls-key=k.pem`
}

func (c *serveCmd) Run(ctx context.Context, set settings, s streams) error {
	a, err := set.open(ctx, s)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Serve(ctx, func(url string) { fmt.Fprintln(s.out, "ready", url) })
}

// demoCmd is `onegrid demo`.
type demoCmd struct {
	Addr     string  `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Loopback address and port to listen on; port 0 takes a free one."`
	Speed    float64 `default:"60" help:"How many times faster than in 2015 the requests come in."`
	Requests int     `default:"-1" help:"How many of the sample's requests lie in the past when it starts; -1: a working stock, 0: none, and none come in."`
}

// Help is shown under the command's flags.
func (demoCmd) Help() string {
	return `Makes a district in the data folder on the first start (a folder that holds
anything else is refused): real streets and villages, made-up platforms, grids
and people. Its life comes from 5,000 real service requests with their real
times, types and spatial pattern. The demo has no passwords, so it listens on
this machine only.

Examples:
  onegrid demo
  onegrid demo --dir /tmp/demo --addr 127.0.0.1:9000 --speed 600`
}

func (c *demoCmd) Run(ctx context.Context, set settings, s streams) error {
	if !loopback(c.Addr) {
		return errNotLoopback.With("addr", c.Addr)
	}
	if c.Speed < 1 || c.Speed > 100_000 {
		return fault.New(fault.Invalid, "demo.bad_speed").With("speed", strconv.FormatFloat(c.Speed, 'g', -1, 64))
	}
	if set.set == nil {
		set.set = map[string]string{}
	}
	set.set["addr"] = c.Addr
	config, err := set.load()
	if err != nil {
		return err
	}
	return demo.Run(ctx, config, demo.Options{
		Log: newLog(config, s), Version: version, Speed: c.Speed, Requests: c.Requests,
		Ready:    func(url string) { fmt.Fprintln(s.out, "ready", url) },
		Progress: func(text string) { fmt.Fprintln(s.err, text) },
	})
}

// loopback says whether an address is on this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func newLog(c app.Config, s streams) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level}))
	}
	plain := true
	if f, ok := s.err.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			plain = false
		}
	}
	return slog.New(tint.NewTextHandler(s.err, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: plain}))
}
