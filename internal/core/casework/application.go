package casework

import (
	"fmt"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Application is what only an application has (申请).
type Application struct {
	Reviewer journal.By `json:"reviewer,omitzero"` // who gave the opinion
	Decider  journal.By `json:"decider,omitzero"`  // who decided
	Opinion  Outcome    `json:"opinion,omitempty"` // of the reviewer
	Posting  *Posting   `json:"posting,omitempty"` // what hangs out now
}

// Posting is what is posted of an application before it is decided (公示).
type Posting struct {
	ID         id.ID     `json:"id"`
	Text       string    `json:"text"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until"`
	Objections int       `json:"objections,omitempty"`
}

// begins says which permission staff need to take a new case in: an application
// is filled in for somebody. (data/defaults/roles.json, apply.fill_for)
func begins(f catalog.Flow) string {
	if f == catalog.Approval {
		return "apply.fill_for"
	}
	return "case.report"
}

// posts says whether what is approved under a condition is posted first.
func posts(cond catalog.Condition) bool { return cond.Limits.Publicise != nil }

// applied does what is particular to a move of the approval flow, apart from
// owner and clock.
func (d *Desk) applied(env *env, by *access.Actor, s *scene, m Move, in Act, c *Case, body *Body) error {
	me := by.By()
	switch m.Key {
	case "correct":
		c.Hold = &Hold{Reason: in.Reason, Note: in.ResidentText, Back: s.facts.Case.State}
		if l := s.facts.Reason.Effect.MaxLength; l != nil {
			until, err := d.latest(env, *c, s.facts.Reason)
			if err != nil {
				return err
			}
			c.Hold.Until, body.Until = until, until.Format(time.RFC3339)
		}
	case "submit", "lapse":
		c.Hold = nil
	case "review":
		c.Person, c.Handler = me.Person, c.Post
		if in.Result != "" {
			c.Reviewer, c.Opinion = me, in.Result
		}
	case "home_check":
		if c.State == CheckingHome {
			return d.sendHome(env, by, c)
		}
		c.Verify = in.Result
	case "publicise", "posting_ends":
		return d.posted(env, me, in, c, body)
	case "object":
		p := *c.Posting
		p.Objections++
		c.Posting = &p
	case "approve", "appeal_decide":
		c.Decider = me
		c.Person = me.Person
	case "return":
		c.Opinion = NotAsked
	case "give":
		c.Person, c.Handler, c.Worker = me.Person, c.Post, me
	}
	return nil
}

// sendHome asks somebody else to look at the home.
func (d *Desk) sendHome(env *env, by *access.Actor, c *Case) error {
	post, err := d.inspect(env, by, c, "home_check")
	if err != nil {
		return err
	}
	if post.IsZero() {
		return ErrNobody
	}
	c.Verify = Waiting
	return nil
}

// posted begins or ends a posting.
func (d *Desk) posted(env *env, me journal.By, in Act, c *Case, body *Body) error {
	if c.State == Publicised {
		limit := *env.condition.Limits.Publicise
		cal, err := d.calendars.For(env.tx, calendarOf(env.org, c.Post, ClockPublicise))
		if err != nil {
			return err
		}
		if err := d.onlyTheLeast(env, c.ID, in.Note); err != nil {
			return err
		}
		due, err := cal.Due(limit, env.at, nil)
		if err != nil {
			return fmt.Errorf("end of a posting: %w", err)
		}
		c.Posting = &Posting{ID: env.tx.NewID(), Text: in.Note, From: env.at, Until: due.At}
		body.Until = due.At.UTC().Format(time.RFC3339)
		_, err = env.tx.Exec(`INSERT INTO case_posting (id, case_id, text, from_at, until_at, ended_at) VALUES ($1, $2, $3, $4, $5, NULL)`,
			c.Posting.ID, c.ID, c.Posting.Text, db.Millis(env.at), db.Millis(due.At))
		if err != nil {
			return fmt.Errorf("write posting: %w", err)
		}
		return nil
	}
	if c.State == Reviewing { // the objection was right
		c.Opinion = NotAsked
	}
	return nil
}

// takeDown ends the posting of a case that is not posted any more.
func (d *Desk) takeDown(env *env, c *Case) error {
	if c.Posting == nil || c.State == Publicised {
		return nil
	}
	if _, err := env.tx.Exec(`UPDATE case_posting SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL`, db.Millis(env.at), c.Posting.ID); err != nil {
		return fmt.Errorf("end posting: %w", err)
	}
	c.Posting = nil
	return nil
}

// applicationPost finds the post for the next step of an application: on the item's route
// first, then any role that may do it, nearest first; never one of the hands
// that must not, and vacant ones last. None when there is nobody.
func (d *Desk) applicationPost(env *env, c Case, permissions []string, not ...journal.By) id.ID {
	may := func(role string) bool {
		for _, p := range permissions {
			if !env.allows(role, p) {
				return false
			}
		}
		return true
	}
	var found []org.Post
	for _, s := range env.item.Route {
		if s.Department == "" {
			if may(s.Role) {
				found = append(found, env.org.PostsNear(s.Role, c.Nodes, id.ID{}, env.staffed)...)
			}
			continue
		}
		if u, ok := env.org.Department(s.Department); ok {
			for _, r := range env.book.Roles {
				if r.Sits == "department" && may(r.Key) {
					found = append(found, env.org.PostsNear(r.Key, journal.Nodes{}, u.ID, env.staffed)...)
				}
			}
		}
	}
	near := func(role string) {
		if may(role) {
			found = append(found, env.org.PostsNear(role, c.Nodes, id.ID{}, env.staffed)...)
		}
	}
	near("service_reviewer") // the street's counter reviews whatever has nobody of its own
	for _, r := range env.book.Roles {
		near(r.Key)
	}
	var vacant id.ID
	for _, p := range found {
		hand := env.org.HandAt(p.ID, env.staffed)
		barred := false
		for _, n := range not {
			barred = barred || p.ID == n.Post || access.SameHand(hand, n)
		}
		switch {
		case barred:
		case !env.org.Vacant(p.ID, env.staffed):
			return p.ID
		case vacant.IsZero():
			vacant = p.ID
		}
	}
	return vacant
}

// applicationOwner says who must act on an application in its state. Whoever
// had it keeps it when there is nobody else.
func (d *Desk) applicationOwner(env *env, me journal.By, m Move, c Case) id.ID {
	var post id.ID
	switch m.Owner {
	case OwnerReviewer:
		permissions := []string{"apply.review"}
		if posts(env.condition) {
			permissions = append(permissions, "apply.publicise")
		}
		if post = d.applicationPost(env, c, permissions, me, c.By); post.IsZero() {
			post = d.applicationPost(env, c, permissions, c.By)
		}
	case OwnerDecider:
		if c.State == Deciding {
			post = d.applicationPost(env, c, []string{"apply.approve"}, c.Reviewer)
		}
	case OwnerGiver:
		if c.State == Approved {
			post = d.applicationPost(env, c, []string{"apply.give"}, c.Decider)
		}
	case OwnerAppeal:
		post = d.applicationPost(env, c, []string{"apply.appeal_decide"}, c.Decider, c.Reviewer)
	case OwnerHandler:
		post = c.Handler
	}
	if post.IsZero() {
		return c.Post
	}
	return post
}

// goOn lets the handling clock run on after a posting, whose time does not
// count.
func (d *Desk) goOn(tx *db.Tx, c *Case, at time.Time) error {
	r, ok, err := lastRun(tx, c.ID, ClockHandle)
	if err != nil || !ok || r.Stopped.IsZero() {
		return err
	}
	r.Pauses = append(r.Pauses, calendar.Pause{From: r.Stopped, To: at})
	cal, err := d.calendars.For(tx, r.Calendar)
	if err != nil {
		return err
	}
	due, err := cal.Due(r.Limit, r.Start, r.Pauses)
	if err != nil {
		return fmt.Errorf("go on after a posting: %w", err)
	}
	c.Clock = Clock{Kind: r.Kind, Row: r.ID, Start: r.Start, Limit: r.Limit, Calendar: r.Calendar, Due: due.At, Provisional: due.Provisional, LateAt: r.LateAt}
	if c.Clock.Near, err = cal.Near(r.Limit, r.Start, r.Pauses); err != nil {
		return err
	}
	c.Stood = true
	if _, err := tx.Exec(`UPDATE case_clock SET stopped_at = NULL, used_ms = NULL WHERE id = $1`, r.ID); err != nil {
		return fmt.Errorf("go on after a posting: %w", err)
	}
	return d.keepRun(tx, c, r.Pauses)
}

// appealStage is the stage clock of an appeal.
const appealStage = "appeal"

// limitFor is the limit of the clock that a case begins in its state.
func (c Case) limitFor(env *env, kind ClockKind) (calendar.Limit, bool) {
	if c.State == Appealed && c.Flow == catalog.Approval {
		s, err := env.catalog.StageClock(appealStage)
		if err != nil {
			return calendar.Limit{}, false
		}
		return s.For(env.condition.Priority), true
	}
	return limitOf(env.catalog, env.condition, kind)
}
