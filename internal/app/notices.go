package app

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/notice"
	"onegrid/internal/doors/portal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// cases lets messages say what casework knows.
type cases struct{ *casework.Desk }

func (c cases) Told(tx *db.Tx, caseID id.ID, reason string) (notice.Told, error) {
	t, err := c.Telling(tx, caseID, reason)
	if errors.Is(err, casework.ErrMissing) {
		err = db.ErrNoRows
	}
	return notice.Told{Number: t.Number, Item: t.Item, Place: t.Place, Unit: t.Unit, Post: t.Post, Grid: t.Grid, Due: t.Due, Until: t.Until,
		Ask: t.Ask, Reason: t.Reason, ResidentReason: t.ResidentReason, Answer: t.Answer, At: t.At, Reporter: t.Reporter, Over: t.Over}, err
}

func (c cases) Waiting(tx *db.Tx, post id.ID) (int64, time.Time, error) {
	return c.WaitingFor(tx, post)
}
func (c cases) Phone(tx *db.Tx, caseID id.ID) (string, error) { return c.PhoneFor(tx, caseID) }
func (c cases) Link(tx *db.Tx, caseID id.ID) (string, error)  { return c.NewLink(tx, caseID) }

// carriers are what sends messages out of this installation. All but the push
// key come from the settings; a channel without a setting is off.
type carriers struct {
	push notice.Pusher
	mail notice.Mailer
	sms  *notice.SMSC
}

// newCarriers builds them. trust is a test's own; nil: the machine's.
func newCarriers(c Config, trust *tls.Config, log *slog.Logger) (out carriers, err error) {
	if c.Push != "off" {
		contact := c.PushContact
		if contact == "" {
			contact = c.url()
		}
		if out.push, err = notice.NewWebPush(filepath.Join(c.Dir, "keys", "push.json"), contact); err != nil {
			return out, err
		}
	}
	if c.SMTPHost != "" {
		out.mail, err = notice.NewSMTP(notice.SMTPOptions{Host: c.SMTPHost, Port: c.SMTPPort, TLS: c.SMTPTLS, User: c.SMTPUser, Password: c.SMTPPassword,
			From: c.MailFrom, Config: trust})
		if err != nil {
			return out, ErrConfig.With("name", "mail-from", "value", c.MailFrom).Because(err)
		}
	}
	if c.SMSAddress != "" {
		out.sms = notice.NewSMSC(notice.SMSCOptions{Address: c.SMSAddress, System: c.SMSSystem, Password: c.SMSPassword, Type: c.SMSType,
			Sender: c.SMSSender, Country: c.SMSCountry, Window: c.SMSWindow, Log: log})
	}
	return out, nil
}

// pushHosts are the push services that are trusted.
func (c Config) pushHosts() []string {
	var out []string
	for h := range strings.SplitSeq(c.PushHosts, ",") {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
			out = append(out, h)
		}
	}
	return out
}

// noticeChores follow the journal and climb the ladders; the link to the message
// centre is kept, so that delivery receipts come in.
func (a *App) noticeChores() []Chore {
	all := []Chore{{"follow", a.Config.NoticeEvery, a.Notices.Work}}
	if a.sms != nil {
		all = append(all, Chore{"keep the text link", 15 * time.Second, a.sms.Keep})
	}
	return all
}

// texts lets a reporter say at the public door which text messages she wants;
// nil where none can be sent.
func (a *App) texts() portal.Texts {
	if !a.Notices.Offers() {
		return nil
	}
	return textsOf{a}
}

type textsOf struct{ app *App }

func (t textsOf) Choice(tx *db.Tx, caseID id.ID) (string, error) {
	phone, err := t.app.Cases.PhoneFor(tx, caseID)
	if err != nil || phone == "" {
		return "", err
	}
	c, err := t.app.Notices.ConsentOf(tx, caseID)
	switch {
	case c.Every:
		return "every", err
	case c.Agreed:
		return "important", err
	}
	return "none", err
}

func (t textsOf) Choose(tx *db.Tx, caseID id.ID, choice string, l words.Language) error {
	told, err := t.app.Cases.Telling(tx, caseID, "")
	if err != nil {
		return err
	}
	return t.app.Notices.Agree(tx, journal.By{Via: "portal"}, told.At, caseID, notice.Consent{Agreed: choice != "none", Every: choice == "every"}, l)
}
