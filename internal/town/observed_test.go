package town_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"onegrid/internal/app"
	"onegrid/internal/kit/db"
	"onegrid/internal/town"
)

// about is what nobody who looks after the program has to read.
var about = []string{"暗语甲", "暗语乙", "13922223333", "AnyuBing", "198.51.100.77", "anyu@example.cn"}

// reportsOf lets somebody report something about people.
func reportsOf(w *town.Town) town.Case {
	return w.As("village desk 1").Reports(about[0], town.With{
		"place":    town.With{"lon": 117.005, "lat": 36.905, "datum": "wgs84", "words": about[1]},
		"reporter": town.With{"name": about[3], "phone": about[2]},
	})
}

// tells says which of these words a text holds.
func tells(text string) (found []string) {
	for _, word := range about {
		if strings.Contains(text, word) {
			found = append(found, word)
		}
	}
	return found
}

// Traces say where the time of a request goes, down to the commit, and nothing
// about anybody: no path, query, address, name or value.
func TestTracesTellOfTimesAlone(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			var mu sync.Mutex
			var all []*spans.Span
			var raw bytes.Buffer
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				var rq collector.ExportTraceServiceRequest
				if err = errors.Join(err, proto.Unmarshal(body, &rq)); err != nil || r.URL.Path != "/v1/traces" {
					t.Errorf("%s: %v", r.URL.Path, err)
				}
				mu.Lock()
				defer mu.Unlock()
				raw.Write(body)
				for _, of := range rq.ResourceSpans {
					for _, a := range of.Resource.Attributes {
						if !strings.HasPrefix(a.Key, "service.") {
							t.Errorf("the resource tells %s", a.Key)
						}
					}
					for _, s := range of.ScopeSpans {
						all = append(all, s.Spans...)
					}
				}
			}))
			defer receiver.Close()
			w := town.NewWith(t, engine, map[string]string{"trace-to": receiver.URL + "/v1/traces", "trace-percent": "100"})
			c := reportsOf(w)
			w.As("village desk 1").Do("GET", "/api/cases?view=all&q="+about[3], nil, "User-Agent", about[4], "X-Forwarded-For", about[4])
			w.As("village desk 2").Do("GET", "/api/cases/"+c.ID.String(), nil) // out of scope
			w.Stop()                                                           // sends the rest

			byID, named := map[string]*spans.Span{}, map[string][]*spans.Span{}
			for _, s := range all {
				byID[string(s.SpanId)] = s
				named[s.Name] = append(named[s.Name], s)
				for _, a := range s.Attributes {
					if !slices.Contains([]string{"onegrid.request_id", "http.route", "http.response.status_code", "http.response.body.size", "onegrid.stream",
						"onegrid.code", "db.system.name", "onegrid.writer", "onegrid.commands"}, a.Key) {
						t.Errorf("%s has the attribute %s", s.Name, a.Key)
					}
				}
			}
			report := named["POST /api/cases"]
			if len(report) != 1 || len(named["GET /api/cases/{id}"]) != 1 {
				t.Fatalf("%d spans of a report; spans are called %v", len(report), named)
			}
			// The commit lies in the group, the group in the command, the command in the request.
			found := false
			for _, s := range named["db.commit"] {
				group := byID[string(s.ParentSpanId)]
				if group == nil {
					t.Fatal("a commit without its group")
				}
				command := byID[string(group.ParentSpanId)]
				if command != nil && string(command.ParentSpanId) == string(report[0].SpanId) {
					found = group.Name == "db.group" && command.Name == "db.write"
				}
			}
			if !found {
				t.Error("no commit lies within the report")
			}
			if bad := tells(raw.String()); len(bad) > 0 || bytes.Contains(raw.Bytes(), []byte(c.ID.String())) {
				t.Errorf("the traces tell %v", bad)
			}
		})
	}
}

// A diagnosis tells how the program does and nothing about anybody: neither what
// lies in the database, nor what the log was told by mistake, nor the settings'
// secrets and addresses.
func TestDiagnosisTellsOfNobody(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		ctx, stop := context.WithCancel(context.Background())
		wait := w.App.Local(ctx)
		defer func() { stop(); wait() }()
		reportsOf(w)
		w.App.Log.Error("a library says more than it should", "cause", fmt.Errorf("duplicate key %q, told %s by %s at %s, see %s", about[0], about[2], about[5], about[4], "https://x/?name="+about[3]), "who", about[1])
		config, err := app.LoadConfig(w.Dir, map[string]string{"smtp-user": about[3], "smtp-password": "Geheim-7788", "public-url": "https://" + about[3] + ".example.cn",
			"mail-from": about[5], "trusted-proxy": about[4] + "/32"}, nil)
		if err != nil {
			w.Fatal(err)
		}
		config.Database = w.Config().Database

		var b bytes.Buffer
		d, err := app.Diagnose(context.Background(), config, "v1.2.3", &b)
		if err != nil || len(d.Missing) > 0 {
			w.Fatalf("%v, missing %v", err, d.Missing)
		}
		files := unzipped(w, b.Bytes())
		for name, want := range map[string][]string{
			"program.json":   {`"version": "v1.2.3"`, `"go": "go`},
			"settings.json":  {`"max-requests"`, `"256"`, `"smtp-password"`, "(set, not shown)"},
			"metrics.txt":    {"http_requests_total{", "onegrid_db_commands_total"},
			"goroutines.txt": {"goroutine profile: total", "onegrid/internal/kit/db.(*writer).run"},
			"heap.txt":       {"heap profile:"},
			"log.txt":        {"route=\"POST /api/cases\"", "a library says more than it should"},
			"database.json":  {`"engine": "` + string(w.Engine) + `"`, `"cases": 1`, `"casework":`},
			"plans.txt":      {""},
		} {
			for _, s := range want {
				if !strings.Contains(files[name], s) {
					w.Errorf("%s lacks %q: %.1500s", name, s, files[name])
				}
			}
		}
		for name, text := range files {
			if bad := tells(text); len(bad) > 0 || strings.Contains(text, "Geheim") || name != "goroutines.txt" && name != "heap.txt" && strings.Contains(text, w.Config().Dir) {
				w.Errorf("%s tells %v: %.2000s", name, bad, text)
			}
		}
		// Without a running server the rest is there, and it says what is not.
		stop()
		wait()
		b.Reset()
		if d, err = app.Diagnose(context.Background(), config, "v1.2.3", &b); err != nil || d.Missing["metrics.txt"] == "" || d.Missing["database.json"] != "" {
			w.Errorf("without a server: %v, missing %v", err, d.Missing)
		}
	})
}

func unzipped(t testing.TB, raw []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// Every figure that the dashboard shows is one that the program has, with the
// labels it asks by; and the words before it are in both languages.
func TestDashboardShowsWhatThereIs(t *testing.T) {
	w := town.New(t, db.SQLite)
	reportsOf(w)
	res, err := http.Get(w.URL + "/metrics") //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	figures := string(text)
	raw, err := os.ReadFile("../../deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{"up": true} // which Prometheus makes itself
	for _, m := range regexp.MustCompile(`(?m)^([a-z_0-9]+)[{ ]`).FindAllStringSubmatch(figures, -1) {
		there[m[1]] = true
	}
	shown := map[string]bool{}
	for _, p := range dashboard.Panels {
		if !han.MatchString(p.Title) || !regexp.MustCompile(`[A-Za-z]{2}`).MatchString(p.Title) {
			t.Errorf("the panel %q is not in both languages", p.Title)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			names := regexp.MustCompile(`([a-z_0-9]+)\{`).FindAllStringSubmatch(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("%s: no figure in %s", p.Title, target.Expr)
			}
			for _, n := range names {
				shown[n[1]] = true
				if !there[n[1]] {
					t.Errorf("%s: there is no figure %s", p.Title, n[1])
				}
			}
			for _, by := range regexp.MustCompile(`by \(([a-z, ]+)\)`).FindAllStringSubmatch(target.Expr, -1) {
				for label := range strings.SplitSeq(by[1], ", ") {
					if !strings.Contains(figures, label+`="`) {
						t.Errorf("%s: no figure has the label %s", p.Title, label)
					}
				}
			}
		}
	}
	// And the other way round: every figure of ours is on it.
	for name := range there {
		base := strings.NewReplacer("_bucket", "", "_sum", "", "_count", "").Replace(name)
		ours := strings.HasPrefix(name, "onegrid_") || strings.HasPrefix(name, "http_")
		if ours && !slices.ContainsFunc([]string{name, base, base + "_bucket", base + "_count"}, func(n string) bool { return shown[n] }) && !strings.HasSuffix(name, "_unread_total") {
			t.Errorf("the dashboard lacks %s", name)
		}
	}
	if len(shown) < 25 {
		t.Errorf("only %d figures are shown", len(shown))
	}
}
