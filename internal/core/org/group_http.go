package org

import (
	"net/http"
	"slices"
	"strings"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

type termsOut struct {
	Body struct {
		GroupKinds []Term `json:"group_kinds"`
		Skills     []Term `json:"skills"`
	}
}

type termIn struct {
	List string `path:"list" enum:"group_kind,skill"`
	Key  string `path:"key" maxLength:"40"`
	httpx.Precondition
	Body TermEdit
}
type termOut struct{ Body Term }

type groupsIn struct {
	Unit   id.ID  `query:"unit"`
	Node   id.ID  `query:"node"`
	Parent id.ID  `query:"parent"`
	Kind   string `query:"kind" maxLength:"40"`
	Person id.ID  `query:"person" doc:"only groups of this person"`
	Query  string `query:"q" maxLength:"60"`
	httpx.Paging
}

// GroupView is a group with who is in it.
type GroupView struct {
	Group
	UnitName   words.Text   `json:"unit_name"`
	ParentName *words.Text  `json:"parent_name,omitempty"`
	Within     int          `json:"groups" doc:"groups that stand in it"`
	Members    []MemberView `json:"members"`
}

// MemberView is a member by name.
type MemberView struct {
	Member
	Name     string      `json:"name,omitempty"`
	UnitName *words.Text `json:"unit_name,omitempty"`
}

type groupsOut struct{ Body httpx.List[GroupView] }
type groupIn struct{ Body GroupIn }
type groupEditIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body GroupEdit
}
type groupOut struct{ Body Group }
type memberIn struct {
	ID   id.ID `path:"id"`
	Body MemberIn
}
type memberOut struct{ Body Member }

type skillsIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Skills []string `json:"skills" maxItems:"50"`
	}
}
type skillsOut struct {
	Body struct {
		Skills []string `json:"skills"`
	}
}

type skilledIn struct {
	Skill string `query:"skill" required:"true" maxLength:"40"`
	Near  id.ID  `query:"near" doc:"a grid or a unit; nearest people first"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}
type skilledOut struct {
	Body struct {
		Items []Skilled `json:"items"`
	}
}

func (o *Org) groupRoutes(e *httpx.Edge) {
	tags := []string{"org"}
	httpx.Read(e, httpx.Op{ID: "org.terms", Method: http.MethodGet, Path: "/api/org/terms", SignedIn: true, Tags: tags,
		Summary: "Kinds of groups and skills"},
		func(tx *db.Tx, _ journal.Who, _ *none) (*termsOut, error) {
			s, err := o.Snapshot(tx)
			if err != nil {
				return nil, err
			}
			out := &termsOut{}
			out.Body.GroupKinds, out.Body.Skills = s.Terms(GroupKinds), s.Terms(Skills)
			return out, nil
		})
	httpx.Write(e, httpx.Op{ID: "org.term_edit", Method: http.MethodPut, Path: "/api/org/terms/{list}/{key}", Permission: permEdit, Tags: tags,
		Summary: "Change a kind of group or a skill, or add one"},
		func(tx *db.Tx, by journal.Who, in *termIn) (*termOut, error) {
			t, err := o.SetTerm(tx, by, in.List, in.Key, in.Match, in.Body)
			return &termOut{t}, err
		})
	httpx.Read(e, httpx.Op{ID: "org.groups", Method: http.MethodGet, Path: "/api/org/groups", Permission: permTeam, Tags: tags,
		Summary: "Groups in scope and who is in them"}, o.getGroups)
	httpx.Write(e, httpx.Op{ID: "org.group_create", Method: http.MethodPost, Path: "/api/org/groups", Permission: permGroup, Tags: tags,
		Summary: "Make a group", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *groupIn) (*groupOut, error) {
			g, err := o.CreateGroup(tx, by, in.Body)
			return &groupOut{g}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.group_edit", Method: http.MethodPut, Path: "/api/org/groups/{id}", Permission: permGroup, Tags: tags,
		Summary: "Rename a group, or end it"},
		func(tx *db.Tx, by journal.Who, in *groupEditIn) (*groupOut, error) {
			g, err := o.EditGroup(tx, by, in.ID, in.Match, in.Body)
			return &groupOut{g}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.member_join", Method: http.MethodPost, Path: "/api/org/groups/{id}/members", Permission: permGroup, Tags: tags,
		Summary: "Put a person or a unit into a group", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *memberIn) (*memberOut, error) {
			m, err := o.Join(tx, by, in.ID, in.Body)
			return &memberOut{m}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.member_leave", Method: http.MethodDelete, Path: "/api/org/members/{id}", SignedIn: true, Tags: tags,
		Summary: "End a membership"},
		func(tx *db.Tx, by journal.Who, in *idIn) (*memberOut, error) {
			m, err := o.LeaveGroup(tx, by, in.ID)
			return &memberOut{m}, err
		})
	skills := func(set func(*db.Tx, journal.Who, id.ID, []string) ([]string, error)) func(tx *db.Tx, by journal.Who, in *skillsIn) (*skillsOut, error) {
		return func(tx *db.Tx, by journal.Who, in *skillsIn) (*skillsOut, error) {
			list, err := set(tx, by, in.ID, in.Body.Skills)
			out := &skillsOut{}
			out.Body.Skills = list
			return out, err
		}
	}
	httpx.Write(e, httpx.Op{ID: "org.person_skills", Method: http.MethodPut, Path: "/api/org/persons/{id}/skills", SignedIn: true, Tags: tags,
		Summary: "Say what a person is good at"}, skills(o.SetPersonSkills))
	httpx.Write(e, httpx.Op{ID: "org.post_skills", Method: http.MethodPut, Path: "/api/org/posts/{id}/skills", Permission: permGroup, Tags: tags,
		Summary: "Say what whoever holds a post can do"}, skills(o.SetPostSkills))
	httpx.Read(e, httpx.Op{ID: "org.skilled", Method: http.MethodGet, Path: "/api/org/skilled", Permission: permTeam, Tags: tags,
		Summary: "Who can do something, nearest to a place first"}, o.getSkilled)
}

func (o *Org) getGroups(tx *db.Tx, by journal.Who, in *groupsIn) (*groupsOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var after id.ID
	if err := in.Paging.Read(&after); err != nil {
		return nil, err
	}
	now := tx.Now()
	out := &groupsOut{}
	for _, g := range s.Groups {
		switch {
		case !after.IsZero() && g.ID.Compare(after) <= 0, !g.Open(now), !in.Unit.IsZero() && g.Unit != in.Unit, !in.Node.IsZero() && g.Node != in.Node,
			!in.Parent.IsZero() && g.Parent != in.Parent, in.Kind != "" && g.Kind != in.Kind,
			in.Query != "" && !strings.Contains(g.Name.Chinese+"\n"+strings.ToLower(g.Name.English), strings.ToLower(in.Query)),
			!in.Person.IsZero() && !slices.ContainsFunc(s.Members(g.ID, now), func(m Member) bool { return m.Person == in.Person }),
			!by.Sees(permTeam, s.SightOf(g.place())):
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next, err = httpx.Cursor(out.Body.Items[in.Limit-1].ID)
			return out, err
		}
		v := GroupView{Group: g, Members: []MemberView{}}
		if u, ok := s.Unit(g.Unit); ok {
			v.UnitName = u.Name
		}
		if p, ok := s.groups[g.Parent]; ok {
			v.ParentName = &p.Name
		}
		for _, x := range s.Groups {
			v.Within += btoi(x.Parent == g.ID && x.Open(now))
		}
		for _, m := range s.Members(g.ID, now) {
			mv := MemberView{Member: m}
			if p, ok := s.Person(m.Person); ok {
				mv.Name = p.Name
			}
			if u, ok := s.Unit(m.Unit); ok {
				mv.UnitName = &u.Name
			}
			v.Members = append(v.Members, mv)
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func (o *Org) getSkilled(tx *db.Tx, by journal.Who, in *skilledIn) (*skilledOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	near := s.Nodes(in.Near)
	if _, unit := s.Unit(in.Near); !unit && !in.Near.IsZero() && o.grounds != nil {
		grounds, err := o.grounds.Grounds(tx, tx.Now())
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(grounds, func(g Ground) bool { return g.ID == in.Near })
		if i < 0 {
			return nil, ErrMissing
		}
		near = grounds[i].Nodes
	}
	out := &skilledOut{}
	out.Body.Items = s.WithSkill(in.Skill, near, tx.Now(), func(at journal.Sight) bool { return by.Sees(permTeam, at) })
	out.Body.Items = out.Body.Items[:min(len(out.Body.Items), in.Limit)]
	return out, nil
}
