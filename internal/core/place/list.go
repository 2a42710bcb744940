package place

import (
	"slices"
	"strconv"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// listed is one row of a list before its details are read.
type listed struct {
	id    id.ID
	label string
	key   string
	parts bool
}

// page reads one page of a list off the index, in the order of the names, what
// the actor may see and what was asked for.
func (p *Places) page(tx *db.Tx, by journal.Who, in *listIn, after string) (rows []listed, next string, err error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return nil, "", err
	}
	s, err := p.fresh(tx)
	if err != nil {
		return nil, "", err
	}
	defer s.mu.RUnlock()
	parent := int32(-1)
	if !in.Parent.IsZero() {
		at, ok := s.byID[in.Parent]
		if !ok {
			return nil, "", nil
		}
		parent = at
	}
	l := newLook(s, known, Ask{Class: Class(in.Class), Kind: in.Kind}, id.ID{}, func(at journal.Sight) bool { return at.Public || by.Sees(permView, at) })
	for i := range s.entries {
		e := &s.entries[i]
		n := s.nodes[e.nodes]
		switch {
		case !e.open && !in.Ended,
			!in.Parent.IsZero() && e.parent != parent,
			in.Top && e.parent >= 0,
			!in.Street.IsZero() && n.Street != in.Street,
			!in.Platform.IsZero() && n.Platform != in.Platform,
			!in.Grid.IsZero() && n.Grid != in.Grid,
			!l.allowed(e):
			continue
		}
		// A page is the smallest that come after the cursor.
		key := l.sortKey(e)
		if key <= after {
			continue
		}
		if len(rows) > in.Limit && key >= rows[len(rows)-1].key {
			continue
		}
		label := labelOf(s.names(int32(i)), l.kinds[e.kind].Class == Facility)
		at, _ := slices.BinarySearchFunc(rows, key, func(r listed, key string) int { return compareText(r.key, key) })
		rows = slices.Insert(rows, at, listed{id: e.id, label: label, key: key, parts: e.parts})
		if len(rows) > in.Limit+1 {
			rows = rows[:in.Limit+1]
		}
	}
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		next = rows[len(rows)-1].key
	}
	return rows, next, nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// sortKey orders a list by kind of address, name, with numbers by their value,
// and at last by id.
func (l *look) sortKey(e *entry) string {
	key := strconv.Itoa(l.kinds[e.kind].order) + "/"
	for _, t := range e.own {
		one := l.s.tokens[t]
		if one.digit && len(one.text) < 10 {
			key += "000000000"[len(one.text)-1:]
		}
		key += one.text
	}
	return key + "/" + e.id.String()
}

// pins are the facilities on a piece of map that the actor may see.
func (p *Places) pins(tx *db.Tx, by journal.Who, in *mapIn) ([]Pin, error) {
	known, err := p.kinds.Get(tx)
	if err != nil {
		return nil, err
	}
	s, err := p.fresh(tx)
	if err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	l := newLook(s, known, Ask{Class: Facility, Kind: in.Kind}, id.ID{}, func(at journal.Sight) bool { return at.Public || by.Sees(permView, at) })
	out := []Pin{}
	for i := range s.entries {
		e := &s.entries[i]
		if !e.open || !e.located || e.lon < in.West || e.lon > in.East || e.lat < in.South || e.lat > in.North || !l.allowed(e) {
			continue
		}
		if len(out) == maxOnMap {
			return nil, ErrTooMany.With("most", maxOnMap)
		}
		out = append(out, Pin{ID: e.id, Kind: s.kinds[e.kind], Name: e.name, Lon: e.lon, Lat: e.lat, MadeUp: e.madeUp})
	}
	return out, nil
}

// Warm reads the index, so that nobody waits for it at the first search.
func (p *Places) Warm(tx *db.Tx) error {
	s, err := p.fresh(tx)
	if err == nil {
		s.mu.RUnlock()
	}
	return err
}
