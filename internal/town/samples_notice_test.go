package town_test

import (
	"net/url"

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
	return []sample{
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
	}
}
