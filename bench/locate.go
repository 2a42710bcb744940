package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// locate: how many positions a core finds the grid of, by the program's own
// locator (onegrid grid locate, which checks that the grids are a partition and
// times nothing but the finding) and by PostGIS on the same polygons and
// positions with GiST indexes, in one statement for all and position by position.
// Both must give the same answers.
//
// The grids are a lattice of cells with 48 corners each whose borders are
// crooked: the drawing of an area with about as many corners as real ones have.

const (
	locatePositions = 1_000_000 // at most; 1,000 for each grid
	locateAsked     = 100_000   // of them, what PostGIS is asked in one statement
	cellCorners     = 48
	cellWidth       = 0.004 // degrees, about 400 m
)

// locateDetails are what only this scenario tells.
type locateDetails struct {
	Positions int     `json:"positions"`
	Found     int     `json:"found"`
	ReadMS    float64 `json:"read_ms,omitempty"`
	BuildMS   float64 `json:"build_ms,omitempty"`
	Compared  int     `json:"compared,omitempty"` // with PostGIS
	OnBorder  int     `json:"on_border,omitempty"`
	Way       string  `json:"way,omitempty"` // what PostGIS chose to do
}

// locate is `bench locate`; sizes are grids.
func locate(ctx context.Context, o options) error {
	for _, size := range o.sizesOr(1000, 10_000, 100_000) {
		if err := locateSize(ctx, o, size); err != nil {
			return fmt.Errorf("%d grids: %w", size, err)
		}
	}
	return nil
}

func locateSize(ctx context.Context, o options, size int) (err error) {
	dir, err := os.MkdirTemp("", "onegrid-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	side := int(math.Ceil(math.Sqrt(float64(size))))
	size = side * side
	r := mathrand.New(mathrand.NewPCG(1, uint64(size)))
	cells := lattice(r, side, cellCorners/4)
	grids := filepath.Join(dir, "grids.geojson")
	if err := writeGrids(grids, cells); err != nil {
		return err
	}
	positions := make([]spot, min(locatePositions, 1000*size))
	for i := range positions {
		positions[i] = spot{westEdge + int64(r.Float64()*float64(side)*cellWidth*spotScale), southEdge + int64(r.Float64()*float64(side)*cellWidth*spotScale)}
	}
	ours, answers, err := locateOurs(ctx, o, grids, positions)
	if err != nil {
		return err
	}
	own := summed("locate", "onegrid", "positions/s", size, ours)
	d, _ := own.Details.(locateDetails)
	fmt.Printf("\nlocate in %d grids: %.0f positions/s on one core (%.0f to %.0f in %d runs); read in %.1f s, built in %.1f s\n",
		size, own.Rate, own.Min, own.Max, own.Runs, d.ReadMS/1000, d.BuildMS/1000)
	// Most of the area is covered: a lattice has crooked outer borders.
	if 10*d.Found < 9*d.Positions {
		return fmt.Errorf("only %d of %d positions were found", d.Found, d.Positions)
	}
	if !o.peers {
		own.print()
		return nil
	}
	atOnce, oneByOne, err := locatePostGIS(ctx, o, dir, cells, positions, answers)
	if errors.Is(err, errNoPostGIS) {
		fmt.Println("  PostGIS is not installed (Debian package postgresql-15-postgis-3): no reference, answers compared with nothing")
		own.print()
		return nil
	}
	if err != nil {
		return err
	}
	for _, ref := range []Result{summed("locate", "postgis, one statement", "positions/s", size, atOnce), summed("locate", "postgis, one by one", "positions/s", size, oneByOne)} {
		with := own.against(ref.Engine, ref)
		fmt.Printf("  %s: %.0f/s; OneGrid finds %.0f times as many\n", ref.Engine, ref.Rate, with.Ratio)
		ref.print()
		with.print()
	}
	return nil
}

// spot is a position in units of 1e-7 degrees, which both sides read exactly.
type spot struct{ x, y int64 }

const (
	spotScale = 1e7
	westEdge  = 117 * spotScale
	southEdge = 368 * spotScale / 10
)

func (s spot) text(b *bytes.Buffer, between byte) {
	fmt.Fprintf(b, "%d.%07d%c%d.%07d", s.x/spotScale, s.x%spotScale, between, s.y/spotScale, s.y%spotScale)
}

// lattice draws side × side cells whose borders are crooked lines of some pieces;
// neighbours share every corner.
func lattice(r *mathrand.Rand, side, pieces int) [][]spot {
	const step = cellWidth * spotScale
	shake := func(of float64) int64 { return int64(step * of * (r.Float64() - 0.5)) }
	corners := make([][]spot, side+1)
	for i := range corners {
		corners[i] = make([]spot, side+1)
		for j := range corners[i] {
			corners[i][j] = spot{westEdge + int64(i)*step + shake(0.4), southEdge + int64(j)*step + shake(0.4)}
		}
	}
	line := func(a, b spot) []spot { // without its end
		out := []spot{a}
		for k := 1; k < pieces; k++ {
			t := float64(k) / float64(pieces)
			out = append(out, spot{a.x + int64(t*float64(b.x-a.x)) + shake(0.04), a.y + int64(t*float64(b.y-a.y)) + shake(0.04)})
		}
		return out
	}
	// Lines eastward and northward from each corner, each drawn once.
	east, north := make([][][]spot, side+1), make([][][]spot, side+1)
	for i := range side + 1 {
		east[i], north[i] = make([][]spot, side+1), make([][]spot, side+1)
		for j := range side + 1 {
			if i < side {
				east[i][j] = line(corners[i][j], corners[i+1][j])
			}
			if j < side {
				north[i][j] = line(corners[i][j], corners[i][j+1])
			}
		}
	}
	back := func(ring, l []spot, end spot) []spot { // the line from its end, without its start
		ring = append(ring, end)
		for k := len(l) - 1; k > 0; k-- {
			ring = append(ring, l[k])
		}
		return ring
	}
	var cells [][]spot
	for i := range side {
		for j := range side {
			var ring []spot
			ring = append(ring, east[i][j]...)
			ring = append(ring, north[i+1][j]...)
			ring = back(ring, east[i][j+1], corners[i+1][j+1])
			ring = back(ring, north[i][j], corners[i][j+1])
			cells = append(cells, append(ring, ring[0]))
		}
	}
	return cells
}

func cellCode(i int) string { return fmt.Sprintf("G%06d", i) }

func writeGrids(file string, cells [][]spot) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := bufio.NewWriterSize(out, 1<<20)
	w.WriteString(`{"type":"FeatureCollection","features":[`)
	var b bytes.Buffer
	for i, ring := range cells {
		b.Reset()
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n"+`{"type":"Feature","properties":{"code":%q},"geometry":{"type":"Polygon","coordinates":[[`, cellCode(i))
		for k, s := range ring {
			if k > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('[')
			s.text(&b, ',')
			b.WriteByte(']')
		}
		b.WriteString("]]}}")
		w.Write(b.Bytes())
	}
	w.WriteString("\n]}\n")
	return w.Flush()
}

// locateOurs lets the program find all positions, as often as there are runs.
func locateOurs(ctx context.Context, o options, grids string, positions []spot) ([]measured, []string, error) {
	var in bytes.Buffer
	for _, s := range positions {
		s.text(&in, ',')
		in.WriteByte('\n')
	}
	var out, told bytes.Buffer
	cmd := exec.CommandContext(ctx, o.program, "grid", "locate", "--grids", grids, "--times", strconv.Itoa(o.runs))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &told
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("onegrid grid locate: %w: %s", err, told.String())
	}
	var t struct {
		Read      float64   `json:"read_ms"`
		Build     float64   `json:"build_ms"`
		Positions int       `json:"positions"`
		Found     int       `json:"found"`
		Find      []float64 `json:"find_ms"`
	}
	if err := json.Unmarshal(told.Bytes(), &t); err != nil {
		return nil, nil, fmt.Errorf("onegrid grid locate: %w in %s", err, told.String())
	}
	answers := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(answers) != len(positions) || t.Positions != len(positions) {
		return nil, nil, fmt.Errorf("%d answers for %d positions", len(answers), len(positions))
	}
	var runs []measured
	for _, ms := range t.Find {
		runs = append(runs, measured{rate: float64(t.Positions) / (ms / 1000),
			details: locateDetails{Positions: t.Positions, Found: t.Found, ReadMS: t.Read, BuildMS: t.Build}})
	}
	return runs, answers, nil
}

// errNoPostGIS says that there is nothing to compare with.
var errNoPostGIS = errors.New("PostGIS is not installed")

// locatePostGIS asks PostGIS for the same and compares the answers.
func locatePostGIS(ctx context.Context, o options, dir string, cells [][]spot, positions []spot, answers []string) (atOnce, oneByOne []measured, err error) {
	if found, err := filepath.Glob("/usr/share/postgresql/*/extension/postgis.control"); err != nil || len(found) == 0 {
		return nil, nil, errors.Join(errNoPostGIS, err)
	}
	dsn, _, stop, err := startPostgres(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	defer stop()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	asked := min(locateAsked, len(positions))
	for _, s := range []string{
		`CREATE EXTENSION postgis`, `SET max_parallel_workers_per_gather = 0`, `SET jit = off`, `SET statement_timeout = '120s'`,
		`CREATE TABLE grid (code text, shape geometry(Polygon, 4326))`, `CREATE TABLE spot (n int, at geometry(Point, 4326))`,
	} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return nil, nil, fmt.Errorf("%w in %s", err, s)
		}
	}
	if err := copyIn(ctx, conn, "COPY grid FROM STDIN", len(cells), func(i int, b *bytes.Buffer) {
		b.WriteString(cellCode(i) + "\tSRID=4326;POLYGON((")
		for k, s := range cells[i] {
			if k > 0 {
				b.WriteByte(',')
			}
			s.text(b, ' ')
		}
		b.WriteString("))\n")
	}); err != nil {
		return nil, nil, err
	}
	if err := copyIn(ctx, conn, "COPY spot FROM STDIN", asked, func(i int, b *bytes.Buffer) {
		fmt.Fprintf(b, "%d\tSRID=4326;POINT(", i)
		positions[i].text(b, ' ')
		b.WriteString(")\n")
	}); err != nil {
		return nil, nil, err
	}
	for _, s := range []string{
		`CREATE INDEX ON grid USING gist (shape)`, `CREATE INDEX ON spot USING gist (at)`, `VACUUM ANALYZE grid`, `VACUUM ANALYZE spot`,
	} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return nil, nil, fmt.Errorf("%w in %s", err, s)
		}
	}
	const join = `SELECT s.n, g.code FROM spot s JOIN grid g ON ST_Intersects(g.shape, s.at)`
	var way string
	if err := conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+join).Scan(&way); err != nil {
		return nil, nil, err
	}
	for first := time.Now(); len(atOnce) < o.runs && (len(atOnce) == 0 || time.Since(first) < 15*time.Second); {
		found := make([][]string, asked)
		begin := time.Now()
		rows, err := conn.Query(ctx, join)
		if err != nil {
			return nil, nil, err
		}
		n := 0
		for rows.Next() {
			var i int
			var code string
			if err := rows.Scan(&i, &code); err != nil {
				return nil, nil, err
			}
			found[i] = append(found[i], code)
			n++
		}
		if err := rows.Err(); err != nil {
			return nil, nil, err
		}
		d := locateDetails{Positions: asked, Found: n, Compared: asked, Way: planWays(way)}
		rate := float64(asked) / time.Since(begin).Seconds()
		if d.OnBorder, err = sameAnswers(found, answers[:asked]); err != nil {
			return nil, nil, err
		}
		atOnce = append(atOnce, measured{rate: rate, details: d})

		one := `SELECT code FROM grid WHERE ST_Intersects(shape, ST_SetSRID(ST_MakePoint($1, $2), 4326)) LIMIT 1`
		n = 0
		begin = time.Now()
		for time.Since(begin) < min(o.length, 5*time.Second) && n < asked {
			s := positions[n]
			var code string
			err := conn.QueryRow(ctx, one, float64(s.x)/spotScale, float64(s.y)/spotScale).Scan(&code)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return nil, nil, err
			}
			n++
		}
		oneByOne = append(oneByOne, measured{rate: float64(n) / time.Since(begin).Seconds(), details: locateDetails{Positions: n}})
	}
	return atOnce, oneByOne, nil
}

// copyIn sends rows as the server's own text format.
func copyIn(ctx context.Context, conn *pgx.Conn, sql string, n int, row func(i int, b *bytes.Buffer)) error {
	in, out := io.Pipe()
	go func() {
		var b bytes.Buffer
		for i := range n {
			row(i, &b)
			if b.Len() > 1<<20 {
				if _, err := out.Write(b.Bytes()); err != nil {
					return
				}
				b.Reset()
			}
		}
		_, err := out.Write(b.Bytes())
		_ = out.CloseWithError(err)
	}()
	_, err := conn.PgConn().CopyFrom(ctx, in, sql)
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("%w in %s", err, sql)
	}
	return nil
}

// sameAnswers compares what PostGIS found with ours. Of several grids (a position
// on their border) ours must be one; those within 1.6 cm of the outer border are
// found by us alone, and a position that only we find must be such.
func sameAnswers(found [][]string, ours []string) (onBorder int, err error) {
	for i, codes := range found {
		fits := len(codes) == 0 && ours[i] == ""
		for _, c := range codes {
			fits = fits || c == ours[i]
		}
		switch {
		case fits && len(codes) > 1:
			onBorder++
		case fits:
		case len(codes) == 0:
			onBorder++
			if onBorder > 10+len(ours)/1000 {
				return onBorder, fmt.Errorf("%d positions lie in a grid of ours and in none of PostGIS", onBorder)
			}
		default:
			return onBorder, fmt.Errorf("position %d: %q here, %v in PostGIS", i, ours[i], codes)
		}
	}
	return onBorder, nil
}

// planWays names what a plan does, from the top.
func planWays(explained string) string {
	var plans []struct {
		Plan planNode `json:"Plan"`
	}
	if json.Unmarshal([]byte(explained), &plans) != nil || len(plans) == 0 {
		return ""
	}
	return plans[0].Plan.String()
}

type planNode struct {
	Type  string     `json:"Node Type"`
	Table string     `json:"Relation Name"`
	Parts []planNode `json:"Plans"`
}

func (p planNode) String() string {
	s := strings.TrimSpace(p.Type + " " + p.Table)
	if len(p.Parts) == 0 {
		return s
	}
	var parts []string
	for _, c := range p.Parts {
		parts = append(parts, c.String())
	}
	return s + " (" + strings.Join(parts, ", ") + ")"
}
