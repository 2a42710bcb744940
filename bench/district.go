package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// district: real requests are imported into the demo district through their
// mapping (import), then asked for as a desk does: map tiles by zoom, cold and
// cached (tiles), cases and places by their words and pinyin (search), the usual
// tables of figures and a whole recompute (figures).

const (
	requestsFile  = "../data/demo/requests-5000.csv.gz"
	areaFile      = "../data/demo/area.geojson"
	divisionsFile = "../data/divisions/qibuqu.csv"
)

// districtDetails are what only these scenarios tell.
type districtDetails struct {
	Rows     int     `json:"rows,omitempty"`     // imported
	Seconds  float64 `json:"seconds,omitempty"`  // with the start of the command
	CPU      float64 `json:"cpu_ms,omitempty"`   // of the program, for one row
	Requests int     `json:"requests,omitempty"` //
	Bytes    int     `json:"bytes,omitempty"`    // of a tile, on average
	Entries  int     `json:"entries,omitempty"`  // of the journal
}

// daily is `bench district`; sizes are cases, at most 5,000.
func daily(ctx context.Context, o options) error {
	for _, engine := range o.engines {
		for _, size := range o.sizesOr(2000) {
			if err := districtOn(ctx, o, engine, size); err != nil {
				return fmt.Errorf("%s: %w", engine, err)
			}
		}
	}
	return nil
}

func districtOn(ctx context.Context, o options, engine string, size int) error {
	return onEngine(ctx, engine, func(dir, database string) error { return measureDistrict(ctx, o, engine, size, dir, database) })
}

func measureDistrict(ctx context.Context, o options, engine string, size int, dir, database string) error {
	p, err := startProgram(ctx, o.program, dir, database)
	if err != nil {
		return err
	}
	p.stop()
	d := &filled{o: o, engine: engine, size: size, dir: dir, database: database}
	if err := d.importCases(ctx); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if engine == "sqlite" { // into a folder of its own
		if err := d.importArea(ctx); err != nil {
			return fmt.Errorf("import: %w", err)
		}
	}
	if err := d.recompute(ctx); err != nil {
		return fmt.Errorf("figures: %w", err)
	}
	if p, err = startProgram(ctx, o.program, dir, database); err != nil {
		return err
	}
	defer p.stop()
	if d.hub, err = signIn(ctx, &http.Transport{MaxIdleConnsPerHost: 4}, p.url, "hub"); err != nil {
		return err
	}
	if err := d.readCases(ctx); err != nil {
		return err
	}
	if err := d.tiles(ctx); err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	if err := d.search(ctx); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	if err := d.figures(ctx); err != nil {
		return fmt.Errorf("figures: %w", err)
	}
	return nil
}

// filled is a district with cases.
type filled struct {
	o             options
	engine        string
	size          int
	dir, database string
	hub           *client
	at            [][2]float64 // where cases lie
	titles        []string     // of cases, each once
}

// command runs a subcommand of the program on a data folder and gives what it
// said, how long it took and the processor time that it used.
func (d *filled) command(ctx context.Context, folder, database string, args ...string) (out string, took, used time.Duration, err error) {
	cmd := exec.CommandContext(ctx, d.o.program, append(args, "--dir", folder)...)
	cmd.Env = append(os.Environ(), "ONEGRID_LOG_LEVEL=warn")
	if database != "" {
		cmd.Env = append(cmd.Env, "ONEGRID_DATABASE="+database)
	}
	begin := time.Now()
	text, err := cmd.CombinedOutput()
	took = time.Since(begin)
	if err != nil {
		return "", 0, 0, fmt.Errorf("onegrid %s: %w: %s", strings.Join(args[:2], " "), err, text[max(0, len(text)-500):])
	}
	return string(text), took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// taken reads the sums of an import; all rows must have been taken.
func taken(said string, rows int) error {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	var sums struct {
		Read    int `json:"read"`
		Taken   int `json:"taken"`
		Refused int `json:"refused"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sums); err != nil {
		return fmt.Errorf("%w in %s", err, said)
	}
	if sums.Taken != rows || sums.Read != rows || sums.Refused != 0 {
		return fmt.Errorf("of %d rows %d were taken and %d refused", rows, sums.Taken, sums.Refused)
	}
	return nil
}

// importCases imports the first real requests.
func (d *filled) importCases(ctx context.Context) error {
	in, err := os.Open(requestsFile)
	if err != nil {
		return err
	}
	defer in.Close()
	packed, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(packed)
	var head string
	var rows []string
	for lines.Scan() && len(rows) < d.size {
		if head == "" {
			head = lines.Text()
			continue
		}
		// Ten years later, since what was closed ten years ago is erased at once.
		rows = append(rows, strings.NewReplacer("2015-", "2025-", "2016-", "2026-").Replace(lines.Text()))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(rows) < d.size || d.size < 2 {
		return fmt.Errorf("2 to %d cases, not %d", len(rows), d.size)
	}
	file := filepath.Join(d.dir, "requests.csv")
	if err := os.WriteFile(file, []byte(head+"\n"+strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	said, took, used, err := d.command(ctx, filepath.Join(d.dir, "data"), d.database, "import", "cases", file, "--mapping", "boston311", "--json")
	if err == nil {
		err = taken(said, d.size)
	}
	if err != nil {
		return err
	}
	d.imported("cases", d.size, took, used)
	return nil
}

// importArea imports the units of the demo and its grids into an empty folder.
func (d *filled) importArea(ctx context.Context) error {
	empty := filepath.Join(d.dir, "empty")
	if _, _, _, err := d.command(ctx, empty, "", "init", "--name-en", "Bench"); err != nil {
		return err
	}
	if _, _, _, err := d.command(ctx, empty, "", "import", "divisions", divisionsFile); err != nil {
		return err
	}
	units := filepath.Join(d.dir, "units.csv")
	if _, _, _, err := d.command(ctx, filepath.Join(d.dir, "data"), d.database, "export", "units", units); err != nil {
		return err
	}
	raw, err := os.ReadFile(units)
	if err != nil {
		return err
	}
	said, took, used, err := d.command(ctx, empty, "", "import", "units", units, "--json")
	n := strings.Count(strings.TrimSpace(string(raw)), "\n")
	if err == nil {
		err = taken(said, n)
	}
	if err != nil {
		return err
	}
	d.imported("units", n, took, used)
	area, err := os.ReadFile(areaFile)
	if err != nil {
		return err
	}
	file := filepath.Join(d.dir, "area.geojson")
	if err := os.WriteFile(file, area, 0o600); err != nil { // refused rows would be written beside it
		return err
	}
	said, took, used, err = d.command(ctx, empty, "", "import", "grids", file, "--datum", "wgs84", "--json")
	n = bytes.Count(area, []byte(`"type":"Feature",`))
	if err == nil {
		err = taken(said, n)
	}
	if err != nil {
		return err
	}
	d.imported("grids", n, took, used)
	return nil
}

func (d *filled) imported(what string, rows int, took, used time.Duration) {
	details := districtDetails{Rows: rows, Seconds: took.Seconds(), CPU: used.Seconds() * 1000 / float64(rows)}
	r := summed("import", d.engine, "rows/s", 0, []measured{{rate: float64(rows) / took.Seconds(), details: details}})
	r.What = what
	fmt.Printf("\nimport of %d %s on %s in %.1f s with the start of the command: %.0f rows/s (%.2f ms of the program's processor time each)\n",
		rows, what, d.engine, took.Seconds(), r.Rate, details.CPU)
	r.print()
}

// recompute folds the whole journal anew and compares: every figure must be right.
func (d *filled) recompute(ctx context.Context) error {
	if _, _, _, err := d.command(ctx, filepath.Join(d.dir, "data"), d.database, "figures", "recompute"); err != nil {
		return err
	}
	// The import ended before the followers of the journal had folded everything,
	// which the program would do at its next start; from here on all must agree.
	said, took, used, err := d.command(ctx, filepath.Join(d.dir, "data"), d.database, "figures", "recompute", "--check")
	if err != nil {
		return err
	}
	var entries, differ int
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d entries folded, %d figures differ", &entries, &differ); err != nil {
		return fmt.Errorf("%w in %s", err, said)
	}
	if differ != 0 || entries < d.size {
		return errors.New(said)
	}
	details := districtDetails{Entries: entries, Seconds: took.Seconds(), CPU: used.Seconds() * 1000 / float64(entries)}
	r := summed("figures", d.engine, "entries/s", d.size, []measured{{rate: float64(entries) / took.Seconds(), details: details}})
	r.What = "recompute"
	fmt.Printf("\nfigures on %s: %d entries of the journal folded and compared in %.1f s with the start of the command: %.0f/s, no difference\n", d.engine, entries, took.Seconds(), r.Rate)
	r.print()
	return nil
}

// readCases reads where open cases lie and what all are called.
func (d *filled) readCases(ctx context.Context) error {
	if err := errors.Join(d.readView(ctx, "all", 1000), d.readView(ctx, "open", 500)); err != nil {
		return err
	}
	if len(d.at) == 0 || len(d.titles) == 0 {
		return errors.New("no case was found")
	}
	return nil
}

func (d *filled) readView(ctx context.Context, view string, most int) error {
	next := ""
	known := map[string]bool{}
	for n := 0; n < most; n += 100 {
		var page struct {
			Items []struct {
				Title string `json:"title"`
				Place struct {
					Lon float64 `json:"lon"`
					Lat float64 `json:"lat"`
				} `json:"place"`
			} `json:"items"`
			Next string `json:"next"`
		}
		q := "/api/cases?limit=100&view=" + view
		if next != "" {
			q += "&cursor=" + url.QueryEscape(next)
		}
		if err := d.hub.send(ctx, http.MethodGet, q, nil, &page); err != nil {
			return err
		}
		for _, c := range page.Items {
			if c.Place.Lon != 0 && view == "open" {
				d.at = append(d.at, [2]float64{c.Place.Lon, c.Place.Lat})
			}
			if view == "all" && !known[c.Title] && c.Title != "" {
				known[c.Title] = true
				d.titles = append(d.titles, c.Title)
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	return nil
}

// tile names a tile of the map.
type tile struct{ z, x, y int }

func tileAt(at [2]float64, z int) tile {
	n := math.Exp2(float64(z))
	lat := at[1] * math.Pi / 180
	return tile{z, int((at[0] + 180) / 360 * n), int((1 - math.Log(math.Tan(lat)+1/math.Cos(lat))/math.Pi) / 2 * n)}
}

const tilesEach = 60 // of a zoom, at most

// tiles asks for tiles where cases lie: once as the program has just started, then
// again, then with the tag that the answer had.
func (d *filled) tiles(ctx context.Context) error {
	for _, layer := range []string{"grids", "cases"} {
		for _, z := range []int{8, 10, 12, 14, 16} {
			var list []tile
			known := map[tile]bool{}
			for _, at := range d.at {
				if t := tileAt(at, z); !known[t] && len(list) < tilesEach {
					known[t] = true
					list = append(list, t)
				}
			}
			tags := make([]string, len(list))
			size := 0
			ask := func(what string, tagged bool, rounds int) error {
				var took []time.Duration
				size = 0
				begin := time.Now()
				for range rounds {
					for i, t := range list {
						path := fmt.Sprintf("/api/map/%s/%d/%d/%d", layer, t.z, t.x, t.y)
						asked := time.Now()
						tag := ""
						if tagged {
							tag = tags[i]
						}
						status, n, got, err := d.get(ctx, path, tag)
						if err != nil {
							return err
						}
						took = append(took, time.Since(asked))
						size += n
						switch {
						case tagged && status != http.StatusNotModified:
							return fmt.Errorf("%s: %d for a tile that has not changed", path, status)
						case !tagged && (status != http.StatusOK || n == 0):
							return fmt.Errorf("%s: %d with %d bytes, where a case lies", path, status, n)
						case !tagged && tags[i] != "" && tags[i] != got:
							return fmt.Errorf("%s: another tag although nothing has changed", path)
						case !tagged:
							tags[i] = got
						}
					}
				}
				m := measured{rate: float64(len(took)) / time.Since(begin).Seconds(), details: districtDetails{Requests: len(took), Bytes: size / len(took)}}
				m.p50, m.p99 = quantiles(took)
				r := summed("tiles", d.engine, "tiles/s", d.size, []measured{m})
				r.What = fmt.Sprintf("%s z%d %s", layer, z, what)
				fmt.Printf("  %-28s %8.0f tiles/s, p50 %6.2f ms, p99 %6.2f ms, %6d bytes\n", r.What, r.Rate, r.P50, r.P99, size/len(took))
				r.print()
				return nil
			}
			if layer == "grids" && z == 8 {
				fmt.Printf("\ntiles on %s, one reader\n", d.engine)
			}
			rounds := max(1, 100/len(list))
			if err := ask("cold", false, 1); err != nil {
				return err
			}
			if err := ask("again", false, rounds); err != nil {
				return err
			}
			if err := ask("unchanged", true, rounds); err != nil {
				return err
			}
		}
	}
	return nil
}

// get asks for something that is no JSON.
func (d *filled) get(ctx context.Context, path, tag string) (status, size int, newTag string, err error) {
	rq, err := http.NewRequestWithContext(ctx, http.MethodGet, d.hub.base+path, nil)
	if err != nil {
		return 0, 0, "", err
	}
	if tag != "" {
		rq.Header.Set("If-None-Match", tag)
	}
	answer, err := d.hub.http.Do(rq)
	if err != nil {
		return 0, 0, "", err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, int(n), answer.Header.Get("ETag"), err
}

// question is one thing that is asked for again and again in other words.
type question struct {
	what  string
	paths []string
	some  bool // each must find something
}

// ask asks each question as often as there is time and prints a line.
func (d *filled) ask(ctx context.Context, scenario string, q question) error {
	var took []time.Duration
	begin := time.Now()
	for n := 0; n < len(q.paths) || time.Since(begin) < d.o.length/5; n++ {
		path := q.paths[n%len(q.paths)]
		var found struct {
			Items []json.RawMessage `json:"items"`
		}
		asked := time.Now()
		if err := d.hub.send(ctx, http.MethodGet, path, nil, &found); err != nil {
			return err
		}
		took = append(took, time.Since(asked))
		if q.some && len(found.Items) == 0 {
			return fmt.Errorf("nothing was found: %s", path)
		}
	}
	m := measured{rate: float64(len(took)) / time.Since(begin).Seconds(), details: districtDetails{Requests: len(took)}}
	m.p50, m.p99 = quantiles(took)
	r := summed(scenario, d.engine, "questions/s", d.size, []measured{m})
	r.What = q.what
	fmt.Printf("  %-28s %8.0f /s, p50 %6.2f ms, p99 %6.2f ms\n", r.What, r.Rate, r.P50, r.P99)
	r.print()
	return nil
}

// search looks cases up by their Chinese words and places by words, pinyin and
// first letters.
func (d *filled) search(ctx context.Context) error {
	fmt.Printf("\nsearch on %s, one reader\n", d.engine)
	cases := func(words []string) (paths []string) {
		for _, w := range words {
			paths = append(paths, "/api/cases?view=all&q="+url.QueryEscape(w))
		}
		return paths
	}
	places := func(words ...string) (paths []string) {
		for _, w := range words {
			paths = append(paths, "/api/places/search?q="+url.QueryEscape(w))
		}
		return paths
	}
	var parts []string
	for _, t := range d.titles {
		if r := []rune(t); len(r) >= 4 {
			parts = append(parts, string(r[len(r)-2:]))
		}
	}
	if len(parts) == 0 {
		parts = d.titles
	}
	for _, q := range []question{
		{"cases, whole title", cases(d.titles), true},
		{"cases, two characters", cases(parts), true},
		{"cases, nothing to find", cases([]string{"没有这个词", "火星基地"}), false},
		{"places, Chinese", places("太平", "西梁村", "八里村", "官庄", "张纸"), true},
		{"places, pinyin", places("taiping", "xiliang", "bali", "guanzhuang", "zhangzhi"), true},
		{"places, first letters", places("tp", "xl", "bl", "gz", "zz"), true},
	} {
		if err := d.ask(ctx, "search", q); err != nil {
			return err
		}
	}
	return nil
}

// figures asks the usual tables.
func (d *filled) figures(ctx context.Context) error {
	fmt.Printf("\nfigures on %s, one reader\n", d.engine)
	const months, weeks = "/api/figures?from=2025-01-01&to=2026-12-31&by=", "/api/figures?by="
	for _, q := range []question{
		{"four weeks by item", []string{weeks + "item"}, false},
		{"two years by street", []string{months + "street"}, false},
		{"two years by grid", []string{months + "grid"}, false},
		{"two years by item, compared", []string{months + "item&compare=true"}, false},
	} {
		if err := d.ask(ctx, "figures", q); err != nil {
			return err
		}
	}
	var table struct {
		Totals map[string]int `json:"totals"`
	}
	if err := d.hub.send(ctx, http.MethodGet, months+"street", nil, &table); err != nil {
		return err
	}
	if table.Totals["reported"] != d.size {
		return fmt.Errorf("the figures count %d reports of %d", table.Totals["reported"], d.size)
	}
	return nil
}
