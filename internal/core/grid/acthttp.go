package grid

import (
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// maxActing is the size of an act sent over HTTP: a few borders.
const maxActing = 4 << 20

type actIn struct{ Body ActIn }

func (g *Grids) postAct(tx *db.Tx, by journal.Who, in *actIn) (*struct{ Body Acted }, error) {
	out, err := g.Act(tx, by, in.Body)
	return &struct{ Body Acted }{out}, err
}

// maxChanges is how many instants the day slider offers, newest first.
const maxChanges = 400

func (g *Grids) getChanges(tx *db.Tx, _ journal.Who, _ *struct{}) (*struct {
	Body struct {
		Items []time.Time `json:"items"`
	}
}, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Items []time.Time `json:"items"`
		}
	}{}
	out.Body.Items = append([]time.Time{}, s.changes[max(0, len(s.changes)-maxChanges):]...)
	return out, nil
}

// seenAt decides who may see a grid of another day: whoever may see where it
// lay then.
func seenAt(units *org.Snapshot, g Grid, when, now time.Time) journal.Sight {
	if when.Before(now) {
		return journal.Sight{Nodes: pastNodes(units, g)}
	}
	return sight(units, g)
}

// history adds to the page of a grid what it was, which acts made it so, and
// who inherited.
func (g *Grids) history(tx *db.Tx, s *Snapshot, units *org.Snapshot, of Grid, d *Detail) error {
	d.Heirs, d.Forebears = s.Successions(of.ID)
	for _, p := range s.Past(of.ID) {
		d.Past = append(d.Past, view(units, p))
	}
	if g.book == nil {
		return nil
	}
	acts, err := g.book.ActsOn(tx, of.ID)
	if err != nil {
		return err
	}
	d.Acts = units.ViewActs(acts)
	var named []id.ID
	for _, a := range acts {
		for _, p := range a.Parts {
			named = append(named, p.Node)
		}
		for _, h := range a.Heirs {
			named = append(named, h.Old, h.Heir)
		}
	}
	slices.SortFunc(named, id.ID.Compare)
	for _, v := range slices.Compact(named) {
		if r, ok := s.ByID(v); ok && v != of.ID {
			d.Related = append(d.Related, view(units, r))
		}
	}
	return nil
}

type proposalIn struct {
	ID id.ID `path:"id"`
}

type decideIn struct {
	ID   id.ID `path:"id"`
	Body DecisionIn
}

func (g *Grids) getProposals(tx *db.Tx, by journal.Who, _ *struct{}) (*struct{ Body httpx.List[Proposal] }, error) {
	list, err := g.Proposals(tx, by)
	return &struct{ Body httpx.List[Proposal] }{httpx.List[Proposal]{Items: list}}, err
}

func (g *Grids) postProposal(tx *db.Tx, by journal.Who, in *actIn) (*struct{ Body Proposal }, error) {
	p, err := g.Propose(tx, by, in.Body)
	return &struct{ Body Proposal }{p}, err
}

func (g *Grids) postDecision(tx *db.Tx, by journal.Who, in *decideIn) (*struct{ Body Decided }, error) {
	d, err := g.Decide(tx, by, in.ID, in.Body)
	return &struct{ Body Decided }{d}, err
}

func (g *Grids) postTakeBack(tx *db.Tx, by journal.Who, in *proposalIn) (*struct{ Body Proposal }, error) {
	p, err := g.TakeBack(tx, by, in.ID)
	return &struct{ Body Proposal }{p}, err
}
