package town_test

import (
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
)

// registrySamples are the register of personal data: purposes, agreements,
// holds, requests and erasures. What it keeps has no place.
func registrySamples() []sample {
	agreement := func(m *matrix, department string) registry.AgreementIn {
		return registry.AgreementIn{Department: m.Nodes[department], Purposes: []string{"contact"}, Fields: []string{"case_party.phone"},
			Why: "上门前联系", Basis: "职责分工", To: m.Clock.Now().AddDate(1, 0, 0)}
	}
	applied := func(m *matrix) (a registry.Agreement) {
		m.Write(func(tx *db.Tx) (err error) {
			a, err = m.App.Registry.Apply(tx, m.Operator(tx), agreement(m, "D1"))
			return err
		})
		return a
	}
	// number is a report of its own person, so that nothing waits for it yet.
	number := func(m *matrix) string {
		return m.As("village desk 1").Reports("有一件事").Number
	}
	requested := func(m *matrix) (q registry.Request) {
		n := number(m)
		m.Write(func(tx *db.Tx) error {
			s, err := m.App.Cases.SubjectByNumber(tx, n)
			if err != nil {
				return err
			}
			q, err = m.App.Cases.AskAsReporter(tx, s.ID, "copy", "")
			return err
		})
		return q
	}
	proposed := func(m *matrix) (e registry.Erasure) {
		n := number(m)
		m.Write(func(tx *db.Tx) (err error) {
			e, err = m.App.Registry.Propose(tx, m.Operator(tx), registry.ErasureIn{Number: n, Why: "本人要求"})
			return err
		})
		return e
	}
	consent := func(op, method string, given bool) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			if given {
				m.Write(func(tx *db.Tx) error {
					_, err := m.App.Cases.RecordConsent(tx, m.Operator(tx), c.ID, "consent", "paper")
					return err
				})
			}
			a := ask{path: "/api/cases/" + c.ID.String() + "/consents"}
			if method == "POST" {
				a.body = with{"kind": "consent", "way": "paper"}
			}
			return a
		}}
	}
	return []sample{
		fixed("portal.items", "", "/items", nil),
		fixed("registry.fields", "", "/api/registry/fields", nil), fixed("registry.purposes", "", "/api/registry/purposes", nil),
		fixed("registry.purpose_put", "", "/api/registry/purposes/school_bus", with{"key": "school_bus", "use": "open", "level": "basic", "status": "own",
			"name": text("安排校车"), "basis": text("监护人同意"), "fields": []string{"case_party.phone"}, "roles": []string{"village_desk"}, "version": 0}),
		fixed("registry.agreements", "", "/api/registry/agreements", nil),
		{op: "registry.agreement_apply", scopes: []string{own, other}, make: func(m *matrix, scope, _ string) ask {
			department := map[string]string{own: "D1", other: "D2"}[scope]
			return ask{path: "/api/registry/agreements", body: agreement(m, department)}
		}},
		{op: "registry.agreement_decide", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			a := applied(m)
			return ask{path: "/api/registry/agreements/" + a.ID.String() + "/decision", body: with{"version": a.Version, "admit": true}}
		}},
		{op: "registry.agreement_end", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			a := applied(m)
			return ask{path: "/api/registry/agreements/" + a.ID.String() + "/end", body: with{"why": "不再需要"}}
		}},
		fixed("registry.retention", "", "/api/registry/retention", nil),
		fixed("registry.term", "", "/api/registry/retention/message", with{"value": 3, "unit": "month"}),
		fixed("registry.holds", "", "/api/registry/holds", nil),
		{op: "registry.hold", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/registry/holds", body: with{"class": "hazard", "why": "审计", "until": m.Clock.Now().AddDate(0, 6, 0)}}
		}},
		{op: "registry.hold_end", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			var h registry.Hold
			m.Write(func(tx *db.Tx) (err error) {
				h, err = m.App.Registry.PlaceHold(tx, m.Operator(tx), registry.HoldIn{Class: "incident", Why: "审计", Until: m.Clock.Now().AddDate(0, 6, 0)})
				return err
			})
			return ask{path: "/api/registry/holds/" + h.ID.String() + "/end", body: with{"why": "审计结束"}}
		}},
		fixed("registry.requests", "", "/api/registry/requests", nil),
		{op: "registry.answer", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			q := requested(m)
			return ask{path: "/api/registry/requests/" + q.ID.String() + "/answer", body: with{"version": q.Version, "grant": true, "answer": "副本可以在查询页取走"}}
		}},
		fixed("registry.erasures", "", "/api/registry/erasures", nil),
		{op: "registry.erasure_propose", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/registry/erasures", body: with{"case_number": number(m), "why": "本人要求"}}
		}},
		{op: "registry.erasure_decide", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			e := proposed(m)
			return ask{path: "/api/registry/erasures/" + e.ID.String() + "/decision", body: with{"version": e.Version, "admit": false}}
		}},
		fixed("registry.own_record", "", "/api/session/record", nil),
		{op: "registry.own_request", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			m.Write(func(tx *db.Tx) error {
				_, err := tx.Exec(`DELETE FROM registry_request WHERE account IS NOT NULL`)
				return err
			})
			return ask{path: "/api/session/requests", body: with{"kind": "copy"}}
		}},
		consent("case.consents", "GET", false), consent("case.consent", "POST", false), consent("case.consent_end", "DELETE", true),
	}
}
