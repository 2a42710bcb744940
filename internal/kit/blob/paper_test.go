package blob_test

import (
	"errors"
	"testing"

	"onegrid/internal/kit/blob"
)

const paperEnd = "\nstartxref\n9\n%%EOF\n"

// A paper is judged by its bytes, whatever it calls itself; names written in
// another way are still these names, and longer ones are not.
func TestPapers(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"a paper":                 {"%PDF-1.7\n1 0 obj <</Type /Catalog /JSON true>> endobj" + paperEnd, nil},
		"with trailing bytes":     {"%PDF-1.4\n" + paperEnd + "\r\n\r\n", nil},
		"cut off":                 {"%PDF-1.7\n1 0 obj <</Type /Catalog>>", blob.ErrNotPaper},
		"without its table":       {"%PDF-1.7\n%%EOF", blob.ErrNotPaper},
		"a page that names one":   {"<html>%PDF-1.7" + paperEnd, blob.ErrNotPaper},
		"locked":                  {"%PDF-1.7\ntrailer <</Encrypt 5 0 R>>" + paperEnd, blob.ErrPaperLocked},
		"with a script":           {"%PDF-1.7\n<</S /JavaScript /JS (app.alert)>>" + paperEnd, blob.ErrPaperRuns},
		"with a script in hiding": {"%PDF-1.7\n<</S /J#61vaScript>>" + paperEnd, blob.ErrPaperRuns},
		"that starts a program":   {"%PDF-1.7\n<</S/Launch/F(x.exe)>>" + paperEnd, blob.ErrPaperRuns},
		"with a file inside":      {"%PDF-1.7\n<</Type/EmbeddedFile>>" + paperEnd, blob.ErrPaperRuns},
		"nothing":                 {"", blob.ErrNotPaper},
	} {
		if err := blob.CheckPaper([]byte(c.raw)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCheckPaper: no bytes make the judge fall.
func FuzzCheckPaper(f *testing.F) {
	f.Add([]byte("%PDF-1.7\n<</S /J#61vaScript>>" + paperEnd))
	f.Add([]byte("%PDF-/#"))
	f.Fuzz(func(_ *testing.T, raw []byte) { _ = blob.CheckPaper(raw) })
}
