package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/demo/area"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// LoadDistrict fills an empty installation with the demo's district: real
// divisions, streets and villages, made-up platforms, grids, posts and people.
func LoadDistrict(ctx context.Context, a *app.App) error {
	drawn, err := area.Build(data.FS, area.Seed)
	if err != nil {
		return err
	}
	staff, err := drawn.Staff(data.FS)
	if err != nil {
		return err
	}
	if err := loadDivisions(ctx, a); err != nil {
		return err
	}
	units, err := loadUnits(ctx, a, staff)
	if err != nil {
		return err
	}
	if err := a.Seed(ctx, words.Text{Chinese: "起步区", English: "Start-up area"}); err != nil {
		return err
	}
	grids, err := loadGrids(ctx, a)
	if err != nil {
		return err
	}
	k := known{staff: staff, units: units, posts: map[string]id.ID{}, persons: map[string]id.ID{}}
	if err := loadPeople(ctx, a, k, grids); err != nil {
		return err
	}
	if err := loadGroups(ctx, a, k); err != nil {
		return err
	}
	if err := loadAgreements(ctx, a, staff, units); err != nil {
		return err
	}
	return LoadPlaces(ctx, a, drawn, units)
}

// loadAgreements lets the departments open the contact of whoever reported:
// without an agreement in force they could not.
func loadAgreements(ctx context.Context, a *app.App, staff area.Staff, units map[string]id.ID) error {
	return write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		for _, u := range staff.Units {
			if org.UnitKind(u.Kind) != org.Department {
				continue
			}
			made, err := a.Registry.Apply(tx, by, registry.AgreementIn{Department: units[u.Code], Purposes: []string{"contact", "visit"},
				Fields: []string{"case_party.name", "case_party.phone"}, Why: "上门办理前联系报事人", Basis: "部门职责分工（演示）", To: tx.Now().AddDate(1, 0, 0)})
			if err != nil {
				return fmt.Errorf("agreement with %s: %w", u.Code, err)
			}
			if _, err := a.Registry.Decide(tx, by, made.ID, true, "", 0); err != nil {
				return fmt.Errorf("agreement with %s: %w", u.Code, err)
			}
		}
		return nil
	})
}

// write runs something as the program itself.
func write(ctx context.Context, a *app.App, do func(tx *db.Tx, by *access.Actor) error) error {
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, app.Operator())
		if err != nil {
			return err
		}
		return do(tx, by)
	})
}

func loadDivisions(ctx context.Context, a *app.App) error {
	for _, name := range []string{"divisions/qibuqu.csv", "divisions/qibuqu-adjacent.csv"} {
		raw, err := data.FS.ReadFile(name)
		if err != nil {
			return err
		}
		rows, err := table.NewReader(bytes.NewReader(raw), name, table.Options{})
		if err != nil {
			return err
		}
		err = write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
			for {
				row, err := rows.Next()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				if _, err := a.Org.ImportDivision(tx, by, row); err != nil {
					return fmt.Errorf("%s row %d: %w", name, row.Number, err)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func loadUnits(ctx context.Context, a *app.App, staff area.Staff) (units map[string]id.ID, err error) {
	err = write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		units = map[string]id.ID{}
		for _, u := range staff.Units {
			made, err := a.Org.CreateUnit(tx, by, org.UnitIn{
				Kind: org.UnitKind(u.Kind), Key: u.Key, Code: u.Code, Name: u.Name, Parent: units[u.Parent],
				Calendar: u.Calendar, DutyCalendar: u.DutyCalendar, Villages: u.Villages, MadeUp: u.MadeUp,
			})
			if err != nil {
				return fmt.Errorf("unit %s: %w", u.Code, err)
			}
			units[u.Code] = made.ID
			if u.Key != "" {
				units[u.Key] = made.ID
			}
		}
		return nil
	})
	return units, err
}

func loadGrids(ctx context.Context, a *app.App) (grids map[string]id.ID, err error) {
	f, err := data.FS.Open("demo/area.geojson")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	reader, err := table.NewReader(f, "area.geojson", table.Options{})
	if err != nil {
		return nil, err
	}
	var rows []grid.ImportRow
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, grid.RowOf(row))
	}
	err = write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		report, err := a.Grids.Import(tx, by, rows, grid.ImportOptions{Datum: geo.WGS84})
		if err != nil {
			return err
		}
		for _, v := range report.Verdicts {
			if v.Fault != nil {
				return fmt.Errorf("grid %s: %w (%v)", v.Code, v.Fault, report.Flaws)
			}
		}
		grids = map[string]id.ID{}
		for _, r := range rows {
			g, found, err := a.Grids.ByCode(tx, r.Code)
			if err != nil || !found {
				return fmt.Errorf("grid %s is not there: %w", r.Code, err)
			}
			grids[r.Code] = g.ID
		}
		return nil
	})
	return grids, err
}

func loadPeople(ctx context.Context, a *app.App, k known, grids map[string]id.ID) error {
	staff, units, posts, persons := k.staff, k.units, k.posts, k.persons
	return write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
		for _, p := range staff.Posts {
			node, ok := units[p.Node]
			if strings.Contains(p.Level, "grid") {
				node, ok = grids[p.Node]
			}
			if !ok {
				return fmt.Errorf("post %s: no node %s", p.Key, p.Node)
			}
			made, err := a.Org.CreatePost(tx, by, org.PostIn{Role: p.Role, Name: p.Name, Unit: units[p.Unit], Level: org.Level(p.Level), Node: node, MadeUp: true})
			if err != nil {
				return fmt.Errorf("post %s: %w", p.Key, err)
			}
			posts[p.Key] = made.ID
		}
		for _, p := range staff.Persons {
			made, err := a.Org.CreatePerson(tx, by, org.PersonIn{Name: p.Name, MadeUp: true})
			if err != nil {
				return fmt.Errorf("person %s: %w", p.Key, err)
			}
			persons[p.Key] = made.ID
		}
		for _, h := range staff.Holdings {
			in := org.HoldingIn{Post: posts[h.Post], Person: persons[h.Person], From: tx.Now()}
			give := a.Org.Assign
			if h.StandIn {
				in.To = tx.Now().Add(time.Duration(h.Days) * 24 * time.Hour)
				give = a.Org.Deputise
			}
			if _, err := give(tx, by, in); err != nil {
				return fmt.Errorf("%s at %s: %w", h.Person, h.Post, err)
			}
		}
		// A person has one account, whatever posts are held; the post is chosen
		// after signing in.
		signsIn := map[string]bool{}
		for _, acc := range staff.Accounts {
			if signsIn[acc.Person] {
				continue
			}
			signsIn[acc.Person] = true
			if _, err := a.Access.CreateDemoAccount(tx, by, acc.Name, persons[acc.Person], posts[acc.Post]); err != nil {
				return fmt.Errorf("account %s: %w", acc.Name, err)
			}
		}
		return nil
	})
}
