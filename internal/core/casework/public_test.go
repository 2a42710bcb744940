package casework

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// A resident without an account reports, follows by a secret link, is refused,
// objects, and rates in the end; nothing of staff ever reaches her.
func TestResidentFollowsHerReport(t *testing.T) {
	eachHouse(t, func(h *house) {
		var photo id.ID
		h.write(func(tx *db.Tx) error {
			f, err := h.desk.AddFile(tx, h.as(tx, ""), File{Blob: "b", View: "v", Thumb: "t", Kind: "before", Media: "image/jpeg"}, "browser-1")
			photo = f.ID
			return err
		})
		in := Report{Text: "东门外垃圾堆了三天", Reporter: &PartyIn{Phone: "13700000023"}, Files: []id.ID{photo}, Owner: "browser-2"}
		if _, err := h.tryReport("", in); !errors.Is(err, ErrBadFiles) {
			h.Fatalf("another browser's upload: %v", err)
		}
		in.Owner = "browser-1"
		c := h.reports("", in)
		if c.Channel != "portal" || !c.Public {
			h.Fatalf("reported as %+v", c)
		}
		var secret, cookie string
		h.write(func(tx *db.Tx) (err error) { secret, err = h.desk.NewLink(tx, c.ID); return err })
		h.write(func(tx *db.Tx) error {
			var on Case
			var err error
			cookie, on, err = h.desk.Exchange(tx, secret)
			if err == nil && on.ID != c.ID {
				h.Errorf("the link opens %v", on.ID)
			}
			return err
		})
		if err := h.db.Write(h.ctx, func(tx *db.Tx) error { _, _, err := h.desk.Exchange(tx, secret); return err }); !errors.Is(err, ErrLink) {
			h.Fatalf("a link used twice: %v", err)
		}
		for name, want := range map[string]bool{"": false, "village": true, "village2": false} {
			h.read(func(tx *db.Tx) error {
				if _, err := h.desk.FileFor(tx, h.as(tx, name), photo); (err == nil) != want {
					h.Errorf("the photo in quarantine for %q: %v", name, err)
				}
				return nil
			})
		}
		for name, want := range map[string]int{"village": 1, "village2": 0, "works": 0} {
			h.read(func(tx *db.Tx) error {
				waiting, err := h.desk.Quarantine(tx, h.as(tx, name), 10)
				if len(waiting) != want {
					h.Errorf("%s is shown %d photos to sort, want %d", name, len(waiting), want)
				}
				return err
			})
		}
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.Review(tx, h.as(tx, "village"), photo, true)
			return err
		})
		follow := func() *PublicCase {
			h.Helper()
			var p *PublicCase
			h.read(func(tx *db.Tx) error {
				on, err := h.desk.ByCookie(tx, cookie)
				if err != nil {
					return err
				}
				p, err = h.desk.PublicView(tx, on.ID)
				return err
			})
			return p
		}
		acts := func(a Act) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.ActAsReporter(tx, h.as(tx, ""), c.ID, a, "browser-1")
				return err
			})
		}
		if p := follow(); p.Stage != "reported" || p.Promised.IsZero() || !p.Estimated || len(p.Photos) != 1 || strings.Join(p.Can, " ") != "withdraw comment" {
			h.Fatalf("at first %+v", p)
		}
		h.does("village", c, Act{Move: "refuse", Reason: "refuse_not_service", Note: "内部：物业的事，责任人老张"})
		p := follow()
		if !p.Refused || p.Stage != "closed" || len(p.Messages) != 1 || strings.Join(p.Can, " ") != "object" {
			h.Fatalf("refused %+v", p)
		}
		h.must(acts(Act{Move: "object", Note: "这是公共道路"}))
		c = h.now(c)
		if c.State != Reported || c.Intake != h.posts["street"] {
			h.Fatalf("an objection goes one level up: %s at %v", c.State, c.Intake)
		}
		h.does("street", c, Act{Move: "accept"})
		h.does("officer", h.task(c), Act{Move: "verify", Result: Pass, Note: "内部核实记录"})
		h.does("street", c, Act{Move: "file"})
		h.does("street", c, Act{Move: "dispatch", Post: h.posts["works"]})
		h.does("works", c, Act{Move: "take"})
		h.does("works", c, Act{Move: "handle"})
		if p := follow(); p.Stage != "in_hand" || p.Estimated || !p.Promised.Equal(h.now(c).Clock.Due) {
			h.Fatalf("in hand %+v", p)
		}
		after := h.photo("works", "after")
		h.does("works", c, Act{Move: "done", Note: "内部处置记录", ResidentText: "路面已清理干净。", Files: []id.ID{after}})
		h.does("officer", h.task(c), Act{Move: "check", Result: Pass})
		h.does("street", c, Act{Move: "close"})
		h.releases("village", after)
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.Reveal(tx, h.as(tx, "village"), c.ID, "contact", "内部回访")
			return err
		})
		h.must(acts(Act{Move: "rate", Score: 4, Note: "谢谢"}))
		if err := acts(Act{Move: "rate", Score: 5}); !errors.Is(err, ErrRated) {
			h.Fatalf("rated twice: %v", err)
		}
		if err := acts(Act{Move: "close"}); !errors.Is(err, ErrNoMove) {
			h.Fatalf("a resident closes: %v", err)
		}
		p = follow()
		if p.Rating == nil || p.Rating.Score != 4 || len(p.Looked) != 1 || len(p.Photos) != 2 || strings.Join(p.Can, " ") != "object" {
			h.Fatalf("in the end %+v", p)
		}
		raw, err := json.Marshal(p)
		h.must(err)
		for _, leak := range []string{"演示-", "内部", "老张", h.posts["works"].String(), h.who["works"].String(), "13700000023"} {
			if strings.Contains(string(raw), leak) {
				h.Errorf("the public view says %q: %s", leak, raw)
			}
		}
		if !strings.Contains(string(raw), "路面已清理干净") {
			h.Errorf("the answer is missing: %s", raw)
		}
		// A lost link: number and phone together give a new one, and the old
		// cookie ends.
		for _, wrong := range [][2]string{{c.Number, "13700000099"}, {"20261124-2222222-2", "13700000023"}} {
			if err := h.db.Write(h.ctx, func(tx *db.Tx) error { _, _, err := h.desk.RecoverLink(tx, wrong[0], wrong[1]); return err }); !errors.Is(err, ErrPhoneUnknown) {
				h.Errorf("recovered with %v: %v", wrong, err)
			}
		}
		h.write(func(tx *db.Tx) (err error) {
			secret, _, err = h.desk.RecoverLink(tx, strings.ToLower(strings.ReplaceAll(c.Number, "-", "")), "+86 137-0000-0023")
			return err
		})
		h.read(func(tx *db.Tx) error {
			if _, err := h.desk.ByCookie(tx, cookie); !errors.Is(err, ErrLink) {
				h.Errorf("the old cookie still opens: %v", err)
			}
			return nil
		})
		h.write(func(tx *db.Tx) error { _, _, err := h.desk.Exchange(tx, secret); return err })
	})
}
