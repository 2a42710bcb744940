package casework

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// books remembers the calendars the sweeper last computed deadlines with.
type books struct {
	mu   sync.Mutex
	last map[string]*calendar.Calendar
}

// sweepCalendars computes deadlines anew when an office has changed a calendar
// or loaded the next year's holidays; after a start it looks at all once, since
// the program may have stopped in between.
func (d *Desk) sweepCalendars(ctx context.Context, store *db.DB, all *Swept) error {
	d.books.mu.Lock()
	defer d.books.mu.Unlock()
	now := map[string]*calendar.Calendar{}
	if err := store.Read(ctx, func(tx *db.Tx) error {
		sheets, err := d.calendars.List(tx)
		if err != nil {
			return err
		}
		keys := []string{""}
		for _, s := range sheets {
			keys = append(keys, s.Key)
		}
		for _, key := range keys {
			if now[key], err = d.calendars.For(tx, key); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("calendars: %w", err)
	}
	for key, cal := range now {
		if d.books.last[key] == cal {
			continue
		}
		n, err := d.Recompute(ctx, store, key)
		all.Redated += n
		if err != nil {
			return err
		}
	}
	d.books.last = now
	return nil
}

// Recompute computes the deadlines of the clocks that run on a calendar anew
// and says how many moved. Given deadlines stay; what stands still is computed
// when it goes on.
func (d *Desk) Recompute(ctx context.Context, store *db.DB, key string) (int, error) {
	var moved []id.ID
	err := store.Read(ctx, func(tx *db.Tx) error {
		moved = nil
		cal, err := d.calendars.For(tx, key)
		if err != nil {
			return err
		}
		rows, err := tx.Query(`SELECT `+runColumns+` FROM case_clock WHERE stopped_at IS NULL AND given = 0 AND calendar = $1`, key)
		if err != nil {
			return err
		}
		for rows.Next() {
			r, err := scanRun(rows)
			if err != nil {
				rows.Close()
				return err
			}
			if r.Due.IsZero() {
				continue
			}
			due, _, err := reckon(cal, r)
			if err != nil {
				rows.Close()
				return err
			}
			if !same(due.At, r.Due) || due.Provisional != r.Provisional {
				moved = append(moved, r.Case)
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err != nil {
		return 0, fmt.Errorf("deadlines on calendar %q: %w", key, err)
	}
	n := 0
	for _, v := range moved {
		var did bool
		if err := store.WriteFor(ctx, v, func(tx *db.Tx) (err error) {
			did, err = d.redate(tx, v)
			return err
		}); err != nil {
			return n, err
		}
		if did {
			n++
		}
	}
	return n, nil
}

// same compares deadlines as they are stored.
func same(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() }

// redate gives one case its new deadline.
func (d *Desk) redate(tx *db.Tx, caseID id.ID) (bool, error) {
	c, err := get(tx, caseID)
	if err != nil || c.Clock.Kind == "" || c.Clock.Given || c.Clock.Paused {
		return false, err
	}
	r, err := getRun(tx, c.Clock.Row)
	if err != nil {
		return false, err
	}
	cal, err := d.calendars.For(tx, c.Clock.Calendar)
	if err != nil {
		return false, err
	}
	due, near, err := reckon(cal, r)
	if err != nil {
		return false, err
	}
	if !c.Stood {
		near = nearOf(cal, r.Limit, r.Start, due.At)
	}
	if same(due.At, c.Clock.Due) && due.Provisional == c.Clock.Provisional {
		return false, nil
	}
	why := WhyCalendar
	if c.Clock.Provisional && !due.Provisional {
		why = WhyYear
	}
	if !same(due.At, c.Clock.Due) {
		if err := noteRedated(tx, c, c.Clock.Due, due.At, why); err != nil {
			return false, err
		}
	}
	c.Clock.Due, c.Clock.Provisional, c.Clock.Near = due.At, due.Provisional, near
	if err := d.keepRun(tx, &c, r.Pauses); err != nil {
		return false, err
	}
	env, err := d.env(tx, access.Operator("system", c.Hub))
	if err != nil {
		return false, err
	}
	if err := env.of(c); err != nil {
		return false, err
	}
	if c, err = put(tx, c); err != nil {
		return false, err
	}
	note(env, journal.By{Via: "system"}, c, nil, kindOf(c, "due"), c.Version, &Body{Until: due.At.UTC().Format(time.RFC3339)})
	return true, nil
}
