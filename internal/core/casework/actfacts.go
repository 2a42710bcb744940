package casework

import "onegrid/internal/kit/id"

// ActFacts are the non-personal facts of an act that figures count. Every
// case.* entry of the journal carries them as journal.Entry.Facts: they stay
// with the entry when its body is erased, so that all figures can be recomputed.
type ActFacts struct {
	Flow      string `json:"flow,omitempty"`
	Item      string `json:"item,omitempty"`
	Condition string `json:"condition,omitempty"`
	Channel   string `json:"channel,omitempty"`
	Priority  string `json:"priority,omitempty"`
	Reason    string `json:"reason,omitempty"`
	From      string `json:"from,omitempty"` // state before
	To        string `json:"to,omitempty"`   // state after
	Task      string `json:"task,omitempty"` // "verify" or "check" for acts on such a task

	// The stage clock that stopped with this act: accept, verify, dispatch,
	// handle or check; empty when none did.
	Stage   string `json:"stage,omitempty"`
	UsedMS  int64  `json:"used_ms,omitempty"`  // running time it used
	LimitMS int64  `json:"limit_ms,omitempty"` // running time it had; 0 without a limit
	Answers id.ID  `json:"answers,omitzero"`   // unit that had the case until then, and answers for the stage, where that is not Unit

	Late       bool   `json:"late,omitempty"`       // on case.close: the handling clock had run out at done
	Comparable bool   `json:"comparable,omitempty"` // on case.close: there was a deadline to compare with
	Untimed    bool   `json:"untimed,omitempty"`    // an imported row whose times contradict each other
	Unit       id.ID  `json:"unit,omitzero"`        // unit of the post that acted, or that owned the case
	Handler    id.ID  `json:"handler,omitzero"`     // unit that the act counts for where that is not who acted: whom a dispatch went to, who handled what is checked, closed, reopened or rated; of a merged report, who handled its main case
	Result     string `json:"result,omitempty"`     // pass or fail
	Score      int    `json:"score,omitempty"`      // on case.rate
}
