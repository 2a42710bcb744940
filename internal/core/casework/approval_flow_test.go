package casework

import "onegrid/internal/core/catalog"

// fitsApproval is the part of fits for the approval flow.
func fitsApproval(f *Facts, move string, from State, why func(kind, key, state string)) {
	f.Item.Consent, f.Given.Consent = catalog.Consent{Kind: "separate"}, true
	f.Given.ResidentText = "请补收入证明"
	switch move {
	case "correct":
		why(catalog.ReasonCorrect, "correct_papers", "correcting")
	case "submit", "lapse":
		f.Case.Hold = &Hold{Back: Accepted}
	case "home_check":
		f.Case.Verify = NotAsked
		if from == CheckingHome {
			f.Case.Verify = Waiting
		}
	case "publicise", "posting_ends":
		f.Posting, f.PostingOver, f.Case.Opinion = true, true, Pass
		if from == Publicised {
			f.Case.Posting = &Posting{Text: "演示公示"}
		}
	case "object":
		f.Hand.Reporter, f.Case.Posting = false, &Posting{Text: "演示公示"}
	case "approve":
		why(catalog.ReasonDecline, "decline_rule", "declined")
	case "appeal":
		f.InTerm = true
	}
	if move == "lapse" || move == "posting_ends" {
		f.Hand = Hand{System: true}
	}
}

func approvalRefusals() []refusal {
	a := approval
	stranger := func(f *Facts) { f.Hand.Owner = false }
	noNote := func(f *Facts) { f.Given.Note = " " }
	noResult := func(f *Facts) { f.Given.Result = "" }
	noReason := func(f *Facts) { f.ReasonSent, f.Reason = false, catalog.Reason{} }
	spent := func(f *Facts) { f.Case.Used = map[string]int{f.Reason.Key: 2} }
	asked := func(f *Facts) { f.Case.Ask = &Ask{Kind: AskVoid} }
	reviewed := func(f *Facts) { f.Hand.Reviewed = true }
	decided := func(f *Facts) { f.Hand.Decided = true }
	person := func(f *Facts) { f.Hand.System = false }
	declined := func(f *Facts) { f.Given.Result = Fail }
	return []refusal{
		{a, "report", "", "item withdrawn from the register", func(f *Facts) { f.Item.Admission.Status = catalog.StatusEnded }, ErrNotAdmitted},
		{a, "report", "", "sensors may not raise it", func(f *Facts) { f.Given.Source = catalog.FromSensor }, ErrNotRaisable},
		{a, "report", "", "nobody has agreed", func(f *Facts) { f.Given.Consent = false }, ErrConsent},
		{a, "accept", Submitted, "another desk has claimed it", func(f *Facts) { f.Hand.Shut = true }, ErrClaimed},
		{a, "correct", Submitted, "not this post's", stranger, ErrNotOwner},
		{a, "correct", Accepted, "no reason", noReason, ErrReasonNeeded},
		{a, "correct", Reviewing, "asked for as often as allowed", spent, ErrReasonSpent},
		{a, "correct", Submitted, "the resident is not told what", func(f *Facts) { f.Given.ResidentText = " " }, ErrResidentText},
		{a, "submit", Correcting, "nothing comes in", noNote, ErrNoteNeeded},
		{a, "lapse", Correcting, "a person says the time is over", person, ErrSystemOnly},
		{a, "review", Accepted, "not this post's", stranger, ErrNotOwner},
		{a, "review", Reviewing, "who filled it in reviews it", func(f *Facts) { f.Hand.Reporter = true }, ErrSameHand},
		{a, "review", Reviewing, "begun already", noResult, ErrReviewBegun},
		{a, "review", Reviewing, "an opinion without a word", noNote, ErrNoteNeeded},
		{a, "home_check", Reviewing, "not this post's", stranger, ErrNotOwner},
		{a, "home_check", CheckingHome, "nobody was asked", func(f *Facts) { f.Case.Verify = NotAsked }, ErrNoVerify},
		{a, "home_check", CheckingHome, "no result", noResult, ErrResultNeeded},
		{a, "home_check", CheckingHome, "no word of what was seen", noNote, ErrNoteNeeded},
		{a, "publicise", Reviewing, "not this post's", stranger, ErrNotOwner},
		{a, "publicise", Reviewing, "not recommended", func(f *Facts) { f.Case.Opinion = Fail }, ErrNotReviewed},
		{a, "publicise", Reviewing, "the item is not posted", func(f *Facts) { f.Posting = false }, ErrNotReviewed},
		{a, "publicise", Reviewing, "nothing to post", noNote, ErrNoteNeeded},
		{a, "publicise", Publicised, "no result", noResult, ErrResultNeeded},
		{a, "publicise", Publicised, "before its time", func(f *Facts) { f.PostingOver = false }, ErrPostingRuns},
		{a, "object", Publicised, "no word", noNote, ErrNoteNeeded},
		{a, "object", Publicised, "a flood of objections", func(f *Facts) { f.Case.Posting.Objections = maxPostingObjections }, ErrObjectionFull},
		{a, "posting_ends", Publicised, "a person says so", person, ErrSystemOnly},
		{a, "posting_ends", Publicised, "before its time", func(f *Facts) { f.PostingOver = false }, ErrPostingRuns},
		{a, "posting_ends", Publicised, "somebody objected", func(f *Facts) { f.Case.Posting.Objections = 1 }, ErrOpposed},
		{a, "approve", Deciding, "not this post's", stranger, ErrNotOwner},
		{a, "approve", Deciding, "voiding is being decided", asked, ErrAsked},
		{a, "approve", Deciding, "no result", noResult, ErrResultNeeded},
		{a, "approve", Deciding, "who reviewed approves", reviewed, ErrSameHand},
		{a, "approve", Deciding, "declined without a reason", func(f *Facts) { declined(f); noReason(f) }, ErrReasonNeeded},
		{a, "approve", Deciding, "declined without a word", func(f *Facts) { declined(f); noNote(f) }, ErrNoteNeeded},
		{a, "return", Deciding, "not this post's", stranger, ErrNotOwner},
		{a, "return", Deciding, "no reason", noReason, ErrReasonNeeded},
		{a, "return", Deciding, "no note", noNote, ErrNoteNeeded},
		{a, "return", Deciding, "the reason served twice", spent, ErrReasonSpent},
		{a, "give", Approved, "not this post's", stranger, ErrNotOwner},
		{a, "give", Approved, "voiding is being decided", asked, ErrAsked},
		{a, "give", Approved, "who approved gives", decided, ErrSameHand},
		{a, "give", Approved, "nothing signed", func(f *Facts) { f.Have = nil }, ErrEvidence},
		{a, "appeal", Declined, "the term is over", func(f *Facts) { f.InTerm = false }, ErrTermOver},
		{a, "appeal", Declined, "no word", noNote, ErrNoteNeeded},
		{a, "appeal", Declined, "appealed before", func(f *Facts) { f.Case.Used = map[string]int{appealKey: 1} }, ErrAppealed},
		{a, "appeal_decide", Appealed, "not this post's", stranger, ErrNotOwner},
		{a, "appeal_decide", Appealed, "no result", noResult, ErrResultNeeded},
		{a, "appeal_decide", Appealed, "who reviewed hears the appeal", reviewed, ErrSameHand},
		{a, "appeal_decide", Appealed, "who decided hears the appeal", decided, ErrSameHand},
		{a, "appeal_decide", Appealed, "no word", noNote, ErrNoteNeeded},
		{a, "withdraw", Reviewing, "applied for by another", func(f *Facts) { f.Hand.Reporter = false }, ErrNotReporter},
		{a, "withdraw", Reviewing, "no reason", noReason, ErrReasonNeeded},
		{a, "withdraw", Reviewing, "a reason for a dispatch", func(f *Facts) { f.Reason.Effect.State = "filed" }, ErrReasonWrong},
		{a, "withdraw", Submitted, "no note", noNote, ErrNoteNeeded},
		{a, "void_ask", Reviewing, "asked already", asked, ErrAsked},
		{a, "void_ask", Reviewing, "no reason", noReason, ErrReasonNeeded},
		{a, "void_ask", Reviewing, "no note", noNote, ErrNoteNeeded},
		{a, "void_decide", Deciding, "nobody asked", func(f *Facts) { f.Case.Ask = nil }, ErrNotAsked},
		{a, "void_decide", Deciding, "no result", noResult, ErrResultNeeded},
		{a, "void_decide", Deciding, "who asked decides", func(f *Facts) { f.Hand.Asked = true }, ErrSameHand},

		{task, "home_check", Open, "not this post's", stranger, ErrNotOwner},
		{task, "home_check", Open, "a planned task", func(f *Facts) { f.Case.Task = "" }, ErrWrongTask},
		{task, "home_check", Taken, "no result", noResult, ErrResultNeeded},
		{task, "home_check", Taken, "no word", noNote, ErrNoteNeeded},
	}
}
