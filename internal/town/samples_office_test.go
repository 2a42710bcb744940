package town_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	kitwords "onegrid/internal/kit/words"
	"onegrid/internal/town"
)

func text(s string) kitwords.Text { return kitwords.Text{Chinese: s, English: s} }

// account makes a person with an account that can be worked on.
func (m *matrix) account() (v id.ID) {
	m.Helper()
	person := m.newcomer()
	m.Write(func(tx *db.Tx) error {
		a, err := m.App.Access.CreateAccount(tx, m.Operator(tx), access.AccountIn{Name: fmt.Sprintf("neu%d", m.next()), Person: person})
		v = a.ID
		return err
	})
	return v
}

// fresh is an actor in a session of its own, for what ends or changes it.
func (m *matrix) fresh(actor string) *town.Person {
	who := name(actor)
	switch actor {
	case resident, anonymous:
		return m.Stranger(actor)
	case nobody:
		who = nobody
	}
	p := m.Stranger(who)
	if a := p.Do("POST", "/api/demo/session", with{"account": strings.ReplaceAll(who, " ", ".")}); a.Status != 200 {
		m.Fatalf("%s signs in: %s", who, a)
	}
	return p
}

// everywhere comes last: it ends the sessions of everybody who is asked.
var everywhere = sample{op: "access.sign_out_everywhere", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
	return ask{path: "/api/session/all", as: m.fresh(actor)}
}}

func accessSamples() []sample {
	alone := func(op, path string, body func(m *matrix, actor string) any) sample {
		return sample{op: op, scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			return ask{path: path, body: body(m, actor), as: m.fresh(actor)}
		}}
	}
	none := func(*matrix, string) any { return nil }
	constant := func(b any) func(*matrix, string) any { return func(*matrix, string) any { return b } }
	account := func(op, path string) sample {
		return sample{op: op, scopes: noScope, make: func(m *matrix, _, _ string) ask {
			v := m.account()
			if op == "access.account_enable" {
				m.Write(func(tx *db.Tx) error { _, err := m.App.Access.Disable(tx, m.Operator(tx), v); return err })
			}
			return ask{path: "/api/accounts/" + v.String() + path}
		}}
	}
	grant := func(m *matrix) with {
		return with{"person_id": m.newcomer(), "role": "volunteer", "level": "grid", "node_id": m.Nodes["G1"], "why": "志愿服务"}
	}
	return []sample{
		alone("access.sign_in", "/api/session", func(m *matrix, _ string) any {
			return with{"name": fmt.Sprintf("unknown%d", m.next()), "password": "not the right one"}
		}),
		alone("access.demo_sign_in", "/api/demo/session", constant(with{"account": "nobody"})),
		fixed("access.demo_accounts", "", "/api/demo/accounts", nil),
		alone("access.me", "/api/session", none), alone("access.sign_out", "/api/session", none),
		alone("access.choose_post", "/api/session/post", func(m *matrix, actor string) any {
			return with{"post_id": m.Posts[name(actor)]}
		}),
		{op: "access.choose_post", what: "somebody else's", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			return ask{path: "/api/session/post", body: with{"post_id": m.Posts["grid officer G2"]}, as: m.fresh(actor)}
		}},
		alone("access.choose_language", "/api/session/language", constant(with{"language": "zh-CN"})),
		alone("access.change_password", "/api/session/password", constant(with{"old": "none", "new": "no password in a demo 5"})),
		alone("access.enrol", "/api/enrol", constant(with{"token": "none", "password": "five horses on a hill"})),
		alone("access.enrol_confirm", "/api/enrol/confirm", constant(with{"token": "none", "totp": "123456"})),
		fixed("access.accounts", "", "/api/accounts", nil),
		{op: "access.account_create", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/accounts", body: with{"name": fmt.Sprintf("konto%d", m.next()), "person_id": m.newcomer()}}
		}},
		account("access.account_release", "/release"), account("access.account_disable", "/disable"), account("access.account_enable", "/enable"),
		account("access.factor_reset", "/factor-reset"), account("access.link", "/link"),
		fixed("access.grants", "", "/api/grants", nil), fixed("access.roles", "", "/api/roles", nil),
		{op: "access.grant", scopes: noScope, make: func(m *matrix, _, _ string) ask { return ask{path: "/api/grants", body: grant(m)} }},
		{op: "access.grant", what: "to oneself", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask {
			b := grant(m)
			if v, ok := m.Persons[name(actor)]; ok {
				b["person_id"] = v
			}
			return ask{path: "/api/grants", body: b}
		}},
		{op: "access.revoke", scopes: noScope, make: func(m *matrix, _, _ string) (a ask) {
			person := m.newcomer()
			m.Write(func(tx *db.Tx) error {
				g, err := m.App.Access.Give(tx, m.Operator(tx), access.GrantIn{Person: person, Role: "volunteer", Level: org.AtGrid, Node: m.Nodes["G1"], Why: "试"})
				a.path = "/api/grants/" + g.ID.String()
				return err
			})
			return a
		}},
		{op: "access.role_edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/roles/wall_viewer", body: with{"permissions": m.may["wall_viewer"]}}
		}},
	}
}

// got is what an operation gives the hub's officer, as the body of a change.
func (m *matrix) got(path string) (v with) {
	m.Helper()
	m.As("hub officer 1").Gets(path, &v)
	return v
}

// item is a new item, proposed by the department's leader.
func (m *matrix) item(admitted bool) (key string) {
	m.Helper()
	key = fmt.Sprintf("made_up_%d", m.next())
	body := m.got("/api/items/cleanliness")
	body["key"], body["admission"] = key, with{"status": "proposed", "version": 0, "proposed_by": "", "why": "要用"}
	if a := m.As("department leader 1").Do("POST", "/api/items", body); a.Status != 200 {
		m.Fatalf("propose an item: %s %s", a, a.Body)
	}
	if admitted {
		if a := m.As("grid centre leader 1").Do("POST", "/api/items/"+key+"/decision", with{"version": 1, "admit": true, "term_months": 12}); a.Status != 200 {
			m.Fatalf("admit an item: %s %s", a, a.Body)
		}
	}
	return key
}

func officeSamples() []sample {
	calendar := func(m *matrix, key string) with {
		b := m.got("/api/calendars/office")
		for _, k := range []string{"id", "key", "standard", "version"} {
			delete(b, k)
		}
		if key != "" {
			b["key"] = key
		}
		return b
	}
	return []sample{
		fixed("item.list", "", "/api/items", nil), fixed("item.get", "", "/api/items/cleanliness", nil), fixed("item.versions", "", "/api/items/cleanliness/versions", nil), fixed("item.register", "", "/api/register", nil),
		{op: "item.edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/items/opinion", body: m.got("/api/items/opinion")}
		}},
		{op: "item.propose", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			b := m.got("/api/items/cleanliness")
			b["key"], b["admission"] = fmt.Sprintf("wanted_%d", m.next()), with{"status": "proposed", "version": 0, "proposed_by": "", "why": "要用"}
			return ask{path: "/api/items", body: b}
		}},
		{op: "item.decide", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/items/" + m.item(false) + "/decision", body: with{"version": 1, "admit": true, "term_months": 12}}
		}},
		{op: "item.end", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/items/" + m.item(true) + "/end", body: with{"note": "不用了"}}
		}},
		fixed("catalog.reasons", "", "/api/reasons?kind=return", nil), fixed("catalog.stages", "", "/api/words/stages", nil),
		fixed("catalog.entries", "", "/api/catalog/reason", nil),
		{op: "catalog.edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			var list struct {
				Items []struct {
					Kind, Key string
					Content   json.RawMessage
				}
			}
			m.As("hub officer 1").Gets("/api/catalog/reason", &list)
			e := list.Items[0]
			return ask{path: "/api/catalog/" + e.Kind + "/" + url.PathEscape(e.Key), body: with{"content": e.Content}}
		}},
		fixed("calendar.list", "", "/api/calendars", nil), fixed("calendar.get", "", "/api/calendars/office", nil),
		fixed("calendar.years", "", "/api/holidays", nil), fixed("calendar.year", "", "/api/holidays/2026", nil),
		fixed("calendar.preview", "", "/api/calendars/office/preview", with{"limit": with{"clock": "working-hour", "units": 2}, "start": town.Morning}),
		{op: "calendar.create", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/calendars", body: calendar(m, fmt.Sprintf("neu_%d", m.next()))}
		}},
		{op: "calendar.edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/calendars/duty_24h", body: calendar(m, "")}
		}},
		fixed("calendar.load_year", "", "/api/holidays/2030", with{"year": 2030, "days": []with{{"name": "元旦", "date": "2030-01-01", "isOffDay": true}}}),
	}
}

// publicSamples ask the public door. "own" is the report whose cookie the
// resident has; to everybody else it is somebody's.
func publicSamples() []sample {
	on := func(op, path string, body any) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, actor string) ask {
			p, number, _ := m.report("P1")
			a := ask{path: strings.ReplaceAll(path, "{number}", number), body: body}
			if scope == own && actor == resident {
				a.as = p
			}
			if scope == other { // somebody else's, for the resident too
				if holder, _, _ := m.report("P1"); actor == resident {
					a.as = holder
				}
			}
			return a
		}}
	}
	page := func(op, path string, form url.Values) sample {
		if form == nil {
			return on(op, path, nil)
		}
		return on(op, path, form)
	}
	plain := func(op, path string) sample { return fixed(op, "", path, nil) }
	unknown := "2026112499"
	return []sample{
		plain("public.choices", "/api/public/choices"),
		{op: "public.file_add", scopes: noScope, make: func(*matrix, string, string) ask {
			return ask{path: "/api/public/files", body: town.Form(town.Picture(), "key", formKey())}
		}},
		{op: "public.report", scopes: noScope, each: true, make: func(*matrix, string, string) ask {
			return ask{path: "/api/public/reports", body: with{"key": formKey(), "what": "rubbish", "village": "P1", "near": "东门外", "text": "堆了三天"}}
		}},
		{op: "public.link_exchange", what: "a link that is none", scopes: noScope, make: func(*matrix, string, string) ask {
			return ask{path: "/api/public/links/exchange", body: with{"secret": strings.Repeat("A", 22)}}
		}},
		{op: "public.link_exchange", what: "whoever has the link", scopes: noScope, each: true, make: func(m *matrix, _, _ string) ask {
			_, _, secret := m.report("P1")
			return ask{path: "/api/public/links/exchange", body: with{"secret": secret}}
		}},
		{op: "public.link_recover", what: "without the phone", scopes: noScope, each: true, make: func(m *matrix, _, _ string) ask {
			_, number, _ := m.report("P1")
			return ask{path: "/api/public/links/recover", body: with{"number": number, "phone": "13900000000"}}
		}},
		on("public.link_renew", "/api/public/reports/{number}/link", nil), on("public.view", "/api/public/reports/{number}", nil),
		on("public.file", "/api/public/reports/{number}/files/"+id.ID{1}.String(), nil),
		on("public.rate", "/api/public/reports/{number}/rate", with{"score": 5}), on("public.object", "/api/public/reports/{number}/object", with{"text": "没修好"}),
		on("public.withdraw", "/api/public/reports/{number}/withdraw", with{"reason": "withdraw_mistake"}),
		on("public.confirm", "/api/public/reports/{number}/confirm", with{"solved": true}), on("public.comment", "/api/public/reports/{number}/comments", with{"text": "还在"}),
		plain("portal.services", "/apply"), plain("portal.service", "/apply/allowance"), plain("portal.apply_form", "/apply/allowance/form"),
		fixed("portal.apply", "", "/apply/allowance/form", url.Values{"village": {"P1"}}),
		plain("portal.postings", "/postings"), plain("portal.posting", "/postings/"+id.ID{1}.String()),
		fixed("portal.posting_object", "", "/postings/"+id.ID{1}.String(), url.Values{"words": {"不对"}}),
		page("portal.supplement", "/my/{number}/supplement", url.Values{"supplement": {"补上了"}}), page("portal.appeal", "/my/{number}/appeal", url.Values{"appeal": {"不同意"}}),
		plain("portal.home", "/"), plain("portal.display", "/display?size=large&back=/"), plain("portal.form", "/report"),
		plain("portal.link", "/r/"+strings.Repeat("A", 22)), {op: "portal.link_ask", scopes: noScope, each: true, make: func(m *matrix, _, actor string) ask { return ask{path: "/r", as: m.fresh(actor)} }},
		plain("portal.recover_form", "/recover"), plain("portal.assets", "/portal/portal.css"),
		fixed("portal.send", "", "/report", url.Values{"what": {"nothing"}}), fixed("portal.link_open", "", "/r", url.Values{}),
		fixed("portal.recover", "", "/recover", url.Values{"number": {unknown}, "phone": {"13900000000"}}),
		page("portal.follow", "/my/{number}", nil), page("portal.rate", "/my/{number}/rate", url.Values{"score": {"5"}}),
		page("portal.object", "/my/{number}/object", url.Values{"text": {"没修好"}}), page("portal.withdraw", "/my/{number}/withdraw", url.Values{"reason": {"withdraw_mistake"}}),
		page("portal.confirm", "/my/{number}/confirm", url.Values{"solved": {"yes"}}), page("portal.comment", "/my/{number}/comments", url.Values{"text": {"还在"}}),
		page("portal.record", "/my/{number}/record", nil), page("portal.copy", "/my/{number}/record.json", url.Values{}),
		page("portal.request", "/my/{number}/requests", url.Values{"kind": {"erase"}}),
		on("public.record", "/api/public/reports/{number}/record", nil), on("public.request", "/api/public/reports/{number}/requests", with{"kind": "erase"}),
		plain("public.services", "/api/public/services"), plain("public.service", "/api/public/services/allowance"), plain("public.postings", "/api/public/postings"),
		fixed("public.apply", "without what is needed", "/api/public/applications", with{"key": strings.Repeat("A", 30), "item": "allowance", "form": with{}, "village": "P1"}),
		fixed("public.posting_object", "", "/api/public/postings/"+id.ID{1}.String()+"/objections", with{"text": "不对"}),
		on("public.supplement", "/api/public/reports/{number}/supplement", with{"text": "补上了"}), on("public.appeal", "/api/public/reports/{number}/appeal", with{"text": "不同意"}),
		page("portal.news_end", "/my/{number}/news", url.Values{}),
		on("public.news", "/api/public/reports/{number}/news", with{"endpoint": "https://elsewhere.example/1", "p256dh": "p", "auth": "a"}),
		on("public.news_end", "/api/public/reports/{number}/news", nil),
		page("portal.messages", "/my/{number}/messages", url.Values{"texts": {"none"}}),
		page("portal.revoke", "/my/{number}/revoke", url.Values{}),
	}
}
