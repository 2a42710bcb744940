// Package app puts the house together: it is the only place that knows all
// rooms. Read New from top to bottom: it is the whole story of what needs what.
package app

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/live"
	"onegrid/internal/kit/words"
	"onegrid/internal/work/figures"
)

// ErrNoFolder says that the data folder was not made by init.
var ErrNoFolder = fault.New(fault.Missing, "app.no_folder")

// Ports are what a test replaces.
type Ports struct {
	Now     func() time.Time // time.Now by default
	Log     *slog.Logger     // nothing is logged by default
	Version string
	// Demo offers sign-in without a password to accounts made for the demo. The
	// server command never sets it.
	Demo bool
	// Create makes tables and keys where there are none yet; otherwise a folder
	// without them is refused.
	Create bool
	// Cost of password hashes; tests take a cheap one.
	Cost access.Cost
}

// Module is what a room brings along. Unused fields stay empty.
type Module struct {
	Name   string
	Tables *db.Room
	Words  fs.FS // words.zh-CN.json and words.en.json
	Routes func(e *httpx.Edge)
	Chores []Chore
}

// Chore is what a room does again and again by itself. It must be harmless when
// two machines do it at the same time.
type Chore struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// App is one installation, running or being worked on by a command.
type App struct {
	Config    Config
	Log       *slog.Logger
	DB        *db.DB
	Journal   *journal.Journal
	Org       *org.Org
	Grids     *grid.Grids
	Calendars *calendar.Calendars
	Access    *access.Access
	Catalog   *catalog.Catalog
	Cases     *casework.Desk
	Figures   *figures.Figures
	Blobs     *blob.Store
	Files     *blob.Area // photos and papers of cases
	Edge      *httpx.Edge
	Words     *words.Catalogue
	Zone      *time.Location

	modules  []Module
	registry *prometheus.Registry
	runner   *jobs.Runner
	feed     *live.Hub
}

// Open opens a data folder and puts the rooms together.
func Open(ctx context.Context, c Config, p Ports) (a *App, err error) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, ErrConfig.With("name", "time-zone", "value", c.TimeZone).Because(err)
	}
	if err := prepare(c, p.Create); err != nil {
		return nil, err
	}
	a = &App{Config: c, Log: p.Log, Zone: zone, registry: prometheus.NewRegistry()}
	if a.Words, err = Words(); err != nil {
		return nil, err
	}

	// Below everything: the journal is the database's ledger.
	a.Journal = journal.New()
	a.Journal.OnNumbered(casework.Arrive, casework.ArriveKinds...)
	a.feed = live.New(feedSource{a}, live.Options{Now: p.Now, Log: p.Log})
	if a.DB, err = db.Open(ctx, db.Options{DSN: c.DSN(), Now: p.Now, Log: p.Log, Writers: c.Writers, Ledger: a.Journal, Sealed: func() { a.feed.Wake() }}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.Blobs, err = blob.Open(filepath.Join(c.Dir, "files"), blob.Options{Now: p.Now}); err != nil {
		return nil, err
	}
	box, err := openKeys(c, p.Create)
	if err != nil {
		return nil, err
	}

	// Core, from the bottom up.
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		return nil, err
	}
	roles, err := access.LoadRoleBook(data.FS)
	if err != nil {
		return nil, err
	}
	known, err := knownKeys(roles)
	if err != nil {
		return nil, err
	}
	a.Org = org.New(rules)
	a.Grids = grid.New(a.Org)
	a.Calendars = calendar.NewCalendars()
	a.Access, err = access.New(access.Options{Org: a.Org, Roles: roles, Sealer: factorSeal{box}, Places: a.Grids, Cost: p.Cost,
		Idle: c.SessionIdle, Limit: c.SessionMax, Demo: p.Demo})
	if err != nil {
		return nil, err
	}
	a.Org.Guarded(a.Access)
	a.Catalog = catalog.New(known)
	if a.Files, err = a.Blobs.Area("cases", 0); err != nil {
		return nil, err
	}
	strange, err := a.Blobs.Area("quarantine", int64(c.QuarantineMB)<<20)
	if err != nil {
		return nil, err
	}
	a.Cases, err = casework.New(casework.Options{Org: a.Org, Grids: a.Grids, Calendars: a.Calendars, Catalog: a.Catalog,
		Access: a.Access, Seal: box, Files: a.Files, Quarantine: strange,
		Pictures: blob.NewPictures(blob.PictureOptions{Zone: zone}), Zone: zone, Log: p.Log})
	if err != nil {
		return nil, err
	}

	// Work.
	a.Figures = figures.New(a.DB, zone)

	a.runner = jobs.NewRunner(a.DB, jobs.Options{Log: p.Log})
	a.modules = []Module{
		{Name: "journal", Tables: new(journal.Room())},
		{Name: "httpx", Tables: new(httpx.Room()), Chores: []Chore{
			{"forget receipts", time.Hour, func(ctx context.Context) error { _, err := httpx.SweepReceipts(ctx, a.DB); return err }},
		}},
		{Name: "jobs", Tables: new(jobs.Room())},
		{Name: "org", Tables: new(org.Room()), Routes: a.Org.Routes},
		{Name: "grid", Tables: new(grid.Room()), Routes: a.Grids.Routes},
		{Name: "calendar", Tables: new(calendar.Tables()), Routes: a.Calendars.Routes},
		{Name: "access", Tables: new(access.Room()), Routes: a.Access.Routes, Chores: []Chore{
			{"sweep sessions", time.Minute, func(ctx context.Context) error { return a.Access.Sweep(ctx, a.DB) }},
		}},
		{Name: "catalog", Tables: new(catalog.Room()), Routes: a.Catalog.Routes},
		{Name: "casework", Tables: new(casework.Room()), Routes: a.Cases.Routes, Chores: []Chore{
			{"sweep deadlines", c.SweepEvery, func(ctx context.Context) error { _, err := a.Cases.Sweep(ctx, a.DB); return err }},
		}},
		{Name: "figures", Tables: new(figures.Room()), Routes: func(e *httpx.Edge) { a.Figures.Routes(e, a.Org, a.Grids) }, Chores: []Chore{
			{"fold", c.FiguresEvery, func(ctx context.Context) error { _, err := a.Figures.Fold(ctx); return err }},
		}},
		{Name: "feed", Routes: a.feedRoutes},
	}
	if err := a.migrate(ctx); err != nil {
		return nil, err
	}
	return a, a.mount(p)
}

// migrate brings the tables of all rooms up to this program.
func (a *App) migrate(ctx context.Context) error {
	var rooms []db.Room
	for _, m := range a.modules {
		if m.Tables != nil {
			rooms = append(rooms, *m.Tables)
		}
	}
	return a.DB.Migrate(ctx, rooms)
}
