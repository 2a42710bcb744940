package place

import (
	mathbits "math/bits"
	"strings"
	"unicode"

	"onegrid/internal/kit/pinyin"
)

// A name is cut into tokens: one Chinese character, one run of digits, one run
// of letters. Digits are a token so that 12号 is not found in 112号, and so that
// no mistake is forgiven in a house number: another number is another house.

// token is one token of a name as it stands in the index.
type token struct {
	text  string
	read  []pinyin.Syllable // of a Chinese character, the usual one first
	spelt []string          // the readings as they are typed
	digit bool
	weak  bool // tells what it is rather than which: 村, 路, 号
	// What the signatures keep of it.
	char, sound bits
	letter      uint64
	end         uint64
}

// bits are a signature: one bit for each thing that is there.
type bits [2]uint64

func (b *bits) add(o bits) { b[0] |= o[0]; b[1] |= o[1] }

// lacks says whether something of want is not there.
func (b bits) lacks(want bits) bool { return want[0]&^b[0]|want[1]&^b[1] != 0 }

// lacking counts what of want is not there.
func (b bits) lacking(want bits) int {
	return mathbits.OnesCount64(want[0]&^b[0]) + mathbits.OnesCount64(want[1]&^b[1])
}

// bitOf spreads a number over the 128 bits.
func bitOf(h uint64) (b bits) {
	h *= 0x9e3779b97f4a7c15
	h >>= 57
	b[h>>6] = 1 << (h & 63)
	return b
}

// soundBit is the bit of a syllable's class.
func soundBit(s pinyin.Syllable) bits {
	if s == 0 {
		return bits{}
	}
	return bitOf(uint64(s.Class()) + 1<<32)
}

// endBit is the bit of a syllable's class among those of a name's own tokens: the
// bits that letterBit leaves.
func endBit(s pinyin.Syllable) uint64 {
	return 1 << (36 + uint64(s.Class())%28)
}

// unread is the bit of a character that no reading is known of.
const unread = 1 << 63

// pairBits are the bits of every first letter of a followed by one of b.
func pairBits(a, b uint64) (out bits) {
	for x := a; x != 0; x &= x - 1 {
		for y := b; y != 0; y &= y - 1 {
			out.add(bitOf(uint64(mathbits.TrailingZeros64(x))<<8 + uint64(mathbits.TrailingZeros64(y)) + 1<<40))
		}
	}
	return out
}

func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// weak are the characters that say what a thing is.
const weak = "村路街巷道号楼单元室组队区社座栋幢户层院"

// letterBit is the bit of a first letter; of digits one for each.
func letterBit(c byte) uint64 {
	switch {
	case c >= 'a' && c <= 'z':
		return 1 << (c - 'a')
	case c >= '0' && c <= '9':
		return 1 << (26 + c - '0')
	}
	return 0
}

// fold brings a text into one way of writing: narrow letters and digits, lower
// case, # as 号, Chinese numbers before a counting word as digits, 栋 and 幢 after
// a number as 号楼.
func fold(s string) []rune {
	in := []rune(strings.ToLower(strings.Map(narrow, s)))
	out := make([]rune, 0, len(in))
	for i := 0; i < len(in); {
		if n, end := chineseNumber(in, i); end > i {
			out = append(out, []rune(itoa(n))...)
			i = end
			continue
		}
		switch r := in[i]; {
		case r == '#':
			out = append(out, '号')
		case (r == '栋' || r == '幢') && len(out) > 0 && unicode.IsDigit(out[len(out)-1]):
			out = append(out, '号', '楼')
		default:
			out = append(out, r)
		}
		i++
	}
	return out
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

const counting = "号楼单栋幢层室组队户排座"

// chineseNumber reads 一 to 九百九十九 when a counting word follows at once.
func chineseNumber(in []rune, at int) (n, end int) {
	part, i, seen := 0, at, false
	for ; i < len(in); i++ {
		if d := strings.IndexRune("一二三四五六七八九", in[i]); d >= 0 {
			part = d/3 + 1
		} else if in[i] == '十' {
			n += max(part, 1) * 10
			part = 0
		} else if in[i] == '百' && seen {
			n += part * 100
			part = 0
		} else if in[i] == '〇' || in[i] == '零' {
			part = 0
		} else {
			break
		}
		seen = true
	}
	if !seen || i == len(in) || !strings.ContainsRune(counting, in[i]) {
		return 0, at
	}
	// 第一 is a name, not a count.
	if at > 0 && in[at-1] == '第' {
		return 0, at
	}
	return n + part, i
}

// cut cuts a folded text into the runs of its tokens.
func cut(in []rune) []string {
	var out []string
	for i := 0; i < len(in); {
		r := in[i]
		switch {
		case unicode.Is(unicode.Han, r):
			out = append(out, string(r))
			i++
		case r >= '0' && r <= '9':
			j := run(in, i, func(r rune) bool { return r >= '0' && r <= '9' })
			out = append(out, string(in[i:j]))
			i = j
		case unicode.IsLetter(r):
			j := run(in, i, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Han, r) })
			out = append(out, string(in[i:j]))
			i = j
		default:
			i++
		}
	}
	return out
}

func run(in []rune, i int, is func(rune) bool) int {
	for i < len(in) && is(in[i]) {
		i++
	}
	return i
}

// tokenOf makes ready what the index keeps of a token. Of a character with
// several readings all count.
func tokenOf(text string) token {
	t := token{text: text, char: bitOf(hashOf(text))}
	r := []rune(text)
	switch {
	case unicode.Is(unicode.Han, r[0]):
		t.weak = strings.ContainsRune(weak, r[0])
		t.read = pinyin.Of(r)[0]
		for _, s := range t.read {
			t.sound.add(soundBit(s))
			t.spelt = append(t.spelt, s.String())
			t.letter |= letterBit(s.String()[0])
			t.end |= endBit(s)
		}
		if len(t.read) == 0 {
			t.end = unread
		}
	default:
		t.digit = r[0] >= '0' && r[0] <= '9'
		t.sound = t.char
		t.letter = letterBit(text[0])
		if !t.digit {
			t.spelt = []string{text}
		}
	}
	t.end |= t.letter
	return t
}
