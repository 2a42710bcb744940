package demo

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Staff does what the people of the district would do: whoever must act on a
// case makes the next natural move, through the same service methods as a
// person at a desk, with that person's own rights.
type Staff struct {
	// Story says that this is the demo's life and not a faithful copy of the
	// requests: residents report through the public door, which takes no deadline
	// from outside, and some cases are left at the streets' desks for visitors.
	Story bool

	app    *app.App
	photos photos
}

// NewStaff makes staff whose photos are drawn pictures in the app's file store.
func NewStaff(a *app.App) *Staff { return &Staff{app: a} }

// Prepare stores the pictures; it must run before anybody handles a case, since
// a transaction can't write files.
func (s *Staff) Prepare(ctx context.Context) error { return s.photos.prepare(ctx, s.app) }

// actor is whoever acts for a post now; ok is false while nobody does.
func (s *Staff) actor(tx *db.Tx, snapshot *org.Snapshot, post id.ID) (by *access.Actor, ok bool, err error) {
	person, _, ok := snapshot.Occupant(post, tx.Now())
	if !ok {
		return nil, false, nil
	}
	by, err = s.app.Access.Actor(tx, person, post)
	if err != nil {
		return nil, false, err
	}
	by.Via = "desk"
	return by, true, nil
}

// Reports takes a request in, through the channel it came by: a resident through
// the public door, everybody else through a post.
func (s *Staff) Reports(tx *db.Tx, q Request) (casework.Case, error) {
	snapshot, err := s.app.Org.Snapshot(tx)
	if err != nil {
		return casework.Case{}, err
	}
	place, found, err := s.app.Grids.Locate(tx, [2]float64{q.Lon, q.Lat})
	if err != nil {
		return casework.Case{}, err
	}
	if !found {
		return casework.Case{}, fmt.Errorf("request %d lies in no grid", q.Number)
	}
	report := casework.Report{
		Item: q.Item, Condition: q.Condition, Title: q.Title, Text: q.Title, Channel: q.Channel, Form: q.Form,
		Place: casework.PlaceIn{Lon: &q.Lon, Lat: &q.Lat, Datum: "wgs84"}, Due: q.Due, Untimed: q.Untimed, MadeUp: true,
	}
	role := "hub_officer"
	switch {
	case q.Channel == "portal" && s.Story:
		return s.app.Cases.PublicReport(tx, access.Nobody("portal", words.Chinese), report)
	case q.Channel == "field":
		role = "grid_officer"
	case q.Channel == "desk":
		role = "street_desk"
	case q.Channel == "phone":
		role = "village_desk"
	}
	by, err := s.nearest(tx, snapshot, role, place.Nodes)
	if err != nil {
		return casework.Case{}, err
	}
	return s.app.Cases.Report(tx, by, report)
}

// nearest is the actor of the nearest occupied post of a role, or of the hub.
func (s *Staff) nearest(tx *db.Tx, snapshot *org.Snapshot, role string, nodes journal.Nodes) (*access.Actor, error) {
	for _, r := range []string{role, "village_desk", "street_desk", "hub_officer"} {
		for _, post := range snapshot.PostsNear(r, nodes, id.ID{}, tx.Now()) {
			if by, ok, err := s.actor(tx, snapshot, post.ID); ok || err != nil {
				return by, err
			}
		}
	}
	return nil, fmt.Errorf("nobody is on duty, not even at the hub")
}

// Moves makes the next move on the ordinary way of a case. moved is false when
// nothing can be done before the work is finished (ready says when that is), or
// at all.
func (s *Staff) Moves(tx *db.Tx, caseID id.ID, ready time.Time) (c casework.Case, moved bool, err error) {
	operator, err := s.app.Access.Operator(tx, "system")
	if err != nil {
		return c, false, err
	}
	if c, err = s.app.Cases.Get(tx, operator, caseID); err != nil {
		return c, false, err
	}
	if c.State == casework.Handling && (ready.IsZero() || tx.Now().Before(ready)) {
		return c, false, nil
	}
	step, ok, err := s.app.Cases.Ordinary(tx, operator, c, handler(c.ID))
	if err != nil || !ok {
		return c, false, err
	}
	snapshot, err := s.app.Org.Snapshot(tx)
	if err != nil {
		return c, false, err
	}
	if step.Act.Move == "dispatch" {
		post, left := s.upwards(snapshot, c, tx.Now())
		if left {
			return c, false, nil
		}
		if !post.IsZero() {
			step.Act.Post = post
		}
	}
	by, ok, err := s.actor(tx, snapshot, step.Post)
	if err != nil || !ok {
		return c, false, err
	}
	if step.Act.Move == "done" {
		step.Act.ResidentText = "已经处理好，谢谢您反映。"
		if step.Act.Files, err = s.Photos(tx, by, c); err != nil {
			return c, false, err
		}
	}
	if c, err = s.app.Cases.Move(tx, by, step.Case, step.Act, nil); err != nil {
		return c, false, err
	}
	if step.Case != caseID {
		c, err = s.app.Cases.Get(tx, operator, caseID)
	}
	return c, err == nil, err
}

// upwards sends every fourth case on to the street's desk instead of giving it to
// a handler. What lies at a street is left there in every third of these cases:
// for whoever visits the demo as its dispatcher.
func (s *Staff) upwards(snapshot *org.Snapshot, c casework.Case, now time.Time) (post id.ID, left bool) {
	at, _ := snapshot.Post(c.Post)
	part := share(c.ID, 12)
	switch {
	case at.Role == "street_desk":
		return post, s.Story && part == 1
	case at.Role == "village_desk" && part%4 == 1:
		if desks := snapshot.PostsNear("street_desk", c.Nodes, id.ID{}, now); len(desks) > 0 {
			return desks[share(c.ID, 101)%uint32(len(desks))].ID, false
		}
	}
	return post, false
}

// handler picks who handles a case: mostly the first of its route, for every
// third case the last one, which is a department where the item names one.
func handler(caseID id.ID) func([]id.ID) id.ID {
	return func(posts []id.ID) id.ID {
		if share(caseID, 3) == 0 {
			return posts[len(posts)-1]
		}
		return posts[0]
	}
}

// Photos gives the photos that the item asks of its handler.
func (s *Staff) Photos(tx *db.Tx, by *access.Actor, c casework.Case) ([]id.ID, error) {
	item, err := s.app.Catalog.ItemVersion(tx, c.Item, c.ItemVersion)
	if err != nil {
		return nil, err
	}
	var files []id.ID
	for _, e := range item.Evidence {
		kind, photo := photoKinds[e.Kind]
		if !photo || e.By != "handler" {
			continue
		}
		for range e.Min {
			f, err := s.photos.file(s.app, tx, by, kind)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return files, nil
}

// photoKinds are the kinds of evidence that are photos, and of which file.
var photoKinds = map[string]string{"photo": "before", "photo_before": "before", "photo_after": "after"}

// share spreads cases evenly over n parts, always in the same way.
func share(v id.ID, n uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(v[:])
	return h.Sum32() % n
}

// open says whether a state still asks for a move.
func open(c casework.Case) bool {
	return c.Flow == catalog.Handling && c.Closed.IsZero()
}
