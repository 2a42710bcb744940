package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"onegrid/internal/kit/backup"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

var ctx = context.Background()

// Two rooms, one of which refers to itself and to the other and whose migration
// writes a row of its own.
var rooms = []db.Room{
	{Name: "unit", Migrations: fstest.MapFS{"0001_unit.sql": {Data: []byte("-- +goose Up\nCREATE TABLE unit (id BYTEA PRIMARY KEY, above BYTEA REFERENCES unit (id), name TEXT);\nINSERT INTO unit (id, name) VALUES (CAST('root-root-root-x' AS BYTEA), 'made by the migration');")}}},
	{Name: "a_case", Migrations: fstest.MapFS{
		"0001_case.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a_case (n BIGINT PRIMARY KEY, unit BYTEA REFERENCES unit (id), weight DOUBLE PRECISION, note TEXT);")},
		"0002_more.sql": {Data: []byte("-- +goose Up\nALTER TABLE a_case ADD COLUMN more TEXT;")},
	}},
}

func fill(t *testing.T, d *db.DB, dir string) {
	t.Helper()
	if err := d.Write(ctx, func(tx *db.Tx) error {
		above := []byte("root-root-root-x")
		if _, err := tx.Exec(`UPDATE unit SET name = $1`, "一张网 \\ \t\n'\"\x01"); err != nil {
			return err
		}
		for i := range 20 {
			v := tx.NewID()
			if _, err := tx.Exec(`INSERT INTO unit (id, above, name) VALUES ($1, $2, NULL)`, v, above); err != nil {
				return err
			}
			above = v[:]
			if _, err := tx.Exec(`INSERT INTO a_case (n, unit, weight, note, more) VALUES ($1, $2, $3, $4, $5)`, i, v, 1.0/3, strings.Repeat("路灯", i), nil); err != nil {
				return err
			}
		}
		return db.Bump(tx, "unit")
	}); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"files/ab/abcd": "a picture", "files/cd/cdef": "", "files/.new-123": "half", "keys/field.key": "secret-key-material"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is the content of the tables as one text.
func everything(t *testing.T, d *db.DB) string {
	t.Helper()
	var b strings.Builder
	if err := d.Read(ctx, func(tx *db.Tx) error {
		for _, q := range []string{`SELECT id, above, name FROM unit ORDER BY id`, `SELECT n, unit, weight, note, more FROM a_case ORDER BY n`, `SELECT name, version FROM db_room ORDER BY name`} {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			row := make([]any, strings.Count(q, ",")+1)
			dest := make([]any, len(row))
			for i := range row {
				dest[i] = &row[i]
			}
			for rows.Next() {
				if err := rows.Scan(dest...); err != nil {
					return err
				}
				fmt.Fprintf(&b, "%q\n", row)
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func target(t *testing.T, e db.Engine, dir string) string {
	if e == db.SQLite {
		return "sqlite:" + filepath.Join(dir, "onegrid.db")
	}
	return dbtest.DSN(t, e)
}

// What is restored is what was there at one moment, on both engines, while
// others went on writing; keys come along only when asked for.
func TestBackupComesBack(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dir := t.TempDir()
			dsn := target(t, e, dir)
			d := dbtest.Open(t, e, func(o *db.Options) { o.DSN = dsn }, rooms)
			fill(t, d, dir)
			want := everything(t, d)
			for _, keys := range []bool{false, true} {
				file := filepath.Join(t.TempDir(), "one.backup")
				m, err := backup.Write(ctx, file, d, dir, keys, nil)
				if err != nil {
					t.Fatal(err)
				}
				if m.Keys() != keys || m.Versions["a_case"] != 2 || m.Engine != e || m.Bytes() == 0 {
					t.Errorf("manifest %+v", m)
				}
				if raw, _ := os.ReadFile(file); !keys && bytes.Contains(raw, []byte("keys/")) {
					t.Error("keys in a backup without keys")
				}
				if _, err := os.Stat(file + ".part"); err == nil {
					t.Error("the half file was left")
				}
				if _, err := backup.Write(ctx, file, d, dir, keys, nil); !errors.Is(err, backup.ErrExists) {
					t.Errorf("overwriting: %v", err)
				}
				home := t.TempDir()
				to := target(t, e, home)
				if _, err := backup.Restore(ctx, file, to, home, rooms, nil); err != nil {
					t.Fatal(err)
				}
				back := dbtest.Open(t, e, func(o *db.Options) { o.DSN, o.Exists = to, true }, rooms)
				if got := everything(t, back); got != want {
					t.Errorf("came back as\n%s\nwant\n%s", got, want)
				}
				for name, content := range map[string]string{"files/ab/abcd": "a picture", "files/cd/cdef": "", "files/.new-123": "-", "keys/field.key": map[bool]string{true: "secret-key-material", false: "-"}[keys]} {
					got, err := os.ReadFile(filepath.Join(home, name))
					if content == "-" && err == nil || content != "-" && (err != nil || string(got) != content) {
						t.Errorf("%s: %q, %v", name, got, err)
					}
				}
				if _, err := backup.Restore(ctx, file, to, t.TempDir(), rooms, nil); !errors.Is(err, db.ErrInUse) {
					t.Errorf("over a database: %v", err)
				}
				if _, err := backup.Restore(ctx, file, target(t, e, t.TempDir()), home, rooms, nil); !errors.Is(err, backup.ErrInUse) {
					t.Errorf("over files: %v", err)
				}
				other := map[db.Engine]db.Engine{db.SQLite: db.Postgres, db.Postgres: db.SQLite}[e]
				empty := t.TempDir()
				if _, err := backup.Restore(ctx, file, target(t, other, empty), empty, rooms, nil); !errors.Is(err, db.ErrEngine) {
					t.Errorf("on the other engine: %v", err)
				}
			}
		})
	}
}

// A backup taken under load holds whole commands only.
func TestBackupUnderLoad(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dir := t.TempDir()
			dsn := target(t, e, dir)
			d := dbtest.Open(t, e, func(o *db.Options) { o.DSN = dsn }, rooms)
			stop := make(chan bool)
			var callers sync.WaitGroup
			for range 8 {
				callers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						if err := d.Write(ctx, func(tx *db.Tx) error {
							v := tx.NewID()
							if _, err := tx.Exec(`INSERT INTO unit (id, name) VALUES ($1, 'pair')`, v); err != nil {
								return err
							}
							_, err := tx.Exec(`INSERT INTO a_case (n, unit) SELECT coalesce(max(n), 0) + 1, CAST($1 AS BYTEA) FROM a_case`, v)
							return err
						}); err != nil {
							panic(err)
						}
					}
				})
			}
			file := filepath.Join(t.TempDir(), "one.backup")
			_, err := backup.Write(ctx, file, d, dir, false, nil)
			close(stop)
			callers.Wait()
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			to := target(t, e, home)
			if _, err := backup.Restore(ctx, file, to, home, rooms, nil); err != nil {
				t.Fatal(err)
			}
			back := dbtest.Open(t, e, func(o *db.Options) { o.DSN = to }, rooms)
			var units, cases int
			if err := back.Read(ctx, func(tx *db.Tx) error {
				return tx.Row(`SELECT (SELECT count(*) FROM unit WHERE name = 'pair'), (SELECT count(*) FROM a_case)`).Scan(&units, &cases)
			}); err != nil || units != cases {
				t.Errorf("%d units, %d cases, %v", units, cases, err)
			}
		})
	}
}

// A backup that ends early, of which any part was changed, or that is something
// else is refused, and nothing is made of it; so is one of a newer program.
func TestBrokenBackupsAreRefused(t *testing.T) {
	dir := t.TempDir()
	d := dbtest.Open(t, db.SQLite, func(o *db.Options) { o.DSN = target(t, db.SQLite, dir) }, rooms)
	fill(t, d, dir)
	file := filepath.Join(t.TempDir(), "one.backup")
	if _, err := backup.Write(ctx, file, d, dir, false, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Check(ctx, file); err != nil {
		t.Fatalf("the whole one: %v", err)
	}
	try := func(what string, content []byte, want error) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad.backup")
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		home := t.TempDir()
		if _, err := backup.Restore(ctx, bad, target(t, db.SQLite, home), home, rooms, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if left, _ := os.ReadDir(home); len(left) != 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	for _, part := range []float64{0, 0.1, 0.5, 0.9, 0.999} {
		try(fmt.Sprint("cut at ", part), whole[:int(part*float64(len(whole)))], backup.ErrBroken)
	}
	try("a text", []byte("hello, this is no backup"), backup.ErrBroken)
	at := bytes.Index(whole, []byte("a picture"))
	flipped := bytes.Clone(whole)
	flipped[at] ^= 1
	try("flipped in a file", flipped, backup.ErrBroken)
	flipped = bytes.Clone(whole)
	flipped[200] ^= 1
	try("flipped in the data", flipped, backup.ErrBroken)
	home := t.TempDir()
	older := []db.Room{rooms[0]}
	if _, err := backup.Restore(ctx, file, target(t, db.SQLite, home), home, older, nil); err == nil {
		opened, err := db.Open(ctx, db.Options{DSN: "sqlite:" + filepath.Join(home, "onegrid.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		if err := opened.Migrate(ctx, older); !errors.Is(err, db.ErrNewer) {
			t.Errorf("an older program took it: %v", err)
		}
	} else if !errors.Is(err, db.ErrNewer) {
		t.Errorf("an older program: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	half := filepath.Join(t.TempDir(), "half.backup")
	if _, err := backup.Write(cancelled, half, d, dir, false, nil); err == nil {
		t.Error("a cancelled backup was finished")
	}
	if _, err := os.Stat(half + ".part"); err == nil {
		t.Error("a cancelled backup was left")
	}
}
