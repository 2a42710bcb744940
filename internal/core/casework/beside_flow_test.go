package casework

import (
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/id"
)

// fitsBeside is the part of fits for more time, co-operation, supervision and
// raising.
func fitsBeside(f *Facts, move string, why func(kind, key, state string)) {
	switch move {
	case "extend_ask":
		why(catalog.ReasonExtend, "extend_complex", "")
		f.Reason.Effect.MaxLength = &calendar.Limit{Clock: calendar.WorkingDay, Units: 5}
		f.Given.Units = 5
		f.Case.Clock = Clock{Kind: ClockHandle, Due: later}
	case "extend_decide":
		f.Case.Ask = &Ask{Kind: AskExtend}
	case "cooperate_ask":
		f.Target = Target{Found: true, Helps: true}
	case "cooperate_answer":
		f.Case.Task = TaskCooperate
		why(catalog.ReasonCooperateRefuse, "coop_refuse_duty", "")
	case "supervise":
		f.Hand = Hand{}
		why(catalog.ReasonSupervise, "supervise_overdue", "")
	case "supervise_answer":
		f.Case.Task = TaskSupervise
	case "escalate":
		f.Up = newTestID(9)
		why(catalog.ReasonEscalate, "escalate_no_power", "")
		f.Reason.Effect.Owner = "next_level"
	}
}

func besideRefusals() []refusal {
	h, k := handling, task
	stranger := func(f *Facts) { f.Hand.Owner = false }
	noNote := func(f *Facts) { f.Given.Note = " " }
	noReason := func(f *Facts) { f.ReasonSent, f.Reason = false, catalog.Reason{} }
	noResult := func(f *Facts) { f.Given.Result = "" }
	asked := func(f *Facts) { f.Case.Ask = &Ask{Kind: AskVoid} }
	refuses := func(f *Facts) { f.Given.Result = Fail }
	return []refusal{
		{h, "extend_ask", Handling, "not this post's", stranger, ErrNotOwner},
		{h, "extend_ask", Taken, "asked already", asked, ErrAsked},
		{h, "extend_ask", Handling, "it is late already", func(f *Facts) { f.Case.Clock.Due = noon.Add(-1) }, ErrNotExtendable},
		{h, "extend_ask", Handling, "the deadline came with it", func(f *Facts) { f.Case.Clock.Given = true }, ErrNotExtendable},
		{h, "extend_ask", Handling, "no reason", noReason, ErrReasonNeeded},
		{h, "extend_ask", Handling, "no note", noNote, ErrNoteNeeded},
		{h, "extend_ask", Handling, "the reason served twice", func(f *Facts) { f.Case.Used = map[string]int{f.Reason.Key: 2} }, ErrReasonSpent},
		{h, "extend_ask", Handling, "no amount", func(f *Facts) { f.Given.Units = 0 }, ErrUnitsNeeded},
		{h, "extend_ask", Handling, "more than the reason allows", func(f *Facts) { f.Given.Units = 6 }, ErrUnitsMany},
		{h, "extend_decide", Handling, "nobody asked", func(f *Facts) { f.Case.Ask = nil }, ErrNotAsked},
		{h, "extend_decide", Handling, "asked for something else", func(f *Facts) { f.Case.Ask.Kind = AskSuspend }, ErrNotAsked},
		{h, "extend_decide", Handling, "no result", noResult, ErrResultNeeded},
		{h, "extend_decide", Taken, "who asked decides", func(f *Facts) { f.Hand.Asked = true }, ErrSameHand},
		{h, "cooperate_ask", Handling, "not this post's", stranger, ErrNotOwner},
		{h, "cooperate_ask", Handling, "nobody is asked", func(f *Facts) { f.Target = Target{} }, ErrPostNeeded},
		{h, "cooperate_ask", Handling, "a post that cannot", func(f *Facts) { f.Target.Helps = false }, ErrCannotHelp},
		{h, "cooperate_ask", Handling, "the owner itself", func(f *Facts) { f.Target.Self = true }, ErrCannotHelp},
		{h, "cooperate_ask", Taken, "asked already", func(f *Facts) { f.Target.Asked = true }, ErrHelpsNow},
		{h, "cooperate_ask", Handling, "too many", func(f *Facts) { f.Case.Helpers = make([]id.ID, maxHelpers) }, ErrHelpersMany},
		{h, "cooperate_ask", Handling, "no word", noNote, ErrNoteNeeded},
		{h, "supervise", Handling, "one's own case", func(f *Facts) { f.Hand.Owner = true }, ErrOwnCase},
		{h, "supervise", Filed, "supervised already", func(f *Facts) { f.Supervised = true }, ErrSupervised},
		{h, "supervise", Handling, "no reason", noReason, ErrReasonNeeded},
		{h, "supervise", Done, "no note", noNote, ErrNoteNeeded},
		{h, "escalate", Handling, "not this post's", stranger, ErrNotOwner},
		{h, "escalate", Filed, "nobody above", func(f *Facts) { f.Up = id.ID{} }, ErrNoUp},
		{h, "escalate", Handling, "no reason", noReason, ErrReasonNeeded},
		{h, "escalate", Reported, "no note", noNote, ErrNoteNeeded},

		{k, "cooperate_answer", Open, "another unit's", stranger, ErrNotOwner},
		{k, "cooperate_answer", Open, "a planned task", func(f *Facts) { f.Case.Task = "" }, ErrWrongTask},
		{k, "cooperate_answer", Taken, "no result", noResult, ErrResultNeeded},
		{k, "cooperate_answer", Open, "refused without a reason", func(f *Facts) { refuses(f); noReason(f) }, ErrReasonNeeded},
		{k, "cooperate_answer", Open, "a reason that is the leader's", func(f *Facts) { refuses(f); f.Reason.Effect.Approval = "department_leader" }, ErrLeader},
		{k, "cooperate_answer", Open, "refused without a word", func(f *Facts) { refuses(f); noNote(f) }, ErrNoteNeeded},
		{k, "cooperate_answer", Doing, "no word of what was done", noNote, ErrNoteNeeded},
		{k, "supervise_answer", Open, "not this post's", stranger, ErrNotOwner},
		{k, "supervise_answer", Open, "a planned task", func(f *Facts) { f.Case.Task = "" }, ErrWrongTask},
		{k, "supervise_answer", Taken, "no word", noNote, ErrNoteNeeded},
		{k, "return", Open, "what is asked of one post", func(f *Facts) { f.Case.Task = TaskCooperate }, ErrWrongTask},
	}
}
