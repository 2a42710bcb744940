package grid

import (
	"errors"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

var (
	drawer  = &clerk{may: clerkOfAll.may, person: unit(80)}
	leader  = &clerk{may: []string{permView, permApprove}, person: unit(81)}
	another = &clerk{may: append([]string{permApprove}, clerkOfAll.may...), person: unit(82)}
)

func (o *office) proposes(in ActIn) (p Proposal) {
	o.Helper()
	in.Why = "户数太多"
	if err := o.write(func(tx *db.Tx) (err error) { p, err = o.Propose(tx, drawer, in); return err }); err != nil {
		o.Fatal(err)
	}
	return p
}

func (o *office) decides(by journal.Who, p Proposal, in DecisionIn) (d Decided, err error) {
	o.Helper()
	in.Version = p.Version
	err = o.write(func(tx *db.Tx) error { d, err = o.Decide(tx, by, p.ID, in); return err })
	return d, err
}

// Whoever draws does not approve: nobody moves a border alone, and only what
// another has approved is carried out.
func TestWhoDrawsDoesNotApprove(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		o.Recorded(&ledger{})
		var a, b Grid
		o.read(func(tx *db.Tx) (err error) {
			if a, _, err = o.ByCode(tx, four()[0].Code); err == nil {
				b, _, err = o.ByCode(tx, four()[1].Code)
			}
			return err
		})
		merge := ActIn{Kind: org.Merge, Grids: []id.ID{a.ID}, Into: b.ID}
		if _, err := o.tryAct(another, merge); !errors.Is(err, ErrNeedsApproval) {
			t.Fatalf("somebody merges alone: %v", err)
		}
		if _, err := o.tryAct(another, ActIn{Kind: org.Rename, Grid: a.ID, Name: "新名"}); err != nil {
			t.Errorf("a name needs no second pair of eyes: %v", err)
		}
		merge.DryRun = true
		if _, err := o.tryAct(drawer, merge); err != nil {
			t.Errorf("trying is free: %v", err)
		}
		p := o.proposes(merge)
		for want, by := range map[*clerk]error{drawer: ErrSameHand, {may: []string{permView}, person: unit(83)}: errDenied} {
			if _, err := o.decides(want, p, DecisionIn{Approve: true}); !errors.Is(err, by) {
				t.Errorf("decided: %v, want %v", err, by)
			}
		}
		if _, err := o.decides(leader, p, DecisionIn{}); !errors.Is(err, ErrNoteNeeded) {
			t.Errorf("declined without a word: %v", err)
		}
		look, err := o.decides(leader, p, DecisionIn{Approve: true, DryRun: true})
		if err != nil || look.Acted == nil || len(look.Acted.Grids) != 1 || look.Proposal.State != Waiting {
			t.Fatalf("the look before: %+v %v", look, err)
		}
		did, err := o.decides(leader, p, DecisionIn{Approve: true})
		if err != nil || did.Proposal.State != Approved || did.Proposal.Done != did.Acted.ID {
			t.Fatalf("approved: %+v %v", did, err)
		}
		o.read(func(tx *db.Tx) error {
			ended, _, err := o.ByID(tx, a.ID)
			if ended.To.IsZero() {
				t.Error("it was approved, and the grid goes on")
			}
			return err
		})
		if _, err := o.decides(leader, did.Proposal, DecisionIn{Approve: true}); !errors.Is(err, ErrProposalState) {
			t.Errorf("approved again: %v", err)
		}
		var list []Proposal
		o.read(func(tx *db.Tx) (err error) { list, err = o.Proposals(tx, drawer); return err })
		if len(list) != 1 || !list[0].Mine || list[0].State != Approved {
			t.Errorf("%+v", list)
		}
		o.read(func(tx *db.Tx) error {
			if _, err := o.Proposals(tx, &clerk{may: []string{permView}, person: unit(83)}); !errors.Is(err, errDenied) {
				t.Errorf("anybody reads drawings: %v", err)
			}
			return nil
		})
	})
}

// What no longer fits, since the grids changed meanwhile, is refused; who drew
// it takes it back, nobody else.
func TestADrawingGoesStale(t *testing.T) {
	each(t, func(o *office) {
		o.draws(centre, ImportOptions{}, four()...)
		o.Recorded(&ledger{})
		var a, b Grid
		o.read(func(tx *db.Tx) (err error) {
			if a, _, err = o.ByCode(tx, four()[0].Code); err == nil {
				b, _, err = o.ByCode(tx, four()[1].Code)
			}
			return err
		})
		p := o.proposes(ActIn{Kind: org.Merge, Grids: []id.ID{a.ID}, Into: b.ID})
		second := o.proposes(ActIn{Kind: org.Merge, Grids: []id.ID{b.ID}, Into: a.ID})
		if _, err := o.decides(leader, second, DecisionIn{Approve: false, Note: "再想想"}); err != nil {
			t.Fatal(err)
		}
		o.acts(ActIn{Kind: org.Merge, Grids: []id.ID{b.ID}, Into: a.ID})
		if _, err := o.decides(leader, p, DecisionIn{Approve: true}); !errors.Is(err, ErrEnded) {
			t.Errorf("a drawing that no longer fits: %v", err)
		}
		back := func(by journal.Who) error {
			return o.write(func(tx *db.Tx) error { _, err := o.TakeBack(tx, by, p.ID); return err })
		}
		if err := back(another); !errors.Is(err, ErrNotYours) {
			t.Errorf("somebody else takes it back: %v", err)
		}
		if err := back(drawer); err != nil {
			t.Error(err)
		}
		if err := back(drawer); !errors.Is(err, ErrProposalState) {
			t.Errorf("taken back twice: %v", err)
		}
	})
}
