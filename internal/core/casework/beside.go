package casework

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Beside the owner others take part in a case without owning it: a unit that
// co-operates (协办), a leader who supervises (督办), the next level to which it
// was raised (上报). What is asked of them is a task of its own with its own
// clock; that they see the case stands in case_side, so that it is part of every
// query.

// Kinds of tasks beside verify, check and home_check.
const (
	TaskCooperate = "cooperate" // 协办
	TaskSupervise = "supervise" // 督办
)

// Kinds of rows in case_side.
const (
	sideCooperate = "cooperate"
	sideEscalate  = "escalate"
)

// Beside is who else has to do with a case.
type Beside struct {
	Helpers    []id.ID      `json:"helpers,omitempty"` // posts that co-operate
	Raised     []id.ID      `json:"raised,omitempty"`  // posts to which it was raised and that have not acted on it
	Supervised *Supervision `json:"supervised,omitempty"`
}

// Supervision is in force until the case ends (督办).
type Supervision struct {
	Reason string    `json:"reason"`
	Note   string    `json:"note"`
	Post   id.ID     `json:"post"`
	At     time.Time `json:"at"`
}

// What the moves beside the owner can be refused for.
var (
	ErrCannotHelp  = fault.New(fault.Invalid, "case.post_cannot_help")
	ErrHelpsNow    = fault.New(fault.Conflict, "case.helps_already")
	ErrHelpersMany = fault.New(fault.Conflict, "case.helpers_too_many")
	ErrSupervised  = fault.New(fault.Conflict, "case.supervised_already")
	ErrOwnCase     = fault.New(fault.Forbidden, "case.own_case")
	ErrNoUp        = fault.New(fault.Conflict, "case.no_next_level")
	ErrLeader      = fault.New(fault.Forbidden, "case.leader_needed")
)

// maxHelpers bounds how many posts co-operate on one case.
const maxHelpers = 8

var (
	// A post that can answer and is not asked already, and never the owner.
	helpful = Guard{Name: "helpful", Check: func(f Facts) error {
		switch {
		case !f.Target.Found:
			return ErrPostNeeded
		case !f.Target.Helps || f.Target.Self:
			return ErrCannotHelp
		case f.Target.Asked:
			return ErrHelpsNow
		}
		return nil
	}}

	helpRoom = refuse("help_room", ErrHelpersMany, func(f Facts) bool { return len(f.Case.Helpers) >= maxHelpers })

	// One supervision at a time: it is answered first.
	unsupervised = refuse("unsupervised", ErrSupervised, func(f Facts) bool { return f.Supervised })

	// Nobody supervises what is in the own hands.
	notOwn = refuse("not_own", ErrOwnCase, func(f Facts) bool { return f.Hand.Owner && !f.Hand.System })

	upThere = refuse("up_there", ErrNoUp, func(f Facts) bool { return f.Up.IsZero() })

	// The asked post, or another of its unit: some refusals are the leader's.
	ofUnit = refuse("of_unit", ErrNotOwner, func(f Facts) bool { return !f.Hand.Owner && !f.Hand.Unit })

	// Asked, a unit agrees or refuses; agreed, it reports what it did.
	answered = refuse("answered", ErrResultNeeded, func(f Facts) bool {
		return f.Case.State != Doing && f.Given.Result != Pass && f.Given.Result != Fail
	})

	helpRefused = Guard{Name: "help_refused", Check: func(f Facts) error {
		switch {
		case f.Case.State == Doing || f.Given.Result != Fail:
			return nil
		case !f.ReasonSent:
			return ErrReasonNeeded
		}
		return fitting(f, catalog.ReasonCooperateRefuse)
	}}

	leaderAgrees = refuse("leader_agrees", ErrLeader, func(f Facts) bool {
		return f.Case.State != Doing && f.Given.Result == Fail && f.Reason.Effect.Approval != "" && f.Hand.Role != f.Reason.Effect.Approval
	})

	helpNoted = refuse("help_noted", ErrNoteNeeded, func(f Facts) bool {
		return (f.Case.State == Doing || f.Given.Result == Fail) && blank(f.Given.Note)
	})

	// What is asked of one post is not handed on.
	movable = refuse("movable", ErrWrongTask, func(f Facts) bool {
		return f.Case.Task == TaskCooperate || f.Case.Task == TaskSupervise
	})
)

// besides says whether a task is beside the way of its case.
func (c Case) besides() bool { return c.Task == TaskCooperate || c.Task == TaskSupervise }

// takesPart are the posts that see a case beside its owner.
func (b Beside) takesPart() []id.ID { return append(slices.Clone(b.Helpers), b.Raised...) }

func addSide(tx *db.Tx, post, caseID id.ID, kind string) error {
	_, err := tx.Exec(`INSERT INTO case_side (post_id, case_id, kind, state, list_at) VALUES ($1, $2, $3, `+standing+`) ON CONFLICT (post_id, case_id, kind) DO NOTHING`, post, caseID, kind)
	if err != nil {
		return fmt.Errorf("let a post see a case: %w", err)
	}
	return nil
}

func dropSide(tx *db.Tx, post, caseID id.ID, kind string) error {
	if _, err := tx.Exec(`DELETE FROM case_side WHERE post_id = $1 AND case_id = $2 AND kind = $3`, post, caseID, kind); err != nil {
		return fmt.Errorf("end a post's sight of a case: %w", err)
	}
	return nil
}

// cooperate asks another post to help: a task of its own, and the case in its
// sight.
func (d *Desk) cooperate(env *env, by *access.Actor, in Act, c *Case) error {
	c.Helpers = append(slices.Clone(c.Helpers), in.Post)
	if err := addSide(env.tx, in.Post, c.ID, sideCooperate); err != nil {
		return err
	}
	return d.besideTask(env, by, c, TaskCooperate, in.Post, in.Note)
}

// supervise presses the owner for an answer and ends what was raised to whoever
// does it.
func (d *Desk) supervise(env *env, by *access.Actor, in Act, c *Case) error {
	c.Supervised = &Supervision{Reason: in.Reason, Note: in.Note, Post: by.Post, At: env.at}
	if err := d.unraise(env, c, by.Post); err != nil {
		return err
	}
	return d.besideTask(env, by, c, TaskSupervise, c.Post, in.Note)
}

// besideTask opens a task beside a case.
func (d *Desk) besideTask(env *env, by *access.Actor, c *Case, kind string, post id.ID, text string) error {
	c.Tasks++
	t := Case{
		ID: env.tx.NewID(), Number: fmt.Sprintf("%s/%d", c.Number, c.Tasks), Parent: c.ID, Task: kind, Flow: catalog.Task,
		Item: c.Item, ItemVersion: c.ItemVersion, Condition: c.Condition, Title: c.Title, Text: text,
		Lon: c.Lon, Lat: c.Lat, Located: c.Located, Where: c.Where, Nodes: c.Nodes, State: Open,
		Priority: c.Priority, Secrecy: c.Secrecy, Channel: "task", Intake: c.Intake,
		Occurred: env.at, Recorded: env.tx.Now(), Version: 1, MadeUp: c.MadeUp,
		Facets: Facets{By: by.By(), Times: c.Times},
	}
	d.give(env, &t, post)
	if _, err := d.turn(env.tx, env, &t, "", env.at, true); err != nil {
		return err
	}
	if err := insert(env.tx, t); err != nil {
		return err
	}
	env.later = append(env.later, func() {
		note(env, by.By(), t, nil, "task.open", t.Version, &Body{Number: t.Number, To: t.State, Post: t.Post, Task: t.ID})
	})
	return nil
}

// escalate raises a case: the next level takes it over, or is told and steps in
// with a supervision. (data/defaults/reasons.json, escalate)
func (d *Desk) escalate(env *env, s *scene, in Act, c *Case, body *Body) error {
	up := s.facts.Up
	body.Post = up
	if s.facts.Reason.Effect.Owner != "next_level" {
		if !has(c.Raised, up) {
			c.Raised = append(slices.Clone(c.Raised), up)
		}
		return addSide(env.tx, up, c.ID, sideEscalate)
	}
	c.Intake, c.Department, c.Handler, c.Returned, c.Person = up, id.ID{}, id.ID{}, nil, id.ID{}
	c.dropAsk()
	d.give(env, c, up)
	return endDispatches(env.tx, c.ID, id.ID{}, "escalated", env.at)
}

// unraise ends the sight of a post to which a case was raised; all of them with
// a zero id.
func (d *Desk) unraise(env *env, c *Case, post id.ID) error {
	var left []id.ID
	for _, p := range c.Raised {
		if !post.IsZero() && p != post {
			left = append(left, p)
			continue
		}
		if err := dropSide(env.tx, p, c.ID, sideEscalate); err != nil {
			return err
		}
	}
	c.Raised = left
	return nil
}

// leaveBeside tidies up what stands beside a case that has moved on.
func (d *Desk) leaveBeside(env *env, old Case, c *Case) error {
	if c.about().Shut {
		c.Supervised = nil
	}
	if c.about().Shut || c.State == Done && old.State != Done {
		return d.unraise(env, c, id.ID{})
	}
	return nil
}

// keepsTask says whether a task goes on after its case has moved on.
func (c Case) keepsTask(t Case) bool {
	switch t.Task {
	case TaskCooperate:
		return c.State == Taken || c.State == Handling || c.State == Suspended
	case TaskSupervise:
		return !c.about().Shut // and while its post has the case (endSupervision)
	}
	return c.Verify == Waiting || c.Check == Waiting
}

// endSupervision ends what a post was asked that has the case no longer.
func (d *Desk) endSupervision(env *env, by *access.Actor, s *scene, old, c Case) error {
	for _, t := range s.tasks {
		if t.Task != TaskSupervise || c.Post == old.Post || c.about().Shut {
			continue
		}
		cancel, _ := task.Move("cancel")
		if _, err := d.apply(env, by, &scene{facts: Facts{Case: t, Item: env.item, Now: env.at}}, cancel, Act{Move: "cancel"}, Cancelled); err != nil {
			return err
		}
	}
	return nil
}

// answerBeside brings the answer of a co-operating unit to the case: who
// refused does not see it any longer.
func (d *Desk) answerBeside(env *env, by *access.Actor, t Case, in Act) error {
	if t.Task != TaskCooperate || t.State != Closed || in.Result != Fail {
		return nil
	}
	c, err := get(env.tx, t.Parent)
	if err != nil {
		return err
	}
	if err := env.of(c); err != nil {
		return err
	}
	before := c.Sight()
	c.Helpers = slices.DeleteFunc(slices.Clone(c.Helpers), func(p id.ID) bool { return p == t.Post })
	if err := dropSide(env.tx, t.Post, c.ID, sideCooperate); err != nil {
		return err
	}
	if c, err = put(env.tx, c); err != nil {
		return err
	}
	note(env, by.By(), c, &before, "case.cooperate_end", c.Version, &Body{Post: t.Post, Reason: in.Reason})
	return nil
}

// helpersFor lists the posts that can be asked to co-operate: those of the
// departments, then the street's desk.
func (d *Desk) helpersFor(env *env, c Case) []PostChoice {
	var found []org.Post
	for _, u := range env.org.Units {
		if u.Kind == org.Department && u.ID != c.Department {
			found = append(found, env.org.PostsNear("department_handler", journal.Nodes{}, u.ID, env.staffed)...)
		}
	}
	if p, ok := env.org.NearestPost("street_desk", c.Nodes, id.ID{}, env.staffed); ok {
		found = append(found, p)
	}
	found = slices.DeleteFunc(found, func(p org.Post) bool {
		return p.ID == c.Post || has(c.Helpers, p.ID) || !env.allows(p.Role, "case.cooperate_answer")
	})
	return postChoices(env.org, found, env.at)
}

// upOf is the post to which a case is raised from where it is: the nearest
// above that dispatches, or the one that the program names.
func (d *Desk) upOf(env *env, by *access.Actor, c Case, in Act) id.ID {
	if by.Trusted() && !in.Post.IsZero() {
		return in.Post
	}
	from := c.Post
	for range 6 {
		up, ok := env.org.Up(from, env.staffed)
		if !ok || up.ID == from {
			return id.ID{}
		}
		if up.ID != c.Post && env.allows(up.Role, "case.dispatch") {
			return up.ID
		}
		from = up.ID
	}
	return id.ID{}
}

// SupervisionView is a supervision in force.
type SupervisionView struct {
	Reason words.Text `json:"reason"`
	Note   string     `json:"note,omitempty"`
	Post   words.Text `json:"post_name"` // who supervises
	At     time.Time  `json:"at"`
}

func (e *env) postNames(list []id.ID) []words.Text {
	var out []words.Text
	for _, p := range list {
		out = append(out, e.postName(p))
	}
	return out
}
