package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// teller carries requests to the ends that a filling copies, each by itself.
type teller struct {
	app    *app.App
	clock  *Clock
	door   *Staff // whom residents reach
	staff  *Staff
	random *rand.Rand
}

// reports lets a request come in at its time.
func (t *teller) reports(ctx context.Context, q Request) (c casework.Case, err error) {
	t.clock.Set(q.Opened)
	err = t.app.DB.Write(ctx, func(tx *db.Tx) (err error) {
		c, err = t.door.Reports(tx, q)
		return err
	})
	return c, err
}

// later moves the clock on by up to a number of minutes.
func (t *teller) later(minutes int) {
	t.clock.Set(t.clock.Now().Add(time.Duration(1+t.random.IntN(minutes))*time.Minute + time.Duration(t.random.IntN(60))*time.Second))
}

// acts makes one move as whoever acts on the case.
func (t *teller) acts(ctx context.Context, c casework.Case, role string, act casework.Act) error {
	return t.app.DB.Write(ctx, func(tx *db.Tx) error {
		snapshot, err := t.app.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		var by *access.Actor
		ok := false
		if role == "" {
			if by, ok, err = t.staff.actor(tx, snapshot, c.Acting); err != nil {
				return err
			}
		}
		if !ok {
			if by, err = t.staff.nearest(tx, snapshot, role, c.Nodes); err != nil {
				return err
			}
		}
		if act.Move == "settle" {
			if act.Files, err = t.staff.Photos(tx, by, c); err != nil {
				return err
			}
		}
		_, err = t.app.Cases.Move(tx, by, c.ID, act, nil)
		return err
	})
}

// goesOn makes the ordinary moves until the case is closed, or so many; moves
// after which it waits for nobody here are not made.
func (t *teller) goesOn(ctx context.Context, caseID id.ID, moves int) error {
	for range moves {
		t.later(50)
		var c casework.Case
		moved := false
		if err := t.app.DB.Write(ctx, func(tx *db.Tx) (err error) {
			c, moved, err = t.staff.Moves(tx, caseID, tx.Now())
			return err
		}); err != nil {
			return err
		}
		if !open(c) || !moved {
			return nil
		}
		if c.State == casework.Handling {
			t.later(600)
		}
	}
	return nil
}

const all = 40

// answered: a question that the village's desk answers at once.
func (t *teller) answered(ctx context.Context, q Request) (id.ID, error) {
	q.Item, q.Condition, q.Form, q.Channel = "opinion", "question", nil, "portal"
	c, err := t.reports(ctx, q)
	if err != nil {
		return c.ID, err
	}
	t.later(9)
	if err := t.acts(ctx, c, "village_desk", casework.Act{Move: "settle", Note: "已答复", ResidentText: "已答复。"}); err != nil {
		return c.ID, err
	}
	return c.ID, t.goesOn(ctx, c.ID, all)
}

// refused: the desk does not take it.
func (t *teller) refused(ctx context.Context, q Request) (id.ID, error) {
	c, err := t.reports(ctx, q)
	if err != nil {
		return c.ID, err
	}
	t.later(30)
	return c.ID, t.acts(ctx, c, "", casework.Act{Move: "refuse", Reason: "refuse_already_answered", Note: "已答复过"})
}

// carried: through every desk to the end.
func (t *teller) carried(ctx context.Context, q Request) (id.ID, error) {
	c, err := t.reports(ctx, q)
	if err != nil {
		return c.ID, err
	}
	return c.ID, t.goesOn(ctx, c.ID, all)
}

// leftOpen: as far as it came.
func (t *teller) leftOpen(ctx context.Context, q Request) (id.ID, error) {
	c, err := t.reports(ctx, q)
	if err != nil {
		return c.ID, err
	}
	return c.ID, t.goesOn(ctx, c.ID, int(q.Number%9))
}
