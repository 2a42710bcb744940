package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

func grantsWhere(tx *db.Tx, where string, args ...any) ([]Grant, error) {
	rows, err := tx.Query(`SELECT id, person, role, level, node, valid_from, valid_to FROM access_grant WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	var out []Grant
	for rows.Next() {
		var g Grant
		if err := rows.Scan(&g.ID, &g.Person, &g.Role, &g.Level, &g.Node, db.Time(&g.From), db.Time(&g.To)); err != nil {
			return nil, fmt.Errorf("read grants: %w", err)
		}
		out = append(out, g)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	return out, nil
}

// GrantIn gives a role to a person directly.
type GrantIn struct {
	ID     id.ID     `json:"id,omitzero"`
	Person id.ID     `json:"person_id"`
	Role   string    `json:"role" maxLength:"40"`
	Level  org.Level `json:"level" enum:"district,street,village,grid,micro_grid,building,department,system"`
	Node   id.ID     `json:"node_id,omitzero"` // absent for the whole district and for administrators
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Why    string    `json:"why" minLength:"1" maxLength:"200"`
}

// Give grants a role. Permission access.grant; never to oneself, never by the
// hand that created the account. Codes: access.invalid, access.missing,
// access.incompatible_roles, access.same_hand.
func (a *Access) Give(tx *db.Tx, by journal.Who, in GrantIn) (Grant, error) {
	if err := by.Check(permGrant, journal.Sight{}); err != nil {
		return Grant{}, err
	}
	g := Grant{ID: in.ID, Person: in.Person, Role: in.Role, Level: in.Level, Node: in.Node, From: in.From, To: in.To}
	if g.ID.IsZero() {
		g.ID = tx.NewID()
	}
	if g.From.IsZero() || g.From.Before(tx.Now()) {
		g.From = tx.Now()
	}
	g.From, g.To = g.From.UTC().Truncate(time.Millisecond), g.To.UTC().Truncate(time.Millisecond)
	st, err := a.cache.Get(tx)
	if err != nil {
		return Grant{}, err
	}
	if err := a.checkGrant(tx, st.book, &g, in.Why); err != nil {
		return Grant{}, err
	}
	who := by.By()
	if SameHand(who, journal.By{Person: g.Person}) {
		return Grant{}, ErrSameHand
	}
	accs, err := accounts(tx, `person = $1`, g.Person)
	if err != nil {
		return Grant{}, err
	}
	for _, acc := range accs {
		if SameHand(who, journal.By{Person: acc.CreatedBy}) {
			return Grant{}, ErrSameHand
		}
	}
	if err := a.MayHold(tx, g.Person, g.Role, g.From, g.To); err != nil {
		return Grant{}, err
	}
	taken, err := grantsWhere(tx, `id = $1`, g.ID)
	if err != nil {
		return Grant{}, err
	}
	if len(taken) > 0 {
		return Grant{}, ErrInvalid.At("body.id", "access.id_taken")
	}
	_, err = tx.Exec(`INSERT INTO access_grant (id, person, role, level, node, valid_from, valid_to, given_by, why, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)`,
		g.ID, g.Person, g.Role, g.Level, g.Node, db.Millis(g.From), db.Millis(g.To), who.Person, strings.TrimSpace(in.Why))
	if err != nil {
		return Grant{}, fmt.Errorf("write grant %s: %w", g.ID, err)
	}
	a.watch.endPerson(tx, g.Person)
	return g, a.wrote(tx, by, "access.grant", g.ID, 1, in)
}

var unitKindOf = map[org.Level]org.UnitKind{org.AtDistrict: org.Hub, org.AtStreet: org.Street, org.AtVillage: org.Platform, org.AtDepartment: org.Department}

func (a *Access) checkGrant(tx *db.Tx, book *RoleBook, g *Grant, why string) error {
	f := ErrInvalid
	role, ok := book.Role(g.Role)
	switch {
	case !ok:
		f = f.At("body.role", "access.unknown_role")
	case !slices.Contains(role.Levels, g.Level) || g.Level == org.AtSelf:
		f = f.At("body.level", "access.bad_level")
	}
	if !g.To.IsZero() && !g.To.After(g.From) {
		f = f.At("body.to", "access.bad_period")
	}
	if n := len([]rune(strings.TrimSpace(why))); n < 1 || n > 200 {
		f = f.At("body.why", "access.why_needed")
	}
	p, err := a.org.PersonByID(tx, g.Person)
	if err != nil && !errors.Is(err, org.ErrMissing) {
		return err
	}
	if err != nil || !p.To.IsZero() {
		f = f.At("body.person_id", "access.missing")
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return err
	}
	switch g.Level {
	case org.AtSystem:
		g.Node = id.ID{}
	case org.AtDistrict:
		g.Node = o.HubID()
	}
	if kind, inOrg := unitKindOf[g.Level]; inOrg {
		if u, ok := o.Unit(g.Node); !ok || u.Kind != kind || !u.Open(g.From) {
			f = f.At("body.node_id", "access.bad_node")
		}
	} else if g.Level == org.AtGrid || g.Level == org.AtMicroGrid {
		if a.o.Places == nil {
			f = f.At("body.node_id", "access.bad_node")
		} else if _, err := a.o.Places.NodesOf(tx, g.Node); err != nil {
			f = f.At("body.node_id", "access.bad_node")
		}
	} else if g.Level == org.AtBuilding && g.Node.IsZero() {
		f = f.At("body.node_id", "access.bad_node")
	}
	if len(f.Where) > 0 {
		return f
	}
	return nil
}

// MayHold refuses a role that excludes another one the person has in the same
// period, through a post, as a stand-in or directly (roles.json
// incompatibilities; the three administrators exclude each other, DESIGN.md
// section 8). The organisation asks it before every holding. Code:
// access.incompatible_roles.
func (a *Access) MayHold(tx *db.Tx, person id.ID, role string, from, to time.Time) error {
	st, err := a.cache.Get(tx)
	if err != nil {
		return err
	}
	refuse := func(other string) error {
		x, excluded := st.book.exclusion(role, other)
		if !excluded {
			return nil
		}
		one, _ := st.book.Role(role)
		two, _ := st.book.Role(other)
		return ErrIncompatible.With("role", one.Name, "other", two.Name, "why", x.Why)
	}
	held, err := a.org.RolesHeld(tx, person)
	if err != nil {
		return err
	}
	for _, h := range held {
		if org.Meets(h.From, h.To, from, to) {
			if err := refuse(h.Role); err != nil {
				return err
			}
		}
	}
	grants, err := grantsWhere(tx, `person = $1`, person)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if org.Meets(g.From, g.To, from, to) {
			if err := refuse(g.Role); err != nil {
				return err
			}
		}
	}
	return nil
}

// Changed ends the live connections of somebody who got or lost a post; they
// connect again with the rights that hold now.
func (a *Access) Changed(tx *db.Tx, person id.ID) { a.watch.endPerson(tx, person) }

// Revoke ends a grant now. Permission access.revoke. Codes: access.missing,
// access.ended, access.last_administrator.
func (a *Access) Revoke(tx *db.Tx, by journal.Who, grant id.ID) (Grant, error) {
	if err := by.Check(permRevoke, journal.Sight{}); err != nil {
		return Grant{}, err
	}
	found, err := grantsWhere(tx, `id = $1`, grant)
	if err != nil {
		return Grant{}, err
	}
	if len(found) == 0 {
		return Grant{}, ErrMissing
	}
	g, now := found[0], tx.Now()
	if !g.To.IsZero() && !now.Before(g.To) {
		return Grant{}, ErrEnded
	}
	if err := a.notTheLast(tx, g); err != nil {
		return Grant{}, err
	}
	g.To = now
	if g.To.Before(g.From) {
		g.To = g.From
	}
	if _, err := tx.Exec(`UPDATE access_grant SET valid_to = $1, version = version + 1 WHERE id = $2`, db.Millis(g.To), g.ID); err != nil {
		return Grant{}, fmt.Errorf("end grant %s: %w", g.ID, err)
	}
	a.watch.endPerson(tx, g.Person)
	return g, a.wrote(tx, by, "access.revoke", g.ID, 2, nil)
}

// notTheLast refuses to take away the last administrator of a kind who can
// still sign in: nobody could appoint another.
func (a *Access) notTheLast(tx *db.Tx, g Grant) error {
	now := tx.Now()
	if !slices.Contains(administrators, g.Role) || !g.To.IsZero() && !now.Before(g.To) {
		return nil
	}
	var others int64
	err := tx.Row(`SELECT COUNT(*) FROM access_grant g JOIN access_account a ON a.person = g.person
		WHERE g.role = $1 AND g.id <> $2 AND g.person <> $3 AND g.valid_from <= $4 AND (g.valid_to IS NULL OR g.valid_to > $4)
		AND a.disabled IS NULL AND a.released IS NOT NULL
		AND (a.demo = 1 OR a.password IS NOT NULL OR EXISTS (SELECT 1 FROM access_passkey k WHERE k.account = a.id))`, g.Role, g.ID, g.Person, db.Millis(now)).Scan(&others)
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if others == 0 {
		return ErrLastAdmin
	}
	return nil
}

// GrantsAt counts the direct grants in force at some nodes.
func (a *Access) GrantsAt(tx *db.Tx, nodes []id.ID) (n int64, err error) {
	for _, node := range nodes {
		var some int64
		if err := tx.Row(`SELECT COUNT(*) FROM access_grant WHERE node = $1 AND (valid_to IS NULL OR valid_to > $2)`, node, db.Millis(tx.Now())).Scan(&some); err != nil {
			return n, fmt.Errorf("count grants: %w", err)
		}
		n += some
	}
	return n, nil
}

func editedRoles(tx *db.Tx) ([]Role, error) {
	rows, err := tx.Query(`SELECT body FROM access_role ORDER BY key`)
	if err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	var out []Role
	for rows.Next() {
		var r Role
		if err := rows.Scan(db.ScanJSON(&r)); err != nil {
			return nil, fmt.Errorf("read roles: %w", err)
		}
		out = append(out, r)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read roles: %w", err)
	}
	return out, nil
}

// with is the book with some roles replaced.
func (b *RoleBook) with(edited []Role) (*RoleBook, error) {
	next := &RoleBook{Permissions: b.Permissions, Roles: slices.Clone(b.Roles), Exclusions: b.Exclusions, TwoPersons: b.TwoPersons}
	for _, r := range edited {
		if i := slices.IndexFunc(next.Roles, func(x Role) bool { return x.Key == r.Key }); i >= 0 {
			next.Roles[i] = r
		} else {
			next.Roles = append(next.Roles, r)
		}
	}
	return next, next.index()
}

// EditRole changes what a shipped role may do. Where it sits, at which levels
// it is granted and what it excludes stay as shipped: other rules rest on them.
// Permission access.policy; not a role of one's own. Codes: access.missing,
// access.invalid, access.same_hand.
func (a *Access) EditRole(tx *db.Tx, by *Actor, key string, permissions []string) (Role, error) {
	if err := by.Check(permPolicy, journal.Sight{}); err != nil {
		return Role{}, err
	}
	if slices.ContainsFunc(by.Grants, func(g Grant) bool { return g.Role == key }) {
		return Role{}, ErrSameHand
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return Role{}, err
	}
	r, ok := st.book.Role(key)
	if !ok {
		return Role{}, ErrMissing
	}
	r.Permissions = slices.Compact(slices.Sorted(slices.Values(permissions)))
	if _, err := st.book.with([]Role{r}); err != nil {
		return Role{}, ErrInvalid.At("body.permissions", "access.bad_permissions").Because(err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Role{}, fmt.Errorf("write role %s: %w", key, err)
	}
	if _, err := tx.Exec(`INSERT INTO access_role (key, body, version) VALUES ($1, $2, 1)
		ON CONFLICT (key) DO UPDATE SET body = excluded.body, version = access_role.version + 1`, key, string(body)); err != nil {
		return Role{}, fmt.Errorf("write role %s: %w", key, err)
	}
	// A role has no id of its own; its journal subject is the account of the
	// administrator who changed it.
	a.watch.endAll(tx)
	return r, a.wrote(tx, by, "access.role_edit", by.Account, 0, map[string]any{"role": key, "permissions": r.Permissions})
}
