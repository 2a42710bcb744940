package casework

import (
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/fault"
)

// What the guards of the approval flow answer.
var (
	ErrConsent       = fault.New(fault.Invalid, "case.consent_needed")
	ErrResidentText  = fault.New(fault.Invalid, "case.resident_text_needed")
	ErrReviewBegun   = fault.New(fault.Conflict, "case.review_begun")
	ErrNotReviewed   = fault.New(fault.Conflict, "case.not_recommended")
	ErrPostingRuns   = fault.New(fault.Conflict, "case.posting_runs")
	ErrOpposed       = fault.New(fault.Conflict, "case.opposed")
	ErrObjectionFull = fault.New(fault.Conflict, "case.objections_full")
	ErrAppealed      = fault.New(fault.Conflict, "case.appealed")
	ErrNobody        = fault.New(fault.Conflict, "case.nobody_to_ask")
)

// maxPostingObjections bounds what strangers can write about one posting; more
// than that is a matter for a meeting.
const maxPostingObjections = 50

// maxAppeals is how often one application is appealed.
const maxAppeals = 1

// appealKey counts appeals among the used reasons.
const appealKey = "appeal"

var (
	// What the item asks consent for is not taken without it.
	consented = refuse("consented", ErrConsent, func(f Facts) bool {
		return f.Item.Consent.Kind != "" && f.Item.Consent.Kind != "none" && !f.Given.Consent && !f.Imported
	})

	// Whoever must act on it is told what to bring.
	residentTold = refuse("resident_told", ErrResidentText, func(f Facts) bool { return blank(f.Given.ResidentText) })

	// A review that has begun goes on with its result.
	begunReview = refuse("begun_review", ErrReviewBegun, func(f Facts) bool {
		return f.Case.State == Reviewing && f.Given.Result == ""
	})

	// An opinion says on what it rests.
	opinionNoted = refuse("opinion_noted", ErrNoteNeeded, func(f Facts) bool {
		return f.Given.Result != "" && blank(f.Given.Note)
	})

	// What was found at the home comes with a result and words.
	homeResult = Guard{Name: "home_result", Check: func(f Facts) error {
		switch {
		case f.Case.State != CheckingHome:
			return nil
		case f.Case.Verify != Waiting:
			return ErrNoVerify
		case f.Given.Result != Pass && f.Given.Result != Fail:
			return ErrResultNeeded
		case blank(f.Given.Note):
			return ErrNoteNeeded
		}
		return nil
	}}

	// Only what the reviewer recommends is posted.
	recommended = refuse("recommended", ErrNotReviewed, func(f Facts) bool {
		return f.Case.State == Reviewing && (f.Case.Opinion != Pass || !f.Posting)
	})

	// A posting ends with a result.
	postingResult = refuse("posting_result", ErrResultNeeded, func(f Facts) bool {
		return f.Case.State == Publicised && f.Given.Result != Pass && f.Given.Result != Fail
	})

	// It hangs for its whole time, unless an objection is found right before.
	postingOver = refuse("posting_over", ErrPostingRuns, func(f Facts) bool {
		return f.Case.State == Publicised && f.Given.Result != Fail && !f.PostingOver
	})

	// Where somebody objected, a person ends the posting.
	unopposed = refuse("unopposed", ErrOpposed, func(f Facts) bool {
		return f.Case.Posting != nil && f.Case.Posting.Objections > 0
	})

	objectionRoom = refuse("objection_room", ErrObjectionFull, func(f Facts) bool {
		return f.Case.Posting != nil && f.Case.Posting.Objections >= maxPostingObjections
	})

	// The reviewer does not approve. (data/defaults/roles.json, two_person_rules)
	notReviewer = refuse("not_reviewer", ErrSameHand, func(f Facts) bool { return f.Hand.Reviewed })

	// Who decided neither gives nor hears the appeal. (as above)
	notDecider = refuse("not_decider", ErrSameHand, func(f Facts) bool { return f.Hand.Decided })

	// A refusal to a resident has a reason.
	declineReasoned = Guard{Name: "decline_reasoned", Check: func(f Facts) error {
		switch {
		case f.Given.Result != Fail:
			return nil
		case !f.ReasonSent:
			return ErrReasonNeeded
		}
		return fitting(f, catalog.ReasonDecline)
	}}

	appealLeft = refuse("appeal_left", ErrAppealed, func(f Facts) bool { return f.Case.Used[appealKey] >= maxAppeals })
)
