package casework

import (
	"errors"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// A return goes back along the dispatches, one at a time, keeps everything, and
// nothing later is reached but by a new dispatch.
func TestReturnNeverSkipsForward(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.filed()
		c = h.does("village", c, Act{Move: "dispatch", Post: h.posts["street"]})
		if c.State != Filed || c.Post != h.posts["street"] || c.Clock.Kind != ClockDispatch {
			h.Fatalf("passed on as %s at %v", c.State, c.Post)
		}
		c = h.does("street", c, Act{Move: "dispatch", Post: h.posts["works"]})
		h.does("works", c, Act{Move: "take"})
		c = h.does("works", c, Act{Move: "return", Reason: "return_not_mine", Note: "属住建"})
		if c.State != Filed || c.Post != h.posts["street"] || c.Returned == nil || !c.Department.IsZero() {
			h.Fatalf("returned as %+v", c)
		}
		if shows(h.list("works", Filter{View: "open"}), c) {
			h.Error("the case is still in the list of who sent it back")
		}
		for _, move := range []string{"take", "handle", "done", "close", "check", "settle", "accept", "file", "refuse"} {
			f, _ := FlowOf(c.Flow)
			if m, ok := f.Move(move); ok && m.Permission != "" {
				if _, err := h.try("street", c, Act{Move: move, Note: "x", Reason: "refuse_outside", Result: Pass}); err == nil {
					h.Errorf("after a return %s is possible", move)
				}
			}
		}
		// Further back, to the desk that filed it.
		c = h.does("street", c, Act{Move: "return", Reason: "return_wrong_item", Note: "事项选错"})
		if c.Post != h.posts["village"] || c.State != Filed {
			h.Fatalf("returned further to %v", c.Post)
		}
		h.refuses("village", c, Act{Move: "return", Reason: "return_not_mine", Note: "x"}, ErrNoSender)
		c = h.does("village", c, Act{Move: "dispatch", Post: h.posts["housing"]})
		c = h.does("housing", c, Act{Move: "return", Reason: "return_not_mine", Note: "也不是我们"})
		c = h.does("village", c, Act{Move: "dispatch", Post: h.posts["works"]})
		h.refuses("works", c, Act{Move: "return", Reason: "return_not_mine", Note: "再退"}, ErrReasonSpent)
		if c.Returned != nil {
			h.Error("a new dispatch leaves the case marked as returned")
		}
		// The dispatcher takes it back; another desk cannot.
		h.refuses("street", c, Act{Move: "withdraw", Reason: "withdraw_dispatch", Note: "派错"}, ErrNotSender)
		c = h.does("village", c, Act{Move: "withdraw", Reason: "withdraw_dispatch", Note: "派错"})
		if c.State != Filed || c.Post != h.posts["village"] {
			h.Fatalf("withdrawn as %+v", c)
		}
	})
}

// A suspension is asked for by one hand and decided by another; the clock
// stands still and goes on by itself on the date.
func TestSuspension(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		due := c.Clock.Due
		h.clock.Add(30 * time.Minute)
		left := due.Sub(h.clock.Now())
		until := h.clock.Now().Add(10 * 24 * time.Hour)
		h.refuses("works", c, Act{Move: "suspend_ask", Reason: "suspend_part", Note: "等配件", Until: h.clock.Now().Add(300 * 24 * time.Hour)}, ErrUntilFar)
		c = h.does("works", c, Act{Move: "suspend_ask", Reason: "suspend_part", Note: "等配件", Until: until})
		if c.AskPost != h.posts["street"] || c.State != Handling || c.Clock.Paused {
			h.Fatalf("asked %v, state %s", c.AskPost, c.State)
		}
		if !shows(h.list("street", Filter{View: "mine"}), c) {
			h.Error("who is asked does not find the request")
		}
		h.refuses("works", c, Act{Move: "done", Note: "x", Files: []id.ID{h.photo("works", "after")}}, ErrAsked)
		c = h.does("street", c, Act{Move: "suspend_decide", Result: Fail})
		if c.Ask != nil || c.State != Handling {
			h.Fatalf("declined as %+v", c)
		}
		h.does("works", c, Act{Move: "suspend_ask", Reason: "suspend_part", Note: "等配件", Until: until})
		c = h.does("street", c, Act{Move: "suspend_decide", Result: Pass})
		if c.State != Suspended || !c.Clock.Due.IsZero() || !c.Clock.Paused || c.Clock.Remaining > left {
			h.Fatalf("suspended with %+v", c.Clock)
		}
		h.clock.Set(until.Add(-time.Minute))
		if s := h.sweeps(); s.Resumed != 0 {
			h.Fatalf("resumed before its time: %+v", s)
		}
		h.clock.Set(until)
		if s := h.sweeps(); s.Resumed != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		c = h.now(c)
		if c.State != Handling || c.Post != h.posts["works"] || c.Clock.Due.IsZero() || c.Clock.Paused || c.Hold != nil {
			h.Fatalf("resumed as %+v", c)
		}
		if s := h.sweeps(); s.Resumed != 0 {
			h.Fatalf("resumed twice: %+v", s)
		}
		h.does("works", c, Act{Move: "suspend_ask", Reason: "suspend_person", Note: "等人", Until: h.clock.Now().Add(24 * time.Hour)})
	})
}

// The sweeper marks a clock late once, and lateness is judged at done.
func TestLateness(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		h.clock.Set(c.Clock.Due)
		if s := h.sweeps(); s.Late != 0 {
			h.Fatalf("late at the very instant: %+v", s)
		}
		h.clock.Add(time.Second)
		if !shows(h.list("works", Filter{Late: true}), c) {
			h.Error("an overdue case is not in the list of late ones before the sweep")
		}
		if s := h.sweeps(); s.Late != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		if s := h.sweeps(); s.Late != 0 {
			h.Fatalf("marked twice: %+v", s)
		}
		if c = h.now(c); !c.Late || c.Clock.LateAt.IsZero() {
			h.Fatalf("late case %+v", c)
		}
		n := 0
		for _, e := range h.timeline(c) {
			if e.Kind == "case.late" {
				n++
			}
		}
		if n != 1 {
			h.Errorf("%d entries of lateness", n)
		}
		c = h.does("works", c, Act{Move: "done", Note: "清完了", Files: []id.ID{h.photo("works", "after")}})
		if !c.Late {
			h.Error("done late, and forgotten")
		}
		// Done in time, but the check fails after the due time: the interval
		// counts in full.
		d := h.handled()
		h.clock.Set(d.Clock.Due.Add(-time.Minute))
		d = h.does("works", d, Act{Move: "done", Note: "清完了", Files: []id.ID{h.photo("works", "after")}})
		if d.Late {
			h.Error("done in time and called late")
		}
		h.clock.Add(2 * time.Hour)
		h.does("officer", h.task(d), Act{Move: "check", Result: Fail, Note: "没清完"})
		h.sweeps()
		if d = h.now(d); !d.Late {
			h.Error("rework after the due time is not late")
		}
	})
}

// Two acceptors, one case: a claim holds ten minutes.
func TestClaim(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{})
		claim := func(name string) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, _, err := h.desk.Claim(tx, h.as(tx, name), c.ID)
				return err
			})
		}
		h.must(claim("street"))
		if err := claim("village"); !errors.Is(err, ErrClaimed) {
			h.Fatalf("claimed twice: %v", err)
		}
		h.refuses("village", c, Act{Move: "accept"}, ErrClaimed)
		if p := h.page("village", c); p.Case.ClaimedBy == nil || p.Case.ClaimedBy.Mine || p.Moves[0].Allowed {
			h.Errorf("the page of a claimed case: %+v", p.Case.ClaimedBy)
		}
		if v := h.now(c).Version; v != 1 {
			h.Errorf("a claim raised the version to %d", v)
		}
		h.clock.Add(claimTime)
		if s := h.sweeps(); s.Released != 1 {
			h.Errorf("the sweeper did %+v", s)
		}
		h.must(claim("village"))
		h.does("village", c, Act{Move: "accept"})
		h.must(claim("street")) // accepting ended the claim
	})
}

// Voiding and reopening need reasons, terms and other hands.
func TestVoidAndReopen(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.filed()
		c = h.does("street", c, Act{Move: "void_ask", Reason: "void_wrong_entry", Note: "录错了"})
		if c.AskPost != h.posts["hubleader"] {
			h.Fatalf("asked %v", c.AskPost)
		}
		h.does("hubleader", c, Act{Move: "void_decide", Result: Pass})
		if c = h.now(c); c.State != Voided || c.Ask != nil || !c.AskPost.IsZero() || c.Clock.Kind != "" {
			h.Fatalf("voided as %+v", c)
		}
		d := h.done()
		h.does("officer", h.task(d), Act{Move: "check", Result: Pass})
		d = h.does("village", d, Act{Move: "close"})
		h.refuses("village", d, Act{Move: "reopen", Reason: "reopen_again"}, ErrNoteNeeded)
		d = h.does("village", d, Act{Move: "reopen", Reason: "reopen_again", Note: "又堆了"})
		if d.State != Filed || d.Check != NotAsked || !d.Closed.IsZero() || d.Clock.Kind != ClockDispatch {
			h.Fatalf("reopened as %+v", d)
		}
		e := h.done()
		h.does("officer", h.task(e), Act{Move: "check", Result: Pass})
		e = h.does("village", e, Act{Move: "close"})
		h.clock.Add(reopenTerm + time.Second)
		h.refuses("village", e, Act{Move: "reopen", Reason: "reopen_again", Note: "又堆了"}, ErrTermOver)
	})
}

// Settled on the spot: done in one act, checked by another hand.
func TestSettleOnTheSpot(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("officer", Report{})
		if c.Public || c.Channel != "desk" {
			h.Fatalf("reported by staff as %+v", c)
		}
		h.refuses("officer", c, Act{Move: "settle", Note: "扫了"}, ErrEvidence)
		c = h.does("officer", c, Act{Move: "settle", Note: "扫了", Files: []id.ID{h.photo("officer", "after")}})
		k := h.task(c)
		if c.State != Done || k.Task != "check" || k.Post == h.posts["officer"] || c.Post != k.Post {
			h.Fatalf("settled as %s, checked by %v", c.State, k.Post)
		}
		if k.Post != h.posts["part"] {
			h.Errorf("the nearest other hand is %v", k.Post)
		}
		h.refuses("officer", c, Act{Move: "check", Result: Pass}, ErrSameHand)
		h.does("part", k, Act{Move: "check", Result: Pass})
		h.does("village", c, Act{Move: "close"})
	})
}

// Where only the handler is near, the next level's desk checks.
func TestCheckFallsToTheNextLevel(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("officer2", Report{Place: inG2})
		c = h.does("officer2", c, Act{Move: "settle", Note: "扫了", Files: []id.ID{h.photo("officer2", "after")}})
		if k := h.task(c); k.Post != h.posts["village2"] {
			h.Fatalf("checked by %v, want the village desk", k.Post)
		}
	})
}

// A verification that fails can be asked for again, or ends in a refusal.
func TestVerificationFails(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{Reporter: &PartyIn{Name: "赵六"}})
		h.refuses("village", c, Act{Move: "refuse", Reason: "refuse_not_confirmed", Note: "x"}, ErrNotConfirmed)
		c = h.does("village", c, Act{Move: "accept"})
		h.refuses("village", c, Act{Move: "accept"}, ErrNotFailed)
		h.refuses("officer", h.task(c), Act{Move: "verify", Result: Fail}, ErrNoteNeeded)
		h.does("officer", h.task(c), Act{Move: "verify", Result: Fail, Note: "没看到"})
		h.refuses("village", c, Act{Move: "file"}, ErrVerifyFailed)
		c = h.does("village", h.now(c), Act{Move: "accept"})
		h.does("officer", h.task(c), Act{Move: "return", Reason: "return_need_more", Note: "在外地"})
		k := h.task(c)
		if k.Post == h.posts["officer"] || k.State != Open {
			h.Fatalf("the task stays with %v", k.Post)
		}
		h.does("village", c, Act{Move: "refuse", Reason: "refuse_not_service", Note: "不属受理"})
		if k = h.now(k); k.State != Cancelled {
			h.Errorf("the task of a refused case is %s", k.State)
		}
	})
}

// An item of the task flow goes to its route and ends in one step.
func TestPlannedTask(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{Item: "patrol", Condition: "daily", Text: "早巡", Channel: "plan"})
		if c.State != Open || c.Post != h.posts["officer"] {
			h.Fatalf("planned as %s at %v", c.State, c.Post)
		}
		h.refuses("part", c, Act{Move: "do"}, ErrNotOwner)
		c = h.does("officer", c, Act{Move: "do"})
		if c.State != Doing {
			h.Fatalf("begun as %s", c.State)
		}
		h.refuses("officer", c, Act{Move: "do", Note: "走完了"}, ErrEvidence)
		c = h.does("officer", c, Act{Move: "do", Note: "走完了", Evidence: []string{"track_summary"}})
		if c.State == Done { // drawn into the sample
			h.refuses("officer", c, Act{Move: "check", Result: Pass}, ErrSameHand)
			c = h.does("village", c, Act{Move: "check", Result: Pass})
		}
		if c.State != Closed {
			h.Fatalf("ended as %s", c.State)
		}
		missed := h.reports("village", Report{Item: "patrol", Condition: "daily", Text: "晚巡", Channel: "plan"})
		h.clock.Set(missed.Clock.Due.Add(time.Minute))
		if s := h.sweeps(); s.Missed != 1 || h.now(missed).State != Missed {
			h.Errorf("the sweeper did %+v, the task is %s", s, h.now(missed).State)
		}
	})
}

// While a post is vacant its cases stand in the list of who acts for it, and go
// back when it is filled.
func TestVacancy(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.does("village", h.filed(), Act{Move: "dispatch", Post: h.posts["officer"]})
		if shows(h.list("head", Filter{View: "mine"}), c) {
			h.Fatal("the head has what the officer must do")
		}
		h.sweeps()
		h.write(func(tx *db.Tx) error {
			o, err := h.org.Snapshot(tx)
			if err != nil {
				return err
			}
			for _, x := range o.HoldingsOf(h.who["officer"], tx.Now()) {
				_, err = h.org.End(tx, h.operator(), x.ID, x.Version, tx.Now())
			}
			return err
		})
		if s := h.sweeps(); s.Moved != 1 {
			h.Fatalf("the sweeper did %+v", s)
		}
		c = h.now(c)
		if c.Post != h.posts["officer"] || c.Acting == c.Post {
			h.Fatalf("owner %v, acting %v", c.Post, c.Acting)
		}
		var acting string
		for name, p := range h.posts {
			if p == c.Acting {
				acting = name
			}
		}
		if !shows(h.list(acting, Filter{View: "mine"}), c) {
			h.Fatalf("%s acts and does not find it", acting)
		}
		h.does(acting, c, Act{Move: "take"})
		h.write(func(tx *db.Tx) error {
			_, err := h.org.Assign(tx, h.operator(), org.HoldingIn{Post: h.posts["officer"], Person: h.who["officer"], From: tx.Now()})
			return err
		})
		h.clock.Add(time.Minute)
		if s := h.sweeps(); s.Moved != 1 || h.now(c).Acting != h.posts["officer"] {
			h.Errorf("the sweeper did %+v, acting %v", s, h.now(c).Acting)
		}
	})
}

// Reporters are sealed, found again by phone without being opened, and opened
// only with a purpose that the journal knows before the answer.
func TestReporter(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{Item: "errand", Text: "代取药", Reporter: &PartyIn{Name: "钱老", Phone: "15900000024"},
			Form: []byte(`{"errand":"medicine","wanted_by":"2026-11-24T16:00:00+08:00","phone":"15900000024"}`)})
		for _, table := range []string{`SELECT name FROM case_party`, `SELECT phone FROM case_party`, `SELECT form FROM case_party`} {
			h.read(func(tx *db.Tx) error {
				var raw []byte
				if err := tx.Row(table).Scan(&raw); err != nil {
					return err
				}
				if len(raw) == 0 || strings.Contains(string(raw), "钱老") || strings.Contains(string(raw), "15900000024") {
					h.Errorf("%s is readable: %q", table, raw)
				}
				return nil
			})
		}
		if strings.Contains(string(h.now(c).Form), "15900000024") {
			h.Errorf("a personal answer stands open: %s", h.now(c).Form)
		}
		var found []Duplicate
		h.read(func(tx *db.Tx) (err error) {
			found, err = h.desk.Duplicates(tx, h.as(tx, "village"), Probe{Item: "errand", Phone: "+86 159 0000 0024"})
			return err
		})
		if len(found) != 1 || found[0].Case.ID != c.ID {
			h.Errorf("by phone: %+v", found)
		}
		reveal := func(name, purpose, why string) (r Revealed, err error) {
			err = h.db.Write(h.ctx, func(tx *db.Tx) error {
				r, err = h.desk.Reveal(tx, h.as(tx, name), c.ID, purpose, why)
				return err
			})
			return r, err
		}
		if _, err := reveal("village", "curiosity", "想看"); !errors.Is(err, ErrPurpose) {
			h.Errorf("without a purpose: %v", err)
		}
		if _, err := reveal("officer2", "contact", "想看"); !errors.Is(err, ErrMissing) {
			h.Errorf("from another grid: %v", err)
		}
		r, err := reveal("village", "visit", "约时间")
		if err != nil || r.Name != "钱老" || r.Phone != "15900000024" || !strings.Contains(string(r.Form), "15900000024") {
			h.Fatalf("revealed %+v, %v", r, err)
		}
		n := 0
		for _, e := range h.timeline(c) {
			if b := bodyOf(h.TB, e); e.Kind == "case.reveal" {
				n++
				if b.Purpose != "visit" || strings.Contains(b.Note+b.Fields, "钱老") {
					h.Errorf("the journal says %+v", b)
				}
			}
		}
		if n != 1 {
			h.Errorf("%d reveals in the journal", n)
		}
	})
}

// When an office changes its hours, running deadlines are computed anew, once,
// and say so on the timeline.
func TestChangedHours(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.handled()
		h.sweeps()
		if s := h.sweeps(); s.Redated != 0 {
			h.Fatalf("moved without a change: %+v", s)
		}
		due := h.now(c).Clock.Due
		h.write(func(tx *db.Tx) error {
			sheet, err := h.hours.Get(tx, "office")
			if err != nil {
				return err
			}
			for i := range sheet.Schedules {
				sheet.Schedules[i].Periods = []calendar.Period{{From: 8*60 + 30, To: 11 * 60}} // mornings only
			}
			_, err = h.hours.Edit(tx, h.operator(), "office", 0, calendar.SheetEdit{Name: sheet.Name, Note: sheet.Note, TimeZone: sheet.TimeZone, Schedules: sheet.Schedules})
			return err
		})
		if s := h.sweeps(); s.Redated == 0 {
			h.Fatalf("the sweeper did %+v", s)
		}
		after := h.now(c)
		if !after.Clock.Due.After(due) || after.Version != c.Version+1 {
			h.Fatalf("due %s, was %s; version %d after %d", after.Clock.Due, due, after.Version, c.Version)
		}
		h.agrees(after, "changed hours")
		var moved []Redated
		h.read(func(tx *db.Tx) (err error) {
			moved, _, err = h.desk.Redated(tx, h.as(tx, "works"), nil, 20)
			return err
		})
		if len(moved) != 1 || moved[0].Case != c.ID || !moved[0].Before.Equal(due) || !moved[0].After.Equal(after.Clock.Due) || moved[0].Why != WhyCalendar {
			h.Fatalf("the list of what moved: %+v", moved)
		}
		h.read(func(tx *db.Tx) (err error) {
			moved, _, err = h.desk.Redated(tx, h.as(tx, "housing"), nil, 20)
			return err
		})
		if len(moved) != 0 {
			h.Errorf("another department reads %+v", moved)
		}
		if s := h.sweeps(); s.Redated != 0 {
			h.Errorf("moved twice: %+v", s)
		}
	})
}

// Two nodes sweep at the same time: each deadline is acted on once.
func TestTwoSweepers(t *testing.T) {
	eachHouse(t, func(h *house) {
		var cases []Case
		for range 12 {
			cases = append(cases, h.reports("village", Report{}))
		}
		h.clock.Add(3 * time.Hour)
		other, err := New(Options{Org: h.org, Grids: h.desk.grids, Calendars: h.hours, Catalog: h.desk.catalog, Access: h.access, Seal: h.desk.seal, Files: h.files})
		h.must(err)
		results := make(chan Swept, 2)
		for _, d := range []*Desk{h.desk, other} {
			go func() {
				s, err := d.Sweep(h.ctx, h.db)
				if err != nil {
					h.Error(err)
				}
				results <- s
			}()
		}
		a, b := <-results, <-results
		if a.Late+b.Late != len(cases) {
			h.Errorf("marked %d and %d of %d late", a.Late, b.Late, len(cases))
		}
		for _, c := range cases {
			n := 0
			for _, e := range h.timeline(c) {
				if e.Kind == "case.late" {
					n++
				}
			}
			if n != 1 {
				h.Errorf("%s: %d entries of lateness", c.Number, n)
			}
		}
	})
}
