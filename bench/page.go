package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// docs/benchmarks.md is made of three things: the JSON lines of the last runs
// (results/*.jsonl), the goals, and what people wrote about it (notes/*.md).
// A note is the section of the scenario that it is named after: a heading, text,
// and a line {{table}} where the table goes. Notes without a scenario are read
// first (intro.md) or last (outro.md).
const (
	resultsFolder = "results"
	notesFolder   = "notes"
	pageFile      = "../docs/benchmarks.md"
	tableMark     = "{{table}}"
)

// writePage is `bench page`.
func writePage(context.Context, options) error {
	lines, err := readResults(resultsFolder)
	if err != nil {
		return err
	}
	text, err := page(lines, func(name string) (string, error) {
		raw, err := os.ReadFile(filepath.Join(notesFolder, name+".md"))
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return string(raw), err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(pageFile, []byte(text), 0o644)
}

// readResults reads the lines of all runs that were kept, by file.
func readResults(folder string) ([]Result, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []Result
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		scan := bufio.NewScanner(bytes.NewReader(raw))
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			var r Result
			if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			out = append(out, r)
		}
		if err := scan.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return out, nil
}

// page joins results and notes; note gives a note, or nothing.
func page(lines []Result, note func(name string) (string, error)) (string, error) {
	var b strings.Builder
	intro, err := note("intro")
	if err != nil {
		return "", err
	}
	b.WriteString(strings.Replace(intro, tableMark, goalTable(lines), 1))
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	for _, r := range lines { // results of scenarios that have several parts
		if !slices.Contains(names, r.Scenario) {
			names = append(names, r.Scenario)
		}
	}
	for _, name := range names {
		text, err := note(name)
		if err != nil {
			return "", err
		}
		var own []Result
		for _, r := range lines {
			if r.Scenario == name {
				own = append(own, r)
			}
		}
		if text == "" && len(own) == 0 {
			continue
		}
		if text == "" {
			text = "## " + strings.ToUpper(name[:1]) + name[1:] + "\n\n" + tableMark + "\n"
		}
		table := "Not measured yet.\n"
		if len(own) > 0 {
			table = resultTable(own)
		}
		b.WriteString("\n" + strings.Replace(text, tableMark+"\n", table, 1))
	}
	outro, err := note("outro")
	if err != nil {
		return "", err
	}
	b.WriteString("\n" + outro)
	return b.String(), nil
}

// resultTable is the table of one scenario: a row for each line, and under it
// where and when it was measured.
func resultTable(lines []Result) string {
	var b strings.Builder
	b.WriteString("| what | size | rate | p50 ms | p99 ms | reference | ratio | runs | min – median – max |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n")
	var places []string
	for _, r := range lines {
		what := strings.TrimSpace(r.What + " " + r.Engine)
		size, reference, ratio, p50, p99 := "–", "–", "–", "–", "–"
		if r.Size > 0 {
			size = grouped(float64(r.Size))
		}
		if r.Reference != "" {
			reference, ratio = fmt.Sprintf("%s: %s", r.Reference, grouped(r.ReferenceRate)), figure(r.Ratio)
		}
		if r.P99 > 0 {
			p50, p99 = figure(r.P50), figure(r.P99)
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s | %s | %s | %s | %d | %s – %s – %s |\n", what, size, grouped(r.Rate), r.Unit, p50, p99,
			reference, ratio, r.Runs, grouped(r.Min), grouped(r.Median), grouped(r.Max))
		place := fmt.Sprintf("commit %s, %s, %s", r.Commit, r.Machine, r.At)
		if r.Load > 0 {
			place += fmt.Sprintf(", load average %.1f", r.Load)
		}
		// Lines of one run differ in the minute and the load only.
		if i := slices.IndexFunc(places, func(p string) bool { return strings.HasPrefix(p, "commit "+r.Commit+", "+r.Machine) }); i < 0 {
			places = append(places, place)
		}
	}
	fmt.Fprintf(&b, "\nMeasured at %s.\n", strings.Join(places, "; "))
	return b.String()
}

// figure writes a number with about three digits that count.
func figure(f float64) string {
	switch {
	case f >= 100:
		return grouped(f)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	case f >= 0.1 || f == 0:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	return strconv.FormatFloat(f, 'g', 2, 64)
}

// grouped writes a rate or a size: whole numbers with commas, small ones as
// figures.
func grouped(f float64) string {
	if f < 100 && f != float64(int64(f)) {
		return figure(f)
	}
	s := strconv.FormatInt(int64(f+0.5), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// goal is a line of DESIGN.md section 15 that a scenario answers.
type goal struct {
	text string
	// reached gives the figure and whether it is good enough; "" where nothing
	// was measured yet.
	reached func(lines []Result) (figure string, good bool)
}

// goals are those of DESIGN.md section 15 that bench/ measures.
var goals = []goal{
	{"lifecycle, SQLite: at least 1,500/s on two cores, load generator included", best(func(r Result) bool {
		return r.Scenario == "lifecycle" && r.Engine == "sqlite" && r.Size == 0
	}, rateAtLeast(1500))},
	{"lifecycle, SQLite at 10 million cases: at least 90 % of the rate when empty", func(lines []Result) (string, bool) {
		empty, full := 0.0, 0.0
		for _, r := range lines {
			switch {
			case r.Scenario != "lifecycle" || r.Engine != "sqlite":
			case r.Size == 0:
				empty = r.Rate
			case r.Size >= 9_900_000:
				full = r.Rate
			}
		}
		if empty == 0 || full == 0 {
			return "", false
		}
		return fmt.Sprintf("%.0f %%", 100*full/empty), full >= 0.9*empty
	}},
	{"lifecycle, PostgreSQL: at least 40 % of bare group commits", best(func(r Result) bool {
		return r.Scenario == "lifecycle" && r.Engine == "postgres" && r.Reference == "bare group commits"
	}, ratioAtLeast(0.4))},
	{"lifecycle: ahead of PocketBase", best(func(r Result) bool { return r.Scenario == "lifecycle" && r.Reference == "pocketbase" }, ratioAtLeast(1))},
	{"worklist at 10 million cases: p99 under 5 ms", worst(func(r Result) bool { return r.Scenario == "worklist" && r.Size >= 9_900_000 }, p99Under(5))},
	{"event to screen with 5,000 listeners: p99 under 150 ms", worst(func(r Result) bool {
		return r.Scenario == "live" && r.Size == 5000 && r.What == "arrival"
	}, p99Under(150))},
	{"locate: at least 1,000,000/s a core with 100,000 grids", worst(func(r Result) bool {
		return r.Scenario == "locate" && r.Size >= 100_000 && r.Engine == "onegrid"
	}, rateAtLeast(1_000_000))},
	{"a start: ready in less than 1 s and less than 300 MB", worst(func(r Result) bool {
		return r.Scenario == "growth" && r.Engine == "sqlite" && r.Size == 0
	}, func(r Result) (float64, string, bool) {
		d, _ := r.Details.(map[string]any) // as it was read back
		memory, _ := d["memory_mb"].(float64)
		return -r.P50, fmt.Sprintf("%.0f ms, %.0f MB", r.P50, memory), r.P50 < 1000 && memory > 0 && memory < 300
	})},
}

func rateAtLeast(least float64) func(Result) (float64, string, bool) {
	return func(r Result) (float64, string, bool) { return r.Rate, grouped(r.Rate) + " " + r.Unit, r.Rate >= least }
}

func ratioAtLeast(least float64) func(Result) (float64, string, bool) {
	return func(r Result) (float64, string, bool) {
		return r.Ratio, figure(r.Ratio) + " of " + r.Reference, r.Ratio >= least
	}
}

func p99Under(most float64) func(Result) (float64, string, bool) {
	return func(r Result) (float64, string, bool) {
		return -r.P99, strings.TrimSpace(figure(r.P99) + " ms " + r.Engine), r.P99 < most
	}
}

// best judges by the best line that fits, worst by the worst; judge gives a value
// that is better the higher it is.
func best(fits func(Result) bool, judge func(Result) (float64, string, bool)) func([]Result) (string, bool) {
	return chosen(fits, judge, 1)
}

func worst(fits func(Result) bool, judge func(Result) (float64, string, bool)) func([]Result) (string, bool) {
	return chosen(fits, judge, -1)
}

func chosen(fits func(Result) bool, judge func(Result) (float64, string, bool), sign int) func([]Result) (string, bool) {
	return func(lines []Result) (text string, good bool) {
		var value float64
		for _, r := range lines {
			if !fits(r) {
				continue
			}
			if v, t, g := judge(r); text == "" || sign*cmp.Compare(v, value) > 0 {
				value, text, good = v, t, g
			}
		}
		return text, good
	}
}

// goalTable says which goals were reached.
func goalTable(lines []Result) string {
	var b strings.Builder
	b.WriteString("| goal (DESIGN.md 15) | measured | reached |\n| --- | ---: | --- |\n")
	for _, g := range goals {
		text, good := g.reached(lines)
		answer := "**no**"
		switch {
		case text == "":
			text, answer = "–", "not measured yet"
		case good:
			answer = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.text, text, answer)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
