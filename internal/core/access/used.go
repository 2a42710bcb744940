package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The last use (最近使用) of a right is known by the day: on which days somebody
// worked through which post. A request costs no write for it: it is remembered in
// memory once a day for each person and post, and written down once a minute.
// What was remembered in the minute before the program dies is lost; the next
// request of that person is noted anew. Every machine remembers for itself.

// use is a person who acts through a post; the post is zero for rights given to
// the person directly.
type use struct{ person, post id.ID }

// usedOn is a use on a day (milliseconds of the district's midnight).
type usedOn struct {
	use
	day int64
}

// uses are what was noted on the present day, and what is not yet written.
type uses struct {
	mu      sync.Mutex
	day     int64
	noted   map[use]bool
	pending map[usedOn]bool
}

// dayOf is the district's midnight before an instant.
func (a *Access) dayOf(t time.Time) time.Time {
	t = t.In(a.o.Zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, a.o.Zone)
}

// noteUse remembers that somebody works through a post today.
func (a *Access) noteUse(by *Actor, now time.Time) {
	if by.Person.IsZero() {
		return
	}
	day, one, u := a.dayOf(now).UnixMilli(), use{by.Person, by.Post}, &a.uses
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.noted == nil || u.day != day {
		u.day, u.noted = day, map[use]bool{}
	}
	if u.noted[one] {
		return
	}
	u.noted[one] = true
	if u.pending == nil {
		u.pending = map[usedOn]bool{}
	}
	u.pending[usedOn{one, day}] = true
}

// waiting lists what is not yet written, in one order on every machine.
func (u *uses) waiting() []usedOn {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]usedOn, 0, len(u.pending))
	for one := range u.pending {
		out = append(out, one)
	}
	slices.SortFunc(out, func(x, y usedOn) int {
		return cmp.Or(x.person.Compare(y.person), x.post.Compare(y.post), cmp.Compare(x.day, y.day))
	})
	return out
}

// writeUse writes down what was noted; it is forgotten once that is committed.
func (a *Access) writeUse(tx *db.Tx) error {
	list := a.uses.waiting()
	for i := range list {
		one := &list[i]
		if _, err := tx.Exec(`INSERT INTO access_used (person, post, day) VALUES ($1, $2, $3) ON CONFLICT (person, post, day) DO NOTHING`,
			one.person[:], one.post[:], one.day); err != nil {
			return fmt.Errorf("write down use: %w", err)
		}
	}
	tx.After(func() {
		a.uses.mu.Lock()
		defer a.uses.mu.Unlock()
		for _, one := range list {
			delete(a.uses.pending, one)
		}
	})
	return nil
}

// WriteUse is writeUse in a transaction of its own, for the program's regular
// work. Without anything new it costs nothing.
func (a *Access) WriteUse(ctx context.Context, d *db.DB) error {
	if len(a.uses.waiting()) == 0 {
		return nil
	}
	return d.Write(ctx, a.writeUse)
}

// lastUses are the last days on which people worked: through each post, and at
// all.
type lastUses struct {
	through map[use]int64
	any     map[id.ID]int64
	since   int64 // the first day that is known; zero: none
}

func readLastUses(tx *db.Tx) (lastUses, error) {
	out := lastUses{through: map[use]int64{}, any: map[id.ID]int64{}}
	rows, err := tx.Query(`SELECT person, post, MIN(day), MAX(day) FROM access_used GROUP BY person, post`)
	if err != nil {
		return out, fmt.Errorf("read use: %w", err)
	}
	for rows.Next() {
		var one use
		var first, last int64
		if err := rows.Scan(&one.person, &one.post, &first, &last); err != nil {
			return out, fmt.Errorf("read use: %w", err)
		}
		out.through[one] = last
		out.any[one.person] = max(out.any[one.person], last)
		if out.since == 0 || first < out.since {
			out.since = first
		}
	}
	return out, rows.Close()
}
