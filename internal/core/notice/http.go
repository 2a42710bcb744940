package notice

import (
	"net/http"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

type empty struct{}

type inboxIn struct {
	View string `query:"view" enum:"all,unread,act" default:"all"`
	httpx.Paging
}

type inboxOut struct {
	Body httpx.List[View]
}

type countOut struct{ Body Count }

type noticeIn struct {
	ID id.ID `path:"id"`
}

type viewOut struct{ Body View }

type readIn struct {
	Body struct {
		IDs   []id.ID `json:"ids,omitempty" maxItems:"200"`
		Until int64   `json:"until,omitempty" minimum:"0" doc:"all up to this entry instead of some"`
	}
}

type arriveIn struct {
	Body struct {
		Delivery id.ID `json:"delivery_id"`
	}
}

// Reaches is how the actor is reached (我的通知渠道).
type Reaches struct {
	PushKey string   `json:"push_key,omitempty" doc:"to subscribe with; absent: no push here"`
	Devices []Device `json:"devices"`
	Mail    Reach    `json:"mail"`
	SMS     Reach    `json:"sms"`
	OnDuty  bool     `json:"on_duty" doc:"alarms reach you now"`
	Quiet   struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"quiet_hours"`
}

type reachesOut struct{ Body Reaches }

// ChannelName names a channel in a path.
type ChannelName struct {
	Channel Channel `path:"channel" enum:"mail,sms"`
}

type setChannelIn struct {
	ChannelName
	Body struct {
		Address *string `json:"address,omitempty" maxLength:"120" doc:"absent: as it is"`
		Enabled bool    `json:"enabled"`
	}
}

type deviceIn struct {
	Body struct {
		Endpoint string `json:"endpoint" maxLength:"1000"`
		P256dh   string `json:"p256dh" maxLength:"200"`
		Auth     string `json:"auth" maxLength:"100"`
		Label    string `json:"label" maxLength:"60"`
	}
}

type deviceOut struct{ Body Device }

type testIn struct {
	Body struct {
		Channel Channel `json:"channel" enum:"push,mail,sms"`
	}
}

type templatesOut struct {
	Body struct {
		Items     []Template `json:"items"`
		Variables []Variable `json:"variables"`
	}
}

// TemplateKey names a template in a path.
type TemplateKey struct {
	Key string `path:"key" maxLength:"60"`
}

// TemplateEdit is what an office may change of a template.
type TemplateEdit struct {
	Channels  []string    `json:"channels" maxItems:"6"`
	Urgent    bool        `json:"urgent"`
	MustAct   bool        `json:"must_act"`
	Gather    bool        `json:"gather"`
	Quiet     bool        `json:"quiet_hours"`
	DefaultOn bool        `json:"default_on"`
	Title     words.Text  `json:"title"`
	Body      words.Text  `json:"body"`
	Short     *words.Text `json:"short,omitempty"`
}

func (e TemplateEdit) template() Template {
	return Template{Channels: e.Channels, Urgent: e.Urgent, MustAct: e.MustAct, Gather: e.Gather, Quiet: e.Quiet, DefaultOn: e.DefaultOn,
		Title: e.Title, Body: e.Body, Short: e.Short}
}

type editIn struct {
	TemplateKey
	httpx.Precondition
	Body TemplateEdit
}

type templateOut struct{ Body Template }

type previewIn struct {
	TemplateKey
	Body TemplateEdit
}

// Preview is how a template would read (预览).
type Preview struct {
	Title  words.Text `json:"title"`
	Body   words.Text `json:"body"`
	Glance words.Text `json:"glance"` // on a locked screen and in a text message
	SMS    struct {
		Chinese Length `json:"zh-CN"`
		English Length `json:"en"`
	} `json:"sms"`
}

type previewOut struct{ Body Preview }

type settingsIn struct {
	httpx.Precondition
	Body Settings
}

type settingsOut struct{ Body Settings }

type troublesOut struct {
	Body struct {
		Items []Trouble `json:"items"`
	}
}

type agreeIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Consent
		Language words.Language `json:"language,omitempty" enum:"zh-CN,en" default:"zh-CN"`
	}
}

type agreeOut struct{ Body Consent }

// Routes mounts the operations of this room.
func (n *Notices) Routes(e *httpx.Edge) {
	tags := []string{"notice"}
	n.messageRoutes(e)
	httpx.Read(e, httpx.Op{ID: "notice.inbox", Method: http.MethodGet, Path: "/api/notices", SignedIn: true, Tags: tags,
		Summary: "One's own notices, newest first"}, n.getInbox)
	httpx.Read(e, httpx.Op{ID: "notice.count", Method: http.MethodGet, Path: "/api/notices/count", SignedIn: true, Tags: tags,
		Summary: "How many of one's own notices are unread, and ask for an act"},
		func(tx *db.Tx, by *access.Actor, _ *empty) (*countOut, error) {
			c, err := n.Unread(tx, by)
			return &countOut{c}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.read", Method: http.MethodPost, Path: "/api/notices/read", SignedIn: true, Tags: tags,
		Summary: "Mark own notices as read"},
		func(tx *db.Tx, by *access.Actor, in *readIn) (*countOut, error) {
			if err := n.MarkRead(tx, by, in.Body.IDs, in.Body.Until); err != nil {
				return nil, err
			}
			c, err := n.Unread(tx, by)
			return &countOut{c}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.acknowledge", Method: http.MethodPost, Path: "/api/notices/{id}/acknowledge", SignedIn: true, Tags: tags,
		Summary: "Say that one has it and will act"},
		func(tx *db.Tx, by *access.Actor, in *noticeIn) (*viewOut, error) {
			v, err := n.Acknowledge(tx, by, in.ID)
			return &viewOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.arrived", Method: http.MethodPost, Path: "/api/notices/arrivals", SignedIn: true, Tags: tags,
		Summary: "A device's word that a push arrived"},
		func(tx *db.Tx, by *access.Actor, in *arriveIn) (*empty, error) {
			return nil, n.Arrive(tx, by, in.Body.Delivery)
		})
	httpx.Read(e, httpx.Op{ID: "notice.channels", Method: http.MethodGet, Path: "/api/notices/channels", SignedIn: true, Tags: tags,
		Summary: "How one is reached"}, n.getReaches)
	httpx.Write(e, httpx.Op{ID: "notice.set_channel", Method: http.MethodPut, Path: "/api/notices/channels/{channel}", SignedIn: true, Tags: tags,
		Summary: "Change one's mail address or telephone for messages"},
		func(tx *db.Tx, by *access.Actor, in *setChannelIn) (*reachesOut, error) {
			if err := n.SetReach(tx, by, in.Channel, in.Body.Address, in.Body.Enabled); err != nil {
				return nil, err
			}
			return n.getReaches(tx, by, nil)
		})
	httpx.Write(e, httpx.Op{ID: "notice.clear_channel", Method: http.MethodDelete, Path: "/api/notices/channels/{channel}", SignedIn: true, Tags: tags,
		Summary: "Forget one's mail address or telephone"},
		func(tx *db.Tx, by *access.Actor, in *ChannelName) (*reachesOut, error) {
			if err := n.ClearReach(tx, by, in.Channel); err != nil {
				return nil, err
			}
			return n.getReaches(tx, by, nil)
		})
	httpx.Write(e, httpx.Op{ID: "notice.add_device", Method: http.MethodPost, Path: "/api/notices/devices", SignedIn: true, Tags: tags,
		Summary: "Let this browser be alarmed", Status: http.StatusCreated},
		func(tx *db.Tx, by *access.Actor, in *deviceIn) (*deviceOut, error) {
			b := in.Body
			d, err := n.AddDevice(tx, by, Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth}, b.Label)
			return &deviceOut{d}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.remove_device", Method: http.MethodDelete, Path: "/api/notices/devices/{id}", SignedIn: true, Tags: tags,
		Summary: "End the alarms of a browser"},
		func(tx *db.Tx, by *access.Actor, in *noticeIn) (*empty, error) {
			return nil, n.RemoveDevice(tx, by, in.ID)
		})
	httpx.Write(e, httpx.Op{ID: "notice.test", Method: http.MethodPost, Path: "/api/notices/test", SignedIn: true, Tags: tags,
		Summary: "Send oneself a test message", Status: http.StatusAccepted},
		func(tx *db.Tx, by *access.Actor, in *testIn) (*empty, error) {
			return nil, n.Test(tx, by, in.Body.Channel)
		})

	httpx.Read(e, httpx.Op{ID: "notice.templates", Method: http.MethodGet, Path: "/api/notice-templates", SignedIn: true, Tags: tags,
		Summary: "All message templates and the variables they may use"}, n.getTemplates)
	httpx.Write(e, httpx.Op{ID: "notice.edit_template", Method: http.MethodPut, Path: "/api/notice-templates/{key}", Permission: "notice.approve", Tags: tags,
		Summary: "Change a message template"},
		func(tx *db.Tx, by *access.Actor, in *editIn) (*templateOut, error) {
			t, err := n.EditTemplate(tx, by, in.Key, in.Match, in.Body.template())
			return &templateOut{t}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.reset_template", Method: http.MethodDelete, Path: "/api/notice-templates/{key}", Permission: "notice.approve", Tags: tags,
		Summary: "Bring a message template back as it ships"},
		func(tx *db.Tx, by *access.Actor, in *TemplateKey) (*empty, error) {
			return nil, n.ResetTemplate(tx, by, in.Key)
		})
	httpx.Read(e, httpx.Op{ID: "notice.preview", Method: http.MethodPost, Path: "/api/notice-templates/{key}/preview", SignedIn: true, Tags: tags,
		Summary: "How a template would read, and how long its text message is"}, n.preview)
	httpx.Read(e, httpx.Op{ID: "notice.settings", Method: http.MethodGet, Path: "/api/notice-settings", SignedIn: true, Tags: tags,
		Summary: "Quiet hours and ladders"},
		func(tx *db.Tx, _ *access.Actor, _ *empty) (*settingsOut, error) {
			b, err := n.books.Get(tx)
			if err != nil {
				return nil, err
			}
			return &settingsOut{b.settings}, nil
		})
	httpx.Write(e, httpx.Op{ID: "notice.edit_settings", Method: http.MethodPut, Path: "/api/notice-settings", Permission: "notice.approve", Tags: tags,
		Summary: "Change quiet hours and ladders"},
		func(tx *db.Tx, by *access.Actor, in *settingsIn) (*settingsOut, error) {
			s, err := n.EditSettings(tx, by, in.Match, in.Body)
			return &settingsOut{s}, err
		})
	httpx.Read(e, httpx.Op{ID: "notice.troubles", Method: http.MethodGet, Path: "/api/notices/troubles", Permission: "notice.send", Tags: tags,
		Summary: "What did not arrive in one's scope, and why"},
		func(tx *db.Tx, by *access.Actor, _ *empty) (*troublesOut, error) {
			list, err := n.Troubles(tx, by)
			var out troublesOut
			out.Body.Items = list
			return &out, err
		})
	httpx.Read(e, httpx.Op{ID: "notice.agreement", Method: http.MethodGet, Path: "/api/cases/{id}/messages", Permission: "case.view", Tags: tags,
		Summary: "Whether the reporter agreed to text messages"},
		func(tx *db.Tx, by *access.Actor, in *noticeIn) (*agreeOut, error) {
			if _, err := n.caseFor(tx, by, in.ID); err != nil {
				return nil, err
			}
			c, err := n.ConsentOf(tx, in.ID)
			return &agreeOut{c}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.agree", Method: http.MethodPut, Path: "/api/cases/{id}/messages", Permission: "case.report", Tags: tags,
		Summary: "Note what the reporter said about text messages"},
		func(tx *db.Tx, by *access.Actor, in *agreeIn) (*agreeOut, error) {
			at, err := n.caseFor(tx, by, in.ID)
			if err != nil {
				return nil, err
			}
			if err := by.Check("case.report", at); err != nil {
				return nil, err
			}
			return &agreeOut{in.Body.Consent}, n.Agree(tx, by.By(), at, in.ID, in.Body.Consent, in.Body.Language)
		})
}

// caseFor is the place of a case that the actor may see; else it is missing.
func (n *Notices) caseFor(tx *db.Tx, by *access.Actor, caseID id.ID) (journal.Sight, error) {
	told, err := n.o.Cases.Told(tx, caseID, "")
	if err != nil || !by.Sees("case.view", told.At) {
		return told.At, ErrMissing
	}
	return told.At, nil
}

func (n *Notices) getInbox(tx *db.Tx, by *access.Actor, in *inboxIn) (*inboxOut, error) {
	q := InboxQuery{View: in.View, Limit: in.Limit}
	if err := in.Read(&q.After); err != nil {
		return nil, err
	}
	list, next, err := n.Inbox(tx, by, q)
	if err != nil {
		return nil, err
	}
	out := &inboxOut{Body: httpx.List[View]{Items: list}}
	if next != nil {
		out.Body.Next, err = httpx.Cursor(next.After)
	}
	return out, err
}

func (n *Notices) getReaches(tx *db.Tx, by *access.Actor, _ *empty) (*reachesOut, error) {
	if by.Person.IsZero() {
		return nil, ErrNoPerson
	}
	var out reachesOut
	r := &out.Body
	all, err := reachesOf(tx, by.Person)
	if err != nil {
		return nil, err
	}
	if r.Devices, err = listDevices(tx, by.Person); err != nil {
		return nil, err
	}
	r.Mail, r.SMS = all[Mail], all[SMS]
	r.Mail.Channel, r.Mail.Available, r.SMS.Channel, r.SMS.Available = Mail, n.has(Mail), SMS, n.has(SMS)
	if n.o.Push != nil {
		r.PushKey = n.o.Push.Key()
	}
	b, err := n.books.Get(tx)
	if err != nil {
		return nil, err
	}
	r.Quiet.From, r.Quiet.To = b.settings.Quiet.From, b.settings.Quiet.To
	r.OnDuty, err = n.onDuty(tx, by.Person, tx.Now())
	return &out, err
}

func (n *Notices) getTemplates(tx *db.Tx, _ *access.Actor, _ *empty) (*templatesOut, error) {
	b, err := n.books.Get(tx)
	if err != nil {
		return nil, err
	}
	var out templatesOut
	for _, t := range b.list {
		out.Body.Items = append(out.Body.Items, *t)
	}
	out.Body.Variables = b.variables
	return &out, nil
}

func (n *Notices) preview(tx *db.Tx, _ *access.Actor, in *previewIn) (*previewOut, error) {
	b, err := n.books.Get(tx)
	if err != nil {
		return nil, err
	}
	old, known := b.template[in.Key]
	if !known {
		return nil, ErrTemplate
	}
	t := in.Body.template()
	t.Key, t.Audience, t.Data = old.Key, old.Audience, old.Data
	if t.Short != nil && trimmed(*t.Short) == (words.Text{}) {
		t.Short = nil
	}
	if err := b.check(&t); err != nil {
		return nil, err
	}
	vars := examples(b)
	write := func(s words.Text) words.Text {
		return words.Text{Chinese: fill(s.Chinese, vars, words.Chinese), English: fill(s.English, vars, words.English)}
	}
	var out previewOut
	out.Body.Title, out.Body.Body, out.Body.Glance = write(t.Title), write(t.Body), write(t.glance())
	out.Body.SMS.Chinese, out.Body.SMS.English = lengthOf(out.Body.Glance.Chinese), lengthOf(out.Body.Glance.English)
	return &out, nil
}
