package duty

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "duty", Fields: []personal.Field{
		{Key: "duty_roster.pattern", Name: words.Text{Chinese: "班组里有谁", English: "Who is in a crew"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "post_holding"},
		{Key: "duty_turn.person", Name: words.Text{Chinese: "谁值班", English: "Who is on duty"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work", "hold_post"}, Retention: "work_record"},
		{Key: "duty_swap.asker", Name: words.Text{Chinese: "谁要换班", English: "Who asks for a swap"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "work_record"},
		{Key: "duty_swap.other", Name: words.Text{Chinese: "和谁换班", English: "Who is asked to swap"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "work_record"},
		{Key: "duty_swap.why", Name: words.Text{Chinese: "换班理由", English: "Why somebody swaps"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "work_record"},
		{Key: "duty_swap.decider", Name: words.Text{Chinese: "谁批准的换班", English: "Who decided a swap"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "work_record"},
		{Key: "duty_note.author", Name: words.Text{Chinese: "谁写的交接班", English: "Who wrote a handover"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "work_record"},
		{Key: "duty_note.body", Name: words.Text{Chinese: "交接班内容", English: "Words of a handover"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: "work_record"},
		{Key: "duty_note.confirmed_by", Name: words.Text{Chinese: "谁接的班", English: "Who took over"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "work_record"},
		{Key: "duty_note.remark", Name: words.Text{Chinese: "接班备注", English: "Remark of who took over"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: "work_record"},
	}, Plain: []string{"duty_roster.name_zh", "duty_roster.name_en", "duty_shift", "duty_turn.shift", "duty_turn.roster", "duty_swap.roster", "duty_swap.turn", "duty_swap.for_turn", "duty_note.roster", "duty_note.shift"}}
}
