package journal

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "journal", Fields: []personal.Field{
		{Key: "journal_entry.person_id", Name: words.Text{Chinese: "谁操作的", English: "Who acted"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "journal_entry.via", Name: words.Text{Chinese: "从哪里操作的", English: "Where from"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "journal_entry.sight", Name: words.Text{Chinese: "谁可以看", English: "Who may see it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "journal_sight.sight", Name: words.Text{Chinese: "谁可以看", English: "Who may see it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "journal_body.content", Name: words.Text{Chinese: "日志内容", English: "Content of an entry"}, Level: personal.Sensitive, Whose: personal.Anyone,
			Purposes: []string{"handle_case", "trace"}, Retention: personal.OfItem},
	}, Plain: []string{"journal_entry.subject", "journal_entry.before", "journal_entry.facts", "journal_entry.body_digest", "journal_sight.key", "journal_seal", "journal_head"}}
}
