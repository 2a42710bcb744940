package access

import (
	"fmt"
	"time"

	"onegrid/internal/kit/db"
)

// EndDevices forgets devices that nobody has signed in from since a time,
// one-time links that are long over and shared devices that were ended before it,
// up to limit of each, and says how many. With
// count it only counts.
func (a *Access) EndDevices(tx *db.Tx, before time.Time, limit int, count bool) (int, error) {
	total := 0
	for _, q := range []struct{ table, key, at string }{{"access_device", "hash", "seen"}, {"access_enrolment", "hash", "expires"}, {"access_shared", "id", "revoked"}} {
		over := ` FROM ` + q.table + ` WHERE ` + q.at + ` < $1`
		if count {
			var n int
			if err := tx.Row(`SELECT COUNT(*)`+over, db.Millis(before)).Scan(&n); err != nil {
				return total, fmt.Errorf("count %s: %w", q.table, err)
			}
			total += n
			continue
		}
		n, err := tx.Exec(`DELETE FROM `+q.table+` WHERE `+q.key+` IN (SELECT `+q.key+over+` LIMIT $2)`, db.Millis(before), limit)
		if err != nil {
			return total, fmt.Errorf("end %s: %w", q.table, err)
		}
		total += int(n)
	}
	return total, nil
}

// EndAccounts empties accounts that were disabled before a time: sign-in name,
// password, factors, number, passkeys and identities go, the row stays so that its id is never given again.
func (a *Access) EndAccounts(tx *db.Tx, before time.Time, limit int, count bool) (int, error) {
	const over = ` FROM access_account WHERE disabled < $1 AND (password IS NOT NULL OR totp IS NOT NULL OR pin IS NOT NULL OR name NOT LIKE 'ended-%'
		OR EXISTS (SELECT 1 FROM access_passkey k WHERE k.account = access_account.id) OR EXISTS (SELECT 1 FROM access_identity i WHERE i.account = access_account.id))`
	if count {
		var n int
		if err := tx.Row(`SELECT COUNT(*)`+over, db.Millis(before)).Scan(&n); err != nil {
			return 0, fmt.Errorf("count ended accounts: %w", err)
		}
		return n, nil
	}
	found, err := accounts(tx, `id IN (SELECT id`+over+` ORDER BY disabled, id LIMIT $2)`, db.Millis(before), limit)
	if err != nil {
		return 0, err
	}
	for _, one := range found {
		if _, err := tx.Exec(`UPDATE access_account SET name = $1, password = NULL, totp = NULL, recovery = NULL, pin = NULL, version = version + 1 WHERE id = $2`,
			"ended-"+one.ID.String(), one.ID); err != nil {
			return 0, fmt.Errorf("end account: %w", err)
		}
		for _, table := range []string{"access_passkey", "access_identity", "access_pending", "access_device"} {
			if _, err := tx.Exec(`DELETE FROM `+table+` WHERE account = $1`, one.ID); err != nil {
				return 0, fmt.Errorf("end account: %w", err)
			}
		}
	}
	return len(found), nil
}

// Ended is what is kept of the days on which rights were used and of the rounds
// in which they were reviewed, for as long as access is remembered (retention
// class access_log).
func Ended() []db.Ended {
	return []db.Ended{
		{Table: "access_used", Key: "person, post, day", At: "day"},
		{Table: "access_review_row", Key: "id", At: "opened"},
		{Table: "access_review", Key: "id", At: "opened"},
	}
}
