package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// says runs the program as somebody at the terminal does, on a town's data.
func says(t *testing.T, c app.Config, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	all := append([]string{"--dir", c.Dir}, args...)
	if c.Database != "" {
		all = append(all, "--set", "database="+c.Database)
	}
	if c.S3Endpoint != "" {
		for name, value := range map[string]string{"s3-endpoint": c.S3Endpoint, "s3-bucket": c.S3Bucket, "s3-prefix": c.S3Prefix, "s3-key": c.S3Key, "s3-secret": c.S3Secret, "s3-tls": c.S3TLS} {
			all = append(all, "--set", name+"="+value)
		}
	}
	code = run(t.Context(), all, streams{in: strings.NewReader(""), out: &b, err: &b})
	return code, b.String()
}

// holds says in which parts of a database, and in which files, some words stand
// as bytes: in rows, in the search index, in what SQLite has not cleaned up.
func holds(t *testing.T, d *db.DB, dir string, words ...string) (where []string) {
	t.Helper()
	parts := map[string]*bytes.Buffer{}
	if _, err := d.Dump(t.Context(), func(part string) (io.Writer, error) {
		parts[part] = &bytes.Buffer{}
		return parts[part], nil
	}); err != nil {
		t.Fatal(err)
	}
	for part, b := range parts {
		for _, w := range words {
			if bytes.Contains(b.Bytes(), []byte(w)) {
				where = append(where, part+": "+w)
			}
		}
	}
	return where
}

// pictures counts the stored files.
func pictures(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "files"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What was erased is gone from tables, search, files, answers of commands and
// from a backup of before, once that is restored; and the journal verifies
// through all of it.
func TestErasedIsGoneEverywhere(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		secrets := []string{"诸葛小明", "13800007777", "槐树巷尽头", "白猫还没找到"}
		village := w.As("village desk 1")
		key := []string{"Idempotency-Key", "01a20b48-0900-7000-8000-00000000e5a5"}
		report := town.Report("白猫还没找到", town.With{"reporter": town.With{"name": secrets[0], "phone": secrets[1]}, "file_ids": []id.ID{village.Photo("before")}})
		report["place"].(town.With)["words"] = secrets[2]
		var c town.Case
		a := village.Do("POST", "/api/cases", report, key...)
		if a.Status != 201 {
			w.Fatalf("report: %s %s", a, a.Body)
		}
		if err := json.Unmarshal(a.Body, &c); err != nil {
			w.Fatal(err)
		}
		village.Does(c, "accept", town.With{"note": "来电人说白猫还没找到"})
		photo := village.Page(c).Files[0].ID
		kept := village.Reports("留下的这一件")
		if found := holds(t, w.App.DB, w.Dir, secrets[2:]...); len(found) == 0 {
			w.Fatal("the words are nowhere before they are erased: the test looks in the wrong place")
		}
		if code, out := says(t, w.Config(), "journal", "verify"); code != 0 || !strings.Contains(out, "0") {
			w.Fatalf("journal verify: %d %s", code, out)
		}
		backup := filepath.Join(t.TempDir(), "before.onegrid")
		if code, out := says(t, w.Config(), "backup", backup, "--with-keys"); code != 0 {
			w.Fatalf("backup: %d %s", code, out)
		}
		stored := pictures(t, w.Dir)

		list := filepath.Join(w.Dir, "erasures.jsonl")
		w.Erases(c, "本人要求删除", journal.OpenErasures(list))
		w.Later(0)
		gone(t, w.App, w.Dir, "after the erasure", secrets)
		if n := pictures(t, w.Dir); n >= stored {
			w.Errorf("%d files are stored, %d before", n, stored)
		}
		if village.Lists(c, "view=all&q=白猫") || !village.Lists(kept, "view=all&q=留下") {
			w.Error("search finds what is gone, or lost what was kept")
		}
		if a := village.Do("GET", "/api/files/"+photo.String(), nil); a.Status != 404 {
			w.Errorf("the photo: %s", a)
		}
		if a := village.Do("POST", "/api/cases", report, key...); a.Status != 201 || bytes.Contains(a.Body, []byte("白猫")) || !bytes.Contains(a.Body, []byte(c.ID.String())) {
			w.Errorf("the same command again: %s %s", a, a.Body)
		}
		if code, out := says(t, w.Config(), "journal", "verify"); code != 0 {
			w.Errorf("journal verify after the erasure: %d %s", code, out)
		}
		if code, out := says(t, w.Config(), "case", "show", c.Number); code != 0 || strings.Contains(out, "白猫") {
			w.Errorf("case show: %d %s", code, out)
		}

		// The backup of before, on a new machine, with the list that was kept.
		home := w.Config()
		home.Dir = filepath.Join(t.TempDir(), "data")
		if home.Database != "" {
			home.Database = dbtest.DSN(t, db.Postgres)
		}
		if code, out := says(t, home, "restore", backup, "--erasures", list); code != 0 {
			w.Fatalf("restore: %d %s", code, out)
		}
		restored, err := app.Open(t.Context(), home, app.Ports{Now: w.Clock.Now})
		if err != nil {
			w.Fatal(err)
		}
		defer restored.Close()
		if err := restored.Work(t.Context()); err != nil {
			w.Fatal(err)
		}
		gone(t, restored, home.Dir, "after the restore", secrets)
		if n := pictures(t, home.Dir); n >= stored {
			w.Errorf("%d files came back with the backup, %d were in it", n, stored)
		}
		if code, out := says(t, home, "journal", "verify"); code != 0 {
			w.Errorf("journal verify after the restore: %d %s", code, out)
		}
		if code, out := says(t, home, "figures", "recompute", "--check"); code != 0 {
			w.Errorf("the figures differ after the restore: %d %s", code, out)
		}
	})
}

// gone demands that none of the words is left; who reported is sealed, so those
// are looked for too although they never stood there in the open.
func gone(t *testing.T, a *app.App, dir, when string, secrets []string) {
	t.Helper()
	if found := holds(t, a.DB, dir, secrets...); len(found) > 0 {
		t.Errorf("%s there is still %v", when, found)
	}
}

// A file that breaks off in the middle brings nothing of its broken part in: a
// drawing is taken whole or not at all, of a table the whole rows are taken and
// the sums agree.
func TestHalfWrittenImports(t *testing.T) {
	w := town.New(t, db.SQLite)
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	drawing := `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"code":"370115003201991","name":"新","platform":"P1"},"geometry":{"type":"Polygon","coordinates":[[[117.2,36.9],[117.22,36.9],[117.22,36.92],[117.2,36.92],[117.2,36.9]]]}},
		{"type":"Feature","properties":{"code":"370115003201992","name":"新","platform":"P1"},"geometry":{"type":"Polygon","coordina`
	units := "kind,code,name_zh,name_en,parent_code,calendar,duty_calendar\nplatform,N1,新一,New one,S1,office,office\nplatform,N2,\"新二"
	for _, one := range []struct {
		args []string
		code int
		take int64
		why  string
	}{
		{[]string{"import", "grids", file("half.geojson", drawing), "--datum", "wgs84", "--json"}, 2, 0, "table.truncated"},
		{[]string{"import", "units", file("half.csv", units), "--json"}, 3, 1, "refused"},
	} {
		rows, head := w.Rows(), w.Head()
		code, out := says(t, w.Config(), one.args...)
		var sums struct{ Read, Taken, Repeated, Refused int64 }
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "{") {
				if err := json.Unmarshal([]byte(line), &sums); err != nil {
					t.Fatal(err)
				}
			}
		}
		if code != one.code || sums.Taken != one.take || sums.Read != sums.Taken+sums.Repeated+sums.Refused || !strings.Contains(out, one.why) {
			t.Errorf("%v: %d %+v\n%s", one.args[:2], code, sums, out)
		}
		if one.take == 0 && (!maps.Equal(w.Rows(), rows) || w.Head() != head) {
			t.Errorf("%v left something behind", one.args[:2])
		}
		if one.take > 0 {
			// Mended and sent again, nothing is taken twice.
			whole := file("whole.csv", units+"\",New two,S1,office,office\n")
			if code, out := says(t, w.Config(), "import", "units", whole, "--json"); code != 0 || !strings.Contains(out, `{"read":2,"taken":1,"repeated":1,"refused":0}`) {
				t.Errorf("the mended file: %d %s", code, out)
			}
		}
	}
	w.Verified()
	if code, out := says(t, w.Config(), "journal", "verify"); code != 0 {
		t.Errorf("journal verify: %d %s", code, out)
	}
}
