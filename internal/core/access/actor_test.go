package access_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

func nid(n int) id.ID { return id.ID{0: 1, 6: 0x70, 8: 0x80, 14: byte(n >> 8), 15: byte(n)} }

// The nodes of a small district: two streets with two platforms each, two grids
// in each platform, a micro grid in each grid, two departments.
var (
	hub         = nid(1)
	streets     = []id.ID{nid(10), nid(11)}
	platforms   = []id.ID{nid(20), nid(21), nid(22), nid(23)}
	grids       = []id.ID{nid(30), nid(31), nid(32), nid(33), nid(34), nid(35), nid(36), nid(37)}
	micros      = []id.ID{nid(40), nid(41), nid(42), nid(43), nid(44), nid(45), nid(46), nid(47)}
	departments = []id.ID{nid(50), nid(51)}
	retired     = nid(60) // a platform that platforms[0] took over
	noon        = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func book(t testing.TB) *access.RoleBook {
	t.Helper()
	b, err := access.LoadRoleBook(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rulesOf(t testing.TB) org.Rules {
	t.Helper()
	r, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func district() []org.Unit {
	units := []org.Unit{{ID: hub, Kind: org.Hub, Code: "H"}}
	for i, s := range streets {
		units = append(units, org.Unit{ID: s, Kind: org.Street, Code: fmt.Sprint("S", i), Parent: hub})
	}
	for i, p := range platforms {
		units = append(units, org.Unit{ID: p, Kind: org.Platform, Code: fmt.Sprint("P", i), Parent: streets[i/2]})
	}
	for i, d := range departments {
		units = append(units, org.Unit{ID: d, Kind: org.Department, Code: fmt.Sprint("D", i), Parent: hub})
	}
	return units
}

// place is where something lies: grid i and everything above it.
func place(i int) journal.Nodes {
	return journal.Nodes{Hub: hub, Street: streets[i/4], Platform: platforms[i/2], Grid: grids[i], Micro: micros[i]}
}

// nodeOf is the node of a level around grid i, and the unit a post there
// belongs to.
func nodeOf(l org.Level, i int) (node, unit id.ID) {
	switch l {
	case org.AtDistrict, org.AtSystem:
		return hub, hub
	case org.AtStreet:
		return streets[i/4], streets[i/4]
	case org.AtVillage:
		return platforms[i/2], platforms[i/2]
	case org.AtGrid:
		return grids[i], platforms[i/2]
	case org.AtMicroGrid:
		return micros[i], platforms[i/2]
	case org.AtDepartment:
		return departments[i%2], departments[i%2]
	}
	return nid(90 + i), platforms[i/2]
}

// The golden table: what every role of roles.json may do, for each permission on
// cases, against things of each secrecy inside and outside its scope, on its
// route and with its person named. Run with ONEGRID_GOLDEN=1 to write it anew.
func TestCheckGolden(t *testing.T) {
	b := book(t)
	var out strings.Builder
	person, post := nid(200), nid(201)
	for _, r := range b.Roles {
		for _, level := range r.Levels {
			if level == org.AtSelf {
				continue
			}
			node, unit := nodeOf(level, 0)
			s := org.NewSnapshot(rulesOf(t), district(), nil, nil,
				[]org.Post{{ID: post, Role: r.Key, Unit: unit, Level: level, Node: node}},
				[]org.Person{{ID: person}},
				[]org.Holding{{ID: nid(202), Post: post, Person: person, Kind: org.Holder, Accepted: noon.Add(-time.Hour), From: noon.Add(-time.Hour)}}, nil)
			a, err := b.Act(s, nil, person, post, noon)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s at %s\n", r.Key, level)
			for _, permission := range []string{"case.view", "case.accept", "case.handle", "case.close", "case.reveal", "grid.view", "access.grant", "audit.read"} {
				var row []string
				for _, at := range []struct {
					name  string
					sight journal.Sight
				}{
					{"inside", journal.Sight{Nodes: place(0), Department: departments[0]}},
					{"outside", journal.Sight{Nodes: place(7), Department: departments[1]}},
					{"routed", journal.Sight{Nodes: place(7), Department: departments[1], Posts: []id.ID{nid(5), post}}},
					{"named", journal.Sight{Nodes: place(7), Department: departments[1], Persons: []id.ID{person}}},
					{"nowhere", journal.Sight{}},
				} {
					mark := ""
					for secrecy, letter := range []string{"o", "d", "n"} {
						at.sight.Secrecy = journal.Secrecy(secrecy)
						err := a.Check(permission, at.sight)
						if err != nil && !errors.Is(err, access.ErrDenied) {
							t.Fatal(err)
						}
						if (err == nil) != a.Sees(permission, at.sight) {
							t.Fatalf("%s: Check and Sees differ for %s %s", r.Key, permission, at.name)
						}
						if err == nil {
							mark += letter
						} else {
							mark += "-"
						}
					}
					row = append(row, at.name+" "+mark)
				}
				fmt.Fprintf(&out, "  %-13s %s\n", permission, strings.Join(row, "  "))
			}
		}
	}
	golden := filepath.Join("testdata", "check.golden")
	if os.Getenv("ONEGRID_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != out.String() {
		t.Fatalf("who may do what changed; compare with %s:\n%s", golden, out.String())
	}
}

// What the golden table must say, in words: read by people, kept apart from the
// table that the program writes.
func TestCheckInWords(t *testing.T) {
	b := book(t)
	person, other := nid(200), nid(299)
	acting := func(role string, level org.Level, i int) *access.Actor {
		t.Helper()
		node, unit := nodeOf(level, i)
		s := org.NewSnapshot(rulesOf(t), district(), nil, nil,
			[]org.Post{{ID: nid(201), Role: role, Unit: unit, Level: level, Node: node}}, []org.Person{{ID: person}},
			[]org.Holding{{ID: nid(202), Post: nid(201), Person: person, Kind: org.Holder, Accepted: noon, From: noon}}, nil)
		a, err := b.Act(s, nil, person, nid(201), noon)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	at := func(i int, secrecy journal.Secrecy) journal.Sight {
		return journal.Sight{Nodes: place(i), Secrecy: secrecy}
	}
	for _, c := range []struct {
		who        string
		actor      *access.Actor
		permission string
		sight      journal.Sight
		may        bool
	}{
		{"an officer handles in her grid", acting("grid_officer", org.AtGrid, 0), "case.handle", at(0, journal.Open), true},
		{"not in the next grid", acting("grid_officer", org.AtGrid, 0), "case.handle", at(1, journal.Open), false},
		{"not what only desks see", acting("grid_officer", org.AtGrid, 0), "case.view", at(0, journal.Desk), false},
		{"an officer never accepts", acting("grid_officer", org.AtGrid, 0), "case.accept", at(0, journal.Open), false},
		{"a village desk sees what desks see", acting("village_desk", org.AtVillage, 0), "case.view", at(1, journal.Desk), true},
		{"but not what is for named persons", acting("village_desk", org.AtVillage, 0), "case.view", at(1, journal.Named), false},
		{"a street desk closes in its street", acting("street_desk", org.AtStreet, 0), "case.close", at(3, journal.Open), true},
		{"not in the other street", acting("street_desk", org.AtStreet, 0), "case.close", at(4, journal.Open), false},
		{"the hub dispatches everywhere", acting("hub_officer", org.AtDistrict, 0), "case.dispatch", at(7, journal.Desk), true},
		{"a volunteer sees no list of a grid", acting("volunteer", org.AtGrid, 0), "case.view", at(0, journal.Open), false},
		{"a system administrator sees no case", acting("system_admin", org.AtSystem, 0), "case.view", at(0, journal.Open), false},
		{"nor grants", acting("system_admin", org.AtSystem, 0), "access.grant", journal.Sight{}, false},
		{"a security administrator grants", acting("security_admin", org.AtSystem, 0), "access.grant", journal.Sight{}, true},
		{"the auditor reads", acting("auditor", org.AtSystem, 0), "audit.read", journal.Sight{}, true},
		{"a street's right does not reach what belongs to the district", acting("street_desk", org.AtStreet, 0), "case.view", journal.Sight{}, false},
	} {
		if got := c.actor.Check(c.permission, c.sight) == nil; got != c.may {
			t.Errorf("%s: %v", c.who, got)
		}
	}
	if err := access.Nobody("portal", "").Check("case.view", at(0, journal.Open)); !errors.Is(err, access.ErrSignIn) {
		t.Errorf("somebody unknown gets %v", err)
	}
	// A right of another post of the same person does not help the acting one.
	s := org.NewSnapshot(rulesOf(t), district(), nil, nil, []org.Post{
		{ID: nid(201), Role: "grid_officer", Unit: platforms[0], Level: org.AtGrid, Node: grids[0]},
		{ID: nid(203), Role: "village_desk", Unit: platforms[0], Level: org.AtVillage, Node: platforms[0]},
	}, []org.Person{{ID: person}, {ID: other}}, []org.Holding{
		{ID: nid(202), Post: nid(201), Person: person, Kind: org.Holder, Accepted: noon, From: noon},
		{ID: nid(204), Post: nid(203), Person: person, Kind: org.StandIn, Accepted: noon, From: noon, To: noon.Add(time.Hour)},
		{ID: nid(205), Post: nid(203), Person: other, Kind: org.Holder, Accepted: noon, From: noon},
	}, nil)
	officer, err := b.Act(s, nil, person, nid(201), noon)
	if err != nil {
		t.Fatal(err)
	}
	if officer.Check("case.accept", at(0, journal.Open)) == nil || !officer.Sees("case.accept", at(0, journal.Open)) {
		t.Error("the officer's post borrowed the desk's right")
	}
	desk, err := b.Act(s, nil, person, nid(203), noon)
	if err != nil || desk.For != other || desk.By() != (journal.By{Person: person, Post: nid(203), For: other}) {
		t.Errorf("standing in: %+v %v", desk, err)
	}
	if !desk.Until().Equal(noon.Add(time.Hour)) {
		t.Errorf("until %v", desk.Until())
	}
	if _, err := b.Act(s, nil, person, nid(203), noon.Add(time.Hour)); !errors.Is(err, access.ErrNotYourPost) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := b.Act(s, nil, other, nid(201), noon); !errors.Is(err, access.ErrNotYourPost) {
		t.Errorf("another's post: %v", err)
	}
}

// Whatever somebody holds, the walks of a permission yield exactly what Sees
// allows, each thing once.
func TestWalksYieldWhatIsSeen(t *testing.T) {
	b := book(t)
	rules := rulesOf(t)
	permissions := []string{"case.view", "case.handle", "case.reveal", "grid.view", "audit.read"}
	rapid.Check(t, func(t *rapid.T) {
		person := nid(200)
		var posts []org.Post
		var holdings []org.Holding
		var direct []access.Grant
		for i := range rapid.IntRange(0, 5).Draw(t, "grants") {
			r := rapid.SampledFrom(b.Roles).Draw(t, "role")
			level := rapid.SampledFrom(r.Levels).Draw(t, "level")
			node, unit := nodeOf(level, rapid.IntRange(0, 7).Draw(t, "where"))
			if rapid.Bool().Draw(t, "post") && level != org.AtSelf {
				posts = append(posts, org.Post{ID: nid(300 + i), Role: r.Key, Unit: unit, Level: level, Node: node})
				holdings = append(holdings, org.Holding{ID: nid(400 + i), Post: nid(300 + i), Person: person, Kind: org.Holder, From: noon, Accepted: noon})
			} else {
				direct = append(direct, access.Grant{ID: nid(500 + i), Person: person, Role: r.Key, Level: level, Node: node, From: noon})
			}
		}
		s := org.NewSnapshot(rules, district(), nil, nil, posts, []org.Person{{ID: person}}, holdings, []org.Inheritance{{To: platforms[0], From: retired}})
		a, err := b.Act(s, direct, person, id.ID{}, noon)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			i := rapid.IntRange(0, 7).Draw(t, "place")
			at := journal.Sight{Nodes: place(i), Secrecy: journal.Secrecy(rapid.IntRange(0, 2).Draw(t, "secrecy"))}
			// A case may be known only down to some level, or lie in a platform
			// that is no more.
			switch rapid.IntRange(0, 5).Draw(t, "depth") {
			case 0:
				at.Nodes = journal.Nodes{Hub: hub}
			case 1:
				at.Platform, at.Grid, at.Micro = id.ID{}, id.ID{}, id.ID{}
			case 2:
				at.Micro = id.ID{}
			case 3:
				at.Platform = retired
			}
			if rapid.Bool().Draw(t, "department?") {
				at.Department = rapid.SampledFrom(departments).Draw(t, "department")
			}
			for _, p := range posts {
				if rapid.IntRange(0, 3).Draw(t, "routed") == 0 {
					at.Posts = append(at.Posts, p.ID)
				}
			}
			if rapid.IntRange(0, 4).Draw(t, "named") == 0 {
				at.Persons = append(at.Persons, person)
			}
			for _, permission := range permissions {
				yields := 0
				for _, w := range a.Walks(permission) {
					if w.Yields(at) {
						yields++
					}
				}
				want := 0
				if a.Sees(permission, at) {
					want = 1
				}
				if yields != want {
					t.Fatalf("%s: seen %d times on %+v, want %d, walks %+v", permission, yields, at, want, a.Walks(permission))
				}
			}
		}
	})
}

// One hand: the same person, the same post, a stand-in and his principal, two
// stand-ins of one principal. Two strangers are two hands, and so are two people
// of whom nothing is known.
func TestSameHand(t *testing.T) {
	p, q, r, x, y := nid(1), nid(2), nid(3), nid(4), nid(5)
	for _, c := range []struct {
		what string
		a, b journal.By
		same bool
	}{
		{"two people, two posts", journal.By{Person: p, Post: x}, journal.By{Person: q, Post: y}, false},
		{"one person with two posts", journal.By{Person: p, Post: x}, journal.By{Person: p, Post: y}, true},
		{"two people of one post", journal.By{Person: p, Post: x}, journal.By{Person: q, Post: x}, true},
		{"the stand-in did it, the principal decides by another post", journal.By{Person: q, Post: x, For: p}, journal.By{Person: p, Post: y}, true},
		{"the principal did it, the stand-in decides", journal.By{Person: p, Post: y}, journal.By{Person: q, Post: x, For: p}, true},
		{"two stand-ins of one principal", journal.By{Person: q, Post: x, For: p}, journal.By{Person: r, Post: y, For: p}, true},
		{"two stand-ins of two principals", journal.By{Person: q, Post: x, For: p}, journal.By{Person: r, Post: y, For: nid(9)}, false},
		{"the program and a person", journal.By{Via: "system"}, journal.By{Person: p, Post: x}, false},
		{"the program twice", journal.By{Via: "system"}, journal.By{Via: "import"}, false},
	} {
		if access.SameHand(c.a, c.b) != c.same || access.SameHand(c.b, c.a) != c.same {
			t.Errorf("%s: want %v", c.what, c.same)
		}
	}
}

// The shipped roles keep the promises that the code rests on: the three
// administrators exclude each other, share no permission and touch no content;
// the rules name roles and permissions that exist.
func TestRoleBook(t *testing.T) {
	b := book(t)
	three := []string{"system_admin", "security_admin", "auditor"}
	for i, one := range three {
		r, ok := b.Role(one)
		if !ok {
			t.Fatalf("no %s", one)
		}
		for _, p := range r.Permissions {
			if strings.HasPrefix(p, "case.") || strings.HasPrefix(p, "resident.") {
				t.Errorf("%s may %s", one, p)
			}
		}
		for _, other := range three[i+1:] {
			o, _ := b.Role(other)
			if !b.Excludes(one, other) || !b.Excludes(other, one) {
				t.Errorf("%s and %s do not exclude each other", one, other)
			}
			for _, p := range r.Permissions {
				if slices.Contains(o.Permissions, p) {
					t.Errorf("%s and %s share %s", one, other, p)
				}
			}
		}
	}
	if first := b.SecondOf("case.check"); len(first) != 2 || first[0].First != "case.handle" || first[1].First != "case.settle" {
		t.Errorf("before a check: %+v", first)
	}
	if len(b.Roles) != 37 || len(b.Permissions) != 136 {
		t.Errorf("%d roles, %d permissions", len(b.Roles), len(b.Permissions))
	}
}
