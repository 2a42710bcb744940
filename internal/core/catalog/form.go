package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"onegrid/internal/kit/fault"
)

// What can be wrong with a form or with an answer to it.
var (
	ErrForm       = fault.New(fault.Invalid, "catalog.form_answer")
	ErrFormSchema = fault.New(fault.Invalid, "catalog.form_schema")
)

// Codes of single fields in an answer; they stand in Where.
var (
	errFieldMissing = fault.New(fault.Invalid, "catalog.field_missing")
	errFieldUnknown = fault.New(fault.Invalid, "catalog.field_unknown")
	errFieldType    = fault.New(fault.Invalid, "catalog.field_type")
	errFieldChoice  = fault.New(fault.Invalid, "catalog.field_choice")
	errFieldLong    = fault.New(fault.Invalid, "catalog.field_long")
	errFieldShort   = fault.New(fault.Invalid, "catalog.field_short")
	errFieldLow     = fault.New(fault.Invalid, "catalog.field_low")
	errFieldHigh    = fault.New(fault.Invalid, "catalog.field_high")
	errFieldFormat  = fault.New(fault.Invalid, "catalog.field_format")
	errFieldWrong   = fault.New(fault.Invalid, "catalog.field_wrong")

	errFieldTwice     = fault.New(fault.Invalid, "catalog.field_twice")
	errFieldReference = fault.New(fault.Invalid, "catalog.field_reference")
	errFieldLanguage  = fault.New(fault.Invalid, "catalog.field_one_language")
	errFieldLimit     = fault.New(fault.Invalid, "catalog.field_limit")
	errFieldConsent   = fault.New(fault.Invalid, "catalog.field_personal_consent")
)

const (
	maxForm   = 64 << 10 // bytes of a form's schema
	maxAnswer = 32 << 10 // bytes of an answer
)

const draft = "https://json-schema.org/draft/2020-12/schema"

// form is a compiled JSON Schema.
type form struct {
	schema   *jsonschema.Schema
	personal map[string]string
}

// outside refuses every reference that leaves the form: a schema that somebody
// edits may not make the server read files or addresses.
type outside struct{}

func (outside) Load(url string) (any, error) {
	return nil, fmt.Errorf("a form may not refer to %s", url)
}

// compile reads a form's schema. It must be draft 2020-12, an object, closed,
// and small.
func compile(raw json.RawMessage) (*form, error) {
	if len(raw) > maxForm {
		return nil, ErrFormSchema.With("why", "too large")
	}
	var top struct {
		Schema     string                     `json:"$schema"`
		Type       string                     `json:"type"`
		Additional *bool                      `json:"additionalProperties"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, ErrFormSchema.With("why", "not an object").Because(err)
	}
	switch {
	case top.Schema != draft:
		return nil, ErrFormSchema.With("why", "not draft 2020-12")
	case top.Type != "object" || top.Additional == nil || *top.Additional:
		return nil, ErrFormSchema.With("why", "not closed")
	}
	f := &form{personal: map[string]string{}}
	for name, p := range top.Properties {
		var field struct {
			Personal string `json:"x-personal"`
		}
		if err := json.Unmarshal(p, &field); err != nil {
			return nil, ErrFormSchema.With("why", "field "+name).Because(err)
		}
		if !slices.Contains([]string{"none", "basic", "sensitive"}, field.Personal) {
			return nil, ErrFormSchema.With("why", "field "+name+" lacks x-personal")
		}
		f.personal[name] = field.Personal
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrFormSchema.With("why", "not JSON").Because(err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(outside{})
	c.AssertFormat()
	const at = "urn:onegrid:form"
	if err := c.AddResource(at, doc); err != nil {
		return nil, ErrFormSchema.With("why", "not a schema").Because(err)
	}
	if f.schema, err = c.Compile(at); err != nil {
		return nil, ErrFormSchema.With("why", "does not compile").Because(err)
	}
	return f, nil
}

// check judges an answer. With part, fields that are not there yet are no
// fault: the field app sends the photo first and the form later.
func (f *form) check(raw json.RawMessage, part bool) error {
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	if len(raw) > maxAnswer {
		return ErrForm.At("body.form", errFieldLong.Code, "most", maxAnswer)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return ErrForm.At("body.form", errFieldType.Code, "want", "object").Because(err)
	}
	err = f.schema.Validate(v)
	if err == nil {
		return nil
	}
	var bad *jsonschema.ValidationError
	if !errors.As(err, &bad) {
		return ErrForm.Because(err)
	}
	out := ErrForm
	leaves(bad, func(e *jsonschema.ValidationError) { out = name(out, e, part) })
	if len(out.Where) == 0 {
		return nil
	}
	slices.SortFunc(out.Where, func(a, b fault.Where) int {
		return strings.Compare(a.Path+a.Code, b.Path+b.Code)
	})
	out.Where = slices.CompactFunc(out.Where, func(a, b fault.Where) bool { return a.Path == b.Path && a.Code == b.Code })
	return out
}

func leaves(e *jsonschema.ValidationError, f func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		f(e)
		return
	}
	for _, c := range e.Causes {
		leaves(c, f)
	}
}

// name turns one leaf of the validator's answer into fields a person can find.
func name(out *fault.Fault, e *jsonschema.ValidationError, part bool) *fault.Fault {
	at := "body.form"
	for _, p := range e.InstanceLocation {
		at += "." + p
	}
	missing := func(names []string) {
		if part {
			return
		}
		for _, n := range names {
			out = out.At(at+"."+n, errFieldMissing.Code)
		}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		missing(k.Missing)
	case *kind.DependentRequired:
		missing(k.Missing)
	case *kind.Dependency:
		missing(k.Missing)
	case *kind.AdditionalProperties:
		for _, n := range k.Properties {
			out = out.At(at+"."+clip(n), errFieldUnknown.Code)
		}
	case *kind.Type:
		out = out.At(at, errFieldType.Code, "want", strings.Join(k.Want, "/"))
	case *kind.Enum:
		out = out.At(at, errFieldChoice.Code)
	case *kind.Const:
		out = out.At(at, errFieldChoice.Code)
	case *kind.MaxLength:
		out = out.At(at, errFieldLong.Code, "most", k.Want)
	case *kind.MaxItems:
		out = out.At(at, errFieldLong.Code, "most", k.Want)
	case *kind.MinLength:
		out = out.At(at, errFieldShort.Code, "least", k.Want)
	case *kind.MinItems:
		out = out.At(at, errFieldShort.Code, "least", k.Want)
	case *kind.Minimum:
		out = out.At(at, errFieldLow.Code, "least", k.Want.RatString())
	case *kind.ExclusiveMinimum:
		out = out.At(at, errFieldLow.Code, "least", k.Want.RatString())
	case *kind.Maximum:
		out = out.At(at, errFieldHigh.Code, "most", k.Want.RatString())
	case *kind.ExclusiveMaximum:
		out = out.At(at, errFieldHigh.Code, "most", k.Want.RatString())
	case *kind.Format:
		out = out.At(at, errFieldFormat.Code, "want", k.Want)
	case *kind.Pattern:
		out = out.At(at, errFieldFormat.Code, "want", k.Want)
	default:
		out = out.At(at, errFieldWrong.Code)
	}
	return out
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
