package org

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// Rules are the bounds of staffing.json and roles.json that this room keeps
// (编员规则). They are data: an office edits the files, not the program.
type Rules struct {
	Cover         []CoverStep
	Terms         []Term         // kinds of groups and skills, as shipped
	Staffing      []StaffingRule // who belongs to a grid of each kind, as shipped
	Desks         []string       // roles whose posts answer for each other
	FullTime      []string       // roles that fill a person's working day
	Part          []string       // roles held beside other work
	MaxFullTime   int
	MaxPart       int
	MaxStandIn    int
	StandInDays   int
	Acceptance    bool // a stand-in counts only after accepting
	VacancyWarn   time.Duration
	RoleLevels    map[string][]Level
	knownRoleSits map[string]string
}

// CoverStep is one step of the order in which others answer for a vacant post.
type CoverStep struct {
	Role  string
	Peers bool // the posts of the same role at the same node
	At    Level
}

func (c CoverStep) node(p *Post, n journal.Nodes) id.ID {
	switch c.At {
	case AtGrid, AtDepartment:
		return p.Node
	case AtVillage:
		return n.Platform
	case AtStreet:
		return n.Street
	case AtDistrict:
		return n.Hub
	}
	return p.Node
}

// LoadRules reads the bounds from the shipped defaults (a file system with
// defaults/roles.json and defaults/staffing.json).
//
// The file's cover order is stand_in, grid_head, village_desk; a stand-in is
// already the occupant, and the street's and the hub's desk are added above so
// that the order always ends at a post (DESIGN.md section 3.3). Posts of a desk
// answer for each other first; a department's leader answers for its handlers.
func LoadRules(files fs.FS) (Rules, error) {
	var roles struct {
		Roles []struct {
			Key    string  `json:"key"`
			Sits   string  `json:"sits"`
			Scopes []Level `json:"scope_kinds"`
		} `json:"roles"`
		StandIn struct {
			MaxDays    int  `json:"max_days"`
			MaxPosts   int  `json:"max_posts_per_person"`
			Acceptance bool `json:"needs_acceptance"`
		} `json:"stand_in"`
	}
	var staffing struct {
		Rules   []StaffingRule `json:"rules"`
		Vacancy struct {
			WarnAfterDays int      `json:"warn_after_days"`
			CoverOrder    []string `json:"cover_order"`
		} `json:"vacancy"`
		Limits struct {
			FullTime int `json:"max_full_time_posts"`
			StandIn  int `json:"max_stand_in_posts"`
			Part     int `json:"max_part_posts"`
		} `json:"person_limits"`
	}
	var groups struct {
		Kinds  []Term `json:"group_kinds"`
		Skills []Term `json:"skills"`
	}
	for name, into := range map[string]any{"defaults/roles.json": &roles, "defaults/staffing.json": &staffing, "defaults/groups.json": &groups} {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return Rules{}, fmt.Errorf("staffing rules: %w", err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return Rules{}, fmt.Errorf("staffing rules in %s: %w", name, err)
		}
	}
	r := Rules{
		Staffing:    staffing.Rules,
		FullTime:    []string{"grid_officer"},
		MaxFullTime: staffing.Limits.FullTime, MaxPart: staffing.Limits.Part,
		MaxStandIn:  min(staffing.Limits.StandIn, roles.StandIn.MaxPosts),
		StandInDays: roles.StandIn.MaxDays, Acceptance: roles.StandIn.Acceptance,
		VacancyWarn:   time.Duration(staffing.Vacancy.WarnAfterDays) * 24 * time.Hour,
		RoleLevels:    map[string][]Level{},
		knownRoleSits: map[string]string{},
	}
	for list, terms := range map[string][]Term{GroupKinds: groups.Kinds, Skills: groups.Skills} {
		for i := range terms {
			terms[i].List = list
		}
	}
	r.Terms = append(groups.Kinds, groups.Skills...)
	levelOf := map[string]Level{}
	for _, x := range roles.Roles {
		r.RoleLevels[x.Key] = x.Scopes
		r.knownRoleSits[x.Key] = x.Sits
		switch {
		case x.Key == "grid_officer":
		case x.Sits == "grid":
			r.Part = append(r.Part, x.Key)
		default:
			r.Desks = append(r.Desks, x.Key)
		}
		if len(x.Scopes) > 0 {
			levelOf[x.Key] = x.Scopes[0]
		}
	}
	r.Cover = append(r.Cover, CoverStep{Peers: true}, CoverStep{Role: "department_leader", At: AtDepartment})
	for _, role := range staffing.Vacancy.CoverOrder {
		if role == "stand_in" {
			continue
		}
		at, ok := levelOf[role]
		if !ok {
			return Rules{}, fmt.Errorf("staffing.json: cover order names the unknown role %q", role)
		}
		r.Cover = append(r.Cover, CoverStep{Role: role, At: at})
	}
	r.Cover = append(r.Cover, CoverStep{Role: "street_desk", At: AtStreet}, CoverStep{Role: hubDesk, At: AtDistrict})
	return r, nil
}
