package casework

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// RelationKind says how two cases belong together (关联类型).
type RelationKind string

// Kinds of relations. Only a follow-up has a direction: it goes from the later
// case to the one it follows.
const (
	RelationRelated  RelationKind = "related"    // 相关
	RelationFollowUp RelationKind = "follow_up"  // 后续
	RelationCause    RelationKind = "same_cause" // 同一原因
)

// RelationKinds lists them.
var RelationKinds = []RelationKind{RelationRelated, RelationFollowUp, RelationCause}

// What a relation can be refused for.
var (
	ErrRelationSelf    = fault.New(fault.Invalid, "case.relation_self")
	ErrRelationTask    = fault.New(fault.Invalid, "case.relation_task")
	ErrRelationKnown   = fault.New(fault.Conflict, "case.relation_known")
	ErrRelationMany    = fault.New(fault.Conflict, "case.relation_many")
	ErrRelationMissing = fault.New(fault.Missing, "case.relation_missing")
)

// maxRelations bounds the relations of one case.
const maxRelations = 50

// RelationIn is a relation as somebody makes it; the other case is named by its
// id or, as on the telephone, by its number.
type RelationIn struct {
	Kind   RelationKind `json:"kind" enum:"related,follow_up,same_cause"`
	Case   id.ID        `json:"case_id,omitzero"`
	Number string       `json:"number,omitempty" maxLength:"40"`
}

// Relation is a relation as one of its two cases shows it (关联).
type Relation struct {
	ID        id.ID        `json:"id"`
	Kind      RelationKind `json:"kind" enum:"related,follow_up,same_cause"`
	Direction string       `json:"direction" enum:"both,follows,followed_by"`
	At        time.Time    `json:"at"`
	Case      Ref          `json:"case"` // the other one
}

// Ref names another case to somebody who may see it.
type Ref struct {
	ID        id.ID      `json:"id"`
	Number    string     `json:"number"`
	Title     string     `json:"title"`
	Item      words.Text `json:"item_name"`
	Place     string     `json:"place"`
	State     State      `json:"state"`
	StateName words.Text `json:"state_name"`
	Stage     string     `json:"stage" enum:"reported,accepted,assigned,in_hand,done,closed"`
	Recorded  time.Time  `json:"recorded_at"`
}

// ref names a case; the env keeps the item of the case it was of.
func (d *Desk) ref(env *env, c Case) Ref {
	r := Ref{ID: c.ID, Number: c.Number, Title: c.Title, Place: c.Where, State: c.State, StateName: env.stateName(c), Stage: c.about().Stage, Recorded: c.Recorded}
	if item, err := env.catalog.ItemVersion(c.Item, c.ItemVersion); err == nil {
		r.Item = item.Name
	}
	return r
}

// seen reads a case that the env's reader may see; anything else is missing.
func (e *env) seen(caseID id.ID) (Case, error) {
	c, err := get(e.tx, caseID)
	if err == nil && !sees(e.reader, c) {
		return Case{}, ErrMissing
	}
	return c, err
}

// Relate notes that two cases belong together. Whoever does it sees both and
// may add words to both; it changes nothing else on either, and whoever sees
// only one of them does not learn of the other. Permission case.comment. Codes:
// case.missing, case.bad_number, case.relation_self, case.relation_task,
// case.relation_known, case.relation_many, access.denied.
func (d *Desk) Relate(tx *db.Tx, by *access.Actor, caseID id.ID, in RelationIn) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	other, err := d.named(tx, by, in)
	if err != nil {
		return c, err
	}
	for _, one := range []Case{c, other} {
		if err := by.Check("case.comment", one.Sight()); err != nil {
			return c, err
		}
	}
	return c, d.relate(tx, by, c, other, in.Kind)
}

// named finds the other case of a relation, if the actor may see it.
func (d *Desk) named(tx *db.Tx, by *access.Actor, in RelationIn) (Case, error) {
	switch in.Kind {
	case RelationRelated, RelationFollowUp, RelationCause:
	default:
		return Case{}, ErrInvalid.At("body.kind", "field.wrong")
	}
	if !in.Case.IsZero() {
		return d.load(tx, by, in.Case)
	}
	n, err := ParseNumber(in.Number)
	if err != nil {
		return Case{}, ErrNumber.At("body.number", "case.bad_number")
	}
	other, err := byNumber(tx, n)
	if err == nil && !sees(by, other) {
		err = ErrMissing
	}
	return other, err
}

// relate writes the relation and tells both timelines.
func (d *Desk) relate(tx *db.Tx, by *access.Actor, c, other Case, kind RelationKind) error {
	switch {
	case c.ID == other.ID:
		return ErrRelationSelf.At("body.case_id", "case.relation_self")
	case !c.Parent.IsZero() || !other.Parent.IsZero():
		return ErrRelationTask.At("body.case_id", "case.relation_task")
	}
	from, to := c, other
	if kind != RelationFollowUp && to.ID.Compare(from.ID) < 0 {
		from, to = to, from
	}
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM case_relation WHERE from_case = $1 AND to_case = $2 AND kind = $3`, from.ID, to.ID, kind).Scan(&n); err != nil {
		return fmt.Errorf("read relations: %w", err)
	}
	if n > 0 {
		return ErrRelationKnown
	}
	for _, one := range []Case{c, other} {
		if err := tx.Row(`SELECT COUNT(*) FROM case_relation WHERE from_case = $1 OR to_case = $1`, one.ID).Scan(&n); err != nil {
			return fmt.Errorf("read relations: %w", err)
		}
		if n >= maxRelations {
			return ErrRelationMany.With("most", maxRelations)
		}
	}
	me := by.By()
	_, err := tx.Exec(`INSERT INTO case_relation (id, kind, from_case, to_case, person_id, post_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.NewID(), kind, from.ID, to.ID, me.Person, me.Post, db.Millis(tx.Now()))
	if db.Unique(err) {
		return ErrRelationKnown
	}
	if err != nil {
		return fmt.Errorf("write relation: %w", err)
	}
	return d.both(tx, by, c, other, "case.relate", kind)
}

// Unrelate ends a relation of a case. Permission case.comment on both. Codes:
// case.missing, case.relation_missing, access.denied.
func (d *Desk) Unrelate(tx *db.Tx, by *access.Actor, caseID, relation id.ID) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	var from, to id.ID
	var kind RelationKind
	err = tx.Row(`SELECT kind, from_case, to_case FROM case_relation WHERE id = $1 AND (from_case = $2 OR to_case = $2)`, relation, c.ID).Scan(&kind, &from, &to)
	if errors.Is(err, db.ErrNoRows) {
		return c, ErrRelationMissing
	}
	if err != nil {
		return c, fmt.Errorf("read relation: %w", err)
	}
	if from == c.ID {
		from = to
	}
	other, err := d.load(tx, by, from)
	if errors.Is(err, ErrMissing) {
		return c, ErrRelationMissing
	}
	if err != nil {
		return c, err
	}
	for _, one := range []Case{c, other} {
		if err := by.Check("case.comment", one.Sight()); err != nil {
			return c, err
		}
	}
	if _, err := tx.Exec(`DELETE FROM case_relation WHERE id = $1`, relation); err != nil {
		return c, fmt.Errorf("end relation: %w", err)
	}
	return c, d.both(tx, by, c, other, "case.unrelate", kind)
}

// both writes an entry on the timelines of two cases, each naming the other.
// The timeline shows it only to whoever may see that one too.
func (d *Desk) both(tx *db.Tx, by *access.Actor, c, other Case, kind string, how RelationKind) error {
	env, err := d.env(tx, by)
	if err != nil {
		return err
	}
	for _, pair := range [][2]Case{{c, other}, {other, c}} {
		if err := env.of(pair[0]); err != nil {
			return err
		}
		note(env, by.By(), pair[0], nil, kind, 0, &Body{Other: pair[1].ID, Relation: how, Internal: true})
	}
	return nil
}

// relations lists what a case belongs together with, as far as the reader may
// see it, the newest first.
func (d *Desk) relations(env *env, c Case) ([]Relation, error) {
	rows, err := env.tx.Query(`SELECT id, kind, from_case, to_case, at FROM case_relation WHERE from_case = $1 OR to_case = $1 ORDER BY at DESC, id DESC`, c.ID)
	if err != nil {
		return nil, fmt.Errorf("read relations: %w", err)
	}
	type pair struct {
		Relation
		other id.ID
	}
	var found []pair
	for rows.Next() {
		var p pair
		var from, to id.ID
		if err := rows.Scan(&p.ID, &p.Kind, &from, &to, db.Time(&p.At)); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read relations: %w", err)
		}
		p.Direction, p.other = "both", to
		if p.Kind == RelationFollowUp {
			p.Direction = "follows"
		}
		if to == c.ID {
			p.other = from
			if p.Kind == RelationFollowUp {
				p.Direction = "followed_by"
			}
		}
		found = append(found, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read relations: %w", err)
	}
	out := []Relation{}
	for _, p := range found {
		other, err := env.seen(p.other)
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Case = d.ref(env, other)
		out = append(out, p.Relation)
	}
	return out, nil
}

// whispers are entries that say nothing but that another case exists: whoever
// may not see that one is not told of them.
var whispers = map[string]bool{"case.relate": true, "case.unrelate": true, "case.heard": true}

// tells says whether the reader of a timeline is told of an entry, and gives
// the case it names, if that may be seen too.
func (d *Desk) tells(env *env, entry journal.Entry) (other Case, told bool, err error) {
	var b struct {
		Other id.ID `json:"other"`
	}
	if kept, err := entry.Decode(&b); err != nil || !kept || b.Other.IsZero() {
		return Case{}, true, err
	}
	other, err = env.seen(b.Other)
	if errors.Is(err, ErrMissing) {
		return Case{}, !whispers[entry.Kind], nil
	}
	return other, true, err
}

// numberWords names another case in a sentence.
func (d *Desk) numberWords(c Case) words.Text {
	if c.ID.IsZero() {
		return d.words.Text("casework.other_case", nil)
	}
	return words.Text{Chinese: c.Number, English: c.Number}
}
