package notice

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// writes is what somebody writes to the staff of a unit.
func (h *house) writes(name, unit string, change func(in *MessageIn)) (v MessageView, err error) {
	h.Helper()
	in := MessageIn{Node: h.units[unit], Title: words.Text{Chinese: "明早八点清雪"}, Text: words.Text{Chinese: "带铁锹，在村委会门口集合。"}, MustAct: true}
	if change != nil {
		change(&in)
	}
	err = h.db.Write(h.ctx, func(tx *db.Tx) (err error) {
		v, err = h.n.WriteMessage(tx, h.as(tx, name), in)
		return err
	})
	h.works()
	h.works() // the entry is followed, then the job runs
	return v, err
}

func (h *house) message(name string, v id.ID) (m MessageView, err error) {
	err = h.db.Read(h.ctx, func(tx *db.Tx) (err error) {
		m, err = h.n.ReadMessage(tx, h.as(tx, name), v)
		return err
	})
	return m, err
}

func (h *house) decides(name string, v id.ID, in MessageDecision) (m MessageView, err error) {
	h.Helper()
	err = h.db.Write(h.ctx, func(tx *db.Tx) (err error) {
		m, err = h.n.DecideMessage(tx, h.as(tx, name), v, 0, in)
		return err
	})
	h.works()
	h.works()
	return m, err
}

// seen is a message as it is now, to somebody who may see it.
func (h *house) seen(name string, v id.ID) MessageView {
	h.Helper()
	m, err := h.message(name, v)
	h.must(err)
	return m
}

// A message to a village goes out at once, to each person there but its author,
// and once however often the entry is followed. On a locked screen stands none of
// its words.
func TestMessageToVillage(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.seat("helper", "volunteer", "P1", org.AtVillage)
		h.device("helper")
		h.reach("helper", Mail, "helper@example.org")
		v, err := h.writes("village", "P1", nil)
		h.must(err)
		if v.State != MessageGoing || v.Scope != "village" || v.Posts != 2 || v.AuthorName != "演示-village" {
			t.Fatalf("it was written as %+v", v)
		}
		got := h.one("helper", messageKey)
		if got.Title.Chinese != "明早八点清雪" || got.Title.In(words.English) != "明早八点清雪" || !strings.Contains(got.Body.Chinese, "带铁锹") || !strings.Contains(got.Body.Chinese, "P1") ||
			!strings.Contains(got.Body.English, "带铁锹") || !got.CanAck {
			t.Fatalf("it says %+v", got)
		}
		if push := h.sent(&h.push.outbox, 1)[0]; strings.Contains(push.body, "清雪") || strings.Contains(push.body, "铁锹") {
			t.Fatalf("a locked screen shows %s", push.body)
		}
		for _, name := range []string{"village", "street", "hub", "leader", "other"} {
			h.none(name)
		}
		h.write(func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE notice_cursor SET number = 0`); return err })
		h.works()
		h.works()
		h.one("helper", messageKey)
		if m := h.seen("village", v.ID); m.State != MessageSent || m.Looked != 2 || m.Counts.People != 1 || m.Counts.Read != 0 {
			t.Fatalf("it stands so: %+v", m)
		}
		h.later(15 * time.Minute)
		if mail := h.sent(&h.mail.outbox, 1)[0]; mail.subject != "明早八点清雪" {
			t.Fatalf("the mail is called %s", mail.subject)
		}
		h.write(func(tx *db.Tx) error { _, err := h.n.Acknowledge(tx, h.as(tx, "helper"), got.ID); return err })
		if m := h.seen("village", v.ID); m.Counts.Acknowledged != 1 || m.Counts.Read != 1 || m.Counts.Escalated != 0 {
			t.Fatalf("it stands so: %+v", m.Counts)
		}
	})
}

// Nobody answers: it goes to the next post, and the author sees that.
func TestMessageUnanswered(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.seat("helper", "volunteer", "P1", org.AtVillage)
		h.device("helper")
		v, err := h.writes("street", "P1", func(in *MessageIn) { in.Roles = []string{"volunteer"} })
		h.must(err)
		if v.Posts != 1 {
			t.Fatalf("it goes to %d posts", v.Posts)
		}
		h.none("village")
		h.later(125 * time.Minute)
		m := h.seen("street", v.ID)
		if m.Counts.Escalated != 1 || m.Counts.People != 2 {
			t.Fatalf("it stands so: %+v", m.Counts)
		}
		h.state("helper", messageKey, Escalated)
		// What need not be answered ends when it arrived.
		v, err = h.writes("street", "P1", func(in *MessageIn) { in.Roles, in.MustAct = []string{"village_desk"}, false })
		h.must(err)
		h.later(3 * time.Hour)
		if m := h.seen("street", v.ID); m.Counts.Escalated != 0 || m.Counts.People != 1 {
			t.Fatalf("it stands so: %+v", m.Counts)
		}
	})
}

// To a street or the whole district it waits for somebody else: not the author,
// not the same post, not a stand-in of either.
func TestWideMessageTakesTwo(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.seat("second", "hub_leader", "H", org.AtDistrict)
		h.seat("third", "hub_leader", "H", org.AtDistrict)
		v, err := h.writes("leader", "H", func(in *MessageIn) { in.Title.English, in.Text.English = "Clear the snow at eight", "Bring a shovel." })
		h.must(err)
		if v.State != MessageWaiting || v.CanDecide {
			t.Fatalf("it was written as %+v", v)
		}
		h.none("village")
		_, err = h.decides("leader", v.ID, MessageDecision{Approve: true})
		h.refused(err, ErrOwnMessage)
		_, err = h.decides("hub", v.ID, MessageDecision{Approve: true}) // may write, not approve
		if fault.Of(err).Kind != fault.Forbidden {
			t.Fatalf("a hub officer approves: %v", err)
		}
		// The author stands in for the second leader: that hand is the author's, too.
		h.write(func(tx *db.Tx) error {
			_, err := h.org.Deputise(tx, h.operator(), org.HoldingIn{Post: h.posts["second"], Person: h.who["leader"], From: tx.Now(), To: tx.Now().Add(time.Hour)})
			return err
		})
		h.write(func(tx *db.Tx) error {
			by, err := h.access.Actor(tx, h.who["leader"], h.posts["second"])
			h.must(err)
			by.Via = "desk"
			_, err = h.n.DecideMessage(tx, by, v.ID, 0, MessageDecision{Approve: true})
			h.refused(err, ErrOwnMessage)
			return nil
		})
		if m := h.seen("third", v.ID); !m.CanDecide {
			t.Fatal("somebody else can't decide")
		}
		h.write(func(tx *db.Tx) error {
			_, err := h.n.DecideMessage(tx, h.as(tx, "third"), v.ID, v.Version+7, MessageDecision{Approve: true})
			h.refused(err, ErrChanged)
			return nil
		})
		m, err := h.decides("third", v.ID, MessageDecision{Approve: true})
		h.must(err)
		if m.State != MessageGoing || m.DeciderName != "演示-third" {
			t.Fatalf("it was approved as %+v", m)
		}
		for _, name := range []string{"village", "street", "other", "hub", "third"} {
			if got := h.one(name, messageKey); got.Title.English != "Clear the snow at eight" {
				t.Fatalf("%s reads %+v", name, got)
			}
		}
		h.none("leader")
		_, err = h.decides("third", v.ID, MessageDecision{Approve: true})
		h.refused(err, ErrDecided)

		// Refused, with a reason, it reaches nobody.
		v, err = h.writes("street", "S1", nil)
		h.must(err)
		_, err = h.decides("third", v.ID, MessageDecision{})
		h.refused(err, ErrInvalid)
		m, err = h.decides("third", v.ID, MessageDecision{Remark: "太早了"})
		h.must(err)
		if m.State != MessageRefused || m.Remark != "太早了" {
			t.Fatalf("it was refused as %+v", m)
		}
		h.one("village", messageKey)
	})
}

// While a message waits for its second person, whoever wrote it takes it back;
// nobody else does, nobody is told, and it can't be approved afterwards.
func TestMessageTakenBack(t *testing.T) {
	eachHouse(t, func(h *house) {
		back := func(name string, v id.ID, match int64) (m MessageView, err error) {
			err = h.db.Write(h.ctx, func(tx *db.Tx) (err error) {
				m, err = h.n.TakeBackMessage(tx, h.as(tx, name), v, match)
				return err
			})
			h.works()
			h.works()
			return m, err
		}
		v, err := h.writes("street", "S1", nil)
		h.must(err)
		if !v.CanTakeBack || h.seen("leader", v.ID).CanTakeBack {
			t.Fatalf("the author: %v, another: the other way", v.CanTakeBack)
		}
		_, err = back("leader", v.ID, 0)
		h.refused(err, ErrNotAuthor)
		_, err = back("other", v.ID, 0) // out of sight
		h.refused(err, ErrNoMessage)
		_, err = back("street", v.ID, v.Version+3)
		h.refused(err, ErrChanged)
		m, err := back("street", v.ID, v.Version)
		h.must(err)
		if m.State != MessageBack || m.CanTakeBack || m.Decided.IsZero() {
			t.Fatalf("taken back it is %+v", m)
		}
		_, err = h.decides("leader", v.ID, MessageDecision{Approve: true})
		h.refused(err, ErrDecided)
		h.none("village")
		// What went out can't be called back.
		v, err = h.writes("village", "P1", nil)
		h.must(err)
		_, err = back("village", v.ID, 0)
		h.refused(err, ErrDecided)
	})
}

// Who may not send there does not, and a message is seen where it went.
func TestMessageScope(t *testing.T) {
	eachHouse(t, func(h *house) {
		for unit, name := range map[string]string{"S1": "village", "H": "street", "P1": "other"} {
			if _, err := h.writes(name, unit, nil); fault.Of(err).Kind != fault.Forbidden {
				t.Errorf("%s writes to %s: %v", name, unit, err)
			}
		}
		v, err := h.writes("street", "S1", nil)
		h.must(err)
		_, err = h.message("other", v.ID)
		h.refused(err, ErrNoMessage)
		_, err = h.message("village", v.ID)
		h.refused(err, ErrNoMessage)
		h.read(func(tx *db.Tx) error {
			for name, want := range map[string]int{"street": 1, "hub": 1, "leader": 1, "other": 0, "village": 0} {
				list, _, err := h.n.Messages(tx, h.as(tx, name), MessagesAfter{}, 10)
				if err != nil || len(list) != want {
					t.Errorf("%s sees %d messages, not %d: %v", name, len(list), want, err)
				}
			}
			places, err := h.n.MessagePlaces(tx, h.as(tx, "street"))
			if err != nil || len(places) != 2 || places[0].Scope != "street" || !places[0].Wide || places[1].Scope != "village" || places[1].Wide {
				t.Errorf("a street sends to %+v, %v", places, err)
			}
			a, err := h.n.MessageAudience(tx, h.as(tx, "hub"), h.units["H"], []string{"street_desk"})
			if err != nil || a.Posts != 2 || !a.Wide || len(a.Roles) < 4 {
				t.Errorf("the audience is %+v, %v", a, err)
			}
			return nil
		})
	})
}

// What is written half or to nobody is refused, field by field.
func TestMessageChecks(t *testing.T) {
	eachHouse(t, func(h *house) {
		for code, change := range map[string]func(in *MessageIn){
			"notice.message_empty": func(in *MessageIn) { in.Title, in.Text = words.Text{}, words.Text{} },
			"notice.message_half":  func(in *MessageIn) { in.Title.English = "Only a heading" },
			"notice.too_long":      func(in *MessageIn) { in.Text.Chinese = strings.Repeat("长", mostText+1) },
			"notice.no_place":      func(in *MessageIn) { in.Node = id.ID{15: 3} },
			"notice.nobody_there":  func(in *MessageIn) { in.Roles = []string{"lawyer"} },
		} {
			_, err := h.writes("village", "P1", change)
			f := fault.Of(err)
			if f == nil || len(f.Where) != 1 || f.Where[0].Code != code {
				t.Errorf("%s: %v", code, err)
			}
		}
		h.none("hub")
	})
}

// A large audience is told in batches: whoever takes the job over goes on where
// the last one was committed, and nobody is told twice.
func TestMessageInBatches(t *testing.T) {
	eachHouse(t, func(h *house) {
		const many = 2*spreadBatch + 5
		h.write(func(tx *db.Tx) error {
			for i := range many {
				p, err := h.org.CreatePost(tx, h.operator(), org.PostIn{Role: "volunteer", Name: both(fmt.Sprint("v", i)), Unit: h.units["P1"], Level: org.AtVillage, Node: h.units["P1"]})
				if err != nil {
					return err
				}
				if i%50 != 0 {
					continue // vacant: who covers it is told, once for all of them
				}
				w, err := h.org.CreatePerson(tx, h.operator(), org.PersonIn{Name: fmt.Sprint("演示-v", i)})
				if err != nil {
					return err
				}
				if _, err := h.org.Assign(tx, h.operator(), org.HoldingIn{Post: p.ID, Person: w.ID, From: tx.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		v := MessageView{}
		h.write(func(tx *db.Tx) (err error) {
			v, err = h.n.WriteMessage(tx, h.as(tx, "street"), MessageIn{Node: h.units["P1"], Title: both("t"), Text: both("m")})
			return err
		})
		_, err := h.n.Follow(h.ctx)
		h.must(err)
		for want := int64(spreadBatch); want <= 2*spreadBatch; want += spreadBatch {
			h.write(func(tx *db.Tx) error {
				over, err := h.n.spreadSome(tx, v.ID)
				if over {
					t.Error("it is over early")
				}
				return err
			})
			if m := h.seen("street", v.ID); m.Looked != want || m.State != MessageGoing {
				t.Fatalf("it stands so: %+v", m)
			}
		}
		h.works()
		h.works()
		if m := h.seen("street", v.ID); m.State != MessageSent || m.Looked != many+1 || m.Posts != many+1 {
			t.Fatalf("it stands so: %+v", m)
		}
		var rows, recipients int64
		h.read(func(tx *db.Tx) error {
			return tx.Row(`SELECT COUNT(*), COUNT(DISTINCT recipient) FROM notice WHERE template = $1`, messageKey).Scan(&rows, &recipients)
		})
		if rows != many/50+2 || recipients != rows {
			t.Fatalf("%d notices to %d recipients", rows, recipients)
		}
	})
}
