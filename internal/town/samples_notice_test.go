package town_test

import (
	"net/url"
	"slices"

	"onegrid/internal/core/notice"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// template is a shipped message template, as the body of a change.
func template() with {
	both := func(s string) with { return with{"zh-CN": s, "en": s} }
	return with{"channels": []string{"desk", "push"}, "urgent": false, "must_act": false, "gather": false, "quiet_hours": true, "default_on": true,
		"title": both("新"), "body": both("{case_no}")}
}

// noticeSamples ask for one's own inbox, which everybody with an account has,
// and for what an office decides about messages.
func noticeSamples() []sample {
	unknown := id.ID{1}.String()
	onCase := func(op string, body any) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.caseIn(scope, "handling", "", id.ID{}).ID.String() + "/messages", body: body}
		}}
	}
	settings := func(m *matrix) with {
		b := m.got("/api/notice-settings")
		delete(b, "version")
		return b
	}
	return slices.Concat(messageSamples(), []sample{
		fixed("notice.inbox", "", "/api/notices?view="+url.QueryEscape("unread"), nil), fixed("notice.count", "", "/api/notices/count", nil),
		fixed("notice.read", "", "/api/notices/read", with{"until": 1}),
		fixed("notice.acknowledge", "somebody else's", "/api/notices/"+unknown+"/acknowledge", nil),
		fixed("notice.arrived", "somebody else's", "/api/notices/arrivals", with{"delivery_id": unknown}),
		fixed("notice.channels", "", "/api/notices/channels", nil),
		{op: "notice.set_channel", scopes: noScope, each: true, make: func(*matrix, string, string) ask {
			return ask{path: "/api/notices/channels/mail", body: with{"address": "demo@example.org", "enabled": true}}
		}},
		fixed("notice.clear_channel", "", "/api/notices/channels/sms", nil),
		fixed("notice.add_device", "a push service of one's own", "/api/notices/devices", with{"endpoint": "https://evil.example/x", "p256dh": "p", "auth": "a", "label": "x"}),
		fixed("notice.remove_device", "somebody else's", "/api/notices/devices/"+unknown, nil),
		fixed("notice.test", "a channel that is off", "/api/notices/test", with{"channel": "sms"}),
		fixed("notice.templates", "", "/api/notice-templates", nil), fixed("notice.preview", "", "/api/notice-templates/s_new/preview", template()),
		fixed("notice.edit_template", "", "/api/notice-templates/s_new", template()), fixed("notice.reset_template", "", "/api/notice-templates/s_new", nil),
		fixed("notice.settings", "", "/api/notice-settings", nil),
		{op: "notice.edit_settings", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/notice-settings", body: settings(m)}
		}},
		fixed("notice.troubles", "", "/api/notices/troubles", nil),
		onCase("notice.agreement", nil), onCase("notice.agree", with{"agreed": true, "every_step": false}),
	})
}

// messageSamples ask for messages written by hand: to the village and to the
// street of a scope.
func messageSamples() []sample {
	both := func(s string) with { return with{"zh-CN": s, "en": s} }
	unit := func(m *matrix, scope string, street bool) id.ID {
		if street {
			return m.Nodes[placeOf[scope].street]
		}
		return m.Nodes[placeOf[scope].platform]
	}
	write := func(what string, street bool) sample {
		return sample{op: "notice.write_message", what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages", body: with{"node_id": unit(m, scope, street), "title": both("通知"), "text": both("正文")}}
		}}
	}
	// waiting is a message to the street of a scope that waits for an approval.
	waiting := func(m *matrix, scope string) (v id.ID) {
		m.Write(func(tx *db.Tx) error {
			who := map[string]string{own: "street desk 1", other: "street desk 2"}[scope]
			made, err := m.App.Notices.WriteMessage(tx, m.actorOf(tx, who), notice.MessageIn{Node: unit(m, scope, true), Title: text("通知"), Text: text("正文")})
			v = made.ID
			return err
		})
		return v
	}
	return []sample{
		write("to a village", false), write("to a street", true),
		{op: "notice.message_places", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages/places", shows: has(unit(m, scope, false).String())}
		}},
		{op: "notice.message_audience", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages/audience?node_id=" + unit(m, scope, false).String()}
		}},
		{op: "notice.messages", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages", shows: has(waiting(m, scope).String())}
		}},
		{op: "notice.message", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages/" + waiting(m, scope).String()}
		}},
		{op: "notice.take_back_message", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages/" + waiting(m, scope).String() + "/withdrawal"}
		}},
		{op: "notice.decide_message", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/notice-messages/" + waiting(m, scope).String() + "/decision", body: with{"approve": true}}
		}},
	}
}
