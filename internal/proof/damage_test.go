package proof_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/db"
)

// damage is one way in which a file of an installation can be hurt, and the code
// that it is refused with.
type damage struct {
	name string
	hurt func(t *testing.T, dir string)
	run  []string
	code string
}

func damages() []damage {
	serve := []string{"serve", "--set", "addr=127.0.0.1:0"}
	return []damage{
		{"the database cut in half", cut("onegrid.db", 0.5), serve, "db.broken"},
		{"the database cut within its first page", cut("onegrid.db", 0.0001), serve, "db.broken"},
		{"the database empty", cut("onegrid.db", 0), serve, "db.missing"},
		{"the database gone", gone("onegrid.db"), serve, "db.missing"},
		{"the database overwritten at its beginning", overwrite("onegrid.db", 0), serve, "db.broken"},
		{"the database's list of tables overwritten", overwrite("onegrid.db", 100), serve, "db.broken"},
		{"an older copy of the database", older, serve, "journal.behind"},
		{"the keys of fields gone", gone("keys/fields.json"), serve, "app.no_keys"},
		{"the keys of fields cut", cut("keys/fields.json", 0.5), serve, "seal."},
		{"the journal's key cut", cut("keys/journal.key", 0.5), serve, "journal.key_unreadable"},
		{"the newest checkpoint cut", cut("checkpoints/latest.txt", 0.5), serve, "journal.bad_checkpoint"},
		{"a setting that is none", put("onegrid.conf", "colour = red\n"), serve, "config.bad"},
		{"a backup cut", cutBackup(0.9), []string{"restore", "BACKUP"}, "backup.broken"},
		{"a backup cut to nothing", cutBackup(0), []string{"restore", "BACKUP"}, "backup.broken"},
		{"a byte of a backup changed", flipBackup, []string{"restore", "BACKUP"}, "backup.broken"},
		{"a stored photo changed", flipPhoto, []string{"backup", "NEW"}, "backup.files_damaged"},
	}
}

func path(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

func cut(name string, to float64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		info, err := os.Stat(path(dir, name))
		if err == nil {
			err = os.Truncate(path(dir, name), int64(float64(info.Size())*to))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func gone(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Remove(path(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func put(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.WriteFile(path(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(name string, at int64) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		f, err := os.OpenFile(path(dir, name), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt([]byte(strings.Repeat("\xa5", 64)), at)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// older puts the copy from before the last acts in place of the database.
func older(t *testing.T, dir string) {
	t.Helper()
	if err := os.Rename(path(dir, "older.db"), path(dir, "onegrid.db")); err != nil {
		t.Fatal(err)
	}
}

func cutBackup(to float64) func(*testing.T, string) { return cut("whole.onegrid", to) }

func flipBackup(t *testing.T, dir string) {
	t.Helper()
	flip(t, path(dir, "whole.onegrid"))
}

func flip(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/3] ^= 1
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func flipPhoto(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(path(dir, "files/cases/*/*/*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no photo to change: %v", err)
	}
	flip(t, found[0])
}

// Files that were cut or changed are refused with the code that says so, and
// nothing is made of them.
func TestDamagedFilesAreRefused(t *testing.T) {
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, binary, filepath.Join(t.TempDir(), "data"), "")
	s := &scene{t: t, engine: db.SQLite, node: p}
	s.bringsUp()
	if out, err := run("cp", path(p.dir, "onegrid.db"), path(p.dir, "older.db")); err != nil {
		t.Fatal(out)
	}
	// The journal grows and is signed.
	p.start()
	s.front = newFront()
	s.front.opens(p.url)
	s.load = newLoad(t, s.front, nil)
	p.stop()
	p.runs("backup", path(p.dir, "whole.onegrid"), "--with-keys")

	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if out, err := run("cp", "-r", p.dir, dir); err != nil {
				t.Fatal(out)
			}
			d.hurt(t, dir)
			args := []string{}
			for _, a := range d.run {
				switch a {
				case "BACKUP":
					a = path(dir, "whole.onegrid")
				case "NEW":
					a = path(dir, "new.onegrid")
				}
				args = append(args, a)
			}
			on := dir
			if d.run[0] == "restore" {
				on = filepath.Join(dir, "restored")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, binary, append(args, "--dir", on)...)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "LANG=C.UTF-8")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() < 1 {
				t.Errorf("it was taken: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), "("+d.code) {
				t.Errorf("it was not refused with %s:\n%s", d.code, out)
			}
			if strings.Contains(string(out), "goroutine ") {
				t.Errorf("it panicked:\n%s", out)
			}
		})
	}
	// What was not hurt is as it was.
	if line := p.runs("journal", "verify"); !strings.Contains(line, " 0 problems") {
		t.Errorf("journal verify says %q", line)
	}
}
