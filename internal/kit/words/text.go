// Package words holds what the program says, in the languages it speaks:
// zh-CN first, en complete. Every room keeps its own texts beside its code and
// hands them over as a Catalogue.
package words

// Language is a language the program speaks, as a BCP 47 tag.
type Language string

const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// Languages lists what every text must be written in; the first is the one
// used when a reader's language is not known.
var Languages = []Language{Chinese, English}

// Text is one text in both languages, the shape of all editable names.
type Text struct {
	Chinese string `json:"zh-CN"`
	English string `json:"en"`
}

// In gives the text in a language; when that is empty it gives the other.
func (t Text) In(l Language) string {
	first, second := t.Chinese, t.English
	if l == English {
		first, second = second, first
	}
	if first == "" {
		return second
	}
	return first
}
