package casework

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// morning is a Tuesday, 10:00 in the district.
var morning = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// house is a small district on a real database: two streets with a village
// platform and a grid each, two departments, and people at their posts.
type house struct {
	testing.TB
	ctx    context.Context
	db     *db.DB
	clock  *dbtest.Clock
	org    *org.Org
	access *access.Access
	desk   *Desk
	files  *blob.Area
	log    *journal.Journal
	hours  *calendar.Calendars
	drawn  *grid.Grids

	catalog  *catalog.Catalog
	registry *registry.Registry

	units map[string]id.ID
	grids map[string]id.ID
	posts map[string]id.ID // by the name of who sits there
	who   map[string]id.ID // persons
	main  id.ID            // of the walk before, to be merged into
}

func both(s string) words.Text { return words.Text{Chinese: s, English: s} }

func allRooms() []db.Room {
	return []db.Room{httpx.Room(), jobs.Room(), journal.Room(), org.Room(), access.Room(), grid.Room(), calendar.Tables(), catalog.Room(), registry.Room(), Room()}
}

// eachHouse tells a story on both engines.
func eachHouse(t *testing.T, story func(h *house)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { story(newHouse(t, engine)) })
	}
}

// furnished is the house as it stands before a story begins: built once on each
// engine, copied for each story.
type furnished struct {
	once sync.Once
	of   dbtest.Kept
	keys []byte
	as   *house
}

var ready = map[db.Engine]*furnished{db.SQLite: {}, db.Postgres: {}}

func newHouse(t testing.TB, engine db.Engine) *house {
	t.Helper()
	f := ready[engine]
	f.once.Do(func() {
		keys := filepath.Join(t.TempDir(), "fields.json")
		if err := seal.Create(keys); err != nil {
			t.Fatal(err)
		}
		dsn := dbtest.Migrated(t, engine, allRooms())
		h := openHouse(t, dsn, keys)
		h.write(func(tx *db.Tx) error { return h.hours.Seed(tx, journal.By{Via: "cli:test"}, data.FS) })
		h.write(func(tx *db.Tx) error { return h.catalog.Seed(tx, h.operator()) })
		h.build()
		h.must(h.db.Close())
		var err error
		f.keys, err = os.ReadFile(keys)
		h.must(err)
		f.of, f.as = dbtest.Keep(t, dsn), h
	})
	if f.as == nil {
		t.Fatal("the house could not be built")
	}
	keys := filepath.Join(t.TempDir(), "fields.json")
	if err := os.WriteFile(keys, f.keys, 0o600); err != nil {
		t.Fatal(err)
	}
	h := openHouse(t, f.of.Copy(t), keys)
	for to, from := range map[*map[string]id.ID]map[string]id.ID{&h.units: f.as.units, &h.grids: f.as.grids, &h.posts: f.as.posts, &h.who: f.as.who} {
		*to = maps.Clone(from)
	}
	return h
}

// openHouse puts the rooms together on a database with their tables.
func openHouse(t testing.TB, dsn, keys string) *house {
	t.Helper()
	h := &house{TB: t, ctx: context.Background(), clock: dbtest.NewClock(morning), log: journal.New(),
		units: map[string]id.ID{}, grids: map[string]id.ID{}, posts: map[string]id.ID{}, who: map[string]id.ID{}}
	h.log.OnNumbered(Arrive, ArriveKinds...)
	engine := db.Postgres
	if strings.HasPrefix(dsn, "sqlite:") {
		engine = db.SQLite
	}
	h.db = dbtest.Open(t, engine, func(o *db.Options) { o.DSN, o.Now, o.Ledger = dsn, h.clock.Now, h.log }, allRooms())
	rules, err := org.LoadRules(data.FS)
	h.must(err)
	book, err := access.LoadRoleBook(data.FS)
	h.must(err)
	box, err := seal.Load(keys)
	h.must(err)
	store, err := blob.Open(t.TempDir(), blob.Options{Now: h.clock.Now})
	h.must(err)
	h.files, err = store.Area("files", 0)
	h.must(err)
	strange, err := store.Area("quarantine", 0)
	h.must(err)
	h.org = org.New(rules)
	h.access, err = access.New(access.Options{Org: h.org, Roles: book, Sealer: seal.AEAD{Box: box}, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}})
	h.must(err)
	h.org.Guarded(h.access)
	h.drawn, h.hours, h.catalog = grid.New(h.org), calendar.NewCalendars(), catalog.New(catalog.Known{})
	h.registry, err = registry.New(registry.Options{Org: h.org, Seal: box, Files: data.FS, Declared: []personal.Room{Personal()}, Forms: h.forms(h.catalog)})
	h.must(err)
	h.desk, err = New(Options{Org: h.org, Grids: h.drawn, Calendars: h.hours, Catalog: h.catalog, Access: h.access, Registry: h.registry, Seal: box,
		Files: h.files, Quarantine: strange, Pictures: blob.NewPictures(blob.PictureOptions{})})
	h.must(err)
	return h
}

// forms declares the personal fields of the forms in force, as app does.
func (h *house) forms(c *catalog.Catalog) func(tx *db.Tx) ([]personal.Field, error) {
	return func(tx *db.Tx) ([]personal.Field, error) {
		s, err := c.Snapshot(tx)
		if err != nil {
			return nil, err
		}
		var out []personal.Field
		for _, i := range s.Items(tx.Now()) {
			levels, err := s.Personal(i)
			if err != nil {
				return nil, err
			}
			for name, level := range levels {
				if level != "none" {
					out = append(out, personal.Field{Key: "form." + i.Key + "." + name, Level: personal.Level(level)})
				}
			}
		}
		return out, nil
	}
}

func (h *house) operator() *access.Actor { return access.Operator("cli:test", h.units["H"]) }

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	h.must(h.db.Write(h.ctx, fn))
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.Helper()
	h.must(h.db.Read(h.ctx, fn))
}

// build makes the organisation, draws two square grids and seats people.
func (h *house) build() {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		for _, u := range []struct {
			kind     org.UnitKind
			code, up string
			key      string
		}{
			{org.Hub, "H", "", ""}, {org.Street, "S1", "H", ""}, {org.Street, "S2", "H", ""},
			{org.Platform, "P1", "S1", ""}, {org.Platform, "P2", "S2", ""},
			{org.Department, "UM", "H", "urban_management"}, {org.Department, "HO", "H", "housing"},
		} {
			in := org.UnitIn{Kind: u.kind, Code: u.code, Key: u.key, Name: both(u.code), Parent: h.units[u.up], Calendar: "office", DutyCalendar: "office"}
			v, err := h.org.CreateUnit(tx, h.operator(), in)
			if err != nil {
				return err
			}
			h.units[u.code] = v.ID
		}
		return nil
	})
	h.write(func(tx *db.Tx) error {
		r, err := h.drawn.Import(tx, h.operator(), []grid.ImportRow{
			{Number: 1, Code: "370115003201001", Name: "一号网格", Platform: "P1", Shape: square(117.00, 36.90)},
			{Number: 2, Code: "370115004201001", Name: "二号网格", Platform: "P2", Shape: square(117.02, 36.90)},
		}, grid.ImportOptions{Datum: geo.WGS84})
		if err == nil && r.Taken != 2 {
			for _, v := range r.Verdicts {
				err = errors.Join(err, v.Fault)
			}
		}
		return err
	})
	h.read(func(tx *db.Tx) error {
		for name, code := range map[string]string{"G1": "370115003201001", "G2": "370115004201001"} {
			g, _, err := h.drawn.ByCode(tx, code)
			if err != nil {
				return err
			}
			h.grids[name] = g.ID
		}
		return nil
	})
	for _, s := range []struct {
		name, role, unit string
		level            org.Level
		node             string
	}{
		{"officer", "grid_officer", "P1", org.AtGrid, "G1"}, {"part", "part_officer", "P1", org.AtGrid, "G1"}, {"head", "grid_head", "P1", org.AtGrid, "G1"},
		{"village", "village_desk", "P1", org.AtVillage, "P1"}, {"leader", "village_leader", "P1", org.AtVillage, "P1"},
		{"street", "street_desk", "S1", org.AtStreet, "S1"}, {"streetleader", "street_leader", "S1", org.AtStreet, "S1"},
		{"hub", "hub_officer", "H", org.AtDistrict, "H"}, {"hubleader", "hub_leader", "H", org.AtDistrict, "H"},
		{"works", "department_handler", "UM", org.AtDepartment, "UM"}, {"worksleader", "department_leader", "UM", org.AtDepartment, "UM"},
		{"housing", "department_handler", "HO", org.AtDepartment, "HO"},
		{"officer2", "grid_officer", "P2", org.AtGrid, "G2"}, {"village2", "village_desk", "P2", org.AtVillage, "P2"}, {"street2", "street_desk", "S2", org.AtStreet, "S2"},
		{"counsellor", "counsellor", "S1", org.AtStreet, "S1"}, {"volunteer", "volunteer", "P1", org.AtGrid, "G1"},
	} {
		h.seat(s.name, s.role, s.unit, s.level, s.node)
	}
}

// seat adds a post and a person who holds it.
func (h *house) seat(name, role, unit string, level org.Level, node string) {
	h.Helper()
	at, ok := h.grids[node]
	if !ok {
		at = h.units[node]
	}
	h.write(func(tx *db.Tx) error {
		p, err := h.org.CreatePost(tx, h.operator(), org.PostIn{Role: role, Name: both(name), Unit: h.units[unit], Level: level, Node: at})
		if err != nil {
			return err
		}
		w, err := h.org.CreatePerson(tx, h.operator(), org.PersonIn{Name: "演示-" + name})
		if err != nil {
			return err
		}
		h.posts[name], h.who[name] = p.ID, w.ID
		_, err = h.org.Assign(tx, h.operator(), org.HoldingIn{Post: p.ID, Person: w.ID, From: morning.Add(-time.Hour)})
		return err
	})
}

func square(lon, lat float64) orb.MultiPolygon {
	const w = 0.02
	return orb.MultiPolygon{{{{lon, lat}, {lon + w, lat}, {lon + w, lat + w}, {lon, lat + w}, {lon, lat}}}}
}

// as is an actor at the post of that name.
func (h *house) as(tx *db.Tx, name string) *access.Actor {
	h.Helper()
	if name == "" {
		return access.Nobody("portal", words.Chinese)
	}
	by, err := h.access.Actor(tx, h.who[name], h.posts[name])
	if err != nil {
		h.Fatal(err)
	}
	by.Via = "desk"
	return by
}

// point is a place in the middle of a grid, moved by some metres.
func point(lon, lat float64) PlaceIn {
	return PlaceIn{Lon: &lon, Lat: &lat, Datum: "wgs84", Words: "东门外"}
}

var inG1, inG2 = point(117.01, 36.91), point(117.03, 36.91)

// reports makes a report and gives the case.
func (h *house) reports(name string, in Report) Case {
	h.Helper()
	c, err := h.tryReport(name, in)
	if err != nil {
		h.Fatalf("%s reports: %v", name, err)
	}
	return c
}

func (h *house) tryReport(name string, in Report) (c Case, err error) {
	if in.Item == "" {
		in.Item = "cleanliness"
	}
	if in.Place == (PlaceIn{}) {
		in.Place = inG1
	}
	if in.Text == "" {
		in.Text = "东门外垃圾堆了三天。没有人来收。"
	}
	err = h.db.Write(h.ctx, func(tx *db.Tx) error {
		if name == "" {
			c, err = h.desk.PublicReport(tx, h.as(tx, ""), in)
		} else {
			c, err = h.desk.Report(tx, h.as(tx, name), in)
		}
		return err
	})
	return c, err
}

// does makes a move and gives the case as it is then.
func (h *house) does(name string, c Case, act Act) Case {
	h.Helper()
	out, err := h.try(name, c, act)
	if err != nil {
		h.Fatalf("%s: %s in %s: %v", name, act.Move, c.State, err)
	}
	return out
}

func (h *house) try(name string, c Case, act Act) (out Case, err error) {
	err = h.db.WriteFor(h.ctx, c.ID, func(tx *db.Tx) error {
		out, err = h.desk.Move(tx, h.as(tx, name), c.ID, act, nil)
		return err
	})
	return out, err
}

// refuses expects a move to be refused with a code and to change nothing.
func (h *house) refuses(name string, c Case, act Act, want *fault.Fault) {
	h.Helper()
	before := h.now(c)
	_, err := h.try(name, c, act)
	if !errors.Is(err, want) {
		h.Fatalf("%s: %s in %s: %v, want %s", name, act.Move, before.State, err, want.Code)
	}
	if after := h.now(c); after.Version != before.Version || after.State != before.State {
		h.Fatalf("a refused move changed the case: %+v", after)
	}
}

// now reads a case anew.
func (h *house) now(c Case) (out Case) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		out, err = get(tx, c.ID)
		return err
	})
	return out
}

// task is the newest task of a case.
func (h *house) task(c Case) (t Case) {
	h.Helper()
	h.read(func(tx *db.Tx) error {
		all, err := tasksOf(tx, c.ID)
		if err == nil && len(all) == 0 {
			return errors.New("the case has no task")
		}
		if err == nil {
			t = all[len(all)-1]
		}
		return err
	})
	return t
}

// photo uploads a picture as somebody.
func (h *house) photo(name, kind string) id.ID {
	h.Helper()
	var buf bytes.Buffer
	h.must(jpeg.Encode(&buf, image.NewRGBA(image.Rect(0, 0, 64, 48)), nil))
	f, err := h.desk.KeepPicture(h.ctx, &buf, h.files)
	h.must(err)
	f.Kind = kind
	h.write(func(tx *db.Tx) (err error) {
		f, err = h.desk.AddFile(tx, h.as(tx, name), f, "")
		return err
	})
	return f.ID
}

// page is the page of a case as somebody sees it.
func (h *house) page(name string, c Case) *Page {
	h.Helper()
	var p *Page
	h.read(func(tx *db.Tx) (err error) {
		p, err = h.desk.View(tx, h.as(tx, name), c.ID)
		return err
	})
	return p
}

// list is the numbers of the cases somebody's list shows.
func (h *house) list(name string, f Filter) []Case {
	h.Helper()
	var out []Case
	h.read(func(tx *db.Tx) (err error) {
		out, _, err = h.desk.List(tx, h.as(tx, name), f, nil, 200)
		return err
	})
	return out
}

func shows(cs []Case, c Case) bool {
	for _, x := range cs {
		if x.ID == c.ID {
			return true
		}
	}
	return false
}

// sweeps runs the sweeper.
func (h *house) sweeps() Swept {
	h.Helper()
	s, err := h.desk.Sweep(h.ctx, h.db)
	h.must(err)
	return s
}

// filed is a case that the village desk accepted, somebody verified and the
// desk filed.
func (h *house) filed() Case {
	h.Helper()
	c := h.reports("village", Report{Reporter: &PartyIn{Name: "演示人", Phone: "13800000021"}})
	c = h.does("village", c, Act{Move: "accept"})
	h.does("officer", h.task(c), Act{Move: "verify", Result: Pass, Note: "看过，属实"})
	return h.does("village", c, Act{Move: "file"})
}

// handled is a case in the hands of the department.
func (h *house) handled() Case {
	h.Helper()
	c := h.does("village", h.filed(), Act{Move: "dispatch", Post: h.posts["works"]})
	h.does("works", c, Act{Move: "take"})
	return h.does("works", c, Act{Move: "handle"})
}

// done is one that the department reports done.
func (h *house) done() Case {
	h.Helper()
	return h.does("works", h.handled(), Act{Move: "done", Note: "清完了", Files: []id.ID{h.photo("works", "after")}})
}

func (h *house) timeline(c Case) []journal.Entry {
	h.Helper()
	var out []journal.Entry
	h.read(func(tx *db.Tx) (err error) {
		out, err = journal.Timeline(tx, c.ID)
		return err
	})
	return out
}

func bodyOf(t testing.TB, e journal.Entry) Body {
	t.Helper()
	var b Body
	if raw, ok := e.Body.(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}
