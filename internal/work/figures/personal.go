package figures

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people: figures are counts; a
// round says who of the staff made, objected and decided, and an objection's
// words may name somebody.
func Personal() personal.Room {
	staff := func(key, zh, en string) personal.Field {
		return personal.Field{Key: key, Name: words.Text{Chinese: zh, English: en}, Level: personal.Basic, Whose: personal.Staff, Purposes: []string{"trace"}, Retention: "journal"}
	}
	return personal.Room{Name: "figures", Fields: []personal.Field{
		staff("fig_round.person_id", "谁组织的考评", "Who made an evaluation"),
		staff("fig_objection.person_id", "谁提出的申诉", "Who lodged an objection"),
		staff("fig_objection.decided_by", "谁处理的申诉", "Who decided an objection"),
		{Key: "fig_objection.reason", Name: words.Text{Chinese: "申诉理由", English: "Reason of an objection"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "fig_objection.note", Name: words.Text{Chinese: "申诉处理意见", English: "Words of the decision on an objection"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"trace"}, Retention: "journal"},
	}, Plain: []string{"fig_count", "fig_time", "fig_cursor", "fig_place", "fig_what", "fig_act", "fig_open", "fig_open_month",
		"fig_round.name_zh", "fig_round.name_en", "fig_round.units", "fig_round.rule", "fig_round.state", "fig_round.for_id", "fig_round.result",
		"fig_objection.rate", "fig_objection.for_id", "fig_objection.state", "fig_objection.effect"}}
}
