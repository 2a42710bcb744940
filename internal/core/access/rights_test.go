package access_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// None of the three administrators can do another's work, alone or through a
// post or a stand-in.
func TestThreeAdministrators(t *testing.T) {
	each(t, nil, func(o *office) {
		system, security, auditor := o.admin(0), o.admin(1), o.admin(2)
		grant := func(person id.ID, role, level string) m {
			return m{"person_id": person, "role": role, "level": level, "why": "test"}
		}
		someone := o.person("某人")
		system.gets("403 access.denied", "POST", "/api/grants", grant(someone, "hub_officer", "district"), nil)
		auditor.gets("403 access.denied", "POST", "/api/grants", grant(someone, "hub_officer", "district"), nil)
		security.gets("403 access.denied", "POST", "/api/accounts", m{"name": "someone", "person_id": someone}, nil)
		security.gets("403 access.same_hand", "POST", "/api/grants", grant(security.me.Person.ID, "hub_leader", "district"), nil)
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(system.me.Person.ID, "auditor", "system"), nil)
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(auditor.me.Person.ID, "system_admin", "system"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", grant(someone, "hub_officer", "street"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", grant(someone, "king", "district"), nil)
		security.gets("422 access.invalid", "POST", "/api/grants", m{"person_id": someone, "role": "street_desk", "level": "street", "node_id": o.platform, "why": "x"}, nil)

		// Through a post, held or stood in for.
		post := o.post("auditor", org.AtSystem, o.hub, o.hub)
		if _, err := o.holds(system.me.Person.ID, post, org.Holder, time.Time{}); err == nil || !strings.Contains(err.Error(), "access.incompatible_roles") {
			t.Fatalf("an administrator holds the auditor's post: %v", err)
		}
		if _, err := o.holds(security.me.Person.ID, post, org.StandIn, o.clock.Now().AddDate(0, 0, 7)); err == nil || !strings.Contains(err.Error(), "access.incompatible_roles") {
			t.Fatalf("an administrator stands in for the auditor: %v", err)
		}
		if _, err := o.holds(someone, post, org.StandIn, o.clock.Now().AddDate(0, 0, 7)); err != nil {
			t.Fatal(err)
		}
		security.gets("409 access.incompatible_roles", "POST", "/api/grants", grant(someone, "system_admin", "system"), nil)
		later := grant(someone, "system_admin", "system")
		later["from"] = o.clock.Now().AddDate(0, 0, 8)
		security.gets("201", "POST", "/api/grants", later, nil)

		// Nobody removes the last of a kind; all three read what they must.
		var grants struct{ Items []access.GrantView }
		auditor.gets("200", "GET", "/api/grants", nil, &grants)
		system.gets("403 access.denied", "GET", "/api/grants", nil, nil)
		for _, g := range grants.Items {
			if g.Role == "security_admin" {
				security.gets("409 access.last_administrator", "DELETE", "/api/grants/"+g.ID.String(), nil, nil)
			}
		}
		var list struct{ Items []access.Account }
		auditor.gets("200", "GET", "/api/accounts", nil, &list)
		for _, acc := range list.Items {
			system.gets("409 access.last_administrator", "POST", "/api/accounts/"+acc.ID.String()+"/disable", nil, nil)
			auditor.gets("403 access.denied", "POST", "/api/accounts/"+acc.ID.String()+"/disable", nil, nil)
		}
		// A system administrator's link alone takes no account over: it keeps
		// the second factor.
		i := slices.IndexFunc(list.Items, func(a access.Account) bool { return a.Name == "security" })
		var link access.Link
		system.gets("201", "POST", "/api/accounts/"+list.Items[i].ID.String()+"/link", nil, &link)
		var e access.Enrolment
		system.gets("200", "POST", "/api/enrol", m{"token": link.Token, "password": "劫持的密码 9911"}, &e)
		if e.NewFactor || e.Secret != "" {
			t.Fatalf("the link offers a new second factor: %+v", e)
		}
		system.gets("422 access.wrong_code", "POST", "/api/enrol/confirm", m{"token": link.Token, "totp": system.code()}, nil)
		security.gets("200", "GET", "/api/session", nil, nil)
		security.gets("403 access.same_hand", "POST", "/api/accounts/"+list.Items[i].ID.String()+"/factor-reset", nil, nil)

		// Roles: only the security administrator edits, never his own, and no
		// administrator gets to see content.
		system.gets("403 access.denied", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.report"}}, nil)
		security.gets("403 access.same_hand", "PUT", "/api/roles/security_admin", m{"permissions": []string{"access.grant"}}, nil)
		security.gets("422 access.invalid", "PUT", "/api/roles/auditor", m{"permissions": []string{"audit.read", "case.view"}}, nil)
		security.gets("422 access.invalid", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.fly"}}, nil)
		security.gets("200", "PUT", "/api/roles/volunteer", m{"permissions": []string{"case.report"}}, nil)
	})
}

// A person acts through the post named in the request or chosen in the session;
// a stand-in is named for whom; what ends, ends the live connection.
func TestActingPost(t *testing.T) {
	each(t, nil, func(o *office) {
		system, security := o.admin(0), o.admin(1)
		officer := o.post("grid_officer", org.AtGrid, o.platform, nid(900))
		head := o.post("grid_head", org.AtGrid, o.platform, nid(900))
		foreign := o.post("village_desk", org.AtVillage, o.platform, o.platform)
		an, bo := o.person("安"), o.person("博")
		for _, h := range []struct {
			person, post id.ID
		}{{an, officer}, {bo, head}} {
			if _, err := o.holds(h.person, h.post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		b := o.staff(system, security, "an.officer", an)
		if b.me.PostID != officer || len(b.me.Posts) != 1 || b.me.Posts[0].Unit.Chinese != "P" || slices.Contains(b.me.Permissions, "org.stand_in") {
			t.Fatalf("me: %+v", b.me)
		}
		stand, err := o.holds(an, head, org.StandIn, o.clock.Now().Add(10*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b.post = head
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != head || !slices.Contains(b.me.Permissions, "org.stand_in") || len(b.me.Posts) != 2 {
			t.Fatalf("acting as head: %+v", b.me)
		}
		for _, p := range b.me.Posts {
			if (p.ID == head) != (p.StandInFor == "博") {
				t.Fatalf("stands in for: %+v", p)
			}
		}
		if !b.me.Until.Equal(o.clock.Now().Add(10*time.Hour).Truncate(time.Millisecond)) && !b.me.Until.Equal(stand.To) {
			t.Fatalf("until %v, the stand-in ends %v", b.me.Until, stand.To)
		}
		b.post = foreign
		b.gets("403 access.not_your_post", "GET", "/api/session", nil, nil)
		b.post = id.ID{}
		b.gets("403 access.not_your_post", "PUT", "/api/session/post", m{"post_id": foreign}, nil)
		b.gets("200", "PUT", "/api/session/post", m{"post_id": head}, &b.me)
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != head {
			t.Fatalf("the choice was not kept: %+v", b.me)
		}
		b.gets("204", "PUT", "/api/session/language", m{"language": "en"}, nil)
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.Person.Language != words.English {
			t.Fatalf("language %s", b.me.Person.Language)
		}
		b.gets("200", "GET", "/api/org/posts?vacant=true", nil, nil)

		// The live connection hears of the end; the same actor is no longer
		// valid for a machine that only asks.
		var actor *access.Actor
		if err := o.db.Read(context.Background(), func(tx *db.Tx) (err error) {
			actor, err = o.access.Actor(tx, an, head)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		ended, stop := o.access.Watch(actor)
		defer stop()
		select {
		case <-ended:
			t.Fatal("ended too early")
		default:
		}
		bystander, stop2 := o.access.Watch(&access.Actor{Person: bo})
		defer stop2()
		b.gets("200", "DELETE", "/api/org/holdings/"+stand.ID.String(), nil, nil)
		<-ended
		select {
		case <-bystander:
			t.Fatal("somebody else's connection ended")
		default:
		}
		if err := o.db.Read(context.Background(), func(tx *db.Tx) error { return o.access.Valid(tx, actor) }); err == nil {
			t.Fatal("the actor is still valid")
		}
		// The lost post falls back to the one that is left.
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if b.me.PostID != officer {
			t.Fatalf("acts as %s after the end", b.me.PostID)
		}
		b.gets("403 access.denied", "GET", "/api/org/posts", nil, nil)

		// A stopped account is out at once, and needs both administrators to
		// come back.
		var list struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &list)
		i := slices.IndexFunc(list.Items, func(a access.Account) bool { return a.Person == an })
		path := "/api/accounts/" + list.Items[i].ID.String()
		system.gets("200", "POST", path+"/disable", nil, nil)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "an.officer", "password": goodPassword, "totp": b.code()}, nil)
		system.gets("200", "POST", path+"/enable", nil, nil)
		b.gets("403 access.not_released", "POST", "/api/session", m{"name": "an.officer", "password": goodPassword, "totp": b.code()}, nil)
		system.gets("403 access.denied", "POST", path+"/release", nil, nil)
		security.gets("200", "POST", path+"/release", nil, nil)
		b.signsIn("an.officer")
		// A lost phone: the security administrator allows it, the system
		// administrator makes the link.
		security.gets("200", "POST", path+"/factor-reset", nil, nil)
		var link access.Link
		system.gets("201", "POST", path+"/link", nil, &link)
		b.enrols(link.Token)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.signsIn("an.officer")
	})
}

// In a new installation nobody holds a post that adds people: the system
// administrator adds the first ones. The auditor does not.
func TestTheSystemAdministratorAddsTheFirstPeople(t *testing.T) {
	each(t, nil, func(o *office) {
		o.admin(0).gets("201", "POST", "/api/org/persons", m{"name": "演示人"}, nil)
		o.admin(2).gets("403 access.denied", "POST", "/api/org/persons", m{"name": "李四"}, nil)
	})
}

// Refused commands of staff stand in the journal, up to a number a minute;
// strangers are only counted.
func TestRefusalsAreNoted(t *testing.T) {
	each(t, nil, func(o *office) {
		auditor := o.admin(2)
		before := o.access.Stats.Refusals.Load()
		for range 25 {
			auditor.gets("403 access.denied", "POST", "/api/grants", m{"person_id": nid(5), "role": "x", "level": "system", "why": "x"}, nil)
		}
		o.browser("203.0.113.5").gets("401 access.sign_in", "POST", "/api/grants", m{"person_id": nid(5), "role": "x", "level": "system", "why": "x"}, nil)
		noted := o.entries("access.refused")
		if len(noted) != 20 || o.access.Stats.Refusals.Load()-before != 25 {
			t.Fatalf("%d noted, %d counted", len(noted), o.access.Stats.Refusals.Load()-before)
		}
		var body map[string]string
		if ok, err := noted[0].Decode(&body); !ok || err != nil || body["operation"] != "access.grant" || noted[0].By.Person != auditor.me.Person.ID {
			t.Fatalf("%+v %v", noted[0], body)
		}
		o.clock.Add(time.Minute)
		auditor.gets("403 access.denied", "GET", "/api/org/persons", nil, nil)
		if n := len(o.entries("access.refused")); n != 21 {
			t.Fatalf("%d noted in the next minute", n)
		}
	})
}

// The demo's sign-in exists only in the demo, and only for accounts made for it.
func TestDemo(t *testing.T) {
	each(t, nil, func(o *office) {
		b := o.browser("127.0.0.1")
		b.gets("404 access.no_demo", "GET", "/api/demo/accounts", nil, nil)
		b.gets("404 access.no_demo", "POST", "/api/demo/session", m{"account": "system"}, nil)
	})
	each(t, func(o *access.Options) { o.Demo = true }, func(o *office) {
		// Held second, yet the account is offered for it.
		other := o.post("street_leader", org.AtStreet, o.street, o.street)
		post := o.post("street_desk", org.AtStreet, o.street, o.street)
		an := o.person("街道值班员（演示）")
		for _, p := range []id.ID{other, post} {
			if _, err := o.holds(an, p, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		o.write(func(tx *db.Tx) error {
			_, err := o.access.CreateDemoAccount(tx, access.Operator("system", o.hub), "demo.street", an, post)
			return err
		})
		b := o.browser("127.0.0.1")
		var list struct{ Items []access.DemoAccount }
		b.gets("200", "GET", "/api/demo/accounts", nil, &list)
		if len(list.Items) != 1 || list.Items[0].Account != "demo.street" || list.Items[0].Role.English != "Street dispatcher" {
			t.Fatalf("%+v", list)
		}
		b.gets("401 access.wrong_credentials", "POST", "/api/demo/session", m{"account": "system"}, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "demo.street", "password": goodPassword}, nil)
		b.gets("200", "POST", "/api/demo/session", m{"account": "demo.street"}, &b.me)
		if !b.me.Demo || b.me.PostID != post {
			t.Fatalf("%+v", b.me)
		}
		b.gets("200", "GET", "/api/org/units", nil, nil)
	})
}

// Two sign-ins with one code at the same moment: exactly one succeeds.
func TestOneCodeOneSession(t *testing.T) {
	each(t, nil, func(o *office) {
		owner := o.admin(0)
		in := access.SignInIn{Name: "system", Password: goodPassword, Code: owner.code(), Entrance: access.Entrance{Via: "desk"}}
		const n = 6
		results := make(chan error, n)
		for i := range n {
			in := in
			in.Address = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			go func() {
				_, err := o.access.SignIn(context.Background(), o.db, in)
				results <- err
			}()
		}
		right := 0
		for range n {
			if err := <-results; err == nil {
				right++
			} else if !strings.Contains(err.Error(), "access.wrong_credentials") {
				t.Fatal(err)
			}
		}
		if right != 1 {
			t.Fatalf("one code began %d sessions", right)
		}
	})
}

// Posts and people are told only within the reader's scope, over the real edge:
// a village leader assigns in her village and learns nothing of the next one.
func TestTeamWithinScope(t *testing.T) {
	each(t, func(o *access.Options) { o.Demo = true }, func(o *office) {
		operator := access.Operator("cli:test", o.hub)
		var second org.Unit
		o.write(func(tx *db.Tx) (err error) {
			second, err = o.org.CreateUnit(tx, operator, org.UnitIn{Kind: org.Platform, Code: "P2", Name: words.Text{Chinese: "乙", English: "B"}, Parent: o.street})
			return err
		})
		mine := o.post("grid_officer", org.AtGrid, o.platform, nid(901))
		theirs := o.post("grid_officer", org.AtGrid, second.ID, nid(902))
		leader := o.post("village_leader", org.AtVillage, o.platform, o.platform)
		an, bo, cai := o.person("安"), o.person("博"), o.person("蔡")
		for person, post := range map[id.ID]id.ID{an: leader, bo: theirs} {
			if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		o.write(func(tx *db.Tx) error {
			_, err := o.access.CreateDemoAccount(tx, operator, "leader", an, id.ID{})
			return err
		})
		b := o.browser("127.0.0.1")
		b.gets("200", "POST", "/api/demo/session", m{"account": "leader"}, &b.me)
		var posts struct{ Items []org.PostView }
		b.gets("200", "GET", "/api/org/posts", nil, &posts)
		if len(posts.Items) != 2 {
			t.Fatalf("sees %d posts: %+v", len(posts.Items), posts.Items)
		}
		for _, p := range posts.Items {
			if p.ID == theirs || p.ID == mine && !p.Vacant {
				t.Fatalf("%+v", p)
			}
		}
		var people struct{ Items []org.PersonView }
		b.gets("200", "GET", "/api/org/persons", nil, &people)
		if len(people.Items) != 1 || people.Items[0].ID != an {
			t.Fatalf("sees %+v", people.Items)
		}
		var page struct {
			Items []org.PostView
			Next  string
		}
		b.gets("200", "GET", "/api/org/posts?limit=1", nil, &page)
		if len(page.Items) != 1 || page.Next == "" {
			t.Fatalf("first page: %+v", page)
		}
		first := page.Items[0].ID
		b.gets("200", "GET", "/api/org/posts?limit=1&cursor="+page.Next, nil, &page)
		if len(page.Items) != 1 || page.Items[0].ID == first {
			t.Fatalf("second page: %+v", page)
		}
		b.gets("403 access.denied", "POST", "/api/org/posts/"+theirs.String()+"/holder", m{"person_id": cai}, nil)
		b.gets("403 access.denied", "POST", "/api/org/units", m{"kind": "street", "code": "X", "name": m{"zh-CN": "x", "en": "x"}}, nil)
		var held org.Holding
		b.gets("201", "POST", "/api/org/posts/"+mine.String()+"/holder", m{"person_id": cai}, &held)
		b.gets("409 org.post_taken", "POST", "/api/org/posts/"+mine.String()+"/holder", m{"person_id": bo}, nil)
		b.gets("422 org.invalid", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": an}, nil)
		b.gets("201", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": an, "to": o.clock.Now().AddDate(0, 0, 5)}, nil)
		b.gets("200", "DELETE", "/api/org/holdings/"+held.ID.String(), nil, nil)
		b.gets("404 org.missing", "DELETE", "/api/org/holdings/"+nid(1).String(), nil, nil)
		// Standing in now, by an own word, she acts as the officer but cannot
		// name another for it.
		b.post = mine
		b.gets("200", "GET", "/api/session", nil, &b.me)
		if len(b.me.Posts) != 2 || b.me.PostID != mine {
			t.Fatalf("%+v", b.me)
		}
		b.post = leader
		b.gets("403 org.stand_in_hands_on", "POST", "/api/org/posts/"+mine.String()+"/stand-in", m{"person_id": cai, "to": o.clock.Now().AddDate(0, 0, 5)}, nil)
		if n := len(o.entries("org.hold")); n != 3 {
			t.Fatalf("%d holdings in the journal", n)
		}
	})
}
