package journal

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/disk"
)

// Checkpoint is a signed statement of what the journal was at a time (检查点).
// Whoever keeps one outside this machine can later find a deleted tail, a
// recomputed chain and a restored older copy.
type Checkpoint struct {
	Origin string    // names the journal: its key's name
	Number int64     // of the newest entry
	Hash   []byte    // of the newest seal
	At     time.Time // when it was signed
}

// text is the body of the note, after the checkpoint format of C2SP: origin,
// size, hash, and one line of our own for the time.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n%s\n", c.Origin, c.Number, base64.StdEncoding.EncodeToString(c.Hash), c.At.UTC().Format(time.RFC3339))
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 4 {
		return c, errors.New("too few lines")
	}
	c.Origin = lines[0]
	if c.Number, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Number < 1 {
		return c, fmt.Errorf("number %q", lines[1])
	}
	if c.Hash, err = base64.StdEncoding.DecodeString(lines[2]); err != nil || len(c.Hash) != 32 {
		return c, fmt.Errorf("hash %q", lines[2])
	}
	c.At, err = time.Parse(time.RFC3339, lines[3])
	return c, err
}

// Key signs checkpoints. It lies outside the database, so that whoever can
// write the database can't sign for it.
type Key struct {
	signer note.Signer
}

// LoadKey reads the signing key, or makes it where there is none yet. Beside it
// stands the public half, FILE.pub, for auditors.
func LoadKey(file string, random io.Reader) (*Key, error) {
	secret, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(file + ".pub"); err == nil {
			return nil, ErrKey.Because(errors.New("the public half is there, the key is missing"))
		}
		return makeKey(file, random)
	}
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	return &Key{signer}, nil
}

func makeKey(file string, random io.Reader) (*Key, error) {
	name := make([]byte, 4)
	if _, err := io.ReadFull(random, name); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	secret, public, err := note.GenerateKey(random, "onegrid-journal-"+hex.EncodeToString(name))
	if err != nil {
		return nil, fmt.Errorf("make the journal's key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	if err := disk.Write(file, []byte(secret+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := disk.Write(file+".pub", []byte(public+"\n"), 0o644); err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	return &Key{signer}, err
}

// ReadVerifier reads the public half of a key.
func ReadVerifier(file string) (note.Verifier, error) {
	public, err := os.ReadFile(file)
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(public)))
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	return v, nil
}

// ReadCheckpoints reads one or many signed notes, as Take writes them one after
// the other, and checks every signature.
func ReadCheckpoints(notes []byte, v note.Verifier) ([]Checkpoint, error) {
	var all []Checkpoint
	for len(bytes.TrimSpace(notes)) > 0 {
		end := noteEnd(notes)
		if end < 0 {
			return nil, ErrCheckpoint.Because(errors.New("a note ends early"))
		}
		n, err := note.Open(notes[:end], note.VerifierList(v))
		if err != nil {
			return nil, ErrCheckpoint.Because(err)
		}
		c, err := parseCheckpoint(n.Text)
		if err != nil || c.Origin != v.Name() {
			return nil, ErrCheckpoint.Because(fmt.Errorf("of %q: %w", c.Origin, err))
		}
		all = append(all, c)
		notes = bytes.TrimLeft(notes[end:], "\n")
	}
	return all, nil
}

// noteEnd is where the first note ends: after its last signature line.
func noteEnd(notes []byte) int {
	at := bytes.Index(notes, []byte("\n\n— "))
	if at < 0 {
		return -1
	}
	for at += 2; bytes.HasPrefix(notes[at:], []byte("— ")); {
		line := bytes.IndexByte(notes[at:], '\n')
		if line < 0 {
			return -1
		}
		at += line + 1
	}
	return at
}

// Checkpoints writes signed checkpoints to a folder that auditors and peers
// copy: one file a month, and latest.txt.
type Checkpoints struct {
	dir  string
	key  *Key
	last Checkpoint
	file string // of the month that was looked after
}

// OpenCheckpoints takes up a folder of checkpoints.
func OpenCheckpoints(dir string, key *Key) (*Checkpoints, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	c := &Checkpoints{dir: dir, key: key}
	latest, err := os.ReadFile(filepath.Join(dir, "latest.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	n, err := note.Open(latest, nil)
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) { // by a key before this one: its number still counts
		n, err = unverified.Note, nil
	}
	if err != nil {
		return nil, ErrCheckpoint.Because(err)
	}
	if c.last, err = parseCheckpoint(n.Text); err != nil {
		return nil, ErrCheckpoint.Because(err)
	}
	return c, nil
}

// Latest is the newest checkpoint that was taken; zero when there is none.
func (c *Checkpoints) Latest() Checkpoint { return c.last }

// Take signs what the journal is now, unless nothing was added since the last
// time. A journal that is behind its own checkpoint (journal.behind) was
// replaced by an older copy or cut; nothing is signed then.
func (c *Checkpoints) Take(ctx context.Context, d *db.DB) (Checkpoint, error) {
	now := Checkpoint{Origin: c.key.signer.Name(), At: d.Now()}
	if err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT number, hash FROM journal_head WHERE one = 1`).Scan(&now.Number, &now.Hash)
	}); err != nil {
		return now, fmt.Errorf("read the journal's head: %w", err)
	}
	switch {
	case now.Number < c.last.Number, now.Number == c.last.Number && !bytes.Equal(now.Hash, c.last.Hash):
		return now, ErrBehind.With("number", now.Number, "signed", c.last.Number)
	case now.Number == c.last.Number:
		return c.last, nil
	}
	signed, err := note.Sign(&note.Note{Text: now.text()}, c.key.signer)
	if err != nil {
		return now, fmt.Errorf("sign a checkpoint: %w", err)
	}
	if err := c.append(now.At, signed); err != nil {
		return now, fmt.Errorf("keep a checkpoint: %w", err)
	}
	if err := disk.Write(filepath.Join(c.dir, "latest.txt"), signed, 0o644); err != nil {
		return now, fmt.Errorf("keep a checkpoint: %w", err)
	}
	c.last = now
	return now, nil
}

func (c *Checkpoints) append(at time.Time, signed []byte) error {
	file := filepath.Join(c.dir, "journal-"+at.UTC().Format("2006-01")+".txt")
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.file != file { // a crash may have left half a note at the end
		old, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		whole := 0
		for {
			end := noteEnd(old[whole:])
			if end < 0 {
				break
			}
			whole += end
			for whole < len(old) && old[whole] == '\n' {
				whole++
			}
		}
		if err := f.Truncate(int64(whole)); err != nil {
			return err
		}
		c.file = file
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if _, err := f.Write(append(signed, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

// Run takes a checkpoint every so often, and a last one when ctx ends.
func (c *Checkpoints) Run(ctx context.Context, d *db.DB, every time.Duration, log *slog.Logger) {
	take := func(ctx context.Context) {
		if _, err := c.Take(ctx, d); err != nil && !errors.Is(err, context.Canceled) {
			log.Error("no checkpoint of the journal", "error", err)
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			take(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			take(last)
			return
		}
	}
}
