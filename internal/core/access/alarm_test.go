package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// follows reads the journal for alarms.
func (o *office) follows() int {
	o.Helper()
	n, err := o.access.FollowAlarms(context.Background(), o.db)
	if err != nil {
		o.Fatal(err)
	}
	return n
}

// acts writes entries of a kind that somebody did.
func (o *office) acts(person id.ID, kind string, times int, facts any) {
	o.Helper()
	for range times {
		o.write(func(tx *db.Tx) error {
			journal.Add(tx, journal.Entry{Kind: kind, Subject: person, By: journal.By{Person: person, Via: "desk"}, Facts: facts, Sight: journal.Sight{Secrecy: journal.Named}})
			return nil
		})
	}
}

// alarmsOf lists the open alarms of a rule.
func (b *browser) alarmsOf(rule string) []access.Alarm {
	b.Helper()
	var out struct{ Items []access.Alarm }
	b.gets("200", "GET", "/api/alarms", nil, &out)
	return slices.DeleteFunc(out.Items, func(a access.Alarm) bool { return a.Rule != rule })
}

// Alarms are facts: what happened how often, the rule and its number, and the
// entries behind. Who works more than others has the own habit as measure.
func TestAlarmsOnUnusualUse(t *testing.T) {
	each(t, func(options *access.Options) { options.Zone = time.FixedZone("district", 8*3600) }, func(o *office) {
		security, auditor := o.admin(1), o.admin(2)
		o.follows() // begins with today
		if n := o.follows(); n != 0 {
			t.Fatal("the past opens alarms:", n)
		}
		busy, calm := o.person("演示多看"), o.person("演示少看")

		// Reveals: an absolute floor, and a multiple of the own median.
		o.acts(calm, "case.reveal", 29, nil)
		if o.follows() != 0 {
			t.Error("below the floor")
		}
		o.acts(calm, "case.reveal", 2, nil)
		if n := o.follows(); n != 1 {
			t.Error("opened", n)
		}
		list := security.alarmsOf("reveals")
		if len(list) != 1 || list[0].Person != calm || list[0].PersonName != "演示少看" || list[0].Value != 31 || list[0].Limit != 30 || len(list[0].Entries) != 31 {
			t.Fatalf("%+v", list)
		}
		for range 6 { // half a dozen hours with twenty each are a habit
			o.clock.Add(time.Hour)
			o.acts(busy, "case.reveal", 20, nil)
		}
		o.clock.Add(time.Hour)
		o.acts(busy, "case.reveal", 79, nil)
		if n := o.follows(); n != 0 {
			t.Error("within four times the own habit")
		}
		o.acts(busy, "case.reveal", 1, nil)
		o.follows()
		o.clock.Set(time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)) // noon in the district
		security.signsIn("security")
		auditor.signsIn("audit")
		if list = security.alarmsOf("reveals"); len(list) != 2 || list[0].Person != busy || list[0].Usual != 20 || list[0].Limit != 80 || list[0].Value != 80 {
			t.Fatalf("%+v", list)
		}

		// What stands behind is told by kind and time.
		var behind struct{ Items []access.AlarmEntry }
		auditor.gets("200", "GET", "/api/alarms/"+list[0].ID.String()+"/entries", nil, &behind)
		if len(behind.Items) != 50 || behind.Items[0].Kind != "case.reveal" {
			t.Fatalf("%d %+v", len(behind.Items), behind.Items[0])
		}

		// Exports, refusals.
		o.acts(calm, "case.export", 10, nil)
		o.acts(calm, "access.refused", 30, nil)
		if n := o.follows(); n != 2 {
			t.Error("opened", n)
		}
		// What the command line and the program do is no use of rights.
		o.write(func(tx *db.Tx) error {
			for range 40 {
				journal.Add(tx, journal.Entry{Kind: "case.export", Subject: calm, By: journal.By{Person: calm, Via: "cli:op@host"}})
			}
			return nil
		})
		if n := o.follows(); n != 0 {
			t.Error("opened", n)
		}

		// Wrong passwords over many accounts.
		for i := range 5 {
			o.write(func(tx *db.Tx) error {
				journal.Add(tx, journal.Entry{Kind: "access.sign_in_slowed", Subject: id.ID{byte(i + 1)}, By: journal.By{Via: "system"}})
				return nil
			})
		}
		o.follows()
		if list = security.alarmsOf("failures"); len(list) != 1 || !list[0].Person.IsZero() || list[0].Value != 5 || len(list[0].Entries) != 5 {
			t.Fatalf("%+v", list)
		}

		// Sign-ins: after a long time, from new browsers, at night; who works nights
		// is soon no news.
		o.acts(calm, "access.sign_in", 1, m{"way": "password", "days_away": 90})
		o.acts(calm, "access.sign_in", 1, m{"way": "password", "new_device": true})
		if n := o.follows(); n != 1 {
			t.Error("one new browser is told:", n)
		}
		o.acts(calm, "access.sign_in", 1, m{"way": "password", "new_device": true})
		if n := o.follows(); n != 1 {
			t.Error("two new browsers within a day are not told:", n)
		}
		for night := range 5 {
			o.clock.Set(time.Date(2026, 12, 1+night, 17, 30, 0, 0, time.UTC)) // 1:30 in the district
			o.acts(busy, "access.sign_in", 2, m{"way": "password"})
			want := 1
			if night >= 3 {
				want = 0
			}
			if n := o.follows(); n != want {
				t.Errorf("night %d: %d alarms", night+1, n)
			}
		}

		o.clock.Set(time.Date(2026, 12, 6, 4, 0, 0, 0, time.UTC))
		security.signsIn("security")
		auditor.signsIn("audit")
		// Looked at with a word, once, and never by the one it is about.
		list = security.alarmsOf("exports")
		seen := "/api/alarms/" + list[0].ID.String() + "/acknowledge"
		auditor.gets("403 access.denied", "POST", seen, m{"note": "看过"}, nil)
		security.gets("422 access.invalid", "POST", seen, m{"note": " "}, nil)
		var one access.Alarm
		security.gets("200", "POST", seen, m{"note": "问过本人，是月底的汇总。"}, &one)
		if one.Done.IsZero() || one.Note == "" || one.DoneByName == "" {
			t.Fatalf("%+v", one)
		}
		security.gets("409 access.ended", "POST", seen, m{"note": "又看过"}, nil)
		if len(security.alarmsOf("exports")) != 0 {
			t.Error("still open")
		}
		o.acts(security.me.Person.ID, "case.export", 10, nil)
		o.follows()
		own := security.alarmsOf("exports")
		security.gets("403 access.same_hand", "POST", "/api/alarms/"+own[0].ID.String()+"/acknowledge", m{"note": "没事"}, nil)
		for _, e := range o.entries("access.alarm") {
			if e.Sight.Secrecy != journal.Named {
				t.Error("an alarm shows in a feed")
			}
		}

		// The numbers are settings.
		auditor.gets("403 access.denied", "PUT", "/api/alarm-rules/exports", m{"on": true, "limit": 3}, nil)
		security.gets("404 access.missing", "PUT", "/api/alarm-rules/none", m{"on": true}, nil)
		security.gets("422 access.invalid", "PUT", "/api/alarm-rules/exports", m{"on": true}, nil)
		security.gets("422 access.invalid", "PUT", "/api/alarm-rules/exports", m{"on": true, "limit": 3, "from": "22:00"}, nil)
		security.gets("422 access.invalid", "PUT", "/api/alarm-rules/odd_hour", m{"on": true, "limit": 3, "from": "25:00", "to": "05:00"}, nil)
		security.gets("200", "PUT", "/api/alarm-rules/exports", m{"on": true, "limit": 3}, nil)
		security.gets("200", "PUT", "/api/alarm-rules/reveals", m{"on": false, "limit": 30, "times": 4}, nil)
		o.clock.Add(3 * time.Hour)
		o.acts(busy, "case.export", 3, nil)
		o.acts(busy, "case.reveal", 200, nil)
		if n := o.follows(); n != 1 {
			t.Error("opened", n)
		}

		// Retention ends them; counts are swept sooner.
		if err := o.db.Write(context.Background(), func(tx *db.Tx) error {
			n, err := o.access.EndAlarms(tx, o.clock.Now().Add(time.Hour), 3, true)
			if err == nil && n < 8 {
				err = fmt.Errorf("%d alarms are over", n)
			}
			if err == nil {
				n, err = o.access.EndAlarms(tx, o.clock.Now().Add(time.Hour), 3, false)
			}
			if err == nil && n != 3 {
				err = fmt.Errorf("%d ended at once", n)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// A disabled account is emptied whole by its term, and a shared device that was
// ended is forgotten by its own.
func TestRetentionEndsEverythingOfAnAccount(t *testing.T) {
	eachWithIDP(t, func(o *office, _ *idp) {
		system, security := o.admin(0), o.admin(1)
		person := o.person("演示离任")
		post := o.post("street_desk", org.AtStreet, o.street, o.street)
		if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		b := o.staff(system, security, "leaver", person)
		b.gets("204", "PUT", "/api/session/pin", m{"pin": "402917"}, nil)
		var accounts struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &accounts)
		i := slices.IndexFunc(accounts.Items, func(a access.Account) bool { return a.Name == "leaver" })
		acc := accounts.Items[i].ID
		system.gets("201", "POST", "/api/accounts/"+acc.String()+"/identities", m{"provider": "city", "subject": "u-9"}, nil)
		o.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO access_passkey (id, account, credential, name, body, created) VALUES ($1, $2, $3, 'phone', '{}', 1)`, tx.NewID(), acc, []byte("key"))
			return err
		})
		system.gets("200", "POST", "/api/accounts/"+acc.String()+"/disable", nil, nil)
		var shared access.Shared
		o.write(func(tx *db.Tx) (err error) {
			operator := access.Operator("cli:test", o.hub)
			if shared, err = o.access.RegisterShared(tx, operator, access.SharedIn{Name: "巡查手机", Unit: o.street}); err != nil {
				return err
			}
			return o.access.RevokeShared(tx, operator, shared.ID)
		})
		o.clock.Add(time.Hour)
		left := func(q string, args ...any) (n int) {
			if err := o.db.Read(context.Background(), func(tx *db.Tx) error { return tx.Row(q, args...).Scan(&n) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for range 2 { // a second run finds nothing
			o.write(func(tx *db.Tx) error {
				if _, err := o.access.EndAccounts(tx, tx.Now(), 10, false); err != nil {
					return err
				}
				_, err := o.access.EndDevices(tx, tx.Now(), 10, false)
				return err
			})
			for _, q := range []string{
				`SELECT COUNT(*) FROM access_account WHERE id = $1 AND (pin IS NOT NULL OR password IS NOT NULL OR totp IS NOT NULL OR recovery IS NOT NULL OR name = 'leaver')`,
				`SELECT COUNT(*) FROM access_passkey WHERE account = $1`, `SELECT COUNT(*) FROM access_identity WHERE account = $1`,
			} {
				if n := left(q, acc); n != 0 {
					t.Errorf("%d left: %s", n, q)
				}
			}
		}
		if n := left(`SELECT COUNT(*) FROM access_shared WHERE id = $1`, shared.ID); n != 0 {
			t.Error("a shared device that was ended is kept")
		}
		o.write(func(tx *db.Tx) error {
			n, err := o.access.EndAccounts(tx, tx.Now(), 10, true)
			if err == nil && n != 0 {
				err = errors.New("it is counted again")
			}
			return err
		})
	})
}
