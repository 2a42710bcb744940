package notice

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/kit/words"
	"onegrid/internal/wire/smpp"
)

// Template is the words of one kind of message (消息模板).
type Template struct {
	Key       string      `json:"key"`
	Audience  string      `json:"audience" enum:"staff,resident"`
	Event     string      `json:"event"`
	Channels  []string    `json:"channels" maxItems:"6" doc:"desk, field and portal are the inbox; push, mail, sms"`
	Urgent    bool        `json:"urgent"`
	MustAct   bool        `json:"must_act" doc:"somebody has to acknowledge it or act, else it climbs its ladder"`
	Gather    bool        `json:"gather" doc:"while one is unread, further ones join it"`
	Quiet     bool        `json:"quiet_hours" doc:"waits for the morning"`
	DefaultOn bool        `json:"default_on" doc:"else only for who asked for every step"`
	Data      string      `json:"data" enum:"case,public" doc:"public: may say everything on a locked screen"`
	Variables []string    `json:"variables"`
	Title     words.Text  `json:"title"`
	Body      words.Text  `json:"body"`
	Short     *words.Text `json:"short,omitempty"`
	Version   int64       `json:"version"`
	Edited    bool        `json:"edited,omitempty"`
}

// Variable is a hole that messages may have (变量).
type Variable struct {
	Key     string     `json:"key"`
	Name    words.Text `json:"name"`
	Private bool       `json:"private"`
}

// Rung is one step of a ladder: a channel and the minutes after the first alert.
type Rung struct {
	Channel Channel `json:"channel" enum:"push,mail,sms,next"`
	After   int     `json:"after_minutes" minimum:"0" maximum:"10080"`
}

// Settings are what an office decides about all messages (通知设置).
type Settings struct {
	Quiet struct {
		From string `json:"from" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
		To   string `json:"to" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
	} `json:"quiet_hours"`
	Ladders Ladders `json:"ladders"`
	Version int64   `json:"version,omitempty"`
}

// Ladders are the rungs by priority (通知阶梯).
type Ladders struct {
	Urgent   []Rung `json:"urgent" maxItems:"8"`
	MustAct  []Rung `json:"must_act" maxItems:"8"`
	Ordinary []Rung `json:"ordinary" maxItems:"8"`
	Resident []Rung `json:"resident" maxItems:"8"`
}

// shipped is notices.json.
type shipped struct {
	Quiet struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"quiet_hours"`
	Ladders   Ladders    `json:"ladders"`
	Variables []Variable `json:"variables"`
	Templates []Template `json:"templates"`
}

// book is all templates and settings at one version of this room's tables.
type book struct {
	settings  Settings
	variables []Variable
	private   map[string]bool
	list      []*Template
	template  map[string]*Template
	byEvent   map[string][]*Template
}

func loadShipped(files fs.FS) (shipped, error) {
	var s shipped
	raw, err := fs.ReadFile(files, "defaults/notices.json")
	if err != nil {
		return s, fmt.Errorf("messages: %w", err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("notices.json: %w", err)
	}
	return s, nil
}

// with lays what an office edited over what ships.
func (s shipped) with(edited map[string]Template, settings *Settings) *book {
	b := &book{variables: s.Variables, private: map[string]bool{}, template: map[string]*Template{}, byEvent: map[string][]*Template{}}
	b.settings.Quiet.From, b.settings.Quiet.To, b.settings.Ladders = s.Quiet.From, s.Quiet.To, s.Ladders
	if settings != nil {
		b.settings = *settings
	}
	for _, v := range s.Variables {
		b.private[v.Key] = v.Private
	}
	for _, t := range s.Templates {
		if own, ok := edited[t.Key]; ok {
			own.Key, own.Audience, own.Event, own.Edited = t.Key, t.Audience, t.Event, true
			t = own
		}
		b.list = append(b.list, &t)
		b.template[t.Key] = &t
		b.byEvent[t.Event] = append(b.byEvent[t.Event], &t)
	}
	return b
}

// allows says whether a template names a channel.
func (t *Template) allows(c Channel) bool {
	switch c {
	case App:
		return true
	case Next:
		return t.MustAct
	}
	return slices.Contains(t.Channels, string(c))
}

var hole = regexp.MustCompile(`\{([a-z_]+)\}`)

// holes lists the variables of a text, sorted, each once.
func holes(texts ...string) []string {
	var out []string
	for _, s := range texts {
		for _, m := range hole.FindAllStringSubmatch(s, -1) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// glance is what shows on a locked screen: the short form, or the body.
func (t *Template) glance() words.Text {
	if t.Short != nil {
		return *t.Short
	}
	return t.Body
}

const (
	maxTitle = 40
	maxBody  = 400
)

// check judges the words of a template: both languages with the same holes,
// only variables that exist, nothing private on a locked screen unless the
// template is a public warning.
func (b *book) check(t *Template) error {
	wrong := ErrInvalid
	bad := func(field, code string, args ...any) { wrong = wrong.At("body."+field, code, args...) }
	parts := []struct {
		name string
		text *words.Text
		most int
	}{{"title", &t.Title, maxTitle}, {"body", &t.Body, maxBody}, {"short", t.Short, maxBody}}
	t.Variables = nil
	for _, p := range parts {
		if p.text == nil {
			continue
		}
		for _, s := range []string{p.text.Chinese, p.text.English} {
			if strings.TrimSpace(s) == "" {
				bad(p.name, "notice.both_languages")
			}
			if utf8.RuneCountInString(s) > p.most {
				bad(p.name, "notice.too_long", "most", p.most)
			}
		}
		zh, en := holes(p.text.Chinese), holes(p.text.English)
		if !slices.Equal(zh, en) {
			bad(p.name, "notice.holes_differ")
		}
		for _, v := range zh {
			if _, known := b.private[v]; !known {
				bad(p.name, "notice.unknown_variable", "variable", v)
			}
		}
		t.Variables = append(t.Variables, zh...)
	}
	slices.Sort(t.Variables)
	t.Variables = slices.Compact(t.Variables)
	if t.Data != "public" && (t.allows(SMS) || t.allows(Push)) {
		glance, field := t.glance(), "body"
		if t.Short != nil {
			field = "short"
		}
		for _, v := range holes(t.Title.Chinese, glance.Chinese) {
			if b.private[v] {
				bad(field, "notice.private_on_screen", "variable", v)
			}
		}
	}
	for _, c := range t.Channels {
		if !slices.Contains([]string{"desk", "field", "portal", "push", "mail", "sms"}, c) {
			bad("channels", "notice.unknown_channel", "channel", c)
		}
	}
	if t.Audience == "resident" && t.allows(Mail) {
		bad("channels", "notice.unknown_channel", "channel", string(Mail))
	}
	if len(wrong.Where) > 0 {
		return wrong
	}
	return nil
}

// fill puts values into the holes; a hole without a value becomes a dash, so
// that no brace is ever shown to anybody.
func fill(text string, vars map[string]words.Text, l words.Language) string {
	return hole.ReplaceAllStringFunc(text, func(h string) string {
		if v := vars[h[1:len(h)-1]].In(l); v != "" {
			return v
		}
		return "–"
	})
}

// Length is how long a text message would be (短信长度).
type Length struct {
	Characters int  `json:"characters"`
	Parts      int  `json:"parts"`
	Unicode    bool `json:"unicode"`
}

func lengthOf(s string) Length {
	parts, coding := smpp.Split(s, 0)
	return Length{utf8.RuneCountInString(s), len(parts), coding == smpp.UCS2}
}

// sms is what a text message says: the glance, without the title.
func (t *Template) sms(vars map[string]words.Text, l words.Language) string {
	return fill(t.glance().In(l), vars, l)
}

// examples are stand-ins for the preview; they are nobody's data.
func examples(b *book) map[string]words.Text {
	out := map[string]words.Text{}
	for _, v := range b.variables {
		out[v.Key] = words.Text{Chinese: "〔" + v.Name.Chinese + "〕", English: "[" + v.Name.English + "]"}
	}
	same := func(s string) words.Text { return words.Text{Chinese: s, English: s} }
	out["case_no"], out["count"], out["minutes"], out["days"] = same("20261124-000123"), same("3"), same("30"), same("7")
	out["due"] = words.Text{Chinese: "11月24日 17:30", English: "24 Nov 17:30"}
	out["until_when"], out["date"] = words.Text{Chinese: "12月1日", English: "1 Dec"}, words.Text{Chinese: "11月24日", English: "24 Nov"}
	out["time"], out["from"], out["until"] = same("10:00"), out["due"], words.Text{Chinese: "11月25日 12:00", English: "25 Nov 12:00"}
	out["link"] = same("https://example.org/r/abcdefghijklmnop1234567")
	return out
}
