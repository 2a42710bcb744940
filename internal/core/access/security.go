package access

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"rsc.io/qr"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// What the owner of an account does about its safety (我的登录安全). Whoever sits
// at an unlocked computer is not the owner: what changes how one signs in asks
// for a proof that is at most this old.
const (
	confirmedFor = 10 * time.Minute
	pendingKept  = 15 * time.Minute
)

// Security is what somebody is told of his own account.
type Security struct {
	Account   string        `json:"account"`
	Password  bool          `json:"password"`
	Factor    bool          `json:"second_factor"`
	Recovery  int           `json:"recovery_codes"` // how many are left
	Confirmed time.Time     `json:"confirmed_until,omitzero"`
	Demo      bool          `json:"demo,omitempty"`
	PIN       bool          `json:"pin"` // opens shared devices
	Passkeys  []Passkey     `json:"passkeys"`
	Elsewhere []Identity    `json:"identities"` // who the owner is at providers
	Sessions  []SessionView `json:"sessions"`
}

// SessionView is one session as its owner sees it.
type SessionView struct {
	ID      id.ID     `json:"id"`
	Here    bool      `json:"here,omitempty"`
	Via     string    `json:"via"`
	Client  string    `json:"client,omitempty"`
	Address string    `json:"address,omitempty"`
	Began   time.Time `json:"began_at"`
	Seen    time.Time `json:"seen_at"`
	Ends    time.Time `json:"ends_at"`
}

// MySecurity tells somebody of his own account.
func (a *Access) MySecurity(tx *db.Tx, by *Actor) (Security, error) {
	acc, err := a.own(tx, by)
	if err != nil {
		return Security{}, err
	}
	out := Security{Account: acc.Name, Password: acc.Password != "", Factor: acc.TOTP != nil, Recovery: len(acc.Recovery), Demo: acc.Demo, PIN: acc.PIN != nil, Sessions: []SessionView{}}
	if out.Passkeys, err = passkeysOf(tx, acc.ID); err != nil {
		return Security{}, err
	}
	if out.Elsewhere, err = a.identities(tx, `account = $1`, acc.ID); err != nil {
		return Security{}, err
	}
	rows, err := tx.Query(`SELECT id, via, client, address, began, seen, ends, confirmed FROM access_session WHERE account = $1 AND ends > $2 ORDER BY seen DESC, id`,
		acc.ID, db.Millis(tx.Now()))
	if err != nil {
		return Security{}, fmt.Errorf("read sessions: %w", err)
	}
	for rows.Next() {
		var v SessionView
		var confirmed time.Time
		if err := rows.Scan(&v.ID, &v.Via, db.Text(&v.Client), db.Text(&v.Address), db.Time(&v.Began), db.Time(&v.Seen), db.Time(&v.Ends), db.Time(&confirmed)); err != nil {
			return Security{}, fmt.Errorf("read sessions: %w", err)
		}
		if used, ok := a.seen.Load(v.ID); ok && used.(time.Time).After(v.Seen) {
			v.Seen = used.(time.Time)
		}
		if v.ID == by.Session {
			v.Here = true
			if until := confirmed.Add(confirmedFor); !confirmed.IsZero() && until.After(tx.Now()) {
				out.Confirmed = until
			}
		}
		if tx.Now().Before(v.Seen.Add(a.o.Idle)) {
			out.Sessions = append(out.Sessions, v)
		}
	}
	return out, rows.Close()
}

// own is the account of the actor's session.
func (a *Access) own(tx *db.Tx, by *Actor) (account, error) {
	if by.Account.IsZero() || by.Session.IsZero() {
		return account{}, ErrSignIn
	}
	acc, err := accountByID(tx, by.Account)
	if errors.Is(err, ErrMissing) {
		return acc, ErrSignIn
	}
	return acc, err
}

// proved refuses when the owner has not proved lately that it is he. Code:
// access.confirm_first.
func (a *Access) proved(tx *db.Tx, by *Actor) error {
	var at time.Time
	err := tx.Row(`SELECT confirmed FROM access_session WHERE id = $1`, by.Session).Scan(db.Time(&at))
	if errors.Is(err, db.ErrNoRows) {
		return ErrSignIn
	}
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if at.IsZero() || !tx.Now().Before(at.Add(confirmedFor)) {
		return ErrConfirm
	}
	return nil
}

func proveNow(tx *db.Tx, by *Actor) error {
	if _, err := tx.Exec(`UPDATE access_session SET confirmed = $1 WHERE id = $2`, db.Millis(tx.Now()), by.Session); err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	return nil
}

// Confirm proves by password, and by a code where there is a second factor, that
// the owner sits here. Codes: access.wrong_credentials, access.wait,
// access.busy.
func (a *Access) Confirm(ctx context.Context, d *db.DB, by *Actor, password, code string, address netip.Addr) error {
	var acc account
	var keys []attemptKey
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if acc, err = a.own(tx, by); err != nil {
			return err
		}
		keys = attemptKeys(acc.Name, address, "confirm of "+by.Session.String())
		wait, err := held(tx, keys)
		if err == nil && wait > 0 {
			return ErrWait.With("seconds", int64(math.Ceil(wait.Seconds())))
		}
		return err
	})
	if err != nil {
		return err
	}
	right, err := a.hasher.matches(ctx, a.hasher.known, acc.Password, password)
	if err != nil {
		return err
	}
	if !right {
		return a.wrong(ctx, d, keys, acc)
	}
	var factor []byte
	if acc.TOTP != nil {
		if factor, err = a.o.Sealer.Open(acc.TOTP, factorContext(acc.ID)); err != nil {
			return fmt.Errorf("open the second factor of %s: %w", acc.ID, err)
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		now, err := accountByID(tx, acc.ID)
		if err != nil || now.Password != acc.Password || !bytes.Equal(now.TOTP, acc.TOTP) {
			return errOr(err, ErrWrong)
		}
		if factor != nil {
			if err := now.spend(tx, factor, code); err != nil {
				return err
			}
		}
		if err := succeeded(tx, keys); err != nil {
			return err
		}
		return proveNow(tx, by)
	})
	if errors.Is(err, ErrWrong) {
		return a.wrong(ctx, d, keys, acc)
	}
	return err
}

// NewFactor makes the secret of a new authenticator; the present one holds until
// ConfirmFactor. Code: access.confirm_first.
func (a *Access) NewFactor(ctx context.Context, d *db.DB, by *Actor) (Enrolment, error) {
	var acc account
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if acc, err = a.own(tx, by); err != nil {
			return err
		}
		return a.proved(tx, by)
	})
	if err != nil {
		return Enrolment{}, err
	}
	out, sealed, err := a.newFactor(acc)
	if err != nil {
		return Enrolment{}, err
	}
	return out, d.Write(ctx, func(tx *db.Tx) error {
		if err := a.proved(tx, by); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO access_pending (account, totp, expires) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET totp = excluded.totp, expires = excluded.expires`, acc.ID, sealed, db.Millis(tx.Now().Add(pendingKept)))
		if err != nil {
			return fmt.Errorf("keep a new second factor: %w", err)
		}
		return nil
	})
}

// newFactor makes the secret of an authenticator, as it is shown and sealed.
func (a *Access) newFactor(acc account) (Enrolment, []byte, error) {
	out := Enrolment{Name: acc.Name, NewFactor: true}
	plain, err := secret(secretSize)
	if err != nil {
		return out, nil, err
	}
	sealed, err := a.o.Sealer.Seal(plain, factorContext(acc.ID))
	if err != nil {
		return out, nil, fmt.Errorf("seal the second factor: %w", err)
	}
	out.Secret = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(plain)
	out.URL = factorURL(a.o.Issuer, acc.Name, plain)
	out.QR, err = picture(out.URL)
	return out, sealed, err
}

// picture draws a QR code as a data URL.
func picture(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw the QR code: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG()), nil
}

// ConfirmFactor puts a new authenticator in the place of the old one, with new
// recovery codes; all other sessions end. Codes: access.confirm_first,
// access.wrong_code, access.wait.
func (a *Access) ConfirmFactor(ctx context.Context, d *db.DB, by *Actor, code string) (recovery []string, err error) {
	var sealed []byte
	keys := []attemptKey{keyOf(freeFailures, longestWait, "factor", by.Session.String())}
	var acc account
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		if acc, err = a.own(tx, by); err != nil {
			return err
		}
		if err := a.proved(tx, by); err != nil {
			return err
		}
		if sealed, err = pendingFactor(tx, acc.ID); err != nil {
			return err
		}
		wait, err := held(tx, keys)
		if err == nil && wait > 0 {
			return ErrWait.With("seconds", int64(math.Ceil(wait.Seconds())))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	factor, err := a.o.Sealer.Open(sealed, factorContext(acc.ID))
	if err != nil {
		return nil, fmt.Errorf("open the new second factor of %s: %w", acc.ID, err)
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		again, err := pendingFactor(tx, acc.ID)
		if err != nil {
			return err
		}
		now, err := accountByID(tx, acc.ID)
		if err != nil {
			return err
		}
		step, ok := codeStep(factor, code, tx.Now(), 0)
		if !ok || !bytes.Equal(again, sealed) {
			return ErrCode
		}
		var hashes []string
		recovery, hashes = newRecoveryCodes(tx.Random(recoveryCodes * recoverySize))
		now.TOTP, now.Step, now.Recovery, now.ResetAt = sealed, step, hashes, time.Time{}
		if err := now.put(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM access_pending WHERE account = $1`, now.ID); err != nil {
			return fmt.Errorf("forget the pending factor: %w", err)
		}
		if err := a.endOthers(tx, by); err != nil {
			return err
		}
		return a.wrote(tx, by, "access.factor_change", now.ID, now.Version, nil)
	})
	if errors.Is(err, ErrCode) {
		if e := a.wrong(ctx, d, keys, acc); !errors.Is(e, ErrWrong) {
			return nil, e
		}
	}
	return recovery, err
}

func pendingFactor(tx *db.Tx, acc id.ID) (sealed []byte, err error) {
	err = tx.Row(`SELECT totp FROM access_pending WHERE account = $1 AND expires > $2`, acc, db.Millis(tx.Now())).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		return nil, ErrCeremony
	}
	if err != nil {
		return nil, fmt.Errorf("read a pending factor: %w", err)
	}
	return sealed, nil
}

// NewRecovery replaces the recovery codes. Codes: access.confirm_first,
// access.enrol_first.
func (a *Access) NewRecovery(tx *db.Tx, by *Actor) ([]string, error) {
	acc, err := a.own(tx, by)
	if err != nil {
		return nil, err
	}
	if err := a.proved(tx, by); err != nil {
		return nil, err
	}
	if acc.TOTP == nil {
		return nil, ErrEnrolFirst
	}
	codes, hashes := newRecoveryCodes(tx.Random(recoveryCodes * recoverySize))
	acc.Recovery = hashes
	if err := acc.put(tx); err != nil {
		return nil, err
	}
	return codes, a.wrote(tx, by, "access.recovery_change", acc.ID, acc.Version, nil)
}

// endOthers ends the sessions of the actor's account but this one.
func (a *Access) endOthers(tx *db.Tx, by *Actor) error {
	if _, err := tx.Exec(`DELETE FROM access_session WHERE account = $1 AND id <> $2`, by.Account, by.Session); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	a.watch.endPerson(tx, by.Person)
	return db.Bump(tx, room)
}

// EndSession ends another session of one's own account. Code: access.missing.
func (a *Access) EndSession(tx *db.Tx, by *Actor, session id.ID) error {
	if by.Account.IsZero() {
		return ErrSignIn
	}
	n, err := tx.Exec(`DELETE FROM access_session WHERE id = $1 AND account = $2`, session, by.Account)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	if n == 0 {
		return ErrMissing
	}
	a.watch.endSession(tx, session)
	journal.Add(tx, journal.Entry{Kind: "access.session_end", Subject: by.Account, By: by.By(), Sight: unseen, Class: classAccess})
	return db.Bump(tx, room)
}
