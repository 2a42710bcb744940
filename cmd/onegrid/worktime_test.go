package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/alecthomas/kong"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/words"
)

const goodLine = `{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00","periods":[["08:30","12:00"],["13:00","17:30"]]}`

func runWorktime(in io.Reader, lang words.Language) (out, told string, err error) {
	var a, b bytes.Buffer
	err = worktimeDue(in, &a, &b, lang)
	return a.String(), b.String(), err
}

// Good lines are answered, wrong ones refused in their place with their number;
// empty lines count but are passed over.
func TestWorktimeDue(t *testing.T) {
	in := goodLine + "\n\n" + `{"clock":"working-day","limit":1,"colour":"red"}` + "\r\n" + goodLine + "\r\n" +
		`{"clock":"urgent-hour","limit":1,"start":"2026-11-23T16:35:00+08:00","pauses":[["2026-11-23T17:00:00+08:00",null]]}`
	out, told, err := runWorktime(strings.NewReader(in), words.English)
	want := `{"due":"2026-11-24T16:35:00+08:00","provisional":false}
{"error":{"line":3,"code":"worktime.unknown_key","message":"“colour” is not a key of this input."}}
{"due":"2026-11-24T16:35:00+08:00","provisional":false}
{"due":null,"provisional":false}
`
	if out != want {
		t.Errorf("answers\n%s\nwant\n%s", out, want)
	}
	if told != "line 3: “colour” is not a key of this input. (worktime.unknown_key)\n" {
		t.Errorf("told %q", told)
	}
	var wrong wrongLines
	if !errors.As(err, &wrong) || wrong != 1 || wrong.ExitCode() != 2 {
		t.Errorf("ended with %v", err)
	}
	if _, ok := err.(kong.ExitCoder); !ok {
		t.Error("kong does not see the exit code")
	}

	if out, told, err := runWorktime(strings.NewReader(goodLine+"\n"), words.English); err != nil || told != "" || strings.Count(out, "\n") != 1 {
		t.Errorf("one good line: %q %q %v", out, told, err)
	}
	if out, _, err := runWorktime(strings.NewReader(""), words.English); err != nil || out != "" {
		t.Errorf("no line: %q %v", out, err)
	}
	_, told, _ = runWorktime(strings.NewReader("x"), words.Chinese)
	if told != "第 1 行：这一行不是完整的 JSON 对象。（worktime.bad_json）\n" {
		t.Errorf("in Chinese %q", told)
	}
}

// A line over the limit is refused without being held, and the next is answered.
func TestWorktimeLongLine(t *testing.T) {
	long := strings.Repeat("x", 3*calendar.MaxLine)
	out, told, err := runWorktime(strings.NewReader(long+"\n"+goodLine+"\n"), words.English)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"worktime.line_too_long"`) || !strings.Contains(lines[1], `"due":"2026-11-24`) {
		t.Fatalf("answers %.300q, %v", out, err)
	}
	if !strings.HasPrefix(told, "line 1: ") {
		t.Errorf("told %q", told)
	}
}

// Broken input and output are failures, not wrong lines.
func TestWorktimeBrokenStreams(t *testing.T) {
	broken := errors.New("broken")
	out, _, err := runWorktime(io.MultiReader(strings.NewReader(goodLine+"\n"), iotest.ErrReader(broken)), words.English)
	if !errors.Is(err, broken) || strings.Count(out, "\n") != 1 {
		t.Errorf("broken input: %q %v", out, err)
	}
	err = worktimeDue(strings.NewReader(goodLine), brokenWriter{}, io.Discard, words.English)
	var wrong wrongLines
	if err == nil || errors.As(err, &wrong) {
		t.Errorf("broken output: %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// The examples of the help are true.
func TestWorktimeHelp(t *testing.T) {
	help := worktimeDueCmd{}.Help()
	_, example, _ := strings.Cut(help, "echo '")
	line, rest, _ := strings.Cut(example, "'")
	out, _, err := runWorktime(strings.NewReader(strings.ReplaceAll(line, "\n", "")), words.English)
	if err != nil || !json.Valid([]byte(out)) || !strings.Contains(rest, strings.TrimSpace(out)) {
		t.Errorf("the example answers %s, %v", out, err)
	}
}

func TestLanguageOfTheTerminal(t *testing.T) {
	for env, want := range map[string]words.Language{"zh_CN.UTF-8": words.Chinese, "en_GB.UTF-8": words.English, "C": words.English} {
		if got := languageOf(func(name string) string { return map[string]string{"LANG": env}[name] }); got != want {
			t.Errorf("%s gives %s", env, got)
		}
	}
	if got := languageOf(func(string) string { return "" }); got != words.English {
		t.Errorf("nothing gives %s", got)
	}
}
