package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"onegrid/data"
	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// worktimeCmd is `onegrid worktime`: questions about working time that need no
// data folder.
type worktimeCmd struct {
	Due worktimeDueCmd `cmd:"" help:"Say when limits are due: JSON lines in, JSON lines out."`
}

// worktimeDueCmd is `onegrid worktime due`.
type worktimeDueCmd struct{}

// Help is the long help with examples.
func (worktimeDueCmd) Help() string {
	return `Reads one JSON object a line and prints {"due","provisional"} a line, with the
shipped holidays and Asia/Shanghai.

  clock     urgent-hour, natural-day, working-hour, working-day, statutory-day,
            statutory-working-day
  limit     number of the clock's units; may be a fraction (0.5), except for the
            statutory clocks, which count whole days
  start     RFC 3339 time with its offset
  periods   working periods of a day, Monday to Friday: [["09:00","12:00"],...];
            "24:00" may end one; not needed where the clock looks at none
  calendar  in place of periods, hours that change with the season:
            [{"from":"2026-05-01","periods":[...],"weekdays":[1,2,3,4,5]},...];
            weekdays 1 = Monday to 7 = Sunday. An entry may also have
            periods_by_weekday {"6":[...]}, nominal_day_minutes and
            follows_holidays. The first entry also serves the time before it.
  pauses    [[from,to],...]; to is null or left out while the pause is open:
            then due is null

A line that is wrong answers {"error":{"line","code","message"}} in its place and
is told on the error output; the other lines are still answered. Empty lines
are passed over. Exit code: 0 when every line was answered, 2 when one was wrong,
1 when reading or writing failed.

Examples:

  echo '{"clock":"working-day","limit":1,"start":"2026-11-23T16:35:00+08:00",
    "periods":[["08:30","12:00"],["13:00","17:30"]]}' | tr -d '\n' | onegrid worktime due
  {"due":"2026-11-24T16:35:00+08:00","provisional":false}

  onegrid worktime due < questions.ndjson > answers.ndjson`
}

// Run serves the standard streams.
func (c *worktimeDueCmd) Run() error {
	return worktimeDue(os.Stdin, os.Stdout, os.Stderr, languageOf(os.Getenv))
}

// wrongLines is the end of a run in which some lines were wrong.
type wrongLines int

func (n wrongLines) Error() string {
	if n == 1 {
		return "1 line was wrong"
	}
	return fmt.Sprintf("%d lines were wrong", int(n))
}

// ExitCode is 2: the input was wrong, not the machine.
func (wrongLines) ExitCode() int { return 2 }

// worktimeDue answers every line of in on out and tells wrong ones on errOut.
func worktimeDue(in io.Reader, out, errOut io.Writer, lang words.Language) error {
	folder, err := fs.Sub(data.FS, "holidays")
	if err != nil {
		return fmt.Errorf("shipped holidays: %w", err)
	}
	years, err := calendar.ReadHolidays(folder)
	if err != nil {
		return err
	}
	holidays, err := calendar.NewHolidays(years)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return fmt.Errorf("time zone of the district: %w", err)
	}
	responder := &calendar.Responder{Zone: zone, Holidays: holidays}

	lines := bufio.NewReaderSize(in, 64<<10)
	answers := bufio.NewWriterSize(out, 64<<10)
	wrong := 0
	for number := 1; ; number++ {
		line, readErr := readLine(lines)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return errors.Join(fmt.Errorf("read line %d: %w", number, readErr), answers.Flush())
		}
		if len(bytes.TrimSpace(line)) > 0 {
			answer, err := answerLine(responder, line)
			if err != nil {
				wrong++
				answer, err = refuseLine(errOut, number, err, lang)
			}
			if err != nil {
				return err
			}
			if _, err := answers.Write(append(answer, '\n')); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		// Somebody who types sees each answer; a file is written in large pieces.
		if lines.Buffered() == 0 || readErr != nil {
			if err := answers.Flush(); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		if readErr != nil {
			break
		}
	}
	if wrong > 0 {
		return wrongLines(wrong)
	}
	return nil
}

// readLine reads up to the next newline. A line over the limit comes back one
// byte too long, so that it is refused, and its rest is skipped.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if room := calendar.MaxLine + 1 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(line, []byte("\n")), err
		}
	}
}

func answerLine(responder *calendar.Responder, line []byte) ([]byte, error) {
	q, err := calendar.ParseQuestion(line)
	if err != nil {
		return nil, err
	}
	a, err := responder.Answer(q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// refuseLine tells a wrong line on errOut and gives the answer that stands in
// its place.
func refuseLine(errOut io.Writer, number int, cause error, lang words.Language) ([]byte, error) {
	f := fault.Of(cause)
	message := calendar.Say(lang, f.Code, f.Args)
	if f.Kind == fault.Internal || message == "" {
		return nil, cause
	}
	told := "line %d: %s (%s)\n"
	if lang == words.Chinese {
		told = "第 %d 行：%s（%s）\n"
	}
	if _, err := fmt.Fprintf(errOut, told, number, message, f.Code); err != nil {
		return nil, fmt.Errorf("tell a wrong line: %w", err)
	}
	type refusal struct {
		Line    int    `json:"line"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]refusal{"error": {number, f.Code, message}}); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// languageOf reads the language of a terminal from its environment.
func languageOf(env func(string) string) words.Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "zh") {
				return words.Chinese
			}
			return words.English
		}
	}
	return words.English
}
