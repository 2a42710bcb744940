package casework

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Malformed, oversized, out-of-scope, repeated and misdated input is refused
// with a stable code and a sentence in both languages, and changes nothing.
func TestBadInput(t *testing.T) {
	far := func(r Report) Report { r.Occurred = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC); return r }
	at := func(p PlaceIn) Report { return Report{Place: p} }
	noDatum, wrongDatum := inG1, inG1
	noDatum.Datum, wrongDatum.Datum = "", "mars"
	lonOnly := inG1
	lonOnly.Lat = nil
	off := 117.005
	edge := 36.9002
	shifted := PlaceIn{Lon: &off, Lat: &edge, Datum: "bd09"} // 1.3 km away: outside
	rows := []struct {
		name string
		who  string
		in   Report
		want *fault.Fault
		at   string
	}{
		{"an unknown item", "village", Report{Item: "ghosts"}, ErrItemUnknown, "body.item"},
		{"an unknown condition", "village", Report{Condition: "haunted"}, ErrInvalid, "body.condition"},
		{"an application without consent", "village", Report{Item: "moving", Form: json.RawMessage(`{"direction":"in","name":"演示人","phone":"15900000031","moved_on":"2026-11-20","address":"幸福村1号","people":2,"tenure":"own"}`)}, ErrConsent, ""},
		{"a clock set to 2099", "village", far(Report{}), ErrFuture, "body.occurred_at"},
		{"no datum", "village", at(noDatum), ErrDatum, "body.place.datum"},
		{"an unknown datum", "village", at(wrongDatum), ErrDatum, "body.place.datum"},
		{"a wrong datum that leads outside", "village", at(shifted), ErrOutside, "body.place"},
		{"outside every grid", "village", at(point(120, 30)), ErrOutside, "body.place"},
		{"half a position", "village", at(lonOnly), ErrPlace, "body.place.lon"},
		{"nowhere", "village", at(PlaceIn{Words: "东门外"}), ErrPlace, "body.place"},
		{"no such grid", "village", at(PlaceIn{Grid: id.Must("0190163d-8694-739b-aea5-966c26f8ad99")}), ErrPlace, "body.place.grid_id"},
		{"a text of 4,001 characters", "village", Report{Text: strings.Repeat("长", maxText+1)}, ErrInvalid, "body.text"},
		{"a broken text", "village", Report{Text: "a\x00b"}, ErrInvalid, "body.text"},
		{"a wrong channel", "village", Report{Channel: "UFO!"}, ErrInvalid, "body.channel"},
		{"a wrong priority", "village", Report{Priority: "extreme"}, ErrInvalid, "body.priority"},
		{"a wrong phone", "village", Report{Reporter: &PartyIn{Phone: "abc"}}, ErrPhone, "body.reporter.phone"},
		{"a photo of somebody else", "village", Report{Files: []id.ID{id.Must("0190163d-8694-739b-aea5-966c26f8ad98")}}, ErrBadFiles, "body.file_ids"},
		{"an item that is not for residents", "", Report{Item: "patrol", Owner: "b"}, ErrNotPublic, ""},
		{"nobody may report", "leader", Report{}, access.ErrDenied, ""},
	}
	eachHouse(t, func(h *house) {
		all, err := words.New(words.Source{Room: "casework", Files: Words}, words.Source{Room: "access", Files: access.Words})
		h.must(err)
		for _, r := range rows {
			_, err := h.tryReport(r.who, r.in)
			f := fault.Of(err)
			if !errors.Is(err, r.want) {
				h.Errorf("%s: %v, want %s", r.name, err, r.want.Code)
				continue
			}
			if r.at != "" && !slices.ContainsFunc(f.Where, func(w fault.Where) bool { return w.Path == r.at }) {
				h.Errorf("%s names %v, want %s", r.name, f.Where, r.at)
			}
			for _, l := range words.Languages {
				if s := all.Say(l, f.Code, f.Args); s == f.Code || strings.ContainsAny(s, "{}–") {
					h.Errorf("%s says %q", r.name, s)
				}
			}
		}
		h.read(func(tx *db.Tx) error {
			for _, table := range []string{"cases", "case_party", "case_clock", "case_named", "journal_body"} {
				var n int64
				if err := tx.Row(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
					return err
				}
				if n != 0 && table != "journal_body" {
					h.Errorf("refused reports left %d rows in %s", n, table)
				}
			}
			return nil
		})
		in := Report{ID: id.Must("0190163d-8694-739b-aea5-966c26f8ad97")}
		c := h.reports("village", in)
		if again := h.reports("village", in); again.ID != c.ID || again.Number != c.Number {
			h.Errorf("the same report again is %s, not %s", again.Number, c.Number)
		}
		in.Text = "别的内容"
		if _, err := h.tryReport("village", in); !errors.Is(err, ErrTaken) {
			h.Errorf("the same id with other content: %v", err)
		}
		if _, err := h.tryReport("street", Report{ID: c.ID}); !errors.Is(err, ErrTaken) {
			h.Errorf("somebody else's id: %v", err)
		}
		h.refuses("village", c, Act{Move: "accept", Note: strings.Repeat("长", maxNote+1)}, ErrInvalid)
		h.refuses("village", c, Act{Move: "explode"}, ErrNoMove)
		h.refuses("village", c, Act{Move: "report"}, ErrNoMove)
		h.refuses("village", c, Act{Move: "accept", Item: "patrol"}, ErrInvalid)
		h.refuses("leader", c, Act{Move: "accept"}, access.ErrDenied)
		h.refuses("officer2", c, Act{Move: "accept"}, ErrMissing)
	})
}

// For every person and every case: the lists show exactly what may be seen, and
// search, single reads, counts and hints agree.
func TestListsAgreeWithSight(t *testing.T) {
	eachHouse(t, func(h *house) {
		var cases []Case
		report := func(name, item string, place PlaceIn, in Report) Case {
			in.Item, in.Place, in.Text = item, place, "独特字样的事"
			c := h.reports(name, in)
			cases = append(cases, c)
			return c
		}
		report("village", "cleanliness", inG1, Report{Reporter: &PartyIn{Name: "孙七"}})
		report("officer", "cleanliness", inG1, Report{})
		report("officer2", "cleanliness", inG2, Report{})
		report("village", "opinion", inG1, Report{Reporter: &PartyIn{Name: "孙七"}})
		report("village", "family_event", inG1, Report{})
		report("village2", "counsel_referral", inG2, Report{})
		report("hub", "patrol", inG1, Report{})
		report("volunteer", "cleanliness", inG2, Report{})
		report("hub", "cleanliness", PlaceIn{Platform: h.units["P2"], Words: "村口"}, Report{})
		sent := report("village", "opinion", inG1, Report{})
		h.does("village", sent, Act{Move: "accept"})
		h.does("village", sent, Act{Move: "file"})
		h.does("village", sent, Act{Move: "dispatch", Post: h.posts["works"]})
		taken := report("village", "opinion", inG1, Report{})
		h.does("village", taken, Act{Move: "accept"})
		h.does("village", taken, Act{Move: "file"})
		h.does("village", taken, Act{Move: "dispatch", Post: h.posts["officer"]})
		h.does("officer", taken, Act{Move: "take"})
		h.does("officer", taken, Act{Move: "handle"})
		h.does("officer", taken, Act{Move: "done", Note: "答复了", ResidentText: "已答复"})
		refused := report("officer", "cleanliness", inG1, Report{})
		h.does("village", refused, Act{Move: "refuse", Reason: "refuse_empty", Note: "看不清"})
		seen, hidden := 0, 0
		for name := range h.posts {
			listed := h.list(name, Filter{View: "all"})
			found := h.list(name, Filter{View: "all", Query: "独特字样"})
			paged := map[id.ID]int{}
			h.read(func(tx *db.Tx) error {
				by := h.as(tx, name)
				var after *Cursor
				for {
					page, next, err := h.desk.List(tx, by, Filter{View: "all"}, after, 3)
					if err != nil {
						return err
					}
					for _, c := range page {
						paged[c.ID]++
					}
					if after = next; next == nil {
						break
					}
				}
				open := int64(0)
				for _, c := range cases {
					c, err := get(tx, c.ID)
					if err != nil {
						return err
					}
					may := by.Sees("case.view", c.Sight())
					if may {
						seen++
						if c.open() {
							open++
						}
					} else {
						hidden++
					}
					if shows(listed, c) != may {
						h.Errorf("%s: list shows %s (%s, secrecy %d): %v, sight %v", name, c.Item, c.State, c.Secrecy, !may, may)
					}
					if shows(found, c) != may {
						h.Errorf("%s: search finds %s: %v, sight %v", name, c.Item, !may, may)
					}
					if (paged[c.ID] == 1) != may || paged[c.ID] > 1 {
						h.Errorf("%s: pages show %s %d times, sight %v", name, c.Item, paged[c.ID], may)
					}
					if _, err := h.desk.View(tx, by, c.ID); (err == nil) != may || err != nil && !errors.Is(err, ErrMissing) {
						h.Errorf("%s: page of %s: %v, sight %v", name, c.Item, err, may)
					}
					if _, err := h.desk.ByNumber(tx, by, c.Number); (err == nil) != may {
						h.Errorf("%s: number of %s: %v, sight %v", name, c.Item, err, may)
					}
				}
				n, err := h.desk.Counts(tx, by)
				if err != nil {
					return err
				}
				sum := int64(0)
				for _, k := range n.ByState {
					sum += k
				}
				if sum != open {
					h.Errorf("%s counts %d open cases, sees %d", name, sum, open)
				}
				return nil
			})
		}
		if seen < 40 || hidden < 40 {
			h.Errorf("too little was compared: %d seen, %d hidden", seen, hidden)
		}
	})
}

// Every offer says what will happen in whole sentences, and what it allows is
// what the rules allow.
func TestOffers(t *testing.T) {
	eachHouse(t, func(h *house) {
		reported := h.reports("village", Report{Reporter: &PartyIn{Name: "周八"}})
		states := []Case{reported, h.filed(), h.handled(), h.done()}
		checked := 0
		for _, c := range states {
			for name := range h.posts {
				var p *Page
				h.read(func(tx *db.Tx) error {
					var err error
					if p, err = h.desk.View(tx, h.as(tx, name), c.ID); errors.Is(err, ErrMissing) {
						return nil
					}
					return err
				})
				if p == nil {
					continue
				}
				for _, o := range p.Moves {
					checked++
					said := []words.Text{o.Name, o.Consequence}
					if o.Why != nil {
						said = append(said, o.Why.Message)
					}
					for _, s := range said {
						for _, l := range []string{s.Chinese, s.English} {
							if l == "" || strings.HasPrefix(l, "case") || strings.ContainsAny(l, "{}–") {
								h.Errorf("%s, %s in %s says %q", name, o.Move, c.State, l)
							}
						}
					}
					if o.Allowed == (o.Why != nil) {
						h.Errorf("%s: %s is allowed %v and says %v", name, o.Move, o.Allowed, o.Why)
					}
					if slices.Contains(o.Needs, NeedReason) && len(o.Reasons) == 0 && o.Allowed {
						h.Errorf("%s: %s needs a reason and offers none", name, o.Move)
					}
					if slices.Contains(o.Needs, NeedPost) && len(o.Posts) == 0 {
						h.Errorf("%s: %s needs a post and offers none", name, o.Move)
					}
				}
			}
		}
		if checked < 30 {
			h.Errorf("only %d offers were looked at", checked)
		}
		p := h.page("works", states[2])
		var done Offer
		for _, o := range p.Moves {
			if o.Move == "done" {
				done = o
			}
		}
		if !done.Allowed || !slices.Contains(done.Needs, Need("photo_after")) || done.Next.Post != h.posts["officer"] || done.Next.Stage != "done" {
			raw, _ := json.Marshal(done)
			h.Errorf("done is offered as %s", raw)
		}
	})
}
