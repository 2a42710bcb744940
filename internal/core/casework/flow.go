package casework

import (
	"slices"
	"time"

	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// State is where a case stands inside (状态). What a resident sees of it is its
// Stage. The words of both stand in the catalogue.
type State string

// States of the handling flow (处置流程).
const (
	Reported   State = "reported"   // 已上报
	Accepted   State = "accepted"   // 已受理
	Filed      State = "filed"      // 已立案
	Dispatched State = "dispatched" // 已派遣
	Taken      State = "taken"      // 已签收; of a task: 已领取
	Handling   State = "handling"   // 处置中
	Suspended  State = "suspended"  // 挂账
	Done       State = "done"       // 已处置; of a task: 已完成
	Closed     State = "closed"     // 已结案; of a task: 已结束
	Refused    State = "refused"    // 不予受理
	Withdrawn  State = "withdrawn"  // 已撤回
	Voided     State = "voided"     // 已作废
	Merged     State = "merged"     // 已并案
)

// States that only the task flow has (任务流程).
const (
	Open      State = "open"      // 待领取
	Doing     State = "doing"     // 进行中
	Missed    State = "missed"    // 未完成
	Cancelled State = "cancelled" // 已取消
)

// States that only the approval flow has (申请流程); it shares accepted,
// withdrawn and voided with handling.
const (
	Submitted    State = "submitted"     // 已提交
	Correcting   State = "correcting"    // 待补正
	Reviewing    State = "reviewing"     // 审核中
	CheckingHome State = "checking_home" // 入户核实
	Publicised   State = "publicised"    // 公示中
	Deciding     State = "deciding"      // 审批中
	Approved     State = "approved"      // 已批准
	Declined     State = "declined"      // 未批准
	Appealed     State = "appealed"      // 申诉中
	Handed       State = "given"         // 已发放或交付
)

// ClockKind is what a clock measures (计时环节).
type ClockKind string

const (
	ClockAccept    ClockKind = "accept"    // 受理
	ClockVerify    ClockKind = "verify"    // 核实
	ClockDispatch  ClockKind = "dispatch"  // 派遣
	ClockHandle    ClockKind = "handle"    // 处置
	ClockCheck     ClockKind = "check"     // 核查
	ClockPublicise ClockKind = "publicise" // 公示
	ClockGive      ClockKind = "give"      // 发放
	ClockCooperate ClockKind = "cooperate" // 协办答复
	ClockSupervise ClockKind = "supervise" // 督办回复
	clockPaused    ClockKind = "paused"    // the clock of before stands still
	clockStopped   ClockKind = "stopped"
)

// Owner says which post must act in the state that a move leads to (责任岗位).
type Owner string

const (
	OwnerSame     Owner = ""         // whoever had it
	OwnerIntake   Owner = "intake"   // the desk that accepts
	OwnerFiler    Owner = "filer"    // the desk that files and dispatches
	OwnerTarget   Owner = "target"   // the post that was chosen
	OwnerSender   Owner = "sender"   // whoever dispatched it
	OwnerHandler  Owner = "handler"  // whoever handled it
	OwnerChecker  Owner = "checker"  // the post of the check task, or the desk that closes
	OwnerNext     Owner = "next"     // the desk of the next level
	OwnerReviewer Owner = "reviewer" // the post that reviews an application
	OwnerDecider  Owner = "decider"  // the post that decides it
	OwnerGiver    Owner = "giver"    // the post that pays or hands over
	OwnerAppeal   Owner = "appeal"   // the post that decides an appeal
)

// About is what a table says of one state.
type About struct {
	Stage string    // what the resident sees
	Clock ClockKind // which clock runs in it
	Final bool      // nothing leads out
	Shut  bool      // work has ended; it may still be opened again
}

// Need is something that the actor must give with a move.
type Need string

const (
	NeedReason       Need = "reason"
	NeedNote         Need = "note"
	NeedPost         Need = "post"
	NeedResult       Need = "result"
	NeedRecord       Need = "record"
	NeedResidentText Need = "resident_text"
	NeedScore        Need = "score"
	NeedUntil        Need = "until"
	NeedUnits        Need = "units"
	NeedMain         Need = "main"
)

// Guard is one named rule of a move. Check is pure: it sees the facts and says
// why the move is refused, or nil.
type Guard struct {
	Name  string
	Check func(Facts) error
}

// Move is one thing that may be done to a case (办理动作). Its key is the last
// part of its permission.
type Move struct {
	Key        string
	Permission string  // none: only the program itself makes it
	From       []State // none: it begins a case
	To         []State // all it may lead to; none: the case stays where it is
	Pick       func(Facts) State
	Reasons    string // kind of reason it takes
	Needs      []Need
	Guards     []Guard
	Owner      Owner
}

// Flow is one way of a case (流程): its states and the moves between them.
type Flow struct {
	Key    catalog.Flow
	States []State // in the order of the diagram
	About  map[State]About
	Moves  []Move
}

// Outcome is how an inspection stands: verify (核实) or check (核查).
type Outcome string

const (
	NotAsked Outcome = ""
	Waiting  Outcome = "open" // a task or the resident is asked
	Pass     Outcome = "pass"
	Fail     Outcome = "fail"
)

// Hand is what the actor is to the case. Stand-ins and principals count as the
// same hand. (DESIGN.md section 8)
type Hand struct {
	System   bool   // the sweeper or the case's parent acts
	Owner    bool   // acts for the post that must act now
	Sender   bool   // acts for the post that dispatched it last
	Reporter bool   // reported it
	Handled  bool   // is the hand that handled or settled it
	Asked    bool   // is the hand that asked for what is to be decided
	Reviewed bool   // is the hand that gave the opinion on an application
	Decided  bool   // is the hand that decided it
	Shut     bool   // another person holds the claim
	Unit     bool   // acts for a post of the owner's unit
	Role     string // of the acting post
}

// Target is the post that the actor chose.
type Target struct {
	Found      bool
	Takes      bool // its role takes cases
	Dispatches bool // its role dispatches cases onwards
	Self       bool // it is the post that owns the case now
	Helps      bool // its role answers requests to co-operate
	Asked      bool // it co-operates already
}

// Given is what the actor gives with a move.
type Given struct {
	Note         string
	ResidentText string
	Result       Outcome
	Score        int
	Until        time.Time
	Units        int64          // how much more time, in the reason's own units
	Source       catalog.Source // who raises it, of a report
	Consent      bool           // the person concerned has agreed, of an application
}

// Facts is all that the rules look at: a value, so that every rule can be
// tested as a table without a database.
type Facts struct {
	Case        Case
	Item        catalog.Item
	Now         time.Time
	Hand        Hand
	Given       Given
	Reason      catalog.Reason // the zero reason when none was given
	ReasonSent  bool           // a reason was named, known or not
	UntilMax    time.Time      // the longest suspension that the reason allows
	Target      Target
	Have        map[string]int // evidence on the case, with what comes along
	Up          id.ID          // the post to which it can be raised
	Supervised  bool           // a supervision waits for its answer
	Senders     int            // open dispatches: how far a return can go back
	Check       bool           // a check is demanded
	Verify      bool           // a verification is demanded
	ByResident  bool           // the resident's own confirmation is the check
	Imported    bool           // told by an importer about another system's past
	Posting     bool           // what is approved must be posted first
	PostingOver bool           // the time of the posting is over
	InTerm      bool           // closed or refused so recently that it may be opened again
	Main        Main           // the main case of a merge
}

// What the flows answer.
var (
	ErrNoMove     = fault.New(fault.Invalid, "case.no_move")
	ErrWrongState = fault.New(fault.Conflict, "case.wrong_state")
)

// Move finds a move by its key.
func (f *Flow) Move(key string) (Move, bool) {
	for _, m := range f.Moves {
		if m.Key == key {
			return m, true
		}
	}
	return Move{}, false
}

// From lists the moves that lead out of a state or stay in it.
func (f *Flow) From(s State) []Move {
	var out []Move
	for _, m := range f.Moves {
		if slices.Contains(m.From, s) {
			out = append(out, m)
		}
	}
	return out
}

// Take applies a move to the case in the facts and gives the state it will be
// in. It touches no database and no clock. Codes: case.no_move,
// case.wrong_state and those of the guards.
func (f *Flow) Take(key string, facts Facts) (State, error) {
	m, ok := f.Move(key)
	if !ok {
		return facts.Case.State, ErrNoMove.With("move", clip(key, 40))
	}
	if len(m.From) == 0 && facts.Case.State != "" || len(m.From) > 0 && !slices.Contains(m.From, facts.Case.State) {
		return facts.Case.State, ErrWrongState.With("state", string(facts.Case.State), "move", m.Key)
	}
	for _, g := range m.Guards {
		if err := g.Check(facts); err != nil {
			return facts.Case.State, err
		}
	}
	return m.to(facts), nil
}

// to says where a move leads.
func (m Move) to(f Facts) State {
	switch {
	case m.Pick != nil:
		return m.Pick(f)
	case len(m.To) == 0:
		return f.Case.State
	}
	return m.To[0]
}

// FlowOf gives the table of a flow.
func FlowOf(key catalog.Flow) (*Flow, bool) {
	switch key {
	case catalog.Handling:
		return handling, true
	case catalog.Approval:
		return approval, true
	case catalog.Task:
		return task, true
	}
	return nil, false
}

// Flows lists the tables that there are.
func Flows() []*Flow { return []*Flow{handling, approval, task} }

// about is what the case's flow says of its state.
func (c Case) about() About {
	if f, ok := FlowOf(c.Flow); ok {
		return f.About[c.State]
	}
	return About{}
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
