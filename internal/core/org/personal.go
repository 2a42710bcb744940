package org

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "org", Fields: []personal.Field{
		{Key: "org_person.name", Name: words.Text{Chinese: "工作人员姓名", English: "Name of a member of staff"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "post_holding"},
		{Key: "org_holding.person", Name: words.Text{Chinese: "任职的人", English: "Who held a post"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "post_holding"},
		{Key: "org_holding.principal", Name: words.Text{Chinese: "委托人", English: "Who delegated a post"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "post_holding"},
		{Key: "org_holding.why", Name: words.Text{Chinese: "委托理由", English: "Why it was delegated"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "post_holding"},
		{Key: "org_member.person", Name: words.Text{Chinese: "组织和小组的成员", English: "Members of groups"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "post_holding"},
		{Key: "org_skill.subject", Name: words.Text{Chinese: "特长是谁的", English: "Whose skill"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "post_holding"},
		{Key: "org_skill.skill", Name: words.Text{Chinese: "特长", English: "Skill"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"arrange_work"}, Retention: "post_holding"},
		{Key: "org_act.person", Name: words.Text{Chinese: "谁做的调整", English: "Who reorganised"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
		{Key: "org_act.via", Name: words.Text{Chinese: "调整从哪里录入", English: "Where a reorganisation was entered"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
		{Key: "org_act.why", Name: words.Text{Chinese: "调整理由", English: "Why it was reorganised"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
	}, Plain: []string{"org_unit", "org_division", "org_platform_village", "org_post", "org_inheritance", "org_staffing_rule", "org_term", "org_group", "org_member.grp", "org_skill.noted", "org_act.tree", "org_act.content", "org_act_node", "org_unit_past", "org_holding.part"}}
}
