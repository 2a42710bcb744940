package casework

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// A person watches a case (关注) to find it again and to be told of it. It is a
// bookmark and no act on the case: it stands on no timeline, raises no version
// and gives no right: whoever may not see the case any more finds it nowhere.

// What watching and mentioning can be refused for.
var (
	ErrWatchTask = fault.New(fault.Invalid, "case.watch_task")
	ErrWatchMany = fault.New(fault.Conflict, "case.watch_many")
	ErrMention   = fault.New(fault.Invalid, "case.mention_unknown")
)

const (
	maxWatched  = 500 // cases of one person
	maxMentions = 10  // posts in one comment
	maxReaders  = 50
)

// Watch begins or ends watching; doing it twice is no mistake. Permission
// case.view. Codes: case.missing, case.watch_task, case.watch_many,
// access.denied.
func (d *Desk) Watch(tx *db.Tx, by *access.Actor, caseID id.ID, on bool) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	switch {
	case by.Person.IsZero():
		return c, access.ErrDenied
	case !on:
		if _, err := tx.Exec(`DELETE FROM case_watch WHERE person_id = $1 AND case_id = $2`, by.Person, c.ID); err != nil {
			return c, fmt.Errorf("end watching: %w", err)
		}
		return c, nil
	case !c.Parent.IsZero():
		return c, ErrWatchTask
	}
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM case_watch WHERE person_id = $1 AND case_id <> $2`, by.Person, c.ID).Scan(&n); err != nil {
		return c, fmt.Errorf("read watched: %w", err)
	}
	if n >= maxWatched {
		return c, ErrWatchMany.With("most", maxWatched)
	}
	if _, err := tx.Exec(`INSERT INTO case_watch (person_id, case_id, post_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT (person_id, case_id) DO NOTHING`,
		by.Person, c.ID, by.Post, db.Millis(tx.Now())); err != nil {
		return c, fmt.Errorf("watch: %w", err)
	}
	return c, nil
}

// Watchers are the persons who watch a case. Whoever tells them asks first
// whether they may still see it.
func (d *Desk) Watchers(tx *db.Tx, caseID id.ID) ([]id.ID, error) {
	rows, err := tx.Query(`SELECT person_id FROM case_watch WHERE case_id = $1 ORDER BY at, person_id`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read watchers: %w", err)
	}
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var v id.ID
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("read watchers: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// watches says whether the actor watches a case.
func watches(tx *db.Tx, by *access.Actor, caseID id.ID) (bool, error) {
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM case_watch WHERE person_id = $1 AND case_id = $2`, by.Person, caseID).Scan(&n); err != nil {
		return false, fmt.Errorf("read watched: %w", err)
	}
	return n > 0, nil
}

// seenWatched are the watched cases that the actor still may see; never many.
func seenWatched(tx *db.Tx, by *access.Actor) ([]Case, error) {
	all, err := many(tx, `SELECT `+prefixed+` FROM case_watch w JOIN cases c ON c.id = w.case_id WHERE w.person_id = $1`, by.Person)
	return slices.DeleteFunc(all, func(c Case) bool { return !sees(by, c) }), err
}

// watched lists them, ordered and cut as any other list.
func (d *Desk) watched(tx *db.Tx, by *access.Actor, f Filter, states []State, after *Cursor, limit int) ([]Case, *Cursor, error) {
	if f.Query != "" {
		if _, err := queryTerms(f.Query); err != nil {
			return nil, nil, err
		}
	}
	out, err := seenWatched(tx, by)
	if err != nil {
		return nil, nil, err
	}
	order := func(a, b Case) int { return cmp.Or(cmp.Compare(a.listAt(), b.listAt()), a.ID.Compare(b.ID)) }
	slices.SortFunc(out, order)
	out = slices.DeleteFunc(out, func(c Case) bool {
		past := after != nil && cmp.Or(cmp.Compare(c.listAt(), after.At), c.ID.Compare(after.ID)) <= 0
		return past || !slices.Contains(states, c.State) || !f.keeps(c, tx.Now()) || f.Query != "" && !contains(c, f.Query)
	})
	if len(out) <= limit {
		return out, nil, nil
	}
	out = out[:limit]
	last := out[limit-1]
	return out, &Cursor{At: last.listAt(), ID: last.ID}, nil
}

// mentionable says whether a post may read a case, so that naming it in a
// comment reaches somebody and shows nobody more than before.
func (e *env) mentionable(p org.Post, c Case) bool {
	return p.Open(e.staffed) && e.book.PostReaches(e.org, p, "case.view", c.Sight(), e.staffed)
}

// mention checks the posts that a comment names.
func (e *env) mention(c Case, posts []id.ID) error {
	if len(posts) > maxMentions {
		return ErrInvalid.At("body.mentions", "case.too_many", "most", maxMentions)
	}
	for _, v := range posts {
		if p, ok := e.org.Post(v); !ok || !e.mentionable(p, c) {
			return ErrMention.At("body.mentions", "case.mention_unknown")
		}
	}
	return nil
}

// Readers lists posts that may read a case and fit some words of their name:
// those that a comment can mention. Permission case.comment. Codes:
// case.missing, access.denied.
func (d *Desk) Readers(tx *db.Tx, by *access.Actor, caseID id.ID, q string) ([]PostChoice, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return nil, err
	}
	if err := by.Check("case.comment", c.Sight()); err != nil {
		return nil, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	q = strings.ToLower(strings.TrimSpace(q))
	var found []org.Post
	for _, p := range env.org.Posts {
		fits := strings.Contains(strings.ToLower(p.Name.Chinese+"\n"+p.Name.English), q)
		if fits && p.ID != by.Post && env.mentionable(p, c) {
			found = append(found, p)
		}
	}
	// Whose own place is the smallest first.
	slices.SortStableFunc(found, func(a, b org.Post) int {
		return cmp.Or(cmp.Compare(slices.Index(org.Levels, b.Level), slices.Index(org.Levels, a.Level)), strings.Compare(a.Name.Chinese, b.Name.Chinese))
	})
	return postChoices(env.org, found[:min(len(found), maxReaders)], env.staffed), nil
}
