package pdf

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Whatever text is broken into lines, none of it is lost and none is too wide.
func FuzzLines(f *testing.F) {
	f.Add("东门外（垃圾）堆了三天。abc def", 41.0)
	f.Add("((((((((((((\u200b\u0301", 22.0)
	f.Add("\xff\n\r\t", 30.0)
	f.Fuzz(func(t *testing.T, text string, most float64) {
		if !(most >= 22 && most < 1000) || len(text) > 4000 || !utf8.ValidString(text) {
			return
		}
		lines := Lines(text, most, em)
		plain := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		if got, want := plain(strings.Join(lines, "")), plain(text); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// Whatever text is printed, it becomes a document, and nothing of it becomes an
// operator or an object of that document.
func FuzzText(f *testing.F) {
	for _, s := range []string{") Tj ET /JS (app.alert(1))", "<</S/JavaScript/JS(x)>>", "%%EOF\nendstream endobj", "\\051\\", "\x00\x1b[31m", "字\U0001f600\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 || !utf8.ValidString(text) {
			return
		}
		d, err := New(Meta{Title: text, Author: text, Made: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		d.Title(text)
		d.Fields([]Field{{Name: "字段", Value: text}})
		d.Entries([]Entry{{When: "10:00", What: text, Said: []string{text}, Small: text}})
		file, err := d.Bytes(func(int, int) (string, string) { return text, "1" })
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"/JavaScript", "/OpenAction", "/Launch", "/EmbeddedFile", "/AcroForm", "/Annots"} {
			if bytes.Contains(file, []byte(bad)) {
				t.Fatalf("%q put %s into the document", text, bad)
			}
		}
	})
}
