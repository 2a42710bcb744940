package blob

import (
	"bytes"

	"onegrid/internal/kit/fault"
)

// A paper is a PDF by a stranger. It is never opened here and never shown in a page
// of ours: whoever may see it saves it. What can be told without opening it is
// judged: that it is one and whole, that it is not locked, and that it asks for
// nothing to be run. What stands in compressed parts is not looked into, so the
// reader's own program must be as careful as with a letter from outside.

var (
	// ErrNotPaper says that a file is no PDF, or not a whole one.
	ErrNotPaper = fault.New(fault.Invalid, "blob.not_a_paper")
	// ErrPaperLocked says that a PDF needs a password.
	ErrPaperLocked = fault.New(fault.Invalid, "blob.paper_locked")
	// ErrPaperRuns says that a PDF brings programs or other files along.
	ErrPaperRuns = fault.New(fault.Invalid, "blob.paper_runs")
)

// PaperType is the media type of a paper.
const PaperType = "application/pdf"

// IsPaper says whether a file begins as a PDF does.
func IsPaper(head []byte) bool { return bytes.HasPrefix(head, []byte("%PDF-")) }

// CheckPaper judges a whole file. Codes: blob.not_a_paper, blob.paper_locked,
// blob.paper_runs.
func CheckPaper(raw []byte) error {
	end := raw[max(0, len(raw)-1024):]
	switch {
	case !IsPaper(raw), !bytes.Contains(end, []byte("%%EOF")), !bytes.Contains(end, []byte("startxref")):
		return ErrNotPaper
	case hasName(raw, "Encrypt"):
		return ErrPaperLocked
	case hasName(raw, "JavaScript"), hasName(raw, "Launch"), hasName(raw, "EmbeddedFile"), hasName(raw, "RichMedia"):
		return ErrPaperRuns
	}
	return nil
}

// hasName says whether a PDF's plain parts have a name; it may be written with
// #xx for any letter. It is asked for long names only: short ones stand by chance in
// what is compressed.
func hasName(raw []byte, name string) bool {
	for rest := raw; ; {
		i := bytes.IndexByte(rest, '/')
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
		at, n := 0, 0
		for n < len(name) && at < len(rest) {
			c, width := rest[at], 1
			if c == '#' && at+2 < len(rest) {
				if hi, lo := unhex(rest[at+1]), unhex(rest[at+2]); hi >= 0 && lo >= 0 {
					c, width = byte(hi<<4|lo), 3
				}
			}
			if c != name[n] {
				break
			}
			at, n = at+width, n+1
		}
		if n == len(name) && (at == len(rest) || bytes.IndexByte([]byte(" \t\r\n\f\x00/<>[]()%"), rest[at]) >= 0) {
			return true
		}
	}
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
