package portal

import (
	"net/http"
	"slices"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
)

// The applicant's page is the page of a report (my.go) with what only an
// application has: which step it is at and what comes next, until when and why,
// what is missing, what is posted, the decision and the way to appeal.

// paperKind is the kind of file that an applicant hands in; it is none of the
// kinds that prove the work of staff.
const paperKind = "other"

// applied is what the page of an application shows beside that of a report.
type applied struct {
	Step, Next string // where it is, and what comes next
	Due, Why   string // until when, and how that was reckoned
	Late       bool

	Missing, MissingBy string // what to hand in, and until when
	CanSupplement      bool
	Posted, PostedBy   string
	PostingID          string
	Declined           bool
	Reason, Answer     string
	CanAppeal          bool
	AppealBy           string
	MostFiles, PhotoMB int
}

// steppedOn are the steps of an application that the words know.
var steppedOn = []casework.State{
	casework.Submitted, casework.Correcting, casework.Accepted, casework.Reviewing, casework.CheckingHome, casework.Publicised,
	casework.Deciding, casework.Approved, casework.Handed, casework.Declined, casework.Appealed, casework.Withdrawn, casework.Voided,
}

// applied puts what an applicant may see into sentences.
func (g *page) applied(v *casework.PublicCase) *applied {
	a := v.Application
	if a == nil || !slices.Contains(steppedOn, a.Step) {
		return nil
	}
	d := &applied{Step: g.Say("portal.app_" + string(a.Step)), Next: g.Say("portal.app_" + string(a.Step) + "_next"),
		CanSupplement: slices.Contains(v.Can, "submit"), CanAppeal: slices.Contains(v.Can, "appeal"), Missing: a.Missing,
		Declined: a.Step == casework.Declined, Answer: a.Answer, MostFiles: maxPapers, PhotoMB: maxPhotoBytes >> 20}
	if !a.MissingBy.IsZero() {
		d.MissingBy = g.Moment(a.MissingBy)
	}
	if a.Posting != nil {
		d.Posted, d.PostedBy, d.PostingID = a.Posting.Text, g.Moment(a.Posting.Until), a.Posting.ID.String()
	}
	if a.Reason != nil {
		d.Reason = a.Reason.In(g.Lang)
	}
	if !a.AppealUntil.IsZero() {
		d.AppealBy = g.Moment(a.AppealUntil)
	}
	switch {
	case v.Paused:
		d.Due, d.Why = g.Say("portal.app_due_paused"), g.Say("portal.app_why_paused")
		return d
	case a.Step == casework.Publicised:
		d.Due = g.Say("portal.app_due_posting", "when", d.PostedBy)
		d.Why = g.Say("portal.app_why_posting")
		return d
	case v.Promised.IsZero():
		return d
	case v.Estimated:
		d.Due = g.Say("portal.app_due_estimate", "when", g.Moment(v.Promised))
		if d.Why = g.Say("portal.app_why_estimate_plain"); a.Clock == casework.ClockAccept && a.Limit != nil {
			d.Why = g.Say("portal.app_why_estimate", "limit", a.Limit.Say(g.Lang))
		}
		return d
	default:
		d.Late = g.now.After(v.Promised)
		key := "portal.app_due_" + string(a.Clock)
		if a.Clock != casework.ClockGive {
			key = "portal.app_due_handle"
		}
		if d.Late {
			key = "portal.app_due_late"
		}
		d.Due = g.Say(key, "when", g.Moment(v.Promised))
	}
	if a.Limit != nil {
		d.Why = g.Say("portal.app_why", "from", g.Day(a.From), "limit", a.Limit.Say(g.Lang))
		d.Why = g.Say("portal.sentences", "first", d.Why, "second", g.reckoned(a.Limit.Clock))
		if a.Stood {
			d.Why = g.Say("portal.sentences", "first", d.Why, "second", g.Say("portal.app_why_stood"))
		}
	}
	return d
}

// postSupplement hands in what was missing (补正).
func (p *Portal) postSupplement(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "supplement", []string{"supplement"}, func(tx *db.Tx, o own, v map[string]string, files files) error {
		switch {
		case v["supplement"] == "" && len(files.ids) == 0:
			return ErrCheck.At("form.supplement", "portal.need_comment")
		case tooLong(v["supplement"], maxComment):
			return ErrCheck.At("form.supplement", "portal.too_long", "most", maxComment)
		}
		note := v["supplement"]
		if note == "" {
			note = p.words.Say("zh-CN", "portal.supplement_note", map[string]any{"n": len(files.ids)})
		}
		_, err := p.cases.ActAsReporter(tx, nobody, o.id, casework.Act{Move: "submit", Note: note, Files: files.ids}, files.owner)
		return err
	})
}

// postAppeal asks for the decision to be looked at again (申请复核).
func (p *Portal) postAppeal(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "appeal", []string{"appeal"}, func(tx *db.Tx, o own, v map[string]string, files files) error {
		switch {
		case v["appeal"] == "":
			return ErrCheck.At("form.appeal", "portal.need_appeal")
		case tooLong(v["appeal"], maxComment):
			return ErrCheck.At("form.appeal", "portal.too_long", "most", maxComment)
		}
		_, err := p.cases.ActAsReporter(tx, nobody, o.id, casework.Act{Move: "appeal", Note: v["appeal"], Files: files.ids}, files.owner)
		return err
	})
}
