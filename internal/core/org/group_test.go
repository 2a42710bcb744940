package org_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// may is a village's desk.
func (h *house) desk(may ...string) keeper {
	return keeper{by: journal.By{Person: h.an.ID}, street: h.street, may: may}
}

func (h *house) group(kind string, parent id.ID) org.Group {
	h.Helper()
	var g org.Group
	h.must(func(tx *db.Tx) (err error) {
		g, err = h.org.CreateGroup(tx, h.desk("org.group_edit"), org.GroupIn{Kind: kind, Name: both(kind), Parent: parent, Unit: h.platform, Level: org.AtVillage, Node: h.platform})
		return err
	})
	return g
}

func (h *house) join(g org.Group, person, unit id.ID, role string) org.Member {
	h.Helper()
	var m org.Member
	h.must(func(tx *db.Tx) (err error) {
		m, err = h.org.Join(tx, h.desk("org.group_edit"), g.ID, org.MemberIn{Person: person, Unit: unit, Role: role})
		return err
	})
	return m
}

// 鹊山东的“1+2+5+15”网络: one branch, two cadres each linked to groups, five
// group leaders, each with three alleys. (domain rows 19, 34)
func TestTheNetworkOfABranch(t *testing.T) {
	each(t, func(h *house) {
		branch := h.group("party_branch", id.ID{})
		h.join(branch, h.an.ID, id.ID{}, "secretary")
		for n := range 5 {
			g := h.group("party_group", branch.ID)
			h.join(g, h.person(fmt.Sprintf("组长%d", n+1)).ID, id.ID{}, "leader")
			h.join(g, []org.Person{h.bo, h.cai}[n%2].ID, id.ID{}, "linked_cadre")
			for range 3 {
				alley := h.group("alley", g.ID)
				h.join(alley, h.person("联络人").ID, id.ID{}, "contact")
			}
		}
		s, now := h.snapshot(), h.clock.Now()
		count := map[string]int{}
		for _, g := range s.Groups {
			count[g.Kind]++
			if g.Kind == "party_group" && (g.Parent != branch.ID || len(s.Members(g.ID, now)) != 2) {
				h.Fatalf("a group of the branch: %+v, %d members", g, len(s.Members(g.ID, now)))
			}
		}
		if count["party_branch"] != 1 || count["party_group"] != 5 || count["alley"] != 15 {
			h.Fatalf("the network: %v", count)
		}
		// Being in a group gives nobody a role.
		h.must(func(tx *db.Tx) error {
			roles, err := h.org.RolesHeld(tx, h.bo.ID)
			if len(roles) != 0 {
				h.Errorf("a linked cadre holds %v", roles)
			}
			return err
		})
		create := func(kind string, parent id.ID) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.org.CreateGroup(tx, operator{}, org.GroupIn{Kind: kind, Name: both("x"), Parent: parent, Unit: h.platform, Level: org.AtVillage, Node: h.platform})
				return err
			}
		}
		h.refuses(org.ErrInvalid, create("alley", branch.ID)) // an alley stands in a group
		h.refuses(org.ErrInvalid, create("secret_society", id.ID{}))
		h.refuses(org.ErrInvalid, create("party_group", h.grid)) // no such group
		h.refuses(errDenied, func(tx *db.Tx) error {
			_, err := h.org.CreateGroup(tx, h.desk("org.team_view"), org.GroupIn{Kind: "party_branch", Name: both("x"), Unit: h.platform, Level: org.AtVillage, Node: h.platform})
			return err
		})
		h.refuses(org.ErrHasGroups, func(tx *db.Tx) error {
			_, err := h.org.EditGroup(tx, operator{}, branch.ID, 0, org.GroupEdit{Name: both("支部"), End: true})
			return err
		})
	})
}

// 王河试点的联合服务机构: units and people of several bodies in one, dated; who
// left is out from that instant and stays known before it. (domain row 83)
func TestAJointBodyOfSeveralUnits(t *testing.T) {
	each(t, func(h *house) {
		police := h.unit(org.Department, "PO", h.hub)
		body := h.group("joint_body", id.ID{})
		h.join(body, id.ID{}, police, "member_unit")
		m := h.join(body, h.bo.ID, id.ID{}, "member")
		joined := h.clock.Now()
		join := func(in org.MemberIn) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.org.Join(tx, operator{}, body.ID, in); return err }
		}
		h.refuses(org.ErrInvalid, join(org.MemberIn{Person: h.bo.ID, Role: "member"}))                // twice
		h.refuses(org.ErrInvalid, join(org.MemberIn{Person: h.cai.ID, Role: "emperor"}))              // no such role
		h.refuses(org.ErrInvalid, join(org.MemberIn{Person: h.cai.ID, Unit: police, Role: "member"})) // both
		h.refuses(org.ErrInvalid, join(org.MemberIn{Role: "member"}))                                 // nobody
		h.refuses(org.ErrInvalid, join(org.MemberIn{Person: h.cai.ID, Role: "member", To: monday.AddDate(0, 0, -1)}))
		h.clock.Add(time.Hour)
		h.refuses(errDenied, func(tx *db.Tx) error { // somebody else does not put him out
			_, err := h.org.LeaveGroup(tx, keeper{by: journal.By{Person: h.cai.ID}}, m.ID)
			return err
		})
		h.must(func(tx *db.Tx) error { // he himself may go
			_, err := h.org.LeaveGroup(tx, keeper{by: journal.By{Person: h.bo.ID}}, m.ID)
			return err
		})
		h.refuses(org.ErrEnded, func(tx *db.Tx) error { _, err := h.org.LeaveGroup(tx, operator{}, m.ID); return err })
		s := h.snapshot()
		if before, after := s.Members(body.ID, joined), s.Members(body.ID, h.clock.Now()); len(before) != 2 || len(after) != 1 || after[0].Unit != police {
			h.Fatalf("before %d, after %+v", len(before), after)
		}
		h.must(func(tx *db.Tx) error {
			_, err := h.org.EditGroup(tx, operator{}, body.ID, 0, org.GroupEdit{Name: both("联合"), End: true})
			return err
		})
		if left := h.snapshot().Members(body.ID, h.clock.Now()); len(left) != 0 {
			h.Fatalf("an ended body has members: %+v", left)
		}
		h.refuses(org.ErrEnded, join(org.MemberIn{Person: h.da.ID, Role: "member"}))
	})
}

// “附近谁能调解”: own skills and those of the post count, the nearest comes first,
// and nobody is named who may not be seen.
func TestWhoCanMediateNearHere(t *testing.T) {
	each(t, func(h *house) {
		h.assign(h.officer, h.an, time.Time{})
		h.assign(h.villageDesk, h.bo, time.Time{})
		h.assign(h.streetDesk, h.cai, time.Time{})
		h.assign(h.hubDesk, h.da, time.Time{})
		set := func(by journal.Who, person org.Person, skills ...string) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.org.SetPersonSkills(tx, by, person.ID, skills); return err }
		}
		h.must(set(keeper{by: journal.By{Person: h.an.ID}}, h.an, "mediation", "dialect")) // he says so himself
		h.must(set(h.desk("org.group_edit"), h.cai, "mediation"))
		h.must(set(operator{}, h.da, "mediation"))
		h.must(func(tx *db.Tx) error {
			_, err := h.org.SetPostSkills(tx, h.desk("org.group_edit"), h.villageDesk.ID, []string{"mediation", "mediation"})
			return err
		})
		h.refuses(errDenied, set(keeper{by: journal.By{Person: h.bo.ID}}, h.an, "law"))
		h.refuses(errDenied, set(h.desk("org.group_edit"), h.da, "law")) // of the hub
		h.refuses(org.ErrInvalid, set(operator{}, h.an, "sorcery"))
		find := func(sees func(journal.Sight) bool) (out []string) {
			n := journal.Nodes{Hub: h.hub, Street: h.street, Platform: h.platform, Grid: h.grid}
			for _, x := range h.snapshot().WithSkill("mediation", n, h.clock.Now(), sees) {
				out = append(out, x.Name+" "+x.Near)
			}
			return out
		}
		everything := func(journal.Sight) bool { return true }
		if got, want := find(everything), []string{"安 grid", "博 village", "蔡 street", "达 district"}; !slices.Equal(got, want) {
			h.Fatalf("near the grid: %v", got)
		}
		if got := find(func(at journal.Sight) bool { return at.Street == h.street }); len(got) != 3 {
			h.Fatalf("a street names %v", got)
		}
		h.must(set(operator{}, h.an))
		if got := find(everything); got[0] != "博 village" {
			h.Fatalf("after he put it down: %v", got)
		}
	})
}

// Skills and kinds of groups are lists that the office keeps.
func TestTermsAreData(t *testing.T) {
	each(t, func(h *house) {
		set := func(by journal.Who, list, key string, version int64, e org.TermEdit) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.org.SetTerm(tx, by, list, key, version, e); return err }
		}
		h.must(set(operator{}, org.Skills, "drone", 0, org.TermEdit{Name: both("无人机")}))
		h.must(set(operator{}, org.Skills, "drone", 1, org.TermEdit{Name: both("无人机"), Closed: true}))
		h.refuses(org.ErrChanged, set(operator{}, org.Skills, "drone", 1, org.TermEdit{Name: both("无人机")}))
		h.refuses(org.ErrInvalid, func(tx *db.Tx) error {
			_, err := h.org.SetPersonSkills(tx, operator{}, h.an.ID, []string{"drone"})
			return err
		})
		h.refuses(errDenied, set(h.desk("org.group_edit"), org.Skills, "kite", 0, org.TermEdit{Name: both("风筝")}))
		for name, bad := range map[string]func(tx *db.Tx) error{
			"a key in capitals":      set(operator{}, org.Skills, "Drone", 0, org.TermEdit{Name: both("x")}),
			"no name":                set(operator{}, org.Skills, "kite", 0, org.TermEdit{}),
			"a list nobody has":      set(operator{}, "planets", "mars", 0, org.TermEdit{Name: both("x")}),
			"a kind without roles":   set(operator{}, org.GroupKinds, "choir", 0, org.TermEdit{Name: both("合唱队")}),
			"a role twice":           set(operator{}, org.GroupKinds, "choir", 0, org.TermEdit{Name: both("合唱队"), Roles: []org.GroupRole{{Key: "a", Name: both("a")}, {Key: "a", Name: both("a")}}}),
			"within an unknown kind": set(operator{}, org.GroupKinds, "choir", 0, org.TermEdit{Name: both("合唱队"), Within: []string{"orchestra"}, Roles: []org.GroupRole{{Key: "a", Name: both("a")}}}),
		} {
			h.Run(name, func(*testing.T) { h.refuses(org.ErrInvalid, bad) })
		}
		h.must(set(operator{}, org.GroupKinds, "choir", 0, org.TermEdit{Name: both("合唱队"), Roles: []org.GroupRole{{Key: "singer", Name: both("队员")}}}))
		h.join(h.group("choir", id.ID{}), h.an.ID, id.ID{}, "singer")
	})
}
