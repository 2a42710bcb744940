package casework

import (
	"fmt"
	"slices"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// A verification (核实) runs in accepted, before filing; a check (核查) runs in
// done, before closing. Both are tasks to the nearest suitable post, never to
// the hand that reported or handled the case; where only that hand is near, the
// desk of the next level does it. (DESIGN.md section 6; roles.json
// two_person_rules)

// openTasks reads the tasks of a case that are still to be done.
func openTasks(tx *db.Tx, parent id.ID) ([]Case, error) {
	all, err := tasksOf(tx, parent)
	if err != nil {
		return nil, err
	}
	var out []Case
	for _, t := range all {
		if t.open() {
			out = append(out, t)
		}
	}
	return out, nil
}

// inspectors are who may verify or check when nobody of the item's own list is
// there: the next levels' desks.
var inspectors = map[string][]string{
	"verify":     {"grid_head", "village_desk", "village_leader", "service_clerk", "grid_officer", "part_officer"},
	"check":      {"village_desk", "village_leader", "street_desk", "hub_officer"},
	"home_check": {"service_clerk", "village_leader", "grid_officer", "service_reviewer"},
}

// inspect opens a verification or check task and gives the post it went to.
// None when there is nobody who could; then the look is waived and the case
// says so.
func (d *Desk) inspect(env *env, by *access.Actor, c *Case, kind string) (id.ID, error) {
	in, not, permission := env.item.Verify, c.By, "case."+kind
	switch kind {
	case "check":
		in, not = env.item.Check, c.Worker
	case "home_check":
		not, permission = by.By(), "apply.home_check"
	}
	post := d.other(env, *c, in.By, permission, not)
	if post.IsZero() || env.org.Vacant(post, env.staffed) {
		next := d.other(env, *c, inspectors[kind], permission, not)
		if !next.IsZero() && (post.IsZero() || !env.org.Vacant(next, env.staffed)) {
			post = next
		}
	}
	if post.IsZero() {
		c.use(waivedKey + kind)
		return post, nil
	}
	c.Tasks++
	t := Case{
		ID: env.tx.NewID(), Number: fmt.Sprintf("%s/%d", c.Number, c.Tasks), Parent: c.ID, Task: kind, Flow: catalog.Task,
		Item: c.Item, ItemVersion: c.ItemVersion, Condition: c.Condition, Title: c.Title, Text: c.Text,
		Lon: c.Lon, Lat: c.Lat, Located: c.Located, Where: c.Where, Nodes: c.Nodes, State: Open,
		Priority: c.Priority, Secrecy: c.Secrecy, Channel: "task", Intake: c.Intake,
		Occurred: env.at, Recorded: env.tx.Now(), Version: 1, MadeUp: c.MadeUp,
		Facets: Facets{By: by.By(), Public: c.Public, Times: c.Times},
	}
	switch kind {
	case "check":
		t.Worker = c.Worker
	case "home_check":
		t.Given = c.Clock.Due
	}
	d.give(env, &t, post)
	if t.Secrecy == journal.Named {
		if who := env.org.HandAt(t.Post, env.staffed).Person; !who.IsZero() {
			t.Named = append(t.Named, who)
			for _, on := range []id.ID{t.ID, c.ID} {
				if err := addNamed(env.tx, on, who); err != nil {
					return post, err
				}
			}
			if !has(c.Named, who) {
				c.Named = append(c.Named, who)
			}
		}
	}
	if _, err := d.turn(env.tx, env, &t, "", env.at, true); err != nil {
		return post, err
	}
	if err := insert(env.tx, t); err != nil {
		return post, err
	}
	// The act that asks for the look stands first on the timeline.
	env.later = append(env.later, func() {
		note(env, by.By(), t, nil, "task.open", t.Version, &Body{Number: t.Number, To: t.State, Post: t.Post, Task: t.ID})
	})
	return post, nil
}

// toChecker finds who looks at what is done, or who closes it when nobody has
// to look.
func (d *Desk) toChecker(env *env, by *access.Actor, s *scene, old Case, c *Case) error {
	if c.Flow == catalog.Task {
		if c.State != Done {
			return nil
		}
		post := d.other(env, *c, slices.Concat(env.item.Check.By, inspectors["check"]), "case.check", c.Worker)
		if post.IsZero() {
			post = c.Intake
		}
		c.Check = Waiting
		d.give(env, c, post)
		return nil
	}
	switch {
	case c.State == Handling: // rework
		if !c.Handler.IsZero() {
			d.give(env, c, c.Handler)
		}
		return nil
	case old.State == Done || !s.facts.Check:
		d.give(env, c, c.Intake)
		return nil
	}
	c.Check = Waiting
	if s.facts.ByResident {
		d.give(env, c, c.Intake)
		return nil
	}
	post, err := d.inspect(env, by, c, "check")
	if err != nil {
		return err
	}
	if post.IsZero() {
		c.Check = NotAsked
		post = c.Intake
	}
	d.give(env, c, post)
	return nil
}

// endTasks begins the verification that an accepted case needs, and ends the
// tasks of a case that went on without them.
func (d *Desk) endTasks(env *env, s *scene, c *Case, m Move, by *access.Actor) error {
	if m.Key == "accept" && c.Flow == catalog.Handling {
		verify, _, _ := d.demands(*c, env.item)
		if !verify || c.Verify == Pass {
			return nil
		}
		post, err := d.inspect(env, by, c, "verify")
		if err != nil {
			return err
		}
		if c.Verify = Waiting; post.IsZero() {
			c.Verify = NotAsked
		}
		return nil
	}
	for _, t := range s.tasks {
		if c.keepsTask(t) {
			continue
		}
		cancel, _ := task.Move("cancel")
		if _, err := d.apply(env, by, &scene{facts: Facts{Case: t, Item: env.item, Now: env.at}}, cancel, Act{Move: "cancel"}, Cancelled); err != nil {
			return err
		}
	}
	return nil
}

// answer brings what a task found to the case it serves.
func (d *Desk) answer(env *env, by *access.Actor, t Case, m Move, in Act) error {
	if t.besides() {
		return d.answerBeside(env, by, t, in)
	}
	if m.Key != t.Task && m.Key != "return" {
		return nil
	}
	c, err := get(env.tx, t.Parent)
	if err != nil {
		return err
	}
	if err := env.of(c); err != nil {
		return err
	}
	if m.Key == "return" {
		if t.Task == "check" && c.State == Done {
			return d.reassign(env, by.By(), c, t.Post)
		}
		return nil
	}
	// The rules of the case are asked as well; who may answer was judged on the
	// task.
	s := &scene{facts: Facts{Case: c, Item: env.item, Now: env.at, Given: Given{Result: in.Result, Note: in.Note}}}
	s.facts.Hand.Owner = true
	s.facts.Verify, s.facts.Check, s.facts.ByResident = d.demands(c, env.item)
	if in.Reason != "" {
		s.facts.ReasonSent = true
		if r, err := env.catalog.Reason(in.Reason); err == nil {
			s.facts.Reason = r
		}
	}
	flow, _ := FlowOf(c.Flow)
	to, err := flow.Take(m.Key, s.facts)
	if err != nil {
		return err
	}
	move, _ := flow.Move(m.Key)
	_, err = d.apply(env, by, s, move, Act{Move: m.Key, Result: in.Result, Note: in.Note, Reason: in.Reason}, to)
	return err
}

// reassign gives a case to another post without a move.
func (d *Desk) reassign(env *env, by journal.By, c Case, post id.ID) error {
	before := c.Sight()
	d.give(env, &c, post)
	c, err := put(env.tx, c)
	if err != nil {
		return err
	}
	note(env, by, c, &before, "case.owner", c.Version, &Body{Post: c.Post})
	return nil
}

// nextOf is the post after the owner of a task that is sent back: the next of
// its item's route, else the way up, never the hand that must not do it.
func (d *Desk) nextOf(env *env, c Case, from id.ID, steps int) id.ID {
	next := id.ID{}
	if c.Task == "" {
		route := d.route(env, c)
		for i, p := range route {
			if p.ID == from && i+1 < len(route) {
				next = route[i+1].ID
			}
		}
	}
	if next.IsZero() {
		up, ok := env.org.Up(from, env.staffed)
		if !ok {
			return from
		}
		next = up.ID
	}
	if steps < 6 && access.SameHand(env.org.HandAt(next, env.staffed), c.Worker) {
		return d.nextOf(env, c, next, steps+1)
	}
	return next
}
