package grid

import (
	"fmt"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/paulmach/orb/simplify"

	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// From which zoom a map shows what. Below gridZoom there are only outlines of
// streets and platforms: thousands of grids would be grey pulp, and slow.
// (notes/geo.md section 2)
const (
	platformZoom = 10
	gridZoom     = 12
	exactZoom    = 14 // below, borders are simplified
	microZoom    = 15
	maxZoom      = 20
)

// tileBuffer is how far a tile draws beyond its edge, in parts of its width, so
// that lines do not end at the seam.
const tileBuffer = 0.05

// Tile draws a vector tile (MVT 2.1): layers street_outline and street_label
// below gridZoom, platform_outline and platform_label from platformZoom to there,
// grid and grid_label from gridZoom, micro and micro_label from microZoom. sees
// says which grids the reader may see; an outline is shown when one of its grids
// is. A tile without anything is empty.
func (p *Period) Tile(t maptile.Tile, sees func(Grid) bool, name func(unit id.ID) words.Text) ([]byte, error) {
	d := drawing{tile: t, box: boxOf(t.Bound(tileBuffer))}
	if t.Z < gridZoom {
		lines := p.outlined()
		d.outlines("street", lines.streets, sees, name)
		if t.Z >= platformZoom {
			d.outlines("platform", lines.platforms, sees, name)
		}
	} else {
		d.grids("grid", p, Base, sees)
		if t.Z >= microZoom {
			d.grids("micro", p, Micro, sees)
		}
	}
	d.layers.ProjectToTile(t)
	d.layers.Clip(mvt.MapboxGLDefaultExtentBound)
	if t.Z < exactZoom {
		d.layers.Simplify(simplify.DouglasPeucker(1))
	}
	d.layers.RemoveEmpty(1, 1)
	raw, err := mvt.Marshal(d.layers)
	if err != nil {
		return nil, fmt.Errorf("draw tile %d/%d/%d: %w", t.Z, t.X, t.Y, err)
	}
	return raw, nil
}

func boxOf(b orb.Bound) geo.Box {
	clamp := func(p orb.Point) geo.Node {
		return geo.NodeAt(orb.Point{max(-180, min(180, p[0])), max(-90, min(90, p[1]))})
	}
	return geo.Box{Min: clamp(b.Min), Max: clamp(b.Max)}
}

// drawing is a tile while it is drawn.
type drawing struct {
	tile   maptile.Tile
	box    geo.Box
	layers mvt.Layers
}

func (d *drawing) layer(name string) *mvt.Layer {
	// orb writes version 1 by itself, and MapLibre warns about it.
	l := &mvt.Layer{Name: name, Version: 2, Extent: mvt.DefaultExtent}
	d.layers = append(d.layers, l)
	return l
}

// put adds an area and, where its label lies in this tile, its label: a polygon
// labelled by the map itself would have its name once in every tile.
func (d *drawing) put(areas, labels *mvt.Layer, shape geo.Shape, label geo.Node, properties geojson.Properties) {
	areas.Features = append(areas.Features, &geojson.Feature{Type: "Feature", Geometry: shape.Orb(), Properties: properties})
	if at := label.Point(); maptile.At(at, d.tile.Z) == d.tile {
		labels.Features = append(labels.Features, &geojson.Feature{Type: "Feature", Geometry: at, Properties: properties})
	}
}

func (d *drawing) outlines(what string, lines []outline, sees func(Grid) bool, name func(id.ID) words.Text) {
	areas, labels := d.layer(what+"_outline"), d.layer(what+"_label")
	for _, o := range lines {
		if !o.box.Meets(d.box) {
			continue
		}
		seen, madeUp := 0, false
		for _, g := range o.grids {
			if sees(g) {
				seen++
				madeUp = madeUp || g.MadeUp
			}
		}
		if seen == 0 {
			continue
		}
		n := name(o.unit)
		d.put(areas, labels, o.shape, o.label, geojson.Properties{
			"id": o.unit.String(), "name": n.Chinese, "name_en": n.English, "grids": seen, "made_up": madeUp,
		})
	}
}

func (d *drawing) grids(what string, p *Period, l Layer, sees func(Grid) bool) {
	areas, labels := d.layer(what), d.layer(what+"_label")
	p.Within(l, d.box, func(i int, g Grid, shape geo.Shape) {
		if !sees(g) {
			return
		}
		d.put(areas, labels, shape, p.label(l, i), geojson.Properties{
			"id": g.ID.String(), "code": g.Code, "name": g.Name, "kind": string(g.Kind), "made_up": g.MadeUp,
			"platform_id": g.Platform.String(), "street_id": g.Street.String(), "parent_id": g.Parent.String(),
		})
	})
}
