package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/id"
)

// EraseKind is the act of erasing a body; its subject is the entry whose body
// went.
const EraseKind = "journal.erase"

// erasure is one line of the list.
type erasure struct {
	Entry id.ID     `json:"entry"`
	At    time.Time `json:"at"`
	Why   string    `json:"why"` // the legal ground; never the content, nobody's name
}

// Erasures is the list of what was erased (删除清单). It is kept outside the
// database and its backups, so that a restored backup can lose it again.
type Erasures struct {
	file string
	mu   sync.Mutex
}

// OpenErasures takes up a list, DIR/erasures.jsonl.
func OpenErasures(file string) *Erasures { return &Erasures{file: file} }

// Erase erases the bodies of entries, their salts with them: afterwards nobody
// can read or guess them, and the journal still verifies. The list is written
// first, so that what was once to be erased stays so whatever happens in
// between. also (may be nil) lets a room erase its own copies in the same
// transaction. It says how many bodies were erased now.
func (e *Erasures) Erase(ctx context.Context, d *db.DB, by By, why string, entries []id.ID, also func(tx *db.Tx) error) (int, error) {
	now := d.Now()
	lines := make([]erasure, len(entries))
	for i, entry := range entries {
		lines[i] = erasure{entry, now, why}
	}
	if err := e.note(lines); err != nil {
		return 0, fmt.Errorf("write the erasure list: %w", err)
	}
	erased := 0
	if err := d.Write(ctx, func(tx *db.Tx) error {
		erased = 0
		for _, line := range lines {
			done, err := erase(tx, by, line, true)
			if err != nil {
				return err
			}
			if done {
				erased++
			}
		}
		if also != nil {
			return also(tx)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	return erased, d.Scrub(ctx, "journal_body")
}

// Apply erases again what the list names and a restored copy brought back. An
// entry that the copy does not have is passed over.
func (e *Erasures) Apply(ctx context.Context, d *db.DB) (int, error) {
	lines, err := e.read()
	if err != nil {
		return 0, err
	}
	total := 0
	by := By{Via: "system"}
	for len(lines) > 0 {
		n := min(len(lines), 200)
		done := 0
		if err := d.Write(ctx, func(tx *db.Tx) error {
			done = 0
			for _, line := range lines[:n] {
				did, err := erase(tx, by, line, false)
				if err != nil {
					return err
				}
				if did {
					done++
				}
			}
			return nil
		}); err != nil {
			return total, err
		}
		total += done
		lines = lines[n:]
	}
	if total == 0 {
		return 0, nil
	}
	return total, d.Scrub(ctx, "journal_body")
}

// erase erases one body and adds the entry that says so.
func erase(tx *db.Tx, by By, line erasure, must bool) (bool, error) {
	var number int64
	var subjectCase id.ID
	var sight string
	err := tx.Row(`SELECT number, case_id, sight FROM journal_entry WHERE id = $1`, line.Entry).Scan(&number, &subjectCase, &sight)
	if errors.Is(err, db.ErrNoRows) {
		if must {
			return false, ErrNoEntry.With("entry", line.Entry)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`DELETE FROM journal_body WHERE number = $1`, number)
	if err != nil || n == 0 {
		return false, err
	}
	texts, err := readSights(tx, []string{sight})
	if err != nil {
		return false, err
	}
	at, err := readSight(sightOf(texts, sight))
	if err != nil {
		return false, err
	}
	Add(tx, Entry{Kind: EraseKind, Subject: line.Entry, Case: subjectCase, By: by, Sight: at, Occurred: line.At, Facts: map[string]string{"why": line.Why}})
	return true, nil
}

func (e *Erasures) note(lines []erasure) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(e.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(e.file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var b []byte
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			b = append(b, '\n') // a crash left half a line
		}
	}
	for _, l := range lines {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		b = append(append(b, text...), '\n')
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(e.file))
}

// read gives the list. A half line, left by a crash before anything was erased
// by it, is passed over; any other unreadable line is an error, for a list that
// can't be read must not count as empty.
func (e *Erasures) read() ([]erasure, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, err := os.Open(e.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []erasure
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return all, nil
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		var l erasure
		if e := json.Unmarshal(line, &l); e != nil || l.Entry.IsZero() {
			if err == io.EOF || len(line) > 1 && line[len(line)-2] != '}' {
				continue
			}
			return nil, fmt.Errorf("erasure list, line %d: %w", n, e)
		}
		all = append(all, l)
	}
}

// Erased lists the cases with an entry of a kind whose body was erased and no
// later entry of the other kind, by which a room says that it has emptied its
// own copies too.
func Erased(tx *db.Tx, kind, emptied string) ([]id.ID, error) {
	rows, err := tx.Query(`SELECT DISTINCT e.case_id FROM journal_entry x JOIN journal_entry e ON e.id = x.subject
		WHERE x.kind = $1 AND e.kind = $2 AND NOT EXISTS
		(SELECT 1 FROM journal_entry f WHERE f.subject = e.case_id AND f.kind = $3 AND f.number > e.number)`, EraseKind, kind, emptied)
	if err != nil {
		return nil, fmt.Errorf("read erased entries: %w", err)
	}
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var one id.ID
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("read erased entries: %w", err)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
