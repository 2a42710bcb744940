package portal

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Every page speaks both languages, remembers how somebody reads, loads nothing
// but its own style, and is kept by no cache.
func TestPagesInBothLanguages(t *testing.T) {
	h := build(t, db.SQLite, plan{demo: true})
	b := h.browser()
	number := b.upload("/report", b.report(nil)).number()
	for path, say := range map[string][2]string{
		"/": {"身边的事", "Tell your grid"}, "/report": {"报一件事", "Report something"}, "/recover": {"找回链接", "Recover the link"},
		"/items":        {"办理时限 4 个工作小时", "To be done within 4 working hours"},
		"/my/" + number: {"谁看过", "Who opened"}, "/my/20261124-2222222-2": {"打不开", "can&#39;t be opened"},
	} {
		for i, lang := range []string{"zh-CN", "en"} {
			a := b.get(path + "?lang=" + lang)
			if missing := a.has(say[i], `<html lang="`+lang+`"`); missing != "" {
				h.Errorf("%s in %s lacks %q", path, lang, missing)
			}
			if a.has(map[string]string{"zh-CN": "这是演示", "en": "This is a demo"}[lang]) != "" {
				h.Errorf("%s in %s is not marked as made up", path, lang)
			}
			if p := a.header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'self'") || !strings.Contains(p, "script-src 'none'") {
				h.Errorf("%s: policy %q", path, p)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Language") != lang {
				h.Errorf("%s: %v", path, a.header)
			}
			for _, m := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
				if !strings.HasPrefix(m[1], "/") && m[1] != "#main" || strings.HasPrefix(m[1], "//") {
					h.Errorf("%s leads outside: %s", path, m[1])
				}
			}
			if left := regexp.MustCompile(`portal\.[a-z_]+[<\s"]`).FindString(strings.ReplaceAll(a.body, "portal.not_found", "")); left != "" && !strings.Contains(left, "portal.css") {
				h.Errorf("%s in %s shows a key: %s", path, lang, left)
			}
			unlabelled(h, path, a.body)
		}
	}
	b.shows(b.get("/"), 200, `<html lang="en"`) // by the cookie
	a := b.get("/display?lang=zh-CN&size=large&back=/report")
	b.shows(a, 200, `<html lang="zh-CN" data-size="large"`, "标准字")
	if a.path != "/report" {
		h.Errorf("led back to %s", a.path)
	}
	if a := b.get("/display?size=normal&back=https://evil.example/"); a.path != "/" || a.has(`data-size="normal"`) != "" {
		h.Errorf("led to %s", a.path)
	}
	for path, kind := range map[string]string{"/portal/portal.css": "text/css; charset=utf-8", "/portal/mark.svg": "image/svg+xml"} {
		if a := b.get(path); a.status != 200 || a.header.Get("Content-Type") != kind {
			h.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
		}
	}
	h.browser().lang = "en"
	en := h.browser()
	en.lang = "en-GB,en;q=0.8"
	en.shows(en.get("/"), 200, "Tell your grid")
	req, err := http.NewRequest(http.MethodGet, h.server.URL+"/r/AAAAAAAAAAAAAAAAAAAAAA", nil)
	h.must(err)
	res, err := http.DefaultTransport.RoundTrip(req)
	h.must(err)
	h.must(res.Body.Close())
	if res.Header.Get("Referrer-Policy") != "no-referrer" || res.StatusCode != http.StatusSeeOther {
		h.Errorf("the link page tells others where one comes from: %d %v", res.StatusCode, res.Header)
	}
	for _, c := range res.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			h.Errorf("cookie %s is open to scripts or other sites", c.Name)
		}
	}
}

// unlabelled finds fields that a screen reader can't name.
func unlabelled(h *house, path, body string) {
	h.Helper()
	for _, m := range regexp.MustCompile(`<(?:input|select|textarea) ([^>]*)>`).FindAllStringSubmatch(body, -1) {
		if strings.Contains(m[1], `type="hidden"`) || strings.Contains(m[1], `type="radio"`) || strings.Contains(m[1], `type="checkbox"`) {
			continue // the latter two stand inside their labels
		}
		name := regexp.MustCompile(`id="([^"]+)"`).FindStringSubmatch(m[1])
		if name == nil || !strings.Contains(body, `<label for="`+name[1]+`"`) && !strings.Contains(body, ` for="`+name[1]+`"`) {
			h.Errorf("%s: a field without a label: %s", path, m[0])
		}
	}
	for _, m := range regexp.MustCompile(`aria-describedby="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		for _, one := range strings.Fields(m[1]) {
			if !strings.Contains(body, `id="`+one+`"`) {
				h.Errorf("%s: described by the missing %s", path, one)
			}
		}
	}
	for _, m := range regexp.MustCompile(`<img ([^>]*)>`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(m[1], "alt=") {
			h.Errorf("%s: a picture without words", path)
		}
	}
}

// A link with a place, such as a QR code on a lamp post, reports at that place
// without a village; the place can be put aside.
func TestPlaceFromALink(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	form := b.get("/report?lon=117.01&lat=36.91")
	b.shows(form, 200, `name="lon" value="117.01"`, "就是这个位置", "checked")
	v := url.Values{"key": {form.hidden("key")}, "what": {"facility"}, "text": {"灯不亮"}, "lon": {"117.01"}, "lat": {"36.91"}, "datum": {"wgs84"}, "point": {"yes"}}
	sent := b.upload("/report", v)
	b.shows(sent, 200, "收到了")
	if p := h.page(sent.number()); p.Case.Place.GridCode != "370115003201001" {
		h.Fatalf("found %+v", p.Case.Place)
	}
	v.Del("point")
	v.Set("key", h.portal.newKey())
	b.shows(b.upload("/report", v), 422, "请选村或社区", "就是这个位置")
	v.Set("village", "P2")
	sent = b.upload("/report", v)
	if p := h.page(sent.number()); p.Case.Place.Lon != nil || p.Case.Platform != h.units["P2"] {
		h.Fatalf("found %+v", p.Case)
	}
	b.hides(b.get("/report?lon=abc&lat=36"), `name="lon"`)
	b.hides(b.get("/report?lon=NaN&lat=36"), `name="lon"`)
}

// Somebody who can't tell leaves the choice to the desk.
func TestCannotTell(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	b.shows(b.get("/report"), 200, "说不清，帮我选", "垃圾", "别的事")
	sent := b.upload("/report", b.report(url.Values{"what": {anything}, "text": {"有怪味"}}))
	b.shows(sent, 200)
	if p := h.page(sent.number()); p.Case.Item != general {
		h.Fatalf("reported as %s", p.Case.Item)
	}
}

// Residents choose their village; a platform that covers none stands by its own
// name, and what has ended is gone.
func TestStreetsAndVillages(t *testing.T) {
	now := morning
	v := func(n byte) id.ID { return id.ID{15: n} }
	name := func(s string) words.Text { return words.Text{Chinese: s, English: s} }
	o := org.NewSnapshot(org.Rules{}, []org.Unit{
		{ID: v(1), Kind: org.Hub, Code: "H", Name: name("H")},
		{ID: v(2), Kind: org.Street, Code: "S1", Name: name("大桥街道平台"), Parent: v(1)},
		{ID: v(3), Kind: org.Street, Code: "S2", Name: name("空街道"), Parent: v(1)},
		{ID: v(4), Kind: org.Platform, Code: "P2", Name: name("二号平台"), Parent: v(2)},
		{ID: v(5), Kind: org.Platform, Code: "P1", Name: name("一号平台"), Parent: v(2)},
		{ID: v(6), Kind: org.Platform, Code: "P3", Name: name("旧平台"), Parent: v(2), To: now},
	}, []org.Division{
		{ID: v(11), Code: "370115003202", Name: "付家村村民委员会", Level: "village"},
		{ID: v(12), Code: "370115003201", Name: "鹊山村", Level: "village"},
		{ID: v(13), Code: "370115003203", Name: "并走的村", Level: "village", To: now.Add(-time.Hour)},
	}, []org.PlatformVillage{
		{Platform: v(4), Village: v(11)}, {Platform: v(4), Village: v(12)}, {Platform: v(4), Village: v(13)}, {Platform: v(6), Village: v(12)},
	}, nil, nil, nil, nil)
	got := streetsOf(o, words.Chinese, now)
	if len(got) != 1 || got[0].Name != "大桥街道" {
		t.Fatalf("%+v", got)
	}
	var list []string
	for _, x := range got[0].Villages {
		list = append(list, x.Key+x.Name)
	}
	if s := strings.Join(list, " "); s != "370115003201鹊山村 370115003202付家村 P1一号" {
		t.Fatal(s)
	}
	if x, ok := villageOf(got, "370115003202"); !ok || x.platform != v(4) {
		t.Fatalf("%+v", x)
	}
	if _, ok := villageOf(got, "370115003203"); ok {
		t.Fatal("a village that is no more can be chosen")
	}
}

// Every sentence the pages and faults ask for is there, and none is left over.
func TestWordsAreUsed(t *testing.T) {
	c := catalogue(t)
	used := keysInPages(t)
	code := regexp.MustCompile(`"(portal\.[a-z_0-9]+)"`)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:get|post)\("(portal\.[a-z_]+)"`).FindAllStringSubmatch(string(raw), -1) {
			ids[m[1]] = true
		}
		for _, m := range code.FindAllStringSubmatch(string(raw), -1) {
			used[m[1]] = true
		}
	}
	for _, w := range common {
		used["portal.what_"+w.Key] = true
	}
	for _, s := range []string{"done_rate", "done_object", "done_comment", "done_withdraw", "done_confirm", "done_messages", "done_news", "done_news_on", "texts_none", "texts_important", "texts_every", "score_1", "score_2", "score_3", "score_4", "score_5"} {
		used["portal."+s] = true
	}
	for _, k := range registry.RequestKinds {
		used["portal.record_kind_"+k] = true
	}
	for _, s := range []string{"record_consent_consent", "record_consent_separate", "record_consent_guardian", "record_state_waiting", "record_state_granted", "record_state_refused", "term_day", "term_month", "term_year"} {
		used["portal."+s] = true
	}
	for _, s := range steppedOn {
		used["portal.app_"+string(s)], used["portal.app_"+string(s)+"_next"] = true, true
	}
	for _, c := range calendar.Clocks {
		if key := "portal.reckon_" + string(c); strings.Contains(key, "day") && key != "portal.reckon_natural-day" || strings.Contains(key, "working") {
			used[key] = true
		}
	}
	for _, s := range []string{"app_due_give", "done_supplement", "done_appeal", "paper_signature", "paper_consent", "paper_record", "paper_measurement", "paper_photo_before",
		"paper_photo_after", "paper_reply", "paper_track_summary"} {
		used["portal."+s] = true
	}
	delete(used, "portal.css")
	for key := range used {
		if strings.HasSuffix(key, "_") || ids[key] && !c.Has(key) || key == "portal.assets" {
			continue
		}
		if !c.Has(key) {
			t.Errorf("no sentence for %s", key)
		}
	}
	for _, key := range c.Keys() {
		if c.Room(key) == "portal" && !used[key] {
			t.Errorf("nobody says %s", key)
		}
	}
}

// Everybody may read what grid staff can be asked to do; what was withdrawn, or
// only applied for, is not on the list.
func TestPublicListOfItems(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		var item catalog.Item
		h.must(h.db.Read(h.ctx, func(tx *db.Tx) (err error) { item, err = h.items.Item(tx, "cleanliness"); return err }))
		b.shows(b.get("/items?lang=zh-CN"), 200, item.Name.Chinese, item.Purpose.Chinese)
		h.write(func(tx *db.Tx) error {
			by := h.operator()
			snow := item
			snow.Key, snow.Name, snow.Admission.Why = "snow", words.Text{Chinese: "清雪除冰", English: "Snow and ice"}, "今冬要用"
			if _, err := h.items.Propose(tx, by, snow); err != nil {
				return err
			}
			_, err := h.items.End(tx, by, "cleanliness", 0, "并入别的事项")
			return err
		})
		a := b.get("/items?lang=zh-CN")
		if a.has("清雪除冰") == "" || a.has("<summary>"+item.Name.Chinese) == "" {
			h.Error("what is not in force is on the public list")
		}
	})
}
