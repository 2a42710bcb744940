package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// The second factor is a time-based code (RFC 6238: six digits, 30 seconds,
// SHA-1, which is what authenticator apps understand).
const (
	codePeriod = 30
	secretSize = 20
	// drift is how many periods a phone's clock may be off.
	drift = 1

	recoveryCodes = 8
	recoveryChars = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ" // 32, without look-alikes: five bits each
	recoverySize  = 12
)

// Sealer encrypts fields with a key outside the database (kit/seal).
type Sealer interface {
	Seal(plain, associated []byte) ([]byte, error)
	Open(sealed, associated []byte) ([]byte, error)
}

// codeStep finds the period in which a code is right and which was not used
// before. A code that was used, or an older one, is wrong: nobody who looked
// over a shoulder can use it again.
func codeStep(secret []byte, code string, now time.Time, used int64) (step int64, ok bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(code) != 6 {
		return 0, false
	}
	present := now.Unix() / codePeriod
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	for s := present - drift; s <= present+drift; s++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > used {
			step, ok = s, true
		}
	}
	return step, ok
}

// factorURL is what an authenticator app reads from the QR code.
func factorURL(issuer, account string, secret []byte) string {
	q := url.Values{}
	q.Set("secret", base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))
	q.Set("issuer", issuer)
	q.Set("algorithm", "SHA1")
	q.Set("digits", "6")
	q.Set("period", fmt.Sprint(codePeriod))
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + q.Encode()
}

// newRecoveryCodes makes one-time codes for a lost phone out of random bytes,
// and the hashes to keep. 60 random bits need no slow hash.
func newRecoveryCodes(random []byte) (codes, hashes []string) {
	for i := range recoveryCodes {
		var b strings.Builder
		for j, r := range random[i*recoverySize : (i+1)*recoverySize] {
			if j > 0 && j%4 == 0 {
				b.WriteByte('-')
			}
			b.WriteByte(recoveryChars[r%32])
		}
		codes = append(codes, b.String())
		hashes = append(hashes, recoveryHash(b.String()))
	}
	return codes, hashes
}

func recoveryHash(code string) string {
	folded := strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(strings.TrimSpace(code)))
	sum := sha256.Sum256([]byte("recovery " + folded))
	return hex.EncodeToString(sum[:])
}

// tokenHash is how a secret that the program made itself is kept: 256 random
// bits need no slow hash.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
