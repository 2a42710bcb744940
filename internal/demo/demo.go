// Package demo makes the demo district and its life: real streets and villages,
// made-up platforms, grids and people, and 5,000 real service requests, moved
// onto the area and replayed. It uses the installation through the same service
// methods as everybody else.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// ErrNotDemo says that a folder holds something else than a demo.
var ErrNotDemo = fault.New(fault.Conflict, "demo.not_demo")

// Options say how the demo is to run.
type Options struct {
	Log      *slog.Logger
	Version  string
	Speed    float64 // how many times faster requests come in than in reality
	Requests int     // how many lie in the past at the start; negative: a working stock; 0: none, and none come in
	Ready    func(url string)
	Progress func(text string)
	Now      func() time.Time // the clock it goes by; time.Now by default
}

// stock is how many requests lie in the past when a demo starts: several days.
const stock = 1000

// marker is the file that tells a demo from other data.
const marker = "demo.json"

// state is what the marker holds.
type state struct {
	Told    int     `json:"told"`              // how many requests of the sample have come in
	Rosters []id.ID `json:"rosters,omitempty"` // planned on whenever the demo is started
}

// Run makes the demo where it is not there yet, and serves it until ctx ends.
func Run(ctx context.Context, c app.Config, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	known, err := readMarker(c.Dir)
	if err != nil {
		return err
	}
	clock := &Clock{real: o.Now}
	a, err := app.Open(ctx, c, app.Ports{Now: clock.Now, Log: o.Log, Version: o.Version, Demo: true, Create: true})
	if err != nil {
		return err
	}
	defer a.Close()
	var life *Life
	var from time.Time
	if known == nil {
		if life, from, err = begin(ctx, a, clock, c, o); err != nil {
			return err
		}
	} else if life, from, err = resume(ctx, a, clock, *known, o); err != nil {
		return err
	}
	clock.Go()
	work, stop := context.WithCancel(ctx)
	defer stop()
	lived := make(chan struct{})
	go func() {
		defer close(lived)
		if o.Requests != 0 {
			life.Present(work, from)
		}
	}()
	err = a.Serve(work, o.Ready)
	stop()
	<-lived
	return err
}

// begin makes the district and tells the past.
func begin(ctx context.Context, a *app.App, clock *Clock, c app.Config, o Options) (*Life, time.Time, error) {
	requests, err := Requests()
	if err != nil {
		return nil, time.Time{}, err
	}
	told := o.Requests
	if told < 0 {
		told = stock
	}
	told = min(told, len(requests)-1)
	requests, from := shift(requests, told, time.Now())
	// People were appointed before the first request came in.
	clock.Set(requests[0].Opened.Add(-24 * time.Hour))
	o.Progress("making the demo district")
	if err := LoadDistrict(ctx, a); err != nil {
		return nil, from, err
	}
	rosters, err := LoadDuty(ctx, a, time.Now())
	if err != nil {
		return nil, from, err
	}
	life := NewLife(a, clock, requests, o.Speed, o.Log)
	if o.Requests != 0 {
		o.Progress(fmt.Sprintf("telling the past: %d requests", told))
		if err := life.Past(ctx, from); err != nil {
			return nil, from, err
		}
	}
	if _, err := a.Figures.Fold(ctx); err != nil {
		return nil, from, err
	}
	return life, from, writeMarker(c.Dir, state{Told: told, Rosters: rosters})
}

// resume goes on with the rest of the sample after a restart. The cases that
// were under way are left to the visitors.
func resume(ctx context.Context, a *app.App, clock *Clock, s state, o Options) (*Life, time.Time, error) {
	requests, err := Requests()
	if err != nil {
		return nil, time.Time{}, err
	}
	told := min(s.Told, len(requests)-1)
	requests, from := shift(requests, told, time.Now())
	if err := planOn(ctx, a, s.Rosters, time.Now()); err != nil {
		return nil, from, err
	}
	life := NewLife(a, clock, requests[told:], o.Speed, o.Log)
	return life, from, nil
}

// shift moves all times by whole weeks and the rest of a day, so that request
// number told is the next one after now, and a working day stays one where that
// is possible.
func shift(requests []Request, told int, now time.Time) ([]Request, time.Time) {
	by := now.Sub(requests[told].Opened)
	out := make([]Request, len(requests))
	for i, q := range requests {
		q.Opened = q.Opened.Add(by)
		if !q.Due.IsZero() {
			q.Due = q.Due.Add(by)
		}
		if !q.Closed.IsZero() {
			q.Closed = q.Closed.Add(by)
		}
		out[i] = q
	}
	return out, now
}

func readMarker(dir string) (*state, error) {
	raw, err := os.ReadFile(filepath.Join(dir, marker))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return nil, ErrNotDemo.With("dir", dir)
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, ErrNotDemo.With("dir", dir).Because(err)
	}
	return &s, nil
}

func writeMarker(dir string, s state) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return disk.Write(filepath.Join(dir, marker), raw, 0o600)
}
