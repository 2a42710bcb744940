package org

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// permGroup is the permission to keep groups and skills.
const permGroup = "org.group_edit"

// The lists whose terms are data (groups.json), and which an office may change.
const (
	GroupKinds = "group_kind"
	Skills     = "skill"
)

// Term is one entry of such a list: a kind of group, or a skill (特长).
type Term struct {
	List string `json:"list" enum:"group_kind,skill"`
	Key  string `json:"key"`
	TermEdit
	Version int64 `json:"version" doc:"0 as long as the shipped term holds"`
}

// TermEdit is what an office may change about a term.
type TermEdit struct {
	Name   words.Text  `json:"name"`
	Within []string    `json:"within,omitempty" maxItems:"20" doc:"of a kind of group: the kinds it may stand in"`
	Roles  []GroupRole `json:"roles,omitempty" maxItems:"20" doc:"of a kind of group: what a member may be"`
	Closed bool        `json:"closed,omitempty" doc:"no longer offered"`
}

// GroupRole is what a member of a group may be.
type GroupRole struct {
	Key  string     `json:"key" maxLength:"40"`
	Name words.Text `json:"name"`
}

// Group is a group of people beside the posts (社会组织、小组): a party branch
// with its groups and alleys (the 1+2+5+15 network), a volunteer team, a joint
// service body. It lies in a place, as a post does, and gives no rights by
// itself. (notes/domain.md rows 19, 32, 34, 83)
type Group struct {
	ID      id.ID      `json:"id"`
	Kind    string     `json:"kind"`
	Name    words.Text `json:"name"`
	Parent  id.ID      `json:"parent_id,omitzero"`
	Unit    id.ID      `json:"unit_id"`
	Level   Level      `json:"level" enum:"district,street,village,grid,micro_grid,department"`
	Node    id.ID      `json:"node_id"`
	MadeUp  bool       `json:"made_up,omitempty"`
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to,omitzero"`
	Version int64      `json:"version"`
}

// Open says whether the group exists at an instant.
func (g Group) Open(at time.Time) bool { return within(g.From, g.To, at) }

// Member is a person of a group, or a unit of a joint body, for a period.
type Member struct {
	ID      id.ID     `json:"id"`
	Group   id.ID     `json:"group_id"`
	Person  id.ID     `json:"person_id,omitzero"`
	Unit    id.ID     `json:"unit_id,omitzero"`
	Role    string    `json:"role"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`
	Version int64     `json:"version"`
}

// On says whether the membership is in force at an instant.
func (m Member) On(at time.Time) bool { return within(m.From, m.To, at) }

// mostMembers bounds one group.
const mostMembers = 500

// place is the post that would lie where the group lies.
func (g Group) place() Post { return Post{Unit: g.Unit, Level: g.Level, Node: g.Node} }

// Terms lists a list as it is now, closed terms too.
func (s *Snapshot) Terms(list string) []Term {
	var out []Term
	for _, t := range s.terms {
		if t.List == list {
			out = append(out, t)
		}
	}
	return out
}

func (s *Snapshot) term(list, key string) (Term, bool) {
	i := slices.IndexFunc(s.terms, func(t Term) bool { return t.List == list && t.Key == key })
	if i < 0 {
		return Term{}, false
	}
	return s.terms[i], true
}

// Members lists who is in a group at an instant.
func (s *Snapshot) Members(group id.ID, at time.Time) []Member {
	var out []Member
	for _, m := range s.members[group] {
		if m.On(at) {
			out = append(out, m)
		}
	}
	return out
}

var termKey = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// SetTerm changes a kind of group or a skill, or adds one. Permission org.edit.
// Codes: org.changed, org.invalid.
func (o *Org) SetTerm(tx *db.Tx, by journal.Who, list, key string, version int64, e TermEdit) (Term, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Term{}, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return Term{}, err
	}
	old, _ := s.term(list, key)
	if version != 0 && version != old.Version {
		return Term{}, ErrChanged.With("version", old.Version)
	}
	t := Term{List: list, Key: key, TermEdit: e, Version: old.Version + 1}
	t.Name = tidyText(t.Name)
	f := checkName(ErrInvalid, t.Name)
	if !termKey.MatchString(key) || list != GroupKinds && list != Skills {
		f = f.At("path.key", "org.term_key")
	}
	if len(s.terms) > 1000 && old.Version == 0 {
		f = f.At("path.key", "org.term_many")
	}
	seen := map[string]bool{}
	for _, r := range t.Roles {
		if !termKey.MatchString(r.Key) || seen[r.Key] || r.Name.Chinese == "" || r.Name.English == "" || utf8.RuneCountInString(r.Name.Chinese+r.Name.English) > 200 {
			f = f.At("body.roles", "org.term_roles", "key", r.Key)
		}
		seen[r.Key] = true
	}
	if list == GroupKinds && len(t.Roles) == 0 || len(t.Roles) > 20 {
		f = f.At("body.roles", "org.term_roles", "key", "")
	}
	for _, k := range t.Within {
		if _, ok := s.term(GroupKinds, k); !ok || list != GroupKinds {
			f = f.At("body.within", "org.unknown_group_kind", "key", k)
		}
	}
	if err := orNil(f); err != nil {
		return Term{}, err
	}
	n, err := tx.Exec(`INSERT INTO org_term (list, key, body, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (list, key) DO UPDATE SET body = EXCLUDED.body, version = EXCLUDED.version WHERE org_term.version = EXCLUDED.version - 1`,
		list, key, db.JSON(t), t.Version)
	if err := changed(n, err, "write term", id.ID{}); err != nil {
		return Term{}, err
	}
	return t, o.wrote(tx, by, "org.term_edit", s.hub, t.Version, journal.Sight{}, t)
}

// GroupIn is a group as it is made. Kind, parent and place are fixed once it is.
type GroupIn struct {
	ID     id.ID      `json:"id,omitzero"`
	Kind   string     `json:"kind" maxLength:"40"`
	Name   words.Text `json:"name"`
	Parent id.ID      `json:"parent_id,omitzero"`
	Unit   id.ID      `json:"unit_id"`
	Level  Level      `json:"level" enum:"district,street,village,grid,micro_grid,department"`
	Node   id.ID      `json:"node_id"`
	MadeUp bool       `json:"made_up,omitempty"`
}

// CreateGroup makes a group. Permission org.group_edit at its place. Codes:
// org.invalid, org.missing.
func (o *Org) CreateGroup(tx *db.Tx, by journal.Who, in GroupIn) (Group, error) {
	g := Group{ID: in.ID, Kind: in.Kind, Name: tidyText(in.Name), Parent: in.Parent, Unit: in.Unit, Level: in.Level, Node: in.Node,
		MadeUp: in.MadeUp, From: tx.Now(), Version: 1}
	if g.ID.IsZero() {
		g.ID = tx.NewID()
	}
	at, err := postSight(tx, g.place())
	if err != nil {
		return Group{}, err
	}
	if err := by.Check(permGroup, at); err != nil {
		return Group{}, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return Group{}, err
	}
	f := checkName(ErrInvalid, g.Name)
	kind, ok := s.term(GroupKinds, g.Kind)
	if !ok || kind.Closed {
		f = f.At("body.kind", "org.unknown_group_kind", "key", g.Kind)
	}
	node, err := unitByID(tx, g.Node)
	if err != nil && !errors.Is(err, ErrMissing) {
		return Group{}, err
	}
	want, inOrg := unitKindOf[g.Level]
	grid := slices.Contains([]Level{AtGrid, AtMicroGrid}, g.Level)
	if g.Node.IsZero() || !inOrg && !grid || g.Level == AtSystem || inOrg && (err != nil || node.Kind != want) || grid && err == nil {
		f = f.At("body.node_id", "org.bad_node")
	}
	if !g.Parent.IsZero() {
		p, ok := s.groups[g.Parent]
		switch {
		case !ok || !p.Open(tx.Now()) || !slices.Contains(kind.Within, p.Kind):
			f = f.At("body.parent_id", "org.group_parent")
		case s.Nodes(p.Unit).Street != s.Nodes(g.Unit).Street:
			// A network of a village does not reach into another street.
			f = f.At("body.parent_id", "org.group_parent")
		}
	}
	if _, taken := s.groups[g.ID]; taken {
		return Group{}, ErrCodeTaken.With("code", g.ID.String())
	}
	if err := orNil(f); err != nil {
		return Group{}, err
	}
	_, err = tx.Exec(`INSERT INTO org_group (`+groupColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		g.ID, g.Kind, g.Name.Chinese, g.Name.English, g.Parent, g.Unit, g.Level, g.Node, g.MadeUp, db.Millis(g.From), db.Millis(g.To), g.Version)
	if err != nil {
		return Group{}, wrap(err, "write group", g.ID)
	}
	return g, o.wrote(tx, by, "org.group_create", g.ID, g.Version, at, g)
}

// GroupEdit is what may change about a group.
type GroupEdit struct {
	Name words.Text `json:"name"`
	End  bool       `json:"end,omitempty" doc:"the group is no more from now on"`
}

// EditGroup renames a group or ends it with all memberships. A group that others
// stand in cannot end before them. Permission org.group_edit at its place.
// Codes: org.missing, org.changed, org.invalid, org.ended, org.group_has_groups.
func (o *Org) EditGroup(tx *db.Tx, by journal.Who, group id.ID, version int64, e GroupEdit) (Group, error) {
	g, s, at, err := o.groupFor(tx, by, group)
	if err != nil {
		return Group{}, err
	}
	if version != 0 && version != g.Version {
		return Group{}, ErrChanged.With("version", g.Version)
	}
	g.Name = tidyText(e.Name)
	if err := orNil(checkName(ErrInvalid, g.Name)); err != nil {
		return Group{}, err
	}
	now := tx.Now()
	if e.End {
		for _, x := range s.groups {
			if x.Parent == g.ID && x.Open(now) {
				return Group{}, ErrHasGroups
			}
		}
		g.To = now
		if _, err := tx.Exec(`UPDATE org_member SET valid_to = $1, version = version + 1 WHERE grp = $2 AND (valid_to IS NULL OR valid_to > $1)`, db.Millis(now), g.ID); err != nil {
			return Group{}, wrap(err, "end members of", g.ID)
		}
	}
	n, err := tx.Exec(`UPDATE org_group SET name_zh = $1, name_en = $2, valid_to = $3, version = version + 1 WHERE id = $4 AND version = $5`,
		g.Name.Chinese, g.Name.English, db.Millis(g.To), g.ID, g.Version)
	if err := changed(n, err, "write group", g.ID); err != nil {
		return Group{}, err
	}
	g.Version++
	return g, o.wrote(tx, by, "org.group_edit", g.ID, g.Version, at, g)
}

// MemberIn is a person, or a unit of a joint body, as it joins.
type MemberIn struct {
	ID     id.ID     `json:"id,omitzero"`
	Person id.ID     `json:"person_id,omitzero"`
	Unit   id.ID     `json:"unit_id,omitzero"`
	Role   string    `json:"role" maxLength:"40"`
	From   time.Time `json:"from,omitzero"` // now when absent
	To     time.Time `json:"to,omitzero"`
}

// Join puts a person or a unit into a group. Permission org.group_edit at the
// group's place. Codes: org.missing, org.invalid, org.ended.
func (o *Org) Join(tx *db.Tx, by journal.Who, group id.ID, in MemberIn) (Member, error) {
	g, s, at, err := o.groupFor(tx, by, group)
	if err != nil {
		return Member{}, err
	}
	now := tx.Now()
	m := Member{ID: in.ID, Group: g.ID, Person: in.Person, Unit: in.Unit, Role: in.Role, From: in.From, To: in.To, Version: 1}
	if m.ID.IsZero() {
		m.ID = tx.NewID()
	}
	if m.From.IsZero() || m.From.Before(now) && !trusted(by) {
		m.From = now
	}
	m.From, m.To = m.From.UTC().Truncate(time.Millisecond), m.To.UTC().Truncate(time.Millisecond)
	f := ErrInvalid
	kind, _ := s.term(GroupKinds, g.Kind)
	if !slices.ContainsFunc(kind.Roles, func(r GroupRole) bool { return r.Key == m.Role }) {
		f = f.At("body.role", "org.group_role", "role", m.Role)
	}
	if !m.To.IsZero() && !m.To.After(m.From) {
		f = f.At("body.to", "org.bad_period")
	}
	p, knownPerson := s.Person(m.Person)
	_, knownUnit := s.Unit(m.Unit)
	if m.Person.IsZero() == m.Unit.IsZero() || !m.Person.IsZero() && (!knownPerson || !p.To.IsZero()) || !m.Unit.IsZero() && !knownUnit {
		f = f.At("body.person_id", "org.group_member")
	}
	if err := orNil(f); err != nil {
		return Member{}, err
	}
	there, err := all(tx, `SELECT `+memberColumns+` FROM org_member WHERE grp = $1`, memberFields, g.ID)
	if err != nil {
		return Member{}, err
	}
	open := 0
	for _, x := range there {
		open += btoi(x.On(now))
		if x.ID == m.ID || x.Person == m.Person && x.Unit == m.Unit && x.Role == m.Role && Meets(x.From, x.To, m.From, m.To) {
			return Member{}, ErrInvalid.At("body.person_id", "org.group_twice")
		}
	}
	if open >= mostMembers {
		return Member{}, ErrInvalid.At("body.person_id", "org.group_full", "most", mostMembers)
	}
	_, err = tx.Exec(`INSERT INTO org_member (`+memberColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		m.ID, m.Group, m.Person, m.Unit, m.Role, db.Millis(m.From), db.Millis(m.To), m.Version)
	if err != nil {
		return Member{}, wrap(err, "write member", m.ID)
	}
	return m, o.wrote(tx, by, "org.member_join", m.ID, m.Version, at, m)
}

// LeaveGroup ends a membership now. Permission org.group_edit at the group's
// place; a person may always leave himself. Codes: org.missing, org.ended.
func (o *Org) LeaveGroup(tx *db.Tx, by journal.Who, member id.ID) (Member, error) {
	var m Member
	if err := found(tx.Row(`SELECT `+memberColumns+` FROM org_member WHERE id = $1`, member).Scan(memberFields(&m)...), "member", member); err != nil {
		return Member{}, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return Member{}, err
	}
	g := s.groups[m.Group]
	at := s.SightOf(g.place())
	own := !m.Person.IsZero() && by.By().Person == m.Person
	if err := by.Check(permGroup, at); err != nil && !own {
		return Member{}, err
	}
	now := tx.Now()
	if !m.To.IsZero() && !now.Before(m.To) {
		return Member{}, ErrEnded
	}
	m.To = now
	if m.To.Before(m.From) {
		m.To = m.From
	}
	n, err := tx.Exec(`UPDATE org_member SET valid_to = $1, version = version + 1 WHERE id = $2 AND version = $3`, db.Millis(m.To), m.ID, m.Version)
	if err := changed(n, err, "write member", m.ID); err != nil {
		return Member{}, err
	}
	m.Version++
	return m, o.wrote(tx, by, "org.member_leave", m.ID, m.Version, at, m)
}

// groupFor finds an open group for somebody who may change it.
func (o *Org) groupFor(tx *db.Tx, by journal.Who, group id.ID) (Group, *Snapshot, journal.Sight, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return Group{}, nil, journal.Sight{}, err
	}
	g, ok := s.groups[group]
	if !ok {
		return Group{}, nil, journal.Sight{}, ErrMissing
	}
	at := s.SightOf(g.place())
	if err := by.Check(permGroup, at); err != nil {
		return Group{}, nil, at, err
	}
	if !g.Open(tx.Now()) {
		return Group{}, nil, at, ErrEnded
	}
	return *g, s, at, nil
}

const groupColumns = `id, kind, name_zh, name_en, parent, unit, level, node, made_up, valid_from, valid_to, version`

func groupFields(g *Group) []any {
	return []any{&g.ID, &g.Kind, &g.Name.Chinese, &g.Name.English, &g.Parent, &g.Unit, &g.Level, &g.Node, &g.MadeUp,
		db.Time(&g.From), db.Time(&g.To), &g.Version}
}

const memberColumns = `id, grp, person, unit, role, valid_from, valid_to, version`

func memberFields(m *Member) []any {
	return []any{&m.ID, &m.Group, &m.Person, &m.Unit, &m.Role, db.Time(&m.From), db.Time(&m.To), &m.Version}
}

// loadGroups adds groups, members, skills and the lists to the snapshot.
func (o *Org) loadGroups(tx *db.Tx, s *Snapshot) error {
	own, err := all(tx, `SELECT body FROM org_term`, func(t *Term) []any { return []any{db.ScanJSON(t)} })
	if err != nil {
		return err
	}
	s.terms = slices.Clone(o.rules.Terms)
	for _, t := range own {
		if i := slices.IndexFunc(s.terms, func(x Term) bool { return x.List == t.List && x.Key == t.Key }); i >= 0 {
			s.terms[i] = t
		} else {
			s.terms = append(s.terms, t)
		}
	}
	groups, err := all(tx, `SELECT `+groupColumns+` FROM org_group`, groupFields)
	if err != nil {
		return err
	}
	slices.SortFunc(groups, func(a, b Group) int { return a.ID.Compare(b.ID) })
	s.Groups = groups
	for i := range groups {
		s.groups[groups[i].ID] = &groups[i]
	}
	members, err := all(tx, `SELECT `+memberColumns+` FROM org_member`, memberFields)
	if err != nil {
		return err
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Or(a.From.Compare(b.From), a.ID.Compare(b.ID)) })
	for _, m := range members {
		s.members[m.Group] = append(s.members[m.Group], m)
	}
	type skilled struct {
		of    id.ID
		skill string
	}
	skills, err := all(tx, `SELECT subject, skill FROM org_skill ORDER BY subject, skill`, func(x *skilled) []any { return []any{&x.of, &x.skill} })
	for _, x := range skills {
		s.skills[x.of] = append(s.skills[x.of], x.skill)
	}
	return err
}
