package grid

import (
	"strings"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Title is a grid's name with its code, for lists that name grids and show
// nothing else of them; "" when there is no such grid.
func (g *Grids) Title(tx *db.Tx, v id.ID) (string, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return "", err
	}
	of, ok := s.ByID(v)
	if !ok {
		return "", nil
	}
	return strings.TrimSpace(of.Name + " " + of.Code), nil
}

// Find lists the first grids of a layer whose name or code has the words.
func (g *Grids) Find(tx *db.Tx, l Layer, query string, limit int) ([]Grid, error) {
	s, err := g.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out []Grid
	now := tx.Now()
	for _, of := range s.Grids {
		open := !of.From.After(now) && (of.To.IsZero() || now.Before(of.To))
		if open && of.Layer == l && (query == "" || s.matches(of, query)) {
			if out = append(out, of); len(out) == limit {
				break
			}
		}
	}
	return out, nil
}
