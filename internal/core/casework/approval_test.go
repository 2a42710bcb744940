package casework

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// counter seats the people who deal with applications.
func (h *house) counter() {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		v, err := h.org.CreateUnit(tx, h.operator(), org.UnitIn{Kind: org.Department, Code: "CA", Key: "civil_affairs", Name: both("CA"), Parent: h.units["H"], Calendar: "office", DutyCalendar: "office"})
		h.units["CA"] = v.ID
		return err
	})
	h.seat("clerk", "service_clerk", "P1", org.AtVillage, "P1")
	h.seat("reviewer", "service_reviewer", "S1", org.AtStreet, "S1")
	h.seat("payer", "service_payer", "S1", org.AtStreet, "S1")
	h.seat("civil", "department_leader", "CA", org.AtDepartment, "CA")
	h.seat("keeper", "venue_keeper", "P1", org.AtVillage, "P1")
}

const allowanceForm = `{"allowance":"temporary","applicant_name":"演示申请人","id_number":"370000190001010000","phone":"15900000031","household_size":2,"reason":"演示理由"}`

// applies is an application by a resident through the public portal.
func (h *house) applies() Case {
	h.Helper()
	return h.reports("", Report{ID: h.newID(), Item: "allowance", Condition: "ordinary", Consent: true, Form: json.RawMessage(allowanceForm),
		Place: PlaceIn{Platform: h.units["P1"], Words: "幸福村"}, Reporter: &PartyIn{Name: "演示申请人", Phone: "15900000031"}})
}

func (h *house) newID() (v id.ID) {
	h.write(func(tx *db.Tx) error { v = tx.NewID(); return nil })
	return v
}

// asApplicant makes the applicant's own move.
func (h *house) asApplicant(c Case, in Act) (out Case, err error) {
	h.Helper()
	err = h.db.WriteFor(h.ctx, c.ID, func(tx *db.Tx) error {
		out, err = h.desk.ActAsReporter(tx, h.as(tx, ""), c.ID, in, "")
		return err
	})
	return out, err
}

func (h *house) public(c Case) (p *PublicCase) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		p, err = h.desk.PublicView(tx, c.ID)
		return err
	})
	return p
}

// decidable is an application whose posting ended without objection.
func (h *house) decidable() Case {
	h.Helper()
	c := h.does("clerk", h.applies(), Act{Move: "accept"})
	c = h.does("reviewer", c, Act{Move: "review"})
	c = h.does("reviewer", c, Act{Move: "review", Result: Pass, Note: "收入低于标准"})
	c = h.does("reviewer", c, Act{Move: "publicise", Note: "演**，幸福村，临时救助"})
	h.clock.Set(c.Posting.Until)
	h.sweeps()
	return h.now(c)
}

// An allowance from the application to the payment: five hands, a home check, a
// posting whose time does not count, statutory days throughout.
func TestAllowance(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.applies()
		if c.State != Submitted || c.Post != h.posts["clerk"] || c.Clock.Kind != ClockAccept {
			h.Fatalf("applied as %s at %v, clock %s", c.State, c.Post, c.Clock.Kind)
		}
		if strings.Contains(string(c.Form), "演示理由") || strings.Contains(string(c.Form), "3700001900") {
			h.Fatalf("personal answers stand open: %s", c.Form)
		}
		if _, err := h.try("street", c, Act{Move: "accept"}); !errors.Is(err, ErrMissing) {
			h.Fatalf("who is not named sees the application: %v", err)
		}
		c = h.does("clerk", c, Act{Move: "accept"})
		if c.State != Accepted || c.Post != h.posts["reviewer"] || c.Clock.Limit.Clock != calendar.StatutoryWorkingDay {
			h.Fatalf("accepted as %s at %v, clock %+v", c.State, c.Post, c.Clock)
		}
		// Accepted on Tuesday, 24 November; the first day does not count, and the
		// twentieth working day after it is 22 December, 17:30.
		want := time.Date(2026, 12, 22, 17, 30, 0, 0, h.desk.zone)
		if !c.Clock.Due.Equal(want) {
			h.Fatalf("due %s, want %s", c.Clock.Due.In(h.desk.zone), want)
		}
		h.refuses("clerk", c, Act{Move: "review", Result: Pass, Note: "同意"}, ErrNotOwner)
		c = h.does("reviewer", c, Act{Move: "review"})
		h.refuses("reviewer", c, Act{Move: "publicise", Note: "公示"}, ErrNotReviewed)
		var opened Revealed
		h.write(func(tx *db.Tx) (err error) {
			opened, err = h.desk.Reveal(tx, h.as(tx, "reviewer"), c.ID, "assess", "审核申请")
			return err
		})
		if !strings.Contains(string(opened.Form), "演示理由") {
			h.Fatalf("the reviewer reads %s", opened.Form)
		}

		c = h.does("reviewer", c, Act{Move: "home_check"})
		k := h.task(c)
		if c.State != CheckingHome || k.Task != "home_check" || k.Post != h.posts["clerk"] || !k.Clock.Due.Equal(c.Clock.Due) {
			h.Fatalf("%s; the home check is %s at %v, due %s", c.State, k.Task, k.Post, k.Clock.Due)
		}
		h.refuses("clerk", k, Act{Move: "home_check", Result: Pass}, ErrNoteNeeded)
		h.does("clerk", k, Act{Move: "home_check", Result: Pass, Note: "两人上门，情况属实"})
		if c = h.now(c); c.State != Reviewing || c.Verify != Pass || c.Post != h.posts["reviewer"] {
			h.Fatalf("after the home check %s, %s at %v", c.State, c.Verify, c.Post)
		}
		c = h.does("reviewer", c, Act{Move: "review", Result: Pass, Note: "收入低于标准"})
		if c.State != Reviewing || c.Opinion != Pass {
			h.Fatalf("recommended as %s, %s", c.State, c.Opinion)
		}
		left := c.Clock.Due
		c = h.does("reviewer", c, Act{Move: "publicise", Note: "演**，幸福村，临时救助"})
		end := time.Date(2026, 12, 2, 0, 0, 0, 0, h.desk.zone) // 24:00 of the seventh day after the first
		if c.State != Publicised || !c.Posting.Until.Equal(end) || !c.Clock.Due.Equal(end) {
			h.Fatalf("posted as %s until %s", c.State, c.Posting.Until.In(h.desk.zone))
		}
		h.refuses("reviewer", c, Act{Move: "publicise", Result: Pass, Note: "没有异议"}, ErrPostingRuns)
		h.clock.Set(end)
		if s := h.sweeps(); s.Resumed != 1 || s.Late != 0 {
			h.Fatalf("the sweeper did %+v", s)
		}
		c = h.now(c)
		if c.State != Deciding || c.Post != h.posts["civil"] || c.Posting != nil {
			h.Fatalf("after the posting %s at %v", c.State, c.Post)
		}
		// Five working days hung out: the deadline moves by as many.
		if moved := time.Date(2026, 12, 29, 17, 30, 0, 0, h.desk.zone); !c.Clock.Due.Equal(moved) {
			h.Fatalf("due %s, was %s, want %s", c.Clock.Due.In(h.desk.zone), left.In(h.desk.zone), moved)
		}
		h.agrees(c, "deciding")
		h.refuses("civil", c, Act{Move: "approve", Result: Fail}, ErrReasonNeeded)
		c = h.does("civil", c, Act{Move: "approve", Result: Pass})
		if c.State != Approved || c.Post != h.posts["payer"] || c.Clock.Kind != ClockGive {
			h.Fatalf("approved as %s at %v", c.State, c.Post)
		}
		h.refuses("payer", c, Act{Move: "give", Note: "已转账"}, ErrEvidence)
		c = h.does("payer", c, Act{Move: "give", Note: "已转账", ResidentText: "款已到账", Evidence: []string{"signature"}})
		if c.State != Handed || !c.about().Final || c.Closed.IsZero() || c.Late {
			h.Fatalf("given as %+v", c)
		}
		h.agrees(c, "given")
		p := h.public(c)
		if p.Stage != "closed" || p.Refused || p.Ended || len(p.Messages) == 0 {
			h.Fatalf("the resident sees %+v", p)
		}
		for _, m := range p.Messages {
			if strings.Contains(m.Text.Chinese, "收入低于") || strings.Contains(m.Text.Chinese, "两人上门") {
				h.Errorf("the resident reads an internal remark: %s", m.Text.Chinese)
			}
		}
	})
}

// Papers are missing: the clock stands still until the resident's reply, once;
// without one the sweeper hands it back.
func TestMissingPapers(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.does("clerk", h.applies(), Act{Move: "accept"})
		due := c.Clock.Due
		ask := Act{Move: "correct", Reason: "correct_papers", ResidentText: "请补收入证明"}
		h.refuses("reviewer", c, Act{Move: "correct", Reason: "correct_papers"}, ErrResidentText)
		c = h.does("reviewer", c, ask)
		if c.State != Correcting || !c.Clock.Paused || !c.Clock.Due.IsZero() {
			h.Fatalf("waits for papers as %s, %+v", c.State, c.Clock)
		}
		if p := h.public(c); !p.Paused || !has2(p.Can, "submit") || !strings.Contains(p.Messages[len(p.Messages)-1].Text.Chinese, "收入证明") {
			h.Fatalf("the applicant sees %+v", p)
		}
		h.clock.Add(3 * 24 * time.Hour) // Friday
		if _, err := h.asApplicant(c, Act{Move: "submit"}); !errors.Is(err, ErrNoteNeeded) {
			h.Fatalf("an empty reply: %v", err)
		}
		c, err := h.asApplicant(c, Act{Move: "submit", Note: "补上了证明"})
		h.must(err)
		if c.State != Accepted || c.Clock.Paused || c.Clock.Due.Sub(due) != 2*24*time.Hour { // Wednesday and Thursday
			h.Fatalf("goes on as %s, due %s, was %s", c.State, c.Clock.Due, due)
		}
		h.agrees(c, "papers are in")
		h.refuses("reviewer", c, ask, ErrReasonSpent)

		d := h.does("clerk", h.applies(), Act{Move: "correct", Reason: "correct_papers", ResidentText: "请补照片"})
		h.clock.Set(d.Hold.Until)
		if s := h.sweeps(); s.Resumed != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		if d = h.now(d); d.State != Submitted || d.Clock.Paused || d.Hold != nil {
			h.Fatalf("after the time for papers %s, %+v", d.State, d.Clock)
		}
		h.agrees(d, "papers never came")
	})
}

func has2(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Whoever filled it in does not review, whoever reviewed does not approve; a
// stand-in is the same hand.
func TestTwoHandsOnAnApplication(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		in := Report{Item: "moving", Condition: "in", Consent: true,
			Form: json.RawMessage(`{"direction":"in","name":"演示人","phone":"15900000031","moved_on":"2026-11-20","address":"幸福村1号","people":2,"tenure":"own"}`)}
		if _, err := h.tryReport("works", in); err == nil || !strings.Contains(err.Error(), "access.denied") {
			h.Fatalf("a department fills in for a resident: %v", err)
		}
		c := h.reports("clerk", in)
		if c.State != Submitted || c.Post != h.posts["clerk"] {
			h.Fatalf("filled in as %s at %v", c.State, c.Post)
		}
		c = h.does("clerk", c, Act{Move: "accept"})
		if c.Post != h.posts["reviewer"] {
			h.Fatalf("whoever filled it in reviews it: %v", c.Post)
		}
		// The clerk stands in for the reviewer: still the hand that filled it in.
		h.write(func(tx *db.Tx) error {
			v, err := h.org.Deputise(tx, h.operator(), org.HoldingIn{Post: h.posts["reviewer"], Person: h.who["clerk"], From: tx.Now(), To: tx.Now().Add(48 * time.Hour)})
			if err != nil {
				return err
			}
			_, err = h.org.Accept(tx, h.as(tx, "clerk"), v.ID)
			return err
		})
		err := h.db.Write(h.ctx, func(tx *db.Tx) error {
			by, err := h.access.Actor(tx, h.who["clerk"], h.posts["reviewer"])
			if err != nil {
				return err
			}
			by.Via = "desk"
			_, err = h.desk.Move(tx, by, c.ID, Act{Move: "review", Result: Pass, Note: "同意"}, nil)
			return err
		})
		if !errors.Is(err, ErrSameHand) {
			h.Fatalf("the helper reviews as a stand-in: %v", err)
		}
	})
}

// Declined with a reason; the appeal goes to other hands, once.
func TestAppeal(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.decidable()
		c = h.does("civil", c, Act{Move: "approve", Result: Fail, Reason: "decline_rule", Note: "收入高于标准"})
		if c.State != Declined || c.Closed.IsZero() {
			h.Fatalf("declined as %+v", c)
		}
		p := h.public(c)
		if !p.Refused || !has2(p.Can, "appeal") || !strings.Contains(p.Messages[len(p.Messages)-1].Text.Chinese, "申诉") {
			h.Fatalf("the applicant sees %+v", p)
		}
		c, err := h.asApplicant(c, Act{Move: "appeal", Note: "孩子上学，没有算进去"})
		h.must(err)
		if c.State != Appealed || c.Post != h.posts["streetleader"] || c.Clock.Limit.Units != 10 {
			h.Fatalf("appealed to %v, clock %+v", c.Post, c.Clock)
		}
		h.agrees(c, "appealed")
		c = h.does("streetleader", c, Act{Move: "appeal_decide", Result: Fail, Note: "复核后维持", Reason: "decline_rule"})
		if c.State != Declined {
			h.Fatalf("after the appeal %s", c.State)
		}
		if _, err := h.asApplicant(c, Act{Move: "appeal", Note: "再看一次"}); !errors.Is(err, ErrAppealed) {
			h.Fatalf("appealed twice: %v", err)
		}

		d := h.decidable()
		d = h.does("civil", d, Act{Move: "approve", Result: Fail, Reason: "decline_rule", Note: "收入高于标准"})
		h.clock.Add(reopenTerm + time.Second)
		if _, err := h.asApplicant(d, Act{Move: "appeal", Note: "晚了"}); !errors.Is(err, ErrTermOver) {
			h.Fatalf("appealed after the term: %v", err)
		}
	})
}

// What is posted can be read and objected to by anybody; with an objection a
// person ends the posting, and an objection that is right ends it at once.
func TestPostingIsObjectedTo(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.does("clerk", h.applies(), Act{Move: "accept"})
		c = h.does("reviewer", c, Act{Move: "review", Result: Pass, Note: "收入低于标准"})
		c = h.does("reviewer", c, Act{Move: "publicise", Note: "演**，幸福村，临时救助"})
		var out []Posted
		h.read(func(tx *db.Tx) (err error) {
			out, err = h.desk.Postings(tx)
			return err
		})
		if len(out) != 1 || out[0].Text != "演**，幸福村，临时救助" {
			h.Fatalf("posted %+v", out)
		}
		object := func(v id.ID) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error { return h.desk.ObjectToPosting(tx, h.as(tx, ""), v, "他家有车") })
		}
		h.must(object(out[0].ID))
		if err := object(h.newID()); !errors.Is(err, ErrNoPosting) {
			h.Fatalf("an objection to nothing: %v", err)
		}
		h.clock.Set(c.Posting.Until)
		if s := h.sweeps(); s.Resumed != 0 {
			h.Fatalf("a posting with an objection ended by itself: %+v", s)
		}
		c = h.does("reviewer", c, Act{Move: "publicise", Result: Fail, Note: "查实有车"})
		if c.State != Reviewing || c.Opinion != NotAsked || c.Posting != nil {
			h.Fatalf("after a right objection %s, %+v", c.State, c.Application)
		}
		h.agrees(c, "objected")
		h.read(func(tx *db.Tx) (err error) {
			out, err = h.desk.Postings(tx)
			return err
		})
		if len(out) != 0 {
			h.Errorf("still posted: %+v", out)
		}
		if err := object(c.ID); !errors.Is(err, ErrNoPosting) {
			h.Errorf("an objection to what is taken down: %v", err)
		}
		c = h.does("reviewer", c, Act{Move: "review", Result: Fail, Note: "不符合条件"})
		if c.State != Deciding {
			h.Errorf("not recommended leads to %s", c.State)
		}
	})
}

// An application can be withdrawn by the applicant until it is decided, and is
// not taken without consent or answers.
func TestApplicationBounds(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.does("clerk", h.applies(), Act{Move: "accept"})
		c, err := h.asApplicant(c, Act{Move: "withdraw", Reason: "withdraw_mistake"})
		h.must(err)
		if c.State != Withdrawn {
			h.Fatalf("withdrawn as %s", c.State)
		}
		place := PlaceIn{Platform: h.units["P1"], Words: "幸福村"}
		if _, err := h.tryReport("", Report{Item: "allowance", Place: place, Form: json.RawMessage(allowanceForm)}); !errors.Is(err, ErrConsent) {
			h.Errorf("without consent: %v", err)
		}
		for _, form := range []string{``, `{}`, `{"allowance":"temporary"}`, `{"allowance":"student","applicant_name":"演示","id_number":"1","phone":"15900000031","household_size":1,"reason":"x"}`} {
			if _, err := h.tryReport("", Report{Item: "allowance", Consent: true, Place: place, Form: json.RawMessage(form)}); err == nil {
				h.Errorf("taken with the answers %q", form)
			}
		}
		d := h.decidable()
		d = h.does("civil", d, Act{Move: "approve", Result: Pass})
		if _, err := h.asApplicant(d, Act{Move: "withdraw", Reason: "withdraw_mistake"}); !errors.Is(err, ErrWrongState) {
			h.Errorf("withdrawn after the decision: %v", err)
		}
		if _, err := h.asApplicant(d, Act{Move: "object", Note: "x"}); !errors.Is(err, ErrNoMove) {
			h.Errorf("the applicant objects: %v", err)
		}
	})
}
