package access

import (
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
)

// PostReaches says whether whoever holds a post may do something somewhere by
// that post alone: what can be said of vacant posts too.
func (b *RoleBook) PostReaches(s *org.Snapshot, p org.Post, permission string, at journal.Sight, when time.Time) bool {
	g := Grant{Role: p.Role, Level: p.Level, Node: p.Node, Post: p.ID, role: b.role[p.Role]}
	if g.role == nil {
		return false
	}
	if !g.Node.IsZero() {
		g.nodes = s.Reach(g.Node, when)
	}
	at.Persons = nil // nobody holds it here
	return g.reaches(permission, at)
}
