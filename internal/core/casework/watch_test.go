package casework

import (
	"errors"
	"testing"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

func (h *house) watches(name string, c Case, on bool) error {
	h.Helper()
	return h.db.Write(h.ctx, func(tx *db.Tx) error {
		_, err := h.desk.Watch(tx, h.as(tx, name), c.ID, on)
		return err
	})
}

// Who watches a case finds it again, as long as it may be seen; watching shows
// nobody anything.
func TestWatching(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.does("village", h.filed(), Act{Move: "dispatch", Post: h.posts["works"]})
		for _, name := range []string{"works", "village", "hub"} {
			h.must(h.watches(name, c, true))
			h.must(h.watches(name, c, true))
			if !shows(h.list(name, Filter{View: "watched"}), c) || !h.page(name, c).Watched {
				h.Errorf("%s does not find it again", name)
			}
		}
		if err := h.watches("officer2", c, true); !errors.Is(err, ErrMissing) {
			h.Errorf("somebody who does not see it: %v", err)
		}
		if err := h.watches("hub", h.task(c), true); !errors.Is(err, ErrWatchTask) {
			h.Errorf("a task: %v", err)
		}
		h.read(func(tx *db.Tx) error {
			n, err := h.desk.Counts(tx, h.as(tx, "hub"))
			if n.Watched != 1 {
				h.Errorf("the hub counts %d watched", n.Watched)
			}
			all, err2 := h.desk.Watchers(tx, c.ID)
			if len(all) != 3 {
				h.Errorf("watchers: %v", all)
			}
			return errors.Join(err, err2)
		})
		if len(h.list("hub", Filter{View: "watched", Query: "没有这个词"})) != 0 || len(h.list("hub", Filter{View: "watched", Query: "垃圾"})) != 1 ||
			len(h.list("hub", Filter{View: "watched", Item: "patrol"})) != 0 {
			h.Error("the watched list is not cut by words and item")
		}
		if after := h.now(c); after.Version != c.Version {
			h.Errorf("watching raised the version to %d", after.Version)
		}

		// The department sends it back and sees it no more, nor its number.
		h.does("works", c, Act{Move: "return", Reason: "return_not_mine", Note: "不归我们"})
		if got := h.list("works", Filter{View: "watched"}); len(got) != 0 {
			h.Errorf("what left the department's sight is still listed: %v", got)
		}
		h.read(func(tx *db.Tx) error {
			n, err := h.desk.Counts(tx, h.as(tx, "works"))
			if n.Watched != 0 {
				h.Errorf("and counted %d times", n.Watched)
			}
			return err
		})
		h.must(h.watches("hub", c, false))
		h.must(h.watches("hub", c, false))
		if len(h.list("hub", Filter{View: "watched"})) != 0 {
			h.Error("still watched")
		}
	})
}

// A page of the watched list ends where the next begins.
func TestWatchedPages(t *testing.T) {
	eachHouse(t, func(h *house) {
		want := map[id.ID]bool{}
		for range 7 {
			c := h.reports("village", Report{})
			want[c.ID] = true
			h.must(h.watches("hub", c, true))
		}
		h.read(func(tx *db.Tx) error {
			var after *Cursor
			for {
				page, next, err := h.desk.List(tx, h.as(tx, "hub"), Filter{View: "watched"}, after, 3)
				if err != nil {
					return err
				}
				for _, c := range page {
					if !want[c.ID] {
						h.Errorf("%s stands on two pages", c.Number)
					}
					delete(want, c.ID)
				}
				if after = next; next == nil {
					break
				}
			}
			if len(want) > 0 {
				h.Errorf("%d stand on no page", len(want))
			}
			return nil
		})
	})
}

// A comment names posts that may read it, and no others.
func TestMentions(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{})
		says := func(name string, c Case, in Comment) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.Comment(tx, h.as(tx, name), c.ID, in)
				return err
			})
		}
		h.must(says("village", c, Comment{Text: "请看一下", Internal: true, Mentions: []id.ID{h.posts["officer"], h.posts["street"]}}))
		last := h.page("street", c).Timeline
		if m := last[len(last)-1].Mentions; len(m) != 2 || m[0] != both("officer") {
			h.Errorf("it names %v", m)
		}
		many := make([]id.ID, maxMentions+1)
		for i := range many {
			many[i] = h.posts["officer"]
		}
		for _, r := range []struct {
			posts []id.ID
			want  *fault.Fault
		}{
			{[]id.ID{h.posts["officer2"]}, ErrMention},
			{[]id.ID{h.posts["works"]}, ErrMention},
			{[]id.ID{h.who["officer"]}, ErrMention},
			{many, ErrInvalid},
		} {
			if err := says("village", c, Comment{Text: "请看", Mentions: r.posts}); !errors.Is(err, r.want) {
				h.Errorf("naming %v: %v, want %s", r.posts, err, r.want.Code)
			}
		}
		secret := h.reports("village", Report{Item: "opinion"})
		if err := says("village", secret, Comment{Text: "请看", Internal: true, Mentions: []id.ID{h.posts["officer"]}}); !errors.Is(err, ErrMention) {
			h.Errorf("the officer of the grid, of what is for desks: %v", err)
		}
		h.read(func(tx *db.Tx) error {
			found, err := h.desk.Readers(tx, h.as(tx, "village"), c.ID, "off")
			if err != nil {
				return err
			}
			if len(found) != 1 || found[0].ID != h.posts["officer"] {
				h.Errorf("posts to name: %+v", found)
			}
			if _, err := h.desk.Readers(tx, h.as(tx, "officer2"), c.ID, ""); !errors.Is(err, ErrMissing) {
				h.Errorf("for somebody who does not see it: %v", err)
			}
			return nil
		})
	})
}

// What may be done to each of several cases, as each one's own page says it.
func TestChoices(t *testing.T) {
	eachHouse(t, func(h *house) {
		a, b, far := h.reports("village", Report{}), h.filed(), h.reports("village2", Report{Place: inG2})
		h.read(func(tx *db.Tx) error {
			by := h.as(tx, "village")
			got, err := h.desk.Choices(tx, by, a.ID.String()+","+b.ID.String()+","+far.ID.String())
			if err != nil || len(got) != 2 {
				h.Fatalf("%d are answered: %v", len(got), err)
			}
			for i, c := range []Case{a, b} {
				p, err := h.desk.View(tx, by, c.ID)
				if err != nil {
					return err
				}
				if got[i].ID != c.ID || got[i].Version != h.now(c).Version || len(got[i].Moves) != len(p.Moves) || got[i].Moves[0].Move != p.Moves[0].Move {
					h.Errorf("choices of %s are %+v", c.Number, got[i])
				}
			}
			long := a.ID.String()
			for range maxOffers {
				long += "," + a.ID.String()
			}
			if _, err := h.desk.Choices(tx, by, long); !errors.Is(err, ErrOfferMany) {
				h.Errorf("too many: %v", err)
			}
			if _, err := h.desk.Choices(tx, by, "no id"); !errors.Is(err, ErrInvalid) {
				h.Errorf("no id: %v", err)
			}
			return nil
		})
	})
}
