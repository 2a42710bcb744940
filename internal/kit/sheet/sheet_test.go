package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"onegrid/internal/kit/sheet"
)

// written is a workbook of these rows below a header.
func written(t tester, columns []string, rows [][]sheet.Cell) []byte {
	t.Helper()
	var b bytes.Buffer
	out, err := sheet.NewOut(sheet.XLSX, &b, "表", columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := out.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, raw []byte) *sheet.Reader {
	t.Helper()
	r, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func refused(t *testing.T, want error, raw []byte, l sheet.Limits) {
	t.Helper()
	r, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), l)
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

var columns = []string{"code", "amount", "day", "moment", "works", "note"}

// madeUp is row n of a table with every kind in it.
func madeUp(n int) []sheet.Cell {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 37 * time.Minute).Add(time.Duration(n%1000) * time.Millisecond)
	note := []string{"=1+1", "+86 531", "-", "@sum", "007", "1e5", "2026-11-27", "  两头空  ", "第一行\n第二行", "<b>&\"'", "_x0041_", ""}[n%12]
	return []sheet.Cell{sheet.T(fmt.Sprintf("%012d", n)), sheet.N(float64(n)*1.1 - 7), sheet.D(at), sheet.M(at), sheet.B(n%3 == 0), sheet.T(note)}
}

// same reads a workbook back and compares each cell in kind and value.
func same(t tester, r *sheet.Reader, rows int, row func(int) []sheet.Cell) (cells int) {
	t.Helper()
	if _, _, err := r.Next(); err != nil { // the header
		t.Fatal(err)
	}
	for n := range rows {
		got, number, err := r.Next()
		if err != nil {
			t.Fatalf("row %d: %v", n, err)
		}
		want := row(n)
		for i, w := range want {
			g := sheet.Cell{}
			if i < len(got) {
				g = got[i]
			}
			if !g.Equal(w) {
				t.Fatalf("row %d column %s: got %d %q, wrote %d %q", n, columns[i], g.Kind, g, w.Kind, w)
			}
			cells++
		}
		if number != int64(n)+2 {
			t.Fatalf("row %d stands in line %d", n, number)
		}
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last row: %v", err)
	}
	return cells
}

// Show 9: 100,000 rows in and out with kinds and values equal (a sample of them
// without ONEGRID_PROOF), within a bounded memory; the same workbook read by the
// library that others use shows the same text; a file of formulas and a bomb are
// refused.
func TestRowsInAndOut(t *testing.T) {
	n := 2000
	if os.Getenv("ONEGRID_PROOF") != "" {
		n = 100_000
	}
	began := time.Now()
	name := filepath.Join(t.TempDir(), "big.xlsx")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := sheet.NewOut(sheet.XLSX, f, "大表", columns)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := out.Write(madeUp(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	wrote := time.Since(began)
	began = time.Now()
	r, err := sheet.Open(name, sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cells := same(t, r, n, madeUp)
	t.Logf("%d rows, %d cells of 5 kinds: written in %v (%d KiB), read back in %v, kinds and values equal", n, cells, wrote.Round(time.Millisecond), info.Size()>>10, time.Since(began).Round(time.Millisecond))

	book, err := excelize.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for _, row := range []int{2, n/2 + 2, n + 1} {
		want := madeUp(row - 2)
		for i := range 6 {
			ref, _ := excelize.CoordinatesToCellName(i+1, row)
			got, err := book.GetCellValue("大表", ref)
			formula, ferr := book.GetCellFormula("大表", ref)
			if err != nil || ferr != nil || formula != "" {
				t.Fatalf("%s: %q, formula %q, %v %v", ref, got, formula, err, ferr)
			}
			if i == 0 || i == 5 && want[5].Text != "" {
				if got != want[i].Text {
					t.Fatalf("%s shows %q, want %q", ref, got, want[i].Text)
				}
			}
			if i == 2 && got != want[2].String() {
				t.Fatalf("%s shows %q, want %s", ref, got, want[2])
			}
		}
	}
}

// Whatever text, number, day or moment: it comes back as it was.
func TestAnyCellComesBack(t *testing.T) {
	text := rapid.StringOf(rapid.RuneFrom([]rune("=+-@'\"<>&_x0041;0.1 \n\t网格é😀")))
	day := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()).Draw(t, "ms")).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		row := []sheet.Cell{
			sheet.T(text.Draw(t, "text")), sheet.N(rapid.Float64Range(-1e15, 1e15).Draw(t, "number")), sheet.I(rapid.Int64().Draw(t, "whole")),
			sheet.D(day.Draw(t, "day")), sheet.M(day.Draw(t, "moment")), sheet.B(rapid.Bool().Draw(t, "bool")),
		}
		raw := written(t, columns, [][]sheet.Cell{row})
		r, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), sheet.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, r, 1, func(int) []sheet.Cell { return row })
	})
}

// tester is what the helpers need; a rapid test is one too.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// book is a workbook by hand, with what stands in its sheetData.
func book(rows string, more map[string]string) []byte {
	parts := map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"xl/workbook.xml":            `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + rows + `</sheetData><x:f>not in the rows</x:f></worksheet>`,
	}
	for k, v := range more {
		parts[k] = v
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		w, _ := z.Create(name)
		_, _ = io.WriteString(w, content)
	}
	_ = z.Close()
	return b.Bytes()
}

const head = `<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>`

// A formula anywhere in the rows refuses the whole file before its first row,
// however it is written; text that only looks like one is text.
func TestFormulasAreRefused(t *testing.T) {
	for name, cell := range map[string]string{
		"a formula":                `<c r="B7"><f>1+1</f><v>2</v></c>`,
		"a formula with a value":   `<c r="B7" t="str"><f t="shared" si="0">HYPERLINK("http://evil")</f><v>click</v></c>`,
		"an empty shared one":      `<c r="B7"><f t="shared" si="0"/></c>`,
		"in another name space":    `<x:c r="B7"><x:f>cmd|'/c calc'!A0</x:f></x:c>`,
		"with blanks in the tag":   "<c r=\"B7\"><f\n>1</f></c>",
		"after ten thousand cells": strings.Repeat(`<c r="A2"><v>1</v></c>`, 10_000) + `<c r="B7"><f>1</f></c>`,
	} {
		t.Run(name, func(t *testing.T) {
			raw := book(head+`<row r="2">`+cell+`</row>`, nil)
			_, err := sheet.NewReader(bytes.NewReader(raw), int64(len(raw)), sheet.Limits{})
			if !errors.Is(err, sheet.ErrFormula) || !strings.Contains(err.Error(), "B7") {
				t.Fatalf("got %v", err)
			}
		})
	}
	r := open(t, book(head+`<row r="2"><c r="A2" t="inlineStr"><is><t>=cmd|'/c calc'!A0</t></is></c></row>`, nil))
	same(t, r, 1, func(int) []sheet.Cell { return []sheet.Cell{sheet.T("=cmd|'/c calc'!A0")} })

	// Made by the library that spreadsheet programs agree with.
	f := excelize.NewFile()
	defer f.Close()
	if err := errors.Join(f.SetCellValue("Sheet1", "A1", "name"), f.SetCellFormula("Sheet1", "A2", "=1+1")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	refused(t, sheet.ErrFormula, b.Bytes(), sheet.Limits{})
}

// Macros, links to other files and embedded files refuse the file.
func TestActiveContentIsRefused(t *testing.T) {
	for _, part := range []string{"xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/embeddings/oleObject1.bin", "xl/connections.xml", "XL/VBAPROJECT.BIN"} {
		refused(t, sheet.ErrActive, book(head, map[string]string{part: "x"}), sheet.Limits{})
	}
}

// Bombs cost no more than the limits and are refused: too large when unpacked,
// packed too tightly, too many parts, and one that lies about its size.
func TestBombsAreRefused(t *testing.T) {
	blanks := strings.Repeat(" ", 64<<20)
	bomb := book(head+blanks, nil)
	t.Logf("a bomb of %d KiB unpacks to %d MiB", len(bomb)>>10, len(blanks)>>20)
	refused(t, sheet.ErrBomb, bomb, sheet.Limits{})
	refused(t, sheet.ErrBomb, book(head, map[string]string{"xl/sharedStrings.xml": blanks}), sheet.Limits{})
	refused(t, sheet.ErrBomb, book(head, map[string]string{"xl/media/unread.bin": blanks}), sheet.Limits{})
	refused(t, sheet.ErrBomb, book(head+blanks, nil), sheet.Limits{MaxRatio: 100_000, MaxUnpacked: 8 << 20})
	many := map[string]string{}
	for n := range 1001 {
		many[fmt.Sprintf("xl/media/%d", n)] = ""
	}
	refused(t, sheet.ErrBomb, book(head, many), sheet.Limits{})
	refused(t, sheet.ErrTooLarge, bomb, sheet.Limits{MaxFile: 1000})
	refused(t, sheet.ErrTooLarge, book(head+`<row r="2"><c r="A2" t="inlineStr"><is><t>`+strings.Repeat("x", 5<<20)+`</t></is></c></row>`, nil), sheet.Limits{MaxRatio: 100_000})

	// A header that says "ten bytes" before 64 MiB.
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		w, _ := z.Create(name)
		_, _ = io.WriteString(w, content)
	}
	var packed bytes.Buffer
	inner := zip.NewWriter(&packed)
	w, _ := inner.Create("x")
	body := "<worksheet><sheetData>" + blanks
	_, _ = io.WriteString(w, body)
	_ = inner.Close()
	in, _ := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	raw, _ := in.File[0].OpenRaw()
	compressed, _ := io.ReadAll(raw)
	liar, err := z.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(body)),
		CompressedSize64: uint64(len(compressed)), UncompressedSize64: 10})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = liar.Write(compressed)
	_ = z.Close()
	refused(t, sheet.ErrBroken, b.Bytes(), sheet.Limits{}) // ends with the eleventh byte
}

// What is no workbook, or a broken one, is said to be so.
func TestBadWorkbooks(t *testing.T) {
	refused(t, sheet.ErrNotXLSX, []byte("kind,code\n"), sheet.Limits{})
	refused(t, sheet.ErrNotXLSX, book(head, map[string]string{"xl/workbook.xml": "<workbook/>"}), sheet.Limits{})
	refused(t, sheet.ErrNotXLSX, book(head, map[string]string{"xl/_rels/workbook.xml.rels": "<Relationships/>"}), sheet.Limits{})
	for name, rows := range map[string]string{
		"rows out of order":     `<row r="2"/><row r="2"><c r="A2"><v>1</v></c></row><row r="1"/>`,
		"columns out of order":  `<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`,
		"a text nobody shared":  `<row r="1"><c r="A1" t="s"><v>4</v></c></row>`,
		"a number that is none": `<row r="1"><c r="A1"><v>many</v></c></row>`,
		"an end in the middle":  `<row r="1"><c r="A1"><v>1`,
	} {
		t.Run(name, func(t *testing.T) { refused(t, sheet.ErrBroken, book(rows, nil), sheet.Limits{}) })
	}
	refused(t, sheet.ErrColumns, book(`<row r="1"><c r="ZZ1"><v>1</v></c></row>`, nil), sheet.Limits{})
	refused(t, sheet.ErrTooMany, book(head+`<row r="2"><c r="A2"><v>1</v></c></row>`, nil), sheet.Limits{MaxRows: 1})
}

// Dates of other programs: formats of the norm, Chinese ones, the calendar from
// 1904, and lengths of time, which are numbers.
func TestForeignDates(t *testing.T) {
	styles := `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/><numFmt numFmtId="165" formatCode="[h]:mm"/>
		<numFmt numFmtId="166" formatCode="&quot;day&quot; 0"/><numFmt numFmtId="167" formatCode="[Red]General"/></numFmts>
		<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
		<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/><xf numFmtId="57"/></cellXfs></styleSheet>`
	row := `<row r="1"><c r="A1" s="0"><v>46353</v></c><c r="B1" s="1"><v>46353</v></c><c r="C1" s="2"><v>46353.375</v></c><c r="D1" s="3"><v>46353</v></c>` +
		`<c r="E1" s="4"><v>1.5</v></c><c r="F1" s="5"><v>3</v></c><c r="G1" s="6"><v>4</v></c><c r="H1" s="7"><v>46353</v></c><c r="I1" t="d"><v>2026-11-27T09:00:00</v></c></row>`
	got, _, err := open(t, book(row, map[string]string{"xl/styles.xml": styles})).Next()
	if err != nil {
		t.Fatal(err)
	}
	day, nine := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for i, want := range []sheet.Cell{sheet.N(46353), sheet.D(day), sheet.M(nine), sheet.D(day), sheet.N(1.5), sheet.N(3), sheet.N(4), sheet.D(day), sheet.M(nine)} {
		if !got[i].Equal(want) {
			t.Errorf("column %d: %d %s, want %d %s", i, got[i].Kind, got[i], want.Kind, want)
		}
	}
	old := strings.Replace(`<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet r:id="rId1"/></sheets></workbook>`, "'", `"`, -1)
	got, _, err = open(t, book(row, map[string]string{"xl/styles.xml": styles, "xl/workbook.xml": old})).Next()
	if err != nil || !got[1].Equal(sheet.D(day.AddDate(4, 0, 1))) {
		t.Fatalf("1904: %v %v", got, err)
	}
}

// CSV keeps a formula from beginning; JSON keeps kinds; both say the same as the
// workbook to whoever imports them.
func TestOtherFormats(t *testing.T) {
	row := []sheet.Cell{sheet.T("=1+1"), sheet.N(-3.5), sheet.D(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)), {}, sheet.B(true), sheet.T("-12")}
	for format, want := range map[sheet.Format]string{
		sheet.CSV:  "\ufeffcode,amount,day,moment,works,note\n'=1+1,-3.5,2026-11-27,,true,-12\n",
		sheet.JSON: "[\n{\"code\":\"=1+1\",\"amount\":-3.5,\"day\":\"2026-11-27\",\"works\":true,\"note\":\"-12\"}\n]\n",
	} {
		var b bytes.Buffer
		out, err := sheet.NewOut(format, &b, "x", columns)
		if err == nil {
			err = errors.Join(out.Write(row), out.Close())
		}
		if err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s", format, err, b.String())
		}
	}
	if _, err := sheet.NewOut("ods", io.Discard, "x", columns); !errors.Is(err, sheet.ErrFormat) {
		t.Errorf("ods: %v", err)
	}
	for s, want := range map[string]bool{"": false, "=1": true, "@x": true, "+1": false, "-1.5": false, "-x": true, "+86 531": true, "\tx": true, "网格": false, "1=1": false} {
		if sheet.LooksLikeFormula(s) != want {
			t.Errorf("%q looks like a formula: %v", s, !want)
		}
	}
	// A cell that no spreadsheet can hold is cut visibly; numbers beyond 15 digits
	// and what is no number stay text.
	long := strings.Repeat("长", 40_000)
	got, _, err := func() ([]sheet.Cell, int64, error) {
		r := open(t, written(t, columns, [][]sheet.Cell{{sheet.T(long), sheet.I(math.MaxInt64), sheet.N(math.Inf(1)), sheet.D(time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC))}}))
		_, _, _ = r.Next()
		return r.Next()
	}()
	if err != nil || !strings.HasSuffix(got[0].Text, "长…") || got[1].Text != "9223372036854775807" || got[2].Kind != sheet.Text || got[3].Text != "1850-01-01" {
		t.Fatalf("%v %d runes, %v", err, len([]rune(got[0].Text)), got[1:])
	}
}

// A workbook is a table like any other: rows by column, short rows filled up,
// too long ones refused by themselves, columns named once.
func TestATableOfCells(t *testing.T) {
	raw := written(t, []string{"code", "name"}, [][]sheet.Cell{{sheet.T("001"), sheet.T("一")}, {sheet.T("002")}, {}, {sheet.T("003"), sheet.T("三"), sheet.T("多")}})
	r, err := open(t, raw).Table()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		got = append(got, fmt.Sprintf("%d %d %s %q %v", row.Number, row.Line, row.Get("code"), row.Get("name"), err != nil))
	}
	if want := `[1 2 001 "一" false 2 3 002 "" false 3 5 003 "三" true]`; fmt.Sprint(got) != want {
		t.Fatalf("got  %v\nwant %s", got, want)
	}
	if _, err := open(t, written(t, []string{"code", "code"}, nil)).Table(); err == nil {
		t.Fatal("two columns of one name")
	}
}
