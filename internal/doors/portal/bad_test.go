package portal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

// bomb is a PNG of a few bytes that claims 60,000 by 60,000 pixels.
func bomb() []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(data))) // a buffer takes everything
		b.WriteString(kind)
		b.Write(data)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 60_000), 60_000)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1})
	chunk("IEND", nil)
	return b.Bytes()
}

// Whatever is wrong is said at its field, nothing is reported, and everything
// that was typed is still there.
func TestWhatIsRefusedComesBack(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		for name, c := range map[string]struct {
			set    url.Values
			photos [][]byte
			status int
			says   string
		}{
			"a photo that is none":  {nil, [][]byte{[]byte("<script>alert(1)</script>")}, 422, "不是能打开的照片"},
			"half a photo":          {nil, [][]byte{photo(t, 1)[:200]}, 422, "不是能打开的照片"},
			"a pixel bomb":          {nil, [][]byte{bomb()}, 413, "像素太多"},
			"an oversize photo":     {nil, [][]byte{append(photo(t, 1), make([]byte, maxPhotoBytes)...)}, 413, "超过 15 MB"},
			"four photos":           {nil, [][]byte{photo(t, 1), photo(t, 2), photo(t, 3), photo(t, 4)}, 422, "最多 3 张"},
			"an unknown village":    {url.Values{"village": {"nowhere"}}, nil, 422, "请选村或社区"},
			"no village":            {url.Values{"village": {""}}, nil, 422, "请选村或社区"},
			"an unknown word":       {url.Values{"what": {"patrol"}}, nil, 422, "请选一样"},
			"a guardian's item":     {url.Values{"what": {"counsel_referral"}}, nil, 422, "请选一样"},
			"nothing said or shown": {url.Values{"text": {"  "}}, nil, 422, "请拍一张照片，或者写一句话"},
			"a novel":               {url.Values{"text": {strings.Repeat("长", maxText+1)}}, nil, 422, "最多 2,000 个字"},
			"a long way":            {url.Values{"near": {strings.Repeat("远", maxNear+1)}}, nil, 422, "最多 200 个字"},
			"a phone in words":      {url.Values{"phone": {"找我"}}, nil, 422, "手机号看着不对"},
			"a short phone":         {url.Values{"phone": {"12 ( 4"}}, nil, 422, "手机号"},
			"a byte of nothing":     {url.Values{"text": {"a\x00b"}}, nil, 422, "写得太长了"},
			"a point elsewhere":     {url.Values{"lon": {"2.35"}, "lat": {"48.85"}, "point": {"yes"}}, nil, 422, "48.85"},
			"an unknown datum":      {url.Values{"lon": {"117.01"}, "lat": {"36.91"}, "datum": {"mars"}, "point": {"yes"}}, nil, 422, "36.91"},
		} {
			h.clock.Add(10 * time.Minute) // the limits are tested elsewhere
			v := b.report(c.set)
			a := b.upload("/report", v, c.photos...)
			if missing := a.has(c.says, `role="alert"`, "东门外"); a.status != c.status || missing != "" && c.set.Get("near") == "" {
				h.Errorf("%s: %d without %q:\n%s", name, a.status, missing, a.body)
			}
			if c.set == nil && a.has("垃圾堆了三天", `value="rubbish" checked`, `value="P1" selected`) != "" {
				h.Errorf("%s: what was typed is lost:\n%s", name, a.body)
			}
			if strings.Contains(a.body, "alert(1)") {
				h.Errorf("%s: comes back as script", name)
			}
		}
		if n := h.cases(); n != 0 {
			h.Fatalf("%d cases were made", n)
		}
	})
}

// What somebody types is text, in every field.
func TestTypedMarkupStaysText(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	const evil = `"><script>alert(1)</script>`
	v := b.report(url.Values{"text": {evil}, "near": {evil}, "village": {evil}, "what": {evil}, "phone": {evil}, "lon": {evil}, "key": {evil}, "file": {evil}})
	a := b.upload("/report", v)
	b.shows(a, 422, "&lt;script&gt;")
	b.hides(a, evil, "<script>")
	sent := b.upload("/report", b.report(url.Values{"text": {evil}, "near": {evil}}))
	for _, a := range []answer{sent, b.get("/my/" + sent.number()), b.get("/")} {
		b.hides(a, "<script")
	}
}

// A photo that arrived stays with the form while the rest of it is mended, and
// only with that form.
func TestPhotoStaysWithItsForm(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		v := b.report(url.Values{"village": {""}})
		a := b.upload("/report", v, photo(t, 1), photo(t, 2))
		b.shows(a, 422, "已经收到 2 张")
		kept := strings.Fields(a.hidden("file"))
		if len(kept) != 2 || a.hidden("key") != v.Get("key") {
			h.Fatalf("kept %v under %q", kept, a.hidden("key"))
		}
		thief := h.browser()
		b.shows(thief.upload("/report", thief.report(url.Values{"file": kept})), 422)
		v.Set("village", "P1")
		v["file"] = kept
		b.shows(b.upload("/report", v, photo(t, 3), photo(t, 4)), 422, "最多 3 张", "已经收到 3 张")
		sent := b.upload("/report", v, photo(t, 3))
		b.shows(sent, 200, "收到了")
		if p := h.page(sent.number()); len(p.Files) != 3 {
			h.Fatalf("%d photos", len(p.Files))
		}
	})
}

// A full quarantine keeps the photo out, says so, and takes the report without.
func TestQuarantineFull(t *testing.T) {
	h := build(t, db.SQLite, plan{cap: 3000})
	b := h.browser()
	v := b.report(nil)
	b.upload("/report", v, photo(t, 1))
	v = b.report(url.Values{"text": {"第二件"}})
	a := b.upload("/report", v, photo(t, 2))
	b.shows(a, http.StatusServiceUnavailable, "不带照片也能报", "第二件")
	b.shows(b.upload("/report", v), 200, "收到了")
}

// A page elsewhere can't report in a visitor's name, nor act on her report.
func TestForeignPagesAreRefused(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	number := b.upload("/report", b.report(nil)).number()
	for _, path := range []string{"/report", "/r", "/recover", "/my/" + number + "/withdraw", "/my/" + number + "/revoke", "/api/public/reports"} {
		for header, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
			req, err := http.NewRequest(http.MethodPost, h.server.URL+path, strings.NewReader("reason=withdraw_solved"))
			h.must(err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set(header, value)
			if a := b.send(req); a.status != http.StatusForbidden {
				h.Errorf("%s with %s: %d", path, header, a.status)
			}
		}
	}
	b.shows(b.get("/my/"+number), 200, "不用办了")
}

// Who reports too fast is told how long to wait; what was typed stays; others
// behind the same address go on, and a repeat costs nothing.
func TestTooFast(t *testing.T) {
	rates := DefaultRates
	rates.ReportBrowser = httpx.Rate{Burst: 2, Every: time.Minute}
	h := build(t, db.SQLite, plan{rates: &rates})
	b := h.browser()
	first := b.report(nil)
	b.shows(b.upload("/report", first), 200)
	b.shows(b.upload("/report", b.report(nil)), 200)
	v := b.report(url.Values{"text": {"第三件"}})
	a := b.upload("/report", v)
	b.shows(a, http.StatusTooManyRequests, "60 秒后再试", "第三件")
	if a.header.Get("Retry-After") != "60" {
		h.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	b.shows(b.upload("/report", first), 200, "收到了")
	neighbour := h.browser()
	b.shows(neighbour.upload("/report", neighbour.report(nil)), 200)
	h.clock.Add(time.Minute)
	b.shows(b.upload("/report", v), 200, "收到了")

	// Forms that are refused cost little, but not nothing.
	last := 0
	for range 25 {
		last = b.upload("/report", url.Values{"text": {"x"}}).status
	}
	if last != http.StatusTooManyRequests {
		h.Errorf("tried without end: %d", last)
	}
}

// Forms of a strange shape are refused in plain words.
func TestStrangeForms(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	b := h.browser()
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"json":     {"application/json", "{}", 415},
		"cut off":  {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhal", 422},
		"too long": {"application/x-www-form-urlencoded", "text=" + strings.Repeat("x", maxPlainBytes), 413},
	} {
		a := b.do("POST", "/report", c.kind, strings.NewReader(c.body))
		if a.status != c.status || a.has("<h1>", "回首页") != "" {
			h.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	// A form that lay open since before a restart, or by somebody who made up a
	// key, still comes back with what was typed.
	v := b.report(url.Values{"key": {"old"}, "text": {"还在"}})
	a := b.upload("/report", v)
	b.shows(a, 200, "收到了")
}
