package casework

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

func (h *house) merges(name string, main Case, in MergeIn) (Case, error) {
	h.Helper()
	var out Case
	err := h.db.Write(h.ctx, func(tx *db.Tx) (err error) {
		if in.Reason == "" {
			in.Reason, in.Note = "merge_same_place", "同一处"
		}
		out, _, err = h.desk.Merge(tx, h.as(tx, name), main.ID, in, nil)
		return err
	})
	return out, err
}

// told is what the reporter of a case sees.
func (h *house) told(c Case) (p *PublicCase) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		p, err = h.desk.PublicView(tx, c.ID)
		return err
	})
	return p
}

func (p *PublicCase) says(words string) bool {
	return slices.ContainsFunc(p.Messages, func(m PublicMessage) bool { return m.Text.Chinese == words })
}

func ids(cs ...Case) (out []id.ID) {
	for _, c := range cs {
		out = append(out, c.ID)
	}
	return out
}

// Three residents report the same heap. Two of the reports are merged into the
// first; each resident follows the work on it, is answered and rates, and
// nobody reads what another one said.
func TestMergedReportersAreAnswered(t *testing.T) {
	eachHouse(t, func(h *house) {
		reports := func(text, phone string) Case {
			return h.reports("", Report{Text: text, Reporter: &PartyIn{Phone: phone}, Owner: phone})
		}
		first := reports("垃圾堆在东门", "13700000023")
		second := reports("东门垃圾没人管", "13700000024")
		third := reports("东门口臭死了", "13700000025")
		h.does("village", second, Act{Move: "accept"})
		h.does("village", first, Act{Move: "accept"})
		main, err := h.merges("village", first, MergeIn{Cases: ids(second, third)})
		h.must(err)
		if main.Joined != 2 || main.Version != h.now(first).Version {
			h.Fatalf("the main case says %d joined", main.Joined)
		}
		second, third = h.now(second), h.now(third)
		for _, c := range []Case{second, third} {
			if c.State != Merged || c.Main != main.ID || c.Post.IsZero() || c.Clock.Kind != "" || !c.Reporter {
				h.Fatalf("merged: %+v", c)
			}
			h.agrees(c, "merged")
			if p := h.told(c); !p.Merged || p.Number != c.Number || p.Stage != "accepted" || !p.says("和另一件是同一件事，已合并，进展照样告诉您。") || slices.Contains(p.Can, "withdraw") {
				h.Errorf("the reporter is told %+v", p)
			}
		}
		if open := h.list("village", Filter{View: "open"}); len(open) != 1 || open[0].ID != main.ID {
			h.Errorf("in work are %d cases", len(open))
		}
		if k := h.task(second); k.open() {
			h.Errorf("the verification of the merged report goes on: %s", k.State)
		}
		p := h.page("village", main)
		if len(p.Merged) != 2 || p.Case.Joined != 2 || kinds(p)["case.join"] != 1 {
			h.Errorf("the page of the main case shows %+v", p.Merged)
		}
		if p := h.page("village", second); p.Main == nil || p.Main.Number != main.Number {
			h.Errorf("the page of the merged case points to %+v", p.Main)
		}

		// One of them adds something; it stays hers, and the desk hears of it.
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.CommentAsReporter(tx, h.as(tx, ""), second.ID, Comment{Text: "狗也来翻"}, "13700000024")
			return err
		})
		if !h.told(second).says("狗也来翻") || h.told(main).says("狗也来翻") || h.told(third).says("狗也来翻") {
			h.Error("what one reporter says is read by another")
		}
		if kinds(h.page("village", main))["case.heard"] != 1 {
			h.Error("the desk does not hear what the merged reporter added")
		}
		if err := h.db.Write(h.ctx, func(tx *db.Tx) error {
			_, err := h.desk.ActAsReporter(tx, h.as(tx, ""), second.ID, Act{Move: "rate", Score: 5}, "")
			return err
		}); !errors.Is(err, ErrMainOpen) {
			h.Errorf("rated before the end: %v", err)
		}

		h.does("officer", h.task(main), Act{Move: "verify", Result: Pass, Note: "属实"})
		h.does("village", main, Act{Move: "file"})
		h.does("village", main, Act{Move: "dispatch", Post: h.posts["works"]})
		h.does("works", main, Act{Move: "take"})
		h.does("works", main, Act{Move: "handle"})
		photo := h.photo("works", "after")
		h.does("works", main, Act{Move: "done", Note: "清了", ResidentText: "东门的垃圾已经清走。", Files: []id.ID{photo}})
		h.does("officer", h.task(main), Act{Move: "check", Result: Pass, Note: "干净了"})
		main = h.does("village", main, Act{Move: "close"})
		h.releases("village", photo)
		for _, c := range []Case{second, third} {
			p := h.told(c)
			if p.Stage != "closed" || !p.says("东门的垃圾已经清走。") || !slices.Contains(p.Can, "rate") || !slices.Contains(p.Can, "object") ||
				!slices.ContainsFunc(p.Photos, func(f PublicPhoto) bool { return f.ID == photo }) {
				h.Errorf("after the end the reporter is told %+v", p)
			}
			h.read(func(tx *db.Tx) error {
				_, err := h.desk.PublicFile(tx, c.ID, photo, "view")
				return err
			})
			if n := kinds(h.page("village", c))["case.answered"]; n != 1 {
				h.Errorf("%d answers stand on the merged report", n)
			}
			if after := h.now(c); after.State != Merged {
				h.Errorf("the merged report is %s now", after.State)
			}
		}
		acts := func(c Case, a Act) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.ActAsReporter(tx, h.as(tx, ""), c.ID, a, "")
				return err
			})
		}
		h.must(acts(second, Act{Move: "rate", Score: 4}))
		if err := acts(second, Act{Move: "rate", Score: 4}); !errors.Is(err, ErrRated) {
			h.Errorf("rated twice: %v", err)
		}
		if h.now(second).Rating == nil || h.now(main).Rating != nil {
			h.Error("the rating stands on the wrong report")
		}
		// The village merged it and has it still; the department did the work.
		for _, e := range h.timeline(second) {
			var f ActFacts
			if raw, ok := e.Facts.(json.RawMessage); !ok {
				h.Errorf("%s has no facts", e.Kind)
			} else if h.must(json.Unmarshal(raw, &f)); e.Kind == "case.rate" && (f.Score != 4 || f.Handler != h.units["UM"]) {
				h.Errorf("the rating of a merged report counts %+v, not for who handled its main case", f)
			}
		}
		h.must(acts(third, Act{Move: "object", Note: "还是臭"}))
		if main = h.now(main); main.State != Filed || main.Used[objectionKey] != 1 {
			h.Errorf("after the objection the main case is %s", main.State)
		}
		if !h.told(third).says("还是臭") || h.told(main).says("还是臭") {
			h.Error("the objection is shown to the wrong reporter")
		}
		if n := kinds(h.page("village", second))["case.taken_up"]; n != 1 {
			h.Errorf("the other reporter is told %d times that it goes on", n)
		}
		h.clock.Add(30 * 24 * time.Hour)
		h.must(h.db.Read(h.ctx, func(tx *db.Tx) error {
			got, err := h.desk.Merged(tx, main.ID)
			if len(got) != 2 {
				h.Errorf("merged into it: %v", got)
			}
			return err
		}))
	})
}

// What a merge may not do, and that a refused one of many changes nothing.
func TestMergeIsRefused(t *testing.T) {
	eachHouse(t, func(h *house) {
		main := h.reports("village", Report{Text: "主案"})
		dup := h.reports("village", Report{Text: "重复"})
		far := h.reports("village2", Report{Place: inG2, Text: "别处"})
		secret := h.reports("village", Report{Item: "opinion", Text: "意见"})
		patrol := h.reports("hub", Report{Item: "patrol", Text: "巡查"})
		ended := h.reports("officer", Report{Text: "看不清"})
		h.does("village", ended, Act{Move: "refuse", Reason: "refuse_empty", Note: "空的"})
		if main.Secrecy != journal.Open || secret.Secrecy == journal.Open {
			h.Fatalf("secrecy %d and %d", main.Secrecy, secret.Secrecy)
		}
		for _, r := range []struct {
			name string
			main Case
			in   MergeIn
			want *fault.Fault
		}{
			{"officer", main, MergeIn{Cases: ids(dup)}, access.ErrDenied},
			{"village2", main, MergeIn{Cases: ids(far)}, ErrMissing},
			{"village", main, MergeIn{Cases: ids(far)}, ErrMissing},
			{"village", main, MergeIn{}, ErrMergeMany},
			{"village", main, MergeIn{Cases: make([]id.ID, maxMerge+1)}, ErrMergeMany},
			{"village", main, MergeIn{Cases: ids(main)}, ErrMainSelf},
			{"village", secret, MergeIn{Cases: ids(dup)}, ErrMainSecret},
			{"village", ended, MergeIn{Cases: ids(dup)}, ErrMainShut},
			{"village", main, MergeIn{Cases: ids(ended)}, ErrWrongState},
			{"hub", main, MergeIn{Cases: ids(patrol)}, ErrMainFlow},
			{"hub", patrol, MergeIn{Cases: ids(dup)}, ErrMainFlow},
			{"village", main, MergeIn{Cases: ids(dup), Reason: "merge_same_cause", Note: "同因"}, ErrReasonWrong},
			{"village", main, MergeIn{Cases: ids(dup), Reason: "merge_same_place"}, ErrNoteNeeded},
			{"village", main, MergeIn{Cases: ids(dup, ended)}, ErrMergeFailed},
			{"village", main, MergeIn{Cases: ids(dup, dup)}, ErrMergeFailed},
		} {
			_, err := h.merges(r.name, r.main, r.in)
			if !errors.Is(err, r.want) {
				h.Errorf("%s merges %d into %s: %v, want %s", r.name, len(r.in.Cases), r.main.Text, err, r.want.Code)
			}
			if errors.Is(err, ErrMergeFailed) {
				if w := fault.Of(err).Where; len(w) != 1 || w[0].Path != "body.case_ids[1]" {
					h.Errorf("it names %+v", w)
				}
			}
		}
		for _, c := range []Case{main, dup, far, secret, patrol} {
			if now := h.now(c); now.Version != c.Version || now.State != c.State {
				h.Errorf("a refused merge changed %s: %s", c.Text, now.State)
			}
		}
		// The less confidential one is the main case: then nobody reads more.
		_, err := h.merges("village", main, MergeIn{Cases: ids(secret)})
		h.must(err)
		h.does("village", h.does("village", main, Act{Move: "accept"}), Act{Move: "file"})
		h.does("village", main, Act{Move: "dispatch", Post: h.posts["works"]})
		if p := h.page("works", main); len(p.Merged) != 0 || p.Case.Joined != 1 {
			h.Errorf("the department is shown %+v", p.Merged)
		}
		h.refuses("village", main, Act{Move: "withdraw", Reason: "withdraw_mistake", Note: "错了"}, ErrReasonWrong)
		h.refuses("street", main, Act{Move: "void_ask", Reason: "void_test", Note: "测试"}, ErrJoined)
	})
}

// A merge is undone while the main case is open, and the report goes its own
// way again; after that it is not.
func TestUnmerge(t *testing.T) {
	eachHouse(t, func(h *house) {
		main, early := h.reports("village", Report{Text: "主案"}), h.reports("village", Report{Text: "刚报的"})
		late := h.handled()
		_, err := h.merges("village", main, MergeIn{Cases: ids(early, late)})
		h.must(err)
		h.refuses("officer", early, Act{Move: "unmerge", Note: "不是一件"}, access.ErrDenied)
		early = h.does("village", early, Act{Move: "unmerge", Note: "不是一件"})
		late = h.does("village", late, Act{Move: "unmerge", Note: "不是一件"})
		if early.State != Reported || early.Clock.Kind != ClockAccept || late.State != Filed || late.Clock.Kind != ClockDispatch || late.Post != h.posts["village"] {
			h.Errorf("taken apart: %s with %s, %s with %s at %v", early.State, early.Clock.Kind, late.State, late.Clock.Kind, late.Post)
		}
		for _, c := range []Case{early, late, h.now(main)} {
			h.agrees(c, "taken apart")
		}
		if h.now(main).Joined != 0 {
			h.Errorf("the main case still says %d", h.now(main).Joined)
		}
		h.does("village", late, Act{Move: "dispatch", Post: h.posts["works"]})

		// Merged once more, into a case that is then merged itself: both point
		// to the last one.
		last := h.reports("village", Report{Text: "最后的"})
		_, err = h.merges("village", main, MergeIn{Cases: ids(early)})
		h.must(err)
		_, err = h.merges("village", last, MergeIn{Cases: ids(main)})
		h.must(err)
		if e, m, l := h.now(early), h.now(main), h.now(last); e.Main != last.ID || m.Main != last.ID || m.Joined != 0 || l.Joined != 2 {
			h.Errorf("early → %v, main → %v (%d), last has %d", e.Main, m.Main, m.Joined, l.Joined)
		}
		for _, c := range []Case{h.now(early), h.now(main), h.now(last)} {
			h.agrees(c, "merged in a chain")
		}
		h.does("village", last, Act{Move: "refuse", Reason: "refuse_empty", Note: "空的"})
		h.refuses("village", early, Act{Move: "unmerge", Note: "不是一件"}, ErrMainShut)
		if n := kinds(h.page("village", early))["case.answered"]; n != 1 {
			h.Errorf("the refusal is told %d times", n)
		}
	})
}

// Two hundred at once, in one act.
func TestMergeTwoHundred(t *testing.T) {
	eachHouse(t, func(h *house) {
		main := h.reports("village", Report{Text: "主案"})
		var dups []Case
		h.write(func(tx *db.Tx) error {
			for i := range maxMerge {
				c, err := h.desk.Report(tx, h.as(tx, "village"), Report{Item: "cleanliness", Place: inG1, Text: fmt.Sprintf("第%d个人报的", i)})
				if err != nil {
					return err
				}
				dups = append(dups, c)
			}
			return nil
		})
		before := time.Now()
		out, err := h.merges("village", main, MergeIn{Cases: ids(dups...)})
		h.must(err)
		h.Logf("%d merged in %s", maxMerge, time.Since(before).Round(time.Millisecond))
		if out.Joined != maxMerge || out.Version != main.Version+1 || len(h.page("village", main).Merged) != maxMerge {
			h.Errorf("%d joined, version %d", out.Joined, out.Version)
		}
	})
}
