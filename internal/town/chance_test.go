package town_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"onegrid/internal/town"
)

// What chance sends: requests made from the OpenAPI document alone. Most of each
// is as the document wants it, so that it gets past the first look, and
// something in it is not.

// document is what is needed of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID         string      `json:"operationId"`
	Kind       string      `json:"x-kind"`
	Parameters []parameter `json:"parameters"`
	Body       *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	method, path string
}

type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *schema `json:"schema"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a name, or several
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	MinLength  int                `json:"minLength"`
	MaxLength  int                `json:"maxLength"`
	MaxItems   int                `json:"maxItems"`
	MinItems   int                `json:"minItems"`
	Pattern    string             `json:"pattern"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Additional any                `json:"additionalProperties"`
}

func (s *schema) kind() string {
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		if len(t) > 0 {
			return fmt.Sprint(t[0])
		}
	}
	return ""
}

// chance makes requests; the same seed makes the same ones.
type chance struct {
	*rand.Rand
	doc   document
	every []operation
	ids   []string         // of things that are there, in scope and out of it
	texts []string         // words that mean something to the program
	known map[string][]any // values that some field of this name takes
	odd   float64          // how often a value is not as it should be
}

func newChance(seed uint64, spec []byte) (*chance, error) {
	c := &chance{Rand: rand.New(rand.NewPCG(seed, seed)), known: map[string][]any{}}
	if err := json.Unmarshal(spec, &c.doc); err != nil {
		return nil, err
	}
	for path, methods := range c.doc.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			c.every = append(c.every, op)
		}
	}
	slices.SortFunc(c.every, func(a, b operation) int { return strings.Compare(a.ID, b.ID) })
	return c, nil
}

// one takes one of a list.
func one[T any](c *chance, list []T) T { return list[c.IntN(len(list))] }

func (c *chance) often(p float64) bool { return c.Float64() < p }

// strange are texts that have broken programs before: ends of strings and lines,
// both ends of Unicode, both directions of writing, markup, formulas, templates,
// SQL, paths, formats, and numbers that are none.
var strange = []string{
	"", " ", "\t", "\r\n", "\u0000", "a\u0000b", "\ufeff", "\u200b", "\u202e字", "\u2028", "e\u0301\u0301\u0301", "👨‍👩‍👧‍👦", "\U0010ffff", "\ufffd", "Ⅷ", "İ", "ﬃ", "ｱ", "𠮷",
	"'", "\"", "`", "\\", "';--", "' OR '1'='1", "\"; DROP TABLE cases; --", "%", "_", "%%", "$1", "?", "{0}", "{{7*7}}", "${jndi:ldap://x}", "{text}", "%s%n",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "]]>", "<!--", "&#0;", "=1+1", "+1", "-1", "@x", "|calc",
	"../../../etc/passwd", "..\\..\\x", "/etc/passwd", "con", ".", "..", "file:///etc/passwd", "//evil.example", "\r\nSet-Cookie: a=b",
	"NaN", "Infinity", "-0", "1e999", "0x10", "١٢٣", "１２", "null", "undefined", "true", "[]", "{}", "9223372036854775808", "-9223372036854775809",
	"2026-02-30T25:61:61Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "-271821-04-20T00:00:00Z", "2026-11-24T10:00:00+99:99",
	"00000000-0000-0000-0000-000000000000", "01a20b48-0900-7000-8000-00000000000g",
	"NEAR(a b)", "a AND b OR NOT c", "\"a\"*", "^a", "a:b", "(((", "* *",
}

// text is some text of at most a length, or one that is too long.
func (c *chance) text(s *schema, name string) string {
	if c.often(c.odd) {
		switch c.IntN(4) {
		case 0:
			return strings.Repeat(one(c, []string{"长", "a", "\U0001f600", "\\"}), max(s.MaxLength, 100)+1)
		case 1:
			return strings.Repeat(one(c, strange), 1+c.IntN(40))
		default:
			return one(c, strange)
		}
	}
	v := one(c, c.texts)
	if list := c.known[name]; len(list) > 0 && c.often(0.8) {
		if s, ok := one(c, list).(string); ok {
			v = s
		}
	}
	for len([]rune(v)) < s.MinLength {
		v += "字"
	}
	if r := []rune(v); s.MaxLength > 0 && len(r) > s.MaxLength {
		v = string(r[:s.MaxLength])
	}
	return v
}

// value is something for a schema.
func (c *chance) value(s *schema, name string, depth int) any {
	if s == nil || depth > 8 {
		return nil
	}
	if s.Ref != "" {
		return c.value(c.doc.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")], name, depth+1)
	}
	if c.often(c.odd / 2) {
		return one(c, []any{nil, true, 7, -1.5, "x", []any{}, map[string]any{}, []any{nil, nil}, map[string]any{"": nil}, json.Number("1e400"), json.Number("-9223372036854775809"), json.Number("0.1e-400")})
	}
	if len(s.Enum) > 0 && !c.often(c.odd) {
		return one(c, s.Enum)
	}
	switch s.kind() {
	case "object", "":
		return c.object(s, depth)
	case "array":
		n := s.MinItems + c.IntN(3)
		if s.MaxItems > 0 && c.often(c.odd/2) {
			n = min(s.MaxItems+1, 400)
		}
		list := []any{}
		for range n {
			list = append(list, c.value(s.Items, name, depth+1))
		}
		return list
	case "boolean":
		return c.often(0.5)
	case "integer", "number":
		return c.number(s)
	}
	switch s.Format {
	case "uuid":
		if c.often(c.odd / 2) {
			return one(c, strange)
		}
		return one(c, c.ids)
	case "date-time":
		if c.often(c.odd) {
			return one(c, strange)
		}
		return town.Morning.AddDate(0, 0, c.IntN(60)-30).Format("2006-01-02T15:04:05.000Z07:00")
	case "date":
		return town.Morning.AddDate(0, 0, c.IntN(60)-30).Format("2006-01-02")
	}
	return c.text(s, name)
}

func (c *chance) number(s *schema) any {
	low, high := 0.0, 100.0
	if s.Minimum != nil {
		low = *s.Minimum
		high = max(high, low)
	}
	if s.Maximum != nil {
		high = *s.Maximum
		low = min(low, high)
	}
	if c.often(c.odd) {
		return one(c, []any{low - 1, high + 1, json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("9223372036854775808"), json.Number("1e300"), json.Number("-0"), 0.5, json.Number("2147483648")})
	}
	v := low + c.Float64()*(high-low)
	if s.kind() == "integer" || s.Format == "int64" {
		return int64(v)
	}
	return v
}

func (c *chance) object(s *schema, depth int) any {
	out := map[string]any{}
	for name, p := range s.Properties {
		needed := slices.Contains(s.Required, name)
		if needed && !c.often(c.odd/4) || !needed && c.often(0.5) {
			out[name] = c.value(p, name, depth+1)
		}
	}
	if extra, ok := s.Additional.(map[string]any); ok && len(extra) > 0 || s.Properties == nil {
		for range c.IntN(3) {
			out[one(c, c.texts)] = one(c, []any{"x", 7, true, nil, one(c, strange)})
		}
	}
	if c.often(c.odd / 4) {
		out[one(c, strange)] = one(c, strange)
	}
	return out
}

var inPath = regexp.MustCompile(`\{([a-z_]+)\}`)

// request is one request to an operation.
func (c *chance) request(op operation) ask {
	c.odd = one(c, []float64{0, 0.03, 0.1, 0.5})
	a := ask{method: op.method, path: op.path}
	query := url.Values{}
	raw := ""
	for _, p := range op.Parameters {
		v := fmt.Sprint(c.value(p.Schema, p.Name, 0))
		switch p.In {
		case "path":
			v = url.PathEscape(v)
			if c.often(c.odd / 4) {
				v = one(c, []string{"%ff%fe", "%00", "..%2f..%2f", "%0d%0aX:%20y", "%2e%2e", strings.Repeat("a", 3000), "%c0%ae", "%F0%9F%98%80"})
			}
			if v == "" {
				v = "x"
			}
			a.path = strings.Replace(a.path, "{"+p.Name+"}", v, 1)
		case "query":
			if p.Required || c.often(0.4) {
				query.Add(p.Name, v)
			}
			if c.often(c.odd / 8) {
				query.Add(p.Name, one(c, strange))
			}
			if c.often(c.odd / 8) {
				raw += "&" + p.Name + "=" + one(c, []string{"%ff%fe", "%00", "%", "%zz", "+", ";", "%c3%28", "a%0d%0ab"})
			}
		case "header":
			if p.Name != "Idempotency-Key" && c.often(0.2) || c.often(c.odd/4) {
				v = strings.Map(func(r rune) rune {
					if r < ' ' || r == 0x7f {
						return -1
					}
					return r
				}, v)
				a.headers = append(a.headers, p.Name, v)
			}
		}
	}
	a.path = inPath.ReplaceAllString(a.path, "x")
	if q := query.Encode() + raw; q != "" {
		a.path += "?" + strings.TrimPrefix(q, "&")
	}
	if op.Body != nil {
		a.body = c.body(op)
	}
	return a
}

// body is what stands in a request.
func (c *chance) body(op operation) any {
	if _, form := op.Body.Content["multipart/form-data"]; form {
		fields := []string{"kind", one(c, []string{"before", "after", "x", one(c, strange)}), "check", "true"}
		file := one(c, [][]byte{town.Picture(), bomb(), {}, []byte("code,name_zh\nS1,x\n"), []byte(one(c, strange))})
		if c.often(c.odd) {
			fields = append(fields, one(c, strange), one(c, strange))
		}
		f := town.Form(file, fields...)
		if c.often(c.odd / 2) {
			f.Body = f.Body[:c.IntN(len(f.Body))]
		}
		return f
	}
	media, ok := op.Body.Content["application/json"]
	if !ok {
		return jsonOf(`{}`)
	}
	v := c.value(media.Schema, "", 0)
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	if c.often(c.odd / 3) {
		return town.Raw{Type: one(c, []string{"application/json", "application/json; charset=utf-16", "text/plain", "", "application/x-www-form-urlencoded"}), Body: c.spoilt(text)}
	}
	return town.Raw{Type: "application/json", Body: text}
}

// spoilt is a JSON text that is none any more, or one as no client writes it.
func (c *chance) spoilt(text []byte) []byte {
	s := string(text)
	switch c.IntN(10) {
	case 0:
		return text[:c.IntN(len(text)+1)]
	case 1:
		return []byte(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000))
	case 2:
		return []byte(strings.Replace(s, ":", ":"+strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000)+",\"zz\":", 1))
	case 3: // a key twice
		return []byte(strings.Replace(s, "{", "{"+strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")+",", 1))
	case 4:
		return append([]byte("\xef\xbb\xbf"), text...)
	case 5:
		return []byte(s + s)
	case 6:
		return []byte(strings.ReplaceAll(s, `"x"`, `"\ud800"`))
	case 7:
		return append(text, 0xff, 0xfe, 0)
	case 8:
		return []byte("\xff\xfe{\x00}\x00")
	}
	at := c.IntN(len(text) + 1)
	return slices.Concat(text[:at], []byte{byte(c.IntN(256))}, text[at:])
}
