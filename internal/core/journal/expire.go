package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// ExpireKind is the act of ending bodies whose term is over; its facts name
// them. Unlike an erasure it is on no list outside the database: a restored
// copy is too old by the same terms, and the next run ends it again.
const ExpireKind = "journal.expire"

// expiry are the facts of an ExpireKind entry.
type expiry struct {
	Class   string  `json:"class"`
	Numbers []int64 `json:"numbers"`
}

// ExpireCase ends the bodies of the given class on a case's timeline, salts with
// them, and adds the entry that says so. It gives how many bodies went.
func ExpireCase(tx *db.Tx, by By, caseID id.ID, class string, at Sight) (int, error) {
	return expire(tx, Entry{Kind: ExpireKind, Subject: caseID, Case: caseID, By: by, Sight: at, Class: "journal"}, class,
		`SELECT b.number FROM journal_entry e JOIN journal_body b ON b.number = e.number WHERE e.case_id = $1 AND b.class = $2 ORDER BY b.number`, caseID, class)
}

// ExpireClass ends up to limit bodies of a class that were recorded before a
// time, oldest first, and gives how many went. It is for classes whose term
// begins when a thing is recorded; what hangs on a case ends with ExpireCase.
func ExpireClass(tx *db.Tx, by By, class string, before time.Time, limit int) (int, error) {
	last, err := LastBefore(tx, before)
	if err != nil {
		return 0, err
	}
	return expire(tx, Entry{Kind: ExpireKind, Subject: tx.NewID(), By: by, Class: "journal"}, class,
		`SELECT number FROM journal_body WHERE class = $1 AND number <= $2 ORDER BY number LIMIT $3`, class, last, limit)
}

// CountClass says how many bodies of a class were recorded before a time.
func CountClass(tx *db.Tx, class string, before time.Time) (n int, err error) {
	last, err := LastBefore(tx, before)
	if err != nil {
		return 0, err
	}
	err = tx.Row(`SELECT COUNT(*) FROM journal_body WHERE class = $1 AND number <= $2`, class, last).Scan(&n)
	return n, err
}

// Classes lists the classes of the bodies that are there.
func Classes(tx *db.Tx) ([]string, error) {
	// One step down the index for each class, whatever their number of bodies.
	var out []string
	last := ""
	for {
		var next string
		err := tx.Row(`SELECT class FROM journal_body WHERE class > $1 ORDER BY class LIMIT 1`, last).Scan(&next)
		if errors.Is(err, db.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the classes of bodies: %w", err)
		}
		out, last = append(out, next), next
	}
}

// LastBefore is the number of the last entry recorded before a time: numbers
// follow the commits, so a search by halves finds it.
func LastBefore(tx *db.Tx, before time.Time) (int64, error) {
	high, err := Head(tx)
	if err != nil {
		return 0, err
	}
	low, limit := int64(0), before.UnixMilli()
	for low < high {
		middle := (low + high + 1) / 2
		var at int64
		if err := tx.Row(`SELECT recorded_at FROM journal_entry WHERE number = $1`, middle).Scan(&at); err != nil {
			return 0, fmt.Errorf("read the time of entry %d: %w", middle, err)
		}
		if at < limit {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// expire deletes the bodies that a query finds and adds the entry.
func expire(tx *db.Tx, e Entry, class, q string, args ...any) (int, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return 0, fmt.Errorf("find bodies to end: %w", err)
	}
	facts := expiry{Class: class}
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			rows.Close()
			return 0, fmt.Errorf("find bodies to end: %w", err)
		}
		facts.Numbers = append(facts.Numbers, n)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("find bodies to end: %w", err)
	}
	if len(facts.Numbers) == 0 {
		return 0, nil
	}
	for _, n := range facts.Numbers {
		if _, err := tx.Exec(`DELETE FROM journal_body WHERE number = $1`, n); err != nil {
			return 0, fmt.Errorf("end body %d: %w", n, err)
		}
	}
	e.Facts = facts
	Add(tx, e)
	return len(facts.Numbers), nil
}

// expired reads which bodies an entry ended.
func expired(facts string) []int64 {
	var e expiry
	if json.Unmarshal([]byte(facts), &e) != nil {
		return nil
	}
	return e.Numbers
}
