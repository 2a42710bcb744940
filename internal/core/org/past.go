package org

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// PastUnit is a unit as it was up to a change of its name, code or parent.
type PastUnit struct {
	Unit    id.ID      `json:"-"`
	Version int64      `json:"version"`
	Code    string     `json:"code"`
	Name    words.Text `json:"name"`
	Parent  id.ID      `json:"parent_id,omitzero"`
	From    time.Time  `json:"from,omitzero"`
	To      time.Time  `json:"to"`
}

func pastFields(p *PastUnit) []any {
	return []any{&p.Unit, &p.Version, &p.Code, &p.Name.Chinese, &p.Name.English, &p.Parent, db.Time(&p.From), db.Time(&p.To)}
}

// keepPast notes what a unit was up to now: since its last change, or since it
// began.
func keepPast(tx *db.Tx, u Unit) error {
	_, err := tx.Exec(`INSERT INTO org_unit_past (unit, version, code, name_zh, name_en, parent, valid_from, valid_to)
		VALUES ($1, $2, $3, $4, $5, $6, COALESCE((SELECT MAX(valid_to) FROM org_unit_past WHERE unit = $1), $7), $8)`,
		u.ID, u.Version, u.Code, u.Name.Chinese, u.Name.English, u.Parent, db.Millis(u.From), db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("keep unit %s as it was: %w", u.ID, err)
	}
	return nil
}

// codeWasOthers says whether a code belongs, or once belonged, to another unit.
func codeWasOthers(tx *db.Tx, code string, own id.ID) (bool, error) {
	taken, err := exists(tx, `SELECT 1 FROM org_unit WHERE code = $1 AND id <> $2`, code, own)
	if err != nil || taken {
		return taken, err
	}
	return exists(tx, `SELECT 1 FROM org_unit_past WHERE code = $1 AND unit <> $2`, code, own)
}

func (s *Snapshot) remember(past []PastUnit) {
	s.past, s.pastCode = map[id.ID][]PastUnit{}, map[string]id.ID{}
	for _, p := range past {
		s.past[p.Unit] = append(s.past[p.Unit], p)
		s.pastCode[p.Code] = p.Unit
	}
}

// Past lists what a unit was before its changes, oldest first.
func (s *Snapshot) Past(unit id.ID) []PastUnit { return s.past[unit] }

// UnitByAnyCode finds a unit by a code that it has or had.
func (s *Snapshot) UnitByAnyCode(code string) (Unit, bool) {
	if u, ok := s.UnitByCode(code); ok {
		return u, true
	}
	return s.Unit(s.pastCode[code])
}

// UnitAt is a unit as it was at an instant; false when it did not exist then.
func (s *Snapshot) UnitAt(unit id.ID, at time.Time) (Unit, bool) {
	u, ok := s.Unit(unit)
	if !ok || !u.Open(at) {
		return Unit{}, false
	}
	for _, p := range s.past[unit] {
		if at.Before(p.To) {
			u.Code, u.Name, u.Parent, u.Version = p.Code, p.Name, p.Parent, p.Version
			break
		}
	}
	return u, true
}

// NodesAt is Nodes as it was at an instant.
func (s *Snapshot) NodesAt(unit id.ID, at time.Time) journal.Nodes {
	n := journal.Nodes{Hub: s.hub}
	for range len(UnitKinds) {
		u, ok := s.UnitAt(unit, at)
		if !ok {
			break
		}
		switch u.Kind {
		case Street:
			n.Street = u.ID
		case Platform:
			n.Platform = u.ID
		}
		unit = u.Parent
	}
	return n
}

// Inherited lists the nodes that a node had taken over by an instant, directly
// or through others, without the node itself.
func (s *Snapshot) Inherited(node id.ID, at time.Time) []id.ID {
	return reach(node, at, s.inherited, func(h Inheritance) id.ID { return h.From })
}

// HeirsOf lists the nodes that had taken over a node by an instant, directly or
// through others, without the node itself.
func (s *Snapshot) HeirsOf(node id.ID, at time.Time) []id.ID {
	return reach(node, at, s.heirs, func(h Inheritance) id.ID { return h.To })
}

func reach(node id.ID, at time.Time, edges map[id.ID][]Inheritance, other func(Inheritance) id.ID) []id.ID {
	var out []id.ID
	for queue := []id.ID{node}; len(queue) > 0; queue = queue[1:] {
		for _, h := range edges[queue[0]] {
			if v := other(h); v != node && !h.At.After(at) && !slices.Contains(out, v) {
				out = append(out, v)
				queue = append(queue, v)
			}
		}
	}
	return out
}

// Reach is what a grant at a node opens at an instant: the node, what it
// inherited and, when it was taken over itself, its heirs with what those
// inherited. The node comes first, each once.
func (s *Snapshot) Reach(node id.ID, at time.Time) []id.ID {
	out := append([]id.ID{node}, s.Inherited(node, at)...)
	for _, heir := range s.HeirsOf(node, at) {
		for _, v := range append([]id.ID{heir}, s.Inherited(heir, at)...) {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// Heirs lists who took over directly from a node, and whom it took over from.
func (s *Snapshot) Heirs(node id.ID) (heirs, forebears []Heritage) {
	for _, h := range s.heirs[node] {
		heirs = append(heirs, Heritage{Old: h.From, Heir: h.To, Share: h.Share})
	}
	for _, h := range s.inherited[node] {
		forebears = append(forebears, Heritage{Old: h.From, Heir: h.To, Share: h.Share})
	}
	return heirs, forebears
}

// Final follows a unit that ended to the one that took over most of it, and on,
// until one exists at the instant; false when nobody took over.
func (s *Snapshot) Final(unit id.ID, at time.Time) (Unit, bool) {
	for range 100 {
		u, ok := s.Unit(unit)
		if !ok {
			return Unit{}, false
		}
		if u.Open(at) {
			return u, true
		}
		var past []Heritage
		for _, h := range s.heirs[unit] {
			if !h.At.After(at) {
				past = append(past, Heritage{Old: h.From, Heir: h.To, Share: h.Share})
			}
		}
		unit = MainHeir(past, unit)
	}
	return Unit{}, false
}
