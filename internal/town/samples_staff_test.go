package town_test

// staffSamples ask for staffing: the check, its rules.
func staffSamples() []sample {
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
