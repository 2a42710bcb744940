package proof_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

func run(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

// there is what an installation holds of what the clients did.
type there struct {
	acts     map[id.ID]map[string]int // of each case: reports, acceptances, comments with their words
	receipts map[id.ID]id.ID
	photos   map[id.ID]blob.Hash
	told     []int64        // what the feed must have told
	sweeps   map[string]int // what the program did by itself when a time had come
	late     int
}

// look reads an installation; it may not be running on SQLite.
func look(t *testing.T, c app.Config) *there {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{DSN: c.DSN(), Exists: true, Writers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := &there{acts: map[id.ID]map[string]int{}, receipts: map[id.ID]id.ID{}, photos: map[id.ID]blob.Hash{}, sweeps: map[string]int{}}
	if err := d.Read(t.Context(), func(tx *db.Tx) error { return out.read(t, tx) }); err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *there) read(t *testing.T, tx *db.Tx) error {
	t.Helper()
	rows, err := tx.Query(`SELECT id, subject FROM http_receipt WHERE op IN ('case.report', 'case.move', 'case.comment', 'case.file_add')`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var key, subject id.ID
		if err := rows.Scan(&key, &subject); err != nil {
			return err
		}
		h.receipts[key] = subject
	}
	if err := rows.Close(); err != nil {
		return err
	}
	rows, err = tx.Query(`SELECT id, blob FROM case_file`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var file id.ID
		var name string
		if err := rows.Scan(&file, &name); err != nil {
			return err
		}
		if h.photos[file], err = blob.ParseHash(name); err != nil {
			return err
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for head := int64(0); ; {
		part, err := journal.Since(tx, head, 1000)
		if err != nil || len(part) == 0 {
			return err
		}
		for _, e := range part {
			if e.Number != head+1 {
				t.Errorf("entry %d follows entry %d", e.Number, head)
			}
			head = e.Number
			if strings.HasPrefix(e.Kind, "case.") || strings.HasPrefix(e.Kind, "task.") {
				h.told = append(h.told, e.Number)
			}
			if err := h.note(e); err != nil {
				return err
			}
		}
	}
}

func (h *there) note(e journal.Entry) error {
	act := e.Kind
	switch e.Kind {
	case "case.report", "case.accept":
	case "case.comment":
		var body struct{ Note string }
		if _, err := e.Decode(&body); err != nil {
			return err
		}
		act += " " + body.Note
	default:
		if e.By.Via == "sweeper" {
			// The same deadline has the same body: who owned the case, which clock,
			// when it ended.
			body, _ := e.Body.(json.RawMessage)
			h.sweeps[e.Kind+" "+e.Subject.String()+" "+string(body)]++
		}
		if e.Kind == "case.late" {
			h.late++
		}
		return nil
	}
	if h.acts[e.Subject] == nil {
		h.acts[e.Subject] = map[string]int{}
	}
	h.acts[e.Subject][act]++
	return nil
}

// compare counts what of must is there, and what is there twice or is not in may.
func (h *there) compare(t *testing.T, must, may []write, photo func(blob.Hash) error) map[string]outcome {
	t.Helper()
	all := map[string]outcome{}
	for _, w := range must {
		o := all[w.during]
		o.acknowledged++
		why := ""
		switch subject, kept := h.receipts[w.key]; {
		case !kept || subject != w.subject:
			why = "its receipt says " + subject.String()
		case w.photo.IsZero() && h.acts[w.subject][w.what] == 0:
			why = "the journal does not know it"
		case !w.photo.IsZero() && h.photos[w.subject] != w.photo:
			why = "its row names " + h.photos[w.subject].String()
		case !w.photo.IsZero() && photo != nil:
			if err := photo(w.photo); err != nil {
				why = err.Error()
			}
		}
		if why == "" {
			o.found++
		} else {
			o.lost++
			t.Errorf("%s on %s, acknowledged during %q, is lost: %s", w.what, w.subject, w.during, why)
		}
		all[w.during] = o
	}
	doubled := func(during, format string, args ...any) {
		o := all[during]
		o.doubled++
		all[during] = o
		t.Errorf(format, args...)
	}
	known, keys, photos := map[id.ID]map[string]string{}, map[id.ID]bool{}, map[id.ID]bool{}
	for _, w := range may {
		keys[w.key] = true
		if !w.photo.IsZero() {
			photos[w.subject] = true
			continue
		}
		if known[w.subject] == nil {
			known[w.subject] = map[string]string{}
		}
		known[w.subject][w.what] = w.during
	}
	for subject, acts := range h.acts {
		for act, n := range acts {
			during, asked := known[subject][act]
			if !asked {
				doubled(during, "%s on %s was never acknowledged", act, subject)
			} else if n > 1 {
				doubled(during, "%s on %s stands there %d times", act, subject, n)
			}
		}
	}
	for key, subject := range h.receipts {
		if !keys[key] {
			doubled("", "the receipt %s of %s was never acknowledged", key, subject)
		}
	}
	for file := range h.photos {
		if !photos[file] {
			doubled("", "the photo %s was never acknowledged", file)
		}
	}
	for what, n := range h.sweeps {
		if n > 1 {
			doubled("", "done by itself %d times: %s", n, what)
		}
	}
	return all
}

// check stops the program and compares its folder with what the clients and the
// feed were told.
func (s *scene) check() map[string]outcome {
	t := s.t
	t.Helper()
	s.feed.reaches(t, s.load.last(t))
	s.node.stop()
	s.stop()
	if line := s.node.runs("figures", "recompute", "--check"); !strings.Contains(line, " 0 ") {
		t.Errorf("figures recompute --check says %q", line)
	}
	if line := s.node.runs("journal", "verify"); !strings.Contains(line, " 0 problems") {
		t.Errorf("journal verify says %q", line)
	}
	c, err := app.LoadConfig(filepath.Join(s.back, "data"), nil, s.node.environ[len(os.Environ()):])
	if err != nil {
		t.Fatal(err)
	}
	h := look(t, c)
	done := s.load.acknowledged()
	out := h.compare(t, done, done, s.photoIn(c))
	if got := s.feed.numbers(); !slices.Equal(got, h.told) {
		t.Errorf("the feed told %d acts of %d: %s", len(got), len(h.told), firstGap(got, h.told))
	}
	if (s.strikes["clock forward and backward"] > 0 || s.strikes["one of two nodes frozen and thawed"] > 0) && h.late == 0 {
		t.Error("no deadline passed: nothing is shown about them")
	}
	s.checkHalves(h, c)
	for _, b := range s.copies {
		s.checkCopy(b, done)
	}
	return out
}

// photoIn reads a photo of the file store, which compares it with its name.
func (s *scene) photoIn(c app.Config) func(blob.Hash) error {
	s.t.Helper()
	files, err := app.OpenFiles(s.t.Context(), c, blob.Options{Beside: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(files.Close)
	return func(h blob.Hash) error {
		f, err := files.Read(s.t.Context(), "cases", h)
		if err != nil {
			return err
		}
		return f.Close()
	}
}

// checkHalves: of a photo that never came whole there is no trace.
func (s *scene) checkHalves(h *there, c app.Config) {
	t := s.t
	t.Helper()
	for _, sum := range s.halves {
		for file, name := range h.photos {
			if name == sum {
				t.Errorf("half a photo was taken as %s", file)
			}
		}
	}
	left, err := os.ReadDir(filepath.Join(c.Dir, "files", "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s was left where files are taken in", e.Name())
	}
}

// checkCopy: in a backup is everything that was acknowledged before it was begun,
// and nothing that was never acknowledged.
func (s *scene) checkCopy(b copied, done []write) {
	t := s.t
	t.Helper()
	p := &program{t: t, binary: s.node.binary, dir: b.dir, environ: os.Environ()}
	if line := p.runs("figures", "recompute", "--check"); !strings.Contains(line, " 0 ") {
		t.Errorf("figures of the backup: %q", line)
	}
	c, err := app.LoadConfig(b.dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	look(t, c).compare(t, done[:b.must], done, s.photoIn(c))
}

func firstGap(got, want []int64) string {
	for n := range want {
		if n >= len(got) || got[n] != want[n] {
			return fmt.Sprintf("number %d of the journal is not its %dth", want[n], n+1)
		}
	}
	return "it told more"
}
