package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"onegrid/internal/kit/backup"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/blob/s3test"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

var ctx = context.Background()

const unitTable = "-- +goose Up\nCREATE TABLE unit (id BYTEA PRIMARY KEY, above BYTEA REFERENCES unit (id), name TEXT);\n"

// Two rooms, one of which refers to itself and to the other and whose migration
// writes a row of its own; it has an index of words that differs by engine.
var rooms = []db.Room{
	{Name: "unit", Migrations: fstest.MapFS{
		"0001_unit.sqlite.sql":    {Data: []byte(unitTable + "INSERT INTO unit (id, name) VALUES (CAST('root-root-root-x' AS BLOB), 'made by the migration');")},
		"0001_unit.postgres.sql":  {Data: []byte(unitTable + "INSERT INTO unit (id, name) VALUES (CAST('root-root-root-x' AS BYTEA), 'made by the migration');")},
		"0002_words.sqlite.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE unit_search_key (n INTEGER PRIMARY KEY, id BYTEA NOT NULL);\nCREATE VIRTUAL TABLE unit_search USING fts5(terms);")},
		"0002_words.postgres.sql": {Data: []byte("-- +goose Up\nCREATE TABLE unit_search (n BIGSERIAL, terms TSVECTOR NOT NULL);")},
	}},
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
	index := `INSERT INTO unit_search (terms) VALUES ('a b')`
	if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(index); return err }); err != nil {
		t.Fatal(err)
	}
	files := folder(t, dir)
	for _, f := range stored {
		if err := files.Restore(ctx, f.area, f.hash(), strings.NewReader(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"files/tmp/put-123": "half", "keys/field.key": "secret-key-material"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type file struct{ area, content string }

func (f file) hash() blob.Hash { return sha256.Sum256([]byte(f.content)) }

var stored = []file{{"cases", "a picture"}, {"cases", strings.Repeat("long ", 2<<20)}, {"quarantine", "a stranger's picture"}}

// folder is the file store of a data folder.
func folder(t *testing.T, dir string) *blob.Store {
	t.Helper()
	s, err := blob.Open(filepath.Join(dir, "files"), blob.Options{From: []string{"quarantine"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bucket is a file store in an empty bucket.
func bucket(t *testing.T) *blob.Store {
	t.Helper()
	server := s3test.Start(t)
	s, err := blob.OpenBucket(ctx, blob.BucketOptions{Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1", Key: server.Key, Secret: server.Secret,
		PathStyle: true, Temp: t.TempDir()}, blob.Options{From: []string{"quarantine"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// holdings are the names of all stored files, each of which is read.
func holdings(t *testing.T, s *blob.Store) (names []string) {
	t.Helper()
	if err := s.Each(ctx, func(area string, h blob.Hash, _ int64) error {
		names = append(names, area+"/"+h.String())
		f, err := s.Read(ctx, area, h)
		if err != nil {
			return err
		}
		return f.Close()
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
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

// What is restored is what was there at one moment, whichever engine and place it
// came from and goes to; keys come along only when asked for.
func TestBackupComesBack(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dir := t.TempDir()
			d := dbtest.Open(t, e, func(o *db.Options) { o.DSN = target(t, e, dir) }, rooms)
			fill(t, d, dir)
			want, files := everything(t, d), holdings(t, folder(t, dir))
			if len(files) != len(stored) {
				t.Fatalf("stored %v", files)
			}
			from := folder(t, dir)
			for _, keys := range []bool{false, true} {
				file := filepath.Join(t.TempDir(), "one.backup")
				m, err := backup.Write(ctx, file, d, from, dir, keys, nil)
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
				if _, err := backup.Write(ctx, file, d, from, dir, keys, nil); !errors.Is(err, backup.ErrExists) {
					t.Errorf("overwriting: %v", err)
				}
				for _, onto := range dbtest.Engines {
					home := t.TempDir()
					to, place := target(t, onto, home), folder(t, home)
					if keys {
						place = bucket(t)
					}
					if _, err := backup.Restore(ctx, file, to, place, home, rooms, nil); err != nil {
						t.Fatalf("on %s: %v", onto, err)
					}
					back := dbtest.Open(t, onto, func(o *db.Options) { o.DSN, o.Exists = to, true }, rooms)
					if got := everything(t, back); got != want {
						t.Errorf("came back on %s as\n%s\nwant\n%s", onto, got, want)
					}
					if got := holdings(t, place); !slices.Equal(got, files) {
						t.Errorf("came back with the files %v, want %v", got, files)
					}
					key, err := os.ReadFile(filepath.Join(home, "keys", "field.key"))
					if keys != (err == nil) || keys && string(key) != "secret-key-material" {
						t.Errorf("the key: %q, %v", key, err)
					}
					numbers(t, back, onto == e)
					if _, err := backup.Restore(ctx, file, to, folder(t, t.TempDir()), t.TempDir(), rooms, nil); !errors.Is(err, db.ErrInUse) {
						t.Errorf("over a database: %v", err)
					}
					if _, err := backup.Restore(ctx, file, target(t, onto, t.TempDir()), place, t.TempDir(), rooms, nil); !errors.Is(err, backup.ErrInUse) {
						t.Errorf("over files: %v", err)
					}
					// And back again, from there to where it came from.
					again := filepath.Join(t.TempDir(), "two.backup")
					if _, err := backup.Write(ctx, again, back, place, home, false, nil); err != nil {
						t.Fatal(err)
					}
					third := t.TempDir()
					to, place = target(t, e, third), folder(t, third)
					if _, err := backup.Restore(ctx, again, to, place, third, rooms, nil); err != nil {
						t.Fatalf("back on %s: %v", e, err)
					}
					if got := everything(t, dbtest.Open(t, e, func(o *db.Options) { o.DSN = to }, rooms)); got != want {
						t.Errorf("by way of %s it came back as\n%s\nwant\n%s", onto, got, want)
					}
					if got := holdings(t, place); !slices.Equal(got, files) {
						t.Errorf("by way of another place: %v", got)
					}
				}
			}
		})
	}
}

// numbers checks that new rows are numbered behind those that came.
func numbers(t *testing.T, d *db.DB, same bool) {
	t.Helper()
	if d.Engine() != db.Postgres {
		return
	}
	var n int64
	if err := d.Write(ctx, func(tx *db.Tx) error {
		return tx.Row(`INSERT INTO unit_search (terms) VALUES ('c') RETURNING n`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	if want := map[bool]int64{true: 2, false: 1}[same]; n != want { // the index itself does not cross over
		t.Errorf("the next row has number %d, want %d", n, want)
	}
}

// A damaged file is left out and named, the rest is backed up; a restore that
// fails takes back what it did, and one that was killed can be begun again.
func TestDamagedFilesAndBrokenRestores(t *testing.T) {
	dir := t.TempDir()
	d := dbtest.Open(t, db.SQLite, func(o *db.Options) { o.DSN = target(t, db.SQLite, dir) }, rooms)
	fill(t, d, dir)
	h := stored[0].hash().String()
	if err := os.WriteFile(filepath.Join(dir, "files", "cases", h[:2], h[2:4], h), []byte("a forgery"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "one.backup")
	m, err := backup.Write(ctx, file, d, folder(t, dir), dir, true, nil)
	if !errors.Is(err, backup.ErrDamaged) || !slices.Equal(m.Damaged, []string{"cases/" + h}) {
		t.Fatalf("damaged %v, %v", m.Damaged, err)
	}
	home := t.TempDir()
	place := folder(t, home)
	older := rooms[:1]
	if _, err := backup.Restore(ctx, file, target(t, db.Postgres, home), place, home, older, nil); !errors.Is(err, db.ErrNewer) {
		t.Errorf("an older program: %v", err)
	}
	if got := holdings(t, place); len(got) != 0 {
		t.Errorf("a failed restore left %v", got)
	}
	if _, err := os.Stat(filepath.Join(home, "keys")); err == nil {
		t.Error("a failed restore left keys")
	}
	// Killed after some files: the marker stands, the files are there.
	if err := os.WriteFile(filepath.Join(home, ".restoring"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := place.Restore(ctx, stored[2].area, stored[2].hash(), strings.NewReader(stored[2].content)); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(ctx, file, target(t, db.SQLite, home), place, home, rooms, nil); err != nil {
		t.Errorf("begun again: %v", err)
	}
	if got := holdings(t, place); len(got) != len(stored)-1 {
		t.Errorf("came back with %v", got)
	}
	if _, err := os.Stat(filepath.Join(home, ".restoring")); err == nil {
		t.Error("the marker stayed")
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
			_, err := backup.Write(ctx, file, d, folder(t, dir), dir, false, nil)
			close(stop)
			callers.Wait()
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			to := target(t, e, home)
			if _, err := backup.Restore(ctx, file, to, folder(t, home), home, rooms, nil); err != nil {
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
	if _, err := backup.Write(ctx, file, d, folder(t, dir), dir, false, nil); err != nil {
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
		home, place := t.TempDir(), folder(t, t.TempDir())
		if _, err := backup.Restore(ctx, bad, target(t, db.SQLite, home), place, home, rooms, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if left, _ := os.ReadDir(home); len(left) != 0 || len(holdings(t, place)) != 0 {
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
	if _, err := backup.Restore(ctx, file, target(t, db.SQLite, home), folder(t, home), home, rooms[:1], nil); !errors.Is(err, db.ErrNewer) {
		t.Errorf("an older program: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	half := filepath.Join(t.TempDir(), "half.backup")
	if _, err := backup.Write(cancelled, half, d, folder(t, dir), dir, false, nil); err == nil {
		t.Error("a cancelled backup was finished")
	}
	if _, err := os.Stat(half + ".part"); err == nil {
		t.Error("a cancelled backup was left")
	}
}
