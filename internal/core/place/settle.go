package place

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// settleBatch is how many places one transaction looks at.
const settleBatch = 500

// settled is how far the places were brought into the grids and units of a
// stamp.
type settled struct {
	Stamp string `json:"stamp"`
	Done  bool   `json:"done"`
	Rank  int64  `json:"rank"`
	After id.ID  `json:"after"`
}

// stamp changes whenever grids or units do.
func (p *Places) stamp(tx *db.Tx) (string, error) {
	grids, err := p.grids.Snapshot(tx)
	if err != nil {
		return "", err
	}
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, u := range units.Units {
		fmt.Fprintln(hash, u.ID, u.Parent, u.Version)
	}
	return grids.StampAt(tx.Now()) + "/" + hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// touchParts makes the next Settle look at everything again, since what lies
// below a changed place follows it.
func touchParts(tx *db.Tx, changed id.ID) error {
	parts, err := hasParts(tx, changed)
	if err != nil || !parts {
		return err
	}
	return putState(tx, "settled", "{}")
}

// Settle brings all places into the grids and units in force, a batch in each
// transaction, parents before their parts, and goes on where it was
// interrupted. Nothing is done while neither changed. It says how many places
// moved.
func (p *Places) Settle(ctx context.Context, d *db.DB) (moved int, err error) {
	quiet := false
	err = d.Read(ctx, func(tx *db.Tx) error {
		s, stamp, err := p.progress(tx)
		quiet = err == nil && s.Done && s.Stamp == stamp
		return err
	})
	for err == nil && !quiet {
		err = d.Write(ctx, func(tx *db.Tx) error {
			n := 0
			n, quiet, err = p.settleSome(tx)
			moved += n
			return err
		})
	}
	return moved, err
}

func (p *Places) progress(tx *db.Tx) (s settled, stamp string, err error) {
	raw, err := readState(tx, "settled")
	if err != nil {
		return s, "", err
	}
	if raw != "" {
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			return s, "", fmt.Errorf("state of places: %w", err)
		}
	}
	stamp, err = p.stamp(tx)
	return s, stamp, err
}

func (p *Places) settleSome(tx *db.Tx) (moved int, done bool, err error) {
	s, stamp, err := p.progress(tx)
	if err != nil {
		return 0, false, err
	}
	if s.Stamp != stamp {
		s = settled{Stamp: stamp}
	}
	if s.Done {
		return 0, true, nil
	}
	// The rest of this rank, then the next ones.
	batch, err := places(tx, `WHERE rank = $1 AND id > $2 ORDER BY rank, id LIMIT $3`, s.Rank, s.After, settleBatch)
	if err != nil {
		return 0, false, err
	}
	if len(batch) == 0 {
		if batch, err = places(tx, `WHERE rank > $1 ORDER BY rank, id LIMIT $2`, s.Rank, settleBatch); err != nil {
			return 0, false, err
		}
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return 0, false, err
	}
	for _, one := range batch {
		s.Rank, s.After = one.rank, one.ID
		if !one.Open(tx.Now()) {
			continue // what ended stays where it was
		}
		kind, _ := known.get(one.Kind)
		var parent *Place
		if !one.Parent.IsZero() {
			above, err := get(tx, one.Parent)
			if err != nil {
				return moved, false, err
			}
			parent = &above
		}
		nodes, found, err := p.derive(tx, one, kind, parent)
		if err != nil {
			return moved, false, err
		}
		if !found { // its ground belongs to nobody now: it stays with its platform
			nodes = one.Nodes
			nodes.Grid, nodes.Micro = id.ID{}, id.ID{}
		}
		if nodes == one.Nodes {
			continue
		}
		before := sight(one, kind)
		one.Nodes = nodes
		if one, err = update(tx, one); err != nil {
			return moved, false, err
		}
		moved++
		journal.Add(tx, journal.Entry{Kind: "place.settle", Subject: one.ID, By: journal.By{Via: "system"}, Version: one.Version,
			Sight: sight(one, kind), Before: &before, Class: class, Body: nodes})
	}
	s.Done = len(batch) == 0
	raw, err := json.Marshal(s)
	if err != nil {
		return moved, false, err
	}
	return moved, s.Done, putState(tx, "settled", string(raw))
}
