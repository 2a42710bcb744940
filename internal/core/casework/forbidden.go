package casework

import (
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/words"
)

// Forbid is one thing that must never be possible, written down apart from the
// tables of moves so that a change of a table cannot quietly allow it. Either
// some moves must not leave some states, or some states must not be reached
// from there without certain moves.
type Forbid struct {
	Flow    catalog.Flow
	From    []State
	Moves   []string // none of these
	Reaches []State  // none of these …
	Without []string // … unless one of these is taken
	Why     words.Text
}

// Forbidden is the list. (DESIGN.md section 6, notes/domain.md 2c and 3)
var Forbidden = []Forbid{
	{
		Flow: catalog.Handling, From: []State{Reported, Accepted, Filed}, Moves: []string{"take", "handle", "done", "check", "close"},
		Why: words.Text{Chinese: "没有派遣,就不能签收、处置、核查或结案。", English: "Nothing is taken, handled, checked or closed before it was dispatched."},
	},
	{
		Flow: catalog.Handling, From: []State{Reported}, Moves: []string{"file", "dispatch"},
		Why: words.Text{Chinese: "没有受理,就不能立案或派遣。", English: "Nothing is filed or dispatched before it was accepted."},
	},
	{
		Flow: catalog.Handling, From: []State{Filed}, Reaches: []State{Dispatched, Taken, Handling, Suspended, Done, Closed}, Without: []string{"dispatch", "reopen", "object", "unmerge"},
		Why: words.Text{Chinese: "收到退回的,只能重新派遣或继续退回,不能越过退回往前走。", English: "Whoever receives a return may only dispatch anew or return further; nothing later is reached otherwise."},
	},
	{
		Flow: catalog.Handling, From: []State{Reported, Accepted}, Reaches: []State{Dispatched, Taken, Handling}, Without: []string{"dispatch", "check"},
		Why: words.Text{Chinese: "到处置单位手里,只有派遣一条路。", English: "Only a dispatch brings a case to whoever handles it."},
	},
	{
		Flow: catalog.Handling, From: []State{Dispatched}, Moves: []string{"handle", "done", "suspend_ask"},
		Why: words.Text{Chinese: "没有签收,就不能处置。", English: "Nothing is handled before it was taken."},
	},
	{
		Flow: catalog.Handling, From: []State{Dispatched, Taken, Handling, Suspended}, Moves: []string{"close", "check", "refuse", "file", "accept", "settle"},
		Why: words.Text{Chinese: "办理途中不能直接结案,也不能改成不予受理。", English: "What is in hand is neither closed nor refused directly."},
	},
	{
		Flow: catalog.Handling, From: []State{Handling, Suspended, Done, Closed}, Moves: []string{"withdraw"},
		Why: words.Text{Chinese: "开始处置以后,不能撤回。", English: "What is being handled is not withdrawn any more."},
	},
	{
		Flow: catalog.Handling, From: []State{Suspended}, Moves: []string{"done", "return", "close", "dispatch"},
		Why: words.Text{Chinese: "挂账不是结案,先恢复再办。", English: "A suspension is no closing: resume first."},
	},
	{
		Flow: catalog.Handling, From: []State{Closed, Refused}, Moves: []string{"accept", "file", "dispatch", "take", "handle", "done", "check", "close", "return", "withdraw"},
		Why: words.Text{Chinese: "办结或不予受理的,只能重开再办。", English: "What is closed or refused goes on only by being opened again."},
	},
	{
		Flow: catalog.Handling, From: []State{Reported, Accepted, Filed, Dispatched, Taken, Handling, Suspended, Done, Refused}, Moves: []string{"rate"},
		Why: words.Text{Chinese: "没有办结,不能评价。", English: "Nothing is rated before it is closed."},
	},
	{
		Flow: catalog.Handling, From: []State{Withdrawn, Voided}, Moves: []string{"reopen", "object", "rate", "accept", "dispatch", "void_ask", "void_decide"},
		Why: words.Text{Chinese: "撤回和作废是终点。", English: "Withdrawn and voided are ends."},
	},
	{
		Flow: catalog.Handling, From: []State{Merged}, Moves: []string{"accept", "refuse", "settle", "file", "dispatch", "take", "handle", "done", "check", "close", "return", "withdraw", "reopen", "object", "void_ask", "void_decide", "merge"},
		Why: words.Text{Chinese: "并了案的，跟着主案件走；要单独办，先拆开。", English: "What was merged goes with its main case; to deal with it alone it is taken apart first."},
	},
	{
		Flow: catalog.Handling, From: []State{Merged}, Reaches: []State{Closed, Refused, Withdrawn, Voided, Done}, Without: []string{"unmerge"},
		Why: words.Text{Chinese: "并了案的不能再单独结一次。", English: "What was merged is never closed a second time on its own."},
	},
	{
		Flow: catalog.Handling, From: []State{Closed, Refused, Withdrawn, Voided}, Moves: []string{"merge", "unmerge"},
		Why: words.Text{Chinese: "已经结束的不再并案。", English: "What has ended is not merged any more."},
	},
	{
		Flow: catalog.Task, From: []State{Open, Taken, Doing}, Reaches: []State{Done}, Without: []string{"do"},
		Why: words.Text{Chinese: "没有做,就不算做完。", English: "A task is done only by doing it."},
	},
	{
		Flow: catalog.Task, From: []State{Closed, Missed, Cancelled}, Moves: []string{"take", "do", "verify", "check", "return", "void_ask", "cancel"},
		Why: words.Text{Chinese: "结束、未完成和取消的任务是终点。", English: "A task that is closed, missed or cancelled is at its end."},
	},
	{
		Flow: catalog.Approval, From: []State{Submitted, Correcting}, Reaches: []State{Accepted, Reviewing}, Without: []string{"accept", "submit", "lapse"},
		Why: words.Text{Chinese: "没有受理,就不能审核。", English: "Nothing is reviewed before it was accepted."},
	},
	{
		Flow: catalog.Approval, From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome}, Reaches: []State{Deciding}, Without: []string{"review", "publicise", "posting_ends"},
		Why: words.Text{Chinese: "没有审核意见,就不能审批。", English: "Nothing is decided without the reviewer's opinion."},
	},
	{
		Flow: catalog.Approval, From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised}, Moves: []string{"approve", "give", "appeal", "appeal_decide"},
		Why: words.Text{Chinese: "没有送审批,就不能批准、发放或申诉。", English: "Nothing is approved, given or appealed before it came to the decision."},
	},
	{
		Flow: catalog.Approval, From: []State{Submitted, Correcting, Accepted, Reviewing, CheckingHome, Publicised, Deciding}, Reaches: []State{Approved, Handed}, Without: []string{"approve"},
		Why: words.Text{Chinese: "不批准,就不发放。", English: "Nothing is given that was not approved."},
	},
	{
		Flow: catalog.Approval, From: []State{Declined, Appealed}, Reaches: []State{Approved, Handed}, Without: []string{"appeal_decide"},
		Why: words.Text{Chinese: "不批准的,只有申诉成立才能改。", English: "What was declined is approved only on appeal."},
	},
	{
		Flow: catalog.Approval, From: []State{Approved, Handed, Declined, Appealed}, Moves: []string{"withdraw", "correct", "review", "publicise"},
		Why: words.Text{Chinese: "有了决定,就不能撤回、补正或重新审核。", English: "What is decided is not withdrawn, corrected or reviewed again."},
	},
	{
		Flow: catalog.Approval, From: []State{Handed, Withdrawn, Voided}, Moves: []string{"accept", "submit", "review", "approve", "give", "appeal", "void_ask", "void_decide"},
		Why: words.Text{Chinese: "发放、撤回和作废是终点。", English: "Given, withdrawn and voided are ends."},
	},
}
