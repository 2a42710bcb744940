package app

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/fault"
)

// watchEvery is how often a machine looks after itself.
const watchEvery = 5 * time.Second

// watch looks after what may stop this machine from writing, and says so before
// something breaks: a disk that fills up, and a newer program on the same
// database. Every machine watches for itself, so this is no chore of one of them.
type watch struct {
	a     *App
	rooms []db.Room
	room  func() (disk.Room, error)
	seen  atomic.Pointer[disk.Room]
	low   bool
}

func newWatch(a *App) *watch {
	return &watch{a: a, rooms: Tables(), room: func() (disk.Room, error) { return disk.Of(a.Config.Dir) }}
}

// run looks until ctx ends.
func (w *watch) run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look looks once and holds the writers, or lets them go.
func (w *watch) look(ctx context.Context) {
	why := w.outdated(ctx)
	if full := w.full(); why == nil {
		why = full
	}
	switch was := w.a.DB.Held(); {
	case why != nil && was == nil:
		w.a.Log.Error("nothing is written any more", "code", why.Code, "cause", why)
	case why == nil && was != nil:
		w.a.Log.Info("writing goes on", "code", was.Code)
	}
	w.a.DB.Hold(why)
}

// full reads the room of the data folder's disk.
func (w *watch) full() *fault.Fault {
	room, err := w.room()
	if err != nil {
		w.a.Log.Warn("the room of the disk can't be read", "cause", err)
		return nil
	}
	w.seen.Store(&room)
	low := room.Size > 0 && room.Free < room.Size/100*int64(w.a.Config.DiskWarn)
	if low != w.low {
		w.low = low
		if low {
			w.a.Log.Warn("the disk fills up", "free_bytes", room.Free, "size_bytes", room.Size, "warn_percent", w.a.Config.DiskWarn)
		} else {
			w.a.Log.Info("the disk has room again", "free_bytes", room.Free, "size_bytes", room.Size)
		}
	}
	// PostgreSQL has a disk of its own, which it looks after itself.
	if w.a.DB.Engine() == db.SQLite && room.Free < int64(w.a.Config.DiskLeast)<<20 {
		return db.ErrFull.With("retry_after", 60)
	}
	return nil
}

// outdated asks whether a newer program migrated the tables since this one was
// started. Until it is replaced too, it writes nothing: it knows only what the
// tables meant before.
func (w *watch) outdated(ctx context.Context) *fault.Fault {
	err := w.a.DB.Newer(ctx, w.rooms)
	if errors.Is(err, db.ErrNewer) {
		return db.ErrOutdated.With("retry_after", 5).Because(err)
	}
	return nil // that it can't be read is the business of /readyz
}

// free and size are for the metrics; -1 when it was never read.
func (w *watch) free() float64 {
	if room := w.seen.Load(); room != nil {
		return float64(room.Free)
	}
	return -1
}

func (w *watch) size() float64 {
	if room := w.seen.Load(); room != nil {
		return float64(room.Size)
	}
	return -1
}
