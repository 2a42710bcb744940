package notice

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/words"
)

// Whatever words an office writes into a template, they are refused or fill
// without a brace left over, and what fills them is not read again.
func FuzzTemplate(f *testing.F) {
	ships, err := loadShipped(data.FS)
	if err != nil {
		f.Fatal(err)
	}
	b := ships.with(nil, nil)
	f.Add("案件 {case_no}", "Case {case_no}", "{case_no}")
	f.Add("{nobody}{", "}{", "\x00")
	f.Fuzz(func(t *testing.T, zh, en, value string) {
		tp := Template{Key: "x", Audience: "staff", Channels: []string{"push", "sms"}, Title: words.Text{Chinese: zh, English: en}, Body: words.Text{Chinese: en, English: zh}}
		if b.check(&tp) != nil {
			return
		}
		got := fill(zh, map[string]words.Text{"case_no": {Chinese: value, English: value}}, words.Chinese)
		for _, h := range tp.Variables {
			if h != "case_no" && strings.Contains(got, "{"+h+"}") && !strings.Contains(value, "{"+h+"}") {
				t.Fatalf("%q became %q", zh, got)
			}
		}
		if utf8.ValidString(got) {
			lengthOf(got)
		}
	})
}

// Whatever address somebody names, it is refused or fits a line of a mail or a
// text message; whatever a browser names as its push service, only services that
// are known are spoken to.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"a@example.cn", "a@b\r\nBcc: x@y", "\"a b\"@example.cn", "138 0000 0021", "https://fcm.googleapis.com/x", "https://fcm.googleapis.com@evil.example/", "https://evil.example/fcm.googleapis.com", "https://fcm.googleapis.com.evil.example", "http://127.0.0.1:5432/", "a@［::1］"} {
		f.Add(s)
	}
	n := &Notices{o: Options{PushHosts: []string{"fcm.googleapis.com", "*.push.apple.com"}}}
	f.Fuzz(func(t *testing.T, s string) {
		if plain, mask, err := tidy(Mail, s); err == nil {
			if strings.ContainsAny(plain+mask, "\r\n<> \x00") || !strings.Contains(plain, "@") {
				t.Fatalf("%q is the mail address %q", s, plain)
			}
		}
		if plain, mask, err := tidy(SMS, s); err == nil {
			if strings.Trim(plain, "+0123456789") != "" || len(mask) < 4 || strings.Contains(mask, plain) {
				t.Fatalf("%q is the number %q, masked %q", s, plain, mask)
			}
		}
		if n.trusted(s) {
			u, err := url.Parse(s)
			if err != nil || u.User != nil || !strings.EqualFold(u.Hostname(), "fcm.googleapis.com") && !strings.HasSuffix(strings.ToLower(u.Hostname()), ".push.apple.com") {
				t.Fatalf("%q is trusted", s)
			}
		}
	})
}

// Whatever an entry of the journal holds, following it makes orders or none.
func FuzzOrders(f *testing.F) {
	f.Add("case.dispatch", `{"to":"dispatched","task":"verify"}`, `{"result":"pass"}`)
	f.Add("case.check", `[]`, `null`)
	f.Fuzz(func(_ *testing.T, kind, facts, body string) {
		e := &journal.Entry{Kind: kind, Facts: json.RawMessage(facts), Body: json.RawMessage(body)}
		silent(e)
		ordersOf(e, func(string) bool { return true })
	})
}

// Whatever a message centre sends, reading it ends.
func FuzzReadPDU(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10\x80\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		for {
			if _, err := readPDU(r); err != nil {
				return
			}
		}
	})
}
