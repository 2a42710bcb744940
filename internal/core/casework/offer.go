package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Offer is a move as it is offered to a person: whether it is possible, why
// not, what it needs and what will follow. "A button says what will happen, and
// to whom." (look/LOOK.md, principle 3)
type Offer struct {
	Move        string         `json:"move"`
	Name        words.Text     `json:"name"`
	Allowed     bool           `json:"allowed"`
	Why         *Why           `json:"why,omitempty"`
	Needs       []Need         `json:"needs"`
	Reasons     []ReasonChoice `json:"reasons,omitempty"`
	Posts       []PostChoice   `json:"posts,omitempty"`
	ToState     State          `json:"to_state"`
	Next        Next           `json:"next"`
	Consequence words.Text     `json:"consequence"`
}

// Why says why a move is not possible now.
type Why struct {
	Code    string     `json:"code"`
	Message words.Text `json:"message"`
}

// ReasonChoice is a reason that can be given.
type ReasonChoice struct {
	Key          string          `json:"key"`
	Name         words.Text      `json:"name"`
	NeedsNote    bool            `json:"needs_note"`
	ResidentText *words.Text     `json:"resident_text,omitempty"`
	Latest       time.Time       `json:"latest,omitzero"` // longest suspension
	Most         *calendar.Limit `json:"most,omitempty"`  // most time that can be asked for
}

// PostChoice is a post that can be chosen.
type PostChoice struct {
	ID      id.ID      `json:"id"`
	Name    words.Text `json:"name"`
	Vacant  bool       `json:"vacant,omitempty"`
	StandIn bool       `json:"stand_in,omitempty"`
}

// Next is who has the case after a move, until when, and what the resident sees.
type Next struct {
	Post     id.ID       `json:"post_id,omitzero"`
	PostName *words.Text `json:"post_name,omitempty"`
	Due      time.Time   `json:"due_at,omitzero"`
	Clock    ClockKind   `json:"clock,omitempty"`
	Stage    string      `json:"resident_stage,omitempty"`
}

func formOf(c Case) (map[string]any, error) {
	if len(c.Form) == 0 {
		return nil, nil
	}
	var m map[string]any
	if err := json.Unmarshal(c.Form, &m); err != nil {
		return nil, fmt.Errorf("form of %s: %w", c.ID, err)
	}
	return m, nil
}

// offers lists what the actor's acting post may do to a case now, and what it
// may not although the post could elsewhere, with the reason.
func (d *Desk) offers(env *env, by *access.Actor, c Case) ([]Offer, error) {
	flow, ok := FlowOf(c.Flow)
	if !ok {
		return []Offer{}, nil
	}
	out := []Offer{}
	for _, m := range flow.From(c.State) {
		if m.Permission == "" || !by.Has(m.Permission) {
			continue
		}
		if err := env.of(c); err != nil {
			return nil, err
		}
		o, shown, err := d.offer(env, by, c, flow, m)
		if err != nil {
			return nil, err
		}
		if shown {
			out = append(out, o)
		}
	}
	return out, nil
}

// offer judges one move with everything it needs assumed to be given.
func (d *Desk) offer(env *env, by *access.Actor, c Case, flow *Flow, m Move) (Offer, bool, error) {
	o := Offer{Move: m.Key, Name: d.words.Text(d.keyFor("casework.move.", c, m.Key), nil), Needs: []Need{}}
	s, err := d.gather(env, by, c, m, Act{Move: m.Key}, false)
	if err != nil {
		return o, false, err
	}
	if m.Key == "merge" {
		s.facts.Main = Main{Found: true, Open: true, Same: true} // which one is chosen later
	}
	missing := s.facts.missing()
	s.facts.Given = Given{Note: "–", ResidentText: "–", Result: Pass, Score: 5, Until: env.at.Add(24 * time.Hour), Units: 1}
	if m.Reasons != "" {
		if o.Reasons, err = d.reasonsFor(env, s.facts, m); err != nil {
			return o, false, err
		}
		if len(o.Reasons) > 0 && m.Key != "check" {
			s.facts.ReasonSent = true
			s.facts.Reason, _ = env.catalog.Reason(o.Reasons[0].Key)
		}
	}
	if m.Key == "review" && c.State == Accepted {
		s.facts.Given.Result = "" // it begins
	}
	if m.Key == "publicise" && c.State == Publicised && !s.facts.PostingOver {
		s.facts.Given.Result = Fail // before its time only an objection ends it
	}
	if m.Key == "dispatch" {
		o.Posts = d.targets(env, c)
		if len(o.Posts) > 0 {
			if s.facts.Target, err = d.targetOf(env, c, o.Posts[0].ID); err != nil {
				return o, false, err
			}
		}
	}
	if m.Key == "cooperate_ask" {
		if o.Posts = d.helpersFor(env, c); len(o.Posts) > 0 {
			if s.facts.Target, err = d.targetOf(env, c, o.Posts[0].ID); err != nil {
				return o, false, err
			}
		}
	}
	for _, k := range missing {
		s.facts.Have[k] = 99
	}
	denied := by.Check(m.Permission, c.Sight())
	to, err := flow.Take(m.Key, s.facts)
	if denied != nil {
		err = denied
	}
	if err != nil {
		f := fault.Of(err)
		if f.Kind == fault.Internal {
			return o, false, err
		}
		if hidden(f) {
			return o, false, nil
		}
		o.Why = &Why{Code: f.Code, Message: d.say(f)}
	}
	o.Allowed = err == nil
	o.ToState = to
	o.Needs = needsOf(m, s.facts, missing)
	o.Next = d.foresee(env, by, s, m, o, to)
	o.Consequence = d.consequence(env, c, m, o)
	return o, true, nil
}

// hidden are reasons for which a move is not even shown: it is somebody else's
// or belongs to another kind of task.
func hidden(f *fault.Fault) bool {
	return slices.Contains([]string{ErrWrongTask.Code, ErrNotReporter.Code, ErrNotAsked.Code, ErrNotFailed.Code, access.ErrDenied.Code}, f.Code)
}

// keyFor is the key of a sentence about a move: that of the flow or of the state
// where the same move means something else there.
func (d *Desk) keyFor(kind string, c Case, move string) string {
	for _, own := range []string{kind + move + "_" + string(c.State), kind + string(c.Flow) + "_" + move} {
		if d.words.Has(own) {
			return own
		}
	}
	return kind + move
}

// say puts a fault into words.
func (d *Desk) say(f *fault.Fault) words.Text {
	if !d.words.Has(f.Code) {
		return d.words.Text("casework.denied", nil)
	}
	args := map[string]any{}
	for k, v := range f.Args {
		args[k] = v
	}
	return d.words.Text(f.Code, args)
}

// needsOf lists what must come along, the evidence that is still missing last.
func needsOf(m Move, f Facts, missing []string) []Need {
	out := []Need{}
	add := func(n Need) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, n := range m.Needs {
		if n != NeedRecord && !(begun(m, f) && n == NeedResult) && !(begun(m, f) && m.Key != "publicise" && n == NeedNote) {
			add(n)
		}
	}
	if slices.ContainsFunc(m.Guards, func(g Guard) bool { return g.Name == evidence.Name || g.Name == taskEvidence.Name }) {
		for _, k := range missing {
			switch k {
			case "reply":
				add(NeedResidentText)
			default:
				add(Need(k))
			}
		}
	}
	return out
}

// begun says whether a move that has a result at its end is only begun here.
func begun(m Move, f Facts) bool {
	switch m.Key {
	case "review":
		return f.Case.State == Accepted
	case "home_check", "publicise":
		return f.Case.State == Reviewing
	}
	return false
}

// reasonsFor lists the reasons that fit a move now.
func (d *Desk) reasonsFor(env *env, f Facts, m Move) ([]ReasonChoice, error) {
	var out []ReasonChoice
	for _, r := range env.catalog.Reasons(m.Reasons) {
		f.Reason, f.ReasonSent = r, true
		fits := true
		for _, g := range []Guard{reasonLeft, notConfirmed} {
			fits = fits && g.Check(f) == nil
		}
		if m.Key == "withdraw" {
			fits = fits && reasonFits.Check(f) == nil
		}
		if m.Key == "merge" {
			fits = fits && mergeReason.Check(f) == nil
		}
		if !fits {
			continue
		}
		c := ReasonChoice{Key: r.Key, Name: r.Name, NeedsNote: r.NeedsNote, ResidentText: r.ResidentText}
		if m.Key == "suspend_ask" && r.Effect.MaxLength != nil {
			latest, err := d.latest(env, f.Case, r)
			if err != nil {
				return nil, err
			}
			c.Latest = latest
		}
		if m.Key == "extend_ask" {
			c.Most = r.Effect.MaxLength
		}
		out = append(out, c)
	}
	return out, nil
}

// targets lists the posts a case can be dispatched to: those of the item's
// route, then the departments, then the desks that dispatch onwards.
func (d *Desk) targets(env *env, c Case) []PostChoice {
	posts := d.route(env, c)
	for _, u := range env.org.Units {
		if u.Kind == org.Department {
			posts = append(posts, env.org.PostsNear("department_handler", journal.Nodes{}, u.ID, env.staffed)...)
		}
	}
	for _, role := range append([]string{"grid_officer"}, desks...) {
		if near := env.org.PostsNear(role, c.Nodes, id.ID{}, env.staffed); len(near) > 0 {
			posts = append(posts, near[0])
		}
	}
	posts = slices.DeleteFunc(posts, func(p org.Post) bool {
		takes := env.allows(p.Role, "case.take")
		return !takes && (!env.allows(p.Role, "case.dispatch") || p.ID == c.Post)
	})
	return postChoices(env.org, posts, env.at)
}

// foresee says who would have the case after a move and until when.
func (d *Desk) foresee(env *env, by *access.Actor, s *scene, m Move, o Offer, to State) Next {
	c := s.facts.Case
	n := Next{Stage: stageOf(c.Flow, to)}
	post := c.Post
	switch m.Owner {
	case OwnerTarget:
		if len(o.Posts) > 0 {
			post = o.Posts[0].ID
		}
	case OwnerSender:
		if to == Filed && len(s.sent) > 0 {
			post = s.sent[0].From
		}
	case OwnerIntake, OwnerFiler:
		if p, ok := env.org.Post(by.Post); ok && env.allows(p.Role, "case.dispatch") && m.Key != "reopen" && m.Key != "unmerge" {
			post = p.ID
		} else {
			post = c.Intake
		}
	case OwnerHandler:
		post = c.Handler
	case OwnerNext:
		post = d.nextOf(env, c, c.Post, 0)
	case OwnerSame:
		if m.Key == "escalate" && s.facts.Reason.Effect.Owner == "next_level" {
			post = s.facts.Up
		}
	case OwnerChecker:
		post = d.foreseeChecker(env, by, s, m, to)
	}
	f, _ := FlowOf(c.Flow)
	if f.About[to].Shut {
		return n
	}
	if c.Flow == catalog.Approval {
		then := c
		then.State = to
		post = d.applicationOwner(env, by.By(), m, then)
	}
	n.Post, n.PostName = post, text(env.postName(post))
	kind := c.clockOf(to)
	if kind == clockPaused || kind == clockStopped {
		return n
	}
	n.Clock = kind
	if kind == c.Clock.Kind && (post == c.Post || c.Flow == catalog.Approval) {
		n.Due = c.Clock.Due
		return n
	}
	if limit, ok := limitOf(env.catalog, env.condition, kind); ok {
		if cal, err := d.calendars.For(env.tx, calendarOf(env.org, post, kind)); err == nil {
			if due, err := cal.Due(limit, env.at, nil); err == nil {
				n.Due = due.At
			}
		}
	}
	if kind == ClockHandle && !c.Given.IsZero() {
		n.Due = c.Given
	}
	return n
}

// foreseeChecker says who would look at it, without asking anybody yet.
func (d *Desk) foreseeChecker(env *env, by *access.Actor, s *scene, m Move, to State) id.ID {
	c := s.facts.Case
	if c.Flow == catalog.Handling && (m.Key == "check" || !s.facts.Check || s.facts.ByResident) || to != Done {
		if c.Flow == catalog.Handling {
			return c.Intake
		}
		return c.Post
	}
	if post := d.other(env, c, slices.Concat(env.item.Check.By, inspectors["check"]), "case.check", by.By()); !post.IsZero() {
		return post
	}
	return c.Intake
}

// stage is what a resident sees of a state.
func stageOf(f catalog.Flow, s State) string {
	if t, ok := FlowOf(f); ok {
		return t.About[s].Stage
	}
	return ""
}

// consequence is one sentence: who is told, by when, what the resident sees.
func (d *Desk) consequence(env *env, c Case, m Move, o Offer) words.Text {
	key := d.keyFor("casework.consequence.", c, m.Key)
	if m.Key == "dispatch" && len(o.Posts) > 1 {
		key += "_choose"
	}
	post := words.Text{Chinese: "–", English: "–"}
	if o.Next.PostName != nil {
		post = *o.Next.PostName
	}
	stage, _ := env.catalog.Stage(o.Next.Stage)
	args := map[string]any{"post": post, "stage": stage.Name}
	if d.words.Has(key+"_due") && !o.Next.Due.IsZero() {
		key += "_due"
	}
	if !o.Next.Due.IsZero() {
		args["due"] = d.moment(env.tx.Now(), o.Next.Due)
	}
	return d.words.Text(key, args)
}

// moment writes a time as seen from now, in the district's zone.
func (d *Desk) moment(now, t time.Time) words.Text {
	t, now = t.In(d.zone), now.In(d.zone)
	return words.Text{Chinese: words.DateTime(words.Chinese, t, now), English: words.DateTime(words.English, t, now)}
}
