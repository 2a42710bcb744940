package casework

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/paulmach/orb/maptile"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

// TileIn names a tile and what its cases are cut by.
type TileIn struct {
	Z    uint32 `path:"z" maximum:"24"`
	X    uint32 `path:"x"`
	Y    uint32 `path:"y"`
	Item string `query:"item" maxLength:"60"`
	Late bool   `query:"late" doc:"only those past their time"`
}

func (in TileIn) tile() maptile.Tile { return maptile.New(in.X, in.Y, maptile.Zoom(in.Z)) }

func (in TileIn) filter() OnMap { return OnMap{Item: in.Item, Late: in.Late} }

type inTileIn struct {
	TileIn
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// TilePage is the cases of one tile, those due first on top.
type TilePage struct {
	Items []View    `json:"items"`
	Total int64     `json:"total" doc:"How many there are; items may be fewer"`
	AsOf  time.Time `json:"as_of"`
}

type inTileOut struct{ Body TilePage }

// mapRoutes mounts the cases on the map.
func (d *Desk) mapRoutes(e *httpx.Edge, tags []string) {
	httpx.Download(e, httpx.Op{ID: "case.tile", Method: "GET", Path: "/api/map/cases/{z}/{x}/{y}", Permission: "case.view", Tags: tags,
		Summary: "A vector tile of open cases within the reader's scope, below zoom 16 gathered into clusters"}, d.getTile)
	httpx.Read(e, httpx.Op{ID: "case.in_tile", Method: "GET", Path: "/api/map/cases/{z}/{x}/{y}/list", Permission: "case.view", Tags: tags,
		Summary: "The open cases of a tile, or of a cluster's cell"}, d.getInTile)
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func (d *Desk) getTile(tx *db.Tx, by *access.Actor, in *TileIn) (*httpx.Content, error) {
	raw, err := d.Tile(tx, by, in.tile(), in.filter())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	return &httpx.Content{
		Type: "application/vnd.mapbox-vector-tile", Inline: true, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`,
		// For this reader alone, and asked again each time: what one sees changes
		// with every act and with every grant.
		Cache: "private, no-cache",
		Open:  func() (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(raw)}, nil },
	}, nil
}

func (d *Desk) getInTile(tx *db.Tx, by *access.Actor, in *inTileIn) (*inTileOut, error) {
	cs, total, err := d.CasesIn(tx, by, in.tile(), in.filter(), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &inTileOut{}
	out.Body.Total, out.Body.AsOf = total, tx.Now()
	out.Body.Items, err = d.views(tx, by, cs)
	return out, err
}
