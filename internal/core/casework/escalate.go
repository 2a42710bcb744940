package casework

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// escalateReason is the reason for which the program itself raises a case.
const escalateReason = "escalate_overdue"

// sweepEscalate raises cases that stay late, step by step as the catalogue says
// after how many times the limit who is told. (data/defaults/calendar.json, warn)
func (d *Desk) sweepEscalate(ctx context.Context, store *db.DB, all *Swept) error {
	return batches(func() (int, error) {
		type due struct{ clock, on id.ID }
		var found []due
		err := store.Read(ctx, func(tx *db.Tx) error {
			found = nil
			rows, err := tx.Query(`SELECT id, case_id FROM case_clock WHERE escalate_at IS NOT NULL AND stopped_at IS NULL AND escalate_at <= $1
				ORDER BY escalate_at LIMIT $2`, db.Millis(tx.Now()), sweepBatch)
			if err != nil {
				return err
			}
			for rows.Next() {
				var f due
				if err := rows.Scan(&f.clock, &f.on); err != nil {
					rows.Close()
					return err
				}
				found = append(found, f)
			}
			return errors.Join(rows.Err(), rows.Close())
		})
		if err != nil {
			return 0, fmt.Errorf("what to raise: %w", err)
		}
		for _, f := range found {
			err := store.WriteFor(ctx, f.on, func(tx *db.Tx) error {
				raised, err := d.raise(tx, f.clock, f.on)
				if raised && err == nil {
					all.Raised++
				}
				return err
			})
			if err != nil {
				return 0, err
			}
		}
		return len(found), nil
	})
}

// raise makes the next step of one late clock, if it is still due.
func (d *Desk) raise(tx *db.Tx, clock, on id.ID) (bool, error) {
	var step int64
	var at time.Time
	err := tx.Row(`SELECT escalate_step, escalate_at FROM case_clock WHERE id = $1 AND stopped_at IS NULL`, clock).Scan(&step, db.Time(&at))
	if errors.Is(err, db.ErrNoRows) || err == nil && (at.IsZero() || at.After(tx.Now())) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read clock: %w", err)
	}
	c, err := get(tx, on)
	if err != nil {
		return false, err
	}
	o, err := d.org.Snapshot(tx)
	if err != nil {
		return false, err
	}
	by := sweeper(tx, o)
	env, err := d.env(tx, by)
	if err != nil {
		return false, err
	}
	steps := env.catalog.Warn().Escalate
	next := any(nil)
	raised := false
	if c.Flow == catalog.Handling && c.Clock.Row == clock && !c.Clock.Paused && step < int64(len(steps)) {
		if raised, err = d.raiseTo(env, by, c, steps[step].To); err != nil {
			return false, err
		}
		if step+1 < int64(len(steps)) {
			r, err := getRun(tx, clock)
			if err != nil {
				return false, err
			}
			cal, err := d.calendars.For(tx, r.Calendar)
			if err != nil {
				return false, err
			}
			over, err := cal.Due(times(r.Limit, steps[step+1].AfterShare-1), r.Due, nil)
			if err != nil {
				return false, err
			}
			next = db.Millis(over.At)
		}
	}
	if _, err := tx.Exec(`UPDATE case_clock SET escalate_at = $1, escalate_step = $2 WHERE id = $3`, next, step+1, clock); err != nil {
		return false, fmt.Errorf("note a step: %w", err)
	}
	return raised, nil
}

// raiseTo tells the nearest post of a role; nobody is told twice.
func (d *Desk) raiseTo(env *env, by *access.Actor, c Case, role string) (bool, error) {
	p, ok := env.org.NearestPost(role, c.Nodes, id.ID{}, env.staffed)
	if !ok || p.ID == c.Post || has(c.Raised, p.ID) {
		return false, nil
	}
	act := Act{Move: "escalate", Reason: escalateReason, Post: p.ID, Note: d.words.Say(words.Chinese, "casework.note.overdue", nil)}
	_, err := d.act(env, by, c, act, false)
	return err == nil, err
}

// times is a limit a number of times; whole units where the clock demands it.
func times(l calendar.Limit, n float64) calendar.Limit {
	l.Minutes = int64(math.Ceil(float64(l.Minutes) * n))
	if l.Units *= n; l.Clock == calendar.StatutoryDay || l.Clock == calendar.StatutoryWorkingDay {
		l.Units = math.Ceil(l.Units)
	}
	return l
}
