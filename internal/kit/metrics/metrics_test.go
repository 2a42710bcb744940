package metrics_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"onegrid/internal/kit/metrics"
)

func scrape(r *metrics.Registry) string {
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// Figures come out under their names; a group that can't be read is left out
// and counted, and takes nothing else with it; a name is taken once.
func TestFigures(t *testing.T) {
	r, err := metrics.New("1.2.3", nil)
	if err != nil {
		t.Fatal(err)
	}
	depth, broken := 3.0, error(nil)
	if err := errors.Join(
		r.Gauge("queue_depth", "Waiting.", func() float64 { return depth }),
		r.Counter("cuts_total", "Cut off.", func() float64 { return 7 }),
		r.Group("jobs", map[string]string{"waiting": "Waiting.", "failed": "Failed."}, func() (map[string]float64, error) {
			return map[string]float64{"waiting": 5, "failed": 1}, broken
		}),
	); err != nil {
		t.Fatal(err)
	}
	text := scrape(r)
	for _, want := range []string{"queue_depth 3\n", "cuts_total 7\n", "jobs_waiting 5\n", "jobs_failed 1\n", "jobs_unread_total 0\n",
		`onegrid_build_info{version="1.2.3"} 1`, "go_goroutines "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	depth, broken = 4, errors.New("no database")
	text = scrape(r)
	if !strings.Contains(text, "queue_depth 4\n") || strings.Contains(text, "jobs_waiting") || !strings.Contains(text, "jobs_unread_total 1\n") {
		t.Errorf("got\n%s", text)
	}
	if err := r.Gauge("queue_depth", "Again.", func() float64 { return 0 }); err == nil {
		t.Error("a name was taken twice")
	}
}
