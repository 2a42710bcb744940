package place

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// Bounds of what people write, in characters.
const (
	maxName    = 60
	maxNote    = 300
	maxLine    = 120
	maxAliases = 20
	maxCodes   = 20
	maxList    = 100
	maxPeople  = 1_000_000
)

// CodeIn is one code of a place in somebody's scheme.
type CodeIn struct {
	Scheme string `json:"scheme" maxLength:"30"`
	Code   string `json:"code" maxLength:"40"`
}

// In is a place as it is entered.
type In struct {
	Kind    string   `json:"kind" maxLength:"40"`
	Parent  id.ID    `json:"parent_id,omitzero" doc:"Address it is part of, or stands at"`
	Name    string   `json:"name" minLength:"1" maxLength:"60"`
	Aliases []string `json:"aliases,omitempty" maxItems:"20" doc:"What people also call it"`
	Codes   []CodeIn `json:"codes,omitempty" maxItems:"20"`
	Home    id.ID    `json:"home_id,omitzero" doc:"Platform or street, where neither position nor parent says so"`
	Lon     *float64 `json:"lon,omitempty" minimum:"-180" maximum:"180"`
	Lat     *float64 `json:"lat,omitempty" minimum:"-90" maximum:"90"`
	Datum   string   `json:"datum,omitempty" maxLength:"20" doc:"Of the position: wgs84, gcj02 or bd09; a position without one is refused"`
	Shown   Shown    `json:"shown,omitempty"`
	Details Details  `json:"details,omitzero"`
	MadeUp  bool     `json:"made_up,omitempty"`
}

// Create adds a place. Permission place.edit where it lies. Codes:
// place.invalid, place.twice, place.code_used, place.outside, geo.unknown_datum.
func (p *Places) Create(tx *db.Tx, by journal.Who, in In) (Place, error) {
	next := Place{ID: tx.NewID(), From: tx.Now(), Named: tx.Now(), Version: 1}
	kind, err := p.fill(tx, &next, in, nil)
	if err != nil {
		return Place{}, err
	}
	if err := by.Check(permEdit, sight(next, kind)); err != nil {
		return Place{}, err
	}
	if _, there, err := twin(tx, next); err != nil {
		return Place{}, err
	} else if there {
		return Place{}, ErrTwice.With("name", next.Name).At("body.name", "place.twice", "name", next.Name)
	}
	if err := p.keepNames(tx, next, in); err != nil {
		return Place{}, err
	}
	if next, err = insert(tx, next); err != nil {
		return Place{}, err
	}
	p.note(tx, by, "place.create", next, kind, nil)
	return next, nil
}

// Change changes a place; an earlier name stays findable. match is the version
// the caller knew, or 0. Permission place.edit where the place lies and where
// it goes. Codes: as Create, and place.missing, place.ended, place.changed.
func (p *Places) Change(tx *db.Tx, by journal.Who, v id.ID, match int64, in In) (Place, error) {
	old, kind, err := p.open(tx, by, v, match)
	if err != nil {
		return Place{}, err
	}
	next := old
	if kind, err = p.fill(tx, &next, in, &kind); err != nil {
		return Place{}, err
	}
	if err := by.Check(permEdit, sight(next, kind)); err != nil {
		return Place{}, err
	}
	if next.Name != old.Name || next.Parent != old.Parent || next.Platform != old.Platform {
		if _, there, err := twin(tx, next); err != nil {
			return Place{}, err
		} else if there {
			return Place{}, ErrTwice.With("name", next.Name).At("body.name", "place.twice", "name", next.Name)
		}
	}
	if next.Name != old.Name {
		if err := insertName(tx, v, Name{Name: old.Name, Usage: Former, From: old.Named, To: tx.Now()}); err != nil {
			return Place{}, err
		}
		next.Named = tx.Now()
	}
	if err := p.keepNames(tx, next, in); err != nil {
		return Place{}, err
	}
	if next, err = update(tx, next); err != nil {
		return Place{}, err
	}
	if next.Nodes != old.Nodes {
		if err := touchParts(tx, v); err != nil {
			return Place{}, err
		}
	}
	p.note(tx, by, "place.change", next, kind, &old)
	return next, nil
}

// End ends a place that is no more: torn down, closed, merged. match is the
// version the caller knew, or 0. Permission place.edit. Codes: place.missing,
// place.ended, place.changed, place.has_parts.
func (p *Places) End(tx *db.Tx, by journal.Who, v id.ID, match int64) (Place, error) {
	old, kind, err := p.open(tx, by, v, match)
	if err != nil {
		return Place{}, err
	}
	if parts, err := hasParts(tx, v); err != nil {
		return Place{}, err
	} else if parts {
		return Place{}, ErrHasParts.With("name", old.Name)
	}
	next := old
	next.To = tx.Now()
	if next, err = update(tx, next); err != nil {
		return Place{}, err
	}
	p.note(tx, by, "place.end", next, kind, nil)
	return next, nil
}

// open reads a place that the actor may change.
func (p *Places) open(tx *db.Tx, by journal.Who, v id.ID, match int64) (Place, Kind, error) {
	old, err := get(tx, v)
	if err != nil {
		return Place{}, Kind{}, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return Place{}, Kind{}, err
	}
	kind, _ := known.get(old.Kind)
	if !sees(by, old, kind) {
		return Place{}, Kind{}, ErrMissing.With("place", v.String())
	}
	if err := by.Check(permEdit, sight(old, kind)); err != nil {
		return Place{}, Kind{}, err
	}
	if !old.Open(tx.Now()) {
		return Place{}, Kind{}, ErrEnded.With("name", old.Name)
	}
	if match != 0 && match != old.Version {
		return Place{}, Kind{}, ErrChanged.With("version", old.Version)
	}
	return old, kind, nil
}

func (p *Places) note(tx *db.Tx, by journal.Who, what string, next Place, kind Kind, old *Place) {
	e := journal.Entry{Kind: what, Subject: next.ID, By: by.By(), Version: next.Version, Sight: sight(next, kind), Class: class, Body: next}
	if old != nil && old.Nodes != next.Nodes {
		before := sight(*old, kind)
		e.Before = &before
	}
	journal.Add(tx, e)
}

// sight decides who may see a place.
func sight(p Place, k Kind) journal.Sight {
	s := journal.Sight{Nodes: p.Nodes, Public: shownTo(p.Shown, k)}
	if k.Desk {
		s.Secrecy = journal.Desk
	}
	return s
}

// shownTo says whether the public finds a place.
func shownTo(s Shown, k Kind) bool {
	return !k.Desk && (s == ShownYes || s == ShownByKind && k.Public)
}

// sees says whether a member of staff may see a place: in scope, or since
// everybody may.
func sees(by journal.Who, p Place, k Kind) bool {
	return shownTo(p.Shown, k) || by.Sees(permView, sight(p, k))
}

var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ()（）－-]{2,28}$`)

// fill takes over an input and finds where the place belongs. was is the kind
// it had, nil for a new place.
func (p *Places) fill(tx *db.Tx, next *Place, in In, was *Kind) (Kind, error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return Kind{}, err
	}
	f := ErrInvalid
	kind, ok := known.get(in.Kind)
	switch {
	case !ok, kind.Ended && (was == nil || was.Key != kind.Key):
		return Kind{}, f.At("body.kind", "place.kind_missing")
	case was != nil && was.rank() != kind.rank():
		// What lies below and beside it was entered on what it was.
		return Kind{}, f.At("body.kind", "place.kind_stays")
	}
	next.Kind, next.rank, next.Shown, next.MadeUp = kind.Key, kind.rank(), in.Shown, in.MadeUp
	if next.Name = Tidy(in.Name); !goodName(next.Name, maxName) {
		f = f.At("body.name", "place.bad_name", "longest", maxName)
	}
	if _, ok := shownRank[in.Shown]; !ok {
		f = f.At("body.shown", "field.wrong")
	}
	if f, err = p.details(tx, next, kind, in.Details, f); err != nil {
		return kind, err
	}
	var parent *Place
	if next.Parent = in.Parent; !in.Parent.IsZero() {
		above, err := get(tx, in.Parent)
		switch {
		case errors.Is(err, ErrMissing), err == nil && (!above.Open(tx.Now()) || above.rank >= next.rank):
			f = f.At("body.parent_id", "place.bad_parent")
		case err != nil:
			return kind, err
		default:
			parent = &above
		}
	}
	next.Located, next.Lon, next.Lat = false, 0, 0
	switch {
	case in.Lon != nil && in.Lat != nil:
		datum, err := geo.ParseDatum(in.Datum)
		if err != nil {
			f = f.At("body.datum", "geo.unknown_datum", "datum", in.Datum)
			break
		}
		at, err := datum.ToWGS84(orb.Point{*in.Lon, *in.Lat})
		if err != nil {
			f = f.At("body.lon", "geo.bad_position", "lon", *in.Lon, "lat", *in.Lat)
			break
		}
		at = geo.Round(at)
		next.Located, next.Lon, next.Lat = true, at[0], at[1]
	case in.Lon != nil || in.Lat != nil:
		f = f.At("body.lon", "field.required")
	}
	if next.Home = in.Home; !in.Home.IsZero() {
		units, err := p.org.Snapshot(tx)
		if err != nil {
			return kind, err
		}
		if u, ok := units.Unit(in.Home); !ok || u.Kind != org.Platform && u.Kind != org.Street {
			f = f.At("body.home_id", "place.bad_home")
		}
	}
	if !next.Located && next.Parent.IsZero() && next.Home.IsZero() {
		f = f.At("body.home_id", "place.nowhere")
	}
	if len(f.Where) > 0 {
		return kind, f
	}
	nodes, found, err := p.derive(tx, *next, kind, parent)
	if err != nil {
		return kind, err
	}
	if !found {
		return kind, ErrOutside.With("lon", next.Lon, "lat", next.Lat).At("body.lon", "place.outside", "lon", next.Lon, "lat", next.Lat)
	}
	next.Nodes = nodes
	return kind, nil
}

// details checks what is known of a facility.
func (p *Places) details(tx *db.Tx, next *Place, kind Kind, d Details, f *fault.Fault) (*fault.Fault, error) {
	d.Note, d.Phone = strings.TrimSpace(d.Note), strings.TrimSpace(d.Phone)
	if !goodText(d.Note, maxNote) {
		f = f.At("body.details.note", "place.too_long", "most", maxNote)
	}
	if kind.Class == Address {
		if d.Calendar != "" || !d.Keeper.IsZero() || d.Capacity != 0 || d.Phone != "" || len(d.Equipment) > 0 {
			f = f.At("body.details", "place.facility_only")
		}
		next.Details = Details{Note: d.Note}
		return f, nil
	}
	if d.Phone != "" && !phoneForm.MatchString(d.Phone) {
		f = f.At("body.details.phone", "place.bad_phone")
	}
	if d.Capacity < 0 || d.Capacity > maxPeople {
		f = f.At("body.details.capacity", "place.bad_capacity", "most", maxPeople)
	}
	if len(d.Equipment) > maxList {
		f = f.At("body.details.equipment", "place.too_many_lines", "most", maxList)
	}
	d.Equipment = slices.Clone(d.Equipment)
	for i := range d.Equipment {
		e := &d.Equipment[i]
		if e.Name, e.Note = strings.TrimSpace(e.Name), strings.TrimSpace(e.Note); !goodName(e.Name, maxName) || !goodText(e.Note, maxLine) || e.Count < 0 || e.Count > 100_000 {
			f = f.At("body.details.equipment", "place.bad_equipment")
			break
		}
	}
	if d.Calendar != "" {
		if _, err := p.calendars.Get(tx, d.Calendar); errors.Is(err, calendar.ErrMissing) {
			f = f.At("body.details.calendar", "place.no_calendar")
		} else if err != nil {
			return f, err
		}
	}
	if !d.Keeper.IsZero() {
		units, err := p.org.Snapshot(tx)
		if err != nil {
			return f, err
		}
		if post, ok := units.Post(d.Keeper); !ok || !post.Open(tx.Now()) {
			f = f.At("body.details.keeper_id", "place.no_post")
		}
	}
	next.Details = d
	return f, nil
}

// derive says who is responsible where a place lies: by its position, else by
// what it is part of, else by its home. A wide place has a grid only where the
// platform has a single one, and lends none. found is false when a position
// lies in no grid.
func (p *Places) derive(tx *db.Tx, of Place, kind Kind, parent *Place) (n journal.Nodes, found bool, err error) {
	switch {
	case of.Located:
		at, ok, err := p.grids.Locate(tx, orb.Point{of.Lon, of.Lat})
		if err != nil || !ok {
			return n, false, err
		}
		n = at.Nodes
	case parent != nil:
		n = parent.Nodes
	default:
		units, err := p.org.Snapshot(tx)
		if err != nil {
			return n, false, err
		}
		n = units.Nodes(of.Home)
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return n, false, err
	}
	wide := kind.Wide
	if !of.Located && parent != nil {
		if above, ok := known.get(parent.Kind); ok && above.Wide {
			wide = true
		}
	}
	if wide {
		n.Grid, n.Micro = id.ID{}, id.ID{}
	}
	if n.Grid.IsZero() {
		only, count, err := p.grids.Only(tx, n.Platform)
		if err != nil {
			return n, false, err
		}
		if count == 1 {
			n.Grid = only.ID
		}
	}
	return n, true, nil
}

// Tidy is how names are kept: without blanks around, full-width letters and
// digits made narrow, inner blanks single.
func Tidy(s string) string {
	return strings.Join(strings.Fields(strings.Map(narrow, s)), " ")
}

// narrow maps full-width letters, digits and signs to the usual ones.
func narrow(r rune) rune {
	switch {
	case r == '　':
		return ' '
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	}
	return r
}

func goodName(s string, most int) bool {
	return s != "" && goodText(s, most) && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

func goodText(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

var (
	schemeForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,29}$`)
	codeForm   = regexp.MustCompile(`^[0-9A-Za-z._/-]{1,40}$`)
)

// keepNames brings aliases and codes to what the input says.
func (p *Places) keepNames(tx *db.Tx, of Place, in In) error {
	f := ErrInvalid
	if len(in.Aliases) > maxAliases {
		f = f.At("body.aliases", "place.too_many_lines", "most", maxAliases)
	}
	if len(in.Codes) > maxCodes {
		f = f.At("body.codes", "place.too_many_lines", "most", maxCodes)
	}
	aliases := map[string]bool{}
	for _, a := range in.Aliases {
		if a = Tidy(a); !goodName(a, maxName) {
			f = f.At("body.aliases", "place.bad_name", "longest", maxName)
		} else if a != of.Name {
			aliases[a] = true
		}
	}
	codes := map[CodeIn]bool{}
	for _, c := range in.Codes {
		if !schemeForm.MatchString(c.Scheme) || !codeForm.MatchString(c.Code) {
			f = f.At("body.codes", "place.bad_code")
		}
		codes[c] = true
	}
	if len(f.Where) > 0 {
		return f
	}
	names, err := namesOf(tx, of.ID)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.Usage != Alias || !n.To.IsZero() {
			continue
		}
		if !aliases[n.Name] {
			if err := endAlias(tx, of.ID, n.Name); err != nil {
				return err
			}
		}
		delete(aliases, n.Name)
	}
	for _, a := range sorted(aliases) {
		if err := insertName(tx, of.ID, Name{Name: a, Usage: Alias, From: tx.Now()}); err != nil {
			return err
		}
	}
	had, err := codesOf(tx, of.ID)
	if err != nil {
		return err
	}
	for _, c := range had {
		key := CodeIn{c.Scheme, c.Code}
		if c.To.IsZero() && !codes[key] {
			if err := endCode(tx, of.ID, c.Scheme, c.Code); err != nil {
				return err
			}
		}
		if !c.To.IsZero() && codes[key] {
			if _, err := resumeCode(tx, of.ID, c.Scheme, c.Code); err != nil {
				return err
			}
		}
		delete(codes, key)
	}
	for c := range codes {
		if other, used, err := byCode(tx, c.Scheme, c.Code); err != nil {
			return err
		} else if used && other != of.ID {
			return ErrCodeUsed.With("code", c.Code).At("body.codes", "place.code_used", "code", c.Code)
		}
		if err := insertCode(tx, of.ID, Code{Scheme: c.Scheme, Code: c.Code, From: tx.Now()}); err != nil {
			return err
		}
	}
	return nil
}

func sorted(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// path reads a place and everything above it, outermost first.
func path(tx *db.Tx, p Place) ([]Place, error) {
	out := []Place{p}
	for v := p.Parent; !v.IsZero() && len(out) < 10; {
		above, err := get(tx, v)
		if err != nil {
			return nil, err
		}
		out = append(out, above)
		v = above.Parent
	}
	slices.Reverse(out)
	return out, nil
}

// labelOf is what people call a place: the names of the tree joined; a
// facility's name alone where it tells the village already.
func labelOf(names []string, facility bool) string {
	last := names[len(names)-1]
	if len(names) > 1 && facility && strings.Contains(last, Stem(names[0])) {
		return last
	}
	return strings.Join(names, "")
}

// Stem is a village's name without the word for what it is: 马店村 is asked for
// as 马店.
func Stem(name string) string {
	for _, end := range []string{"村民委员会", "居民委员会", "村委会", "居委会"} {
		name = strings.TrimSuffix(name, end)
	}
	for _, end := range []string{"社区", "小区", "村", "街道"} {
		if s := strings.TrimSuffix(name, end); s != name && utf8.RuneCountInString(s) > 1 {
			return s
		}
	}
	return name
}

// Spot says where a place is, for whoever files something there: any place in
// force that exists, since who takes in a report must know whose it is. Code:
// place.missing.
func (p *Places) Spot(tx *db.Tx, v id.ID) (Spot, error) {
	found, err := get(tx, v)
	if err != nil {
		return Spot{}, err
	}
	if !found.Open(tx.Now()) {
		return Spot{}, ErrMissing.With("place", v.String())
	}
	all, err := path(tx, found)
	if err != nil {
		return Spot{}, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return Spot{}, err
	}
	kind, _ := known.get(found.Kind)
	s := Spot{ID: v, Label: labelOf(namesIn(all), kind.Class == Facility), Nodes: found.Nodes}
	// The point of a house serves for its rooms; that of a road for nothing.
	for i := len(all) - 1; i >= 0; i-- {
		if k, _ := known.get(all[i].Kind); k.Wide {
			break
		}
		if all[i].Located {
			s.Located, s.Lon, s.Lat = true, all[i].Lon, all[i].Lat
			break
		}
	}
	return s, nil
}

func namesIn(all []Place) []string {
	out := make([]string, len(all))
	for i, p := range all {
		out[i] = p.Name
	}
	return out
}
