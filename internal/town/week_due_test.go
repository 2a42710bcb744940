package town_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
	"onegrid/internal/town"
)

// Why every deadline of the working week is when it is. Working time is 08:30 to
// 12:00 and 13:00 to 17:30, 480 minutes a day; Monday to Wednesday are holidays,
// Thursday, Friday and Saturday are worked, Sunday is off, and the next working
// day is Monday the 12th.

// due is one clock of a case and the instant, worked out by hand, at which it
// runs out; "" for a clock that stands still.
type due struct{ clock, at string }

// dues are all clocks that ever ran on the cases told of by name.
var dues = []struct {
	name   string
	clocks []due
}{
	{"the bin on the holiday", []due{ // Monday 10:00
		{"accept", "10-08 08:45"},   // 15 working minutes: none before Thursday 08:30
		{"verify", "10-08 09:00"},   // 30 from Monday 10:05: as above
		{"dispatch", "10-08 08:45"}, // 15 from Monday 10:15
		{"handle", "10-08 13:30"},   // 4 working hours from Monday 10:20: Thursday 08:30–12:00 is 3½, the rest after lunch
		{"check", "10-08 11:30"},    // 30 from Thursday 11:00
	}},
	{"the manhole at midnight", []due{ // Tuesday 23:30, urgent: every minute counts, holiday and night
		{"accept", "10-06 23:45"},   // 15 minutes
		{"verify", "10-07 00:05"},   // 30 from 23:35: the next day
		{"dispatch", "10-07 00:00"}, // 15 from 23:45: midnight
		{"handle", "10-07 01:50"},   // 2 hours from 23:50
		{"check", "10-07 01:50"},    // 30 from 01:20
	}},
	{"the dark street", []due{ // Wednesday 22:00; to be accepted at any hour, done in working time
		{"accept", "10-07 22:15"},   // 15 minutes of the night; nobody did, until Thursday 08:40
		{"verify", "10-08 09:10"},   // 30 working minutes from 08:40
		{"dispatch", "10-08 09:05"}, // 15 from 08:50
		{"handle", "10-09 08:55"},   // 1 working day, 480 minutes, from Thursday 08:55: 455 on Thursday, 25 on Friday
		{"check", "10-08 16:30"},    // 30 from 16:00
	}},
	{"the forgotten bin", []due{ // Thursday 08:40
		{"accept", "10-08 08:55"},
		{"verify", "10-08 09:15"},   // 30 from 08:45
		{"dispatch", "10-08 09:10"}, // 15 from 08:55
		{"handle", "10-08 14:00"},   // 4 hours from 09:00: 3 before lunch, 1 after. It runs out, and stays there
	}},
	{"the lamp without a part", []due{ // Thursday 09:00
		{"accept", "10-08 09:15"},
		{"verify", "10-08 09:35"},
		{"dispatch", "10-08 09:30"},
		// 3 working days from 09:20 are 1,440 minutes: 430 on Thursday, 480 on
		// Friday, 480 on the make-up Saturday and 50 on Monday would end at 09:20.
		// The pause from Thursday 15:00 to Friday 14:00 leaves out 150 + 210 + 60 =
		// 420: Monday 09:20–12:00 is 160, 13:00–17:20 the other 260.
		{"handle", "10-12 17:20"},
	}},
	{"the walls of the vacant post", []due{ // Thursday 09:20
		{"accept", "10-08 09:35"},
		{"verify", "10-08 09:55"},
		{"dispatch", "10-08 09:50"},
		{"handle", "10-12 09:40"}, // 3 working days from 09:40: Friday, Saturday, Monday 09:40. That the post falls vacant at noon changes nothing
		{"check", "10-09 10:30"},
	}},
	{"the pile in the rain", []due{ // Thursday 09:40
		{"accept", "10-08 09:55"},
		{"verify", "10-08 10:15"},
		{"dispatch", "10-08 10:10"},
		{"handle", "10-12 10:00"}, // 1 working day from Thursday 10:00 is Friday 10:00; 2 more from there: Saturday 10:00, and over Sunday to Monday 10:00
		{"check", "10-10 15:30"},
	}},
	{"the objection", []due{ // Thursday 10:30 at the public door, refused 10:40; objected Friday 09:00
		{"accept", "10-08 10:45"},
		{"accept", "10-09 09:15"},   // judged anew: the whole 15 minutes again
		{"verify", "10-09 09:35"},   // 30 from 09:05
		{"dispatch", "10-09 09:30"}, // 15 from 09:15
		{"handle", "10-09 14:20"},   // 4 hours from 09:20: 2 h 40 before lunch, 1 h 20 after
		{"check", "10-09 11:30"},
	}},
	{"the refused report", []due{{"accept", "10-08 11:15"}}}, // Thursday 11:00; refused 11:05, and then no clock runs
	{"the bin before lunch", []due{ // Thursday 11:55
		{"accept", "10-08 13:10"},   // 5 minutes before lunch, 10 after
		{"verify", "10-08 13:30"},   // 30 from 12:00: lunch does not count
		{"dispatch", "10-08 13:15"}, // 15 from 12:10
		{"handle", "10-08 17:00"},   // 4 hours from 12:15, which is 13:00
		{"check", "10-08 14:30"},
	}},
	{"the lamp of the wrong department", []due{ // Thursday 13:00 at the hub, whose desk is there round the clock
		{"accept", "10-08 13:15"},
		{"verify", "10-08 13:35"},
		{"dispatch", "10-08 13:30"}, // 15 from 13:15, of the hub
		{"dispatch", "10-08 13:35"}, // another desk, the street: 15 from 13:20
		{"handle", "10-12 13:30"},   // 3 working days from 13:30: Friday, Saturday, Monday; ended by the return
		{"dispatch", "10-08 14:15"}, // back with the street at 14:00
		{"dispatch", "10-08 14:20"}, // back with the hub at 14:05
		{"handle", "10-12 14:10"},   // the other department has its whole 3 days, from 14:10
		{"check", "10-09 10:30"},
	}},
	{"the quarrel", []due{ // Thursday 15:00
		{"accept", "10-08 15:30"},
		{"verify", "10-08 15:35"},   // nobody need look, but the stage has its half hour from 15:05
		{"dispatch", "10-09 10:15"}, // 4 working hours from 15:15: 2 h 15 on Thursday, 1 h 45 on Friday
		{"handle", "11-07 15:20"},   // 30 days of the calendar from 15:20
	}},
	{"the road", []due{ // Thursday 16:00
		{"accept", "10-08 16:15"},
		{"verify", "10-08 16:35"},
		{"dispatch", "10-08 16:30"},
		// 15 working days from Thursday 16:20: Friday 1, Saturday 2, 12th to 16th 7,
		// 19th to 23rd 12, Monday 26th 13, Tuesday 14, Wednesday the 28th 15.
		{"handle", "10-28 16:20"},
	}},
	{"the flood", []due{ // Thursday 22:00; high priority: its own limits count every minute
		{"accept", "10-08 22:15"},
		{"verify", "10-09 09:00"},   // but the look before filing has the ordinary 30 working minutes
		{"dispatch", "10-08 22:25"}, // 15 from 22:10
		{"handle", "10-09 04:14"},   // 6 hours from 22:14
		{"check", "10-09 01:30"},    // 30 from 01:00
	}},
	{"one more report of the flood", []due{{"accept", "10-08 22:15"}}},  // 22:00; merged 22:12, and its clock ends
	{"one more call about the flood", []due{{"accept", "10-08 22:20"}}}, // 22:05
	{"the bin that was done twice", []due{ // Friday 08:40
		{"accept", "10-09 08:55"},
		{"verify", "10-09 09:15"},
		{"dispatch", "10-09 09:10"},
		{"handle", "10-09 14:00"}, // 4 hours from 09:00; the failed check gives no more
		{"check", "10-09 14:00"},  // 30 from 13:30
		{"check", "10-09 15:30"},  // and once more from 15:00
	}},
	{"the bin of the stand-in", []due{ // Friday 14:00
		{"accept", "10-09 14:15"},
		{"verify", "10-09 14:35"},
		{"dispatch", "10-09 14:30"},
		{"handle", "10-10 09:20"}, // 4 hours from 14:20: 3 h 10 on Friday, 50 minutes on the make-up Saturday
		{"check", "10-09 16:30"},
	}},
	{"the pile before the evening", []due{ // Friday 17:15
		{"accept", "10-09 17:30"},   // the end of a period, not the start of the next
		{"verify", "10-10 08:50"},   // 10 minutes from 17:20, 20 on Saturday
		{"dispatch", "10-10 08:45"}, // filed at 17:30: all 15 on Saturday
		{"handle", "10-10 17:30"},   // the whole Saturday, to its end
		{"check", "10-10 10:30"},
	}},
	{"the pile after work", []due{ // Friday 18:00
		{"accept", "10-10 08:45"},
		{"verify", "10-10 09:00"},
		{"dispatch", "10-10 08:45"},
		{"handle", "10-10 17:30"},
		{"check", "10-10 11:30"},
	}},
	{"the bin of the make-up day", []due{ // Saturday 16:10
		{"accept", "10-10 16:25"},
		{"verify", "10-10 16:45"},
		{"dispatch", "10-10 16:40"},
		{"handle", "10-12 11:30"}, // 4 hours from 16:30: 1 on Saturday, 3 on Monday
	}},
	{"the pile on Saturday evening", []due{ // Saturday 17:20
		{"accept", "10-12 08:35"},   // 10 minutes, and 5 on Monday
		{"verify", "10-12 08:55"},   // 5 from 17:25, and 25
		{"dispatch", "10-12 08:45"}, // 15 from 17:35
	}},
	{"the pile on Sunday", []due{{"accept", "10-12 08:45"}}}, // Sunday 10:00
}

// dueByHand compares the clocks of the named cases with what is written above.
func (s *week) dueByHand() {
	s.Helper()
	if len(dues) != len(s.named) {
		s.Errorf("%d cases have a name, of %d the deadlines are written by hand", len(s.named), len(dues))
	}
	for _, d := range dues {
		var got, want []string
		for _, k := range s.explained(s.named[d.name]).Clocks {
			got = append(got, k.Kind+" "+hand(k.Due))
		}
		for _, k := range d.clocks {
			want = append(want, k.clock+" "+k.at)
			s.byHand++
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s:\n\tgot  %s\n\twant %s", d.name, strings.Join(got, ", "), strings.Join(want, ", "))
		}
	}
}

// hand writes an instant as it stands in the table.
func hand(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(china).Format("01-02 15:04")
}

// whole is the page of a case with its clocks and why they end when they do.
type whole struct {
	Case struct {
		Number     string       `json:"number"`
		State      string       `json:"state"`
		Due        time.Time    `json:"due_at"`
		Late       bool         `json:"late"`
		Post       id.ID        `json:"post_id"`
		Acting     id.ID        `json:"acting_post_id"`
		ActingName words.Text   `json:"acting_post_name"`
		RaisedTo   []words.Text `json:"raised_to"`
	} `json:"case"`
	Tasks  []town.Case `json:"tasks"`
	Clocks []struct {
		Kind     string                `json:"kind"`
		State    string                `json:"state"`
		Due      time.Time             `json:"due_at"`
		Explains *calendar.Explanation `json:"explanation"`
		Extended []struct {
			Explains *calendar.Explanation `json:"explanation"`
		} `json:"extensions"`
	} `json:"clocks"`
}

// explained reads a case, as the hub does, and demands that each of its clocks
// explains its deadline: the result is the deadline, and the days add up.
func (s *week) explained(c town.Case) (p whole) {
	s.Helper()
	s.As(hub).Gets("/api/cases/"+c.ID.String(), &p)
	var running time.Time
	for _, k := range p.Clocks {
		s.deadlines++
		legs := []*calendar.Explanation{k.Explains}
		for _, e := range k.Extended {
			legs = append(legs, e.Explains)
		}
		for _, e := range legs {
			s.addsUp(c, k.Kind, e)
		}
		if last := legs[len(legs)-1]; last == nil || !last.DueAt.Equal(k.Due) || last.Paused != (k.State == "paused") {
			s.Errorf("%s, %s: due %s, explained as %+v", c.Number, k.Kind, hand(k.Due), last)
		}
		if k.State == "running" {
			running = k.Due
		}
	}
	if !running.Equal(p.Case.Due) {
		s.Errorf("%s is due %s, and its running clock %s", c.Number, hand(p.Case.Due), hand(running))
	}
	return p
}

// addsUp demands of an explanation that the days it counts add up to the limit,
// or to what ran before a pause, and that it says so in both languages.
func (s *week) addsUp(c town.Case, kind string, e *calendar.Explanation) {
	s.Helper()
	if e == nil {
		s.Errorf("%s, %s: nothing is explained", c.Number, kind)
		return
	}
	var counted int64
	for _, d := range e.Days {
		counted += d.Counted
	}
	want := e.Length
	if e.Paused {
		want = e.Used
	}
	if counted != want || e.Sentence.Chinese == "" || e.Sentence.English == "" {
		s.Errorf("%s, %s: its days count %d ms of %d: %s", c.Number, kind, counted, want, e.Sentence.English)
	}
}

// everyDeadline explains all deadlines of some cases and of their tasks, and
// demands that each open one has an owner, and somebody who acts for it.
func (s *week) everyDeadline(cases []town.Case) {
	s.Helper()
	for _, c := range cases {
		p := s.explained(c)
		s.owned(p)
		for _, t := range p.Tasks {
			if t.State != "closed" && t.State != "cancelled" {
				s.owned(s.explained(t))
			}
		}
	}
}

func (s *week) owned(p whole) {
	s.Helper()
	acting := p.Case.Acting
	if acting.IsZero() {
		acting = p.Case.Post
	}
	s.Read(func(tx *db.Tx) error {
		o, err := s.App.Org.Snapshot(tx)
		if err == nil && (p.Case.Post.IsZero() || o.Vacant(acting, tx.Now())) {
			s.Errorf("nobody acts for %s", p.Case.Number)
		}
		return err
	})
}

// looks plans when all open deadlines are explained in the middle of the week.
func (s *week) looks() {
	for _, at := range []time.Time{when(monday, "14:20"), when(thursday, "12:30"), when(thursday, "15:12"), when(friday, "12:30"), when(saturday, "17:45")} {
		s.plan(at, func() { s.everyDeadline(s.all(hub, "view=open")) })
	}
	// Nobody off duty is alarmed: on the holiday everything waits in the inbox.
	s.plan(when(wednesday, "18:00"), func() {
		if climbed, waiting := s.alarmed(); climbed > 0 || waiting == 0 {
			s.Errorf("on the holiday %d messages alarmed somebody and %d wait", climbed, waiting)
		}
	})
	s.plan(when(thursday, "12:30"), func() {
		if climbed, _ := s.alarmed(); climbed == 0 {
			s.Errorf("nobody was alarmed after the holiday")
		}
	})
	// The working hours decide who is on duty where no roster says otherwise.
	for _, d := range []struct {
		day, hour string
		want      bool
	}{{monday, "10:00", false}, {wednesday, "16:00", false}, {thursday, "08:00", false}, {thursday, "09:00", true}, {friday, "16:00", true}, {saturday, "10:00", true}, {saturday, "18:00", false}, {sunday, "10:00", false}} {
		s.plan(when(d.day, d.hour), func() {
			var reach struct {
				OnDuty bool `json:"on_duty"`
			}
			s.As(deskP1).Gets("/api/notices/channels", &reach)
			if reach.OnDuty != d.want {
				s.Errorf("%s %s: the desk is on duty: %t", d.day, d.hour, reach.OnDuty)
			}
		})
	}
}

// titles are the names of some people's posts.
func (s *week) titles(people []string) (out []string) {
	s.Read(func(tx *db.Tx) error {
		o, err := s.App.Org.Snapshot(tx)
		out = nil
		for _, name := range people {
			p, ok := o.Post(s.Posts[name])
			if !ok {
				return fmt.Errorf("no post of %s", name)
			}
			out = append(out, p.Name.English)
		}
		return err
	})
	return out
}

// alarmed counts the messages to the street's own people: those whose ladder has
// begun to be climbed, by push, mail or telephone, and those that lie in the
// inbox and wait because their reader is off duty.
func (s *week) alarmed() (climbed, waiting int) {
	s.Helper()
	ours := map[id.ID]bool{}
	for _, name := range slices.Concat([]string{deskP1, deskP2, street}, slices.Concat(slices.Collect(maps.Values(atWork))...)) {
		ours[s.Persons[name]] = true
	}
	s.Read(func(tx *db.Tx) error {
		climbed, waiting = 0, 0
		rows, err := tx.Query(`SELECT person_id, rung, held FROM notice WHERE person_id IS NOT NULL`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var person id.ID
			var rung int64
			var held string
			if err := rows.Scan(&person, &rung, db.Text(&held)); err != nil {
				return err
			}
			switch {
			case !ours[person]:
			case rung > 0:
				climbed++
			case held == "off_duty":
				waiting++
			}
		}
		return rows.Err()
	})
	return climbed, waiting
}
