package casework

import (
	"context"
	"strings"
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// Every walk of a worklist goes along one index of its own column, in the
// list's order: no scan, no sort, whatever the filter. (DESIGN.md section 5)
func TestListsWalkOneIndex(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { listsWalkOneIndex(t, dbtest.Open(t, engine, nil, []db.Room{Room()})) })
	}
}

func listsWalkOneIndex(t *testing.T, d *db.DB) {
	node := newTestID(9)
	walks := []access.Walk{
		{Column: access.HubColumn, Node: node}, {Column: access.StreetColumn, Node: node}, {Column: access.PlatformColumn, Node: node},
		{Column: access.GridColumn, Node: node}, {Column: access.MicroColumn, Node: node}, {Column: access.DepartmentColumn, Node: node},
		{Column: access.PostColumn, Node: node}, {Column: access.PersonColumn, Node: node},
	}
	index := map[string]string{
		"c.hub_id": "cases_hub", "c.street_id": "cases_street", "c.platform_id": "cases_platform", "c.grid_id": "cases_grid", "c.micro_id": "cases_micro",
		"c.department_id": "cases_department", "c.post_id": "cases_post", "c.acting_post_id": "cases_acting", "c.handler_post_id": "cases_handler", "c.ask_post_id": "cases_asked",
		"s.post_id": "case_side_list", "n.person_id": "case_named_list", "c.item": "cases_item",
	}
	filters := []Filter{{}, {View: "mine"}, {Late: true}, {Near: true}, {Item: "cleanliness", Street: node, Grid: node, Department: node, Channel: "phone"}}
	looked := 0
	err := d.Write(context.Background(), func(tx *db.Tx) error { // walkPlan sets something
		for _, f := range filters {
			for _, l := range narrowed(lines(walks), f) {
				q := f.condition(tx.Now())
				plan, err := walkPlan(tx, l.query(q, 51), l.arguments(Reported, append([]any{int64(0), make([]byte, 16)}, q.args...)...)...)
				if err != nil {
					return err
				}
				looked++
				want := index[l.column] + " "
				if !f.Department.IsZero() {
					want = "case" // a narrower node's index is as good
				}
				if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") ||
					strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
					t.Errorf("%s with %+v: %s", l.column, f, plan)
				}
			}
		}
		if d.Engine() == db.Postgres {
			return nil // whose planner takes what it likes of the rest, by the rows that are there
		}
		// The sweeper and the hints at intake read indexes too.
		for q, want := range map[string]string{
			`SELECT id FROM case_clock WHERE due_at IS NOT NULL AND stopped_at IS NULL AND late_at IS NULL AND due_at < $1 ORDER BY due_at LIMIT 200`: "case_clock_due",
			`SELECT id FROM cases WHERE resume_at IS NOT NULL AND resume_at <= $1 ORDER BY resume_at LIMIT 2000`:                                      "cases_resume",
			`SELECT id FROM cases WHERE item = 'x' AND cell = 1 AND recorded_at >= $1`:                                                                "cases_near",
		} {
			plan, err := explain(tx, q, int64(1))
			if err != nil {
				return err
			}
			if !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s: %s", q, plan)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if looked != 12*len(filters) {
		t.Errorf("%d walks looked at", looked)
	}
}

// walkPlan is how either engine runs a walk. PostgreSQL, whose tables are empty
// here, is kept from what it takes for a few rows; what it does all the same, it
// must.
func walkPlan(tx *db.Tx, q string, args ...any) (string, error) {
	if tx.Engine() == db.Postgres {
		for _, off := range []string{"enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin"} {
			if _, err := tx.Exec(`SET LOCAL ` + off + ` = off`); err != nil {
				return "", err
			}
		}
	}
	return planOf(tx, q, args...)
}

func explain(tx *db.Tx, q string, args ...any) (string, error) {
	rows, err := tx.Query(`EXPLAIN QUERY PLAN `+q, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var a, b, c int64
		var detail string
		if err := rows.Scan(&a, &b, &c, &detail); err != nil {
			return "", err
		}
		out = append(out, detail)
	}
	return strings.Join(out, "; "), rows.Err()
}
