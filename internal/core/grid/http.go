package grid

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// ErrTooMany says that a part of the map holds more grids than one answer.
var ErrTooMany = fault.New(fault.Invalid, "grid.too_many")

// maxOnMap is how many grids one GeoJSON answer holds.
const maxOnMap = 2000

// maxDrawing is the size of a drawing sent over HTTP; larger ones are for
// `onegrid import grids`.
const maxDrawing = 32 << 20

// Routes mounts the operations of this room.
func (g *Grids) Routes(e *httpx.Edge) {
	tags := []string{"grid"}
	httpx.Read(e, httpx.Op{ID: "grid.list", Method: "GET", Path: "/api/grids", Permission: permView, Tags: tags,
		Summary: "Grids by code, within the reader's scope"}, g.getList)
	httpx.Read(e, httpx.Op{ID: "grid.locate", Method: "GET", Path: "/api/grids/locate", Permission: permView, Tags: tags,
		Summary: "The grid in which a position lies; the datum must be named"}, g.getLocate)
	httpx.Read(e, httpx.Op{ID: "grid.map", Method: "GET", Path: "/api/map/grids", Permission: permView, Tags: tags,
		Summary: "Grids in a part of the map, as GeoJSON"}, g.getMap)
	httpx.Download(e, httpx.Op{ID: "grid.tile", Method: "GET", Path: "/api/map/grids/{z}/{x}/{y}", Permission: permView, Tags: tags,
		Summary: "A vector tile of grids, below zoom 12 of street and platform outlines"}, g.getTile)
	httpx.Read(e, httpx.Op{ID: "grid.get", Method: "GET", Path: "/api/grids/{id}", Permission: permView, Tags: tags,
		Summary: "One grid with its border, codes and history"}, g.getOne)
	httpx.Write(e, httpx.Op{ID: "grid.edit", Method: "PUT", Path: "/api/grids/{id}", Permission: permDraw, Tags: tags,
		Summary: "Change a grid's name, size or unit"}, g.putOne)
	httpx.Write(e, httpx.Op{ID: "grid.alias", Method: "PUT", Path: "/api/grids/{id}/codes/{scheme}", Permission: permIssue, Tags: tags,
		Summary: "Give a grid its code in another scheme; an empty code ends it"}, g.putAlias)
	httpx.Write(e, httpx.Op{ID: "grid.import", Method: "POST", Path: "/api/grids/drawings", Permission: permDraw, Tags: tags, MaxBody: maxDrawing,
		Summary: "Check a drawing of grids with dry_run; whoever runs the program imports it"}, g.postDrawing)
	httpx.Write(e, httpx.Op{ID: "grid.issue", Method: "POST", Path: "/api/grids/codes", Permission: permIssue, Tags: tags,
		Summary: "Give out the next code"}, g.postCode)
	httpx.Write(e, httpx.Op{ID: "grid.act", Method: "POST", Path: "/api/grids/acts", Permission: permSplit, Tags: tags, MaxBody: maxActing,
		Summary: "Found, rename, recode, move, merge, split, close or redraw grids; with dry_run only say what would follow"}, g.postAct)
	httpx.Read(e, httpx.Op{ID: "grid.proposals", Method: "GET", Path: "/api/grids/proposals", Permission: permView, Tags: tags,
		Summary: "Drawings that wait for approval, then those decided; for who draws or approves"}, g.getProposals)
	httpx.Write(e, httpx.Op{ID: "grid.propose", Method: "POST", Path: "/api/grids/proposals", Permission: permDraw, Tags: tags, MaxBody: maxActing,
		Summary: "Propose an act that moves borders, for somebody else to approve"}, g.postProposal)
	httpx.Write(e, httpx.Op{ID: "grid.decide_proposal", Method: "POST", Path: "/api/grids/proposals/{id}/decision", Permission: permApprove, Tags: tags,
		Summary: "Approve a drawing and carry it out, or decline it; with dry_run only say what would follow"}, g.postDecision)
	httpx.Write(e, httpx.Op{ID: "grid.take_back", Method: "POST", Path: "/api/grids/proposals/{id}/withdrawal", Permission: permDraw, Tags: tags,
		Summary: "Take a drawing back before it is decided"}, g.postTakeBack)
	httpx.Read(e, httpx.Op{ID: "grid.changes", Method: "GET", Path: "/api/grids/changes", Permission: permView, Tags: tags,
		Summary: "The instants at which grids began, changed or ended"}, g.getChanges)
	httpx.Read(e, httpx.Op{ID: "grid.template", Method: "GET", Path: "/api/grids/templates/{layer}", Permission: permView, Tags: tags,
		Summary: "How the codes of a layer are made up"}, g.getTemplate)
	httpx.Write(e, httpx.Op{ID: "grid.set_template", Method: "PUT", Path: "/api/grids/templates/{layer}", Permission: permIssue, Tags: tags,
		Summary: "Change how the codes of a layer are made up from now on"}, g.putTemplate)
}

// View is a grid with the names of its units.
type View struct {
	Grid
	PlatformName *words.Text `json:"platform_name,omitempty"`
	StreetName   *words.Text `json:"street_name,omitempty"`
}

func view(units *org.Snapshot, g Grid) View {
	v := View{Grid: g}
	if u, ok := units.Unit(g.Platform); ok {
		v.PlatformName = &u.Name
	}
	if u, ok := units.Unit(g.Street); ok {
		v.StreetName = &u.Name
	}
	return v
}

type listIn struct {
	httpx.Paging
	Layer    string `query:"layer" enum:"base,micro"`
	Street   id.ID  `query:"street"`
	Platform id.ID  `query:"platform"`
	Parent   id.ID  `query:"parent" doc:"Micro grids of this base grid"`
	Query    string `query:"q" maxLength:"60" doc:"Part of a name, or the beginning of a code in any scheme"`
	Ended    bool   `query:"ended" doc:"Also grids that ended"`
}

type listOut struct{ Body httpx.List[View] }

func (g *Grids) getList(tx *db.Tx, by journal.Who, in *listIn) (*listOut, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	var after string
	if err := in.Read(&after); err != nil {
		return nil, err
	}
	var out listOut
	start, _ := slices.BinarySearchFunc(s.Grids, after, func(g Grid, code string) int { return strings.Compare(g.Code, code) })
	for _, found := range s.Grids[start:] {
		switch {
		case found.Code == after,
			in.Layer != "" && found.Layer != Layer(in.Layer),
			!in.Street.IsZero() && found.Street != in.Street,
			!in.Platform.IsZero() && found.Platform != in.Platform,
			!in.Parent.IsZero() && found.Parent != in.Parent,
			!in.Ended && !found.To.IsZero() && !tx.Now().Before(found.To),
			in.Query != "" && !s.matches(found, in.Query),
			!by.Sees(permView, sight(units, found)):
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next, err = httpx.Cursor(out.Body.Items[in.Limit-1].Code)
			return &out, err
		}
		out.Body.Items = append(out.Body.Items, view(units, found))
	}
	return &out, nil
}

func (s *Snapshot) matches(g Grid, query string) bool {
	if strings.Contains(g.Name, query) {
		return true
	}
	return slices.ContainsFunc(s.codes[g.ID], func(c Code) bool { return strings.HasPrefix(c.Code, query) })
}

// Geometry is a GeoJSON multipolygon.
type Geometry struct {
	Type        string           `json:"type" enum:"MultiPolygon"`
	Coordinates orb.MultiPolygon `json:"coordinates"`
}

func geometry(s geo.Shape) Geometry { return Geometry{Type: "MultiPolygon", Coordinates: s.Orb()} }

// Detail is all that is known of one grid.
type Detail struct {
	View
	Geometry     Geometry      `json:"geometry"` // its ground, special grids cut out
	SquareMetres float64       `json:"square_metres"`
	Lon          float64       `json:"lon" doc:"Where its name is written"`
	Lat          float64       `json:"lat"`
	Codes        []Code        `json:"codes"`
	Heirs        []Succession  `json:"heirs,omitempty"`
	Forebears    []Succession  `json:"forebears,omitempty"`
	Past         []View        `json:"past,omitempty" doc:"What it was before its changes, oldest first; from and to are those of each"`
	Acts         []org.ActView `json:"acts,omitempty" doc:"Newest first"`
	Drawn        Geometry      `json:"drawn" doc:"Its border as drawn: special grids not cut out"`
	Related      []View        `json:"related,omitempty" doc:"Grids that its acts and heirs name"`
}

type gridIn struct {
	ID id.ID `path:"id"`
}

type gridOut struct {
	ETag string `header:"ETag"`
	Body View
}

func (g *Grids) getOne(tx *db.Tx, by journal.Who, in *gridIn) (*struct {
	ETag string `header:"ETag"`
	Body Detail
}, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	found, ok := s.ByID(in.ID)
	if !ok || !by.Sees(permView, sight(units, found)) {
		return nil, ErrMissing.With("grid", in.ID.String())
	}
	// Of one that ended, the ground it had last; of a future one, its first.
	at := tx.Now()
	if at.Before(found.From) {
		at = found.From
	} else if !found.To.IsZero() && !at.Before(found.To) {
		at = found.To.Add(-time.Millisecond)
	}
	period, err := s.At(at)
	if err != nil {
		return nil, err
	}
	ground := found.Shape
	grids, shapes := period.Grids(found.Layer)
	if i := slices.IndexFunc(grids, func(o Grid) bool { return o.ID == found.ID }); i >= 0 && shapes[i] != nil {
		ground = shapes[i]
	}
	d := Detail{View: view(units, found), Geometry: geometry(ground), SquareMetres: ground.SquareMetres(), Codes: s.Codes(found.ID)}
	label := ground.Label().Point()
	d.Lon, d.Lat = label[0], label[1]
	d.Drawn = geometry(found.Shape)
	if err := g.history(tx, s, units, found, &d); err != nil {
		return nil, err
	}
	return &struct {
		ETag string `header:"ETag"`
		Body Detail
	}{httpx.ETag(found.Version), d}, nil
}

type editIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body Edit
}

func (g *Grids) putOne(tx *db.Tx, by journal.Who, in *editIn) (*gridOut, error) {
	if in.Given() {
		old, ok, err := g.ByID(tx, in.ID)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrMissing.With("grid", in.ID.String())
		}
		if err := in.Precondition.Check(tx, in.ID, old.Version); err != nil {
			return nil, err
		}
	}
	next, err := g.Edit(tx, by, in.ID, 0, in.Body)
	if err != nil {
		return nil, err
	}
	return g.show(tx, next)
}

func (g *Grids) show(tx *db.Tx, of Grid) (*gridOut, error) {
	units, err := g.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return &gridOut{ETag: httpx.ETag(of.Version), Body: view(units, of)}, nil
}

type aliasIn struct {
	ID     id.ID  `path:"id"`
	Scheme string `path:"scheme" maxLength:"30"`
	Body   struct {
		Code string `json:"code" maxLength:"40"`
	}
}

func (g *Grids) putAlias(tx *db.Tx, by journal.Who, in *aliasIn) (*gridOut, error) {
	found, err := g.Alias(tx, by, in.ID, in.Scheme, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return g.show(tx, found)
}

type locateIn struct {
	Lon   float64   `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat   float64   `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Datum string    `query:"datum" required:"true" enum:"wgs84,gcj02,bd09" doc:"Never guessed: a wrong one is off by 500 m and more"`
	At    time.Time `query:"at" doc:"A past or future instant; now when absent"`
}

// Located is where a position lies.
type Located struct {
	Lon   float64       `json:"lon" doc:"In WGS84, with seven decimals"`
	Lat   float64       `json:"lat"`
	Found bool          `json:"found"`
	At    time.Time     `json:"at"`
	Base  *View         `json:"base,omitempty"`
	Micro *View         `json:"micro,omitempty"`
	Nodes journal.Nodes `json:"nodes"`
}

// getLocate answers for the whole district: who takes in a report must know
// whose it is, and whose grid a place lies in is no secret.
func (g *Grids) getLocate(tx *db.Tx, _ journal.Who, in *locateIn) (*struct{ Body Located }, error) {
	datum, err := geo.ParseDatum(in.Datum)
	if err != nil {
		return nil, err
	}
	at, err := datum.ToWGS84(orb.Point{in.Lon, in.Lat})
	if err != nil {
		return nil, err
	}
	at = geo.Round(at)
	when := in.At
	if when.IsZero() {
		when = tx.Now()
	}
	place, found, err := g.LocateOn(tx, at, when)
	if err != nil {
		return nil, err
	}
	out := Located{Lon: at[0], Lat: at[1], Found: found, At: when, Nodes: place.Nodes}
	if found {
		units, err := g.units.Snapshot(tx)
		if err != nil {
			return nil, err
		}
		base := view(units, place.Base)
		out.Base = &base
		if !place.Micro.ID.IsZero() {
			micro := view(units, place.Micro)
			out.Micro = &micro
		}
	}
	return &struct{ Body Located }{out}, nil
}

type mapIn struct {
	Layer string    `query:"layer" enum:"base,micro" default:"base"`
	West  float64   `query:"west" required:"true" minimum:"-180" maximum:"180"`
	South float64   `query:"south" required:"true" minimum:"-90" maximum:"90"`
	East  float64   `query:"east" required:"true" minimum:"-180" maximum:"180"`
	North float64   `query:"north" required:"true" minimum:"-90" maximum:"90"`
	At    time.Time `query:"at" doc:"The grids of a past or future instant; now when absent"`
	Drawn bool      `query:"drawn" doc:"Borders as drawn, special grids not cut out"`
}

// MapFeature is one grid on the map.
type MapFeature struct {
	Type       string   `json:"type" enum:"Feature"`
	ID         id.ID    `json:"id"`
	Geometry   Geometry `json:"geometry"`
	Properties View     `json:"properties"`
}

// Map is a GeoJSON FeatureCollection of grids.
type Map struct {
	Type     string       `json:"type" enum:"FeatureCollection"`
	Features []MapFeature `json:"features"`
}

func (g *Grids) getMap(tx *db.Tx, by journal.Who, in *mapIn) (*struct{ Body Map }, error) {
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	when := in.At
	if when.IsZero() {
		when = tx.Now()
	}
	period, err := s.At(when)
	if err != nil {
		return nil, err
	}
	layer := Layer(in.Layer)
	if layer == "" {
		layer = Base
	}
	out := Map{Type: "FeatureCollection", Features: []MapFeature{}}
	box := geo.Box{Min: geo.NodeAt(orb.Point{in.West, in.South}), Max: geo.NodeAt(orb.Point{in.East, in.North})}
	period.Within(layer, box, func(_ int, found Grid, shape geo.Shape) {
		if in.Drawn {
			shape = found.Shape
		}
		if len(out.Features) <= maxOnMap && by.Sees(permView, seenAt(units, found, when, tx.Now())) {
			out.Features = append(out.Features, MapFeature{Type: "Feature", ID: found.ID, Geometry: geometry(shape), Properties: view(units, found)})
		}
	})
	if len(out.Features) > maxOnMap {
		return nil, ErrTooMany.With("most", maxOnMap)
	}
	return &struct{ Body Map }{out}, nil
}

type tileIn struct {
	Z  uint32    `path:"z" maximum:"20"`
	X  uint32    `path:"x"`
	Y  uint32    `path:"y"`
	At time.Time `query:"at" doc:"The grids of a past or future instant; now when absent"`
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func (g *Grids) getTile(tx *db.Tx, by journal.Who, in *tileIn) (*httpx.Content, error) {
	tile := maptile.New(in.X, in.Y, maptile.Zoom(in.Z))
	if in.Z > maxZoom || !tile.Valid() {
		return nil, ErrMissing.With("grid", "tile")
	}
	s, units, err := g.both(tx)
	if err != nil {
		return nil, err
	}
	when := in.At
	if when.IsZero() {
		when = tx.Now()
	}
	period, err := s.At(when)
	if err != nil {
		return nil, err
	}
	raw, err := period.Tile(tile,
		func(found Grid) bool { return by.Sees(permView, seenAt(units, found, when, tx.Now())) },
		func(v id.ID) words.Text { u, _ := units.Unit(v); return u.Name })
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	return &httpx.Content{
		Type: "application/vnd.mapbox-vector-tile", Inline: true, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`,
		// Asked again each time, since scope and grids change; mostly answered
		// with 304.
		Cache: "private, no-cache",
		Open:  func() (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(raw)}, nil },
	}, nil
}

type drawingIn struct {
	Body struct {
		Datum    string          `json:"datum" enum:"wgs84,gcj02,bd09"`
		From     time.Time       `json:"from,omitzero" doc:"When it comes into force; now when left out"`
		Why      string          `json:"why,omitempty" maxLength:"500" doc:"Of the act that is kept when grids in force change or end"`
		Whole    bool            `json:"whole,omitempty" doc:"Grids of the drawn layers that are not in it end"`
		Replaces []string        `json:"replaces,omitempty" maxItems:"1000" doc:"Codes of grids that end"`
		DryRun   bool            `json:"dry_run,omitempty"`
		Drawing  json.RawMessage `json:"drawing" doc:"GeoJSON FeatureCollection; properties code, name, layer, kind, platform, street, parent, households, made_up"`
	}
}

// Refusal is one row that was refused.
type Refusal struct {
	Number int64          `json:"number"`
	Code   string         `json:"code"`
	Why    string         `json:"why"` // code of the fault
	Args   map[string]any `json:"args,omitempty"`
	Where  []fault.Where  `json:"where,omitempty"`
}

// Imported is the report of an import with the refused rows.
type Imported struct {
	Report
	Rows []Refusal `json:"rows"`
}

// maxRefusals is how many refused rows an answer lists.
const maxRefusals = 500

func (g *Grids) postDrawing(tx *db.Tx, by journal.Who, in *drawingIn) (*struct{ Body Imported }, error) {
	datum, err := geo.ParseDatum(in.Body.Datum)
	if err != nil {
		return nil, err
	}
	features, err := geo.ReadGeoJSON(in.Body.Drawing)
	if err != nil {
		return nil, err
	}
	if len(features) == 0 {
		return nil, ErrNoFeatures
	}
	rows := make([]ImportRow, len(features))
	for i, f := range features {
		rows[i] = rowOfFeature(i+1, f)
	}
	if !in.Body.DryRun {
		if err := alone(by); err != nil {
			return nil, err
		}
	}
	report, err := g.Import(tx, by, rows, ImportOptions{
		Datum: datum, From: in.Body.From, Whole: in.Body.Whole, Replaces: in.Body.Replaces, Why: in.Body.Why, DryRun: in.Body.DryRun,
	})
	if err != nil {
		return nil, err
	}
	out := Imported{Report: report, Rows: []Refusal{}}
	for _, v := range report.Verdicts {
		if v.Fault != nil && len(out.Rows) < maxRefusals {
			out.Rows = append(out.Rows, Refusal{Number: v.Number, Code: v.Code, Why: v.Fault.Code, Args: v.Fault.Args, Where: v.Fault.Where})
		}
	}
	return &struct{ Body Imported }{out}, nil
}

type issueIn struct{ Body IssueIn }

func (g *Grids) postCode(tx *db.Tx, by journal.Who, in *issueIn) (*struct{ Body Code }, error) {
	c, err := g.Issue(tx, by, in.Body)
	return &struct{ Body Code }{c}, err
}

type templateIn struct {
	Layer string `path:"layer" enum:"base,micro"`
}

type templateOut struct {
	ETag string `header:"ETag"`
	Body Template
}

func (g *Grids) getTemplate(tx *db.Tx, _ journal.Who, in *templateIn) (*templateOut, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	t := s.Template(Layer(in.Layer))
	return &templateOut{ETag: httpx.ETag(t.Version), Body: t}, nil
}

type setTemplateIn struct {
	Layer string `path:"layer" enum:"base,micro"`
	httpx.Precondition
	Body Template
}

func (g *Grids) putTemplate(tx *db.Tx, by journal.Who, in *setTemplateIn) (*templateOut, error) {
	t, err := g.SetTemplate(tx, by, Layer(in.Layer), in.Match, in.Body)
	return &templateOut{ETag: httpx.ETag(t.Version), Body: t}, err
}
