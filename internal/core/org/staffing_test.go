package org_test

import (
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// ground is the one grid of the house, and a special one under the street.
func (h *house) grounds() (ordinary, special, micro org.Ground) {
	n := journal.Nodes{Hub: h.hub, Street: h.street, Platform: h.platform, Grid: h.grid}
	market := id.Must("019a0000-0000-7000-8000-000000000002")
	alley := id.Must("019a0000-0000-7000-8000-000000000003")
	ordinary = org.Ground{ID: h.grid, Code: "A", Name: "鹊山一网格", Kind: "comprehensive", Households: 420, Nodes: n}
	special = org.Ground{ID: market, Code: "B", Name: "市场", Kind: "special", Nodes: journal.Nodes{Hub: h.hub, Street: h.street, Grid: market}}
	micro = org.Ground{ID: alley, Code: "C", Name: "东胡同", Kind: "micro", Parent: h.grid, Households: 200, Nodes: journal.Nodes{Hub: h.hub, Street: h.street, Platform: h.platform, Grid: h.grid, Micro: alley}}
	return ordinary, special, micro
}

func lacksOf(g org.Staffing, role string) int {
	i := slices.IndexFunc(g.Roles, func(r org.RoleStaff) bool { return r.Role == role })
	if i < 0 {
		return -1
	}
	return g.Roles[i].Lacks
}

// 每格 1 指导员、1 网格长、1 专职、3–5 兼职: what is missing is people, not posts; a
// stand-in fills, an empty post does not. (domain rows 9, 22-25)
func TestA31NSGridIsHeldAgainstItsRule(t *testing.T) {
	each(t, func(h *house) {
		ground, _, alley := h.grounds()
		now := h.clock.Now()
		check := func() org.Staffing { return h.snapshot().StaffingOf(ground, []id.ID{alley.ID}, now) }

		got := check()
		if got.State != org.StaffLacking || got.Lacks != 6 || lacksOf(got, "part_officer") != 3 || lacksOf(got, "grid_head") != 1 {
			h.Fatalf("an empty grid: %+v", got)
		}
		h.assign(h.head, h.an, time.Time{})
		h.must(func(tx *db.Tx) error { // the officer's post is only stood in for
			_, err := h.org.Deputise(tx, operator{}, org.HoldingIn{Post: h.officer.ID, Person: h.bo.ID, To: now.AddDate(0, 0, 7)})
			return err
		})
		guide := h.post("grid_guide", h.street, org.AtGrid, h.grid)
		h.assign(guide, h.cai, time.Time{})
		for range 3 {
			p := h.person("兼职")
			h.assign(h.post("part_officer", h.platform, org.AtGrid, h.grid), p, time.Time{})
		}
		got = check()
		if got.State != org.StaffComplete || got.Lacks != 0 {
			h.Fatalf("a full grid: %+v", got)
		}
		if i := slices.IndexFunc(got.Roles, func(r org.RoleStaff) bool { return r.Role == "grid_officer" }); got.Roles[i].StandIns != 1 {
			h.Fatalf("the stand-in does not show: %+v", got.Roles[i])
		}
		// Helpers of the grid, of its alley and of its platform count once each.
		h.assign(h.post("volunteer", h.platform, org.AtGrid, h.grid), h.da, time.Time{})
		h.assign(h.post("group_leader", h.platform, org.AtMicroGrid, alley.ID), h.person("组长"), time.Time{})
		h.assign(h.post("lawyer", h.platform, org.AtVillage, h.platform), h.da, time.Time{})
		if got = check(); got.Helpers != 2 {
			h.Fatalf("%d helpers, want 2", got.Helpers)
		}
		// A sixth part-time post is over the bound, but lacking weighs more.
		for range 3 {
			h.post("part_officer", h.platform, org.AtGrid, h.grid)
		}
		if got = check(); got.State != org.StaffOver || got.Lacks != 0 {
			h.Fatalf("six part-time posts: %+v", got)
		}
		later := h.snapshot().StaffingOf(ground, nil, now.AddDate(0, 0, 8))
		if later.State != org.StaffLacking || lacksOf(later, "grid_officer") != 1 {
			h.Fatalf("after the stand-in: %+v", later)
		}
	})
}

// A special grid (专属网格) has its own rule, a micro grid lacks nobody, and the
// households are held against the usual bounds.
func TestEachKindOfGridHasItsRule(t *testing.T) {
	each(t, func(h *house) {
		ground, market, alley := h.grounds()
		s, now := h.snapshot(), h.clock.Now()
		if got := s.StaffingOf(market, nil, now); got.Rule != "special" || got.Lacks != 3 || lacksOf(got, "part_officer") != 0 {
			h.Fatalf("the market: %+v", got)
		}
		if got := s.StaffingOf(alley, nil, now); got.State != org.StaffComplete || got.HouseholdsIs != "over_hard" {
			h.Fatalf("the alley: %+v", got)
		}
		for households, want := range map[int64]string{0: "", 299: "under", 300: "", 500: "", 501: "over", 1000: "over", 1001: "over_hard"} {
			ground.Households = households
			if got := s.StaffingOf(ground, nil, now); got.HouseholdsIs != want {
				h.Fatalf("%d households are %q, want %q", households, got.HouseholdsIs, want)
			}
		}
		ground.Kind = "unheard"
		if got := s.StaffingOf(ground, nil, now); got.Rule != "" || got.Lacks != 0 {
			h.Fatalf("a kind without a rule: %+v", got)
		}
	})
}

// The grid centre changes a bound; what it changed holds, what does not fit is
// refused and nothing is changed.
func TestStaffingRulesAreSettings(t *testing.T) {
	each(t, func(h *house) {
		rule := h.snapshot().StaffingRules()[0]
		set := func(by journal.Who, version int64, change func(*org.StaffingEdit)) func(tx *db.Tx) error {
			in := rule.StaffingEdit
			in.Posts = slices.Clone(rule.Posts)
			change(&in)
			return func(tx *db.Tx) error {
				_, err := h.org.SetStaffingRule(tx, by, rule.Key, version, in)
				return err
			}
		}
		part := slices.IndexFunc(rule.Posts, func(p org.StaffingPost) bool { return p.Role == "part_officer" })
		four := func(r *org.StaffingEdit) { r.Posts[part].Min = 4 }
		h.refuses(errDenied, set(keeper{street: h.street, may: []string{"org.edit"}}, 0, four))
		for name, bad := range map[string]func(*org.StaffingEdit){
			"more than the upper bound": func(r *org.StaffingEdit) { r.Posts[part].Min = 6 },
			"an unknown role":           func(r *org.StaffingEdit) { r.Posts[part].Role = "emperor" },
			"a role of a street":        func(r *org.StaffingEdit) { r.Posts[part].Role = "street_desk" },
			"a role twice":              func(r *org.StaffingEdit) { r.Posts[part].Role = "grid_head" },
			"no post at all":            func(r *org.StaffingEdit) { r.Posts = nil },
			"households that fall":      func(r *org.StaffingEdit) { r.Households = &org.HouseholdsBounds{UsualMin: 9, UsualMax: 8, HardMax: 7} },
			"a helper nobody knows":     func(r *org.StaffingEdit) { r.Helpers = &org.OpenList{Name: both("S"), Roles: []string{"emperor"}} },
		} {
			h.Run(name, func(t *testing.T) { h.refuses(org.ErrInvalid, set(operator{}, 0, bad)) })
		}
		h.must(set(operator{}, 0, four))
		h.refuses(org.ErrChanged, set(operator{}, 7, four))
		ground, _, _ := h.grounds()
		s := h.snapshot()
		if got := s.StaffingRules()[0]; got.Version != 1 || got.Posts[part].Min != 4 || got.GridKind != "comprehensive" {
			h.Fatalf("the changed rule: %+v", got)
		}
		if got := s.StaffingOf(ground, nil, h.clock.Now()); lacksOf(got, "part_officer") != 4 {
			h.Fatalf("the check follows the old rule: %+v", got)
		}
	})
}

// Whoever appoints the staff appoints neither an administrator nor himself.
func TestNobodySeatsAnAdministratorOrHimself(t *testing.T) {
	each(t, func(h *house) {
		leader := keeper{by: journal.By{Person: h.an.ID}, street: h.street, may: []string{"org.post_assign"}}
		assign := func(by journal.Who, post org.Post, person org.Person) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.Assign(tx, by, org.HoldingIn{Post: post.ID, Person: person.ID})
				return err
			}
		}
		admin := h.post("security_admin", h.hub, org.AtSystem, h.hub)
		wide := keeper{by: journal.By{Person: h.an.ID}, may: []string{"org.post_assign"}} // the hub has no street
		h.refuses(org.ErrAdminPost, assign(wide, admin, h.bo))
		h.refuses(org.ErrToOneself, assign(leader, h.officer, h.an))
		h.must(assign(leader, h.officer, h.bo))
		h.must(assign(operator{}, admin, h.cai))
	})
}
