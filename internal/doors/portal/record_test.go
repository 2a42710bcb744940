package portal

import (
	"net/url"
	"strings"
	"testing"

	"onegrid/internal/kit/db"
)

// Whoever reported reads who opened the own data, takes a copy, and asks; a
// stranger gets nothing of it.
func TestTheOwnRecord(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		sent := b.post("/report", b.report(url.Values{"phone": {"137 0000 0029"}, "text": {"门口的灯不亮"}}))
		number := sent.number()
		if number == "" {
			h.Fatalf("no number: %s", sent.body)
		}
		at := "/my/" + number + "/record"
		b.shows(b.get(at), 200, "还没有人打开过您的信息", "下载我的数据", "觉得不对？告诉我们", "更正", "删除", "投诉")
		b.hides(b.get(at), "不再同意</span>", "13700000029")
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.Reveal(tx, h.as(tx, "village"), h.caseOf(tx, number), "contact", "内部的理由")
			return err
		})
		page := b.get(at)
		b.shows(page, 200, "近 30 天，1 次", "岗位village", "联系报事人", "看到：报事人电话")
		b.hides(page, "内部的理由", "演示-", "13700000029")

		ask := url.Values{"key": {strings.Fields(page.hidden("key"))[0]}, "kind": {"correct"}, "words": {""}}
		b.shows(b.post("/my/"+number+"/requests", ask), 422, "告诉我们")
		ask.Set("words", "地址写错了")
		ask.Set("key", h.portal.newKey())
		b.shows(b.post("/my/"+number+"/requests", ask), 200, "收到了", "地址写错了", "等答复")
		b.post("/my/"+number+"/requests", ask) // pressed twice
		ask.Set("key", h.portal.newKey())
		b.shows(b.post("/my/"+number+"/requests", ask), 409, "还在等答复")
		ask.Set("kind", "dragons")
		b.shows(b.post("/my/"+number+"/requests", ask), 422)

		copied := b.post("/my/"+number+"/record.json", url.Values{})
		b.shows(copied, 200, "13700000029", "门口的灯不亮", `"reads"`)
		if !strings.Contains(copied.header.Get("Content-Disposition"), "attachment") {
			h.Errorf("not a file: %v", copied.header)
		}
		for _, path := range []string{at, "/api/public/reports/" + number + "/record"} {
			if a := h.browser().get(path); a.status != 404 {
				h.Errorf("a stranger reads %s: %d", path, a.status)
			}
		}
		if a := h.browser().post("/my/"+number+"/record.json", url.Values{}); a.status != 404 {
			h.Errorf("a stranger takes a copy: %d", a.status)
		}
	})
}
