package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// linkKept is how long an enrolment link can be used.
const linkKept = 72 * time.Hour

// Link is a one-time link for choosing a password and a second factor. Token is
// shown once and never kept.
type Link struct {
	Account id.ID     `json:"account_id"`
	Name    string    `json:"name"`
	Role    string    `json:"role,omitempty"` // of a founding administrator
	Token   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
}

// NewLink makes an enrolment link; earlier ones of the account stop working. An
// account that has a second factor keeps it: the link changes the password and
// asks for a code, so that the system administrator alone cannot take an
// account over. A lost phone needs the security administrator too
// (ResetFactor). Permission system.account_create. Code: access.missing.
func (a *Access) NewLink(tx *db.Tx, by journal.Who, v id.ID) (Link, error) {
	if err := by.Check(permAccount, journal.Sight{}); err != nil {
		return Link{}, err
	}
	acc, err := accountByID(tx, v)
	if err != nil {
		return Link{}, err
	}
	if acc.Demo {
		return Link{}, ErrMissing
	}
	return a.link(tx, by, acc)
}

func (a *Access) link(tx *db.Tx, by journal.Who, acc account) (Link, error) {
	if _, err := tx.Exec(`DELETE FROM access_enrolment WHERE account = $1`, acc.ID); err != nil {
		return Link{}, fmt.Errorf("end earlier links: %w", err)
	}
	l := Link{Account: acc.ID, Name: acc.Name, Token: token(tx.Random(32)), Expires: tx.Now().Add(linkKept)}
	needsFactor := acc.TOTP == nil || !acc.ResetAt.IsZero()
	_, err := tx.Exec(`INSERT INTO access_enrolment (hash, account, factor, expires) VALUES ($1, $2, $3, $4)`,
		tokenHash(l.Token), acc.ID, needsFactor, db.Millis(l.Expires))
	if err != nil {
		return Link{}, fmt.Errorf("write link: %w", err)
	}
	return l, a.wrote(tx, by, "access.link", acc.ID, 0, nil)
}

// ResetFactor allows the next enrolment link to set a new second factor, and
// takes the passkeys away: the security administrator's half of helping after a
// lost phone. Permission
// access.policy; never for one's own account. Codes: access.missing,
// access.same_hand.
func (a *Access) ResetFactor(tx *db.Tx, by journal.Who, v id.ID) (Account, error) {
	if err := by.Check(permPolicy, journal.Sight{}); err != nil {
		return Account{}, err
	}
	acc, err := accountByID(tx, v)
	if err != nil {
		return Account{}, err
	}
	if SameHand(by.By(), journal.By{Person: acc.Person}) {
		return Account{}, ErrSameHand
	}
	if _, err := tx.Exec(`DELETE FROM access_passkey WHERE account = $1`, acc.ID); err != nil {
		return Account{}, fmt.Errorf("revoke passkeys: %w", err)
	}
	acc.ResetAt = tx.Now()
	if err := acc.put(tx); err != nil {
		return Account{}, err
	}
	if err := a.wrote(tx, by, "access.factor_reset", acc.ID, acc.Version, nil); err != nil {
		return Account{}, err
	}
	return a.shown(tx, acc)
}

// Enrolment is what the person who followed a link is shown after choosing a
// password: the secret for the authenticator app, or that a code of the present
// one is wanted.
type Enrolment struct {
	Name      string `json:"name"`
	NewFactor bool   `json:"new_factor"`
	Secret    string `json:"secret,omitempty"`
	URL       string `json:"otpauth_url,omitempty"`
	QR        string `json:"qr,omitempty"` // PNG as a data URL
}

type enrolment struct {
	account  id.ID
	factor   bool
	password string
	totp     []byte
}

func readEnrolment(tx *db.Tx, tok string) (enrolment, account, error) {
	var e enrolment
	err := tx.Row(`SELECT account, factor, password, totp FROM access_enrolment WHERE hash = $1 AND expires > $2`, tokenHash(tok), db.Millis(tx.Now())).
		Scan(&e.account, &e.factor, db.Text(&e.password), &e.totp)
	if errors.Is(err, db.ErrNoRows) {
		return e, account{}, ErrEnrolment
	}
	if err != nil {
		return e, account{}, fmt.Errorf("read link: %w", err)
	}
	acc, err := accountByID(tx, e.account)
	if errors.Is(err, ErrMissing) || err == nil && !acc.Disabled.IsZero() {
		return e, account{}, ErrEnrolment
	}
	return e, acc, err
}

// Enrol takes the password that the holder of a link chose. Nothing about the
// account changes before ConfirmEnrol. Codes: access.enrolment_over,
// access.weak_password, access.busy.
func (a *Access) Enrol(ctx context.Context, d *db.DB, tok, password string) (Enrolment, error) {
	var e enrolment
	var acc account
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		e, acc, err = readEnrolment(tx, tok)
		return err
	})
	if err != nil {
		return Enrolment{}, err
	}
	if err := checkPassword(password, acc.Name); err != nil {
		return Enrolment{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return Enrolment{}, err
	}
	out := Enrolment{Name: acc.Name, NewFactor: e.factor}
	var sealed []byte
	if e.factor {
		if out, sealed, err = a.newFactor(acc); err != nil {
			return Enrolment{}, err
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE access_enrolment SET password = $1, totp = $2 WHERE hash = $3 AND expires > $4`,
			hash, sealed, tokenHash(tok), db.Millis(tx.Now()))
		if err == nil && n == 0 {
			return ErrEnrolment
		}
		return err
	})
	return out, err
}

// ConfirmEnrol ends an enrolment: with a right code the password and the second
// factor take effect, all sessions and the link end, and new recovery codes come
// back, to be shown once. A wrong code counts as a failed attempt. Codes:
// access.enrolment_over, access.wrong_code, access.wait.
func (a *Access) ConfirmEnrol(ctx context.Context, d *db.DB, tok, code string) (recovery []string, err error) {
	var e enrolment
	var acc account
	keys := []attemptKey{keyOf(freeFailures, longestWait, "enrol", tok)}
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		if e, acc, err = readEnrolment(tx, tok); err != nil {
			return err
		}
		if e.password == "" {
			return ErrEnrolment
		}
		wait, err := held(tx, keys)
		if err == nil && wait > 0 {
			return ErrWait.With("seconds", int64(wait/time.Second)+1)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sealed := acc.TOTP
	if e.factor {
		sealed = e.totp
	}
	factor, err := a.o.Sealer.Open(sealed, factorContext(acc.ID))
	if err != nil {
		return nil, fmt.Errorf("open the second factor of %s: %w", acc.ID, err)
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		again, now, err := readEnrolment(tx, tok)
		if err != nil {
			return err
		}
		if again.password != e.password || !bytes.Equal(again.totp, e.totp) || !bytes.Equal(now.TOTP, acc.TOTP) {
			return ErrEnrolment
		}
		if e.factor {
			step, ok := codeStep(factor, code, tx.Now(), 0)
			if !ok {
				return ErrCode
			}
			var hashes []string
			recovery, hashes = newRecoveryCodes(tx.Random(recoveryCodes * recoverySize))
			now.TOTP, now.Step, now.Recovery, now.ResetAt = e.totp, step, hashes, time.Time{}
		} else if err := now.spend(tx, factor, code); err != nil {
			return ErrCode
		}
		now.Password = e.password
		if err := now.put(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM access_enrolment WHERE account = $1`, now.ID); err != nil {
			return fmt.Errorf("end the link: %w", err)
		}
		if err := a.endSessions(tx, now.ID, now.Person); err != nil {
			return err
		}
		return a.wrote(tx, enrolling(now.Person), "access.enrol", now.ID, now.Version, nil)
	})
	if errors.Is(err, ErrCode) {
		if e := a.wrong(ctx, d, keys, acc); !errors.Is(e, ErrWrong) {
			return nil, e
		}
	}
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// enrolling is the person who holds a link and has no session yet.
func enrolling(person id.ID) *Actor { return &Actor{Person: person, Via: "desk"} }

// Founder is one of the three administrators an installation begins with.
type Founder struct {
	Role, Account, Person string
}

// Founders are they, with the names their accounts get unless told otherwise.
var Founders = []Founder{
	{"system_admin", "system", "系统管理员"},
	{"security_admin", "security", "安全管理员"},
	{"auditor", "audit", "审计管理员"},
}

// Found creates the three administrators of a new installation, who exclude
// each other, and a one-time link for each; there never is a default password.
// It runs once: afterwards accounts come from the administrators. Code:
// access.name_taken when there are accounts already.
func (a *Access) Found(tx *db.Tx, by *Actor) ([]Link, error) {
	if !by.Trusted() {
		return nil, ErrDenied.With("permission", permAccount)
	}
	there, err := accounts(tx, `demo = 0`)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, ErrFounded
	}
	var links []Link
	for _, f := range Founders {
		p, err := a.org.CreatePerson(tx, by, org.PersonIn{Name: f.Person})
		if err != nil {
			return nil, err
		}
		view, err := a.createAccount(tx, by, AccountIn{Name: f.Account, Person: p.ID}, tx.Now())
		if err != nil {
			return nil, err
		}
		if _, err := a.Give(tx, by, GrantIn{Person: p.ID, Role: f.Role, Level: org.AtSystem, Why: "founding"}); err != nil {
			return nil, err
		}
		acc, err := accountByID(tx, view.ID)
		if err != nil {
			return nil, err
		}
		l, err := a.link(tx, by, acc)
		if err != nil {
			return nil, err
		}
		l.Role = f.Role
		links = append(links, l)
	}
	return links, nil
}

// token is the text form of secret bytes.
func token(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
