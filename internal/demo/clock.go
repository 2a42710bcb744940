package demo

import (
	"sync/atomic"
	"time"
)

// Clock is the demo's clock: it stands where the story of the past is being
// told, and goes with the real one from then on.
type Clock struct {
	stands atomic.Int64     // milliseconds; 0: it goes
	real   func() time.Time // time.Now by default
}

// Now is the time the program goes by.
func (c *Clock) Now() time.Time {
	if at := c.stands.Load(); at != 0 {
		return time.UnixMilli(at)
	}
	if c.real != nil {
		return c.real()
	}
	return time.Now()
}

// Set lets the clock stand at an instant.
func (c *Clock) Set(t time.Time) { c.stands.Store(t.UnixMilli()) }

// Go lets the clock go with the real one.
func (c *Clock) Go() { c.stands.Store(0) }
