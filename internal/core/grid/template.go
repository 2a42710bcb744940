package grid

import (
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/kit/fault"
)

var (
	errCodeLength  = fault.New(fault.Invalid, "grid.code_length")
	errCodeDigits  = fault.New(fault.Invalid, "grid.code_digits")
	errCodeFixed   = fault.New(fault.Invalid, "grid.code_fixed")
	errCodeSource  = fault.New(fault.Invalid, "grid.code_source")
	errCodeZero    = fault.New(fault.Invalid, "grid.code_zero")
	errCodeCheck   = fault.New(fault.Invalid, "grid.code_check")
	errBadTemplate = fault.New(fault.Invalid, "grid.bad_template")
)

// Source is where the digits of a segment come from.
type Source string

const (
	FromCommunity Source = "community" // the 12-digit code of the village or community
	FromParent    Source = "parent"    // the code of the base grid
	FromFixed     Source = "fixed"     // always the same text
	FromSequence  Source = "sequence"  // a running number within what stands before it
)

// Enum lists the values for the specification.
func (Source) Enum() []string { return []string{"community", "parent", "fixed", "sequence"} }

// Segment is one part of a code.
type Segment struct {
	Source Source `json:"source"`
	Length int    `json:"length" minimum:"1" maximum:"20"`
	Start  int    `json:"start,omitempty" minimum:"0" maximum:"20" doc:"First character taken of the source, from 0"`
	Text   string `json:"text,omitempty" maxLength:"20" doc:"Of a fixed segment"`
}

// Check is how the last character guards against mistakes in typing.
type Check string

const (
	NoCheck Check = "none"
	Mod1110 Check = "mod11-10" // ISO 7064 MOD 11,10: one digit
)

// Enum lists the values for the specification.
func (Check) Enum() []string { return []string{"none", "mod11-10"} }

// Template says how the codes of a layer are made up (编码规则). Several schemes
// live side by side in the country, so it is data. (notes/domain.md 2a)
type Template struct {
	Segments []Segment `json:"segments" minItems:"1" maxItems:"8"`
	Check    Check     `json:"check"`
	Version  int64     `json:"version,omitempty"`
}

// DefaultTemplate is the code of a layer until an office changes it: 12 digits
// of the community and a sequence of 3; a micro grid adds 2 to its base grid's.
func DefaultTemplate(l Layer) Template {
	if l == Micro {
		return Template{Segments: []Segment{{Source: FromParent, Length: 15}, {Source: FromSequence, Length: 2}}, Check: NoCheck}
	}
	return Template{Segments: []Segment{{Source: FromCommunity, Length: 12}, {Source: FromSequence, Length: 3}}, Check: NoCheck}
}

// Verify refuses a template that cannot give codes: it needs exactly one
// sequence, as the last segment, sources long enough, and at most 40 characters.
func (t Template) Verify() error {
	f := errBadTemplate
	for i, s := range t.Segments {
		at := fmt.Sprintf("body.segments[%d]", i)
		last := i == len(t.Segments)-1
		switch {
		case s.Length < 1 || s.Length > 20 || s.Start < 0:
			f = f.At(at+".length", "grid.segment_length")
		case (s.Source == FromSequence) != last:
			f = f.At(at+".source", "grid.sequence_last")
		case s.Source == FromSequence && s.Length > 9:
			f = f.At(at+".length", "grid.segment_length")
		case s.Source == FromCommunity && s.Start+s.Length > 12:
			f = f.At(at+".length", "grid.segment_length")
		case s.Source == FromFixed && (len(s.Text) != s.Length || strings.Trim(s.Text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
			f = f.At(at+".text", "grid.segment_text")
		case !slices.Contains(Source("").Enum(), string(s.Source)):
			f = f.At(at+".source", "grid.segment_source")
		case t.Check == Mod1110 && s.Source == FromFixed && strings.Trim(s.Text, "0123456789") != "":
			f = f.At(at+".text", "grid.segment_text")
		}
	}
	if len(t.Segments) == 0 || t.Length() > 40 {
		f = f.At("body.segments", "grid.segment_length")
	}
	if t.Check != NoCheck && t.Check != Mod1110 {
		f = f.At("body.check", "grid.unknown_check")
	}
	if len(f.Where) > 0 {
		return f
	}
	return nil
}

// Length is how many characters a code has.
func (t Template) Length() int {
	n := 0
	for _, s := range t.Segments {
		n += s.Length
	}
	if t.Check == Mod1110 {
		n++
	}
	return n
}

// Sources are what the segments of one code are taken from.
type Sources struct {
	Community string
	Parent    string
}

func (s Sources) of(source Source) string {
	if source == FromParent {
		return s.Parent
	}
	return s.Community
}

// Prefix is what stands before the sequence of a code from these sources.
func (t Template) Prefix(from Sources) (string, error) {
	var b strings.Builder
	for _, s := range t.Segments {
		switch s.Source {
		case FromFixed:
			b.WriteString(s.Text)
		case FromCommunity, FromParent:
			v := from.of(s.Source)
			if len(v) < s.Start+s.Length || strings.Trim(v, "0123456789") != "" {
				return "", errCodeSource.With("source", s.Source, "given", v)
			}
			b.WriteString(v[s.Start : s.Start+s.Length])
		}
	}
	return b.String(), nil
}

// Make writes the code with a prefix and a number of the sequence, which counts
// from 1.
func (t Template) Make(prefix string, number int64) (string, error) {
	width := t.Segments[len(t.Segments)-1].Length
	code := fmt.Sprintf("%s%0*d", prefix, width, number)
	if number < 1 || len(code) != len(prefix)+width {
		return "", ErrCodesExhausted.With("prefix", prefix)
	}
	if t.Check == Mod1110 {
		code += checkDigit(code)
	}
	return code, nil
}

// Number gives the place in the sequence of a code with this prefix, or 0.
func (t Template) Number(prefix, code string) int64 {
	width := t.Segments[len(t.Segments)-1].Length
	if !strings.HasPrefix(code, prefix) || len(code) < len(prefix)+width {
		return 0
	}
	var n int64
	for _, c := range code[len(prefix) : len(prefix)+width] {
		if c < '0' || c > '9' {
			return 0
		}
		n = 10*n + int64(c-'0')
	}
	return n
}

// Validate says whether a code follows the template. from names the sources
// where they are known; an empty one is not compared.
func (t Template) Validate(code string, from Sources) error {
	if len(code) != t.Length() {
		return errCodeLength.With("code", clip(code), "length", t.Length())
	}
	at := 0
	for _, s := range t.Segments {
		part := code[at : at+s.Length]
		at += s.Length
		if s.Source == FromFixed {
			if part != s.Text {
				return errCodeFixed.With("code", code, "text", s.Text)
			}
			continue
		}
		if strings.Trim(part, "0123456789") != "" {
			return errCodeDigits.With("code", code)
		}
		if s.Source == FromSequence {
			if strings.Trim(part, "0") == "" {
				return errCodeZero.With("code", code)
			}
			continue
		}
		if v := from.of(s.Source); v != "" && (len(v) < s.Start+s.Length || v[s.Start:s.Start+s.Length] != part) {
			return errCodeSource.With("source", s.Source, "given", v, "code", code)
		}
	}
	if t.Check == Mod1110 && checkDigit(code[:at]) != code[at:] {
		return errCodeCheck.With("code", code)
	}
	return nil
}

// checkDigit is ISO 7064 MOD 11,10 over digits; it finds every single wrong
// digit and nearly every swap of neighbours.
func checkDigit(digits string) string {
	p := 10
	for _, c := range digits {
		s := (p + int(c-'0')) % 10
		if s == 0 {
			s = 10
		}
		p = 2 * s % 11
	}
	return fmt.Sprint((11 - p) % 10)
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
