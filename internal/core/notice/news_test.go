package notice

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// follows lets a resident's browser, known by its cookie, be told of a case.
func (h *house) follows(c id.ID, cookie string, l words.Language) error {
	h.Helper()
	return h.db.Write(h.ctx, func(tx *db.Tx) error {
		return h.n.GiveNews(tx, c, cookie, Subscription{Endpoint: "https://push.example/resident-" + cookie, P256dh: "p", Auth: "a"}, l)
	})
}

func (h *house) hasNews(c id.ID, cookie string) (on bool) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) { on, err = h.n.HasNews(tx, c, cookie); return err })
	return on
}

// A browser that follows a case is told that there is news and nothing more, once
// for each thing that happens, in its language, whether or not its owner asked
// for text messages; and it ends with the case.
func TestNewsOfACase(t *testing.T) {
	eachHouse(t, func(h *house) {
		c, other := h.newCase(), h.newCase()
		h.must(h.follows(c, "one", words.Chinese))
		h.must(h.follows(c, "two", words.English))
		h.must(h.follows(other, "one", words.Chinese))
		h.must(h.follows(c, "one", words.Chinese)) // pressed twice
		h.happens("case.report", c, "village", "hub", nil, nil)
		h.happens("case.comment", c, "village", "village", nil, map[string]any{"internal": true, "note": "内部话"})
		h.sent(&h.push.outbox, 0)
		h.happens("case.accept", c, "village", "village", map[string]any{"from": "reported", "to": "accepted"}, nil)
		seen := map[string]string{}
		for _, m := range h.sent(&h.push.outbox, 2) {
			var shown struct{ Title, Body, URL string }
			h.must(json.Unmarshal([]byte(m.body), &shown))
			seen[strings.TrimPrefix(m.to, "https://push.example/resident-")] = shown.Title
			if shown.URL != "/my/20261124-000001" {
				t.Errorf("it leads to %s", shown.URL)
			}
			for _, said := range []string{"20261124", "暴露垃圾", "rubbish", "东门外", "受理", "ccepted"} {
				if strings.Contains(shown.Title+shown.Body, said) {
					t.Errorf("a locked screen shows %s: %+v", said, shown)
				}
			}
		}
		if seen["one"] != "您反映的事情有新进展" || seen["two"] != "There is news about your report" {
			t.Fatalf("they read %v", seen)
		}
		h.sent(&h.sms.outbox, 0)
		// Not followed twice for one entry.
		h.write(func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE notice_cursor SET number = 0`); return err })
		h.works()
		h.works()
		h.sent(&h.push.outbox, 2)
		// One of them wants no more; of the other the service says that it is gone.
		h.write(func(tx *db.Tx) error { return h.n.EndNews(tx, c, "two") })
		if h.hasNews(c, "two") || !h.hasNews(c, "one") || !h.hasNews(other, "one") {
			t.Fatal("the wrong browser was ended")
		}
		h.happens("case.dispatch", c, "", "hub", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.push.outbox, 3)
		h.push.fail = []error{ErrGone}
		h.happens("case.done", c, "", "hub", map[string]any{"to": "done"}, nil)
		h.sent(&h.push.outbox, 3)
		if h.hasNews(c, "one") {
			t.Fatal("a browser that is gone is still known")
		}
		if list := h.troubles("hub", 0); len(list) > 0 {
			t.Fatalf("staff are asked to look: %+v", list)
		}
		// At night it waits, and the last news comes after the end.
		h.must(h.follows(c, "one", words.Chinese))
		h.clock.Set(morning.Add(13 * time.Hour)) // 23:00
		h.happens("case.close", c, "", "hub", map[string]any{"to": "closed"}, nil)
		h.sent(&h.push.outbox, 3)
		h.later(9 * time.Hour)
		h.sent(&h.push.outbox, 4)
		h.later(16 * time.Hour)
		if h.hasNews(c, "one") {
			t.Fatal("it does not end with the case")
		}
		h.happens("case.comment", c, "", "hub", nil, map[string]any{"resident_text": "谢谢"})
		h.sent(&h.push.outbox, 4)
		h.tells[c].Over = true
		h.refused(h.follows(c, "one", words.Chinese), ErrOver)
		// Whatever is erased takes the browsers with it.
		h.happens("case.erase", other, "", "hub", nil, nil)
		if h.hasNews(other, "one") {
			t.Fatal("an erased case is still followed")
		}
	})
}

// What is opened again within the day goes on being told; a changed link ends
// every browser; and a push service that nobody knows is not called.
func TestNewsGoesOnAndEnds(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.newCase()
		h.must(h.follows(c, "one", words.Chinese))
		h.happens("case.refuse", c, "", "hub", map[string]any{"to": "refused"}, nil)
		h.sent(&h.push.outbox, 1)
		h.happens("case.object", c, "hub", "hub", map[string]any{"from": "refused", "to": "accepted"}, nil)
		h.later(25 * time.Hour)
		h.happens("case.dispatch", c, "", "hub", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.push.outbox, 2)
		h.write(func(tx *db.Tx) error { return h.n.EndNews(tx, c, "") })
		h.happens("case.done", c, "", "hub", map[string]any{"to": "done"}, nil)
		h.sent(&h.push.outbox, 2)
		err := h.db.Write(h.ctx, func(tx *db.Tx) error {
			return h.n.GiveNews(tx, c, "one", Subscription{Endpoint: "https://elsewhere.example/1", P256dh: "p", Auth: "a"}, words.Chinese)
		})
		h.refused(err, ErrPushHost)
		for i := range maxDevices {
			h.must(h.follows(c, "browser"+string(rune('a'+i)), words.Chinese))
		}
		h.refused(h.follows(c, "one more", words.Chinese), ErrTooMany)
	})
}
