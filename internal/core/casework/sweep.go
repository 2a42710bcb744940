package casework

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The sweeper acts on deadlines, so that a lost timer cannot lose one
// (DESIGN.md section 3, rule 6). Every step reads what is due from an index and
// changes it under the same condition again, so it can run on two nodes at once
// and after a crash: the second finds nothing to do.

const sweepBatch = 200

// Swept is what one sweep did.
type Swept struct {
	Late     int // clocks found late
	Resumed  int // suspensions, waits for papers and postings that ended on their date
	Missed   int // planned tasks that nobody took
	Released int // claims that were over
	Moved    int // cases that follow a vacancy to another post, or back
	Dropped  int // uploads that nobody used
	Raised   int // late cases that were raised to the next level
	Redated  int // deadlines that a changed calendar moved
}

// Any says whether the sweep did anything.
func (s Swept) Any() bool { return s != Swept{} }

// Sweep does everything that is due.
func (d *Desk) Sweep(ctx context.Context, store *db.DB) (Swept, error) {
	var all Swept
	for _, step := range []func(context.Context, *db.DB, *Swept) error{d.sweepResume, d.sweepCalendars, d.sweepLate, d.sweepEscalate, d.sweepMissed, d.sweepClaims, d.sweepLoose, d.sweepCovers} {
		if err := step(ctx, store, &all); err != nil {
			return all, err
		}
	}
	return all, nil
}

// sweeper is who the journal says did it.
func sweeper(tx *db.Tx, o *org.Snapshot) *access.Actor { return access.Operator("sweeper", o.HubID()) }

// sweepLate marks clocks whose deadline has passed, one entry for each clock.
func (d *Desk) sweepLate(ctx context.Context, store *db.DB, all *Swept) error {
	return batches(func() (int, error) {
		var n int
		err := store.Write(ctx, func(tx *db.Tx) error {
			n = 0
			now := tx.Now()
			rows, err := tx.Query(`SELECT id, case_id, kind, due_at FROM case_clock WHERE due_at IS NOT NULL AND stopped_at IS NULL AND late_at IS NULL
				AND due_at < $1 ORDER BY due_at LIMIT $2`, db.Millis(now), sweepBatch)
			if err != nil {
				return fmt.Errorf("late clocks: %w", err)
			}
			type late struct {
				clock, on id.ID
				kind      ClockKind
				due       time.Time
			}
			var found []late
			for rows.Next() {
				var l late
				if err := rows.Scan(&l.clock, &l.on, &l.kind, db.Time(&l.due)); err != nil {
					rows.Close()
					return fmt.Errorf("late clocks: %w", err)
				}
				found = append(found, l)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return fmt.Errorf("late clocks: %w", err)
			}
			env, err := d.env(tx, access.Operator("sweeper", id.ID{}))
			if err != nil {
				return err
			}
			for _, l := range found {
				marked, err := tx.Exec(`UPDATE case_clock SET late_at = $1, escalate_at = CASE WHEN kind = 'handle' THEN CAST($1 AS BIGINT) ELSE NULL END WHERE id = $2 AND late_at IS NULL AND stopped_at IS NULL`, db.Millis(now), l.clock)
				if err != nil {
					return fmt.Errorf("mark late clock: %w", err)
				}
				if marked == 0 {
					continue
				}
				if _, err := tx.Exec(`UPDATE cases SET clock_late_at = $1, late = CASE WHEN clock_kind = 'handle' THEN 1 ELSE late END WHERE id = $2 AND clock_row = $3`,
					db.Millis(now), l.on, l.clock); err != nil {
					return fmt.Errorf("mark late case: %w", err)
				}
				c, err := get(tx, l.on)
				if err != nil {
					return err
				}
				if err := env.of(c); err != nil {
					return err
				}
				note(env, journal.By{Via: "sweeper"}, c, nil, kindOf(c, "late"), 0, &Body{From: c.State, To: c.State, Clock: &Ran{Kind: l.kind, Late: true}, Until: l.due.Format(time.RFC3339)})
				n++
			}
			return nil
		})
		all.Late += n
		return n, err
	})
}

// batches repeats a step until it finds less than a full batch.
func batches(step func() (int, error)) error {
	for {
		n, err := step()
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

// due reads the ids of a query.
func due(ctx context.Context, store *db.DB, q string, args func(tx *db.Tx) []any) ([]id.ID, error) {
	var out []id.ID
	err := store.Read(ctx, func(tx *db.Tx) error {
		out = nil
		rows, err := tx.Query(q, args(tx)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v id.ID
			if err := rows.Scan(&v); err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("what is due: %w", err)
	}
	return out, nil
}

// sweepResume ends suspensions on their date, as it ends the wait for papers
// and postings that nobody objected to: a suspension is not a closing and ends
// by itself. (data/defaults/reasons.json, rules)
func (d *Desk) sweepResume(ctx context.Context, store *db.DB, all *Swept) error {
	found, err := due(ctx, store, `SELECT id FROM cases WHERE resume_at IS NOT NULL AND resume_at <= $1 ORDER BY resume_at LIMIT 2000`,
		func(tx *db.Tx) []any { return []any{db.Millis(tx.Now())} })
	if err != nil {
		return err
	}
	for _, v := range found {
		for move, still := range ends {
			done, err := d.alone(ctx, store, v, move, still)
			if err != nil {
				return err
			}
			if done {
				all.Resumed++
				break
			}
		}
	}
	return nil
}

// ends are the moves that the program makes when a date has come, and whether
// it has.
var ends = map[string]func(c Case, now time.Time) bool{
	"resume": func(c Case, now time.Time) bool {
		return c.State == Suspended && c.Hold != nil && !c.Hold.Until.After(now)
	},
	"lapse": func(c Case, now time.Time) bool {
		return c.State == Correcting && c.Hold != nil && !c.Hold.Until.IsZero() && !c.Hold.Until.After(now)
	},
	"posting_ends": func(c Case, now time.Time) bool {
		return c.State == Publicised && c.Posting != nil && c.Posting.Objections == 0 && !c.Posting.Until.After(now)
	},
}

// sweepMissed ends planned tasks that nobody took by their due time.
func (d *Desk) sweepMissed(ctx context.Context, store *db.DB, all *Swept) error {
	var hub id.ID
	if err := store.Read(ctx, func(tx *db.Tx) error {
		o, err := d.org.Snapshot(tx)
		if err == nil {
			hub = o.HubID()
		}
		return err
	}); err != nil {
		return err
	}
	found, err := due(ctx, store, `SELECT id FROM cases WHERE hub_id = $1 AND state = 'open' AND list_at < $2 AND channel = 'plan' ORDER BY list_at LIMIT 2000`,
		func(tx *db.Tx) []any { return []any{hub, db.Millis(tx.Now())} })
	if err != nil {
		return err
	}
	for _, v := range found {
		done, err := d.alone(ctx, store, v, "miss", func(c Case, now time.Time) bool {
			return c.State == Open && c.Flow == catalog.Task && c.Channel == "plan" && c.Clock.Late(now)
		})
		if err != nil {
			return err
		}
		if done {
			all.Missed++
		}
	}
	return nil
}

// alone makes one of the program's own moves, if it is still due.
func (d *Desk) alone(ctx context.Context, store *db.DB, caseID id.ID, move string, still func(Case, time.Time) bool) (bool, error) {
	done := false
	err := store.WriteFor(ctx, caseID, func(tx *db.Tx) error {
		done = false
		c, err := get(tx, caseID)
		if err != nil || !still(c, tx.Now()) {
			return err
		}
		o, err := d.org.Snapshot(tx)
		if err != nil {
			return err
		}
		by := sweeper(tx, o)
		env, err := d.env(tx, by)
		if err != nil {
			return err
		}
		if _, err := d.act(env, by, c, Act{Move: move}, false); err != nil {
			return err
		}
		done = true
		return nil
	})
	return done, err
}

// sweepClaims forgets claims that are over.
func (d *Desk) sweepClaims(ctx context.Context, store *db.DB, all *Swept) error {
	return d.drop(ctx, store, &all.Released, func(tx *db.Tx) (int64, error) {
		return tx.Exec(`DELETE FROM case_claim WHERE case_id IN (SELECT case_id FROM case_claim WHERE until_at <= $1 LIMIT $2)`, db.Millis(tx.Now()), sweepBatch)
	}, `SELECT COUNT(*) FROM case_claim WHERE until_at <= $1`, 0)
}

// sweepLoose forgets uploads that nobody used.
func (d *Desk) sweepLoose(ctx context.Context, store *db.DB, all *Swept) error {
	return d.drop(ctx, store, &all.Dropped, func(tx *db.Tx) (int64, error) { return dropLoose(tx, sweepBatch) },
		`SELECT COUNT(*) FROM case_file WHERE case_id IS NULL AND at < $1`, looseTime)
}

// drop deletes in batches, and writes only when there is something to delete.
func (d *Desk) drop(ctx context.Context, store *db.DB, total *int, step func(tx *db.Tx) (int64, error), q string, age time.Duration) error {
	var waiting int64
	if err := store.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(q, db.Millis(tx.Now().Add(-age))).Scan(&waiting)
	}); err != nil || waiting == 0 {
		return err
	}
	return batches(func() (int, error) {
		var n int64
		err := store.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = step(tx)
			return err
		})
		*total += int(n)
		return int(n), err
	})
}

// covers remembers which post acted for which when the sweeper last looked.
type covers struct {
	mu   sync.Mutex
	last map[id.ID]id.ID
}

// sweepCovers lets open cases follow the organisation: when a post falls vacant
// or is filled again, Acting changes with it. Only posts whose answer changed
// since the last look are read; after a start, all once.
func (d *Desk) sweepCovers(ctx context.Context, store *db.DB, all *Swept) error {
	d.covers.mu.Lock()
	defer d.covers.mu.Unlock()
	now := map[id.ID]id.ID{}
	var moved []uncovered
	if err := store.Read(ctx, func(tx *db.Tx) error {
		o, err := d.org.Snapshot(tx)
		if err != nil {
			return err
		}
		at := tx.Now()
		for _, p := range o.Posts {
			acting := o.Effective(p.ID, at).ID
			now[p.ID] = acting
			if acting.IsZero() || d.covers.last != nil && d.covers.last[p.ID] == acting {
				continue
			}
			some, err := uncoveredBy(tx, p.ID, acting)
			if err != nil {
				return err
			}
			moved = append(moved, some...)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, m := range moved {
		if err := d.follow(ctx, store, m, all); err != nil {
			return err
		}
	}
	d.covers.last = now
	return nil
}

// uncovered is an open case of a post for which another acts than the case says.
type uncovered struct{ id, post, acting id.ID }

// openList are the states of open cases as a list in SQL.
var openList = func() string {
	var quoted []string
	for _, s := range openStates {
		quoted = append(quoted, "'"+string(s)+"'")
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}()

// uncoveredBy finds the open cases of a post that another acts for.
func uncoveredBy(tx *db.Tx, post, acting id.ID) ([]uncovered, error) {
	rows, err := tx.Query(`SELECT id FROM cases WHERE post_id = $1 AND state IN `+openList+` AND acting_post_id <> $2`, post, acting)
	if err != nil {
		return nil, fmt.Errorf("cases to follow a post: %w", err)
	}
	defer rows.Close()
	var out []uncovered
	for rows.Next() {
		u := uncovered{post: post, acting: acting}
		if err := rows.Scan(&u.id); err != nil {
			return nil, fmt.Errorf("cases to follow a post: %w", err)
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// follow moves an open case of a post to who acts for it now.
func (d *Desk) follow(ctx context.Context, store *db.DB, u uncovered, all *Swept) error {
	if err := store.WriteFor(ctx, u.id, func(tx *db.Tx) error {
		c, err := get(tx, u.id)
		if err != nil || c.Post != u.post || c.Acting == u.acting || !c.open() {
			return err
		}
		env, err := d.env(tx, access.Operator("sweeper", c.Hub))
		if err != nil {
			return err
		}
		if err := env.of(c); err != nil {
			return err
		}
		return d.reassign(env, journal.By{Via: "sweeper"}, c, c.Post)
	}); err != nil {
		return err
	}
	all.Moved++
	return nil
}
