// Package fault is the one error vocabulary of OneGrid. A fault says what went
// wrong in a word that HTTP, the job runner, the command line and the message
// catalogue all know. Faults are declared as package variables with New, so
// that a test can walk them and demand a sentence in both languages for each.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says what the caller can do about a fault. Only httpx knows which HTTP
// status a kind becomes.
type Kind uint8

const (
	// Internal is a bug or a broken disk; the cause is logged, never shown.
	Internal Kind = iota
	// Invalid is something that can never be right as sent.
	Invalid
	// SignIn asks who the caller is: no session, or it ended.
	SignIn
	// Forbidden says that the actor may not do this here.
	Forbidden
	// Missing says that there is no such thing, or none visible to this actor.
	Missing
	// Conflict is the right request at the wrong moment.
	Conflict
	// Changed says that the version the caller knew is no longer the newest.
	Changed
	// TooLarge says that the input is larger than its limit.
	TooLarge
	// TooMany says that the caller asks more often than allowed.
	TooMany
	// Busy asks to try again later.
	Busy
)

// Fault is an error with a kind, a stable code such as "case.wrong_state" and
// the arguments that a translation needs. Err is the private cause: it goes to
// the log and never to a caller.
type Fault struct {
	Kind  Kind
	Code  string
	Args  map[string]any
	Where []Where
	Err   error
}

// Where is one field that is wrong, named by its path in the input
// ("body.place.lon"), with the code of what is wrong with it.
type Where struct {
	Path string         `json:"path"`
	Code string         `json:"code"`
	Args map[string]any `json:"args,omitempty"`
}

// New declares a fault. Codes are "room.what", lower case.
func New(kind Kind, code string) *Fault { return &Fault{Kind: kind, Code: code} }

// Error names the code, its arguments and the private cause; it is meant for
// logs, not for callers.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Code)
	for _, k := range slices.Sorted(maps.Keys(f.Args)) {
		fmt.Fprintf(&b, " %s=%v", k, f.Args[k])
	}
	for _, w := range f.Where {
		fmt.Fprintf(&b, " [%s %s]", w.Path, w.Code)
	}
	if f.Err != nil {
		fmt.Fprintf(&b, ": %v", f.Err)
	}
	return b.String()
}

// Unwrap gives the private cause.
func (f *Fault) Unwrap() error { return f.Err }

// Is compares codes, so a declared fault still matches after it was given
// arguments or a cause.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// With returns a copy that also carries the given arguments: pairs of a name
// and a value.
func (f *Fault) With(pairs ...any) *Fault {
	c := *f
	c.Args = maps.Clone(f.Args)
	if c.Args == nil {
		c.Args = map[string]any{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.Args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return &c
}

// At returns a copy that also names a wrong field.
func (f *Fault) At(path, code string, pairs ...any) *Fault {
	c := *f
	w := Where{Path: path, Code: code}
	if len(pairs) > 0 {
		w.Args = New(f.Kind, code).With(pairs...).Args
	}
	c.Where = append(slices.Clone(f.Where), w)
	return &c
}

// Because returns a copy with a private cause.
func (f *Fault) Because(err error) *Fault {
	c := *f
	c.Err = err
	return &c
}

// Of finds the fault in err. Anything unknown is an internal fault with err as
// its private cause; nil stays nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Kind: Internal, Code: "internal", Err: err}
}
