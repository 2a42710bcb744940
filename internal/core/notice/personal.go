package notice

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "notice", Fields: []personal.Field{
		{Key: "notice.recipient", Name: words.Text{Chinese: "消息发给谁", English: "Whom a message is for"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff", "follow_case"}, Retention: "message"},
		{Key: "notice.person_id", Name: words.Text{Chinese: "收到消息的人", English: "Who has a message"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice.subject", Name: words.Text{Chinese: "消息说的是什么", English: "What a message is about"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff", "follow_case"}, Retention: "message"},
		{Key: "notice.vars", Name: words.Text{Chinese: "消息里填的内容", English: "What a message says"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff", "follow_case"}, Retention: "message"},
		{Key: "notice.held", Name: words.Text{Chinese: "消息为什么等着", English: "Why a message waits"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice.acted_by", Name: words.Text{Chinese: "谁处理了消息", English: "Who acted on a message"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "message"},
		{Key: "notice_delivery.target", Name: words.Text{Chinese: "发到哪台设备", English: "Device a message went to"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice_contact.person", Name: words.Text{Chinese: "联系方式是谁的", English: "Whose contact"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "account"},
		{Key: "notice_contact.channel", Name: words.Text{Chinese: "用什么方式联系", English: "How somebody is reached"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "account"},
		{Key: "notice_contact.address", Name: words.Text{Chinese: "工作人员的电话和邮箱", English: "Phone and mail of a member of staff"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "account", Sealed: true},
		{Key: "notice_contact.mask", Name: words.Text{Chinese: "打码的电话和邮箱", English: "Masked phone and mail"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "account", Masked: true},
		{Key: "notice_push.person", Name: words.Text{Chinese: "谁的浏览器收推送", English: "Whose browser is pushed to"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "sign_in_device"},
		{Key: "notice_push.endpoint", Name: words.Text{Chinese: "推送地址的查找摘要", English: "Digest to find a push address by"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "sign_in_device", Masked: true},
		{Key: "notice_push.sealed", Name: words.Text{Chinese: "推送地址和密钥", English: "Push address and its keys"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "sign_in_device", Sealed: true},
		{Key: "notice_push.label", Name: words.Text{Chinese: "收推送的设备名称", English: "Name of a device that is pushed to"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"reach_staff"}, Retention: "sign_in_device"},
		{Key: "notice_message.title_zh", Name: words.Text{Chinese: "通知标题（中文）", English: "Heading of a message (Chinese)"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice_message.title_en", Name: words.Text{Chinese: "通知标题（英文）", English: "Heading of a message (English)"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice_message.body_zh", Name: words.Text{Chinese: "通知正文（中文）", English: "Words of a message (Chinese)"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice_message.body_en", Name: words.Text{Chinese: "通知正文（英文）", English: "Words of a message (English)"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"reach_staff"}, Retention: "message"},
		{Key: "notice_message.author", Name: words.Text{Chinese: "谁写的通知", English: "Who wrote a message"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "message"},
		{Key: "notice_message.author_for", Name: words.Text{Chinese: "写通知的人代谁", English: "For whom the author stood in"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "message"},
		{Key: "notice_message.decider", Name: words.Text{Chinese: "谁批的通知", English: "Who decided on a message"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "message"},
		{Key: "notice_message.remark", Name: words.Text{Chinese: "批通知的意见", English: "What was said to a message"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "message"},
		{Key: "notice_consent.language", Name: words.Text{Chinese: "短信用哪种语言", English: "Language of text messages"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"follow_case"}, Retention: "consent_record"},
	}, Plain: []string{"notice.template", "notice.joined", "notice.only_channel", "notice_delivery.notice", "notice_delivery.channel", "notice_delivery.reason", "notice_part", "notice_template", "notice_setting", "notice_message.scope", "notice_message.roles", "notice_message.done_to"}}
}
