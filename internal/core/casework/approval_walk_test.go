package casework

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
)

// counterPeople are those who deal with applications in the walks.
var counterPeople = []string{"clerk", "reviewer", "payer", "civil", "keeper", "streetleader", "village"}

// walkApplication begins an application: by the resident, or filled in at the
// counter.
func (h *house) walkApplication(r *rand.Rand) Case {
	h.Helper()
	in := Report{ID: h.newID(), Item: "allowance", Condition: []string{"ordinary", "urgent_relief"}[r.IntN(2)], Consent: true,
		Form: json.RawMessage(allowanceForm), Place: PlaceIn{Platform: h.units["P1"], Words: "幸福村"}}
	if r.IntN(3) == 0 {
		in.Item, in.Condition = "moving", "in"
		in.Form = json.RawMessage(`{"direction":"in","name":"演示人","phone":"15900000031","moved_on":"2026-11-20","address":"幸福村1号","people":2,"tenure":"own"}`)
	}
	if r.IntN(2) == 0 {
		return h.reports("clerk", in)
	}
	return h.reports("", in)
}

// applicantStep lets the applicant do something to the own application.
func (h *house) applicantStep(r *rand.Rand, c Case) (string, error) {
	h.Helper()
	can := slices.DeleteFunc(slices.Clone(h.public(c).Can), func(s string) bool { return s == "comment" })
	if len(can) == 0 {
		return "the applicant waits", nil
	}
	act := Act{Move: can[r.IntN(len(can))], Note: "本人说明"}
	if act.Move == "withdraw" {
		if r.IntN(4) > 0 {
			return "the applicant thinks it over", nil
		}
		act.Reason = "withdraw_mistake"
	}
	_, err := h.asApplicant(c, act)
	return "the applicant: " + act.Move, err
}
