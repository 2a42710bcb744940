package place

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"onegrid/internal/kit/pinyin"
)

// maxQuery bounds a query, in characters.
const maxQuery = 60

// A query is cut like a name, and each run of letters is read as pinyin: as
// whole syllables, as first letters, or as a mix (madiancun, mdc, madianc). One
// run can be read in several ways; each is tried.

// piece is one token that a query asks for.
type piece struct {
	text string
	is   pieceKind
	read pinyin.Syllable // of a character: its usual reading; of a syllable: that
	more []pinyin.Syllable
	last bool // the user may still be typing it
}

// first is the bit of the piece's first letter; 0 where it may be several.
func (p piece) first() uint64 {
	switch {
	case p.is == pieceWild, p.is == pieceChar && len(p.more) != 1:
		return 0
	case p.is == pieceChar:
		return letterBit(p.read.String()[0])
	}
	return letterBit(p.text[0])
}

// ends are the bits of which a token that the piece fits has one.
func (p piece) ends() uint64 {
	switch p.is {
	case pieceChar:
		if len(p.more) == 0 {
			return unread
		}
		bits := endBit(p.read)
		for _, v := range p.more {
			bits |= endBit(v)
		}
		return bits
	case pieceWhole:
		if p.last {
			return endBit(p.read) | letterBit(p.text[0])
		}
		return endBit(p.read)
	case pieceWild:
		return ^uint64(0)
	}
	if b := letterBit(p.text[0]); b != 0 {
		return b
	}
	return ^uint64(0)
}

type pieceKind uint8

const (
	pieceChar   pieceKind = iota // a Chinese character
	pieceDigits                  // a number
	pieceWhole                   // a whole syllable
	piecePart                    // the beginning of one, mostly its first letter
	pieceWild                    // letters with a mistake in them
)

// reading is one way to read a query.
type reading struct {
	pieces []piece
	char   bits   // characters and digits that must be there
	sound  bits   // classes of syllables that must be there
	alike  bits   // the same, of the characters too
	digit  bits   // numbers that must be there: no mistake is forgiven in one
	pair   bits   // first letters that must follow each other
	letter uint64 // first letters that must be there
	wild   int    // how many of the pieces hold a mistake
}

// readings bounds how many ways one query is read.
const maxReadings = 24

// read gives the ways in which a query can be read, those without a mistake or,
// with wrong, those with one among its letters.
func read(q string, wrong bool) []reading {
	ways := [][]piece{nil}
	for _, text := range cut(fold(q)) {
		var next [][]piece
		for _, more := range piecesOf(text, wrong) {
			for _, w := range ways {
				if len(next) < maxReadings {
					next = append(next, append(slices.Clone(w), more...))
				}
			}
		}
		ways = next
	}
	var out []reading
	for _, w := range ways {
		if len(w) == 0 {
			continue
		}
		r := reading{pieces: w}
		w[len(w)-1].last = true
		for i, p := range w {
			if i > 0 {
				if a, b := w[i-1].first(), p.first(); a != 0 && b != 0 {
					r.pair.add(pairBits(a, b))
				}
			}
			switch p.is {
			case pieceChar:
				r.char.add(bitOf(hashOf(p.text)))
				r.alike.add(soundBit(p.read))
			case pieceDigits:
				if b := bitOf(hashOf(p.text)); !p.last { // 1 may become 12
					r.char.add(b)
					r.alike.add(b)
					r.digit.add(b)
				}
				r.letter |= letterBit(p.text[0])
			case pieceWhole:
				if p.last { // ma may become man
					r.letter |= letterBit(p.text[0])
					break
				}
				r.sound.add(soundBit(p.read))
			case piecePart:
				r.letter |= letterBit(p.text[0])
			case pieceWild:
				r.wild++
			}
		}
		r.alike.add(r.sound)
		if (r.wild > 0) == wrong && r.wild <= 1 {
			out = append(out, r)
		}
	}
	return out
}

// piecesOf reads one token of a query.
func piecesOf(text string, wrong bool) [][]piece {
	first, _ := utf8.DecodeRuneInString(text)
	switch {
	case unicode.Is(unicode.Han, first):
		p := piece{text: text, is: pieceChar}
		if list := pinyin.Of([]rune{first})[0]; len(list) > 0 {
			p.read, p.more = list[0], list
		}
		return [][]piece{{p}}
	case first >= '0' && first <= '9':
		return [][]piece{{{text: text, is: pieceDigits}}}
	case len(text) > 40:
		return [][]piece{{{text: text, is: piecePart}}}
	}
	out := spell(text)
	if wrong {
		out = append(out, misspelt(text)...)
	}
	return out
}

// spell reads letters as syllables and first letters, in as few pieces as
// possible first; a few ways at most.
func spell(text string) [][]piece {
	n := len(text)
	// best[i] are the ways to read text[i:], fewest pieces first.
	const keep = 4
	best := make([][][]piece, n+1)
	best[n] = [][]piece{nil}
	for i := n - 1; i >= 0; i-- {
		var ways [][]piece
		for k := 1; k <= min(pinyin.Longest(), n-i); k++ {
			p, ok := pieceAt(text[i:i+k], i+k == n)
			if !ok {
				continue
			}
			for _, rest := range best[i+k] {
				ways = append(ways, append([]piece{p}, rest...))
			}
		}
		slices.SortStableFunc(ways, func(a, b []piece) int { return len(a) - len(b) })
		best[i] = ways[:min(len(ways), keep)]
	}
	ways := slices.Clone(best[0])
	// As nothing but first letters, where none of the ways above is that.
	if n >= 2 && n <= 12 && !slices.ContainsFunc(ways, func(w []piece) bool { return len(w) == n }) {
		letters := make([]piece, n)
		for i := range n {
			letters[i] = piece{text: text[i : i+1], is: piecePart}
		}
		ways = append(ways, letters)
	}
	if len(ways) == 0 {
		ways = [][]piece{{{text: text, is: piecePart}}}
	}
	return ways
}

// pieceAt reads letters as one piece: a syllable, a first letter (zh, ch, sh
// too), or, at the end of what was typed so far, the beginning of a syllable.
func pieceAt(s string, end bool) (piece, bool) {
	if v, ok := pinyin.Find(s); ok && len(s) > 1 {
		return piece{text: s, is: pieceWhole, read: v}, true
	}
	switch {
	case len(s) == 1, s == "zh", s == "ch", s == "sh":
		return piece{text: s, is: piecePart}, true
	case end && begins(s):
		return piece{text: s, is: piecePart}, true
	}
	return piece{}, false
}

// begins says whether some syllable begins so.
func begins(s string) bool {
	for _, end := range []string{"a", "e", "i", "o", "u", "n", "g", "ng", "ang", "eng", "ong", "ing", "an", "en", "in", "un", "ao", "ai", "ei", "ian", "iang", "uang"} {
		if _, ok := pinyin.Find(s + end); ok {
			return true
		}
	}
	return false
}

// misspelt reads letters with one mistake: syllables around a piece that is one
// letter away from a syllable.
func misspelt(text string) [][]piece {
	if len(text) < 4 {
		return nil
	}
	whole := func(s string) []piece {
		if s == "" {
			return []piece{}
		}
		for _, w := range spell(s) {
			if !slices.ContainsFunc(w, func(p piece) bool { return p.is != pieceWhole }) {
				return w
			}
		}
		return nil
	}
	var out [][]piece
	for i := 0; i <= len(text); i++ {
		before := whole(text[:i])
		if before == nil {
			continue
		}
		for j := i + 1; j <= min(len(text), i+7); j++ {
			after := whole(text[j:])
			if after == nil || len(before)+len(after) == 0 {
				continue
			}
			if _, right := pinyin.Find(text[i:j]); right {
				continue // no mistake there
			}
			out = append(out, append(append(slices.Clone(before), piece{text: text[i:j], is: pieceWild}), after...))
		}
	}
	if len(out) > maxReadings {
		slices.SortStableFunc(out, func(a, b []piece) int { return len(b) - len(a) })
		out = out[:maxReadings]
	}
	return out
}

// oneAway says whether a and b differ by one letter: another one, one too many,
// one missing, or two neighbours swapped.
func oneAway(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		if i == len(a) {
			return true
		}
		return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	}
	return a[i:] == b[i+1:]
}

// What a match of one piece with one token costs; none means no match.
const none = 1 << 20

const (
	costSecond  = 1  // another reading than the usual one
	costPart    = 1  // first letter only
	costTyping  = 3  // a number of which only the beginning stands there
	costAlike   = 9  // sounds alike to many
	costSame    = 7  // another character with the same sound
	costWild    = 11 // letters with a mistake
	costMistake = 13 // a character wrong, too many, or two swapped
)

// match is what it costs to take a piece of a query for a token of a name.
func match(p *piece, t *token) int {
	switch p.is {
	case pieceChar:
		if p.text == t.text {
			return 0
		}
		if len(t.read) == 0 {
			return none
		}
		for _, v := range p.more {
			if slices.Contains(t.read, v) {
				return costSame
			}
		}
		for _, v := range t.read {
			if v.Class() == p.read.Class() {
				return costAlike
			}
		}
	case pieceDigits:
		switch {
		case !t.digit:
		case p.text == t.text:
			return 0
		case p.last && strings.HasPrefix(t.text, p.text):
			return costTyping
		}
	case pieceWhole:
		for i, v := range t.read {
			if v == p.read {
				return min(i, 1) * costSecond
			}
		}
		if p.last {
			for _, s := range t.spelt {
				if len(t.read) > 0 && strings.HasPrefix(s, p.text) {
					return costPart
				}
			}
		}
		for _, v := range t.read {
			if v.Class() == p.read.Class() {
				return costAlike
			}
		}
	case piecePart:
		for i, s := range t.spelt {
			if strings.HasPrefix(s, p.text) {
				return costPart + min(i, 1)*costSecond
			}
		}
	case pieceWild:
		for _, s := range t.spelt {
			if len(t.read) > 0 && oneAway(p.text, s) {
				return costWild
			}
		}
	}
	return none
}
