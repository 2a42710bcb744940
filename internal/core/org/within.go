package org

import (
	"fmt"
	"strings"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Posts within a node are those of a unit with everything below it, or those of
// a grid. The tree is walked by the database, so that a message to a whole
// district is a query and not a list in memory.

// inside is the condition of such posts that exist now; roles narrow it down.
func inside(tx *db.Tx, node id.ID, roles []string) (with, where string, args []any) {
	with = `WITH RECURSIVE below (id) AS (SELECT id FROM org_unit WHERE id = $1 UNION SELECT u.id FROM org_unit u JOIN below b ON u.parent = b.id) `
	where = ` FROM org_post p WHERE (p.unit IN (SELECT id FROM below) OR p.node = $1) AND p.level <> 'system'
		AND (p.valid_from IS NULL OR p.valid_from <= $2) AND (p.valid_to IS NULL OR p.valid_to > $2)`
	args = []any{node, db.Millis(tx.Now())}
	if len(roles) > 0 {
		marks := make([]string, len(roles))
		for i, r := range roles {
			args = append(args, r)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		where += ` AND p.role IN (` + strings.Join(marks, ", ") + `)`
	}
	return with, where, args
}

// PostsWithin lists posts within a node in the order of their ids, beginning
// after one; no roles means all but those of administrators.
func (o *Org) PostsWithin(tx *db.Tx, node id.ID, roles []string, after id.ID, limit int) ([]id.ID, error) {
	with, where, args := inside(tx, node, roles)
	if !after.IsZero() {
		args = append(args, after)
		where += fmt.Sprintf(` AND p.id > $%d`, len(args))
	}
	args = append(args, limit)
	return all(tx, with+`SELECT p.id`+where+fmt.Sprintf(` ORDER BY p.id LIMIT $%d`, len(args)), func(v *id.ID) []any { return []any{v} }, args...)
}

// RoleCount is how many posts of a role there are.
type RoleCount struct {
	Role  string `json:"role"`
	Posts int64  `json:"posts"`
}

// RolesWithin counts the posts within a node by their roles.
func (o *Org) RolesWithin(tx *db.Tx, node id.ID) ([]RoleCount, error) {
	with, where, args := inside(tx, node, nil)
	return all(tx, with+`SELECT p.role, COUNT(*)`+where+` GROUP BY p.role ORDER BY p.role`, func(v *RoleCount) []any { return []any{&v.Role, &v.Posts} }, args...)
}
