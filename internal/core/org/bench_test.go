package org_test

import (
	"context"
	"fmt"
	"testing"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

// A thousand people get a post each, in one transaction for each hundred: what
// filling a district costs.
func BenchmarkLoadThousandPosts(b *testing.B) {
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		clock := dbtest.NewClock(monday)
		d := dbtest.Open(b, db.SQLite, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, []db.Room{journal.Room(), org.Room()})
		o := org.New(rules)
		o.Guarded(&guard{changed: map[id.ID]int{}})
		var hub org.Unit
		for start := 0; start < 1000; start += 100 {
			err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
				if start == 0 {
					if hub, err = o.CreateUnit(tx, operator{}, org.UnitIn{Kind: org.Hub, Code: "H", Name: both("H")}); err != nil {
						return err
					}
				}
				for i := range 100 {
					name := fmt.Sprint(start + i)
					p, err := o.CreatePerson(tx, operator{}, org.PersonIn{Name: name})
					if err != nil {
						return err
					}
					post, err := o.CreatePost(tx, operator{}, org.PostIn{Role: "hub_officer", Name: both(name), Unit: hub.ID, Level: org.AtDistrict, Node: hub.ID})
					if err != nil {
						return err
					}
					if _, err := o.Assign(tx, operator{}, org.HoldingIn{Post: post.ID, Person: p.ID}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
