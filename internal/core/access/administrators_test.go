package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The three administrators exclude each other whichever way a person comes to
// the one role and to the other: by a grant, through a post, as a stand-in, now
// or later, and in either order. What does not overlap in time is allowed.
func TestAdministratorsExcludeEachOther(t *testing.T) {
	each(t, nil, func(o *office) {
		roles := []string{"system_admin", "security_admin", "auditor"}
		operator := access.Operator("cli:test", o.hub)
		now := o.clock.Now()
		day := func(n int) time.Time { return now.AddDate(0, 0, n) }
		ways := map[string]func(person id.ID, role string, from, to time.Time) error{
			"grant": func(person id.ID, role string, from, to time.Time) error {
				return o.db.Write(context.Background(), func(tx *db.Tx) error {
					_, err := o.access.Give(tx, operator, access.GrantIn{Person: person, Role: role, Level: org.AtSystem, From: from, To: to, Why: "test"})
					return err
				})
			},
			"post": func(person id.ID, role string, from, to time.Time) error {
				post := o.post(role, org.AtSystem, o.hub, o.hub)
				return o.db.Write(context.Background(), func(tx *db.Tx) error {
					_, err := o.org.Assign(tx, operator, org.HoldingIn{Post: post, Person: person, From: from, To: to})
					return err
				})
			},
			"stand-in": func(person id.ID, role string, from, to time.Time) error {
				post := o.post(role, org.AtSystem, o.hub, o.hub)
				return o.db.Write(context.Background(), func(tx *db.Tx) error {
					_, err := o.org.Deputise(tx, operator, org.HoldingIn{Post: post, Person: person, From: from, To: to})
					return err
				})
			},
		}
		for first, takes := range ways {
			for second, also := range ways {
				for _, one := range roles {
					for _, other := range roles {
						for name, at := range map[string]struct {
							from, to int
							refused  bool
						}{"at once": {0, 9, true}, "later, overlapping": {5, 20, true}, "after its end": {10, 20, false}} {
							if one == other {
								continue
							}
							person := o.person("演示某人")
							if err := takes(person, one, day(0), day(10)); err != nil {
								t.Fatalf("%s by %s: %v", one, first, err)
							}
							err := also(person, other, day(at.from), day(at.to))
							if refused := errors.Is(err, access.ErrIncompatible); refused != at.refused || !refused && err != nil {
								t.Errorf("%s by %s, then %s by %s %s: %v", one, first, other, second, name, err)
							}
						}
					}
				}
			}
		}
	})
}
