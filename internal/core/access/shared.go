package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// A shared device (共用设备) is a phone that people of one unit use in turn. The
// desk enrols it with a code that serves once; afterwards whoever holds one of
// its posts opens it with his own number (开机码). Such a session can do only
// what the posts of the device can, locks itself when it is put down, and ends
// with the device. Guessing a number slows that person on that device alone:
// his other sign-ins, and the others on the device, do not wait.
const (
	permShared = "org.stand_in" // who arranges who works where also hands out the phones

	// SharedCookie carries the secret of a shared device.
	SharedCookie = "onegrid_shared"

	sharedKept  = 400 * 24 * time.Hour
	sharedCode  = 15 * time.Minute
	sharedIdle  = 5 * time.Minute
	pinDigits   = 6
	longestPIN  = 24 * time.Hour
	sharedRoles = 20
)

// Shared is a shared device as the desk sees it.
type Shared struct {
	ID       id.ID      `json:"id"`
	Name     string     `json:"name"`
	Unit     id.ID      `json:"unit_id"`
	UnitName words.Text `json:"unit_name"`
	Roles    []string   `json:"roles"` // of the posts it opens; empty: every post of the unit
	Created  time.Time  `json:"created_at"`
	Enrolled time.Time  `json:"enrolled_at,omitzero"`
	Revoked  time.Time  `json:"revoked_at,omitzero"`

	secret []byte
}

// opens says whether a post is one of the device's.
func (s *Shared) opens(p org.Post) bool {
	return p.Unit == s.Unit && (len(s.Roles) == 0 || slices.Contains(s.Roles, p.Role))
}

func readShared(tx *db.Tx, where string, args ...any) ([]*Shared, error) {
	rows, err := tx.Query(`SELECT id, name, unit, roles, created, enrolled, revoked, secret FROM access_shared WHERE `+where+` ORDER BY created, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read shared devices: %w", err)
	}
	var out []*Shared
	for rows.Next() {
		s := &Shared{}
		if err := rows.Scan(&s.ID, &s.Name, &s.Unit, db.ScanJSON(&s.Roles), db.Time(&s.Created), db.Time(&s.Enrolled), db.Time(&s.Revoked), &s.secret); err != nil {
			return nil, fmt.Errorf("read shared devices: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Close()
}

func sharedSight(o *org.Snapshot, unit id.ID) journal.Sight {
	at := journal.Sight{Nodes: o.Nodes(unit)}
	if u, ok := o.Unit(unit); ok && u.Kind == org.Department {
		at.Department = u.ID
	}
	return at
}

// SharedIn is a shared device as it is registered.
type SharedIn struct {
	Name  string   `json:"name" maxLength:"120"`
	Unit  id.ID    `json:"unit_id"`
	Roles []string `json:"roles,omitempty" maxItems:"20" doc:"only posts with these roles; absent: every post of the unit"`
}

// RegisterShared registers a shared device. Permission org.stand_in at the unit.
// Code: access.invalid.
func (a *Access) RegisterShared(tx *db.Tx, by journal.Who, in SharedIn) (Shared, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return Shared{}, err
	}
	f := ErrInvalid
	u, ok := o.Unit(in.Unit)
	if !ok || !u.Open(tx.Now()) {
		return Shared{}, f.At("body.unit_id", "access.bad_node")
	}
	if err := by.Check(permShared, sharedSight(o, u.ID)); err != nil {
		return Shared{}, err
	}
	name := strings.TrimSpace(in.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 {
		f = f.At("body.name", "access.bad_device_name")
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return Shared{}, err
	}
	for _, r := range in.Roles {
		if _, ok := st.book.Role(r); !ok || len(in.Roles) > sharedRoles {
			f = f.At("body.roles", "access.unknown_role")
			break
		}
	}
	if len(f.Where) > 0 {
		return Shared{}, f
	}
	s := Shared{ID: tx.NewID(), Name: name, Unit: u.ID, UnitName: u.Name, Roles: append([]string{}, in.Roles...), Created: tx.Now()}
	_, err = tx.Exec(`INSERT INTO access_shared (id, name, unit, roles, created, created_by) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.ID, s.Name, s.Unit, db.JSON(s.Roles), db.Millis(s.Created), by.By().Person)
	if err != nil {
		return Shared{}, fmt.Errorf("write shared device: %w", err)
	}
	return s, a.wrote(tx, by, "access.shared_register", s.ID, 1, map[string]string{"name": s.Name})
}

// SharedDevices lists the shared devices of the units in scope.
func (a *Access) SharedDevices(tx *db.Tx, by journal.Who) ([]Shared, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	all, err := readShared(tx, `1 = 1`)
	if err != nil {
		return nil, err
	}
	out := []Shared{}
	for _, s := range all {
		if by.Sees(permShared, sharedSight(o, s.Unit)) {
			u, _ := o.Unit(s.Unit)
			s.UnitName = u.Name
			out = append(out, *s)
		}
	}
	return out, nil
}

// sharedFor finds a device that the actor may deal with; out of scope is
// missing.
func (a *Access) sharedFor(tx *db.Tx, by journal.Who, v id.ID) (*Shared, error) {
	found, err := readShared(tx, `id = $1`, v)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || !by.Sees(permShared, sharedSight(o, found[0].Unit)) {
		return nil, ErrMissing
	}
	return found[0], by.Check(permShared, sharedSight(o, found[0].Unit))
}

// SharedCode makes the code that enrols a device, shown once as a QR code. A
// device that was enrolled before is let go: one entry, one phone. Codes:
// access.missing, access.ended.
func (a *Access) SharedCode(tx *db.Tx, by journal.Who, v id.ID) (token string, ends time.Time, err error) {
	s, err := a.sharedFor(tx, by, v)
	if err != nil {
		return "", ends, err
	}
	if !s.Revoked.IsZero() {
		return "", ends, ErrEnded
	}
	token, ends = tokenOf(tx), tx.Now().Add(sharedCode)
	if _, err := tx.Exec(`UPDATE access_shared SET code = $1, code_ends = $2 WHERE id = $3`, tokenHash(token), db.Millis(ends), v); err != nil {
		return "", ends, fmt.Errorf("write shared device: %w", err)
	}
	return token, ends, a.wrote(tx, by, "access.shared_code", v, 0, nil)
}

// RevokeShared ends a shared device; its sessions end at once. Codes:
// access.missing, access.ended.
func (a *Access) RevokeShared(tx *db.Tx, by journal.Who, v id.ID) error {
	s, err := a.sharedFor(tx, by, v)
	if err != nil {
		return err
	}
	if !s.Revoked.IsZero() {
		return ErrEnded
	}
	if _, err := tx.Exec(`UPDATE access_shared SET revoked = $1, code = NULL, secret = NULL WHERE id = $2`, db.Millis(tx.Now()), v); err != nil {
		return fmt.Errorf("revoke shared device: %w", err)
	}
	if err := a.endShared(tx, v); err != nil {
		return err
	}
	return a.wrote(tx, by, "access.shared_revoke", v, 0, nil)
}

func (a *Access) endShared(tx *db.Tx, v id.ID) error {
	rows, err := tx.Query(`DELETE FROM access_session WHERE shared = $1 RETURNING id`, v)
	if err != nil {
		return fmt.Errorf("end sessions of a shared device: %w", err)
	}
	for rows.Next() {
		var session id.ID
		if err := rows.Scan(&session); err != nil {
			return fmt.Errorf("end sessions of a shared device: %w", err)
		}
		a.watch.endSession(tx, session)
	}
	return rows.Close()
}

// EnrolShared makes the phone that read the code the device. Code:
// access.enrolment_over.
func (a *Access) EnrolShared(tx *db.Tx, code string) (secret string, err error) {
	var v id.ID
	err = tx.Row(`SELECT id FROM access_shared WHERE code = $1 AND code_ends > $2 AND revoked IS NULL`, tokenHash(code), db.Millis(tx.Now())).Scan(&v)
	if errors.Is(err, db.ErrNoRows) {
		return "", ErrEnrolment
	}
	if err != nil {
		return "", fmt.Errorf("read shared device: %w", err)
	}
	if err := a.endShared(tx, v); err != nil {
		return "", err
	}
	secret = tokenOf(tx)
	if _, err := tx.Exec(`UPDATE access_shared SET code = NULL, code_ends = NULL, secret = $1, enrolled = $2 WHERE id = $3`,
		tokenHash(secret), db.Millis(tx.Now()), v); err != nil {
		return "", fmt.Errorf("enrol shared device: %w", err)
	}
	return secret, a.wrote(tx, &Actor{Via: "field"}, "access.shared_enrol", v, 0, nil)
}

// SharedPerson is somebody who may open a shared device.
type SharedPerson struct {
	ID    id.ID        `json:"id"`
	Name  string       `json:"name"`
	Posts []words.Text `json:"posts"`
	PIN   bool         `json:"pin"` // has chosen a number
}

// SharedView is a shared device as it shows itself while it is locked.
type SharedView struct {
	Name   string         `json:"name"`
	Unit   words.Text     `json:"unit"`
	People []SharedPerson `json:"people"`
}

// sharedBy finds the device of a secret. Code: access.no_device.
func sharedBy(tx *db.Tx, secret string) (*Shared, error) {
	if secret == "" || len(secret) > 100 {
		return nil, ErrNoDevice
	}
	found, err := readShared(tx, `secret = $1 AND revoked IS NULL`, tokenHash(secret))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNoDevice
	}
	return found[0], nil
}

// LockedShared tells a locked device who may open it now. Code:
// access.no_device.
func (a *Access) LockedShared(tx *db.Tx, secret string) (SharedView, error) {
	s, err := sharedBy(tx, secret)
	if err != nil {
		return SharedView{}, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return SharedView{}, err
	}
	u, _ := o.Unit(s.Unit)
	out := SharedView{Name: s.Name, Unit: u.Name, People: []SharedPerson{}}
	list, err := accounts(tx, `disabled IS NULL AND released IS NOT NULL`)
	if err != nil {
		return SharedView{}, err
	}
	for _, acc := range list {
		p := SharedPerson{ID: acc.Person, PIN: acc.PIN != nil}
		for _, h := range o.HoldingsOf(acc.Person, tx.Now()) {
			if post, ok := o.Post(h.Post); ok && s.opens(post) {
				p.Posts = append(p.Posts, post.Name)
			}
		}
		if len(p.Posts) > 0 {
			person, _ := o.Person(acc.Person)
			p.Name = person.Name
			out.People = append(out.People, p)
		}
	}
	return out, nil
}

// SetPIN chooses the number that opens shared devices. Codes:
// access.confirm_first, access.weak_pin.
func (a *Access) SetPIN(ctx context.Context, d *db.DB, by *Actor, pin string) error {
	if !goodPIN(pin) {
		return ErrPIN.With("digits", pinDigits)
	}
	err := d.Read(ctx, func(tx *db.Tx) error {
		if _, err := a.own(tx, by); err != nil {
			return err
		}
		return a.proved(tx, by)
	})
	if err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, pin)
	if err != nil {
		return err
	}
	// Six digits are soon tried by whoever has the table: its key lies elsewhere.
	sealed, err := a.o.Sealer.Seal([]byte(hash), pinContext(by.Account))
	if err != nil {
		return fmt.Errorf("seal a number: %w", err)
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		if err := a.proved(tx, by); err != nil {
			return err
		}
		acc, err := accountByID(tx, by.Account)
		if err != nil {
			return err
		}
		acc.PIN = sealed
		if err := acc.put(tx); err != nil {
			return err
		}
		return a.wrote(tx, by, "access.pin_change", acc.ID, acc.Version, nil)
	})
}

func pinContext(acc id.ID) []byte { return []byte("access_account|pin|" + acc.String()) }

// goodPIN refuses numbers that are tried first: one digit again and again, and
// runs up or down.
func goodPIN(pin string) bool {
	if len(pin) != pinDigits {
		return false
	}
	steps := map[int]bool{}
	for i := range pin {
		if pin[i] < '0' || pin[i] > '9' {
			return false
		}
		if i > 0 {
			steps[int(pin[i])-int(pin[i-1])] = true
		}
	}
	return len(steps) > 1
}

// OpenShared opens a shared device for one of its people. Codes:
// access.no_device, access.wrong_pin, access.wait, access.busy.
func (a *Access) OpenShared(ctx context.Context, d *db.DB, secret string, person id.ID, pin string, in Entrance) (SignInOut, error) {
	var s *Shared
	var acc account
	var keys []attemptKey
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if s, err = sharedBy(tx, secret); err != nil {
			return err
		}
		found, err := accounts(tx, `person = $1`, person)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			acc = found[0]
		}
		keys = []attemptKey{keyOf(freeFailures, longestPIN, "pin", s.ID.String(), person.String())}
		wait, err := held(tx, keys)
		if err == nil && wait > 0 {
			a.Stats.Waits.Add(1)
			return ErrWait.With("seconds", int64(math.Ceil(wait.Seconds())))
		}
		return err
	})
	if err != nil {
		return SignInOut{}, err
	}
	stored := ""
	if acc.PIN != nil {
		hash, err := a.o.Sealer.Open(acc.PIN, pinContext(acc.ID))
		if err != nil {
			return SignInOut{}, fmt.Errorf("open the number of %s: %w", acc.ID, err)
		}
		stored = string(hash)
	}
	right, err := a.hasher.matches(ctx, a.hasher.known, stored, pin)
	if err != nil {
		return SignInOut{}, err
	}
	var out SignInOut
	err = d.Write(ctx, func(tx *db.Tx) error {
		out = SignInOut{}
		if !right {
			return ErrWrongPIN
		}
		again, err := sharedBy(tx, secret)
		if err != nil {
			return err
		}
		now, err := accountByID(tx, acc.ID)
		if err != nil {
			return err
		}
		if a.mayEnter(now) != nil || !bytes.Equal(now.PIN, acc.PIN) {
			return ErrWrongPIN
		}
		o, err := a.org.Snapshot(tx)
		if err != nil {
			return err
		}
		held := slices.DeleteFunc(o.HoldingsOf(now.Person, tx.Now()), func(h org.Holding) bool {
			post, ok := o.Post(h.Post)
			return !ok || !again.opens(post)
		})
		if len(held) == 0 {
			return ErrWrongPIN // somebody who has no post here, whatever his number
		}
		if !slices.ContainsFunc(held, func(h org.Holding) bool { return h.Post == now.Post }) {
			now.Post = held[0].Post
		}
		if err := succeeded(tx, keys); err != nil {
			return err
		}
		in.shared, in.way = again, wayPIN
		if out.Actor, out.Token, err = a.begin(tx, now, in); err != nil {
			return err
		}
		// Who had the device when is asked of the device, not of each person.
		journal.Add(tx, journal.Entry{Kind: "access.shared_open", Subject: again.ID, By: out.Actor.By(), Sight: unseen, Class: classAccess})
		return nil
	})
	if errors.Is(err, ErrWrongPIN) {
		if e := a.wrong(ctx, d, keys, acc); !errors.Is(e, ErrWrong) {
			return SignInOut{}, e
		}
	}
	if err == nil {
		a.Stats.SignIns.Add(1)
	}
	return out, err
}

// SharedEvent is one thing that became of a shared device: what, when and by whom
// (共用设备记录).
type SharedEvent struct {
	Kind   string    `json:"kind" enum:"register,code,enrol,open,revoke"`
	At     time.Time `json:"at"`
	Person id.ID     `json:"person_id,omitzero"`
	Name   string    `json:"person_name,omitempty"`
}

const sharedEvents = 200

// SharedHistory tells who had a shared device when, newest first. Permission
// org.stand_in at its unit. Code: access.missing.
func (a *Access) SharedHistory(tx *db.Tx, by journal.Who, v id.ID) ([]SharedEvent, error) {
	if _, err := a.sharedFor(tx, by, v); err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	list, err := journal.Of(tx, v)
	if err != nil {
		return nil, err
	}
	out := []SharedEvent{}
	for i := len(list) - 1; i >= 0 && len(out) < sharedEvents; i-- {
		kind, ours := strings.CutPrefix(list[i].Kind, "access.shared_")
		if !ours {
			continue
		}
		p, _ := o.Person(list[i].By.Person)
		out = append(out, SharedEvent{Kind: kind, At: list[i].Recorded, Person: list[i].By.Person, Name: p.Name})
	}
	return out, nil
}

// narrow leaves an actor what the posts of a shared device can do. What was
// granted to the person directly stays outside.
func (a *Access) narrow(o *org.Snapshot, actor *Actor, s *Shared) error {
	actor.shared = s
	if s == nil {
		return nil
	}
	actor.Grants = slices.DeleteFunc(actor.Grants, func(g Grant) bool {
		post, ok := o.Post(g.Post)
		return !ok || !s.opens(post)
	})
	if !slices.ContainsFunc(actor.Grants, func(g Grant) bool { return g.Post == actor.Post }) {
		return ErrNotYourPost
	}
	return nil
}
