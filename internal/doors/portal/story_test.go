package portal

import (
	"bytes"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// as is an actor at the post of that name.
func (h *house) as(tx *db.Tx, who string) *access.Actor {
	h.Helper()
	by, err := h.access.Actor(tx, h.who[who], h.posts[who])
	h.must(err)
	return by
}

// finishes brings a reported case to its end, with a photo of after.
func (h *house) finishes(number string) {
	h.Helper()
	h.does("village", number, casework.Act{Move: "accept"})
	h.does("task", number, casework.Act{Move: "verify", Result: casework.Pass, Note: "内部核实"})
	h.does("village", number, casework.Act{Move: "file"})
	h.does("village", number, casework.Act{Move: "dispatch", Post: h.posts["works"]})
	h.does("works", number, casework.Act{Move: "take"})
	h.does("works", number, casework.Act{Move: "handle"})
	var kept casework.File
	h.write(func(tx *db.Tx) error {
		f, err := h.desk.KeepPicture(h.ctx, bytes.NewReader(photo(h, 9)), h.files)
		if err != nil {
			return err
		}
		f.Kind = "after"
		if kept, err = h.desk.AddFile(tx, h.as(tx, "works"), f, ""); err != nil {
			return err
		}
		_, err = h.desk.Move(tx, h.as(tx, "works"), h.caseOf(tx, number),
			casework.Act{Move: "done", Note: "内部记录", ResidentText: "已经清运干净。", Files: []id.ID{kept.ID}}, nil)
		return err
	})
	h.does("task", number, casework.Act{Move: "check", Result: casework.Pass, Note: "内部核查"})
	h.does("village", number, casework.Act{Move: "close"})
	h.runs()
	h.write(func(tx *db.Tx) error {
		proposed, err := h.desk.PrepareCopy(tx, h.as(tx, "village"), kept.ID)
		if err != nil {
			return err
		}
		_, err = h.desk.ReleaseCopy(tx, h.as(tx, "village"), kept.ID, nil, proposed.Version)
		return err
	})
	h.runs()
}

// runs does the jobs that wait.
func (h *house) runs() {
	h.Helper()
	runner := jobs.NewRunner(h.db, jobs.Options{})
	h.desk.Jobs(runner, h.db)
	for {
		n, err := runner.Step(h.ctx)
		h.must(err)
		if n == 0 {
			return
		}
	}
}

// A resident reports with a photo, follows it until it is closed, rates it,
// says that it is not solved after all, and learns who read her phone number.
// All of it with forms and links alone.
func TestResidentReportsAndFollows(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		b.shows(b.get("/"), 200, "报一件事", "查进度")
		sent := b.upload("/report", b.report(url.Values{"phone": {"137-0000-0023"}}), photo(t, 1), photo(t, 2))
		b.shows(sent, 200, "收到了", "预计", "前办好", "私密链接")
		number := sent.number()
		if number == "" || sent.link() == "" {
			h.Fatalf("no number or link: %s", sent.body)
		}
		b.shows(b.get("/"), 200, "我报的", "/my/"+number, "垃圾堆了三天")
		mine := b.get("/my/" + number)
		b.shows(mine, 200, "垃圾堆了三天", "鹊山东社区 · 东门外", "已上报", "预计", "等值班岗看过", "还没有人打开过", "不用办了", "补充一句")
		b.hides(mine, "请您评价", "13700000023", "岗位village", "演示-")
		p := h.page(number)
		if len(p.Files) != 2 || p.Files[0].State != casework.FileQuarantine || p.Reporter == nil || p.Reporter.Phone != "137****0023" || p.Case.Channel != "portal" {
			h.Fatalf("stored as %+v %+v", p.Case, p.Files)
		}
		picture := "/api/public/reports/" + number + "/files/" + p.Files[0].ID.String() + "?size=thumb"
		if img := b.get(picture); img.status != 200 || img.header.Get("Content-Type") != "image/jpeg" || !strings.Contains(img.header.Get("Content-Security-Policy"), "sandbox") {
			h.Fatalf("the own photo: %d %v", img.status, img.header)
		}
		if img := h.browser().get(picture); img.status != 404 {
			h.Fatalf("a stranger gets the photo: %d", img.status)
		}

		more := url.Values{"key": {mine.hidden("key")}, "text": {"旁边还有一堆"}}
		more.Set("key", strings.Fields(more.Get("key"))[0])
		b.shows(b.upload("/my/"+number+"/comments", more, photo(t, 3)), 200, "补充的内容已经放进", "旁边还有一堆")
		b.upload("/my/"+number+"/comments", more, photo(t, 3))
		if n := strings.Count(b.get("/my/"+number).body, "旁边还有一堆"); n != 1 {
			h.Fatalf("pressed twice, said %d times", n)
		}

		h.finishes(number)
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.Reveal(tx, h.as(tx, "village"), h.caseOf(tx, number), "contact", "回访")
			return err
		})
		done := b.get("/my/" + number)
		b.shows(done, 200, "已办结", "已经清运干净。", "请您评价", "办好以后", "没有解决", "岗位village", "联系报事人")
		b.hides(done, "内部", "演示-", "13700000023", "不用办了", "补充一句")
		rate := url.Values{"key": {strings.Fields(done.hidden("key"))[0]}, "words": {"谢谢"}}
		b.shows(b.post("/my/"+number+"/rate", rate), 422, "请选一项", "谢谢")
		rate.Set("score", "4")
		b.shows(b.post("/my/"+number+"/rate", rate), 200, "评价收到了", "您的评价：满意", "谢谢")
		b.shows(b.post("/my/"+number+"/rate", rate), 200, "评价收到了") // pressed twice
		rate.Set("key", h.portal.newKey())
		b.shows(b.post("/my/"+number+"/rate", rate), 409, "已经评价过了")

		object := url.Values{"key": {h.portal.newKey()}, "object": {""}}
		b.shows(b.post("/my/"+number+"/object", object), 422, "请写清楚哪里没好", "<details open>")
		object.Set("object", "角落里还有")
		b.shows(b.post("/my/"+number+"/object", object), 200, "这件事重新在办", "角落里还有")
		if c := h.page(number).Case; c.State != casework.Filed {
			h.Fatalf("after the objection %s", c.State)
		}
	})
}

// The promised time that has passed is admitted on the page.
func TestLateIsSaid(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	number := b.upload("/report", b.report(nil)).number()
	for _, m := range []string{"accept", "file"} {
		if m == "file" {
			h.does("task", number, casework.Act{Move: "verify", Result: casework.Pass, Note: "x"})
		}
		h.does("village", number, casework.Act{Move: m})
	}
	h.does("village", number, casework.Act{Move: "dispatch", Post: h.posts["works"]})
	page := b.get("/my/" + number)
	b.shows(page, 200, "前办好", "到时没办", `<li class="now" aria-current="step">`)
	b.hides(page, "预计", "不用办了", "已经过了")
	h.clock.Add(60 * 24 * time.Hour)
	b.shows(b.get("/my/"+number), 200, "已经过了答应的时间", "对不起")
}

// What is refused says why and how to object; what was taken back shows only
// where it had been.
func TestRefusedAndWithdrawn(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		number := b.upload("/report", b.report(nil)).number()
		h.does("village", number, casework.Act{Move: "refuse", Reason: "refuse_outside", Note: "内部备注", ResidentText: "请找物业。"})
		page := b.get("/my/" + number)
		b.shows(page, 200, "不予受理", "请找物业。", "没有解决")
		b.hides(page, "内部备注", "已派出", "办完了", "请您评价")

		number = b.upload("/report", b.report(url.Values{"text": {"另一件"}})).number()
		back := url.Values{"key": {h.portal.newKey()}}
		b.shows(b.post("/my/"+number+"/withdraw", back), 422, "请选一项")
		back.Set("reason", "withdraw_dispatch") // the desk's reason, not a resident's
		if a := b.post("/my/"+number+"/withdraw", back); a.status != 409 && a.status != 422 {
			h.Fatalf("withdrawn for the desk's reason: %d", a.status)
		}
		back.Set("reason", "withdraw_solved")
		page = b.post("/my/"+number+"/withdraw", back)
		b.shows(page, 200, "已经撤回", "不再办理")
		b.hides(page, "已派出", "补充一句", "不用办了")
		if c := h.page(number).Case; c.State != casework.Withdrawn {
			h.Fatalf("withdrawn is %s", c.State)
		}
	})
}

// Where the check is the resident's own word, she is asked for it.
func TestResidentConfirms(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	number := b.upload("/report", b.report(url.Values{"what": {"errand"}, "text": {"请帮忙买药"}, "phone": {"13700000023"}})).number()
	h.does("village", number, casework.Act{Move: "accept"})
	h.does("village", number, casework.Act{Move: "file"})
	h.does("village", number, casework.Act{Move: "dispatch", Post: h.posts["officer"]})
	h.does("officer", number, casework.Act{Move: "take"})
	h.does("officer", number, casework.Act{Move: "handle"})
	h.does("officer", number, casework.Act{Move: "done", Note: "已送到", ResidentText: "药已送到。", Evidence: []string{"signature", "consent", "record"}})
	b.shows(b.get("/my/"+number), 200, "解决了吗", "药已送到。")
	say := url.Values{"key": {h.portal.newKey()}, "solved": {"no"}}
	b.shows(b.post("/my/"+number+"/confirm", say), 422, "请写清楚哪里没好")
	say.Set("solved", "yes")
	b.shows(b.post("/my/"+number+"/confirm", say), 200, "收到您的答复")
	if c := h.page(number).Case; c.Check != casework.Pass {
		h.Fatalf("the check is %q", c.Check)
	}
}

// The link is shown once, survives previews, belongs to the first browser that
// presses the button, and can be changed and recovered.
func TestPrivateLink(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		sent := b.upload("/report", b.report(url.Values{"phone": {"13700000023"}}))
		number, link := sent.number(), sent.link()
		for range 3 { // previews of message apps, with and without cookies
			preview := h.browser()
			a := preview.get(link)
			b.shows(a, 200, "打开您报的事")
			if a.path != "/r" || strings.Contains(a.body, strings.TrimPrefix(link, "/r/")) {
				h.Fatalf("the secret stays in sight at %s", a.path)
			}
		}
		phone := h.browser()
		phone.get(link)
		a := phone.post("/r", nil)
		phone.shows(a, 200, "垃圾堆了三天")
		if a.path != "/my/"+number {
			h.Fatalf("led to %s", a.path)
		}
		phone.get(link)
		phone.shows(phone.post("/r", nil), 200, "垃圾堆了三天") // pressed twice
		other := h.browser()
		other.get(link)
		other.shows(other.post("/r", nil), 404, "已经用过")
		other.shows(h.browser().post("/r", nil), 404, "没有要打开的链接")
		other.shows(other.get("/r/AAAAAAAAAAAAAAAAAAAAAA"), 200, "打开您报的事")
		other.shows(other.post("/r", nil), 404, "已经用过") // a guess looks the same
		other.shows(other.get("/r/short"), 404, "已经用过")

		// A wrong number, somebody else's and a number alone are all the same.
		theirs, wrong, none := other.get("/my/"+number), other.get("/my/20261124-2222222-2"), other.get("/my/x")
		if cut(theirs) != cut(wrong) || cut(theirs) != cut(none) || theirs.status != 404 {
			h.Fatalf("told apart: %d %d %d\n%s\n%s", theirs.status, wrong.status, none.status, theirs.body, wrong.body)
		}

		before := phone.cookies()
		renewed := phone.post("/my/"+number+"/revoke", nil)
		twice := h.browser()
		twice.takes(before) // the first answer was lost: the old cookie is sent again
		twice.shows(twice.post("/my/"+number+"/revoke", nil), 200, "旧链接", renewed.link())
		twice.shows(twice.get("/my/"+number), 200, "垃圾堆了三天")
		h.clock.Add(2 * time.Minute)
		twice.takes(before)
		twice.shows(twice.post("/my/"+number+"/revoke", nil), 404, "没有找到")
		phone.shows(renewed, 200, "旧链接", "/r/")
		phone.shows(phone.get("/my/"+number), 200, "垃圾堆了三天")
		b.shows(b.get("/my/"+number), 404, "没有找到")
		b.hides(b.get("/"), number)

		lost := h.browser()
		v := url.Values{"number": {strings.ToLower(strings.ReplaceAll(number, "-", " "))}, "phone": {"137 0000 0029"}}
		lost.shows(lost.post("/recover", v), 422, "对不上", v.Get("number"))
		v.Set("phone", "+86 137 0000 0023")
		found := lost.post("/recover", v)
		lost.shows(found, 200, "找回来了", "/r/")
		lost.shows(lost.get("/my/"+number), 200, "垃圾堆了三天")
		phone.shows(phone.get("/my/"+number), 404, "没有找到")
		other.get(renewed.link())
		other.shows(other.post("/r", nil), 404, "已经用过")
		other.get(found.link())
		other.shows(other.post("/r", nil), 200, "垃圾堆了三天")

		v.Set("phone", "13700000001")
		last := 0
		for range 6 {
			last = lost.post("/recover", v).status
		}
		if last != 429 {
			h.Fatalf("the number was tried without end: %d", last)
		}
		lost.shows(lost.post("/recover", url.Values{"number": {number[:len(number)-1] + "?"}, "phone": {"1"}}), 422, "编号不对")
	})
}

// cut leaves out what differs from page to page.
func cut(a answer) string {
	body, _, _ := strings.Cut(a.body, `<p class="code">`)
	_, body, _ = strings.Cut(body, "<main")
	return body
}

// The button pressed twice makes one report; sent again with other words it is
// refused and says the number; each answer has a link that works.
func TestSentTwice(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		v := b.report(nil)
		one := b.upload("/report", v)
		two := b.upload("/report", v, photo(t, 1))
		if one.number() == "" || one.number() != two.number() || h.cases() != 1 {
			h.Fatalf("%s and %s, %d cases", one.number(), two.number(), h.cases())
		}
		for _, a := range []answer{one, two} {
			o := h.browser()
			o.get(a.link())
			o.shows(o.post("/r", nil), 200, "垃圾堆了三天")
		}
		// At the very same instant, too: the second press cancels the first in
		// the browser, not on the way.
		w := b.report(url.Values{"text": {"同时"}})
		numbers := make([]string, 4)
		var wg sync.WaitGroup
		for i := range numbers {
			wg.Go(func() { numbers[i] = b.upload("/report", w, photo(t, 5)).number() })
		}
		wg.Wait()
		for _, n := range numbers {
			if n == "" || n != numbers[0] {
				h.Fatalf("four presses gave %v", numbers)
			}
		}
		if n := h.cases(); n != 2 {
			h.Fatalf("%d cases", n)
		}
		// Nobody who merely knows the id can do the same: the id does not give the key.
		v.Set("text", "完全不同的话")
		b.shows(b.upload("/report", v), 409, "已经报过了", one.number(), "完全不同的话")
		if h.cases() != 2 {
			h.Fatalf("%d cases", h.cases())
		}
	})
}
