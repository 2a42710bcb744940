package place

import (
	"embed"
	"errors"
	"fmt"

	"onegrid/internal/kit/db"
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

const columns = `id, kind, rank, parent, name, named_from, hub_id, street_id, platform_id, grid_id, micro_id, home,
	located, lon, lat, shown, content, made_up, valid_from, valid_to, version, seq`

// shownRank is how the public's sight is stored: 0 by kind, 1 yes, 2 no.
var shownRank = map[Shown]int64{ShownByKind: 0, ShownYes: 1, ShownNo: 2}

// stored is a place as it lies in the table.
type stored struct {
	Place
	shown int64
}

func (s *stored) fields() []any {
	p := &s.Place
	return []any{&p.ID, &p.Kind, &p.rank, &p.Parent, &p.Name, db.Time(&p.Named), &p.Hub, &p.Street, &p.Platform, &p.Grid, &p.Micro, &p.Home,
		db.ScanBool(&p.Located), db.Float(&p.Lon), db.Float(&p.Lat), &s.shown, db.ScanJSON(&p.Details), db.ScanBool(&p.MadeUp),
		db.Time(&p.From), db.Time(&p.To), &p.Version, &p.seq}
}

func (s stored) place() Place {
	p := s.Place
	for k, n := range shownRank {
		if n == s.shown {
			p.Shown = k
		}
	}
	return p
}

func places(tx *db.Tx, where string, args ...any) ([]Place, error) {
	rows, err := all(tx, "places", `SELECT `+columns+` FROM place_place `+where, (*stored).fields, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Place, len(rows))
	for i, r := range rows {
		out[i] = r.place()
	}
	return out, nil
}

// get reads one place.
func get(tx *db.Tx, v id.ID) (Place, error) {
	found, err := places(tx, `WHERE id = $1`, v)
	if err != nil {
		return Place{}, err
	}
	if len(found) == 0 {
		return Place{}, ErrMissing.With("place", v.String())
	}
	return found[0], nil
}

// next is the number of the next change. The room's version was bumped before:
// its row is locked until the commit, so numbers follow the commits.
func next(tx *db.Tx) (n int64, err error) {
	if err := db.Bump(tx, room); err != nil {
		return 0, err
	}
	if err := tx.Row(`SELECT COALESCE(MAX(seq), 0) + 1 FROM place_place`).Scan(&n); err != nil {
		return 0, fmt.Errorf("number a change of places: %w", err)
	}
	return n, nil
}

func insert(tx *db.Tx, p Place) (Place, error) {
	var err error
	if p.seq, err = next(tx); err != nil {
		return p, err
	}
	_, err = tx.Exec(`INSERT INTO place_place (`+columns+`) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		p.ID, p.Kind, p.rank, p.Parent, p.Name, db.Millis(p.Named), p.Hub, p.Street, p.Platform, p.Grid, p.Micro, p.Home,
		db.Bool(p.Located), p.Lon, p.Lat, shownRank[p.Shown], db.JSON(p.Details), db.Bool(p.MadeUp),
		db.Millis(p.From), db.Millis(p.To), p.Version, p.seq)
	if err != nil {
		return p, fmt.Errorf("write place %s: %w", p.ID, err)
	}
	return p, nil
}

// update stores p if nobody changed it since it was read.
func update(tx *db.Tx, p Place) (Place, error) {
	var err error
	if p.seq, err = next(tx); err != nil {
		return p, err
	}
	n, err := tx.Exec(`UPDATE place_place SET kind = $1, rank = $2, parent = $3, name = $4, named_from = $5, hub_id = $6, street_id = $7,
			platform_id = $8, grid_id = $9, micro_id = $10, home = $11, located = $12, lon = $13, lat = $14, shown = $15, content = $16,
			made_up = $17, valid_to = $18, seq = $19, version = version + 1
		WHERE id = $20 AND version = $21`,
		p.Kind, p.rank, p.Parent, p.Name, db.Millis(p.Named), p.Hub, p.Street, p.Platform, p.Grid, p.Micro, p.Home,
		db.Bool(p.Located), p.Lon, p.Lat, shownRank[p.Shown], db.JSON(p.Details), db.Bool(p.MadeUp), db.Millis(p.To), p.seq, p.ID, p.Version)
	if err != nil {
		return p, fmt.Errorf("write place %s: %w", p.ID, err)
	}
	if n == 0 {
		return p, ErrChanged
	}
	p.Version++
	return p, nil
}

func namesOf(tx *db.Tx, v id.ID) ([]Name, error) {
	return all(tx, "names", `SELECT name, usage, valid_from, valid_to FROM place_name WHERE place = $1 ORDER BY usage, valid_from, name`, (*Name).fields, v)
}

func (n *Name) fields() []any {
	return []any{&n.Name, (*string)(&n.Usage), db.Time(&n.From), db.Time(&n.To)}
}

func insertName(tx *db.Tx, v id.ID, n Name) error {
	_, err := tx.Exec(`INSERT INTO place_name (place, name, usage, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (place, usage, name, valid_from) DO UPDATE SET valid_to = excluded.valid_to`,
		v, n.Name, string(n.Usage), db.Millis(n.From), db.Millis(n.To))
	if err != nil {
		return fmt.Errorf("write a name of place %s: %w", v, err)
	}
	return nil
}

func endAlias(tx *db.Tx, v id.ID, name string) error {
	_, err := tx.Exec(`UPDATE place_name SET valid_to = $1 WHERE place = $2 AND usage = 'alias' AND name = $3 AND valid_to IS NULL`, db.Millis(tx.Now()), v, name)
	if err != nil {
		return fmt.Errorf("end a name of place %s: %w", v, err)
	}
	return nil
}

func codesOf(tx *db.Tx, v id.ID) ([]Code, error) {
	return all(tx, "codes", `SELECT scheme, code, valid_from, valid_to FROM place_code WHERE place = $1 ORDER BY scheme, valid_from, code`, func(c *Code) []any {
		return []any{&c.Scheme, &c.Code, db.Time(&c.From), db.Time(&c.To)}
	}, v)
}

func insertCode(tx *db.Tx, v id.ID, c Code) error {
	_, err := tx.Exec(`INSERT INTO place_code (scheme, code, place, valid_from) VALUES ($1, $2, $3, $4)`, c.Scheme, c.Code, v, db.Millis(c.From))
	if err != nil {
		return fmt.Errorf("write a code of place %s: %w", v, err)
	}
	return nil
}

func endCode(tx *db.Tx, v id.ID, scheme, code string) error {
	_, err := tx.Exec(`UPDATE place_code SET valid_to = $1 WHERE place = $2 AND scheme = $3 AND code = $4 AND valid_to IS NULL`, db.Millis(tx.Now()), v, scheme, code)
	if err != nil {
		return fmt.Errorf("end a code of place %s: %w", v, err)
	}
	return nil
}

func resumeCode(tx *db.Tx, v id.ID, scheme, code string) (bool, error) {
	n, err := tx.Exec(`UPDATE place_code SET valid_to = NULL WHERE place = $1 AND scheme = $2 AND code = $3`, v, scheme, code)
	if err != nil {
		return false, fmt.Errorf("write a code of place %s: %w", v, err)
	}
	return n > 0, nil
}

// byCode finds the place that has or had a code.
func byCode(tx *db.Tx, scheme, code string) (v id.ID, ok bool, err error) {
	err = tx.Row(`SELECT place FROM place_code WHERE scheme = $1 AND code = $2`, scheme, code).Scan(&v)
	if errors.Is(err, db.ErrNoRows) {
		return v, false, nil
	}
	if err != nil {
		return v, false, fmt.Errorf("look for a code: %w", err)
	}
	return v, true, nil
}

// twin finds another place in force with the same kind, name and parent; of
// places without a parent, the same platform.
func twin(tx *db.Tx, p Place) (v id.ID, ok bool, err error) {
	var found []id.ID
	into := func(v *id.ID) []any { return []any{v} }
	if p.Parent.IsZero() {
		found, err = all(tx, "places", `SELECT id FROM place_place WHERE platform_id = $1 AND name = $2 AND parent IS NULL AND kind = $3 AND valid_to IS NULL`, into, p.Platform, p.Name, p.Kind)
	} else {
		found, err = all(tx, "places", `SELECT id FROM place_place WHERE parent = $1 AND name = $2 AND kind = $3 AND valid_to IS NULL`, into, p.Parent, p.Name, p.Kind)
	}
	for _, one := range found {
		if one != p.ID {
			return one, true, err
		}
	}
	return v, false, err
}

// hasParts says whether something in force lies under a place.
func hasParts(tx *db.Tx, v id.ID) (bool, error) {
	var n int64
	if err := tx.Row(`SELECT COUNT(*) FROM place_place WHERE parent = $1 AND valid_to IS NULL`, v).Scan(&n); err != nil {
		return false, fmt.Errorf("count the parts of a place: %w", err)
	}
	return n > 0, nil
}

type kindRow struct {
	id      id.ID
	kind    Kind
	version int64
}

func readKinds(tx *db.Tx) ([]kindRow, error) {
	return all(tx, "kinds of places", `SELECT id, content, version FROM place_kind ORDER BY key`, func(k *kindRow) []any {
		return []any{&k.id, db.ScanJSON(&k.kind), &k.version}
	})
}

func putKind(tx *db.Tx, row id.ID, k Kind, stored bool) error {
	version := k.Version
	k.Version, k.Ships = 0, false
	if !stored {
		if _, err := tx.Exec(`INSERT INTO place_kind (id, key, content, version) VALUES ($1, $2, $3, $4)`, row, k.Key, db.JSON(k), version); err != nil {
			return fmt.Errorf("write kind %s: %w", k.Key, err)
		}
		return nil
	}
	n, err := tx.Exec(`UPDATE place_kind SET content = $1, version = $2 WHERE id = $3 AND version = $4`, db.JSON(k), version, row, version-1)
	if err != nil {
		return fmt.Errorf("write kind %s: %w", k.Key, err)
	}
	if n == 0 {
		return ErrChanged
	}
	return nil
}

func readState(tx *db.Tx, key string) (v string, err error) {
	err = tx.Row(`SELECT value FROM place_state WHERE key = $1`, key).Scan(&v)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return v, err
}

func putState(tx *db.Tx, key, value string) error {
	_, err := tx.Exec(`INSERT INTO place_state (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("write the state of places: %w", err)
	}
	return nil
}
