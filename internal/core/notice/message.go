package notice

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/words"
)

// A message written by hand (手写通知) goes to the staff of a unit or a grid. To a
// street or the whole district it waits until somebody else approves it
// (roles.json two_person_rules notice_wide); then a job makes the notices, batch
// by batch, and they go the ordinary way.

const (
	permSend    = "notice.send"
	permApprove = "notice.approve"
	messageKey  = "s_message" // its template
	jobSpread   = "notice.spread"
	// mostPosts bounds the audience of one message.
	mostPosts = 5000
	// spreadBatch is how many posts one transaction looks at.
	spreadBatch = 200
	mostSubject = 60
	mostText    = 1000
	mostRemark  = 300
)

var (
	// ErrNoMessage says that there is no such message, or none the actor may see.
	ErrNoMessage = fault.New(fault.Missing, "notice.no_message")
	// ErrDecided says that the message does not wait for a decision (any more).
	ErrDecided = fault.New(fault.Conflict, "notice.decided")
	// ErrOwnMessage says that who wrote it does not approve it.
	ErrOwnMessage = fault.New(fault.Forbidden, "notice.own_message")
	// ErrNotAuthor says that only who wrote a message takes it back.
	ErrNotAuthor = fault.New(fault.Forbidden, "notice.not_author")
)

// MessageState is how far a message is (通知进度).
type MessageState string

const (
	MessageWaiting MessageState = "waiting" // 等另一人批准
	MessageRefused MessageState = "refused" // 没有批准
	MessageBack    MessageState = "back"    // 作者收回
	MessageGoing   MessageState = "going"   // 正在发
	MessageSent    MessageState = "sent"    // 发完了
)

// MessageIn is a message as it is written.
type MessageIn struct {
	ID      id.ID      `json:"id,omitzero"`
	Node    id.ID      `json:"node_id" doc:"the unit with all below it, or the grid, whose staff it goes to"`
	Roles   []string   `json:"roles,omitempty" maxItems:"40" doc:"only posts of these roles; absent: all"`
	Title   words.Text `json:"title" doc:"in one language or both; the other may be empty"`
	Text    words.Text `json:"text" doc:"in the languages of the title"`
	Urgent  bool       `json:"urgent,omitempty" doc:"also at night, and to who is on duty"`
	MustAct bool       `json:"must_act,omitempty" doc:"each has to acknowledge it, else it goes to the next post"`
}

// Message is a message that somebody wrote (手写通知).
type Message struct {
	ID       id.ID        `json:"id"`
	Scope    string       `json:"scope" enum:"grid,village,street,district,department"`
	Node     id.ID        `json:"node_id"`
	Roles    []string     `json:"roles"`
	Title    words.Text   `json:"title"`
	Text     words.Text   `json:"text"`
	Urgent   bool         `json:"urgent,omitempty"`
	MustAct  bool         `json:"must_act,omitempty"`
	State    MessageState `json:"state" enum:"waiting,refused,back,going,sent"`
	Written  time.Time    `json:"written_at"`
	Decided  time.Time    `json:"decided_at,omitzero"`
	Remark   string       `json:"remark,omitempty"`
	Posts    int64        `json:"posts" doc:"posts in scope when it was written; when it has gone out, those it went to"`
	Looked   int64        `json:"looked_at" doc:"posts that were looked at so far"`
	Finished time.Time    `json:"sent_at,omitzero"`
	Version  int64        `json:"version"`

	at      journal.Sight
	author  journal.By
	decider id.ID
	entry   int64
	doneTo  id.ID
}

// wide says that two people decide (范围为街道或全区).
func wide(scope string) bool { return scope == "street" || scope == "district" }

// MessageCounts is what became of a message (送达情况). Each of the staff counts
// once, in one of the states; what went up to another post counts for itself.
type MessageCounts struct {
	People       int64 `json:"people" doc:"who was told: each person once"`
	Read         int64 `json:"read"`
	Acknowledged int64 `json:"acknowledged"`
	Escalated    int64 `json:"escalated" doc:"went on to the next post"`
	Unanswered   int64 `json:"unanswered"`
	Trouble      int64 `json:"trouble" doc:"somebody should look: it failed, or nobody is there"`
}

// MessageView is a message with names and what became of it.
type MessageView struct {
	Message
	NodeName    words.Text    `json:"node_name"`
	AuthorName  string        `json:"author_name"`
	AuthorPost  words.Text    `json:"author_post_name"`
	DeciderName string        `json:"decider_name,omitempty"`
	CanDecide   bool          `json:"can_decide,omitempty"`
	CanTakeBack bool          `json:"can_take_back,omitempty"`
	Counts      MessageCounts `json:"counts"`
}

// MessagePlace is where the actor may send a message to.
type MessagePlace struct {
	ID    id.ID      `json:"id"`
	Scope string     `json:"scope" enum:"grid,village,street,district,department"`
	Name  words.Text `json:"name"`
	Wide  bool       `json:"wide" doc:"somebody else has to approve"`
}

// Audience is whom a message would go to.
type Audience struct {
	Posts int64           `json:"posts"`
	Most  int64           `json:"most"`
	Wide  bool            `json:"wide"`
	Roles []org.RoleCount `json:"roles"`
}

var scopeOf = map[org.UnitKind]string{org.Hub: "district", org.Street: "street", org.Platform: "village", org.Department: "department"}

// placeOf is the scope and the place of a unit or a grid. A grid is known by the
// posts that it has.
func placeOf(s *org.Snapshot, node id.ID, now time.Time) (scope string, at journal.Sight, ok bool) {
	if u, known := s.Unit(node); known {
		scope, ok = scopeOf[u.Kind]
		return scope, s.SightOfUnit(node), ok && (u.To.IsZero() || u.To.After(now))
	}
	for _, p := range s.Posts {
		if p.Node == node && p.Level == org.AtGrid && p.Open(now) {
			return "grid", s.SightOf(p), true
		}
	}
	return "", journal.Sight{}, false
}

// mostGrids is up to how many grids are offered by name: whoever has more sends
// to their village.
const mostGrids = 40

// MessagePlaces lists where the acting post may send messages to, the widest
// first.
func (n *Notices) MessagePlaces(tx *db.Tx, by *access.Actor) ([]MessagePlace, error) {
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []MessagePlace{}
	for _, kind := range []org.UnitKind{org.Hub, org.Street, org.Department, org.Platform} {
		for _, u := range s.Units {
			if scope, at, ok := placeOf(s, u.ID, tx.Now()); ok && u.Kind == kind && by.Check(permSend, at) == nil {
				out = append(out, MessagePlace{u.ID, scope, u.Name, wide(scope)})
			}
		}
	}
	var grids []MessagePlace
	seen := map[id.ID]bool{}
	for _, p := range s.Posts {
		if p.Level != org.AtGrid || seen[p.Node] || !p.Open(tx.Now()) || by.Check(permSend, s.SightOf(p)) != nil {
			continue
		}
		if seen[p.Node] = true; len(seen) > mostGrids {
			return out, nil
		}
		name, err := n.nodeName(tx, s, p.Node)
		if err != nil {
			return nil, err
		}
		grids = append(grids, MessagePlace{p.Node, "grid", name, false})
	}
	slices.SortFunc(grids, func(a, b MessagePlace) int { return strings.Compare(a.Name.Chinese, b.Name.Chinese) })
	return append(out, grids...), nil
}

func (n *Notices) nodeName(tx *db.Tx, s *org.Snapshot, node id.ID) (words.Text, error) {
	if u, ok := s.Unit(node); ok {
		return u.Name, nil
	}
	if n.o.Grids == nil {
		return words.Text{}, nil
	}
	name, err := n.o.Grids.Title(tx, node)
	if err != nil && fault.Of(err).Kind == fault.Missing {
		return words.Text{}, nil
	}
	return same(name), err
}

// MessageAudience says whom a message of the actor would go to. Permission
// notice.send there. Code: notice.invalid.
func (n *Notices) MessageAudience(tx *db.Tx, by *access.Actor, node id.ID, roles []string) (Audience, error) {
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return Audience{}, err
	}
	scope, at, ok := placeOf(s, node, tx.Now())
	if !ok {
		return Audience{}, ErrInvalid.At("query.node_id", "notice.no_place")
	}
	if err := by.Check(permSend, at); err != nil {
		return Audience{}, err
	}
	a := Audience{Most: mostPosts, Wide: wide(scope)}
	if a.Roles, err = n.o.Org.RolesWithin(tx, node); err != nil {
		return a, err
	}
	for _, r := range a.Roles {
		if len(roles) == 0 || slices.Contains(roles, r.Role) {
			a.Posts += r.Posts
		}
	}
	return a, nil
}

// WriteMessage writes a message. It goes out at once, or waits for an approval
// where it goes to a street or the whole district. Permission notice.send there.
// Codes: notice.no_person, notice.invalid.
func (n *Notices) WriteMessage(tx *db.Tx, by *access.Actor, in MessageIn) (MessageView, error) {
	if by.Person.IsZero() {
		return MessageView{}, ErrNoPerson
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return MessageView{}, err
	}
	scope, at, ok := placeOf(s, in.Node, tx.Now())
	if !ok {
		return MessageView{}, ErrInvalid.At("body.node_id", "notice.no_place")
	}
	if err := by.Check(permSend, at); err != nil {
		return MessageView{}, err
	}
	m := Message{ID: in.ID, Scope: scope, Node: in.Node, Roles: slices.Compact(slices.Sorted(slices.Values(in.Roles))), Title: trimmed(in.Title), Text: trimmed(in.Text),
		Urgent: in.Urgent, MustAct: in.MustAct, State: MessageWaiting, Written: tx.Now(), Version: 1, at: at, author: by.By()}
	if m.ID.IsZero() {
		m.ID = tx.NewID()
	}
	if m.Roles == nil {
		m.Roles = []string{}
	}
	wrong := m.check()
	counts, err := n.o.Org.RolesWithin(tx, m.Node)
	if err != nil {
		return MessageView{}, err
	}
	for _, r := range counts {
		if len(m.Roles) == 0 || slices.Contains(m.Roles, r.Role) {
			m.Posts += r.Posts
		}
	}
	switch {
	case m.Posts == 0:
		wrong = wrong.At("body.roles", "notice.nobody_there")
	case m.Posts > mostPosts:
		wrong = wrong.At("body.node_id", "notice.too_many_posts", "most", mostPosts, "posts", m.Posts)
	}
	if _, err := messageByID(tx, m.ID); err == nil {
		wrong = wrong.At("body.id", "notice.message_there")
	} else if !errors.Is(err, ErrNoMessage) {
		return MessageView{}, err
	}
	if len(wrong.Where) > 0 {
		return MessageView{}, wrong
	}
	if !wide(scope) {
		m.State = MessageGoing
	}
	if err := insertMessage(tx, m); err != nil {
		return MessageView{}, err
	}
	n.noteMessage(tx, by.By(), "notice.write_message", m)
	if m.State == MessageGoing {
		n.noteMessage(tx, by.By(), "notice.send", m)
	}
	return n.viewMessage(tx, by, s, m)
}

// check judges what was written: a language is written whole or not at all.
func (m Message) check() *fault.Fault {
	wrong := ErrInvalid
	if m.Title == (words.Text{}) {
		wrong = wrong.At("body.title", "notice.message_empty")
	}
	if (m.Title.Chinese == "") != (m.Text.Chinese == "") || (m.Title.English == "") != (m.Text.English == "") {
		wrong = wrong.At("body.text", "notice.message_half")
	}
	for field, x := range map[string]struct {
		text words.Text
		most int
	}{"body.title": {m.Title, mostSubject}, "body.text": {m.Text, mostText}} {
		if utf8.RuneCountInString(x.text.Chinese) > x.most || utf8.RuneCountInString(x.text.English) > x.most {
			wrong = wrong.At(field, "notice.too_long", "most", x.most)
		}
	}
	return wrong
}

// MessageDecision is what somebody says to a message that waits.
type MessageDecision struct {
	Approve bool   `json:"approve"`
	Remark  string `json:"remark,omitempty" maxLength:"300" doc:"needed to refuse"`
}

// DecideMessage approves a message, which then goes out, or refuses it. Who wrote
// it, the same post or a stand-in of either does not. Permission notice.approve
// there. Codes: notice.no_message, notice.changed, notice.decided,
// notice.own_message, notice.invalid.
func (n *Notices) DecideMessage(tx *db.Tx, by *access.Actor, v id.ID, match int64, in MessageDecision) (MessageView, error) {
	m, err := n.messageFor(tx, by, v)
	if err != nil {
		return MessageView{}, err
	}
	if err := by.Check(permApprove, m.at); err != nil {
		return MessageView{}, err
	}
	if by.Person.IsZero() {
		return MessageView{}, ErrNoPerson
	}
	switch {
	case match != 0 && match != m.Version:
		return MessageView{}, ErrChanged.With("version", m.Version)
	case m.State != MessageWaiting:
		return MessageView{}, ErrDecided
	case by.By().SameHand(m.author):
		return MessageView{}, ErrOwnMessage
	}
	m.Remark = strings.TrimSpace(in.Remark)
	if k := utf8.RuneCountInString(m.Remark); k > mostRemark {
		return MessageView{}, ErrInvalid.At("body.remark", "notice.too_long", "most", mostRemark)
	} else if k == 0 && !in.Approve {
		return MessageView{}, ErrInvalid.At("body.remark", "notice.why_refused")
	}
	m.State, m.Decided, m.decider = MessageRefused, tx.Now(), by.Person
	if in.Approve {
		m.State = MessageGoing
	}
	if m, err = putMessage(tx, m); err != nil {
		return MessageView{}, err
	}
	n.noteMessage(tx, by.By(), "notice.decide_message", m)
	if in.Approve {
		n.noteMessage(tx, by.By(), "notice.send", m)
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return MessageView{}, err
	}
	return n.viewMessage(tx, by, s, m)
}

// TakeBackMessage ends a message that waits for its second person, by whoever
// wrote it: nobody was told, nobody will be. Codes: notice.no_message,
// notice.not_author, notice.changed, notice.decided.
func (n *Notices) TakeBackMessage(tx *db.Tx, by *access.Actor, v id.ID, match int64) (MessageView, error) {
	m, err := n.messageFor(tx, by, v)
	if err != nil {
		return MessageView{}, err
	}
	switch {
	case by.Person.IsZero() || by.Person != m.author.Person:
		return MessageView{}, ErrNotAuthor
	case match != 0 && match != m.Version:
		return MessageView{}, ErrChanged.With("version", m.Version)
	case m.State != MessageWaiting:
		return MessageView{}, ErrDecided
	}
	m.State, m.Decided, m.decider = MessageBack, tx.Now(), by.Person
	if m, err = putMessage(tx, m); err != nil {
		return MessageView{}, err
	}
	n.noteMessage(tx, by.By(), "notice.take_back_message", m)
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return MessageView{}, err
	}
	return n.viewMessage(tx, by, s, m)
}

// noteMessage writes to the journal what happened to a message; its words stay
// here, where they end with their term.
func (n *Notices) noteMessage(tx *db.Tx, by journal.By, kind string, m Message) {
	at := m.at
	at.Persons = []id.ID{m.author.Person}
	journal.Add(tx, journal.Entry{Kind: kind, Subject: m.ID, By: by, Version: m.Version, Sight: at, Class: "journal",
		Facts: map[string]any{"scope": m.Scope, "state": m.State, "roles": m.Roles, "urgent": m.Urgent, "must_act": m.MustAct}})
}

// begin lets a message go out, from the entry that says so: the entry's number
// is what its notices follow from.
func (n *Notices) begin(tx *db.Tx, e *journal.Entry) error {
	m, err := messageByID(tx, e.Subject)
	if errors.Is(err, ErrNoMessage) {
		return nil
	}
	if err != nil || m.State != MessageGoing || m.entry != 0 {
		return err
	}
	m.entry = e.Number
	if _, err := putMessage(tx, m); err != nil {
		return err
	}
	_, err = n.o.Runner.Enqueue(tx, jobSpread, deliverArgs{m.ID}, time.Time{})
	return err
}

// spread makes the notices of a message, batch by batch: who holds a post or
// stands in for it at that moment is told, each person once.
func (n *Notices) spread(ctx context.Context, j jobs.Job) error {
	var args deliverArgs
	if err := j.Decode(&args); err != nil {
		return err
	}
	for over := false; !over; {
		err := n.o.DB.Write(ctx, func(tx *db.Tx) (err error) {
			if over, err = n.spreadSome(tx, args.ID); err == nil && over {
				err = j.Done(tx)
			}
			return err
		})
		if errors.Is(err, jobs.ErrLost) {
			return nil // another runner has it and goes on from the last batch
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// spreadSome does one batch; over says that none is left.
func (n *Notices) spreadSome(tx *db.Tx, message id.ID) (over bool, err error) {
	m, err := messageByID(tx, message)
	if errors.Is(err, ErrNoMessage) {
		return true, nil
	}
	if err != nil || m.State != MessageGoing {
		return true, err
	}
	b, err := n.books.Get(tx)
	if err != nil {
		return false, err
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return false, err
	}
	posts, err := n.o.Org.PostsWithin(tx, m.Node, m.Roles, m.doneTo, spreadBatch)
	if err != nil {
		return false, err
	}
	unit := words.Text{}
	if p, ok := s.Post(m.author.Post); ok {
		u, _ := s.Unit(p.Unit)
		unit = u.Name
	}
	var told []id.ID
	for _, post := range posts {
		m.doneTo = post
		m.Looked++
		hand := s.HandAt(post, tx.Now())
		if hand.Person == m.author.Person {
			continue // nobody needs to be told what he wrote himself
		}
		p, _ := s.Post(post)
		at := s.SightOf(p)
		one := Notice{Entry: m.entry, Template: messageKey, Subject: m.ID, Post: post, Person: hand.Person, Recipient: hand.Person, Nodes: at.Nodes, Department: at.Department,
			Vars: map[string]words.Text{"subject": m.Title, "message": m.Text, "unit": unit}, Urgent: m.Urgent, MustAct: m.MustAct, State: Open, Made: tx.Now()}
		if hand.Person.IsZero() {
			one.Recipient = post
		}
		made, err := n.insert(tx, b, one)
		if err != nil {
			return false, err
		}
		if made {
			told = append(told, hand.Person)
		}
	}
	if len(posts) < spreadBatch {
		m.State, m.Finished, m.Posts = MessageSent, tx.Now(), m.Looked
	}
	if m, err = putMessage(tx, m); err != nil {
		return false, err
	}
	if persons := slices.DeleteFunc(told, id.ID.IsZero); len(persons) > 0 {
		slices.SortFunc(persons, id.ID.Compare)
		journal.Add(tx, journal.Entry{Kind: "notice.make", Subject: m.ID, By: journal.By{Via: "system"}, Class: "journal",
			Sight: journal.Sight{Persons: slices.Compact(persons), Secrecy: journal.Named}})
	}
	if m.State == MessageSent {
		n.noteMessage(tx, journal.By{Via: "system"}, "notice.message_sent", m)
	}
	return m.State == MessageSent, nil
}

// messageFor is a message that the actor may see.
func (n *Notices) messageFor(tx *db.Tx, by *access.Actor, v id.ID) (Message, error) {
	m, err := messageByID(tx, v)
	if err == nil && !by.Sees(permSend, m.at) && !by.Sees(permApprove, m.at) {
		return Message{}, ErrNoMessage
	}
	return m, err
}

// ReadMessage gives one message with what became of it. Code: notice.no_message.
func (n *Notices) ReadMessage(tx *db.Tx, by *access.Actor, v id.ID) (MessageView, error) {
	m, err := n.messageFor(tx, by, v)
	if err != nil {
		return MessageView{}, err
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return MessageView{}, err
	}
	return n.viewMessage(tx, by, s, m)
}

// MessagesAfter is where a page of messages begins.
type MessagesAfter struct {
	At int64 `json:"at"`
	ID id.ID `json:"id"`
}

// Messages lists what was sent in the actor's scope, newest first.
func (n *Notices) Messages(tx *db.Tx, by *access.Actor, after MessagesAfter, limit int) (list []MessageView, next *MessagesAfter, err error) {
	found := map[id.ID]Message{}
	for _, permission := range []string{permSend, permApprove} {
		for _, w := range by.Walks(permission) {
			if !slices.Contains([]string{access.HubColumn, access.StreetColumn, access.PlatformColumn, access.GridColumn, access.DepartmentColumn}, w.Column) {
				continue
			}
			some, err := messagesOn(tx, w.Column, w.Node, after, limit+1)
			if err != nil {
				return nil, nil, err
			}
			for _, m := range some {
				found[m.ID] = m
			}
		}
	}
	all := make([]Message, 0, len(found))
	for _, m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Message) int {
		if c := b.Written.Compare(a.Written); c != 0 {
			return c
		}
		return b.ID.Compare(a.ID)
	})
	if len(all) > limit {
		all = all[:limit]
		next = &MessagesAfter{all[limit-1].Written.UnixMilli(), all[limit-1].ID}
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return nil, nil, err
	}
	list = []MessageView{}
	for _, m := range all {
		v, err := n.viewMessage(tx, by, s, m)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, v)
	}
	return list, next, nil
}

func (n *Notices) viewMessage(tx *db.Tx, by *access.Actor, s *org.Snapshot, m Message) (v MessageView, err error) {
	v.Message = m
	if v.NodeName, err = n.nodeName(tx, s, m.Node); err != nil {
		return v, err
	}
	if p, ok := s.Person(m.author.Person); ok {
		v.AuthorName = p.Name
	}
	if p, ok := s.Post(m.author.Post); ok {
		v.AuthorPost = p.Name
	}
	if p, ok := s.Person(m.decider); ok {
		v.DeciderName = p.Name
	}
	v.CanTakeBack = m.State == MessageWaiting && !by.Person.IsZero() && by.Person == m.author.Person
	v.CanDecide = m.State == MessageWaiting && by.Check(permApprove, m.at) == nil && !by.By().SameHand(m.author)
	if m.entry != 0 {
		v.Counts, err = countMessage(tx, m.entry)
	}
	return v, err
}
