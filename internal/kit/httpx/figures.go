package httpx

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// figures are what the edge counts about itself. The label is the route
// pattern, so their number is bounded.
type figures struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	refused  *prometheus.CounterVec
}

func newFigures(r prometheus.Registerer, e *Edge) (*figures, error) {
	f := &figures{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by route and status class.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_seconds", Help: "Time to answer, streams left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_shed_total", Help: "Requests refused because too many were running, or because there was no memory for them.",
		}, []string{"why"}),
	}
	for _, why := range []string{"requests", "crowd", "memory"} { // there from the start, so that a first one is a rise
		f.refused.WithLabelValues(why)
	}
	if r == nil {
		return f, nil
	}
	running := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_requests_running", Help: "Requests being answered now.",
	}, func() float64 { return float64(len(e.gate)) })
	streams := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_streams_open", Help: "Live streams open now.",
	}, func() float64 { return float64(len(e.streams)) })
	aside := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_memory_aside_bytes", Help: "Memory set aside for the requests being answered now.",
	}, func() float64 { return float64(e.memory.taken.Load()) })
	room := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_memory_room_bytes", Help: "Memory that may be set aside for requests; 0 without a ceiling.",
	}, func() float64 { return float64(e.memory.size) })
	for _, c := range []prometheus.Collector{f.requests, f.took, f.refused, running, streams, aside, room} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register the edge's figures: %w", err)
		}
	}
	return f, nil
}

func (f *figures) observe(rq *request, took time.Duration) {
	route := rq.route
	if route == "" {
		route = "none"
	}
	f.requests.WithLabelValues(route, classes[min(rq.w.status/100, 5)]).Inc()
	if !rq.stream {
		f.took.WithLabelValues(route).Observe(took.Seconds())
	}
}

var classes = [...]string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"}
