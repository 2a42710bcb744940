package proof_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/proof"
	"onegrid/internal/work/figures"
)

// whole carries the requests and compares what became of them with the file.
func (y *year) whole() {
	y.t.Helper()
	y.carry()
	for i, s := range y.stuck {
		if i == 5 {
			break
		}
		y.t.Errorf("did not get where it should: %s", s)
	}
	if n := len(y.stuck); n > 0 {
		y.t.Fatalf("%d requests did not get where they should", n)
	}
	rows := y.compareRows()
	walked := y.walkJournal()
	checked := y.checkFigures()
	if y.t.Failed() {
		return
	}
	p := y.page(rows, walked, checked)
	y.t.Logf("%s on %s\n%s", y.t.Name(), y.app.DB.Engine(), p.Text())
	if proof.Long() {
		if err := p.Keep(); err != nil {
			y.t.Error(err)
		}
	}
}

// pair counts the same thing in the file and in the installation.
type pair struct{ file, here int }

// compared is what the rows and the cases add up to.
type compared struct {
	open, closed, untimed pair
	items, channels       map[string]pair
	comparable, agree     int
	lateBlank             int // late here and by the file's own times; the file's flag is blank
	lateOpen              int // open ones whose deadline has passed
	listed                []string
}

// compareRows compares every row with its case.
func (y *year) compareRows() compared {
	y.t.Helper()
	out := compared{items: map[string]pair{}, channels: map[string]pair{}}
	count := func(m map[string]pair, file, here string) {
		p := m[file]
		p.file++
		m[file] = p
		p = m[here]
		p.here++
		m[here] = p
	}
	wrong := 0
	differs := func(n int, what string, file, here any) {
		if wrong++; wrong <= 10 {
			y.t.Errorf("row %d (%s): %s is %v in the file and %v here", n, y.rows[n].external, what, file, here)
		}
	}
	const batch = 2000
	for from := 0; from < len(y.rows); from += batch {
		err := y.app.DB.Read(y.ctx, func(tx *db.Tx) error {
			operator, err := y.app.Access.Operator(tx, "system")
			if err != nil {
				return err
			}
			for n := from; n < min(from+batch, len(y.rows)); n++ {
				c, err := y.app.Cases.Get(tx, operator, y.cases[n])
				if err != nil {
					return fmt.Errorf("row %d: %w", n, err)
				}
				y.compareRow(&out, n, c, differs)
				count(out.items, y.rows[n].request.Item, c.Item)
				count(out.channels, y.rows[n].request.Channel, c.Channel)
			}
			return nil
		})
		if err != nil {
			y.t.Fatal(err)
		}
	}
	if wrong > 10 {
		y.t.Errorf("and %d more", wrong-10)
	}
	for _, m := range []map[string]pair{out.items, out.channels} {
		for key, p := range m {
			if p.file != p.here {
				y.t.Errorf("%s: %d in the file and %d here", key, p.file, p.here)
			}
		}
	}
	return out
}

func (y *year) compareRow(out *compared, n int, c casework.Case, differs func(n int, what string, file, here any)) {
	s := y.rows[n]
	q := s.request
	if s.closed {
		out.closed.file++
	} else {
		out.open.file++
	}
	switch c.State {
	case casework.Closed:
		out.closed.here++
	case casework.Handling:
		out.open.here++
	}
	if s.closed != (c.State == casework.Closed) || !s.closed && c.State != casework.Handling {
		differs(n, "state", s.closed, c.State)
	}
	if q.Item != c.Item || q.Condition != "" && q.Condition != c.Condition || q.Channel != c.Channel {
		differs(n, "item or channel", []string{q.Item, q.Condition, q.Channel}, []string{c.Item, c.Condition, c.Channel})
	}
	if !c.Occurred.Equal(q.Opened) {
		differs(n, "time of opening", q.Opened, c.Occurred)
	}
	if s.closed && !c.Closed.Equal(q.Closed) {
		differs(n, "time of closing", q.Closed, c.Closed)
	}
	if q.Untimed {
		out.untimed.file++
		out.listed = append(out.listed, s.external)
	}
	untimed := c.Times != nil && c.Times.ClosedBeforeOpened
	if untimed {
		out.untimed.here++
		if !c.Closed.Equal(c.Occurred) {
			differs(n, "time of closing", c.Occurred, c.Closed)
		}
	}
	if untimed != q.Untimed {
		differs(n, "closed before opened", q.Untimed, untimed)
	}
	if !s.closed && !q.Due.IsZero() {
		if late := y.end().After(q.Due); late != c.Late {
			differs(n, "late while open", late, c.Late)
		} else if late {
			out.lateOpen++
		}
	}
	if !s.comparable() {
		return
	}
	out.comparable++
	late := q.Closed.After(q.Due)
	switch {
	case c.Late != late:
		differs(n, "late by its own times", late, c.Late)
	case c.Late == (s.flag == "late"):
		out.agree++
	case late && s.flag == "":
		out.lateBlank++
	default:
		differs(n, "flag", s.flag, c.Late)
	}
}

// walk is what the journal was found to be.
type walk struct {
	entries int64
	kinds   map[string]int
	ends    map[string]int // states in which cases and tasks stand at the end
	untimed int            // cases whose acts are kept out of time statistics
	marked  int            // cases whose handling clock the sweeper marked late
	closed  int            // case.close
	late    int            // case.close that says that handling was late
}

// place is where the walk of one case or task stands.
type place struct {
	flow    catalog.Flow
	state   casework.State
	late    bool
	untimed bool
}

// walkJournal walks the flow tables over the whole journal: every act of every
// case must be a move of its flow from where the case stood.
func (y *year) walkJournal() walk {
	y.t.Helper()
	w := walk{kinds: map[string]int{}, ends: map[string]int{}}
	at := map[id.ID]place{}
	wrong := 0
	for head := int64(0); ; {
		var part []journal.Entry
		err := y.app.DB.Read(y.ctx, func(tx *db.Tx) (err error) {
			part, err = journal.Since(tx, head, 2000)
			return err
		})
		if err != nil {
			y.t.Fatal(err)
		}
		if len(part) == 0 {
			break
		}
		for _, e := range part {
			if e.Number != head+1 {
				y.t.Fatalf("entry %d follows entry %d", e.Number, head)
			}
			head = e.Number
			w.entries++
			if err := w.take(at, e); err != nil {
				if wrong++; wrong <= 10 {
					y.t.Errorf("entry %d, %s of %s: %v", e.Number, e.Kind, e.Subject, err)
				}
			}
		}
	}
	if wrong > 10 {
		y.t.Errorf("and %d more", wrong-10)
	}
	for _, p := range at {
		w.ends[string(p.flow)+" "+string(p.state)]++
		if p.late {
			w.marked++
		}
		if p.untimed && p.flow == catalog.Handling {
			w.untimed++
		}
	}
	for n, v := range y.cases {
		want := casework.Handling
		if y.rows[n].closed {
			want = casework.Closed
		}
		if at[v].state != want {
			y.t.Errorf("row %d: its journal ends in %s", n, at[v].state)
		}
		// Whoever was late for longer than the sweeper looks away was marked by it
		// while it was under way.
		q := y.rows[n].request
		if y.rows[n].comparable() && q.Opened.Before(q.Due) && q.Closed.Sub(q.Due) > y.sweepEvery() && !at[v].late {
			y.t.Errorf("row %d (%s) was late for %s and the sweeper did not mark it", n, y.rows[n].external, q.Closed.Sub(q.Due))
		}
	}
	return w
}

// take walks one entry.
func (w *walk) take(at map[id.ID]place, e journal.Entry) error {
	w.kinds[e.Kind]++
	room, act, _ := strings.Cut(e.Kind, ".")
	if room != "case" && room != "task" {
		return nil
	}
	var f casework.ActFacts
	raw, ok := e.Facts.(json.RawMessage)
	if !ok {
		return fmt.Errorf("no facts")
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	p, known := at[e.Subject]
	if !known {
		if act != "report" && act != "open" {
			return fmt.Errorf("its first act")
		}
		flow, ok := casework.FlowOf(catalog.Flow(f.Flow))
		if !ok {
			return fmt.Errorf("no flow %q", f.Flow)
		}
		begin, _ := flow.Move("report")
		if !slices.Contains(begin.To, casework.State(f.To)) {
			return fmt.Errorf("begins in %s", f.To)
		}
		at[e.Subject] = place{flow: flow.Key, state: casework.State(f.To), untimed: f.Untimed}
		return nil
	}
	flow, _ := casework.FlowOf(p.flow)
	move, ok := flow.Move(act)
	switch {
	case !ok: // a note about the case: it stays where it is
		if f.From != f.To || f.From != "" && casework.State(f.From) != p.state {
			return fmt.Errorf("stands in %s and says from %q to %q", p.state, f.From, f.To)
		}
		if act == "late" {
			switch p.state {
			case casework.Dispatched, casework.Taken, casework.Handling:
				p.late = p.late || p.flow == catalog.Handling
				at[e.Subject] = p
			}
		}
		return nil
	case act == "report":
		return fmt.Errorf("begins a second time")
	case casework.State(f.From) != p.state:
		return fmt.Errorf("stands in %s and says from %q", p.state, f.From)
	case !slices.Contains(move.From, p.state):
		return fmt.Errorf("not from %s", p.state)
	case move.Pick != nil && f.To == f.From: // declined, or somebody was told: it stays
	case len(move.To) == 0 && f.To != f.From, len(move.To) > 0 && !slices.Contains(move.To, casework.State(f.To)):
		return fmt.Errorf("not to %s", f.To)
	}
	p.state = casework.State(f.To)
	at[e.Subject] = p
	if e.Kind == "case.close" {
		w.closed++
		if f.Late {
			w.late++
		}
	}
	return nil
}

// checked is what the figures and the seals were found to be.
type checked struct {
	folded                    int64
	reported, closed, late    int64
	handled                   int64 // handling times that the time statistics hold
	verified, groups          int64
	recomputeTook, verifyTook time.Duration
	size                      int64
}

// checkFigures folds the whole journal anew, compares, asks for the year's
// totals, and verifies the journal.
func (y *year) checkFigures() checked {
	y.t.Helper()
	var c checked
	began := time.Now()
	differences, entries, err := y.app.Figures.Recompute(y.ctx, false, nil)
	if err != nil {
		y.t.Fatal(err)
	}
	c.folded, c.recomputeTook = entries, time.Since(began)
	for i, d := range differences {
		if i < 10 {
			y.t.Errorf("figure %s: stored %d, the journal adds up to %d", d.Cell, d.Stored, d.True)
		}
	}
	zone := figures.Zone{Location: y.app.Zone}
	err = y.app.DB.Read(y.ctx, func(tx *db.Tx) error {
		snapshot, err := y.app.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		table, err := y.app.Figures.Answer(tx, figures.Question{Node: snapshot.HubID(), Cube: figures.ByItem,
			From: zone.Day(y.rows[0].request.Opened), To: zone.Day(y.end())})
		if err != nil {
			return err
		}
		c.reported, c.closed, c.late = table.Totals[figures.Reported], table.Totals[figures.Closed], table.Totals[figures.ClosedLate]
		for _, s := range table.Stages {
			if s.Stage == "handle" {
				c.handled = s.N
			}
		}
		return nil
	})
	if err != nil {
		y.t.Fatal(err)
	}
	if c.reported != int64(len(y.rows)) {
		y.t.Errorf("the figures count %d reports of %d requests", c.reported, len(y.rows))
	}
	began = time.Now()
	report, err := journal.Verify(y.ctx, y.app.DB, nil, nil)
	if err != nil {
		y.t.Fatal(err)
	}
	if !report.OK() {
		y.t.Errorf("the journal does not verify: %+v", report.Problems)
	}
	c.verified, c.groups, c.verifyTook = report.Entries, report.Groups, time.Since(began)
	if info, err := os.Stat(strings.TrimPrefix(y.app.DB.DSN(), "sqlite:")); err == nil {
		c.size = info.Size()
	}
	return c
}

// page writes down what was found.
func (y *year) page(r compared, w walk, c checked) *proof.Page {
	if int64(r.closed.here) != c.closed || w.closed != r.closed.here || w.untimed != r.untimed.here {
		y.t.Errorf("closed: %d cases, %d in the figures, %d in the journal; untimed %d and %d", r.closed.here, c.closed, w.closed, r.untimed.here, w.untimed)
	}
	if c.handled != int64(r.closed.here-r.untimed.here) {
		y.t.Errorf("%d handling times are in the statistics, of %d closed and %d untimed cases", c.handled, r.closed.here, r.untimed.here)
	}
	p := proof.NewPage("requests", "Real requests carried to their final state", y.took)
	p.Say("%d real service requests, each taken in and carried by the people of the demo district through the service methods, with each one's own rights, under a clock that moves through their time; the sweeper looks every %s of that time. Engine: %s.",
		len(y.rows), y.sweepEvery(), y.app.DB.Engine())
	n := func(v any) string { return fmt.Sprint(v) }
	p.Table([]string{"carried", ""},
		[]string{"commands", n(y.commands)}, []string{"commands/s (one after the other, all work of the run included)", fmt.Sprintf("%.0f", float64(y.commands)/y.took.Seconds())},
		[]string{"transactions", n(y.groups)}, []string{"sweeps", n(y.sweeps)}, []string{"clocks the sweeper found late", n(y.swept.Late)},
		[]string{"cases that followed a vacancy", n(y.swept.Moved)}, []string{"tried again after a stand-in's time was over", n(y.again)},
		[]string{"database", fmt.Sprintf("%d MB", c.size>>20)})
	p.Table([]string{"row for row", "file", "here"},
		[]string{"requests", n(len(y.rows)), n(c.reported)}, []string{"closed", n(r.closed.file), n(r.closed.here)}, []string{"open", n(r.open.file), n(r.open.here)},
		[]string{"handling times in the statistics", n(r.closed.file - r.untimed.file), n(c.handled)},
		[]string{"closed before they were opened: closed at their open time, listed below, in no time statistics", n(r.untimed.file), n(r.untimed.here)})
	p.Table([]string{"lateness", "rows"},
		[]string{"closed with a deadline, not closed before opened", n(r.comparable)}, []string{"the file's flag and ours agree", n(r.agree)},
		[]string{"late by the file's own times, its flag is blank", n(r.lateBlank)}, []string{"other differences", n(r.comparable - r.agree - r.lateBlank)},
		[]string{"open ones whose given deadline has passed, marked late", n(r.lateOpen)}, []string{"cases that the sweeper marked late while they were being handled", n(w.marked)})
	p.Table([]string{"journal", ""},
		[]string{"entries, each a legal step of its flow", n(w.entries)}, []string{"numbers without a gap", "yes"},
		[]string{"figures recomputed from the journal", fmt.Sprintf("equal (%d entries, %s)", c.folded, c.recomputeTook.Round(time.Second))},
		[]string{"verified", fmt.Sprintf("%d entries, %d seals, %s", c.verified, c.groups, c.verifyTook.Round(time.Second))})
	var rows [][]string
	for _, k := range slices.Sorted(maps.Keys(w.ends)) {
		rows = append(rows, []string{k, n(w.ends[k])})
	}
	p.Table([]string{"flow and state at the end", "cases and tasks"}, rows...)
	rows = nil
	for _, k := range slices.Sorted(maps.Keys(w.kinds)) {
		rows = append(rows, []string{k, n(w.kinds[k])})
	}
	p.Table([]string{"act", "entries"}, rows...)
	for _, part := range []struct {
		name string
		of   map[string]pair
	}{{"channel", r.channels}, {"item", r.items}} {
		rows = nil
		for _, k := range slices.Sorted(maps.Keys(part.of)) {
			rows = append(rows, []string{k, n(part.of[k].file), n(part.of[k].here)})
		}
		p.Table([]string{part.name, "file", "here"}, rows...)
	}
	p.Say("Closed before they were opened: %s.", strings.Join(r.listed, ", "))
	return p
}
