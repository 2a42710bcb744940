package org

import (
	"errors"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// HoldingIn gives a post to a person for a period.
type HoldingIn struct {
	ID     id.ID     `json:"id,omitzero"`
	Post   id.ID     `json:"-"`
	Person id.ID     `json:"person_id"`
	From   time.Time `json:"from,omitzero"` // now when absent
	To     time.Time `json:"to,omitzero"`
}

// Assign makes a person the holder of a post. Permission org.post_assign at the
// post's place. Codes: org.missing, org.invalid, org.post_taken,
// org.too_many_posts, org.admin_post, org.to_oneself, access.incompatible_roles.
func (o *Org) Assign(tx *db.Tx, by journal.Who, in HoldingIn) (Holding, error) {
	p, at, err := o.placeOf(tx, in.Post)
	if err != nil {
		return Holding{}, err
	}
	if err := by.Check(permAssign, at); err != nil {
		return Holding{}, err
	}
	if err := seatable(by, p); err != nil {
		return Holding{}, err
	}
	if who := by.By().Person; !who.IsZero() && who == in.Person {
		return Holding{}, ErrToOneself
	}
	h := Holding{ID: in.ID, Post: p.ID, Person: in.Person, Kind: Holder, From: in.From, To: in.To, Version: 1}
	if h, err = o.period(tx, by, h, p); err != nil {
		return Holding{}, err
	}
	h.Accepted = h.From
	if err := o.admit(tx, h, p); err != nil {
		return Holding{}, err
	}
	if err := insertHolding(tx, h); err != nil {
		return Holding{}, err
	}
	o.guard.Changed(tx, h.Person)
	return h, o.wrote(tx, by, "org.hold", h.ID, h.Version, at, h)
}

// Deputise names a stand-in for a post. It counts once the person accepts it;
// whoever names himself, and the operator, has accepted. A stand-in has an end
// (roles.json stand_in) and never names another for the post he stands in for.
// Permission org.stand_in at the post's place. Codes: as Assign, and
// org.own_post, org.stand_in_hands_on.
func (o *Org) Deputise(tx *db.Tx, by journal.Who, in HoldingIn) (Holding, error) {
	p, at, err := o.placeOf(tx, in.Post)
	if err != nil {
		return Holding{}, err
	}
	if err := by.Check(permStandIn, at); err != nil {
		return Holding{}, err
	}
	if err := seatable(by, p); err != nil {
		return Holding{}, err
	}
	who := by.By()
	standing, err := holdingsWhere(tx, `post = $1`, p.ID)
	if err != nil {
		return Holding{}, err
	}
	for _, h := range standing {
		if h.Kind != Holder && h.On(tx.Now()) && !who.Person.IsZero() && h.Person == who.Person {
			return Holding{}, ErrHandsOn
		}
	}
	h := Holding{ID: in.ID, Post: p.ID, Person: in.Person, Kind: StandIn, From: in.From, To: in.To, Version: 1}
	if h, err = o.period(tx, by, h, p); err != nil {
		return Holding{}, err
	}
	if slices.ContainsFunc(standing, func(x Holding) bool {
		return x.Kind == Holder && x.Person == h.Person && Meets(x.From, x.To, h.From, h.To)
	}) {
		return Holding{}, ErrOwnPost
	}
	if h.To.IsZero() || h.To.Sub(h.From) > time.Duration(o.rules.StandInDays)*24*time.Hour {
		return Holding{}, ErrInvalid.At("body.to", "org.stand_in_too_long", "days", o.rules.StandInDays)
	}
	if !o.rules.Acceptance || who.Person == h.Person || trusted(by) {
		h.Accepted = h.From
	}
	if err := o.admit(tx, h, p); err != nil {
		return Holding{}, err
	}
	if err := insertHolding(tx, h); err != nil {
		return Holding{}, err
	}
	o.guard.Changed(tx, h.Person)
	return h, o.wrote(tx, by, "org.stand_in", h.ID, h.Version, at, h)
}

// Accept is the word of the person who was asked to stand in. Codes:
// org.missing, org.not_yours, org.ended.
func (o *Org) Accept(tx *db.Tx, by journal.Who, holding id.ID) (Holding, error) {
	h, err := holdingByID(tx, holding)
	if err != nil {
		return Holding{}, err
	}
	if who := by.By(); who.Person.IsZero() || who.Person != h.Person {
		return Holding{}, ErrNotYours
	}
	if !h.To.IsZero() && !tx.Now().Before(h.To) {
		return Holding{}, ErrEnded
	}
	if !h.Accepted.IsZero() {
		return h, nil
	}
	_, at, err := o.placeOf(tx, h.Post)
	if err != nil {
		return Holding{}, err
	}
	h.Accepted = tx.Now()
	if err := updateHolding(tx, h); err != nil {
		return Holding{}, err
	}
	h.Version++
	if o.guard != nil {
		o.guard.Changed(tx, h.Person)
	}
	return h, o.wrote(tx, by, "org.accept_stand_in", h.ID, h.Version, at, h)
}

// End ends a holding now or at a later time. It needs the permission that gave
// it; a person may always lay down or decline a stand-in or delegation of his own,
// and take back what he delegated. What was
// held in the past stays held: an end before now is moved to now. Codes:
// org.missing, org.ended, org.invalid, org.changed.
func (o *Org) End(tx *db.Tx, by journal.Who, holding id.ID, version int64, end time.Time) (Holding, error) {
	h, err := holdingByID(tx, holding)
	if err != nil {
		return Holding{}, err
	}
	_, at, err := o.placeOf(tx, h.Post)
	if err != nil {
		return Holding{}, err
	}
	need, kind := permAssign, "org.end_holding"
	switch h.Kind {
	case StandIn:
		need, kind = permStandIn, "org.end_stand_in"
	case Delegate:
		need, kind = permStandIn, "org.end_delegation"
	}
	me := by.By().Person
	own := h.Kind != Holder && !me.IsZero() && (me == h.Person || me == h.Principal)
	if err := by.Check(need, at); err != nil && !own {
		return Holding{}, err
	}
	now := tx.Now()
	if !h.To.IsZero() && !now.Before(h.To) {
		return Holding{}, ErrEnded
	}
	if version != 0 && version != h.Version {
		return Holding{}, ErrChanged.With("version", h.Version)
	}
	if end.IsZero() || end.Before(now) && !trusted(by) {
		end = now
	}
	if !h.To.IsZero() && end.After(h.To) {
		return Holding{}, ErrInvalid.At("body.to", "org.only_earlier")
	}
	if end.Before(h.From) {
		end = h.From // it never began: an empty period
	}
	h.To = end.UTC().Truncate(time.Millisecond)
	if err := updateHolding(tx, h); err != nil {
		return Holding{}, err
	}
	h.Version++
	if err := o.changed(tx, h); err != nil {
		return Holding{}, err
	}
	return h, o.wrote(tx, by, kind, h.ID, h.Version, at, h)
}

// changed tells the guard whose rights an ended holding takes away: the person's,
// and with a holder's those of everybody he delegated to.
func (o *Org) changed(tx *db.Tx, h Holding) error {
	if o.guard == nil {
		return nil
	}
	o.guard.Changed(tx, h.Person)
	if h.Kind != Holder {
		return nil
	}
	given, err := delegatesOf(tx, h.Post)
	if err != nil {
		return err
	}
	for _, d := range given {
		o.guard.Changed(tx, d.Person)
	}
	return nil
}

// Leave ends a person: every holding ends now and no new one can begin.
// Permission system.account_create or org.post_assign in the whole district.
// Codes: org.missing, org.ended.
func (o *Org) Leave(tx *db.Tx, by journal.Who, person id.ID) (Person, error) {
	if err := by.Check(permAssign, journal.Sight{}); err != nil && by.Check(permAccount, journal.Sight{}) != nil {
		return Person{}, err
	}
	p, err := o.PersonByID(tx, person)
	if err != nil {
		return Person{}, err
	}
	if !p.To.IsZero() {
		return Person{}, ErrEnded
	}
	p.To = tx.Now()
	held, err := holdingsWhere(tx, `person = $1 AND (valid_to IS NULL OR valid_to > $2)`, p.ID, db.Millis(p.To))
	if err != nil {
		return Person{}, err
	}
	for _, h := range held {
		h.To = p.To
		if h.To.Before(h.From) {
			h.To = h.From
		}
		if err := updateHolding(tx, h); err != nil {
			return Person{}, err
		}
		if err := o.changed(tx, h); err != nil {
			return Person{}, err
		}
	}
	if err := updatePerson(tx, p); err != nil {
		return Person{}, err
	}
	p.Version++
	if o.guard != nil {
		o.guard.Changed(tx, p.ID)
	}
	return p, o.wrote(tx, by, "org.person_leave", p.ID, p.Version, journal.Sight{}, map[string]int{"holdings": len(held)})
}

// seatable keeps the posts of the three administrators out of the hands of those
// who fill all others: who appoints the staff must not appoint who grants rights
// or reads the audit. (DESIGN.md section 8)
func seatable(by journal.Who, p Post) error {
	if p.Level == AtSystem && !trusted(by) {
		return ErrAdminPost
	}
	return nil
}

func (o *Org) placeOf(tx *db.Tx, post id.ID) (Post, journal.Sight, error) {
	p, err := postByID(tx, post)
	if err != nil {
		return Post{}, journal.Sight{}, err
	}
	at, err := postSight(tx, p)
	return p, at, err
}

// period fills in and checks the beginning and end of a holding. Rights never
// begin in the past, except in what an operator loads.
func (o *Org) period(tx *db.Tx, by journal.Who, h Holding, p Post) (Holding, error) {
	now := tx.Now()
	if h.ID.IsZero() {
		h.ID = tx.NewID()
	}
	if h.From.IsZero() || h.From.Before(now) && !trusted(by) {
		h.From = now
	}
	h.From, h.To = h.From.UTC().Truncate(time.Millisecond), h.To.UTC().Truncate(time.Millisecond)
	f := ErrInvalid
	if !h.To.IsZero() && !h.To.After(h.From) {
		f = f.At("body.to", "org.bad_period")
	}
	if !p.Open(h.From) {
		f = f.At("body.from", "org.post_closed")
	}
	person, err := o.PersonByID(tx, h.Person)
	if err != nil && !errors.Is(err, ErrMissing) {
		return h, err
	}
	if err != nil || !person.To.IsZero() {
		f = f.At("body.person_id", "org.missing")
	}
	return h, orNil(f)
}

// admit refuses what the staffing rules and the rights forbid: another person
// in the same place, too many posts, roles that exclude each other.
func (o *Org) admit(tx *db.Tx, h Holding, p Post) error {
	if taken, err := exists(tx, `SELECT 1 FROM org_holding WHERE id = $1`, h.ID); err != nil || taken {
		return errOr(err, ErrCodeTaken.With("code", h.ID.String()))
	}
	there, err := holdingsWhere(tx, `post = $1 AND kind = $2 AND (valid_to IS NULL OR valid_to > $3)`, h.Post, h.Kind, db.Millis(h.From))
	if err != nil {
		return err
	}
	for _, x := range there {
		if h.Kind == Delegate && x.Person != h.Person {
			continue // several people may each do a part
		}
		if Meets(x.From, x.To, h.From, h.To) {
			return ErrPostTaken.With("from", x.From, "to", x.To)
		}
	}
	if err := o.limits(tx, h, p); err != nil {
		return err
	}
	if o.guard == nil {
		return errors.New("org: nobody guards the holdings; see Guarded")
	}
	return o.guard.MayHold(tx, h.Person, p.Role, h.From, h.To)
}

// limits counts the posts of a person in the period, per kind of post
// (staffing.json person_limits).
func (o *Org) limits(tx *db.Tx, h Holding, p Post) error {
	type held struct {
		role     string
		kind     HoldingKind
		from, to time.Time
	}
	mine, err := all(tx, `SELECT p.role, h.kind, h.valid_from, h.valid_to FROM org_holding h JOIN org_post p ON p.id = h.post
		WHERE h.person = $1 AND (h.valid_to IS NULL OR h.valid_to > $2)`,
		func(x *held) []any { return []any{&x.role, &x.kind, db.Time(&x.from), db.Time(&x.to)} }, h.Person, db.Millis(h.From))
	if err != nil {
		return err
	}
	count := func(kind HoldingKind, roles []string) int {
		n := 0
		for _, x := range mine {
			if x.kind == kind && (roles == nil || slices.Contains(roles, x.role)) && Meets(x.from, x.to, h.From, h.To) {
				n++
			}
		}
		return n
	}
	max, n := 0, 0
	switch {
	case h.Kind == StandIn, h.Kind == Delegate:
		max, n = o.rules.MaxStandIn, count(h.Kind, nil)
	case slices.Contains(o.rules.FullTime, p.Role):
		max, n = o.rules.MaxFullTime, count(Holder, o.rules.FullTime)
	case slices.Contains(o.rules.Part, p.Role):
		max, n = o.rules.MaxPart, count(Holder, o.rules.Part)
	default:
		return nil
	}
	if n >= max {
		return ErrTooManyPosts.With("max", max, "kind", string(h.Kind))
	}
	return nil
}

// trusted says whether the program itself or its operator acts: an importer may
// load holdings that began in the past.
func trusted(by journal.Who) bool {
	t, ok := by.(interface{ Trusted() bool })
	return ok && t.Trusted()
}
