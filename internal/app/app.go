// Package app puts the house together: it is the only place that knows all
// rooms. Read New from top to bottom: it is the whole story of what needs what.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/device"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/notice"
	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/core/registry"
	"onegrid/internal/doors/portal"
	"onegrid/internal/kit/archive"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/face"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/live"
	"onegrid/internal/kit/metrics"
	"onegrid/internal/kit/seal"
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
	// Beat is how often a live stream says where it stands; the hub's own by
	// default. Tests wait for it instead of waiting for nothing to happen.
	Beat time.Duration
	// MailTrust is what a test's mail server is known by; the machine's trust by
	// default.
	MailTrust *tls.Config
}

// Module is what a room brings along. Unused fields stay empty.
type Module struct {
	Name   string
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
	Duty      *duty.Duty
	Places    *place.Places
	Access    *access.Access
	Catalog   *catalog.Catalog
	Registry  *registry.Registry
	Cases     *casework.Desk
	Notices   *notice.Notices
	Devices   *device.Devices
	Figures   *figures.Figures
	Blobs     *blob.Store
	Files     *blob.Area // photos and papers of cases
	Edge      *httpx.Edge
	Words     *words.Catalogue
	Zone      *time.Location

	modules []Module
	metrics *metrics.Registry
	runner  *jobs.Runner
	sms     *notice.SMSC // nil: no text messages
	feed    *live.Hub
	tail    *tail
	tracer  trace.Tracer                // nil: no spans
	traced  func(context.Context) error // sends the last of them
	watch   *watch
	archive *archive.Archive // nil: none is written
	// quarantine holds photos of strangers until somebody looked at them.
	quarantine *blob.Area
}

// Open opens a data folder and puts the rooms together.
func Open(ctx context.Context, c Config, p Ports) (a *App, err error) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	last := &tail{}
	p.Log = slog.New(tailed{Handler: p.Log.Handler(), tail: last})
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, ErrConfig.With("name", "time-zone", "value", c.TimeZone).Because(err)
	}
	if err := prepare(c, p.Create); err != nil {
		return nil, err
	}
	a = &App{Config: c, Log: p.Log, Zone: zone, tail: last}
	if a.Words, err = Words(); err != nil {
		return nil, err
	}

	if a.metrics, err = metrics.New(p.Version, p.Log); err != nil {
		return nil, err
	}

	tracer, stop, err := c.traces(ctx, p.Version, p.Log)
	if err != nil {
		return nil, err
	}
	a.tracer, a.traced = tracer, stop
	// Below everything: the journal is the database's ledger.
	a.Journal = journal.New()
	a.Journal.OnNumbered(casework.Arrive, casework.ArriveKinds...)
	a.feed = live.New(feedSource{a}, live.Options{Now: p.Now, Log: p.Log, Beat: p.Beat})
	if a.DB, err = db.Open(ctx, db.Options{DSN: c.DSN(), Now: p.Now, Log: p.Log, Writers: c.Writers, Exists: !p.Create, Ledger: a.Journal, Tracer: tracer, Sealed: func() { a.feed.Wake() }}); err != nil {
		return nil, err
	}
	defer func(a *App) { // the result is nil by then
		if err != nil {
			a.Close()
		}
	}(a)
	if a.Blobs, err = OpenFiles(ctx, c, blob.Options{Now: p.Now}); err != nil {
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
	a.Duty = duty.New(a.Org, a.Calendars)
	kinds, err := place.LoadKinds(data.FS)
	if err != nil {
		return nil, err
	}
	a.Places = place.New(place.Options{Org: a.Org, Grids: a.Grids, Calendars: a.Calendars, Kinds: kinds})
	providers, err := c.identityProviders()
	if err != nil {
		return nil, err
	}
	a.Access, err = access.New(access.Options{Org: a.Org, Roles: roles, Sealer: seal.AEAD{Box: box}, Places: a.Grids, Cost: p.Cost,
		Idle: c.SessionIdle, Limit: c.SessionMax, Demo: p.Demo, Site: c.PublicURL, PasskeyDomain: c.PasskeyDomain, Providers: providers, Zone: zone})
	if err != nil {
		return nil, err
	}
	a.Org.Guarded(a.Access)
	a.Org.Over(a.Grids)
	a.Catalog = catalog.New(known)
	a.Registry, err = registry.New(registry.Options{Org: a.Org, Seal: box, Files: data.FS, Declared: Personal(), Forms: a.formFields})
	if err != nil {
		return nil, err
	}
	if a.Files, err = a.Blobs.Area(caseFiles, 0); err != nil {
		return nil, err
	}
	if a.quarantine, err = a.Blobs.Area(quarantineFiles, int64(c.QuarantineMB)<<20); err != nil {
		return nil, err
	}
	cascade, err := data.FS.ReadFile("faces/facefinder")
	if err != nil {
		return nil, err
	}
	faces, err := face.New(cascade)
	if err != nil {
		return nil, err
	}
	a.Cases, err = casework.New(casework.Options{Org: a.Org, Grids: a.Grids, Places: a.Places, Calendars: a.Calendars, Catalog: a.Catalog,
		Access: a.Access, Registry: a.Registry, Seal: box, Files: a.Files, Quarantine: a.quarantine,
		Pictures: blob.NewPictures(blob.PictureOptions{Zone: zone, Memory: c.pictureMemory()}), Faces: faces, Zone: zone, Log: p.Log})
	if err != nil {
		return nil, err
	}

	a.Grids.Recorded(a.Org)
	a.Org.Governing(a.Grids, a.Cases)
	a.runner = jobs.NewRunner(a.DB, jobs.Options{Log: p.Log})
	carry, err := newCarriers(c, p.MailTrust, p.Log)
	if err != nil {
		return nil, err
	}
	told := notice.Options{DB: a.DB, Duty: a.Duty, Grids: a.Grids, Org: a.Org, Files: data.FS, Cases: cases{a.Cases}, Calendar: a.Calendars, Access: a.Access, Seal: box,
		Runner: a.runner, Zone: zone, Log: p.Log, URL: c.url(), Push: carry.push, Mail: carry.mail, PushHosts: c.pushHosts()}
	if carry.sms != nil {
		told.SMS, a.sms = carry.sms, carry.sms
	}
	if a.Notices, err = notice.New(told); err != nil {
		return nil, err
	}

	if a.Devices, err = device.New(a.Org, a.Grids, data.FS); err != nil {
		return nil, err
	}

	// Work.
	a.Figures, err = figures.New(figures.Options{DB: a.DB, Zone: zone, Org: a.Org, Grids: a.Grids, Catalog: a.Catalog, Cases: a.Cases,
		Open: figures.OpenOptions{On: c.OpenData == "on", Threshold: int64(c.OpenDataLeast), Licence: c.OpenDataLicence}})
	if err != nil {
		return nil, err
	}

	// Doors.
	public := portal.New(portal.Options{DB: a.DB, Cases: a.Cases, Places: a.Places, Catalog: a.Catalog, Org: a.Org, Quarantine: a.quarantine,
		Words: a.Words, Zone: zone, Now: p.Now, Demo: p.Demo, Texts: a.texts(), News: a.Notices, OpenData: c.OpenData == "on"})

	a.Cases.Jobs(a.runner, a.DB)
	a.Registry.Jobs(a.runner, a.DB)
	a.Registry.Join(people{a.Cases, a}, append(a.Cases.Steps(), a.retained()...),
		func(ctx context.Context) error { return a.Cases.ScrubSearch(ctx, a.DB) })
	a.watch = newWatch(a)
	a.modules = []Module{
		{Name: "httpx", Chores: []Chore{
			{"forget receipts", time.Hour, func(ctx context.Context) error { _, err := httpx.SweepReceipts(ctx, a.DB); return err }},
		}},
		{Name: "org", Routes: a.Org.Routes},
		{Name: "grid", Routes: a.Grids.Routes},
		{Name: "calendar", Routes: a.Calendars.Routes},
		{Name: "duty", Routes: a.Duty.Routes},
		{Name: "place", Routes: a.Places.Routes, Chores: []Chore{
			{"read the index of places", 10 * time.Second, func(ctx context.Context) error { return a.DB.Read(ctx, a.Places.Warm) }},
			{"settle places", time.Minute, func(ctx context.Context) error { _, err := a.Places.Settle(ctx, a.DB); return err }},
		}},
		{Name: "access", Routes: a.Access.Routes, Chores: []Chore{
			{"sweep sessions", time.Minute, func(ctx context.Context) error { return a.Access.Sweep(ctx, a.DB) }},
			{"write down what was used", time.Minute, func(ctx context.Context) error { return a.Access.WriteUse(ctx, a.DB) }},
			{"follow alarms", 10 * time.Second, func(ctx context.Context) error { _, err := a.Access.FollowAlarms(ctx, a.DB); return err }},
		}},
		{Name: "catalog", Routes: a.Catalog.Routes},
		{Name: "registry", Routes: a.Registry.Routes, Chores: []Chore{
			{"end what is over", 24 * time.Hour, func(ctx context.Context) error {
				_, err := a.Retain(ctx, journal.By{Via: "system"}, false, nil)
				return err
			}},
		}},
		{Name: "casework", Routes: a.Cases.Routes, Chores: []Chore{
			{"sweep deadlines", c.SweepEvery, func(ctx context.Context) error { _, err := a.Cases.Sweep(ctx, a.DB); return err }},
			{"put cases onto the map", time.Minute, func(ctx context.Context) error { _, err := a.Cases.PutOnMap(ctx, a.DB); return err }},
			{"sweep files", time.Hour, func(ctx context.Context) error { _, _, err := a.Cases.SweepFiles(ctx, a.DB); return err }},
		}},
		{Name: "device", Routes: a.Devices.Routes, Chores: []Chore{
			{"sweep silence", 10 * time.Second, func(ctx context.Context) error { _, err := a.Devices.Sweep(ctx, a.DB); return err }},
		}},
		{Name: "notice", Routes: a.Notices.Routes, Chores: a.noticeChores()},
		{Name: "figures", Routes: a.Figures.Routes, Chores: []Chore{
			{"fold", c.FiguresEvery, func(ctx context.Context) error { _, err := a.Figures.Fold(ctx); return err }},
			{"publish open data", time.Hour, func(ctx context.Context) error { _, err := a.Figures.Publish(ctx); return err }},
		}},
		{Name: "portal", Routes: public.Routes},
		{Name: "feed", Routes: a.feedRoutes},
	}
	if err := a.DB.Migrate(ctx, Tables()); err != nil {
		return nil, err
	}
	if err := a.forgetAgain(ctx); err != nil {
		return nil, err
	}
	return a, a.mount(p)
}

// forgetAgain follows a restore: the journal's erasures were applied with it,
// the rooms' own copies need their keys and follow at the first start.
func (a *App) forgetAgain(ctx context.Context) error {
	marker := restoredMarker(a.Config.Dir)
	if _, err := os.Stat(marker); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	cases, err := a.Cases.ForgetErased(ctx, a.DB)
	if err != nil {
		return err
	}
	// What was over by its term is over in the older copy too.
	run, err := a.Retain(ctx, journal.By{Via: "system"}, false, nil)
	if err != nil {
		return err
	}
	if cases > 0 || run.Total() > 0 {
		a.Log.Info("erased again what a restored backup brought back", "cases", cases, "over", run.Total())
		if err := a.Work(ctx); err != nil {
			return err
		}
	}
	return os.Remove(marker)
}
