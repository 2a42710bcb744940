package grid

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Whoever draws does not approve: an act that moves borders is proposed, and
// somebody else looks at it on the map before it is carried out.
// (data/defaults/roles.json, two_person_rules grid_drawing)

// permApprove is the permission of roles.json to approve a drawing.
const permApprove = "grid.approve_drawing"

var (
	// ErrNeedsApproval says that a person can't move borders alone.
	ErrNeedsApproval = fault.New(fault.Conflict, "grid.needs_approval")
	// ErrNoProposal says that there is no such proposal.
	ErrNoProposal = fault.New(fault.Missing, "grid.no_proposal")
	// ErrProposalState says that it was decided or taken back already.
	ErrProposalState = fault.New(fault.Conflict, "grid.proposal_over")
	// ErrSameHand says that who draws does not approve.
	ErrSameHand = fault.New(fault.Forbidden, "grid.same_hand")
	// ErrNotYours says that only who drew it takes it back.
	ErrNotYours = fault.New(fault.Forbidden, "grid.not_your_proposal")
	// ErrNoteNeeded says that who declines says why.
	ErrNoteNeeded = fault.New(fault.Invalid, "grid.note_needed")
)

// moves says whether an act of a kind moves borders.
func moves(kind string) bool {
	return slices.Contains([]string{org.Found, org.Merge, org.Split, org.Close, org.Redraw}, kind)
}

// alone refuses what a person may not do without another; whoever runs the
// program on its host is nobody's colleague and is recorded as such.
func alone(by journal.Who) error {
	if by.By().Person.IsZero() {
		return nil
	}
	return ErrNeedsApproval
}

// ProposalState is what became of a proposal.
type ProposalState string

const (
	Waiting   ProposalState = "waiting"
	Approved  ProposalState = "approved"
	Declined  ProposalState = "declined"
	TakenBack ProposalState = "taken_back"
)

// Enum lists the values for the specification.
func (ProposalState) Enum() []string {
	return []string{"waiting", "approved", "declined", "taken_back"}
}

// Proposal is a drawing that waits for a second pair of eyes, or waited (划分方案).
type Proposal struct {
	ID       id.ID         `json:"id"`
	Act      ActIn         `json:"act"`
	State    ProposalState `json:"state"`
	Proposed time.Time     `json:"proposed_at"`
	Decided  time.Time     `json:"decided_at,omitzero"`
	Note     string        `json:"note,omitempty"`
	Done     id.ID         `json:"act_id,omitzero" doc:"The act, once it was carried out"`
	Version  int64         `json:"version"`
	// Posts are named, persons stay in the journal.
	ProposedBy *words.Text `json:"proposed_by_name,omitempty"`
	DecidedBy  *words.Text `json:"decided_by_name,omitempty"`
	Mine       bool        `json:"mine,omitempty" doc:"Drawn by the reader, who may take it back and may not decide"`

	proposer, decider journal.By
}

const proposalColumns = `id, content, state, proposer, proposed, decider, decided, note, act, version`

func (p *Proposal) fields() []any {
	return []any{&p.ID, db.ScanJSON(&p.Act), &p.State, db.ScanJSON(&p.proposer), db.Time(&p.Proposed), db.ScanJSON(&p.decider), db.Time(&p.Decided), &p.Note, &p.Done, &p.Version}
}

// maxProposals is how many proposals a list holds, those that wait first.
const maxProposals = 200

// Propose keeps a drawing for somebody else to approve. It is tried first, so
// that only what could be carried out is proposed. Permissions as for Act.
// Codes: those of Act.
func (g *Grids) Propose(tx *db.Tx, by journal.Who, in ActIn) (Proposal, error) {
	if !moves(in.Kind) {
		return Proposal{}, ErrActKind.At("body.kind", "grid.unknown_act")
	}
	in.DryRun = false
	if err := org.Trial(tx, func(tx *db.Tx) error { _, err := g.carryOut(tx, by, in); return err }, func(*db.Tx) error { return nil }); err != nil {
		return Proposal{}, err
	}
	p := Proposal{ID: tx.NewID(), Act: in, State: Waiting, Proposed: tx.Now(), Version: 1, proposer: by.By(), Mine: true}
	if _, err := tx.Exec(`INSERT INTO grid_proposal (`+proposalColumns+`) VALUES ($1, $2, $3, $4, $5, NULL, NULL, '', NULL, 1)`,
		p.ID, db.JSON(in), p.State, db.JSON(p.proposer), db.Millis(p.Proposed)); err != nil {
		return p, fmt.Errorf("write proposal: %w", err)
	}
	return p, g.noteProposal(tx, by, "grid.propose", p)
}

// DecisionIn is what somebody says to a proposal (审定).
type DecisionIn struct {
	Version int64  `json:"version" minimum:"1"`
	Approve bool   `json:"approve"`
	Note    string `json:"note,omitempty" maxLength:"500" doc:"Needed when declining"`
	DryRun  bool   `json:"dry_run,omitempty" doc:"Only say what would follow"`
}

// Decided is a proposal after the decision, and what followed.
type Decided struct {
	Proposal Proposal `json:"proposal"`
	Acted    *Acted   `json:"acted,omitempty"`
}

// Decide approves a proposal and carries it out, or declines it. Who drew it may
// not decide, nor whoever stands in for them. What no longer fits, since the
// grids changed meanwhile, is refused with the place. Permission
// grid.approve_drawing at every grid it touches. Codes: grid.no_proposal,
// grid.proposal_over, grid.changed, grid.same_hand, grid.note_needed, those of
// Act.
func (g *Grids) Decide(tx *db.Tx, by journal.Who, v id.ID, in DecisionIn) (Decided, error) {
	p, err := g.proposal(tx, v)
	if err != nil {
		return Decided{}, err
	}
	in.Note = strings.TrimSpace(in.Note)
	switch {
	case p.State != Waiting:
		return Decided{}, ErrProposalState.With("state", string(p.State))
	case in.Version != p.Version:
		return Decided{}, ErrChanged.With("version", p.Version)
	case p.proposer.SameHand(by.By()):
		return Decided{}, ErrSameHand
	case !in.Approve && in.Note == "", utf8.RuneCountInString(in.Note) > maxNote:
		return Decided{}, ErrNoteNeeded.At("body.note", "grid.note_needed", "most", maxNote)
	}
	out := Decided{Proposal: p}
	if in.Approve {
		act := p.Act
		act.DryRun = in.DryRun
		acted, err := g.carryOut(tx, approver{by}, act)
		if err != nil {
			return out, err
		}
		out.Acted = &acted
	} else if err := by.Check(permApprove, journal.Sight{}); err != nil {
		return out, err
	}
	if in.DryRun {
		return out, nil
	}
	p.State, p.Decided, p.Note, p.decider, p.Version = Declined, tx.Now(), in.Note, by.By(), p.Version+1
	if in.Approve {
		p.State, p.Done = Approved, out.Acted.ID
	}
	if err := g.putProposal(tx, p); err != nil {
		return out, err
	}
	out.Proposal = p
	return out, g.noteProposal(tx, by, "grid.decide_proposal", p)
}

const maxNote = 500

// approver carries out what somebody else drew: each right that drawing needs
// was asked of who drew it, and approving it must be permitted in every place.
type approver struct{ journal.Who }

func (a approver) Check(_ string, at journal.Sight) error { return a.Who.Check(permApprove, at) }

// TakeBack takes a proposal back before it is decided. Codes: grid.no_proposal,
// grid.proposal_over, grid.not_your_proposal.
func (g *Grids) TakeBack(tx *db.Tx, by journal.Who, v id.ID) (Proposal, error) {
	p, err := g.proposal(tx, v)
	switch {
	case err != nil:
		return p, err
	case p.State != Waiting:
		return p, ErrProposalState.With("state", string(p.State))
	case !p.proposer.SameHand(by.By()):
		return p, ErrNotYours
	}
	p.State, p.Decided, p.decider, p.Version = TakenBack, tx.Now(), by.By(), p.Version+1
	if err := g.putProposal(tx, p); err != nil {
		return p, err
	}
	return p, g.noteProposal(tx, by, "grid.take_back", p)
}

func (g *Grids) proposal(tx *db.Tx, v id.ID) (p Proposal, err error) {
	err = tx.Row(`SELECT `+proposalColumns+` FROM grid_proposal WHERE id = $1`, v).Scan(p.fields()...)
	if errors.Is(err, db.ErrNoRows) {
		return p, ErrNoProposal
	}
	if err != nil {
		return p, fmt.Errorf("read proposal: %w", err)
	}
	return p, nil
}

func (g *Grids) putProposal(tx *db.Tx, p Proposal) error {
	n, err := tx.Exec(`UPDATE grid_proposal SET state = $1, decider = $2, decided = $3, note = $4, act = $5, version = $6 WHERE id = $7 AND version = $8`,
		p.State, db.JSON(p.decider), db.Millis(p.Decided), p.Note, p.Done, p.Version, p.ID, p.Version-1)
	if err != nil {
		return fmt.Errorf("write proposal: %w", err)
	}
	if n == 0 {
		return ErrChanged
	}
	return nil
}

// noteProposal writes what became of a proposal; the drawing itself stands in
// the table and, once carried out, in the act.
func (g *Grids) noteProposal(tx *db.Tx, by journal.Who, kind string, p Proposal) error {
	units, err := g.units.Snapshot(tx)
	if err != nil {
		return err
	}
	journal.Add(tx, journal.Entry{Kind: kind, Subject: p.ID, By: by.By(), Version: p.Version, Sight: journal.Sight{Nodes: journal.Nodes{Hub: units.HubID()}}, Class: class,
		Body: map[string]any{"kind": p.Act.Kind, "why": p.Act.Why, "state": p.State, "note": p.Note, "act_id": p.Done}})
	return nil
}

// Proposals lists proposals, those that wait first, then the newest.
func (g *Grids) Proposals(tx *db.Tx, by journal.Who) ([]Proposal, error) {
	if !by.Sees(permDraw, journal.Sight{}) && !by.Sees(permApprove, journal.Sight{}) {
		return nil, by.Check(permApprove, journal.Sight{})
	}
	units, err := g.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	list, err := all(tx, "proposals", `SELECT `+proposalColumns+` FROM grid_proposal ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, proposed DESC LIMIT $1`,
		(*Proposal).fields, maxProposals)
	if err != nil {
		return nil, err
	}
	for i := range list {
		p := &list[i]
		if post, ok := units.Post(p.proposer.Post); ok {
			p.ProposedBy = &post.Name
		}
		if post, ok := units.Post(p.decider.Post); ok {
			p.DecidedBy = &post.Name
		}
		p.Mine = p.proposer.SameHand(by.By())
	}
	return list, nil
}
