package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

const jobDeliver = "notice.deliver"

// tries is how often one channel is tried before the next rung has its turn:
// with the pauses of kit/jobs about two and a half minutes.
const tries = 5

type deliverArgs struct {
	ID id.ID `json:"id"`
}

// The outcomes a carrier may answer with. Anything else is a failure that may
// pass.
var (
	// ErrGone says that the address is no more: it is forgotten.
	ErrGone = errors.New("the address is gone")
	// ErrRefused says that the carrier will never take this message.
	ErrRefused = errors.New("the carrier refused it for good")
	// ErrUnknown says that the connection broke after the message may have left:
	// it must not be sent again.
	ErrUnknown = errors.New("nobody knows whether it left")
	// ErrAway says that the carrier could not be reached at all.
	ErrAway = errors.New("the carrier can't be reached")
)

// Subscription is a browser's push address (RFC 8030, 8291).
type Subscription struct {
	Endpoint string `json:"endpoint"`
	P256dh   string `json:"p256dh"`
	Auth     string `json:"auth"`
}

// Pusher carries pushes. topic makes an undelivered message be replaced by a
// newer one of the same matter.
type Pusher interface {
	Push(ctx context.Context, to Subscription, payload []byte, topic string, urgent bool) error
	Key() string // public, for browsers
}

// Mailer carries mail.
type Mailer interface {
	Mail(ctx context.Context, to, id, subject, body string) error
}

// Texter carries text messages; it gives the centre's ids of the segments.
type Texter interface {
	Text(ctx context.Context, to, text string) (ids []string, err error)
	// Reports says whom to tell of delivery receipts; Text has returned before.
	Reports(func(ctx context.Context, messageID string, ok bool, stat string) error)
}

// letter is one message ready to leave.
type letter struct {
	delivery Delivery
	urgent   bool
	topic    string
	to       string
	sub      Subscription
	subject  string
	body     string
	payload  []byte
}

// alarm queues what a rung sends. False when there is nothing to send to.
func (n *Notices) alarm(tx *db.Tx, one Notice, c Channel) (bool, error) {
	targets := []id.ID{one.ID} // of what is no device
	switch {
	case !n.has(c):
		return false, nil
	case one.Template == newsKey:
		var err error
		if targets, err = newsBrowsers(tx, one.Case); err != nil {
			return false, err
		}
	case one.resident():
		if agreed, _, err := consent(tx, one.Case); err != nil || !agreed || c != SMS {
			return false, err
		}
	case c == Push:
		var err error
		if targets, err = devicesOf(tx, one.Person); err != nil {
			return false, err
		}
	default:
		if on, err := reachable(tx, one.Person, c); err != nil || !on {
			return false, err
		}
	}
	for _, target := range targets {
		d := Delivery{ID: tx.NewID(), Notice: one.ID, Channel: c, Target: target, State: Queued, Made: tx.Now()}
		new, err := insertDelivery(tx, d)
		if err != nil {
			return false, err
		}
		if new {
			if _, err := n.o.Runner.Enqueue(tx, jobDeliver, deliverArgs{d.ID}, time.Time{}); err != nil {
				return false, err
			}
		}
	}
	return len(targets) > 0, nil
}

// deliver does one delivery: claims it, sends it, and writes down how it ended.
func (n *Notices) deliver(ctx context.Context, j jobs.Job) error {
	var args deliverArgs
	if err := j.Decode(&args); err != nil {
		return err
	}
	var l letter
	var ready bool
	err := n.o.DB.Write(ctx, func(tx *db.Tx) (err error) {
		l, ready, err = n.claim(tx, args.ID)
		if err == nil && !ready {
			err = j.Done(tx)
		}
		return err
	})
	if errors.Is(err, jobs.ErrLost) {
		return nil // another runner has it
	}
	if err != nil || !ready {
		return err
	}
	ids, sent := n.carry(ctx, l)
	// How it ended is written even when the program stops.
	err = n.o.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		done, err := n.ended(tx, l.delivery, ids, sent, j.Attempt)
		if err != nil || !done {
			return err
		}
		if err := j.Done(tx); !errors.Is(err, jobs.ErrLost) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sent != nil {
		n.o.Log.Info("a message did not leave", "channel", l.delivery.Channel, "delivery", l.delivery.ID, "attempt", j.Attempt, "cause", sent)
		if temporary(sent) && j.Attempt < tries {
			return sent // kit/jobs comes again
		}
	}
	return nil
}

func temporary(err error) bool {
	return !errors.Is(err, ErrGone) && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrUnknown)
}

// claim takes a delivery for sending and composes it. Not ready means that there
// is nothing to send (any more).
func (n *Notices) claim(tx *db.Tx, delivery id.ID) (l letter, ready bool, err error) {
	d, err := deliveryByID(tx, delivery)
	if errors.Is(err, ErrMissing) {
		return l, false, nil
	}
	if err != nil {
		return l, false, err
	}
	one, err := noticeByID(tx, d.Notice)
	if err != nil {
		return l, false, err
	}
	switch {
	case d.State == Sending:
		// Whoever claimed it died or lost its lease: it may have left.
		_, err := n.ended(tx, d, nil, ErrUnknown, tries)
		return l, false, err
	case d.State != Queued:
		return l, false, nil
	case one.State != Open && (one.State != Delivered || one.MustAct):
		d.State, d.Ended = Withheld, tx.Now()
		return l, false, putDelivery(tx, d)
	}
	b, err := n.books.Get(tx)
	if err != nil {
		return l, false, err
	}
	t, known := b.template[one.Template]
	if !known {
		return l, false, ErrTemplate
	}
	m, err := n.moment(tx, b, one)
	if err != nil {
		return l, false, err
	}
	// The night or the end of a shift may have come while it was queued.
	if one.Only == "" && (!one.resident() && !m.onDuty || m.quiet && t.Quiet && !one.Urgent) {
		at := m.quietEnds
		if !one.resident() && !m.onDuty {
			at = tx.Now().Add(lookOffDuty)
		}
		_, err := n.o.Runner.Enqueue(tx, jobDeliver, deliverArgs{d.ID}, at)
		return l, false, err
	}
	d.State = Sending
	d.Attempts++
	if l, err = n.compose(tx, b, t, one, d); errors.Is(err, ErrNoAddress) {
		_, err := n.ended(tx, d, nil, ErrGone, tries)
		return l, false, err
	} else if err != nil {
		return l, false, err
	}
	return l, true, putDelivery(tx, d)
}

// compose writes the message for its channel. What shows on a locked screen is
// the glance; a mail says the body without what is looked up in the case.
func (n *Notices) compose(tx *db.Tx, b *book, t *Template, one Notice, d Delivery) (l letter, err error) {
	l = letter{delivery: d, urgent: one.Urgent, topic: one.ID.String()[:32]}
	vars := one.Vars
	if one.Template == newsKey {
		var language words.Language
		if l.sub, language, err = n.newsBrowser(tx, d.Target); err != nil {
			return l, err
		}
		l.topic = strings.ReplaceAll(one.Case.String(), "-", "") // the newest news of a case is enough
		l.payload, err = pushPayload(one, d, t.Title.In(language), t.glance().In(language), "/my/"+one.Vars["case_no"].Chinese)
		return l, err
	}
	if one.resident() {
		language := consentLanguage(tx, one.Case)
		if l.to, err = n.o.Cases.Phone(tx, one.Case); errors.Is(err, db.ErrNoRows) || err == nil && l.to == "" {
			return l, ErrNoAddress
		} else if err != nil {
			return l, err
		}
		secret, err := n.o.Cases.Link(tx, one.Case)
		if err != nil {
			return l, err
		}
		vars = map[string]words.Text{}
		for k, v := range one.Vars {
			vars[k] = v
		}
		vars["link"] = same(n.o.URL + "/r/" + secret)
		l.body = t.sms(vars, language)
		return l, nil
	}
	language, err := n.o.Access.LanguageOf(tx, one.Person)
	if err != nil {
		return l, err
	}
	title := fill(t.Title.In(language), vars, language)
	switch d.Channel {
	case Push:
		if l.sub, err = n.device(tx, d.Target); err != nil {
			return l, err
		}
		l.payload, err = pushPayload(one, d, title, fill(t.glance().In(language), vars, language), n.link(one.Case))
		return l, err
	case Mail:
		l.to, err = n.address(tx, one.Person, Mail)
		l.subject, l.body = one.headed(same(title)).In(language), fill(t.Body.In(language), vars, language)+"\n\n"+n.link(one.Case)+"\n"
		return l, err
	}
	l.to, err = n.address(tx, one.Person, SMS)
	l.body = t.sms(vars, language)
	return l, err
}

// carry hands the letter to its carrier, outside any transaction.
func (n *Notices) carry(ctx context.Context, l letter) (ids []string, err error) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	c := l.delivery.Channel
	if n.offline.open(c, n.o.DB.Now()) {
		return nil, fmt.Errorf("%w: it was away a moment ago", ErrAway)
	}
	switch c {
	case Push:
		err = n.o.Push.Push(ctx, l.sub, l.payload, l.topic, l.urgent)
	case Mail:
		err = n.o.Mail.Mail(ctx, l.to, l.delivery.ID.String(), l.subject, l.body)
	default:
		ids, err = n.o.SMS.Text(ctx, l.to, l.body)
	}
	if c != Push { // pushes go to many services, one may be away
		n.offline.note(c, n.o.DB.Now(), errors.Is(err, ErrAway))
	}
	return ids, err
}

// ended writes down how a sending ended, and moves the notice on. done says that
// the job is over.
func (n *Notices) ended(tx *db.Tx, d Delivery, ids []string, sent error, attempt int) (done bool, err error) {
	d.Ended = tx.Now()
	switch {
	case sent == nil:
		d.State, d.Reason, d.Sent, d.Ended, d.Parts = Gone, "", tx.Now(), time.Time{}, len(ids)
		for _, v := range ids {
			if err := keepPart(tx, v, d.ID); err != nil {
				return false, err
			}
		}
		if d.State, d.Reason, err = partsState(tx, d); err != nil {
			return false, err
		}
		if d.State != Gone {
			d.Ended = tx.Now()
		}
	case errors.Is(sent, ErrUnknown):
		d.State, d.Reason = Lost, "unknown"
	case errors.Is(sent, ErrGone):
		d.State, d.Reason = Failed, "gone"
		if d.Channel == Push {
			if err := errors.Join(forgetDevice(tx, d.Target), forgetNews(tx, d.Target)); err != nil {
				return false, err
			}
		}
	case errors.Is(sent, ErrRefused):
		d.State, d.Reason = Failed, "refused"
	case attempt >= tries:
		d.State, d.Reason = Failed, "away"
	default:
		d.State, d.Reason, d.Ended = Queued, "away", time.Time{}
		return false, putDelivery(tx, d)
	}
	if err := putDelivery(tx, d); err != nil {
		return false, err
	}
	return true, n.after(tx, d)
}

// after moves a notice on when one of its deliveries has ended: arrived is enough
// where nobody must act; when all of a rung failed, the next channel has its turn.
func (n *Notices) after(tx *db.Tx, d Delivery) error {
	one, err := noticeByID(tx, d.Notice)
	if err != nil {
		return err
	}
	if one.State != Open {
		return nil
	}
	all, err := deliveriesOf(tx, one.ID)
	if err != nil {
		return err
	}
	alive := false
	for _, o := range all {
		alive = alive || o.State == Queued || o.State == Sending || o.State == Gone || o.State == Arrived
	}
	switch {
	case d.State == Gone || d.State == Arrived:
		one.Trouble = false
		if one.Template == newsKey {
			if _, err := tx.Exec(`UPDATE notice_news SET used_at = $1 WHERE id = $2`, db.Millis(tx.Now()), d.Target); err != nil {
				return fmt.Errorf("write who is told of news: %w", err)
			}
		}
		if !one.MustAct {
			one.State, one.RungAt = Delivered, time.Time{}
		}
		return putLadder(tx, one)
	case !alive && one.Template == newsKey:
		one.RungAt = time.Time{} // her page says it; nobody of the staff need look
		return putLadder(tx, one)
	case !alive:
		one.Dead, one.RungAt = true, tx.Now()
		one.Trouble = true
		return putLadder(tx, one)
	}
	return nil
}

// early stands for the delivery of a receipt that nobody knows yet.
var early = id.ID{15: 1}

// report takes a delivery receipt of a text message. One that is faster than the
// answer to its sending is kept until that is written.
func (n *Notices) report(ctx context.Context, messageID string, ok bool, stat string) error {
	return n.o.DB.Write(ctx, func(tx *db.Tx) error {
		state := "delivered"
		if !ok {
			state = "failed"
		}
		var delivery id.ID
		err := tx.Row(`SELECT delivery FROM notice_part WHERE message_id = $1 ORDER BY at DESC LIMIT 1`, messageID).Scan(&delivery)
		if errors.Is(err, db.ErrNoRows) {
			_, err = tx.Exec(`INSERT INTO notice_part (message_id, delivery, state, at) VALUES ($1, $2, $3, $4)`, messageID, early, state, db.Millis(tx.Now()))
		}
		if err != nil {
			return fmt.Errorf("read the parts of a text message: %w", err)
		}
		if delivery.IsZero() || delivery == early {
			return nil
		}
		if _, err := tx.Exec(`UPDATE notice_part SET state = $1, at = $2 WHERE message_id = $3 AND delivery = $4`, state, db.Millis(tx.Now()), messageID, delivery); err != nil {
			return fmt.Errorf("write the parts of a text message: %w", err)
		}
		d, err := deliveryByID(tx, delivery)
		if err != nil || d.State != Gone {
			return err
		}
		if d.State, d.Reason, err = partsState(tx, d); err != nil || d.State == Gone {
			return err
		}
		d.Ended = tx.Now()
		if d.State == Failed {
			// It had counted as delivered when the centre took it.
			if _, err := tx.Exec(`UPDATE notice SET state = 'open' WHERE id = $1 AND state = 'delivered' AND read_at IS NULL`, d.Notice); err != nil {
				return fmt.Errorf("open a notice again: %w", err)
			}
		}
		if err := putDelivery(tx, d); err != nil {
			return err
		}
		return n.after(tx, d)
	})
}

// keepPart notes the centre's id of a segment, with the receipt that came
// before it.
func keepPart(tx *db.Tx, messageID string, delivery id.ID) error {
	state := "sent"
	err := tx.Row(`SELECT state FROM notice_part WHERE message_id = $1 AND delivery = $2`, messageID, early).Scan(&state)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return fmt.Errorf("read the parts of a text message: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM notice_part WHERE message_id = $1 AND delivery = $2`, messageID, early); err != nil {
		return fmt.Errorf("write the parts of a text message: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO notice_part (message_id, delivery, state, at) VALUES ($1, $2, $3, $4) ON CONFLICT (message_id, delivery) DO NOTHING`,
		messageID, delivery, state, db.Millis(tx.Now())); err != nil {
		return fmt.Errorf("write the parts of a text message: %w", err)
	}
	return nil
}

// partsState says what the receipts of a text message's segments add up to.
func partsState(tx *db.Tx, d Delivery) (Sent, string, error) {
	var all, open, failed int64
	err := tx.Row(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'sent' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0)
		FROM notice_part WHERE delivery = $1`, d.ID).Scan(&all, &open, &failed)
	switch {
	case err != nil:
		return d.State, "", fmt.Errorf("count the parts of a text message: %w", err)
	case failed > 0:
		return Failed, "undelivered", nil
	case all > 0 && open == 0:
		return Arrived, "", nil
	}
	return Gone, "", nil
}

// moment is what the ladder's rule looks at for a notice now.
func (n *Notices) moment(tx *db.Tx, b *book, one Notice) (m moment, err error) {
	m.now = tx.Now()
	m.quiet, m.quietEnds = b.settings.night(m.now, n.o.Zone)
	if !one.Person.IsZero() {
		m.onDuty, err = n.onDuty(tx, one.Person, m.now)
	}
	return m, err
}

// climb takes every rung of an open notice that is due now.
func (n *Notices) climb(tx *db.Tx, b *book, one Notice, sweeping bool) error {
	t, known := b.template[one.Template]
	if !known {
		one.RungAt = time.Time{}
		return putLadder(tx, one)
	}
	if one.Person.IsZero() && !one.resident() && !one.Post.IsZero() {
		if err := n.seat(tx, &one); err != nil {
			return err
		}
	}
	rungs := b.settings.rungsFor(one)
	for {
		m, err := n.moment(tx, b, one)
		if err != nil {
			return err
		}
		step := climb(one, t, rungs, one.Dead, m)
		one.Held = step.held
		switch {
		case step.next:
			return n.escalate(tx, b, one, step.rung)
		case step.send != "":
			one.Rung = step.rung
			some, err := n.alarm(tx, one, step.send)
			if err != nil {
				return err
			}
			if one.Dead = !some; some && one.Base.IsZero() {
				one.Base = m.now
			}
			continue
		case !step.wait.IsZero():
			if one.Base.IsZero() && step.held == "" {
				one.Base = m.now // what can't be alarmed still runs its minutes
			}
			one.RungAt = step.wait
			one.Trouble = one.Trouble || step.held == heldNobody
			return putLadder(tx, one)
		}
		one.RungAt = time.Time{}
		if one.MustAct {
			one.State, one.Trouble = Unanswered, true
		}
		return putLadder(tx, one)
	}
}

// seat looks again who acts for the post of a notice that nobody had.
func (n *Notices) seat(tx *db.Tx, one *Notice) error {
	o, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return err
	}
	hand := o.HandAt(one.Post, tx.Now())
	if hand.Person.IsZero() {
		return nil
	}
	var told int64
	if err := tx.Row(`SELECT COUNT(*) FROM notice WHERE entry = $1 AND template = $2 AND recipient = $3`, one.Entry, one.Template, hand.Person).Scan(&told); err != nil {
		return fmt.Errorf("read who was told: %w", err)
	}
	if told == 0 {
		one.Person, one.Recipient, one.Trouble = hand.Person, hand.Person, false
	}
	return nil
}

// escalate gives the matter to the next of the cover order who was not told yet:
// of what is urgent to the next on duty. (DESIGN.md section 11)
func (n *Notices) escalate(tx *db.Tx, b *book, one Notice, rung int) error {
	o, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return err
	}
	told, err := toldOf(tx, one.Entry, one.Template)
	if err != nil {
		return err
	}
	var next Notice
	for _, p := range o.Cover(one.Post, tx.Now()) {
		person, _, ok := o.Occupant(p.ID, tx.Now())
		if one.Post.IsZero() || !ok || told[person] {
			continue
		}
		on, err := n.onDuty(tx, person, tx.Now())
		if err != nil {
			return err
		}
		if on || !one.Urgent && next.Person.IsZero() {
			next.Person, next.Post = person, p.ID
		}
		if on {
			break
		}
	}
	if next.Person.IsZero() {
		if one.Urgent && !one.Post.IsZero() && one.MustAct || one.Urgent && one.Rung == 0 {
			// Nobody of the order is on duty: look again, and show it.
			one.Held, one.Trouble, one.RungAt = heldNobody, true, tx.Now().Add(lookNobody)
			return putLadder(tx, one)
		}
		one.State, one.Trouble, one.RungAt, one.Acted = Unanswered, true, time.Time{}, tx.Now()
		return putLadder(tx, one)
	}
	p, _ := o.Post(next.Post)
	at := o.SightOf(p)
	child := one
	child.Recipient, child.Person, child.Post, child.Nodes, child.Department = next.Person, next.Person, next.Post, at.Nodes, at.Department
	child.Rung, child.RungAt, child.Base, child.Dead, child.Held, child.Trouble, child.Parent, child.Made = 0, time.Time{}, time.Time{}, false, "", false, one.ID, tx.Now()
	child.Read, child.Acted, child.ActedBy, child.State = time.Time{}, time.Time{}, id.ID{}, Open
	one.State, one.Rung, one.RungAt, one.Trouble, one.Acted = Escalated, max(rung, one.Rung), time.Time{}, false, tx.Now()
	if err := putLadder(tx, one); err != nil {
		return err
	}
	journal.Add(tx, journal.Entry{Kind: "notice.escalate", Subject: one.ID, By: journal.By{Via: "sweeper"}, Class: "journal",
		Sight: journal.Sight{Nodes: at.Nodes, Department: at.Department, Posts: []id.ID{next.Post}, Persons: []id.ID{next.Person}, Secrecy: journal.Named},
		Facts: map[string]string{"template": one.Template}})
	_, err = n.insert(tx, b, child)
	return err
}

func toldOf(tx *db.Tx, entry int64, template string) (map[id.ID]bool, error) {
	rows, err := tx.Query(`SELECT recipient FROM notice WHERE entry = $1 AND template = $2`, entry, template)
	if err != nil {
		return nil, fmt.Errorf("read who was told: %w", err)
	}
	defer rows.Close()
	out := map[id.ID]bool{}
	for rows.Next() {
		var v id.ID
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("read who was told: %w", err)
		}
		out[v] = true
	}
	return out, rows.Err()
}

const sweepBatch = 200

// Sweep climbs every ladder whose next rung is due. It may run on two nodes: a
// rung is read and taken in one transaction, and a message has one row by each
// channel.
func (n *Notices) Sweep(ctx context.Context) (climbed int, err error) {
	for {
		k := 0
		err := n.o.DB.Write(ctx, func(tx *db.Tx) error {
			b, err := n.books.Get(tx)
			if err != nil {
				return err
			}
			due, err := dueRungs(tx, sweepBatch)
			if err != nil {
				return err
			}
			k = len(due)
			for _, one := range due {
				if one.State != Open {
					one.RungAt = time.Time{}
					if err := putLadder(tx, one); err != nil {
						return err
					}
					continue
				}
				if err := n.climb(tx, b, one, true); err != nil {
					return err
				}
			}
			return nil
		})
		climbed += k
		if err != nil || k < sweepBatch {
			return climbed, err
		}
	}
}

// breakers remember which carriers were away a moment ago, so that a dead mail
// server does not hold up every worker for its whole timeout.
type breakers struct {
	mu    sync.Mutex
	fails map[Channel]int
	until map[Channel]time.Time
}

const (
	breakAfter = 3
	breakFor   = 20 * time.Second
)

func (b *breakers) open(c Channel, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Before(b.until[c])
}

func (b *breakers) note(c Channel, now time.Time, away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails == nil {
		b.fails, b.until = map[Channel]int{}, map[Channel]time.Time{}
	}
	if !away {
		b.fails[c] = 0
		return
	}
	if b.fails[c]++; b.fails[c] >= breakAfter {
		b.fails[c], b.until[c] = 0, now.Add(breakFor)
	}
}

var _ = seal.Place
