package org

import (
	"embed"
	"fmt"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf(room, migrations) }

// load reads the whole organisation. It is small: one row for each body, post,
// person and holding of a district.
func (o *Org) load(tx *db.Tx) (*Snapshot, error) {
	units, err := all(tx, `SELECT `+unitColumns+` FROM org_unit`, unitFields)
	if err != nil {
		return nil, err
	}
	divisions, err := all(tx, `SELECT `+divisionColumns+` FROM org_division`, divisionFields)
	if err != nil {
		return nil, err
	}
	villages, err := all(tx, `SELECT platform, village, valid_from, valid_to FROM org_platform_village`,
		func(v *PlatformVillage) []any {
			return []any{&v.Platform, &v.Village, db.Time(&v.From), db.Time(&v.To)}
		})
	if err != nil {
		return nil, err
	}
	posts, err := all(tx, `SELECT `+postColumns+` FROM org_post`, postFields)
	if err != nil {
		return nil, err
	}
	persons, err := all(tx, `SELECT `+personColumns+` FROM org_person`, personFields)
	if err != nil {
		return nil, err
	}
	holdings, err := all(tx, `SELECT `+holdingColumns+` FROM org_holding`, holdingFields)
	if err != nil {
		return nil, err
	}
	inherited, err := all(tx, `SELECT heir, taken, at, share, act FROM org_inheritance ORDER BY at, heir, taken`,
		func(h *Inheritance) []any { return []any{&h.To, &h.From, db.Time(&h.At), db.Float(&h.Share), &h.Act} })
	if err != nil {
		return nil, err
	}
	past, err := all(tx, `SELECT unit, version, code, name_zh, name_en, parent, valid_from, valid_to FROM org_unit_past ORDER BY unit, version`, pastFields)
	if err != nil {
		return nil, err
	}
	s := NewSnapshot(o.rules, units, divisions, villages, posts, persons, holdings, inherited)
	s.remember(past)
	if s.staffing, err = o.loadStaffing(tx); err != nil {
		return nil, err
	}
	return s, o.loadGroups(tx, s)
}

func all[T any](tx *db.Tx, q string, into func(*T) []any, args ...any) ([]T, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read the organisation: %w", err)
	}
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, fmt.Errorf("read the organisation: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read the organisation: %w", err)
	}
	return out, nil
}

func insertUnit(tx *db.Tx, u Unit) error {
	_, err := tx.Exec(`INSERT INTO org_unit (id, kind, key, code, name_zh, name_en, parent, calendar, duty_calendar, made_up, valid_from, valid_to, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		u.ID, u.Kind, orNull(u.Key), u.Code, u.Name.Chinese, u.Name.English, u.Parent, orNull(u.Calendar), orNull(u.DutyCalendar),
		u.MadeUp, db.Millis(u.From), db.Millis(u.To), u.Version)
	return wrap(err, "write unit", u.ID)
}

func updateUnit(tx *db.Tx, u Unit) error {
	n, err := tx.Exec(`UPDATE org_unit SET code = $1, name_zh = $2, name_en = $3, calendar = $4, duty_calendar = $5, valid_to = $6, parent = $7, version = version + 1
		WHERE id = $8 AND version = $9`,
		u.Code, u.Name.Chinese, u.Name.English, orNull(u.Calendar), orNull(u.DutyCalendar), db.Millis(u.To), u.Parent, u.ID, u.Version)
	return changed(n, err, "write unit", u.ID)
}

func insertDivision(tx *db.Tx, d Division) error {
	_, err := tx.Exec(`INSERT INTO org_division (id, code, name, level, parent, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.ID, d.Code, d.Name, d.Level, d.Parent, db.Millis(d.From), db.Millis(d.To))
	return wrap(err, "write division", d.ID)
}

func insertVillage(tx *db.Tx, v PlatformVillage) error {
	_, err := tx.Exec(`INSERT INTO org_platform_village (platform, village, valid_from, valid_to, seq)
		VALUES ($1, $2, $3, $4, (SELECT COUNT(*) FROM org_platform_village WHERE platform = $1 AND village = $2))`,
		v.Platform, v.Village, db.Millis(v.From), db.Millis(v.To))
	return wrap(err, "write village of platform", v.Platform)
}

func insertPost(tx *db.Tx, p Post) error {
	_, err := tx.Exec(`INSERT INTO org_post (id, role, name_zh, name_en, unit, level, node, fallback, made_up, valid_from, valid_to, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		p.ID, p.Role, p.Name.Chinese, p.Name.English, p.Unit, p.Level, p.Node, p.Fallback, p.MadeUp, db.Millis(p.From), db.Millis(p.To), p.Version)
	return wrap(err, "write post", p.ID)
}

func updatePost(tx *db.Tx, p Post) error {
	n, err := tx.Exec(`UPDATE org_post SET name_zh = $1, name_en = $2, fallback = $3, valid_to = $4, version = version + 1 WHERE id = $5 AND version = $6`,
		p.Name.Chinese, p.Name.English, p.Fallback, db.Millis(p.To), p.ID, p.Version)
	return changed(n, err, "write post", p.ID)
}

func insertPerson(tx *db.Tx, p Person) error {
	_, err := tx.Exec(`INSERT INTO org_person (id, name, made_up, valid_from, valid_to, version) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.ID, p.Name, p.MadeUp, db.Millis(p.From), db.Millis(p.To), p.Version)
	return wrap(err, "write person", p.ID)
}

func updatePerson(tx *db.Tx, p Person) error {
	n, err := tx.Exec(`UPDATE org_person SET name = $1, valid_to = $2, version = version + 1 WHERE id = $3 AND version = $4`,
		p.Name, db.Millis(p.To), p.ID, p.Version)
	return changed(n, err, "write person", p.ID)
}

func insertHolding(tx *db.Tx, h Holding) error {
	_, err := tx.Exec(`INSERT INTO org_holding (id, post, person, kind, valid_from, valid_to, accepted, principal, part, why, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		h.ID, h.Post, h.Person, h.Kind, db.Millis(h.From), db.Millis(h.To), db.Millis(h.Accepted), h.Principal, part(h.Part), orNull(h.Why), h.Version)
	return wrap(err, "write holding", h.ID)
}

// part is a list of permissions as it is stored: nothing where it is the whole.
func part(permissions []string) any {
	if len(permissions) == 0 {
		return nil
	}
	return db.JSON(permissions)
}

func updateHolding(tx *db.Tx, h Holding) error {
	n, err := tx.Exec(`UPDATE org_holding SET valid_to = $1, accepted = $2, version = version + 1 WHERE id = $3 AND version = $4`,
		db.Millis(h.To), db.Millis(h.Accepted), h.ID, h.Version)
	return changed(n, err, "write holding", h.ID)
}

func insertInheritance(tx *db.Tx, h Inheritance) error {
	_, err := tx.Exec(`INSERT INTO org_inheritance (heir, taken, at, share, act) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (heir, taken) DO NOTHING`,
		h.To, h.From, db.Millis(h.At), h.Share, h.Act)
	return wrap(err, "write inheritance of", h.To)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func wrap(err error, what string, of id.ID) error {
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, of, err)
	}
	return nil
}

func changed(n int64, err error, what string, of id.ID) error {
	if err == nil && n == 0 {
		return ErrChanged
	}
	return wrap(err, what, of)
}
