package casework

import (
	"errors"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// PlaceIn is where something is, as told: a point with the datum of its source,
// a known address or facility, a grid, or a village platform, and words beside
// it.
type PlaceIn struct {
	Lon      *float64 `json:"lon,omitempty" minimum:"-180" maximum:"180"`
	Lat      *float64 `json:"lat,omitempty" minimum:"-90" maximum:"90"`
	Datum    string   `json:"datum,omitempty" maxLength:"20" doc:"of the point: wgs84, gcj02 or bd09; a point without one is refused"`
	Words    string   `json:"words,omitempty" maxLength:"300"`
	Place    id.ID    `json:"place_id,omitzero" doc:"A known address or facility; its name goes before the words"`
	Grid     id.ID    `json:"grid_id,omitzero"`
	Platform id.ID    `json:"platform_id,omitzero"`
}

// What can be wrong with a place.
var (
	ErrPlace   = fault.New(fault.Invalid, "case.place_needed")
	ErrOutside = fault.New(fault.Invalid, "case.outside")
	ErrDatum   = fault.New(fault.Invalid, "case.bad_datum")
)

// Addresses says where a known address or facility is; *place.Places does.
type Addresses interface {
	Spot(tx *db.Tx, v id.ID) (place.Spot, error)
}

// locate finds the responsible node at each level. A point wins over an
// address, an address over a grid, a grid over a platform; a platform that has
// a single grid means that grid. (DESIGN.md section 10)
func (d *Desk) locate(env *env, in PlaceIn, c *Case) error {
	c.Where = in.Words
	var spot place.Spot
	if !in.Place.IsZero() {
		if d.addresses == nil {
			return ErrPlace.At("body.place.place_id", "field.wrong")
		}
		var err error
		if spot, err = d.addresses.Spot(env.tx, in.Place); errors.Is(err, place.ErrMissing) {
			return ErrPlace.At("body.place.place_id", "field.wrong").Because(err)
		} else if err != nil {
			return err
		}
		c.Where = clip(strings.TrimSuffix(spot.Label+" · "+in.Words, " · "), maxWhere)
	}
	switch {
	case in.Lon != nil && in.Lat != nil:
		return d.locatePoint(env, in, c)
	case in.Lon != nil || in.Lat != nil:
		return ErrPlace.At("body.place.lon", "field.required")
	case !in.Place.IsZero():
		c.Nodes = spot.Nodes
		if spot.Located {
			c.Lon, c.Lat, c.Located = spot.Lon, spot.Lat, true
			// Where its position lies now, should the grids have just changed.
			at, found, err := d.grids.Locate(env.tx, orb.Point{spot.Lon, spot.Lat})
			if err != nil {
				return err
			}
			if found {
				c.Nodes = at.Nodes
			}
		}
	case !in.Grid.IsZero():
		nodes, err := d.grids.NodesOf(env.tx, in.Grid)
		if err != nil {
			return ErrPlace.At("body.place.grid_id", "field.wrong").Because(err)
		}
		c.Nodes = nodes
	case !in.Platform.IsZero():
		u, ok := env.org.Unit(in.Platform)
		if !ok || u.Kind != org.Platform && u.Kind != org.Street && u.Kind != org.Hub {
			return ErrPlace.At("body.place.platform_id", "field.wrong")
		}
		c.Nodes = env.org.Nodes(u.ID)
	default:
		return ErrPlace.At("body.place", "field.required")
	}
	if c.Grid.IsZero() {
		// Whoever names the village alone has named the grid where there is only
		// one. With several the case stays at the platform, which finds out.
		only, count, err := d.grids.Only(env.tx, c.Platform)
		if err != nil {
			return err
		}
		if count == 1 {
			c.Grid = only.ID
		}
	}
	return hubbed(env, c)
}

func (d *Desk) locatePoint(env *env, in PlaceIn, c *Case) error {
	datum, err := geo.ParseDatum(in.Datum)
	if err != nil {
		return ErrDatum.With("datum", clip(in.Datum, 20)).At("body.place.datum", "case.bad_datum")
	}
	p := orb.Point{*in.Lon, *in.Lat}
	if err := geo.Check(p); err != nil || math.IsNaN(p[0]) || math.IsNaN(p[1]) {
		return ErrPlace.At("body.place.lon", "field.wrong")
	}
	if p, err = datum.ToWGS84(p); err != nil {
		return ErrPlace.At("body.place.lon", "field.wrong").Because(err)
	}
	p = geo.Round(p)
	at, found, err := d.grids.Locate(env.tx, p)
	if err != nil {
		return err
	}
	if !found {
		return ErrOutside.With("lon", p[0], "lat", p[1]).At("body.place", "case.outside")
	}
	c.Lon, c.Lat, c.Located = p[0], p[1], true
	c.Nodes = at.Nodes
	return hubbed(env, c)
}

// hubbed makes sure that the case belongs to the district: every list walks
// from there.
func hubbed(env *env, c *Case) error {
	if c.Hub.IsZero() {
		c.Hub = env.org.HubID()
	}
	if c.Hub.IsZero() {
		return ErrNoIntake
	}
	return nil
}

// cellSize is the width of a cell of the raster in which duplicates are looked
// for, in degrees: in the district's latitude more than the largest radius of
// an item (500 m), so that a cell and its eight neighbours are enough.
const cellSize = 0.0075

// cellOf is the cell of a point.
func cellOf(lon, lat float64) int64 {
	return int64(math.Floor((lat+90)/cellSize))<<20 | int64(math.Floor((lon+180)/cellSize))
}

// cellsAround are a point's cell and its neighbours.
func cellsAround(lon, lat float64) []any {
	var out []any
	for dy := -1.0; dy <= 1; dy++ {
		for dx := -1.0; dx <= 1; dx++ {
			out = append(out, cellOf(lon+dx*cellSize, lat+dy*cellSize))
		}
	}
	return out
}
