package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/backup"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// folder is a data folder with a journal, a signed checkpoint and a stored file.
type folder struct {
	dir  string
	d    *db.DB
	sign *journal.Checkpoints
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), db.Options{DSN: "sqlite:" + filepath.Join(dir, "onegrid.db"), Ledger: journal.New()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), app.Tables()); err != nil {
		t.Fatal(err)
	}
	key, err := journal.LoadKey(journalKey(dir), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign, err := journal.OpenCheckpoints(filepath.Join(dir, "checkpoints"), key)
	if err != nil {
		t.Fatal(err)
	}
	files, err := app.OpenFiles(t.Context(), app.Config{Dir: dir}, blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Restore(t.Context(), "cases", sha256.Sum256([]byte("a picture")), strings.NewReader("a picture")); err != nil {
		t.Fatal(err)
	}
	return folder{dir, d, sign}
}

func (f folder) happens(t *testing.T, text string) id.ID {
	t.Helper()
	var e *journal.Entry
	if err := f.d.Write(t.Context(), func(tx *db.Tx) error {
		e = journal.Add(tx, journal.Entry{Kind: "test.act", Subject: tx.NewID(), Body: text})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func (f folder) signs(t *testing.T) {
	t.Helper()
	if _, err := f.sign.Take(t.Context(), f.d); err != nil {
		t.Fatal(err)
	}
}

// command is any command of the program.
type command interface {
	Run(ctx context.Context, set settings, s streams) error
}

// does runs a command on a data folder and gives what it printed.
func does(t *testing.T, c command, dir string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	err := c.Run(t.Context(), settings{dir: dir}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	return out.String(), err
}

// A backup from before an erasure is restored: the rest comes back, the erased
// content does not, the journal verifies and the old checkpoints are put aside.
func TestRestoreErasesAgain(t *testing.T) {
	secret := "王秀英 13912345678"
	f := newFolder(t)
	f.happens(t, "kept")
	gone := f.happens(t, secret)
	f.signs(t)
	file := filepath.Join(t.TempDir(), "one.onegrid")
	if out, err := does(t, &backupCmd{File: file}, f.dir); err != nil || !strings.Contains(out, file) {
		t.Fatalf("backup: %q, %v", out, err)
	}
	list := filepath.Join(f.dir, "erasures.jsonl")
	if _, err := journal.OpenErasures(list).Erase(t.Context(), f.d, journal.By{Via: "desk"}, "request", []id.ID{gone}, nil); err != nil {
		t.Fatal(err)
	}
	f.happens(t, "later")
	f.signs(t)

	// A new machine: the folder holds what is kept outside backups.
	home := t.TempDir()
	if err := os.CopyFS(filepath.Join(home, "keys"), os.DirFS(filepath.Join(f.dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(home, "checkpoints"), os.DirFS(filepath.Join(f.dir, "checkpoints"))); err != nil {
		t.Fatal(err)
	}
	out, err := does(t, &restoreCmd{File: file, Erasures: list, JSON: true}, home)
	if err != nil {
		t.Fatal(err)
	}
	var told restored
	if err := json.Unmarshal([]byte(out), &told); err != nil || told.Erased != 1 || !told.Journal.OK() || told.Journal.Entries != 2 || told.Journal.Checkpoints != 1 || told.Keys {
		t.Errorf("told %s, %v", out, err)
	}
	if had, has := stored(t, app.Config{Dir: f.dir}), stored(t, app.Config{Dir: home}); len(had) != 1 || !slices.Equal(had, has) {
		t.Errorf("the files: %v, there were %v", has, had)
	}
	for _, suffix := range []string{"", "-wal"} {
		if content, _ := os.ReadFile(filepath.Join(home, "onegrid.db"+suffix)); bytes.Contains(content, []byte(secret)) {
			t.Error("the erased content came back")
		}
	}
	kept, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // joined again, it is the same list
		if now, err := os.ReadFile(filepath.Join(home, "erasures.jsonl")); err != nil || len(kept) == 0 || string(now) != string(kept) {
			t.Errorf("the list in the new folder: %q, %v", now, err)
		}
		if err := joinErasures(list, filepath.Join(home, "erasures.jsonl")); err != nil {
			t.Error(err)
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(home, "checkpoints", "before-restore-*", "*.txt")); len(aside) != 2 {
		t.Errorf("put aside: %v", aside)
	}
	if _, err := does(t, &journalVerifyCmd{}, home); err != nil {
		t.Errorf("verify after the restore: %v", err)
	}
	// The auditor's own copy of the newer checkpoint still tells on the older copy.
	if out, err := does(t, &journalVerifyCmd{Checkpoint: []string{filepath.Join(f.dir, "checkpoints", "latest.txt")}}, home); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("verify against the newer checkpoint: %q, %v", out, err)
	}
	if _, err := does(t, &restoreCmd{File: file}, home); !errors.Is(err, backup.ErrInUse) && !errors.Is(err, db.ErrInUse) {
		t.Errorf("restore over it: %v", err)
	}
}

// The verdict of verify is the exit code and one sentence a problem.
func TestJournalVerifyCommand(t *testing.T) {
	f := newFolder(t)
	f.happens(t, "one")
	f.happens(t, "two")
	f.signs(t)
	out, err := does(t, &journalVerifyCmd{JSON: true}, f.dir)
	var report journal.Report
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.Entries != 2 || report.Checkpoints != 1 {
		t.Errorf("sound: %s, %v", out, err)
	}
	if err := f.d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE journal_entry SET via = 'nobody' WHERE number = 2`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if out, err = does(t, &journalVerifyCmd{}, f.dir); !errors.Is(err, journal.ErrDamaged) || strings.Count(out, "\n") != 2 {
		t.Errorf("changed: %q, %v", out, err)
	}
	bad := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(bad, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := does(t, &journalVerifyCmd{Checkpoint: []string{bad}}, f.dir); fault.Of(err).Kind != fault.Invalid {
		t.Errorf("no checkpoint: %v", err)
	}
	if _, err := does(t, &journalVerifyCmd{}, t.TempDir()); !errors.Is(err, db.ErrMissing) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := does(t, &backupCmd{File: filepath.Join(t.TempDir(), "x")}, t.TempDir()); !errors.Is(err, db.ErrMissing) {
		t.Errorf("backup of an empty folder: %v", err)
	}
}

// Checkpoints put aside twice in the same second would lose one set.
func TestPutAsideRefusesToMix(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for round := range 2 {
		if err := os.MkdirAll(filepath.Join(dir, "checkpoints"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "checkpoints", "latest.txt"), []byte{byte(round)}, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := putAside(dir, at); (err != nil) != (round == 1) {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// The tables of every room go through a backup, on both engines.
func TestBackupHoldsEveryRoom(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			set := func() settings {
				s := settings{dir: t.TempDir()}
				if e == db.Postgres {
					s.set = map[string]string{"database": dbtest.DSN(t, e)}
				}
				return s
			}
			open := func(s settings) *db.DB {
				t.Helper()
				config, err := s.load()
				if err != nil {
					t.Fatal(err)
				}
				d, err := db.Open(t.Context(), db.Options{DSN: config.DSN(), Ledger: journal.New()})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { d.Close() })
				return d
			}
			versions := func(d *db.DB) (v map[string]int64) {
				t.Helper()
				if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { v, err = db.Versions(tx); return err }); err != nil {
					t.Fatal(err)
				}
				return v
			}
			from, to := set(), set()
			d := open(from)
			if err := d.Migrate(t.Context(), app.Tables()); err != nil {
				t.Fatal(err)
			}
			folder{d: d}.happens(t, "something")
			file := filepath.Join(t.TempDir(), "all.onegrid")
			var out, errs bytes.Buffer
			if err := (&backupCmd{File: file}).Run(t.Context(), from, streams{out: &out, err: &errs}); err != nil {
				t.Fatal(err)
			}
			if err := (&restoreCmd{File: file}).Run(t.Context(), to, streams{out: &out, err: &errs}); err != nil {
				t.Fatal(err)
			}
			back := open(to)
			if was, is := versions(d), versions(back); len(was) != len(app.Tables()) || !maps.Equal(was, is) {
				t.Errorf("versions were %v, are %v", was, is)
			}
			if r, err := journal.Verify(t.Context(), back, nil, nil); err != nil || !r.OK() || r.Entries != 1 {
				t.Errorf("the journal: %+v, %v", r, err)
			}
		})
	}
}

// A list of erasures that was named but is not there stops the restore: what was
// erased must not come back by a slip of the pen.
func TestRestoreNeedsTheListThatWasNamed(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "b.onegrid")
	if err := os.WriteFile(backup, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"restore", "--dir", t.TempDir(), backup, "--erasures", backup + ".none"}, streams{out: &out, err: &errs})
	if code != 2 || !strings.Contains(errs.String(), "--erasures") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
