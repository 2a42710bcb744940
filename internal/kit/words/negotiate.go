package words

import (
	"strconv"
	"strings"
)

// Negotiate picks the language of a reader from an Accept-Language header (RFC
// 9110 section 12.5.4). Any Chinese is our Chinese and any English our English;
// with nothing that we speak it is the first of Languages.
func Negotiate(header string) Language {
	best, weight := Languages[0], 0.0
	for i, part := range strings.Split(header, ",") {
		if i == 20 {
			break // nobody speaks more; a longer list is an attack
		}
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		l, ok := spoken(tag)
		if ok && q > weight && q <= 1 {
			best, weight = l, q
		}
	}
	return best
}

// Parse reads a language tag such as an account's setting.
func Parse(tag string) (Language, bool) { return spoken(tag) }

func spoken(tag string) (Language, bool) {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	switch base {
	case "zh":
		return Chinese, true
	case "en":
		return English, true
	default:
		return "", false
	}
}
