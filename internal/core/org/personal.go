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
	}, Plain: []string{"org_unit", "org_division", "org_platform_village", "org_post", "org_inheritance", "org_staffing_rule"}}
}
