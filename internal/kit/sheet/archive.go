package sheet

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits bound what is read. The zero value is right for files of an office.
type Limits struct {
	MaxFile     int64 // bytes of the file; default 64 MiB
	MaxUnpacked int64 // bytes of all parts that are read; default 1 GiB
	MaxRatio    int64 // unpacked to packed bytes of a part larger than 1 MiB; default 150
	MaxParts    int   // parts of the archive; default 1,000
	MaxRows     int64 // default 1,000,000
	MaxColumns  int   // default 200
	MaxRow      int64 // unpacked bytes of one row; default 4 MiB
	MaxText     int64 // bytes of all shared text; default 256 MiB
}

func (l Limits) or() Limits {
	set := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&l.MaxFile, 64<<20)
	set(&l.MaxUnpacked, 1<<30)
	set(&l.MaxRatio, 150)
	set(&l.MaxRows, 1_000_000)
	set(&l.MaxRow, 4<<20)
	set(&l.MaxText, 256<<20)
	if l.MaxParts == 0 {
		l.MaxParts = 1000
	}
	if l.MaxColumns == 0 {
		l.MaxColumns = 200
	}
	return l
}

// smallPart is below the size at which a ratio says anything: a page of equal
// cells packs well.
const smallPart = 1 << 20

// archive is the parts of a workbook, each read under the limits.
type archive struct {
	limits Limits
	parts  map[string]*zip.File
	left   int64 // bytes that may still be unpacked
	close  io.Closer
}

func openArchive(r io.ReaderAt, size int64, l Limits) (*archive, error) {
	if size > l.MaxFile {
		return nil, ErrTooLarge.With("most", l.MaxFile)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, ErrNotXLSX.Because(err)
	}
	if len(z.File) > l.MaxParts {
		return nil, ErrBomb.With("why", "parts", "most", l.MaxParts)
	}
	a := &archive{limits: l, parts: make(map[string]*zip.File, len(z.File)), left: l.MaxUnpacked}
	total := uint64(0)
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(f.Name, `\`, "/")), "/"))
		if f.FileInfo().IsDir() {
			continue
		}
		if _, twice := a.parts[name]; twice || f.Flags&1 != 0 { // encrypted
			return nil, ErrNotXLSX
		}
		a.parts[name] = f
		total += f.UncompressedSize64
		switch {
		case total > uint64(l.MaxUnpacked), f.UncompressedSize64 > uint64(l.MaxUnpacked):
			return nil, ErrBomb.With("why", "size", "most", l.MaxUnpacked)
		case f.UncompressedSize64 > smallPart && f.UncompressedSize64/max(1, f.CompressedSize64) > uint64(l.MaxRatio):
			return nil, ErrBomb.With("why", "ratio", "most", l.MaxRatio)
		case strings.HasSuffix(name, "vbaproject.bin"), strings.HasPrefix(name, "xl/externallinks/"), strings.HasPrefix(name, "xl/macrosheets/"),
			strings.HasPrefix(name, "xl/embeddings/"), strings.HasPrefix(name, "xl/activex/"), name == "xl/connections.xml":
			return nil, ErrActive.With("part", path.Base(name))
		}
	}
	return a, nil
}

// part opens a part; what was declared is not believed, what comes is counted.
func (a *archive) part(name string) (*part, error) {
	f, ok := a.parts[strings.ToLower(name)]
	if !ok {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, ErrBroken.Because(err)
	}
	most := max(smallPart, int64(min(f.CompressedSize64, uint64(a.limits.MaxFile)))*a.limits.MaxRatio)
	return &part{a: a, r: r, most: most, budget: a.limits.MaxRow}, nil
}

// part is a counting reader.
type part struct {
	a      *archive
	r      io.ReadCloser
	read   int64
	most   int64
	budget int64 // until the next refresh; negative: not bounded
}

// refresh gives the next row its whole budget.
func (p *part) refresh() { p.budget = p.a.limits.MaxRow }

func (p *part) Read(b []byte) (int, error) {
	if p.budget == 0 {
		return 0, ErrTooLarge.With("most", p.a.limits.MaxRow)
	}
	if p.budget > 0 && int64(len(b)) > p.budget {
		b = b[:p.budget]
	}
	n, err := p.r.Read(b)
	if p.budget > 0 {
		p.budget -= int64(n)
	}
	p.read += int64(n)
	p.a.left -= int64(n)
	switch {
	case p.read > p.most:
		return 0, ErrBomb.With("why", "ratio", "most", p.a.limits.MaxRatio)
	case p.a.left < 0:
		return 0, ErrBomb.With("why", "size", "most", p.a.limits.MaxUnpacked)
	case err != nil && !errors.Is(err, io.EOF):
		return n, ErrBroken.Because(err)
	}
	return n, err
}

func (p *part) Close() error { return p.r.Close() }

// Open opens a workbook. Codes: sheet.not_xlsx, sheet.broken, sheet.formula,
// sheet.active, sheet.bomb, sheet.too_large.
func Open(name string, l Limits) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, ErrNotXLSX.With("file", filepath.Base(name)).Because(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, ErrNotXLSX.Because(err)
	}
	r, err := NewReader(f, info.Size(), l)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.archive.close = f
	return r, nil
}

// IsXLSX says whether a file begins like an archive of its kind and is named so.
func IsXLSX(name string) bool { return strings.EqualFold(filepath.Ext(name), ".xlsx") }
