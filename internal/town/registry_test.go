package town_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/town"
)

// One purpose, one look: what is not registered for it, for the role, or under
// an agreement in force, stays shut; and the person reads every look.
func TestRevealNeedsARegisteredPurpose(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, department, dpo, leader := w.As("village desk 1"), w.As("department handler 1"), w.As("data protection officer 1"), w.As("hub leader 1")
		var c town.Case
		report := town.Report("路灯不亮", town.With{"reporter": town.With{"name": "演示钱某", "phone": "13800005551"}})
		if a := village.Do("POST", "/api/cases", report); a.Status != 201 || json.Unmarshal(a.Body, &c) != nil {
			w.Fatalf("report: %s", a)
		}
		looks := func(p *town.Person, body town.With, want string) {
			w.Helper()
			if a := p.Do("POST", "/api/cases/"+c.ID.String()+"/reveal", body); a.String() != want {
				w.Errorf("%s looks %v: %s, not %s", p.Name, body, a, want)
			}
		}
		looks(village, town.With{"purpose": "curiosity", "why": "想看看"}, "422 registry.purpose_needed")
		looks(village, town.With{"purpose": "assess", "why": "审核"}, "403 registry.purpose_role")
		looks(village, town.With{"purpose": "contact", "why": "回电", "fields": []string{"org_person.name"}}, "403 registry.purpose_mixed")
		looks(village, town.With{"purpose": "contact", "why": "回电", "fields": []string{"case_party.dragon"}}, "422 registry.field_unknown")
		looks(village, town.With{"purpose": "contact", "why": "回电", "fields": []string{"case_party.phone"}}, "200")
		village.Does(c, "accept")
		w.As("grid officer 1").Does(w.Task(c), "verify", town.With{"result": "pass", "note": "去看过"})
		village.Does(c, "file")
		village.Does(c, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
		looks(department, town.With{"purpose": "visit", "why": "约时间"}, "200")
		looks(department, town.With{"purpose": "verify", "why": "核实"}, "403 registry.no_agreement")

		// The agreement ends, and with it what the department may open.
		var all struct{ Items []registry.Agreement }
		dpo.Gets("/api/registry/agreements", &all)
		for _, a := range all.Items {
			if a.Department == w.Nodes["D1"] {
				if r := dpo.Do("POST", "/api/registry/agreements/"+a.ID.String()+"/end", town.With{"why": "不再需要"}); r.Status != 200 {
					w.Fatalf("end: %s %s", r, r.Body)
				}
			}
		}
		looks(department, town.With{"purpose": "visit", "why": "约时间"}, "403 registry.no_agreement")

		// A new one: for fields that the purpose does not open it is refused, who
		// applies does not decide, and on its last day it is over by itself.
		apply := town.With{"department_id": w.Nodes["D1"], "purposes": []string{"contact"}, "fields": []string{"case_party.*"}, "why": "上门前联系", "basis": "职责分工", "to": w.Clock.Now().AddDate(0, 1, 0)}
		bad := func(change town.With, want string) {
			w.Helper()
			body := town.With{}
			for k, v := range apply {
				body[k] = v
			}
			for k, v := range change {
				body[k] = v
			}
			if a := dpo.Do("POST", "/api/registry/agreements", body); a.String() != want {
				w.Errorf("apply with %v: %s, not %s", change, a, want)
			}
		}
		bad(town.With{"fields": []string{"org_person.name"}}, "403 registry.purpose_mixed")
		bad(town.With{"fields": []string{"case_party.dragon"}}, "422 registry.field_unknown")
		bad(town.With{"department_id": w.Nodes["P1"]}, "422 registry.not_a_department")
		bad(town.With{"to": w.Clock.Now().AddDate(0, -1, 0)}, "422 registry.bad_period")
		bad(town.With{"to": w.Clock.Now().AddDate(9, 0, 0)}, "422 registry.bad_period")
		bad(town.With{"purposes": []string{"handle_case"}}, "422 registry.purpose_needed")
		var made registry.Agreement
		if a := dpo.Do("POST", "/api/registry/agreements", apply); a.Status != 200 || json.Unmarshal(a.Body, &made) != nil {
			w.Fatalf("apply: %s %s", a, a.Body)
		}
		decide := "/api/registry/agreements/" + made.ID.String() + "/decision"
		if a := dpo.Do("POST", decide, town.With{"version": made.Version, "admit": true}); a.String() != "403 registry.same_hand" {
			w.Errorf("the same hand admits: %s", a)
		}
		looks(department, town.With{"purpose": "contact", "why": "约时间"}, "403 registry.no_agreement")
		if a := leader.Do("POST", decide, town.With{"version": made.Version, "admit": true}); a.Status != 200 {
			w.Errorf("admit: %s %s", a, a.Body)
		}
		looks(department, town.With{"purpose": "contact", "why": "约时间"}, "200")
		w.Later(32 * 24 * time.Hour)
		looks(department, town.With{"purpose": "contact", "why": "约时间"}, "403 registry.no_agreement")

		w.Read(func(tx *db.Tx) error {
			rec, err := w.App.Cases.RecordFor(tx, c.ID)
			if len(rec.Reads) != 3 || rec.Reads[2].Purpose.Chinese != "联系报事人" || len(rec.Reads[2].Fields) != 1 || len(rec.Reads[1].Fields) != 2 {
				w.Errorf("the person reads %+v", rec.Reads)
			}
			return err
		})
		w.Verified()
	})
}

// A person asks, the officer sees it with its day, answers, and the person reads
// the answer; one of a kind waits at a time.
func TestRequestsAreAnsweredInTime(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		village, dpo := w.As("village desk 1"), w.As("data protection officer 1")
		if a := village.Do("POST", "/api/session/requests", town.With{"kind": "correct", "words": "名字写错了"}); a.Status != 200 {
			w.Fatalf("ask: %s %s", a, a.Body)
		}
		if a := village.Do("POST", "/api/session/requests", town.With{"kind": "correct", "words": "名字写错了"}); a.String() != "409 registry.already_asked" {
			w.Errorf("asked twice: %s", a)
		}
		if a := village.Do("POST", "/api/session/requests", town.With{"kind": "correct"}); a.Status != 422 {
			w.Errorf("without words: %s", a)
		}
		w.Later(16 * 24 * time.Hour)
		var all struct{ Items []registry.Request }
		dpo.Gets("/api/registry/requests", &all)
		if len(all.Items) != 1 || !all.Items[0].Late || all.Items[0].Words != "名字写错了" {
			w.Fatalf("the officer sees %+v", all.Items)
		}
		q := all.Items[0]
		answer := "/api/registry/requests/" + q.ID.String() + "/answer"
		if a := dpo.Do("POST", answer, town.With{"version": q.Version + 3, "grant": true, "answer": "已更正"}); a.Code != "registry.changed" {
			w.Errorf("an old version: %s", a)
		}
		if a := dpo.Do("POST", answer, town.With{"version": q.Version, "grant": true, "answer": "已更正"}); a.Status != 200 {
			w.Errorf("answer: %s %s", a, a.Body)
		}
		if a := dpo.Do("POST", answer, town.With{"version": q.Version + 1, "grant": true, "answer": "已更正"}); a.String() != "409 registry.wrong_state" {
			w.Errorf("answered twice: %s", a)
		}
		var own registry.StaffRecord
		village.Gets("/api/session/record", &own)
		if len(own.Requests) != 1 || own.Requests[0].Answer != "已更正" || len(own.Events) == 0 {
			w.Errorf("the own record: %+v", own)
		}
		raw, err := json.Marshal(own)
		if err != nil || strings.Contains(string(raw), "data protection officer") {
			w.Errorf("the answer names who: %s %v", raw, err)
		}
	})
}
