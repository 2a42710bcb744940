package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/org"
	"onegrid/internal/demo/area"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// What an office has beside its posts, so that its pages are not empty for who
// comes for the first time: rosters, groups, skills. All of it is made up and
// says so in its name.

const (
	planBack  = 14 // days before the demo's now that rosters are planned for
	planAhead = 28 // and after it
)

var everyDay = []calendar.DayKind{calendar.Workday, calendar.MakeUpDay, calendar.OffDay, calendar.Holiday}

// clock is a time on the wall clock, in minutes since midnight.
func clock(hour, minute int) calendar.TimeOfDay { return calendar.TimeOfDay(hour*60 + minute) }

// LoadDuty makes the rosters of the hub, day and night, and of the streets' desks
// on working days, and plans them for the weeks around now. The clock may still
// stand in the past that is going to be told. It gives the ids of the rosters.
func LoadDuty(ctx context.Context, a *app.App, now time.Time) (rosters []id.ID, err error) {
	err = write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		rosters = nil
		s, err := a.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		desks := slices.DeleteFunc(slices.Clone(s.Units), func(u org.Unit) bool { return u.Kind != org.Hub && u.Kind != org.Street })
		slices.SortStableFunc(desks, func(x, y org.Unit) int { return cmp.Compare(x.Kind, y.Kind) }) // the hub first
		for _, u := range desks {
			in := rosterOf(u)
			role, together := "hub_officer", 1
			if u.Kind == org.Street {
				role, together = "street_desk", 2
			}
			if in.Crews = crews(s, u, role, together, tx.Now()); len(in.Crews) == 0 {
				continue
			}
			c, err := a.Calendars.For(tx, "")
			if err != nil {
				return err
			}
			in.Anchor = c.DateOn(now) - planBack
			r, err := a.Duty.CreateRoster(tx, by, in)
			if err != nil {
				return fmt.Errorf("roster of %s: %w", u.Code, err)
			}
			rosters = append(rosters, r.ID)
		}
		return planDuty(tx, a, by, rosters, now)
	})
	return rosters, err
}

// rosterOf is the roster of the hub or of a street's desk.
func rosterOf(u org.Unit) duty.RosterIn {
	in := duty.RosterIn{Unit: u.ID}
	day := duty.ShiftKind{Key: "day", Name: words.Text{Chinese: "白班", English: "Day shift"}, From: clock(8, 30), To: clock(17, 30), Days: everyDay, Need: 1}
	if u.Kind == org.Hub {
		in.Name = words.Text{Chinese: "中枢昼夜值班（演示）", English: "Hub duty, day and night (demo)"}
		night := duty.ShiftKind{Key: "night", Name: words.Text{Chinese: "夜班", English: "Night shift"}, From: clock(17, 30), To: clock(8, 30), Days: everyDay, Need: 1}
		in.Kinds, in.Turn = []duty.ShiftKind{day, night}, duty.EachShift
		return in
	}
	// A desk is not for one person: two are there, another two next week.
	in.Name = words.Text{Chinese: u.Name.Chinese + "值班（演示）", English: u.Name.English + " desk duty (demo)"}
	day.Days, day.Need = []calendar.DayKind{calendar.Workday, calendar.MakeUpDay}, 2
	in.Kinds, in.Turn = []duty.ShiftKind{day}, duty.EachWeek
	return in
}

// crews puts those who hold the posts of a role at a unit together by twos or
// alone, each as often as the others.
func crews(s *org.Snapshot, u org.Unit, role string, together int, at time.Time) []duty.Crew {
	var people []id.ID
	for _, p := range s.Posts {
		if p.Unit != u.ID || p.Role != role || !p.Open(at) {
			continue
		}
		if who, ok := s.HolderOf(p.ID, at); ok && !slices.Contains(people, who) {
			people = append(people, who)
		}
	}
	var out []duty.Crew
	for i := range people {
		crew := duty.Crew{}
		for k := range min(together, len(people)) {
			crew.Persons = append(crew.Persons, people[(i+k)%len(people)])
		}
		out = append(out, crew)
	}
	return out
}

// planDuty plans rosters for the weeks around now; what is planned stays. One
// that a visitor closed or that is no more is left as it is.
func planDuty(tx *db.Tx, a *app.App, by *access.Actor, rosters []id.ID, now time.Time) error {
	c, err := a.Calendars.For(tx, "")
	if err != nil {
		return err
	}
	from, to := max(c.DateOn(tx.Now()), c.DateOn(now)-planBack), c.DateOn(now)+planAhead
	for _, r := range rosters {
		if _, err := a.Duty.PlanDays(tx, by, r, from, to); err != nil {
			if k := fault.Of(err).Kind; k == fault.Invalid || k == fault.Missing {
				continue
			}
			return fmt.Errorf("plan a roster: %w", err)
		}
	}
	return nil
}

// planOn plans the rosters of a demo that is started again.
func planOn(ctx context.Context, a *app.App, rosters []id.ID, now time.Time) error {
	return write(ctx, a, func(tx *db.Tx, by *access.Actor) error { return planDuty(tx, a, by, rosters, now) })
}

// known are the parts of the district that groups and skills are about.
type known struct {
	staff   area.Staff
	units   map[string]id.ID
	posts   map[string]id.ID
	persons map[string]id.ID
}

// holds lists who holds posts of a role at a unit, in the order of the posts.
func (k known) holds(role, unit string) []id.ID {
	var out []id.ID
	for _, p := range k.staff.Posts {
		if p.Role != role || p.Unit != unit {
			continue
		}
		for _, h := range k.staff.Holdings {
			if h.Post == p.Key && !h.StandIn && !slices.Contains(out, k.persons[h.Person]) {
				out = append(out, k.persons[h.Person])
			}
		}
	}
	return out
}

// account is where one of the demo's accounts works.
func (k known) account(name string) (area.Post, bool) {
	i := slices.IndexFunc(k.staff.Accounts, func(a area.Account) bool { return a.Name == name })
	if i < 0 {
		return area.Post{}, false
	}
	p := slices.IndexFunc(k.staff.Posts, func(p area.Post) bool { return p.Key == k.staff.Accounts[i].Post })
	return k.staff.Posts[p], p >= 0
}

func (k known) unit(code string) area.Unit {
	return k.staff.Units[slices.IndexFunc(k.staff.Units, func(u area.Unit) bool { return u.Code == code })]
}

// joins says who is what in a group.
type joins struct {
	role string
	who  []id.ID
	unit bool
}

func some(all []id.ID, from, n int) []id.ID {
	from = min(from, len(all))
	return all[from:min(from+n, len(all))]
}

// loadGroups makes the groups of the village and the street where the accounts
// work, and notes who can do what.
func loadGroups(ctx context.Context, a *app.App, k known) error {
	village, ok := k.account("village")
	street, also := k.account("street")
	if !ok || !also {
		return fmt.Errorf("the demo's accounts have no village or no street")
	}
	helpers, leaders, desk := k.holds("part_officer", village.Unit), k.holds("village_leader", village.Unit), k.holds("village_desk", village.Unit)
	name := k.unit(village.Unit).Name
	place := words.Text{Chinese: strings.TrimSuffix(name.Chinese, "平台"), English: strings.TrimSuffix(name.English, " platform")}
	return write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		make := func(kind string, at area.Post, parent id.ID, zh, en string, members ...joins) (id.ID, error) {
			g, err := a.Org.CreateGroup(tx, by, org.GroupIn{Kind: kind, Name: words.Text{Chinese: zh + "（演示）", English: en + " (demo)"}, Parent: parent,
				Unit: k.units[at.Unit], Level: org.Level(at.Level), Node: k.units[at.Node], MadeUp: true})
			if err != nil {
				return g.ID, fmt.Errorf("group %s: %w", zh, err)
			}
			for _, m := range members {
				for _, who := range m.who {
					in := org.MemberIn{Person: who, Role: m.role}
					if m.unit {
						in.Person, in.Unit = id.ID{}, who
					}
					if _, err := a.Org.Join(tx, by, g.ID, in); err != nil {
						return g.ID, fmt.Errorf("member of %s: %w", zh, err)
					}
				}
			}
			return g.ID, nil
		}
		volunteers := slices.Concat(k.holds("volunteer", village.Unit), k.holds("property_staff", village.Unit), k.holds("residents_rep", village.Unit))
		contacts := slices.Concat(helpers, k.holds("grid_officer", village.Unit), volunteers)
		// 1 branch, its groups, their alleys: a small 1+2+5+15 network.
		branch, err := make("party_branch", village, id.ID{}, place.Chinese+"党支部", place.English+" party branch",
			joins{role: "secretary", who: some(leaders, 0, 1)}, joins{role: "linked_cadre", who: some(desk, 0, 1)})
		if err != nil {
			return err
		}
		for i, n := range []string{"一", "二"} {
			group, err := make("party_group", village, branch, "第"+n+"党小组", fmt.Sprintf("Party group %d", i+1), joins{role: "leader", who: some(helpers, i, 1)})
			if err != nil {
				return err
			}
			for j, alley := range [][2]string{{"东", "east"}, {"西", "west"}} {
				if _, err := make("alley", village, group, fmt.Sprintf("第%s组%s胡同", n, alley[0]), fmt.Sprintf("Alley %d %s", i+1, alley[1]),
					joins{role: "contact", who: some(contacts, 2+2*i+j, 1)}); err != nil {
					return err
				}
			}
		}
		if _, err := make("volunteer_team", village, branch, place.Chinese+"志愿服务队", place.English+" volunteers",
			joins{role: "leader", who: some(volunteers, 0, 1)}, joins{role: "member", who: some(volunteers, 1, 8)}); err != nil {
			return err
		}
		bodies := []id.ID{k.units[street.Unit], k.units[village.Unit]}
		for _, key := range []string{"urban_management", "housing"} {
			if v, ok := k.units[key]; ok {
				bodies = append(bodies, v)
			}
		}
		at := k.unit(street.Unit).Name
		at = words.Text{Chinese: strings.TrimSuffix(at.Chinese, "平台"), English: strings.TrimSuffix(at.English, " platform")}
		experts := slices.Concat(k.holds("mediator", street.Unit), k.holds("lawyer", street.Unit), k.holds("counsellor", street.Unit))
		if _, err := make("joint_body", street, id.ID{}, at.Chinese+"联合服务站", at.English+" joint service station",
			joins{role: "leader", who: some(k.holds("street_leader", street.Unit), 0, 1)}, joins{role: "member", who: experts},
			joins{role: "member_unit", who: bodies, unit: true}); err != nil {
			return err
		}
		return k.loadSkills(tx, a, by, village, street, volunteers)
	})
}

// loadSkills notes what posts bring with them and what some people can do.
func (k known) loadSkills(tx *db.Tx, a *app.App, by *access.Actor, village, street area.Post, volunteers []id.ID) error {
	for role, skill := range map[string]string{"mediator": "mediation", "lawyer": "law", "counsellor": "counselling"} {
		for _, p := range k.staff.Posts {
			if p.Role != role || p.Unit != street.Unit {
				continue
			}
			if _, err := a.Org.SetPostSkills(tx, by, k.posts[p.Key], []string{skill}); err != nil {
				return fmt.Errorf("skills of %s: %w", p.Key, err)
			}
		}
	}
	able := []struct {
		who    []id.ID
		skills []string
	}{
		{some(k.holds("village_desk", village.Unit), 0, 1), []string{"dialect", "policy_talk"}},
		{some(k.holds("grid_officer", village.Unit), 0, 1), []string{"first_aid", "flood_watch"}},
		{some(k.holds("part_officer", village.Unit), 0, 1), []string{"electrics"}},
		{some(volunteers, 0, 1), []string{"elderly_care", "first_aid"}},
		{some(volunteers, 1, 1), []string{"electrics", "fire_safety"}},
		{some(volunteers, 2, 1), []string{"children", "culture"}},
	}
	for _, x := range able {
		for _, who := range x.who {
			if _, err := a.Org.SetPersonSkills(tx, by, who, x.skills); err != nil {
				return fmt.Errorf("skills of somebody: %w", err)
			}
		}
	}
	return nil
}
