package demo

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// Whoever comes to a new demo finds rosters that speak of last week and the next
// ones, groups with people in them and somebody for every skill that is asked
// for; and all of it says that it is made up.
func TestOfficeOfTheDemo(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { findsOffice(t, engine) })
	}
}

func findsOffice(t *testing.T, engine db.Engine) {
	now := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC) // a Tuesday, 10:00 in the district
	clock := &Clock{}
	clock.Set(now.AddDate(0, 0, -10)) // the past has still to be told
	c, err := app.LoadConfig(filepath.Join(t.TempDir(), "data"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if engine == db.Postgres {
		c.Database = dbtest.Migrated(t, engine, app.Tables())
	}
	a, err := app.Open(t.Context(), c, app.Ports{Now: clock.Now, Create: true, Demo: true, Cost: access.Cost{Time: 1, Memory: 8, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := LoadDistrict(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	rosters, err := LoadDuty(t.Context(), a, now)
	if err != nil {
		t.Fatal(err)
	}
	clock.Set(now)
	if len(rosters) != 5 {
		t.Fatalf("%d rosters, want the hub's and four streets'", len(rosters))
	}
	count := func(tx *db.Tx, at time.Time) (hub, streets int) {
		turns, err := a.Duty.Now(tx, id.ID{}, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range turns {
			if x.Roster == rosters[0] {
				hub++
			} else {
				streets++
			}
		}
		return hub, streets
	}
	look := func() {
		err := a.DB.Read(t.Context(), func(tx *db.Tx) error {
			for at := now.AddDate(0, 0, -9); at.Before(now.AddDate(0, 0, planAhead)); at = at.Add(5 * time.Hour) {
				if hub, _ := count(tx, at); hub != 1 {
					t.Errorf("%d people are at the hub at %s", hub, at)
				}
			}
			for days, want := range map[int]int{0: 8, 1: 8, -1: 8, 14: 8, 4: 0, 5: 0} { // Saturday and Sunday off
				if _, got := count(tx, now.AddDate(0, 0, days)); got != want {
					t.Errorf("%d people are at the streets' desks %d days from now, want %d", got, days, want)
				}
			}
			if _, night := count(tx, now.Add(12*time.Hour)); night != 0 {
				t.Errorf("%d people are at the streets' desks at night", night)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look()
	if err := planOn(t.Context(), a, append(rosters[:5:5], id.ID{15: 9}), now); err != nil { // one is no more
		t.Fatal(err)
	}
	look()
	if err := planOn(t.Context(), a, rosters, now.AddDate(0, 0, 60)); err != nil {
		t.Fatal(err)
	}

	err = a.DB.Read(t.Context(), func(tx *db.Tx) error {
		if hub, _ := count(tx, now.AddDate(0, 0, 80)); hub != 1 {
			t.Errorf("%d people are at the hub after the demo was started again", hub)
		}
		s, err := a.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		kinds, units := map[string]int{}, 0
		for _, g := range s.Groups {
			kinds[g.Kind]++
			if !g.MadeUp || !strings.Contains(g.Name.Chinese, "演示") || !strings.Contains(g.Name.English, "demo") {
				t.Errorf("%s does not say that it is made up", g.Name)
			}
			members := s.Members(g.ID, now)
			if len(members) == 0 {
				t.Errorf("%s has no members", g.Name)
			}
			for _, m := range members {
				if !m.Unit.IsZero() {
					units++
				} else if p, _ := s.Person(m.Person); !p.MadeUp || !strings.Contains(p.Name, "演示") {
					t.Errorf("%s is of %s", p.Name, g.Name)
				}
			}
		}
		if kinds["party_branch"] != 1 || kinds["party_group"] != 2 || kinds["alley"] != 4 || kinds["volunteer_team"] != 1 || kinds["joint_body"] != 1 || units != 4 {
			t.Errorf("%v, %d units in the joint body", kinds, units)
		}
		home := journal.Nodes{}
		for _, g := range s.Groups {
			if g.Kind == "party_branch" {
				home = s.Nodes(g.Unit)
			}
		}
		for _, skill := range []string{"mediation", "law", "counselling", "first_aid", "fire_safety", "flood_watch", "electrics", "elderly_care", "children", "dialect"} {
			if found := s.WithSkill(skill, home, now, func(journal.Sight) bool { return true }); len(found) == 0 {
				t.Errorf("nobody in the demo can do %s", skill)
			} else if found[0].Near != "village" && found[0].Near != "street" && found[0].Near != "grid" {
				t.Errorf("who can do %s is far away: %+v", skill, found[0])
			}
		}
		for _, term := range s.Terms(org.GroupKinds) {
			if kinds[term.Key] == 0 && !slices.Contains([]string{"association"}, term.Key) {
				t.Errorf("no group of kind %s", term.Key)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
