package place

import (
	"cmp"
	"errors"
	mathbits "math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Hit is one place that a search found (查到的地点).
type Hit struct {
	ID       id.ID      `json:"id"`
	Kind     string     `json:"kind"`
	KindName words.Text `json:"kind_name"`
	Class    Class      `json:"class"`
	Label    string     `json:"label" doc:"As people say it: 马店村幸福路12号"`
	Name     string     `json:"name"`
	Former   string     `json:"former,omitempty" doc:"The earlier or other name under which it was found"`
	journal.Nodes
	StreetName   *words.Text `json:"street_name,omitempty"`
	PlatformName *words.Text `json:"platform_name,omitempty"`
	GridName     string      `json:"grid_name,omitempty"`
	Located      bool        `json:"located"`
	Wide         bool        `json:"wide,omitempty" doc:"Its position is not that of what happened there"`
	Lon          float64     `json:"lon,omitempty"`
	Lat          float64     `json:"lat,omitempty"`
	MadeUp       bool        `json:"made_up,omitempty"`
	Near         bool        `json:"near,omitempty" doc:"In the asker's own platform or grid"`
	Cost         int         `json:"-"`
}

// Ask is what is looked for.
type Ask struct {
	Query string
	Class Class         // "" for both
	Kind  string        // "" for all
	Near  journal.Nodes // places there come first
	Limit int
}

const (
	maxHits     = 50
	defaultHits = 20
)

// Search finds places by text, pinyin or first letters, with one mistake if
// nothing is found without: what the actor may see, best first. What is written
// exactly so comes before what begins so and what contains it, and among
// equals what is near. Code: place.query.
func (p *Places) Search(tx *db.Tx, by journal.Who, a Ask) ([]Hit, error) {
	return p.search(tx, a, func(at journal.Sight) bool { return at.Public || by.Sees(permView, at) })
}

// SearchPublic finds what the public may find: villages, roads, estates and
// public facilities, never what people live in unless an office showed it.
func (p *Places) SearchPublic(tx *db.Tx, a Ask) ([]Hit, error) {
	hits, err := p.search(tx, a, func(at journal.Sight) bool { return at.Public })
	if err != nil {
		return nil, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return nil, err
	}
	for i := range hits {
		if k, _ := known.get(hits[i].Kind); k.Home && hits[i].Located {
			hits[i].Lon, hits[i].Lat = Coarse(hits[i].Lon, hits[i].Lat)
		}
	}
	return hits, nil
}

// PublicOne gives one place by its id, if the public may find it.
func (p *Places) PublicOne(tx *db.Tx, v id.ID) (Spot, bool, error) {
	one, err := get(tx, v)
	if errors.Is(err, ErrMissing) {
		return Spot{}, false, nil
	}
	if err != nil {
		return Spot{}, false, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return Spot{}, false, err
	}
	if kind, _ := known.get(one.Kind); !one.Open(tx.Now()) || !shownTo(one.Shown, kind) {
		return Spot{}, false, nil
	}
	s, err := p.Spot(tx, v)
	return s, err == nil, err
}

// found is one line that matches.
type found struct {
	line int32
	cost int
	near int
	kind int
	size int
}

// tier groups costs: the same, the same but for what it is, begins so, contains
// it, with gaps, with a mistake. Within one, what is near comes first.
func tier(cost int) int {
	switch {
	case cost <= 1:
		return 0
	case cost <= 3:
		return 1
	case cost <= 6:
		return 2
	case cost <= 10:
		return 3
	}
	return 4 + cost/4
}

func (p *Places) search(tx *db.Tx, a Ask, may func(journal.Sight) bool) ([]Hit, error) {
	a.Query = strings.TrimSpace(a.Query)
	if a.Query == "" || utf8.RuneCountInString(a.Query) > maxQuery || !utf8.ValidString(a.Query) {
		return nil, ErrQuery.At("query.q", "place.query")
	}
	if a.Limit <= 0 || a.Limit > maxHits {
		a.Limit = defaultHits
	}
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return nil, err
	}
	query, street := withoutDivisions(units, a.Query)
	if query == "" {
		query = a.Query
	}
	s, err := p.fresh(tx)
	if err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	l := newLook(s, known, a, street, may)
	l.exact(query)
	if !l.good() {
		l.loose(query)
	}
	if !l.good() {
		l.mistaken(query)
	}
	return p.show(tx, s, known, units, a.Near, l.top)
}

// withoutDivisions takes the names of province, city, counties and streets off
// the front of a query: everybody here lives in them. A street narrows where
// the rest is looked for.
func withoutDivisions(units *org.Snapshot, q string) (rest string, street id.ID) {
	for changed := true; changed; {
		changed = false
		for _, d := range units.Divisions {
			if d.Level != "village" && d.Level != "street" {
				if r, ok := strings.CutPrefix(q, d.Name); ok {
					q, changed = strings.TrimSpace(r), true
				}
			}
		}
		for _, u := range units.Units {
			if u.Kind != org.Street || utf8.RuneCountInString(u.Name.Chinese) < 3 {
				continue
			}
			if r, ok := strings.CutPrefix(q, strings.TrimSuffix(u.Name.Chinese, "平台")); ok && r != "" {
				q, street, changed = strings.TrimSpace(r), u.ID, true
			}
		}
	}
	return q, street
}

// look is one search while it runs.
type look struct {
	s      *shelf
	ask    Ask
	kinds  []kindSeen
	allow  []int8 // by nodes, kind and shown: 0 not asked yet, 1 yes, 2 no
	may    func(journal.Sight) bool
	street id.ID
	top    []found // the best of what was found, in order; one for an entry
	least  int
	left   int // how many names may still be looked at closely
}

// kindSeen is a kind as the index numbers it.
type kindSeen struct {
	Kind
	wanted bool
	order  int
}

// mostCost is what a name may be away from the query: one mistake and a word or
// two left out. Two mistakes are another name.
const mostCost = 19

// mostClose bounds how many names one search looks at closely; the nearest
// first would be better, but a query that fits so many asks for no place.
const mostClose = 20_000

func newLook(s *shelf, known *kinds, a Ask, street id.ID, may func(journal.Sight) bool) *look {
	l := &look{s: s, ask: a, may: may, street: street, least: none, left: mostClose}
	for _, key := range s.kinds {
		k, _ := known.get(key)
		one := kindSeen{Kind: k, order: int(k.rank())}
		one.wanted = (a.Class == "" || k.Class == a.Class) && (a.Kind == "" || key == a.Kind)
		if k.Class == Facility {
			one.order = 3 // beside estates: a hall is asked for more often than a room
		}
		l.kinds = append(l.kinds, one)
	}
	l.allow = make([]int8, len(s.nodes)*len(l.kinds)*3)
	return l
}

// allowed says whether the asker may find an entry. The answer is the same for
// all places of a kind in one grid.
func (l *look) allowed(e *entry) bool {
	k := &l.kinds[e.kind]
	if !k.wanted {
		return false
	}
	at := (int(e.nodes)*len(l.kinds)+int(e.kind))*3 + int(shownRank[e.shown])
	if l.allow[at] == 0 {
		n := l.s.nodes[e.nodes]
		l.allow[at] = 2
		if (l.street.IsZero() || n.Street == l.street) && l.may(sight(Place{Nodes: n, Shown: e.shown}, k.Kind)) {
			l.allow[at] = 1
		}
	}
	return l.allow[at] == 1
}

// scan looks closely at all lines that a test of their signs lets through.
func (l *look) scan(q []piece, mistake bool, fits func(*sign) bool) {
	signs := l.s.signs
	w := newWalk(l.s, q, mistake)
	// The last piece falls on the own name, or the one before it with a mistake.
	end := q[len(q)-1].ends()
	if mistake && len(q) > 1 {
		end |= q[len(q)-2].ends()
	}
	for b := range l.s.blocks {
		if l.s.blocks[b].end&end == 0 || !fits(&l.s.blocks[b]) {
			continue
		}
		for i := b * blockSize; i < min(len(signs), (b+1)*blockSize); i++ {
			if signs[i].end&end != 0 && fits(&signs[i]) {
				l.close(int32(i), w)
			}
		}
	}
}

// exact looks for what was asked for, a word like 村 or 路 left out or not.
func (l *look) exact(q string) {
	for _, r := range read(q, false) {
		l.scan(r.pieces, false, func(g *sign) bool {
			return !g.pair.lacks(r.pair) && !g.char.lacks(r.char) && !g.sound.lacks(r.sound) && r.letter&^g.letter == 0
		})
	}
}

// loose takes each character for any that sounds like it, and lets anything be
// left out in between.
func (l *look) loose(q string) {
	for _, r := range read(q, false) {
		if len(r.pieces) < 2 && r.char == (bits{}) {
			continue
		}
		l.scan(r.pieces, false, func(g *sign) bool { return !g.sound.lacks(r.alike) && r.letter&^g.letter == 0 })
	}
}

// mistaken forgives one mistake: a character, or a letter of pinyin. One among
// first letters is forgiven only in long queries, since a few letters less fit
// nearly everything.
func (l *look) mistaken(q string) {
	for _, r := range read(q, true) {
		l.scan(r.pieces, false, func(g *sign) bool { return !g.sound.lacks(r.alike) && r.letter&^g.letter == 0 })
	}
	for _, r := range read(q, false) {
		known := 0 // pieces that say more than a first letter
		for _, p := range r.pieces {
			if p.is == pieceChar || p.is == pieceWhole {
				known++
			}
		}
		switch n := len(r.pieces); {
		case n < 3:
		case n >= 5:
			l.scan(r.pieces, true, func(g *sign) bool {
				return !g.char.lacks(r.digit) && mathbits.OnesCount64(r.letter&^g.letter) <= 1 && g.sound.lacking(r.alike) <= 1 && g.pair.lacking(r.pair) <= 3
			})
		case known >= 3:
			l.scan(r.pieces, true, func(g *sign) bool {
				return !g.char.lacks(r.digit) && mathbits.OnesCount64(r.letter&^g.letter) <= 1 && g.sound.lacking(r.alike) <= 1
			})
		}
	}
}

// close looks closely at one line.
func (l *look) close(n int32, w *walk) {
	s := l.s
	one := &s.lines[n]
	if one.entry < 0 {
		return
	}
	e := &s.entries[one.entry]
	if !l.allowed(e) {
		return
	}
	own := one.own[one.skip:]
	if last := len(w.q) - 1; !w.ends(own, last) && (w.layers == 1 || !w.ends(own, last-1)) {
		return
	}
	if l.left--; l.left < 0 {
		return
	}
	cost := w.end(w.above(one.entry), own)
	if cost > mostCost {
		return
	}
	if one.usage == Former {
		cost += costFormer
	}
	l.least = min(l.least, cost)
	if len(l.top) == l.ask.Limit && tier(cost) > tier(l.top[len(l.top)-1].cost) {
		return // as most are, where thousands fit
	}
	l.keep(found{line: n, cost: cost, near: l.nearness(s.nodes[e.nodes]), kind: l.kinds[e.kind].order, size: s.length(one.entry, own)})
}

// keep puts a line among the best, if it is one of them.
func (l *look) keep(f found) {
	entry := l.s.lines[f.line].entry
	if i := slices.IndexFunc(l.top, func(o found) bool { return l.s.lines[o.line].entry == entry }); i >= 0 {
		if l.top[i].cost <= f.cost {
			return
		}
		l.top = slices.Delete(l.top, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(l.top, f, l.compare)
	if at == l.ask.Limit {
		return
	}
	l.top = slices.Insert(l.top[:min(len(l.top), l.ask.Limit-1)], at, f)
}

// ends says whether piece i fits some token of a name.
func (w *walk) ends(own []int32, i int) bool {
	for _, t := range own {
		if w.fit(i, t) < none {
			return true
		}
	}
	return false
}

// nearness is 0 in the asker's grid and grows with the distance in the tree.
func (l *look) nearness(n journal.Nodes) int {
	near := l.ask.Near
	switch {
	case !near.Grid.IsZero() && n.Grid == near.Grid:
		return 0
	case !near.Platform.IsZero() && n.Platform == near.Platform:
		return 1
	case !near.Street.IsZero() && n.Street == near.Street:
		return 2
	}
	return 3
}

// good says whether something was found that needs no mistake to be forgiven.
func (l *look) good() bool { return tier(l.least) < 4 }

// compare is the order of what was found, best first.
func (l *look) compare(a, b found) int {
	s := l.s
	if c := cmp.Or(cmp.Compare(tier(a.cost), tier(b.cost)), cmp.Compare(a.near, b.near), cmp.Compare(a.cost, b.cost),
		cmp.Compare(a.kind, b.kind), cmp.Compare(a.size, b.size)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(s.lines[a.line].name, s.lines[b.line].name),
		s.entries[s.lines[a.line].entry].id.Compare(s.entries[s.lines[b.line].entry].id))
}

// show makes hits of what was found.
func (p *Places) show(tx *db.Tx, s *shelf, known *kinds, units *org.Snapshot, near journal.Nodes, top []found) ([]Hit, error) {
	grids, err := p.grids.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := make([]Hit, 0, len(top))
	for _, f := range top {
		one := &s.lines[f.line]
		e := &s.entries[one.entry]
		k, _ := known.get(s.kinds[e.kind])
		h := Hit{ID: e.id, Kind: k.Key, KindName: k.Name, Class: k.Class, Name: e.name, Label: labelOf(s.names(one.entry), k.Class == Facility),
			Nodes: s.nodes[e.nodes], Located: e.located, Wide: k.Wide, Lon: e.lon, Lat: e.lat, MadeUp: e.madeUp, Cost: f.cost, Near: f.near <= 1}
		if one.usage != "" {
			h.Former = one.name
		}
		if u, ok := units.Unit(h.Street); ok {
			h.StreetName = &u.Name
		}
		if u, ok := units.Unit(h.Platform); ok {
			h.PlatformName = &u.Name
		}
		if g, ok := grids.ByID(h.Grid); ok {
			h.GridName = g.Name
		}
		out = append(out, h)
	}
	return out, nil
}

// Nearby gives where somebody's post sits, so that places there come first.
func (p *Places) Nearby(tx *db.Tx, post id.ID) (journal.Nodes, error) {
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return journal.Nodes{}, err
	}
	found, ok := units.Post(post)
	if !ok {
		return journal.Nodes{}, nil
	}
	if g, ok, err := p.grids.ByID(tx, found.Node); err != nil {
		return journal.Nodes{}, err
	} else if ok {
		unit := g.Platform
		if unit.IsZero() {
			unit = g.Street
		}
		n := units.Nodes(unit)
		if n.Grid = g.ID; g.Layer == "micro" {
			n.Grid, n.Micro = g.Parent, g.ID
		}
		return n, nil
	}
	return units.Nodes(found.Node), nil
}
