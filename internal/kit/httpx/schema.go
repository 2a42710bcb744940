package httpx

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Enum is a string type that lists its values, so that the specification and
// with it the web client know them (STYLE.md 3.6).
type Enum interface{ Enum() []string }

// registry names the types of the API. The package comes first, so that two
// rooms may each have an Item; names are API and must not depend on what else is
// registered.
type registry struct {
	schemas map[string]*huma.Schema
	types   map[string]reflect.Type
	names   map[reflect.Type]string
	aliases map[reflect.Type]reflect.Type
	room    string // of the operation that is being registered: names what has no name
}

const refPrefix = "#/components/schemas/"

var (
	enumType   = reflect.TypeFor[Enum]()
	idType     = reflect.TypeFor[id.ID]()
	timeType   = reflect.TypeFor[time.Time]()
	unmarshals = reflect.TypeFor[encoding.TextUnmarshaler]()
	provides   = reflect.TypeFor[huma.SchemaProvider]()
)

func newRegistry() *registry {
	return &registry{
		schemas: map[string]*huma.Schema{}, types: map[string]reflect.Type{},
		names: map[reflect.Type]string{}, aliases: map[reflect.Type]reflect.Type{},
	}
}

// Schema satisfies huma.Registry.
func (r *registry) Schema(t reflect.Type, allowRef bool, hint string) *huma.Schema {
	orig := t
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Array || t.Kind() == reflect.Slice {
		orig = t
	}
	if a, ok := r.aliases[t]; ok {
		return r.Schema(a, allowRef, hint)
	}
	pointer := orig.Kind() == reflect.Pointer
	if t == idType {
		s := &huma.Schema{Type: huma.TypeString, Format: "uuid", Nullable: pointer}
		s.PrecomputeMessages()
		return s
	}
	if t.Kind() == reflect.String && t.Implements(enumType) {
		s := &huma.Schema{Type: huma.TypeString, Nullable: pointer}
		for _, v := range reflect.Zero(t).Interface().(Enum).Enum() {
			s.Enum = append(s.Enum, v)
		}
		s.PrecomputeMessages()
		if !allowRef || pointer {
			return s
		}
		name := r.name(t, hint)
		r.schemas[name], r.types[name] = s, t
		return &huma.Schema{Ref: refPrefix + name}
	}
	if t.Kind() != reflect.Struct || t == timeType || either(t, provides) || either(t, unmarshals) {
		return huma.SchemaFromType(r, orig)
	}
	name := r.name(t, hint)
	if _, ok := r.types[name]; !ok {
		r.schemas[name], r.types[name] = &huma.Schema{}, t // first, for types that hold themselves
		r.schemas[name] = huma.SchemaFromType(r, t)
	}
	if allowRef {
		return &huma.Schema{Ref: refPrefix + name}
	}
	return r.schemas[name]
}

func either(t, what reflect.Type) bool {
	return t.Implements(what) || reflect.PointerTo(t).Implements(what)
}

// name gives a type its name: room and type; for a type without a name the hint
// of the field it stands in.
func (r *registry) name(t reflect.Type, hint string) string {
	if n, ok := r.names[t]; ok {
		return n
	}
	n := typeName(t)
	if n == "" {
		if hint == "" {
			hint = "Value"
		}
		n = title(r.room) + title(hint)
	}
	if other, taken := r.types[n]; taken && other != t {
		panic(fmt.Sprintf("httpx: %s and %s would both be called %s in the API; name one of them", other, t, n))
	}
	r.names[t] = n
	return n
}

// typeName is the package and the name; type parameters follow:
// httpx.List[casework.Case] is ListCaseworkCase.
func typeName(t reflect.Type) string {
	name := t.Name()
	if name == "" {
		return ""
	}
	room := path.Base(t.PkgPath())
	if room == "httpx" {
		room = ""
	}
	base, params, generic := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	out := title(room) + title(base)
	if !generic {
		return out
	}
	for p := range strings.SplitSeq(params, ",") {
		p = strings.TrimLeft(p, "*[]")
		if i := strings.LastIndex(p, "/"); i >= 0 {
			p = p[i+1:]
		}
		out += title(p)
	}
	return out
}

// title joins the words of a name, each with a capital.
func title(s string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		b.WriteString(strings.ToUpper(part[:1]))
		b.WriteString(part[1:])
	}
	return b.String()
}

// SchemaFromRef satisfies huma.Registry.
func (r *registry) SchemaFromRef(ref string) *huma.Schema {
	return r.schemas[strings.TrimPrefix(ref, refPrefix)]
}

// TypeFromRef satisfies huma.Registry.
func (r *registry) TypeFromRef(ref string) reflect.Type {
	return r.types[strings.TrimPrefix(ref, refPrefix)]
}

// Map satisfies huma.Registry.
func (r *registry) Map() map[string]*huma.Schema { return r.schemas }

// MarshalJSON writes the schemas by name.
func (r *registry) MarshalJSON() ([]byte, error) { return json.Marshal(r.schemas) }

// RegisterTypeAlias satisfies huma.Registry.
func (r *registry) RegisterTypeAlias(t, alias reflect.Type) { r.aliases[t] = alias }

// errNUL refuses the one character that PostgreSQL can't store in a text.
var errNUL = fault.New(fault.Invalid, "request.malformed")

var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		if rec, ok := w.(*recorder); ok && rec.answer != nil {
			// A command's answer was made for its receipt.
			_, err := rec.Write(append(rec.answer, '\n'))
			return err
		}
		return json.NewEncoder(w).Encode(v)
	},
	Unmarshal: func(data []byte, v any) error {
		if strings.Contains(string(data), `\u0000`) {
			return errNUL
		}
		return json.Unmarshal(data, v)
	},
}
