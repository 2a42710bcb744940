package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// somebody reports something with a photo; the case is carried to its end.
func somebody(w *town.Town, name, phone, word string, photo bool) town.Case {
	village := w.As("village desk 1")
	var c town.Case
	report := town.Report(word+"的事", town.With{"reporter": town.With{"name": name, "phone": phone}})
	if photo {
		report["file_ids"] = []id.ID{village.Photo("before")}
	}
	report["place"].(town.With)["words"] = word + "门口"
	a := village.Do("POST", "/api/cases", report)
	if a.Status != 201 {
		w.Fatalf("report: %s %s", a, a.Body)
	}
	if err := json.Unmarshal(a.Body, &c); err != nil {
		w.Fatal(err)
	}
	village.Does(c, "accept", town.With{"note": name + "来电说" + word})
	if a := village.Do("POST", "/api/cases/"+c.ID.String()+"/reveal", town.With{"purpose": "contact", "why": "给" + name + "回电"}); a.Status != 200 {
		w.Fatalf("reveal: %s %s", a, a.Body)
	}
	c = village.Does(c, "refuse", town.With{"reason": "refuse_outside", "note": word + "不归这里", "resident_text": name + "您好"})
	return c
}

// Show 6: a person whose data is over by its term, and one who was erased by the
// decision of two, leave no trace outside the digests: not in any table, not in
// the search index, not in the files, and not in a backup of before once it is
// restored; on both engines. Every table is read as it lies on the disk.
func TestExpiredAndErasedLeaveNoTrace(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		expired := []string{"龘靐甲", "13800006661", "龘靐"}
		erased := []string{"爨齉乙", "13800006662", "爨齉"}
		kept := []string{"麤灪丙", "13800006663", "麤灪"}
		old := somebody(w, expired[0], expired[1], expired[2], true)
		held := somebody(w, kept[0], kept[1], kept[2], false)
		dpo := w.As("data protection officer 1")
		if a := dpo.Do("POST", "/api/registry/holds", town.With{"case_number": held.Number, "why": "诉讼", "until": w.Clock.Now().AddDate(0, 0, 1097)}); a.Status != 200 {
			w.Fatalf("hold: %s %s", a, a.Body)
		}
		w.Later(2 * 365 * 24 * time.Hour)
		w.SignInAnew()
		dpo = w.As("data protection officer 1")
		person := somebody(w, erased[0], erased[1], erased[2], true)
		somebody(w, erased[0], erased[1], erased[2], true)

		if found := holds(t, w.App.DB, w.Dir, expired[2], erased[2], kept[2]); len(found) < 3 {
			w.Fatalf("the words are only at %v before: the test looks in the wrong place", found)
		}
		backup := filepath.Join(t.TempDir(), "before.onegrid")
		if code, out := says(t, w.Config(), "backup", backup, "--with-keys"); code != 0 {
			w.Fatalf("backup: %d %s", code, out)
		}
		stored := pictures(t, w.Dir)

		// Two people decide about the person; what goes is both reports.
		var e registry.Erasure
		a := dpo.Do("POST", "/api/registry/erasures", town.With{"case_number": person.Number, "why": "本人要求"})
		if a.Status != 200 || json.Unmarshal(a.Body, &e) != nil || len(e.Goes) != 2 {
			w.Fatalf("propose: %s %s", a, a.Body)
		}
		decision := town.With{"version": e.Version, "admit": true}
		if a := dpo.Do("POST", "/api/registry/erasures/"+e.ID.String()+"/decision", decision); a.String() != "403 registry.same_hand" {
			w.Fatalf("the same hand decides: %s", a)
		}
		if a := w.As("hub leader 1").Do("POST", "/api/registry/erasures/"+e.ID.String()+"/decision", decision); a.Status != 200 {
			w.Fatalf("decide: %s %s", a, a.Body)
		}
		if err := w.App.Work(t.Context()); err != nil {
			w.Fatal(err)
		}
		gone(t, w.App, w.Dir, "after the erasure", erased)

		// The term of the other is over a year and a day later.
		w.Later(366*24*time.Hour + 12*time.Hour)
		w.SignInAnew()
		before := w.Rows()
		retains := func(dry bool) registry.Run {
			t.Helper()
			run, err := w.App.Retain(t.Context(), journal.By{Via: "system"}, dry, nil)
			if err != nil {
				w.Fatal(err)
			}
			if err := w.App.Work(t.Context()); err != nil {
				w.Fatal(err)
			}
			return run
		}
		one := func(run registry.Run) (l registry.Line) {
			for _, l := range run.Lines {
				if l.Step == "case.content" {
					return l
				}
			}
			return l
		}
		if l := one(retains(true)); l.Ended != 1 || l.Held != 1 {
			w.Fatalf("dry run: %+v", l)
		}
		after := w.Rows()
		for _, table := range []string{"cases", "case_party", "journal_body", "case_file"} {
			if before[table] != after[table] {
				w.Errorf("a dry run changed %s: %d, then %d", table, before[table], after[table])
			}
		}
		if l := one(retains(false)); l.Ended != 1 || l.Held != 1 {
			w.Fatalf("retention: %+v", l)
		}
		if l := one(retains(false)); l.Ended != 0 {
			w.Fatalf("retention again: %+v", l)
		}
		gone(t, w.App, w.Dir, "after the retention", append(append([]string{}, expired...), erased...))
		if found := holds(t, w.App.DB, w.Dir, kept[2]); len(found) == 0 {
			w.Error("what is held is gone")
		}
		if n := pictures(t, w.Dir); n > 0 || stored == 0 {
			w.Errorf("%d files are stored, %d before", n, stored)
		}
		if a := w.As("village desk 1").Do("GET", "/api/cases/"+old.ID.String(), nil); a.Status != 200 || bytes.Contains(a.Body, []byte("name_masked")) {
			w.Errorf("the page of an expired case: %s %s", a, a.Body)
		}
		for _, check := range [][]string{{"journal", "verify"}, {"figures", "recompute", "--check"}} {
			if code, out := says(t, w.Config(), check...); code != 0 {
				w.Errorf("%v: %d %s", check, code, out)
			}
		}

		// The backup of before, on a new machine, with the list that was kept.
		home := w.Config()
		home.Dir = filepath.Join(t.TempDir(), "data")
		if home.Database != "" {
			home.Database = dbtest.DSN(t, db.Postgres)
		}
		if code, out := says(t, home, "restore", backup, "--erasures", filepath.Join(w.Dir, "erasures.jsonl")); code != 0 {
			w.Fatalf("restore: %d %s", code, out)
		}
		restored, err := app.Open(t.Context(), home, app.Ports{Now: w.Clock.Now})
		if err != nil {
			w.Fatal(err)
		}
		defer restored.Close()
		if err := restored.Work(t.Context()); err != nil {
			w.Fatal(err)
		}
		gone(t, restored, home.Dir, "after the restore", append(append([]string{}, expired...), erased...))
		if found := holds(t, restored.DB, home.Dir, kept[2]); len(found) == 0 {
			w.Error("what is held did not come back")
		}
		for _, check := range [][]string{{"journal", "verify"}, {"figures", "recompute", "--check"}} {
			if code, out := says(t, home, check...); code != 0 {
				w.Errorf("after the restore %v: %d %s", check, code, out)
			}
		}
	})
}

// The operator exports masked unless a purpose is stated, which the person sees;
// and erases only in the name of two people who may decide.
func TestPersonCommands(t *testing.T) {
	w := town.New(t, db.SQLite)
	c := somebody(w, "演示孙某", "13800006664", "井盖松动", true)
	code, out := says(t, w.Config(), "person", "export", "--case", c.Number)
	if code != 0 || strings.Contains(out, "13800006664") || !strings.Contains(out, "138****6664") || !strings.Contains(out, `"masked": true`) {
		t.Fatalf("masked: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "person", "export", "--phone", "13800006664", "--purpose", "answer_request"); code != 2 {
		t.Errorf("without a reason: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "person", "export", "--phone", "13800006664", "--purpose", "curiosity", "--why", "看看"); code != 2 {
		t.Errorf("for no purpose of the register: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "person", "export", "--phone", "13800006664", "--purpose", "answer_request", "--why", "本人要求"); code != 0 || !strings.Contains(out, "13800006664") {
		t.Errorf("for a purpose: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "person", "export", "--case", c.Number); !strings.Contains(out, "答复本人的请求") {
		t.Errorf("the look is not in the record: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "person", "export", "--phone", "13999999999"); code != 1 {
		t.Errorf("nobody: %d %s", code, out)
	}
	if code, out = says(t, w.Config(), "retention", "run", "--dry-run", "--json"); code != 0 || !strings.Contains(out, `"dry":true`) {
		t.Errorf("retention: %d %s", code, out)
	}
	erase := []string{"person", "erase", "--case", c.Number, "--why", "本人要求"}
	if code, out = says(t, w.Config(), append(erase, "--dry-run")...); code != 0 || !strings.Contains(out, c.Number) {
		t.Errorf("dry run: %d %s", code, out)
	}
	for _, by := range [][]string{nil, {"--by", "data.protection.officer.1"}, {"--by", "data.protection.officer.1", "--by", "data.protection.officer.1"},
		{"--by", "village.desk.1", "--by", "hub.leader.1"}, {"--by", "hub.leader.1", "--by", "data.protection.officer.1"}} {
		if code, out = says(t, w.Config(), append(erase, by...)...); code != 2 {
			t.Errorf("decided by %v: %d %s", by, code, out)
		}
	}
	code, out = says(t, w.Config(), append(erase, "--by", "data.protection.officer.1", "--by", "hub.leader.1")...)
	if code != 0 || !strings.Contains(out, "done") {
		t.Fatalf("erase: %d %s", code, out)
	}
	gone(t, w.App, w.Dir, "after the command", []string{"演示孙某", "13800006664", "井盖松动"})
	if code, out = says(t, w.Config(), "journal", "verify"); code != 0 {
		t.Errorf("journal verify: %d %s", code, out)
	}
	if bytes.Contains([]byte(out), []byte("孙某")) {
		t.Error("the name is in what the verification says")
	}
}
