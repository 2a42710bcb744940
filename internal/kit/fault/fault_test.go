package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"onegrid/internal/kit/fault"
)

var errState = fault.New(fault.Conflict, "case.wrong_state")

// A declared fault still matches after it was given arguments, a field and a
// cause, also through fmt.Errorf, and the declared value itself never changes.
func TestFaultKeepsItsCode(t *testing.T) {
	cause := errors.New("disk")
	err := fmt.Errorf("outer: %w", errState.With("state", "closed").At("body.move", "case.no_move").Because(cause))
	if !errors.Is(err, errState) || !errors.Is(err, cause) {
		t.Fatalf("lost its identity: %v", err)
	}
	f := fault.Of(err)
	if f.Kind != fault.Conflict || f.Args["state"] != "closed" || len(f.Where) != 1 {
		t.Fatalf("got %+v", f)
	}
	if errState.Args != nil || errState.Where != nil || errState.Err != nil {
		t.Fatal("the declared fault was changed")
	}
}

// What is not a fault becomes an internal one whose cause stays private.
func TestUnknownErrorIsInternal(t *testing.T) {
	f := fault.Of(errors.New("password=secret"))
	if f.Kind != fault.Internal || f.Code != "internal" || f.Err == nil {
		t.Fatalf("got %+v", f)
	}
	if fault.Of(nil) != nil {
		t.Fatal("nil became a fault")
	}
}
