package casework

import "onegrid/internal/core/catalog"

// handling is the flow of something to be fixed or answered (处置流程).
// (DESIGN.md section 6, notes/domain.md 2c and 3)
var handling = &Flow{
	Key:    catalog.Handling,
	States: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done, Closed, Refused, Withdrawn, Voided, Merged},
	About: map[State]About{
		Reported:   {Stage: "reported", Clock: ClockAccept},
		Accepted:   {Stage: "accepted", Clock: ClockVerify},
		Filed:      {Stage: "accepted", Clock: ClockDispatch},
		Dispatched: {Stage: "assigned", Clock: ClockHandle},
		Taken:      {Stage: "assigned", Clock: ClockHandle},
		Handling:   {Stage: "in_hand", Clock: ClockHandle},
		Suspended:  {Stage: "in_hand", Clock: clockPaused},
		Done:       {Stage: "done", Clock: ClockCheck},
		Closed:     {Stage: "closed", Clock: clockStopped, Shut: true},
		Refused:    {Stage: "closed", Clock: clockStopped, Shut: true},
		Withdrawn:  {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Voided:     {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Merged:     {Stage: "closed", Clock: clockStopped, Shut: true},
	},
	Moves: []Move{
		{
			Key: "report", Permission: "case.report", To: []State{Reported}, Owner: OwnerIntake,
			Guards: []Guard{admitted, raisable},
		},
		{
			// Again in accepted: after a failed verification somebody is asked
			// once more.
			Key: "accept", Permission: "case.accept", From: []State{Reported, Accepted}, To: []State{Accepted}, Owner: OwnerIntake,
			Guards: []Guard{unclaimed, askedAgain},
		},
		{
			// Looks before filing (核实): the verify task's own act, or the desk's
			// when it has been told the outcome.
			Key: "verify", Permission: "case.verify", From: []State{Accepted}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{verifyOpen, resultGiven, notReporter, failNoted},
		},
		{
			Key: "refuse", Permission: "case.refuse", From: []State{Reported, Accepted}, To: []State{Refused}, Owner: OwnerSame,
			Reasons: catalog.ReasonRefuse, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{unclaimed, reasoned(catalog.ReasonRefuse), noted, notConfirmed},
		},
		{
			// Settled on the spot in the grid (就地解决): one act, its check stays.
			Key: "settle", Permission: "case.settle", From: []State{Reported}, To: []State{Done}, Owner: OwnerChecker,
			Needs:  []Need{NeedRecord},
			Guards: []Guard{unclaimed, onSpot, evidence},
		},
		{
			Key: "file", Permission: "case.file", From: []State{Accepted}, To: []State{Filed}, Owner: OwnerFiler,
			Guards: []Guard{unclaimed, verified},
		},
		{
			// To a post that takes cases, or to a desk that dispatches onwards.
			Key: "dispatch", Permission: "case.dispatch", From: []State{Filed}, To: []State{Dispatched, Filed}, Owner: OwnerTarget,
			Needs:  []Need{NeedPost},
			Guards: []Guard{unclaimed, targeted},
			Pick: func(f Facts) State {
				if f.Target.Takes {
					return Dispatched
				}
				return Filed
			},
		},
		{
			Key: "take", Permission: "case.take", From: []State{Dispatched}, To: []State{Taken}, Owner: OwnerSame,
			Guards: []Guard{owned},
		},
		{
			Key: "handle", Permission: "case.handle", From: []State{Taken}, To: []State{Handling}, Owner: OwnerSame,
			Guards: []Guard{owned},
		},
		{
			Key: "done", Permission: "case.done", From: []State{Handling}, To: []State{Done}, Owner: OwnerChecker,
			Needs:  []Need{NeedRecord},
			Guards: []Guard{owned, nothingAsked, evidence},
		},
		{
			// Back along the dispatches. Whoever receives it may only dispatch
			// anew or return it further. (notes/domain.md section 3)
			Key: "return", Permission: "case.return", From: []State{Filed, Dispatched, Taken, Handling}, To: []State{Filed}, Owner: OwnerSender,
			Reasons: catalog.ReasonReturn, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{owned, hasSender, reasoned(catalog.ReasonReturn), noted, reasonLeft},
		},
		{
			// The dispatcher takes a dispatch back, or the reporter the report.
			Key: "withdraw", Permission: "case.withdraw", From: []State{Reported, Accepted, Filed, Dispatched, Taken}, To: []State{Filed, Withdrawn}, Owner: OwnerSender,
			Reasons: catalog.ReasonWithdraw, Needs: []Need{NeedReason},
			Guards: []Guard{withdrawable, noneJoined, reasoned(catalog.ReasonWithdraw), reasonFits, noted},
			Pick: func(f Facts) State {
				if f.Case.State == Dispatched || f.Case.State == Taken {
					return Filed
				}
				return Withdrawn
			},
		},
		{
			Key: "suspend_ask", Permission: "case.suspend_ask", From: []State{Handling}, Owner: OwnerSame,
			Reasons: catalog.ReasonSuspend, Needs: []Need{NeedReason, NeedNote, NeedUntil},
			Guards: []Guard{owned, nothingAsked, reasoned(catalog.ReasonSuspend), noted, reasonLeft, untilDate},
		},
		{
			Key: "suspend_decide", Permission: "case.suspend_decide", From: []State{Handling}, To: []State{Suspended, Handling}, Owner: OwnerSame,
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
			// More time (延期), before the time is over.
			Key: "extend_ask", Permission: "case.extend_ask", From: []State{Taken, Handling}, Owner: OwnerSame,
			Reasons: catalog.ReasonExtend, Needs: []Need{NeedReason, NeedNote, NeedUnits},
			Guards: []Guard{owned, nothingAsked, extendable, reasoned(catalog.ReasonExtend), noted, reasonLeft, unitsGiven},
		},
		{
			Key: "extend_decide", Permission: "case.extend_decide", From: []State{Taken, Handling}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{extendAsked, resultGiven, notAsker},
		},
		{
			// Another unit helps (协办); the case stays where it is.
			Key: "cooperate_ask", Permission: "case.cooperate_ask", From: []State{Taken, Handling}, Owner: OwnerSame,
			Needs:  []Need{NeedPost, NeedNote},
			Guards: []Guard{owned, helpful, helpRoom, noteAlways},
		},
		{
			// Presses the owner for an answer (督办).
			Key: "supervise", Permission: "case.supervise", From: []State{Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done}, Owner: OwnerSame,
			Reasons: catalog.ReasonSupervise, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{notOwn, unsupervised, reasoned(catalog.ReasonSupervise), noted},
		},
		{
			// Raised to the next level (上报): it takes the case over, or is told.
			Key: "escalate", Permission: "case.escalate", From: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling}, To: []State{Filed}, Owner: OwnerSame,
			Reasons: catalog.ReasonEscalate, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{owned, upThere, reasoned(catalog.ReasonEscalate), noted},
			Pick: func(f Facts) State {
				if f.Reason.Effect.Owner == "next_level" && f.Case.State != Reported && f.Case.State != Accepted {
					return Filed
				}
				return f.Case.State
			},
		},
		{
			Key: "resume", Permission: "case.resume", From: []State{Suspended}, To: []State{Handling}, Owner: OwnerHandler,
		},
		{
			// Looks before closing (核查). A failed check is rework: the same
			// post, the same due time.
			Key: "check", Permission: "case.check", From: []State{Done}, To: []State{Done, Handling}, Owner: OwnerChecker,
			Reasons: catalog.ReasonRework, Needs: []Need{NeedResult},
			Guards: []Guard{checkOpen, resultGiven, notHandler, failReasoned, failNoted, residentAsked},
			Pick: func(f Facts) State {
				if f.Given.Result == Fail {
					return Handling
				}
				return Done
			},
		},
		{
			Key: "close", Permission: "case.close", From: []State{Done}, To: []State{Closed}, Owner: OwnerSame,
			Guards: []Guard{unclaimed, checked, voidNotAsked},
		},
		{
			Key: "reopen", Permission: "case.reopen", From: []State{Closed, Refused}, To: []State{Filed, Reported}, Owner: OwnerFiler,
			Reasons: catalog.ReasonReopen, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{inTerm, reasoned(catalog.ReasonReopen), noted, reasonLeft},
			Pick:   reopened,
		},
		{
			// The reporter says that it is not solved, or objects to a refusal.
			Key: "object", Permission: "case.object", From: []State{Closed, Refused}, To: []State{Filed, Reported}, Owner: OwnerFiler,
			Needs:  []Need{NeedNote},
			Guards: []Guard{ownReport, inTerm, noteAlways, objectionLeft},
			Pick:   reopened,
		},
		{
			// A fact on a closed case, once, not a state.
			Key: "rate", Permission: "case.rate", From: []State{Closed, Merged}, Owner: OwnerSame,
			Needs:  []Need{NeedScore},
			Guards: []Guard{ownReport, mainClosed, unrated, scored, inTerm},
		},
		{
			Key: "void_ask", Permission: "case.void_ask", From: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done, Closed, Refused}, Owner: OwnerSame,
			Reasons: catalog.ReasonVoid, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{nothingAsked, noneJoinedVoid, reasoned(catalog.ReasonVoid), noted},
		},
		{
			Key: "void_decide", Permission: "case.void_decide", From: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done, Closed, Refused}, To: []State{Voided, Withdrawn}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{voidAsked, resultGiven, notAsker, noneJoinedVoid},
			Pick:   voided(Voided),
		},
		{
			// The same matter as another case (合并重复); see merge.go.
			Key: "merge", Permission: "case.merge", From: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done}, To: []State{Merged}, Owner: OwnerSame,
			Reasons: catalog.ReasonMerge, Needs: []Need{NeedMain, NeedReason, NeedNote},
			Guards: []Guard{unclaimed, mainNamed, notItself, mainOpen, sameFlow, notWider, reasoned(catalog.ReasonMerge), mergeReason, noted},
		},
		{
			Key: "unmerge", Permission: "case.unmerge", From: []State{Merged}, To: []State{Reported, Filed}, Owner: OwnerFiler,
			Needs:  []Need{NeedNote},
			Guards: []Guard{mainOpen, noteAlways},
			Pick:   unmerged,
		},
	},
}

// reopened leads a closed case back to the desk that dispatches, and a refused
// one back to where it is judged anew: it was never verified or filed.
func reopened(f Facts) State {
	if f.Case.State == Refused {
		return Reported
	}
	return Filed
}

// voided leads to the state that the reason names, or stays when the request
// was declined.
func voided(to State) func(Facts) State {
	return func(f Facts) State {
		switch {
		case f.Given.Result != Pass:
			return f.Case.State
		case f.Case.Ask != nil && f.Case.Ask.State == string(Withdrawn) && to == Voided:
			return Withdrawn
		}
		return to
	}
}
