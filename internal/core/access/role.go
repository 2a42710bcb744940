package access

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Role is a named set of permissions and the levels it can be granted at (角色).
type Role struct {
	Key          string      `json:"key"`
	Name         words.Text  `json:"name"`
	Sits         string      `json:"sits"` // public, grid, village, street, hub, department, grid_centre, system
	App          string      `json:"app"`
	Levels       []org.Level `json:"scope_kinds"`
	Permissions  []string    `json:"permissions"`
	Incompatible []string    `json:"incompatible"`
	Note         *words.Text `json:"note,omitempty"`

	set map[string]bool
}

// allows says whether the role has the permission for its whole scope, or only
// for its own things: "case.view_own" is "case.view" on what one is named on or
// what came to one's post.
func (r *Role) allows(permission string) (whole, own bool) {
	if r == nil {
		return false, false
	}
	return r.set[permission], r.set[permission+"_own"]
}

// Permission is one thing that can be allowed (权限).
type Permission struct {
	Key          string     `json:"key"`
	Group        string     `json:"group"`
	Name         words.Text `json:"name"`
	Personal     string     `json:"personal"` // none, basic, sensitive
	NeedsPurpose bool       `json:"needs_purpose"`
}

// Exclusion is a pair of roles that one person may never hold at the same time
// (互斥角色), stand-ins included.
type Exclusion struct {
	Roles [2]string  `json:"roles"`
	Why   words.Text `json:"why"`
}

// TwoPerson says that whoever did the first act on a thing may not do the
// second (双人规则).
type TwoPerson struct {
	Key      string      `json:"key"`
	First    string      `json:"first"`
	Second   string      `json:"second"`
	Fallback string      `json:"fallback,omitempty"`
	When     *words.Text `json:"when,omitempty"`
	Why      words.Text  `json:"why"`
}

// RoleBook is everything roles.json says about roles (角色簿).
type RoleBook struct {
	Permissions []Permission `json:"permissions"`
	Roles       []Role       `json:"roles"`
	Exclusions  []Exclusion  `json:"incompatibilities"`
	TwoPersons  []TwoPerson  `json:"two_person_rules"`

	role map[string]*Role
}

// LoadRoleBook reads defaults/roles.json from the shipped files and refuses a
// book that contradicts itself.
func LoadRoleBook(files fs.FS) (*RoleBook, error) {
	raw, err := fs.ReadFile(files, "defaults/roles.json")
	if err != nil {
		return nil, fmt.Errorf("roles: %w", err)
	}
	var b RoleBook
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("roles.json: %w", err)
	}
	return &b, b.index()
}

// administrators are the three that exclude each other (三员分立) and see no
// content.
var administrators = []string{"system_admin", "security_admin", "auditor"}

func (b *RoleBook) index() error {
	known := map[string]bool{}
	for _, p := range b.Permissions {
		known[p.Key] = true
	}
	b.role = make(map[string]*Role, len(b.Roles))
	for i := range b.Roles {
		r := &b.Roles[i]
		if b.role[r.Key] != nil {
			return fmt.Errorf("roles.json: role %s stands twice", r.Key)
		}
		b.role[r.Key] = r
		r.set = make(map[string]bool, len(r.Permissions))
		for _, p := range r.Permissions {
			if !known[p] {
				return fmt.Errorf("roles.json: role %s has the unknown permission %s", r.Key, p)
			}
			r.set[p] = true
		}
		for _, l := range r.Levels {
			if !slices.Contains(org.Levels, l) {
				return fmt.Errorf("roles.json: role %s has the unknown scope %s", r.Key, l)
			}
		}
		// The administrators' level reaches every secrecy, so nothing that
		// touches content may be granted there.
		if slices.Contains(r.Levels, org.AtSystem) {
			for _, p := range r.Permissions {
				if b.content(p) {
					return fmt.Errorf("roles.json: role %s sits at the system and touches content by %s", r.Key, p)
				}
			}
		}
	}
	for _, x := range b.Exclusions {
		for _, key := range x.Roles {
			if b.role[key] == nil {
				return fmt.Errorf("roles.json: unknown role %s in incompatibilities", key)
			}
		}
	}
	for i, one := range administrators {
		for _, other := range administrators[i+1:] {
			if b.role[one] != nil && b.role[other] != nil && !b.Excludes(one, other) {
				return fmt.Errorf("roles.json: %s and %s must exclude each other", one, other)
			}
		}
	}
	for _, t := range b.TwoPersons {
		if !known[t.First] || !known[t.Second] {
			return fmt.Errorf("roles.json: two-person rule %s names an unknown permission", t.Key)
		}
	}
	return nil
}

// content says whether a permission touches cases or residents' data.
func (b *RoleBook) content(permission string) bool {
	for _, p := range b.Permissions {
		if p.Key == permission {
			return slices.Contains([]string{"case", "task", "apply", "resident", "patrol", "camera"}, p.Group) || p.Personal == "sensitive"
		}
	}
	return true
}

// Role finds a role by its key.
func (b *RoleBook) Role(key string) (Role, bool) {
	r := b.role[key]
	if r == nil {
		return Role{}, false
	}
	return *r, true
}

// Known says whether there is such a permission.
func (b *RoleBook) Known(permission string) bool {
	return slices.ContainsFunc(b.Permissions, func(p Permission) bool { return p.Key == permission })
}

// Excludes says whether one person may not hold both roles.
func (b *RoleBook) Excludes(one, other string) bool {
	_, ok := b.exclusion(one, other)
	return ok
}

func (b *RoleBook) exclusion(one, other string) (Exclusion, bool) {
	for _, x := range b.Exclusions {
		if x.Roles == [2]string{one, other} || x.Roles == [2]string{other, one} {
			return x, true
		}
	}
	return Exclusion{}, false
}

// SecondOf lists the first acts whose hand must differ from the hand of this
// act: for "case.check" these are "case.handle" and "case.settle".
func (b *RoleBook) SecondOf(permission string) []TwoPerson {
	var out []TwoPerson
	for _, t := range b.TwoPersons {
		if t.Second == permission {
			out = append(out, t)
		}
	}
	return out
}

// keptByHolder are the permissions beside those of the administrators that a
// holder never delegates: who appoints people does so himself.
var keptByHolder = []string{"org.edit", "org.post_assign", "org.stand_in"}

// delegable lists the permissions of a role that its holder may delegate.
func (b *RoleBook) delegable(r *Role) []string {
	out := []string{}
	for _, key := range r.Permissions {
		i := slices.IndexFunc(b.Permissions, func(p Permission) bool { return p.Key == key })
		if i >= 0 && !slices.Contains([]string{"access", "system", "audit"}, b.Permissions[i].Group) && !slices.Contains(keptByHolder, key) {
			out = append(out, key)
		}
	}
	return out
}

// part is the role with no more than what may be delegated of it, and no more of
// that than was chosen. What the role lost meanwhile is lost.
func (r *Role) part(may, chosen []string) *Role {
	v := *r
	v.Permissions, v.set = nil, map[string]bool{}
	for _, p := range may {
		if len(chosen) == 0 || slices.Contains(chosen, p) {
			v.Permissions, v.set[p] = append(v.Permissions, p), true
		}
	}
	return &v
}

// Delegable lists the permissions of a role that its holder may delegate; the
// organisation asks it.
func (a *Access) Delegable(tx *db.Tx, role string) ([]string, error) {
	st, err := a.cache.Get(tx)
	if err != nil || st.book.role[role] == nil {
		return nil, err
	}
	return st.book.delegable(st.book.role[role]), nil
}

// Grants computes everything a person holds at an instant: the roles of the
// posts held and stood in for, what was delegated of others, and what was
// granted directly.
func (b *RoleBook) Grants(s *org.Snapshot, direct []Grant, person id.ID, at time.Time) []Grant {
	var out []Grant
	p, ok := s.Person(person)
	if !ok || at.Before(p.From) || !p.To.IsZero() && !at.Before(p.To) {
		return nil
	}
	add := func(g Grant, part []string) {
		g.role = b.role[g.Role]
		if g.role == nil {
			return
		}
		if g.Delegated {
			g.role = g.role.part(b.delegable(g.role), part)
		}
		g.To = earliest(g.To, p.To)
		if !g.Node.IsZero() {
			g.nodes = s.Reach(g.Node, at)
		}
		out = append(out, g)
	}
	for _, h := range s.Acting(person, at) {
		post, _ := s.Post(h.Post)
		g := Grant{
			ID: h.ID, Person: person, Role: post.Role, Level: post.Level, Node: post.Node, Post: post.ID,
			From: h.From, To: earliest(h.To, post.To), StandIn: h.Kind == org.StandIn,
		}
		switch h.Kind {
		case org.StandIn:
			g.StandInFor, _ = s.HolderOf(post.ID, at)
		case org.Delegate:
			g.Delegated, g.StandInFor = true, h.Principal
		}
		add(g, h.Part)
	}
	for _, g := range direct {
		if g.Person == person && !at.Before(g.From) && (g.To.IsZero() || at.Before(g.To)) {
			add(g, nil)
		}
	}
	return out
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Act builds the actor for a person who acts through a post, or through none
// when post is zero and only direct grants serve.
func (b *RoleBook) Act(s *org.Snapshot, direct []Grant, person, post id.ID, at time.Time) (*Actor, error) {
	a := &Actor{Person: person, Grants: b.Grants(s, direct, person, at), hub: s.HubID()}
	if p, ok := s.Person(person); ok {
		a.Name = p.Name
	}
	for _, h := range s.AllHoldingsOf(person) {
		if begins := latest(h.From, h.Accepted); begins.After(at) && !h.Accepted.IsZero() && (h.To.IsZero() || begins.Before(h.To)) {
			a.widens = earliest(a.widens, begins)
		}
	}
	for _, g := range direct {
		if g.Person == person && g.From.After(at) {
			a.widens = earliest(a.widens, g.From)
		}
	}
	if post.IsZero() {
		return a, nil
	}
	for _, g := range a.Grants {
		if g.Post == post {
			a.Post, a.For = post, g.StandInFor
			return a, nil
		}
	}
	return nil, ErrNotYourPost
}
