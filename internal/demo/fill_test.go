package demo

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// A filled district holds what was asked for, its journal and figures are sound,
// and its cases are like all others: they are listed, found, opened and moved.
func TestFill(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			fills(t, engine)
		})
	}
}

func fills(t *testing.T, engine db.Engine) {
	c, err := app.LoadConfig(filepath.Join(t.TempDir(), "data"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if engine == db.Postgres {
		c.Database = dbtest.Migrated(t, engine, app.Tables())
	}
	filled, err := Fill(t.Context(), c, FillOptions{Cases: 2000, Progress: func(text string) { t.Log(text) }})
	if err != nil {
		t.Fatal(err)
	}
	if filled.Cases != 2000 || filled.Open != 50 {
		t.Errorf("%+v", filled)
	}
	if _, err := Fill(t.Context(), c, FillOptions{Cases: 2000}); !errors.Is(err, ErrTaken) {
		t.Errorf("filled twice: %v", err)
	}
	a, err := app.Open(t.Context(), c, app.Ports{Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	report, err := journal.Verify(t.Context(), a.DB, nil, nil)
	if err != nil || !report.OK() || report.Head != filled.Entries {
		t.Errorf("%+v %v", report, err)
	}
	if n, err := a.Figures.Fold(t.Context()); n != 0 || err != nil {
		t.Errorf("%d entries were not folded: %v", n, err)
	}
	if differences, n, err := a.Figures.Recompute(t.Context(), false, nil); len(differences) > 0 || n != filled.Entries || err != nil {
		t.Errorf("%d entries: %v %v", n, differences, err)
	}
	staff := NewStaff(a)
	var open casework.Case
	err = a.DB.Read(t.Context(), func(tx *db.Tx) error {
		hub, err := a.Access.Operator(tx, "system")
		if err != nil {
			return err
		}
		states := map[casework.State]int{}
		var after *casework.Cursor
		for {
			list, next, err := a.Cases.List(tx, hub, casework.Filter{View: "all"}, after, 200)
			if err != nil {
				return err
			}
			for _, k := range list {
				states[k.State]++
				if k.State == casework.Filed {
					open = k
				}
			}
			if after = next; next == nil {
				break
			}
		}
		if states[casework.Closed] < 1500 || states[casework.Refused] < 300 || len(states) < 7 {
			t.Errorf("%v", states)
		}
		// Its own words find it, and it opens with all that happened to it.
		k, err := a.Cases.Get(tx, hub, open.ID)
		if err != nil {
			return err
		}
		found, _, err := a.Cases.List(tx, hub, casework.Filter{View: "all", Query: k.Text}, nil, 50)
		if err != nil || len(found) == 0 || !strings.Contains(found[0].Text, k.Title) {
			t.Errorf("%q finds %d: %v", k.Text, len(found), err)
		}
		entries, err := journal.Timeline(tx, k.ID)
		if err != nil || len(entries) < 3 || entries[0].Number != k.Arrived || entries[0].Kind != "case.report" {
			t.Errorf("%+v %v", entries, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := open.Version
	err = a.DB.Write(t.Context(), func(tx *db.Tx) (err error) {
		moved := false
		if open, moved, err = staff.Moves(tx, open.ID, tx.Now()); !moved && err == nil {
			t.Error("nobody could move it")
		}
		return err
	})
	if err != nil || open.State != casework.Dispatched && open.State != casework.Filed || open.Version <= before {
		t.Errorf("%+v %v", open, err)
	}
	if err := a.DB.Read(t.Context(), func(tx *db.Tx) error {
		_, err := a.Cases.Get(tx, access.Nobody("portal", "zh-CN"), open.ID)
		if err == nil {
			t.Error("a stranger reads it")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Numbers of one day differ, and read back.
func TestNumbersOfCopies(t *testing.T) {
	seen := map[string]bool{}
	for n := range uint64(20_000) {
		number := casework.NumberOf("20261128", n)
		if parsed, err := casework.ParseNumber(number); seen[number] || err != nil || parsed != number {
			t.Fatalf("%d: %s %v", n, number, err)
		}
		seen[number] = true
	}
}
