package notice

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// View is a notice as its recipient reads it (收件箱条目).
type View struct {
	ID       id.ID      `json:"id"`
	Entry    int64      `json:"entry"`
	Template string     `json:"template"`
	Title    words.Text `json:"title"`
	Body     words.Text `json:"body"`
	Case     id.ID      `json:"case_id,omitzero"`
	Urgent   bool       `json:"urgent,omitempty"`
	MustAct  bool       `json:"must_act,omitempty"`
	State    State      `json:"state" enum:"open,delivered,acknowledged,superseded,escalated,unanswered"`
	Made     time.Time  `json:"made_at"`
	Read     time.Time  `json:"read_at,omitzero"`
	Acted    time.Time  `json:"acted_at,omitzero"`
	CanAck   bool       `json:"can_acknowledge,omitempty"`
}

// Count is the unread ones, and those that still ask for an act.
type Count struct {
	Unread int64 `json:"unread"`
	ToAct  int64 `json:"to_act"`
}

// canAck says whether the recipient can still acknowledge it: also after it went
// up, so that whoever comes late can say that he has it.
func (n Notice) canAck() bool {
	return n.MustAct && (n.State == Open || n.State == Unanswered || n.State == Escalated)
}

// InboxQuery is which notices an inbox shows.
type InboxQuery struct {
	View  string // all, unread, act
	After struct {
		Entry int64 `json:"entry"`
		ID    id.ID `json:"id"`
	}
	Limit int
}

// Inbox lists the actor's own notices, newest first; next is where the next page
// begins.
func (n *Notices) Inbox(tx *db.Tx, by *access.Actor, q InboxQuery) (list []View, next *InboxQuery, err error) {
	if by.Person.IsZero() {
		return nil, nil, ErrNoPerson
	}
	where := `person_id = $1 AND joined IS NULL`
	switch q.View {
	case "unread":
		where += ` AND read_at IS NULL`
	case "act":
		where += ` AND must_act = 1 AND state IN ('open', 'unanswered')`
	}
	args := []any{by.Person, q.Limit + 1}
	if q.After.Entry > 0 {
		where += ` AND (entry < $3 OR entry = $3 AND id < $4)`
		args = append(args, q.After.Entry, q.After.ID)
	}
	found, err := noticesWhere(tx, where+` ORDER BY entry DESC, id DESC LIMIT $2`, args...)
	if err != nil {
		return nil, nil, err
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		more := q
		more.After.Entry, more.After.ID = found[q.Limit-1].Entry, found[q.Limit-1].ID
		next = &more
	}
	for _, one := range found {
		v, err := n.view(tx, by, one)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, v)
	}
	return list, next, nil
}

// view writes a notice out; what is looked up in the case only for who may see
// the case now.
func (n *Notices) view(tx *db.Tx, by *access.Actor, one Notice) (View, error) {
	b, err := n.books.Get(tx)
	if err != nil {
		return View{}, err
	}
	v := View{ID: one.ID, Entry: one.Entry, Template: one.Template, Case: one.Case, Urgent: one.Urgent, MustAct: one.MustAct, State: one.State,
		Made: one.Made, Read: one.Read, Acted: one.Acted, CanAck: one.canAck() && one.Person == by.Person}
	t, known := b.template[one.Template]
	if !known {
		return v, nil
	}
	vars := one.Vars
	if !one.Case.IsZero() && slices.ContainsFunc(t.Variables, func(name string) bool { return live[name] }) {
		told, err := n.o.Cases.Told(tx, one.Case, "")
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return v, err
		}
		if err == nil && by.Sees("case.view", told.At) {
			vars = map[string]words.Text{"place": same(told.Place), "answer": same(told.Answer)}
			for k, x := range one.Vars {
				vars[k] = x
			}
		}
	}
	v.Title = one.headed(words.Text{Chinese: fill(t.Title.Chinese, vars, words.Chinese), English: fill(t.Title.English, vars, words.English)})
	v.Body = words.Text{Chinese: fill(t.Body.Chinese, vars, words.Chinese), English: fill(t.Body.English, vars, words.English)}
	return v, nil
}

// Unread counts the actor's inbox.
func (n *Notices) Unread(tx *db.Tx, by *access.Actor) (Count, error) {
	var c Count
	if by.Person.IsZero() {
		return c, ErrNoPerson
	}
	err := tx.Row(`SELECT (SELECT COUNT(*) FROM notice WHERE person_id = $1 AND read_at IS NULL AND joined IS NULL),
		(SELECT COUNT(*) FROM notice WHERE person_id = $1 AND must_act = 1 AND state IN ('open', 'unanswered') AND joined IS NULL)`, by.Person).Scan(&c.Unread, &c.ToAct)
	if err != nil {
		return c, fmt.Errorf("count the inbox: %w", err)
	}
	return c, nil
}

// MarkRead notes that the actor has read some of his notices, or all up to an
// entry. What need not be acted on has arrived with it.
func (n *Notices) MarkRead(tx *db.Tx, by *access.Actor, some []id.ID, until int64) error {
	if by.Person.IsZero() {
		return ErrNoPerson
	}
	mark := func(where string, args ...any) error {
		args = append([]any{db.Millis(tx.Now()), by.Person}, args...)
		_, err := tx.Exec(`UPDATE notice SET read_at = $1, state = CASE WHEN state = 'open' AND must_act = 0 THEN 'delivered' ELSE state END,
			rung_at = CASE WHEN must_act = 0 THEN NULL ELSE rung_at END, trouble = CASE WHEN must_act = 0 THEN 0 ELSE trouble END
			WHERE person_id = $2 AND read_at IS NULL AND joined IS NULL AND `+where, args...)
		if err != nil {
			return fmt.Errorf("mark notices as read: %w", err)
		}
		return nil
	}
	if until > 0 {
		return mark(`entry <= $3`, until)
	}
	for _, v := range some {
		if err := mark(`id = $3`, v); err != nil {
			return err
		}
	}
	return nil
}

// Acknowledge says that the recipient has it and will act. The others who were
// told of the same need not any more. Codes: notice.missing,
// notice.nothing_to_acknowledge.
func (n *Notices) Acknowledge(tx *db.Tx, by *access.Actor, v id.ID) (View, error) {
	one, err := n.own(tx, by, v)
	if err != nil {
		return View{}, err
	}
	if one.State == Acknowledged {
		return n.view(tx, by, one)
	}
	if !one.canAck() {
		return View{}, ErrNothing
	}
	one.State, one.Acted, one.RungAt, one.Held, one.Trouble = Acknowledged, tx.Now(), time.Time{}, "", false
	if one.Read.IsZero() {
		one.Read = tx.Now()
	}
	if _, err := tx.Exec(`UPDATE notice SET read_at = $1, acted_by = $2 WHERE id = $3`, db.Millis(one.Read), by.Person, one.ID); err != nil {
		return View{}, fmt.Errorf("acknowledge a notice: %w", err)
	}
	if err := putLadder(tx, one); err != nil {
		return View{}, err
	}
	// The ladder of this post's line ends; who was told of the same for another
	// post has his own to answer.
	if err := n.endFamily(tx, one, by.Person); err != nil {
		return View{}, err
	}
	journal.Add(tx, journal.Entry{Kind: "notice.acknowledge", Subject: one.ID, Case: one.Case, By: by.By(), Class: "journal",
		Sight: journal.Sight{Nodes: one.Nodes, Department: one.Department, Persons: []id.ID{by.Person}, Secrecy: journal.Named},
		Facts: map[string]any{"template": one.Template, "after_ms": tx.Now().Sub(one.Made).Milliseconds()}})
	return n.view(tx, by, one)
}

// endFamily ends what went up from a notice, and what it went up from.
func (n *Notices) endFamily(tx *db.Tx, one Notice, by id.ID) error {
	todo, seen := []id.ID{one.ID}, map[id.ID]bool{one.ID: true}
	all, err := noticesWhere(tx, `entry = $1 AND template = $2`, one.Entry, one.Template)
	if err != nil {
		return err
	}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		for _, o := range all {
			kin := o.Parent == at
			for _, p := range all {
				kin = kin || p.ID == at && p.Parent == o.ID
			}
			if kin && !seen[o.ID] {
				seen[o.ID] = true
				todo = append(todo, o.ID)
				if err := settle(tx, `id = $1`, Superseded, by, o.ID); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// own reads a notice of the actor's.
func (n *Notices) own(tx *db.Tx, by *access.Actor, v id.ID) (Notice, error) {
	one, err := noticeByID(tx, v)
	if err != nil {
		return one, err
	}
	if by.Person.IsZero() || one.Person != by.Person {
		return Notice{}, ErrMissing
	}
	return one, nil
}

// Arrive is the device's word that a push arrived there.
func (n *Notices) Arrive(tx *db.Tx, by *access.Actor, delivery id.ID) error {
	d, err := deliveryByID(tx, delivery)
	if err != nil {
		return err
	}
	if _, err := n.own(tx, by, d.Notice); err != nil {
		return err
	}
	if d.State != Gone && d.State != Lost {
		return nil
	}
	d.State, d.Reason, d.Ended = Arrived, "", tx.Now()
	if err := putDelivery(tx, d); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE notice_push SET used_at = $1 WHERE id = $2`, db.Millis(tx.Now()), d.Target); err != nil {
		return fmt.Errorf("write a device: %w", err)
	}
	return n.after(tx, d)
}

// testsAMinute is how often somebody may ask for a test message.
const testsAMinute = 4

// Test sends the actor a test message by one channel. Codes:
// notice.channel_off, notice.no_address, notice.too_often.
func (n *Notices) Test(tx *db.Tx, by *access.Actor, c Channel) error {
	if by.Person.IsZero() {
		return ErrNoPerson
	}
	if !n.has(c) {
		return ErrOff.With("channel", string(c))
	}
	able, err := reachable(tx, by.Person, c)
	if c == Push {
		var devices []id.ID
		devices, err = devicesOf(tx, by.Person)
		able = len(devices) > 0
	}
	if err != nil {
		return err
	}
	if !able {
		return ErrNoAddress
	}
	var lately int64
	if err := tx.Row(`SELECT COUNT(*) FROM notice WHERE person_id = $1 AND template = 's_test' AND made_at > $2`, by.Person, db.Millis(tx.Now().Add(-time.Minute))).Scan(&lately); err != nil {
		return fmt.Errorf("count test messages: %w", err)
	}
	if lately >= testsAMinute {
		return ErrOften
	}
	journal.Add(tx, journal.Entry{Kind: "notice.test", Subject: by.Person, By: by.By(), Class: "journal",
		Sight: journal.Sight{Persons: []id.ID{by.Person}, Secrecy: journal.Named}, Facts: map[string]Tell{"tell": {Only: c}}})
	return nil
}

// Trouble is a notice that somebody should look at (未送达): it failed, waits for
// somebody on duty, or nobody answers.
type Trouble struct {
	ID         id.ID      `json:"id"`
	Entry      int64      `json:"entry"`
	Title      words.Text `json:"title"`
	Person     string     `json:"person,omitempty"`
	PersonID   id.ID      `json:"person_id,omitzero"`
	PostName   words.Text `json:"post_name"`
	Resident   bool       `json:"resident,omitempty"`
	Case       id.ID      `json:"case_id,omitzero"`
	Number     string     `json:"case_number,omitempty"`
	Urgent     bool       `json:"urgent,omitempty"`
	State      State      `json:"state" enum:"open,delivered,acknowledged,superseded,escalated,unanswered"`
	Held       string     `json:"held,omitempty"`
	Made       time.Time  `json:"made_at"`
	Read       time.Time  `json:"read_at,omitzero"`
	Deliveries []Delivery `json:"deliveries"`
}

// troubleLimit bounds the list: newest first, whoever works it off sees more.
const troubleLimit = 200

// Troubles lists what did not arrive in the actor's scope, newest first.
// Permission notice.send.
func (n *Notices) Troubles(tx *db.Tx, by *access.Actor) ([]Trouble, error) {
	b, err := n.books.Get(tx)
	if err != nil {
		return nil, err
	}
	o, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	found := map[id.ID]Notice{}
	for _, w := range by.Walks("notice.send") {
		column := w.Column
		if column == access.PersonColumn {
			column = "person_id"
		}
		// The column is one of access's own names, never an input.
		some, err := noticesWhere(tx, column+` = $1 AND trouble = 1 ORDER BY entry DESC LIMIT $2`, w.Node, troubleLimit)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			found[one.ID] = one
		}
	}
	all := make([]Notice, 0, len(found))
	for _, one := range found {
		all = append(all, one)
	}
	slices.SortFunc(all, func(x, y Notice) int { return cmp.Or(cmp.Compare(y.Entry, x.Entry), y.ID.Compare(x.ID)) })
	if len(all) > troubleLimit {
		all = all[:troubleLimit]
	}
	out := []Trouble{}
	for _, one := range all {
		t := Trouble{ID: one.ID, Entry: one.Entry, Resident: one.resident(), Case: one.Case, Number: one.Vars["case_no"].Chinese, Urgent: one.Urgent, State: one.State,
			Held: one.Held, Made: one.Made, Read: one.Read, PersonID: one.Person}
		if tpl, ok := b.template[one.Template]; ok {
			t.Title = tpl.Title
		}
		if p, ok := o.Person(one.Person); ok {
			t.Person = p.Name
		}
		if p, ok := o.Post(one.Post); ok {
			t.PostName = p.Name
		}
		if t.Deliveries, err = deliveriesOf(tx, one.ID); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// EditTemplate changes the words and settings of a template. Permission
// notice.approve for the whole district. Codes: notice.no_template,
// notice.changed, notice.invalid.
func (n *Notices) EditTemplate(tx *db.Tx, by journal.Who, key string, match int64, in Template) (Template, error) {
	b, old, err := n.forEdit(tx, by, key)
	if err != nil {
		return in, err
	}
	if match != 0 && match != old.Version {
		return in, ErrChanged.With("version", old.Version)
	}
	in.Key, in.Audience, in.Event, in.Data, in.Edited = old.Key, old.Audience, old.Event, old.Data, true
	in.Title, in.Body = trimmed(in.Title), trimmed(in.Body)
	if in.Short != nil {
		s := trimmed(*in.Short)
		if in.Short = &s; s == (words.Text{}) {
			in.Short = nil
		}
	}
	if err := b.check(&in); err != nil {
		return in, err
	}
	in.Version = old.Version + 1
	_, err = tx.Exec(`INSERT INTO notice_template (key, content, version) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET content = excluded.content, version = excluded.version`,
		key, db.JSON(in), in.Version)
	if err != nil {
		return in, fmt.Errorf("write a template: %w", err)
	}
	return in, n.edited(tx, by, "notice.edit_template", map[string]string{"key": key}, in)
}

// ResetTemplate brings a template back as it ships. Codes: notice.no_template.
func (n *Notices) ResetTemplate(tx *db.Tx, by journal.Who, key string) error {
	if _, _, err := n.forEdit(tx, by, key); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM notice_template WHERE key = $1`, key); err != nil {
		return fmt.Errorf("reset a template: %w", err)
	}
	return n.edited(tx, by, "notice.reset_template", map[string]string{"key": key}, nil)
}

func (n *Notices) forEdit(tx *db.Tx, by journal.Who, key string) (*book, *Template, error) {
	hub, err := n.o.Org.Hub(tx)
	if err != nil {
		return nil, nil, err
	}
	if err := by.Check("notice.approve", journal.Sight{Nodes: journal.Nodes{Hub: hub}}); err != nil {
		return nil, nil, err
	}
	b, err := n.books.Get(tx)
	if err != nil {
		return nil, nil, err
	}
	t, known := b.template[key]
	if !known && key != "" {
		return nil, nil, ErrTemplate
	}
	return b, t, nil
}

func (n *Notices) edited(tx *db.Tx, by journal.Who, kind string, facts, body any) error {
	hub, err := n.o.Org.Hub(tx)
	if err != nil {
		return err
	}
	e := journal.Entry{Kind: kind, Subject: hub, By: by.By(), Class: "journal", Sight: journal.Sight{Nodes: journal.Nodes{Hub: hub}}, Facts: facts}
	if body != nil {
		e.Body = body
	}
	journal.Add(tx, e)
	return db.Bump(tx, room)
}

// EditSettings changes quiet hours and ladders. Permission notice.approve for the
// whole district. Codes: notice.changed, notice.invalid.
func (n *Notices) EditSettings(tx *db.Tx, by journal.Who, match int64, in Settings) (Settings, error) {
	b, _, err := n.forEdit(tx, by, "")
	if err != nil {
		return in, err
	}
	if match != 0 && match != b.settings.Version {
		return in, ErrChanged.With("version", b.settings.Version)
	}
	wrong := ErrInvalid
	for name, rungs := range map[string][]Rung{"urgent": in.Ladders.Urgent, "must_act": in.Ladders.MustAct, "ordinary": in.Ladders.Ordinary, "resident": in.Ladders.Resident} {
		if code := checkLadder(rungs, name == "resident"); code != "" {
			wrong = wrong.At("body.ladders."+name, code)
		}
	}
	if len(wrong.Where) > 0 {
		return in, wrong
	}
	in.Version = b.settings.Version + 1
	raw, err := json.Marshal(in)
	if err != nil {
		return in, fmt.Errorf("write the settings of messages: %w", err)
	}
	_, err = tx.Exec(`INSERT INTO notice_setting (one, content, version) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE SET content = excluded.content, version = excluded.version`,
		string(raw), in.Version)
	if err != nil {
		return in, fmt.Errorf("write the settings of messages: %w", err)
	}
	return in, n.edited(tx, by, "notice.edit_settings", nil, in)
}

func trimmed(t words.Text) words.Text {
	return words.Text{Chinese: strings.TrimSpace(t.Chinese), English: strings.TrimSpace(t.English)}
}
