package access

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// SignInIn is one attempt to sign in.
type SignInIn struct {
	Name, Password string
	Code           string // from the authenticator, or a recovery code
	Entrance
}

// SignInOut is what a right attempt leads to.
type SignInOut struct {
	NeedsCode bool   // the password is right, the code is missing; nothing else is set
	Actor     *Actor //
	Token     string // of the session
	Device    string // a new device cookie; "" when the old one serves
}

// SignIn checks name, password and code and begins a session. It works in
// several transactions, since the password is hashed between them. Codes:
// access.wrong_credentials, access.wait, access.busy, access.not_released,
// access.enrol_first.
func (a *Access) SignIn(ctx context.Context, d *db.DB, in SignInIn) (SignInOut, error) {
	var acc account
	var keys []attemptKey
	device := ""
	name := fold(in.Name)
	if len(name) > 200 {
		name = name[:200]
	}
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		acc, err = accountByName(tx, name)
		if err != nil && !errors.Is(err, ErrMissing) {
			return err
		}
		if in.Device != "" && !acc.ID.IsZero() {
			known, err := knownDevice(tx, acc.ID, in.Device)
			if err != nil {
				return err
			}
			if known {
				device = in.Device
			}
		}
		keys = attemptKeys(name, in.Address, device)
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
	// Demo accounts have no password; whoever tries one finds the same as with
	// an unknown name.
	lane := a.hasher.strangers
	if device != "" {
		lane = a.hasher.known
	}
	right, err := a.hasher.matches(ctx, lane, acc.Password, in.Password)
	if err != nil {
		return SignInOut{}, err
	}
	if !right || !acc.Disabled.IsZero() {
		return SignInOut{}, a.wrong(ctx, d, keys, acc)
	}
	switch {
	case acc.Released.IsZero():
		return SignInOut{}, ErrNotReleased
	case acc.TOTP == nil && !a.o.OneFactor:
		return SignInOut{}, ErrEnrolFirst
	case acc.TOTP != nil && in.Code == "":
		return SignInOut{NeedsCode: true}, nil
	}
	var factor []byte
	if acc.TOTP != nil {
		if factor, err = a.o.Sealer.Open(acc.TOTP, factorContext(acc.ID)); err != nil {
			return SignInOut{}, fmt.Errorf("open the second factor of %s: %w", acc.ID, err)
		}
	}
	var out SignInOut
	err = d.Write(ctx, func(tx *db.Tx) error {
		out = SignInOut{}
		now, err := accountByID(tx, acc.ID)
		if err != nil || now.Password != acc.Password || !now.Disabled.IsZero() || !slices.Equal(now.TOTP, acc.TOTP) {
			return errOr(err, ErrWrong)
		}
		if factor != nil {
			if err := now.spend(tx, factor, in.Code); err != nil {
				return err
			}
		}
		if err := succeeded(tx, keys); err != nil {
			return err
		}
		if out.Device, err = a.device(tx, now, &in.Entrance); err != nil {
			return err
		}
		out.Actor, out.Token, err = a.begin(tx, now, in.Entrance)
		return err
	})
	if errors.Is(err, ErrWrong) {
		return SignInOut{}, a.wrong(ctx, d, keys, acc)
	}
	if err == nil {
		a.Stats.SignIns.Add(1)
	}
	return out, err
}

// spend uses up a code of the authenticator, or a recovery code. A code serves
// once. Code: access.wrong_credentials.
func (acc *account) spend(tx *db.Tx, factor []byte, code string) error {
	if step, ok := codeStep(factor, code, tx.Now(), acc.Step); ok {
		acc.Step = step
		return acc.put(tx)
	}
	if i := slices.Index(acc.Recovery, recoveryHash(code)); i >= 0 {
		acc.Recovery = slices.Delete(slices.Clone(acc.Recovery), i, i+1)
		return acc.put(tx)
	}
	return ErrWrong
}

// wrong counts a failure and gives the one answer for all of them. The journal
// hears of it when it begins to slow somebody down: one entry for each wait, so
// that a stranger cannot flood it.
func (a *Access) wrong(ctx context.Context, d *db.DB, keys []attemptKey, acc account) error {
	a.Stats.Failures.Add(1)
	// Whoever hangs up early is counted all the same.
	ctx = context.WithoutCancel(ctx)
	err := d.Write(ctx, func(tx *db.Tx) error {
		wait, err := failed(tx, keys)
		if err != nil {
			return err
		}
		if wait > 0 && !acc.ID.IsZero() {
			journal.Add(tx, journal.Entry{Kind: "access.sign_in_slowed", Subject: acc.ID, By: journal.By{Via: "system"}, Sight: unseen, Class: classAccess,
				Body: map[string]int64{"seconds": int64(wait / time.Second)}})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return ErrWrong
}

func knownDevice(tx *db.Tx, acc id.ID, token string) (bool, error) {
	var one int64
	err := tx.Row(`SELECT 1 FROM access_device WHERE hash = $1 AND account = $2 AND seen > $3`,
		tokenHash(token), acc, db.Millis(tx.Now().Add(-deviceKept))).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for device: %w", err)
	}
	return true, nil
}

func newDevice(tx *db.Tx, acc id.ID) (string, error) {
	token := token(tx.Random(32))
	_, err := tx.Exec(`INSERT INTO access_device (hash, account, seen) VALUES ($1, $2, $3)`, tokenHash(token), acc, db.Millis(tx.Now()))
	if err != nil {
		return "", fmt.Errorf("write device: %w", err)
	}
	return token, nil
}

// ChangePassword replaces the actor's own password; all other sessions end.
// Codes: access.wrong_credentials, access.weak_password, access.wait.
func (a *Access) ChangePassword(ctx context.Context, d *db.DB, by *Actor, old, next string, address netip.Addr) error {
	var acc account
	var keys []attemptKey
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if acc, err = accountByID(tx, by.Account); err != nil {
			return errOr(nil, ErrSignIn)
		}
		keys = attemptKeys(acc.Name, address, "password of "+by.Session.String())
		wait, err := held(tx, keys)
		if err == nil && wait > 0 {
			return ErrWait.With("seconds", int64(math.Ceil(wait.Seconds())))
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := checkPassword(next, acc.Name); err != nil {
		return err
	}
	right, err := a.hasher.matches(ctx, a.hasher.known, acc.Password, old)
	if err != nil {
		return err
	}
	if !right {
		return a.wrong(ctx, d, keys, acc)
	}
	hash, err := a.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		now, err := accountByID(tx, acc.ID)
		if err != nil {
			return err
		}
		if now.Password != acc.Password {
			return ErrChanged
		}
		now.Password = hash
		if err := now.put(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM access_session WHERE account = $1 AND id <> $2`, now.ID, by.Session); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		a.watch.endPerson(tx, now.Person)
		return a.wrote(tx, by, "access.password_change", now.ID, now.Version, nil)
	})
}

func factorContext(acc id.ID) []byte { return []byte("access_account|totp|" + acc.String()) }

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
