package casework

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

func (h *house) prints(name string, c Case, lang words.Language) ([]byte, error) {
	h.Helper()
	var file bytes.Buffer
	var write func() error
	err := h.db.Write(h.ctx, func(tx *db.Tx) error {
		by := h.as(tx, name)
		by.Language = lang
		content, err := h.desk.Print(tx, by, c.ID)
		if err == nil {
			write = func() error { return content.Write(&file) }
		}
		return err
	})
	if err == nil {
		err = write()
	}
	return file.Bytes(), err
}

// readBack is what a reader finds in a PDF, without spaces.
func readBack(t testing.TB, file []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "case.pdf")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("ONEGRID_KEEP_PDF"); keep != "" {
		_ = os.WriteFile(keep, file, 0o644) // to look at the pages
	}
	text, err := exec.Command("pdftotext", "-enc", "UTF-8", "-layout", name, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (package poppler-utils, see scripts/setup): %v", err)
	}
	return strings.Join(strings.Fields(string(text)), "")
}

// A printed case reads back as it was told, with the reporter masked; the
// journal says who printed it, and whoever may not see it prints nothing.
func TestPrint(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.done()
		far := h.reports("village", Report{Text: "门口的水管也漏"})
		h.must(h.relates("village", c, RelationIn{Kind: RelationFollowUp, Case: far.ID}))
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.Comment(tx, h.as(tx, "village"), c.ID, Comment{Text: "住户张𠮷先生家门口，看着像是夜里倒的，明天再去看一次，问问保洁和物业，把情况写进记录里，免得下次说不清。", Internal: true})
			return err
		})
		var head int64
		var hash []byte
		h.read(func(tx *db.Tx) (err error) { head, hash, err = journal.HeadHash(tx); return err })
		if head == 0 || len(hash) != 32 {
			h.Fatalf("the journal's head is %d %x", head, hash)
		}
		file, err := h.prints("village", c, words.Chinese)
		h.must(err)
		text := readBack(h.TB, file)
		for _, want := range []string{c.Number, "东门外垃圾堆了三天", "演**138****0021", "一号网格", "核实属实", "派给works", "清完了",
			"住户张〔U+20BB7〕先生家门口，看着像是夜里倒的，明天再去看一次，问问保洁和物业，把情况写进记录里，免得下次说不清。", far.Number, "第1/", "演示-village", "U+20BB7"} {
			if !strings.Contains(text, want) {
				h.Errorf("%s is not on the paper", want)
			}
		}
		if strings.Contains(text, "13800000021") || strings.Contains(text, "演示人") {
			h.Error("the reporter is printed unmasked")
		}
		if !bytes.Contains(file, []byte("/Subtype /Image")) {
			h.Error("no photo is printed")
		}
		p := h.page("village", c)
		if kinds(p)["case.print"] != 1 || p.Case.Version != h.now(c).Version {
			h.Errorf("the journal notes %d prints", kinds(p)["case.print"])
		}
		english, err := h.prints("hub", c, words.English)
		h.must(err)
		if text := readBack(h.TB, english); !strings.Contains(text, "Timeline") || !strings.Contains(text, "Page1of") || strings.Contains(text, "casework.") {
			h.Errorf("in English: %s", text)
		}
		if _, err := h.prints("officer2", c, words.Chinese); !errors.Is(err, ErrMissing) {
			h.Errorf("somebody who does not see it prints: %v", err)
		}
		if n := kinds(h.page("village", c))["case.print"]; n != 2 {
			h.Errorf("%d prints are noted, a refused one among them", n)
		}
	})
}
