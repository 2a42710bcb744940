// Package notice owns messages to staff and residents (通知): their templates,
// who gets which, by which channel, what became of each, and whom they go to
// next when nobody acts.
//
// Nothing above asks this room to tell anybody anything: a worker follows the
// journal with a cursor (follow.go), and an entry becomes notices by the table
// of triggers (trigger.go). So casework knows nothing of notices. A room above
// that wants to name its readers puts a Tell into the facts of its entry.
//
// Tables: notice, notice_delivery, notice_part, notice_template, notice_setting,
// notice_contact, notice_push, notice_news, notice_consent, notice_cursor,
// notice_message.
//
// Promises callers rely on:
//   - Each entry of the journal is followed at least once, and makes exactly one
//     notice for a template and a recipient (a UNIQUE key).
//   - A message leaves at most once by each channel: it is claimed before it
//     leaves, and a claim whose end nobody knows is never sent again but counts
//     as lost, so that the next rung takes over (send.go).
//   - Nobody off duty is alarmed: he finds it in his inbox. What is urgent goes
//     to whoever of the cover order is on duty. In quiet hours only what is
//     urgent leaves. (ladder.go)
//   - What shows on a locked screen (push, text message) holds nothing private
//     unless the template is a public warning; a template that says otherwise
//     can't be saved. (template.go)
//   - Contact points and push addresses stand sealed and leave this room for
//     their carrier only.
//   - A message written by hand that goes to a street or wider leaves only after
//     somebody else approved it; who is told is read when it leaves. (message.go)
//   - A resident gets text messages only where she agreed, and the number stays
//     sealed in the case. A browser that follows a case is told that there is
//     news, and nothing else. (news.go)
package notice

import (
	"embed"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// room is the name under which versions and migrations of this room are kept.
const room = "notice"

var (
	// ErrMissing says that there is no such notice, or that it is not yours.
	ErrMissing = fault.New(fault.Missing, "notice.missing")
	// ErrTemplate says that there is no such template.
	ErrTemplate = fault.New(fault.Missing, "notice.no_template")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "notice.invalid")
	// ErrChanged says that somebody changed it since it was read.
	ErrChanged = fault.New(fault.Changed, "notice.changed")
	// ErrNothing says that there is nothing to acknowledge: it asks for no act.
	ErrNothing = fault.New(fault.Conflict, "notice.nothing_to_acknowledge")
	// ErrOff says that this installation has no such channel set up.
	ErrOff = fault.New(fault.Conflict, "notice.channel_off")
	// ErrNoAddress says that the person has not given an address for the channel.
	ErrNoAddress = fault.New(fault.Conflict, "notice.no_address")
	// ErrPushHost says that the browser's push service is not one that is trusted.
	ErrPushHost = fault.New(fault.Invalid, "notice.push_host")
	// ErrTooMany says that the person has too many devices.
	ErrTooMany = fault.New(fault.Conflict, "notice.too_many_devices")
	// ErrOver says that the matter has ended: there will be no news of it.
	ErrOver = fault.New(fault.Conflict, "notice.over")
	// ErrOften says that somebody asks for test messages too often.
	ErrOften = fault.New(fault.TooMany, "notice.too_often")
	// ErrNoPerson says that the actor is no person with an inbox.
	ErrNoPerson = fault.New(fault.Forbidden, "notice.no_person")
)

// Channel is a way to reach somebody (渠道).
type Channel string

const (
	App  Channel = "app"  // 应用内: the inbox of desk and field, the resident's own page
	Push Channel = "push" // 浏览器推送
	Mail Channel = "mail" // 邮件
	SMS  Channel = "sms"  // 短信
	Next Channel = "next" // 下一岗位: no channel but the last rung
)

// Channels lists the channels that something is sent by.
var Channels = []Channel{Push, Mail, SMS}

// State is what became of a notice.
type State string

const (
	Open         State = "open"         // it stands in the inbox and its ladder goes on
	Delivered    State = "delivered"    // 已送达: it left by a channel, or was read
	Acknowledged State = "acknowledged" // 已确认: the recipient acted or said so
	Superseded   State = "superseded"   // 已由他人处理: the matter went on without him
	Escalated    State = "escalated"    // 已升级: it went to the next post
	Unanswered   State = "unanswered"   // 无人响应: the ladder has no rung left
)

// Sent is what became of one message by one channel.
type Sent string

const (
	Queued   Sent = "queued"    // 排队
	Sending  Sent = "sending"   // claimed: it is on its way, or the machine stopped there
	Gone     Sent = "sent"      // 已发出: the carrier took it
	Arrived  Sent = "delivered" // 已送达: the device said so
	Failed   Sent = "failed"    // 失败
	Lost     Sent = "lost"      // 结果不明: nobody knows whether it left; never sent again
	Withheld Sent = "withheld"  // 不必再发: it was acted on before it left
)

// Notice is one message to one recipient (通知).
type Notice struct {
	ID        id.ID
	Entry     int64 // of the journal it follows from: the order of the inbox
	Template  string
	Recipient id.ID // person; the case, when it is for its reporter; the post while nobody is there
	Person    id.ID
	Post      id.ID // the post it is for
	Subject   id.ID
	Case      id.ID
	journal.Nodes
	Department id.ID
	Vars       map[string]words.Text
	Urgent     bool
	MustAct    bool
	Gather     bool
	Dead       bool // the last rung could not work
	Trouble    bool // somebody should look: it failed, or nobody answers
	State      State
	Rung       int       // how many rungs were climbed
	RungAt     time.Time // when the next one is due; none when the ladder has ended
	Base       time.Time // from here the ladder's minutes count: the first alert
	Held       string    // why it waits: quiet, off_duty, nobody
	Joined     id.ID     // the unread one that it joined
	Parent     id.ID     // the one that went up to make it
	Only       Channel   // a test of one channel
	Made       time.Time
	Read       time.Time
	Acted      time.Time // acknowledged, superseded or escalated
	ActedBy    id.ID
}

// headed is the heading of a notice: of a message what its author wrote, which
// never shows on a locked screen.
func (n Notice) headed(t words.Text) words.Text {
	if own, ok := n.Vars["subject"]; ok && n.Template == messageKey {
		return own
	}
	return t
}

// resident says whether it is for the reporter of a case.
func (n Notice) resident() bool {
	return n.Person.IsZero() && !n.Case.IsZero() && n.Recipient == n.Case
}

// Delivery is one message by one channel (一次投递).
type Delivery struct {
	ID       id.ID     `json:"id"`
	Notice   id.ID     `json:"-"`
	Channel  Channel   `json:"channel" enum:"push,mail,sms"`
	Target   id.ID     `json:"-"` // the device of a push
	State    Sent      `json:"state" enum:"queued,sending,sent,delivered,failed,lost,withheld"`
	Reason   string    `json:"reason,omitempty"` // why it failed: a key of notice.why_…
	Attempts int       `json:"attempts"`
	Parts    int       `json:"parts,omitempty"` // of a text message
	Made     time.Time `json:"made_at"`
	Sent     time.Time `json:"sent_at,omitzero"`
	Ended    time.Time `json:"ended_at,omitzero"`
}

// Tell is what a room above puts into the facts of a journal entry, under the
// key "tell", when the entry's kind is the event of a template: who is to be
// told, and what the message says. Never anything personal.
type Tell struct {
	Posts   []id.ID               `json:"posts,omitempty"`
	Persons []id.ID               `json:"persons,omitempty"`
	Vars    map[string]words.Text `json:"vars,omitempty"`
	Urgent  bool                  `json:"urgent,omitempty"`
	Only    Channel               `json:"only,omitempty"` // a test of one channel
}
