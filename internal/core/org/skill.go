package org

import (
	"cmp"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// mostSkills bounds what one person or post is noted for.
const mostSkills = 20

// SkillsOf lists what a person or a post is noted for itself.
func (s *Snapshot) SkillsOf(subject id.ID) []string { return s.skills[subject] }

// SetPersonSkills says what a person is good at. The person may, and whoever
// has org.group_edit where the person has a post. Codes: org.missing,
// org.invalid.
func (o *Org) SetPersonSkills(tx *db.Tx, by journal.Who, person id.ID, skills []string) ([]string, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	p, ok := s.Person(person)
	if !ok || !p.To.IsZero() {
		return nil, ErrMissing
	}
	var at journal.Sight
	refused := by.Check(permGroup, at)
	for _, h := range s.HoldingsOf(person, tx.Now()) {
		if post, ok := s.Post(h.Post); ok && refused != nil {
			if at = s.SightOf(post); by.Check(permGroup, at) == nil {
				refused = nil
			}
		}
	}
	if refused != nil && by.By().Person != person {
		return nil, refused
	}
	return o.setSkills(tx, by, s, person, at, "org.person_skills", skills)
}

// SetPostSkills says what whoever holds a post can do. Permission org.group_edit
// at its place. Codes: org.missing, org.invalid.
func (o *Org) SetPostSkills(tx *db.Tx, by journal.Who, post id.ID, skills []string) ([]string, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	p, ok := s.Post(post)
	if !ok {
		return nil, ErrMissing
	}
	at := s.SightOf(p)
	if err := by.Check(permGroup, at); err != nil {
		return nil, err
	}
	return o.setSkills(tx, by, s, post, at, "org.post_skills", skills)
}

func (o *Org) setSkills(tx *db.Tx, by journal.Who, s *Snapshot, subject id.ID, at journal.Sight, kind string, skills []string) ([]string, error) {
	skills = slices.Compact(slices.Sorted(slices.Values(skills)))
	f := ErrInvalid
	if len(skills) > mostSkills {
		f = f.At("body.skills", "org.skills_many", "most", mostSkills)
	}
	for _, k := range skills {
		if t, ok := s.term(Skills, k); !ok || t.Closed && !slices.Contains(s.skills[subject], k) {
			f = f.At("body.skills", "org.unknown_skill", "key", k)
		}
	}
	if err := orNil(f); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`DELETE FROM org_skill WHERE subject = $1`, subject); err != nil {
		return nil, wrap(err, "forget skills of", subject)
	}
	for _, k := range skills {
		if _, err := tx.Exec(`INSERT INTO org_skill (subject, skill, noted) VALUES ($1, $2, $3)`, subject, k, db.Millis(tx.Now())); err != nil {
			return nil, wrap(err, "write skills of", subject)
		}
	}
	if skills == nil {
		skills = []string{}
	}
	return skills, o.wrote(tx, by, kind, subject, 0, at, map[string][]string{"skills": skills})
}

// Skilled is somebody who can do something, seen from a place.
type Skilled struct {
	Person   id.ID      `json:"person_id"`
	Name     string     `json:"name"`
	Skills   []string   `json:"skills" doc:"own ones and those of the post"`
	Post     id.ID      `json:"post_id"`
	PostName words.Text `json:"post_name"`
	UnitName words.Text `json:"unit_name"`
	Near     string     `json:"near" enum:"micro_grid,grid,village,street,district" doc:"the smallest area that the person's post and the place share"`

	rank int
}

// nearness names the smallest area that two places share, nearest first.
var nearness = []string{"micro_grid", "grid", "village", "street", "district"}

func shared(a, b journal.Nodes) int {
	for i, pair := range [][2]id.ID{{a.Micro, b.Micro}, {a.Grid, b.Grid}, {a.Platform, b.Platform}, {a.Street, b.Street}} {
		if !pair[0].IsZero() && pair[0] == pair[1] {
			return i
		}
	}
	return len(nearness) - 1
}

// WithSkill lists who can do something, nearest to a place first, each person
// once with the nearest of the posts that may be seen.
func (s *Snapshot) WithSkill(skill string, near journal.Nodes, at time.Time, sees func(journal.Sight) bool) []Skilled {
	best := map[id.ID]Skilled{}
	for _, p := range s.Posts {
		if !p.Open(at) {
			continue
		}
		person, _, ok := s.Occupant(p.ID, at)
		if !ok {
			continue
		}
		skills := slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.skills[person], s.skills[p.ID]))))
		if !slices.Contains(skills, skill) {
			continue
		}
		sight := s.SightOf(p)
		if !sees(sight) {
			continue
		}
		rank := shared(near, sight.Nodes)
		if old, there := best[person]; there && old.rank <= rank {
			continue
		}
		name, _ := s.Person(person)
		unit, _ := s.Unit(p.Unit)
		best[person] = Skilled{Person: person, Name: name.Name, Skills: skills, Post: p.ID, PostName: p.Name, UnitName: unit.Name, Near: nearness[rank], rank: rank}
	}
	out := make([]Skilled, 0, len(best))
	for _, v := range best {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Skilled) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Name, b.Name), a.Person.Compare(b.Person))
	})
	return out
}
