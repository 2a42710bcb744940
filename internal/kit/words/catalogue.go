package words

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"onegrid/internal/kit/fault"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// Source is the texts of one room or screen: a folder with words.zh-CN.json and
// words.en.json, each a flat object of key and sentence.
type Source struct {
	Room  string
	Files fs.FS
}

// Catalogue is the texts of all rooms joined. It is not changed after New.
type Catalogue struct {
	texts map[string]Text
	from  map[string]string
}

// ErrTexts says that the texts of the rooms do not fit together; its cause
// lists every finding.
var ErrTexts = fault.New(fault.Internal, "words.texts")

// New joins the texts of the rooms. It refuses a key that two rooms claim or
// one file has twice, a key without a sentence in a language, and a sentence
// whose placeholders differ between the languages; it names all of them.
func New(sources ...Source) (*Catalogue, error) {
	c := &Catalogue{texts: map[string]Text{}, from: map[string]string{}}
	var errs []error
	for _, s := range sources {
		chinese, err := readTexts(s, Chinese)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		english, err := readTexts(s, English)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		keys := maps.Clone(chinese)
		maps.Copy(keys, english)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			t := Text{Chinese: chinese[key], English: english[key]}
			if other, twice := c.from[key]; twice {
				errs = append(errs, fmt.Errorf("%s: key %q is already a key of %s", s.Room, key, other))
				continue
			}
			if err := t.check(key); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", s.Room, err))
			}
			c.texts[key], c.from[key] = t, s.Room
		}
	}
	if len(errs) > 0 {
		return nil, ErrTexts.Because(errors.Join(errs...))
	}
	return c, nil
}

func readTexts(s Source, l Language) (map[string]string, error) {
	name := "words." + string(l) + ".json"
	raw, err := fs.ReadFile(s.Files, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Room, err)
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%s: %s is no JSON object", s.Room, name)
	}
	texts := map[string]string{}
	for d.More() { // by tokens, since a map would hide a key that stands twice
		k, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.Room, name, err)
		}
		key, _ := k.(string)
		var text string
		if err := d.Decode(&text); err != nil {
			return nil, fmt.Errorf("%s: %s: key %q: %w", s.Room, name, key, err)
		}
		if _, twice := texts[key]; twice {
			return nil, fmt.Errorf("%s: %s has the key %q twice", s.Room, name, key)
		}
		texts[key] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", s.Room, name, err)
	}
	return texts, nil
}

var (
	placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}`)
	goodKey     = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_-]+)*$`)
)

func (t Text) check(key string) error {
	if !goodKey.MatchString(key) {
		return fmt.Errorf("key %q is not room.what", key)
	}
	for _, l := range Languages {
		if strings.TrimSpace(t.only(l)) == "" {
			return fmt.Errorf("key %q has no %s sentence", key, l)
		}
	}
	zh, en := placeholders(t.Chinese), placeholders(t.English)
	if !slices.Equal(zh, en) {
		return fmt.Errorf("key %q has %v in %s but %v in %s", key, zh, Chinese, en, English)
	}
	for _, l := range Languages {
		for _, m := range placeholder.FindAllStringSubmatch(t.only(l), -1) {
			if _, known := formats[m[2]]; !known {
				return fmt.Errorf("key %q asks for the unknown format %q", key, m[2])
			}
		}
		if rest := placeholder.ReplaceAllString(t.only(l), ""); strings.ContainsAny(rest, "{}") {
			return fmt.Errorf("key %q has a brace that is no placeholder in %s", key, l)
		}
	}
	return nil
}

func (t Text) only(l Language) string {
	if l == English {
		return t.English
	}
	return t.Chinese
}

// placeholders are the names used in a sentence, sorted, each once.
func placeholders(s string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Has says whether there is a sentence for a key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// Keys lists all keys, sorted.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.texts)) }

// Room says which room a key belongs to.
func (c *Catalogue) Room(key string) string { return c.from[key] }

// Raw gives the sentence with its placeholders, as the web needs it.
func (c *Catalogue) Raw(key string) (Text, bool) {
	t, ok := c.texts[key]
	return t, ok
}

// Say gives the sentence for a key with its arguments filled in. A key without
// a sentence says itself, so that a forgotten text is seen and nothing is lost.
func (c *Catalogue) Say(l Language, key string, args map[string]any) string {
	t, ok := c.texts[key]
	if !ok {
		return key
	}
	return Fill(l, t.In(l), args)
}

// Text gives the sentence for a key in both languages, arguments filled in.
func (c *Catalogue) Text(key string, args map[string]any) Text {
	return Text{Chinese: c.Say(Chinese, key, args), English: c.Say(English, key, args)}
}

// Fill puts arguments into a sentence: {name} in the form that suits its type,
// {name:duration}, {name:remaining}, {name:date}, {name:time} and {name:number}
// in a named form. A missing argument shows as –.
func Fill(l Language, sentence string, args map[string]any) string {
	if !strings.Contains(sentence, "{") {
		return sentence
	}
	return placeholder.ReplaceAllStringFunc(sentence, func(m string) string {
		p := placeholder.FindStringSubmatch(m)
		v, ok := args[p[1]]
		if !ok || v == nil {
			return "–"
		}
		return formats[p[2]](l, v)
	})
}
