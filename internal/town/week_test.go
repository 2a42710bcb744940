package town_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// A working week of the street S1, played through the front door: 400 reports,
// twelve officers at work, two vacant posts, one that is stood in for, the end of
// a holiday with its make-up day, a flood that two hundred people report once
// more, a department that returns, time that is extended, and somebody who
// objects. What everybody does stands here; why every deadline is when it is
// stands in week_due_test.go, and every figure, summed up by hand, in
// week_sums_test.go.

// The week of 5 to 11 October 2026. (data/holidays/2026.json)
const (
	monday    = "10-05" // National Day holiday
	tuesday   = "10-06" // holiday
	wednesday = "10-07" // holiday, its last day
	thursday  = "10-08" // worked
	friday    = "10-09" // worked
	saturday  = "10-10" // a make-up day: worked like a Monday
	sunday    = "10-11" // off
)

var china = time.FixedZone("Asia/Shanghai", 8*3600)

// when is an instant of the week: when(thursday, "09:40").
func when(day, hour string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+day+" "+hour, china)
	if err != nil {
		panic(err)
	}
	return t
}

// matter is what a report is about.
type matter struct {
	item, condition, words string
	form                   with
}

var (
	bin          = matter{"cleanliness", "exposed", "垃圾桶满了，垃圾堆在外面", with{"problem": "bin_full"}}                                              // 4 working hours
	pile         = matter{"cleanliness", "pile", "路边一大堆垃圾", with{"problem": "exposed"}}                                                       // 1 working day
	adverts      = matter{"cleanliness", "adverts", "墙上贴满小广告", with{"problem": "adverts"}}                                                    // 3 working days
	lamp         = matter{"public_facility", "single", "路灯不亮", with{"facility": "lamp", "damage": "dark"}}                                    // 3 working days
	row          = matter{"public_facility", "row_dark", "整条街路灯都不亮", with{"facility": "lamp", "damage": "dark"}}                              // 1 working day, accepted within 15 minutes at any hour
	manhole      = matter{"public_facility", "danger", "井盖没了", with{"facility": "manhole", "damage": "missing"}}                              // 2 hours, at any hour
	rebuild      = matter{"public_facility", "rebuild", "路面塌陷，要重修", with{"facility": "road", "damage": "broken"}}                             // 15 working days
	extinguisher = matter{"fire_hazard", "equipment", "灭火器过期", with{"hazard": "extinguisher", "place_kind": "shop"}}                          // 3 working days
	quarrel      = matter{"neighbour_dispute", "complex", "两家为排水沟争了几年", with{"about": "boundary", "both_willing": "both", "tension": "calm"}} // 30 days
	ponding      = matter{"flood_water", "ponding", "桥下积水过膝，车过不去", with{"hazard": "low_road", "people_trapped": false}}                       // 6 hours, at any hour
)

// answered is what everybody who reported the flood reads in the end.
const answered = "积水已经排除，道路恢复通行"

// The desks of the street and the departments, by the names of their people.
const (
	deskP1 = "village desk 1" // of G1 and G2
	deskP2 = "village desk 3" // of G3
	street = "street desk 1"  // of X8, which belongs to the street itself
	hub    = "hub officer 1"
	works  = "department handler 1" // of D1, urban management
	homes  = "department handler 2" // of D2, housing
)

// The officers of the grids beside those whom every town has: "grid officer 1"
// and "part officer 1" of G1, the vacant post of G2, and that of G3 with its
// stand-in.
var officers = []struct{ name, role, grid string }{
	{"officer 3", "part_officer", "G1"}, {"officer 4", "part_officer", "G1"},
	{"officer 5", "part_officer", "G2"}, {"officer 6", "part_officer", "G2"}, {"officer 7", "part_officer", "G2"},
	{"officer 8", "part_officer", "G3"}, {"officer 9", "part_officer", "G3"}, {"officer 10", "part_officer", "G3"},
	{"officer 11", "grid_officer", "X8"}, {"officer 12", "grid_officer", "X8"},
}

// atWork are the twelve who work the whole week. Officer 4 leaves on Thursday.
var atWork = map[string][]string{
	"G1": {"grid officer 1", "part officer 1", "officer 3"},
	"G2": {"officer 5", "officer 6", "officer 7"},
	"G3": {"stand in", "officer 8", "officer 9", "officer 10"},
	"X8": {"officer 11", "officer 12"},
}

// beats are the rounds that the officers make every day: in each grid they look
// for one thing this week. What they find they settle on the spot; the other hand
// checks it after 20 minutes, the desk closes it after 25.
var beats = []struct {
	grid, hour, desk string
	what             matter
}{
	{"G1", "09:10", deskP1, bin}, {"G2", "10:10", deskP1, lamp}, {"G3", "14:10", deskP2, adverts}, {"X8", "15:10", street, extinguisher},
}

// found is how much they find.
var found = []struct {
	day string
	n   [4]int // on each beat
}{
	//            G1  G2  G3  X8
	{monday, [4]int{4, 3, 4, 2}},    // 13
	{tuesday, [4]int{3, 4, 3, 3}},   // 13
	{wednesday, [4]int{5, 3, 4, 2}}, // 14
	{thursday, [4]int{10, 8, 9, 6}}, // 33
	{friday, [4]int{9, 9, 8, 7}},    // 33
	{saturday, [4]int{8, 9, 9, 6}},  // 32
	{sunday, [4]int{5, 4, 5, 3}},    // 17
	//               44  40  42  29      155
}

// called is what people tell the desk on the telephone and the department does:
// accepted after 5 minutes, looked at after 10, filed after 15, dispatched after
// 20, taken after 25, begun after 30; done after 90, checked after 100, closed
// after 105.
var called = []struct {
	day, hour, desk, grid string
	n                     int
	what                  matter
}{
	{thursday, "09:40", deskP1, "G1", 4, pile}, {thursday, "14:30", deskP2, "G3", 4, lamp},
	{friday, "09:40", deskP1, "G2", 4, lamp}, {friday, "14:30", deskP2, "G3", 4, pile},
	{saturday, "09:40", deskP1, "G1", 4, pile}, {saturday, "14:30", deskP1, "G2", 4, lamp},
}

// week is the story on its way.
type week struct {
	*town.Town
	agenda []appointment
	named  map[string]town.Case // what is told of by name
	n      int                  // people who telephoned
	wet    []*neighbour         // who reported the flood after the first

	deadlines, byHand, figures int // that were compared
}

// appointment is something that happens at its time (日程).
type appointment struct {
	at time.Time
	do func()
}

// neighbour is somebody who reported the flood once more, and how he follows it.
type neighbour struct {
	*town.Person
	number, phone string // phone: of somebody who telephoned
}

func TestAWorkingWeek(t *testing.T) {
	town.EachAt(t, when(monday, "08:00"), func(w *town.Town) {
		s := &week{Town: w, named: map[string]town.Case{}}
		s.staff()
		s.staffed(14, 13, 1)
		s.hours()
		s.rounds()
		s.calls()
		s.holiday()
		s.ordinaryDays()
		s.longRunners()
		s.pausedAndExtended()
		s.nobodyCame()
		s.sentBack()
		s.refusedAndObjected()
		s.doneTwice()
		s.officerLeaves()
		s.flood()
		s.looks()
		s.passes()

		s.staffed(14, 12, 1)
		cases := s.all(hub, "view=all")
		if len(cases) != 400 {
			t.Errorf("%d cases, not 400", len(cases))
		}
		s.everyDeadline(cases)
		s.dueByHand()
		s.summedByHand()
		if differences, _, err := w.App.Figures.Recompute(w.Context(), false, nil); err != nil || len(differences) > 0 {
			t.Errorf("the figures differ: %v %v", differences, err)
		}
		w.Verified()
		w.Logf("%d cases; %d times a deadline was explained and was what the explanation says, %d deadlines of %d cases as worked out by hand; %d figures as summed up by hand",
			len(cases), s.deadlines, s.byHand, len(dues), s.figures)
	})
}

// plan writes something into the agenda, behind what stands there for the same
// time.
func (s *week) plan(at time.Time, do func()) {
	i := 0
	for i < len(s.agenda) && !s.agenda[i].at.After(at) {
		i++
	}
	s.agenda = slices.Insert(s.agenda, i, appointment{at, do})
}

// passes lets the week pass, appointment by appointment.
func (s *week) passes() {
	s.Helper()
	for len(s.agenda) > 0 {
		next := s.agenda[0]
		s.agenda = s.agenda[1:]
		if next.at.After(s.Clock.Now()) {
			s.Until(next.at)
		}
		next.do()
	}
}

// hours lets the sweeper come by every hour until Sunday evening, so that a
// clock that runs out is noticed on its day.
func (s *week) hours() {
	for at := when(monday, "09:00"); !at.After(when(sunday, "20:00")); at = at.Add(time.Hour) {
		s.plan(at, func() {})
	}
}

// staff seats the officers, and a desk for the second platform.
func (s *week) staff() {
	s.Write(func(tx *db.Tx) error {
		for _, o := range officers {
			if err := s.AddPost(tx, o.name, o.role, org.AtGrid, o.grid); err != nil {
				return err
			}
		}
		return s.AddPost(tx, deskP2, "village_desk", org.AtVillage, "P2")
	})
}

// staffed holds the street's officers against what the street desk is shown.
func (s *week) staffed(posts, filled, standIns int) {
	s.Helper()
	var list struct {
		Items []org.Staffing `json:"items"`
	}
	s.As(street).Gets("/api/org/staffing?unit="+s.Nodes["S1"].String(), &list)
	var got [3]int
	for _, g := range list.Items {
		for _, r := range g.Roles {
			if r.Role == "grid_officer" || r.Role == "part_officer" {
				got[0], got[1], got[2] = got[0]+r.Posts, got[1]+r.Filled, got[2]+r.StandIns
			}
		}
	}
	if got != [3]int{posts, filled, standIns} {
		s.Errorf("officers' posts, filled, stood in for: %v, want %d %d %d", got, posts, filled, standIns)
	}
}

// Reports.

// at is the report of a matter in a grid.
func (m matter) at(grid, channel string) town.With {
	return town.With{"item": m.item, "condition": m.condition, "form": m.form, "place": town.At(grid), "channel": channel}
}

// hears is a desk's report of what somebody told it on the telephone; name is
// what the matter is called later, or none.
func (s *week) hears(name, desk, grid string, m matter) town.Case {
	s.Helper()
	s.n++
	channel := "phone"
	if desk == hub {
		channel = "hotline"
	}
	c := s.As(desk).Reports(m.words, m.at(grid, channel), town.With{"reporter": with{"name": "演示居民", "phone": phone(s.n)}})
	if name != "" {
		s.named[name] = c
	}
	return c
}

func phone(n int) string { return fmt.Sprintf("1380000%04d", n) }

// tells is a stranger's report at the public door, without a telephone number.
func (s *week) tells(what, grid, words string) (p *town.Person, number string) {
	s.Helper()
	lon, lat := town.Middle(grid)
	p = s.Stranger("a resident of " + grid)
	var sent struct {
		Report struct{ Number string }
	}
	a := p.Do("POST", "/api/public/reports", with{"key": formKey(), "what": what, "lon": lon, "lat": lat, "text": words})
	if a.Status != 200 {
		s.Fatalf("a resident reports: %s %s", a, a.Body)
	}
	if err := json.Unmarshal(a.Body, &sent); err != nil {
		s.Fatal(err)
	}
	return p, sent.Report.Number
}

// numbered is the case of a number, as the hub sees it.
func (s *week) numbered(number string) town.Case {
	s.Helper()
	var page town.Page
	s.As(hub).Gets("/api/case-numbers/"+number, &page)
	return page.Case
}

// all reads a list to its end.
func (s *week) all(who, query string) (out []town.Case) {
	s.Helper()
	for next := ""; ; {
		var page struct {
			Items []town.Case `json:"items"`
			Next  string      `json:"next"`
		}
		s.As(who).Gets("/api/cases?limit=200&"+query+next, &page)
		if out = append(out, page.Items...); page.Next == "" {
			return out
		}
		next = "&cursor=" + page.Next
	}
}

// Moves.

// sits is who sits at the post of a task: the posts are named after them.
func (s *week) sits(task town.Case) *town.Person {
	if task.PostName.English == "grid officer G3" {
		return s.As("stand in")
	}
	return s.As(task.PostName.English)
}

// looksAt answers the newest task of a case: verify or check.
func (s *week) looksAt(c town.Case, move string, more ...town.With) {
	s.Helper()
	task := s.Task(c)
	s.sits(task).Does(task, move, append([]town.With{{"result": "pass", "note": "看过了"}}, more...)...)
}

// done reports a case done, with a photo of after.
func (s *week) done(c town.Case, who string, more ...town.With) {
	s.Helper()
	p := s.As(who)
	p.Does(c, "done", append([]town.With{{"note": "办好了", "file_ids": []id.ID{p.Photo("after")}}}, more...)...)
}

// sends dispatches a case to somebody's post.
func (s *week) sends(c town.Case, desk, to string) {
	s.Helper()
	s.As(desk).Does(c, "dispatch", town.With{"post_id": s.Posts[to]})
}

// opened plans how a desk opens a matter: accepted 5 minutes after it came,
// looked at after 10, filed after 15.
func (s *week) opened(c town.Case, desk string, came time.Time) {
	s.plan(came.Add(5*time.Minute), func() { s.As(desk).Does(c, "accept") })
	s.plan(came.Add(10*time.Minute), func() { s.looksAt(c, "verify") })
	s.plan(came.Add(15*time.Minute), func() { s.As(desk).Does(c, "file") })
}

// begun plans how it goes on from there: dispatched after 20 minutes, taken
// after 25, begun after 30.
func (s *week) begun(c town.Case, desk, who string, came time.Time) {
	s.plan(came.Add(20*time.Minute), func() { s.sends(c, desk, who) })
	s.plan(came.Add(25*time.Minute), func() { s.As(who).Does(c, "take") })
	s.plan(came.Add(30*time.Minute), func() { s.As(who).Does(c, "handle") })
}

// ended plans how it ends: done, checked 10 minutes later, closed after 15.
func (s *week) ended(c town.Case, desk, who string, at time.Time) {
	s.plan(at, func() { s.done(c, who) })
	s.plan(at.Add(10*time.Minute), func() { s.looksAt(c, "check") })
	s.plan(at.Add(15*time.Minute), func() { s.As(desk).Does(c, "close") })
}

// call plans a telephone call and the way of the matter as far as work begins.
func (s *week) call(name, day, hour, desk, grid string, m matter, who string) {
	s.plan(when(day, hour), func() {
		c := s.hears(name, desk, grid, m)
		s.opened(c, desk, s.Clock.Now())
		s.begun(c, desk, who, s.Clock.Now())
	})
}

// ends plans the end of a named matter.
func (s *week) ends(name, day, hour, desk, who string) {
	s.plan(when(day, hour), func() { s.ended(s.named[name], desk, who, s.Clock.Now()) })
}

// The ordinary week.

// rounds are the officers' rounds: found, cleaned up, photographed.
func (s *week) rounds() {
	for _, f := range found {
		for i, b := range beats {
			s.plan(when(f.day, b.hour), func() {
				for n := range f.n[i] {
					s.settles(atWork[b.grid][n%len(atWork[b.grid])], b.grid, b.desk, b.what)
				}
			})
		}
	}
}

// settles is an officer who reports what he found and settles it on the spot.
func (s *week) settles(who, grid, desk string, m matter) {
	s.Helper()
	p, now := s.As(who), s.Clock.Now()
	c := p.Reports(m.words, m.at(grid, "field"))
	p.Does(c, "settle", town.With{"note": "当场处理好了", "file_ids": []id.ID{p.Photo("after")}})
	s.plan(now.Add(20*time.Minute), func() { s.looksAt(c, "check") })
	s.plan(now.Add(25*time.Minute), func() { s.As(desk).Does(c, "close") })
}

// calls are the ordinary telephone calls.
func (s *week) calls() {
	for _, k := range called {
		s.plan(when(k.day, k.hour), func() {
			for range k.n {
				c, now := s.hears("", k.desk, k.grid, k.what), s.Clock.Now()
				s.opened(c, k.desk, now)
				s.begun(c, k.desk, works, now)
				s.ended(c, k.desk, works, now.Add(90*time.Minute))
			}
		})
	}
}

// What is told of by name. The times are those of the table in week_due_test.go.

// holiday: the desk is there on a holiday too, but working time stands still;
// what is urgent runs on through the night.
func (s *week) holiday() {
	s.call("the bin on the holiday", monday, "10:00", deskP1, "G1", bin, works)
	s.ends("the bin on the holiday", thursday, "11:00", deskP1, works)

	s.call("the manhole at midnight", tuesday, "23:30", deskP1, "G1", manhole, works)
	s.ends("the manhole at midnight", wednesday, "01:20", deskP1, works)

	// Nobody accepts the dark street in time on the holiday's last night.
	s.plan(when(wednesday, "22:00"), func() { s.hears("the dark street", deskP1, "G2", row) })
	s.plan(when(thursday, "08:35"), func() {
		c := s.named["the dark street"]
		if !s.Now(c).Late {
			s.Errorf("nobody accepted the dark street, and it is not late")
		}
		s.opened(c, deskP1, s.Clock.Now())
		s.begun(c, deskP1, works, s.Clock.Now())
	})
	s.ends("the dark street", thursday, "16:00", deskP1, works)
}

// ordinaryDays: noon, evenings, the make-up day and the Sunday after it.
func (s *week) ordinaryDays() {
	s.call("the bin before lunch", thursday, "11:55", deskP1, "G2", bin, works)
	s.ends("the bin before lunch", thursday, "14:00", deskP1, works)

	s.call("the pile before the evening", friday, "17:15", deskP1, "G1", pile, works)
	s.ends("the pile before the evening", saturday, "10:00", deskP1, works)

	s.call("the pile after work", friday, "18:00", deskP1, "G2", pile, works)
	s.ends("the pile after work", saturday, "11:00", deskP1, works)

	s.call("the bin of the stand-in", friday, "14:00", deskP2, "G3", bin, works)
	s.ends("the bin of the stand-in", friday, "16:00", deskP2, works)

	s.call("the bin of the make-up day", saturday, "16:10", deskP1, "G2", bin, works) // stays in work

	s.plan(when(saturday, "17:20"), func() { // is filed, and waits to be dispatched on Monday
		s.opened(s.hears("the pile on Saturday evening", deskP1, "G1", pile), deskP1, s.Clock.Now())
	})
	s.plan(when(sunday, "10:00"), func() { s.hears("the pile on Sunday", deskP1, "G1", pile) }) // waits to be accepted on Monday
}

// longRunners: a dispute that the village mediates itself, counted in days of
// the calendar, and a road to be rebuilt, counted in working days.
func (s *week) longRunners() {
	s.plan(when(thursday, "15:00"), func() {
		p := s.As(deskP1)
		c := p.Reports(quarrel.words, quarrel.at("G1", "desk"))
		s.named["the quarrel"] = c
		came := s.Clock.Now()
		s.plan(came.Add(5*time.Minute), func() { p.Does(c, "accept") })
		s.plan(came.Add(15*time.Minute), func() { p.Does(c, "file") })
		s.begun(c, deskP1, deskP1, came)
	})
	s.call("the road", thursday, "16:00", deskP2, "G3", rebuild, works)
}

// pausedAndExtended: a lamp waits for a part, a pile for dry weather.
func (s *week) pausedAndExtended() {
	s.call("the lamp without a part", thursday, "09:00", deskP1, "G1", lamp, works)
	s.plan(when(thursday, "14:00"), func() {
		s.As(works).Does(s.named["the lamp without a part"], "suspend_ask", town.With{"reason": "suspend_part", "note": "等灯具", "until": when(friday, "14:00")})
	})
	s.plan(when(thursday, "15:00"), func() {
		s.As(works).Refused(s.named["the lamp without a part"], "suspend_decide", "403 access.denied", town.With{"result": "pass"})
		s.As(street).Does(s.named["the lamp without a part"], "suspend_decide", town.With{"result": "pass"})
		if p := s.explained(s.named["the lamp without a part"]); p.Case.State != "suspended" || !p.Case.Due.IsZero() {
			s.Errorf("a suspended case is %s and due %s", p.Case.State, p.Case.Due)
		}
	})
	s.plan(when(friday, "14:00"), func() { // the sweeper came a moment ago
		if c := s.Now(s.named["the lamp without a part"]); c.State != "handling" {
			s.Errorf("the suspension is over, and the lamp is %s", c.State)
		}
	})

	s.call("the pile in the rain", thursday, "09:40", deskP1, "G2", pile, works)
	s.plan(when(friday, "09:00"), func() {
		c := s.named["the pile in the rain"]
		s.As(works).Does(c, "extend_ask", town.With{"reason": "extend_weather", "note": "连着下雨", "units": 2})
		s.As(works).Refused(c, "extend_decide", "403 access.denied", town.With{"result": "pass"})
	})
	s.plan(when(friday, "09:30"), func() {
		s.As(street).Does(s.named["the pile in the rain"], "extend_decide", town.With{"result": "pass", "note": "同意"})
	})
	s.ends("the pile in the rain", saturday, "15:00", deskP1, works)
}

// nobodyCame: the department takes a case and lets it lie. The sweeper marks it
// and raises it step by step: at once to the street, after half the limit more
// to the hub, after the whole limit more to the hub's leader.
func (s *week) nobodyCame() {
	s.call("the forgotten bin", thursday, "08:40", deskP1, "G1", bin, works)
	s.raised(thursday, "14:00")
	s.raised(thursday, "15:00", street)
	s.raised(thursday, "16:00", street, hub)
	s.raised(friday, "09:00", street, hub, "hub leader 1")
}

func (s *week) raised(day, hour string, to ...string) {
	s.plan(when(day, hour), func() {
		p := s.explained(s.named["the forgotten bin"])
		var got []string
		for _, post := range p.Case.RaisedTo {
			got = append(got, post.English)
		}
		if want := s.titles(to); !slices.Equal(got, want) || p.Case.Late != (len(to) > 0) {
			s.Errorf("at %s the forgotten bin is raised to %v and late: %t; want %v", hour, got, p.Case.Late, want)
		}
	})
}

// sentBack: the hub takes a call and dispatches down to the street, the street to
// the department, which returns it. Whoever receives a return may only dispatch
// anew or return it further; the street returns it, the hub dispatches anew.
func (s *week) sentBack() {
	const lamp1 = "the lamp of the wrong department"
	c := func() town.Case { return s.named[lamp1] }
	s.plan(when(thursday, "13:00"), func() { s.opened(s.hears(lamp1, hub, "G3", lamp), hub, s.Clock.Now()) })
	s.plan(when(thursday, "13:20"), func() { s.sends(c(), hub, street) })
	s.plan(when(thursday, "13:30"), func() { s.sends(c(), street, works) })
	s.plan(when(thursday, "13:40"), func() { s.As(works).Does(c(), "take") })
	s.plan(when(thursday, "14:00"), func() {
		s.As(works).Does(c(), "return", town.With{"reason": "return_not_mine", "note": "是小区产权的灯"})
		s.As(works).Refused(c(), "handle", "404 case.missing")
		s.stuck(c(), street)
	})
	s.plan(when(thursday, "14:05"), func() {
		s.As(street).Does(c(), "return", town.With{"reason": "return_not_mine", "note": "该由住建部门办"})
		s.stuck(c(), hub)
	})
	s.plan(when(thursday, "14:10"), func() { s.sends(c(), hub, homes) })
	s.plan(when(thursday, "14:15"), func() { s.As(homes).Does(c(), "take") })
	s.plan(when(thursday, "14:20"), func() { s.As(homes).Does(c(), "handle") })
	s.ends(lamp1, friday, "10:00", hub, homes)
}

// stuck demands that no later state is in reach of a post that received a return.
func (s *week) stuck(c town.Case, desk string) {
	s.Helper()
	may := map[string]bool{}
	for _, m := range s.As(desk).Page(c).Moves {
		may[m.Move] = m.Allowed
	}
	if !may["dispatch"] || desk == street && !may["return"] {
		s.Errorf("%s has a returned case and may do %v", desk, may)
	}
	for _, later := range []string{"accept", "verify", "file", "settle", "take", "handle", "done", "check", "close"} {
		if a := s.As(desk).Tries(c, later, town.With{"result": "pass", "note": "好"}); may[later] || a.String() != "409 case.wrong_state" && a.String() != "403 access.denied" {
			s.Errorf("%s tries to %s a returned case: %s", desk, later, a)
		}
	}
}

// refusedAndObjected: two residents are told that their rubbish is none of ours.
// One leaves it at that; the other objects, and the street judges it anew.
func (s *week) refusedAndObjected() {
	var resident, other *town.Person
	var number, otherNumber string
	refuses := town.With{"reason": "refuse_outside", "note": "在物业管理范围内，请找物业"}
	s.plan(when(thursday, "10:30"), func() {
		resident, number = s.tells("rubbish", "G1", "楼道口垃圾没人管")
		s.named["the objection"] = s.numbered(number)
	})
	s.plan(when(thursday, "10:40"), func() { s.As(deskP1).Does(s.named["the objection"], "refuse", refuses) })
	s.plan(when(thursday, "11:00"), func() {
		other, otherNumber = s.tells("rubbish", "G2", "院子里的垃圾")
		s.named["the refused report"] = s.numbered(otherNumber)
	})
	s.plan(when(thursday, "11:05"), func() {
		s.As(deskP1).Does(s.named["the refused report"], "refuse", refuses)
		if p := follows(s, other, otherNumber); !p.Refused || len(p.Messages) != 1 || !slices.Contains(p.Can, "object") {
			s.Errorf("whoever is refused reads %+v", p)
		}
	})
	s.plan(when(friday, "09:00"), func() {
		if a := resident.Do("POST", "/api/public/reports/"+number+"/object", with{"text": "这里没有物业"}); a.Status >= 300 {
			s.Fatalf("a resident objects: %s %s", a, a.Body)
		}
		c := s.named["the objection"]
		if post := s.Now(c).Post; post != s.Posts[street] {
			s.Errorf("the objection is judged by %s, not by the street", s.Now(c).PostName.English)
		}
		s.opened(c, street, s.Clock.Now())
		s.begun(c, street, works, s.Clock.Now())
	})
	s.ends("the objection", friday, "11:00", street, works)
	s.plan(when(friday, "12:00"), func() {
		if p := follows(s, resident, number); p.Refused || p.Stage != "closed" {
			s.Errorf("whoever objected reads %+v", p)
		}
	})
}

// doneTwice: the check fails, and what follows is rework against the same due
// time, which is missed.
func (s *week) doneTwice() {
	const bin2 = "the bin that was done twice"
	s.call(bin2, friday, "08:40", deskP1, "G2", bin, works)
	s.plan(when(friday, "13:30"), func() { s.done(s.named[bin2], works) })
	s.plan(when(friday, "13:50"), func() {
		s.looksAt(s.named[bin2], "check", town.With{"result": "fail", "reason": "rework_incomplete", "note": "桶后面没清"})
		if p := s.explained(s.named[bin2]); p.Case.State != "handling" || !p.Case.Due.Equal(when(friday, "14:00")) {
			s.Errorf("rework is %s, due %s", p.Case.State, p.Case.Due)
		}
	})
	s.ends(bin2, friday, "15:00", deskP1, works)
}

// officerLeaves: officer 4 has a case in hand when he leaves. His post is vacant,
// the grid head acts for it, and the deadline is what it was.
func (s *week) officerLeaves() {
	const walls = "the walls of the vacant post"
	s.call(walls, thursday, "09:20", deskP1, "G1", adverts, "officer 4")
	s.plan(when(thursday, "12:00"), func() {
		a := s.As("village leader 1").Do("DELETE", "/api/org/holdings/"+s.Holdings["officer 4"].String(), nil)
		if a.Status != 200 {
			s.Fatalf("officer 4 leaves: %s %s", a, a.Body)
		}
	})
	s.plan(when(thursday, "12:10"), func() {
		if p := s.explained(s.named[walls]); p.Case.Post != s.Posts["officer 4"] || p.Case.Acting != s.Posts["grid head 1"] {
			s.Errorf("the vacant post's case is acted on by %s", p.Case.ActingName.English)
		}
		if a := s.As("officer 4").Do("GET", "/api/cases", nil); a.String() != "403 access.denied" {
			s.Errorf("who left reads a list: %s", a)
		}
	})
	s.ends(walls, friday, "10:00", deskP1, "grid head 1")
}

// flood: at ten in the evening the underpass is under water. One neighbour
// telephones first; 150 report it at the public door, 50 more on the telephone.
// The desk merges the 200 in one act, the department pumps through the night,
// and everybody who reported it reads how it ended.
func (s *week) flood() {
	const main = "the flood"
	s.plan(when(thursday, "22:00"), func() {
		s.hears(main, deskP1, "G2", ponding)
		for n := range 150 {
			grid := "G2"
			if n >= 120 {
				grid = "G1"
			}
			p, number := s.tells("water", grid, fmt.Sprintf("桥下全是水（第%d位）", n+1))
			s.wet = append(s.wet, &neighbour{Person: p, number: number})
		}
	})
	s.plan(when(thursday, "22:02"), func() { s.As(deskP1).Does(s.named[main], "accept") })
	s.plan(when(thursday, "22:05"), func() {
		for range 50 {
			c := s.hears("", deskP1, "G1", ponding)
			s.wet = append(s.wet, &neighbour{Person: s.Stranger("a caller"), number: c.Number, phone: phone(s.n)})
		}
	})
	s.plan(when(thursday, "22:08"), func() { s.looksAt(s.named[main], "verify") })
	s.plan(when(thursday, "22:10"), func() { s.As(deskP1).Does(s.named[main], "file") })
	s.plan(when(thursday, "22:12"), func() { s.merges(s.named[main]) })
	s.plan(when(thursday, "22:14"), func() { s.sends(s.named[main], deskP1, works) })
	s.plan(when(thursday, "22:20"), func() { s.As(works).Does(s.named[main], "take") })
	s.plan(when(thursday, "22:25"), func() { s.As(works).Does(s.named[main], "handle") })
	s.plan(when(friday, "01:00"), func() { s.done(s.named[main], works, town.With{"evidence": []string{"measurement"}}) })
	s.plan(when(friday, "01:10"), func() { s.looksAt(s.named[main], "check") })
	s.plan(when(friday, "01:15"), func() { s.As(deskP1).Does(s.named[main], "close", town.With{"resident_text": answered}) })
	s.plan(when(friday, "08:00"), s.everybodyIsAnswered)
}

// merges merges everything open about water into the first report.
func (s *week) merges(main town.Case) {
	var rest []id.ID
	for _, c := range s.all(deskP1, "view=open&item="+ponding.item) {
		if c.ID != main.ID {
			rest = append(rest, c.ID)
		}
	}
	if len(rest) != 200 {
		s.Fatalf("the desk finds %d reports beside the first, not 200", len(rest))
	}
	a := s.As(deskP1).Do("POST", "/api/cases/"+main.ID.String()+"/merges", with{"case_ids": rest, "reason": "merge_same_place", "note": "同一处积水"})
	if a.Status != 200 {
		s.Fatalf("merge: %s %s", a, a.Body)
	}
	if v := follows(s, s.wet[0].Person, s.wet[0].number); !v.Merged || v.Stage != "accepted" {
		s.Errorf("whose report was merged reads %+v", v)
	}
	s.named["one more report of the flood"] = s.numbered(s.wet[0].number)
	s.named["one more call about the flood"] = s.numbered(s.wet[199].number)
}

// seen is what a reporter sees of the own report.
type seen struct {
	Stage    string
	Refused  bool
	Merged   bool
	Can      []string
	Messages []struct {
		Text struct {
			Chinese string `json:"zh-CN"`
		}
	}
}

func follows(s *week, p *town.Person, number string) (v seen) {
	s.Helper()
	p.Gets("/api/public/reports/"+number, &v)
	return v
}

// everybodyIsAnswered: each of the 200 sees his own report, that it was dealt
// with together with another, that it is closed, and the answer. Who telephoned
// opens it with the number and the telephone. Two say what they think of it.
func (s *week) everybodyIsAnswered() {
	for _, n := range s.wet {
		if n.phone != "" {
			if a := n.Do("POST", "/api/public/links/recover", with{"number": n.number, "phone": n.phone}); a.Status != 200 {
				s.Fatalf("who telephoned gets a link: %s %s", a, a.Body)
			}
		}
		v := follows(s, n.Person, n.number)
		last := len(v.Messages) - 1
		if !v.Merged || v.Stage != "closed" || last < 0 || v.Messages[last].Text.Chinese != answered || !slices.Contains(v.Can, "rate") {
			s.Errorf("who reported %s reads %+v", n.number, v)
		}
	}
	for n, stars := range map[int]int{0: 5, 199: 4} { // one of G2 at the public door, one of G1 on the telephone
		if a := s.wet[n].Do("POST", "/api/public/reports/"+s.wet[n].number+"/rate", with{"score": stars}); a.Status >= 300 {
			s.Fatalf("a neighbour rates: %s %s", a, a.Body)
		}
	}
}
