// Package proof holds the long runs that show what the design promises: a whole
// year of real requests, and servers that are killed under load. Its tests run
// in a short form with every `go test`; ONEGRID_PROOF=1 runs them whole and
// ONEGRID_PROOF_OUT=DIR keeps what they found (`make proof`, docs/proof).
package proof

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Long says whether the long runs are wanted.
func Long() bool {
	commit() // of the beginning, not of the end
	return os.Getenv("ONEGRID_PROOF") == "1"
}

// commit is what the run began on.
var commit = sync.OnceValue(func() string {
	out, err := exec.Command("git", "log", "-1", "--format=%h").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
})

// Page is what a long run found, as it is kept under docs/proof.
type Page struct {
	Name, Title string
	text        strings.Builder
}

// NewPage begins a page with what it was measured on.
func NewPage(name, title string, took time.Duration) *Page {
	p := &Page{Name: name, Title: title}
	fmt.Fprintf(&p.text, "# %s\n\n", title)
	p.Table([]string{"commit", "date", "processor cores", "duration"},
		[]string{commit(), time.Now().UTC().Format("2006-01-02 15:04 UTC"), fmt.Sprint(runtime.NumCPU()), took.Round(time.Second).String()})
	return p
}

// Say adds a paragraph.
func (p *Page) Say(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n\n", args...) }

// Table adds a table.
func (p *Page) Table(header []string, rows ...[]string) {
	fmt.Fprintf(&p.text, "| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat(" --- |", len(header)))
	for _, r := range rows {
		fmt.Fprintf(&p.text, "| %s |\n", strings.Join(r, " | "))
	}
	p.text.WriteString("\n")
}

// Text is the page so far.
func (p *Page) Text() string { return p.text.String() }

// Keep writes the page into the folder that ONEGRID_PROOF_OUT names; without
// one it does nothing.
func (p *Page) Keep() error {
	dir := os.Getenv("ONEGRID_PROOF_OUT")
	if dir == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, p.Name+".md"), []byte(strings.TrimRight(p.Text(), "\n")+"\n"), 0o644)
}
