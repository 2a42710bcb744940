package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

const (
	contactTable = "notice_contact"
	pushTable    = "notice_push"
	endpointKind = "push-endpoint" // of the blind index
	maxDevices   = 10
)

var phoneForm = regexp.MustCompile(`^\+?[0-9]{5,15}$`)

// Reach is how a person of the staff is reached by one channel (联系渠道).
type Reach struct {
	Channel   Channel `json:"channel" enum:"mail,sms"`
	Available bool    `json:"available"` // this installation can send by it
	Address   string  `json:"address_masked,omitempty"`
	Enabled   bool    `json:"enabled"`
}

// Device is a browser that may be alarmed (推送设备).
type Device struct {
	ID    id.ID     `json:"id"`
	Label string    `json:"label"`
	Made  time.Time `json:"made_at"`
	Used  time.Time `json:"used_at,omitzero"`
}

// tidy gives an address its one form and its mask.
func tidy(c Channel, address string) (plain, mask string, err error) {
	wrong := func(code string) error { return ErrInvalid.At("body.address", code) }
	address = strings.TrimSpace(address)
	if c == Mail {
		a, err := mail.ParseAddress(address)
		if err != nil || a.Name != "" || len(address) > 120 || strings.ContainsAny(address, "<> \r\n") {
			return "", "", wrong("notice.bad_mail")
		}
		local, domain, _ := strings.Cut(a.Address, "@")
		first, _ := utf8.DecodeRuneInString(local)
		return a.Address, string(first) + "***@" + domain, nil
	}
	p := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "（", "", "）", "").Replace(address)
	if !phoneForm.MatchString(p) {
		return "", "", wrong("notice.bad_phone")
	}
	return p, p[:min(3, len(p)-4)] + "****" + p[len(p)-4:], nil
}

// SetReach changes how the actor is reached: an address, or on and off. Codes:
// notice.invalid, notice.no_address, notice.no_person.
func (n *Notices) SetReach(tx *db.Tx, by *access.Actor, c Channel, address *string, enabled bool) error {
	if by.Person.IsZero() {
		return ErrNoPerson
	}
	if address != nil {
		plain, mask, err := tidy(c, *address)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO notice_contact (person, channel, address, mask, enabled, changed) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (person, channel) DO UPDATE SET address = excluded.address, mask = excluded.mask, enabled = excluded.enabled, changed = excluded.changed`,
			by.Person, string(c), n.o.Seal.SealText(plain, seal.Place(contactTable, string(c), by.Person)), mask, db.Bool(enabled), db.Millis(tx.Now()))
		if err != nil {
			return fmt.Errorf("write a contact: %w", err)
		}
	} else {
		k, err := tx.Exec(`UPDATE notice_contact SET enabled = $1, changed = $2 WHERE person = $3 AND channel = $4`, db.Bool(enabled), db.Millis(tx.Now()), by.Person, string(c))
		if err != nil {
			return fmt.Errorf("write a contact: %w", err)
		}
		if k == 0 {
			return ErrNoAddress
		}
	}
	noteOwn(tx, by, "notice.reach", string(c))
	return nil
}

// noteOwn writes what somebody changed about how he is reached; never where.
func noteOwn(tx *db.Tx, by *access.Actor, kind, channel string) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: by.Person, By: by.By(), Class: "journal",
		Sight: journal.Sight{Persons: []id.ID{by.Person}, Secrecy: journal.Named}, Facts: map[string]string{"channel": channel}})
}

// ClearReach forgets an address of the actor.
func (n *Notices) ClearReach(tx *db.Tx, by *access.Actor, c Channel) error {
	if _, err := tx.Exec(`DELETE FROM notice_contact WHERE person = $1 AND channel = $2`, by.Person, string(c)); err != nil {
		return fmt.Errorf("forget a contact: %w", err)
	}
	noteOwn(tx, by, "notice.reach", string(c))
	return nil
}

func reachesOf(tx *db.Tx, person id.ID) (map[Channel]Reach, error) {
	rows, err := tx.Query(`SELECT channel, mask, enabled FROM notice_contact WHERE person = $1`, person)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	defer rows.Close()
	out := map[Channel]Reach{}
	for rows.Next() {
		var r Reach
		if err := rows.Scan(&r.Channel, &r.Address, db.ScanBool(&r.Enabled)); err != nil {
			return nil, fmt.Errorf("read contacts: %w", err)
		}
		out[r.Channel] = r
	}
	return out, rows.Err()
}

func reachable(tx *db.Tx, person id.ID, c Channel) (bool, error) {
	all, err := reachesOf(tx, person)
	return all[c].Enabled, err
}

// address opens where a person is reached, for the message that is about to
// leave. Code: notice.no_address.
func (n *Notices) address(tx *db.Tx, person id.ID, c Channel) (string, error) {
	var sealed []byte
	err := tx.Row(`SELECT address FROM notice_contact WHERE person = $1 AND channel = $2 AND enabled = 1`, person, string(c)).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		return "", ErrNoAddress
	}
	if err != nil {
		return "", fmt.Errorf("read a contact: %w", err)
	}
	return n.o.Seal.OpenText(sealed, seal.Place(contactTable, string(c), person))
}

// AddDevice lets a browser of the actor be alarmed. The same browser again
// belongs to whoever said so last. Codes: notice.push_host,
// notice.too_many_devices, notice.channel_off.
func (n *Notices) AddDevice(tx *db.Tx, by *access.Actor, sub Subscription, label string) (Device, error) {
	if by.Person.IsZero() {
		return Device{}, ErrNoPerson
	}
	if n.o.Push == nil {
		return Device{}, ErrOff.With("channel", string(Push))
	}
	if !n.trusted(sub.Endpoint) {
		return Device{}, ErrPushHost
	}
	index := n.o.Seal.Index(endpointKind, sub.Endpoint)
	if _, err := tx.Exec(`DELETE FROM notice_push WHERE endpoint = $1`, index); err != nil {
		return Device{}, fmt.Errorf("write a device: %w", err)
	}
	have, err := devicesOf(tx, by.Person)
	if err != nil {
		return Device{}, err
	}
	if len(have) >= maxDevices {
		return Device{}, ErrTooMany.With("most", maxDevices)
	}
	raw, err := json.Marshal(sub)
	if err != nil {
		return Device{}, fmt.Errorf("write a device: %w", err)
	}
	d := Device{ID: tx.NewID(), Label: label, Made: tx.Now()}
	_, err = tx.Exec(`INSERT INTO notice_push (id, person, endpoint, sealed, label, made_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.ID, by.Person, index, n.o.Seal.Seal(raw, seal.Place(pushTable, "sealed", d.ID)), label, db.Millis(tx.Now()))
	if err != nil {
		return Device{}, fmt.Errorf("write a device: %w", err)
	}
	noteOwn(tx, by, "notice.reach", string(Push))
	return d, nil
}

// RemoveDevice ends the alarms of one browser of the actor. Code: notice.missing.
func (n *Notices) RemoveDevice(tx *db.Tx, by *access.Actor, device id.ID) error {
	k, err := tx.Exec(`DELETE FROM notice_push WHERE id = $1 AND person = $2`, device, by.Person)
	if err != nil {
		return fmt.Errorf("forget a device: %w", err)
	}
	if k == 0 {
		return ErrMissing
	}
	noteOwn(tx, by, "notice.reach", string(Push))
	return nil
}

func forgetDevice(tx *db.Tx, device id.ID) error {
	if _, err := tx.Exec(`DELETE FROM notice_push WHERE id = $1`, device); err != nil {
		return fmt.Errorf("forget a device: %w", err)
	}
	return nil
}

func devicesOf(tx *db.Tx, person id.ID) ([]id.ID, error) {
	all, err := listDevices(tx, person)
	var out []id.ID
	for _, d := range all {
		out = append(out, d.ID)
	}
	return out, err
}

func listDevices(tx *db.Tx, person id.ID) ([]Device, error) {
	rows, err := tx.Query(`SELECT id, label, made_at, used_at FROM notice_push WHERE person = $1 ORDER BY made_at, id`, person)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	defer rows.Close()
	out := []Device{}
	for rows.Next() {
		var d Device
		if err := rows.Scan(&d.ID, &d.Label, db.Time(&d.Made), db.Time(&d.Used)); err != nil {
			return nil, fmt.Errorf("read devices: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// device opens the push address of a browser. Code: notice.no_address.
func (n *Notices) device(tx *db.Tx, device id.ID) (Subscription, error) {
	var sealed []byte
	var sub Subscription
	err := tx.Row(`SELECT sealed FROM notice_push WHERE id = $1`, device).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		return sub, ErrNoAddress
	}
	if err != nil {
		return sub, fmt.Errorf("read a device: %w", err)
	}
	raw, err := n.o.Seal.Open(sealed, seal.Place(pushTable, "sealed", device))
	if err != nil {
		return sub, err
	}
	if err := json.Unmarshal(raw, &sub); err != nil {
		return sub, fmt.Errorf("device %s: %w", device, err)
	}
	return sub, nil
}

// Consent is whether the reporter of a case gets text messages about it.
type Consent struct {
	Agreed bool `json:"agreed"`
	Every  bool `json:"every_step"` // else only what ends or changes the matter
}

// ConsentOf says what the reporter of a case agreed to.
func (n *Notices) ConsentOf(tx *db.Tx, caseID id.ID) (Consent, error) {
	agreed, every, err := consent(tx, caseID)
	return Consent{agreed, every}, err
}

// Offers says whether this installation can send text messages to residents.
func (n *Notices) Offers() bool { return n.o.SMS != nil }

// Agree keeps or ends the reporter's agreement to text messages about a case.
// Who calls it has made sure that it is the reporter, or may speak for her.
func (n *Notices) Agree(tx *db.Tx, by journal.By, at journal.Sight, caseID id.ID, c Consent, l words.Language) error {
	var err error
	if c.Agreed {
		_, err = tx.Exec(`INSERT INTO notice_consent (case_id, every, language, given_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (case_id) DO UPDATE SET every = excluded.every, language = excluded.language, given_at = excluded.given_at, ended_at = NULL`,
			caseID, db.Bool(c.Every), string(l), db.Millis(tx.Now()))
	} else {
		_, err = tx.Exec(`UPDATE notice_consent SET ended_at = $1 WHERE case_id = $2 AND ended_at IS NULL`, db.Millis(tx.Now()), caseID)
	}
	if err != nil {
		return fmt.Errorf("write a consent: %w", err)
	}
	journal.Add(tx, journal.Entry{Kind: "notice.agree", Subject: caseID, Case: caseID, By: by, Class: "journal", Sight: at,
		Facts: map[string]bool{"agreed": c.Agreed, "every": c.Every}})
	return nil
}
