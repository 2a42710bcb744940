// Package org owns who belongs where: the managing organisation (hub, streets,
// village platforms), the departments and the grid centre, the statistical
// divisions, the posts, the people and who holds which post when.
//
// It does not own grids (core/grid) nor rights (core/access): a post has a role
// by name, and what that role may do is none of this room's business.
//
// Tables: org_unit, org_unit_past, org_division, org_platform_village, org_post,
// org_person, org_holding, org_inheritance, org_act, org_act_node,
// org_staffing_rule, org_term, org_group, org_member, org_skill.
//
// Promises callers rely on:
//   - The statistical tree and the managing tree stay apart; only dated links
//     join them (DESIGN.md section 3.2). Codes are attributes, never identity.
//   - Posts own work, people hold posts for a period. A post without an
//     occupant falls to the next of its cover order, and as long as the hub has
//     a desk post, Effective always names a post (DESIGN.md section 3.3).
//   - A stand-in stands in for one post, for a limited time, after accepting
//     it, and never hands it on (notes/domain.md 2f, roles.json stand_in).
//   - All of it lies in memory as one immutable Snapshot, renewed when a table
//     of this room changed.
package org

import (
	"regexp"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// room is the name under which versions and migrations of this room are kept.
const room = "org"

var (
	// ErrMissing says that there is no such unit, post, person or holding, or
	// none this actor may see.
	ErrMissing = fault.New(fault.Missing, "org.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "org.invalid")
	// ErrChanged says that somebody changed the row since it was read.
	ErrChanged = fault.New(fault.Changed, "org.changed")
	// ErrCodeTaken says that the code belongs to another unit or division.
	ErrCodeTaken = fault.New(fault.Conflict, "org.code_taken")
	// ErrDiffers says that an imported row names something known whose other
	// columns differ; it is never overwritten silently.
	ErrDiffers = fault.New(fault.Conflict, "org.differs")
	// ErrParent says that a parent is missing or of the wrong kind.
	ErrParent = fault.New(fault.Invalid, "org.bad_parent")
	// ErrSecondHub says that one installation has one hub.
	ErrSecondHub = fault.New(fault.Conflict, "org.second_hub")
	// ErrPostTaken says that another person holds the post, or stands in for
	// it, in that period.
	ErrPostTaken = fault.New(fault.Conflict, "org.post_taken")
	// ErrTooManyPosts says that the person would hold more posts of a kind
	// than staffing.json allows.
	ErrTooManyPosts = fault.New(fault.Conflict, "org.too_many_posts")
	// ErrOwnPost says that nobody stands in for himself.
	ErrOwnPost = fault.New(fault.Conflict, "org.own_post")
	// ErrHandsOn says that a stand-in cannot hand the post on.
	ErrHandsOn = fault.New(fault.Forbidden, "org.stand_in_hands_on")
	// ErrNotYourPost says that one neither holds the post nor acts through it.
	ErrNotYourPost = fault.New(fault.Forbidden, "org.not_your_post")
	// ErrNotYours says that only the person named can accept or decline.
	ErrNotYours = fault.New(fault.Forbidden, "org.not_yours")
	// ErrAdminPost says that a post of the three administrators is not given by
	// assignment: their roles are granted (core/access), or an operator seats them.
	ErrAdminPost = fault.New(fault.Forbidden, "org.admin_post")
	// ErrToOneself says that nobody gives himself a post.
	ErrToOneself = fault.New(fault.Forbidden, "org.to_oneself")
	// ErrHasGroups says that other groups still stand in the group.
	ErrHasGroups = fault.New(fault.Conflict, "org.group_has_groups")
	// ErrEnded says that the holding has ended or was declined.
	ErrEnded = fault.New(fault.Conflict, "org.ended")
	// ErrLastDesk says that the hub must keep a desk post, or a case could be
	// left without an owner.
	ErrLastDesk = fault.New(fault.Conflict, "org.last_hub_desk")
	// ErrRole says that the role is not known or cannot sit there.
	ErrRole = fault.New(fault.Invalid, "org.bad_role")
)

// UnitKind is the kind of a unit (机构类别).
type UnitKind string

const (
	Hub        UnitKind = "hub"         // 中枢
	Street     UnitKind = "street"      // 街道平台
	Platform   UnitKind = "platform"    // 村居平台
	Department UnitKind = "department"  // 共建单位
	GridCentre UnitKind = "grid_centre" // 网格化服务管理中心
	Body       UnitKind = "body"        // 其他机构
)

// UnitKinds lists all kinds in the order in which they are shown.
var UnitKinds = []UnitKind{Hub, Street, Platform, Department, GridCentre, Body}

// Unit is one body of the managing organisation or a department (机构).
type Unit struct {
	ID           id.ID      `json:"id"`
	Kind         UnitKind   `json:"kind" enum:"hub,street,platform,department,grid_centre,body"`
	Key          string     `json:"key,omitempty"` // key in departments.json
	Code         string     `json:"code"`
	Name         words.Text `json:"name"`
	Parent       id.ID      `json:"parent_id,omitzero"`
	Calendar     string     `json:"calendar,omitempty"`      // office hours
	DutyCalendar string     `json:"duty_calendar,omitempty"` // stage clocks run on it
	From         time.Time  `json:"from,omitzero"`
	To           time.Time  `json:"to,omitzero"` // first instant at which it is no more
	MadeUp       bool       `json:"made_up,omitempty"`
	Version      int64      `json:"version"`
}

// Division is one row of the statistical list (统计用区划).
type Division struct {
	ID     id.ID     `json:"id"`
	Code   string    `json:"code"`
	Name   string    `json:"name"`
	Level  string    `json:"level" enum:"province,city,county,street,village"`
	Parent id.ID     `json:"parent_id,omitzero"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
}

// DivisionLevels lists the levels of the statistical list, highest first.
var DivisionLevels = []string{"province", "city", "county", "street", "village"}

// Level is the kind of node a post or a grant is bound to (范围类别); the keys
// are the scope kinds of roles.json.
type Level string

const (
	AtDistrict   Level = "district"
	AtStreet     Level = "street"
	AtVillage    Level = "village" // a village platform
	AtGrid       Level = "grid"
	AtMicroGrid  Level = "micro_grid"
	AtBuilding   Level = "building"
	AtDepartment Level = "department"
	AtSystem     Level = "system"
	AtSelf       Level = "self"
)

// Levels lists all scope kinds.
var Levels = []Level{AtDistrict, AtStreet, AtVillage, AtGrid, AtMicroGrid, AtBuilding, AtDepartment, AtSystem, AtSelf}

// Post is a place in the organisation that work is given to (岗位). Unit is the
// body it belongs to; Node is what it looks after: a unit, or a grid of that
// unit.
type Post struct {
	ID       id.ID      `json:"id"`
	Role     string     `json:"role"`
	Name     words.Text `json:"name"`
	Unit     id.ID      `json:"unit_id"`
	Level    Level      `json:"level" enum:"district,street,village,grid,micro_grid,building,department,system"`
	Node     id.ID      `json:"node_id"`
	Fallback id.ID      `json:"fallback_id,omitzero"` // who covers a vacancy before the general cover order
	From     time.Time  `json:"from,omitzero"`
	To       time.Time  `json:"to,omitzero"`
	MadeUp   bool       `json:"made_up,omitempty"`
	Version  int64      `json:"version"`
}

// Person is somebody who works here (人员). Nothing but the name is kept: what
// signs in is an account (core/access).
type Person struct {
	ID      id.ID     `json:"id"`
	Name    string    `json:"name"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	MadeUp  bool      `json:"made_up,omitempty"`
	Version int64     `json:"version"`
}

// HoldingKind tells holders from stand-ins.
type HoldingKind string

const (
	Holder   HoldingKind = "holder"   // 任职
	StandIn  HoldingKind = "stand_in" // 代班
	Delegate HoldingKind = "delegate" // 委托: a part of it, see delegation.go
)

// Holding says that a person has a post for a period (任职或代班). To is the
// first instant at which it no longer holds; zero is open. A stand-in counts
// from Accepted on.
type Holding struct {
	ID        id.ID       `json:"id"`
	Post      id.ID       `json:"post_id"`
	Person    id.ID       `json:"person_id"`
	Kind      HoldingKind `json:"kind" enum:"holder,stand_in,delegate"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to,omitzero"`
	Accepted  time.Time   `json:"accepted,omitzero"`
	Principal id.ID       `json:"delegated_by,omitzero"` // the holder who delegated; of a delegation only
	Part      []string    `json:"permissions,omitempty"` // what of it was delegated; absent: all that can be
	Why       string      `json:"why,omitempty"`
	Version   int64       `json:"version"`
}

// On says whether the holding is in force at an instant.
func (h Holding) On(at time.Time) bool {
	return within(h.From, h.To, at) && !h.Accepted.IsZero() && !at.Before(h.Accepted)
}

// Meets says whether two periods have an instant in common.
func Meets(from1, to1, from2, to2 time.Time) bool {
	return (to1.IsZero() || from2.Before(to1)) && (to2.IsZero() || from1.Before(to2))
}

func within(from, to, at time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// Open says whether the unit exists at an instant.
func (u Unit) Open(at time.Time) bool { return within(u.From, u.To, at) }

// Open says whether the post exists at an instant.
func (p Post) Open(at time.Time) bool { return within(p.From, p.To, at) }

var (
	divisionCode = regexp.MustCompile(`^[0-9]{12}$`)
	unitCode     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
)

// SightOf is the place of a post in the scope trees: whoever may see that place
// may see who holds the post.
func (s *Snapshot) SightOf(p Post) journal.Sight {
	at := journal.Sight{Nodes: s.Nodes(p.Unit)}
	switch p.Level {
	case AtGrid:
		at.Grid = p.Node
	case AtMicroGrid:
		at.Micro = p.Node
	case AtDepartment:
		at.Department = p.Node
	}
	return at
}
