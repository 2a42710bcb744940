package words_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"onegrid/internal/kit/words"
)

func source(room, chinese, english string) words.Source {
	return words.Source{Room: room, Files: fstest.MapFS{
		"words.zh-CN.json": {Data: []byte(chinese)}, "words.en.json": {Data: []byte(english)},
	}}
}

// Texts that don't fit together are refused, and every finding is named.
func TestTextsThatDoNotFit(t *testing.T) {
	good := source("a", `{"a.x":"一"}`, `{"a.x":"one"}`)
	if own, err := words.New(words.Source{Room: "words", Files: words.Words}); err != nil || !own.Has(words.ErrTexts.Code) {
		t.Errorf("our own: %v", err)
	}
	for want, sources := range map[string][]words.Source{
		`key "a.x" is already a key of a`:              {good, source("b", `{"a.x":"二"}`, `{"a.x":"two"}`)},
		`has the key "b.x" twice`:                      {source("b", `{"b.x":"一","b.x":"二"}`, `{"b.x":"one"}`)},
		`has no en sentence`:                           {source("b", `{"b.x":"一"}`, `{}`)},
		`has no zh-CN sentence`:                        {source("b", `{"b.x":" "}`, `{"b.x":"one"}`)},
		`has [n] in zh-CN but [m] in en`:               {source("b", `{"b.x":"{n}"}`, `{"b.x":"{m}"}`)},
		`unknown format "colour"`:                      {source("b", `{"b.x":"{n:colour}"}`, `{"b.x":"{n}"}`)},
		`has a brace that is no placeholder in en`:     {source("b", `{"b.x":"{n}"}`, `{"b.x":"{n} {"}`)},
		`is not room.what`:                             {source("b", `{"B x":"一"}`, `{"B x":"one"}`)},
		`is no JSON object`:                            {source("b", `["一"]`, `{}`)},
		`key "b.x"`:                                    {source("b", `{"b.x":{"deep":"一"}}`, `{}`)},
		`open words.en.json: file does not exist`:      {{Room: "b", Files: fstest.MapFS{"words.zh-CN.json": {Data: []byte(`{}`)}}}},
		"has no en sentence\nb: key \"b.y\" has no en": {source("b", `{"b.x":"一","b.y":"二"}`, `{}`)},
	} {
		_, err := words.New(sources...)
		if !errors.Is(err, words.ErrTexts) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s\n got %v", want, err)
		}
	}
	c, err := words.New(good)
	if err != nil || !c.Has("a.x") || c.Room("a.x") != "a" || c.Has("a.y") {
		t.Errorf("%v", err)
	}
}

// A sentence is said in the reader's language with its arguments in that
// language's form; what is missing shows, and nothing breaks.
func TestSay(t *testing.T) {
	c, err := words.New(source("a",
		`{"a.late":"{post}已超时 {by:duration}，共 {n} 件，最晚 {at:time}","a.plain":"好","a.list":"可选：{list}","a.left":"{d:remaining}"}`,
		`{"a.late":"{post} is {by:duration} late with {n} cases, the last of {at:time}","a.plain":"Good","a.list":"One of {list}","a.left":"{d:remaining}"}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 15, 4, 0, 0, time.UTC)
	args := map[string]any{"post": words.Text{Chinese: "东海街道", English: "Donghai street"}, "by": 26*time.Hour + 5*time.Minute, "n": 12345, "at": at}
	for _, c2 := range []struct {
		l    words.Language
		key  string
		args map[string]any
		want string
	}{
		{words.Chinese, "a.late", args, "东海街道已超时 1 天 2 时，共 12,345 件，最晚 2026年11月24日 15:04"},
		{words.English, "a.late", args, "Donghai street is 1 d 2 h late with 12,345 cases, the last of 24 Nov 2026 15:04"},
		{words.English, "a.late", nil, "– is – late with – cases, the last of –"},
		// What went through JSON (a stored fault): seconds, texts, floats.
		{words.Chinese, "a.late", map[string]any{"post": "甲", "by": 93900.0, "n": 12345.0, "at": "2026-11-24T15:04:00Z"}, "甲已超时 1 天 2 时，共 12,345 件，最晚 2026年11月24日 15:04"},
		{words.English, "a.late", map[string]any{"post": "{n}", "by": "soon", "n": nil, "at": "soon"}, "{n} is soon late with – cases, the last of soon"},
		{"fr", "a.plain", nil, "好"},
		{words.English, "a.forgotten", nil, "a.forgotten"},
		{words.Chinese, "a.list", map[string]any{"list": []string{"甲", "乙"}}, "可选：甲、乙"},
		{words.English, "a.list", map[string]any{"list": []string{"a", "b"}}, "One of a, b"},
		{words.Chinese, "a.left", map[string]any{"d": 5*time.Hour + 43*time.Minute}, "剩 5 小时 43 分"},
		{words.English, "a.left", map[string]any{"d": 5*time.Hour + 43*time.Minute}, "5 h 43 min left"},
		{words.Chinese, "a.left", map[string]any{"d": -49 * time.Hour}, "超 2 天 1 时"},
		{words.English, "a.left", map[string]any{"d": -49 * time.Hour}, "2 d 1 h overdue"},
	} {
		if got := c.Say(c2.l, c2.key, c2.args); got != c2.want {
			t.Errorf("%s %s: %s", c2.l, c2.key, got)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 0, "0"}, {999, 0, "999"}, {1000, 0, "1,000"}, {-1234567, 0, "−1,234,567"}, {71.44, 1, "71.4"}, {1.4, -1, "1.4"},
		{1.0 / 3, -1, "0.333"}, {1e6, -1, "1,000,000"}, {-0.0001, -1, "0"}, {-0.4, 0, "0"}, {2, 2, "2.00"},
	} {
		if got := words.Number(c.v, c.decimals); got != c.want {
			t.Errorf("%v with %d: %s, want %s", c.v, c.decimals, got, c.want)
		}
	}
	if words.Number(0/zero, 0) != "–" {
		t.Error("no number is shown as one")
	}
}

var zero = 0.0

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min 1 s", time.Hour: "1 h", 26 * time.Hour: "1 d 2 h",
		24*time.Hour + 59*time.Minute: "1 d", 1500 * 24 * time.Hour: "1,500 d", -90 * time.Minute: "−1 h 30 min", 500 * time.Millisecond: "0 s",
	} {
		if got := words.Duration(words.English, d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// A time left never reads longer than it is.
func TestDurationCutsOff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "d"))
		var sum time.Duration
		fields := strings.Fields(words.Duration(words.English, d))
		if len(fields) > 4 {
			t.Fatalf("%s: %v", d, fields)
		}
		for i := 0; i < len(fields); i += 2 {
			n, err := time.ParseDuration(fields[i] + "s")
			if err != nil {
				t.Fatal(err)
			}
			sum += n * map[string]time.Duration{"d": 86400, "h": 3600, "min": 60, "s": 1}[fields[i+1]]
		}
		if sum > d {
			t.Fatalf("%s reads as %v", d, fields)
		}
	})
}

// Days near today go by their names, in the reader's zone, across midnight and
// the turn of the year.
func TestDate(t *testing.T) {
	shanghai := time.FixedZone("", 8*3600)
	now := time.Date(2026, 12, 30, 23, 30, 0, 0, shanghai)
	for _, c := range []struct {
		at               time.Time
		chinese, english string
	}{
		{now, "今天", "today"},
		{now.Add(time.Hour), "明天", "tomorrow"},
		{now.Add(-24 * time.Hour), "昨天", "yesterday"},
		{now.AddDate(0, 0, -2), "周一", "Mon"},
		{now.AddDate(0, 0, 6), "周二", "Tue"},
		{now.AddDate(0, 0, 7), "2027年1月6日", "6 Jan 2027"},
		{now.AddDate(0, 0, -36), "11月24日", "24 Nov"},
	} {
		if got := words.Date(words.Chinese, c.at, now.UTC()); got != c.chinese {
			t.Errorf("%s: %s, want %s", c.at, got, c.chinese)
		}
		if got := words.Date(words.English, c.at, now.UTC()); got != c.english {
			t.Errorf("%s: %s, want %s", c.at, got, c.english)
		}
	}
	if got := words.DateTime(words.Chinese, now, now); got != "今天 23:30" {
		t.Error(got)
	}
}

func TestNegotiate(t *testing.T) {
	for header, want := range map[string]words.Language{
		"": words.Chinese, "en": words.English, "en-US,en;q=0.9,zh;q=0.8": words.English, "zh-HK": words.Chinese,
		"fr": words.Chinese, "fr,en;q=0.1": words.English, "en;q=0": words.Chinese, "en;q=7": words.Chinese, "en;q=x": words.Chinese,
		"zh;q=0.2, en;q = 0.7": words.English, "*": words.Chinese, ";;;,,,": words.Chinese,
		strings.Repeat("fr,", 50) + "en": words.Chinese,
	} {
		if got := words.Negotiate(header); got != want {
			t.Errorf("%.40q: %s", header, got)
		}
	}
	if l, ok := words.Parse("EN-gb"); l != words.English || !ok {
		t.Error(l)
	}
	if _, ok := words.Parse("de"); ok {
		t.Error("we don't speak German")
	}
}
