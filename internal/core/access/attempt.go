package access

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"onegrid/internal/kit/db"
)

// How attempts are slowed down (锁定), and why nobody can lock another out:
//
//   - A browser in which the owner has signed in before carries a device cookie.
//     Its failures are counted under the device and nothing else, so no attempt
//     from elsewhere makes the owner wait there.
//   - Any other browser is counted under the pair of account name and network
//     address: who guesses an account from one address slows only that pair.
//   - Beside it, failures of an address over all names are counted with a wide
//     limit and a short wait, against trying one password on every account
//     without punishing a shared address for long.
//   - A wait is a delay, never a lock that somebody must lift, and it ends by
//     itself. Names that do not exist are counted alike.
//
// Keys are hashed: the table tells nobody's name or address.
const (
	freeFailures    = 5
	firstWait       = 2 * time.Second
	longestWait     = 15 * time.Minute
	addressFailures = 60
	addressWait     = time.Minute
	forgetFailures  = 24 * time.Hour
)

type attemptKey struct {
	hash    [32]byte
	free    int64
	longest time.Duration
}

func keyOf(free int64, longest time.Duration, parts ...string) attemptKey {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	k := attemptKey{free: free, longest: longest}
	h.Sum(k.hash[:0])
	return k
}

// attemptKeys says under what an attempt counts.
func attemptKeys(name string, address netip.Addr, device string) []attemptKey {
	if device != "" {
		return []attemptKey{keyOf(freeFailures, longestWait, "device", name, device)}
	}
	where := network(address)
	return []attemptKey{
		keyOf(freeFailures, longestWait, "pair", name, where),
		keyOf(addressFailures, addressWait, "address", where),
	}
}

// network is what counts as one address: an IPv4 address or an IPv6 /64, since
// one line usually has a whole one.
func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// waitFor is the delay after so many failures: none for the first few, then
// doubling.
func (k attemptKey) waitFor(failures int64) time.Duration {
	over := failures - k.free
	if over < 0 {
		return 0
	}
	wait := float64(firstWait) * math.Pow(2, float64(min(over, 40)))
	return time.Duration(math.Min(wait, float64(k.longest)))
}

// held says how long the keys still have to wait.
func held(tx *db.Tx, keys []attemptKey) (time.Duration, error) {
	var longest time.Duration
	for _, k := range keys {
		var until time.Time
		err := tx.Row(`SELECT until FROM access_attempt WHERE key = $1`, k.hash[:]).Scan(db.Time(&until))
		if errors.Is(err, db.ErrNoRows) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read attempts: %w", err)
		}
		longest = max(longest, until.Sub(tx.Now()))
	}
	return longest, nil
}

// failed counts a failure under each key and says how long the next one must
// wait.
func failed(tx *db.Tx, keys []attemptKey) (time.Duration, error) {
	var longest time.Duration
	now := tx.Now()
	for _, k := range keys {
		var failures int64
		err := tx.Row(`INSERT INTO access_attempt (key, failures, last, until) VALUES ($1, 1, $2, $2)
			ON CONFLICT (key) DO UPDATE SET last = excluded.last,
				failures = CASE WHEN access_attempt.last < $3 THEN 1 ELSE access_attempt.failures + 1 END
			RETURNING failures`, k.hash[:], db.Millis(now), db.Millis(now.Add(-forgetFailures))).Scan(&failures)
		if err != nil {
			return 0, fmt.Errorf("count an attempt: %w", err)
		}
		if wait := k.waitFor(failures); wait > 0 {
			longest = max(longest, wait)
			if _, err := tx.Exec(`UPDATE access_attempt SET until = $1 WHERE key = $2`, db.Millis(now.Add(wait)), k.hash[:]); err != nil {
				return 0, fmt.Errorf("count an attempt: %w", err)
			}
		}
	}
	return longest, nil
}

// succeeded forgets the failures of the account's own key. The address keeps
// its count: whoever has one account could otherwise clear it between guesses.
func succeeded(tx *db.Tx, keys []attemptKey) error {
	if _, err := tx.Exec(`DELETE FROM access_attempt WHERE key = $1`, keys[0].hash[:]); err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}
