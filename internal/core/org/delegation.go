package org

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// A delegation (委托) is a stand-in for a post in part: its holder lets somebody
// nearby do chosen things of it until a day, and goes on holding it. It is a
// holding of its own kind, so that everything that counts holdings counts it:
// the record says who acted for whom, two-person rules see one hand, and roles
// that exclude each other exclude each other here.
//
//   - Only the holder delegates, through that very post: neither a stand-in nor a
//     delegate hands on what is not his.
//   - It is never more than the holder has: it ends with his holding, and what
//     his role loses is lost.
//   - What appoints people or gives rights is not delegated (see Guard).
//   - Whoever acts for the whole post (Occupant) stays the holder or stand-in:
//     a delegate may act, and nobody waits for him.

const (
	delegationWhy  = 200 // characters
	delegationsOld = 90 * 24 * time.Hour
)

// DelegationIn is what a holder delegates.
type DelegationIn struct {
	ID          id.ID     `json:"id,omitzero"`
	Post        id.ID     `json:"-"`
	Person      id.ID     `json:"person_id"`
	Permissions []string  `json:"permissions,omitempty" maxItems:"100" doc:"absent: everything of the post that can be delegated"`
	From        time.Time `json:"from,omitzero" doc:"now when absent"`
	To          time.Time `json:"to"`
	Why         string    `json:"why" maxLength:"800"`
}

// Delegate lets another person do a part of what one's own post can, for a time.
// It counts once the person accepts. Nobody grants the right to it: it is the
// holder's. Codes: org.missing, org.not_your_post, org.stand_in_hands_on,
// org.own_post, org.invalid, org.post_taken, org.too_many_posts, org.admin_post,
// access.incompatible_roles.
func (o *Org) Delegate(tx *db.Tx, by journal.Who, in DelegationIn) (Holding, error) {
	p, at, err := o.placeOf(tx, in.Post)
	if err != nil {
		return Holding{}, err
	}
	if err := o.holds(tx, by, p); err != nil {
		return Holding{}, err
	}
	if err := seatable(by, p); err != nil {
		return Holding{}, err
	}
	who := by.By()
	if in.Person == who.Person {
		return Holding{}, ErrOwnPost
	}
	h := Holding{ID: in.ID, Post: p.ID, Person: in.Person, Kind: Delegate, From: in.From, To: in.To, Principal: who.Person, Why: strings.TrimSpace(in.Why), Version: 1}
	if h, err = o.period(tx, by, h, p); err != nil {
		return Holding{}, err
	}
	f := ErrInvalid
	if n := utf8.RuneCountInString(h.Why); n < 1 || n > delegationWhy {
		f = f.At("body.why", "org.delegation_why", "most", delegationWhy)
	}
	if h.To.IsZero() || h.To.Sub(h.From) > time.Duration(o.rules.StandInDays)*24*time.Hour {
		f = f.At("body.to", "org.delegation_too_long", "days", o.rules.StandInDays)
	}
	can, err := o.guard.Delegable(tx, p.Role)
	if err != nil {
		return Holding{}, err
	}
	for _, permission := range in.Permissions {
		if !slices.Contains(can, permission) {
			f = f.At("body.permissions", "org.not_delegable")
			break
		}
	}
	if len(can) == 0 {
		f = f.At("body.permissions", "org.not_delegable")
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return Holding{}, err
	}
	if !slices.ContainsFunc(s.near(p, tx.Now()), func(x Person) bool { return x.ID == h.Person }) {
		f = f.At("body.person_id", "org.not_a_colleague")
	}
	if err := orNil(f); err != nil {
		return Holding{}, err
	}
	h.Part = slices.Compact(slices.Sorted(slices.Values(in.Permissions)))
	if !o.rules.Acceptance {
		h.Accepted = h.From
	}
	if err := o.admit(tx, h, p); err != nil {
		return Holding{}, err
	}
	if err := insertHolding(tx, h); err != nil {
		return Holding{}, err
	}
	o.guard.Changed(tx, h.Person)
	return h, o.wrote(tx, by, "org.delegate", h.ID, h.Version, at, h)
}

// holds refuses whoever does not hold the post himself and act through it.
func (o *Org) holds(tx *db.Tx, by journal.Who, p Post) error {
	s, err := o.Snapshot(tx)
	if err != nil {
		return err
	}
	who := by.By()
	if holder, ok := s.HolderOf(p.ID, tx.Now()); ok && holder == who.Person && who.Post == p.ID {
		return nil
	}
	if who.Post == p.ID && !who.Person.IsZero() {
		return ErrHandsOn
	}
	return ErrNotYourPost
}

// near lists whom a post can be delegated to: people who have a post in its
// unit, in the one above, or in one directly below.
func (s *Snapshot) near(p Post, at time.Time) []Person {
	unit, _ := s.Unit(p.Unit)
	holder, _ := s.HolderOf(p.ID, at)
	var out []Person
	for _, person := range s.Persons {
		if person.ID == holder || !person.To.IsZero() && !at.Before(person.To) {
			continue
		}
		if slices.ContainsFunc(s.HoldingsOf(person.ID, at), func(h Holding) bool {
			post, _ := s.Post(h.Post)
			u, ok := s.Unit(post.Unit)
			return ok && h.Kind == Holder && (u.ID == unit.ID || u.ID == unit.Parent || u.Parent == unit.ID)
		}) {
			out = append(out, person)
		}
	}
	return out
}

// Delegations lists what a person has of others' posts at an instant.
func (s *Snapshot) Delegations(person id.ID, at time.Time) []Holding {
	var out []Holding
	for _, h := range s.ofPerson[person] {
		if h.Kind != Delegate || !h.On(at) || !s.postOpen(h.Post, at) {
			continue
		}
		holding, held := s.heldNow(h.Post, at)
		if held && holding.Person == h.Principal { // it ends with the holder's own
			v := *h
			if v.To.IsZero() || !holding.To.IsZero() && holding.To.Before(v.To) {
				v.To = holding.To
			}
			out = append(out, v)
		}
	}
	return out
}

// Acting lists every holding by which a person may act at an instant: what he
// holds, stands in for and was delegated.
func (s *Snapshot) Acting(person id.ID, at time.Time) []Holding {
	return append(s.HoldingsOf(person, at), s.Delegations(person, at)...)
}

func (s *Snapshot) heldNow(post id.ID, at time.Time) (Holding, bool) {
	for _, h := range s.ofPost[post] {
		if h.Kind == Holder && h.On(at) {
			return *h, true
		}
	}
	return Holding{}, false
}

// delegatesOf lists whom a post is or will be delegated to.
func delegatesOf(tx *db.Tx, post id.ID) ([]Holding, error) {
	return holdingsWhere(tx, `post = $1 AND kind = $2 AND (valid_to IS NULL OR valid_to > $3)`, post, Delegate, db.Millis(tx.Now()))
}

// DelegationView is a delegation as both sides see it.
type DelegationView struct {
	Holding
	PostName      words.Text `json:"post_name"`
	UnitName      words.Text `json:"unit_name"`
	Role          string     `json:"role"`
	PersonName    string     `json:"person_name"`
	PrincipalName string     `json:"delegated_by_name"`
	State         string     `json:"state" enum:"asked,coming,on,over"`
	Given         bool       `json:"given"` // by the reader; otherwise to him
}

// MyDelegations lists what somebody delegated and what was delegated to him,
// newest first; what is long over is left out.
func (o *Org) MyDelegations(tx *db.Tx, by journal.Who) ([]DelegationView, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	me, now := by.By().Person, tx.Now()
	out := []DelegationView{}
	if me.IsZero() {
		return out, nil
	}
	found, err := holdingsWhere(tx, `kind = $1 AND (person = $2 OR principal = $2) AND (valid_to IS NULL OR valid_to > $3)`, Delegate, me, db.Millis(now.Add(-delegationsOld)))
	if err != nil {
		return nil, err
	}
	for _, h := range found {
		out = append(out, s.delegation(h, me, now))
	}
	slices.SortFunc(out, func(a, b DelegationView) int { return cmp.Or(b.From.Compare(a.From), b.ID.Compare(a.ID)) })
	return out, nil
}

func (s *Snapshot) delegation(h Holding, me id.ID, now time.Time) DelegationView {
	v := DelegationView{Holding: h, Given: h.Principal == me, State: "on"}
	p, _ := s.Post(h.Post)
	u, _ := s.Unit(p.Unit)
	to, _ := s.Person(h.Person)
	from, _ := s.Person(h.Principal)
	v.PostName, v.UnitName, v.Role, v.PersonName, v.PrincipalName = p.Name, u.Name, p.Role, to.Name, from.Name
	holder, held := s.HolderOf(h.Post, now)
	switch {
	case !h.To.IsZero() && !now.Before(h.To), !held || holder != h.Principal:
		v.State = "over"
	case h.Accepted.IsZero():
		v.State = "asked"
	case now.Before(h.From):
		v.State = "coming"
	}
	return v
}

// Delegable is what a holder can delegate of a post, and to whom.
type Delegable struct {
	Permissions []string    `json:"permissions"`
	People      []PersonRef `json:"people"`
	Days        int         `json:"most_days"`
}

// DelegableOf tells the holder of a post what of it he can delegate, and to
// whom. Codes: org.missing, org.not_your_post, org.stand_in_hands_on.
func (o *Org) DelegableOf(tx *db.Tx, by journal.Who, post id.ID) (Delegable, error) {
	out := Delegable{Permissions: []string{}, People: []PersonRef{}, Days: o.rules.StandInDays}
	p, err := postByID(tx, post)
	if err != nil {
		return out, err
	}
	if err := o.holds(tx, by, p); err != nil {
		return out, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return out, err
	}
	can, err := o.guard.Delegable(tx, p.Role)
	if err != nil || seatable(by, p) != nil {
		return out, err
	}
	out.Permissions = append(out.Permissions, can...)
	for _, x := range s.near(p, tx.Now()) {
		out.People = append(out.People, PersonRef{ID: x.ID, Name: x.Name})
	}
	slices.SortFunc(out.People, func(a, b PersonRef) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.ID.Compare(b.ID)) })
	return out, nil
}

type delegationsOut struct {
	Body struct {
		Items []DelegationView `json:"items"`
	}
}
type delegableOut struct{ Body Delegable }
type delegateIn struct {
	ID   id.ID `path:"id"`
	Body DelegationIn
}

func (o *Org) delegationRoutes(e *httpx.Edge) {
	tags := []string{"org"}
	httpx.Read(e, httpx.Op{ID: "org.delegations", Method: http.MethodGet, Path: "/api/org/delegations", SignedIn: true, Tags: tags,
		Summary: "What one delegated, and what was delegated to one"},
		func(tx *db.Tx, by journal.Who, _ *none) (*delegationsOut, error) {
			list, err := o.MyDelegations(tx, by)
			out := &delegationsOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "org.delegable", Method: http.MethodGet, Path: "/api/org/posts/{id}/delegable", SignedIn: true, Tags: tags,
		Summary: "What of one's own post can be delegated, and to whom"},
		func(tx *db.Tx, by journal.Who, in *idIn) (*delegableOut, error) {
			d, err := o.DelegableOf(tx, by, in.ID)
			return &delegableOut{d}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.delegate", Method: http.MethodPost, Path: "/api/org/posts/{id}/delegates", SignedIn: true, Tags: tags,
		Summary: "Let somebody do a part of what one's own post can, for a time", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *delegateIn) (*holdingOut, error) {
			in.Body.Post = in.ID
			h, err := o.Delegate(tx, by, in.Body)
			return &holdingOut{h}, err
		})
}
