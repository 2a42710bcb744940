package app

import (
	"context"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/notice"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// people shows the cases to the register of personal data.
type people struct {
	*casework.Desk
	a *App
}

func (p people) ErasePerson(ctx context.Context, by journal.By, cases []id.ID, why string) (int, error) {
	n, err := p.EraseAll(ctx, p.a.DB, p.a.Erasures(), by, cases, why)
	p.a.runner.Wake() // the bytes of files follow
	return n, err
}

// retained are the steps of rooms that stand below the register.
func (a *App) retained() []registry.Step {
	counted := func(key string, name words.Text, class string, end func(tx *db.Tx, before time.Time, limit int, count bool) (int, error)) registry.Step {
		return registry.Step{Key: key, Name: name, Classes: []string{class},
			Count: func(tx *db.Tx, _ registry.Class, before time.Time) (int, error) { return end(tx, before, 0, true) },
			Sweep: func(tx *db.Tx, _ journal.By, _ registry.Class, before time.Time, limit int) (int, error) {
				return end(tx, before, limit, false)
			}}
	}
	told := notice.Ended()
	return []registry.Step{
		counted("httpx.receipts", words.Text{Chinese: "命令回执", English: "Receipts of commands"}, "receipt", httpx.EndReceipts),
		counted("access.devices", words.Text{Chinese: "登录设备和一次性链接", English: "Devices and one-time links"}, "sign_in_device", a.Access.EndDevices),
		counted("access.accounts", words.Text{Chinese: "停用的账号", English: "Disabled accounts"}, "account", a.Access.EndAccounts),
		counted("notice.contacts", words.Text{Chinese: "已离开的人的联系方式", English: "How people who left are reached"}, "account",
			func(tx *db.Tx, before time.Time, _ int, count bool) (int, error) {
				people, err := a.Access.EndedPeople(tx, before)
				if err != nil {
					return 0, err
				}
				return a.Notices.ForgetPeople(tx, people, count)
			}),
		registry.EndsRows("duty.work", words.Text{Chinese: "值班记录", English: "Records of duty"}, "work_record", duty.Ended()...),
		registry.EndsRows("notice.messages", words.Text{Chinese: "消息和发送记录", English: "Messages and their deliveries"}, "message", told["message"]...),
		registry.EndsRows("notice.browsers", words.Text{Chinese: "收推送的浏览器", English: "Browsers that are pushed to"}, "sign_in_device", told["sign_in_device"]...),
		registry.EndsRows("notice.consents", words.Text{Chinese: "短信同意", English: "Consents to text messages"}, "consent_record", told["consent_record"]...),
		counted("access.alarms", words.Text{Chinese: "异常使用提醒", English: "Alarms on unusual use"}, "access_log", a.Access.EndAlarms),
		registry.EndsRows("access.reviews", words.Text{Chinese: "权限使用和复核记录", English: "Use of rights and reviews"}, "access_log", access.Ended()...),
	}
}

// Retain ends all data whose term is over (see registry.Retain). progress may be
// nil.
func (a *App) Retain(ctx context.Context, by journal.By, dry bool, progress func(l registry.Line)) (registry.Run, error) {
	var classes map[string]bool
	err := a.DB.Read(ctx, func(tx *db.Tx) (err error) { classes, err = a.Cases.RetainedClasses(tx); return err })
	if err != nil {
		return registry.Run{}, err
	}
	return a.Registry.Retain(ctx, a.DB, by, dry, classes, progress)
}
