package org

import (
	"cmp"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// hubDesk is the role whose post at the hub is the end of every cover order.
const hubDesk = "hub_officer"

// Snapshot is the whole organisation at one version of its tables (机构快照). It
// is shared by all readers and must not be changed.
type Snapshot struct {
	Units     []Unit
	Divisions []Division
	Villages  []PlatformVillage
	Posts     []Post
	Persons   []Person
	Holdings  []Holding
	Groups    []Group

	unit      map[id.ID]*Unit
	unitCode  map[string]*Unit
	unitKey   map[string]*Unit
	children  map[id.ID][]id.ID
	nodes     map[id.ID]journal.Nodes
	division  map[string]*Division
	post      map[id.ID]*Post
	postsAt   map[roleAt][]*Post
	person    map[id.ID]*Person
	holding   map[id.ID]*Holding
	ofPost    map[id.ID][]*Holding
	ofPerson  map[id.ID][]*Holding
	inherited map[id.ID][]Inheritance // by heir
	heirs     map[id.ID][]Inheritance // by what was taken over
	past      map[id.ID][]PastUnit
	pastCode  map[string]id.ID
	hub       id.ID
	rules     Rules
	staffing  []StaffingRule
	terms     []Term
	groups    map[id.ID]*Group
	members   map[id.ID][]Member
	skills    map[id.ID][]string // of a person or a post
}

// PlatformVillage says that a platform covers a village for a period.
type PlatformVillage struct {
	Platform id.ID     `json:"platform_id"`
	Village  id.ID     `json:"village_id"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
}

// Inheritance says that a node took over another at a reorganisation (承接): a
// grant at the heir reaches what it inherited. (DESIGN.md section 5, scope)
type Inheritance struct {
	From, To id.ID
	At       time.Time // from here on
	Share    float64   // of From
	Act      id.ID     // that led to it; none of old ones
}

type roleAt struct {
	role string
	node id.ID
}

// NewSnapshot builds the indexes over rows in any order.
func NewSnapshot(rules Rules, units []Unit, divisions []Division, villages []PlatformVillage, posts []Post, persons []Person, holdings []Holding, inherited []Inheritance) *Snapshot {
	s := &Snapshot{
		Units: units, Divisions: divisions, Villages: villages, Posts: posts, Persons: persons, Holdings: holdings,
		unit: make(map[id.ID]*Unit, len(units)), unitCode: make(map[string]*Unit, len(units)), unitKey: map[string]*Unit{},
		children: map[id.ID][]id.ID{}, nodes: make(map[id.ID]journal.Nodes, len(units)),
		division: make(map[string]*Division, len(divisions)),
		post:     make(map[id.ID]*Post, len(posts)), postsAt: make(map[roleAt][]*Post, len(posts)),
		person: make(map[id.ID]*Person, len(persons)), holding: make(map[id.ID]*Holding, len(holdings)),
		ofPost: make(map[id.ID][]*Holding, len(holdings)), ofPerson: make(map[id.ID][]*Holding, len(holdings)),
		inherited: map[id.ID][]Inheritance{}, heirs: map[id.ID][]Inheritance{}, rules: rules, staffing: rules.Staffing, terms: rules.Terms,
		groups: map[id.ID]*Group{}, members: map[id.ID][]Member{}, skills: map[id.ID][]string{},
	}
	slices.SortFunc(s.Units, func(a, b Unit) int { return cmp.Or(cmp.Compare(a.Code, b.Code), a.ID.Compare(b.ID)) })
	slices.SortFunc(s.Posts, func(a, b Post) int { return a.ID.Compare(b.ID) })
	slices.SortFunc(s.Persons, func(a, b Person) int { return a.ID.Compare(b.ID) })
	slices.SortFunc(s.Holdings, func(a, b Holding) int { return cmp.Or(a.From.Compare(b.From), a.ID.Compare(b.ID)) })
	for i := range s.Units {
		u := &s.Units[i]
		s.unit[u.ID], s.unitCode[u.Code] = u, u
		if u.Key != "" {
			s.unitKey[u.Key] = u
		}
		if u.Kind == Hub {
			s.hub = u.ID
		}
		if !u.Parent.IsZero() {
			s.children[u.Parent] = append(s.children[u.Parent], u.ID)
		}
	}
	for i := range s.Units {
		s.nodes[s.Units[i].ID] = s.climb(s.Units[i].ID)
	}
	for i := range s.Divisions {
		s.division[s.Divisions[i].Code] = &s.Divisions[i]
	}
	for i := range s.Posts {
		p := &s.Posts[i]
		s.post[p.ID] = p
		k := roleAt{p.Role, p.Node}
		s.postsAt[k] = append(s.postsAt[k], p)
	}
	for i := range s.Persons {
		s.person[s.Persons[i].ID] = &s.Persons[i]
	}
	for i := range s.Holdings {
		h := &s.Holdings[i]
		s.holding[h.ID] = h
		s.ofPost[h.Post] = append(s.ofPost[h.Post], h)
		s.ofPerson[h.Person] = append(s.ofPerson[h.Person], h)
	}
	for _, h := range inherited {
		s.inherited[h.To] = append(s.inherited[h.To], h)
		s.heirs[h.From] = append(s.heirs[h.From], h)
	}
	return s
}

// climb finds the responsible unit at each level. Departments, the grid centre
// and other bodies belong to the hub's district.
func (s *Snapshot) climb(unit id.ID) journal.Nodes {
	n := journal.Nodes{Hub: s.hub}
	// No row can lie deeper than the number of kinds; the bound also ends a
	// circle that somebody wrote into the table by hand.
	for range len(UnitKinds) {
		u, ok := s.unit[unit]
		if !ok {
			break
		}
		switch u.Kind {
		case Street:
			n.Street = u.ID
		case Platform:
			n.Platform = u.ID
		}
		unit = u.Parent
	}
	return n
}

// HubID is the hub of this installation; zero before it is set up.
func (s *Snapshot) HubID() id.ID { return s.hub }

// Unit finds a unit by its id.
func (s *Snapshot) Unit(v id.ID) (Unit, bool) { return get(s.unit[v]) }

// UnitByCode finds a unit by its code.
func (s *Snapshot) UnitByCode(code string) (Unit, bool) { return get(s.unitCode[code]) }

// Department finds a department by its key in departments.json; of one that was
// merged into another, that one, since the register's routes name the key.
func (s *Snapshot) Department(key string) (Unit, bool) {
	u, ok := get(s.unitKey[key])
	if !ok || u.To.IsZero() {
		return u, ok
	}
	if heir, found := s.Final(u.ID, u.To); found {
		return heir, true
	}
	return u, ok
}

// Division finds a statistical division by its code.
func (s *Snapshot) Division(code string) (Division, bool) { return get(s.division[code]) }

// Post finds a post by its id.
func (s *Snapshot) Post(v id.ID) (Post, bool) { return get(s.post[v]) }

// Person finds a person by its id.
func (s *Snapshot) Person(v id.ID) (Person, bool) { return get(s.person[v]) }

// Holding finds a holding by its id.
func (s *Snapshot) Holding(v id.ID) (Holding, bool) { return get(s.holding[v]) }

func get[T any](p *T) (T, bool) {
	if p == nil {
		var zero T
		return zero, false
	}
	return *p, true
}

// Children lists the units directly under a unit.
func (s *Snapshot) Children(unit id.ID) []Unit {
	var out []Unit
	for _, c := range s.children[unit] {
		out = append(out, *s.unit[c])
	}
	return out
}

// Nodes gives the hub, street and platform a unit belongs to, itself included.
func (s *Snapshot) Nodes(unit id.ID) journal.Nodes {
	if n, ok := s.nodes[unit]; ok {
		return n
	}
	return journal.Nodes{Hub: s.hub}
}

// PostsAt lists the posts of a role bound to a node that exist at an instant,
// in a stable order.
func (s *Snapshot) PostsAt(role string, node id.ID, at time.Time) []Post {
	var out []Post
	for _, p := range s.postsAt[roleAt{role, node}] {
		if p.Open(at) {
			out = append(out, *p)
		}
	}
	return out
}

// PostsNear lists the posts of a role that could look after a place, nearest
// first: micro grid, grid, platform, street, hub; or the department when one is
// given. Within a node occupied posts come before vacant ones.
func (s *Snapshot) PostsNear(role string, n journal.Nodes, department id.ID, at time.Time) []Post {
	var out []Post
	for _, node := range []id.ID{department, n.Micro, n.Grid, n.Platform, n.Street, n.Hub} {
		if node.IsZero() {
			continue
		}
		here := s.PostsAt(role, node, at)
		slices.SortStableFunc(here, func(a, b Post) int {
			return cmp.Compare(btoi(s.Vacant(a.ID, at)), btoi(s.Vacant(b.ID, at)))
		})
		out = append(out, here...)
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// NearestPost is the first of PostsNear.
func (s *Snapshot) NearestPost(role string, n journal.Nodes, department id.ID, at time.Time) (Post, bool) {
	near := s.PostsNear(role, n, department, at)
	if len(near) == 0 {
		return Post{}, false
	}
	return near[0], true
}

// Occupant says who acts for a post at an instant: the stand-in, or else the
// holder.
func (s *Snapshot) Occupant(post id.ID, at time.Time) (person id.ID, standIn, ok bool) {
	var holder id.ID
	for _, h := range s.ofPost[post] {
		if !h.On(at) {
			continue
		}
		switch h.Kind {
		case StandIn:
			return h.Person, true, true
		case Holder:
			holder = h.Person
		}
	}
	return holder, false, !holder.IsZero()
}

// HolderOf says who holds a post at an instant, whoever stands in.
func (s *Snapshot) HolderOf(post id.ID, at time.Time) (person id.ID, ok bool) {
	for _, h := range s.ofPost[post] {
		if h.Kind == Holder && h.On(at) {
			return h.Person, true
		}
	}
	return id.ID{}, false
}

// Vacant says whether nobody acts for a post at an instant.
func (s *Snapshot) Vacant(post id.ID, at time.Time) bool {
	_, _, ok := s.Occupant(post, at)
	return !ok
}

// HoldingsOf lists what a person holds or stands in for at an instant; what was
// delegated to him is apart (Delegations, Acting).
func (s *Snapshot) HoldingsOf(person id.ID, at time.Time) []Holding {
	var out []Holding
	for _, h := range s.ofPerson[person] {
		if h.Kind != Delegate && h.On(at) && s.postOpen(h.Post, at) {
			out = append(out, *h)
		}
	}
	return out
}

// AllHoldingsOf lists every holding of a person, ended and future ones
// included.
func (s *Snapshot) AllHoldingsOf(person id.ID) []Holding {
	var out []Holding
	for _, h := range s.ofPerson[person] {
		out = append(out, *h)
	}
	return out
}

func (s *Snapshot) postOpen(post id.ID, at time.Time) bool {
	p, ok := s.post[post]
	return ok && p.Open(at)
}

// Cover is the order in which posts answer for a post: itself, its named
// fallback, then the general cover order upwards to the desk of the hub
// (staffing.json vacancy.cover_order; DESIGN.md section 3.3). Every post of it
// exists at that instant; occupied or not is for the caller to ask.
func (s *Snapshot) Cover(post id.ID, at time.Time) []Post {
	var out []Post
	seen := map[id.ID]bool{}
	add := func(p *Post) {
		if !seen[p.ID] && p.Open(at) {
			seen[p.ID] = true
			out = append(out, *p)
		}
	}
	first, known := s.post[post]
	if known {
		add(first)
		for p := first; !p.Fallback.IsZero(); {
			next, ok := s.post[p.Fallback]
			if !ok || seen[next.ID] {
				break
			}
			add(next)
			if !next.Open(at) {
				seen[next.ID] = true // its own fallback still counts, once
			}
			p = next
		}
		n := s.Nodes(first.Unit)
		for _, step := range s.rules.Cover {
			if step.Peers && !slices.Contains(s.rules.Desks, first.Role) {
				continue
			}
			role := step.Role
			if step.Peers {
				role = first.Role
			}
			for _, p := range s.postsAt[roleAt{role, step.node(first, n)}] {
				add(p)
			}
		}
	}
	for _, p := range s.postsAt[roleAt{hubDesk, s.hub}] {
		add(p)
	}
	return out
}

// Effective is the post that really acts for a post at an instant: itself when
// somebody occupies it, else the first occupied one of its cover order, else
// the desk of the hub, which answers even while it is vacant. The zero post
// comes back only before the hub has a desk.
func (s *Snapshot) Effective(post id.ID, at time.Time) Post {
	if own, ok := s.post[post]; ok && own.Open(at) && !s.Vacant(post, at) {
		return *own // as nearly always; the sweeper asks for every post
	}
	for _, p := range s.Cover(post, at) {
		if !s.Vacant(p.ID, at) {
			return p
		}
	}
	for _, p := range s.postsAt[roleAt{hubDesk, s.hub}] {
		if p.Open(at) {
			return *p
		}
	}
	return Post{}
}

// Up is the next post above a post that exists at an instant (way up); none
// above the desk of the hub.
func (s *Snapshot) Up(post id.ID, at time.Time) (Post, bool) {
	own, ok := s.post[post]
	if !ok || own.Role == hubDesk && own.Node == s.hub {
		return Post{}, false
	}
	for _, p := range s.Cover(post, at) {
		if p.Role != own.Role {
			return p, true
		}
	}
	return Post{}, false
}

// HandAt says who would act if a post were asked at an instant: the occupant of
// the effective post, and the holder when a stand-in acts.
func (s *Snapshot) HandAt(post id.ID, at time.Time) journal.By {
	p := s.Effective(post, at)
	by := journal.By{Post: p.ID}
	person, standIn, ok := s.Occupant(p.ID, at)
	if !ok {
		return by
	}
	by.Person = person
	if standIn {
		if holder, held := s.HolderOf(p.ID, at); held {
			by.For = holder
		}
	}
	return by
}

// SightOfUnit is the place of a unit in the scope trees.
func (s *Snapshot) SightOfUnit(unit id.ID) journal.Sight {
	at := journal.Sight{Nodes: s.Nodes(unit)}
	if u, ok := s.unit[unit]; ok && u.Kind == Department {
		at.Department = u.ID
	}
	return at
}
