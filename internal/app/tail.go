package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// tailKept is how many lines of the log are remembered for a diagnosis.
const tailKept = 2000

// tail remembers the last lines of the log, without what could tell of anybody.
type tail struct {
	mu    sync.Mutex
	lines []string // a ring
	next  int
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < tailKept {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % tailKept
}

// write gives the lines, the oldest first.
func (t *tail) write(w io.Writer) error {
	t.mu.Lock()
	lines := slices.Concat(t.lines[t.next:], t.lines[:t.next])
	t.mu.Unlock()
	for _, l := range lines {
		if _, err := io.WriteString(w, l+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// tailed is a log handler with a tail.
type tailed struct {
	slog.Handler
	tail  *tail
	attrs []slog.Attr
	group string
}

// Handle satisfies slog.Handler.
func (h tailed) Handle(ctx context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.UTC().Format(time.RFC3339Nano) + " " + r.Level.String() + " " + scrub(r.Message))
	note := func(a slog.Attr) bool {
		v := a.Value.Resolve()
		switch v.Kind() {
		case slog.KindInt64, slog.KindUint64, slog.KindBool, slog.KindDuration, slog.KindFloat64:
			fmt.Fprintf(&b, " %s%s=%s", h.group, a.Key, v)
		default:
			fmt.Fprintf(&b, " %s%s=%q", h.group, a.Key, scrubbed(a.Key, v.String()))
		}
		return true
	}
	for _, a := range h.attrs {
		note(a)
	}
	r.Attrs(note)
	h.tail.add(b.String())
	return h.Handler.Handle(ctx, r)
}

// WithAttrs satisfies slog.Handler.
func (h tailed) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler, h.attrs = h.Handler.WithAttrs(attrs), slices.Concat(h.attrs, attrs)
	return h
}

// WithGroup satisfies slog.Handler.
func (h tailed) WithGroup(name string) slog.Handler {
	h.Handler, h.group = h.Handler.WithGroup(name), h.group+name+"."
	return h
}

// plainKeys are the attributes whose values are the program's own words.
var plainKeys = []string{"request_id", "method", "route", "code", "job", "room", "group", "asked"}

func scrubbed(key, value string) string {
	if slices.Contains(plainKeys, key) {
		return value
	}
	return scrub(value)
}

// What may be about somebody, or be a secret: anything in quotes, addresses,
// long numbers, Chinese, whatever follows an equals sign in an address.
var telling = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'|“[^”]*”|‘[^’]*’|「[^」]*」`), `"…"`},
	{regexp.MustCompile(`[^\s@/]+@[^\s@]+`), "…@…"},
	{regexp.MustCompile(`([?&][^=\s&]+=)[^&\s]*`), "$1…"},
	{regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`), "a.d.d.r"},
	{regexp.MustCompile(`(?i)\b(?:[0-9a-f]{0,4}:){3,}[0-9a-f:.]*`), "a:d:d:r"},
	{regexp.MustCompile(`\d[\d -]{3,}\d`), "#"},
	{regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]+`), "〇"},
}

// scrub takes out of a text of the log whatever may tell of somebody. The log
// itself holds no names, addresses or words of residents; a fault of a library
// may quote some all the same.
func scrub(s string) string {
	for _, p := range telling {
		s = p.re.ReplaceAllString(s, p.with)
	}
	return s
}
