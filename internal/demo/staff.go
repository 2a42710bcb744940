package demo

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Staff does what the people of the district would do: whoever must act on a
// case makes the next natural move, through the same service methods as a
// person at a desk, with that person's own rights.
type Staff struct {
	app    *app.App
	photos photos
}

// NewStaff makes staff whose photos are drawn pictures in the app's file store.
func NewStaff(a *app.App) *Staff { return &Staff{app: a} }

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
	role := "hub_officer"
	switch q.Channel {
	case "field":
		role = "grid_officer"
	case "desk":
		role = "street_desk"
	case "phone":
		role = "village_desk"
	}
	by, err := s.nearest(tx, snapshot, role, place.Nodes)
	if err != nil {
		return casework.Case{}, err
	}
	report := casework.Report{
		Item: q.Item, Condition: q.Condition, Title: q.Title, Text: q.Title, Channel: q.Channel, Form: q.Form,
		Place: casework.PlaceIn{Lon: &q.Lon, Lat: &q.Lat, Datum: "wgs84"}, Due: q.Due, Untimed: q.Untimed, MadeUp: true,
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

// Moves makes the next natural move on a case. moved is false when nothing can
// be done before the work is finished (ready says when that is), or at all.
func (s *Staff) Moves(tx *db.Tx, caseID id.ID, ready time.Time) (c casework.Case, moved bool, err error) {
	operator, err := s.app.Access.Operator(tx, "system")
	if err != nil {
		return c, false, err
	}
	if c, err = s.app.Cases.Get(tx, operator, caseID); err != nil {
		return c, false, err
	}
	snapshot, err := s.app.Org.Snapshot(tx)
	if err != nil {
		return c, false, err
	}
	post, target, act := c.Acting, caseID, casework.Act{}
	switch c.State {
	case casework.Reported:
		act.Move = "accept"
	case casework.Accepted:
		act.Move = "file"
		switch c.Verify {
		case casework.Waiting:
			return s.looks(tx, operator, snapshot, c, "verify")
		case casework.Fail:
			act = casework.Act{Move: "refuse", Reason: "refuse_not_confirmed", Note: "现场没有发现所报情况"}
		default:
		}
	case casework.Filed:
		to, ok, err := s.target(tx, operator, c)
		if err != nil || !ok {
			return c, false, err
		}
		act = casework.Act{Move: "dispatch", Post: to}
	case casework.Dispatched:
		act.Move = "take"
	case casework.Taken:
		act.Move = "handle"
	case casework.Handling:
		if ready.IsZero() || tx.Now().Before(ready) {
			return c, false, nil
		}
		act = casework.Act{Move: "done", Note: "现场已处理", ResidentText: "已经处理好，谢谢您反映。",
			Evidence: []string{"record", "signature", "consent", "measurement", "track_summary"}}
	case casework.Done:
		act.Move = "close"
		if c.Check == casework.Waiting {
			return s.looks(tx, operator, snapshot, c, "check")
		}
	default:
		return c, false, nil
	}
	by, ok, err := s.actor(tx, snapshot, post)
	if err != nil || !ok {
		return c, false, err
	}
	if act.Move == "done" {
		if act.Files, err = s.evidence(tx, by, c); err != nil {
			return c, false, err
		}
	}
	c, err = s.app.Cases.Move(tx, by, target, act, nil)
	return c, err == nil, err
}

// looks does the verification or check that a case waits for.
func (s *Staff) looks(tx *db.Tx, operator *access.Actor, snapshot *org.Snapshot, c casework.Case, kind string) (casework.Case, bool, error) {
	tasks, err := s.app.Cases.OpenTasks(tx, operator, c.ID)
	if err != nil {
		return c, false, err
	}
	post, target := c.Acting, c.ID
	for _, t := range tasks {
		if t.Task == kind {
			post, target = t.Acting, t.ID
		}
	}
	by, ok, err := s.actor(tx, snapshot, post)
	if err != nil || !ok {
		return c, false, err
	}
	act := casework.Act{Move: kind, Result: casework.Pass, Note: "到现场看过"}
	if _, err := s.app.Cases.Move(tx, by, target, act, nil); err != nil {
		return c, false, err
	}
	c, err = s.app.Cases.Get(tx, operator, c.ID)
	return c, err == nil, err
}

// target is who handles a case: mostly the first of its route, for every third
// the last one, which is a department where the item names one.
func (s *Staff) target(tx *db.Tx, operator *access.Actor, c casework.Case) (id.ID, bool, error) {
	route, err := s.app.Cases.Route(tx, operator, c)
	if err != nil || len(route) == 0 {
		return id.ID{}, false, err
	}
	book, err := s.app.Access.Book(tx)
	if err != nil {
		return id.ID{}, false, err
	}
	var takers []org.Post
	for _, p := range route {
		if r, ok := book.Role(p.Role); ok && slices.Contains(r.Permissions, "case.take") {
			takers = append(takers, p)
		}
	}
	if len(takers) == 0 {
		return id.ID{}, false, nil
	}
	if share(c.ID, 3) == 0 {
		return takers[len(takers)-1].ID, true, nil
	}
	return takers[0].ID, true, nil
}

// evidence gives the photos that the item asks of its handler.
func (s *Staff) evidence(tx *db.Tx, by *access.Actor, c casework.Case) ([]id.ID, error) {
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
