package db

import (
	"runtime"
	"time"

	"onegrid/internal/kit/id"
)

// FirstWriter says whether commands with this key run on the first writer.
func (d *DB) FirstWriter(key id.ID) bool { return d.writerOf(key) == 0 }

// AwaitQueued returns when n commands wait for the first writer.
func (d *DB) AwaitQueued(n int) {
	for len(d.writers[0].queue) < n {
		runtime.Gosched()
	}
}

// Ordinal is the rewriting of $1, $2, … for SQLite.
var Ordinal = ordinal

// Patience sets how long the fate of a commit is asked for.
func Patience(d time.Duration) (restore func()) {
	was := patience
	patience = d
	return func() { patience = was }
}
