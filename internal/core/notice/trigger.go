package notice

import (
	"encoding/json"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// An entry of the journal becomes orders: which message goes to whom. This file
// is the whole table of it; what the entries say is read by their kinds and
// facts, so that the rooms that write them need not know.

// order is one message to be made from an entry (通知指令).
type order struct {
	event    string
	posts    []id.ID // who acts for them now is told
	persons  []id.ID
	role     string // the nearest post of this role
	resident bool
	above    bool // the post above the first one, too
	self     bool // also whoever did it himself
	tell     Tell
}

// acted are the facts of an act on a case that decide who is told.
type acted struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Reason   string `json:"reason"`
	Result   string `json:"result"`
	Task     string `json:"task"`
	Priority string `json:"priority"`
	Tell     *Tell  `json:"tell"`
}

// said is the part of an act's body that decides who is told.
type said struct {
	Post         id.ID  `json:"post"`
	ResidentText string `json:"resident_text"`
	Internal     bool   `json:"internal"`
	Purpose      string `json:"purpose"`
	Clock        *struct {
		Kind string `json:"kind"`
	} `json:"clock"`
}

// stands is the body of a holding: who stands in for which post, from when.
type stands struct {
	Post   id.ID     `json:"post_id"`
	Person id.ID     `json:"person_id"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
}

// read takes what it knows out of a part of an entry; a part of another shape
// belongs to a room that tells nobody.
func read[T any](part any) T {
	var v T
	raw, ok := part.(json.RawMessage)
	if !ok || json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero
	}
	return v
}

// stale is how far an act may lie back and still be news: what an importer
// brings from last year is told to nobody.
const stale = 24 * time.Hour

// silent says that an entry is told to nobody: what this room wrote itself, what
// an importer or the command line did, and what lies too far back.
func silent(e *journal.Entry) bool {
	if strings.HasPrefix(e.Kind, "notice.") && e.Kind != "notice.test" && e.Kind != "notice.send" {
		return true
	}
	return e.By.Via == "import" || strings.HasPrefix(e.By.Via, "cli:") || e.Recorded.Sub(e.Occurred) > stale
}

// ordersOf says what an entry makes. byEvent tells whether a template waits for
// an event of another room's.
func ordersOf(e *journal.Entry, known func(event string) bool) []order {
	f, b := read[acted](e.Facts), read[said](e.Body)
	var owner []id.ID
	if len(e.Sight.Posts) > 0 {
		owner = e.Sight.Posts[:1] // casework puts the owner first
	}
	toOwner := func(event string) order { return order{event: event, posts: owner} }
	toResident := func(event string) order { return order{event: event, resident: true} }
	switch e.Kind {
	case "case.report":
		return []order{toOwner("case.waiting_accept"), toResident("case.reported")}
	case "case.accept":
		if f.From == "reported" {
			return []order{toResident("case.accepted")}
		}
	case "case.refuse":
		return []order{toResident("case.refused")}
	case "case.dispatch":
		if f.To == "dispatched" {
			return []order{toOwner("case.assigned"), toResident("case.dispatched")}
		}
		return []order{toOwner("case.assigned")}
	case "case.owner", "task.report", "case.object":
		return []order{toOwner("case.assigned")}
	case "case.reopen":
		return []order{toOwner("case.assigned"), toResident("case.reopened")}
	case "task.open":
		if f.Task == "verify" {
			return []order{toOwner("task.verify")}
		}
		return []order{toOwner("task.check")}
	case "case.settle", "case.done":
		return []order{toResident("case.done")}
	case "case.check":
		if f.Result == "fail" {
			return []order{toOwner("case.rework")}
		}
	case "case.close":
		return []order{toResident("case.closed")}
	case "case.return", "task.return":
		return []order{toOwner("case.returned")}
	case "case.suspend_ask", "case.void_ask", "case.extend_ask", "task.suspend_ask", "task.void_ask":
		return []order{{event: "case.decision_needed"}} // the post that is asked stands with the case
	case "case.suspend_decide":
		if f.To == "suspended" {
			return []order{toResident("case.suspended")}
		}
	case "case.extend_decide":
		if f.Result == "pass" {
			return []order{toResident("case.extended")}
		}
	case "case.late":
		staff := toOwner("case.overdue")
		staff.above = true
		if b.Clock != nil && b.Clock.Kind == "handle" {
			return []order{staff, toResident("case.overdue")}
		}
		return []order{staff}
	case "task.late":
		return []order{toOwner("case.overdue")}
	case "case.merge":
		return []order{toResident("case.merged")}
	case "case.supervise":
		return []order{toOwner("case.supervised")}
	case "case.cooperate_ask":
		if !b.Post.IsZero() {
			return []order{{event: "case.cooperate_asked", posts: []id.ID{b.Post}}}
		}
	case "case.comment":
		if b.ResidentText != "" && !b.Internal {
			return []order{toResident("case.answered")}
		}
	case "case.reveal":
		return []order{toResident("resident.data_read")}
	case "org.stand_in", "org.delegate":
		return []order{{event: e.Kind, persons: []id.ID{read[stands](e.Body).Person}}}
	case "grid.issue_code":
		return []order{{event: "grid.code_issued", role: "village_desk"}}
	case "notice.test":
		o := order{event: "notice.test", persons: []id.ID{e.By.Person}, self: true}
		if f.Tell != nil {
			o.tell = *f.Tell
		}
		return []order{o}
	default:
		if f.Tell != nil && known(e.Kind) {
			return []order{{event: e.Kind, posts: f.Tell.Posts, persons: f.Tell.Persons, tell: *f.Tell}}
		}
	}
	return nil
}

// about is what a message may say of an entry.
type about struct {
	e     *journal.Entry
	said  said
	stand stands
	told  Told
	org   *org.Snapshot
	zone  *time.Location
	link  string // of the desk; a resident's is made when it is sent
	say   func(key string) words.Text
}

// standsIn says whether it is about somebody who is to act for a post.
func (a about) standsIn() bool { return a.e.Kind == "org.stand_in" || a.e.Kind == "org.delegate" }

func same(s string) words.Text { return words.Text{Chinese: s, English: s} }

func (a about) at(t time.Time) words.Text {
	if t.IsZero() {
		return words.Text{}
	}
	t = t.In(a.zone)
	return words.Text{Chinese: t.Format("1月2日 15:04"), English: t.Format("2 Jan 15:04")}
}

func (a about) day(t time.Time) words.Text {
	if t.IsZero() {
		return words.Text{}
	}
	t = t.In(a.zone)
	return words.Text{Chinese: t.Format("1月2日"), English: t.Format("2 Jan")}
}

// live are variables that are not kept with a notice, because they can be about
// a person's home or are somebody's own words: they are looked up in the case
// whenever the message is read.
var live = map[string]bool{"place": true, "answer": true}

// value gives one variable; empty when this entry has none.
func (a about) value(name string) words.Text {
	switch name {
	case "case_no":
		return same(a.told.Number)
	case "item":
		return a.told.Item
	case "place":
		return same(a.told.Place)
	case "answer":
		return same(a.told.Answer)
	case "unit":
		return a.told.Unit
	case "post":
		if a.standsIn() {
			p, _ := a.org.Post(a.stand.Post)
			return p.Name
		}
		return a.told.Post
	case "grid":
		if a.standsIn() {
			p, _ := a.org.Post(a.stand.Post)
			u, _ := a.org.Unit(p.Unit)
			return u.Name
		}
		return a.told.Grid
	case "due":
		return a.at(a.told.Due)
	case "until_when":
		return a.day(a.told.Until)
	case "minutes":
		if a.told.Due.IsZero() {
			return words.Text{}
		}
		return same(words.Number(float64(max(0, int(a.told.Due.Sub(a.e.Recorded).Minutes()))), 0))
	case "reason":
		return a.told.Reason
	case "what_next":
		switch a.e.Kind {
		case "case.suspend_ask", "task.suspend_ask":
			return a.say("notice.ask_suspend")
		case "case.void_ask", "task.void_ask":
			return a.say("notice.ask_void")
		case "case.extend_ask":
			return a.say("notice.ask_extend")
		}
		return a.say("notice.next_object")
	case "date":
		return a.day(a.e.Recorded)
	case "time":
		return a.at(a.e.Recorded)
	case "from":
		return a.at(a.stand.From)
	case "until":
		return a.at(a.stand.To)
	case "reader":
		p, _ := a.org.Post(a.e.By.Post)
		u, _ := a.org.Unit(p.Unit)
		return u.Name
	case "purpose":
		return a.say("notice.purpose_" + a.said.Purpose)
	case "link":
		return same(a.link)
	}
	return words.Text{}
}

// vars are the values a template needs and a notice keeps.
func (a about) vars(t *Template, tell Tell, keep bool) map[string]words.Text {
	out := map[string]words.Text{}
	for _, name := range t.Variables {
		if keep && live[name] {
			continue
		}
		v, given := tell.Vars[name]
		if !given {
			v = a.value(name)
		}
		if v != (words.Text{}) {
			out[name] = v
		}
	}
	return out
}
