package pdf

import (
	"strings"
	"unicode"
)

// What no line may begin with, and what none may end with (避头尾).
const (
	closing = "，。、；：？！）》」』】〕〉”’…—·％%,.;:?!)]}>"
	opening = "（《「『【〔〈“‘([{<"
)

// Lines breaks a text into lines of a width. Chinese breaks between any two
// characters, letters and digits stay together unless a single word is wider
// than a line. What it gives, put together, is the text again, but for the
// spaces at the breaks.
func Lines(text string, most float64, width func(string) float64) []string {
	var out []string
	for para := range strings.SplitSeq(text, "\n") {
		out = append(out, fill(strings.TrimRight(para, " "), most, width)...)
	}
	return out
}

func fill(para string, most float64, width func(string) float64) []string {
	if para == "" {
		return []string{""}
	}
	var out []string
	line, has := "", 0.0
	for _, p := range pieces(para) {
		w := width(p)
		switch {
		case has+w <= most || line == "" && w <= most:
			line, has = line+p, has+w
			continue
		case line != "" && width(strings.TrimRight(p, " "))+has <= most:
			out = append(out, line+strings.TrimRight(p, " "))
			line, has = "", 0
			continue
		}
		if line != "" {
			out = append(out, strings.TrimRight(line, " "))
		}
		// The piece begins a line; one that is too wide is cut.
		line, has = "", 0
		for _, r := range strings.TrimLeft(p, " ") {
			c := width(string(r))
			if has+c > most && line != "" {
				out = append(out, line)
				line, has = "", 0
			}
			line, has = line+string(r), has+c
		}
	}
	if strings.TrimSpace(line) != "" || len(out) == 0 {
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

// pieces cuts a text into what must stand on one line: a character with the
// marks that belong to it, or a word.
func pieces(s string) []string {
	var out []string
	glue := false // the next character belongs to the last piece
	word := false // the last piece is a word that goes on
	for _, r := range s {
		letter := !wide(r) && r != ' '
		switch {
		case len(out) == 0:
			out = append(out, string(r))
		case glue, word && letter, strings.ContainsRune(closing, r), r == ' ':
			out[len(out)-1] += string(r)
		default:
			out = append(out, string(r))
		}
		glue = strings.ContainsRune(opening, r)
		word = letter
	}
	return out
}

// wide says whether a line may break beside a character: Chinese, its marks, and
// other characters as wide.
func wide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef ||
		r >= 0x2010 && r <= 0x2027 || r >= 0x2460 && r <= 0x27bf
}
