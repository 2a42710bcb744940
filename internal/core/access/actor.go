package access

import (
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Grant is a role of a person at a node for a period (授权). Post is set when it
// comes with a post, StandInFor when that post is stood in for and has a
// holder, or when its holder delegated a part of it. To is the earliest end of everything it rests on.
type Grant struct {
	ID         id.ID     `json:"id"`
	Person     id.ID     `json:"person_id"`
	Role       string    `json:"role"`
	Level      org.Level `json:"level"`
	Node       id.ID     `json:"node_id,omitzero"`
	Post       id.ID     `json:"post_id,omitzero"`
	StandIn    bool      `json:"stand_in,omitempty"`
	StandInFor id.ID     `json:"stand_in_for,omitzero"`
	Delegated  bool      `json:"delegated,omitempty"` // in part, by the holder that StandInFor names
	From       time.Time `json:"from,omitzero"`
	To         time.Time `json:"to,omitzero"`

	role  *Role
	nodes []id.ID // the node and what it inherited
}

// Actor is who asks: a person, the post that acts, and everything the person
// holds at this instant (操作人). It is computed for one request and not kept.
type Actor struct {
	Person    id.ID
	Name      string
	Post      id.ID // acting post; zero when the person acts by a direct grant only
	For       id.ID // the holder that the acting post is stood in for
	Grants    []Grant
	Account   id.ID
	Session   id.ID
	Via       string // "desk", "field", "portal", "cli:user@host", "import", "system", "sweeper"
	Anonymous bool
	Language  words.Language
	AsOf      time.Time // importer only: when the act is claimed to have happened

	shared  *Shared // the shared device the session was opened on
	issuer  string  // of the provider the session was begun with
	signOut string  // where it is ended there
	hub     id.ID
	ends    time.Time // absolute end of the session
	widens  time.Time // when the next grant begins
	trusted bool
}

var _ journal.Who = (*Actor)(nil)

// Nobody is an actor who did not sign in. He is refused everything that needs a
// permission.
func Nobody(via string, language words.Language) *Actor {
	return &Actor{Via: via, Anonymous: true, Language: language}
}

// Operator is the program itself, or whoever may run it on its host: the
// command line, importers, the sweeper. It is asked for no permission; Via says
// in the journal who it was ("cli:user@host").
func Operator(via string, hub id.ID) *Actor {
	return &Actor{Via: via, Language: words.Chinese, hub: hub, trusted: true}
}

// By is how the journal names the actor.
func (a *Actor) By() journal.By {
	return journal.By{Person: a.Person, Post: a.Post, For: a.For, Via: a.Via}
}

// Check says whether the acting post may do this at that place: nil,
// access.denied, or access.sign_in for somebody unknown. A grant that rests on
// another post of the same person does not help; one given to the person
// directly does.
func (a *Actor) Check(permission string, at journal.Sight) error {
	if a.trusted {
		return nil
	}
	if a.Anonymous {
		return ErrSignIn
	}
	for i := range a.Grants {
		g := &a.Grants[i]
		if (g.Post.IsZero() || g.Post == a.Post) && g.reaches(permission, at) {
			return nil
		}
	}
	return ErrDenied.With("permission", permission)
}

// Sees says whether any grant of the person reaches that place.
func (a *Actor) Sees(permission string, at journal.Sight) bool {
	if a.trusted {
		return true
	}
	for i := range a.Grants {
		if a.Grants[i].reaches(permission, at) {
			return true
		}
	}
	return false
}

// Has says whether any grant of the person carries the permission anywhere.
func (a *Actor) Has(permission string) bool {
	return a.trusted || slices.ContainsFunc(a.Grants, func(g Grant) bool {
		whole, own := g.role.allows(permission)
		return whole || own
	})
}

// Permissions lists what the acting post may do somewhere, sorted: for screens
// that hide what can never work.
func (a *Actor) Permissions() []string {
	var out []string
	for _, g := range a.Grants {
		if g.Post.IsZero() || g.Post == a.Post {
			out = append(out, g.role.Permissions...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Until is the earliest instant at which the session or one of the grants ends
// or another begins; zero when none is foreseen. Live connections end then and
// connect again with what holds by that time.
func (a *Actor) Until() time.Time {
	end := earliest(a.ends, a.widens)
	for _, g := range a.Grants {
		if !g.To.IsZero() && (end.IsZero() || g.To.Before(end)) {
			end = g.To
		}
	}
	return end
}

// Trusted says whether this is the program itself (see Operator).
func (a *Actor) Trusted() bool { return a.trusted }

// reaches says whether this one grant allows the permission at a place.
//
// Who is named on a thing, and whose post stands on its route, reaches it
// whatever its secrecy; anybody else needs the node in his scope and a secrecy
// not above what his role may see there.
func (g *Grant) reaches(permission string, at journal.Sight) bool {
	whole, own := g.role.allows(permission)
	if !whole && !own {
		return false
	}
	if !g.Post.IsZero() && slices.Contains(at.Posts, g.Post) || slices.Contains(at.Persons, g.Person) {
		return true
	}
	return whole && at.Secrecy <= g.ceiling() && g.covers(at)
}

// ceiling is the highest secrecy that scope alone opens. Roles that sit in the
// grid see what is open; roles at a desk also what desks see; what is for named
// persons is never opened by scope (data/defaults README, confidentiality). The
// administrators' level knows no places: their roles hold no permission on
// cases, which a test over roles.json keeps so.
func (g *Grant) ceiling() journal.Secrecy {
	switch {
	case g.Level == org.AtSystem:
		return journal.Named
	case g.role.Sits == "grid" || g.role.Sits == "public":
		return journal.Open
	}
	return journal.Desk
}

// covers says whether the place lies in the grant's node. What has no place at
// all belongs to the whole district.
func (g *Grant) covers(at journal.Sight) bool {
	switch g.Level {
	case org.AtSystem:
		return true
	case org.AtDistrict:
		return at.Nodes == (journal.Nodes{}) && at.Department.IsZero() || g.has(at.Hub)
	case org.AtStreet:
		return g.has(at.Street)
	case org.AtVillage:
		return g.has(at.Platform)
	case org.AtGrid:
		return g.has(at.Grid)
	case org.AtMicroGrid:
		return g.has(at.Micro)
	case org.AtDepartment:
		return g.has(at.Department)
	}
	// A building is a list of places and oneself is no place: both are reached
	// only through the route or by name.
	return false
}

func (g *Grant) has(node id.ID) bool { return !node.IsZero() && slices.Contains(g.nodes, node) }

// SameHand says whether two acts count as done by one hand for a two-person
// rule: the same person, the same post, or one of them standing in for the
// other or both for the same holder. (DESIGN.md section 8; roles.json
// two_person_rules)
func SameHand(a, b journal.By) bool {
	same := func(x, y id.ID) bool { return !x.IsZero() && x == y }
	return same(a.Person, b.Person) || same(a.Post, b.Post) ||
		same(a.For, b.Person) || same(a.Person, b.For) || same(a.For, b.For)
}

// Reaching lists the grants by which the acting post may do this at that place;
// Check succeeds when there is one.
func (a *Actor) Reaching(permission string, at journal.Sight) []Grant {
	var out []Grant
	for i := range a.Grants {
		g := &a.Grants[i]
		if (g.Post.IsZero() || g.Post == a.Post) && g.reaches(permission, at) {
			out = append(out, *g)
		}
	}
	return out
}

// RolesWith lists the roles by which the acting post has a permission somewhere.
func (a *Actor) RolesWith(permission string) []string {
	var out []string
	for _, g := range a.Grants {
		if whole, own := g.role.allows(permission); (whole || own) && (g.Post.IsZero() || g.Post == a.Post) {
			out = append(out, g.Role)
		}
	}
	return out
}
