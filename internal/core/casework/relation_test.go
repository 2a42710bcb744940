package casework

import (
	"errors"
	"fmt"
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

func (h *house) relates(name string, c Case, in RelationIn) error {
	h.Helper()
	return h.db.Write(h.ctx, func(tx *db.Tx) error {
		_, err := h.desk.Relate(tx, h.as(tx, name), c.ID, in)
		return err
	})
}

// kinds counts the entries of a case's page by kind.
func kinds(p *Page) map[string]int {
	n := map[string]int{}
	for _, e := range p.Timeline {
		n[e.Kind]++
	}
	return n
}

func relationTo(p *Page, c Case) (Relation, bool) {
	for _, r := range p.Related {
		if r.Case.ID == c.ID {
			return r, true
		}
	}
	return Relation{}, false
}

// Two cases that belong together show each other, and only to whoever sees
// both.
func TestRelations(t *testing.T) {
	eachHouse(t, func(h *house) {
		pipe, road := h.reports("village", Report{Text: "水管漏了"}), h.reports("village", Report{Text: "路面塌了一块"})
		far := h.reports("village2", Report{Place: inG2, Text: "那边也漏"})
		secret := h.reports("village", Report{Item: "family_event", Text: "家里的事"})

		h.must(h.relates("village", road, RelationIn{Kind: RelationFollowUp, Number: pipe.Number}))
		h.must(h.relates("hub", far, RelationIn{Kind: RelationCause, Case: pipe.ID}))
		h.must(h.relates("village", secret, RelationIn{Kind: RelationRelated, Case: pipe.ID}))

		p := h.page("village", pipe)
		if r, ok := relationTo(p, road); !ok || len(p.Related) != 2 || r.Direction != "followed_by" || r.Case.Number != road.Number {
			h.Fatalf("the village desk is shown %+v", p.Related)
		}
		if r := h.page("village", road).Related; len(r) != 1 || r[0].Direction != "follows" || r[0].Case.ID != pipe.ID {
			h.Fatalf("the other end shows %+v", r)
		}
		// The hub sees the other street's case too; the officer of the grid not
		// what is for desks. The timeline keeps silent about the same ones.
		shown := map[id.ID]bool{}
		for _, r := range h.page("hub", pipe).Related {
			shown[r.Case.ID] = true
		}
		if !shown[far.ID] || !shown[road.ID] {
			h.Errorf("the hub is shown %v", shown)
		}
		for name, want := range map[string]int{"village": 2, "officer": 1} {
			p := h.page(name, pipe)
			if len(p.Related) != want || kinds(p)["case.relate"] != want {
				h.Errorf("%s is shown %d relations and told of %d, want %d", name, len(p.Related), kinds(p)["case.relate"], want)
			}
		}
		if after := h.now(pipe); after.Version != pipe.Version {
			h.Errorf("a relation raised the version to %d", after.Version)
		}

		task := h.task(h.does("village", h.reports("village", Report{Reporter: &PartyIn{Phone: "13800000021"}}), Act{Move: "accept"}))
		for _, r := range []struct {
			name string
			in   RelationIn
			want *fault.Fault
		}{
			{"village", RelationIn{Kind: RelationFollowUp, Case: pipe.ID}, ErrRelationKnown},
			{"village", RelationIn{Kind: RelationCause, Case: road.ID}, ErrRelationSelf},
			{"village", RelationIn{Kind: RelationCause, Case: task.ID}, ErrRelationTask},
			{"village", RelationIn{Kind: RelationCause, Case: far.ID}, ErrMissing},
			{"village", RelationIn{Kind: RelationCause, Number: far.Number}, ErrMissing},
			{"village", RelationIn{Kind: RelationCause, Number: "20260101-ABC"}, ErrNumber},
			{"village", RelationIn{Kind: "twin", Case: pipe.ID}, ErrInvalid},
			{"officer2", RelationIn{Kind: RelationCause, Case: far.ID}, ErrMissing},
			{"counsellor", RelationIn{Kind: RelationCause, Case: pipe.ID}, ErrMissing},
		} {
			if err := h.relates(r.name, road, r.in); !errors.Is(err, r.want) {
				h.Errorf("%s relates %+v: %v, want %s", r.name, r.in, err, r.want.Code)
			}
		}

		unrelates := func(name string, c Case, relation id.ID) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.Unrelate(tx, h.as(tx, name), c.ID, relation)
				return err
			})
		}
		follow := h.page("village", road).Related[0].ID
		if err := unrelates("village", far, follow); !errors.Is(err, ErrMissing) {
			h.Errorf("from a case out of sight: %v", err)
		}
		if err := unrelates("village", secret, follow); !errors.Is(err, ErrRelationMissing) {
			h.Errorf("of another case: %v", err)
		}
		h.must(unrelates("village", pipe, follow))
		if r := h.page("village", road).Related; len(r) != 0 {
			h.Errorf("after the end: %+v", r)
		}
	})
}

// Who may read a case but add no words to it cannot link it, and one case is
// linked with so many others at most.
func TestRelationsAreBounded(t *testing.T) {
	eachHouse(t, func(h *house) {
		hubCase := h.reports("village", Report{Text: "中心"})
		for i := range maxRelations {
			c := h.reports("village", Report{Text: fmt.Sprintf("第%d件", i)})
			h.must(h.relates("village", c, RelationIn{Kind: RelationRelated, Case: hubCase.ID}))
		}
		last := h.reports("village", Report{Text: "多出来的"})
		if err := h.relates("village", last, RelationIn{Kind: RelationRelated, Case: hubCase.ID}); !errors.Is(err, ErrRelationMany) {
			h.Errorf("one more: %v", err)
		}
		h.seat("reader", "service_reviewer", "S1", "street", "S1")
		if err := h.relates("reader", last, RelationIn{Kind: RelationRelated, Case: hubCase.ID}); !errors.Is(err, access.ErrDenied) {
			h.Errorf("a reader: %v", err)
		}
	})
}
