package casework

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Filter is what a list is cut by.
type Filter struct {
	View       string // mine, open (default), closed, all, watched
	States     []State
	Stage      string
	Item       string
	Street     id.ID
	Platform   id.ID
	Grid       id.ID
	Department id.ID
	Late, Near bool
	Channel    string
	Query      string

	inherited map[id.ID][]id.ID // what the nodes above took over; see heirsToo
}

// ErrFilter names a part of a filter that can't be.
var ErrFilter = fault.New(fault.Invalid, "case.filter")

// Cursor is where a page ended: the values of the order at its last row.
type Cursor struct {
	At     int64 `json:"a,omitempty"`
	ID     id.ID `json:"i,omitzero"`
	Serial int64 `json:"s,omitempty"` // of a search
}

// states of the views, over both flows.
var (
	openStates   = statesOf(func(a About) bool { return !a.Shut })
	closedStates = statesOf(func(a About) bool { return a.Shut })
)

func statesOf(want func(About) bool) []State {
	var out []State
	for _, f := range Flows() {
		for _, s := range f.States {
			if want(f.About[s]) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// states are those a filter asks for.
func (f Filter) states() ([]State, error) {
	var base []State
	switch f.View {
	case "", "open", "mine":
		base = openStates
	case "closed":
		base = closedStates
	case "all", "watched":
		base = append(slices.Clone(openStates), closedStates...)
	default:
		return nil, ErrFilter.At("query.view", "field.wrong")
	}
	if f.Late || f.Near {
		base = openStates
	}
	if len(f.States) > 0 {
		for _, s := range f.States {
			if !slices.Contains(openStates, s) && !slices.Contains(closedStates, s) {
				return nil, ErrFilter.At("query.state", "field.wrong")
			}
		}
		if f.View == "" || f.View == "all" {
			base = f.States
		} else {
			base = slices.DeleteFunc(slices.Clone(base), func(s State) bool { return !slices.Contains(f.States, s) })
		}
	}
	if f.Stage != "" {
		base = slices.DeleteFunc(slices.Clone(base), func(s State) bool { return !slices.Contains(stagesOf(s), f.Stage) })
	}
	return base, nil
}

// stagesOf are the stages a state can be, in either flow.
func stagesOf(s State) []string {
	var out []string
	for _, f := range Flows() {
		if a, ok := f.About[s]; ok {
			out = append(out, a.Stage)
		}
	}
	return out
}

// line is one index to read: a column, its value and a condition on top.
type line struct {
	column string
	node   id.ID
	max    journal.Secrecy
	also   string // as the index's own condition demands
	beside string // the table whose index is walked, with its name here; empty: cases itself
	within string // a column of the case that must have the value inside
	inside id.ID
}

// from is where the line's query reads, and the columns of its order there.
func (l line) from() (tables, state, at, last string) {
	if l.beside == "" {
		return "cases c", "c.state", "c.list_at", "c.id"
	}
	_, name, _ := strings.Cut(l.beside, " ")
	// CROSS: SQLite then reads the tables in this order.
	return l.beside + " CROSS JOIN cases c", name + ".state", name + ".list_at", name + ".case_id"
}

// join is what a query on cases c adds that has its cases from elsewhere.
func (l line) join() string {
	if l.beside == "" {
		return ""
	}
	_, _, _, last := l.from()
	return " JOIN " + l.beside + " ON " + last + " = c.id"
}

// where is the line's condition; $1 is the node, $2 the state, $3 the secrecy.
// within goes behind the arguments of the rest.
func (l line) where(args int) string {
	_, state, _, last := l.from()
	out := l.column + ` = $1 AND ` + state + ` = $2 AND c.secrecy <= $3` + l.also
	if l.beside != "" {
		out += ` AND c.id = ` + last
	}
	if l.within != "" {
		// Not a plain column: its own, wider index is not to be taken.
		out += fmt.Sprintf(` AND COALESCE(%[1]s, %[1]s) = $%[2]d`, l.within, args+1)
	}
	return out
}

// arguments are those of where, with others in the middle.
func (l line) arguments(s State, others ...any) []any {
	out := append([]any{l.node, s, int64(l.max)}, others...)
	if l.within != "" {
		out = append(out, l.inside)
	}
	return out
}

// wideFirst are the columns of levels, wide before narrow.
var wideFirst = []string{"c." + access.HubColumn, "c." + access.StreetColumn, "c." + access.PlatformColumn, "c." + access.GridColumn}

// narrowed lets the walks of wide nodes go along the index of the narrowest node
// or the item that a list is cut by.
func narrowed(ls []line, f Filter) []line {
	by, node := "", id.ID{}
	for column, v := range map[string]id.ID{access.StreetColumn: f.Street, access.PlatformColumn: f.Platform, access.GridColumn: f.Grid} {
		if !v.IsZero() && slices.Index(wideFirst, "c."+column) > slices.Index(wideFirst, by) {
			by, node = "c."+column, v
		}
	}
	if by == "" && !f.Department.IsZero() {
		by, node = "c."+access.DepartmentColumn, f.Department
	}
	var out []line
	for _, l := range ls {
		level := slices.Index(wideFirst, l.column)
		switch {
		case by != "" && level >= 0 && (level < slices.Index(wideFirst, by) || by == "c."+access.DepartmentColumn && level < 2):
			for _, v := range append([]id.ID{node}, f.inherited[node]...) {
				out = append(out, line{column: by, node: v, max: l.max, within: l.column, inside: l.node})
			}
		case by == "" && f.Item != "" && (level == 0 || level == 1):
			l.within, l.inside, l.column = l.column, l.node, "c.item"
			out = append(out, l)
		default:
			out = append(out, l)
		}
	}
	return out
}

// lines turns the actor's walks into indexes of this room's tables. A post on
// the route is the owner, who acts for it, who handled it, who is asked or who
// takes part.
func lines(walks []access.Walk) []line {
	var out []line
	for _, w := range walks {
		switch w.Column {
		case access.PostColumn:
			out = append(out,
				line{column: "c.post_id", node: w.Node, max: w.MaxSecrecy},
				line{column: "c.acting_post_id", node: w.Node, max: w.MaxSecrecy, also: " AND c.acting_post_id <> c.post_id"},
				line{column: "c.handler_post_id", node: w.Node, max: w.MaxSecrecy},
				line{column: "c.ask_post_id", node: w.Node, max: w.MaxSecrecy},
				line{column: "s.post_id", node: w.Node, max: w.MaxSecrecy, beside: "case_side s"})
		case access.PersonColumn:
			out = append(out, line{column: "n.person_id", node: w.Node, max: w.MaxSecrecy, beside: "case_named n"})
		default:
			out = append(out, line{column: "c." + w.Column, node: w.Node, max: w.MaxSecrecy})
		}
	}
	return out
}

// mine are the lines of what waits for the posts the actor holds or stands in
// for: theirs, what they act for, and what they are asked to decide.
func mine(by *access.Actor) []line {
	var out []line
	posts := []id.ID{by.Post}
	for _, g := range by.Grants {
		posts = append(posts, g.Post)
	}
	var seen []id.ID
	for _, p := range posts {
		if p.IsZero() || slices.Contains(seen, p) {
			continue
		}
		seen = append(seen, p)
		for _, l := range lines([]access.Walk{{Column: access.PostColumn, Node: p, MaxSecrecy: journal.Named}}) {
			switch l.column {
			case "c.handler_post_id":
				continue
			case "s.post_id":
				l.also = " AND s.kind = '" + sideEscalate + "'" // who helps has a task
			}
			out = append(out, l)
		}
	}
	return out
}

// condition is what a filter adds to each line's query.
type condition struct {
	sql  strings.Builder
	args []any
	item string
}

func (q *condition) and(sql string, arg any) {
	q.args = append(q.args, arg)
	fmt.Fprintf(&q.sql, " AND "+sql, len(q.args)+fixedArgs)
}

func (q *condition) in(column string, nodes []id.ID) {
	if len(nodes) == 1 {
		q.and(column+" = $%d", nodes[0])
		return
	}
	marks := make([]string, len(nodes))
	for i, v := range nodes {
		q.args = append(q.args, v)
		marks[i] = fmt.Sprintf("$%d", len(q.args)+fixedArgs)
	}
	q.sql.WriteString(" AND " + column + " IN (" + strings.Join(marks, ", ") + ")")
}

// heirsToo lets a filter by a node find the cases of what the node inherited:
// closed ones stay where they were.
func (d *Desk) heirsToo(tx *db.Tx, f *Filter) error {
	o, err := d.org.Snapshot(tx)
	if err != nil {
		return err
	}
	f.inherited = map[id.ID][]id.ID{}
	for _, node := range []id.ID{f.Street, f.Platform, f.Grid, f.Department} {
		if !node.IsZero() {
			f.inherited[node] = o.Inherited(node, tx.Now())
		}
	}
	return nil
}

// fixedArgs are the arguments every line's query has: node, state, secrecy and
// the order's two values.
const fixedArgs = 5

// nearAhead is how far ahead of its deadline a case can count as due soon: four
// hours of running time, with the longest holiday and a weekend between.
const nearAhead = 14 * 24 * time.Hour

func (f Filter) condition(now time.Time) *condition {
	q := &condition{item: f.Item}
	if f.View != "mine" {
		// A verification or check is part of its case; only who must do it
		// finds it in a list.
		q.sql.WriteString(" AND c.parent_id IS NULL")
	}
	// What a list is cut by is looked at on the walk; no other index is to be taken
	// for it (see narrowed), or whoever has little of a common item reads it all.
	if f.Item != "" {
		q.and("COALESCE(c.item, c.item) = $%d", f.Item)
	}
	for column, node := range map[string]id.ID{"street_id": f.Street, "platform_id": f.Platform, "grid_id": f.Grid, "department_id": f.Department} {
		if !node.IsZero() {
			q.in("COALESCE(c."+column+", c."+column+")", append([]id.ID{node}, f.inherited[node]...))
		}
	}
	if f.Channel != "" {
		q.and("c.channel = $%d", f.Channel)
	}
	switch {
	case f.Late:
		q.and("c.list_at < $%d", now.UnixMilli())
	case f.Near:
		q.and("c.list_at >= $%d", now.UnixMilli())
		q.and("c.list_at < $%d", now.Add(nearAhead).UnixMilli())
		q.and("c.near_at <= $%d", now.UnixMilli())
	}
	return q
}

// List gives one page of the cases the actor may see, in the order of their due
// time, closed ones newest first. Each granted node and state is one walk along
// one index with a limit; the walks are merged here. (DESIGN.md section 5)
func (d *Desk) List(tx *db.Tx, by *access.Actor, f Filter, after *Cursor, limit int) ([]Case, *Cursor, error) {
	states, err := f.states()
	if err != nil {
		return nil, nil, err
	}
	if err := d.heirsToo(tx, &f); err != nil {
		return nil, nil, err
	}
	if f.View == "watched" {
		return d.watched(tx, by, f, states, after, limit)
	}
	if f.Query != "" {
		return d.search(tx, by, f, states, after, limit)
	}
	ls := lines(by.Walks("case.view"))
	if f.View == "mine" {
		ls = mine(by)
	} else {
		ls = narrowed(ls, f)
	}
	q := f.condition(tx.Now())
	var found []stand
	for _, s := range states {
		for _, l := range ls {
			if found, err = stands(tx, found, l, s, q, after, limit+1); err != nil {
				return nil, nil, err
			}
		}
	}
	slices.SortFunc(found, func(a, b stand) int { return cmp.Or(cmp.Compare(a.at, b.at), a.id.Compare(b.id)) })
	found = slices.CompactFunc(found, func(a, b stand) bool { return a.id == b.id })
	if f.View != "mine" {
		found = found[:min(len(found), limit+1)]
	}
	out, err := pageOf(tx, found)
	if err != nil {
		return nil, nil, err
	}
	if f.View == "mine" {
		out = slices.DeleteFunc(out, func(c Case) bool { return !sees(by, c) })
	}
	if len(out) <= limit {
		return out, nil, nil
	}
	out = out[:limit]
	last := out[limit-1]
	return out, &Cursor{At: last.listAt(), ID: last.ID}, nil
}

// stand is a case's place in the order of lists.
type stand struct {
	at int64
	id id.ID
}

// stands adds where the cases of one line in one state stand: of the many that the
// lines find together most are on a later page, so their rows are not read here.
func stands(tx *db.Tx, found []stand, l line, s State, q *condition, after *Cursor, limit int) ([]stand, error) {
	rows, err := tx.Query(l.query(l.order(), q, limit), l.walked(s, q, after)...)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var k stand
		if err := rows.Scan(&k.at, &k.id); err != nil {
			return nil, fmt.Errorf("read cases: %w", err)
		}
		found = append(found, k)
	}
	return found, rows.Err()
}

// pageOf reads cases in the given order.
func pageOf(tx *db.Tx, found []stand) ([]Case, error) {
	place := make(map[id.ID]int, len(found))
	for i, k := range found {
		place[k.id] = i
	}
	var out []Case
	for some := range slices.Chunk(found, 64) {
		marks, args := db.Among(some, func(k stand) any { return k.id })
		cases, err := many(tx, `SELECT `+caseColumns+` FROM cases WHERE id IN (`+marks+`)`, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, cases...)
	}
	slices.SortFunc(out, func(a, b Case) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return out, nil
}

// walk reads one line in one state.
func walk(tx *db.Tx, l line, s State, q *condition, after *Cursor, limit int) ([]Case, error) {
	return many(tx, l.query(prefixed, q, limit), l.walked(s, q, after)...)
}

// walked are the arguments of the line's query behind a cursor.
func (l line) walked(s State, q *condition, after *Cursor) []any {
	at, last := int64(-1)<<62, id.ID{}
	if after != nil {
		at, last = after.At, after.ID
	}
	args := l.arguments(s, append([]any{at, last[:]}, q.args...)...)
	if l.column == "c.item" {
		args[0] = q.item
	}
	return args
}

// order are the columns of the line's order.
func (l line) order() string {
	_, _, at, last := l.from()
	return at + ", " + last
}

// query reads one line in its order; a test shows that it walks one index and
// sorts nothing.
func (l line) query(columns string, q *condition, limit int) string {
	tables, _, at, last := l.from()
	return `SELECT ` + columns + ` FROM ` + tables + ` WHERE ` + l.where(fixedArgs+len(q.args)) + ` AND (` + at + `, ` + last + `) > ($4, $5)` +
		strings.ReplaceAll(q.sql.String(), "c.list_at", at) + fmt.Sprintf(` ORDER BY %s, %s LIMIT %d`, at, last, limit)
}

// prefixed are the columns of a case in a query with a join.
var prefixed = func() string {
	names := strings.FieldsFunc(caseColumns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	return "c." + strings.Join(names, ", c.")
}()

// search lists what a query finds, newest first.
func (d *Desk) search(tx *db.Tx, by *access.Actor, f Filter, states []State, after *Cursor, limit int) ([]Case, *Cursor, error) {
	terms, err := queryTerms(f.Query)
	if err != nil {
		return nil, nil, err
	}
	before := int64(1) << 62
	if after != nil && after.Serial > 0 {
		before = after.Serial
	}
	if f.View != "mine" { // which has tasks too, and those are not in the index
		hits, err := foundAnywhere(tx, terms, before)
		if err != nil {
			return nil, nil, err
		}
		if len(hits) < maxHits {
			return d.searchRare(tx, by, f, states, hits, limit)
		}
	}
	var hits []hit
	full := false
	for _, w := range by.Walks("case.view") {
		if w.Column == access.PostColumn || w.Column == access.PersonColumn {
			continue
		}
		some, err := found(tx, w, terms, before)
		if err != nil {
			return nil, nil, err
		}
		full = full || len(some) == maxHits
		hits = append(hits, some...)
	}
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Compare(b.serial, a.serial) })
	hits = slices.CompactFunc(hits, func(a, b hit) bool { return a.id == b.id })
	var out []Case
	var next *Cursor
	for i, h := range hits {
		c, err := get(tx, h.id)
		if err != nil {
			return nil, nil, err
		}
		if sees(by, c) && slices.Contains(states, c.State) && f.keeps(c, tx.Now()) && contains(c, f.Query) {
			out = append(out, c)
		}
		if len(out) == limit && (i+1 < len(hits) || full) {
			next = &Cursor{Serial: h.serial}
			break
		}
	}
	if next == nil && full && len(hits) > 0 {
		next = &Cursor{Serial: hits[len(hits)-1].serial}
	}
	if after == nil || after.Serial == 0 {
		// What a person reaches only through the own post or by name is little
		// and read as a list.
		own, err := d.ownHits(tx, by, f, states)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range own {
			if !slices.ContainsFunc(out, func(o Case) bool { return o.ID == c.ID }) {
				out = append(out, c)
			}
		}
	}
	return out, next, nil
}

// searchRare looks at all cases that have rare words, whoever may see them: one
// look into the index, however many nodes the actor may look at.
func (d *Desk) searchRare(tx *db.Tx, by *access.Actor, f Filter, states []State, hits []hit, limit int) ([]Case, *Cursor, error) {
	cases, err := casesOf(tx, hits)
	if err != nil {
		return nil, nil, err
	}
	serial := make(map[id.ID]int64, len(hits))
	for _, h := range hits {
		serial[h.id] = h.serial
	}
	var out []Case
	for _, c := range cases {
		if !sees(by, c) || !slices.Contains(states, c.State) || !f.keeps(c, tx.Now()) || !contains(c, f.Query) {
			continue
		}
		if len(out) == limit {
			return out, &Cursor{Serial: serial[out[limit-1].ID]}, nil
		}
		out = append(out, c)
	}
	return out, nil, nil
}

// ownHits searches what reaches the actor by post or by name only, among the
// actor's own cases: the words are common.
func (d *Desk) ownHits(tx *db.Tx, by *access.Actor, f Filter, states []State) ([]Case, error) {
	own := slices.DeleteFunc(slices.Clone(by.Walks("case.view")), func(w access.Walk) bool {
		return w.Column != access.PostColumn && w.Column != access.PersonColumn
	})
	if len(own) == 0 {
		return nil, nil
	}
	q := f.condition(tx.Now())
	var out []Case
	for _, l := range lines(own) {
		for _, s := range states {
			some, err := walk(tx, l, s, q, nil, maxHits)
			if err != nil {
				return nil, err
			}
			for _, c := range some {
				if contains(c, f.Query) && !slices.ContainsFunc(out, func(o Case) bool { return o.ID == c.ID }) {
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// casesOf reads the cases of hits, newest first.
func casesOf(tx *db.Tx, hits []hit) ([]Case, error) {
	if len(hits) == 0 {
		return nil, nil
	}
	args, marks := make([]any, len(hits)), make([]string, len(hits))
	serial := make(map[id.ID]int64, len(hits))
	for i, h := range hits {
		args[i], marks[i], serial[h.id] = h.id, fmt.Sprintf("$%d", i+1), h.serial
	}
	out, err := many(tx, `SELECT `+caseColumns+` FROM cases WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
	slices.SortFunc(out, func(a, b Case) int { return cmp.Compare(serial[b.ID], serial[a.ID]) })
	return out, err
}

// keeps is the filter's condition on a case that was found by its words.
func (f Filter) keeps(c Case, now time.Time) bool {
	at := func(want, is id.ID) bool {
		return want.IsZero() || want == is || slices.Contains(f.inherited[want], is)
	}
	return (f.Item == "" || f.Item == c.Item) && at(f.Street, c.Street) && at(f.Platform, c.Platform) && at(f.Grid, c.Grid) && at(f.Department, c.Department) &&
		(f.Channel == "" || f.Channel == c.Channel) && (!f.Late || c.Clock.Late(now)) && (!f.Near || c.near(now))
}

// near says whether a case is due soon.
func (c Case) near(now time.Time) bool {
	return !c.Clock.Near.IsZero() && !now.Before(c.Clock.Near) && !c.Clock.Late(now)
}

// Counts are how many cases wait where (件数). A count above countMost is told
// as countMost: a screen shows "1000+", and no reader pays for counting more.
type Counts struct {
	AsOf    time.Time        `json:"as_of"`
	ByState map[string]int64 `json:"by_state"`
	Mine    int64            `json:"mine"`
	Overdue int64            `json:"overdue"`
	Near    int64            `json:"near"`
	Watched int64            `json:"watched"`
}

const countMost = 1_000

// Counts counts the open cases the actor may see, each once, and what waits for
// the actor's posts.
func (d *Desk) Counts(tx *db.Tx, by *access.Actor) (Counts, error) {
	now := tx.Now()
	n := Counts{AsOf: now, ByState: map[string]int64{}}
	walks := by.Walks("case.view")
	for _, s := range openStates {
		total, late, near, err := count(tx, walks, s, now)
		if err != nil {
			return n, err
		}
		n.ByState[string(s)] = total
		n.Overdue += late
		n.Near += near
	}
	seen := map[id.ID]bool{}
	f := Filter{View: "mine"}
	for _, l := range mine(by) {
		for _, s := range openStates {
			some, err := walkIDs(tx, l, s, f.condition(now))
			if err != nil {
				return n, err
			}
			for _, v := range some {
				seen[v] = true
			}
		}
	}
	n.Mine = int64(len(seen))
	watched, err := seenWatched(tx, by)
	if err != nil {
		return n, err
	}
	n.Watched = int64(len(watched))
	return n, nil
}

// countRow is as little of a case as counting needs.
type countRow struct {
	id        id.ID
	due, near int64
}

// count counts one state over all walks, each case once.
func count(tx *db.Tx, walks []access.Walk, s State, now time.Time) (total, late, near int64, err error) {
	seen := map[id.ID]bool{}
	ls := lines(walks)
	for _, l := range ls {
		tables, _, at, last := l.from()
		rows, err := tx.Query(`SELECT c.id, c.list_at, COALESCE(c.near_at, 0) FROM `+tables+` WHERE `+l.where(3)+` AND c.parent_id IS NULL`+
			fmt.Sprintf(` ORDER BY %s, %s LIMIT %d`, at, last, countMost), l.arguments(s)...)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("count cases: %w", err)
		}
		for rows.Next() {
			var r countRow
			if err := rows.Scan(&r.id, &r.due, &r.near); err != nil {
				rows.Close()
				return 0, 0, 0, fmt.Errorf("count cases: %w", err)
			}
			if len(ls) > 1 {
				if seen[r.id] {
					continue
				}
				seen[r.id] = true
			}
			total++
			switch at := now.UnixMilli(); {
			case r.due < at:
				late++
			case r.near > 0 && r.near <= at:
				near++
			}
		}
		if err := rows.Err(); err != nil {
			rows.Close()
			return 0, 0, 0, fmt.Errorf("count cases: %w", err)
		}
		rows.Close()
	}
	return min(total, countMost), late, near, nil
}

func walkIDs(tx *db.Tx, l line, s State, q *condition) ([]id.ID, error) {
	tables, _, at, last := l.from()
	rows, err := tx.Query(`SELECT c.id FROM `+tables+` WHERE `+l.where(fixedArgs+len(q.args))+` AND (`+at+`, `+last+`) > ($4, $5)`+
		q.sql.String()+fmt.Sprintf(` LIMIT %d`, countMost), l.arguments(s, append([]any{int64(-1) << 62, make([]byte, 16)}, q.args...)...)...)
	if err != nil {
		return nil, fmt.Errorf("count cases: %w", err)
	}
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var v id.ID
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("count cases: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
