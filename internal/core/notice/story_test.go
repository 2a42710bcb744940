package notice

import (
	"errors"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// A dispatched case is told to who acts for the post, once, however often the
// entry is followed.
func TestDispatchIsToldOnce(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		v := h.one("village", "s_new")
		if v.Title.Chinese != "新事件" || !strings.Contains(v.Body.Chinese, "暴露垃圾") || !strings.Contains(v.Body.Chinese, "东门外第三家") || !strings.Contains(v.Body.English, "20261124-000001") {
			t.Fatalf("it says %+v", v)
		}
		push := h.sent(&h.push.outbox, 1)[0]
		if strings.Contains(push.body, "东门外") || strings.Contains(push.body, "垃圾") || !strings.Contains(push.body, "20261124-000001") {
			t.Fatalf("a locked screen shows %s", push.body)
		}
		// The cursor is set back, as after a crash between two machines.
		h.write(func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE notice_cursor SET number = 0`); return err })
		h.works()
		h.one("village", "s_new")
		h.sent(&h.push.outbox, 1)
		h.none("street")
		h.none("hub")
	})
}

// Nobody is told what he did himself; what an importer brings, or what lies
// long back, is told to nobody.
func TestNoNews(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "village", map[string]any{"to": "dispatched"}, nil)
		h.write(func(tx *db.Tx) error {
			for _, e := range []journal.Entry{{By: journal.By{Via: "import"}}, {By: journal.By{Via: "cli:root@host"}}, {Occurred: tx.Now().Add(-48 * time.Hour)}} {
				e.Kind, e.Subject, e.Version, e.Sight = "case.dispatch", c, 1, journal.Sight{Posts: []id.ID{h.posts["village"]}}
				journal.Add(tx, e)
			}
			return nil
		})
		h.works()
		h.none("village")
	})
}

// Taking the case is the acknowledgement: the ladder ends.
func TestActingAcknowledges(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.happens("case.take", c, "village", "village", map[string]any{"to": "taken"}, nil)
		h.state("village", "s_new", Acknowledged)
		h.later(5 * time.Hour)
		h.none("street")
		h.none("hub")
	})
}

// What nobody acts on climbs: push at once, mail, text message, then the next
// post of the cover order; whoever acknowledges ends it for all of the line.
func TestLadder(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.reach("village", Mail, "village@example.org")
		h.reach("village", SMS, "138 0000 0001")
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.push.outbox, 1)
		h.sent(&h.mail.outbox, 0)
		h.later(10 * time.Minute)
		if m := h.sent(&h.mail.outbox, 1)[0]; m.to != "village@example.org" || m.subject != "新事件" || strings.Contains(m.body, "东门外") || !strings.Contains(m.body, "https://grid.example/desk/work/") {
			t.Fatalf("the mail says %+v", m)
		}
		h.sent(&h.sms.outbox, 0)
		h.later(20 * time.Minute)
		if m := h.sent(&h.sms.outbox, 1)[0]; m.to != "13800000001" || strings.Contains(m.body, "垃圾") {
			t.Fatalf("the text message says %+v", m)
		}
		h.none("street")
		h.later(90 * time.Minute)
		h.state("village", "s_new", Escalated)
		next := h.one("street", "s_new")
		if next.State != Open {
			t.Fatalf("the street's is %s", next.State)
		}
		// He comes late and says that he has it: the street need not any more.
		h.write(func(tx *db.Tx) error {
			_, err := h.n.Acknowledge(tx, h.as(tx, "village"), h.one("village", "s_new").ID)
			return err
		})
		h.state("village", "s_new", Acknowledged)
		h.state("street", "s_new", Superseded)
		h.sent(&h.push.outbox, 1)
	})
}

// Nobody off duty is alarmed. What is urgent goes to whoever is on duty.
func TestOffDuty(t *testing.T) {
	eachHouse(t, func(h *house) {
		for _, name := range []string{"village", "street"} {
			h.device(name)
			h.reach(name, SMS, "13800000001")
		}
		h.off[h.who["village"]] = true
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.later(3 * time.Hour)
		h.state("village", "s_new", Open)
		h.sent(&h.push.outbox, 0)
		h.none("street")
		// An urgent one does not wait.
		u := h.newCase()
		h.happens("case.supervise", u, "village", "street", map[string]any{"priority": "urgent"}, nil)
		h.state("village", "s_supervise", Escalated)
		h.state("street", "s_supervise", Open)
		if m := h.sent(&h.push.outbox, 1)[0]; m.to != "https://push.example/street" {
			t.Fatalf("%s was alarmed", m.to)
		}
		// His shift begins: the first one alarms him now.
		h.off[h.who["village"]] = false
		h.later(10 * time.Minute)
		h.sent(&h.push.outbox, 2)
	})
}

// Where no roster speaks for somebody, the hours of the unit of his post decide:
// at noon he is left alone, in the afternoon he is alarmed.
func TestHoursWithoutARoster(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.bare = true
		h.device("village")
		h.clock.Set(time.Date(2026, 11, 24, 4, 30, 0, 0, time.UTC)) // 12:30
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.push.outbox, 0)
		h.later(29 * time.Minute)
		h.sent(&h.push.outbox, 0)
		h.later(11 * time.Minute) // 13:10: it is looked at every ten minutes
		h.sent(&h.push.outbox, 1)
	})
}

// When nobody of the order is on duty an urgent matter waits for the first who
// comes, and is shown as undelivered meanwhile.
func TestNobodyOnDuty(t *testing.T) {
	eachHouse(t, func(h *house) {
		for _, w := range h.who {
			h.off[w] = true
		}
		h.device("hub")
		c := h.newCase()
		h.happens("case.supervise", c, "village", "street", nil, nil)
		h.sent(&h.push.outbox, 0)
		h.troubles("leader", 1)
		h.troubles("other", 0)
		h.off[h.who["hub"]] = false
		h.later(5 * time.Minute)
		h.state("hub", "s_supervise", Open)
		h.sent(&h.push.outbox, 1)
		h.troubles("leader", 0)
	})
}

func (h *house) troubles(name string, want int) (list []Trouble) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		list, err = h.n.Troubles(tx, h.as(tx, name))
		return err
	})
	if len(list) != want {
		h.Fatalf("%s sees %d undelivered, not %d: %+v", name, len(list), want, list)
	}
	return list
}

// In quiet hours nothing leaves but what is urgent; the rest leaves at their end.
func TestQuietHours(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.clock.Set(time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)) // 22:00
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "street", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.push.outbox, 0)
		h.one("village", "s_new")
		u := h.newCase()
		h.happens("case.supervise", u, "village", "street", nil, nil)
		h.sent(&h.push.outbox, 1)
		h.write(func(tx *db.Tx) error {
			_, err := h.n.Acknowledge(tx, h.as(tx, "village"), h.one("village", "s_supervise").ID)
			return err
		})
		h.clock.Set(time.Date(2026, 11, 24, 23, 29, 0, 0, time.UTC)) // 07:29
		h.works()
		h.sent(&h.push.outbox, 1)
		h.later(time.Minute)
		h.sent(&h.push.outbox, 2)
	})
}

// A post that is vacant without anybody to cover it has its message when
// somebody comes.
func TestVacantPost(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.write(func(tx *db.Tx) error {
			s, err := h.org.Snapshot(tx)
			if err != nil {
				return err
			}
			for _, x := range s.Holdings {
				if _, err := h.org.End(tx, h.operator(), x.ID, 0, tx.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		c := h.newCase()
		h.happens("case.dispatch", c, "village", "", map[string]any{"to": "dispatched"}, nil)
		h.write(func(tx *db.Tx) error {
			_, err := h.org.Assign(tx, h.operator(), orgHolding(h.posts["hub"], h.who["hub"], tx.Now()))
			return err
		})
		h.later(6 * time.Minute)
		h.one("hub", "s_new")
	})
}

// Failures are tried again; what failed for good goes one rung up at once; what
// nobody knows of is never sent again.
func TestFailures(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.reach("village", Mail, "village@example.org")
		dispatch := func() {
			h.happens("case.dispatch", h.newCase(), "village", "street", map[string]any{"to": "dispatched"}, nil)
		}
		h.push.fail = []error{errors.New("busy"), errors.New("busy")}
		dispatch()
		h.sent(&h.push.outbox, 0)
		h.later(15 * time.Second)
		h.later(15 * time.Second)
		h.sent(&h.push.outbox, 1)
		h.sent(&h.mail.outbox, 0)

		h.push.fail = []error{ErrUnknown}
		dispatch()
		h.works()
		h.sent(&h.push.outbox, 1)
		h.sent(&h.mail.outbox, 1)

		// A browser that is gone is forgotten, and the mail goes at once.
		h.push.fail = []error{ErrGone}
		dispatch()
		h.works()
		h.sent(&h.mail.outbox, 2)
		h.read(func(tx *db.Tx) error {
			if all, err := devicesOf(tx, h.who["village"]); err != nil || len(all) > 0 {
				t.Fatalf("%v %v", all, err)
			}
			return nil
		})
	})
}

// A machine that dies between claiming a message and writing its end leaves it
// as lost: it may have left, so it is not sent again, and the next rung follows.
func TestKilledWhileSending(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.reach("village", Mail, "village@example.org")
		h.write(func(tx *db.Tx) error {
			h.entry(tx, "case.dispatch", h.newCaseIn(tx), "village", "street", map[string]any{"to": "dispatched"}, nil)
			return nil
		})
		h.must(h.n.Work(h.ctx))
		h.write(func(tx *db.Tx) error { // claimed, and then the power went
			_, err := tx.Exec(`UPDATE notice_delivery SET state = 'sending', attempts = 1`)
			return err
		})
		h.works()
		h.works()
		h.sent(&h.push.outbox, 0)
		h.sent(&h.mail.outbox, 1)
		if list := h.troubles("hub", 0); len(list) > 0 {
			t.Fatal(list)
		}
	})
}

func (h *house) newCaseIn(tx *db.Tx) id.ID {
	v := tx.NewID()
	h.tells[v] = &story{Told: Told{Number: "20261124-999999", At: journal.Sight{Nodes: journal.Nodes{Hub: h.units["H"]}}}}
	return v
}

// A resident gets text messages only where she agreed: only what matters, or
// every step; never anything private; and no more once she ended it.
func TestResident(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.newCase()
		h.happens("case.accept", c, "hub", "hub", map[string]any{"from": "reported"}, nil)
		h.sent(&h.sms.outbox, 0)
		agree := func(yes, every bool) {
			h.write(func(tx *db.Tx) error {
				return h.n.Agree(tx, journal.By{Via: "portal"}, h.tells[c].At, c, Consent{yes, every}, words.Chinese)
			})
		}
		agree(true, false)
		h.happens("case.dispatch", c, "", "hub", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.sms.outbox, 0) // a step between
		h.happens("case.refuse", c, "hub", "hub", map[string]any{"reason": "outside"}, nil)
		m := h.sent(&h.sms.outbox, 1)[0]
		if m.to != "13800000000" || m.body != "您的事项有新进展（20261124-000001）：没有受理。查看：https://grid.example/r/secret-of-the-link" {
			t.Fatalf("she reads %+v", m)
		}
		agree(true, true)
		h.happens("case.dispatch", c, "", "hub", map[string]any{"to": "dispatched"}, nil)
		h.sent(&h.sms.outbox, 1) // that step has no text message at all
		agree(false, false)
		h.happens("case.close", c, "", "hub", nil, nil)
		h.sent(&h.sms.outbox, 1)
	})
}

// Delivery receipts say what became of a text message, also when they are faster
// than the answer to its sending.
func TestReceipts(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.reach("village", SMS, "13800000001")
		u := h.newCase()
		h.must(h.n.report(h.ctx, "m1", true, "DELIVRD"))
		h.happens("case.supervise", u, "village", "street", nil, nil)
		h.later(3 * time.Minute)
		h.sent(&h.sms.outbox, 1)
		h.delivered("village", "s_supervise", SMS, Arrived)
		v := h.newCase()
		h.happens("case.supervise", v, "village", "street", nil, nil)
		h.later(3 * time.Minute)
		h.must(h.n.report(h.ctx, "m2", false, "UNDELIV"))
		h.read(func(tx *db.Tx) error {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM notice_delivery WHERE state = 'failed' AND reason = 'undelivered'`).Scan(&n); err != nil || n != 1 {
				t.Fatalf("%d failed, %v", n, err)
			}
			return nil
		})
		h.troubles("hub", 1)
	})
}

func (h *house) delivered(name, template string, c Channel, want Sent) {
	h.Helper()
	v := h.one(name, template)
	h.read(func(tx *db.Tx) error {
		all, err := deliveriesOf(tx, v.ID)
		for _, d := range all {
			if d.Channel == c && d.State == want {
				return err
			}
		}
		h.Fatalf("%s by %s: %+v", template, c, all)
		return err
	})
}

// A flood of reports is one unread notice that counts them.
func TestGather(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("hub")
		for range 5 {
			h.happens("case.report", h.newCase(), "hub", "", nil, nil)
		}
		v := h.one("hub", "s_to_accept")
		if !strings.Contains(v.Body.Chinese, "有 5 件等待受理") {
			t.Fatalf("it says %s", v.Body.Chinese)
		}
		h.sent(&h.push.outbox, 1)
		h.write(func(tx *db.Tx) error { return h.n.MarkRead(tx, h.as(tx, "hub"), []id.ID{v.ID}, 0) })
		h.happens("case.report", h.newCase(), "hub", "", nil, nil)
		if list := h.inbox("hub"); len(list) != 2 {
			t.Fatalf("%d notices", len(list))
		}
	})
}

// A test message goes by the one channel, at any hour, and not too often.
func TestTestMessage(t *testing.T) {
	eachHouse(t, func(h *house) {
		ask := func() error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error { return h.n.Test(tx, h.as(tx, "village"), Mail) })
		}
		h.refused(ask(), ErrNoAddress)
		h.reach("village", Mail, "village@example.org")
		h.off[h.who["village"]] = true
		for range testsAMinute {
			h.must(ask())
			h.works()
		}
		h.sent(&h.mail.outbox, testsAMinute)
		h.refused(ask(), ErrOften)
	})
}

// Nobody reads, acknowledges or confirms another's notices.
func TestOthersNotices(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.device("village")
		h.happens("case.dispatch", h.newCase(), "village", "street", map[string]any{"to": "dispatched"}, nil)
		v := h.one("village", "s_new")
		var push id.ID
		h.read(func(tx *db.Tx) error {
			all, err := deliveriesOf(tx, v.ID)
			push = all[0].ID
			return err
		})
		for name, act := range map[string]func(tx *db.Tx) error{
			"acknowledges": func(tx *db.Tx) error { _, err := h.n.Acknowledge(tx, h.as(tx, "street"), v.ID); return err },
			"confirms":     func(tx *db.Tx) error { return h.n.Arrive(tx, h.as(tx, "street"), push) },
		} {
			if err := h.db.Write(h.ctx, act); !errors.Is(err, ErrMissing) {
				t.Errorf("a stranger %s: %v", name, err)
			}
		}
		h.write(func(tx *db.Tx) error { return h.n.MarkRead(tx, h.as(tx, "street"), []id.ID{v.ID}, 0) })
		if !h.one("village", "s_new").Read.IsZero() {
			t.Error("a stranger has read it")
		}
		h.write(func(tx *db.Tx) error { return h.n.Arrive(tx, h.as(tx, "village"), push) })
		h.delivered("village", "s_new", Push, Arrived)
	})
}
