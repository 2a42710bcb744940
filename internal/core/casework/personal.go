package casework

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "casework", Fields: []personal.Field{
		{Key: "case_party.name", Name: words.Text{Chinese: "报事人姓名", English: "Name of the reporter"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem, Sealed: true},
		{Key: "case_party.phone", Name: words.Text{Chinese: "报事人电话", English: "Phone of the reporter"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case", "follow_case"}, Retention: personal.OfItem, Sealed: true},
		{Key: "case_party.phone_index", Name: words.Text{Chinese: "电话的查找摘要", English: "Digest to find a phone by"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"follow_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_party.name_mask", Name: words.Text{Chinese: "打码的姓名", English: "Masked name"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_party.phone_mask", Name: words.Text{Chinese: "打码的电话", English: "Masked phone"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_party.form", Name: words.Text{Chinese: "表单里的个人信息", English: "Personal answers of a form"}, Level: personal.Sensitive, Whose: personal.Resident,
			Purposes: []string{"give_service"}, Retention: personal.OfItem, Sealed: true},
		{Key: "cases.title", Name: words.Text{Chinese: "事情的题目", English: "Title of a case"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "cases.text", Name: words.Text{Chinese: "报事内容", English: "Words of a report"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "cases.place", Name: words.Text{Chinese: "地点描述", English: "Place in words"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "cases.lon", Name: words.Text{Chinese: "地点经度", English: "Longitude of the place"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "cases.lat", Name: words.Text{Chinese: "地点纬度", English: "Latitude of the place"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "cases.facets", Name: words.Text{Chinese: "答复、评价和经办人", English: "Answers, rating and who acted"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case", "trace"}, Retention: personal.OfItem},
		{Key: "cases.person_id", Name: words.Text{Chinese: "经办人", English: "Who took it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "journal"},
		{Key: "case_claim.person_id", Name: words.Text{Chinese: "谁认领了", English: "Who claimed it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "journal"},
		{Key: "case_named.person_id", Name: words.Text{Chinese: "指定可以看的人", English: "Who is named on it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"hold_post"}, Retention: "journal"},
		{Key: "case_file.blob", Name: words.Text{Chinese: "照片原件", English: "Original photo"}, Level: personal.Sensitive, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: "photo_original"},
		{Key: "case_file.view", Name: words.Text{Chinese: "照片", English: "Photo"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "case_file.thumb", Name: words.Text{Chinese: "照片小图", English: "Small photo"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "case_file.lon", Name: words.Text{Chinese: "拍照位置经度", English: "Longitude of a shot"}, Level: personal.Sensitive, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "case_file.lat", Name: words.Text{Chinese: "拍照位置纬度", English: "Latitude of a shot"}, Level: personal.Sensitive, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
		{Key: "case_file.person_id", Name: words.Text{Chinese: "谁上传的", English: "Who uploaded it"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "journal"},
		{Key: "case_file.owner", Name: words.Text{Chinese: "居民浏览器的标记", English: "Mark of a resident’s browser"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"follow_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_link.secret", Name: words.Text{Chinese: "查询链接摘要", English: "Digest of a private link"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"follow_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_link.cookie", Name: words.Text{Chinese: "查询凭据摘要", English: "Digest of its cookie"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"follow_case"}, Retention: personal.OfItem, Masked: true},
		{Key: "case_search.terms", Name: words.Text{Chinese: "搜索词", English: "Search terms"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: personal.OfItem},
	}, Plain: []string{"cases.number", "cases.task", "cases.priority", "cases.channel", "cases.clock_kind", "cases.clock_row", "cases.clock_limit", "cases.clock_calendar", "cases.verify_state", "cases.check_state", "case_clock", "case_dispatch", "case_file.media", "case_external"}}
}
