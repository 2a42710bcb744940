package town_test

import (
	"encoding/json"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
	"onegrid/internal/work/figures"
)

// checkedBefore makes a case that the department of a scope did, and that was
// checked, days ago.
func (m *matrix) checkedBefore(scope string) (v id.ID) {
	m.Helper()
	at := placeOf[scope]
	m.Write(func(tx *db.Tx) error {
		by, cases := m.Operator(tx), m.App.Cases
		by.AsOf = tx.Now().Add(-72 * time.Hour)
		lon, lat := town.Middle(at.located)
		c, err := cases.Report(tx, by, casework.Report{Item: "cleanliness", Condition: "pile", Text: "旧事", Form: json.RawMessage(`{"problem":"exposed"}`),
			Place: casework.PlaceIn{Lon: &lon, Lat: &lat, Datum: "wgs84"}})
		for _, s := range steps[:7] {
			if err == nil {
				c, err = cases.Move(tx, by, c.ID, casework.Act{Move: s.move, Post: m.Posts[at.handler], Note: "好", Result: pass(s.move)}, nil)
			}
		}
		v = c.ID
		return err
	})
	return v
}

// round makes an evaluation of both departments: a draft, one that takes
// objections (with one, where it is wanted), or one that can be published.
func (m *matrix) round(state string) (v id.ID) {
	m.Helper()
	m.Write(func(tx *db.Tx) error {
		by := m.actorOf(tx, "figures clerk 1")
		day := func(n int) string { return tx.Now().AddDate(0, 0, n).Format(time.DateOnly) }
		r, err := m.App.Figures.MakeRound(tx, by, figures.RoundIn{Name: text("考评"), From: day(-20), To: day(-1), Units: []id.ID{m.Nodes["D1"], m.Nodes["D2"]},
			Rule: figures.Rule{Minimum: 1, Weights: []figures.Weight{{Rate: "check_pass", Weight: 100}}}})
		if v = r.ID; err != nil || state == "draft" {
			return err
		}
		_, err = m.App.Figures.OpenRound(tx, by, v, tx.Now().Add(time.Millisecond))
		return err
	})
	return v
}

// roundWith makes a round that takes objections, with one of the scope's unit.
func (m *matrix) roundWith(scope string) (round, objection id.ID) {
	m.Helper()
	c := m.checkedBefore(scope)
	round = m.opened()
	m.Write(func(tx *db.Tx) error {
		b, err := m.App.Figures.Object(tx, m.Operator(tx), round, figures.ObjectIn{Unit: m.Nodes[placeOf[scope].department], Case: c, Rate: "check_pass", Reason: "封路"})
		objection = b.ID
		return err
	})
	return round, objection
}

// opened is a round that takes objections for two days.
func (m *matrix) opened() (v id.ID) {
	m.Helper()
	v = m.round("draft")
	m.Write(func(tx *db.Tx) error {
		_, err := m.App.Figures.OpenRound(tx, m.actorOf(tx, "figures clerk 1"), v, tx.Now().Add(48*time.Hour))
		return err
	})
	return v
}

func figuresSamples() []sample {
	on := func(op, path string, body any, of func(m *matrix) id.ID) sample {
		return sample{op: op, scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/evaluations/" + of(m).String() + path, body: body}
		}}
	}
	draft := func(m *matrix) id.ID { return m.round("draft") }
	listed := on("evaluation.get", "", nil, func(m *matrix) id.ID { return m.opened() })
	hidden := on("evaluation.get", "", nil, draft)
	hidden.what = "a draft"
	return []sample{
		fixed("evaluation.list", "", "/api/evaluations", nil), listed, hidden,
		{op: "evaluation.make", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/evaluations", body: with{"name": named("考评"), "from": "2026-10-01", "to": "2026-10-31", "unit_ids": []id.ID{m.Nodes["D1"]},
				"rule": with{"minimum": 1, "weights": []with{{"rate": "on_time", "weight": 100}}}}}
		}},
		on("evaluation.open", "/open", with{"until": town.Morning.AddDate(1, 0, 0)}, draft),
		on("evaluation.drop", "/drop", with{"why": "不用了"}, draft),
		on("evaluation.publish", "/publish", nil, func(m *matrix) id.ID {
			v := m.round("provisional")
			m.Clock.Add(time.Millisecond)
			return v
		}),
		{op: "evaluation.object", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.checkedBefore(scope)
			return ask{path: "/api/evaluations/" + m.opened().String() + "/objections",
				body: with{"unit_id": m.Nodes[placeOf[scope].department], "case_id": c, "rate": "check_pass", "reason": "封路"}}
		}},
		{op: "evaluation.decide", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			round, objection := m.roundWith(scope)
			return ask{path: "/api/evaluations/" + round.String() + "/objections/" + objection.String() + "/decision", body: with{"result": "refused", "note": "查过了"}}
		}},
	}
}
