package org_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/data"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

// Whatever holdings begin, end, are asked for and never accepted, whatever posts
// close and whichever fallbacks are named, circles included: at every instant
// each open post has a post that answers, that one is occupied or is the desk of
// the hub, and from every post a way leads up to the hub in finitely many steps.
// (DESIGN.md section 3.3)
func TestEveryPostHasAnOwnerAndAWayUp(t *testing.T) {
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	var n byte
	newID := func() id.ID { n++; return id.ID{6: 0x70, 8: 0x80, 14: n, 15: 1} }
	day := func(d int) time.Time { return time.Date(2026, 1, 1+d, 0, 0, 0, 0, time.UTC) }
	rapid.Check(t, func(t *rapid.T) {
		n = 0
		hub, street, platform, dept := newID(), newID(), newID(), newID()
		grids := []id.ID{newID(), newID()}
		units := []org.Unit{
			{ID: hub, Kind: org.Hub, Code: "H"}, {ID: street, Kind: org.Street, Code: "S", Parent: hub},
			{ID: platform, Kind: org.Platform, Code: "P", Parent: street}, {ID: dept, Kind: org.Department, Code: "D", Parent: hub},
		}
		posts := []org.Post{{ID: newID(), Role: "hub_officer", Unit: hub, Level: org.AtDistrict, Node: hub}}
		desk := posts[0].ID
		kinds := []org.Post{
			{Role: "hub_officer", Unit: hub, Level: org.AtDistrict, Node: hub}, {Role: "hub_leader", Unit: hub, Level: org.AtDistrict, Node: hub},
			{Role: "street_desk", Unit: street, Level: org.AtStreet, Node: street}, {Role: "village_desk", Unit: platform, Level: org.AtVillage, Node: platform},
			{Role: "grid_head", Unit: platform, Level: org.AtGrid, Node: grids[0]}, {Role: "grid_officer", Unit: platform, Level: org.AtGrid, Node: grids[0]},
			{Role: "grid_officer", Unit: street, Level: org.AtGrid, Node: grids[1]}, {Role: "department_handler", Unit: dept, Level: org.AtDepartment, Node: dept},
			{Role: "department_leader", Unit: dept, Level: org.AtDepartment, Node: dept}, {Role: "group_leader", Unit: platform, Level: org.AtMicroGrid, Node: newID()},
		}
		for range rapid.IntRange(1, 14).Draw(t, "posts") {
			p := rapid.SampledFrom(kinds).Draw(t, "kind")
			p.ID = newID()
			if rapid.Bool().Draw(t, "closes") {
				p.To = day(rapid.IntRange(0, 20).Draw(t, "to"))
			}
			posts = append(posts, p)
		}
		for i := 1; i < len(posts); i++ {
			if rapid.IntRange(0, 2).Draw(t, "fallback?") == 0 {
				posts[i].Fallback = posts[rapid.IntRange(0, len(posts)-1).Draw(t, "fallback")].ID
			}
		}
		var holdings []org.Holding
		for range rapid.IntRange(0, 20).Draw(t, "holdings") {
			from := rapid.IntRange(0, 20).Draw(t, "from")
			h := org.Holding{
				ID: newID(), Post: rapid.SampledFrom(posts).Draw(t, "post").ID, Person: newID(),
				Kind: rapid.SampledFrom([]org.HoldingKind{org.Holder, org.StandIn}).Draw(t, "holding kind"), From: day(from),
			}
			if rapid.Bool().Draw(t, "ends") {
				h.To = day(from + rapid.IntRange(0, 10).Draw(t, "days"))
			}
			if rapid.IntRange(0, 3).Draw(t, "accepts") > 0 {
				h.Accepted = h.From
			}
			holdings = append(holdings, h)
		}
		s := org.NewSnapshot(rules, units, nil, nil, posts, nil, holdings, nil)
		for d := -1; d <= 32; d++ {
			at := day(d)
			for _, p := range posts {
				e := s.Effective(p.ID, at)
				if e.ID.IsZero() || !e.Open(at) {
					t.Fatalf("day %d: nobody answers for %s", d, p.Role)
				}
				if s.Vacant(e.ID, at) && e.Role != "hub_officer" {
					t.Fatalf("day %d: the vacant %s answers for %s", d, e.Role, p.Role)
				}
				if p.Open(at) && !s.Vacant(p.ID, at) && e.ID != p.ID {
					t.Fatalf("day %d: %s answers for the occupied %s", d, e.Role, p.Role)
				}
				seen, step := map[string]bool{p.Role: true}, p
				for step.Role != "hub_officer" {
					up, ok := s.Up(step.ID, at)
					if !ok {
						t.Fatalf("day %d: no way up from %s", d, step.Role)
					}
					// A named fallback may point anywhere, to a desk of the hub
					// too; whatever it names, that desk is in the order.
					if seen[up.Role] {
						cover := s.Cover(p.ID, at)
						if !slices.ContainsFunc(cover, func(c org.Post) bool { return c.Role == "hub_officer" }) {
							t.Fatalf("day %d: the cover of %s never reaches the hub", d, p.Role)
						}
						break
					}
					seen[up.Role], step = true, up
				}
			}
			// Even a post nobody knows falls to a desk of the hub, an occupied
			// one if there is any.
			stranger := s.Effective(id.ID{9}, at)
			for _, p := range posts {
				if p.Role == "hub_officer" && p.Open(at) && !s.Vacant(p.ID, at) && s.Vacant(stranger.ID, at) {
					t.Fatalf("day %d: a vacant desk answers while another is occupied", d)
				}
			}
			if e := s.Effective(desk, at); stranger.Role != "hub_officer" || e.Role != "hub_officer" {
				t.Fatalf("the hub's desk fell to %s", e.Role)
			}
		}
	})
}

// The cover order of the shipped file is kept in its order and extended to the
// hub; the bounds are those of the files.
func TestRulesAreTheFiles(t *testing.T) {
	r, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range r.Cover {
		if !c.Peers {
			order = append(order, c.Role)
		}
	}
	want := []string{"department_leader", "grid_head", "village_desk", "street_desk", "hub_officer"}
	if len(order) != len(want) {
		t.Fatalf("cover order %v", order)
	}
	for i := range want {
		if order[i] != want[i] {
			t.Fatalf("cover order %v", order)
		}
	}
	if r.MaxFullTime != 1 || r.MaxPart != 3 || r.MaxStandIn != 2 || r.StandInDays != 90 || !r.Acceptance {
		t.Fatalf("bounds %+v", r)
	}
}
