package town_test

import (
	"encoding/json"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// accessMoreSamples ask what administrators and owners of accounts do beside
// the first sign-in.
func accessMoreSamples() []sample {
	mine := func(op, path string, body any) sample {
		return sample{op: op, scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			return ask{path: path, body: body, as: m.fresh(actor)}
		}}
	}
	return []sample{
		fixed("access.colleagues", "", "/api/accounts/people?q=1", nil),
		fixed("access.nodes", "", "/api/grants/nodes?level=street", nil),
		mine("access.security", "/api/session/security", nil),
		mine("access.confirm", "/api/session/confirm", with{"password": "none in a demo"}),
		mine("access.factor_new", "/api/session/factor", nil),
		mine("access.factor_confirm", "/api/session/factor/confirm", with{"totp": "000000"}),
		mine("access.recovery_new", "/api/session/recovery", nil),
		mine("access.passkey_ask", "/api/session/passkey/begin", nil),
		mine("access.passkey_sign_in", "/api/session/passkey", with{"token": "none", "credential": with{"id": "none"}}),
		mine("access.confirm_passkey", "/api/session/confirm/passkey", with{"token": "none", "credential": with{"id": "none"}}),
		mine("access.passkey_begin", "/api/session/passkeys/begin", nil),
		mine("access.passkey_add", "/api/session/passkeys", with{"token": "none", "name": "x", "credential": with{"id": "none"}}),
		mine("access.passkey_name", "/api/session/passkeys/"+id.ID{1}.String(), with{"name": "x"}),
		mine("access.passkey_revoke", "/api/session/passkeys/"+id.ID{1}.String(), nil),
		fixed("access.shared", "", "/api/shared-devices", nil),
		{op: "access.shared_register", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/shared-devices", body: with{"name": "巡查手机", "unit_id": m.Nodes[map[string]string{own: "P1", other: "P3"}[scope]]}}
		}},
		{op: "access.shared_code", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/shared-devices/" + m.phone(scope).String() + "/code", body: with{"page": "/desk/device"}}
		}},
		{op: "access.shared_revoke", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/shared-devices/" + m.phone(scope).String()}
		}},
		{op: "access.shared_history", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/shared-devices/" + m.phone(scope).String() + "/history"}
		}},
		mine("access.shared_enrol", "/api/device/enrol", with{"code": "none"}),
		mine("access.shared_locked", "/api/device", nil),
		mine("access.shared_open", "/api/device/session", with{"person_id": id.ID{1}, "pin": "402917"}),
		mine("access.pin_set", "/api/session/pin", with{"pin": "402917"}),
		mine("access.session_end", "/api/session/others/"+id.ID{1}.String(), nil),
		mine("access.providers", "/api/session/providers", nil),
		mine("access.oidc_ask", "/api/session/oidc", with{"provider": "none"}),
		mine("access.oidc_back", "/api/session/oidc/callback?state=none&code=none", nil),
		fixed("access.identities", "", "/api/accounts/"+id.ID{1}.String()+"/identities", nil),
		fixed("access.identity_link", "", "/api/accounts/"+id.ID{1}.String()+"/identities", with{"provider": "none", "subject": "1"}),
		fixed("access.identity_release", "", "/api/identities/"+id.ID{1}.String()+"/release", nil),
		fixed("access.identity_end", "", "/api/identities/"+id.ID{1}.String(), nil),
		fixed("access.alarms", "", "/api/alarms", nil),
		fixed("access.alarm_entries", "", "/api/alarms/"+id.ID{1}.String()+"/entries", nil),
		fixed("access.alarm_seen", "", "/api/alarms/"+id.ID{1}.String()+"/acknowledge", with{"note": "看过"}),
		fixed("access.alarm_rules", "", "/api/alarm-rules", nil),
		fixed("access.alarm_rule", "", "/api/alarm-rules/exports", with{"on": true, "limit": 10}),
		fixed("access.reviews", "", "/api/access-reviews", nil),
		fixed("access.review_open", "", "/api/access-reviews", with{"name": "一季度复核", "due": "none"}),
		fixed("access.review", "", "/api/access-reviews/"+id.ID{1}.String(), nil),
		fixed("access.review_rows", "", "/api/access-reviews/"+id.ID{1}.String()+"/rows", nil),
		fixed("access.review_file", "", "/api/access-reviews/"+id.ID{1}.String()+"/file?format=csv", nil),
		fixed("access.review_decide", "", "/api/access-reviews/"+id.ID{1}.String()+"/rows/"+id.ID{1}.String(), with{"decision": "keep"}),
		fixed("access.review_keep", "", "/api/access-reviews/"+id.ID{1}.String()+"/keep", with{"kind": "grant", "rows": []id.ID{{1}}}),
		fixed("access.review_close", "", "/api/access-reviews/"+id.ID{1}.String()+"/close", nil),
		fixed("org.delegations", "", "/api/org/delegations", nil),
		ownPost("org.delegable", "/delegable", nil),
		ownPost("org.delegate", "/delegates", func(m *matrix) any { return with{"person_id": m.newcomer(), "to": tomorrow, "why": "外出培训"} }),
		{op: "org.delegable", what: "of somebody else's post", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/posts/" + m.vacant(scope).String() + "/delegable"}
		}},
		{op: "org.delegate", what: "somebody else's post", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/posts/" + m.vacant(scope).String() + "/delegates", body: with{"person_id": m.newcomer(), "to": tomorrow, "why": "外出培训"}}
		}},
	}
}

// ownPost asks about the post through which the asker acts. To delegate to a
// newcomer, who has no post nearby, is refused by its content: whoever may
// delegate gets as far as that.
func ownPost(op, end string, body func(m *matrix) any) sample {
	return sample{op: op, what: "of one's own post", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
		a := ask{as: m.fresh(actor)}
		var me struct {
			Post id.ID `json:"post_id"`
		}
		if got := a.as.Do("GET", "/api/session", nil); got.Status == 200 {
			if err := json.Unmarshal(got.Body, &me); err != nil {
				m.Fatal(err)
			}
		}
		if me.Post.IsZero() {
			me.Post = id.ID{1}
		}
		a.path = "/api/org/posts/" + me.Post.String() + end
		if body != nil {
			a.body = body(m)
		}
		return a
	}}
}

// phone is a shared device of a platform.
func (m *matrix) phone(scope string) (v id.ID) {
	m.Helper()
	m.Write(func(tx *db.Tx) error {
		s, err := m.App.Access.RegisterShared(tx, m.Operator(tx), access.SharedIn{Name: "巡查手机", Unit: m.Nodes[map[string]string{own: "P1", other: "P3"}[scope]]})
		v = s.ID
		return err
	})
	return v
}
