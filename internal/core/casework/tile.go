package casework

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// The open cases on the map, as vector tiles (矢量瓦片). Far away they are gathered
// into clusters (聚合点), near by each is a point of its own. A case lies in exactly
// one tile of a zoom, so that the counts of all tiles add up to what the reader
// may see. (DESIGN.md section 10)

const (
	spotZoom  = 24 // of Case.spot: some two metres
	pointZoom = 16 // from here on each case is a point
	maxZoom   = 20
	gather    = 3 // a tile is cut into 8×8 clusters
	// maxPoints is how many points one tile holds; a fuller one is gathered into
	// 32×32 clusters, so that no tile ever has more than 1,024 features.
	maxPoints   = 1000
	gatherDense = 5
	maxInTile   = 200 // cases that one list of a tile holds
)

// ErrTile says that there is no such tile.
var ErrTile = fault.New(fault.Missing, "case.tile")

// spotOf is a position as one number.
func spotOf(lon, lat float64) int64 {
	t := maptile.At(orb.Point{lon, lat}, spotZoom)
	last := uint32(1)<<spotZoom - 1 // the far edge belongs to the last tile
	t.X, t.Y = min(t.X, last), min(t.Y, last)
	return int64(t.Quadkey())
}

// spots is the range of a tile: from the first, before the second.
func spots(t maptile.Tile) (first, end int64) {
	shift := 2 * (spotZoom - int64(t.Z))
	first = int64(t.Quadkey()) << shift
	return first, first + int64(1)<<shift
}

// OnMap is what the cases of a map are cut by.
type OnMap struct {
	Item string
	Late bool
}

// scoped is a condition on the cases of one tile that the actor may see. Here the
// tile leads through the index and the walks are conditions; lists, which each
// walk leads through an index of its own, never do it so.
type scoped struct {
	sql  strings.Builder
	args []any
}

func (q *scoped) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

// inTile gives the condition; false means that the actor may see nothing.
func inTile(walks []access.Walk, t maptile.Tile, f OnMap, now time.Time) (*scoped, bool) {
	q := &scoped{}
	first, end := spots(t)
	fmt.Fprintf(&q.sql, `c.spot IS NOT NULL AND c.closed_at IS NULL AND c.parent_id IS NULL AND c.spot >= %s AND c.spot < %s`, q.arg(first), q.arg(end))
	if f.Item != "" {
		q.sql.WriteString(` AND c.item = ` + q.arg(f.Item))
	}
	if f.Late {
		q.sql.WriteString(` AND c.list_at < ` + q.arg(now.UnixMilli()))
	}
	var ways []string
	for _, w := range walks {
		for _, l := range lines([]access.Walk{w}) {
			secret := ` AND c.secrecy <= ` + q.arg(int64(l.max))
			switch {
			case strings.HasPrefix(l.column, "s."):
				ways = append(ways, `EXISTS (SELECT 1 FROM case_side s WHERE s.case_id = c.id AND `+l.column+` = `+q.arg(l.node)+`)`+secret)
			case strings.HasPrefix(l.column, "n."):
				ways = append(ways, `EXISTS (SELECT 1 FROM case_named n WHERE n.case_id = c.id AND `+l.column+` = `+q.arg(l.node)+`)`+secret)
			default:
				ways = append(ways, l.column+` = `+q.arg(l.node)+secret)
			}
		}
	}
	q.sql.WriteString(` AND (` + strings.Join(ways, ` OR `) + `)`)
	return q, len(ways) > 0
}

// Tile draws the open cases of a tile that the actor may see (MVT 2.1, layer
// case). A cluster has count, late and urgent (how many of them), and cell: the
// tile z/x/y whose cases it stands for, which CasesIn lists. A single case has
// the same, with cell the spot on which it stands, and id, number, item and state,
// far away too. Permission case.view.
// Code: case.tile.
func (d *Desk) Tile(tx *db.Tx, by *access.Actor, t maptile.Tile, f OnMap) ([]byte, error) {
	if t.Z > maxZoom || !t.Valid() {
		return nil, ErrTile
	}
	layer := &mvt.Layer{Name: "case", Version: 2, Extent: mvt.DefaultExtent}
	if q, any := inTile(by.Walks("case.view"), t, f, tx.Now()); any {
		var err error
		if layer.Features, err = tileFeatures(tx, q, t); err != nil {
			return nil, err
		}
	}
	layers := mvt.Layers{layer}
	if len(layer.Features) == 0 {
		layers = nil
	}
	layers.ProjectToTile(t)
	raw, err := mvt.Marshal(layers)
	if err != nil {
		return nil, fmt.Errorf("draw tile %d/%d/%d: %w", t.Z, t.X, t.Y, err)
	}
	return raw, nil
}

func tileFeatures(tx *db.Tx, q *scoped, t maptile.Tile) ([]*geojson.Feature, error) {
	cells := t.Z + gather
	if t.Z >= pointZoom {
		found, err := dots(tx, ` FROM cases c WHERE `+q.sql.String()+fmt.Sprintf(` ORDER BY c.spot, c.number LIMIT %d`, maxPoints+1), q.args...)
		if err != nil {
			return nil, err
		}
		if len(found) <= maxPoints {
			return features(found, tx.Now()), nil
		}
		cells = min(t.Z+gatherDense, spotZoom)
	}
	groups, err := clusters(tx, q, cells)
	if err != nil {
		return nil, err
	}
	var single []string
	var out []*geojson.Feature
	for _, g := range groups {
		if g.count == 1 {
			single = append(single, g.number)
			continue
		}
		cell := maptile.FromQuadkey(uint64(g.cell), cells)
		n := float64(g.count)
		out = append(out, &geojson.Feature{Type: "Feature", Geometry: within(orb.Point{g.lon / n, g.lat / n}, cell), Properties: geojson.Properties{
			"count": g.count, "late": g.late, "urgent": g.urgent, "cell": cellName(cell),
		}})
	}
	for some := range slices.Chunk(single, 200) {
		args, marks := make([]any, len(some)), make([]string, len(some))
		for i, number := range some {
			args[i], marks[i] = number, fmt.Sprintf("$%d", i+1)
		}
		found, err := dots(tx, ` FROM cases c WHERE c.number IN (`+strings.Join(marks, ", ")+`) ORDER BY c.spot, c.number`, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, features(found, tx.Now())...)
	}
	return out, nil
}

// within keeps the middle of a cluster in its own cell, whatever rounding did.
func within(p orb.Point, cell maptile.Tile) orb.Point {
	if maptile.At(p, cell.Z) == cell {
		return p
	}
	return cell.Center()
}

type cluster struct {
	cell                int64
	count, late, urgent int64
	lon, lat            float64 // summed
	number              string  // of its only case, or one of them
}

func clusters(tx *db.Tx, q *scoped, zoom maptile.Zoom) ([]cluster, error) {
	cell := `c.spot / ` + q.arg(int64(1)<<(2*(spotZoom-int64(zoom))))
	now, urgent := q.arg(tx.Now().UnixMilli()), q.arg(catalog.Urgent)
	rows, err := tx.Query(`SELECT cell, COUNT(*), SUM(late), SUM(urgent), SUM(lon), SUM(lat), MAX(number) FROM (
		SELECT `+cell+` AS cell, CASE WHEN c.list_at < `+now+` THEN 1 ELSE 0 END AS late, CASE WHEN c.priority = `+urgent+` THEN 1 ELSE 0 END AS urgent, c.lon, c.lat, c.number
		FROM cases c WHERE `+q.sql.String()+`) AS one GROUP BY cell ORDER BY cell`, q.args...)
	if err != nil {
		return nil, fmt.Errorf("gather cases: %w", err)
	}
	defer rows.Close()
	var out []cluster
	for rows.Next() {
		var g cluster
		if err := rows.Scan(&g.cell, &g.count, &g.late, &g.urgent, db.Float(&g.lon), db.Float(&g.lat), &g.number); err != nil {
			return nil, fmt.Errorf("gather cases: %w", err)
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// dot is as little of a case as a point on the map needs.
type dot struct {
	id       id.ID
	number   string
	item     string
	state    State
	priority catalog.Priority
	listAt   int64
	spot     int64
	lon, lat float64
}

func dots(tx *db.Tx, from string, args ...any) ([]dot, error) {
	rows, err := tx.Query(`SELECT c.id, c.number, c.item, c.state, c.priority, c.list_at, c.spot, c.lon, c.lat`+from, args...)
	if err != nil {
		return nil, fmt.Errorf("read cases of a tile: %w", err)
	}
	defer rows.Close()
	var out []dot
	for rows.Next() {
		var p dot
		if err := rows.Scan(&p.id, &p.number, &p.item, &p.state, &p.priority, &p.listAt, &p.spot, db.Float(&p.lon), db.Float(&p.lat)); err != nil {
			return nil, fmt.Errorf("read cases of a tile: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func features(some []dot, now time.Time) []*geojson.Feature {
	out := make([]*geojson.Feature, len(some))
	for i, p := range some {
		cell := maptile.FromQuadkey(uint64(p.spot), spotZoom)
		out[i] = &geojson.Feature{Type: "Feature", Geometry: orb.Point{p.lon, p.lat}, Properties: geojson.Properties{
			"count": int64(1), "late": counted(p.listAt < now.UnixMilli()), "urgent": counted(p.priority == catalog.Urgent),
			"id": p.id.String(), "number": p.number, "item": p.item, "state": string(p.state), "cell": cellName(cell),
		}}
	}
	return out
}

func cellName(t maptile.Tile) string { return fmt.Sprintf("%d/%d/%d", t.Z, t.X, t.Y) }

func counted(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// CasesIn lists the open cases of a tile, or of a cluster's cell, that the actor
// may see, those due first on top, and says how many there are. Permission
// case.view. Code: case.tile.
func (d *Desk) CasesIn(tx *db.Tx, by *access.Actor, t maptile.Tile, f OnMap, limit int) ([]Case, int64, error) {
	if t.Z > spotZoom || !t.Valid() {
		return nil, 0, ErrTile
	}
	q, any := inTile(by.Walks("case.view"), t, f, tx.Now())
	if !any {
		return nil, 0, nil
	}
	var total int64
	if err := tx.Row(`SELECT COUNT(*) FROM cases c WHERE `+q.sql.String(), q.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count cases of a tile: %w", err)
	}
	out, err := many(tx, `SELECT `+prefixed+` FROM cases c WHERE `+q.sql.String()+fmt.Sprintf(` ORDER BY c.list_at, c.id LIMIT %d`, min(limit, maxInTile)), q.args...)
	return out, total, err
}

// spotStep is how many older cases are put onto the map in one transaction.
const spotStep = 500

// PutOnMap gives older cases their place on the map; it says how many it found.
func (d *Desk) PutOnMap(ctx context.Context, store *db.DB) (total int, err error) {
	for {
		var n int
		if err := store.Write(ctx, func(tx *db.Tx) error {
			n = 0
			rows, err := tx.Query(fmt.Sprintf(`SELECT id, lon, lat FROM cases WHERE lon IS NOT NULL AND spot IS NULL ORDER BY id LIMIT %d`, spotStep))
			if err != nil {
				return err
			}
			var some []dot
			for rows.Next() {
				var p dot
				if err := rows.Scan(&p.id, db.Float(&p.lon), db.Float(&p.lat)); err != nil {
					rows.Close()
					return err
				}
				some = append(some, p)
			}
			if err := rows.Close(); err != nil {
				return err
			}
			for _, p := range some {
				if _, err := tx.Exec(`UPDATE cases SET spot = $1 WHERE id = $2`, spotOf(p.lon, p.lat), p.id); err != nil {
					return err
				}
			}
			n = len(some)
			return nil
		}); err != nil {
			return total, fmt.Errorf("put cases onto the map: %w", err)
		}
		if total += n; n < spotStep {
			return total, nil
		}
	}
}
