package access_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// actor is who a person is at this moment, acting through a post.
func (o *office) actor(person, post id.ID) (a *access.Actor, err error) {
	o.Helper()
	err = o.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		a, err = o.access.Actor(tx, person, post)
		return err
	})
	return a, err
}

// delegates lets the holder of a post delegate a part of it, until a day.
func (o *office) delegates(holder, post, to id.ID, days int, permissions ...string) (h org.Holding, err error) {
	o.Helper()
	by, err := o.actor(holder, post)
	if err != nil {
		return h, err
	}
	err = o.db.Write(context.Background(), func(tx *db.Tx) (err error) {
		h, err = o.org.Delegate(tx, by, org.DelegationIn{Post: post, Person: to, Permissions: permissions, To: o.clock.Now().AddDate(0, 0, days), Why: "外出培训"})
		return err
	})
	return h, err
}

func (o *office) accepts(person id.ID, h org.Holding) {
	o.Helper()
	by, err := o.actor(person, id.ID{})
	if err != nil {
		o.Fatal(err)
	}
	o.write(func(tx *db.Tx) error { _, err := o.org.Accept(tx, by, h.ID); return err })
}

// A holder delegates a part of his post: the other one can do just that, in his
// name, until it ends: by its day, by either side, with the holder's own holding,
// and with what the role loses.
func TestDelegationIsAPartForATime(t *testing.T) {
	each(t, nil, func(o *office) {
		desk := o.post("street_desk", org.AtStreet, o.street, o.street)
		village := o.post("village_desk", org.AtVillage, o.platform, o.platform)
		holder, other, third := o.person("演示站长"), o.person("演示同事"), o.person("演示旁人")
		if _, err := o.holds(holder, desk, org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.holds(other, village, org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		at := journal.Sight{Nodes: journal.Nodes{Hub: o.hub, Street: o.street}}
		may := func(permission string) bool {
			a, err := o.actor(other, desk)
			return err == nil && a.Check(permission, at) == nil
		}
		h, err := o.delegates(holder, desk, other, 7, "case.dispatch", "case.view")
		if err != nil {
			t.Fatal(err)
		}
		if may("case.dispatch") {
			t.Error("it counts before it is accepted")
		}
		o.accepts(other, h)
		if !may("case.dispatch") || may("case.accept") {
			t.Error("not the part that was chosen")
		}
		a, err := o.actor(other, desk)
		if err != nil || a.By().For != holder || a.By().Post != desk {
			t.Fatalf("%+v %v", a, err)
		}
		if until := a.Until(); !until.Equal(h.To) {
			t.Errorf("ends %s, not %s", until, h.To)
		}
		// One hand for every two-person rule: with the holder, and with the post.
		if !access.SameHand(a.By(), journal.By{Person: holder}) || !access.SameHand(a.By(), journal.By{Person: third, Post: desk}) {
			t.Error("principal and delegate count as two hands")
		}
		// Whoever the post's work waits for stays the holder.
		var s *org.Snapshot
		if err := o.db.Read(context.Background(), func(tx *db.Tx) (err error) { s, err = o.org.Snapshot(tx); return err }); err != nil {
			t.Fatal(err)
		}
		if person, _, _ := s.Occupant(desk, o.clock.Now()); person != holder {
			t.Error("the delegate answers for the post")
		}
		if n := len(s.HoldingsOf(other, o.clock.Now())); n != 1 {
			t.Error("a delegation counts as a post:", n)
		}
		// Not handed on, neither again nor as a stand-in.
		if _, err := o.delegates(other, desk, holder, 3); !errors.Is(err, org.ErrHandsOn) {
			t.Error("handed on:", err)
		}
		a, _ = o.actor(other, desk)
		err = o.db.Write(context.Background(), func(tx *db.Tx) error {
			_, err := o.org.Deputise(tx, a, org.HoldingIn{Post: desk, Person: third, To: o.clock.Now().AddDate(0, 0, 1)})
			return err
		})
		if err == nil {
			t.Error("a delegate names a stand-in")
		}
		// What the role loses, the delegate loses.
		security := o.admin(1)
		book := func() (r access.Role) {
			if err := o.db.Read(context.Background(), func(tx *db.Tx) error {
				b, err := o.access.Book(tx)
				r, _ = b.Role("street_desk")
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return r
		}
		less := slices.DeleteFunc(slices.Clone(book().Permissions), func(p string) bool { return p == "case.dispatch" })
		security.gets("200", "PUT", "/api/roles/street_desk", m{"permissions": less}, nil)
		if may("case.dispatch") || !may("case.view") {
			t.Error("a delegate has what the role lost")
		}
		security.gets("200", "PUT", "/api/roles/street_desk", m{"permissions": append(less, "case.dispatch")}, nil)

		// It ends by its day.
		o.clock.Add(7 * 24 * time.Hour)
		if may("case.view") {
			t.Error("it does not end by itself")
		}
		// By the holder's word, and by the other's.
		for _, ends := range []id.ID{holder, other} {
			if h, err = o.delegates(holder, desk, other, 7); err != nil {
				t.Fatal(err)
			}
			o.accepts(other, h)
			if !may("case.accept") || may("org.stand_in") || may("org.post_assign") {
				t.Error("everything that can be delegated, and nothing else")
			}
			stranger, _ := o.actor(third, id.ID{})
			by, _ := o.actor(ends, id.ID{})
			err := o.db.Write(context.Background(), func(tx *db.Tx) error { _, err := o.org.End(tx, stranger, h.ID, 0, time.Time{}); return err })
			if !errors.Is(err, access.ErrDenied) {
				t.Error("anybody ends it:", err)
			}
			o.write(func(tx *db.Tx) error { _, err := o.org.End(tx, by, h.ID, 0, time.Time{}); return err })
			if may("case.accept") {
				t.Error("it goes on after its end")
			}
		}
		// With the holder's own holding, whatever its day.
		if h, err = o.delegates(holder, desk, other, 7); err != nil {
			t.Fatal(err)
		}
		o.accepts(other, h)
		live, _ := o.actor(other, desk)
		ended, stop := o.access.Watch(live)
		defer stop()
		o.write(func(tx *db.Tx) error {
			_, err := o.org.Leave(tx, access.Operator("cli:test", o.hub), holder)
			return err
		})
		if may("case.accept") {
			t.Error("it outlives the holder's holding")
		}
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Error("a live connection is not told")
		}
		if n := len(o.entries("org.delegate")); n != 4 {
			t.Errorf("%d entries", n)
		}
	})
}

// What cannot be delegated, and to whom.
func TestDelegationIsRefused(t *testing.T) {
	each(t, nil, func(o *office) {
		desk := o.post("street_desk", org.AtStreet, o.street, o.street)
		village := o.post("village_desk", org.AtVillage, o.platform, o.platform)
		far := o.post("hub_officer", org.AtDistrict, o.hub, o.hub)
		holder, near, standIn, away, none := o.person("演示站长"), o.person("演示同事"), o.person("演示代班"), o.person("演示中枢"), o.person("演示无岗")
		for person, post := range map[id.ID]id.ID{holder: desk, near: village, away: far} {
			if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := o.holds(standIn, desk, org.StandIn, o.clock.Now().AddDate(0, 0, 20)); err != nil {
			t.Fatal(err)
		}
		refused := func(err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		_, err := o.delegates(standIn, desk, near, 3)
		refused(err, org.ErrHandsOn)
		_, err = o.delegates(holder, desk, holder, 3)
		refused(err, org.ErrOwnPost)
		_, err = o.delegates(holder, desk, none, 3) // no post, so nobody's colleague
		refused(err, org.ErrInvalid)
		_, err = o.delegates(holder, desk, near, 400)
		refused(err, org.ErrInvalid)
		_, err = o.delegates(holder, desk, near, 3, "org.stand_in")
		refused(err, org.ErrInvalid)
		_, err = o.delegates(holder, desk, near, 3, "case.close", "access.grant") // not the holder's own
		refused(err, org.ErrInvalid)
		if _, err = o.delegates(holder, desk, near, 3); err != nil {
			t.Error(err)
		}
		_, err = o.delegates(holder, desk, near, 9)
		refused(err, org.ErrPostTaken)
		_, err = o.delegates(away, desk, near, 3)
		refused(err, access.ErrNotYourPost)
		// The hub's people have posts one level up; the village's go no further up.
		if _, err = o.delegates(holder, desk, away, 3); err != nil {
			t.Error(err)
		}
		_, err = o.delegates(near, village, away, 3)
		refused(err, org.ErrInvalid)
	})
}

// The three administrators, and all other roles that exclude each other, do so
// across delegations: nobody delegates to somebody who has, or will have in that
// time, the other role by whatever way; nor is the other role given to a delegate.
func TestExclusionsHoldAcrossDelegations(t *testing.T) {
	each(t, nil, func(o *office) {
		o.admin(0) // so that a second system administrator can be ended
		operator := access.Operator("cli:test", o.hub)
		officer := o.post("data_protection_officer", org.AtDistrict, o.hub, o.hub)
		seat := o.post("wall_viewer", org.AtDistrict, o.hub, o.hub)
		holder, other := o.person("演示保护官"), o.person("演示同事")
		for person, post := range map[id.ID]id.ID{holder: officer, other: seat} {
			if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		give := func(role string, from, to int) (g access.Grant, err error) {
			err = o.db.Write(context.Background(), func(tx *db.Tx) (err error) {
				now := o.clock.Now()
				g, err = o.access.Give(tx, operator, access.GrantIn{Person: other, Role: role, Level: org.AtSystem, From: now.AddDate(0, 0, from), To: now.AddDate(0, 0, to), Why: "test"})
				return err
			})
			return g, err
		}
		// First the role, then the delegation.
		g, err := give("system_admin", 2, 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.delegates(holder, officer, other, 7); !errors.Is(err, access.ErrIncompatible) {
			t.Error("delegated to a system administrator:", err)
		}
		if _, err := o.delegates(holder, officer, other, 1); err != nil {
			t.Error("what does not overlap is refused:", err)
		}
		o.clock.Add(48 * time.Hour)
		o.write(func(tx *db.Tx) error { _, err := o.access.Revoke(tx, operator, g.ID); return err })
		// First the delegation, accepted or not, then the role: as a grant, a post, a
		// stand-in.
		if _, err := o.delegates(holder, officer, other, 7); err != nil {
			t.Fatal(err)
		}
		if _, err := give("system_admin", 0, 3); !errors.Is(err, access.ErrIncompatible) {
			t.Error("a delegate becomes system administrator:", err)
		}
		admin := o.post("system_admin", org.AtSystem, o.hub, o.hub)
		for _, kind := range []org.HoldingKind{org.Holder, org.StandIn} {
			if _, err := o.holds(other, admin, kind, o.clock.Now().AddDate(0, 0, 3)); !errors.Is(err, access.ErrIncompatible) {
				t.Errorf("a delegate gets the post as %s: %v", kind, err)
			}
		}
		// The posts of the three administrators are not delegated at all.
		for _, role := range []string{"system_admin", "security_admin", "auditor"} {
			post := admin
			if role != "system_admin" {
				post = o.post(role, org.AtSystem, o.hub, o.hub)
			}
			sits := o.person("演示" + role)
			if _, err := o.holds(sits, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if _, err := o.delegates(sits, post, holder, 3); !errors.Is(err, org.ErrAdminPost) {
				t.Errorf("%s delegates: %v", role, err)
			}
		}
	})
}
