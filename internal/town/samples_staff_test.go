package town_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// staffSamples ask for staffing: the check, its rules.
func staffSamples() []sample { return slices.Concat(staffingSamples(), groupSamples(), dutySamples()) }

func staffingSamples() []sample {
	grid := func(op, path string) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: path, shows: has(m.Nodes[placeOf[scope].grid].String())}
		}}
	}
	rule := func(m *matrix) with {
		var list struct{ Items []with }
		m.As("hub officer 1").Gets("/api/org/staffing/rules", &list)
		r := list.Items[0]
		return with{"name": r["name"], "posts": r["posts"], "households": r["households"]}
	}
	return []sample{
		grid("org.staffing", "/api/org/staffing?limit=200"),
		{op: "org.staffing_counts", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/staffing/counts", shows: has(m.Nodes[placeOf[scope].platform].String())}
		}},
		fixed("org.staffing_rules", "", "/api/org/staffing/rules", nil),
		{op: "org.staffing_rule_edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/org/staffing/rules/comprehensive_31ns", body: rule(m)}
		}},
	}
}

// mate is a new person with a post at the platform of a scope.
func (m *matrix) mate(scope string) (v id.ID) {
	m.Helper()
	name := fmt.Sprintf("mate %d", m.next())
	m.Write(func(tx *db.Tx) error {
		err := m.AddPost(tx, name, "volunteer", org.AtVillage, placeOf[scope].platform)
		v = m.Persons[name]
		return err
	})
	return v
}

// watch is a roster of a scope's platform with one shift around an instant and
// one person on it.
func (m *matrix) watch(scope string, at time.Time) (r duty.Roster, s duty.Shift, t duty.Turn) {
	m.Helper()
	person := m.mate(scope)
	m.Write(func(tx *db.Tx) (err error) {
		by := m.Operator(tx)
		if r, err = m.App.Duty.CreateRoster(tx, by, duty.RosterIn{Unit: m.Nodes[placeOf[scope].platform], RosterEdit: nightWatch()}); err != nil {
			return err
		}
		if s, err = m.App.Duty.AddShift(tx, by, r.ID, duty.ShiftIn{Starts: at.Add(-time.Hour), Ends: at.Add(time.Hour), Need: 2}); err == nil {
			t, err = m.App.Duty.Seat(tx, by, s.ID, person)
		}
		return err
	})
	return r, s, t
}

func nightWatch() duty.RosterEdit {
	return duty.RosterEdit{Name: text("夜班"), Pattern: duty.Pattern{Turn: duty.EachShift, Anchor: calendar.DateOf(town.Morning), Kinds: []duty.ShiftKind{
		{Key: "night", Name: text("夜"), From: 1200, To: 480, Days: []calendar.DayKind{calendar.Workday}, Need: 1},
	}}}
}

func dutySamples() []sample {
	now, tomorrow := town.Morning, town.Morning.Add(24*time.Hour)
	on := func(op, what, path string, at time.Time, body func(r duty.Roster, s duty.Shift, t duty.Turn) any) sample {
		return sample{op: op, what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			r, s, t := m.watch(scope, at)
			a := ask{path: strings.NewReplacer("{roster}", r.ID.String(), "{shift}", s.ID.String(), "{turn}", t.ID.String()).Replace(path)}
			if body != nil {
				a.body = body(r, s, t)
			}
			if op == "duty.seat" {
				a.body = with{"person_id": m.mate(scope)}
			}
			return a
		}}
	}
	lists := func(op, path string) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			r, _, _ := m.watch(scope, now)
			return ask{path: path, shows: has(r.ID.String())}
		}}
	}
	day := calendar.DateOf(tomorrow).String()
	return []sample{
		lists("duty.rosters", "/api/duty/rosters"), lists("duty.now", "/api/duty/now"),
		fixed("duty.mine", "", "/api/duty/mine", nil),
		on("duty.week", "", "/api/duty/rosters/{roster}/week", now, nil),
		{op: "duty.roster_create", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			e := nightWatch()
			return ask{path: "/api/duty/rosters", body: with{"unit_id": m.Nodes[placeOf[scope].platform], "name": e.Name, "kinds": e.Kinds, "crews": []with{}, "rotation": e.Turn, "anchor": e.Anchor}}
		}},
		on("duty.roster_edit", "", "/api/duty/rosters/{roster}", now, func(r duty.Roster, _ duty.Shift, _ duty.Turn) any {
			return with{"name": r.Name, "kinds": r.Kinds, "crews": []with{}, "rotation": r.Turn, "anchor": r.Anchor}
		}),
		on("duty.plan", "", "/api/duty/rosters/{roster}/plan", now, func(duty.Roster, duty.Shift, duty.Turn) any { return with{"from": day, "to": day} }),
		on("duty.shift_add", "", "/api/duty/rosters/{roster}/shifts", now, func(duty.Roster, duty.Shift, duty.Turn) any {
			return with{"starts": tomorrow, "ends": tomorrow.Add(time.Hour), "need": 1}
		}),
		on("duty.shift_cancel", "", "/api/duty/shifts/{shift}", tomorrow, nil),
		on("duty.seat", "", "/api/duty/shifts/{shift}/turns", tomorrow, nil), on("duty.unseat", "", "/api/duty/turns/{turn}", tomorrow, nil),
		{op: "duty.swap_ask", what: "somebody else's turn", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			_, _, t := m.watch(scope, tomorrow)
			return ask{path: "/api/duty/turns/" + t.ID.String() + "/swaps", body: with{"other_id": m.mate(scope)}}
		}},
		{op: "duty.swap_answer", what: "as the lead", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			_, _, t := m.watch(scope, tomorrow)
			return ask{path: "/api/duty/swaps/" + m.swap(scope, t).String() + "/answer", body: with{"answer": "confirm"}}
		}},
		on("duty.hand_over", "", "/api/duty/shifts/{shift}/note", now, func(duty.Roster, duty.Shift, duty.Turn) any { return with{"text": "无事"} }),
		{op: "duty.take_over", what: "on no following shift", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			_, s, t := m.watch(scope, now)
			var n duty.Note
			m.Write(func(tx *db.Tx) (err error) {
				n, err = m.App.Duty.HandOver(tx, m.handOf(tx, t.Person), s.ID, duty.Told{Text: "无事"})
				return err
			})
			return ask{path: "/api/duty/notes/" + n.ID.String() + "/confirm", body: with{}}
		}},
	}
}

// handOf is a person who acts with his only post.
func (m *matrix) handOf(tx *db.Tx, person id.ID) *access.Actor {
	by, err := m.App.Access.Actor(tx, person, id.ID{})
	m.check(err)
	return by
}

// swap is one that a person of a roster has asked and a new mate agreed to.
func (m *matrix) swap(scope string, t duty.Turn) (v id.ID) {
	m.Helper()
	other := m.mate(scope)
	m.Write(func(tx *db.Tx) error {
		s, err := m.App.Duty.AskSwap(tx, m.handOf(tx, t.Person), t.ID, duty.SwapIn{Other: other})
		if err == nil {
			_, err = m.App.Duty.AnswerSwap(tx, m.handOf(tx, other), s.ID, duty.Agree)
		}
		v = s.ID
		return err
	})
	return v
}

func groupSamples() []sample {
	group := func(m *matrix, scope string) (g org.Group) {
		m.Write(func(tx *db.Tx) (err error) {
			v := m.Nodes[placeOf[scope].platform]
			g, err = m.App.Org.CreateGroup(tx, m.Operator(tx), org.GroupIn{Kind: "volunteer_team", Name: text("志愿队"), Unit: v, Level: org.AtVillage, Node: v})
			return err
		})
		return g
	}
	return []sample{
		{op: "org.export", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/tables/posts/file?format=json", shows: has(m.Posts[placeOf[scope].village].String())}
		}},
		{op: "org.import", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/org/tables/units", body: town.Form(fmt.Appendf(nil, "kind,code,name_zh,name_en,parent_code\nplatform,I%d,新平台,New,S1\n", m.next()), "check", "true"), shows: has(`"taken":1`)}
		}},
		fixed("org.terms", "", "/api/org/terms", nil),
		{op: "org.term_edit", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: fmt.Sprintf("/api/org/terms/skill/s%d", m.next()), body: with{"name": named("新特长")}}
		}},
		{op: "org.groups", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/groups?limit=200", shows: has(group(m, scope).ID.String())}
		}},
		{op: "org.group_create", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			v := m.Nodes[placeOf[scope].platform]
			return ask{path: "/api/org/groups", body: with{"kind": "volunteer_team", "name": named("志愿队"), "unit_id": v, "level": "village", "node_id": v}}
		}},
		{op: "org.group_edit", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/groups/" + group(m, scope).ID.String(), body: with{"name": named("改名")}}
		}},
		{op: "org.member_join", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/groups/" + group(m, scope).ID.String() + "/members", body: with{"person_id": m.newcomer(), "role": "member"}}
		}},
		{op: "org.member_leave", what: "somebody else", scopes: bothScopes, make: func(m *matrix, scope, _ string) (a ask) {
			m.Write(func(tx *db.Tx) error {
				v := m.Nodes[placeOf[scope].platform]
				g, err := m.App.Org.CreateGroup(tx, m.Operator(tx), org.GroupIn{Kind: "volunteer_team", Name: text("志愿队"), Unit: v, Level: org.AtVillage, Node: v})
				if err != nil {
					return err
				}
				x, err := m.App.Org.Join(tx, m.Operator(tx), g.ID, org.MemberIn{Person: m.Persons["stand in"], Role: "member"})
				a.path = "/api/org/members/" + x.ID.String()
				return err
			})
			return a
		}},
		{op: "org.person_skills", what: "somebody else's", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/persons/" + m.mate(scope).String() + "/skills", body: with{"skills": []string{"law"}}}
		}},
		{op: "org.post_skills", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/posts/" + m.vacant(scope).String() + "/skills", body: with{"skills": []string{"law"}}}
		}},
		{op: "org.skilled", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			person := m.mate(scope)
			m.Write(func(tx *db.Tx) error {
				_, err := m.App.Org.SetPersonSkills(tx, m.Operator(tx), person, []string{"first_aid"})
				return err
			})
			return ask{path: "/api/org/skilled?skill=first_aid&limit=200&near=" + m.Nodes[placeOf[scope].grid].String(), shows: has(person.String())}
		}},
	}
}
