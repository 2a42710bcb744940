package db

import (
	"context"
	"fmt"
	"strings"
)

// About is a database in numbers.
type About struct {
	Engine   Engine           `json:"engine"`
	Program  string           `json:"program"` // of the engine, with its version
	Bytes    int64            `json:"bytes"`
	Versions map[string]int64 `json:"versions"` // of the rooms' tables
	Rows     map[string]int64 `json:"rows"`
}

// About counts what lies in the tables. It changes nothing.
func (d *DB) About(ctx context.Context) (About, error) {
	a := About{Engine: d.engine, Versions: map[string]int64{}, Rows: map[string]int64{}}
	version, size := `SELECT 'SQLite ' || sqlite_version()`, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`
	if d.engine == Postgres {
		version, size = `SELECT version()`, `SELECT pg_database_size(current_database())`
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`
	}
	err := d.Read(ctx, func(tx *Tx) error {
		if err := tx.Row(version).Scan(&a.Program); err != nil {
			return err
		}
		if err := tx.Row(size).Scan(&a.Bytes); err != nil {
			return err
		}
		names, err := namesOf(tx, tables)
		if err != nil {
			return err
		}
		for _, name := range names {
			var n int64
			if room, is := strings.CutPrefix(name, migrationPrefix); is {
				if err := tx.Row(`SELECT MAX(version_id) FROM "` + name + `"`).Scan(&n); err != nil {
					return err
				}
				a.Versions[room] = n
				continue
			}
			if err := tx.Row(`SELECT COUNT(*) FROM "` + name + `"`).Scan(&n); err != nil {
				return err
			}
			a.Rows[name] = n
		}
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("count what lies in the tables: %w", err)
	}
	return a, nil
}

func namesOf(tx *Tx, q string) (names []string, err error) {
	rows, err := tx.Query(q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
