package town_test

import (
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
		mine("access.shared_enrol", "/api/device/enrol", with{"code": "none"}),
		mine("access.shared_locked", "/api/device", nil),
		mine("access.shared_open", "/api/device/session", with{"person_id": id.ID{1}, "pin": "402917"}),
		mine("access.pin_set", "/api/session/pin", with{"pin": "402917"}),
		mine("access.session_end", "/api/session/others/"+id.ID{1}.String(), nil),
	}
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
