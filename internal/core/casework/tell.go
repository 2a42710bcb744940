package casework

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Telling is what a message may say about a case (消息要素). Who reads it is the
// business of the room that writes messages; nothing of the reporter is in it.
type Telling struct {
	Number         string
	Item           words.Text
	Place          string
	Unit, Post     words.Text // that own it
	Grid           words.Text
	Due, Until     time.Time
	Ask            id.ID // the post that is asked to decide
	Reason         words.Text
	ResidentReason words.Text
	Answer         string
	At             journal.Sight
	Reporter       bool // somebody stands sealed beside it
	Over           bool // it has ended, and will tell its reporter no more
}

// Telling gives what messages may say about a case now; reason is the key of the
// reason that an act gave. Code: case.missing.
func (d *Desk) Telling(tx *db.Tx, caseID id.ID, reason string) (Telling, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return Telling{}, err
	}
	o, err := d.org.Snapshot(tx)
	if err != nil {
		return Telling{}, err
	}
	cat, err := d.catalog.Snapshot(tx)
	if err != nil {
		return Telling{}, err
	}
	t := Telling{Number: c.Number, Place: c.Where, Due: c.Clock.Due, Ask: c.AskPost, Answer: c.Resident, At: c.Sight(), Reporter: c.Reporter && c.Task == ""}
	on := c // a merged report goes on as its main case does
	if c.State == Merged {
		if on, err = get(tx, c.Main); err != nil {
			return t, err
		}
	}
	t.Over = on.about().Shut
	if c.Hold != nil {
		t.Until = c.Hold.Until
	}
	if item, err := cat.ItemVersion(c.Item, c.ItemVersion); err == nil {
		t.Item = item.Name
	}
	if r, err := cat.Reason(reason); err == nil {
		t.Reason = r.Name
		if r.ResidentText != nil {
			t.ResidentReason = *r.ResidentText
		}
	}
	if p, ok := o.Post(c.Post); ok {
		t.Post = p.Name
		if u, ok := o.Unit(p.Unit); ok {
			t.Unit = u.Name
		}
	}
	return t, nil
}

// WaitingFor counts the reports that wait for a post to accept them, and when
// the first is due; none when the time of none is known.
func (d *Desk) WaitingFor(tx *db.Tx, post id.ID) (n int64, first time.Time, err error) {
	err = tx.Row(`SELECT COUNT(*), MIN(due_at) FROM cases WHERE post_id = $1 AND state = $2`, post, string(Reported)).Scan(&n, db.Time(&first))
	if err != nil {
		return 0, first, fmt.Errorf("count what waits for a post: %w", err)
	}
	return n, first, nil
}

// PhoneFor opens the number that the reporter of a case left, for a message that
// she agreed to; empty when there is none. It is not for anybody's eyes.
func (d *Desk) PhoneFor(tx *db.Tx, caseID id.ID) (string, error) {
	r, err := d.open(tx, caseID)
	if errors.Is(err, ErrNoParty) {
		return "", nil
	}
	return r.Phone, err
}
