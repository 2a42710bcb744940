package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sync/errgroup"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/archive"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/jobs"
	"onegrid/web"
)

// Close closes what Open opened, in reverse order.
func (a *App) Close() error {
	if a.sms != nil {
		a.sms.Close()
	}
	if a.Blobs != nil {
		a.Blobs.Close()
	}
	if a.traced != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := a.traced(ctx); err != nil {
			a.Log.Warn("traces", "cause", err)
		}
	}
	if a.DB == nil {
		return nil
	}
	return a.DB.Close()
}

// url is the address that links carry.
func (c Config) url() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + c.Addr
}

// apiVersion is the version of the API, not of the program.
const apiVersion = "0.1.0"

// measure registers what the rooms count.
func (a *App) measure() error {
	stats, access := a.DB.Stats(), &a.Access.Stats
	return errors.Join(
		a.metrics.Counter("onegrid_db_commands_total", "Commands that writers were given.", func() float64 { return float64(stats.Commands.Load()) }),
		a.metrics.Counter("onegrid_db_groups_total", "Groups of commands that were committed together.", func() float64 { return float64(stats.Groups.Load()) }),
		a.metrics.Counter("onegrid_db_groups_lost_total", "Groups that were lost and whose commands were tried alone.", func() float64 { return float64(stats.Lost.Load()) }),
		a.metrics.Counter("onegrid_db_slow_statements_total", "Statements that took 100 ms or more, with the reading of their rows.", func() float64 { return float64(stats.Slow.Load()) }),
		a.metrics.Group("onegrid_journal", map[string]string{"entries": "Entries in the journal.", "unfolded": "Entries not yet folded into the figures."}, a.countJournal),
		a.metrics.Gauge("onegrid_live_listeners", "Screens that listen to the live feed.", func() float64 { return float64(a.feed.Listeners()) }),
		a.metrics.Counter("onegrid_live_cuts_total", "Listeners cut off because they were too slow.", func() float64 { return float64(a.feed.Cuts()) }),
		a.metrics.Counter("onegrid_sign_ins_total", "Sign-ins that succeeded.", func() float64 { return float64(access.SignIns.Load()) }),
		a.metrics.Counter("onegrid_sign_in_failures_total", "Sign-ins that failed.", func() float64 { return float64(access.Failures.Load()) }),
		a.metrics.Counter("onegrid_refusals_total", "Commands of staff that were refused.", func() float64 { return float64(access.Refusals.Load()) }),
		a.metrics.Gauge("onegrid_quarantine_bytes", "Disk filled by public photos nobody has looked at.", func() float64 { return float64(a.quarantine.Used()) }),
		a.metrics.Gauge("onegrid_disk_free_bytes", "Room left on the disk of the data folder.", a.watch.free),
		a.metrics.Gauge("onegrid_disk_size_bytes", "Size of the disk of the data folder.", a.watch.size),
		a.metrics.Gauge("onegrid_writes_held", "1 while nothing is written: the disk is nearly full, or a newer program took the data over.", a.held),
		a.metrics.Group("onegrid_jobs", map[string]string{"waiting": "Jobs that wait.", "due": "Jobs that are due.", "failed": "Jobs that gave up."}, a.countJobs),
	)
}

// openArchive begins to keep every change of the database.
func (a *App) openArchive(ctx context.Context) (err error) {
	file, lite := strings.CutPrefix(a.Config.DSN(), "sqlite:")
	if !lite {
		return ErrConfig.With("name", "archive", "value", a.Config.Archive, "origin", a.Config.origins["archive"]).
			Because(errors.New("PostgreSQL archives by itself: docs/operate.md"))
	}
	a.archive, err = archive.Open(ctx, archive.Options{Database: file, Dir: a.Config.Archive, Keep: a.Config.ArchiveKeep, Log: a.Log})
	if err != nil {
		return err
	}
	return a.metrics.Gauge("onegrid_archive_age_seconds", "How long ago the archive was last whole.", func() float64 { return a.archive.Age().Seconds() })
}

func (a *App) held() float64 {
	if a.DB.Held() != nil {
		return 1
	}
	return 0
}

// ready says whether requests can be answered: the database reads, the file
// store answers, and no newer program took the data over. On a full disk what is
// there can still be read.
func (a *App) ready(ctx context.Context) error {
	if why := a.DB.Held(); why != nil && errors.Is(why, db.ErrOutdated) {
		return why
	}
	if err := a.DB.Read(ctx, func(*db.Tx) error { return nil }); err != nil {
		return err
	}
	return a.Blobs.Answers(ctx)
}

func (a *App) countJournal() (map[string]float64, error) {
	var head, behind int64
	err := a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		if head, err = journal.Head(tx); err != nil {
			return err
		}
		behind, err = a.Figures.Behind(tx)
		return err
	})
	return map[string]float64{"entries": float64(head), "unfolded": float64(behind)}, err
}

func (a *App) countJobs() (map[string]float64, error) {
	var n jobs.Counts
	err := a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		n, err = jobs.Count(tx)
		return err
	})
	return map[string]float64{"waiting": float64(n.Waiting), "due": float64(n.Due), "failed": float64(n.Failed)}, err
}

// mount builds the edge and registers the operations of all rooms.
func (a *App) mount(p Ports) error {
	if err := a.measure(); err != nil {
		return err
	}
	proxies, err := prefixes(a.Config.TrustedProxy)
	if err != nil {
		return err
	}
	var metrics http.Handler
	if a.Config.Metrics != "off" {
		metrics = a.metrics.Handler()
	}
	// The demo has no passwords: a page of another site must not reach it
	// under a name that leads to this machine.
	var hosts []string
	if p.Demo {
		hosts = []string{"127.0.0.1", "localhost", "::1"}
	}
	a.Edge, err = httpx.New(httpx.Options{
		Title: "OneGrid", Version: apiVersion, DB: a.DB, Words: a.Words, Log: a.Log, Who: a.Access.Who(a.DB), Now: p.Now,
		MaxRequests: a.Config.MaxRequests, MaxMemory: a.Config.ceiling(), Proxies: proxies, Secure: strings.HasPrefix(a.Config.url(), "https://"),
		Ready:      a.ready,
		Registerer: a.metrics, Metrics: metrics, Hosts: hosts, MetricsAnyone: a.Config.Metrics == "everyone",
		Profile: a.Config.Profile == "loopback",
		Refused: a.Access.Denied(a.DB), Tracer: a.tracer,
	})
	if err != nil {
		return err
	}
	for _, m := range a.modules {
		if m.Routes != nil {
			m.Routes(a.Edge)
		}
	}
	if desk, built := web.Desk(); built {
		httpx.Assets(a.Edge, httpx.Op{ID: "desk.app", Path: "/desk/{path...}", Public: true, Summary: "the desk app"}, desk, "index.html")
	} else {
		a.Log.Warn(errNoWeb.Error())
	}
	return nil
}

func prefixes(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		p, err := netip.ParsePrefix(one)
		if err != nil {
			return nil, ErrConfig.With("name", "trusted-proxy", "value", one).Because(err)
		}
		out = append(out, p)
	}
	return out, nil
}

// Serve answers requests and does the chores until ctx ends. Then it takes no
// more, lets what it has finish, and signs the journal a last time. ready is
// called with the address once it answers.
func (a *App) Serve(ctx context.Context, ready func(url string)) error {
	listener, err := listen(a.Config.Addr)
	if err != nil {
		return err
	}
	return a.ServeOn(ctx, listener, ready)
}

// listen takes the socket that systemd holds (onegrid.socket), or opens its own.
// While one program stops and the next one starts, connections wait in a socket
// that is held, and none is refused.
func listen(addr string) (net.Listener, error) {
	given, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take the socket over: %w", err)
	}
	switch {
	case len(given) == 1 && given[0] != nil:
		return given[0], nil
	case len(given) > 0:
		return nil, fmt.Errorf("one stream socket is expected, %d were handed over", len(given))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// ServeOn is Serve on a listener of the caller's.
func (a *App) ServeOn(ctx context.Context, listener net.Listener, ready func(url string)) error {
	a.Config.holdMemory()
	key, err := journal.LoadKey(a.journalKey(), rand.Reader)
	if err != nil {
		return err
	}
	checkpoints, err := journal.OpenCheckpoints(filepath.Join(a.Config.Dir, "checkpoints"), key)
	if err != nil {
		return err
	}
	// A database that is behind its own checkpoint was cut or replaced by an older
	// copy; going on from there would number other acts as those that are missing.
	if checkpoints.Latest().Number > 0 {
		if _, err := checkpoints.Take(ctx, a.DB); err != nil {
			return err
		}
	}
	if a.Config.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(a.Config.TLSCert, a.Config.TLSKey)
		if err != nil {
			return ErrConfig.With("name", "tls-cert", "value", a.Config.TLSCert).Because(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	if a.Config.Archive != "" {
		if err := a.openArchive(ctx); err != nil {
			return err
		}
		// Last of all: by then nobody writes any more.
		defer func() {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Config.StopTimeout)
			defer cancel()
			if err := a.archive.Close(last); err != nil {
				a.Log.Error("the archive lacks the last changes until the next start", "cause", err)
			}
		}()
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	group, work := errgroup.WithContext(work)
	group.Go(func() error {
		checkpoints.Run(work, a.DB, a.Config.CheckpointAge, a.Log)
		return nil
	})
	for _, m := range a.modules {
		for _, chore := range m.Chores {
			a.runner.Every(m.Name+"."+chore.Name, chore.Every, chore.Do)
		}
	}
	local := a.Local(work)
	group.Go(func() error { local(); return nil })
	group.Go(func() error { return a.runner.Run(work) })
	group.Go(func() error { return a.feed.Run(work) })
	group.Go(func() error { return a.watch.run(work) })
	group.Go(func() error {
		defer stop()
		a.Log.Info("listening", "address", listener.Addr().String())
		if ready != nil {
			scheme := "http://"
			if a.Config.TLSCert != "" {
				scheme = "https://"
			}
			ready(scheme + listener.Addr().String())
		}
		return a.Edge.Serve(work, listener, a.Config.StopTimeout)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (a *App) journalKey() string { return filepath.Join(a.Config.Dir, "keys", "journal.key") }

// Work does the jobs and chores that are due now, for a command that ends.
func (a *App) Work(ctx context.Context) error {
	_, err := a.runner.Step(ctx)
	return err
}

// Step does everything that is due now, once: how tests and the demo's loader
// run the chores under a clock of their own.
func (a *App) Step(ctx context.Context) error {
	if _, err := a.Cases.Sweep(ctx, a.DB); err != nil {
		return err
	}
	if err := a.Notices.Work(ctx); err != nil {
		return err
	}
	_, err := a.Figures.Fold(ctx)
	return err
}

// Live brings the live feed alone to life until ctx ends, for tests that serve
// the handler themselves under a clock of their own.
func (a *App) Live(ctx context.Context) error { return a.feed.Run(ctx) }

// Spec is the OpenAPI document of all operations; it needs no data folder.
func Spec() ([]byte, error) {
	dir, err := os.MkdirTemp("", "onegrid-spec-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c, err := LoadConfig(dir, nil, nil)
	if err != nil {
		return nil, err
	}
	a, err := Open(context.Background(), c, Ports{Create: true, Demo: true})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Edge.OpenAPI()
}

// Erasures is the list of what was erased. It lies outside the database and its
// backups, and a restore applies it again.
func (a *App) Erasures() *journal.Erasures {
	return journal.OpenErasures(filepath.Join(a.Config.Dir, "erasures.jsonl"))
}
