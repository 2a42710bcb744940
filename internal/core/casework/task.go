package casework

import "onegrid/internal/core/catalog"

// task is the flow of one thing to do (任务流程): an item of its own (a patrol, a
// visit), or a verification or check beside a case. A verification or check has
// a parent and is not counted as a report.
var task = &Flow{
	Key:    catalog.Task,
	States: []State{Open, Taken, Doing, Suspended, Done, Closed, Missed, Cancelled},
	About: map[State]About{
		Open:      {Stage: "reported", Clock: ClockAccept},
		Taken:     {Stage: "assigned", Clock: ClockHandle},
		Doing:     {Stage: "in_hand", Clock: ClockHandle},
		Suspended: {Stage: "in_hand", Clock: clockPaused},
		Done:      {Stage: "done", Clock: ClockCheck},
		Closed:    {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Missed:    {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Cancelled: {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
	},
	Moves: []Move{
		{
			Key: "report", Permission: "case.report", To: []State{Open}, Owner: OwnerTarget,
			Guards: []Guard{admitted, raisable},
		},
		{
			Key: "take", Permission: "task.take", From: []State{Open}, To: []State{Taken}, Owner: OwnerSame,
			Guards: []Guard{owned},
		},
		{
			// Begins it, and with a result ends it: one step is enough for a
			// small task.
			Key: "do", Permission: "task.do", From: []State{Open, Taken, Doing}, To: []State{Doing, Done, Closed}, Owner: OwnerChecker,
			Needs:  []Need{NeedRecord},
			Guards: []Guard{owned, planned, nothingAsked, taskEvidence},
			Pick: func(f Facts) State {
				switch {
				case !finishing(f):
					return Doing
				case f.Check:
					return Done
				}
				return Closed
			},
		},
		{
			Key: "verify", Permission: "case.verify", From: []State{Open, Taken, Doing}, To: []State{Closed}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{owned, isTask("verify"), resultGiven, notReporter, failNoted},
		},
		{
			// What was found at the home (入户核实).
			Key: "home_check", Permission: "apply.home_check", From: []State{Open, Taken, Doing}, To: []State{Closed}, Owner: OwnerSame,
			Needs:  []Need{NeedResult, NeedNote},
			Guards: []Guard{owned, isTask("home_check"), resultGiven, noteAlways},
		},
		{
			// Ends a check task; of a planned task it is the spot check (抽查).
			Key: "check", Permission: "case.check", From: []State{Open, Taken, Doing, Done}, To: []State{Closed, Doing}, Owner: OwnerHandler,
			Reasons: catalog.ReasonRework, Needs: []Need{NeedResult},
			Guards: []Guard{checkOwned, checkable, resultGiven, notHandler, failReasoned, failNoted},
			Pick: func(f Facts) State {
				if f.Case.State == Done && f.Given.Result == Fail {
					return Doing
				}
				return Closed
			},
		},
		{
			// Asked to co-operate (协办), a unit agrees or refuses with a reason,
			// and reports what it did.
			Key: "cooperate_answer", Permission: "case.cooperate_answer", From: []State{Open, Taken, Doing}, To: []State{Doing, Closed}, Owner: OwnerSame,
			Reasons: catalog.ReasonCooperateRefuse, Needs: []Need{NeedResult, NeedNote},
			Guards: []Guard{ofUnit, isTask(TaskCooperate), answered, helpRefused, leaderAgrees, helpNoted},
			Pick: func(f Facts) State {
				if f.Case.State != Doing && f.Given.Result == Pass {
					return Doing
				}
				return Closed
			},
		},
		{
			// What the supervised post answers (督办回复).
			Key: "supervise_answer", Permission: "case.supervise_answer", From: []State{Open, Taken}, To: []State{Closed}, Owner: OwnerSame,
			Needs:  []Need{NeedNote},
			Guards: []Guard{owned, isTask(TaskSupervise), noteAlways},
		},
		{
			// Handed to the next suitable post or desk.
			Key: "return", Permission: "case.return", From: []State{Open, Taken, Doing}, To: []State{Open}, Owner: OwnerNext,
			Reasons: catalog.ReasonReturn, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{owned, movable, reasoned(catalog.ReasonReturn), noted, reasonLeft},
		},
		{
			Key: "suspend_ask", Permission: "case.suspend_ask", From: []State{Doing}, Owner: OwnerSame,
			Reasons: catalog.ReasonSuspend, Needs: []Need{NeedReason, NeedNote, NeedUntil},
			Guards: []Guard{owned, planned, nothingAsked, reasoned(catalog.ReasonSuspend), noted, reasonLeft, untilDate},
		},
		{
			Key: "suspend_decide", Permission: "case.suspend_decide", From: []State{Doing}, To: []State{Suspended, Doing}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{suspendAsked, resultGiven, notAsker, stillAhead},
			Pick: func(f Facts) State {
				if f.Given.Result == Pass {
					return Suspended
				}
				return f.Case.State
			},
		},
		{
			Key: "resume", Permission: "case.resume", From: []State{Suspended}, To: []State{Doing}, Owner: OwnerHandler,
		},
		{
			Key: "withdraw", Permission: "case.withdraw", From: []State{Open}, To: []State{Cancelled}, Owner: OwnerSame,
			Reasons: catalog.ReasonWithdraw, Needs: []Need{NeedReason},
			Guards: []Guard{planned, ownReport, reasoned(catalog.ReasonWithdraw), reasonFits, noted},
		},
		{
			Key: "void_ask", Permission: "case.void_ask", From: []State{Open, Taken, Doing, Suspended, Done}, Owner: OwnerSame,
			Reasons: catalog.ReasonVoid, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{planned, nothingAsked, reasoned(catalog.ReasonVoid), noted},
		},
		{
			Key: "void_decide", Permission: "case.void_decide", From: []State{Open, Taken, Doing, Suspended, Done}, To: []State{Cancelled}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{voidAsked, resultGiven, notAsker},
			Pick:   voided(Cancelled),
		},
		{
			// The parent went on without it.
			Key: "cancel", From: []State{Open, Taken, Doing, Suspended, Done}, To: []State{Cancelled}, Owner: OwnerSame,
			Guards: []Guard{systemOnly},
		},
		{
			// Nobody took a planned task before it was due.
			Key: "miss", From: []State{Open}, To: []State{Missed}, Owner: OwnerSame,
			Guards: []Guard{systemOnly, planned},
		},
	},
}

// finishing says whether a "do" ends the task: what is being done ends with
// it, and what was not begun yet ends in one step when a result comes along.
func finishing(f Facts) bool { return f.Case.State == Doing || f.Given.Result != "" }
