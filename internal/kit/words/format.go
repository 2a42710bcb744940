package words

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The forms of numbers, times and durations follow look/LOOK.md section 3:
// thousands with a comma, minus as −, durations as the two largest units, days
// near today by their names.

// formats are the forms a placeholder may ask for; "" goes by the type.
var formats = map[string]func(Language, any) string{
	"":          plain,
	"number":    plain,
	"duration":  func(l Language, v any) string { return asDuration(l, v, Duration) },
	"remaining": func(l Language, v any) string { return asDuration(l, v, Remaining) },
	"date":      func(l Language, v any) string { return asTime(l, v, Date) },
	"time":      func(l Language, v any) string { return asTime(l, v, DateTime) },
}

func plain(l Language, v any) string {
	switch x := v.(type) {
	case string:
		return x
	case Text:
		return x.In(l)
	case int:
		return Number(float64(x), 0)
	case int64:
		return Number(float64(x), 0)
	case int32:
		return Number(float64(x), 0)
	case float64:
		return Number(x, -1)
	case json.Number:
		if f, err := x.Float64(); err == nil {
			return Number(f, -1)
		}
		return x.String()
	case time.Duration:
		return Duration(l, x)
	case time.Time:
		return DateTime(l, x, time.Time{})
	case []string:
		return join(l, x)
	case fmt.Stringer:
		return x.String()
	default:
		return fmt.Sprint(v)
	}
}

func join(l Language, items []string) string {
	if l == English {
		return strings.Join(items, ", ")
	}
	return strings.Join(items, "、")
}

// asDuration takes a duration, or a number of seconds, which is what is left of
// one in JSON.
func asDuration(l Language, v any, form func(Language, time.Duration) string) string {
	switch x := v.(type) {
	case time.Duration:
		return form(l, x)
	case int:
		return form(l, time.Duration(x)*time.Second)
	case int64:
		return form(l, time.Duration(x)*time.Second)
	case float64:
		return form(l, time.Duration(x*float64(time.Second)))
	default:
		return plain(l, v)
	}
}

// asTime takes a time, or its RFC 3339 text, which is what is left of one in JSON.
func asTime(l Language, v any, form func(Language, time.Time, time.Time) string) string {
	switch x := v.(type) {
	case time.Time:
		return form(l, x, time.Time{})
	case string:
		if t, err := time.Parse(time.RFC3339, x); err == nil {
			return form(l, t, time.Time{})
		}
	}
	return plain(l, v)
}

// Number writes a number with thousands separated by a comma and a real minus;
// decimals is the fixed number of decimals, or -1 for as many as it needs, three
// at most.
func Number(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', max(decimals, -1), 64)
	if decimals < 0 {
		s = strconv.FormatFloat(math.Abs(v), 'f', 3, 64)
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if v < 0 && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

type unit struct {
	size             time.Duration
	chinese, english string
}

var units = []unit{
	{24 * time.Hour, "天", "d"},
	{time.Hour, "时", "h"},
	{time.Minute, "分", "min"},
	{time.Second, "秒", "s"},
}

// Duration writes a span as its two largest units: 1 天 2 时, 1 d 2 h. What is
// smaller is cut off, so that a time left never reads longer than it is.
func Duration(l Language, d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "−", -d
	}
	for i, u := range units {
		if d < u.size && i < len(units)-1 {
			continue
		}
		s := sign + amount(l, int64(d/u.size), u)
		if rest := d % u.size; i+1 < len(units) {
			if n := int64(rest / units[i+1].size); n > 0 {
				s += " " + amount(l, n, units[i+1])
			}
		}
		return s
	}
	return ""
}

func amount(l Language, n int64, u unit) string {
	if l == English {
		return Number(float64(n), 0) + " " + u.english
	}
	return Number(float64(n), 0) + " " + u.chinese
}

// Remaining writes the time that is left, or by how much it is over: 剩 5 小时 43
// 分, 5 h 43 min left, 超 2 天, 2 d overdue.
func Remaining(l Language, d time.Duration) string {
	switch {
	case l == English && d < 0:
		return Duration(l, -d) + " overdue"
	case l == English:
		return Duration(l, d) + " left"
	case d < 0:
		return "超 " + Duration(l, -d)
	default:
		return "剩 " + strings.Replace(Duration(l, d), " 时", " 小时", 1)
	}
}

var (
	weekdays = map[Language][]string{
		Chinese: {"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
		English: {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
	}
	near = map[Language]map[int]string{
		Chinese: {-1: "昨天", 0: "今天", 1: "明天"},
		English: {-1: "yesterday", 0: "today", 1: "tomorrow"},
	}
)

// Date writes the day of t as seen from now: today, yesterday, tomorrow, the
// weekday within six days, then the month and day, with the year when it is
// another one. Both are read in t's own zone. Without a now it is the full date.
func Date(l Language, t, now time.Time) string {
	if _, known := weekdays[l]; !known {
		l = Languages[0]
	}
	if now.IsZero() {
		if l == English {
			return t.Format("2 Jan 2006")
		}
		return t.Format("2006年1月2日")
	}
	now = now.In(t.Location())
	days := dayNumber(t) - dayNumber(now)
	if s, ok := near[l][days]; ok {
		return s
	}
	if days > -7 && days < 7 {
		return weekdays[l][t.Weekday()]
	}
	sameYear := t.Year() == now.Year()
	switch {
	case l == English && sameYear:
		return t.Format("2 Jan")
	case l == English:
		return t.Format("2 Jan 2006")
	case sameYear:
		return t.Format("1月2日")
	default:
		return t.Format("2006年1月2日")
	}
}

func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// DateTime writes the day as Date does, and the time of day.
func DateTime(l Language, t, now time.Time) string {
	return Date(l, t, now) + " " + t.Format("15:04")
}
