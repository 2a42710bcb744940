package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/grid"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
)

// gridCmd is `onegrid grid`.
type gridCmd struct {
	Locate gridLocateCmd `cmd:"" help:"Say in which grid each position lies."`
}

// gridLocateCmd is `onegrid grid locate`. It needs no data folder.
type gridLocateCmd struct {
	Grids string `required:"" placeholder:"FILE.geojson" help:"Polygons and multipolygons with a property \"code\"; \"kind\": \"special\" cuts a grid out of the others."`
	Datum string `default:"wgs84" placeholder:"wgs84|gcj02|bd09" help:"Datum of the file and of the positions."`
	Times int    `placeholder:"N" help:"Read all positions first, find them N times (1 to 20), and say on standard error, as one JSON object, how long reading the grids, building the index and each finding took."`
}

// Help is shown under the command's flags.
func (gridLocateCmd) Help() string {
	return `Reads one "longitude,latitude" a line on standard input and prints the code of
the grid it lies in, or an empty line. A position lies in exactly one grid, also
on a shared border or corner; one within 1.6 cm of the outer border counts as
inside.

Refuses a file with gaps or overlaps and says where they are. A gap is ground
enclosed by several grids, or a strip between two that is at least 8 times as
long as wide and at most 250 m wide (or a twentieth of the smaller grid's
diagonal). A hole in one polygon's own rings is no gap.

Exit code: 0 when every line was answered, 2 when the grids are refused or a
line is wrong (the lines before it are answered), 1 when reading or writing
failed.

Examples:
  onegrid grid locate --grids grids.geojson < positions.csv
  echo 117.0,36.8 | onegrid grid locate --grids grids.geojson --datum gcj02
  onegrid grid locate --grids grids.geojson --times 3 < positions.csv > codes.txt`
}

// Run answers the lines of its input.
func (c *gridLocateCmd) Run(s streams) error { return c.run(s.in, s.out, s.err) }

// badGridInput is a file of grids or a line that cannot be used; the program
// ends with exit code 2.
type badGridInput struct{ text string }

func (b badGridInput) Error() string { return b.text }

// ExitCode is asked by main.
func (badGridInput) ExitCode() int { return 2 }

// maxShown is how many flaws are written out; the rest are counted.
const maxShown = 20

func (c *gridLocateCmd) run(in io.Reader, out, times io.Writer) error {
	datum, err := geo.ParseDatum(c.Datum)
	if err != nil {
		return badGridInput{fmt.Sprintf("--datum %s: must be wgs84, gcj02 or bd09", c.Datum)}
	}
	if c.Times < 0 || c.Times > 20 {
		return badGridInput{fmt.Sprintf("--times %d: must be 1 to 20", c.Times)}
	}
	begin := time.Now()
	text, err := os.ReadFile(c.Grids)
	if err != nil {
		return err
	}
	drawings, err := readGrids(text, datum)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Grids, err)
	}
	read := time.Now()
	codes, partition, err := buildGrids(drawings)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Grids, err)
	}
	if c.Times > 0 {
		return locateTimed(in, out, times, datum, codes, partition, c.Times, gridTimes{
			Grids: len(codes), ReadMS: milliseconds(read.Sub(begin)), BuildMS: milliseconds(time.Since(read)),
		})
	}
	return locateLines(in, out, datum, codes, partition)
}

// gridTimes is what --times says.
type gridTimes struct {
	Grids     int       `json:"grids"`
	ReadMS    float64   `json:"read_ms"`  // the file of grids
	BuildMS   float64   `json:"build_ms"` // borders brought together and checked, index
	Positions int       `json:"positions"`
	Found     int       `json:"found"`
	FindMS    []float64 `json:"find_ms"` // all positions, on one core, each time
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// locateTimed finds all positions some times between reading and answering them.
func locateTimed(in io.Reader, out, times io.Writer, datum geo.Datum, codes []string, partition *grid.Partition, rounds int, t gridTimes) error {
	var positions []orb.Point
	if err := eachPosition(in, datum, func(p orb.Point) { positions = append(positions, p) }); err != nil {
		return err
	}
	found := make([]int32, len(positions))
	runtime.GC() // what reading left behind is not counted
	for range rounds {
		begin := time.Now()
		for i, p := range positions {
			found[i] = int32(partition.Find(p))
		}
		t.FindMS = append(t.FindMS, milliseconds(time.Since(begin)))
	}
	w := bufio.NewWriterSize(out, 1<<16)
	for _, i := range found {
		if i >= 0 {
			t.Found++
			w.WriteString(codes[i])
		}
		w.WriteByte('\n')
	}
	t.Positions = len(positions)
	return errors.Join(w.Flush(), json.NewEncoder(times).Encode(t))
}

// readGrids reads a file of grids.
func readGrids(text []byte, datum geo.Datum) ([]grid.Drawing, error) {
	drawings, err := grid.ReadDrawings(text, datum)
	if err != nil {
		return nil, badGridInput{plainFault(err)}
	}
	return drawings, nil
}

// buildGrids refuses grids when a feature cannot be used or the partition has a
// flaw.
func buildGrids(drawings []grid.Drawing) ([]string, *grid.Partition, error) {
	var b bytes.Buffer
	bad := 0
	codes := make([]string, len(drawings))
	drawn := make([]grid.Drawn, len(drawings))
	for i, d := range drawings {
		codes[i], drawn[i] = d.Code, d.Drawn()
		if d.Err == nil {
			continue
		}
		if bad++; bad <= maxShown {
			fmt.Fprintf(&b, "\n  feature %d", d.Number)
			if d.Code != "" {
				fmt.Fprintf(&b, " (code %s)", d.Code)
			}
			fmt.Fprintf(&b, ": %s", plainFault(d.Err))
		}
	}
	if bad > 0 {
		return nil, nil, badGridInput{fmt.Sprintf("%d of %d features cannot be used:%s", bad, len(drawings), &b)}
	}
	partition, err := grid.Build(drawn)
	if err != nil {
		return nil, nil, badGridInput{plainFault(err)}
	}
	for i, f := range partition.Flaws {
		if i < maxShown {
			fmt.Fprintf(&b, "\n  %s", f)
		}
	}
	if n := len(partition.Flaws); n > 0 {
		if n > maxShown {
			fmt.Fprintf(&b, "\n  and %d more", n-maxShown)
		}
		return nil, nil, badGridInput{fmt.Sprintf("the grids are no partition, %d places are wrong:%s", n, &b)}
	}
	return codes, partition, nil
}

// plainFault writes a fault for the terminal: what is known to be wrong, its
// code last.
func plainFault(err error) string {
	f := fault.Of(err)
	switch {
	case f.Args["why"] != nil && f.Args["line"] != nil:
		return fmt.Sprintf("line %v: %v (%s)", f.Args["line"], f.Args["why"], f.Code)
	case f.Args["why"] != nil:
		return fmt.Sprintf("%v (%s)", f.Args["why"], f.Code)
	}
	return f.Error()
}

func locateLines(in io.Reader, out io.Writer, datum geo.Datum, codes []string, partition *grid.Partition) (err error) {
	w := bufio.NewWriterSize(out, 1<<16)
	// What was answered before a bad line is still given out.
	defer func() { err = errors.Join(err, w.Flush()) }()
	return eachPosition(in, datum, func(p orb.Point) {
		if i := partition.Find(p); i >= 0 {
			w.WriteString(codes[i])
		}
		w.WriteByte('\n')
	})
}

// eachPosition reads the lines of positions.
func eachPosition(in io.Reader, datum geo.Datum, f func(p orb.Point)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<16), 1<<16)
	number := 0
	for lines.Scan() {
		number++
		p, err := readPosition(lines.Bytes())
		if err == nil {
			p, err = datum.ToWGS84(p)
		}
		if err != nil {
			return badGridInput{fmt.Sprintf("line %d: %v", number, err)}
		}
		f(p)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return badGridInput{fmt.Sprintf("line %d: longer than %d bytes", number+1, 1<<16)}
	} else if err != nil {
		return fmt.Errorf("line %d: %w", number+1, err)
	}
	return nil
}

// readPosition reads "longitude,latitude".
func readPosition(line []byte) (orb.Point, error) {
	lon, lat, found := bytes.Cut(line, []byte(","))
	if found {
		x, errX := strconv.ParseFloat(string(bytes.TrimSpace(lon)), 64)
		y, errY := strconv.ParseFloat(string(bytes.TrimSpace(lat)), 64)
		if errX == nil && errY == nil {
			p := orb.Point{x, y}
			if geo.Check(p) != nil {
				return p, fmt.Errorf("longitude must be in -180…180 and latitude in -90…90, not %q", line)
			}
			return p, nil
		}
	}
	if len(line) > 60 {
		line = line[:60]
	}
	return orb.Point{}, fmt.Errorf("expected longitude,latitude in degrees, not %q", line)
}
