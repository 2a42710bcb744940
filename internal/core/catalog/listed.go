package catalog

import (
	"cmp"
	"slices"
	"time"

	"onegrid/internal/kit/words"
)

// Standing is how an item stands in the register at a time (准入状态).
type Standing string

const (
	InForce  Standing = "in_force" // 在用
	Ending   Standing = "ending"   // 即将到期: in force, and its term ends within two months
	Applied  Standing = "applied"  // 申请中: never in force, and a proposal waits
	Declined Standing = "declined" // 未准入
	Ended    Standing = "ended"    // 已退出, or its term is over
)

// endingSoon is how long before the end of its term an item is said to end: time
// enough to apply and decide anew.
const endingSoon = 60 * 24 * time.Hour

// Listed is one line of the register (事项目录).
type Listed struct {
	Key             string          `json:"key"`
	Code            string          `json:"code"`
	Function        string          `json:"function"`
	Name            words.Text      `json:"name"`
	Flow            Flow            `json:"flow"`
	Public          bool            `json:"public"`
	Confidentiality Confidentiality `json:"confidentiality"`
	Standing        Standing        `json:"standing" enum:"in_force,ending,applied,declined,ended"`
	Admission       Admission       `json:"admission"`          // of the version that is in force, or else of the newest
	Newest          int64           `json:"newest"`             // number of the newest version: what an edit must have seen
	Proposal        *Admission      `json:"proposal,omitempty"` // waits for a decision
}

// Register lists every item that was ever proposed, by code, with how it stands.
func (s *Snapshot) Register(at time.Time) []Listed {
	out := make([]Listed, 0, len(s.items))
	for key, versions := range s.items {
		newest := versions[len(versions)-1].item
		shown, err := s.Item(key, at)
		inForce := err == nil
		if !inForce {
			shown = newest
		}
		l := Listed{Key: key, Code: shown.Code, Function: shown.Function, Name: shown.Name, Flow: shown.Flow, Public: shown.Public,
			Confidentiality: shown.Confidentiality.Kind(), Admission: shown.Admission, Newest: newest.Admission.Version}
		if a := newest.Admission; a.Status == StatusProposed {
			l.Proposal = &a
		}
		switch a := shown.Admission; {
		case inForce && !a.Until.IsZero() && a.Until.Sub(at) <= endingSoon:
			l.Standing = Ending
		case inForce:
			l.Standing = InForce
		case a.Status == StatusProposed && !slices.ContainsFunc(versions, func(v *version) bool { return v.item.wasAdmitted() }):
			l.Standing = Applied
		case a.Status == StatusDeclined && !slices.ContainsFunc(versions, func(v *version) bool { return v.item.wasAdmitted() }):
			l.Standing = Declined
		default:
			l.Standing = Ended
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Listed) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Key, b.Key)) })
	return out
}

func (i Item) wasAdmitted() bool {
	return i.Admission.Status == StatusDefault || i.Admission.Status == StatusAdmitted
}
