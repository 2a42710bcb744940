package casework

import (
	"strings"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
)

// ErrNumber says that a text is no case number, or that a character of it was
// misread or two were swapped.
var ErrNumber = fault.New(fault.Invalid, "case.bad_number")

// alphabet has no look-alikes: no 0 and O, no 1, I and L. Its length is a
// prime, which is what makes the check character find every single wrong
// character and every swap of neighbours.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

const (
	dateDigits  = 8
	randomChars = 7
)

// numberOf builds the case number (案件编号) of a day in the district's zone: the
// date, seven random characters and a check character, "20261124-K7P2M9X-R".
// A number is for people; it opens nothing by itself.
func numberOf(day time.Time, random []byte) string {
	var b strings.Builder
	b.WriteString(day.Format("20060102"))
	for i := range randomChars {
		b.WriteByte(alphabet[int(random[i])%len(alphabet)])
	}
	body := b.String()
	return body[:dateDigits] + "-" + body[dateDigits:] + "-" + string(alphabet[checkOf(body)])
}

// checkOf is the weighted sum of the characters modulo 31. Neighbours differ in
// weight by one and every weight is less than 31, so one wrong character or two
// swapped ones always change it.
func checkOf(body string) int {
	sum := 0
	for i := range len(body) {
		sum += (i + 2) * valueOf(body[i])
	}
	return (len(alphabet) - sum%len(alphabet)) % len(alphabet)
}

// valueOf gives a digit of the date its own value and a character of the
// alphabet its place in it; within each part the values differ.
func valueOf(c byte) int {
	if i := strings.IndexByte(alphabet, c); i >= 0 {
		return i
	}
	return int(c-'0') + 29 // 0 and 1 stand only in the date: 29 and 30
}

// ParseNumber reads a case number as people write it: in small letters, with
// spaces or without hyphens. It gives the form that is stored.
func ParseNumber(s string) (string, error) {
	s = strings.NewReplacer("-", "", " ", "", "－", "", "—", "").Replace(strings.ToUpper(strings.TrimSpace(s)))
	bad := ErrNumber.With("number", clip(s, 24))
	if len(s) != dateDigits+randomChars+1 {
		return "", bad
	}
	for i := range len(s) {
		if i < dateDigits && (s[i] < '0' || s[i] > '9') || i >= dateDigits && strings.IndexByte(alphabet, s[i]) < 0 {
			return "", bad
		}
	}
	body := s[:len(s)-1]
	if alphabet[checkOf(body)] != s[len(s)-1] {
		return "", bad
	}
	return body[:dateDigits] + "-" + body[dateDigits:] + "-" + s[len(s)-1:], nil
}

// newNumber makes a number that no case has yet.
func newNumber(tx *db.Tx, zone *time.Location) (string, error) {
	for {
		n := numberOf(tx.Now().In(zone), tx.Random(randomChars))
		var there int64
		err := tx.Row(`SELECT COUNT(*) FROM cases WHERE number = $1`, n).Scan(&there)
		if err != nil || there == 0 {
			return n, err
		}
	}
}
