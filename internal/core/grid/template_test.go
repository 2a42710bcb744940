package grid

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDefaultCodes(t *testing.T) {
	base := DefaultTemplate(Base)
	prefix, err := base.Prefix(Sources{Community: "370115003402"})
	if err != nil {
		t.Fatal(err)
	}
	code, err := base.Make(prefix, 7)
	if err != nil || code != "370115003402007" {
		t.Fatalf("%q %v", code, err)
	}
	if n := base.Number(prefix, code); n != 7 {
		t.Errorf("number %d", n)
	}
	micro := DefaultTemplate(Micro)
	prefix, err = micro.Prefix(Sources{Parent: code})
	if err != nil {
		t.Fatal(err)
	}
	if code, err = micro.Make(prefix, 12); err != nil || code != "37011500340200712" {
		t.Errorf("%q %v", code, err)
	}
	if _, err := micro.Make(prefix, 100); !errors.Is(err, ErrCodesExhausted) {
		t.Errorf("the hundredth micro grid: %v", err)
	}
}

func TestCodesThatBreakTheTemplate(t *testing.T) {
	base := DefaultTemplate(Base)
	from := Sources{Community: "370115003402"}
	for code, want := range map[string]error{
		"370115003402007":  nil,
		"37011500340200":   errCodeLength,
		"3701150034020071": errCodeLength,
		"":                 errCodeLength,
		"37011500340200X":  errCodeDigits,
		"370115003402000":  errCodeZero,
		"370115003401007":  errCodeSource,
	} {
		if err := base.Validate(code, from); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", code, err, want)
		}
	}
	if err := base.Validate("370115003401007", Sources{}); err != nil {
		t.Errorf("without a known community: %v", err)
	}
	if _, err := base.Prefix(Sources{Community: "37011500340"}); !errors.Is(err, errCodeSource) {
		t.Errorf("a short community code: %v", err)
	}
}

// CJ/T 349-2010 as notes/domain.md 2a has it: object class, county, street,
// community, sequence; twenty digits.
func TestTwentyDigitScheme(t *testing.T) {
	city := Template{Check: NoCheck, Segments: []Segment{
		{Source: FromFixed, Length: 6, Text: "010000"},
		{Source: FromCommunity, Start: 0, Length: 12},
		{Source: FromSequence, Length: 2},
	}}
	if err := city.Verify(); err != nil {
		t.Fatal(err)
	}
	prefix, err := city.Prefix(Sources{Community: "370115003402"})
	if err != nil {
		t.Fatal(err)
	}
	code, err := city.Make(prefix, 3)
	if err != nil || code != "01000037011500340203" {
		t.Errorf("%q %v", code, err)
	}
	if err := city.Validate("02000037011500340203", Sources{}); !errors.Is(err, errCodeFixed) {
		t.Errorf("another class: %v", err)
	}
}

// The check digit finds every single wrong digit.
func TestCheckDigit(t *testing.T) {
	if d := checkDigit("0794"); d != "5" { // the example of ISO 7064
		t.Errorf("0794 has %s", d)
	}
	with := DefaultTemplate(Base)
	with.Check = Mod1110
	rapid.Check(t, func(q *rapid.T) {
		prefix := rapid.StringMatching(`[0-9]{12}`).Draw(q, "community")
		code, err := with.Make(prefix, rapid.Int64Range(1, 999).Draw(q, "number"))
		if err != nil {
			q.Fatal(err)
		}
		if err := with.Validate(code, Sources{Community: prefix}); err != nil {
			q.Fatal(err)
		}
		i := rapid.IntRange(0, len(code)-1).Draw(q, "place")
		other := (code[i]-'0'+byte(rapid.IntRange(1, 9).Draw(q, "by")))%10 + '0'
		wrong := code[:i] + string(other) + code[i+1:]
		if err := with.Validate(wrong, Sources{}); err == nil {
			q.Fatalf("%s for %s was not noticed", wrong, code)
		}
	})
}

func TestTemplatesThatCannotWork(t *testing.T) {
	sequence := Segment{Source: FromSequence, Length: 3}
	for name, bad := range map[string]Template{
		"empty":           {Check: NoCheck},
		"no sequence":     {Check: NoCheck, Segments: []Segment{{Source: FromCommunity, Length: 12}}},
		"two sequences":   {Check: NoCheck, Segments: []Segment{sequence, sequence}},
		"sequence first":  {Check: NoCheck, Segments: []Segment{sequence, {Source: FromCommunity, Length: 12}}},
		"beyond the code": {Check: NoCheck, Segments: []Segment{{Source: FromCommunity, Start: 6, Length: 7}, sequence}},
		"wrong text":      {Check: NoCheck, Segments: []Segment{{Source: FromFixed, Length: 2, Text: "abc"}, sequence}},
		"letters checked": {Check: Mod1110, Segments: []Segment{{Source: FromFixed, Length: 2, Text: "AB"}, sequence}},
		"unknown source":  {Check: NoCheck, Segments: []Segment{{Source: "moon", Length: 2}, sequence}},
		"unknown check":   {Check: "luhn", Segments: []Segment{sequence}},
		"too long":        {Check: NoCheck, Segments: []Segment{{Source: FromFixed, Length: 20, Text: strings.Repeat("1", 20)}, {Source: FromFixed, Length: 19, Text: strings.Repeat("1", 19)}, sequence}},
	} {
		if err := bad.Verify(); !errors.Is(err, errBadTemplate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, l := range Layers {
		if err := DefaultTemplate(l).Verify(); err != nil {
			t.Errorf("%s: %v", l, err)
		}
	}
}
