package casework

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// A link lets somebody without an account follow the own report (查询链接). Its
// secret has 128 bits and is stored hashed; the first use exchanges it for a
// cookie, which is stored hashed too. A number alone opens nothing.
// (DESIGN.md section 11)

// linkTime is how long a link that was never opened stays good.
const linkTime = 180 * 24 * time.Hour

var (
	// ErrLink covers every link that cannot be opened, in the same words.
	ErrLink = fault.New(fault.Missing, "case.link_over")
	// ErrPhoneUnknown says that number and phone do not belong together, or that
	// there is no such report: the two are not told apart.
	ErrPhoneUnknown = fault.New(fault.Missing, "case.phone_unknown")
)

func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// NewLink makes a secret link to a case and gives the secret, which is told
// once and never again. It must not go into a receipt or a log.
func (d *Desk) NewLink(tx *db.Tx, caseID id.ID) (string, error) {
	secret := base64.RawURLEncoding.EncodeToString(tx.Random(16))
	_, err := tx.Exec(`INSERT INTO case_link (id, case_id, secret, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		tx.NewID(), caseID, hash(secret), db.Millis(tx.Now()), db.Millis(tx.Now().Add(linkTime)))
	if err != nil {
		return "", fmt.Errorf("write link: %w", err)
	}
	return secret, nil
}

// Exchange gives a cookie for the secret of a link, once. Code: case.link_over.
func (d *Desk) Exchange(tx *db.Tx, secret string) (cookie string, c Case, err error) {
	var link, on id.ID
	err = tx.Row(`SELECT id, case_id FROM case_link WHERE secret = $1 AND exchanged_at IS NULL AND revoked_at IS NULL AND expires_at > $2`,
		hash(secret), db.Millis(tx.Now())).Scan(&link, &on)
	if errors.Is(err, db.ErrNoRows) {
		return "", c, ErrLink
	}
	if err != nil {
		return "", c, fmt.Errorf("read link: %w", err)
	}
	cookie = base64.RawURLEncoding.EncodeToString(tx.Random(32))
	n, err := tx.Exec(`UPDATE case_link SET cookie = $1, exchanged_at = $2 WHERE id = $3 AND exchanged_at IS NULL AND revoked_at IS NULL`,
		hash(cookie), db.Millis(tx.Now()), link)
	if err != nil {
		return "", c, fmt.Errorf("exchange link: %w", err)
	}
	if n == 0 {
		return "", c, ErrLink
	}
	c, err = get(tx, on)
	return cookie, c, err
}

// ByCookie finds the case of somebody who exchanged a link. Code:
// case.link_over.
func (d *Desk) ByCookie(tx *db.Tx, cookie string) (Case, error) {
	var on id.ID
	err := tx.Row(`SELECT case_id FROM case_link WHERE cookie = $1 AND revoked_at IS NULL`, hash(cookie)).Scan(&on)
	if errors.Is(err, db.ErrNoRows) {
		return Case{}, ErrLink
	}
	if err != nil {
		return Case{}, fmt.Errorf("read link: %w", err)
	}
	return get(tx, on)
}

// Revoke ends all links and cookies of a case, those of lost phones too.
func (d *Desk) Revoke(tx *db.Tx, caseID id.ID) error {
	if _, err := tx.Exec(`UPDATE case_link SET revoked_at = $1 WHERE case_id = $2 AND revoked_at IS NULL`, db.Millis(tx.Now()), caseID); err != nil {
		return fmt.Errorf("revoke links: %w", err)
	}
	return nil
}

// RecoverLink makes a new link for whoever knows both the number of a case and
// the phone number left with it; older links end. The phone is compared by its
// blind index, nothing is opened. Code: case.phone_unknown.
func (d *Desk) RecoverLink(tx *db.Tx, number, phone string) (string, Case, error) {
	n, err := ParseNumber(number)
	if err != nil {
		return "", Case{}, ErrPhoneUnknown
	}
	p, err := tidyPhone(phone)
	if err != nil || p == "" {
		return "", Case{}, ErrPhoneUnknown
	}
	c, err := one(tx.Row(`SELECT `+prefixed+` FROM cases c JOIN case_party p ON p.case_id = c.id WHERE c.number = $1 AND p.phone_index = $2`,
		n, d.seal.Index(phoneKind, p)))
	if errors.Is(err, ErrMissing) {
		return "", Case{}, ErrPhoneUnknown
	}
	if err != nil {
		return "", Case{}, err
	}
	if err := d.Revoke(tx, c.ID); err != nil {
		return "", Case{}, err
	}
	secret, err := d.NewLink(tx, c.ID)
	return secret, c, err
}
