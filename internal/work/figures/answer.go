package figures

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Cut is what the rows of a table are (分组).
type Cut string

// The cuts.
const (
	CutItem     Cut = "item"     // 事项
	CutChannel  Cut = "channel"  // 来源
	CutUnit     Cut = "unit"     // 承办单位
	CutStreet   Cut = "street"   // 街道
	CutPlatform Cut = "platform" // 村居平台
	CutGrid     Cut = "grid"     // 网格
)

// at is the node of a place at a cut's level.
func (c Cut) at(n journal.Nodes) id.ID {
	switch c {
	case CutStreet:
		return n.Street
	case CutPlatform:
		return n.Platform
	case CutGrid:
		return n.Grid
	}
	return id.ID{}
}

func (c Cut) level() bool { return c == CutStreet || c == CutPlatform || c == CutGrid }

// Question asks for the figures of one node (or unit) over a span of days.
type Question struct {
	Node     id.ID
	Taken    []id.ID // what the node inherited: counted with it
	Cube     Cube    // rows by item or channel, or by the items of the unit that Node is
	Cut      Cut     // rows by something else than Cube says
	From, To int64   // days, both included

	// Narrower (下钻).
	Item, Channel string
	Unit          id.ID
	At            id.ID // a node of any level, within Node
	Without       Cut   // only acts without a node at this level, or without a unit

	// Most is the most confidential matter that counts; all when nil.
	Most *journal.Secrecy
}

// plain turns the older way to ask for a unit into the one that is worked with.
func (q Question) plain() Question {
	if q.Cut == "" {
		q.Cut = CutItem
		switch q.Cube {
		case ByChannel:
			q.Cut = CutChannel
		case ByUnit:
			q.Unit, q.Node, q.Taken = q.Node, id.ID{}, nil
		}
	}
	return q
}

// nodes are the node asked for and what it inherited. An act counts at one node
// of each level, so none is counted twice. None at all means the whole district.
func (q Question) nodes() []id.ID {
	if q.Node.IsZero() {
		return nil
	}
	return append([]id.ID{q.Node}, q.Taken...)
}

// lies says whether a place is in what is asked for.
func (q Question) lies(n journal.Nodes) bool {
	if q.Without != "" && !q.Without.at(n).IsZero() {
		return false
	}
	levels := []id.ID{n.Hub, n.Street, n.Platform, n.Grid, n.Micro}
	if !q.At.IsZero() && !slices.Contains(levels, q.At) {
		return false
	}
	in := q.nodes()
	if in == nil {
		return true
	}
	return slices.ContainsFunc(levels, func(v id.ID) bool { return !v.IsZero() && slices.Contains(in, v) })
}

// takes says whether what an act was about is asked for.
func (q Question) takes(w What) bool {
	return (q.Item == "" || q.Item == w.Item) && (q.Channel == "" || q.Channel == w.Channel) && (q.Unit.IsZero() || q.Unit == w.Unit) &&
		(q.Without != CutUnit || w.Unit.IsZero()) && (q.Most == nil || w.Secrecy <= *q.Most)
}

// key is the row that an act belongs to; empty where it has no node there.
func (q Question) key(n journal.Nodes, w What) string {
	switch q.Cut {
	case CutChannel:
		return w.Channel
	case CutUnit:
		return text(w.Unit)
	case CutStreet, CutPlatform, CutGrid:
		return text(q.Cut.at(n))
	}
	return w.Item
}

func text(v id.ID) string {
	if v.IsZero() {
		return ""
	}
	return v.String()
}

// Table is the answer: totals, one row a key, the stage times, and how old it is.
type Table struct {
	From    string            `json:"from"`
	To      string            `json:"to"`
	AsOf    time.Time         `json:"as_of"`  // moment of the answer
	Folded  time.Time         `json:"folded"` // up to here the rollups were complete
	Place   Standing          `json:"place" doc:"What the figures are of"`
	Begins  string            `json:"begins,omitempty" doc:"first day of the records; absent when there are none"`
	Taken   []id.ID           `json:"inherited,omitempty" doc:"Nodes this one took over: their figures are in it"`
	Tail    int               `json:"tail"` // entries that were added to them for this answer
	Totals  map[Measure]int64 `json:"totals"`
	Rates   map[string]Ratio  `json:"rates"`
	Rows    []Row             `json:"rows"`
	Stages  []StageTime       `json:"stages"`
	NoTimes bool              `json:"no_times,omitempty" doc:"Stage times are not kept by what was asked for"`
	Earlier []Earlier         `json:"earlier,omitempty" doc:"The period before and the same a year earlier, when asked for"`
}

// Standing is a node with those above it that the reader may count too (所在层级).
type Standing struct {
	ID    id.ID      `json:"id,omitzero"`
	Level string     `json:"level" enum:"district,street,platform,grid,unit"`
	Name  words.Text `json:"name"`
	Up    []Standing `json:"up,omitempty" doc:"The widest first"`
}

// Row is one item, channel, unit or node; without a key it is what lies at none.
type Row struct {
	Key    string            `json:"key"`
	Name   words.Text        `json:"name,omitzero" doc:"of a unit or grid"`
	Counts map[Measure]int64 `json:"counts"`
	Rates  map[string]Ratio  `json:"rates"`
}

// Earlier is an earlier period to compare with (同比、环比).
type Earlier struct {
	Kind   string            `json:"kind" enum:"before,year"`
	From   string            `json:"from"`
	To     string            `json:"to"`
	Known  Known             `json:"known" enum:"whole,part,none"`
	Totals map[Measure]int64 `json:"totals"`
	Rates  map[string]Ratio  `json:"rates"`
	Rows   []Row             `json:"rows"`
}

// StageTime is how long a stage took: median and percentiles of n cases, with
// the error of a bucket (at most 5 %).
type StageTime struct {
	Stage    string `json:"stage"`
	N        int64  `json:"n"`
	MedianMS int64  `json:"median_ms"`
	P90MS    int64  `json:"p90_ms"`
	P95MS    int64  `json:"p95_ms"`
}

// tailLimit bounds what a read folds itself; a longer tail only shows as age.
const tailLimit = 2000

// reading is what one answer is read from: the rollups up to the cursor and the
// acts that are not folded yet.
type reading struct {
	tx     *db.Tx
	at     cursor
	tail   Tally
	length int
	places map[int64]journal.Nodes
}

func (f *Figures) read(tx *db.Tx) (*reading, error) {
	at, err := readCursor(tx)
	if err != nil {
		return nil, err
	}
	entries, err := journal.Since(tx, at.Number, tailLimit)
	if err != nil {
		return nil, err
	}
	r := &reading{tx: tx, at: at, tail: NewTally(), length: len(entries)}
	if len(entries) < tailLimit {
		if r.tail, err = tallyOf(f.zone, entries); err != nil {
			return nil, err
		}
	}
	r.places, err = places(tx)
	return r, err
}

// Answer reads the figures and adds the part of the journal that is not folded.
// Code: figures.span.
func (f *Figures) Answer(tx *db.Tx, q Question) (Table, error) {
	return f.answer(tx, q, false)
}

// Compared is Answer with the period before and the same a year earlier.
func (f *Figures) Compared(tx *db.Tx, q Question) (Table, error) {
	return f.answer(tx, q, true)
}

func (f *Figures) answer(tx *db.Tx, q Question, compare bool) (Table, error) {
	asked := Period{q.From, q.To}
	if q.To < q.From || q.To-q.From > 3660 {
		return Table{}, ErrSpan
	}
	taken := q.Taken
	q = q.plain()
	r, err := f.read(tx)
	if err != nil {
		return Table{}, err
	}
	t := Table{From: Date(q.From), To: Date(q.To), AsOf: tx.Now(), Folded: r.at.At, Tail: r.length, Taken: taken, Rows: []Row{}, Stages: []StageTime{}}
	if t.Totals, t.Rows, err = r.table(q); err != nil {
		return t, err
	}
	t.Rates = ratios(t.Totals)
	if t.Stages, t.NoTimes, err = r.stages(q); err != nil {
		return t, err
	}
	begins, any, err := r.begins(q.Most)
	if err != nil {
		return t, err
	}
	if any {
		t.Begins = Date(begins)
	}
	if !compare {
		return t, nil
	}
	for _, e := range []struct {
		kind   string
		period Period
	}{{"before", asked.Before()}, {"year", asked.YearBefore()}} {
		earlier := Earlier{Kind: e.kind, From: Date(e.period.From), To: Date(e.period.To), Known: e.period.known(begins, any), Rows: []Row{}, Totals: map[Measure]int64{}}
		if earlier.Known != None {
			q.From, q.To = e.period.From, e.period.To
			if earlier.Totals, earlier.Rows, err = r.table(q); err != nil {
				return t, err
			}
		}
		earlier.Rates = ratios(earlier.Totals)
		t.Earlier = append(t.Earlier, earlier)
	}
	return t, nil
}

// table gives the totals and the rows of a plain question.
func (r *reading) table(q Question) (map[Measure]int64, []Row, error) {
	rows, err := r.rows(q)
	if err != nil {
		return nil, nil, err
	}
	totals := map[Measure]int64{}
	out := []Row{}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		for m, n := range rows[key] {
			totals[m] += n
		}
		out = append(out, Row{Key: key, Counts: rows[key], Rates: ratios(rows[key])})
	}
	return totals, out, nil
}

// rows counts by the cut of a question. The rollups answer what they are made
// for; any other combination is counted from the acts.
func (r *reading) rows(q Question) (map[string]map[Measure]int64, error) {
	rows, ok, err := r.rolled(q)
	if err == nil && !ok {
		rows, err = r.counted(q)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range r.tail.Acts {
		if a.Day >= q.From && a.Day <= q.To && q.lies(a.Place) && q.takes(a.What) {
			add(rows, q.key(a.Place, a.What), a.Measures, 1)
		}
	}
	return rows, nil
}

// add counts n acts with these measures. An act that only ended a stage makes no
// row.
func add(rows map[string]map[Measure]int64, key string, mask, n int64) {
	if mask == 0 {
		return
	}
	if rows[key] == nil {
		rows[key] = map[Measure]int64{}
	}
	for i, m := range bits {
		if mask>>i&1 == 1 {
			rows[key][m] += n
		}
	}
	if stars := mask >> starShift; stars > 0 {
		rows[key][Stars] += stars * n
	}
}

// rolled answers from the rollups; ok is false when they can't.
func (r *reading) rolled(q Question) (rows map[string]map[Measure]int64, ok bool, err error) {
	if q.Without != "" || !q.At.IsZero() {
		return nil, false, nil
	}
	cube, key, nodes := ByItem, q.Item, q.nodes()
	whole := nodes == nil || len(nodes) == 1 && r.hub(nodes[0])
	if nodes == nil {
		nodes = r.hubs()
	}
	byNode := false
	switch {
	case !q.Unit.IsZero():
		if !whole || q.Channel != "" || q.Cut != CutItem {
			return nil, false, nil
		}
		cube, nodes = ByUnit, []id.ID{q.Unit}
	case q.Cut == CutItem:
		if q.Channel != "" {
			return nil, false, nil
		}
	case q.Cut == CutChannel:
		if q.Item != "" {
			return nil, false, nil
		}
		cube, key = ByChannel, q.Channel
	case q.Cut == CutUnit:
		if !whole || q.Channel != "" {
			return nil, false, nil
		}
		// Whoever acted without a unit stands in no rollup of units.
		units, complete, err := r.units(q)
		if err != nil || !complete {
			return nil, false, err
		}
		cube, nodes, byNode = ByUnit, units, true
	default:
		below, exact := r.below(q)
		if !exact || q.Item != "" && q.Channel != "" {
			return nil, false, nil
		}
		if nodes, byNode = below, true; q.Channel != "" {
			cube, key = ByChannel, q.Channel
		}
	}
	rows = map[string]map[Measure]int64{}
	for chunk := range slices.Chunk(nodes, 200) {
		args := []any{int64(cube), q.From, q.To}
		sql := `SELECT node, key, measure, CAST(SUM(n) AS BIGINT) FROM fig_count WHERE cube = $1 AND day >= $2 AND day <= $3 AND node IN ` + in(&args, chunk)
		if key != "" {
			args = append(args, key)
			sql += fmt.Sprintf(` AND key = $%d`, len(args))
		}
		if q.Most != nil {
			args = append(args, int64(*q.Most))
			sql += fmt.Sprintf(` AND secrecy <= $%d`, len(args))
		}
		if err := scanRolled(r.tx, rows, byNode, sql+` GROUP BY node, key, measure`, args); err != nil {
			return nil, false, err
		}
	}
	return rows, true, nil
}

func scanRolled(tx *db.Tx, into map[string]map[Measure]int64, byNode bool, sql string, args []any) error {
	found, err := tx.Query(sql, args...)
	if err != nil {
		return fmt.Errorf("read counts: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var node id.ID
		var k, measure string
		var n int64
		if err := found.Scan(&node, &k, &measure, &n); err != nil {
			return fmt.Errorf("read counts: %w", err)
		}
		if byNode {
			k = node.String()
		}
		if into[k] == nil {
			into[k] = map[Measure]int64{}
		}
		into[k][Measure(measure)] += n
	}
	return found.Err()
}

// hub says whether a node is the district's.
func (r *reading) hub(v id.ID) bool { return slices.Contains(r.hubs(), v) }

func (r *reading) hubs() []id.ID {
	var out []id.ID
	for _, n := range r.places {
		if !n.Hub.IsZero() && !slices.Contains(out, n.Hub) {
			out = append(out, n.Hub)
		}
	}
	return out
}

// below lists the nodes of the cut's level within what is asked for; exact is
// false where some act has none there, or a node lay elsewhere at another time:
// its rollup would count what does not belong here.
func (r *reading) below(q Question) (out []id.ID, exact bool) {
	inside, outside := map[id.ID]bool{}, map[id.ID]bool{}
	for _, n := range r.places {
		v := q.Cut.at(n)
		if !q.lies(n) {
			outside[v] = true
			continue
		}
		if v.IsZero() {
			return nil, false
		}
		inside[v] = true
	}
	for v := range inside {
		if outside[v] {
			return nil, false
		}
		out = append(out, v)
	}
	slices.SortFunc(out, id.ID.Compare)
	return out, true
}

// units lists the units that acted; complete is false where somebody without a
// unit did.
func (r *reading) units(q Question) (out []id.ID, complete bool, err error) {
	about, err := whats(r.tx)
	if err != nil {
		return nil, false, err
	}
	complete = true
	for _, w := range about {
		if !q.takes(w) {
			continue
		}
		if w.Unit.IsZero() {
			complete = false
		} else if !slices.Contains(out, w.Unit) {
			out = append(out, w.Unit)
		}
	}
	return out, complete, nil
}

// placesOf are the keys of the places that are asked for.
func (r *reading) placesOf(q Question) []int64 {
	var out []int64
	for key, n := range r.places {
		if q.lies(n) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// counted answers from the acts themselves.
func (r *reading) counted(q Question) (map[string]map[Measure]int64, error) {
	about, err := whats(r.tx)
	if err != nil {
		return nil, err
	}
	rows := map[string]map[Measure]int64{}
	for chunk := range slices.Chunk(r.placesOf(q), 200) {
		args := []any{q.From, q.To}
		found, err := r.tx.Query(`SELECT place, what, measures, COUNT(*) FROM fig_act WHERE day >= $1 AND day <= $2 AND place IN `+in(&args, chunk)+
			` GROUP BY place, what, measures`, args...)
		if err != nil {
			return nil, fmt.Errorf("count acts: %w", err)
		}
		for found.Next() {
			var place, what, mask, n int64
			if err := found.Scan(&place, &what, &mask, &n); err != nil {
				return nil, errors.Join(fmt.Errorf("count acts: %w", err), found.Close())
			}
			if w := about[what]; q.takes(w) {
				add(rows, q.key(r.places[place], w), mask, n)
			}
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil {
			return nil, fmt.Errorf("count acts: %w", err)
		}
	}
	return rows, nil
}

// stages reads the stage times of a question; none is true when they are not kept
// by what it asks for.
func (r *reading) stages(q Question) (list []StageTime, none bool, err error) {
	list = []StageTime{}
	cube, nodes := ByItem, q.nodes()
	whole := nodes == nil || len(nodes) == 1 && r.hub(nodes[0])
	if nodes == nil {
		nodes = r.hubs()
	}
	if !q.Unit.IsZero() {
		cube, nodes = ByUnit, []id.ID{q.Unit}
		none = !whole
	}
	if none = none || q.Channel != "" || q.Without != "" || !q.At.IsZero(); none {
		return list, true, nil
	}
	buckets := map[string]map[int64]int64{}
	note := func(stage string, bucket, n int64) {
		if buckets[stage] == nil {
			buckets[stage] = map[int64]int64{}
		}
		buckets[stage][bucket] += n
	}
	if len(nodes) > 0 {
		args := []any{int64(cube), q.From, q.To}
		sql := `SELECT stage, bucket, CAST(SUM(n) AS BIGINT) FROM fig_time WHERE cube = $1 AND day >= $2 AND day <= $3 AND node IN ` + in(&args, nodes)
		if q.Item != "" {
			args = append(args, q.Item)
			sql += fmt.Sprintf(` AND item = $%d`, len(args))
		}
		if q.Most != nil {
			args = append(args, int64(*q.Most))
			sql += fmt.Sprintf(` AND secrecy <= $%d`, len(args))
		}
		found, err := r.tx.Query(sql+` GROUP BY stage, bucket`, args...)
		if err != nil {
			return nil, false, fmt.Errorf("read stage times: %w", err)
		}
		defer found.Close()
		for found.Next() {
			var stage string
			var bucket, n int64
			if err := found.Scan(&stage, &bucket, &n); err != nil {
				return nil, false, fmt.Errorf("read stage times: %w", err)
			}
			note(stage, bucket, n)
		}
		if err := found.Err(); err != nil {
			return nil, false, fmt.Errorf("read stage times: %w", err)
		}
	}
	asked := q.nodes()
	for c, n := range r.tail.Times {
		here := c.Cube == cube && (slices.Contains(nodes, c.Node) || cube == ByItem && asked == nil && r.hub(c.Node))
		if here && c.Day >= q.From && c.Day <= q.To && (q.Item == "" || q.Item == c.Item) && (q.Most == nil || c.Secrecy <= *q.Most) {
			note(c.Stage, c.Bucket, n)
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(buckets)) {
		s := StageTime{Stage: stage}
		for _, n := range buckets[stage] {
			s.N += n
		}
		for q, into := range map[float64]*int64{0.5: &s.MedianMS, 0.9: &s.P90MS, 0.95: &s.P95MS} {
			d, _ := Quantile(buckets[stage], q)
			*into = d.Milliseconds()
		}
		list = append(list, s)
	}
	return list, false, nil
}

// begins is the first day of the records.
func (r *reading) begins(most *journal.Secrecy) (day int64, found bool, err error) {
	for _, hub := range r.hubs() {
		args := []any{int64(ByItem), hub}
		sql := `SELECT MIN(day) FROM fig_count WHERE cube = $1 AND node = $2`
		if most != nil {
			args = append(args, int64(*most))
			sql += ` AND secrecy <= $3`
		}
		var first *int64
		if err := r.tx.Row(sql, args...).Scan(intPointer{&first}); err != nil {
			return 0, false, fmt.Errorf("read where the records begin: %w", err)
		}
		if first != nil && (!found || *first < day) {
			day, found = *first, true
		}
	}
	for _, a := range r.tail.Acts {
		if (most == nil || a.What.Secrecy <= *most) && (!found || a.Day < day) {
			day, found = a.Day, true
		}
	}
	return day, found, nil
}

// intPointer scans a number that may be missing.
type intPointer struct{ p **int64 }

func (i intPointer) Scan(src any) error {
	if src == nil {
		*i.p = nil
		return nil
	}
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("%T is no number", src)
	}
	*i.p = &v
	return nil
}
