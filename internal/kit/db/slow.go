package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// slowFrom is how long a statement takes that is worth a look, and slowKept how
// many different ones are remembered.
const (
	slowFrom = 100 * time.Millisecond
	slowKept = 100
)

// Slow is a statement that took long at least once. Its text has placeholders
// where the values stood, so it tells of nobody.
type Slow struct {
	Statement string        `json:"statement"`
	Count     int64         `json:"count"` // of its long times
	Longest   time.Duration `json:"longest_ns"`
	Total     time.Duration `json:"total_ns"`
}

type slowest struct {
	mu sync.Mutex
	by map[string]*Slow
}

// took notes how long a statement took, with the reading of its rows.
func (d *DB) took(q string, begun time.Time) {
	took := time.Since(begun)
	if took < slowFrom {
		return
	}
	d.stats.Slow.Add(1)
	s := &d.slow
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.by[q]
	if one == nil {
		if len(s.by) >= slowKept {
			return
		}
		if s.by == nil {
			s.by = map[string]*Slow{}
		}
		one = &Slow{Statement: q}
		s.by[q] = one
	}
	one.Count, one.Total, one.Longest = one.Count+1, one.Total+took, max(one.Longest, took)
}

// Slow lists the statements that took long since the database was opened, those
// that took the most time first.
func (d *DB) Slow() []Slow {
	d.slow.mu.Lock()
	defer d.slow.mu.Unlock()
	out := []Slow{}
	for _, s := range d.slow.by {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Slow) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Statement, b.Statement))
	})
	return out
}

// Explain is how the engine would run a statement with placeholders, whatever
// stands for them (PostgreSQL 16 or newer).
func (d *DB) Explain(ctx context.Context, q string) (plan string, err error) {
	var b strings.Builder
	err = d.Read(ctx, func(tx *Tx) error {
		explain, args := `EXPLAIN (GENERIC_PLAN) `, []any(nil)
		if d.engine == SQLite {
			explain = `EXPLAIN QUERY PLAN `
			_, order := ordinal(q)
			if len(order) > 0 {
				args = make([]any, slices.Max(order)+1)
			}
		}
		rows, err := tx.Query(explain+q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if d.engine == SQLite {
				var id, parent, rest int64
				err = rows.Scan(&id, &parent, &rest, &line)
			} else {
				err = rows.Scan(&line)
			}
			if err != nil {
				return err
			}
			b.WriteString(line + "\n")
		}
		return rows.Err()
	})
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	return b.String(), nil
}
