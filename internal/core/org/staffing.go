package org

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// StaffingRule says who belongs to a grid of a kind (编员规则, 31NS). A role with
// a lower bound lacks somebody as long as fewer posts are occupied.
// (notes/domain.md 2f; data/defaults/staffing.json)
type StaffingRule struct {
	Key      string `json:"key"`
	GridKind string `json:"grid_kind" enum:"comprehensive,special,micro"`
	StaffingEdit
	Version int64 `json:"version" doc:"0 as long as the shipped rule holds"`
}

// StaffingEdit is what an office may change about a rule.
type StaffingEdit struct {
	Name       words.Text        `json:"name"`
	Households *HouseholdsBounds `json:"households,omitempty"`
	Posts      []StaffingPost    `json:"posts" maxItems:"20"`
	Helpers    *OpenList         `json:"open_list,omitempty"`
}

// HouseholdsBounds are how many households a grid usually has, and at most.
type HouseholdsBounds struct {
	UsualMin int64 `json:"usual_min" minimum:"0" maximum:"100000"`
	UsualMax int64 `json:"usual_max" minimum:"1" maximum:"100000"`
	HardMax  int64 `json:"hard_max" minimum:"1" maximum:"100000"`
}

// StaffingPost bounds the posts of a role in one grid.
type StaffingPost struct {
	Role      string     `json:"role" maxLength:"40"`
	Min       int        `json:"min" minimum:"0" maximum:"50"`
	Max       int        `json:"max" minimum:"1" maximum:"50"`
	Mandatory bool       `json:"mandatory"`
	Who       words.Text `json:"who"`
}

// OpenList is the helping people without a fixed number (社会力量, the S of 31NS).
type OpenList struct {
	Key   string     `json:"key" maxLength:"40"`
	Name  words.Text `json:"name"`
	Roles []string   `json:"roles" maxItems:"30"`
	Note  words.Text `json:"note,omitzero"`
}

// Ground is a grid as staffing needs to know it; core/grid tells it.
type Ground struct {
	ID         id.ID
	Code, Name string
	Kind       string // grid kind of the rules: comprehensive, special, micro
	Parent     id.ID  // of a micro grid
	Households int64
	Nodes      journal.Nodes
}

// Grounds tells the grids that exist at an instant, by code.
type Grounds interface {
	Grounds(tx *db.Tx, at time.Time) ([]Ground, error)
	GroundByCode(tx *db.Tx, code string) (Ground, bool, error)
}

// States of a grid's staffing.
const (
	StaffComplete = "complete"
	StaffLacking  = "lacking"
	StaffOver     = "over"
)

// Staffing is what a grid has and lacks (配员情况).
type Staffing struct {
	GridID       id.ID       `json:"grid_id"`
	Code         string      `json:"code"`
	Name         string      `json:"name"`
	Kind         string      `json:"kind"`
	StreetID     id.ID       `json:"street_id,omitzero"`
	PlatformID   id.ID       `json:"platform_id,omitzero"`
	Rule         string      `json:"rule,omitempty" doc:"key of the rule; none for a kind without one"`
	State        string      `json:"state" enum:"complete,lacking,over"`
	Lacks        int         `json:"lacks" doc:"people missing to the lower bounds"`
	Roles        []RoleStaff `json:"roles"`
	Helpers      int         `json:"helpers" doc:"people of the open list"`
	Households   int64       `json:"households,omitempty"`
	HouseholdsIs string      `json:"households_is,omitempty" enum:"under,over,over_hard"`
}

// RoleStaff is one role of a grid against its bounds.
type RoleStaff struct {
	Role     string `json:"role"`
	Min      int    `json:"min"`
	Max      int    `json:"max"`
	Posts    int    `json:"posts"`
	Filled   int    `json:"filled" doc:"posts with a holder or a stand-in"`
	StandIns int    `json:"stand_ins,omitempty" doc:"of these, only stood in for"`
	Lacks    int    `json:"lacks,omitempty"`
	Over     int    `json:"over,omitempty" doc:"posts above the upper bound"`
}

// StaffingRules lists the rules in force: the shipped ones, with what the office
// changed in their place.
func (s *Snapshot) StaffingRules() []StaffingRule { return s.staffing }

func (s *Snapshot) staffingRule(kind string) (StaffingRule, bool) {
	i := slices.IndexFunc(s.staffing, func(r StaffingRule) bool { return r.GridKind == kind })
	if i < 0 {
		return StaffingRule{}, false
	}
	return s.staffing[i], true
}

// StaffingOf holds a grid against the rule of its kind. micros are the micro
// grids inside it, whose helpers count for it.
func (s *Snapshot) StaffingOf(g Ground, micros []id.ID, at time.Time) Staffing {
	out := Staffing{
		GridID: g.ID, Code: g.Code, Name: g.Name, Kind: g.Kind, StreetID: g.Nodes.Street, PlatformID: g.Nodes.Platform,
		Households: g.Households, State: StaffComplete, Roles: []RoleStaff{},
	}
	rule, ok := s.staffingRule(g.Kind)
	if !ok {
		return out
	}
	out.Rule = rule.Key
	for _, bound := range rule.Posts {
		r := RoleStaff{Role: bound.Role, Min: bound.Min, Max: bound.Max}
		for _, p := range s.PostsAt(bound.Role, g.ID, at) {
			r.Posts++
			if _, standIn, held := s.Occupant(p.ID, at); held {
				r.Filled++
				r.StandIns += btoi(standIn)
			}
		}
		if bound.Mandatory {
			r.Lacks = max(0, bound.Min-r.Filled)
		}
		r.Over = max(0, r.Posts-bound.Max)
		out.Lacks += r.Lacks
		if r.Over > 0 {
			out.State = StaffOver
		}
		out.Roles = append(out.Roles, r)
	}
	if out.Lacks > 0 {
		out.State = StaffLacking
	}
	if h := rule.Households; h != nil && g.Households > 0 {
		switch {
		case g.Households > h.HardMax:
			out.HouseholdsIs = "over_hard"
		case g.Households > h.UsualMax:
			out.HouseholdsIs = "over"
		case g.Households < h.UsualMin:
			out.HouseholdsIs = "under"
		}
	}
	if rule.Helpers != nil {
		people := map[id.ID]bool{}
		for _, role := range rule.Helpers.Roles {
			for _, node := range append([]id.ID{g.ID, g.Nodes.Platform}, micros...) {
				for _, p := range s.PostsAt(role, node, at) {
					if who, _, ok := s.Occupant(p.ID, at); ok {
						people[who] = true
					}
				}
			}
		}
		out.Helpers = len(people)
	}
	return out
}

// StaffCount sums up the grids of a unit (配员汇总).
type StaffCount struct {
	UnitID   id.ID          `json:"unit_id"`
	Name     words.Text     `json:"name"`
	Kind     UnitKind       `json:"kind"`
	ParentID id.ID          `json:"parent_id,omitzero"`
	Grids    int            `json:"grids"`
	Lacking  int            `json:"lacking" doc:"grids that lack somebody"`
	Lacks    int            `json:"lacks" doc:"people they lack together"`
	StandIns int            `json:"stand_ins"`
	ByRole   map[string]int `json:"by_role" doc:"people lacking, by role"`
}

// countStaff sums up per street and platform, and for the hub; units without a
// grid are left out.
func (s *Snapshot) countStaff(list []Staffing) []StaffCount {
	by := map[id.ID]*StaffCount{}
	for _, g := range list {
		for _, unit := range []id.ID{s.hub, g.StreetID, g.PlatformID} {
			u, ok := s.unit[unit]
			if !ok {
				continue
			}
			c := by[unit]
			if c == nil {
				c = &StaffCount{UnitID: unit, Name: u.Name, Kind: u.Kind, ParentID: u.Parent, ByRole: map[string]int{}}
				by[unit] = c
			}
			c.Grids++
			c.Lacks += g.Lacks
			c.Lacking += btoi(g.Lacks > 0)
			for _, r := range g.Roles {
				c.StandIns += r.StandIns
				if r.Lacks > 0 {
					c.ByRole[r.Role] += r.Lacks
				}
			}
		}
	}
	out := make([]StaffCount, 0, len(by))
	for _, c := range by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b StaffCount) int {
		return cmp.Or(cmp.Compare(slices.Index(UnitKinds, a.Kind), slices.Index(UnitKinds, b.Kind)),
			cmp.Compare(s.unit[a.UnitID].Code, s.unit[b.UnitID].Code))
	})
	return out
}

// Over names who tells the grids.
func (o *Org) Over(g Grounds) { o.grounds = g }

// staffing holds every grid that the reader may see against its rule.
func (o *Org) staffing(tx *db.Tx, by journal.Who, micro bool) (*Snapshot, []Staffing, error) {
	s, err := o.Snapshot(tx)
	if err != nil || o.grounds == nil {
		return s, nil, err
	}
	now := tx.Now()
	grounds, err := o.grounds.Grounds(tx, now)
	if err != nil {
		return nil, nil, err
	}
	micros := map[id.ID][]id.ID{}
	for _, g := range grounds {
		if !g.Parent.IsZero() {
			micros[g.Parent] = append(micros[g.Parent], g.ID)
		}
	}
	var out []Staffing
	for _, g := range grounds {
		if (g.Kind == "micro") == micro && by.Sees(permTeam, journal.Sight{Nodes: g.Nodes}) {
			out = append(out, s.StaffingOf(g, micros[g.ID], now))
		}
	}
	return s, out, nil
}

// SetStaffingRule changes a rule: bounds, names, households. Its key and kind of
// grid are fixed. Permission org.edit. Codes: org.missing, org.changed,
// org.invalid.
func (o *Org) SetStaffingRule(tx *db.Tx, by journal.Who, key string, version int64, in StaffingEdit) (StaffingRule, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return StaffingRule{}, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return StaffingRule{}, err
	}
	i := slices.IndexFunc(s.staffing, func(r StaffingRule) bool { return r.Key == key })
	if i < 0 {
		return StaffingRule{}, ErrMissing
	}
	old := s.staffing[i]
	if version != 0 && version != old.Version {
		return StaffingRule{}, ErrChanged.With("version", old.Version)
	}
	r := StaffingRule{Key: old.Key, GridKind: old.GridKind, StaffingEdit: in, Version: old.Version + 1}
	r.Name = tidyText(r.Name)
	if err := o.checkStaffing(r); err != nil {
		return StaffingRule{}, err
	}
	if err := putStaffingRule(tx, r); err != nil {
		return StaffingRule{}, err
	}
	return r, o.wrote(tx, by, "org.staffing_rule", s.hub, r.Version, journal.Sight{}, r)
}

// levelsOfKind are where the posts of a grid of a kind may sit.
var levelsOfKind = map[string][]Level{
	"comprehensive": {AtGrid}, "special": {AtGrid}, "micro": {AtMicroGrid, AtBuilding},
}

func (o *Org) checkStaffing(r StaffingRule) error {
	f := checkName(ErrInvalid, r.Name)
	if len(r.Posts) == 0 || len(r.Posts) > 20 {
		f = f.At("body.posts", "org.staffing_posts")
	}
	seen := map[string]bool{}
	for _, p := range r.Posts {
		switch {
		case p.Min < 0 || p.Max < 1 || p.Min > p.Max || p.Max > 50:
			f = f.At("body.posts", "org.staffing_bounds", "role", p.Role)
		case seen[p.Role]:
			f = f.At("body.posts", "org.staffing_twice", "role", p.Role)
		case !slices.ContainsFunc(levelsOfKind[r.GridKind], func(l Level) bool { return slices.Contains(o.rules.RoleLevels[p.Role], l) }):
			f = f.At("body.posts", "org.staffing_role", "role", p.Role)
		case utf8.RuneCountInString(p.Who.Chinese) > 200 || utf8.RuneCountInString(p.Who.English) > 200:
			f = f.At("body.posts", "org.bad_name")
		}
		seen[p.Role] = true
	}
	if h := r.Households; h != nil && (h.UsualMin < 0 || h.UsualMin > h.UsualMax || h.UsualMax > h.HardMax) {
		f = f.At("body.households", "org.staffing_households")
	}
	if l := r.Helpers; l != nil {
		for _, role := range l.Roles {
			if _, ok := o.rules.RoleLevels[role]; !ok {
				f = f.At("body.open_list.roles", "org.staffing_role", "role", role)
			}
		}
		if n := utf8.RuneCountInString(l.Name.Chinese); n < 1 || n > 120 || utf8.RuneCountInString(l.Note.Chinese) > 500 {
			f = f.At("body.open_list.name", "org.bad_name")
		}
	}
	return orNil(f)
}

func putStaffingRule(tx *db.Tx, r StaffingRule) error {
	n, err := tx.Exec(`INSERT INTO org_staffing_rule (key, body, version) VALUES ($1, $2, $3)
		ON CONFLICT (key) DO UPDATE SET body = EXCLUDED.body, version = EXCLUDED.version WHERE org_staffing_rule.version = EXCLUDED.version - 1`,
		r.Key, db.JSON(r), r.Version)
	return changed(n, err, "write staffing rule", id.ID{})
}

// loadStaffing lays what the office changed over the shipped rules.
func (o *Org) loadStaffing(tx *db.Tx) ([]StaffingRule, error) {
	own, err := all(tx, `SELECT body FROM org_staffing_rule`, func(r *StaffingRule) []any { return []any{db.ScanJSON(r)} })
	if err != nil {
		return nil, err
	}
	out := slices.Clone(o.rules.Staffing)
	for i, r := range out {
		if n := slices.IndexFunc(own, func(x StaffingRule) bool { return x.Key == r.Key }); n >= 0 {
			out[i] = own[n]
		}
	}
	return out, nil
}
