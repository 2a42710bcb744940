package access_test

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// used writes down what was noted, as the chore does.
func (o *office) used() {
	o.Helper()
	if err := o.access.WriteUse(context.Background(), o.db); err != nil {
		o.Fatal(err)
	}
}

func (o *office) days(person id.ID) (n int) {
	o.Helper()
	if err := o.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Row(`SELECT COUNT(*) FROM access_used WHERE person = $1`, person).Scan(&n)
	}); err != nil {
		o.Fatal(err)
	}
	return n
}

// rowsOf lists rows of a round.
func (b *browser) rowsOf(review id.ID, query string) []access.ReviewRow {
	b.Helper()
	var out struct{ Items []access.ReviewRow }
	b.gets("200", "GET", "/api/access-reviews/"+review.String()+"/rows?"+query, nil, &out)
	return out.Items
}

func rowOf(t *testing.T, list []access.ReviewRow, kind string, person id.ID) access.ReviewRow {
	t.Helper()
	i := slices.IndexFunc(list, func(r access.ReviewRow) bool { return r.Kind == kind && r.Person == person })
	if i < 0 {
		t.Fatalf("no %s of %s in %+v", kind, person, list)
	}
	return list[i]
}

// A day's use through a post is one row, however many requests there were, and
// none is written while a request waits.
func TestUseIsNotedByTheDay(t *testing.T) {
	each(t, func(options *access.Options) { options.Zone = time.FixedZone("district", 8*3600) }, func(o *office) {
		security := o.admin(1)
		me := security.me.Person.ID
		security.gets("200", "GET", "/api/session", nil, nil)
		if o.days(me) != 0 {
			t.Error("a request writes")
		}
		o.used()
		for range 3 {
			security.gets("200", "GET", "/api/session", nil, nil)
			o.used()
		}
		if n := o.days(me); n != 1 {
			t.Error("rows of a day:", n)
		}
		o.clock.Set(time.Date(2026, 12, 1, 15, 50, 0, 0, time.UTC)) // shortly before midnight in the district
		security.signsIn("security")
		security.gets("200", "GET", "/api/session", nil, nil)
		o.clock.Set(time.Date(2026, 12, 1, 16, 1, 0, 0, time.UTC))
		security.gets("200", "GET", "/api/session", nil, nil)
		o.used()
		if n := o.days(me); n != 3 {
			t.Error("rows of three days:", n)
		}
		o.write(func(tx *db.Tx) error {
			_, err := db.EndAll(tx, access.Ended(), tx.Now().Add(48*time.Hour), 100, false)
			return err
		})
		if n := o.days(me); n != 0 {
			t.Error("retention leaves", n)
		}
	})
}

// A round finds a grant that nobody used for ninety days and ends it; the right is
// gone at once. Nobody decides about himself, nothing is decided twice, and a
// closed round does not change.
func TestReviewOfRights(t *testing.T) {
	each(t, func(options *access.Options) { options.Zone = time.FixedZone("district", 8*3600) }, func(o *office) {
		system, security, auditor := o.admin(0), o.admin(1), o.admin(2)
		idle, busy, leader := o.person("演示少来"), o.person("演示常来"), o.person("演示主任")
		desk := o.post("street_desk", org.AtStreet, o.street, o.street)
		head := o.post("hub_leader", org.AtDistrict, o.hub, o.hub)
		for person, post := range map[id.ID]id.ID{busy: desk, leader: head} {
			if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		standIn, err := o.holds(idle, desk, org.StandIn, noon.AddDate(0, 0, 89))
		if err != nil {
			t.Fatal(err)
		}
		var grant access.Grant
		security.gets("201", "POST", "/api/grants", m{"person_id": idle, "role": "street_desk", "level": "street", "node_id": o.street, "why": "顶班"}, &grant)
		lazy := o.staff(system, security, "idle", idle)
		worker := o.staff(system, security, "busy", busy)
		boss := o.staff(system, security, "leader", leader)
		lazy.gets("200", "GET", "/api/session", nil, nil)
		o.used()

		// The grant has no use for a hundred days, the worker's post has one today.
		o.write(func(tx *db.Tx) error {
			_, err := o.org.End(tx, access.Operator("cli:test", o.hub), standIn.ID, 0, time.Time{})
			return err
		})
		o.clock.Add(100 * 24 * time.Hour)
		for _, b := range []struct {
			*browser
			name string
		}{{system, "system"}, {security, "security"}, {auditor, "audit"}, {worker, "busy"}, {boss, "leader"}} {
			b.signsIn(b.name)
			b.gets("200", "GET", "/api/session", nil, nil)
		}
		if _, err := o.holds(idle, desk, org.StandIn, o.clock.Now().AddDate(0, 0, 10)); err != nil {
			t.Fatal(err)
		}

		// Opening.
		due := o.clock.Now().AddDate(0, 0, 14).Format(time.DateOnly)
		system.gets("403 access.denied", "POST", "/api/access-reviews", m{"name": "一季度", "due": due}, nil)
		security.gets("422 access.invalid", "POST", "/api/access-reviews", m{"name": " ", "due": "2020-01-01"}, nil)
		var round access.Review
		security.gets("201", "POST", "/api/access-reviews", m{"name": "一季度", "due": due}, &round)
		if round.Open != round.Total || round.Total < 12 || round.Recorded == "" || round.Overdue || round.OpenedByName == "" {
			t.Fatalf("%+v", round)
		}
		path := "/api/access-reviews/" + round.ID.String()
		decide := func(r access.ReviewRow) string { return path + "/rows/" + r.ID.String() }
		keep, end := m{"decision": "keep"}, m{"decision": "end", "why": "三个多月没用"}

		// What was not used comes first and is found; what was used is not.
		all := security.rowsOf(round.ID, "limit=200")
		if int64(len(all)) != round.Total {
			t.Error("rows", len(all))
		}
		idleSince := func(r access.ReviewRow) string {
			return max(r.Used, r.Since.In(time.FixedZone("district", 8*3600)).Format(time.DateOnly))
		}
		if !slices.IsSortedFunc(all, func(x, y access.ReviewRow) int { return strings.Compare(idleSince(x), idleSince(y)) }) {
			t.Error("not by the last use")
		}
		unused := security.rowsOf(round.ID, "unused=true")
		if slices.ContainsFunc(unused, func(r access.ReviewRow) bool { return r.Person == busy && r.Kind != "grant" }) {
			t.Error("what is used counts as unused")
		}
		found := rowOf(t, unused, "grant", idle)
		if found.Subject != grant.ID || found.Used == "" || !found.Unused || !found.MayEnd || found.Own || found.Role != "street_desk" || found.RoleName.Chinese == "" {
			t.Fatalf("%+v", found)
		}
		if r := rowOf(t, all, "stand_in", idle); r.Unused || r.Post != desk { // new today
			t.Errorf("%+v", r)
		}
		if r := rowOf(t, all, "holding", busy); r.Unused || r.Used == "" || r.PostName.Chinese == "" {
			t.Errorf("%+v", r)
		}

		// Pages, filters.
		var page struct {
			Items []access.ReviewRow
			Next  int64
		}
		security.gets("200", "GET", path+"/rows?limit=5", nil, &page)
		if len(page.Items) != 5 || page.Next != 5 {
			t.Errorf("%d rows, next %d", len(page.Items), page.Next)
		}
		seen := int64(0)
		for next := int64(0); ; next = page.Next {
			page.Items, page.Next = nil, 0
			security.gets("200", "GET", path+"/rows?limit=5&after="+itoa(next), nil, &page)
			seen += int64(len(page.Items))
			if page.Next == 0 {
				break
			}
		}
		if seen != round.Total {
			t.Error("pages give", seen)
		}
		if list := security.rowsOf(round.ID, "q=%E5%B0%91%E6%9D%A5"); len(list) != 3 {
			t.Errorf("by name %+v", list)
		}

		// Who reads what.
		worker.gets("403 access.denied", "GET", "/api/access-reviews", nil, nil)
		if n := len(auditor.rowsOf(round.ID, "limit=200")); n != len(all) {
			t.Error("the auditor sees", n)
		}
		for _, r := range boss.rowsOf(round.ID, "limit=200") {
			if r.Kind == "account" || r.Kind == "grant" {
				t.Error("a leader sees", r.Kind)
			}
		}
		auditor.gets("403 access.denied", "POST", decide(found), keep, nil)
		worker.gets("403 access.denied", "POST", decide(found), keep, nil)
		boss.gets("404 access.missing", "POST", decide(found), keep, nil)

		// The right ends at once, with a reason, under the ordinary permission.
		security.gets("422 access.invalid", "POST", decide(found), m{"decision": "end", "why": " "}, nil)
		system.gets("403 access.denied", "POST", decide(found), end, nil)
		// by the direct grant alone, as no post acts
		may := func() bool {
			a, err := o.actor(idle, id.ID{})
			return err == nil && a.Check("case.view", journal.Sight{Nodes: journal.Nodes{Hub: o.hub, Street: o.street}}) == nil
		}
		if !may() {
			t.Fatal("nothing to lose")
		}
		var done access.ReviewRow
		security.gets("200", "POST", decide(found), end, &done)
		if done.Decision != "end" || done.Why != "三个多月没用" || done.DecidedByName == "" || !done.Unused {
			t.Errorf("%+v", done)
		}
		if may() {
			t.Error("the right is still there")
		}
		security.gets("409 access.review_decided", "POST", decide(found), keep, nil)
		if n := len(o.entries("access.revoke")); n != 1 {
			t.Error("entries of the ordinary act:", n)
		}
		if list := o.entries("access.review_decide"); len(list) != 1 || list[0].Subject != round.ID {
			t.Errorf("%+v", list)
		}

		// Nobody about himself.
		own := rowOf(t, all, "account", security.me.Person.ID)
		if !own.Own {
			t.Error("not known as one's own")
		}
		security.gets("403 access.same_hand", "POST", decide(own), keep, nil)
		boss.gets("403 access.same_hand", "POST", decide(rowOf(t, all, "holding", leader)), keep, nil)

		// Holdings end by whoever may end them.
		stand := rowOf(t, all, "stand_in", idle)
		security.gets("403 access.denied", "POST", decide(stand), end, nil)
		boss.gets("200", "POST", decide(stand), end, nil)
		if _, err := o.actor(idle, desk); err == nil {
			t.Error("still stands in")
		}
		// An account is disabled by the system administrator.
		security.gets("403 access.denied", "POST", decide(rowOf(t, all, "account", idle)), end, nil)
		system.gets("200", "POST", decide(rowOf(t, all, "account", idle)), end, nil)
		lazy.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "idle", "password": goodPassword, "totp": lazy.code()}, nil)

		// What ended by another act is gone and not decided.
		o.write(func(tx *db.Tx) error {
			_, err := o.org.End(tx, access.Operator("cli:test", o.hub), rowOf(t, all, "holding", busy).Subject, 0, time.Time{})
			return err
		})
		security.gets("409 access.ended", "POST", decide(rowOf(t, all, "holding", busy)), keep, nil)

		// Many of one kind; one's own and what is gone are left and named.
		security.gets("409 access.review_open", "POST", path+"/close", nil, nil)
		keepAll := func(b *browser, kind string) access.ReviewKept {
			var rows []id.ID
			for _, r := range b.rowsOf(round.ID, "limit=200&kind="+kind) {
				rows = append(rows, r.ID)
			}
			var kept access.ReviewKept
			b.gets("200", "POST", path+"/keep", m{"kind": kind, "rows": rows}, &kept)
			if int(kept.Kept)+len(kept.Left) != len(rows) {
				t.Errorf("%d rows, %+v", len(rows), kept)
			}
			return kept
		}
		boss.gets("403 access.denied", "POST", path+"/keep", m{"kind": "grant", "rows": []id.ID{found.ID}}, nil)
		if k := keepAll(security, "account"); !slices.Contains(k.Left, access.ReviewLeftOver{Row: own.ID, Code: "access.same_hand"}) {
			t.Errorf("%+v", k)
		}
		keepAll(security, "grant")
		if k := keepAll(security, "holding"); k.Kept != 1 || len(k.Left) != 1 || k.Left[0].Code != "access.ended" {
			t.Errorf("%+v", k)
		}
		keepAll(system, "account")
		keepAll(system, "grant")

		// The file, overdue, closing.
		_, raw := security.asks("POST", path+"/file?format=csv", nil)
		if list := o.entries("access.export"); len(list) != 1 || list[0].Subject != round.ID {
			t.Errorf("noted of the file %+v", list)
		}
		if !bytes.Contains(raw, []byte("演示少来")) || !bytes.Contains(raw, []byte("三个多月没用")) {
			t.Errorf("%s", raw)
		}
		o.clock.Add(15 * 24 * time.Hour)
		security.signsIn("security")
		var list struct{ Items []access.Review }
		security.gets("200", "GET", "/api/access-reviews", nil, &list)
		if len(list.Items) != 1 || !list.Items[0].Overdue || list.Items[0].Open != 0 || list.Items[0].Gone != 1 || list.Items[0].Ended != 3 {
			t.Fatalf("%+v", list.Items)
		}
		security.gets("200", "POST", path+"/close", nil, &round)
		if round.Closed.IsZero() || round.Overdue || round.Gone != 1 || round.Kept+round.Ended+round.Gone != round.Total {
			t.Errorf("%+v", round)
		}
		security.gets("409 access.review_closed", "POST", path+"/close", nil, nil)
		security.gets("409 access.review_closed", "POST", decide(found), keep, nil)
		security.gets("409 access.review_closed", "POST", path+"/keep", m{"kind": "grant", "rows": []id.ID{found.ID}}, nil)
		for _, kind := range []string{"access.review_open", "access.review_close", "access.review_keep"} {
			if len(o.entries(kind)) == 0 {
				t.Error("no entry", kind)
			}
		}
		o.write(func(tx *db.Tx) error {
			n, err := db.EndAll(tx, access.Ended(), tx.Now().Add(time.Hour), 1000, false)
			if err == nil && int64(n) < round.Total {
				t.Error("retention ends", n)
			}
			return err
		})
		security.gets("404 access.missing", "GET", path, nil, nil)
	})
}

// A leader reads and decides of a round what concerns posts in his own part: the
// rows, the counts and the file; the rest is not there for him.
func TestReviewInOnesOwnPart(t *testing.T) {
	each(t, nil, func(o *office) {
		system, security := o.admin(0), o.admin(1)
		var other org.Unit
		o.write(func(tx *db.Tx) (err error) {
			other, err = o.org.CreateUnit(tx, access.Operator("cli:test", o.hub), org.UnitIn{Kind: org.Street, Code: "S2", Name: words.Text{Chinese: "二街", English: "Second"}, Parent: o.hub})
			return err
		})
		leader := o.person("演示书记")
		if _, err := o.holds(leader, o.post("street_leader", org.AtStreet, o.street, o.street), org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		mine := map[id.ID]bool{leader: true}
		for i := range 7 { // in turn here, there, in a village of here
			unit, level := o.street, org.AtStreet
			switch i % 3 {
			case 1:
				unit = other.ID
			case 2:
				unit, level = o.platform, org.AtVillage
			}
			role := map[org.Level]string{org.AtStreet: "street_desk", org.AtVillage: "village_desk"}[level]
			who := o.person("演示" + itoa(int64(i)))
			if _, err := o.holds(who, o.post(role, level, unit, unit), org.Holder, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if i%3 != 1 {
				mine[who] = true
			}
		}
		boss := o.staff(system, security, "secretary", leader)
		security.signsIn("security")
		var round access.Review
		security.gets("201", "POST", "/api/access-reviews", m{"name": "一季度", "due": o.clock.Now().AddDate(0, 0, 14).Format(time.DateOnly)}, &round)
		path := "/api/access-reviews/" + round.ID.String()

		var there access.ReviewRow
		for _, r := range security.rowsOf(round.ID, "limit=200") {
			if r.Kind == "holding" && !mine[r.Person] {
				there = r
			}
		}
		if there.ID.IsZero() {
			t.Fatal("the second street has no row")
		}
		got, last := map[id.ID]bool{}, int64(0)
		for next := int64(0); ; {
			var page struct {
				Items []access.ReviewRow
				Next  int64
			}
			boss.gets("200", "GET", path+"/rows?limit=2&after="+itoa(next), nil, &page)
			for _, r := range page.Items {
				if r.Number <= last || !mine[r.Person] || r.Kind != "holding" {
					t.Errorf("after %d: %+v", last, r)
				}
				got[r.Person], last = true, r.Number
			}
			if next = page.Next; next == 0 {
				break
			}
		}
		var seen access.Review
		boss.gets("200", "GET", path, nil, &seen)
		if len(got) != len(mine) || seen.Total != int64(len(mine)) || seen.Open != seen.Total || round.Total <= seen.Total {
			t.Errorf("%d of %d rows, counted %+v of %d", len(got), len(mine), seen, round.Total)
		}
		_, file := boss.asks("POST", path+"/file?format=csv", nil)
		if lines := bytes.Count(file, []byte("\n")); lines != len(mine)+1 {
			t.Errorf("%d lines: %s", lines, file)
		}
		boss.gets("404 access.missing", "POST", path+"/rows/"+there.ID.String(), m{"decision": "keep"}, nil)
		var kept access.ReviewKept
		boss.gets("200", "POST", path+"/keep", m{"kind": "holding", "rows": []id.ID{there.ID}}, &kept)
		if kept.Kept != 0 || len(kept.Left) != 1 || kept.Left[0].Code != "access.missing" {
			t.Errorf("%+v", kept)
		}
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
