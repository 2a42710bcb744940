package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// found is how many people or places one look finds.
const found = 50

// Colleague is somebody who works here, as administrators find him for an
// account or a grant: the name and the posts, nothing else.
type Colleague struct {
	ID      id.ID        `json:"id"`
	Name    string       `json:"name"`
	Posts   []words.Text `json:"posts"`
	Account bool         `json:"has_account"`
}

// Colleagues finds people by a part of their name. For system and security
// administrators and the auditor.
func (a *Access) Colleagues(tx *db.Tx, by journal.Who, query string, withoutAccount bool) ([]Colleague, error) {
	if err := anyOf(by, permAccount, permGrant, permRevoke, permAudit); err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	list, err := accounts(tx, `1 = 1`)
	if err != nil {
		return nil, err
	}
	has := map[id.ID]bool{}
	for _, acc := range list {
		has[acc.Person] = true
	}
	query = strings.TrimSpace(query)
	out, now := []Colleague{}, tx.Now()
	for _, p := range o.Persons {
		if !p.To.IsZero() && !now.Before(p.To) || !strings.Contains(p.Name, query) || withoutAccount && has[p.ID] {
			continue
		}
		v := Colleague{ID: p.ID, Name: p.Name, Posts: []words.Text{}, Account: has[p.ID]}
		for _, h := range o.HoldingsOf(p.ID, now) {
			if post, ok := o.Post(h.Post); ok {
				v.Posts = append(v.Posts, post.Name)
			}
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(x, y Colleague) int { return cmp.Compare(x.Name, y.Name) })
	return out[:min(len(out), found)], nil
}

// Node is a place that a role can be granted at.
type Node struct {
	ID   id.ID      `json:"id"`
	Name words.Text `json:"name"`
}

// Nodes finds the places of a level by a part of their name or code. For
// security administrators and the auditor.
func (a *Access) Nodes(tx *db.Tx, by journal.Who, level org.Level, query string) ([]Node, error) {
	if err := anyOf(by, permGrant, permRevoke, permAudit); err != nil {
		return nil, err
	}
	query = strings.TrimSpace(query)
	out := []Node{}
	if kind, ok := unitKindOf[level]; ok {
		o, err := a.org.Snapshot(tx)
		if err != nil {
			return nil, err
		}
		for _, u := range o.Units {
			if u.Kind == kind && u.Open(tx.Now()) && len(out) < found &&
				(strings.Contains(u.Name.Chinese, query) || strings.Contains(u.Name.English, query) || strings.HasPrefix(u.Code, query)) {
				out = append(out, Node{ID: u.ID, Name: u.Name})
			}
		}
		return out, nil
	}
	layer, ok := map[org.Level]grid.Layer{org.AtGrid: grid.Base, org.AtMicroGrid: grid.Micro}[level]
	if !ok || a.o.Places == nil {
		return out, nil
	}
	list, err := a.o.Places.Find(tx, layer, query, found)
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		name := strings.TrimSpace(g.Name + " " + g.Code)
		out = append(out, Node{ID: g.ID, Name: words.Text{Chinese: name, English: name}})
	}
	return out, nil
}

// nodeName is what a scope is called; empty for the administrators' level.
func (a *Access) nodeName(tx *db.Tx, o *org.Snapshot, level org.Level, node id.ID) (words.Text, error) {
	if u, ok := o.Unit(node); ok && level != org.AtSystem {
		return u.Name, nil
	}
	if a.o.Places == nil || node.IsZero() || level == org.AtSystem {
		return words.Text{}, nil
	}
	name, err := a.o.Places.Title(tx, node)
	return words.Text{Chinese: name, English: name}, err
}

// GrantView is a grant as administrators and the auditor see it.
type GrantView struct {
	Grant
	PersonName  string     `json:"person_name"`
	RoleName    words.Text `json:"role_name"`
	NodeName    words.Text `json:"node_name,omitzero"`
	GivenBy     id.ID      `json:"given_by,omitzero"`
	GivenByName string     `json:"given_by_name,omitempty"` // absent: by the program itself
	Why         string     `json:"why"`
	Ended       bool       `json:"ended"`
}

// GrantsOf lists direct grants, of one person or of all, ended ones included.
// For security administrators and the auditor.
func (a *Access) GrantsOf(tx *db.Tx, by journal.Who, person id.ID) ([]GrantView, error) {
	if err := anyOf(by, permGrant, permRevoke, permAudit); err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT id, person, role, level, node, valid_from, valid_to, given_by, why FROM access_grant ORDER BY valid_from, id`)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	out := []GrantView{}
	for rows.Next() {
		var v GrantView
		if err := rows.Scan(&v.ID, &v.Person, &v.Role, &v.Level, &v.Node, db.Time(&v.From), db.Time(&v.To), &v.GivenBy, &v.Why); err != nil {
			return nil, fmt.Errorf("read grants: %w", err)
		}
		if person.IsZero() || v.Person == person {
			v.Ended = !v.To.IsZero() && !tx.Now().Before(v.To)
			out = append(out, v)
		}
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	for i := range out {
		v := &out[i]
		p, _ := o.Person(v.Person)
		giver, _ := o.Person(v.GivenBy)
		r, _ := st.book.Role(v.Role)
		v.PersonName, v.GivenByName, v.RoleName = p.Name, giver.Name, r.Name
		if v.NodeName, err = a.nodeName(tx, o, v.Level, v.Node); err != nil {
			return nil, err
		}
	}
	return out, nil
}
