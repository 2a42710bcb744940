// Package pdf lays out pages of text and pictures in Chinese and Latin letters:
// A4, one column, with its own line breaking and its own font. It is pure: what
// goes in decides what comes out, it reads no clock and no disk.
//
// Promises callers rely on:
//   - Text can be selected and searched: it is the same that went in.
//   - A character that the font lacks is never a blank or a box: its code stands
//     in its place, 〔U+20BB7〕, and Missing names it.
//   - No line begins with a closing mark nor ends with an opening one, and no
//     word of letters is broken that fits on a line.
package pdf

import (
	"bytes"
	_ "embed"
	"fmt"
	"image"
	_ "image/jpeg" // what pictures are
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/signintech/gopdf"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The font is a part of Noto Serif SC (SIL Open Font License 1.1, font/OFL.txt):
// GB 2312, Latin, and what this program's own data has beyond. scripts/font
// makes it.
//
//go:embed font/NotoSerifSC-part.ttf
var fontData []byte

const family = "serif"

// Sizes in points: A4 with margins that a hole punch leaves readable.
const (
	pageW, pageH = 595.28, 841.89
	left, right  = 62.0, 48.0
	top, bottom  = 52.0, 60.0
	column       = pageW - left - right
	lineHeight   = 1.62
)

// Meta is what the file says of itself.
type Meta struct {
	Title, Author string
	Made          time.Time
}

// Doc is a document in the making.
type Doc struct {
	pdf     *gopdf.GoPdf
	meta    Meta
	y       float64
	missing []rune
	err     error
}

var (
	faceOnce sync.Once
	face     *sfnt.Font
	errFace  error
)

// loadFace reads the font once; it is only read afterwards.
func loadFace() (*sfnt.Font, error) {
	faceOnce.Do(func() { face, errFace = sfnt.Parse(fontData) })
	return face, errFace
}

// New begins a document.
func New(m Meta) (*Doc, error) {
	if _, err := loadFace(); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	d := &Doc{pdf: &gopdf.GoPdf{}, meta: m}
	d.pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: pageW, H: pageH}})
	d.pdf.SetInfo(gopdf.PdfInfo{Title: m.Title, Author: m.Author, Creator: "OneGrid", Producer: "OneGrid", CreationDate: m.Made})
	if err := d.pdf.AddTTFFontData(family, fontData); err != nil {
		return nil, fmt.Errorf("take in the font: %w", err)
	}
	d.page()
	return d, nil
}

func (d *Doc) page() {
	d.pdf.AddPage()
	d.y = top
}

// room begins a new page unless some height is left on this one.
func (d *Doc) room(h float64) {
	if d.y+h > pageH-bottom {
		d.page()
	}
}

// keep notes the first thing that went wrong; the rest is drawn into the void.
func (d *Doc) keep(err error) {
	if d.err == nil && err != nil {
		d.err = err
	}
}

// ink is how dark text is.
type ink uint8

const (
	black ink = 24
	grey  ink = 96
)

// width is the width of a text in points.
func width(s string, size float64) float64 {
	f, err := loadFace()
	if err != nil {
		return 0
	}
	var buf sfnt.Buffer
	var sum fixed.Int26_6
	ppem := fixed.I(1000) // as the file counts: thousandths of the size
	for _, r := range s {
		g, err := f.GlyphIndex(&buf, r)
		if err != nil || g == 0 {
			continue
		}
		if a, err := f.GlyphAdvance(&buf, g, ppem, font.HintingNone); err == nil {
			sum += a
		}
	}
	return float64(sum) / 64 * size / 1000
}

// known replaces what the font lacks by its code.
func (d *Doc) known(s string) string {
	f, err := loadFace()
	if err != nil {
		return s
	}
	var buf sfnt.Buffer
	var b strings.Builder
	for _, r := range s {
		switch g, err := f.GlyphIndex(&buf, r); {
		case r == '\n':
			b.WriteRune(r)
		case r == '\t' || r == '\u00a0' || r == '\u3000' && g == 0:
			b.WriteByte(' ')
		case r < 0x20 || r == '\u200b' || r == '\ufeff' || r >= 0xfe00 && r <= 0xfe0f:
			// nothing is drawn for it anywhere
		case err != nil || g == 0:
			if !slices.Contains(d.missing, r) {
				d.missing = append(d.missing, r)
			}
			fmt.Fprintf(&b, "〔U+%04X〕", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Missing are the characters that the font lacks, in the order in which they
// came up.
func (d *Doc) Missing() []rune { return d.missing }

// draw writes one line at a place.
func (d *Doc) draw(x, y, size float64, c ink, s string) {
	d.keep(d.pdf.SetFont(family, "", size))
	d.pdf.SetTextColor(uint8(c), uint8(c), uint8(c))
	d.pdf.SetXY(x, y)
	d.keep(d.pdf.Text(s))
}

// block writes text into a column and moves on below it.
func (d *Doc) block(x, w, size float64, c ink, s string) {
	h := size * lineHeight
	for _, l := range Lines(d.known(s), w, func(s string) float64 { return width(s, size) }) {
		d.room(h)
		d.draw(x, d.y+size, size, c, l)
		d.y += h
	}
}

// Title is the head of the document.
func (d *Doc) Title(s string) { d.block(left, column, 17, black, s); d.y += 2 }

// Note is a line of small print.
func (d *Doc) Note(s string) { d.block(left, column, 9, grey, s) }

// Heading begins a part; it never stands alone at the foot of a page.
func (d *Doc) Heading(s string) {
	d.y += 10
	d.room(70)
	d.block(left, column, 12.5, black, s)
	d.rule(0.8)
	d.y += 4
}

// Text is a paragraph.
func (d *Doc) Text(s string) { d.block(left, column, 10.5, black, s); d.y += 4 }

func (d *Doc) rule(weight float64) {
	d.pdf.SetLineWidth(weight)
	d.pdf.SetStrokeColor(150, 150, 150)
	d.pdf.Line(left, d.y, left+column, d.y)
}

// Field is one line of a list of facts.
type Field struct{ Name, Value string }

// Fields is a list of facts; what has no value is left out.
func (d *Doc) Fields(fs []Field) {
	const size, names = 10.0, 92.0
	for _, f := range fs {
		if strings.TrimSpace(f.Value) == "" {
			continue
		}
		h := size * lineHeight
		d.room(h)
		at, page := d.y, d.pdf.GetNumberOfPages()
		d.draw(left, d.y+size, size, grey, d.known(f.Name))
		d.block(left+names, column-names, size, black, f.Value)
		if d.pdf.GetNumberOfPages() == page {
			d.y = max(d.y, at+h)
		}
	}
}

// Entry is one thing that happened.
type Entry struct {
	When  string
	What  string
	Said  []string // words that were said, each with a rule on the left
	Small string   // who, how long
}

// Entries is a timeline.
func (d *Doc) Entries(es []Entry) {
	const size, times = 10.0, 92.0
	x, w := left+times, column-times
	for _, e := range es {
		d.room(2 * size * lineHeight)
		d.draw(left, d.y+size, 9, grey, d.known(e.When))
		d.block(x, w, size, black, e.What)
		if e.Small != "" {
			d.block(x, w, 8.5, grey, e.Small)
		}
		for _, s := range e.Said {
			from, page := d.y, d.pdf.GetNumberOfPages()
			d.block(x+10, w-10, 9.5, black, s)
			if d.pdf.GetNumberOfPages() != page {
				from = top
			}
			d.pdf.SetLineWidth(1.2)
			d.pdf.SetStrokeColor(150, 150, 150)
			d.pdf.Line(x+2, from+2, x+2, d.y-2)
		}
		d.y += 5
	}
}

// Picture is a photo as JPEG with what stands under it.
type Picture struct {
	JPEG    []byte
	Caption string
}

// Pictures sets photos in two columns.
func (d *Doc) Pictures(ps []Picture) {
	const gap, most = 14.0, 210.0
	w := (column - gap) / 2
	for pair := range slices.Chunk(ps, 2) {
		heights := make([]float64, len(pair))
		high, lines := 0.0, make([][]string, len(pair))
		words := 0
		for i, p := range pair {
			c, _, err := image.DecodeConfig(bytes.NewReader(p.JPEG))
			if err != nil || c.Width == 0 || c.Height == 0 {
				d.keep(fmt.Errorf("read a picture: %w", err))
				return
			}
			heights[i] = w * float64(c.Height) / float64(c.Width)
			high = max(high, min(heights[i], most))
			lines[i] = Lines(d.known(p.Caption), w, func(s string) float64 { return width(s, 8.5) })
			words = max(words, len(lines[i]))
		}
		d.room(high + float64(words)*8.5*lineHeight + 8)
		for i, p := range pair {
			x, pw, ph := left+float64(i)*(w+gap), w, heights[i]
			if ph > most {
				pw, ph = w*most/ph, most
			}
			holder, err := gopdf.ImageHolderByBytes(p.JPEG)
			if err != nil {
				d.keep(fmt.Errorf("take in a picture: %w", err))
				return
			}
			d.keep(d.pdf.ImageByHolder(holder, x, d.y, &gopdf.Rect{W: pw, H: ph}))
			for n, l := range lines[i] {
				d.draw(x, d.y+high+4+8.5+float64(n)*8.5*lineHeight, 8.5, grey, l)
			}
		}
		d.y += high + float64(words)*8.5*lineHeight + 12
	}
}

// Bytes ends the document: foot is what stands at the foot of each page.
func (d *Doc) Bytes(foot func(page, pages int) (leftText, rightText string)) ([]byte, error) {
	pages := d.pdf.GetNumberOfPages()
	for n := 1; n <= pages; n++ {
		d.keep(d.pdf.SetPage(n))
		l, r := foot(n, pages)
		d.y = pageH - bottom + 16
		d.rule(0.5)
		r = d.known(r)
		rw := width(r, 8)
		y := d.y + 14
		for i, line := range Lines(d.known(l), column-rw-16, func(s string) float64 { return width(s, 8) }) {
			d.draw(left, y+float64(i)*11, 8, grey, line)
		}
		d.draw(left+column-rw, y, 8, grey, r)
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.pdf.GetBytesPdfReturnErr()
}
