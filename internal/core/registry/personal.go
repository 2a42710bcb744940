package registry

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room itself stores about people.
func Personal() personal.Room {
	staff := func(key, zh, en, class string) personal.Field {
		return personal.Field{Key: key, Name: words.Text{Chinese: zh, English: en}, Level: personal.Basic, Whose: personal.Staff, Purposes: []string{"trace"}, Retention: class}
	}
	return personal.Room{Name: "registry", Fields: []personal.Field{
		{Key: "registry_request.words", Name: words.Text{Chinese: "个人请求的内容", English: "Words of a request"}, Level: personal.Sensitive, Whose: personal.Anyone,
			Purposes: []string{"answer_rights"}, Retention: "personal_request", Sealed: true},
		{Key: "registry_request.answer", Name: words.Text{Chinese: "对请求的答复", English: "Answer to a request"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"answer_rights"}, Retention: "personal_request"},
		staff("registry_request.account", "提出请求的账号", "Account that asked", "personal_request"),
		staff("registry_request.answered", "答复人", "Who answered", "personal_request"),
		staff("registry_agreement.applied", "协议申请人", "Who applied for an agreement", "sharing_agreement"),
		staff("registry_agreement.decided", "协议审批人", "Who decided an agreement", "sharing_agreement"),
		staff("registry_consent.recorded", "同意登记人", "Who recorded a consent", "consent_record"),
		{Key: "registry_consent.given_by", Name: words.Text{Chinese: "同意由谁给出", English: "Who consented"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"answer_rights"}, Retention: "consent_record"},
		staff("registry_hold.placed", "保留设置人", "Who placed a hold", "impact_assessment"),
		staff("registry_erasure.proposed", "删除提出人", "Who proposed an erasure", "personal_request"),
		staff("registry_erasure.decided", "删除决定人", "Who decided an erasure", "personal_request"),
	}, Plain: []string{"registry_purpose", "registry_class", "registry_run", "registry_run_line",
		"registry_agreement.purposes", "registry_agreement.fields", "registry_agreement.why", "registry_agreement.basis", "registry_agreement.decision",
		"registry_consent.way", "registry_hold.why", "registry_erasure.request", "registry_erasure.why", "registry_erasure.goes", "registry_erasure.stays"}}
}
