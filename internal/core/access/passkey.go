package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// A passkey (通行密钥) replaces password and code in one: the authenticator holds
// the key and asks its owner for a finger, a face or a code. It is bound to the
// address of this installation, so a page elsewhere cannot ask for it.
const (
	passkeysAtMost = 10
	kindRegister   = "passkey.register"
	kindSignIn     = "passkey.sign_in"
)

// Passkey is one of somebody's passkeys as he sees it.
type Passkey struct {
	ID      id.ID     `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created_at"`
	Used    time.Time `json:"used_at,omitzero"`
	Synced  bool      `json:"synced,omitempty"` // kept by a service that copies it to other devices
}

// Begun is what the browser needs to ask an authenticator.
type Begun struct {
	Token   string `json:"token"`   // sent back with the answer
	Options any    `json:"options"` // PublicKeyCredentialCreationOptionsJSON or …RequestOptionsJSON
}

// relying is this installation as authenticators know it: the public address,
// or the machine itself for whoever tries it there. Code: access.no_passkeys.
func (a *Access) relying(ctx context.Context) (*webauthn.WebAuthn, error) {
	site := a.o.Site
	if host := httpx.Host(ctx); site == "" && (host == "localhost" || strings.HasPrefix(host, "localhost:")) {
		site = "http://" + host
	}
	u, err := url.Parse(site)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil, ErrNoPasskeys
	}
	domain := a.o.PasskeyDomain
	if domain == "" {
		domain = u.Hostname()
	}
	if _, err := netip.ParseAddr(domain); err == nil || domain != u.Hostname() && !strings.HasSuffix(u.Hostname(), "."+domain) {
		return nil, ErrNoPasskeys
	}
	required := true
	w, err := webauthn.New(&webauthn.Config{
		RPID: domain, RPDisplayName: a.o.Issuer, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &required, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, ErrNoPasskeys.Because(err)
	}
	return w, nil
}

// keeper is an account as the library wants to see it.
type keeper struct {
	acc  account
	name string
	keys []webauthn.Credential
}

func (k keeper) WebAuthnID() []byte                         { return k.acc.ID[:] }
func (k keeper) WebAuthnName() string                       { return k.acc.Name }
func (k keeper) WebAuthnDisplayName() string                { return k.name }
func (k keeper) WebAuthnCredentials() []webauthn.Credential { return k.keys }

func (a *Access) keeperOf(tx *db.Tx, acc account) (keeper, error) {
	p, err := a.org.PersonByID(tx, acc.Person)
	if err != nil {
		return keeper{}, err
	}
	k := keeper{acc: acc, name: p.Name}
	rows, err := tx.Query(`SELECT body FROM access_passkey WHERE account = $1 ORDER BY id`, acc.ID)
	if err != nil {
		return k, fmt.Errorf("read passkeys: %w", err)
	}
	for rows.Next() {
		var c webauthn.Credential
		if err := rows.Scan(db.ScanJSON(&c)); err != nil {
			return k, fmt.Errorf("read passkeys: %w", err)
		}
		k.keys = append(k.keys, c)
	}
	return k, rows.Close()
}

func passkeysOf(tx *db.Tx, acc id.ID) ([]Passkey, error) {
	rows, err := tx.Query(`SELECT id, name, created, used, body FROM access_passkey WHERE account = $1 ORDER BY created, id`, acc)
	if err != nil {
		return nil, fmt.Errorf("read passkeys: %w", err)
	}
	out := []Passkey{}
	for rows.Next() {
		var p Passkey
		var c webauthn.Credential
		if err := rows.Scan(&p.ID, &p.Name, db.Time(&p.Created), db.Time(&p.Used), db.ScanJSON(&c)); err != nil {
			return nil, fmt.Errorf("read passkeys: %w", err)
		}
		p.Synced = c.Flags.BackupState
		out = append(out, p)
	}
	return out, rows.Close()
}

// BeginPasskey begins to make a passkey. Codes: access.confirm_first,
// access.no_passkeys, access.too_many_passkeys.
func (a *Access) BeginPasskey(ctx context.Context, d *db.DB, by *Actor) (Begun, error) {
	w, err := a.relying(ctx)
	if err != nil {
		return Begun{}, err
	}
	var k keeper
	err = d.Read(ctx, func(tx *db.Tx) error {
		acc, err := a.own(tx, by)
		if err != nil {
			return err
		}
		if err := a.proved(tx, by); err != nil {
			return err
		}
		k, err = a.keeperOf(tx, acc)
		return err
	})
	if err != nil {
		return Begun{}, err
	}
	if len(k.keys) >= passkeysAtMost {
		return Begun{}, ErrManyPasskeys.With("max", passkeysAtMost)
	}
	var have []protocol.CredentialDescriptor
	for _, c := range k.keys {
		have = append(have, c.Descriptor())
	}
	options, session, err := w.BeginRegistration(k, webauthn.WithExclusions(have))
	if err != nil {
		return Begun{}, fmt.Errorf("begin a passkey: %w", err)
	}
	out := Begun{Options: options.Response}
	return out, d.Write(ctx, func(tx *db.Tx) (err error) {
		out.Token, err = begun(tx, kindRegister, by.Account, session)
		return err
	})
}

// MakePasskey keeps the passkey that an authenticator made. Codes:
// access.begin_again, access.bad_passkey, access.confirm_first, access.invalid.
func (a *Access) MakePasskey(ctx context.Context, d *db.DB, by *Actor, token, name string, answer json.RawMessage) (Passkey, error) {
	w, err := a.relying(ctx)
	if err != nil {
		return Passkey{}, err
	}
	if name, err = passkeyName(name); err != nil {
		return Passkey{}, err
	}
	var k keeper
	var session webauthn.SessionData
	err = d.Write(ctx, func(tx *db.Tx) error {
		session = webauthn.SessionData{}
		acc, err := a.own(tx, by)
		if err != nil {
			return err
		}
		if err := a.proved(tx, by); err != nil {
			return err
		}
		if err := taken(tx, kindRegister, token, by.Account, &session); err != nil {
			return err
		}
		k, err = a.keeperOf(tx, acc)
		return err
	})
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, ErrPasskey.Because(err)
	}
	key, err := w.CreateCredential(k, session, parsed)
	if err != nil || !key.Flags.UserVerified {
		return Passkey{}, ErrPasskey.Because(err)
	}
	var out Passkey
	return out, d.Write(ctx, func(tx *db.Tx) error {
		out = Passkey{ID: tx.NewID(), Name: name, Created: tx.Now(), Synced: key.Flags.BackupState}
		n, err := tx.Exec(`INSERT INTO access_passkey (id, account, credential, name, body, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential) DO NOTHING`,
			out.ID, by.Account, key.ID, name, db.JSON(key), db.Millis(out.Created))
		if err != nil {
			return fmt.Errorf("write passkey: %w", err)
		}
		if n == 0 { // of whoever it is: a credential belongs to one account
			return ErrPasskey
		}
		return a.wrote(tx, by, "access.passkey_add", by.Account, 0, nil)
	})
}

func passkeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 || !utf8.ValidString(name) {
		return "", ErrInvalid.At("body.name", "access.bad_passkey_name")
	}
	return name, nil
}

// NamePasskey renames one of one's own passkeys. Code: access.missing.
func (a *Access) NamePasskey(tx *db.Tx, by *Actor, v id.ID, name string) error {
	name, err := passkeyName(name)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE access_passkey SET name = $1 WHERE id = $2 AND account = $3`, name, v, by.Account)
	if err != nil {
		return fmt.Errorf("name passkey: %w", err)
	}
	if n == 0 {
		return ErrMissing
	}
	return nil
}

// RevokePasskey takes away one of one's own passkeys; all other sessions end.
// The last way to sign in stays. Codes: access.missing, access.confirm_first,
// access.last_way.
func (a *Access) RevokePasskey(tx *db.Tx, by *Actor, v id.ID) error {
	acc, err := a.own(tx, by)
	if err != nil {
		return err
	}
	if err := a.proved(tx, by); err != nil {
		return err
	}
	n, err := tx.Exec(`DELETE FROM access_passkey WHERE id = $1 AND account = $2`, v, by.Account)
	if err != nil {
		return fmt.Errorf("revoke passkey: %w", err)
	}
	if n == 0 {
		return ErrMissing
	}
	if acc.Password == "" && !acc.Demo {
		left, err := passkeysOf(tx, acc.ID)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return ErrLastWay
		}
	}
	if err := a.endOthers(tx, by); err != nil {
		return err
	}
	return a.wrote(tx, by, "access.passkey_revoke", by.Account, 0, nil)
}

// AskPasskey begins a sign-in, or a proof, by whichever passkey the person
// chooses. Code: access.no_passkeys.
func (a *Access) AskPasskey(ctx context.Context, d *db.DB) (Begun, error) {
	w, err := a.relying(ctx)
	if err != nil {
		return Begun{}, err
	}
	options, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Begun{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	out := Begun{Options: options.Response}
	return out, d.Write(ctx, func(tx *db.Tx) (err error) {
		out.Token, err = begun(tx, kindSignIn, id.ID{}, session)
		return err
	})
}

// shownPasskey finds the account whose passkey answered, and the key as it is
// now. Codes: access.begin_again, access.wrong_credentials.
func (a *Access) shownPasskey(ctx context.Context, d *db.DB, token string, answer json.RawMessage) (account, *webauthn.Credential, error) {
	w, err := a.relying(ctx)
	if err != nil {
		return account{}, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return account{}, nil, ErrPasskey.Because(err)
	}
	var session webauthn.SessionData
	var k keeper
	err = d.Write(ctx, func(tx *db.Tx) error {
		session = webauthn.SessionData{}
		if err := taken(tx, kindSignIn, token, id.ID{}, &session); err != nil {
			return err
		}
		var of id.ID
		err := tx.Row(`SELECT account FROM access_passkey WHERE credential = $1`, parsed.RawID).Scan(&of)
		if errors.Is(err, db.ErrNoRows) {
			return nil // the ceremony is used up all the same
		}
		if err != nil {
			return fmt.Errorf("look for passkey: %w", err)
		}
		acc, err := accountByID(tx, of)
		if err != nil {
			return err
		}
		k, err = a.keeperOf(tx, acc)
		return err
	})
	if err != nil {
		return account{}, nil, err
	}
	if k.acc.ID.IsZero() {
		return account{}, nil, ErrWrong
	}
	_, key, err := w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if string(handle) != string(k.acc.ID[:]) {
			return nil, ErrWrong // another account's handle on this account's key
		}
		return k, nil
	}, session, parsed)
	if err != nil || !parsed.Response.AuthenticatorData.Flags.HasUserVerified() {
		return account{}, nil, ErrWrong.Because(err)
	}
	return k.acc, key, nil
}

// used writes down that a passkey served. A counter that went back means that
// the key was copied: it serves nobody any more.
func (a *Access) usedPasskey(tx *db.Tx, acc account, key *webauthn.Credential) error {
	n, err := tx.Exec(`UPDATE access_passkey SET body = $1, used = $2 WHERE credential = $3 AND account = $4`, db.JSON(key), db.Millis(tx.Now()), key.ID, acc.ID)
	if err != nil {
		return fmt.Errorf("write passkey: %w", err)
	}
	if n == 0 {
		return ErrWrong // revoked meanwhile
	}
	return nil
}

// PasskeySignIn begins a session with a passkey: it counts as both factors,
// since the authenticator asked its owner. Codes: access.begin_again,
// access.wrong_credentials, access.not_released.
func (a *Access) PasskeySignIn(ctx context.Context, d *db.DB, token string, answer json.RawMessage, in Entrance) (SignInOut, error) {
	acc, key, err := a.shownPasskey(ctx, d, token, answer)
	if err == nil && key.Authenticator.CloneWarning {
		err = a.cloned(ctx, d, acc, key)
	}
	if err != nil {
		if errors.Is(err, ErrWrong) {
			a.Stats.Failures.Add(1)
		}
		return SignInOut{}, err
	}
	var out SignInOut
	err = d.Write(ctx, func(tx *db.Tx) error {
		out = SignInOut{}
		now, err := accountByID(tx, acc.ID)
		if err != nil {
			return err
		}
		if err := a.mayEnter(now); err != nil {
			return err
		}
		if err := a.usedPasskey(tx, now, key); err != nil {
			return err
		}
		in.way = wayPasskey
		if out.Device, err = a.device(tx, now, &in); err != nil {
			return err
		}
		out.Actor, out.Token, err = a.begin(tx, now, in)
		return err
	})
	if err == nil {
		a.Stats.SignIns.Add(1)
	}
	return out, err
}

// mayEnter says whether an account may sign in at all, whatever it shows.
func (a *Access) mayEnter(acc account) error {
	switch {
	case !acc.Disabled.IsZero(), acc.Demo && !a.o.Demo:
		return ErrWrong
	case acc.Released.IsZero():
		return ErrNotReleased
	}
	return nil
}

func (a *Access) cloned(ctx context.Context, d *db.DB, acc account, key *webauthn.Credential) error {
	err := d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`DELETE FROM access_passkey WHERE credential = $1`, key.ID); err != nil {
			return fmt.Errorf("revoke passkey: %w", err)
		}
		journal.Add(tx, journal.Entry{Kind: "access.passkey_copied", Subject: acc.ID, By: journal.By{Via: "system"}, Sight: unseen, Class: classAccess})
		return nil
	})
	return errOr(err, ErrWrong)
}

// ConfirmByPasskey proves with a passkey that the owner sits here. Codes:
// access.begin_again, access.wrong_credentials.
func (a *Access) ConfirmByPasskey(ctx context.Context, d *db.DB, by *Actor, token string, answer json.RawMessage) error {
	acc, key, err := a.shownPasskey(ctx, d, token, answer)
	if err == nil && key.Authenticator.CloneWarning {
		err = a.cloned(ctx, d, acc, key)
	}
	if err == nil && acc.ID != by.Account {
		err = ErrWrong
	}
	if err != nil {
		return err
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		if err := a.usedPasskey(tx, acc, key); err != nil {
			return err
		}
		return proveNow(tx, by)
	})
}
