package casework

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// PublicCase is all that the reporter of a case gets to see of it: stages,
// promised time and the words meant for residents. No name of staff, no post,
// no internal remark, nothing of other people. It is a rule, so it is a type of
// its own with its own test.
type PublicCase struct {
	Number    string          `json:"number"`
	ItemName  words.Text      `json:"item_name"`
	Text      string          `json:"text"`
	Place     string          `json:"place,omitempty"`
	Stage     string          `json:"stage"`
	Stages    []PublicStage   `json:"stages"`
	Promised  time.Time       `json:"promised_at,omitzero"`
	Estimated bool            `json:"estimated,omitempty"` // nobody has it in hand yet
	Paused    bool            `json:"paused,omitempty"`
	Refused   bool            `json:"refused,omitempty"` // or the application declined
	Ended     bool            `json:"ended,omitempty"`   // withdrawn or voided
	Merged    bool            `json:"merged,omitempty"`  // dealt with together with another report
	Messages  []PublicMessage `json:"messages"`
	Photos    []PublicPhoto   `json:"photos"`
	Looked    []PublicLook    `json:"who_looked"`
	Rating    *Rating         `json:"rating,omitempty"`
	Can       []string        `json:"can"` // withdraw, rate, object, confirm, comment, submit, appeal
	Reasons   []ReasonChoice  `json:"withdraw_reasons,omitempty"`
	Reported  time.Time       `json:"reported_at"`
	Closed    time.Time       `json:"closed_at,omitzero"`
	Version   int64           `json:"version"`
	MadeUp    bool            `json:"made_up,omitempty"`
	Flow      catalog.Flow    `json:"-"`
	ID        id.ID           `json:"-"`

	Application *PublicApplication `json:"application,omitempty"`
}

// PublicApplication is what an applicant sees of the own application beyond its
// stage (申请进度): the step it is at, what is missing, what hangs out, why it was
// declined and until when she may appeal, and from what the time was reckoned.
type PublicApplication struct {
	Step        State           `json:"step"`
	Missing     string          `json:"missing,omitempty"` // what to hand in (补正内容)
	MissingBy   time.Time       `json:"missing_by,omitzero"`
	Posting     *Posting        `json:"posting,omitempty"`
	Reason      *words.Text     `json:"declined_reason,omitempty"`
	Answer      string          `json:"declined_answer,omitempty"` // the words of whoever decided
	AppealUntil time.Time       `json:"appeal_until,omitzero"`     // while it can be appealed
	Clock       ClockKind       `json:"clock,omitempty"`
	Limit       *calendar.Limit `json:"limit,omitempty"`
	From        time.Time       `json:"limit_from,omitzero"`
	Stood       bool            `json:"stood,omitempty"` // it waited for papers or was posted, which does not count
}

// PublicStage is one of the six stages with the time at which it was reached.
type PublicStage struct {
	Key   string     `json:"key"`
	Name  words.Text `json:"name"`
	Text  words.Text `json:"text"`
	State string     `json:"state" enum:"past,now,next"`
	At    time.Time  `json:"at,omitzero"`
}

// PublicMessage is something said to the reporter, or by him.
type PublicMessage struct {
	At   time.Time  `json:"at"`
	Text words.Text `json:"text"`
	Own  bool       `json:"own,omitempty"`
}

// PublicPhoto is a photo the reporter may see: the own ones, and the released
// copies of those that staff took.
type PublicPhoto struct {
	ID      id.ID  `json:"id"`
	Kind    string `json:"kind"`
	Own     bool   `json:"own,omitempty"`
	Waiting bool   `json:"waiting,omitempty"` // nobody has looked at it yet
	Paper   bool   `json:"paper,omitempty"`   // a PDF, to be saved and not shown
}

// PublicLook says who opened the reporter's contact: post, purpose and time,
// never a name. (DESIGN.md section 9)
type PublicLook struct {
	At      time.Time  `json:"at"`
	Post    words.Text `json:"post_name"`
	Purpose words.Text `json:"purpose"`
}

// PublicReport takes a report from somebody without an account; in.Owner names
// the browser whose uploads may come along. Its photos wait in quarantine until
// staff looked at them. in.MadeUp is the door's own word, which says so of all
// that comes in where the district is made up. Codes: those of Report, and
// case.not_public.
func (d *Desk) PublicReport(tx *db.Tx, by *access.Actor, in Report) (Case, error) {
	in.Channel, in.Priority, in.Untimed, in.Due = "portal", "", false, time.Time{}
	return d.report(tx, by, in, true)
}

// reporterMoves are what the reporter may do without an account.
var reporterMoves = map[catalog.Flow][]string{
	catalog.Handling: {"withdraw", "object", "rate"},
	catalog.Approval: {"withdraw", "submit", "appeal"},
	catalog.Task:     {"withdraw"},
}

// ActAsReporter makes the reporter's own move: withdraw, object or rate; of an
// application withdraw, submit (what was missing) or appeal. Who calls it has made sure that it is the reporter (ByCookie). Codes: case.no_move
// and those of the guards.
func (d *Desk) ActAsReporter(tx *db.Tx, by *access.Actor, caseID id.ID, in Act, owner string) (Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return c, err
	}
	if !slices.Contains(reporterMoves[c.Flow], in.Move) {
		return Case{}, ErrNoMove.With("move", clip(in.Move, 40))
	}
	if c.State == Merged && in.Move == "object" {
		return d.objectForMain(tx, by, c, in, owner)
	}
	return d.asReporter(tx, by, caseID, in, owner)
}

// ConfirmAsReporter is the reporter's answer whether it is solved, where that is
// the check of the item.
func (d *Desk) ConfirmAsReporter(tx *db.Tx, by *access.Actor, caseID id.ID, solved bool, note, owner string) (Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return c, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return c, err
	}
	if err := env.of(c); err != nil {
		return c, err
	}
	if _, _, own := d.demands(c, env.item); !own {
		return c, ErrNoCheck
	}
	act := Act{Move: "check", Result: Pass, Note: note}
	if !solved {
		act.Result = Fail
	}
	return d.asReporter(tx, by, caseID, act, owner)
}

func (d *Desk) asReporter(tx *db.Tx, by *access.Actor, caseID id.ID, in Act, owner string) (Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return c, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return c, err
	}
	env.owner = owner
	return d.act(env, by, c, in, true)
}

// CommentAsReporter adds words or photos of the reporter; work goes on with
// them. Once the case is shut and its term over, nothing is added any more.
func (d *Desk) CommentAsReporter(tx *db.Tx, by *access.Actor, caseID id.ID, in Comment, owner string) (Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return c, err
	}
	in.Internal = false
	if c.State == Merged {
		main, err := get(tx, c.Main)
		if err != nil || main.about().Shut {
			return c, cmp.Or(err, error(ErrTermOver))
		}
		if err := d.comment(tx, by, c, in, owner); err != nil {
			return c, err
		}
		env, err := d.env(tx, by)
		if err != nil {
			return c, err
		}
		return c, d.hears(env, by, c)
	}
	if c.about().Shut {
		return c, ErrTermOver
	}
	return c, d.comment(tx, by, c, in, owner)
}

// PublicView gives what the reporter sees.
func (d *Desk) PublicView(tx *db.Tx, caseID id.ID) (*PublicCase, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return nil, err
	}
	env, err := d.env(tx, access.Nobody("portal", words.Chinese))
	if err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	on := c // the case that the reporter follows
	if c.State == Merged {
		if on, err = get(tx, c.Main); err != nil {
			return nil, err
		}
	}
	p := &PublicCase{
		ID: c.ID, Flow: c.Flow, Number: c.Number, ItemName: env.item.Name, Text: c.Text, Place: c.Where, Stage: on.about().Stage,
		Messages: []PublicMessage{}, Photos: []PublicPhoto{}, Looked: []PublicLook{}, Can: []string{},
		Paused: on.Clock.Paused, Refused: on.State == Refused || on.State == Declined, Ended: on.about().Final && on.State != Closed && on.State != Handed, Merged: c.State == Merged,
		Rating: c.Rating, Reported: c.Recorded, Closed: on.Closed, Version: c.Version, MadeUp: c.MadeUp,
	}
	if c.Flow == catalog.Approval {
		p.Application = d.applicationOf(env, c)
	}
	entries, err := journal.Timeline(tx, c.ID)
	if err != nil {
		return nil, err
	}
	reached := map[string]time.Time{}
	for _, e := range entries {
		if err := d.tell(env, p, c, e, reached); err != nil {
			return nil, err
		}
	}
	if on.ID != c.ID {
		if err := env.of(on); err != nil {
			return nil, err
		}
		if err := d.tellMain(env, p, on, entries, reached); err != nil {
			return nil, err
		}
	}
	p.Stages = stagesFor(env.catalog, on, reached)
	d.promise(env, p, on)
	if err := photosFor(tx, p, c, on); err != nil {
		return nil, err
	}
	if err := d.publicMoves(env, p, c, on); err != nil {
		return nil, err
	}
	if a := p.Application; a != nil {
		if slices.Contains(p.Can, "appeal") {
			a.AppealUntil = c.Closed.Add(d.term)
		}
		if c.State != Declined {
			a.Reason, a.Answer = nil, "" // of an earlier decision
		}
	}
	return p, nil
}

// applicationOf is what the state of an application means to the applicant.
func (d *Desk) applicationOf(env *env, c Case) *PublicApplication {
	a := &PublicApplication{Step: c.State, Posting: c.Posting}
	if c.State == Correcting && c.Hold != nil {
		a.Missing, a.MissingBy = c.Hold.Note, c.Hold.Until
	}
	if !c.about().Shut && c.Clock.Kind != "" && !c.Clock.Given {
		limit := c.Clock.Limit
		a.Clock, a.Limit, a.From, a.Stood = c.Clock.Kind, &limit, c.Clock.Start, c.Stood
	}
	return a
}

// declines are the acts that refuse an application.
var declines = map[string]bool{"case.approve": true, "case.appeal_decide": true}

// residentReasons are the acts whose reason the resident reads.
var residentReasons = map[string]bool{
	"case.refuse": true, "case.withdraw": true, "case.suspend_decide": true, "case.reopen": true, "case.void_decide": true, "case.object": true,
	"case.extend_decide": true, "case.escalate": true, "case.merge": true,
}

// tell adds what one entry means to the reporter.
func (d *Desk) tell(env *env, p *PublicCase, c Case, e journal.Entry, reached map[string]time.Time) error {
	var b Body
	if _, err := e.Decode(&b); err != nil {
		return err
	}
	if e.Subject != c.ID {
		return nil
	}
	if b.To != "" && b.To != b.From {
		stage := stageOf(c.Flow, b.To)
		if _, there := reached[stage]; !there || b.From != "" && stageOf(c.Flow, b.From) != stage {
			reached[stage] = e.Occurred
		}
	}
	own := e.By.Via == "portal"
	switch {
	case e.Kind == "case.reveal" || e.Kind == "case.export":
		p.Looked = append(p.Looked, PublicLook{At: e.Recorded, Post: env.postName(e.By.Post), Purpose: d.purposeName(env, b.Purpose)})
		return nil
	case b.Internal, e.Kind == "case.answered", e.Kind == "case.taken_up":
		return nil // the main case says it
	case e.Kind == "case.object" && c.Flow == catalog.Approval:
		return nil // a stranger's words against the posting are for staff
	case own && b.Note != "" && b.Other.IsZero() && (e.Kind == "case.object" || e.Kind == "case.check" || e.Kind == "case.submit" || e.Kind == "case.appeal"):
		p.Messages = append(p.Messages, PublicMessage{At: e.Occurred, Text: words.Text{Chinese: b.Note, English: b.Note}, Own: true})
	}
	if declines[e.Kind] && b.To == Declined && p.Application != nil {
		p.Application.Answer, p.Application.Reason = b.ResidentText, nil
		if r, err := env.catalog.Reason(b.Reason); err == nil && r.ResidentText != nil {
			p.Application.Reason = r.ResidentText
			p.Messages = append(p.Messages, PublicMessage{At: e.Occurred, Text: *r.ResidentText})
		}
	}
	if b.ResidentText != "" {
		p.Messages = append(p.Messages, PublicMessage{At: e.Occurred, Text: words.Text{Chinese: b.ResidentText, English: b.ResidentText}, Own: own})
		return nil
	}
	if residentReasons[e.Kind] && b.Reason != "" && b.Result != Fail {
		if r, err := env.catalog.Reason(b.Reason); err == nil && r.ResidentText != nil {
			p.Messages = append(p.Messages, PublicMessage{At: e.Occurred, Text: *r.ResidentText})
		}
	}
	return nil
}

// stagesFor lists the six stages as past, present and to come.
func stagesFor(cat *catalog.Snapshot, c Case, reached map[string]time.Time) []PublicStage {
	now := c.about().Stage
	out := []PublicStage{}
	place := "past"
	for _, s := range cat.Stages() {
		st := PublicStage{Key: s.Key, Name: s.Name, Text: s.Text, State: place, At: reached[s.Key]}
		if c.Flow == catalog.Approval {
			st.Text = s.TextApplication
		}
		if s.Key == now {
			st.State, place = "now", "next"
		} else if place == "next" {
			st.At = time.Time{}
		}
		out = append(out, st)
	}
	return out
}

// promise is the time the resident is promised: the handling deadline, or while
// nobody has the case in hand, when it would be if it were given out now.
func (d *Desk) promise(env *env, p *PublicCase, c Case) {
	if c.about().Shut || c.Clock.Paused {
		return
	}
	if c.Clock.Kind == ClockHandle {
		p.Promised = c.Clock.Due
		return
	}
	if c.State == Done || c.State == Publicised {
		return
	}
	if c.State == Approved {
		p.Promised = c.Clock.Due
		return
	}
	if !c.Given.IsZero() {
		p.Promised = c.Given
		return
	}
	limit, ok := limitOf(env.catalog, env.condition, ClockHandle)
	if !ok {
		return
	}
	cal, err := d.calendars.For(env.tx, "")
	if err != nil {
		return
	}
	if due, err := cal.Due(limit, env.at, nil); err == nil {
		p.Promised, p.Estimated = due.At, true
	}
}

// photosFor lists the photos that the reporter may see.
func photosFor(tx *db.Tx, p *PublicCase, c, on Case) error {
	all, err := filesOf(tx, c.ID)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Owner != "" && f.State != FileDiscarded {
			p.Photos = append(p.Photos, PublicPhoto{ID: f.ID, Kind: f.Kind, Paper: f.Media == blob.PaperType, Own: true, Waiting: f.State == FileQuarantine})
		}
	}
	if on.ID != c.ID {
		if all, err = filesOf(tx, on.ID); err != nil {
			return err
		}
	}
	copies, err := copiesOf(tx, on.ID)
	if err != nil {
		return err
	}
	for _, f := range all {
		if publicCopy(on, f, copies[f.ID]) {
			p.Photos = append(p.Photos, PublicPhoto{ID: f.ID, Kind: f.Kind})
		}
	}
	return nil
}

// publicCopy says whether the reporter may see the copy of a photo that staff
// took: a person released it, and a second one checked or closed the case, who
// is never the one that took the photo. The photo itself is shown to nobody
// outside. (DESIGN.md section 9: nothing leaves the staff side before a person
// reviewed it)
func publicCopy(c Case, f File, made Copy) bool {
	reviewed := c.Check == Pass || c.State == Closed
	return reviewed && mayLeave(f) && made.State == CopyReleased
}

// PublicFile gives a photo of the reporter's case. Code: case.file_missing.
func (d *Desk) PublicFile(tx *db.Tx, caseID, fileID id.ID, size string) (*httpx.Content, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return nil, err
	}
	f, err := scanFile(tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1 AND case_id = $2`, fileID, caseID))
	if err == nil && f.Owner != "" && f.State != FileDiscarded {
		return d.content(f, size) // the own one
	}
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, fmt.Errorf("read file: %w", err)
	}
	if c.State == Merged {
		if c, err = get(tx, c.Main); err != nil {
			return nil, err
		}
		f, err = scanFile(tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1 AND case_id = $2 AND owner IS NULL`, fileID, c.ID))
	}
	if errors.Is(err, db.ErrNoRows) {
		return nil, ErrFileMissing
	}
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	made, err := getCopy(tx, f.ID)
	if errors.Is(err, ErrNoCopy) || err == nil && !publicCopy(c, f, made) {
		return nil, ErrFileMissing
	}
	if err != nil {
		return nil, err
	}
	return d.copyContent(made, f, size)
}

// publicMoves says what the reporter may do now.
func (d *Desk) publicMoves(env *env, p *PublicCase, own, on Case) error {
	c := on
	flow, ok := FlowOf(c.Flow)
	if !ok {
		return nil
	}
	by := access.Nobody("portal", words.Chinese)
	for _, key := range reporterMoves[own.Flow] {
		if c = own; key == "object" {
			c = on
		}
		if err := env.of(c); err != nil {
			return err
		}
		m, ok := flow.Move(key)
		if !ok || !slices.Contains(m.From, c.State) {
			continue
		}
		s, err := d.gather(env, by, c, m, Act{Move: key}, true)
		if err != nil {
			return err
		}
		s.facts.Given = Given{Note: "–", Score: 5}
		if m.Reasons != "" {
			reasons, err := d.reasonsFor(env, s.facts, m)
			if err != nil {
				return err
			}
			if len(reasons) == 0 {
				continue
			}
			s.facts.ReasonSent = true
			s.facts.Reason, _ = env.catalog.Reason(reasons[0].Key)
			p.Reasons = reasons
		}
		if _, err := flow.Take(key, s.facts); err == nil {
			p.Can = append(p.Can, key)
		}
	}
	if err := env.of(own); err != nil {
		return err
	}
	if _, _, asked := d.demands(own, env.item); asked && own.State == Done && own.Check == Waiting {
		p.Can = append(p.Can, "confirm")
	}
	if !on.about().Shut {
		p.Can = append(p.Can, "comment")
	}
	return nil
}
