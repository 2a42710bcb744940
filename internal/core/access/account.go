package access

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The permissions of roles.json that this room asks for.
const (
	permAccount = "system.account_create"
	permGrant   = "access.grant"
	permRevoke  = "access.revoke"
	permPolicy  = "access.policy"
	permAudit   = "audit.read"
)

// account is what a person signs in with (账号).
type account struct {
	ID, Person, Post, CreatedBy          id.ID
	Name, Password                       string
	TOTP                                 []byte // sealed
	Step                                 int64
	Recovery                             []string // hashes
	Language                             words.Language
	Created, Released, Disabled, ResetAt time.Time
	SignedIn                             time.Time
	PIN                                  []byte // sealed hash
	Demo                                 bool
	Version                              int64
}

// Account is an account as administrators and the auditor see it.
type Account struct {
	ID         id.ID     `json:"id"`
	Name       string    `json:"name"`
	Person     id.ID     `json:"person_id"`
	PersonName string    `json:"person_name"`
	Created    time.Time `json:"created_at"`
	Enrolled   bool      `json:"enrolled"` // has chosen a password
	Factor     bool      `json:"second_factor"`
	Released   bool      `json:"released"` // a security administrator let it in
	Disabled   bool      `json:"disabled"`
	Demo       bool      `json:"demo,omitempty"`
	SignedIn   time.Time `json:"last_sign_in,omitzero"`
	Passkeys   int64     `json:"passkeys"`
	Identities int64     `json:"identities"` // sign-ins of a department's own provider that are linked and released
	Version    int64     `json:"version"`
}

// View is the account without its secrets.
func (a account) view(person string) Account {
	return Account{
		ID: a.ID, Name: a.Name, Person: a.Person, PersonName: person, Created: a.Created, Enrolled: a.Password != "",
		Factor: a.TOTP != nil, Released: !a.Released.IsZero(), Disabled: !a.Disabled.IsZero(), Demo: a.Demo, SignedIn: a.SignedIn, Version: a.Version,
	}
}

const accountColumns = `id, person, name, password, totp, totp_step, recovery, language, post, created, created_by, released, disabled, reset, demo, version`

// accountRead is what is read of an account; accountColumns what is written at
// its creation.
const accountRead = accountColumns + `, signed_in, pin`

func scanAccount(r interface{ Scan(...any) error }) (account, error) {
	var a account
	err := r.Scan(&a.ID, &a.Person, &a.Name, db.Text(&a.Password), &a.TOTP, &a.Step, db.ScanJSON(&a.Recovery), &a.Language, &a.Post,
		db.Time(&a.Created), &a.CreatedBy, db.Time(&a.Released), db.Time(&a.Disabled), db.Time(&a.ResetAt), &a.Demo, &a.Version, db.Time(&a.SignedIn), &a.PIN)
	if errors.Is(err, db.ErrNoRows) {
		return a, ErrMissing
	}
	if err != nil {
		return a, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

func accountByID(tx *db.Tx, v id.ID) (account, error) {
	return scanAccount(tx.Row(`SELECT `+accountRead+` FROM access_account WHERE id = $1`, v))
}

func accountByName(tx *db.Tx, name string) (account, error) {
	return scanAccount(tx.Row(`SELECT `+accountRead+` FROM access_account WHERE name = $1`, name))
}

func accounts(tx *db.Tx, where string, args ...any) ([]account, error) {
	rows, err := tx.Query(`SELECT `+accountRead+` FROM access_account WHERE `+where+` ORDER BY name`, args...)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	var out []account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return out, nil
}

// put stores an account if nobody changed it since it was read.
func (a *account) put(tx *db.Tx) error {
	n, err := tx.Exec(`UPDATE access_account SET password = $1, totp = $2, totp_step = $3, recovery = $4, released = $5, disabled = $6, reset = $7,
		pin = $8, version = version + 1 WHERE id = $9 AND version = $10`,
		orNull(a.Password), a.TOTP, a.Step, recoveryJSON(a.Recovery), db.Millis(a.Released), db.Millis(a.Disabled), db.Millis(a.ResetAt), a.PIN, a.ID, a.Version)
	if err != nil {
		return fmt.Errorf("write account %s: %w", a.ID, err)
	}
	if n == 0 {
		return ErrChanged
	}
	a.Version++
	return nil
}

func recoveryJSON(hashes []string) any {
	if hashes == nil {
		return nil
	}
	return db.JSON(hashes)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

var accountName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{1,39}$`)

// fold is the form in which names of accounts are kept and compared.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// AccountIn is an account as it is created.
type AccountIn struct {
	ID     id.ID  `json:"id,omitzero"`
	Name   string `json:"name" minLength:"2" maxLength:"40"`
	Person id.ID  `json:"person_id"`
	Demo   bool   `json:"-"`
}

// CreateAccount gives a person an account. It can sign in only after the person
// enrolled and a security administrator released it, so that nobody both
// creates an account and lets it have rights (two_person_rules
// account_and_rights). Permission system.account_create. Codes: access.invalid,
// access.name_taken, access.has_account.
func (a *Access) CreateAccount(tx *db.Tx, by journal.Who, in AccountIn) (Account, error) {
	if err := by.Check(permAccount, journal.Sight{}); err != nil {
		return Account{}, err
	}
	return a.createAccount(tx, by, in, time.Time{})
}

func (a *Access) createAccount(tx *db.Tx, by journal.Who, in AccountIn, released time.Time) (Account, error) {
	acc := account{
		ID: in.ID, Person: in.Person, Name: fold(in.Name), Language: words.Chinese, Created: tx.Now(), CreatedBy: by.By().Person,
		Released: released, Demo: in.Demo, Version: 1,
	}
	if acc.ID.IsZero() {
		acc.ID = tx.NewID()
	}
	if !accountName.MatchString(acc.Name) {
		return Account{}, ErrInvalid.At("body.name", "access.bad_name")
	}
	p, err := a.org.PersonByID(tx, acc.Person)
	if errors.Is(err, org.ErrMissing) || err == nil && !p.To.IsZero() {
		return Account{}, ErrInvalid.At("body.person_id", "access.missing")
	}
	if err != nil {
		return Account{}, err
	}
	there, err := accounts(tx, `name = $1 OR person = $2 OR id = $3`, acc.Name, acc.Person, acc.ID)
	if err != nil {
		return Account{}, err
	}
	if slices.ContainsFunc(there, func(x account) bool { return x.Person == acc.Person }) {
		return Account{}, ErrHasAccount
	}
	if len(there) > 0 {
		return Account{}, ErrNameTaken.With("name", acc.Name)
	}
	_, err = tx.Exec(`INSERT INTO access_account (`+accountColumns+`)
		VALUES ($1, $2, $3, NULL, NULL, 0, NULL, $4, NULL, $5, $6, $7, NULL, NULL, $8, 1)`,
		acc.ID, acc.Person, acc.Name, acc.Language, db.Millis(acc.Created), acc.CreatedBy, db.Millis(acc.Released), acc.Demo)
	if err != nil {
		return Account{}, fmt.Errorf("write account %s: %w", acc.ID, err)
	}
	return acc.view(p.Name), a.wrote(tx, by, "access.account_create", acc.ID, 1, map[string]string{"name": acc.Name})
}

// Release lets an account sign in. Permission access.grant; never by the hand
// that created it. Codes: access.missing, access.same_hand.
func (a *Access) Release(tx *db.Tx, by journal.Who, v id.ID) (Account, error) {
	if err := by.Check(permGrant, journal.Sight{}); err != nil {
		return Account{}, err
	}
	acc, err := accountByID(tx, v)
	if err != nil {
		return Account{}, err
	}
	who := by.By()
	if SameHand(who, journal.By{Person: acc.CreatedBy}) || SameHand(who, journal.By{Person: acc.Person}) {
		return Account{}, ErrSameHand
	}
	if acc.Released.IsZero() {
		acc.Released = tx.Now()
		if err := acc.put(tx); err != nil {
			return Account{}, err
		}
		if err := a.wrote(tx, by, "access.account_release", acc.ID, acc.Version, nil); err != nil {
			return Account{}, err
		}
	}
	return a.shown(tx, acc)
}

// Disable stops an account: its sessions end at once. Permission
// system.account_create. Codes: access.missing, access.last_administrator.
func (a *Access) Disable(tx *db.Tx, by journal.Who, v id.ID) (Account, error) {
	if err := by.Check(permAccount, journal.Sight{}); err != nil {
		return Account{}, err
	}
	acc, err := accountByID(tx, v)
	if err != nil {
		return Account{}, err
	}
	if !acc.Disabled.IsZero() {
		return a.shown(tx, acc)
	}
	mine, err := grantsWhere(tx, `person = $1`, acc.Person)
	if err != nil {
		return Account{}, err
	}
	for _, g := range mine {
		if err := a.notTheLast(tx, g); err != nil {
			return Account{}, err
		}
	}
	acc.Disabled = tx.Now()
	if err := acc.put(tx); err != nil {
		return Account{}, err
	}
	if err := a.endSessions(tx, acc.ID, acc.Person); err != nil {
		return Account{}, err
	}
	if err := a.wrote(tx, by, "access.account_disable", acc.ID, acc.Version, nil); err != nil {
		return Account{}, err
	}
	return a.shown(tx, acc)
}

// Enable lets a disabled account sign in again, once a security administrator
// has released it anew. Permission system.account_create. Code: access.missing.
func (a *Access) Enable(tx *db.Tx, by journal.Who, v id.ID) (Account, error) {
	if err := by.Check(permAccount, journal.Sight{}); err != nil {
		return Account{}, err
	}
	acc, err := accountByID(tx, v)
	if err != nil {
		return Account{}, err
	}
	if acc.Disabled.IsZero() {
		return a.shown(tx, acc)
	}
	acc.Disabled, acc.Released = time.Time{}, time.Time{}
	if err := acc.put(tx); err != nil {
		return Account{}, err
	}
	if err := a.wrote(tx, by, "access.account_enable", acc.ID, acc.Version, nil); err != nil {
		return Account{}, err
	}
	return a.shown(tx, acc)
}

// Accounts lists all accounts. For system and security administrators and the
// auditor.
func (a *Access) Accounts(tx *db.Tx, by journal.Who) ([]Account, error) {
	if err := anyOf(by, permAccount, permGrant, permAudit); err != nil {
		return nil, err
	}
	list, err := accounts(tx, `1 = 1`)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	keys, err := countBy(tx, `SELECT account, COUNT(*) FROM access_passkey GROUP BY account`)
	if err != nil {
		return nil, err
	}
	linked, err := countBy(tx, `SELECT account, COUNT(*) FROM access_identity WHERE released IS NOT NULL GROUP BY account`)
	if err != nil {
		return nil, err
	}
	out := []Account{}
	for _, acc := range list {
		p, _ := o.Person(acc.Person)
		v := acc.view(p.Name)
		v.Passkeys, v.Identities = keys[acc.ID], linked[acc.ID]
		out = append(out, v)
	}
	return out, nil
}

// countBy reads counts per id.
func countBy(tx *db.Tx, q string, args ...any) (map[id.ID]int64, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	out := map[id.ID]int64{}
	for rows.Next() {
		var v id.ID
		var n int64
		if err := rows.Scan(&v, &n); err != nil {
			return nil, fmt.Errorf("count: %w", err)
		}
		out[v] = n
	}
	return out, rows.Close()
}

// AccountNamed finds an account that may be used now by its sign-in name, for the
// operator. Code: access.account_missing.
func (a *Access) AccountNamed(tx *db.Tx, name string) (Account, error) {
	acc, err := accountByName(tx, fold(name))
	if err != nil {
		return Account{}, err
	}
	if acc.Released.IsZero() || !acc.Disabled.IsZero() {
		return Account{}, ErrMissing
	}
	return a.shown(tx, acc)
}

// anyOf is nil when one of the permissions of the whole district is held.
func anyOf(by journal.Who, permissions ...string) error {
	var err error
	for _, p := range permissions {
		if err = by.Check(p, journal.Sight{}); err == nil {
			return nil
		}
	}
	return err
}

func (a *Access) shown(tx *db.Tx, acc account) (Account, error) {
	p, err := a.org.PersonByID(tx, acc.Person)
	if err != nil {
		return Account{}, err
	}
	return acc.view(p.Name), nil
}

// wrote bumps the room's version and puts the act into the journal.
func (a *Access) wrote(tx *db.Tx, by journal.Who, kind string, subject id.ID, version int64, body any) error {
	if err := db.Bump(tx, room); err != nil {
		return err
	}
	journal.Add(tx, journal.Entry{Kind: kind, Subject: subject, By: by.By(), Version: version, Sight: unseen, Class: classAccess, Body: body})
	return nil
}
