package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/blob/s3test"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// inBucket are the settings of a file store in an empty bucket.
func inBucket(t *testing.T) map[string]string {
	t.Helper()
	s := s3test.Start(t)
	return map[string]string{"s3-endpoint": s.Endpoint, "s3-bucket": s.Bucket, "s3-prefix": "town", "s3-key": s.Key, "s3-secret": s.Secret, "s3-tls": "off"}
}

// content is every row of every table that both engines have, by table.
func content(t *testing.T, d *db.DB) map[string][]string {
	t.Helper()
	list := `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`
	if d.Engine() == db.Postgres {
		list = `SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()`
	}
	out := map[string][]string{}
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		found, err := tx.Query(list)
		if err != nil {
			return err
		}
		var names []string
		for found.Next() {
			var name string
			if err := found.Scan(&name); err != nil {
				return err
			}
			// Each engine's own: its index of words, its notes on versions and writers.
			if !strings.HasPrefix(name, "case_search") && !strings.HasPrefix(name, "migration_") && name != "db_writer" {
				names = append(names, name)
			}
		}
		if err := found.Close(); err != nil {
			return err
		}
		for _, name := range names {
			var columns []string
			about, err := tx.Query(map[db.Engine]string{
				db.SQLite:   `SELECT name FROM pragma_table_info($1)`,
				db.Postgres: `SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`,
			}[d.Engine()], name)
			if err != nil {
				return err
			}
			for about.Next() {
				var c string
				if err := about.Scan(&c); err != nil {
					return err
				}
				columns = append(columns, `"`+c+`"`)
			}
			if err := about.Close(); err != nil {
				return err
			}
			slices.Sort(columns)
			rows, err := tx.Query(`SELECT ` + strings.Join(columns, ", ") + ` FROM "` + name + `"`)
			if err != nil {
				return err
			}
			row := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			out[name] = []string{strings.Join(columns, ", ")}
			for rows.Next() {
				if err := rows.Scan(into...); err != nil {
					return err
				}
				out[name] = append(out[name], fmt.Sprintf("%q", row))
			}
			if err := rows.Close(); err != nil {
				return err
			}
			slices.Sort(out[name][1:])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// stored is every stored file with the digest of what is read of it.
func stored(t *testing.T, c app.Config) (out []string) {
	t.Helper()
	s, err := app.OpenFiles(t.Context(), c, blob.Options{Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Each(t.Context(), func(area string, h blob.Hash, size int64) error {
		f, err := s.Read(t.Context(), area, h)
		if err != nil {
			return err
		}
		defer f.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return err
		}
		out = append(out, fmt.Sprintf("%s/%s %d %x", area, h, size, sum.Sum(nil)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// another uploads a photo that no other case has.
func another(w *town.Town, p *town.Person) id.ID {
	w.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 120, 80))); err != nil {
		w.Fatal(err)
	}
	var f struct {
		ID id.ID `json:"id"`
	}
	if a := p.Do("POST", "/api/files", town.Form(b.Bytes(), "kind", "before")); a.Status != 201 && a.Status != 200 || json.Unmarshal(a.Body, &f) != nil {
		w.Fatalf("upload: %s %s", a, a.Body)
	}
	return f.ID
}

// A district moves: from SQLite with a folder to PostgreSQL with a bucket, and the
// other way round. Every row of every table and every file is the same there, the
// journal verifies, search finds what it found, and what was erased since stays
// erased.
func TestBackupMovesADistrict(t *testing.T) {
	for _, from := range dbtest.Engines {
		t.Run("from "+string(from), func(t *testing.T) {
			bucket := inBucket(t)
			set := map[string]string{}
			if from == db.Postgres {
				set = bucket
			}
			w := town.NewWith(t, from, set)
			village := w.As("village desk 1")
			photo := another(w, village)
			kept := village.Reports("东头路灯不亮", town.With{"file_ids": []id.ID{photo}})
			village.Does(kept, "accept")
			goes := somebody(w, "诸葛小明", "13800007777", "白猫", true)
			backup := filepath.Join(t.TempDir(), "one.onegrid")
			if code, out := says(t, w.Config(), "backup", backup, "--with-keys"); code != 0 {
				w.Fatalf("backup: %d %s", code, out)
			}
			was, files := content(t, w.App.DB), stored(t, w.Config())
			if len(files) < 4 || len(was) < 60 {
				w.Fatalf("only %d tables and %d files", len(was), len(files))
			}

			elsewhere := func(set map[string]string) app.Config {
				t.Helper()
				all := map[string]string{"session-idle": "8760h", "session-max": "8760h", "trusted-proxy": "127.0.0.0/8"}
				for k, v := range set {
					all[k] = v
				}
				if from == db.SQLite {
					all["database"] = dbtest.DSN(t, db.Postgres)
				}
				c, err := app.LoadConfig(filepath.Join(t.TempDir(), "data"), all, nil)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			place := map[string]string{}
			if from == db.SQLite {
				place = bucket
			}
			home := elsewhere(place)
			if code, out := says(t, home, "restore", backup); code != 0 {
				w.Fatalf("restore: %d %s", code, out)
			}
			d, err := db.Open(t.Context(), db.Options{DSN: home.DSN(), Exists: true, Ledger: journal.New()})
			if err != nil {
				w.Fatal(err)
			}
			is := content(t, d)
			if err := d.Close(); err != nil {
				w.Fatal(err)
			}
			for table, rows := range was {
				if !slices.Equal(rows, is[table]) {
					w.Errorf("%s was\n%s\nis\n%s", table, strings.Join(rows, "\n"), strings.Join(is[table], "\n"))
				}
			}
			if len(is) != len(was) {
				w.Errorf("%d tables, there were %d", len(is), len(was))
			}
			if now := stored(t, home); !slices.Equal(now, files) {
				w.Errorf("the files are\n%s\nthey were\n%s", strings.Join(now, "\n"), strings.Join(files, "\n"))
			}
			if code, out := says(t, home, "journal", "verify"); code != 0 {
				w.Errorf("journal verify: %d %s", code, out)
			}

			// What was erased after the backup, on a second machine of the other kind.
			list := filepath.Join(w.Dir, "erasures.jsonl")
			w.Erases(goes, "本人要求删除", journal.OpenErasures(list))
			if place["s3-endpoint"] != "" {
				place["s3-prefix"] = "second"
			}
			second := elsewhere(place)
			if code, out := says(t, second, "restore", backup, "--erasures", list); code != 0 {
				w.Fatalf("restore with the list: %d %s", code, out)
			}
			w.Moves(second)
			w.Later(0)
			village = w.As("village desk 1")
			if !village.Lists(kept, "view=all&q=路灯") || !village.Lists(kept, "view=all&q="+kept.Number) {
				w.Error("search does not find the case that was kept")
			}
			if village.Lists(goes, "view=all&q=白猫") {
				w.Error("search finds the case that was erased")
			}
			if a := village.Do("GET", "/api/files/"+photo.String()+"?size=view", nil); a.Status != 200 || !bytes.HasPrefix(a.Body, []byte("\xff\xd8")) {
				w.Errorf("the photo: %s", a)
			}
			if now := stored(t, second); len(now) >= len(files) {
				w.Errorf("the files of what was erased are there: %v", now)
			}
			gone(t, w.App, second.Dir, "after the restore with the list", []string{"诸葛小明", "13800007777", "白猫"})
			next := village.Reports("新的一件")
			if !village.Lists(next, "view=all&q=新的") {
				w.Error("search does not find a new case")
			}
			w.Verified()
			if code, out := says(t, second, "restore", backup); code == 0 {
				w.Errorf("restored over it: %s", out)
			}
		})
	}
}
