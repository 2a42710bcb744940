package access

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// ceremonyKept is how long the answer to something begun is waited for.
const ceremonyKept = 5 * time.Minute

// begun keeps what was begun under a secret that only the browser holds.
func begun(tx *db.Tx, kind string, acc id.ID, body any) (token string, err error) {
	return begunFor(tx, kind, acc, body, ceremonyKept)
}

// begunFor is begun for what may take longer or shorter.
func begunFor(tx *db.Tx, kind string, acc id.ID, body any, kept time.Duration) (token string, err error) {
	secret := tokenOf(tx)
	_, err = tx.Exec(`INSERT INTO access_ceremony (hash, kind, account, body, expires) VALUES ($1, $2, $3, $4, $5)`,
		tokenHash(secret), kind, acc, db.JSON(body), db.Millis(tx.Now().Add(kept)))
	if err != nil {
		return "", fmt.Errorf("keep a ceremony: %w", err)
	}
	return secret, nil
}

func tokenOf(tx *db.Tx) string { return token(tx.Random(32)) }

// taken takes what was begun, once: the same answer a second time finds
// nothing. Code: access.begin_again.
func taken(tx *db.Tx, kind, secret string, acc id.ID, body any) error {
	var of id.ID
	err := tx.Row(`DELETE FROM access_ceremony WHERE hash = $1 AND kind = $2 AND expires > $3 RETURNING account, body`,
		tokenHash(secret), kind, db.Millis(tx.Now())).Scan(&of, db.ScanJSON(body))
	if errors.Is(err, db.ErrNoRows) || err == nil && of != acc {
		return ErrCeremony
	}
	if err != nil {
		return fmt.Errorf("take a ceremony: %w", err)
	}
	return nil
}
