package casework

import (
	"slices"
	"strings"

	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// What a guard answers.
var (
	ErrNotAdmitted   = fault.New(fault.Conflict, "case.not_admitted")
	ErrNotRaisable   = fault.New(fault.Invalid, "case.not_raisable")
	ErrClaimed       = fault.New(fault.Conflict, "case.claimed")
	ErrNotFailed     = fault.New(fault.Conflict, "case.verify_not_failed")
	ErrNoVerify      = fault.New(fault.Conflict, "case.no_verify_open")
	ErrNoCheck       = fault.New(fault.Conflict, "case.no_check_open")
	ErrResultNeeded  = fault.New(fault.Invalid, "case.result_needed")
	ErrSameHand      = fault.New(fault.Forbidden, "case.same_hand")
	ErrReasonNeeded  = fault.New(fault.Invalid, "case.reason_needed")
	ErrReasonUnknown = fault.New(fault.Invalid, "case.reason_unknown")
	ErrReasonWrong   = fault.New(fault.Invalid, "case.reason_wrong")
	ErrReasonSpent   = fault.New(fault.Conflict, "case.reason_spent")
	ErrNoteNeeded    = fault.New(fault.Invalid, "case.note_needed")
	ErrVerifyOpen    = fault.New(fault.Conflict, "case.verify_first")
	ErrVerifyFailed  = fault.New(fault.Conflict, "case.verify_failed")
	ErrNotConfirmed  = fault.New(fault.Conflict, "case.not_unconfirmed")
	ErrNotOnSpot     = fault.New(fault.Conflict, "case.not_on_spot")
	ErrEvidence      = fault.New(fault.Conflict, "case.evidence_missing")
	ErrPostNeeded    = fault.New(fault.Invalid, "case.post_needed")
	ErrPostUnknown   = fault.New(fault.Invalid, "case.post_unknown")
	ErrPostCannot    = fault.New(fault.Invalid, "case.post_cannot")
	ErrPostElsewhere = fault.New(fault.Invalid, "case.post_elsewhere")
	ErrNotOwner      = fault.New(fault.Forbidden, "case.not_owner")
	ErrNoSender      = fault.New(fault.Conflict, "case.no_sender")
	ErrNotSender     = fault.New(fault.Forbidden, "case.not_sender")
	ErrNotReporter   = fault.New(fault.Forbidden, "case.not_reporter")
	ErrAsked         = fault.New(fault.Conflict, "case.already_asked")
	ErrNotAsked      = fault.New(fault.Conflict, "case.nothing_asked")
	ErrUntilNeeded   = fault.New(fault.Invalid, "case.until_needed")
	ErrUntilPast     = fault.New(fault.Invalid, "case.until_past")
	ErrUntilFar      = fault.New(fault.Invalid, "case.until_too_far")
	ErrNotChecked    = fault.New(fault.Conflict, "case.check_first")
	ErrTermOver      = fault.New(fault.Conflict, "case.term_over")
	ErrObjected      = fault.New(fault.Conflict, "case.objected_enough")
	ErrRated         = fault.New(fault.Conflict, "case.rated")
	ErrScore         = fault.New(fault.Invalid, "case.score")
	ErrWrongTask     = fault.New(fault.Conflict, "case.wrong_task")
	ErrSystemOnly    = fault.New(fault.Forbidden, "case.system_only")
)

// maxObjections is how often a reporter may object to one case; the reason
// "not fixed" of the defaults allows the same. (data/defaults/reasons.json)
const maxObjections = 2

// refuse makes a guard of a condition under which the move is refused.
func refuse(name string, err error, when func(Facts) bool) Guard {
	return Guard{Name: name, Check: func(f Facts) error {
		if when(f) {
			return err
		}
		return nil
	}}
}

var (
	// What is not admitted must not be handed to grid staff. (notes/domain.md 2b)
	admitted = refuse("admitted", ErrNotAdmitted, func(f Facts) bool { return !f.Item.Admitted(f.Now) })

	// The register says who may raise an item.
	raisable = refuse("raisable", ErrNotRaisable, func(f Facts) bool { return !f.Item.MayRaise(f.Given.Source) })

	// Two acceptors, one case: a claim is a lock of ten minutes. (DESIGN.md section 6)
	unclaimed = refuse("unclaimed", ErrClaimed, func(f Facts) bool { return f.Hand.Shut })

	// Only a failed verification is asked for once more.
	askedAgain = refuse("asked_again", ErrNotFailed, func(f Facts) bool {
		return f.Case.State == Accepted && f.Case.Verify != Fail
	})

	verifyOpen = refuse("verify_open", ErrNoVerify, func(f Facts) bool { return f.Case.Verify != Waiting })

	checkOpen = refuse("check_open", ErrNoCheck, func(f Facts) bool { return f.Case.Check != Waiting })

	resultGiven = refuse("result_given", ErrResultNeeded, func(f Facts) bool {
		return f.Given.Result != Pass && f.Given.Result != Fail
	})

	// The reporter never verifies. (data/defaults/roles.json, two_person_rules)
	notReporter = refuse("not_reporter", ErrSameHand, func(f Facts) bool { return f.Hand.Reporter })

	// The handler never checks, nor whoever settled it. (as above)
	notHandler = refuse("not_handler", ErrSameHand, func(f Facts) bool { return f.Hand.Handled })

	// Who asks does not decide. (as above)
	notAsker = refuse("not_asker", ErrSameHand, func(f Facts) bool { return f.Hand.Asked })

	// A failure is explained to whoever must act on it.
	failNoted = refuse("fail_noted", ErrNoteNeeded, func(f Facts) bool {
		return f.Given.Result == Fail && blank(f.Given.Note)
	})

	// Where the resident's own confirmation is the check, the desk writes down
	// how it was given.
	residentAsked = refuse("resident_asked", ErrNoteNeeded, func(f Facts) bool {
		return f.ByResident && !f.Hand.Reporter && blank(f.Given.Note)
	})

	// A reason of rework may be given with a failed check, and then must fit.
	failReasoned = Guard{Name: "fail_reasoned", Check: func(f Facts) error {
		if !f.ReasonSent || f.Given.Result != Fail {
			return nil
		}
		return fitting(f, catalog.ReasonRework)
	}}

	// The note is as needed as the reason says.
	noted = refuse("noted", ErrNoteNeeded, func(f Facts) bool { return f.Reason.NeedsNote && blank(f.Given.Note) })

	noteAlways = refuse("note_always", ErrNoteNeeded, func(f Facts) bool { return blank(f.Given.Note) })

	// Some reasons serve a case only so many times.
	reasonLeft = refuse("reason_left", ErrReasonSpent, func(f Facts) bool {
		return f.Reason.Effect.MaxTimes > 0 && f.Case.Used[f.Reason.Key] >= f.Reason.Effect.MaxTimes
	})

	// "Could not be confirmed" needs somebody who went to look.
	notConfirmed = refuse("not_confirmed", ErrNotConfirmed, func(f Facts) bool {
		return f.Reason.Key == "refuse_not_confirmed" && f.Case.Verify != Fail
	})

	// Verified before filed, where the item demands it.
	verified = Guard{Name: "verified", Check: func(f Facts) error {
		switch {
		case f.Case.Verify == Fail:
			return ErrVerifyFailed
		case f.Verify && f.Case.Verify != Pass:
			return ErrVerifyOpen
		}
		return nil
	}}

	onSpot = refuse("on_spot", ErrNotOnSpot, func(f Facts) bool { return !f.Item.MaySettleOnSpot })

	// What closing needs is there, as far as the handler brings it.
	evidence = Guard{Name: "evidence", Check: func(f Facts) error {
		if missing := f.missing(); len(missing) > 0 {
			return lacks(missing)
		}
		return nil
	}}

	taskEvidence = Guard{Name: "task_evidence", Check: func(f Facts) error {
		if missing := f.missing(); finishing(f) && len(missing) > 0 {
			return lacks(missing)
		}
		return nil
	}}

	// A case is sent to a post that can do something with it.
	targeted = Guard{Name: "targeted", Check: func(f Facts) error {
		switch {
		case !f.Target.Found:
			return ErrPostNeeded
		case !f.Target.Takes && (!f.Target.Dispatches || f.Target.Self):
			return ErrPostCannot
		}
		return nil
	}}

	// Only the post that must act now, or who stands in for it.
	owned = refuse("owned", ErrNotOwner, func(f Facts) bool { return !f.Hand.Owner })

	hasSender = refuse("has_sender", ErrNoSender, func(f Facts) bool { return f.Senders == 0 })

	// A dispatch is withdrawn by its sender, a report by its reporter.
	withdrawable = Guard{Name: "withdrawable", Check: func(f Facts) error {
		sent := f.Case.State == Dispatched || f.Case.State == Taken
		switch {
		case sent && !f.Hand.Sender:
			return ErrNotSender
		case !sent && !f.Hand.Reporter:
			return ErrNotReporter
		case !sent && f.Senders > 0:
			// A desk has already sent it on, or a unit sent it back: work has
			// been done on it.
			return ErrWrongState.With("state", string(f.Case.State), "move", "withdraw")
		}
		return nil
	}}

	// The reason leads where the move leads.
	reasonFits = Guard{Name: "reason_fits", Check: func(f Facts) error {
		sent := f.Case.State == Dispatched || f.Case.State == Taken
		if sent != (f.Reason.Effect.State == string(Filed)) {
			return ErrReasonWrong.With("reason", f.Reason.Key)
		}
		return nil
	}}

	ownReport = refuse("own_report", ErrNotReporter, func(f Facts) bool { return !f.Hand.Reporter })

	nothingAsked = refuse("nothing_asked", ErrAsked, func(f Facts) bool { return f.Case.Ask != nil })

	voidNotAsked = refuse("void_not_asked", ErrAsked, func(f Facts) bool {
		return f.Case.Ask != nil && f.Case.Ask.Kind == AskVoid
	})

	suspendAsked = refuse("suspend_asked", ErrNotAsked, func(f Facts) bool {
		return f.Case.Ask == nil || f.Case.Ask.Kind != AskSuspend
	})

	voidAsked = refuse("void_asked", ErrNotAsked, func(f Facts) bool {
		return f.Case.Ask == nil || f.Case.Ask.Kind != AskVoid
	})

	// A suspension has an end: in the future, and no later than its reason allows.
	untilDate = Guard{Name: "until_date", Check: func(f Facts) error {
		switch {
		case f.Given.Until.IsZero():
			return ErrUntilNeeded
		case !f.Given.Until.After(f.Now):
			return ErrUntilPast
		case !f.UntilMax.IsZero() && f.Given.Until.After(f.UntilMax):
			return ErrUntilFar.With("latest", f.UntilMax)
		}
		return nil
	}}

	// A request that was left lying until its own date has no use any more.
	stillAhead = refuse("still_ahead", ErrUntilPast, func(f Facts) bool {
		return f.Given.Result == Pass && f.Case.Ask != nil && !f.Case.Ask.Until.After(f.Now)
	})

	// Checked before closed, where the item demands it.
	checked = refuse("checked", ErrNotChecked, func(f Facts) bool { return f.Check && f.Case.Check != Pass })

	inTerm = refuse("in_term", ErrTermOver, func(f Facts) bool { return !f.InTerm })

	objectionLeft = refuse("objection_left", ErrObjected, func(f Facts) bool {
		return f.Case.Used[objectionKey] >= maxObjections
	})

	unrated = refuse("unrated", ErrRated, func(f Facts) bool { return f.Case.Rating != nil })

	scored = refuse("scored", ErrScore, func(f Facts) bool { return f.Given.Score < 1 || f.Given.Score > 5 })

	// A verification or check ends by its own move, with a result.
	planned = refuse("planned", ErrWrongTask, func(f Facts) bool { return f.Case.Task != "" })

	// A check task in work, or a planned task that is done.
	checkable = refuse("checkable", ErrWrongTask, func(f Facts) bool {
		return (f.Case.Task == "check") == (f.Case.State == Done)
	})

	// A check task belongs to its post; a spot check to any that may check.
	checkOwned = refuse("check_owned", ErrNotOwner, func(f Facts) bool {
		return f.Case.Task == "check" && !f.Hand.Owner
	})

	systemOnly = refuse("system_only", ErrSystemOnly, func(f Facts) bool { return !f.Hand.System })
)

// objectionKey counts objections among the used reasons.
const objectionKey = "object"

// reasoned demands a reason of a kind.
func reasoned(kind string) Guard {
	return Guard{Name: "reasoned", Check: func(f Facts) error {
		if !f.ReasonSent {
			return ErrReasonNeeded
		}
		return fitting(f, kind)
	}}
}

func fitting(f Facts, kind string) error {
	switch {
	case f.Reason.Key == "":
		return ErrReasonUnknown
	case f.Reason.Kind != kind:
		return ErrReasonWrong.With("reason", f.Reason.Key)
	}
	return nil
}

// isTask demands a task of a kind.
func isTask(kind string) Guard {
	return refuse("task_kind", ErrWrongTask, func(f Facts) bool { return f.Case.Task != kind })
}

// missing lists the evidence that closing needs and the case has not. What the
// reporter or the resident brings is asked for but never blocks the handler,
// who cannot make a photo of before; consent and signatures of the resident
// are taken by the handler and do block. What holds only sometimes ("when") is
// never demanded by the program. (data/defaults/items.json, evidence)
//
// The evidence of an imported case lies in the system it came from.
func (f Facts) missing() []string {
	if f.Imported {
		return nil
	}
	var out []string
	for _, e := range f.Item.Evidence {
		if e.When != "" || e.By == "reporter" {
			continue
		}
		if f.Have[e.Kind] < e.Min && !slices.Contains(out, e.Kind) {
			out = append(out, e.Kind)
		}
	}
	return out
}

// evidenceNames name evidence in a sentence.
var evidenceNames = map[string]words.Text{
	"photo_before":  {Chinese: "处置前照片", English: "photo of before"},
	"photo_after":   {Chinese: "处置后照片", English: "photo of after"},
	"record":        {Chinese: "文字记录", English: "written record"},
	"reply":         {Chinese: "给居民的答复", English: "reply to the resident"},
	"signature":     {Chinese: "本人签字", English: "signature"},
	"consent":       {Chinese: "本人同意", English: "consent"},
	"measurement":   {Chinese: "测量值", English: "measurement"},
	"track_summary": {Chinese: "巡查汇总", English: "patrol summary"},
}

// lacks names the evidence that is missing, for people and by its keys.
func lacks(missing []string) error {
	var zh, en []string
	for _, k := range missing {
		zh, en = append(zh, evidenceNames[k].Chinese), append(en, evidenceNames[k].English)
	}
	return ErrEvidence.With("missing", words.Text{Chinese: strings.Join(zh, "、"), English: strings.Join(en, ", ")}, "kinds", missing)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
