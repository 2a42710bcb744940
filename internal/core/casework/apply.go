package casework

import (
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// apply carries out a move that the rules allowed: owner, clock, requests,
// dispatches, tasks, evidence, row and journal entry, in this order.
func (d *Desk) apply(env *env, by *access.Actor, s *scene, m Move, in Act, to State) (Case, error) {
	c := s.facts.Case
	before := c.Sight()
	old := c
	me := by.By()
	body := &Body{From: c.State, To: to, Reason: in.Reason, Note: in.Note, ResidentText: in.ResidentText,
		Result: in.Result, Score: in.Score, Files: in.Files, Other: env.from}
	c.State = to
	c.count(in)
	if in.ResidentText != "" {
		c.Resident = in.ResidentText
	}
	if err := d.attach(env, by, &c, in.Files); err != nil {
		return old, err
	}
	if err := d.bookkeep(env, by, s, m, in, &c, body); err != nil {
		return old, err
	}
	if c.about().Shut && !old.about().Shut {
		c.Closed = env.at
		if c.Verify == Waiting {
			c.Verify = NotAsked
		}
		if c.Check == Waiting {
			c.Check = NotAsked
		}
	} else if !c.about().Shut {
		c.Closed = time.Time{}
	}
	if c.about().Final {
		c.dropAsk()
		c.Hold = nil
	}
	if err := d.takeDown(env, &c); err != nil {
		return old, err
	}
	if err := d.leaveBeside(env, old, &c); err != nil {
		return old, err
	}
	if err := d.endTasks(env, s, &c, m, by); err != nil {
		return old, err
	}
	if err := d.passOn(env, by, s, m, in, old, &c); err != nil {
		return old, err
	}
	if err := d.endSupervision(env, by, s, old, c); err != nil {
		return old, err
	}
	fresh := c.Clock.Kind == ClockDispatch && c.Post != old.Post
	ran, err := d.turn(env.tx, env, &c, old.State, env.at, fresh)
	if err != nil {
		return old, err
	}
	body.Clock = ran
	if c.Post != old.Post {
		body.Post = c.Post
	}
	if c.Secrecy == journal.Named && !me.Person.IsZero() && !has(c.Named, me.Person) {
		c.Named = append(c.Named, me.Person)
		if err := addNamed(env.tx, c.ID, me.Person); err != nil {
			return old, err
		}
	}
	c, err = put(env.tx, c)
	if err != nil {
		return old, err
	}
	if c.Department != old.Department || c.Secrecy != old.Secrecy || c.Item != old.Item {
		if err := d.reindex(env.tx, c); err != nil {
			return old, err
		}
	}
	if !s.claim.Person.IsZero() {
		if err := endClaim(env.tx, c.ID); err != nil {
			return old, err
		}
		c.claim = &claim{}
	}
	if env.handled = old.Handler; old.State == Merged {
		env.handled = s.facts.Main.Handler
	}
	env.had = old.Post
	note(env, me, c, &before, kindOf(c, m.Key), c.Version, body)
	env.handled, env.had = id.ID{}, id.ID{}
	for _, add := range env.later {
		add()
	}
	env.later = nil
	if err := d.answerMerged(env, me, old, c); err != nil {
		return old, err
	}
	if !c.Parent.IsZero() {
		return c, d.answer(env, by, c, m, in)
	}
	return c, nil
}

// kindOf names the entry of a move: acts on a verification or check are told
// apart from those on the case they serve.
func kindOf(c Case, move string) string {
	if c.Task != "" {
		return "task." + move
	}
	return "case." + move
}

// count adds the words of a move to the evidence and its reason to those used.
func (c *Case) count(in Act) {
	have := map[string]int{}
	for k, n := range c.Have {
		have[k] = n
	}
	for k, n := range said(in) {
		have[k] += n
	}
	if len(have) > 0 {
		c.Have = have
	}
	key := in.Reason
	switch in.Move {
	case "object":
		key = objectionKey
	case "appeal":
		key = appealKey
	}
	c.use(key)
}

// use counts a reason.
func (c *Case) use(key string) {
	if key == "" {
		return
	}
	used := map[string]int{}
	for k, n := range c.Used {
		used[k] = n
	}
	used[key]++
	c.Used = used
}

// bookkeep does what is particular to a move, apart from owner and clock.
func (d *Desk) bookkeep(env *env, by *access.Actor, s *scene, m Move, in Act, c *Case, body *Body) error {
	me := by.By()
	if c.Flow == catalog.Approval && !slices.Contains([]string{"accept", "withdraw", "void_ask", "void_decide"}, m.Key) {
		return d.applied(env, by, s, m, in, c, body)
	}
	switch m.Key {
	case "accept":
		c.Person = me.Person
	case "take", "handle":
		c.Person = me.Person
		c.Handler = c.Post
	case "do":
		c.Person, c.Handler = me.Person, c.Post
		c.Worker = me
	case "done":
		c.Person, c.Handler, c.Worker = me.Person, c.Post, me
		c.Returned = nil
		return endDispatches(env.tx, c.ID, id.ID{}, "done", env.at)
	case "settle":
		c.Person, c.Worker = me.Person, me
		c.Handler = me.Post
		if c.Handler.IsZero() {
			c.Handler = c.Post
		}
	case "return":
		if c.Flow == catalog.Task {
			break
		}
		c.Returned = &Returned{Post: c.Post, Reason: in.Reason, Note: in.Note}
		c.Handler = id.ID{} // it leaves the sight of whoever sent it back
		c.dropAsk()
		return endDispatches(env.tx, c.ID, s.sent[0].ID, "returned", env.at)
	case "withdraw":
		if c.State == Filed {
			c.Handler = id.ID{}
			if c.Ask != nil && c.Ask.Kind != AskVoid {
				c.dropAsk() // asked by whoever had it
			}
			return endDispatches(env.tx, c.ID, s.sent[0].ID, "withdrawn", env.at)
		}
	case "dispatch":
		var seq int64 = 1
		if len(s.sent) > 0 {
			seq = s.sent[0].Seq + 1
		}
		c.Returned = nil
		body.Post = in.Post
		return addDispatch(env.tx, c.ID, seq, c.Post, in.Post, env.at)
	case "suspend_ask", "void_ask", "extend_ask":
		return d.ask(env, by, s, m, in, c, body)
	case "extend_decide":
		a := *c.Ask
		body.Reason = a.Reason
		c.dropAsk()
		if in.Result == Pass {
			if err := d.extend(env, me, c, a, in.Note); err != nil {
				return err
			}
			body.Until = c.Clock.Due.UTC().Format(time.RFC3339)
		}
	case "cooperate_ask":
		body.Post = in.Post
		return d.cooperate(env, by, in, c)
	case "cooperate_answer":
		c.Person = me.Person
	case "supervise":
		body.Post = c.Post
		return d.supervise(env, by, in, c)
	case "supervise_answer":
		c.Person = me.Person
	case "escalate":
		return d.escalate(env, s, in, c, body)
	case "suspend_decide":
		body.Reason, body.Until = c.Ask.Reason, c.Ask.Until.Format(time.RFC3339)
		if c.State == Suspended {
			c.Hold = &Hold{Reason: c.Ask.Reason, Note: c.Ask.Note, Until: c.Ask.Until}
		}
		c.dropAsk()
	case "void_decide":
		body.Reason = c.Ask.Reason
		c.dropAsk()
	case "resume":
		c.Hold = nil
	case "verify":
		if c.Task == "" {
			c.Verify = in.Result
		}
	case "check":
		if c.Task == "" {
			c.Check = in.Result
			if in.Result == Fail {
				return d.again(env, c)
			}
		}
	case "reopen", "object":
		c.Verify, c.Check, c.Returned, c.Rating, c.Worker = passed(c.Verify), NotAsked, nil, nil, journal.By{}
		return endDispatches(env.tx, c.ID, id.ID{}, "reopened", env.at)
	case "merge":
		body.Other = in.Main
		return d.merge(env, by, in, c, s.facts.Case.State)
	case "unmerge":
		body.Other = s.facts.Case.Main
		return d.part(env, by, s.facts.Case.Main, c)
	case "rate":
		c.Rating = &Rating{Score: in.Score, Words: in.Note}
	}
	return nil
}

// again forgets the evidence of work that was found wanting: rework brings its
// own. What is on the case stays there; it only does not count any more.
func (d *Desk) again(env *env, c *Case) error {
	kinds, err := fileKinds(env.tx, c.ID, nil)
	if err != nil {
		return err
	}
	have := map[string]int{}
	for _, e := range env.item.Evidence {
		if e.By == "handler" {
			have[e.Kind] = -kinds[fileKind(e.Kind)]
		} else {
			have[e.Kind] = c.Have[e.Kind]
		}
	}
	c.Have = have
	return nil
}

// passed keeps a passed verification over a reopening and forgets a failed one.
func passed(o Outcome) Outcome {
	if o == Pass {
		return Pass
	}
	return NotAsked
}

func (c *Case) dropAsk() { c.Ask, c.AskPost = nil, id.ID{} }

// ask notes a request and finds who decides: the role that the reason names,
// nearest first, never a post of the same hand.
func (d *Desk) ask(env *env, by *access.Actor, s *scene, m Move, in Act, c *Case, body *Body) error {
	a := &Ask{Kind: AskSuspend, Reason: in.Reason, Note: in.Note, Until: in.Until, By: by.By(), At: env.at, State: s.facts.Reason.Effect.State}
	permission := "case.suspend_decide"
	if m.Key == "void_ask" {
		a.Kind, permission = AskVoid, "case.void_decide"
	}
	if m.Key == "extend_ask" {
		a.Kind, permission = AskExtend, "case.extend_decide"
		if most := s.facts.Reason.Effect.MaxLength; most != nil {
			a.Limit = &calendar.Limit{Clock: most.Clock, Units: float64(in.Units)}
		}
	}
	c.Ask = a
	roles := []string{s.facts.Reason.Effect.Approval, "street_desk", "street_leader", "hub_leader", "hub_officer"}
	c.AskPost = d.other(env, *c, roles, permission, a.By)
	if !in.Until.IsZero() {
		body.Until = in.Until.Format(time.RFC3339)
	}
	return nil
}

// other is the nearest post of some roles that has a permission and is not the
// hand of somebody; none when there is none.
func (d *Desk) other(env *env, c Case, roles []string, permission string, not journal.By) id.ID {
	var vacant id.ID
	for _, role := range roles {
		if role == "" || role == "resident" {
			continue
		}
		if !env.allows(role, permission) {
			continue
		}
		for _, p := range env.org.PostsNear(role, c.Nodes, id.ID{}, env.staffed) {
			if p.ID == not.Post {
				continue
			}
			if env.org.Vacant(p.ID, env.staffed) {
				if vacant.IsZero() {
					vacant = p.ID
				}
				continue
			}
			if !access.SameHand(env.org.HandAt(p.ID, env.staffed), not) {
				return p.ID
			}
		}
	}
	return vacant
}

// passOn gives the case to the post that must act next.
func (d *Desk) passOn(env *env, by *access.Actor, s *scene, m Move, in Act, old Case, c *Case) error {
	if c.Flow == catalog.Approval {
		if m.Owner != OwnerSame && c.open() {
			c.Department = id.ID{}
			d.give(env, c, d.applicationOwner(env, by.By(), m, *c))
			if c.Post != old.Post {
				c.Person = id.ID{} // somebody else takes it up
			}
		}
		return nil
	}
	switch m.Owner {
	case OwnerTarget:
		if m.Key == "dispatch" {
			c.Department = id.ID{}
			d.give(env, c, in.Post)
		}
	case OwnerSender:
		if c.State == Filed && len(s.sent) > 0 {
			c.Department = id.ID{}
			d.give(env, c, s.sent[0].From)
		}
	case OwnerIntake:
		// Whoever accepts keeps it, if that desk also files.
		d.keepAt(env, by, c, "case.file")
	case OwnerFiler:
		if m.Key == "file" {
			d.keepAt(env, by, c, "case.dispatch")
		} else {
			c.Department = id.ID{}
			c.Handler = id.ID{}
			if m.Key == "object" && old.State == Refused {
				// An objection is judged one level higher.
				if up, ok := env.org.Up(c.Intake, env.staffed); ok {
					c.Intake = up.ID
				}
			}
		}
		d.give(env, c, c.Intake)
	case OwnerHandler:
		if !c.Handler.IsZero() && c.open() {
			d.give(env, c, c.Handler)
		}
	case OwnerNext:
		d.give(env, c, d.nextOf(env, *c, c.Post, 0))
	case OwnerChecker:
		return d.toChecker(env, by, s, old, c)
	}
	return nil
}

// keepAt makes the acting post the desk of the case, if its role can go on with
// it.
func (d *Desk) keepAt(env *env, by *access.Actor, c *Case, permission string) {
	p, ok := env.org.Post(by.Post)
	if !ok {
		return
	}
	if env.allows(p.Role, permission) {
		c.Intake = p.ID
		d.give(env, c, p.ID)
	}
}
