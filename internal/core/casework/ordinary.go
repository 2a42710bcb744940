package casework

import (
	"slices"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Step is the next move on the ordinary way of a case, and the post that makes
// it (下一步).
type Step struct {
	Case id.ID // the case, or a task of it
	Post id.ID
	Act  Act
}

// Ordinary is the next move on the straight way from report to close: accepted,
// verified and filed, dispatched to the first post of its route that takes
// cases, handled, checked, closed. ok is false at the end and where the way
// needs somebody's decision (a suspension). choose picks among the posts of the
// route; nil takes the first. An importer carries cases along it, and so do the
// people of the demo.
func (d *Desk) Ordinary(tx *db.Tx, by *access.Actor, c Case, choose func(posts []id.ID) id.ID) (s Step, ok bool, err error) {
	s = Step{Case: c.ID, Post: c.Acting}
	switch c.State {
	case Reported:
		s.Act.Move = "accept"
	case Accepted:
		switch c.Verify {
		case Waiting:
			return d.look(tx, by, c, "verify")
		case Fail:
			s.Act = Act{Move: "refuse", Reason: "refuse_not_confirmed", Note: "现场没有发现所报情况"}
		default:
			s.Act.Move = "file"
		}
	case Filed:
		takers, err := d.takers(tx, by, c)
		if err != nil || len(takers) == 0 {
			return s, false, err
		}
		s.Act = Act{Move: "dispatch", Post: takers[0]}
		if choose != nil {
			s.Act.Post = choose(takers)
		}
	case Dispatched:
		s.Act.Move = "take"
	case Taken:
		s.Act.Move = "handle"
	case Handling:
		s.Act = Act{Move: "done", Note: "现场已处理", Evidence: slices.Clone(paper)}
	case Done:
		if c.Check == Waiting {
			return d.look(tx, by, c, "check")
		}
		s.Act.Move = "close"
	default:
		return s, false, nil
	}
	return s, true, nil
}

// look is the verification or check that a case waits for.
func (d *Desk) look(tx *db.Tx, by *access.Actor, c Case, kind string) (Step, bool, error) {
	s := Step{Case: c.ID, Post: c.Acting, Act: Act{Move: kind, Result: Pass, Note: "到现场看过"}}
	tasks, err := openTasks(tx, c.ID)
	if err != nil {
		return s, false, err
	}
	for _, t := range tasks {
		if t.Task == kind {
			s.Case, s.Post = t.ID, t.Acting
		}
	}
	return s, true, nil
}

// takers are the posts of a case's route that take cases, nearest first.
func (d *Desk) takers(tx *db.Tx, by *access.Actor, c Case) ([]id.ID, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	var posts []id.ID
	for _, p := range d.route(env, c) {
		if r, ok := env.book.Role(p.Role); ok && slices.Contains(r.Permissions, "case.take") {
			posts = append(posts, p.ID)
		}
	}
	return posts, nil
}
