package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/archive"
	"onegrid/internal/kit/backup"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

// backupCmd is `onegrid backup`.
type backupCmd struct {
	File     string `arg:"" help:"File to write; one that is there already is not overwritten."`
	WithKeys bool   `help:"Put the keys in too. Whoever has the file can then read resident data."`
	Daily    int    `name:"keep-daily" placeholder:"N" help:"Then keep, of the backups (*.onegrid) in the same folder, the newest of each of the last N days …"`
	Weekly   int    `name:"keep-weekly" placeholder:"N" help:"… and of each of the last N weeks …"`
	Monthly  int    `name:"keep-monthly" placeholder:"N" help:"… and of each of the last N months, and remove the others."`
	JSON     bool   `name:"json" help:"The result as one JSON object."`
}

// Help is shown under the command's flags.
func (backupCmd) Help() string {
	return `Writes the database as it is at one moment and all stored files into one file,
while the server runs. The file ends with a list of digests; restore refuses a
file that ends early or was changed.

Without --with-keys the keys (DIR/keys) are left out: encrypted fields of the
backup can't be read without them, so keep a copy of the keys elsewhere. Never in
a backup: DIR/erasures.jsonl, the list of what was erased, and DIR/checkpoints.
Copy both elsewhere too; restore needs the list.

Photos and papers come from where the settings say: the folder DIR/files or a
bucket (s3-endpoint). Each is compared with its name; a damaged one is left out
and named, and the exit code is 1 although the backup is written.

Where a backup came from does not bind it: it is restored on SQLite or
PostgreSQL, into a folder or a bucket, as the settings of the restore say.

Exit codes: 0 written, 1 failed, or written without damaged files.

Examples:
  onegrid backup --dir /var/lib/onegrid /mnt/backup/2026-05-01.onegrid
  onegrid backup /mnt/safe/all.onegrid --with-keys
  onegrid backup /mnt/backup/$(date +%F).onegrid --keep-daily 7 --keep-weekly 5 --keep-monthly 12`
}

func (c *backupCmd) Run(ctx context.Context, set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{DSN: config.DSN(), Exists: true, Log: newLog(config, s), Writers: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	files, err := app.OpenFiles(ctx, config, blob.Options{Beside: true})
	if err != nil {
		return err
	}
	defer files.Close()
	m, err := backup.Write(ctx, c.File, d, files, config.Dir, c.WithKeys, partsOf(s, "backup"))
	if err != nil && !errors.Is(err, backup.ErrDamaged) {
		return err
	}
	// Only a backup that is there makes older ones needless.
	zone, e := time.LoadLocation(config.TimeZone)
	if e != nil {
		return errors.Join(err, e)
	}
	removed, e := backup.Prune(filepath.Dir(c.File), backup.Keep{Daily: c.Daily, Weekly: c.Weekly, Monthly: c.Monthly}, zone)
	err = errors.Join(err, e)
	for _, name := range removed {
		fmt.Fprintf(s.err, words.Text{Chinese: "已删除旧备份 %s\n", English: "removed the old backup %s\n"}.In(languageOf(os.Getenv)), name)
	}
	return errors.Join(tell(s, c.JSON, m, words.Text{
		Chinese: "已写入 %s：%d 个文件，共 %d 字节\n",
		English: "wrote %s: %d parts, %d bytes\n",
	}, c.File, len(m.Parts), m.Bytes()), err)
}

// restoreCmd is `onegrid restore`.
type restoreCmd struct {
	File     string    `arg:"" help:"Backup to read, or the folder of an archive." type:"path"`
	At       time.Time `placeholder:"TIME" help:"The moment to go back to, such as 2026-11-27T09:30:00+08:00; the newest when it is left out. Only with an archive."`
	Erasures string    `placeholder:"FILE" type:"existingfile" help:"List of what was erased since; it is added to DIR/erasures.jsonl."`
	JSON     bool      `name:"json" help:"The result as one JSON object."`
}

// Help is shown under the command's flags.
func (restoreCmd) Help() string {
	return `Reads the whole backup and checks it, then fills the data folder, the file store
and the database of the settings, whichever the backup came from: SQLite or
PostgreSQL, a folder or a bucket. It overwrites nothing: a database with data,
stored files, or keys (when the backup has some) are refused. Afterwards it

  - brings the tables up to this program,
  - makes the index of words anew when the database is of the other kind,
  - erases again what the list of erasures names, so that a restored copy does
    not bring back what had to go,
  - verifies the journal, also against the checkpoints in DIR/checkpoints that
    are not newer than the backup, and then puts those aside under
    DIR/checkpoints/before-restore-TIME.

From the folder of an archive (setting archive) the database is made as it was at
a moment (--at). Files and keys are not in it: put DIR/files, DIR/keys and
DIR/checkpoints into the new folder first.

Exit codes: 0 restored and verified, 1 failed or the journal does not verify,
2 no whole backup.

Examples:
  onegrid restore --dir /var/lib/onegrid /mnt/backup/2026-05-01.onegrid
  onegrid restore FILE --erasures /mnt/backup/erasures.jsonl
  onegrid restore --dir /srv/new /mnt/backup/archive --at 2026-11-27T09:30:00+08:00`
}

// restored is what a restore tells.
type restored struct {
	Made    time.Time      `json:"made_at"`
	Parts   int            `json:"parts"`
	Erased  int            `json:"erased_again"`
	Indexed int            `json:"indexed_again,omitempty"` // cases, when the engine is another one
	Damaged []string       `json:"damaged,omitempty"`       // files that were damaged before the backup
	Keys    bool           `json:"keys"`
	Journal journal.Report `json:"journal"`
}

func (c *restoreCmd) Run(ctx context.Context, set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return err
	}
	rooms := app.Tables()
	files, err := app.OpenFiles(ctx, config, blob.Options{})
	if err != nil {
		return err
	}
	defer files.Close()
	m, err := c.fill(ctx, config, files, rooms, s)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{DSN: config.DSN(), Exists: true, Log: newLog(config, s), Writers: 1, Ledger: journal.New()})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx, rooms); err != nil {
		return err
	}
	result := restored{Made: m.Made, Parts: len(m.Parts), Damaged: m.Damaged, Keys: m.Keys()}
	if m.Engine != d.Engine() {
		if result.Indexed, err = casework.IndexAll(ctx, d); err != nil {
			return err
		}
	}
	if result.Journal, err = verifyRestored(ctx, d, config.Dir, s); err != nil {
		return err
	}
	list := filepath.Join(config.Dir, "erasures.jsonl")
	if c.Erasures != "" {
		if err := joinErasures(c.Erasures, list); err != nil {
			return err
		}
	}
	if result.Erased, err = journal.OpenErasures(list).Apply(ctx, d); err != nil {
		return err
	}
	if err := putAside(config.Dir, d.Now()); err != nil {
		return err
	}
	if err := app.MarkRestored(config.Dir); err != nil {
		return err
	}
	if err := tell(s, c.JSON, result, words.Text{
		Chinese: "已恢复 %s 的备份：%d 个文件；按删除清单再次删除 %d 条\n",
		English: "restored the backup of %s: %d parts; %d bodies erased again by the list\n",
	}, m.Made.Format(time.RFC3339), result.Parts, result.Erased); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(config.Dir, "keys")); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(s.err, words.Text{
			Chinese: "备份不含密钥：启动前请把密钥放回数据目录的 keys 文件夹",
			English: "The backup has no keys: put them back into the folder keys of the data folder before the start",
		}.In(languageOf(os.Getenv)))
	}
	if len(m.Damaged) > 0 {
		fmt.Fprintf(s.err, words.Text{
			Chinese: "有 %d 个文件在备份前已损坏，无法恢复，第一个是 %s\n",
			English: "%d stored files were damaged before the backup and are missing, the first: %s\n",
		}.In(languageOf(os.Getenv)), len(m.Damaged), m.Damaged[0])
	}
	if !result.Journal.OK() {
		if !c.JSON {
			if err := printReport(s.out, result.Journal); err != nil {
				return err
			}
		}
		return journal.ErrDamaged.With("problems", int64(len(result.Journal.Problems))+result.Journal.More)
	}
	return nil
}

// fill makes the database, and from a backup the files and keys too.
func (c *restoreCmd) fill(ctx context.Context, config app.Config, files *blob.Store, rooms []db.Room, s streams) (backup.Manifest, error) {
	info, err := os.Stat(c.File)
	if err != nil {
		return backup.Manifest{}, err
	}
	if !info.IsDir() {
		if !c.At.IsZero() {
			return backup.Manifest{}, backup.ErrOneMoment
		}
		return backup.Restore(ctx, c.File, config.DSN(), files, config.Dir, rooms, partsOf(s, "restore"))
	}
	path, lite := strings.CutPrefix(config.DSN(), "sqlite:")
	if !lite {
		return backup.Manifest{}, archive.ErrSQLiteOnly
	}
	made := c.At
	if made.IsZero() {
		if _, made, err = archive.Bounds(ctx, c.File); err != nil {
			return backup.Manifest{}, err
		}
	}
	return backup.Manifest{Made: made, Engine: db.SQLite}, archive.Restore(ctx, c.File, path, c.At)
}

// verifyRestored verifies what came back, against the checkpoints of the folder
// that the backup can know of.
func verifyRestored(ctx context.Context, d *db.DB, dir string, s streams) (journal.Report, error) {
	var against []journal.Checkpoint
	files, err := filepath.Glob(filepath.Join(dir, "checkpoints", "journal-*.txt"))
	if err != nil {
		return journal.Report{}, err
	}
	if len(files) > 0 {
		verifier, err := journal.ReadVerifier(journalKey(dir) + ".pub")
		if err != nil {
			return journal.Report{}, err
		}
		all, err := readCheckpoints(files, verifier)
		if err != nil {
			return journal.Report{}, err
		}
		var head int64
		if err := d.Read(ctx, func(tx *db.Tx) (err error) { head, err = journal.Head(tx); return err }); err != nil {
			return journal.Report{}, err
		}
		for _, c := range all {
			if c.Number <= head {
				against = append(against, c)
			}
		}
	}
	return journal.Verify(ctx, d, against, progressOf(s, "journal verify"))
}

// joinErasures adds to the folder's own list what another one names beyond it: the
// next copy that is kept elsewhere must not know less than the last one.
func joinErasures(from, own string) error {
	more, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	there, err := os.ReadFile(own)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(there)) {
		known[strings.TrimSpace(line)] = true
	}
	var missing strings.Builder
	for line := range strings.Lines(string(more)) {
		if line = strings.TrimSpace(line); line != "" && !known[line] {
			missing.WriteString(line + "\n")
		}
	}
	f, err := os.OpenFile(own, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(missing.String())
	return errors.Join(err, f.Sync(), f.Close())
}

// putAside keeps the checkpoints from before a restore without measuring the
// older journal by them.
func putAside(dir string, now time.Time) error {
	folder := filepath.Join(dir, "checkpoints")
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(files) == 0 {
		return err
	}
	aside := filepath.Join(folder, "before-restore-"+now.UTC().Format("20060102T150405Z"))
	if err := os.Mkdir(aside, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Rename(f, filepath.Join(aside, filepath.Base(f))); err != nil {
			return err
		}
	}
	return nil
}

// partsOf tells which part long work is at, on the error stream, every few
// seconds.
func partsOf(s streams, what string) func(part string) {
	n, last := 0, time.Now()
	return func(part string) {
		n++
		if now := time.Now(); now.Sub(last) >= 2*time.Second {
			last = now
			fmt.Fprintf(s.err, "%s: part %d, %s\n", what, n, part)
		}
	}
}

// tell says the outcome as JSON or as a sentence.
func tell(s streams, asJSON bool, value any, text words.Text, args ...any) error {
	if asJSON {
		return json.NewEncoder(s.out).Encode(value)
	}
	_, err := fmt.Fprintf(s.out, text.In(languageOf(os.Getenv)), args...)
	return err
}
