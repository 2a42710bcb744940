package casework

import (
	"errors"
	"slices"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// More time is asked for with a reason and granted by another hand; the
// deadline moves by what was granted and says why. Declined, nothing moves.
func TestExtension(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		due := c.Clock.Due
		ask := Act{Move: "extend_ask", Reason: "extend_weather", Note: "连日下雨", Units: 2}
		h.refuses("works", c, Act{Move: "extend_ask", Reason: "extend_weather", Note: "连日下雨", Units: 4}, ErrUnitsMany)
		c = h.does("works", c, ask)
		if c.AskPost != h.posts["street"] || !c.Clock.Due.Equal(due) {
			h.Fatalf("asked %v, due %s, was %s", c.AskPost, c.Clock.Due, due)
		}
		h.refuses("works", c, Act{Move: "done", Note: "清完了"}, ErrAsked)
		c = h.does("street", c, Act{Move: "extend_decide", Result: Fail, Note: "雨已停"})
		if c.Ask != nil || !c.Clock.Due.Equal(due) {
			h.Fatalf("declined, and due %s, was %s", c.Clock.Due, due)
		}
		c = h.does("works", c, ask)
		// It runs out while the request waits, and counts as in time once granted.
		h.clock.Set(due.Add(time.Minute))
		if s := h.sweeps(); s.Late != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		c = h.does("street", h.now(c), Act{Move: "extend_decide", Result: Pass})
		if !c.Clock.Due.After(due) || c.Late || !c.Clock.LateAt.IsZero() {
			h.Fatalf("granted, and due %s, was %s, late %v", c.Clock.Due, due, c.Late)
		}
		h.agrees(c, "extended")
		p := h.page("works", c)
		last := p.Clocks[slices.IndexFunc(p.Clocks, func(k ClockView) bool { return k.Kind == ClockHandle })]
		if len(last.Extended) != 1 || !last.Extended[0].Due.Equal(c.Clock.Due) || !last.Extended[0].From.Equal(due) || last.Extended[0].Explains == nil {
			h.Fatalf("explained as %+v", last.Extended)
		}
		// A changed calendar and a suspension keep what was granted.
		granted := c.Clock.Due
		until := h.clock.Now().Add(24 * time.Hour)
		h.does("works", c, Act{Move: "suspend_ask", Reason: "suspend_part", Note: "等配件", Until: until})
		c = h.does("street", c, Act{Move: "suspend_decide", Result: Pass})
		h.clock.Set(until)
		h.sweeps()
		if c = h.now(c); !c.Clock.Due.After(granted) {
			h.Fatalf("after the suspension due %s, granted %s", c.Clock.Due, granted)
		}
		h.agrees(c, "extended and suspended")
		h.refuses("works", c, ask, ErrReasonSpent)
	})
}

// Another unit helps and never owns: it sees the case while it does, in lists
// and alone, and no longer once it refused.
func TestCooperation(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		if shows(h.list("housing", Filter{}), c) {
			h.Fatal("another department sees the case")
		}
		ask := Act{Move: "cooperate_ask", Post: h.posts["housing"], Note: "请查房屋产权"}
		h.refuses("works", c, Act{Move: "cooperate_ask", Post: h.posts["officer"], Note: "x"}, ErrCannotHelp)
		c = h.does("works", c, ask)
		k := h.task(c)
		if c.Post != h.posts["works"] || k.Task != TaskCooperate || k.Post != h.posts["housing"] || k.Clock.Kind != ClockCooperate {
			h.Fatalf("owner %v; the task is %s at %v with %s", c.Post, k.Task, k.Post, k.Clock.Kind)
		}
		if !shows(h.list("housing", Filter{}), c) || !shows(h.list("housing", Filter{View: "mine"}), k) || shows(h.list("housing", Filter{View: "mine"}), c) {
			h.Fatal("who is asked does not find the case and the task")
		}
		if h.page("housing", c).Case.ID != c.ID {
			h.Fatal("who is asked cannot open the case")
		}
		h.refuses("housing", c, Act{Move: "done", Note: "x"}, ErrNotOwner)
		h.refuses("works", c, ask, ErrHelpsNow)
		h.refuses("housing", k, Act{Move: "return", Reason: "return_not_mine", Note: "x"}, ErrWrongTask)
		h.refuses("housing", k, Act{Move: "cooperate_answer", Result: Fail, Reason: "coop_refuse_capacity", Note: "没人"}, ErrLeader)
		k = h.does("housing", k, Act{Move: "cooperate_answer", Result: Pass})
		if k.State != Doing || k.Clock.Kind != "" {
			h.Fatalf("agreed as %s with %s", k.State, k.Clock.Kind)
		}
		k = h.does("housing", k, Act{Move: "cooperate_answer", Note: "产权归集体"})
		if k.State != Closed || h.now(c).Post != h.posts["works"] {
			h.Fatalf("answered as %s", k.State)
		}

		d := h.handled()
		d = h.does("works", d, ask)
		k = h.task(d)
		h.does("housing", k, Act{Move: "cooperate_answer", Result: Fail, Reason: "coop_refuse_duty", Note: "不属我们"})
		if d = h.now(d); len(d.Helpers) != 0 || shows(h.list("housing", Filter{}), d) {
			h.Fatalf("who refused still sees the case: %+v", d.Helpers)
		}
		if _, err := h.tryPage("housing", d); !errors.Is(err, ErrMissing) {
			h.Fatalf("who refused opens the case: %v", err)
		}
		h.agrees(d, "co-operation refused")

		// What nobody answered ends when the case is done.
		e := h.does("works", h.handled(), ask)
		k = h.task(e)
		h.does("works", e, Act{Move: "done", Note: "清完了", Files: []id.ID{h.photo("works", "after")}})
		if k = h.now(k); k.State != Cancelled {
			h.Errorf("the request lives on as %s", k.State)
		}
	})
}

func (h *house) tryPage(name string, c Case) (p *Page, err error) {
	err = h.db.Read(h.ctx, func(tx *db.Tx) error {
		p, err = h.desk.View(tx, h.as(tx, name), c.ID)
		return err
	})
	return p, err
}

// A leader presses for an answer; owner and deadline stay.
func TestSupervision(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		due := c.Clock.Due
		act := Act{Move: "supervise", Reason: "supervise_repeat", Note: "第三次了"}
		c = h.does("streetleader", c, act)
		k := h.task(c)
		if c.Supervised == nil || c.Post != h.posts["works"] || !c.Clock.Due.Equal(due) || k.Task != TaskSupervise || k.Post != c.Post || k.Clock.Kind != ClockSupervise {
			h.Fatalf("supervised as %+v; the task %s at %v", c.Supervised, k.Task, k.Post)
		}
		h.refuses("hub", c, act, ErrSupervised)
		h.refuses("works", k, Act{Move: "supervise_answer"}, ErrNoteNeeded)
		h.does("works", k, Act{Move: "supervise_answer", Note: "明天到货就修"})
		c = h.does("hub", h.now(c), act)
		h.agrees(c, "supervised")
		k = h.task(c)
		c = h.does("works", c, Act{Move: "done", Note: "清完了", Files: []id.ID{h.photo("works", "after")}})
		if k = h.now(k); k.State != Cancelled {
			h.Errorf("the supervision of a unit that is done is %s", k.State)
		}
	})
}

// What is beyond a level goes to the next one; what stays late is raised by
// itself, once a step.
func TestEscalation(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.filed()
		c = h.does("village", c, Act{Move: "escalate", Reason: "escalate_no_power", Note: "要街道协调"})
		if c.State != Filed || c.Post != h.posts["street"] || c.Intake != c.Post || c.Clock.Kind != ClockDispatch {
			h.Fatalf("raised to %v as %s, clock %s", c.Post, c.State, c.Clock.Kind)
		}
		h.refuses("village", c, Act{Move: "escalate", Reason: "escalate_no_power", Note: "x"}, ErrNotOwner)
		c = h.does("street", c, Act{Move: "dispatch", Post: h.posts["officer"]})
		h.does("officer", c, Act{Move: "take"})
		c = h.does("officer", c, Act{Move: "escalate", Reason: "escalate_serious", Note: "有人受伤"})
		if c.State != Filed || c.Post == h.posts["officer"] || !c.Handler.IsZero() {
			h.Fatalf("raised from work as %s at %v", c.State, c.Post)
		}
		h.agrees(c, "raised")

		d := h.handled()
		h.clock.Set(d.Clock.Due.Add(time.Second))
		if s := h.sweeps(); s.Raised != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		if d = h.now(d); d.Post != h.posts["works"] || d.State != Handling || len(d.Raised) != 1 || d.Raised[0] != h.posts["street"] {
			h.Fatalf("raised to %v, owner %v in %s", d.Raised, d.Post, d.State)
		}
		if !shows(h.list("street", Filter{View: "mine"}), d) {
			h.Error("to whom it was raised does not find it")
		}
		if s := h.sweeps(); s.Raised != 0 {
			h.Fatalf("raised twice: %+v", s)
		}
		d = h.does("street", d, Act{Move: "supervise", Reason: "supervise_overdue", Note: "请说明"})
		if len(d.Raised) != 0 || shows(h.list("street", Filter{View: "mine"}), d) {
			h.Error("acted on, and still raised")
		}
		h.clock.Add(60 * 24 * time.Hour)
		if s := h.sweeps(); s.Raised < 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		h.sweeps()
		if d = h.now(d); !has(d.Raised, h.posts["hub"]) || !has(d.Raised, h.posts["hubleader"]) {
			h.Errorf("after twice its time raised to %v", d.Raised)
		}
		h.agrees(d, "raised by the program")
	})
}
