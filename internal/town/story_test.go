package town_test

import (
	"testing"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// caller is who called the desk; what the public reports is verified first.
var caller = town.With{"reporter": town.With{"name": "演示人", "phone": "13800000021"}}

// The whole way through the front door, told by those who walk it, while the
// street desk's screen changes by itself and the other street hears nothing.
func TestWholeWay(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		street, other := w.As("street desk 1").Listens(), w.As("street desk 2").Listens()
		village, works := w.As("village desk 1"), w.As("department handler 1")
		c := village.Reports("东门外垃圾堆了三天", caller)
		street.Hears(c, "change")
		if !w.As("street desk 1").Lists(c, "view=open") || w.As("street desk 2").Lists(c, "view=all") {
			t.Fatal("the case stands in the wrong lists")
		}
		w.As("street desk 2").Refused(c, "accept", "404 case.missing")
		works.Refused(c, "take", "404 case.missing")
		village.Refused(c, "file", "409 case.wrong_state")
		village.Refused(c, "close", "409 case.wrong_state")
		village.Refused(c, "explode", "422 case.no_move")
		w.Later(20 * time.Minute)
		if !w.Now(c).Late {
			t.Fatal("nobody accepted it in fifteen minutes, and it is not late")
		}
		c = village.Does(c, "accept")
		village.Refused(c, "file", "409 case.verify_first")
		task := w.Task(c)
		w.As("village desk 1").Refused(task, "verify", "403 case.not_owner", town.With{"result": "pass"})
		w.As("grid officer 1").Does(task, "verify", town.With{"result": "pass", "note": "属实"})
		c = village.Does(c, "file")
		c = village.Does(c, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
		if c.State != "dispatched" {
			t.Fatalf("dispatched as %+v", c)
		}
		village.Refused(c, "take", "403 case.not_owner")
		works.Does(c, "take")
		works.Does(c, "handle")
		works.Refused(c, "done", "409 case.evidence_missing", town.With{"note": "清完了"})
		works.Does(c, "done", town.With{"note": "清完了", "file_ids": []id.ID{works.Photo("after")}})
		village.Refused(c, "close", "409 case.check_first")
		w.As("grid officer 1").Does(w.Task(c), "check", town.With{"result": "pass"})
		c = village.Does(c, "close", town.With{"resident_text": "已经清理"})
		if c.State != "closed" || c.Stage != "closed" {
			t.Fatalf("closed as %+v", c)
		}
		for e := street.Hears(c, "change"); e.Kind != "case.close"; {
			e = street.Hears(c, "change")
		}
		other.Looked(w.Head())
		if other.Heard(c) {
			t.Fatalf("the other street heard of it: %+v", other.Seen)
		}
		w.Verified()
	})
}

// A post that is vacant is answered for by another, one that is stood in for by
// the stand-in.
func TestVacancyAndStandIn(t *testing.T) {
	w := town.New(t, db.SQLite)
	village := w.As("village desk 1")
	c := village.Does(village.Reports("路灯", caller, town.With{"place": town.At("G2")}), "accept")
	if task := w.Task(c); task.Post == w.Posts["grid officer G2"] || task.Post.IsZero() {
		t.Errorf("the look went to the vacant post: %+v", task)
	}
	var me struct {
		Posts []struct {
			ID      id.ID `json:"id"`
			StandIn bool  `json:"stand_in"`
		} `json:"posts"`
	}
	stand := w.As("stand in")
	stand.Gets("/api/session", &me)
	if len(me.Posts) != 1 || !me.Posts[0].StandIn || me.Posts[0].ID != w.Posts["grid officer G3"] {
		t.Fatalf("posts %+v", me.Posts)
	}
	far := w.As("street desk 1").Reports("高架下积水", town.With{"place": town.At("G3")})
	if !stand.Lists(far, "view=open") {
		t.Error("who stands in does not see the cases of that grid")
	}
	w.Later(11 * 24 * time.Hour)
	if a := stand.Do("GET", "/api/cases", nil); a.String() != "403 access.denied" {
		t.Errorf("the stand-in is over, and the list says %s", a)
	}
}

// Three grants in three trees: a street, a department and a grid of the other
// street. Each shows its own, none shows another, and what one post may do the
// other may not.
func TestThreeTrees(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		w.Write(func(tx *db.Tx) error { return w.AddPost(tx, "many", "grid_officer", org.AtGrid, "G7") })
		w.Write(func(tx *db.Tx) error {
			return w.AlsoHolds(tx, "many", "street leader many", "street_leader", org.AtStreet, "S1")
		})
		w.Write(func(tx *db.Tx) error {
			return w.AlsoHolds(tx, "many", "department handler many", "department_handler", org.AtDepartment, "D2")
		})
		many := w.As("many")
		inStreet := w.As("village desk 1").Reports("街道里的事")
		inGrid := w.As("village desk 2").Reports("网格里的事", town.With{"place": town.At("G7")})
		hub := w.As("hub officer 1")
		ofDepartment := hub.Reports("部门的事", town.With{"place": town.At("G4")})
		elsewhere := hub.Reports("别处的事", town.With{"place": town.At("G5")})
		secret := hub.Reports("街道里的诉求", town.With{"item": "opinion", "condition": "question", "form": town.With{"kind": "question", "about": "noise", "want_answer": false}})
		secretInGrid := hub.Reports("网格里的诉求", town.With{"item": "opinion", "condition": "question", "form": town.With{"kind": "question", "about": "noise", "want_answer": false}, "place": town.At("G7")})
		if many.Lists(ofDepartment, "view=all") {
			t.Error("a case is seen before the department has it")
		}
		hub.Does(ofDepartment, "accept")
		ofDepartment = hub.Does(ofDepartment, "file")
		hub.Does(ofDepartment, "dispatch", town.With{"post_id": w.Posts["department handler 2"]})
		for _, c := range []town.Case{inStreet, inGrid, ofDepartment, secret} {
			if !many.Lists(c, "view=open") || many.Page(c).Case.ID != c.ID {
				t.Errorf("%s is not seen", c.Title)
			}
		}
		for _, c := range []town.Case{elsewhere, secretInGrid} {
			if many.Lists(c, "view=all") || many.Lists(c, "view=all&q="+c.Title) || many.Do("GET", "/api/cases/"+c.ID.String(), nil).Status != 404 {
				t.Errorf("%s is seen", c.Title)
			}
		}
		// Seeing goes by all posts, doing by the one that acts.
		as := func(post string) []string { return []string{"OneGrid-Post", w.Posts[post].String()} }
		settle := town.With{"move": "settle", "note": "扫干净了", "file_ids": []id.ID{}}
		path := "/api/cases/" + inGrid.ID.String() + "/moves"
		if a := many.Do("POST", path, settle, as("street leader many")...); a.String() != "403 access.denied" {
			t.Errorf("a street leader settles in the other street: %s", a)
		}
		if a := many.Do("POST", path, settle, as("many")...); a.String() != "409 case.evidence_missing" {
			t.Errorf("the officer settles without a photo: %s", a)
		}
		if a := many.Do("GET", "/api/cases", nil, as("hub officer 1")...); a.String() != "403 access.not_your_post" {
			t.Errorf("acting through another's post: %s", a)
		}
	})
}

// A case that leaves somebody's scope leaves the screen with a "gone" that says
// nothing but which one; a post that is lost ends the stream.
func TestFeedFollowsRights(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, works := w.As("village desk 1"), w.As("department handler 1")
		c := village.Does(village.Reports("要派给城管的事", caller), "accept")
		w.As("grid officer 1").Does(w.Task(c), "verify", town.With{"result": "pass", "note": "属实"})
		village.Does(c, "file")
		feed := works.Listens()
		village.Does(c, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
		feed.Hears(c, "change")
		if !works.Lists(c, "view=open") {
			t.Fatal("the department does not see what it was given")
		}
		village.Does(c, "withdraw", town.With{"reason": "withdraw_dispatch", "note": "派错了"})
		village.Does(w.Now(c), "dispatch", town.With{"post_id": w.Posts["department handler 2"]})
		if gone := feed.Hears(c, "gone"); gone.Kind != "" {
			t.Errorf("what left says more than that: %s", gone.Raw)
		}
		if works.Lists(c, "view=all") || works.Do("GET", "/api/cases/"+c.ID.String(), nil).Status != 404 {
			t.Error("the department still sees what it has no more")
		}
		// The grant ends in the middle of the stream.
		w.Write(func(tx *db.Tx) error { return w.Ends(tx, "department handler 1") })
		if last := feed.Ends(); last != "end" {
			t.Errorf("the stream ended with %q", last)
		}
		if a := works.Do("GET", "/api/cases", nil); a.String() != "403 access.denied" {
			t.Errorf("who lost the post reads a list: %s", a)
		}
	})
}
