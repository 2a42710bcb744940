package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/sheet"
)

// small are limits that a machine's chance reaches in a moment.
var small = sheet.Limits{MaxFile: 1 << 20, MaxUnpacked: 4 << 20, MaxRows: 5000, MaxRow: 64 << 10, MaxText: 256 << 10, MaxParts: 50}

// drained reads to the end: it comes, or a fault of the file does, and rows are
// numbered upwards.
func drained(t *testing.T, raw []byte) (rows [][]sheet.Cell) {
	t.Helper()
	r, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), small)
	if err != nil {
		if fault.Of(err).Kind == fault.Internal {
			t.Fatal(err)
		}
		return nil
	}
	defer r.Close()
	for last := int64(0); ; {
		cells, line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return rows
		}
		if line <= last || len(cells) > 200 {
			t.Fatalf("row %d after %d with %d cells", line, last, len(cells))
		}
		last = line
		for _, c := range cells {
			_ = c.String()
		}
		rows = append(rows, cells)
	}
}

// Whatever bytes are called a workbook, reading ends with a fault of the file.
func FuzzFile(f *testing.F) {
	f.Add(written(f, columns, [][]sheet.Cell{madeUp(1), madeUp(2)}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, raw []byte) { drained(t, raw) })
}

// The same of what stands inside a whole archive, where chance alone never gets.
func FuzzParts(f *testing.F) {
	f.Add(`<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>b</t></is></c></row><row><c s="1"><v>45000.5</v></c><c t="b"><v>1</v></c><c t="d"><v>2026-11-27</v></c></row></sheetData>`,
		`<sst><si><t>code</t></si><si><r><t>_x0041_</t></r><rPh><t>x</t></rPh></si></sst>`,
		`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m[$-804];@"/></numFmts><cellXfs><xf/><xf numFmtId="164"/></cellXfs></styleSheet>`, "worksheets/sheet1.xml")
	f.Add(`<sheetData><row r="1048576"><c r="XFD1"><v>NaN</v></c></row></sheetData>`, ``, ``, "../../xl/worksheets/sheet1.xml")
	f.Add(`<sheetData><row><c><f>1+1</f></c></row></sheetData>`, `<sst><si>`, `<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>`, "worksheets/sheet1.xml")
	f.Add(`<sheetData><row><c s="0"><v>1e308</v></c><c s="0"><v>-0.5</v></c></row></sheetData>`, ``, `<styleSheet><cellXfs><xf numFmtId="22"/></cellXfs></styleSheet>`, "worksheets/sheet1.xml")
	f.Fuzz(func(t *testing.T, rows, shared, styles, target string) {
		if len(rows)+len(shared)+len(styles) > 1<<20 {
			return
		}
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, text := range map[string]string{
			"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet r:id="r1"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="` + strings.Map(inAttribute, target) + `"/></Relationships>`,
			"xl/worksheets/sheet1.xml":   `<worksheet>` + rows + `</worksheet>`,
			"xl/sharedStrings.xml":       shared, "xl/styles.xml": styles,
		} {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(w, text) // into memory
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		drained(t, b.Bytes())
	})
}

func inAttribute(r rune) rune {
	if strings.ContainsRune(`<>&"`, r) {
		return -1
	}
	return r
}

// No text that anybody typed becomes a formula in what is exported, and a
// workbook gives it back as it was.
func FuzzExport(f *testing.F) {
	for _, s := range []string{"=HYPERLINK(\"http://x\")", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "＝1", "'=1", "_x003d_1", "a\r\nb", "\"", "\xff", "\u202e=1", "\x01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		out, err := sheet.NewOut(sheet.CSV, &b, "t", []string{"a"})
		if err == nil {
			err = errors.Join(out.Write([]sheet.Cell{sheet.T(text)}), out.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("%q is no CSV: %v", b.String(), err)
		}
		// Spreadsheets leave blanks at the front out of account.
		if len(rows) == 2 {
			cell := strings.TrimLeft(rows[1][0], " \t\r\n\u00a0\u3000")
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsAny(string([]rune(cell)[:1]), "=+-@＝＋－＠") {
				t.Fatalf("%q begins a formula in CSV: %q", text, rows[1][0])
			}
		}
		if !utf8.ValidString(text) || len(text) > 30_000 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\ufffe' || r == '\uffff' }) {
			return // no text of XML
		}
		book := written(t, []string{"a"}, [][]sheet.Cell{{sheet.T(text)}})
		got := drained(t, book)
		if text == "" {
			return
		}
		if len(got) != 2 || got[1][0].Text != text || got[1][0].Kind != sheet.Text {
			t.Fatalf("%q came back as %v", text, got)
		}
	})
}
