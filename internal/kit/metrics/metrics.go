// Package metrics keeps the program's figures about itself for Prometheus: one
// registry of its own, so that nothing a library registers globally slips in,
// and short ways to add what a room already counts.
//
// It owns no tables. Figures have no labels that grow with people or cases, and
// no personal data.
package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// Registry is the program's figures.
type Registry struct {
	*prometheus.Registry
	log *slog.Logger
}

// New makes a registry that knows the process, the Go runtime and the version.
func New(version string, log *slog.Logger) (*Registry, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{Registry: prometheus.NewRegistry(), log: log}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "onegrid_build_info", Help: "Always 1; the version is the label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
	} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the program's figures: %w", err)
		}
	}
	return r, nil
}

// Gauge adds a figure that goes up and down; read is called when somebody asks
// and must be quick.
func (r *Registry) Gauge(name, help string, read func() float64) error {
	return r.add(name, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Counter adds a figure that only grows, counted by the room itself.
func (r *Registry) Counter(name, help string, read func() float64) error {
	return r.add(name, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Group adds figures that are read together, such as several counts of one
// query. read fills them in; when it fails they are left out of the answer and
// the failure is counted.
func (r *Registry) Group(name string, helps map[string]string, read func() (map[string]float64, error)) error {
	g := &group{name: name, descs: map[string]*prometheus.Desc{}, read: read, log: r.log,
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: name + "_unread_total", Help: "How often these figures could not be read."})}
	for n, help := range helps {
		g.descs[n] = prometheus.NewDesc(name+"_"+n, help, nil, nil)
	}
	return r.add(name, g)
}

func (r *Registry) add(name string, c prometheus.Collector) error {
	if err := r.Register(c); err != nil {
		return fmt.Errorf("register the figure %s: %w", name, err)
	}
	return nil
}

// group is a collector of several gauges from one reading.
type group struct {
	name   string
	descs  map[string]*prometheus.Desc
	read   func() (map[string]float64, error)
	failed prometheus.Counter
	log    *slog.Logger
	mu     sync.Mutex // two scrapes at once read one after the other
}

// Describe satisfies prometheus.Collector.
func (g *group) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.descs {
		ch <- d
	}
	g.failed.Describe(ch)
}

// Collect satisfies prometheus.Collector.
func (g *group) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	values, err := g.read()
	if err != nil {
		g.failed.Inc()
		g.log.Warn("read figures", "group", g.name, "cause", err)
	}
	for n, d := range g.descs {
		if v, ok := values[n]; ok && err == nil {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
		}
	}
	g.failed.Collect(ch)
}

// Write writes the figures in Prometheus' text form.
func (r *Registry) Write(w io.Writer) error {
	families, err := r.Gather()
	if err != nil {
		return fmt.Errorf("gather the figures: %w", err)
	}
	e := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			return fmt.Errorf("write the figures: %w", err)
		}
	}
	return nil
}

// Handler gives the figures in Prometheus' text form; who may ask is the edge's
// business.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.Registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	})
}
