package casework

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"

	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// scatter stores n cases of all kinds: open and shut, tasks, without a position,
// secret, with and without a part for each post, close together and far apart.
func (h *house) scatter(r *rand.Rand, n int) []Case {
	model := h.reports("village", Report{Item: "opinion", Place: inG1, Text: "样板"})
	pick := func(m map[string]id.ID) id.ID {
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return m[keys[r.IntN(len(keys))]]
	}
	var out []Case
	h.write(func(tx *db.Tx) error {
		out = nil
		for i := range n {
			c := model
			c.ID, c.Number = tx.NewID(), fmt.Sprintf("T-%06d", i)
			c.Located = r.IntN(10) > 0
			c.Lon, c.Lat = 117+r.Float64()*r.Float64()*0.1, 36.9+r.Float64()*r.Float64()*0.1
			if r.IntN(4) == 0 { // the same place
				c.Lon, c.Lat = 117.001, 36.901
			}
			c.Secrecy = journal.Secrecy(r.IntN(3))
			c.Street, c.Platform, c.Grid, c.Department = id.ID{}, id.ID{}, id.ID{}, id.ID{}
			switch r.IntN(3) {
			case 0:
				c.Street, c.Platform, c.Grid = model.Street, model.Platform, model.Grid
			case 1:
				c.Department = pick(h.units)
			}
			c.Post, c.Acting = pick(h.posts), pick(h.posts)
			if r.IntN(3) == 0 {
				c.Handler = pick(h.posts)
			}
			if r.IntN(3) == 0 {
				c.AskPost = pick(h.posts)
			}
			c.State, c.Closed = Accepted, time.Time{}
			if r.IntN(5) == 0 {
				c.State, c.Closed = Closed, tx.Now()
			}
			if r.IntN(8) == 0 {
				c.Parent, c.Task = model.ID, "verify"
			}
			if r.IntN(2) == 0 {
				c.Clock.Due = tx.Now().Add(-time.Hour)
			}
			if r.IntN(4) == 0 {
				c.Priority = catalog.Urgent
			}
			c.Named, c.Raised = nil, nil
			if r.IntN(5) == 0 {
				c.Named = []id.ID{pick(h.who)}
			}
			if r.IntN(5) == 0 {
				c.Raised = []id.ID{pick(h.posts)}
			}
			if err := insert(tx, c); err != nil {
				return err
			}
			for _, who := range c.Named {
				if err := addNamed(tx, c.ID, who); err != nil {
					return err
				}
			}
			for _, post := range c.Raised {
				if err := addSide(tx, post, c.ID, sideEscalate); err != nil {
					return err
				}
			}
			out = append(out, c)
		}
		return nil
	})
	return out
}

func decoded(tb testing.TB, raw []byte) []*geojson.Feature {
	tb.Helper()
	if len(raw) == 0 {
		return nil
	}
	layers, err := mvt.Unmarshal(raw)
	if err != nil {
		tb.Fatal(err)
	}
	if len(layers) != 1 || layers[0].Name != "case" || layers[0].Version != 2 {
		tb.Fatalf("%d layers", len(layers))
	}
	return layers[0].Features
}

// The counts of all tiles of a zoom add up to the open cases that the reader may
// see, whoever reads, on both engines; each cluster lists as many as it says, and
// single cases are their own. Nobody is shown a case that is not theirs.
func TestTilesAddUp(t *testing.T) {
	eachHouse(t, func(h *house) {
		all := h.scatter(rand.New(rand.NewPCG(7, 11)), 160)
		h.read(func(tx *db.Tx) error {
			fresh, err := many(tx, `SELECT `+caseColumns+` FROM cases`)
			all = fresh
			return err
		})
		tiles := func(z maptile.Zoom) (out []maptile.Tile) {
			for _, c := range all {
				if !c.Located {
					continue
				}
				at := maptile.At(orb.Point{c.Lon, c.Lat}, z)
				for _, one := range append(at.Siblings(), at) {
					if one.Z == z && one.Valid() && !slices.Contains(out, one) {
						out = append(out, one)
					}
				}
			}
			return out
		}
		differ := map[int64]bool{}
		for _, name := range []string{"hub", "village", "officer", "works", "street"} {
			h.read(func(tx *db.Tx) error {
				by := h.as(tx, name)
				mine := map[string]Case{}
				var late, urgent int64
				for _, c := range all {
					if c.Located && c.open() && c.Parent.IsZero() && sees(by, c) {
						mine[c.ID.String()] = c
						late += counted(c.listAt() < tx.Now().UnixMilli())
						urgent += counted(c.Priority == catalog.Urgent)
					}
				}
				differ[int64(len(mine))] = true
				for _, z := range []maptile.Zoom{0, 5, 9, 12, 14, 15, 16, 19, 20} {
					var n, l, u int64
					for _, tile := range tiles(z) {
						raw, err := h.desk.Tile(tx, by, tile, OnMap{})
						if err != nil {
							return err
						}
						for _, f := range decoded(h, raw) {
							p := f.Geometry.(orb.Point)
							if p[0] < 0 || p[0] >= 4096 || p[1] < 0 || p[1] >= 4096 {
								h.Errorf("%v: a point at %v", tile, p)
							}
							count := int64(f.Properties["count"].(float64))
							n, l, u = n+count, l+int64(f.Properties["late"].(float64)), u+int64(f.Properties["urgent"].(float64))
							if v, single := f.Properties["id"].(string); single {
								if c, ok := mine[v]; !ok || count != 1 || c.Number != f.Properties["number"] {
									h.Errorf("%s is shown %v", name, f.Properties)
								}
								continue
							}
							var cell maptile.Tile
							if _, err := fmt.Sscanf(f.Properties["cell"].(string), "%d/%d/%d", &cell.Z, &cell.X, &cell.Y); err != nil {
								h.Fatal(err)
							}
							listed, total, err := h.desk.CasesIn(tx, by, cell, OnMap{}, 200)
							if err != nil {
								return err
							}
							if total != count || int64(len(listed)) != count {
								h.Errorf("%s at %v: a cluster of %d lists %d of %d", name, cell, count, len(listed), total)
							}
							for _, c := range listed {
								if _, ok := mine[c.ID.String()]; !ok {
									h.Errorf("%s is listed %s", name, c.Number)
								}
							}
						}
					}
					if n != int64(len(mine)) || l != late || u != urgent {
						h.Errorf("%s at zoom %d: %d cases, %d late, %d urgent; may see %d, %d, %d", name, z, n, l, u, len(mine), late, urgent)
					}
				}
				// The filters cut both alike.
				raw, err := h.desk.Tile(tx, by, maptile.New(0, 0, 0), OnMap{Late: true})
				if err != nil {
					return err
				}
				var n int64
				for _, f := range decoded(h, raw) {
					n += int64(f.Properties["count"].(float64))
				}
				_, total, err := h.desk.CasesIn(tx, by, maptile.New(0, 0, 0), OnMap{Late: true}, 1)
				if n != late || total != late {
					h.Errorf("%s: %d late on the tile, %d listed, %d in truth", name, n, total, late)
				}
				if raw, _ := h.desk.Tile(tx, by, maptile.New(0, 0, 0), OnMap{Item: "cleanliness"}); len(raw) != 0 {
					h.Errorf("%s: cases of an item that has none", name)
				}
				return err
			})
		}
		if len(differ) < 3 {
			h.Errorf("the readers see %v cases: the test does not tell them apart", differ)
		}
	})
}

// A tile that would have too many points is gathered; it never has more than
// 1,024 features, and still adds up.
func TestFullTiles(t *testing.T) {
	eachHouse(t, func(h *house) {
		model := h.reports("village", Report{Item: "opinion", Place: inG1, Text: "样板"})
		r := rand.New(rand.NewPCG(3, 5))
		tile := maptile.At(orb.Point{117.05, 36.95}, pointZoom)
		b := tile.Bound()
		h.write(func(tx *db.Tx) error {
			for i := range maxPoints + 200 {
				c := model
				c.ID, c.Number = tx.NewID(), fmt.Sprintf("F-%06d", i)
				c.Lon = b.Min[0] + (b.Max[0]-b.Min[0])*(0.001+0.998*r.Float64())
				c.Lat = b.Min[1] + (b.Max[1]-b.Min[1])*(0.001+0.998*r.Float64())
				if err := insert(tx, c); err != nil {
					return err
				}
			}
			return nil
		})
		h.read(func(tx *db.Tx) error {
			raw, err := h.desk.Tile(tx, h.as(tx, "hub"), tile, OnMap{})
			if err != nil {
				return err
			}
			found, n := decoded(h, raw), int64(0)
			for _, f := range found {
				n += int64(f.Properties["count"].(float64))
			}
			if len(found) > 1024 || n < maxPoints+200 {
				h.Errorf("%d features stand for %d cases", len(found), n)
			}
			return nil
		})
	})
}

// What is no tile is refused; older cases get their place in the background, and
// an erased case loses it.
func TestTileEdges(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{Item: "opinion", Place: inG1, Text: "旧的一件"})
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE cases SET spot = NULL`)
			return err
		})
		shown := func() (n int64) {
			h.read(func(tx *db.Tx) error {
				raw, err := h.desk.Tile(tx, h.as(tx, "village"), maptile.At(orb.Point{c.Lon, c.Lat}, 12), OnMap{})
				n = int64(len(decoded(h, raw)))
				return err
			})
			return n
		}
		if n := shown(); n != 0 {
			t.Errorf("%d cases without a place are shown", n)
		}
		for _, want := range []int{1, 0} {
			if n, err := h.desk.PutOnMap(h.ctx, h.db); err != nil || n != want {
				t.Errorf("put %d onto the map, %v", n, err)
			}
		}
		if n := shown(); n != 1 {
			t.Errorf("%d cases are shown", n)
		}
		h.read(func(tx *db.Tx) error {
			for _, bad := range []maptile.Tile{maptile.New(0, 0, 21), maptile.New(2, 0, 1), maptile.New(0, 4, 2)} {
				if _, err := h.desk.Tile(tx, h.as(tx, "hub"), bad, OnMap{}); !errors.Is(err, ErrTile) {
					t.Errorf("%v: %v", bad, err)
				}
			}
			if _, _, err := h.desk.CasesIn(tx, h.as(tx, "hub"), maptile.New(0, 0, 25), OnMap{}, 1); !errors.Is(err, ErrTile) {
				t.Error(err)
			}
			return nil
		})
		for _, p := range []orb.Point{{180, 90}, {-180, -90}, {180, -90}, {0, 0}} {
			if at := spotOf(p[0], p[1]); at < 0 || at >= 1<<(2*spotZoom) {
				t.Errorf("%v is at %d", p, at)
			}
		}
	})
}

// A tile reads the map's index, or those of the reader's own walks, and never the
// whole table.
func TestTilesReadAnIndex(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.scatter(rand.New(rand.NewPCG(1, 2)), 50)
		for _, name := range []string{"hub", "village", "works"} {
			h.write(func(tx *db.Tx) error { // planOf sets something
				q, _ := inTile(h.as(tx, name).Walks("case.view"), maptile.At(orb.Point{117.001, 36.901}, 13), OnMap{}, tx.Now())
				plan, err := planOf(tx, `SELECT c.id FROM cases c WHERE `+q.sql.String(), q.args...)
				if err != nil {
					return err
				}
				if !strings.Contains(plan, "cases_") || strings.Contains(plan, "SCAN c") && !strings.Contains(plan, "USING INDEX") || strings.Contains(plan, "Seq Scan on cases") {
					t.Errorf("%s: %s", name, plan)
				}
				return nil
			})
		}
	})
}

// planOf is how either engine would run a query. PostgreSQL is kept from reading a
// table of a few rows whole, as it rightly would.
func planOf(tx *db.Tx, q string, args ...any) (string, error) {
	if tx.Engine() == db.SQLite {
		return explain(tx, q, args...)
	}
	if _, err := tx.Exec(`SET LOCAL enable_seqscan = off`); err != nil {
		return "", err
	}
	rows, err := tx.Query(`EXPLAIN `+q, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		out = append(out, line)
	}
	return strings.Join(out, "; "), rows.Err()
}
