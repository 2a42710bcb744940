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

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/web"
)

// Close closes what Open opened, in reverse order.
func (a *App) Close() error {
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

// mount builds the edge and registers the operations of all rooms.
func (a *App) mount(p Ports) error {
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	proxies, err := prefixes(a.Config.TrustedProxy)
	if err != nil {
		return err
	}
	metrics := http.Handler(promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	if a.Config.Metrics == "off" {
		metrics = nil
	}
	a.Edge, err = httpx.New(httpx.Options{
		Title: "OneGrid", Version: "0.1.0", DB: a.DB, Words: a.Words, Log: a.Log, Who: a.Access.Who(a.DB), Now: p.Now,
		MaxRequests: a.Config.MaxRequests, Proxies: proxies, Secure: a.Config.TLSCert != "",
		Ready:      func(ctx context.Context) error { return a.DB.Read(ctx, func(tx *db.Tx) error { return nil }) },
		Registerer: a.registry, Metrics: metrics, MetricsAnyone: a.Config.Metrics == "everyone",
		Refused: a.Access.Denied(a.DB),
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
	listener, err := net.Listen("tcp", a.Config.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.Config.Addr, err)
	}
	return a.ServeOn(ctx, listener, ready)
}

// ServeOn is Serve on a listener of the caller's.
func (a *App) ServeOn(ctx context.Context, listener net.Listener, ready func(url string)) error {
	key, err := journal.LoadKey(a.journalKey(), rand.Reader)
	if err != nil {
		return err
	}
	checkpoints, err := journal.OpenCheckpoints(filepath.Join(a.Config.Dir, "checkpoints"), key)
	if err != nil {
		return err
	}
	if a.Config.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(a.Config.TLSCert, a.Config.TLSKey)
		if err != nil {
			return ErrConfig.With("name", "tls-cert", "value", a.Config.TLSCert).Because(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
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
	group.Go(func() error { return a.runner.Run(work) })
	group.Go(func() error { return a.feed.Run(work) })
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

// Step does everything that is due now, once: how tests and the demo's loader
// run the chores under a clock of their own.
func (a *App) Step(ctx context.Context) error {
	if _, err := a.Cases.Sweep(ctx, a.DB); err != nil {
		return err
	}
	_, err := a.Figures.Fold(ctx)
	return err
}

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
