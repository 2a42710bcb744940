package access

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "access", Fields: []personal.Field{
		{Key: "access_account.person", Name: words.Text{Chinese: "账号属于谁", English: "Whose account"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account"},
		{Key: "access_account.name", Name: words.Text{Chinese: "登录名", English: "Sign-in name"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account"},
		{Key: "access_account.password", Name: words.Text{Chinese: "密码摘要", English: "Digest of the password"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account", Masked: true},
		{Key: "access_account.totp", Name: words.Text{Chinese: "第二因素", English: "Second factor"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account", Sealed: true},
		{Key: "access_account.recovery", Name: words.Text{Chinese: "恢复码摘要", English: "Digests of recovery codes"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account", Masked: true},
		{Key: "access_account.language", Name: words.Text{Chinese: "界面语言", English: "Language"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "account"},
		{Key: "access_account.created_by", Name: words.Text{Chinese: "账号建立人", English: "Who made the account"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "account"},
		{Key: "access_device.account", Name: words.Text{Chinese: "常用设备", English: "Known devices"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device", Masked: true},
		{Key: "access_enrolment.account", Name: words.Text{Chinese: "一次性链接给谁", English: "Whom a one-time link is for"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device"},
		{Key: "access_enrolment.password", Name: words.Text{Chinese: "还没确认的密码摘要", English: "Digest of a password not yet confirmed"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device", Masked: true},
		{Key: "access_enrolment.totp", Name: words.Text{Chinese: "还没确认的第二因素", English: "Second factor not yet confirmed"}, Level: personal.Sensitive, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device", Sealed: true},
		{Key: "access_session.account", Name: words.Text{Chinese: "登录状态", English: "Sessions"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device"},
		{Key: "access_session.person", Name: words.Text{Chinese: "谁在线", English: "Who is signed in"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device"},
		{Key: "access_session.via", Name: words.Text{Chinese: "从哪个端登录", English: "Which app"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"sign_in"}, Retention: "sign_in_device"},
		{Key: "access_grant.person", Name: words.Text{Chinese: "授权给谁", English: "Who holds a grant"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "post_holding"},
		{Key: "access_grant.given_by", Name: words.Text{Chinese: "授权人", English: "Who gave a grant"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "post_holding"},
		{Key: "access_grant.why", Name: words.Text{Chinese: "授权理由", English: "Why it was given"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "post_holding"},
	}, Plain: []string{"access_role.body"}}
}
