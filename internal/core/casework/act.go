package casework

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Act is a move as somebody asks for it.
type Act struct {
	Move         string    `json:"move" maxLength:"40"`
	Reason       string    `json:"reason,omitempty" maxLength:"60"`
	Note         string    `json:"note,omitempty" maxLength:"2000" doc:"for staff; what was found, what was done"`
	Post         id.ID     `json:"post_id,omitzero"`
	Result       Outcome   `json:"result,omitempty" enum:"pass,fail"`
	ResidentText string    `json:"resident_text,omitempty" maxLength:"2000" doc:"what the resident reads"`
	Files        []id.ID   `json:"file_ids,omitempty" maxItems:"20"`
	Evidence     []string  `json:"evidence,omitempty" maxItems:"10" doc:"evidence that is on paper: signature, consent, measurement, track_summary"`
	Score        int       `json:"score,omitempty" minimum:"1" maximum:"5"`
	Until        time.Time `json:"until,omitzero"`
	Units        int64     `json:"units,omitempty" minimum:"0" maximum:"1000" doc:"how much more time, in the units of the reason's limit"`
	Item         string    `json:"item,omitempty" maxLength:"60"`
	Condition    string    `json:"condition,omitempty" maxLength:"60"`
	Main         id.ID     `json:"main_id,omitzero" doc:"the case a duplicate is merged into"`
	Then         []Act     `json:"then,omitempty" maxItems:"4" doc:"moves right after this one in the same command, each by its own rules: all of them or none"`

	// Joins says that Merge tells the main case of all its duplicates together.
	Joins int `json:"-"`
}

// Precondition is what a command demands of the case it changes; the edge's is
// one (a version, or "after my command").
type Precondition interface {
	Check(tx *db.Tx, subject id.ID, version int64) error
}

// paper is evidence that can be attested in words.
var paper = []string{"signature", "consent", "measurement", "track_summary", "record"}

// Move makes one move on a case the actor may see. The acting post needs the
// move's permission there. Moves that follow it in the same command (Then) are
// each judged as they come, on the case as the one before left it; when one is
// refused nothing has happened. Codes: case.missing, request.changed,
// access.denied, case.no_move, case.wrong_state and those of the guards.
func (d *Desk) Move(tx *db.Tx, by *access.Actor, caseID id.ID, in Act, pre Precondition) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	if pre != nil {
		if err := pre.Check(tx, c.ID, c.Version); err != nil {
			return c, err
		}
	}
	if slices.ContainsFunc(in.Then, func(a Act) bool { return len(a.Then) > 0 }) {
		return c, ErrInvalid.At("body.then", "field.wrong") // one row of moves, no tree
	}
	for _, one := range append([]Act{in}, in.Then...) {
		if !sees(by, c) {
			return c, ErrMissing // the move before took it out of sight
		}
		env, err := d.env(tx, by)
		if err != nil {
			return c, err
		}
		if c, err = d.act(env, by, c, one, false); err != nil {
			return c, err
		}
	}
	return c, nil
}

// act is Move, the reporter's own move through the portal (asReporter) and the
// program's own.
func (d *Desk) act(env *env, by *access.Actor, c Case, in Act, asReporter bool) (Case, error) {
	if err := in.tidy(); err != nil {
		return c, err
	}
	if err := env.of(c); err != nil {
		return c, err
	}
	flow, ok := FlowOf(c.Flow)
	if !ok {
		return c, ErrFlowNotYet.With("flow", string(c.Flow))
	}
	m, ok := flow.Move(in.Move)
	if !ok || len(m.From) == 0 {
		return c, ErrNoMove.With("move", in.Move)
	}
	if m.Permission != "" && !asReporter && !env.anybody {
		if err := by.Check(m.Permission, c.Sight()); err != nil {
			return c, err
		}
	}
	s, err := d.gather(env, by, c, m, in, asReporter)
	if err != nil {
		return c, err
	}
	to, err := flow.Take(m.Key, s.facts)
	if err != nil {
		return c, err
	}
	c, err = d.apply(env, by, s, m, in, to)
	if err == nil && m.Key == "merge" && in.Joins == 0 {
		_, err = d.join(env, by, in.Main, []Case{c})
	}
	return c, err
}

func (a *Act) tidy() error {
	a.Note, a.ResidentText = strings.TrimSpace(a.Note), strings.TrimSpace(a.ResidentText)
	f := ErrInvalid
	for path, s := range map[string]string{"body.note": a.Note, "body.resident_text": a.ResidentText} {
		if utf8.RuneCountInString(s) > maxNote || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			f = f.At(path, "case.too_long", "most", maxNote)
		}
	}
	if len(a.Files) > maxFiles {
		f = f.At("body.file_ids", "case.too_many", "most", maxFiles)
	}
	if a.Result != "" && a.Result != Pass && a.Result != Fail {
		f = f.At("body.result", "field.wrong")
	}
	for _, e := range a.Evidence {
		if !slices.Contains(paper, e) {
			f = f.At("body.evidence", "field.wrong")
		}
	}
	if len(f.Where) > 0 {
		return f
	}
	a.Until = a.Until.UTC().Truncate(time.Millisecond)
	return nil
}

// scene is what a move looks at and changes.
type scene struct {
	facts Facts
	tasks []Case     // open tasks of the case
	sent  []dispatch // open dispatches, the last first
	claim claim
}

// gather reads what the rules of a move look at, and no more.
func (d *Desk) gather(env *env, by *access.Actor, c Case, m Move, in Act, asReporter bool) (*scene, error) {
	s := &scene{}
	if err := d.reclassify(env, &c, m, in); err != nil {
		return nil, err
	}
	f := Facts{
		Case: c, Item: env.item, Now: env.at, Imported: by.Trusted() && !by.AsOf.IsZero(),
		Given: Given{Note: in.Note, ResidentText: in.ResidentText, Result: in.Result, Score: in.Score, Until: in.Until, Units: in.Units},
	}
	if in.Reason != "" {
		f.ReasonSent = true
		if r, err := env.catalog.Reason(in.Reason); err == nil {
			f.Reason = r
		}
	}
	if m.Key == "suspend_ask" && f.Reason.Effect.MaxLength != nil {
		latest, err := d.latest(env, c, f.Reason)
		if err != nil {
			return nil, err
		}
		f.UntilMax = latest
	}
	f.Verify, f.Check, f.ByResident = d.demands(c, env.item)
	f.Posting = c.Flow == catalog.Approval && posts(env.condition)
	f.PostingOver = c.Posting != nil && !env.at.Before(c.Posting.Until)
	f.InTerm = !c.Closed.IsZero() && env.at.Sub(c.Closed) <= d.term
	if err := d.mainOf(env, by, c, m, in, &f); err != nil {
		return nil, err
	}
	var err error
	if c.open() && c.Parent.IsZero() && (c.Verify == Waiting || c.Check == Waiting || len(c.Helpers) > 0 || c.Supervised != nil) {
		if s.tasks, err = openTasks(env.tx, c.ID); err != nil {
			return nil, err
		}
	}
	if c.Flow == catalog.Handling && c.open() && c.State != Reported && c.State != Accepted && c.State != Done {
		if s.sent, err = openDispatches(env.tx, c.ID); err != nil {
			return nil, err
		}
		f.Senders = len(s.sent)
	}
	f.Supervised = slices.ContainsFunc(s.tasks, func(t Case) bool { return t.Task == TaskSupervise })
	if m.Key == "escalate" {
		f.Up = d.upOf(env, by, c, in)
	}
	if f.Hand, err = d.handOf(env, by, c, m, s, asReporter); err != nil {
		return nil, err
	}
	if m.Key == "dispatch" || m.Key == "cooperate_ask" {
		if f.Target, err = d.targetOf(env, c, in.Post); err != nil {
			return nil, err
		}
	}
	if f.Have, err = d.evidenceOf(env, by, c, m, in); err != nil {
		return nil, err
	}
	s.facts = f
	return s, nil
}

// reclassify lets a desk correct the item or condition while it accepts, files
// or dispatches.
func (d *Desk) reclassify(env *env, c *Case, m Move, in Act) error {
	if in.Item == "" && in.Condition == "" {
		return nil
	}
	if !slices.Contains([]string{"accept", "file", "dispatch"}, m.Key) {
		return ErrInvalid.At("body.item", "case.item_fixed")
	}
	if in.Item != "" && in.Item != c.Item {
		item, err := env.catalog.Item(in.Item, env.at)
		if err != nil {
			return ErrItemUnknown.With("item", clip(in.Item, 60)).At("body.item", "case.item_unknown")
		}
		if item.Flow != c.Flow {
			return ErrInvalid.At("body.item", "case.other_flow")
		}
		env.item = item
		c.Item, c.ItemVersion, c.Secrecy = item.Key, item.Admission.Version, max(c.Secrecy, secrecyOf(item))
	}
	cond, ok := env.item.Condition(in.Condition)
	if !ok {
		return ErrInvalid.At("body.condition", "case.condition_unknown")
	}
	env.condition = cond
	c.Condition, c.Priority = cond.Key, cond.Priority
	return nil
}

// latest is the longest suspension that a reason allows, on the case's calendar.
func (d *Desk) latest(env *env, c Case, r catalog.Reason) (time.Time, error) {
	cal, err := d.calendars.For(env.tx, c.Clock.Calendar)
	if err != nil {
		return time.Time{}, err
	}
	due, err := cal.Due(*r.Effect.MaxLength, env.at, nil)
	return due.At, err
}

// sampleOf is how many cases a sample takes one of.
const sampleOf = 5

// demands says whether the item asks for a look before filing and before
// closing, and whether the resident's own word serves for the latter. A sample
// is drawn from the case's own id, so it is the same whoever asks.
func (d *Desk) demands(c Case, item catalog.Item) (verify, check, byResident bool) {
	asks := func(i catalog.Inspection) bool {
		switch i.Required {
		case catalog.Always:
			return true
		case catalog.PublicReports:
			return c.Public || c.Channel == "sensor"
		case catalog.Sample:
			return int(c.ID[15])%sampleOf == 0
		}
		return false
	}
	if c.Flow == catalog.Approval {
		return false, false, false // its looks are moves of their own
	}
	verify = c.Task == "" && asks(item.Verify) && c.Used[waivedKey+"verify"] == 0
	check = c.Task == "" && asks(item.Check) && c.Used[waivedKey+"check"] == 0
	byResident = check && c.Reporter && len(item.Check.By) > 0 && item.Check.By[0] == "resident"
	return verify, check, byResident
}

// waivedKey marks a look that nobody could be asked for.
const waivedKey = "waived_"

// handOf says what the actor is to the case.
func (d *Desk) handOf(env *env, by *access.Actor, c Case, m Move, s *scene, asReporter bool) (Hand, error) {
	me := by.By()
	h := Hand{System: by.Trusted() && by.Person.IsZero() && by.Post.IsZero()}
	h.Owner = by.Post == c.Post || by.Post == c.Acting
	if by.Trusted() && by.Post.IsZero() {
		h.Owner = true // an importer acts for whom it was
		h.Sender = true
	}
	h.Reporter = asReporter || !by.Person.IsZero() && by.Person == c.By.Person
	if (m.Key == "verify" || m.Key == "review") && !asReporter {
		h.Reporter = access.SameHand(me, d.reporterOf(env, c))
	}
	h.Handled = access.SameHand(me, c.Worker)
	h.Reviewed, h.Decided = access.SameHand(me, c.Reviewer), access.SameHand(me, c.Decider)
	if c.Ask != nil {
		h.Asked = access.SameHand(me, c.Ask.By)
	}
	if p, ok := env.org.Post(by.Post); ok {
		owner, _ := env.org.Post(c.Post)
		h.Role, h.Unit = p.Role, p.Unit == owner.Unit
	}
	if len(s.sent) > 0 {
		from := s.sent[0].From
		h.Sender = h.Sender || by.Post == from || env.org.Effective(from, env.staffed).ID == by.Post
	}
	if slices.ContainsFunc(m.Guards, func(g Guard) bool { return g.Name == unclaimed.Name }) {
		var err error
		if s.claim, err = claimOf(env.tx, c, env.tx.Now()); err != nil {
			return h, err
		}
		h.Shut = !s.claim.Person.IsZero() && s.claim.Person != by.Person && !by.Trusted()
	}
	return h, nil
}

// reporterOf is the hand that reported a case; of a task, its case's.
func (d *Desk) reporterOf(env *env, c Case) journal.By {
	if c.Parent.IsZero() {
		return c.By
	}
	if p, err := get(env.tx, c.Parent); err == nil {
		return p.By
	}
	return journal.By{}
}

// targetOf judges the post that a case shall go to.
func (d *Desk) targetOf(env *env, c Case, post id.ID) (Target, error) {
	if post.IsZero() {
		return Target{}, nil
	}
	p, ok := env.org.Post(post)
	if !ok || !p.Open(env.at) {
		return Target{}, ErrPostUnknown.With("post", post.String()).At("body.post_id", "case.post_unknown")
	}
	if !reachable(env.org.SightOf(p).Nodes, c.Nodes) {
		return Target{}, ErrPostElsewhere.At("body.post_id", "case.post_elsewhere")
	}
	return Target{
		Found: true, Self: post == c.Post, Helps: env.allows(p.Role, "case.cooperate_answer"), Asked: has(c.Helpers, post), Takes: env.allows(p.Role, "case.take"), Dispatches: env.allows(p.Role, "case.dispatch"),
	}, nil
}

// reachable says whether a post may be given a case of a place: it looks after
// the place, is above it, or has no place of its own as a department's posts.
// Whoever gets a case sees it, so one never goes to another street or platform.
func reachable(post, at journal.Nodes) bool {
	same := func(a, b id.ID) bool { return a.IsZero() || b.IsZero() || a == b }
	return same(post.Street, at.Street) && same(post.Platform, at.Platform)
}

// evidenceOf counts the evidence on the case with what comes along.
func (d *Desk) evidenceOf(env *env, by *access.Actor, c Case, m Move, in Act) (map[string]int, error) {
	have := map[string]int{}
	for k, n := range c.Have {
		have[k] += n
	}
	if !slices.ContainsFunc(m.Guards, func(g Guard) bool { return g.Name == evidence.Name || g.Name == taskEvidence.Name }) {
		return have, nil
	}
	if by.Trusted() {
		// What an importer carries over was closed on evidence that lies where
		// it came from.
		for _, e := range env.item.Evidence {
			have[e.Kind] += e.Min
		}
	}
	for k, n := range said(in) {
		have[k] += n
	}
	kinds, err := fileKinds(env.tx, c.ID, in.Files)
	if err != nil {
		return nil, err
	}
	for k, n := range kinds {
		have[evidenceKind(k)] += n
	}
	return have, nil
}

// said is the evidence that the words of a move are: the note is the record,
// the resident's text the reply.
func said(in Act) map[string]int {
	n := map[string]int{}
	if in.Note != "" {
		n["record"]++
	}
	if in.ResidentText != "" {
		n["reply"]++
	}
	for _, e := range in.Evidence {
		n[e]++
	}
	return n
}

// evidenceKind names a file's kind as the register does.
func evidenceKind(k string) string {
	switch k {
	case "before", "after":
		return "photo_" + k
	}
	return k
}

// ErrBadFiles says that a file is not the actor's own fresh upload.
var ErrBadFiles = fault.New(fault.Invalid, "case.file_unknown")
