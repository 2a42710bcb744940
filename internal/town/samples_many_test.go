package town_test

import (
	"fmt"
	"strings"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// manySamples are about several cases together.
func manySamples() []sample {
	pair := func(m *matrix, scope string) (a, b id.ID) {
		return m.caseIn(scope, "dispatched", "", id.ID{}).ID, m.caseIn(scope, "dispatched", "", id.ID{}).ID
	}
	return []sample{
		{op: "case.relate", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			a, b := pair(m, scope)
			return ask{path: "/api/cases/" + a.String() + "/relations", body: with{"kind": "related", "case_id": b}}
		}},
		{op: "case.relate", what: "with one out of sight", scopes: []string{own}, make: func(m *matrix, _, _ string) ask {
			a, b := m.caseIn(own, "dispatched", "", id.ID{}).ID, m.caseIn(other, "dispatched", "", id.ID{}).ID
			return ask{path: "/api/cases/" + a.String() + "/relations", body: with{"kind": "same_cause", "case_id": b}}
		}},
		{op: "case.unrelate", scopes: bothScopes, make: func(m *matrix, scope, _ string) (q ask) {
			a, b := pair(m, scope)
			m.Write(func(tx *db.Tx) error {
				by := m.Operator(tx)
				if _, err := m.App.Cases.Relate(tx, by, a, casework.RelationIn{Kind: casework.RelationRelated, Case: b}); err != nil {
					return err
				}
				p, err := m.App.Cases.View(tx, by, a)
				if err == nil {
					q.path = "/api/cases/" + a.String() + "/relations/" + p.Related[0].ID.String()
				}
				return err
			})
			return q
		}},
		{op: "case.merge", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			a, b := pair(m, scope)
			return ask{path: "/api/cases/" + a.String() + "/merges", body: with{"case_ids": []id.ID{b}, "reason": "merge_same_place", "note": "同一处"}}
		}},
		{op: "case.merge", what: "with one out of sight", scopes: []string{own}, make: func(m *matrix, _, _ string) ask {
			a, b := m.caseIn(own, "dispatched", "", id.ID{}).ID, m.caseIn(other, "dispatched", "", id.ID{}).ID
			return ask{path: "/api/cases/" + a.String() + "/merges", body: with{"case_ids": []id.ID{b}, "reason": "merge_same_place", "note": "同一处"}}
		}},
		{op: "case.move", what: "merge", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			a := m.caseIn(scope, "dispatched", "", id.ID{})
			return moves(m.caseIn(scope, "reported", "", id.ID{}), "merge", with{"main_id": a.ID, "reason": "merge_same_place", "note": "同一处"})
		}},
		{op: "case.move", what: "unmerge", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			a, b := pair(m, scope)
			var c casework.Case
			m.Write(func(tx *db.Tx) (err error) {
				_, merged, err := m.App.Cases.Merge(tx, m.Operator(tx), a, casework.MergeIn{Cases: []id.ID{b}, Reason: "merge_same_place", Note: "同一处"}, nil)
				if err == nil {
					c = merged[0]
				}
				return err
			})
			return moves(town.Case{ID: c.ID, Number: c.Number, Version: c.Version, State: string(c.State)}, "unmerge", with{"note": "不是一件"})
		}},
		{op: "case.alarms", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			n := m.next()
			return ask{path: "/api/alarms", body: with{"source": "source." + strings.ReplaceAll(actor, "_", "."), "alarms": []with{{"external_id": fmt.Sprint(n), "suppress_key": fmt.Sprint("k", n), "item": "flood_water", "condition": "ponding",
				"text": "积水", "place": town.At("G1")}}}}
		}},
		fixed("case.alarm_sources", "", "/api/alarm-sources", nil),
		{op: "case.print", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/print"}
		}},
		{op: "case.watch", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/watch"}
		}},
		{op: "case.unwatch", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/watch"}
		}},
		{op: "case.list", what: "watched, by somebody who may see it no more", scopes: []string{other}, each: true, make: func(m *matrix, scope, actor string) ask {
			c := m.open(scope)
			if person, ok := m.Persons[name(actor)]; ok {
				m.Write(func(tx *db.Tx) error {
					_, err := tx.Exec(`INSERT INTO case_watch (person_id, case_id, at) VALUES ($1, $2, 0)`, person, c.ID)
					return err
				})
			}
			return ask{path: "/api/cases?view=watched&limit=200", shows: has(c.ID.String())}
		}},
		{op: "case.comment", what: "that mentions a post of the other street", scopes: []string{own}, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/comments", body: with{"text": "请看", "internal": true, "mentions": []id.ID{m.Posts["village desk 2"]}}}
		}},
		{op: "case.readers", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/readers"}
		}},
		{op: "case.choices", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			return ask{path: "/api/case-moves?ids=" + c.ID.String(), shows: has(c.ID.String())}
		}},
	}
}
