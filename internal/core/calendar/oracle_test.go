package calendar

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The oracle walks a wall clock minute by minute, and second by second where a
// minute is not wholly one thing or the other. It shares no code with the
// engine: it reads the holiday files itself, knows Shanghai as eight hours
// ahead (true since 1992) and compares times of day as texts.
type oracle struct {
	listed map[string]bool   // date -> off
	names  map[string]string // date -> name
	kept   map[int64]*oracleDay
	plan   []oraclePlan
}

type oraclePlan struct {
	from     string // date
	weekdays string // "12345"
	periods  [][2]string
	saturday [][2]string
}

type oracleDay struct {
	periods [][2]string // empty when off
	last    string
}

const (
	eightHours  = 8 * 3600
	lastListed  = 2026
	secondsADay = 86400
)

func readOracle(t *testing.T) *oracle {
	t.Helper()
	o := &oracle{listed: map[string]bool{}, names: map[string]string{}}
	files, err := filepath.Glob("../../../data/holidays/20*.json")
	if err != nil || len(files) != 13 {
		t.Fatalf("holiday files %v %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var year map[string]any
		if err := json.Unmarshal(b, &year); err != nil {
			t.Fatal(err)
		}
		for _, d := range year["days"].([]any) {
			day := d.(map[string]any)
			o.listed[day["date"].(string)] = day["isOffDay"].(bool)
			o.names[day["date"].(string)] = day["name"].(string)
		}
	}
	return o
}

// wall gives the date, the weekday and the second of the day in Shanghai.
func wall(unix int64) (day int64, second int64) {
	return (unix + eightHours) / secondsADay, (unix + eightHours) % secondsADay
}

func dateText(day int64) string {
	return time.Unix(day*secondsADay, 0).UTC().Format("2006-01-02")
}

func (o *oracle) day(n int64) *oracleDay {
	if d, ok := o.kept[n]; ok {
		return d
	}
	date := dateText(n)
	p := o.plan[0]
	for _, q := range o.plan {
		if q.from <= date {
			p = q
		}
	}
	weekday := time.Unix(n*secondsADay, 0).UTC().Weekday().String()
	digit := map[string]string{"Monday": "1", "Tuesday": "2", "Wednesday": "3", "Thursday": "4", "Friday": "5", "Saturday": "6", "Sunday": "7"}[weekday]
	worked := strings.Contains(p.weekdays, digit)
	periods := p.periods
	if weekday == "Saturday" && p.saturday != nil {
		periods = p.saturday
	}
	if off, ok := o.listed[date]; ok {
		worked = !off
		periods = p.periods
	}
	d := &oracleDay{}
	if worked {
		d.periods = periods
		for _, span := range periods {
			d.last = max(d.last, span[1])
		}
	}
	o.kept[n] = d
	return d
}

// counts says whether the minute that begins at a second of a day is worked.
func (o *oracle) counts(day, second int64) bool {
	at := minuteText(second)
	for _, p := range o.day(day).periods {
		if p[0] <= at && at < p[1] {
			return true
		}
	}
	return false
}

var minuteTexts = func() (out [1441]string) {
	for i := range out {
		out[i] = fmt.Sprintf("%02d:%02d", i/60, i%60)
	}
	return out
}()

func minuteText(second int64) string { return minuteTexts[second/60] }

type oraclePause struct{ from, to int64 } // to 0 = open

func paused(pauses []oraclePause, at int64) bool {
	for _, p := range pauses {
		if p.from <= at && (p.to == 0 || at < p.to) {
			return true
		}
	}
	return false
}

// touches says whether a pause begins or ends inside a minute.
func touches(pauses []oraclePause, minute int64) bool {
	for _, p := range pauses {
		for _, edge := range []int64{p.from, p.to} {
			if edge > minute && edge < minute+60 {
				return true
			}
		}
	}
	return false
}

// running walks until limit seconds have run; ok is false when an open pause
// stands in the way.
func (o *oracle) running(everyMinute bool, start, limit int64, pauses []oraclePause) (due int64, ok bool) {
	at := start
	for ran := int64(0); ran < limit; {
		if len(pauses) > 0 {
			if last := pauses[len(pauses)-1]; last.to == 0 && at >= last.from {
				return 0, false
			}
		}
		day, second := wall(at)
		step := int64(1)
		if at%60 == 0 && limit-ran >= 60 && !touches(pauses, at) {
			step = 60
		}
		if (everyMinute || o.counts(day, second)) && !paused(pauses, at) {
			ran += step
		}
		at += step
	}
	return at, true
}

// wholeDays walks the ends of days after the first.
func (o *oracle) wholeDays(working bool, start, limit int64, pauses []oraclePause) (due int64, ok bool) {
	if limit == 0 {
		return start, true
	}
	first, _ := wall(start)
	left := limit
	for n := first + 1; ; n++ {
		d := o.day(n)
		end := (n+1)*secondsADay - eightHours
		if working {
			if len(d.periods) == 0 {
				continue
			}
			var h, m int64
			if _, err := fmt.Sscanf(d.last, "%d:%d", &h, &m); err != nil {
				panic(err)
			}
			end = n*secondsADay - eightHours + h*3600 + m*60
		}
		if paused(pauses, end-1) {
			if last := pauses[len(pauses)-1]; last.to == 0 && last.from < end {
				return 0, false
			}
			continue
		}
		left--
		if left <= 0 && len(d.periods) > 0 {
			return end, true
		}
	}
}

var oraclePlans = [][]oraclePlan{
	{{"2000-01-01", "12345", [][2]string{{"08:30", "12:00"}, {"13:00", "17:30"}}, nil}},
	{{"2000-01-01", "12345", [][2]string{{"09:00", "12:00"}, {"13:00", "17:00"}}, nil}},
	{{"2000-01-01", "123456", [][2]string{{"08:30", "12:00"}, {"14:00", "17:00"}}, [][2]string{{"08:30", "12:00"}}}},
	{{"2000-01-01", "12345", [][2]string{{"00:00", "06:00"}, {"22:00", "24:00"}}, nil}},
	{{"2000-01-01", "1234567", [][2]string{{"00:00", "24:00"}}, nil}},
	{ // summer and winter hours, every year
		{"2000-01-01", "12345", [][2]string{{"08:30", "12:00"}, {"13:30", "17:30"}}, nil},
		{"2015-05-01", "12345", [][2]string{{"08:30", "12:00"}, {"14:30", "18:00"}}, nil},
		{"2015-10-01", "12345", [][2]string{{"08:30", "12:00"}, {"13:30", "17:30"}}, nil},
		{"2019-05-01", "23456", [][2]string{{"08:00", "12:00"}, {"14:30", "18:00"}}, nil},
		{"2024-10-01", "12345", [][2]string{{"09:00", "16:00"}}, nil},
	},
}

// line writes a case as the command line reads it.
func oracleLine(plan []oraclePlan, clock Clock, limit, start int64, pauses []oraclePause) string {
	at := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
	calendar := []map[string]any{}
	for _, p := range plan {
		weekdays := []int{}
		for _, d := range p.weekdays {
			weekdays = append(weekdays, int(d-'0'))
		}
		entry := map[string]any{"from": p.from, "periods": p.periods, "weekdays": weekdays}
		if p.saturday != nil {
			entry["periods_by_weekday"] = map[string]any{"6": p.saturday}
		}
		calendar = append(calendar, entry)
	}
	pairs := [][]any{}
	for _, p := range pauses {
		pair := []any{at(p.from)}
		if p.to != 0 {
			pair = append(pair, at(p.to))
		}
		pairs = append(pairs, pair)
	}
	b, err := json.Marshal(map[string]any{"clock": clock, "limit": limit, "start": at(start), "pauses": pairs, "calendar": calendar})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestAgainstOracle compares random cases around every holiday since 2014.
// ONEGRID_PROOF=1 runs 40,000.
func TestAgainstOracle(t *testing.T) {
	o := readOracle(t)
	cases := 1000
	if os.Getenv("ONEGRID_PROOF") == "1" {
		cases = 40_000
	}
	// One anchor for each listed date, and the turn to 2027, which is not announced.
	var anchors []string
	for d := range o.listed {
		anchors = append(anchors, d)
	}
	for d := 20; d <= 31; d++ {
		anchors = append(anchors, fmt.Sprintf("2026-12-%d", d), fmt.Sprintf("2027-01-%02d", d-19))
	}
	slices.Sort(anchors)
	rnd := rand.New(rand.NewPCG(7, 2014))
	rnd.Shuffle(len(anchors), func(i, j int) { anchors[i], anchors[j] = anchors[j], anchors[i] })

	responder := &Responder{Zone: shanghai(t), Holidays: shipped(t)}
	byClock, met, open, late := map[Clock]int{}, map[string]bool{}, 0, 0
	for n := range cases {
		anchor := anchors[n%len(anchors)]
		met[anchor] = true
		day, err := time.Parse("2006-01-02", anchor)
		if err != nil {
			t.Fatal(err)
		}
		start := day.Unix() - eightHours + rnd.Int64N(12*secondsADay) - 9*secondsADay
		switch rnd.IntN(4) {
		case 0: // on a full minute
			start -= start % 60
		case 1: // at an edge of a period or of the day
			_, second := wall(start)
			edges := []int64{0, 6, 17, 18, 24, 26, 34, 35}
			start += edges[rnd.IntN(len(edges))]*1800 - second
		}
		o.plan, o.kept = oraclePlans[rnd.IntN(len(oraclePlans))], map[int64]*oracleDay{}
		clock := Clocks[rnd.IntN(len(Clocks))]
		byClock[clock]++
		limit := rnd.Int64N(13)
		if clock == UrgentHour || clock == WorkingHour {
			limit = rnd.Int64N(60)
		}
		var pauses []oraclePause
		for at := start - 3600; rnd.IntN(2) == 0 && len(pauses) < 4; {
			p := oraclePause{from: at + rnd.Int64N(2*secondsADay)}
			p.to = p.from + 1 + rnd.Int64N(2*secondsADay)
			at = p.to
			if rnd.IntN(8) == 0 {
				p.to = 0
			}
			pauses = append(pauses, p)
			if p.to == 0 {
				open++
				break
			}
		}

		var due int64
		var ok bool
		switch clock {
		case UrgentHour:
			due, ok = o.running(true, start, limit*3600, pauses)
		case NaturalDay:
			due, ok = o.running(true, start, limit*secondsADay, pauses)
		case WorkingHour:
			due, ok = o.running(false, start, limit*3600, pauses)
		case WorkingDay:
			due, ok = o.running(false, start, limit*o.nominal(start), pauses)
		case StatutoryDay:
			due, ok = o.wholeDays(false, start, limit, pauses)
		case StatutoryWorkingDay:
			due, ok = o.wholeDays(true, start, limit, pauses)
		}
		if len(pauses) > 0 && pauses[len(pauses)-1].to == 0 {
			ok = false // while a clock is paused due is empty
		}
		want := Answer{}
		if ok {
			text := time.Unix(due+eightHours, 0).UTC().Format("2006-01-02T15:04:05") + "+08:00"
			want.Due = &text
			last := due
			if due > start {
				last--
			}
			lastDay, _ := wall(last)
			want.Provisional = clock != UrgentHour && clock != NaturalDay && dateText(lastDay) > fmt.Sprint(lastListed, "-12-31")
			if want.Provisional {
				late++
			}
		}

		line := oracleLine(o.plan, clock, limit, start, pauses)
		q, err := ParseQuestion([]byte(line))
		if err != nil {
			t.Fatalf("%s\n refused: %v", line, err)
		}
		got, err := responder.Answer(q)
		if err != nil {
			t.Fatalf("%s\n refused: %v", line, err)
		}
		if show(got) != show(want) {
			t.Fatalf("case %d near %s %s\n%s\n got  %s\n want %s", n, anchor, o.names[anchor], line, show(got), show(want))
		}
	}
	if len(met) != len(anchors) {
		t.Fatalf("met %d of %d dates: too few cases", len(met), len(anchors))
	}
	t.Logf("%d cases around %d dates, by clock %v, %d with an open pause, %d provisional", cases, len(anchors), byClock, open, late)
}

// nominal is the sum of the periods of the plan on the date of the start.
func (o *oracle) nominal(start int64) int64 {
	day, _ := wall(start)
	date, p := dateText(day), o.plan[0]
	for _, q := range o.plan {
		if q.from <= date {
			p = q
		}
	}
	sum := int64(0)
	for i := range 1440 {
		for _, span := range p.periods {
			if span[0] <= minuteTexts[i] && minuteTexts[i] < span[1] {
				sum += 60
			}
		}
	}
	return sum
}

func show(a Answer) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return string(b)
}
