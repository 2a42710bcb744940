package grid

import (
	"embed"
	"errors"
	"fmt"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

//go:embed migrations
var migrations embed.FS

// Room is this room's part of the schema.
func Room() db.Room { return db.RoomOf(room, migrations) }

// all reads every row of a query.
func all[T any](tx *db.Tx, what, q string, into func(*T) []any, args ...any) ([]T, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, errors.Join(fmt.Errorf("read %s: %w", what, err), rows.Close())
		}
		out = append(out, v)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return out, nil
}

const gridColumns = `id, layer, kind, code, name, platform, street, parent, households, made_up, shape, valid_from, valid_to, version`

// stored is a grid as it lies in the table.
type stored struct {
	Grid
	layer, kind string
	packed      [][][]int32
}

func (s *stored) fields() []any {
	return []any{&s.ID, &s.layer, &s.kind, &s.Code, &s.Name, &s.Platform, &s.Street, &s.Parent, &s.Households,
		db.ScanBool(&s.MadeUp), db.ScanJSON(&s.packed), db.Time(&s.From), db.Time(&s.To), &s.Version}
}

func (s *stored) grid() (Grid, error) {
	g := s.Grid
	g.Layer, g.Kind = Layer(s.layer), Kind(s.kind)
	var err error
	if g.Shape, err = geo.Unpack(s.packed); err != nil {
		return g, fmt.Errorf("shape of grid %s: %w", g.ID, err)
	}
	return g, nil
}

func readGrids(tx *db.Tx) ([]Grid, error) {
	rows, err := all(tx, "grids", `SELECT `+gridColumns+` FROM grid_grid ORDER BY code`, (*stored).fields)
	if err != nil {
		return nil, err
	}
	grids := make([]Grid, len(rows))
	for i := range rows {
		if grids[i], err = rows[i].grid(); err != nil {
			return nil, err
		}
	}
	return grids, nil
}

func insertGrid(tx *db.Tx, g Grid) error {
	_, err := tx.Exec(`INSERT INTO grid_grid (`+gridColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		g.ID, string(g.Layer), string(g.Kind), g.Code, g.Name, g.Platform, g.Street, g.Parent, g.Households,
		db.Bool(g.MadeUp), db.JSON(g.Shape.Pack()), db.Millis(g.From), db.Millis(g.To), g.Version)
	if err != nil {
		return fmt.Errorf("write grid %s: %w", g.Code, err)
	}
	return nil
}

// updateGrid stores g if nobody changed it since it was read. The layer stays:
// a grid never moves into another one.
func updateGrid(tx *db.Tx, g Grid) (Grid, error) {
	n, err := tx.Exec(`UPDATE grid_grid SET kind = $1, name = $2, platform = $3, street = $4, parent = $5, households = $6,
			made_up = $7, shape = $8, valid_to = $9, code = $10, version = version + 1
		WHERE id = $11 AND version = $12`,
		string(g.Kind), g.Name, g.Platform, g.Street, g.Parent, g.Households,
		db.Bool(g.MadeUp), db.JSON(g.Shape.Pack()), db.Millis(g.To), g.Code, g.ID, g.Version)
	if err != nil {
		return g, fmt.Errorf("write grid %s: %w", g.Code, err)
	}
	if n == 0 {
		return g, ErrChanged
	}
	g.Version++
	return g, nil
}

// keepPast notes what a grid was up to now: since its last change, or since it
// began. The shape is kept only where next has another one.
func keepPast(tx *db.Tx, old, next Grid) error {
	var shape any
	if !old.Shape.Same(next.Shape) {
		shape = db.JSON(old.Shape.Pack())
	}
	_, err := tx.Exec(`INSERT INTO grid_past (grid, version, kind, code, name, platform, street, parent, households, shape, valid_from, valid_to)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, COALESCE((SELECT MAX(valid_to) FROM grid_past WHERE grid = $1), $11), $12)`,
		old.ID, old.Version, string(old.Kind), old.Code, old.Name, old.Platform, old.Street, old.Parent, old.Households, shape,
		db.Millis(old.From), db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("keep grid %s as it was: %w", old.Code, err)
	}
	return nil
}

// readPast reads what grids were before their changes, by grid, oldest first. A
// missing shape is that of the next version; now are the grids of today.
func readPast(tx *db.Tx, now map[id.ID]Grid) (map[id.ID][]Grid, error) {
	rows, err := all(tx, "past of grids", `SELECT grid, version, kind, code, name, platform, street, parent, households, shape, valid_from, valid_to
		FROM grid_past ORDER BY grid, version`, func(s *stored) []any {
		return []any{&s.ID, &s.Version, &s.kind, &s.Code, &s.Name, &s.Platform, &s.Street, &s.Parent, &s.Households,
			db.ScanJSON(&s.packed), db.Time(&s.From), db.Time(&s.To)}
	})
	if err != nil {
		return nil, err
	}
	out := map[id.ID][]Grid{}
	for i := range rows {
		today := now[rows[i].ID]
		rows[i].layer, rows[i].MadeUp = string(today.Layer), today.MadeUp
		g := rows[i].Grid
		g.Layer, g.Kind = Layer(rows[i].layer), Kind(rows[i].kind)
		if len(rows[i].packed) > 0 {
			if g.Shape, err = geo.Unpack(rows[i].packed); err != nil {
				return nil, fmt.Errorf("past shape of grid %s: %w", g.ID, err)
			}
		}
		out[g.ID] = append(out[g.ID], g)
	}
	for v, past := range out {
		next := now[v].Shape
		for i := len(past) - 1; i >= 0; i-- {
			if len(past[i].Shape) == 0 {
				past[i].Shape = next
			}
			next = past[i].Shape
		}
	}
	return out, nil
}

func readCodes(tx *db.Tx) ([]Code, error) {
	return all(tx, "codes", `SELECT scheme, code, layer, grid, valid_from, valid_to FROM grid_code ORDER BY scheme, code`, func(c *Code) []any {
		return []any{&c.Scheme, &c.Code, (*string)(&c.Layer), &c.Grid, db.Time(&c.From), db.Time(&c.To)}
	})
}

func insertCode(tx *db.Tx, c Code) error {
	_, err := tx.Exec(`INSERT INTO grid_code (scheme, code, layer, grid, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Scheme, c.Code, string(c.Layer), c.Grid, db.Millis(c.From), db.Millis(c.To))
	if err != nil {
		return fmt.Errorf("write code %s: %w", c.Code, err)
	}
	return nil
}

// takeCode gives a code to a grid: one that was issued for it before, or a new
// one.
func takeCode(tx *db.Tx, c Code) error {
	n, err := tx.Exec(`UPDATE grid_code SET grid = $1 WHERE scheme = $2 AND code = $3 AND grid IS NULL AND valid_to IS NULL`, c.Grid, c.Scheme, c.Code)
	if err != nil {
		return fmt.Errorf("write code %s: %w", c.Code, err)
	}
	if n == 1 {
		return nil
	}
	return insertCode(tx, c)
}

// endCodes ends what codes a grid has, in all schemes or in one.
func endCodes(tx *db.Tx, grid id.ID, scheme string, at any) error {
	_, err := tx.Exec(`UPDATE grid_code SET valid_to = $1 WHERE grid = $2 AND valid_to IS NULL AND ($3 = '' OR scheme = $3)`, at, grid, scheme)
	if err != nil {
		return fmt.Errorf("end codes of grid %s: %w", grid, err)
	}
	return nil
}

func readSuccessions(tx *db.Tx) ([]Succession, error) {
	return all(tx, "successions", `SELECT old, heir, share, at FROM grid_succession ORDER BY at, old, heir`, func(s *Succession) []any {
		return []any{&s.Old, &s.Heir, &s.Share, db.Time(&s.At)}
	})
}

func insertSuccession(tx *db.Tx, s Succession) error {
	_, err := tx.Exec(`INSERT INTO grid_succession (old, heir, share, at) VALUES ($1, $2, $3, $4)`, s.Old, s.Heir, s.Share, db.Millis(s.At))
	if err != nil {
		return fmt.Errorf("write succession of grid %s: %w", s.Old, err)
	}
	return nil
}

// templateRow is a stored template.
type templateRow struct {
	id      id.ID
	layer   string
	body    Template
	version int64
}

func readTemplates(tx *db.Tx) ([]templateRow, error) {
	return all(tx, "templates", `SELECT id, layer, content, version FROM grid_template`, func(t *templateRow) []any {
		return []any{&t.id, &t.layer, db.ScanJSON(&t.body), &t.version}
	})
}

func putTemplate(tx *db.Tx, t templateRow) error {
	if t.version == 1 {
		_, err := tx.Exec(`INSERT INTO grid_template (id, layer, content, version) VALUES ($1, $2, $3, $4)`, t.id, t.layer, db.JSON(t.body), t.version)
		if err != nil {
			return fmt.Errorf("write template: %w", err)
		}
		return nil
	}
	n, err := tx.Exec(`UPDATE grid_template SET content = $1, version = $2 WHERE id = $3 AND version = $4`, db.JSON(t.body), t.version, t.id, t.version-1)
	if err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	if n == 0 {
		return ErrChanged
	}
	return nil
}
