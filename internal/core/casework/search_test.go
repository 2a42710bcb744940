package casework

import "testing"

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
