package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

var (
	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	later = noon.Add(48 * time.Hour)
)

// fits gives facts under which a move is allowed from a state. Every row of
// the refusals below changes one of them.
func fits(flow *Flow, move string, from State) Facts {
	f := Facts{
		Now: noon,
		Item: catalog.Item{
			Key: "cleanliness", MaySettleOnSpot: true, RaisedBy: []catalog.Source{catalog.FromResident},
			Admission: catalog.Admission{Status: catalog.StatusDefault},
			Evidence:  []catalog.Evidence{{Kind: "photo_after", Min: 1, By: "handler"}, {Kind: "photo_before", Min: 1, By: "reporter"}},
		},
		Case:  Case{Flow: flow.Key, State: from},
		Hand:  Hand{Owner: true},
		Have:  map[string]int{"photo_after": 1},
		Given: Given{Note: "seen", Source: catalog.FromResident, Result: Pass, Score: 5, Until: later},
	}
	why := func(kind, key, state string) {
		f.ReasonSent = true
		f.Reason = catalog.Reason{Key: key, Kind: kind, NeedsNote: true, Effect: catalog.Effect{State: state, MaxTimes: 2}}
	}
	switch move {
	case "accept":
		f.Case.Verify = Fail
	case "verify":
		f.Case.Verify = Waiting
		if flow.Key == catalog.Task {
			f.Case.Task = "verify"
		}
	case "refuse":
		why(catalog.ReasonRefuse, "refuse_outside", "refused")
	case "dispatch":
		f.Target = Target{Found: true, Takes: true}
	case "return":
		f.Senders = 1
		why(catalog.ReasonReturn, "return_not_mine", "filed")
	case "withdraw":
		f.Hand.Sender, f.Hand.Reporter = true, true
		why(catalog.ReasonWithdraw, "withdraw_mistake", "withdrawn")
		if from == Dispatched || from == Taken {
			why(catalog.ReasonWithdraw, "withdraw_dispatch", "filed")
		}
	case "suspend_ask":
		why(catalog.ReasonSuspend, "suspend_part", "suspended")
		f.UntilMax = later.Add(time.Hour)
	case "suspend_decide":
		f.Case.Ask = &Ask{Kind: AskSuspend, Until: later}
	case "check":
		f.Case.Check = Waiting
		if flow.Key == catalog.Task && from != Done {
			f.Case.Task = "check"
		}
	case "close":
		f.Check, f.Case.Check = true, Pass
	case "file":
		f.Verify, f.Case.Verify = true, Pass
	case "reopen":
		f.InTerm = true
		why(catalog.ReasonReopen, "reopen_again", "filed")
	case "object", "rate":
		f.InTerm, f.Hand.Reporter, f.Main.Closed = true, true, true
	case "void_ask":
		why(catalog.ReasonVoid, "void_test", "voided")
	case "void_decide":
		f.Case.Ask = &Ask{Kind: AskVoid}
	case "merge":
		f.Main = Main{Found: true, Open: true, Same: true}
		why(catalog.ReasonMerge, "merge_same_place", "merged")
	case "unmerge":
		f.Main, f.Case.Was = Main{Found: true, Open: true, Same: true}, Filed
	case "cancel", "miss":
		f.Hand = Hand{System: true}
	}
	fitsBeside(&f, move, why)
	if flow.Key == catalog.Approval {
		fitsApproval(&f, move, from, why)
	}
	if flow.Key == catalog.Task && move == "home_check" {
		f.Case.Task = "home_check"
	}
	return f
}

// starts are the states a move can be made from; a report begins from none.
func (m Move) starts() []State {
	if len(m.From) == 0 {
		return []State{""}
	}
	return m.From
}

// Every state with every move: what the table lists is allowed under fitting
// facts and leads only where it says; everything else is refused as a wrong
// state.
func TestEveryStateWithEveryMove(t *testing.T) {
	for _, flow := range Flows() {
		for _, m := range flow.Moves {
			for _, from := range append([]State{""}, flow.States...) {
				f := fits(flow, m.Key, from)
				to, err := flow.Take(m.Key, f)
				if !slices.Contains(m.starts(), from) {
					if !errors.Is(err, ErrWrongState) {
						t.Errorf("%s: %s from %q: %v, want case.wrong_state", flow.Key, m.Key, from, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %s from %q: %v", flow.Key, m.Key, from, err)
				}
				if to != from && !slices.Contains(m.To, to) {
					t.Errorf("%s: %s from %q leads to %q, the table says %v", flow.Key, m.Key, from, to, m.To)
				}
			}
		}
		if _, err := flow.Take("explode", Facts{Case: Case{State: flow.States[0]}}); !errors.Is(err, ErrNoMove) {
			t.Errorf("an unknown move: %v", err)
		}
	}
}

// refusal is one row: under fitting facts with one change, the move is refused.
type refusal struct {
	flow   *Flow
	move   string
	from   State
	name   string
	change func(*Facts)
	want   *fault.Fault
}

func refusals() []refusal {
	h, k := handling, task
	noReason := func(f *Facts) { f.ReasonSent, f.Reason = false, catalog.Reason{} }
	wrongKind := func(f *Facts) { f.Reason.Kind = "extend" }
	unknown := func(f *Facts) { f.Reason = catalog.Reason{} }
	noNote := func(f *Facts) { f.Given.Note = " " }
	noResult := func(f *Facts) { f.Given.Result = "" }
	shut := func(f *Facts) { f.Hand.Shut = true }
	stranger := func(f *Facts) { f.Hand.Owner = false }
	failed := func(f *Facts) { f.Given.Result = Fail; f.Given.Note = "" }
	spent := func(f *Facts) { f.Case.Used = map[string]int{f.Reason.Key: 2} }
	asked := func(f *Facts) { f.Case.Ask = &Ask{Kind: AskVoid} }
	noAsk := func(f *Facts) { f.Case.Ask = nil }
	otherAsk := func(kind string) func(*Facts) { return func(f *Facts) { f.Case.Ask.Kind = kind } }
	sameAsker := func(f *Facts) { f.Hand.Asked = true }
	noEvidence := func(f *Facts) { f.Have = nil }
	oldUntil := func(f *Facts) { f.Given.Until = noon }
	farUntil := func(f *Facts) { f.Given.Until = f.UntilMax.Add(time.Minute) }
	noUntil := func(f *Facts) { f.Given.Until = time.Time{} }
	notAdmitted := func(f *Facts) { f.Item.Admission.Status = catalog.StatusEnded }
	notRaised := func(f *Facts) { f.Given.Source = catalog.FromSensor }
	over := func(f *Facts) { f.InTerm = false }
	handled := func(f *Facts) { f.Hand.Handled = true }
	reporter := func(f *Facts) { f.Hand.Reporter = true }
	notReporter := func(f *Facts) { f.Hand.Reporter = false }
	wrongRework := func(f *Facts) {
		f.Given.Result, f.ReasonSent = Fail, true
		f.Reason = catalog.Reason{Key: "return_not_mine", Kind: catalog.ReasonReturn}
	}
	rows := []refusal{
		{h, "report", "", "item withdrawn from the register", notAdmitted, ErrNotAdmitted},
		{h, "report", "", "sensors may not raise it", notRaised, ErrNotRaisable},
		{h, "accept", Reported, "another desk has claimed it", shut, ErrClaimed},
		{h, "accept", Accepted, "the verification did not fail", func(f *Facts) { f.Case.Verify = Waiting }, ErrNotFailed},
		{h, "verify", Accepted, "nobody was asked to verify", func(f *Facts) { f.Case.Verify = NotAsked }, ErrNoVerify},
		{h, "verify", Accepted, "verified already", func(f *Facts) { f.Case.Verify = Pass }, ErrNoVerify},
		{h, "verify", Accepted, "no result", noResult, ErrResultNeeded},
		{h, "verify", Accepted, "the reporter verifies", reporter, ErrSameHand},
		{h, "verify", Accepted, "failed without a word", failed, ErrNoteNeeded},
		{h, "refuse", Reported, "another desk has claimed it", shut, ErrClaimed},
		{h, "refuse", Reported, "no reason", noReason, ErrReasonNeeded},
		{h, "refuse", Reported, "unknown reason", unknown, ErrReasonUnknown},
		{h, "refuse", Accepted, "a reason of another kind", wrongKind, ErrReasonWrong},
		{h, "refuse", Reported, "no note", noNote, ErrNoteNeeded},
		{h, "refuse", Accepted, "not confirmed, but nobody looked", func(f *Facts) { f.Reason.Key = "refuse_not_confirmed" }, ErrNotConfirmed},
		{h, "settle", Reported, "another desk has claimed it", shut, ErrClaimed},
		{h, "settle", Reported, "the item may not be settled on the spot", func(f *Facts) { f.Item.MaySettleOnSpot = false }, ErrNotOnSpot},
		{h, "settle", Reported, "no photo of after", noEvidence, ErrEvidence},
		{h, "file", Accepted, "another desk has claimed it", shut, ErrClaimed},
		{h, "file", Accepted, "not verified", func(f *Facts) { f.Case.Verify = Waiting }, ErrVerifyOpen},
		{h, "file", Accepted, "verification failed", func(f *Facts) { f.Case.Verify = Fail }, ErrVerifyFailed},
		{h, "dispatch", Filed, "another desk has claimed it", shut, ErrClaimed},
		{h, "dispatch", Filed, "no post", func(f *Facts) { f.Target = Target{} }, ErrPostNeeded},
		{h, "dispatch", Filed, "a post that only looks", func(f *Facts) { f.Target.Takes = false }, ErrPostCannot},
		{h, "dispatch", Filed, "a desk onto itself", func(f *Facts) { f.Target = Target{Found: true, Dispatches: true, Self: true} }, ErrPostCannot},
		{h, "take", Dispatched, "not sent to this post", stranger, ErrNotOwner},
		{h, "handle", Taken, "not taken by this post", stranger, ErrNotOwner},
		{h, "done", Handling, "not handled by this post", stranger, ErrNotOwner},
		{h, "done", Handling, "a request is waiting", asked, ErrAsked},
		{h, "done", Handling, "no photo of after", noEvidence, ErrEvidence},
		{h, "return", Dispatched, "not this post's", stranger, ErrNotOwner},
		{h, "return", Filed, "nobody sent it", func(f *Facts) { f.Senders = 0 }, ErrNoSender},
		{h, "return", Taken, "no reason", noReason, ErrReasonNeeded},
		{h, "return", Handling, "no note", noNote, ErrNoteNeeded},
		{h, "return", Handling, "the reason served twice", spent, ErrReasonSpent},
		{h, "withdraw", Dispatched, "sent by another desk", func(f *Facts) { f.Hand.Sender = false }, ErrNotSender},
		{h, "withdraw", Reported, "reported by another", notReporter, ErrNotReporter},
		{h, "withdraw", Filed, "work was done on it", func(f *Facts) { f.Senders = 1 }, ErrWrongState},
		{h, "withdraw", Reported, "no reason", noReason, ErrReasonNeeded},
		{h, "withdraw", Reported, "a reason for a dispatch", func(f *Facts) { f.Reason.Effect.State = "filed" }, ErrReasonWrong},
		{h, "withdraw", Taken, "a reason for a report", func(f *Facts) { f.Reason.Effect.State = "withdrawn" }, ErrReasonWrong},
		{h, "withdraw", Reported, "no note", noNote, ErrNoteNeeded},
		{h, "suspend_ask", Handling, "not this post's", stranger, ErrNotOwner},
		{h, "suspend_ask", Handling, "asked already", asked, ErrAsked},
		{h, "suspend_ask", Handling, "no reason", noReason, ErrReasonNeeded},
		{h, "suspend_ask", Handling, "no note", noNote, ErrNoteNeeded},
		{h, "suspend_ask", Handling, "the reason served twice", spent, ErrReasonSpent},
		{h, "suspend_ask", Handling, "no date", noUntil, ErrUntilNeeded},
		{h, "suspend_ask", Handling, "a date that is past", oldUntil, ErrUntilPast},
		{h, "suspend_ask", Handling, "longer than the reason allows", farUntil, ErrUntilFar},
		{h, "suspend_decide", Handling, "nobody asked", noAsk, ErrNotAsked},
		{h, "suspend_decide", Handling, "asked for something else", otherAsk(AskVoid), ErrNotAsked},
		{h, "suspend_decide", Handling, "no result", noResult, ErrResultNeeded},
		{h, "suspend_decide", Handling, "who asked decides", sameAsker, ErrSameHand},
		{h, "suspend_decide", Handling, "its date is past", func(f *Facts) { f.Case.Ask.Until = noon }, ErrUntilPast},
		{h, "check", Done, "no check is open", func(f *Facts) { f.Case.Check = NotAsked }, ErrNoCheck},
		{h, "check", Done, "no result", noResult, ErrResultNeeded},
		{h, "check", Done, "the handler checks", handled, ErrSameHand},
		{h, "check", Done, "a reason that is none of rework", wrongRework, ErrReasonWrong},
		{h, "check", Done, "failed without a word", failed, ErrNoteNeeded},
		{h, "check", Done, "the resident's word without a word", func(f *Facts) { f.ByResident = true; f.Given.Note = "" }, ErrNoteNeeded},
		{h, "close", Done, "another desk has claimed it", shut, ErrClaimed},
		{h, "close", Done, "not checked", func(f *Facts) { f.Case.Check = Waiting }, ErrNotChecked},
		{h, "close", Done, "voiding is being decided", asked, ErrAsked},
		{h, "reopen", Closed, "the term is over", over, ErrTermOver},
		{h, "reopen", Closed, "no reason", noReason, ErrReasonNeeded},
		{h, "reopen", Refused, "no note", noNote, ErrNoteNeeded},
		{h, "reopen", Closed, "the reason served twice", spent, ErrReasonSpent},
		{h, "object", Closed, "reported by another", notReporter, ErrNotReporter},
		{h, "object", Refused, "the term is over", over, ErrTermOver},
		{h, "object", Closed, "no word", noNote, ErrNoteNeeded},
		{h, "object", Closed, "objected twice", func(f *Facts) { f.Case.Used = map[string]int{objectionKey: 2} }, ErrObjected},
		{h, "rate", Closed, "reported by another", notReporter, ErrNotReporter},
		{h, "rate", Closed, "rated already", func(f *Facts) { f.Case.Rating = &Rating{Score: 3} }, ErrRated},
		{h, "rate", Closed, "six of five", func(f *Facts) { f.Given.Score = 6 }, ErrScore},
		{h, "rate", Closed, "none of five", func(f *Facts) { f.Given.Score = 0 }, ErrScore},
		{h, "rate", Closed, "the term is over", over, ErrTermOver},
		{h, "void_ask", Handling, "asked already", asked, ErrAsked},
		{h, "void_ask", Handling, "no reason", noReason, ErrReasonNeeded},
		{h, "void_ask", Handling, "no note", noNote, ErrNoteNeeded},
		{h, "void_decide", Done, "nobody asked", noAsk, ErrNotAsked},
		{h, "void_decide", Handling, "asked for something else", otherAsk(AskSuspend), ErrNotAsked},
		{h, "void_decide", Done, "no result", noResult, ErrResultNeeded},
		{h, "void_decide", Done, "who asked decides", sameAsker, ErrSameHand},

		{h, "withdraw", Reported, "others wait for its answer", func(f *Facts) { f.Case.Joined = 3 }, ErrJoined},
		{h, "void_ask", Handling, "others wait for its answer", func(f *Facts) { f.Case.Joined = 1 }, ErrJoined},
		{h, "void_decide", Handling, "others came to it meanwhile", func(f *Facts) { f.Case.Joined = 1 }, ErrJoined},
		{h, "rate", Merged, "the main case is in work", func(f *Facts) { f.Main.Closed = false }, ErrMainOpen},
		{h, "merge", Reported, "another desk has claimed it", shut, ErrClaimed},
		{h, "merge", Reported, "no main case", func(f *Facts) { f.Main = Main{} }, ErrMainNeeded},
		{h, "merge", Filed, "into itself", func(f *Facts) { f.Main.Self = true }, ErrMainSelf},
		{h, "merge", Handling, "the main case has ended", func(f *Facts) { f.Main.Open = false }, ErrMainShut},
		{h, "merge", Handling, "the main case is a task", func(f *Facts) { f.Main.Same = false }, ErrMainFlow},
		{h, "merge", Done, "the main case is more confidential", func(f *Facts) { f.Main.Secrecy = journal.Desk }, ErrMainSecret},
		{h, "merge", Reported, "no reason", noReason, ErrReasonNeeded},
		{h, "merge", Reported, "a reason that only relates", func(f *Facts) { f.Reason.Effect.State = "" }, ErrReasonWrong},
		{h, "merge", Reported, "no note", noNote, ErrNoteNeeded},
		{h, "unmerge", Merged, "the main case has ended", func(f *Facts) { f.Main.Open = false }, ErrMainShut},
		{h, "unmerge", Merged, "no word", noNote, ErrNoteNeeded},

		{k, "report", "", "item withdrawn from the register", notAdmitted, ErrNotAdmitted},
		{k, "report", "", "sensors may not raise it", notRaised, ErrNotRaisable},
		{k, "take", Open, "not this post's", stranger, ErrNotOwner},
		{k, "do", Taken, "not this post's", stranger, ErrNotOwner},
		{k, "do", Taken, "a verification has its own end", func(f *Facts) { f.Case.Task = "verify" }, ErrWrongTask},
		{k, "do", Doing, "a request is waiting", asked, ErrAsked},
		{k, "do", Doing, "no photo of after", noEvidence, ErrEvidence},
		{k, "verify", Open, "not this post's", stranger, ErrNotOwner},
		{k, "verify", Open, "a planned task", func(f *Facts) { f.Case.Task = "" }, ErrWrongTask},
		{k, "verify", Taken, "no result", noResult, ErrResultNeeded},
		{k, "verify", Taken, "the reporter verifies", reporter, ErrSameHand},
		{k, "verify", Doing, "failed without a word", failed, ErrNoteNeeded},
		{k, "check", Open, "not this post's", stranger, ErrNotOwner},
		{k, "check", Taken, "a planned task in work", func(f *Facts) { f.Case.Task = "" }, ErrWrongTask},
		{k, "check", Open, "no result", noResult, ErrResultNeeded},
		{k, "check", Done, "who did it checks it", handled, ErrSameHand},
		{k, "check", Done, "a reason that is none of rework", wrongRework, ErrReasonWrong},
		{k, "check", Done, "failed without a word", failed, ErrNoteNeeded},
		{k, "return", Open, "not this post's", stranger, ErrNotOwner},
		{k, "return", Open, "no reason", noReason, ErrReasonNeeded},
		{k, "return", Taken, "no note", noNote, ErrNoteNeeded},
		{k, "return", Taken, "the reason served twice", spent, ErrReasonSpent},
		{k, "suspend_ask", Doing, "not this post's", stranger, ErrNotOwner},
		{k, "suspend_ask", Doing, "a check cannot wait", func(f *Facts) { f.Case.Task = "check" }, ErrWrongTask},
		{k, "suspend_ask", Doing, "asked already", asked, ErrAsked},
		{k, "suspend_ask", Doing, "no reason", noReason, ErrReasonNeeded},
		{k, "suspend_ask", Doing, "no note", noNote, ErrNoteNeeded},
		{k, "suspend_ask", Doing, "the reason served twice", spent, ErrReasonSpent},
		{k, "suspend_ask", Doing, "a date that is past", oldUntil, ErrUntilPast},
		{k, "suspend_decide", Doing, "nobody asked", noAsk, ErrNotAsked},
		{k, "suspend_decide", Doing, "no result", noResult, ErrResultNeeded},
		{k, "suspend_decide", Doing, "who asked decides", sameAsker, ErrSameHand},
		{k, "suspend_decide", Doing, "its date is past", func(f *Facts) { f.Case.Ask.Until = noon }, ErrUntilPast},
		{k, "withdraw", Open, "a check is not the reporter's", func(f *Facts) { f.Case.Task = "check" }, ErrWrongTask},
		{k, "withdraw", Open, "reported by another", notReporter, ErrNotReporter},
		{k, "withdraw", Open, "no reason", noReason, ErrReasonNeeded},
		{k, "withdraw", Open, "a reason for a dispatch", func(f *Facts) { f.Reason.Effect.State = "filed" }, ErrReasonWrong},
		{k, "withdraw", Open, "no note", noNote, ErrNoteNeeded},
		{k, "void_ask", Open, "a check ends with its case", func(f *Facts) { f.Case.Task = "check" }, ErrWrongTask},
		{k, "void_ask", Open, "asked already", asked, ErrAsked},
		{k, "void_ask", Doing, "no reason", noReason, ErrReasonNeeded},
		{k, "void_ask", Doing, "no note", noNote, ErrNoteNeeded},
		{k, "void_decide", Doing, "nobody asked", noAsk, ErrNotAsked},
		{k, "void_decide", Doing, "no result", noResult, ErrResultNeeded},
		{k, "void_decide", Doing, "who asked decides", sameAsker, ErrSameHand},
		{k, "cancel", Open, "a person cancels", func(f *Facts) { f.Hand.System = false }, ErrSystemOnly},
		{k, "miss", Open, "a person says it was missed", func(f *Facts) { f.Hand.System = false }, ErrSystemOnly},
		{k, "miss", Open, "a check is never missed", func(f *Facts) { f.Case.Task = "check" }, ErrWrongTask},
	}
	return append(append(rows, approvalRefusals()...), besideRefusals()...)
}

func (r refusal) run(flow *Flow) error {
	f := fits(flow, r.move, r.from)
	r.change(&f)
	_, err := flow.Take(r.move, f)
	return err
}

func (r refusal) String() string {
	return fmt.Sprintf("%s/%s/%s", r.flow.Key, r.move, strings.ReplaceAll(r.name, " ", "_"))
}

// Each guard refuses with its own code, and a refusal leaves the state alone.
func TestRefusals(t *testing.T) {
	for _, r := range refusals() {
		if err := r.run(r.flow); !errors.Is(err, r.want) {
			t.Errorf("%s: got %v, want %s", r, err, r.want.Code)
		}
	}
}

// Taking any single guard out of a table makes a row of TestRefusals fail. Run
// with -v for the list of guards and rows.
func TestGuardsAreEachNeeded(t *testing.T) {
	rows := refusals()
	for _, flow := range Flows() {
		for mi, m := range flow.Moves {
			for gi, g := range m.Guards {
				without := *flow
				without.Moves = slices.Clone(flow.Moves)
				without.Moves[mi].Guards = slices.Delete(slices.Clone(m.Guards), gi, gi+1)
				var found []string
				for _, r := range rows {
					if r.flow == flow && r.move == m.Key && !errors.Is(r.run(&without), r.want) {
						found = append(found, r.name)
					}
				}
				if len(found) == 0 {
					t.Errorf("%s: without the guard %s of %s every row still passes", flow.Key, g.Name, m.Key)
					continue
				}
				t.Logf("%-8s %-14s %-15s %s", flow.Key, m.Key, g.Name, strings.Join(found, "; "))
			}
		}
	}
}

// What must never be possible is written down apart from the tables.
func TestForbidden(t *testing.T) {
	for _, b := range Forbidden {
		flow, ok := FlowOf(b.Flow)
		if !ok {
			t.Fatalf("no flow %s", b.Flow)
		}
		for _, from := range b.From {
			if len(b.Moves) > 0 {
				for _, move := range b.Moves {
					m, ok := flow.Move(move)
					if !ok {
						t.Errorf("%s: %s names no move", b.Why.English, move)
					}
					if slices.Contains(m.From, from) {
						t.Errorf("%s: %s is possible in %s", b.Why.English, move, from)
					}
				}
			}
			for _, to := range b.Reaches {
				if path := reach(flow, from, to, b.Without); path != nil {
					t.Errorf("%s: %s", b.Why.English, strings.Join(path, " "))
				}
			}
		}
		if len(b.Moves) == 0 && len(b.Reaches) == 0 || len(b.From) == 0 {
			t.Errorf("%q forbids nothing", b.Why.English)
		}
	}
}

// reach finds a way between two states that uses none of some moves.
func reach(flow *Flow, from, to State, without []string) []string {
	type step struct {
		at   State
		path []string
	}
	seen := map[State]bool{from: true}
	for queue := []step{{from, []string{string(from)}}}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		for _, m := range flow.From(s.at) {
			if slices.Contains(without, m.Key) {
				continue
			}
			for _, next := range m.To {
				path := append(slices.Clone(s.path), "-"+m.Key+"->", string(next))
				if next == to {
					return path
				}
				if !seen[next] {
					seen[next] = true
					queue = append(queue, step{next, path})
				}
			}
		}
	}
	return nil
}

// Every state can be reached, every one but a final one has a way out that ends
// the case, and a final one has none.
func TestEveryStateHasAWayInAndOut(t *testing.T) {
	for _, flow := range Flows() {
		start, _ := flow.Move("report")
		shut := slices.DeleteFunc(slices.Clone(flow.States), func(s State) bool { return !flow.About[s].Shut })
		for _, s := range flow.States {
			if s != start.To[0] && reach(flow, start.To[0], s, nil) == nil {
				t.Errorf("%s: %s is never reached", flow.Key, s)
			}
			out := flow.From(s)
			about, ok := flow.About[s]
			if !ok {
				t.Errorf("%s: nothing is said about %s", flow.Key, s)
			}
			if about.Final {
				if len(out) > 0 {
					t.Errorf("%s: %s is final and has the move %s", flow.Key, s, out[0].Key)
				}
				continue
			}
			if !about.Shut && !slices.ContainsFunc(shut, func(end State) bool { return reach(flow, s, end, nil) != nil }) {
				t.Errorf("%s: no way from %s to an end", flow.Key, s)
			}
		}
		if len(flow.About) != len(flow.States) {
			t.Errorf("%s: states %d, words about %d", flow.Key, len(flow.States), len(flow.About))
		}
	}
}

// A move's key is the last part of its permission, and the permissions of the
// register that have no move yet are known by name.
func TestMovesMatchPermissions(t *testing.T) {
	var roles struct {
		Permissions []struct{ Key string } `json:"permissions"`
	}
	readDefaults(t, "roles.json", &roles)
	known := map[string]bool{}
	for _, p := range roles.Permissions {
		known[p.Key] = true
	}
	moved := map[string]bool{}
	for _, flow := range Flows() {
		for _, m := range flow.Moves {
			if m.Permission == "" {
				if !slices.ContainsFunc(m.Guards, func(g Guard) bool { return g.Name == "system_only" }) {
					t.Errorf("%s needs no permission and is not the program's own", m.Key)
				}
				continue
			}
			if !known[m.Permission] {
				t.Errorf("no permission %s", m.Permission)
			}
			if last := m.Permission[strings.LastIndex(m.Permission, ".")+1:]; last != m.Key {
				t.Errorf("the move %s has the permission %s", m.Key, m.Permission)
			}
			moved[m.Permission] = true
		}
	}
	// Not moves: reading and words. Not yet moves: co-operation, extension,
	// supervision and escalation.
	others := []string{
		"case.view", "case.view_own", "case.reveal", "case.quarantine", "case.copy_release", "case.comment", "case.export", "task.plan",
		"apply.fill_for", // asked beside case.report
	}
	for _, p := range roles.Permissions {
		if (strings.HasPrefix(p.Key, "case.") || strings.HasPrefix(p.Key, "task.") || strings.HasPrefix(p.Key, "apply.")) && !moved[p.Key] && !slices.Contains(others, p.Key) {
			t.Errorf("the permission %s has no move and stands in no list", p.Key)
		}
	}
	for _, p := range others {
		if moved[p] {
			t.Errorf("%s is a move now", p)
		}
	}
}

// The words of the catalogue and the tables speak of the same states, stages
// and clocks.
func TestStatesMatchCatalogue(t *testing.T) {
	var words struct {
		Flows []struct {
			Key    string
			States []struct {
				Key, Stage, Clock string
				Final             bool
			}
		}
	}
	readDefaults(t, "stages.json", &words)
	for _, w := range words.Flows {
		flow, ok := FlowOf(catalog.Flow(w.Key))
		if !ok {
			continue
		}
		named := map[State]bool{}
		for _, s := range w.States {
			a, ok := flow.About[State(s.Key)]
			if !ok {
				// A draft is kept by whoever writes it.
				if s.Key != "draft" {
					t.Errorf("%s: the catalogue's %s is no state of the table", w.Key, s.Key)
				}
				continue
			}
			named[State(s.Key)] = true
			if a.Stage != s.Stage || string(a.Clock) != s.Clock || a.Final != s.Final {
				t.Errorf("%s %s: table %+v, catalogue stage %s clock %s final %v", w.Key, s.Key, a, s.Stage, s.Clock, s.Final)
			}
		}
		for _, s := range flow.States {
			if !named[s] {
				t.Errorf("%s: %s has no words", w.Key, s)
			}
		}
	}
}

// Where the table leaves a choice, the facts decide.
func TestPicks(t *testing.T) {
	row := func(flow *Flow, move string, from State, change func(*Facts), want State) {
		t.Helper()
		f := fits(flow, move, from)
		change(&f)
		if got, err := flow.Take(move, f); err != nil || got != want {
			t.Errorf("%s from %s: %s, %v; want %s", move, from, got, err, want)
		}
	}
	same := func(*Facts) {}
	fail := func(f *Facts) { f.Given.Result = Fail }
	row(handling, "dispatch", Filed, same, Dispatched)
	row(handling, "dispatch", Filed, func(f *Facts) { f.Target = Target{Found: true, Dispatches: true} }, Filed)
	row(handling, "withdraw", Taken, same, Filed)
	row(handling, "withdraw", Accepted, same, Withdrawn)
	row(handling, "suspend_decide", Handling, same, Suspended)
	row(handling, "suspend_decide", Handling, fail, Handling)
	row(handling, "check", Done, same, Done)
	row(handling, "check", Done, fail, Handling)
	row(handling, "reopen", Closed, same, Filed)
	row(handling, "reopen", Refused, same, Reported)
	row(handling, "void_decide", Taken, same, Voided)
	row(handling, "void_decide", Taken, fail, Taken)
	row(handling, "void_decide", Taken, func(f *Facts) { f.Case.Ask.State = "withdrawn" }, Withdrawn)
	row(handling, "merge", Taken, same, Merged)
	row(handling, "unmerge", Merged, same, Filed)
	row(handling, "unmerge", Merged, func(f *Facts) { f.Case.Was = Accepted }, Reported)
	row(task, "void_decide", Taken, func(f *Facts) { f.Case.Ask.State = "withdrawn" }, Cancelled)
	row(task, "do", Open, func(f *Facts) { f.Given.Result = "" }, Doing)
	row(task, "do", Open, same, Closed)
	row(task, "do", Doing, func(f *Facts) { f.Check = true }, Done)
	row(task, "check", Done, fail, Doing)
	row(task, "check", Open, fail, Closed)
}

func newTestID(n byte) id.ID { return id.ID{15: n} }

func readDefaults(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../../data/defaults/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}
