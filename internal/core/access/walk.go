package access

import (
	"cmp"
	"slices"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

// The columns a walk can go along. Those that end in _id are level columns of
// the thing itself; PostColumn means "this post stands on its route" (one of
// Sight.Posts), PersonColumn "this person is named on it" (one of
// Sight.Persons).
const (
	HubColumn        = "hub_id"
	StreetColumn     = "street_id"
	PlatformColumn   = "platform_id"
	GridColumn       = "grid_id"
	MicroColumn      = "micro_id"
	DepartmentColumn = "department_id"
	PostColumn       = "post_id"
	PersonColumn     = "person"
)

// Walk is one index to read for a list: every thing whose Column is Node and
// whose secrecy is at most MaxSecrecy (清单遍历). Lists read each walk with a
// LIMIT and merge; never OR. (DESIGN.md section 5, scope)
//
// One thing can lie on several walks (a case of my street that my department
// handles). A list that merges in order meets it twice in a row and drops one;
// a count leaves out what Except yields, so that each thing counts once.
type Walk struct {
	Column     string
	Node       id.ID
	MaxSecrecy journal.Secrecy
	Except     []Walk // earlier walks of the same answer, without their own Except
}

// Reaches says whether a thing lies on the walk, whatever Except says.
func (w Walk) Reaches(at journal.Sight) bool {
	if at.Secrecy > w.MaxSecrecy {
		return false
	}
	switch w.Column {
	case HubColumn:
		return at.Hub == w.Node
	case StreetColumn:
		return at.Street == w.Node
	case PlatformColumn:
		return at.Platform == w.Node
	case GridColumn:
		return at.Grid == w.Node
	case MicroColumn:
		return at.Micro == w.Node
	case DepartmentColumn:
		return at.Department == w.Node
	case PostColumn:
		return slices.Contains(at.Posts, w.Node)
	case PersonColumn:
		return slices.Contains(at.Persons, w.Node)
	}
	return false
}

// Yields says whether the walk, without what Except yields, has the thing.
func (w Walk) Yields(at journal.Sight) bool {
	return w.Reaches(at) && !slices.ContainsFunc(w.Except, func(e Walk) bool { return e.Reaches(at) })
}

// Walks lists the index walks that together yield exactly the things for which
// Sees(permission) is true, each thing once. Everything walked must carry the
// hub's id. No walks means: nothing.
func (a *Actor) Walks(permission string) []Walk {
	if a.trusted {
		return []Walk{{Column: HubColumn, Node: a.hub, MaxSecrecy: journal.Named}}
	}
	type line struct {
		column string
		node   id.ID
	}
	best := map[line]journal.Secrecy{}
	put := func(column string, node id.ID, max journal.Secrecy) {
		if node.IsZero() {
			return
		}
		l := line{column, node}
		if old, ok := best[l]; !ok || max > old {
			best[l] = max
		}
	}
	for i := range a.Grants {
		g := &a.Grants[i]
		whole, own := g.role.allows(permission)
		if !whole && !own {
			continue
		}
		put(PersonColumn, g.Person, journal.Named)
		put(PostColumn, g.Post, journal.Named)
		if !whole {
			continue
		}
		if g.Level == org.AtSystem {
			put(HubColumn, a.hub, journal.Named)
			continue
		}
		if column := columnOf(g.Level); column != "" {
			for _, node := range g.nodes {
				put(column, node, g.ceiling())
			}
		}
	}
	// Everything lies in the hub's district, so what the hub's walk shows
	// needs no other walk.
	wide, hasWide := best[line{HubColumn, a.hub}]
	var out []Walk
	for l, max := range best {
		if hasWide && max <= wide && l != (line{HubColumn, a.hub}) {
			continue
		}
		out = append(out, Walk{Column: l.column, Node: l.node, MaxSecrecy: max})
	}
	slices.SortFunc(out, func(x, y Walk) int {
		return cmp.Or(cmp.Compare(columnOrder(x.Column), columnOrder(y.Column)), x.Node.Compare(y.Node))
	})
	for i := range out {
		for _, e := range out[:i] {
			// Two nodes of one level column exclude each other by themselves.
			if e.Column != out[i].Column || e.Column == PostColumn {
				out[i].Except = append(out[i].Except, Walk{Column: e.Column, Node: e.Node, MaxSecrecy: e.MaxSecrecy})
			}
		}
	}
	return out
}

func columnOf(l org.Level) string {
	switch l {
	case org.AtDistrict:
		return HubColumn
	case org.AtStreet:
		return StreetColumn
	case org.AtVillage:
		return PlatformColumn
	case org.AtGrid:
		return GridColumn
	case org.AtMicroGrid:
		return MicroColumn
	case org.AtDepartment:
		return DepartmentColumn
	}
	return ""
}

var columnsWideFirst = []string{HubColumn, StreetColumn, PlatformColumn, GridColumn, MicroColumn, DepartmentColumn, PostColumn, PersonColumn}

func columnOrder(c string) int { return slices.Index(columnsWideFirst, c) }
