package town_test

import (
	"fmt"

	"onegrid/internal/core/grid"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// closing is a drawing that gives a grid up for another one.
func closing(m *matrix, scope string) with {
	into := map[string]string{own: "G2", other: "G3"}[scope]
	return with{"kind": "merge", "why": "试", "grid_ids": []id.ID{m.Nodes[placeOf[scope].grid]}, "into_id": m.Nodes[into]}
}

// drawing is such a drawing of the grid clerk's that waits for approval.
func (m *matrix) drawing(scope string) (v id.ID) {
	m.Helper()
	into := map[string]string{own: "G2", other: "G3"}[scope]
	m.Write(func(tx *db.Tx) error {
		p, err := m.App.Grids.Propose(tx, m.actorOf(tx, "grid clerk 1"), grid.ActIn{Kind: "merge", Why: "试",
			Grids: []id.ID{m.Nodes[placeOf[scope].grid]}, Into: m.Nodes[into]})
		v = p.ID
		return err
	})
	return v
}

// reorgSamples are the acts of reorganisation and what is read of them. The
// acts are only tried: the town stays as it is for the other rows.
func reorgSamples() []sample {
	return []sample{
		{op: "grid.act", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/acts", body: with{"kind": "rename", "why": "试", "dry_run": true,
				"grid_id": m.Nodes[placeOf[scope].grid], "name": fmt.Sprintf("改名%d", m.next())}}
		}},
		fixed("grid.proposals", "", "/api/grids/proposals", nil),
		{op: "grid.propose", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/proposals", body: closing(m, scope)}
		}},
		{op: "grid.decide_proposal", scopes: bothScopes, each: true, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/proposals/" + m.drawing(scope).String() + "/decision", body: with{"version": 1, "approve": true, "dry_run": true}}
		}},
		{op: "grid.take_back", scopes: bothScopes, each: true, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/proposals/" + m.drawing(scope).String() + "/withdrawal"}
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
		{op: "case.rehoming", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/acts/" + m.Nodes["P1"].String() + "/rehoming"}
		}},
		fixed("org.acts", "", "/api/org/acts", nil),
		fixed("org.find", "", "/api/org/find?code=P1", nil),
		{op: "org.history", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: m.fill("/api/org/units/{platform}/history", scope)}
		}},
	}
}
