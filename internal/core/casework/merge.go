package casework

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// A duplicate is merged into the case that is worked on (合并, 并案): it ends in
// state merged, points to the main case and keeps everything it has, its place,
// secrecy and reporter among it. Nothing of it is copied, so nobody sees more
// than before. Its reporter follows the main case through the own report, and
// every merged report is told how the main case ended (case.answered). While
// the main case is open, a merge can be undone.

// What merging can be refused for.
var (
	ErrMainNeeded  = fault.New(fault.Invalid, "case.main_needed")
	ErrMainSelf    = fault.New(fault.Invalid, "case.main_self")
	ErrMainShut    = fault.New(fault.Conflict, "case.main_shut")
	ErrMainOpen    = fault.New(fault.Conflict, "case.main_open")
	ErrMainFlow    = fault.New(fault.Invalid, "case.main_flow")
	ErrMainSecret  = fault.New(fault.Conflict, "case.main_secret")
	ErrJoined      = fault.New(fault.Conflict, "case.joined")
	ErrMergeMany   = fault.New(fault.Invalid, "case.merge_many")
	ErrMergeFailed = fault.New(fault.Conflict, "case.merge_refused")
)

// maxMerge is how many reports one act merges.
const maxMerge = 200

// Main is the main case of a merge, as far as the rules look at it.
type Main struct {
	Found, Self bool
	Open        bool // work on it is still to be done
	Closed      bool // it was closed, and its reporters may judge it
	Same        bool // it has the same flow
	Secrecy     journal.Secrecy
	Handler     id.ID // the post that handled it: what a merged report's rating is of
}

// MergeIn is one or many duplicates to be merged into a main case.
type MergeIn struct {
	Cases  []id.ID `json:"case_ids" minItems:"1" maxItems:"200"`
	Reason string  `json:"reason" maxLength:"60"`
	Note   string  `json:"note,omitempty" maxLength:"2000"`
}

// Guards of merging; the others stand in guard.go.
var (
	mainNamed = refuse("main_named", ErrMainNeeded, func(f Facts) bool { return !f.Main.Found })

	notItself = refuse("not_itself", ErrMainSelf, func(f Facts) bool { return f.Main.Self })

	// Nobody would answer the reporter of a duplicate of a case that has ended;
	// and what has ended is not taken apart any more.
	mainOpen = refuse("main_open", ErrMainShut, func(f Facts) bool { return !f.Main.Open })

	sameFlow = refuse("same_flow", ErrMainFlow, func(f Facts) bool { return !f.Main.Same })

	// The reporter of the duplicate reads how the main case goes on: it may not
	// be more confidential than the duplicate.
	notWider = refuse("not_wider", ErrMainSecret, func(f Facts) bool { return f.Main.Secrecy > f.Case.Secrecy })

	// Only reasons that lead here; one cause in several places is a relation.
	mergeReason = refuse("merge_reason", ErrReasonWrong, func(f Facts) bool { return f.Reason.Effect.State != string(Merged) })

	// Others wait for an answer on it: it cannot be taken back or voided before
	// they were taken apart.
	noneJoined = Guard{Name: "none_joined", Check: func(f Facts) error {
		ends := f.Case.State != Dispatched && f.Case.State != Taken // there a withdrawal only takes back the dispatch
		if ends && f.Case.Joined > 0 && f.Given.Result != Fail {
			return ErrJoined.With("n", f.Case.Joined)
		}
		return nil
	}}
	noneJoinedVoid = Guard{Name: "none_joined", Check: func(f Facts) error {
		if f.Case.State != Closed && f.Case.State != Refused && f.Case.Joined > 0 && f.Given.Result != Fail {
			return ErrJoined.With("n", f.Case.Joined)
		}
		return nil
	}}

	// A merged report is judged when its main case has an outcome.
	mainClosed = refuse("main_closed", ErrMainOpen, func(f Facts) bool { return f.Case.State == Merged && !f.Main.Closed })
)

// unmerged leads a report back to where it is judged anew, or dispatched anew
// when it had been filed already.
func unmerged(f Facts) State {
	if f.Case.Was == Reported || f.Case.Was == Accepted {
		return Reported
	}
	return Filed
}

// mainOf reads the main case of a move: the one that is named, or the one that
// a merged report points to.
func (d *Desk) mainOf(env *env, by *access.Actor, c Case, m Move, in Act, f *Facts) error {
	on := c.Main
	if m.Key == "merge" {
		if on = in.Main; on.IsZero() {
			return nil
		}
	}
	if on.IsZero() {
		return nil
	}
	main, err := get(env.tx, on)
	if err != nil {
		return err
	}
	if m.Key == "merge" {
		if !sees(by, main) {
			return ErrMissing.At("body.main_id", "case.missing")
		}
		if err := by.Check(m.Permission, main.Sight()); err != nil {
			return err
		}
	}
	f.Main = Main{Found: true, Self: main.ID == c.ID, Open: main.open(), Closed: main.State == Closed, Same: main.Flow == c.Flow && main.Parent.IsZero(), Secrecy: main.Secrecy, Handler: main.Handler}
	if c.State == Merged {
		f.InTerm = !main.Closed.IsZero() && env.at.Sub(main.Closed) <= d.term
	}
	return nil
}

// Merge merges duplicates into a main case: all of them or, when one may not be,
// none. Permission case.merge on each of them and on the main case. Codes:
// case.missing, request.changed, access.denied, case.merge_many, and
// case.merge_refused, which names every case that may not be merged and why.
func (d *Desk) Merge(tx *db.Tx, by *access.Actor, mainID id.ID, in MergeIn, pre Precondition) (Case, []Case, error) {
	main, err := d.load(tx, by, mainID)
	if err != nil {
		return main, nil, err
	}
	if pre != nil {
		if err := pre.Check(tx, main.ID, main.Version); err != nil {
			return main, nil, err
		}
	}
	if err := by.Check("case.merge", main.Sight()); err != nil {
		return main, nil, err
	}
	if len(in.Cases) == 0 || len(in.Cases) > maxMerge {
		return main, nil, ErrMergeMany.With("most", maxMerge).At("body.case_ids", "case.merge_many", "most", maxMerge)
	}
	env, err := d.env(tx, by)
	if err != nil {
		return main, nil, err
	}
	// The rules are asked for all before the first one is changed.
	refused := ErrMergeFailed
	var first error
	for i, v := range in.Cases {
		err := d.mayMerge(env, by, v, mainID, in)
		if slices.Contains(in.Cases[:i], v) {
			err = ErrInvalid
		}
		if err == nil {
			continue
		}
		f := fault.Of(err)
		if f.Kind == fault.Internal {
			return main, nil, err
		}
		if first == nil {
			first = err
		}
		refused = refused.At(fmt.Sprintf("body.case_ids[%d]", i), f.Code)
	}
	if len(in.Cases) == 1 && first != nil {
		return main, nil, first
	}
	if first != nil {
		return main, nil, refused.With("n", len(refused.Where))
	}
	var merged []Case
	// In the order of their ids, so that two such acts never wait for each other.
	for _, v := range slices.SortedFunc(slices.Values(in.Cases), id.ID.Compare) {
		c, err := d.Move(tx, by, v, Act{Move: "merge", Main: mainID, Reason: in.Reason, Note: in.Note, Joins: len(in.Cases)}, nil)
		if err != nil {
			return main, nil, err
		}
		merged = append(merged, c)
	}
	main, err = d.join(env, by, mainID, merged)
	return main, merged, err
}

// mayMerge asks whether one case may be merged, and changes nothing.
func (d *Desk) mayMerge(env *env, by *access.Actor, caseID, mainID id.ID, in MergeIn) error {
	c, err := d.load(env.tx, by, caseID)
	if err != nil {
		return err
	}
	if err := env.of(c); err != nil {
		return err
	}
	act := Act{Move: "merge", Main: mainID, Reason: in.Reason, Note: in.Note}
	if err := act.tidy(); err != nil {
		return err
	}
	flow, ok := FlowOf(c.Flow)
	m, there := flow.Move(act.Move)
	if !ok || !there {
		return ErrMainFlow
	}
	if err := by.Check(m.Permission, c.Sight()); err != nil {
		return err
	}
	s, err := d.gather(env, by, c, m, act, false)
	if err != nil {
		return err
	}
	_, err = flow.Take(m.Key, s.facts)
	return err
}

// merge notes on a duplicate which case it now points to; reports that were
// merged into it before point there too.
func (d *Desk) merge(env *env, by *access.Actor, in Act, c *Case, was State) error {
	me := by.By()
	c.Main, c.Was, c.Hold = in.Main, was, nil
	c.dropAsk()
	if err := endDispatches(env.tx, c.ID, id.ID{}, "merged", env.at); err != nil {
		return err
	}
	if _, err := env.tx.Exec(`INSERT INTO case_merge (case_id, main_id, person_id, post_id, at) VALUES ($1, $2, $3, $4, $5)`,
		c.ID, in.Main, me.Person, me.Post, db.Millis(env.at)); err != nil {
		return fmt.Errorf("write merge: %w", err)
	}
	return nil
}

// join tells the main case who came to it: one act, one version, one entry.
func (d *Desk) join(env *env, by *access.Actor, mainID id.ID, merged []Case) (Case, error) {
	main, err := get(env.tx, mainID)
	if err != nil {
		return main, err
	}
	if err := env.of(main); err != nil {
		return main, err
	}
	n := 0
	for _, c := range merged {
		n += 1 + c.Joined
		if c.Joined > 0 {
			if err := d.follows(env, by, c, main); err != nil {
				return main, err
			}
		}
	}
	main.Joined += n
	if main, err = put(env.tx, main); err != nil {
		return main, err
	}
	b := &Body{Count: n, Internal: true}
	if len(merged) == 1 && n == 1 {
		b.Other = merged[0].ID
	}
	if err := env.of(main); err != nil {
		return main, err
	}
	note(env, by.By(), main, nil, "case.join", main.Version, b)
	return main, nil
}

// follows points what was merged into a case to that case's own main case.
func (d *Desk) follows(env *env, by *access.Actor, old, main Case) error {
	all, err := mergedInto(env.tx, old.ID)
	if err != nil {
		return err
	}
	for _, c := range all {
		c.Main = main.ID
		if c, err = put(env.tx, c); err != nil {
			return err
		}
		if err := env.of(c); err != nil {
			return err
		}
		note(env, by.By(), c, nil, "case.main", c.Version, &Body{Other: main.ID})
	}
	old.Joined = 0
	if err := setFacets(env.tx, old); err != nil {
		return err
	}
	if _, err := env.tx.Exec(`UPDATE case_merge SET main_id = $1 WHERE main_id = $2`, main.ID, old.ID); err != nil {
		return fmt.Errorf("move merges: %w", err)
	}
	return nil
}

// setFacets keeps a count that no version speaks of.
func setFacets(tx *db.Tx, c Case) error {
	if _, err := tx.Exec(`UPDATE cases SET facets = $1 WHERE id = $2 AND version = $3`, db.JSON(c.Facets), c.ID, c.Version); err != nil {
		return fmt.Errorf("write case %s: %w", c.ID, err)
	}
	return nil
}

// part takes a report away from its main case again.
func (d *Desk) part(env *env, by *access.Actor, mainID id.ID, c *Case) error {
	c.Main, c.Was = id.ID{}, ""
	c.Verify, c.Check, c.Returned, c.Worker = passed(c.Verify), NotAsked, nil, journal.By{}
	if _, err := env.tx.Exec(`DELETE FROM case_merge WHERE case_id = $1`, c.ID); err != nil {
		return fmt.Errorf("end merge: %w", err)
	}
	main, err := get(env.tx, mainID)
	if err != nil {
		return err
	}
	main.Joined--
	if main, err = put(env.tx, main); err != nil {
		return err
	}
	own := env.item
	ownCondition := env.condition
	if err := env.of(main); err != nil {
		return err
	}
	note(env, by.By(), main, nil, "case.part", main.Version, &Body{Other: c.ID, Internal: true})
	env.item, env.condition = own, ownCondition
	return nil
}

// mergedInto reads the reports that point to a case, the first merged first.
func mergedInto(tx *db.Tx, mainID id.ID) ([]Case, error) {
	return many(tx, `SELECT `+prefixed+` FROM case_merge g JOIN cases c ON c.id = g.case_id WHERE g.main_id = $1 ORDER BY g.at, g.case_id`, mainID)
}

// Merged lists the reports that point to a case: whoever tells the reporter of
// a case how it goes on tells theirs too. It asks for no right; the caller shows
// nothing of them.
func (d *Desk) Merged(tx *db.Tx, mainID id.ID) ([]id.ID, error) {
	all, err := mergedInto(tx, mainID)
	if err != nil {
		return nil, err
	}
	out := make([]id.ID, 0, len(all))
	for _, c := range all {
		out = append(out, c.ID)
	}
	return out, nil
}

// answerMerged writes on every merged report that its main case ended, or is
// worked on again: each reporter has an answer of the own.
func (d *Desk) answerMerged(env *env, by journal.By, old, main Case) error {
	if main.Joined == 0 || main.about().Shut == old.about().Shut || main.State == Merged {
		return nil
	}
	all, err := mergedInto(env.tx, main.ID)
	if err != nil {
		return err
	}
	kind := "case.answered"
	if !main.about().Shut {
		kind = "case.taken_up"
	}
	own, condition := env.item, env.condition
	for _, c := range all {
		if err := env.of(c); err != nil {
			return err
		}
		note(env, by, c, nil, kind, 0, &Body{Other: main.ID, ResidentText: main.Resident, Main: main.State})
	}
	env.item, env.condition = own, condition
	return nil
}

// merges fills in what a case's page says of merging, as far as the reader may
// see it.
func (d *Desk) merges(env *env, c Case, p *Page) error {
	p.Merged = []Ref{}
	if !c.Main.IsZero() {
		main, err := env.seen(c.Main)
		switch {
		case err == nil:
			r := d.ref(env, main)
			p.Main = &r
		case !errors.Is(err, ErrMissing):
			return err
		}
	}
	if c.Joined == 0 {
		return nil
	}
	all, err := mergedInto(env.tx, c.ID)
	if err != nil {
		return err
	}
	for _, one := range all {
		if sees(env.reader, one) {
			p.Merged = append(p.Merged, d.ref(env, one))
		}
	}
	return nil
}

// joinedNow is the moment from which on a report follows its main case, and the
// number of the entry that says so.
func joinedNow(entries []journal.Entry) (number int64, at time.Time) {
	for _, e := range entries {
		if e.Kind == "case.merge" {
			number, at = e.Number, e.Occurred
		}
	}
	return number, at
}

// tellMain adds to what the reporter of a merged report sees how the main case
// goes on: its stages, and what is said to residents since the merge. What the
// reporters of other reports said stays theirs.
func (d *Desk) tellMain(env *env, p *PublicCase, main Case, own []journal.Entry, reached map[string]time.Time) error {
	since, _ := joinedNow(own)
	entries, err := journal.Timeline(env.tx, main.ID)
	if err != nil {
		return err
	}
	theirs := &PublicCase{}
	at := map[string]time.Time{}
	for _, e := range entries {
		if e.Kind == "case.reveal" {
			continue // who opened another reporter's contact
		}
		told := len(theirs.Messages)
		if err := d.tell(env, theirs, main, e, at); err != nil {
			return err
		}
		for _, m := range theirs.Messages[told:] {
			if e.Number > since && !m.Own && e.By.Via != "portal" {
				p.Messages = append(p.Messages, m)
			}
		}
	}
	reported := reached["reported"]
	clear(reached)
	for stage, t := range at {
		if t.Before(reported) {
			t = reported // the main case may be older than this report
		}
		reached[stage] = t
	}
	reached["reported"] = reported
	slices.SortStableFunc(p.Messages, func(a, b PublicMessage) int { return a.At.Compare(b.At) })
	return nil
}

// objectForMain is the reporter of a merged report saying that it is not solved:
// the main case is opened again, on everybody's account.
func (d *Desk) objectForMain(tx *db.Tx, by *access.Actor, c Case, in Act, owner string) (Case, error) {
	main, err := get(tx, c.Main)
	if err != nil {
		return c, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return c, err
	}
	env.owner, env.from = owner, c.ID
	if _, err := d.act(env, by, main, in, true); err != nil {
		return c, err
	}
	return c, d.passOnWords(env, by, c, in.Note)
}

// passOnWords notes on a merged report what its reporter said, and that it was
// brought to the main case.
func (d *Desk) passOnWords(env *env, by *access.Actor, c Case, said string) error {
	if err := env.of(c); err != nil {
		return err
	}
	note(env, by.By(), c, nil, "case.passed_on", 0, &Body{ResidentText: said, Other: c.Main})
	return nil
}

// hears tells the main case that the reporter of a merged report added
// something; the words stay on that report, where only who may see it reads
// them.
func (d *Desk) hears(env *env, by *access.Actor, c Case) error {
	main, err := get(env.tx, c.Main)
	if err != nil {
		return err
	}
	if err := env.of(main); err != nil {
		return err
	}
	note(env, by.By(), main, nil, "case.heard", 0, &Body{Other: c.ID, Internal: true})
	return nil
}

// countWords puts a number into the words of an entry.
func countWords(n int) words.Text {
	s := fmt.Sprint(n)
	return words.Text{Chinese: s, English: s}
}
