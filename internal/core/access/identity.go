package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Identity is who somebody is at a provider (外部身份). It opens the account once
// it is released.
type Identity struct {
	ID           id.ID      `json:"id"`
	Account      id.ID      `json:"account_id"`
	Provider     string     `json:"provider,omitempty"` // key of the setting; absent when it names this provider no more
	ProviderName words.Text `json:"provider_name,omitzero"`
	Issuer       string     `json:"issuer"`
	Subject      string     `json:"subject"`
	Created      time.Time  `json:"created_at"`
	CreatedBy    id.ID      `json:"created_by,omitzero"`
	Released     time.Time  `json:"released_at,omitzero"`
	ReleasedBy   id.ID      `json:"released_by,omitzero"`
	Used         time.Time  `json:"used_at,omitzero"`
}

func (a *Access) identities(tx *db.Tx, where string, args ...any) ([]Identity, error) {
	rows, err := tx.Query(`SELECT id, account, issuer, subject, created, created_by, released, released_by, used FROM access_identity WHERE `+where+` ORDER BY created, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	out := []Identity{}
	for rows.Next() {
		var v Identity
		if err := rows.Scan(&v.ID, &v.Account, &v.Issuer, &v.Subject, db.Time(&v.Created), &v.CreatedBy, db.Time(&v.Released), &v.ReleasedBy, db.Time(&v.Used)); err != nil {
			return nil, fmt.Errorf("read identities: %w", err)
		}
		if p := a.issuer(v.Issuer); p != nil {
			v.Provider, v.ProviderName = p.Key, p.Name
		}
		out = append(out, v)
	}
	return out, rows.Close()
}

func (a *Access) identity(tx *db.Tx, v id.ID) (Identity, error) {
	found, err := a.identities(tx, `id = $1`, v)
	if err != nil {
		return Identity{}, err
	}
	if len(found) == 0 {
		return Identity{}, ErrMissing
	}
	return found[0], nil
}

// Identities lists who an account's owner is at the providers. For system and
// security administrators and the auditor.
func (a *Access) Identities(tx *db.Tx, by journal.Who, acc id.ID) ([]Identity, error) {
	if err := anyOf(by, permAccount, permGrant, permAudit); err != nil {
		return nil, err
	}
	return a.identities(tx, `account = $1`, acc)
}

// IdentityIn links a subject of a provider to an account.
type IdentityIn struct {
	Provider string `json:"provider" maxLength:"40"`
	Subject  string `json:"subject" maxLength:"255"`
}

// LinkIdentity says who the owner of an account is at a provider. It opens the
// account once a security administrator released it. Permission
// system.account_create. Codes: access.missing, access.invalid,
// access.no_provider, access.local_only, access.identity_taken.
func (a *Access) LinkIdentity(tx *db.Tx, by journal.Who, account id.ID, in IdentityIn) (Identity, error) {
	if err := by.Check(permAccount, journal.Sight{}); err != nil {
		return Identity{}, err
	}
	acc, err := accountByID(tx, account)
	if err != nil {
		return Identity{}, err
	}
	p := a.provider(in.Provider)
	if p == nil {
		return Identity{}, ErrNoProvider
	}
	subject := strings.TrimSpace(in.Subject)
	if subject == "" || len(subject) > subjectMax || strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' }) {
		return Identity{}, ErrInvalid.At("body.subject", "access.bad_subject")
	}
	return a.link1(tx, by, acc, p, subject)
}

// link1 links one identity; the account's others stay.
func (a *Access) link1(tx *db.Tx, by journal.Who, acc account, p *provider, subject string) (Identity, error) {
	if err := a.mayLink(tx, acc); err != nil {
		return Identity{}, err
	}
	v := Identity{ID: tx.NewID(), Account: acc.ID, Provider: p.Key, ProviderName: p.Name, Issuer: p.Issuer, Subject: subject, Created: tx.Now(), CreatedBy: by.By().Person}
	n, err := tx.Exec(`INSERT INTO access_identity (id, account, issuer, subject, created, created_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (issuer, subject) DO NOTHING`, v.ID, v.Account, v.Issuer, v.Subject, db.Millis(v.Created), v.CreatedBy)
	if err != nil {
		return Identity{}, fmt.Errorf("write identity: %w", err)
	}
	if n == 0 {
		return Identity{}, ErrIdentityTaken
	}
	return v, a.wrote(tx, by, "access.identity_link", acc.ID, 0, map[string]string{"provider": p.Key})
}

// mayLink refuses accounts that sign in here and nowhere else: those of the
// three administrators, so that they get in when a provider fails and nobody
// becomes one of them by taking a provider over (应急登录).
func (a *Access) mayLink(tx *db.Tx, acc account) error {
	if !acc.Disabled.IsZero() {
		return ErrEnded
	}
	held, err := a.rolesOf(tx, acc.Person)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(held, func(r string) bool { return slices.Contains(administrators, r) }) {
		return ErrLocalOnly
	}
	return nil
}

// rolesOf lists the roles a person has now or will have, by whatever way.
func (a *Access) rolesOf(tx *db.Tx, person id.ID) ([]string, error) {
	var out []string
	held, err := a.org.RolesHeld(tx, person)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		out = append(out, h.Role)
	}
	grants, err := grantsWhere(tx, `person = $1 AND (valid_to IS NULL OR valid_to > $2)`, person, db.Millis(tx.Now()))
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		out = append(out, g.Role)
	}
	return out, nil
}

// linkByToken links whoever came back from a provider to the account of a
// one-time link, which is used up. It waits for its release like any other.
func (a *Access) linkByToken(tx *db.Tx, hash []byte, p *provider, subject string) error {
	var of id.ID
	err := tx.Row(`DELETE FROM access_enrolment WHERE hash = $1 AND expires > $2 RETURNING account`, hash, db.Millis(tx.Now())).Scan(&of)
	if errors.Is(err, db.ErrNoRows) {
		return ErrEnrolment
	}
	if err != nil {
		return fmt.Errorf("use a link: %w", err)
	}
	acc, err := accountByID(tx, of)
	if err != nil {
		return err
	}
	_, err = a.link1(tx, enrolling(acc.Person), acc, p, subject)
	return err
}

// ReleaseIdentity lets an identity open its account. Permission access.grant;
// never by the hand that linked it, nor by the owner. Codes: access.missing,
// access.same_hand, access.local_only.
func (a *Access) ReleaseIdentity(tx *db.Tx, by journal.Who, v id.ID) (Identity, error) {
	if err := by.Check(permGrant, journal.Sight{}); err != nil {
		return Identity{}, err
	}
	one, err := a.identity(tx, v)
	if err != nil {
		return Identity{}, err
	}
	acc, err := accountByID(tx, one.Account)
	if err != nil {
		return Identity{}, err
	}
	who := by.By()
	if SameHand(who, journal.By{Person: one.CreatedBy}) || SameHand(who, journal.By{Person: acc.Person}) {
		return Identity{}, ErrSameHand
	}
	if err := a.mayLink(tx, acc); err != nil {
		return Identity{}, err
	}
	if !one.Released.IsZero() {
		return one, nil
	}
	one.Released, one.ReleasedBy = tx.Now(), who.Person
	if _, err := tx.Exec(`UPDATE access_identity SET released = $1, released_by = $2 WHERE id = $3`, db.Millis(one.Released), one.ReleasedBy, v); err != nil {
		return Identity{}, fmt.Errorf("release identity: %w", err)
	}
	return one, a.wrote(tx, by, "access.identity_release", acc.ID, 0, map[string]string{"provider": one.Provider})
}

// EndIdentity takes an identity away from its account; what was begun with it
// ends at once. For system and security administrators, and for the owner.
// Codes: access.missing, access.last_way.
func (a *Access) EndIdentity(tx *db.Tx, by *Actor, v id.ID) error {
	one, err := a.identity(tx, v)
	if err != nil {
		return err
	}
	if own := one.Account == by.Account; !own {
		if anyOf(by, permAccount, permRevoke) != nil {
			return ErrMissing // of somebody else: nothing is learnt from it
		}
	} else if ways, err := a.otherWays(tx, one); err != nil || !ways {
		return errOr(err, ErrLastWay)
	}
	acc, err := accountByID(tx, one.Account)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM access_identity WHERE id = $1`, v); err != nil {
		return fmt.Errorf("end identity: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM access_session WHERE account = $1 AND issuer = $2`, acc.ID, one.Issuer); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	a.watch.endPerson(tx, acc.Person)
	return a.wrote(tx, by, "access.identity_end", acc.ID, 0, map[string]string{"provider": one.Provider})
}

// otherWays says whether the account can be signed in to without this identity.
func (a *Access) otherWays(tx *db.Tx, one Identity) (bool, error) {
	acc, err := accountByID(tx, one.Account)
	if err != nil || acc.Password != "" || acc.Demo || one.Released.IsZero() {
		return true, err
	}
	keys, err := passkeysOf(tx, acc.ID)
	if err != nil || len(keys) > 0 {
		return true, err
	}
	rest, err := a.identities(tx, `account = $1 AND id <> $2 AND released IS NOT NULL`, acc.ID, one.ID)
	return len(rest) > 0, err
}

// enterBy begins a session for whoever a provider vouched for. Codes:
// access.unknown_identity, access.identity_waits, access.local_only, and those
// of mayEnter.
func (a *Access) enterBy(ctx context.Context, tx *db.Tx, p *provider, subject string, in Entrance) (SignInOut, error) {
	var out SignInOut
	found, err := a.identities(tx, `issuer = $1 AND subject = $2`, p.Issuer, subject)
	if err != nil {
		return out, err
	}
	if len(found) == 0 {
		return out, ErrUnknownIdentity.With("provider", p.Name)
	}
	if found[0].Released.IsZero() {
		return out, ErrIdentityWaits
	}
	acc, err := accountByID(tx, found[0].Account)
	if err != nil {
		return out, err
	}
	if err := a.mayEnter(acc); err != nil {
		return out, err
	}
	if err := a.mayLink(tx, acc); err != nil {
		return out, err
	}
	if _, err := tx.Exec(`UPDATE access_identity SET used = $1 WHERE id = $2`, db.Millis(tx.Now()), found[0].ID); err != nil {
		return out, fmt.Errorf("write identity: %w", err)
	}
	in.way, in.issuer, in.signOut = wayProvider, p.Issuer, a.signOutAt(ctx, p)
	if out.Device, err = a.device(tx, acc, &in); err != nil {
		return out, err
	}
	out.Actor, out.Token, err = a.begin(tx, acc, in)
	return out, err
}
