package place

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
)

// ImportOptions say how a file of places is meant.
type ImportOptions struct {
	Datum  geo.Datum // of the file's positions; must be given
	Scheme string    // of the file's codes; "local" when empty
}

// localScheme is the scheme of codes whose file does not name one.
const localScheme = "local"

// ErrGeometry says that a feature is no point.
var ErrGeometry = fault.New(fault.Invalid, "place.no_point")

// header are the columns that an import knows, with the Chinese headings that
// offices write.
var header = map[string][]string{
	"code": {"编码", "代码"}, "kind": {"类型", "类别"}, "name": {"名称", "地址名称", "设施名称"}, "parent": {"上级编码", "所在地址编码"},
	"unit": {"平台编码", "单位编码"}, "lon": {"经度"}, "lat": {"纬度"}, "aliases": {"别名"}, "public": {"公开"}, "made_up": {"虚构"},
	"calendar": {"日历"}, "capacity": {"容纳人数"}, "phone": {"联系电话", "办公电话"}, "equipment": {"设备清单", "设备"}, "note": {"备注"},
}

// column reads a column by its name or its Chinese heading.
func column(r table.Row, name string) string {
	if v := r.Get(name); v != "" {
		return v
	}
	for _, other := range header[name] {
		if v := r.Get(other); v != "" {
			return v
		}
	}
	return ""
}

// Import takes one row of a file of addresses or facilities, in the order of
// the file: parents come before their parts. A row with a known code, or with a
// known name under its parent, is the same place: with the same content it is
// repeated, with other content the place is changed. Permission place.edit
// where it lies. Codes: those of Create and Change, place.no_parent,
// place.no_point.
func (p *Places) Import(tx *db.Tx, by journal.Who, r table.Row, o ImportOptions) (table.Outcome, error) {
	if o.Datum.String() == "" {
		return table.Outcome{}, geo.ErrDatum.With("datum", "")
	}
	if o.Scheme == "" {
		o.Scheme = localScheme
	}
	in, code, err := p.rowOf(tx, r, o)
	if err != nil {
		return table.Outcome{}, columnsOf(err)
	}
	old, known, err := p.knownAs(tx, in, code, o.Scheme)
	if err != nil {
		return table.Outcome{}, columnsOf(err)
	}
	if !known {
		if code != "" {
			in.Codes = []CodeIn{{o.Scheme, code}}
		}
		_, err := p.Create(tx, by, in)
		return table.Outcome{Result: table.Taken}, columnsOf(err)
	}
	same, err := p.merge(tx, old, &in, code, o.Scheme)
	if err != nil {
		return table.Outcome{}, columnsOf(err)
	}
	if same {
		return table.Outcome{Result: table.Repeated}, nil
	}
	_, err = p.Change(tx, by, old.ID, 0, in)
	return table.Outcome{Result: table.Taken}, columnsOf(err)
}

// rowOf reads a row.
func (p *Places) rowOf(tx *db.Tx, r table.Row, o ImportOptions) (in In, code string, err error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return in, "", err
	}
	f := ErrInvalid
	kind, ok := known.named(column(r, "kind"))
	if !ok {
		f = f.At("kind", "place.kind_missing")
	}
	in = In{Kind: kind.Key, Name: column(r, "name")}
	if code = column(r, "code"); code != "" && !codeForm.MatchString(code) {
		f = f.At("code", "place.bad_code")
	}
	for a := range strings.FieldsFuncSeq(column(r, "aliases"), func(c rune) bool { return strings.ContainsRune("；;、|", c) }) {
		in.Aliases = append(in.Aliases, Tidy(a))
	}
	if up := column(r, "parent"); up != "" {
		v, ok, err := byCode(tx, o.Scheme, up)
		if err == nil && !ok {
			v, ok, err = byCode(tx, divisionScheme, up)
		}
		if err != nil {
			return in, code, err
		}
		if !ok {
			f = f.At("parent", "place.no_parent", "code", clip(up))
		}
		in.Parent = v
	}
	if unit := column(r, "unit"); unit != "" {
		units, err := p.org.Snapshot(tx)
		if err != nil {
			return in, code, err
		}
		u, ok := units.UnitByCode(unit)
		if !ok {
			f = f.At("unit", "place.bad_home")
		}
		in.Home = u.ID
	}
	switch strings.ToLower(column(r, "public")) {
	case "":
	case "yes", "true", "1", "是":
		in.Shown = ShownYes
	case "no", "false", "0", "否":
		in.Shown = ShownNo
	default:
		f = f.At("public", "place.bad_flag")
	}
	switch strings.ToLower(column(r, "made_up")) {
	case "", "no", "false", "0", "否":
	case "yes", "true", "1", "是":
		in.MadeUp = true
	default:
		f = f.At("made_up", "place.bad_flag")
	}
	in.Details = Details{Calendar: column(r, "calendar"), Phone: column(r, "phone"), Note: column(r, "note")}
	if n := column(r, "capacity"); n != "" {
		if in.Details.Capacity, err = strconv.ParseInt(n, 10, 64); err != nil {
			f = f.At("capacity", "place.bad_capacity", "most", maxPeople)
		}
	}
	if in.Details.Equipment, ok = equipmentOf(column(r, "equipment")); !ok {
		f = f.At("equipment", "place.bad_equipment")
	}
	if f, err = position(r, &in, o, f); err != nil {
		return in, code, err
	}
	if len(f.Where) > 0 {
		return in, code, f
	}
	return in, code, nil
}

// divisionScheme is the scheme of the statistical list's codes.
const divisionScheme = "division"

// position reads a row's longitude and latitude, or the point of a feature.
func position(r table.Row, in *In, o ImportOptions, f *fault.Fault) (*fault.Fault, error) {
	in.Datum = o.Datum.String()
	if len(r.Geometry) > 0 && string(r.Geometry) != "null" {
		var g struct {
			Type        string    `json:"type"`
			Coordinates []float64 `json:"coordinates"`
		}
		if err := json.Unmarshal(r.Geometry, &g); err != nil || g.Type != "Point" || len(g.Coordinates) < 2 {
			return f, ErrGeometry.At("geometry", "place.no_point")
		}
		in.Lon, in.Lat = &g.Coordinates[0], &g.Coordinates[1]
	} else if lon, lat := column(r, "lon"), column(r, "lat"); lon != "" || lat != "" {
		x, err := strconv.ParseFloat(lon, 64)
		y, err2 := strconv.ParseFloat(lat, 64)
		if err != nil || err2 != nil {
			return f.At("lon", "geo.bad_position", "lon", clip(lon), "lat", clip(lat)), nil
		}
		in.Lon, in.Lat = &x, &y
	}
	if in.Lon != nil {
		if err := geo.Check(orb.Point{*in.Lon, *in.Lat}); err != nil {
			f = f.At("lon", "geo.bad_position", "lon", *in.Lon, "lat", *in.Lat)
		}
	}
	return f, nil
}

// equipmentOf reads a list such as 折叠椅×40；投影仪.
func equipmentOf(s string) ([]Equipment, bool) {
	var out []Equipment
	for one := range strings.FieldsFuncSeq(s, func(c rune) bool { return strings.ContainsRune("；;|\n", c) }) {
		name, count, counted := strings.Cut(strings.NewReplacer("×", "*", "x", "*", "X", "*").Replace(one), "*")
		e := Equipment{Name: strings.TrimSpace(name)}
		if counted {
			n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 64)
			if err != nil || n < 0 {
				return nil, false
			}
			e.Count = n
		} else {
			e.Name = strings.TrimSpace(one)
		}
		out = append(out, e)
	}
	return out, true
}

// knownAs finds the place that a row is about: by its code, or by its name.
func (p *Places) knownAs(tx *db.Tx, in In, code, scheme string) (old Place, known bool, err error) {
	var v id.ID
	if code != "" {
		if v, known, err = byCode(tx, scheme, code); err != nil {
			return old, false, err
		}
	}
	if !known {
		// As Create would see it.
		next := Place{}
		if _, err := p.fill(tx, &next, in, nil); err != nil {
			return old, false, err
		}
		if v, known, err = twin(tx, next); err != nil || !known {
			return old, false, err
		}
		if code != "" {
			codes, err := codesOf(tx, v)
			if err != nil {
				return old, false, err
			}
			for _, c := range codes {
				if c.Scheme == scheme && c.To.IsZero() && c.Code != code {
					return old, false, ErrTwice.With("name", in.Name).At("name", "place.twice", "name", in.Name)
				}
			}
		}
	}
	if old, err = get(tx, v); err != nil {
		return old, false, err
	}
	if !old.Open(tx.Now()) {
		return old, false, ErrCodeUsed.With("code", code).At("code", "place.code_used", "code", code)
	}
	return old, true, nil
}

// merge adds to a row what the place has and the file does not speak of, and
// says whether nothing would change.
func (p *Places) merge(tx *db.Tx, old Place, in *In, code, scheme string) (same bool, err error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return false, err
	}
	codes, err := codesOf(tx, old.ID)
	if err != nil {
		return false, err
	}
	names, err := namesOf(tx, old.ID)
	if err != nil {
		return false, err
	}
	has := code == ""
	for _, c := range codes {
		if c.To.IsZero() {
			in.Codes = append(in.Codes, CodeIn{c.Scheme, c.Code})
			has = has || c.Scheme == scheme && c.Code == code
		}
	}
	if !has {
		in.Codes = append(in.Codes, CodeIn{scheme, code})
	}
	in.Details.Keeper = old.Details.Keeper
	added := false
	var aliases []string
	for _, n := range names {
		if n.Usage == Alias && n.To.IsZero() {
			aliases = append(aliases, n.Name)
		}
	}
	for _, a := range in.Aliases {
		added = added || !slices.Contains(aliases, a) && a != Tidy(in.Name)
	}
	in.Aliases = append(aliases, in.Aliases...)
	if in.Lon == nil && old.Located {
		in.Lon, in.Lat, in.Datum = &old.Lon, &old.Lat, geo.WGS84.String()
	}
	if in.Home.IsZero() {
		in.Home = old.Home
	}
	if in.Parent.IsZero() {
		in.Parent = old.Parent
	}
	kind, _ := known.get(old.Kind)
	next := old
	if _, err := p.fill(tx, &next, *in, &kind); err != nil {
		return false, err
	}
	a, err := json.Marshal(next)
	if err != nil {
		return false, err
	}
	b, err := json.Marshal(old)
	if err != nil {
		return false, err
	}
	return has && !added && string(a) == string(b), nil
}

// columnsOf names the columns of a file rather than the fields of a request.
func columnsOf(err error) error {
	if err == nil {
		return nil
	}
	f := *fault.Of(err)
	f.Where = slices.Clone(f.Where)
	for i := range f.Where {
		w := strings.TrimPrefix(strings.TrimPrefix(f.Where[i].Path, "body."), "details.")
		w = strings.TrimSuffix(w, "_id")
		switch w {
		case "home":
			w = "unit"
		case "shown":
			w = "public"
		case "codes":
			w = "code"
		}
		f.Where[i].Path = w
	}
	return &f
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
