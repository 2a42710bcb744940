package casework

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// What is erased is gone from the rows, the search, the files, the timeline and
// the stored answers; the case itself, its counts and the journal stay whole.
func TestErasedContentIsGone(t *testing.T) {
	eachHouse(t, func(h *house) {
		runner := jobs.NewRunner(h.db, jobs.Options{})
		h.desk.Jobs(runner, h.db)
		const word = "唯一的秘密字样"
		photo := h.photo("village", "before")
		c := h.reports("village", Report{Text: word + "在门口", Reporter: &PartyIn{Name: "吴九", Phone: "13600000025"}, Files: []id.ID{photo}})
		h.does("village", c, Act{Move: "accept", Note: word})
		if !shows(h.list("village", Filter{Query: "秘密字样"}), c) {
			h.Fatal("not found before it was erased")
		}
		var file File
		h.read(func(tx *db.Tx) (err error) {
			file, err = h.desk.FileFor(tx, h.as(tx, "village"), photo)
			return err
		})
		list := journal.OpenErasures(filepath.Join(h.TempDir(), "erasures.jsonl"))
		var village *access.Actor
		h.read(func(tx *db.Tx) error { village = h.as(tx, "village"); return nil })
		if _, err := h.desk.Erase(h.ctx, h.db, list, village, c.ID, "x"); !errors.Is(err, access.ErrDenied) {
			h.Fatalf("a desk erases: %v", err)
		}
		if n, err := h.desk.Erase(h.ctx, h.db, list, h.operator(), c.ID, "本人要求"); err != nil || n == 0 {
			h.Fatalf("erased %d bodies, %v", n, err)
		}
		for {
			n, err := runner.Step(h.ctx)
			h.must(err)
			if n == 0 {
				break
			}
		}
		for _, q := range []string{
			`SELECT COUNT(*) FROM cases WHERE title LIKE $1 OR text LIKE $1 OR place LIKE $1 OR facets LIKE $1`,
			`SELECT COUNT(*) FROM http_receipt WHERE result LIKE $1`,
		} {
			h.read(func(tx *db.Tx) error {
				var n int64
				err := tx.Row(q, "%秘密%").Scan(&n)
				if n != 0 {
					h.Errorf("%s finds %d rows", q, n)
				}
				return err
			})
		}
		h.read(func(tx *db.Tx) error {
			entries, err := journal.Timeline(tx, c.ID)
			for _, e := range entries {
				if b := bodyOf(h.TB, e); strings.Contains(b.Text+b.Note+b.Title, "秘密") {
					h.Errorf("%s still says %+v", e.Kind, b)
				}
			}
			return err
		})
		if shows(h.list("village", Filter{View: "all", Query: "秘密字样"}), c) {
			h.Error("search still finds it")
		}
		p := h.page("village", c)
		if p.Reporter != nil || len(p.Files) != 0 || p.Case.Text != "" || len(p.Timeline) == 0 {
			h.Errorf("the page still shows %+v", p.Case)
		}
		for _, name := range []string{file.Blob, file.View, file.Thumb} {
			hash, err := blob.ParseHash(name)
			h.must(err)
			if there, err := h.files.Has(h.ctx, hash); err != nil || there {
				h.Errorf("the file %s is still stored", name)
			}
		}
		// It can still be worked on.
		h.does("officer", h.task(c), Act{Move: "verify", Result: Pass})
		h.does("village", h.now(c), Act{Move: "file"})
	})
}
