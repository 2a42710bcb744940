package journal

import (
	"testing"

	"onegrid/internal/kit/id"
)

// Stand-ins and principals count as one hand.
func TestSameHand(t *testing.T) {
	a, b, p, q := id.ID{1}, id.ID{2}, id.ID{3}, id.ID{4}
	rows := []struct {
		x, y By
		want bool
	}{
		{By{Person: a, Post: p}, By{Person: a, Post: q}, true},
		{By{Person: a, Post: p}, By{Person: b, Post: p}, true},
		{By{Person: a, Post: p, For: b}, By{Person: b, Post: q}, true},
		{By{Person: b, Post: q}, By{Person: a, Post: p, For: b}, true},
		{By{Person: a, Post: p}, By{Person: b, Post: q}, false},
		{By{}, By{}, false},
	}
	for _, r := range rows {
		if got := r.x.SameHand(r.y); got != r.want {
			t.Errorf("%+v and %+v: %v", r.x, r.y, got)
		}
	}
}
