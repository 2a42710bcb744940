package calendar

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onegrid/internal/kit/words"
)

// Words are the texts that this room says itself.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

var texts = sync.OnceValue(func() map[words.Language]map[string]string {
	all := map[words.Language]map[string]string{}
	for _, l := range words.Languages {
		b, err := Words.ReadFile("words." + string(l) + ".json")
		if err != nil {
			panic(err) // embedded by the line above
		}
		m := map[string]string{}
		if err := json.Unmarshal(b, &m); err != nil {
			panic(fmt.Errorf("words of calendar in %s: %w", l, err))
		}
		all[l] = m
	}
	return all
})

// teller puts sentences together in one language.
type teller struct {
	lang words.Language
	c    *Calendar
	e    *Explanation
}

// Say gives a text of this room with its {arguments} filled in, for callers
// without the whole program's catalogue.
func Say(l words.Language, key string, args map[string]any) string {
	return words.Fill(l, texts()[l][key], args)
}

// say takes its arguments as pairs of a name and a value.
func (t teller) say(key string, pairs ...any) string {
	args := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return Say(t.lang, key, args)
}

// plural picks the form for a number.
func (t teller) plural(key string, n string, pairs ...any) string {
	form := ".other"
	if n == "1" {
		form = ".one"
	}
	return t.say(key+form, append(pairs, "n", n)...)
}

func (e *Explanation) say(c *Calendar) words.Text {
	return words.Text{
		Chinese: teller{words.Chinese, c, e}.sentence(),
		English: teller{words.English, c, e}.sentence(),
	}
}

// sentence is short, like look/LOOK.md section 5: the limit, what was used,
// stopped and not counted.
func (t teller) sentence() string {
	e := t.e
	if e.Limit.zero() && !e.Paused {
		return t.say("calendar.why.at_once")
	}
	out := []string{t.limit()}
	var sums []string
	used := time.Duration(e.Used) * time.Millisecond
	switch {
	case e.Paused || !e.AsOf.IsZero():
		sums = append(sums, t.say("calendar.why.used", "time", t.running(used)))
	default:
		sums = append(sums, t.say("calendar.why.ends", "due", t.moment(e.DueAt)))
	}
	if e.Stopped > 0 {
		sums = append(sums, t.say("calendar.why.stopped", "time", t.running(time.Duration(e.Stopped)*time.Millisecond)))
	}
	not, makeUps, moved := t.notCounted()
	if len(not) > 0 {
		sums = append(sums, t.say("calendar.why.not_counted", "list", t.list(not)))
	}
	if len(makeUps) > 0 {
		sums = append(sums, t.say("calendar.why.make_up", "days", t.list(makeUps)))
	}
	if moved {
		sums = append(sums, t.say("calendar.why.moved"))
	}
	out = append(out, strings.Join(sums, t.say("calendar.why.comma"))+t.say("calendar.why.stop"))
	switch {
	case e.Paused && e.Remaining > 0:
		out = append(out, t.say("calendar.why.paused", "time", t.running(time.Duration(e.Remaining)*time.Millisecond)))
	case e.Paused:
		out = append(out, t.say("calendar.why.ran_out", "due", t.moment(e.RanOut)))
	case e.Provisional:
		out = append(out, t.say("calendar.why.provisional", "year", strconv.Itoa(t.unknownYear())))
	}
	if t.lang == words.English {
		return strings.Join(out, " ")
	}
	return strings.Join(out, "")
}

// unknownYear is the first year on the way whose holidays are not announced.
func (t teller) unknownYear() int {
	for _, d := range t.e.Days {
		if d.Provisional {
			return d.Date.Year()
		}
	}
	for y := DateOf(t.e.Start).Year(); ; y++ {
		if !t.c.holidays.announced(y) {
			return y
		}
	}
}

// Say gives a limit in words: 3 working days, 15 minutes of working time.
func (l Limit) Say(lang words.Language) string { return teller{lang: lang}.amount(l) }

func (t teller) amount(l Limit) string {
	name, n := string(l.Clock), strconv.FormatFloat(l.Units, 'f', -1, 64)
	if l.Minutes > 0 {
		name, n = strings.TrimSuffix(name, "hour")+"minute", strconv.FormatInt(l.Minutes, 10)
	}
	return t.plural("calendar.unit."+name, n)
}

func (t teller) limit() string {
	l := t.e.Limit
	limit := t.amount(l)
	if l.Clock == WorkingDay {
		return t.say("calendar.why.limit", "limit", limit, "length", t.duration(time.Duration(t.e.Length)*time.Millisecond))
	}
	return t.say("calendar.why.limit_only", "limit", limit)
}

// notCounted lists what lay on the way and did not count, the make-up days that
// did, and whether a last day moved.
func (t teller) notCounted() (not, makeUps []string, moved bool) {
	seen := map[Reason]bool{}
	for _, s := range t.e.Segments {
		seen[s.Reason] = true
	}
	if seen[ReasonFirstDay] {
		not = append(not, t.say("calendar.why.first_day"))
	}
	off := 0
	var holidays []string
	days := map[string]int{}
	for _, d := range t.e.Days {
		switch {
		case d.Counted > 0 && d.Kind == MakeUpDay && !t.e.Limit.Clock.everyMinute() && seen[ReasonMakeUp]:
			makeUps = append(makeUps, t.date(d.Date.utc()))
		case d.Counted > 0:
		case d.Kind == Holiday && seen[ReasonHoliday]:
			name := d.Holiday.In(t.lang)
			if days[name]++; days[name] == 1 {
				holidays = append(holidays, name)
			}
		case d.Kind == OffDay && seen[ReasonOffDay]:
			off++
		}
	}
	for _, name := range holidays {
		not = append(not, t.plural("calendar.why.holiday", strconv.Itoa(days[name]), "name", name))
	}
	if off > 0 {
		not = append(not, t.plural("calendar.why.off_days", strconv.Itoa(off)))
	}
	for _, r := range []struct {
		reason Reason
		key    string
	}{{ReasonNight, "night"}, {ReasonLunch, "lunch"}, {ReasonOutside, "outside"}} {
		if seen[r.reason] {
			not = append(not, t.say("calendar.why."+r.key))
		}
	}
	return not, makeUps, seen[ReasonMovedLast]
}

func (t teller) list(in []string) string {
	if len(in) < 2 {
		return strings.Join(in, "")
	}
	head, tail := in[:len(in)-1], in[len(in)-1]
	return strings.Join(head, t.say("calendar.why.list")) + t.say("calendar.why.and") + tail
}

// running is a running time of this clock: days for the clocks that count
// whole days, hours and minutes for working time.
func (t teller) running(d time.Duration) string {
	switch k := t.e.Limit.Clock; {
	case k.statutory():
		unit := time.Duration(t.c.unit(k, DateOf(t.e.Start)))
		return t.plural("calendar.time.days", strconv.FormatInt(int64(d/unit), 10))
	case k == NaturalDay && d >= 24*time.Hour:
		days := t.plural("calendar.time.days", strconv.FormatInt(int64(d/(24*time.Hour)), 10))
		if hours := int64(d % (24 * time.Hour) / time.Hour); hours > 0 {
			return days + " " + t.say("calendar.time.hours", "n", hours)
		}
		return days
	}
	return t.duration(d)
}

// duration says the two largest units.
func (t teller) duration(d time.Duration) string {
	h, m, s := int64(d/time.Hour), int64(d%time.Hour/time.Minute), int64(d%time.Minute/time.Second)
	var out []string
	if h > 0 {
		out = append(out, t.say("calendar.time.hours", "n", h))
	}
	if m > 0 || d == 0 {
		out = append(out, t.say("calendar.time.minutes", "n", m))
	}
	if s > 0 && h == 0 {
		out = append(out, t.say("calendar.time.seconds", "n", s))
	}
	if len(out) == 0 {
		out = append(out, t.say("calendar.time.under_a_second"))
	}
	return strings.Join(out, " ")
}

// moment says date and time; midnight after the start is 24:00 of the day that
// ends.
func (t teller) moment(at time.Time) string {
	clock := at.Format("15:04")
	if clock == "00:00" && at.Second() == 0 && at.After(t.e.Start) {
		at, clock = at.Add(-time.Second), "24:00"
	}
	if t.lang == words.Chinese {
		return t.date(at) + " " + clock
	}
	return clock + " on " + t.date(at)
}

func (t teller) date(at time.Time) string {
	sameYear := at.Year() == t.e.Start.Year()
	switch {
	case t.lang == words.Chinese && sameYear:
		return at.Format("1月2日")
	case t.lang == words.Chinese:
		return at.Format("2006年1月2日")
	case sameYear:
		return at.Format("2 January")
	}
	return at.Format("2 January 2006")
}

// HolidayName gives a listed name in both languages. The notices name holidays
// in Chinese only; a name that is not one of the known ones stays as it is.
func HolidayName(name string) words.Text {
	if name == "" {
		return words.Text{}
	}
	var english []string
	for _, part := range strings.Split(name, "、") {
		i := slices.IndexFunc(holidayNames, func(t words.Text) bool { return t.Chinese == part })
		if i < 0 {
			return words.Text{Chinese: name, English: name}
		}
		english = append(english, holidayNames[i].English)
	}
	return words.Text{Chinese: name, English: strings.Join(english, " and ")}
}

var holidayNames = []words.Text{
	{Chinese: "元旦", English: "New Year"},
	{Chinese: "春节", English: "Spring Festival"},
	{Chinese: "清明节", English: "Qingming"},
	{Chinese: "劳动节", English: "Labour Day"},
	{Chinese: "端午节", English: "Dragon Boat Festival"},
	{Chinese: "中秋节", English: "Mid-Autumn Festival"},
	{Chinese: "国庆节", English: "National Day"},
	{Chinese: "抗日战争暨世界反法西斯战争胜利70周年纪念日", English: "Victory Day"},
}
