package figures

import (
	"fmt"
	"math"
	"strings"

	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/words"
)

// shownMeasures are the counts of a table on the screen and in a file; what else
// is counted shows where it is asked for.
var shownMeasures = []Measure{Reported, Accepted, Refused, Filed, Dispatched, Settled, Done, Closed, ClosedLate, Overdue, Returned, Reworked,
	Reopened, Withdrawn, Voided, Merged, Approved, Declined, Given, Corrected, Objected, Appealed}

// sheetOf is the table as a file shows it: a line each row, a line of totals, the
// earlier periods, then what the reader must know of it. Shares stand as part,
// base and per cent; a share without a base is left empty and never 0.
func (f *Figures) sheetOf(t Table, q Question, place string, key func(Row) string, l words.Language) (columns []string, rows [][]sheet.Cell) {
	say := func(k string, args map[string]any) string { return f.words.Say(l, k, args) }
	columns = []string{say("figures.by."+string(q.plain().Cut)+"_name", nil)}
	for _, m := range shownMeasures {
		columns = append(columns, say("figures.measure."+string(m), nil))
	}
	for _, r := range Rates {
		name := say("figures.rate."+r.Key, nil)
		columns = append(columns, say("figures.export.part", map[string]any{"rate": name}), say("figures.export.base", map[string]any{"rate": name}))
		if r.Mean {
			columns = append(columns, name)
		} else {
			columns = append(columns, name+" (%)")
		}
	}
	line := func(name string, counts map[Measure]int64, rates map[string]Ratio) {
		cells := []sheet.Cell{sheet.T(name)}
		for _, m := range shownMeasures {
			cells = append(cells, sheet.I(counts[m]))
		}
		for _, r := range Rates {
			v := rates[r.Key]
			cells = append(cells, sheet.I(v.Part), sheet.I(v.Base))
			switch {
			case v.Value == nil:
				cells = append(cells, sheet.T(say("figures.export.no_data", nil)))
			case r.Mean:
				cells = append(cells, sheet.N(math.Round(*v.Value*100)/100))
			default:
				cells = append(cells, sheet.N(math.Round(*v.Value*1000)/10))
			}
		}
		rows = append(rows, cells)
	}
	for _, r := range t.Rows {
		line(key(r), r.Counts, r.Rates)
	}
	line(say("figures.export.total", nil), t.Totals, t.Rates)
	for _, e := range t.Earlier {
		name := say("figures.export."+e.Kind, map[string]any{"from": e.From, "to": e.To})
		if e.Known == None {
			rows = append(rows, []sheet.Cell{sheet.T(name), sheet.T(say("figures.export.no_data", nil))})
			continue
		}
		if e.Known == Part {
			name += " " + say("figures.export.partly", map[string]any{"begins": t.Begins})
		}
		line(name, e.Totals, e.Rates)
	}
	note := func(k, text string) {
		rows = append(rows, []sheet.Cell{sheet.T(say(k, nil)), sheet.T(text)})
	}
	rows = append(rows, nil)
	if len(t.Stages) > 0 {
		rows = append(rows, []sheet.Cell{sheet.T(say("figures.export.stage", nil)), sheet.T(say("figures.export.times", nil)),
			sheet.T("p50 (h)"), sheet.T("p90 (h)"), sheet.T("p95 (h)")})
		for _, s := range t.Stages {
			hours := func(ms int64) sheet.Cell { return sheet.N(math.Round(float64(ms)/36_000) / 100) }
			rows = append(rows, []sheet.Cell{sheet.T(say("figures.stage_name."+s.Stage, nil)), sheet.I(s.N), hours(s.MedianMS), hours(s.P90MS), hours(s.P95MS)})
		}
		rows = append(rows, nil)
	}
	note("figures.export.period", t.From+" – "+t.To)
	note("figures.export.scope", place)
	note("figures.export.as_of", t.AsOf.In(f.zone.Location).Format("2006-01-02 15:04:05 -07:00"))
	note("figures.export.folded", t.Folded.In(f.zone.Location).Format("2006-01-02 15:04:05 -07:00"))
	note("figures.export.secrecy", say("figures.export.secrecy_is", nil))
	note("figures.export.day", say("figures.export.day_is", nil))
	for _, r := range Rates {
		rows = append(rows, []sheet.Cell{sheet.T(say("figures.rate."+r.Key, nil)), sheet.T(say("figures.rate."+r.Key+".is", nil))})
	}
	return columns, rows
}

// fileName is how a table is called when it is saved.
func fileName(q Question, format sheet.Format) string {
	return fmt.Sprintf("figures-%s-%s-%s.%s", strings.ToLower(string(q.plain().Cut)), Date(q.From), Date(q.To), format)
}
