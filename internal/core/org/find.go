package org

import (
	"errors"
	"fmt"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Acts read single rows, not the snapshot: a bulk load of thousands of acts
// would otherwise build it anew after each.

const unitColumns = `id, kind, key, code, name_zh, name_en, parent, calendar, duty_calendar, made_up, valid_from, valid_to, version`

func unitFields(u *Unit) []any {
	return []any{&u.ID, &u.Kind, db.Text(&u.Key), &u.Code, &u.Name.Chinese, &u.Name.English, &u.Parent,
		db.Text(&u.Calendar), db.Text(&u.DutyCalendar), &u.MadeUp, db.Time(&u.From), db.Time(&u.To), &u.Version}
}

func unitByID(tx *db.Tx, v id.ID) (Unit, error) {
	var u Unit
	return u, found(tx.Row(`SELECT `+unitColumns+` FROM org_unit WHERE id = $1`, v).Scan(unitFields(&u)...), "unit", v)
}

const postColumns = `id, role, name_zh, name_en, unit, level, node, fallback, made_up, valid_from, valid_to, version`

func postFields(p *Post) []any {
	return []any{&p.ID, &p.Role, &p.Name.Chinese, &p.Name.English, &p.Unit, &p.Level, &p.Node, &p.Fallback,
		&p.MadeUp, db.Time(&p.From), db.Time(&p.To), &p.Version}
}

func postByID(tx *db.Tx, v id.ID) (Post, error) {
	var p Post
	return p, found(tx.Row(`SELECT `+postColumns+` FROM org_post WHERE id = $1`, v).Scan(postFields(&p)...), "post", v)
}

const personColumns = `id, name, made_up, valid_from, valid_to, version`

func personFields(p *Person) []any {
	return []any{&p.ID, &p.Name, &p.MadeUp, db.Time(&p.From), db.Time(&p.To), &p.Version}
}

// PersonByID reads one person. Code: org.missing.
func (o *Org) PersonByID(tx *db.Tx, v id.ID) (Person, error) {
	var p Person
	return p, found(tx.Row(`SELECT `+personColumns+` FROM org_person WHERE id = $1`, v).Scan(personFields(&p)...), "person", v)
}

const divisionColumns = `id, code, name, level, parent, valid_from, valid_to`

func divisionFields(d *Division) []any {
	return []any{&d.ID, &d.Code, &d.Name, &d.Level, &d.Parent, db.Time(&d.From), db.Time(&d.To)}
}

const holdingColumns = `id, post, person, kind, valid_from, valid_to, accepted, principal, part, why, version`

func holdingFields(h *Holding) []any {
	return []any{&h.ID, &h.Post, &h.Person, &h.Kind, db.Time(&h.From), db.Time(&h.To), db.Time(&h.Accepted), &h.Principal, db.ScanJSON(&h.Part), db.Text(&h.Why), &h.Version}
}

func holdingByID(tx *db.Tx, v id.ID) (Holding, error) {
	var h Holding
	return h, found(tx.Row(`SELECT `+holdingColumns+` FROM org_holding WHERE id = $1`, v).Scan(holdingFields(&h)...), "holding", v)
}

func holdingsWhere(tx *db.Tx, where string, args ...any) ([]Holding, error) {
	return all(tx, `SELECT `+holdingColumns+` FROM org_holding WHERE `+where, holdingFields, args...)
}

// RoleHeld is a role that a person has through a post, in a period.
type RoleHeld struct {
	Role     string
	Kind     HoldingKind
	From, To time.Time
}

// RolesHeld lists the roles of all posts a person holds or stands in for, past
// ones left out, future ones and stand-ins not yet accepted included.
func (o *Org) RolesHeld(tx *db.Tx, person id.ID) ([]RoleHeld, error) {
	return all(tx, `SELECT p.role, h.kind, h.valid_from, h.valid_to FROM org_holding h JOIN org_post p ON p.id = h.post
		WHERE h.person = $1 AND (h.valid_to IS NULL OR h.valid_to > $2)`,
		func(r *RoleHeld) []any { return []any{&r.Role, &r.Kind, db.Time(&r.From), db.Time(&r.To)} },
		person, db.Millis(tx.Now()))
}

// Hub is the hub of this installation, zero before it is set up. It asks for no
// snapshot, so importers may call it for each row.
func (o *Org) Hub(tx *db.Tx) (id.ID, error) { return hubOf(tx) }

func hubOf(tx *db.Tx) (id.ID, error) {
	var hub id.ID
	err := tx.Row(`SELECT id FROM org_unit WHERE kind = 'hub'`).Scan(&hub)
	if errors.Is(err, db.ErrNoRows) {
		return hub, nil
	}
	if err != nil {
		return hub, fmt.Errorf("read the hub: %w", err)
	}
	return hub, nil
}

// unitSight is the place of a unit in the scope trees; see Snapshot.Nodes.
func unitSight(tx *db.Tx, u Unit) (journal.Sight, error) {
	var at journal.Sight
	var err error
	if at.Hub, err = hubOf(tx); err != nil {
		return at, err
	}
	if u.Kind == Department {
		at.Department = u.ID
	}
	for range len(UnitKinds) {
		switch u.Kind {
		case Street:
			at.Street = u.ID
		case Platform:
			at.Platform = u.ID
		}
		if u.Parent.IsZero() {
			break
		}
		if u, err = unitByID(tx, u.Parent); errors.Is(err, ErrMissing) {
			break
		}
		if err != nil {
			return at, err
		}
	}
	return at, nil
}

// postSight is Snapshot.SightOf without the snapshot.
func postSight(tx *db.Tx, p Post) (journal.Sight, error) {
	u, err := unitByID(tx, p.Unit)
	if errors.Is(err, ErrMissing) {
		return journal.Sight{}, ErrInvalid.At("body.unit_id", "org.missing")
	}
	if err != nil {
		return journal.Sight{}, err
	}
	at, err := unitSight(tx, u)
	at.Department = id.ID{}
	switch p.Level {
	case AtGrid:
		at.Grid = p.Node
	case AtMicroGrid:
		at.Micro = p.Node
	case AtDepartment:
		at.Department = p.Node
	}
	return at, err
}

func found(err error, what string, v id.ID) error {
	if errors.Is(err, db.ErrNoRows) {
		return ErrMissing
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", what, v, err)
	}
	return nil
}

func exists(tx *db.Tx, q string, args ...any) (bool, error) {
	var one int64
	err := tx.Row(q+` LIMIT 1`, args...).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into the organisation: %w", err)
	}
	return true, nil
}
