package portal

import (
	"net/url"
	"strings"
	"testing"

	"onegrid/internal/core/notice"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// bell remembers which cookies of which cases are told of news.
type bell struct {
	key  string
	told map[id.ID]map[string]notice.Subscription
}

func (b *bell) NewsKey() string { return b.key }

func (b *bell) HasNews(_ *db.Tx, caseID id.ID, cookie string) (bool, error) {
	_, on := b.told[caseID][cookie]
	return on, nil
}

func (b *bell) GiveNews(_ *db.Tx, caseID id.ID, cookie string, to notice.Subscription, _ words.Language) error {
	if b.told[caseID] == nil {
		b.told[caseID] = map[string]notice.Subscription{}
	}
	b.told[caseID][cookie] = to
	return nil
}

func (b *bell) EndNews(_ *db.Tx, caseID id.ID, cookie string) error {
	if cookie == "" {
		delete(b.told, caseID)
	} else {
		delete(b.told[caseID], cookie)
	}
	return nil
}

func (b *bell) count() (n int) {
	for _, some := range b.told {
		n += len(some)
	}
	return n
}

// A resident lets the browser at hand tell her of news and ends it again without
// a script; nobody does so for a report that is not his own, and a changed link
// ends all browsers. Only the page on which it is offered may run a script.
func TestNewsInThisBrowser(t *testing.T) {
	ring := &bell{key: "the-key", told: map[id.ID]map[string]notice.Subscription{}}
	h := build(t, db.SQLite, plan{news: ring}) // this door has no store of its own
	b := h.browser()
	sent := b.upload("/report", b.report(nil))
	number := sent.number()
	page := "/my/" + number
	at := "/api/public/reports/" + number + "/news"
	a := b.get(page)
	b.shows(a, 200, `id="news-offer" hidden`, `data-key="the-key"`, `src="/portal/news.js"`)
	if p := a.header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'self'") || strings.Contains(p, "unsafe") {
		h.Errorf("the page may run %s", p)
	}
	if p := b.get("/").header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'none'") {
		h.Errorf("the first page may run %s", p)
	}
	b.shows(b.get("/portal/news-sw.js"), 200, "showNotification")

	to := map[string]string{"endpoint": "https://push.example/1", "p256dh": "p", "auth": "a"}
	stranger := h.browser()
	if s := stranger.call("POST", at, to, nil); s != 404 {
		h.Errorf("a stranger: %d", s)
	}
	if s := stranger.post(page+"/news", url.Values{}).status; s != 404 {
		h.Errorf("a stranger ends it: %d", s)
	}
	if s := b.call("POST", at, to, nil); s != 204 || ring.count() != 1 {
		h.Fatalf("%d, %d browsers", s, ring.count())
	}
	a = b.get(page + "?done=news_on")
	b.shows(a, 200, "这个浏览器会提醒您", "不用再提醒")
	b.hides(a, "news-offer", "<script")
	b.shows(b.post(page+"/news", url.Values{"key": {a.hidden("key")[:30]}}), 200, "不再提醒", "news-offer")
	if ring.count() != 0 {
		h.Error("it was not ended")
	}
	if s := b.call("POST", at, to, nil); s != 204 || b.call("DELETE", at, nil, nil) != 204 || ring.count() != 0 {
		h.Errorf("as JSON: %d, %d browsers left", s, ring.count())
	}
	b.call("POST", at, to, nil)
	b.shows(b.post(page+"/revoke", nil), 200, "链接")
	if ring.count() != 0 {
		h.Error("a changed link leaves the old browser told")
	}
	b.shows(b.get(page), 200, "news-offer")
}

// Where no pushes can be sent nothing is offered.
func TestNoNewsWithoutAPushKey(t *testing.T) {
	h := build(t, db.SQLite, plan{news: &bell{}})
	b := h.browser()
	number := b.upload("/report", b.report(nil)).number()
	a := b.get("/my/" + number)
	b.shows(a, 200)
	b.hides(a, "news", "<script")
}
