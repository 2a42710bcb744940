package figures

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// An evaluation round (考评) compares units over a period by a rule that stands
// before the period's results are looked at. It is of services: units are
// compared, never residents, and no person has a score.
//
// A round is made as a draft, opened with provisional results, objected to by the
// units, and published. What was decided on an objection stands in the journal
// and changes the results from then on; a published result never changes.
//
// Whoever decides an objection neither made the round nor lodged it nor sits in
// the unit (data/defaults/roles.json, two_person_rules: evaluation_appeal).

// The permissions of evaluations.
const (
	permTeam   = "figures.team"
	permRun    = "evaluation.run"
	permAppeal = "evaluation.appeal"
	permDecide = "evaluation.decide"
)

// RoundState is where a round stands (考评状态).
type RoundState string

// The states of a round.
const (
	Draft       RoundState = "draft"       // 准备
	Provisional RoundState = "provisional" // 公示，可以申诉
	Published   RoundState = "published"   // 已公布
	Dropped     RoundState = "dropped"     // 已作废
)

// ObjectionState is what became of an objection (申诉状态).
type ObjectionState string

// The states of an objection.
const (
	Waiting           ObjectionState = "waiting"  // 待处理
	ObjectionAccepted ObjectionState = "accepted" // 申诉成立
	ObjectionRefused  ObjectionState = "refused"  // 申诉不成立
)

// Effect is what an accepted objection does to the results (更正方式).
type Effect string

// The effects.
const (
	Exclude Effect = "exclude" // 不计入: the case does not count in this rate
	Credit  Effect = "credit"  // 按达标计: it counts as done well
)

var (
	ErrNoRound      = fault.New(fault.Missing, "figures.no_round")
	ErrRoundInvalid = fault.New(fault.Invalid, "figures.round_invalid")
	ErrRoundState   = fault.New(fault.Conflict, "figures.round_state")
	ErrRoundOver    = fault.New(fault.Conflict, "figures.round_not_over")
	ErrObjectLate   = fault.New(fault.Conflict, "figures.objection_late")
	ErrObjectEarly  = fault.New(fault.Conflict, "figures.objections_open")
	ErrObjectTwice  = fault.New(fault.Conflict, "figures.objection_twice")
	ErrNotCounted   = fault.New(fault.Conflict, "figures.not_counted")
	ErrSameHand     = fault.New(fault.Forbidden, "figures.same_hand")
	ErrNotUnit      = fault.New(fault.Forbidden, "figures.not_unit")
	ErrNoObjection  = fault.New(fault.Missing, "figures.no_objection")
)

// Rule is how a round judges (考评规则): the rates with their weights, which sum
// to 100, and how many acts a rate must rest on to say anything.
type Rule struct {
	Weights []Weight `json:"weights" minItems:"1" maxItems:"20"`
	Minimum int64    `json:"minimum" minimum:"1" maximum:"10000" doc:"a rate with a smaller base has no data"`
}

// Weight is the share of a rate in the result.
type Weight struct {
	Rate   string `json:"rate" maxLength:"40"`
	Weight int64  `json:"weight" minimum:"1" maximum:"100"`
}

// Round is one evaluation of units over a period (考评).
type Round struct {
	ID          id.ID        `json:"id"`
	Name        words.Text   `json:"name"`
	From        string       `json:"from"`
	To          string       `json:"to"`
	Units       []id.ID      `json:"unit_ids"`
	Rule        Rule         `json:"rule"`
	State       RoundState   `json:"state" enum:"draft,provisional,published,dropped"`
	MadeAt      time.Time    `json:"made_at"`
	OpenedAt    time.Time    `json:"opened_at,omitzero"`
	ObjectUntil time.Time    `json:"object_until,omitzero"`
	EndedAt     time.Time    `json:"ended_at,omitzero"`
	Version     int64        `json:"version"`
	by          journal.By   // who made it
	period      Period       //
	result      []UnitResult // frozen
}

// UnitResult is what a round says of one unit, with what it is made of.
type UnitResult struct {
	Unit   id.ID        `json:"unit_id"`
	Name   words.Text   `json:"name"`
	Score  *float64     `json:"score,omitempty" doc:"0 to 100; absent where no rate has enough data"`
	Weight int64        `json:"weight" doc:"sum of the weights of the rates that have data: the score is of these"`
	Rates  []RateResult `json:"rates"`
}

// RateResult is one rate in a unit's result. Points are the weight times how well
// it was done; absent where there is too little data.
type RateResult struct {
	Rate     string   `json:"rate"`
	Weight   int64    `json:"weight"`
	Ratio    Ratio    `json:"ratio"`
	Points   *float64 `json:"points,omitempty"`
	Excluded int64    `json:"excluded,omitempty" doc:"acts left out after objections"`
	Credited int64    `json:"credited,omitempty" doc:"acts counted as done well after objections"`
}

// Objection is what a unit lodges against a result (申诉): one case, one rate.
type Objection struct {
	ID        id.ID          `json:"id"`
	Unit      id.ID          `json:"unit_id"`
	Case      id.ID          `json:"case_id,omitzero"`
	Number    string         `json:"case_number,omitempty" doc:"where the reader may see the case"`
	Main      id.ID          `json:"main_id,omitzero" doc:"the case that it was merged into, where the reader may see only that"`
	MainNo    string         `json:"main_number,omitempty"`
	Rate      string         `json:"rate"`
	Reason    string         `json:"reason,omitempty"`
	At        time.Time      `json:"at"`
	State     ObjectionState `json:"state" enum:"waiting,accepted,refused"`
	Effect    Effect         `json:"effect,omitempty" enum:"exclude,credit"`
	Note      string         `json:"note,omitempty"`
	DecidedAt time.Time      `json:"decided_at,omitzero"`
	May       []string       `json:"may,omitempty" doc:"what the reader may do with it: decide"`
	by        journal.By
}

// RoundIn is what a round is made of.
type RoundIn struct {
	Name  words.Text `json:"name"`
	From  string     `json:"from"`
	To    string     `json:"to"`
	Units []id.ID    `json:"unit_ids" minItems:"1" maxItems:"500"`
	Rule  Rule       `json:"rule"`
}

// valid says what is wrong with a round that is to be made.
func (in RoundIn) valid(o *org.Snapshot, now time.Time) (Period, error) {
	var p Period
	f := ErrRoundInvalid
	if in.Name.Chinese == "" || in.Name.English == "" {
		f = f.At("body.name", "field.required")
	}
	var err error
	if p.From, err = parseDay(in.From, 0); err != nil || in.From == "" {
		f = f.At("body.from", "figures.bad_date")
	}
	if p.To, err = parseDay(in.To, 0); err != nil || in.To == "" || p.To < p.From || p.To-p.From > 3660 {
		f = f.At("body.to", "figures.span")
	}
	for i, v := range in.Units {
		u, ok := o.Unit(v)
		if !ok || u.Kind == org.Hub || slices.Contains(in.Units[:i], v) {
			f = f.At(fmt.Sprintf("body.unit_ids[%d]", i), "field.wrong")
		}
	}
	sum := int64(0)
	for i, w := range in.Rule.Weights {
		r, ok := RateOf(w.Rate)
		if !ok || !r.Evaluation || slices.ContainsFunc(in.Rule.Weights[:i], func(o Weight) bool { return o.Rate == w.Rate }) {
			f = f.At(fmt.Sprintf("body.rule.weights[%d].rate", i), "field.wrong")
		}
		sum += w.Weight
	}
	if sum != 100 {
		f = f.At("body.rule.weights", "figures.weights")
	}
	if len(f.Where) > 0 {
		return p, f
	}
	return p, nil
}

// MakeRound makes a draft. Permission evaluation.run. Codes: figures.round_invalid.
func (f *Figures) MakeRound(tx *db.Tx, by *access.Actor, in RoundIn) (Round, error) {
	o, err := f.units.Snapshot(tx)
	if err != nil {
		return Round{}, err
	}
	if err := by.Check(permRun, o.SightOfUnit(o.HubID())); err != nil {
		return Round{}, err
	}
	p, err := in.valid(o, tx.Now())
	if err != nil {
		return Round{}, err
	}
	r := Round{ID: tx.NewID(), Name: in.Name, From: Date(p.From), To: Date(p.To), Units: in.Units, Rule: in.Rule, State: Draft, MadeAt: tx.Now(), Version: 1, by: by.By(), period: p}
	if err := insertRound(tx, r); err != nil {
		return r, err
	}
	f.wrote(tx, by, o, "evaluation.make", r.ID, r.Version, r)
	return r, nil
}

// wrote notes an act on a round.
func (f *Figures) wrote(tx *db.Tx, by *access.Actor, o *org.Snapshot, kind string, subject id.ID, version int64, body any) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: subject, By: by.By(), Version: version, Sight: o.SightOfUnit(o.HubID()), Class: "journal", Body: body})
}

// step loads a round for somebody who runs it.
func (f *Figures) step(tx *db.Tx, by *access.Actor, v id.ID, states ...RoundState) (Round, *org.Snapshot, error) {
	o, err := f.units.Snapshot(tx)
	if err != nil {
		return Round{}, nil, err
	}
	r, err := roundByID(tx, v)
	if err != nil {
		return r, o, err
	}
	if err := by.Check(permRun, o.SightOfUnit(o.HubID())); err != nil {
		return r, o, err
	}
	if !slices.Contains(states, r.State) {
		return r, o, ErrRoundState.With("state", string(r.State))
	}
	return r, o, nil
}

// OpenRound shows the provisional results and takes objections until a time.
// The period must be over. Permission evaluation.run. Codes: figures.no_round,
// figures.round_state, figures.round_not_over, figures.objection_late.
func (f *Figures) OpenRound(tx *db.Tx, by *access.Actor, v id.ID, until time.Time) (Round, error) {
	r, o, err := f.step(tx, by, v, Draft)
	if err != nil {
		return r, err
	}
	if f.zone.Day(tx.Now()) <= r.period.To {
		return r, ErrRoundOver.With("to", r.To)
	}
	if !until.After(tx.Now()) {
		return r, ErrObjectLate
	}
	r.State, r.OpenedAt, r.ObjectUntil = Provisional, tx.Now(), until.UTC().Truncate(time.Millisecond)
	if r, err = putRound(tx, r); err != nil {
		return r, err
	}
	f.wrote(tx, by, o, "evaluation.open", r.ID, r.Version, map[string]any{"until": r.ObjectUntil})
	return r, nil
}

// DropRound ends a round that is not published; why is kept in the journal.
// Permission evaluation.run. Codes: figures.no_round, figures.round_state.
func (f *Figures) DropRound(tx *db.Tx, by *access.Actor, v id.ID, why string) (Round, error) {
	r, o, err := f.step(tx, by, v, Draft, Provisional)
	if err != nil {
		return r, err
	}
	r.State, r.EndedAt = Dropped, tx.Now()
	if r, err = putRound(tx, r); err != nil {
		return r, err
	}
	f.wrote(tx, by, o, "evaluation.drop", r.ID, r.Version, map[string]any{"why": why})
	return r, nil
}

// PublishRound freezes the results. The time for objections must be over and all
// of them decided. Permission evaluation.run. Codes: figures.no_round,
// figures.round_state, figures.objections_open.
func (f *Figures) PublishRound(tx *db.Tx, by *access.Actor, v id.ID) (Round, error) {
	r, o, err := f.step(tx, by, v, Provisional)
	if err != nil {
		return r, err
	}
	objections, err := objectionsOf(tx, r.ID)
	if err != nil {
		return r, err
	}
	if tx.Now().Before(r.ObjectUntil) || slices.ContainsFunc(objections, func(b Objection) bool { return b.State == Waiting }) {
		return r, ErrObjectEarly.With("until", r.ObjectUntil)
	}
	if r.result, err = f.judge(tx, o, r, objections); err != nil {
		return r, err
	}
	r.State, r.EndedAt = Published, tx.Now()
	if r, err = putRound(tx, r); err != nil {
		return r, err
	}
	f.wrote(tx, by, o, "evaluation.publish", r.ID, r.Version, map[string]any{"result": r.result})
	return r, nil
}

// ObjectIn is what an objection says: against a case, or against one act that
// counts for the unit although its case is not the unit's to see, as the rating by
// a reporter whose report was merged into the unit's case.
type ObjectIn struct {
	Unit   id.ID  `json:"unit_id"`
	Case   id.ID  `json:"case_id,omitzero"`
	Act    int64  `json:"act,omitempty" minimum:"0" doc:"the number of a source, instead of the case"`
	Rate   string `json:"rate" maxLength:"40"`
	Reason string `json:"reason" minLength:"2" maxLength:"1000"`
}

// Object lodges a unit's objection. Permission evaluation.appeal, of a post of
// the unit. Codes: figures.no_round, figures.round_state, figures.objection_late,
// figures.not_unit, figures.not_counted, figures.objection_twice; of a case that is named case.missing.
func (f *Figures) Object(tx *db.Tx, by *access.Actor, v id.ID, in ObjectIn) (Objection, error) {
	var out Objection
	o, err := f.units.Snapshot(tx)
	if err != nil {
		return out, err
	}
	r, err := roundByID(tx, v)
	if err != nil {
		return out, err
	}
	if err := by.Check(permAppeal, o.SightOfUnit(in.Unit)); err != nil {
		return out, err
	}
	if r.State != Provisional {
		return out, ErrRoundState.With("state", string(r.State))
	}
	if post, ok := o.Post(by.Post); !by.Trusted() && (!ok || post.Unit != in.Unit) || !slices.Contains(r.Units, in.Unit) {
		return out, ErrNotUnit
	}
	if !tx.Now().Before(r.ObjectUntil) {
		return out, ErrObjectLate
	}
	rate, ok := RateOf(in.Rate)
	if !ok || !slices.ContainsFunc(r.Rule.Weights, func(w Weight) bool { return w.Rate == in.Rate }) {
		return out, ErrRoundInvalid.At("body.rate", "field.wrong")
	}
	if in.Act != 0 {
		if in.Case, err = f.caseOfAct(tx, r, in.Unit, in.Act); err != nil {
			return out, err
		}
	} else if _, err := f.cases.Get(tx, by, in.Case); err != nil {
		return out, err
	}
	_, counted, err := f.ofCase(tx, r, in.Unit, in.Case, rate)
	if err != nil {
		return out, err
	}
	if counted == 0 {
		return out, ErrNotCounted
	}
	out = Objection{ID: tx.NewID(), Unit: in.Unit, Case: in.Case, Rate: in.Rate, Reason: in.Reason, At: tx.Now(), State: Waiting, by: by.By()}
	if err := insertObjection(tx, r.ID, out); err != nil {
		return out, err
	}
	f.wrote(tx, by, o, "evaluation.object", r.ID, 0, out)
	shown, err := f.objectionsShown(tx, by, o, r, []Objection{out})
	if err != nil || len(shown) == 0 {
		return Objection{}, err
	}
	return shown[0], nil
}

// caseOfAct is the case of an act that counts for a unit in a round. Whoever asks
// learns nothing that the list of sources does not say. Code: figures.not_counted.
func (f *Figures) caseOfAct(tx *db.Tx, r Round, unit id.ID, number int64) (id.ID, error) {
	some, err := journal.Since(tx, number-1, 1)
	if err != nil {
		return id.ID{}, err
	}
	tally, err := tallyOf(f.zone, some)
	if err != nil {
		return id.ID{}, err
	}
	a, ok := tally.Acts[number]
	if !ok || !r.counts(a, unit) {
		return id.ID{}, ErrNotCounted
	}
	return a.Case, nil
}

// counts says whether an act is one of a unit in a round.
func (r Round) counts(a Act, unit id.ID) bool {
	return a.What.Unit == unit && a.Day >= r.period.From && a.Day <= r.period.To && a.What.Secrecy <= evaluated
}

// DecideIn is what is decided on an objection.
type DecideIn struct {
	Result string `json:"result" enum:"accepted,refused"`
	Effect Effect `json:"effect,omitempty" enum:"exclude,credit" doc:"of an accepted one"`
	Note   string `json:"note" minLength:"2" maxLength:"1000"`
}

// mayDecide says whether somebody is another hand than whoever made the round and
// whoever objected, and sits in no post of the unit.
func mayDecide(o *org.Snapshot, by *access.Actor, r Round, b Objection) bool {
	me := by.By()
	if access.SameHand(me, r.by) || access.SameHand(me, b.by) {
		return false
	}
	in := func(post id.ID) bool { p, ok := o.Post(post); return ok && p.Unit == b.Unit }
	if in(by.Post) {
		return false
	}
	return !slices.ContainsFunc(by.Grants, func(g access.Grant) bool { return in(g.Post) })
}

// Decide decides an objection. Permission evaluation.decide. Codes:
// figures.no_round, figures.no_objection, figures.round_state, figures.same_hand.
func (f *Figures) Decide(tx *db.Tx, by *access.Actor, v, objection id.ID, in DecideIn) (Objection, error) {
	var b Objection
	o, err := f.units.Snapshot(tx)
	if err != nil {
		return b, err
	}
	r, err := roundByID(tx, v)
	if err != nil {
		return b, err
	}
	if err := by.Check(permDecide, o.SightOfUnit(o.HubID())); err != nil {
		return b, err
	}
	all, err := objectionsOf(tx, r.ID)
	if err != nil {
		return b, err
	}
	i := slices.IndexFunc(all, func(b Objection) bool { return b.ID == objection })
	if i < 0 {
		return b, ErrNoObjection
	}
	if b = all[i]; r.State != Provisional || b.State != Waiting {
		return b, ErrRoundState.With("state", string(r.State))
	}
	if !mayDecide(o, by, r, b) {
		return b, ErrSameHand
	}
	if b.State = ObjectionRefused; in.Result == string(ObjectionAccepted) {
		if in.Effect != Exclude && in.Effect != Credit {
			return b, ErrRoundInvalid.At("body.effect", "field.required")
		}
		b.State, b.Effect = ObjectionAccepted, in.Effect
	}
	b.Note, b.DecidedAt = in.Note, tx.Now()
	if err := decideObjection(tx, b, by.By()); err != nil {
		return b, err
	}
	f.wrote(tx, by, o, "evaluation.decide", r.ID, 0, b)
	return b, nil
}

// evaluated is the most confidential matter that an evaluation counts: what is
// for named persons is in no figure that others read.
var evaluated = journal.Desk

// ofCase counts what a case adds to both sides of a rate of a unit in a round.
func (f *Figures) ofCase(tx *db.Tx, r Round, unit, caseID id.ID, rate Rate) (part, base int64, err error) {
	entries, err := journal.Of(tx, caseID)
	if err != nil {
		return 0, 0, err
	}
	tally, err := tallyOf(f.zone, entries)
	if err != nil {
		return 0, 0, err
	}
	counts := map[Measure]int64{}
	for _, a := range tally.Acts {
		if !r.counts(a, unit) {
			continue
		}
		for _, m := range Measures {
			counts[m] += a.has(m)
		}
	}
	v := rate.Of(counts)
	return v.Part, v.Base, nil
}

// judge computes the results of a round, with the objections that were accepted.
func (f *Figures) judge(tx *db.Tx, o *org.Snapshot, r Round, objections []Objection) ([]UnitResult, error) {
	t, err := f.Answer(tx, Question{Cut: CutUnit, From: r.period.From, To: r.period.To, Most: &evaluated})
	if err != nil {
		return nil, err
	}
	counts := map[string]map[Measure]int64{}
	for _, row := range t.Rows {
		counts[row.Key] = row.Counts
	}
	out := make([]UnitResult, 0, len(r.Units))
	for _, v := range r.Units {
		unit, _ := o.Unit(v)
		u := UnitResult{Unit: v, Name: unit.Name, Rates: []RateResult{}}
		for _, w := range r.Rule.Weights {
			rate, _ := RateOf(w.Rate)
			res := RateResult{Rate: w.Rate, Weight: w.Weight, Ratio: rate.Of(counts[v.String()])}
			for _, b := range objections {
				if b.Unit != v || b.Rate != w.Rate || b.State != ObjectionAccepted {
					continue
				}
				part, base, err := f.ofCase(tx, r, v, b.Case, rate)
				if err != nil {
					return nil, err
				}
				res.correct(rate, b.Effect, part, base)
			}
			res.Ratio = res.Ratio.divided()
			res.judge(rate, r.Rule.Minimum)
			u.Rates = append(u.Rates, res)
		}
		u.total()
		out = append(out, u)
	}
	slices.SortStableFunc(out, func(a, b UnitResult) int {
		switch {
		case a.Score == nil || b.Score == nil:
			return cmp.Compare(boolInt(a.Score == nil), boolInt(b.Score == nil))
		case *a.Score != *b.Score:
			return cmp.Compare(*b.Score, *a.Score)
		}
		return cmp.Compare(a.Name.Chinese, b.Name.Chinese)
	})
	return out, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// correct takes a case out of a rate, or counts it as done well.
func (r *RateResult) correct(rate Rate, e Effect, part, base int64) {
	if e == Exclude {
		r.Ratio.Part -= part
		r.Ratio.Base -= base
		r.Excluded += base
		return
	}
	r.Credited += base
	switch {
	case rate.Mean:
		r.Ratio.Part += 5*base - part
	case rate.Lower:
		r.Ratio.Part -= part
	default:
		r.Ratio.Part += base - part
	}
}

// judge gives points where there is enough to judge by.
func (r *RateResult) judge(rate Rate, minimum int64) {
	if r.Ratio.Value == nil || r.Ratio.Base < minimum {
		return
	}
	v := *r.Ratio.Value
	switch {
	case rate.Mean:
		v = (v - 1) / 4 // stars go from one to five
	case rate.Lower:
		v = 1 - v
	}
	points := float64(r.Weight) * min(1, max(0, v))
	r.Points = &points
}

// total is the score: the points got, of those that could be got.
func (u *UnitResult) total() {
	var points float64
	for _, r := range u.Rates {
		if r.Points != nil {
			points += *r.Points
			u.Weight += r.Weight
		}
	}
	if u.Weight > 0 {
		score := 100 * points / float64(u.Weight)
		u.Score = &score
	}
}
