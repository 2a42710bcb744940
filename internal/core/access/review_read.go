package access

import (
	"fmt"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// What readers see of rounds of review: lists, one round, its rows.

const reviewColumns = `id, name, due, opened, opened_by, recorded, closed, closed_by`

func (a *Access) reviews(tx *db.Tx, me reviewer, where string, args ...any) ([]Review, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT `+reviewColumns+` FROM access_review WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read reviews: %w", err)
	}
	out := []Review{}
	for rows.Next() {
		var v Review
		var recorded time.Time
		if err := rows.Scan(&v.ID, &v.Name, &v.Due, db.Time(&v.Opened), &v.OpenedBy, db.Time(&recorded), db.Time(&v.Closed), &v.ClosedBy); err != nil {
			return nil, fmt.Errorf("read reviews: %w", err)
		}
		opener, _ := o.Person(v.OpenedBy)
		closer, _ := o.Person(v.ClosedBy)
		v.OpenedByName, v.ClosedByName, v.Recorded = opener.Name, closer.Name, a.dayText(recorded)
		v.Overdue = v.Closed.IsZero() && a.dayText(tx.Now()) > v.Due
		out = append(out, v)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read reviews: %w", err)
	}
	var now *stands
	for i := range out {
		if out[i].Closed.IsZero() && now == nil {
			if now, err = a.standing(tx); err != nil {
				return nil, err
			}
		}
		if err := out[i].count(tx, me, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *Access) dayText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(a.o.Zone).Format(time.DateOnly)
}

// count fills in how far a round is, of what is the reader's.
func (v *Review) count(tx *db.Tx, me reviewer, now *stands) error {
	if v.Closed.IsZero() {
		waiting, err := me.rows(tx, v.ID, 0, ` AND decision IS NULL`)
		if err != nil {
			return err
		}
		v.Total = int64(len(waiting))
		for _, r := range waiting {
			if now.has(r) {
				v.Open++
			} else {
				v.Gone++
			}
		}
	}
	for _, l := range me.lines {
		where, args := l.where(` AND decision IS NOT NULL`, []any{v.ID})
		rows, err := tx.Query(`SELECT decision, COUNT(*) FROM access_review_row WHERE `+where+` GROUP BY decision`, args...)
		if err != nil {
			return fmt.Errorf("count review: %w", err)
		}
		for rows.Next() {
			var decision string
			var n int64
			if err := rows.Scan(&decision, &n); err != nil {
				return fmt.Errorf("count review: %w", err)
			}
			v.Total += n
			switch decision {
			case reviewKeep:
				v.Kept += n
			case reviewEnd:
				v.Ended += n
			default:
				v.Gone += n
			}
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("count review: %w", err)
		}
	}
	return nil
}

// Reviews lists the rounds, newest first. For whoever decides in them, and the
// auditor.
func (a *Access) Reviews(tx *db.Tx, by *Actor) ([]Review, error) {
	me, err := by.reviewer(true)
	if err != nil {
		return nil, err
	}
	return a.reviews(tx, me, `1 = 1 ORDER BY opened DESC, id DESC`)
}

// ReviewOf is one round. Code: access.missing.
func (a *Access) ReviewOf(tx *db.Tx, by *Actor, v id.ID) (Review, error) {
	me, err := by.reviewer(true)
	if err != nil {
		return Review{}, err
	}
	found, err := a.reviews(tx, me, `id = $1`, v)
	if err != nil {
		return Review{}, err
	}
	if len(found) == 0 {
		return Review{}, ErrMissing
	}
	return found[0], nil
}

// ReviewQuery narrows the rows of a round.
type ReviewQuery struct {
	Kind   string // one of the kinds; empty: all
	State  string // "open", "decided"; empty: all
	Unused bool   // only what was not used for 90 days
	Text   string // part of the person's name
	After  int64  // only numbers above
	Limit  int    // 0: all
}

// reviewBatch is how many rows are read at a time.
const reviewBatch = 250

// ReviewRows lists rows of a round as far as the reader decides or audits them:
// what was not used for the longest first. next is the number to go on after;
// zero at the end. Codes: access.missing, access.denied.
func (a *Access) ReviewRows(tx *db.Tx, by *Actor, v id.ID, q ReviewQuery) (out []ReviewRow, next int64, err error) {
	me, err := by.reviewer(true)
	if err != nil {
		return nil, 0, err
	}
	round, err := a.ReviewOf(tx, by, v)
	if err != nil {
		return nil, 0, err
	}
	also, args := ` AND number > $2`, []any{q.After}
	if q.Kind != "" {
		args = append(args, q.Kind)
		also += fmt.Sprintf(` AND kind = $%d`, len(args)+1)
	}
	if q.State == "open" {
		also += ` AND decision IS NULL`
	}
	if q.Unused {
		args = append(args, db.Millis(round.Opened.Add(-reviewUnused)))
		also += fmt.Sprintf(` AND since < $%[1]d AND (used IS NULL OR used < $%[1]d)`, len(args)+1)
	}
	now, err := a.standing(tx)
	if err != nil {
		return nil, 0, err
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, 0, err
	}
	places := map[id.ID]words.Text{}
	text := strings.TrimSpace(q.Text)
	out = []ReviewRow{}
	// Whether a thing is still there, and how its person is called, other rooms
	// know: what a batch loses by that, the next one makes good.
	for {
		rows, err := me.rows(tx, v, reviewBatch, also, args...)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range rows {
			if r.decision == "" && !now.has(r) {
				r.decision = reviewGone
			}
			person, _ := now.o.Person(r.person)
			if q.State == "open" && r.decision != "" || q.State == "decided" && r.decision == "" || !strings.Contains(person.Name, text) {
				continue
			}
			if q.Limit > 0 && len(out) == q.Limit {
				return out, out[len(out)-1].Number, nil
			}
			shown, err := a.showRow(tx, by, st, now.o, places, r)
			if err != nil {
				return nil, 0, err
			}
			shown.Unused = unusedBefore(r, round.Opened)
			out = append(out, shown)
		}
		if len(rows) < reviewBatch {
			return out, 0, nil
		}
		args[0] = rows[len(rows)-1].number
	}
}

// unusedBefore says whether a right was not used in the 90 days before a round.
func unusedBefore(r reviewRow, opened time.Time) bool {
	return r.idle().Before(opened.Add(-reviewUnused))
}

// showRow names what a row is about. places remembers the names of nodes.
func (a *Access) showRow(tx *db.Tx, by *Actor, st *state, o *org.Snapshot, places map[id.ID]words.Text, r reviewRow) (ReviewRow, error) {
	person, _ := o.Person(r.person)
	decider, _ := o.Person(r.decidedBy)
	v := ReviewRow{
		ID: r.id, Number: r.number, Kind: r.kind, Subject: r.subject, Person: r.person, PersonName: person.Name, Post: r.post, Role: r.role, Level: r.level, Node: r.node,
		Since: r.since, Until: r.until, Used: a.dayText(r.used), Decision: r.decision, Why: r.why, Decided: r.decided, DecidedBy: r.decidedBy, DecidedByName: decider.Name,
		Own: by.By().SameHand(journal.By{Person: r.person}),
	}
	if role, ok := st.book.Role(r.role); ok {
		v.RoleName = role.Name
	}
	need, at := permRevoke, journal.Sight{}
	switch r.kind {
	case reviewsAccount:
		need = permAccount
	case reviewsHolding:
		need = permAssign
	case reviewsStandIn, reviewsDelegation:
		need = permStandIn
	}
	if p, ok := o.Post(r.post); ok {
		unit, _ := o.Unit(p.Unit)
		v.PostName, v.UnitName, at = p.Name, unit.Name, o.SightOf(p)
	}
	v.MayEnd = by.Check(need, at) == nil
	name, known := places[r.node]
	if !known {
		var err error
		if name, err = a.nodeName(tx, o, r.level, r.node); err != nil {
			return v, err
		}
		places[r.node] = name
	}
	v.NodeName = name
	return v, nil
}
