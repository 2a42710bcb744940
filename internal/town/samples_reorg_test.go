package town_test

import "fmt"

// reorgSamples are the acts of reorganisation and what is read of them. The
// acts are only tried: the town stays as it is for the other rows.
func reorgSamples() []sample {
	return []sample{
		{op: "grid.act", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/acts", body: with{"kind": "rename", "why": "试", "dry_run": true,
				"grid_id": m.Nodes[placeOf[scope].grid], "name": fmt.Sprintf("改名%d", m.next())}}
		}},
		fixed("grid.changes", "", "/api/grids/changes", nil),
		{op: "org.reorganise", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/acts", body: with{"kind": "rename", "why": "试", "dry_run": true,
				"unit_id": m.Nodes[placeOf[scope].platform], "name": named(fmt.Sprintf("改名%d", m.next()))}}
		}},
		{op: "org.recode", scopes: noScope, make: func(*matrix, string, string) ask {
			return ask{path: "/api/org/divisions/acts", body: with{"kind": "found", "why": "试", "dry_run": true,
				"new": with{"code": "990000000000", "name": "新省", "level": "province"}}}
		}},
		fixed("org.acts", "", "/api/org/acts", nil),
		fixed("org.find", "", "/api/org/find?code=P1", nil),
		{op: "org.history", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: m.fill("/api/org/units/{platform}/history", scope)}
		}},
	}
}
