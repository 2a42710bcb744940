package town

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The district is two streets with two village platforms each, and eight grids
// in two rows:
//
//	G1 G2 G3 G4   street S1: G1, G2 of platform P1, G3 of P2, the special grid
//	G5 G6 G7 X8   X8 directly under the street; street S2: G4, G5 of P3, G6, G7 of P4
//
// The micro grid M1 lies in G1. Every role has a post at the first place its
// level allows ("village desk 1" at P1), those below the district also one on
// the other side ("village desk 2" at P3). The officer's post of G2 is vacant,
// that of G3 is stood in for.

var unitsOf = []struct {
	kind     org.UnitKind
	code, up string
	key      string
}{
	{org.Street, "S1", "hub", ""}, {org.Street, "S2", "hub", ""},
	{org.Platform, "P1", "S1", ""}, {org.Platform, "P2", "S1", ""},
	{org.Platform, "P3", "S2", ""}, {org.Platform, "P4", "S2", ""},
	{org.Department, "D1", "hub", "urban_management"}, {org.Department, "D2", "hub", "housing"},
	{org.GridCentre, "C", "hub", ""},
}

const side = 0.02 // of a grid, in degrees

var gridsOf = []struct {
	name, code, platform, street string
	column, row                  float64
}{
	{"G1", "370115003201001", "P1", "", 0, 0}, {"G2", "370115003201002", "P1", "", 1, 0},
	{"G3", "370115003202001", "P2", "", 2, 0}, {"X8", "370115003900001", "", "S1", 3, 1},
	{"G4", "370115004201001", "P3", "", 3, 0}, {"G5", "370115004201002", "P3", "", 0, 1},
	{"G6", "370115004202001", "P4", "", 1, 1}, {"G7", "370115004202002", "P4", "", 2, 1},
}

const microCode = "37011500320100101"

// corner is the south-west corner of the district.
var corner = orb.Point{117.00, 36.90}

func square(lon, lat, side float64) orb.MultiPolygon {
	return orb.MultiPolygon{{{{lon, lat}, {lon + side, lat}, {lon + side, lat + side}, {lon, lat + side}, {lon, lat}}}}
}

// Middle is a point in the middle of a grid; that of M1 lies in G1 as well.
func Middle(name string) (lon, lat float64) {
	if name == "M1" {
		return corner[0] + side/4, corner[1] + side/4
	}
	for _, g := range gridsOf {
		if g.name == name {
			return corner[0] + (g.column+0.6)*side, corner[1] + (g.row+0.6)*side
		}
	}
	panic("town: no grid " + name)
}

func both(s string) words.Text { return words.Text{Chinese: s, English: s} }

// build makes the district by acts, as whoever runs the program.
func (w *Town) build() {
	w.Helper()
	w.must(w.App.Seed(w.ctx, both("town")))
	w.Write(func(tx *db.Tx) error { return w.buildUnits(tx) })
	w.Write(func(tx *db.Tx) error { return w.drawGrids(tx) })
	w.Write(func(tx *db.Tx) error { return w.seatAll(tx) })
	w.Write(func(tx *db.Tx) error { return w.share(tx) })
}

// share gives both departments an agreement, so that their people may open the
// contact of a reporter.
func (w *Town) share(tx *db.Tx) error {
	for _, d := range []string{"D1", "D2"} {
		a, err := w.App.Registry.Apply(tx, w.operator(tx), registry.AgreementIn{Department: w.Nodes[d], Purposes: []string{"contact", "visit"},
			Fields: []string{"case_party.*"}, Why: "上门办理", Basis: "职责分工", To: tx.Now().AddDate(1, 0, 0)})
		if err != nil {
			return err
		}
		if _, err := w.App.Registry.Decide(tx, w.operator(tx), a.ID, true, "", 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *Town) buildUnits(tx *db.Tx) error {
	s, err := w.App.Org.Snapshot(tx)
	if err != nil {
		return err
	}
	w.Nodes["hub"] = s.HubID()
	for _, u := range unitsOf {
		made, err := w.App.Org.CreateUnit(tx, w.operator(tx), org.UnitIn{Kind: u.kind, Code: u.code, Key: u.key, Name: both(u.code),
			Parent: w.Nodes[u.up], Calendar: "office", DutyCalendar: "office"})
		if err != nil {
			return fmt.Errorf("unit %s: %w", u.code, err)
		}
		w.Nodes[u.code] = made.ID
	}
	return nil
}

func (w *Town) drawGrids(tx *db.Tx) error {
	var rows []grid.ImportRow
	for n, g := range gridsOf {
		kind := "comprehensive"
		if g.street != "" {
			kind = "special"
		}
		rows = append(rows, grid.ImportRow{Number: int64(n + 1), Code: g.code, Name: g.name, Kind: kind, Platform: g.platform, Street: g.street,
			Shape: square(corner[0]+g.column*side, corner[1]+g.row*side, side)})
	}
	rows = append(rows, grid.ImportRow{Number: 9, Code: microCode, Name: "M1", Layer: "micro", Parent: gridsOf[0].code, Platform: "P1",
		Shape: square(corner[0], corner[1], side/2)})
	report, err := w.App.Grids.Import(tx, w.operator(tx), rows, grid.ImportOptions{Datum: geo.WGS84})
	if err != nil {
		return err
	}
	for _, v := range report.Verdicts {
		if v.Fault != nil {
			err = errors.Join(err, fmt.Errorf("grid %s: %w %v", v.Code, v.Fault, report.Flaws))
		}
	}
	if err != nil {
		return err
	}
	for _, r := range rows {
		g, _, err := w.App.Grids.ByCode(tx, r.Code)
		if err != nil {
			return err
		}
		w.Nodes[r.Name] = g.ID
	}
	return nil
}

// places are where a post of a level stands: here, and on the other side of the
// district where there is one.
var places = map[org.Level][2]string{
	org.AtDistrict: {"hub"}, org.AtSystem: {"hub"}, org.AtStreet: {"S1", "S2"}, org.AtVillage: {"P1", "P3"},
	org.AtGrid: {"G1", "G4"}, org.AtMicroGrid: {"M1"}, org.AtDepartment: {"D1", "D2"},
}

// unitAt is the unit that the posts of a place belong to.
func unitAt(at string) string {
	if at == "M1" {
		return "P1"
	}
	for _, g := range gridsOf {
		if g.name == at {
			return g.platform + g.street
		}
	}
	return at
}

// levelOf is the level at which a role sits in the town.
func levelOf(r access.Role) org.Level {
	for _, l := range r.Levels {
		if _, ok := places[l]; ok {
			return l
		}
	}
	return ""
}

func (w *Town) seatAll(tx *db.Tx) error {
	book, err := access.LoadRoleBook(data.FS)
	if err != nil {
		return err
	}
	for _, r := range book.Roles {
		w.Roles = append(w.Roles, r.Key)
		level := levelOf(r)
		if level == "" {
			continue // a resident has no post
		}
		for n, at := range places[level] {
			if at == "" {
				continue
			}
			if err := w.seat(tx, fmt.Sprintf("%s %d", strings.ReplaceAll(r.Key, "_", " "), n+1), r.Key, level, at); err != nil {
				return err
			}
		}
	}
	// A vacancy without a stand-in, and one with.
	for _, at := range []string{"G2", "G3"} {
		if _, err := w.post(tx, "grid officer "+at, "grid_officer", org.AtGrid, at); err != nil {
			return err
		}
	}
	for _, name := range []string{"stand in", "nobody"} {
		if err := w.person(tx, name); err != nil {
			return err
		}
	}
	_, err = w.App.Org.Deputise(tx, w.operator(tx), org.HoldingIn{Post: w.Posts["grid officer G3"], Person: w.Persons["stand in"],
		From: tx.Now(), To: tx.Now().Add(10 * 24 * time.Hour)})
	return err
}

// seat makes a post and a person of the same name who holds it.
func (w *Town) seat(tx *db.Tx, name, role string, level org.Level, at string) error {
	post, err := w.post(tx, name, role, level, at)
	if err != nil {
		return err
	}
	if err := w.person(tx, name); err != nil {
		return err
	}
	h, err := w.App.Org.Assign(tx, w.operator(tx), org.HoldingIn{Post: post, Person: w.Persons[name], From: tx.Now()})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.Holdings[name] = h.ID
	return nil
}

func (w *Town) post(tx *db.Tx, name, role string, level org.Level, at string) (id.ID, error) {
	if role == "hub_officer" { // the program made the hub's desk
		s, err := w.App.Org.Snapshot(tx)
		if err != nil {
			return id.ID{}, err
		}
		i := slices.IndexFunc(s.Posts, func(p org.Post) bool { return p.Role == role })
		w.Posts[name] = s.Posts[i].ID
		return s.Posts[i].ID, nil
	}
	p, err := w.App.Org.CreatePost(tx, w.operator(tx), org.PostIn{Role: role, Name: both(name), Unit: w.Nodes[unitAt(at)], Level: level, Node: w.Nodes[at]})
	if err != nil {
		return p.ID, fmt.Errorf("post %s: %w", name, err)
	}
	w.Posts[name] = p.ID
	return p.ID, nil
}

// person makes a person who can sign in with that name.
func (w *Town) person(tx *db.Tx, name string) error {
	p, err := w.App.Org.CreatePerson(tx, w.operator(tx), org.PersonIn{Name: name})
	if err != nil {
		return fmt.Errorf("person %s: %w", name, err)
	}
	w.Persons[name] = p.ID
	a, err := w.App.Access.CreateDemoAccount(tx, w.operator(tx), strings.ReplaceAll(name, " ", "."), p.ID, id.ID{})
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	w.Accounts[name] = a.ID
	return nil
}

// AddPost gives a new person a new post of the same name.
func (w *Town) AddPost(tx *db.Tx, name, role string, level org.Level, at string) error {
	return w.seat(tx, name, role, level, at)
}

// AlsoHolds gives a person one more post.
func (w *Town) AlsoHolds(tx *db.Tx, person, name, role string, level org.Level, at string) error {
	post, err := w.post(tx, name, role, level, at)
	if err != nil {
		return err
	}
	_, err = w.App.Org.Assign(tx, w.operator(tx), org.HoldingIn{Post: post, Person: w.Persons[person], From: tx.Now()})
	return err
}

// Ends takes a post away from who holds it.
func (w *Town) Ends(tx *db.Tx, name string) error {
	_, err := w.App.Org.End(tx, w.operator(tx), w.Holdings[name], 0, tx.Now())
	return err
}
