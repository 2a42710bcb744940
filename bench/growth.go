package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// grown is what each thing costs at one size, in milliseconds (p50 of single
// requests by one client; memory in MB).
type grown struct {
	Engine string             `json:"engine"`
	Cases  int                `json:"cases"`
	Costs  map[string]float64 `json:"costs"`
	Bytes  int64              `json:"bytes"`
	Memory float64            `json:"memory_mb"` // resident, after the start
	Peak   float64            `json:"peak_mb"`   // after the requests
	Filled float64            `json:"filled_s,omitempty"`
}

// costNames are what is measured, in the order of the chart's legend.
var costNames = []string{"create", "assign", "resolve", "search", "list, first page", "list, deep page", "figures", "start", "journal verify, 1,000 entries"}

const growthSizes = "0,10000,100000"

// growth measures what things cost at several sizes.
func growth(ctx context.Context, o options) error {
	var all []grown
	for _, engine := range o.engines {
		sizes, err := o.large.casesOr(engine, growthSizes)
		if err != nil {
			return err
		}
		for _, cases := range sizes {
			s, err := o.openSite(ctx, engine, cases)
			if err != nil {
				return err
			}
			g, err := s.grown(ctx, o)
			s.close()
			if err != nil {
				return fmt.Errorf("%s, %d cases: %w", engine, cases, err)
			}
			all = append(all, g)
		}
	}
	return showGrowth(all, "../docs")
}

// grown measures one size.
func (s *site) grown(ctx context.Context, o options) (g grown, err error) {
	g = grown{Engine: s.engine, Cases: s.cases, Costs: map[string]float64{}, Filled: s.filled.Seconds()}
	if s.cases == 0 { // the first start makes the district, which is not what is asked
		p, err := s.start(ctx, o)
		if err != nil {
			return g, err
		}
		p.stop()
	}
	began := time.Now()
	p, err := s.start(ctx, o)
	if err != nil {
		return g, err
	}
	g.Costs["start"] = ms(time.Since(began))
	defer p.stop()
	g.Memory = resident(p.cmd.Process.Pid)
	w, err := newWorld(ctx, p.url, 1)
	if err != nil {
		return g, err
	}
	run := goThrough(ctx, 1, min(o.length, 10*time.Second), func(int) (map[string]time.Duration, int, error) { return w.once(ctx, w.desks[0], w.handlers[0]) })
	if len(run.whole) == 0 {
		return g, fmt.Errorf("no lifecycle was finished: %w", run.fault)
	}
	for _, step := range steps {
		g.Costs[step], _ = quantiles(run.times[step])
	}
	deep := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"a":%d}`, -time.Now().AddDate(0, 0, -30).UnixMilli()))
	to := time.Now().Format(time.DateOnly)
	for name, path := range map[string]string{
		"list, first page": "/api/cases?limit=50",
		"list, deep page":  "/api/cases?view=closed&limit=50&cursor=" + deep,
		"figures":          "/api/figures?by=item&from=" + time.Now().AddDate(0, -1, 0).Format(time.DateOnly) + "&to=" + to,
	} {
		var times []time.Duration
		for begin := time.Now(); len(times) < 5 || len(times) < 200 && time.Since(begin) < 2*time.Second; {
			from := time.Now()
			if err := w.desks[0].send(ctx, http.MethodGet, path, nil, nil); err != nil {
				return g, fmt.Errorf("%s: %w", name, err)
			}
			times = append(times, time.Since(from))
		}
		g.Costs[name], _ = quantiles(times)
	}
	g.Peak = resident(p.cmd.Process.Pid)
	p.stop()
	out, err := os.CreateTemp("", "onegrid-verify-")
	if err != nil {
		return g, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	began = time.Now()
	if err := s.command(ctx, o, out, "journal", "verify"); err != nil {
		return g, fmt.Errorf("journal verify: %w: %s", err, tail(out.Name()))
	}
	took := time.Since(began)
	if n := entriesOf(tail(out.Name())); n > 0 {
		g.Costs["journal verify, 1,000 entries"] = ms(took) / float64(n) * 1000
	}
	g.Bytes = s.bytes()
	summed("growth", s.engine, "start/s", s.cases, []measured{{rate: 1000 / g.Costs["start"], p50: g.Costs["start"], p99: g.Costs["start"], details: g}}).print()
	return g, nil
}

// entriesOf reads how many entries a verification has looked at.
func entriesOf(text string) (n int) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, f := range strings.Fields(lines[len(lines)-1]) {
		if v, err := strconv.Atoi(f); err == nil {
			return v
		}
	}
	return 0
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// resident is the memory of a process in MB.
func resident(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, "VmRSS:"); is {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// exponent is by which power a cost grows with the number of cases: the slope of
// the straight line through the logarithms. ok is false with less than two sizes.
func exponent(points []grown, name string) (slope float64, ok bool) {
	var n, x, y, xx, xy float64
	for _, g := range points {
		if v := g.Costs[name]; v > 0 && g.Cases > 0 {
			a, b := math.Log(float64(g.Cases)), math.Log(v)
			n, x, y, xx, xy = n+1, x+a, y+b, xx+a*a, xy+a*b
		}
	}
	if n < 2 || n*xx == x*x {
		return 0, false
	}
	return (n*xy - x*y) / (n*xx - x*x), true
}

// showGrowth prints the costs by size and draws one chart an engine.
func showGrowth(all []grown, folder string) error {
	byEngine := map[string][]grown{}
	for _, g := range all {
		byEngine[g.Engine] = append(byEngine[g.Engine], g)
	}
	for engine, points := range byEngine {
		slices.SortFunc(points, func(a, b grown) int { return cmp.Compare(a.Cases, b.Cases) })
		fmt.Print("\n" + growthTable(engine, points))
		if err := os.WriteFile(fmt.Sprintf("%s/growth-%s.svg", folder, engine), []byte(chart(engine, points)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// growthTable is the costs as a table of a document.
func growthTable(engine string, points []grown) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s, ms (p50) |", engine)
	for _, g := range points {
		fmt.Fprintf(&b, " %s |", grouped(float64(g.Cases)))
	}
	b.WriteString(" exponent |\n|---|" + strings.Repeat("---:|", len(points)+1) + "\n")
	for _, name := range costNames {
		fmt.Fprintf(&b, "| %s |", name)
		for _, g := range points {
			fmt.Fprintf(&b, " %.2f |", g.Costs[name])
		}
		if e, ok := exponent(points, name); ok {
			fmt.Fprintf(&b, " %.2f |\n", e)
		} else {
			b.WriteString(" – |\n")
		}
	}
	for name, of := range map[string]func(grown) float64{"memory after the start, MB": func(g grown) float64 { return g.Memory }, "database, bytes a case": func(g grown) float64 {
		return float64(g.Bytes) / float64(max(g.Cases, 1))
	}} {
		fmt.Fprintf(&b, "| %s |", name)
		for _, g := range points {
			if g.Cases == 0 && strings.HasPrefix(name, "database") {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %.0f |", of(g))
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// chart draws costs against sizes, both in powers of ten.
func chart(engine string, points []grown) string {
	const left, top, wide, high, right = 64, 34, 460, 340, 230
	points = slices.DeleteFunc(slices.Clone(points), func(g grown) bool { return g.Cases == 0 })
	if len(points) == 0 {
		points = []grown{{Cases: 1}}
	}
	x0, x1 := math.Log10(float64(points[0].Cases)), math.Log10(float64(points[len(points)-1].Cases))
	if x1 <= x0 {
		x1 = x0 + 1
	}
	y0, y1 := math.Inf(1), math.Inf(-1)
	for _, g := range points {
		for _, v := range g.Costs {
			if v > 0 {
				y0, y1 = math.Min(y0, math.Floor(math.Log10(v))), math.Max(y1, math.Ceil(math.Log10(v)))
			}
		}
	}
	if y1 <= y0 {
		y0, y1 = 0, 1
	}
	px := func(v float64) float64 { return left + (math.Log10(v)-x0)/(x1-x0)*wide }
	py := func(v float64) float64 { return top + (y1-math.Log10(v))/(y1-y0)*high }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" fill="#333">`+"\n", left+wide+right, top+high+56)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="20" font-size="14" font-weight="600">What things cost as cases grow (%s)</text>`+"\n", left, engine)
	for e := y0; e <= y1; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, py(v), left+wide, left-8, py(v)+4, v)
	}
	for _, g := range points {
		x := px(float64(g.Cases))
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#eee"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, top, top+high, x, top+high+18, grouped(float64(g.Cases)))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">cases in the district (powers of ten)</text>`+"\n", left+wide/2, top+high+42)
	fmt.Fprintf(&b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">milliseconds, p50 (powers of ten)</text>`+"\n", top+high/2)
	colours := []string{"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf"}
	row := 0
	for i, name := range costNames {
		var line []string
		for _, g := range points {
			if v := g.Costs[name]; v > 0 {
				line = append(line, fmt.Sprintf("%.1f,%.1f", px(float64(g.Cases)), py(v)))
			}
		}
		if len(line) == 0 {
			continue
		}
		dash := ""
		if i%2 == 1 {
			dash = ` stroke-dasharray="6 3"`
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(line, " "), colours[i], dash)
		for _, p := range line {
			x, y, _ := strings.Cut(p, ",")
			fmt.Fprintf(&b, `<circle cx="%s" cy="%s" r="3" fill="%s"/>`, x, y, colours[i])
		}
		y := top + 10 + 22*row
		label := name
		if e, ok := exponent(points, name); ok {
			label += fmt.Sprintf(" (n^%.2f)", e)
		}
		fmt.Fprintf(&b, "\n"+`<path d="M%d %dh22" stroke="%s" stroke-width="2"%s/><text x="%d" y="%d">%s</text>`+"\n", left+wide+14, y, colours[i], dash, left+wide+42, y+4, label)
		row++
	}
	b.WriteString("</svg>\n")
	return b.String()
}
