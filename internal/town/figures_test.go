package town_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/town"
	"onegrid/internal/work/figures"
)

// life makes cases and carries each a random way, over a fortnight.
type life struct {
	*town.Town
	random *rand.Rand
	cases  []town.Case
}

// opinion and family are reports that not everybody may see: the one is for
// desks, the other for named persons.
var (
	opinion = town.With{"item": "opinion", "condition": "question", "form": town.With{"kind": "question", "about": "noise", "want_answer": false}}
	family  = town.With{"item": "family_event", "condition": "advice", "form": town.With{"kind": "family_advice", "phone": "13800000000"}}
)

func (l *life) one(n int) {
	l.Helper()
	grids := []string{"G1", "G1", "G2", "G3", "G4", "G6", "X8"}
	from := []string{"village desk 1", "hub officer 1"}[l.random.IntN(2)]
	with := town.With{"place": town.At(grids[l.random.IntN(len(grids))])}
	if from == "village desk 1" {
		with["place"] = town.At([]string{"G1", "G2"}[l.random.IntN(2)])
	}
	hub := l.As("hub officer 1")
	c := l.As(from).Reports(fmt.Sprintf("路边第%d堆垃圾", n), with)
	l.cases = append(l.cases, c)
	by := func() *town.Person { return hub }
	if l.random.IntN(8) == 0 {
		by().Does(c, "accept")
		by().Does(c, "refuse", town.With{"reason": "refuse_not_confirmed", "note": "没有这回事"})
		return
	}
	by().Does(c, "accept")
	if l.random.IntN(6) == 0 {
		return
	}
	by().Does(c, "file")
	handler := []string{"department handler 1", "department handler 2"}[l.random.IntN(2)]
	by().Does(c, "dispatch", town.With{"post_id": l.Posts[handler]})
	works := l.As(handler)
	if l.random.IntN(5) == 0 {
		works.Does(c, "return", town.With{"reason": "return_not_mine", "note": "不归我们管"})
		by().Does(c, "dispatch", town.With{"post_id": l.Posts[handler]})
	}
	works.Does(c, "take")
	works.Does(c, "handle")
	l.Later(time.Duration(l.random.IntN(9)) * time.Hour)
	works.Does(c, "done", town.With{"note": "清完了", "file_ids": []id.ID{works.Photo("after")}})
	if l.random.IntN(4) == 0 {
		return
	}
	l.check(c, "pass")
	hub.Does(c, "close")
	if l.random.IntN(4) == 0 {
		hub.Does(c, "reopen", town.With{"reason": "reopen_not_fixed", "note": "没清干净"})
	}
}

// check passes the check of a case, by whoever its task went to.
func (l *life) check(c town.Case, result string) {
	l.Helper()
	l.Write(func(tx *db.Tx) error {
		_, err := l.App.Cases.Move(tx, l.Operator(tx), c.ID, casework.Act{Move: "check", Result: casework.Outcome(result)}, nil)
		return err
	})
}

// Each number and the list of its acts agree: for every place, cut, period and
// measure, with all folded and with a tail, as different people ask. What the
// rollups answer is what the acts add up to.
func TestEveryFigureOpensItsSources(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w, random: rand.New(rand.NewPCG(20261127, 1))}
		for n := range 14 {
			l.one(n)
			l.Later(time.Duration(l.random.IntN(30)) * time.Hour)
		}
		_, err := w.App.Figures.Fold(w.Context())
		l.must(err)
		for n := range 4 { // these stay in the tail
			l.one(100 + n)
		}
		hub := w.As("hub officer 1")
		hub.Reports("两家吵架要不要管", opinion, town.With{"place": town.At("G1")})
		asks := 0
		for _, who := range []string{"hub officer 1", "street desk 1", "village desk 1", "grid officer 1", "department handler 1"} {
			for _, by := range []figures.Cut{figures.CutItem, figures.CutChannel, figures.CutUnit, figures.CutStreet, figures.CutPlatform, figures.CutGrid} {
				asks += l.agrees(who, url.Values{"by": {string(by)}})
			}
		}
		asks += l.agrees("hub officer 1", url.Values{"by": {"grid"}, "item": {"cleanliness"}})
		asks += l.agrees("hub officer 1", url.Values{"by": {"grid"}, "channel": {"desk"}})
		asks += l.agrees("hub officer 1", url.Values{"by": {"item"}, "unit": {w.Nodes["D1"].String()}})
		asks += l.agrees("hub officer 1", url.Values{"by": {"unit"}, "node": {w.Nodes["S1"].String()}, "from": {"2026-11-26"}, "to": {"2026-11-28"}})
		if asks < 150 {
			w.Errorf("only %d numbers were held against their lists", asks)
		}
		differences, _, err := w.App.Figures.Recompute(w.Context(), false, nil)
		if err != nil || len(differences) > 0 {
			w.Errorf("the figures differ: %v %v", differences, err)
		}
	})
}

func (l *life) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// agrees reads a table and walks the list behind each of its numbers, page by
// page. It gives how many lists were walked.
func (l *life) agrees(who string, q url.Values) (asks int) {
	l.Helper()
	var t figures.Table
	l.As(who).Gets("/api/figures?"+q.Encode(), &t)
	walk := func(more url.Values, want int64) {
		l.Helper()
		all := url.Values{"limit": {"7"}}
		for _, v := range []url.Values{q, more} {
			for k := range v {
				all.Set(k, v.Get(k))
			}
		}
		seen := map[int64]bool{}
		for {
			var page figures.SourcePage
			l.As(who).Gets("/api/figures/sources?"+all.Encode(), &page)
			if page.Total != want {
				l.Errorf("%s, %s: the list says it is of %d, the table says %d", who, all.Encode(), page.Total, want)
			}
			for _, s := range page.Items {
				if seen[s.Number] {
					l.Errorf("%s, %s: entry %d is listed twice", who, all.Encode(), s.Number)
				}
				seen[s.Number] = true
			}
			if page.Next == "" {
				break
			}
			all.Set("cursor", page.Next)
		}
		if asks++; int64(len(seen)) != want {
			l.Errorf("%s, %s: %d acts behind the number %d", who, all.Encode(), len(seen), want)
		}
	}
	for _, m := range figures.Measures {
		if n := t.Totals[m]; n > 0 && m != figures.Stars {
			walk(url.Values{"measures": {string(m)}}, n)
		}
	}
	for _, s := range t.Stages {
		walk(url.Values{"stage": {s.Stage}}, s.N)
	}
	for _, r := range t.Rows {
		more := url.Values{}
		switch by := q.Get("by"); {
		case r.Key == "":
			more.Set("without", by)
		case by == "street" || by == "platform" || by == "grid":
			more.Set("at", r.Key)
		default:
			more.Set(by, r.Key)
		}
		for _, m := range []figures.Measure{figures.Reported, figures.Closed, figures.Returned} {
			if n := r.Counts[m]; n > 0 {
				more.Set("measures", string(m))
				walk(more, n)
			}
		}
	}
	return asks
}

// What a role may not see is not counted for it, not listed and not exported; and
// what is for named persons is in nobody's figures and never in the open data.
func TestConfidentialMattersStayOutOfFigures(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w}
		hub := w.As("hub officer 1")
		hub.Reports("垃圾")
		hub.Reports("问一声", opinion)
		hub.Reports("家里要办事", family)
		for _, folded := range []bool{false, true} {
			if folded {
				_, err := w.App.Figures.Fold(w.Context())
				l.must(err)
			}
			for who, want := range map[string][]string{
				"hub officer 1":  {"cleanliness", "opinion"},
				"village desk 1": {"cleanliness", "opinion"},
				"grid officer 1": {"cleanliness"},
			} {
				var table figures.Table
				w.As(who).Gets("/api/figures", &table)
				var got []string
				for _, r := range table.Rows {
					got = append(got, r.Key)
				}
				if !slices.Equal(got, want) || table.Totals[figures.Reported] != int64(len(want)) {
					w.Errorf("folded %v: %s counts %v, %d in all; want %v", folded, who, got, table.Totals[figures.Reported], want)
				}
				w.As(who).Gets("/api/figures?by=channel", &table)
				if table.Totals[figures.Reported] != int64(len(want)) {
					w.Errorf("folded %v: %s counts %d by source, want %d", folded, who, table.Totals[figures.Reported], len(want))
				}
				for _, item := range []string{"opinion", "family_event"} {
					var page figures.SourcePage
					w.As(who).Gets("/api/figures/sources?measures=reported&item="+item, &page)
					if seen := len(page.Items) > 0; seen != slices.Contains(want, item) || page.Total != int64(len(page.Items)) {
						w.Errorf("folded %v: %s lists %d of %s, said to be %d", folded, who, len(page.Items), item, page.Total)
					}
				}
				file := w.As(who).Do("POST", "/api/figures/export?format=csv", nil)
				if file.Status != 200 || bytes.Contains(file.Body, []byte("红白事")) || bytes.Contains(file.Body, []byte("family_event")) {
					w.Errorf("%s exports %s: %s", who, file, file.Body)
				}
			}
		}
		// Outside of the own scope there is nothing at all.
		for path, method := range map[string]string{"/api/figures?node=": "GET", "/api/figures/sources?measures=reported&node=": "GET", "/api/figures/export?node=": "POST"} {
			if a := w.As("grid officer 1").Do(method, path+w.Nodes["S2"].String(), nil); a.String() != "404 figures.no_node" {
				w.Errorf("%s of another street: %s", path, a)
			}
		}
	})
}

// A file says what it is of: period, scope, age and what each rate means; a share
// without a base is no data, and a text that looks like a formula stays text.
func TestExportSaysWhatItIsOf(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w}
		w.As("hub officer 1").Reports("垃圾")
		file := w.As("hub officer 1").Do("POST", "/api/figures/export?format=csv&by=street&compare=true&from=2026-11-01&to=2026-11-30", nil)
		text := string(file.Body)
		for _, want := range []string{"街道,上报", "没有数据", "2026-11-01 – 2026-11-30", "环比：2026-10-01 至 2026-10-31,没有数据", "同比：2025-11-01 至 2025-11-30,没有数据", "统计截至", "按期结案率,有处置时限的结案里"} {
			if !strings.Contains(text, want) {
				w.Errorf("the file does not say %q:\n%s", want, text)
			}
		}
		book := w.As("hub officer 1").Do("POST", "/api/figures/export?by=street", nil)
		r, err := sheet.NewReader(bytes.NewReader(book.Body), int64(len(book.Body)), sheet.Limits{})
		if err != nil {
			w.Fatalf("%s: %v", book, err)
		}
		l.must(r.Close())
		noted := 0
		w.Read(func(tx *db.Tx) error {
			list, err := journal.Since(tx, 0, 1000)
			for _, e := range list {
				if e.Kind == "figures.export" && e.By.Post == w.Posts["hub officer 1"] {
					noted++
				}
			}
			return err
		})
		if noted != 2 {
			w.Errorf("%d files noted, 2 taken", noted)
		}
	})
}

// The earlier period is compared with as far as there are records of it.
func TestComparisonIsHonest(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		hub := w.As("hub officer 1")
		hub.Reports("垃圾")
		w.Later(24 * time.Hour)
		hub.Reports("还是垃圾")
		hub.Reports("又是垃圾")
		var table figures.Table
		hub.Gets("/api/figures?compare=true&from=2026-11-25&to=2026-11-25", &table)
		if table.Totals[figures.Reported] != 2 || table.Begins != "2026-11-24" || len(table.Earlier) != 2 {
			w.Fatalf("%+v", table)
		}
		before, year := table.Earlier[0], table.Earlier[1]
		if before.Known != figures.Whole || before.Totals[figures.Reported] != 1 || year.Known != figures.None || year.Rates["filing"].Value != nil {
			w.Errorf("before %+v, a year earlier %+v", before, year)
		}
		if v := before.Rates["on_time"]; v.Value != nil || v.Base != 0 {
			w.Errorf("a share of nothing: %+v", v)
		}
	})
}

// A rating by somebody whose report was merged counts for the unit that handled
// the main case, which does not see that report: it objects to the act that counts
// and learns nothing else of it.
func TestObjectionToARatingOfAMergedReport(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w}
		hub, works, appeals := w.As("hub officer 1"), w.As("department handler 1"), w.As("department leader 1")
		main := hub.Reports("第一堆")
		hub.Does(main, "accept")
		hub.Does(main, "file")
		hub.Does(main, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
		resident := w.Stranger("a resident")
		var sent struct{ Report struct{ Number string } }
		l.into(resident.Do("POST", "/api/public/reports", town.With{"key": formKey(), "what": "rubbish", "village": "P1", "near": "东门外", "text": "还是那堆"}), 200, &sent)
		var found town.Page
		hub.Gets("/api/case-numbers/"+sent.Report.Number, &found)
		twin := found.Case
		if a := hub.Do("POST", "/api/cases/"+main.ID.String()+"/merges", town.With{"case_ids": []id.ID{twin.ID}, "reason": "merge_same_place", "note": "同一堆"}); a.Status != 200 {
			w.Fatalf("merging: %s %s", a, a.Body)
		}
		works.Does(main, "take")
		works.Does(main, "handle")
		works.Does(main, "done", town.With{"note": "清完了", "file_ids": []id.ID{works.Photo("after")}})
		l.check(main, "pass")
		hub.Does(main, "close")
		if a := resident.Do("POST", "/api/public/reports/"+twin.Number+"/rate", town.With{"score": 1, "words": "太慢"}); a.Status >= 300 {
			w.Fatalf("rating: %s %s", a, a.Body)
		}
		in := town.With{"name": named("并案考评"), "from": "2026-11-01", "to": "2026-11-30", "unit_ids": []id.ID{w.Nodes["D1"]},
			"rule": town.With{"minimum": 1, "weights": []town.With{{"rate": "rating", "weight": 60}, {"rate": "reopen", "weight": 40}}}}
		clerk := w.As("figures clerk 1")
		var round figures.RoundView
		l.into(clerk.Do("POST", "/api/evaluations", in), 201, &round)
		path := "/api/evaluations/" + round.ID.String()
		w.Clock.Set(time.Date(2026, 12, 2, 2, 0, 0, 0, time.UTC))
		l.into(clerk.Do("POST", path+"/open", town.With{"until": time.Date(2026, 12, 9, 2, 0, 0, 0, time.UTC)}), 200, &round)

		var page figures.SourcePage
		appeals.Gets("/api/figures/sources?measures=rated&unit="+w.Nodes["D1"].String()+"&from=2026-11-01&to=2026-11-30", &page)
		if len(page.Items) != 1 || page.Items[0].Case != nil || page.Items[0].Main == nil || page.Items[0].Main.ID != main.ID || page.Items[0].Score != 1 {
			w.Fatalf("the unit's leader reads %+v", page.Items)
		}
		act := page.Items[0].Number
		objects := func(with town.With) town.Answer {
			with["unit_id"], with["rate"], with["reason"] = w.Nodes["D1"], "rating", "催单的时候路还封着"
			return appeals.Do("POST", path+"/objections", with)
		}
		if a := objects(town.With{"case_id": twin.ID}); a.String() != "404 case.missing" {
			w.Errorf("by a case that is not hers to see: %s", a)
		}
		if a := objects(town.With{"act": act + 1}); a.String() != "409 figures.not_counted" {
			w.Errorf("by an act that does not count: %s", a)
		}
		if a := objects(town.With{"act": 1 << 40}); a.String() != "409 figures.not_counted" {
			w.Errorf("by no act at all: %s", a)
		}
		a := objects(town.With{"act": act})
		var b figures.Objection
		l.into(a, 201, &b)
		if bytes.Contains(a.Body, []byte(twin.ID.String())) || bytes.Contains(a.Body, []byte(twin.Number)) || b.Main != main.ID || b.MainNo != main.Number {
			w.Errorf("the unit learns %s", a.Body)
		}
		appeals.Gets(path, &round)
		if len(round.Objections) != 1 || !round.Objections[0].Case.IsZero() || round.Objections[0].MainNo != main.Number {
			w.Errorf("the unit reads %+v", round.Objections)
		}
		leader := w.As("hub leader 1")
		leader.Gets(path, &round)
		if round.Objections[0].Number != twin.Number {
			w.Errorf("who decides reads %+v", round.Objections)
		}
		l.into(leader.Do("POST", path+"/objections/"+b.ID.String()+"/decision", town.With{"result": "accepted", "effect": "exclude", "note": "情况属实"}), 200, &b)
		clerk.Gets(path, &round)
		if got := round.Results[0].Rates[0]; got.Ratio.Base != 0 || got.Excluded != 1 {
			w.Errorf("after the decision: %+v", got)
		}
	})
}

// A round of evaluation from the rule to the frozen result: two hands, an
// objection that is decided by a third, and results that explain themselves.
func TestEvaluationRound(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w}
		hub, works := w.As("hub officer 1"), w.As("department handler 1")
		clerk, leader, appeals := w.As("figures clerk 1"), w.As("hub leader 1"), w.As("department leader 1")
		var cases []town.Case
		for n := range 3 {
			c := hub.Reports(fmt.Sprintf("第%d堆", n))
			hub.Does(c, "accept")
			hub.Does(c, "file")
			hub.Does(c, "dispatch", town.With{"post_id": w.Posts["department handler 1"]})
			works.Does(c, "take")
			works.Does(c, "handle")
			if n == 0 {
				w.Later(30 * 24 * time.Hour)
				_, err := w.App.Cases.Sweep(w.Context(), w.App.DB)
				l.must(err)
			}
			works.Does(c, "done", town.With{"note": "清完了", "file_ids": []id.ID{works.Photo("after")}})
			l.check(c, "pass")
			hub.Does(c, "close")
			cases = append(cases, c)
		}
		in := town.With{"name": named("十二月考评"), "from": "2026-11-01", "to": "2026-12-31", "unit_ids": []id.ID{w.Nodes["D1"], w.Nodes["D2"]},
			"rule": town.With{"minimum": 2, "weights": []town.With{{"rate": "on_time", "weight": 60}, {"rate": "reopen", "weight": 30}, {"rate": "rating", "weight": 10}}}}
		wrong := town.With{"name": named("错"), "from": "2026-11-01", "to": "2026-12-31", "unit_ids": []id.ID{w.Nodes["D1"]},
			"rule": town.With{"minimum": 2, "weights": []town.With{{"rate": "on_time", "weight": 60}}}}
		if a := clerk.Do("POST", "/api/evaluations", wrong); a.String() != "422 figures.round_invalid" {
			w.Errorf("weights that are not 100: %s", a)
		}
		if a := appeals.Do("POST", "/api/evaluations", in); a.Status != 403 {
			w.Errorf("a unit makes its own evaluation: %s", a)
		}
		var round figures.RoundView
		l.into(clerk.Do("POST", "/api/evaluations", in), 201, &round)
		path := "/api/evaluations/" + round.ID.String()
		if a := appeals.Do("GET", path, nil); a.String() != "404 figures.no_round" {
			w.Errorf("a draft is shown: %s", a)
		}
		until := town.Morning.Add(60 * 24 * time.Hour)
		if a := clerk.Do("POST", path+"/open", town.With{"until": until}); a.String() != "409 figures.round_not_over" {
			w.Errorf("opened before the period is over: %s", a)
		}
		w.Clock.Set(time.Date(2027, 1, 4, 2, 0, 0, 0, time.UTC))
		l.into(clerk.Do("POST", path+"/open", town.With{"until": until}), 200, &round)
		of := func(r figures.RoundView, unit string) figures.UnitResult {
			i := slices.IndexFunc(r.Results, func(u figures.UnitResult) bool { return u.Unit == w.Nodes[unit] })
			if i < 0 {
				w.Fatalf("no result of %s in %+v", unit, r.Results)
			}
			return r.Results[i]
		}
		d1 := of(round, "D1")
		if d1.Score == nil || d1.Weight != 90 || d1.Rates[0].Ratio.Part != 2 || d1.Rates[0].Ratio.Base != 3 || d1.Rates[2].Points != nil {
			w.Fatalf("provisional: %+v", d1)
		}
		if d2 := of(round, "D2"); d2.Score != nil || d2.Weight != 0 {
			w.Errorf("a unit without cases has a score: %+v", d2)
		}
		if a := clerk.Do("POST", path+"/publish", nil); a.String() != "409 figures.objections_open" {
			w.Errorf("published before objections were over: %s", a)
		}
		objects := town.With{"unit_id": w.Nodes["D1"], "case_id": cases[0].ID, "rate": "on_time", "reason": "封路三周，进不去"}
		if a := w.As("department leader 2").Do("POST", path+"/objections", objects); a.Status != 403 {
			w.Errorf("another unit objects: %s", a)
		}
		var b figures.Objection
		l.into(appeals.Do("POST", path+"/objections", objects), 201, &b)
		if a := appeals.Do("POST", path+"/objections", objects); a.String() != "409 figures.objection_twice" {
			w.Errorf("the same objection again: %s", a)
		}
		w.As("department leader 2").Gets(path, &round)
		if len(round.Objections) != 0 {
			w.Errorf("another unit reads the objection: %+v", round.Objections)
		}
		decide := path + "/objections/" + b.ID.String() + "/decision"
		grants := town.With{"result": "accepted", "effect": "exclude", "note": "情况属实"}
		if a := clerk.Do("POST", decide, grants); a.Status != 403 {
			w.Errorf("who made the round decides: %s", a)
		}
		leader.Gets(path, &round)
		if len(round.Objections) != 1 || !slices.Equal(round.Objections[0].May, []string{"decide"}) || round.Objections[0].Number == "" {
			w.Errorf("the leader sees %+v", round.Objections)
		}
		l.into(leader.Do("POST", decide, grants), 200, &b)
		if a := leader.Do("POST", decide, grants); a.String() != "409 figures.round_state" {
			w.Errorf("decided twice: %s", a)
		}
		clerk.Gets(path, &round)
		if d1 = of(round, "D1"); d1.Rates[0].Ratio.Part != 2 || d1.Rates[0].Ratio.Base != 2 || d1.Rates[0].Excluded != 1 || *d1.Score != 100 {
			w.Errorf("after the decision: %+v", d1)
		}
		w.Clock.Set(until.Add(time.Hour))
		if a := appeals.Do("POST", path+"/objections", objects); a.String() != "409 figures.objection_late" {
			w.Errorf("an objection after the time: %s", a)
		}
		l.into(clerk.Do("POST", path+"/publish", nil), 200, &round)
		// Something of the period comes to light afterwards: the figures have it, the
		// published result stays.
		w.Write(func(tx *db.Tx) error {
			by := l.Operator(tx)
			by.AsOf = time.Date(2026, 12, 28, 2, 0, 0, 0, time.UTC)
			_, err := w.App.Cases.Move(tx, by, cases[1].ID, casework.Act{Move: "reopen", Reason: "reopen_not_fixed", Note: "没清干净"}, nil)
			return err
		})
		var table figures.Table
		hub.Gets("/api/figures?by=unit&from=2026-11-01&to=2026-12-31", &table)
		if i := slices.IndexFunc(table.Rows, func(r figures.Row) bool { return r.Key == w.Nodes["D1"].String() }); i < 0 || table.Rows[i].Counts[figures.Reopened] != 1 {
			w.Errorf("the reopening counts for who handled the case: %+v", table.Rows)
		}
		w.As("department leader 2").Gets(path, &round)
		if got := of(round, "D1"); round.State != figures.Published || *got.Score != 100 {
			w.Errorf("published: %+v", round)
		}
		if a := clerk.Do("POST", path+"/drop", town.With{"why": "不要了"}); a.String() != "409 figures.round_state" {
			w.Errorf("a published round is dropped: %s", a)
		}
		var kinds []string
		w.Read(func(tx *db.Tx) error {
			entries, err := journal.Of(tx, round.ID)
			for _, e := range entries {
				kinds = append(kinds, e.Kind)
			}
			return err
		})
		if want := []string{"evaluation.make", "evaluation.open", "evaluation.object", "evaluation.decide", "evaluation.publish"}; !slices.Equal(kinds, want) {
			w.Errorf("the journal tells %v", kinds)
		}
		w.Verified()
	})
}

func (l *life) into(a town.Answer, status int, v any) {
	l.Helper()
	if a.Status != status {
		l.Fatalf("%s: %s", a, a.Body)
	}
	l.must(json.Unmarshal(a.Body, v))
}

// What is published holds small counts back, leaves confidential matters out, and
// never changes; without the setting there is nothing at all.
func TestOpenData(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		l := &life{Town: w}
		for _, path := range []string{figures.OpenCSV, figures.OpenJSON} {
			if a := w.Stranger("anybody").Do("GET", path, nil); a.Status != 404 {
				w.Errorf("%s of a district that publishes nothing: %s", path, a)
			}
		}
		f, err := figures.New(figures.Options{DB: w.App.DB, Zone: w.App.Zone, Org: w.App.Org, Grids: w.App.Grids, Catalog: w.App.Catalog, Cases: w.App.Cases,
			Open: figures.OpenOptions{On: true, Threshold: 5, Licence: "CC BY 4.0"}})
		l.must(err)
		hub := w.As("hub officer 1")
		for n := range 12 {
			hub.Reports(fmt.Sprintf("第%d堆", n), town.With{"place": town.At([]string{"G1", "G1", "G1", "G1", "G4", "G4"}[n%6])})
		}
		hub.Reports("问一声", opinion)
		hub.Reports("家里要办事", family)
		publish := func() []string {
			months, err := f.Publish(w.Context())
			l.must(err)
			return months
		}
		if months := publish(); len(months) != 0 {
			w.Errorf("a month that is not over is out: %v", months)
		}
		w.Clock.Set(time.Date(2026, 12, 4, 2, 0, 0, 0, time.UTC))
		if months := publish(); len(months) != 0 {
			w.Errorf("a month is out before phones have sent what they had: %v", months)
		}
		w.Clock.Set(time.Date(2026, 12, 8, 2, 0, 0, 0, time.UTC))
		if months := publish(); !slices.Equal(months, []string{"2026-11"}) {
			w.Fatalf("published %v", months)
		}
		read := func() (rows []figures.OpenRow) {
			w.Read(func(tx *db.Tx) (err error) { rows, err = figures.OpenRows(tx); return err })
			return rows
		}
		told := map[string]string{}
		for _, r := range read() {
			n := "held back"
			if r.N != nil {
				n = fmt.Sprint(*r.N)
			}
			told[r.Street+" "+r.Item] = n
		}
		// Four in S2 are held back, and with them what would give them away.
		want := map[string]string{"* *": "12", "* cleanliness": "12", "S1 *": "held back", "S1 cleanliness": "held back", "S2 *": "held back", "S2 cleanliness": "held back"}
		for key, n := range told {
			if strings.Contains(key, "opinion") || strings.Contains(key, "family") || strings.HasPrefix(key, "S2") && n != "held back" {
				w.Errorf("%s is published: %s", key, n)
			}
		}
		if len(told) != len(want) {
			w.Errorf("published: %v", told)
		}
		var file, doc bytes.Buffer
		l.must(figures.OpenCSVTo(&file, read()))
		l.must(f.OpenJSONTo(&doc, read()))
		if !strings.HasPrefix(file.String(), "\ufeffmonth,street_code") || !strings.Contains(file.String(), "2026-11,S2") {
			w.Errorf("as CSV: %s", file.String())
		}
		var whole struct {
			Licence string           `json:"licence"`
			Columns []any            `json:"columns"`
			Rows    []map[string]any `json:"rows"`
		}
		l.must(json.Unmarshal(doc.Bytes(), &whole))
		if whole.Licence != "CC BY 4.0" || len(whole.Columns) == 0 || len(whole.Rows) != len(told) {
			w.Errorf("as JSON: %s", doc.String())
		}
		// A month that is out is not published again.
		if months := publish(); len(months) != 0 {
			w.Errorf("published again: %v", months)
		}
		w.Verified()
	})
}
