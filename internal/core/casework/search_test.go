package casework

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

// What reaches somebody only through the own post is found by rare words and by
// words that more cases have than a search looks at; the others' cases are not.
func TestSearchFindsWhatOnlyThePostSees(t *testing.T) {
	eachHouse(t, func(h *house) {
		own := h.reports("village", Report{Item: "opinion", Place: inG1, Text: "路灯不亮，编号甲七"})
		h.does("village", own, Act{Move: "accept"})
		h.does("village", own, Act{Move: "file"})
		h.does("village", own, Act{Move: "dispatch", Post: h.posts["works"]})
		finds := func(query string) {
			t.Helper()
			if found := h.list("works", Filter{View: "all", Query: query}); len(found) != 1 || found[0].ID != own.ID {
				t.Errorf("%s finds %d cases, want the own one", query, len(found))
			}
			if found := h.list("works", Filter{View: "closed", Query: query}); len(found) != 0 {
				t.Errorf("%s finds %d closed cases, want none", query, len(found))
			}
		}
		finds("路灯")
		for range maxHits {
			h.reports("village", Report{Item: "opinion", Place: inG1, Text: "路灯不亮"})
		}
		finds("路灯")
		finds("编号甲七")
	})
}

// Both engines find the same cases for the same words, in the same order, each
// reader's own: common and rare characters, those that came late to Unicode,
// letters of many scripts, numbers, and mixtures.
func TestBothEnginesFindTheSame(t *testing.T) {
	pieces := []string{"路灯", "不亮", "井盖", "丢失", "垃圾", "东门", "马店村", "𰻞𰻞面馆", "㐂字号", "𠮷野家", "龘", "〇五号", "Road", "naïve", "Straße", "ΣΟΦΟΣ", "дом", "3号楼", "A座", "2026", "，", " ", "—"}
	texts := func(r *rand.Rand, n int) (out []string) {
		for range n {
			var b strings.Builder
			for range 2 + r.IntN(4) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			out = append(out, b.String()+"处")
		}
		return out
	}
	found := map[db.Engine][]string{}
	hits := 0
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			h := newHouse(t, engine)
			r := rand.New(rand.NewPCG(5, 8))
			for i, text := range texts(r, 60) {
				by := []string{"village", "village2"}[i%2]
				h.reports(by, Report{Item: "opinion", Place: []PlaceIn{inG1, inG2}[i%2], Text: text})
			}
			queries := append(slices.Clone(pieces), texts(r, 20)...)
			for _, p := range pieces {
				for _, c := range p {
					queries = append(queries, string(c))
				}
			}
			for _, who := range []string{"village", "village2", "hub"} {
				for _, q := range queries {
					var got []string
					h.read(func(tx *db.Tx) error {
						cs, _, err := h.desk.List(tx, h.as(tx, who), Filter{View: "all", Query: q}, nil, 200)
						if err != nil {
							got = []string{err.Error()}
							return nil
						}
						for _, c := range cs {
							if !contains(c, q) || who != "hub" && !sees(h.as(tx, who), c) {
								h.Errorf("%s finds %q for %q", who, c.Text, q)
							}
							got = append(got, c.Text)
						}
						return nil
					})
					hits += len(got)
					found[engine] = append(found[engine], fmt.Sprintf("%s %q: %q", who, q, got))
				}
			}
			for _, q := range []string{"𰻞", "𰻞𰻞", "㐂字", "𠮷野", "龘", "дом", "naïve"} {
				if cs := h.list("hub", Filter{View: "all", Query: q}); len(cs) == 0 {
					h.Errorf("nothing is found for %q", q)
				}
			}
		})
	}
	if !slices.Equal(found[db.SQLite], found[db.Postgres]) {
		for i, a := range found[db.SQLite] {
			if b := found[db.Postgres][i]; a != b {
				t.Errorf("SQLite %s\nPostgreSQL %s", a, b)
			}
		}
	}
	if hits < 500 {
		t.Errorf("only %d hits: the queries ask for nothing", hits)
	}
}

// A search reads the index of words, with the reader's place among the words, and
// never the cases one by one.
func TestSearchReadsTheIndex(t *testing.T) {
	eachHouse(t, func(h *house) {
		for range 20 {
			h.reports("village", Report{Item: "opinion", Place: inG1, Text: "路灯不亮"})
		}
		h.write(func(tx *db.Tx) error { // planOf sets something
			walks := h.as(tx, "village").Walks("case.view")
			at := slices.IndexFunc(walks, func(w access.Walk) bool { return w.Column == access.PlatformColumn })
			terms, err := queryTerms("路灯不亮")
			if err != nil {
				return err
			}
			terms = append([]string{scopeTerm(walks[at].Column, walks[at].Node)}, terms...)
			ranks := []string{secrecyTerm(0), secrecyTerm(1)}
			var q string
			var args []any
			if tx.Engine() == db.Postgres {
				q, args = postgresSearch(terms, ranks, 1<<62)
			} else {
				q, args = sqliteSearch(terms, ranks, 1<<62)
			}
			plan, err := planOf(tx, q, args...)
			if err != nil {
				return err
			}
			want := map[db.Engine]string{db.SQLite: "VIRTUAL TABLE INDEX", db.Postgres: "Bitmap Index Scan on case_search_terms"}[tx.Engine()]
			if !strings.Contains(plan, want) || strings.Contains(plan, "cases") {
				h.Errorf("%s", plan)
			}
			return nil
		})
	})
}
