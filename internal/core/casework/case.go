package casework

import (
	"encoding/json"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// Case is one matter that somebody must act on (事件), as it stands. It is the
// row; what a reader gets of it is a View.
type Case struct {
	ID          id.ID
	Number      string // 案件编号
	Arrived     int64  // the number of its first journal entry: the order of arrival
	Parent      id.ID  // the case that a task serves
	Task        string // "verify" or "check" of a task with a parent
	Flow        catalog.Flow
	Item        string
	ItemVersion int64
	Condition   string
	Title       string
	Text        string
	Lon, Lat    float64 // WGS 84; both 0 when only words name the place
	Located     bool
	Where       string // the place in words
	journal.Nodes
	Department id.ID
	State      State
	Priority   catalog.Priority
	Secrecy    journal.Secrecy
	Channel    string
	Post       id.ID // the post that must act now (责任岗位); never none
	Acting     id.ID // who acts for it: itself, or its fallback while it is vacant
	Intake     id.ID // the desk that accepts, files and closes
	Handler    id.ID // the post that handled it, for rework
	Person     id.ID // the member of staff who took it
	AskPost    id.ID // the post that is asked to decide
	Clock      Clock // the clock of this state; none when closed
	Late       bool  // the handling clock was or is late
	Verify     Outcome
	Check      Outcome
	Occurred   time.Time // claimed
	Recorded   time.Time // ours
	Closed     time.Time
	Version    int64
	MadeUp     bool
	Facets

	secret json.RawMessage // personal answers on their way to the sealed row
	stored keys            // as the row was read
	claim  *claim          // as it was read with the case; nil: it was not
}

// Facets are the parts of a case that no list is ordered or cut by. They stand
// together in one column.
type Facets struct {
	Form     json.RawMessage `json:"form,omitempty"`
	By       journal.By      `json:"by"`                 // who reported it
	Worker   journal.By      `json:"worker,omitzero"`    // who handled or settled it
	Returned *Returned       `json:"returned,omitempty"` // it came back and waits for a new dispatch
	Ask      *Ask            `json:"ask,omitempty"`
	Hold     *Hold           `json:"hold,omitempty"`  // it is suspended
	Tasks    int             `json:"tasks,omitempty"` // how many tasks it ever had
	Rating   *Rating         `json:"rating,omitempty"`
	Used     map[string]int  `json:"used,omitempty"`     // how often a reason served
	Have     map[string]int  `json:"have,omitempty"`     // evidence that was given in words
	Given    time.Time       `json:"given,omitzero"`     // a deadline that came with it and wins
	Resident string          `json:"resident,omitempty"` // the last words to the resident
	Stood    bool            `json:"stood,omitempty"`    // the running clock has stood still before
	Timed    bool            `json:"timed,omitempty"`    // a handling clock ran: there is a deadline to compare with
	Public   bool            `json:"public,omitempty"`   // a resident or a sensor reported it
	Named    []id.ID         `json:"named,omitempty"`    // persons who may see it whatever its secrecy
	Reporter bool            `json:"reporter,omitempty"` // a party row stands beside it
	Times    *Times          `json:"times,omitempty"`
	Main     id.ID           `json:"main,omitzero"`    // the case it was merged into
	Was      State           `json:"was,omitempty"`    // where it stood before that
	Joined   int             `json:"joined,omitempty"` // how many reports were merged into it
	Application
	Beside
}

// Times marks an imported case whose times contradict each other; it is kept
// out of time statistics and never dropped. (DESIGN.md section 3, rule 7)
type Times struct {
	ClosedBeforeOpened bool `json:"closed_before_opened,omitempty"`
}

// Returned says that the case was sent back (退回).
type Returned struct {
	Post   id.ID  `json:"post"`
	Reason string `json:"reason"`
	Note   string `json:"note,omitempty"`
}

// Kinds of requests that somebody else decides.
const (
	AskSuspend = "suspend"
	AskVoid    = "void"
	AskExtend  = "extend"
)

// Ask is a request that waits for a decision by another hand (待批事项).
type Ask struct {
	Kind   string          `json:"kind"`
	Reason string          `json:"reason"`
	Note   string          `json:"note,omitempty"`
	State  string          `json:"state,omitempty"` // where the reason leads
	Limit  *calendar.Limit `json:"limit,omitempty"` // how much more time
	Until  time.Time       `json:"until,omitzero"`
	By     journal.By      `json:"by"`
	At     time.Time       `json:"at"`
}

// Hold is a suspension in force (挂账), or an application that waits for papers
// (待补正): why, when it ends by itself and where it goes on.
type Hold struct {
	Back   State     `json:"back,omitempty"`
	Reason string    `json:"reason"`
	Note   string    `json:"note,omitempty"`
	Until  time.Time `json:"until"`
}

// Rating is what the reporter thinks of the outcome (评价).
type Rating struct {
	Score int    `json:"score" minimum:"1" maximum:"5"`
	Words string `json:"words,omitempty" maxLength:"1000"`
}

// Clock is the clock that runs in the present state (计时).
type Clock struct {
	Kind        ClockKind
	Row         id.ID // its row in case_clock
	Start       time.Time
	Limit       calendar.Limit
	Calendar    string
	Due         time.Time // none while it stands still
	Near        time.Time // from here on it counts as due soon
	Provisional bool
	Paused      bool
	Remaining   time.Duration // when paused
	LateAt      time.Time     // when the sweeper found it late
	Given       bool          // the deadline came with the case
}

// Late says whether a clock has run out.
func (k Clock) Late(now time.Time) bool {
	return !k.LateAt.IsZero() || !k.Paused && !k.Due.IsZero() && now.After(k.Due)
}

// farFuture orders what has no due time behind everything that has one.
const farFuture = int64(1) << 52

// listAt is what worklists are ordered by: an open case by its due time, what
// stands still or has no clock behind them, a shut case by its end, newest
// first.
func (c Case) listAt() int64 {
	switch {
	case c.about().Shut:
		return -c.Closed.UnixMilli()
	case c.Clock.Due.IsZero():
		return farFuture
	}
	return c.Clock.Due.UnixMilli()
}

// open says whether work on the case is still to be done.
func (c Case) open() bool { return !c.about().Shut }

// Sight is what decides who may see the case. Its posts are the owner, who
// acts for it, who handled it, who is asked to decide and who takes part; its persons are the
// reporter, where that is a member of staff, and whoever is named. Lists walk
// the same columns, so that both agree (list.go).
func (c Case) Sight() journal.Sight {
	s := journal.Sight{Nodes: c.Nodes, Department: c.Department, Secrecy: c.Secrecy, Persons: c.Named}
	for _, p := range append([]id.ID{c.Post, c.Acting, c.Handler, c.AskPost}, c.takesPart()...) {
		if !p.IsZero() && !has(s.Posts, p) {
			s.Posts = append(s.Posts, p)
		}
	}
	return s
}

func has(list []id.ID, v id.ID) bool {
	for _, w := range list {
		if w == v {
			return true
		}
	}
	return false
}
