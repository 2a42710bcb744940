package place

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

const (
	maxOnMap  = 2000     // places in one answer of the map
	maxUpload = 16 << 20 // bytes of a file of places
	maxRows   = 5000     // rows of one; more go through the command line
)

// Routes mounts the operations of places.
func (p *Places) Routes(e *httpx.Edge) {
	tags := []string{"place"}
	httpx.Read(e, httpx.Op{ID: "place.search", Method: "GET", Path: "/api/places/search", Permission: permView, Tags: tags,
		Summary: "Find addresses and facilities by text, pinyin, first letters, with one mistake"}, p.getSearch)
	httpx.Read(e, httpx.Op{ID: "place.list", Method: "GET", Path: "/api/places", Permission: permView, Tags: tags, Summary: "Addresses or facilities in the own area"}, p.getList)
	httpx.Read(e, httpx.Op{ID: "place.map", Method: "GET", Path: "/api/map/places", Permission: permView, Tags: tags, Summary: "Facilities on the map"}, p.getMap)
	httpx.Read(e, httpx.Op{ID: "place.get", Method: "GET", Path: "/api/places/{id}", Permission: permView, Tags: tags, Summary: "One place with its names, codes and parts"}, p.getOne)
	httpx.Read(e, httpx.Op{ID: "place.kinds", Method: "GET", Path: "/api/places/kinds", Permission: permView, Tags: tags, Summary: "All kinds of places"}, p.getKinds)
	httpx.Write(e, httpx.Op{ID: "place.create", Method: "POST", Path: "/api/places", Permission: permEdit, Tags: tags, Summary: "Add an address or facility"}, p.postOne)
	httpx.Write(e, httpx.Op{ID: "place.change", Method: "PUT", Path: "/api/places/{id}", Permission: permEdit, Tags: tags, Summary: "Change an address or facility"}, p.putOne)
	httpx.Write(e, httpx.Op{ID: "place.end", Method: "POST", Path: "/api/places/{id}/end", Permission: permEdit, Tags: tags, Summary: "End a place that is no more"}, p.postEnd)
	httpx.Write(e, httpx.Op{ID: "place.set_kind", Method: "PUT", Path: "/api/places/kinds/{key}", Permission: permEdit, Tags: tags, Summary: "Add a kind of facilities or change a kind"}, p.putKind)
	httpx.Write(e, httpx.Op{ID: "place.import", Method: "POST", Path: "/api/places/imports", Permission: permEdit, Tags: tags, MaxBody: maxUpload,
		Summary: "Import addresses or facilities, every row accounted for"}, p.postImport)
}

type searchIn struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"60"`
	Class string `query:"class" enum:"address,facility"`
	Kind  string `query:"kind" maxLength:"40"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

// Hits is what a search found.
type Hits struct {
	Items []Hit `json:"items"`
}

func (p *Places) getSearch(tx *db.Tx, by journal.Who, in *searchIn) (*struct{ Body Hits }, error) {
	near, err := p.Nearby(tx, by.By().Post)
	if err != nil {
		return nil, err
	}
	hits, err := p.Search(tx, by, Ask{Query: in.Query, Class: Class(in.Class), Kind: in.Kind, Near: near, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return &struct{ Body Hits }{Hits{hits}}, nil
}

// View is a place as a list shows it.
type View struct {
	Place
	Label        string      `json:"label"`
	KindName     words.Text  `json:"kind_name"`
	Class        Class       `json:"class"`
	Public       bool        `json:"public,omitempty"`
	Parts        bool        `json:"parts,omitempty" doc:"Other addresses lie under it"`
	StreetName   *words.Text `json:"street_name,omitempty"`
	PlatformName *words.Text `json:"platform_name,omitempty"`
	GridName     string      `json:"grid_name,omitempty"`
	KeeperName   *words.Text `json:"keeper_name,omitempty"`
	// OpenNow is told where the place has a calendar.
	OpenNow *bool `json:"open_now,omitempty"`
}

// view adds the names of what a place points to.
func (p *Places) view(tx *db.Tx, units *org.Snapshot, of Place, label string, parts bool) (View, error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return View{}, err
	}
	kind, _ := known.get(of.Kind)
	v := View{Place: of, Label: label, KindName: kind.Name, Class: kind.Class, Public: shownTo(of.Shown, kind), Parts: parts}
	if u, ok := units.Unit(of.Street); ok {
		v.StreetName = &u.Name
	}
	if u, ok := units.Unit(of.Platform); ok {
		v.PlatformName = &u.Name
	}
	if g, ok, err := p.grids.ByID(tx, of.Grid); err != nil {
		return v, err
	} else if ok {
		v.GridName = g.Name
	}
	if post, ok := units.Post(of.Details.Keeper); ok {
		v.KeeperName = &post.Name
	}
	if key := of.Details.Calendar; key != "" {
		c, err := p.calendars.For(tx, key)
		if errors.Is(err, calendar.ErrMissing) {
			return v, nil
		}
		if err != nil {
			return v, err
		}
		open := c.Elapsed(calendar.WorkingHour, tx.Now(), tx.Now().Add(time.Second), nil) > 0
		v.OpenNow = &open
	}
	return v, nil
}

type listIn struct {
	httpx.Paging
	Class    string `query:"class" enum:"address,facility" required:"true"`
	Kind     string `query:"kind" maxLength:"40"`
	Parent   id.ID  `query:"parent" doc:"What lies directly under this address"`
	Top      bool   `query:"top" doc:"Only what lies under nothing"`
	Street   id.ID  `query:"street"`
	Platform id.ID  `query:"platform"`
	Grid     id.ID  `query:"grid"`
	Ended    bool   `query:"ended" doc:"Also places that are no more"`
}

type listOut struct{ Body httpx.List[View] }

func (p *Places) getList(tx *db.Tx, by journal.Who, in *listIn) (*listOut, error) {
	var after string
	if err := in.Read(&after); err != nil {
		return nil, err
	}
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	rows, next, err := p.page(tx, by, in, after)
	if err != nil {
		return nil, err
	}
	var out listOut
	for _, r := range rows {
		one, err := get(tx, r.id)
		if err != nil {
			return nil, err
		}
		v, err := p.view(tx, units, one, r.label, r.parts)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	if next != "" {
		out.Body.Next, err = httpx.Cursor(next)
	}
	return &out, err
}

type mapIn struct {
	West  float64 `query:"west" required:"true" minimum:"-180" maximum:"180"`
	South float64 `query:"south" required:"true" minimum:"-90" maximum:"90"`
	East  float64 `query:"east" required:"true" minimum:"-180" maximum:"180"`
	North float64 `query:"north" required:"true" minimum:"-90" maximum:"90"`
	Kind  string  `query:"kind" maxLength:"40"`
}

// Pin is one facility on the map.
type Pin struct {
	ID     id.ID   `json:"id"`
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	Lon    float64 `json:"lon"`
	Lat    float64 `json:"lat"`
	MadeUp bool    `json:"made_up,omitempty"`
}

// Pins are the facilities on a piece of map.
type Pins struct {
	Items []Pin `json:"items"`
}

func (p *Places) getMap(tx *db.Tx, by journal.Who, in *mapIn) (*struct{ Body Pins }, error) {
	pins, err := p.pins(tx, by, in)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Pins }{Pins{pins}}, nil
}

// Detail is all that is known of one place.
type Detail struct {
	View
	Names []Name `json:"names"`
	Codes []Code `json:"codes"`
	Above []Ref  `json:"above" doc:"From the village down"`
	// CanEdit says that the acting post may change it.
	CanEdit bool `json:"can_edit"`
}

// Ref names another place.
type Ref struct {
	ID   id.ID  `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type oneIn struct {
	ID id.ID `path:"id"`
}

type detailOut struct {
	ETag string `header:"ETag"`
	Body Detail
}

func (p *Places) getOne(tx *db.Tx, by journal.Who, in *oneIn) (*detailOut, error) {
	found, err := get(tx, in.ID)
	if err != nil {
		return nil, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return nil, err
	}
	kind, _ := known.get(found.Kind)
	if !sees(by, found, kind) {
		return nil, ErrMissing.With("place", in.ID.String())
	}
	return p.detail(tx, by, found, kind)
}

func (p *Places) detail(tx *db.Tx, by journal.Who, found Place, kind Kind) (*detailOut, error) {
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	all, err := path(tx, found)
	if err != nil {
		return nil, err
	}
	parts, err := hasParts(tx, found.ID)
	if err != nil {
		return nil, err
	}
	d := Detail{Names: []Name{}, Codes: []Code{}, Above: []Ref{}}
	if d.View, err = p.view(tx, units, found, labelOf(namesIn(all), kind.Class == Facility), parts); err != nil {
		return nil, err
	}
	names, err := namesOf(tx, found.ID)
	if err != nil {
		return nil, err
	}
	codes, err := codesOf(tx, found.ID)
	if err != nil {
		return nil, err
	}
	d.Names, d.Codes = append(d.Names, names...), append(d.Codes, codes...)
	for _, up := range all[:len(all)-1] {
		d.Above = append(d.Above, Ref{up.ID, up.Kind, up.Name})
	}
	d.CanEdit = by.Check(permEdit, sight(found, kind)) == nil
	return &detailOut{httpx.ETag(found.Version), d}, nil
}

type kindsOut struct {
	Body struct {
		Items []Kind `json:"items"`
	}
}

func (p *Places) getKinds(tx *db.Tx, _ journal.Who, _ *struct{}) (*kindsOut, error) {
	all, err := p.Kinds(tx)
	out := &kindsOut{}
	out.Body.Items = append([]Kind{}, all...)
	return out, err
}

type placeOut struct {
	ETag string `header:"ETag"`
	Body View
}

func (p *Places) shown(tx *db.Tx, of Place) (*placeOut, error) {
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	all, err := path(tx, of)
	if err != nil {
		return nil, err
	}
	v, err := p.view(tx, units, of, labelOf(namesIn(all), of.rank == facilityRank), false)
	return &placeOut{httpx.ETag(of.Version), v}, err
}

func (p *Places) postOne(tx *db.Tx, by journal.Who, in *struct{ Body In }) (*placeOut, error) {
	made, err := p.Create(tx, by, in.Body)
	if err != nil {
		return nil, err
	}
	return p.shown(tx, made)
}

type changeIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body In
}

func (p *Places) putOne(tx *db.Tx, by journal.Who, in *changeIn) (*placeOut, error) {
	next, err := p.Change(tx, by, in.ID, in.Match, in.Body)
	if err != nil {
		return nil, err
	}
	return p.shown(tx, next)
}

type endIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
}

func (p *Places) postEnd(tx *db.Tx, by journal.Who, in *endIn) (*placeOut, error) {
	next, err := p.End(tx, by, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	return p.shown(tx, next)
}

type kindIn struct {
	Key string `path:"key" maxLength:"40"`
	httpx.Precondition
	Body KindEdit
}

func (p *Places) putKind(tx *db.Tx, by journal.Who, in *kindIn) (*struct {
	ETag string `header:"ETag"`
	Body Kind
}, error) {
	k, err := p.SetKind(tx, by, in.Key, in.Match, in.Body)
	return &struct {
		ETag string `header:"ETag"`
		Body Kind
	}{httpx.ETag(k.Version), k}, err
}

type importIn struct {
	Body struct {
		Datum  string `json:"datum" enum:"wgs84,gcj02,bd09" doc:"Of the file's positions: a wrong one is off by 500 m and more"`
		Scheme string `json:"scheme,omitempty" maxLength:"30" doc:"Of the file's codes; local when left out"`
		Name   string `json:"name" maxLength:"200" doc:"Of the file: its ending says what it is"`
		Text   string `json:"text" doc:"CSV or GeoJSON"`
		DryRun bool   `json:"dry_run,omitempty" doc:"Only say what would happen"`
	}
}

// Refusal is one row that was refused.
type Refusal struct {
	Number int64          `json:"number"`
	Name   string         `json:"name"`
	Why    string         `json:"why"` // code of the fault
	Args   map[string]any `json:"args,omitempty"`
	Where  []fault.Where  `json:"where,omitempty"`
	Reason words.Text     `json:"reason"`
}

// said are the sentences for what an import can refuse.
var said = sync.OnceValues(func() (*words.Catalogue, error) {
	return words.New(words.Source{Room: "place", Files: Words}, words.Source{Room: "geo", Files: geo.Words},
		words.Source{Room: "table", Files: table.Words}, words.Source{Room: "httpx", Files: httpx.Words})
})

// reasonOf says in both languages why a row was refused: each wrong column, or
// else the fault itself.
func reasonOf(f *fault.Fault) (t words.Text) {
	c, err := said()
	if err != nil {
		return words.Text{Chinese: f.Code, English: f.Code}
	}
	in := func(l words.Language) string {
		one := func(code string, args map[string]any) string {
			if !c.Has(code) {
				return code
			}
			return c.Say(l, code, args)
		}
		if len(f.Where) == 0 {
			return one(f.Code, f.Args)
		}
		var all []string
		for _, w := range f.Where {
			all = append(all, w.Path+": "+one(w.Code, w.Args))
		}
		return strings.Join(all, " ")
	}
	return words.Text{Chinese: in(words.Chinese), English: in(words.English)}
}

// Imported accounts for every row.
type Imported struct {
	table.Report
	Rows []Refusal `json:"rows"`
}

// maxRefusals is how many refused rows an answer lists.
const maxRefusals = 500

func (p *Places) postImport(tx *db.Tx, by journal.Who, in *importIn) (*struct{ Body Imported }, error) {
	datum, err := geo.ParseDatum(in.Body.Datum)
	if err != nil {
		return nil, err
	}
	if in.Body.Scheme != "" && !schemeForm.MatchString(in.Body.Scheme) {
		return nil, ErrInvalid.At("body.scheme", "place.bad_code")
	}
	var out Imported
	work := func(tx *db.Tx) error {
		out = Imported{Rows: []Refusal{}} // the function may run twice
		rows, err := table.NewReader(strings.NewReader(in.Body.Text), in.Body.Name, table.Options{MaxRows: maxRows})
		if err != nil {
			return err
		}
		out.Report, err = table.Job{Rows: rows, Size: 1,
			Take: func(_ context.Context, batch []table.Row) ([]table.Outcome, error) {
				var o table.Outcome
				err := tx.Try(func(tx *db.Tx) (err error) {
					o, err = p.Import(tx, by, batch[0], ImportOptions{Datum: datum, Scheme: in.Body.Scheme})
					return err
				})
				return []table.Outcome{o}, err
			},
			Refuse: func(r table.Row, f *fault.Fault) {
				if len(out.Rows) < maxRefusals {
					out.Rows = append(out.Rows, Refusal{Number: r.Number, Name: column(r, "name"), Why: f.Code, Args: f.Args, Where: f.Where, Reason: reasonOf(f)})
				}
			},
		}.Run(context.Background()) // the caller's context never reaches a write function
		return err
	}
	if in.Body.DryRun {
		err = tx.Try(func(tx *db.Tx) error {
			if err := work(tx); err != nil {
				return err
			}
			return errDry
		})
		if errors.Is(err, errDry) {
			err = nil
		}
	} else {
		err = work(tx)
	}
	if err != nil {
		return nil, err
	}
	return &struct{ Body Imported }{out}, nil
}

// errDry takes back what a dry run did.
var errDry = errors.New("dry run")
