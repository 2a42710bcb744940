package notice

import (
	"context"
	"encoding/json"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// plug lets a machine die while it sends: from then on whoever sends never comes
// back, half of them after the message has left.
type plug struct {
	Pusher
	Mailer
	dead atomic.Bool
	hung atomic.Int64
	n    atomic.Int64
}

func (p *plug) Push(ctx context.Context, to Subscription, payload []byte, topic string, urgent bool) error {
	return p.do(func() error { return p.Pusher.Push(ctx, to, payload, topic, urgent) })
}

func (p *plug) Mail(ctx context.Context, to, v, subject, body string) error {
	return p.do(func() error { return p.Mailer.Mail(ctx, to, v, subject, body) })
}

func (p *plug) do(send func() error) error {
	if !p.dead.Load() {
		return send()
	}
	if p.n.Add(1)%2 == 0 {
		_ = send() // it left, and nobody writes it down
	}
	p.hung.Add(1)
	select {}
}

// TestShow8: thousands of messages to real servers that fail every fifth time,
// with a quarter of the people off duty and a machine that dies in the middle.
// Each ends delivered, acknowledged or escalated; none leaves twice; nobody off
// duty is alarmed. (issue 2, show 8)
func TestShow8(t *testing.T) {
	total := 120
	engines := dbtest.Engines
	if os.Getenv("ONEGRID_PROOF") != "" {
		total = 10_000
	}
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) { show8(t, engine, total) })
	}
}

func show8(t *testing.T, engine db.Engine, total int) {
	push, mail := newPushd(t), newSMTPd(t, false)
	seed := mrand.New(mrand.NewPCG(8, 2026))
	push.r, push.share, mail.r, mail.share = mrand.New(mrand.NewPCG(1, 8)), 0.2, mrand.New(mrand.NewPCG(2, 8)), 0.2
	web, err := NewWebPush(filepath.Join(t.TempDir(), "push.json"), "https://grid.example")
	if err != nil {
		t.Fatal(err)
	}
	smtp, err := NewSMTP(mail.options())
	if err != nil {
		t.Fatal(err)
	}
	first := &plug{Pusher: web, Mailer: smtp}
	var options Options
	h := newHouse(t, engine, func(o *Options) {
		o.Push, o.Mail, o.SMS = first, first, nil
		o.Runner = jobs.NewRunner(o.DB, jobs.Options{Workers: 8, Lease: time.Hour, Poll: 2 * time.Millisecond})
		options = *o
	})
	h.runner = options.Runner

	// Forty desks; every fourth person is off duty, the hub never.
	var names []string
	off := map[string]bool{}
	for i := range 40 {
		name := fmt.Sprintf("desk%02d", i)
		unit := []string{"S1", "S2"}[i%2]
		h.seat(name, "street_desk", unit, org.AtStreet)
		names = append(names, name)
		if i%4 == 0 {
			h.off[h.who[name]], off[name] = true, true
		}
	}
	for _, name := range append([]string{"hub", "village", "street", "other"}, names...) {
		sub := push.subscribe(name)
		h.write(func(tx *db.Tx) error {
			_, err := h.n.AddDevice(tx, h.as(tx, name), sub, name)
			return err
		})
		h.reach(name, Mail, name+"@example.org")
	}
	h.works()

	// What happens in the district: half must be acted on, a tenth is urgent.
	kinds := []string{"case.dispatch", "case.return", "case.dispatch", "case.return", "case.dispatch", "case.return", "case.dispatch", "case.return", "case.supervise", "case.return"}
	for done := 0; done < total; {
		h.write(func(tx *db.Tx) error {
			for k := range min(100, total-done) {
				h.entry(tx, kinds[k%len(kinds)], h.newCaseIn(tx), names[seed.IntN(len(names))], "leader", map[string]any{"to": "dispatched"}, nil)
			}
			return nil
		})
		done += min(100, total-done)
	}
	began := time.Now()
	var stop func()
	run := func(n *Notices, r *jobs.Runner) {
		ctx, cancel := context.WithCancel(h.ctx)
		var wait sync.WaitGroup
		wait.Go(func() { _ = r.Run(ctx) }) // it ends with ctx
		stop = func() { cancel(); wait.Wait() }
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.n.Work(h.ctx))
	run(h.n, h.runner)
	count := func(q string, args ...any) (n int64) {
		h.read(func(tx *db.Tx) error { return tx.Row(q, args...).Scan(&n) })
		return n
	}
	// The power goes when half of what is queued has left.
	queued := count(`SELECT COUNT(*) FROM notice_delivery`)
	for count(`SELECT COUNT(*) FROM notice_delivery WHERE state = 'queued'`) > queued/2 {
		time.Sleep(time.Millisecond) // real servers answer in real time
	}
	first.dead.Store(true)
	for first.hung.Load() < 8 {
		time.Sleep(time.Millisecond)
	}
	// What the dead machine had claimed is somebody else's when its lease is over.
	second := options
	second.Push, second.Mail = web, smtp
	second.Runner = jobs.NewRunner(h.db, jobs.Options{Workers: 8, Lease: time.Hour, Poll: 2 * time.Millisecond})
	n, err := New(second)
	must(err)
	h.n, h.runner = n, second.Runner
	run(n, second.Runner)
	defer func() { stop() }()
	h.clock.Add(61 * time.Minute)
	quiet := func() { // until nothing is due at this instant
		for {
			must(h.n.Work(h.ctx))
			now := db.Millis(h.clock.Now())
			if count(`SELECT COUNT(*) FROM job WHERE state = 'waiting' AND at <= $1`, now) == 0 && count(`SELECT COUNT(*) FROM job WHERE lease IS NOT NULL`) == 0 &&
				count(`SELECT COUNT(*) FROM notice WHERE rung_at IS NOT NULL AND rung_at <= $1`, now) == 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	// An afternoon: people look at their inbox now and then. Two of three
	// acknowledge what asks for it; the hub takes all.
	reads := func(name string, share float64) {
		h.write(func(tx *db.Tx) error {
			by := h.as(tx, name)
			list, err := noticesWhere(tx, `person_id = $1 AND must_act = 1 AND state IN ('open', 'unanswered', 'escalated') AND read_at IS NULL`, by.Person)
			if err != nil {
				return err
			}
			for _, one := range list {
				if seed.Float64() < share {
					if _, err := h.n.Acknowledge(tx, by, one.ID); err != nil {
						return err
					}
				}
			}
			return h.n.MarkRead(tx, by, nil, 1<<50)
		})
	}
	quiet()
	for step := range 18 {
		h.clock.Add(10 * time.Minute)
		quiet()
		if step == 3 {
			for _, name := range names {
				if !off[name] {
					reads(name, 0.67)
				}
			}
		}
	}
	// Nobody off duty was alarmed.
	for name := range off {
		if got := push.of(name); len(got) > 0 {
			t.Errorf("%s was off duty and had %d pushes", name, len(got))
		}
		if got := mail.of(name + "@example.org"); len(got) > 0 {
			t.Errorf("%s was off duty and had %d mails", name, len(got))
		}
	}
	// The evening shift: those who were off come, everybody acts.
	for _, name := range append([]string{"hub", "village", "street", "other"}, names...) {
		h.off[h.who[name]] = false
		reads(name, 1)
	}
	quiet()
	h.clock.Add(10 * time.Minute) // what still waited to be tried again is found needless
	quiet()

	states := map[string]int64{}
	h.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT state, COUNT(*) FROM notice GROUP BY state`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			var k int64
			if err := rows.Scan(&s, &k); err != nil {
				return err
			}
			states[s] = k
		}
		return rows.Err()
	})
	if got := count(`SELECT COUNT(*) FROM notice WHERE parent IS NULL`); got != int64(total) {
		t.Errorf("%d entries made %d notices", total, got)
	}
	for s, k := range states {
		if s != string(Delivered) && s != string(Acknowledged) && s != string(Escalated) && s != string(Superseded) {
			t.Errorf("%d notices end %s", k, s)
		}
	}
	if k := count(`SELECT COUNT(*) FROM notice_delivery WHERE state IN ('queued', 'sending')`); k > 0 {
		t.Errorf("%d deliveries have not ended", k)
	}
	// None left twice: what the servers took, by the message's own id.
	pushes, mails, twice := 0, 0, 0
	seen := map[string]bool{}
	for name := range push.msgs {
		for _, raw := range push.of(name) {
			var m struct {
				Delivery id.ID `json:"delivery"`
			}
			must(json.Unmarshal([]byte(raw), &m))
			if seen[m.Delivery.String()] {
				twice++
			}
			seen[m.Delivery.String()] = true
			pushes++
		}
	}
	for to := range mail.msgs {
		for _, raw := range mail.of(to) {
			_, rest, _ := strings.Cut(raw, "Message-ID: <")
			v, _, _ := strings.Cut(rest, "@")
			if v == "" || seen[v] {
				twice++
			}
			seen[v] = true
			mails++
		}
	}
	if twice > 0 {
		t.Errorf("%d messages left twice", twice)
	}
	push.bad.Range(func(k, _ any) bool { t.Errorf("the push service found wrong: %v", k); return true })
	t.Logf("%d entries: %d notices (%d of them went on to another post) in %s", total, count(`SELECT COUNT(*) FROM notice`), count(`SELECT COUNT(*) FROM notice WHERE parent IS NOT NULL`), time.Since(began).Round(100*time.Millisecond))
	t.Logf("ended: %d delivered, %d acknowledged, %d escalated, %d superseded because somebody else took it", states["delivered"], states["acknowledged"], states["escalated"], states["superseded"])
	t.Logf("the push service took %d, the mail server %d; twice: %d; to people off duty: 0", pushes, mails, twice)
	t.Logf("deliveries: %d sent, %d failed for good, %d lost (outcome unknown, never sent again), %d no longer needed; %d hung when the machine died",
		count(`SELECT COUNT(*) FROM notice_delivery WHERE state IN ('sent', 'delivered')`), count(`SELECT COUNT(*) FROM notice_delivery WHERE state = 'failed'`),
		count(`SELECT COUNT(*) FROM notice_delivery WHERE state = 'lost'`), count(`SELECT COUNT(*) FROM notice_delivery WHERE state = 'withheld'`), first.hung.Load())
}
