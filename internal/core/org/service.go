package org

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The permissions of roles.json that this room asks for.
const (
	permEdit    = "org.edit"
	permAssign  = "org.post_assign"
	permStandIn = "org.stand_in"
	permTeam    = "org.team_view"
	permAccount = "system.account_create"
)

// classHolding is the retention class of what this room writes to the journal.
const classHolding = "post_holding"

// Org is the organisation of one installation. Its acts run in the caller's
// transaction, on the first writer.
type Org struct {
	rules     Rules
	cache     *db.Cached[*Snapshot]
	guard     Guard
	grounds   Grounds
	territory Territory
	census    Census
}

// Guard is what this room asks of the one that knows rights (core/access).
type Guard interface {
	// MayHold refuses a holding that would give a person roles that exclude
	// each other, in any part of the period.
	MayHold(tx *db.Tx, person id.ID, role string, from, to time.Time) error
	// Delegable lists the permissions of a role that its holder may delegate.
	Delegable(tx *db.Tx, role string) ([]string, error)
	// Changed tells that a person got a post or lost one before its time was up.
	Changed(tx *db.Tx, person id.ID)
}

// New is the organisation under these rules.
func New(rules Rules) *Org {
	o := &Org{rules: rules}
	o.cache = db.NewCached(room, o.load)
	return o
}

// Guarded names who is asked before somebody gets a post. Without a guard
// nothing can be assigned.
func (o *Org) Guarded(g Guard) { o.guard = g }

// Rules are the bounds this organisation keeps.
func (o *Org) Rules() Rules { return o.rules }

// Snapshot is the whole organisation as this transaction sees it.
func (o *Org) Snapshot(tx *db.Tx) (*Snapshot, error) { return o.cache.Get(tx) }

// At is the whole organisation at these versions, if it is in memory.
func (o *Org) At(v *db.RoomVersions) (*Snapshot, bool) { return o.cache.At(v) }

// UnitIn is a unit as it is created or edited. Kind, parent and key are fixed
// once it is created.
type UnitIn struct {
	ID           id.ID      `json:"id,omitzero"`
	Kind         UnitKind   `json:"kind" enum:"hub,street,platform,department,grid_centre,body"`
	Key          string     `json:"key,omitempty" maxLength:"40"`
	Code         string     `json:"code" maxLength:"40"`
	Name         words.Text `json:"name"`
	Parent       id.ID      `json:"parent_id,omitzero"`
	Calendar     string     `json:"calendar,omitempty" maxLength:"40"`
	DutyCalendar string     `json:"duty_calendar,omitempty" maxLength:"40"`
	From         time.Time  `json:"from,omitzero"`
	To           time.Time  `json:"to,omitzero"`
	MadeUp       bool       `json:"made_up,omitempty"`
	Villages     []string   `json:"villages,omitempty" maxItems:"200"` // codes of the divisions a platform covers
}

// CreateUnit adds a unit. Permission org.edit. Codes: org.invalid,
// org.bad_parent, org.code_taken, org.second_hub.
func (o *Org) CreateUnit(tx *db.Tx, by journal.Who, in UnitIn) (Unit, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Unit{}, err
	}
	in.tidy()
	if err := in.check(); err != nil {
		return Unit{}, err
	}
	u := Unit{
		ID: in.ID, Kind: in.Kind, Key: in.Key, Code: in.Code, Name: in.Name, Parent: in.Parent,
		Calendar: in.Calendar, DutyCalendar: in.DutyCalendar, From: in.From, To: in.To, MadeUp: in.MadeUp, Version: 1,
	}
	if u.ID.IsZero() {
		u.ID = tx.NewID()
	}
	hub, err := hubOf(tx)
	if err != nil {
		return Unit{}, err
	}
	if u.Kind == Hub {
		if !hub.IsZero() {
			return Unit{}, ErrSecondHub
		}
		if !u.Parent.IsZero() {
			return Unit{}, ErrParent.At("body.parent_id", "org.bad_parent")
		}
	} else {
		if u.Parent.IsZero() && u.Kind != Platform {
			u.Parent = hub
		}
		parent, err := unitByID(tx, u.Parent)
		if errors.Is(err, ErrMissing) || err == nil && !slices.Contains(parents[u.Kind], parent.Kind) {
			return Unit{}, ErrParent.At("body.parent_id", "org.bad_parent")
		}
		if err != nil {
			return Unit{}, err
		}
	}
	if taken, err := exists(tx, `SELECT 1 FROM org_unit WHERE id = $1`, u.ID); err != nil || taken {
		return Unit{}, errOr(err, ErrCodeTaken.With("code", u.Code))
	}
	if taken, err := codeWasOthers(tx, u.Code, u.ID); err != nil || taken {
		return Unit{}, errOr(err, ErrCodeTaken.With("code", u.Code))
	}
	if u.Key != "" {
		if taken, err := exists(tx, `SELECT 1 FROM org_unit WHERE key = $1`, u.Key); err != nil || taken {
			return Unit{}, errOr(err, ErrCodeTaken.With("code", u.Key))
		}
	}
	if err := insertUnit(tx, u); err != nil {
		return Unit{}, err
	}
	for _, code := range in.Villages {
		if err := o.cover(tx, u, code); err != nil {
			return Unit{}, err
		}
	}
	at, err := unitSight(tx, u)
	if err != nil {
		return Unit{}, err
	}
	return u, o.wrote(tx, by, "org.unit_create", u.ID, u.Version, at, in)
}

// parents says under which kinds a unit of a kind may stand.
var parents = map[UnitKind][]UnitKind{
	Street:     {Hub},
	Platform:   {Street},
	Department: {Hub, Department},
	GridCentre: {Hub},
	Body:       {Hub, Street, Platform},
}

// cover joins a platform with a village of the statistical list.
func (o *Org) cover(tx *db.Tx, u Unit, code string) error {
	bad := ErrInvalid.At("body.villages", "org.unknown_village", "code", code)
	if u.Kind != Platform {
		return ErrInvalid.At("body.villages", "org.only_platforms_cover")
	}
	var village id.ID
	var level string
	err := tx.Row(`SELECT id, level FROM org_division WHERE code = $1 AND valid_to IS NULL`, code).Scan(&village, &level)
	if errors.Is(err, db.ErrNoRows) || err == nil && level != "village" {
		return bad
	}
	if err != nil {
		return fmt.Errorf("read village %s: %w", code, err)
	}
	taken, err := exists(tx, `SELECT 1 FROM org_platform_village WHERE village = $1 AND valid_to IS NULL`, village)
	if err != nil || taken {
		return errOr(err, ErrInvalid.At("body.villages", "org.village_covered", "code", code))
	}
	return insertVillage(tx, PlatformVillage{Platform: u.ID, Village: village, From: u.From, To: u.To})
}

// UnitEdit is what may change about a unit.
type UnitEdit struct {
	Code         string     `json:"code" maxLength:"40"`
	Name         words.Text `json:"name"`
	Calendar     string     `json:"calendar,omitempty" maxLength:"40"`
	DutyCalendar string     `json:"duty_calendar,omitempty" maxLength:"40"`
	To           time.Time  `json:"to,omitzero"`
}

// EditUnit changes a unit's code, names and calendars, or ends it. Permission
// org.edit. Codes: org.missing, org.changed, org.invalid, org.code_taken.
func (o *Org) EditUnit(tx *db.Tx, by journal.Who, unit id.ID, version int64, e UnitEdit) (Unit, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Unit{}, err
	}
	u, err := unitByID(tx, unit)
	if err != nil {
		return Unit{}, err
	}
	if version != 0 && version != u.Version {
		return Unit{}, ErrChanged.With("version", u.Version)
	}
	in := UnitIn{Kind: u.Kind, Key: u.Key, Code: e.Code, Name: e.Name, Calendar: e.Calendar, DutyCalendar: e.DutyCalendar, From: u.From, To: e.To}
	in.tidy()
	if err := in.check(); err != nil {
		return Unit{}, err
	}
	if u.Kind == Hub && !in.To.IsZero() {
		return Unit{}, ErrLastDesk
	}
	if taken, err := codeWasOthers(tx, in.Code, u.ID); err != nil || taken {
		return Unit{}, errOr(err, ErrCodeTaken.With("code", in.Code))
	}
	if in.Code != u.Code || in.Name != u.Name {
		if err := keepPast(tx, u); err != nil {
			return Unit{}, err
		}
	}
	u.Code, u.Name, u.Calendar, u.DutyCalendar, u.To = in.Code, in.Name, in.Calendar, in.DutyCalendar, in.To
	if err := updateUnit(tx, u); err != nil {
		return Unit{}, err
	}
	u.Version++
	at, err := unitSight(tx, u)
	if err != nil {
		return Unit{}, err
	}
	return u, o.wrote(tx, by, "org.unit_edit", u.ID, u.Version, at, e)
}

func (in *UnitIn) tidy() {
	in.Code, in.Key = strings.TrimSpace(in.Code), strings.TrimSpace(in.Key)
	in.Name = tidyText(in.Name)
}

func tidyText(t words.Text) words.Text {
	return words.Text{Chinese: strings.TrimSpace(t.Chinese), English: strings.TrimSpace(t.English)}
}

func (in *UnitIn) check() error {
	f := ErrInvalid
	if !slices.Contains(UnitKinds, in.Kind) {
		f = f.At("body.kind", "org.unknown_kind")
	}
	if !unitCode.MatchString(in.Code) {
		f = f.At("body.code", "org.bad_code")
	}
	f = checkName(f, in.Name)
	if in.Key != "" && in.Kind != Department {
		f = f.At("body.key", "org.only_departments_have_keys")
	}
	if !in.To.IsZero() && !in.To.After(in.From) {
		f = f.At("body.to", "org.bad_period")
	}
	return orNil(f)
}

func checkName(f *fault.Fault, t words.Text) *fault.Fault {
	for path, s := range map[string]string{"body.name.zh-CN": t.Chinese, "body.name.en": t.English} {
		if n := utf8.RuneCountInString(s); n < 1 || n > 120 {
			f = f.At(path, "org.bad_name")
		}
	}
	return f
}

// orNil gives the fault only if a field was found wrong.
func orNil(f *fault.Fault) error {
	if len(f.Where) == 0 {
		return nil
	}
	return f
}

// PostIn is a post as it is created. Role, unit and node are fixed once it is.
type PostIn struct {
	ID       id.ID      `json:"id,omitzero"`
	Role     string     `json:"role" maxLength:"40"`
	Name     words.Text `json:"name"`
	Unit     id.ID      `json:"unit_id"`
	Level    Level      `json:"level" enum:"district,street,village,grid,micro_grid,building,department,system"`
	Node     id.ID      `json:"node_id"`
	Fallback id.ID      `json:"fallback_id,omitzero"`
	From     time.Time  `json:"from,omitzero"`
	To       time.Time  `json:"to,omitzero"`
	MadeUp   bool       `json:"made_up,omitempty"`
}

// CreatePost adds a post, vacant. Permission org.edit at its place. Codes:
// org.invalid, org.bad_role, org.missing.
func (o *Org) CreatePost(tx *db.Tx, by journal.Who, in PostIn) (Post, error) {
	p := Post{
		ID: in.ID, Role: in.Role, Name: tidyText(in.Name), Unit: in.Unit, Level: in.Level, Node: in.Node, Fallback: in.Fallback,
		From: in.From, To: in.To, MadeUp: in.MadeUp, Version: 1,
	}
	if p.ID.IsZero() {
		p.ID = tx.NewID()
	}
	at, err := postSight(tx, p)
	if err != nil {
		return Post{}, err
	}
	if err := by.Check(permEdit, at); err != nil {
		return Post{}, err
	}
	if err := o.checkPost(tx, p); err != nil {
		return Post{}, err
	}
	if taken, err := exists(tx, `SELECT 1 FROM org_post WHERE id = $1`, p.ID); err != nil || taken {
		return Post{}, errOr(err, ErrCodeTaken.With("code", p.ID.String()))
	}
	if err := insertPost(tx, p); err != nil {
		return Post{}, err
	}
	return p, o.wrote(tx, by, "org.post_create", p.ID, p.Version, at, p)
}

// unitKindOf says which kind of unit a level is a node of; grids, micro grids
// and buildings are nodes of another tree.
var unitKindOf = map[Level]UnitKind{AtDistrict: Hub, AtSystem: Hub, AtStreet: Street, AtVillage: Platform, AtDepartment: Department}

func (o *Org) checkPost(tx *db.Tx, p Post) error {
	f := checkName(ErrInvalid, p.Name)
	levels, known := o.rules.RoleLevels[p.Role]
	if !known || p.Level == AtSelf || !slices.Contains(levels, p.Level) {
		return ErrRole.At("body.role", "org.bad_role").With("role", p.Role, "level", string(p.Level))
	}
	if !p.To.IsZero() && !p.To.After(p.From) {
		f = f.At("body.to", "org.bad_period")
	}
	if _, err := unitByID(tx, p.Unit); err != nil {
		if !errors.Is(err, ErrMissing) {
			return err
		}
		f = f.At("body.unit_id", "org.missing")
	}
	node, err := unitByID(tx, p.Node)
	if err != nil && !errors.Is(err, ErrMissing) {
		return err
	}
	want, inOrg := unitKindOf[p.Level]
	switch {
	case p.Node.IsZero(), inOrg && (err != nil || node.Kind != want), !inOrg && err == nil:
		f = f.At("body.node_id", "org.bad_node")
	}
	if !p.Fallback.IsZero() {
		if p.Fallback == p.ID {
			f = f.At("body.fallback_id", "org.own_fallback")
		} else if _, err := postByID(tx, p.Fallback); errors.Is(err, ErrMissing) {
			f = f.At("body.fallback_id", "org.missing")
		} else if err != nil {
			return err
		}
	}
	return orNil(f)
}

// PostEdit is what may change about a post.
type PostEdit struct {
	Name     words.Text `json:"name"`
	Fallback id.ID      `json:"fallback_id,omitzero"`
	To       time.Time  `json:"to,omitzero"`
}

// EditPost renames a post, names its fallback or ends it. The last desk post of
// the hub cannot end: it answers for every other post. Permission org.edit at
// its place. Codes: org.missing, org.changed, org.invalid, org.last_hub_desk.
func (o *Org) EditPost(tx *db.Tx, by journal.Who, post id.ID, version int64, e PostEdit) (Post, error) {
	p, err := postByID(tx, post)
	if err != nil {
		return Post{}, err
	}
	at, err := postSight(tx, p)
	if err != nil {
		return Post{}, err
	}
	if err := by.Check(permEdit, at); err != nil {
		return Post{}, err
	}
	if version != 0 && version != p.Version {
		return Post{}, ErrChanged.With("version", p.Version)
	}
	p.Name, p.Fallback, p.To = tidyText(e.Name), e.Fallback, e.To
	if err := o.checkPost(tx, p); err != nil {
		return Post{}, err
	}
	if p.Role == hubDesk && !p.To.IsZero() {
		// Another one must be there now and stay without an end.
		stays, err := exists(tx, `SELECT 1 FROM org_post WHERE role = $1 AND node = $2 AND id <> $3 AND valid_to IS NULL
			AND (valid_from IS NULL OR valid_from <= $4)`, p.Role, p.Node, p.ID, db.Millis(tx.Now()))
		if err != nil || !stays {
			return Post{}, errOr(err, ErrLastDesk)
		}
	}
	if err := updatePost(tx, p); err != nil {
		return Post{}, err
	}
	p.Version++
	if !p.To.IsZero() && o.guard != nil {
		holdings, err := holdingsWhere(tx, `post = $1`, p.ID)
		if err != nil {
			return Post{}, err
		}
		for _, h := range holdings {
			o.guard.Changed(tx, h.Person)
		}
	}
	return p, o.wrote(tx, by, "org.post_edit", p.ID, p.Version, at, p)
}

// PersonIn is a person as he or she is added.
type PersonIn struct {
	ID     id.ID  `json:"id,omitzero"`
	Name   string `json:"name" minLength:"1" maxLength:"60"`
	Unit   id.ID  `json:"unit_id,omitzero"` // the body that adds the person; only decides who may
	MadeUp bool   `json:"made_up,omitempty"`
}

// CreatePerson adds a person. Permission org.post_assign at the unit, or
// system.account_create. Codes: org.invalid.
func (o *Org) CreatePerson(tx *db.Tx, by journal.Who, in PersonIn) (Person, error) {
	at := journal.Sight{}
	if !in.Unit.IsZero() {
		u, err := unitByID(tx, in.Unit)
		if err != nil {
			return Person{}, err
		}
		if at, err = unitSight(tx, u); err != nil {
			return Person{}, err
		}
	}
	if err := by.Check(permAssign, at); err != nil && by.Check(permAccount, journal.Sight{}) != nil {
		return Person{}, err
	}
	// No beginning: an importer may give holdings that began before the import.
	p := Person{ID: in.ID, Name: strings.TrimSpace(in.Name), MadeUp: in.MadeUp, Version: 1}
	if n := utf8.RuneCountInString(p.Name); n < 1 || n > 60 {
		return Person{}, ErrInvalid.At("body.name", "org.bad_name")
	}
	if p.ID.IsZero() {
		p.ID = tx.NewID()
	}
	if taken, err := exists(tx, `SELECT 1 FROM org_person WHERE id = $1`, p.ID); err != nil || taken {
		return Person{}, errOr(err, ErrCodeTaken.With("code", p.ID.String()))
	}
	if err := insertPerson(tx, p); err != nil {
		return Person{}, err
	}
	return p, o.wrote(tx, by, "org.person_create", p.ID, p.Version, at, p)
}

// Inherit says that one node took over another at a reorganisation: grants at
// the heir reach what belonged to the other. Permission org.edit. Nodes may be
// units or grids; their own room knows them.
func (o *Org) Inherit(tx *db.Tx, by journal.Who, heir, taken id.ID) error {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return err
	}
	if heir.IsZero() || taken.IsZero() || heir == taken {
		return ErrInvalid.At("body.heir_id", "org.bad_node")
	}
	if err := insertInheritance(tx, Inheritance{From: taken, To: heir, At: tx.Now()}); err != nil {
		return err
	}
	return o.wrote(tx, by, "org.inherit", heir, 0, journal.Sight{}, map[string]id.ID{"taken": taken})
}

// wrote bumps the room's version and puts the act into the journal.
func (o *Org) wrote(tx *db.Tx, by journal.Who, kind string, subject id.ID, version int64, at journal.Sight, body any) error {
	if err := db.Bump(tx, room); err != nil {
		return err
	}
	journal.Add(tx, journal.Entry{
		Kind: kind, Subject: subject, By: by.By(), Version: version, Sight: at, Class: classHolding, Body: body,
	})
	return nil
}

func errOr(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func asFault(err error) *fault.Fault {
	var f *fault.Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}
