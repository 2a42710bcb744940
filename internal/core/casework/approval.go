package casework

import "onegrid/internal/core/catalog"

// approval is the flow of something applied for, reviewed and given (审批流程).
// Who reviewed does not approve, who approved does not give, who filled it in
// for somebody does not review. (DESIGN.md section 6; data/defaults/stages.json,
// roles.json two_person_rules)
var approval = &Flow{
	Key: catalog.Approval,
	States: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised, Deciding, Approved, Handed,
		Declined, Appealed, Withdrawn, Voided},
	About: map[State]About{
		Submitted:    {Stage: "reported", Clock: ClockAccept},
		Correcting:   {Stage: "reported", Clock: clockPaused},
		Accepted:     {Stage: "accepted", Clock: ClockHandle},
		Reviewing:    {Stage: "assigned", Clock: ClockHandle},
		CheckingHome: {Stage: "in_hand", Clock: ClockHandle},
		Publicised:   {Stage: "in_hand", Clock: ClockPublicise},
		Deciding:     {Stage: "in_hand", Clock: ClockHandle},
		Approved:     {Stage: "done", Clock: ClockGive},
		Handed:       {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Declined:     {Stage: "closed", Clock: clockStopped, Shut: true},
		Appealed:     {Stage: "in_hand", Clock: ClockHandle},
		Withdrawn:    {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
		Voided:       {Stage: "closed", Clock: clockStopped, Shut: true, Final: true},
	},
	Moves: []Move{
		{
			// By the person concerned, or by staff who fill it in for him; then
			// apply.fill_for is asked too.
			Key: "report", Permission: "case.report", To: []State{Submitted}, Owner: OwnerIntake,
			Guards: []Guard{admitted, raisable, consented},
		},
		{
			// The papers are complete.
			Key: "accept", Permission: "case.accept", From: []State{Submitted}, To: []State{Accepted}, Owner: OwnerReviewer,
			Guards: []Guard{unclaimed},
		},
		{
			// Asks once for everything that is missing (补正). The clock stands
			// still until the answer.
			Key: "correct", Permission: "apply.correct", From: []State{Submitted, Accepted, Reviewing}, To: []State{Correcting}, Owner: OwnerSame,
			Reasons: catalog.ReasonCorrect, Needs: []Need{NeedReason, NeedResidentText},
			Guards: []Guard{owned, reasoned(catalog.ReasonCorrect), reasonLeft, residentTold},
		},
		{
			// The answer, by the applicant or by staff who take the papers in.
			Key: "submit", Permission: "apply.submit", From: []State{Correcting}, To: []State{Submitted, Accepted, Reviewing}, Owner: OwnerSame,
			Needs:  []Need{NeedNote},
			Guards: []Guard{noteAlways},
			Pick:   goesBack,
		},
		{
			// Nothing came in time: the post that asked decides what follows.
			Key: "lapse", From: []State{Correcting}, To: []State{Submitted, Accepted, Reviewing}, Owner: OwnerSame,
			Guards: []Guard{systemOnly},
			Pick:   goesBack,
		},
		{
			// Begins the review and, with a result, ends it: the opinion of the
			// first of two hands.
			Key: "review", Permission: "apply.review", From: []State{Accepted, Reviewing}, To: []State{Reviewing, Deciding}, Owner: OwnerDecider,
			Needs:  []Need{NeedResult, NeedNote},
			Guards: []Guard{owned, notReporter, begunReview, opinionNoted},
			Pick: func(f Facts) State {
				if f.Given.Result == "" || f.Given.Result == Pass && f.Posting {
					return Reviewing
				}
				return Deciding
			},
		},
		{
			// Sends somebody to the home (入户核实), and takes what was found.
			Key: "home_check", Permission: "apply.home_check", From: []State{Reviewing, CheckingHome}, To: []State{CheckingHome, Reviewing}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{owned, homeResult},
			Pick: func(f Facts) State {
				if f.Case.State == Reviewing {
					return CheckingHome
				}
				return Reviewing
			},
		},
		{
			// Posts the little that everybody may know (公示), and ends the
			// posting: without objection, or back to the review.
			Key: "publicise", Permission: "apply.publicise", From: []State{Reviewing, Publicised}, To: []State{Publicised, Deciding, Reviewing}, Owner: OwnerDecider,
			Needs:  []Need{NeedResult, NeedNote},
			Guards: []Guard{owned, recommended, noteAlways, postingResult, postingOver},
			Pick: func(f Facts) State {
				switch {
				case f.Case.State == Reviewing:
					return Publicised
				case f.Given.Result == Pass:
					return Deciding
				}
				return Reviewing
			},
		},
		{
			// Somebody objects to what is posted.
			Key: "object", Permission: "apply.object", From: []State{Publicised}, Owner: OwnerSame,
			Needs:  []Need{NeedNote},
			Guards: []Guard{noteAlways, objectionRoom},
		},
		{
			// The time is over and nobody objected.
			Key: "posting_ends", From: []State{Publicised}, To: []State{Deciding}, Owner: OwnerDecider,
			Guards: []Guard{systemOnly, postingOver, unopposed},
		},
		{
			Key: "approve", Permission: "apply.approve", From: []State{Deciding}, To: []State{Approved, Declined}, Owner: OwnerGiver,
			Reasons: catalog.ReasonDecline, Needs: []Need{NeedResult},
			Guards: []Guard{owned, nothingAsked, resultGiven, notReviewer, declineReasoned, failNoted},
			Pick:   decided,
		},
		{
			// Not ready to be decided: back to who reviewed it.
			Key: "return", Permission: "case.return", From: []State{Deciding}, To: []State{Reviewing}, Owner: OwnerHandler,
			Reasons: catalog.ReasonReturn, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{owned, reasoned(catalog.ReasonReturn), noted, reasonLeft},
		},
		{
			Key: "give", Permission: "apply.give", From: []State{Approved}, To: []State{Handed}, Owner: OwnerSame,
			Needs:  []Need{NeedRecord},
			Guards: []Guard{owned, nothingAsked, notDecider, evidence},
		},
		{
			// The applicant does not agree (申诉), in the term and once.
			Key: "appeal", Permission: "apply.appeal", From: []State{Declined}, To: []State{Appealed}, Owner: OwnerAppeal,
			Needs:  []Need{NeedNote},
			Guards: []Guard{inTerm, noteAlways, appealLeft},
		},
		{
			Key: "appeal_decide", Permission: "apply.appeal_decide", From: []State{Appealed}, To: []State{Approved, Declined}, Owner: OwnerGiver,
			Needs:  []Need{NeedResult, NeedNote},
			Guards: []Guard{owned, resultGiven, notReviewer, notDecider, noteAlways},
			Pick:   decided,
		},
		{
			Key: "withdraw", Permission: "case.withdraw", From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised, Deciding}, To: []State{Withdrawn}, Owner: OwnerSame,
			Reasons: catalog.ReasonWithdraw, Needs: []Need{NeedReason},
			Guards: []Guard{ownReport, reasoned(catalog.ReasonWithdraw), reasonFits, noted},
		},
		{
			Key: "void_ask", Permission: "case.void_ask", From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised, Deciding, Approved, Declined, Appealed}, Owner: OwnerSame,
			Reasons: catalog.ReasonVoid, Needs: []Need{NeedReason, NeedNote},
			Guards: []Guard{nothingAsked, reasoned(catalog.ReasonVoid), noted},
		},
		{
			Key: "void_decide", Permission: "case.void_decide", From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised, Deciding, Approved, Declined, Appealed}, To: []State{Voided, Withdrawn}, Owner: OwnerSame,
			Needs:  []Need{NeedResult},
			Guards: []Guard{voidAsked, resultGiven, notAsker},
			Pick:   voided(Voided),
		},
	},
}

// decided leads an application to what was decided on it.
func decided(f Facts) State {
	if f.Given.Result == Pass {
		return Approved
	}
	return Declined
}

// goesBack leads an application that waited for papers to where it was.
func goesBack(f Facts) State {
	if f.Case.Hold != nil && f.Case.Hold.Back != "" {
		return f.Case.Hold.Back
	}
	return Submitted
}
