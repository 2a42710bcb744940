package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
)

// Cost is what one password hash takes (argon2id). The default was measured at
// 42 ms on the small machine this is meant for (notes/storage.md).
type Cost struct {
	Time    uint32
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost is the recommended argon2id setting for interactive sign-in.
var DefaultCost = Cost{Time: 2, Memory: 19 * 1024, Threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
	// maxPassword keeps long inputs from becoming work.
	maxPassword = 200
	// minPassword is the least number of characters of a password.
	minPassword = 10
	// atOnce is how many passwords of strangers are hashed at a time, and
	// waiting how many may queue: each takes 19 MiB and a core. Known browsers
	// have a place of their own, so that strangers who fill the queue do not
	// keep the owners of accounts out.
	atOnce      = 2
	atOnceKnown = 1
	waiting     = 64
)

// hasher hashes passwords, a few at a time. It is never called inside a write
// transaction (DESIGN.md section 5).
type hasher struct {
	cost             Cost
	strangers, known lane
	dummy            string // stands in for accounts that do not exist
}

// lane is one queue with its places.
type lane struct{ queue, gate *semaphore.Weighted }

func newLane(places int64) lane {
	return lane{semaphore.NewWeighted(waiting), semaphore.NewWeighted(places)}
}

func newHasher(cost Cost) (*hasher, error) {
	h := &hasher{cost: cost, strangers: newLane(atOnce), known: newLane(atOnceKnown)}
	var nobody [24]byte
	if _, err := rand.Read(nobody[:]); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	var err error
	h.dummy, err = h.hash(context.Background(), base64.RawStdEncoding.EncodeToString(nobody[:]))
	return h, err
}

// take waits for a place. Code: access.busy.
func (l lane) take(ctx context.Context) (release func(), err error) {
	if !l.queue.TryAcquire(1) {
		return nil, ErrBusy
	}
	if err := l.gate.Acquire(ctx, 1); err != nil {
		l.queue.Release(1)
		return nil, err
	}
	return func() { l.gate.Release(1); l.queue.Release(1) }, nil
}

// hash makes the stored form of a password. Only holders of a link or a session
// choose one.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.known.take(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	var salt [saltBytes]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", fmt.Errorf("random bytes: %w", err)
	}
	c := h.cost
	sum := argon2.IDKey([]byte(password), salt[:], c.Time, c.Memory, c.Threads, hashBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads,
		b64.EncodeToString(salt[:]), b64.EncodeToString(sum)), nil
}

// matches says whether a password belongs to a stored form. Without one it does
// the same work and says no, so that an unknown account takes as long as a
// known one. lane is where to wait.
func (h *hasher) matches(ctx context.Context, lane lane, stored, password string) (bool, error) {
	exists := stored != ""
	if !exists {
		stored = h.dummy
	}
	if len(password) > maxPassword {
		password = password[:maxPassword]
		exists = false
	}
	var version int
	var c Cost
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("a stored password has an unknown form")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("a stored password has an unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil || c.Memory > 1<<20 || c.Time > 16 || c.Time < 1 || c.Threads < 1 {
		return false, fmt.Errorf("a stored password has unknown costs")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, fmt.Errorf("a stored password is broken")
	}
	release, err := lane.take(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	got := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && exists, nil
}

// checkPassword refuses passwords that are guessed first. Length counts more
// than kinds of characters; nothing is demanded that makes people write it
// down. Code: access.weak_password with the reason as its field's code.
func checkPassword(password, name string) error {
	bad := func(why string) error {
		return ErrPassword.With("min", minPassword).At("body.password", why, "min", minPassword, "max", maxPassword)
	}
	if !utf8.ValidString(password) || len(password) > maxPassword {
		return bad("access.password_too_long")
	}
	if utf8.RuneCountInString(password) < minPassword {
		return bad("access.password_too_short")
	}
	folded := strings.ToLower(password)
	if len(name) >= 3 && strings.Contains(folded, name) {
		return bad("access.password_has_name")
	}
	different := map[rune]bool{}
	steps := map[rune]int{}
	var last rune
	for i, r := range []rune(folded) {
		if unicode.IsControl(r) {
			return bad("access.password_too_simple")
		}
		different[r] = true
		if i > 0 {
			steps[r-last]++
		}
		last = r
	}
	n := utf8.RuneCountInString(folded)
	if len(different) < 5 {
		return bad("access.password_too_simple")
	}
	for _, count := range steps { // 1234567890, abcdefghij, aaaaaaaaab
		if count >= n*3/4 {
			return bad("access.password_too_simple")
		}
	}
	rest := folded
	for _, common := range commonPasswords {
		rest = strings.ReplaceAll(rest, common, "")
	}
	if rest != folded && utf8.RuneCountInString(rest) < 5 {
		return bad("access.password_too_simple")
	}
	return nil
}

// commonPasswords are stems that lead every list of stolen passwords, here and
// abroad, longer ones first. A password needs at least five characters beside
// them.
var commonPasswords = []string{
	"administrator", "qwertyuiop", "1234567890", "asdfghjkl", "password", "passw0rd", "p@ssw0rd", "iloveyou", "1qaz2wsx", "1q2w3e4r",
	"zxcvbnm", "welcome", "5201314", "onegrid", "qwerty", "letmein", "qazwsx", "abc123", "123456", "123123", "111111", "888888", "666666",
	"woaini", "yiwang", "wangge", "admin", "jinan", "1234", "123", "2025", "2026", "2027",
}
