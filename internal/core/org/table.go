package org

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// The tables of this room that can be taken out and brought in (导入导出). What is
// exported can be imported elsewhere, and importing it again takes nothing twice.
const (
	TableUnits  = "units"
	TablePosts  = "posts"
	TablePeople = "people"
)

// Tables lists them, in the order in which they are imported.
var Tables = []string{TableUnits, TablePosts, TablePeople}

var tableColumns = map[string][]string{
	TableUnits:  {"kind", "code", "key", "name_zh", "name_en", "parent_code", "calendar", "duty_calendar", "villages", "made_up"},
	TablePosts:  {"post_id", "role", "name_zh", "name_en", "unit_code", "level", "node_code", "from", "to", "made_up"},
	TablePeople: {"person_id", "name", "post_id", "role", "post_name", "unit_code", "node_code", "kind", "from", "to", "made_up"},
}

// ErrTable says that there is no such table.
var ErrTable = fault.New(fault.Missing, "org.no_such_table")

// ErrAmbiguous says that several people of a unit have that name.
var ErrAmbiguous = fault.New(fault.Conflict, "org.person_ambiguous")

// Export writes a table, as far as the reader may see it: units to everybody,
// posts and who holds them where he sees the team (org.team_view). Codes:
// org.no_such_table, sheet.unknown_format.
func (o *Org) Export(tx *db.Tx, by journal.Who, name string) (columns []string, rows [][]sheet.Cell, err error) {
	columns, ok := tableColumns[name]
	if !ok {
		return nil, nil, ErrTable
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, nil, err
	}
	switch name {
	case TableUnits:
		return columns, s.unitRows(tx.Now()), nil
	case TablePosts:
		rows, err = o.postRows(tx, by, s)
	default:
		rows, err = o.peopleRows(tx, by, s)
	}
	return columns, rows, err
}

func flag(made bool) sheet.Cell {
	if made {
		return sheet.T("true")
	}
	return sheet.Cell{}
}

// unitRows lists parents before their children, as an import wants them.
func (s *Snapshot) unitRows(at time.Time) [][]sheet.Cell {
	depth := func(u Unit) int {
		n := 0
		for range len(UnitKinds) {
			p, ok := s.unit[u.Parent]
			if !ok {
				break
			}
			u, n = *p, n+1
		}
		return n
	}
	code := make(map[id.ID]string, len(s.Divisions))
	for _, d := range s.Divisions {
		code[d.ID] = d.Code
	}
	villages := map[id.ID][]string{}
	for _, v := range s.Villages {
		if within(v.From, v.To, at) {
			villages[v.Platform] = append(villages[v.Platform], code[v.Village])
		}
	}
	units := slices.Clone(s.Units)
	slices.SortStableFunc(units, func(a, b Unit) int { return cmp.Compare(depth(a), depth(b)) })
	var out [][]sheet.Cell
	for _, u := range units {
		if !u.Open(at) || u.Kind == Hub { // every installation has its own hub
			continue
		}
		slices.Sort(villages[u.ID])
		parent := ""
		if p, ok := s.unit[u.Parent]; ok && p.Kind != Hub {
			parent = p.Code
		}
		out = append(out, []sheet.Cell{sheet.T(string(u.Kind)), sheet.T(u.Code), sheet.T(u.Key), sheet.T(u.Name.Chinese), sheet.T(u.Name.English),
			sheet.T(parent), sheet.T(u.Calendar), sheet.T(u.DutyCalendar), sheet.T(strings.Join(villages[u.ID], " ")), flag(u.MadeUp)})
	}
	return out
}

// nodeCodes are the codes of units and grids by their ids.
func (o *Org) nodeCodes(tx *db.Tx, s *Snapshot) (map[id.ID]string, error) {
	out := make(map[id.ID]string, len(s.Units))
	for _, u := range s.Units {
		out[u.ID] = u.Code
	}
	if o.grounds == nil {
		return out, nil
	}
	grounds, err := o.grounds.Grounds(tx, tx.Now())
	for _, g := range grounds {
		out[g.ID] = g.Code
	}
	return out, err
}

func (o *Org) postRows(tx *db.Tx, by journal.Who, s *Snapshot) ([][]sheet.Cell, error) {
	codes, err := o.nodeCodes(tx, s)
	if err != nil {
		return nil, err
	}
	var out [][]sheet.Cell
	for _, p := range s.Posts {
		if !p.Open(tx.Now()) || !by.Sees(permTeam, s.SightOf(p)) {
			continue
		}
		out = append(out, []sheet.Cell{sheet.T(p.ID.String()), sheet.T(p.Role), sheet.T(p.Name.Chinese), sheet.T(p.Name.English),
			sheet.T(codes[p.Unit]), sheet.T(string(p.Level)), sheet.T(codes[p.Node]), moment(p.From), moment(p.To), flag(p.MadeUp)})
	}
	return out, nil
}

func (o *Org) peopleRows(tx *db.Tx, by journal.Who, s *Snapshot) ([][]sheet.Cell, error) {
	codes, err := o.nodeCodes(tx, s)
	if err != nil {
		return nil, err
	}
	var out [][]sheet.Cell
	for _, h := range s.Holdings {
		p, ok := s.Post(h.Post)
		if !ok || h.Kind == Delegate || h.Accepted.IsZero() || !h.To.IsZero() && !tx.Now().Before(h.To) || !by.Sees(permTeam, s.SightOf(p)) {
			continue
		}
		person, _ := s.Person(h.Person)
		out = append(out, []sheet.Cell{sheet.T(h.Person.String()), sheet.T(person.Name), sheet.T(p.ID.String()), sheet.T(p.Role), sheet.T(p.Name.Chinese),
			sheet.T(codes[p.Unit]), sheet.T(codes[p.Node]), sheet.T(string(h.Kind)), moment(h.From), moment(h.To), flag(person.MadeUp)})
	}
	return out, nil
}

// moment is an instant as a spreadsheet shows it: on the clock of UTC, so that
// it reads the same wherever it is opened, and comes back as the same instant.
func moment(t time.Time) sheet.Cell { return sheet.M(t.UTC()) }

// instant reads what moment wrote, and RFC 3339; a date alone begins at
// midnight UTC.
func instant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("no time")
}

// Take gives the importer of a table. Code: org.no_such_table.
func (o *Org) Take(name string) (func(*db.Tx, journal.Who, table.Row) (table.Outcome, error), error) {
	switch name {
	case TableUnits:
		return o.ImportUnit, nil
	case TablePosts:
		return o.ImportPost, nil
	case TablePeople:
		return o.ImportPerson, nil
	}
	return nil, ErrTable
}

// nodeByCode finds a unit or a grid by its code.
func (o *Org) nodeByCode(tx *db.Tx, code string, level Level) (id.ID, bool, error) {
	if _, inOrg := unitKindOf[level]; inOrg || o.grounds == nil {
		u, ok, err := unitByCode(tx, code)
		return u.ID, ok, err
	}
	g, ok, err := o.grounds.GroundByCode(tx, code)
	return g.ID, ok, err
}

// ImportPost takes one post: columns role, name_zh, name_en, unit_code, level,
// node_code, and optionally post_id, from, to, made_up (true). The same post
// again (by its id, else by role, node and Chinese name) is repeated; one that
// differs is refused. Permission org.edit at its place. Codes: org.invalid,
// org.bad_role, org.differs.
func (o *Org) ImportPost(tx *db.Tx, by journal.Who, row table.Row) (table.Outcome, error) {
	in := PostIn{Role: row.Get("role"), Name: words.Text{Chinese: row.Get("name_zh"), English: row.Get("name_en")}, Level: Level(row.Get("level")),
		MadeUp: strings.EqualFold(row.Get("made_up"), "true")}
	f := ErrInvalid
	unit, ok, err := unitByCode(tx, row.Get("unit_code"))
	if err != nil {
		return table.Outcome{}, err
	}
	if in.Unit = unit.ID; !ok {
		f = f.At("unit_code", "org.unknown_parent", "code", row.Get("unit_code"))
	}
	if in.Node, ok, err = o.nodeByCode(tx, row.Get("node_code"), in.Level); err != nil {
		return table.Outcome{}, err
	} else if !ok {
		f = f.At("node_code", "org.unknown_node", "code", row.Get("node_code"))
	}
	f = readPeriod(f, row, &in.From, &in.To)
	f = readID(f, row, "post_id", &in.ID)
	if err := orNil(f); err != nil {
		return table.Outcome{}, err
	}
	old, err := all(tx, `SELECT `+postColumns+` FROM org_post WHERE id = $1 OR role = $2 AND node = $3 AND name_zh = $4 AND valid_to IS NULL ORDER BY id`,
		postFields, in.ID, in.Role, in.Node, strings.TrimSpace(in.Name.Chinese))
	if err != nil {
		return table.Outcome{}, err
	}
	if len(old) == 0 {
		_, err := o.CreatePost(tx, by, in)
		return table.Outcome{Result: table.Taken}, columns(err)
	}
	p := old[0]
	for _, x := range old {
		if x.ID == in.ID {
			p = x
		}
	}
	_, at, err := o.placeOf(tx, p.ID)
	if err != nil {
		return table.Outcome{}, err
	}
	if err := by.Check(permEdit, at); err != nil {
		return table.Outcome{}, err
	}
	for _, c := range []struct {
		column string
		same   bool
	}{{"role", p.Role == in.Role}, {"unit_code", p.Unit == in.Unit}, {"level", p.Level == in.Level}, {"node_code", p.Node == in.Node},
		{"name_zh", p.Name.Chinese == in.Name.Chinese}, {"name_en", p.Name.English == in.Name.English}} {
		if !c.same {
			return table.Outcome{}, ErrDiffers.At(c.column, "org.differs")
		}
	}
	return table.Outcome{Result: table.Repeated}, nil
}

// ImportPerson takes a person with the post that he or she holds: columns name
// and post_id, or role, node_code and post_name; optionally person_id, unit_code,
// kind (holder, stand_in), from, to, made_up. A row without person_id means the
// one person of that name who works in the post's unit already, else somebody
// new. Held already is repeated. Permissions as Assign and Deputise. Codes:
// org.invalid, org.missing, org.person_ambiguous, org.post_taken, ….
func (o *Org) ImportPerson(tx *db.Tx, by journal.Who, row table.Row) (table.Outcome, error) {
	var in HoldingIn
	var postID id.ID
	f := readPeriod(ErrInvalid, row, &in.From, &in.To)
	f = readID(readID(f, row, "person_id", &in.Person), row, "post_id", &postID)
	kind := HoldingKind(cmp.Or(row.Get("kind"), string(Holder)))
	if kind != Holder && kind != StandIn {
		f = f.At("kind", "org.bad_holding")
	}
	name := row.Get("name")
	if n := len([]rune(name)); n < 1 || n > 60 {
		f = f.At("name", "org.bad_person_name")
	}
	if err := orNil(f); err != nil {
		return table.Outcome{}, err
	}
	p, err := o.postOfRow(tx, row, postID)
	if err != nil {
		return table.Outcome{}, err
	}
	_, at, err := o.placeOf(tx, p.ID)
	if err != nil {
		return table.Outcome{}, err
	}
	need := permAssign
	if kind == StandIn {
		need = permStandIn
	}
	if err := by.Check(need, at); err != nil { // before anybody is looked for by name
		return table.Outcome{}, err
	}
	person, known, err := o.personOfRow(tx, in.Person, name, p.Unit)
	if err != nil {
		return table.Outcome{}, err
	}
	if known {
		there, err := holdingsWhere(tx, `post = $1 AND person = $2 AND kind = $3 AND (valid_to IS NULL OR valid_to > $4)`, p.ID, person.ID, kind, db.Millis(tx.Now()))
		if err != nil || len(there) > 0 {
			return table.Outcome{Result: table.Repeated}, err
		}
	} else {
		person, err = o.CreatePerson(tx, by, PersonIn{ID: in.Person, Name: name, Unit: p.Unit, MadeUp: strings.EqualFold(row.Get("made_up"), "true")})
		if err != nil {
			return table.Outcome{}, columns(err)
		}
	}
	in.Post, in.Person = p.ID, person.ID
	if kind == StandIn {
		_, err = o.Deputise(tx, by, in)
	} else {
		_, err = o.Assign(tx, by, in)
	}
	return table.Outcome{Result: table.Taken}, columns(err)
}

// postOfRow finds the post a row means.
func (o *Org) postOfRow(tx *db.Tx, row table.Row, postID id.ID) (Post, error) {
	if !postID.IsZero() {
		p, err := postByID(tx, postID)
		if errors.Is(err, ErrMissing) {
			err = ErrInvalid.At("post_id", "org.missing")
		}
		return p, err
	}
	role, code := row.Get("role"), row.Get("node_code")
	node := id.ID{}
	for _, level := range o.rules.RoleLevels[role] {
		if level == AtSelf {
			continue
		}
		v, ok, err := o.nodeByCode(tx, code, level)
		if err != nil {
			return Post{}, err
		}
		if ok {
			node = v
			break
		}
	}
	if node.IsZero() {
		return Post{}, ErrInvalid.At("node_code", "org.unknown_node", "code", code)
	}
	found, err := all(tx, `SELECT `+postColumns+` FROM org_post WHERE role = $1 AND node = $2 AND (valid_to IS NULL OR valid_to > $3) ORDER BY id`,
		postFields, role, node, db.Millis(tx.Now()))
	if err != nil {
		return Post{}, err
	}
	if name := row.Get("post_name"); name != "" {
		found = slices.DeleteFunc(found, func(p Post) bool { return p.Name.Chinese != name })
	}
	if len(found) != 1 {
		return Post{}, ErrInvalid.At("post_name", "org.which_post", "found", len(found))
	}
	return found[0], nil
}

// personOfRow finds the person a row means: by id, else the only one of that
// name who holds a post of the unit.
func (o *Org) personOfRow(tx *db.Tx, v id.ID, name string, unit id.ID) (Person, bool, error) {
	if !v.IsZero() {
		p, err := o.PersonByID(tx, v)
		if errors.Is(err, ErrMissing) {
			return Person{}, false, nil
		}
		if err == nil && p.Name != name {
			return p, true, ErrDiffers.At("name", "org.differs")
		}
		return p, err == nil, err
	}
	found, err := all(tx, `SELECT DISTINCT x.id, x.name, x.made_up, x.valid_from, x.valid_to, x.version FROM org_person x
		JOIN org_holding h ON h.person = x.id JOIN org_post p ON p.id = h.post
		WHERE x.name = $1 AND x.valid_to IS NULL AND p.unit = $2 AND (h.valid_to IS NULL OR h.valid_to > $3)`,
		personFields, name, unit, db.Millis(tx.Now()))
	if err != nil {
		return Person{}, false, fmt.Errorf("look for a person: %w", err)
	}
	if len(found) > 1 {
		return Person{}, false, ErrAmbiguous.At("person_id", "org.person_ambiguous", "name", name).With("name", name)
	}
	if len(found) == 1 {
		return found[0], true, nil
	}
	return Person{}, false, nil
}

func readPeriod(f *fault.Fault, row table.Row, from, to *time.Time) *fault.Fault {
	for column, into := range map[string]*time.Time{"from": from, "to": to} {
		t, err := instant(row.Get(column))
		if err != nil {
			f = f.At(column, "org.bad_time")
		}
		*into = t
	}
	return f
}

func readID(f *fault.Fault, row table.Row, column string, into *id.ID) *fault.Fault {
	if s := row.Get(column); s != "" {
		v, err := id.Parse(s)
		if err != nil {
			return f.At(column, "org.bad_id")
		}
		*into = v
	}
	return f
}
