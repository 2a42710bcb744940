package town_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// attempt is one API call by somebody.
type attempt struct {
	who  string
	p    *town.Person // instead of the person of that name
	c    town.Case
	path string // of the call; the case's moves when empty
	body with
}

// told is one move: a call that makes it, and one that is refused.
type told struct {
	move   string
	does   func(m *matrix) attempt
	fails  func(m *matrix) attempt
	want   string
	reason string // why it is refused, for the table
}

// on is a move of somebody on a case in a state.
func on(who, state string, body with) func(m *matrix) attempt {
	return func(m *matrix) attempt { return attempt{who: who, c: m.caseIn(own, state, "", id.ID{}), body: body} }
}

// withPhoto is on with a photo of after.
func withPhoto(who, state string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		return attempt{who: who, c: m.caseIn(own, state, "", id.ID{}), body: with{"note": "清完了", "file_ids": []id.ID{m.file(who, "after")}}}
	}
}

// to is a dispatch to somebody's post.
func to(who, state, post string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		return attempt{who: who, c: m.caseIn(own, state, "", id.ID{}), body: with{"post_id": m.Posts[post]}}
	}
}

// asReporter is what a resident does with the own report, after it was carried
// as far as a state.
func asReporter(act, state string, body with) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		p, number, _ := m.report("P1")
		var page town.Page
		m.As("hub officer 1").Gets("/api/case-numbers/"+number, &page)
		m.carry(page.Case.ID, state)
		return attempt{who: "the resident", p: p, c: m.Now(page.Case), path: "/api/public/reports/" + number + "/" + act, body: body}
	}
}

// carry brings a case that the public reported as far as a state.
func (m *matrix) carry(c id.ID, state string) {
	m.Helper()
	if state == "reported" {
		return
	}
	m.Write(func(tx *db.Tx) error {
		by := m.Operator(tx)
		for _, s := range steps {
			made, err := m.App.Cases.Move(tx, by, c, casework.Act{Move: s.move, Post: m.Posts["department handler 1"], Note: "好", Result: pass(s.move)}, nil)
			if err == nil && s.move == "accept" {
				made, err = m.App.Cases.Move(tx, by, c, casework.Act{Move: "verify", Result: casework.Pass}, nil)
			}
			if err != nil || string(made.State) == state {
				return err
			}
		}
		return nil
	})
}

func voidAsked(who string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		c := m.caseIn(own, "filed", "", id.ID{})
		m.As("street desk 1").Does(c, "void_ask", with{"reason": "void_test", "note": "测试"})
		return attempt{who: who, c: c, body: with{"result": "pass"}}
	}
}

// extendAsked is a case on which the department has asked for more time.
func extendAsked(who string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		c := m.caseIn(own, "handling", "", id.ID{})
		m.As("department handler 1").Does(c, "extend_ask", with{"reason": "extend_weather", "note": "连着下雨", "units": 1})
		return attempt{who: who, c: m.Now(c), body: with{"result": "pass"}}
	}
}

// helpFrom is the department asking somebody's post to help.
func helpFrom(post string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		return attempt{who: "department handler 1", c: m.caseIn(own, "handling", "", id.ID{}), body: with{"post_id": m.Posts[post], "note": "请协助清运"}}
	}
}

// duplicate is a case that is to go with a main case.
func duplicate(who string, main func(m *matrix, c town.Case) id.ID) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		c := m.caseIn(own, "filed", "", id.ID{})
		return attempt{who: who, c: c, body: with{"main_id": main(m, c), "reason": "merge_same_place", "note": "同一堆垃圾"}}
	}
}

// merged is a case that went with a main case, to be taken apart again.
func merged(who, note string) func(m *matrix) attempt {
	return func(m *matrix) attempt {
		c, main := m.caseIn(own, "filed", "", id.ID{}), m.caseIn(own, "filed", "", id.ID{})
		m.As(who).Does(c, "merge", with{"main_id": main.ID, "reason": "merge_same_place", "note": "同一堆垃圾"})
		return attempt{who: who, c: m.Now(c), body: with{"note": note}}
	}
}

var tomorrow = town.Morning.Add(24 * time.Hour)

var everyMove = []told{
	{"report", func(*matrix) attempt {
		return attempt{who: "village desk 1", path: "/api/cases", body: town.Report("门口垃圾桶满了")}
	},
		func(*matrix) attempt {
			return attempt{who: "lawyer 1", path: "/api/cases", body: town.Report("门口垃圾桶满了")}
		}, "403 access.denied", "a lawyer takes no reports in"},
	{"accept", on("village desk 1", "reported", nil), on("grid officer 1", "reported", nil), "403 access.denied", "accepting is the desk's"},
	{"verify", on("grid officer 1", "verifying", with{"result": "pass", "note": "属实"}), on("grid officer 1", "reported", with{"result": "pass"}), "409 case.wrong_state", "nobody has accepted it yet"},
	{"refuse", on("village desk 1", "reported", with{"reason": "refuse_outside", "note": "请找物业"}), on("village desk 1", "reported", nil), "422 case.reason_needed", "no reason is given"},
	{"settle", withPhoto("grid officer 1", "reported"), on("grid officer 1", "reported", with{"note": "清完了"}), "409 case.evidence_missing", "there is no photo of after"},
	{"file", on("village desk 1", "accepted", nil), on("village desk 1", "verifying", nil), "409 case.verify_first", "nobody has looked yet"},
	{"dispatch", to("village desk 1", "filed", "department handler 1"), to("village desk 1", "filed", "grid officer 2"), "422 case.post_elsewhere", "the post is of another street"},
	{"take", on("department handler 1", "dispatched", nil), on("village desk 1", "dispatched", nil), "403 case.not_owner", "it was sent to another post"},
	{"handle", on("department handler 1", "taken", nil), on("department handler 1", "dispatched", nil), "409 case.wrong_state", "it was not taken yet"},
	{"done", withPhoto("department handler 1", "handling"), withPhoto("department handler 1", "taken"), "409 case.wrong_state", "work has not begun"},
	{"return", on("department handler 1", "dispatched", with{"reason": "return_not_mine", "note": "是私人院内"}), on("department handler 1", "dispatched", with{"reason": "return_not_mine"}), "422 case.note_needed", "the reason wants a word beside it"},
	{"withdraw", on("village desk 1", "dispatched", with{"reason": "withdraw_dispatch", "note": "派错了"}), on("street desk 1", "dispatched", with{"reason": "withdraw_dispatch", "note": "派错了"}), "403 case.not_sender", "another desk sent it"},
	{"suspend_ask", on("department handler 1", "handling", with{"reason": "suspend_part", "note": "等零件", "until": tomorrow}),
		on("department handler 1", "handling", with{"reason": "suspend_part", "note": "等零件", "until": town.Morning.Add(-time.Hour)}), "422 case.until_past", "the end lies in the past"},
	{"suspend_decide", on("street desk 1", "suspend_asked", with{"result": "pass"}), on("street desk 1", "handling", with{"result": "pass"}), "409 case.nothing_asked", "nobody has asked"},
	{"resume", on("street desk 1", "suspended", nil), on("department handler 1", "suspended", nil), "403 access.denied", "the handler does not end the own suspension"},
	{"check", on("grid officer 1", "done", with{"result": "pass"}), func(m *matrix) attempt {
		a := withPhoto("grid officer 1", "reported")(m)
		return attempt{who: a.who, c: m.As(a.who).Does(a.c, "settle", a.body), body: with{"result": "pass"}}
	}, "403 case.same_hand", "who settled it does not check it"},
	{"close", on("village desk 1", "checked", nil), on("village desk 1", "done", nil), "409 case.check_first", "nobody has checked it"},
	{"reopen", on("village desk 1", "closed", with{"reason": "reopen_not_fixed", "note": "又满了"}), on("village desk 1", "filed", with{"reason": "reopen_not_fixed", "note": "又满了"}), "409 case.wrong_state", "it is not closed"},
	{"object", asReporter("object", "closed", with{"text": "没修好"}), on("hub officer 1", "closed", with{"note": "没修好"}), "403 access.denied", "only the reporter objects"},
	{"rate", asReporter("rate", "closed", with{"score": 5}), asReporter("rate", "reported", with{"score": 5}), "409 case.wrong_state", "it is not closed"},
	{"void_ask", on("street desk 1", "filed", with{"reason": "void_test", "note": "测试"}), on("village desk 1", "filed", with{"reason": "void_test", "note": "测试"}), "403 access.denied", "the village desk does not ask for it"},
	{"extend_ask", on("department handler 1", "handling", with{"reason": "extend_weather", "note": "连着下雨", "units": 1}),
		on("department handler 1", "handling", with{"reason": "extend_weather", "note": "连着下雨", "units": 99}), "422 case.units_too_many", "the reason allows less"},
	{"extend_decide", extendAsked("street desk 1"), extendAsked("village desk 1"), "403 access.denied", "the village desk does not grant time"},
	{"cooperate_ask", helpFrom("street desk 1"), helpFrom("department handler 1"), "422 case.post_cannot_help", "nobody asks the own post for help"},
	{"supervise", on("hub officer 1", "handling", with{"reason": "supervise_leader", "note": "群众催了三次"}), on("village desk 1", "handling", with{"reason": "supervise_leader", "note": "群众催了三次"}), "403 access.denied", "the village desk supervises nobody"},
	{"escalate", on("village desk 1", "filed", with{"reason": "escalate_no_power", "note": "村里没有执法权"}), on("village desk 1", "dispatched", with{"reason": "escalate_no_power", "note": "村里没有执法权"}), "403 case.not_owner", "it was sent to another post"},
	{"merge", duplicate("village desk 1", func(m *matrix, _ town.Case) id.ID { return m.caseIn(own, "filed", "", id.ID{}).ID }),
		duplicate("village desk 1", func(_ *matrix, c town.Case) id.ID { return c.ID }), "422 case.main_self", "a case is no duplicate of itself"},
	{"unmerge", merged("village desk 1", "不是同一处"), merged("village desk 1", ""), "422 case.note_needed", "no word says why"},
	{"void_decide", voidAsked("hub leader 1"), voidAsked("hub officer 1"), "403 access.denied", "the desk does not decide it"},
}

// Each move of the handling flow: one call that makes it and one that is
// refused and changes nothing. The table of both is docs/proof/moves.md, with
// the step of the browser stories that presses it.
func TestEveryMove(t *testing.T) {
	m := newMatrix(town.New(t, db.SQLite))
	flow, _ := casework.FlowOf(catalog.Handling)
	var keys []string
	for _, one := range everyMove {
		keys = append(keys, one.move)
	}
	for _, move := range flow.Moves {
		if !slices.Contains(keys, move.Key) {
			t.Errorf("the move %s is not told", move.Key)
		}
	}
	browser := browserSteps(t)
	var b strings.Builder
	b.WriteString("# Every move of the handling flow: in the browser, through the API, and refused\n\n")
	b.WriteString("Generated by `go test ./internal/town -run EveryMove -update` from real requests; the test fails when it is out of date. " +
		"The browser column names the step of `e2e/stories/moves.spec.ts` that presses it in Chromium.\n\n")
	b.WriteString("| move | browser | API call | by | leads to | refused attempt | by | answer |\n|---|---|---|---|---|---|---|---|\n")
	for _, one := range everyMove {
		yes := one.does(m)
		was := yes.c.State
		a, call := m.attempt(one.move, yes)
		if a.Status >= 300 {
			t.Errorf("%s by %s: %s %s", one.move, yes.who, a, a.Body)
			continue
		}
		c := yes.c
		if c.ID.IsZero() {
			m.check(json.Unmarshal(a.Body, &c))
		}
		now := m.Now(c).State
		no := one.fails(m)
		if no.p == nil {
			m.As(no.who) // signing in is no part of the attempt
		}
		rows, head := m.Rows(), m.Head()
		refused, failing := m.attempt(one.move, no)
		if refused.String() != one.want {
			t.Errorf("%s refused to %s: %s, want %s: %s", one.move, no.who, refused, one.want, refused.Body)
		}
		m.unchanged(rows, head, refused)
		if browser[one.move] == "" {
			t.Errorf("no browser story presses %s", one.move)
		}
		if was == "" {
			was = "–"
		}
		why := one.reason
		if no.c.State != "" {
			why += ", in " + no.c.State
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s → %s | %s (%s) | %s | %s `%s` |\n", one.move, browser[one.move], call, yes.who, was, now, failing, why, no.who,
			strings.Fields(one.want)[0], refused.Code)
	}
	compareFile(t, filepath.Join("..", "..", "docs", "proof", "moves.md"), b.String())
}

// attempt makes a call and says how it is written.
func (m *matrix) attempt(move string, a attempt) (town.Answer, string) {
	m.Helper()
	p := a.p
	if p == nil {
		p = m.As(a.who)
	}
	path, body, shown := a.path, a.body, a.path
	if path == "" {
		path, shown = "/api/cases/"+a.c.ID.String()+"/moves", "/api/cases/{id}/moves"
		body = with{"move": move}
		for k, v := range a.body {
			body[k] = v
		}
	}
	if a.p != nil {
		shown = "/api/public/reports/{number}/" + path[strings.LastIndex(path, "/")+1:]
	}
	var fields []string
	for k := range body {
		if k != "move" {
			fields = append(fields, k)
		}
	}
	slices.Sort(fields)
	call := "`POST " + shown + "`"
	if a.path == "" {
		call += " `" + strings.Join(append([]string{"move=" + move}, fields...), " ") + "`"
	} else {
		call += " `" + strings.Join(fields, " ") + "`"
	}
	return p.Do("POST", path, body), call
}

// unchanged demands that a refused request left nothing behind but, of staff
// who may not do it, the note of the refusal in the journal.
func (m *matrix) unchanged(rows map[string]int64, head int64, a town.Answer) {
	m.Helper()
	now := m.Rows()
	var noted int64
	if a.Status == 403 {
		noted = m.Head() - head
	}
	if noted > 1 || m.Head() != head+noted {
		m.Errorf("after %s the journal went from %d to %d", a, head, m.Head())
	}
	for table, n := range now {
		if strings.HasPrefix(table, "journal_") && noted > 0 {
			continue
		}
		if n != rows[table] {
			m.Errorf("after %s the table %s has %d rows, had %d", a, table, n, rows[table])
		}
	}
}

// browserSteps are the titles of the browser stories, by the move they press.
func browserSteps(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "e2e", "stories", "moves.spec.ts"))
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^test\("([a-z_]+): ([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
		steps[m[1]] = m[2]
	}
	return steps
}

// compareFile compares a generated file with the committed one.
func compareFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is out of date: run go test ./internal/town -update\n%s", file, got)
	}
}
